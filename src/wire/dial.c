/* dial.c: see dial.h. */
#include "wire/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/egress.h"
#include "wire/resolve.h"

struct dial {
	struct loop *loop;
	struct clock *clock;
	struct resolve_query *query;
	struct loop_timer *timer;
	struct loop_poll *poll;
	const struct egress_policy *policy;
	dial_fn *fn;
	void *context;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	unsigned count, next;
	uint16_t port;
	int fd;
	struct dial_result result;
	struct error err;
	time_us started, resolved, deadline;
	char host[EGRESS_HOST_BYTES];
};

static void drop_socket(struct dial *dial)
{
	loop_poll_destroy(&dial->poll);
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}

static void dial_free(struct dial *dial)
{
	drop_socket(dial);
	resolve_cancel(&dial->query);
	loop_timer_destroy(&dial->timer);
	mem_free(dial);
}

static void finish(struct dial *dial)
{
	dial->result.fd = dial->fd;
	loop_poll_destroy(&dial->poll);
	dial->fd = -1;
	dial->fn(dial->context, &dial->result, dial->result.fd >= 0 ? NULL : &dial->err);
	dial_free(dial);
}

static void say(struct dial *dial, enum err code, const char *why)
{
	char text[ADDRESS_TEXT_BYTES];
	address_format(&dial->result.address, text);
	error_set(&dial->err, code, "could not connect to \"%s\" port %u (%s): %s", dial->host, dial->port,
	          text, why);
}

static void on_connected(struct dial *dial)
{
	int on = 1;
	setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	dial->result.connect = clock_since_boot(dial->clock) - dial->resolved;
	finish(dial);
}

static void try_next(struct dial *dial);

static void on_writable(void *context, unsigned events)
{
	(void)events;
	struct dial *dial = context;
	int number = 0;
	socklen_t size = sizeof number;
	getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &number, &size);
	if (number == 0) {
		on_connected(dial);
		return;
	}
	say(dial, ERR_UNAVAILABLE, strerror(number));
	drop_socket(dial);
	try_next(dial);
}

/* True when the attempt is under way. */
static bool begin_attempt(struct dial *dial)
{
	struct sockaddr_storage socket_;
	socklen_t size = address_to_sockaddr(&dial->result.address, dial->port, &socket_);
	dial->fd = socket(socket_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd < 0) {
		say(dial, ERR_IO, strerror(errno));
		return false;
	}
	if (connect(dial->fd, (struct sockaddr *)&socket_, size) != 0 && errno != EINPROGRESS) {
		say(dial, ERR_UNAVAILABLE, strerror(errno));
		drop_socket(dial);
		return false;
	}
	if (loop_poll_create(dial->loop, dial->fd, on_writable, dial, &dial->poll, &dial->err) != OK) {
		drop_socket(dial);
		return false;
	}
	loop_poll_watch(dial->poll, LOOP_WRITABLE);
	return true;
}

static void try_next(struct dial *dial)
{
	while (dial->next < dial->count) {
		time_us left = dial->deadline - clock_since_boot(dial->clock);
		if (left <= 0)
			break;
		dial->result.address = dial->addresses[dial->next++];
		if (!begin_attempt(dial))
			continue;
		/* Each address gets its share of what is left; the last one all of it. */
		loop_timer_start(dial->timer, left / (dial->count - dial->next + 1));
		return;
	}
	dial->result.connect = clock_since_boot(dial->clock) - dial->resolved;
	finish(dial);
}

static void on_time(void *context)
{
	struct dial *dial = context;
	say(dial, ERR_TIMEOUT, "no answer in time");
	drop_socket(dial);
	try_next(dial);
}

static void on_resolved(void *context, const struct address *addresses, unsigned count,
                        const struct error *err)
{
	struct dial *dial = context;
	dial->query = NULL;
	dial->resolved = clock_since_boot(dial->clock);
	dial->result.dns = dial->resolved - dial->started;
	if (err != NULL) {
		dial->err = *err;
		finish(dial);
		return;
	}
	if (egress_check_all(dial->policy, dial->host, addresses, count, &dial->err) != OK) {
		finish(dial);
		return;
	}
	memcpy(dial->addresses, addresses, count * sizeof *addresses);
	dial->count = count;
	dial->result.address = addresses[0];
	dial->result.tried = true;
	say(dial, ERR_TIMEOUT, "no answer in time");
	try_next(dial);
}

enum err dial_start(struct loop *loop, struct clock *clock, struct resolve *resolve,
                    const struct dial_request *request, dial_fn *fn, void *context,
                    struct dial **ret_dial, struct error *err)
{
	assert(request->timeout > 0);
	assert(request->policy != NULL);
	if (request->port == 0 || strlen(request->host) > RESOLVE_NAME_MAX_BYTES)
		return error_set(err, ERR_INVALID, "cannot connect to \"%.100s\" port %u", request->host,
		                 request->port);
	struct dial *dial = mem_alloc(sizeof *dial);
	*dial = (struct dial){ .loop = loop, .clock = clock, .policy = request->policy, .fn = fn,
	                       .context = context, .port = request->port, .fd = -1,
	                       .started = clock_since_boot(clock) };
	dial->deadline = dial->started + request->timeout;
	memcpy(dial->host, request->host, strlen(request->host) + 1);
	dial->timer = loop_timer_create(loop, on_time, dial);
	enum err result = resolve_start(resolve, str_of(dial->host), request->timeout, on_resolved, dial,
	                                &dial->query, err);
	if (result != OK) {
		dial_free(dial);
		return result;
	}
	*ret_dial = dial;
	return OK;
}

void dial_cancel(struct dial **dial)
{
	if (*dial == NULL)
		return;
	dial_free(*dial);
	*dial = NULL;
}
