/* exposition_print.c: items as lines, and whole texts by every rule. See exposition.h. */
#include "wire/exposition_priv.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

/* ---- writing ---- */

static void escape(struct str text, bool quotes, struct buf *buf)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\n')
			buf_adds(buf, "\\n");
		else if (c == '\\' || (quotes && c == '"'))
			buf_printf(buf, "\\%c", c);
		else
			buf_addc(buf, c);
	}
}

static void quote(struct str text, struct buf *buf)
{
	buf_addc(buf, '"');
	escape(text, true, buf);
	buf_addc(buf, '"');
}

static void print_name(struct str name, bool plain, struct buf *buf)
{
	if (plain)
		buf_add(buf, name);
	else
		quote(name, buf);
}

static void print_labels(const struct exposition_label *labels, size_t count, const char *begun, struct buf *buf)
{
	const char *between = begun;
	for (size_t i = 0; i < count; i++) {
		buf_adds(buf, between);
		between = ",";
		print_name(labels[i].name, exposition_is_label_name(labels[i].name), buf);
		buf_addc(buf, '=');
		quote(labels[i].value, buf);
	}
}

static void print_seconds(double seconds, struct buf *buf)
{
	buf_addc(buf, ' ');
	number_print(seconds, NUMBER_FORM_F, buf);
}

static void print_sample(const struct exposition_item *item, enum exposition_format format, struct buf *buf)
{
	bool plain = exposition_is_metric_name(item->name);
	if (item->known) {
		buf_add(buf, item->series);
	} else {
		if (plain)
			buf_add(buf, item->name);
		if (!plain || item->count > 0) {
			buf_addc(buf, '{');
			if (!plain)
				quote(item->name, buf);
			print_labels(item->labels, item->count, plain ? "" : ",", buf);
			buf_addc(buf, '}');
		}
	}
	buf_addc(buf, ' ');
	number_print(item->value, NUMBER_FORM_G, buf);
	if (item->has_time && format == EXPOSITION_TEXT)
		buf_printf(buf, " %lld", (long long)item->time_ms);
	else if (item->has_time)
		print_seconds(item->time_seconds, buf);
	if (!item->has_exemplar || format == EXPOSITION_TEXT)
		return;
	buf_adds(buf, " # {");
	print_labels(item->exemplar.labels, item->exemplar.count, "", buf);
	buf_adds(buf, "} ");
	number_print(item->exemplar.value, NUMBER_FORM_G, buf);
	if (item->exemplar.has_time)
		print_seconds(item->exemplar.time_seconds, buf);
}

void exposition_print(const struct exposition_item *item, enum exposition_format format, struct buf *buf)
{
	static const char *const words[] = { [EXPOSITION_TYPE] = "TYPE", [EXPOSITION_HELP] = "HELP", [EXPOSITION_UNIT] = "UNIT" };
	bool text = format == EXPOSITION_TEXT;
	if (item->kind == EXPOSITION_SAMPLE) {
		print_sample(item, format, buf);
	} else if (item->kind == EXPOSITION_EOF) {
		buf_adds(buf, "# EOF");
	} else {
		buf_printf(buf, "# %s ", words[item->kind]);
		print_name(item->name, exposition_is_metric_name(item->name), buf);
		buf_addc(buf, ' ');
		if (item->kind == EXPOSITION_TYPE)
			buf_adds(buf, text && item->type == EXPOSITION_UNKNOWN ? "untyped" : exposition_type_name(item->type));
		else if (item->kind == EXPOSITION_HELP)
			escape(item->text, !text, buf);
		else
			buf_add(buf, item->text);
	}
	buf_addc(buf, '\n');
}

/* ---- by every rule ---- */

struct strict {
	struct exposition_text text;
	struct exposition_openmetrics *openmetrics; /* NULL: the text format */
	exposition_take_fn *take;
	void *context;
};

static enum err take_strictly(void *context, const struct exposition_item *item, struct error *err)
{
	struct strict *strict = context;
	enum err r = strict->openmetrics != NULL ? exposition_openmetrics_take(strict->openmetrics, item, err) :
						   exposition_text_take(&strict->text, item, err);
	return r == OK && strict->take != NULL ? strict->take(strict->context, item, err) : r;
}

enum err exposition_read_strict(struct str text, enum exposition_format format, exposition_take_fn *take, void *context,
				struct error *err)
{
	struct exposition_options options = { .format = format, .strict = true };
	struct strict strict = { .take = take, .context = context };
	exposition_text_init(&strict.text);
	if (format == EXPOSITION_OPENMETRICS)
		strict.openmetrics = exposition_openmetrics_create();
	enum err r = exposition_read(text, &options, take_strictly, &strict, err);
	exposition_openmetrics_destroy(&strict.openmetrics);
	exposition_text_finish(&strict.text);
	return r;
}
