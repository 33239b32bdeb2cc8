/* test_monitor_scrape_token.c: tokens of a real server, and who is asked with them. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "monitor/scrape_ask.h"
#include "monitor/scrape_config.h"
#include "monitor/scrape_token.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/resolve.h"
#include "wire/test_peer.h"

/* One peer is both: "/token" gives tokens, all else is a target. */
struct office {
	struct loop *loop;
	struct clock clock;
	struct resolve *resolve;
	struct peer peer;
	struct arena arena;
	struct scrape_config config;
	struct scrape_client *client;
	char folder[64], path[96], secret_file[96];
	/* what the peer says and was told */
	const char *type, *grant; /* NULL: "Bearer" tokens by number, for an hour */
	int token_status, target_status;
	bool form_only, header_only;
	unsigned tokens, targets;
	char token_request[4096], target_request[4096];
	/* what came back */
	unsigned answers, open;
	int status;
	struct error err;
};

static char *answer_of(int status, const char *type, const char *body)
{
	struct buf buf;
	buf_init(&buf, 8192);
	buf_printf(&buf, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status, type,
		   strlen(body), body);
	return buf_take(&buf);
}

static char *answer(struct office *office, const char *request)
{
	char grant[100];
	if (strncmp(request, "POST /token", 11) != 0) {
		office->targets++;
		snprintf(office->target_request, sizeof office->target_request, "%s", request);
		return answer_of(office->target_status, "text/plain", "a 1\n");
	}
	office->tokens++;
	snprintf(office->token_request, sizeof office->token_request, "%s", request);
	bool signs_in = strstr(request, "\r\nAuthorization:") != NULL;
	if ((office->form_only && signs_in) || (office->header_only && !signs_in))
		return answer_of(401, "application/json", "{\"error\":\"invalid_client\"}");
	snprintf(grant, sizeof grant, "{\"access_token\":\"t%u\",\"token_type\":\"bearer\",\"expires_in\":3600}", office->tokens);
	return answer_of(office->token_status, office->type, office->grant != NULL ? office->grant : grant);
}

/* Reads the body as well. */
static void serve(struct peer *peer, gnutls_session_t tls, int fd)
{
	char request[8192] = "";
	size_t used = 0, whole = SIZE_MAX;
	while (used < whole && used < sizeof request - 1) {
		ssize_t count = peer_recv(tls, fd, request + used, sizeof request - 1 - used);
		if (count <= 0)
			return;
		used += (size_t)count;
		request[used] = '\0';
		const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
		if (end != NULL)
			whole = (size_t)(end + 4 - request) + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
	}
	char *text = answer(peer->context, request);
	peer_send(tls, fd, text);
	mem_free(text);
}

static struct office *office_create(const char *more)
{
	struct office *office = mem_alloc(sizeof *office);
	struct error err;
	char text[1024];
	office->loop = loop_create();
	office->type = "application/json; charset=utf-8";
	office->token_status = office->target_status = 200;
	clock_manual(&office->clock, INT64_C(1700000000) * TIME_SECOND);
	CHECK_OK(resolve_create(office->loop, NULL, &office->resolve, &err));
	office->peer.serve = serve;
	peer_start(&office->peer, NULL, office);
	snprintf(office->folder, sizeof office->folder, "/tmp/mainstay-token-XXXXXX");
	CHECK(mkdtemp(office->folder) != NULL);
	snprintf(office->path, sizeof office->path, "%s/prometheus.yml", office->folder);
	snprintf(office->secret_file, sizeof office->secret_file, "%s/secret", office->folder);
	arena_init(&office->arena, 0);
	snprintf(text, sizeof text, "scrape_configs:\n- job_name: j\n  oauth2:\n    client_id: an id\n"
		 "    token_url: http://127.0.0.1:%u/token\n%s", office->peer.port, more);
	struct troubles troubles = { .arena = &office->arena, .source = "p.yml" };
	if (scrape_config_read(str_of(text), &office->arena, &office->config, &troubles) != OK)
		fail_msg("wanted right, found: " STR_FMT, STR_ARG(troubles.rows[0]));
	struct scrape_ask_tools tools = { office->loop, &office->clock, office->resolve, NULL, office->path };
	enum err r = scrape_client_create(&tools, &office->config.jobs.rows[0].http, &office->client, &err);
	CHECK_OK(r);
	return office;
}

static void office_destroy(struct office *office)
{
	scrape_client_destroy(&office->client);
	resolve_destroy(&office->resolve);
	loop_destroy(&office->loop);
	peer_stop(&office->peer);
	scrape_config_finish(&office->config);
	arena_finish(&office->arena);
	unlink(office->secret_file);
	rmdir(office->folder);
	mem_free(office);
}

