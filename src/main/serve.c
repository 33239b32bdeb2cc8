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
#include "main/backup.h"
#include "main/front.h"
#include "main/hand_client.h"
#include "main/node_seal.h"
#include "main/nodes.h"
#include "main/place.h"
#include "main/serve_alerts.h"
#include "main/serve_metrics.h"
#include "main/serve_notify.h"
#include "main/serve_scrape.h"
#include "main/serve_sense.h"
#include "main/supervise.h"
#include "main/serve_status.h"
#include "main/ui_assets.h"
#include "main/warnings.h"
#include "sys/memory.h"
#include "sys/service.h"
#include "base/version.h"

#define DRAIN_MS 3000
#define HEARTBEAT_S WARNINGS_TICK_S
#define STANDBY_PAUSE_MS 100
#define STANDBY_BEATS 100 /* of those pauses, between words to the service manager */
#define ACT_WORKERS 64 /* each waits for its COMMIT: so many share one fsync */
#define URL_BYTES 300

extern const char contract_openapi[]; /* openapi.yaml: tools/embed-text */

struct server {
	const struct settings *settings;
	struct place place;
	struct writer *writer;
	int control; /* where hands arrive; -1: given on, or there is none */
	struct hand_client *hand;
	struct probe_hand plugins; /* start NULL: there are none */
	struct serve_notify *notify;
	struct serve_sense *sense;
	struct serve_alerts *alerts;
	struct serve_metrics *metrics;
	struct serve_check_series *check_series;
	struct serve_scrape *scrape; /* NULL: nothing is scraped */
	struct api *api; /* NULL while starting: what is committed then is told to nobody */
	struct serve_status *status;
	struct http_server *http;
	struct warnings *warnings;
	struct http_server *http_public; /* --status-listen; NULL: there is none */
	struct nodes *nodes; /* with a database: the servers on it; else NULL, as the next */
	struct front *front; /* stands between `http` and the API */
	unsigned char seal_key[NODE_SEAL_KEY_BYTES];
	char public_url[URL_BYTES];
	sigset_t signals;
	bool told_to_end, stood_by;
	struct error unable; /* to follow; code OK: it is able */
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
	struct serve_status *status = __atomic_load_n(&server->status, __ATOMIC_ACQUIRE);
	if (status != NULL)
		serve_status_committed(status, events, count);
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

/* Nobody else can reach it, unless somebody said by which address they do. */
static bool is_on_loopback(const struct settings *settings)
{
	struct str listen = str_of(settings->listen);
	return settings->public_url == NULL &&
	       (str_starts(listen, STR("127.")) || str_starts(listen, STR("[::1]:")));
}

/* ---- several servers on one database ---- */

/* How others reach it, unless somebody said so: as it listens, and by this machine's name when it listens
 * to every address of it. */
static void tell_where(struct server *server)
{
	const char *url = http_server_url(server->http), *port = strrchr(url, ':');
	char host[80] = "", text[STORE_NODE_URL_BYTES];
	struct str rest = str_of(strstr(url, "://") + 3);
	bool every = str_starts(rest, STR("0.0.0.0:")) || str_starts(rest, STR("[::]:"));
	if (every && gethostname(host, sizeof host - 1) != 0)
		every = false;
	if (server->settings->node_url != NULL)
		snprintf(text, sizeof text, "%s", server->settings->node_url);
	else if (every)
		snprintf(text, sizeof text, "%.*s%s%s", (int)(rest.ptr - url), url, host, port);
	else
		snprintf(text, sizeof text, "%s", url);
	nodes_reached_at(server->nodes, text);
}

static enum err start_nodes(struct server *server, struct error *err)
{
	if (server->settings->store == NULL || server->nodes != NULL)
		return OK;
	node_seal_key(&server->place.signer, server->seal_key);
	return nodes_start(server->place.store, &server->place.clock, server->place.node, &server->nodes, err);
}

static enum err start_front(struct server *server, bool follows, struct error *err)
{
	struct front_options options = {
		.store = server->place.store,
		.nodes = server->nodes,
		.clock = &server->place.clock,
		.seal_key = server->seal_key,
		.assets = ui_assets,
		.asset_count = ui_assets_count,
		.ca_file = server->settings->ca_file,
		.on_loopback = is_on_loopback(server->settings),
		.follows = follows,
	};
	return front_create(&options, &server->front, err);
}

static enum err listen_http(struct server *server, struct error *err);

static void announce_listening(const struct server *server)
{
	printf("mainstay: listening on %s\n", http_server_url(server->http));
	fflush(stdout);
	service_tell("READY=1");
}

static enum err start_following(struct server *server, struct error *err)
{
	/* Nothing that it seals would be believed. What else keeps it from asking is seen when it is asked for. */
	if (place_check_key(&server->place, err) == ERR_PRECONDITION)
		return ERR_PRECONDITION;
	enum err r = start_nodes(server, err);
	if (r == OK)
		r = start_front(server, true, err);
	if (r == OK)
		r = listen_http(server, err);
	if (r != OK)
		return r;
	log_write(LOG_INFO, "another server leads on this database; standing by", "node=%s", server->place.node);
	tell_where(server);
	announce_listening(server);
	return OK;
}

/* Nobody leads, and that is certain. While the database is silent there is nothing to take over. */
static bool is_unled(struct server *server)
{
	struct store_nodes seen;
	return nodes_now(server->nodes, &seen) && !seen.leader.alive;
}

static void reload_tls(struct server *server)
{
	struct error err;
	if (server->settings->tls_cert != NULL && http_server_reload_tls(server->http, &err) != OK)
		log_write(LOG_WARNING, "could not read the certificate again", "reason=\"%s\"", err.text);
}

/* It stood by and came to nothing: told to end, or the database went when it took over. */
static void end_following(void *context)
{
	struct server *server = context;
	if (server->front != NULL)
		front_take_over(server->front); /* first: who waits is answered */
	if (server->http != NULL)
		http_server_stop(server->http, DRAIN_MS);
	http_server_destroy(&server->http);
	front_destroy(&server->front);
	nodes_stop(&server->nodes);
}

/* Another server leads: hand on to it until it does no more (true: try to lead), or until our end. */
static bool stand_by(void *context)
{
	struct server *server = context;
	struct timespec pause = { 0, STANDBY_PAUSE_MS * 1000000L };
	if (server->front == NULL && start_following(server, &server->unable) != OK)
		return false;
	for (unsigned beats = 0; !server->told_to_end; beats++) {
		int number = sigtimedwait(&server->signals, NULL, &pause);
		server->told_to_end = number == SIGTERM || number == SIGINT;
		if (number == SIGHUP)
			reload_tls(server);
		if (beats % STANDBY_BEATS == 0)
			service_tell("WATCHDOG=1");
		if (!server->told_to_end && is_unled(server))
			return true;
	}
	return false;
}

/* Without a supervisor there is no hand, and commands are not run: never in this process. */
static enum err start_hand(struct server *server, struct error *err)
{
	int control = server->control;
	server->control = -1;
	if (control >= 0)
		return hand_client_start(control, &server->place.clock, &server->hand, err);
	if (server->settings->commands != NULL || server->settings->plugins != NULL)
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
		.public_url = server->public_url,
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
	if (server->hand != NULL && server->settings->plugins != NULL)
		server->plugins = hand_client_plugins(server->hand);
	struct serve_sense_options options = {
		.world = server->place.world,
		.writer = server->writer,
		.hand = server->plugins.start != NULL ? &server->plugins : NULL,
		.clock = &server->place.clock,
		.ca_file = server->settings->ca_file,
		.untold = untold,
		.untold_context = server,
		.nodes = server->nodes,
		.seal_key = server->seal_key,
		.series = server->check_series,
	};
	struct serve_sense *sense;
	enum err r = serve_sense_start(&options, &sense, err);
	if (r == OK)
		__atomic_store_n(&server->sense, sense, __ATOMIC_RELEASE);
	return r;
}

static enum err start_status(struct server *server, struct error *err)
{
	struct serve_status_options options = {
		.world = server->place.world,
		.clock = &server->place.clock,
		.zones = server->place.zones,
		.data = server->settings->data,
		.public_url = server->public_url,
	};
	struct serve_status *status;
	enum err r = serve_status_start(&options, &status, err);
	if (r == OK)
		__atomic_store_n(&server->status, status, __ATOMIC_RELEASE);
	return r;
}

static enum err start_metrics(struct server *server, struct error *err)
{
	struct serve_metrics_options options = { server->settings, &server->place.clock, &server->place.random };
	enum err r = serve_metrics_start(&options, &server->metrics, err);
	return r == OK ? serve_check_series_start(server->metrics, &server->place.clock, &server->check_series, err) : r;
}

static enum err start_scrape(struct server *server, struct error *err)
{
	struct serve_scrape_options options = { server->settings, &server->place.clock, server->metrics };
	return serve_scrape_start(&options, &server->scrape, err);
}

static bool nothing_stored(void *context)
{
	struct server *server = context;
	return trouble_state(server->place.trouble) == TROUBLE_NOTHING;
}

static bool seen_nodes(void *context, struct store_nodes *ret_nodes)
{
	struct server *server = context;
	return nodes_now(server->nodes, ret_nodes);
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
		.on_loopback = is_on_loopback(server->settings),
		.version = MAINSTAY_VERSION,
		.sense = serve_sense_api(server->sense),
		.assets = ui_assets,
		.asset_count = ui_assets_count,
		.signer = server->place.can_sign ? &server->place.signer : NULL,
		.openapi = contract_openapi,
		.warnings = warnings_tell,
		.commands = server->settings->commands,
		.status = serve_status_pages(server->status),
		.metrics = serve_metrics_api(server->metrics),
		.scrape = serve_scrape_api(server->scrape),
		.settings = settings_json,
		.settings_context = (void *)server->settings,
		.nodes = server->nodes != NULL ? seen_nodes : NULL,
		.nodes_context = server,
		.node = server->place.node,
		.nothing_stored = nothing_stored,
		.nothing_stored_context = server,
	};
	server->warnings = warnings_create(server->place.trouble, server->place.flight);
	warnings_metrics(server->warnings, server->metrics);
	warnings_scrape(server->warnings, server->scrape);
	options.warnings_context = server->warnings;
	struct api *api;
	enum err r = OK;
	if (server->settings->trusted_proxy != NULL)
		r = api_proxies_parse(server->settings->trusted_proxy, &options.proxies, err);
	if (r == OK)
		r = api_create(&options, &api, err);
	if (r != OK)
		return r;
	serve_notify_browsers(server->notify, api);
	__atomic_store_n(&server->api, api, __ATOMIC_RELEASE);
	return OK;
}

