/* test_wire_http_client.c: requests to real sockets: answers, limits, redirects, certificates. */
#include "base/buf.h"
#include "base/check.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/curl_loop.h"
#include "wire/dial.h"
#include "wire/http_client.h"
#include "wire/test_peer.h"
#include "wire/tls_hello.h"

struct world {
	struct loop *loop;
	struct clock clock;
	struct resolve *resolve;
	struct http_client *client;
	struct peer peer;
	/* what came back */
	unsigned calls;
	int status;
	char body[256], url[256], address[ADDRESS_TEXT_BYTES], type[64];
	struct http_answer answer;
	struct error err;
	unsigned asked;
	char last_request[8192];
	char last_piece[256];
};

static char *answer_text(const char *text)
{
	return mem_strdup(text);
}

static char *redirect_to(const char *status, const char *location)
{
	struct buf buf;
	buf_init(&buf, 4096);
	buf_printf(&buf, "HTTP/1.1 %s Moved\r\nLocation: %s\r\nContent-Length: 4\r\n"
	           "Connection: close\r\n\r\ngone", status, location);
	return buf_take(&buf);
}

static char *answer_request(void *context, const char *request)
{
	struct world *world = context;
	world->asked++;
	if (request == NULL)
		return answer_text("SSH-2.0-OpenSSH_9.2p1\r\n");
	snprintf(world->last_request, sizeof world->last_request, "%s", request);
	if (strncmp(request, "CONNECT ", 8) == 0)
		return answer_text("HTTP/1.1 407 No\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret");
	if (strstr(request, "/hello HTTP/1.1\r\n") != NULL)
		return answer_text("HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nContent-Length: 5\r\n"
		                   "Connection: close\r\n\r\nhello");
	if (strstr(request, " /long ") != NULL)
		return answer_text("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789abcdefghij");
	if (strstr(request, " /once ") != NULL)
		return redirect_to("302", "/hello");
	if (strstr(request, " /again ") != NULL)
		return redirect_to("302", "/again");
	if (strstr(request, "/metadata HTTP/1.1\r\n") != NULL)
		return redirect_to("302", "http://169.254.169.254/latest/meta-data/");
	if (strstr(request, " /file ") != NULL)
		return redirect_to("302", "file:///etc/passwd");
	if (strstr(request, "/elsewhere HTTP/1.1\r\n") != NULL) {
		char url[64];
		snprintf(url, sizeof url, "http://localhost:%u/hello", world->peer.port);
		return redirect_to("307", url);
	}
	if (strstr(request, " /slow ") != NULL)
		usleep(400000);
	return NULL;
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct world *world = context;
	world->calls++;
	world->answer = *answer;
	world->status = answer->status;
	snprintf(world->body, sizeof world->body, STR_FMT, STR_ARG(answer->body));
	snprintf(world->url, sizeof world->url, "%s", answer->url);
	snprintf(world->type, sizeof world->type, STR_FMT,
	         STR_ARG(http_answer_field(answer, "content-type")));
	world->err = err != NULL ? *err : (struct error){ .code = OK };
	loop_stop(world->loop);
}

static void world_start(struct world *world, struct egress_policy policy, const char *ca_file)
{
	struct error err;
	world->loop = loop_create();
	clock_system(&world->clock);
	CHECK_OK(resolve_create(world->loop, NULL, &world->resolve, &err));
	struct http_client_options options = { .policy = policy, .ca_file = ca_file };
	CHECK_OK(http_client_create(world->loop, &world->clock, world->resolve, &options, &world->client,
	                            &err));
	peer_start(&world->peer, answer_request, world);
}

static void world_stop(struct world *world)
{
	http_client_destroy(&world->client);
	resolve_destroy(&world->resolve);
	loop_destroy(&world->loop);
	peer_stop(&world->peer);
}

