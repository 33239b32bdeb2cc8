/*
 * http_server_priv.h: what the files of the HTTP server share.
 *
 * Locks are never nested, but for server->mutex -> stream->mutex when all streams are closed.
 *
 * Threads: *web* (libmicrohttpd's pool), *worker* (ours, per queue), *watch* (ours, one: deadlines
 * and certificate files), and whoever answers. Locks:
 *   queue->mutex       its jobs and its waiting list
 *   exchange->mutex    its state and reply
 *   stream->mutex      its buffer and state
 *   server->mutex      the lists of connections and streams, stop
 *   tls->mutex         which certificate is current
 */
#pragma once

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "wire/http_server.h"

#define HTTP_MAGIC_EXCHANGE 0x48585831u
#define HTTP_MAGIC_STREAM 0x48535431u
#define HTTP_WATCH_MS_MAX 1000    /* the watch thread looks at least this often */
#define HTTP_STOP_FLUSH_MS 500    /* for the last answers to leave the sockets */
#define HTTP_STOP_STEP_MS 2

/*
 * One request and its answer.
 *
 *              body whole            answer                  resumed
 *   INTAKE ----------------> WAITING ------> ANSWERED --------------> DONE
 *      |                        |  \-stream-> ANSWERED                  ^
 *      | refused                | deadline, stop                       |
 *      \------> DONE            \----------> EXPIRED ------------------/
 *
 * While WAITING the connection is suspended; who moves it on from WAITING resumes it, once, holding
 * the mutex. References: the web side has one until libmicrohttpd is through with the request; the
 * one who is to answer has one from hand-over to answer.
 */
enum http_state { HTTP_INTAKE, HTTP_WAITING, HTTP_ANSWERED, HTTP_EXPIRED, HTTP_DONE };

struct http_connection;

struct http_exchange {
	unsigned magic;
	atomic_int refs;
	struct http_server *server;
	struct MHD_Connection *mhd; /* valid on the web thread, and while WAITING under the mutex */
	struct http_connection *connection; /* web thread only */
	struct http_route route;
	struct http_request request;
	bool begun; /* the header block was looked at */

	char *target; /* everything the client sent is copied: it outlives the connection */
	const char *target_at; /* where it stood, for the check that the header block has no gaps */
	size_t target_length;
	char *texts; /* one block: headers, decoded path and query */
	struct http_field *fields;
	char *body;
	size_t body_size; /* allocated, and counted in server->bodies_bytes */
	uint64_t body_seen;
	int refusal; /* status decided while the body still came in; 0 none */

	pthread_mutex_t mutex;
	enum http_state state;
	bool answered; /* http_exchange_answer or _stream was called */
	struct MHD_Response *reply;
	int status;
	struct http_stream *stream;

	/* queue->mutex */
	struct http_exchange *job_next;               /* waiting for a worker */
	struct http_exchange *wait_prev, *wait_next; /* waiting for an answer, by deadline */
	bool is_job, is_waiting;
	time_us deadline;
};

struct http_jobs {
	struct http_server *server;
	struct http_queue_config config;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct http_exchange *first, *last; /* jobs */
	unsigned count, running;
	struct http_exchange *wait_first, *wait_last;
	bool closed;
	pthread_t *threads;
	unsigned threads_started;
};

struct http_tls;
struct http_tls_pair;

struct http_connection {
	struct http_connection *prev, *next; /* server->mutex */
	int fd;
	_Atomic time_us deadline; /* INT64_MAX: none */
	struct http_tls *tls;
	struct http_tls_pair *tls_pair; /* in use by this connection's handshake */
};

struct http_server {
	struct http_server_config config;
	atomic_int refs; /* the owner and every exchange and stream */
	struct MHD_Daemon *daemon;
	char url[HTTP_ADDRESS_BYTES + 16];
	unsigned port;
	char id_prefix[12];
	atomic_uint_fast64_t id_next;

	struct http_jobs queues[HTTP_QUEUE_COUNT];
	struct http_tls *tls; /* NULL: plain */

	pthread_mutex_t mutex;
	pthread_cond_t stop_cond;
	bool stopped;         /* mutex */
	bool watch_stop;      /* mutex */
	bool streams_refused; /* mutex */
	struct http_connection *connections;
	struct http_stream *streams;
	unsigned stream_count;
	pthread_t watch;
	bool watch_started;

