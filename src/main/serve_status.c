/* serve_status.c: see serve_status.h. */
#include "main/serve_status.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "main/ui_assets.h"
#include "sys/entropy.h"

#define FILE_NAME "status.snapshot"
#define REST (250 * TIME_MS)       /* between two builds: a burst of commits is one */
#define RENEW (30 * TIME_SECOND)   /* uptime moves without any commit */
#define SAVE_EVERY (30 * TIME_SECOND)
#define LOOK_EVERY (2 * TIME_SECOND) /* whether the store is back */

struct serve_status {
	struct serve_status_options options;
	struct api_status *pages;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool dirty, stopping;
	time_us good, saved; /* by time since boot */
	char path[600];
};

static const struct http_asset *page_template(void)
{
	for (size_t i = 0; i < ui_assets_count; i++) {
		if (strcmp(ui_assets[i].path, "/templates/status.html") == 0)
			return &ui_assets[i];
	}
	return NULL;
}

/* ---- the builder ---- */

static void sleep_until_woken(struct serve_status *s, time_us span)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += span / TIME_SECOND;
	until.tv_nsec += (span % TIME_SECOND) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	int r = 0;
	while (!s->dirty && !s->stopping && r == 0)
		r = pthread_cond_timedwait(&s->wake, &s->mutex, &until);
}

static void build(struct serve_status *s, time_us *ret_next)
{
	struct store_conn *conn;
	struct error err;
	time_us now = clock_wall(s->options.clock), boot = clock_since_boot(s->options.clock);
	*ret_next = TIME_NONE;
	enum err r = store_connect(world_store(s->options.world), true, &conn, &err);
	if (r == OK) {
		r = api_status_build(s->pages, conn, now, ret_next, &err);
		store_disconnect(&conn);
	}
	if (r != OK) {
		log_write(LOG_WARNING, "could not renew the status pages", "reason=\"%s\"", err.text);
		if (boot - s->good > STATUS_STALE_AFTER)
			api_status_stale(s->pages);
		return;
	}
	s->good = boot;
	if (s->saved != TIME_NONE && boot - s->saved < SAVE_EVERY)
		return;
	s->saved = boot;
	if (api_status_save(s->pages, s->path, &err) != OK)
		log_write(LOG_WARNING, "could not keep the status pages", "reason=\"%s\"", err.text);
}

static void *run(void *context)
{
	struct serve_status *s = context;
	pthread_mutex_lock(&s->mutex);
	while (!s->stopping) {
		time_us next;
		s->dirty = false;
		pthread_mutex_unlock(&s->mutex);
		build(s, &next);
		pthread_mutex_lock(&s->mutex);
		time_us span = RENEW;
		if (next != TIME_NONE && next - clock_wall(s->options.clock) < span)
			span = next - clock_wall(s->options.clock);
		sleep_until_woken(s, span > REST ? span : REST);
		if (!s->stopping) { /* let a burst pass */
			struct timespec rest = { 0, REST * 1000 };
			pthread_mutex_unlock(&s->mutex);
			nanosleep(&rest, NULL);
			pthread_mutex_lock(&s->mutex);
		}
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* ---- what changes a page ---- */

static bool concerns(const struct event *event)
{
	static const char *const prefixes[] = { "update.", "incident.", "maintenance.", "component.", "alert.",
						"mute.", "definition.", NULL };
	struct str name = str_of(event_kinds[event->kind].name);
	for (size_t i = 0; prefixes[i] != NULL; i++) {
		if (str_starts(name, str_of(prefixes[i])))
			return true;
	}
	return false;
}

static void wake(struct serve_status *s)
{
	pthread_mutex_lock(&s->mutex);
	s->dirty = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

void serve_status_url(struct serve_status *s, const char *public_url)
{
	api_status_url(s->pages, public_url);
	wake(s);
}

void serve_status_committed(void *context, const struct event *const *events, size_t count)
{
	struct serve_status *s = context;
	bool wanted = false;
	for (size_t i = 0; i < count && !wanted; i++)
		wanted = concerns(events[i]);
	if (wanted)
		wake(s);
}

/* ---- life ---- */

enum err serve_status_start(const struct serve_status_options *options, struct serve_status **ret_serve_status,
			    struct error *err)
{
	struct serve_status *s = mem_alloc(sizeof *s);
	pthread_condattr_t monotonic;
	struct error none;
	s->options = *options;
	s->good = clock_since_boot(options->clock);
	s->pages = api_status_create(options->public_url, options->zones, page_template());
	snprintf(s->path, sizeof s->path, "%s/" FILE_NAME, options->data);
	if (api_status_load(s->pages, s->path, &none) != OK && none.code != ERR_NOT_FOUND)
		log_write(LOG_WARNING, "the kept status pages were passed over", "reason=\"%s\"", none.text);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&s->thread, NULL, run, s) != 0) {
		api_status_destroy(&s->pages);
		mem_free(s);
		return error_set(err, ERR_UNAVAILABLE, "could not start the builder of status pages");
	}
	*ret_serve_status = s;
	return OK;
}

struct api_status *serve_status_pages(struct serve_status *serve_status)
{
	return serve_status->pages;
}

void serve_status_stop(struct serve_status **serve_status)
{
	struct serve_status *s = *serve_status;
	struct error err;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	if (api_status_save(s->pages, s->path, &err) != OK)
		log_write(LOG_WARNING, "could not keep the status pages", "reason=\"%s\"", err.text);
	api_status_destroy(&s->pages);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->mutex);
	mem_free(s);
	*serve_status = NULL;
}

