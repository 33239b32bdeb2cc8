/* notify_bulk_priv.h: the slow lane's rows. SQL stands in notify_bulk_store.c alone. */
#pragma once

#include "notify/notify_bulk.h"

extern const struct store_table notify_bulk_table, notify_bulk_count_table;

enum err bulk_get(struct store_conn *conn, struct str purpose, int64_t seq, int64_t party, struct arena *arena,
		  bool *ret_found, struct notify_bulk *ret_bulk, struct error *err);

/* Rows that may leave now, the longest due first; `mails` false: only what needs no relay. */
typedef bool bulk_each_fn(void *context, const struct notify_bulk *bulk);
enum err bulk_due(struct store_conn *conn, time_us now, bool mails, unsigned limit, struct arena *arena,
		  bulk_each_fn *each, void *context, struct error *err);

struct bulk_end {
	struct str purpose;
	int64_t seq, party;
	bool again, sent;
	time_us due;
};
enum err bulk_end_put(struct store_conn *conn, const void *bulk_end, struct error *err);
