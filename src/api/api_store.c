/* api_store.c: answers that were given under an Idempotency-Key, kept for a day. */
#include "api/api_priv.h"

#define KEPT_FOR TIME_DAY
#define SWEEP_AT_ONCE 100

static const struct store_table idempotency_table = {
	.name = "idempotency",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 2,
	.columns = { "user_id {id} NOT NULL", "key {text} NOT NULL", "request {text} NOT NULL",
		     "status {int} NOT NULL", "body {text} NOT NULL", "at {int} NOT NULL" },
	.indexes = { "at, user_id, key" },
};

const struct store_table *const api_tables[] = { &idempotency_table, NULL };

enum err idempotent_find(struct store_conn *conn, int64_t user, struct str key,
			 struct arena *arena, bool *ret_found, struct idempotent *ret_row,
			 struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT request, status, body, at FROM idempotency "
				 "WHERE user_id = ? AND key = ?",
				 STORE_VALUES(STORE_INT(user), STORE_TEXT(key)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		*ret_row = (struct idempotent){
			.user = user,
			.key = key,
			.request = arena_str(arena, store_text(rows, 0)),
			.status = (int)store_int(rows, 1),
			.body = arena_str(arena, store_text(rows, 2)),
			.at = store_int(rows, 3),
		};
	r = store_done(&rows, err);
	if (r == OK)
		*ret_found = found;
	return r;
}

enum err idempotent_keep(struct store_conn *conn, const struct idempotent *row, struct error *err)
{
	enum err r = store_exec(conn,
				"DELETE FROM idempotency WHERE (user_id, key) IN (SELECT user_id, key FROM "
				"idempotency WHERE at < ? ORDER BY at, user_id, key LIMIT ?)",
				STORE_VALUES(STORE_INT(row->at - KEPT_FOR), STORE_INT(SWEEP_AT_ONCE)), err);
	if (r != OK)
		return r;
	return store_put(conn, &idempotency_table, 0,
			 STORE_VALUES(STORE_INT(row->user), STORE_TEXT(row->key),
				      STORE_TEXT(row->request), STORE_INT(row->status),
				      STORE_TEXT(row->body), STORE_INT(row->at)),
			 err);
}
