/* api_incident.c: incidents and what people do to them. */
#include <assert.h>
#include <string.h>

#include "alert/alert.h"
#include "api/api_handlers.h"
#include "incident/incident.h"
#include "journal/journal.h"
#include "notify/notify.h"
#include "oncall/paging.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define PAGES_SHOWN 100
#define ALERTS_SHOWN 100

static const char *const levels[] = { "high", "medium", "low", NULL };
static const char *const visibilities[] = { "everyone", "team", "private", NULL };

/* ---- writing ---- */

static void text_or_null(struct json_writer *json, const char *key, struct str text)
{
	json_key(json, key);
	if (text.len > 0)
		json_text(json, text);
	else
		json_null(json);
}

static void write_row_fields(struct api_call *call, const struct incident *incident)
{
	struct json_writer *json = &call->json;
	struct paging_escalation escalation = { 0 };
	bool found;
	if (paging_escalation_get(call->conn, incident->id, &call->arena, &found, &escalation, NULL) != OK)
		found = false;
	json_field_int(json, "id", incident->id);
	json_field_text(json, "title", incident->title);
	json_field_text(json, "state", incident->state);
	json_field_text(json, "priority", incident->priority);
	json_field_text(json, "impact", incident->impact);
	json_field_text(json, "urgency", incident->urgency);
	text_or_null(json, "service", incident->service);
	text_or_null(json, "team", incident->team);
	json_field_time(json, "opened_at", incident->opened);
	json_field_time(json, "acknowledged_at", incident->acknowledged);
	api_person(call, "acknowledged_by", incident->acknowledged_by);
	json_field_time(json, "ack_until", incident->ack_until);
	json_field_time(json, "resolved_at", incident->resolved);
	api_person(call, "assignee", incident->acknowledged_by);
	json_field_int(json, "alerts_firing", incident->firing);
	json_field_time(json, "next_page_at", found && !str_is(incident->state, "resolved")
						      ? escalation.due : TIME_NONE);
	json_field_text(json, "visibility", incident->visibility);
}

void api_incident_row(struct api_call *call, const struct incident *incident)
{
	json_map_begin(&call->json);
	write_row_fields(call, incident);
	json_map_end(&call->json);
}

/* The stored reasons, with the names of rows and columns that a reader needs. */
static void write_why(struct api_call *call, const struct incident *incident)
{
	struct json_writer *json = &call->json;
	const struct doc_node *why;
	if (doc_json_parse(incident->why, &call->arena, DOC_LIMITS_DEFAULT, NULL, &why, NULL) != OK)
		why = NULL;
	json_key(json, "why");
	json_map_begin(json);
	json_field_text(json, "impact", incident->impact);
	json_field_text(json, "impact_reason", doc_text(doc_get(why, "impact_reason"), ""));
	json_field_text(json, "urgency", incident->urgency);
	json_field_text(json, "urgency_reason", doc_text(doc_get(why, "urgency_reason"), ""));
	json_key(json, "cell");
	json_list_begin(json);
	json_int(json, incident_level(incident->impact));
	json_int(json, incident_level(incident->urgency));
	json_list_end(json);
	json_key(json, "matrix");
	json_map_begin(json);
	json_field_cstr(json, "name", "default");
	for (int side = 0; side < 2; side++) {
		json_key(json, side == 0 ? "impacts" : "urgencies");
		json_list_begin(json);
		for (int i = 0; i < 3; i++)
			json_cstr(json, levels[i]);
		json_list_end(json);
	}
	json_key(json, "cells");
	json_list_begin(json);
	for (size_t i = 0; i < 3; i++) {
		json_list_begin(json);
		for (size_t j = 0; j < 3; j++)
			json_text(json, doc_text(doc_at(doc_at(doc_get(why, "matrix"), i), j), "P3"));
		json_list_end(json);
	}
	json_list_end(json);
	json_map_end(json);
	json_map_end(json);
}

void api_alert_row(struct api_call *call, const struct alert *alert)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", alert->id);
	json_field_text(json, "name", alert->name);
	json_field_text(json, "state", alert->state);
	json_field_text(json, "severity", alert->severity);
	text_or_null(json, "check", alert->check);
	text_or_null(json, "service", alert->service);
	json_key(json, "labels");
	json_map_begin(json);
	json_field_text(json, "check", alert->check);
	json_map_end(json);
	json_key(json, "annotations");
	json_map_begin(json);
	json_field_text(json, "summary", alert->summary);
	json_map_end(json);
	json_field_time(json, "started_at", alert->started);
	json_field_time(json, "fired_at", alert->started);
	json_field_time(json, "resolved_at", alert->resolved);
	json_key(json, "incident");
	if (alert->incident > 0)
		json_int(json, alert->incident);
	else
		json_null(json);
	json_map_end(json);
}

