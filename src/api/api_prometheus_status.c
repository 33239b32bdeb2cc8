/* api_prometheus_status.c: what clients of Prometheus ask to know whom they talk to, and how much is kept. */
#include "api/api_handlers.h"
#include "api/api_prometheus.h"
#include "api/api_text_set.h"

#define HEAD_MS 7200000   /* series that had a sample within that time of the newest count */
#define TOP_DEFAULT 10
#define CONTRACT_VERSION "3.14.0" /* of Prometheus: whose language and answers these are */

enum err api_prometheus_buildinfo(struct api_call *call, struct error *err)
{
	struct buf *out = prom_data(call);
	(void)err;
	buf_printf(out, "{\"version\":\"%s\",\"revision\":\"mainstay %s\",\"branch\":\"mainstay\",\"buildUser\":\"\","
		   "\"buildDate\":\"\",\"goVersion\":\"\"}", CONTRACT_VERSION, call->api->options.version);
	return prom_end(call, NULL, NULL);
}

static void put_span(struct buf *out, const char *key, time_us span)
{
	char text[DURATION_TEXT_BYTES];
	duration_format(span, text);
	buf_printf(out, ",\"%s\":\"%s\"", key, text);
}

/* Those that clients look at, by the names Prometheus has for them. */
enum err api_prometheus_flags(struct api_call *call, struct error *err)
{
	const struct api_metrics *metrics = call->api->options.metrics;
	(void)err;
	if (metrics == NULL)
		return prom_fail(call, PROM_UNAVAILABLE, "there are no time series here");
	struct buf *out = prom_data(call);
	buf_adds(out, "{\"query.lookback-delta\":\"5m\"");
	buf_printf(out, ",\"query.max-samples\":\"%zu\"", metrics->samples_max);
	put_span(out, "query.timeout", metrics->timeout);
	put_span(out, "storage.tsdb.retention.time", metrics->keep);
	buf_adds(out, ",\"web.enable-remote-write-receiver\":\"true\"}");
	return prom_end(call, NULL, NULL);
}

enum err api_prometheus_runtimeinfo(struct api_call *call, struct error *err)
{
	const struct api_metrics *metrics = call->api->options.metrics;
	struct metrics_figures figures;
	char text[DURATION_TEXT_BYTES], started[TIME_TEXT_BYTES];
	if (api_metrics_hold(call, err) != OK)
		return prom_fail(call, PROM_UNAVAILABLE, "%s", err->text);
	metrics_figures(metrics->metrics, &figures);
	duration_format(metrics->keep, text);
	time_format(call->now - clock_since_boot(call->api->options.clock) + call->api->started, started);
	struct buf *out = prom_data(call);
	buf_printf(out, "{\"startTime\":\"%s\",\"reloadConfigSuccess\":true,\"timeSeriesCount\":%u,"
		   "\"storageRetention\":\"%s\"}", started, figures.series, text);
	return prom_end(call, NULL, NULL);
}

/* ---- what takes most ---- */

struct tsdb {
	struct text_set names, values, memory, pairs; /* metric names; values and bytes by label; name=value */
	struct buf pair;
	size_t series;
	int64_t oldest_ms;
};

static bool see_series(void *context, const struct metrics_view *view)
{
	struct tsdb *tsdb = context;
	tsdb->series++;
	if (tsdb->oldest_ms > view->times[0])
		tsdb->oldest_ms = view->times[0];
	for (size_t i = 0; i < view->label_count; i++) {
		const struct metrics_label *label = &view->labels[i];
		buf_reset(&tsdb->pair);
		buf_printf(&tsdb->pair, STR_FMT "=" STR_FMT, STR_ARG(label->name), STR_ARG(label->value));
		if (str_is(label->name, METRICS_NAME))
			text_set_add(&tsdb->names, label->value, 1);
		if (text_set_add(&tsdb->pairs, buf_str(&tsdb->pair), 1)) {
			text_set_add(&tsdb->values, label->name, 1);
			text_set_add(&tsdb->memory, label->name, label->value.len);
		}
	}
	return !tsdb->pairs.full;
}

static void put_top(struct buf *out, const char *key, struct text_set *set, size_t limit)
{
	text_set_sort_by_count(set);
	buf_printf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < set->count && i < limit; i++) {
		buf_adds(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		json_quote(out, set->rows[i].text);
		buf_printf(out, ",\"value\":%llu}", (unsigned long long)set->rows[i].count);
	}
	buf_addc(out, ']');
}

static enum err put_tsdb(struct prom *prom, struct tsdb *tsdb, const struct metrics_figures *figures, size_t limit)
{
	bool none = tsdb->series == 0;
	struct buf *out = prom_data(prom->call);
	buf_printf(out, "{\"headStats\":{\"numSeries\":%u,\"numLabelPairs\":%u,\"minTime\":%lld,"
		   "\"maxTime\":%lld}", figures->series, figures->pairs, none ? 0LL : (long long)tsdb->oldest_ms,
		   none ? 0LL : (long long)figures->newest_ms);
	put_top(out, "seriesCountByMetricName", &tsdb->names, limit);
	put_top(out, "labelValueCountByLabelName", &tsdb->values, limit);
	put_top(out, "memoryInBytesByLabelName", &tsdb->memory, limit);
	put_top(out, "seriesCountByLabelValuePair", &tsdb->pairs, limit);
	buf_addc(out, '}');
	return prom_end(prom->call, NULL, tsdb->pairs.full ? "there are too many labels to count all" : NULL);
}

static enum err count_tsdb(struct prom *prom, size_t limit)
{
	struct tsdb tsdb = { .oldest_ms = INT64_MAX };
	struct text_set *sets[] = { &tsdb.names, &tsdb.values, &tsdb.memory, &tsdb.pairs };
	struct metrics_figures figures;
	struct error err = { .code = OK };
	metrics_figures(prom->metrics->metrics, &figures);
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		text_set_init(sets[i], PROM_ARENA_BYTES / 4);
	buf_init(&tsdb.pair, 4 * METRICS_TEXT_BYTES_MAX);
	enum err r = OK;
	if (figures.newest_ms != INT64_MIN)
		r = metrics_select(prom->metrics->metrics, NULL, 0, figures.newest_ms - HEAD_MS, figures.newest_ms,
				   see_series, &tsdb, &err);
	r = r == OK ? put_tsdb(prom, &tsdb, &figures, limit) : prom_fail(prom->call, PROM_EXECUTION, "%s", err.text);
	buf_finish(&tsdb.pair);
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		text_set_finish(sets[i]);
	return r;
}

enum err api_prometheus_tsdb(struct api_call *call, struct error *err)
{
	struct prom *prom = arena_new(&call->arena, struct prom);
	enum err result;
	size_t limit;
	if (!prom_begin(call, prom, &result, err) || !prom_limit(prom, &limit, &result))
		return result;
	return count_tsdb(prom, limit > 0 ? limit : TOP_DEFAULT);
}
