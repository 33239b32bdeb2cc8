/*
 * api_journal_visible.c: who may know that something happened, and who may read what.
 *
 * Two questions. An event of an incident that the caller may not see does not exist for them: no row,
 * no proof, no gap that would tell. Other events are known to everybody, but what they say about a
 * person's ways to be reached, sign-ins and tokens is for that person and those who answer for it.
 * Permission is today's, whatever earlier time is asked about.
 */
#include "alert/alert.h"
#include "api/api_priv.h"
#include "comms/comms.h"
#include "comms/comms_report.h"
#include "incident/incident.h"
#include "notify/notify.h"

static bool is_group(const struct event *event, const char *prefix)
{
	return str_starts(str_of(event_kinds[event->kind].name), str_of(prefix));
}

static bool sees_incident(struct api_call *call, int64_t id)
{
	struct incident incident;
	return api_incident(call, id, &incident, NULL) == OK;
}

/* ---- alerts come in batches, and each of them may belong to another incident ---- */

static unsigned hidden_alerts(struct api_call *call, const struct event *event, unsigned *ret_count)
{
	struct alert *alerts, stored;
	size_t count;
	unsigned hidden = 0;
	*ret_count = 0;
	if (event->payload == NULL || alert_batch_items(event, &call->arena, &alerts, &count, NULL) != OK)
		return 0;
	for (size_t i = 0; i < count; i++) {
		bool known = alert_get(call->conn, alerts[i].id, &call->arena, &stored, NULL) == OK;
		if (known && stored.incident != 0 && !sees_incident(call, stored.incident))
			hidden++;
	}
	*ret_count = (unsigned)count;
	return hidden;
}

/* ---- test pages are their owner's ---- */

static bool take_row(void *context, const struct notify_row *row)
{
	*(struct notify_row *)context = *row;
	return false;
}

static int64_t page_owner(struct api_call *call, int64_t page)
{
	struct notify_row row = { .id = 0 };
	struct notify_filter filter = { .before_id = page + 1, .limit = 1 };
	if (notify_list(call->conn, &filter, &call->arena, take_row, &row, NULL) != OK || row.id != page)
		return 0;
	return row.user;
}

static int64_t test_page_owner(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_PAGE_CREATED:
		return ((const struct event_page_created *)event->payload)->user;
	case EVENT_PAGE_TESTED:
		return ((const struct event_page_tested *)event->payload)->user;
	case EVENT_PAGE_ATTEMPTED:
		return page_owner(call, ((const struct event_page_attempted *)event->payload)->page);
	case EVENT_PAGE_CANCELLED:
		return page_owner(call, ((const struct event_page_cancelled *)event->payload)->page);
	default:
		return 0;
	}
}

static bool sees_test_page(struct api_call *call, const struct event *event)
{
	if (event->kind == EVENT_PAGE_UNRECORDED || call->principal.role == ROLE_AUDITOR)
		return true;
	return event->payload != NULL && test_page_owner(call, event) == call->principal.user;
}

/* ---- reports are for whoever sees the incident they count to ---- */

static bool sees_report(struct api_call *call, const struct event *event)
{
	struct report report;
	if (event->kind == EVENT_REPORT_SURGED) {
		const struct event_report_surged *e = event->payload;
		return e == NULL || e->incident == 0 || sees_incident(call, e->incident);
	}
	if (report_get(call->conn, event->subject, &call->arena, &report, NULL) != OK)
		return true;
	bool of_other = event->kind == EVENT_REPORT_VERDICT && report.verdict_of != 0;
	return (report.incident == 0 || sees_incident(call, report.incident)) &&
	       (!of_other || sees_incident(call, report.verdict_of));
}

/* ---- what becomes of an update is for whoever sees its incident ---- */

static bool sees_update(struct api_call *call, int64_t id)
{
	struct comms_update update;
	return comms_update_get(call->conn, id, &call->arena, &update, NULL) == OK && sees_incident(call, update.incident);
}

/* ---- the two questions ---- */

static bool visible(struct api_call *call, const struct event *event)
{
	unsigned count;
	if (event->kind == EVENT_ALERT_BATCH) {
		unsigned hidden = hidden_alerts(call, event, &count);
		return hidden == 0 || hidden < count;
	}
	bool page = is_group(event, "page.");
	if (page && (event->subject == 0 || event->kind == EVENT_PAGE_TESTED))
		return sees_test_page(call, event);
	if (page || is_group(event, "incident.") || is_group(event, "escalation.") ||
	    is_group(event, "update.") || is_group(event, "review."))
		return sees_incident(call, event->subject);
	if (is_group(event, "report."))
		return sees_report(call, event);
	if (event->kind == EVENT_RATING_GIVEN || event->kind == EVENT_SUBSCRIBER_TOLD)
		return sees_update(call, event->subject);
	return true;
}

static bool readable(struct api_call *call, const struct event *event)
{
	const struct principal *p = &call->principal;
	bool own = event->subject == p->user || p->role == ROLE_AUDITOR;
	unsigned count;
	if (event->kind == EVENT_ALERT_BATCH)
		return hidden_alerts(call, event, &count) == 0;
	if (event->kind == EVENT_PAGE_UNRECORDED)
		return p->role == ROLE_AUDITOR && p->audit_open; /* it may name what is private */
	if (is_group(event, "contact."))
		return own || guard_may(p, PERMISSION_MANAGE);
	if (is_group(event, "secret.") || is_group(event, "integration."))
		return p->role == ROLE_AUDITOR || guard_may(p, PERMISSION_MANAGE);
	if (event->kind == EVENT_SETTINGS_CHANGED || is_group(event, "token.") || is_group(event, "user.sign") ||
	    event->kind == EVENT_USER_LINK_MADE || event->kind == EVENT_USER_PASSWORD_SET)
		return own || guard_may(p, PERMISSION_ADMIN);
	return true;
}

static bool today(struct api_call *call, const struct event *event,
		  bool (*question)(struct api_call *call, const struct event *event))
{
	int64_t asked = store_as_of_seq(call->conn);
	store_as_of(call->conn, 0);
	bool answer = question(call, event);
	store_as_of(call->conn, asked);
	return answer;
}

bool api_event_visible(struct api_call *call, const struct event *event)
{
	return today(call, event, visible);
}

bool api_event_readable(struct api_call *call, const struct event *event)
{
	return event->payload != NULL && today(call, event, readable);
}
