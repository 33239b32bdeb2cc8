/* http_server.c: starting, the watch thread, stopping. See http_server.h. */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define LIBRARY_LINE_BYTES 256

void http_server_config_default(struct http_server_config *ret_config)
{
	*ret_config = (struct http_server_config){
		.listen = "127.0.0.1:8484",
		.web_threads = 2,
		.queues = {
			[HTTP_QUEUE_ACT] = { 4, 1024, 30000 },
			[HTTP_QUEUE_READ] = { 4, 512, 30000 },
			[HTTP_QUEUE_HEAVY] = { 2, 64, 120000 },
			[HTTP_QUEUE_SAMPLES] = { 4, 256, 30000 },
			[HTTP_QUEUE_QUERY] = { 4, 64, 150000 },
			[HTTP_QUEUE_PROBE] = { 24, 256, 90000 }, /* they wait for others, and take no processor */
		},
		.connections_max = 4096,
		.streams_max = 1000,
		.stream_buffer_bytes = 256u << 10,
		.bodies_bytes_max = 256u << 20,
		.idle_ms = 60000,
		.intake_ms = 90000,
		.sending_ms = 600000,
		.tls_look_ms = 10000,
	};
}

time_us http_server_now(struct http_server *server)
{
	return clock_since_boot(server->config.clock);
}

void http_server_ref(struct http_server *server)
{
	int before = atomic_fetch_add(&server->refs, 1);
	assert(before > 0);
}

void http_server_unref(struct http_server *server)
{
	int before = atomic_fetch_sub(&server->refs, 1);
	assert(before > 0);
	if (before > 1)
		return;
	assert(server->daemon == NULL);
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++)
		http_jobs_finish(&server->queues[i]);
	http_tls_destroy(&server->tls);
	pthread_cond_destroy(&server->stop_cond);
	pthread_mutex_destroy(&server->mutex);
	mem_free(server);
}

const char *http_server_url(const struct http_server *server)
{
	return server->url;
}

unsigned http_server_port(const struct http_server *server)
{
	return server->port;
}

/* --- the library -------------------------------------------------------------------------- */

/* What it says concerns single clients and belongs to whoever debugs. */
static void library_log(void *context, const char *format, va_list args)
{
	char line[LIBRARY_LINE_BYTES];
	vsnprintf(line, sizeof line, format, args);
	line[strcspn(line, "\n")] = '\0';
	log_write(LOG_DEBUG, "web server library", "said=\"%s\"", line);
}

/* We decode what clients send ourselves, so the library must leave it as it is. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
	return strlen(text);
}

static enum err start_daemon(struct http_server *server, int fd, struct error *err)
{
	const struct http_server_config *config = &server->config;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ITC | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem pool[] = {
		{ MHD_OPTION_THREAD_POOL_SIZE, config->web_threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)http_tls_callback() },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)http_tls_priorities() },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	if (server->tls != NULL)
		flags |= MHD_USE_TLS;
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, http_web_request, server,
		MHD_OPTION_EXTERNAL_LOGGER, library_log, server,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_ARRAY, config->web_threads > 1 ? pool : none,
		MHD_OPTION_ARRAY, server->tls != NULL ? tls : none,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, http_web_target, server,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, http_web_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, http_web_connection, server,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY_BYTES,
		MHD_OPTION_CONNECTION_LIMIT, config->connections_max,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->connections_per_address_max,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((config->idle_ms + 999) / 1000),
		MHD_OPTION_END);
	if (server->daemon == NULL)
		return error_set(err, ERR_UNAVAILABLE, "could not start the web server threads: %s",
				 strerror(errno));
	return OK;
}

/* --- the watch thread --------------------------------------------------------------------- */

