/*
 * dial.h: connect a TCP socket: resolve, guard (egress.h), try the addresses one after the other.
 *
 * Runs on: the loop's thread. The callback is called exactly once, never inside dial_start, and
 * not at all after dial_cancel.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wire/address.h"

struct clock;
struct dial;
struct egress_policy;
struct loop;
struct resolve;

struct dial_request {
	const char *host; /* a name or an address, without brackets */
	uint16_t port;
	time_us timeout; /* over all: name and connection; > 0 */
	const struct egress_policy *policy; /* must outlive the dial */
};

struct dial_result {
	int fd; /* connected, non-blocking, TCP_NODELAY; the callback's to close. -1 with an error */
	bool tried;             /* the next is set: the name was found and may be called */
	struct address address; /* the one connected, or tried last */
	time_us dns, connect;   /* how long each took */
};

typedef void dial_fn(void *context, const struct dial_result *result, const struct error *err);

enum err dial_start(struct loop *loop, struct clock *clock, struct resolve *resolve,
                    const struct dial_request *request, dial_fn *fn, void *context,
                    struct dial **ret_dial, struct error *err);
void dial_cancel(struct dial **dial); /* accepts NULL, leaves NULL */
