/*
 * tz_rule.c: the POSIX TZ string of a TZif footer, "EST5EDT,M3.2.0,M11.1.0", into a rule.
 */
#include <assert.h>
#include <string.h>

#include "base/tz_priv.h"

#define RULE_HOURS_MAX 167  /* RFC 9636 3.3.1 */
#define OFFSET_HOURS_MAX 24
#define CHANGE_TIME_DEFAULT_S (2 * 3600)

/* Consumes one byte when it is `byte`. */
static bool skip(struct str *text, char byte)
{
	if (text->len == 0 || text->ptr[0] != byte)
		return false;
	*text = str_sub(*text, 1, text->len);
	return true;
}

static bool is_digit(struct str text)
{
	return text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
}

static bool is_letter(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* One to three digits within [min, max]. */
static bool number(struct str *text, int min, int max, int *ret_value)
{
	int value = 0;
	unsigned count = 0;
	for (; is_digit(*text) && count < 3; count++) {
		value = value * 10 + (text->ptr[0] - '0');
		*text = str_sub(*text, 1, text->len);
	}
	if (count == 0 || is_digit(*text) || value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool duration(struct str *text, int hours_max, int32_t *ret_seconds)
{
	bool negative = skip(text, '-');
	if (!negative)
		skip(text, '+');
	int hours, minutes = 0, seconds = 0;
	if (!number(text, 0, hours_max, &hours))
		return false;
	if (skip(text, ':')) {
		if (!number(text, 0, 59, &minutes))
			return false;
		if (skip(text, ':') && !number(text, 0, 59, &seconds))
			return false;
	}
	int32_t all = hours * 3600 + minutes * 60 + seconds;
	*ret_seconds = negative ? -all : all;
	return true;
}

/* "CET", or anything of letters, digits and signs in angle brackets: "<+07>". */
static bool abbreviation(struct str *text, char ret_name[TZ_ABBREVIATION_BYTES])
{
	bool quoted = skip(text, '<');
	size_t length = 0;
	while (length < text->len &&
	       (is_letter(text->ptr[length]) ||
		(quoted && text->ptr[length] != '\0' &&
		 strchr("+-0123456789", text->ptr[length]) != NULL)))
		length++;
	if (length < 3 || length >= TZ_ABBREVIATION_BYTES)
		return false;
	memcpy(ret_name, text->ptr, length);
	ret_name[length] = '\0';
	*text = str_sub(*text, length, text->len);
	return !quoted || skip(text, '>');
}

static bool month_date(struct str *text, struct tz_rule_date *date)
{
	date->kind = TZ_DAY_MONTH;
	return number(text, 1, 12, &date->month) && skip(text, '.') &&
	       number(text, 1, 5, &date->week) && skip(text, '.') && number(text, 0, 6, &date->day);
}

static bool rule_date(struct str *text, struct tz_rule_date *ret_date)
{
	struct tz_rule_date date = { .kind = TZ_DAY_ZERO, .time_s = CHANGE_TIME_DEFAULT_S };
	bool good;
	if (skip(text, 'M')) {
		good = month_date(text, &date);
	} else if (skip(text, 'J')) {
		date.kind = TZ_DAY_JULIAN;
		good = number(text, 1, 365, &date.day);
	} else {
		good = number(text, 0, 365, &date.day);
	}
	if (!good || (skip(text, '/') && !duration(text, RULE_HOURS_MAX, &date.time_s)))
		return false;
	*ret_date = date;
	return true;
}

/* POSIX counts offsets to the west, everybody else to the east. */
static bool type(struct str *text, struct tz_type *ret_type)
{
	int32_t west;
	if (!duration(text, OFFSET_HOURS_MAX, &west))
		return false;
	ret_type->offset_s = -west;
	return true;
}

static bool summer(struct str *text, struct tz_rule *rule)
{
	rule->has_dst = true;
	rule->dst.dst = true;
	rule->dst.offset_s = rule->standard.offset_s + 3600;
	if (!abbreviation(text, rule->dst.abbreviation))
		return false;
	if (text->len > 0 && text->ptr[0] != ',' && !type(text, &rule->dst))
		return false;
	return skip(text, ',') && rule_date(text, &rule->dst_starts) && skip(text, ',') &&
	       rule_date(text, &rule->dst_ends);
}

bool tz_rule_parse(struct str text, struct tz_rule *ret_rule)
{
	struct tz_rule rule = { .present = true };
	if (!abbreviation(&text, rule.standard.abbreviation) || !type(&text, &rule.standard))
		return false;
	if (text.len > 0 && !summer(&text, &rule))
		return false;
	if (text.len > 0)
		return false;
	assert(rule.standard.offset_s < TZ_OFFSET_S_MAX);
	assert(rule.standard.offset_s > -TZ_OFFSET_S_MAX);
	*ret_rule = rule;
	return true;
}
