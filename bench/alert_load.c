/*
 * alert_load.c: sends alerts by POST as fast as a server takes them, for bench/alerts.
 *
 *     alert_load HOST PORT (refresh|new) SEED CONNECTIONS ALERTS SECONDS [FIRST]
 *
 * Every body holds 100 alerts of a shape that Prometheus sends: eight labels, three annotations, an end
 * in an hour. `refresh` sends the same ALERTS alerts again and again, and with 0 seconds each just once;
 * `new` numbers them on from FIRST, so that no label set comes twice. One thread a connection; the bodies
 * are made beforehand and only the numbers in them are written anew: the server is what is measured.
 *
 * Prints one line of JSON: alerts answered 200, seconds, other answers, milliseconds of the middle and of
 * the 99th of 100 answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/time.h"

#define PER_BODY 100
#define CONNECTIONS_MAX 64
#define DIGITS 10
#define LATENCIES_MAX 1000000
#define ANSWER_BYTES_MAX 65536

struct body {
	char *bytes; /* head and body of the request */
	size_t size;
	size_t numbers[PER_BODY]; /* where the number of each alert stands */
};

struct plan {
	struct sockaddr_in address;
	bool fresh;
	unsigned connections, bodies, rounds; /* rounds: 1 when each is sent once */
	int64_t ends_us;
	struct body *all;
	int64_t next_number; /* atomic */
	unsigned next_body;  /* atomic: of those sent once */
};

struct worker {
	pthread_t thread;
	struct plan *plan;
	unsigned index;
	int64_t answered, refused;
	uint32_t *latencies_us;
	size_t latency_count;
};

static int64_t now_us(clockid_t clock)
{
	struct timespec at;
	clock_gettime(clock, &at);
	return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void add_alert(struct buf *buf, struct body *body, unsigned at, int64_t number,
		      struct random *random, const char *starts, const char *ends)
{
	static const char *const services[] = { "shop", "search", "login", "payment", "mail" };
	static const char *const rules[] = { "HighLatency", "DiskWillFill", "TargetDown", "HighErrorRate" };
	unsigned which = (unsigned)random_below(random, 20);
	buf_printf(buf, "%s{\"annotations\":{\"description\":\"rule %u has been true for more than ten minutes on "
		   "this instance\",\"runbook_url\":\"https://runbooks.example.org/rules/%u\",\"summary\":\"%s of "
		   "%s\"},\"endsAt\":\"%s\",\"startsAt\":\"%s\",\"generatorURL\":\"http://prometheus.example.org:9090/"
		   "graph?g0.expr=up%%7Bjob%%3D%%22node%%22%%7D+%%3D%%3D+0&g0.tab=1\",\"labels\":{\"alertname\":\"%s\","
		   "\"cluster\":\"eu-west-1\",\"instance\":\"node-", at > 0 ? "," : "[", which, which,
		   rules[which % 4], services[which % 5], ends, starts, rules[which % 4]);
	body->numbers[at] = buf->used;
	buf_printf(buf, "%0*lld.example.org:9100\",\"job\":\"node\",\"namespace\":\"production\",\"service\":\"%s\","
		   "\"severity\":\"%s\",\"zone\":\"%c\"}}", DIGITS, (long long)number, services[which % 5],
		   which % 3 == 0 ? "warning" : "critical", 'a' + (char)(which % 3));
}

static void make_body(struct body *body, const char *host, int64_t first, struct random *random)
{
	struct buf alerts, whole;
	char starts[TIME_TEXT_BYTES], ends[TIME_TEXT_BYTES];
	int64_t now = now_us(CLOCK_REALTIME);
	time_format(now - 60 * TIME_SECOND, starts);
	time_format(now + TIME_HOUR, ends);
	buf_init(&alerts, 1u << 20);
	buf_init(&whole, 1u << 20);
	for (unsigned i = 0; i < PER_BODY; i++)
		add_alert(&alerts, body, i, first + i, random, starts, ends);
	buf_adds(&alerts, "]");
	buf_printf(&whole, "POST /api/v2/alerts HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n", host, alerts.used);
	for (unsigned i = 0; i < PER_BODY; i++)
		body->numbers[i] += whole.used;
	buf_add(&whole, buf_str(&alerts));
	body->size = whole.used;
	body->bytes = buf_take(&whole);
	buf_finish(&alerts);
}

static int dial(const struct plan *plan)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (const struct sockaddr *)&plan->address, sizeof plan->address) != 0) {
		perror("alert_load: connect");
		exit(1);
	}
	return fd;
}

static void send_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			perror("alert_load: send");
			exit(1);
		}
		bytes += sent;
		size -= (size_t)sent;
	}
}

