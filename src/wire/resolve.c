/*
 * resolve.c: see resolve.h.
 *
 * c-ares may answer inside ares_getaddrinfo and cannot cancel one query, so a query has two
 * holders: us (until the callback was made or the query cancelled) and c-ares (until it answers).
 * The memory goes when both have let go.
 */
#include "wire/resolve.h"

#include <ares.h>
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/loop.h"

#define TRY_TIMEOUT_MS 2000 /* per server and try; doubled by c-ares */
#define TRIES 3
#define SOCKETS_MAX 64

struct socket_watch {
	struct resolve *resolve;
	struct loop_poll *poll;
	ares_socket_t fd;
};

struct resolve {
	struct loop *loop;
	ares_channel channel;
	struct loop_timer *timer; /* c-ares' own time-outs */
	struct socket_watch sockets[SOCKETS_MAX];
	struct resolve_query *queries; /* all with a holder */
	unsigned count;
};

struct resolve_query {
	struct resolve *resolve;
	struct resolve_query *next, **link;
	struct loop_timer *timer; /* the caller's time-out, then the delivery */
	resolve_fn *fn;
	void *context;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	unsigned count;
	struct error err;
	bool held_by_us, held_by_ares, answered;
	char name[RESOLVE_NAME_MAX_BYTES + 1];
};

static void let_go(struct resolve_query *query)
{
	if (query->held_by_us || query->held_by_ares)
		return;
	*query->link = query->next;
	if (query->next != NULL)
		query->next->link = query->link;
	query->resolve->count--;
	loop_timer_destroy(&query->timer);
	mem_free(query);
}

static void on_ares_time(void *context);

static void arm(struct resolve *resolve)
{
	struct timeval left, most = { .tv_sec = 1 };
	struct timeval *wait = ares_timeout(resolve->channel, &most, &left);
	time_us delay = wait->tv_sec * TIME_SECOND + wait->tv_usec;
	if (resolve->count > 0)
		loop_timer_start(resolve->timer, delay > TIME_MS ? delay : TIME_MS);
	else
		loop_timer_stop(resolve->timer);
}

static void on_ares_time(void *context)
{
	struct resolve *resolve = context;
	ares_process_fd(resolve->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(resolve);
}

static void on_socket(void *context, unsigned events)
{
	struct socket_watch *watch = context;
	struct resolve *resolve = watch->resolve;
	ares_socket_t fd = watch->fd;
	bool failed = events & LOOP_FAILED;
	ares_process_fd(resolve->channel, (events & LOOP_READABLE) || failed ? fd : ARES_SOCKET_BAD,
	                (events & LOOP_WRITABLE) || failed ? fd : ARES_SOCKET_BAD);
	arm(resolve);
}

static struct socket_watch *find_watch(struct resolve *resolve, ares_socket_t fd)
{
	struct socket_watch *unused = NULL;
	for (unsigned i = 0; i < SOCKETS_MAX; i++) {
		struct socket_watch *watch = &resolve->sockets[i];
		if (watch->poll != NULL && watch->fd == fd)
			return watch;
		if (watch->poll == NULL && unused == NULL)
			unused = watch;
	}
	return unused;
}

/* c-ares opens at most one UDP and one TCP socket per server and tells here before it closes one. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
	struct resolve *resolve = context;
	struct socket_watch *watch = find_watch(resolve, fd);
	if (watch == NULL)
		return; /* not watched: its queries end by time-out */
	if (!readable && !writable) {
		loop_poll_destroy(&watch->poll);
		return;
	}
	if (watch->poll == NULL) {
		*watch = (struct socket_watch){ .resolve = resolve, .fd = fd };
		if (loop_poll_create(resolve->loop, fd, on_socket, watch, &watch->poll, NULL) != OK)
			return;
	}
	loop_poll_watch(watch->poll, (readable ? LOOP_READABLE : 0) | (writable ? LOOP_WRITABLE : 0));
}

enum err resolve_create(struct loop *loop, const char *servers, struct resolve **ret_resolve,
                        struct error *err)
{
	struct resolve *resolve = mem_alloc(sizeof *resolve);
	resolve->loop = loop;
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = TRY_TIMEOUT_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = resolve,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	if (servers == NULL) /* the system's search list counts only with the system's servers */
		mask &= ~ARES_OPT_FLAGS;
	ares_library_init(ARES_LIB_INIT_ALL);
	int failed = ares_init_options(&resolve->channel, &options, mask);
	if (failed == ARES_SUCCESS && servers != NULL) {
		failed = ares_set_servers_ports_csv(resolve->channel, servers);
		if (failed != ARES_SUCCESS)
			ares_destroy(resolve->channel);
	}
	if (failed != ARES_SUCCESS) {
		mem_free(resolve);
		ares_library_cleanup();
		return error_set(err, ERR_INVALID, "could not prepare name resolution: %s",
		                 ares_strerror(failed));
	}
	resolve->timer = loop_timer_create(loop, on_ares_time, resolve);
	*ret_resolve = resolve;
	return OK;
}

void resolve_destroy(struct resolve **resolve_pointer)
{
	struct resolve *resolve = *resolve_pointer;
	if (resolve == NULL)
		return;
	*resolve_pointer = NULL;
	for (struct resolve_query *query = resolve->queries, *next; query != NULL; query = next) {
		next = query->next;
		query->held_by_us = false;
		let_go(query);
	}
	ares_destroy(resolve->channel); /* answers what is left: on_answer lets go */
	assert(resolve->queries == NULL);
	for (unsigned i = 0; i < SOCKETS_MAX; i++)
		loop_poll_destroy(&resolve->sockets[i].poll);
	loop_timer_destroy(&resolve->timer);
	ares_library_cleanup();
	mem_free(resolve);
}

