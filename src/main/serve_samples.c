/* serve_samples.c: see serve_samples.h. */
#include "main/serve_samples.h"

#include <assert.h>
#include <stdio.h>

#include "metrics/log.h"
#include "monitor/sample_intake.h"

static bool begin(void *context, uint64_t *ret_generation)
{
	struct serve_samples *samples = context;
	return serve_metrics_hold(samples->metrics, ret_generation);
}

static void end(void *context)
{
	struct serve_samples *samples = context;
	serve_metrics_let_go(samples->metrics);
}

/* What the engine cannot hold (a label too long, too many of them) costs that series alone. */
static enum err series(void *context, struct promql_labels labels, uint32_t *ret_reference, struct error *err)
{
	struct serve_samples *samples = context;
	static_assert(sizeof(struct metrics_label) == sizeof(struct promql_label), "two texts each");
	struct metrics *metrics = serve_metrics_api(samples->metrics)->metrics;
	if (metrics_series(metrics, (const struct metrics_label *)labels.pairs, labels.count, ret_reference, err) == OK)
		return OK;
	snprintf(samples->why, sizeof samples->why, "%s", err->text);
	return ERR_LIMIT;
}

static void append_slice(struct serve_samples *samples, const struct metrics_frame *frame)
{
	struct metrics_tally tally = { 0 };
	if (frame->count == 0)
		return;
	if (serve_metrics_append(samples->metrics, frame, &tally, NULL) != OK)
		samples->refused += frame->count;
	samples->refused += tally.counts[METRICS_DUPLICATE] + tally.counts[METRICS_TOO_OLD] + tally.counts[METRICS_NO_ROOM];
}

/* A time far ahead would make what all others send too old: such rows are left out, as of other programs. */
static void append(void *context, const struct scrape_frame *frame)
{
	struct serve_samples *samples = context;
	int64_t latest = clock_wall(samples->clock) / TIME_MS + SAMPLE_INTAKE_AHEAD_MS;
	size_t from = 0;
	for (size_t at = 0; at <= frame->count; at++) {
		bool ahead = at < frame->count && frame->times[at] > latest;
		if (at < frame->count && !ahead && at - from < METRICS_LOG_ROWS_MAX)
			continue;
		append_slice(samples, &(struct metrics_frame){ frame->references + from, frame->values + from,
							      frame->times + from, 0, at - from });
		samples->refused += ahead;
		from = ahead ? at + 1 : at;
	}
}

static void describe(void *context, const struct exposition_item *item)
{
	static const char *const types[EXPOSITION_TYPE_COUNT] = {
		[EXPOSITION_UNKNOWN] = "unknown", [EXPOSITION_COUNTER] = "counter", [EXPOSITION_GAUGE] = "gauge",
		[EXPOSITION_HISTOGRAM] = "histogram", [EXPOSITION_GAUGEHISTOGRAM] = "gaugehistogram",
		[EXPOSITION_SUMMARY] = "summary", [EXPOSITION_INFO] = "info", [EXPOSITION_STATESET] = "stateset",
	};
	struct serve_samples *samples = context;
	struct sample_family family = { .name = item->name };
	if (item->kind == EXPOSITION_TYPE)
		family.type = types[item->type];
	else if (item->kind == EXPOSITION_HELP)
		family.help = item->text;
	else if (item->kind == EXPOSITION_UNIT)
		family.unit = item->text;
	else
		return;
	sample_intake_describe(serve_metrics_api(samples->metrics)->intake, &family);
}

static bool goes_on(void *context, uint32_t reference, int64_t time_ms)
{
	struct serve_samples *samples = context;
	return metrics_is_past(serve_metrics_api(samples->metrics)->metrics, reference, time_ms);
}

struct scrape_storage serve_samples_storage(struct serve_samples *samples)
{
	return (struct scrape_storage){ .sink = { samples, series, append, describe, goes_on }, .begin = begin, .end = end };
}
