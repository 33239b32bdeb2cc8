/* time.c: see time.h. Calendar arithmetic counts days in 400-year eras from 0000-03-01. */
#include "base/time.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define DAYS_PER_ERA 146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

int64_t time_days_from_civil(int year, int month, int day)
{
	assert(month >= 1);
	assert(month <= 12);
	int64_t from_march = month > 2 ? month - 3 : month + 9;
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

int time_days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	assert(month >= 1);
	assert(month <= 12);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

static void civil_from_days(int64_t days, struct time_civil *civil)
{
	int64_t from_march = days + DAYS_TO_1970;
	int64_t era = (from_march >= 0 ? from_march : from_march - DAYS_PER_ERA + 1) / DAYS_PER_ERA;
	int64_t doe = from_march - era * DAYS_PER_ERA;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t shifted = (5 * doy + 2) / 153;
	civil->day = (int)(doy - (153 * shifted + 2) / 5 + 1);
	civil->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	civil->year = (int)(yoe + era * 400 + (civil->month <= 2));
}

struct time_civil time_civil_of(time_us at)
{
	assert(at >= TIME_MIN);
	assert(at <= TIME_MAX);
	int64_t days = at / TIME_DAY;
	int64_t rest = at % TIME_DAY;
	if (rest < 0) {
		rest += TIME_DAY;
		days--;
	}
	struct time_civil civil = {
		.hour = (int)(rest / TIME_HOUR),
		.minute = (int)(rest / TIME_MINUTE % 60),
		.second = (int)(rest / TIME_SECOND % 60),
		.micro = (int)(rest % TIME_SECOND),
		.weekday = (int)(((days + 3) % 7 + 7) % 7), /* 1970-01-01 was a Thursday */
	};
	civil_from_days(days, &civil);
	return civil;
}

time_us time_of_civil(const struct time_civil *civil)
{
	return time_days_from_civil(civil->year, civil->month, civil->day) * TIME_DAY +
	       civil->hour * TIME_HOUR + civil->minute * TIME_MINUTE +
	       civil->second * TIME_SECOND + civil->micro;
}

void time_format(time_us at, char ret_text[TIME_TEXT_BYTES])
{
	struct time_civil c = time_civil_of(at);
	int used = snprintf(ret_text, TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d",
			    c.year % 10000, c.month, c.day, c.hour, c.minute, c.second);
	if (c.micro != 0)
		used += snprintf(ret_text + used, (size_t)(TIME_TEXT_BYTES - used), ".%06d", c.micro);
	snprintf(ret_text + used, (size_t)(TIME_TEXT_BYTES - used), "Z");
}

/* Reads exactly `count` digits at *at and moves past them. */
static bool digits(struct str text, size_t *at, unsigned count, int *ret_value)
{
	if (text.len - *at < count)
		return false;
	int value = 0;
	for (unsigned i = 0; i < count; i++) {
		char byte = text.ptr[*at + i];
		if (byte < '0' || byte > '9')
			return false;
		value = value * 10 + (byte - '0');
	}
	*at += count;
	*ret_value = value;
	return true;
}

static bool one_of(struct str text, size_t *at, const char *bytes)
{
	if (*at >= text.len || text.ptr[*at] == '\0' || strchr(bytes, text.ptr[*at]) == NULL)
		return false;
	(*at)++;
	return true;
}

/* Digits past the sixth are dropped: a nanosecond clock is not an error. */
static bool parse_fraction(struct str text, size_t *at, int *ret_micro)
{
	int scale = 100000, micro = 0;
	size_t from = *at;
	for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9'; (*at)++) {
		micro += (text.ptr[*at] - '0') * scale;
		scale /= 10;
	}
	*ret_micro = micro;
	return *at > from;
}