static bool write_alert(void *context, const struct alert *alert)
{
	api_alert_row(context, alert);
	return true;
}

static enum err write_alerts(struct api_call *call, int64_t incident, struct error *err)
{
	struct alert_filter filter = { .incident = incident, .limit = ALERTS_SHOWN };
	json_key(&call->json, "alerts");
	json_list_begin(&call->json);
	enum err r = alert_list(call->conn, &filter, &call->arena, write_alert, call, err);
	json_list_end(&call->json);
	return r;
}

/* ---- escalation ---- */

static void write_users_of_team(struct api_call *call, struct str team)
{
	struct guard_member *members;
	size_t count;
	if (guard_team_members(call->conn, &call->arena, team, &members, &count, NULL) != OK)
		return;
	for (size_t i = 0; i < count; i++) {
		struct guard_user user;
		if (members[i].user == 0 ||
		    guard_user_by_id(call->conn, &call->arena, members[i].user, &user, NULL) != OK)
			continue;
		json_map_begin(&call->json);
		json_field_int(&call->json, "id", user.id);
		json_field_text(&call->json, "name", user.name);
		json_map_end(&call->json);
	}
}

static void write_users_on_call(struct api_call *call, struct str name)
{
	struct schedule *schedule;
	struct oncall_answer answer;
	if (paging_schedule(call->conn, call->api->options.zones, name, &call->arena, &schedule, NULL) !=
	    OK)
		return;
	oncall_at(schedule, call->now, &answer);
	for (size_t i = 0; i < answer.count; i++) {
		struct guard_user user;
		if (guard_user_by_id(call->conn, &call->arena, answer.people[i].user, &user, NULL) != OK)
			continue;
		json_map_begin(&call->json);
		json_field_int(&call->json, "id", user.id);
		json_field_text(&call->json, "name", user.name);
		json_map_end(&call->json);
	}
}

static void write_target(struct api_call *call, const struct escalation_target *target)
{
	struct json_writer *json = &call->json;
	struct guard_user user = { 0 };
	if (target->kind == ESCALATION_USER)
		guard_user_by_id(call->conn, &call->arena, target->user, &user, NULL);
	json_map_begin(json);
	json_field_cstr(json, "kind", target->kind == ESCALATION_USER	  ? "user"
				    : target->kind == ESCALATION_SCHEDULE ? "schedule" : "team");
	json_field_text(json, "name", target->kind == ESCALATION_USER ? user.name : target->name);
	json_key(json, "users");
	json_list_begin(json);
	if (target->kind == ESCALATION_SCHEDULE)
		write_users_on_call(call, target->name);
	else if (target->kind == ESCALATION_TEAM)
		write_users_of_team(call, target->name);
	else if (user.id != 0) {
		json_map_begin(json);
		json_field_int(json, "id", user.id);
		json_field_text(json, "name", user.name);
		json_map_end(json);
	}
	json_list_end(json);
	json_map_end(json);
}

static void write_steps(struct api_call *call, const struct escalation_policy *policy, bool built_in)
{
	struct json_writer *json = &call->json;
	json_key(json, "steps");
	json_list_begin(json);
	for (size_t i = 0; !built_in && i < policy->step_count; i++) {
		json_map_begin(json);
		api_duration(json, "delay", policy->steps[i].delay);
		json_key(json, "targets");
		json_list_begin(json);
		for (size_t t = 0; t < policy->steps[i].target_count; t++)
			write_target(call, &policy->steps[i].targets[t]);
		json_list_end(json);
		json_map_end(json);
	}
	json_list_end(json);
}

static const char *escalation_word(enum escalation_phase phase)
{
	switch (phase) {
	case ESCALATION_RUNNING:
	case ESCALATION_LAST_RESORT:
		return "running";
	case ESCALATION_ACKNOWLEDGED:
	case ESCALATION_ASKING:
	case ESCALATION_QUIET:
		return "waiting";
	case ESCALATION_IDLE:
	case ESCALATION_STOPPED:
		return "stopped";
	}
	return "stopped";
}

