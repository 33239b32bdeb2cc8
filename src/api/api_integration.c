/* api_integration.c: keys of other programs, and every way in with what came by it last. */
#include "alert/alert_integration.h"
#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "monitor/monitor_beat.h"

#define BEATS_SHOWN 200u
#define ROW_ARENA_BYTES (16u << 20)

/* ---- integrations ---- */

/* What came by it is counted beside the record, so it is not known as of an earlier time. */
static void write_integration(struct api_call *call, const struct alert_integration *row)
{
	struct json_writer *json = &call->json;
	bool now = store_as_of_seq(call->conn) == 0;
	json_map_begin(json);
	json_field_int(json, "id", row->id);
	json_field_text(json, "name", row->name);
	json_field_text(json, "service", row->service);
	json_field_time(json, "made_at", row->made);
	api_person(call, "made_by", row->user);
	json_field_time(json, "heard_at", now ? row->heard : TIME_NONE);
	json_field_int(json, "events", now ? row->events : 0);
	json_field_time(json, "refused_at", now ? row->refused : TIME_NONE);
	json_field_text_or_null(json, "refused", now ? row->why : STR_NONE);
	json_map_end(json);
}

enum err api_integration_list(struct api_call *call, struct error *err)
{
	struct api_list list;
	struct alert_integration *rows;
	size_t count;
	enum err r = api_list_begin(call, &list, err);
	if (r == OK)
		r = alert_integrations(call->conn, &call->arena, list.before_id, list.limit + 1, &rows, &count, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count && api_list_row(&list, rows[i].id, STR_NONE); i++)
		write_integration(call, &rows[i]);
	api_list_end(call, &list);
	return OK;
}

struct made {
	int64_t id;
	char key[GUARD_ROUTING_BYTES];
};

static enum err write_made(struct api_call *call, struct error *err)
{
	const struct made *made = call->context;
	struct alert_integration row;
	enum err r = alert_integration_get(call->conn, made->id, &call->arena, &row, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_key(&call->json, "integration");
	write_integration(call, &row);
	json_field_cstr(&call->json, "routing_key", made->key);
	json_map_end(&call->json);
	return OK;
}

static const struct spec_field make_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = ALERT_INTEGRATION_NAME_BYTES_MAX, .about = "What people call it." },
	{ .name = "service", .type = SPEC_NAME, .flags = SPEC_REQUIRED, .about = "What its events are about." },
	{ .name = NULL },
};

enum err api_integration_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct made made = { .id = 0 };
	enum err r = api_body(call, make_fields, &body, err);
	if (r != OK)
		return r;
	struct alert_integration_make make = {
		.name = doc_text(doc_get(body, "name"), ""), .service = doc_text(doc_get(body, "service"), ""),
		.ret_integration = &made.id, .ret_key = made.key,
	};
	call->context = &made;
	call->status = 201;
	return api_change(call, "integration_create", alert_integration_make_decide, &make, write_made, err);
}

enum err api_integration_rotate(struct api_call *call, struct error *err)
{
	struct made made = { .id = 0 };
	enum err r = api_id(call, 0, &made.id, err);
	struct alert_integration_rotate rotate = { .integration = made.id, .ret_key = made.key };
	call->context = &made;
	return r == OK ? api_change(call, "integration_rotate", alert_integration_rotate_decide, &rotate, write_made, err)
		       : r;
}

enum err api_integration_delete(struct api_call *call, struct error *err)
{
	struct alert_integration_revoke revoke;
	enum err r = api_id(call, 0, &revoke.integration, err);
	if (r == OK)
		r = api_change(call, "integration_delete", alert_integration_revoke_decide, &revoke, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}

/* ---- every way in ---- */

static void write_way(struct api_call *call, const char *key, const char *path, enum api_way way)
{
	struct json_writer *json = &call->json;
	struct api_way_row row;
	pthread_mutex_lock(&call->api->ways.lock);
	row = call->api->ways.rows[way];
	pthread_mutex_unlock(&call->api->ways.lock);
	json_key(json, key);
	json_map_begin(json);
	json_field_text(json, "url", arena_printf(&call->arena, "%s%s", call->api->options.public_url, path));
	json_field_time(json, "heard_at", row.heard > 0 ? row.heard : TIME_NONE);
	json_field_time(json, "refused_at", row.refused > 0 ? row.refused : TIME_NONE);
	json_field_text_or_null(json, "refused", str_of(row.why));
	json_map_end(json);
}

struct beats {
	struct api_call *call;
	struct arena arena; /* of one row */
	unsigned count;
	enum err result;
	struct error *err;
};

static bool write_beat(void *context, const struct definition *definition)
{
	struct beats *beats = context;
	struct json_writer *json = &beats->call->json;
	struct monitor_beat beat;
	time_us made;
	arena_reset(&beats->arena);
	const struct doc_node *spec = api_spec_of(definition, &beats->arena);
	if (!str_is(doc_text(doc_get(spec, "kind"), ""), "heartbeat"))
		return true;
	beats->result = monitor_beat_get(beats->call->conn, definition->name, &beats->arena, &beat, beats->err);
	if (beats->result == OK)
		beats->result = monitor_address_made(beats->call->conn, definition->name, &made, beats->err);
	if (beats->result != OK)
		return false;
	json_map_begin(json);
	json_field_text(json, "check", definition->name);
	json_field_text(json, "every", doc_text(doc_get(spec, "every"), ""));
	json_field_bool(json, "address_made", made != TIME_NONE);
	json_field_time(json, "heard_at", beat.at);
	json_map_end(json);
	return ++beats->count < BEATS_SHOWN;
}

enum err api_ways_in_get(struct api_call *call, struct error *err)
{
	struct beats beats = { .call = call, .result = OK, .err = err };
	json_map_begin(&call->json);
	write_way(call, "alertmanager", "", API_WAY_ALERTMANAGER);
	write_way(call, "pagerduty", "/v2/enqueue", API_WAY_PAGERDUTY);
	json_key(&call->json, "heartbeats");
	json_list_begin(&call->json);
	arena_init(&beats.arena, ROW_ARENA_BYTES);
	enum err r = api_definitions(call->conn, STR(MONITOR_CHECK), STR_NONE, write_beat, &beats, err);
	arena_finish(&beats.arena);
	json_list_end(&call->json);
	json_map_end(&call->json);
	return r == OK ? beats.result : r;
}
