/* api_priv.h: what handlers are given and what they use. For the files of this room. */
#pragma once

#include <pthread.h>

#include "api/api.h"
#include "guard/guard_intake.h"
#include "guard/guard_throttle.h"
#include "base/arena.h"
#include "base/buf.h"
#include "wire/doc.h"
#include "wire/json_writer.h"
#include "wire/spec.h"

#define API_PARAMS_MAX 3
#define API_ANSWER_BYTES_MAX (16u << 20)
#define API_ARENA_BYTES (64u << 20)
#define API_PAGE_DEFAULT 50
#define API_PAGE_MAX 200

struct api_call;
typedef enum err api_handler(struct api_call *call, struct error *err);

/* Flags of an endpoint. */
#define API_PUBLIC 1u  /* nobody needs to be signed in */
#define API_AS_OF 2u   /* ?as_of= is understood; elsewhere it is refused */
#define API_HTML 4u    /* answers pages for people without script */
#define API_NO_CSRF 8u /* its own secret is enough */
#define API_RAW 32u    /* the handler reads the body itself, as it was sent */
#define API_LOCAL 64u  /* nobody needs to be signed in on this machine: see api_is_local */
#define API_ALERTMANAGER 128u /* errors are a JSON string, as its clients expect */
#define API_PAGERDUTY 256u /* errors are {status, message, errors}, as its clients expect */
#define API_PROMETHEUS 512u /* parameters and body are the handler's to read, as clients of Prometheus send them */
#define API_SECRET 16u /* the answer holds a secret: it is never kept for an Idempotency-Key */

/* To add an endpoint: 1. the operation in openapi.yaml; 2. a row in api_table.c; 3. its handler in
 * api_<resource>.c; the tests compare the three. */
struct api_endpoint {
	const char *method, *path; /* "{name}" stands for one segment */
	const char *id;            /* operationId */
	api_handler *handler;
	enum http_queue queue;
	enum permission permission;
	unsigned flags;
	size_t body_limit_bytes;
};
extern const struct api_endpoint api_endpoints[]; /* end: method NULL */

/* Readers of alert bodies, kept for the next one. */
#define API_READERS_KEPT 8u
struct api_readers {
	pthread_mutex_t lock;
	struct alert_post_reader *kept[API_READERS_KEPT];
	size_t count;
};
void api_readers_init(struct api_readers *readers);
void api_readers_finish(struct api_readers *readers);

/* What came in by other programs last, since the start: for whoever sets it up. */
enum api_way { API_WAY_ALERTMANAGER, API_WAY_PAGERDUTY, API_WAYS };
struct api_way_row {
	time_us heard, refused; /* 0: never */
	char why[300];
};
struct api_ways {
	pthread_mutex_t lock;
	struct api_way_row rows[API_WAYS];
};

struct api {
	struct api_options options;
	struct api_readers readers;
	time_us started;    /* since boot */
	time_us started_at; /* wall, once: a clock that is set or slewed later does not move it */
	struct conn_pool *pool;
	struct api_streams *streams;
	struct guard_throttle *throttle;
	struct guard_intake *intake; /* of people outside */
	struct guard_intake *events; /* of other programs */
	struct api_ways ways;
	bool stopping; /* atomic: queries end early */
};

struct api_call {
	struct api *api;
	const struct api_endpoint *endpoint;
	const struct http_request *request;
	struct http_response *response;
	struct arena arena;
	struct store_conn *conn; /* reads one commit, as of the asked seq */
	struct str params[API_PARAMS_MAX];
	const struct doc_node *body; /* the JSON of the request; NULL when there is none */
	bool signed_in;
	struct str cookie; /* the session's value; empty by token */
	struct principal principal;
	time_us now;
	int status; /* of the answer, 200 unless changed */
	const char *content_type; /* of what is not JSON; NULL: JSON */
	struct buf out;
	struct json_writer json;
	struct str idempotency_key;
	void *context; /* what the handler keeps for its render */
	bool holds_metrics; /* api_metrics_hold: let go when the handler has returned */
	struct {
		const char *name;
		char value[512];
	} headers[4]; /* Set-Cookie, ETag, Location */
	size_t header_count;
};

/* The time series, until the handler returns. ERR_UNAVAILABLE. (api_prometheus.c) */
enum err api_metrics_hold(struct api_call *call, struct error *err);
void api_metrics_let_go(struct api_call *call);

void api_way_heard(struct api *api, enum api_way way, time_us now);
void api_way_refused(struct api *api, enum api_way way, time_us now, const char *why);

/* From this machine, and neither by a browser nor through a proxy. */
bool api_is_local(const struct api_call *call);

/* ---- input ---- */