static enum err write_escalation(struct api_call *call, const struct incident *incident,
				 struct error *err)
{
	struct json_writer *json = &call->json;
	struct paging_escalation escalation;
	struct escalation_policy policy;
	bool found, built_in;
	enum err r = paging_escalation_get(call->conn, incident->id, &call->arena, &found, &escalation,
					   err);
	if (r == OK && found)
		r = paging_policy(call->conn, escalation.policy, &call->arena, &policy, &built_in, err);
	if (r != OK)
		return r;
	json_key(json, "escalation");
	if (!found) {
		json_null(json);
		return OK;
	}
	enum escalation_phase phase = escalation.state.phase;
	json_map_begin(json);
	json_field_cstr(json, "state", escalation_word(phase));
	text_or_null(json, "policy", built_in ? STR_NONE : escalation.policy);
	json_field_int(json, "round", escalation.state.round);
	json_field_int(json, "rounds", policy.rounds);
	json_field_int(json, "step", phase == ESCALATION_IDLE ? 0 : escalation.state.step + 1);
	json_field_bool(json, "last_resort", phase == ESCALATION_LAST_RESORT);
	json_field_time(json, "next_at", escalation.due);
	write_steps(call, &policy, built_in);
	json_map_end(json);
	return OK;
}

/* ---- one incident ---- */

static bool takes_part(const struct api_call *call, const struct incident *incident)
{
	return incident->opened_by == call->principal.user ||
	       incident->acknowledged_by == call->principal.user;
}

enum err api_incident(struct api_call *call, int64_t id, struct incident *ret_incident,
		      struct error *err)
{
	struct incident incident;
	enum err r = incident_get(call->conn, id, &call->arena, &incident, err);
	if (r != OK)
		return r;
	if (!guard_sees(&call->principal, incident.visibility, incident.team,
			takes_part(call, &incident)))
		return error_set(err, ERR_NOT_FOUND, "there is no incident %lld", (long long)id);
	*ret_incident = incident;
	return OK;
}

struct reasons {
	struct str text;
};

static bool see_reason(void *context, const struct event *event)
{
	struct reasons *reasons = context;
	const struct event_incident_resolved *e = event->payload;
	if (e != NULL)
		reasons->text = e->reason;
	return false;
}

static enum err write_reason(struct api_call *call, const struct incident *incident,
			     struct error *err)
{
	static const char *const kinds[] = { "incident.resolved", NULL };
	struct reasons reasons = { STR_NONE };
	struct journal_filter filter = {
		.subject = incident->id, .kinds = kinds, .newest_first = true, .limit = 1,
		.up_to_seq = store_as_of_seq(call->conn),
	};
	enum err r = OK;
	if (str_is(incident->state, "resolved"))
		r = journal_read(call->conn, &filter, &call->arena, see_reason, &reasons, err);
	text_or_null(&call->json, "resolve_reason", reasons.text);
	return r;
}

static enum err write_incident(struct api_call *call, struct error *err)
{
	struct incident incident;
	int64_t id = *(const int64_t *)call->context;
	enum err r = incident_get(call->conn, id, &call->arena, &incident, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	write_row_fields(call, &incident);
	api_person(call, "opened_by", incident.opened_by);
	r = write_reason(call, &incident, err);
	write_why(call, &incident);
	if (r == OK)
		r = write_alerts(call, id, err);
	if (r == OK)
		r = write_escalation(call, &incident, err);
	if (r != OK)
		return r;
	json_key(&call->json, "pages");
	r = api_pages(call, &(struct notify_filter){ .incident = id, .limit = PAGES_SHOWN }, err);
	json_map_end(&call->json);
	return r;
}

enum err api_incident_get(struct api_call *call, struct error *err)
{
	struct incident incident;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_incident(call, id, &incident, err);
	if (r != OK)
		return r;
	call->context = &id;
	return write_incident(call, err);
}

/* ---- the list ---- */

struct listing {
	struct api_call *call;
	struct api_list list;
};

static bool list_incident(void *context, const struct incident *incident)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, incident->id, STR_NONE))
		return false;
	api_incident_row(listing->call, incident);
	return true;
}

