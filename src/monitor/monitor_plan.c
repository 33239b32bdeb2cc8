/* monitor_plan.c: see monitor_plan.h. */
#include "monitor/monitor_plan.h"

#include <assert.h>

#include "base/mem.h"

/* FNV's low bits are weak for short names: mix before taking the remainder. */
static uint64_t spread(struct str name)
{
	uint64_t hash = str_hash(name);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	return hash;
}

static time_us phase_of(struct str name, time_us interval)
{
	assert(interval > 0);
	return (time_us)(spread(name) % (uint64_t)interval);
}

time_us plan_first(struct str name, time_us interval, time_us now)
{
	time_us within = interval < PLAN_FIRST_MAX ? interval : PLAN_FIRST_MAX;
	return now + phase_of(name, within);
}

time_us plan_next(struct str name, time_us interval, time_us now)
{
	time_us phase = phase_of(name, interval);
	assert(now >= 0);
	if (now < phase)
		return phase;
	return phase + ((now - phase) / interval + 1) * interval;
}

uint64_t plan_missed(time_us planned, time_us interval, time_us now)
{
	assert(interval > 0);
	return now > planned ? (uint64_t)((now - planned) / interval) : 0;
}

time_us plan_quick(time_us next, time_us interval, time_us now)
{
	time_us wait = interval / PLAN_QUICK_PART;
	if (wait < PLAN_QUICK_MIN)
		wait = PLAN_QUICK_MIN;
	return now + wait < next ? now + wait : next;
}

void plan_init(struct plan *plan)
{
	*plan = (struct plan){ .items = NULL };
}

void plan_finish(struct plan *plan)
{
	mem_free(plan->items);
	*plan = (struct plan){ .items = NULL };
}

static void set(struct plan *plan, size_t place, struct plan_item *item)
{
	plan->items[place - 1] = item;
	item->place = place;
}

static struct plan_item *get(const struct plan *plan, size_t place)
{
	return plan->items[place - 1];
}

static void rise(struct plan *plan, struct plan_item *item)
{
	size_t place = item->place;
	while (place > 1 && get(plan, place / 2)->due > item->due) {
		set(plan, place, get(plan, place / 2));
		place /= 2;
	}
	set(plan, place, item);
}

static void sink(struct plan *plan, struct plan_item *item)
{
	size_t place = item->place;
	for (;;) {
		size_t child = place * 2;
		if (child > plan->count)
			break;
		if (child < plan->count && get(plan, child + 1)->due < get(plan, child)->due)
			child++;
		if (get(plan, child)->due >= item->due)
			break;
		set(plan, place, get(plan, child));
		place = child;
	}
	set(plan, place, item);
}

void plan_put(struct plan *plan, struct plan_item *item, time_us due)
{
	if (item->place == 0) {
		if (plan->count == plan->size) {
			plan->size = plan->size > 0 ? plan->size * 2 : 64;
			plan->items = mem_realloc(plan->items, plan->size * sizeof *plan->items);
		}
		set(plan, ++plan->count, item);
	}
	item->due = due;
	rise(plan, item);
	sink(plan, item);
}

void plan_remove(struct plan *plan, struct plan_item *item)
{
	size_t place = item->place;
	if (place == 0)
		return;
	assert(get(plan, place) == item);
	struct plan_item *last = get(plan, plan->count);
	plan->count--;
	item->place = 0;
	if (last == item)
		return;
	set(plan, place, last);
	rise(plan, last);
	sink(plan, last);
}

struct plan_item *plan_peek(const struct plan *plan)
{
	return plan->count > 0 ? plan->items[0] : NULL;
}