/* A client too slow to say or take something has its socket shut; the library sees to the rest. */
static void shut_overdue(struct http_server *server, time_us now)
{
	pthread_mutex_lock(&server->mutex);
	for (struct http_connection *connection = server->connections; connection != NULL;
	     connection = connection->next) {
		if (connection->deadline > now)
			continue;
		connection->deadline = INT64_MAX;
		if (connection->fd >= 0)
			shutdown(connection->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&server->mutex);
}

/* What is handed over while we sleep is due no sooner than the shortest deadline from now. */
static int64_t longest_sleep_ms(const struct http_server_config *config)
{
	int64_t ms = HTTP_WATCH_MS_MAX;
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++)
		if (config->queues[i].deadline_ms < ms)
			ms = config->queues[i].deadline_ms;
	if (config->intake_ms < ms)
		ms = config->intake_ms;
	if (config->tls_look_ms < ms)
		ms = config->tls_look_ms;
	return ms;
}

static time_us expire_all(struct http_server *server, time_us now)
{
	time_us next = INT64_MAX;
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++) {
		time_us due = http_jobs_expire(&server->queues[i], now);
		if (due < next)
			next = due;
	}
	return next;
}

/* False when the thread is to end. */
static bool sleep_until(struct http_server *server, time_us wait)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait / TIME_SECOND;
	until.tv_nsec += wait % TIME_SECOND * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&server->mutex);
	if (!server->watch_stop)
		pthread_cond_timedwait(&server->stop_cond, &server->mutex, &until);
	bool go_on = !server->watch_stop;
	pthread_mutex_unlock(&server->mutex);
	return go_on;
}

static void *watch(void *context)
{
	struct http_server *server = context;
	const time_us longest = longest_sleep_ms(&server->config) * TIME_MS;
	time_us looked = http_server_now(server), wait;
	do {
		time_us now = http_server_now(server);
		time_us next = expire_all(server, now);
		shut_overdue(server, now);
		if (server->tls != NULL && now - looked >= server->config.tls_look_ms * TIME_MS) {
			http_tls_look(server->tls);
			looked = now;
		}
		wait = next - now < longest ? next - now : longest;
	} while (sleep_until(server, wait > TIME_MS ? wait : TIME_MS));
	return NULL;
}

/* --- life --------------------------------------------------------------------------------- */

static void check_config(const struct http_server_config *config)
{
	assert(config->listen != NULL);
	assert(config->route != NULL && config->handle != NULL);
	assert(config->clock != NULL && config->random != NULL);
	assert((config->tls_cert == NULL) == (config->tls_key == NULL));
	assert(config->web_threads >= 1 && config->web_threads <= 64);
	assert(config->idle_ms > 0 && config->intake_ms > 0 && config->sending_ms > 0);
	assert(config->tls_look_ms > 0);
	assert(config->stream_buffer_bytes >= 1024);
}

static struct http_server *server_alloc(const struct http_server_config *config)
{
	struct http_server *server = mem_alloc(sizeof *server);
	server->config = *config;
	atomic_init(&server->refs, 1);
	random_hex(config->random, 4, server->id_prefix);
	pthread_mutex_init(&server->mutex, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&server->stop_cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return server;
}

static enum err start_threads(struct http_server *server, struct error *err)
{
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++) {
		enum err result = http_jobs_start(&server->queues[i], server,
						  &server->config.queues[i], err);
		if (result != OK)
			return result;
	}
	int failure = pthread_create(&server->watch, NULL, watch, server);
	if (failure != 0)
		return error_set(err, ERR_UNAVAILABLE, "could not start a thread: %s",
				 strerror(failure));
	server->watch_started = true;
	return OK;
}

enum err http_server_create(const struct http_server_config *config,
			    struct http_server **ret_server, struct error *err)
{
	check_config(config);
	struct http_server *server = server_alloc(config);
	int fd = -1;
	enum err result = OK;
	if (config->tls_cert != NULL)
		result = http_tls_create(server, &server->tls, err);
	if (result == OK)
		result = http_listen_open(config->listen, &fd, err);
	if (result == OK) {
		http_listen_note(server, fd);
		result = start_threads(server, err);
	}
	if (result != OK && fd >= 0)
		close(fd);
	if (result == OK) /* takes the socket: the library closes it on most of its failures */
		result = start_daemon(server, fd, err);
	if (result != OK) {
		http_server_destroy(&server);
		return result;
	}
	*ret_server = server;
	return OK;
}

