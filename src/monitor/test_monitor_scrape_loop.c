/* test_monitor_scrape_loop.c: targets on a real loop, asked over real sockets. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "monitor/scrape_loop.h"
#include "sys/loop.h"
#include "wire/resolve.h"
#include "wire/test_peer.h"

#define SERIES_MAX 512u

struct lab {
	struct loop *loop;
	struct clock clock;
	struct random random;
	struct resolve *resolve;
	struct scrape_loop *scrapes;
	struct peer peer;
	const char *body;
	char request[4096]; /* the last one */
	/* What was stored. */
	char names[SERIES_MAX][200];
	double last[SERIES_MAX];
	bool stale[SERIES_MAX];
	unsigned rows[SERIES_MAX], stales;
	unsigned count, frames, told, running_max;
	uint64_t generation;
	char folder[64], path[96], files[2][96], what[300];
};

/* A name server: SRV says port and "localhost", A says 127.0.0.1. */
struct names {
	int fd;
	uint16_t port, answers;
	unsigned records; /* of an A */
	pthread_t thread;
};

static void *serve_names(void *context)
{
	struct names *names = context;
	uint8_t bytes[4096];
	struct sockaddr_in from;
	for (;;) {
		socklen_t length = sizeof from;
		ssize_t size = recvfrom(names->fd, bytes, 512, 0, (struct sockaddr *)&from, &length);
		if (size < 12)
			return NULL;
		uint8_t *at = bytes + 12;
		while (*at != 0)
			at += *at + 1;
		bool srv = at[2] == 33;
		at += 5;
		const uint8_t head[] = { 0xC0, 12, 0, srv ? 33 : 1, 0, 1, 0, 0, 0, 60, 0, srv ? 17 : 4 };
		const uint8_t service[] = { 0, 0, 0, 0, (uint8_t)(names->answers >> 8), (uint8_t)names->answers,
					    9, 'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', 0 };
		const uint8_t address[] = { 127, 0, 0, 1 };
		uint8_t count = srv || names->records == 0 ? 1 : (uint8_t)names->records;
		for (unsigned i = 0; i < count; i++) {
			memcpy(at, head, sizeof head);
			at += sizeof head;
			memcpy(at, srv ? service : address, srv ? sizeof service : sizeof address);
			at += srv ? sizeof service : sizeof address;
		}
		bytes[2] = 0x81;
		bytes[3] = bytes[13] == 'f' ? 0x82 : 0x80; /* names that begin with f fail */
		memcpy(bytes + 4, "\0\1\0\1\0\0\0\0", 8); /* what the question added is left out */
		bytes[7] = count;
		sendto(names->fd, bytes, (size_t)(at - bytes), 0, (struct sockaddr *)&from, length);
	}
}

static void names_start(struct names *names, uint16_t answers)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;
	names->answers = answers;
	names->records = 0;
	names->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(names->fd, (struct sockaddr *)&at, sizeof at), 0);
	getsockname(names->fd, (struct sockaddr *)&at, &length);
	names->port = ntohs(at.sin_port);
	CHECK_INT(pthread_create(&names->thread, NULL, serve_names, names), 0);
}

static void names_stop(struct names *names)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(names->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sendto(names->fd, "", 1, 0, (struct sockaddr *)&at, sizeof at);
	pthread_join(names->thread, NULL);
	close(names->fd);
}

static bool begin(void *context, uint64_t *ret_generation)
{
	*ret_generation = ((struct lab *)context)->generation;
	return true;
}

static void end(void *context)
{
	(void)context;
}

static enum err find_series(void *context, struct promql_labels labels, uint32_t *ret_reference, struct error *err)
{
	struct lab *lab = context;
	struct buf buf;
	(void)err;
	buf_init(&buf, 200);
	promql_labels_print_series(labels, &buf);
	unsigned at = 0;
	while (at < lab->count && strcmp(lab->names[at], buf.bytes) != 0)
		at++;
	if (at == lab->count)
		snprintf(lab->names[lab->count++], sizeof lab->names[0], "%s", buf.bytes);
	CHECK(lab->count < SERIES_MAX);
	buf_finish(&buf);
	*ret_reference = at;
	return OK;
}

