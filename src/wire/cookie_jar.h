/*
 * cookie_jar.h: cookies between the steps of one journey (RFC 6265, sections 5.1 to 5.4).
 *
 * A jar lives for one run and remembers nothing after it. A cookie goes back to the host that set it, or with
 * Domain= to hosts under it; never to others, with Path and Secure kept. What cannot be read is not kept.
 * Bounds: COOKIES_MAX cookies, the oldest goes; COOKIE_BYTES_MAX bytes of name and value.
 *
 * Pure but for the memory it owns. `now` is the wall.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

#define COOKIES_MAX 50u
#define COOKIE_BYTES_MAX 4096u

struct cookie {
	char *name, *value, *domain, *path;
	bool host_only, secure;
};

struct cookie_jar {
	struct cookie cookies[COOKIES_MAX];
	unsigned count;
};

void cookie_jar_init(struct cookie_jar *jar);
void cookie_jar_finish(struct cookie_jar *jar);

/* All "Set-Cookie:" lines among the raw header lines of an answer from there. */
void cookie_jar_take(struct cookie_jar *jar, struct str host, struct str path, bool https, struct str headers,
                     time_us now);

/* "a=1; b=2" for a request there: nothing when there is none. */
void cookie_jar_print(const struct cookie_jar *jar, struct str host, struct str path, bool https, struct buf *out);
