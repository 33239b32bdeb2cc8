/* monitor_beat_store.c: addresses of heartbeats (vault) and their last calls (work). */
#include "monitor/monitor_beat.h"

const struct store_table monitor_address_table = {
	.name = "check_address",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "hash {bytes} NOT NULL", "made {int} NOT NULL" },
	.indexes = { "hash" },
};

const struct store_table monitor_beat_table = {
	.name = "check_beat",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "at {int} NOT NULL", "ok_at {int} NOT NULL",
		     "started_at {int} NOT NULL", "took {int} NOT NULL", "failed {int} NOT NULL",
		     "exit_code {int} NOT NULL", "said {text} NOT NULL" },
};

#define HASH(bytes) STORE_BYTES(((struct str){ (const char *)(bytes), GUARD_HASH_BYTES }))

enum err monitor_address_put(struct store_conn *conn, struct str check, const unsigned char *hash,
			     time_us made, struct error *err)
{
	return store_put(conn, &monitor_address_table, 0,
			 STORE_VALUES(STORE_TEXT(check), HASH(hash), STORE_INT(made)), err);
}

enum err monitor_beat_put(struct store_conn *conn, struct str check, const struct monitor_beat *beat,
			  struct error *err)
{
	return store_put(conn, &monitor_beat_table, 0,
			 STORE_VALUES(STORE_TEXT(check), STORE_INT(beat->at), STORE_INT(beat->ok_at),
				      STORE_INT(beat->started_at), STORE_INT(beat->took),
				      STORE_INT(beat->failed), STORE_INT(beat->exit_code),
				      STORE_TEXT(beat->said)),
			 err);
}

enum err monitor_beat_forget(struct store_conn *conn, struct str check, struct error *err)
{
	enum err r = store_remove(conn, &monitor_address_table, 0, STORE_VALUES(STORE_TEXT(check)), err);
	if (r == OK || r == ERR_NOT_FOUND)
		r = store_remove(conn, &monitor_beat_table, 0, STORE_VALUES(STORE_TEXT(check)), err);
	return r == ERR_NOT_FOUND ? OK : r;
}

enum err monitor_beat_whose(struct store_conn *conn, struct str secret, struct arena *arena,
			    struct str *ret_check, struct error *err)
{
	unsigned char hash[GUARD_HASH_BYTES];
	struct store_rows *rows;
	struct str check = STR_NONE;
	if (!guard_beat_hash(secret, hash))
		return error_set(err, ERR_NOT_FOUND, "this is no address of a heartbeat");
	enum err r = store_query(conn, "SELECT name FROM check_address WHERE hash = ? ORDER BY name",
				 STORE_VALUES(HASH(hash)), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows))
		check = arena_str(arena, store_text(rows, 0));
	r = store_done(&rows, err);
	if (r == OK && check.len == 0)
		r = error_set(err, ERR_NOT_FOUND, "this address of a heartbeat is not known here");
	if (r == OK)
		*ret_check = check;
	return r;
}

enum err monitor_address_made(struct store_conn *conn, struct str check, time_us *ret_made,
			      struct error *err)
{
	return store_one_int(conn, "SELECT made FROM check_address WHERE name = ?",
			     STORE_VALUES(STORE_TEXT(check)), TIME_NONE, ret_made, err);
}

enum err monitor_beat_get(struct store_conn *conn, struct str check, struct arena *arena,
			  struct monitor_beat *ret_beat, struct error *err)
{
	struct store_rows *rows;
	struct monitor_beat beat = { .at = TIME_NONE, .exit_code = -1 };
	enum err r = store_query(conn,
				 "SELECT at, ok_at, started_at, took, failed, exit_code, said FROM check_beat "
				 "WHERE name = ?",
				 STORE_VALUES(STORE_TEXT(check)), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows))
		beat = (struct monitor_beat){
			.at = store_int(rows, 0), .ok_at = store_int(rows, 1),
			.started_at = store_int(rows, 2), .took = store_int(rows, 3),
			.failed = store_int(rows, 4) != 0, .exit_code = store_int(rows, 5),
			.said = arena_str(arena, store_text(rows, 6)),
		};
	r = store_done(&rows, err);
	if (r == OK)
		*ret_beat = beat;
	return r;
}
