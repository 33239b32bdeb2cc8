/* check_tcp.c: connect; if asked, say something; if asked, wait for an answer that contains a text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/dial.h"

#define RECEIVE_BYTES 16384

struct tcp_run {
	const struct probe_tools *tools;
	const struct check_spec *spec;
	struct dial *dial;
	struct loop_poll *poll;
	struct loop_timer *timer;
	probe_done_fn *done;
	void *context;
	time_us started, connected;
	struct check_result way; /* address and timings as far as they are known */
	int fd;
	size_t sent, received;
	char answer[RECEIVE_BYTES];
};

static void run_free(struct tcp_run *run)
{
	dial_cancel(&run->dial);
	loop_poll_destroy(&run->poll);
	loop_timer_destroy(&run->timer);
	if (run->fd >= 0)
		close(run->fd);
	mem_free(run);
}

static void finish(struct tcp_run *run, struct check_result *result)
{
	memcpy(result->address, run->way.address, sizeof result->address);
	result->timings = run->way.timings;
	result->timings.total = clock_since_boot(run->tools->clock) - run->started;
	if (result->good) {
		result->latency = result->timings.total;
		snprintf(result->reason, sizeof result->reason, "%s",
		         run->spec->receive != NULL ? "answered" : "connected");
	}
	run->done(run->context, result);
	run_free(run);
}

static void fail(struct tcp_run *run, const char *why)
{
	struct check_result result = { .good = false };
	probe_fail(&result, "%s (\"%s\" port %u)", why, run->spec->host, run->spec->port);
	finish(run, &result);
}

static bool send_more(struct tcp_run *run)
{
	size_t size = run->spec->send != NULL ? strlen(run->spec->send) : 0;
	if (run->sent < size) {
		ssize_t count = send(run->fd, run->spec->send + run->sent, size - run->sent, MSG_NOSIGNAL);
		if (count < 0 && errno != EAGAIN && errno != EINTR) {
			fail(run, "connected, but could not send");
			return false;
		}
		run->sent += count > 0 ? (size_t)count : 0;
	}
	bool all = run->sent == size;
	if (all && run->spec->receive == NULL) {
		finish(run, &(struct check_result){ .good = true });
		return false;
	}
	loop_poll_watch(run->poll, LOOP_READABLE | (all ? 0 : LOOP_WRITABLE));
	return true;
}

static void receive_more(struct tcp_run *run)
{
	ssize_t count = recv(run->fd, run->answer + run->received, RECEIVE_BYTES - run->received, 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count > 0 && run->received == 0)
		run->way.timings.first_byte = clock_since_boot(run->tools->clock) - run->connected;
	run->received += count > 0 ? (size_t)count : 0;
	const char *wanted = run->spec->receive;
	if (wanted != NULL && memmem(run->answer, run->received, wanted, strlen(wanted)) != NULL)
		finish(run, &(struct check_result){ .good = true });
	else if (count <= 0)
		fail(run, "it closed the connection without the expected answer");
	else if (run->received == RECEIVE_BYTES)
		fail(run, "the expected text is not in the first 16 KiB");
}

static void on_ready(void *context, unsigned events)
{
	struct tcp_run *run = context;
	if ((events & LOOP_WRITABLE) && !send_more(run))
		return;
	if (events & (LOOP_READABLE | LOOP_FAILED))
		receive_more(run);
}

static void on_time(void *context)
{
	fail(context, "connected, but the expected answer did not come in time");
}

static void on_dialled(void *context, const struct dial_result *dialled, const struct error *err)
{
	struct tcp_run *run = context;
	struct check_result result = { .good = err == NULL };
	run->dial = NULL;
	run->fd = dialled->fd;
	run->connected = clock_since_boot(run->tools->clock);
	probe_dialled(&run->way, dialled);
	if (err != NULL)
		probe_fail(&result, "%s", err->text);
	if (err != NULL || (run->spec->send == NULL && run->spec->receive == NULL)) {
		finish(run, &result);
		return;
	}
	time_us left = run->spec->timeout - (clock_since_boot(run->tools->clock) - run->started);
	struct error trouble;
	if (loop_poll_create(run->tools->loop, run->fd, on_ready, run, &run->poll, &trouble) != OK) {
		fail(run, trouble.text);
		return;
	}
	run->timer = loop_timer_create(run->tools->loop, on_time, run);
	loop_timer_start(run->timer, left > 0 ? left : 0);
	loop_poll_watch(run->poll, LOOP_WRITABLE);
}

static enum err tcp_start(const struct probe_tools *tools, const struct check_spec *spec,
                          probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	struct tcp_run *run = mem_alloc(sizeof *run);
	run->tools = tools;
	run->spec = spec;
	run->done = done;
	run->context = context;
	run->started = clock_since_boot(tools->clock);
	run->fd = -1;
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

static void tcp_cancel(void *context)
{
	run_free(context);
}

const struct check_kind check_tcp = {
	.name = "tcp",
	.anywhere = true,
	.start = tcp_start,
	.cancel = tcp_cancel,
};
