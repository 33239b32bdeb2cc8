/* exposition.c: lines, and those that begin with #. See exposition.h. */
#include "wire/exposition_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const char *const type_names[EXPOSITION_TYPE_COUNT] = {
	"unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset",
};

const char *exposition_type_name(enum exposition_type type)
{
	assert(type < EXPOSITION_TYPE_COUNT);
	return type_names[type];
}

enum err exposition_refuse(const struct exposition *exposition, struct error *err, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return error_set(err, ERR_INVALID, "line %u: %s", exposition->line, text);
}

/* ---- metadata ---- */

/* What no strict text knows is taken from a plain one, as newer readers of Prometheus do. */
static bool type_of(const struct exposition_options *options, struct str word, enum exposition_type *ret_type)
{
	bool text = options->format == EXPOSITION_TEXT;
	if (text && word.len == 7 && strncasecmp(word.ptr, "untyped", 7) == 0) {
		*ret_type = EXPOSITION_UNKNOWN;
		return true;
	}
	for (int i = 0; i < EXPOSITION_TYPE_COUNT; i++) {
		enum exposition_type type = (enum exposition_type)i;
		bool old = type == EXPOSITION_COUNTER || type == EXPOSITION_GAUGE || type == EXPOSITION_HISTOGRAM ||
			   type == EXPOSITION_SUMMARY;
		if (text && options->strict && !old)
			continue;
		if (word.len == strlen(type_names[i]) &&
		    (text ? strncasecmp(word.ptr, type_names[i], word.len) : memcmp(word.ptr, type_names[i], word.len)) == 0) {
			*ret_type = type;
			return true;
		}
	}
	return false;
}

static enum err hand_out(struct exposition *exposition, struct exposition_item *item, struct error *err)
{
	item->line = exposition->line;
	return exposition->take(exposition->context, item, err);
}

static enum err read_type(struct exposition *exposition, struct str word, struct exposition_item *item, struct error *err)
{
	item->kind = EXPOSITION_TYPE;
	if (!exposition->options.strict)
		word = str_trim(word);
	if (!type_of(&exposition->options, word, &item->type))
		return exposition_refuse(exposition, err, "unknown metric type \"" STR_FMT "\"", STR_ARG(word));
	return hand_out(exposition, item, err);
}

static enum err read_help(struct exposition *exposition, struct str words, struct exposition_item *item, struct error *err)
{
	item->kind = EXPOSITION_HELP;
	if (!str_is_utf8(words))
		return exposition_refuse(exposition, err, "the help text is not valid UTF-8");
	enum err r = exposition_unescape(exposition, words, exposition->options.format == EXPOSITION_OPENMETRICS,
					 &item->text, err);
	return r != OK ? r : hand_out(exposition, item, err);
}

/* "# HELP name text", with exactly one blank between. */
static enum err read_openmetrics_comment(struct cursor *cursor, struct error *err)
{
	struct exposition *of = cursor->of;
	struct exposition_item item = { .kind = EXPOSITION_EOF };
	struct str line = { cursor->at, (size_t)(cursor->end - cursor->at) }, keyword;
	if (str_is(line, "# EOF")) {
		of->ended = true;
		return hand_out(of, &item, err);
	}
	if (!str_starts(line, STR("# ")) || !str_cut(str_sub(line, 2, line.len), ' ', &keyword, &line))
		return exposition_refuse(of, err, "a comment must be # HELP, # TYPE, # UNIT or # EOF");
	cursor->at = cursor->end - line.len;
	enum err r = exposition_name_take(cursor, &item.name, err);
	if (r != OK)
		return r;
	if (item.name.len == 0)
		return exposition_refuse(of, err, "invalid metric name in \"# " STR_FMT "\"", STR_ARG(keyword));
	if (cursor->at == cursor->end || *cursor->at != ' ')
		return exposition_refuse(of, err, "expected one blank after the metric name \"" STR_FMT "\"",
					 STR_ARG(item.name));
	struct str rest = { cursor->at + 1, (size_t)(cursor->end - cursor->at - 1) };
	if (str_is(keyword, "HELP"))
		return read_help(of, rest, &item, err);
	if (str_is(keyword, "TYPE"))
		return read_type(of, rest, &item, err);
	if (!str_is(keyword, "UNIT"))
		return exposition_refuse(of, err, "a comment must be # HELP, # TYPE, # UNIT or # EOF");
	item.kind = EXPOSITION_UNIT;
	item.text = rest;
	return hand_out(of, &item, err);
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && exposition_is_blank(*cursor->at))
		cursor->at++;
}

/* Anything after # that is not HELP or TYPE is a comment, and so is one of them without all its words. */
static enum err read_text_comment(struct cursor *cursor, struct error *err)
{
	struct exposition *of = cursor->of;
	struct exposition_item item = { .kind = EXPOSITION_HELP };
	cursor->at++;
	skip_blanks(cursor);
	const char *word = cursor->at;
	while (cursor->at < cursor->end && !exposition_is_blank(*cursor->at))
		cursor->at++;
	struct str keyword = { word, (size_t)(cursor->at - word) };
	bool help = str_is(keyword, "HELP"), type = str_is(keyword, "TYPE"), unit = str_is(keyword, "UNIT");
	if (!help && !type && !(unit && !of->options.strict))
		return OK;
	skip_blanks(cursor);
	enum err r = exposition_name_take(cursor, &item.name, err);
	if (r != OK || cursor->at == cursor->end)
		return unit ? OK : r; /* to the format UNIT is any comment */
	if (!exposition_is_blank(*cursor->at) || item.name.len == 0)
		return unit ? OK : exposition_refuse(of, err, "invalid metric name in comment");
	skip_blanks(cursor);
	struct str rest = { cursor->at, (size_t)(cursor->end - cursor->at) };
	if (rest.len == 0)
		return OK;
	if (type)
		return read_type(of, rest, &item, err);
	if (help)
		return read_help(of, rest, &item, err);
	item.kind = EXPOSITION_UNIT;
	item.text = str_trim(rest);
	return hand_out(of, &item, err);
}

