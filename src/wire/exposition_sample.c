/* exposition_sample.c: one sample: name{labels} value time # {labels} value time. See exposition.h. */
#include "wire/exposition_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/number.h"

#define SECONDS_MAX 9.2e15 /* as milliseconds within int64 */

static bool is_openmetrics(const struct cursor *cursor)
{
	return cursor->of->options.format == EXPOSITION_OPENMETRICS;
}

/* In the text format blanks may stand nearly everywhere, in OpenMetrics nowhere but where it says so. */
static void skip_blanks(struct cursor *cursor)
{
	while (!is_openmetrics(cursor) && cursor->at < cursor->end && exposition_is_blank(*cursor->at))
		cursor->at++;
}

static bool stands(const struct cursor *cursor, char byte)
{
	return cursor->at < cursor->end && *cursor->at == byte;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_byte(char c, bool colon, bool first)
{
	return is_letter(c) || (colon && c == ':') || (!first && c >= '0' && c <= '9');
}

static bool is_name(struct str name, bool colon)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_name_byte(name.ptr[i], colon, i == 0))
			return false;
	return name.len > 0;
}

bool exposition_is_metric_name(struct str name)
{
	return is_name(name, true);
}

bool exposition_is_label_name(struct str name)
{
	return is_name(name, false);
}

static struct str take_word(struct cursor *cursor, bool colon)
{
	const char *begun = cursor->at;
	while (cursor->at < cursor->end && is_name_byte(*cursor->at, colon, cursor->at == begun))
		cursor->at++;
	return (struct str){ begun, (size_t)(cursor->at - begun) };
}

/* ---- quoted texts ---- */

/* Up to the quote that ends it, escapes left in. False: it does not end. */
static bool take_quoted(struct cursor *cursor, struct str *ret_raw)
{
	const char *begun = ++cursor->at;
	for (; cursor->at < cursor->end; cursor->at++) {
		if (*cursor->at == '"') {
			*ret_raw = (struct str){ begun, (size_t)(cursor->at++ - begun) };
			return true;
		}
		cursor->at += *cursor->at == '\\' && cursor->at + 1 < cursor->end;
	}
	return false;
}

enum err exposition_unescape(struct exposition *exposition, struct str text, bool quotes, struct str *ret_text,
			     struct error *err)
{
	bool strict = exposition->options.strict && exposition->options.format == EXPOSITION_TEXT;
	if (!str_has(text, '\\')) {
		*ret_text = text;
		return OK;
	}
	/* The texts of a line together are no longer than the line, which has its room. */
	assert(exposition->scratch_used + text.len <= exposition->scratch_size);
	char *out = exposition->scratch + exposition->scratch_used, *begun = out;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
		bool escape = c == '\\' && (next == '\\' || next == 'n' || (quotes && next == '"'));
		if (c == '\\' && !escape && strict)
			return exposition_refuse(exposition, err, "invalid escape sequence '\\%c'", next);
		*out++ = !escape ? c : next == 'n' ? '\n' : next;
		i += escape;
	}
	*ret_text = (struct str){ begun, (size_t)(out - begun) };
	exposition->scratch_used += ret_text->len;
	return OK;
}

static enum err read_quoted(struct cursor *cursor, const char *what, struct str *ret_text, struct error *err)
{
	struct str raw;
	if (!take_quoted(cursor, &raw))
		return exposition_refuse(cursor->of, err, "%s does not end in a quote", what);
	if (!str_is_utf8(raw))
		return exposition_refuse(cursor->of, err, "%s is not valid UTF-8", what);
	return exposition_unescape(cursor->of, raw, true, ret_text, err);
}

static enum err read_quoted_name(struct cursor *cursor, struct str *ret_name, struct error *err)
{
	if (cursor->of->options.plain_names)
		return exposition_refuse(cursor->of, err, "a name in quotes needs version 1.0.0 of the format");
	enum err r = read_quoted(cursor, "a name", ret_name, err);
	if (r == OK && ret_name->len == 0)
		return exposition_refuse(cursor->of, err, "a name is empty");
	return r;
}

enum err exposition_name_take(struct cursor *cursor, struct str *ret_name, struct error *err)
{
	if (stands(cursor, '"'))
		return read_quoted_name(cursor, ret_name, err);
	*ret_name = take_word(cursor, true);
	return OK;
}

/* ---- labels ---- */

/* The labels of a series, or of an exemplar, which has no name. */
struct list {
	struct exposition_label *rows;
	size_t count;
	struct str *name; /* of the series, when it may stand in the braces; else NULL */
};

