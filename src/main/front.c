/* front.c: see front.h. */
#include "main/front.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/version.h"
#include "main/node_look.h"
#include "main/node_seal.h"
#include "sys/loop.h"
#include "wire/json_writer.h"
#include "wire/relay.h"
#include "wire/resolve.h"

#define TICK (TIME_SECOND / 2)
#define HEALTH_BYTES_MAX 2048u

static const char handed_on_wrongly[] = "this server does not lead any more";
static const char only_servers[] = "only servers ask this of each other";
static const char nobody_leads[] = "no server leads at the moment; one takes over within seconds";

enum front_state { FRONT_FOLLOWS, FRONT_TAKES_OVER, FRONT_LEADS };

struct front {
	struct front_options options;
	_Atomic(enum front_state) state;
	_Atomic(struct api *) api;
	bool (*leads)(void *context); /* set before the state is LEADS */
	void *leads_context;

	/* FOLLOWS only. The lock is held while a request is given to the loop, so that none comes behind its end. */
	pthread_mutex_t lock;
	bool running;
	pthread_t thread;
	struct loop *loop;
	struct loop_timer *tick;
	struct resolve *resolve;
	struct http_client *http;
	struct relay *relay;
	struct node_look *look;
};

/* ---- routes ---- */

static bool is_ours(struct str path)
{
	return str_is(path, "/healthz") || str_is(path, "/readyz");
}

struct http_route front_route(void *context, struct str method, struct str path)
{
	struct front *front = context;
	struct api *api = atomic_load(&front->api);
	if (str_is(method, "POST") && str_is(path, NODE_LOOK_PATH))
		return (struct http_route){ .kind = HTTP_KIND_HANDLER, .queue = HTTP_QUEUE_READ,
					    .body_limit_bytes = NODE_LOOK_BYTES };
	if (api != NULL)
		return api_route(api, method, path);
	return api_route_without(front->options.assets, front->options.asset_count, method, path);
}

/* ---- answers of its own ---- */

static void part(struct json_writer *json, const char *name, bool ok, const char *detail)
{
	json_map_begin(json);
	json_field_cstr(json, "name", name);
	json_field_bool(json, "ok", ok);
	json_field_cstr(json, "detail", detail);
	json_map_end(json);
}

static void about_leader(struct front *front, bool led, const struct store_node *leader, char *out, size_t size)
{
	struct store_nodes seen;
	if (led && nodes_now(front->options.nodes, &seen))
		snprintf(out, size, "%s leads, epoch %lld; %s hands on to it", leader->name, (long long)seen.leader.epoch,
			 nodes_name(front->options.nodes));
	else
		snprintf(out, size, "%s", nobody_leads);
}

/* The same shape as the API's own (api_system.c). */
static void answer_health(struct front *front, struct http_exchange *exchange, bool asks_ready)
{
	struct store_node leader;
	struct store_nodes seen;
	struct json_writer json;
	struct buf out;
	char about[300];
	bool led = nodes_leader(front->options.nodes, &leader);
	bool ready = led && atomic_load(&front->state) == FRONT_FOLLOWS;
	about_leader(front, led, &leader, about, sizeof about);
	buf_init(&out, HEALTH_BYTES_MAX);
	json_init(&json, &out);
	json_map_begin(&json);
	json_field_cstr(&json, "status", ready || !asks_ready ? "ok" : "failing");
	json_field_cstr(&json, "version", MAINSTAY_VERSION);
	json_key(&json, "parts");
	json_list_begin(&json);
	if (asks_ready) {
		bool read = nodes_now(front->options.nodes, &seen);
		part(&json, "store", read, read ? "the database answered just now" : "the database does not answer");
		part(&json, "leader", led, about);
	}
	json_list_end(&json);
	json_map_end(&json);
	json_finish(&json);
	struct http_response response = { .status = ready || !asks_ready ? 200 : 503, .content_type = "application/json" };
	if (response.status == 503)
		http_response_header(&response, "Retry-After", "1");
	response.body_bytes = out.used;
	response.body = buf_take(&out);
	http_exchange_answer(exchange, &response);
}

