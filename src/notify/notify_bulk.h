/*
 * notify_bulk.h: the slow lane: mails and webhooks to people outside, who can wait.
 *
 *     decision or follower --notify_bulk_put--> waiting --its time, no page waits--> sending --> sent: gone
 *                                                  ^                                   |
 *                                                  +--- 1 m 5 m 15 m 30 m 1 h 2 h 4 h -+--> refused: gone,
 *                                                                                           mail.refused
 *
 * A page is never delayed by it: it has its own few connections (BULK_SENDING_MAX), begins nothing while a page
 * waits for its turn, and sends at most one each BULK_EVERY. Without a mail relay, mails wait.
 *
 * A row has a name (purpose, seq, party): putting it again replaces it, so an event that is followed twice is told
 * once. The address stands here only until the message is gone. Texts may hold NOTIFY_BASE, which becomes the
 * public URL when the message leaves: followers do not know it, and it may change.
 *
 * Work tables: not part of a rebuild. Sending: the sender's loop. The rest: the world's thread.
 */
#pragma once

#include "journal/world.h"

#define NOTIFY_BASE "{{base}}"
#define BULK_SENDING_MAX 4u
#define BULK_EVERY (100 * TIME_MS)
#define BULK_ATTEMPTS_MAX 8
#define BULK_WAITING_MAX 200000u /* rows; more are not queued, and counted as failed */
#define BULK_TITLE_BYTES_MAX 300u
#define BULK_BODY_BYTES_MAX 48000u

struct notify_bulk {
	struct str purpose; /* [a-z_]: "report_fixed" */
	int64_t seq;        /* of the event that is told; 0: of none */
	int64_t party;      /* who, in the words of the purpose's room */
	struct str channel; /* email or webhook */
	struct str address, secret;
	struct str title, text, html; /* text: JSON for a webhook */
	struct str unsubscribe;       /* URL; empty: nothing to unsubscribe from */
	time_us due;
	int attempts;
};

/* work_fn; also called by followers. */
enum err notify_bulk_put(struct store_conn *conn, const void *notify_bulk, struct error *err);

/* What has not left yet: of that purpose; seq and party 0: of any. work_fn: args struct notify_bulk. */
enum err notify_bulk_drop(struct store_conn *conn, const void *notify_bulk, struct error *err);

/* How many were written for an event, by what became of them. */
struct notify_bulk_count {
	int64_t waiting, sent, failed;
};
enum err notify_bulk_count(struct store_conn *conn, struct str purpose, int64_t seq,
			   struct notify_bulk_count *ret_count, struct error *err);
/* Whether this one has not left yet. */
enum err notify_bulk_waits(struct store_conn *conn, struct str purpose, int64_t seq, int64_t party, bool *ret_waits,
			   struct error *err);
enum err notify_bulk_waiting(struct store_conn *conn, int64_t *ret_count, struct error *err);

/* One try has ended. A mail that the other side refused for good is event mail.refused. */
struct notify_bulk_end {
	struct str purpose, state, detail; /* state: sent, retry or failed */
	int64_t seq, party;
	bool refused; /* failed, and by what was said to the address */
	time_us retry_at;
};
decide_fn notify_bulk_end_decide;
