/*
 * test_api_world.h: the whole product in one test process, without sockets: every room's tables and
 * wires on a SQLite file of its own, a clock that stands still, people who are signed in.
 *
 *	struct api_world w;
 *	api_world_open(&w, "name", NULL);
 *	struct api_person ann = api_world_person(&w, "ann@example.com", "Ann", ROLE_RESPONDER);
 *	struct api_result got = api_call(&w, &ann, "GET", "/api/v1/users?limit=2", NULL);
 *	CHECK_INT(got.status, 200);
 *	CHECK_STR(doc_text(api_at(&got, "items/0/name"), ""), "Ann");
 *	api_world_close(&w);
 *
 * A result lives as long as the world. Commands run in the caller's thread, each in its transaction.
 */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/alert.h"
#include "api/api.h"
#include "base/check.h"
#include "base/mem.h"
#include "comms/comms_maintenance.h"
#include "comms/comms_report.h"
#include "comms/comms_subscriber.h"
#include "guard/guard_vault.h"
#include "incident/incident.h"
#include "journal/journal.h"
#include "monitor/monitor.h"
#include "notify/notify.h"
#include "oncall/paging.h"
#include "resource/definition.h"
#include "review/review.h"
#include "wire/doc.h"
#include "wire/doc_json.h"
#include "wire/url.h"
#include "store/test_store.h"

#define API_WORLD_TABLES_MAX 128
#define API_WORLD_HEADERS_MAX 8
#define API_WORLD_PARAMS_MAX 16
#define API_WORLD_URL "https://mainstay.example.com"

extern apply_fn journal_apply_clock_stepped, journal_apply_timer_parked;

/* ---- wires: as in production, but without followers ---- */

static const struct wire_apply api_world_applies[] = {
	{ EVENT_CLOCK_STEPPED, journal_apply_clock_stepped },
	{ EVENT_TIMER_PARKED, journal_apply_timer_parked },
	{ EVENT_DEFINITION_PUT, definition_apply_put },
	{ EVENT_DEFINITION_PUT, guard_apply_definition_put },
	{ EVENT_DEFINITION_DELETED, definition_apply_deleted },
	{ EVENT_DEFINITION_DELETED, guard_apply_definition_deleted },
	{ EVENT_USER_CREATED, guard_apply_user_created },
	{ EVENT_USER_CHANGED, guard_apply_user_changed },
	{ EVENT_USER_PROFILE_CHANGED, guard_apply_user_profile_changed },
	{ EVENT_USER_PASSWORD_SET, guard_apply_user_password_set },
	{ EVENT_TOKEN_CREATED, guard_apply_token_created },
	{ EVENT_TOKEN_REVOKED, guard_apply_token_revoked },
	{ EVENT_AUDIT_OPENED, guard_apply_audit_opened },
	{ EVENT_CONTACT_PUT, paging_apply_contact_put },
	{ EVENT_CONTACT_REMOVED, paging_apply_contact_removed },
	{ EVENT_OVERRIDE_PUT, paging_apply_override_put },
	{ EVENT_OVERRIDE_CANCELLED, paging_apply_override_cancelled },
	{ EVENT_CHECK_CHANGED, monitor_apply_changed },
	{ EVENT_CHECK_PAUSED, monitor_apply_paused },
	{ EVENT_CHECK_RESUMED, monitor_apply_resumed },
	{ EVENT_MUTE_STARTED, alert_apply_mute_started },
	{ EVENT_MUTE_ENDED, alert_apply_mute_ended },
	{ EVENT_ALERT_BATCH, alert_apply_batch },
	{ EVENT_INCIDENT_OPENED, incident_apply_opened },
	{ EVENT_INCIDENT_OPENED, paging_apply_opened },
	{ EVENT_INCIDENT_ALERT_JOINED, incident_apply_alert_joined },
	{ EVENT_INCIDENT_ALERT_JOINED, alert_apply_joined },
	{ EVENT_INCIDENT_ALERT_ENDED, incident_apply_alert_ended },
	{ EVENT_INCIDENT_ALERTS_JOINED, incident_apply_alerts_joined },
	{ EVENT_INCIDENT_ALERTS_JOINED, alert_apply_joined_many },
	{ EVENT_INCIDENT_ALERTS_ENDED, incident_apply_alerts_ended },
	{ EVENT_INCIDENT_ACKNOWLEDGED, incident_apply_acknowledged },
	{ EVENT_INCIDENT_ACK_LAPSED, incident_apply_ack_lapsed },
	{ EVENT_INCIDENT_RESOLVED, incident_apply_resolved },
	{ EVENT_INCIDENT_REOPENED, incident_apply_reopened },
	{ EVENT_INCIDENT_PRIORITY_SET, incident_apply_priority_set },
	{ EVENT_INCIDENT_PRIORITY_SET, paging_apply_priority_set },
	{ EVENT_INCIDENT_RETITLED, incident_apply_retitled },
	{ EVENT_INCIDENT_RETITLED, paging_apply_retitled },
	{ EVENT_INCIDENT_UNDONE, incident_apply_undone },
	{ EVENT_ESCALATION_MOVED, paging_apply_moved },
	{ EVENT_PAGE_CREATED, notify_apply_created },
	{ EVENT_PAGE_ATTEMPTED, notify_apply_attempted },
	{ EVENT_PAGE_CANCELLED, notify_apply_cancelled },
	{ 0 },
};

