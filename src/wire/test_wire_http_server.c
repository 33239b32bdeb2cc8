/* test_wire_http_server.c: requests, answers, queues, deadlines, static files, stopping. */
#include "wire/test_http_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <zlib.h>

#define SLOW_MS 200
#define DEADLINE_MS 300

struct fixture {
	struct clock clock;
	struct random random;
	struct http_server *server;
	unsigned port;
	int fd; /* a connection kept open */
	pthread_mutex_t mutex;
	struct http_exchange *held[8]; /* exchanges whose answer comes later */
	unsigned held_count;
	atomic_uint handled;
};

static const struct http_asset assets[] = {
	{ "/app.js", "alert('plain')", 14, "\x1f\x8bpacked", 8, "text/javascript", "v1", NULL },
	{ "/logo.svg", "<svg/>", 6, NULL, 0, "image/svg+xml", "v2",
	  "public, max-age=31536000, immutable" },
};

static struct http_route choose(void *context, struct str method, struct str path)
{
	struct http_route route = { HTTP_KIND_HANDLER, HTTP_QUEUE_READ, 1000, "row", NULL };
	if (str_starts(path, STR("/act")) || str_is(path, "/twice"))
		route.queue = HTTP_QUEUE_ACT;
	if (str_starts(path, STR("/heavy")))
		route.queue = HTTP_QUEUE_HEAVY;
	if (str_starts(path, STR("/app")) || str_starts(path, STR("/logo")))
		route = (struct http_route){ HTTP_KIND_STATIC, 0, 0, NULL, NULL };
	return route;
}

static void wait_ms(int ms)
{
	poll(NULL, 0, ms);
}

static void answer_text(struct http_exchange *exchange, int status, struct str text)
{
	struct http_response response = { .status = status, .content_type = "text/plain",
					  .body_bytes = text.len, .compress = true };
	response.body = mem_alloc(text.len + 1);
	if (text.len > 0)
		memcpy(response.body, text.ptr, text.len);
	http_response_header(&response, "X-Own", "yes");
	http_exchange_answer(exchange, &response);
}

static void echo(struct http_exchange *exchange)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct str q = STR("-"), agent = STR("-"), cookie = STR("-");
	http_request_param(request, "q", &q);
	http_request_header(request, "User-Agent", &agent);
	http_request_cookie(request, "session", &cookie);
	char text[4000];
	int length = snprintf(text, sizeof text,
			      "method=" STR_FMT " head=%d path=" STR_FMT " q=" STR_FMT
			      " agent=" STR_FMT " cookie=" STR_FMT " host=" STR_FMT
			      " peer=%s loopback=%d tls=%d row=%s body=" STR_FMT,
			      STR_ARG(request->method), request->head, STR_ARG(request->path),
			      STR_ARG(q), STR_ARG(agent), STR_ARG(cookie), STR_ARG(request->host),
			      request->peer, request->peer_is_loopback, request->tls,
			      (const char *)request->endpoint, STR_ARG(request->body));
	answer_text(exchange, 200, (struct str){ text, (size_t)length });
}

static void hold(struct fixture *fixture, struct http_exchange *exchange)
{
	pthread_mutex_lock(&fixture->mutex);
	fixture->held[fixture->held_count++] = exchange;
	pthread_mutex_unlock(&fixture->mutex);
}

static struct http_exchange *take_held(struct fixture *fixture)
{
	struct http_exchange *exchange = NULL;
	for (int i = 0; i < 500 && exchange == NULL; i++) {
		pthread_mutex_lock(&fixture->mutex);
		if (fixture->held_count > 0)
			exchange = fixture->held[--fixture->held_count];
		pthread_mutex_unlock(&fixture->mutex);
		if (exchange == NULL)
			wait_ms(10);
	}
	CHECK(exchange != NULL);
	return exchange;
}

static void handle(void *context, struct http_exchange *exchange)
{
	struct fixture *fixture = context;
	struct str path = http_exchange_request(exchange)->path;
	atomic_fetch_add(&fixture->handled, 1);
	if (str_ends(path, STR("/slow")))
		wait_ms(SLOW_MS);
	if (str_ends(path, STR("/held"))) {
		hold(fixture, exchange);
	} else if (str_is(path, "/missing")) {
		http_exchange_refuse(exchange, 404, "there is no \"x\" here\n", "look elsewhere");
	} else if (str_is(path, "/long")) {
		char text[5000];
		memset(text, 'a', sizeof text);
		answer_text(exchange, 200, (struct str){ text, sizeof text });
	} else if (str_is(path, "/asset")) {
		struct http_response response = { .asset = &assets[0] };
		http_exchange_answer(exchange, &response);
	} else if (str_is(path, "/twice")) {
		answer_text(exchange, 200, STR("one"));
		answer_text(exchange, 200, STR("two"));
	} else {
		echo(exchange);
	}
}

