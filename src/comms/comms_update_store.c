/* comms_update_store.c: updates, and what is owed. */
#include "comms/comms_priv.h"

#include <assert.h>

#include "base/buf.h"

static const struct store_table update_table = {
	.name = "comms_update",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "incident {id} NOT NULL", "audience {text} NOT NULL",
		     "state {text} NOT NULL", "title {text} NOT NULL", "text {text} NOT NULL",
		     "components {text} NOT NULL", "next_at {int} NOT NULL", "public_at {int} NOT NULL",
		     "posted {int} NOT NULL", "posted_by {id} NOT NULL", "published {int} NOT NULL",
		     "withdrawn {int} NOT NULL", "edited {int} NOT NULL" },
	.indexes = { "incident, id", "posted, id" },
};

static const struct store_table owed_table = {
	.name = "comms_owed",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "incident {id} NOT NULL", "public_due {int} NOT NULL", "public_told {int} NOT NULL",
		     "internal_due {int} NOT NULL", "internal_told {int} NOT NULL" },
	.indexes = { "public_due", "internal_due" },
};

static const struct store_table rating_table = {
	.name = "update_rating",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "update_id {id} NOT NULL", "helped {int} NOT NULL", "unsure {int} NOT NULL" },
};

const struct store_table *const comms_update_tables[] = { &update_table, &owed_table, &rating_table, NULL };

#define COLUMNS                                                                                       \
	"id, incident, audience, state, title, text, components, next_at, public_at, posted, "         \
	"posted_by, published, withdrawn, edited"

static struct comms_update read_update(struct store_rows *rows, struct arena *arena)
{
	struct comms_update update = {
		.id = store_int(rows, 0),
		.incident = store_int(rows, 1),
		.state = arena_str(arena, store_text(rows, 3)),
		.title = arena_str(arena, store_text(rows, 4)),
		.text = arena_str(arena, store_text(rows, 5)),
		.components = arena_str(arena, store_text(rows, 6)),
		.next_at = store_int(rows, 7),
		.public_at = store_int(rows, 8),
		.posted = store_int(rows, 9),
		.posted_by = store_int(rows, 10),
		.published = store_int(rows, 11),
		.withdrawn = store_int(rows, 12),
		.edited = store_int(rows, 13),
	};
	bool known = comms_audience_parse(store_text(rows, 2), &update.audience);
	assert(known);
	return update;
}

static enum err one_update(struct store_conn *conn, const char *sql, const struct store_value *values, size_t count,
			   struct arena *arena, bool *ret_found, struct comms_update *ret_update, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, sql, values, count, &rows, err);
	if (r != OK)
		return r;
	*ret_found = store_next(rows);
	if (*ret_found)
		*ret_update = read_update(rows, arena);
	return store_done(&rows, err);
}

enum err comms_update_get(struct store_conn *conn, int64_t id, struct arena *arena, struct comms_update *ret_update,
			  struct error *err)
{
	bool found = false;
	enum err r = one_update(conn, "SELECT " COLUMNS " FROM {comms_update} WHERE id = ?",
				STORE_VALUES(STORE_INT(id)), arena, &found, ret_update, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no update %lld", (long long)id);
	return r;
}

enum err comms_update_last(struct store_conn *conn, int64_t incident, bool for_customers, struct arena *arena,
			   bool *ret_found, struct comms_update *ret_update, struct error *err)
{
	const char *sql = for_customers ? "SELECT " COLUMNS " FROM {comms_update} WHERE incident = ? AND "
					  "withdrawn = 0 AND audience = 'customers' ORDER BY id DESC LIMIT 1"
					: "SELECT " COLUMNS " FROM {comms_update} WHERE incident = ? AND "
					  "withdrawn = 0 AND audience <> 'customers' ORDER BY id DESC LIMIT 1";
	return one_update(conn, sql, STORE_VALUES(STORE_INT(incident)), arena, ret_found, ret_update, err);
}

enum err comms_update_list(struct store_conn *conn, const struct comms_update_filter *filter, struct arena *arena,
			   comms_each_update_fn *each, void *context, struct error *err)
{
	assert(filter->limit > 0);
	cleanup_buf struct buf sql;
	struct store_value values[8];
	size_t count = 0;
	buf_init(&sql, 2048);
	buf_adds(&sql, "SELECT " COLUMNS " FROM {comms_update} WHERE posted > ?");
	values[count++] = STORE_INT(filter->since);
	if (filter->incident > 0) {
		buf_adds(&sql, " AND incident = ?");
		values[count++] = STORE_INT(filter->incident);
	}
	if (filter->published_only)
		buf_adds(&sql, " AND audience = 'customers' AND published > 0 AND withdrawn = 0");
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
		struct comms_update update = read_update(rows, arena);
		more = each(context, &update);
	}
	return store_done(&rows, err);
}

