/* api_review.c: reviews, one and many, and the actions of all of them. */
#include "api/api_handlers.h"
#include "api/api_review.h"
#include "journal/journal.h"

enum err api_review(struct api_call *call, struct incident *ret_incident, struct review *ret_review,
		    struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_incident(call, id, ret_incident, err);
	return r == OK ? review_get(call->conn, id, &call->arena, ret_review, err) : r;
}

static void span_or_null(struct json_writer *json, const char *key, const struct review *review,
			 enum review_phase from, enum review_phase to)
{
	time_us a = review->at[from], b = review->at[to];
	if (a == TIME_NONE || b == TIME_NONE)
		json_field_null(json, key);
	else
		json_field_int(json, key, b > a ? b - a : 0);
}

static bool is_pressing(struct str state)
{
	return str_is(state, "draft") || str_is(state, "in_review");
}

void api_review_row(struct api_call *call, const struct review *review)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", review->incident);
	json_field_text(json, "title", review->title);
	json_field_text(json, "state", review->state);
	json_field_text(json, "priority", review->priority);
	json_field_text_or_null(json, "service", review->service);
	api_person(call, "owner", review->owner);
	json_field_time(json, "due_at", review->due);
	json_field_bool(json, "overdue", is_pressing(review->state) && review->due < call->now);
	json_field_time(json, "resolved_at", review->at[REVIEW_RESOLVED]);
	json_field_time(json, "published_at", review->published);
	api_person(call, "published_by", review->published_by);
	span_or_null(json, "acknowledge_us", review, REVIEW_DETECTED, REVIEW_ACKNOWLEDGED);
	span_or_null(json, "resolve_us", review, REVIEW_DETECTED, REVIEW_RESOLVED);
	json_field_int(json, "factors", review->factors);
	json_field_int(json, "actions", review->actions);
	json_field_int(json, "actions_open", review->actions_open);
	json_field_int(json, "revision", review->revision);
	json_map_end(json);
}

void api_review_action(struct api_call *call, const struct review_action *action)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", action->id);
	json_field_int(json, "review", action->incident);
	json_field_text(json, "text", action->text);
	json_field_text(json, "state", action->state);
	api_person(call, "owner", action->owner);
	json_field_time(json, "due_at", action->due);
	json_field_bool(json, "overdue", str_is(action->state, "open") && action->due < call->now);
	json_field_text_or_null(json, "link", action->link);
	json_field_time(json, "created_at", action->created);
	json_field_time(json, "closed_at", action->closed);
	json_map_end(json);
}

/* ---- lists ---- */

struct listing {
	struct api_call *call;
	struct api_list list;
};

static bool list_review(void *context, const struct review *review)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, review->incident, STR_NONE))
		return false;
	api_review_row(listing->call, review);
	return true;
}

enum err api_review_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, "i", "? IN (i.opened_by, i.acknowledged_by)", visible);
	struct review_filter filter = {
		.states = api_query(call, "state"),
		.priorities = api_query(call, "priority"),
		.team = api_query(call, "team"),
		.service = api_query(call, "service"),
		.text = api_query(call, "q"),
		.due_before = str_is(api_query(call, "overdue"), "true") ? call->now : TIME_NONE,
		.visible = str_of(visible->text),
		.visible_values = visible->values,
		.visible_count = visible->count,
	};
	str_int(api_query(call, "owner"), 0, INT64_MAX, &filter.owner);
	time_parse(api_query(call, "from"), &filter.from);
	time_parse(api_query(call, "to"), &filter.to);
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = listing.list.limit + 1;
	r = review_list(call->conn, &filter, &call->arena, list_review, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

static bool list_action(void *context, const struct review_action *action)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, action->id, STR_NONE))
		return false;
	api_review_action(listing->call, action);
	return true;
}

enum err api_review_action_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, "i", "? IN (i.opened_by, i.acknowledged_by)", visible);
	struct review_action_filter filter = {
		.states = api_query(call, "state"),
		.service = api_query(call, "service"),
		.due_before = str_is(api_query(call, "overdue"), "true") ? call->now : TIME_NONE,
		.visible = str_of(visible->text),
		.visible_values = visible->values,
		.visible_count = visible->count,
	};
	str_int(api_query(call, "owner"), 0, INT64_MAX, &filter.owner);
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = listing.list.limit + 1;
	r = review_action_list(call->conn, &filter, &call->arena, list_action, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

/* ---- what became of it ---- */

static bool list_change(void *context, const struct event *event)
{
	struct listing *listing = context;
	struct json_writer *json = &listing->call->json;
	if (!api_list_row(&listing->list, event->seq, STR_NONE))
		return false;
	json_map_begin(json);
	json_field_int(json, "seq", event->seq);
	json_field_time(json, "at", event->event_time);
	json_field_time(json, "recorded_at", event->recorded_time);
	api_person(listing->call, "actor", event->actor);
	json_field_cstr(json, "kind", event_kinds[event->kind].name);
	json_field_text(json, "text", api_sentence(listing->call, event));
	json_key(json, "details");
	json_raw(json, event->json.len > 0 ? event->json : STR("{}"));
	json_map_end(json);
	return true;
}

enum err api_review_history(struct api_call *call, struct error *err)
{
	static const char *const kinds[] = { "review.", NULL };
	struct listing listing = { .call = call };
	struct incident incident;
	struct review review;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	struct journal_filter filter = {
		.subject = incident.id, .kinds = kinds, .after_seq = listing.list.before_id,
		.up_to_seq = store_as_of_seq(call->conn), .limit = listing.list.limit + 1,
	};
	r = journal_read(call->conn, &filter, &call->arena, list_change, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}
