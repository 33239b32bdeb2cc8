/*
 * tz.c: see tz.h. Time is cut into pieces of one offset. Every question walks the pieces that can
 * touch it: an instant lies in one; a wall time can lie only in those within TZ_OFFSET_S_MAX of it.
 */
#include "base/tz.h"

#include <assert.h>

#include "base/tz_priv.h"

/* [from, until) of one type. `from` may be earlier than the piece really begins, never later. */
struct piece {
	int64_t from_s, until_s;
	const struct tz_type *type;
};

struct change {
	int64_t at_s;
	bool to_dst;
};

#define RULE_YEARS 3 /* the year asked about and its neighbours: a change may reach over New Year */
#define RULE_CHANGES (2 * RULE_YEARS)

static int64_t second_of(time_us at)
{
	return at >= 0 ? at / TIME_SECOND : -((-at + TIME_SECOND - 1) / TIME_SECOND);
}

/* Days since 1970 of the nth (or last) given weekday of a month. */
static int64_t days_of_month_rule(int year, const struct tz_rule_date *date)
{
	int64_t first = time_days_from_civil(year, date->month, 1);
	int weekday_of_first = (int)(((first + 4) % 7 + 7) % 7); /* 0 Sunday; 1970-01-01: 4 */
	int day = (date->day - weekday_of_first + 7) % 7 + (date->week - 1) * 7;
	while (day >= time_days_in_month(year, date->month))
		day -= 7; /* week 5 means the last, which may be the fourth */
	return first + day;
}

/* The wall clock, in seconds, at which a change happens in `year`. */
static int64_t rule_wall(int year, const struct tz_rule_date *date)
{
	int64_t days;
	if (date->kind == TZ_DAY_MONTH) {
		days = days_of_month_rule(year, date);
	} else {
		days = time_days_from_civil(year, 1, 1) + date->day;
		if (date->kind == TZ_DAY_JULIAN) {
			bool leap = time_days_in_month(year, 2) == 29;
			days += leap && date->day >= 60 ? 0 : -1; /* day 60 is always 1 March */
		}
	}
	return days * 86400 + date->time_s;
}

/* When both come at once the end is first: then "summer time all year" has no hole. */
static bool change_is_before(const struct change *a, const struct change *b)
{
	return a->at_s < b->at_s || (a->at_s == b->at_s && !a->to_dst && b->to_dst);
}

static void rule_changes(const struct tz_rule *rule, int year, struct change all[RULE_CHANGES])
{
	unsigned count = 0;
	for (int y = year - 1; y <= year + 1; y++) {
		struct change two[] = {
			{ rule_wall(y, &rule->dst_starts) - rule->standard.offset_s, true },
			{ rule_wall(y, &rule->dst_ends) - rule->dst.offset_s, false },
		};
		for (unsigned i = 0; i < 2; i++) {
			unsigned at = count++;
			for (; at > 0 && change_is_before(&two[i], &all[at - 1]); at--)
				all[at] = all[at - 1];
			all[at] = two[i];
		}
	}
	assert(count == RULE_CHANGES);
}

static int year_of(int64_t second)
{
	int64_t low = TIME_MIN / TIME_SECOND, high = TIME_MAX / TIME_SECOND;
	int64_t within = second < low ? low : second > high ? high : second;
	return time_civil_of(within * TIME_SECOND).year;
}

static struct piece rule_piece(const struct tz_rule *rule, int64_t second)
{
	assert(rule->has_dst);
	struct change all[RULE_CHANGES];
	rule_changes(rule, year_of(second + rule->standard.offset_s), all);
	unsigned after = 0;
	while (after < RULE_CHANGES && all[after].at_s <= second)
		after++;
	bool dst = after > 0 ? all[after - 1].to_dst : !all[0].to_dst;
	return (struct piece){
		.from_s = after > 0 ? all[after - 1].at_s : TZ_SECOND_MIN,
		.until_s = after < RULE_CHANGES ? all[after].at_s : TZ_SECOND_MAX,
		.type = dst ? &rule->dst : &rule->standard,
	};
}

/* After the table: the footer rules, or the last type stays for ever. */
static struct piece tail_piece(const struct tz *tz, int64_t second)
{
	size_t count = tz->transition_count;
	struct piece piece = { TZ_SECOND_MIN, TZ_SECOND_MAX, &tz->types[0] };
	if (tz->rule.present && tz->rule.has_dst)
		piece = rule_piece(&tz->rule, second);
	else if (tz->rule.present)
		piece.type = &tz->rule.standard;
	else if (count > 0)
		piece.type = &tz->types[tz->type_at[count - 1]];
	if (count > 0 && piece.from_s < tz->at_s[count - 1])
		piece.from_s = tz->at_s[count - 1];
	return piece;
}

