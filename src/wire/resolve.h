/*
 * resolve.h: names to addresses, on a loop, by c-ares (hosts file and DNS; RFC 1035, RFC 3596).
 *
 * No cache: a check must see what the name means now. Answers come in the order of RFC 6724.
 * Runs on: the loop's thread. The callback is called exactly once, never inside resolve_start.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wire/address.h"

struct loop;
struct resolve;
struct resolve_query;

#define RESOLVE_ADDRESSES_MAX 16   /* of one name; more are left out */
#define RESOLVE_QUERIES_MAX 4096   /* at once; more are refused with ERR_LIMIT */
#define RESOLVE_NAME_MAX_BYTES 253

/* `addresses` is lent for the time of the callback; count 0 and an error when there is none:
 * ERR_NOT_FOUND (no such name, no address), ERR_TIMEOUT, ERR_UNAVAILABLE (the servers fail). */
typedef void resolve_fn(void *context, const struct address *addresses, unsigned count,
                        const struct error *err);

/* `servers`: "192.0.2.1:53,[::1]:5353", or NULL for what the system uses. */
enum err resolve_create(struct loop *loop, const char *servers, struct resolve **ret_resolve,
                        struct error *err);
void resolve_destroy(struct resolve **resolve); /* open queries are dropped without a callback */

/* An address literal is answered as itself. */
enum err resolve_start(struct resolve *resolve, struct str name, time_us timeout, resolve_fn *fn,
                       void *context, struct resolve_query **ret_query, struct error *err);
/* The first name server that is asked, as an address text, and its port. */
enum err resolve_system_server(struct resolve *resolve, char *ret_text, size_t size, uint16_t *ret_port,
                               struct error *err);
void resolve_cancel(struct resolve_query **query); /* no callback; accepts NULL, leaves NULL */
