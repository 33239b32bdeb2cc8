/* incident_store.c: incidents and which alerts belong to them. The only SQL of this room. */
#include <assert.h>

#include "base/buf.h"
#include "guard/principal.h"
#include "incident/incident_priv.h"
#include "store/store_filter.h"
#include "wire/doc_json.h"

static const struct store_table incident_table = {
	.name = "incident",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "title {text} NOT NULL", "state {text} NOT NULL",
		     "service {text} NOT NULL", "team {text} NOT NULL", "impact {text} NOT NULL",
		     "urgency {text} NOT NULL", "priority {text} NOT NULL", "why {text} NOT NULL",
		     "visibility {text} NOT NULL", "policy {text} NOT NULL", "source {text} NOT NULL",
		     "opened {int} NOT NULL", "acknowledged {int} NOT NULL",
		     "acknowledged_by {id} NOT NULL", "ack_until {int} NOT NULL",
		     "resolved {int} NOT NULL", "firing {int} NOT NULL", "opened_by {id} NOT NULL",
		     "cause {text} NOT NULL" },
	/* The second and third answer for each alert whether its incident is open, whatever else is open; without
	 * visibility in them SQLite would walk the last. That one is for those few that not everyone sees: a
	 * start reads them before it is ready. */
	.indexes = { "state, id", "service, visibility, state", "cause, service, visibility, state",
		     "priority, id", "team, id", "visibility, id" },
};

static const struct store_table member_table = {
	.name = "incident_alert",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "alert {id} NOT NULL", "incident {id} NOT NULL", "firing {int} NOT NULL" },
	.indexes = { "incident, firing" },
};

const struct store_table *const incident_tables[] = { &incident_table, &member_table, NULL };

#define COLUMNS                                                                                     \
	"id, title, state, service, team, impact, urgency, priority, why, visibility, policy, "      \
	"source, opened, acknowledged, acknowledged_by, ack_until, resolved, firing, opened_by"

static struct incident read_row(struct store_rows *rows, struct arena *arena)
{
	return (struct incident){
		.id = store_int(rows, 0),
		.title = arena_str(arena, store_text(rows, 1)),
		.state = arena_str(arena, store_text(rows, 2)),
		.service = arena_str(arena, store_text(rows, 3)),
		.team = arena_str(arena, store_text(rows, 4)),
		.impact = arena_str(arena, store_text(rows, 5)),
		.urgency = arena_str(arena, store_text(rows, 6)),
		.priority = arena_str(arena, store_text(rows, 7)),
		.why = arena_str(arena, store_text(rows, 8)),
		.visibility = arena_str(arena, store_text(rows, 9)),
		.policy = arena_str(arena, store_text(rows, 10)),
		.source = arena_str(arena, store_text(rows, 11)),
		.opened = store_int(rows, 12),
		.acknowledged = store_int(rows, 13),
		.acknowledged_by = store_int(rows, 14),
		.ack_until = store_int(rows, 15),
		.resolved = store_int(rows, 16),
		.firing = store_int(rows, 17),
		.opened_by = store_int(rows, 18),
	};
}

