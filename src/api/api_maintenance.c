/* api_maintenance.c: planned work, and how services are shown by hand. */
#include "api/api_handlers.h"
#include "api/api_update.h"
#include "comms/comms_maintenance.h"
#include "wire/doc_print.h"

/* ---- writing ---- */

static void write_fields(struct api_call *call, const struct comms_maintenance *m)
{
	struct json_writer *json = &call->json;
	json_field_int(json, "id", m->id);
	json_field_text(json, "title", m->title);
	json_field_text(json, "text", m->text);
	json_field_text(json, "state", m->state);
	json_key(json, "services");
	json_raw(json, m->services);
	json_field_time(json, "from", m->from);
	json_field_time(json, "until", m->until);
	json_field_bool(json, "mute", m->mute);
	json_field_bool(json, "public", m->is_public);
	api_person(call, "created_by", m->created_by);
	json_field_time(json, "created_at", m->created);
	json_field_time(json, "started_at", m->started);
	json_field_time(json, "ended_at", m->ended);
}

static void write_row(struct api_call *call, const struct comms_maintenance *m)
{
	json_map_begin(&call->json);
	write_fields(call, m);
	json_map_end(&call->json);
}

static bool write_note(void *context, const struct comms_note *note)
{
	struct api_call *call = context;
	json_map_begin(&call->json);
	json_field_time(&call->json, "at", note->at);
	json_field_text(&call->json, "state", note->state);
	json_field_text(&call->json, "text", note->text);
	api_person(call, "by", note->by);
	json_map_end(&call->json);
	return true;
}

static enum err write_whole(struct api_call *call, struct error *err)
{
	struct comms_maintenance m;
	int64_t id = *(const int64_t *)call->context;
	enum err r = comms_maintenance_get(call->conn, id, &call->arena, &m, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	write_fields(call, &m);
	json_key(&call->json, "notes");
	json_list_begin(&call->json);
	r = comms_maintenance_notes(call->conn, id, &call->arena, write_note, call, err);
	json_list_end(&call->json);
	json_map_end(&call->json);
	return r;
}

/* ---- reading ---- */

struct listing {
	struct api_call *call;
	struct api_list list;
};

static bool list_maintenance(void *context, const struct comms_maintenance *m)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, m->id, STR_NONE))
		return false;
	write_row(listing->call, m);
	return true;
}

enum err api_maintenance_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct comms_maintenance_filter filter = { .states = api_query(call, "state") };
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = listing.list.limit + 1;
	r = comms_maintenance_list(call->conn, &filter, &call->arena, list_maintenance, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

enum err api_maintenance_get(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	call->context = &id;
	return r == OK ? write_whole(call, err) : r;
}

#define SHOWN_NOW 20u
#define NOW_AHEAD TIME_DAY

static bool write_soon(void *context, const struct comms_maintenance *m)
{
	struct api_call *call = context;
	if (m->from <= call->now + NOW_AHEAD)
		write_row(call, m);
	return true;
}

enum err api_maintenance_now(struct api_call *call, struct error *err)
{
	struct comms_maintenance_filter filter = { .states = STR("scheduled,in_progress,verifying"), .limit = SHOWN_NOW };
	json_key(&call->json, "maintenances");
	json_list_begin(&call->json);
	enum err r = comms_maintenance_list(call->conn, &filter, &call->arena, write_soon, call, err);
	json_list_end(&call->json);
	return r;
}

/* ---- changes ---- */

static const char *const moves[] = { "in_progress", "verifying", "completed", "cancelled", NULL };
static const struct spec_field service = { .name = "service", .type = SPEC_NAME, .about = "A service." };
static const struct spec_field put_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = COMMS_TITLE_BYTES_MAX,
	  .about = "What customers read." },
	{ .name = "text", .type = SPEC_TEXT, .max = COMMS_TEXT_BYTES_MAX, .otherwise = "",
	  .about = "What will happen, and what people will notice, in Markdown." },
	{ .name = "services", .type = SPEC_LIST, .item = &service, .min = 1, .max = COMMS_SERVICES_MAX,
	  .flags = SPEC_REQUIRED | SPEC_UNIQUE, .about = "What is worked on." },
	{ .name = "from", .type = SPEC_TIME, .flags = SPEC_REQUIRED, .about = "When it begins." },
	{ .name = "until", .type = SPEC_TIME, .flags = SPEC_REQUIRED, .about = "When it ends." },
	{ .name = "mute", .type = SPEC_BOOL, .otherwise = "true",
	  .about = "Whether pages about these services are held back while it runs." },
	{ .name = "public", .type = SPEC_BOOL, .otherwise = "true", .about = "Whether status pages announce it." },
	{ .name = NULL },
};
static const struct spec_field move_fields[] = {
	{ .name = "to", .type = SPEC_CHOICE, .choices = moves, .flags = SPEC_REQUIRED, .about = "What it becomes." },
	{ .name = "text", .type = SPEC_TEXT, .max = COMMS_TEXT_BYTES_MAX, .about = "News about it." },
	{ .name = NULL },
};
static const struct spec_field note_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = COMMS_TEXT_BYTES_MAX,
	  .about = "The news, in Markdown." },
	{ .name = NULL },
};

