/*
 * monitor_sense.c: see monitor_sense.h.
 *
 * A check is in one of three places: in the plan (waits for its time), in the queue (its time has
 * come), or running. It goes back to the plan when its result is in, so it never runs twice at once.
 */
#include "monitor/monitor_sense.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "monitor/monitor_plan.h"
#include "sys/clock.h"
#include "sys/loop.h"

#define BUCKETS 16384
#define LOOK_MAX (10 * TIME_SECOND) /* the plan is looked at this often at least: sleep, odd clocks */
#define STARTS_PER_TURN 64          /* then other work of the loop has its turn */

struct watch {
	struct plan_item item; /* first: a plan item is a watch */
	struct sense *sense;
	struct watch *next_same_hash;
	struct watch *next_waiting;
	struct check_spec spec;
	struct check_state state;
	struct rollup rollup;
	time_us planned; /* the grid point this round belongs to; for what was missed */
	time_us began_wall, began_boot;
	void *run;
	bool waiting, running, muted, run_now;
	bool shared; /* it runs on another server: `run` is of tools.share */
};

/* Words on their way outlive the sense they are for: they hold this, and find it empty. */
struct sense_link {
	struct sense *sense; /* the loop's thread only; NULL once it is gone */
	atomic_uint holders;
};

/* Those whose time has come, in order, and how many of them run. */
struct lane {
	struct watch *first, **last;
	unsigned running;
};

static const unsigned lane_max[PROBE_LANES] = {
	[PROBE_NET] = SENSE_RUNNING_MAX, [PROBE_HAND] = SENSE_PROGRAMS_MAX,
};

struct sense {
	struct sense_link *link;
	struct probe_tools tools;
	struct sense_listener listener;
	struct loop_timer *timer;
	struct plan plan;
	struct lane lanes[PROBE_LANES];
	struct dry_run *dry_runs;
	unsigned dry_count;
	atomic_uint checks, running, waiting;
	atomic_ullong results, missed;
	struct watch *table[BUCKETS];
};

/* What another thread asked for. */
enum word_kind { WORD_SET, WORD_REMOVE, WORD_PAUSE, WORD_RESUME, WORD_MUTE, WORD_RUN, WORD_TRY };

struct word {
	struct sense_link *link;
	enum word_kind kind;
	char name[MONITOR_NAME_BYTES];
	char reason[CHECK_REASON_BYTES];
	struct check_spec spec;
	struct check_state state;
	bool has_state, flag;
	probe_done_fn *done;
	void *context;
};

struct dry_run {
	struct sense *sense;
	struct dry_run *next, **link;
	struct check_spec spec;
	probe_done_fn *done;
	void *context, *run;
	time_us began_wall, began_boot;
};

static time_us now_boot(struct sense *sense)
{
	return clock_since_boot(sense->tools.clock);
}

static time_us now_wall(struct sense *sense)
{
	return clock_wall(sense->tools.clock);
}

static struct watch **find_slot(struct sense *sense, const char *name)
{
	struct watch **slot = &sense->table[str_hash(str_of(name)) % BUCKETS];
	while (*slot != NULL && strcmp((*slot)->spec.name, name) != 0)
		slot = &(*slot)->next_same_hash;
	return slot;
}

static void give_row(void *context, enum rollup_step step, const struct rollup_bucket *bucket)
{
	struct watch *watch = context;
	const struct sense_listener *listener = &watch->sense->listener;
	if (listener->row != NULL)
		listener->row(listener->context, watch->spec.name, step, bucket);
}

/* ---- the queue ---- */

static struct lane *lane_of(struct watch *watch)
{
	return &watch->sense->lanes[watch->spec.kind->lane];
}

static void queue_push(struct sense *sense, struct watch *watch)
{
	assert(!watch->waiting && !watch->running);
	watch->waiting = true;
	watch->next_waiting = NULL;
	struct lane *lane = lane_of(watch);
	*lane->last = watch;
	lane->last = &watch->next_waiting;
	atomic_fetch_add(&sense->waiting, 1);
}

static bool can_start(const struct sense *sense, enum probe_lane lane)
{
	return sense->lanes[lane].first != NULL && sense->lanes[lane].running < lane_max[lane];
}

static struct watch *queue_pop(struct sense *sense, enum probe_lane number)
{
	struct lane *lane = &sense->lanes[number];
	struct watch *watch = lane->first;
	assert(watch != NULL);
	lane->first = watch->next_waiting;
	if (lane->first == NULL)
		lane->last = &lane->first;
	watch->waiting = false;
	atomic_fetch_sub(&sense->waiting, 1);
	return watch;
}

