/* nodes.c: see nodes.h. */
#include "main/nodes.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"

struct nodes {
	struct store *store;
	struct clock *clock;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ending;
	char name[STORE_NODE_BYTES], url[STORE_NODE_URL_BYTES];
	struct store_nodes seen;
	time_us seen_at; /* since boot; 0: never */
	bool quiet;      /* that it failed was said */
};

/* ---- the thread ---- */

/* An older version that leads has not made the table: then who leads is all there is to know. */
static enum err ask(struct nodes *nodes, struct store_conn *conn, const char *url, struct store_nodes *ret_seen,
		    struct error *err)
{
	enum err r = store_node_seen(conn, nodes->name, url, err);
	if (r == OK)
		return store_nodes_get(conn, ret_seen, err);
	if (r == ERR_UNAVAILABLE)
		return r;
	*ret_seen = (struct store_nodes){ .count = 0 };
	return store_leader(conn, &ret_seen->leader, err);
}

static void look(struct nodes *nodes, struct store_conn **conn)
{
	char url[STORE_NODE_URL_BYTES];
	struct store_nodes seen;
	struct error err = { 0 };
	pthread_mutex_lock(&nodes->lock);
	snprintf(url, sizeof url, "%s", nodes->url);
	pthread_mutex_unlock(&nodes->lock);
	time_us asked = clock_since_boot(nodes->clock);
	enum err r = *conn != NULL ? OK : store_connect(nodes->store, false, conn, &err);
	if (r == OK)
		r = ask(nodes, *conn, url, &seen, &err);
	if (r != OK && !nodes->quiet)
		log_write(LOG_WARNING, "could not see which servers are there", "reason=\"%s\"", err.text);
	nodes->quiet = r != OK;
	if (r != OK)
		return;
	pthread_mutex_lock(&nodes->lock);
	nodes->seen = seen;
	nodes->seen_at = asked;
	pthread_mutex_unlock(&nodes->lock);
}

static void pause_for(struct nodes *nodes, time_us span)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += span * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&nodes->wake, &nodes->lock, &until);
}

static void *run(void *context)
{
	struct nodes *nodes = context;
	struct store_conn *conn = NULL;
	pthread_mutex_lock(&nodes->lock);
	while (!nodes->ending) {
		pthread_mutex_unlock(&nodes->lock);
		look(nodes, &conn);
		pthread_mutex_lock(&nodes->lock);
		if (!nodes->ending)
			pause_for(nodes, NODES_TICK);
	}
	pthread_mutex_unlock(&nodes->lock);
	if (conn != NULL) {
		struct error err;
		store_node_gone(conn, nodes->name, &err); /* else its silence says so */
		store_disconnect(&conn);
	}
	return NULL;
}

/* ---- life ---- */

static void destroy(struct nodes *nodes)
{
	pthread_cond_destroy(&nodes->wake);
	pthread_mutex_destroy(&nodes->lock);
	mem_free(nodes);
}

enum err nodes_start(struct store *store, struct clock *clock, const char *name, struct nodes **ret_nodes,
		     struct error *err)
{
	struct nodes *nodes = mem_alloc(sizeof *nodes);
	pthread_condattr_t attributes;
	nodes->store = store;
	nodes->clock = clock;
	snprintf(nodes->name, sizeof nodes->name, "%s", name);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&nodes->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&nodes->lock, NULL);
	int failed = pthread_create(&nodes->thread, NULL, run, nodes);
	if (failed != 0) {
		destroy(nodes);
		return error_set(err, ERR_UNAVAILABLE, "could not start looking for other servers: %s", strerror(failed));
	}
	*ret_nodes = nodes;
	return OK;
}

void nodes_stop(struct nodes **pointer)
{
	struct nodes *nodes = *pointer;
	if (nodes == NULL)
		return;
	*pointer = NULL;
	pthread_mutex_lock(&nodes->lock);
	nodes->ending = true;
	pthread_cond_signal(&nodes->wake);
	pthread_mutex_unlock(&nodes->lock);
	pthread_join(nodes->thread, NULL);
	destroy(nodes);
}

