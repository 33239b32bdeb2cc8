/* serve_scrape.c: see serve_scrape.h. */
#include "main/serve_scrape.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "main/serve_samples.h"
#include "monitor/scrape_files.h"
#include "sys/entropy.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "wire/resolve.h"

#define WATCHED_MAX 10000u /* files and patterns; more are looked at at SIGHUP only */
#define WATCHED_BYTES_MAX (WATCHED_MAX * 4 * (size_t)PATH_MAX) /* each path twice, with the folder before it */

struct watched;

struct serve_scrape {
	struct serve_scrape_options options;
	struct api_scrape api;
	struct random random;
	struct loop *loop;
	struct resolve *resolve;
	struct scrape_loop *scrapes;
	struct loop_timer *look;
	pthread_t thread;
	uint64_t sum;     /* of the files, when they were read last; 0: not yet */
	struct arena watched_arena;
	struct watched *watched;
	size_t watched_count;
	bool forced;
	pthread_mutex_t lock; /* of the next three */
	bool wrong, loaded;   /* the file as it is now; one that was right before */
	char why[ERROR_TEXT_BYTES];
	struct serve_samples samples;
	uint64_t refused_told, series_told;
};

static void tell(void *context, struct str job, const char *what)
{
	(void)context;
	log_write(LOG_WARNING, "a job of --scrape-config has trouble", "job=\"" STR_FMT "\" reason=\"%s\"", STR_ARG(job), what);
}

/* ---- the file ---- */

/* What the config is made of beside itself. `stamp`: when it was written counts, as it is read elsewhere. */
struct watched {
	const char *path; /* or a pattern, when it is no stamp */
	bool stamp;
};

static void watch(struct serve_scrape *scrape, struct str path, bool stamp)
{
	if (path.len == 0 || path.len > PATH_MAX || scrape->watched_count == WATCHED_MAX)
		return;
	if (stamp)
		path = str_of(scrape_file_path(&scrape->watched_arena, scrape->options.settings->scrape_config, path));
	scrape->watched[scrape->watched_count++] = (struct watched){ arena_cstr(&scrape->watched_arena, path), stamp };
}

/* Certificates are read when a job is opened: another one opens it anew. */
static void watch_tls(struct serve_scrape *scrape, const struct scrape_tls *tls)
{
	if (tls == NULL)
		return;
	watch(scrape, tls->ca_file, true);
	watch(scrape, tls->cert_file, true);
	watch(scrape, tls->key_file, true);
}

static void watch_http(struct serve_scrape *scrape, const struct scrape_http *http)
{
	watch_tls(scrape, http->tls);
	watch_tls(scrape, http->oauth2 != NULL ? http->oauth2->tls : NULL);
}

/* Also of a config that is refused: its other files may be put right alone. */
static void list_watched(struct serve_scrape *scrape)
{
	struct scrape_config config;
	struct troubles troubles;
	cleanup_arena struct arena arena;
	arena_init(&arena, (size_t)256 << 20);
	arena_reset(&scrape->watched_arena);
	scrape->watched_count = 0;
	scrape->watched = arena_array(&scrape->watched_arena, struct watched, WATCHED_MAX);
	scrape_files_load(scrape->options.settings->scrape_config, &arena, &config, &troubles);
	for (size_t i = 0; i < config.more_files.count; i++)
		watch(scrape, config.more_files.rows[i], false);
	for (size_t i = 0; i < config.jobs.count; i++) {
		const struct scrape_job *job = &config.jobs.rows[i];
		watch_http(scrape, &job->http);
		for (size_t h = 0; h < job->discovery.https.count; h++)
			watch_http(scrape, &job->discovery.https.rows[h].http);
	}
	scrape_config_finish(&config);
}

static void add_bytes(uint64_t *sum, struct str bytes)
{
	*sum = (*sum ^ str_hash(bytes)) * 31 + 1;
}

