/* api_oncall.c: who is on call, when, and who takes it for a while. */
#include <stdlib.h>

#include "api/api_handlers.h"
#include "oncall/paging.h"
#include "resource/definition.h"

#define AHEAD (28 * TIME_DAY)
#define WINDOW_MOST (366 * TIME_DAY)
#define SEGMENTS_MAX 5000u
#define SCHEDULES_MAX 500u
#define REASON_BYTES_MAX 500

/* ---- pieces ---- */

/* `text` is the time's parameter; absent: otherwise. */
static enum err read_time(struct api_call *call, const char *name, time_us otherwise, time_us *ret_at,
			  struct error *err)
{
	struct str text = api_query(call, name);
	if (text.len == 0) {
		*ret_at = otherwise;
		return OK;
	}
	if (time_parse(text, ret_at) && *ret_at >= SCHEDULE_TIME_MIN && *ret_at < SCHEDULE_TIME_MAX - AHEAD)
		return OK;
	error_set(err, ERR_INVALID, "%s is a time like 2026-03-08T03:12:00Z, between 1971 and 2199", name);
	error_field(err, "%s", name);
	return ERR_INVALID;
}

static void write_person(struct api_call *call, int64_t user)
{
	struct json_writer *json = &call->json;
	struct guard_user found;
	bool known = guard_user_by_id(call->conn, &call->arena, user, &found, NULL) == OK;
	json_map_begin(json);
	json_field_int(json, "id", known ? user : 0);
	json_field_text(json, "name", known ? found.name : STR("somebody without an account"));
	json_map_end(json);
}

static void write_people(struct api_call *call, const char *key, const struct oncall_segment *segment)
{
	json_key(&call->json, key);
	json_list_begin(&call->json);
	for (size_t i = 0; segment != NULL && i < segment->count; i++)
		write_person(call, segment->people[i].user);
	json_list_end(&call->json);
}

static void write_first(struct api_call *call, const char *key, const struct oncall_segment *segment)
{
	json_key(&call->json, key);
	if (segment != NULL && segment->count > 0)
		write_person(call, segment->people[0].user);
	else
		json_null(&call->json);
}

static void write_span(struct json_writer *json, const struct oncall_gap *gap)
{
	json_map_begin(json);
	json_field_time(json, "from", gap->from);
	json_field_time(json, "to", gap->until);
	json_map_end(json);
}

/* What holds at an instant, until when, and what follows. */
struct standing {
	struct oncall_list list;
	const struct oncall_segment *current, *next; /* NULL: nobody */
	time_us until; /* TIME_NONE: for longer than anybody looked */
};

static enum err stand(struct api_call *call, struct str name, time_us at, struct standing *ret_standing,
		      struct error *err)
{
	struct standing standing = { .until = TIME_NONE };
	struct schedule *schedule;
	enum err r = paging_schedule(call->conn, call->api->options.zones, name, &call->arena, &schedule,
				     err);
	if (r == OK)
		r = oncall_segments(schedule, at, at + AHEAD, ONCALL_JOIN_PEOPLE, &call->arena,
				    &standing.list, err);
	if (r != OK)
		return r;
	const struct oncall_segment *segments = standing.list.segments;
	size_t count = standing.list.segment_count, next = 0;
	if (count > 0 && segments[0].from <= at) {
		standing.current = &segments[0];
		next = 1;
	}
	standing.next = next < count ? &segments[next] : NULL;
	if (standing.current != NULL && standing.current->until < at + AHEAD)
		standing.until = standing.current->until;
	if (standing.current == NULL && standing.next != NULL)
		standing.until = standing.next->from;
	*ret_standing = standing;
	return OK;
}

/* ---- now ---- */