static void ask(struct world *world, struct http_ask request, const char *scheme,
                const char *host, const char *path)
{
	char url[256];
	struct error err;
	struct http_call *call;
	snprintf(url, sizeof url, "%s://%s:%u%s", scheme, host, world->peer.port, path);
	request.url = url;
	if (request.timeout == 0)
		request.timeout = 5 * TIME_SECOND;
	if (request.body_max_bytes == 0)
		request.body_max_bytes = 100;
	world->calls = 0;
	CHECK_OK(http_client_start(world->client, &request, on_answer, world, &call, &err));
	CHECK_INT(world->calls, 0);
	CHECK(loop_run_for(world->loop, 10 * TIME_SECOND));
	CHECK_INT(world->calls, 1);
}

TEST(a_request_gives_status_fields_body_and_timings)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct http_ask_field fields[] = { { "X-Token", "abc" }, { "X-Empty", "" } };
	struct http_ask request = { .fields = fields, .fields_count = 2 };
	ask(&world, request, "http", "127.0.0.1", "/hello");
	CHECK_INT(world.err.code, OK);
	CHECK_INT(world.status, 200);
	CHECK_TEXT(world.body, "hello");
	CHECK_TEXT(world.type, "text/plain");
	CHECK_TEXT(world.answer.address, "127.0.0.1");
	CHECK(world.answer.timings.connect > 0);
	CHECK(world.answer.timings.total >= world.answer.timings.connect);
	CHECK(strstr(world.last_request, "X-Token: abc\r\n") != NULL);
	CHECK(strstr(world.last_request, "X-Empty:\r\n") != NULL);
	CHECK(strstr(world.last_request, "User-Agent: mainstay\r\n") != NULL);
	world_stop(&world);
}

TEST(a_post_sends_its_body)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct http_ask request = { .method = "POST", .body = STR("{\"a\":1}\r\n\r\n") };
	ask(&world, request, "http", "localhost", "/hello");
	CHECK_INT(world.status, 200);
	CHECK(str_starts(str_of(world.last_request), STR("POST /hello HTTP/1.1\r\n")));
	CHECK(strstr(world.last_request, "Content-Length: 11\r\n") != NULL);
	CHECK(strstr(world.last_request, "Expect:") == NULL);
	world_stop(&world);
}

TEST(a_target_of_its_own_is_sent_as_it_is_and_a_redirect_ends_it)
{
	struct world world = { .calls = 0 };
	struct http_call *call = NULL;
	struct error err;
	world_start(&world, egress_policy_checks(), NULL);
	ask(&world, (struct http_ask){ .target = "/hello/./../a?" }, "http", "127.0.0.1", "");
	CHECK(str_starts(str_of(world.last_request), STR("GET /hello/./../a? HTTP/1.1\r\nHost: 127.0.0.1:")));
	ask(&world, (struct http_ask){ .target = "/once", .redirects_max = 1 }, "http", "127.0.0.1", "/long");
	CHECK_INT(world.status, 200);
	CHECK_TEXT(world.body, "hello");
	static const char *const bad[] = { "", "hello", "http://127.0.0.1/", "/a b", "/a\r\nEvil: 1", "/\x7f" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct http_ask request = { .url = "http://127.0.0.1/", .target = bad[i], .timeout = TIME_SECOND };
		CHECK_ERR(http_client_start(world.client, &request, on_answer, &world, &call, &err), ERR_INVALID);
	}
	world_stop(&world);
}

TEST(a_body_past_the_cap_is_cut_and_the_answer_still_counts)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	ask(&world, (struct http_ask){ .body_max_bytes = 7 }, "http", "127.0.0.1", "/long");
	CHECK_INT(world.err.code, OK);
	CHECK_INT(world.status, 200);
	CHECK_TEXT(world.body, "0123456");
	CHECK(world.answer.body_cut);
	world_stop(&world);
}

static void on_piece(void *context, struct str bytes)
{
	struct world *world = context;
	size_t used = strlen(world->last_piece);
	snprintf(world->last_piece + used, sizeof world->last_piece - used, STR_FMT, STR_ARG(bytes));
}