	atomic_bool stopping;
	atomic_uint open_requests; /* between request line and completion, on the web side */
	atomic_uint connection_count;
	atomic_size_t bodies_bytes;
	atomic_uint_fast64_t requests, refused_intake, expired, late_answers;
	atomic_uint_fast64_t refused_full[HTTP_QUEUE_COUNT];
};

/* http_server.c */
time_us http_server_now(struct http_server *server); /* since boot */
void http_server_ref(struct http_server *server);
void http_server_unref(struct http_server *server);

/* http_server_listen.c */
enum err http_listen_open(const char *listen, int *ret_fd, struct error *err);
void http_listen_note(struct http_server *server, int fd);

/* http_server_exchange.c */
struct http_exchange *http_exchange_create(struct http_server *server, struct MHD_Connection *mhd,
					   const char *target);
void http_exchange_ref(struct http_exchange *exchange);
void http_exchange_unref(struct http_exchange *exchange);
void http_exchange_expire(struct http_exchange *exchange); /* WAITING -> EXPIRED, resumes */
/* WAITING -> ANSWERED with a stream; false, and nothing done, when it is too late. */
bool http_exchange_settle_stream(struct http_exchange *exchange, struct http_stream *stream);
enum MHD_Result http_exchange_body(struct http_exchange *exchange, const char *bytes, size_t size);

/* http_server_intake.c: fills exchange->request; not 0: the status to refuse with, and why. */
int http_intake_check(struct http_exchange *exchange, const char *method, const char *version,
		      const char **ret_why);

/* http_server_web.c: libmicrohttpd's callbacks. */
void *http_web_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_web_request(void *server, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **exchange);
void http_web_completed(void *server, struct MHD_Connection *mhd, void **exchange,
			enum MHD_RequestTerminationCode code);
void http_web_connection(void *server, struct MHD_Connection *mhd, void **connection,
			 enum MHD_ConnectionNotificationCode code);

/* http_server_queue.c */
enum err http_jobs_start(struct http_jobs *jobs, struct http_server *server,
			 const struct http_queue_config *config, struct error *err);
enum err http_jobs_push(struct http_jobs *jobs, struct http_exchange *exchange); /* suspends */
void http_jobs_forget(struct http_jobs *jobs, struct http_exchange *exchange);
time_us http_jobs_expire(struct http_jobs *jobs, time_us now); /* returns the next deadline */
void http_jobs_close(struct http_jobs *jobs); /* expires all, refuses more */
void http_jobs_join(struct http_jobs *jobs);
bool http_jobs_idle(struct http_jobs *jobs);
void http_jobs_finish(struct http_jobs *jobs);

/* http_server_reply.c: a response ready for libmicrohttpd. */
struct MHD_Response *http_reply_make(const struct http_request *request,
				     const struct http_response *response, int *ret_status);
struct MHD_Response *http_reply_problem(const struct http_request *request, int status,
					const char *detail, const char *hint);
void http_reply_secure(struct MHD_Response *reply, const struct http_response *response);

/* http_server_static.c */
const struct http_asset *http_static_find(const struct http_server_config *config, struct str path);
struct MHD_Response *http_static_reply(const struct http_request *request,
				       const struct http_asset *asset, int *ret_status);
bool http_accepts_gzip(const struct http_request *request);

/* http_server_stream.c */
struct MHD_Response *http_stream_reply(struct http_stream *stream);
void http_stream_gone(struct http_stream *stream); /* web side: the connection ends */
void http_stream_attach(struct http_stream *stream, struct MHD_Connection *mhd, int fd);
void http_streams_close_all(struct http_server *server);

/* http_server_tls.c */
enum err http_tls_create(struct http_server *server, struct http_tls **ret_tls, struct error *err);
void http_tls_destroy(struct http_tls **tls);
enum err http_tls_reload(struct http_tls *tls, struct error *err);
void http_tls_look(struct http_tls *tls); /* reloads when the files have changed; logs */
void http_tls_release(struct http_connection *connection);
const char *http_tls_priorities(void);
typedef int http_tls_retrieve_fn(gnutls_session_t session, const gnutls_datum_t *authorities,
				 int count, const gnutls_pk_algorithm_t *algorithms,
				 int algorithm_count, gnutls_pcert_st **ret_chain,
				 unsigned *ret_length, gnutls_privkey_t *ret_key);
http_tls_retrieve_fn *http_tls_callback(void); /* for MHD_OPTION_HTTPS_CERT_CALLBACK */
