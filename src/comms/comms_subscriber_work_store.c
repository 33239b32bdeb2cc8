/*
 * comms_subscriber_work_store.c: notices of planned work. The only SQL about them.
 *
 * The applies run before those of the maintenance itself, so that what it was can still be read. The timer of a
 * work is set while a notice of it waits.
 */
#include <assert.h>

#include "comms/comms_maintenance.h"
#include "comms/comms_subscriber_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

#define SERVICES_BYTES_MAX (2u * COMMS_SERVICES_MAX * 80u)

const struct store_table subscriber_notice_table = {
	.name = "subscriber_notice",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "maintenance {id} NOT NULL", "what {text} NOT NULL", "body {text} NOT NULL",
		     "services {text} NOT NULL", "at {int} NOT NULL", "due {int} NOT NULL", "up_to {id} NOT NULL",
		     "state {text} NOT NULL" },
	.indexes = { "maintenance, id" },
};

enum err subscriber_notice_count(struct store_conn *conn, int64_t maintenance, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM subscriber_notice WHERE maintenance = ?",
			     STORE_VALUES(STORE_INT(maintenance)), 0, ret_count, err);
}

enum err subscriber_notices(struct store_conn *conn, int64_t maintenance, struct arena *arena,
			    subscriber_each_notice_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT id, maintenance, what, body, services, at, due, up_to, state "
				 "FROM subscriber_notice WHERE maintenance = ? ORDER BY id LIMIT ?",
				 STORE_VALUES(STORE_INT(maintenance), STORE_INT(COMMS_UPDATES_MAX)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct subscriber_notice notice = {
			.id = store_int(rows, 0),
			.maintenance = store_int(rows, 1),
			.what = arena_str(arena, store_text(rows, 2)),
			.text = arena_str(arena, store_text(rows, 3)),
			.services = arena_str(arena, store_text(rows, 4)),
			.at = store_int(rows, 5),
			.due = store_int(rows, 6),
			.up_to = store_int(rows, 7),
			.state = arena_str(arena, store_text(rows, 8)),
		};
		more = each(context, &notice);
	}
	return store_done(&rows, err);
}

/* ---- what waits of one work ---- */

struct waiting {
	struct subscriber_notice first;   /* the oldest that waits; id 0: none does */
	struct subscriber_notice put;     /* an announcement or change that nobody was told of yet; id 0: none */
	time_us announced;                /* the last announcement or change; TIME_NONE: none */
	bool told;                        /* somebody was told something */
};

static bool is_put(const struct subscriber_notice *notice)
{
	return str_is(notice->what, "announced") || str_is(notice->what, "changed");
}

static bool see_notice(void *context, const struct subscriber_notice *notice)
{
	struct waiting *waiting = context;
	bool waits = str_is(notice->state, "waiting");
	if (waits && waiting->first.id == 0)
		waiting->first = *notice;
	if (waits && notice->up_to == 0 && is_put(notice))
		waiting->put = *notice;
	if (is_put(notice))
		waiting->announced = notice->at;
	waiting->told = waiting->told || notice->up_to > 0;
	return true;
}

static enum err look(struct apply *a, int64_t maintenance, struct waiting *ret_waiting, struct error *err)
{
	*ret_waiting = (struct waiting){ .announced = TIME_NONE };
	return subscriber_notices(a->conn, maintenance, a->arena, see_notice, ret_waiting, err);
}

static enum err put_notice(struct apply *a, const struct subscriber_notice *notice, struct error *err)
{
	return store_put(a->conn, &subscriber_notice_table, 0,
			 STORE_VALUES(STORE_INT(notice->id), STORE_INT(notice->maintenance), STORE_TEXT(notice->what),
				      STORE_TEXT(notice->text), STORE_TEXT(notice->services), STORE_INT(notice->at),
				      STORE_INT(notice->due), STORE_INT(notice->up_to), STORE_TEXT(notice->state)),
			 err);
}

static enum err drop(struct apply *a, int64_t maintenance, struct error *err)
{
	enum err r = store_exec(a->conn,
				"UPDATE subscriber_notice SET state = 'dropped' WHERE maintenance = ? AND state = 'waiting'",
				STORE_VALUES(STORE_INT(maintenance)), err);
	return r == OK ? timer_clear(a, SUBSCRIBER_WORK_TIMER, maintenance, err) : r;
}

/* Behind what waits already; then that has waited long enough, for there is more to say. */
static enum err add(struct apply *a, const struct event *event, const struct waiting *waiting,
		    struct subscriber_notice notice, struct error *err)
{
	notice.id = event->seq;
	notice.at = event->event_time;
	notice.state = STR("waiting");
	enum err r = put_notice(a, &notice, err);
	time_us due = waiting->first.id != 0 ? event->event_time : notice.due;
	return r == OK ? timer_set(a, SUBSCRIBER_WORK_TIMER, notice.maintenance, due, TIMER_ELAPSED, err) : r;
}

/* ---- planned work ---- */

/* The names of both, each once. */
static enum err join_services(struct arena *arena, struct str one, struct str other, struct str *ret_json,
			      struct error *err)
{
	struct str *names[2];
	size_t counts[2];
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, SERVICES_BYTES_MAX);
	enum err r = comms_services(one, arena, COMMS_SERVICES_MAX, &names[0], &counts[0], err);
	if (r == OK)
		r = comms_services(other, arena, COMMS_SERVICES_MAX, &names[1], &counts[1], err);
	if (r != OK)
		return r;
	json_init(&json, &buf);
	json_list_begin(&json);
	for (size_t i = 0; i < counts[0]; i++)
		json_text(&json, names[0][i]);
	for (size_t i = 0; i < counts[1]; i++) {
		size_t j = 0;
		while (j < counts[0] && !str_eq(names[0][j], names[1][i]))
			j++;
		if (j == counts[0])
			json_text(&json, names[1][i]);
	}
	json_list_end(&json);
	json_finish(&json);
	assert(!buf.full);
	*ret_json = arena_str(arena, buf_str(&buf));
	return OK;
}

