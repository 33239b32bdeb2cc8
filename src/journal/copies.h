/*
 * copies.h: what the record knows of its copies: when a backup was made, what it was restored from.
 *
 * Decide and apply run on the world's thread; reading on any connection.
 */
#pragma once

#include "journal/world.h"

struct journal_backup {
	time_us made; /* the moment it holds */
	int64_t events, bytes;
	bool secrets;
	struct str name;
};

/* ERR_CONFLICT: this backup, or a newer one, is recorded already. args: struct journal_backup */
decide_fn journal_backup_made_decide;
apply_fn journal_apply_backup_made;

/* ret_found false: none was ever recorded. */
enum err journal_backup_last(struct store_conn *conn, struct arena *arena, bool *ret_found,
			     struct journal_backup *ret_backup, struct error *err);

struct journal_restored {
	time_us made;
	int64_t events;
	struct str root, from, origin, key, voucher;
};
decide_fn journal_restored_decide;