static enum err listen_http(struct server *server, struct error *err)
{
	struct http_server_config config;
	http_server_config_default(&config);
	config.listen = server->settings->listen;
	config.tls_cert = server->settings->tls_cert;
	config.tls_key = server->settings->tls_key;
	config.route = server->front != NULL ? front_route : api_route;
	config.handle = server->front != NULL ? front_handle : api_serve;
	config.context = server->front != NULL ? (void *)server->front : server->api;
	config.assets = ui_assets;
	config.asset_count = ui_assets_count;
	config.clock = &server->place.clock;
	config.random = &server->place.random;
	config.queues[HTTP_QUEUE_ACT].workers = ACT_WORKERS;
	return http_server_create(&config, &server->http, err);
}

static bool leads_now(void *context)
{
	struct server *server = context;
	return world_leads(server->place.world);
}

/* With a front it may listen already; what it answers changes in one moment. */
static enum err start_http(struct server *server, struct error *err)
{
	bool stood_by = server->stood_by = server->http != NULL;
	enum err r = OK;
	if (server->nodes != NULL && server->front == NULL)
		r = start_front(server, false, err);
	if (r == OK && server->front != NULL)
		front_lead(server->front, server->api, leads_now, server);
	if (r == OK && !stood_by)
		r = listen_http(server, err);
	if (r == OK && server->nodes != NULL && !stood_by)
		tell_where(server);
	if (r == OK)
		warnings_watch(server->warnings, server->http);
	if (r == OK && server->settings->public_url == NULL)
		snprintf(server->public_url, sizeof server->public_url, "%s",
			 http_server_url(server->http));
	if (r == OK)
		serve_status_url(server->status, server->public_url);
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
	if (server->stood_by)
		log_write(LOG_INFO, "this server leads now", "node=%s", server->place.node);
	else
		printf("mainstay: listening on %s\n", http_server_url(server->http));
	if (server->http_public != NULL)
		printf("mainstay: status pages on %s\n", http_server_url(server->http_public));
	if (server->offers_link)
		printf("mainstay: sign in at %s/link#%s\n", server->public_url, server->link.token);
	fflush(stdout);
	service_tell("READY=1");
}

