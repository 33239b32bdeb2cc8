/* notify_priv.h: what the files of this room share. SQL stands in notify_store.c alone. */
#pragma once

#include "notify/notify.h"

#define OUTBOX_CANCEL_MAX 1000u

struct outbox_delay {
	int64_t page;
	time_us due;
	int attempts;
};

/* Work of decisions: rows of the outbox. */
enum err outbox_put(struct store_conn *conn, const void *notify_page, struct error *err);
enum err outbox_remove(struct store_conn *conn, const void *page_id, struct error *err);
enum err outbox_delay(struct store_conn *conn, const void *outbox_delay, struct error *err);

enum err outbox_attempts(struct store_conn *conn, int64_t page, bool *ret_found, int *ret_attempts,
			 struct error *err);
enum err outbox_of_incident(struct store_conn *conn, int64_t incident, struct arena *arena,
			    int64_t **ret_pages, size_t *ret_count, struct error *err);
