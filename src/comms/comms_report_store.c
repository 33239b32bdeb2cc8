/* comms_report_store.c: reports, what their senders wrote, what was not taken. The only SQL about reports. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "comms/comms_report_priv.h"
#include "store/store_filter.h"

static const struct store_table report_table = {
	.name = "report",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "state {text} NOT NULL", "service {text} NOT NULL",
		     "page {text} NOT NULL", "severity {text} NOT NULL", "source {text} NOT NULL",
		     "impact {text} NOT NULL", "urgency {text} NOT NULL", "priority {text} NOT NULL",
		     "why {text} NOT NULL", "since {int} NOT NULL", "received {int} NOT NULL",
		     "user_id {id} NOT NULL", "wants_news {int} NOT NULL", "confirmed {int} NOT NULL",
		     "incident {id} NOT NULL", "of_report {id} NOT NULL", "reason {text} NOT NULL",
		     "triaged_by {id} NOT NULL", "triaged {int} NOT NULL", "triaged_seq {id} NOT NULL",
		     "verdict {text} NOT NULL", "verdict_at {int} NOT NULL", "erased {text} NOT NULL",
		     "verdict_of {id} NOT NULL" },
	.indexes = { "state, id", "incident, id", "of_report, id", "service, received, id" },
};

static const struct store_table surge_table = {
	.name = "report_surge",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "service {text} NOT NULL", "at {int} NOT NULL", "reports {int} NOT NULL",
		     "incident {id} NOT NULL" },
};

static const struct store_table private_table = {
	.name = "report_private",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "report {id} NOT NULL", "words {text} NOT NULL", "email {text} NOT NULL",
		     "secret {text} NOT NULL" },
	.indexes = { "email, report" },
};

static const struct store_table drop_table = {
	.name = "report_drop",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 3,
	.columns = { "hour {int} NOT NULL", "reason {text} NOT NULL", "service {text} NOT NULL",
		     "last {int} NOT NULL", "reports {int} NOT NULL" },
};

const struct store_table *const report_tables[] = { &report_table, &surge_table, &private_table, &drop_table,
						     NULL };

#define COLUMNS                                                                                        \
	"id, state, service, page, severity, source, impact, urgency, priority, why, since, received, " \
	"user_id, wants_news, confirmed, incident, of_report, reason, triaged_by, triaged, triaged_seq, " \
	"verdict, verdict_at, erased, verdict_of"

static struct report read_row(struct store_rows *rows, struct arena *arena)
{
	return (struct report){
		.id = store_int(rows, 0),
		.state = arena_str(arena, store_text(rows, 1)),
		.service = arena_str(arena, store_text(rows, 2)),
		.page = arena_str(arena, store_text(rows, 3)),
		.severity = arena_str(arena, store_text(rows, 4)),
		.source = arena_str(arena, store_text(rows, 5)),
		.impact = arena_str(arena, store_text(rows, 6)),
		.urgency = arena_str(arena, store_text(rows, 7)),
		.priority = arena_str(arena, store_text(rows, 8)),
		.why = arena_str(arena, store_text(rows, 9)),
		.since = store_int(rows, 10),
		.received = store_int(rows, 11),
		.user = store_int(rows, 12),
		.wants_news = store_int(rows, 13) != 0,
		.confirmed = store_int(rows, 14) != 0,
		.incident = store_int(rows, 15),
		.of = store_int(rows, 16),
		.reason = arena_str(arena, store_text(rows, 17)),
		.triaged_by = store_int(rows, 18),
		.triaged = store_int(rows, 19),
		.triaged_seq = store_int(rows, 20),
		.verdict = arena_str(arena, store_text(rows, 21)),
		.verdict_at = store_int(rows, 22),
		.erased = arena_str(arena, store_text(rows, 23)),
		.verdict_of = store_int(rows, 24),
	};
}

enum err report_get(struct store_conn *conn, int64_t id, struct arena *arena, struct report *ret_report,
		    struct error *err)
{
	struct store_rows *rows;
	struct report report = { 0 };
	enum err r = store_query(conn, "SELECT " COLUMNS " FROM {report} WHERE id = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		report = read_row(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no report %lld", (long long)id);
	if (r == OK)
		*ret_report = report;
	return r;
}

/* What counts to an incident: its reports, and those that say the same as one of them. */
#define OF_INCIDENT "(incident = ? OR of_report IN (SELECT first.id FROM {report} first WHERE first.incident = ?))"

