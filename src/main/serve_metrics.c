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
#define CHECKPOINT_EVERY (15 * TIME_MINUTE)
#define IDLE_MS 7200000 /* series without a sample for so long are laid to rest */
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
	struct serve_metrics_limits limits;
	pthread_t syncs, cares;
	pthread_mutex_t lock; /* of the four below */
	pthread_cond_t stop;
	bool stopping;
	enum state state;
	char why[ERROR_TEXT_BYTES]; /* STATE_FAILED */
	bool lost;                  /* what was kept could not be read whole at the start */
	pthread_rwlock_t held;      /* who uses engine, intake and log reads it, who replaces them writes it */
	struct metrics_log *log;    /* NULL: not open */
	uint64_t generation;        /* of the engine */
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

static enum err begin(void *context, struct error *err)
{
	struct serve_metrics *metrics = context;
	if (state_of(metrics) == STATE_READING)
		return error_set(err, ERR_UNAVAILABLE, "the time series are still being read; come back in a moment");
	pthread_rwlock_rdlock(&metrics->held);
	if (state_of(metrics) != STATE_READING)
		return OK;
	pthread_rwlock_unlock(&metrics->held);
	return error_set(err, ERR_UNAVAILABLE, "the time series are read anew; come back in a moment");
}

static void end(void *context)
{
	struct serve_metrics *metrics = context;
	pthread_rwlock_unlock(&metrics->held);
}

/* Of the intake: whoever writes holds them. */
static enum err append(void *context, const struct metrics_frame *frame, struct metrics_tally *ret_tally,
		       struct error *err)
{
	struct serve_metrics *metrics = context;
	enum state state = state_of(metrics);
	if (state == STATE_NO_SPACE)
		return error_set(err, ERR_UNAVAILABLE, "the disk is nearly full, and what is left of it is for pages");
	enum err r = metrics->log == NULL || state == STATE_FAILED
			     ? error_set(err, ERR_UNAVAILABLE, "samples cannot be kept now: see the log of the server")
			     : metrics_log_append(metrics->log, frame, ret_tally, err);
	if (r == ERR_UNAVAILABLE && state == STATE_KEPT)
		set_state(metrics, STATE_FAILED, err != NULL ? err->text : NULL);
	return r;
}

bool serve_metrics_hold(struct serve_metrics *metrics, uint64_t *ret_generation)
{
	if (begin(metrics, NULL) != OK)
		return false;
	enum state state = state_of(metrics);
	*ret_generation = metrics->generation;
	if (state == STATE_KEPT)
		return true;
	end(metrics);
	return false;
}

void serve_metrics_let_go(struct serve_metrics *metrics)
{
	end(metrics);
}

enum err serve_metrics_append(struct serve_metrics *metrics, const struct metrics_frame *frame,
			      struct metrics_tally *ret_tally, struct error *err)
{
	return append(metrics, frame, ret_tally, err);
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
	else if (metrics->lost)
		snprintf(ret_text, size, "At the start a part of the samples was damaged and left out; the log of the server says "
			 "what.");
	bool trouble = state == STATE_NO_SPACE || state == STATE_FAILED || metrics->lost;
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
	bool lost = told->damaged_bytes > told->cut_bytes || told->damaged_checkpoints > 0 || told->damaged_files > 0 ||
		    told->lost_files > 0 || told->missing_segments > 0;
	pthread_mutex_lock(&metrics->lock);
	metrics->lost = lost;
	pthread_mutex_unlock(&metrics->lock);
	log_write(lost ? LOG_WARNING : LOG_INFO, "time series are read",
		  "checkpoint=%u segments=%u samples=%llu took_ms=%lld cut_bytes=%llu damaged_bytes=%llu unknown_samples=%llu "
		  "damaged_checkpoints=%u damaged_files=%u lost_files=%u missing_segments=%u", told->checkpoint, told->segments,
		  (unsigned long long)told->samples, (long long)(took / 1000), (unsigned long long)told->cut_bytes,
		  (unsigned long long)told->damaged_bytes, (unsigned long long)told->unknown_samples,
		  told->damaged_checkpoints, told->damaged_files, told->lost_files, told->missing_segments);
}

