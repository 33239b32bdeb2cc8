/*
 * dns_ask.h: one question to one name server: over UDP, asked again when no answer comes, and over TCP when
 * the answer says that it was cut.
 *
 * A reply counts only from the address asked, to a port the kernel chose, with our random id and our
 * question. Runs on: the loop's thread. The callback is called exactly once, never inside dns_ask_start,
 * and not at all after dns_ask_cancel.
 */
#pragma once

#include "base/time.h"
#include "wire/address.h"
#include "wire/dns_message.h"

struct clock;
struct dns_ask;
struct egress_policy;
struct loop;
struct random;
struct resolve;

struct dns_ask_tools {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct random *random;
	const struct egress_policy *policy;
};

struct dns_ask_request {
	struct str name;
	uint16_t type;
	const char *server; /* a name or an address; NULL: the system's first one */
	uint16_t port;      /* 0: 53 */
	time_us timeout;
};

struct dns_ask_result {
	struct address server;
	bool over_tcp;
	time_us took; /* the question alone, without the server's own name */
	const struct dns_answer *answer; /* lent */
};

typedef void dns_ask_fn(void *context, const struct dns_ask_result *result, const struct error *err);

/* `tools` is copied; what it points to must outlive the question. */
enum err dns_ask_start(const struct dns_ask_tools *tools, const struct dns_ask_request *request,
                       dns_ask_fn *fn, void *context, struct dns_ask **ret_ask, struct error *err);
void dns_ask_cancel(struct dns_ask **ask); /* accepts NULL, leaves NULL */