static time_us time_of(const struct doc_node *body, const char *key)
{
	time_us at = TIME_NONE;
	time_parse(doc_text(doc_get(body, key), ""), &at);
	return at;
}

static enum err put(struct api_call *call, int64_t id, struct error *err)
{
	const struct doc_node *body;
	cleanup_buf struct buf services;
	buf_init(&services, 64u << 10);
	enum err r = api_body(call, put_fields, &body, err);
	if (r != OK)
		return r;
	doc_print_json(doc_get(body, "services"), &services);
	struct comms_maintenance_put args = {
		.maintenance = id,
		.title = doc_text(doc_get(body, "title"), ""),
		.text = doc_text(doc_get(body, "text"), ""),
		.services = arena_str(&call->arena, str_trim(buf_str(&services))),
		.from = time_of(body, "from"),
		.until = time_of(body, "until"),
		.mute = doc_bool(doc_get(body, "mute"), true),
		.is_public = doc_bool(doc_get(body, "public"), true),
		.ret_maintenance = &id,
	};
	call->context = &id;
	return api_change(call, "maintenance_put", comms_maintenance_put_decide, &args, write_whole, err);
}

enum err api_maintenance_create(struct api_call *call, struct error *err)
{
	call->status = 201;
	return put(call, 0, err);
}

enum err api_maintenance_update(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	return r == OK ? put(call, id, err) : r;
}

enum err api_maintenance_move(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct comms_maintenance_move args = { 0 };
	enum err r = api_id(call, 0, &args.maintenance, err);
	if (r == OK)
		r = api_body(call, move_fields, &body, err);
	if (r != OK)
		return r;
	args.to = doc_text(doc_get(body, "to"), "");
	args.text = doc_text(doc_get(body, "text"), "");
	call->context = &args.maintenance;
	return api_change(call, "maintenance_move", comms_maintenance_move_decide, &args, write_whole, err);
}

enum err api_maintenance_note(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct comms_maintenance_note args = { 0 };
	enum err r = api_id(call, 0, &args.maintenance, err);
	if (r == OK)
		r = api_body(call, note_fields, &body, err);
	if (r != OK)
		return r;
	args.text = doc_text(doc_get(body, "text"), "");
	call->context = &args.maintenance;
	return api_change(call, "maintenance_note", comms_maintenance_note_decide, &args, write_whole, err);
}

/* ---- statuses set by hand ---- */

static const struct spec_field override_fields[] = {
	{ .name = "service", .type = SPEC_NAME, .flags = SPEC_REQUIRED, .about = "The service." },
	{ .name = "status", .type = SPEC_CHOICE, .choices = comms_statuses, .flags = SPEC_REQUIRED,
	  .about = "How it is shown." },
	{ .name = "for", .type = SPEC_DURATION, .flags = SPEC_REQUIRED, .min = COMMS_OVERRIDE_LEAST,
	  .max = COMMS_OVERRIDE_MOST, .about = "How long; it ends by itself." },
	{ .name = "reason", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = COMMS_REASON_BYTES_MAX,
	  .about = "Why." },
	{ .name = NULL },
};

static void write_override(struct api_call *call, const struct comms_override *override)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", override->id);
	json_field_text(json, "service", override->service);
	json_field_text(json, "status", override->status);
	json_field_text(json, "reason", override->reason);
	api_person(call, "by", override->by);
	json_field_time(json, "from", override->started);
	json_field_time(json, "until", override->until);
	json_map_end(json);
}

struct one {
	struct api_call *call;
	int64_t id;
	bool found;
};

static bool see_one(void *context, const struct comms_override *override)
{
	struct one *one = context;
	if (override->id != one->id)
		return true;
	write_override(one->call, override);
	one->found = true;
	return false;
}

static enum err write_made(struct api_call *call, struct error *err)
{
	struct one one = { .call = call, .id = *(const int64_t *)call->context };
	enum err r = comms_overrides(call->conn, &call->arena, see_one, &one, err);
	if (r == OK && !one.found)
		r = error_set(err, ERR_NOT_FOUND, "the status set by hand has ended");
	return r;
}

static bool list_override(void *context, const struct comms_override *override)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, override->id, STR_NONE))
		return false;
	write_override(listing->call, override);
	return true;
}

enum err api_component_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	listing.list.limit = 500; /* what holds is short */
	r = comms_overrides(call->conn, &call->arena, list_override, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

enum err api_component_override(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	enum err r = api_body(call, override_fields, &body, err);
	if (r != OK)
		return r;
	struct comms_override_put args = {
		.service = doc_text(doc_get(body, "service"), ""),
		.status = doc_text(doc_get(body, "status"), ""),
		.reason = doc_text(doc_get(body, "reason"), ""),
		.ret_override = &id,
	};
	duration_parse(doc_text(doc_get(body, "for"), ""), &args.duration);
	call->context = &id;
	call->status = 201;
	return api_change(call, "component_override", comms_override_decide, &args, write_made, err);
}

enum err api_component_release(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r != OK)
		return r;
	call->status = 204;
	return api_change(call, "component_release", comms_release_decide, &id, NULL, err);
}