enum err api_incident_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, NULL, "? IN (opened_by, acknowledged_by)", visible);
	struct incident_filter filter = {
		.states = api_query(call, "state"),
		.priorities = api_query(call, "priority"),
		.team = api_query(call, "team"),
		.service = api_query(call, "service"),
		.text = api_query(call, "q"),
		.visible = str_of(visible->text),
		.visible_values = visible->values,
		.visible_count = visible->count,
	};
	time_parse(api_query(call, "from"), &filter.from);
	time_parse(api_query(call, "to"), &filter.to);
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = listing.list.limit + 1;
	r = incident_list(call->conn, &filter, &call->arena, list_incident, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

/* ---- the timeline ---- */

static void write_timeline_item(struct api_call *call, const struct event *event)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "seq", event->seq);
	json_field_time(json, "at", event->event_time);
	json_field_time(json, "recorded_at", event->recorded_time);
	api_person(call, "actor", event->actor);
	json_field_cstr(json, "kind", event_kinds[event->kind].name);
	json_field_text(json, "text", api_sentence(call, event));
	json_key(json, "details");
	json_raw(json, event->json.len > 0 ? event->json : STR("{}"));
	const struct event_escalation_moved *moved = event->payload;
	if (event->kind == EVENT_ESCALATION_MOVED && moved != NULL && moved->late > TIME_SECOND)
		json_field_int(json, "late_us", moved->late);
	json_map_end(json);
}

static bool list_event(void *context, const struct event *event)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, event->seq, STR_NONE))
		return false;
	write_timeline_item(listing->call, event);
	return true;
}

enum err api_incident_timeline(struct api_call *call, struct error *err)
{
	static const char *const kinds[] = { "incident.", "escalation.", "page.", NULL };
	struct listing listing = { .call = call };
	struct incident incident;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_incident(call, id, &incident, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	struct journal_filter filter = {
		.subject = id,
		.kinds = kinds,
		.after_seq = listing.list.before_id,
		.up_to_seq = store_as_of_seq(call->conn),
		.limit = listing.list.limit + 1,
	};
	r = journal_read(call->conn, &filter, &call->arena, list_event, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

/* ---- changes ---- */

static const struct spec_field create_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = INCIDENT_TITLE_BYTES_MAX, .about = "What is wrong, for whom." },
	{ .name = "service", .type = SPEC_NAME, .about = "The service that suffers." },
	{ .name = "impact", .type = SPEC_CHOICE, .choices = levels, .about = "How much is broken." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = levels, .about = "How soon it must be mended." },
	{ .name = "team", .type = SPEC_NAME, .about = "The team that answers for it." },
	{ .name = "visibility", .type = SPEC_CHOICE, .choices = visibilities, .about = "Who may know." },
	{ .name = NULL },
};

enum err api_incident_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	enum err r = api_body(call, create_fields, &body, err);
	if (r != OK)
		return r;
	struct incident_open open = {
		.title = doc_text(doc_get(body, "title"), ""),
		.service = doc_text(doc_get(body, "service"), ""),
		.impact = doc_text(doc_get(body, "impact"), ""),
		.urgency = doc_text(doc_get(body, "urgency"), ""),
		.team = doc_text(doc_get(body, "team"), ""),
		.visibility = doc_text(doc_get(body, "visibility"), ""),
		.source = call->principal.by == PRINCIPAL_TOKEN ? STR("api") : STR("person"),
		.ret_incident = &id,
	};
	call->context = &id;
	call->status = 201;
	return api_change(call, "incident_create", incident_open_decide, &open, write_incident, err);
}

struct acting {
	struct incident_act act;
	bool undoable;
};

