/* ping.c: see ping.h. */
#include "wire/ping.h"

#include <assert.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/egress.h"
#include "wire/ping_message.h"
#include "wire/resolve.h"

#define SLOTS 4096 /* packets by their number; each holds a list */
#define GAP (200 * TIME_MS)
#define REPLIES_PER_TURN 256
#define ICMP4_FILTER 1 /* of linux/icmp.h, which cannot be included beside netinet's */

struct packet {
	struct ping_run *run;
	struct packet *next;
	struct ping_echo echo;
	time_us sent, took; /* since boot; took 0: no answer yet */
	bool waits;         /* is in the table */
};

/* One socket of a family. */
struct ping_socket {
	struct ping *ping;
	struct loop_poll *poll;
	int fd; /* -1: not open */
	bool v6, raw;
};

struct ping {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct random *random;
	const struct egress_policy *policy;
	struct ping_socket sockets[2];
	struct ping_run *runs;
	unsigned count;
	uint16_t id, seq; /* the kernel replaces the id of a datagram socket by its own */
	struct packet *slots[SLOTS];
};

struct ping_run {
	struct ping *ping;
	struct ping_run *next, **link;
	struct resolve_query *query;
	struct loop_timer *timer;
	ping_fn *fn;
	void *context;
	struct ping_socket *socket;
	struct ping_result result;
	struct error err;
	enum ping_family family;
	unsigned packets_max;
	time_us deadline, gap;
	bool failed; /* err is set */
	char host[EGRESS_HOST_BYTES];
	struct packet packets[PING_PACKETS_MAX];
};

/* ---- the socket ---- */

static void on_readable(void *context, unsigned events);

/* Of what comes to a raw socket only echo replies are ours to look at. */
static void filter(int fd, bool v6)
{
	struct icmp6_filter six;
	uint32_t four = ~(1u << 0);
	ICMP6_FILTER_SETBLOCKALL(&six);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &six);
	if (v6)
		setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &six, sizeof six);
	else
		setsockopt(fd, SOL_RAW, ICMP4_FILTER, &four, sizeof four);
}

static enum err open_socket(struct ping *ping, bool v6, struct ping_socket **ret_socket,
                            struct error *err)
{
	struct ping_socket *sock = &ping->sockets[v6];
	int family = v6 ? AF_INET6 : AF_INET, protocol = v6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;
	if (sock->fd < 0) {
		sock->raw = false;
		sock->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	}
	if (sock->fd < 0 && (errno == EACCES || errno == EPERM || errno == EPROTONOSUPPORT)) {
		sock->raw = true;
		sock->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
		if (sock->fd >= 0)
			filter(sock->fd, v6);
	}
	if (sock->fd < 0) {
		bool denied = errno == EACCES || errno == EPERM;
		error_set(err, ERR_DENIED, denied ? "this process may not ping: let its group ping "
		          "(sysctl net.ipv4.ping_group_range=\"0 2147483647\"), or give it CAP_NET_RAW"
		          : "could not open a socket for ICMP%s: %s", v6 ? "v6" : "", strerror(errno));
		return ERR_DENIED;
	}
	if (sock->poll == NULL) {
		enum err r = loop_poll_create(ping->loop, sock->fd, on_readable, sock, &sock->poll, err);
		if (r != OK) {
			close(sock->fd);
			sock->fd = -1;
			return r;
		}
		loop_poll_watch(sock->poll, LOOP_READABLE);
	}
	*ret_socket = sock;
	return OK;
}

/* ---- packets ---- */

static struct packet **slot_of(struct ping *ping, uint16_t seq)
{
	return &ping->slots[seq % SLOTS];
}

static void forget_packet(struct packet *packet)
{
	struct packet **at = slot_of(packet->run->ping, packet->echo.seq);
	if (!packet->waits)
		return;
	while (*at != packet)
		at = &(*at)->next;
	*at = packet->next;
	packet->waits = false;
}

