/* api.c: from a request to a handler and back. See api.h. */
#include "api/api.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/api_call.h"
#include "api/api_params.h"
#include "api/api_pool.h"
#include "api/api_priv.h"
#include "api/api_status.h"
#include "base/mem.h"
#include "journal/journal.h"
#include "wire/doc_json.h"

#define BASE "/api/v1"
#define BODY_DEPTH_MAX 32
#define UNKNOWN_BODY_BYTES (64u << 10) /* sent to an address that is none: told 404 or 405, not 413 */

enum err api_create(const struct api_options *options, struct api **ret_api, struct error *err)
{
	(void)err;
	assert(options->world != NULL);
	assert(options->run != NULL);
	struct api *api = mem_alloc(sizeof *api);
	api->options = *options;
	api->started = clock_since_boot(options->clock);
	api->started_at = clock_wall(options->clock);
	api_readers_init(&api->readers);
	api->pool = conn_pool_create(world_store(options->world));
	api->streams = api_streams_create(api);
	api->throttle = guard_throttle_create(GUARD_THROTTLE_ENTRIES, options->random);
	/* Ten at once from one network, then one each half minute; sixty from all, then one a second. */
	static const struct guard_intake_rule outside = { 10, 30 * TIME_SECOND, 60, TIME_SECOND };
	api->intake = guard_intake_create(&outside, options->random);
	/* A storm of one program is let in, a loop that went wild is slowed to twenty a second. */
	static const struct guard_intake_rule programs = { 300, 50 * TIME_MS, 3000, TIME_MS };
	api->events = guard_intake_create(&programs, options->random);
	pthread_mutex_init(&api->ways.lock, NULL);
	*ret_api = api;
	return OK;
}

void api_destroy(struct api **api)
{
	if (*api == NULL)
		return;
	api_streams_destroy(&(*api)->streams);
	guard_throttle_destroy(&(*api)->throttle);
	guard_intake_destroy(&(*api)->intake);
	guard_intake_destroy(&(*api)->events);
	pthread_mutex_destroy(&(*api)->ways.lock);
	conn_pool_destroy(&(*api)->pool);
	api_readers_finish(&(*api)->readers);
	mem_free(*api);
	*api = NULL;
}

/* ---- routes ---- */

/* Compares segment by segment; "{...}" takes any one. */
static bool path_matches(struct str pattern, struct str path, struct str *ret_params)
{
	unsigned count = 0;
	while (pattern.len > 0 || path.len > 0) {
		struct str want, have, pattern_rest, path_rest;
		bool more_pattern = str_cut(pattern, '/', &want, &pattern_rest);
		bool more_path = str_cut(path, '/', &have, &path_rest);
		if (more_pattern != more_path)
			return false;
		if (want.len > 1 && want.ptr[0] == '{') {
			if (have.len == 0)
				return false;
			ret_params[count++] = have;
			assert(count <= API_PARAMS_MAX);
		} else if (!str_eq(want, have)) {
			return false;
		}
		pattern = pattern_rest;
		path = path_rest;
	}
	return true;
}

static const struct api_endpoint *find(struct str method, struct str path, struct str *ret_params,
				       bool *ret_path_known)
{
	*ret_path_known = false;
	for (const struct api_endpoint *row = api_endpoints; row->method != NULL; row++) {
		struct str params[API_PARAMS_MAX] = { STR_NONE };
		if (!path_matches(str_of(row->path), path, params))
			continue;
		*ret_path_known = true;
		if (!str_is(method, row->method))
			continue;
		memcpy(ret_params, params, sizeof params);
		return row;
	}
	return NULL;
}

static bool is_ui_path(struct str path)
{
	return !str_starts(path, STR("/api/")) && !str_starts(path, STR("/l/")) && !str_starts(path, STR(STATUS_PREFIX));
}

static const struct http_asset *asset_of(const struct http_asset *assets, size_t count, struct str path)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is(path, assets[i].path))
			return &assets[i];
	}
	return NULL;
}

const struct http_asset *api_asset(const struct api *api, struct str path)
{
	return asset_of(api->options.assets, api->options.asset_count, path);
}

