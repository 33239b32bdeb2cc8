/*
 * api_probe.c: GET /probe: one look at a target by a module, as samples: what blackbox_exporter answers.
 *
 * A module is the spec of a Check with what `target` says in it; those below are the usual ones of that program.
 */
#include <stdlib.h>
#include <string.h>

#include "api/api_handlers.h"
#include "base/mem.h"
#include "monitor/check_exposition.h"
#include "monitor/monitor.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

#define TIMEOUT_DEFAULT (10 * TIME_SECOND)
#define TIMEOUT_LEAST TIME_SECOND
#define TIMEOUT_EARLIER (TIME_SECOND / 2) /* than whoever asks gives up */
#define TARGET_BYTES_MAX 2000u
#define TIMEOUT_FIELD "X-Prometheus-Scrape-Timeout-Seconds"

enum target_form { TARGET_URL, TARGET_HOST, TARGET_HOST_PORT };

static const struct module {
	const char *name, *kind;
	enum target_form form;
	const char *more; /* fields of the spec, besides the target and how long it may take */
} modules[] = {
	{ "http_2xx", "http", TARGET_URL, "\"redirects\":10,\"fail_days\":0,\"expect\":{\"status\":\"200-299\"}" },
	{ "http_post_2xx", "http", TARGET_URL,
	  "\"method\":\"POST\",\"redirects\":10,\"fail_days\":0,\"expect\":{\"status\":\"200-299\"}" },
	{ "icmp", "icmp", TARGET_HOST, "\"packets\":1" },
	{ "ssh_banner", "tcp", TARGET_HOST_PORT, "\"send\":\"SSH-2.0-mainstay\\r\\n\",\"receive\":\"SSH-2.0-\"" },
	{ "tcp_connect", "tcp", TARGET_HOST_PORT, NULL },
	{ "tls_connect", "tls", TARGET_HOST_PORT, "\"fail_days\":0" },
};
#define MODULE_COUNT (sizeof modules / sizeof modules[0])

static enum err find_module(struct api_call *call, const struct module **ret_module, struct error *err)
{
	struct str name = api_query(call, "module");
	cleanup_buf struct buf list;
	if (name.len == 0)
		name = STR("http_2xx");
	buf_init(&list, 1000);
	for (size_t i = 0; i < MODULE_COUNT; i++) {
		if (str_is(name, modules[i].name)) {
			*ret_module = &modules[i];
			return OK;
		}
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", modules[i].name);
	}
	error_set(err, ERR_INVALID, "unknown module \"" STR_FMT "\"", STR_ARG(str_sub(name, 0, 100)));
	error_hint(err, "modules are %s; what needs more is a Check, and its series are kept anyway", list.bytes);
	return ERR_INVALID;
}

/* "host:9100", "[2001:db8::1]:22", "host". */
static void put_host(struct json_writer *json, struct str target, bool with_port)
{
	const char *colon = target.len > 0 && with_port ? memrchr(target.ptr, ':', target.len) : NULL;
	struct str host = colon != NULL ? str_sub(target, 0, (size_t)(colon - target.ptr)) : target;
	int64_t port;
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = str_sub(host, 1, host.len - 1);
	json_field_text(json, "host", host);
	if (colon != NULL && str_int(str_sub(target, host.len == 0 ? 1 : (size_t)(colon - target.ptr) + 1, target.len), 1, 65535, &port))
		json_field_int(json, "port", port);
}

static void put_target(struct json_writer *json, const struct module *module, struct str target, struct arena *arena)
{
	bool has_scheme = str_starts(target, STR("http://")) || str_starts(target, STR("https://"));
	if (module->form == TARGET_URL)
		json_field_text(json, "url", has_scheme ? target : arena_printf(arena, "http://" STR_FMT, STR_ARG(target)));
	else
		put_host(json, target, module->form == TARGET_HOST_PORT);
}

/* A bit less than whoever asks waits for the answer. */
static time_us timeout_of(struct api_call *call)
{
	struct str field;
	double seconds = 0;
	if (http_request_header(call->request, TIMEOUT_FIELD, &field))
		seconds = strtod(arena_cstr(&call->arena, str_sub(field, 0, 20)), NULL);
	if (!(seconds > 0 && seconds < 1000))
		return TIMEOUT_DEFAULT;
	time_us timeout = (time_us)(seconds * TIME_SECOND) - TIMEOUT_EARLIER;
	return timeout < TIMEOUT_LEAST ? TIMEOUT_LEAST : timeout > MONITOR_TIMEOUT_MAX ? MONITOR_TIMEOUT_MAX : timeout;
}

static enum err read_spec(struct api_call *call, const struct module *module, struct check_spec *ret_spec, struct error *err)
{
	struct spec_errors *errors = arena_new(&call->arena, struct spec_errors);
	struct str target = api_query(call, "target");
	const struct doc_node *doc, *full;
	cleanup_buf struct buf text;
	struct json_writer json;
	buf_init(&text, 4 * TARGET_BYTES_MAX);
	if (target.len == 0 || target.len > TARGET_BYTES_MAX)
		return error_set(err, ERR_INVALID, target.len == 0 ? "target parameter is missing" : "target is too long");
	json_init(&json, &text);
	json_map_begin(&json);
	json_field_cstr(&json, "kind", module->kind);
	json_field_cstr(&json, "interval", "5m");
	json_field_cstr(&json, "timeout", arena_printf(&call->arena, "%lldms", (long long)(timeout_of(call) / TIME_MS)).ptr);
	put_target(&json, module, target, &call->arena);
	json_map_end(&json);
	json_finish(&json);
	if (module->more != NULL) {
		buf_cut(&text, text.used - 1);
		buf_printf(&text, ",%s}", module->more);
	}
	spec_errors_init(errors, &call->arena, NULL);
	errors->subject = "the target";
	enum err r = doc_json_parse(buf_str(&text), &call->arena, DOC_LIMITS_DEFAULT, NULL, &doc, err);
	if (r != OK)
		return r;
	if (spec_check(monitor_check_fields, monitor_check_rule, doc, &call->arena, errors, &full, NULL) != OK)
		return spec_errors_result(errors, err);
	return monitor_spec_read(STR("probe"), full, ret_spec, err);
}

static void answer(struct api_call *call, const struct check_kind *kind, const struct check_result *result)
{
	bool debug = str_is(api_query(call, "debug"), "true");
	if (debug)
		buf_printf(&call->out, "What was found:\n%s\n\n\nMetrics that would have been returned:\n", result->reason);
	check_exposition(kind, result, &call->out);
	call->content_type = debug ? "text/plain; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
}

enum err api_probe(struct api_call *call, struct error *err)
{
	const struct api_sense *sense = call->api->options.sense;
	const struct module *module;
	struct check_spec spec;
	struct check_result result = { .detail = NULL };
	enum err r = find_module(call, &module, err);
	if (r == OK && (sense == NULL || sense->probe == NULL))
		r = error_set(err, ERR_UNAVAILABLE, "could not look: no checks run in this process");
	if (r == OK)
		r = read_spec(call, module, &spec, err);
	if (r != OK)
		return r;
	const struct check_kind *kind = spec.kind;
	store_read_end(call->conn); /* it may take a minute: a checkpoint of the store need not wait for it */
	r = sense->probe(sense->context, &spec, &result, err);
	if (r == OK && result.blind)
		r = error_set(err, ERR_UNAVAILABLE, "could not look: %s", result.reason);
	else if (r == OK)
		answer(call, kind, &result);
	mem_free((char *)result.detail);
	return r;
}
