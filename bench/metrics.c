/*
 * metrics.c: the time-series engine with its log: CPU a sample, memory a series, disk a sample, restart.
 *
 *	ninja -C build bench/metrics_bench && build/bench/metrics_bench FOLDER KIND SERIES STEPS SEED [kill]
 *
 * One frame of 500 series each target each 15 s of data time, as fast as it goes. KIND is friendly (mostly constant),
 * mixed (a third counters, a third hundredths, a third slow gauges) or hostile (random doubles). A checkpoint is taken
 * every 15 minutes of data time and when the log asks for it, by a thread of its own while frames go on; the log is synced
 * once a second of data time. Then the process ends after a checkpoint, or (kill) goes on until the next one is due and ends
 * without it: the most that a restart may find. Another opens the folder, and each sample of each series is compared with
 * what the seed says. bench/metrics runs all of it.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "metrics/log.h"

#define TARGET 500u
#define SERIES_MAX 1000000L
#define STEP_MS 15000
#define START INT64_C(1700000000000)
#define CHECKPOINT_STEPS 60 /* 15 minutes */

enum kind { FRIENDLY, MIXED, HOSTILE, KINDS };
static const char *const kind_names[KINDS] = { "friendly", "mixed", "hostile" };

struct run {
	const char *folder;
	enum kind kind;
	uint32_t series;
	long steps;
	long *steps_done; /* seen by both processes */
	uint64_t seed;
	bool is_killed;
	struct metrics *metrics;
	struct metrics_log *log;
	uint32_t *references;
	pthread_t checkpointer;
	bool is_taking;
	_Atomic bool is_taken;
	struct metrics_checkpoint taken;
	double took;
};

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(enum err result, const struct error *err)
{
	if (result == OK)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static long resident_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kib;
}

/* ---- data ---- */

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* The value of a series at a step from the one before: both sides can make it anew. */
static double value_of(const struct run *run, uint32_t series, long step, int64_t *state)
{
	uint64_t dice = mix(run->seed ^ mix(series) ^ (uint64_t)step * 0x100000001b3u);
	if (run->kind == HOSTILE)
		return (double)(dice >> 11) / 9007199254740992.0;
	if (run->kind == FRIENDLY) {
		*state += dice % 1000 < 5;
		return (double)*state;
	}
	*state += series % 3 == 2 ? dice % 1000 < 50 : (int64_t)(dice % 150);
	return series % 3 == 1 ? (double)*state / 100 : (double)*state;
}

static uint32_t name_one(struct metrics *metrics, unsigned i)
{
	char name[32], host[32], path[32];
	snprintf(name, sizeof name, "metric_%u_total", i % TARGET / 5);
	snprintf(host, sizeof host, "host-%05u:9100", i / TARGET);
	snprintf(path, sizeof path, "part-%u", i % 5);
	struct metrics_label labels[] = { { STR("__name__"), str_of(name) }, { STR("cluster"), STR("eu-1") },
		                          { STR("env"), STR("production") }, { STR("instance"), str_of(host) },
		                          { STR("job"), STR("node") }, { STR("part"), str_of(path) } };
	uint32_t reference;
	struct error err;
	must(metrics_series(metrics, labels, 6, &reference, &err), &err);
	return reference;
}

static void open_log(struct run *run, struct metrics_recovered *ret_told)
{
	struct random random;
	struct error err;
	random_seeded(&random, run->seed);
	metrics_create(&METRICS_OPTIONS_DEFAULT, &random, &run->metrics);
	must(metrics_log_open(run->folder, false, run->metrics, &run->log, ret_told, &err), &err);
}

/* ---- in ---- */

static void *take_checkpoint(void *context)
{
	struct run *run = context;
	struct error err;
	double start = seconds(CLOCK_MONOTONIC);
	must(metrics_log_checkpoint(run->log, &run->taken, &err), &err);
	run->took = seconds(CLOCK_MONOTONIC) - start;
	run->is_taken = true;
	return NULL;
}

static void join_checkpoint(struct run *run)
{
	if (run->is_taking)
		pthread_join(run->checkpointer, NULL);
	run->is_taking = false;
}

struct figures {
	double longest, longest_beside;
	unsigned checkpoints;
	double checkpoint_longest;
};