static void append(void *context, const struct scrape_frame *frame)
{
	struct lab *lab = context;
	lab->frames++;
	for (size_t i = 0; i < frame->count; i++) {
		uint64_t bits;
		memcpy(&bits, &frame->values[i], sizeof bits);
		lab->rows[frame->references[i]]++;
		lab->stales += bits == SCRAPE_STALE_BITS;
		lab->stale[frame->references[i]] = bits == SCRAPE_STALE_BITS;
		lab->last[frame->references[i]] = frame->values[i];
	}
}

static void tell(void *context, struct str job, const char *what)
{
	struct lab *lab = context;
	(void)job;
	lab->told++;
	snprintf(lab->what, sizeof lab->what, "%s", what);
}

static char *answer(void *context, const char *request)
{
	struct lab *lab = context;
	struct buf buf;
	snprintf(lab->request, sizeof lab->request, "%s", request);
	buf_init(&buf, 1u << 16);
	buf_printf(&buf, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		   strlen(lab->body), lab->body);
	return buf_take(&buf);
}

static struct lab *lab_with(struct names *names, unsigned running_max, const char *(*environment)(const char *name))
{
	struct lab *lab = mem_alloc(sizeof *lab);
	struct error err;
	lab->loop = loop_create();
	lab->body = "a 1\nb{x=\"y\"} 2\n";
	clock_system(&lab->clock);
	random_seeded(&lab->random, 7);
	CHECK_OK(resolve_create(lab->loop, NULL, &lab->resolve, &err));
	peer_start(&lab->peer, answer, lab);
	snprintf(lab->folder, sizeof lab->folder, "/tmp/mainstay-scrape-XXXXXX");
	CHECK(mkdtemp(lab->folder) != NULL);
	snprintf(lab->path, sizeof lab->path, "%s/prometheus.yml", lab->folder);
	for (unsigned i = 0; i < 2; i++)
		snprintf(lab->files[i], sizeof lab->files[i], "%s/%c.yml", lab->folder, 'x' + (int)i);
	struct scrape_loop_options options = {
		.loop = lab->loop, .clock = &lab->clock, .random = &lab->random, .resolve = lab->resolve,
		.storage = { .sink = { lab, find_series, append, NULL }, .begin = begin, .end = end },
		.name_server = names != NULL ? "127.0.0.1" : NULL, .name_port = names != NULL ? names->port : 0,
		.environment = environment, .tell = tell, .context = lab, .running_max = running_max,
	};
	scrape_loop_create(&options, &lab->scrapes);
	return lab;
}

static struct lab *lab_create(void)
{
	return lab_with(NULL, 0, NULL);
}

static void lab_destroy(struct lab *lab)
{
	scrape_loop_destroy(&lab->scrapes);
	resolve_destroy(&lab->resolve);
	loop_destroy(&lab->loop);
	peer_stop(&lab->peer);
	unlink(lab->path);
	for (unsigned i = 0; i < 2; i++)
		unlink(lab->files[i]);
	rmdir(lab->folder);
	mem_free(lab);
}

/* `job`: what follows the targets; NULL for those: the peer. */
static void load(struct lab *lab, const char *targets, const char *job)
{
	struct scrape_loaded *loaded;
	struct error err;
	FILE *file = fopen(lab->path, "w");
	CHECK(file != NULL);
	fprintf(file, "global: {scrape_interval: 100ms, scrape_timeout: 90ms}\nscrape_configs:\n- job_name: j\n"
		"  static_configs: [{targets: [");
	char address[40];
	snprintf(address, sizeof address, "'127.0.0.1:%u'", lab->peer.port);
	fprintf(file, "%s]}]\n%s", targets != NULL ? targets : address, job);
	fclose(file);
	enum err r = scrape_loaded_read(lab->path, &loaded, &err);
	CHECK_OK(r);
	scrape_loop_load(lab->scrapes, loaded);
}

static int find(const struct lab *lab, const char *start)
{
	for (unsigned i = 0; i < lab->count; i++)
		if (strncmp(lab->names[i], start, strlen(start)) == 0)
			return (int)i;
	return -1;
}

static bool is_live(const struct lab *lab, const char *start)
{
	int at = find(lab, start);
	return at >= 0 && !lab->stale[at];
}

