/* test_metrics_list.c: names, values and series as the query API shows them; and new series at their limits. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"
#include "metrics/metrics.h"

#define START INT64_C(1700000000000)
#define HOUR INT64_C(3600000)

static struct metrics *make(const struct metrics_options *options)
{
	struct random random;
	struct metrics *metrics;
	random_seeded(&random, 5);
	metrics_create(options, &random, &metrics);
	return metrics;
}

static enum err name_series(struct metrics *metrics, const char *name, const char *job, unsigned instance,
			    uint32_t *ret_reference, struct error *err)
{
	char text[32];
	snprintf(text, sizeof text, "host-%02u", instance);
	struct metrics_label labels[] = { { STR(METRICS_NAME), str_of(name) }, { STR("instance"), str_of(text) },
		                          { STR("job"), str_of(job) } };
	return metrics_series(metrics, labels, job[0] != '\0' ? 3 : 2, ret_reference, err);
}

static void put(struct metrics *metrics, const char *name, const char *job, unsigned instance, int64_t time_ms)
{
	struct error err;
	uint32_t reference;
	double value = 1;
	struct metrics_tally tally;
	CHECK_OK(name_series(metrics, name, job, instance, &reference, &err));
	struct metrics_frame frame = { &reference, &value, NULL, time_ms, 1 };
	metrics_append(metrics, &frame, &tally);
	CHECK_INT(tally.counts[METRICS_APPENDED], 1);
}

/* Two hours: "old" in the first, "up" in both, "new" in the second; ten instances each, half of them without a job. */
static struct metrics *filled(void)
{
	struct metrics *metrics = make(&METRICS_OPTIONS_DEFAULT);
	for (unsigned i = 0; i < 10; i++) {
		put(metrics, "old", i % 2 ? "db" : "", i, START);
		put(metrics, "up", "node", i, START);
	}
	for (unsigned i = 0; i < 500; i++) /* sealed */
		put(metrics, "sealed", "node", 77, START + i * 1000);
	for (unsigned i = 0; i < 10; i++) {
		put(metrics, "up", "node", i, START + HOUR);
		put(metrics, "new", "web", i + 5, START + HOUR);
	}
	return metrics;
}

static char said[1024];
static size_t stop_after;

static bool add_text(void *context, struct str text)
{
	size_t used = strlen(said);
	snprintf(said + used, sizeof said - used, STR_FMT " ", STR_ARG(text));
	return stop_after == 0 || --stop_after > 0;
}

static bool add_series(void *context, const struct metrics_view *view)
{
	CHECK(view->count == 0);
	for (size_t i = 0; i < view->label_count; i++)
		add_text(NULL, view->labels[i].value);
	return true;
}

#pragma GCC diagnostic ignored "-Woverride-init" /* what a test wants otherwise */
#define ALL(...) \
	((struct metrics_scope){ .from_ms = INT64_MIN, .to_ms = INT64_MAX, .limit = 100, __VA_ARGS__ })

static const char *names(struct metrics *metrics, struct metrics_scope scope, bool wants_more)
{
	struct error err;
	bool more = !wants_more;
	said[0] = '\0';
	CHECK_OK(metrics_label_names(metrics, &scope, add_text, NULL, &more, &err));
	CHECK(more == wants_more);
	return said;
}

static const char *values(struct metrics *metrics, const char *name, struct metrics_scope scope, bool wants_more)
{
	struct error err;
	bool more = !wants_more;
	said[0] = '\0';
	CHECK_OK(metrics_label_values(metrics, str_of(name), &scope, add_text, NULL, &more, &err));
	CHECK(more == wants_more);
	return said;
}

static const char *series(struct metrics *metrics, struct metrics_scope scope, bool wants_more)
{
	struct error err;
	bool more = !wants_more;
	said[0] = '\0';
	CHECK_OK(metrics_list_series(metrics, &scope, add_series, NULL, &more, &err));
	CHECK(more == wants_more);
	return said;
}

