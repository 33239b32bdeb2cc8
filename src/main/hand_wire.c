/* hand_wire.c: see hand_wire.h. */
#include "main/hand_wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/loop.h"

#define COMPACT_FROM_BYTES (1u << 20)

struct hand_wire {
	int fd;
	struct loop_poll *poll;
	struct hand_wire_reader reader;
	bool closed, reading; /* reading: within on_message */
	struct buf out;
	size_t sent; /* of `out` */
	size_t used; /* of `in` */
	char in[HAND_MESSAGE_BYTES_MAX]; /* holds the largest message, so a full one can be read */
};

static void watch(struct hand_wire *wire)
{
	bool more = wire->sent < wire->out.used || wire->out.full;
	loop_poll_watch(wire->poll, LOOP_READABLE | (more ? LOOP_WRITABLE : 0));
}

/* The last thing a callback does: the wire may be gone afterwards. */
static void close_wire(struct hand_wire *wire, const char *why)
{
	assert(!wire->closed);
	wire->closed = true;
	loop_poll_watch(wire->poll, 0);
	wire->reader.on_closed(wire->reader.context, why);
}

/* NULL or why it cannot go on. */
static const char *flush(struct hand_wire *wire)
{
	if (wire->out.full)
		return "the other side did not read what it was sent";
	while (wire->sent < wire->out.used) {
		ssize_t count = send(wire->fd, wire->out.bytes + wire->sent, wire->out.used - wire->sent,
				     MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0)
			return errno == EAGAIN || errno == EINTR ? NULL : "the other side is gone";
		wire->sent += (size_t)count;
	}
	wire->sent = 0;
	buf_reset(&wire->out);
	return NULL;
}

static const char *take_messages(struct hand_wire *wire)
{
	struct hand_message message;
	struct error err;
	size_t from = 0, used;
	for (;;) {
		struct str rest = { wire->in + from, wire->used - from };
		if (hand_message_read(rest, &message, &used, &err) != OK)
			return "the other side does not keep to the rules of messages";
		if (used == 0)
			break;
		from += used;
		wire->reading = true;
		wire->reader.on_message(wire->reader.context, &message);
		wire->reading = false;
	}
	assert(from > 0 || wire->used < sizeof wire->in);
	memmove(wire->in, wire->in + from, wire->used - from);
	wire->used -= from;
	return NULL;
}

static const char *fill(struct hand_wire *wire)
{
	ssize_t count = recv(wire->fd, wire->in + wire->used, sizeof wire->in - wire->used, MSG_DONTWAIT);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? NULL : "the other side is gone";
	if (count == 0)
		return "the other side closed the connection";
	wire->used += (size_t)count;
	return take_messages(wire);
}

static void on_events(void *context, unsigned events)
{
	struct hand_wire *wire = context;
	const char *why = (events & LOOP_FAILED) != 0 ? "the connection cannot be watched" : NULL;
	if (why == NULL && (events & LOOP_READABLE) != 0)
		why = fill(wire);
	if (why == NULL)
		why = flush(wire);
	if (why != NULL)
		close_wire(wire, why);
	else
		watch(wire);
}

void hand_wire_send(struct hand_wire *wire, const struct hand_message *message)
{
	if (wire->closed)
		return;
	if (wire->sent >= COMPACT_FROM_BYTES) {
		memmove(wire->out.bytes, wire->out.bytes + wire->sent, wire->out.used - wire->sent);
		buf_cut(&wire->out, wire->out.used - wire->sent);
		wire->sent = 0;
	}
	hand_message_write(message, &wire->out);
	watch(wire);
}

enum err hand_wire_create(struct loop *loop, int fd, const struct hand_wire_reader *reader,
			  struct hand_wire **ret_wire, struct error *err)
{
	assert(fd >= 0 && reader->on_message != NULL && reader->on_closed != NULL);
	struct hand_wire *wire = mem_alloc(sizeof *wire);
	wire->fd = fd;
	wire->reader = *reader;
	buf_init(&wire->out, HAND_WIRE_UNSENT_BYTES_MAX);
	enum err r = loop_poll_create(loop, fd, on_events, wire, &wire->poll, err);
	if (r != OK) {
		mem_free(wire);
		return r;
	}
	watch(wire);
	*ret_wire = wire;
	return OK;
}

void hand_wire_destroy(struct hand_wire **wire_pointer)
{
	struct hand_wire *wire = *wire_pointer;
	if (wire == NULL)
		return;
	assert(!wire->reading);
	*wire_pointer = NULL;
	loop_poll_destroy(&wire->poll);
	close(wire->fd);
	buf_finish(&wire->out);
	mem_free(wire);
}
