/* test_promql_eval.c: what the suites do not ask: limits, failures, names dropped at once, windows of version 2. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "promql/memory_source.h"
#include "promql/series_text.h"

struct world {
	struct memory_source *memory;
	struct promql_source source;
	struct promql_options options;
	struct arena arena;
	struct promql_answer answer;
	struct error err;
};

static void add(struct world *world, const char *text)
{
	struct series_text series;
	struct error err;
	CHECK_OK(series_text_parse(str_of(text), &world->arena, &series, &err));
	for (size_t i = 0; i < series.count; i++)
		if (series.values[i].kind == SERIES_NUMBER)
			CHECK_OK(memory_source_put(world->memory, series.labels, (int64_t)i * 15000,
						   series.values[i].number, &err));
}

static void begin(struct world *world)
{
	*world = (struct world){ .memory = memory_source_create(), .options = PROMQL_OPTIONS_DEFAULT };
	world->source = memory_source_promql(world->memory);
	arena_init(&world->arena, 0);
	add(world, "up{job=\"a\"} 0+1x40");
	add(world, "up{job=\"b\"} 0+2x40");
	add(world, "down{job=\"a\"} 0+1x40");
}

static void end(struct world *world)
{
	memory_source_destroy(&world->memory);
	arena_finish(&world->arena);
}

static enum err ask(struct world *world, const char *text)
{
	struct promql_expr *expr;
	enum err r = promql_parse(str_of(text), &world->arena, &expr, &world->err);
	if (r != OK)
		return r;
	r = promql_instant(expr, &world->source, 600000, &world->options, &world->arena, &world->answer, &world->err);
	promql_expr_finish(expr);
	return r;
}

TEST(names_that_are_dropped_at_once_make_duplicates_an_error)
{
	struct world world;
	begin(&world);
	CHECK_INT(ask(&world, "rate({job=\"a\"}[1m])"), ERR_INVALID);
	CHECK_TEXT(world.err.text, "vector cannot contain metrics with the same labelset");
	CHECK_INT(ask(&world, "sum by (__name__) (rate({job=\"b\"}[1m]))"), OK);
	CHECK_INT(world.answer.rows[0].labels.count, 0);
	end(&world);
}

TEST(a_window_of_version_2_includes_its_start)
{
	struct world world;
	begin(&world);
	CHECK_INT(ask(&world, "count_over_time(up{job=\"a\"}[1m])"), OK);
	CHECK_INT(world.answer.rows[0].values[0], 4);
	world.options.version_2 = true;
	CHECK_INT(ask(&world, "count_over_time(up{job=\"a\"}[1m])"), OK);
	CHECK_INT(world.answer.rows[0].values[0], 5);
	CHECK_INT(ask(&world, "count_over_time(up{job=\"a\"}[1m:15s])"), OK);
	CHECK_INT(world.answer.rows[0].values[0], 5);
	world.options.lookback_ms = 15000;
	CHECK_INT(ask(&world, "up offset -15s"), OK);
	CHECK_INT(world.answer.count, 2);
	world.options.version_2 = false;
	CHECK_INT(ask(&world, "up offset -15s"), OK);
	CHECK_INT(world.answer.count, 0);
	end(&world);
}

TEST(too_many_samples_are_an_error_that_says_so)
{
	struct world world;
	begin(&world);
	world.options.samples_max = 100;
	CHECK_INT(ask(&world, "sum(rate(up[10m]) + rate(up[9m]))"), ERR_TOO_LARGE);
	CHECK(strstr(world.err.text, "too many samples") != NULL);
	CHECK_INT(ask(&world, "max_over_time(vector(1)[10m:1ms])"), ERR_TOO_LARGE);
	CHECK_INT(ask(&world, "up"), OK);
	end(&world);
}

TEST(a_query_ends_as_an_error_at_whatever_byte_its_memory_runs_out)
{
	struct world world;
	struct promql_expr *expr;
	struct error err;
	begin(&world);
	static const char text[] = "topk(2, label_replace(rate(up[5m]) * on (job) group_left () (up == up), \"x\", \"$1\", "
				   "\"job\", \"(.*)\")) or histogram_quantile(0.5, up) or max_over_time(up[5m:1m])";
	CHECK_OK(promql_parse(str_of(text), &world.arena, &expr, &err));
	size_t failures = 0;
	for (size_t limit = 64;; limit += 200) {
		struct arena small;
		arena_init(&small, limit);
		enum err r = promql_range(expr, &world.source, 0, 600000, 60000, &world.options, &small, &world.answer,
					  &err);
		arena_finish(&small);
		if (r == OK)
			break;
		CHECK_INT(r, ERR_TOO_LARGE);
		failures++;
	}
	CHECK(failures > 20);
	promql_expr_finish(expr);
	end(&world);
}

static bool at_once(void *context)
{
	int *left = context;
	return --*left < 0;
}

TEST(a_query_whose_time_is_up_stops)
{
	struct world world;
	int left = 0;
	begin(&world);
	world.options.expired = at_once;
	world.options.expired_context = &left;
	CHECK_INT(ask(&world, "up"), ERR_TIMEOUT);
	left = 3;
	CHECK_INT(ask(&world, "sum_over_time(up[10m:1s]) + sum_over_time(up[10m:1s])"), OK);
	end(&world);
}

struct failing {
	int calls;
	const struct promql_source *whole;
	bool cleaned;
};

static enum err fail_select(void *context, const struct promql_select *select, promql_take_fn *take, void *take_context,
			    struct error *err)
{
	struct failing *failing = context;
	failing->cleaned = false;
	enum err r = failing->whole->select(failing->whole->context, select, take, take_context, err);
	failing->cleaned = true;
	return failing->calls-- == 0 ? error_set(err, ERR_IO, "the disk is gone") : r;
}

TEST(what_the_source_says_is_what_the_query_says_and_a_source_may_always_clean_up)
{
	struct world world;
	begin(&world);
	struct promql_source whole = world.source;
	struct failing failing = { .calls = 1, .whole = &whole };
	world.source = (struct promql_source){ &failing, fail_select };
	CHECK_INT(ask(&world, "up + up"), ERR_IO);
	CHECK_TEXT(world.err.text, "the disk is gone");
	failing.calls = 100;
	world.options.samples_max = 30; /* reached while the source is giving series */
	CHECK_INT(ask(&world, "rate(up[10m])"), ERR_TOO_LARGE);
	CHECK(failing.cleaned);
	end(&world);
}