static void write_secret(const struct office *office, const char *text)
{
	FILE *file = fopen(office->secret_file, "w");
	CHECK(file != NULL);
	fputs(text, file);
	fclose(file);
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct office *office = context;
	office->answers++;
	office->status = answer->status;
	office->err = err != NULL ? *err : (struct error){ .code = OK };
	if (--office->open == 0)
		loop_stop(office->loop);
}

static enum err begin(struct office *office, struct scrape_call **ret_call)
{
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%u/metrics", office->peer.port);
	struct scrape_ask ask = { .url = url, .accept = "text/plain", .timeout_ms = 2000 };
	enum err r = scrape_client_ask(office->client, &ask, on_answer, office, ret_call, &office->err);
	office->open += r == OK;
	return r;
}

/* Asks the target `count` times at once; how the last ended. */
static enum err ask(struct office *office, unsigned count)
{
	struct scrape_call *call;
	unsigned before = office->answers;
	enum err r = OK;
	for (unsigned i = 0; i < count; i++)
		r = begin(office, &call);
	if (r != OK)
		return r;
	CHECK_INT(office->answers, before);
	CHECK(loop_run_for(office->loop, 10 * TIME_SECOND));
	CHECK_INT(office->answers, before + count);
	return office->err.code;
}

#define SECRET "    client_secret: s3:cret\n"

TEST(a_token_is_asked_once_while_many_wait_and_kept)
{
	struct office *office = office_create(SECRET "    scopes: [read, all]\n    endpoint_params: {audience: 'a b'}\n");
	CHECK_INT(ask(office, 5), OK);
	CHECK_INT(office->tokens, 1);
	CHECK_INT(office->targets, 5);
	CHECK(strstr(office->target_request, "Authorization: Bearer t1\r\n") != NULL);
	CHECK(strstr(office->target_request, "GET /metrics ") != NULL);
	CHECK(strstr(office->token_request, "Authorization: Basic YW4raWQ6czMlM0FjcmV0\r\n") != NULL); /* an+id:s3%3Acret */
	CHECK(strstr(office->token_request, "Content-Type: application/x-www-form-urlencoded\r\n") != NULL);
	CHECK(strstr(office->token_request, "\r\n\r\ngrant_type=client_credentials&scope=read+all&audience=a+b") != NULL);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 1);
	office_destroy(office);
}

TEST(a_token_is_asked_anew_shortly_before_it_ends)
{
	struct office *office = office_create(SECRET);
	CHECK_INT(ask(office, 1), OK);
	clock_advance(&office->clock, 3589 * TIME_SECOND);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 1);
	clock_advance(&office->clock, TIME_SECOND);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 2);
	CHECK(strstr(office->target_request, "Bearer t2\r\n") != NULL);
	office_destroy(office);
}

TEST(a_token_without_an_end_is_kept_and_one_that_has_ended_is_used_once)
{
	struct office *office = office_create(SECRET);
	office->grant = "{\"access_token\":\"ever\"}";
	CHECK_INT(ask(office, 1), OK);
	clock_advance(&office->clock, 365 * TIME_DAY);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 1);
	office_destroy(office);
	office = office_create(SECRET);
	office->grant = "{\"access_token\":\"ended\",\"expires_in\":-5}";
	CHECK_INT(ask(office, 3), OK);
	CHECK_INT(office->tokens, 1);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 2);
	office_destroy(office);
}

TEST(a_server_that_wants_the_secret_in_the_form_gets_it_there_and_first_the_next_time)
{
	struct office *office = office_create(SECRET "    endpoint_params: {client_id: other, grant_type: own_word}\n");
	office->form_only = true;
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 2);
	CHECK(strstr(office->token_request, "\r\nAuthorization:") == NULL);
	CHECK(strstr(office->token_request, "\r\n\r\ngrant_type=own_word&client_id=an+id&client_secret=s3%3Acret") != NULL);
	clock_advance(&office->clock, TIME_HOUR);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 3);
	office->token_status = 400;
	office->grant = "{\"error\":\"invalid_scope\"}";
	clock_advance(&office->clock, TIME_HOUR);
	CHECK(ask(office, 1) != OK);
	CHECK(strstr(office->err.text, "HTTP status 400, invalid_scope") != NULL);
	office_destroy(office);
}