static void make_engine(struct serve_metrics *metrics)
{
	struct metrics_options engine = METRICS_OPTIONS_DEFAULT;
	struct sample_intake_options intake = { .random = metrics->options.random, .append = append,
						.append_context = metrics };
	engine.bytes_max = (size_t)metrics->limits.memory_mb << 20;
	engine.series_max = (uint32_t)metrics->limits.series;
	engine.late_ms_max = metrics->limits.late / 1000;
	metrics->generation++;
	metrics_create(&engine, metrics->options.random, &metrics->api.metrics);
	intake.metrics = metrics->api.metrics;
	sample_intake_create(&intake, &metrics->api.intake);
}

static void destroy_engine(struct serve_metrics *metrics)
{
	metrics_log_close(&metrics->log);
	sample_intake_destroy(&metrics->api.intake);
	metrics_destroy(&metrics->api.metrics);
}

/* The state is READING: nobody begins. */
static void open_log(struct serve_metrics *metrics)
{
	struct metrics_recovered told;
	struct error err = { .code = OK };
	time_us begun = clock_since_boot(metrics->options.clock);
	enum err r = metrics_log_open(metrics->folder, metrics->limits.sync_every == 0, metrics->api.metrics, &metrics->log,
				      &told, &err);
	if (r == OK)
		tell_recovered(metrics, &told, clock_since_boot(metrics->options.clock) - begun);
	set_state(metrics, r == OK ? STATE_KEPT : STATE_FAILED, r == OK ? NULL : err.text);
}

/* A log that failed takes nothing more, and one is read into a new engine only. What it had in memory alone is lost: at
 * most what came within the sync period. */
static void open_again(struct serve_metrics *metrics)
{
	pthread_rwlock_wrlock(&metrics->held); /* until the last query has ended */
	pthread_mutex_lock(&metrics->lock);
	metrics->state = STATE_READING;
	pthread_mutex_unlock(&metrics->lock);
	destroy_engine(metrics);
	make_engine(metrics);
	metrics->histograms_told = 0;
	pthread_rwlock_unlock(&metrics->held);
	open_log(metrics);
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
		open_again(metrics);
}

static void sync_log(struct serve_metrics *metrics)
{
	struct error err = { .code = OK };
	if (begin(metrics, NULL) != OK)
		return;
	enum state state = state_of(metrics);
	bool open = metrics->log != NULL && (state == STATE_KEPT || state == STATE_NO_SPACE);
	enum err r = open ? metrics_log_sync(metrics->log, &err) : OK;
	end(metrics);
	if (r != OK)
		set_state(metrics, STATE_FAILED, err.text);
}

