/*
 * comms_report_rule.c: what several reports together mean, and what "it is not fixed" does.
 *
 * People outside are many and unknown, so by default nothing they do pages anybody: three reports of one
 * service in ten minutes are proposed on the page Now. A manager who trusts the senders says `then: open`.
 */
#include <assert.h>

#include "catalog/catalog.h"
#include "comms/comms_report_priv.h"
#include "incident/incident.h"
#include "resource/definition.h"

#define JOIN_MAX 100u /* reports that one surge takes along */

static const char *const thens[] = { "propose", "open", NULL };

const struct spec_field report_rule_spec[] = {
	{ .name = "count", .type = SPEC_INT, .min = 2, .max = 100, .otherwise = "3",
	  .about = "So many reports of one service." },
	{ .name = "within", .type = SPEC_DURATION, .min = TIME_MINUTE, .max = TIME_DAY, .otherwise = "10m",
	  .about = "Within this time." },
	{ .name = "then", .type = SPEC_CHOICE, .choices = thens, .otherwise = "propose",
	  .about = "Only propose an incident, or open one (which pages) and raise what is open." },
	{ .name = "reopen_after", .type = SPEC_INT, .min = 0, .max = 100, .otherwise = "0",
	  .about = "So many senders who say \"not fixed\" reopen the incident; 0: people decide." },
	{ .name = NULL },
};

enum err report_rule_get(struct store_conn *conn, struct arena *arena, struct report_rule *ret_rule,
			 struct error *err)
{
	const struct doc_node *spec;
	enum err r = definition_spec(conn, REPORT_RULE, STR("default"), arena, &spec, err);
	if (r != OK)
		return r;
	time_us within;
	if (!duration_parse(doc_text(doc_get(spec, "within"), "10m"), &within))
		within = 10 * TIME_MINUTE;
	*ret_rule = (struct report_rule){
		.count = (unsigned)doc_int(doc_get(spec, "count"), 3),
		.within = within,
		.opens = str_is(doc_text(doc_get(spec, "then"), "propose"), "open"),
		.reopen_after = (unsigned)doc_int(doc_get(spec, "reopen_after"), 0),
	};
	return OK;
}

/* ---- several reports ---- */

struct joining {
	struct decision *d;
	int64_t incident, first;
	time_us from;
};

static bool join_one(void *context, const struct report *report)
{
	struct joining *joining = context;
	if (report->received >= joining->from)
		report_emit_triaged(joining->d, report, "joined", joining->incident, 0,
				    STR("several people reported it at the same time"));
	return true;
}

struct finding {
	struct incident incident;
	bool found;
};

static bool take_open(void *context, const struct incident *incident)
{
	struct finding *finding = context;
	*finding = (struct finding){ *incident, true };
	return false;
}

/* What is closed to some is not told to a crowd. */
static enum err open_incident_of(struct decision *d, struct str service, struct finding *ret_finding,
				 struct error *err)
{
	struct incident_filter filter = { .states = STR("open,acknowledged"), .service = service, .limit = 1,
					  .visible = STR("visibility = 'everyone'") };
	ret_finding->found = false;
	return incident_list(d->conn, &filter, d->arena, take_open, ret_finding, err);
}

static struct incident_weight weight_of(struct decision *d, const struct event_report_received *e, int64_t count)
{
	return (struct incident_weight){
		.impact = e->impact,
		.impact_reason = arena_printf(d->arena, "%lld people reported it", (long long)count),
		.urgency = e->urgency,
		.urgency_reason = arena_printf(d->arena, "they say that " STR_FMT,
					       STR_ARG(report_severity_words(e->severity))),
	};
}