TEST(a_body_told_in_pieces_is_not_kept_and_has_no_cap)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct http_ask request = { .body_max_bytes = 8, .piece = on_piece };
	ask(&world, request, "http", "127.0.0.1", "/long");
	CHECK_TEXT(world.last_piece, "0123456789abcdefghij");
	CHECK_TEXT(world.body, "");
	CHECK(!world.answer.body_cut);
	world.last_piece[0] = '\0';
	ask(&world, request, "http", "127.0.0.1", "/once");
	CHECK_INT(world.status, 302);
	CHECK_TEXT(world.last_piece, "");
	CHECK_TEXT(world.body, "gone");
	world_stop(&world);
}

TEST(redirects_are_followed_counted_and_bounded)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	ask(&world, (struct http_ask){ .redirects_max = 0 }, "http", "127.0.0.1", "/once");
	CHECK_INT(world.status, 302);
	ask(&world, (struct http_ask){ .redirects_max = 3 }, "http", "127.0.0.1", "/once");
	CHECK_INT(world.status, 200);
	CHECK_TEXT(world.body, "hello");
	CHECK_INT(world.answer.redirects, 1);
	world.asked = 0;
	ask(&world, (struct http_ask){ .redirects_max = 3 }, "http", "127.0.0.1", "/again");
	CHECK_INT(world.err.code, ERR_LIMIT);
	CHECK_INT(world.asked, 4);
	world_stop(&world);
}

TEST(a_redirect_to_where_the_policy_forbids_is_refused)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct http_ask request = { .redirects_max = 3 };
	ask(&world, request, "http", "127.0.0.1", "/metadata");
	CHECK_INT(world.err.code, ERR_DENIED);
	CHECK(strstr(world.err.text, "169.254.169.254") != NULL);
	ask(&world, request, "http", "127.0.0.1", "/file");
	CHECK_INT(world.err.code, ERR_INVALID);
	world_stop(&world);
}

/* `field` says "secret" to its own origin, and to no other. */
static void check_left_behind(struct http_ask_field field, bool fields_stay)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct http_ask_field fields[] = { field, { "Accept", "text/plain" } };
	struct http_ask request = { .redirects_max = 3, .fields = fields, .fields_count = 2, .fields_stay = fields_stay };
	ask(&world, request, "http", "127.0.0.1", "/once");
	CHECK(strstr(world.last_request, field.name) != NULL);
	CHECK(strstr(world.last_request, "secret\r\n") != NULL);
	ask(&world, request, "http", "127.0.0.1", "/elsewhere");
	CHECK_INT(world.status, 200);
	CHECK(strstr(world.last_request, "Host: localhost") != NULL);
	CHECK(strstr(world.last_request, "secret") == NULL);
	CHECK(strstr(world.last_request, "Accept: text/plain") != NULL);
	world_stop(&world);
}

TEST(credentials_do_not_follow_a_redirect_to_another_origin)
{
	check_left_behind((struct http_ask_field){ "Authorization", "Bearer secret" }, false);
}

TEST(fields_that_stay_follow_a_redirect_to_the_same_origin_only)
{
	check_left_behind((struct http_ask_field){ "Private-Token", "secret" }, true);
}

/* The peer is the proxy. */
static void world_start_behind_proxy(struct world *world, const char *no_proxy)
{
	struct error err;
	char url[64];
	world_start(world, egress_policy_checks(), NULL);
	http_client_destroy(&world->client);
	snprintf(url, sizeof url, "http://ann:p%%40ss@127.0.0.1:%u", world->peer.port);
	struct http_ask_field field = { "X-Way", "out" };
	struct http_proxy proxy = { .http_url = url, .https_url = url, .no_proxy = no_proxy, .fields = &field, .fields_count = 1 };
	struct http_client_options options = { .policy = egress_policy_checks(), .proxy = &proxy };
	CHECK_OK(http_client_create(world->loop, &world->clock, world->resolve, &options, &world->client, &err));
}

