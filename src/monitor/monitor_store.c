/* monitor_store.c: the states of checks and their rollups. The only SQL of this room. */
#include <assert.h>
#include <string.h>

#include "monitor/monitor.h"
#include "monitor/monitor_beat.h"

static const struct store_table state_table = {
	.name = "check_state",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "state {text} NOT NULL", "reason {text} NOT NULL",
		     "since {int} NOT NULL", "latency {int} NOT NULL", "flapping {int} NOT NULL" },
};

/* Samples, added up: losing some loses a picture, never a page. */
static const struct store_table rollup_table = {
	.name = "check_rollup",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 3,
	.columns = { "name {text} NOT NULL", "step {int} NOT NULL", "start {int} NOT NULL",
		     "results {int} NOT NULL", "ok {int} NOT NULL", "degraded {int} NOT NULL",
		     "up {int} NOT NULL", "down {int} NOT NULL", "excluded {int} NOT NULL",
		     "latency_min {int} NOT NULL", "latency_max {int} NOT NULL",
		     "latency_sum {int} NOT NULL", "latency_count {int} NOT NULL",
		     "slots {text} NOT NULL" },
	.indexes = { "step, start" },
};

const struct store_table *const monitor_tables[] = { &state_table, &rollup_table,
						    &monitor_address_table, &monitor_beat_table, NULL };

#define COLUMNS "name, state, reason, since, latency, flapping"

static struct monitor_state read_state(struct store_rows *rows, struct arena *arena)
{
	return (struct monitor_state){
		.check = arena_str(arena, store_text(rows, 0)),
		.state = arena_str(arena, store_text(rows, 1)),
		.reason = arena_str(arena, store_text(rows, 2)),
		.since = store_int(rows, 3),
		.latency = store_int(rows, 4),
		.flapping = store_int(rows, 5) != 0,
	};
}

enum err monitor_state_get(struct store_conn *conn, struct str check, struct arena *arena,
			   struct monitor_state *ret_state, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " COLUMNS " FROM {check_state} WHERE name = ?",
				 STORE_VALUES(STORE_TEXT(check)), &rows, err);
	if (r != OK)
		return r;
	struct monitor_state state = { .check = check, .state = STR("unknown") };
	if (store_next(rows))
		state = read_state(rows, arena);
	r = store_done(&rows, err);
	if (r == OK)
		*ret_state = state;
	return r;
}

enum err monitor_states(struct store_conn *conn, struct arena *arena,
			monitor_each_state_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " COLUMNS " FROM {check_state} ORDER BY name",
				 STORE_NO_VALUES, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct monitor_state state = read_state(rows, arena);
		more = each(context, &state);
	}
	return store_done(&rows, err);
}

static enum err put_state(struct apply *a, const struct event *event, struct str check,
			  struct str state, struct str reason, time_us since, time_us latency,
			  bool flapping, struct error *err)
{
	return store_put(a->conn, &state_table, event->seq,
			 STORE_VALUES(STORE_TEXT(check), STORE_TEXT(state), STORE_TEXT(reason),
				      STORE_INT(since), STORE_INT(latency), STORE_INT(flapping)),
			 err);
}

enum err monitor_apply_changed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_check_changed *e = event->payload;
	if (str_is(e->to, "removed"))
		return store_remove(a->conn, &state_table, event->seq,
				    STORE_VALUES(STORE_TEXT(e->check)), err);
	return put_state(a, event, e->check, e->to, e->reason, e->since, e->latency, e->flapping, err);
}

enum err monitor_apply_paused(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_check_paused *e = event->payload;
	return put_state(a, event, e->check, STR("paused"), e->reason, event->event_time, 0, false, err);
}

enum err monitor_apply_resumed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_check_resumed *e = event->payload;
	return put_state(a, event, e->check, STR("unknown"), STR(""), event->event_time, 0, false, err);
}

/* ---- rollups ---- */

