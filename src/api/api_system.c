/* api_system.c: is it alive, is it ready, what can it do. */
#include "api/api_handlers.h"
#include "journal/journal.h"

enum err api_healthz(struct api_call *call, struct error *err)
{
	(void)err;
	json_map_begin(&call->json);
	json_field_cstr(&call->json, "status", "ok");
	json_map_end(&call->json);
	return OK;
}

/* Ready means: what is answered 2xx can be stored. An empty commit says so. */
static enum err decide_nothing(struct decision *d, const void *args, struct error *err)
{
	(void)d, (void)args, (void)err;
	return OK;
}

enum err api_readyz(struct api_call *call, struct error *err)
{
	struct command command = { .name = "readyz", .decide = decide_nothing, .actor = ACTOR_SYSTEM };
	char trouble[512] = "";
	enum err r = call->api->options.run(call->api->options.run_context, &command, err);
	if (r != OK)
		return r;
	if (call->api->options.trouble != NULL)
		call->api->options.trouble(call->api->options.trouble_context, trouble, sizeof trouble);
	if (str_starts(str_of(trouble), STR("Nothing")))
		return error_set(err, ERR_UNAVAILABLE, "%.400s", trouble);
	json_map_begin(&call->json);
	json_field_cstr(&call->json, "status", "ok");
	json_key(&call->json, "parts");
	json_map_begin(&call->json);
	json_field_cstr(&call->json, "writer", "ok");
	json_field_cstr(&call->json, "store", "ok");
	json_map_end(&call->json);
	json_map_end(&call->json);
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
