/* serve_metrics.c: see serve_metrics.h. */
#include "main/serve_metrics.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "metrics/log.h"
#include "sys/file.h"

#define TICK_MS 200             /* the shortest sync period, and how soon a stop is seen */
#define LOOK_EVERY (5 * TIME_SECOND)     /* at the free space, and at a log that failed */
#define EXPIRE_EVERY (60 * TIME_SECOND)
#define FREE_BYTES_AGAIN (SERVE_METRICS_FREE_BYTES + ((uint64_t)32 << 20))
#define MEMORY_MB_MIN 16
#define MEMORY_MB_MAX (1 << 20)
#define SERIES_MAX 1000000000
#define QUERY_TIMEOUT_MAX (120 * TIME_SECOND) /* below the deadline of the queue of queries */
#define QUERY_SAMPLES_MAX INT64_C(1000000000)

enum state { STATE_READING, STATE_KEPT, STATE_NO_SPACE, STATE_FAILED };

struct serve_metrics {
	struct serve_metrics_options options;
	struct api_metrics api;
	char folder[PATH_MAX - 64];
	time_us sync_every; /* 0: before each answer */
	pthread_t thread;
	pthread_mutex_t lock; /* of the four below */
	pthread_cond_t stop;
	bool stopping;
	enum state state;
	char why[ERROR_TEXT_BYTES]; /* STATE_FAILED */
	uint64_t lost_bytes;        /* of the log, that could not be read at the start */
	pthread_rwlock_t log_lock;  /* who appends reads it, who opens and closes writes it */
	struct metrics_log *log;    /* NULL: not open */
	uint64_t histograms_told;
};

static enum state state_of(struct serve_metrics *metrics)
{
	pthread_mutex_lock(&metrics->lock);
	enum state state = metrics->state;
	pthread_mutex_unlock(&metrics->lock);
	return state;
}

static void set_state(struct serve_metrics *metrics, enum state state, const char *why)
{
	static const char *const told[] = {
		[STATE_KEPT] = "samples are kept again",
		[STATE_NO_SPACE] = "samples are refused: what is left of the disk is for pages",
		[STATE_FAILED] = "samples are refused: they cannot be kept",
	};
	pthread_mutex_lock(&metrics->lock);
	bool news = metrics->state != state && !(metrics->state == STATE_READING && state == STATE_KEPT);
	metrics->state = state;
	snprintf(metrics->why, sizeof metrics->why, "%s", why != NULL ? why : "");
	pthread_mutex_unlock(&metrics->lock);
	if (news)
		log_write(state == STATE_KEPT ? LOG_INFO : LOG_ERROR, told[state], "folder=\"%s\" reason=\"%s\"",
			  metrics->folder, why != NULL ? why : "");
}

/* ---- what the API asks ---- */

static enum err ready(void *context, struct error *err)
{
	struct serve_metrics *metrics = context;
	if (state_of(metrics) != STATE_READING)
		return OK;
	return error_set(err, ERR_UNAVAILABLE, "the time series are still being read; come back in a moment");
}

static enum err append(void *context, const struct metrics_frame *frame, struct metrics_tally *ret_tally,
		       struct error *err)
{
	struct serve_metrics *metrics = context;
	enum state state = state_of(metrics);
	if (state == STATE_NO_SPACE)
		return error_set(err, ERR_UNAVAILABLE, "the disk is nearly full, and what is left of it is for pages");
	pthread_rwlock_rdlock(&metrics->log_lock);
	enum err r = metrics->log == NULL || state == STATE_FAILED
			     ? error_set(err, ERR_UNAVAILABLE, "samples cannot be kept now: see the log of the server")
			     : metrics_log_append(metrics->log, frame, ret_tally, err);
	pthread_rwlock_unlock(&metrics->log_lock);
	if (r == ERR_UNAVAILABLE && state == STATE_KEPT)
		set_state(metrics, STATE_FAILED, err != NULL ? err->text : NULL);
	return r;
}

const struct api_metrics *serve_metrics_api(struct serve_metrics *metrics)
{
	return &metrics->api;
}

bool serve_metrics_trouble(struct serve_metrics *metrics, char *ret_text, size_t size)
{
	if (metrics == NULL)
		return false;
	pthread_mutex_lock(&metrics->lock);
	enum state state = metrics->state;
	if (state == STATE_NO_SPACE)
		snprintf(ret_text, size, "Samples are refused: the disk is nearly full, and what is left of it is for pages.");
	else if (state == STATE_FAILED)
		snprintf(ret_text, size, "Samples are refused: %.200s.", metrics->why);
	else if (metrics->lost_bytes > 0)
		snprintf(ret_text, size, "At the start %llu bytes of the log of samples were damaged and left out.",
			 (unsigned long long)metrics->lost_bytes);
	bool trouble = state == STATE_NO_SPACE || state == STATE_FAILED || metrics->lost_bytes > 0;
	pthread_mutex_unlock(&metrics->lock);
	return trouble;
}