TEST(a_proxy_gets_the_whole_url_and_the_name_is_its_business)
{
	struct world world = { .calls = 0 };
	world_start_behind_proxy(&world, NULL);
	struct http_ask_field fields[] = { { "Authorization", "Bearer target" } };
	struct http_ask request = { .fields = fields, .fields_count = 1 };
	ask(&world, request, "http", "nowhere.example.org", "/hello");
	CHECK_INT(world.status, 200);
	CHECK(strncmp(world.last_request, "GET http://nowhere.example.org:", 31) == 0);
	CHECK(strstr(world.last_request, "Host: nowhere.example.org") != NULL);
	CHECK(strstr(world.last_request, "Authorization: Bearer target\r\n") != NULL);
	CHECK(strstr(world.last_request, "Proxy-Authorization: Basic YW5uOnBAc3M=\r\n") != NULL);
	CHECK(strstr(world.last_request, "X-Way") == NULL);
	world_stop(&world);
}

TEST(https_asks_a_proxy_for_a_tunnel_and_tells_it_nothing_else)
{
	struct world world = { .calls = 0 };
	world_start_behind_proxy(&world, NULL);
	struct http_ask_field fields[] = { { "Authorization", "Bearer target" }, { "X-Scope", "target" } };
	struct http_ask request = { .fields = fields, .fields_count = 2 };
	ask(&world, request, "https", "nowhere.example.org", "/hello");
	CHECK(world.err.code != OK);
	CHECK(strncmp(world.last_request, "CONNECT nowhere.example.org:", 28) == 0);
	CHECK(strstr(world.last_request, "Proxy-Authorization: Basic YW5uOnBAc3M=\r\n") != NULL);
	CHECK(strstr(world.last_request, "X-Way: out\r\n") != NULL);
	CHECK(strstr(world.last_request, "target") == NULL);
	CHECK(strstr(world.err.text, "by the proxy \"127.0.0.1\"") != NULL);
	CHECK(strstr(world.err.text, "407") != NULL);
	CHECK(strstr(world.err.text, "secret") == NULL);
	world_stop(&world);
}

TEST(who_no_proxy_names_is_asked_straight_also_after_a_redirect)
{
	struct world world = { .calls = 0 };
	struct http_ask request = { .redirects_max = 1 };
	world_start_behind_proxy(&world, "");
	ask(&world, request, "http", "127.0.0.1", "/hello");
	CHECK(strncmp(world.last_request, "GET /hello ", 11) == 0);
	CHECK(strstr(world.last_request, "Proxy-Authorization") == NULL);
	ask(&world, request, "http", "nowhere.example.org", "/elsewhere"); /* the proxy leads to localhost */
	CHECK_INT(world.asked, 3);
	CHECK_INT(world.status, 200);
	CHECK(strncmp(world.last_request, "GET /hello ", 11) == 0);
	world_stop(&world);
}

TEST(behind_a_proxy_forbidden_addresses_stay_forbidden)
{
	struct world world = { .calls = 0 };
	struct http_call *call;
	struct http_client *client;
	struct error err;
	world_start_behind_proxy(&world, NULL);
	struct http_ask request = { .url = "http://169.254.169.254/", .timeout = TIME_SECOND, .body_max_bytes = 100, .redirects_max = 1 };
	CHECK_INT(http_client_start(world.client, &request, on_answer, &world, &call, &err), ERR_DENIED);
	request.url = NULL;
	ask(&world, request, "http", "nowhere.example.org", "/metadata");
	CHECK_INT(world.err.code, ERR_DENIED);
	struct http_proxy proxy = { .http_url = "http://169.254.169.254:80" };
	struct http_client_options options = { .policy = egress_policy_checks(), .proxy = &proxy };
	CHECK_INT(http_client_create(world.loop, &world.clock, world.resolve, &options, &client, &err), ERR_DENIED);
	proxy.http_url = "http://localhost:1"; /* a name is looked at when it is resolved */
	options.policy = egress_policy_webhooks();
	http_client_destroy(&world.client);
	CHECK_OK(http_client_create(world.loop, &world.clock, world.resolve, &options, &world.client, &err));
	ask(&world, request, "http", "nowhere.example.org", "/hello");
	CHECK_INT(world.err.code, ERR_DENIED);
	CHECK(strstr(world.err.text, "cannot call \"localhost\"") != NULL);
	world_stop(&world);
}