static void append_step(struct run *run, long step, int64_t *state, struct figures *figures)
{
	double values[TARGET];
	struct error err;
	for (uint32_t at = 0; at < run->series; at += TARGET) {
		for (uint32_t i = 0; i < TARGET; i++)
			values[i] = value_of(run, at + i, step, &state[at + i]);
		struct metrics_frame frame = { run->references + at, values, NULL, START + step * STEP_MS, TARGET };
		struct metrics_tally tally;
		bool beside = run->is_taking && !run->is_taken;
		double start = seconds(CLOCK_MONOTONIC);
		must(metrics_log_append(run->log, &frame, &tally, &err), &err);
		double took = seconds(CLOCK_MONOTONIC) - start;
		double *longest = beside ? &figures->longest_beside : &figures->longest;
		*longest = took > *longest ? took : *longest;
		if (at / TARGET % (run->series / TARGET / 15 + 1) == 0)
			must(metrics_log_sync(run->log, &err), &err);
		if (tally.counts[METRICS_APPENDED] != TARGET) {
			fprintf(stderr, "step %ld: not all were appended\n", step);
			exit(1);
		}
	}
}

static void maybe_checkpoint(struct run *run, long step, struct figures *figures)
{
	if (run->is_taking && run->is_taken) {
		join_checkpoint(run);
		figures->checkpoints++;
		figures->checkpoint_longest = run->took > figures->checkpoint_longest ? run->took : figures->checkpoint_longest;
	}
	if (run->is_taking || (step % CHECKPOINT_STEPS != CHECKPOINT_STEPS - 1 && !metrics_log_wants_checkpoint(run->log)))
		return;
	run->is_taken = false;
	run->is_taking = true;
	pthread_create(&run->checkpointer, NULL, take_checkpoint, run);
}

/* What making the data costs, to be taken off. */
static double cost_of_data(const struct run *run)
{
	volatile double sink = 0;
	int64_t state = 0;
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (uint32_t i = 0; i < 2000000; i++)
		sink += value_of(run, i, i, &state);
	return (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / 2000000;
}

static void write_all(struct run *run)
{
	struct metrics_recovered told;
	struct figures figures = { 0 };
	struct error err;
	int64_t *state = mem_alloc(run->series * sizeof *state);
	run->references = mem_alloc(run->series * sizeof *run->references);
	double of_data = cost_of_data(run);
	long base_kib, most_kib = 0;
	memset(state, 0, run->series * sizeof *state);
	memset(run->references, 0, run->series * sizeof *run->references);
	base_kib = resident_kib() + (long)(run->series * 12u / 1024);
	open_log(run, &told);
	for (uint32_t i = 0; i < run->series; i++)
		run->references[i] = name_one(run->metrics, i);
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (long step = 0; step < run->steps; step++) {
		append_step(run, step, state, &figures);
		maybe_checkpoint(run, step, &figures);
		if (step % 10 == 9 || step + 1 == run->steps) {
			long kib = resident_kib();
			most_kib = kib > most_kib ? kib : most_kib;
		}
	}
	join_checkpoint(run);
	double samples = (double)run->series * (double)run->steps;
	double spent = seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	printf("ingest: %.0f ns CPU/sample with log, checkpoints and sync each step (data's %.0f taken off)\n",
	       (spent / samples - of_data) * 1e9, of_data * 1e9);
	printf("frame of %u: longest %.1f ms, beside a checkpoint %.1f ms; %u checkpoints, longest %.0f ms, %.1f MB\n", TARGET,
	       figures.longest * 1e3, figures.longest_beside * 1e3, figures.checkpoints, figures.checkpoint_longest * 1e3,
	       (double)run->taken.bytes / 1e6);
	struct metrics_figures held;
	metrics_figures(run->metrics, &held);
	printf("memory: %ld B anonymous/series at most, %zu by own count\n", (most_kib - base_kib) * 1024 / (long)run->series,
	       held.bytes / run->series);
	while (run->is_killed && !metrics_log_wants_checkpoint(run->log))
		append_step(run, (*run->steps_done)++, state, &figures);
	must(metrics_log_sync(run->log, &err), &err);
	if (run->is_killed)
		_exit(0);
	must(metrics_log_checkpoint(run->log, NULL, &err), &err);
	_exit(0);
}

/* ---- out ---- */

struct reading {
	const struct run *run;
	uint64_t series, samples, wrong;
};

static bool check_one(void *context, const struct metrics_view *view)
{
	struct reading *reading = context;
	const struct run *run = reading->run;
	char text[3][16] = { "" };
	snprintf(text[0], 16, "%.*s", (int)view->labels[0].value.len - 7, view->labels[0].value.ptr + 7);
	snprintf(text[1], 16, "%.5s", view->labels[3].value.ptr + 5);
	snprintf(text[2], 16, "%.1s", view->labels[5].value.ptr + 5);
	uint32_t series = (uint32_t)(strtoul(text[1], NULL, 10) * TARGET + strtoul(text[0], NULL, 10) * 5 + strtoul(text[2], NULL, 10));
	int64_t state = 0;
	reading->series++;
	reading->samples += view->count;
	reading->wrong += view->count != (size_t)run->steps;
	for (size_t i = 0; i < view->count; i++) {
		double value = value_of(run, series, (long)i, &state);
		reading->wrong += view->times[i] != START + (int64_t)i * STEP_MS || view->values[i] != value;
	}
	return true;
}

static double folder_bytes(const struct run *run, const char *kind)
{
	double bytes = 0;
	DIR *dir = opendir(run->folder);
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		struct stat status;
		if (str_ends(str_of(entry->d_name), str_of(kind)) && fstatat(dirfd(dir), entry->d_name, &status, 0) == 0)
			bytes += (double)status.st_size;
	}
	if (dir != NULL)
		closedir(dir);
	return bytes;
}

