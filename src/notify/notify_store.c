/* notify_store.c: pages, tries and the outbox. The only SQL of this room. */
#include <assert.h>

#include "base/buf.h"
#include "notify/notify_bulk_priv.h"
#include "notify/notify_priv.h"
#include "store/store_filter.h"

static const struct store_table page_table = {
	.name = "page",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "incident {id} NOT NULL", "user_id {id} NOT NULL",
		     "contact {id} NOT NULL", "channel {text} NOT NULL", "state {text} NOT NULL",
		     "urgency {text} NOT NULL", "title {text} NOT NULL", "body {text} NOT NULL",
		     "reason {text} NOT NULL", "detail {text} NOT NULL", "created {int} NOT NULL",
		     "ended {int} NOT NULL", "attempts {int} NOT NULL" },
	.indexes = { "incident, id", "user_id, id", "state, id" },
};

static const struct store_table attempt_table = {
	.name = "page_attempt",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 2,
	.columns = { "page {id} NOT NULL", "attempt {int} NOT NULL", "state {text} NOT NULL",
		     "detail {text} NOT NULL", "at {int} NOT NULL", "took {int} NOT NULL" },
};

static const struct store_table outbox_table = {
	.name = "outbox",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.backup = STORE_BACKUP_NEVER, /* what waited then must not leave hours later */
	.keys = 1,
	.columns = { "page {id} NOT NULL", "incident {id} NOT NULL", "user_id {id} NOT NULL",
		     "contact {id} NOT NULL", "channel {text} NOT NULL", "address {text} NOT NULL",
		     "secret {text} NOT NULL", "urgency {text} NOT NULL", "title {text} NOT NULL",
		     "body {text} NOT NULL", "reason {text} NOT NULL", "link {text} NOT NULL",
		     "due {int} NOT NULL", "attempts {int} NOT NULL" },
	.indexes = { "due, page", "incident, page" },
};

static const struct store_table setting_table = {
	.name = "notify_setting",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "key {text} NOT NULL", "value {text} NOT NULL" },
};

const struct store_table *const notify_tables[] = {
	&page_table, &attempt_table, &outbox_table, &setting_table,
	&notify_bulk_table, &notify_bulk_count_table, NULL,
};

/* ---- the outbox ---- */

enum err outbox_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct notify_page *p = args;
	return store_put(conn, &outbox_table, 0,
			 STORE_VALUES(STORE_INT(p->page), STORE_INT(p->incident), STORE_INT(p->user),
				      STORE_INT(p->contact), STORE_TEXT(p->channel),
				      STORE_TEXT(p->address), STORE_TEXT(p->secret),
				      STORE_TEXT(p->urgency), STORE_TEXT(p->title), STORE_TEXT(p->body),
				      STORE_TEXT(p->reason), STORE_TEXT(p->link),
				      STORE_INT(p->not_before), STORE_INT(p->attempts)),
			 err);
}

enum err outbox_remove(struct store_conn *conn, const void *args, struct error *err)
{
	const int64_t *page = args;
	return store_remove(conn, &outbox_table, 0, STORE_VALUES(STORE_INT(*page)), err);
}

enum err outbox_delay(struct store_conn *conn, const void *args, struct error *err)
{
	const struct outbox_delay *delay = args;
	return store_exec(conn, "UPDATE outbox SET due = ?, attempts = ? WHERE page = ?",
			  STORE_VALUES(STORE_INT(delay->due), STORE_INT(delay->attempts),
				       STORE_INT(delay->page)),
			  err);
}

enum err outbox_shift(struct store_conn *conn, const void *args, struct error *err)
{
	const struct outbox_shift *shift = args;
	return store_exec(conn, "UPDATE outbox SET due = due + ? WHERE due > ?",
			  STORE_VALUES(STORE_INT(shift->by), STORE_INT(shift->after)), err);
}

