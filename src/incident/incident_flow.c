/* incident_flow.c: what alerts and escalations mean for incidents: the NOW rows of this room. */
#include <assert.h>

#include "alert/alert.h"
#include "base/buf.h"
#include "catalog/catalog.h"
#include "incident/incident_priv.h"

/* "Shop: connection refused": what is broken for whom, on one line of a lock screen. */
static struct str title_for(struct decision *d, const struct alert *alert,
			    const struct catalog_service *service)
{
	struct str who = service->name.len > 0 ? service->display : alert->name;
	struct str title = str_eq(who, alert->summary)
				   ? who
				   : arena_printf(d->arena, STR_FMT ": " STR_FMT, STR_ARG(who),
						  STR_ARG(alert->summary));
	if (title.len <= INCIDENT_TITLE_BYTES_MAX)
		return title;
	size_t end = INCIDENT_TITLE_BYTES_MAX - 3;
	while (end > 0 && ((unsigned char)title.ptr[end] & 0xC0) == 0x80)
		end--; /* not inside a character */
	return arena_printf(d->arena, STR_FMT "...", STR_ARG(str_sub(title, 0, end)));
}

static struct str urgency_of(const struct alert *alert)
{
	return str_is(alert->urgency, "low")	  ? STR("low")
	     : str_is(alert->severity, "warning") ? STR("medium") : STR("high");
}

static struct str reason_of(struct decision *d, const struct alert *alert)
{
	bool warning = str_is(alert->severity, "warning");
	const char *low = str_is(alert->urgency, "low") ? " and asks for low urgency" : "";
	if (alert->check.len > 0)
		return arena_printf(d->arena, "check \"" STR_FMT "\" is %s%s", STR_ARG(alert->check),
				    warning ? "degraded" : "down", low);
	return arena_printf(d->arena, "alert \"" STR_FMT "\" is %s%s", STR_ARG(alert->name),
			    warning ? "a warning" : "critical", low);
}

static struct incident_weight weight_of(struct decision *d, const struct alert *alert,
					const struct catalog_service *service)
{
	return (struct incident_weight){
		.impact = service->impact,
		.impact_reason = service->impact_reason,
		.urgency = urgency_of(alert),
		.urgency_reason = reason_of(d, alert),
	};
}

/* What alerts without a service have in common: the check, or the name of the rule. */
static struct str cause_of(struct decision *d, const struct alert *alert)
{
	return alert->check.len > 0 ? alert->check
				    : arena_printf(d->arena, "alert/" STR_FMT, STR_ARG(alert->name));
}

/* Ids of alerts in the order of the batch. */
struct member {
	int64_t alert;
	struct member *next;
};

struct members {
	struct member *first, *last;
	size_t count;
};

static void members_add(struct members *members, struct arena *arena, int64_t alert)
{
	struct member *member = arena_new(arena, struct member);
	member->alert = alert;
	if (members->last != NULL)
		members->last->next = member;
	else
		members->first = member;
	members->last = member;
	members->count++;
}

static struct str members_json(const struct members *members, struct arena *arena)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, EVENT_PAYLOAD_BYTES_MAX);
	for (const struct member *m = members->first; m != NULL; m = m->next)
		buf_printf(&buf, "%c%lld", m == members->first ? '[' : ',', (long long)m->alert);
	buf_addc(&buf, ']');
	assert(!buf.full);
	return arena_str(arena, buf_str(&buf));
}

/* Alerts of one batch that go to one incident: those of one service, or of one cause. */
struct group {
	struct str service, cause;
	const struct alert *first, *worst;
	struct members alerts;
	struct group *next; /* of the same slot */
};

struct groups {
	struct decision *d;
	const struct event *event;
	struct group **slots;
	size_t mask;
	struct group **all; /* in the order of their first alerts */
	size_t count;
};

static void groups_init(struct groups *groups, struct decision *d, const struct event *event,
			size_t alerts)
{
	size_t slots = 16;
	while (slots < 2 * alerts)
		slots *= 2;
	*groups = (struct groups){ .d = d, .event = event, .mask = slots - 1 };
	groups->slots = arena_array(d->arena, struct group *, slots);
	groups->all = arena_array(d->arena, struct group *, alerts);
}

