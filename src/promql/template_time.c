/*
 * template_time.c: times and durations as Go prints them, and the methods a template may call on them.
 *
 * All times are UTC, in nanoseconds; toTime gives none finer than a millisecond.
 */
#include <stdio.h>
#include <string.h>

#include "promql/template_priv.h"

#define SECOND 1000000000LL
#define DAY 86400LL

struct civil { /* a time by the calendar */
	int64_t year, month, day, hour, minute, second, nanosecond, weekday, year_day;
};

/* The days of the Gregorian calendar before a March, counted in eras of 400 years. */
static void civil_of(int64_t ns, struct civil *ret)
{
	int64_t seconds = ns / SECOND, rest = ns % SECOND;
	if (rest < 0)
		rest += SECOND, seconds--;
	int64_t days = seconds / DAY, left = seconds % DAY;
	if (left < 0)
		left += DAY, days--;
	int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	ret->day = day_of_year - (153 * month + 2) / 5 + 1;
	ret->month = month < 10 ? month + 3 : month - 9;
	ret->year = year_of_era + era * 400 + (ret->month <= 2);
	ret->hour = left / 3600;
	ret->minute = left / 60 % 60;
	ret->second = left % 60;
	ret->nanosecond = rest;
	ret->weekday = ((days + 4) % 7 + 7) % 7;
	bool leap = (ret->year % 4 == 0 && ret->year % 100 != 0) || ret->year % 400 == 0;
	ret->year_day = month < 10 ? day_of_year + 60 + leap : day_of_year - 305;
}

const char *template_month_name(int64_t month)
{
	static const char *const names[] = { "January", "February", "March", "April", "May", "June", "July", "August",
					     "September", "October", "November", "December" };
	return month >= 1 && month <= 12 ? names[month - 1] : "%!Month()";
}

const char *template_weekday_name(int64_t day)
{
	static const char *const names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
	return day >= 0 && day <= 6 ? names[day] : "%!Weekday()";
}

/* A point and the digits of a second, without the zeros at their end. */
static void put_fraction(int64_t ns, struct buf *buf)
{
	char digits[16];
	int used = snprintf(digits, sizeof digits, ".%09lld", (long long)ns);
	while (used > 1 && digits[used - 1] == '0')
		used--;
	if (used > 1)
		buf_add(buf, (struct str){ digits, (size_t)used });
}

void template_print_time(int64_t ns, struct buf *buf)
{
	struct civil at;
	civil_of(ns, &at);
	buf_printf(buf, "%04lld-%02lld-%02lld %02lld:%02lld:%02lld", (long long)at.year, (long long)at.month,
		   (long long)at.day, (long long)at.hour, (long long)at.minute, (long long)at.second);
	put_fraction(at.nanosecond, buf);
	buf_adds(buf, " +0000 UTC");
}

void template_print_duration(int64_t ns, struct buf *buf)
{
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (left == 0) {
		buf_adds(buf, "0s");
		return;
	}
	if (ns < 0)
		buf_addc(buf, '-');
	if (left < SECOND) {
		uint64_t unit = left < 1000 ? 1 : left < 1000000 ? 1000 : 1000000;
		buf_printf(buf, "%llu", (unsigned long long)(left / unit));
		put_fraction((int64_t)(left % unit * (SECOND / unit)), buf);
		buf_adds(buf, unit == 1 ? "ns" : unit == 1000 ? "\xc2\xb5s" : "ms");
		return;
	}
	uint64_t seconds = left / SECOND;
	if (seconds >= 3600)
		buf_printf(buf, "%lluh", (unsigned long long)(seconds / 3600));
	if (seconds >= 60)
		buf_printf(buf, "%llum", (unsigned long long)(seconds / 60 % 60));
	buf_printf(buf, "%llu", (unsigned long long)(seconds % 60));
	put_fraction((int64_t)(left % SECOND), buf);
	buf_addc(buf, 's');
}

/* ---- Format: the time of the layout is Mon Jan 2 15:04:05 MST 2006 ---- */

