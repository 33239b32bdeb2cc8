/*
 * http_server_web.c: libmicrohttpd's callbacks; what happens on web threads.
 *
 * The library calls http_web_request at the header block (nothing answered then may keep the
 * connection open), with each piece of body, once when the request is whole, and once more when the
 * suspended connection was resumed.
 */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

static void set_deadline(struct http_exchange *exchange, int64_t after_ms)
{
	if (exchange->connection != NULL)
		exchange->connection->deadline =
			after_ms < 0 ? INT64_MAX
				     : http_server_now(exchange->server) + after_ms * TIME_MS;
}

/* --- connections -------------------------------------------------------------------------- */

static struct http_connection *connection_open(struct http_server *server,
					       struct MHD_Connection *mhd)
{
	struct http_connection *connection = mem_alloc(sizeof *connection);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	connection->fd = info != NULL ? info->connect_fd : -1;
	connection->tls = server->tls;
	connection->deadline = http_server_now(server) + server->config.intake_ms * TIME_MS;
	pthread_mutex_lock(&server->mutex);
	connection->next = server->connections;
	if (connection->next != NULL)
		connection->next->prev = connection;
	server->connections = connection;
	pthread_mutex_unlock(&server->mutex);
	atomic_fetch_add(&server->connection_count, 1);
	return connection;
}

static void connection_close(struct http_server *server, struct http_connection *connection)
{
	pthread_mutex_lock(&server->mutex);
	if (connection->prev != NULL)
		connection->prev->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next != NULL)
		connection->next->prev = connection->prev;
	pthread_mutex_unlock(&server->mutex);
	atomic_fetch_sub(&server->connection_count, 1);
	http_tls_release(connection);
	mem_free(connection);
}

/* The library tells of the end before it closes the socket, so `fd` is ours while we are listed. */
void http_web_connection(void *context, struct MHD_Connection *mhd, void **connection,
			 enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*connection = connection_open(server, mhd);
	} else if (*connection != NULL) {
		connection_close(server, *connection);
		*connection = NULL;
	}
}

/* --- the request line --------------------------------------------------------------------- */

void *http_web_target(void *context, const char *target, struct MHD_Connection *mhd)
{
	struct http_server *server = context;
	struct http_exchange *exchange = http_exchange_create(server, mhd, target);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	exchange->connection = info != NULL ? info->socket_context : NULL;
	atomic_fetch_add(&server->open_requests, 1);
	atomic_fetch_add(&server->requests, 1);
	/* We read the query ourselves. The library would put every parameter into the connection's
	 * memory, and the 2021 version goes astray when that runs out: hide the query from it. It
	 * lies in the library's own read buffer, which it is about to cut in the same way. */
	char *query = target != NULL ? strchr(target, '?') : NULL;
	if (query != NULL)
		query[1] = '\0';
	return exchange;
}

/* --- answering ---------------------------------------------------------------------------- */

static enum MHD_Result queue_reply(struct http_exchange *exchange, struct MHD_Connection *mhd,
				   struct MHD_Response *reply, int status)
{
	assert(exchange->state != HTTP_WAITING);
	assert(reply != NULL);
	exchange->state = HTTP_DONE;
	set_deadline(exchange, exchange->stream != NULL ? -1 : exchange->server->config.sending_ms);
	enum MHD_Result result = MHD_queue_response(mhd, (unsigned)status, reply);
	MHD_destroy_response(reply);
	return result;
}

static enum MHD_Result refuse(struct http_exchange *exchange, struct MHD_Connection *mhd,
			      int status, const char *why, bool hang_up)
{
	struct MHD_Response *reply = http_reply_problem(&exchange->request, status, why, NULL);
	if (hang_up)
		MHD_add_response_header(reply, "Connection", "close");
	if (status == 405)
		MHD_add_response_header(reply, "Allow", "GET, HEAD");
	return queue_reply(exchange, mhd, reply, status);
}

/* --- stages ------------------------------------------------------------------------------- */

static enum MHD_Result refuse_body(struct http_exchange *exchange, struct MHD_Connection *mhd)
{
	atomic_fetch_add(&exchange->server->refused_intake, 1);
	return refuse(exchange, mhd, 413, "the body is larger than this address takes", true);
}

/* The header block is there. To answer now closes the connection: the body is not wanted. */
static enum MHD_Result begin(struct http_exchange *exchange, struct MHD_Connection *mhd,
			     const char *method, const char *version)
{
	struct http_server *server = exchange->server;
	struct http_request *request = &exchange->request;
	const char *why = "";
	int status = http_intake_check(exchange, method, version, &why);
	exchange->begun = true;
	if (status != 0) {
		atomic_fetch_add(&server->refused_intake, 1);
		return refuse(exchange, mhd, status, why, true);
	}
	exchange->route = server->config.route(server->config.context, request->method,
					       request->path);
	request->endpoint = exchange->route.endpoint;
	assert(exchange->route.kind == HTTP_KIND_STATIC ||
	       exchange->route.queue < HTTP_QUEUE_COUNT);
	struct str length;
	int64_t bytes = 0;
	if (http_request_header(request, "content-length", &length))
		str_int(length, 0, INT64_MAX, &bytes);
	if ((uint64_t)bytes > exchange->route.body_limit_bytes)
		return refuse_body(exchange, mhd);
	return MHD_YES;
}