enum err report_list(struct store_conn *conn, const struct report_filter *f, struct arena *arena,
		     report_each_fn *each, void *context, struct error *err)
{
	cleanup_buf struct buf sql;
	struct store_value values[STORE_WORDS_MAX + 8];
	size_t count = 0;
	assert(f->limit > 0);
	buf_init(&sql, 2048);
	buf_adds(&sql, "SELECT " COLUMNS " FROM {report} WHERE 1 = 1");
	store_filter_words(&sql, "state", f->states, values, &count);
	if (f->service.len > 0) {
		buf_adds(&sql, " AND service = ?");
		values[count++] = STORE_TEXT(f->service);
	}
	if (f->incident > 0) {
		buf_adds(&sql, " AND " OF_INCIDENT);
		values[count++] = STORE_INT(f->incident);
		values[count++] = STORE_INT(f->incident);
	}
	if (f->verdict.len > 0) {
		buf_adds(&sql, " AND verdict = ?");
		values[count++] = STORE_TEXT(f->verdict);
	}
	if (f->before_id > 0) {
		buf_adds(&sql, " AND id < ?");
		values[count++] = STORE_INT(f->before_id);
	}
	buf_adds(&sql, " ORDER BY id DESC LIMIT ?");
	values[count++] = STORE_INT(f->limit);
	struct store_rows *rows;
	enum err r = store_query(conn, sql.bytes, values, count, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct report report = read_row(rows, arena);
		more = each(context, &report);
	}
	return store_done(&rows, err);
}

enum err report_count_of(struct store_conn *conn, int64_t incident, struct report_count *ret_count,
			 struct error *err)
{
	struct store_rows *rows;
	struct report_count count = { 0 };
	enum err r = store_query(conn,
				 "SELECT count(*), "
				 "coalesce(sum(CASE WHEN verdict = 'not_fixed' AND verdict_of = ? THEN 1 ELSE 0 END), 0), "
				 "coalesce(sum(CASE WHEN verdict = 'fixed' AND verdict_of = ? THEN 1 ELSE 0 END), 0) "
				 "FROM {report} WHERE " OF_INCIDENT,
				 STORE_VALUES(STORE_INT(incident), STORE_INT(incident), STORE_INT(incident), STORE_INT(incident)),
				 &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows))
		count = (struct report_count){ store_int(rows, 0), store_int(rows, 1), store_int(rows, 2) };
	r = store_done(&rows, err);
	if (r == OK)
		*ret_count = count;
	return r;
}

enum err report_new_count(struct store_conn *conn, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM {report} WHERE state = 'new'", NULL, 0, 0, ret_count,
			     err);
}

enum err report_new_since(struct store_conn *conn, struct str service, time_us from, int64_t *ret_count,
			  struct error *err)
{
	return store_one_int(conn,
			     "SELECT count(*) FROM {report} WHERE service = ? AND received >= ? AND "
			     "state IN ('new', 'joined', 'duplicate')",
			     STORE_VALUES(STORE_TEXT(service), STORE_INT(from)), 0, ret_count, err);
}

enum err report_last_surge(struct store_conn *conn, struct str service, time_us *ret_at, struct error *err)
{
	return store_one_int(conn, "SELECT at FROM report_surge WHERE service = ?",
			     STORE_VALUES(STORE_TEXT(service)), TIME_NONE, ret_at, err);
}

enum err report_surges(struct store_conn *conn, time_us from, struct arena *arena,
		       report_each_surge_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT service, at, reports, incident FROM report_surge WHERE at >= ? "
				 "ORDER BY at DESC, service LIMIT 50",
				 STORE_VALUES(STORE_INT(from)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct report_surge surge = { arena_str(arena, store_text(rows, 0)), store_int(rows, 1),
					      store_int(rows, 2), store_int(rows, 3) };
		more = each(context, &surge);
	}
	return store_done(&rows, err);
}

/* ---- the vault ---- */