static void start_with(struct fixture *fixture, struct http_server_config *config)
{
	struct error err;
	clock_system(&fixture->clock);
	entropy_init(&fixture->random);
	pthread_mutex_init(&fixture->mutex, NULL);
	config->listen = "127.0.0.1:0";
	config->route = choose;
	config->handle = handle;
	config->context = fixture;
	config->assets = assets;
	config->asset_count = sizeof assets / sizeof assets[0];
	config->clock = &fixture->clock;
	config->random = &fixture->random;
	CHECK_OK(http_server_create(config, &fixture->server, &err));
	fixture->port = http_server_port(fixture->server);
	CHECK(fixture->port > 0);
	fixture->fd = client_connect(fixture->port);
}

static void start(struct fixture *fixture)
{
	struct http_server_config config;
	*fixture = (struct fixture){ 0 };
	http_server_config_default(&config);
	start_with(fixture, &config);
}

static void finish(struct fixture *fixture)
{
	close(fixture->fd);
	http_server_destroy(&fixture->server);
	pthread_mutex_destroy(&fixture->mutex);
}

#define CHECK_HEADER(reply, name, wanted)                           \
	do {                                                        \
		struct str header_value_;                           \
		CHECK(client_header((reply), (name), &header_value_)); \
		CHECK_STR(header_value_, (wanted));                 \
	} while (0)

TEST(a_handler_sees_what_was_sent_decoded_and_copied)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	client_ask(fixture.fd, "POST", "/a%20b?x=1&q=c+d%26&q=2",
		   "USER-agent:  curl \r\nCookie: a=b; session=s3=\r\n", "hello", &reply);
	CHECK_INT(reply.status, 200);
	CHECK_STR(reply.body, "method=POST head=0 path=/a b q=c d& agent=curl cookie=s3= "
			      "host=localhost peer=127.0.0.1 loopback=1 tls=0 row=row body=hello");
	client_ask(fixture.fd, "HEAD", "/x", "", "", &reply);
	CHECK_INT(reply.status, 200);
	CHECK_INT(reply.body.len, 0);
	client_ask(fixture.fd, "GET", "/x", "", "", &reply);
	CHECK(str_starts(reply.body, STR("method=GET head=0 path=/x ")));
	finish(&fixture);
}

TEST(every_answer_carries_the_security_headers)
{
	static const char *const paths[] = { "/x", "/missing", "/app.js", "/logo.svg", "/appnothing",
					     "/../x" };
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct str csp;
		client_once(fixture.port, "GET", paths[i], "", "", &reply);
		CHECK(reply.status != 0);
		CHECK(client_header(&reply, "content-security-policy", &csp));
		CHECK(str_starts(csp, STR("default-src 'self'; ")));
		CHECK_HEADER(&reply, "x-content-type-options", "nosniff");
		CHECK_HEADER(&reply, "referrer-policy", "no-referrer");
		CHECK_HEADER(&reply, "x-frame-options", "DENY");
	}
	finish(&fixture);
}

TEST(a_refusal_is_a_problem_document_with_the_request_id)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	client_ask(fixture.fd, "GET", "/missing", "", "", &reply);
	CHECK_INT(reply.status, 404);
	CHECK_HEADER(&reply, "content-type", "application/problem+json");
	CHECK(str_starts(reply.body,
			 STR("{\"type\":\"about:blank\",\"status\":404,\"title\":\"Not found\","
			     "\"detail\":\"there is no \\\"x\\\" here?\","
			     "\"hint\":\"look elsewhere\",\"request_id\":\"")));
	finish(&fixture);
}

