/* copies_store.c: see copies.h. Of backups only the last is kept as a row; all of them are events. */
#include "journal/copies.h"

#include "journal/journal_priv.h"

#define THE_LAST 1

const struct store_table journal_backup_table = {
	.name = "backup_made",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "which {id} NOT NULL", "made {int} NOT NULL", "events {int} NOT NULL",
		     "size {int} NOT NULL", "secrets {int} NOT NULL", "name {text} NOT NULL" },
};

enum err journal_backup_last(struct store_conn *conn, struct arena *arena, bool *ret_found,
			     struct journal_backup *ret_backup, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT made, events, size, secrets, name FROM backup_made "
				       "WHERE which = ?",
				 STORE_VALUES(STORE_INT(THE_LAST)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct journal_backup backup = { 0 };
	if (found)
		backup = (struct journal_backup){
			.made = store_int(rows, 0),
			.events = store_int(rows, 1),
			.bytes = store_int(rows, 2),
			.secrets = store_int(rows, 3) != 0,
			.name = arena_str(arena, store_text(rows, 4)),
		};
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_found = found;
	if (found)
		*ret_backup = backup;
	return OK;
}

enum err journal_backup_made_decide(struct decision *d, const void *args, struct error *err)
{
	const struct journal_backup *backup = args;
	struct journal_backup last;
	bool found;
	enum err r = journal_backup_last(d->conn, d->arena, &found, &last, err);
	if (r != OK)
		return r;
	if (found && last.made >= backup->made)
		return error_set(err, ERR_CONFLICT, "this backup, or a newer one, is recorded already");
	struct event_backup_made event = {
		.made = backup->made,
		.events = backup->events,
		.bytes = backup->bytes,
		.secrets = backup->secrets,
		.name = backup->name,
	};
	decision_emit(d, EVENT_BACKUP_MADE, 0, &event);
	return OK;
}

enum err journal_apply_backup_made(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_backup_made *e = event->payload;
	return store_put(a->conn, &journal_backup_table, event->seq,
			 STORE_VALUES(STORE_INT(THE_LAST), STORE_INT(e->made), STORE_INT(e->events),
				      STORE_INT(e->bytes), STORE_INT(e->secrets), STORE_TEXT(e->name)),
			 err);
}

enum err journal_restored_decide(struct decision *d, const void *args, struct error *err)
{
	const struct journal_restored *restored = args;
	(void)err;
	struct event_journal_restored event = {
		.made = restored->made,
		.events = restored->events,
		.root = restored->root,
		.from = restored->from,
		.origin = restored->origin,
		.key = restored->key,
		.voucher = restored->voucher,
	};
	decision_emit(d, EVENT_JOURNAL_RESTORED, 0, &event);
	return OK;
}
