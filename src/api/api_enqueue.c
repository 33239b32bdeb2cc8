/*
 * api_enqueue.c: POST /v2/enqueue: events by the contract of PagerDuty's Events API v2.
 *
 *     202 {status, message, dedup_key}   durable: its alert began, goes on or is over, its incident was taken
 *     400 {status, message, errors}      wrong for good: what is wrong, all at once
 *     429, 5xx {status, message, errors} later, with Retry-After
 *
 * The routing key is who it is. An acknowledgement is in the name of whoever made the key, because somebody has to
 * answer for it; of an alert that is over or was never heard of it is taken and does nothing, as there.
 */
#include <stdio.h>

#include "alert/alert.h"
#include "alert/alert_integration.h"
#include "api/api_handlers.h"
#include "incident/incident.h"

#define TEST_LASTS TIME_MINUTE

static struct alert_instant now_of(const struct api_call *call)
{
	return (struct alert_instant){ call->now, clock_since_boot(call->api->options.clock) };
}

/* ---- what came in last, for people who set it up ---- */

void api_way_heard(struct api *api, enum api_way way, time_us now)
{
	pthread_mutex_lock(&api->ways.lock);
	api->ways.rows[way].heard = now;
	pthread_mutex_unlock(&api->ways.lock);
}

void api_way_refused(struct api *api, enum api_way way, time_us now, const char *why)
{
	pthread_mutex_lock(&api->ways.lock);
	api->ways.rows[way].refused = now;
	snprintf(api->ways.rows[way].why, sizeof api->ways.rows[way].why, "%s", why);
	pthread_mutex_unlock(&api->ways.lock);
}

/* ---- answers ---- */

static void write_refusal(struct api_call *call, const char *status, const char *message,
			  const struct alert_event_errors *errors)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_cstr(json, "status", status);
	json_field_cstr(json, "message", message);
	json_key(json, "errors");
	json_list_begin(json);
	for (size_t i = 0; i < errors->count; i++)
		json_text(json, errors->rows[i]);
	json_list_end(json);
	json_map_end(json);
}

static struct str joined(struct api_call *call, const struct alert_event_errors *errors)
{
	struct buf out;
	buf_init(&out, ALERT_REFUSED_BYTES_MAX);
	for (size_t i = 0; i < errors->count; i++)
		buf_printf(&out, "%s" STR_FMT, i > 0 ? "; " : "", STR_ARG(errors->rows[i]));
	struct str text = arena_str(&call->arena, buf_str(&out));
	buf_finish(&out);
	return text;
}

static enum err render_refusal(struct api_call *call, struct error *err)
{
	(void)err;
	call->status = 400;
	write_refusal(call, "invalid event", "Event object is invalid", call->context);
	return OK;
}

/* An integration that is known remembers what was wrong; who sends with no good key is told of on the page. */
static enum err refuse(struct api_call *call, int64_t integration, struct alert_event_errors *errors,
		       struct error *err)
{
	struct alert_integration_refuse args = { .integration = integration, .why = joined(call, errors) };
	call->context = errors;
	api_way_refused(call->api, API_WAY_PAGERDUTY, call->now, args.why.ptr);
	if (integration == 0)
		return render_refusal(call, err);
	enum err r = api_change_as(call, ACTOR_SYSTEM, "event_refused", alert_integration_refuse_decide, &args,
				   render_refusal, err);
	return r == ERR_NOT_FOUND ? render_refusal(call, err) : r;
}

static enum err render_taken(struct api_call *call, struct error *err)
{
	const struct alert_event *event = call->context;
	struct json_writer *json = &call->json;
	(void)err;
	call->status = 202;
	json_map_begin(json);
	json_field_cstr(json, "status", "success");
	json_field_cstr(json, "message", "Event processed");
	json_field_text(json, "dedup_key", event->dedup_key);
	json_map_end(json);
	return OK;
}

/* ---- deciding ---- */

struct taking {
	struct alert_event *event;
	int64_t integration;
	struct alert_instant at;
};

static enum err acknowledge(struct decision *d, int64_t integration, int64_t alert_id, struct error *err)
{
	struct alert_integration known;
	struct alert alert;
	struct incident incident;
	struct guard_user user;
	enum err r = alert_integration_get(d->conn, integration, d->arena, &known, err);
	if (r == OK)
		r = alert_get(d->conn, alert_id, d->arena, &alert, err);
	if (r != OK || alert.incident == 0)
		return r;
	r = incident_get(d->conn, alert.incident, d->arena, &incident, err);
	bool there = known.user != 0 && guard_user_by_id(d->conn, d->arena, known.user, &user, NULL) == OK &&
		     !user.disabled;
	if (r != OK || !there || !str_is(incident.state, "open"))
		return r;
	struct incident_act act = { .incident = incident.id, .user = known.user, .via = STR("pagerduty") };
	return incident_acknowledge_decide(d, &act, err);
}

