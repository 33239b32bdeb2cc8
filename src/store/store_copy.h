/*
 * store_copy.h: everything from one store into another, whatever their engines.
 *
 * All tables of a declaration, history with them, in one transaction of the target: all or nothing.
 * The source is read as of one moment, and page by page, so a large one needs no memory.
 */
#pragma once

#include "store/store_table.h"

/* Whether these tables stand there just as they are declared; nothing is made or changed. */
enum err store_tables_same(struct store_conn *conn, const struct store_table *const *tables,
			   bool *ret_same, struct error *err);

/* Whether none of them has a row. They must be there. */
enum err store_tables_empty(struct store_conn *conn, const struct store_table *const *tables,
			    bool *ret_empty, struct error *err);

typedef void store_copy_fn(void *context, const char *table, int64_t rows);

/* Within the caller's transactions, reading of `from` and writing of `to`. Ends with an error when the
 * two do not count the same rows. `progress` after each page; may be NULL. */
enum err store_tables_copy(struct store_conn *from, struct store_conn *to,
			   const struct store_table *const *tables, store_copy_fn *progress,
			   void *context, int64_t *ret_rows, struct error *err);