/* What is open is only ever raised by a crowd, never lowered. */
static enum err raise(struct decision *d, const struct incident *incident, const struct incident_weight *given,
		      struct error *err)
{
	struct incident_weight weight = *given;
	if (incident_level(incident->impact) < incident_level(weight.impact))
		weight.impact = incident->impact;
	if (incident_level(incident->urgency) < incident_level(weight.urgency))
		weight.urgency = incident->urgency;
	struct event_incident_priority_set set = {
		.incident = incident->id, .impact = weight.impact, .urgency = weight.urgency,
		.reason = weight.impact_reason,
	};
	enum err r = incident_weigh(d, &weight, &set.priority, &set.why, err);
	if (r == OK && (!str_eq(weight.impact, incident->impact) || !str_eq(weight.urgency, incident->urgency)))
		decision_emit(d, EVENT_INCIDENT_PRIORITY_SET, incident->id, &set);
	return r;
}

static enum err open_or_raise(struct decision *d, const struct event_report_received *e, int64_t count,
			      int64_t *ret_incident, struct error *err)
{
	struct incident_weight weight = weight_of(d, e, count);
	struct catalog_service service;
	struct finding finding;
	enum err r = open_incident_of(d, e->service, &finding, err);
	if (r == OK && finding.found) {
		*ret_incident = finding.incident.id;
		return raise(d, &finding.incident, &weight, err);
	}
	if (r == OK)
		r = catalog_service_get(d->conn, e->service, d->arena, &service, err);
	if (r != OK)
		return r;
	struct incident_open open = {
		.title = arena_printf(d->arena, STR_FMT ": %lld people report that " STR_FMT,
				      STR_ARG(service.display), (long long)count,
				      STR_ARG(report_severity_words(e->severity))),
		.service = e->service,
		.impact = weight.impact,
		.urgency = weight.urgency,
		.impact_reason = weight.impact_reason,
		.urgency_reason = weight.urgency_reason,
		.source = STR("report"),
		.ret_incident = ret_incident,
	};
	return incident_open_decide(d, &open, err);
}

/* NOW row: with `then: open` this path ends in a page. */
enum err report_on_received(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_report_received *e = event->payload;
	struct report_rule rule;
	time_us last = TIME_NONE;
	int64_t count = 0, incident = 0;
	if (e->service.len == 0)
		return OK;
	enum err r = report_rule_get(d->conn, d->arena, &rule, err);
	if (r == OK)
		r = report_new_since(d->conn, e->service, d->now - rule.within, &count, err);
	if (r == OK)
		r = report_last_surge(d->conn, e->service, &last, err);
	if (r != OK || count < rule.count || (last != TIME_NONE && d->now - last < rule.within))
		return r;
	if (rule.opens)
		r = open_or_raise(d, e, count, &incident, err);
	if (r != OK)
		return r;
	if (incident != 0) {
		struct joining joining = { .d = d, .incident = incident, .from = d->now - rule.within };
		struct report_filter filter = { .states = STR("new"), .service = e->service, .limit = JOIN_MAX };
		r = report_list(d->conn, &filter, d->arena, join_one, &joining, err);
	}
	struct event_report_surged surged = { .service = e->service, .count = count, .within = rule.within,
					      .incident = incident };
	if (r == OK)
		decision_emit(d, EVENT_REPORT_SURGED, 0, &surged);
	return r;
}

/* ---- "it is not fixed for me" ---- */

enum err report_on_verdict(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_report_verdict *e = event->payload;
	struct report_rule rule;
	struct report_count count;
	struct incident incident;
	struct report report;
	if (e->fixed)
		return OK;
	/* Only who was counted to it by somebody here can reopen it: anybody can fill in a form. */
	enum err r = report_get(d->conn, e->report, d->arena, &report, err);
	if (r != OK || report.incident != e->incident)
		return r;
	r = report_rule_get(d->conn, d->arena, &rule, err);
	if (r == OK)
		r = report_count_of(d->conn, e->incident, &count, err);
	if (r == OK)
		r = incident_get(d->conn, e->incident, d->arena, &incident, err);
	if (r != OK || rule.reopen_after == 0 || count.not_fixed < (int64_t)rule.reopen_after ||
	    !str_is(incident.state, "resolved"))
		return r;
	struct incident_act act = {
		.incident = e->incident,
		.via = STR("report"),
		.text = arena_printf(d->arena, "%lld who reported it say that it is not fixed",
				     (long long)count.not_fixed),
	};
	return incident_reopen_decide(d, &act, err);
}