static void add_file(void *context, const char *path)
{
	char *bytes;
	size_t size;
	add_bytes(context, str_of(path));
	if (file_read(path, SCRAPE_CONFIG_BYTES_MAX, &bytes, &size, NULL) != OK)
		return;
	add_bytes(context, (struct str){ bytes, size });
	mem_free(bytes);
}

/* Of the config as it lies there now, and all it is made of. */
static uint64_t sum_now(const struct serve_scrape *scrape)
{
	const char *path = scrape->options.settings->scrape_config;
	uint64_t sum = 1;
	struct stat at;
	add_file(&sum, path);
	for (size_t i = 0; i < scrape->watched_count; i++) {
		const struct watched *watched = &scrape->watched[i];
		if (!watched->stamp)
			scrape_files_each(path, str_of(watched->path), add_file, &sum);
		else if (stat(watched->path, &at) == 0)
			add_bytes(&sum, (struct str){ (const char *)&at.st_mtim, sizeof at.st_mtim });
	}
	return sum;
}

static void set_trouble(struct serve_scrape *scrape, const struct error *err)
{
	pthread_mutex_lock(&scrape->lock);
	scrape->wrong = err != NULL;
	scrape->loaded |= err == NULL;
	snprintf(scrape->why, sizeof scrape->why, "%s", err != NULL ? err->text : "");
	pthread_mutex_unlock(&scrape->lock);
}

static void load(struct serve_scrape *scrape)
{
	const char *path = scrape->options.settings->scrape_config;
	struct scrape_loaded *loaded;
	struct error err;
	if (scrape_loaded_read(path, &loaded, &err) != OK) {
		set_trouble(scrape, &err);
		log_write(LOG_ERROR, "--scrape-config is refused; what was loaded before goes on", "reason=\"%s\"", err.text);
		return;
	}
	set_trouble(scrape, NULL);
	log_write(LOG_INFO, "--scrape-config is loaded", "file=\"%s\" jobs=%zu", path, loaded->config.jobs.count);
	scrape_loop_load(scrape->scrapes, loaded);
}

static void tell_refused_series(struct serve_scrape *scrape)
{
	struct scrape_figures now;
	scrape_loop_figures(scrape->scrapes, &now);
	if (now.refused > scrape->series_told)
		log_write(LOG_WARNING, "samples of targets were left out: their series cannot be kept",
			  "since_start=%llu new=%llu reason=\"%s\"", (unsigned long long)now.refused,
			  (unsigned long long)(now.refused - scrape->series_told), scrape->samples.why);
	scrape->series_told = now.refused;
}

static void on_look(void *context)
{
	struct serve_scrape *scrape = context;
	if (sum_now(scrape) != scrape->sum || scrape->forced) {
		list_watched(scrape);
		scrape->sum = sum_now(scrape); /* before it is read: what changes meanwhile is seen the next time */
		load(scrape);
	}
	scrape->forced = false;
	if (scrape->samples.refused > scrape->refused_told)
		log_write(LOG_WARNING, "samples of targets were refused: too late, twice at a time, ahead of the clock, or no room",
			  "since_start=%llu new=%llu", (unsigned long long)scrape->samples.refused,
			  (unsigned long long)(scrape->samples.refused - scrape->refused_told));
	scrape->refused_told = scrape->samples.refused;
	tell_refused_series(scrape);
	loop_timer_start(scrape->look, SCRAPE_CHANGES_EVERY);
}

static void on_reload(void *context)
{
	struct serve_scrape *scrape = context;
	scrape->forced = true;
	loop_timer_start(scrape->look, 0);
}

void serve_scrape_reload(struct serve_scrape *scrape)
{
	if (scrape != NULL)
		loop_post(scrape->loop, on_reload, scrape);
}

/* ---- who looks on ---- */

static void see(void *context, scrape_see_fn *fn, void *fn_context)
{
	struct serve_scrape *scrape = context;
	scrape_loop_see(scrape->scrapes, fn, fn_context);
}