TEST(a_range_query_refuses_what_makes_no_sense)
{
	struct world world;
	struct promql_expr *expr;
	struct error err;
	begin(&world);
	CHECK_OK(promql_parse(STR("up"), &world.arena, &expr, &err));
	CHECK_ERR(promql_range(expr, &world.source, 0, 10, 0, &world.options, &world.arena, &world.answer, &err),
		  ERR_INVALID);
	CHECK_ERR(promql_range(expr, &world.source, 10, 0, 1, &world.options, &world.arena, &world.answer, &err),
		  ERR_INVALID);
	CHECK_ERR(promql_range(expr, &world.source, 0, 11000, 1, &world.options, &world.arena, &world.answer,
			       &err), ERR_TOO_LARGE);
	CHECK_OK(promql_range(expr, &world.source, 0, 10999, 1, &world.options, &world.arena, &world.answer,
			      &err));
	promql_expr_finish(expr);
	CHECK_OK(promql_parse(STR("up[5m]"), &world.arena, &expr, &err));
	CHECK_ERR(promql_range(expr, &world.source, 0, 10, 1, &world.options, &world.arena, &world.answer, &err),
		  ERR_INVALID);
	promql_expr_finish(expr);
	end(&world);
}

TEST(a_pinned_expression_gives_the_same_at_any_time)
{
	struct world world;
	struct promql_expr *expr;
	struct error err;
	begin(&world);
	CHECK_OK(promql_parse(STR("sum(up) + max_over_time(up{job=\"b\"}[1m:15s])"), &world.arena, &expr, &err));
	CHECK(promql_expr_pin(expr, 300000));
	cleanup_buf struct buf buf;
	buf_init(&buf, 1000);
	promql_print(expr, &buf);
	CHECK_STR(buf_str(&buf), "sum(up @ 300.000) + max_over_time(up{job=\"b\"}[1m:15s] @ 300.000)");
	promql_expr_finish(expr);
	CHECK_OK(promql_parse(STR("up + time()"), &world.arena, &expr, &err));
	CHECK(!promql_expr_pin(expr, 300000));
	promql_expr_finish(expr);
	end(&world);
}

