/* alert_store.c: alerts and mutes. The only SQL of this room. */
#include <assert.h>

#include "alert/alert_integration.h"
#include "alert/alert_priv.h"
#include "base/buf.h"
#include "store/store_filter.h"
#include "wire/doc_json.h"

static const struct store_table alert_table = {
	.name = "alert",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "name {text} NOT NULL", "fingerprint {text} NOT NULL",
		     "state {text} NOT NULL", "severity {text} NOT NULL", "urgency {text} NOT NULL",
		     "check_name {text} NOT NULL", "service {text} NOT NULL", "summary {text} NOT NULL",
		     "muted {int} NOT NULL", "started {int} NOT NULL", "resolved {int} NOT NULL",
		     "team {text} NOT NULL", "source {text} NOT NULL",
		     "generator {text} NOT NULL", "runbook {text} NOT NULL", "key_a {int} NOT NULL",
		     "key_b {int} NOT NULL", "notes {int} NOT NULL", "ends {int} NOT NULL",
		     "lease {int} NOT NULL" },
	/* The first holds all that a start reads of what is alive: it is one walk, and no row is looked at. */
	.indexes = { "state, id, lease, key_a, key_b, notes, started, ends", "check_name, id WHERE check_name <> ''" },
};

/* Beside the row: an alert comes to its incident by an event of its own, just after it was made. */
static const struct store_table joined_table = {
	.name = "alert_joined",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "alert {id} NOT NULL", "incident {id} NOT NULL" },
	.indexes = { "incident, alert" },
};

/* Written once, beside the row: history copies rows, and these are long. */
static const struct store_table text_table = {
	.name = "alert_text",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "alert {id} NOT NULL", "labels {text} NOT NULL", "annotations {text} NOT NULL" },
};

static const struct store_table mute_table = {
	.name = "mute",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "kind {text} NOT NULL", "target {text} NOT NULL",
		     "reason {text} NOT NULL", "by_user {id} NOT NULL", "started {int} NOT NULL",
		     "until {int} NOT NULL", "ended {int} NOT NULL" },
	.indexes = { "ended, id" },
};

const struct store_table *const alert_tables[] = { &alert_table, &joined_table, &text_table, &mute_table,
						   &alert_integration_table, &alert_integration_key_table,
						   &alert_integration_seen_table, NULL };

#define ALERT_COLUMNS                                                                           \
	"id, name, fingerprint, state, severity, urgency, check_name, service, summary, muted, " \
	"started, resolved, coalesce((SELECT incident FROM {alert_joined} WHERE alert = id), 0), team, source, generator, " \
	"runbook, key_a, key_b, notes, ends, lease"
#define OF_CHECK "check_name = ? AND check_name <> ''" /* most alerts are of none, and stand in no index of theirs */
#define MUTE_COLUMNS "id, kind, target, reason, by_user, started, until, ended"

static struct alert read_alert(struct store_rows *rows, struct arena *arena)
{
	return (struct alert){
		.id = store_int(rows, 0),
		.name = arena_str(arena, store_text(rows, 1)),
		.fingerprint = arena_str(arena, store_text(rows, 2)),
		.state = arena_str(arena, store_text(rows, 3)),
		.severity = arena_str(arena, store_text(rows, 4)),
		.urgency = arena_str(arena, store_text(rows, 5)),
		.check = arena_str(arena, store_text(rows, 6)),
		.service = arena_str(arena, store_text(rows, 7)),
		.summary = arena_str(arena, store_text(rows, 8)),
		.muted = store_int(rows, 9) != 0,
		.started = store_int(rows, 10),
		.resolved = store_int(rows, 11),
		.incident = store_int(rows, 12),
		.team = arena_str(arena, store_text(rows, 13)),
		.source = arena_str(arena, store_text(rows, 14)),
		.generator = arena_str(arena, store_text(rows, 15)),
		.runbook = arena_str(arena, store_text(rows, 16)),
		.key = { (uint64_t)store_int(rows, 17), (uint64_t)store_int(rows, 18) },
		.notes = (uint64_t)store_int(rows, 19),
		.ends = store_int(rows, 20),
		.lease = store_int(rows, 21),
	};
}

static enum err one_alert(struct store_conn *conn, const char *sql,
			  const struct store_value *values, size_t count, struct arena *arena,
			  bool *ret_found, struct alert *ret_alert, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, sql, values, count, &rows, err);
	if (r != OK)
		return r;
	*ret_found = store_next(rows);
	if (*ret_found)
		*ret_alert = read_alert(rows, arena);
	return store_done(&rows, err);
}