static enum MHD_Result answer_static(struct http_exchange *exchange, struct MHD_Connection *mhd)
{
	const struct http_route *route = &exchange->route;
	const struct http_asset *asset = route->asset;
	bool reads = str_is(exchange->request.method, "GET");
	if (asset == NULL && route->find != NULL && reads)
		asset = route->find(route->find_context, exchange->request.path);
	if (asset == NULL && route->find == NULL)
		asset = http_static_find(&exchange->server->config, exchange->request.path);
	if (asset == NULL)
		return refuse(exchange, mhd, 404, "there is nothing at this address", false);
	if (!reads)
		return refuse(exchange, mhd, 405, "this address can only be read", false);
	int status;
	struct MHD_Response *reply = http_static_reply(&exchange->request, asset, &status);
	http_reply_secure(reply, NULL);
	return queue_reply(exchange, mhd, reply, status);
}

static enum MHD_Result hand_over(struct http_exchange *exchange, struct MHD_Connection *mhd)
{
	struct http_server *server = exchange->server;
	set_deadline(exchange, -1);
	switch (http_jobs_push(&server->queues[exchange->route.queue], exchange)) {
	case OK:
		return MHD_YES; /* it may be answered already: nothing of it is touched here */
	case ERR_LIMIT:
		atomic_fetch_add(&server->refused_full[exchange->route.queue], 1);
		return refuse(exchange, mhd, 503, "too many requests wait already", false);
	default:
		return refuse(exchange, mhd, 503, "the server is stopping", true);
	}
}

/* The request is whole. */
static enum MHD_Result finish(struct http_exchange *exchange, struct MHD_Connection *mhd)
{
	if (exchange->refusal == 413)
		return refuse_body(exchange, mhd);
	if (exchange->refusal != 0)
		return refuse(exchange, mhd, exchange->refusal,
			      "too much is being sent to this server at once", true);
	if (exchange->server->stopping)
		return refuse(exchange, mhd, 503, "the server is stopping", true);
	if (exchange->route.kind == HTTP_KIND_STATIC)
		return answer_static(exchange, mhd);
	return hand_over(exchange, mhd);
}

/* The connection was resumed: there is an answer, a stream, or the deadline has passed. */
static enum MHD_Result resumed(struct http_exchange *exchange, struct MHD_Connection *mhd)
{
	http_jobs_forget(&exchange->server->queues[exchange->route.queue], exchange);
	pthread_mutex_lock(&exchange->mutex);
	enum http_state state = exchange->state;
	struct MHD_Response *reply = exchange->reply;
	exchange->reply = NULL;
	if (state == HTTP_EXPIRED)
		exchange->state = HTTP_DONE;
	pthread_mutex_unlock(&exchange->mutex);
	if (state == HTTP_EXPIRED)
		return refuse(exchange, mhd, 503, "the answer was not ready in time", false);
	assert(state == HTTP_ANSWERED);
	if (exchange->stream != NULL) {
		http_stream_attach(exchange->stream, mhd,
				   exchange->connection != NULL ? exchange->connection->fd : -1);
		reply = http_stream_reply(exchange->stream);
	}
	return queue_reply(exchange, mhd, reply, exchange->status);
}

static enum http_state state_of(struct http_exchange *exchange)
{
	pthread_mutex_lock(&exchange->mutex);
	enum http_state state = exchange->state;
	pthread_mutex_unlock(&exchange->mutex);
	return state;
}

enum MHD_Result http_web_request(void *context, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **request)
{
	struct http_exchange *exchange = *request;
	if (exchange == NULL)
		return MHD_NO;
	assert(exchange->magic == HTTP_MAGIC_EXCHANGE);
	assert(exchange->mhd == mhd);
	if (!exchange->begun)
		return begin(exchange, mhd, method, version);
	switch (state_of(exchange)) {
	case HTTP_INTAKE:
		break;
	case HTTP_WAITING:
		return MHD_YES;
	default:
		return resumed(exchange, mhd);
	}
	if (*upload_size == 0)
		return finish(exchange, mhd);
	size_t size = *upload_size;
	*upload_size = 0;
	return http_exchange_body(exchange, upload, size);
}

/* The library is through with the request, well or not. It never says so while we are suspended. */
void http_web_completed(void *context, struct MHD_Connection *mhd, void **request,
			enum MHD_RequestTerminationCode code)
{
	struct http_exchange *exchange = *request;
	if (exchange == NULL)
		return;
	*request = NULL;
	struct http_server *server = exchange->server;
	http_jobs_forget(&server->queues[exchange->route.queue], exchange);
	if (exchange->stream != NULL)
		http_stream_gone(exchange->stream);
	set_deadline(exchange, server->config.intake_ms);
	atomic_fetch_sub(&server->open_requests, 1);
	http_exchange_unref(exchange);
}
