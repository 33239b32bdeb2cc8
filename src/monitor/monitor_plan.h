/*
 * monitor_plan.h: when each check is due. Pure: instants come in, instants go out.
 *
 * Every check has its own grid: phase + k * interval in time since boot. The phase comes from the
 * name, so ten thousand checks spread evenly and keep their places over restarts of the process.
 * The next try follows from the plan, not from when the last one ended: nothing drifts. Rounds that
 * passed while nobody could look are skipped and counted, never made up for in a burst.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "base/time.h"

#define PLAN_FIRST_MAX (10 * TIME_SECOND) /* a new check is looked at within this time */
#define PLAN_QUICK_MIN TIME_SECOND
#define PLAN_QUICK_PART 4

/* The first try of a new check: soon, but spread. */
time_us plan_first(struct str name, time_us interval, time_us now);

/* The first point of the grid after `now`. */
time_us plan_next(struct str name, time_us interval, time_us now);

/* How many points of the grid lie in (planned, now]: rounds that were missed. */
uint64_t plan_missed(time_us planned, time_us interval, time_us now);

/* After a first failure one looks again sooner: a quarter of the interval, at least a second, never
 * later than the grid says. */
time_us plan_quick(time_us next, time_us interval, time_us now);

/* A heap of what is due, smallest first. The items are the caller's; each carries its place. */
struct plan_item {
	time_us due;
	size_t place; /* 1-based; 0: not in the heap */
};

struct plan {
	struct plan_item **items;
	size_t count, size;
};

void plan_init(struct plan *plan);
void plan_finish(struct plan *plan);
void plan_put(struct plan *plan, struct plan_item *item, time_us due); /* moves it if it is in */
void plan_remove(struct plan *plan, struct plan_item *item);           /* if it is in */
struct plan_item *plan_peek(const struct plan *plan);                  /* NULL when empty */
