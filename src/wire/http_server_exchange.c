/* http_server_exchange.c: the life of one request, from its target to its answer. */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

#define BODY_START_BYTES 4096

struct http_exchange *http_exchange_create(struct http_server *server, struct MHD_Connection *mhd,
					   const char *target)
{
	struct http_exchange *exchange = mem_alloc(sizeof *exchange);
	exchange->magic = HTTP_MAGIC_EXCHANGE;
	atomic_init(&exchange->refs, 1);
	exchange->server = server;
	exchange->mhd = mhd;
	exchange->target_at = target;
	exchange->target_length = target != NULL ? strlen(target) : 0;
	exchange->target = mem_strdup(target != NULL ? target : "");
	exchange->request.target = str_of(exchange->target);
	exchange->request.exchange = exchange;
	pthread_mutex_init(&exchange->mutex, NULL);
	uint64_t number = atomic_fetch_add(&server->id_next, 1);
	snprintf(exchange->request.id, sizeof exchange->request.id, "%s-%" PRIu64,
		 server->id_prefix, number);
	http_server_ref(server);
	return exchange;
}

void http_exchange_ref(struct http_exchange *exchange)
{
	int before = atomic_fetch_add(&exchange->refs, 1);
	assert(before > 0);
}

static void destroy(struct http_exchange *exchange)
{
	assert(exchange->state != HTTP_WAITING);
	assert(!exchange->is_job);
	assert(!exchange->is_waiting);
	if (exchange->reply != NULL)
		MHD_destroy_response(exchange->reply);
	atomic_fetch_sub(&exchange->server->bodies_bytes, exchange->body_size);
	mem_free(exchange->body);
	mem_free(exchange->texts);
	mem_free(exchange->fields);
	mem_free(exchange->target);
	pthread_mutex_destroy(&exchange->mutex);
	http_server_unref(exchange->server);
	exchange->magic = 0;
	mem_free(exchange);
}

void http_exchange_unref(struct http_exchange *exchange)
{
	int before = atomic_fetch_sub(&exchange->refs, 1);
	assert(before > 0);
	if (before == 1)
		destroy(exchange);
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
	assert(exchange->magic == HTTP_MAGIC_EXCHANGE);
	return &exchange->request;
}

void http_exchange_stands_for(struct http_exchange *exchange, const char *peer, bool peer_is_loopback, bool tls)
{
	assert(exchange->magic == HTTP_MAGIC_EXCHANGE);
	snprintf(exchange->request.peer, sizeof exchange->request.peer, "%s", peer);
	exchange->request.peer_is_loopback = peer_is_loopback;
	exchange->request.tls = tls;
}

/* --- collecting the body ------------------------------------------------------------------ */

/* Makes room for `need` bytes and the padding, within what all bodies may take together. */
static bool body_reserve(struct http_exchange *exchange, size_t need)
{
	struct http_server *server = exchange->server;
	need += HTTP_BODY_PADDING_BYTES;
	if (need <= exchange->body_size)
		return true;
	size_t size = exchange->body_size > 0 ? exchange->body_size : BODY_START_BYTES;
	while (size < need)
		size *= 2;
	size_t more = size - exchange->body_size;
	if (atomic_fetch_add(&server->bodies_bytes, more) + more > server->config.bodies_bytes_max) {
		atomic_fetch_sub(&server->bodies_bytes, more);
		return false;
	}
	exchange->body = mem_realloc(exchange->body, size);
	exchange->body_size = size;
	return true;
}

static void body_drop(struct http_exchange *exchange, int refusal)
{
	atomic_fetch_sub(&exchange->server->bodies_bytes, exchange->body_size);
	mem_free(exchange->body);
	exchange->body = NULL;
	exchange->body_size = 0;
	exchange->request.body = STR_NONE;
	exchange->refusal = refusal;
}

/* Takes some of the body. An answer cannot be given before its end, so what is refused is read on
 * and thrown away, up to a bound; past it the connection is closed (MHD_NO). */
enum MHD_Result http_exchange_body(struct http_exchange *exchange, const char *bytes, size_t size)
{
	assert(exchange->state == HTTP_INTAKE);
	exchange->body_seen += size;
	size_t limit = exchange->route.body_limit_bytes;
	if (exchange->refusal == 0 && exchange->body_seen > limit)
		body_drop(exchange, 413);
	if (exchange->refusal == 0 && !body_reserve(exchange, (size_t)exchange->body_seen))
		body_drop(exchange, 503);
	if (exchange->refusal != 0)
		return exchange->body_seen <= limit + HTTP_DISCARD_BYTES_MAX ? MHD_YES : MHD_NO;
	struct str *body = &exchange->request.body;
	memcpy(exchange->body + body->len, bytes, size);
	*body = (struct str){ exchange->body, body->len + size };
	memset(exchange->body + body->len, 0, HTTP_BODY_PADDING_BYTES);
	return MHD_YES;
}

