/*
 * tls_hello.h: shake hands as a TLS client (RFC 8446, RFC 5246) to see the certificate, then leave.
 *
 * For watching certificates and for finding out what speaks TLS; no bytes of an application pass.
 * Runs on: the loop's thread. The callback is called exactly once, never inside the start.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wire/trust.h"

struct clock;
struct loop;
struct tls_hello;

struct tls_hello_result {
	bool shaken;      /* the handshake finished, trusted or not */
	bool certificated; /* the next is set */
	struct certificate certificate;
	char version[16]; /* "TLS1.3" */
	time_us took;
};

typedef void tls_hello_fn(void *context, const struct tls_hello_result *result,
                          const struct error *err);

/* Takes the descriptor over and closes it. `host` is copied; a name is sent as SNI. */
void tls_hello_start(struct loop *loop, struct clock *clock, struct trust *trust, int fd,
                     const char *host, time_us timeout, tls_hello_fn *fn, void *context,
                     struct tls_hello **ret_hello);
void tls_hello_cancel(struct tls_hello **hello);