enum part { LONG_MONTH, SHORT_MONTH, MONTH_2, MONTH_1, LONG_DAY, SHORT_DAY, DAY_2, DAY_SPACE, DAY_1, YEAR_DAY, HOUR_24, HOUR_12_2,
	    HOUR_12_1, MINUTE_2, MINUTE_1, SECOND_2, SECOND_1, YEAR_4, YEAR_2, UPPER_PM, LOWER_PM, ZONE, OFFSET_Z_COLON,
	    OFFSET_COLON, OFFSET_Z, OFFSET, OFFSET_Z_HOUR, OFFSET_HOUR };

/* The longer of two that begin alike stands first. */
static const struct {
	const char *text;
	enum part part;
} parts[] = {
	{ "January", LONG_MONTH }, { "Jan", SHORT_MONTH }, { "Monday", LONG_DAY }, { "Mon", SHORT_DAY }, { "MST", ZONE },
	{ "002", YEAR_DAY }, { "01", MONTH_2 }, { "02", DAY_2 }, { "03", HOUR_12_2 }, { "04", MINUTE_2 },
	{ "05", SECOND_2 }, { "06", YEAR_2 }, { "15", HOUR_24 }, { "2006", YEAR_4 }, { "_2", DAY_SPACE }, { "1", MONTH_1 },
	{ "2", DAY_1 }, { "3", HOUR_12_1 }, { "4", MINUTE_1 }, { "5", SECOND_1 }, { "PM", UPPER_PM }, { "pm", LOWER_PM },
	{ "-07:00", OFFSET_COLON }, { "-0700", OFFSET }, { "-07", OFFSET_HOUR }, { "Z07:00", OFFSET_Z_COLON },
	{ "Z0700", OFFSET_Z }, { "Z07", OFFSET_Z_HOUR },
};

static const char *word_of(const struct civil *at, enum part part)
{
	switch (part) {
	case LONG_MONTH:
	case SHORT_MONTH:
		return template_month_name(at->month);
	case LONG_DAY:
	case SHORT_DAY:
		return template_weekday_name(at->weekday);
	case UPPER_PM:
		return at->hour >= 12 ? "PM" : "AM";
	case LOWER_PM:
		return at->hour >= 12 ? "pm" : "am";
	case ZONE:
		return "UTC";
	case OFFSET_COLON:
		return "+00:00";
	case OFFSET:
		return "+0000";
	case OFFSET_HOUR:
		return "+00";
	default:
		return "Z";
	}
}

static void put_part(const struct civil *at, enum part part, struct buf *buf)
{
	int64_t hour = at->hour % 12 == 0 ? 12 : at->hour % 12;
	const struct {
		int width; /* 0: this part is a word */
		int64_t number;
	} numbers[] = {
		[MONTH_2] = { 2, at->month }, [MONTH_1] = { 1, at->month }, [DAY_2] = { 2, at->day },
		[DAY_SPACE] = { 2, at->day }, [DAY_1] = { 1, at->day }, [YEAR_DAY] = { 3, at->year_day },
		[HOUR_24] = { 2, at->hour }, [HOUR_12_2] = { 2, hour }, [HOUR_12_1] = { 1, hour },
		[MINUTE_2] = { 2, at->minute }, [MINUTE_1] = { 1, at->minute }, [SECOND_2] = { 2, at->second },
		[SECOND_1] = { 1, at->second }, [YEAR_4] = { 4, at->year }, [YEAR_2] = { 2, at->year % 100 },
		[OFFSET_HOUR] = { 0, 0 },
	};
	if (numbers[part].width > 0) {
		buf_printf(buf, part == DAY_SPACE ? "%*lld" : "%0*lld", numbers[part].width, (long long)numbers[part].number);
		return;
	}
	const char *text = word_of(at, part);
	bool cut = part == SHORT_MONTH || part == SHORT_DAY;
	buf_add(buf, str_sub(str_of(text), 0, cut ? 3 : strlen(text)));
}

