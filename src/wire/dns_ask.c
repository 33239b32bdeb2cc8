/* dns_ask.c: see dns_ask.h. */
#include "wire/dns_ask.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/dial.h"
#include "wire/egress.h"
#include "wire/resolve.h"

#define PORT 53
#define ASK_AGAIN TIME_SECOND /* UDP loses packets */
#define TCP_BYTES_MAX 65535

struct dns_ask {
	struct dns_ask_tools tools;
	struct resolve_query *query;
	struct dial *dial;
	struct loop_poll *poll;
	struct loop_timer *timer;
	dns_ask_fn *fn;
	void *context;
	int fd;
	uint16_t port;
	time_us asked, deadline;
	struct address server;
	bool over_tcp;
	size_t size, sent, received;
	char host[EGRESS_HOST_BYTES];
	uint8_t question[DNS_QUERY_BYTES_MAX];
	uint8_t *stream; /* TCP: two bytes of length and the answer */
	struct dns_answer answer;
};

static void ask_free(struct dns_ask *ask)
{
	resolve_cancel(&ask->query);
	dial_cancel(&ask->dial);
	loop_poll_destroy(&ask->poll);
	loop_timer_destroy(&ask->timer);
	if (ask->fd >= 0)
		close(ask->fd);
	mem_free(ask->stream);
	mem_free(ask);
}

static void finish(struct dns_ask *ask, const struct error *err)
{
	struct dns_ask_result result = {
		.server = ask->server, .over_tcp = ask->over_tcp, .answer = &ask->answer,
		.took = ask->asked > 0 ? clock_since_boot(ask->tools.clock) - ask->asked : 0,
	};
	ask->fn(ask->context, &result, err);
	ask_free(ask);
}

static void fail(struct dns_ask *ask, enum err code, const char *why)
{
	char text[ADDRESS_TEXT_BYTES];
	struct error err;
	address_format(&ask->server, text);
	error_set(&err, code, "could not ask the name server %s port %u: %s", text, ask->port, why);
	finish(ask, &err);
}

static void begin_tcp(struct dns_ask *ask);

/* True: it was the answer, and all is over or goes on over TCP. */
static bool take(struct dns_ask *ask, const uint8_t *bytes, size_t size)
{
	struct error err;
	enum err r = dns_answer_read(bytes, size, ask->question, ask->size, &ask->answer, &err);
	if (r == ERR_NOT_FOUND)
		return false;
	if (r != OK)
		finish(ask, &err);
	else if (ask->answer.cut && !ask->over_tcp)
		begin_tcp(ask);
	else
		finish(ask, NULL);
	return true;
}

/* ---- TCP ---- */

static void on_stream(void *context, unsigned events)
{
	struct dns_ask *ask = context;
	uint8_t head[2] = { (uint8_t)(ask->size >> 8), (uint8_t)ask->size };
	if ((events & LOOP_WRITABLE) && ask->sent == 0) {
		uint8_t message[2 + DNS_QUERY_BYTES_MAX];
		memcpy(message, head, 2);
		memcpy(message + 2, ask->question, ask->size);
		/* So few bytes go out whole on a fresh connection. */
		if (send(ask->fd, message, ask->size + 2, MSG_NOSIGNAL) != (ssize_t)ask->size + 2) {
			fail(ask, ERR_UNAVAILABLE, "it could not be told the question over TCP");
			return;
		}
		ask->sent = ask->size + 2;
		loop_poll_watch(ask->poll, LOOP_READABLE);
	}
	if (!(events & (LOOP_READABLE | LOOP_FAILED)))
		return;
	ssize_t count = recv(ask->fd, ask->stream + ask->received, TCP_BYTES_MAX + 2 - ask->received, 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0) {
		fail(ask, ERR_UNAVAILABLE, "it closed the connection without an answer");
		return;
	}
	ask->received += (size_t)count;
	size_t length = ask->received >= 2 ? (size_t)(ask->stream[0] << 8 | ask->stream[1]) : TCP_BYTES_MAX;
	if (ask->received >= length + 2 && !take(ask, ask->stream + 2, length))
		fail(ask, ERR_CORRUPT, "its answer is to another question");
}

static void on_dialled(void *context, const struct dial_result *dialled, const struct error *err)
{
	struct dns_ask *ask = context;
	struct error trouble;
	ask->dial = NULL;
	ask->fd = dialled->fd;
	if (err != NULL) {
		finish(ask, err);
		return;
	}
	ask->stream = mem_alloc(TCP_BYTES_MAX + 2);
	if (loop_poll_create(ask->tools.loop, ask->fd, on_stream, ask, &ask->poll, &trouble) != OK) {
		finish(ask, &trouble);
		return;
	}
	loop_poll_watch(ask->poll, LOOP_WRITABLE);
}

