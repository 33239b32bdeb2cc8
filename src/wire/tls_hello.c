/* tls_hello.c: see tls_hello.h. */
#include "wire/tls_hello.h"

#include <assert.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/address.h"
#include "wire/egress.h"

#define ROUNDS_MAX 256 /* wake-ups of one handshake: a peer that trickles is sent away */

struct tls_hello {
	struct clock *clock;
	struct trust *trust;
	struct loop_timer *timer;
	struct loop_poll *poll;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	tls_hello_fn *fn;
	void *context;
	struct tls_hello_result result;
	struct error err;
	time_us started;
	unsigned rounds;
	int fd;
	char host[EGRESS_HOST_BYTES];
};

static void hello_free(struct tls_hello *hello)
{
	loop_poll_destroy(&hello->poll);
	loop_timer_destroy(&hello->timer);
	gnutls_deinit(hello->session);
	gnutls_certificate_free_credentials(hello->credentials);
	close(hello->fd);
	mem_free(hello);
}

static void finish(struct tls_hello *hello)
{
	loop_poll_destroy(&hello->poll);
	hello->result.took = clock_since_boot(hello->clock) - hello->started;
	hello->fn(hello->context, &hello->result, hello->result.shaken ? NULL : &hello->err);
	hello_free(hello);
}

static void on_shaken(struct tls_hello *hello)
{
	const char *version = gnutls_protocol_get_name(gnutls_protocol_get_version(hello->session));
	hello->result.shaken = true;
	if (version != NULL)
		snprintf(hello->result.version, sizeof hello->result.version, "%s", version);
	hello->result.certificated = trust_examine(hello->trust, hello->session, hello->host,
	                                           &hello->result.certificate);
	gnutls_bye(hello->session, GNUTLS_SHUT_WR); /* a courtesy: what it returns changes nothing */
	finish(hello);
}

static void step(struct tls_hello *hello)
{
	int result = gnutls_handshake(hello->session);
	if (result == GNUTLS_E_SUCCESS) {
		on_shaken(hello);
		return;
	}
	if (gnutls_error_is_fatal(result) || ++hello->rounds > ROUNDS_MAX) {
		const char *why = gnutls_strerror(result);
		if (result == GNUTLS_E_FATAL_ALERT_RECEIVED)
			why = gnutls_alert_get_name(gnutls_alert_get(hello->session));
		if (result == GNUTLS_E_PREMATURE_TERMINATION)
			why = "the other side closed the connection";
		error_set(&hello->err, ERR_UNAVAILABLE, "could not shake hands by TLS with \"%s\": %s",
		          hello->host, why != NULL ? why : "unknown alert");
		finish(hello);
		return;
	}
	bool writes = gnutls_record_get_direction(hello->session) == 1;
	loop_poll_watch(hello->poll, writes ? LOOP_WRITABLE : LOOP_READABLE);
}

static void on_ready(void *context, unsigned events)
{
	(void)events;
	step(context);
}

static void on_time(void *context)
{
	struct tls_hello *hello = context;
	if (hello->err.code == OK)
		error_set(&hello->err, ERR_TIMEOUT, "could not shake hands by TLS with \"%s\": no answer in time",
		          hello->host);
	finish(hello);
}

static void make_session(struct tls_hello *hello)
{
	struct address literal;
	int failed = gnutls_init(&hello->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	assert(failed == 0);
	gnutls_certificate_allocate_credentials(&hello->credentials);
	gnutls_set_default_priority(hello->session);
	gnutls_credentials_set(hello->session, GNUTLS_CRD_CERTIFICATE, hello->credentials);
	gnutls_handshake_set_timeout(hello->session, GNUTLS_INDEFINITE_TIMEOUT);
	if (!address_parse(str_of(hello->host), &literal))
		gnutls_server_name_set(hello->session, GNUTLS_NAME_DNS, hello->host, strlen(hello->host));
	gnutls_transport_set_int(hello->session, hello->fd);
}

void tls_hello_start(struct loop *loop, struct clock *clock, struct trust *trust, int fd,
                     const char *host, time_us timeout, tls_hello_fn *fn, void *context,
                     struct tls_hello **ret_hello)
{
	assert(fd >= 0);
	assert(timeout > 0);
	struct tls_hello *hello = mem_alloc(sizeof *hello);
	*hello = (struct tls_hello){ .clock = clock, .trust = trust, .fn = fn, .context = context,
	                             .started = clock_since_boot(clock), .fd = fd };
	snprintf(hello->host, sizeof hello->host, "%s", host);
	make_session(hello);
	hello->timer = loop_timer_create(loop, on_time, hello);
	if (loop_poll_create(loop, fd, on_ready, hello, &hello->poll, &hello->err) == OK) {
		loop_poll_watch(hello->poll, LOOP_WRITABLE);
		loop_timer_start(hello->timer, timeout);
	} else {
		loop_timer_start(hello->timer, 0);
	}
	*ret_hello = hello;
}

void tls_hello_cancel(struct tls_hello **hello)
{
	if (*hello == NULL)
		return;
	hello_free(*hello);
	*hello = NULL;
}
