/* guard_session_store.c: passwords and one-time links (vault), sessions (work). */
#include <string.h>

#include "guard/guard_store.h"

const struct store_table guard_password_table = {
	.name = "password",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "user_id {id} NOT NULL", "hash {text} NOT NULL" },
};

const struct store_table guard_link_table = {
	.name = "link",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.backup = STORE_BACKUP_NEVER,
	.keys = 1,
	.columns = { "hash {bytes} NOT NULL", "user_id {id} NOT NULL", "purpose {int} NOT NULL",
		     "expires {int} NOT NULL", "used {int} NOT NULL" },
	.indexes = { "user_id" },
};

const struct store_table guard_session_table = {
	.name = "session",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.backup = STORE_BACKUP_NEVER,
	.keys = 1,
	.columns = { "hash {bytes} NOT NULL", "user_id {id} NOT NULL", "by_link {int} NOT NULL",
		     "created {int} NOT NULL", "last_seen {int} NOT NULL", "address {text} NOT NULL" },
	.indexes = { "user_id, last_seen" },
};

/* ---- passwords ---- */

enum err guard_store_password_of(struct store_conn *conn, struct arena *arena, struct str email,
				 int64_t *ret_user, struct str *ret_hash, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT a.user_id, p.hash FROM account a "
				 "LEFT JOIN password p ON p.user_id = a.user_id WHERE a.email = ?",
				 STORE_VALUES(STORE_TEXT(email)), &rows, err);
	if (r != OK)
		return r;
	int64_t user = 0;
	struct str hash = STR_NONE;
	if (store_next(rows)) {
		user = store_int(rows, 0);
		hash = arena_str(arena, store_text(rows, 1));
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_user = user;
	*ret_hash = hash;
	return OK;
}

enum err guard_store_password(struct store_conn *conn, struct arena *arena, int64_t user,
			      struct str *ret_hash, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT hash FROM password WHERE user_id = ?",
				 STORE_VALUES(STORE_INT(user)), &rows, err);
	if (r != OK)
		return r;
	struct str hash = STR_NONE;
	if (store_next(rows))
		hash = arena_str(arena, store_text(rows, 0));
	r = store_done(&rows, err);
	if (r == OK)
		*ret_hash = hash;
	return r;
}

enum err guard_store_password_put(struct store_conn *conn, int64_t user, struct str hash,
				  struct error *err)
{
	return store_put(conn, &guard_password_table, 0, STORE_VALUES(STORE_INT(user), STORE_TEXT(hash)), err);
}

/* ---- links ---- */

enum err guard_store_link(struct store_conn *conn, const unsigned char *hash,
			  struct guard_link_row *ret_row, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT user_id, purpose, expires, used FROM link WHERE hash = ?",
				 STORE_VALUES(HASH(hash)), &rows, err);
	if (r != OK)
		return r;
	struct guard_link_row row = { 0 };
	bool found = store_next(rows);
	if (found) {
		memcpy(row.hash, hash, GUARD_HASH_BYTES);
		row.user = store_int(rows, 0);
		row.purpose = (enum guard_link_purpose)store_int(rows, 1);
		row.expires = store_int(rows, 2);
		row.used = store_int(rows, 3);
	}
	r = store_done(&rows, err);
	if (r == OK && !found)
		return guard_no_such(err, "link");
	if (r == OK)
		*ret_row = row;
	return r;
}

enum err guard_store_link_put(struct store_conn *conn, const struct guard_link_row *row,
			      struct error *err)
{
	return store_put(conn, &guard_link_table, 0,
			 STORE_VALUES(HASH(row->hash), STORE_INT(row->user), STORE_INT(row->purpose),
				      STORE_INT(row->expires), STORE_INT(row->used)),
			 err);
}

enum err guard_store_link_use(struct store_conn *conn, const unsigned char *hash, time_us at,
			      struct error *err)
{
	return store_exec(conn, "UPDATE link SET used = ? WHERE hash = ?",
			  STORE_VALUES(STORE_INT(at), HASH(hash)), err);
}