static bool reads_the_same(const struct comms_maintenance *before, const struct event_maintenance_put *now)
{
	return str_eq(before->title, now->title) && str_eq(before->text, now->text) &&
	       str_eq(before->services, now->services) && before->from == now->from && before->until == now->until;
}

/* Nothing more is said of it, and what has not left does not leave. */
static enum err hide(struct apply *a, const struct event *event, int64_t maintenance, const struct waiting *waiting,
		     struct error *err)
{
	const struct waiting none = { .announced = TIME_NONE };
	enum err r = drop(a, maintenance, err);
	if (r != OK || !waiting->told)
		return r;
	return add(a, event, &none,
		   (struct subscriber_notice){ .maintenance = maintenance, .what = STR("hidden"),
					       .services = STR("[]"), .due = event->event_time }, err);
}

enum err subscriber_apply_work_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_put *e = event->payload;
	struct comms_maintenance before = { .is_public = false };
	struct waiting waiting;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &before, err);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	r = look(a, e->maintenance, &waiting, err);
	if (r != OK)
		return r;
	if (!e->public)
		return before.is_public ? hide(a, event, e->maintenance, &waiting, err) : OK;
	if (before.is_public && reads_the_same(&before, e))
		return OK;
	struct subscriber_notice notice = {
		.maintenance = e->maintenance,
		.what = before.is_public ? STR("changed") : STR("announced"),
		.services = e->services,
		.due = event->event_time + SUBSCRIBER_WORK_AFTER,
	};
	if (before.is_public)
		r = join_services(a->arena, e->services, before.services, &notice.services, err);
	if (r != OK || waiting.put.id == 0)
		return r == OK ? add(a, event, &waiting, notice, err) : r;
	/* Nobody has read what it said before: this takes its place. */
	bool is_new = str_is(waiting.put.what, "announced");
	notice.id = waiting.put.id;
	notice.what = waiting.put.what;
	notice.services = is_new ? e->services : notice.services;
	notice.at = event->event_time;
	notice.state = STR("waiting");
	r = put_notice(a, &notice, err);
	time_us due = waiting.first.id == notice.id ? notice.due : event->event_time;
	return r == OK ? timer_set(a, SUBSCRIBER_WORK_TIMER, notice.maintenance, due, TIMER_ELAPSED, err) : r;
}

enum err subscriber_apply_work_moved(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_moved *e = event->payload;
	struct comms_maintenance before;
	struct waiting waiting;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &before, err);
	if (r != OK || !before.is_public || str_eq(before.state, e->to))
		return r; /* only its mutes were renewed */
	bool cancelled = str_is(e->to, "cancelled");
	r = look(a, e->maintenance, &waiting, err);
	if (r == OK && cancelled)
		r = drop(a, e->maintenance, err);
	if (r != OK || (cancelled && !waiting.told))
		return r;
	if (waiting.put.id != 0 && !cancelled) { /* what is said now says that, too */
		waiting.put.state = STR("dropped");
		r = put_notice(a, &waiting.put, err);
		if (r == OK)
			r = look(a, e->maintenance, &waiting, err);
	}
	struct subscriber_notice notice = {
		.maintenance = e->maintenance, .what = e->to, .text = e->text, .services = before.services,
		.due = event->event_time,
	};
	return r == OK ? add(a, event, &waiting, notice, err) : r;
}

enum err subscriber_apply_work_noted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_noted *e = event->payload;
	struct comms_maintenance m;
	struct waiting waiting;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &m, err);
	if (r == OK)
		r = look(a, e->maintenance, &waiting, err);
	if (r != OK || !m.is_public)
		return r;
	struct subscriber_notice notice = {
		.maintenance = m.id, .what = STR("noted"), .text = e->text, .services = m.services,
		.due = event->event_time,
	};
	return add(a, event, &waiting, notice, err);
}

/* Who was told within the last hour when it begins needs no reminder. */
enum err subscriber_apply_work_reminded(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_maintenance_reminded *e = event->payload;
	struct comms_maintenance m;
	struct waiting waiting;
	enum err r = comms_maintenance_get(a->conn, e->maintenance, a->arena, &m, err);
	if (r == OK)
		r = look(a, e->maintenance, &waiting, err);
	if (r != OK || !m.is_public || waiting.announced == TIME_NONE ||
	    event->event_time - waiting.announced < COMMS_MAINTENANCE_NOTICE)
		return r;
	struct subscriber_notice notice = {
		.maintenance = m.id, .what = STR("reminded"), .services = m.services, .due = event->event_time,
	};
	return add(a, event, &waiting, notice, err);
}

enum err subscriber_apply_notified(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_notified *e = event->payload;
	struct waiting waiting;
	enum err r = store_exec(a->conn, "UPDATE subscriber_notice SET up_to = ?, state = ? WHERE id = ? AND state = 'waiting'",
				STORE_VALUES(STORE_INT(e->up_to), STORE_TEXT(e->done ? STR("done") : STR("waiting")),
					     STORE_INT(e->notice)),
				err);
	if (r == OK)
		r = look(a, e->maintenance, &waiting, err);
	if (r != OK)
		return r;
	if (waiting.first.id == 0)
		return timer_clear(a, SUBSCRIBER_WORK_TIMER, e->maintenance, err);
	time_us due = e->done && waiting.first.due > event->event_time ? waiting.first.due : event->event_time;
	return timer_set(a, SUBSCRIBER_WORK_TIMER, e->maintenance, due, TIMER_ELAPSED, err);
}