TEST(matching_that_is_not_clear_is_refused_in_the_words_of_prometheus)
{
	struct world world;
	begin(&world);
	add(&world, "many{job=\"a\",x=\"1\"} 1x40");
	add(&world, "many{job=\"a\",x=\"2\"} 1x40");
	CHECK_INT(ask(&world, "many * on (job) up"), ERR_INVALID);
	CHECK_TEXT(world.err.text, "multiple matches for labels: many-to-one matching must be explicit "
				   "(group_left/group_right)");
	CHECK_INT(ask(&world, "many * on (job) group_left (x) many{x=\"1\"}"), ERR_INVALID);
	CHECK_TEXT(world.err.text, "multiple matches for labels: grouping labels must ensure unique matches");
	CHECK_INT(ask(&world, "many{x=\"1\"} > on (job) group_left (x) label_replace(many, \"x\", \"\", \"x\", \"\")"),
		  ERR_INVALID);
	CHECK_TEXT(world.err.text,
		   "found duplicate series for the match group {job=\"a\"} on the right hand-side of the operation: "
		   "[{__name__=\"many\", job=\"a\", x=\"1\"}, {__name__=\"many\", job=\"a\", x=\"2\"}];many-to-many "
		   "matching not allowed: matching labels must be unique on one side");
	CHECK_INT(ask(&world, "many > on (job) group_left (x) many{x=\"1\"} > 5"), ERR_INVALID); /* though none is left */
	end(&world);
}

/* One series, or none when `wanted` is a NaN. `up{job="a"}` is t/15, asked at 600 s. */
static void check_value(struct world *world, const char *text, double wanted)
{
	if (ask(world, text) != OK)
		fail_msg("%s: %s", text, world->err.text);
	if (isnan(wanted) ? world->answer.count != 0 : world->answer.count != 1 ||
						       world->answer.rows[0].values[0] != wanted)
		fail_msg("%s: wanted %g, found %g of %zu", text, wanted,
			 world->answer.count > 0 ? world->answer.rows[0].values[0] : (double)NAN, world->answer.count);
}

TEST(at_and_offset_say_when_a_selector_looks_in_either_order)
{
	struct world world;
	begin(&world);
	check_value(&world, "up{job=\"a\"} @ 300", 20);
	check_value(&world, "up{job=\"a\"} @ 300 offset 1m", 16);
	check_value(&world, "up{job=\"a\"} offset 1m @ 300", 16);
	check_value(&world, "up{job=\"a\"} offset -1m @ 300", 24);
	check_value(&world, "up{job=\"a\"} @ end() offset 5m", 20);
	check_value(&world, "sum_over_time(up{job=\"a\"}[1m] @ 300 offset 1m)", 13 + 14 + 15 + 16);
	check_value(&world, "up{job=\"a\"} @ -1", NAN);
	check_value(&world, "up{job=\"a\"} @ 899.999", 40);
	check_value(&world, "up{job=\"a\"} @ 900", NAN);
	end(&world);
}

TEST(a_subquery_looks_at_multiples_of_its_step_after_the_start_of_its_range)
{
	struct world world;
	begin(&world);
	check_value(&world, "count_over_time(up{job=\"a\"}[1m:15s])", 4);
	check_value(&world, "sum_over_time(up{job=\"a\"}[1m:20s])", 37 + 38 + 40); /* at 560, 580, 600 */
	check_value(&world, "sum_over_time(up{job=\"a\"}[50s:20s] offset 5s)", 37 + 38); /* 545 < 560, 580 <= 595 */
	check_value(&world, "min_over_time(up{job=\"a\"}[1m:15s] @ 300)", 17);
	check_value(&world, "sum_over_time(up{job=\"a\"}[2m:])", 36 + 40); /* each minute when nothing is said */
	check_value(&world, "max_over_time(sum_over_time(up{job=\"a\"}[30s:15s])[1m:30s])", 79);
	check_value(&world, "count_over_time(up{job=\"a\"}[10s:1m] offset 5s)", NAN);
	check_value(&world, "max_over_time((time() - up{job=\"a\"} @ 300)[1m:1m])", 580);
	end(&world);
}

