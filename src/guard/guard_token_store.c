/* guard_token_store.c: tokens (projection), their secrets (vault), their last use (work). */
#include <assert.h>

#include "guard/guard_store.h"

const struct store_table guard_token_table = {
	.name = "token",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "token_id {id} NOT NULL", "user_id {id} NOT NULL", "name {text} NOT NULL",
		     "scope {text} NOT NULL", "created {int} NOT NULL", "expires {int} NOT NULL",
		     "revoked {int} NOT NULL" },
	.indexes = { "user_id, token_id" },
};

const struct store_table guard_token_secret_table = {
	.name = "token_secret",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "hash {bytes} NOT NULL", "token_id {id} NOT NULL" },
};

const struct store_table guard_token_use_table = {
	.name = "token_use",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "token_id {id} NOT NULL", "last_used {int} NOT NULL" },
};

#define TOKEN_COLUMNS "t.token_id, t.user_id, t.name, t.scope, t.created, t.expires, t.revoked, u.last_used "
#define TOKEN_USE "LEFT JOIN token_use u ON u.token_id = t.token_id "
/* Who may come in is asked of today, whatever time the connection is asked about. */
#define TOKEN_TODAY TOKEN_COLUMNS "FROM token t " TOKEN_USE

/* arena NULL: without the name. */
static void token_read(struct store_rows *rows, struct arena *arena, struct guard_token *token)
{
	*token = (struct guard_token){
		.id = store_int(rows, 0),
		.user = store_int(rows, 1),
		.name = arena != NULL ? arena_str(arena, store_text(rows, 2)) : STR_NONE,
		.scope = SCOPE_NONE,
		.created = store_int(rows, 4),
		.expires = store_int(rows, 5),
		.revoked = store_int(rows, 6) != 0,
		.last_used = store_int(rows, 7),
	};
	guard_scope_parse(store_text(rows, 3), &token->scope);
}

static enum err token_one(struct store_conn *conn, const char *sql, struct store_value key,
			  struct guard_token *ret_token, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, sql, &key, 1, &rows, err);
	if (r != OK)
		return r;
	struct guard_token token;
	bool found = store_next(rows);
	if (found)
		token_read(rows, NULL, &token);
	r = store_done(&rows, err);
	if (r == OK && !found)
		return guard_no_such(err, "token");
	if (r == OK)
		*ret_token = token;
	return r;
}

enum err guard_store_token_by_hash(struct store_conn *conn, const unsigned char *hash,
				   struct guard_token *ret_token, struct error *err)
{
	return token_one(conn,
			 "SELECT " TOKEN_TODAY
			 "JOIN token_secret k ON k.token_id = t.token_id WHERE k.hash = ?",
			 HASH(hash), ret_token, err);
}

enum err guard_store_token(struct store_conn *conn, int64_t id, struct guard_token *ret_token,
			   struct error *err)
{
	return token_one(conn, "SELECT " TOKEN_TODAY "WHERE t.token_id = ?", STORE_INT(id), ret_token,
			 err);
}

enum err guard_store_token_count(struct store_conn *conn, int64_t user, time_us now,
				 int64_t *ret_count, struct error *err)
{
	return store_one_int(conn,
			     "SELECT count(*) FROM token WHERE user_id = ? AND revoked = 0 AND expires > ?",
			     STORE_VALUES(STORE_INT(user), STORE_INT(now)), 0, ret_count, err);
}

enum err guard_tokens(struct store_conn *conn, struct arena *arena, int64_t user, int64_t before_id,
		      unsigned limit, struct guard_token **ret_tokens, size_t *ret_count,
		      struct error *err)
{
	assert(limit >= 1);
	assert(limit <= 1000);
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " TOKEN_COLUMNS "FROM {token} t " TOKEN_USE
				 "WHERE (t.user_id = ? OR ? = 0) AND t.token_id < ? "
				 "ORDER BY t.token_id DESC LIMIT ?",
				 STORE_VALUES(STORE_INT(user), STORE_INT(user),
					      STORE_INT(before_id > 0 ? before_id : INT64_MAX),
					      STORE_INT(limit)),
				 &rows, err);
	if (r != OK)
		return r;
	struct guard_token *tokens = arena_array(arena, struct guard_token, limit);
	size_t count = 0;
	while (count < limit && store_next(rows))
		token_read(rows, arena, &tokens[count++]);
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_tokens = tokens;
	*ret_count = count;
	return OK;
}

enum err guard_store_token_put(struct store_conn *conn, const struct guard_token *token,
			       int64_t seq, struct error *err)
{
	const char *scope = guard_scope_name(token->scope);
	return store_put(conn, &guard_token_table, seq,
			 STORE_VALUES(STORE_INT(token->id), STORE_INT(token->user), STORE_TEXT(token->name),
				      STORE_TEXT(str_of(scope)), STORE_INT(token->created),
				      STORE_INT(token->expires), STORE_INT(token->revoked)),
			 err);
}

enum err guard_store_token_revoke(struct store_conn *conn, int64_t id, int64_t seq, struct error *err)
{
	enum err r = store_set(conn, &guard_token_table, seq, "revoked = ?",
			       STORE_VALUES(STORE_INT(1), STORE_INT(id)), err);
	return r == ERR_NOT_FOUND ? OK : r; /* its making was lawfully erased */
}

enum err guard_store_token_secret_put(struct store_conn *conn, const unsigned char *hash,
				      int64_t token, struct error *err)
{
	return store_put(conn, &guard_token_secret_table, 0, STORE_VALUES(HASH(hash), STORE_INT(token)), err);
}

enum err guard_store_token_touch(struct store_conn *conn, int64_t token, time_us now,
				 struct error *err)
{
	return store_put(conn, &guard_token_use_table, 0, STORE_VALUES(STORE_INT(token), STORE_INT(now)), err);
}

enum err guard_store_token_last_used(struct store_conn *conn, int64_t token, time_us *ret_at,
				     struct error *err)
{
	return store_one_int(conn, "SELECT last_used FROM token_use WHERE token_id = ?",
			     STORE_VALUES(STORE_INT(token)), TIME_NONE, ret_at, err);
}
