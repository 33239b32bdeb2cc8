/* world_time.c: what happens because time passed: due timers, and followers that catch up. */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "journal/world_priv.h"

#define TIMERS_AGAIN (TIME_SECOND / 4) /* after they could not be run */
#define TIMERS_AT_ONCE 64u
#define FOLLOWER_SLICE 64u
#define FOLLOWER_REACH 4096 /* so many events are looked through at once for those of a slice */
#define FOLLOWER_FAILURES_MAX 3

/* ---- timers ---- */

static const struct wire_timer *find_timer(struct world *world, struct str name)
{
	for (const struct wire_timer *row = world->options.wiring->timers; row->due != NULL; row++) {
		if (str_is(name, row->name))
			return row;
	}
	return NULL;
}

static enum err park_timer(struct world *world, const struct timer *timer, time_us now,
			   const char *reason, struct error *err)
{
	log_write(LOG_ERROR, "a timer was set aside", "timer=" STR_FMT " of=%lld reason=\"%s\"",
		  STR_ARG(timer->name), (long long)timer->of, reason);
	struct deciding deciding;
	deciding_init(&deciding, world, ACTOR_SYSTEM, now);
	struct event_timer_parked parked = {
		.timer = timer->name,
		.of = timer->of,
		.reason = arena_str(&world->batch, str_of(reason)),
	};
	decision_emit(&deciding.d, EVENT_TIMER_PARKED, timer->of, &parked);
	return record_all(world, &deciding, 0, err);
}

static enum err fire(struct world *world, const struct timer *timer, time_us now, struct error *err)
{
	const struct wire_timer *row = find_timer(world, timer->name);
	if (row == NULL)
		return park_timer(world, timer, now, "no rule knows this timer", err);
	if (!flight_enter(world->options.flight, row->name, "timer", timer->of))
		return park_timer(world, timer, now, "it ended the server twice", err);
	struct deciding deciding;
	deciding_init(&deciding, world, ACTOR_SYSTEM, now);
	deciding.d.late = now - timer->due;
	enum err r = row->due(&deciding.d, timer, err);
	flight_leave(world->options.flight);
	if (r == OK)
		r = record_all(world, &deciding, 0, err);
	if (is_store_failure(r))
		return r;
	if (r != OK)
		return park_timer(world, timer, now, err->text, err);
	bool still_due;
	r = timer_is_due(world->conn, timer, now, &still_due, err);
	if (r == OK && still_due)
		r = park_timer(world, timer, now, "its rule did not move it", err);
	return r;
}

/* A timer that an earlier one of the same slice has cleared is no longer due. What has not had its
 * turn when much was set off already comes in the next transaction. */
static enum err fire_all(struct world *world, const struct timer *timers, size_t count, time_us now,
			 struct error *err)
{
	for (size_t i = 0; i < count && world->event_count < BATCH_EVENTS_SOFT; i++) {
		bool due;
		enum err r = timer_is_due(world->conn, &timers[i], now, &due, err);
		if (r == OK && due)
			r = fire(world, &timers[i], now, err);
		if (r != OK)
			return r;
	}
	return OK;
}

bool world_run_timers(struct world *world)
{
	time_us next = world_next_timer(world);
	bool due = next != TIME_NONE && next <= clock_wall(world->options.clock);
	if (!due && world_clock_step(world) == 0) /* a step moves the timers: it is noted at once */
		return false;
	struct error err = { 0 };
	time_us now;
	struct timer *timers = NULL;
	size_t count = 0;
	enum err r = batch_begin(world, &now, &err);
	if (r == OK) {
		r = timers_due(world->conn, now, TIMERS_AT_ONCE, &world->batch, &timers, &count, &err);
		if (r == OK)
			r = fire_all(world, timers, count, now, &err);
		r = batch_end(world, r, &err);
	}
	if (r != OK && !world->timers_failing)
		log_write(LOG_ERROR, "could not run timers", "reason=\"%s\"", err.text);
	arena_reset(&world->batch);
	world->timers_failing = r != OK;
	world->next_timer_known = r != OK; /* what is due stays due: without a pause the writer would only try */
	if (r != OK)
		world->next_timer = clock_wall(world->options.clock) + TIMERS_AGAIN;
	return r == OK && count > 0;
}

time_us world_next_timer(struct world *world)
{
	if (world->next_timer_known)
		return world->next_timer;
	struct error err;
	if (timer_next(world->conn, &world->next_timer, &err) != OK) {
		log_write(LOG_ERROR, "could not read the timers", "reason=\"%s\"", err.text);
		return TIME_NONE;
	}
	world->next_timer_known = true;
	return world->next_timer;
}

/* ---- followers ---- */

struct following {
	struct world *world;
	struct follower *follower;
	time_us now;
	int64_t seq; /* the last event that went well, or was none of its own */
	enum err result;
	struct error *err;
};

static enum err follow_row(struct following *f, const struct wire_after *row, const struct event *event)
{
	struct world *world = f->world;
	if (row->decide == NULL) {
		struct apply a = { .conn = world->conn, .arena = &world->batch };
		return row->after(&a, event, f->err);
	}
	struct deciding deciding;
	deciding_init(&deciding, world, ACTOR_SYSTEM, f->now);
	enum err r = row->decide(&deciding.d, event, f->err);
	return r == OK ? record_all(world, &deciding, 0, f->err) : r;
}