/* --- answering ---------------------------------------------------------------------------- */

/* WAITING -> ANSWERED; false when the client has its 503 already. Called with the mutex held. */
static bool settle(struct http_exchange *exchange, struct MHD_Response *reply, int status)
{
	assert(!exchange->answered); /* every exchange is answered exactly once */
	exchange->answered = true;
	if (exchange->state != HTTP_WAITING)
		return false;
	exchange->reply = reply;
	exchange->status = status;
	exchange->state = HTTP_ANSWERED;
	MHD_resume_connection(exchange->mhd);
	return true;
}

static void answer(struct http_exchange *exchange, struct MHD_Response *reply, int status)
{
	pthread_mutex_lock(&exchange->mutex);
	bool settled = settle(exchange, reply, status);
	pthread_mutex_unlock(&exchange->mutex);
	if (!settled) {
		MHD_destroy_response(reply);
		atomic_fetch_add(&exchange->server->late_answers, 1);
	}
	http_exchange_unref(exchange);
}

void http_exchange_answer(struct http_exchange *exchange, const struct http_response *response)
{
	assert(exchange->magic == HTTP_MAGIC_EXCHANGE);
	int status;
	struct MHD_Response *reply = http_reply_make(&exchange->request, response, &status);
	answer(exchange, reply, status);
}

void http_exchange_refuse(struct http_exchange *exchange, int status, const char *detail,
			  const char *hint)
{
	assert(exchange->magic == HTTP_MAGIC_EXCHANGE);
	assert(status >= 400);
	answer(exchange, http_reply_problem(&exchange->request, status, detail, hint), status);
}

bool http_exchange_is_gone(struct http_exchange *exchange)
{
	bool gone = true;
	pthread_mutex_lock(&exchange->mutex);
	if (exchange->state == HTTP_WAITING) { /* suspended, so the library leaves its socket alone */
		const union MHD_ConnectionInfo *mhd = MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		struct tcp_info tcp;
		socklen_t size = sizeof tcp;
		gone = mhd != NULL && getsockopt(mhd->connect_fd, IPPROTO_TCP, TCP_INFO, &tcp, &size) == 0 &&
		       (tcp.tcpi_state == TCP_CLOSE_WAIT || tcp.tcpi_state == TCP_CLOSE);
	}
	pthread_mutex_unlock(&exchange->mutex);
	return gone;
}

void http_exchange_expire(struct http_exchange *exchange)
{
	pthread_mutex_lock(&exchange->mutex);
	if (exchange->state == HTTP_WAITING) {
		exchange->state = HTTP_EXPIRED;
		atomic_fetch_add(&exchange->server->expired, 1);
		MHD_resume_connection(exchange->mhd);
	}
	pthread_mutex_unlock(&exchange->mutex);
}

/* --- reading a request -------------------------------------------------------------------- */

static bool same_name(struct str a, struct str b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

bool http_request_header(const struct http_request *request, const char *name,
			 struct str *ret_value)
{
	struct str wanted = str_of(name);
	for (size_t i = 0; i < request->header_count; i++) {
		if (same_name(request->headers[i].name, wanted)) {
			*ret_value = request->headers[i].value;
			return true;
		}
	}
	return false;
}

bool http_request_param(const struct http_request *request, const char *name,
			struct str *ret_value)
{
	for (size_t i = 0; i < request->param_count; i++) {
		if (str_is(request->params[i].name, name)) {
			*ret_value = request->params[i].value;
			return true;
		}
	}
	return false;
}

bool http_request_cookie(const struct http_request *request, const char *name,
			 struct str *ret_value)
{
	for (size_t i = 0; i < request->header_count; i++) {
		if (!same_name(request->headers[i].name, STR("cookie")))
			continue;
		struct str rest = request->headers[i].value, pair, key, value;
		while (rest.len > 0) {
			str_cut(rest, ';', &pair, &rest);
			if (str_cut(str_trim(pair), '=', &key, &value) && str_is(key, name)) {
				*ret_value = value;
				return true;
			}
		}
	}
	return false;
}

void http_response_header(struct http_response *response, const char *name, const char *value)
{
	assert(name != NULL);
	assert(value != NULL);
	assert(response->header_count < HTTP_RESPONSE_HEADERS_MAX);
	response->headers[response->header_count++] = (struct http_header){ name, value };
}

/* --- turning into a stream ---------------------------------------------------------------- */

/* Used by http_server_stream.c: as settle, with nothing done when it is too late. */
bool http_exchange_settle_stream(struct http_exchange *exchange, struct http_stream *stream)
{
	pthread_mutex_lock(&exchange->mutex);
	assert(!exchange->answered);
	bool in_time = exchange->state == HTTP_WAITING;
	if (in_time) {
		exchange->stream = stream;
		settle(exchange, NULL, 200);
	}
	pthread_mutex_unlock(&exchange->mutex);
	return in_time;
}
