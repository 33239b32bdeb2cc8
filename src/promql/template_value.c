/* template_value.c: values and what their types are called. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "promql/template_priv.h"

#define NUMBER_BYTES_MAX 400u /* of a text that is read as a number */

static const struct {
	const char *name;
	enum template_kind kind;
} types[] = {
	[TEMPLATE_NOTHING] = { "<nil>", KIND_NONE },
	[TEMPLATE_NIL] = { "<nil>", KIND_NONE },
	[TEMPLATE_BOOL] = { "bool", KIND_BOOL },
	[TEMPLATE_INT] = { "int", KIND_INT },
	[TEMPLATE_INT64] = { "int64", KIND_INT },
	[TEMPLATE_BYTE] = { "uint8", KIND_UINT },
	[TEMPLATE_FLOAT] = { "float64", KIND_FLOAT },
	[TEMPLATE_STRING] = { "string", KIND_STRING },
	[TEMPLATE_HTML] = { "template.HTML", KIND_STRING },
	[TEMPLATE_LABELS] = { "map[string]string", KIND_MAP },
	[TEMPLATE_ARGS] = { "map[string]interface {}", KIND_MAP },
	[TEMPLATE_RESULT] = { "template.queryResult", KIND_LIST },
	[TEMPLATE_SAMPLE] = { "*template.sample", KIND_POINTER },
	[TEMPLATE_TIME] = { "time.Time", KIND_STRUCT },
	[TEMPLATE_TIME_AT] = { "*time.Time", KIND_POINTER },
	[TEMPLATE_DURATION] = { "time.Duration", KIND_INT },
	[TEMPLATE_DURATION_AT] = { "*time.Duration", KIND_POINTER },
	[TEMPLATE_MONTH] = { "time.Month", KIND_INT },
	[TEMPLATE_WEEKDAY] = { "time.Weekday", KIND_INT },
	[TEMPLATE_DATA] = { "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; "
			    "Value interface {} }", KIND_STRUCT },
};

enum template_kind template_kind_of(const struct template_value *value)
{
	return types[value->type].kind;
}

const char *template_type_name(enum template_type type)
{
	return types[type].name;
}

const char *template_type_words(const struct template_value *value)
{
	return value->boxed ? "interface {}" : types[value->type].name;
}

bool template_truth(const struct template_value *value)
{
	switch (types[value->type].kind) {
	case KIND_NONE:
		return false;
	case KIND_BOOL:
		return value->truth;
	case KIND_INT:
	case KIND_UINT:
		return value->number != 0;
	case KIND_FLOAT:
		return value->real != 0;
	case KIND_STRING:
		return value->text.len > 0;
	case KIND_MAP:
		return (value->type == TEMPLATE_LABELS ? value->labels.count : value->args.count) > 0;
	case KIND_LIST:
		return value->result.count > 0;
	case KIND_POINTER:
	case KIND_STRUCT:
		return true;
	}
	return false;
}

struct template_value template_text_value(struct str text)
{
	return (struct template_value){ .type = TEMPLATE_STRING, .text = text };
}

struct template_value template_real_value(double value)
{
	return (struct template_value){ .type = TEMPLATE_FLOAT, .real = value };
}

struct template_value template_int_value(int64_t value)
{
	return (struct template_value){ .type = TEMPLATE_INT, .number = value };
}

struct template_value template_bool_value(bool value)
{
	return (struct template_value){ .type = TEMPLATE_BOOL, .truth = value };
}

bool template_stringer(const struct template_value *value, struct buf *buf)
{
	switch (value->type) {
	case TEMPLATE_TIME:
	case TEMPLATE_TIME_AT:
		template_print_time(value->number, buf);
		return true;
	case TEMPLATE_DURATION:
	case TEMPLATE_DURATION_AT:
		template_print_duration(value->number, buf);
		return true;
	case TEMPLATE_MONTH:
		buf_adds(buf, template_month_name(value->number));
		return true;
	case TEMPLATE_WEEKDAY:
		buf_adds(buf, template_weekday_name(value->number));
		return true;
	default:
		return false;
	}
}

/* ---- a number in a text ---- */

static bool is_digit(char c, bool hex)
{
	return (c >= '0' && c <= '9') || (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

/* Digits with single underscores between them, copied without. Returns how many there are. */
static size_t copy_digits(const char **at, bool hex, char **out)
{
	size_t count = 0;
	while (is_digit(**at, hex) || (**at == '_' && is_digit((*at)[1], hex))) {
		if (**at == '_' && count == 0 && !hex)
			break;
		if (**at != '_') {
			*(*out)++ = **at;
			count++;
		}
		(*at)++;
	}
	return count;
}

/* A decimal, or a hexadecimal with a power of 2, in `out` as strtod reads it. */
static bool spell(const char *at, char *out)
{
	size_t digits = 0;
	bool hex = at[0] == '0' && (at[1] | 0x20) == 'x';
	if (hex) {
		*out++ = *at++;
		*out++ = *at++;
	}
	digits += copy_digits(&at, hex, &out);
	if (*at == '.') {
		*out++ = *at++;
		digits += copy_digits(&at, hex, &out);
	}
	if (digits == 0)
		return false;
	bool power = (*at | 0x20) == (hex ? 'p' : 'e');
	if (power) {
		*out++ = *at++;
		if (*at == '+' || *at == '-')
			*out++ = *at++;
		if (copy_digits(&at, false, &out) == 0)
			return false;
	}
	*out = '\0';
	return *at == '\0' && (power || !hex);
}

enum err template_float_read(struct str text, double *ret_number)
{
	char written[NUMBER_BYTES_MAX], plain[NUMBER_BYTES_MAX];
	if (text.len == 0 || text.len >= sizeof written || str_has(text, '\0'))
		return ERR_INVALID;
	memcpy(written, text.ptr, text.len);
	written[text.len] = '\0';
	bool minus = written[0] == '-', sign = minus || written[0] == '+';
	const char *rest = written + sign;
	double number;
	if (strcasecmp(rest, "inf") == 0 || strcasecmp(rest, "infinity") == 0)
		number = INFINITY;
	else if (strcasecmp(rest, "nan") == 0 && !sign)
		number = NAN;
	else if (!spell(rest, plain))
		return ERR_INVALID;
	else if (isinf(number = strtod(plain, NULL)))
		return ERR_TOO_LARGE;
	*ret_number = minus ? -number : number;
	return OK;
}