/* Runs until it holds, or for long. */
static bool wait_live(struct lab *lab, const char *start, bool live)
{
	for (int i = 0; i < 200 && (find(lab, start) < 0 || is_live(lab, start) != live); i++)
		loop_run_for(lab->loop, 25 * TIME_MS);
	return find(lab, start) >= 0 && is_live(lab, start) == live;
}

static unsigned rows_of(const struct lab *lab, const char *start)
{
	unsigned rows = 0;
	for (unsigned i = 0; i < lab->count; i++)
		rows += strncmp(lab->names[i], start, strlen(start)) == 0 ? lab->rows[i] : 0;
	return rows;
}

static void wait_rows(struct lab *lab, const char *start, unsigned rows)
{
	for (int i = 0; i < 2000 && rows_of(lab, start) < rows; i++)
		loop_run_for(lab->loop, 10 * TIME_MS);
	CHECK(rows_of(lab, start) >= rows);
}

struct look {
	unsigned up, down, unknown, dropped;
	char discovered[300];
	char error[300];
};

static void see(void *context, const struct scrape_seen *seen)
{
	struct look *look = context;
	look->up += !seen->dropped && seen->health == SCRAPE_HEALTH_UP;
	look->down += seen->health == SCRAPE_HEALTH_DOWN;
	look->unknown += !seen->dropped && seen->health == SCRAPE_HEALTH_UNKNOWN;
	look->dropped += seen->dropped;
	cleanup_buf struct buf buf;
	buf_init(&buf, sizeof look->discovered);
	promql_labels_print(seen->target->discovered, &buf);
	snprintf(look->discovered, sizeof look->discovered, "%s", buf.bytes);
	if (seen->error[0] != '\0')
		snprintf(look->error, sizeof look->error, "%s", seen->error);
}

static struct look look_at(struct lab *lab)
{
	struct look look = { .up = 0 };
	scrape_loop_see(lab->scrapes, see, &look);
	return look;
}

TEST(a_target_is_asked_at_its_time_and_what_it_says_is_kept_with_its_labels)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "");
	CHECK_INT(look_at(lab).unknown, 1);
	CHECK(wait_live(lab, "a{", true));
	CHECK(wait_live(lab, "up{", true));
	CHECK(lab->last[find(lab, "up{")] == 1);
	CHECK(strstr(lab->names[find(lab, "b{")], "job=\"j\"") != NULL);
	CHECK(strstr(lab->request, "Accept: application/openmetrics-text") != NULL);
	CHECK(strstr(lab->request, "Accept-Encoding: gzip") != NULL);
	CHECK(strstr(lab->request, "X-Prometheus-Scrape-Timeout-Seconds: 0.09\r\n") != NULL);
	CHECK_INT(look_at(lab).up, 1);
	lab_destroy(lab);
}

TEST(the_password_of_a_job_is_sent_and_stands_in_no_url)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "  basic_auth: {username: ann, password: secret}\n");
	CHECK(wait_live(lab, "up{", true));
	CHECK(strstr(lab->request, "Authorization: Basic YW5uOnNlY3JldA==\r\n") != NULL);
	lab_destroy(lab);
}

TEST(fields_of_a_job_are_sent_beside_our_own_line_by_line)
{
	struct lab *lab = lab_create();
	char file[96];
	snprintf(file, sizeof file, "%s/field", lab->folder);
	FILE *written = fopen(file, "w");
	CHECK(written != NULL);
	fputs(" from a file\n", written);
	fclose(written);
	load(lab, NULL, "  http_headers:\n    X-Tenant: {values: [one, ''], secrets: [hidden], files: [field]}\n"
			"    accept: {values: [more/text]}\n    Transfer-Encoding: {values: [chunked]}\n    X-None:\n");
	CHECK(wait_live(lab, "up{", true));
	CHECK(lab->last[find(lab, "up{")] == 1);
	CHECK(strstr(lab->request, "X-Tenant: one\r\nX-Tenant:\r\nX-Tenant: hidden\r\nX-Tenant: from a file\r\n") != NULL);
	CHECK(strstr(lab->request, "Accept: application/openmetrics-text") != NULL);
	CHECK(strstr(lab->request, "accept: more/text\r\n") != NULL);
	CHECK(strstr(lab->request, "Transfer-Encoding") == NULL);
	CHECK(strstr(lab->request, "X-None") == NULL);
	unlink(file);
	CHECK(wait_live(lab, "a{", false));
	CHECK(lab->last[find(lab, "up{")] == 0);
	CHECK(strstr(look_at(lab).error, file) != NULL);
	lab_destroy(lab);
}