/* ---- what is owed ---- */

static struct comms_owed read_owed(struct store_rows *rows)
{
	return (struct comms_owed){
		.incident = store_int(rows, 0),
		.public_due = store_int(rows, 1),
		.public_told = (int)store_int(rows, 2),
		.internal_due = store_int(rows, 3),
		.internal_told = (int)store_int(rows, 4),
	};
}

enum err comms_owed_get(struct store_conn *conn, int64_t incident, struct comms_owed *ret_owed, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT incident, public_due, public_told, internal_due, internal_told "
				 "FROM comms_owed WHERE incident = ?",
				 STORE_VALUES(STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	*ret_owed = store_next(rows) ? read_owed(rows) : (struct comms_owed){ .incident = incident };
	return store_done(&rows, err);
}

enum err comms_owed_list(struct store_conn *conn, time_us before, unsigned limit, comms_each_owed_fn *each,
			 void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT incident, public_due, public_told, internal_due, internal_told "
				 "FROM comms_owed WHERE (public_due > 0 AND public_due < ?) OR "
				 "(internal_due > 0 AND internal_due < ?) ORDER BY incident LIMIT ?",
				 STORE_VALUES(STORE_INT(before), STORE_INT(before), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct comms_owed owed = read_owed(rows);
		more = each(context, &owed);
	}
	return store_done(&rows, err);
}

static time_us sooner(time_us a, time_us b)
{
	return a == TIME_NONE ? b : b == TIME_NONE ? a : a < b ? a : b;
}

/* The row, and the timer that watches over it: by the calendar, as what is promised is an hour of the day. Until it is
 * planned anew nobody is reminded: what stands there may not be owed any more. */
static enum err keep_owed(struct apply *a, const struct comms_owed *owed, struct error *err)
{
	bool is_stale;
	time_us at = sooner(comms_watch_at(owed->public_due, owed->public_told),
			    comms_watch_at(owed->internal_due, owed->internal_told));
	enum err r = store_put(a->conn, &owed_table, 0,
			       STORE_VALUES(STORE_INT(owed->incident), STORE_INT(owed->public_due),
					    STORE_INT(owed->public_told), STORE_INT(owed->internal_due),
					    STORE_INT(owed->internal_told)),
			       err);
	if (r == OK)
		r = timer_is_set(a, COMMS_PLAN_TIMER, owed->incident, &is_stale, err);
	if (r != OK)
		return r;
	return at != TIME_NONE && !is_stale
	               ? timer_set(a, COMMS_WATCH_TIMER, owed->incident, at, TIMER_CALENDAR, err)
	               : timer_clear(a, COMMS_WATCH_TIMER, owed->incident, err);
}

/* ---- applies ---- */

enum err comms_apply_posted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_posted *e = event->payload;
	struct comms_owed owed;
	enum err r = store_put(a->conn, &update_table, event->seq,
			       STORE_VALUES(STORE_INT(e->update), STORE_INT(e->incident), STORE_TEXT(e->audience),
					    STORE_TEXT(e->state), STORE_TEXT(e->title), STORE_TEXT(e->text),
					    STORE_TEXT(e->components), STORE_INT(e->next_at), STORE_INT(e->public_at),
					    STORE_INT(event->event_time), STORE_INT(event->actor), STORE_INT(0),
					    STORE_INT(0), STORE_INT(0)),
			       err);
	if (r == OK)
		r = timer_set(a, COMMS_PUBLISH_TIMER, e->update, e->public_at, TIMER_ELAPSED, err);
	if (r == OK)
		r = comms_owed_get(a->conn, e->incident, &owed, err);
	if (r != OK)
		return r;
	if (str_is(e->audience, "customers")) {
		owed.public_due = e->due;
		owed.public_told = 0;
	} else {
		owed.internal_due = e->due;
		owed.internal_told = 0;
	}
	return keep_owed(a, &owed, err);
}

enum err comms_apply_published(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_published *e = event->payload;
	enum err r = store_set(a->conn, &update_table, event->seq, "published = ?, public_at = ?",
			       STORE_VALUES(STORE_INT(event->event_time), STORE_INT(event->event_time),
					    STORE_INT(e->update)),
			       err);
	return r == OK ? timer_clear(a, COMMS_PUBLISH_TIMER, e->update, err) : r;
}