TEST(a_name_that_means_a_forbidden_address_is_refused_before_connecting)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_webhooks(), NULL);
	ask(&world, (struct http_ask){ .method = "POST" }, "http", "localhost", "/hello");
	CHECK_INT(world.err.code, ERR_DENIED);
	CHECK(strstr(world.err.text, "loopback") != NULL);
	CHECK_INT(world.asked, 0);
	world_stop(&world);
}

static void on_second_look(void *context, CURLcode code)
{
	struct world *world = context;
	world->calls++;
	CHECK(code != CURLE_OK);
	loop_stop(world->loop);
}

TEST(the_second_look_refuses_what_slipped_past_the_first)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct egress_policy narrow = egress_policy_webhooks();
	struct curl_guard guard = { .policy = &narrow };
	struct curl_loop *curl = curl_loop_create(world.loop, 4, 4);
	struct address loopback;
	char url[64];
	CHECK(address_parse(STR("127.0.0.1"), &loopback));
	snprintf(url, sizeof url, "http://rebound.example:%u/hello", world.peer.port);
	CURL *easy = curl_easy_init();
	curl_guard_arm(&guard, easy, "rebound.example", world.peer.port, &loopback, 1);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_loop_add(curl, easy, on_second_look, &world);
	CHECK(loop_run_for(world.loop, 10 * TIME_SECOND));
	CHECK_INT(guard.err.code, ERR_DENIED);
	CHECK_INT(world.asked, 0);
	curl_easy_cleanup(easy);
	curl_guard_finish(&guard);
	curl_loop_destroy(&curl);
	world_stop(&world);
}

TEST(failures_say_which_step_failed)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	ask(&world, (struct http_ask){ .timeout = 100 * TIME_MS }, "http", "127.0.0.1", "/slow");
	CHECK_INT(world.err.code, ERR_TIMEOUT);
	CHECK(strstr(world.err.text, "connected, but no answer in time") != NULL);
	ask(&world, (struct http_ask){ .method = "GET" }, "http", "127.0.0.1", "/nothing");
	CHECK_INT(world.err.code, ERR_UNAVAILABLE);
	CHECK(strstr(world.err.text, "closed the connection without an answer") != NULL);
	uint16_t port = world.peer.port;
	peer_stop(&world.peer);
	ask(&world, (struct http_ask){ .method = "GET" }, "http", "127.0.0.1", "/hello");
	CHECK_INT(world.err.code, ERR_UNAVAILABLE);
	char wanted[96];
	snprintf(wanted, sizeof wanted, "could not connect to \"127.0.0.1\" port %u: Connection refused",
	         port);
	CHECK_TEXT(world.err.text, wanted);
	peer_start(&world.peer, answer_request, &world);
	world_stop(&world);
}

TEST(hostile_fields_and_methods_are_refused_at_once)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	struct http_ask_field bad[] = { { "X-A", "b\r\nEvil: 1" }, { "X A", "b" }, { "", "b" } };
	struct http_call *call = NULL;
	for (unsigned i = 0; i < 3; i++) {
		struct http_ask request = { .url = "http://127.0.0.1/", .fields = &bad[i],
		                                .fields_count = 1, .timeout = TIME_SECOND };
		CHECK_ERR(http_client_start(world.client, &request, on_answer, &world, &call, NULL), ERR_INVALID);
	}
	struct http_ask request = { .url = "http://127.0.0.1/", .method = "GET /x HTTP/1.1\r\n",
	                                .timeout = TIME_SECOND };
	CHECK_ERR(http_client_start(world.client, &request, on_answer, &world, &call, NULL), ERR_INVALID);
	CHECK(call == NULL);
	world_stop(&world);
}

