/* incident_flow.c: what alerts and escalations mean for incidents: the NOW rows of this room. */
#include <assert.h>

#include "alert/alert.h"
#include "catalog/catalog.h"
#include "incident/incident_priv.h"

/* "Shop: connection refused": what is broken for whom, on one line of a lock screen. */
static struct str title_for(struct decision *d, const struct alert *alert,
			    const struct catalog_service *service)
{
	struct str who = service->name.len > 0 ? service->display : alert->check;
	struct str title = arena_printf(d->arena, STR_FMT ": " STR_FMT, STR_ARG(who),
					STR_ARG(alert->summary));
	if (title.len <= INCIDENT_TITLE_BYTES_MAX)
		return title;
	size_t end = INCIDENT_TITLE_BYTES_MAX - 3;
	while (end > 0 && ((unsigned char)title.ptr[end] & 0xC0) == 0x80)
		end--; /* not inside a character */
	return arena_printf(d->arena, STR_FMT "...", STR_ARG(str_sub(title, 0, end)));
}

static struct incident_weight weight_of(struct decision *d, const struct alert *alert,
					const struct catalog_service *service)
{
	bool warning = str_is(alert->severity, "warning");
	struct incident_weight weight = {
		.impact = service->impact,
		.impact_reason = service->impact_reason,
		.urgency = str_is(alert->urgency, "low") ? STR("low")
			 : warning			 ? STR("medium") : STR("high"),
	};
	weight.urgency_reason =
		arena_printf(d->arena, "check \"" STR_FMT "\" is %s%s", STR_ARG(alert->check),
			     warning ? "degraded" : "down",
			     str_is(alert->urgency, "low") ? " and asks for low urgency" : "");
	return weight;
}

static void join(struct decision *d, int64_t incident, const struct alert *alert)
{
	struct event_incident_alert_joined joined = {
		.incident = incident, .alert = alert->id, .summary = alert->summary,
	};
	decision_emit(d, EVENT_INCIDENT_ALERT_JOINED, incident, &joined);
}

static enum err open_for(struct decision *d, const struct alert *alert,
			 const struct catalog_service *service, const struct incident_weight *weight,
			 int64_t *ret_incident, struct error *err)
{
	struct event_incident_opened opened = {
		.title = title_for(d, alert, service),
		.service = alert->service,
		.team = service->team,
		.impact = weight->impact,
		.urgency = weight->urgency,
		.visibility = STR("everyone"),
		.policy = service->policy.len > 0 ? service->policy : STR("default"),
		.source = STR("alert"),
		.cause = alert->check,
	};
	enum err r = incident_weigh(d, weight, &opened.priority, &opened.why, err);
	if (r != OK)
		return r;
	opened.incident = decision_new_id(d, "incident");
	decision_emit(d, EVENT_INCIDENT_OPENED, opened.incident, &opened);
	*ret_incident = opened.incident;
	return OK;
}

/* Alerts of one batch for the same service go to one incident, also when it is opened here. */
struct opening {
	struct str service, check, urgency;
	int64_t incident;
};

static struct opening *opened_before(struct opening *openings, size_t count, const struct alert *alert)
{
	for (size_t i = 0; i < count; i++) {
		bool same = alert->service.len > 0 ? str_eq(openings[i].service, alert->service)
						   : str_eq(openings[i].check, alert->check);
		if (same)
			return &openings[i];
	}
	return NULL;
}

/* An incident is as urgent as the worst that fires for it: what began as a slow page and is now an
 * outage must wake somebody. It never becomes less urgent by itself. */
static enum err raise(struct decision *d, int64_t id, struct str impact, struct str urgency,
		      const struct incident_weight *wanted, struct error *err)
{
	if (incident_level(wanted->urgency) >= incident_level(urgency))
		return OK;
	struct incident_weight weight = *wanted;
	weight.impact = impact;
	weight.impact_reason = STR("as it was");
	struct event_incident_priority_set set = {
		.incident = id,
		.impact = impact,
		.urgency = weight.urgency,
		.reason = weight.urgency_reason,
	};
	enum err r = incident_weigh(d, &weight, &set.priority, &set.why, err);
	if (r == OK)
		decision_emit(d, EVENT_INCIDENT_PRIORITY_SET, id, &set);
	return r;
}

static enum err raise_stored(struct decision *d, const struct incident *incident,
			     const struct alert *alert, struct error *err)
{
	struct catalog_service service;
	enum err r = catalog_service_get(d->conn, alert->service, d->arena, &service, err);
	if (r != OK)
		return r;
	struct incident_weight weight = weight_of(d, alert, &service);
	return raise(d, incident->id, incident->impact, incident->urgency, &weight, err);
}