static void see_jobs(void *context, scrape_job_fn *fn, void *fn_context)
{
	struct serve_scrape *scrape = context;
	scrape_loop_jobs(scrape->scrapes, fn, fn_context);
}

static bool refused(void *context, char *ret_text, size_t size)
{
	return serve_scrape_trouble(context, ret_text, size);
}

static void figures(void *context, struct scrape_figures *ret_figures)
{
	struct serve_scrape *scrape = context;
	scrape_loop_figures(scrape->scrapes, ret_figures);
}

const struct api_scrape *serve_scrape_api(struct serve_scrape *scrape)
{
	return scrape != NULL ? &scrape->api : NULL;
}

bool serve_scrape_trouble(struct serve_scrape *scrape, char *ret_text, size_t size)
{
	if (scrape == NULL)
		return false;
	pthread_mutex_lock(&scrape->lock);
	bool wrong = scrape->wrong;
	if (wrong)
		snprintf(ret_text, size, "The scrape config is refused, and %s: %.300s.",
			 scrape->loaded ? "what was loaded before goes on" : "nothing is scraped", scrape->why);
	pthread_mutex_unlock(&scrape->lock);
	return wrong;
}

/* ---- a life ---- */

static void *run(void *context)
{
	struct serve_scrape *scrape = context;
	loop_run(scrape->loop);
	return NULL;
}

static void destroy(struct serve_scrape *scrape)
{
	scrape_loop_destroy(&scrape->scrapes);
	loop_timer_destroy(&scrape->look);
	resolve_destroy(&scrape->resolve);
	loop_destroy(&scrape->loop);
	pthread_mutex_destroy(&scrape->lock);
	arena_finish(&scrape->watched_arena);
	mem_free(scrape);
}

static const char *environment(const char *name)
{
	return getenv(name);
}

static enum err open_loop(struct serve_scrape *scrape, struct error *err)
{
	enum err r = resolve_create(scrape->loop, NULL, &scrape->resolve, err);
	if (r != OK)
		return r;
	struct scrape_loop_options options = {
		.loop = scrape->loop,
		.clock = scrape->options.clock,
		.random = &scrape->random,
		.resolve = scrape->resolve,
		.ca_file = scrape->options.settings->ca_file,
		.environment = environment,
		.storage = serve_samples_storage(&scrape->samples),
		.tell = tell,
		.context = scrape,
	};
	scrape_loop_create(&options, &scrape->scrapes);
	scrape->look = loop_timer_create(scrape->loop, on_look, scrape);
	loop_timer_start(scrape->look, 0);
	return OK;
}

enum err serve_scrape_start(const struct serve_scrape_options *options, struct serve_scrape **ret_scrape,
			    struct error *err)
{
	*ret_scrape = NULL;
	if (options->settings->scrape_config == NULL)
		return OK;
	struct serve_scrape *scrape = mem_alloc(sizeof *scrape);
	scrape->options = *options;
	scrape->samples = (struct serve_samples){ .metrics = options->metrics, .clock = options->clock };
	scrape->api = (struct api_scrape){ scrape, see, see_jobs, refused, figures };
	pthread_mutex_init(&scrape->lock, NULL);
	arena_init(&scrape->watched_arena, WATCHED_BYTES_MAX);
	entropy_init(&scrape->random);
	scrape->loop = loop_create();
	enum err r = open_loop(scrape, err);
	if (r == OK && pthread_create(&scrape->thread, NULL, run, scrape) != 0)
		r = error_set(err, ERR_UNAVAILABLE, "could not start the thread that scrapes");
	if (r == OK)
		*ret_scrape = scrape;
	else
		destroy(scrape);
	return r;
}

void serve_scrape_stop(struct serve_scrape **pointer)
{
	struct serve_scrape *scrape = *pointer;
	if (scrape == NULL)
		return;
	*pointer = NULL;
	loop_stop(scrape->loop);
	pthread_join(scrape->thread, NULL);
	destroy(scrape);
}