/* A path parameter as an id: ERR_NOT_FOUND when it is none, as no such thing exists. */
enum err api_id(struct api_call *call, unsigned param, int64_t *ret_id, struct error *err);
/* A file of the UI by its path; NULL: this build has none. Templates are filled, never sent as they are. */
#define API_TEMPLATES "/templates/"
const struct http_asset *api_asset(const struct api *api, struct str path);
struct str api_query(const struct api_call *call, const char *name); /* empty when absent */

/* Checks the body against rows and gives it with defaults; every error names its field. */
enum err api_body(struct api_call *call, const struct spec_field *rows,
		  const struct doc_node **ret_body, struct error *err);

/* ---- output ---- */

void api_header(struct api_call *call, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void api_etag(struct api_call *call, int64_t revision);
/* OK when there is no If-Match or it names this revision; ERR_PRECONDITION. `ret_expect`: -1 for none. */
enum err api_if_match(struct api_call *call, int64_t *ret_expect, struct error *err);

/* {id, name} of a person, or null for nobody. */
void api_person(struct api_call *call, const char *key, int64_t user);
void api_markdown(struct api_call *call, struct str text); /* "html": what it looks like, safe to show */
void api_duration(struct json_writer *json, const char *key, time_us duration); /* "5m" */

/* ---- lists: {"items": [...], "next": ...} ---- */

struct api_list {
	unsigned limit;     /* what the caller asked for */
	unsigned count;     /* rows seen so far */
	int64_t before_id;  /* of the cursor; 0 for none */
	struct str after;   /* of the cursor, for lists by name */
	int64_t last_id;    /* of the last written row */
	struct str last;
	bool more;
};
enum err api_list_begin(struct api_call *call, struct api_list *ret_list, struct error *err);
/* True: write the row. Ask the store for limit + 1 rows, so that the end is known. */
bool api_list_row(struct api_list *list, int64_t id, struct str name);
void api_list_end(struct api_call *call, const struct api_list *list);

/* ---- changes ---- */

/* Decides, commits, and renders the answer within the transaction. `render` writes to call->json and
 * reads call->conn; NULL: an empty object. Idempotency-Key is seen to. */
enum err api_change(struct api_call *call, const char *name, decide_fn *decide, const void *args,
		    api_handler *render, struct error *err);
/* The same, acting as Mainstay itself: for those who are on their way in. */
enum err api_change_as(struct api_call *call, struct actor actor, const char *name,
		       decide_fn *decide, const void *args, api_handler *render, struct error *err);

/* ---- idempotency (api_store.c) ---- */

struct idempotent {
	int64_t user;
	struct str key;
	struct str request; /* what was asked, hashed in hexadecimal */
	int status;
	struct str body;
	time_us at;
};
enum err idempotent_find(struct store_conn *conn, int64_t user, struct str key,
			 struct arena *arena, bool *ret_found, struct idempotent *ret_row,
			 struct error *err);
enum err idempotent_keep(struct store_conn *conn, const struct idempotent *row, struct error *err);

/* ---- pieces shared by handlers ---- */

struct incident;
void api_incident_row(struct api_call *call, const struct incident *incident);
/* The incident of {id}, when the caller may see it; else as if it did not exist. */
enum err api_incident(struct api_call *call, int64_t id, struct incident *ret_incident,
		      struct error *err);
struct alert;
void api_alert_row(struct api_call *call, const struct alert *alert);
struct guard_user;
void api_user(struct api_call *call, const struct guard_user *user);
struct notify_row;
void api_page_row(struct api_call *call, const struct notify_row *row);
struct notify_filter;
/* A list of pages, newest first, without paging. */
enum err api_pages(struct api_call *call, const struct notify_filter *filter, struct error *err);
struct alert_mute;
void api_mute_row(struct api_call *call, const struct alert_mute *mute);

/* One row of GET /on-call: {schedule, user, until, next} at an instant. */
enum err api_on_call_row(struct api_call *call, struct str schedule, time_us at, struct error *err);

/* The address behind the proxies that were named at start; else the peer's. (api_client.c) */
void api_client_of(const struct http_request *request, const struct api_proxies *proxies,
		   char ret_text[HTTP_ADDRESS_BYTES]);

/* Whether the caller may know that this happened, by what they may see today; and what it says. */
bool api_event_visible(struct api_call *call, const struct event *event);
bool api_event_readable(struct api_call *call, const struct event *event);

/* One sentence about an event, for timelines. */
struct str api_sentence(struct api_call *call, const struct event *event);

/* "incident/12", "check/web": what an event is about; empty when it is about all. */
struct str api_subject(struct arena *arena, const struct event *event);

/* The HTTP status of an error. */
int api_status(enum err code);
void api_problem(struct api_call *call, enum err code, const struct error *err);

/* ---- streams ---- */

struct api_streams;
struct api_streams *api_streams_create(struct api *api);
void api_streams_destroy(struct api_streams **streams);
void api_stream_open(struct api *api, struct http_exchange *exchange);
