/*
 * serve.c: the server: everything put together. Reading `start` from top to bottom is the order in
 * which things may rely on each other; `stop` is the same backwards.
 */
#include "main/serve.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/journal.h"
#include "journal/writer.h"
#include "main/hand_client.h"
#include "main/place.h"
#include "main/serve_notify.h"
#include "main/serve_sense.h"
#include "main/supervise.h"
#include "main/ui_assets.h"
#include "main/warnings.h"
#include "base/version.h"

#define DRAIN_MS 3000
#define HEARTBEAT_S WARNINGS_TICK_S
#define STANDBY_PAUSE_MS 500
#define ACT_WORKERS 64 /* each waits for its COMMIT: so many share one fsync */
#define URL_BYTES 300

extern const char contract_openapi[]; /* openapi.yaml: tools/embed-text */

struct server {
	const struct settings *settings;
	struct place place;
	struct writer *writer;
	int control; /* where hands arrive; -1: given on, or there is none */
	struct hand_client *hand;
	struct serve_notify *notify;
	struct serve_sense *sense;
	struct api *api; /* NULL while starting: what is committed then is told to nobody */
	struct http_server *http;
	struct warnings *warnings;
	char public_url[URL_BYTES];
	sigset_t signals;
	bool standing_by, told_to_end;
	bool offers_link; /* nobody can sign in yet: this one-time link is printed */
	struct guard_link_made link;
};

static enum err run_command(void *context, struct command *command, struct error *err)
{
	struct server *server = context;
	return writer_run(server->writer, command, err);
}

/* On the writer's thread, after each COMMIT. */
static void committed(void *context, const struct event *const *events, size_t count)
{
	struct server *server = context;
	struct api *api = __atomic_load_n(&server->api, __ATOMIC_ACQUIRE);
	struct serve_sense *sense = __atomic_load_n(&server->sense, __ATOMIC_ACQUIRE);
	struct serve_notify *notify = __atomic_load_n(&server->notify, __ATOMIC_ACQUIRE);
	if (api != NULL)
		api_committed(api, events, count);
	if (notify != NULL)
		serve_notify_committed(notify, events, count);
	if (sense != NULL)
		serve_sense_committed(sense, events, count);
}

/* ---- the record's own events ---- */

static enum err decide_started(struct decision *d, const void *args, struct error *err)
{
	const time_us *last = args;
	(void)err;
	struct event_system_started started = {
		.version = STR(MAINSTAY_VERSION),
		.down_for = *last != TIME_NONE && d->now > *last ? d->now - *last : 0,
	};
	decision_emit(d, EVENT_SYSTEM_STARTED, 0, &started);
	return OK;
}

static enum err decide_stopped(struct decision *d, const void *args, struct error *err)
{
	(void)err;
	struct event_system_stopped stopped = { .reason = str_of(args) };
	decision_emit(d, EVENT_SYSTEM_STOPPED, 0, &stopped);
	return OK;
}

static enum err record(struct server *server, const char *name, decide_fn *decide, const void *args,
		       struct error *err)
{
	struct command command = { .name = name, .decide = decide, .args = args, .actor = ACTOR_SYSTEM };
	return writer_run(server->writer, &command, err);
}

/* When something was recorded last, before this start records anything itself. */
static enum err read_last(struct server *server, time_us *ret_last, struct error *err)
{
	struct store_conn *conn;
	int64_t seq;
	enum err r = store_connect(server->place.store, true, &conn, err);
	if (r != OK)
		return r;
	r = journal_last(conn, &seq, ret_last, err);
	store_disconnect(&conn);
	return r;
}

/* ---- starting ---- */

/* Another server leads: wait for its end, or for ours. */
static bool stand_by(void *context)
{
	struct server *server = context;
	struct timespec pause = { 0, STANDBY_PAUSE_MS * 1000000L };
	if (!server->standing_by)
		log_write(LOG_INFO, "another server leads on this database; standing by", NULL);
	server->standing_by = true;
	int number = sigtimedwait(&server->signals, NULL, &pause);
	server->told_to_end = number == SIGTERM || number == SIGINT;
	return !server->told_to_end;
}

/* On the writer's thread: another server has taken over. This one begins anew, and stands by. */
static void unled(void *context)
{
	(void)context;
	kill(getpid(), SIGUSR2);
}

