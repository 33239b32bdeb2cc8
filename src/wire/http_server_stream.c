/*
 * http_server_stream.c: event streams with a bounded buffer and no thread of their own.
 *
 *            send               library takes all
 *   IDLE --------------> READY ------------------> IDLE
 *   (suspended,          (resumed, bytes in
 *    no buffer)           the buffer)
 *      |                    |
 *      | close              | close: END after the buffer; overflow: the socket is shut at once
 *      \--------> GONE <----/
 *
 * References: the owner's, and the web side's until the connection ends.
 */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

#define BUFFER_START_BYTES 1024
#define BLOCK_BYTES 512 /* the library's own, for HTTP/1.0 readers only */

struct http_stream {
	unsigned magic;
	atomic_int refs;
	struct http_server *server;
	http_stream_closed_fn *closed;
	void *context;
	struct http_stream *prev, *next; /* server->mutex */

	pthread_mutex_t mutex;
	struct MHD_Connection *mhd; /* while attached and not gone */
	int fd;
	char *bytes; /* NULL while idle */
	size_t used, size;
	bool suspended, closing, overflowed, gone;
};

static void unref(struct http_stream *stream)
{
	int before = atomic_fetch_sub(&stream->refs, 1);
	assert(before > 0);
	if (before > 1)
		return;
	assert(stream->bytes == NULL);
	pthread_mutex_destroy(&stream->mutex);
	http_server_unref(stream->server);
	stream->magic = 0;
	mem_free(stream);
}

static void buffer_drop(struct http_stream *stream)
{
	mem_free(stream->bytes);
	stream->bytes = NULL;
	stream->used = stream->size = 0;
}

/* Called with the mutex held. */
static void wake(struct http_stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	MHD_resume_connection(stream->mhd);
}

/* --- the web side ------------------------------------------------------------------------- */

void http_stream_attach(struct http_stream *stream, struct MHD_Connection *mhd, int fd)
{
	pthread_mutex_lock(&stream->mutex);
	assert(stream->mhd == NULL);
	stream->mhd = mhd;
	stream->fd = fd;
	pthread_mutex_unlock(&stream->mutex);
}

/* The library asks for bytes; with none, the connection sleeps until there are some. */
static ssize_t read_some(void *context, uint64_t position, char *out, size_t size)
{
	struct http_stream *stream = context;
	ssize_t result = 0;
	pthread_mutex_lock(&stream->mutex);
	assert(!stream->gone);
	if (stream->overflowed) {
		result = MHD_CONTENT_READER_END_WITH_ERROR;
	} else if (stream->used > 0) {
		size_t taken = stream->used < size ? stream->used : size;
		memcpy(out, stream->bytes, taken);
		memmove(stream->bytes, stream->bytes + taken, stream->used - taken);
		stream->used -= taken;
		if (stream->used == 0)
			buffer_drop(stream);
		result = (ssize_t)taken;
	} else if (stream->closing) {
		result = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (!stream->suspended) {
		stream->suspended = true;
		MHD_suspend_connection(stream->mhd);
	}
	pthread_mutex_unlock(&stream->mutex);
	return result;
}

struct MHD_Response *http_stream_reply(struct http_stream *stream)
{
	struct MHD_Response *reply = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_some, stream, NULL);
	assert(reply != NULL);
	MHD_add_response_header(reply, "Content-Type", "text/event-stream");
	MHD_add_response_header(reply, "X-Accel-Buffering", "no"); /* a proxy must not hold events */
	http_reply_secure(reply, NULL);
	return reply;
}

static void unlist(struct http_stream *stream)
{
	struct http_server *server = stream->server;
	pthread_mutex_lock(&server->mutex);
	assert(server->stream_count > 0);
	server->stream_count--;
	if (stream->prev != NULL)
		stream->prev->next = stream->next;
	else
		server->streams = stream->next;
	if (stream->next != NULL)
		stream->next->prev = stream->prev;
	pthread_mutex_unlock(&server->mutex);
}

void http_stream_gone(struct http_stream *stream)
{
	assert(stream->magic == HTTP_MAGIC_STREAM);
	pthread_mutex_lock(&stream->mutex);
	assert(!stream->gone);
	assert(!stream->suspended);
	stream->gone = true;
	stream->mhd = NULL;
	buffer_drop(stream);
	pthread_mutex_unlock(&stream->mutex);
	unlist(stream);
	if (stream->closed != NULL)
		stream->closed(stream->context, stream);
	unref(stream);
}