/* ".000", ",999": the digits of the second, as many as there are; nines leave zeros out. */
static size_t put_second_digits(const struct civil *at, struct str layout, size_t from, struct buf *buf)
{
	char kind = from + 1 < layout.len ? layout.ptr[from + 1] : '\0', digits[16];
	size_t count = 0;
	if ((layout.ptr[from] != '.' && layout.ptr[from] != ',') || (kind != '0' && kind != '9'))
		return 0;
	while (from + 1 + count < layout.len && layout.ptr[from + 1 + count] == kind)
		count++;
	char after = from + 1 + count < layout.len ? layout.ptr[from + 1 + count] : '\0';
	if (count > 9 || (after >= '0' && after <= '9'))
		return 0;
	snprintf(digits, sizeof digits, "%09lld", (long long)at->nanosecond);
	size_t used = count;
	while (kind == '9' && used > 0 && digits[used - 1] == '0')
		used--;
	if (used > 0) {
		buf_addc(buf, layout.ptr[from]);
		buf_add(buf, (struct str){ digits, used });
	}
	return count + 1;
}

static void put_layout(int64_t ns, struct str layout, struct buf *buf)
{
	struct civil when;
	civil_of(ns, &when);
	for (size_t at = 0; at < layout.len && !buf->full;) {
		struct str rest = str_sub(layout, at, layout.len);
		size_t i = 0, digits = put_second_digits(&when, layout, at, buf);
		if (digits > 0) {
			at += digits;
			continue;
		}
		while (i < sizeof parts / sizeof parts[0] && !str_starts(rest, str_of(parts[i].text)))
			i++;
		/* "January" is the month, "Januaryx" too; "Jan" before a small letter is no month. */
		bool letter_after = i < sizeof parts / sizeof parts[0] && parts[i].part == SHORT_MONTH && rest.len > 3 &&
				    rest.ptr[3] >= 'a' && rest.ptr[3] <= 'z';
		if (i == sizeof parts / sizeof parts[0] || letter_after) {
			buf_addc(buf, layout.ptr[at++]);
			continue;
		}
		put_part(&when, parts[i].part, buf);
		at += strlen(parts[i].text);
	}
}

/* ---- methods: the receiver is the first argument ---- */

static struct template_value whole(enum template_type type, int64_t number)
{
	return (struct template_value){ .type = type, .number = number };
}

static bool m_format(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	cleanup_buf struct buf out;
	(void)count, (void)failure;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	put_layout(args[0].number, args[1].text, &out);
	return template_take(run, &out, ret);
}

static bool m_string(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	cleanup_buf struct buf out;
	(void)count, (void)failure;
	buf_init(&out, 128);
	template_stringer(&args[0], &out);
	return template_take(run, &out, ret);
}

#define METHOD(name, result)                                                                              \
	static bool m_##name(struct template_run *run, struct template_value *args, size_t count,          \
			     struct template_value *ret, struct buf *failure)                              \
	{                                                                                                  \
		struct civil at;                                                                           \
		int64_t ns = args[0].number, other = count > 1 ? args[1].number : 0;                       \
		(void)run, (void)failure, (void)other;                                                     \
		civil_of(ns, &at);                                                                         \
		*ret = (result);                                                                           \
		return true;                                                                               \
	}

static int64_t floor_to(int64_t ns, int64_t unit)
{
	return ns / unit - (ns % unit < 0);
}