static int read_all(struct run *run)
{
	struct metrics_recovered told;
	struct error err;
	struct reading reading = { .run = run };
	double samples = (double)run->series * (double)run->steps, start = seconds(CLOCK_MONOTONIC);
	double spent = seconds(CLOCK_PROCESS_CPUTIME_ID);
	printf("disk: %.1f MB of log, %.1f MB of checkpoints, %.2f B/sample sealed\n", folder_bytes(run, ".wal") / 1e6,
	       folder_bytes(run, ".ckp") / 1e6, folder_bytes(run, ".seg") / samples);
	open_log(run, &told);
	printf("restart: %.0f ms to ready (%.0f ms CPU), %llu samples of it from the log\n", (seconds(CLOCK_MONOTONIC) - start) * 1e3,
	       (seconds(CLOCK_PROCESS_CPUTIME_ID) - spent) * 1e3, (unsigned long long)told.samples);
	start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	must(metrics_select(run->metrics, NULL, 0, INT64_MIN, INT64_MAX, check_one, &reading, &err), &err);
	printf("right: %llu series, %llu samples read back and compared, %llu wrong, %llu damaged bytes\n",
	       (unsigned long long)reading.series, (unsigned long long)reading.samples, (unsigned long long)reading.wrong,
	       (unsigned long long)told.damaged_bytes);
	metrics_log_close(&run->log);
	metrics_destroy(&run->metrics);
	return reading.wrong == 0 && reading.series == run->series && told.damaged_bytes == 0 ? 0 : 1;
}

int main(int count, char **args)
{
	struct run run = { .kind = KINDS };
	if (count < 6)
		return 2;
	run.folder = args[1];
	for (enum kind kind = 0; kind < KINDS; kind++)
		if (strcmp(args[2], kind_names[kind]) == 0)
			run.kind = kind;
	long series = strtol(args[3], NULL, 10);
	run.steps = strtol(args[4], NULL, 10);
	run.seed = strtoul(args[5], NULL, 10);
	run.is_killed = count > 6;
	if (run.kind == KINDS || series < (long)TARGET || series > SERIES_MAX || run.steps < 1 || run.steps > 100000)
		return 2;
	run.series = (uint32_t)(series - series % TARGET);
	printf("%s data, %u series, %ld steps of 15 s, seed %llu, %s\n", args[2], run.series, run.steps,
	       (unsigned long long)run.seed, run.is_killed ? "killed" : "stopped");
	fflush(stdout);
	run.steps_done = mmap(NULL, sizeof *run.steps_done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.steps_done == MAP_FAILED)
		return 1;
	*run.steps_done = run.steps;
	pid_t writer = fork();
	if (writer == 0) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		write_all(&run);
	}
	int status = 1;
	waitpid(writer, &status, 0);
	run.steps = *run.steps_done;
	return status != 0 ? 1 : read_all(&run);
}
