/*
 * smtp_client.h: hand one prepared message to a mail server (RFC 5321, 3207, 4954, 8314), by libcurl.
 *
 * What the server said at each step is the result: whoever reads a page's delivery sees "RCPT: 550
 * no such user". The transcript never holds what we sent beyond the verb, so never a password.
 *
 * Runs on: the loop's thread. The callback is called exactly once, never inside smtp_client_start.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/egress.h"

struct clock;
struct loop;
struct resolve;
struct smtp_client;
struct smtp_send;

#define SMTP_REPLIES_MAX 32
#define SMTP_RECIPIENTS_MAX 50
#define SMTP_TIMEOUT_MAX (5 * TIME_MINUTE)
#define SMTP_CONNECTIONS_MAX 16 /* at once; more wait */

enum smtp_security {
	SMTP_PLAIN,             /* never TLS: for a relay on this machine */
	SMTP_STARTTLS_IF_THERE, /* encrypts when offered */
	SMTP_STARTTLS,          /* refuses to go on without */
	SMTP_TLS,               /* from the first byte, port 465 */
};

struct smtp_request {
	const char *host;
	uint16_t port;
	enum smtp_security security;
	bool verify_off;
	const char *user, *password; /* both NULL: no authentication */
	const char *hello;           /* our name for EHLO; NULL: "localhost" */
	const char *from;            /* envelope; "" for the null sender */
	const char *const *to;
	unsigned to_count;
	struct str message;          /* as mail_build makes it; copied */
	bool only_sign_in;           /* ends after EHLO, STARTTLS and AUTH: no mail; from, to, message are not looked at */
	time_us timeout;             /* over all */
};

struct smtp_reply {
	char step[12]; /* "connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "message", "QUIT" */
	int code;
	char text[160];
};

struct smtp_result {
	struct smtp_reply replies[SMTP_REPLIES_MAX]; /* last line of each reply, in order */
	unsigned count;
	bool accepted; /* the server took the responsibility: 2xx after the message; or let us in, if that was all */
	time_us took;
};

typedef void smtp_fn(void *context, const struct smtp_result *result, const struct error *err);

/* `ca_file` NULL: the system's authorities. */
struct smtp_client *smtp_client_create(struct loop *loop, struct clock *clock,
                                       struct resolve *resolve, const struct egress_policy *policy,
                                       const char *ca_file);
void smtp_client_destroy(struct smtp_client **client); /* open sends are dropped without callback */

enum err smtp_client_start(struct smtp_client *client, const struct smtp_request *request,
                           smtp_fn *fn, void *context, struct smtp_send **ret_send,
                           struct error *err);
void smtp_send_cancel(struct smtp_send **send);