/* ---- addresses ---- */

static void refuse(void *context, struct http_exchange *exchange)
{
	(void)context;
	http_exchange_refuse(exchange, 503, "the store cannot be opened; only status pages are served", NULL);
}

static void configure(struct http_server_config *config, const struct settings *settings, struct clock *clock,
		      struct random *random)
{
	http_server_config_default(config);
	config->tls_cert = settings->tls_cert;
	config->tls_key = settings->tls_key;
	config->clock = clock;
	config->random = random;
	config->assets = ui_assets;
	config->asset_count = ui_assets_count;
}

enum err serve_status_listen(const struct settings *settings, struct clock *clock, struct random *random, void *api,
			     struct http_server **ret_http, struct error *err)
{
	struct http_server_config config;
	*ret_http = NULL;
	if (settings->status_listen == NULL)
		return OK;
	configure(&config, settings, clock, random);
	config.listen = settings->status_listen;
	config.route = api_status_route;
	config.handle = api_serve;
	config.context = api;
	return http_server_create(&config, ret_http, err);
}

/* ---- without a store ---- */

static struct http_route route_alone(void *context, struct str method, struct str path)
{
	struct api_status *pages = context;
	bool file = str_starts(path, STR(STATUS_PREFIX)) || str_starts(path, STR("/assets/")) || str_is(path, "/") ||
		    str_starts(path, STR("/api/v2/")) || str_is(path, "/favicon.svg");
	if (!file || !str_is(method, "GET"))
		return (struct http_route){ .kind = HTTP_KIND_HANDLER, .queue = HTTP_QUEUE_READ, .body_limit_bytes = 64u << 10 };
	struct http_route route = { .kind = HTTP_KIND_STATIC, .find = api_status_find_home, .find_context = pages };
	for (size_t i = 0; i < ui_assets_count; i++) {
		if (str_is(path, ui_assets[i].path) && !str_starts(path, STR("/templates/")))
			route.asset = &ui_assets[i];
	}
	return route;
}

struct alone {
	struct clock clock;
	struct random random;
	struct api_status *pages;
	struct http_server *http, *http_public;
};

static enum err open_alone(const struct settings *settings, struct alone *alone, struct error *err)
{
	struct http_server_config config;
	char path[600];
	snprintf(path, sizeof path, "%s/" FILE_NAME, settings->data);
	clock_system(&alone->clock);
	entropy_init(&alone->random);
	alone->pages = api_status_create("", NULL, NULL);
	enum err r = api_status_load(alone->pages, path, err);
	if (r != OK)
		return r;
	api_status_stale(alone->pages);
	configure(&config, settings, &alone->clock, &alone->random);
	config.route = route_alone;
	config.handle = refuse;
	config.context = alone->pages;
	config.listen = settings->listen;
	r = http_server_create(&config, &alone->http, err);
	config.listen = settings->status_listen;
	if (r == OK && settings->status_listen != NULL)
		r = http_server_create(&config, &alone->http_public, err);
	return r;
}

static void close_alone(struct alone *alone)
{
	if (alone->http != NULL)
		http_server_stop(alone->http, 1000);
	if (alone->http_public != NULL)
		http_server_stop(alone->http_public, 1000);
	http_server_destroy(&alone->http);
	http_server_destroy(&alone->http_public);
	api_status_destroy(&alone->pages);
}

enum serve_alone serve_status_alone(const struct settings *settings,
				    bool (*store_is_back)(const struct settings *settings),
				    bool (*wait)(void *context, time_us span), void *context)
{
	struct alone *alone = mem_alloc(sizeof *alone);
	struct error err = { 0 };
	enum serve_alone end = ALONE_NOTHING;
	if (open_alone(settings, alone, &err) == OK) {
		printf("mainstay: listening on %s\n", http_server_url(alone->http));
		fflush(stdout);
		log_write(LOG_ERROR, "the store cannot be opened; the last status pages are served", NULL);
		while (end == ALONE_NOTHING)
			end = wait(context, LOOK_EVERY) ? ALONE_ENDED : store_is_back(settings) ? ALONE_BACK : ALONE_NOTHING;
	}
	close_alone(alone);
	mem_free(alone);
	return end;
}