/* One fingerprint has at most one firing alert, and it is the newest. */
enum err alert_firing(struct store_conn *conn, struct str check, struct arena *arena,
		      bool *ret_found, struct alert *ret_alert, struct error *err)
{
	enum err r = one_alert(conn,
			       "SELECT " ALERT_COLUMNS " FROM {alert} WHERE " OF_CHECK
			       " ORDER BY id DESC LIMIT 1",
			       STORE_VALUES(STORE_TEXT(check)), arena, ret_found, ret_alert, err);
	if (r == OK && *ret_found)
		*ret_found = str_is(ret_alert->state, "firing");
	return r;
}

enum err alert_get(struct store_conn *conn, int64_t id, struct arena *arena,
		   struct alert *ret_alert, struct error *err)
{
	bool found;
	enum err r = one_alert(conn, "SELECT " ALERT_COLUMNS " FROM {alert} WHERE id = ?",
			       STORE_VALUES(STORE_INT(id)), arena, &found, ret_alert, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no alert %lld", (long long)id);
	return r;
}

static void add_condition(struct buf *sql, const char *text, struct store_value *values,
			  size_t *count, struct store_value value)
{
	buf_printf(sql, " AND %s", text);
	values[(*count)++] = value;
}

enum err alert_list(struct store_conn *conn, const struct alert_filter *filter, struct arena *arena,
		    alert_each_fn *each, void *context, struct error *err)
{
	assert(filter->limit > 0);
	cleanup_buf struct buf sql;
	struct store_value values[STORE_WORDS_MAX + 8];
	size_t count = 0;
	/* Those of one incident are read in the order of its index. Of the past both tables would be put aside for that. */
	bool joined = filter->incident > 0 && store_as_of_seq(conn) == 0;
	buf_init(&sql, 2048);
	buf_adds(&sql, "SELECT " ALERT_COLUMNS " FROM ");
	buf_adds(&sql, joined ? "{alert_joined} JOIN {alert} ON id = alert WHERE 1 = 1" : "{alert} WHERE 1 = 1");
	store_filter_words(&sql, "state", filter->states, values, &count);
	if (filter->check.len > 0)
		add_condition(&sql, OF_CHECK, values, &count, STORE_TEXT(filter->check));
	if (filter->service.len > 0)
		add_condition(&sql, "service = ?", values, &count, STORE_TEXT(filter->service));
	if (filter->source.len > 0)
		add_condition(&sql, "source = ?", values, &count, STORE_TEXT(filter->source));
	if (filter->incident > 0)
		add_condition(&sql, joined ? "incident = ?" : "id IN (SELECT alert FROM {alert_joined} WHERE incident = ?)",
			      values, &count, STORE_INT(filter->incident));
	if (filter->before_id > 0)
		add_condition(&sql, "id < ?", values, &count, STORE_INT(filter->before_id));
	buf_adds(&sql, joined ? " ORDER BY alert DESC LIMIT ?" : " ORDER BY id DESC LIMIT ?");
	values[count++] = STORE_INT(filter->limit);
	struct store_rows *rows;
	enum err r = store_query(conn, sql.bytes, values, count, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct alert alert = read_alert(rows, arena);
		more = each(context, &alert);
	}
	return store_done(&rows, err);
}

enum err alert_texts(struct store_conn *conn, int64_t id, struct arena *arena, struct str *ret_labels,
		     struct str *ret_annotations, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT labels, annotations FROM alert_text WHERE alert = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	*ret_labels = found ? arena_str(arena, store_text(rows, 0)) : STR_NONE;
	*ret_annotations = found ? arena_str(arena, store_text(rows, 1)) : STR_NONE;
	return store_done(&rows, err);
}

enum err alert_alive_list(struct store_conn *conn, alert_each_alive_fn *each, void *context,
			  struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT id, lease, key_a, key_b, notes, started, ends FROM {alert} "
				 "WHERE state = 'firing' AND lease > 0 ORDER BY id",
				 STORE_NO_VALUES, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct alert_alive alive = {
			.alert = store_int(rows, 0),
			.lease = store_int(rows, 1),
			.key = { (uint64_t)store_int(rows, 2), (uint64_t)store_int(rows, 3) },
			.notes = (uint64_t)store_int(rows, 4),
			.started = store_int(rows, 5),
			.ends = store_int(rows, 6),
		};
		more = each(context, &alive);
	}
	return store_done(&rows, err);
}