/* Reads one answer with a Content-Length; gives its status. */
static int read_answer(int fd)
{
	char bytes[ANSWER_BYTES_MAX];
	size_t used = 0;
	for (;;) {
		ssize_t got = recv(fd, bytes + used, sizeof bytes - 1 - used, 0);
		if (got <= 0) {
			fprintf(stderr, "alert_load: the server hung up\n");
			exit(1);
		}
		used += (size_t)got;
		bytes[used] = '\0';
		const char *end = strstr(bytes, "\r\n\r\n");
		if (end == NULL)
			continue;
		const char *length = strcasestr(bytes, "\r\nContent-Length:");
		size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
		if (used >= (size_t)(end + 4 - bytes) + body)
			return (int)strtol(bytes + 9, NULL, 10);
	}
}

static void number_anew(struct plan *plan, struct body *body)
{
	int64_t number = __atomic_fetch_add(&plan->next_number, PER_BODY, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < PER_BODY; i++) {
		int64_t rest = number + i;
		for (int digit = DIGITS; digit-- > 0; rest /= 10)
			body->bytes[body->numbers[i] + (size_t)digit] = (char)('0' + rest % 10);
	}
}

/* The bodies of one connection are its own, so that nobody writes numbers into another's. */
static struct body *next_body(struct worker *worker, unsigned turn)
{
	struct plan *plan = worker->plan;
	unsigned own = (plan->bodies - worker->index + plan->connections - 1) / plan->connections;
	if (own == 0 || (plan->rounds == 1 && turn >= own))
		return NULL;
	struct body *body = &plan->all[worker->index + turn % own * plan->connections];
	if (plan->fresh)
		number_anew(plan, body);
	return body;
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct plan *plan = worker->plan;
	int fd = dial(plan);
	for (unsigned turn = 0; plan->rounds == 1 || now_us(CLOCK_MONOTONIC) < plan->ends_us; turn++) {
		struct body *body = next_body(worker, turn);
		if (body == NULL)
			break;
		int64_t begun = now_us(CLOCK_MONOTONIC);
		send_all(fd, body->bytes, body->size);
		int status = read_answer(fd);
		if (worker->latency_count < LATENCIES_MAX)
			worker->latencies_us[worker->latency_count++] =
				(uint32_t)(now_us(CLOCK_MONOTONIC) - begun);
		if (status == 200)
			worker->answered += PER_BODY;
		else
			worker->refused++;
	}
	close(fd);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void report(struct worker *workers, unsigned count, int64_t took_us)
{
	int64_t answered = 0, refused = 0;
	size_t total = 0;
	for (unsigned i = 0; i < count; i++)
		total += workers[i].latency_count;
	uint32_t *all = calloc(total + 1, sizeof *all);
	total = 0;
	for (unsigned i = 0; i < count; i++) {
		answered += workers[i].answered;
		refused += workers[i].refused;
		memcpy(all + total, workers[i].latencies_us, workers[i].latency_count * sizeof *all);
		total += workers[i].latency_count;
	}
	qsort(all, total, sizeof *all, by_size);
	printf("{\"alerts\": %lld, \"seconds\": %.3f, \"refused\": %lld, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
	       (long long)answered, (double)took_us / 1e6, (long long)refused, all[total / 2] / 1e3,
	       all[total * 99 / 100] / 1e3);
}

int main(int argc, char **argv)
{
	if (argc < 8) {
		fprintf(stderr, "usage: alert_load HOST PORT refresh|new SEED CONNECTIONS ALERTS SECONDS [FIRST]\n");
		return 2;
	}
	struct plan plan = { .fresh = strcmp(argv[3], "new") == 0,
			     .connections = (unsigned)strtoul(argv[5], NULL, 10),
			     .bodies = (unsigned)strtoul(argv[6], NULL, 10) / PER_BODY,
			     .rounds = strcmp(argv[7], "0") == 0 };
	char host[64];
	struct random random;
	plan.address.sin_family = AF_INET;
	plan.address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	inet_pton(AF_INET, argv[1], &plan.address.sin_addr);
	snprintf(host, sizeof host, "%s:%s", argv[1], argv[2]);
	random_seeded(&random, (uint64_t)atoll(argv[4]));
	int64_t first = argc > 8 ? atoll(argv[8]) : 0;
	plan.next_number = first;
	plan.all = calloc(plan.bodies, sizeof *plan.all);
	for (unsigned i = 0; i < plan.bodies; i++)
		make_body(&plan.all[i], host, first + (int64_t)i * PER_BODY, &random);
	struct worker workers[CONNECTIONS_MAX] = { 0 };
	int64_t begun = now_us(CLOCK_MONOTONIC);
	plan.ends_us = begun + (int64_t)(atof(argv[7]) * 1e6);
	for (unsigned i = 0; i < plan.connections && i < CONNECTIONS_MAX; i++) {
		workers[i] = (struct worker){ .plan = &plan, .index = i };
		workers[i].latencies_us = calloc(LATENCIES_MAX, sizeof *workers[i].latencies_us);
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (unsigned i = 0; i < plan.connections && i < CONNECTIONS_MAX; i++)
		pthread_join(workers[i].thread, NULL);
	report(workers, plan.connections, now_us(CLOCK_MONOTONIC) - begun);
	return 0;
}