TEST(a_range_query_gives_each_step_what_an_instant_query_would)
{
	static const char *const texts[] = {
		"up", "sum(rate(up[2m]))", "up{job=\"a\"} @ 300", "topk(1, up)", "max_over_time(up[1m:20s])", "absent(nix{a=\"b\"})",
		"up > 50 or down < 5", "count_values(\"v\", up)", "histogram_quantile(0.5, up)", "scalar(down)", "timestamp(up)",
		"up * on (job) group_left () down", "label_replace(up, \"x\", \"$1\", \"job\", \"(.)\")", "predict_linear(up[2m], 60)",
		"quantile by (job) (0.3, up)", "deriv(up[1m] offset 30s)", "minute()", "up unless down", "-up ^ 2 % 7",
	};
	struct world world;
	struct promql_expr *expr;
	struct error err;
	begin(&world);
	for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
		struct promql_answer whole;
		size_t cells = 0, seen = 0;
		CHECK_OK(promql_parse(str_of(texts[t]), &world.arena, &expr, &err));
		CHECK_OK(promql_range(expr, &world.source, 0, 1200000, 40000, &world.options, &world.arena, &whole, &err));
		for (size_t r = 0; r < whole.count; r++)
			cells += whole.rows[r].count;
		for (int64_t at = 0; at <= 1200000; at += 40000) {
			CHECK_OK(promql_instant(expr, &world.source, at, &world.options, &world.arena, &world.answer, &err));
			for (size_t i = 0; i < world.answer.count; i++)
				for (size_t r = 0; r < whole.count; r++)
					for (size_t k = 0; k < whole.rows[r].count; k++) {
						double a = whole.rows[r].values[k], b = world.answer.rows[i].values[0];
						seen += whole.rows[r].times[k] == at && (a == b || (isnan(a) && isnan(b))) &&
							promql_labels_equal(whole.rows[r].labels, world.answer.rows[i].labels);
					}
			cells -= world.answer.count;
			seen -= world.answer.count;
		}
		if (cells != 0 || seen != 0)
			fail_msg("%s: a step of the range query is not what the instant query gives", texts[t]);
		promql_expr_finish(expr);
	}
	end(&world);
}

/* What a real Prometheus answered otherwise, found by tests/differ. */
TEST(numbers_at_their_ends_are_those_of_go)
{
	static const struct {
		const char *text;
		double wanted;
	} rows[] = {
		{ "sinh(vector(710))", INFINITY }, { "sinh(vector(-710))", -INFINITY }, { "cosh(vector(-710))", INFINITY },
		{ "clamp_min(vector(NaN), Inf)", INFINITY }, { "clamp_max(vector(NaN), -Inf)", -INFINITY },
		{ "1 / clamp_min(vector(-1) * 0, 0)", INFINITY }, { "1 / clamp_max(vector(0), -1 * 0)", -INFINITY },
	};
	struct world world;
	begin(&world);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK_INT(ask(&world, rows[i].text), OK);
		if (world.answer.rows[0].values[0] != rows[i].wanted)
			fail_msg("%s: wanted %g, found %g", rows[i].text, rows[i].wanted, world.answer.rows[0].values[0]);
	}
	end(&world);
}

TESTS(RUN(numbers_at_their_ends_are_those_of_go),
      RUN(at_and_offset_say_when_a_selector_looks_in_either_order),
      RUN(a_subquery_looks_at_multiples_of_its_step_after_the_start_of_its_range),
      RUN(a_range_query_gives_each_step_what_an_instant_query_would), RUN(matching_that_is_not_clear_is_refused_in_the_words_of_prometheus), RUN(names_that_are_dropped_at_once_make_duplicates_an_error), RUN(a_window_of_version_2_includes_its_start),
      RUN(too_many_samples_are_an_error_that_says_so), RUN(a_query_ends_as_an_error_at_whatever_byte_its_memory_runs_out),
      RUN(a_query_whose_time_is_up_stops),
      RUN(what_the_source_says_is_what_the_query_says_and_a_source_may_always_clean_up),
      RUN(a_range_query_refuses_what_makes_no_sense), RUN(a_pinned_expression_gives_the_same_at_any_time))
