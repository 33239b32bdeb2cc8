/* test_wire_relay.c: what goes on to another server goes as it came, and once. */
#include "wire/test_http_client.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "sys/loop.h"
#include "wire/relay.h"
#include "wire/test_peer.h"

struct fixture {
	struct clock clock;
	struct random random;
	struct loop *loop;
	pthread_t thread;
	struct resolve *resolve;
	struct http_client *http;
	struct relay *relay;
	struct http_server *server;
	unsigned port;
	struct peer peer; /* the one that leads */
	char base[64];
	atomic_uint asked, lost_from; /* this request, and those behind it, are read and not answered; 0: none */
	char last[32 * 1024];
};

static struct http_route choose(void *context, struct str method, struct str path)
{
	(void)context, (void)method, (void)path;
	return (struct http_route){ HTTP_KIND_HANDLER, HTTP_QUEUE_READ, 1000, "row", NULL };
}

static void handle(void *context, struct http_exchange *exchange)
{
	struct fixture *fixture = context;
	relay_pass(fixture->relay, exchange, false, fixture->base, &(struct http_ask_field){ "Sealed", "yes" });
}

/* One request, with the body "{}" where there is one; false: the other side has closed. */
static bool read_request(struct fixture *fixture, gnutls_session_t tls, int fd)
{
	char text[sizeof fixture->last] = "";
	size_t used = 0;
	const char *end = NULL;
	while (end == NULL || (text[0] == 'P' && strcmp(end, "\r\n\r\n{}") != 0)) {
		ssize_t count = peer_recv(tls, fd, text + used, sizeof text - 1 - used);
		if (count <= 0)
			return false;
		used += (size_t)count;
		text[used] = '\0';
		end = strstr(text, "\r\n\r\n");
	}
	memcpy(fixture->last, text, used + 1); /* before it is answered, so the test may read it then */
	return true;
}

/* Keeps its connection. */
static void lead(struct peer *peer, gnutls_session_t tls, int fd)
{
	struct fixture *fixture = peer->context;
	while (read_request(fixture, tls, fd)) {
		unsigned number = atomic_fetch_add(&fixture->asked, 1) + 1;
		if (fixture->lost_from != 0 && number >= fixture->lost_from)
			return;
		peer_send(tls, fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nthere");
	}
}

static void *run(void *context)
{
	struct fixture *fixture = context;
	loop_run(fixture->loop);
	return NULL;
}

static void setup(struct fixture *fixture)
{
	struct http_client_options options = { .policy = egress_policy_checks() };
	struct http_server_config config;
	struct error err;
	clock_system(&fixture->clock);
	entropy_init(&fixture->random);
	fixture->peer.serve = lead;
	peer_start(&fixture->peer, NULL, fixture);
	snprintf(fixture->base, sizeof fixture->base, "http://127.0.0.1:%u", fixture->peer.port);
	fixture->loop = loop_create();
	CHECK_OK(resolve_create(fixture->loop, NULL, &fixture->resolve, &err));
	CHECK_OK(http_client_create(fixture->loop, &fixture->clock, fixture->resolve, &options, &fixture->http, &err));
	fixture->relay = relay_create(fixture->loop, fixture->http);
	CHECK(pthread_create(&fixture->thread, NULL, run, fixture) == 0);
	http_server_config_default(&config);
	config.listen = "127.0.0.1:0";
	config.route = choose;
	config.handle = handle;
	config.context = fixture;
	config.clock = &fixture->clock;
	config.random = &fixture->random;
	CHECK_OK(http_server_create(&config, &fixture->server, &err));
	fixture->port = http_server_port(fixture->server);
}

static void on_end(void *context)
{
	struct fixture *fixture = context;
	loop_stop(fixture->loop);
}

static void teardown(struct fixture *fixture)
{
	http_server_destroy(&fixture->server);
	CHECK(loop_post(fixture->loop, on_end, fixture) == OK);
	pthread_join(fixture->thread, NULL);
	relay_destroy(&fixture->relay);
	http_client_destroy(&fixture->http);
	resolve_destroy(&fixture->resolve);
	loop_destroy(&fixture->loop);
	peer_stop(&fixture->peer);
}

static struct client_reply reply;
static struct fixture fixture;

TEST(a_change_is_asked_for_once_even_if_a_connection_that_was_kept_dies)
{
	fixture = (struct fixture){ .lost_from = 2 };
	setup(&fixture);
	client_once(fixture.port, "POST", "/incidents", "", "{}", &reply);
	CHECK_INT(reply.status, 200);
	client_once(fixture.port, "POST", "/incidents", "", "{}", &reply);
	CHECK_INT(reply.status, 503);
	CHECK(memmem(reply.body.ptr, reply.body.len, "whether it was done is not known", 32) != NULL);
	teardown(&fixture);
	CHECK_INT(fixture.asked, 2);
}

TEST(a_target_goes_on_as_it_came_and_as_long_as_it_may_be)
{
	fixture = (struct fixture){ .lost_from = 0 };
	setup(&fixture);
	static const char *const begins[] = { "/a%c3%a9//b?", "/a?q=", "/x/y?from=/../z&to=./%2e" };
	char target[HTTP_TARGET_BYTES_MAX + 1], line[HTTP_TARGET_BYTES_MAX + 32];
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		for (unsigned longest = 0; longest < (i == 0 ? 1 : 2); longest++) {
			size_t length = strlen(begins[i]);
			memset(target, 'x', sizeof target);
			memcpy(target, begins[i], length);
			target[longest ? HTTP_TARGET_BYTES_MAX : length] = '\0';
			client_once(fixture.port, "GET", target, "", "", &reply);
			CHECK_INT(reply.status, 200);
			snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", target);
			CHECK(strncmp(fixture.last, line, strlen(line)) == 0);
		}
	}
	teardown(&fixture);
}

TEST(every_header_field_goes_on)
{
	fixture = (struct fixture){ .lost_from = 0 };
	setup(&fixture);
	cleanup_buf struct buf fields;
	char line[32];
	buf_init(&fields, 8192);
	/* Host and Content-Length are two more. */
	for (unsigned i = 0; i < HTTP_HEADERS_MAX - 2; i++)
		buf_printf(&fields, "X-Field-%u: %u\r\n", i, i);
	client_once(fixture.port, "POST", "/incidents", fields.bytes, "{}", &reply);
	CHECK_INT(reply.status, 200);
	for (unsigned i = 0; i < HTTP_HEADERS_MAX - 2; i++) {
		snprintf(line, sizeof line, "\r\nX-Field-%u: %u\r\n", i, i);
		CHECK(strstr(fixture.last, line) != NULL);
	}
	CHECK(strstr(fixture.last, "\r\nSealed: yes\r\n") != NULL);
	teardown(&fixture);
}

TESTS(RUN(a_change_is_asked_for_once_even_if_a_connection_that_was_kept_dies),
      RUN(a_target_goes_on_as_it_came_and_as_long_as_it_may_be), RUN(every_header_field_goes_on))
