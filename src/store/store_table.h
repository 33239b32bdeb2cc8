/*
 * store_table.h: tables as declarations, and the one way to change a versioned row.
 *
 * A room declares its tables; the DDL of every back end, the history table and the rebuild come
 * from the declaration. Three classes (ARCHITECTURE, "The journal"):
 *
 *   projection  remade from the journal; when its declaration changes it is dropped and remade
 *   vault       secrets: never in an event, a log, an export; survives a rebuild
 *   work        queues, cursors, sessions: survives a rebuild, may be lost without lying
 *
 * To add a table: one declaration in <room>_store.c, one row in src/main/wiring.c.
 */
#pragma once

#include "store/store.h"

enum store_class { STORE_PROJECTION, STORE_VAULT, STORE_WORK };

enum store_history {
	STORE_VERSIONED, /* a row has from_seq; `<name>_h` keeps what it was before, with from_seq and to_seq */
	STORE_EPISODE,   /* the row itself holds the seq of each transition */
	STORE_NOW,       /* only the present can be asked */
};

/* What a backup does with a table. By its class: secrets of the vault leave only sealed. */
enum store_backup {
	STORE_BACKUP_BY_CLASS,
	STORE_BACKUP_NEVER, /* what must not come alive again: sessions, one-time links, the outbox */
};

#define STORE_COLUMNS_MAX 40
#define STORE_INDEXES_MAX 6

struct store_table {
	const char *name;
	enum store_class class;
	enum store_history history;
	enum store_backup backup;
	unsigned keys;                          /* the first n columns are the primary key */
	const char *columns[STORE_COLUMNS_MAX]; /* "name {text} NOT NULL" */
	const char *indexes[STORE_INDEXES_MAX]; /* "state, priority"; "name, id WHERE name <> ''": of those rows only,
	                                         * for queries that say so */
};

/* Creates what is missing, in a transaction of its own. ret_remake: a projection was made or
 * remade, so the journal must be applied again from the first event. */
enum err store_tables_create(struct store_conn *conn, const struct store_table *const *tables,
			     bool *ret_remake, struct error *err);

/* Empties every projection (within the caller's transaction). */
enum err store_tables_clear(struct store_conn *conn, const struct store_table *const *tables,
			    struct error *err);

/* Writes one whole row: values in the order of the columns, all of them. `seq` is the event that
 * makes it so; history is kept where the table is versioned. */
enum err store_put(struct store_conn *conn, const struct store_table *table, int64_t seq,
		   const struct store_value *values, size_t count, struct error *err);

/* Changes some columns of the row with this key: assignments like "state = ?, ended_at = ?".
 * ERR_NOT_FOUND when there is none. The key's values come last. */
enum err store_set(struct store_conn *conn, const struct store_table *table, int64_t seq,
		   const char *assignments, const struct store_value *values, size_t count,
		   struct error *err);

enum err store_remove(struct store_conn *conn, const struct store_table *table, int64_t seq,
		      const struct store_value *keys, size_t count, struct error *err);