const char *nodes_name(const struct nodes *nodes)
{
	return nodes->name;
}

void nodes_reached_at(struct nodes *nodes, const char *url)
{
	pthread_mutex_lock(&nodes->lock);
	snprintf(nodes->url, sizeof nodes->url, "%s", url);
	pthread_cond_signal(&nodes->wake);
	pthread_mutex_unlock(&nodes->lock);
}

/* ---- what is known ---- */

bool nodes_now(struct nodes *nodes, struct store_nodes *ret_nodes)
{
	pthread_mutex_lock(&nodes->lock);
	time_us age = clock_since_boot(nodes->clock) - nodes->seen_at;
	bool fresh = nodes->seen_at != 0 && age < NODES_SILENT;
	if (fresh)
		*ret_nodes = nodes->seen;
	pthread_mutex_unlock(&nodes->lock);
	for (unsigned i = 0; fresh && i < ret_nodes->count; i++)
		ret_nodes->rows[i].silent += age;
	return fresh;
}

static bool counts(const struct store_node *node)
{
	return node->url[0] != '\0' && node->silent < NODES_SILENT;
}

bool nodes_leader(struct nodes *nodes, struct store_node *ret_node)
{
	struct store_nodes seen;
	if (!nodes_now(nodes, &seen) || !seen.leader.alive)
		return false;
	for (unsigned i = 0; i < seen.count; i++) {
		if (strcmp(seen.rows[i].name, seen.leader.node) != 0 || seen.rows[i].url[0] == '\0')
			continue;
		*ret_node = seen.rows[i];
		return true;
	}
	return false;
}

/* FNV-1a of both names, then mixed (the end of splitmix64): alone, names that differ in their last letter
 * give marks that do not differ enough. */
static uint64_t mark_of(const char *node, struct str check)
{
	uint64_t mark = str_hash(check) * UINT64_C(0x9E3779B97F4A7C15) ^ str_hash(str_of(node));
	mark = (mark ^ mark >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	mark = (mark ^ mark >> 27) * UINT64_C(0x94D049BB133111EB);
	return mark ^ mark >> 31;
}

int nodes_share(const struct store_nodes *seen, struct str check)
{
	int best = -1;
	uint64_t best_mark = 0;
	for (unsigned i = 0; i < seen->count; i++) {
		uint64_t mark = mark_of(seen->rows[i].name, check);
		if (!counts(&seen->rows[i]) || (best >= 0 && mark <= best_mark))
			continue;
		best = (int)i;
		best_mark = mark;
	}
	return best;
}

bool nodes_owner(struct nodes *nodes, struct str check, struct store_node *ret_node)
{
	struct store_nodes seen;
	int owner = nodes_now(nodes, &seen) ? nodes_share(&seen, check) : -1;
	if (owner < 0 || strcmp(seen.rows[owner].name, nodes->name) == 0)
		return false;
	*ret_node = seen.rows[owner];
	return true;
}

bool nodes_other(struct nodes *nodes, unsigned turn, struct store_node *ret_node)
{
	bool found = false;
	pthread_mutex_lock(&nodes->lock);
	for (unsigned i = 0; !found && i < nodes->seen.count; i++) {
		const struct store_node *node = &nodes->seen.rows[(turn + i) % nodes->seen.count];
		found = counts(node) && strcmp(node->name, nodes->name) != 0;
		if (found)
			*ret_node = *node;
	}
	pthread_mutex_unlock(&nodes->lock);
	return found;
}

bool nodes_is_there(struct nodes *nodes, const char *name)
{
	struct store_nodes seen;
	if (!nodes_now(nodes, &seen))
		return false;
	for (unsigned i = 0; i < seen.count; i++) {
		if (strcmp(seen.rows[i].name, name) == 0)
			return counts(&seen.rows[i]);
	}
	return false;
}
