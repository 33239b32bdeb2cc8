/* api_own_metrics.c: GET /metrics: what Mainstay measures of itself, as text or OpenMetrics. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api_handlers.h"
#include "api/api_metrics.h"
#include "api/api_scrape.h"
#include "base/mem.h"
#include "base/number.h"
#include "sys/file.h"

#define OPENMETRICS "application/openmetrics-text"
#define STATM_BYTES_MAX 256u

struct own {
	struct metrics_figures metrics;
	struct sample_intake_figures intake;
	struct scrape_figures scrape;
	double cpu_seconds, resident_bytes, start_seconds;
};

/* To add one: a row here, and its value in `value_of`. Counters are called without _total. */
enum own_metric {
	OWN_CPU,
	OWN_RESIDENT,
	OWN_START,
	OWN_SERIES,
	OWN_MEMORY,
	OWN_SEALED,
	OWN_SAMPLES,
	OWN_REFUSED_SERIES,
	OWN_WRITE_MESSAGES,
	OWN_WRITE_SAMPLES,
	OWN_WRITE_REFUSED,
	OWN_WRITE_HISTOGRAMS,
	OWN_WRITE_EXEMPLARS,
	OWN_SCRAPE_TARGETS,
	OWN_SCRAPE_DOWN,
	OWN_SCRAPES,
	OWN_SCRAPE_FAILURES,
	OWN_SCRAPE_SAMPLES,
	OWN_SCRAPE_REFUSED,
	OWN_SCRAPE_SECONDS,
	OWN_COUNT
};

static const struct {
	const char *name, *help;
	bool counts;
} rows[OWN_COUNT] = {
	[OWN_CPU] = { "process_cpu_seconds", "Time of the processor that the server took.", true },
	[OWN_RESIDENT] = { "process_resident_memory_bytes", "Memory of the server.", false },
	[OWN_START] = { "process_start_time_seconds", "When the server began, since 1970.", false },
	[OWN_SERIES] = { "mainstay_series", "Time series that are kept.", false },
	[OWN_MEMORY] = { "mainstay_series_memory_bytes", "Memory of time series.", false },
	[OWN_SEALED] = { "mainstay_series_sealed_bytes", "Sealed chunks of samples, on the disk.", false },
	[OWN_SAMPLES] = { "mainstay_samples_appended", "Samples that were kept.", true },
	[OWN_REFUSED_SERIES] = { "mainstay_series_refused", "New series that a limit refused.", true },
	[OWN_WRITE_MESSAGES] = { "mainstay_remote_write_messages", "Bodies of remote write that came.", true },
	[OWN_WRITE_SAMPLES] = { "mainstay_remote_write_samples", "Samples of them that were kept.", true },
	[OWN_WRITE_REFUSED] = { "mainstay_remote_write_samples_refused", "Samples of them that were refused.", true },
	[OWN_WRITE_HISTOGRAMS] = { "mainstay_native_histograms_dropped", "Native histograms that were left out.", true },
	[OWN_WRITE_EXEMPLARS] = { "mainstay_exemplars_dropped", "Exemplars that were left out.", true },
	[OWN_SCRAPE_TARGETS] = { "mainstay_scrape_targets", "Targets that are scraped.", false },
	[OWN_SCRAPE_DOWN] = { "mainstay_scrape_targets_down", "Targets whose last scrape failed.", false },
	[OWN_SCRAPES] = { "mainstay_scrapes", "Scrapes that ended.", true },
	[OWN_SCRAPE_FAILURES] = { "mainstay_scrape_failures", "Scrapes that failed.", true },
	[OWN_SCRAPE_SAMPLES] = { "mainstay_scrape_samples", "Samples that scrapes brought.", true },
	[OWN_SCRAPE_REFUSED] = { "mainstay_scrape_series_refused",
				 "Samples of scrapes whose series was not kept: labels that are too long or too many, or no room.", true },
	[OWN_SCRAPE_SECONDS] = { "mainstay_scrape_keep_seconds", "Time spent on reading and keeping what scrapes brought.", true },
};