enum err incident_get(struct store_conn *conn, int64_t id, struct arena *arena,
		      struct incident *ret_incident, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " COLUMNS " FROM {incident} WHERE id = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct incident incident = { 0 };
	if (found)
		incident = read_row(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no incident %lld", (long long)id);
	if (r != OK)
		return r;
	incident_assert(&incident);
	*ret_incident = incident;
	return OK;
}

enum err incident_as_of(struct store_conn *conn, int64_t id, int64_t seq, struct arena *arena,
			struct incident *ret_incident, struct error *err)
{
	assert(store_as_of_seq(conn) == 0);
	store_as_of(conn, seq);
	enum err r = incident_get(conn, id, arena, ret_incident, err);
	store_as_of(conn, 0);
	return r;
}

/* Alerts are for everybody, so they go to no incident that is closed to some: it would hide them from
 * those who watch, and tell them of it. */
enum err incident_unresolved_for(struct store_conn *conn, struct str service, struct str check,
				 struct arena *arena, int64_t *ret_incident, struct error *err)
{
	(void)arena;
	if (service.len > 0)
		return store_one_int(conn,
				     "SELECT max(id) FROM {incident} WHERE service = ? AND "
				     "visibility = 'everyone' AND "
				     "state IN ('open', 'acknowledged')",
				     STORE_VALUES(STORE_TEXT(service)), 0, ret_incident, err);
	return store_one_int(conn,
			     "SELECT max(id) FROM {incident} WHERE service = '' AND cause = ? AND "
			     "visibility = 'everyone' AND state IN ('open', 'acknowledged')",
			     STORE_VALUES(STORE_TEXT(check)), 0, ret_incident, err);
}

enum err incident_of_alert(struct store_conn *conn, int64_t alert, int64_t *ret_incident,
			   struct error *err)
{
	return store_one_int(conn,
			     "SELECT incident FROM incident_alert WHERE alert = ? AND firing = 1",
			     STORE_VALUES(STORE_INT(alert)), 0, ret_incident, err);
}

/* ---- lists ---- */

#define WORDS_MAX 6u
/* States, priorities, words of the title, ten single conditions, and what guard asks: one value for
 * each team of the reader, who may be in many. */
#define VALUES_MAX (2 * STORE_WORDS_MAX + WORDS_MAX + 10 + GUARD_TEAMS_MAX + 1)

struct listing {
	struct buf sql;
	struct store_value values[VALUES_MAX];
	size_t count;
};

static void where(struct listing *q, const char *text, struct store_value value)
{
	assert(q->count < VALUES_MAX - 1);
	buf_printf(&q->sql, " AND %s", text);
	q->values[q->count++] = value;
}

/* Every word must stand in the title, case aside for ASCII letters. */
static void where_words(struct listing *q, struct str text)
{
	for (unsigned words = 0; words < WORDS_MAX && text.len > 0; words++) {
		struct str word, rest;
		str_cut(str_trim(text), ' ', &word, &rest);
		if (word.len > 0)
			where(q, "instr(lower(title), lower(?)) > 0", STORE_TEXT(word));
		text = rest;
	}
}

static void build(struct listing *q, const struct incident_filter *f)
{
	buf_adds(&q->sql, "SELECT " COLUMNS " FROM {incident} WHERE 1 = 1");
	store_filter_words(&q->sql, "state", f->states, q->values, &q->count);
	store_filter_words(&q->sql, "priority", f->priorities, q->values, &q->count);
	if (f->from != TIME_NONE)
		where(q, "opened >= ?", STORE_INT(f->from));
	if (f->to != TIME_NONE)
		where(q, "opened < ?", STORE_INT(f->to));
	if (f->team.len > 0)
		where(q, "team = ?", STORE_TEXT(f->team));
	if (f->service.len > 0)
		where(q, "service = ?", STORE_TEXT(f->service));
	where_words(q, f->text);
	if (f->before_id > 0)
		where(q, "id < ?", STORE_INT(f->before_id));
	if (f->visible.len > 0) {
		buf_printf(&q->sql, " AND (" STR_FMT ")", STR_ARG(f->visible));
		for (size_t i = 0; i < f->visible_count; i++) {
			assert(q->count < VALUES_MAX - 1);
			q->values[q->count++] = f->visible_values[i];
		}
	}
	buf_adds(&q->sql, " ORDER BY id DESC LIMIT ?");
	q->values[q->count++] = STORE_INT(f->limit);
}

enum err incident_list(struct store_conn *conn, const struct incident_filter *filter,
		       struct arena *arena, incident_each_fn *each, void *context,
		       struct error *err)
{
	assert(filter->limit > 0);
	struct listing q = { .count = 0 };
	buf_init(&q.sql, 4096);
	build(&q, filter);
	assert(!q.sql.full);
	struct store_rows *rows;
	enum err r = store_query(conn, q.sql.bytes, q.values, q.count, &rows, err);
	buf_finish(&q.sql);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct incident incident = read_row(rows, arena);
		more = each(context, &incident);
	}
	return store_done(&rows, err);
}

/* ---- applies ---- */

enum err incident_apply_opened(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_opened *e = event->payload;
	return store_put(a->conn, &incident_table, event->seq,
			 STORE_VALUES(STORE_INT(e->incident), STORE_TEXT(e->title),
				      STORE_TEXT(STR("open")), STORE_TEXT(e->service),
				      STORE_TEXT(e->team), STORE_TEXT(e->impact),
				      STORE_TEXT(e->urgency), STORE_TEXT(e->priority),
				      STORE_TEXT(e->why), STORE_TEXT(e->visibility),
				      STORE_TEXT(e->policy), STORE_TEXT(e->source),
				      STORE_INT(event->event_time), STORE_INT(0), STORE_INT(0),
				      STORE_INT(0), STORE_INT(0), STORE_INT(0),
				      STORE_INT(event->actor), STORE_TEXT(e->cause)),
			 err);
}

static enum err add_firing(struct apply *a, const struct event *event, int64_t incident, int64_t by,
			   struct error *err)
{
	if (by == 0)
		return OK;
	return store_set(a->conn, &incident_table, event->seq, "firing = firing + ?",
			 STORE_VALUES(STORE_INT(by), STORE_INT(incident)), err);
}

/* An alert moves when it became worse after people had ended its incident. */
static enum err join_one(struct apply *a, const struct event *event, int64_t incident, int64_t alert,
			 int64_t *more, struct error *err)
{
	int64_t before;
	enum err r = incident_of_alert(a->conn, alert, &before, err);
	if (r == OK)
		r = store_put(a->conn, &member_table, event->seq,
			      STORE_VALUES(STORE_INT(alert), STORE_INT(incident), STORE_INT(1)), err);
	if (r == OK && before != 0 && before != incident)
		r = add_firing(a, event, before, -1, err);
	*more += before != incident;
	return r;
}

