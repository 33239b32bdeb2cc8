/* fairness.c: see fairness.h. */
#include "oncall/fairness.h"

#include <assert.h>

#define SLEEP_FROM (22 * TIME_HOUR)
#define SLEEP_UNTIL (8 * TIME_HOUR)
#define BUSINESS_UNTIL (18 * TIME_HOUR)
#define SATURDAY 5
#define EVEN_ENOUGH 95u

static time_us overlap(time_us from, time_us until, time_us a, time_us b)
{
	time_us low = from > a ? from : a, high = until < b ? until : b;
	return high > low ? high - low : 0;
}

/* Day by day of the person's wall clock. What is neither sleep nor business is off: so the three
 * always sum up, also on days of 23 or 25 hours. */
static void split(struct fairness_row *row, const struct tz *tz, time_us from, time_us until)
{
	time_us wall = tz_wall_of(tz, from), last = tz_wall_of(tz, until) + TIME_DAY;
	time_us sleep = 0, business = 0;
	for (time_us day = wall - wall % TIME_DAY - TIME_DAY; day <= last; day += TIME_DAY) {
		time_us morning = tz_first(tz, day + SLEEP_UNTIL);
		time_us next_morning = tz_first(tz, day + TIME_DAY + SLEEP_UNTIL);
		sleep += overlap(from, until, tz_first(tz, day + SLEEP_FROM), next_morning);
		if (time_civil_of(day).weekday < SATURDAY)
			business +=
				overlap(from, until, morning, tz_first(tz, day + BUSINESS_UNTIL));
	}
	assert(sleep + business <= until - from);
	row->total += until - from;
	row->sleep += sleep;
	row->business += business;
	row->off += until - from - sleep - business;
}

/* The row of a user, made when missing; NULL: the table is full. */
static struct fairness_row *row_of(struct fairness_row *rows, size_t *count, int64_t user)
{
	size_t at = 0;
	while (at < *count && rows[at].user < user)
		at++;
	if (at < *count && rows[at].user == user)
		return &rows[at];
	if (*count == FAIRNESS_PEOPLE_MAX)
		return NULL;
	for (size_t i = (*count)++; i > at; i--)
		rows[i] = rows[i - 1];
	rows[at] = (struct fairness_row){ .user = user };
	return &rows[at];
}

/* Whether the person went on from the segment before: then it is one shift. */
static bool went_on(const struct oncall_list *list, size_t i, int64_t user)
{
	if (i == 0 || list->segments[i - 1].until != list->segments[i].from)
		return false;
	for (size_t k = 0; k < list->segments[i - 1].count; k++)
		if (list->segments[i - 1].people[k].user == user)
			return true;
	return false;
}

enum err fairness_count(const struct oncall_list *list, const struct tz *fallback,
			fairness_zone_fn *zone_of, void *context, struct arena *arena,
			struct fairness_row **ret_rows, size_t *ret_count, struct error *err)
{
	assert(fallback != NULL);
	assert(list->from < list->until);
	struct fairness_row *rows = arena_try(arena, FAIRNESS_PEOPLE_MAX * sizeof *rows);
	size_t count = 0;
	for (size_t i = 0; i < list->segment_count; i++) {
		const struct oncall_segment *segment = &list->segments[i];
		for (size_t k = 0; k < segment->count; k++) {
			int64_t user = segment->people[k].user;
			struct fairness_row *row = rows != NULL ? row_of(rows, &count, user) : NULL;
			if (row == NULL)
				return error_set(err, ERR_TOO_LARGE,
						 "cannot compare more than %u people",
						 FAIRNESS_PEOPLE_MAX);
			const struct tz *tz = zone_of != NULL ? zone_of(context, user) : NULL;
			split(row, tz != NULL ? tz : fallback, segment->from, segment->until);
			row->shifts += !went_on(list, i, user);
		}
	}
	for (size_t i = 0; i < count; i++) {
		rows[i].share = (unsigned)(rows[i].total / ((list->until - list->from) / 1000 + 1));
		rows[i].too_much = rows[i].share > FAIRNESS_SHARE_MAX;
	}
	*ret_rows = rows;
	*ret_count = count;
	return OK;
}

unsigned fairness_balance(const struct fairness_row *rows, size_t count, bool sleep)
{
	uint64_t sum = 0, pairs = 0;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = i + 1; k < count; k++) {
			time_us a = (sleep ? rows[i].sleep : rows[i].total) / TIME_MINUTE;
			time_us b = (sleep ? rows[k].sleep : rows[k].total) / TIME_MINUTE;
			time_us low = a < b ? a : b, high = a < b ? b : a;
			sum += high == 0 ? 1000 : (uint64_t)(low * 1000 / high);
			pairs++;
		}
	}
	unsigned percent = pairs == 0 ? 100 : (unsigned)(sum / pairs / 10);
	return percent >= EVEN_ENOUGH ? 100 : percent;
}
