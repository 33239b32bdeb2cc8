/* api_call.c: what handlers use to read a request and to write an answer. */
#include "api/api_call.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/api_csv.h"
#include "base/mem.h"
#include "guard/guard.h"
#include "wire/markdown.h"

#define MARKDOWN_SHOWN_BYTES_MAX (512u << 10)

/* ---- input ---- */

enum err api_id(struct api_call *call, unsigned param, int64_t *ret_id, struct error *err)
{
	assert(param < API_PARAMS_MAX);
	if (str_int(call->params[param], 1, INT64_MAX, ret_id))
		return OK;
	return error_set(err, ERR_NOT_FOUND, "\"" STR_FMT "\" is no id",
			 STR_ARG(str_sub(call->params[param], 0, 40)));
}

struct str api_query(const struct api_call *call, const char *name)
{
	struct str value;
	return http_request_param(call->request, name, &value) ? value : STR_NONE;
}

enum err api_body(struct api_call *call, const struct spec_field *rows,
		  const struct doc_node **ret_body, struct error *err)
{
	static const struct doc_node nothing = { .kind = DOC_MAP };
	struct spec_errors *errors = arena_new(&call->arena, struct spec_errors);
	spec_errors_init(errors, &call->arena, NULL);
	const struct doc_node *body = call->body != NULL ? call->body : &nothing;
	if (spec_check(rows, NULL, body, &call->arena, errors, ret_body, NULL) == OK)
		return OK;
	return spec_errors_result(errors, err);
}

/* ---- output ---- */

void api_header(struct api_call *call, const char *name, const char *format, ...)
{
	assert(call->header_count < sizeof call->headers / sizeof call->headers[0]);
	va_list args;
	va_start(args, format);
	call->headers[call->header_count].name = name;
	vsnprintf(call->headers[call->header_count].value, sizeof call->headers[0].value, format, args);
	va_end(args);
	call->header_count++;
}

void api_etag(struct api_call *call, int64_t revision)
{
	api_header(call, "ETag", "\"%lld\"", (long long)revision);
}

enum err api_if_match(struct api_call *call, int64_t *ret_expect, struct error *err)
{
	struct str value;
	*ret_expect = -1;
	if (!http_request_header(call->request, "If-Match", &value) || str_is(value, "*"))
		return OK;
	if (value.len > 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"' &&
	    str_int(str_sub(value, 1, value.len - 1), 0, INT64_MAX, ret_expect))
		return OK;
	return error_set(err, ERR_PRECONDITION, "If-Match does not name a revision that was given out");
}

void api_person(struct api_call *call, const char *key, int64_t user)
{
	struct guard_user found;
	json_key(&call->json, key);
	if (user == 0) {
		json_null(&call->json);
		return;
	}
	json_map_begin(&call->json);
	json_field_int(&call->json, "id", user);
	if (guard_user_by_id(call->conn, &call->arena, user, &found, NULL) == OK)
		json_field_text(&call->json, "name", found.name);
	else
		json_field_cstr(&call->json, "name", "unknown");
	json_map_end(&call->json);
}

void api_markdown(struct api_call *call, struct str text)
{
	cleanup_buf struct buf html;
	buf_init(&html, MARKDOWN_SHOWN_BYTES_MAX);
	json_field_text(&call->json, "html", markdown_html(text, 3, &html, NULL) == OK ? buf_str(&html) : STR_NONE);
}

void api_duration(struct json_writer *json, const char *key, time_us duration)
{
	char text[DURATION_TEXT_BYTES];
	duration_format(duration, text);
	json_field_cstr(json, key, text);
}

int api_status(enum err code)
{
	static const int statuses[ERR_COUNT] = {
		[ERR_INVALID] = 400,	   [ERR_UNAUTHENTICATED] = 401, [ERR_DENIED] = 403,
		[ERR_NOT_FOUND] = 404,	   [ERR_CONFLICT] = 409,	[ERR_PRECONDITION] = 412,
		[ERR_TOO_LARGE] = 413,	   [ERR_LIMIT] = 429,		[ERR_UNAVAILABLE] = 503,
		[ERR_TIMEOUT] = 504,	   [ERR_IO] = 503,		[ERR_CORRUPT] = 500,
		[ERR_UNSUPPORTED] = 501,   [ERR_CANCELLED] = 503,
	};
	assert(code < ERR_COUNT);
	return statuses[code] != 0 ? statuses[code] : 500;
}

static const char *status_title(int status)
{
	switch (status) {
	case 400: return "The request is not valid";
	case 401: return "Nobody is signed in";
	case 403: return "Not allowed";
	case 404: return "Not found";
	case 405: return "Method not allowed";
	case 409: return "The state does not allow it";
	case 412: return "It was changed in between";
	case 413: return "Too large";
	case 429: return "Too many";
	case 501: return "Not supported here";
	case 503: return "Not possible now";
	case 504: return "It took too long";
	default: return "Something went wrong";
	}
}

