/*
 * curl_loop.h: libcurl's transfers on our loop, each behind the guard. For wire only.
 *
 * `multi_socket` with the loop's polls and one timer. One curl_loop has one egress policy, because
 * connections are reused within it: a connection opened under a wide policy must never serve a
 * call made under a narrow one.
 */
#pragma once

#include <curl/curl.h>

#include "base/err.h"
#include "wire/egress.h"

struct curl_loop;
struct loop;

typedef void curl_done_fn(void *context, CURLcode code);

/* What one transfer needs to pass the guard twice. */
struct curl_guard {
	const struct egress_policy *policy;
	struct curl_slist *pins;
	struct error err; /* set when the second look refused */
	int fd;           /* the socket made last; only one is made when one address is pinned */
};

/* `idle_max`: connections that stay open for whoever asks next; the one that was used longest ago is closed. */
struct curl_loop *curl_loop_create(struct loop *loop, unsigned connections_max, unsigned idle_max);
void curl_loop_destroy(struct curl_loop **curl); /* transfers must have been removed */

/* The callback is called once, later, with the easy handle already removed from the loop.
 * CURLOPT_PRIVATE belongs to this file. */
struct curl_job;
struct curl_job *curl_loop_add(struct curl_loop *curl, CURL *easy, curl_done_fn *fn, void *context);
void curl_loop_remove(struct curl_loop *curl, struct curl_job **job); /* no callback; accepts NULL */

/* Pins host:port to these addresses and arms the second look. Also: no proxy from the environment, no
 * signals, no redirects by the library, http(s) and smtp(s) only. */
void curl_guard_arm(struct curl_guard *guard, CURL *easy, const char *host, uint16_t port,
                    const struct address *addresses, unsigned count);
void curl_guard_finish(struct curl_guard *guard); /* after the easy handle is gone */

/* A sentence for what the library says: which step, what was in the way. */
enum err curl_explain(CURL *easy, CURLcode code, const char *host, uint16_t port, const char *detail,
                      struct error *err);