/* What was used is kept for a while, so that pressing a link twice is told apart from a wrong one. */
enum err guard_store_links_end(struct store_conn *conn, int64_t user, time_us now, struct error *err)
{
	return store_exec(conn,
			  "DELETE FROM link WHERE (user_id = ? AND used = 0) OR expires < ?",
			  STORE_VALUES(STORE_INT(user), STORE_INT(now - 30 * TIME_DAY)), err);
}

/* ---- sessions ---- */

enum err guard_store_session(struct store_conn *conn, const unsigned char *hash,
			     struct guard_session_row *ret_row, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT user_id, by_link, created, last_seen FROM session WHERE hash = ?",
				 STORE_VALUES(HASH(hash)), &rows, err);
	if (r != OK)
		return r;
	struct guard_session_row row = { 0 };
	bool found = store_next(rows);
	if (found) {
		memcpy(row.hash, hash, GUARD_HASH_BYTES);
		row.user = store_int(rows, 0);
		row.by_link = store_int(rows, 1) != 0;
		row.created = store_int(rows, 2);
		row.last_seen = store_int(rows, 3);
	}
	r = store_done(&rows, err);
	if (r == OK && !found)
		return guard_no_such(err, "session");
	if (r == OK)
		*ret_row = row;
	return r;
}

enum err guard_store_session_put(struct store_conn *conn, const struct guard_session_row *row,
				 struct error *err)
{
	return store_put(conn, &guard_session_table, 0,
			 STORE_VALUES(HASH(row->hash), STORE_INT(row->user), STORE_INT(row->by_link),
				      STORE_INT(row->created), STORE_INT(row->last_seen),
				      STORE_TEXT(row->address)),
			 err);
}

enum err guard_store_session_end(struct store_conn *conn, const unsigned char *hash, struct error *err)
{
	return store_exec(conn, "DELETE FROM session WHERE hash = ?", STORE_VALUES(HASH(hash)), err);
}

enum err guard_store_sessions_end(struct store_conn *conn, int64_t user, const unsigned char *but,
				  struct error *err)
{
	static const unsigned char nobodys[GUARD_HASH_BYTES];
	return store_exec(conn, "DELETE FROM session WHERE user_id = ? AND hash <> ?",
			  STORE_VALUES(STORE_INT(user), HASH(but != NULL ? but : nobodys)), err);
}

enum err guard_store_sessions_trim(struct store_conn *conn, int64_t user, time_us now,
				   struct error *err)
{
	enum err r = store_exec(conn, "DELETE FROM session WHERE created <= ? OR last_seen <= ?",
				STORE_VALUES(STORE_INT(now - GUARD_SESSION_LIFE),
					     STORE_INT(now - GUARD_SESSION_IDLE)),
				err);
	if (r != OK)
		return r;
	return store_exec(conn,
			  "DELETE FROM session WHERE user_id = ? AND hash NOT IN (SELECT hash FROM session "
			  "WHERE user_id = ? ORDER BY last_seen DESC, hash LIMIT ?)",
			  STORE_VALUES(STORE_INT(user), STORE_INT(user), STORE_INT(GUARD_SESSIONS_MAX - 1)),
			  err);
}

enum err guard_store_session_settled(struct store_conn *conn, const unsigned char *hash,
				     struct error *err)
{
	return store_exec(conn, "UPDATE session SET by_link = 0 WHERE hash = ?",
			  STORE_VALUES(HASH(hash)), err);
}

enum err guard_store_session_touch(struct store_conn *conn, const unsigned char *hash, time_us now,
				   struct error *err)
{
	return store_exec(conn, "UPDATE session SET last_seen = ? WHERE hash = ? AND last_seen < ?",
			  STORE_VALUES(STORE_INT(now), HASH(hash), STORE_INT(now)), err);
}