bool api_endpoint_streams(const void *endpoint)
{
	const struct api_endpoint *row = endpoint;
	return row != NULL && row->handler == NULL;
}

struct http_route api_route_without(const struct http_asset *assets, size_t count, struct str method,
				    struct str path)
{
	struct str params[API_PARAMS_MAX];
	bool known;
	const struct api_endpoint *row = find(method, path, params, &known);
	if (row != NULL)
		return (struct http_route){
			.kind = row->handler == NULL ? HTTP_KIND_STREAM : HTTP_KIND_HANDLER,
			.queue = row->queue,
			.body_limit_bytes = row->body_limit_bytes,
			.endpoint = row,
		};
	const struct http_asset *file = str_starts(path, STR(API_TEMPLATES)) ? NULL : asset_of(assets, count, path);
	if (file == NULL && !known && is_ui_path(path) && !str_has(path, '.'))
		file = asset_of(assets, count, STR("/index.html"));
	if (file != NULL && str_is(method, "GET"))
		return (struct http_route){ .kind = HTTP_KIND_STATIC, .asset = file };
	return (struct http_route){ .kind = HTTP_KIND_HANDLER, .queue = HTTP_QUEUE_READ,
				    .body_limit_bytes = UNKNOWN_BODY_BYTES };
}

struct http_route api_route(void *context, struct str method, struct str path)
{
	const struct api *api = context;
	if (api->options.status != NULL && str_is(method, "GET") && str_starts(path, STR(STATUS_PREFIX))) {
		/* Of a public page: from memory, on the web thread, whatever the store does. */
		const struct http_asset *found = api_status_find(api->options.status, path);
		if (found != NULL) {
			found->release(found);
			return (struct http_route){ .kind = HTTP_KIND_STATIC, .find = api_status_find,
						    .find_context = api->options.status };
		}
	}
	return api_route_without(api->options.assets, api->options.asset_count, method, path);
}

/* The stylesheet, fonts and icons of the pages; and what is for everybody below /status/. */
struct http_route api_status_route(void *context, struct str method, struct str path)
{
	struct api *api = context;
	struct str params[API_PARAMS_MAX];
	bool known, reads = str_is(method, "GET");
	struct http_route route = { .kind = HTTP_KIND_STATIC, .find = api_status_find_home,
				    .find_context = api->options.status };
	const struct http_asset *found = reads ? api_status_find_home(api->options.status, path) : NULL;
	if (found != NULL) {
		found->release(found);
		return route;
	}
	const struct api_endpoint *row = find(method, path, params, &known);
	if (row != NULL && str_starts(path, STR(STATUS_PREFIX)) && (row->flags & API_PUBLIC) != 0)
		return api_route(api, method, path);
	if (reads && (str_starts(path, STR("/assets/")) || str_is(path, "/favicon.svg")))
		return (struct http_route){ .kind = HTTP_KIND_STATIC, .asset = api_asset(api, path),
					    .find = api_status_find_home, .find_context = api->options.status };
	return route; /* finds nothing: 404 */
}

/* ---- who is it ---- */

static enum err find_principal(struct api_call *call, struct error *err)
{
	struct str header, value;
	char basic_bytes[GUARD_BASIC_BYTES];
	if (http_request_header(call->request, "Authorization", &header)) {
		bool basic = (call->endpoint->flags & API_PROMETHEUS) && guard_basic_find(header, basic_bytes, &value);
		if (!basic && !guard_bearer_find(header, &value))
			return error_set(err, ERR_UNAUTHENTICATED,
					 "the Authorization header is not \"Bearer TOKEN\"");
		call->signed_in = true;
		return guard_principal_from_token(call->conn, &call->arena, value, call->now,
						  &call->principal, err);
	}
	if (!http_request_header(call->request, "Cookie", &header) ||
	    !guard_cookie_find(header, &value))
		return OK;
	struct error why;
	enum err r = guard_principal_from_session(call->conn, &call->arena, value, call->now,
						  &call->principal, &why);
	if (r == ERR_UNAUTHENTICATED)
		return OK; /* an old cookie is nobody */
	if (r != OK) {
		*err = why;
		return r;
	}
	call->signed_in = true;
	call->cookie = value;
	return OK;
}