static struct group *group_of(struct groups *groups, const struct alert *alert)
{
	struct str cause = alert->service.len > 0 ? STR_NONE : cause_of(groups->d, alert);
	size_t slot = (str_hash(alert->service) ^ str_hash(cause)) & groups->mask;
	struct group *group = groups->slots[slot];
	while (group != NULL && (!str_eq(group->service, alert->service) || !str_eq(group->cause, cause)))
		group = group->next;
	if (group != NULL)
		return group;
	group = arena_new(groups->d->arena, struct group);
	*group = (struct group){ .service = alert->service, .cause = cause, .first = alert,
				 .worst = alert, .next = groups->slots[slot] };
	groups->slots[slot] = group;
	groups->all[groups->count++] = group;
	return group;
}

static void add(struct groups *groups, const struct alert *alert)
{
	struct group *group = group_of(groups, alert);
	members_add(&group->alerts, groups->d->arena, alert->id);
	if (incident_level(urgency_of(alert)) < incident_level(urgency_of(group->worst)))
		group->worst = alert;
}

static void join(struct decision *d, int64_t incident, const struct group *group)
{
	if (group->alerts.count == 1) {
		struct event_incident_alert_joined joined = {
			.incident = incident, .alert = group->first->id, .summary = group->first->summary,
		};
		decision_emit(d, EVENT_INCIDENT_ALERT_JOINED, incident, &joined);
		return;
	}
	struct event_incident_alerts_joined joined = {
		.incident = incident,
		.count = (int64_t)group->alerts.count,
		.alerts = members_json(&group->alerts, d->arena),
		.summary = group->first->summary,
	};
	decision_emit(d, EVENT_INCIDENT_ALERTS_JOINED, incident, &joined);
}

/* The title tells of the worst: that is what wakes somebody. */
static enum err open_for(struct decision *d, const struct group *group, int64_t *ret_incident,
			 struct error *err)
{
	const struct alert *alert = group->worst;
	struct catalog_service service;
	enum err r = catalog_service_get(d->conn, alert->service, d->arena, &service, err);
	if (r != OK)
		return r;
	struct incident_weight weight = weight_of(d, alert, &service);
	struct event_incident_opened opened = {
		.title = title_for(d, alert, &service),
		.service = alert->service,
		.team = service.team.len > 0 ? service.team : alert->team,
		.impact = weight.impact,
		.urgency = weight.urgency,
		.visibility = STR("everyone"),
		.policy = service.policy.len > 0 ? service.policy : STR("default"),
		.source = STR("alert"),
		.cause = cause_of(d, alert),
	};
	r = incident_weigh(d, &weight, &opened.priority, &opened.why, err);
	if (r != OK)
		return r;
	opened.incident = decision_new_id(d, "incident");
	decision_emit(d, EVENT_INCIDENT_OPENED, opened.incident, &opened);
	*ret_incident = opened.incident;
	return OK;
}

/* An incident is as urgent as the worst that fires for it: what began as a slow page and is now an
 * outage must wake somebody. It never becomes less urgent by itself. */
static enum err raise(struct decision *d, const struct incident *incident, const struct alert *alert,
		      struct error *err)
{
	if (incident_level(urgency_of(alert)) >= incident_level(incident->urgency))
		return OK;
	struct incident_weight weight = {
		.impact = incident->impact,
		.impact_reason = STR("as it was"),
		.urgency = urgency_of(alert),
		.urgency_reason = reason_of(d, alert),
	};
	struct event_incident_priority_set set = {
		.incident = incident->id,
		.impact = weight.impact,
		.urgency = weight.urgency,
		.reason = weight.urgency_reason,
	};
	enum err r = incident_weigh(d, &weight, &set.priority, &set.why, err);
	if (r == OK)
		decision_emit(d, EVENT_INCIDENT_PRIORITY_SET, incident->id, &set);
	return r;
}

