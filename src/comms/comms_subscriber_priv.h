/* comms_subscriber_priv.h: what the files about subscribers share. SQL stands in comms_subscriber_store.c alone. */
#pragma once

#include "comms/comms_page.h"
#include "comms/comms_subscriber.h"

extern const struct store_table subscriber_notice_table;

struct subscriber_private {
	int64_t subscriber;
	struct str address, secret, signing;
	time_us asked; /* when the confirm mail was written last */
};
enum err subscriber_private_put(struct store_conn *conn, const void *subscriber_private, struct error *err);
enum err subscriber_private_erase(struct store_conn *conn, const void *id, struct error *err);
enum err subscriber_private_get(struct store_conn *conn, int64_t subscriber, struct arena *arena,
				bool *ret_found, struct subscriber_private *ret_private, struct error *err);
/* 0: nobody has subscribed with it to that page; capitals do not matter. */
enum err subscriber_of_address(struct store_conn *conn, struct str address, struct str page, int64_t *ret_subscriber,
			       struct error *err);
/* Active subscriptions of the same address that are older, in order. */
enum err subscriber_older(struct store_conn *conn, int64_t subscriber, struct arena *arena, subscriber_each_fn *each,
			  void *context, struct error *err);

/* comms_subscriber_mail.c */
enum err subscriber_mail_confirm(struct decision *d, const struct subscriber_private *to, struct str page,
				 struct error *err);
void subscriber_mail_drop(struct decision *d, int64_t subscriber);
/* The last subscriber that was told of an update; 0: nobody yet. */
enum err subscriber_told_up_to(struct store_conn *conn, int64_t update, int64_t *ret_id, struct error *err);

/* ---- one piece of news for everybody whom it concerns, a slice at a time (comms_subscriber_news.c) ---- */

struct subscriber_news {
	struct str purpose; /* and seq: its name in the slow lane */
	int64_t seq;
	struct str title;
	const char *about; /* "Affected: ", before the names of the services */
	/* What follows; times as `page` says them. */
	struct str (*text)(struct decision *d, const struct subscriber_news *news, const struct comms_page *page);
	const struct str *services;
	size_t service_count; /* 0: it concerns everybody but who subscribed to a page */
	/* The body of a webhook. */
	struct str (*hook)(struct decision *d, const struct subscriber_news *news, const struct subscriber *to);
	/* Whether it goes to this one after all; NULL: it does. */
	enum err (*goes)(struct decision *d, const struct subscriber_news *news, const struct subscriber *to,
			 bool *ret_goes, struct error *err);
	const void *context;
};

/* `up_to` is the last that was seen: of the slice before, then of this. */
struct subscriber_slice {
	int64_t up_to;
	unsigned seen, told;
	bool done; /* it was the last */
};
enum err subscriber_tell(struct decision *d, const struct subscriber_news *news, struct subscriber_slice *slice,
			 struct error *err);
struct str subscriber_link(struct arena *arena, int64_t subscriber, struct str secret);

/* ---- notices of planned work (comms_subscriber_work_store.c) ---- */

struct subscriber_notice {
	int64_t id; /* the event's */
	int64_t maintenance;
	struct str what;     /* announced, changed, reminded, noted, in_progress, verifying, completed, cancelled, hidden */
	struct str text;     /* the news; may be empty */
	struct str services; /* JSON: ["name"], also those that the change took away */
	time_us at, due;
	int64_t up_to;
	struct str state; /* waiting, done, dropped */
};
typedef bool subscriber_each_notice_fn(void *context, const struct subscriber_notice *notice);
/* Of one work, the oldest first; at most COMMS_UPDATES_MAX. */
enum err subscriber_notices(struct store_conn *conn, int64_t maintenance, struct arena *arena,
			    subscriber_each_notice_fn *each, void *context, struct error *err);
enum err subscriber_notice_count(struct store_conn *conn, int64_t maintenance, int64_t *ret_count, struct error *err);