/* People ended its incident: what is told now is a new episode. */
static enum err end_if_people_did(struct decision *d, const struct taking *taking, struct error *err)
{
	struct alert_event over = { .action = ALERT_EVENT_RESOLVE, .dedup_key = taking->event->dedup_key };
	struct alert_event_take end = { .event = &over, .integration = taking->integration, .at = taking->at };
	struct alert alert;
	struct incident incident;
	int64_t id = 0;
	if (!alert_event_alive(d, taking->integration, over.dedup_key, &id))
		return OK;
	enum err r = alert_get(d->conn, id, d->arena, &alert, err);
	if (r == ERR_NOT_FOUND) /* fired in this very batch */
		return OK;
	if (r != OK || alert.incident == 0)
		return r;
	r = incident_get(d->conn, alert.incident, d->arena, &incident, err);
	return r == OK && str_is(incident.state, "resolved") ? alert_event_decide(d, &end, err) : r;
}

static enum err take(struct decision *d, const void *args, struct error *err)
{
	const struct taking *taking = args;
	int64_t alert = 0;
	struct alert_event_take event = { .event = taking->event, .integration = taking->integration,
					  .at = taking->at, .ret_alert = &alert };
	if (taking->event->dedup_key.len == 0) {
		char *key = arena_array(d->arena, char, 33);
		random_hex(d->random, 16, key);
		taking->event->dedup_key = str_of(key);
	}
	enum err r = OK;
	if (taking->event->action == ALERT_EVENT_TRIGGER)
		r = end_if_people_did(d, taking, err);
	if (r == OK)
		r = alert_event_decide(d, &event, err);
	bool taken = taking->event->action == ALERT_EVENT_ACKNOWLEDGE && alert != 0;
	return r == OK && taken ? acknowledge(d, taking->integration, alert, err) : r;
}

/* ---- the request ---- */

static enum err too_many(struct api_call *call, time_us wait, struct error *err)
{
	(void)err;
	struct alert_event_errors errors = { .rows = { STR("Requests for this service are arriving too quickly") },
					     .count = 1 };
	api_header(call, "Retry-After", "%d", (int)(wait / TIME_SECOND) + 1);
	call->status = 429;
	write_refusal(call, "throttle exceeded", "Requests for this service are arriving too quickly.  Please retry later.",
		      &errors);
	return OK;
}

static enum err no_such_key(struct api_call *call, struct error *err)
{
	struct alert_event_errors *errors = arena_new(&call->arena, struct alert_event_errors);
	errors->rows[errors->count++] = STR("Invalid routing key");
	return refuse(call, 0, errors, err);
}

enum err api_enqueue(struct api_call *call, struct error *err)
{
	struct alert_event_errors *errors = arena_new(&call->arena, struct alert_event_errors);
	struct alert_event *event = arena_new(&call->arena, struct alert_event);
	struct taking taking = { .event = event, .at = now_of(call) };
	time_us wait = 0;
	if (guard_intake_take(call->api->events, str_of(call->request->peer), taking.at.boot, &wait) !=
	    GUARD_INTAKE_TAKEN)
		return too_many(call, wait, err);
	bool good = alert_event_read(call->request->body, &call->arena, event, errors);
	enum err r = alert_integration_whose(call->conn, event->routing_key, &taking.integration, err);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	if (!good)
		return refuse(call, taking.integration, errors, err);
	if (r == ERR_NOT_FOUND)
		return no_such_key(call, err);
	call->context = event;
	r = api_change_as(call, ACTOR_SYSTEM, "event", take, &taking, render_taken, err);
	if (r == ERR_NOT_FOUND) /* revoked meanwhile */
		return no_such_key(call, err);
	if (r == OK)
		api_way_heard(call->api, API_WAY_PAGERDUTY, call->now);
	return r;
}

/* ---- a test event: everything of a real one, of low urgency, and over in a minute ---- */

static enum err render_test(struct api_call *call, struct error *err)
{
	(void)err;
	json_map_begin(&call->json);
	json_field_text(&call->json, "dedup_key", ((const struct alert_event *)call->context)->dedup_key);
	json_field_time(&call->json, "ends_at", call->now + TEST_LASTS);
	json_map_end(&call->json);
	return OK;
}

enum err api_integration_test(struct api_call *call, struct error *err)
{
	struct alert_event event = {
		.action = ALERT_EVENT_TRIGGER,
		.summary = STR("Test event: this is how an event of this integration arrives"),
		.source = STR("Mainstay"), .severity = STR("info"), .client = call->principal.name,
		.at = TIME_NONE, .lasts = TEST_LASTS,
	};
	struct taking taking = { .event = &event, .at = now_of(call) };
	enum err r = api_id(call, 0, &taking.integration, err);
	if (r != OK)
		return r;
	call->context = &event;
	return api_change_as(call, ACTOR_SYSTEM, "integration_test", take, &taking, render_test, err);
}
