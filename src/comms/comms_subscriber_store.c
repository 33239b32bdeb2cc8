/* comms_subscriber_store.c: subscribers and their addresses. The only SQL about them. */
#include <assert.h>
#include <sodium.h>

#include "base/buf.h"
#include "comms/comms_subscriber_priv.h"
#include "store/store_filter.h"

static const struct store_table subscriber_table = {
	.name = "subscriber",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "state {text} NOT NULL", "channel {text} NOT NULL",
		     "source {text} NOT NULL", "page {text} NOT NULL", "components {text} NOT NULL",
		     "added {int} NOT NULL",
		     "confirmed {int} NOT NULL", "failures {int} NOT NULL", "refused {int} NOT NULL" },
	.indexes = { "state, id" },
};

static const struct store_table private_table = {
	.name = "subscriber_private",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "subscriber {id} NOT NULL", "address {text} NOT NULL", "lower_address {text} NOT NULL",
		     "secret {text} NOT NULL", "signing {text} NOT NULL", "asked {int} NOT NULL" },
	.indexes = { "lower_address, subscriber" },
};

static const struct store_table told_table = {
	.name = "subscriber_told",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "update_id {id} NOT NULL", "up_to {id} NOT NULL" },
};

const struct store_table *const subscriber_tables[] = { &subscriber_table, &private_table, &told_table, &subscriber_notice_table,
							 NULL };

#define COLUMNS                                                                                        \
	"s.id, s.state, s.channel, s.source, s.page, s.components, s.added, s.confirmed, s.failures, s.refused, " \
	"coalesce(p.address, '')"
#define FROM " FROM {subscriber} s LEFT JOIN subscriber_private p ON p.subscriber = s.id "

static struct subscriber read_row(struct store_rows *rows, struct arena *arena)
{
	return (struct subscriber){
		.id = store_int(rows, 0),
		.state = arena_str(arena, store_text(rows, 1)),
		.channel = arena_str(arena, store_text(rows, 2)),
		.source = arena_str(arena, store_text(rows, 3)),
		.page = arena_str(arena, store_text(rows, 4)),
		.components = arena_str(arena, store_text(rows, 5)),
		.added = store_int(rows, 6),
		.confirmed = store_int(rows, 7),
		.failures = store_int(rows, 8),
		.refused = store_int(rows, 9),
		.address = arena_str(arena, store_text(rows, 10)),
	};
}

