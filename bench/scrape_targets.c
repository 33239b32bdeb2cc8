/*
 * scrape_targets.c: many exporters in one process, for bench/scrape.
 *
 *     scrape_targets SEED TARGETS BODY
 *
 * BODY is a file with what one exporter once said. Each target listens on a port of 127.0.0.1 and says the same lines; from
 * one scrape of it to its next their values move as those of a real machine do, and the same seed moves them alike:
 *
 *     counters, and what has no type (node_exporter's vmstat and netstat)   rise, unless they were 0: nobody uses that
 *     of the gauges that are neither 0 nor 1, every second one              moves within half a per cent
 *     all others                                                            stand still, as they were said
 *
 * Numbers keep the grain in which they were said (multiples of 1,024, whole, hundredths, thousandths, else billionths), because how
 * many digits a number has decides what it costs to read and to keep. Bodies are never packed, whatever is asked for.
 *
 *     GET /metrics   the next scrape of the target whose port it is
 *     GET /last      what that target said last, without moving it
 *     GET /counts    what was served to the last byte: {"scrapes":..,"samples":..,"bytes":..,"least":..}; least: scrapes of
 *                    the target that was scraped the fewest times
 *     GET /hold      from now on values stand still         GET /close   from now on every scrape is answered 503
 *
 * Says on one line of JSON where it listens, and ends with its standard input. One thread; loopback only; no secret to keep.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/random.h"
#include "sys/file.h"

#define TARGETS_MAX 4000u
#define LINES_MAX 20000u
#define BODY_BYTES_MAX ((size_t)4 << 20)
#define REQUEST_BYTES_MAX 8192u
#define EVENTS_MAX 64
#define RISE_MAX UINT64_C(1500) /* units of its grain that a counter rises at most from scrape to scrape; billionths: millions of them */
#define UNITS_MAX 1e15 /* so that a double holds each number of units, however long a counter rises */
#define GAUGE_PART 200 /* a gauge moves by up to this part of itself */

enum motion { MOTION_NONE, MOTION_COUNTER, MOTION_GAUGE };
enum mode { MODE_MOVING, MODE_HELD, MODE_CLOSED };

struct line {
	struct str before; /* comments, name, labels and a space */
	struct str said;   /* the value, as who stands still says it again */
	enum motion motion;
	double grain; /* a value is a whole number of units times this, or through this */
	bool through;
	uint64_t rise_max;
	int64_t units; /* as they were said */
};

struct body {
	char *bytes;
	struct line *lines;
	unsigned count, moving;
};

struct target {
	int fd;
	uint16_t port;
	struct random random;
	int64_t *units; /* of each line */
	uint64_t served;
};

struct connection {
	struct connection *next, **at; /* of all; where the pointer to this one stands */
	int fd; /* what listens is one too, without a request */
	struct target *target;
	bool listens;
	char request[REQUEST_BYTES_MAX];
	size_t used;
	struct buf answer;
	size_t sent;
	unsigned samples; /* of the answer under way */
};

struct place {
	int epoll;
	enum mode mode;
	struct body body;
	struct target *targets;
	unsigned count;
	struct connection *connections;
	struct buf said; /* one body, made before its length can be told */
	uint64_t scrapes, samples, bytes;
};

/* The body */

static void choose_grain(struct line *line, double value)
{
	static const struct { double grain; bool through; uint64_t rise_max; } grains[] = {
		{ 1024, false, RISE_MAX }, { 1, false, RISE_MAX }, { 100, true, RISE_MAX }, { 1000, true, RISE_MAX },
		{ 1e9, true, RISE_MAX * 1000000 },
	};
	for (size_t i = 0; i < sizeof grains / sizeof *grains; i++) {
		double units = grains[i].through ? value * grains[i].grain : value / grains[i].grain;
		line->grain = grains[i].grain;
		line->through = grains[i].through;
		line->rise_max = grains[i].rise_max;
		line->units = fabs(units) < UNITS_MAX ? llround(units) : 0;
		if (fabs(units - (double)line->units) <= 1e-12 * fabs(units))
			return;
	}
}