static double value_of(const struct own *own, enum own_metric which)
{
	switch (which) {
	case OWN_CPU: return own->cpu_seconds;
	case OWN_RESIDENT: return own->resident_bytes;
	case OWN_START: return own->start_seconds;
	case OWN_SERIES: return own->metrics.series;
	case OWN_MEMORY: return (double)own->metrics.bytes;
	case OWN_SEALED: return (double)own->metrics.sealed_bytes;
	case OWN_SAMPLES: return (double)own->metrics.samples;
	case OWN_REFUSED_SERIES: return (double)own->metrics.refused_series;
	case OWN_WRITE_MESSAGES: return (double)own->intake.messages;
	case OWN_WRITE_SAMPLES: return (double)own->intake.samples;
	case OWN_WRITE_REFUSED: return (double)own->intake.refused;
	case OWN_WRITE_HISTOGRAMS: return (double)own->intake.histograms;
	case OWN_WRITE_EXEMPLARS: return (double)own->intake.exemplars;
	case OWN_SCRAPE_TARGETS: return own->scrape.targets;
	case OWN_SCRAPE_DOWN: return own->scrape.down;
	case OWN_SCRAPES: return (double)own->scrape.scrapes;
	case OWN_SCRAPE_FAILURES: return (double)own->scrape.failures;
	case OWN_SCRAPE_SAMPLES: return (double)own->scrape.samples;
	case OWN_SCRAPE_REFUSED: return (double)own->scrape.refused;
	case OWN_SCRAPE_SECONDS: return own->scrape.parse_seconds;
	case OWN_COUNT: break;
	}
	return 0;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void measure_process(struct api_call *call, struct own *own)
{
	struct rusage usage;
	char *bytes;
	size_t size;
	long long pages = 0;
	getrusage(RUSAGE_SELF, &usage);
	own->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
	own->start_seconds = (double)(call->api->started_at / TIME_MS) / 1000;
	if (file_read("/proc/self/statm", STATM_BYTES_MAX, &bytes, &size, NULL) != OK)
		return;
	if (sscanf(bytes, "%*d %lld", &pages) == 1)
		own->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
	mem_free(bytes);
}

/* While series are read at a start their figures are left out. */
static bool measure(struct api_call *call, struct own *own)
{
	const struct api_metrics *metrics = call->api->options.metrics;
	const struct api_scrape *scrape = call->api->options.scrape;
	measure_process(call, own);
	if (scrape != NULL)
		scrape->figures(scrape->context, &own->scrape);
	if (api_metrics_hold(call, NULL) != OK)
		return false;
	metrics_figures(metrics->metrics, &own->metrics);
	sample_intake_figures(metrics->intake, &own->intake);
	return true;
}

/* OpenMetrics calls the family of a counter without _total, the older format with it. */
static void put(struct buf *out, enum own_metric which, double value, bool open)
{
	const char *name = rows[which].name, *total = rows[which].counts ? "_total" : "", *family = open ? "" : total;
	buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n%s%s ", name, family, rows[which].help, name, family,
		   rows[which].counts ? "counter" : "gauge", name, total);
	number_print(value, NUMBER_FORM_JSON, out);
	buf_addc(out, '\n');
}

static bool wants_open(const struct api_call *call)
{
	struct str accept;
	return http_request_header(call->request, "Accept", &accept) &&
	       memmem(accept.ptr, accept.len, OPENMETRICS, strlen(OPENMETRICS)) != NULL;
}

enum err api_own_metrics(struct api_call *call, struct error *err)
{
	struct own own = { .cpu_seconds = 0 };
	bool open = wants_open(call), whole = measure(call, &own);
	(void)err;
	buf_printf(&call->out, "# HELP mainstay_build_info Which Mainstay this is.\n# TYPE mainstay_build_info gauge\n"
		   "mainstay_build_info{version=\"%s\"} 1\n", call->api->options.version);
	for (enum own_metric i = OWN_CPU; i < OWN_COUNT; i++)
		if (whole || i < OWN_SERIES || i > OWN_WRITE_EXEMPLARS)
			put(&call->out, i, value_of(&own, i), open);
	if (open)
		buf_adds(&call->out, "# EOF\n");
	call->content_type = open ? OPENMETRICS "; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
	return OK;
}
