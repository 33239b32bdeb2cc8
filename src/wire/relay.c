/* relay.c: see relay.h. */
#include "wire/relay.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/loop.h"

#define ADDED_FIELDS 2u /* the relay's own, and the lack of a Content-Type */
_Static_assert(HTTP_FIELDS_MAX >= HTTP_HEADERS_MAX + ADDED_FIELDS, "all that came can be handed on");

struct passed {
	struct relay *relay;
	struct passed *next, **link; /* link NULL: the loop has not met it yet */
	struct http_exchange *exchange; /* NULL once answered */
	struct http_stream *stream;
	struct http_call *call;
	char *base, *field_name, *field_value;
	bool is_stream;
	atomic_bool gone;    /* the stream's reader has left */
	atomic_uint holders; /* the loop, and the stream until it is closed */
};

struct relay {
	struct loop *loop;
	struct http_client *http;
	struct passed *first;
	unsigned count;
};

struct relay *relay_create(struct loop *loop, struct http_client *http)
{
	struct relay *relay = mem_alloc(sizeof *relay);
	relay->loop = loop;
	relay->http = http;
	return relay;
}

static void let_go(struct passed *passed)
{
	if (atomic_fetch_sub(&passed->holders, 1) > 1)
		return;
	assert(passed->exchange == NULL);
	mem_free(passed->base);
	mem_free(passed->field_name);
	mem_free(passed->field_value);
	mem_free(passed);
}

static void enlist(struct relay *relay, struct passed *passed)
{
	passed->next = relay->first;
	passed->link = &relay->first;
	if (passed->next != NULL)
		passed->next->link = &passed->next;
	relay->first = passed;
	relay->count++;
}

static void refuse(struct passed *passed, const char *why, const char *hint)
{
	if (passed->exchange != NULL)
		http_exchange_refuse(passed->exchange, 503, why, hint);
	passed->exchange = NULL;
}

/* The loop is done with it. */
static void finish(struct passed *passed)
{
	assert(passed->exchange == NULL);
	*passed->link = passed->next;
	if (passed->next != NULL)
		passed->next->link = passed->link;
	passed->relay->count--;
	http_call_cancel(&passed->call);
	http_stream_release(&passed->stream);
	let_go(passed);
}

/* It may have arrived, and may have been done. */
static void refuse_lost(struct passed *passed)
{
	if (passed->exchange == NULL)
		return;
	bool reads = str_is(http_exchange_request(passed->exchange)->method, "GET");
	refuse(passed, "the server that leads was lost while it was asked",
	       reads ? "another takes over within seconds; try again"
		     : "whether it was done is not known: repeat it with the same Idempotency-Key, or look first");
}

/* ---- the request ---- */

static const char *const own_to_a_connection[] = { "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
						   "Transfer-Encoding", "Upgrade", "Content-Length", "Expect",
						   "Accept-Encoding" };

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (name.len == strlen(names[i]) && strncasecmp(name.ptr, names[i], name.len) == 0)
			return true;
	}
	return false;
}

#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof names / sizeof names[0])

/* What the client calls "Connection" may name more that is between it and us: none of ours is. */
static unsigned take_fields(const struct passed *passed, const struct http_request *request,
			    struct http_ask_field fields[HTTP_FIELDS_MAX])
{
	unsigned count = 0;
	fields[count++] = (struct http_ask_field){ passed->field_name, passed->field_value };
	struct str sent;
	if (request->body.len > 0 && !http_request_header(request, "Content-Type", &sent))
		fields[count++] = (struct http_ask_field){ "Content-Type", "" }; /* else one is made up */
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_field *field = &request->headers[i];
		bool ours = field->name.len == strlen(passed->field_name) &&
			    strncasecmp(field->name.ptr, passed->field_name, field->name.len) == 0;
		if (ours || IS_ONE_OF(field->name, own_to_a_connection))
			continue;
		assert(count < HTTP_FIELDS_MAX);
		fields[count++] = (struct http_ask_field){ field->name.ptr, field->value.ptr };
	}
	return count;
}

/* ---- the answer ---- */

static const char *const not_passed_back[] = { "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length",
					       "Content-Type", "Content-Encoding", "Date", "Server", "Vary" };

/* One line of the answer's header; false: it is no field to pass back. */
static bool read_line(struct str line, struct str *ret_name, struct str *ret_value)
{
	struct str name, value;
	if (!str_cut(line, ':', &name, &value) || name.len == 0 || IS_ONE_OF(name, not_passed_back))
		return false;
	*ret_name = name;
	*ret_value = str_trim(value);
	return true;
}

/* Texts with NUL, in one piece of memory that the caller frees. */
static char *copy_headers(const struct http_answer *answer, struct http_response *response)
{
	char *texts = mem_alloc(2 * answer->headers.len + 2), *at = texts;
	struct str rest = answer->headers, line, name, value;
	while (rest.len > 0 && response->header_count < HTTP_RESPONSE_HEADERS_MAX) {
		str_cut(rest, '\n', &line, &rest);
		if (!read_line(line, &name, &value))
			continue;
		const char *name_text = memcpy(at, name.ptr, name.len);
		at += name.len;
		*at++ = '\0';
		const char *value_text = memcpy(at, value.ptr, value.len);
		at += value.len;
		*at++ = '\0';
		http_response_header(response, name_text, value_text);
	}
	return texts;
}