static void write_problem(struct api_call *call, int status, const struct error *err)
{
	struct json_writer *json = &call->json;
	buf_reset(&call->out);
	json_init(json, &call->out);
	json_map_begin(json);
	json_field_cstr(json, "type", "about:blank");
	json_field_cstr(json, "title", status_title(status));
	json_field_int(json, "status", status);
	json_field_cstr(json, "detail", err->text);
	if (err->hint[0] != '\0')
		json_field_cstr(json, "hint", err->hint);
	if (err->field[0] != '\0') {
		json_key(json, "errors");
		json_list_begin(json);
		json_map_begin(json);
		json_field_cstr(json, "field", err->field);
		json_field_cstr(json, "detail", err->text);
		json_map_end(json);
		json_list_end(json);
	}
	json_field_cstr(json, "request_id", call->request->id);
	json_map_end(json);
	json_finish(json);
}

static void write_plain(struct api_call *call, const struct error *err)
{
	buf_reset(&call->out);
	json_init(&call->json, &call->out);
	json_cstr(&call->json, err->text);
	json_finish(&call->json);
}

/* As the contract of PagerDuty has it for what may be sent again later. */
static void write_event_problem(struct api_call *call, const struct error *err)
{
	struct json_writer *json = &call->json;
	buf_reset(&call->out);
	json_init(json, &call->out);
	json_map_begin(json);
	json_field_cstr(json, "status", "error");
	json_field_cstr(json, "message", "Event was not processed");
	json_key(json, "errors");
	json_list_begin(json);
	json_cstr(json, err->text);
	json_list_end(json);
	json_map_end(json);
	json_finish(json);
}

static void give_body(struct api_call *call, int status, const char *type)
{
	struct http_response *response = call->response;
	response->status = status;
	response->content_type = type;
	for (size_t i = 0; i < call->header_count; i++) {
		/* Freed by api_response_finish: the call is gone when the response is sent. */
		http_response_header(response, call->headers[i].name,
				     mem_strdup(call->headers[i].value));
	}
	response->body_bytes = call->out.used;
	response->body = buf_take(&call->out);
	response->compress = true;
}

void api_problem(struct api_call *call, enum err code, const struct error *err)
{
	int status = api_status(code);
	bool plain = call->endpoint != NULL && (call->endpoint->flags & API_ALERTMANAGER);
	bool event = call->endpoint != NULL && (call->endpoint->flags & API_PAGERDUTY);
	if (event && status < 500) /* before its handler could say so */
		api_way_refused(call->api, API_WAY_PAGERDUTY, call->now, err->text);
	if (plain)
		write_plain(call, err);
	else if (event)
		write_event_problem(call, err);
	else
		write_problem(call, status, err);
	call->header_count = 0;
	if (status == 503 || status == 429)
		api_header(call, "Retry-After", "%d", 2);
	if (status == 401)
		api_header(call, "WWW-Authenticate", "Bearer realm=\"Mainstay\"");
	give_body(call, status, plain || event ? "application/json" : "application/problem+json");
}

static bool wants_csv(const struct api_call *call)
{
	struct str accept;
	return http_request_header(call->request, "Accept", &accept) &&
	       str_starts(accept, STR("text/csv"));
}

void api_answer(struct api_call *call)
{
	if (call->content_type != NULL) {
		give_body(call, call->status, call->content_type[0] != '\0' ? call->content_type : NULL);
		return;
	}
	if (call->status == 204 || call->out.used == 0) {
		buf_reset(&call->out);
		give_body(call, 204, NULL);
		return;
	}
	if (call->out.full) {
		struct error err;
		error_set(&err, ERR_TOO_LARGE, "the answer would be larger than %u bytes",
			  API_ANSWER_BYTES_MAX);
		error_hint(&err, "ask for less at a time");
		api_problem(call, ERR_TOO_LARGE, &err);
		return;
	}
	struct str next;
	if (wants_csv(call) && csv_from_list(&call->out, &call->arena, &next)) {
		if (next.len > 0)
			api_header(call, "X-Mainstay-Next", STR_FMT, STR_ARG(next));
		give_body(call, call->status, "text/csv; charset=utf-8");
		return;
	}
	give_body(call, call->status, "application/json");
}

/* ---- lists ---- */

enum err api_list_begin(struct api_call *call, struct api_list *ret_list, struct error *err)
{
	struct api_list list = { .limit = API_PAGE_DEFAULT };
	struct str text = api_query(call, "limit");
	int64_t limit;
	if (text.len > 0) {
		if (!str_int(text, 1, API_PAGE_MAX, &limit)) {
			error_set(err, ERR_INVALID, "limit is a number from 1 to %d", API_PAGE_MAX);
			error_field(err, "limit");
			return ERR_INVALID;
		}
		list.limit = (unsigned)limit;
	}
	list.after = api_query(call, "cursor");
	if (list.after.len > 0 && !str_int(list.after, 1, INT64_MAX, &list.before_id))
		list.before_id = 0;
	json_map_begin(&call->json);
	json_key(&call->json, "items");
	json_list_begin(&call->json);
	*ret_list = list;
	return OK;
}

bool api_list_row(struct api_list *list, int64_t id, struct str name)
{
	if (list->count == list->limit) {
		list->more = true;
		return false;
	}
	list->count++;
	list->last_id = id;
	list->last = name;
	return true;
}

void api_list_end(struct api_call *call, const struct api_list *list)
{
	json_list_end(&call->json);
	json_key(&call->json, "next");
	if (!list->more)
		json_null(&call->json);
	else if (list->last.len > 0)
		json_text(&call->json, list->last);
	else
		json_text(&call->json, arena_printf(&call->arena, "%lld", (long long)list->last_id));
	json_map_end(&call->json);
}