static const struct wire_now api_world_nows[] = {
	{ EVENT_CHECK_CHANGED, "alert_from_check", alert_from_check },
	{ EVENT_MUTE_ENDED, "alert_after_mute", alert_after_mute },
	{ EVENT_ALERT_BATCH, "incident_from_alerts", incident_from_alerts },
	{ EVENT_INCIDENT_ALERT_ENDED, "incident_after_alert_ended", incident_after_alert_ended },
	{ EVENT_INCIDENT_ALERTS_ENDED, "incident_after_alerts_ended", incident_after_alerts_ended },
	{ EVENT_INCIDENT_OPENED, "paging_on_opened", paging_on_opened },
	{ EVENT_INCIDENT_ACKNOWLEDGED, "paging_on_acknowledged", paging_on_acknowledged },
	{ EVENT_INCIDENT_RESOLVED, "paging_on_resolved", paging_on_resolved },
	{ EVENT_INCIDENT_REOPENED, "paging_on_reopened", paging_on_reopened },
	{ EVENT_INCIDENT_PRIORITY_SET, "paging_on_priority_set", paging_on_priority_set },
	{ EVENT_INCIDENT_UNDONE, "paging_on_undone", paging_on_undone },
	{ EVENT_ESCALATION_REQUESTED, "paging_on_requested", paging_on_requested },
	{ EVENT_ESCALATION_MOVED, "incident_after_escalation", incident_after_escalation },
	{ EVENT_USER_CREATED, "paging_on_user_created", paging_on_user_created },
	{ EVENT_PAGE_TESTED, "paging_on_tested", paging_on_tested },
	{ EVENT_DEFINITION_DELETED, "monitor_on_deleted", monitor_on_deleted },
	{ 0 },
};

static const struct wire_after api_world_afters[] = { { 0 } };
static const struct wire_timer api_world_timers[] = {
	{ PAGING_TIMER, paging_due },
	{ ALERT_MUTE_TIMER, alert_mute_due },
	{ 0 },
};

/* ---- the world ---- */

struct api_world {
	char path[64];
	struct store *store;
	struct clock clock;
	struct random random;
	struct zones *zones;
	struct paging_room oncall;
	struct alert_book *alerts;
	struct guard_vault vault;
	struct world_room rooms[4];
	const struct store_table *tables[API_WORLD_TABLES_MAX];
	struct wiring wiring;
	struct world *world;
	struct store_conn *conn; /* a reader's, for the test itself */
	struct arena arena;      /* of everything that is answered */
	struct api *api;
	struct error err; /* of the last command that the test gave by itself */
	unsigned requests;
};

/* NULL in place of a person: nobody is signed in. */
struct api_person {
	int64_t id;
	struct guard_session_made session;
	const char *token; /* NULL: the session is used */
};

struct api_result {
	int status;
	struct str type, body;
	const struct doc_node *doc; /* of JSON; else NULL */
	struct http_field headers[API_WORLD_HEADERS_MAX];
	size_t header_count;
};

