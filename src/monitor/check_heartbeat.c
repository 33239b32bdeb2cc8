/*
 * check_heartbeat.c: a dead man's switch: a job calls when it has run, and is missed when it does not.
 *
 * What was heard stands in memory (main keeps it, from the store), so a look costs nothing. While Mainstay
 * itself was away nobody could be heard: that time is nobody's fault, and `grace` begins after it.
 */
#include <stdio.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/doc.h"
#include "wire/json_writer.h"

#define DETAIL_BYTES 2048

struct heartbeat_spec {
	time_us every, grace;
};

struct heartbeat_run {
	const struct probe_tools *tools;
	const struct check_spec *spec;
	struct loop_timer *timer;
	probe_done_fn *done;
	void *context;
};

/* "2 h 5 min ago" */
static const char *ago(time_us age, char ret_text[DURATION_TEXT_BYTES])
{
	duration_words(age > TIME_SECOND ? age : TIME_SECOND, ret_text);
	return ret_text;
}

static void judge_missed(const struct heartbeat_spec *own, const struct probe_beat *beat, time_us now,
                         struct check_result *result)
{
	char last[DURATION_TEXT_BYTES], every[DURATION_TEXT_BYTES], begun[DURATION_TEXT_BYTES];
	duration_words(own->every, every);
	if (beat->runs)
		probe_fail(result, "it started %s ago and has not ended; it should call every %s",
		           ago(now - beat->started_at, begun), every);
	else if (beat->was_well)
		probe_fail(result, "last heard %s ago; it should call every %s", ago(now - beat->ok_at, last),
		           every);
	else
		probe_fail(result, "never heard in the %s since its address was made; it should call every %s",
		           ago(now - beat->made, last), every);
}

static void judge_failed(const struct probe_beat *beat, time_us now, struct check_result *result)
{
	char last[DURATION_TEXT_BYTES], code[32] = "";
	if (beat->exit_code >= 0)
		snprintf(code, sizeof code, " (exit %d)", beat->exit_code);
	probe_fail(result, "the job said %s ago that it failed%s%s%.120s", ago(now - beat->at, last), code,
	           beat->said[0] != '\0' ? ": " : "", beat->said);
}

static void judge(const struct heartbeat_spec *own, const struct probe_beat *beat, time_us now,
                  struct check_result *result)
{
	char last[DURATION_TEXT_BYTES];
	time_us due = (beat->was_well ? beat->ok_at : beat->made) + own->every;
	if (due < beat->listening)
		due = beat->listening;
	result->latency = beat->took;
	if (beat->failed)
		judge_failed(beat, now, result);
	else if (now > due + own->grace)
		judge_missed(own, beat, now, result);
	else if (!beat->was_well)
		probe_blind(result, beat->runs ? "it has started, and has not ended yet"
		                               : "it waits for the first call");
	else
		snprintf(result->reason, sizeof result->reason, "last heard %s ago",
		         ago(now - beat->ok_at, last));
}

static void write_instant(struct json_writer *json, const char *key, bool known, time_us wall)
{
	if (known)
		json_field_time(json, key, wall);
	else
		json_field_null(json, key);
}

static void write_detail(const struct probe_tools *tools, const struct probe_beat *beat, struct buf *out)
{
	time_us shift = clock_wall(tools->clock) - clock_since_boot(tools->clock);
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	json_key(&json, "heartbeat");
	json_map_begin(&json);
	write_instant(&json, "heard_at", beat->heard, beat->at + shift);
	write_instant(&json, "well_at", beat->was_well, beat->ok_at + shift);
	write_instant(&json, "started_at", beat->runs, beat->started_at + shift);
	json_field_bool(&json, "failed", beat->failed);
	json_key(&json, "exit_code");
	if (beat->exit_code >= 0)
		json_int(&json, beat->exit_code);
	else
		json_null(&json);
	json_field_cstr(&json, "said", beat->said);
	json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
}

static void on_looked(void *context)
{
	struct heartbeat_run *run = context;
	const struct probe_tools *tools = run->tools;
	struct check_result result = { .good = true };
	struct probe_beat beat = { .exit_code = -1 };
	cleanup_buf struct buf detail;
	buf_init(&detail, DETAIL_BYTES);
	if (tools->beats == NULL || !tools->beats->find(tools->beats->context, run->spec->name, &beat)) {
		probe_blind(&result, "nobody can call it yet: make its address on its page, or by: mainstay check "
		            "address %s", run->spec->name);
	} else {
		judge(run->spec->own, &beat, clock_since_boot(tools->clock), &result);
		write_detail(tools, &beat, &detail);
		result.detail = detail.full ? NULL : detail.bytes;
	}
	run->done(run->context, &result);
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static enum err heartbeat_start(const struct probe_tools *tools, const struct check_spec *spec,
                                probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	(void)err;
	struct heartbeat_run *run = mem_alloc(sizeof *run);
	*run = (struct heartbeat_run){ .tools = tools, .spec = spec, .done = done, .context = context };
	run->timer = loop_timer_create(tools->loop, on_looked, run);
	loop_timer_start(run->timer, 0);
	*ret_run = run;
	return OK;
}

static void heartbeat_cancel(void *context)
{
	struct heartbeat_run *run = context;
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static enum err heartbeat_read(const struct doc_node *doc, struct check_spec *spec, struct error *err)
{
	struct heartbeat_spec own = { .every = monitor_spec_duration(doc, "every", "0s"),
	                              .grace = monitor_spec_duration(doc, "grace", "1m") };
	if (own.every < MONITOR_EVERY_MIN || own.every > MONITOR_EVERY_MAX || own.grace < 0)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it does not say how often the job "
		                 "calls", spec->name);
	/* The grace is what waits; a call ends it, and a word of failure needs no second one. */
	spec->rules.fail_after = spec->rules.recover_after = 1;
	struct heartbeat_spec *kept = spec->own = mem_alloc(sizeof own);
	*kept = own;
	return OK;
}

static void heartbeat_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	const struct heartbeat_spec *own = spec->own;
	char every[DURATION_TEXT_BYTES];
	duration_words(own->every, every);
	snprintf(ret_text, size, "a call every %s", every);
}

const struct check_kind check_heartbeat = {
	.name = "heartbeat",
	.read = heartbeat_read,
	.target = heartbeat_target,
	.start = heartbeat_start,
	.cancel = heartbeat_cancel,
};
