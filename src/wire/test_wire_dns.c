/* test_wire_dns.c: questions as bytes, answers of a hostile sender, and the way over UDP and TCP. */
#include "base/check.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/loop.h"
#include "wire/dns_ask.h"
#include "wire/egress.h"
#include "wire/resolve.h"
#include "wire/test_peer.h"

struct message {
	uint8_t bytes[1024];
	size_t size;
};

static struct message question_of(const char *name, uint16_t type)
{
	struct message message;
	struct error err;
	CHECK_OK(dns_query_write(str_of(name), type, 0x1234, message.bytes, &message.size, &err));
	return message;
}

/* The question without OPT, as an answer with one record that follows. */
static struct message answer_to(const struct message *question, const char *data, size_t size)
{
	struct message answer = *question;
	answer.size -= 11;
	answer.bytes[2] |= 0x80;
	answer.bytes[7] = 1;
	answer.bytes[11] = 0;
	static const uint8_t head[] = { 0xC0, 12, 0, 0, 0, 1, 0, 0, 0, 60 };
	memcpy(answer.bytes + answer.size, head, sizeof head);
	memcpy(answer.bytes + answer.size + 2, answer.bytes + question->size - 11 - 4, 2);
	answer.size += sizeof head;
	answer.bytes[answer.size++] = 0;
	answer.bytes[answer.size++] = (uint8_t)size;
	memcpy(answer.bytes + answer.size, data, size);
	answer.size += size;
	return answer;
}

static enum err read_answer(const struct message *answer, const struct message *question,
                            struct dns_answer *ret_answer)
{
	struct error err;
	return dns_answer_read(answer->bytes, answer->size, question->bytes, question->size, ret_answer,
	                       &err);
}