/* ---- the thread ---- */

static bool has_space(const struct serve_metrics *metrics, bool now_refusing)
{
	struct statvfs disk;
	if (statvfs(metrics->folder, &disk) != 0)
		return true; /* a write will say what is wrong */
	uint64_t wanted = now_refusing ? FREE_BYTES_AGAIN : SERVE_METRICS_FREE_BYTES;
	return (uint64_t)disk.f_bavail * disk.f_frsize >= wanted;
}

static void tell_recovered(struct serve_metrics *metrics, const struct metrics_recovered *told, time_us took)
{
	pthread_mutex_lock(&metrics->lock);
	metrics->lost_bytes = told->damaged_bytes > told->cut_bytes ? told->damaged_bytes - told->cut_bytes : 0;
	pthread_mutex_unlock(&metrics->lock);
	log_write(told->damaged_bytes > 0 ? LOG_WARNING : LOG_INFO, "time series are read",
		  "samples=%llu segments=%u damaged_bytes=%llu cut_bytes=%llu unknown_samples=%llu took_ms=%lld",
		  (unsigned long long)told->samples, told->segments, (unsigned long long)told->damaged_bytes,
		  (unsigned long long)told->cut_bytes, (unsigned long long)told->unknown_samples, (long long)(took / 1000));
}

static bool open_log(struct serve_metrics *metrics)
{
	struct metrics_recovered told;
	struct metrics_log *log;
	struct error err = { .code = OK };
	time_us begun = clock_since_boot(metrics->options.clock);
	pthread_rwlock_wrlock(&metrics->log_lock);
	metrics_log_close(&metrics->log);
	enum err r = metrics_log_open(metrics->folder, metrics->sync_every == 0, metrics->api.metrics, &log, &told, &err);
	if (r == OK)
		metrics->log = log;
	pthread_rwlock_unlock(&metrics->log_lock);
	if (r != OK) {
		set_state(metrics, STATE_FAILED, err.text);
		return false;
	}
	tell_recovered(metrics, &told, clock_since_boot(metrics->options.clock) - begun);
	set_state(metrics, STATE_KEPT, NULL);
	return true;
}

static void look(struct serve_metrics *metrics)
{
	enum state state = state_of(metrics);
	bool space = has_space(metrics, state == STATE_NO_SPACE);
	if (state == STATE_KEPT && !space)
		set_state(metrics, STATE_NO_SPACE, NULL);
	else if (state == STATE_NO_SPACE && space)
		set_state(metrics, STATE_KEPT, NULL);
	else if (state == STATE_FAILED && space)
		open_log(metrics);
}

static void sync_log(struct serve_metrics *metrics)
{
	struct error err = { .code = OK };
	if (state_of(metrics) == STATE_FAILED)
		return;
	pthread_rwlock_rdlock(&metrics->log_lock);
	enum err r = metrics->log != NULL ? metrics_log_sync(metrics->log, &err) : OK;
	pthread_rwlock_unlock(&metrics->log_lock);
	if (r != OK)
		set_state(metrics, STATE_FAILED, err.text);
}

/* What comes and cannot be kept by its kind is said once in a while, not for each body. */
static void tell_dropped(struct serve_metrics *metrics)
{
	struct sample_intake_figures figures;
	sample_intake_figures(metrics->api.intake, &figures);
	if (figures.histograms > metrics->histograms_told)
		log_write(LOG_WARNING, "native histograms are left out", "since_start=%llu new=%llu",
			  (unsigned long long)figures.histograms,
			  (unsigned long long)(figures.histograms - metrics->histograms_told));
	metrics->histograms_told = figures.histograms;
}

static void expire(struct serve_metrics *metrics)
{
	time_us before = clock_wall(metrics->options.clock) - metrics->api.keep;
	metrics_expire(metrics->api.metrics, before / 1000);
	tell_dropped(metrics);
}

/* Waits; true: go on. */
static bool rest(struct serve_metrics *metrics)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&metrics->lock);
	while (!metrics->stopping && pthread_cond_timedwait(&metrics->stop, &metrics->lock, &until) != ETIMEDOUT)
		;
	bool on = !metrics->stopping;
	pthread_mutex_unlock(&metrics->lock);
	return on;
}

static bool is_due(time_us now, time_us *next, time_us every)
{
	if (now < *next)
		return false;
	*next = now + every;
	return true;
}

static void *run(void *context)
{
	struct serve_metrics *metrics = context;
	time_us next_sync = 0, next_look = 0, next_expire = 0;
	open_log(metrics);
	while (rest(metrics)) {
		time_us now = clock_since_boot(metrics->options.clock);
		if (metrics->sync_every > 0 && is_due(now, &next_sync, metrics->sync_every))
			sync_log(metrics);
		if (is_due(now, &next_look, LOOK_EVERY))
			look(metrics);
		if (is_due(now, &next_expire, EXPIRE_EVERY))
			expire(metrics);
	}
	return NULL;
}

/* ---- starting and stopping ---- */