static void run_free(struct ping_run *run)
{
	for (unsigned i = 0; i < run->result.sent; i++)
		forget_packet(&run->packets[i]);
	*run->link = run->next;
	if (run->next != NULL)
		run->next->link = run->link;
	run->ping->count--;
	resolve_cancel(&run->query);
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static void sum_up(struct ping_run *run)
{
	struct ping_result *result = &run->result;
	time_us sum = 0;
	for (unsigned i = 0; i < result->sent; i++) {
		time_us took = run->packets[i].took;
		if (took == 0)
			continue;
		sum += took;
		if (result->best == 0 || took < result->best)
			result->best = took;
		if (took > result->worst)
			result->worst = took;
	}
	if (result->received > 0)
		result->mean = sum / result->received;
}

static void finish(struct ping_run *run)
{
	sum_up(run);
	run->fn(run->context, &run->result, run->failed ? &run->err : NULL);
	run_free(run);
}

/* Never inside the call that found it out. */
static void fail_soon(struct ping_run *run)
{
	run->failed = true;
	run->packets_max = 0;
	loop_timer_start(run->timer, 0);
}

static void take_reply(struct ping_socket *sock, const struct ping_echo *echo,
                       const struct address *from)
{
	struct ping *ping = sock->ping;
	struct packet *packet = *slot_of(ping, echo->seq);
	while (packet != NULL && (packet->run->socket != sock || packet->echo.seq != echo->seq ||
	                          memcmp(packet->echo.token, echo->token, PING_TOKEN_BYTES) != 0))
		packet = packet->next;
	if (packet == NULL || !address_eq(&packet->run->result.address, from))
		return;
	struct ping_run *run = packet->run;
	time_us took = clock_since_boot(ping->clock) - packet->sent;
	packet->took = took > 0 ? took : 1;
	forget_packet(packet);
	run->result.received++;
	if (run->result.received == run->packets_max)
		finish(run);
}

static void on_readable(void *context, unsigned events)
{
	struct ping_socket *sock = context;
	struct sockaddr_storage from;
	struct ping_echo echo;
	struct address address;
	uint8_t bytes[512];
	(void)events;
	for (unsigned i = 0; i < REPLIES_PER_TURN; i++) {
		socklen_t size = sizeof from;
		ssize_t count = recvfrom(sock->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
		if (count < 0)
			return;
		if (ping_message_read(bytes, (size_t)count, sock->v6, sock->raw && !sock->v6, &echo) &&
		    (!sock->raw || echo.id == sock->ping->id) &&
		    address_of_sockaddr((struct sockaddr *)&from, &address))
			take_reply(sock, &echo, &address);
	}
}

static bool send_packet(struct ping_run *run)
{
	struct ping *ping = run->ping;
	struct packet *packet = &run->packets[run->result.sent];
	struct sockaddr_storage to;
	uint8_t bytes[PING_MESSAGE_BYTES];
	*packet = (struct packet){ .run = run, .echo = { .id = ping->id, .seq = ping->seq++ },
	                           .sent = clock_since_boot(ping->clock), .waits = true };
	random_fill(ping->random, packet->echo.token, PING_TOKEN_BYTES);
	packet->next = *slot_of(ping, packet->echo.seq);
	*slot_of(ping, packet->echo.seq) = packet;
	run->result.sent++;
	ping_message_write(&packet->echo, run->socket->v6, bytes);
	socklen_t size = address_to_sockaddr(&run->result.address, 0, &to);
	if (sendto(run->socket->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, size) >= 0 ||
	    errno == EAGAIN || errno == ENOBUFS)
		return true; /* what the kernel drops is lost, like any other packet */
	char text[ADDRESS_TEXT_BYTES];
	address_format(&run->result.address, text);
	error_set(&run->err, ERR_UNAVAILABLE, "could not ping \"%s\" (%s): %s", run->host, text,
	          strerror(errno));
	run->failed = true;
	return false;
}

static void on_time(void *context)
{
	struct ping_run *run = context;
	time_us now = clock_since_boot(run->ping->clock), left = run->deadline - now;
	if (run->socket == NULL || run->failed || left <= 0) {
		finish(run);
		return;
	}
	if (run->result.sent < run->packets_max && !send_packet(run)) {
		finish(run);
		return;
	}
	if (run->result.sent < run->packets_max && run->gap < left)
		left = run->gap;
	loop_timer_start(run->timer, left);
}

/* ---- one run ---- */

static bool choose(struct ping_run *run, const struct address *addresses, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		bool fits = run->family == PING_ANY || addresses[i].v6 == (run->family == PING_V6);
		if (fits) {
			run->result.address = addresses[i];
			return true;
		}
	}
	error_set(&run->err, ERR_NOT_FOUND, "\"%s\" has no IPv%d address", run->host,
	          run->family == PING_V6 ? 6 : 4);
	return false;
}

static void on_resolved(void *context, const struct address *addresses, unsigned count,
                        const struct error *err)
{
	struct ping_run *run = context;
	run->query = NULL;
	if (err != NULL) {
		run->err = *err;
		fail_soon(run);
	} else if (egress_check_all(run->ping->policy, run->host, addresses, count, &run->err) != OK ||
	           !choose(run, addresses, count)) {
		fail_soon(run);
	} else if (open_socket(run->ping, run->result.address.v6, &run->socket, &run->err) != OK) {
		run->result.unable = true;
		fail_soon(run);
	} else {
		on_time(run);
	}
}

enum err ping_start(struct ping *ping, const struct ping_request *request, ping_fn *fn, void *context,
                    struct ping_run **ret_run, struct error *err)
{
	assert(request->packets >= 1 && request->packets <= PING_PACKETS_MAX);
	assert(request->timeout > 0);
	if (strlen(request->host) >= EGRESS_HOST_BYTES)
		return error_set(err, ERR_INVALID, "cannot ping a name of %zu bytes", strlen(request->host));
	if (ping->count >= PING_RUNS_MAX)
		return error_set(err, ERR_LIMIT, "could not ping \"%s\": %u others are pinged", request->host,
		                 ping->count);
	struct ping_run *run = mem_alloc(sizeof *run);
	*run = (struct ping_run){ .ping = ping, .fn = fn, .context = context, .family = request->family,
	                          .packets_max = request->packets, .next = ping->runs,
	                          .link = &ping->runs };
	run->deadline = clock_since_boot(ping->clock) + request->timeout;
	run->gap = request->timeout / (2 * request->packets);
	if (run->gap > GAP)
		run->gap = GAP;
	memcpy(run->host, request->host, strlen(request->host));
	enum err r = resolve_start(ping->resolve, str_of(run->host), request->timeout, on_resolved, run,
	                           &run->query, err);
	if (r != OK) {
		mem_free(run);
		return r;
	}
	if (run->next != NULL)
		run->next->link = &run->next;
	ping->runs = run;
	ping->count++;
	run->timer = loop_timer_create(ping->loop, on_time, run);
	*ret_run = run;
	return OK;
}

void ping_cancel(struct ping_run **run_pointer)
{
	struct ping_run *run = *run_pointer;
	*run_pointer = NULL;
	if (run != NULL)
		run_free(run);
}

/* ---- life ---- */

struct ping *ping_create(struct loop *loop, struct clock *clock, struct resolve *resolve,
                         struct random *random, const struct egress_policy *policy)
{
	struct ping *ping = mem_alloc(sizeof *ping);
	ping->loop = loop;
	ping->clock = clock;
	ping->resolve = resolve;
	ping->random = random;
	ping->policy = policy;
	random_fill(random, &ping->id, sizeof ping->id);
	random_fill(random, &ping->seq, sizeof ping->seq);
	for (unsigned i = 0; i < 2; i++)
		ping->sockets[i] = (struct ping_socket){ .ping = ping, .fd = -1, .v6 = i == 1 };
	return ping;
}

void ping_destroy(struct ping **ping_pointer)
{
	struct ping *ping = *ping_pointer;
	if (ping == NULL)
		return;
	*ping_pointer = NULL;
	while (ping->runs != NULL)
		run_free(ping->runs);
	for (unsigned i = 0; i < 2; i++) {
		loop_poll_destroy(&ping->sockets[i].poll);
		if (ping->sockets[i].fd >= 0)
			close(ping->sockets[i].fd);
	}
	mem_free(ping);
}