static void deliver(struct resolve_query *query)
{
	query->held_by_us = false;
	if (query->count > 0)
		query->fn(query->context, query->addresses, query->count, NULL);
	else
		query->fn(query->context, NULL, 0, &query->err);
	let_go(query);
}

static void on_query_time(void *context)
{
	struct resolve_query *query = context;
	if (!query->answered)
		error_set(&query->err, ERR_TIMEOUT, "could not resolve \"%s\": no answer in time", query->name);
	query->answered = true;
	deliver(query);
}

static void explain(struct resolve_query *query, int status)
{
	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		error_set(&query->err, ERR_NOT_FOUND, "could not resolve \"%s\": %s", query->name,
		          status == ARES_ENOTFOUND ? "there is no such name" : "the name has no address");
		break;
	case ARES_ETIMEOUT:
		error_set(&query->err, ERR_TIMEOUT, "could not resolve \"%s\": no name server answered",
		          query->name);
		break;
	default:
		error_set(&query->err, ERR_UNAVAILABLE, "could not resolve \"%s\": %s", query->name,
		          ares_strerror(status));
	}
}

static void keep_addresses(struct resolve_query *query, const struct ares_addrinfo *info)
{
	for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
		struct address address;
		bool seen = !address_of_sockaddr(node->ai_addr, &address);
		for (unsigned i = 0; i < query->count && !seen; i++)
			seen = address_eq(&query->addresses[i], &address);
		if (!seen && query->count < RESOLVE_ADDRESSES_MAX)
			query->addresses[query->count++] = address;
	}
}

static void on_answer(void *context, int status, int tries, struct ares_addrinfo *info)
{
	(void)tries;
	struct resolve_query *query = context;
	query->held_by_ares = false;
	if (query->held_by_us && !query->answered) {
		if (status == ARES_SUCCESS && info != NULL)
			keep_addresses(query, info);
		if (query->count == 0)
			explain(query, status);
		query->answered = true;
		loop_timer_start(query->timer, 0);
	}
	if (info != NULL)
		ares_freeaddrinfo(info);
	let_go(query);
}

static struct resolve_query *query_create(struct resolve *resolve, struct str name, resolve_fn *fn,
                                          void *context)
{
	struct resolve_query *query = mem_alloc(sizeof *query);
	query->resolve = resolve;
	query->fn = fn;
	query->context = context;
	query->held_by_us = true;
	memcpy(query->name, name.ptr, name.len);
	query->next = resolve->queries;
	query->link = &resolve->queries;
	if (query->next != NULL)
		query->next->link = &query->next;
	resolve->queries = query;
	resolve->count++;
	query->timer = loop_timer_create(resolve->loop, on_query_time, query);
	return query;
}

enum err resolve_start(struct resolve *resolve, struct str name, time_us timeout, resolve_fn *fn,
                       void *context, struct resolve_query **ret_query, struct error *err)
{
	assert(fn != NULL);
	assert(timeout > 0);
	if (name.len == 0 || name.len > RESOLVE_NAME_MAX_BYTES || memchr(name.ptr, '\0', name.len))
		return error_set(err, ERR_INVALID, "cannot resolve a name of %zu bytes", name.len);
	if (resolve->count >= RESOLVE_QUERIES_MAX)
		return error_set(err, ERR_LIMIT, "could not resolve \"" STR_FMT "\": %u lookups wait already",
		                 STR_ARG(name), resolve->count);
	struct resolve_query *query = query_create(resolve, name, fn, context);
	*ret_query = query;
	if (address_parse(name, &query->addresses[0])) {
		query->count = 1;
		query->answered = true;
		loop_timer_start(query->timer, 0);
		return OK;
	}
	loop_timer_start(query->timer, timeout);
	query->held_by_ares = true;
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	ares_getaddrinfo(resolve->channel, query->name, NULL, &hints, on_answer, query);
	arm(resolve);
	return OK;
}

void resolve_cancel(struct resolve_query **query_pointer)
{
	struct resolve_query *query = *query_pointer;
	if (query == NULL)
		return;
	*query_pointer = NULL;
	assert(query->held_by_us);
	query->held_by_us = false;
	loop_timer_stop(query->timer);
	let_go(query);
}

enum err resolve_system_server(struct resolve *resolve, char *ret_text, size_t size, uint16_t *ret_port,
                               struct error *err)
{
	struct ares_addr_port_node *servers = NULL;
	if (ares_get_servers_ports(resolve->channel, &servers) != ARES_SUCCESS || servers == NULL)
		return error_set(err, ERR_NOT_FOUND, "this machine has no name server; name one in \"resolver\"");
	struct address address = { .v6 = servers->family == AF_INET6 };
	char text[ADDRESS_TEXT_BYTES];
	memcpy(address.bytes, &servers->addr, address.v6 ? 16 : 4);
	address_format(&address, text);
	snprintf(ret_text, size, "%s", text);
	*ret_port = servers->udp_port > 0 ? (uint16_t)servers->udp_port : 53;
	ares_free_data(servers);
	return OK;
}
