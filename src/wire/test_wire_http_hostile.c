/*
 * test_wire_http_hostile.c: requests that two readers could understand differently, byte for byte.
 *
 * Each must be refused with the status in its row (400 where RFC 9112 says so) or have its
 * connection closed, must never reach a handler, and what stands behind it on the connection must
 * never be read as a request. What the library swallows before we see it is listed at the end, and
 * in docs/security.md: a row that starts to be refused there is good news and belongs in the table.
 */
#include "wire/test_http_client.h"

#include <microhttpd.h>
#include <stdatomic.h>

#define ROUNDS 2000
#define MUTATED_WAIT_MS 20 /* for those that want more bytes than they have */
#define BODY_LIMIT 1000
#define BEHIND "GET /behind HTTP/1.1\r\nHost: h\r\n\r\n"

struct fixture {
	struct clock clock;
	struct random random;
	struct http_server *server;
	unsigned port;
	atomic_uint handled, behind;
};

static struct http_route choose(void *context, struct str method, struct str path)
{
	return (struct http_route){ HTTP_KIND_HANDLER, HTTP_QUEUE_ACT, BODY_LIMIT, NULL, NULL };
}

static void handle(void *context, struct http_exchange *exchange)
{
	struct fixture *fixture = context;
	const struct http_request *request = http_exchange_request(exchange);
	atomic_fetch_add(&fixture->handled, 1);
	if (str_starts(request->path, STR("/behind")))
		atomic_fetch_add(&fixture->behind, 1);
	struct http_response response = { .status = 200, .content_type = "text/plain" };
	response.body_bytes = request->body.len;
	response.body = mem_alloc(request->body.len + 1);
	if (request->body.len > 0)
		memcpy(response.body, request->body.ptr, request->body.len);
	http_exchange_answer(exchange, &response);
}

static void start(struct fixture *fixture)
{
	struct http_server_config config;
	struct error err;
	*fixture = (struct fixture){ 0 };
	clock_system(&fixture->clock);
	entropy_init(&fixture->random);
	http_server_config_default(&config);
	config.listen = "127.0.0.1:0";
	config.route = choose;
	config.handle = handle;
	config.context = fixture;
	config.clock = &fixture->clock;
	config.random = &fixture->random;
	config.intake_ms = 3000;
	CHECK_OK(http_server_create(&config, &fixture->server, &err));
	fixture->port = http_server_port(fixture->server);
}

static void send_one(const struct fixture *fixture, struct str text, struct client_reply *ret_reply)
{
	int fd = client_connect(fixture->port);
	client_send(fd, text.ptr, text.len);
	client_reply(fd, false, true, ret_reply);
	close(fd);
}

struct row {
	const char *name;
	struct str text;
	int status; /* 0: closed without an answer is what the library does, and enough */
};

#define HEAD "POST /x HTTP/1.1\r\nHost: h\r\n"
#define GET "GET /x HTTP/1.1\r\nHost: h\r\n"