enum err subscriber_get(struct store_conn *conn, int64_t id, struct arena *arena,
			struct subscriber *ret_subscriber, struct error *err)
{
	struct store_rows *rows;
	struct subscriber subscriber = { 0 };
	enum err r = store_query(conn, "SELECT " COLUMNS FROM "WHERE s.id = ?", STORE_VALUES(STORE_INT(id)), &rows,
				 err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		subscriber = read_row(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no subscriber %lld", (long long)id);
	if (r == OK)
		*ret_subscriber = subscriber;
	return r;
}

enum err subscriber_list(struct store_conn *conn, const struct subscriber_filter *f, struct arena *arena,
			 subscriber_each_fn *each, void *context, struct error *err)
{
	cleanup_buf struct buf sql;
	struct store_value values[STORE_WORDS_MAX + 4];
	size_t count = 0;
	assert(f->limit > 0);
	buf_init(&sql, 1024);
	buf_adds(&sql, "SELECT " COLUMNS FROM "WHERE s.state <> 'removed'");
	store_filter_words(&sql, "s.state", f->states, values, &count);
	if (f->text.len > 0) {
		buf_adds(&sql, " AND instr(p.lower_address, lower(?)) > 0");
		values[count++] = STORE_TEXT(f->text);
	}
	buf_adds(&sql, " AND s.id > ? ORDER BY s.id LIMIT ?");
	values[count++] = STORE_INT(f->after_id);
	values[count++] = STORE_INT(f->limit);
	struct store_rows *rows;
	enum err r = store_query(conn, sql.bytes, values, count, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct subscriber subscriber = read_row(rows, arena);
		more = each(context, &subscriber);
	}
	return store_done(&rows, err);
}

enum err subscriber_counts(struct store_conn *conn, struct subscriber_count *ret_count, struct error *err)
{
	static const char sql[] = "SELECT count(*) FROM {subscriber} WHERE state = ?";
	struct subscriber_count count;
	enum err r = store_one_int(conn, sql, STORE_VALUES(STORE_TEXT(STR("active"))), 0, &count.active, err);
	if (r == OK)
		r = store_one_int(conn, sql, STORE_VALUES(STORE_TEXT(STR("unconfirmed"))), 0, &count.unconfirmed, err);
	if (r == OK)
		r = store_one_int(conn, sql, STORE_VALUES(STORE_TEXT(STR("suspended"))), 0, &count.suspended, err);
	if (r == OK)
		*ret_count = count;
	return r;
}

/* ---- the vault ---- */

static struct str lower(struct str text, char *out, size_t size)
{
	size_t length = text.len < size ? text.len : size;
	for (size_t i = 0; i < length; i++) {
		char c = text.ptr[i];
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return (struct str){ out, length };
}

enum err subscriber_private_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct subscriber_private *p = args;
	char small[2048];
	return store_put(conn, &private_table, 0,
			 STORE_VALUES(STORE_INT(p->subscriber), STORE_TEXT(p->address),
				      STORE_TEXT(lower(p->address, small, sizeof small)), STORE_TEXT(p->secret),
				      STORE_TEXT(p->signing), STORE_INT(p->asked)),
			 err);
}

enum err subscriber_private_erase(struct store_conn *conn, const void *args, struct error *err)
{
	const int64_t *id = args;
	return store_exec(conn, "DELETE FROM subscriber_private WHERE subscriber = ?",
			  STORE_VALUES(STORE_INT(*id)), err);
}

enum err subscriber_private_get(struct store_conn *conn, int64_t subscriber, struct arena *arena,
				bool *ret_found, struct subscriber_private *ret_private, struct error *err)
{
	struct store_rows *rows;
	struct subscriber_private private = { .subscriber = subscriber };
	enum err r = store_query(conn,
				 "SELECT address, secret, signing, asked FROM subscriber_private WHERE subscriber = ?",
				 STORE_VALUES(STORE_INT(subscriber)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found) {
		private.address = arena_str(arena, store_text(rows, 0));
		private.secret = arena_str(arena, store_text(rows, 1));
		private.signing = arena_str(arena, store_text(rows, 2));
		private.asked = store_int(rows, 3);
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_found = found;
	*ret_private = private;
	return OK;
}

enum err subscriber_of_address(struct store_conn *conn, struct str address, struct str page, int64_t *ret_subscriber,
			       struct error *err)
{
	char small[2048];
	return store_one_int(conn,
			     "SELECT s.id FROM subscriber_private p JOIN {subscriber} s ON s.id = p.subscriber "
			     "WHERE p.lower_address = ? AND s.page = ? ORDER BY s.id LIMIT 1",
			     STORE_VALUES(STORE_TEXT(lower(address, small, sizeof small)), STORE_TEXT(page)), 0,
			     ret_subscriber, err);
}

enum err subscriber_older(struct store_conn *conn, int64_t subscriber, struct arena *arena, subscriber_each_fn *each,
			  void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " COLUMNS " FROM subscriber_private own "
				 "JOIN subscriber_private p ON p.lower_address = own.lower_address "
				 "AND p.subscriber < own.subscriber JOIN {subscriber} s ON s.id = p.subscriber "
				 "WHERE own.subscriber = ? AND s.state = 'active' ORDER BY s.id LIMIT ?",
				 STORE_VALUES(STORE_INT(subscriber), STORE_INT(SUBSCRIBER_PAGES_MAX + 1)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct subscriber older = read_row(rows, arena);
		more = each(context, &older);
	}
	return store_done(&rows, err);
}

/* Asked by the id; the secret is compared in constant time. */
enum err subscriber_of_link(struct store_conn *conn, struct str token, struct arena *arena,
			    int64_t *ret_subscriber, struct error *err)
{
	struct str number, secret;
	struct subscriber_private private = { .subscriber = 0 };
	int64_t id;
	bool found = false;
	if (token.len < 64 && str_cut(token, '-', &number, &secret) && str_int(number, 1, INT64_MAX, &id)) {
		enum err r = subscriber_private_get(conn, id, arena, &found, &private, err);
		if (r != OK)
			return r;
	}
	if (!found || private.secret.len == 0 || private.secret.len != secret.len ||
	    sodium_memcmp(private.secret.ptr, secret.ptr, secret.len) != 0)
		return error_set(err, ERR_NOT_FOUND, "this link is not known");
	*ret_subscriber = id;
	return OK;
}

/* ---- applies ---- */

enum err subscriber_apply_added(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_added *e = event->payload;
	bool active = str_is(e->state, "active");
	enum err r = store_put(a->conn, &subscriber_table, event->seq,
			       STORE_VALUES(STORE_INT(e->subscriber), STORE_TEXT(e->state), STORE_TEXT(e->channel),
					    STORE_TEXT(e->source), STORE_TEXT(e->page), STORE_TEXT(e->components),
					    STORE_INT(event->event_time),
					    STORE_INT(active ? event->event_time : TIME_NONE), STORE_INT(0),
					    STORE_INT(TIME_NONE)),
			       err);
	if (r == OK && !active)
		r = timer_set(a, SUBSCRIBER_CONFIRM_TIMER, e->subscriber,
			      event->event_time + SUBSCRIBER_CONFIRM_WITHIN, TIMER_CALENDAR, err);
	return r;
}

enum err subscriber_apply_confirmed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_confirmed *e = event->payload;
	enum err r = store_set(a->conn, &subscriber_table, event->seq, "state = 'active', confirmed = ?",
			       STORE_VALUES(STORE_INT(event->event_time), STORE_INT(e->subscriber)), err);
	return r == OK ? timer_clear(a, SUBSCRIBER_CONFIRM_TIMER, e->subscriber, err) : r;
}

enum err subscriber_apply_changed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_changed *e = event->payload;
	return store_set(a->conn, &subscriber_table, event->seq, "components = ?",
			 STORE_VALUES(STORE_TEXT(e->components), STORE_INT(e->subscriber)), err);
}

enum err subscriber_apply_refused(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_refused *e = event->payload;
	return store_set(a->conn, &subscriber_table, event->seq,
			 "failures = ?, refused = ?, state = CASE WHEN ? = 1 THEN 'suspended' ELSE state END",
			 STORE_VALUES(STORE_INT(e->failures), STORE_INT(event->event_time),
				      STORE_INT(e->suspended), STORE_INT(e->subscriber)),
			 err);
}

enum err subscriber_apply_resumed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_resumed *e = event->payload;
	return store_set(a->conn, &subscriber_table, event->seq, "state = 'active', failures = 0, refused = ?",
			 STORE_VALUES(STORE_INT(TIME_NONE), STORE_INT(e->subscriber)), err);
}

enum err subscriber_apply_removed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_removed *e = event->payload;
	enum err r = store_set(a->conn, &subscriber_table, event->seq, "state = ?, components = '[]'",
			       STORE_VALUES(STORE_TEXT(STR("removed")), STORE_INT(e->subscriber)), err);
	return r == OK ? timer_clear(a, SUBSCRIBER_CONFIRM_TIMER, e->subscriber, err) : r;
}

enum err subscriber_apply_published(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_update_published *e = event->payload;
	return timer_set(a, SUBSCRIBER_MAIL_TIMER, e->update, event->event_time, TIMER_ELAPSED, err);
}

enum err subscriber_apply_told(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_subscriber_told *e = event->payload;
	enum err r = store_put(a->conn, &told_table, event->seq,
			       STORE_VALUES(STORE_INT(e->update), STORE_INT(e->up_to)), err);
	if (r != OK)
		return r;
	return e->done ? timer_clear(a, SUBSCRIBER_MAIL_TIMER, e->update, err)
		       : timer_set(a, SUBSCRIBER_MAIL_TIMER, e->update, event->event_time, TIMER_ELAPSED, err);
}

enum err subscriber_told_up_to(struct store_conn *conn, int64_t update, int64_t *ret_id, struct error *err)
{
	return store_one_int(conn, "SELECT up_to FROM subscriber_told WHERE update_id = ?",
			     STORE_VALUES(STORE_INT(update)), 0, ret_id, err);
}