static bool is_change(const struct api_call *call)
{
	return !str_is(call->request->method, "GET");
}

static enum err check_csrf(struct api_call *call, struct error *err)
{
	struct str given;
	if (!is_change(call) || call->cookie.len == 0 || (call->endpoint->flags & API_NO_CSRF))
		return OK;
	if (http_request_header(call->request, "X-Mainstay-CSRF", &given) &&
	    guard_csrf_ok(call->cookie, given))
		return OK;
	error_set(err, ERR_DENIED, "the request does not carry the session's CSRF token");
	error_hint(err, "send the csrf value of GET " BASE "/session as header X-Mainstay-CSRF");
	return ERR_DENIED;
}

static enum err admit(struct api_call *call, struct error *err)
{
	enum err r = find_principal(call, err);
	if (r != OK)
		return r;
	if (call->endpoint->flags & API_PUBLIC)
		return call->signed_in ? check_csrf(call, err) : OK;
	if (!call->signed_in && (call->endpoint->flags & API_LOCAL) && api_is_local(call))
		return OK;
	if (!call->signed_in) {
		error_set(err, ERR_UNAUTHENTICATED, "nobody is signed in");
		error_hint(err, "sign in, or send a token as \"Authorization: Bearer TOKEN\"");
		return ERR_UNAUTHENTICATED;
	}
	r = check_csrf(call, err);
	return r == OK ? guard_need(&call->principal, call->endpoint->permission, err) : r;
}

/* ---- reading the request ---- */

static bool see_time(void *context, const struct event *event)
{
	*(time_us *)context = event->recorded_time;
	return false;
}

/* As of then, now is then: what had ended, who was on call and for how long is measured from it. */
static enum err look_back(struct api_call *call, int64_t seq, struct error *err)
{
	time_us then = call->now;
	struct journal_filter filter = { .up_to_seq = seq, .newest_first = true, .limit = 1 };
	enum err r = journal_read(call->conn, &filter, &call->arena, see_time, &then, err);
	if (r != OK)
		return r;
	call->now = then;
	store_as_of(call->conn, seq);
	return OK;
}

static enum err read_as_of(struct api_call *call, struct error *err)
{
	struct str text;
	int64_t seq;
	time_us at;
	if (!http_request_param(call->request, "as_of", &text))
		return OK;
	if (!(call->endpoint->flags & API_AS_OF))
		return error_set(err, ERR_INVALID, "this cannot be asked as of an earlier time");
	if (str_int(text, 1, INT64_MAX, &seq))
		return look_back(call, seq, err);
	if (!time_parse(text, &at)) {
		error_set(err, ERR_INVALID, "as_of is a time like 2026-03-08T03:12:00Z or an event's seq");
		error_field(err, "as_of");
		return ERR_INVALID;
	}
	enum err r = journal_seq_at(call->conn, at, &seq, err);
	if (r != OK)
		return r;
	if (at < call->now)
		call->now = at;
	store_as_of(call->conn, seq > 0 ? seq : 1);
	return OK;
}

static bool is_json(struct str type)
{
	struct str name, rest;
	str_cut(type, ';', &name, &rest);
	name = str_trim(name);
	return str_is(name, "application/json") || str_ends(name, STR("+json"));
}

static enum err read_body(struct api_call *call, struct error *err)
{
	struct str type = STR_NONE;
	if (call->request->body.len == 0 || (call->endpoint->flags & (API_HTML | API_PROMETHEUS)))
		return OK;
	if (!http_request_header(call->request, "Content-Type", &type) || !is_json(type)) {
		error_set(err, ERR_INVALID, "the body is not sent as application/json");
		error_hint(err, "send the header \"Content-Type: application/json\"");
		return ERR_INVALID;
	}
	if (call->endpoint->flags & API_RAW)
		return OK;
	struct doc_limits limits = DOC_LIMITS_DEFAULT;
	limits.depth_max = BODY_DEPTH_MAX;
	limits.bytes_max = call->endpoint->body_limit_bytes;
	enum err r = doc_json_parse(call->request->body, &call->arena, limits, NULL, &call->body, err);
	if (r == OK && !doc_is(call->body, DOC_MAP)) /* null would else be as if nothing was said */
		return error_set(err, ERR_INVALID, "the body is not an object, as {\"reason\": \"...\"}");
	return r;
}