TEST(why_there_is_no_token_is_told_by_the_way_that_knew_the_client)
{
	struct office *office = office_create(SECRET);
	office->token_status = 503;
	office->header_only = true;
	CHECK(ask(office, 1) != OK);
	CHECK_INT(office->tokens, 2);
	CHECK(strstr(office->err.text, "HTTP status 503") != NULL);
	office_destroy(office);
}

TEST(a_401_ends_a_token_that_is_not_young)
{
	struct office *office = office_create(SECRET);
	office->target_status = 401;
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->status, 401);
	CHECK_INT(ask(office, 3), OK);
	CHECK_INT(office->tokens, 1);
	clock_advance(&office->clock, SCRAPE_TOKEN_AGE_MIN);
	CHECK_INT(ask(office, 3), OK); /* all with the same: it ends once */
	CHECK_INT(office->tokens, 1);
	office->target_status = 200;
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 2);
	CHECK_INT(office->status, 200);
	office_destroy(office);
}

TEST(another_secret_in_the_file_gets_another_token)
{
	struct office *office = office_create("    client_secret_file: secret\n");
	CHECK(ask(office, 1) != OK);
	CHECK(strstr(office->err.text, office->secret_file) != NULL);
	write_secret(office, "one\n");
	CHECK_INT(ask(office, 1), OK);
	CHECK(strstr(office->token_request, "Authorization: Basic YW4raWQ6b25l\r\n") != NULL); /* an+id:one */
	write_secret(office, "two");
	CHECK_INT(ask(office, 2), OK);
	CHECK_INT(office->tokens, 2);
	CHECK(strstr(office->token_request, "Authorization: Basic YW4raWQ6dHdv\r\n") != NULL); /* an+id:two */
	CHECK(strstr(office->target_request, "Bearer t2\r\n") != NULL);
	office_destroy(office);
}

TEST(a_server_that_gives_no_token_is_asked_again_later_and_what_it_says_is_not_quoted)
{
	static const struct { int status; const char *type, *grant, *why; } cases[] = {
		{ 500, "text/html", "s3:cret", "answered with HTTP status 500" },
		{ 400, "application/json", "{\"error\":\"invalid_scope\",\"error_description\":\"s3:cret\"}", "HTTP status 400, invalid_scope" },
		{ 200, "application/json", "{\"error\":\"s3:cret\",\"access_token\":\"x\"}", "HTTP status 200 and no token" },
		{ 200, "application/json", "{\"access_token\":\"\"}", "HTTP status 200 and no token" },
		{ 200, "application/json", "s3:cret", "HTTP status 200 and no token" },
		{ 200, "text/plain", "error=s3:cret", "HTTP status 200 and no token" },
		{ 200, "application/json", "{\"access_token\":\"s3:cret\\nX: y\"}", "HTTP status 200 and no token" },
		{ 200, "application/json", "{\"access_token\":\"t\",\"token_type\":\"s3:cret\\nX: y\"}", "HTTP status 200 and no token" },
		{ 307, "text/plain\r\nLocation: /token", "", "HTTP status 307" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct office *office = office_create(SECRET);
		office->token_status = cases[i].status;
		office->type = cases[i].type;
		office->grant = cases[i].grant;
		CHECK(ask(office, 3) != OK);
		CHECK_INT(office->targets, 0);
		if (strstr(office->err.text, cases[i].why) == NULL || strstr(office->err.text, "s3:cret") != NULL)
			fail_msg("case %zu: %s", i, office->err.text);
		unsigned before = office->tokens;
		CHECK(before <= 2);
		CHECK(ask(office, 1) != OK);
		CHECK_INT(office->tokens, before);
		office->token_status = 200;
		office->type = "application/json";
		office->grant = NULL;
		clock_advance(&office->clock, SCRAPE_TOKEN_FAILED_FOR);
		CHECK_INT(ask(office, 1), OK);
		office_destroy(office);
	}
}

TEST(a_token_may_come_as_a_form_and_with_a_type_of_its_own)
{
	struct office *office = office_create(SECRET);
	office->type = "application/x-www-form-urlencoded";
	office->grant = "access_token=a%2Fb&token_type=DPoP&expires_in=20";
	CHECK_INT(ask(office, 1), OK);
	CHECK(strstr(office->target_request, "Authorization: DPoP a/b\r\n") != NULL);
	clock_advance(&office->clock, 9 * TIME_SECOND);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 1);
	clock_advance(&office->clock, TIME_SECOND);
	CHECK_INT(ask(office, 1), OK);
	CHECK_INT(office->tokens, 2);
	office_destroy(office);
}

