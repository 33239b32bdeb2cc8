/* check_tls.c: a TLS handshake, to watch the certificate: its days left, its chain, its name. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "sys/clock.h"
#include "wire/dial.h"
#include "wire/tls_hello.h"

struct tls_run {
	const struct probe_tools *tools;
	const struct check_spec *spec;
	struct dial *dial;
	struct tls_hello *hello;
	probe_done_fn *done;
	void *context;
	time_us started;
	struct check_result way; /* address and timings as far as they are known */
};

static void finish(struct tls_run *run, struct check_result *result)
{
	memcpy(result->address, run->way.address, sizeof result->address);
	result->timings = run->way.timings;
	result->timings.total = clock_since_boot(run->tools->clock) - run->started;
	run->done(run->context, result);
	mem_free(run);
}

static void judge(const struct tls_run *run, const struct tls_hello_result *hello,
                  struct check_result *result)
{
	if (!hello->certificated) {
		probe_fail(result, "it showed no certificate");
		return;
	}
	probe_certificate(result, &hello->certificate, clock_wall(run->tools->clock));
	if (!hello->certificate.trusted && !run->spec->verify_off) {
		probe_fail(result, "%s", hello->certificate.problem);
		return;
	}
	snprintf(result->reason, sizeof result->reason, "%s, %d days left", hello->version,
	         result->days_left);
	check_judge(&run->spec->rules, result);
}

static void on_hello(void *context, const struct tls_hello_result *hello, const struct error *err)
{
	struct tls_run *run = context;
	struct check_result result = { .good = err == NULL };
	run->way.timings.tls = hello->took;
	if (err != NULL) {
		probe_fail(&result, "%s", err->text);
	} else {
		result.latency = clock_since_boot(run->tools->clock) - run->started;
		judge(run, hello, &result);
	}
	finish(run, &result);
}

static void on_dialled(void *context, const struct dial_result *dialled, const struct error *err)
{
	struct tls_run *run = context;
	run->dial = NULL;
	probe_dialled(&run->way, dialled);
	if (err != NULL) {
		struct check_result result = { .good = false };
		probe_fail(&result, "%s", err->text);
		finish(run, &result);
		return;
	}
	time_us left = run->spec->timeout - (clock_since_boot(run->tools->clock) - run->started);
	const char *name = run->spec->server_name != NULL ? run->spec->server_name : run->spec->host;
	tls_hello_start(run->tools->loop, run->tools->clock, run->tools->trust, dialled->fd, name,
	                left > TIME_MS ? left : TIME_MS, on_hello, run, &run->hello);
}

static enum err tls_start(const struct probe_tools *tools, const struct check_spec *spec,
                          probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	struct tls_run *run = mem_alloc(sizeof *run);
	*run = (struct tls_run){ .tools = tools, .spec = spec, .done = done, .context = context,
	                         .started = clock_since_boot(tools->clock) };
	struct dial_request request = { .host = spec->host, .port = spec->port, .timeout = spec->timeout,
	                                .policy = tools->policy };
	enum err result = dial_start(tools->loop, tools->clock, tools->resolve, &request, on_dialled, run,
	                             &run->dial, err);
	if (result != OK) {
		mem_free(run);
		return result;
	}
	*ret_run = run;
	return OK;
}

static void tls_cancel(void *context)
{
	struct tls_run *run = context;
	dial_cancel(&run->dial);
	tls_hello_cancel(&run->hello);
	mem_free(run);
}

const struct check_kind check_tls = {
	.name = "tls",
	.anywhere = true,
	.start = tls_start,
	.cancel = tls_cancel,
};
