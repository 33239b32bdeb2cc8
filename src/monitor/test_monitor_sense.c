/* test_monitor_sense.c: the schedule on a real loop, the probes on real sockets, the spec. */
#include <pthread.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "monitor/monitor_sense.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/doc_json.h"
#include "wire/test_peer.h"

#define CHECKS 10000

struct lab {
	struct loop *loop;
	struct clock clock;
	struct resolve *resolve;
	struct http_client *http;
	struct probe_tools tools;
	struct sense *sense;
	struct sense_listener listener;
	/* what was heard */
	unsigned results, rows, stop_at;
	unsigned transitions[CHECK_STATUS_COUNT]; /* by where they went */
	struct check_result last;
	struct check_state state;
	time_us when[64];
	unsigned short counts[CHECKS];
};

static void on_result(void *context, const char *name, const struct check_result *result,
                      const struct check_state *state, const struct check_transition *transition)
{
	struct lab *lab = context;
	int64_t number;
	if (lab->results < 64)
		lab->when[lab->results] = result->boot;
	lab->results++;
	lab->last = *result;
	lab->state = *state;
	if (transition != NULL)
		lab->transitions[transition->to]++;
	if (str_starts(str_of(name), STR("n")) &&
	    str_int(str_sub(str_of(name), 1, 99), 0, CHECKS - 1, &number))
		lab->counts[number]++;
	if (lab->results == lab->stop_at)
		loop_stop(lab->loop);
}

static void on_row(void *context, const char *name, enum rollup_step step,
                   const struct rollup_bucket *bucket)
{
	(void)name, (void)step, (void)bucket;
	((struct lab *)context)->rows++;
}

static struct lab *lab_create(const char *ca_file)
{
	struct lab *lab = mem_alloc(sizeof *lab);
	struct error err;
	lab->loop = loop_create();
	clock_system(&lab->clock);
	CHECK_OK(resolve_create(lab->loop, NULL, &lab->resolve, &err));
	struct http_client_options options = { .policy = egress_policy_checks(), .ca_file = ca_file };
	CHECK_OK(http_client_create(lab->loop, &lab->clock, lab->resolve, &options, &lab->http, &err));
	lab->tools = (struct probe_tools){ .loop = lab->loop, .clock = &lab->clock,
	                                   .resolve = lab->resolve, .http = lab->http,
	                                   .trust = http_client_trust(lab->http),
	                                   .policy = http_client_policy(lab->http) };
	lab->listener = (struct sense_listener){ .context = lab, .result = on_result, .row = on_row };
	lab->sense = sense_create(&lab->tools, &lab->listener);
	return lab;
}

static void lab_destroy(struct lab *lab)
{
	sense_destroy(&lab->sense);
	http_client_destroy(&lab->http);
	resolve_destroy(&lab->resolve);
	loop_destroy(&lab->loop);
	mem_free(lab);
}

static struct check_spec null_spec(const char *name, time_us interval)
{
	struct check_spec spec = {
		.kind = &check_null, .interval = interval, .timeout = TIME_SECOND,
		.rules = { .fail_after = 2, .recover_after = 2 },
	};
	snprintf(spec.name, sizeof spec.name, "%s", name);
	return spec;
}

static struct check_spec spec_of(const char *name, const char *json)
{
	struct arena arena;
	struct error err;
	const struct doc_node *doc;
	struct check_spec spec;
	arena_init(&arena, 0);
	CHECK_OK(doc_json_parse(str_of(json), &arena, DOC_LIMITS_DEFAULT, NULL,
	                        &doc, &err));
	CHECK_OK(monitor_spec_read(str_of(name), doc, &spec, &err));
	arena_finish(&arena);
	return spec;
}

/* ---- the spec ---- */