/* ---- lines ---- */

static void make_scratch(struct exposition *exposition, struct str line)
{
	exposition->scratch_used = 0;
	if (line.len <= exposition->scratch_size || !str_has(line, '\\'))
		return;
	mem_free(exposition->scratch);
	exposition->scratch = mem_alloc(line.len);
	exposition->scratch_size = line.len;
}

static enum err read_line(struct exposition *exposition, struct str line, struct error *err)
{
	bool text = exposition->options.format == EXPOSITION_TEXT;
	if (line.len == 0)
		line = STR(""); /* what has no address cannot be walked */
	struct cursor cursor = { exposition, line.ptr, line.ptr + line.len };
	exposition->line++;
	if (exposition->ended)
		return exposition_refuse(exposition, err, "there is something after # EOF");
	if (text)
		skip_blanks(&cursor);
	if (cursor.at == cursor.end)
		return text ? OK : exposition_refuse(exposition, err, "blank line");
	if (*cursor.at == '#' && exposition->options.known_comment != NULL && !str_is(line, "# EOF") &&
	    exposition->options.known_comment(exposition->context, line))
		return OK;
	make_scratch(exposition, line);
	if (*cursor.at == '#')
		return text ? read_text_comment(&cursor, err) : read_openmetrics_comment(&cursor, err);
	struct exposition_item item = { .kind = EXPOSITION_SAMPLE };
	enum err r = exposition_sample_read(&cursor, &item, err);
	return r != OK ? r : hand_out(exposition, &item, err);
}

static enum err too_long(struct exposition *exposition, struct error *err)
{
	exposition->line++;
	return error_set(err, ERR_TOO_LARGE, "line %u: it is longer than %zu bytes", exposition->line,
			 exposition->options.line_bytes_max);
}

/* The end of a line that began in an earlier piece. */
static enum err finish_pending(struct exposition *exposition, struct str end, struct error *err)
{
	buf_add(&exposition->pending, end);
	if (exposition->pending.full)
		return too_long(exposition, err);
	enum err r = read_line(exposition, buf_str(&exposition->pending), err);
	buf_reset(&exposition->pending);
	return r;
}

enum err exposition_feed(struct exposition *exposition, struct str bytes, struct error *err)
{
	enum err r = OK;
	while (bytes.len > 0 && r == OK) {
		const char *newline = memchr(bytes.ptr, '\n', bytes.len);
		struct str line = str_sub(bytes, 0, newline != NULL ? (size_t)(newline - bytes.ptr) : bytes.len);
		if (line.len >= exposition->options.line_bytes_max)
			return too_long(exposition, err);
		if (newline == NULL) {
			buf_add(&exposition->pending, line);
			return exposition->pending.full ? too_long(exposition, err) : OK;
		}
		r = exposition->pending.used > 0 ? finish_pending(exposition, line, err) : read_line(exposition, line, err);
		bytes = str_sub(bytes, line.len + 1, bytes.len);
	}
	return r;
}

enum err exposition_end(struct exposition *exposition, struct error *err)
{
	bool text = exposition->options.format == EXPOSITION_TEXT;
	if (text && str_trim(buf_str(&exposition->pending)).len == 0)
		buf_reset(&exposition->pending);
	if (exposition->pending.used > 0) {
		enum err r = finish_pending(exposition, STR_NONE, err);
		if (r != OK)
			return r;
		if (text && exposition->options.strict)
			return exposition_refuse(exposition, err, "the last line does not end in a newline");
	}
	if (!text && !exposition->ended)
		return exposition_refuse(exposition, err, "the text ends without # EOF");
	return OK;
}

uint32_t exposition_line(const struct exposition *exposition)
{
	return exposition->line;
}

struct exposition *exposition_create(const struct exposition_options *options, exposition_take_fn *take, void *context)
{
	struct exposition *exposition = mem_alloc(sizeof *exposition);
	exposition->options = *options;
	exposition->take = take;
	exposition->context = context;
	if (options->line_bytes_max == 0)
		exposition->options.line_bytes_max = EXPOSITION_LINE_BYTES_MAX;
	buf_init(&exposition->pending, exposition->options.line_bytes_max);
	return exposition;
}

void exposition_destroy(struct exposition **exposition)
{
	if (*exposition == NULL)
		return;
	buf_finish(&(*exposition)->pending);
	mem_free((*exposition)->scratch);
	mem_free(*exposition);
	*exposition = NULL;
}

enum err exposition_read(struct str text, const struct exposition_options *options, exposition_take_fn *take,
			 void *context, struct error *err)
{
	struct exposition *exposition = exposition_create(options, take, context);
	enum err r = exposition_feed(exposition, text, err);
	if (r == OK)
		r = exposition_end(exposition, err);
	exposition_destroy(&exposition);
	return r;
}

bool exposition_format_of(struct str content_type, enum exposition_format *ret_format)
{
	struct str media, rest;
	str_cut(content_type, ';', &media, &rest);
	media = str_trim(media);
	if (media.len == 28 && strncasecmp(media.ptr, "application/openmetrics-text", 28) == 0)
		*ret_format = EXPOSITION_OPENMETRICS;
	else if (media.len == 10 && strncasecmp(media.ptr, "text/plain", 10) == 0)
		*ret_format = EXPOSITION_TEXT;
	else
		return false;
	return true;
}