TEST(an_asset_comes_packed_when_taken_and_not_at_all_when_unchanged)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	client_ask(fixture.fd, "GET", "/app.js", "", "", &reply);
	CHECK_INT(reply.status, 200);
	CHECK_STR(reply.body, "alert('plain')");
	CHECK_HEADER(&reply, "etag", "\"v1\"");
	CHECK_HEADER(&reply, "cache-control", "no-cache");
	CHECK_HEADER(&reply, "vary", "Accept-Encoding");
	client_ask(fixture.fd, "GET", "/app.js?v=1", "Accept-Encoding: br, gzip;q=0.5\r\n", "", &reply);
	CHECK_HEADER(&reply, "content-encoding", "gzip");
	CHECK_HEADER(&reply, "etag", "\"v1-gz\"");
	CHECK_INT(reply.body.len, 8);
	client_ask(fixture.fd, "GET", "/app.js", "Accept-Encoding: gzip; q=0.0\r\n", "", &reply);
	CHECK_INT(reply.body.len, 14);
	client_ask(fixture.fd, "GET", "/app.js", "If-None-Match: \"x\", W/\"v1\"\r\n", "", &reply);
	CHECK_INT(reply.status, 304);
	client_ask(fixture.fd, "GET", "/logo.svg", "If-None-Match: \"v1\"\r\n", "", &reply);
	CHECK_INT(reply.status, 200);
	CHECK_HEADER(&reply, "cache-control", "public, max-age=31536000, immutable");
	client_ask(fixture.fd, "GET", "/asset", "If-None-Match: *\r\n", "", &reply);
	CHECK_INT(reply.status, 304);
	client_ask(fixture.fd, "HEAD", "/app.js", "", "", &reply);
	CHECK_INT(reply.status, 200);
	client_ask(fixture.fd, "GET", "/app.css", "", "", &reply);
	CHECK_INT(reply.status, 404);
	client_ask(fixture.fd, "DELETE", "/app.js", "", "", &reply);
	CHECK_INT(reply.status, 405);
	CHECK_HEADER(&reply, "allow", "GET, HEAD");
	CHECK_INT(atomic_load(&fixture.handled), 1);
	finish(&fixture);
}

TEST(a_long_answer_is_packed_for_those_who_take_it)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	client_ask(fixture.fd, "GET", "/long", "", "", &reply);
	CHECK_INT(reply.body.len, 5000);
	client_ask(fixture.fd, "GET", "/long", "Accept-Encoding: gzip\r\n", "", &reply);
	CHECK_HEADER(&reply, "content-encoding", "gzip");
	CHECK_HEADER(&reply, "x-own", "yes");
	CHECK(reply.body.len < 200);
	unsigned char plain[6000];
	z_stream stream = { .next_in = (Bytef *)reply.body.ptr, .avail_in = (uInt)reply.body.len,
			    .next_out = plain, .avail_out = sizeof plain };
	CHECK(inflateInit2(&stream, 31) == Z_OK);
	CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
	CHECK_INT(stream.total_out, 5000);
	inflateEnd(&stream);
	finish(&fixture);
}

TEST(a_body_over_the_limit_of_its_route_is_refused)
{
	struct fixture fixture;
	struct client_reply reply;
	char body[1101];
	memset(body, 'b', sizeof body - 1);
	body[1100] = '\0';
	start(&fixture);
	client_once(fixture.port, "POST", "/x", "", body, &reply);
	CHECK_INT(reply.status, 413);
	body[1000] = '\0';
	client_once(fixture.port, "POST", "/x", "", body, &reply);
	CHECK_INT(reply.status, 200);
	CHECK(str_ends(reply.body, STR("bbbb")));
	client_once(fixture.port, "POST", "/app.js", "", "x", &reply);
	CHECK_INT(reply.status, 413);
	finish(&fixture);
}

TEST(a_chunked_body_arrives_whole_or_is_refused_past_its_limit)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	client_says(fixture.fd, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
				"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n");
	client_reply(fixture.fd, false, false, &reply);
	CHECK_INT(reply.status, 200);
	CHECK(str_ends(reply.body, STR("body=hello world")));
	client_says(fixture.fd, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	char chunk[200];
	int length = snprintf(chunk, sizeof chunk, "64\r\n%0100d\r\n", 7);
	for (int i = 0; i < 20; i++)
		CHECK(client_send(fixture.fd, chunk, (size_t)length));
	client_says(fixture.fd, "0\r\n\r\n");
	client_reply(fixture.fd, false, true, &reply);
	CHECK_INT(reply.status, 413);
	CHECK(reply.closed);
	finish(&fixture);
}