TEST(who_waits_for_a_token_too_long_is_told_and_who_is_cancelled_is_not)
{
	struct office *office = office_create(SECRET);
	struct scrape_call *first, *second, *third;
	int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(office->peer.port) };
	CHECK_INT(connect(silent, (struct sockaddr *)&at, sizeof at), 0); /* the peer serves one after the other: it hangs */
	CHECK_INT(begin(office, &first), OK);
	CHECK_INT(begin(office, &second), OK);
	CHECK_INT(begin(office, &third), OK);
	scrape_call_cancel(&second);
	CHECK(second == NULL);
	office->open--;
	CHECK(loop_run_for(office->loop, 4 * TIME_SECOND));
	CHECK_INT(office->answers, 2);
	CHECK_INT(office->err.code, ERR_TIMEOUT);
	CHECK_TEXT(office->err.text, "no token: \"token_url\" did not answer in time");
	close(silent);
	CHECK_INT(ask(office, 1), OK); /* it came after all */
	CHECK_INT(office->tokens, 1);
	CHECK_INT(begin(office, &first), OK);
	office_destroy(office); /* and nobody is told */
}

TEST(a_token_that_cannot_be_asked_for_is_told_at_once)
{
	struct arena arena;
	struct scrape_config config;
	struct scrape_client *client;
	struct error err;
	struct loop *loop = loop_create();
	struct clock clock;
	struct resolve *resolve;
	arena_init(&arena, 0);
	clock_system(&clock);
	CHECK_OK(resolve_create(loop, NULL, &resolve, &err));
	struct troubles troubles = { .arena = &arena, .source = "p.yml" };
	CHECK_INT(scrape_config_read(STR("scrape_configs:\n"
		"- {job_name: a, oauth2: {client_id: i, token_url: 'http://h/', scopes: [a], endpoint_params: {scope: b}}}\n"
		"- {job_name: b, oauth2: {client_id: i, token_url: 'http://h/', proxy_url: 'socks5://u:hunter2@p/'}}\n"
		"- {job_name: c, oauth2: {client_id: i, token_url: 'ftp://u:hunter2@h/'}}\n"
		"- {job_name: d, oauth2: {client_id: i, token_url: 'http://u:hunter2@h/'}}\n"), &arena, &config, &troubles), OK);
	struct scrape_ask_tools tools = { loop, &clock, resolve, NULL, "p.yml" };
	CHECK_INT(scrape_client_create(&tools, &config.jobs.rows[0].http, &client, &err), ERR_INVALID);
	CHECK_TEXT(err.text, "oauth2: cannot send two scopes: \"endpoint_params\" has one beside \"scopes\"");
	CHECK_INT(scrape_client_create(&tools, &config.jobs.rows[1].http, &client, &err), ERR_UNSUPPORTED);
	CHECK_TEXT(err.text, "oauth2: cannot ask by a proxy of the kind \"socks5\": only http is spoken to proxies");
	for (size_t i = 2; i < 4; i++) {
		struct scrape_call *call;
		struct scrape_ask ask = { .url = "http://127.0.0.1:1/", .accept = "*/*", .timeout_ms = 1000 };
		CHECK_OK(scrape_client_create(&tools, &config.jobs.rows[i].http, &client, &err));
		CHECK_INT(scrape_client_ask(client, &ask, on_answer, NULL, &call, &err), ERR_INVALID);
		CHECK(strstr(err.text, "token_url") != NULL);
		CHECK(strstr(err.text, "hunter2") == NULL);
		scrape_client_destroy(&client);
	}
	resolve_destroy(&resolve);
	loop_destroy(&loop);
	scrape_config_finish(&config);
	arena_finish(&arena);
}

TESTS(RUN(a_token_is_asked_once_while_many_wait_and_kept), RUN(a_token_is_asked_anew_shortly_before_it_ends),
      RUN(a_token_without_an_end_is_kept_and_one_that_has_ended_is_used_once),
      RUN(a_server_that_wants_the_secret_in_the_form_gets_it_there_and_first_the_next_time),
      RUN(why_there_is_no_token_is_told_by_the_way_that_knew_the_client),
      RUN(a_401_ends_a_token_that_is_not_young), RUN(another_secret_in_the_file_gets_another_token),
      RUN(a_server_that_gives_no_token_is_asked_again_later_and_what_it_says_is_not_quoted),
      RUN(a_token_may_come_as_a_form_and_with_a_type_of_its_own),
      RUN(who_waits_for_a_token_too_long_is_told_and_who_is_cancelled_is_not),
      RUN(a_token_that_cannot_be_asked_for_is_told_at_once))
