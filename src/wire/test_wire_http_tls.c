/* test_wire_http_tls.c: HTTPS: versions, and certificates replaced while serving. */
#include "wire/test_http_client.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

struct fixture {
	struct clock clock;
	struct random random;
	struct http_server *server;
	char folder[64], cert[80], key[80];
};

static struct http_route choose(void *context, struct str method, struct str path)
{
	struct http_route route = { HTTP_KIND_HANDLER, HTTP_QUEUE_READ, 100000, NULL, NULL };
	if (str_is(path, "/events"))
		route.kind = HTTP_KIND_STREAM;
	return route;
}

static void handle(void *context, struct http_exchange *exchange)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct http_response response = { .status = 200, .content_type = "text/plain" };
	struct http_stream *stream;
	if (str_is(request->path, "/events") &&
	    http_exchange_stream(exchange, NULL, NULL, &stream, NULL) == OK) {
		http_stream_send(stream, STR("data: over tls\n\n"));
		http_stream_release(&stream);
		return;
	}
	char text[64];
	int length = snprintf(text, sizeof text, "tls=%d body=%zu", request->tls, request->body.len);
	response.body = mem_strdup(text);
	response.body_bytes = (size_t)length;
	http_exchange_answer(exchange, &response);
}

static void write_file(const char *path, const gnutls_datum_t *text)
{
	FILE *file = fopen(path, "w");
	CHECK(file != NULL);
	CHECK(fwrite(text->data, 1, text->size, file) == text->size);
	CHECK(fclose(file) == 0);
}

/* A self-signed certificate with this serial number. NULL path: do not write that one. */
static void make_pair(unsigned char serial, const char *cert_path, const char *key_path)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t cert;
	gnutls_datum_t text;
	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&cert);
	CHECK(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
	gnutls_x509_crt_set_version(cert, 3);
	gnutls_x509_crt_set_serial(cert, &serial, 1);
	gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, "localhost", 9);
	gnutls_x509_crt_set_activation_time(cert, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 3600);
	gnutls_x509_crt_set_key(cert, key);
	CHECK(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0) == 0);
	if (cert_path != NULL) {
		CHECK(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text) == 0);
		write_file(cert_path, &text);
		gnutls_free(text.data);
	}
	if (key_path != NULL) {
		CHECK(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text) == 0);
		write_file(key_path, &text);
		gnutls_free(text.data);
	}
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_privkey_deinit(key);
}

static enum err create(struct fixture *fixture, struct error *err)
{
	struct http_server_config config;
	clock_system(&fixture->clock);
	entropy_init(&fixture->random);
	http_server_config_default(&config);
	config.listen = "127.0.0.1:0";
	config.tls_cert = fixture->cert;
	config.tls_key = fixture->key;
	config.route = choose;
	config.handle = handle;
	config.clock = &fixture->clock;
	config.random = &fixture->random;
	config.tls_look_ms = 100;
	return http_server_create(&config, &fixture->server, err);
}

static void prepare(struct fixture *fixture)
{
	*fixture = (struct fixture){ .folder = "/tmp/test_wire_http_tls.XXXXXX" };
	CHECK(mkdtemp(fixture->folder) != NULL);
	snprintf(fixture->cert, sizeof fixture->cert, "%s/cert.pem", fixture->folder);
	snprintf(fixture->key, sizeof fixture->key, "%s/key.pem", fixture->folder);
	make_pair(1, fixture->cert, fixture->key);
}

static void start(struct fixture *fixture)
{
	struct error err;
	prepare(fixture);
	CHECK_OK(create(fixture, &err));
	CHECK(str_starts(str_of(http_server_url(fixture->server)), STR("https://127.0.0.1:")));
}

static void finish(struct fixture *fixture)
{
	http_server_destroy(&fixture->server);
	unlink(fixture->cert);
	unlink(fixture->key);
	rmdir(fixture->folder);
}

/* --- a TLS client ------------------------------------------------------------------------- */

struct tls_client {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	int handshake; /* 0: well */
};

static void tls_open(const struct fixture *fixture, const char *priorities,
		     struct tls_client *ret_client)
{
	struct tls_client client = { .fd = client_connect(http_server_port(fixture->server)) };
	gnutls_init(&client.session, GNUTLS_CLIENT);
	gnutls_certificate_allocate_credentials(&client.credentials);
	gnutls_credentials_set(client.session, GNUTLS_CRD_CERTIFICATE, client.credentials);
	CHECK(gnutls_priority_set_direct(client.session, priorities, NULL) == 0);
	gnutls_transport_set_int(client.session, client.fd);
	gnutls_handshake_set_timeout(client.session, CLIENT_WAIT_MS);
	do
		client.handshake = gnutls_handshake(client.session);
	while (client.handshake < 0 && !gnutls_error_is_fatal(client.handshake));
	*ret_client = client;
}

static void tls_close(struct tls_client *client)
{
	if (client->handshake == 0)
		gnutls_bye(client->session, GNUTLS_SHUT_WR);
	gnutls_deinit(client->session);
	gnutls_certificate_free_credentials(client->credentials);
	close(client->fd);
}

static bool tls_ask(struct tls_client *client, const char *text, const char *wanted)
{
	char all[4096] = "";
	size_t used = 0;
	CHECK(gnutls_record_send(client->session, text, strlen(text)) == (ssize_t)strlen(text));
	gnutls_record_set_timeout(client->session, CLIENT_WAIT_MS);
	while (strstr(all, wanted) == NULL && used < sizeof all - 1) {
		ssize_t got = gnutls_record_recv(client->session, all + used, sizeof all - 1 - used);
		if (got <= 0)
			return false;
		used += (size_t)got;
		all[used] = '\0';
	}
	return true;
}

