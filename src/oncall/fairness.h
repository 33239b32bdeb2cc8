/*
 * fairness.h: how the load of being on call is shared: hours, and hours of sleep at risk.
 *
 * Hours are split in the time zone of each person, as analytics of incumbents do: sleep is 22:00 to
 * 08:00 every day; of the rest, Monday to Friday 08:00 to 18:00 is business and all else is off
 * hours.
 *
 * Pure; any thread.
 */
#pragma once

#include "oncall/oncall.h"

#define FAIRNESS_PEOPLE_MAX 512u
/* permille of the window: more than a quarter of the time is too much */
#define FAIRNESS_SHARE_MAX 250u

struct fairness_row {
	int64_t user;
	time_us total, sleep, business, off; /* total is the sum of the others */
	unsigned shifts;                     /* segments; neighbours joined */
	unsigned share;                      /* permille of the window */
	bool too_much;                       /* share above FAIRNESS_SHARE_MAX */
};

/* The zone of a person; NULL: `fallback` is used. */
typedef const struct tz *fairness_zone_fn(void *context, int64_t user);

/* Rows ordered by user, in the arena. ERR_TOO_LARGE: more people than the limit. */
enum err fairness_count(const struct oncall_list *list, const struct tz *fallback,
			fairness_zone_fn *zone_of, void *context, struct arena *arena,
			struct fairness_row **ret_rows, size_t *ret_count, struct error *err);

/* How even the totals are: the mean over all pairs of the smaller by the larger, in percent; 95 and
 * more counts as 100, so does one person alone. `sleep`: of the sleep hours instead. */
unsigned fairness_balance(const struct fairness_row *rows, size_t count, bool sleep);