/* Of what is 0, or has more digits than the finest grain, nothing moves. */
static enum motion motion_of(const struct line *line, struct str type, struct str name, double value)
{
	bool sums = str_ends(name, STR("_sum")) || str_ends(name, STR("_count")) || str_ends(name, STR("_bucket"));
	if (line->units == 0)
		return MOTION_NONE;
	if (str_is(type, "counter") || str_is(type, "untyped") || (sums && !str_is(type, "gauge")))
		return MOTION_COUNTER;
	return value == 1 ? MOTION_NONE : MOTION_GAUGE;
}

static bool add_line(struct body *body, struct str text, struct str before, struct str type, unsigned *gauges)
{
	struct line *line = &body->lines[body->count];
	const char *space = memrchr(text.ptr, ' ', text.len);
	double value;
	if (body->count == LINES_MAX || space == NULL)
		return false;
	line->said = (struct str){ space + 1, (size_t)(text.ptr + text.len - space - 1) };
	line->before = (struct str){ before.ptr, (size_t)(space + 1 - before.ptr) };
	if (!number_read(line->said, &value) || !isfinite(value))
		return false;
	choose_grain(line, value);
	line->motion = motion_of(line, type, str_sub(text, 0, strcspn(text.ptr, "{ ")), value);
	if (line->motion == MOTION_GAUGE && (*gauges)++ % 2 != 0)
		line->motion = MOTION_NONE;
	body->moving += line->motion != MOTION_NONE;
	body->count++;
	return true;
}

/* False: a line is not "name{labels} number". */
static bool read_body(struct body *body)
{
	struct str rest = str_of(body->bytes), type = STR_NONE, line, before = rest;
	unsigned gauges = 0;
	body->lines = mem_alloc(LINES_MAX * sizeof *body->lines);
	for (struct str after; rest.len > 0; rest = after) {
		str_cut(rest, '\n', &line, &after);
		if (str_starts(line, STR("# TYPE "))) {
			const char *space = memrchr(line.ptr, ' ', line.len);
			type = (struct str){ space + 1, (size_t)(line.ptr + line.len - space - 1) };
		}
		if (line.len == 0 || *line.ptr == '#')
			continue;
		if (!add_line(body, line, before, type, &gauges))
			return false;
		before = after;
	}
	return body->count > 0;
}

/* The values */

static void move(const struct body *body, struct target *target)
{
	for (unsigned i = 0; i < body->count; i++) {
		const struct line *line = &body->lines[i];
		int64_t swing = llabs(line->units) / GAUGE_PART + 1;
		if (line->motion == MOTION_COUNTER)
			target->units[i] += 1 + (int64_t)random_below(&target->random, line->rise_max);
		else if (line->motion == MOTION_GAUGE)
			target->units[i] = line->units - swing + (int64_t)random_below(&target->random, 2 * (uint64_t)swing + 1);
	}
}

static void say(const struct body *body, const struct target *target, struct buf *out)
{
	buf_reset(out);
	for (unsigned i = 0; i < body->count; i++) {
		const struct line *line = &body->lines[i];
		double units = (double)target->units[i];
		buf_add(out, line->before);
		if (line->motion == MOTION_NONE)
			buf_add(out, line->said);
		else
			number_print(line->through ? units / line->grain : units * line->grain, NUMBER_FORM_G, out);
		buf_addc(out, '\n');
	}
	assert(!out->full);
}

/* Machines have been up for different times, so they do not begin alike. */
static void begin_target(const struct body *body, struct target *target, uint64_t seed)
{
	random_seeded(&target->random, seed);
	target->units = mem_alloc(body->count * sizeof *target->units);
	for (unsigned i = 0; i < body->count; i++) {
		const struct line *line = &body->lines[i];
		target->units[i] = line->units;
		if (line->motion == MOTION_COUNTER && line->units > 0)
			target->units[i] += (int64_t)random_below(&target->random, (uint64_t)line->units + 1);
	}
}

/* The answers */