/* --- the owner's side --------------------------------------------------------------------- */

static enum err enlist(struct http_server *server, struct http_stream *stream, struct error *err)
{
	enum err result = OK;
	pthread_mutex_lock(&server->mutex);
	if (server->streams_refused)
		result = error_set(err, ERR_UNAVAILABLE, "the server is stopping");
	else if (server->stream_count >= server->config.streams_max)
		result = error_set(err, ERR_LIMIT, "%u event streams are open already",
				   server->stream_count);
	if (result == OK) {
		server->stream_count++;
		stream->next = server->streams;
		if (stream->next != NULL)
			stream->next->prev = stream;
		server->streams = stream;
	}
	pthread_mutex_unlock(&server->mutex);
	return result;
}

static struct http_stream *stream_create(struct http_server *server,
					 http_stream_closed_fn *closed, void *context)
{
	struct http_stream *stream = mem_alloc(sizeof *stream);
	stream->magic = HTTP_MAGIC_STREAM;
	atomic_init(&stream->refs, 2);
	stream->server = server;
	stream->closed = closed;
	stream->context = context;
	stream->fd = -1;
	pthread_mutex_init(&stream->mutex, NULL);
	http_server_ref(server);
	return stream;
}

enum err http_exchange_stream(struct http_exchange *exchange, http_stream_closed_fn *closed,
			      void *context, struct http_stream **ret_stream, struct error *err)
{
	assert(exchange->magic == HTTP_MAGIC_EXCHANGE);
	assert(exchange->route.kind == HTTP_KIND_STREAM);
	struct http_stream *stream = stream_create(exchange->server, closed, context);
	enum err result = enlist(exchange->server, stream, err);
	if (result == OK && !http_exchange_settle_stream(exchange, stream)) {
		unlist(stream);
		result = error_set(err, ERR_UNAVAILABLE, "the client has been answered already");
	}
	if (result != OK) {
		unref(stream);
		unref(stream);
		return result;
	}
	*ret_stream = stream;
	http_exchange_unref(exchange);
	return OK;
}

static bool buffer_add(struct http_stream *stream, struct str bytes)
{
	if (bytes.len > stream->server->config.stream_buffer_bytes - stream->used)
		return false;
	size_t size = stream->size > 0 ? stream->size : BUFFER_START_BYTES;
	while (size < stream->used + bytes.len)
		size *= 2;
	if (size != stream->size) {
		stream->bytes = mem_realloc(stream->bytes, size);
		stream->size = size;
	}
	memcpy(stream->bytes + stream->used, bytes.ptr, bytes.len);
	stream->used += bytes.len;
	return true;
}

bool http_stream_send(struct http_stream *stream, struct str bytes)
{
	assert(stream->magic == HTTP_MAGIC_STREAM);
	assert(bytes.len > 0);
	pthread_mutex_lock(&stream->mutex);
	bool open = !stream->gone && !stream->closing;
	if (open && !buffer_add(stream, bytes)) {
		/* The library may be waiting for this reader's socket: a shut one wakes it. */
		stream->closing = stream->overflowed = true;
		if (stream->fd >= 0)
			shutdown(stream->fd, SHUT_RDWR);
		open = false;
		wake(stream);
	} else if (open) {
		wake(stream);
	}
	pthread_mutex_unlock(&stream->mutex);
	return open;
}

void http_stream_close(struct http_stream *stream)
{
	assert(stream->magic == HTTP_MAGIC_STREAM);
	pthread_mutex_lock(&stream->mutex);
	if (!stream->gone) {
		stream->closing = true;
		wake(stream);
	}
	pthread_mutex_unlock(&stream->mutex);
}

void http_stream_release(struct http_stream **stream)
{
	if (*stream == NULL)
		return;
	http_stream_close(*stream);
	unref(*stream);
	*stream = NULL;
}

void http_streams_close_all(struct http_server *server)
{
	pthread_mutex_lock(&server->mutex);
	server->streams_refused = true;
	for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next)
		http_stream_close(stream);
	pthread_mutex_unlock(&server->mutex);
}