/* Before the socket is open its port is not known; links of pages need one all the same. */
static void choose_public_url(struct server *server)
{
	const struct settings *s = server->settings;
	if (s->public_url != NULL)
		snprintf(server->public_url, sizeof server->public_url, "%.290s", s->public_url);
	else
		snprintf(server->public_url, sizeof server->public_url, "%s://%.280s",
			 s->tls_cert != NULL ? "https" : "http", s->listen);
}

/* Without a supervisor there is no hand, and commands are not run: never in this process. */
static enum err start_hand(struct server *server, struct error *err)
{
	int control = server->control;
	server->control = -1;
	if (control >= 0)
		return hand_client_start(control, &server->place.clock, &server->hand, err);
	if (server->settings->commands != NULL)
		log_write(LOG_WARNING, "commands cannot be run with --supervised", NULL);
	return OK;
}

static enum err start_notify(struct server *server, struct error *err)
{
	struct serve_notify_options options = {
		.world = server->place.world,
		.writer = server->writer,
		.clock = &server->place.clock,
		.settings = server->settings,
		.hand = server->hand,
	};
	struct serve_notify *notify;
	enum err r = serve_notify_start(&options, &notify, err);
	if (r == OK)
		__atomic_store_n(&server->notify, notify, __ATOMIC_RELEASE);
	return r;
}

/* A check went down and that could not be stored: page all the same, from memory. */
static void untold(void *context, const char *check, const char *reason)
{
	struct server *server = context;
	char title[300], body[600];
	if (trouble_state(server->place.trouble) != TROUBLE_NOTHING)
		return;
	snprintf(title, sizeof title, "%.80s is down: %.180s", check, reason);
	snprintf(body, sizeof body, "Mainstay cannot store anything either. It pages everybody it knows, "
		 "once in five minutes, until it can.\n");
	serve_notify_last_resort(server->notify, title, body);
}

static enum err start_sense(struct server *server, struct error *err)
{
	struct serve_sense_options options = {
		.world = server->place.world,
		.writer = server->writer,
		.clock = &server->place.clock,
		.untold = untold,
		.untold_context = server,
	};
	struct serve_sense *sense;
	enum err r = serve_sense_start(&options, &sense, err);
	if (r == OK)
		__atomic_store_n(&server->sense, sense, __ATOMIC_RELEASE);
	return r;
}

static enum err start_api(struct server *server, struct error *err)
{
	struct api_options options = {
		.world = server->place.world,
		.run = run_command,
		.run_context = server,
		.clock = &server->place.clock,
		.random = &server->place.random,
		.zones = server->place.zones,
		.public_url = server->public_url,
		.version = MAINSTAY_VERSION,
		.sense = serve_sense_api(server->sense),
		.assets = ui_assets,
		.asset_count = ui_assets_count,
		.signer = server->place.can_sign ? &server->place.signer : NULL,
		.openapi = contract_openapi,
		.warnings = warnings_tell,
		.commands = server->settings->commands,
		.settings = settings_json,
		.settings_context = (void *)server->settings,
	};
	server->warnings = warnings_create(server->place.trouble, server->place.flight);
	options.warnings_context = server->warnings;
	struct api *api;
	enum err r = api_create(&options, &api, err);
	if (r != OK)
		return r;
	serve_notify_browsers(server->notify, api);
	__atomic_store_n(&server->api, api, __ATOMIC_RELEASE);
	return OK;
}

static enum err start_http(struct server *server, struct error *err)
{
	struct http_server_config config;
	http_server_config_default(&config);
	config.listen = server->settings->listen;
	config.tls_cert = server->settings->tls_cert;
	config.tls_key = server->settings->tls_key;
	config.route = api_route;
	config.handle = api_serve;
	config.context = server->api;
	config.assets = ui_assets;
	config.asset_count = ui_assets_count;
	config.clock = &server->place.clock;
	config.random = &server->place.random;
	config.queues[HTTP_QUEUE_ACT].workers = ACT_WORKERS;
	enum err r = http_server_create(&config, &server->http, err);
	if (r == OK)
		warnings_watch(server->warnings, server->http);
	if (r == OK && server->settings->public_url == NULL)
		snprintf(server->public_url, sizeof server->public_url, "%s",
			 http_server_url(server->http));
	return r;
}

/* Before the writer runs: the world is ours alone. */
static enum err make_first_user(struct server *server, struct error *err)
{
	return guard_first_user(server->place.world, str_of(server->settings->admin),
				&server->offers_link, &server->link, err);
}

