/* doctor_reach.c: can people reach it, and can it reach them? See doctor.c. */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "main/doctor_priv.h"
#include "notify/notify_settings.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "wire/smtp_client.h"

#define CONNECT_MS_MAX 3000
#define RELAY_WAIT_MAX (15 * TIME_SECOND)
#define PEM_BYTES_MAX (256u << 10)
#define CHAIN_MAX 16u
#define CERTIFICATE_SOON (14 * TIME_DAY)
#define HOST_BYTES 256

/* ---- the public URL ---- */

static bool split(const char *url, char ret_host[HOST_BYTES], char ret_port[8])
{
	const char *host = strstr(url, "://");
	if (host == NULL)
		return false;
	host += 3;
	bool v6 = host[0] == '[';
	size_t length = v6 ? strcspn(++host, "]") : strcspn(host, ":/");
	if (length == 0 || length >= HOST_BYTES)
		return false;
	memcpy(ret_host, host, length);
	ret_host[length] = '\0';
	const char *rest = host + length + (v6 && host[length] == ']');
	snprintf(ret_port, 8, "%.*s", rest[0] == ':' ? (int)strcspn(rest + 1, "/") : 0, rest + (rest[0] == ':'));
	if (ret_port[0] == '\0')
		snprintf(ret_port, 8, "%s", str_starts(str_of(url), STR("https:")) ? "443" : "80");
	return true;
}

static bool answers(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int failure = 0;
	socklen_t size = sizeof failure;
	if (fd < 0)
		return false;
	bool open = connect(fd, at->ai_addr, at->ai_addrlen) == 0;
	if (!open && errno == EINPROGRESS) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };
		open = poll(&wait, 1, CONNECT_MS_MAX) == 1 &&
		       getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
	}
	close(fd);
	return open;
}

static void look_at_address(struct doctor *d, const struct addrinfo *at)
{
	struct address address;
	char text[ADDRESS_TEXT_BYTES];
	if (!address_of_sockaddr(at->ai_addr, &address))
		return;
	enum address_class kind = address_classify(&address);
	address_format(&address, text);
	if (kind == ADDRESS_LOOPBACK)
		doctor_say(d, DOCTOR_WRONG, "public URL", "give --public-url a name that a phone can reach",
			   "\"%s\" is %s, this machine itself: no phone gets there", d->settings->public_url, text);
	else if (kind == ADDRESS_PRIVATE || kind == ADDRESS_LINK_LOCAL)
		doctor_say(d, DOCTOR_DOUBT, "public URL",
			   "fine if every phone on call is in that network or has a VPN to it; else publish it by a proxy with TLS",
			   "\"%s\" is %s, a %s address: a phone outside that network does not get there", d->settings->public_url,
			   text, address_class_name(kind));
	else if (kind != ADDRESS_PUBLIC)
		doctor_say(d, DOCTOR_WRONG, "public URL", "give --public-url a name that a phone can reach",
			   "\"%s\" is %s, a %s address", d->settings->public_url, text, address_class_name(kind));
	else
		doctor_good(d, "public URL", "%s is %s", d->settings->public_url, text);
}

static void look_for(struct doctor *d, const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed != 0) {
		doctor_say(d, DOCTOR_WRONG, "public URL", "see the name, and who answers for its zone",
			   "\"%s\" leads nowhere from here: %s", host, gai_strerror(failed));
		return;
	}
	look_at_address(d, found);
	if (d->serving && !answers(found))
		doctor_say(d, DOCTOR_DOUBT, "public URL", "see the proxy and the firewall; some networks do not let a machine reach itself",
			   "nothing answers at %s port %s from here", host, port);
	freeaddrinfo(found);
}

void doctor_public_url(struct doctor *d)
{
	char host[HOST_BYTES], port[8];
	const char *url = d->settings->public_url;
	if (url == NULL) {
		doctor_say(d, DOCTOR_DOUBT, "public URL", "give --public-url the address that a phone can reach",
			   "none is set: links in pages point to %s", d->settings->listen);
		return;
	}
	if (!split(url, host, port)) {
		doctor_say(d, DOCTOR_WRONG, "public URL", "it looks like https://mainstay.example.org", "\"%s\" names no host", url);
		return;
	}
	if (!str_starts(str_of(url), STR("https:")))
		doctor_say(d, DOCTOR_DOUBT, "public URL", "put TLS in front, or give --tls-cert and --tls-key",
			   "\"%s\" is plain HTTP: whoever is on the way reads passwords and links", url);
	look_for(d, host, port);
}

/* ---- the certificate ---- */

static void look_at_dates(struct doctor *d, gnutls_x509_crt_t certificate)
{
	char host[HOST_BYTES], port[8], ends[TIME_TEXT_BYTES], words[DURATION_TEXT_BYTES];
	time_us until = (time_us)gnutls_x509_crt_get_expiration_time(certificate) * TIME_SECOND;
	time_format(until, ends);
	if (until <= d->now) {
		doctor_say(d, DOCTOR_WRONG, "certificate", "renew it: browsers and phones refuse it", "it ended at %s", ends);
		return;
	}
	duration_words(until - d->now, words);
	if (until - d->now < CERTIFICATE_SOON)
		doctor_say(d, DOCTOR_DOUBT, "certificate", "renew it; a new file is read by itself", "it ends in %s, at %s", words,
			   ends);
	else
		doctor_good(d, "certificate", "it ends in %s, at %s", words, ends);
	if (d->settings->public_url != NULL && split(d->settings->public_url, host, port) &&
	    gnutls_x509_crt_check_hostname(certificate, host) == 0)
		doctor_say(d, DOCTOR_WRONG, "certificate", "get one for the name in --public-url", "it is not for \"%s\"", host);
}