static enum err start(struct server *server, struct error *err)
{
	choose_public_url(server);
	struct place_hooks hooks = { committed, stand_by, unled, end_following, server };
	enum err r = place_open(server->settings, server->public_url, &hooks, &server->place, err);
	if (r == ERR_CONFLICT && server->unable.code != OK)
		*err = server->unable;
	if (r != OK)
		return r;
	if (server->front != NULL)
		front_take_over(server->front);
	time_us last = TIME_NONE;
	r = start_nodes(server, err);
	if (r == OK)
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
		r = start_metrics(server, err);
	if (r == OK)
		r = start_sense(server, err);
	if (r == OK)
		r = start_status(server, err);
	if (r == OK)
		r = serve_alerts_start(server->place.alerts, server->writer, &server->place.clock,
				       &server->alerts, err);
	if (r == OK)
		r = start_scrape(server, err);
	if (r == OK)
		r = start_api(server, err);
	if (r == OK)
		r = start_http(server, err);
	if (r == OK)
		r = serve_status_listen(server->settings, &server->place.clock, &server->place.random, server->api,
					&server->http_public, err);
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
	if (server->http_public != NULL)
		http_server_stop(server->http_public, DRAIN_MS);
	if (server->http != NULL)
		http_server_stop(server->http, DRAIN_MS);
	if (server->sense != NULL)
		serve_sense_stop(server->sense);
	if (server->notify != NULL) {
		serve_notify_browsers(server->notify, NULL);
		serve_notify_stop(server->notify);
	}
	hand_client_stop(&server->hand);
	serve_alerts_stop(&server->alerts);
	if (server->writer != NULL && record(server, "stopped", decide_stopped, reason, &err) != OK)
		log_write(LOG_WARNING, "could not record the stop", "reason=\"%s\"", err.text);
	writer_stop(&server->writer);
	serve_sense_destroy(&server->sense);
	serve_notify_destroy(&server->notify);
	http_server_destroy(&server->http_public);
	http_server_destroy(&server->http);
	serve_status_stop(&server->status);
	struct api *api = server->api;
	__atomic_store_n(&server->api, NULL, __ATOMIC_RELEASE);
	api_destroy(&api);
	warnings_destroy(&server->warnings);
	serve_scrape_stop(&server->scrape);
	serve_check_series_stop(&server->check_series);
	serve_metrics_stop(&server->metrics);
	front_destroy(&server->front);
	nodes_stop(&server->nodes);
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
/* Somebody may have made a backup beside us (backup.h): the record is to know of it. */
static void take_receipt(struct server *server)
{
	cleanup_arena struct arena arena;
	struct journal_backup backup;
	struct error err = { 0 };
	bool found;
	arena_init(&arena, 0);
	enum err r = backup_receipt_get(server->settings->data, &arena, &found, &backup, &err);
	if (r == OK && found)
		r = record(server, "backup_made", journal_backup_made_decide, &backup, &err);
	if (r != OK && r != ERR_CONFLICT)
		log_write(LOG_WARNING, "could not record a backup", "reason=\"%s\"", err.text);
	if (found && (r == OK || r == ERR_CONFLICT))
		backup_receipt_remove(server->settings->data);
}

static enum err decide_nothing(struct decision *d, const void *args, struct error *err)
{
	(void)d, (void)args, (void)err;
	return OK;
}

/* A writer that hangs keeps this thread here, the beat stops, and the service manager starts us anew. A disk
 * that is full answers, and is no reason to. */
static void tell_alive(struct server *server)
{
	struct error err;
	record(server, "beat", decide_nothing, NULL, &err);
	service_tell("WATCHDOG=1");
}

static const char *wait_for_end(struct server *server, const sigset_t *set)
{
	for (;;) {
		struct timespec beat = { HEARTBEAT_S, 0 };
		int number = sigtimedwait(set, NULL, &beat);
		if (number == SIGTERM || number == SIGINT)
			return number == SIGTERM ? "SIGTERM" : "SIGINT";
		if (number == SIGUSR2)
			return LOST_LEAD;
		if (number == SIGHUP) {
			reload_tls(server);
			serve_scrape_reload(server->scrape);
		}
		api_heartbeat(server->api);
		warnings_tick(server->warnings);
		trouble_tick(server->place.trouble);
		take_receipt(server);
		memory_give_back();
		tell_alive(server);
	}
}

/* ---- without a store ---- */

static bool store_is_back(const struct settings *settings)
{
	struct store *store;
	struct store_conn *conn;
	int64_t seq;
	time_us at;
	if (place_open_store(settings, &store, NULL) != OK)
		return false;
	enum err r = store_connect(store, true, &conn, NULL);
	if (r == OK) {
		r = journal_last(conn, &seq, &at, NULL);
		store_disconnect(&conn);
	}
	store_close(&store);
	return r == OK;
}

static bool wait_for_signal(void *context, time_us span)
{
	const sigset_t *set = context;
	struct timespec time = { span / TIME_SECOND, (span % TIME_SECOND) * 1000 };
	int number = sigtimedwait(set, NULL, &time);
	return number == SIGTERM || number == SIGINT;
}

static bool is_store_gone(enum err r)
{
	return r == ERR_UNAVAILABLE || r == ERR_IO || r == ERR_CORRUPT;
}

/* Whoever depends on us reads the status page first when we are in trouble: so it is served before
 * anything else works, and the rest follows when the store is back. */
static enum err start_when_possible(struct server *server, struct error *err)
{
	const struct settings *settings = server->settings;
	sigset_t signals = server->signals;
	enum err r = start(server, err);
	while (is_store_gone(r) && server->place.world == NULL) {
		int control = server->control;
		fprintf(stderr, "mainstay: %s\n", err->text);
		stop(server, err->text);
		*server = (struct server){ .settings = settings, .control = control, .signals = signals,
					   .place = { .lock = -1 } };
		switch (serve_status_alone(settings, store_is_back, wait_for_signal, &signals)) {
		case ALONE_NOTHING: return r;
		case ALONE_ENDED: return ERR_CANCELLED;
		case ALONE_BACK: break;
		}
		r = start(server, err);
	}
	return r;
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
	memory_bound();
	enum err r = start_when_possible(server, &err);
	if (r == OK) {
		const char *why = wait_for_end(server, &server->signals);
		log_write(LOG_INFO, "stopping", "signal=%s", why);
		service_tell("STOPPING=1");
		stop(server, why);
		status = strcmp(why, LOST_LEAD) == 0 ? SUPERVISED_AGAIN : 0;
	} else if (server->told_to_end) {
		stop(server, "told to end");
		status = 0;
	} else if (r == ERR_CANCELLED) {
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
