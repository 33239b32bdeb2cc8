/* notify_bulk_store.c: rows of the slow lane. */
#include <assert.h>

#include "base/buf.h"
#include "notify/notify_bulk_priv.h"

const struct store_table notify_bulk_table = {
	.name = "bulk",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 3,
	.columns = { "purpose {text} NOT NULL", "seq {id} NOT NULL", "party {id} NOT NULL",
		     "channel {text} NOT NULL", "address {text} NOT NULL", "secret {text} NOT NULL",
		     "title {text} NOT NULL", "words {text} NOT NULL", "html {text} NOT NULL",
		     "unsubscribe {text} NOT NULL", "due {int} NOT NULL", "attempts {int} NOT NULL" },
	.indexes = { "due, seq, party, purpose" },
};

const struct store_table notify_bulk_count_table = {
	.name = "bulk_count",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 2,
	.columns = { "purpose {text} NOT NULL", "seq {id} NOT NULL", "sent {int} NOT NULL",
		     "failed {int} NOT NULL" },
};

#define COLUMNS \
	"purpose, seq, party, channel, address, secret, title, words, html, unsubscribe, due, attempts"

static struct notify_bulk read_row(struct store_rows *rows, struct arena *arena)
{
	return (struct notify_bulk){
		.purpose = arena_str(arena, store_text(rows, 0)),
		.seq = store_int(rows, 1),
		.party = store_int(rows, 2),
		.channel = arena_str(arena, store_text(rows, 3)),
		.address = arena_str(arena, store_text(rows, 4)),
		.secret = arena_str(arena, store_text(rows, 5)),
		.title = arena_str(arena, store_text(rows, 6)),
		.text = arena_str(arena, store_text(rows, 7)),
		.html = arena_str(arena, store_text(rows, 8)),
		.unsubscribe = arena_str(arena, store_text(rows, 9)),
		.due = store_int(rows, 10),
		.attempts = (int)store_int(rows, 11),
	};
}

static enum err count_more(struct store_conn *conn, struct str purpose, int64_t seq, int sent, int failed,
			   struct error *err)
{
	struct notify_bulk_count count;
	if (seq == 0)
		return OK;
	enum err r = notify_bulk_count(conn, purpose, seq, &count, err);
	if (r != OK)
		return r;
	return store_put(conn, &notify_bulk_count_table, 0,
			 STORE_VALUES(STORE_TEXT(purpose), STORE_INT(seq), STORE_INT(count.sent + sent),
				      STORE_INT(count.failed + failed)),
			 err);
}

enum err notify_bulk_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct notify_bulk *b = args;
	int64_t waiting;
	assert(b->purpose.len > 0 && b->title.len <= BULK_TITLE_BYTES_MAX);
	assert(b->text.len <= BULK_BODY_BYTES_MAX && b->html.len <= BULK_BODY_BYTES_MAX);
	enum err r = notify_bulk_waiting(conn, &waiting, err);
	if (r == OK && waiting >= (int64_t)BULK_WAITING_MAX)
		return count_more(conn, b->purpose, b->seq, 0, 1, err);
	if (r != OK)
		return r;
	return store_put(conn, &notify_bulk_table, 0,
			 STORE_VALUES(STORE_TEXT(b->purpose), STORE_INT(b->seq), STORE_INT(b->party),
				      STORE_TEXT(b->channel), STORE_TEXT(b->address), STORE_TEXT(b->secret),
				      STORE_TEXT(b->title), STORE_TEXT(b->text), STORE_TEXT(b->html),
				      STORE_TEXT(b->unsubscribe), STORE_INT(b->due), STORE_INT(b->attempts)),
			 err);
}

enum err notify_bulk_drop(struct store_conn *conn, const void *args, struct error *err)
{
	const struct notify_bulk *b = args;
	assert(b->purpose.len > 0);
	return store_exec(conn, "DELETE FROM bulk WHERE purpose = ? AND (? = 0 OR seq = ?) AND (? = 0 OR party = ?)",
			  STORE_VALUES(STORE_TEXT(b->purpose), STORE_INT(b->seq), STORE_INT(b->seq),
				       STORE_INT(b->party), STORE_INT(b->party)),
			  err);
}

enum err notify_bulk_waits(struct store_conn *conn, struct str purpose, int64_t seq, int64_t party, bool *ret_waits,
			   struct error *err)
{
	int64_t count;
	enum err r = store_one_int(conn, "SELECT count(*) FROM bulk WHERE purpose = ? AND seq = ? AND party = ?",
				   STORE_VALUES(STORE_TEXT(purpose), STORE_INT(seq), STORE_INT(party)), 0, &count, err);
	if (r == OK)
		*ret_waits = count > 0;
	return r;
}

enum err notify_bulk_waiting(struct store_conn *conn, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM bulk", NULL, 0, 0, ret_count, err);
}

enum err notify_bulk_count(struct store_conn *conn, struct str purpose, int64_t seq,
			   struct notify_bulk_count *ret_count, struct error *err)
{
	struct store_rows *rows;
	struct notify_bulk_count count = { 0 };
	enum err r = store_one_int(conn, "SELECT count(*) FROM bulk WHERE purpose = ? AND seq = ?",
				   STORE_VALUES(STORE_TEXT(purpose), STORE_INT(seq)), 0, &count.waiting, err);
	if (r == OK)
		r = store_query(conn, "SELECT sent, failed FROM bulk_count WHERE purpose = ? AND seq = ?",
				STORE_VALUES(STORE_TEXT(purpose), STORE_INT(seq)), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows)) {
		count.sent = store_int(rows, 0);
		count.failed = store_int(rows, 1);
	}
	r = store_done(&rows, err);
	if (r == OK)
		*ret_count = count;
	return r;
}

enum err bulk_get(struct store_conn *conn, struct str purpose, int64_t seq, int64_t party, struct arena *arena,
		  bool *ret_found, struct notify_bulk *ret_bulk, struct error *err)
{
	struct store_rows *rows;
	struct notify_bulk bulk = { .seq = 0 };
	enum err r = store_query(conn,
				 "SELECT " COLUMNS " FROM bulk WHERE purpose = ? AND seq = ? AND party = ?",
				 STORE_VALUES(STORE_TEXT(purpose), STORE_INT(seq), STORE_INT(party)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		bulk = read_row(rows, arena);
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_found = found;
	*ret_bulk = bulk;
	return OK;
}

enum err bulk_due(struct store_conn *conn, time_us now, bool mails, unsigned limit, struct arena *arena,
		  bulk_each_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " COLUMNS " FROM bulk WHERE due <= ? AND (? = 1 OR channel <> 'email') "
				 "ORDER BY due, seq, party, purpose LIMIT ?",
				 STORE_VALUES(STORE_INT(now), STORE_INT(mails), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct notify_bulk bulk = read_row(rows, arena);
		more = each(context, &bulk);
	}
	return store_done(&rows, err);
}

enum err bulk_end_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct bulk_end *end = args;
	struct store_value purpose = STORE_TEXT(end->purpose);
	if (end->again)
		return store_exec(conn,
				  "UPDATE bulk SET due = ?, attempts = attempts + 1 WHERE purpose = ? AND seq = ? "
				  "AND party = ?",
				  STORE_VALUES(STORE_INT(end->due), purpose, STORE_INT(end->seq),
					       STORE_INT(end->party)),
				  err);
	enum err r = store_remove(conn, &notify_bulk_table, 0,
				  STORE_VALUES(purpose, STORE_INT(end->seq), STORE_INT(end->party)), err);
	return r == OK ? count_more(conn, end->purpose, end->seq, end->sent, !end->sent, err) : r;
}
