/*
 * check_http.c: one HTTP request, judged by status, body and certificate.
 *
 * Each try makes a connection of its own: name, connect and handshake are part of what people meet.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "sys/clock.h"
#include "wire/http_client.h"

#define BODY_SEEN_BYTES (1u << 20)

struct http_run {
	const struct probe_tools *tools;
	const struct check_spec *spec;
	struct http_call *call;
	probe_done_fn *done;
	void *context;
};

static bool contains(struct str body, const char *text)
{
	return body.len > 0 && memmem(body.ptr, body.len, text, strlen(text)) != NULL;
}

/* The first thing that is wrong is the reason; a person repairs one at a time. */
static void judge(const struct check_spec *spec, const struct http_answer *answer,
                  struct check_result *result)
{
	if (!status_ranges_match(&spec->status, answer->status))
		probe_fail(result, "status %d, wanted %s", answer->status, spec->status_text);
	else if (spec->body_contains != NULL && !contains(answer->body, spec->body_contains))
		probe_fail(result, "the answer does not contain \"%.100s\"%s", spec->body_contains,
		           answer->body_cut ? " in its first MiB" : "");
	else if (spec->body_not_contains != NULL && contains(answer->body, spec->body_not_contains))
		probe_fail(result, "the answer contains \"%.100s\"", spec->body_not_contains);
	else
		snprintf(result->reason, sizeof result->reason, "status %d", answer->status);
}

static void take_way(const struct http_answer *answer, struct check_result *result)
{
	const struct http_timings *took = &answer->timings;
	snprintf(result->address, sizeof result->address, "%s", answer->address);
	result->timings = (struct check_timings){ took->dns, took->connect, took->tls, took->first_byte,
	                                          took->total };
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct http_run *run = context;
	struct check_result result = { .good = true, .status = answer->status };
	take_way(answer, &result);
	if (answer->certificated)
		probe_certificate(&result, &answer->certificate, clock_wall(run->tools->clock));
	if (err != NULL) {
		probe_fail(&result, "%s", err->text);
	} else {
		result.latency = answer->timings.total;
		judge(run->spec, answer, &result);
		check_judge(&run->spec->rules, &result);
	}
	run->done(run->context, &result);
	mem_free(run);
}

static enum err http_start(const struct probe_tools *tools, const struct check_spec *spec,
                           probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	struct http_run *run = mem_alloc(sizeof *run);
	*run = (struct http_run){ .tools = tools, .spec = spec, .done = done, .context = context };
	struct http_ask request = {
		.method = spec->method, .url = spec->url, .fields = spec->fields,
		.fields_count = spec->fields_count, .timeout = spec->timeout,
		.body_max_bytes = spec->body_contains != NULL || spec->body_not_contains != NULL
			? BODY_SEEN_BYTES : 1,
		.redirects_max = spec->redirects_max, .verify_off = spec->verify_off, .fresh = true,
	};
	enum err result = http_client_start(tools->http, &request, on_answer, run, &run->call, err);
	if (result != OK) {
		mem_free(run);
		return result;
	}
	*ret_run = run;
	return OK;
}

static void http_cancel(void *context)
{
	struct http_run *run = context;
	http_call_cancel(&run->call);
	mem_free(run);
}

const struct check_kind check_http = {
	.name = "http",
	.anywhere = true,
	.start = http_start,
	.cancel = http_cancel,
};