static int64_t sum_of(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Go holds a difference at the ends of what a duration can be. */
static int64_t difference_of(int64_t a, int64_t b)
{
	int64_t difference;
	return __builtin_sub_overflow(a, b, &difference) ? (a < b ? INT64_MIN : INT64_MAX) : difference;
}

METHOD(utc, whole(TEMPLATE_TIME, ns))
METHOD(unix, whole(TEMPLATE_INT64, floor_to(ns, SECOND)))
METHOD(unix_milli, whole(TEMPLATE_INT64, floor_to(ns, 1000000)))
METHOD(unix_micro, whole(TEMPLATE_INT64, floor_to(ns, 1000)))
METHOD(unix_nano, whole(TEMPLATE_INT64, ns))
METHOD(year, whole(TEMPLATE_INT, at.year))
METHOD(month, whole(TEMPLATE_MONTH, at.month))
METHOD(day, whole(TEMPLATE_INT, at.day))
METHOD(hour, whole(TEMPLATE_INT, at.hour))
METHOD(minute, whole(TEMPLATE_INT, at.minute))
METHOD(second, whole(TEMPLATE_INT, at.second))
METHOD(nanosecond, whole(TEMPLATE_INT, at.nanosecond))
METHOD(weekday, whole(TEMPLATE_WEEKDAY, at.weekday))
METHOD(year_day, whole(TEMPLATE_INT, at.year_day))
METHOD(add, whole(TEMPLATE_TIME, sum_of(ns, other)))
METHOD(sub, whole(TEMPLATE_DURATION, difference_of(ns, other)))
METHOD(before, template_bool_value(ns < other))
METHOD(after, template_bool_value(ns > other))
METHOD(equal, template_bool_value(ns == other))
METHOD(is_zero, template_bool_value(false))
METHOD(hours, template_real_value((double)(ns / (3600 * SECOND)) + (double)(ns % (3600 * SECOND)) / (60 * 60 * 1e9)))
METHOD(minutes, template_real_value((double)(ns / (60 * SECOND)) + (double)(ns % (60 * SECOND)) / (60 * 1e9)))
METHOD(seconds, template_real_value((double)(ns / SECOND) + (double)(ns % SECOND) / 1e9))
METHOD(milliseconds, whole(TEMPLATE_INT64, ns / 1000000))
METHOD(microseconds, whole(TEMPLATE_INT64, ns / 1000))
METHOD(nanoseconds, whole(TEMPLATE_INT64, ns))
METHOD(abs, whole(TEMPLATE_DURATION, ns == INT64_MIN ? INT64_MAX : ns < 0 ? -ns : ns))
METHOD(truncate, whole(TEMPLATE_DURATION, other <= 0 ? ns : ns - ns % other))

static const struct template_function of_time[] = {
	{ "Add", m_add, { WANT_DURATION }, 1 }, { "After", m_after, { WANT_TIME }, 1 },
	{ "Before", m_before, { WANT_TIME }, 1 }, { "Day", m_day }, { "Equal", m_equal, { WANT_TIME }, 1 },
	{ "Format", m_format, { WANT_STRING }, 1 }, { "Hour", m_hour }, { "IsZero", m_is_zero }, { "Minute", m_minute },
	{ "Month", m_month }, { "Nanosecond", m_nanosecond }, { "Second", m_second }, { "String", m_string },
	{ "Sub", m_sub, { WANT_TIME }, 1 }, { "UTC", m_utc }, { "Unix", m_unix }, { "UnixMicro", m_unix_micro },
	{ "UnixMilli", m_unix_milli }, { "UnixNano", m_unix_nano }, { "Weekday", m_weekday }, { "Year", m_year },
	{ "YearDay", m_year_day }, { NULL },
};

static const struct template_function of_duration[] = {
	{ "Abs", m_abs }, { "Hours", m_hours }, { "Microseconds", m_microseconds }, { "Milliseconds", m_milliseconds },
	{ "Minutes", m_minutes }, { "Nanoseconds", m_nanoseconds }, { "Seconds", m_seconds }, { "String", m_string },
	{ "Truncate", m_truncate, { WANT_DURATION }, 1 }, { NULL },
};

static const struct template_function of_name[] = { { "String", m_string }, { NULL } };

const struct template_function *template_method_find(enum template_type type, struct str name)
{
	const struct template_function *row =
		type == TEMPLATE_TIME || type == TEMPLATE_TIME_AT ? of_time :
		type == TEMPLATE_DURATION || type == TEMPLATE_DURATION_AT ? of_duration :
		type == TEMPLATE_MONTH || type == TEMPLATE_WEEKDAY ? of_name : NULL;
	for (; row != NULL && row->name != NULL; row++)
		if (str_is(name, row->name))
			return row;
	return NULL;
}
