/* node_look.c: see node_look.h. */
#include "main/node_look.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "main/node_seal.h"
#include "monitor/monitor.h"
#include "resource/definition.h"
#include "sys/entropy.h"
#include "sys/loop.h"
#include "wire/doc_json.h"
#include "wire/ping.h"
#include "wire/resolve.h"

#define READ_ARENA_BYTES (8u << 20)
#define ANSWER_BYTES_MAX (256u << 10)
#define STALL_MAX (200 * TIME_MS) /* of the loop, by the database; what ran meanwhile saw late */

struct look {
	struct node_look *node;
	struct look *next, **link;
	struct http_exchange *exchange;
	struct check_spec spec;
	bool has_spec, stalled;
	void *run; /* NULL: not begun, or ended */
};

struct node_look {
	const char *name;
	const unsigned char *seal_key;
	struct store *store;
	struct store_conn *conn; /* the loop's thread only, as all that follows */
	struct clock *clock;
	struct loop *loop;
	struct resolve *resolve;
	struct http_client *http;
	struct ping *ping;
	struct random random;
	struct probe_tools tools;
	struct look *first;
	unsigned count;
	pthread_t thread;
};

static void look_free(struct look *look)
{
	assert(look->exchange == NULL);
	if (look->link != NULL) {
		*look->link = look->next;
		if (look->next != NULL)
			look->next->link = look->link;
		look->node->count--;
	}
	if (look->has_spec)
		monitor_spec_finish(&look->spec);
	mem_free(look);
}

static void refuse(struct look *look, const char *why)
{
	http_exchange_refuse(look->exchange, 503, why, NULL);
	look->exchange = NULL;
	look_free(look);
}

static void seal(struct look *look, struct str body, char ret_text[NODE_SEAL_BYTES])
{
	struct node_look *node = look->node;
	struct node_seal claim = { .at = clock_wall(node->clock) };
	struct str asked = STR_NONE;
	http_request_header(http_exchange_request(look->exchange), NODE_SEAL_FIELD, &asked);
	snprintf(claim.from, sizeof claim.from, "%s", node->name);
	node_seal_answer(node->seal_key, &claim, asked, body, ret_text);
}

static void on_looked(void *context, const struct check_result *result)
{
	struct look *look = context;
	struct check_result held_up = { .good = false };
	struct buf out;
	look->run = NULL;
	if (look->stalled && !result->good && !result->blind) {
		probe_blind(&held_up, "the database held this server up while it looked");
		result = &held_up;
	}
	buf_init(&out, ANSWER_BYTES_MAX);
	node_result_write(result, &out);
	struct http_response response = { .status = 200, .content_type = "application/json" };
	char sealed[NODE_SEAL_BYTES];
	seal(look, buf_str(&out), sealed);
	http_response_header(&response, NODE_SEAL_FIELD, sealed);
	response.body_bytes = out.used;
	response.body = buf_take(&out);
	http_exchange_answer(look->exchange, &response);
	look->exchange = NULL;
	look_free(look);
}

/* ---- what to look at ---- */

static enum err read_definition(struct look *look, struct str name, int64_t revision, struct arena *arena,
				struct error *err)
{
	struct node_look *node = look->node;
	struct definition definition;
	const struct doc_node *doc;
	enum err r = node->conn != NULL ? OK : store_connect(node->store, true, &node->conn, err);
	if (r == OK)
		r = definition_get(node->conn, STR(MONITOR_CHECK), name, arena, &definition, err);
	if (r == OK && definition.revision != revision)
		r = error_set(err, ERR_CONFLICT, "the definition is another by now");
	if (r == OK)
		r = doc_json_parse(definition.spec, arena, DOC_LIMITS_DEFAULT, NULL, &doc, err);
	if (r == OK)
		r = monitor_spec_read(name, doc, &look->spec, err);
	look->has_spec = r == OK;
	if (r == OK && !look->spec.kind->anywhere)
		r = error_set(err, ERR_UNSUPPORTED, "this kind of check is looked at where it is led");
	return r;
}

/* Reading waits for the database, and so do the looks that run: what they did not see in time may have been there. */
static void mark_stalled(struct node_look *node, time_us since)
{
	if (clock_since_boot(node->clock) - since <= STALL_MAX)
		return;
	for (struct look *look = node->first; look != NULL; look = look->next)
		look->stalled = look->stalled || look->run != NULL;
}

