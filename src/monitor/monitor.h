/*
 * monitor.h: checks as the rest of the house sees them: what state each is in, and since when.
 *
 * The sense loop (monitor_sense.h) looks; what it finds new becomes a command here. A result is a
 * sample and no event: it goes into rollups, which are flushed as rows of class work.
 *
 * Decide and apply run on the world's thread; reading on any connection. Clock: passed in.
 */
#pragma once

#include "journal/world.h"
#include "monitor/check.h"
#include "monitor/monitor_rollup.h"

#define MONITOR_CHECK "Check"
#define MONITOR_FLUSH_ROWS_MAX 2000u

extern const struct store_table *const monitor_tables[];

/* ---- commands ---- */

struct monitor_change {
	struct str check;
	struct str from, to; /* up, down, degraded, unknown */
	struct str reason;
	time_us latency, since; /* since: by the wall */
	bool flapping;
};
/* Of a check that is no longer defined, nothing is recorded. */
decide_fn monitor_change_decide;

struct monitor_pause {
	struct str check, reason;
};
decide_fn monitor_pause_decide, monitor_resume_decide; /* struct monitor_pause */

struct monitor_bucket {
	struct str check;
	enum rollup_step step;
	struct rollup_bucket bucket;
};
struct monitor_flush {
	const struct monitor_bucket *rows;
	size_t count; /* at most MONITOR_FLUSH_ROWS_MAX */
};
/* Adds the buckets to what is stored; writes no event. */
decide_fn monitor_flush_decide;

/* ---- NOW rows and applies ---- */

now_fn monitor_on_deleted; /* definition.deleted: its alert ends with it */
apply_fn monitor_apply_changed, monitor_apply_paused, monitor_apply_resumed;

/* ---- reading ---- */

struct monitor_state {
	struct str check, state; /* up, down, degraded, unknown or paused */
	struct str reason;
	time_us since, latency;
	bool flapping;
};
/* A check that nobody looked at yet is unknown. */
enum err monitor_state_get(struct store_conn *conn, struct str check, struct arena *arena,
			   struct monitor_state *ret_state, struct error *err);

typedef bool monitor_each_state_fn(void *context, const struct monitor_state *state);
enum err monitor_states(struct store_conn *conn, struct arena *arena,
			monitor_each_state_fn *each, void *context, struct error *err);

/* Buckets in [from, to), ascending. */
typedef bool monitor_each_bucket_fn(void *context, const struct rollup_bucket *bucket);
enum err monitor_buckets(struct store_conn *conn, struct str check, enum rollup_step step,
			 time_us from, time_us to, monitor_each_bucket_fn *each, void *context,
			 struct error *err);
