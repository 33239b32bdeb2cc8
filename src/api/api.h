/*
 * api.h: the product over HTTP: a request in, an answer out, no sockets.
 *
 * `api_handle` is all there is: the server calls it on its workers, the simulator in its one thread.
 * A change is one command: the worker waits until it is committed, and the answer was read in the
 * same transaction. openapi.yaml is the contract; api_table.c is the list of endpoints.
 *
 * Runs on: any worker thread; each call takes a reading connection of its own.
 */
#pragma once

#include "base/random.h"
#include "guard/guard.h"
#include "journal/world.h"
#include "monitor/check.h"
#include "sys/zone.h"
#include "wire/address.h"
#include "wire/http_server.h"

struct api;
struct api_metrics;
struct api_scrape;
struct api_status;
struct check_spec;
struct discovery;
struct note_signer;

/* What the API asks of the checks that run beside it; NULL functions: not in this process. Any thread;
 * each waits for a bounded time. */
struct api_sense {
	void *context;
	/* One look by this spec, now. The spec is taken over, also on failure. The result's detail is the
	 * caller's (mem_free). */
	enum err (*probe)(void *context, struct check_spec *spec, struct check_result *ret_result,
			  struct error *err);
	/* Looks at a defined check now; the result counts like any other. Its detail is the caller's. */
	enum err (*run)(void *context, struct str name, struct check_result *ret_result,
			struct error *err);
	/* The last results of a check, newest first, without subjects; returns how many. */
	size_t (*results)(void *context, struct str name, struct check_result *ret_results, size_t max);
	/* The newest one, without its detail; false when there is none yet. */
	bool (*last)(void *context, struct str name, struct check_result *ret_result);
	/* The detail of the newest one (mem_free); NULL: none. */
	char *(*detail)(void *context, struct str name);
	/* A job called its heartbeat, and that is stored: look at it. */
	void (*called)(void *context, struct str name);
	/* What listens on this host, asked what it speaks; an answer of at most that age will do. */
	enum err (*discover)(void *context, time_us age_max, struct discovery *ret_discovery,
			     struct error *err);
	/* When it is looked at next; TIME_NONE: unknown, or paused. */
	time_us (*next_at)(void *context, struct str name);
	/* How many checks that server looked at last; "": this one. NULL: no other looks. */
	unsigned (*looked_by)(void *context, const char *node);
};

/* Proxies that are believed when they say for whom they ask. */
#define API_PROXIES_MAX 16u
struct api_proxies {
	struct address_range ranges[API_PROXIES_MAX];
	size_t count;
};
/* "127.0.0.1, 10.0.0.0/8"; empty: none. ERR_INVALID. */
enum err api_proxies_parse(const char *text, struct api_proxies *ret_proxies, struct error *err);

/* One warning of the first page: sentences, and where to look (a path of the UI; may be empty). */
typedef void api_warn_fn(void *context, const char *code, const char *text, const char *hint,
			 const char *link);

struct api_options {
	struct world *world;
	/* Runs one command to its end: the writer's queue, or the simulator's own thread. */
	enum err (*run)(void *context, struct command *command, struct error *err);
	void *run_context;
	struct clock *clock;
	struct random *random;
	struct zones *zones;
	const char *public_url; /* without a slash at the end */
	bool on_loopback;       /* it listens on this machine only, and was given no public URL */
	const char *version;
	const struct api_sense *sense;
	const struct http_asset *assets; /* the UI; index.html serves every page of it */
	size_t asset_count;
	const struct note_signer *signer; /* of checkpoints, named as their origin; NULL: there are none */
	const char *openapi; /* the text of openapi.yaml; NULL: not served */
	/* Gives each thing that is wrong with Mainstay itself to `warn`; may be NULL. */
	void (*warnings)(void *context, api_warn_fn *warn, void *warn_context);
	void *warnings_context;
	bool (*nothing_stored)(void *context); /* is it known that nothing can be stored now? may be NULL */
	void *nothing_stored_context;
	struct api_proxies proxies;
	/* The servers on the same database: false when that cannot be told now. NULL: there are no others. */
	bool (*nodes)(void *context, struct store_nodes *ret_nodes);
	void *nodes_context;
	const char *node; /* what this one is called among them */
	const char *commands; /* the folder of commands that pages may run; NULL: there are none */
	struct api_status *status; /* the status pages in memory; NULL: there are none */
	const struct api_metrics *metrics; /* time series; NULL: there are none */
	const struct api_scrape *scrape;   /* what is scraped; NULL: nothing */
	/* The settings the server was started with: a JSON list of {name, value, source, about}. NULL:
	 * there are none. */
	enum err (*settings)(void *context, struct buf *out, struct error *err);
	void *settings_context;
};

extern const struct store_table *const api_tables[];

enum err api_create(const struct api_options *options, struct api **ret_api, struct error *err);
void api_destroy(struct api **api); /* after the last call has returned */

/* For http_server: which queue, which limit, which row. Also gives the UI's assets. */
struct http_route api_route(void *api, struct str method, struct str path);

/* The same without an API behind it, for a server that hands on to another: limits, queues and the UI's files. */
struct http_route api_route_without(const struct http_asset *assets, size_t count, struct str method,
				    struct str path);
bool api_endpoint_streams(const void *endpoint); /* of a route; NULL: it does not */

/* One request. The response's body is the caller's to take, its header values are freed by
 * api_response_finish. Not for streams. */
void api_handle(struct api *api, const struct http_request *request, struct http_response *response);
void api_response_finish(struct http_response *response);

/* For http_server: answers the exchange, or turns it into the event stream. */
void api_serve(void *api, struct http_exchange *exchange);

/* The world's listener: tells live views what was committed (committed_fn). */
void api_committed(void *api, const struct event *const *events, size_t count);

/* How many open streams this person has. Any thread. */
int api_streams_of(struct api *api, int64_t user);

/* Wakes streams that were quiet for long; call every few seconds. */
void api_heartbeat(struct api *api);
/* Ends all streams, before the server stops. */
void api_stop(struct api *api);