static bool parse_offset(struct str text, size_t *at, time_us *ret_offset)
{
	if (one_of(text, at, "Zz")) {
		*ret_offset = 0;
		return true;
	}
	if (*at >= text.len)
		return false;
	bool west = text.ptr[*at] == '-';
	int hours, minutes;
	if (!one_of(text, at, "+-") || !digits(text, at, 2, &hours) || !one_of(text, at, ":") ||
	    !digits(text, at, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_offset = (hours * TIME_HOUR + minutes * TIME_MINUTE) * (west ? -1 : 1);
	return true;
}

static bool civil_is_valid(const struct time_civil *c)
{
	return c->year >= 1 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
	       c->day <= time_days_in_month(c->year, c->month) && c->hour <= 23 &&
	       c->minute <= 59 && c->second <= 60; /* 60: a leap second reads as the next one */
}

bool time_parse(struct str text, time_us *ret_at)
{
	struct time_civil c = { 0 };
	size_t at = 0;
	time_us offset;
	if (!digits(text, &at, 4, &c.year) || !one_of(text, &at, "-") ||
	    !digits(text, &at, 2, &c.month) || !one_of(text, &at, "-") ||
	    !digits(text, &at, 2, &c.day) || !one_of(text, &at, "Tt ") ||
	    !digits(text, &at, 2, &c.hour) || !one_of(text, &at, ":") ||
	    !digits(text, &at, 2, &c.minute) || !one_of(text, &at, ":") ||
	    !digits(text, &at, 2, &c.second))
		return false;
	if (one_of(text, &at, ".") && !parse_fraction(text, &at, &c.micro))
		return false;
	if (!parse_offset(text, &at, &offset) || at != text.len || !civil_is_valid(&c))
		return false;
	time_us value = time_of_civil(&c) - offset;
	if (value < TIME_MIN || value > TIME_MAX)
		return false;
	*ret_at = value;
	return true;
}

static const struct unit {
	const char *name;
	time_us size;
} units[] = {
	{ "y", 365 * TIME_DAY }, { "w", 7 * TIME_DAY }, { "d", TIME_DAY },   { "h", TIME_HOUR },
	{ "m", TIME_MINUTE },    { "s", TIME_SECOND },  { "ms", TIME_MS },
};
#define UNIT_COUNT (sizeof units / sizeof units[0])

/* The unit that stands at `at`, no larger than `from`; UNIT_COUNT for none. */
static size_t unit_at(struct str text, size_t at, size_t from)
{
	size_t end = at;
	while (end < text.len && text.ptr[end] >= 'a' && text.ptr[end] <= 'z')
		end++;
	for (size_t i = from; i < UNIT_COUNT; i++) {
		if (str_is(str_sub(text, at, end), units[i].name))
			return i;
	}
	return UNIT_COUNT;
}

bool duration_parse(struct str text, time_us *ret_duration)
{
	if (str_is(text, "0")) {
		*ret_duration = 0;
		return true;
	}
	time_us total = 0;
	size_t at = 0, next_unit = 0;
	while (at < text.len) {
		size_t from = at;
		int64_t count;
		while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
			at++;
		if (!str_int(str_sub(text, from, at), 0, 100 * INT64_C(31536000000), &count))
			return false;
		size_t unit = unit_at(text, at, next_unit);
		time_us part;
		if (unit == UNIT_COUNT || __builtin_mul_overflow(count, units[unit].size, &part) ||
		    __builtin_add_overflow(total, part, &total))
			return false;
		at += strlen(units[unit].name);
		next_unit = unit + 1;
	}
	if (text.len == 0 || total > 100 * 365 * TIME_DAY)
		return false;
	*ret_duration = total;
	return true;
}

void duration_format(time_us duration, char ret_text[DURATION_TEXT_BYTES])
{
	assert(duration >= 0);
	int used = 0;
	ret_text[0] = '\0';
	for (size_t i = 2; i < UNIT_COUNT; i++) { /* days at most: "7d" says more than "1w" */
		time_us count = duration / units[i].size;
		duration %= units[i].size;
		if (count > 0)
			used += snprintf(ret_text + used, (size_t)(DURATION_TEXT_BYTES - used),
					 "%" PRId64 "%s", count, units[i].name);
	}
	if (used == 0)
		snprintf(ret_text, DURATION_TEXT_BYTES, "0s");
}

void duration_words(time_us duration, char ret_text[DURATION_TEXT_BYTES])
{
	static const struct unit words[] = {
		{ "d", TIME_DAY }, { "h", TIME_HOUR }, { "min", TIME_MINUTE }, { "s", TIME_SECOND },
	};
	size_t count = sizeof words / sizeof words[0];
	if (duration < 0)
		duration = 0;
	if (duration < TIME_SECOND) {
		snprintf(ret_text, DURATION_TEXT_BYTES, "%" PRId64 " ms", duration / TIME_MS);
		return;
	}
	size_t first = 0;
	while (duration < words[first].size)
		first++;
	int used = snprintf(ret_text, DURATION_TEXT_BYTES, "%" PRId64 " %s",
			    duration / words[first].size, words[first].name);
	if (first + 1 == count)
		return;
	time_us rest = duration % words[first].size / words[first + 1].size;
	if (rest > 0)
		snprintf(ret_text + used, (size_t)(DURATION_TEXT_BYTES - used), " %" PRId64 " %s", rest,
			 words[first + 1].name);
}
