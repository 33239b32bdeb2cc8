/* guard_vault_store.c: the table of named secrets. See guard_vault.h. */
#include <assert.h>

#include "guard/guard_store.h"
#include "guard/guard_vault.h"

const struct store_table guard_named_secret_table = {
	.name = GUARD_VAULT_TABLE,
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "sealed {bytes} NOT NULL", "about {text} NOT NULL",
		     "user_id {id}", "set_at {int} NOT NULL" },
};

enum err guard_store_secret_put(struct store_conn *conn, const struct guard_secret_row *row, struct error *err)
{
	const struct guard_named_secret *secret = &row->secret;
	return store_put(conn, &guard_named_secret_table, 0,
			 STORE_VALUES(STORE_TEXT(secret->name), STORE_BYTES(row->sealed), STORE_TEXT(secret->about),
				      STORE_ID(secret->user), STORE_INT(secret->set)),
			 err);
}

enum err guard_store_secret_remove(struct store_conn *conn, struct str name, struct error *err)
{
	return store_remove(conn, &guard_named_secret_table, 0, STORE_VALUES(STORE_TEXT(name)), err);
}

enum err guard_store_secret_sealed(struct store_conn *conn, struct str name, struct buf *out, struct error *err)
{
	struct store_rows *rows;
	bool found = false;
	enum err r = store_query(conn, "SELECT sealed FROM named_secret WHERE name = ?",
				 STORE_VALUES(STORE_TEXT(name)), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows)) {
		buf_add(out, store_text(rows, 0));
		found = true;
	}
	r = store_done(&rows, err);
	if (r == OK && !found) {
		r = error_set(err, ERR_NOT_FOUND, "there is no secret \"" STR_FMT "\"", STR_ARG(str_sub(name, 0, 63)));
		error_hint(err, "set it: mainstay secret set " STR_FMT, STR_ARG(str_sub(name, 0, 63)));
	}
	return r;
}

enum err guard_store_secret_count(struct store_conn *conn, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM named_secret", STORE_NO_VALUES, 0, ret_count, err);
}

bool guard_store_secret_is_there(struct store_conn *conn, struct str name)
{
	int64_t count = 0;
	store_one_int(conn, "SELECT count(*) FROM named_secret WHERE name = ?", STORE_VALUES(STORE_TEXT(name)), 0,
		      &count, NULL);
	return count > 0;
}

enum err guard_vault_list(struct store_conn *conn, struct arena *arena, struct str after, unsigned limit,
			  struct guard_named_secret **ret_secrets, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	size_t count = 0;
	assert(limit >= 1 && limit <= 1000);
	struct guard_named_secret *secrets = arena_array(arena, struct guard_named_secret, limit);
	enum err r = store_query(conn,
				 "SELECT name, about, user_id, set_at FROM named_secret WHERE name > ? "
				 "ORDER BY name LIMIT ?",
				 STORE_VALUES(STORE_TEXT(after), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	while (count < limit && store_next(rows))
		secrets[count++] = (struct guard_named_secret){
			arena_str(arena, store_text(rows, 0)), arena_str(arena, store_text(rows, 1)),
			store_int(rows, 2), store_int(rows, 3),
		};
	r = store_done(&rows, err);
	if (r == OK) {
		*ret_secrets = secrets;
		*ret_count = count;
	}
	return r;
}