static void answer(struct connection *connection, const char *status, const char *type, struct str body)
{
	buf_printf(&connection->answer, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status, type, body.len);
	buf_add(&connection->answer, body);
	assert(!connection->answer.full);
}

static void answer_said(struct place *place, struct connection *connection)
{
	say(&place->body, connection->target, &place->said);
	answer(connection, "200 OK", "text/plain; version=0.0.4; charset=utf-8", buf_str(&place->said));
}

static void answer_metrics(struct place *place, struct connection *connection)
{
	if (place->mode == MODE_CLOSED) {
		answer(connection, "503 Service Unavailable", "text/plain", STR("closed\n"));
		return;
	}
	if (place->mode == MODE_MOVING)
		move(&place->body, connection->target);
	answer_said(place, connection);
	connection->samples = place->body.count;
}

static void answer_counts(struct place *place, struct connection *connection)
{
	char text[200];
	uint64_t least = UINT64_MAX;
	for (unsigned i = 0; i < place->count; i++)
		least = place->targets[i].served < least ? place->targets[i].served : least;
	snprintf(text, sizeof text, "{\"scrapes\":%llu,\"samples\":%llu,\"bytes\":%llu,\"least\":%llu}\n", (unsigned long long)place->scrapes,
		 (unsigned long long)place->samples, (unsigned long long)place->bytes, (unsigned long long)least);
	answer(connection, "200 OK", "application/json", str_of(text));
}

static void answer_hold(struct place *place, struct connection *connection)
{
	place->mode = MODE_HELD;
	answer_counts(place, connection);
}

static void answer_close(struct place *place, struct connection *connection)
{
	place->mode = MODE_CLOSED;
	answer_counts(place, connection);
}

static const struct {
	const char *line;
	void (*answer)(struct place *place, struct connection *connection);
} paths[] = {
	{ "GET /metrics ", answer_metrics },
	{ "GET /last ", answer_said },
	{ "GET /counts ", answer_counts },
	{ "GET /hold ", answer_hold },
	{ "GET /close ", answer_close },
};

static void dispatch(struct place *place, struct connection *connection, struct str head)
{
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (str_starts(head, str_of(paths[i].line))) {
			paths[i].answer(place, connection);
			return;
		}
	answer(connection, "404 Not Found", "text/plain", STR("no such path\n"));
}

/* The connections */

static void watch(struct place *place, int how, struct connection *connection, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = connection };
	assert(epoll_ctl(place->epoll, how, connection->fd, &event) == 0);
}

static void add_connection(struct place *place, int fd, struct target *target, bool listens)
{
	struct connection *connection = mem_alloc(sizeof *connection);
	connection->fd = fd;
	connection->target = target;
	connection->listens = listens;
	connection->next = place->connections;
	connection->at = &place->connections;
	if (connection->next != NULL)
		connection->next->at = &connection->next;
	place->connections = connection;
	buf_init(&connection->answer, BODY_BYTES_MAX + REQUEST_BYTES_MAX);
	watch(place, EPOLL_CTL_ADD, connection, EPOLLIN);
}

static void drop_connection(struct connection *connection)
{
	*connection->at = connection->next;
	if (connection->next != NULL)
		connection->next->at = connection->at;
	close(connection->fd);
	buf_finish(&connection->answer);
	mem_free(connection);
}

static void served(struct place *place, struct connection *connection)
{
	if (connection->samples > 0) {
		place->scrapes++;
		place->samples += connection->samples;
		place->bytes += connection->answer.used;
		connection->target->served++;
	}
	connection->samples = 0;
	connection->sent = 0;
	buf_reset(&connection->answer);
}

/* False: the other side is gone. */
static bool send_answer(struct place *place, struct connection *connection)
{
	while (connection->sent < connection->answer.used) {
		ssize_t sent = send(connection->fd, connection->answer.bytes + connection->sent, connection->answer.used - connection->sent,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) {
			watch(place, EPOLL_CTL_MOD, connection, EPOLLOUT);
			return true;
		}
		if (sent <= 0)
			return false;
		connection->sent += (size_t)sent;
	}
	served(place, connection);
	watch(place, EPOLL_CTL_MOD, connection, EPOLLIN);
	return true;
}

