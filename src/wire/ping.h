/*
 * ping.h: is a host there: ICMP echo requests, several at a time, over one socket for each family.
 *
 *     ping_start --> name --guard (egress.h)--> packets, one each gap --> all answered, or the time is over
 *
 * The socket is a datagram one where the kernel lets us (net.ipv4.ping_group_range), else a raw one where
 * we may (CAP_NET_RAW), else there is none: then every run ends as `unable`, with a sentence that says
 * what to do. It is tried again each time, so that a permission given later is used.
 *
 * Runs on: the loop's thread. The callback is called exactly once, never inside ping_start, and not at all
 * after ping_cancel.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wire/address.h"

struct clock;
struct egress_policy;
struct loop;
struct ping;
struct ping_run;
struct random;
struct resolve;

#define PING_PACKETS_MAX 20
#define PING_RUNS_MAX 4096 /* at once; more are refused with ERR_LIMIT */

enum ping_family { PING_ANY, PING_V4, PING_V6 };

struct ping_request {
	const char *host; /* a name or an address */
	enum ping_family family;
	unsigned packets; /* 1 .. PING_PACKETS_MAX */
	time_us timeout;  /* over all; > 0 */
};

struct ping_result {
	struct address address; /* that was asked; with an error perhaps none */
	bool unable;            /* this process may not ping; the error says what to do */
	unsigned sent, received;
	time_us best, mean, worst; /* round trips of those that came back; 0: none did */
};

/* `err` is NULL when packets were sent, even if none came back. */
typedef void ping_fn(void *context, const struct ping_result *result, const struct error *err);

/* What it is lent must outlive it. */
struct ping *ping_create(struct loop *loop, struct clock *clock, struct resolve *resolve,
                         struct random *random, const struct egress_policy *policy);
void ping_destroy(struct ping **ping); /* open runs are dropped without a callback */

enum err ping_start(struct ping *ping, const struct ping_request *request, ping_fn *fn, void *context,
                    struct ping_run **ret_run, struct error *err);
void ping_cancel(struct ping_run **run); /* accepts NULL, leaves NULL */
