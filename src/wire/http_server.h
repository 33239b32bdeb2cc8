/*
 * http_server.h: HTTP/1.1 in, structs out (RFC 9110, 9112), over libmicrohttpd.
 *
 * Web threads only parse, write sockets and serve static assets. Every handler runs on a worker of
 * one of five bounded queues, so that a slow read can never delay an acknowledgement: *act*, *read*, *heavy*,
 * *samples* (what other programs measured) and *query* (of time series) have their own workers, their own bound and
 * their own deadline. A full queue answers 503 with Retry-After; act is never refused because another is full.
 *
 * A handler answers its exchange exactly once, at once or later from any thread. When the queue's
 * deadline passes first, the client gets 503 and the late answer is dropped. Request targets and
 * header blocks that two readers could understand differently are refused with 400.
 *
 * Owns: the server owns connections, queues and threads; who holds an unanswered exchange owns one
 * reference to it. Clock and randomness are passed in and must be safe to use from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "sys/clock.h"

struct http_server;
struct http_exchange;
struct http_stream;

/* --- limits ------------------------------------------------------------------------------- */
#define HTTP_CONNECTION_MEMORY_BYTES (14u << 10) /* per connection; a longer header block is 431 */
#define HTTP_TARGET_BYTES_MAX (8u << 10)         /* path and query; longer is 414 */
#define HTTP_HEADERS_MAX 64
#define HTTP_PARAMS_MAX 128 /* query parameters */
#define HTTP_RESPONSE_HEADERS_MAX 16
#define HTTP_DISCARD_BYTES_MAX (1u << 20) /* chunked body read past its limit before hanging up */
#define HTTP_BODY_PADDING_BYTES 64        /* zero bytes after every body, for the JSON reader */
#define HTTP_COMPRESS_BYTES_MIN 1024      /* a shorter body is not worth compressing */
#define HTTP_ADDRESS_BYTES 64
#define HTTP_REQUEST_ID_BYTES 32

/* --- what to do with a request ------------------------------------------------------------ */
enum http_queue { HTTP_QUEUE_ACT, HTTP_QUEUE_READ, HTTP_QUEUE_HEAVY, HTTP_QUEUE_SAMPLES, HTTP_QUEUE_QUERY, HTTP_QUEUE_PROBE, HTTP_QUEUE_COUNT };

enum http_kind {
	HTTP_KIND_HANDLER, /* a worker answers */
	HTTP_KIND_STREAM,  /* a worker answers, or turns it into an event stream */
	HTTP_KIND_STATIC   /* the web thread answers from the asset table; GET and HEAD only */
};

/* Immutable, compiled into the binary or living as long as the server. */
struct http_asset {
	const char *path; /* "/app.js" */
	const void *bytes;
	size_t size_bytes;
	const void *gzip; /* NULL: only as it is */
	size_t gzip_bytes;
	const char *type;          /* "text/javascript; charset=utf-8" */
	const char *etag;          /* without quotes */
	const char *cache_control; /* NULL: "no-cache" (ask every time, 304 when unchanged) */
	bool any_origin; /* pages of other sites may read it by script */
	/* Of one that does not live as long as the server: called once for each time it was found, after the
	 * last byte has left. NULL: it is constant. */
	void (*release)(const struct http_asset *asset);
};

/* Finds an asset that may be replaced while the server runs, and holds it; NULL: there is none. Called on
 * web threads. */
typedef const struct http_asset *http_asset_fn(void *context, struct str path);

struct http_route {
	enum http_kind kind;
	enum http_queue queue;          /* not for static */
	size_t body_limit_bytes;        /* a larger body is 413; 0: no body at all */
	const void *endpoint;           /* the caller's row, found again in the request */
	const struct http_asset *asset; /* static: this one; NULL: by path, or 404 */
	http_asset_fn *find;            /* static: asked when the request is whole; NULL: as above */
	void *find_context;
};

/* Decides by method ("GET" for HEAD) and decoded path. Called on web threads: no waiting, no locks.
 * Every path gets a route: an unknown one goes to a handler that says 404, or to static. */
typedef struct http_route http_route_fn(void *context, struct str method, struct str path);

/* Handles one request on a worker thread. Must see to it that the exchange is answered. */
typedef void http_handle_fn(void *context, struct http_exchange *exchange);

/* --- the request -------------------------------------------------------------------------- */
struct http_field {
	struct str name, value; /* header values are trimmed, query parameters decoded */
};

/* All texts end in NUL and live as long as the exchange. */
struct http_request {
	struct str method; /* "GET" also for HEAD: the body of the answer is left out for you */
	bool head;
	struct str path;   /* decoded, begins with '/' */
	struct str query;  /* as sent, without '?' */
	struct str target; /* as sent */
	struct str host;   /* as sent; empty only in HTTP/1.0 */
	struct str body;   /* followed by HTTP_BODY_PADDING_BYTES zero bytes when not empty */
	char peer[HTTP_ADDRESS_BYTES]; /* numeric address without port */
	bool peer_is_loopback, tls;
	char id[HTTP_REQUEST_ID_BYTES]; /* unique in this process; in problem documents and logs */
	const void *endpoint;           /* from the route */
	struct http_exchange *exchange; /* that it came by; NULL: another way */
	const struct http_field *headers;
	size_t header_count;
	const struct http_field *params; /* query parameters in order */
	size_t param_count;
};

const struct http_request *http_exchange_request(const struct http_exchange *exchange);

/* Another server that we believe handed it on: for whom it asks. Before anybody reads the request. */
void http_exchange_stands_for(struct http_exchange *exchange, const char *peer, bool peer_is_loopback, bool tls);

/* First header of that name, any case; true and the value, or false. */
bool http_request_header(const struct http_request *request, const char *name,
			 struct str *ret_value);