TEST(names_and_values_are_sorted_once_each_and_within_the_range)
{
	struct metrics *metrics = filled();
	CHECK_TEXT(names(metrics, ALL(), false), "__name__ instance job ");
	CHECK_TEXT(values(metrics, "__name__", ALL(), false), "new old sealed up ");
	CHECK_TEXT(values(metrics, "__name__", ALL(.to_ms = START), false), "old sealed up ");
	CHECK_TEXT(values(metrics, "__name__", ALL(.from_ms = START + HOUR), false), "new up ");
	CHECK_TEXT(values(metrics, "__name__", ALL(.from_ms = START + 10000, .to_ms = START + 20000), false), "sealed up ");
	CHECK_TEXT(values(metrics, "job", ALL(), false), "db node web ");
	CHECK_TEXT(values(metrics, "job", ALL(.from_ms = START + HOUR + 1), false), "");
	CHECK_TEXT(values(metrics, "nowhere", ALL(), false), "");
	CHECK_TEXT(values(metrics, "db", ALL(), false), ""); /* a value, no name */
	metrics_destroy(&metrics);
}

TEST(matchers_narrow_what_is_listed)
{
	struct metrics *metrics = filled();
	struct metrics_matcher old = { STR("__name__"), STR("old"), METRICS_EQUAL, NULL, NULL };
	struct metrics_matcher jobless[] = { old, { STR("job"), STR(""), METRICS_EQUAL, NULL, NULL } };
	struct metrics_matcher both[] = { { STR("instance"), STR("host-07"), METRICS_EQUAL, NULL, NULL },
		                          { STR("job"), STR("web"), METRICS_NOT_EQUAL, NULL, NULL } };
	CHECK_TEXT(names(metrics, ALL(.matchers = &old, .count = 1), false), "__name__ instance job ");
	CHECK_TEXT(names(metrics, ALL(.matchers = jobless, .count = 2), false), "__name__ instance ");
	CHECK_TEXT(names(metrics, ALL(.matchers = &old, .count = 1, .from_ms = START + 1), false), "");
	CHECK_TEXT(values(metrics, "instance", ALL(.matchers = jobless, .count = 2), false),
		   "host-00 host-02 host-04 host-06 host-08 ");
	CHECK_TEXT(values(metrics, "__name__", ALL(.matchers = both, .count = 2), false), "old up ");
	CHECK_TEXT(values(metrics, "job", ALL(.matchers = jobless, .count = 2), false), "");
	CHECK_TEXT(series(metrics, ALL(.matchers = both, .count = 2), false), "old host-07 db up host-07 node ");
	CHECK_TEXT(series(metrics, ALL(.matchers = both, .count = 2, .from_ms = START + HOUR), false), "up host-07 node ");
	metrics_destroy(&metrics);
}

TEST(a_limit_gives_the_first_and_says_that_there_are_more)
{
	struct metrics *metrics = filled();
	CHECK_TEXT(names(metrics, ALL(.limit = 2), true), "__name__ instance ");
	CHECK_TEXT(names(metrics, ALL(.limit = 3), false), "__name__ instance job ");
	CHECK_TEXT(values(metrics, "__name__", ALL(.limit = 1), true), "new ");
	CHECK_TEXT(values(metrics, "job", ALL(.limit = 0), true), "");
	CHECK_TEXT(series(metrics, ALL(.limit = 1), true), "old host-00 ");
	stop_after = 2;
	CHECK_TEXT(values(metrics, "__name__", ALL(), false), "new old ");
	struct error err;
	bool more;
	struct metrics_scope many = ALL(.count = METRICS_MATCHERS_MAX + 1);
	CHECK_ERR(metrics_list_series(metrics, &many, add_series, NULL, &more, &err), ERR_TOO_LARGE);
	metrics_destroy(&metrics);
}