static enum err open_or_raise(struct decision *d, const struct alert *alert, struct opening *openings,
			      size_t *count, int64_t *ret_incident, struct error *err)
{
	struct catalog_service service;
	struct opening *opening = opened_before(openings, *count, alert);
	enum err r = catalog_service_get(d->conn, alert->service, d->arena, &service, err);
	if (r != OK)
		return r;
	struct incident_weight weight = weight_of(d, alert, &service);
	if (opening == NULL) {
		r = open_for(d, alert, &service, &weight, ret_incident, err);
		openings[(*count)++] =
			(struct opening){ alert->service, alert->check, weight.urgency, *ret_incident };
		return r;
	}
	*ret_incident = opening->incident;
	r = raise(d, opening->incident, weight.impact, opening->urgency, &weight, err);
	if (incident_level(weight.urgency) < incident_level(opening->urgency))
		opening->urgency = weight.urgency;
	return r;
}

static enum err place(struct decision *d, const struct alert *alert, struct opening *openings,
		      size_t *count, struct error *err)
{
	int64_t id = 0;
	struct incident incident;
	enum err r = incident_unresolved_for(d->conn, alert->service, alert->check, d->arena, &id, err);
	if (r == OK && id == 0) {
		r = open_or_raise(d, alert, openings, count, &id, err);
	} else if (r == OK) {
		r = incident_get(d->conn, id, d->arena, &incident, err);
		if (r == OK)
			r = raise_stored(d, &incident, alert, err);
	}
	if (r == OK)
		join(d, id, alert);
	return r;
}

/* Of an alert as it stood before this event. */
static enum err was_critical(struct decision *d, const struct event *event, int64_t alert,
			     bool *ret_was, struct error *err)
{
	struct alert before;
	assert(store_as_of_seq(d->conn) == 0);
	store_as_of(d->conn, event->seq - 1);
	enum err r = alert_get(d->conn, alert, d->arena, &before, err);
	store_as_of(d->conn, 0);
	if (r == OK)
		*ret_was = str_is(before.severity, "critical");
	return r;
}

/* An alert that has an incident has changed. When people have ended that incident and it is worse
 * now than what they knew, it is a new one. */
static enum err follow(struct decision *d, const struct event *event, const struct alert *alert,
		       struct opening *openings, size_t *count, struct error *err)
{
	struct incident incident;
	bool was = false;
	enum err r = incident_get(d->conn, alert->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	if (!str_is(incident.state, "resolved"))
		return raise_stored(d, &incident, alert, err);
	r = was_critical(d, event, alert->id, &was, err);
	if (r != OK || was || !str_is(alert->severity, "critical"))
		return r;
	return place(d, alert, openings, count, err);
}

static enum err end_alert(struct decision *d, const struct alert *alert, struct error *err)
{
	int64_t incident, firing;
	enum err r = incident_of_alert(d->conn, alert->id, &incident, err);
	if (r != OK || incident == 0)
		return r;
	r = incident_firing_count(d->conn, incident, alert->id, &firing, err);
	if (r != OK)
		return r;
	struct event_incident_alert_ended ended = {
		.incident = incident, .alert = alert->id, .firing = firing,
	};
	decision_emit(d, EVENT_INCIDENT_ALERT_ENDED, incident, &ended);
	return OK;
}

enum err incident_from_alerts(struct decision *d, const struct event *event, struct error *err)
{
	struct alert *alerts;
	size_t count, opened = 0;
	enum err r = alert_batch_items(event, d->arena, &alerts, &count, err);
	if (r != OK)
		return r;
	struct opening *openings = arena_array(d->arena, struct opening, count);
	for (size_t i = 0; r == OK && i < count; i++) {
		if (str_is(alerts[i].state, "resolved"))
			r = end_alert(d, &alerts[i], err);
		else if (!alerts[i].muted && alerts[i].incident == 0)
			r = place(d, &alerts[i], openings, &opened, err);
		else if (!alerts[i].muted)
			r = follow(d, event, &alerts[i], openings, &opened, err);
	}
	return r;
}

/* When the last alert of an incident has ended, so has the incident. */
enum err incident_after_alert_ended(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_alert_ended *e = event->payload;
	struct incident incident;
	if (e->firing > 0)
		return OK;
	enum err r = incident_get(d->conn, e->incident, d->arena, &incident, err);
	if (r != OK || str_is(incident.state, "resolved") || incident.firing > 0)
		return r;
	struct event_incident_resolved resolved = {
		.incident = e->incident, .via = STR("recovery"), .reason = STR("every check is up again"),
	};
	decision_emit(d, EVENT_INCIDENT_RESOLVED, e->incident, &resolved);
	return OK;
}

enum err incident_after_escalation(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_escalation_moved *e = event->payload;
	struct incident incident;
	/* An acknowledged escalation takes a step only because a person asked for more people. */
	if (!str_is(e->action, "lapsed") && !str_is(e->action, "stepped"))
		return OK;
	enum err r = incident_get(d->conn, e->incident, d->arena, &incident, err);
	if (r != OK || !str_is(incident.state, "acknowledged"))
		return r;
	struct event_incident_ack_lapsed lapsed = {
		.incident = e->incident, .user = incident.acknowledged_by,
	};
	decision_emit(d, EVENT_INCIDENT_ACK_LAPSED, e->incident, &lapsed);
	return OK;
}
