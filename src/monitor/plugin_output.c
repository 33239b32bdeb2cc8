/* plugin_output.c: see plugin_output.h. */
#include "monitor/plugin_output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 64

/* ---- numbers, in the C locale whatever ours is: strtod is never given another ---- */

static bool is_number_byte(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

/* The longest run at the start that is one number: "56%", "1.5e3s", ".42", "23.". */
static bool take_number(struct str *text, double *ret_value)
{
	char digits[NUMBER_BYTES];
	size_t length = 0;
	while (length < text->len && length < sizeof digits - 1 && is_number_byte(text->ptr[length]))
		length++;
	memcpy(digits, text->ptr != NULL ? text->ptr : "", length);
	digits[length] = '\0';
	char *end = digits;
	double value = strtod(digits, &end);
	if (end == digits || !isfinite(value))
		return false;
	*text = str_sub(*text, (size_t)(end - digits), text->len);
	*ret_value = value;
	return true;
}

static bool whole_number(struct str text, double *ret_value)
{
	return take_number(&text, ret_value) && text.len == 0;
}

/* ---- ranges ---- */

bool plugin_range_read(struct str text, struct plugin_range *ret_range)
{
	struct plugin_range range = { .given = true, .low = 0, .high = INFINITY };
	struct str low, high;
	if (text.len == 0)
		return false;
	range.inside = text.ptr[0] == '@';
	text = str_sub(text, range.inside, text.len);
	bool pair = str_cut(text, ':', &low, &high);
	if (!pair) {
		high = text;
		low = STR_NONE;
	}
	if (str_is(low, "~"))
		range.low = -INFINITY;
	else if (low.len > 0 && !whole_number(low, &range.low))
		return false;
	if (high.len > 0 && !whole_number(high, &range.high))
		return false;
	if (range.low > range.high || (!pair && high.len == 0))
		return false;
	*ret_range = range;
	return true;
}

bool plugin_range_alerts(const struct plugin_range *range, double value)
{
	if (!range->given)
		return false;
	bool within = value >= range->low && value <= range->high;
	return within == range->inside;
}

const char *plugin_figure_state(const struct plugin_figure *figure)
{
	if (!figure->known)
		return "unknown";
	if (plugin_range_alerts(&figure->crit, figure->value))
		return "crit";
	return plugin_range_alerts(&figure->warn, figure->value) ? "warn" : "ok";
}

/* ---- figures ---- */

/* 'it''s' is quoted, and '' in it is one quote; else up to the '='. */
static bool take_label(struct str *rest, char ret_label[PLUGIN_LABEL_BYTES])
{
	size_t at = 0, used = 0;
	bool quoted = rest->len > 0 && rest->ptr[0] == '\'';
	at += quoted;
	for (; at < rest->len; at++) {
		char c = rest->ptr[at];
		if (quoted && c == '\'') {
			if (at + 1 >= rest->len || rest->ptr[at + 1] != '\'')
				break;
			at++;
		} else if (!quoted && (c == '=' || c == ' ')) {
			break;
		}
		if (used < PLUGIN_LABEL_BYTES - 1)
			ret_label[used++] = c;
	}
	at += quoted;
	ret_label[used] = '\0';
	if (used == 0 || at >= rest->len || rest->ptr[at] != '=')
		return false;
	*rest = str_sub(*rest, at + 1, rest->len);
	return true;
}

static bool take_value(struct str text, struct plugin_figure *figure)
{
	if (str_is(text, "U"))
		return true;
	if (!take_number(&text, &figure->value) || text.len >= PLUGIN_UNIT_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((text.ptr[i] >= '0' && text.ptr[i] <= '9') || strchr(",;=\"'", text.ptr[i]) != NULL)
			return false;
	figure->known = true;
	snprintf(figure->unit, sizeof figure->unit, STR_FMT, STR_ARG(text));
	return true;
}

static bool read_figure(struct str fields, struct plugin_figure *figure)
{
	struct str field, rest = fields;
	str_cut(rest, ';', &field, &rest);
	if (!take_value(field, figure))
		return false;
	str_cut(rest, ';', &field, &rest);
	plugin_range_read(field, &figure->warn);
	str_cut(rest, ';', &field, &rest);
	plugin_range_read(field, &figure->crit);
	str_cut(rest, ';', &field, &rest);
	figure->has_min = whole_number(field, &figure->min);
	str_cut(rest, ';', &field, &rest);
	figure->has_max = whole_number(field, &figure->max);
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void read_figures(struct str text, struct plugin_output *output)
{
	struct str rest = str_trim(text);
	while (rest.len > 0 && output->count < PLUGIN_FIGURES_MAX) {
		struct plugin_figure figure = { .known = false };
		bool labelled = take_label(&rest, figure.label);
		size_t length = 0;
		while (length < rest.len && !is_blank(rest.ptr[length]))
			length++;
		if (labelled && read_figure(str_sub(rest, 0, length), &figure))
			output->figures[output->count++] = figure;
		rest = str_trim(str_sub(rest, length, rest.len));
	}
}

void plugin_output_read(struct str printed, struct plugin_output *ret_output)
{
	struct str first, rest, figures, more;
	*ret_output = (struct plugin_output){ .count = 0 };
	buf_init(&ret_output->text, PLUGIN_LONG_BYTES_MAX);
	str_cut(str_trim(printed), '\n', &first, &rest);
	str_cut(first, '|', &ret_output->line, &figures);
	ret_output->line = str_trim(ret_output->line);
	read_figures(figures, ret_output);
	str_cut(rest, '|', &rest, &more);
	buf_add(&ret_output->text, str_sub(str_trim(rest), 0, PLUGIN_LONG_BYTES_MAX - 1));
	read_figures(more, ret_output);
}

void plugin_output_finish(struct plugin_output *output)
{
	buf_finish(&output->text);
}

/* ---- writing ---- */

static void write_range(struct json_writer *json, const char *key, const struct plugin_range *range)
{
	char low[JSON_REAL_BYTES] = "~", high[JSON_REAL_BYTES] = "", text[2 * JSON_REAL_BYTES + 4];
	if (!range->given) {
		json_field_null(json, key);
		return;
	}
	if (isfinite(range->low))
		snprintf(low, sizeof low, "%.15g", range->low);
	if (isfinite(range->high))
		snprintf(high, sizeof high, "%.15g", range->high);
	snprintf(text, sizeof text, "%s%s:%s", range->inside ? "@" : "", low, high);
	json_field_cstr(json, key, text);
}

static void write_bound(struct json_writer *json, const char *key, bool given, double value)
{
	if (given)
		json_field_real(json, key, value);
	else
		json_field_null(json, key);
}

void plugin_figures_write(const struct plugin_output *output, struct json_writer *json)
{
	json_list_begin(json);
	for (unsigned i = 0; i < output->count; i++) {
		const struct plugin_figure *figure = &output->figures[i];
		json_map_begin(json);
		json_field_cstr(json, "label", figure->label);
		write_bound(json, "value", figure->known, figure->value);
		json_field_cstr(json, "unit", figure->unit);
		json_field_cstr(json, "state", plugin_figure_state(figure));
		write_range(json, "warn", &figure->warn);
		write_range(json, "crit", &figure->crit);
		write_bound(json, "min", figure->has_min, figure->min);
		write_bound(json, "max", figure->has_max, figure->max);
		json_map_end(json);
	}
	json_list_end(json);
}