static void answer_back(struct passed *passed, const struct http_answer *answer)
{
	char type[200];
	struct str content_type = http_answer_field(answer, "Content-Type");
	struct http_response response = { .status = answer->status };
	snprintf(type, sizeof type, STR_FMT, STR_ARG(content_type));
	char *texts = copy_headers(answer, &response);
	response.content_type = type[0] != '\0' ? type : NULL;
	response.compress = http_answer_field(answer, "Vary").len > 0;
	response.body_bytes = answer->body.len;
	if (answer->body.len > 0) {
		response.body = mem_alloc(answer->body.len);
		memcpy(response.body, answer->body.ptr, answer->body.len);
	}
	http_exchange_answer(passed->exchange, &response);
	passed->exchange = NULL;
	mem_free(texts);
}

static void on_done(void *context, const struct http_answer *answer, const struct error *err)
{
	struct passed *passed = context;
	passed->call = NULL;
	bool whole = err == NULL && !answer->body_cut && answer->status >= 200 && answer->status <= 599;
	if (passed->exchange != NULL && whole && !passed->is_stream)
		answer_back(passed, answer);
	else if (passed->exchange != NULL && whole && answer->status >= 300)
		answer_back(passed, answer);
	else if (passed->exchange != NULL && err == NULL && answer->body_cut)
		refuse(passed, "the answer of the server that leads is larger than can be handed on",
		       "ask the server that leads itself");
	else
		refuse_lost(passed);
	finish(passed);
}

/* ---- streams ---- */

/* On a web thread: the last touch of the context. */
static void on_closed(void *context, struct http_stream *stream)
{
	struct passed *passed = context;
	(void)stream;
	atomic_store(&passed->gone, true);
	let_go(passed);
}

static void on_piece(void *context, struct str bytes)
{
	struct passed *passed = context;
	struct error err;
	if (passed->exchange != NULL) {
		atomic_fetch_add(&passed->holders, 1);
		if (http_exchange_stream(passed->exchange, on_closed, passed, &passed->stream, &err) != OK) {
			atomic_fetch_sub(&passed->holders, 1);
			refuse(passed, err.text, "try again in a few seconds");
			atomic_store(&passed->gone, true);
			return;
		}
		passed->exchange = NULL;
	}
	if (passed->stream != NULL && bytes.len > 0 && !http_stream_send(passed->stream, bytes))
		atomic_store(&passed->gone, true);
}

void relay_tick(struct relay *relay)
{
	struct passed *passed = relay->first;
	while (passed != NULL) {
		struct passed *next = passed->next;
		if (atomic_load(&passed->gone))
			finish(passed);
		passed = next;
	}
}

/* ---- in and out ---- */

static void on_passed(void *context)
{
	struct passed *passed = context;
	struct relay *relay = passed->relay;
	const struct http_request *request = http_exchange_request(passed->exchange);
	struct http_ask_field fields[HTTP_FIELDS_MAX];
	struct error err;
	cleanup_buf struct buf target;
	enlist(relay, passed);
	buf_init(&target, HTTP_TARGET_BYTES_MAX + 1);
	buf_add(&target, request->target);
	assert(!target.full);
	struct http_ask ask = {
		.method = request->method.ptr,
		.url = passed->base,
		.target = target.bytes, /* as it came: what it is sealed with, and no URL of ours has 8 KiB */
		/* On a connection that was kept, the library asks once more when it dies before the first byte: a change
		 * could be made twice. */
		.fresh = !str_is(request->method, "GET"),
		.fields = fields,
		.fields_count = take_fields(passed, request, fields),
		.body = request->body,
		.timeout = passed->is_stream ? RELAY_STREAM_LASTS : RELAY_WAIT,
		.connect_timeout = 3 * TIME_SECOND,
		.body_max_bytes = RELAY_ANSWER_BYTES_MAX,
		.piece = passed->is_stream ? on_piece : NULL,
	};
	enum err r = relay->count > RELAY_CALLS_MAX ? error_set(&err, ERR_LIMIT, "too much is handed on already")
						   : http_client_start(relay->http, &ask, on_done, passed, &passed->call, &err);
	if (r == OK)
		return;
	refuse(passed, err.text, "try again in a few seconds");
	finish(passed);
}

void relay_pass(struct relay *relay, struct http_exchange *exchange, bool stream, const char *base,
		const struct http_ask_field *field)
{
	struct passed *passed = mem_alloc(sizeof *passed);
	passed->relay = relay;
	passed->exchange = exchange;
	passed->is_stream = stream;
	passed->base = mem_strdup(base);
	passed->field_name = mem_strdup(field->name);
	passed->field_value = mem_strdup(field->value);
	atomic_init(&passed->holders, 1);
	if (loop_post(relay->loop, on_passed, passed) == OK)
		return;
	refuse(passed, "too much waits to be handed on", "try again in a few seconds");
	let_go(passed);
}

void relay_only(struct relay *relay, const char *base)
{
	struct passed *passed = relay->first;
	while (passed != NULL) {
		struct passed *next = passed->next;
		if (base == NULL || strcmp(passed->base, base) != 0) {
			refuse_lost(passed);
			finish(passed);
		}
		passed = next;
	}
}

void relay_destroy(struct relay **relay)
{
	if (*relay == NULL)
		return;
	relay_only(*relay, NULL);
	assert((*relay)->count == 0);
	mem_free(*relay);
	*relay = NULL;
}