static bool follow_one(struct following *f, const struct event *event)
{
	const char *kind = event_kinds[event->kind].name;
	for (const struct wire_after *row = f->world->options.wiring->afters; row->follower != NULL; row++) {
		if (row->kind != event->kind || strcmp(row->follower, f->follower->name) != 0 ||
		    event->payload == NULL)
			continue;
		if (!flight_enter(f->world->options.flight, row->follower, kind,
				  event_whose(event)))
			continue;
		f->result = follow_row(f, row, event);
		flight_leave(f->world->options.flight);
		if (f->result != OK) {
			f->seq = event->seq - 1;
			return false;
		}
	}
	f->seq = event->seq;
	return true;
}

/* Read first and followed then: what follows is recorded in the same table. */
struct slice {
	struct event events[FOLLOWER_SLICE];
	size_t count;
	int64_t up_to; /* nothing before it and behind the events is this follower's */
};

static bool add_to_slice(void *context, const struct event *event)
{
	struct slice *slice = context;
	slice->events[slice->count++] = *event;
	return slice->count < FOLLOWER_SLICE;
}

static enum err read_slice(struct world *world, struct follower *follower, struct slice *slice,
			   struct error *err)
{
	int64_t reach = follower->seq + FOLLOWER_REACH;
	slice->up_to = follower->slice_end > follower->seq ? follower->slice_end
		       : reach < world->last_seq	   ? reach
							   : world->last_seq;
	follower->slice_end = 0;
	struct journal_filter filter = { .after_seq = follower->seq, .up_to_seq = slice->up_to,
					 .kinds = follower->kinds, .limit = FOLLOWER_SLICE };
	enum err r = journal_read(world->conn, &filter, &world->batch, add_to_slice, slice, err);
	if (slice->count == FOLLOWER_SLICE)
		slice->up_to = slice->events[FOLLOWER_SLICE - 1].seq;
	return r;
}

static void follow_slice(struct following *f, const struct slice *slice)
{
	for (size_t i = 0; i < slice->count; i++) {
		if (!follow_one(f, &slice->events[i]))
			return;
	}
	f->seq = slice->up_to;
}

/* The event after `seq` failed: it is tried again, three times, then left out. */
static enum err note_failure(struct world *world, struct follower *follower, int64_t seq,
			     struct error *err)
{
	bool park = follower->failures + 1 >= FOLLOWER_FAILURES_MAX;
	log_write(LOG_ERROR, park ? "a follower left out an event" : "a follower failed",
		  "follower=%s seq=%lld reason=\"%s\"", follower->name, (long long)seq + 1, err->text);
	enum err r = store_begin(world->conn, err);
	if (r != OK)
		return r;
	if (park) {
		struct deciding deciding;
		deciding_init(&deciding, world, ACTOR_SYSTEM, clock_wall(world->options.clock));
		struct event_wire_parked parked = {
			.row = str_of(follower->name),
			.of_kind = STR(""),
			.of = seq + 1,
			.reason = arena_str(&world->batch, str_of(err->text)),
		};
		decision_emit(&deciding.d, EVENT_WIRE_PARKED, 0, &parked);
		r = record_all(world, &deciding, 0, err);
	}
	seq += park ? 1 : 0;
	int64_t failures = park ? 0 : follower->failures + 1;
	if (r == OK)
		r = cursor_write(world->conn, follower->name, seq, failures, err);
	r = batch_end(world, r, err);
	if (r == OK) {
		follower->seq = follower->stored = seq;
		follower->failures = failures;
	}
	return r;
}

/* One transaction: what follows on the slice, and how far that goes. */
static enum err follow_stored(struct world *world, struct follower *follower, const struct slice *slice,
			      struct error *err)
{
	struct following f = { world, follower, 0, follower->seq, OK, err };
	int64_t begun = follower->seq;
	enum err r = batch_begin(world, &f.now, err);
	if (r != OK)
		return r;
	follow_slice(&f, slice);
	r = is_store_failure(f.result) ? f.result : OK;
	if (f.result == OK)
		r = cursor_write(world->conn, follower->name, f.seq, 0, err);
	if (r != OK || f.result == OK) {
		r = batch_end(world, r, err);
		follower->seq = r == OK ? f.seq : begun;
		follower->stored = r == OK ? f.seq : follower->stored;
		follower->failures = r == OK ? 0 : follower->failures;
		return r;
	}
	forget_batch(world); /* its own failure, not the store's: nobody is told that nothing can be kept */
	world->event_count = 0;
	world->noted_step = 0;
	if (f.seq > begun) { /* keep what went well first, then meet the failure alone */
		follower->slice_end = f.seq;
		return OK;
	}
	return note_failure(world, follower, f.seq, err);
}

/* Most events are not a follower's. Over those it steps in memory: who starts again reads them again,
 * and at most FOLLOWER_REACH of them. */
static enum err follow(struct world *world, struct follower *follower, struct error *err)
{
	struct slice *slice = arena_new(&world->batch, struct slice);
	enum err r = world_remember(world, err);
	if (r == OK)
		r = read_slice(world, follower, slice, err);
	if (r != OK)
		return r;
	if (slice->count > 0 || slice->up_to - follower->stored >= FOLLOWER_REACH)
		return follow_stored(world, follower, slice, err);
	follower->seq = slice->up_to;
	return OK;
}

bool world_run_followers(struct world *world)
{
	if (!world->followers_behind)
		return false;
	bool behind = false;
	for (size_t i = 0; i < world->follower_count; i++) {
		struct follower *follower = &world->followers[i];
		if (follower->seq >= world->last_seq)
			continue;
		struct error err = { 0 };
		if (follow(world, follower, &err) != OK)
			log_write(LOG_ERROR, "could not run a follower", "follower=%s reason=\"%s\"",
				  follower->name, err.text);
		else
			behind = behind || follower->seq < world->last_seq;
		arena_reset(&world->batch);
	}
	world->followers_behind = behind;
	return behind;
}