static const struct row rows[] = {
	{ "Content-Length and chunked",
	  STR(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" BEHIND), 400 },
	{ "chunked and Content-Length",
	  STR(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" BEHIND), 400 },
	{ "two differing Content-Length",
	  STR(HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab" BEHIND), 400 },
	{ "two equal Content-Length",
	  STR(HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\na" BEHIND), 400 },
	{ "Content-Length list", STR(HEAD "Content-Length: 1, 1\r\n\r\na" BEHIND), 400 },
	{ "Content-Length: +7", STR(HEAD "Content-Length: +7\r\n\r\n1234567" BEHIND), 400 },
	{ "Content-Length: -1", STR(HEAD "Content-Length: -1\r\n\r\n" BEHIND), 400 },
	{ "Content-Length: 0x7", STR(HEAD "Content-Length: 0x7\r\n\r\n1234567" BEHIND), 400 },
	{ "Content-Length empty", STR(HEAD "Content-Length:\r\n\r\n" BEHIND), 400 },
	{ "Content-Length followed by a blank", STR(HEAD "Content-Length: 1 \r\n\r\na" BEHIND), 400 },
	{ "Content-Length past 2^64",
	  STR(HEAD "Content-Length: 18446744073709551617\r\n\r\na" BEHIND), 413 },
	{ "Content-Length 3 GB", STR(HEAD "Content-Length: 3221225472\r\n\r\n"), 413 },
	{ "Transfer-Encoding: xchunked",
	  STR(HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" BEHIND), 501 },
	{ "Transfer-Encoding: gzip, chunked",
	  STR(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" BEHIND), 501 },
	{ "two Transfer-Encoding",
	  STR(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" BEHIND), 400 },
	{ "chunked in HTTP/1.0",
	  STR("POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" BEHIND),
	  400 },
	{ "chunked with a vertical tab",
	  STR(HEAD "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" BEHIND), 400 },
	{ "chunk size 0x7",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n0x7\r\n1234567\r\n0\r\n\r\n" BEHIND), 400 },
	{ "chunk size +7",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n+7\r\n1234567\r\n0\r\n\r\n" BEHIND), 400 },
	{ "chunk size empty", STR(HEAD "Transfer-Encoding: chunked\r\n\r\n\r\n" BEHIND), 400 },
	{ "chunk size with a blank",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n7 \r\n1234567\r\n0\r\n\r\n" BEHIND), 400 },
	{ "chunk size past 2^64",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n10000000000000007\r\n1234567\r\n0\r\n\r\n"),
	  413 },
	{ "chunk longer than it said",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" BEHIND), 400 },
	{ "space before colon", STR(HEAD "Content-Length : 1\r\n\r\na" BEHIND), 400 },
	{ "tab before colon", STR(GET "X-A\t: 1\r\n\r\n" BEHIND), 400 },
	{ "space before the first header name",
	  STR("GET /x HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "empty header name", STR(GET ": y\r\n\r\n" BEHIND), 400 },
	{ "no colon", STR(GET "nonsense\r\n\r\n" BEHIND), 400 },
	{ "NUL in a header value", STR(GET "X-A: a\0b\r\n\r\n" BEHIND), 400 },
	{ "NUL at the end of a header value", STR(GET "X-A: a\0\r\n\r\n" BEHIND), 400 },
	{ "NUL in a header name", STR(GET "X\0A: a\r\n\r\n" BEHIND), 400 },
	{ "NUL hiding a header", STR(GET "\0\r\nContent-Length: 5\r\n\r\n" BEHIND), 400 },
	{ "NUL at the start of a header line", STR(GET "\0X: y\r\n\r\n" BEHIND), 400 },
	{ "NUL in the target", STR("GET /x\0y HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "NUL in the query", STR("GET /x?a\0b HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "NUL in the method", STR("GE\0T /x HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "control character in a value", STR(GET "X-A: a\x01\r\n\r\n" BEHIND), 400 },
	{ "bare CR in a value", STR(GET "X-A: a\rb\r\n\r\n" BEHIND), 400 },
	{ "bare CR at the end of a value", STR(GET "X-A: a\r\r\n\r\n" BEHIND), 400 },
	{ "obs-fold", STR(GET "X-A: a\r\n b\r\n\r\n" BEHIND), 400 },
	{ "obs-fold by a tab", STR(GET "X-A: a\r\n\tb\r\nX-B: c\r\n\r\n" BEHIND), 400 },
	{ "obs-fold of nothing", STR(GET "X-A: a\r\n \r\nX-B: c\r\n\r\n" BEHIND), 400 },
	{ "obs-fold hiding chunked",
	  STR(HEAD "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" BEHIND), 400 },
	{ "bare LF after a header", STR(GET "X-A: a\nX-B: b\r\n\r\n" BEHIND), 400 },
	{ "bare LF after the last header", STR(GET "X-A: a\n\r\n" BEHIND), 400 },
	{ "bare LF at the end", STR(GET "X-A: a\r\n\n" BEHIND), 400 },
	{ "bare LF everywhere", STR("GET /x HTTP/1.1\nHost: h\n\n" BEHIND), 400 },
	{ "bare LF after the request line", STR("GET /x HTTP/1.1\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "no Host", STR("GET /x HTTP/1.1\r\n\r\n" BEHIND), 400 },
	{ "two Hosts", STR(GET "Host: other\r\n\r\n" BEHIND), 400 },
	{ "empty Host", STR("GET /x HTTP/1.1\r\nHost:\r\n\r\n" BEHIND), 400 },
	{ "Host with a path", STR("GET /x HTTP/1.1\r\nHost: h/../y\r\n\r\n" BEHIND), 400 },
	{ "Host with a user", STR("GET /x HTTP/1.1\r\nHost: a@h\r\n\r\n" BEHIND), 400 },
	{ "two blanks before the target", STR("GET  /x HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "two blanks before the version", STR("GET /x  HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 0 },
	{ "blank after the version", STR("GET /x HTTP/1.1 \r\nHost: h\r\n\r\n" BEHIND), 0 },
	{ "blank in the target", STR("GET /x y HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 0 },
	{ "tab instead of blank", STR("GET\t/x\tHTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 0 },
	{ "method that is no token", STR("G@T /x HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "unknown method", STR("BREW /x HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 501 },
	{ "TRACE", STR("TRACE /x HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 501 },
	{ "CONNECT", STR("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 501 },
	{ "HTTP/0.9", STR("GET /x\r\n" BEHIND), 0 },
	{ "HTTP/2.0", STR("GET /x HTTP/2.0\r\nHost: h\r\n\r\n" BEHIND), 505 },
	{ "HTTP/1.2", STR("GET /x HTTP/1.2\r\nHost: h\r\n\r\n" BEHIND), 505 },
	{ "HTTP/1.10", STR("GET /x HTTP/1.10\r\nHost: h\r\n\r\n" BEHIND), 0 },
	{ "http/1.1 in lower case", STR("GET /x http/1.1\r\nHost: h\r\n\r\n" BEHIND), 0 },
	{ "HTTP/2 preface", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
	{ "absolute-form", STR("GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "asterisk-form", STR("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "fragment", STR("GET /x#y HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "dot segments", STR("GET /x/../y HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "escaped dot segments", STR("GET /%2e%2E/y HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "escaped slash", STR("GET /a%2fb HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "escaped NUL", STR("GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "escaped NUL in the query", STR("GET /a?b=%00 HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "broken escape", STR("GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "overlong UTF-8", STR("GET /%c0%ae HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "bytes over 0x7f in the target", STR("GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n" BEHIND), 400 },
	{ "unknown expectation", STR(HEAD "Expect: 200-maybe\r\nContent-Length: 1\r\n\r\na"), 417 },
	{ "TLS to a plain port", STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 0 },
};

/* One sentence about all that went wrong, so that a failing table is read at once. */
TEST(every_row_of_the_hostile_table_is_refused_and_the_connection_closed)
{
	struct fixture fixture;
	start(&fixture);
	static struct client_reply reply;
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		send_one(&fixture, rows[i].text, &reply);
		bool refused = reply.status == rows[i].status ||
			       (rows[i].status == 0 && reply.status >= 400);
		if (refused && reply.closed)
			continue;
		wrong++;
		printf("%s: wanted %d and closed, found %d and %s\n", rows[i].name, rows[i].status,
		       reply.status, reply.closed ? "closed" : "open");
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(atomic_load(&fixture.handled), 0);
	CHECK_INT(atomic_load(&fixture.behind), 0);
	http_server_destroy(&fixture.server);
}

TEST(what_is_strictly_written_is_served)
{
	static const struct str good[] = {
		STR("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"),
		STR("GET /x HTTP/1.1\r\nhOST:h\r\nAccept:\r\nX-A: \t b \t\r\n\r\n"),
		STR("GET /x HTTP/1.0\r\n\r\n"),
		STR("\r\nGET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
		STR("GET /x?a=1&b[]=%20&c={d=\"e\"}|f HTTP/1.1\r\nHost: h\r\n\r\n"),
		STR(HEAD "Content-Length: 0\r\n\r\n"),
		STR(HEAD "Content-Length: 2\r\nX: \xC3\xBC\r\n\r\n\0\1"),
		STR(HEAD "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na"),
		STR(HEAD "Transfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n000\r\nX: trailer\r\n\r\n"),
	};
	struct fixture fixture;
	start(&fixture);
	static struct client_reply reply;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		send_one(&fixture, good[i], &reply);
		if (reply.status != 200)
			printf("refused: " STR_FMT "\n", STR_ARG(reply.body));
		CHECK_INT(reply.status, 200);
	}
	http_server_destroy(&fixture.server);
}

static void send_header_of(const struct fixture *fixture, size_t size, struct client_reply *ret_reply)
{
	char *text = mem_alloc(size + 100);
	int length = snprintf(text, 100, "GET /x HTTP/1.1\r\nHost: h\r\nX-Long: ");
	memset(text + length, 'a', size);
	memcpy(text + (size_t)length + size, "\r\n\r\n", 4);
	send_one(fixture, (struct str){ text, (size_t)length + size + 4 }, ret_reply);
	mem_free(text);
}

/* Between what is served and what the library answers itself, an answer may not fit into what the
 * request left of the connection's memory: closing is all that is left, and is as good a no. */
TEST(a_header_block_too_long_is_431_or_closed_at_every_length)
{
	struct fixture fixture;
	start(&fixture);
	static struct client_reply reply;
	size_t served = 0, silent = 0;
	for (size_t size = 1024; size <= 40960; size += 512) {
		send_header_of(&fixture, size, &reply);
		if (reply.status == 200)
			served = size;
		silent += reply.status == 0;
		CHECK(reply.status == 200 || reply.status == 431 ||
		      (reply.status == 0 && reply.closed));
		CHECK(reply.status == 200 || reply.closed);
	}
	printf("[  FIGURE  ] longest header served %zu bytes, closed in silence %zu times\n", served,
	       silent);
	CHECK(served >= 8 * 1024);
	CHECK(silent <= 3);
	send_header_of(&fixture, 40 * 1024, &reply);
	CHECK_INT(reply.status, 431);
	http_server_destroy(&fixture.server);
}

TEST(too_many_headers_or_parameters_and_too_long_a_target_are_refused)
{
	struct fixture fixture;
	static struct client_reply reply;
	static char text[64 * 1024];
	start(&fixture);
	int length = snprintf(text, sizeof text, "GET /x HTTP/1.1\r\nHost: h\r\n");
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		length += snprintf(text + length, sizeof text - (size_t)length, "X: %d\r\n", i);
	length += snprintf(text + length, sizeof text - (size_t)length, "\r\n");
	send_one(&fixture, (struct str){ text, (size_t)length }, &reply);
	CHECK_INT(reply.status, 431);
	for (int target = 8000; target <= 40000; target += 8000) {
		length = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: h\r\n\r\n", target, 1);
		send_one(&fixture, (struct str){ text, (size_t)length }, &reply);
		CHECK_INT(reply.status, target == 8000 ? 200 : 414);
	}
	for (int params = HTTP_PARAMS_MAX; params <= 4000; params += 484) {
		length = snprintf(text, sizeof text, "GET /?");
		for (int i = 0; i < params; i++)
			length += snprintf(text + length, sizeof text - (size_t)length, "&a");
		length += snprintf(text + length, sizeof text - (size_t)length,
				   " HTTP/1.1\r\nHost: h\r\n\r\n");
		send_one(&fixture, (struct str){ text, (size_t)length }, &reply);
		CHECK_INT(reply.status, params == HTTP_PARAMS_MAX ? 200 : 400);
	}
	http_server_destroy(&fixture.server);
}

TEST(three_gigabytes_are_refused_at_once)
{
	struct fixture fixture;
	static struct client_reply reply;
	start(&fixture);
	int64_t from = client_now_ms();
	int fd = client_connect(fixture.port);
	client_says(fd, HEAD "Content-Length: 3221225472\r\nExpect: 100-continue\r\n\r\n");
	client_reply(fd, false, false, &reply);
	close(fd);
	CHECK_INT(reply.status, 413);
	CHECK(client_now_ms() - from < 1000);
	http_server_destroy(&fixture.server);
}

/* --- what is swallowed before we see it --------------------------------------------------- */

/* Debian 12's libmicrohttpd 0.9.75 reads these as if they were strictly written. */
static const struct row swallowed[] = {
	{ "NUL LF instead of CR LF after a header", STR(GET "X-A: a\0\n\r\n"), 200 },
	{ "a line that begins with NUL before the request", STR("\0junk\r\n" GET "\r\n"), 200 },
	{ "empty lines before the request", STR("\r\n\n\r\n" GET "\r\n"), 200 },
	{ "bare LF after a chunk size",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"), 200 },
	{ "bare LF after a chunk",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n"), 200 },
	{ "any bytes in a chunk extension",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n1;\x01\0 \"\r\na\r\n0\r\n\r\n"), 200 },
	{ "trailers, bare LF and folds in them",
	  STR(HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX : y\n z\nHost: q\r\n\r\n"), 200 },
};

TEST(what_the_library_swallows_is_known_and_its_body_is_still_the_same)
{
	struct fixture fixture;
	static struct client_reply reply;
	if (strncmp(MHD_get_version(), "0.9.75", 6) != 0)
		skip();
	start(&fixture);
	for (size_t i = 0; i < sizeof swallowed / sizeof swallowed[0]; i++) {
		send_one(&fixture, swallowed[i].text, &reply);
		if (reply.status != swallowed[i].status)
			printf("%s: found %d\n", swallowed[i].name, reply.status);
		CHECK_INT(reply.status, swallowed[i].status);
		if (str_starts(swallowed[i].text, STR("POST")))
			CHECK_STR(reply.body, "a");
	}
	http_server_destroy(&fixture.server);
}

/* --- chance ------------------------------------------------------------------------------- */

static const struct str seeds[] = {
	STR("GET /x?a=b%20c HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"),
	STR(HEAD "Content-Length: 11\r\nContent-Type: application/json\r\n\r\n{\"a\":[1,2]}"),
	STR(HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x\r\nabc\r\n0\r\nT: v\r\n\r\n"),
	STR("HEAD /y HTTP/1.1\r\nHost: h\r\nCookie: a=b; c=d\r\nExpect: 100-continue\r\n\r\n"),
	STR(GET "\r\n" GET "\r\n"),
};

static size_t mutate(struct random *random, char *text, size_t length, size_t room)
{
	static const char spice[] = { '\0', '\r', '\n', ' ', '\t', ':', '%', '?', '&', ';', '\xff',
				      '0', ',', '/', '=', '\v' };
	for (uint64_t edits = 1 + random_below(random, 4); edits > 0 && length > 1; edits--) {
		size_t at = random_below(random, length);
		char byte = random_below(random, 4) == 0 ? (char)random_below(random, 256)
							 : spice[random_below(random, sizeof spice)];
		switch (random_below(random, 4)) {
		case 0: /* replace */
			text[at] = byte;
			break;
		case 1: /* insert */
			if (length < room) {
				memmove(text + at + 1, text + at, length - at);
				text[at] = byte;
				length++;
			}
			break;
		case 2: /* remove a run */ {
			size_t run = 1 + random_below(random, 8);
			run = run < length - at ? run : length - at;
			memmove(text + at, text + at + run, length - at - run);
			length -= run;
			break;
		}
		default: /* repeat a run */ {
			size_t run = 1 + random_below(random, 24);
			run = run < length - at ? run : length - at;
			if (length + run <= room) {
				memmove(text + at + run, text + at, length - at);
				length += run;
			}
		}
		}
	}
	return length;
}

TEST(two_thousand_mutated_requests_do_no_harm)
{
	struct fixture fixture;
	struct random random;
	static struct client_reply reply;
	unsigned served = 0, refused = 0, silent = 0;
	random_seeded(&random, 8484);
	start(&fixture);
	for (int round = 0; round < ROUNDS; round++) {
		char text[1024];
		struct str seed = seeds[random_below(&random, sizeof seeds / sizeof seeds[0])];
		memcpy(text, seed.ptr, seed.len);
		size_t length = mutate(&random, text, seed.len, sizeof text);
		int fd = client_connect(fixture.port);
		client_send(fd, text, length);
		client_says(fd, "\r\n\r\n"); /* what was cut short is more often whole so */
		client_reply_within(fd, text[0] == 'H', false, MUTATED_WAIT_MS, &reply);
		close(fd);
		CHECK(reply.status == 0 || (reply.status >= 200 && reply.status < 600));
		CHECK(reply.status != 500);
		served += reply.status == 200;
		refused += reply.status >= 400;
		silent += reply.status == 0;
	}
	printf("[  FIGURE  ] %d mutated: %u served, %u refused, %u without an answer\n", ROUNDS,
	       served, refused, silent);
	send_one(&fixture, STR("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"), &reply);
	CHECK_INT(reply.status, 200);
	CHECK(refused > ROUNDS / 10);
	struct http_server_figures figures;
	http_server_figures(fixture.server, &figures);
	CHECK_INT(figures.expired, 0);
	http_server_destroy(&fixture.server);
}

TESTS(RUN(every_row_of_the_hostile_table_is_refused_and_the_connection_closed),
      RUN(what_is_strictly_written_is_served),
      RUN(a_header_block_too_long_is_431_or_closed_at_every_length),
      RUN(too_many_headers_or_parameters_and_too_long_a_target_are_refused),
      RUN(three_gigabytes_are_refused_at_once),
      RUN(what_the_library_swallows_is_known_and_its_body_is_still_the_same),
      RUN(two_thousand_mutated_requests_do_no_harm))
