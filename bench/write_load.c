/*
 * write_load.c: sends samples by remote write 1.0 as fast as a server takes them, for bench/write and bench/query.
 *
 *     write_load HOST PORT TOKEN SEED CONNECTIONS SERIES STEPS END_MS [fleet]
 *
 * A series has seven labels, as node_exporter has them; its values are a counter of hundredths, a gauge, or a bucket. With
 * `fleet` they are hosts of 100 series each: seconds of processors, latencies, memory, networks, facts. Every
 * body holds one sample of 2,000 series, at a time of its own, 15 s after the one before; a connection sends its
 * series in order of time. Messages are made beforehand but for times and values, which are written into them and
 * packed anew: that costs this process, and the processor of the server alone is measured.
 *
 * Prints one line of JSON: samples answered 2xx, seconds, other answers.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "wire/test_remote_write.h"

#define PER_BODY 2000u
#define CONNECTIONS_MAX 16u
#define STEP_MS 15000
#define ANSWER_BYTES_MAX 65536u
#define MESSAGE_BYTES_MAX ((size_t)4 << 20)

enum shape { SHAPE_COUNTER, SHAPE_GAUGE, SHAPE_BUCKET, SHAPE_FACT };

struct body {
	struct buf message;
	size_t samples[PER_BODY]; /* where the eight bytes of each value stand; the time follows after one byte */
	double values[PER_BODY], steep[PER_BODY]; /* steep: of a bucket, how much faster it grows than the first */
	enum shape shapes[PER_BODY];
	unsigned count;
};

struct plan {
	struct sockaddr_in address;
	const char *host, *token;
	unsigned connections, bodies, steps;
	int64_t end_ms;
	uint64_t seed;
	struct body *all;
};

struct worker {
	pthread_t thread;
	struct plan *plan;
	unsigned index;
	int64_t answered, refused;
};

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Six bytes, whatever the time: what lies between 2005 and 2109. */
static void put_time(char *out, int64_t time_ms)
{
	for (int i = 0; i < 6; i++, time_ms >>= 7)
		out[i] = (char)((time_ms & 0x7f) | (i < 5 ? 0x80 : 0));
}

static void add_labels(struct body *body, const char *labels, enum shape shape, double steep)
{
	struct buf series;
	buf_init(&series, 4096);
	put_labels(&series, labels);
	put_sample(&series, INT64_C(1700000000000), 1);
	put_field(&body->message, 1, buf_str(&series));
	body->samples[body->count] = body->message.used - 15; /* value, tag of the time, time */
	body->shapes[body->count] = shape;
	body->steep[body->count++] = steep;
	buf_finish(&series);
}

static void add_series(struct body *body, uint64_t number)
{
	static const char *const names[] = { "node_cpu_seconds_total", "node_memory_Active_bytes", "http_request_duration_seconds_bucket" };
	static const char *const modes[] = { "idle", "user", "system", "iowait" };
	char labels[400];
	snprintf(labels, sizeof labels, "__name__=%s,cluster=eu-west-%u,cpu=%u,environment=production,instance=host-%05u:9100,job=node,mode=%s",
		 names[number % 3], (unsigned)(number % 4), (unsigned)(number / 3 % 8), (unsigned)(number / 96), modes[number / 24 % 4]);
	add_labels(body, labels, (enum shape)(number % 3), 1);
}

/* The 100 series of a host. */
static void add_fleet_series(struct body *body, uint64_t number)
{
	static const char *const modes[] = { "idle", "user", "system", "iowait", "irq", "nice", "steal" };
	static const char *const handlers[] = { "/api/orders", "/api/search", "/login" };
	static const char *const bounds[] = { "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf" };
	char labels[400], host[60];
	unsigned k = (unsigned)(number % 100), n = (unsigned)(number / 100);
	snprintf(host, sizeof host, "instance=host-%05u:9100,job=node", n);
	if (k < 3)
		snprintf(labels, sizeof labels, "__name__=node_static_info%u,cluster=eu-west-%u,%s,version=1.%u", k + 1, n % 4, host, n % 7);
	else if (k < 17)
		snprintf(labels, sizeof labels, "__name__=node_cpu_seconds_total,cpu=%u,%s,mode=%s", (k - 3) / 7, host, modes[(k - 3) % 7]);
	else if (k < 53)
		snprintf(labels, sizeof labels, "__name__=http_request_duration_seconds_bucket,handler=%s,%s,le=%s", handlers[(k - 17) / 12],
			 host, bounds[(k - 17) % 12]);
	else if (k < 70)
		snprintf(labels, sizeof labels, "__name__=node_memory_%u_bytes,%s", k - 52, host);
	else
		snprintf(labels, sizeof labels, "__name__=node_network_%u_bytes_total,%s", k - 69, host);
	body->values[body->count] = 1e6 * ((k - 17) % 12 + 1); /* not near zero, where Prometheus 2 and 3 guess a beginning differently */
	add_labels(body, labels, k < 3 ? SHAPE_FACT : k < 17 || k >= 70 ? SHAPE_COUNTER : k < 53 ? SHAPE_BUCKET : SHAPE_GAUGE,
		   (k - 17) % 12 + 1);
}

