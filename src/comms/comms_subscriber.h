/*
 * comms_subscriber.h: who outside is told of updates, and how they leave again.
 *
 *     form --subscriber.added--> unconfirmed --button in the mail--> active --three refusals--> suspended
 *     manager, webhook ----------------------------------------------^  ^--------- resume ---------+
 *     any of them --one click, a manager--> removed: the address is erased
 *
 *     update.published --apply: a timer--> subscriber_mail_due: a slice of subscribers --> rows of the slow lane
 *                                                 ^--------- subscriber.told, until all are ---------+
 *     maintenance.put, moved, noted, reminded --apply: a notice and a timer--> subscriber_work_due: the same in slices
 *                                                 ^------- subscriber.notified, until all are -------+
 *
 * A notice of planned work (table subscriber_notice): waiting --told to all--> done
 *                                                       \--the work is cancelled or no longer public--> dropped
 * Notices of one work go out in their order. What is announced waits ten seconds, and while it waits a change or the
 * beginning takes its place: one mail, not two. A cancellation takes from the slow lane what has not left, and is told
 * to those alone whom something has reached.
 *
 * A subscription belongs to a status page, or to none: then it hears of every service. Who has several hears each
 * news once.
 *
 * Addresses stand in the vault. Each update is told once to each: the slices follow the ids, and a row of the slow
 * lane has the update's name. A slice is small, so that telling a hundred thousand holds up no page.
 *
 * Runs on: decide and apply on the world's thread; reading on any connection. Clock: passed in.
 */
#pragma once

#include "journal/world.h"

#define SUBSCRIBERS_MAX 100000u
#define SUBSCRIBER_SLICE 200u
#define SUBSCRIBER_IMPORT_MAX 1000u
#define SUBSCRIBER_SERVICES_MAX 50u
#define SUBSCRIBER_REFUSALS_MAX 3 /* for good, within SUBSCRIBER_REFUSALS_WITHIN: then it is suspended */
#define SUBSCRIBER_REFUSALS_WITHIN (30 * TIME_DAY)
#define SUBSCRIBER_CONFIRM_WITHIN (7 * TIME_DAY)
#define SUBSCRIBER_ASK_EVERY (10 * TIME_MINUTE) /* the confirm mail, however often the form is sent */
#define SUBSCRIBER_LINK_PATH "/s/"
#define SUBSCRIBER_MAIL_TIMER "subscriber.mail"       /* of an update */
#define SUBSCRIBER_CONFIRM_TIMER "subscriber.confirm" /* of a subscriber */
#define SUBSCRIBER_WORK_TIMER "subscriber.work"       /* of a maintenance */
#define SUBSCRIBER_UPDATE "update"                    /* purpose in the slow lane; its seq is the update's id */
#define SUBSCRIBER_WORK "maintenance"                 /* the same of planned work; its seq is the event's */
#define SUBSCRIBER_WORK_AFTER (10 * TIME_SECOND)      /* what is announced may be put right for so long */
#define SUBSCRIBER_PAGES_MAX 50u

extern const struct store_table *const subscriber_tables[];

/* ---- commands ---- */

struct subscriber_add {
	struct str channel, address; /* email or webhook */
	struct str signing;          /* of a webhook; may be empty */
	struct str components;       /* JSON: names of services; "[]": all */
	struct str page;             /* the status page whose news they get; empty: of every service */
	struct str source;           /* form, manager or import */
	bool agreed;                 /* a manager says that they have agreed: no mail is needed */
	int64_t *ret_subscriber;     /* NULL for the form: whether it was known is nobody's business */
};
/* Of an address that is there already nothing changes, but that one who has not confirmed is asked again. */
decide_fn subscriber_add_decide;

struct subscriber_import {
	const struct subscriber_add *rows;
	size_t count;
	size_t *ret_added;
};
decide_fn subscriber_import_decide;

struct subscriber_act {
	int64_t subscriber;
	struct str components; /* of change */
	struct str reason;     /* of remove: unsubscribed or manager */
};
decide_fn subscriber_confirm_decide, subscriber_change_decide, subscriber_remove_decide,
	subscriber_resume_decide, subscriber_ask_decide;

/* ---- wiring ---- */

now_fn subscriber_on_refused;
timer_fn subscriber_mail_due, subscriber_confirm_due, subscriber_work_due;
apply_fn subscriber_apply_added, subscriber_apply_confirmed, subscriber_apply_changed,
	subscriber_apply_refused, subscriber_apply_resumed, subscriber_apply_removed, subscriber_apply_published,
	subscriber_apply_told, subscriber_apply_notified;
/* Before those of the maintenance itself: they look at what it was. */
apply_fn subscriber_apply_work_put, subscriber_apply_work_moved, subscriber_apply_work_noted,
	subscriber_apply_work_reminded;

/* ---- reading ---- */

struct subscriber {
	int64_t id;
	struct str state, channel, source, page, components; /* components: JSON */
	time_us added, confirmed;                      /* confirmed: TIME_NONE: not */
	int64_t failures;
	time_us refused; /* the last time; TIME_NONE: never */
	struct str address; /* from the vault; empty when it was erased */
};
enum err subscriber_get(struct store_conn *conn, int64_t id, struct arena *arena,
			struct subscriber *ret_subscriber, struct error *err);

struct subscriber_filter {
	struct str states, text; /* text: occurs in the address */
	int64_t after_id;
	unsigned limit;
};
typedef bool subscriber_each_fn(void *context, const struct subscriber *subscriber);
/* By id, not those that are removed. */
enum err subscriber_list(struct store_conn *conn, const struct subscriber_filter *filter, struct arena *arena,
			 subscriber_each_fn *each, void *context, struct error *err);

struct subscriber_count {
	int64_t active, unconfirmed, suspended;
};
enum err subscriber_counts(struct store_conn *conn, struct subscriber_count *ret_count, struct error *err);

/* The subscriber of a link. ERR_NOT_FOUND also when they have left. */
enum err subscriber_of_link(struct store_conn *conn, struct str token, struct arena *arena,
			    int64_t *ret_subscriber, struct error *err);
