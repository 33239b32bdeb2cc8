/*
 * egress.h: the one guard that every outgoing call passes.
 *
 * A URL that people or peers can choose must not reach what only this machine can reach. So a call
 * goes: read the URL (http and https only), resolve the name, ask about *every* address, connect to
 * those addresses and no other, and ask again when the socket is made (a name that changes its
 * meaning between the two steps gains nothing). A redirect begins again at the first step.
 *
 * Order of decision for an address and for what it carries inside: deny list, allow list, class.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wire/address.h"
#include "wire/resolve.h"

#define EGRESS_RANGES_MAX 32
#define EGRESS_HOST_BYTES (RESOLVE_NAME_MAX_BYTES + 3) /* a name, or "[v6]" */

struct egress_policy {
	bool allow_loopback, allow_private;
	bool allow_link_local; /* link-local and cloud metadata */
	struct address_range deny[EGRESS_RANGES_MAX], allow[EGRESS_RANGES_MAX];
	unsigned denies, allows;
};

/* What an operator watches: loopback and private allowed, link-local and metadata not. */
struct egress_policy egress_policy_checks(void);

/* What anybody may enter as a webhook: public addresses only; widen with `allow`. */
struct egress_policy egress_policy_webhooks(void);

/* Pure. On refusal the reason names the address and its class, or the range that denies it. */
enum err egress_check_address(const struct egress_policy *policy, const struct address *address,
                              struct error *err);

struct egress_target {
	bool https;
	uint16_t port;
	bool literal; /* the host is an address, not a name */
	char host[EGRESS_HOST_BYTES]; /* as a name or address, without brackets */
	char url[2048]; /* normalised, without credentials and fragment */
};

#define EGRESS_URL_MAX_BYTES 2000

/* Pure. Refuses other schemes, credentials in the URL, control characters, bad ports. Numeric forms of
 * IPv4 ("0x7f.1") become the address they mean, and a literal is checked at once. */
enum err egress_check_url(const struct egress_policy *policy, struct str url,
                          struct egress_target *ret_target, struct error *err);

/* Pure: all of them, or the error of the first that is refused. */
enum err egress_check_all(const struct egress_policy *policy, const char *host,
                          const struct address *addresses, unsigned count, struct error *err);
