/* warnings.c: see warnings.h. */
#include "main/warnings.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define TICKS (60 / WARNINGS_TICK_S)
#define PARKED_NAMED_MAX 3u

struct warnings {
	struct trouble *trouble;
	struct flight *flight;
	struct serve_metrics *metrics; /* NULL: none */
	struct serve_scrape *scrape;   /* NULL: none */
	struct http_server *http; /* NULL: nobody is served yet */
	pthread_mutex_t lock;     /* of what follows */
	uint64_t refused[TICKS][HTTP_QUEUE_COUNT]; /* as counted at the last ticks; a ring */
	unsigned oldest;
};

/* In the order in which they are given up: see docs/operations.md. */
static const struct {
	enum http_queue queue;
	const char *what;
} given_up[] = {
	{ HTTP_QUEUE_QUERY, "queries of time series" },
	{ HTTP_QUEUE_PROBE, "targets that others have looked at (/probe)" },
	{ HTTP_QUEUE_HEAVY, "exports and charts" },
	{ HTTP_QUEUE_SAMPLES, "samples of other programs" },
	{ HTTP_QUEUE_READ, "pages and lists" },
	{ HTTP_QUEUE_ACT, "changes" },
};

struct warnings *warnings_create(struct trouble *trouble, struct flight *flight)
{
	struct warnings *w = mem_alloc(sizeof *w);
	*w = (struct warnings){ .trouble = trouble, .flight = flight };
	pthread_mutex_init(&w->lock, NULL);
	return w;
}

void warnings_destroy(struct warnings **warnings)
{
	if (*warnings == NULL)
		return;
	pthread_mutex_destroy(&(*warnings)->lock);
	mem_free(*warnings);
	*warnings = NULL;
}

void warnings_watch(struct warnings *w, struct http_server *http)
{
	assert(w->http == NULL);
	pthread_mutex_lock(&w->lock);
	w->http = http;
	pthread_mutex_unlock(&w->lock);
}

void warnings_metrics(struct warnings *w, struct serve_metrics *metrics)
{
	w->metrics = metrics;
}

void warnings_scrape(struct warnings *w, struct serve_scrape *scrape)
{
	w->scrape = scrape;
}

void warnings_tick(struct warnings *w)
{
	struct http_server_figures figures;
	http_server_figures(w->http, &figures);
	pthread_mutex_lock(&w->lock);
	memcpy(w->refused[w->oldest], figures.refused_full, sizeof w->refused[0]);
	w->oldest = (w->oldest + 1) % TICKS;
	pthread_mutex_unlock(&w->lock);
}

static void tell_trouble(struct warnings *w, api_warn_fn *warn, void *context)
{
	char text[512];
	trouble_words(w->trouble, text, sizeof text);
	if (text[0] != '\0')
		warn(context, "trouble", text, "Free space on the disk that holds the data folder.",
		     "/settings");
}

/* One warning for all: who reads it looks at the first, and the journal has the rest. */
static void tell_parked(struct warnings *w, api_warn_fn *warn, void *context)
{
	struct flight_parked parked;
	char text[512];
	unsigned count = 0;
	size_t used = 0;
	while (flight_parked(w->flight, count, &parked)) {
		if (count < PARKED_NAMED_MAX)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s for %s of %lld",
						 count > 0 ? ", " : "", parked.row, parked.kind,
						 (long long)parked.subject);
		count++;
	}
	if (count == 0)
		return;
	char whole[700];
	snprintf(whole, sizeof whole, "Mainstay failed twice at the same thing and leaves it out: %s%s.", text,
		 count > PARKED_NAMED_MAX ? ", and more" : "");
	warn(context, "parked", whole,
	     "Look whether somebody must be told by hand. `mainstay journal retry`, with the server "
	     "stopped, lets it try again: after an upgrade, for instance.",
	     "/journal?kind=wire.parked");
}

static void tell_samples(struct warnings *w, api_warn_fn *warn, void *context)
{
	char text[300];
	if (serve_metrics_trouble(w->metrics, text, sizeof text))
		warn(context, "samples", text, "Senders keep what is refused and send it again; see docs/metrics.md.", "/settings");
}

static void tell_scrape(struct warnings *w, api_warn_fn *warn, void *context)
{
	char text[500];
	if (serve_scrape_trouble(w->scrape, text, sizeof text))
		warn(context, "scrape", text, "Mend the file; `mainstay check-config config FILE` says all that is wrong with it.",
		     "/settings");
}

static void tell_overload(struct warnings *w, api_warn_fn *warn, void *context)
{
	struct http_server_figures figures;
	char text[300] = "";
	size_t used = 0;
	pthread_mutex_lock(&w->lock);
	if (w->http != NULL) {
		http_server_figures(w->http, &figures);
		for (size_t i = 0; i < sizeof given_up / sizeof given_up[0]; i++) {
			enum http_queue queue = given_up[i].queue;
			uint64_t count = figures.refused_full[queue] - w->refused[w->oldest][queue];
			if (count > 0)
				used += (size_t)snprintf(text + used, sizeof text - used, "%s%llu %s",
							 used > 0 ? ", " : "", (unsigned long long)count,
							 given_up[i].what);
		}
	}
	pthread_mutex_unlock(&w->lock);
	if (used == 0)
		return;
	char whole[400];
	snprintf(whole, sizeof whole, "Too much was asked at once; refused in the last minute: %s.", text);
	warn(context, "overload", whole,
	     "Checks and pages go on as ever. Who asks again is answered; look who asks so much.", "");
}

void warnings_tell(void *warnings, api_warn_fn *warn, void *context)
{
	struct warnings *w = warnings;
	tell_trouble(w, warn, context);
	tell_parked(w, warn, context);
	tell_samples(w, warn, context);
	tell_scrape(w, warn, context);
	tell_overload(w, warn, context);
}
