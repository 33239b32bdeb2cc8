/* test_promql_metrics.c: expressions over series that are kept give what the same series give from plain memory. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "promql/memory_source.h"
#include "promql/metrics_source.h"
#include "promql/series_text.h"

struct world {
	struct random random;
	struct memory_source *memory;
	struct metrics *metrics;
	struct arena arena;
	struct error err;
};

static void begin(struct world *world)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	*world = (struct world){ .memory = memory_source_create() };
	random_seeded(&world->random, 7);
	metrics_create(&options, &world->random, &world->metrics);
	arena_init(&world->arena, 0);
}

static void end(struct world *world)
{
	memory_source_destroy(&world->memory);
	metrics_destroy(&world->metrics);
	arena_finish(&world->arena);
}

static void put(struct world *world, struct promql_labels labels, int64_t time_ms, double value)
{
	uint32_t reference;
	struct error err;
	struct metrics_tally tally = { 0 };
	CHECK_OK(memory_source_put(world->memory, labels, time_ms, value, &err));
	CHECK_OK(metrics_series(world->metrics, (const struct metrics_label *)labels.pairs, labels.count, &reference, &err));
	struct metrics_frame frame = { &reference, &value, NULL, time_ms, 1 };
	metrics_append(world->metrics, &frame, &tally);
	CHECK_INT(tally.counts[METRICS_APPENDED], 1);
}

static void add(struct world *world, const char *text)
{
	struct series_text series;
	struct error err;
	CHECK_OK(series_text_parse(str_of(text), &world->arena, &series, &err));
	for (size_t i = 0; i < series.count; i++) {
		int64_t at = (int64_t)i * 15000;
		if (series.values[i].kind == SERIES_NUMBER)
			put(world, series.labels, at, series.values[i].number);
	}
}

static bool same_value(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void compare(const char *text, const struct promql_answer *wanted, const struct promql_answer *found)
{
	if (wanted->count != found->count)
		fail_msg("%s: wanted %zu series, found %zu", text, wanted->count, found->count);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct promql_row *a = &wanted->rows[i], *b = &found->rows[i];
		if (!promql_labels_equal(a->labels, b->labels) || a->count != b->count)
			fail_msg("%s: series %zu differs", text, i);
		for (size_t j = 0; j < a->count; j++)
			if (a->times[j] != b->times[j] || !same_value(a->values[j], b->values[j]))
				fail_msg("%s: series %zu, sample %zu differs", text, i, j);
	}
}

static void both(struct world *world, const char *text)
{
	struct promql_source sources[] = { memory_source_promql(world->memory), metrics_source(world->metrics) };
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	struct promql_answer answers[2];
	struct promql_expr *expr;
	struct error err;
	CHECK_OK(promql_parse(str_of(text), &world->arena, &expr, &err));
	for (int i = 0; i < 2; i++)
		CHECK_OK(promql_range(expr, &sources[i], 0, 7200000, 60000, &options, &world->arena, &answers[i], &err));
	promql_expr_finish(expr);
	CHECK(answers[0].count > 0 || strstr(text, "none") != NULL);
	compare(text, &answers[0], &answers[1]);
}

TEST(kept_series_answer_as_those_in_plain_memory)
{
	static const char *const series[] = {
		"up{job=\"a\",instance=\"1\"} 1x300 stale 0x100",
		"up{job=\"a\",instance=\"2\"} 1 0 1 NaN 1x400",
		"up{job=\"b\",instance=\"3\"} 0x20 _x40 1x300",
		"requests_total{job=\"a\",code=\"200\"} 0+7x240 0+3x200",
		"requests_total{job=\"a\",code=\"500\"} 0+0.5x400",
		"requests_total{job=\"b\",code=\"200\"} 1e17+1x100 -Inf +Inf 3",
		"latency_bucket{le=\"0.1\"} 0+1x400", "latency_bucket{le=\"+Inf\"} 0+2x400",
	};
	static const char *const texts[] = {
		"up", "up{job=\"a\"}", "up{job!=\"a\"}", "up{job=~\"a|b\",instance=~\".+\"}", "up{instance!~\"1|2\"}",
		"{job=~\"a.*\"}", "{code=\"\",__name__=~\".+\"}", "up{none=\"x\"}", "none", "rate(requests_total[5m])",
		"sum by (job) (rate(requests_total{code=~\"2..\"}[2m]))", "count_over_time(up[10m])",
		"histogram_quantile(0.9, rate(latency_bucket[5m]))", "up offset 10m", "max_over_time(sum(up)[30m:1m])",
		"requests_total / on(job, code) requests_total", "absent(none)", "up @ 600",
	};
	struct world world;
	begin(&world);
	for (size_t i = 0; i < sizeof series / sizeof series[0]; i++)
		add(&world, series[i]);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		both(&world, texts[i]);
	end(&world);
}

TEST(random_series_come_back_to_the_bit_through_expressions)
{
	struct world world;
	begin(&world);
	for (int s = 0; s < 20; s++) {
		struct promql_label pairs[] = {
			{ STR(PROMQL_NAME), arena_printf(&world.arena, "m%d", s % 3) },
			{ STR("a"), arena_printf(&world.arena, "%d", s) },
			{ STR("b"), arena_printf(&world.arena, "%d", s % 4) },
		};
		struct promql_labels labels = { pairs, 3 };
		int64_t at = 0;
		for (int i = 0; i < 600; i++) {
			uint64_t bits;
			double value;
			random_fill(&world.random, &bits, sizeof bits);
			memcpy(&value, &bits, sizeof value);
			at += 1 + (int64_t)random_below(&world.random, 20000);
			put(&world, labels, at, s % 2 == 0 ? value : (double)(bits % 100000) / 100);
		}
	}
	both(&world, "{__name__=~\"m.\"}");
	both(&world, "m1{b=~\"[12]\"}");
	both(&world, "sum by (b) (m0)");
	both(&world, "last_over_time(m2[90s])");
	end(&world);
}

static bool never(void *context, const struct promql_series *series)
{
	(void)series;
	++*(int *)context;
	return false;
}

TEST(a_source_stops_where_the_rest_is_not_wanted_and_refuses_too_many_matchers)
{
	struct world world;
	int seen = 0;
	begin(&world);
	add(&world, "a{x=\"1\"} 1");
	add(&world, "a{x=\"2\"} 1");
	struct promql_source source = metrics_source(world.metrics);
	struct promql_matcher name = { STR(PROMQL_NAME), STR("a"), PROMQL_EQUAL, NULL };
	struct promql_select select = { &name, 1, 0, 1000 };
	CHECK_INT(source.select(source.context, &select, never, &seen, &world.err), OK);
	CHECK_INT(seen, 1);
	struct promql_matcher many[METRICS_MATCHERS_MAX + 1];
	for (size_t i = 0; i <= METRICS_MATCHERS_MAX; i++)
		many[i] = name;
	select = (struct promql_select){ many, METRICS_MATCHERS_MAX + 1, 0, 1000 };
	CHECK_ERR(source.select(source.context, &select, never, &seen, &world.err), ERR_TOO_LARGE);
	end(&world);
}

TESTS(RUN(kept_series_answer_as_those_in_plain_memory), RUN(random_series_come_back_to_the_bit_through_expressions),
      RUN(a_source_stops_where_the_rest_is_not_wanted_and_refuses_too_many_matchers))