TEST(the_rows_of_a_check_are_sound_and_their_defaults_are_those_the_reader_uses)
{
	struct arena arena;
	struct error err;
	struct spec_errors errors;
	const struct doc_node *doc, *full;
	struct check_spec lean, whole;
	arena_init(&arena, 0);
	spec_rows_assert(monitor_check_fields);
	spec_errors_init(&errors, &arena, NULL);
	CHECK_OK(doc_json_parse(STR("{\"kind\":\"http\",\"url\":\"http://localhost/\"}"), &arena, DOC_LIMITS_DEFAULT, NULL,
	                        &doc, &err));
	CHECK_INT(spec_check(monitor_check_fields, monitor_check_rule, doc, &arena, &errors, &full, NULL),
	          OK);
	CHECK_OK(monitor_spec_read(STR("web"), doc, &lean, &err));
	CHECK_OK(monitor_spec_read(STR("web"), full, &whole, &err));
	CHECK_INT(lean.interval, whole.interval);
	CHECK_INT(lean.timeout, whole.timeout);
	CHECK_INT(lean.redirects_max, whole.redirects_max);
	CHECK(memcmp(&lean.rules, &whole.rules, sizeof lean.rules) == 0);
	CHECK(memcmp(&lean.status, &whole.status, sizeof lean.status) == 0);
	monitor_spec_finish(&lean);
	monitor_spec_finish(&whole);
	arena_finish(&arena);
}

static unsigned count_errors(const char *json)
{
	struct arena arena;
	struct error err;
	struct spec_errors errors;
	const struct doc_node *doc;
	arena_init(&arena, 0);
	spec_errors_init(&errors, &arena, NULL);
	CHECK_OK(doc_json_parse(str_of(json), &arena, DOC_LIMITS_DEFAULT, NULL,
	                        &doc, &err));
	spec_check(monitor_check_fields, monitor_check_rule, doc, &arena, &errors, NULL, NULL);
	unsigned count = (unsigned)errors.count;
	arena_finish(&arena);
	return count;
}

TEST(what_a_kind_needs_is_asked_for_and_what_it_cannot_have_is_refused)
{
	CHECK_INT(count_errors("{\"kind\":\"tcp\",\"host\":\"db\",\"port\":5432}"), 0);
	CHECK_INT(count_errors("{\"kind\":\"tls\",\"host\":\"example.org\"}"), 0);
	CHECK_INT(count_errors("{\"kind\":\"tcp\",\"host\":\"db\"}"), 1);
	CHECK_INT(count_errors("{\"kind\":\"http\"}"), 1);
	CHECK_INT(count_errors("{\"kind\":\"tls\"}"), 1);
	CHECK(count_errors("{\"kind\":\"tcp\",\"host\":\"db\",\"port\":1,\"url\":\"http://x/\"}") >= 1);
	CHECK_INT(count_errors("{\"kind\":\"http\",\"url\":\"http://x/\",\"expect\":{\"status\":\"20x\"}}"), 1);
}

TEST(statuses_are_read_as_ranges)
{
	struct status_ranges ranges;
	CHECK(status_ranges_parse(STR("200-399,404, 418"), &ranges));
	CHECK(status_ranges_match(&ranges, 200) && status_ranges_match(&ranges, 399));
	CHECK(status_ranges_match(&ranges, 404) && status_ranges_match(&ranges, 418));
	CHECK(!status_ranges_match(&ranges, 400) && !status_ranges_match(&ranges, 0));
	static const char *const bad[] = { "", "200-", "-200", "399-200", "99", "600", "200,,300", "200 300",
	                                   "a", "200-399-404", ",", "200," };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (status_ranges_parse(str_of(bad[i]), &ranges))
			fail_msg("\"%s\": wanted a refusal", bad[i]);
}

/* ---- the schedule ---- */