TEST(who_sends_far_more_than_allowed_is_hung_up_on)
{
	struct fixture fixture;
	start(&fixture);
	client_says(fixture.fd, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	char chunk[4200];
	int length = snprintf(chunk, sizeof chunk, "1000\r\n%04096d\r\n", 7);
	bool open = true;
	for (int i = 0; i < 4096 && open; i++)
		open = client_send(fixture.fd, chunk, (size_t)length);
	CHECK(!open);
	finish(&fixture);
}

TEST(bodies_together_are_bounded)
{
	struct fixture fixture = { 0 };
	struct http_server_config config;
	struct client_reply reply;
	http_server_config_default(&config);
	config.bodies_bytes_max = 6000;
	start_with(&fixture, &config);
	int other = client_connect(fixture.port);
	client_says(other, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\nhalf");
	wait_ms(100);
	client_once(fixture.port, "POST", "/x", "", "body", &reply);
	CHECK_INT(reply.status, 503);
	close(other);
	for (int i = 0; i < 100 && reply.status != 200; i++) {
		wait_ms(10);
		client_once(fixture.port, "POST", "/x", "", "body", &reply);
	}
	CHECK_INT(reply.status, 200);
	finish(&fixture);
}

TEST(an_answer_may_come_later_from_another_thread)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	for (int i = 0; i < 3; i++) {
		client_says(fixture.fd, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
		answer_text(take_held(&fixture), 202, STR("later"));
		client_reply(fixture.fd, false, false, &reply);
		CHECK_INT(reply.status, 202);
		CHECK_STR(reply.body, "later");
	}
	finish(&fixture);
}

static void short_deadlines(struct http_server_config *config)
{
	http_server_config_default(config);
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++)
		config->queues[i].deadline_ms = DEADLINE_MS;
}

TEST(after_the_deadline_the_client_has_503_and_the_answer_is_dropped)
{
	struct fixture fixture = { 0 };
	struct http_server_config config;
	struct client_reply reply;
	short_deadlines(&config);
	start_with(&fixture, &config);
	int64_t from = client_now_ms();
	client_says(fixture.fd, "POST /act/held HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
	client_reply(fixture.fd, false, false, &reply);
	CHECK_INT(reply.status, 503);
	CHECK_HEADER(&reply, "retry-after", "1");
	CHECK(client_now_ms() - from >= DEADLINE_MS);
	struct http_exchange *late = take_held(&fixture);
	CHECK_STR(http_exchange_request(late)->body, "abc");
	answer_text(late, 200, STR("too late"));
	client_ask(fixture.fd, "GET", "/x", "", "", &reply);
	CHECK_INT(reply.status, 200);
	struct http_server_figures figures;
	http_server_figures(fixture.server, &figures);
	CHECK_INT(figures.expired, 1);
	CHECK_INT(figures.late_answers, 1);
	finish(&fixture);
}

TEST(a_client_may_leave_while_its_answer_is_awaited)
{
	struct fixture fixture = { 0 };
	struct http_server_config config;
	struct client_reply reply;
	short_deadlines(&config);
	start_with(&fixture, &config);
	int answered = client_connect(fixture.port), expired = client_connect(fixture.port);
	client_says(answered, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
	struct http_exchange *first = take_held(&fixture);
	client_says(expired, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
	struct http_exchange *second = take_held(&fixture);
	client_says(expired, "GET /x HTTP/1.1\r\n"); /* more of the same client */
	wait_ms(20);
	CHECK(!http_exchange_is_gone(first));
	CHECK(!http_exchange_is_gone(second));
	close(answered);
	close(expired);
	for (unsigned i = 0; i < 100 && !http_exchange_is_gone(first); i++)
		wait_ms(1);
	CHECK(http_exchange_is_gone(first));
	answer_text(first, 200, STR("to nobody"));
	wait_ms(2 * DEADLINE_MS);
	CHECK(http_exchange_is_gone(second)); /* it was told that it took too long */
	answer_text(second, 200, STR("late, to nobody"));
	client_ask(fixture.fd, "GET", "/x", "", "", &reply);
	CHECK_INT(reply.status, 200);
	struct http_server_figures figures;
	http_server_figures(fixture.server, &figures);
	CHECK_INT(figures.connections, 1);
	finish(&fixture);
}

TEST(an_answer_may_come_after_the_server_is_gone)
{
	struct fixture fixture;
	struct client_reply reply;
	start(&fixture);
	client_says(fixture.fd, "POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n!");
	struct http_exchange *held = take_held(&fixture);
	http_server_stop(fixture.server, 50);
	client_reply(fixture.fd, false, true, &reply);
	CHECK_INT(reply.status, 503);
	CHECK(reply.closed);
	finish(&fixture);
	CHECK_STR(http_exchange_request(held)->body, "!");
	answer_text(held, 200, STR("nobody is there"));
}

TEST(an_answer_given_twice_stops_the_process)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct fixture fixture;
		struct client_reply reply;
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		start(&fixture);
		client_ask(fixture.fd, "GET", "/twice", "", "", &reply);
		wait_ms(1000);
		_exit(0);
	}
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGABRT);
}

TEST(a_full_queue_answers_503_and_leaves_the_others_alone)
{
	enum { HEAVY = 8 };
	struct fixture fixture = { 0 };
	struct http_server_config config;
	struct client_reply reply;
	int fds[HEAVY], full = 0;
	http_server_config_default(&config);
	config.queues[HTTP_QUEUE_HEAVY].workers = 1;
	config.queues[HTTP_QUEUE_HEAVY].waiting_max = 2;
	start_with(&fixture, &config);
	for (int i = 0; i < HEAVY; i++) {
		fds[i] = client_connect(fixture.port);
		client_says(fds[i], "GET /heavy/slow HTTP/1.1\r\nHost: h\r\n\r\n");
		wait_ms(5);
	}
	client_ask(fixture.fd, "POST", "/act", "", "{}", &reply);
	CHECK_INT(reply.status, 200);
	for (int i = 0; i < HEAVY; i++) {
		client_reply(fds[i], false, false, &reply);
		CHECK(reply.status == 200 || reply.status == 503);
		if (reply.status == 503)
			CHECK_HEADER(&reply, "retry-after", "1");
		full += reply.status == 503;
		close(fds[i]);
	}
	CHECK_INT(full, HEAVY - 3);
	struct http_server_figures figures;
	http_server_figures(fixture.server, &figures);
	CHECK_INT(figures.refused_full[HTTP_QUEUE_HEAVY], full);
	CHECK_INT(figures.refused_full[HTTP_QUEUE_ACT], 0);
	finish(&fixture);
}

static int compare_ms(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

TEST(fifty_slow_requests_do_not_delay_what_acts)
{
	enum { SLOW = 50, POSTS = 200 };
	struct fixture fixture;
	struct client_reply reply;
	int slow[SLOW];
	double took[POSTS];
	start(&fixture);
	for (int i = 0; i < SLOW; i++) {
		slow[i] = client_connect(fixture.port);
		client_says(slow[i], i % 2 == 0 ? "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
						: "GET /heavy/slow HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	wait_ms(50);
	for (int i = 0; i < POSTS; i++) {
		time_us from = clock_since_boot(&fixture.clock);
		client_ask(fixture.fd, "POST", "/act", "", "{\"a\":1}", &reply);
		took[i] = (double)(clock_since_boot(&fixture.clock) - from) / TIME_MS;
		CHECK_INT(reply.status, 200);
		if (i == POSTS / 10) { /* the slow ones really run: every worker of theirs is busy */
			struct http_server_figures figures;
			http_server_figures(fixture.server, &figures);
			CHECK_INT(figures.running[HTTP_QUEUE_READ], 4);
			CHECK_INT(figures.running[HTTP_QUEUE_HEAVY], 2);
		}
		if (i % 20 == 0)
			wait_ms(20);
	}
	qsort(took, POSTS, sizeof took[0], compare_ms);
	printf("[  FIGURE  ] POST while %d slow requests run: p50 %.2f ms, p99 %.2f ms\n", SLOW,
	       took[POSTS / 2], took[POSTS * 99 / 100]);
	CHECK(took[POSTS * 99 / 100] < 100);
	for (int i = 0; i < SLOW; i++) {
		client_reply(slow[i], false, false, &reply);
		CHECK_INT(reply.status, 200);
		close(slow[i]);
	}
	finish(&fixture);
}

/* Connects until it reads that the server stops, and only then gives the answer that the stop waits for. */
static void *come_late(void *context)
{
	struct fixture *fixture = context;
	struct http_exchange *held = take_held(fixture);
	struct client_reply reply = { .status = 200 };
	while (reply.status == 200) {
		int fd = client_connect(fixture->port);
		client_says(fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
		client_reply(fd, false, true, &reply);
		close(fd);
	}
	answer_text(held, 200, STR("later"));
	return (void *)(intptr_t)reply.status;
}

static bool is_refused(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused = connect(fd, (const struct sockaddr *)&at, sizeof at) != 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

TEST(a_stop_lets_running_requests_finish_and_tells_who_comes_late)
{
	struct fixture fixture;
	struct client_reply reply;
	pthread_t late;
	void *status;
	start(&fixture);
	client_says(fixture.fd, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
	CHECK_INT(pthread_create(&late, NULL, come_late, &fixture), 0);
	for (int i = 0; i < 500 && atomic_load(&fixture.handled) == 0; i++)
		wait_ms(10);
	http_server_stop(fixture.server, 20000);
	client_reply(fixture.fd, false, true, &reply);
	CHECK_INT(reply.status, 200);
	CHECK_INT(pthread_join(late, &status), 0);
	CHECK_INT((intptr_t)status, 503);
	CHECK(is_refused(fixture.port));
	finish(&fixture);
}

TEST(a_request_that_never_ends_is_cut_off)
{
	struct fixture fixture = { 0 };
	struct http_server_config config;
	char byte;
	http_server_config_default(&config);
	config.intake_ms = 400;
	start_with(&fixture, &config);
	client_says(fixture.fd, "GET /x HTTP/1.1\r\nHost: h\r\nX: ");
	ssize_t got = -1;
	for (int i = 0; i < 200 && got != 0; i++) {
		client_says(fixture.fd, "y");
		got = client_read(fixture.fd, &byte, 1, 50);
	}
	CHECK_INT(got, 0); /* long before idle_ms, which each byte puts off */
	finish(&fixture);
}

TEST(requests_may_follow_one_another_without_waiting)
{
	struct fixture fixture;
	start(&fixture);
	client_says(fixture.fd, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\n"
				"Content-Length: 2\r\n\r\nhiGET /app.js HTTP/1.1\r\nHost: h\r\n\r\n");
	char all[8192] = "";
	size_t used = 0;
	while (strstr(all, "alert('plain')") == NULL) {
		ssize_t got = client_read(fixture.fd, all + used, sizeof all - 1 - used, 3000);
		CHECK(got > 0);
		used += (size_t)got;
		all[used] = '\0';
	}
	const char *a = strstr(all, "path=/a "), *b = strstr(all, "path=/b ");
	CHECK(a != NULL && b != NULL && a < b);
	CHECK(strstr(b, "body=hi") != NULL);
	finish(&fixture);
}

TEST(an_address_that_cannot_be_listened_on_is_told_with_a_hint)
{
	struct fixture fixture;
	start(&fixture);
	struct http_server_config config;
	struct http_server *second = NULL;
	struct error err;
	char taken[64];
	http_server_config_default(&config);
	config.route = choose;
	config.handle = handle;
	config.clock = &fixture.clock;
	config.random = &fixture.random;
	snprintf(taken, sizeof taken, "127.0.0.1:%u", fixture.port);
	config.listen = taken;
	CHECK_ERR(http_server_create(&config, &second, &err), ERR_UNAVAILABLE);
	CHECK(strstr(err.hint, "--listen") != NULL);
	config.listen = "nowhere";
	CHECK_ERR(http_server_create(&config, &second, &err), ERR_INVALID);
	config.listen = "127.0.0.1:99999";
	CHECK_ERR(http_server_create(&config, &second, &err), ERR_INVALID);
	CHECK(second == NULL);
	finish(&fixture);
}

TESTS(RUN(an_answer_given_twice_stops_the_process),
      RUN(a_handler_sees_what_was_sent_decoded_and_copied),
      RUN(every_answer_carries_the_security_headers),
      RUN(a_refusal_is_a_problem_document_with_the_request_id),
      RUN(an_asset_comes_packed_when_taken_and_not_at_all_when_unchanged),
      RUN(a_long_answer_is_packed_for_those_who_take_it),
      RUN(a_body_over_the_limit_of_its_route_is_refused),
      RUN(a_chunked_body_arrives_whole_or_is_refused_past_its_limit),
      RUN(who_sends_far_more_than_allowed_is_hung_up_on), RUN(bodies_together_are_bounded),
      RUN(an_answer_may_come_later_from_another_thread),
      RUN(after_the_deadline_the_client_has_503_and_the_answer_is_dropped),
      RUN(a_client_may_leave_while_its_answer_is_awaited),
      RUN(an_answer_may_come_after_the_server_is_gone),
      RUN(a_full_queue_answers_503_and_leaves_the_others_alone),
      RUN(fifty_slow_requests_do_not_delay_what_acts), RUN(a_stop_lets_running_requests_finish_and_tells_who_comes_late),
      RUN(a_request_that_never_ends_is_cut_off),
      RUN(requests_may_follow_one_another_without_waiting),
      RUN(an_address_that_cannot_be_listened_on_is_told_with_a_hint))