static void queue_remove(struct sense *sense, struct watch *watch)
{
	struct lane *lane = lane_of(watch);
	struct watch **link = &lane->first;
	while (*link != NULL && *link != watch)
		link = &(*link)->next_waiting;
	if (*link == NULL)
		return;
	*link = watch->next_waiting;
	if (*link == NULL)
		lane->last = link;
	watch->waiting = false;
	atomic_fetch_sub(&sense->waiting, 1);
}

/* ---- one round ---- */

static void look(void *context);

static void arm(struct sense *sense)
{
	struct plan_item *next = plan_peek(&sense->plan);
	time_us delay = LOOK_MAX;
	bool some = can_start(sense, PROBE_NET) || can_start(sense, PROBE_HAND);
	if (next != NULL && next->due - now_boot(sense) < delay)
		delay = next->due - now_boot(sense);
	if (some || delay < 0)
		delay = 0;
	loop_timer_start(sense->timer, delay);
}

static void plan_again(struct watch *watch)
{
	struct sense *sense = watch->sense;
	time_us now = now_boot(sense), interval = watch->spec.interval;
	struct str name = str_of(watch->spec.name);
	if (watch->state.status == CHECK_PAUSED) {
		plan_remove(&sense->plan, &watch->item);
		return;
	}
	if (watch->planned > 0)
		atomic_fetch_add(&sense->missed, plan_missed(watch->planned, interval, now));
	time_us next = plan_next(name, interval, now), due = next;
	if (watch->state.status == CHECK_FAILING)
		due = plan_quick(next, interval, now);
	if (watch->run_now)
		due = now;
	watch->run_now = false;
	watch->planned = due == next ? next : 0; /* an extra try belongs to no round */
	plan_put(&sense->plan, &watch->item, due);
}

static void book_result(struct watch *watch, const struct check_result *result)
{
	struct rollup_sample sample = {
		.at = result->wall, .good = result->good, .degraded = watch->state.status == CHECK_DEGRADED,
		.muted = watch->muted, .latency = result->latency, .covers = 2 * watch->spec.interval,
	};
	if (result->blind)
		rollup_stop(&watch->rollup, sample.at, give_row, watch);
	else if (sample.at > 0 && watch->state.status != CHECK_PAUSED)
		rollup_add(&watch->rollup, &sample, give_row, watch);
}

static void take_result(struct watch *watch, const struct check_result *found)
{
	struct sense *sense = watch->sense;
	struct check_result result = *found;
	struct check_transition transition;
	result.wall = watch->began_wall;
	result.boot = watch->began_boot;
	bool changed = check_step(&watch->spec.rules, &watch->state, &result, &transition);
	book_result(watch, &result);
	atomic_fetch_add(&sense->results, 1);
	if (sense->listener.result != NULL)
		sense->listener.result(sense->listener.context, watch->spec.name, &result, &watch->state,
		                       changed ? &transition : NULL);
	plan_again(watch);
}

static void count_running(struct watch *watch, bool running)
{
	watch->running = running;
	lane_of(watch)->running += running ? 1u : -1u;
	atomic_fetch_add(&watch->sense->running, running ? 1u : -1u);
}

static void on_done(void *context, const struct check_result *result)
{
	struct watch *watch = context;
	struct sense *sense = watch->sense;
	assert(watch->running);
	count_running(watch, false);
	watch->run = NULL;
	take_result(watch, result);
	arm(sense);
}

static void start_watch(struct watch *watch)
{
	struct sense *sense = watch->sense;
	struct error err = { .code = OK };
	watch->began_wall = now_wall(sense);
	watch->began_boot = now_boot(sense);
	count_running(watch, true);
	const struct probe_share *share = sense->tools.share;
	watch->shared = share != NULL && watch->spec.kind->anywhere &&
	                share->start(share->context, &watch->spec, on_done, watch, &watch->run);
	if (watch->shared)
		return;
	if (watch->spec.kind->start(&sense->tools, &watch->spec, on_done, watch, &watch->run, &err) == OK)
		return;
	struct check_result result = { .good = false };
	probe_fail(&result, "%s", err.text);
	count_running(watch, false);
	take_result(watch, &result);
}