enum err report_private_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct report_private *p = args;
	return store_put(conn, &private_table, 0,
			 STORE_VALUES(STORE_INT(p->report), STORE_TEXT(p->text), STORE_TEXT(p->email),
				      STORE_TEXT(p->secret)),
			 err);
}

enum err report_private_get(struct store_conn *conn, int64_t report, struct arena *arena, bool *ret_found,
			    struct report_private *ret_private, struct error *err)
{
	struct store_rows *rows;
	struct report_private private = { .report = report };
	enum err r = store_query(conn, "SELECT words, email, secret FROM report_private WHERE report = ?",
				 STORE_VALUES(STORE_INT(report)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found) {
		private.text = arena_str(arena, store_text(rows, 0));
		private.email = arena_str(arena, store_text(rows, 1));
		private.secret = arena_str(arena, store_text(rows, 2));
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_found = found;
	*ret_private = private;
	return OK;
}

enum err report_private_erase(struct store_conn *conn, const void *args, struct error *err)
{
	const int64_t *report = args;
	return store_exec(conn, "DELETE FROM report_private WHERE report = ?", STORE_VALUES(STORE_INT(*report)),
			  err);
}

enum err report_private_forget(struct store_conn *conn, const void *args, struct error *err)
{
	const int64_t *report = args;
	return store_exec(conn, "UPDATE report_private SET email = '', secret = '' WHERE report = ?",
			  STORE_VALUES(STORE_INT(*report)), err);
}

enum err report_unconfirmed(struct store_conn *conn, struct str email, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn,
			     "SELECT count(*) FROM report_private p JOIN {report} r ON r.id = p.report "
			     "WHERE p.email = ? AND r.confirmed = 0",
			     STORE_VALUES(STORE_TEXT(email)), 0, ret_count, err);
}

enum err report_words(struct store_conn *conn, int64_t id, struct arena *arena, struct str *ret_text,
		      struct error *err)
{
	struct report_private private;
	bool found;
	enum err r = report_private_get(conn, id, arena, &found, &private, err);
	if (r == OK)
		*ret_text = found ? private.text : STR_NONE;
	return r;
}

/* Asked by the id; the secret is compared in constant time. */
enum err report_of_link(struct store_conn *conn, struct str token, struct arena *arena, int64_t *ret_report,
			struct error *err)
{
	struct str number, secret;
	struct report_private private = { .report = 0 };
	int64_t id;
	bool found = false;
	if (token.len < REPORT_LINK_BYTES && str_cut(token, '-', &number, &secret) &&
	    str_int(number, 1, INT64_MAX, &id)) {
		enum err r = report_private_get(conn, id, arena, &found, &private, err);
		if (r != OK)
			return r;
	}
	if (!found || private.secret.len == 0 || private.secret.len != secret.len ||
	    sodium_memcmp(private.secret.ptr, secret.ptr, secret.len) != 0)
		return error_set(err, ERR_NOT_FOUND, "this link is not known");
	*ret_report = id;
	return OK;
}

/* ---- what was not taken ---- */

enum err report_drop_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct report_drop_more *drop = args;
	int64_t before;
	enum err r = store_one_int(conn,
				   "SELECT reports FROM report_drop WHERE hour = ? AND reason = ? AND service = ?",
				   STORE_VALUES(STORE_INT(drop->hour), STORE_TEXT(drop->reason),
						STORE_TEXT(drop->service)),
				   0, &before, err);
	if (r == OK)
		r = store_exec(conn, "DELETE FROM report_drop WHERE hour < ?",
			       STORE_VALUES(STORE_INT(drop->hour - 30 * TIME_DAY)), err);
	if (r != OK)
		return r;
	return store_put(conn, &drop_table, 0,
			 STORE_VALUES(STORE_INT(drop->hour), STORE_TEXT(drop->reason), STORE_TEXT(drop->service),
				      STORE_INT(drop->at), STORE_INT(before + drop->more)),
			 err);
}

enum err report_drops(struct store_conn *conn, time_us from, struct arena *arena, report_each_drop_fn *each,
		      void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT hour, last, reason, service, reports FROM report_drop WHERE last >= ? "
				 "ORDER BY hour DESC, reason, service LIMIT 50",
				 STORE_VALUES(STORE_INT(from)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct report_drop drop = {
			.hour = store_int(rows, 0),
			.last = store_int(rows, 1),
			.reason = arena_str(arena, store_text(rows, 2)),
			.service = arena_str(arena, store_text(rows, 3)),
			.count = store_int(rows, 4),
		};
		more = each(context, &drop);
	}
	return store_done(&rows, err);
}

