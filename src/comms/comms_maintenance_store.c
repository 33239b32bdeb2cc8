/* comms_maintenance_store.c: planned work, its news, and statuses set by hand. */
#include <assert.h>

#include "base/buf.h"
#include "comms/comms_maintenance.h"
#include "store/store_filter.h"

static const struct store_table maintenance_table = {
	.name = "maintenance",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "title {text} NOT NULL", "body {text} NOT NULL", "state {text} NOT NULL",
		     "services {text} NOT NULL", "mutes {text} NOT NULL", "from_at {int} NOT NULL",
		     "until {int} NOT NULL", "mute {int} NOT NULL", "public {int} NOT NULL", "created {int} NOT NULL",
		     "changed {int} NOT NULL", "created_by {id} NOT NULL", "started {int} NOT NULL",
		     "ended {int} NOT NULL", "reminded {int} NOT NULL" },
	.indexes = { "state, id", "until, id" },
};

static const struct store_table note_table = {
	.name = "maintenance_note",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "seq {id} NOT NULL", "maintenance {id} NOT NULL", "at {int} NOT NULL", "state {text} NOT NULL",
		     "body {text} NOT NULL", "by_user {id} NOT NULL" },
	.indexes = { "maintenance, seq" },
};

static const struct store_table override_table = {
	.name = "component_override",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "service {text} NOT NULL", "status {text} NOT NULL", "reason {text} NOT NULL",
		     "by_user {id} NOT NULL", "started {int} NOT NULL", "until {int} NOT NULL", "ended {int} NOT NULL" },
	.indexes = { "ended, id" },
};

const struct store_table *const comms_maintenance_tables[] = { &maintenance_table, &note_table, &override_table, NULL };

#define COLUMNS                                                                                         \
	"id, title, body, state, services, mutes, from_at, until, mute, public, created, changed, "      \
	"created_by, started, ended, reminded"

static struct comms_maintenance read_maintenance(struct store_rows *rows, struct arena *arena)
{
	return (struct comms_maintenance){
		.id = store_int(rows, 0),
		.title = arena_str(arena, store_text(rows, 1)),
		.text = arena_str(arena, store_text(rows, 2)),
		.state = arena_str(arena, store_text(rows, 3)),
		.services = arena_str(arena, store_text(rows, 4)),
		.mutes = arena_str(arena, store_text(rows, 5)),
		.from = store_int(rows, 6),
		.until = store_int(rows, 7),
		.mute = store_int(rows, 8) != 0,
		.is_public = store_int(rows, 9) != 0,
		.created = store_int(rows, 10),
		.changed = store_int(rows, 11),
		.created_by = store_int(rows, 12),
		.started = store_int(rows, 13),
		.ended = store_int(rows, 14),
		.reminded = store_int(rows, 15),
	};
}

enum err comms_maintenance_get(struct store_conn *conn, int64_t id, struct arena *arena,
			       struct comms_maintenance *ret_maintenance, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " COLUMNS " FROM {maintenance} WHERE id = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		*ret_maintenance = read_maintenance(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no maintenance %lld", (long long)id);
	return r;
}

enum err comms_maintenance_list(struct store_conn *conn, const struct comms_maintenance_filter *filter,
				struct arena *arena, comms_each_maintenance_fn *each, void *context, struct error *err)
{
	assert(filter->limit > 0);
	cleanup_buf struct buf sql;
	struct store_value values[STORE_WORDS_MAX + 4];
	size_t count = 0;
	buf_init(&sql, 2048);
	buf_adds(&sql, "SELECT " COLUMNS " FROM {maintenance} WHERE until > ?");
	values[count++] = STORE_INT(filter->ends_after);
	store_filter_words(&sql, "state", filter->states, values, &count);
	if (filter->before_id > 0) {
		buf_adds(&sql, " AND id < ?");
		values[count++] = STORE_INT(filter->before_id);
	}
	buf_adds(&sql, " ORDER BY id DESC LIMIT ?");
	values[count++] = STORE_INT(filter->limit);
	struct store_rows *rows;
	enum err r = store_query(conn, sql.bytes, values, count, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct comms_maintenance maintenance = read_maintenance(rows, arena);
		more = each(context, &maintenance);
	}
	return store_done(&rows, err);
}

enum err comms_maintenance_notes(struct store_conn *conn, int64_t maintenance, struct arena *arena,
				 comms_each_note_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	int64_t as_of = store_as_of_seq(conn);
	enum err r = store_query(conn,
				 "SELECT at, state, body, by_user, seq FROM maintenance_note WHERE maintenance = ? "
				 "AND seq <= ? ORDER BY seq DESC LIMIT ?",
				 STORE_VALUES(STORE_INT(maintenance), STORE_INT(as_of > 0 ? as_of : INT64_MAX),
					      STORE_INT(COMMS_UPDATES_MAX)),
				 &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct comms_note note = {
			.at = store_int(rows, 0),
			.state = arena_str(arena, store_text(rows, 1)),
			.text = arena_str(arena, store_text(rows, 2)),
			.by = store_int(rows, 3),
			.seq = store_int(rows, 4),
		};
		more = each(context, &note);
	}
	return store_done(&rows, err);
}

/* ---- applies ---- */

static enum err add_note(struct apply *a, const struct event *event, int64_t maintenance, struct str state,
			 struct str text, struct error *err)
{
	return store_put(a->conn, &note_table, event->seq,
			 STORE_VALUES(STORE_INT(event->seq), STORE_INT(maintenance), STORE_INT(event->event_time),
				      STORE_TEXT(state), STORE_TEXT(text), STORE_INT(event->actor)),
			 err);
}

/* Before it begins, the notice and the beginning wait; while it runs, its end. */
static enum err set_timers(struct apply *a, const struct comms_maintenance *m, struct error *err)
{
	bool waits = str_is(m->state, "scheduled");
	bool runs = str_is(m->state, "in_progress") || str_is(m->state, "verifying");
	enum err r = waits && m->reminded == TIME_NONE
			     ? timer_set(a, COMMS_NOTICE_TIMER, m->id, m->from - COMMS_MAINTENANCE_NOTICE,
					 TIMER_CALENDAR, err)
			     : timer_clear(a, COMMS_NOTICE_TIMER, m->id, err);
	if (r != OK)
		return r;
	if (!waits && !runs)
		return timer_clear(a, COMMS_MAINTENANCE_TIMER, m->id, err);
	return timer_set(a, COMMS_MAINTENANCE_TIMER, m->id, waits ? m->from : m->until, TIMER_CALENDAR, err);
}

static enum err put_row(struct apply *a, const struct event *event, const struct comms_maintenance *m,
			struct error *err)
{
	enum err r = store_put(a->conn, &maintenance_table, event->seq,
			       STORE_VALUES(STORE_INT(m->id), STORE_TEXT(m->title), STORE_TEXT(m->text),
					    STORE_TEXT(m->state), STORE_TEXT(m->services), STORE_TEXT(m->mutes),
					    STORE_INT(m->from), STORE_INT(m->until), STORE_INT(m->mute),
					    STORE_INT(m->is_public), STORE_INT(m->created), STORE_INT(m->changed),
					    STORE_INT(m->created_by), STORE_INT(m->started), STORE_INT(m->ended),
					    STORE_INT(m->reminded)),
			       err);
	return r == OK ? set_timers(a, m, err) : r;
}

enum err comms_apply_maintenance_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_put *e = event->payload;
	struct comms_maintenance m = {
		.id = e->maintenance, .state = STR("scheduled"), .mutes = STR("[]"),
		.created = event->event_time, .created_by = event->actor,
	};
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &m, err);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	m.reminded = r == OK && m.from == e->from ? m.reminded : TIME_NONE;
	m.title = e->title;
	m.text = e->text;
	m.services = e->services;
	m.from = e->from;
	m.until = e->until;
	m.mute = e->mute;
	m.is_public = e->public;
	m.changed = event->event_time;
	return put_row(a, event, &m, err);
}