enum err http_server_reload_tls(struct http_server *server, struct error *err)
{
	if (server->tls == NULL)
		return error_set(err, ERR_CONFLICT, "this server speaks without TLS");
	return http_tls_reload(server->tls, err);
}

/* --- stopping ----------------------------------------------------------------------------- */

static bool is_quiet(struct http_server *server)
{
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++)
		if (!http_jobs_idle(&server->queues[i]))
			return false;
	pthread_mutex_lock(&server->mutex);
	bool quiet = atomic_load(&server->open_requests) <= server->stream_count;
	pthread_mutex_unlock(&server->mutex);
	return quiet;
}

/* Nothing signals quietness, because nobody needs it but this: so look, a bounded number of times. */
static void wait_quiet(struct http_server *server, int64_t bound_ms)
{
	const struct timespec step = { .tv_nsec = HTTP_STOP_STEP_MS * 1000000 };
	for (int64_t waited = 0; waited < bound_ms && !is_quiet(server); waited += HTTP_STOP_STEP_MS)
		nanosleep(&step, NULL);
}

static void stop_watch(struct http_server *server)
{
	if (!server->watch_started)
		return;
	pthread_mutex_lock(&server->mutex);
	server->watch_stop = true;
	pthread_cond_broadcast(&server->stop_cond);
	pthread_mutex_unlock(&server->mutex);
	pthread_join(server->watch, NULL);
	server->watch_started = false;
}

/* Order matters: the library must not find a suspended connection when it stops, so queues and
 * streams are closed for good first, and then it gets a moment to send what was answered last. Whoever
 * connects meanwhile reads 503 that the server is stopping. Not MHD_quiesce_daemon, which would refuse the
 * connection: it takes the socket from each thread's set, as the threads do themselves when they notice, and who
 * comes second ends the process (0.9.75). */
void http_server_stop(struct http_server *server, int64_t drain_ms)
{
	assert(!server->stopped);
	assert(drain_ms >= 0);
	server->stopped = true;
	server->stopping = true;
	if (server->daemon != NULL)
		wait_quiet(server, drain_ms);
	http_streams_close_all(server);
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++)
		if (server->queues[i].threads != NULL)
			http_jobs_close(&server->queues[i]);
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++)
		http_jobs_join(&server->queues[i]);
	stop_watch(server);
	if (server->daemon != NULL) {
		wait_quiet(server, HTTP_STOP_FLUSH_MS);
		MHD_stop_daemon(server->daemon);
		server->daemon = NULL;
	}
	assert(server->stream_count == 0);
	assert(atomic_load(&server->open_requests) == 0);
}

void http_server_destroy(struct http_server **server)
{
	if (*server == NULL)
		return;
	if (!(*server)->stopped)
		http_server_stop(*server, 0);
	http_server_unref(*server);
	*server = NULL;
}

void http_server_figures(struct http_server *server, struct http_server_figures *ret_figures)
{
	struct http_server_figures figures = {
		.requests = server->requests,
		.refused_intake = server->refused_intake,
		.expired = server->expired,
		.late_answers = server->late_answers,
		.connections = server->connection_count,
	};
	for (int i = 0; i < HTTP_QUEUE_COUNT; i++) {
		struct http_jobs *jobs = &server->queues[i];
		pthread_mutex_lock(&jobs->mutex);
		figures.waiting[i] = jobs->count;
		figures.running[i] = jobs->running;
		figures.refused_full[i] = server->refused_full[i];
		pthread_mutex_unlock(&jobs->mutex);
	}
	pthread_mutex_lock(&server->mutex);
	figures.streams = server->stream_count;
	pthread_mutex_unlock(&server->mutex);
	*ret_figures = figures;
}
