/*
 * metrics_head.c: bytes a series and nanoseconds a sample of the engine in memory.
 *
 *	ninja -C build bench/metrics_head && build/bench/metrics_head [SERIES] [STEPS]
 *
 * Targets of 500 series with 6 labels: a third counters, a third hundredths, a third slow gauges; scraped in frames of
 * one target every 15 s. Then all are read once.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/random.h"
#include "metrics/metrics.h"

#define TARGET 500u
#define SERIES_MAX 1000000

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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
	if (metrics_series(metrics, labels, 6, &reference, &err) != OK)
		abort();
	return reference;
}

static bool count_samples(void *context, const struct metrics_view *view)
{
	*(size_t *)context += view->count;
	return true;
}

static void step_values(struct random *random, int64_t *state, double *values)
{
	for (unsigned j = 0; j < TARGET; j++) {
		uint64_t dice = random_below(random, 1000);
		state[j] += j % 3 == 2 ? (dice < 50 ? 1 : 0) : (int64_t)(dice % 150);
		values[j] = j % 3 == 1 ? (double)state[j] / 100 : (double)state[j];
	}
}

int main(int count, char **args)
{
	long series = count > 1 ? strtol(args[1], NULL, 10) : 100000, steps = count > 2 ? strtol(args[2], NULL, 10) : 120;
	if (series < (long)TARGET || series > SERIES_MAX || steps < 1 || steps > 1000)
		return 2;
	struct random random;
	struct metrics *metrics;
	struct error err;
	random_seeded(&random, 1);
	series -= series % TARGET;
	uint32_t *references = mem_alloc((size_t)series * sizeof *references);
	int64_t *state = mem_alloc((size_t)series * sizeof *state);
	double values[TARGET], spent = 0, before = seconds();
	long base_kib = resident_kib();
	metrics_create(&METRICS_OPTIONS_DEFAULT, &random, &metrics);
	for (long i = 0; i < series; i++)
		references[i] = name_one(metrics, (unsigned)i);
	printf("named: %.0f ns/series, %ld B/series anonymous\n", (seconds() - before) / (double)series * 1e9,
	       (resident_kib() - base_kib) * 1024 / series);
	for (long step = 0; step < steps; step++)
		for (long at = 0; at < series; at += TARGET) {
			step_values(&random, state + at, values);
			struct metrics_frame frame = { references + at, values, NULL, 1700000000000 + step * 15000, TARGET };
			struct metrics_tally tally;
			double start = seconds();
			metrics_append(metrics, &frame, &tally);
			spent += seconds() - start;
		}
	struct metrics_figures figures;
	metrics_figures(metrics, &figures);
	printf("appended: %.1f ns/sample over %llu samples\n", spent / (double)figures.samples * 1e9,
	       (unsigned long long)figures.samples);
	printf("memory: %ld B/series anonymous, %zu by own count, %zu of them sealed chunks\n",
	       (resident_kib() - base_kib) * 1024 / series, figures.bytes / (size_t)series, figures.sealed_bytes / (size_t)series);
	size_t read = 0;
	before = seconds();
	if (metrics_select(metrics, NULL, 0, INT64_MIN, INT64_MAX, count_samples, &read, &err) != OK)
		abort();
	printf("selected: %.1f ns/sample over all, %zu samples\n", (seconds() - before) / (double)read * 1e9, read);
	metrics_destroy(&metrics);
	mem_free(references);
	mem_free(state);
	return 0;
}