/* ---- handing on ---- */

static void seal(struct front *front, const struct http_request *request, char ret_text[NODE_SEAL_BYTES])
{
	const struct front_options *options = &front->options;
	struct node_seal claim = {
		.at = clock_wall(options->clock),
		.local = options->on_loopback && request->peer_is_loopback,
		.tls = request->tls,
	};
	snprintf(claim.from, sizeof claim.from, "%s", nodes_name(options->nodes));
	snprintf(claim.peer, sizeof claim.peer, "%s", request->peer);
	node_seal_make(options->seal_key, &claim, request->method, request->target, request->body, ret_text);
}

static void hand_on(struct front *front, struct http_exchange *exchange)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct store_node leader;
	char text[NODE_SEAL_BYTES];
	if (!nodes_leader(front->options.nodes, &leader) || strcmp(leader.name, nodes_name(front->options.nodes)) == 0) {
		http_exchange_refuse(exchange, 503, nobody_leads, "try again in a few seconds");
		return;
	}
	seal(front, request, text);
	struct http_ask_field field = { NODE_SEAL_FIELD, text };
	relay_pass(front->relay, exchange, api_endpoint_streams(request->endpoint), leader.url, &field);
}

static void follow(struct front *front, struct http_exchange *exchange, enum node_seal_found found)
{
	bool looks = str_is(http_exchange_request(exchange)->path, NODE_LOOK_PATH);
	pthread_mutex_lock(&front->lock);
	if (!front->running)
		http_exchange_refuse(exchange, 503, "this server is taking over", "try again in a few seconds");
	else if (looks && found == NODE_SEAL_GOOD)
		node_look_ask(front->look, exchange);
	else if (looks)
		http_exchange_refuse(exchange, 403, only_servers, NULL);
	else if (found == NODE_SEAL_GOOD)
		http_exchange_refuse(exchange, 503, handed_on_wrongly, "try again in a few seconds");
	else
		hand_on(front, exchange);
	pthread_mutex_unlock(&front->lock);
}

/* Asked by one that cannot see the database, and must know whether another pages (serve_sense_share.c). */
static void say_who_leads(struct front *front, struct http_exchange *exchange)
{
	const struct front_options *options = &front->options;
	struct node_seal claim = { .at = clock_wall(options->clock) };
	struct http_response response = { .status = NODE_LOOK_LEADS };
	struct str asked = STR_NONE;
	char sealed[NODE_SEAL_BYTES];
	if (!front->leads(front->leads_context)) {
		http_exchange_refuse(exchange, 503, handed_on_wrongly, NULL);
		return;
	}
	http_request_header(http_exchange_request(exchange), NODE_SEAL_FIELD, &asked);
	snprintf(claim.from, sizeof claim.from, "%s", nodes_name(options->nodes));
	node_seal_answer(options->seal_key, &claim, asked, STR_NONE, sealed);
	http_response_header(&response, NODE_SEAL_FIELD, sealed);
	http_exchange_answer(exchange, &response);
}

static void lead(struct front *front, struct http_exchange *exchange, enum node_seal_found found,
		 const struct node_seal *claim)
{
	if (str_is(http_exchange_request(exchange)->path, NODE_LOOK_PATH)) {
		if (found == NODE_SEAL_GOOD)
			say_who_leads(front, exchange);
		else
			http_exchange_refuse(exchange, 403, only_servers, NULL);
		return;
	}
	if (found == NODE_SEAL_GOOD)
		http_exchange_stands_for(exchange, claim->peer, claim->local, claim->tls);
	api_serve(atomic_load(&front->api), exchange);
}

void front_handle(void *context, struct http_exchange *exchange)
{
	struct front *front = context;
	const struct http_request *request = http_exchange_request(exchange);
	struct node_seal claim = { .at = 0 };
	enum node_seal_found found =
		node_seal_read(front->options.seal_key, request, clock_wall(front->options.clock), &claim);
	enum front_state state = atomic_load(&front->state);
	if (found == NODE_SEAL_BAD)
		http_exchange_refuse(exchange, 403, "the request says that another server hands it on, and its seal is not right",
				     "servers on one database have the same journal.key, and clocks that agree within minutes");
	else if (state == FRONT_LEADS)
		lead(front, exchange, found, &claim);
	else if (str_is(request->method, "GET") && is_ours(request->path))
		answer_health(front, exchange, str_is(request->path, "/readyz"));
	else
		follow(front, exchange, found);
}