static enum err add_label(struct cursor *cursor, struct list *list, struct str name, struct error *err)
{
	if (str_is(name, "__name__"))
		return exposition_refuse(cursor->of, err, "label name \"__name__\" is reserved");
	if (list->count == EXPOSITION_LABELS_MAX)
		return exposition_refuse(cursor->of, err, "more than %u labels", EXPOSITION_LABELS_MAX);
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->rows[i].name, name))
			return exposition_refuse(cursor->of, err, "label \"" STR_FMT "\" comes twice", STR_ARG(name));
	list->rows[list->count] = (struct exposition_label){ .name = name };
	cursor->at++;
	skip_blanks(cursor);
	if (!stands(cursor, '"'))
		return exposition_refuse(cursor->of, err, "expected '\"' at the start of the value of label \"" STR_FMT "\"",
					 STR_ARG(name));
	return read_quoted(cursor, "a label value", &list->rows[list->count++].value, err);
}

/* name="value", or "name in quotes"="value", or the quoted name of the series. */
static enum err read_member(struct cursor *cursor, struct list *list, struct error *err)
{
	bool quoted = stands(cursor, '"');
	struct str name = STR_NONE;
	if (quoted) {
		enum err r = read_quoted_name(cursor, &name, err);
		if (r != OK)
			return r;
	} else {
		name = take_word(cursor, false);
		if (name.len == 0)
			return exposition_refuse(cursor->of, err, "invalid label name");
	}
	skip_blanks(cursor);
	if (stands(cursor, '='))
		return add_label(cursor, list, name, err);
	if (!quoted || list->name == NULL || list->name->len > 0)
		return exposition_refuse(cursor->of, err, "expected '=' after label name \"" STR_FMT "\"", STR_ARG(name));
	*list->name = name;
	return OK;
}

/* From the opening brace to behind the closing one. */
static enum err read_labels(struct cursor *cursor, struct list *list, struct error *err)
{
	bool trailing = !(is_openmetrics(cursor) && cursor->of->options.strict), more = false;
	cursor->at++;
	for (;;) {
		skip_blanks(cursor);
		if (stands(cursor, '}') && (!more || trailing)) {
			cursor->at++;
			return OK;
		}
		enum err r = read_member(cursor, list, err);
		if (r != OK)
			return r;
		skip_blanks(cursor);
		more = stands(cursor, ',');
		cursor->at += more;
		if (!more && !stands(cursor, '}'))
			return exposition_refuse(cursor->of, err, "expected ',' or '}' after a label");
	}
}

/* ---- the series ---- */

/* Behind its last byte, without reading its labels; NULL: it does not end. */
static const char *series_end(const struct cursor *from)
{
	struct cursor cursor = *from;
	struct str ignored;
	take_word(&cursor, true);
	const char *bare = cursor.at;
	skip_blanks(&cursor);
	if (!stands(&cursor, '{'))
		return bare;
	while (cursor.at < cursor.end && *cursor.at != '}') {
		if (*cursor.at != '"')
			cursor.at++;
		else if (!take_quoted(&cursor, &ignored))
			return NULL;
	}
	return cursor.at < cursor.end ? cursor.at + 1 : NULL;
}

static enum err read_series(struct cursor *cursor, struct exposition_item *item, struct error *err)
{
	struct list list = { cursor->of->labels, 0, &item->name };
	const char *begun = cursor->at;
	enum err r = OK;
	item->name = take_word(cursor, true);
	const char *end = cursor->at;
	if (item->name.len == 0 && !stands(cursor, '{'))
		return exposition_refuse(cursor->of, err, "invalid metric name");
	skip_blanks(cursor);
	if (stands(cursor, '{')) {
		r = read_labels(cursor, &list, err);
		end = cursor->at;
	}
	if (r == OK && item->name.len == 0)
		return exposition_refuse(cursor->of, err, "invalid metric name");
	item->series = (struct str){ begun, (size_t)(end - begun) };
	item->labels = list.rows;
	item->count = list.count;
	return r;
}

/* The same, sooner, where nothing is odd: behind the last brace of the line. Odd is an exemplar, which has braces of its own.
 * Where this is not the end, nobody knows the series by these bytes, and its labels are read. */
static const char *likely_end(const struct cursor *cursor)
{
	size_t size = (size_t)(cursor->end - cursor->at);
	const char *brace = memrchr(cursor->at, '}', size);
	bool odd = brace == NULL || (is_openmetrics(cursor) && memchr(cursor->at, '#', size) != NULL);
	return odd ? series_end(cursor) : brace + 1;
}

static enum err take_series(struct cursor *cursor, struct exposition_item *item, struct error *err)
{
	const char *end = cursor->of->options.known != NULL ? likely_end(cursor) : NULL;
	struct str series = { cursor->at, end != NULL ? (size_t)(end - cursor->at) : 0 };
	if (series.len == 0 || !cursor->of->options.known(cursor->of->context, series))
		return read_series(cursor, item, err);
	item->series = series;
	item->known = true;
	cursor->at = end;
	return OK;
}

/* ---- value and time ---- */

static struct str take_token(struct cursor *cursor)
{
	const char *begun = cursor->at;
	while (cursor->at < cursor->end && !exposition_is_blank(*cursor->at))
		cursor->at++;
	return (struct str){ begun, (size_t)(cursor->at - begun) };
}

