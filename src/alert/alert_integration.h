/*
 * alert_integration.h: keys by which other programs tell of events of one service (PagerDuty's Events API v2).
 *
 *     made --> taken <--> rotated (another key, the old one is refused at once)
 *                |
 *                +--> revoked (for good; what it brought stays)
 *
 * A key is 32 hexadecimal digits, shown once; its SHA-256 stands in the vault. What came in last, and what was
 * refused, is work: known of now only.
 *
 * An acknowledgement needs a person who answers for it: that is who made the key.
 *
 * Decides on the world's thread; reading on any connection.
 */
#pragma once

#include "alert/alert_book.h"
#include "alert/alert_event.h"
#include "guard/guard.h"

#define ALERT_INTEGRATION_NAME_BYTES_MAX 100u
#define ALERT_INTEGRATIONS_MAX 1000u
#define ALERT_REFUSED_BYTES_MAX 300u

extern const struct store_table alert_integration_table, alert_integration_key_table, alert_integration_seen_table;

struct alert_integration {
	int64_t id, user; /* who made it */
	struct str name, service;
	time_us made;
	time_us revoked;     /* TIME_NONE: not */
	time_us heard;       /* the last event that was taken; TIME_NONE: none */
	int64_t events;      /* how many */
	time_us refused;     /* the last one that was not; TIME_NONE: none */
	struct str why;      /* it was refused */
};

struct alert_integration_make {
	struct str name, service;
	int64_t *ret_integration;
	char *ret_key; /* GUARD_ROUTING_BYTES */
};
decide_fn alert_integration_make_decide; /* ERR_INVALID; ERR_NOT_FOUND: no such service */

struct alert_integration_rotate {
	int64_t integration;
	char *ret_key;
};
decide_fn alert_integration_rotate_decide; /* ERR_NOT_FOUND, also for one that was revoked */

struct alert_integration_revoke {
	int64_t integration;
};
decide_fn alert_integration_revoke_decide;
now_fn alert_on_integration_revoked; /* what its events fired ends with it */

/* One event that was read, for one integration: fires, renews or ends its alert, and notes that it came. An
 * acknowledgement is noted only; ret_alert says which alert it is about. */
struct alert_event_take {
	const struct alert_event *event;
	int64_t integration;
	struct alert_instant at;
	int64_t *ret_alert; /* alive now; 0: none; may be NULL */
};
decide_fn alert_event_decide;
/* The alert of this key, while it fires. */
bool alert_event_alive(struct decision *d, int64_t integration, struct str dedup_key, int64_t *ret_alert);

/* Notes that something was refused. Writes no event. */
struct alert_integration_refuse {
	int64_t integration;
	struct str why;
};
decide_fn alert_integration_refuse_decide;

apply_fn alert_apply_integration_made, alert_apply_integration_revoked;

/* By id, those that are not revoked, after an id; at most `limit`. */
enum err alert_integrations(struct store_conn *conn, struct arena *arena, int64_t after, unsigned limit,
			    struct alert_integration **ret_rows, size_t *ret_count, struct error *err);
enum err alert_integration_get(struct store_conn *conn, int64_t id, struct arena *arena,
			       struct alert_integration *ret_integration, struct error *err);
/* Whose key this is, if it is taken. ERR_NOT_FOUND. */
enum err alert_integration_whose(struct store_conn *conn, struct str key, int64_t *ret_integration, struct error *err);

/* ---- alert_integration_store.c, for alert_integration.c ---- */

enum err alert_integration_key_put(struct store_conn *conn, int64_t id, const unsigned char *hash, struct error *err);
enum err alert_integration_key_remove(struct store_conn *conn, int64_t id, struct error *err);
enum err alert_integration_count(struct store_conn *conn, int64_t *ret_count, struct error *err);
enum err alert_integration_seen_put(struct store_conn *conn, const struct alert_integration *seen, struct error *err);
