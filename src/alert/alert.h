/*
 * alert.h: something is wrong, as a thing with a beginning and an end.
 *
 *                 check goes down / degraded                check is up again
 *       (none) ------------------------------> firing ---------------------------> resolved
 *                                               |  ^  severity changes, mute ends
 *                                               +--+
 *
 *   from -> to                 [function]
 *   none -> firing             [alert_from_check, alert_post_decide]
 *   firing -> firing           [alert_from_check, alert_after_mute]   severity, muted
 *   firing -> resolved         [alert_from_check, alert_after_pause, alert_post_decide,
 *                               alert_expire_decide]
 *
 * An alert is an episode: the same check failing again is a new alert. A mute never hides an alert:
 * it is recorded and counted, and only what pages people is held back until the mute ends.
 *
 * Runs on: decide and apply on the world's thread. Clock: passed in.
 */
#pragma once

#include "alert/alert_book.h"
#include "journal/world.h"

/* A forgotten mute is worse than a noisy alert, so none is endless. */
#define ALERT_MUTE_LEAST (15 * TIME_MINUTE)
#define ALERT_MUTE_MOST (7 * TIME_DAY)
#define ALERT_REASON_BYTES_MAX 500u

extern const struct store_table *const alert_tables[];

struct alert {
	int64_t id;
	struct str name, fingerprint; /* the fingerprint says which episodes are of one cause */
	struct str state;             /* firing or resolved */
	struct str severity;          /* critical or warning */
	struct str urgency;           /* high or low: what the check asks for */
	struct str check, service;
	struct str team;              /* of a signal that names one; else empty */
	struct str source;            /* "check", or which contract brought it: "alertmanager" */
	struct str summary;
	bool muted;
	time_us started, resolved; /* resolved: TIME_NONE while it fires */
	int64_t incident;          /* 0: none */

	/* Of signals only; the texts are written once, with what fired. */
	struct str labels, annotations; /* JSON maps of texts; empty: not at hand */
	struct str generator, runbook;  /* URLs; may be empty */
	struct alert_key key;
	uint64_t notes;
	time_us ends, lease; /* lease 0: nothing has to be told again */
};

/* ---- signals: what other programs tell of (alert_signal.h, alert_book.h) ---- */

#define ALERT_ROOM "alert" /* the world's room of that name is its alert_book */

struct alert_post {
	const struct alert_signal *signals;
	size_t count;
	struct alert_instant at;
	const char *source;
};
enum err alert_post_decide(struct decision *d, const void *alert_post, struct error *err);

struct alert_expiry {
	const struct alert_alive *alive;
	size_t count;
	struct alert_instant at;
};
enum err alert_expire_decide(struct decision *d, const void *alert_expiry, struct error *err);

/* Fills the book with what was alive when the server stopped. */
enum err alert_book_load(struct alert_book *book, struct store_conn *conn, struct alert_instant at,
			 struct error *err);

/* What a label `severity` means: critical or warning, and high or low. */
void alert_weigh(struct str label, struct str *ret_severity, struct str *ret_urgency);

/* NOW rows. */
enum err alert_from_check(struct decision *d, const struct event *event, struct error *err);
enum err alert_after_pause(struct decision *d, const struct event *event, struct error *err);
enum err alert_after_mute(struct decision *d, const struct event *event, struct error *err);

/* Applies. */
enum err alert_apply_batch(struct apply *a, const struct event *event, struct error *err);
enum err alert_apply_joined(struct apply *a, const struct event *event, struct error *err);
enum err alert_apply_joined_many(struct apply *a, const struct event *event, struct error *err);
enum err alert_apply_mute_started(struct apply *a, const struct event *event, struct error *err);
enum err alert_apply_mute_ended(struct apply *a, const struct event *event, struct error *err);

/* The transitions of an `alert.batch`, read back; texts in the arena, without labels and annotations. */
enum err alert_batch_items(const struct event *event, struct arena *arena,
			   struct alert **ret_alerts, size_t *ret_count, struct error *err);

/* ---- mutes ---- */

struct alert_mute {
	int64_t id;
	struct str kind, target; /* "check", "service" or "all" */
	struct str reason;
	int64_t by;
	time_us started, until;
	time_us ended; /* TIME_NONE: it holds */
};

struct alert_mute_start {
	struct str kind, target, reason;
	time_us duration;
	int64_t *ret_mute; /* set when decided */
};

enum err alert_mute_start_decide(struct decision *d, const void *mute_start, struct error *err);
enum err alert_mute_end_decide(struct decision *d, const void *mute_id, struct error *err);
enum err alert_mute_due(struct decision *d, const struct timer *timer, struct error *err);
#define ALERT_MUTE_TIMER "mute.end"

/* ---- reading ---- */

typedef bool alert_each_fn(void *context, const struct alert *alert);
struct alert_filter {
	struct str states;   /* words with commas, "firing,resolved"; empty: any */
	struct str check, service, source;
	int64_t incident;
	int64_t before_id;   /* newest first, ids below; 0: from the newest */
	unsigned limit;
};
enum err alert_list(struct store_conn *conn, const struct alert_filter *filter, struct arena *arena,
		    alert_each_fn *each, void *context, struct error *err);
enum err alert_get(struct store_conn *conn, int64_t id, struct arena *arena,
		   struct alert *ret_alert, struct error *err);
/* The labels and annotations of a signal; empty for other alerts. */
enum err alert_texts(struct store_conn *conn, int64_t id, struct arena *arena, struct str *ret_labels,
		     struct str *ret_annotations, struct error *err);

typedef bool alert_each_mute_fn(void *context, const struct alert_mute *mute);
/* `active`: only those that hold, the next to end first; else all, newest first. */
enum err alert_list_mutes(struct store_conn *conn, bool active, unsigned limit,
			  struct arena *arena, alert_each_mute_fn *each, void *context,
			  struct error *err);

/* Until when pages of this check are muted; TIME_NONE: they are not. */
enum err alert_muted_until(struct store_conn *conn, struct str check, struct str service,
			   time_us *ret_until, struct error *err);