TEST(records_are_read_as_people_write_them)
{
	static const struct {
		const char *data;
		size_t size;
		uint16_t type;
		const char *text;
	} cases[] = {
		{ "\xC0\x00\x02\x01", 4, DNS_A, "192.0.2.1" },
		{ "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16, DNS_AAAA, "2001:db8::1" },
		{ "\x00\x0a\x04mail\xC0\x0C", 9, DNS_MX, "10 mail.example.org" },
		{ "\x05" "v=spf\x03" "1 -", 10, DNS_TXT, "v=spf1 -" },
		{ "\x00\x01\x00\x02\x00\x50\x03www\xC0\x0C", 12, DNS_SRV, "1 2 80 www.example.org" },
		{ "\x00\x05issueca.test", 14, DNS_CAA, "0 issue \"ca.test\"" },
		{ "\x02ns\xC0\x0C", 5, DNS_NS, "ns.example.org" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct message question = question_of("example.org", cases[i].type);
		struct message answer = answer_to(&question, cases[i].data, cases[i].size);
		struct dns_answer found;
		CHECK_INT(read_answer(&answer, &question, &found), OK);
		CHECK_INT(found.count, 1);
		CHECK_TEXT(found.texts[0], cases[i].text);
		CHECK_INT(found.ttl_least, 60);
	}
}

TEST(an_answer_to_another_question_or_with_another_id_is_not_taken)
{
	struct message question = question_of("example.org", DNS_A), other = question_of("example.com", DNS_A);
	struct message answer = answer_to(&question, "\xC0\x00\x02\x01", 4);
	struct dns_answer found;
	CHECK_INT(read_answer(&answer, &other, &found), ERR_NOT_FOUND);
	answer.bytes[0] ^= 1;
	CHECK_INT(read_answer(&answer, &question, &found), ERR_NOT_FOUND);
	answer.bytes[0] ^= 1;
	answer.bytes[2] &= 0x7F; /* a question is no answer */
	CHECK_INT(read_answer(&answer, &question, &found), ERR_NOT_FOUND);
}

TEST(a_name_that_points_at_itself_is_refused)
{
	struct message question = question_of("example.org", DNS_NS);
	struct message answer = answer_to(&question, "\xC0\x29", 2);
	struct dns_answer found;
	answer.bytes[answer.size - 1] = (uint8_t)(answer.size - 2);
	CHECK_INT(read_answer(&answer, &question, &found), ERR_CORRUPT);
}

TEST(what_is_no_name_is_not_asked_for)
{
	uint8_t bytes[DNS_QUERY_BYTES_MAX];
	size_t size;
	static const char *const bad[] = { "a..b", ".a",
		"a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_INT(dns_query_write(str_of(bad[i]), DNS_A, 1, bytes, &size, NULL), ERR_INVALID);
	CHECK_INT(dns_query_write(STR("."), DNS_NS, 1, bytes, &size, NULL), OK);
}

/* ---- over the wire: a name server of our own, which cuts its answers over UDP ---- */

struct server {
	int udp, tcp;
	uint16_t port;
	pthread_t thread;
	bool cuts, lies; /* lies: a forged answer goes before the true one */
	unsigned asked;
};

static int bound(int type, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, type, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void *serve(void *context)
{
	struct server *server = context;
	struct message question;
	struct sockaddr_in from;
	socklen_t length = sizeof from;
	ssize_t size = recvfrom(server->udp, question.bytes, sizeof question.bytes, 0,
	                        (struct sockaddr *)&from, &length);
	if (size <= 0)
		return NULL;
	server->asked++;
	question.size = (size_t)size;
	struct message answer = answer_to(&question, "\xC0\x00\x02\x07", 4);
	if (server->lies) {
		struct message lie = answer_to(&question, "\xC0\x00\x02\x66", 4);
		lie.bytes[1] ^= 0x55;
		sendto(server->udp, lie.bytes, lie.size, 0, (struct sockaddr *)&from, length);
	}
	if (server->cuts)
		answer.bytes[2] |= 2;
	sendto(server->udp, answer.bytes, answer.size, 0, (struct sockaddr *)&from, length);
	if (!server->cuts)
		return NULL;
	int fd = accept(server->tcp, NULL, NULL);
	uint8_t head[2] = { 0, 0 };
	if (fd < 0 || recv(fd, head, 2, MSG_WAITALL) != 2)
		return NULL;
	recv(fd, question.bytes, (size_t)(head[0] << 8 | head[1]), MSG_WAITALL);
	answer = answer_to(&question, "\xC0\x00\x02\x08", 4);
	head[1] = (uint8_t)answer.size;
	send(fd, head, 2, 0);
	send(fd, answer.bytes, answer.size, 0);
	close(fd);
	return NULL;
}

struct asked {
	struct loop *loop;
	bool answered, over_tcp;
	struct error err;
	char text[DNS_ANSWER_BYTES];
};

static void on_answer(void *context, const struct dns_ask_result *result, const struct error *err)
{
	struct asked *asked = context;
	asked->answered = err == NULL;
	asked->over_tcp = result->over_tcp;
	if (err != NULL)
		asked->err = *err;
	else if (result->answer->count > 0)
		snprintf(asked->text, sizeof asked->text, "%s", result->answer->texts[0]);
	loop_stop(asked->loop);
}

static struct asked ask(struct server *server, time_us timeout)
{
	struct asked asked = { .loop = loop_create() };
	struct egress_policy policy = egress_policy_checks();
	struct resolve *resolve;
	struct random random;
	struct clock clock;
	struct error err;
	struct dns_ask *running;
	clock_system(&clock);
	entropy_init(&random);
	CHECK_OK(resolve_create(asked.loop, NULL, &resolve, &err));
	struct dns_ask_tools tools = { asked.loop, &clock, resolve, &random, &policy };
	struct dns_ask_request request = { .name = STR("example.org"), .type = DNS_A, .server = "127.0.0.1",
	                                   .port = server->port, .timeout = timeout };
	CHECK_OK(dns_ask_start(&tools, &request, on_answer, &asked, &running, &err));
	CHECK(loop_run_for(asked.loop, 10 * TIME_SECOND));
	resolve_destroy(&resolve);
	loop_destroy(&asked.loop);
	return asked;
}

static void server_start(struct server *server)
{
	struct sockaddr_in at;
	socklen_t length = sizeof at;
	server->tcp = bound(SOCK_STREAM, 0);
	getsockname(server->tcp, (struct sockaddr *)&at, &length);
	server->port = ntohs(at.sin_port);
	server->udp = bound(SOCK_DGRAM, server->port);
	listen(server->tcp, 1);
	pthread_create(&server->thread, NULL, serve, server);
}

static void server_stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->udp);
	close(server->tcp);
}

TEST(an_answer_that_was_cut_is_asked_for_over_tcp)
{
	struct server server = { .cuts = true };
	server_start(&server);
	struct asked asked = ask(&server, 5 * TIME_SECOND);
	server_stop(&server);
	CHECK(asked.answered && asked.over_tcp);
	CHECK_TEXT(asked.text, "192.0.2.8");
}

TEST(a_forged_answer_is_ignored_and_the_true_one_taken)
{
	struct server server = { .lies = true };
	server_start(&server);
	struct asked asked = ask(&server, 5 * TIME_SECOND);
	server_stop(&server);
	CHECK(asked.answered && !asked.over_tcp);
	CHECK_TEXT(asked.text, "192.0.2.7");
}

TEST(a_silent_server_is_an_error_within_the_time)
{
	struct server server = { .cuts = false };
	server.udp = bound(SOCK_DGRAM, 0);
	struct sockaddr_in at;
	socklen_t length = sizeof at;
	getsockname(server.udp, (struct sockaddr *)&at, &length);
	server.port = ntohs(at.sin_port);
	struct asked asked = ask(&server, 300 * TIME_MS);
	close(server.udp);
	CHECK(!asked.answered);
	CHECK_INT(asked.err.code, ERR_TIMEOUT);
	asked = ask(&server, TIME_SECOND); /* now nobody is there */
	CHECK(!asked.answered);
	CHECK_INT(asked.err.code, ERR_UNAVAILABLE);
}

TESTS(RUN(records_are_read_as_people_write_them),
      RUN(an_answer_to_another_question_or_with_another_id_is_not_taken),
      RUN(a_name_that_points_at_itself_is_refused), RUN(what_is_no_name_is_not_asked_for),
      RUN(an_answer_that_was_cut_is_asked_for_over_tcp),
      RUN(a_forged_answer_is_ignored_and_the_true_one_taken),
      RUN(a_silent_server_is_an_error_within_the_time))
