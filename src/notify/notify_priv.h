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

enum err outbox_shift(struct store_conn *conn, const void *outbox_shift, struct error *err);

struct outbox_shift {
	time_us after, by; /* what is due later than `after` */
};

enum err outbox_attempts(struct store_conn *conn, int64_t page, bool *ret_found, int *ret_attempts,
			 struct error *err);
enum err outbox_of_incident(struct store_conn *conn, int64_t incident, struct arena *arena,
			    int64_t **ret_pages, size_t *ret_count, struct error *err);

/* What the sender needs to know of a row before it is that row's turn. */
struct outbox_due {
	int64_t page, incident, user, contact;
	struct str channel; /* lent for the call */
	bool high;
	bool first; /* the first page of its incident by this contact, or a test page */
};
typedef void outbox_each_due_fn(void *context, const struct outbox_due *due);
/* What may leave now, high urgency first, then oldest; and when the next one may (TIME_NONE: none). */
enum err outbox_due(struct store_conn *conn, time_us now, unsigned limit, outbox_each_due_fn *each,
		    void *context, time_us *ret_next, struct error *err);
/* The whole row, read when it is its turn: what was cancelled meanwhile is not found. */
enum err outbox_load(struct store_conn *conn, int64_t page, struct arena *arena, bool *ret_found,
		     struct notify_page *ret_page, struct error *err);

/* Pages that have not left, oldest first: their ids and incidents. */
enum err pages_queued(struct store_conn *conn, unsigned limit, struct arena *arena, int64_t **ret_pages,
		      int64_t **ret_incidents, size_t *ret_count, struct error *err);

struct page_state {
	int64_t incident, user;
	struct str channel, state;
	int attempts;
};
enum err page_state_get(struct store_conn *conn, int64_t page, struct arena *arena,
			struct page_state *ret_state, struct error *err);
/* Of the pages that were written to the same person about the same at the same time: how many
 * arrived or still may. */
enum err page_hopes(struct store_conn *conn, int64_t page, int64_t *ret_count, struct error *err);

/* The vault of settings; an empty value is none. */
struct setting_row {
	const char *key;
	struct str value;
};
enum err setting_put(struct store_conn *conn, const void *setting_row, struct error *err);
enum err setting_get(struct store_conn *conn, const char *key, struct arena *arena,
		     struct str *ret_value, struct error *err);