static enum err read_span(const char *text, const char *name, time_us least, time_us most, time_us *ret_span,
			  struct error *err)
{
	if (duration_parse(str_of(text), ret_span) && *ret_span >= least && *ret_span <= most)
		return OK;
	return error_set(err, ERR_INVALID, "--%s is a time like 30s, 5m or 15d, and not \"%.40s\"", name, text);
}

static enum err read_number(const char *text, const char *name, int64_t least, int64_t most, int64_t *ret_number,
			    struct error *err)
{
	if (str_int(str_of(text), least, most, ret_number))
		return OK;
	return error_set(err, ERR_INVALID, "--%s is a number from %lld to %lld, and not \"%.40s\"", name, (long long)least,
			 (long long)most, text);
}

enum err serve_metrics_check(const struct settings *s, struct serve_metrics_limits *ret_limits, struct error *err)
{
	struct serve_metrics_limits limits = { 0 };
	enum err r = read_span(s->metrics_keep, "metrics-keep", TIME_HOUR, 3650 * TIME_DAY, &limits.keep, err);
	if (r == OK)
		r = read_span(s->metrics_sync, "metrics-sync", 0, TIME_HOUR, &limits.sync_every, err);
	if (r == OK)
		r = read_span(s->metrics_late, "metrics-late", 0, TIME_DAY, &limits.late, err);
	if (r == OK)
		r = read_number(s->metrics_memory, "metrics-memory", MEMORY_MB_MIN, MEMORY_MB_MAX, &limits.memory_mb, err);
	if (r == OK)
		r = read_number(s->metrics_series, "metrics-series", 1, SERIES_MAX, &limits.series, err);
	if (r == OK)
		r = read_span(s->query_timeout, "query-timeout", TIME_MS, QUERY_TIMEOUT_MAX, &limits.timeout, err);
	if (r == OK)
		r = read_number(s->query_samples, "query-samples", 1, QUERY_SAMPLES_MAX, &limits.samples, err);
	if (r == OK)
		*ret_limits = limits;
	return r;
}

static void make_engine(struct serve_metrics *metrics, const struct serve_metrics_limits *limits)
{
	struct metrics_options engine = METRICS_OPTIONS_DEFAULT;
	struct sample_intake_options intake = { .random = metrics->options.random, .append = append,
						.append_context = metrics };
	engine.bytes_max = (size_t)limits->memory_mb << 20;
	engine.series_max = (uint32_t)limits->series;
	engine.late_ms_max = limits->late / 1000;
	metrics_create(&engine, metrics->options.random, &metrics->api.metrics);
	intake.metrics = metrics->api.metrics;
	sample_intake_create(&intake, &metrics->api.intake);
	metrics->api.context = metrics;
	metrics->api.ready = ready;
	metrics->api.timeout = limits->timeout;
	metrics->api.keep = limits->keep;
	metrics->api.samples_max = (size_t)limits->samples;
	metrics->sync_every = limits->sync_every;
}

static void destroy(struct serve_metrics *metrics)
{
	metrics_log_close(&metrics->log);
	sample_intake_destroy(&metrics->api.intake);
	metrics_destroy(&metrics->api.metrics);
	pthread_rwlock_destroy(&metrics->log_lock);
	pthread_cond_destroy(&metrics->stop);
	pthread_mutex_destroy(&metrics->lock);
	mem_free(metrics);
}

enum err serve_metrics_start(const struct serve_metrics_options *options, struct serve_metrics **ret_metrics,
			     struct error *err)
{
	struct serve_metrics_limits limits;
	pthread_condattr_t monotonic;
	enum err r = serve_metrics_check(options->settings, &limits, err);
	if (r != OK)
		return r;
	struct serve_metrics *metrics = mem_alloc(sizeof *metrics);
	metrics->options = *options;
	pthread_mutex_init(&metrics->lock, NULL);
	pthread_rwlock_init(&metrics->log_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&metrics->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	make_engine(metrics, &limits);
	int length = snprintf(metrics->folder, sizeof metrics->folder, "%s/metrics", options->settings->data);
	if (length >= (int)sizeof metrics->folder)
		r = error_set(err, ERR_INVALID, "the path of --data is too long");
	if (r == OK)
		r = file_make_private_folder(metrics->folder, err);
	if (r == OK && pthread_create(&metrics->thread, NULL, run, metrics) != 0)
		r = error_set(err, ERR_UNAVAILABLE, "could not start the thread of the time series");
	if (r != OK) {
		destroy(metrics);
		return r;
	}
	*ret_metrics = metrics;
	return OK;
}

void serve_metrics_stop(struct serve_metrics **metrics)
{
	struct serve_metrics *gone = *metrics;
	if (gone == NULL)
		return;
	pthread_mutex_lock(&gone->lock);
	gone->stopping = true;
	pthread_cond_signal(&gone->stop);
	pthread_mutex_unlock(&gone->lock);
	pthread_join(gone->thread, NULL);
	destroy(gone);
	*metrics = NULL;
}