static void look_at_chain(struct doctor *d, const gnutls_datum_t *pem)
{
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned count = CHAIN_MAX;
	if (gnutls_x509_crt_list_import(chain, &count, pem, GNUTLS_X509_FMT_PEM, 0) < 0 || count == 0) {
		doctor_say(d, DOCTOR_WRONG, "certificate", "--tls-cert is the chain in PEM, the server's own first",
			   "\"%s\" holds no certificate", d->settings->tls_cert);
		return;
	}
	look_at_dates(d, chain[0]);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
}

static void look_at_pair(struct doctor *d)
{
	gnutls_certificate_credentials_t pair;
	gnutls_certificate_allocate_credentials(&pair);
	int failed = gnutls_certificate_set_x509_key_file(pair, d->settings->tls_cert, d->settings->tls_key,
							  GNUTLS_X509_FMT_PEM);
	if (failed < 0)
		doctor_say(d, DOCTOR_WRONG, "certificate", "see that --tls-key can be read and belongs to --tls-cert",
			   "certificate and key cannot be used together: %s", gnutls_strerror(failed));
	gnutls_certificate_free_credentials(pair);
}

void doctor_certificate(struct doctor *d)
{
	char *bytes;
	size_t size;
	struct error err;
	if (d->settings->tls_cert == NULL)
		return;
	if (file_read(d->settings->tls_cert, PEM_BYTES_MAX, &bytes, &size, &err) != OK) {
		doctor_say(d, DOCTOR_WRONG, "certificate", "see that --tls-cert names a file that can be read", "%s", err.text);
		return;
	}
	gnutls_datum_t pem = { (unsigned char *)bytes, (unsigned)size };
	look_at_chain(d, &pem);
	mem_free(bytes);
	look_at_pair(d);
}

/* ---- the mail relay: as far as signing in, and not a word further ---- */

struct relay_try {
	struct loop *loop;
	bool over, accepted;
	struct error err;
};

static void relay_answered(void *context, const struct smtp_result *result, const struct error *err)
{
	struct relay_try *try = context;
	try->over = true;
	try->accepted = result->accepted;
	if (err != NULL)
		try->err = *err;
	loop_stop(try->loop);
}

static enum smtp_security security_of(struct str word)
{
	return str_is(word, "tls") ? SMTP_TLS : str_is(word, "starttls") ? SMTP_STARTTLS : SMTP_PLAIN;
}

static enum err relay_ask(struct relay_try *try, const struct smtp_request *request, const char *ca_file,
			  struct error *err)
{
	struct clock clock;
	struct resolve *resolve;
	struct smtp_send *send;
	struct egress_policy policy = egress_policy_checks(); /* an admin set it: it may be private */
	clock_system(&clock);
	try->loop = loop_create();
	enum err r = resolve_create(try->loop, NULL, &resolve, err);
	if (r == OK) {
		struct smtp_client *client = smtp_client_create(try->loop, &clock, resolve, &policy, ca_file);
		r = smtp_client_start(client, request, relay_answered, try, &send, err);
		if (r == OK)
			loop_run_for(try->loop, RELAY_WAIT_MAX);
		smtp_client_destroy(&client);
		resolve_destroy(&resolve);
	}
	loop_destroy(&try->loop);
	return r;
}

void doctor_relay(struct doctor *d)
{
	struct notify_settings found;
	struct error err;
	if (notify_settings_get(d->conn, d->arena, &found, &err) != OK) {
		doctor_say(d, DOCTOR_WRONG, "mail relay", "run mainstay journal rebuild", "%s", err.text);
		return;
	}
	if (found.smtp.host.len == 0) {
		doctor_say(d, DOCTOR_DOUBT, "mail relay", "set one in Settings, Notification channels",
			   "none is set up: no page goes out by e-mail");
		return;
	}
	bool signs_in = found.smtp.user.len > 0;
	struct smtp_request request = {
		.host = arena_cstr(d->arena, found.smtp.host),
		.port = found.smtp.port,
		.security = security_of(found.smtp.security),
		.user = signs_in ? arena_cstr(d->arena, found.smtp.user) : NULL,
		.password = signs_in ? arena_cstr(d->arena, found.smtp.password) : NULL,
		.only_sign_in = true,
		.timeout = RELAY_WAIT_MAX - TIME_SECOND,
	};
	struct relay_try try = { .over = false };
	if (relay_ask(&try, &request, d->settings->ca_file, &err) != OK)
		try.err = err;
	if (try.accepted)
		doctor_good(d, "mail relay", "%s port %u answers%s%s", request.host, request.port,
			    request.security == SMTP_PLAIN ? "" : ", by TLS", signs_in ? ", and lets us in" : "");
	else
		doctor_say(d, DOCTOR_WRONG, "mail relay", "see Settings, Notification channels: host, port, TLS, user, password",
			   "%s", try.err.text[0] != '\0' ? try.err.text : "the relay does not answer in time");
	if (request.security == SMTP_PLAIN && signs_in)
		doctor_say(d, DOCTOR_DOUBT, "mail relay", "use starttls or tls", "the password goes to %s unencrypted", request.host);
}
