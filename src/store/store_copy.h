/*
 * store_copy.h: the rows of declared tables, read from one store and written to another.
 *
 * The engines may differ: a value travels as what its column is declared to be. Reading is inside the
 * caller's store_read_begin, so that many tables are one moment, and page by page by key, so that a
 * large one needs no memory; writing is inside the caller's transaction.
 *
 * Backup (main/backup.h) is made of this and not of SQLite's VACUUM INTO or its backup calls: those
 * copy secrets and sessions together with everything else, cannot read PostgreSQL, and the latter
 * begin anew with each commit of the writer. So is main/migrate.h, which copies all.
 */
#pragma once

#include "store/store_table.h"

#define STORE_COPY_COLUMNS_MAX (STORE_COLUMNS_MAX + 2) /* a versioned table adds from_seq, its history to_seq */

/* ---- one table; `history`: the rows of `<name>_h`, for a versioned one ---- */

/* One row, in the order of the columns; borrowed for the call. Another result than OK ends the walk. */
typedef enum err store_row_fn(void *context, const struct store_value *values, size_t count,
			      struct error *err);

/* Every row by its key. */
enum err store_copy_read(struct store_conn *from, const struct store_table *table, bool history,
			 store_row_fn *row, void *context, struct error *err);

/* ERR_INVALID: not the declared number or types of values. */
enum err store_copy_write(struct store_conn *to, const struct store_table *table, bool history,
			  const struct store_value *values, size_t count, struct error *err);

/* How many rows there are now. */
enum err store_copy_count(struct store_conn *conn, const struct store_table *table, bool history,
			  int64_t *ret_count, struct error *err);

/* ---- all tables of a declaration, their histories with them ---- */

/* Whether these tables stand there just as they are declared; nothing is made or changed. */
enum err store_tables_same(struct store_conn *conn, const struct store_table *const *tables,
			   bool *ret_same, struct error *err);

/* Whether none of them has a row. They must be there. */
enum err store_tables_empty(struct store_conn *conn, const struct store_table *const *tables,
			    bool *ret_empty, struct error *err);

typedef void store_copy_fn(void *context, const char *table, int64_t rows);

/* Ends with an error when the two do not count the same rows. `progress` now and then; may be NULL. */
enum err store_tables_copy(struct store_conn *from, struct store_conn *to,
			   const struct store_table *const *tables, store_copy_fn *progress,
			   void *context, int64_t *ret_rows, struct error *err);