static enum err write_action(struct api_call *call, struct error *err)
{
	const struct acting *acting = call->context;
	struct incident incident;
	int64_t seq;
	time_us recorded;
	enum err r = incident_get(call->conn, acting->act.incident, &call->arena, &incident, err);
	if (r == OK)
		r = journal_last_by(call->conn, acting->act.incident, call->principal.user, &seq, &recorded,
				    err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_int(&call->json, "seq", seq);
	json_field_time(&call->json, "undo_until",
			acting->undoable ? recorded + INCIDENT_UNDO_WITHIN : TIME_NONE);
	json_key(&call->json, "incident");
	api_incident_row(call, &incident);
	json_map_end(&call->json);
	return OK;
}

static struct str via_of(const struct api_call *call)
{
	struct str agent;
	if (call->principal.by != PRINCIPAL_TOKEN)
		return STR("ui");
	bool cli = http_request_header(call->request, "User-Agent", &agent) &&
		   str_starts(agent, STR("mainstay-cli"));
	return cli ? STR("cli") : STR("api");
}

/* The incident of the path, for whoever may see it, and the body by its rows. */
static enum err begin_act(struct api_call *call, const struct spec_field *rows,
			  struct acting *acting, const struct doc_node **ret_body, struct error *err)
{
	struct incident incident;
	enum err r = api_id(call, 0, &acting->act.incident, err);
	if (r == OK)
		r = api_incident(call, acting->act.incident, &incident, err);
	if (r == OK)
		r = api_body(call, rows, ret_body, err);
	if (r != OK)
		return r;
	acting->act.user = call->principal.user;
	acting->act.via = via_of(call);
	call->context = acting;
	return OK;
}

static const struct spec_field no_fields[] = { { .name = NULL } };
static const struct spec_field reason_fields[] = {
	{ .name = "reason", .type = SPEC_TEXT, .max = 2000, .about = "Why." },
	{ .name = NULL },
};
static const struct spec_field text_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = INCIDENT_TEXT_BYTES_MAX, .about = "The note." },
	{ .name = NULL },
};
static const struct spec_field title_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = INCIDENT_TITLE_BYTES_MAX, .about = "The new title." },
	{ .name = NULL },
};
static const struct spec_field priority_fields[] = {
	{ .name = "impact", .type = SPEC_CHOICE, .choices = levels, .flags = SPEC_REQUIRED,
	  .about = "How much is broken." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = levels, .flags = SPEC_REQUIRED,
	  .about = "How soon it must be mended." },
	{ .name = "reason", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 2000,
	  .about = "Why." },
	{ .name = NULL },
};
static const struct spec_field undo_fields[] = {
	{ .name = "seq", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .max = INT64_MAX,
	  .about = "The event that is taken back." },
	{ .name = NULL },
};

enum err api_incident_acknowledge(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = true };
	const struct doc_node *body;
	enum err r = begin_act(call, no_fields, &acting, &body, err);
	if (r != OK)
		return r;
	return api_change(call, "incident_acknowledge", incident_acknowledge_decide, &acting.act,
			  write_action, err);
}

enum err api_incident_resolve(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = true };
	const struct doc_node *body;
	enum err r = begin_act(call, reason_fields, &acting, &body, err);
	if (r != OK)
		return r;
	acting.act.text = doc_text(doc_get(body, "reason"), "");
	return api_change(call, "incident_resolve", incident_resolve_decide, &acting.act, write_action,
			  err);
}

enum err api_incident_reopen(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = false };
	const struct doc_node *body;
	enum err r = begin_act(call, reason_fields, &acting, &body, err);
	if (r != OK)
		return r;
	acting.act.text = doc_text(doc_get(body, "reason"), "");
	return api_change(call, "incident_reopen", incident_reopen_decide, &acting.act, write_action, err);
}

enum err api_incident_note(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = true };
	const struct doc_node *body;
	enum err r = begin_act(call, text_fields, &acting, &body, err);
	if (r != OK)
		return r;
	acting.act.text = doc_text(doc_get(body, "text"), "");
	return api_change(call, "incident_note", incident_note_decide, &acting.act, write_action, err);
}

enum err api_incident_retitle(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = false };
	const struct doc_node *body;
	enum err r = begin_act(call, title_fields, &acting, &body, err);
	if (r != OK)
		return r;
	acting.act.text = doc_text(doc_get(body, "title"), "");
	return api_change(call, "incident_retitle", incident_retitle_decide, &acting.act, write_action,
			  err);
}

enum err api_incident_priority(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = true };
	const struct doc_node *body;
	enum err r = begin_act(call, priority_fields, &acting, &body, err);
	if (r != OK)
		return r;
	acting.act.impact = doc_text(doc_get(body, "impact"), "");
	acting.act.urgency = doc_text(doc_get(body, "urgency"), "");
	acting.act.text = doc_text(doc_get(body, "reason"), "");
	return api_change(call, "incident_priority", incident_priority_decide, &acting.act, write_action,
			  err);
}

enum err api_incident_escalate(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = false };
	const struct doc_node *body;
	enum err r = begin_act(call, no_fields, &acting, &body, err);
	if (r != OK)
		return r;
	return api_change(call, "incident_escalate", paging_escalate_decide, &acting.act.incident,
			  write_action, err);
}

enum err api_incident_undo(struct api_call *call, struct error *err)
{
	struct acting acting = { .undoable = false };
	const struct doc_node *body;
	enum err r = begin_act(call, undo_fields, &acting, &body, err);
	if (r != OK)
		return r;
	acting.act.seq = doc_int(doc_get(body, "seq"), 0);
	return api_change(call, "incident_undo", incident_undo_decide, &acting.act, write_action, err);
}