static enum err place(struct decision *d, const struct group *group, struct error *err)
{
	int64_t id = 0;
	struct incident incident;
	struct str cause = group->service.len > 0 ? STR_NONE : group->cause;
	enum err r = incident_unresolved_for(d->conn, group->service, cause, d->arena, &id, err);
	if (r == OK && id == 0) {
		r = open_for(d, group, &id, err);
	} else if (r == OK) {
		r = incident_get(d->conn, id, d->arena, &incident, err);
		if (r == OK)
			r = raise(d, &incident, group->worst, err);
	}
	if (r == OK)
		join(d, id, group);
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
static enum err follow(struct groups *groups, const struct alert *alert, struct error *err)
{
	struct decision *d = groups->d;
	struct incident incident;
	bool was = false;
	enum err r = incident_get(d->conn, alert->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	if (!str_is(incident.state, "resolved"))
		return raise(d, &incident, alert, err);
	r = was_critical(d, groups->event, alert->id, &was, err);
	if (r == OK && !was && str_is(alert->severity, "critical"))
		add(groups, alert);
	return r;
}

/* ---- ends ---- */

/* Alerts of one batch that end in one incident, told by one event. */
struct ending {
	int64_t incident;
	struct members alerts;
};

struct endings {
	struct ending *all;
	size_t count;
};

/* Those of one batch are mostly of a few incidents, and neighbours of the same. */
static struct ending *ending_of(struct endings *endings, int64_t incident)
{
	for (size_t i = endings->count; i-- > 0;) {
		if (endings->all[i].incident == incident)
			return &endings->all[i];
	}
	struct ending *ending = &endings->all[endings->count++];
	*ending = (struct ending){ .incident = incident };
	return ending;
}

static enum err tell_ending(struct decision *d, const struct ending *ending, struct error *err)
{
	struct incident incident;
	enum err r = incident_get(d->conn, ending->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	int64_t firing = incident.firing - (int64_t)ending->alerts.count;
	assert(firing >= 0);
	if (ending->alerts.count == 1) {
		struct event_incident_alert_ended ended = {
			.incident = ending->incident,
			.alert = ending->alerts.first->alert,
			.firing = firing,
		};
		decision_emit(d, EVENT_INCIDENT_ALERT_ENDED, ending->incident, &ended);
		return OK;
	}
	struct event_incident_alerts_ended ended = {
		.incident = ending->incident,
		.count = (int64_t)ending->alerts.count,
		.alerts = members_json(&ending->alerts, d->arena),
		.firing = firing,
	};
	decision_emit(d, EVENT_INCIDENT_ALERTS_ENDED, ending->incident, &ended);
	return OK;
}

enum err incident_from_alerts(struct decision *d, const struct event *event, struct error *err)
{
	struct alert *alerts;
	size_t count;
	struct groups groups;
	struct endings endings = { 0 };
	enum err r = alert_batch_items(event, d->arena, &alerts, &count, err);
	if (r != OK)
		return r;
	groups_init(&groups, d, event, count);
	endings.all = arena_array(d->arena, struct ending, count);
	for (size_t i = 0; r == OK && i < count; i++) {
		int64_t incident = 0;
		if (str_is(alerts[i].state, "resolved")) {
			r = incident_of_alert(d->conn, alerts[i].id, &incident, err);
			if (r == OK && incident != 0)
				members_add(&ending_of(&endings, incident)->alerts, d->arena, alerts[i].id);
		} else if (!alerts[i].muted && alerts[i].incident == 0) {
			add(&groups, &alerts[i]);
		} else if (!alerts[i].muted) {
			r = follow(&groups, &alerts[i], err);
		}
	}
	for (size_t i = 0; r == OK && i < groups.count; i++)
		r = place(d, groups.all[i], err);
	for (size_t i = 0; r == OK && i < endings.count; i++)
		r = tell_ending(d, &endings.all[i], err);
	return r;
}

/* When the last alert of an incident has ended, so has the incident. */
static enum err after_ended(struct decision *d, int64_t id, int64_t firing, struct error *err)
{
	struct incident incident;
	if (firing > 0)
		return OK;
	enum err r = incident_get(d->conn, id, d->arena, &incident, err);
	if (r != OK || str_is(incident.state, "resolved") || incident.firing > 0)
		return r;
	struct event_incident_resolved resolved = {
		.incident = id, .via = STR("recovery"),
		.reason = STR("every alert has ended"),
	};
	decision_emit(d, EVENT_INCIDENT_RESOLVED, id, &resolved);
	return OK;
}

enum err incident_after_alert_ended(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_alert_ended *e = event->payload;
	return after_ended(d, e->incident, e->firing, err);
}

enum err incident_after_alerts_ended(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_alerts_ended *e = event->payload;
	return after_ended(d, e->incident, e->firing, err);
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
