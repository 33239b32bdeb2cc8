/* metrics_source.c: see metrics_source.h. */
#include "promql/metrics_source.h"

#include <assert.h>
#include <stddef.h>

static_assert(sizeof(struct metrics_label) == sizeof(struct promql_label) &&
		      offsetof(struct metrics_label, name) == offsetof(struct promql_label, name) &&
		      offsetof(struct metrics_label, value) == offsetof(struct promql_label, value),
	      "labels are lent, not copied");
static_assert(PROMQL_STALE_BITS == METRICS_STALE_BITS, "a series ends by the same mark");

struct reading {
	promql_take_fn *take;
	void *context;
};

static bool lend(void *context, const struct metrics_view *view)
{
	const struct reading *reading = context;
	struct promql_series series = {
		.labels = { (const struct promql_label *)view->labels, view->label_count },
		.times = view->times,
		.values = view->values,
		.count = view->count,
	};
	return reading->take(reading->context, &series);
}

static bool takes(const void *context, struct str value)
{
	return promql_matcher_takes(context, value);
}

struct metrics_matcher metrics_source_matcher(const struct promql_matcher *matcher)
{
	static const enum metrics_match matches[] = {
		[PROMQL_EQUAL] = METRICS_EQUAL,
		[PROMQL_NOT_EQUAL] = METRICS_NOT_EQUAL,
		[PROMQL_REGEX] = METRICS_TAKES,
		[PROMQL_NOT_REGEX] = METRICS_TAKES,
	};
	return (struct metrics_matcher){ matcher->name, matcher->value, matches[matcher->match], takes, matcher };
}

static enum err read_series(void *context, const struct promql_select *select, promql_take_fn *take, void *take_context,
			    struct error *err)
{
	struct metrics_matcher matchers[METRICS_MATCHERS_MAX];
	struct reading reading = { take, take_context };
	if (select->count > METRICS_MATCHERS_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot select by %zu matchers: %u are allowed", select->count,
				 METRICS_MATCHERS_MAX);
	for (size_t i = 0; i < select->count; i++)
		matchers[i] = metrics_source_matcher(&select->matchers[i]);
	return (select->newest ? metrics_select_newest : metrics_select)(context, matchers, select->count, select->from_ms,
									 select->to_ms, lend, &reading, err);
}

struct promql_source metrics_source(struct metrics *metrics)
{
	return (struct promql_source){ metrics, read_series };
}