static void look(void *context)
{
	struct sense *sense = context;
	struct plan_item *item;
	time_us now = now_boot(sense);
	while ((item = plan_peek(&sense->plan)) != NULL && item->due <= now) {
		plan_remove(&sense->plan, item);
		queue_push(sense, (struct watch *)item);
	}
	for (enum probe_lane lane = 0; lane < PROBE_LANES; lane++)
		for (unsigned i = 0; i < STARTS_PER_TURN && can_start(sense, lane); i++)
			start_watch(queue_pop(sense, lane));
	arm(sense);
}

/* ---- words ---- */

static void leave_round(struct watch *watch)
{
	struct sense *sense = watch->sense;
	plan_remove(&sense->plan, &watch->item);
	if (watch->waiting)
		queue_remove(sense, watch);
	if (watch->running) {
		if (watch->shared)
			sense->tools.share->cancel(watch->run);
		else
			watch->spec.kind->cancel(watch->run);
		count_running(watch, false);
		watch->run = NULL;
	}
}

static void watch_free(struct watch *watch)
{
	struct sense *sense = watch->sense;
	leave_round(watch);
	rollup_stop(&watch->rollup, now_wall(sense), give_row, watch);
	rollup_flush(&watch->rollup, now_wall(sense), give_row, watch);
	monitor_spec_finish(&watch->spec);
	atomic_fetch_sub(&sense->checks, 1);
	mem_free(watch);
}

/* A person's change is a transition without a result. */
static void set_paused(struct watch *watch, bool paused, const char *reason)
{
	struct sense *sense = watch->sense;
	struct check_transition transition;
	time_us wall = now_wall(sense), boot = now_boot(sense);
	bool changed = paused ? check_pause(&watch->state, wall, boot, reason, &transition)
	                      : check_resume(&watch->state, wall, boot, reason, &transition);
	if (!changed)
		return;
	leave_round(watch);
	struct check_result result = { .wall = wall, .boot = boot, .good = true };
	snprintf(result.reason, sizeof result.reason, "%s", reason);
	if (paused)
		rollup_stop(&watch->rollup, wall, give_row, watch);
	else
		plan_put(&sense->plan, &watch->item, boot);
	watch->planned = 0;
	if (sense->listener.result != NULL)
		sense->listener.result(sense->listener.context, watch->spec.name, &result, &watch->state,
		                       &transition);
}

/* After a reboot the time since boot is smaller than what was remembered: count from now. */
static void take_state(struct watch *watch, const struct check_state *state)
{
	time_us now = now_boot(watch->sense);
	watch->state = *state;
	if (watch->state.bad_boot > now)
		watch->state.bad_boot = now;
	if (watch->state.since_boot > now)
		watch->state.since_boot = now;
}

static void add_watch(struct sense *sense, struct word *word)
{
	struct watch *watch = mem_alloc(sizeof *watch);
	watch->sense = sense;
	watch->spec = word->spec;
	word->spec = (struct check_spec){ .kind = NULL };
	if (word->has_state)
		take_state(watch, &word->state);
	rollup_init(&watch->rollup);
	struct watch **slot = find_slot(sense, watch->spec.name);
	watch->next_same_hash = *slot;
	*slot = watch;
	atomic_fetch_add(&sense->checks, 1);
	time_us now = now_boot(sense);
	if (watch->state.status != CHECK_PAUSED)
		plan_put(&sense->plan, &watch->item,
		         plan_first(str_of(watch->spec.name), watch->spec.interval, now));
	if (watch->spec.paused)
		set_paused(watch, true, "paused by its definition");
}

static void replace_watch(struct watch *watch, struct word *word)
{
	struct sense *sense = watch->sense;
	bool was_paused = watch->spec.paused;
	leave_round(watch);
	monitor_spec_finish(&watch->spec);
	watch->spec = word->spec;
	word->spec = (struct check_spec){ .kind = NULL };
	watch->planned = 0;
	if (watch->spec.paused != was_paused)
		set_paused(watch, watch->spec.paused, "changed in its definition");
	if (watch->state.status != CHECK_PAUSED)
		plan_put(&sense->plan, &watch->item,
		         plan_first(str_of(watch->spec.name), watch->spec.interval, now_boot(sense)));
}

static void set_watch(struct sense *sense, struct word *word)
{
	struct watch *watch = *find_slot(sense, word->spec.name);
	if (watch != NULL)
		replace_watch(watch, word);
	else if (atomic_load(&sense->checks) < SENSE_CHECKS_MAX)
		add_watch(sense, word);
}

