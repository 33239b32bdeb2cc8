/*
 * trust.h: which certificates we believe, and what a peer's certificate says.
 *
 * The list of authorities is read once and used for every handshake: reading it for each connection,
 * as libraries do by default, costs more than the handshake. Verification follows RFC 5280 and
 * RFC 6125 (name in the certificate) by GnuTLS. A trust belongs to one thread.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

struct trust;

#define CERTIFICATE_TEXT_BYTES 192
#define CERTIFICATE_CHAIN_MAX 16

struct certificate {
	char subject[CERTIFICATE_TEXT_BYTES]; /* RFC 4514, cut */
	char issuer[CERTIFICATE_TEXT_BYTES];
	time_us not_before, not_after;
	bool trusted;                         /* chain, dates and name are fine */
	char problem[CERTIFICATE_TEXT_BYTES]; /* a sentence when it is not trusted; else empty */
};

/* `ca_file` is PEM, is read here and must be there: ERR_NOT_FOUND, ERR_INVALID. NULL takes the system's
 * authorities, read when the first certificate is looked at: they take some 20 ms and 4 MB, which a start
 * does not wait for and which nobody pays who speaks with plain peers only. */
enum err trust_create(const char *ca_file, struct trust **ret_trust, struct error *err);
/* From a text. ERR_INVALID. */
enum err trust_create_pem(struct str pem, struct trust **ret_trust, struct error *err);
void trust_destroy(struct trust **trust);

/* Looks at the peer of a finished handshake (a gnutls_session_t). Returns false when there is no
 * X.509 certificate at all. `host` is the name or address that was asked for. */
bool trust_examine(struct trust *trust, void *session, const char *host,
                   struct certificate *ret_certificate);

/* Whole days until it ends, rounded down; negative when it is over. */
int certificate_days_left(const struct certificate *certificate, time_us now);