/* A request has no body; nobody who scrapes sends the next before he has the answer. False: gone, or longer than may be. */
static bool read_request(struct place *place, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->request + connection->used, REQUEST_BYTES_MAX - connection->used, MSG_DONTWAIT);
	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	connection->used += (size_t)got;
	struct str head = { connection->request, connection->used };
	if (!str_ends(head, STR("\r\n\r\n")))
		return connection->used < REQUEST_BYTES_MAX;
	connection->used = 0;
	dispatch(place, connection, head);
	return send_answer(place, connection);
}

static void take_connection(struct place *place, struct connection *listener)
{
	int on = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	add_connection(place, fd, listener->target, false);
}

static bool listen_on_free_port(struct target *target)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	target->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (target->fd < 0 || bind(target->fd, (struct sockaddr *)&address, size) != 0 || listen(target->fd, SOMAXCONN) != 0 ||
	    getsockname(target->fd, (struct sockaddr *)&address, &size) != 0)
		return false;
	target->port = ntohs(address.sin_port);
	return true;
}

/* Until standard input ends: then who started this is gone. */
static void serve(struct place *place)
{
	struct epoll_event events[EVENTS_MAX];
	for (;;) {
		int count = epoll_wait(place->epoll, events, EVENTS_MAX, -1);
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;
			if (connection == NULL)
				return;
			if (connection->listens)
				take_connection(place, connection);
			else if (!(events[i].events & EPOLLOUT ? send_answer(place, connection) : read_request(place, connection)))
				drop_connection(connection);
		}
	}
}

static bool begin(struct place *place, uint64_t seed)
{
	struct epoll_event input = { .events = EPOLLIN, .data.ptr = NULL };
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	place->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(place->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0)
		return false;
	place->targets = mem_alloc(place->count * sizeof *place->targets);
	for (unsigned i = 0; i < place->count; i++) {
		if (!listen_on_free_port(&place->targets[i]))
			return false;
		begin_target(&place->body, &place->targets[i], seed + i);
		add_connection(place, place->targets[i].fd, &place->targets[i], true);
	}
	return true;
}

static void finish(struct place *place)
{
	while (place->connections != NULL)
		drop_connection(place->connections);
	for (unsigned i = 0; place->targets != NULL && i < place->count; i++)
		mem_free(place->targets[i].units);
	mem_free(place->targets);
	mem_free(place->body.lines);
	mem_free(place->body.bytes);
	buf_finish(&place->said);
	if (place->epoll >= 0)
		close(place->epoll);
}

static int run(struct place *place, uint64_t seed, const char *path)
{
	size_t size;
	struct error err;
	if (file_read(path, BODY_BYTES_MAX, &place->body.bytes, &size, &err) != OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (!read_body(&place->body)) {
		fprintf(stderr, "\"%s\" is not at most %u lines of name{labels} number\n", path, LINES_MAX);
		return 1;
	}
	if (!begin(place, seed)) {
		perror("could not listen");
		return 1;
	}
	printf("{\"lines\":%u,\"moving\":%u,\"ports\":[", place->body.count, place->body.moving);
	for (unsigned i = 0; i < place->count; i++)
		printf("%s%u", i > 0 ? "," : "", place->targets[i].port);
	printf("]}\n");
	fflush(stdout);
	serve(place);
	return 0;
}

int main(int argc, char **argv)
{
	struct place place = { .epoll = -1, .count = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0 };
	if (place.count == 0 || place.count > TARGETS_MAX) {
		fprintf(stderr, "usage: scrape_targets SEED TARGETS BODY, standard input open; at most %u targets\n", TARGETS_MAX);
		return 2;
	}
	buf_init(&place.said, BODY_BYTES_MAX);
	int status = run(&place, strtoull(argv[1], NULL, 10), argv[3]);
	finish(&place);
	return status;
}
