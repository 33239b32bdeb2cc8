/* api_prometheus_targets.c: what is scraped and how it went, as Prometheus says it. */
#include <string.h>
#include <strings.h>

#include "api/api_handlers.h"
#include "api/api_prometheus.h"
#include "api/api_scrape.h"

#define NEVER "0001-01-01T00:00:00Z"

struct targets {
	struct buf *out;
	struct str job; /* empty: of all */
	bool dropped;   /* which half is written */
	size_t count;
};

static void put_labels(struct buf *out, const char *key, struct promql_labels labels)
{
	buf_printf(out, "\"%s\":", key);
	prom_put_labels(out, labels.pairs, labels.count);
}

static void put_text(struct buf *out, const char *key, struct str text)
{
	buf_printf(out, ",\"%s\":", key);
	json_quote(out, text);
}

static void put_span(struct buf *out, const char *key, int64_t ms)
{
	char text[DURATION_TEXT_BYTES];
	duration_format(ms * TIME_MS, text);
	put_text(out, key, str_of(text));
}

static void put_active(struct buf *out, const struct scrape_seen *seen)
{
	static const char *const health[] = { [SCRAPE_HEALTH_UNKNOWN] = "unknown", [SCRAPE_HEALTH_UP] = "up",
					      [SCRAPE_HEALTH_DOWN] = "down" };
	char at[TIME_TEXT_BYTES] = NEVER;
	if (seen->scraped_at != TIME_NONE)
		time_format(seen->scraped_at, at);
	buf_addc(out, '{');
	put_labels(out, "discoveredLabels", seen->target->discovered);
	buf_addc(out, ',');
	put_labels(out, "labels", seen->target->labels);
	put_text(out, "scrapePool", seen->job);
	put_text(out, "scrapeUrl", seen->target->url);
	put_text(out, "globalUrl", seen->target->url);
	put_text(out, "lastError", str_of(seen->error));
	put_text(out, "lastScrape", str_of(at));
	buf_printf(out, ",\"lastScrapeDuration\":%.9g", seen->duration_seconds);
	put_text(out, "health", str_of(health[seen->health]));
	put_span(out, "scrapeInterval", seen->target->interval_ms);
	put_span(out, "scrapeTimeout", seen->target->timeout_ms);
	buf_addc(out, '}');
}

static void see(void *context, const struct scrape_seen *seen)
{
	struct targets *targets = context;
	if (targets->job.len > 0 && !str_eq(targets->job, seen->job))
		return;
	if (seen->dropped != targets->dropped)
		return;
	buf_adds(targets->out, targets->count++ > 0 ? "," : "");
	if (!seen->dropped) {
		put_active(targets->out, seen);
		return;
	}
	buf_addc(targets->out, '{');
	put_labels(targets->out, "discoveredLabels", seen->target->discovered);
	put_text(targets->out, "scrapePool", seen->job);
	buf_addc(targets->out, '}');
}

static void see_job(void *context, struct str job, size_t dropped)
{
	struct targets *targets = context;
	if (targets->job.len > 0 && !str_eq(targets->job, job))
		return;
	buf_adds(targets->out, targets->count++ > 0 ? "," : "");
	json_quote(targets->out, job);
	buf_printf(targets->out, ":%zu", dropped);
}

/* Ours: why nothing may be scraped. */
static void put_config(struct buf *out, const struct api_scrape *scrape)
{
	char why[ERROR_TEXT_BYTES] = "";
	bool refused = scrape != NULL && scrape->trouble(scrape->context, why, sizeof why);
	buf_printf(out, ",\"scrapeConfig\":{\"state\":\"%s\",\"error\":", scrape == NULL ? "none" : refused ? "refused" : "loaded");
	json_quote(out, str_of(why));
	buf_addc(out, '}');
}

static bool is_state(struct str state, const char *word)
{
	return state.len == 0 || (state.len == 3 && strncasecmp(state.ptr, "any", 3) == 0) ||
	       (state.len == strlen(word) && strncasecmp(state.ptr, word, state.len) == 0);
}

enum err api_prometheus_targets(struct api_call *call, struct error *err)
{
	struct prom *prom = arena_new(&call->arena, struct prom);
	const struct api_scrape *scrape = call->api->options.scrape;
	enum err result;
	if (!prom_begin(call, prom, &result, err))
		return result;
	struct str state = prom_param(prom, "state");
	struct targets targets = { .out = prom_data(call), .job = prom_param(prom, "scrapePool") };
	bool active = scrape != NULL && is_state(state, "active"), dropped = scrape != NULL && is_state(state, "dropped");
	buf_adds(targets.out, "{\"activeTargets\":[");
	if (active)
		scrape->see(scrape->context, see, &targets);
	buf_adds(targets.out, "],\"droppedTargets\":[");
	targets.count = 0;
	targets.dropped = true;
	if (dropped)
		scrape->see(scrape->context, see, &targets);
	buf_adds(targets.out, "],\"droppedTargetCounts\":{");
	targets.count = 0;
	if (dropped)
		scrape->jobs(scrape->context, see_job, &targets);
	buf_addc(targets.out, '}');
	put_config(targets.out, scrape);
	buf_addc(targets.out, '}');
	return prom_end(call, NULL, NULL);
}