enum err api_on_call_row(struct api_call *call, struct str schedule, time_us at, struct error *err)
{
	struct standing standing;
	enum err r = stand(call, schedule, at, &standing, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_text(&call->json, "schedule", schedule);
	write_first(call, "user", standing.current);
	json_field_time(&call->json, "until", standing.until);
	write_first(call, "next", standing.next);
	json_map_end(&call->json);
	return OK;
}

struct oncall_listing {
	struct api_call *call;
	time_us at;
	enum err result;
	struct error *err;
};

static bool list_on_call(void *context, const struct definition *definition)
{
	struct oncall_listing *listing = context;
	listing->result = api_on_call_row(listing->call, definition->name, listing->at, listing->err);
	return listing->result == OK;
}

static enum err list_schedules(struct api_call *call, time_us at, definition_each_fn *each,
			       struct error *err)
{
	struct api_list list;
	struct oncall_listing listing = { call, at, OK, err };
	enum err r = api_list_begin(call, &list, err);
	if (r == OK)
		r = definition_list(call->conn, STR(PAGING_SCHEDULE), STR_NONE, STR_NONE, SCHEDULES_MAX,
				    &call->arena, each, &listing, err);
	if (r == OK)
		r = listing.result;
	if (r == OK)
		api_list_end(call, &list);
	return r;
}

enum err api_on_call_get(struct api_call *call, struct error *err)
{
	time_us at;
	enum err r = read_time(call, "at", call->now, &at, err);
	return r == OK ? list_schedules(call, at, list_on_call, err) : r;
}

/* ---- schedules ---- */

static struct str zone_of(struct api_call *call, struct str name)
{
	const struct doc_node *spec = NULL;
	if (definition_spec(call->conn, PAGING_SCHEDULE, name, &call->arena, &spec, NULL) != OK)
		spec = NULL;
	return doc_text(doc_get(spec, "time_zone"), "UTC");
}

static bool list_schedule(void *context, const struct definition *definition)
{
	struct oncall_listing *listing = context;
	struct api_call *call = listing->call;
	struct json_writer *json = &call->json;
	struct standing standing;
	listing->result = stand(call, definition->name, listing->at, &standing, listing->err);
	if (listing->result != OK)
		return false;
	json_map_begin(json);
	json_field_text(json, "name", definition->name);
	json_field_text(json, "time_zone", zone_of(call, definition->name));
	write_people(call, "current", standing.current);
	json_field_time(json, "until", standing.until);
	write_people(call, "next", standing.next);
	json_key(json, "next_gap");
	if (standing.list.gap_count > 0)
		write_span(json, &standing.list.gaps[0]);
	else
		json_null(json);
	json_field_int(json, "revision", definition->revision);
	json_field_text(json, "manager", definition->manager);
	json_map_end(json);
	return true;
}

enum err api_schedule_list(struct api_call *call, struct error *err)
{
	return list_schedules(call, call->now, list_schedule, err);
}

/* ---- shifts ---- */

static void write_segment(struct api_call *call, const struct schedule_spec *spec,
			  const struct oncall_segment *segment)
{
	struct json_writer *json = &call->json;
	int64_t override = 0;
	int layer = segment->people[0].layer;
	for (size_t i = 0; i < segment->count && override == 0; i++)
		override = segment->people[i].override;
	json_map_begin(json);
	json_field_time(json, "from", segment->from);
	json_field_time(json, "to", segment->until);
	write_people(call, "users", segment);
	json_key(json, "layer");
	if (layer != ONCALL_LAYER_NONE && spec->layers[layer].name.len > 0)
		json_text(json, spec->layers[layer].name);
	else
		json_null(json);
	json_key(json, "override");
	if (override != 0)
		json_int(json, override);
	else
		json_null(json);
	json_map_end(json);
}

static void write_shifts(struct api_call *call, const struct schedule *schedule,
			 const struct oncall_list *list)
{
	struct json_writer *json = &call->json;
	const struct schedule_spec *spec = schedule_spec_of(schedule);
	json_map_begin(json);
	json_field_time(json, "from", list->from);
	json_field_time(json, "to", list->until);
	json_field_text(json, "time_zone", zone_of(call, call->params[0]));
	json_key(json, "segments");
	json_list_begin(json);
	for (size_t i = 0; i < list->segment_count; i++)
		write_segment(call, spec, &list->segments[i]);
	json_list_end(json);
	json_key(json, "gaps");
	json_list_begin(json);
	for (size_t i = 0; i < list->gap_count; i++)
		write_span(json, &list->gaps[i]);
	json_list_end(json);
	json_map_end(json);
}

static enum err read_window(struct api_call *call, time_us *ret_from, time_us *ret_to, struct error *err)
{
	time_us from, to;
	enum err r = read_time(call, "from", call->now, &from, err);
	if (r == OK)
		r = read_time(call, "to", from + AHEAD, &to, err);
	if (r != OK)
		return r;
	if (to <= from || to - from > WINDOW_MOST) {
		error_set(err, ERR_INVALID, "to is later than from, and by at most 366 days");
		error_field(err, "to");
		return ERR_INVALID;
	}
	*ret_from = from;
	*ret_to = to;
	return OK;
}

enum err api_schedule_shifts(struct api_call *call, struct error *err)
{
	struct schedule *schedule;
	struct oncall_list list;
	time_us from, to;
	enum err r = read_window(call, &from, &to, err);
	if (r == OK)
		r = paging_schedule(call->conn, call->api->options.zones, call->params[0], &call->arena,
				    &schedule, err);
	if (r == OK)
		r = oncall_segments(schedule, from, to, ONCALL_JOIN_PEOPLE, &call->arena, &list, err);
	if (r == OK && list.segment_count > SEGMENTS_MAX) {
		r = error_set(err, ERR_TOO_LARGE, "there are more than %u shifts in this time", SEGMENTS_MAX);
		error_hint(err, "ask for a shorter time");
	}
	if (r == OK)
		write_shifts(call, schedule, &list);
	return r;
}

/* ---- overrides ---- */

static void write_override(struct api_call *call, const struct paging_override *o)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", o->id);
	json_field_text(json, "schedule", o->schedule);
	api_person(call, "user", o->user);
	json_field_time(json, "from", o->from);
	json_field_time(json, "until", o->until);
	api_person(call, "replaces", o->replaces);
	json_key(json, "reason");
	if (o->reason.len > 0)
		json_text(json, o->reason);
	else
		json_null(json);
	api_person(call, "by", o->by);
	json_field_time(json, "created_at", o->created);
	json_map_end(json);
}

