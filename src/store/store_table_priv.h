/* store_table_priv.h: what declarations say, for store_table.c and store_copy.c. */
#pragma once

#include "store/store_table.h"

struct str store_column_name(const struct store_table *table, unsigned index);

/* Whether the table stands there as it is declared. */
enum err store_table_is_made(struct store_conn *conn, const struct store_table *table, bool *ret_made,
			     struct error *err);
