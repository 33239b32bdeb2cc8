/* monitor_probe.c: what probes share, and the null one. */
#include "monitor/monitor_probe.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "sys/loop.h"

void probe_fail(struct check_result *result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(result->reason, sizeof result->reason, format, args);
	va_end(args);
	result->good = false;
}

void probe_blind(struct check_result *result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(result->reason, sizeof result->reason, format, args);
	va_end(args);
	result->good = false;
	result->blind = true;
}

void probe_warn(struct check_result *result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(result->reason, sizeof result->reason, format, args);
	va_end(args);
	result->good = true;
	result->warned = true;
}

void probe_certificate(struct check_result *result, const struct certificate *certificate,
                       time_us now)
{
	result->certificated = true;
	result->not_after = certificate->not_after;
	result->days_left = certificate_days_left(certificate, now);
	snprintf(result->subject, sizeof result->subject, "%.*s", (int)sizeof result->subject - 1,
	         certificate->subject);
}

struct null_run {
	struct loop_timer *timer;
	probe_done_fn *done;
	void *context;
};

static void null_end(void *context)
{
	struct null_run *run = context;
	struct check_result result = { .good = true, .reason = "nothing was asked" };
	run->done(run->context, &result);
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static enum err null_start(const struct probe_tools *tools, const struct check_spec *spec,
                           probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	(void)spec, (void)err;
	struct null_run *run = mem_alloc(sizeof *run);
	*run = (struct null_run){ .done = done, .context = context };
	run->timer = loop_timer_create(tools->loop, null_end, run);
	loop_timer_start(run->timer, 0);
	*ret_run = run;
	return OK;
}

static void null_cancel(void *context)
{
	struct null_run *run = context;
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

const struct check_kind check_null = {
	.name = "null",
	.start = null_start,
	.cancel = null_cancel,
};