static enum err put(struct apply *a, const struct event *event, const struct alert *it,
		    struct error *err)
{
	enum err r = store_put(a->conn, &alert_table, event->seq,
			       STORE_VALUES(STORE_INT(it->id), STORE_TEXT(it->name),
					    STORE_TEXT(it->fingerprint), STORE_TEXT(it->state),
					    STORE_TEXT(it->severity), STORE_TEXT(it->urgency),
					    STORE_TEXT(it->check), STORE_TEXT(it->service),
					    STORE_TEXT(it->summary), STORE_INT(it->muted),
					    STORE_INT(it->started), STORE_INT(it->resolved),
					    STORE_TEXT(it->team), STORE_TEXT(it->source),
					    STORE_TEXT(it->generator),
					    STORE_TEXT(it->runbook), STORE_INT((int64_t)it->key.a),
					    STORE_INT((int64_t)it->key.b),
					    STORE_INT((int64_t)it->notes), STORE_INT(it->ends),
					    STORE_INT(it->lease)),
			       err);
	if (r != OK || it->labels.len == 0)
		return r;
	return store_put(a->conn, &text_table, event->seq,
			 STORE_VALUES(STORE_INT(it->id), STORE_TEXT(it->labels),
				      STORE_TEXT(it->annotations)),
			 err);
}

enum err alert_apply_batch(struct apply *a, const struct event *event, struct error *err)
{
	struct alert *alerts;
	size_t count;
	enum err r = alert_batch_whole(event, a->arena, &alerts, &count, err);
	for (size_t i = 0; r == OK && i < count; i++)
		r = put(a, event, &alerts[i], err);
	return r;
}

static enum err put_joined(struct apply *a, const struct event *event, int64_t alert, int64_t incident, struct error *err)
{
	return store_put(a->conn, &joined_table, event->seq, STORE_VALUES(STORE_INT(alert), STORE_INT(incident)), err);
}

enum err alert_apply_joined(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_alert_joined *e = event->payload;
	return put_joined(a, event, e->alert, e->incident, err);
}

enum err alert_apply_joined_many(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_alerts_joined *e = event->payload;
	const struct doc_node *list = NULL;
	enum err r = doc_json_parse(e->alerts, a->arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	for (size_t i = 0; r == OK && i < doc_count(list); i++)
		r = put_joined(a, event, doc_int(doc_at(list, i), 0), e->incident, err);
	return r;
}

/* ---- mutes ---- */

static struct alert_mute read_mute(struct store_rows *rows, struct arena *arena)
{
	return (struct alert_mute){
		.id = store_int(rows, 0),
		.kind = arena_str(arena, store_text(rows, 1)),
		.target = arena_str(arena, store_text(rows, 2)),
		.reason = arena_str(arena, store_text(rows, 3)),
		.by = store_int(rows, 4),
		.started = store_int(rows, 5),
		.until = store_int(rows, 6),
		.ended = store_int(rows, 7),
	};
}

enum err alert_mute_get(struct store_conn *conn, int64_t id, struct arena *arena,
			struct alert_mute *ret_mute, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " MUTE_COLUMNS " FROM {mute} WHERE id = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		*ret_mute = read_mute(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no mute %lld", (long long)id);
	return r;
}

enum err alert_list_mutes(struct store_conn *conn, bool active, unsigned limit,
			  struct arena *arena, alert_each_mute_fn *each, void *context,
			  struct error *err)
{
	const char *sql = active ? "SELECT " MUTE_COLUMNS " FROM {mute} WHERE ended = 0 "
				   "ORDER BY until, id LIMIT ?"
				 : "SELECT " MUTE_COLUMNS " FROM {mute} ORDER BY id DESC LIMIT ?";
	struct store_rows *rows;
	enum err r = store_query(conn, sql, STORE_VALUES(STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct alert_mute mute = read_mute(rows, arena);
		more = each(context, &mute);
	}
	return store_done(&rows, err);
}

enum err alert_muted_until(struct store_conn *conn, struct str check, struct str service,
			   time_us *ret_until, struct error *err)
{
	return store_one_int(conn,
			     "SELECT max(until) FROM {mute} WHERE ended = 0 AND (kind = 'all' OR "
			     "(kind = 'check' AND target = ?) OR (kind = 'service' AND target = ?))",
			     STORE_VALUES(STORE_TEXT(check), STORE_TEXT(service)), TIME_NONE, ret_until,
			     err);
}

enum err alert_apply_mute_started(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_mute_started *e = event->payload;
	enum err r = store_put(a->conn, &mute_table, event->seq,
			       STORE_VALUES(STORE_INT(e->mute), STORE_TEXT(e->target_kind),
					    STORE_TEXT(e->target), STORE_TEXT(e->reason),
					    STORE_INT(event->actor), STORE_INT(event->event_time),
					    STORE_INT(e->until), STORE_INT(0)),
			       err);
	if (r != OK)
		return r;
	return timer_set(a, ALERT_MUTE_TIMER, e->mute, e->until, TIMER_ELAPSED, err);
}

enum err alert_apply_mute_ended(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_mute_ended *e = event->payload;
	enum err r = store_set(a->conn, &mute_table, event->seq, "ended = ?",
			       STORE_VALUES(STORE_INT(event->event_time), STORE_INT(e->mute)), err);
	if (r != OK)
		return r;
	return timer_clear(a, ALERT_MUTE_TIMER, e->mute, err);
}