/* ---- applies ---- */

enum err report_apply_received(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_received *e = event->payload;
	enum err r = store_put(a->conn, &report_table, event->seq,
			       STORE_VALUES(STORE_INT(e->report), STORE_TEXT(STR("new")), STORE_TEXT(e->service),
					    STORE_TEXT(e->page), STORE_TEXT(e->severity), STORE_TEXT(e->source),
					    STORE_TEXT(e->impact), STORE_TEXT(e->urgency),
					    STORE_TEXT(e->priority), STORE_TEXT(e->why), STORE_INT(e->since),
					    STORE_INT(event->event_time), STORE_INT(e->user),
					    STORE_INT(e->wants_news), STORE_INT(0), STORE_INT(0), STORE_INT(0),
					    STORE_TEXT(STR("")), STORE_INT(0), STORE_INT(0), STORE_INT(0),
					    STORE_TEXT(STR("")), STORE_INT(0), STORE_TEXT(STR("")),
					    STORE_INT(0)),
			       err);
	if (r == OK)
		r = timer_set(a, REPORT_KEEP_TIMER, e->report, event->event_time + REPORT_KEPT, TIMER_CALENDAR, err);
	if (r == OK && e->wants_news)
		r = timer_set(a, REPORT_CONFIRM_TIMER, e->report, event->event_time + REPORT_CONFIRM_WITHIN,
			      TIMER_CALENDAR, err);
	return r;
}

enum err report_apply_confirmed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_confirmed *e = event->payload;
	enum err r = store_set(a->conn, &report_table, event->seq, "confirmed = ?",
			       STORE_VALUES(STORE_INT(1), STORE_INT(e->report)), err);
	return r == OK ? timer_clear(a, REPORT_CONFIRM_TIMER, e->report, err) : r;
}

enum err report_apply_triaged(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_triaged *e = event->payload;
	return store_set(a->conn, &report_table, event->seq,
			 "state = ?, incident = ?, of_report = ?, reason = ?, triaged_by = ?, triaged = ?, "
			 "triaged_seq = ?",
			 STORE_VALUES(STORE_TEXT(e->action), STORE_INT(e->incident), STORE_INT(e->of),
				      STORE_TEXT(e->reason), STORE_INT(event->actor),
				      STORE_INT(event->event_time), STORE_INT(event->seq), STORE_INT(e->report)),
			 err);
}

enum err report_apply_undone(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_undone *e = event->payload;
	return store_set(a->conn, &report_table, event->seq,
			 "state = ?, incident = 0, of_report = 0, reason = '', triaged_by = 0, triaged = 0, "
			 "triaged_seq = 0",
			 STORE_VALUES(STORE_TEXT(STR("new")), STORE_INT(e->report)), err);
}

enum err report_apply_surged(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_surged *e = event->payload;
	return store_put(a->conn, &surge_table, event->seq,
			 STORE_VALUES(STORE_TEXT(e->service), STORE_INT(event->event_time), STORE_INT(e->count),
				      STORE_INT(e->incident)),
			 err);
}

enum err report_apply_verdict(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_verdict *e = event->payload;
	return store_set(a->conn, &report_table, event->seq, "verdict = ?, verdict_at = ?, verdict_of = ?",
			 STORE_VALUES(STORE_TEXT(e->fixed ? STR("fixed") : STR("not_fixed")),
				      STORE_INT(event->event_time), STORE_INT(e->incident), STORE_INT(e->report)),
			 err);
}

enum err report_apply_erased(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_erased *e = event->payload;
	enum err r = store_set(a->conn, &report_table, event->seq, "erased = ?, wants_news = 0, confirmed = 0",
			       STORE_VALUES(STORE_TEXT(e->what), STORE_INT(e->report)), err);
	if (r == OK)
		r = timer_clear(a, REPORT_CONFIRM_TIMER, e->report, err);
	if (r == OK && str_is(e->what, "all"))
		r = timer_clear(a, REPORT_KEEP_TIMER, e->report, err);
	return r;
}
