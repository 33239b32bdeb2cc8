/* doc_scalar.c: see doc_scalar.h. YAML 1.2.2 section 10.3.2; YAML 1.1 type repository for the rest. */
#include "wire/doc_scalar.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_BYTES_MAX 512

static bool is_one_of(struct str text, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (str_is(text, *words))
			return true;
	}
	return false;
}

static size_t digits_at(struct str text, size_t at)
{
	size_t from = at;
	while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
		at++;
	return at - from;
}

static bool has_sign(struct str text)
{
	return text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
}

static bool is_whole(struct str text)
{
	size_t at = has_sign(text);
	return at < text.len && at + digits_at(text, at) == text.len;
}

/* [-+]? ( \.[0-9]+ | [0-9]+ ( \.[0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(struct str text)
{
	size_t at = has_sign(text);
	size_t before = digits_at(text, at), after = 0;
	at += before;
	if (at < text.len && text.ptr[at] == '.') {
		after = digits_at(text, ++at);
		at += after;
	}
	if (before + after == 0)
		return false;
	if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
		at++;
		if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
			at++;
		size_t exponent = digits_at(text, at);
		if (exponent == 0)
			return false;
		at += exponent;
	}
	return at == text.len;
}

/* 0x.. and 0o..; false when it is neither. */
static bool based(struct str text, enum doc_scalar_flaw *ret_flaw, int64_t *ret_value)
{
	bool hex = str_starts(text, STR("0x")), octal = str_starts(text, STR("0o"));
	if ((!hex && !octal) || text.len == 2)
		return false;
	uint64_t value = 0, base = hex ? 16 : 8;
	*ret_flaw = DOC_SCALAR_OK;
	for (size_t i = 2; i < text.len; i++) {
		static const char digits[] = "0123456789abcdef";
		char byte = text.ptr[i] >= 'A' && text.ptr[i] <= 'F' ? (char)(text.ptr[i] + 32)
								     : text.ptr[i];
		const char *digit = byte != '\0' ? strchr(digits, byte) : NULL;
		if (digit == NULL || (uint64_t)(digit - digits) >= base)
			return false;
		if (value > (uint64_t)INT64_MAX / base)
			*ret_flaw = DOC_SCALAR_TOO_LARGE;
		else
			value = value * base + (uint64_t)(digit - digits);
	}
	if (value > INT64_MAX)
		*ret_flaw = DOC_SCALAR_TOO_LARGE;
	*ret_value = (int64_t)(value & INT64_MAX);
	return true;
}

static bool has_leading_zero(struct str text)
{
	size_t at = has_sign(text);
	return at + 1 < text.len && text.ptr[at] == '0' && text.ptr[at + 1] >= '0' &&
	       text.ptr[at + 1] <= '9';
}

static enum doc_scalar_flaw resolve_whole(struct str text, struct doc_node *node)
{
	struct str digits = text.ptr[0] == '+' ? str_sub(text, 1, text.len) : text;
	int64_t value;
	if (!str_int(digits, INT64_MIN, INT64_MAX, &value))
		return DOC_SCALAR_TOO_LARGE;
	node->kind = DOC_INT;
	node->integer = value;
	return DOC_SCALAR_OK;
}

static enum doc_scalar_flaw resolve_real(struct str text, struct doc_node *node)
{
	char copy[NUMBER_BYTES_MAX];
	if (text.len >= sizeof copy)
		return DOC_SCALAR_TOO_LARGE;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	double value = strtod(copy, NULL);
	if (!isfinite(value))
		return DOC_SCALAR_TOO_LARGE;
	node->kind = DOC_REAL;
	node->real = value;
	return DOC_SCALAR_OK;
}

static bool is_not_finite(struct str text)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF", NULL };
	static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
	return is_one_of(str_sub(text, has_sign(text), text.len), words) || is_one_of(text, nans);
}

enum doc_scalar_flaw doc_scalar_resolve(struct str text, struct doc_node *ret_node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	assert(ret_node != NULL);
	enum doc_scalar_flaw flaw = DOC_SCALAR_OK;
	ret_node->kind = DOC_TEXT;
	if (is_one_of(text, nulls)) {
		ret_node->kind = DOC_NULL;
	} else if (is_one_of(text, trues) || is_one_of(text, falses)) {
		ret_node->kind = DOC_BOOL;
		ret_node->truth = is_one_of(text, trues);
	} else if (is_not_finite(text)) {
		return DOC_SCALAR_NOT_FINITE;
	} else if (is_whole(text)) {
		return has_leading_zero(text) ? DOC_SCALAR_OK : resolve_whole(text, ret_node);
	} else if (is_real(text)) {
		return has_leading_zero(text) ? DOC_SCALAR_OK : resolve_real(text, ret_node);
	} else if (based(text, &flaw, &ret_node->integer)) {
		ret_node->kind = DOC_INT;
	}
	return flaw;
}

/* Digits with marks between them: numbers in base 60, dates, "1_000", "1.2.3". Also 0x, 0o, 0b. */
static bool is_number_like(struct str text)
{
	size_t at = has_sign(text);
	if (at == text.len)
		return false;
	struct str start = str_sub(text, at, at + 2);
	if (str_is(start, "0x") || str_is(start, "0o") || str_is(start, "0b"))
		return true;
	bool digit = text.ptr[at] == '.';
	for (; at < text.len; at++) {
		if (strchr("0123456789_.:eE+-", text.ptr[at]) == NULL)
			break;
		digit = digit || (text.ptr[at] >= '0' && text.ptr[at] <= '9');
	}
	if (at == text.len)
		return digit;
	/* "2001-12-14t21:59:43Z" and "2001-12-14 21:59:43 +1": a date, then a mark */
	return digit && at >= 8 && strchr("tT ", text.ptr[at]) != NULL;
}

bool doc_scalar_is_ambiguous(struct str text)
{
	static const char *const words[] = { "y",  "n",   "yes", "no", "on",  "off", "true",
					     "false", "null", "~",   "=",  "<<", NULL };
	struct doc_node node = { 0 };
	if (doc_scalar_resolve(text, &node) != DOC_SCALAR_OK || node.kind != DOC_TEXT)
		return true;
	for (size_t i = 0; words[i] != NULL; i++) {
		if (text.len == strlen(words[i]) && strncasecmp(text.ptr, words[i], text.len) == 0)
			return true;
	}
	return is_number_like(text);
}
