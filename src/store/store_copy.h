/*
 * store_copy.h: the rows of a declared table, read from one store and written to another.
 *
 * The engines may differ: a value travels as what its column is declared to be. Reading is one
 * ordered walk inside the caller's store_read_begin, so that many tables are one moment; writing is
 * inside the caller's transaction. One row is in memory at a time.
 *
 * Backup (main/backup.h) is made of this and not of SQLite's VACUUM INTO or its backup calls: those
 * copy secrets and sessions together with everything else, cannot read PostgreSQL, and the latter
 * begin anew with each commit of the writer.
 */
#pragma once

#include "store/store_table.h"

#define STORE_COPY_COLUMNS_MAX (STORE_COLUMNS_MAX + 2) /* history adds from_seq and to_seq */

/* One row, in the order of the columns; borrowed for the call. Another result than OK ends the walk. */
typedef enum err store_row_fn(void *context, const struct store_value *values, size_t count,
			      struct error *err);

/* Every row by its key; `history`: those of `<name>_h`, for a versioned table. */
enum err store_copy_read(struct store_conn *from, const struct store_table *table, bool history,
			 store_row_fn *row, void *context, struct error *err);

/* ERR_INVALID: not the declared number or types of values. */
enum err store_copy_write(struct store_conn *to, const struct store_table *table, bool history,
			  const struct store_value *values, size_t count, struct error *err);

/* How many rows there are now. */
enum err store_copy_count(struct store_conn *conn, const struct store_table *table, int64_t *ret_count,
			  struct error *err);
