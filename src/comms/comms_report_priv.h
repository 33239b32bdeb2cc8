/* comms_report_priv.h: what the files about reports share. SQL stands in comms_report_store.c alone. */
#pragma once

#include "comms/comms_report.h"

/* The vault's row. */
struct report_private {
	int64_t report;
	struct str text, email, secret;
};
enum err report_private_put(struct store_conn *conn, const void *report_private, struct error *err);
enum err report_private_get(struct store_conn *conn, int64_t report, struct arena *arena, bool *ret_found,
			    struct report_private *ret_private, struct error *err);
enum err report_private_erase(struct store_conn *conn, const void *id, struct error *err);
enum err report_private_forget(struct store_conn *conn, const void *id, struct error *err); /* the address */
/* Reports with this address that nobody has confirmed. */
enum err report_unconfirmed(struct store_conn *conn, struct str email, int64_t *ret_count, struct error *err);

enum err report_new_count(struct store_conn *conn, int64_t *ret_count, struct error *err);
/* New reports of a service received at or after a time. */
enum err report_new_since(struct store_conn *conn, struct str service, time_us from, int64_t *ret_count,
			  struct error *err);
enum err report_last_surge(struct store_conn *conn, struct str service, time_us *ret_at, struct error *err);

struct report_drop_more {
	time_us hour, at;
	struct str reason, service;
	int64_t more;
};
enum err report_drop_put(struct store_conn *conn, const void *report_drop_more, struct error *err);

/* "12-" and the secret. */
struct str report_token(struct arena *arena, const struct report_private *private);

/* Emits report.triaged. */
void report_emit_triaged(struct decision *d, const struct report *report, const char *action, int64_t incident,
			 int64_t of, struct str reason);
/* The address and the words of a new report, or of its absence. */
struct str report_severity_words(struct str severity);