TEST(a_field_that_cannot_be_sent_makes_the_target_down_and_is_not_quoted)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "  http_headers: {X-Bad: {secrets: [\"hunter2\\nX-More: 1\"]}}\n");
	CHECK(wait_live(lab, "up{", true));
	CHECK(lab->last[find(lab, "up{")] == 0);
	CHECK(strstr(look_at(lab).error, "X-Bad") != NULL);
	CHECK(strstr(look_at(lab).error, "hunter2") == NULL);
	lab_destroy(lab);
}

TEST(a_target_that_does_not_answer_is_down_with_the_reason_and_all_its_series_end)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "");
	CHECK(wait_live(lab, "a{", true));
	lab->body = "a one\n";
	CHECK(wait_live(lab, "a{", false));
	CHECK(lab->last[find(lab, "up{")] == 0);
	CHECK(is_live(lab, "up{"));
	struct look look = look_at(lab);
	CHECK_INT(look.down, 1);
	CHECK(look.error[0] != '\0');
	lab_destroy(lab);
}

TEST(a_target_that_is_not_named_any_more_ends_with_all_its_series_also_up)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "");
	CHECK(wait_live(lab, "a{", true));
	load(lab, "", "");
	CHECK_INT(look_at(lab).up, 0);
	CHECK(wait_live(lab, "a{", false));
	CHECK(wait_live(lab, "up{", false));
	lab_destroy(lab);
}

TEST(a_config_that_is_loaded_anew_goes_on_with_its_targets_and_ends_what_it_drops)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "");
	CHECK(wait_live(lab, "b{", true));
	load(lab, NULL, "  metric_relabel_configs: [{source_labels: [__name__], regex: b, action: drop}]\n");
	CHECK(wait_live(lab, "b{", false));
	CHECK(is_live(lab, "a{"));
	CHECK(is_live(lab, "up{"));
	CHECK_INT(look_at(lab).up, 1);
	lab_destroy(lab);
}

TEST(a_target_that_relabelling_drops_is_shown_and_not_asked)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "  relabel_configs: [{source_labels: [__address__], action: drop}]\n");
	loop_run_for(lab->loop, 300 * TIME_MS);
	CHECK_INT(look_at(lab).dropped, 1);
	CHECK_INT(lab->frames, 0);
	lab_destroy(lab);
}

TEST(a_job_that_asks_in_a_way_that_is_not_done_here_is_down_and_told)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "  proxy_url: socks5://ann:hunter2@127.0.0.1:1\n");
	CHECK_INT(lab->told, 1);
	CHECK(wait_live(lab, "up{", true));
	CHECK(lab->last[find(lab, "up{")] == 0);
	CHECK(strstr(look_at(lab).error, "socks5") != NULL);
	CHECK(strstr(look_at(lab).error, "hunter2") == NULL);
	lab_destroy(lab);
}

/* The peer is the proxy of a target that nobody else knows. */
static uint16_t proxy_port;

static const char *proxy_of_environment(const char *name)
{
	static char url[64];
	snprintf(url, sizeof url, "127.0.0.1:%u", proxy_port);
	return strcmp(name, "http_proxy") == 0 ? url : NULL;
}

TEST(a_proxy_of_the_config_or_of_the_environment_is_asked_instead_of_the_target)
{
	struct lab *lab = lab_create();
	char job[200];
	snprintf(job, sizeof job, "  proxy_url: http://ann:hunter2@127.0.0.1:%u\n", lab->peer.port);
	load(lab, "'nowhere.example.org:9100'", job);
	CHECK(wait_live(lab, "a{instance=\"nowhere.example.org:9100\"", true));
	CHECK(strncmp(lab->request, "GET http://nowhere.example.org:9100/metrics ", 44) == 0);
	lab_destroy(lab);
	lab = lab_with(NULL, 0, proxy_of_environment);
	proxy_port = lab->peer.port;
	load(lab, "'nowhere.example.org:9100'", "  proxy_from_environment: true\n");
	CHECK(wait_live(lab, "a{instance=\"nowhere.example.org:9100\"", true));
	load(lab, NULL, "  proxy_from_environment: true\n"); /* on this machine */
	CHECK(wait_live(lab, "a{instance=\"127", true));
	CHECK(strncmp(lab->request, "GET /metrics ", 13) == 0);
	lab_destroy(lab);
}

