/* api_prometheus_status.c: what clients of Prometheus ask to know whom they talk to, and how much is kept. */
#include "api/api_handlers.h"
#include "api/api_prometheus.h"
#include "api/api_scrape.h"

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
	const struct api_scrape *scrape = call->api->options.scrape;
	char text[DURATION_TEXT_BYTES], started[TIME_TEXT_BYTES], why[ERROR_TEXT_BYTES];
	if (api_metrics_hold(call, err) != OK)
		return prom_fail(call, PROM_UNAVAILABLE, "%s", err->text);
	metrics_figures(metrics->metrics, &figures);
	duration_format(metrics->keep, text);
	time_format(call->api->started_at, started);
	struct buf *out = prom_data(call);
	buf_printf(out, "{\"startTime\":\"%s\",\"reloadConfigSuccess\":%s,\"timeSeriesCount\":%u,"
		   "\"storageRetention\":\"%s\"}", started,
		   scrape != NULL && scrape->trouble(scrape->context, why, sizeof why) ? "false" : "true", figures.series, text);
	return prom_end(call, NULL, NULL);
}

/* ---- what takes most ---- */

struct ranking {
	struct buf *out;
	bool some;
};

static void put_ranked(void *context, struct str name, struct str value, uint64_t count)
{
	struct ranking *ranking = context;
	cleanup_buf struct buf text;
	buf_init(&text, 4 * METRICS_TEXT_BYTES_MAX);
	buf_printf(&text, value.len > 0 ? STR_FMT "=" STR_FMT : STR_FMT, STR_ARG(name), STR_ARG(value));
	buf_adds(ranking->out, ranking->some ? ",{\"name\":" : "{\"name\":");
	json_quote(ranking->out, buf_str(&text));
	buf_printf(ranking->out, ",\"value\":%llu}", (unsigned long long)count);
	ranking->some = true;
}

enum err api_prometheus_tsdb(struct api_call *call, struct error *err)
{
	static const char *const keys[METRICS_RANKING_COUNT] = {
		[METRICS_SERIES_BY_NAME] = "seriesCountByMetricName",
		[METRICS_VALUES_BY_LABEL] = "labelValueCountByLabelName",
		[METRICS_BYTES_BY_LABEL] = "memoryInBytesByLabelName",
		[METRICS_SERIES_BY_PAIR] = "seriesCountByLabelValuePair",
	};
	struct prom *prom = arena_new(&call->arena, struct prom);
	struct metrics_figures figures;
	enum err result;
	size_t limit;
	if (!prom_begin(call, prom, &result, err) || !prom_limit(prom, "limit", &limit, &result))
		return result;
	limit = limit == 0 ? TOP_DEFAULT : limit > METRICS_RANKED_MAX ? METRICS_RANKED_MAX : limit;
	metrics_figures(prom->metrics->metrics, &figures);
	struct buf *out = prom_data(call);
	buf_printf(out, "{\"headStats\":{\"numSeries\":%u,\"numLabelPairs\":%u,\"maxTime\":%lld}", figures.series, figures.pairs,
		   figures.newest_ms == INT64_MIN ? 0LL : (long long)figures.newest_ms);
	for (int i = 0; i < METRICS_RANKING_COUNT; i++) {
		struct ranking ranking = { out, false };
		buf_printf(out, ",\"%s\":[", keys[i]);
		metrics_ranked(prom->metrics->metrics, (enum metrics_ranking)i, limit, put_ranked, &ranking);
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
	return prom_end(call, NULL, NULL);
}