static unsigned serial_of(const struct tls_client *client)
{
	unsigned count;
	unsigned char serial[32] = { 0 };
	size_t size = sizeof serial;
	gnutls_x509_crt_t cert;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
	CHECK(chain != NULL && count == 1);
	gnutls_x509_crt_init(&cert);
	CHECK(gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0);
	CHECK(gnutls_x509_crt_get_serial(cert, serial, &size) == 0);
	gnutls_x509_crt_deinit(cert);
	return serial[size - 1];
}

static unsigned serial_served(const struct fixture *fixture)
{
	struct tls_client client;
	tls_open(fixture, "NORMAL", &client);
	CHECK_INT(client.handshake, 0);
	unsigned serial = serial_of(&client);
	tls_close(&client);
	return serial;
}

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

TEST(tls_1_2_and_1_3_are_spoken_and_nothing_older)
{
	struct fixture fixture;
	struct tls_client client;
	start(&fixture);
	tls_open(&fixture, "NORMAL:-VERS-ALL:+VERS-TLS1.3", &client);
	CHECK_INT(client.handshake, 0);
	CHECK(tls_ask(&client, GET, "tls=1 body=0"));
	tls_close(&client);
	tls_open(&fixture, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &client);
	CHECK_INT(client.handshake, 0);
	CHECK(tls_ask(&client, GET, "tls=1 body=0"));
	CHECK(tls_ask(&client, GET, "tls=1 body=0"));
	tls_close(&client);
	tls_open(&fixture, "LEGACY:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", &client);
	CHECK(client.handshake != 0);
	tls_close(&client);
	finish(&fixture);
}

TEST(bodies_streams_and_refusals_go_over_tls_too)
{
	struct fixture fixture;
	struct tls_client client;
	static char text[60000];
	start(&fixture);
	int length = snprintf(text, sizeof text,
			      "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n%050000d", 1);
	tls_open(&fixture, "NORMAL", &client);
	for (int at = 0; at < length;) {
		ssize_t sent = gnutls_record_send(client.session, text + at, (size_t)(length - at));
		CHECK(sent > 0);
		at += (int)sent;
	}
	CHECK(tls_ask(&client, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n", "data: over tls\n\n"));
	tls_close(&client);
	tls_open(&fixture, "NORMAL", &client);
	CHECK(tls_ask(&client, "GET /x HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "HTTP/1.1 400 "));
	tls_close(&client);
	finish(&fixture);
}

TEST(a_new_certificate_serves_new_connections_and_old_ones_go_on)
{
	struct fixture fixture;
	struct tls_client old;
	struct error err;
	start(&fixture);
	tls_open(&fixture, "NORMAL", &old);
	CHECK_INT(serial_of(&old), 1);
	make_pair(2, fixture.cert, fixture.key);
	CHECK_OK(http_server_reload_tls(fixture.server, &err));
	CHECK_INT(serial_served(&fixture), 2);
	CHECK(tls_ask(&old, GET, "tls=1"));
	tls_close(&old);
	finish(&fixture);
}

TEST(changed_files_are_read_again_without_being_asked)
{
	struct fixture fixture;
	start(&fixture);
	CHECK_INT(serial_served(&fixture), 1);
	make_pair(3, fixture.cert, fixture.key);
	unsigned serial = 1;
	for (int i = 0; i < 100 && serial != 3; i++) {
		poll(NULL, 0, 30);
		serial = serial_served(&fixture);
	}
	CHECK_INT(serial, 3);
	finish(&fixture);
}

TEST(a_pair_that_does_not_fit_leaves_the_old_one_in_use)
{
	struct fixture fixture;
	struct error err;
	start(&fixture);
	make_pair(4, fixture.cert, NULL);
	CHECK_ERR(http_server_reload_tls(fixture.server, &err), ERR_INVALID);
	CHECK(strstr(err.text, "does not belong to the certificate") != NULL);
	CHECK_INT(serial_served(&fixture), 1);
	unlink(fixture.key);
	CHECK_ERR(http_server_reload_tls(fixture.server, &err), ERR_INVALID);
	CHECK(strstr(err.text, "could not read the key file") != NULL);
	CHECK_INT(serial_served(&fixture), 1);
	finish(&fixture);
}

TEST(a_server_does_not_start_without_a_certificate_it_can_use)
{
	struct fixture fixture;
	struct error err;
	prepare(&fixture);
	unlink(fixture.cert);
	CHECK_ERR(create(&fixture, &err), ERR_INVALID);
	CHECK(strstr(err.text, "could not read the certificate file") != NULL);
	CHECK(fixture.server == NULL);
	finish(&fixture);
}

TEST(plain_words_to_a_tls_port_are_not_served)
{
	struct fixture fixture;
	static struct client_reply reply;
	start(&fixture);
	client_once(http_server_port(fixture.server), "GET", "/x", "", "", &reply);
	CHECK_INT(reply.status, 0);
	CHECK_INT(serial_served(&fixture), 1);
	finish(&fixture);
}

TESTS(RUN(tls_1_2_and_1_3_are_spoken_and_nothing_older),
      RUN(bodies_streams_and_refusals_go_over_tls_too),
      RUN(a_new_certificate_serves_new_connections_and_old_ones_go_on),
      RUN(changed_files_are_read_again_without_being_asked),
      RUN(a_pair_that_does_not_fit_leaves_the_old_one_in_use),
      RUN(a_server_does_not_start_without_a_certificate_it_can_use),
      RUN(plain_words_to_a_tls_port_are_not_served))