TEST(more_targets_than_the_limit_of_a_job_are_all_down)
{
	struct lab *lab = lab_create();
	load(lab, "'127.0.0.1:1', '127.0.0.1:2'", "  target_limit: 1\n");
	for (int i = 0; i < 100 && look_at(lab).down < 2; i++)
		loop_run_for(lab->loop, 25 * TIME_MS);
	CHECK_INT(look_at(lab).down, 2);
	CHECK(strstr(look_at(lab).error, "target_limit 1") != NULL);
	lab_destroy(lab);
}

TEST(a_target_that_is_named_twice_is_asked_once)
{
	struct lab *lab = lab_create();
	load(lab, "'127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:1'", "");
	CHECK_INT(look_at(lab).unknown, 2);
	lab_destroy(lab);
}

TEST(targets_are_found_by_names)
{
	struct names names;
	struct lab *lab;
	char job[400];
	names_start(&names, 0);
	lab = lab_with(&names, 0, NULL);
	names.answers = lab->peer.port;
	snprintf(job, sizeof job, "  dns_sd_configs: [{names: [_m._tcp.example.org], refresh_interval: 1s},"
		 " {names: [a.example.org], type: A, port: %u}]\n"
		 "  relabel_configs: [{source_labels: [__meta_dns_srv_record_target, __meta_dns_srv_record_port, __meta_dns_name],"
		 " target_label: found}]\n", lab->peer.port);
	load(lab, "", job);
	CHECK(wait_live(lab, "a{found=\"localhost", true));
	CHECK(wait_live(lab, "a{found=\";;a.example.org\"", true));
	char wanted[200];
	snprintf(wanted, sizeof wanted, "a{found=\"localhost;%u;_m._tcp.example.org\", instance=\"localhost:%u\"", lab->peer.port,
		 lab->peer.port);
	CHECK(find(lab, wanted) >= 0);
	CHECK_INT(look_at(lab).up, 2);
	lab_destroy(lab);
	names_stop(&names);
}

static void write_targets(const struct lab *lab, unsigned file, const char *text)
{
	FILE *out = fopen(lab->files[file], "w");
	CHECK(out != NULL);
	fprintf(out, "- {targets: ['127.0.0.1:%u'], labels: {from: f%u}}\n%s", lab->peer.port, file, text);
	fclose(out);
}

TEST(a_file_that_is_broken_takes_no_target_of_another_away)
{
	struct lab *lab = lab_create();
	write_targets(lab, 0, "");
	write_targets(lab, 1, "{");
	load(lab, "", "  file_sd_configs: [{files: ['[xy].yml']}]\n");
	CHECK_INT(look_at(lab).unknown, 1);
	CHECK_INT(lab->told, 1);
	CHECK(strstr(lab->what, "y.yml") != NULL);
	CHECK(wait_live(lab, "up{from=\"f0\"", true));
	load(lab, "", "  file_sd_configs: [{files: ['[xy].yml']}]\n");
	CHECK_INT(lab->told, 1); /* it is known */
	write_targets(lab, 1, "");
	unlink(lab->files[0]);
	load(lab, "", "  file_sd_configs: [{files: ['[xy].yml']}]\n");
	CHECK(wait_live(lab, "up{from=\"f1\"", true));
	CHECK(wait_live(lab, "up{from=\"f0\"", false));
	lab_destroy(lab);
}

TEST(a_file_that_breaks_before_a_reload_takes_no_target_away)
{
	struct lab *lab = lab_create();
	write_targets(lab, 0, "");
	load(lab, "", "  file_sd_configs: [{files: ['[xy].yml']}]\n");
	CHECK(wait_live(lab, "a{", true));
	write_targets(lab, 0, "{");
	load(lab, "", "  file_sd_configs: [{files: ['[xy].yml']}]\n");
	wait_rows(lab, "a{", rows_of(lab, "a{") + 5);
	CHECK_INT(lab->stales, 0);
	CHECK_INT(look_at(lab).up, 1);
	lab_destroy(lab);
}