TEST(a_cancelled_call_is_never_answered)
{
	struct world world = { .calls = 0 };
	world_start(&world, egress_policy_checks(), NULL);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%u/slow", world.peer.port);
	struct http_ask request = { .url = url, .timeout = TIME_SECOND, .body_max_bytes = 1 };
	struct http_call *call, *left;
	struct error err;
	CHECK_OK(http_client_start(world.client, &request, on_answer, &world, &call, &err));
	CHECK_OK(http_client_start(world.client, &request, on_answer, &world, &left, &err));
	loop_run_for(world.loop, 50 * TIME_MS);
	http_call_cancel(&call);
	CHECK(call == NULL);
	http_client_destroy(&world.client);
	CHECK_INT(world.calls, 0);
	resolve_destroy(&world.resolve);
	loop_destroy(&world.loop);
	peer_stop(&world.peer);
}

static void ask_tls(struct world *world, const struct peer_ca *ca, const char *name, time_us from,
                    time_us until, bool trusted_ca, bool verify_off)
{
	*world = (struct world){ .calls = 0 };
	clock_system(&world->clock);
	time_us now = clock_wall(&world->clock);
	peer_certify(&world->peer, ca, name, now + from, now + until);
	world_start(world, egress_policy_checks(), trusted_ca ? ca->file : NULL);
	ask(world, (struct http_ask){ .verify_off = verify_off, .fresh = true }, "https", "localhost",
	    "/hello");
	world_stop(world);
}

TEST(certificates_are_examined_before_the_request_leaves)
{
	struct world world;
	struct peer_ca ca;
	clock_system(&world.clock);
	time_us now = clock_wall(&world.clock);
	peer_ca_create(&ca, now);
	ask_tls(&world, &ca, "localhost", -TIME_DAY, 30 * TIME_DAY + TIME_HOUR, true, false);
	CHECK_TEXT(world.err.text, "");
	CHECK_INT(world.status, 200);
	CHECK(world.answer.certificate.trusted);
	CHECK_TEXT(world.answer.certificate.subject, "CN=localhost");
	CHECK_TEXT(world.answer.certificate.issuer, "CN=Test Authority");
	CHECK_INT(certificate_days_left(&world.answer.certificate, now), 30);
	CHECK(world.answer.timings.tls > 0);

	static const struct { const char *name; time_us from, until; bool known; const char *wanted; }
	bad[] = {
		{ "localhost", -9 * TIME_DAY, -TIME_DAY, true, "the certificate has expired" },
		{ "localhost", TIME_DAY, 9 * TIME_DAY, true, "the certificate is not valid yet" },
		{ "other.example", -TIME_DAY, TIME_DAY, true, "the certificate is for another name" },
		{ "localhost", -TIME_DAY, TIME_DAY, false, "issuer is not trusted" },
	};
	for (unsigned i = 0; i < 4; i++) {
		ask_tls(&world, &ca, bad[i].name, bad[i].from, bad[i].until, bad[i].known, false);
		CHECK_INT(world.err.code, ERR_DENIED);
		if (strstr(world.err.text, bad[i].wanted) == NULL)
			fail_msg("wanted \"%s\", found \"%s\"", bad[i].wanted, world.err.text);
		CHECK_INT(world.asked, 0);
		CHECK(world.answer.certificated);
		ask_tls(&world, &ca, bad[i].name, bad[i].from, bad[i].until, bad[i].known, true);
		CHECK_INT(world.status, 200);
		CHECK(!world.answer.certificate.trusted);
	}
	peer_ca_destroy(&ca);
}

static void on_hello(void *context, const struct tls_hello_result *result, const struct error *err)
{
	struct world *world = context;
	world->calls++;
	world->answer.certificated = result->certificated;
	world->answer.certificate = result->certificate;
	world->err = err != NULL ? *err : (struct error){ .code = OK };
	loop_stop(world->loop);
}

static void on_dialled(void *context, const struct dial_result *result, const struct error *err)
{
	struct world *world = context;
	struct tls_hello *hello;
	if (err != NULL) {
		world->calls++;
		world->err = *err;
		loop_stop(world->loop);
		return;
	}
	tls_hello_start(world->loop, &world->clock, http_client_trust(world->client), result->fd,
	                "localhost", 2 * TIME_SECOND, on_hello, world, &hello);
}

