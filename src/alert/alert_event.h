/*
 * alert_event.h: one event by the contract of PagerDuty's Events API v2, read and made a signal.
 *
 *     trigger      a signal that lasts until it is resolved; the same open dedup_key again is the same alert
 *     acknowledge  somebody works on it
 *     resolve      it is over
 *
 * What is wrong with an event is told in a list of sentences, all at once, as the contract has it. Of links, images
 * and details so much is kept as an alert may hold: what is longer is cut.
 *
 * Pure. Texts live in the arena or in the body.
 */
#pragma once

#include "alert/alert_signal.h"
#include "wire/doc.h"

#define ALERT_EVENT_BYTES_MAX 512000u
#define ALERT_EVENT_SUMMARY_BYTES_MAX 1024u
#define ALERT_EVENT_KEY_BYTES_MAX 255u
#define ALERT_EVENT_ERRORS_MAX 10u
#define ALERT_EVENT_LINKS_MAX 10u
#define ALERT_EVENT_DETAILS_MAX 30u
#define ALERT_EVENT_LASTS (36500 * TIME_DAY) /* an event has no end but its resolve */

enum alert_event_action { ALERT_EVENT_TRIGGER, ALERT_EVENT_ACKNOWLEDGE, ALERT_EVENT_RESOLVE };

struct alert_event {
	enum alert_event_action action;
	struct str routing_key, dedup_key; /* dedup_key: empty when a trigger brings none */
	struct str summary, source, severity, component, group, class, client, client_url;
	time_us at;    /* TIME_NONE: not said */
	time_us lasts; /* until it ends by itself; 0: ALERT_EVENT_LASTS */
	const struct doc_node *details, *links, *images; /* NULL: none */
};

struct alert_event_errors {
	struct str rows[ALERT_EVENT_ERRORS_MAX];
	size_t count;
};

/* False: `ret_errors` says what is wrong. */
bool alert_event_read(struct str body, struct arena *arena, struct alert_event *ret_event,
		      struct alert_event_errors *ret_errors);

/* The identity is integration and dedup_key alone; everything else may change while it lasts. */
struct alert_key alert_event_key(int64_t integration, struct str dedup_key, struct arena *arena);
void alert_event_signal(const struct alert_event *event, int64_t integration, struct str name, struct str service,
			time_us now, struct arena *arena, struct alert_signal *ret_signal);