TEST(ten_thousand_checks_run_on_time_and_none_is_missed)
{
	struct lab *lab = lab_create(NULL);
	for (int i = 0; i < CHECKS; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		struct check_spec spec = null_spec(name, 2 * TIME_SECOND);
		CHECK_INT(sense_set(lab->sense, &spec, NULL), OK);
	}
	loop_run_for(lab->loop, 4500 * TIME_MS);
	struct sense_figures figures = sense_figures(lab->sense);
	CHECK_INT(figures.checks, CHECKS);
	CHECK_INT(figures.missed, 0);
	/* First within 2 s, then every 2 s on its grid. */
	for (int i = 0; i < CHECKS; i++)
		if (lab->counts[i] < 2 || lab->counts[i] > 4)
			fail_msg("check %d: wanted 2 to 4 runs, found %u", i, lab->counts[i]);
	CHECK_INT(lab->transitions[CHECK_UP], CHECKS);
	lab_destroy(lab);
}

/* A probe whose results are written in advance, and that takes as long as it likes. */
struct script {
	struct loop *loop;
	const char *results; /* '+' good, '-' bad; the last one lasts */
	unsigned at, now, most;
	time_us takes;
} script;

struct script_run {
	struct loop_timer *timer;
	probe_done_fn *done;
	void *context;
};