static enum err end_one(struct apply *a, const struct event *event, int64_t alert, int64_t *less,
			struct error *err)
{
	int64_t before;
	enum err r = incident_of_alert(a->conn, alert, &before, err);
	if (r != OK || before == 0)
		return r;
	*less += 1;
	return store_set(a->conn, &member_table, event->seq, "firing = ?",
			 STORE_VALUES(STORE_INT(0), STORE_INT(alert)), err);
}

enum err incident_apply_alert_joined(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_alert_joined *e = event->payload;
	int64_t more = 0;
	enum err r = join_one(a, event, e->incident, e->alert, &more, err);
	return r == OK ? add_firing(a, event, e->incident, more, err) : r;
}

enum err incident_apply_alerts_joined(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_alerts_joined *e = event->payload;
	const struct doc_node *list;
	int64_t more = 0;
	enum err r = doc_json_parse(e->alerts, a->arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	for (size_t i = 0; r == OK && i < doc_count(list); i++)
		r = join_one(a, event, e->incident, doc_int(doc_at(list, i), 0), &more, err);
	return r == OK ? add_firing(a, event, e->incident, more, err) : r;
}

enum err incident_apply_alert_ended(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_alert_ended *e = event->payload;
	int64_t less = 0;
	enum err r = end_one(a, event, e->alert, &less, err);
	return r == OK ? add_firing(a, event, e->incident, -less, err) : r;
}

enum err incident_apply_alerts_ended(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_alerts_ended *e = event->payload;
	const struct doc_node *list;
	int64_t less = 0;
	enum err r = doc_json_parse(e->alerts, a->arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	for (size_t i = 0; r == OK && i < doc_count(list); i++)
		r = end_one(a, event, doc_int(doc_at(list, i), 0), &less, err);
	return r == OK ? add_firing(a, event, e->incident, -less, err) : r;
}

enum err incident_apply_acknowledged(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_acknowledged *e = event->payload;
	return store_set(a->conn, &incident_table, event->seq,
			 "state = ?, acknowledged = ?, acknowledged_by = ?, ack_until = ?",
			 STORE_VALUES(STORE_TEXT(STR("acknowledged")), STORE_INT(event->event_time),
				      STORE_INT(e->user), STORE_INT(e->until), STORE_INT(e->incident)),
			 err);
}

static enum err set_open(struct apply *a, const struct event *event, int64_t incident,
			 struct error *err)
{
	return store_set(a->conn, &incident_table, event->seq,
			 "state = ?, acknowledged = 0, acknowledged_by = 0, ack_until = 0, resolved = 0",
			 STORE_VALUES(STORE_TEXT(STR("open")), STORE_INT(incident)), err);
}

enum err incident_apply_ack_lapsed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_ack_lapsed *e = event->payload;
	return set_open(a, event, e->incident, err);
}

enum err incident_apply_resolved(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_resolved *e = event->payload;
	return store_set(a->conn, &incident_table, event->seq, "state = ?, resolved = ?",
			 STORE_VALUES(STORE_TEXT(STR("resolved")), STORE_INT(event->event_time),
				      STORE_INT(e->incident)),
			 err);
}

enum err incident_apply_reopened(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_reopened *e = event->payload;
	return set_open(a, event, e->incident, err);
}

enum err incident_apply_priority_set(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_priority_set *e = event->payload;
	return store_set(a->conn, &incident_table, event->seq,
			 "impact = ?, urgency = ?, priority = ?, why = ?",
			 STORE_VALUES(STORE_TEXT(e->impact), STORE_TEXT(e->urgency),
				      STORE_TEXT(e->priority), STORE_TEXT(e->why),
				      STORE_INT(e->incident)),
			 err);
}

enum err incident_apply_retitled(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_retitled *e = event->payload;
	return store_set(a->conn, &incident_table, event->seq, "title = ?",
			 STORE_VALUES(STORE_TEXT(e->title), STORE_INT(e->incident)), err);
}

enum err incident_apply_undone(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_undone *e = event->payload;
	return store_set(a->conn, &incident_table, event->seq,
			 "state = ?, acknowledged = ?, acknowledged_by = ?, ack_until = ?, "
			 "resolved = CASE WHEN ? = 'resolved' THEN resolved ELSE 0 END, "
			 "impact = ?, urgency = ?, priority = ?, why = ?",
			 STORE_VALUES(STORE_TEXT(e->state), STORE_INT(e->acknowledged),
				      STORE_INT(e->acknowledged_by), STORE_INT(e->ack_until),
				      STORE_TEXT(e->state),
				      STORE_TEXT(e->impact), STORE_TEXT(e->urgency),
				      STORE_TEXT(e->priority), STORE_TEXT(e->why),
				      STORE_INT(e->incident)),
			 err);
}