/* One blank, and not the end: OpenMetrics' only separator. */
static enum err take_blank(struct cursor *cursor, const char *what, struct error *err)
{
	if (!stands(cursor, ' '))
		return exposition_refuse(cursor->of, err, "expected one blank before %s", what);
	cursor->at++;
	return OK;
}

static enum err read_value(struct cursor *cursor, double *ret_value, struct error *err)
{
	struct str token = take_token(cursor);
	if (!number_read(token, ret_value))
		return exposition_refuse(cursor->of, err, "expected a number as value, got \"" STR_FMT "\"",
					 STR_ARG(str_sub(token, 0, 80)));
	return OK;
}

static enum err read_seconds(struct cursor *cursor, double *ret_seconds, struct error *err)
{
	struct str token = take_token(cursor);
	if (!number_read(token, ret_seconds) || !isfinite(*ret_seconds))
		return exposition_refuse(cursor->of, err, "expected seconds as timestamp, got \"" STR_FMT "\"",
					 STR_ARG(str_sub(token, 0, 80)));
	return OK;
}

static int64_t to_ms(double seconds)
{
	if (seconds >= SECONDS_MAX || seconds <= -SECONDS_MAX)
		return seconds > 0 ? INT64_MAX : INT64_MIN;
	return llround(seconds * 1000);
}

static enum err read_exemplar(struct cursor *cursor, struct exposition_item *item, struct error *err)
{
	struct exposition_exemplar *exemplar = &item->exemplar;
	struct list list = { cursor->of->exemplar_labels, 0, NULL };
	cursor->at++;
	enum err r = take_blank(cursor, "the labels of an exemplar", err);
	if (r == OK && !stands(cursor, '{'))
		return exposition_refuse(cursor->of, err, "expected '{' at the start of an exemplar");
	if (r == OK)
		r = read_labels(cursor, &list, err);
	if (r == OK)
		r = take_blank(cursor, "the value of an exemplar", err);
	if (r == OK)
		r = read_value(cursor, &exemplar->value, err);
	if (r == OK && cursor->at < cursor->end) {
		exemplar->has_time = true;
		r = take_blank(cursor, "the timestamp of an exemplar", err);
		if (r == OK)
			r = read_seconds(cursor, &exemplar->time_seconds, err);
	}
	exemplar->labels = list.rows;
	exemplar->count = list.count;
	item->has_exemplar = true;
	return r;
}

static enum err read_openmetrics_rest(struct cursor *cursor, struct exposition_item *item, struct error *err)
{
	enum err r = take_blank(cursor, "the value", err);
	if (r == OK)
		r = read_value(cursor, &item->value, err);
	for (int part = 0; r == OK && cursor->at < cursor->end; part++) {
		if (part > 1 || item->has_exemplar)
			return exposition_refuse(cursor->of, err, "there is something after the sample");
		r = take_blank(cursor, "what follows", err);
		if (r != OK)
			return r;
		if (stands(cursor, '#')) {
			r = read_exemplar(cursor, item, err);
		} else if (part == 0) {
			item->has_time = true;
			r = read_seconds(cursor, &item->time_seconds, err);
			item->time_ms = r == OK ? to_ms(item->time_seconds) : 0;
		} else {
			return exposition_refuse(cursor->of, err, "there is something after the timestamp");
		}
	}
	return r;
}

/* A blank after the value begins a timestamp for the strict reader, and is nothing for the plain one. */
static enum err read_text_rest(struct cursor *cursor, struct exposition_item *item, struct error *err)
{
	skip_blanks(cursor);
	enum err r = read_value(cursor, &item->value, err);
	if (r != OK || cursor->at == cursor->end)
		return r;
	skip_blanks(cursor);
	if (cursor->at == cursor->end && !cursor->of->options.strict)
		return OK;
	struct str token = take_token(cursor);
	bool plus = token.len > 1 && token.ptr[0] == '+' && token.ptr[1] != '-';
	if (!str_int(str_sub(token, plus, token.len), INT64_MIN, INT64_MAX, &item->time_ms))
		return exposition_refuse(cursor->of, err, "expected an integer as timestamp, got \"" STR_FMT "\"",
					 STR_ARG(str_sub(token, 0, 80)));
	item->has_time = true;
	item->time_seconds = (double)item->time_ms / 1000;
	if (!cursor->of->options.strict)
		skip_blanks(cursor);
	if (cursor->at < cursor->end)
		return exposition_refuse(cursor->of, err, "there is something after the timestamp");
	return OK;
}

enum err exposition_sample_read(struct cursor *cursor, struct exposition_item *item, struct error *err)
{
	enum err r = take_series(cursor, item, err);
	if (r != OK)
		return r;
	return is_openmetrics(cursor) ? read_openmetrics_rest(cursor, item, err) : read_text_rest(cursor, item, err);
}