struct override_rows {
	struct paging_override rows[SCHEDULE_OVERRIDES_MAX];
	size_t count;
};

static bool collect_override(void *context, const struct paging_override *o)
{
	struct override_rows *all = context;
	all->rows[all->count++] = *o;
	return all->count < SCHEDULE_OVERRIDES_MAX;
}

static int by_beginning(const void *left, const void *right)
{
	const struct paging_override *a = left, *b = right;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static enum err read_overrides(struct api_call *call, struct str schedule, struct override_rows **ret_all,
			       struct error *err)
{
	*ret_all = arena_new(&call->arena, struct override_rows);
	enum err r = paging_overrides(call->conn, schedule, call->now, &call->arena, collect_override,
				      *ret_all, err);
	if (r == OK && (*ret_all)->count > 1)
		qsort((*ret_all)->rows, (*ret_all)->count, sizeof (*ret_all)->rows[0], by_beginning);
	return r;
}

enum err api_override_list(struct api_call *call, struct error *err)
{
	struct api_list list;
	struct definition schedule;
	struct override_rows *all;
	enum err r = definition_get(call->conn, STR(PAGING_SCHEDULE), call->params[0], &call->arena,
				    &schedule, err);
	if (r == OK)
		r = read_overrides(call, call->params[0], &all, err);
	if (r == OK)
		r = api_list_begin(call, &list, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < all->count; i++)
		write_override(call, &all->rows[i]);
	api_list_end(call, &list);
	return OK;
}

static const struct spec_field override_fields[] = {
	{ .name = "user", .type = SPEC_INT, .min = 1, .max = INT64_MAX, .about = "Who takes it." },
	{ .name = "from", .type = SPEC_TIME, .about = "When it begins; now when absent." },
	{ .name = "until", .type = SPEC_TIME, .flags = SPEC_REQUIRED, .about = "When it ends." },
	{ .name = "replaces", .type = SPEC_INT, .min = 1, .max = INT64_MAX,
	  .about = "Only this person is replaced; everybody when absent." },
	{ .name = "reason", .type = SPEC_TEXT, .max = REASON_BYTES_MAX, .about = "Why." },
	{ .name = NULL },
};

static enum err write_put(struct api_call *call, struct error *err)
{
	struct override_rows *all;
	enum err r = read_overrides(call, call->params[0], &all, err);
	for (size_t i = 0; r == OK && i < all->count; i++) {
		if (all->rows[i].id != *(const int64_t *)call->context)
			continue;
		write_override(call, &all->rows[i]);
		return OK;
	}
	return r != OK ? r : error_set(err, ERR_CORRUPT, "the override that was made is not there");
}

/* To take it oneself is helping; to give it to somebody else is planning. */
static enum err may_give(struct api_call *call, int64_t user, struct error *err)
{
	if (user == call->principal.user || guard_may(&call->principal, PERMISSION_MANAGE))
		return OK;
	error_set(err, ERR_DENIED, "giving the on-call to somebody else needs the permission \"manage\"");
	error_hint(err, "take it yourself, or ask them to take it");
	return ERR_DENIED;
}

enum err api_override_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	struct paging_override_put put = { .ret_override = &id };
	enum err r = api_body(call, override_fields, &body, err);
	if (r != OK)
		return r;
	put.override.schedule = call->params[0];
	put.override.user = doc_int(doc_get(body, "user"), call->principal.user);
	put.override.replaces = doc_int(doc_get(body, "replaces"), 0);
	put.override.reason = doc_text(doc_get(body, "reason"), "");
	time_parse(doc_text(doc_get(body, "from"), ""), &put.override.from);
	time_parse(doc_text(doc_get(body, "until"), ""), &put.override.until);
	r = may_give(call, put.override.user, err);
	if (r != OK)
		return r;
	call->context = &id;
	call->status = 201;
	return api_change(call, "override_create", paging_override_put_decide, &put, write_put, err);
}

enum err api_override_delete(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_change(call, "override_delete", paging_override_cancel_decide, &id, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}