static void script_end(void *context)
{
	struct script_run *run = context;
	struct check_result result = { .good = script.results[script.at] == '+', .reason = "as written" };
	if (script.results[script.at + 1] != '\0')
		script.at++;
	script.now--;
	run->done(run->context, &result);
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static enum err script_start(const struct probe_tools *tools, const struct check_spec *spec,
                             probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	(void)spec, (void)err;
	struct script_run *run = mem_alloc(sizeof *run);
	*run = (struct script_run){ .done = done, .context = context };
	run->timer = loop_timer_create(tools->loop, script_end, run);
	/* Not all the same, so that they end one after the other. */
	loop_timer_start(run->timer, script.takes + (script.now % 64) * (script.takes / 16));
	if (++script.now > script.most)
		script.most = script.now;
	*ret_run = run;
	return OK;
}

static void script_cancel(void *context)
{
	struct script_run *run = context;
	loop_timer_destroy(&run->timer);
	mem_free(run);
	script.now--;
}

static const struct check_kind check_script = { .name = "script",
                                                .start = script_start, .cancel = script_cancel };

static void add_script(struct lab *lab, const char *name, time_us interval)
{
	struct check_spec spec = null_spec(name, interval);
	spec.kind = &check_script;
	CHECK_INT(sense_set(lab->sense, &spec, NULL), OK);
}

TEST(after_a_first_failure_it_looks_again_sooner)
{
	struct lab *lab = lab_create(NULL);
	script = (struct script){ .results = "-" };
	char name[16];
	for (int i = 0; i < 12; i++) { /* of one alone the grid might be near by chance */
		snprintf(name, sizeof name, "n%d", i);
		add_script(lab, name, TIME_HOUR);
		CHECK_INT(sense_run(lab->sense, name), OK);
	}
	lab->stop_at = 12;
	CHECK(loop_run_for(lab->loop, 5 * TIME_SECOND));
	for (int i = 0; i < 12; i++) {
		time_us due;
		snprintf(name, sizeof name, "n%d", i);
		CHECK_INT(sense_state(lab->sense, name, &due)->status, CHECK_FAILING);
		CHECK(due - lab->when[0] <= 15 * TIME_MINUTE + 5 * TIME_SECOND);
	}
	CHECK_INT(lab->transitions[CHECK_FAILING], 12);
	lab_destroy(lab);
}

TEST(at_most_so_many_run_at_once_and_the_others_wait_their_turn)
{
	struct lab *lab = lab_create(NULL);
	script = (struct script){ .results = "+", .takes = 50 * TIME_MS };
	for (int i = 0; i < 600; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		add_script(lab, name, TIME_HOUR);
		CHECK_INT(sense_run(lab->sense, name), OK);
	}
	lab->stop_at = 600;
	CHECK(loop_run_for(lab->loop, 10 * TIME_SECOND));
	CHECK_INT(script.most, SENSE_RUNNING_MAX);
	for (int i = 0; i < 600; i++)
		CHECK_INT(lab->counts[i], 1);
	lab_destroy(lab);
}

TEST(a_round_that_passes_while_the_last_still_runs_is_missed_and_counted)
{
	struct lab *lab = lab_create(NULL);
	script = (struct script){ .results = "+", .takes = 2500 * TIME_MS };
	add_script(lab, "slow", TIME_SECOND);
	lab->stop_at = 2;
	CHECK(loop_run_for(lab->loop, 10 * TIME_SECOND));
	CHECK_INT(script.most, 1);
	uint64_t missed = sense_figures(lab->sense).missed;
	CHECK(missed >= 2 && missed <= 3);
	lab_destroy(lab);
}

TEST(pausing_stops_at_once_and_resuming_looks_at_once)
{
	struct lab *lab = lab_create(NULL);
	script = (struct script){ .results = "+", .takes = 100 * TIME_MS };
	add_script(lab, "it", TIME_SECOND);
	lab->stop_at = 1;
	CHECK(loop_run_for(lab->loop, 5 * TIME_SECOND));
	sense_run(lab->sense, "it");
	sense_pause(lab->sense, "it", "planned work");
	loop_run_for(lab->loop, 1500 * TIME_MS);
	CHECK_INT(lab->results, 2); /* the pause itself is told */
	CHECK_INT(lab->state.status, CHECK_PAUSED);
	CHECK_TEXT(lab->last.reason, "planned work");
	CHECK_INT(script.now, 0);
	lab->stop_at = 4;
	sense_resume(lab->sense, "it", "done");
	CHECK(loop_run_for(lab->loop, 5 * TIME_SECOND));
	CHECK_INT(lab->state.status, CHECK_UP);
	sense_remove(lab->sense, "it");
	loop_run_for(lab->loop, 50 * TIME_MS);
	CHECK_INT(sense_figures(lab->sense).checks, 0);
	CHECK(lab->rows > 0);
	lab_destroy(lab);
}

TEST(a_restart_goes_on_where_it_was)
{
	struct lab *lab = lab_create(NULL);
	time_us due;
	script = (struct script){ .results = "+" };
	struct check_state state_before = { .status = CHECK_DOWN, .hard = CHECK_DOWN, .bad = 2,
	                                    .bad_boot = TIME_DAY * 10000 };
	struct check_spec spec = null_spec("it", TIME_SECOND);
	spec.kind = &check_script;
	CHECK_INT(sense_set(lab->sense, &spec, &state_before), OK);
	lab->stop_at = 2;
	CHECK(loop_run_for(lab->loop, 5 * TIME_SECOND));
	CHECK_INT(lab->transitions[CHECK_RECOVERING], 1);
	CHECK_INT(lab->transitions[CHECK_UP], 1);
	CHECK_INT(sense_state(lab->sense, "it", &due)->status, CHECK_UP);
	CHECK(due > 0);
	CHECK(sense_state(lab->sense, "other", &due) == NULL);
	lab_destroy(lab);
}

TEST(words_that_come_too_late_find_nobody)
{
	struct lab *lab = lab_create(NULL);
	struct check_spec spec = null_spec("late", TIME_SECOND);
	CHECK_INT(sense_set(lab->sense, &spec, NULL), OK);
	CHECK_INT(sense_pause(lab->sense, "late", "x"), OK);
	lab_destroy(lab); /* the loop runs the words after the sense is gone */
}

/* ---- the probes ---- */

static char *answer_web(void *context, const char *request)
{
	(void)context;
	if (request == NULL)
		return mem_strdup("+PONG\r\n");
	if (strstr(request, " /ok ") != NULL)
		return mem_strdup("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall green");
	if (strstr(request, " /gone ") != NULL)
		return mem_strdup("HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n");
	return mem_strdup("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
}

static void on_tried(void *context, const struct check_result *result)
{
	struct lab *lab = context;
	lab->last = *result;
	lab->results++;
	loop_stop(lab->loop);
}

/* Tries a spec; in the text '$' stands for the port. */
static void try_spec(struct lab *lab, uint16_t port, const char *text)
{
	struct buf json;
	buf_init(&json, 4096);
	for (; *text != '\0'; text++) {
		if (*text == '$')
			buf_printf(&json, "%u", port);
		else
			buf_addc(&json, *text == '\'' ? '"' : *text);
	}
	struct check_spec spec = spec_of("try", json.bytes);
	buf_finish(&json);
	lab->results = 0;
	CHECK_INT(sense_try(lab->sense, &spec, on_tried, lab), OK);
	CHECK(loop_run_for(lab->loop, 10 * TIME_SECOND));
	CHECK_INT(lab->results, 1);
}

TEST(an_http_check_judges_status_and_body)
{
	struct lab *lab = lab_create(NULL);
	struct peer peer = { .fd = -1 };
	peer_start(&peer, answer_web, NULL);
	try_spec(lab, peer.port, "{'kind':'http','url':'http://localhost:$/ok','expect':{'body_contains':"
	                         "'green','body_not_contains':'red'}}");
	CHECK(lab->last.good);
	CHECK_INT(lab->last.status, 200);
	CHECK_TEXT(lab->last.reason, "status 200");
	CHECK(lab->last.latency > 0 && lab->last.wall > 0 && lab->last.boot > 0);
	try_spec(lab, peer.port, "{'kind':'http','url':'http://localhost:$/x'}");
	CHECK(!lab->last.good);
	CHECK_TEXT(lab->last.reason, "status 503, wanted 200-399");
	CHECK(lab->last.latency > 0);
	try_spec(lab, peer.port, "{'kind':'http','url':'http://localhost:$/gone','expect':{'status':"
	                         "'404'}}");
	CHECK(lab->last.good);
	try_spec(lab, peer.port, "{'kind':'http','url':'http://localhost:$/ok','expect':{'body_contains':"
	                         "'blue'}}");
	CHECK_TEXT(lab->last.reason, "the answer does not contain \"blue\"");
	try_spec(lab, peer.port, "{'kind':'http','url':'http://localhost:$/ok','expect':"
	                         "{'body_not_contains':'green'}}");
	CHECK_TEXT(lab->last.reason, "the answer contains \"green\"");
	try_spec(lab, peer.port, "{'kind':'http','url':'http://169.254.169.254/'}");
	CHECK(!lab->last.good);
	CHECK(strstr(lab->last.reason, "cloud metadata") != NULL);
	uint16_t port = peer.port;
	peer_stop(&peer);
	try_spec(lab, port, "{'kind':'http','url':'http://localhost:$/ok'}");
	CHECK(strstr(lab->last.reason, "Connection refused") != NULL);
	CHECK_INT(lab->last.latency, 0);
	lab_destroy(lab);
}

TEST(a_tcp_check_connects_and_talks_if_asked)
{
	struct lab *lab = lab_create(NULL);
	struct peer peer = { .greets = true };
	peer_start(&peer, answer_web, NULL);
	try_spec(lab, peer.port, "{'kind':'tcp','host':'127.0.0.1','port':$}");
	CHECK(lab->last.good);
	try_spec(lab, peer.port, "{'kind':'tcp','host':'127.0.0.1','port':$,'send':'PING\\r\\n',"
	                         "'receive':'PONG'}");
	CHECK_TEXT(lab->last.good ? "good" : lab->last.reason, "good");
	try_spec(lab, peer.port, "{'kind':'tcp','host':'127.0.0.1','port':$,'receive':'HELLO'}");
	CHECK(!lab->last.good);
	CHECK(strstr(lab->last.reason, "closed the connection without the expected answer") != NULL);
	uint16_t port = peer.port;
	peer_stop(&peer);
	try_spec(lab, port, "{'kind':'tcp','host':'127.0.0.1','port':$}");
	CHECK(strstr(lab->last.reason, "Connection refused") != NULL);
	/* A socket that is bound and accepts nobody: connected by the kernel, silent for ever. */
	int silent = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	CHECK_INT(bind(silent, (struct sockaddr *)&at, size), 0);
	CHECK_INT(listen(silent, 8), 0);
	getsockname(silent, (struct sockaddr *)&at, &size);
	try_spec(lab, ntohs(at.sin_port), "{'kind':'tcp','host':'127.0.0.1','port':$,'receive':'x',"
	                                  "'timeout':'200ms'}");
	CHECK(strstr(lab->last.reason, "did not come in time") != NULL);
	close(silent);
	lab_destroy(lab);
}

static void try_certificate(const struct peer_ca *ca, const char *name, time_us left, const char *json,
                            struct check_result *ret_result)
{
	struct peer peer = { .fd = -1 };
	struct lab *lab = lab_create(ca->file);
	time_us now = clock_wall(&lab->clock);
	peer_certify(&peer, ca, name, now - 40 * TIME_DAY, now + left + TIME_HOUR);
	peer_start(&peer, answer_web, NULL);
	try_spec(lab, peer.port, json);
	*ret_result = lab->last;
	peer_stop(&peer);
	lab_destroy(lab);
}

TEST(a_tls_check_judges_days_chain_and_name)
{
	struct peer_ca ca;
	struct clock clock;
	struct check_result result;
	static const char tls[] = "{'kind':'tls','host':'localhost','port':$}";
	clock_system(&clock);
	peer_ca_create(&ca, clock_wall(&clock));
	try_certificate(&ca, "localhost", 30 * TIME_DAY, tls, &result);
	CHECK(result.good && result.certificated);
	CHECK_INT(result.days_left, 30);
	CHECK_TEXT(result.subject, "CN=localhost");
	try_certificate(&ca, "localhost", 6 * TIME_DAY, tls, &result);
	CHECK(!result.good);
	CHECK_TEXT(result.reason, "the certificate ends in 6 days");
	try_certificate(&ca, "localhost", -2 * TIME_DAY, tls, &result);
	CHECK_TEXT(result.reason, "the certificate has expired (\"localhost\")");
	try_certificate(&ca, "other.example", 30 * TIME_DAY, tls, &result);
	CHECK_TEXT(result.reason, "the certificate is for another name (\"localhost\")");
	try_certificate(&ca, "other.example", 30 * TIME_DAY,
	                "{'kind':'tls','host':'localhost','port':$,'server_name':'other.example'}", &result);
	CHECK(result.good);
	try_certificate(&ca, "localhost", 6 * TIME_DAY, "{'kind':'http','url':'https://localhost:$/ok'}",
	                &result);
	CHECK_TEXT(result.reason, "the certificate ends in 6 days");
	CHECK_INT(result.status, 200);
	peer_ca_destroy(&ca);
}

TESTS(RUN(the_rows_of_a_check_are_sound_and_their_defaults_are_those_the_reader_uses),
      RUN(what_a_kind_needs_is_asked_for_and_what_it_cannot_have_is_refused),
      RUN(statuses_are_read_as_ranges), RUN(ten_thousand_checks_run_on_time_and_none_is_missed),
      RUN(after_a_first_failure_it_looks_again_sooner),
      RUN(at_most_so_many_run_at_once_and_the_others_wait_their_turn),
      RUN(a_round_that_passes_while_the_last_still_runs_is_missed_and_counted),
      RUN(pausing_stops_at_once_and_resuming_looks_at_once), RUN(a_restart_goes_on_where_it_was),
      RUN(words_that_come_too_late_find_nobody), RUN(an_http_check_judges_status_and_body),
      RUN(a_tcp_check_connects_and_talks_if_asked), RUN(a_tls_check_judges_days_chain_and_name))