static inline void api_world_add_tables(struct api_world *w, const struct store_table *const *tables)
{
	size_t at = 0;
	while (w->tables[at] != NULL)
		at++;
	for (; *tables != NULL; tables++, at++) {
		CHECK(at + 1 < API_WORLD_TABLES_MAX);
		w->tables[at] = *tables;
	}
}

static inline void api_world_settle(const void *book, bool stored)
{
	alert_book_settle((struct alert_book *)book, stored);
}

static inline enum err api_world_run(void *context, struct command *command, struct error *err)
{
	struct api_world *w = context;
	struct command *batch[] = { command };
	world_run(w->world, batch, 1);
	*err = command->error;
	return command->result;
}

/* A command of the test's own; its error is in w->err. */
static inline enum err api_world_decide(struct api_world *w, struct actor actor, decide_fn *decide,
					const void *args)
{
	struct command command = { .name = "test", .decide = decide, .args = args, .actor = actor };
	return api_world_run(w, &command, &w->err);
}

static inline void api_world_all_tables(struct api_world *w)
{
	api_world_add_tables(w, journal_tables);
	api_world_add_tables(w, guard_tables);
	api_world_add_tables(w, definition_tables);
	api_world_add_tables(w, notify_tables);
	api_world_add_tables(w, monitor_tables);
	api_world_add_tables(w, alert_tables);
	api_world_add_tables(w, paging_tables);
	api_world_add_tables(w, incident_tables);
	api_world_add_tables(w, comms_update_tables);
	api_world_add_tables(w, comms_maintenance_tables);
	api_world_add_tables(w, review_tables);
	api_world_add_tables(w, report_tables);
	api_world_add_tables(w, subscriber_tables);
	api_world_add_tables(w, api_tables);
}

/* `more` adds to what api_create is given (sense, settings, ...); NULL: nothing. It is Sunday,
 * 2026-03-08T02:00:00Z. */
static inline void api_world_open(struct api_world *w, const char *name,
				  const struct api_options *more)
{
	struct error err;
	time_us start;
	*w = (struct api_world){ .oncall = { .public_url = API_WORLD_URL } };
	snprintf(w->path, sizeof w->path, "/tmp/mainstay-test-%d-%s", (int)getpid(), name);
	unlink(w->path);
	CHECK(time_parse(STR("2026-03-08T02:00:00Z"), &start));
	clock_manual(&w->clock, start);
	random_seeded(&w->random, 7);
	arena_init(&w->arena, 512u << 20);
	w->zones = zones_create(NULL);
	w->oncall.zones = w->zones;
	w->rooms[0] = (struct world_room){ "oncall", &w->oncall, NULL };
	w->alerts = alert_book_create();
	w->rooms[1] = (struct world_room){ ALERT_ROOM, w->alerts, api_world_settle };
	w->rooms[2] = (struct world_room){ GUARD_VAULT_ROOM, &w->vault, NULL };
	api_world_all_tables(w);
	w->wiring = (struct wiring){ w->tables, api_world_applies, api_world_nows, api_world_afters,
				     api_world_timers };
	test_store_open(w->path, &w->store);
	struct world_options options = {
		.rooms = w->rooms,
		.name = "test",
		.store = w->store,
		.clock = &w->clock,
		.random = &w->random,
		.wiring = &w->wiring,
		.authorise = guard_authorise,
	};
	CHECK_OK(world_open(&options, &w->world, &err));
	CHECK_OK(store_connect(w->store, true, &w->conn, &err));
	struct api_options api = more != NULL ? *more : (struct api_options){ 0 };
	api.world = w->world;
	api.run = api_world_run;
	api.run_context = w;
	api.clock = &w->clock;
	api.random = &w->random;
	api.zones = w->zones;
	api.public_url = API_WORLD_URL;
	api.version = "0.0.1";
	CHECK_OK(api_create(&api, &w->api, &err));
}

static inline void api_world_close(struct api_world *w)
{
	char path[80];
	api_destroy(&w->api);
	store_disconnect(&w->conn);
	world_close(&w->world);
	alert_book_destroy(&w->alerts);
	store_close(&w->store);
	zones_destroy(&w->zones);
	arena_finish(&w->arena);
	unlink(w->path);
	snprintf(path, sizeof path, "%s-wal", w->path);
	unlink(path);
	snprintf(path, sizeof path, "%s-shm", w->path);
	unlink(path);
}