/* First query parameter of that name. */
bool http_request_param(const struct http_request *request, const char *name,
			struct str *ret_value);
/* First cookie of that name (RFC 6265), quotes not removed. */
bool http_request_cookie(const struct http_request *request, const char *name,
			 struct str *ret_value);

/* --- the response ------------------------------------------------------------------------- */
struct http_header {
	const char *name, *value;
};

/* Zero-initialise and fill. Every answer carries Content-Security-Policy, X-Content-Type-Options,
 * Referrer-Policy, X-Frame-Options and Cache-Control: no-store, unless the same name is set here. */
struct http_response {
	int status;               /* 200..599 */
	const char *content_type; /* NULL: none */
	struct http_header headers[HTTP_RESPONSE_HEADERS_MAX]; /* borrowed until the answer returns */
	size_t header_count;
	char *body; /* from mem_alloc, or NULL; taken by the answer in every case */
	size_t body_bytes;
	const struct http_asset *asset; /* instead of a body: ETag, 304 and gzip are seen to */
	bool compress;                  /* gzip when the client takes it and it is worth it */
};

void http_response_header(struct http_response *response, const char *name, const char *value);

/* Nobody waits for the answer any more: the client has closed its side, or has its 503. For long work, now and then; who
 * closes only for sending counts as gone, as with Go's servers. */
bool http_exchange_is_gone(struct http_exchange *exchange);

/* Answers and lets go of the exchange: it may be gone on return. Exactly once, from any thread. */
void http_exchange_answer(struct http_exchange *exchange, const struct http_response *response);

/* Answers with problem+json (RFC 9457): status, its title, the detail, the request id. `detail` is a
 * sentence for people; `hint` may be NULL. Adds Retry-After: 1 to 503 and 429. */
void http_exchange_refuse(struct http_exchange *exchange, int status, const char *detail,
			  const char *hint);

/* --- event streams (text/event-stream, WHATWG HTML 9.2) ----------------------------------- */

/* Told exactly once, on a web thread, when the connection has ended for whatever reason, also after
 * http_stream_release: the last touch of `context`. Sending from then on says false. */
typedef void http_stream_closed_fn(void *context, struct http_stream *stream);

/* Turns the exchange into a stream instead of answering; counts as the answer. The caller owns one
 * reference to the stream and gives it back with http_stream_release. On failure the exchange still
 * wants its answer. ERR_LIMIT: too many streams. ERR_UNAVAILABLE: stopping, or past its deadline. */
enum err http_exchange_stream(struct http_exchange *exchange, http_stream_closed_fn *closed,
			      void *context, struct http_stream **ret_stream, struct error *err);

/* Queues bytes (whole events; a heartbeat is ":\n\n") from any thread; never waits. False when the
 * stream is closed. A reader too slow for the buffer is closed, not waited for. */
bool http_stream_send(struct http_stream *stream, struct str bytes);
void http_stream_close(struct http_stream *stream); /* what is queued is still sent */
void http_stream_release(struct http_stream **stream); /* closes; leaves NULL */

/* --- the server --------------------------------------------------------------------------- */
struct http_queue_config {
	unsigned workers;     /* 1..64 */
	unsigned waiting_max; /* requests waiting for a worker, 1..65536 */
	int64_t deadline_ms;  /* from complete request to answer */
};

struct http_server_config {
	const char *listen;             /* "127.0.0.1:8484", "[::]:443"; port 0: chosen */
	const char *tls_cert, *tls_key; /* PEM files, both or neither; watched and re-read */
	http_route_fn *route;
	http_handle_fn *handle;
	void *context;
	const struct http_asset *assets;
	size_t asset_count;
	struct clock *clock;
	struct random *random; /* used once, at creation */

	/* http_server_config_default fills in what follows. */
	unsigned web_threads;
	struct http_queue_config queues[HTTP_QUEUE_COUNT];
	unsigned connections_max, connections_per_address_max; /* per address: 0 no limit */
	unsigned streams_max;
	size_t stream_buffer_bytes; /* per stream, unsent */
	size_t bodies_bytes_max;    /* all request bodies together; past it 503 */
	int64_t idle_ms;            /* a connection without progress is closed */
	int64_t intake_ms;          /* from connect or last answer to the next complete request */
	int64_t sending_ms;         /* from answer to its last byte taken */
	int64_t tls_look_ms;        /* how often the certificate files are looked at */
};

void http_server_config_default(struct http_server_config *ret_config);

/* Listens and serves on return. The config is copied; what it points to must outlive the server. */
enum err http_server_create(const struct http_server_config *config,
			    struct http_server **ret_server, struct error *err);

/* "http://127.0.0.1:8484" with the real port. */
const char *http_server_url(const struct http_server *server);
unsigned http_server_port(const struct http_server *server);

/* Reads certificate and key again; on failure the old pair stays in use. Any thread. */
enum err http_server_reload_tls(struct http_server *server, struct error *err);

/* Lets what runs finish for at most `drain_ms`, answers 503 to whoever comes meanwhile, closes streams, stops listening and
 * ends the threads. Waits for handlers to return. Once, not from a handler. */
void http_server_stop(struct http_server *server, int64_t drain_ms);

/* Stops without draining when that was not done. Exchanges still held elsewhere stay safe to answer. */
void http_server_destroy(struct http_server **server);

struct http_server_figures {
	uint64_t requests, refused_intake, expired, late_answers;
	uint64_t refused_full[HTTP_QUEUE_COUNT]; /* 503: too many waited already */
	unsigned connections, streams;
	unsigned waiting[HTTP_QUEUE_COUNT], running[HTTP_QUEUE_COUNT];
};

void http_server_figures(struct http_server *server, struct http_server_figures *ret_figures);