#define BUCKET_COLUMNS                                                                      \
	"start, results, ok, degraded, up, down, excluded, latency_min, latency_max, latency_sum, " \
	"latency_count, slots"

static struct rollup_bucket read_bucket(struct store_rows *rows)
{
	struct rollup_bucket bucket = {
		.start = store_int(rows, 0),
		.count = (uint32_t)store_int(rows, 1),
		.ok = (uint32_t)store_int(rows, 2),
		.degraded = (uint32_t)store_int(rows, 3),
		.up = store_int(rows, 4),
		.down = store_int(rows, 5),
		.excluded = store_int(rows, 6),
		.latency_min = store_int(rows, 7),
		.latency_max = store_int(rows, 8),
		.latency_sum = store_int(rows, 9),
		.latency_count = (uint32_t)store_int(rows, 10),
	};
	rollup_slots_read(store_text(rows, 11), &bucket);
	return bucket;
}

static enum err stored_bucket(struct store_conn *conn, const struct monitor_bucket *row,
			      struct rollup_bucket *ret_bucket, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " BUCKET_COLUMNS " FROM check_rollup WHERE name = ? AND step = ? "
				 "AND start = ?",
				 STORE_VALUES(STORE_TEXT(row->check), STORE_INT(row->step),
					      STORE_INT(row->bucket.start)),
				 &rows, err);
	if (r != OK)
		return r;
	*ret_bucket = (struct rollup_bucket){ .start = row->bucket.start };
	if (store_next(rows))
		*ret_bucket = read_bucket(rows);
	return store_done(&rows, err);
}

static enum err add_bucket(struct store_conn *conn, const struct monitor_bucket *row,
			   struct error *err)
{
	struct rollup_bucket sum;
	enum err r = stored_bucket(conn, row, &sum, err);
	if (r != OK)
		return r;
	rollup_bucket_merge(&sum, &row->bucket);
	cleanup_buf struct buf slots;
	buf_init(&slots, 8192);
	rollup_slots_write(&sum, &slots);
	assert(!slots.full);
	return store_put(conn, &rollup_table, 0,
			 STORE_VALUES(STORE_TEXT(row->check), STORE_INT(row->step), STORE_INT(sum.start),
				      STORE_INT(sum.count), STORE_INT(sum.ok), STORE_INT(sum.degraded),
				      STORE_INT(sum.up), STORE_INT(sum.down), STORE_INT(sum.excluded),
				      STORE_INT(sum.latency_min), STORE_INT(sum.latency_max),
				      STORE_INT(sum.latency_sum), STORE_INT(sum.latency_count),
				      STORE_TEXT(buf_str(&slots))),
			 err);
}

static enum err add_buckets(struct store_conn *conn, const void *args, struct error *err)
{
	const struct monitor_flush *flush = args;
	for (size_t i = 0; i < flush->count; i++) {
		enum err r = add_bucket(conn, &flush->rows[i], err);
		if (r != OK)
			return r;
	}
	return OK;
}

enum err monitor_flush_decide(struct decision *d, const void *args, struct error *err)
{
	const struct monitor_flush *flush = args;
	(void)err;
	assert(flush->count <= MONITOR_FLUSH_ROWS_MAX);
	decision_work(d, add_buckets, flush);
	return OK;
}

enum err monitor_buckets(struct store_conn *conn, struct str check, enum rollup_step step,
			 time_us from, time_us to, monitor_each_bucket_fn *each, void *context,
			 struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " BUCKET_COLUMNS " FROM check_rollup WHERE name = ? AND step = ? AND "
				 "start >= ? AND start < ? ORDER BY start",
				 STORE_VALUES(STORE_TEXT(check), STORE_INT(step), STORE_INT(from),
					      STORE_INT(to)),
				 &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct rollup_bucket bucket = read_bucket(rows);
		more = each(context, &bucket);
	}
	return store_done(&rows, err);
}