/* Time passes, and what is due then happens. */
static inline void api_world_pass(struct api_world *w, time_us by)
{
	clock_advance(&w->clock, by);
	for (int i = 0; i < 1000 && world_run_timers(w->world); i++)
		;
}

/* ---- people ---- */

/* An account that is signed in by a link. */
static inline struct api_person api_world_person(struct api_world *w, const char *email,
						 const char *name, enum role role)
{
	struct api_person person = { .id = 0 };
	struct guard_user_create create = { str_of(email), str_of(name), role, &person.id };
	CHECK_INT(api_world_decide(w, ACTOR_SYSTEM, guard_decide_user_create, &create), OK);
	struct guard_link_made link;
	struct guard_link_make make = { person.id, GUARD_LINK_FOR_RESET, &link };
	CHECK_INT(api_world_decide(w, ACTOR_SYSTEM, guard_decide_link_make, &make), OK);
	struct principal principal;
	CHECK_INT(guard_principal_from_link(w->conn, &w->arena, str_of(link.token),
					    clock_wall(&w->clock), &principal, &w->err),
		  OK);
	struct guard_sign_in_link in = { STR("192.0.2.1"), &person.session };
	CHECK_INT(api_world_decide(w, guard_actor(&principal), guard_decide_sign_in_link, &in), OK);
	return person;
}

/* A definition as if it had been applied; `spec` is canonical JSON. */
static inline void api_world_define(struct api_world *w, const char *kind, const char *name,
				    const char *spec)
{
	struct definition_change change = {
		.kind = str_of(kind), .name = str_of(name), .spec = str_of(spec),
		.manager = STR(DEFINITION_PEOPLE), .expect_revision = -1,
	};
	struct definition_changes changes = { &change, 1 };
	enum err r = api_world_decide(w, ACTOR_SYSTEM, definition_change_decide, &changes);
	if (r != OK)
		fail_msg("%s \"%s\" was not taken: %s", kind, name, w->err.text);
}

/* ---- calls ---- */

struct api_world_request {
	struct http_request request;
	struct http_field headers[API_WORLD_HEADERS_MAX + 4];
	struct http_field params[API_WORLD_PARAMS_MAX];
};

static inline struct str api_world_decoded(struct api_world *w, struct str text)
{
	size_t length = 0;
	char *out = arena_alloc(&w->arena, text.len + 1);
	CHECK(url_decode(text, true, out, &length));
	return (struct str){ out, length };
}

static inline void api_world_target(struct api_world *w, struct api_world_request *r, const char *target)
{
	struct str path, rest, name, value;
	r->request.target = arena_str(&w->arena, str_of(target));
	str_cut(r->request.target, '?', &path, &rest);
	r->request.path = api_world_decoded(w, path);
	r->request.query = rest;
	r->request.params = r->params;
	while (url_query_next(&rest, &name, &value)) {
		CHECK(r->request.param_count < API_WORLD_PARAMS_MAX);
		r->params[r->request.param_count++] =
			(struct http_field){ api_world_decoded(w, name), api_world_decoded(w, value) };
	}
}

static inline void api_world_header(struct api_world_request *r, const char *name, struct str value)
{
	CHECK(r->request.header_count < sizeof r->headers / sizeof r->headers[0]);
	r->headers[r->request.header_count++] = (struct http_field){ str_of(name), value };
}

static inline void api_world_sign(struct api_world *w, struct api_world_request *r,
				  const struct api_person *person)
{
	if (person == NULL)
		return;
	if (person->token != NULL) {
		api_world_header(r, "Authorization", arena_printf(&w->arena, "Bearer %s", person->token));
		return;
	}
	api_world_header(r, "Cookie",
			 arena_printf(&w->arena, GUARD_COOKIE_NAME "=%s", person->session.cookie));
	api_world_header(r, "X-Mainstay-CSRF", str_of(person->session.csrf));
}

static inline void api_world_body(struct api_world *w, struct api_world_request *r, const char *body)
{
	size_t length = strlen(body);
	char *copy = arena_alloc(&w->arena, length + HTTP_BODY_PADDING_BYTES + 1);
	memcpy(copy, body, length);
	r->request.body = (struct str){ copy, length };
	api_world_header(r, "Content-Type", STR("application/json"));
}