static enum err plan_at(struct apply *a, int64_t incident, time_us at, struct error *err)
{
	enum err r = timer_clear(a, COMMS_WATCH_TIMER, incident, err);
	return r == OK ? timer_set(a, COMMS_PLAN_TIMER, incident, at, TIMER_ELAPSED, err) : r;
}

enum err comms_apply_withdrawn(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_withdrawn *e = event->payload;
	enum err r = store_set(a->conn, &update_table, event->seq, "withdrawn = ?",
			       STORE_VALUES(STORE_INT(event->event_time), STORE_INT(e->update)), err);
	if (r == OK)
		r = timer_clear(a, COMMS_PUBLISH_TIMER, e->update, err);
	return r == OK ? plan_at(a, e->incident, event->event_time, err) : r;
}

enum err comms_apply_edited(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_edited *e = event->payload;
	return store_set(a->conn, &update_table, event->seq, "text = ?, components = ?, edited = ?",
			 STORE_VALUES(STORE_TEXT(e->text), STORE_TEXT(e->components), STORE_INT(event->event_time),
				      STORE_INT(e->update)),
			 err);
}

enum err comms_apply_planned(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_planned *e = event->payload;
	struct comms_owed owed;
	enum err r = comms_owed_get(a->conn, e->incident, &owed, err);
	if (r == OK)
		r = timer_clear(a, COMMS_PLAN_TIMER, e->incident, err);
	if (r != OK)
		return r;
	owed.public_told = e->public_due == owed.public_due ? owed.public_told : 0;
	owed.internal_told = e->internal_due == owed.internal_due ? owed.internal_told : 0;
	owed.public_due = e->public_due;
	owed.internal_due = e->internal_due;
	return keep_owed(a, &owed, err);
}

enum err comms_apply_reminded(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_reminded *e = event->payload;
	struct comms_owed owed;
	enum err r = comms_owed_get(a->conn, e->incident, &owed, err);
	if (r != OK)
		return r;
	int *told = str_is(e->audience, "public") ? &owed.public_told : &owed.internal_told;
	*told = e->late ? 2 : 1;
	return keep_owed(a, &owed, err);
}

/* A moment later: most false alarms are over by then, and pages go first. */
#define PLAN_AFTER (5 * TIME_SECOND)

enum err comms_apply_incident_opened(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_opened *e = event->payload;
	return timer_set(a, COMMS_PLAN_TIMER, e->incident, event->event_time + PLAN_AFTER, TIMER_ELAPSED, err);
}

enum err comms_apply_incident_priority_set(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_priority_set *e = event->payload;
	return plan_at(a, e->incident, event->event_time + PLAN_AFTER, err);
}

/* Nothing is owed for what is over before anybody was told anything: no event says so then. */
enum err comms_apply_incident_resolved(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_resolved *e = event->payload;
	int64_t rows;
	enum err r = store_one_int(a->conn, "SELECT count(*) FROM comms_owed WHERE incident = ?",
				   STORE_VALUES(STORE_INT(e->incident)), 0, &rows, err);
	if (r != OK)
		return r;
	return rows > 0 ? plan_at(a, e->incident, event->event_time, err)
			: timer_clear(a, COMMS_PLAN_TIMER, e->incident, err);
}

enum err comms_apply_incident_reopened(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_reopened *e = event->payload;
	return plan_at(a, e->incident, event->event_time + PLAN_AFTER, err);
}

enum err comms_apply_incident_undone(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_undone *e = event->payload;
	return plan_at(a, e->incident, event->event_time + PLAN_AFTER, err);
}

/* ---- whether it helped ---- */

enum err comms_rating_get(struct store_conn *conn, int64_t update, struct comms_rating *ret_rating, struct error *err)
{
	struct store_rows *rows;
	struct comms_rating rating = { 0 };
	enum err r = store_query(conn, "SELECT helped, unsure FROM update_rating WHERE update_id = ?",
				 STORE_VALUES(STORE_INT(update)), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows))
		rating = (struct comms_rating){ store_int(rows, 0), store_int(rows, 1) };
	r = store_done(&rows, err);
	if (r == OK)
		*ret_rating = rating;
	return r;
}

enum err comms_apply_rated(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_rating_given *e = event->payload;
	struct comms_rating rating;
	enum err r = comms_rating_get(a->conn, e->update, &rating, err);
	if (r != OK)
		return r;
	return store_put(a->conn, &rating_table, 0,
			 STORE_VALUES(STORE_INT(e->update), STORE_INT(rating.helped + e->helped),
				      STORE_INT(rating.unsure + !e->helped)),
			 err);
}