enum err outbox_due(struct store_conn *conn, time_us now, unsigned limit, outbox_each_due_fn *each,
		    void *context, time_us *ret_next, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT o.page, o.incident, o.user_id, o.contact, o.channel, o.urgency, "
				 "o.incident = 0 OR NOT EXISTS (SELECT 1 FROM page p WHERE "
				 "p.incident = o.incident AND p.contact = o.contact AND p.id < o.page) "
				 "FROM outbox o WHERE o.due <= ? ORDER BY o.urgency, o.page LIMIT ?",
				 STORE_VALUES(STORE_INT(now), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	while (store_next(rows)) {
		struct outbox_due due = {
			.page = store_int(rows, 0),
			.incident = store_int(rows, 1),
			.user = store_int(rows, 2),
			.contact = store_int(rows, 3),
			.channel = store_text(rows, 4),
			.high = str_is(store_text(rows, 5), "high"),
			.first = store_int(rows, 6) != 0,
		};
		each(context, &due);
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	return store_one_int(conn, "SELECT min(due) FROM outbox WHERE due > ?",
			     STORE_VALUES(STORE_INT(now)), TIME_NONE, ret_next, err);
}

static struct notify_page read_outbox(struct store_rows *rows, struct arena *arena)
{
	return (struct notify_page){
		.page = store_int(rows, 0),
		.incident = store_int(rows, 1),
		.user = store_int(rows, 2),
		.contact = store_int(rows, 3),
		.channel = arena_str(arena, store_text(rows, 4)),
		.address = arena_str(arena, store_text(rows, 5)),
		.secret = arena_str(arena, store_text(rows, 6)),
		.urgency = arena_str(arena, store_text(rows, 7)),
		.title = arena_str(arena, store_text(rows, 8)),
		.body = arena_str(arena, store_text(rows, 9)),
		.reason = arena_str(arena, store_text(rows, 10)),
		.link = arena_str(arena, store_text(rows, 11)),
		.not_before = store_int(rows, 12),
		.attempts = (int)store_int(rows, 13),
		.written = store_int(rows, 14),
	};
}

enum err outbox_load(struct store_conn *conn, int64_t page, struct arena *arena, bool *ret_found,
		     struct notify_page *ret_page, struct error *err)
{
	struct store_rows *rows;
	struct notify_page read = { 0 };
	enum err r = store_query(conn,
				 "SELECT o.page, o.incident, o.user_id, o.contact, o.channel, o.address, "
				 "o.secret, o.urgency, o.title, o.body, o.reason, o.link, o.due, o.attempts, "
				 "p.created FROM outbox o JOIN page p ON p.id = o.page WHERE o.page = ?",
				 STORE_VALUES(STORE_INT(page)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		read = read_outbox(rows, arena);
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_found = found;
	*ret_page = read;
	return OK;
}

enum err outbox_attempts(struct store_conn *conn, int64_t page, bool *ret_found, int *ret_attempts,
			 struct error *err)
{
	int64_t attempts;
	enum err r = store_one_int(conn, "SELECT attempts FROM outbox WHERE page = ?",
				   STORE_VALUES(STORE_INT(page)), -1, &attempts, err);
	if (r != OK)
		return r;
	*ret_found = attempts >= 0;
	*ret_attempts = (int)attempts;
	return OK;
}

enum err outbox_of_incident(struct store_conn *conn, int64_t incident, struct arena *arena,
			    int64_t **ret_pages, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT page FROM outbox WHERE incident = ? AND reason <> 'resolved' "
				 "ORDER BY page LIMIT ?",
				 STORE_VALUES(STORE_INT(incident), STORE_INT(OUTBOX_CANCEL_MAX)), &rows,
				 err);
	if (r != OK)
		return r;
	int64_t *pages = arena_array(arena, int64_t, OUTBOX_CANCEL_MAX);
	size_t count = 0;
	while (count < OUTBOX_CANCEL_MAX && store_next(rows))
		pages[count++] = store_int(rows, 0);
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_pages = pages;
	*ret_count = count;
	return OK;
}

enum err page_state_get(struct store_conn *conn, int64_t page, struct arena *arena,
			struct page_state *ret_state, struct error *err)
{
	struct store_rows *rows;
	struct page_state state = { 0 };
	enum err r = store_query(conn,
				 "SELECT incident, user_id, channel, state, attempts FROM page WHERE id = ?",
				 STORE_VALUES(STORE_INT(page)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		state = (struct page_state){
			.incident = store_int(rows, 0),
			.user = store_int(rows, 1),
			.channel = arena_str(arena, store_text(rows, 2)),
			.state = arena_str(arena, store_text(rows, 3)),
			.attempts = (int)store_int(rows, 4),
		};
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no page %lld", (long long)page);
	if (r == OK)
		*ret_state = state;
	return r;
}

enum err pages_queued(struct store_conn *conn, unsigned limit, struct arena *arena, int64_t **ret_pages,
		      int64_t **ret_incidents, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT id, incident FROM page WHERE state = 'queued' ORDER BY id "
				       "LIMIT ?",
				 STORE_VALUES(STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	int64_t *pages = arena_array(arena, int64_t, limit), *incidents = arena_array(arena, int64_t, limit);
	size_t count = 0;
	while (count < limit && store_next(rows)) {
		pages[count] = store_int(rows, 0);
		incidents[count++] = store_int(rows, 1);
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_pages = pages;
	*ret_incidents = incidents;
	*ret_count = count;
	return OK;
}

enum err page_hopes(struct store_conn *conn, int64_t page, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn,
			     "SELECT count(*) FROM page p JOIN page q ON q.incident = p.incident AND "
			     "q.user_id = p.user_id AND q.created = p.created AND q.reason = p.reason "
			     "WHERE p.id = ? AND q.state IN ('queued', 'sent', 'delivered')",
			     STORE_VALUES(STORE_INT(page)), 0, ret_count, err);
}

/* ---- settings ---- */

enum err setting_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct setting_row *row = args;
	struct str key = str_of(row->key);
	if (row->value.len == 0)
		return store_remove(conn, &setting_table, 0, STORE_VALUES(STORE_TEXT(key)), err);
	return store_put(conn, &setting_table, 0, STORE_VALUES(STORE_TEXT(key), STORE_TEXT(row->value)),
			 err);
}

enum err setting_get(struct store_conn *conn, const char *key, struct arena *arena,
		     struct str *ret_value, struct error *err)
{
	struct store_rows *rows;
	struct str value = STR_NONE;
	enum err r = store_query(conn, "SELECT value FROM notify_setting WHERE key = ?",
				 STORE_VALUES(STORE_TEXT(str_of(key))), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows))
		value = arena_str(arena, store_text(rows, 0));
	r = store_done(&rows, err);
	if (r == OK)
		*ret_value = value;
	return r;
}

/* ---- applies ---- */

enum err notify_apply_created(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_page_created *e = event->payload;
	return store_put(a->conn, &page_table, event->seq,
			 STORE_VALUES(STORE_INT(e->page), STORE_INT(e->incident), STORE_INT(e->user),
				      STORE_INT(e->contact), STORE_TEXT(e->channel),
				      STORE_TEXT(STR("queued")), STORE_TEXT(e->urgency),
				      STORE_TEXT(e->title), STORE_TEXT(e->body), STORE_TEXT(e->reason),
				      STORE_TEXT(STR("")), STORE_INT(event->event_time), STORE_INT(0),
				      STORE_INT(0)),
			 err);
}

enum err notify_apply_attempted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_page_attempted *e = event->payload;
	bool again = str_is(e->state, "retry");
	enum err r = store_put(a->conn, &attempt_table, event->seq,
			       STORE_VALUES(STORE_INT(e->page), STORE_INT(e->attempt),
					    STORE_TEXT(e->state), STORE_TEXT(e->detail),
					    STORE_INT(event->event_time), STORE_INT(e->took)),
			       err);
	if (r != OK)
		return r;
	return store_set(a->conn, &page_table, event->seq,
			 "state = ?, detail = ?, attempts = ?, ended = ?",
			 STORE_VALUES(STORE_TEXT(again ? STR("queued") : e->state),
				      STORE_TEXT(e->detail), STORE_INT(e->attempt),
				      STORE_INT(again ? 0 : event->event_time), STORE_INT(e->page)),
			 err);
}

enum err notify_apply_cancelled(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_page_cancelled *e = event->payload;
	return store_set(a->conn, &page_table, event->seq, "state = ?, detail = ?, ended = ?",
			 STORE_VALUES(STORE_TEXT(STR("cancelled")), STORE_TEXT(e->reason),
				      STORE_INT(event->event_time), STORE_INT(e->page)),
			 err);
}

/* ---- reading ---- */

#define PAGE_COLUMNS                                                                             \
	"id, incident, user_id, contact, channel, state, urgency, title, body, reason, detail, " \
	"created, ended, attempts"

static struct notify_row read_page(struct store_rows *rows, struct arena *arena)
{
	return (struct notify_row){
		.id = store_int(rows, 0),
		.incident = store_int(rows, 1),
		.user = store_int(rows, 2),
		.contact = store_int(rows, 3),
		.channel = arena_str(arena, store_text(rows, 4)),
		.state = arena_str(arena, store_text(rows, 5)),
		.urgency = arena_str(arena, store_text(rows, 6)),
		.title = arena_str(arena, store_text(rows, 7)),
		.body = arena_str(arena, store_text(rows, 8)),
		.reason = arena_str(arena, store_text(rows, 9)),
		.detail = arena_str(arena, store_text(rows, 10)),
		.created = store_int(rows, 11),
		.ended = store_int(rows, 12),
		.attempts = (int)store_int(rows, 13),
	};
}

enum err notify_list(struct store_conn *conn, const struct notify_filter *filter,
		     struct arena *arena, notify_each_fn *each, void *context, struct error *err)
{
	cleanup_buf struct buf sql;
	struct store_value values[STORE_WORDS_MAX + 8];
	size_t count = 0;
	assert(filter->limit > 0);
	buf_init(&sql, 1024);
	buf_adds(&sql, "SELECT " PAGE_COLUMNS " FROM {page} WHERE 1 = 1");
	if (filter->incident > 0) {
		buf_adds(&sql, " AND incident = ?");
		values[count++] = STORE_INT(filter->incident);
	}
	if (filter->user > 0) {
		buf_adds(&sql, " AND user_id = ?");
		values[count++] = STORE_INT(filter->user);
	}
	if (filter->contact > 0) {
		buf_adds(&sql, " AND contact = ?");
		values[count++] = STORE_INT(filter->contact);
	}
	store_filter_words(&sql, "state", filter->state, values, &count);
	if (filter->channel.len > 0) {
		buf_adds(&sql, " AND channel = ?");
		values[count++] = STORE_TEXT(filter->channel);
	}
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
		struct notify_row row = read_page(rows, arena);
		more = each(context, &row);
	}
	return store_done(&rows, err);
}

enum err notify_tries(struct store_conn *conn, int64_t page, struct arena *arena,
		      notify_each_try_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT attempt, state, detail, at, took FROM page_attempt "
				 "WHERE page = ? ORDER BY attempt",
				 STORE_VALUES(STORE_INT(page)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct notify_try try = {
			.attempt = (int)store_int(rows, 0),
			.state = arena_str(arena, store_text(rows, 1)),
			.detail = arena_str(arena, store_text(rows, 2)),
			.at = store_int(rows, 3),
			.took = store_int(rows, 4),
		};
		more = each(context, &try);
	}
	return store_done(&rows, err);
}