static inline struct api_result api_world_take(struct api_world *w, struct http_response *response)
{
	struct api_result result = { .status = response->status };
	if (response->content_type != NULL)
		result.type = arena_str(&w->arena, str_of(response->content_type));
	result.body = arena_str(&w->arena, (struct str){ response->body, response->body_bytes });
	for (size_t i = 0; i < response->header_count; i++) {
		result.headers[result.header_count++] = (struct http_field){
			arena_str(&w->arena, str_of(response->headers[i].name)),
			arena_str(&w->arena, str_of(response->headers[i].value)),
		};
	}
	struct error err;
	if (str_starts(result.type, STR("application/json")) ||
	    str_starts(result.type, STR("application/problem+json"))) {
		struct doc_limits limits = { .depth_max = 64, .nodes_max = 1000000,
					     .bytes_max = 16u << 20 };
		CHECK_OK(doc_json_parse(result.body, &w->arena, limits, NULL, &result.doc, &err));
	}
	mem_free(response->body);
	api_response_finish(response);
	return result;
}

/* `headers` are further ones as name, value, ..., NULL; may be NULL. `body` NULL: none. */
static inline struct api_result api_call_with(struct api_world *w, const struct api_person *person,
					      const char *method, const char *target,
					      const char *body, const char *const *headers)
{
	struct api_world_request *r = arena_new(&w->arena, struct api_world_request);
	struct http_response response = { 0 };
	r->request.method = str_of(method);
	r->request.host = STR("mainstay.example.com");
	r->request.headers = r->headers;
	snprintf(r->request.peer, sizeof r->request.peer, "192.0.2.1");
	snprintf(r->request.id, sizeof r->request.id, "test%u", ++w->requests);
	api_world_target(w, r, target);
	api_world_sign(w, r, person);
	for (; headers != NULL && headers[0] != NULL; headers += 2)
		api_world_header(r, headers[0], str_of(headers[1]));
	if (body != NULL)
		api_world_body(w, r, body);
	api_handle(w->api, &r->request, &response);
	return api_world_take(w, &response);
}

static inline struct api_result api_call(struct api_world *w, const struct api_person *person,
					 const char *method, const char *target, const char *body)
{
	return api_call_with(w, person, method, target, body, NULL);
}

/* ---- looking at answers ---- */

/* The node at "items/0/name"; NULL when it is not there. */
static inline const struct doc_node *api_node(const struct doc_node *node, const char *path)
{
	struct str rest = str_of(path), part;
	while (rest.len > 0) {
		int64_t index;
		struct str next = STR_NONE;
		str_cut(rest, '/', &part, &next);
		if (doc_is(node, DOC_LIST)) {
			node = str_int(part, 0, INT32_MAX, &index) ? doc_at(node, (size_t)index) : NULL;
		} else {
			const struct doc_entry *entry = doc_find(node, part);
			node = entry != NULL ? &entry->value : NULL;
		}
		rest = next;
	}
	return node;
}

static inline const struct doc_node *api_at(const struct api_result *result, const char *path)
{
	return api_node(result->doc, path);
}

static inline struct str api_text(const struct api_result *result, const char *path)
{
	return doc_text(api_at(result, path), "");
}

static inline int64_t api_int(const struct api_result *result, const char *path)
{
	return doc_int(api_at(result, path), -1);
}

static inline struct str api_header_of(const struct api_result *result, const char *name)
{
	for (size_t i = 0; i < result->header_count; i++) {
		if (str_is(result->headers[i].name, name))
			return result->headers[i].value;
	}
	return STR_NONE;
}

static inline bool api_says(struct str text, const char *part)
{
	return text.ptr != NULL && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* The status, and of another one what the problem says. */
#define CHECK_STATUS(result, wanted)                                                             \
	do {                                                                                     \
		if ((result).status != (wanted))                                                 \
			fail_msg("%s:%d: wanted status %d, found %d: " STR_FMT, __FILE__, __LINE__, \
				 (wanted), (result).status, STR_ARG((result).body));              \
	} while (0)
