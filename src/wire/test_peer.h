/*
 * test_peer.h: a server for tests, in a thread of its own: one connection after the other, plain or
 * TLS, with answers that the test makes. And certificates made on the spot. For test files only.
 */
#pragma once

#include <assert.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

/* Gets the request (what came up to the blank line, or at the connection for a peer that speaks first)
 * and gives the answer, from mem_alloc; NULL closes without one. */
typedef char *peer_answer_fn(void *context, const char *request);

struct peer {
	int fd;
	uint16_t port;
	pthread_t thread;
	peer_answer_fn *answer;
	void *context;
	bool greets; /* answers before anything was asked: NULL request */
	gnutls_certificate_credentials_t credentials; /* NULL: plain */
	void (*serve)(struct peer *peer, gnutls_session_t tls, int fd); /* instead of one answer */
};

static inline ssize_t peer_recv(gnutls_session_t tls, int fd, char *bytes, size_t size)
{
	return tls != NULL ? gnutls_record_recv(tls, bytes, size) : recv(fd, bytes, size, 0);
}

static inline void peer_send(gnutls_session_t tls, int fd, const char *text)
{
	size_t size = strlen(text);
	if (tls != NULL)
		gnutls_record_send(tls, text, size);
	else if (send(fd, text, size, MSG_NOSIGNAL) < 0)
		return;
}

static inline void peer_serve(struct peer *peer, gnutls_session_t tls, int fd)
{
	char request[8192] = "";
	size_t used = 0;
	if (peer->serve != NULL) {
		peer->serve(peer, tls, fd);
		return;
	}
	while (!peer->greets && used < sizeof request - 1 && strstr(request, "\r\n\r\n") == NULL) {
		ssize_t count = peer_recv(tls, fd, request + used, sizeof request - 1 - used);
		if (count <= 0)
			break;
		used += (size_t)count;
		request[used] = '\0';
	}
	if (used == 0 && !peer->greets)
		return;
	char *answer = peer->answer(peer->context, peer->greets ? NULL : request);
	if (answer != NULL)
		peer_send(tls, fd, answer);
	mem_free(answer);
}

static inline void peer_accept(struct peer *peer, int fd)
{
	struct timeval patience = { .tv_sec = 5 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (peer->credentials == NULL) {
		peer_serve(peer, NULL, fd);
		return;
	}
	gnutls_session_t tls;
	gnutls_init(&tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(tls);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, peer->credentials);
	gnutls_transport_set_int(tls, fd);
	gnutls_handshake_set_timeout(tls, 5000);
	int result;
	do
		result = gnutls_handshake(tls);
	while (result < 0 && gnutls_error_is_fatal(result) == 0);
	if (result == 0)
		peer_serve(peer, tls, fd);
	gnutls_bye(tls, GNUTLS_SHUT_WR);
	gnutls_deinit(tls);
}

static inline void *peer_run(void *context)
{
	struct peer *peer = context;
	for (;;) {
		int fd = accept(peer->fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		peer_accept(peer, fd);
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
}

static inline void peer_start(struct peer *peer, peer_answer_fn *answer, void *context)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	peer->answer = answer;
	peer->context = context;
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = bind(peer->fd, (struct sockaddr *)&at, sizeof at);
	assert(failed == 0);
	failed = listen(peer->fd, 1024);
	assert(failed == 0);
	getsockname(peer->fd, (struct sockaddr *)&at, &size);
	peer->port = ntohs(at.sin_port);
	failed = pthread_create(&peer->thread, NULL, peer_run, peer);
	assert(failed == 0);
}

static inline void peer_stop(struct peer *peer)
{
	shutdown(peer->fd, SHUT_RDWR); /* accept returns */
	pthread_join(peer->thread, NULL);
	close(peer->fd);
	if (peer->credentials != NULL)
		gnutls_certificate_free_credentials(peer->credentials);
	peer->credentials = NULL;
}

/* An authority of the test's own. */
struct peer_ca {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char file[64]; /* PEM */
};

static inline void peer_make_crt(gnutls_x509_privkey_t *ret_key, gnutls_x509_crt_t *ret_crt,
                                 const char *name, time_us from, time_us until, bool is_ca,
                                 const struct peer_ca *signer)
{
	static unsigned char serial = 1;
	gnutls_x509_privkey_init(ret_key);
	gnutls_x509_privkey_generate(*ret_key, GNUTLS_PK_ECDSA,
	                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(ret_crt);
	gnutls_x509_crt_t crt = *ret_crt;
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_key(crt, *ret_key);
	gnutls_x509_crt_set_serial(crt, &serial, 1);
	serial++;
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	gnutls_x509_crt_set_activation_time(crt, (time_t)(from / TIME_SECOND));
	gnutls_x509_crt_set_expiration_time(crt, (time_t)(until / TIME_SECOND));
	gnutls_x509_crt_set_basic_constraints(crt, is_ca, is_ca ? 1 : -1);
	gnutls_x509_crt_set_key_usage(crt, is_ca ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (!is_ca) {
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
		                                     GNUTLS_FSAN_SET);
		gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	}
	gnutls_x509_crt_sign2(crt, signer != NULL ? signer->crt : crt,
	                      signer != NULL ? signer->key : *ret_key, GNUTLS_DIG_SHA256, 0);
}

static inline void peer_ca_create(struct peer_ca *ca, time_us now)
{
	peer_make_crt(&ca->key, &ca->crt, "Test Authority", now - TIME_DAY * 365, now + TIME_DAY * 365,
	              true, NULL);
	gnutls_datum_t pem;
	gnutls_x509_crt_export2(ca->crt, GNUTLS_X509_FMT_PEM, &pem);
	snprintf(ca->file, sizeof ca->file, "/tmp/test_ca.XXXXXX");
	int fd = mkstemp(ca->file);
	assert(fd >= 0);
	ssize_t written = write(fd, pem.data, pem.size);
	assert(written == (ssize_t)pem.size);
	close(fd);
	gnutls_free(pem.data);
}

static inline void peer_ca_destroy(struct peer_ca *ca)
{
	unlink(ca->file);
	gnutls_x509_crt_deinit(ca->crt);
	gnutls_x509_privkey_deinit(ca->key);
}

/* Before peer_start: makes it a TLS peer with a certificate for that name. */
static inline void peer_certify(struct peer *peer, const struct peer_ca *ca, const char *name,
                                time_us from, time_us until)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	peer_make_crt(&key, &crt, name, from, until, false, ca);
	gnutls_certificate_allocate_credentials(&peer->credentials);
	int failed = gnutls_certificate_set_x509_key(peer->credentials, &crt, 1, key);
	assert(failed == 0);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}
