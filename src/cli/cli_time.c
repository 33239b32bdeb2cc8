/* cli_time.c: times as the reader's clock shows them. */
#include <assert.h>
#include <stdio.h>

#include "cli/cli_priv.h"

static time_us wall_of(const struct cli_screen *screen, time_us at)
{
	return screen->zone != NULL ? tz_wall_of(screen->zone, at) : at;
}

static time_us instant_of(const struct cli_screen *screen, time_us wall)
{
	return screen->zone != NULL ? tz_first(screen->zone, wall) : wall;
}

static int offset_minutes(const struct cli_screen *screen, time_us at)
{
	return screen->zone != NULL ? tz_local_of(screen->zone, at).offset_s / 60 : 0;
}

void cli_time_print(const struct cli_screen *screen, time_us at, char ret_text[CLI_TIME_BYTES])
{
	char words[DURATION_TEXT_BYTES];
	assert(at >= TIME_MIN && at <= TIME_MAX);
	struct time_civil civil = time_civil_of(wall_of(screen, at));
	int offset = offset_minutes(screen, at), off = offset < 0 ? -offset : offset;
	time_us distance = screen->now > at ? screen->now - at : at - screen->now;
	duration_words(distance / TIME_SECOND * TIME_SECOND, words);
	const char *before = screen->now >= at ? "" : "in ", *after = screen->now >= at ? " ago" : "";
	if (distance < TIME_SECOND)
		snprintf(words, sizeof words, "now"), before = after = "";
	snprintf(ret_text, CLI_TIME_BYTES, "%04d-%02d-%02d %02d:%02d %c%02d:%02d (%s%s%s)", civil.year,
		 civil.month, civil.day, civil.hour, civil.minute, offset < 0 ? '-' : '+', off / 60,
		 off % 60, before, words, after);
}

static bool digits(struct str text, size_t from, size_t count, int max, int *ret_value)
{
	int64_t value;
	if (text.len < from + count || text.ptr[from] == '-' ||
	    !str_int(str_sub(text, from, from + count), 0, max, &value))
		return false;
	*ret_value = (int)value;
	return true;
}

static bool parse_clock(struct str text, struct time_civil *civil)
{
	return text.len == 5 && text.ptr[2] == ':' && digits(text, 0, 2, 23, &civil->hour) &&
	       digits(text, 3, 2, 59, &civil->minute);
}

static bool parse_date(struct str text, struct time_civil *civil)
{
	return text.len == 10 && text.ptr[4] == '-' && text.ptr[7] == '-' &&
	       digits(text, 0, 4, 9999, &civil->year) && digits(text, 5, 2, 12, &civil->month) &&
	       digits(text, 8, 2, 31, &civil->day) && civil->year >= 1 && civil->month >= 1 &&
	       civil->day >= 1 && civil->day <= time_days_in_month(civil->year, civil->month);
}

static bool parse_local(const struct cli_screen *screen, struct str text, time_us *ret_at)
{
	time_us now = wall_of(screen, screen->now);
	struct time_civil civil = time_civil_of(now);
	civil.second = civil.micro = 0;
	if (parse_clock(text, &civil)) {
		time_us wall = time_of_civil(&civil);
		*ret_at = instant_of(screen, wall > now ? wall : wall + TIME_DAY);
		return true;
	}
	civil.hour = civil.minute = 0;
	if (!parse_date(str_sub(text, 0, 10), &civil))
		return false;
	bool dated = text.len == 10;
	bool clocked = text.len == 16 && (text.ptr[10] == ' ' || text.ptr[10] == 'T') &&
		       parse_clock(str_sub(text, 11, 16), &civil);
	if (dated || clocked)
		*ret_at = instant_of(screen, time_of_civil(&civil));
	return dated || clocked;
}

bool cli_time_parse(const struct cli_screen *screen, struct str text, time_us *ret_at)
{
	time_us span;
	if (str_is(text, "now")) {
		*ret_at = screen->now;
		return true;
	}
	if (time_parse(text, ret_at) || parse_local(screen, text, ret_at))
		return true;
	bool back = text.len > 1 && text.ptr[0] == '-', forth = text.len > 1 && text.ptr[0] == '+';
	if (!duration_parse(str_sub(text, back || forth ? 1 : 0, text.len), &span))
		return false;
	time_us at = back ? screen->now - span : screen->now + span;
	if (at < TIME_MIN || at > TIME_MAX)
		return false;
	*ret_at = at;
	return true;
}
