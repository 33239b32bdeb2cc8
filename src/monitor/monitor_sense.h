/*
 * monitor_sense.h: runs the checks: when, how many at once, and what became of them.
 *
 * One sense has a list of checks, changed from any thread by posted words. On its loop it starts what
 * is due (monitor_plan.h), at most SENSE_RUNNING_MAX at once and the rest in order of arrival,
 * steps each check's machine (check.h), adds up its time (monitor_rollup.h), and tells the listener.
 * Nothing here waits: a probe that takes long takes its own time and nobody else's.
 *
 * Owns: the specs and states it was given. Runs on: the loop's thread, except where a function says
 * "any thread". The listener is called on the loop's thread.
 */
#pragma once

#include "monitor/check.h"
#include "monitor/monitor_probe.h"
#include "monitor/monitor_rollup.h"
#include "monitor/monitor_spec.h"

struct sense;

#define SENSE_CHECKS_MAX 100000
#define SENSE_RUNNING_MAX 256
#define SENSE_PROGRAMS_MAX 32 /* of them, besides: what runs programs (PROBE_HAND) */
#define SENSE_TRIES_MAX 64 /* dry runs at once; more are refused with ERR_LIMIT */

struct sense_listener {
	void *context;
	/* Every result. `state` is the one after it; `transition` is NULL when nothing changed. Hand on as
	 * commands only what check_transition_is_news. May be NULL. */
	void (*result)(void *context, const char *name, const struct check_result *result,
	               const struct check_state *state, const struct check_transition *transition);
	/* A finished minute, hour or day: adds to the row of the same name, step and start. May be NULL. */
	void (*row)(void *context, const char *name, enum rollup_step step,
	            const struct rollup_bucket *bucket);
};

struct sense *sense_create(const struct probe_tools *tools, const struct sense_listener *listener);

/* On the loop's thread, or after it has stopped; other threads must have let go of it. Running probes are
 * cancelled, open buckets are given out, words still on their way find nobody. */
void sense_destroy(struct sense **sense);

/*
 * Any thread. Each posts a word and returns at once: OK, or ERR_LIMIT when the loop is behind and the
 * word was not taken. Words about one check take effect in the order of the calls.
 */

/* Adds or replaces the check of that name and takes the spec over (also on ERR_LIMIT, then freed). A new one
 * starts from `state` (a restart goes on where it was) or, with NULL, unknown; a replaced one keeps
 * its state. spec->paused pauses and un-pauses it. */
enum err sense_set(struct sense *sense, struct check_spec *spec, const struct check_state *state);
enum err sense_remove(struct sense *sense, const char *name);
enum err sense_pause(struct sense *sense, const char *name, const char *reason);
enum err sense_resume(struct sense *sense, const char *name, const char *reason);
enum err sense_mute(struct sense *sense, const char *name, bool muted); /* for uptime only */
enum err sense_run(struct sense *sense, const char *name);              /* as soon as possible */

/* A dry run of a spec that need not be in the list; the spec is taken over. The callback runs on the
 * loop's thread, exactly once if OK is returned (with ERR_LIMIT as a bad result when too many run). */
enum err sense_try(struct sense *sense, struct check_spec *spec, probe_done_fn *done,
                   void *context);

/* Any thread; each figure is right for itself. */
struct sense_figures {
	uint64_t results;  /* since the start */
	uint64_t missed;   /* rounds that were due and could not be run */
	unsigned checks, running, waiting;
};
struct sense_figures sense_figures(struct sense *sense);

/* On the loop's thread: gives out the open buckets of every `parts`-th check, beginning with `part`;
 * called in turn with 0 .. parts - 1, all of them. */
void sense_flush(struct sense *sense, unsigned part, unsigned parts);

/* On the loop's thread: the state now, NULL when there is no such check; and when it is due. */
const struct check_state *sense_state(struct sense *sense, const char *name, time_us *ret_due);