static void begin_tcp(struct dns_ask *ask)
{
	struct error err;
	loop_poll_destroy(&ask->poll);
	close(ask->fd);
	ask->fd = -1;
	ask->over_tcp = true;
	time_us left = ask->deadline - clock_since_boot(ask->tools.clock);
	address_format(&ask->server, ask->host);
	struct dial_request request = { .host = ask->host, .port = ask->port, .policy = ask->tools.policy,
	                                .timeout = left > TIME_MS ? left : TIME_MS };
	loop_timer_start(ask->timer, left > 0 ? left : 0);
	if (dial_start(ask->tools.loop, ask->tools.clock, ask->tools.resolve, &request, on_dialled, ask,
	               &ask->dial, &err) != OK)
		finish(ask, &err);
}

/* ---- UDP ---- */

static void on_datagram(void *context, unsigned events)
{
	struct dns_ask *ask = context;
	uint8_t bytes[4096];
	(void)events;
	ssize_t count = recv(ask->fd, bytes, sizeof bytes, 0);
	if (count >= 0)
		take(ask, bytes, (size_t)count);
	else if (errno == ECONNREFUSED)
		fail(ask, ERR_UNAVAILABLE, "nobody answers there (connection refused)");
	else if (errno != EAGAIN && errno != EINTR)
		fail(ask, ERR_UNAVAILABLE, strerror(errno));
}

static void on_time(void *context)
{
	struct dns_ask *ask = context;
	time_us left = ask->deadline - clock_since_boot(ask->tools.clock);
	if (left <= 0 || ask->over_tcp || ask->fd < 0) {
		fail(ask, ERR_TIMEOUT, "no answer in time");
		return;
	}
	/* An error of the last datagram comes with this one: on_datagram tells it. */
	(void)!send(ask->fd, ask->question, ask->size, MSG_NOSIGNAL);
	loop_timer_start(ask->timer, left < ASK_AGAIN ? left : ASK_AGAIN);
}

static void begin_udp(struct dns_ask *ask)
{
	struct sockaddr_storage to;
	struct error err;
	socklen_t size = address_to_sockaddr(&ask->server, ask->port, &to);
	ask->asked = clock_since_boot(ask->tools.clock);
	ask->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ask->fd < 0 || connect(ask->fd, (struct sockaddr *)&to, size) != 0) {
		fail(ask, ERR_UNAVAILABLE, strerror(errno));
		return;
	}
	if (loop_poll_create(ask->tools.loop, ask->fd, on_datagram, ask, &ask->poll, &err) != OK) {
		finish(ask, &err);
		return;
	}
	loop_poll_watch(ask->poll, LOOP_READABLE);
	on_time(ask);
}

static void on_resolved(void *context, const struct address *addresses, unsigned count,
                        const struct error *err)
{
	struct dns_ask *ask = context;
	struct error refused;
	ask->query = NULL;
	if (err != NULL) {
		finish(ask, err);
		return;
	}
	if (egress_check_all(ask->tools.policy, ask->host, addresses, count, &refused) != OK) {
		finish(ask, &refused);
		return;
	}
	ask->server = addresses[0];
	begin_udp(ask);
}

enum err dns_ask_start(const struct dns_ask_tools *tools, const struct dns_ask_request *request,
                       dns_ask_fn *fn, void *context, struct dns_ask **ret_ask, struct error *err)
{
	uint16_t id;
	assert(request->timeout > 0);
	struct dns_ask *ask = mem_alloc(sizeof *ask);
	*ask = (struct dns_ask){ .tools = *tools, .fn = fn, .context = context, .fd = -1 };
	ask->port = request->port != 0 ? request->port : PORT;
	ask->deadline = clock_since_boot(tools->clock) + request->timeout;
	random_fill(tools->random, &id, sizeof id);
	enum err r = dns_query_write(request->name, request->type, id, ask->question, &ask->size, err);
	if (r == OK && request->server == NULL)
		r = resolve_system_server(tools->resolve, ask->host, sizeof ask->host, &ask->port, err);
	else if (r == OK && strlen(request->server) < sizeof ask->host)
		memcpy(ask->host, request->server, strlen(request->server) + 1);
	else if (r == OK)
		r = error_set(err, ERR_INVALID, "the name of the name server is too long");
	if (r == OK)
		r = resolve_start(tools->resolve, str_of(ask->host), request->timeout, on_resolved, ask,
		                  &ask->query, err);
	if (r != OK) {
		mem_free(ask);
		return r;
	}
	ask->timer = loop_timer_create(tools->loop, on_time, ask);
	loop_timer_start(ask->timer, request->timeout);
	*ret_ask = ask;
	return OK;
}

void dns_ask_cancel(struct dns_ask **ask_pointer)
{
	struct dns_ask *ask = *ask_pointer;
	*ask_pointer = NULL;
	if (ask != NULL)
		ask_free(ask);
}