TEST(what_expired_is_not_listed)
{
	struct metrics *metrics = filled();
	metrics_expire(metrics, START + HOUR);
	CHECK_TEXT(values(metrics, "__name__", ALL(), false), "new up ");
	CHECK_TEXT(series(metrics, ALL(.limit = 1), true), "up host-00 node ");
	metrics_destroy(&metrics);
}

static void add_ranked(void *context, struct str name, struct str value, uint64_t count)
{
	size_t used = strlen(said);
	snprintf(said + used, sizeof said - used, STR_FMT " " STR_FMT " %llu,", STR_ARG(name), STR_ARG(value),
		 (unsigned long long)count);
}

static const char *ranked(struct metrics *metrics, enum metrics_ranking ranking, size_t limit)
{
	said[0] = '\0';
	metrics_ranked(metrics, ranking, limit, add_ranked, NULL);
	return said;
}

TEST(the_largest_are_ranked_by_what_they_cost)
{
	struct metrics *metrics = filled();
	CHECK_TEXT(ranked(metrics, METRICS_SERIES_BY_NAME, 10), "old  10,up  10,new  10,sealed  1,");
	CHECK_TEXT(ranked(metrics, METRICS_VALUES_BY_LABEL, 2), "instance  16,__name__  4,");
	CHECK_TEXT(ranked(metrics, METRICS_BYTES_BY_LABEL, 1), "instance  112,");
	CHECK_TEXT(ranked(metrics, METRICS_SERIES_BY_PAIR, 2), "job node 11,__name__ old 10,");
	CHECK_TEXT(ranked(metrics, METRICS_SERIES_BY_PAIR, 0), "");
	struct metrics_figures figures;
	metrics_figures(metrics, &figures);
	CHECK_INT(figures.names, 3);
	CHECK_INT(figures.pairs, 4 + 16 + 3);
	metrics_destroy(&metrics);
}

TEST(new_series_of_an_hour_are_capped_in_all_and_by_name_and_the_next_hour_takes_others)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	options.series_new_max = 6;
	options.series_new_per_name_max = 4;
	struct metrics *metrics = make(&options);
	struct error err;
	uint32_t reference;
	for (unsigned hour = 0; hour < 3; hour++) {
		unsigned first = hour * 10;
		if (hour > 0)
			put(metrics, "up", "node", 0, START + hour * HOUR); /* time goes on with those that exist */
		for (unsigned i = 0; i < 4; i++)
			CHECK_OK(name_series(metrics, "up", "node", first + i, &reference, &err));
		CHECK_ERR(name_series(metrics, "up", "node", first + 4, &reference, &err), ERR_LIMIT);
		CHECK_TEXT(err.text, "could not begin a series of \"up\": it has 4 new ones in this hour, as many as series_new_per_name_max allows");
		CHECK_OK(name_series(metrics, "load", "node", first, &reference, &err));
		CHECK_OK(name_series(metrics, "load", "node", first + 1, &reference, &err));
		CHECK_ERR(name_series(metrics, "load", "node", first + 2, &reference, &err), ERR_LIMIT);
		CHECK_TEXT(err.text, "could not begin a series of \"load\": 6 are new in this hour, as many as series_new_max allows");
		CHECK_OK(name_series(metrics, "up", "node", first, &reference, &err)); /* is there */
		if (hour == 0)
			put(metrics, "up", "node", 0, START);
	}
	struct metrics_figures figures;
	metrics_figures(metrics, &figures);
	CHECK_INT(figures.refused_series, 6);
	CHECK_INT(figures.series_new, 6);
	metrics_destroy(&metrics);
}

TESTS(RUN(names_and_values_are_sorted_once_each_and_within_the_range), RUN(matchers_narrow_what_is_listed),
      RUN(a_limit_gives_the_first_and_says_that_there_are_more), RUN(what_expired_is_not_listed),
      RUN(the_largest_are_ranked_by_what_they_cost),
      RUN(new_series_of_an_hour_are_capped_in_all_and_by_name_and_the_next_hour_takes_others))