static struct piece piece_at(const struct tz *tz, int64_t second)
{
	size_t count = tz->transition_count;
	if (count == 0 || second >= tz->at_s[count - 1])
		return tail_piece(tz, second);
	/* The first transition after `second` is in [low, high]. */
	size_t low = 0, high = count - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (tz->at_s[middle] > second)
			high = middle;
		else
			low = middle + 1;
	}
	return (struct piece){
		.from_s = low > 0 ? tz->at_s[low - 1] : TZ_SECOND_MIN,
		.until_s = tz->at_s[low],
		.type = &tz->types[low > 0 ? tz->type_at[low - 1] : 0],
	};
}

struct tz_local tz_local_of(const struct tz *tz, time_us at)
{
	struct piece piece = piece_at(tz, second_of(at));
	assert(piece.type != NULL);
	return (struct tz_local){
		.offset_s = piece.type->offset_s,
		.dst = piece.type->dst,
		.abbreviation = piece.type->abbreviation,
	};
}

time_us tz_wall_of(const struct tz *tz, time_us at)
{
	return at + piece_at(tz, second_of(at)).type->offset_s * TIME_SECOND;
}

/* The earliest and the latest second at which the wall can show `wall`. */
static int64_t earliest_s(time_us wall)
{
	return second_of(wall) - TZ_OFFSET_S_MAX;
}

static int64_t latest_s(time_us wall)
{
	return second_of(wall) + TZ_OFFSET_S_MAX + 1;
}

unsigned tz_instants(const struct tz *tz, time_us wall, time_us ret_at[TZ_INSTANTS_MAX])
{
	assert(wall >= TIME_MIN - 2 * TIME_DAY);
	assert(wall <= TIME_MAX + 2 * TIME_DAY);
	unsigned count = 0;
	int64_t latest = latest_s(wall);
	struct piece piece;
	for (int64_t second = earliest_s(wall); second <= latest; second = piece.until_s) {
		piece = piece_at(tz, second);
		assert(piece.until_s > second);
		time_us at = wall - piece.type->offset_s * TIME_SECOND;
		if (at < piece.from_s * TIME_SECOND || at >= piece.until_s * TIME_SECOND)
			continue;
		if (count < TZ_INSTANTS_MAX)
			ret_at[count++] = at;
	}
	return count;
}

/* The smallest instant whose wall time is `wall` or more: that of a gap is where the gap ends. */
time_us tz_first(const struct tz *tz, time_us wall)
{
	int64_t latest = latest_s(wall);
	struct piece piece;
	for (int64_t second = earliest_s(wall); second <= latest; second = piece.until_s) {
		piece = piece_at(tz, second);
		assert(piece.until_s > second);
		time_us at = wall - piece.type->offset_s * TIME_SECOND;
		if (at < piece.from_s * TIME_SECOND)
			at = piece.from_s * TIME_SECOND;
		if (at < piece.until_s * TIME_SECOND)
			return at;
	}
	assert(false); /* the piece at latest_s shows more than `wall` */
	return wall;
}

/* The end of all instants whose wall time is `wall` or less: the same from the other side. */
time_us tz_last(const struct tz *tz, time_us wall)
{
	int64_t latest = latest_s(wall);
	time_us last = wall - TZ_OFFSET_S_MAX * TIME_SECOND;
	struct piece piece;
	for (int64_t second = earliest_s(wall); second <= latest; second = piece.until_s) {
		piece = piece_at(tz, second);
		assert(piece.until_s > second);
		time_us at = wall - piece.type->offset_s * TIME_SECOND;
		if (at < piece.from_s * TIME_SECOND)
			continue; /* it begins beyond `wall` */
		last = at < piece.until_s * TIME_SECOND ? at : piece.until_s * TIME_SECOND;
	}
	return last;
}

bool tz_next_change(const struct tz *tz, time_us at, time_us *ret_change)
{
	struct piece piece = piece_at(tz, second_of(at));
	assert(piece.until_s > second_of(at));
	if (piece.until_s >= TZ_SECOND_MAX)
		return false;
	*ret_change = piece.until_s * TIME_SECOND;
	return true;
}