static void announce(const struct server *server)
{
	printf("mainstay: listening on %s\n", http_server_url(server->http));
	if (server->offers_link)
		printf("mainstay: sign in at %s/link#%s\n", server->public_url, server->link.token);
	fflush(stdout);
}

static enum err start(struct server *server, struct error *err)
{
	choose_public_url(server);
	struct place_hooks hooks = { committed, stand_by, unled, server };
	enum err r = place_open(server->settings, server->public_url, &hooks, &server->place, err);
	if (r != OK)
		return r;
	time_us last = TIME_NONE;
	r = read_last(server, &last, err);
	if (r == OK)
		r = make_first_user(server, err);
	if (r == OK)
		r = writer_start(server->place.world, &server->writer, err);
	if (r == OK)
		r = record(server, "started", decide_started, &last, err);
	if (r == OK)
		r = start_hand(server, err);
	if (r == OK)
		r = start_notify(server, err);
	if (r == OK)
		r = start_sense(server, err);
	if (r == OK)
		r = start_api(server, err);
	if (r == OK)
		r = start_http(server, err);
	if (r == OK)
		announce(server);
	return r;
}

/* ---- stopping ---- */

static void stop(struct server *server, const char *reason)
{
	struct error err = { 0 };
	if (server->api != NULL)
		api_stop(server->api);
	if (server->http != NULL)
		http_server_stop(server->http, DRAIN_MS);
	if (server->sense != NULL)
		serve_sense_stop(server->sense);
	if (server->notify != NULL) {
		serve_notify_browsers(server->notify, NULL);
		serve_notify_stop(server->notify);
	}
	hand_client_stop(&server->hand);
	if (server->writer != NULL && record(server, "stopped", decide_stopped, reason, &err) != OK)
		log_write(LOG_WARNING, "could not record the stop", "reason=\"%s\"", err.text);
	writer_stop(&server->writer);
	serve_sense_destroy(&server->sense);
	serve_notify_destroy(&server->notify);
	http_server_destroy(&server->http);
	struct api *api = server->api;
	__atomic_store_n(&server->api, NULL, __ATOMIC_RELEASE);
	api_destroy(&api);
	warnings_destroy(&server->warnings);
	place_close(&server->place);
}

static void block_signals(sigset_t *ret_set)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGHUP);
	sigaddset(ret_set, SIGUSR2); /* our own: unled() */
	pthread_sigmask(SIG_BLOCK, ret_set, NULL); /* before any thread: all inherit it */
}

#define LOST_LEAD "another server leads"

static const char *wait_for_end(struct server *server, const sigset_t *set)
{
	for (;;) {
		struct timespec beat = { HEARTBEAT_S, 0 };
		int number = sigtimedwait(set, NULL, &beat);
		if (number == SIGTERM || number == SIGINT)
			return number == SIGTERM ? "SIGTERM" : "SIGINT";
		if (number == SIGUSR2)
			return LOST_LEAD;
		struct error err;
		if (number == SIGHUP && server->settings->tls_cert != NULL &&
		    http_server_reload_tls(server->http, &err) != OK)
			log_write(LOG_WARNING, "could not read the certificate again", "reason=\"%s\"",
				  err.text);
		api_heartbeat(server->api);
		warnings_tick(server->warnings);
		trouble_tick(server->place.trouble);
	}
}

int serve(const struct settings *settings, int control)
{
	struct server *server = mem_alloc(sizeof *server);
	struct error err = { 0 };
	int status = 2;
	server->settings = settings;
	server->control = control;
	server->place.lock = -1;
	block_signals(&server->signals);
	enum err r = start(server, &err);
	if (r == OK) {
		const char *why = wait_for_end(server, &server->signals);
		log_write(LOG_INFO, "stopping", "signal=%s", why);
		stop(server, why);
		status = strcmp(why, LOST_LEAD) == 0 ? SUPERVISED_AGAIN : 0;
	} else if (server->told_to_end) {
		stop(server, "told to end");
		status = 0;
	} else {
		fprintf(stderr, "mainstay: %s\n", err.text);
		if (err.hint[0] != '\0')
			fprintf(stderr, "mainstay: %s\n", err.hint);
		stop(server, err.text);
	}
	mem_free(server);
	return status;
}