static enum err read_key(struct api_call *call, struct error *err)
{
	struct str key;
	/* PUT, PATCH and DELETE repeat by themselves, and their answers promise an ETag, which is not kept. */
	if (!str_is(call->request->method, "POST") ||
	    !http_request_header(call->request, "Idempotency-Key", &key))
		return OK;
	if (key.len == 0 || key.len > 200)
		return error_set(err, ERR_INVALID, "an Idempotency-Key has 1 to 200 bytes");
	if (!(call->endpoint->flags & (API_SECRET | API_HTML)))
		call->idempotency_key = key;
	return OK;
}

/* ---- one call ---- */

static enum err prepare(struct api_call *call, struct error *err)
{
	enum err r = store_read_begin(call->conn, err);
	if (r == OK)
		r = admit(call, err);
	if (r == OK && !(call->endpoint->flags & (API_HTML | API_PROMETHEUS)))
		r = api_params_check(call, err);
	if (r == OK)
		r = read_as_of(call, err);
	if (r == OK)
		r = read_key(call, err);
	if (r == OK)
		r = read_body(call, err);
	return r;
}

static void note_use(struct api_call *call)
{
	struct command command = {
		.name = "touch",
		.decide = guard_decide_touch,
		.args = &call->principal,
		.actor = ACTOR_SYSTEM,
	};
	struct error err;
	if (call->signed_in && call->principal.touch_due)
		call->api->options.run(call->api->options.run_context, &command, &err);
}

static void run(struct api_call *call)
{
	struct error err = { 0 };
	enum err r = conn_pool_take(call->api->pool, &call->conn, &err);
	if (r != OK) {
		api_problem(call, r, &err);
		return;
	}
	r = prepare(call, &err);
	if (r == OK)
		r = call->endpoint->handler(call, &err);
	api_metrics_let_go(call);
	store_read_end(call->conn);
	conn_pool_give(call->api->pool, &call->conn);
	if (r == OK)
		api_answer(call);
	else
		api_problem(call, r, &err);
	note_use(call);
}

static void refuse_unknown(struct api_call *call, bool path_known)
{
	struct error err;
	error_set(&err, ERR_NOT_FOUND, path_known ? "this address does not take " STR_FMT
						  : "there is nothing at this address; " STR_FMT " was asked",
		  STR_ARG(call->request->method));
	api_problem(call, ERR_NOT_FOUND, &err);
	if (path_known)
		call->response->status = 405;
}

void api_handle(struct api *api, const struct http_request *request, struct http_response *response)
{
	struct api_call *call = mem_alloc(sizeof *call);
	bool path_known;
	*call = (struct api_call){
		.api = api,
		.request = request,
		.response = response,
		.now = clock_wall(api->options.clock),
		.status = 200,
	};
	arena_init(&call->arena, API_ARENA_BYTES);
	buf_init(&call->out, API_ANSWER_BYTES_MAX);
	json_init(&call->json, &call->out);
	call->endpoint = find(request->method, request->path, call->params, &path_known);
	if (call->endpoint == NULL || call->endpoint->handler == NULL)
		refuse_unknown(call, path_known);
	else
		run(call);
	buf_finish(&call->out);
	arena_finish(&call->arena);
	mem_free(call);
}

void api_response_finish(struct http_response *response)
{
	for (size_t i = 0; i < response->header_count; i++)
		mem_free((char *)response->headers[i].value);
	response->header_count = 0;
}

void api_serve(void *context, struct http_exchange *exchange)
{
	struct api *api = context;
	const struct http_request *request = http_exchange_request(exchange);
	const struct api_endpoint *row = request->endpoint;
	if (row != NULL && row->handler == NULL) {
		api_stream_open(api, exchange);
		return;
	}
	struct http_response response = { 0 };
	api_handle(api, request, &response);
	http_exchange_answer(exchange, &response);
	api_response_finish(&response);
}