static void greet(struct world *world)
{
	struct dial_request request = { .host = "localhost", .port = world->peer.port,
	                                .timeout = TIME_SECOND,
	                                .policy = http_client_policy(world->client) };
	struct dial *dial;
	struct error err;
	world->calls = 0;
	CHECK_OK(dial_start(world->loop, &world->clock, world->resolve, &request, on_dialled, world, &dial,
	                    &err));
	CHECK(loop_run_for(world->loop, 10 * TIME_SECOND));
	CHECK_INT(world->calls, 1);
}

TEST(a_handshake_alone_shows_the_certificate)
{
	struct world world = { .calls = 0 };
	struct peer_ca ca;
	clock_system(&world.clock);
	time_us now = clock_wall(&world.clock);
	peer_ca_create(&ca, now);
	peer_certify(&world.peer, &ca, "localhost", now - TIME_DAY, now + 3 * TIME_DAY + TIME_HOUR);
	world_start(&world, egress_policy_checks(), ca.file);
	greet(&world);
	CHECK_TEXT(world.err.text, "");
	CHECK(world.answer.certificated && world.answer.certificate.trusted);
	CHECK_INT(certificate_days_left(&world.answer.certificate, now), 3);
	world_stop(&world);
	world = (struct world){ .peer.greets = true }; /* a plain server that speaks first */
	world_start(&world, egress_policy_checks(), ca.file);
	greet(&world);
	CHECK_INT(world.err.code, ERR_UNAVAILABLE);
	world_stop(&world);
	world = (struct world){ .calls = 0 };
	world_start(&world, egress_policy_webhooks(), ca.file);
	greet(&world);
	CHECK_INT(world.err.code, ERR_DENIED);
	world_stop(&world);
	peer_ca_destroy(&ca);
}

TEST(days_left_are_rounded_down)
{
	struct certificate certificate = { .not_after = 10 * TIME_DAY };
	CHECK_INT(certificate_days_left(&certificate, 9 * TIME_DAY), 1);
	CHECK_INT(certificate_days_left(&certificate, 9 * TIME_DAY + 1), 0);
	CHECK_INT(certificate_days_left(&certificate, 10 * TIME_DAY), 0);
	CHECK_INT(certificate_days_left(&certificate, 10 * TIME_DAY + 1), -1);
}

TESTS(RUN(a_request_gives_status_fields_body_and_timings), RUN(a_post_sends_its_body),
      RUN(a_target_of_its_own_is_sent_as_it_is_and_a_redirect_ends_it),
      RUN(a_body_past_the_cap_is_cut_and_the_answer_still_counts),
      RUN(a_body_told_in_pieces_is_not_kept_and_has_no_cap),
      RUN(redirects_are_followed_counted_and_bounded),
      RUN(a_redirect_to_where_the_policy_forbids_is_refused),
      RUN(credentials_do_not_follow_a_redirect_to_another_origin),
      RUN(a_proxy_gets_the_whole_url_and_the_name_is_its_business),
      RUN(https_asks_a_proxy_for_a_tunnel_and_tells_it_nothing_else),
      RUN(who_no_proxy_names_is_asked_straight_also_after_a_redirect),
      RUN(behind_a_proxy_forbidden_addresses_stay_forbidden), RUN(fields_that_stay_follow_a_redirect_to_the_same_origin_only),
      RUN(a_name_that_means_a_forbidden_address_is_refused_before_connecting),
      RUN(the_second_look_refuses_what_slipped_past_the_first),
      RUN(failures_say_which_step_failed), RUN(hostile_fields_and_methods_are_refused_at_once),
      RUN(a_cancelled_call_is_never_answered),
      RUN(certificates_are_examined_before_the_request_leaves),
      RUN(a_handshake_alone_shows_the_certificate), RUN(days_left_are_rounded_down))
