/* test_wire_ping.c: echo as bytes, and pings of this machine's own loopback. */
#include "base/check.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/loop.h"
#include "wire/egress.h"
#include "wire/ping.h"
#include "wire/ping_message.h"
#include "wire/resolve.h"

TEST(a_request_comes_back_as_its_own_reply_and_as_no_other)
{
	struct ping_echo echo = { .id = 7, .seq = 65535, .token = "0123456789abcde" }, found;
	uint8_t bytes[PING_MESSAGE_BYTES];
	for (int v6 = 0; v6 < 2; v6++) {
		ping_message_write(&echo, v6, bytes);
		CHECK(!ping_message_read(bytes, sizeof bytes, v6, false, &found)); /* a request */
		bytes[0] = v6 ? 129 : 0;
		CHECK(ping_message_read(bytes, sizeof bytes, v6, false, &found));
		CHECK_INT(found.id, 7);
		CHECK_INT(found.seq, 65535);
		CHECK(memcmp(found.token, echo.token, PING_TOKEN_BYTES) == 0);
		CHECK(!ping_message_read(bytes, 23, v6, false, &found));
		CHECK(!ping_message_read(bytes, sizeof bytes, !v6, false, &found));
	}
	uint8_t headed[20 + PING_MESSAGE_BYTES] = { 0x45 };
	ping_message_write(&echo, false, headed + 20);
	headed[20] = 0;
	CHECK(ping_message_read(headed, sizeof headed, false, true, &found));
	headed[0] = 0x4F; /* says that its header is longer than what there is */
	CHECK(!ping_message_read(headed, 40, false, true, &found));
}

struct lab {
	struct loop *loop;
	struct clock clock;
	struct random random;
	struct resolve *resolve;
	struct egress_policy policy;
	struct ping *ping;
	unsigned done;
	struct ping_result result;
	struct error err;
};

static void on_pinged(void *context, const struct ping_result *result, const struct error *err)
{
	struct lab *lab = context;
	lab->result = *result;
	lab->err = err != NULL ? *err : (struct error){ .code = OK };
	lab->done++;
	loop_stop(lab->loop);
}

static void lab_open(struct lab *lab)
{
	struct error err;
	*lab = (struct lab){ .loop = loop_create(), .policy = egress_policy_checks() };
	clock_system(&lab->clock);
	entropy_init(&lab->random);
	CHECK_OK(resolve_create(lab->loop, NULL, &lab->resolve, &err));
	lab->ping = ping_create(lab->loop, &lab->clock, lab->resolve, &lab->random, &lab->policy);
}

static void lab_close(struct lab *lab)
{
	ping_destroy(&lab->ping);
	resolve_destroy(&lab->resolve);
	loop_destroy(&lab->loop);
}

static void run(struct lab *lab, const char *host, time_us timeout)
{
	struct ping_request request = { .host = host, .packets = 3, .timeout = timeout };
	struct ping_run *running;
	struct error err;
	CHECK_OK(ping_start(lab->ping, &request, on_pinged, lab, &running, &err));
	CHECK(loop_run_for(lab->loop, 10 * TIME_SECOND));
}

TEST(this_machine_answers_its_own_pings_or_it_is_said_why_none_can_be_sent)
{
	struct lab lab;
	lab_open(&lab);
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	for (size_t i = 0; i < 2; i++) {
		run(&lab, hosts[i], 3 * TIME_SECOND);
		if (lab.result.unable) {
			CHECK(strstr(lab.err.text, "ping") != NULL || strstr(lab.err.text, "ICMP") != NULL);
			continue;
		}
		if (lab.err.code != OK && i == 1)
			continue; /* a machine without IPv6 */
		CHECK_INT(lab.err.code, OK);
		CHECK_INT(lab.result.sent, 3);
		CHECK_INT(lab.result.received, 3);
		CHECK(lab.result.best > 0 && lab.result.best <= lab.result.mean);
		CHECK(lab.result.mean <= lab.result.worst);
	}
	lab_close(&lab);
}

TEST(the_guard_is_asked_before_anything_is_sent)
{
	struct lab lab;
	lab_open(&lab);
	run(&lab, "169.254.169.254", TIME_SECOND);
	CHECK_INT(lab.err.code, ERR_DENIED);
	CHECK(!lab.result.unable);
	CHECK_INT(lab.result.sent, 0);
	lab_close(&lab);
}

TEST(a_run_that_is_called_off_says_nothing)
{
	struct lab lab;
	struct ping_run *running;
	struct error err;
	struct ping_request request = { .host = "127.0.0.1", .packets = 20, .timeout = 5 * TIME_SECOND };
	lab_open(&lab);
	CHECK_OK(ping_start(lab.ping, &request, on_pinged, &lab, &running, &err));
	loop_run_for(lab.loop, 50 * TIME_MS);
	ping_cancel(&running);
	loop_run_for(lab.loop, 300 * TIME_MS);
	CHECK_INT(lab.done, 0);
	CHECK_OK(ping_start(lab.ping, &request, on_pinged, &lab, &running, &err));
	lab_close(&lab); /* with one open */
}

TESTS(RUN(a_request_comes_back_as_its_own_reply_and_as_no_other),
      RUN(this_machine_answers_its_own_pings_or_it_is_said_why_none_can_be_sent),
      RUN(the_guard_is_asked_before_anything_is_sent), RUN(a_run_that_is_called_off_says_nothing))
