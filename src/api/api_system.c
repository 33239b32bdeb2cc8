/* api_system.c: is it alive, is it ready, what can it do. */
#include <stdio.h>

#include "api/api_handlers.h"
#include "journal/journal.h"

static void health_begin(struct api_call *call, const char *status)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_cstr(json, "status", status);
	json_field_cstr(json, "version", call->api->options.version);
	json_key(json, "parts");
	json_list_begin(json);
}

static void health_part(struct api_call *call, const char *name, bool ok, const char *detail)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_cstr(json, "name", name);
	json_field_bool(json, "ok", ok);
	json_field_cstr(json, "detail", detail);
	json_map_end(json);
}

static void health_end(struct api_call *call)
{
	json_list_end(&call->json);
	json_map_end(&call->json);
}

enum err api_healthz(struct api_call *call, struct error *err)
{
	(void)err;
	health_begin(call, "ok");
	health_end(call);
	return OK;
}

/* Ready means: what is answered 2xx can be stored. An empty commit says so. */
static enum err decide_nothing(struct decision *d, const void *args, struct error *err)
{
	(void)d, (void)args, (void)err;
	return OK;
}

/* While nothing could be stored, only a write tells whether it can be again. */
static enum err decide_a_write(struct decision *d, const void *args, struct error *err)
{
	(void)args;
	(void)err;
	decision_new_id(d, "readyz");
	return OK;
}

static void health_leader(struct api_call *call)
{
	const struct api_options *options = &call->api->options;
	struct store_nodes *seen = arena_new(&call->arena, struct store_nodes);
	char detail[200];
	if (options->nodes == NULL)
		return;
	bool told = options->nodes(options->nodes_context, seen);
	if (told)
		snprintf(detail, sizeof detail, "this server leads: %s, epoch %lld, of %u", options->node,
			 (long long)seen->leader.epoch, seen->count);
	else
		snprintf(detail, sizeof detail, "this server led: %s; the database does not say who does now", options->node);
	health_part(call, "leader", told, detail);
}

enum err api_readyz(struct api_call *call, struct error *err)
{
	const struct api_options *options = &call->api->options;
	bool nothing = options->nothing_stored != NULL &&
		       options->nothing_stored(options->nothing_stored_context);
	struct command command = { .name = "readyz", .decide = nothing ? decide_a_write : decide_nothing,
				   .actor = ACTOR_SYSTEM };
	bool ready = call->api->options.run(call->api->options.run_context, &command, err) == OK;
	health_begin(call, ready ? "ok" : "failing");
	health_part(call, "store", ready, ready ? "a commit was made just now" : err->text);
	health_leader(call);
	health_end(call);
	call->status = ready ? 200 : 503;
	return OK;
}

enum err api_openapi_get(struct api_call *call, struct error *err)
{
	if (call->api->options.openapi == NULL)
		return error_set(err, ERR_NOT_FOUND, "this build does not carry openapi.yaml");
	buf_adds(&call->out, call->api->options.openapi);
	call->content_type = "application/yaml";
	return OK;
}