static void remove_watch(struct sense *sense, const char *name)
{
	struct watch **slot = find_slot(sense, name), *watch = *slot;
	if (watch == NULL)
		return;
	*slot = watch->next_same_hash;
	watch_free(watch);
}

static void run_watch(struct sense *sense, struct watch *watch)
{
	watch->run_now = watch->running;
	if (watch->running || watch->waiting || watch->state.status == CHECK_PAUSED)
		return;
	watch->planned = 0;
	plan_put(&sense->plan, &watch->item, now_boot(sense));
}

/* ---- dry runs ---- */

static void dry_free(struct dry_run *dry)
{
	*dry->link = dry->next;
	if (dry->next != NULL)
		dry->next->link = dry->link;
	dry->sense->dry_count--;
	monitor_spec_finish(&dry->spec);
	mem_free(dry);
}

static void on_dry_done(void *context, const struct check_result *found)
{
	struct dry_run *dry = context;
	struct check_result result = *found;
	result.wall = dry->began_wall;
	result.boot = dry->began_boot;
	dry->done(dry->context, &result);
	dry_free(dry);
}

static void start_dry(struct sense *sense, struct word *word)
{
	struct check_result result = { .good = false, .wall = now_wall(sense), .boot = now_boot(sense) };
	struct error err = { .code = OK };
	if (sense->dry_count >= SENSE_TRIES_MAX) {
		probe_fail(&result, "could not try it: %u other tries run already", sense->dry_count);
		word->done(word->context, &result);
		return;
	}
	struct dry_run *dry = mem_alloc(sizeof *dry);
	*dry = (struct dry_run){ .sense = sense, .spec = word->spec, .done = word->done,
	                         .context = word->context, .next = sense->dry_runs,
	                         .link = &sense->dry_runs, .began_wall = result.wall,
	                         .began_boot = result.boot };
	word->spec = (struct check_spec){ .kind = NULL };
	if (dry->next != NULL)
		dry->next->link = &dry->next;
	sense->dry_runs = dry;
	sense->dry_count++;
	if (dry->spec.kind->start(&sense->tools, &dry->spec, on_dry_done, dry, &dry->run, &err) != OK) {
		probe_fail(&result, "%s", err.text);
		on_dry_done(dry, &result);
	}
}

static void on_word_for(struct sense *sense, struct watch *watch, const struct word *word)
{
	switch (word->kind) {
	case WORD_PAUSE:
		set_paused(watch, true, word->reason);
		break;
	case WORD_RESUME:
		set_paused(watch, false, word->reason);
		break;
	case WORD_MUTE:
		watch->muted = word->flag;
		break;
	case WORD_RUN:
		run_watch(sense, watch);
		break;
	default:
		assert(false);
	}
}

static void link_let_go(struct sense_link *link)
{
	if (atomic_fetch_sub(&link->holders, 1) == 1)
		mem_free(link);
}

static void word_free(struct word *word)
{
	link_let_go(word->link);
	monitor_spec_finish(&word->spec);
	mem_free(word);
}

/* Nobody is there any more. Who waits for an answer gets one. */
static void on_late_word(struct word *word)
{
	struct check_result result = { .good = false };
	probe_fail(&result, "the server is stopping");
	if (word->kind == WORD_TRY)
		word->done(word->context, &result);
	word_free(word);
}

static void on_word(void *context)
{
	struct word *word = context;
	struct sense *sense = word->link->sense;
	if (sense == NULL) {
		on_late_word(word);
		return;
	}
	struct watch *watch = *find_slot(sense, word->name);
	if (word->kind == WORD_SET)
		set_watch(sense, word);
	else if (word->kind == WORD_REMOVE)
		remove_watch(sense, word->name);
	else if (word->kind == WORD_TRY)
		start_dry(sense, word);
	else if (watch != NULL) /* it may have been removed meanwhile */
		on_word_for(sense, watch, word);
	word_free(word);
	arm(sense);
}

static struct word *word_create(struct sense *sense, enum word_kind kind, const char *name,
                                const char *reason)
{
	struct word *word = mem_alloc(sizeof *word);
	word->link = sense->link;
	atomic_fetch_add(&word->link->holders, 1);
	word->kind = kind;
	snprintf(word->name, sizeof word->name, "%s", name);
	snprintf(word->reason, sizeof word->reason, "%s", reason);
	return word;
}