static enum err begin(struct look *look, struct error *err)
{
	struct arena arena;
	const struct doc_node *asked;
	arena_init(&arena, READ_ARENA_BYTES);
	enum err r = doc_json_parse(http_exchange_request(look->exchange)->body, &arena, DOC_LIMITS_DEFAULT, NULL, &asked,
				    err);
	time_us before = clock_since_boot(look->node->clock);
	if (r == OK)
		r = read_definition(look, doc_text(doc_get(asked, "check"), ""), doc_int(doc_get(asked, "revision"), 0),
				    &arena, err);
	mark_stalled(look->node, before);
	if (r == OK)
		r = look->spec.kind->start(&look->node->tools, &look->spec, on_looked, look, &look->run, err);
	arena_finish(&arena);
	return r;
}

static void on_asked(void *context)
{
	struct look *look = context;
	struct node_look *node = look->node;
	struct error err = { 0 };
	look->next = node->first;
	look->link = &node->first;
	if (look->next != NULL)
		look->next->link = &look->next;
	node->first = look;
	if (++node->count > NODE_LOOKS_MAX)
		refuse(look, "too much is looked at already");
	else if (begin(look, &err) != OK)
		refuse(look, err.text);
}

void node_look_ask(struct node_look *node, struct http_exchange *exchange)
{
	struct look *look = mem_alloc(sizeof *look);
	look->node = node;
	look->exchange = exchange;
	if (loop_post(node->loop, on_asked, look) != OK)
		refuse(look, "too much waits to be looked at");
}

/* ---- life ---- */

static enum err open_tools(struct node_look *node, const char *ca_file, struct error *err)
{
	struct http_client_options options = { .policy = egress_policy_checks(), .ca_file = ca_file };
	enum err r = resolve_create(node->loop, NULL, &node->resolve, err);
	if (r == OK)
		r = http_client_create(node->loop, node->clock, node->resolve, &options, &node->http, err);
	if (r != OK)
		return r;
	entropy_init(&node->random);
	node->ping = ping_create(node->loop, node->clock, node->resolve, &node->random,
				 http_client_policy(node->http));
	node->tools = (struct probe_tools){
		.loop = node->loop,
		.clock = node->clock,
		.resolve = node->resolve,
		.http = node->http,
		.trust = http_client_trust(node->http),
		.policy = http_client_policy(node->http),
		.ca_file = ca_file,
		.random = &node->random,
		.ping = node->ping,
	};
	return OK;
}

static void destroy(struct node_look *node)
{
	ping_destroy(&node->ping);
	http_client_destroy(&node->http);
	resolve_destroy(&node->resolve);
	loop_destroy(&node->loop);
	if (node->conn != NULL)
		store_disconnect(&node->conn);
	mem_free(node);
}

static void *run(void *context)
{
	struct node_look *node = context;
	loop_run(node->loop);
	return NULL;
}

enum err node_look_start(struct store *store, struct clock *clock, const char *name, const unsigned char *seal_key,
			 const char *ca_file, struct node_look **ret_look, struct error *err)
{
	struct node_look *node = mem_alloc(sizeof *node);
	node->name = name;
	node->seal_key = seal_key;
	node->store = store;
	node->clock = clock;
	node->loop = loop_create();
	enum err r = open_tools(node, ca_file, err);
	int failed = r == OK ? pthread_create(&node->thread, NULL, run, node) : 0;
	if (failed != 0)
		r = error_set(err, ERR_UNAVAILABLE, "could not start looking for others: %s", strerror(failed));
	if (r == OK)
		*ret_look = node;
	else
		destroy(node);
	return r;
}

/* Behind every word that was posted before it. */
static void on_stop(void *context)
{
	struct node_look *node = context;
	while (node->first != NULL) {
		struct look *look = node->first;
		if (look->run != NULL)
			look->spec.kind->cancel(look->run);
		look->run = NULL;
		refuse(look, "this server stops looking for others");
	}
	loop_stop(node->loop);
}

void node_look_stop(struct node_look **look)
{
	struct node_look *node = *look;
	if (node == NULL)
		return;
	*look = NULL;
	while (loop_post(node->loop, on_stop, node) != OK)
		sched_yield();
	pthread_join(node->thread, NULL);
	destroy(node);
}