static void checkpoint(struct serve_metrics *metrics)
{
	struct metrics_checkpoint told;
	struct error err = { .code = OK };
	time_us begun = clock_since_boot(metrics->options.clock);
	if (metrics->log == NULL || state_of(metrics) != STATE_KEPT)
		return;
	metrics_rest(metrics->api.metrics, IDLE_MS);
	if (metrics_log_checkpoint(metrics->log, &told, &err) != OK) {
		log_write(LOG_WARNING, "could not take a checkpoint of the time series", "reason=\"%s\"", err.text);
		return;
	}
	log_write(LOG_DEBUG, "took a checkpoint of the time series", "series=%llu bytes=%llu took_ms=%lld",
		  (unsigned long long)told.series, (unsigned long long)told.bytes,
		  (long long)((clock_since_boot(metrics->options.clock) - begun) / 1000));
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

static void *sync_now_and_then(void *context)
{
	struct serve_metrics *metrics = context;
	time_us next = 0;
	while (rest(metrics))
		if (is_due(clock_since_boot(metrics->options.clock), &next, metrics->limits.sync_every))
			sync_log(metrics);
	return NULL;
}

/* The thread that replaces the engine is the only one that may look at it without holding it. */
static void *care(void *context)
{
	struct serve_metrics *metrics = context;
	time_us now = clock_since_boot(metrics->options.clock);
	time_us next_look = 0, next_expire = 0, next_checkpoint = now + CHECKPOINT_EVERY;
	open_log(metrics);
	while (rest(metrics)) {
		now = clock_since_boot(metrics->options.clock);
		bool looks = is_due(now, &next_look, LOOK_EVERY);
		if (looks)
			look(metrics);
		if (is_due(now, &next_expire, EXPIRE_EVERY))
			expire(metrics);
		bool wants = looks && metrics->log != NULL && metrics_log_wants_checkpoint(metrics->log);
		if (wants || now >= next_checkpoint) {
			checkpoint(metrics);
			next_checkpoint = clock_since_boot(metrics->options.clock) + CHECKPOINT_EVERY;
		}
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

static void init(struct serve_metrics *metrics, const struct serve_metrics_options *options,
		 const struct serve_metrics_limits *limits)
{
	pthread_condattr_t monotonic;
	pthread_rwlockattr_t fair;
	metrics->options = *options;
	metrics->limits = *limits;
	pthread_mutex_init(&metrics->lock, NULL);
	pthread_rwlockattr_init(&fair);
	pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&metrics->held, &fair);
	pthread_rwlockattr_destroy(&fair);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&metrics->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	make_engine(metrics);
	metrics->api.context = metrics;
	metrics->api.begin = begin;
	metrics->api.end = end;
	metrics->api.timeout = limits->timeout;
	metrics->api.keep = limits->keep;
	metrics->api.samples_max = (size_t)limits->samples;
}

static void destroy(struct serve_metrics *metrics)
{
	destroy_engine(metrics);
	pthread_rwlock_destroy(&metrics->held);
	pthread_cond_destroy(&metrics->stop);
	pthread_mutex_destroy(&metrics->lock);
	mem_free(metrics);
}

static enum err start_threads(struct serve_metrics *metrics, struct error *err)
{
	bool syncs = metrics->limits.sync_every > 0;
	if (syncs && pthread_create(&metrics->syncs, NULL, sync_now_and_then, metrics) != 0)
		return error_set(err, ERR_UNAVAILABLE, "could not start the threads of the time series");
	if (pthread_create(&metrics->cares, NULL, care, metrics) == 0)
		return OK;
	pthread_mutex_lock(&metrics->lock);
	metrics->stopping = true;
	pthread_cond_broadcast(&metrics->stop);
	pthread_mutex_unlock(&metrics->lock);
	if (syncs)
		pthread_join(metrics->syncs, NULL);
	return error_set(err, ERR_UNAVAILABLE, "could not start the threads of the time series");
}

enum err serve_metrics_start(const struct serve_metrics_options *options, struct serve_metrics **ret_metrics,
			     struct error *err)
{
	struct serve_metrics_limits limits;
	enum err r = serve_metrics_check(options->settings, &limits, err);
	if (r != OK)
		return r;
	struct serve_metrics *metrics = mem_alloc(sizeof *metrics);
	init(metrics, options, &limits);
	int length = snprintf(metrics->folder, sizeof metrics->folder, "%s/metrics", options->settings->data);
	if (length >= (int)sizeof metrics->folder)
		r = error_set(err, ERR_INVALID, "the path of --data is too long");
	if (r == OK)
		r = file_make_private_folder(metrics->folder, err);
	if (r == OK)
		r = start_threads(metrics, err);
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
	pthread_cond_broadcast(&gone->stop);
	pthread_mutex_unlock(&gone->lock);
	if (gone->limits.sync_every > 0)
		pthread_join(gone->syncs, NULL);
	pthread_join(gone->cares, NULL);
	checkpoint(gone);
	destroy(gone);
	*metrics = NULL;
}
