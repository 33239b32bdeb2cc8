/*
 * rate.c: how long `sum by (mode) (rate(x[5m]))` takes over 14,000 series and 61 steps in memory, without HTTP or storage.
 *
 *     bench_rate [ROUNDS [EXPRESSION]]
 *
 * Prints the processor milliseconds of a round, the middle and the least: to compare two builds on one machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "promql/memory_source.h"

#define SERIES 14000
#define SAMPLES 260 /* 65 minutes at 15 s */
#define STEPS 61
#define ROUNDS_MAX 1000

static void fill(struct memory_source *memory)
{
	static const char *const modes[] = { "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user" };
	char instance[32], cpu[16];
	for (int s = 0; s < SERIES; s++) {
		const char *mode = modes[s % 8];
		int host = snprintf(instance, sizeof instance, "host%04d:9100", s / 128);
		int core = snprintf(cpu, sizeof cpu, "%d", s / 8 % 16);
		struct promql_label pairs[] = {
			{ STR("__name__"), STR("x") }, { STR("cpu"), { cpu, (size_t)core } },
			{ STR("instance"), { instance, (size_t)host } }, { STR("job"), STR("node") },
			{ STR("mode"), { mode, strlen(mode) } }, { STR("zone"), STR("eu-west-1a") },
		};
		struct promql_labels labels = { pairs, sizeof pairs / sizeof pairs[0] };
		double value = s;
		for (int i = 0; i < SAMPLES; i++) {
			value += (s * 31 + i * 17) % 23 * 0.125;
			memory_source_put(memory, labels, (int64_t)i * 15000 + s % 15000, value, NULL);
		}
	}
}

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others on the machine do not count */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
	const char *text = argc > 2 ? argv[2] : "sum by (mode) (rate(x[5m]))";
	struct memory_source *memory = memory_source_create();
	struct promql_source source = memory_source_promql(memory);
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	static double taken[ROUNDS_MAX];
	struct arena arena;
	fill(memory);
	arena_init(&arena, (size_t)2 << 30);
	if (rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	for (int i = 0; i < rounds; i++) {
		struct promql_expr *expr;
		struct promql_answer answer;
		struct error err;
		double begun = now_ms();
		if (promql_parse(str_of(text), &arena, &expr, &err) != OK ||
		    promql_range(expr, &source, 300000, 300000 + (STEPS - 1) * 60000, 60000, &options, &arena, &answer, &err) != OK) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		taken[i] = now_ms() - begun;
		if (i == 0)
			printf("%zu rows, the last value of the first is %.17g\n", answer.count,
			       answer.count > 0 ? answer.rows[0].values[answer.rows[0].count - 1] : 0);
		promql_expr_finish(expr);
		arena_reset(&arena);
	}
	qsort(taken, (size_t)rounds, sizeof *taken, by_value);
	printf("middle of %d: %.1f ms, least %.1f ms\n", rounds, taken[rounds / 2], taken[0]);
	memory_source_destroy(&memory);
	arena_finish(&arena);
	return 0;
}