TEST(a_name_that_cannot_be_looked_up_takes_no_target_of_another_away)
{
	struct names names;
	char job[200];
	names_start(&names, 0);
	struct lab *lab = lab_with(&names, 0, NULL);
	snprintf(job, sizeof job, "  dns_sd_configs: [{names: [f.example.org, a.example.org], type: A, port: %u}]\n", lab->peer.port);
	load(lab, "", job);
	CHECK(wait_live(lab, "a{", true));
	CHECK(strstr(lab->what, "could not look up \"f.example.org\"") != NULL);
	lab_destroy(lab);
	names_stop(&names);
}

TEST(a_name_with_more_records_than_are_taken_is_told)
{
	struct names names;
	char job[200];
	names_start(&names, 0);
	names.records = 65;
	struct lab *lab = lab_with(&names, 0, NULL);
	snprintf(job, sizeof job, "  dns_sd_configs: [{names: [a.example.org], type: A, port: %u}]\n", lab->peer.port);
	load(lab, "", job);
	for (int i = 0; i < 200 && lab->told == 0; i++)
		loop_run_for(lab->loop, 25 * TIME_MS);
	CHECK_TEXT(lab->what, "could not take \"a.example.org\": it has more than 64 records");
	CHECK_INT(look_at(lab).unknown, 0);
	lab_destroy(lab);
	names_stop(&names);
}

static void count_dropped(void *context, struct str job, size_t dropped)
{
	CHECK_STR(job, "j");
	*(size_t *)context += dropped;
}

TEST(what_relabelling_drops_is_counted_beyond_what_is_shown)
{
	struct lab *lab = lab_create();
	size_t dropped = 0;
	load(lab, NULL, "  keep_dropped_targets: 1\n  relabel_configs: [{source_labels: [__address__], action: drop}]\n");
	load(lab, "'h:1', 'h:2', 'h:3'", "  keep_dropped_targets: 1\n  relabel_configs: [{source_labels: [__address__], action: drop}]\n");
	scrape_loop_jobs(lab->scrapes, count_dropped, &dropped);
	CHECK_INT(dropped, 3);
	CHECK_INT(look_at(lab).dropped, 1);
	lab_destroy(lab);
}

TEST(how_a_target_is_found_is_shown_as_it_is_now)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "  params: {}\n");
	CHECK(strstr(look_at(lab).discovered, "__meta_filepath") == NULL);
	write_targets(lab, 0, "");
	load(lab, "", "  file_sd_configs: [{files: ['[xy].yml']}]\n  relabel_configs: [{action: labeldrop, regex: from}]\n");
	CHECK_INT(look_at(lab).unknown, 1);
	CHECK(strstr(look_at(lab).discovered, "__meta_filepath") != NULL);
	lab_destroy(lab);
}

TEST(series_that_are_read_anew_get_new_references)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "");
	CHECK(wait_live(lab, "a{", true));
	lab->generation++;
	lab->count = 0;
	CHECK(wait_live(lab, "a{", true));
	CHECK(wait_live(lab, "up{", true));
	lab_destroy(lab);
}

