/* api_incident.c: incidents, one and many, and their timelines. */
#include "api/api_handlers.h"
#include "api/api_incident_view.h"
#include "api/api_update.h"
#include "journal/journal.h"
#include "notify/notify.h"
#include "oncall/paging.h"

#define PAGES_SHOWN 100

/* ---- one incident ---- */

enum err api_incident(struct api_call *call, int64_t id, struct incident *ret_incident,
		      struct error *err)
{
	struct incident incident;
	enum err r = incident_get(call->conn, id, &call->arena, &incident, err);
	if (r != OK)
		return r;
	bool takes_part = false;
	if (!str_is(incident.visibility, "everyone"))
		r = paging_takes_part(call->conn, id, call->principal.user, &takes_part, err);
	if (r != OK)
		return r;
	if (!guard_sees(&call->principal, incident.visibility, incident.team, takes_part))
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
	json_field_text_or_null(&call->json, "resolve_reason", reasons.text);
	return r;
}

enum err api_incident_whole(struct api_call *call, struct error *err)
{
	struct incident incident;
	int64_t id = *(const int64_t *)call->context;
	enum err r = incident_get(call->conn, id, &call->arena, &incident, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	api_incident_fields(call, &incident);
	api_person(call, "opened_by", incident.opened_by);
	r = write_reason(call, &incident, err);
	api_incident_why(call, &incident);
	if (r == OK)
		r = api_incident_alerts(call, id, err);
	if (r == OK)
		r = api_incident_escalation(call, &incident, err);
	if (r != OK)
		return r;
	r = api_update_owed(call, id, err);
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
	return api_incident_whole(call, err);
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
	paging_visible(&call->principal, visible);
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
	static const char *const kinds[] = { "incident.", "escalation.", "page.", "update.", NULL };
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