static enum err post(struct sense *sense, struct word *word)
{
	enum err result = loop_post(sense->tools.loop, on_word, word);
	if (result != OK)
		word_free(word);
	return result;
}

enum err sense_set(struct sense *sense, struct check_spec *spec, const struct check_state *state)
{
	assert(spec->kind != NULL);
	struct word *word = word_create(sense, WORD_SET, spec->name, "");
	word->spec = *spec;
	*spec = (struct check_spec){ .kind = NULL };
	word->has_state = state != NULL;
	if (state != NULL) {
		check_state_assert(state);
		word->state = *state;
	}
	return post(sense, word);
}

enum err sense_remove(struct sense *sense, const char *name)
{
	return post(sense, word_create(sense, WORD_REMOVE, name, ""));
}

enum err sense_pause(struct sense *sense, const char *name, const char *reason)
{
	return post(sense, word_create(sense, WORD_PAUSE, name, reason));
}

enum err sense_resume(struct sense *sense, const char *name, const char *reason)
{
	return post(sense, word_create(sense, WORD_RESUME, name, reason));
}

enum err sense_mute(struct sense *sense, const char *name, bool muted)
{
	struct word *word = word_create(sense, WORD_MUTE, name, "");
	word->flag = muted;
	return post(sense, word);
}

enum err sense_run(struct sense *sense, const char *name)
{
	return post(sense, word_create(sense, WORD_RUN, name, ""));
}

enum err sense_try(struct sense *sense, struct check_spec *spec, probe_done_fn *done, void *context)
{
	assert(spec->kind != NULL);
	assert(done != NULL);
	struct word *word = word_create(sense, WORD_TRY, spec->name, "");
	word->spec = *spec;
	*spec = (struct check_spec){ .kind = NULL };
	word->done = done;
	word->context = context;
	return post(sense, word);
}

/* ---- life ---- */

struct sense *sense_create(const struct probe_tools *tools, const struct sense_listener *listener)
{
	struct sense *sense = mem_alloc(sizeof *sense);
	sense->link = mem_alloc(sizeof *sense->link);
	sense->link->sense = sense;
	atomic_store(&sense->link->holders, 1);
	sense->tools = *tools;
	sense->listener = *listener;
	for (enum probe_lane lane = 0; lane < PROBE_LANES; lane++)
		sense->lanes[lane].last = &sense->lanes[lane].first;
	plan_init(&sense->plan);
	sense->timer = loop_timer_create(tools->loop, look, sense);
	arm(sense);
	return sense;
}

void sense_destroy(struct sense **sense_pointer)
{
	struct sense *sense = *sense_pointer;
	if (sense == NULL)
		return;
	*sense_pointer = NULL;
	sense->link->sense = NULL;
	while (sense->dry_runs != NULL) {
		struct dry_run *dry = sense->dry_runs;
		struct check_result result = { .good = false };
		dry->spec.kind->cancel(dry->run);
		probe_fail(&result, "the server is stopping");
		on_dry_done(dry, &result);
	}
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (sense->table[i] != NULL) {
			struct watch *watch = sense->table[i];
			sense->table[i] = watch->next_same_hash;
			watch_free(watch);
		}
	}
	assert(atomic_load(&sense->running) == 0);
	loop_timer_destroy(&sense->timer);
	plan_finish(&sense->plan);
	link_let_go(sense->link);
	mem_free(sense);
}

struct sense_figures sense_figures(struct sense *sense)
{
	return (struct sense_figures){
		.results = atomic_load(&sense->results),
		.missed = atomic_load(&sense->missed),
		.checks = atomic_load(&sense->checks),
		.running = atomic_load(&sense->running),
		.waiting = atomic_load(&sense->waiting),
	};
}

void sense_flush(struct sense *sense, unsigned part, unsigned parts)
{
	assert(parts > 0 && part < parts);
	for (unsigned i = part; i < BUCKETS; i += parts)
		for (struct watch *watch = sense->table[i]; watch != NULL; watch = watch->next_same_hash)
			rollup_flush(&watch->rollup, now_wall(sense), give_row, watch);
}

const struct check_state *sense_state(struct sense *sense, const char *name, time_us *ret_due)
{
	struct watch *watch = *find_slot(sense, name);
	if (watch == NULL)
		return NULL;
	*ret_due = watch->item.place > 0 ? watch->item.due : 0;
	return &watch->state;
}
