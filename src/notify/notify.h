/*
 * notify.h: messages that must arrive, and what became of each.
 *
 *     page.created --COMMIT--> queued --sender--> sending --> sent | delivered
 *                                ^                   |
 *                                +---- retry --------+--> failed     after the channel's tries
 *     queued --no longer needed--> cancelled --was on its way and arrived--> sent
 *
 * A page is written (who, by which contact, what) in the same transaction as what caused it; the
 * outbox row leaves only after COMMIT. So a page is sent at least once, and at most once more for
 * each crash. Messages arrive here already written: this room knows channels, not incidents.
 *
 * Decide and apply run on the world's thread; the sender (notify_sender.h) on its own loop.
 */
#pragma once

#include "journal/world.h"

#define NOTIFY_TITLE_BYTES_MAX 300u
#define NOTIFY_BODY_BYTES_MAX 8000u
#define NOTIFY_ATTEMPTS_MAX 8

extern const struct store_table *const notify_tables[];

struct notify_page {
	int64_t page;     /* 0 when it is to be written */
	int64_t incident; /* 0: a test page */
	int64_t user, contact;
	struct str channel; /* "browser", "ntfy", "email", "webhook", "command" */
	struct str address; /* where to; stands in no event */
	struct str secret;  /* for signing or signing in; stands in no event */
	struct str urgency; /* high or low */
	struct str title, body, reason;
	struct str link; /* with its token; events hold it without */
	time_us not_before; /* TIME_NONE: at once */
	time_us written;    /* set when it is read */
	int attempts;       /* so far */
	/* Of what leaves in the slow lane (notify_bulk.h); empty for a page. */
	struct str name; /* instead of "page-12" */
	struct str html, unsubscribe;
};

/* Emits page.created and queues the outbox row. Texts are cut to the limits above. */
void notify_page(struct decision *d, const struct notify_page *page, int64_t *ret_page);

/* Cancels what has not left yet for this incident, but for `reason` "resolved". */
enum err notify_cancel(struct decision *d, int64_t incident, const char *why, struct error *err);

/* One try has ended. */
struct notify_attempt {
	int64_t incident; /* the page's */
	int64_t page;
	struct str state;  /* sent, delivered, retry or failed */
	struct str detail; /* what the other side said */
	time_us took;
	time_us retry_at; /* of state retry */
};
enum err notify_attempt_decide(struct decision *d, const void *notify_attempt, struct error *err);

/* A browser tells what became of a page that was put on its stream. Only Mainstay may record it:
 * submit it as the system, after the person was known to be `user`. A repeat changes nothing.
 * ERR_NOT_FOUND when the page is not theirs; ERR_CONFLICT when it is over. */
struct notify_delivered {
	int64_t page, user;
	bool shown;        /* false: the browser refused */
	struct str detail; /* may be empty */
};
enum err notify_delivered_decide(struct decision *d, const void *notify_delivered,
				 struct error *err);

/* What had gone out while nothing could be stored: emits page.unrecorded. */
struct notify_unrecorded {
	struct str title;
	time_us at;
};
enum err notify_unrecorded_decide(struct decision *d, const void *notify_unrecorded,
				  struct error *err);

/* After a restore: what waited at the time of the backup may have been sent since, and is hours old.
 * It is cancelled, at most NOTIFY_RESTORED_MAX pages a command; `ret_count` is how many. Escalations go
 * on by themselves, so whatever is still open is paged anew. */
#define NOTIFY_RESTORED_MAX 1000u
struct notify_restored {
	struct str reason;
	size_t *ret_count;
};
enum err notify_restored_decide(struct decision *d, const void *notify_restored, struct error *err);

/* NOW row of clock.stepped: what waits for a span of time is moved with the wall, as timers are. */
now_fn notify_on_clock_stepped;

apply_fn notify_apply_created, notify_apply_attempted, notify_apply_cancelled;

/* ---- reading ---- */

struct notify_row {
	int64_t id, incident, user, contact;
	struct str channel, state, urgency, title, body, reason, detail;
	time_us created, ended; /* ended: TIME_NONE while it may still change */
	int attempts;
};
struct notify_filter {
	int64_t incident, user, contact; /* 0: any */
	struct str state;                /* words with commas, "sent,failed"; empty: any */
	struct str channel;              /* empty: any */
	int64_t before_id;
	unsigned limit;
};
typedef bool notify_each_fn(void *context, const struct notify_row *row);
enum err notify_list(struct store_conn *conn, const struct notify_filter *filter,
		     struct arena *arena, notify_each_fn *each, void *context, struct error *err);

struct notify_try {
	int attempt;
	struct str state, detail;
	time_us at, took;
};
typedef bool notify_each_try_fn(void *context, const struct notify_try *try);
enum err notify_tries(struct store_conn *conn, int64_t page, struct arena *arena,
		      notify_each_try_fn *each, void *context, struct error *err);