enum err comms_apply_maintenance_moved(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_moved *e = event->payload;
	struct comms_maintenance m;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &m, err);
	if (r != OK)
		return r;
	bool moved = !str_eq(m.state, e->to);
	m.state = e->to;
	m.mutes = e->mutes;
	m.changed = event->event_time;
	if (str_is(e->to, "in_progress") && m.started == TIME_NONE)
		m.started = event->event_time;
	else if (str_is(e->to, "completed") || str_is(e->to, "cancelled"))
		m.ended = event->event_time;
	r = put_row(a, event, &m, err);
	return r == OK && moved ? add_note(a, event, m.id, m.state, e->text, err) : r;
}

enum err comms_apply_maintenance_noted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_noted *e = event->payload;
	struct comms_maintenance m;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &m, err);
	if (r != OK)
		return r;
	m.changed = event->event_time;
	r = put_row(a, event, &m, err);
	return r == OK ? add_note(a, event, m.id, m.state, e->text, err) : r;
}

enum err comms_apply_maintenance_reminded(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_reminded *e = event->payload;
	struct comms_maintenance m;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &m, err);
	if (r != OK)
		return r;
	m.reminded = event->event_time;
	return put_row(a, event, &m, err);
}

/* ---- statuses set by hand ---- */

enum err comms_overrides(struct store_conn *conn, struct arena *arena, comms_each_override_fn *each, void *context,
			 struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT id, service, status, reason, by_user, started, until, ended FROM "
				 "{component_override} WHERE ended = 0 ORDER BY id DESC LIMIT 500",
				 STORE_NO_VALUES, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct comms_override override = {
			.id = store_int(rows, 0),
			.service = arena_str(arena, store_text(rows, 1)),
			.status = arena_str(arena, store_text(rows, 2)),
			.reason = arena_str(arena, store_text(rows, 3)),
			.by = store_int(rows, 4),
			.started = store_int(rows, 5),
			.until = store_int(rows, 6),
			.ended = store_int(rows, 7),
		};
		more = each(context, &override);
	}
	return store_done(&rows, err);
}

enum err comms_apply_overridden(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_component_overridden *e = event->payload;
	enum err r = store_put(a->conn, &override_table, event->seq,
			       STORE_VALUES(STORE_INT(e->override), STORE_TEXT(e->service), STORE_TEXT(e->status),
					    STORE_TEXT(e->reason), STORE_INT(event->actor),
					    STORE_INT(event->event_time), STORE_INT(e->until), STORE_INT(0)),
			       err);
	return r == OK ? timer_set(a, COMMS_RELEASE_TIMER, e->override, e->until, TIMER_ELAPSED, err) : r;
}

enum err comms_apply_released(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_component_released *e = event->payload;
	enum err r = store_set(a->conn, &override_table, event->seq, "ended = ?",
			       STORE_VALUES(STORE_INT(event->event_time), STORE_INT(e->override)), err);
	return r == OK ? timer_clear(a, COMMS_RELEASE_TIMER, e->override, err) : r;
}
