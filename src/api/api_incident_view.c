/* api_incident_view.c: see api_incident_view.h. */
#include "api/api_incident_view.h"

#include "alert/alert.h"
#include "oncall/paging.h"
#include "wire/doc_json.h"

#define ALERTS_SHOWN 100

static const char *const levels[] = { "high", "medium", "low" };

/* ---- writing ---- */

void api_incident_fields(struct api_call *call, const struct incident *incident)
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
	json_field_text_or_null(json, "service", incident->service);
	json_field_text_or_null(json, "team", incident->team);
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
	api_incident_fields(call, incident);
	json_map_end(&call->json);
}

/* The stored reasons, with the names of rows and columns that a reader needs. */
void api_incident_why(struct api_call *call, const struct incident *incident)
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

static void write_texts(struct api_call *call, const struct alert *alert)
{
	struct json_writer *json = &call->json;
	struct str labels = STR_NONE, annotations = STR_NONE;
	if (alert->lease > 0)
		alert_texts(call->conn, alert->id, &call->arena, &labels, &annotations, NULL);
	json_key(json, "labels");
	if (labels.len > 0) {
		json_raw(json, labels);
	} else {
		json_map_begin(json);
		json_field_text(json, "check", alert->check);
		json_map_end(json);
	}
	json_key(json, "annotations");
	if (annotations.len > 0) {
		json_raw(json, annotations);
	} else {
		json_map_begin(json);
		json_field_text(json, "summary", alert->summary);
		json_map_end(json);
	}
}

void api_alert_row(struct api_call *call, const struct alert *alert)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", alert->id);
	json_field_text(json, "name", alert->name);
	json_field_text(json, "state", alert->state);
	json_field_text(json, "severity", alert->severity);
	json_field_text(json, "source", alert->source);
	json_field_text_or_null(json, "check", alert->check);
	json_field_text_or_null(json, "service", alert->service);
	json_field_text(json, "summary", alert->summary);
	write_texts(call, alert);
	json_field_text_or_null(json, "generator_url", alert->generator);
	json_field_text_or_null(json, "runbook_url", alert->runbook);
	json_field_time(json, "started_at", alert->started);
	json_field_time(json, "fired_at", alert->started);
	json_field_time(json, "resolved_at", alert->resolved);
	json_field_id_or_null(json, "incident", alert->incident);
	json_map_end(json);
}

static bool write_alert(void *context, const struct alert *alert)
{
	api_alert_row(context, alert);
	return true;
}

enum err api_incident_alerts(struct api_call *call, int64_t incident, struct error *err)
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

enum err api_incident_escalation(struct api_call *call, const struct incident *incident,
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
	json_field_text_or_null(json, "policy", built_in ? STR_NONE : escalation.policy);
	json_field_int(json, "round", escalation.state.round);
	json_field_int(json, "rounds", policy.rounds);
	json_field_int(json, "step", phase == ESCALATION_IDLE ? 0 : escalation.state.step + 1);
	json_field_bool(json, "last_resort", phase == ESCALATION_LAST_RESORT);
	json_field_time(json, "next_at", escalation.due);
	write_steps(call, &policy, built_in);
	json_map_end(json);
	return OK;
}