/* A socket that takes connections and says nothing. */
static int hanging(uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	CHECK_INT(listen(fd, 4096), 0);
	getsockname(fd, (struct sockaddr *)&at, &length);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

TEST(a_job_whose_targets_all_hang_keeps_no_other_waiting)
{
	struct lab *lab = lab_with(NULL, 4, NULL);
	uint16_t port;
	int fd = hanging(&port);
	cleanup_buf struct buf job;
	buf_init(&job, 65536);
	for (int i = 0; i < 20; i++)
		buf_printf(&job, "  - {targets: ['127.0.0.1:%u'], labels: {instance: 'n%d'}}\n", port, i);
	char text[8192];
	snprintf(text, sizeof text, "- job_name: hang\n  static_configs:\n%s", job.bytes);
	load(lab, NULL, text);
	wait_rows(lab, "up{instance=\"127", 10);
	CHECK(lab->last[find(lab, "up{instance=\"127")] == 1);
	CHECK(rows_of(lab, "up{instance=\"n") > 10); /* it does not wait either */
	CHECK(rows_of(lab, "up{instance=\"n") < 60);
	lab_destroy(lab);
	close(fd);
}

TEST(a_target_that_hangs_for_its_whole_interval_is_asked_again_at_once)
{
	struct lab *lab = lab_create();
	uint16_t port;
	int fd = hanging(&port);
	char text[200];
	snprintf(text, sizeof text, "- job_name: hang\n  scrape_interval: 400ms\n  scrape_timeout: 400ms\n"
		 "  static_configs: [{targets: ['127.0.0.1:%u'], labels: {instance: n}}]\n", port);
	load(lab, "", text);
	wait_rows(lab, "up{", 1);
	time_us from = clock_since_boot(&lab->clock);
	wait_rows(lab, "up{", 5);
	CHECK(clock_since_boot(&lab->clock) - from < 4 * 640 * TIME_MS);
	lab_destroy(lab);
	close(fd);
}

TEST(series_go_on_when_a_reload_changes_how_their_target_is_asked)
{
	struct lab *lab = lab_create();
	load(lab, NULL, "");
	CHECK(wait_live(lab, "a{", true));
	static const char *const changes[] = { "  scrape_timeout: 50ms\n", "  scrape_interval: 150ms\n", "  metrics_path: /other\n",
					       "  params: {q: [x]}\n" };
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		load(lab, NULL, changes[i]);
		CHECK_INT(look_at(lab).up, 1); /* what was known of it is known */
		wait_rows(lab, "a{", rows_of(lab, "a{") + 5);
		CHECK_INT(lab->stales, 0);
	}
	CHECK(strstr(lab->request, "GET /metrics?q=x ") != NULL);
	lab_destroy(lab);
}

TEST(series_go_on_when_their_target_moves_to_another_job_with_the_same_labels)
{
	struct lab *lab = lab_create();
	char text[300];
	load(lab, NULL, "  relabel_configs: [{target_label: job, replacement: x}]\n");
	CHECK(wait_live(lab, "a{", true));
	snprintf(text, sizeof text, "- job_name: k\n  static_configs: [{targets: ['127.0.0.1:%u'], labels: {job: x}}]\n", lab->peer.port);
	load(lab, "", text);
	wait_rows(lab, "a{", rows_of(lab, "a{") + 5);
	CHECK_INT(lab->stales, 0);
	CHECK_INT(look_at(lab).up, 1);
	load(lab, "", "");
	CHECK(wait_live(lab, "a{", false));
	lab_destroy(lab);
}

TESTS(RUN(a_job_whose_targets_all_hang_keeps_no_other_waiting),
      RUN(a_target_that_hangs_for_its_whole_interval_is_asked_again_at_once),
      RUN(series_go_on_when_a_reload_changes_how_their_target_is_asked),
      RUN(series_go_on_when_their_target_moves_to_another_job_with_the_same_labels),
      RUN(a_target_is_asked_at_its_time_and_what_it_says_is_kept_with_its_labels),
      RUN(the_password_of_a_job_is_sent_and_stands_in_no_url),
      RUN(fields_of_a_job_are_sent_beside_our_own_line_by_line),
      RUN(a_field_that_cannot_be_sent_makes_the_target_down_and_is_not_quoted),
      RUN(a_target_that_does_not_answer_is_down_with_the_reason_and_all_its_series_end),
      RUN(a_target_that_is_not_named_any_more_ends_with_all_its_series_also_up),
      RUN(a_config_that_is_loaded_anew_goes_on_with_its_targets_and_ends_what_it_drops),
      RUN(a_target_that_relabelling_drops_is_shown_and_not_asked),
      RUN(a_job_that_asks_in_a_way_that_is_not_done_here_is_down_and_told),
      RUN(a_proxy_of_the_config_or_of_the_environment_is_asked_instead_of_the_target),
      RUN(more_targets_than_the_limit_of_a_job_are_all_down),
      RUN(a_target_that_is_named_twice_is_asked_once), RUN(targets_are_found_by_names),
      RUN(a_file_that_is_broken_takes_no_target_of_another_away), RUN(a_file_that_breaks_before_a_reload_takes_no_target_away),
      RUN(a_name_that_cannot_be_looked_up_takes_no_target_of_another_away), RUN(a_name_with_more_records_than_are_taken_is_told),
      RUN(what_relabelling_drops_is_counted_beyond_what_is_shown), RUN(how_a_target_is_found_is_shown_as_it_is_now),
      RUN(series_that_are_read_anew_get_new_references))