/* A bucket of a larger bound grows faster, as it holds the others. */
static double next_value(const struct body *body, unsigned i, double step)
{
	double before = body->values[i];
	switch (body->shapes[i]) {
	case SHAPE_COUNTER: return before + step / 100;
	case SHAPE_GAUGE: return 1e9 + step * 4096;
	case SHAPE_BUCKET: return before + (double)((uint64_t)step % 20) * body->steep[i];
	case SHAPE_FACT: break;
	}
	return 1;
}

static void write_step(struct body *body, struct random *random, int64_t time_ms)
{
	for (unsigned i = 0; i < body->count; i++) {
		char *at = body->message.bytes + body->samples[i];
		double step = (double)random_below(random, 1500);
		body->values[i] = next_value(body, i, step);
		memcpy(at, &body->values[i], sizeof(double));
		put_time(at + 9, time_ms);
	}
}

static int dial(const struct plan *plan)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&plan->address, sizeof plan->address) != 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void send_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = write(fd, bytes, size);
		if (sent <= 0) {
			perror("write");
			exit(1);
		}
		bytes += sent;
		size -= (size_t)sent;
	}
}

/* The status of an answer; its body, which is short, is read with its head. */
static int read_answer(int fd)
{
	char answer[ANSWER_BYTES_MAX];
	size_t used = 0;
	for (;;) {
		ssize_t got = read(fd, answer + used, sizeof answer - 1 - used);
		if (got <= 0) {
			fprintf(stderr, "the server closed the connection\n");
			exit(1);
		}
		used += (size_t)got;
		answer[used] = '\0';
		const char *end = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\ncontent-length:");
		if (end == NULL)
			continue;
		size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
		if (used >= (size_t)(end - answer) + 4 + body)
			return (int)strtol(answer + 9, NULL, 10);
	}
}

static int post(const struct plan *plan, int fd, const struct body *body)
{
	char head[700], *block;
	size_t size;
	snappy_block_pack(buf_str(&body->message), &block, &size);
	int length = snprintf(head, sizeof head, "POST /api/v1/write HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-protobuf\r\n"
			      "Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: %zu\r\n\r\n", plan->host,
			      plan->token, size);
	send_all(fd, head, (size_t)length);
	send_all(fd, block, size);
	mem_free(block);
	return read_answer(fd);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct plan *plan = worker->plan;
	struct random random;
	int fd = dial(plan);
	random_seeded(&random, plan->seed + worker->index);
	for (unsigned step = 0; step < plan->steps; step++) {
		int64_t time_ms = plan->end_ms - (int64_t)(plan->steps - 1 - step) * STEP_MS;
		for (unsigned b = worker->index; b < plan->bodies; b += plan->connections) {
			write_step(&plan->all[b], &random, time_ms);
			int status = post(plan, fd, &plan->all[b]);
			if (status / 100 == 2)
				worker->answered += plan->all[b].count;
			else if (worker->refused++ == 0)
				fprintf(stderr, "a body was answered %d\n", status);
		}
	}
	close(fd);
	return NULL;
}

static void make_bodies(struct plan *plan, unsigned series, void (*add)(struct body *body, uint64_t number))
{
	plan->bodies = (series + PER_BODY - 1) / PER_BODY;
	plan->all = mem_alloc(plan->bodies * sizeof *plan->all);
	for (unsigned i = 0; i < series; i++) {
		struct body *body = &plan->all[i / PER_BODY];
		if (body->count == 0)
			buf_init(&body->message, MESSAGE_BYTES_MAX);
		add(body, i);
	}
}

int main(int argc, char **argv)
{
	struct worker workers[CONNECTIONS_MAX] = { 0 };
	struct plan plan = { .address.sin_family = AF_INET };
	bool fleet = argc == 10 && strcmp(argv[9], "fleet") == 0;
	if (argc != 9 && !fleet) {
		fprintf(stderr, "usage: write_load HOST PORT TOKEN SEED CONNECTIONS SERIES STEPS END_MS [fleet]\n");
		return 2;
	}
	plan.host = argv[1];
	plan.token = argv[3];
	inet_pton(AF_INET, argv[1], &plan.address.sin_addr);
	plan.address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	plan.seed = strtoull(argv[4], NULL, 10);
	plan.connections = (unsigned)strtoul(argv[5], NULL, 10);
	plan.steps = (unsigned)strtoul(argv[7], NULL, 10);
	plan.end_ms = strtoll(argv[8], NULL, 10);
	if (plan.connections == 0 || plan.connections > CONNECTIONS_MAX)
		return 2;
	make_bodies(&plan, (unsigned)strtoul(argv[6], NULL, 10), fleet ? add_fleet_series : add_series);
	double begun = now_seconds();
	for (unsigned i = 0; i < plan.connections; i++) {
		workers[i].plan = &plan;
		workers[i].index = i;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	int64_t answered = 0, refused = 0;
	for (unsigned i = 0; i < plan.connections; i++) {
		pthread_join(workers[i].thread, NULL);
		answered += workers[i].answered;
		refused += workers[i].refused;
	}
	printf("{\"samples\":%lld,\"seconds\":%.3f,\"refused\":%lld}\n", (long long)answered, now_seconds() - begun, (long long)refused);
	for (unsigned i = 0; i < plan.bodies; i++)
		buf_finish(&plan.all[i].message);
	mem_free(plan.all);
	return 0;
}
