/*
 * monitor_discovery_probe.c: ask a listener what it speaks, in at most two short connections.
 *
 * First one HEAD request. If the answer is HTTP, that is it; but a server that expects TLS also answers
 * HTTP ("400, plain request to an HTTPS port"), so a 400 or nonsense is followed by a TLS greeting.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/monitor_discovery_priv.h"
#include "monitor/monitor_probe.h"
#include "sys/loop.h"
#include "wire/dial.h"
#include "wire/egress.h"
#include "wire/tls_hello.h"

#define ANSWER_BYTES 1024

static const char question[] = "HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: mainstay\r\n"
                               "Accept: */*\r\nConnection: close\r\n\r\n";

struct round {
	struct probe_tools tools;
	struct egress_policy policy; /* what listens here may be asked, wherever it listens */
	struct loop_timer *timer;
	struct discovery *discovery;
	discovery_fn *fn;
	void *context;
	unsigned next, running;
};

struct asking {
	struct round *round;
	struct discovered *item;
	struct dial *dial;
	struct loop_poll *poll;
	struct loop_timer *timer;
	struct tls_hello *hello;
	int fd;
	bool greets; /* the second connection: TLS */
	size_t received;
	char answer[ANSWER_BYTES + 1];
};

static void begin_more(void *context);

static void close_connection(struct asking *asking)
{
	loop_poll_destroy(&asking->poll);
	loop_timer_stop(asking->timer);
	if (asking->fd >= 0)
		close(asking->fd);
	asking->fd = -1;
}

static void finish(struct asking *asking)
{
	struct round *round = asking->round;
	close_connection(asking);
	loop_timer_destroy(&asking->timer);
	mem_free(asking);
	round->running--;
	loop_timer_start(round->timer, 0);
}

static void connect_again(struct asking *asking);

/* "HTTP/1.1 200 OK" */
static int status_of(const char *answer)
{
	int64_t status;
	struct str text = str_of(answer), version, rest;
	if (!str_starts(text, STR("HTTP/1.")) || !str_cut(text, ' ', &version, &rest) ||
	    !str_int(str_sub(rest, 0, 3), 100, 599, &status))
		return 0;
	return (int)status;
}

static void judge_answer(struct asking *asking)
{
	asking->answer[asking->received] = '\0';
	int status = status_of(asking->answer);
	close_connection(asking);
	if (status != 0) {
		asking->item->protocol = DISCOVERY_HTTP;
		asking->item->status = status;
	}
	if (status != 0 && status != 400) {
		finish(asking);
		return;
	}
	asking->greets = true;
	connect_again(asking);
}

static void on_readable(void *context, unsigned events)
{
	(void)events;
	struct asking *asking = context;
	ssize_t count = recv(asking->fd, asking->answer + asking->received,
	                     ANSWER_BYTES - asking->received, 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	asking->received += count > 0 ? (size_t)count : 0;
	bool whole_line = memchr(asking->answer, '\n', asking->received) != NULL;
	if (count <= 0 || whole_line || asking->received == ANSWER_BYTES)
		judge_answer(asking);
}

static void on_silence(void *context)
{
	judge_answer(context);
}

static void on_hello(void *context, const struct tls_hello_result *result, const struct error *err)
{
	struct asking *asking = context;
	(void)err;
	asking->hello = NULL;
	/* Whoever speaks HTTP on a TLS port told so in clear; of others we know TLS alone. */
	bool http = asking->item->protocol == DISCOVERY_HTTP;
	if (result->shaken) {
		asking->item->protocol = http ? DISCOVERY_HTTPS : DISCOVERY_TLS;
		asking->item->status = 0;
	} else if (asking->item->status == 0) {
		asking->item->protocol = DISCOVERY_TCP;
	}
	finish(asking);
}

static void ask(struct asking *asking)
{
	/* A few bytes into an empty socket buffer: they fit, or the other side is gone already. */
	ssize_t sent = send(asking->fd, question, sizeof question - 1, MSG_NOSIGNAL);
	if (sent != (ssize_t)sizeof question - 1 ||
	    loop_poll_create(asking->round->tools.loop, asking->fd, on_readable, asking, &asking->poll,
	                     NULL) != OK) {
		judge_answer(asking);
		return;
	}
	loop_poll_watch(asking->poll, LOOP_READABLE);
	loop_timer_start(asking->timer, DISCOVERY_PROBE_TIMEOUT);
}

static void on_dialled(void *context, const struct dial_result *result, const struct error *err)
{
	struct asking *asking = context;
	asking->dial = NULL;
	if (err != NULL) {
		if (asking->item->status == 0)
			asking->item->protocol = DISCOVERY_TCP;
		finish(asking);
		return;
	}
	const struct probe_tools *tools = &asking->round->tools;
	if (asking->greets) {
		tls_hello_start(tools->loop, tools->clock, tools->trust, result->fd, "localhost",
		                DISCOVERY_PROBE_TIMEOUT, on_hello, asking, &asking->hello);
		return;
	}
	asking->fd = result->fd;
	ask(asking);
}

static void connect_again(struct asking *asking)
{
	const struct probe_tools *tools = &asking->round->tools;
	char host[ADDRESS_TEXT_BYTES];
	discovery_reach(asking->item, host);
	struct dial_request request = { .host = host, .port = asking->item->port,
	                                .timeout = DISCOVERY_PROBE_TIMEOUT,
	                                .policy = &asking->round->policy };
	asking->received = 0;
	if (dial_start(tools->loop, tools->clock, tools->resolve, &request, on_dialled, asking,
	               &asking->dial, NULL) != OK)
		finish(asking);
}

static bool may_ask(const struct discovered *item)
{
	return item->known == NULL || item->known->asks;
}

static void begin_more(void *context)
{
	struct round *round = context;
	while (round->running < DISCOVERY_PROBES_AT_ONCE && round->next < round->discovery->count) {
		struct discovered *item = &round->discovery->items[round->next++];
		if (!may_ask(item))
			continue;
		struct asking *asking = mem_alloc(sizeof *asking);
		*asking = (struct asking){ .round = round, .item = item, .fd = -1 };
		asking->timer = loop_timer_create(round->tools.loop, on_silence, asking);
		round->running++;
		connect_again(asking);
	}
	if (round->running > 0)
		return;
	assert(round->next == round->discovery->count);
	loop_timer_destroy(&round->timer);
	round->fn(round->context, round->discovery);
	mem_free(round);
}

void discovery_probe(const struct probe_tools *tools, struct discovery *discovery, discovery_fn *fn,
                     void *context)
{
	struct round *round = mem_alloc(sizeof *round);
	assert(discovery->count <= DISCOVERY_MAX);
	*round = (struct round){ .tools = *tools, .policy = egress_policy_checks(),
	                         .discovery = discovery, .fn = fn, .context = context };
	round->policy.allow_link_local = true;
	round->timer = loop_timer_create(tools->loop, begin_more, round);
	loop_timer_start(round->timer, 0);
}
