/*
 * cli_sse.h: server-sent events (WHATWG HTML, "9.2.6 Interpreting an event stream") out of bytes that
 * come in pieces of any size.
 *
 * A line longer than SSE_LINE_BYTES_MAX is cut. Owns its buffers; runs on one thread.
 */
#pragma once

#include "base/buf.h"

#define SSE_LINE_BYTES_MAX (64u << 10)

struct sse_event {
	struct str id, event, data; /* lent for the time of the callback; event "message" when absent */
};

struct sse {
	struct buf line, data, event, id; /* id: of the last event, kept over connections */
	bool after_cr;
};

/* False ends the reading. */
typedef bool sse_fn(void *context, const struct sse_event *event);

void sse_init(struct sse *sse);
void sse_finish(struct sse *sse);
void sse_again(struct sse *sse); /* a new connection: half an event is dropped, the id is kept */
bool sse_take(struct sse *sse, struct str bytes, sse_fn *fn, void *context);