/* ---- the loop of handing on ---- */

static void on_tick(void *context)
{
	struct front *front = context;
	struct store_node leader;
	relay_tick(front->relay);
	/* While nothing is known of a leader, what is under way may still be answered by it. */
	if (nodes_leader(front->options.nodes, &leader))
		relay_only(front->relay, leader.url);
	loop_timer_start(front->tick, TICK);
}

static void *run(void *context)
{
	struct front *front = context;
	loop_run(front->loop);
	return NULL;
}

static void close_loop(struct front *front)
{
	loop_timer_destroy(&front->tick);
	relay_destroy(&front->relay);
	http_client_destroy(&front->http);
	resolve_destroy(&front->resolve);
	loop_destroy(&front->loop);
}

static enum err start_following(struct front *front, struct error *err)
{
	const struct front_options *options = &front->options;
	struct http_client_options client = { .policy = egress_policy_checks(), .ca_file = options->ca_file };
	front->loop = loop_create();
	enum err r = resolve_create(front->loop, NULL, &front->resolve, err);
	if (r == OK)
		r = http_client_create(front->loop, options->clock, front->resolve, &client, &front->http, err);
	if (r == OK)
		r = node_look_start(options->store, options->clock, nodes_name(options->nodes), options->seal_key,
				    options->ca_file, &front->look, err);
	if (r == OK) {
		front->relay = relay_create(front->loop, front->http);
		front->tick = loop_timer_create(front->loop, on_tick, front);
		loop_timer_start(front->tick, TICK);
		int failed = pthread_create(&front->thread, NULL, run, front);
		if (failed != 0)
			r = error_set(err, ERR_UNAVAILABLE, "could not start handing on: %s", strerror(failed));
	}
	front->running = r == OK;
	if (r != OK) {
		node_look_stop(&front->look);
		close_loop(front);
	}
	return r;
}

/* Behind every request that was given to the loop. */
static void on_end(void *context)
{
	struct front *front = context;
	relay_only(front->relay, NULL);
	loop_stop(front->loop);
}

static void stop_following(struct front *front)
{
	pthread_mutex_lock(&front->lock);
	bool running = front->running;
	front->running = false;
	pthread_mutex_unlock(&front->lock);
	if (!running)
		return;
	while (loop_post(front->loop, on_end, front) != OK)
		sched_yield();
	pthread_join(front->thread, NULL);
	node_look_stop(&front->look);
	close_loop(front);
}

/* ---- life ---- */

enum err front_create(const struct front_options *options, struct front **ret_front, struct error *err)
{
	struct front *front = mem_alloc(sizeof *front);
	front->options = *options;
	atomic_init(&front->state, options->follows ? FRONT_FOLLOWS : FRONT_TAKES_OVER);
	atomic_init(&front->api, NULL);
	pthread_mutex_init(&front->lock, NULL);
	enum err r = options->follows ? start_following(front, err) : OK;
	if (r == OK)
		*ret_front = front;
	else
		front_destroy(&front);
	return r;
}

void front_take_over(struct front *front)
{
	if (atomic_load(&front->state) != FRONT_FOLLOWS)
		return;
	atomic_store(&front->state, FRONT_TAKES_OVER);
	stop_following(front);
}

void front_lead(struct front *front, struct api *api, bool (*leads)(void *context), void *context)
{
	front->leads = leads;
	front->leads_context = context;
	assert(atomic_load(&front->state) == FRONT_TAKES_OVER);
	atomic_store(&front->api, api);
	atomic_store(&front->state, FRONT_LEADS);
}

void front_destroy(struct front **front)
{
	if (*front == NULL)
		return;
	stop_following(*front);
	pthread_mutex_destroy(&(*front)->lock);
	mem_free(*front);
	*front = NULL;
}
