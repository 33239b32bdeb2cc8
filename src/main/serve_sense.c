/* serve_sense.c: the loop, its thread, and words from other threads. See serve_sense.h. */
#include "main/serve_sense_priv.h"

#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "monitor/monitor_plan.h"
#include "sys/entropy.h"
#include "sys/loop.h"
#include "wire/ping.h"

#define TICK TIME_SECOND
#define TICKS_PER_FLUSH ((unsigned)(SERVE_SENSE_FLUSH / TICK))

/* ---- from the sense loop ---- */

static void plan_entry(struct serve_sense *s, struct entry *entry, const struct check_state *state)
{
	time_us now = clock_since_boot(s->options.clock);
	time_us next = plan_next(str_of(entry->name), entry->interval, now);
	if (state->status == CHECK_FAILING)
		next = plan_quick(next, entry->interval, now);
	pthread_mutex_lock(&s->lock);
	entry->paused = state->status == CHECK_PAUSED;
	entry->next_boot = entry->paused ? 0 : next;
	pthread_mutex_unlock(&s->lock);
}

static void on_result(void *context, const char *name, const struct check_result *result,
		      const struct check_state *state, const struct check_transition *transition)
{
	struct serve_sense *s = context;
	struct entry *entry = book_find(s, str_of(name));
	if (entry == NULL)
		return;
	bool by_person = transition != NULL &&
			 (transition->from == CHECK_PAUSED || transition->to == CHECK_PAUSED);
	plan_entry(s, entry, state);
	if (by_person) {
		serve_check_series_end(s->options.series, name, clock_wall(s->options.clock));
	} else {
		book_add(s, entry, result);
		serve_check_series_look(s->options.series, name, entry->service, entry->kind, result);
	}
	if (transition != NULL)
		tell_news(s, entry, transition);
}

static void on_row(void *context, const char *name, enum rollup_step step,
		   const struct rollup_bucket *bucket)
{
	tell_row(context, name, step, bucket);
}

/* ---- words from other threads ---- */

struct inbox {
	struct named *names;
	struct telling *told;
	struct flushing *flushed;
	bool reload, mutes_changed, secrets_changed;
};

static struct inbox inbox_take(struct serve_sense *s)
{
	pthread_mutex_lock(&s->lock);
	struct inbox inbox = { s->names, s->told, s->flushed, s->reload, s->mutes_changed, s->secrets_changed };
	s->names = NULL;
	s->names_count = 0;
	s->told = NULL;
	s->flushed = NULL;
	s->reload = s->mutes_changed = s->secrets_changed = s->posted = false;
	pthread_mutex_unlock(&s->lock);
	return inbox;
}

static void on_inbox(void *context)
{
	struct serve_sense *s = context;
	if (s->sense == NULL)
		return; /* it is being destroyed, which frees what came late */
	struct inbox inbox = inbox_take(s);
	if (inbox.secrets_changed)
		secret_forget_all(s);
	while (inbox.told != NULL) {
		struct telling *next = inbox.told->next;
		tell_done(s, inbox.told);
		inbox.told = next;
	}
	if (inbox.flushed != NULL)
		tell_flushed(s, inbox.flushed);
	while (inbox.names != NULL) {
		struct named *next = inbox.names->next;
		if (inbox.names->beat)
			load_called(s, str_of(inbox.names->name));
		else if (!inbox.reload)
			load_check(s, str_of(inbox.names->name));
		mem_free(inbox.names);
		inbox.names = next;
	}
	if (inbox.reload)
		load_all(s);
	if (inbox.mutes_changed)
		load_mutes(s);
	pthread_cond_broadcast(&s->changed); /* a check may be known now */
}

/* Only one post is on its way; when the loop takes none, the next tick looks. */
void serve_sense_wake(struct serve_sense *s)
{
	if (!s->posted && !s->closed)
		s->posted = loop_post(s->loop, on_inbox, s) == OK;
}

void serve_sense_name(struct serve_sense *s, struct str name, bool beat)
{
	if (s->names_count >= SERVE_SENSE_NAMES_MAX || name.len >= MONITOR_NAME_BYTES) {
		s->reload = true;
		return;
	}
	struct named *named = mem_alloc(sizeof *named);
	snprintf(named->name, sizeof named->name, STR_FMT, STR_ARG(name));
	named->beat = beat;
	named->next = s->names;
	s->names = named;
	s->names_count++;
}

static void note_event(struct serve_sense *s, const struct event *event)
{
	const struct event_definition_put *put = event->payload;
	const struct event_definition_deleted *deleted = event->payload;
	const struct event_check_paused *paused = event->payload;
	const struct event_check_resumed *resumed = event->payload;
	const struct event_check_address_made *made = event->payload;
	if (event->payload == NULL)
		return;
	if (event->kind == EVENT_DEFINITION_PUT && str_is(put->kind, MONITOR_CHECK))
		serve_sense_name(s, put->name, false);
	else if (event->kind == EVENT_DEFINITION_DELETED && str_is(deleted->kind, MONITOR_CHECK))
		serve_sense_name(s, deleted->name, false);
	else if (event->kind == EVENT_CHECK_ADDRESS_MADE)
		serve_sense_name(s, made->check, true);
	else if (event->kind == EVENT_CHECK_PAUSED)
		serve_sense_name(s, paused->check, false);
	else if (event->kind == EVENT_CHECK_RESUMED)
		serve_sense_name(s, resumed->check, false);
	else if (event->kind == EVENT_SECRET_PUT || event->kind == EVENT_SECRET_REMOVED)
		s->secrets_changed = true;
	else if (event->kind == EVENT_MUTE_STARTED || event->kind == EVENT_MUTE_ENDED)
		s->mutes_changed = true;
}

void serve_sense_committed(void *context, const struct event *const *events, size_t count)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count && !s->closed; i++)
		note_event(s, events[i]);
	if (s->names != NULL || s->reload || s->mutes_changed || s->secrets_changed)
		serve_sense_wake(s);
	pthread_mutex_unlock(&s->lock);
}

/* ---- time ---- */

/* Open buckets are given out in parts, so that pictures are fresh and no tick is heavy, however many
 * checks there are. */
static void flush_part(struct serve_sense *s)
{
	unsigned parts = 1 + s->count / 500;
	sense_flush(s->sense, s->ticks / TICKS_PER_FLUSH % parts, parts);
	tell_flush(s);
}

static void on_tick(void *context)
{
	struct serve_sense *s = context;
	on_inbox(s);
	if (s->share != NULL)
		serve_share_tick(s->share);
	if (s->retell)
		tell_again(s);
	if (++s->ticks % TICKS_PER_FLUSH == 0)
		flush_part(s);
	loop_timer_start(s->tick, TICK);
}

/* ---- life ---- */

static bool find_beat(void *context, const char *check, struct probe_beat *ret_beat)
{
	struct serve_sense *s = context;
	const struct entry *entry = book_find(s, str_of(check));
	if (entry == NULL || !entry->has_address)
		return false;
	*ret_beat = entry->beat;
	ret_beat->listening = s->began;
	return true;
}

static int64_t revision_of(void *context, const char *check)
{
	const struct entry *entry = book_find(context, str_of(check));
	return entry != NULL ? entry->revision : 0;
}

static void open_share(struct serve_sense *s)
{
	struct serve_share_options options = {
		.nodes = s->options.nodes,
		.seal_key = s->options.seal_key,
		.tools = &s->tools,
		.revision = revision_of,
		.context = s,
	};
	if (s->options.nodes == NULL)
		return;
	s->share = serve_share_create(&options);
	s->tools.share = serve_share_probe(s->share);
}

static enum err open_tools(struct serve_sense *s, struct error *err)
{
	struct http_client_options options = {
		.policy = egress_policy_checks(),
		.ca_file = s->options.ca_file,
	};
	enum err r = resolve_create(s->loop, NULL, &s->resolve, err);
	if (r == OK)
		r = http_client_create(s->loop, s->options.clock, s->resolve, &options, &s->http, err);
	if (r == OK)
		r = store_connect(world_store(s->options.world), true, &s->conn, err);
	if (r != OK)
		return r;
	s->tools = (struct probe_tools){
		.loop = s->loop,
		.clock = s->options.clock,
		.resolve = s->resolve,
		.http = s->http,
		.trust = http_client_trust(s->http),
		.policy = http_client_policy(s->http),
		.random = &s->random,
		.hand = s->options.hand,
		.beats = &s->beats,
		.secrets = &s->probe_secrets,
		.ca_file = s->options.ca_file,
	};
	s->probe_secrets = secret_tools(s);
	s->beats = (struct probe_beats){ .context = s, .find = find_beat };
	s->began = clock_since_boot(s->options.clock);
	entropy_init(&s->random);
	s->ping = s->tools.ping = ping_create(s->loop, s->options.clock, s->resolve, &s->random,
					      s->tools.policy);
	open_share(s);
	return OK;
}

static void *run(void *context)
{
	struct serve_sense *s = context;
	loop_run(s->loop);
	return NULL;
}

static struct serve_sense *create(const struct serve_sense_options *options)
{
	struct serve_sense *s = mem_alloc(sizeof *s);
	pthread_condattr_t attributes;
	s->options = *options;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&s->lock, NULL);
	s->loop = loop_create();
	ask_init(s);
	return s;
}

/* ---- the end ---- */

/* Discoveries lean on the tools: their end, which their own time-outs bound, is waited for. */
void serve_sense_stop_when_quiet(struct serve_sense *s)
{
	if (s->stopping && s->discoveries == 0)
		loop_stop(s->loop);
}

static void on_stop(void *context)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	serve_sense_stop_when_quiet(s);
}

/* No thread runs any more: what is open goes to the writer, what comes later finds it closed. */
static void close_down(struct serve_sense *s)
{
	loop_timer_destroy(&s->tick);
	loop_timer_destroy(&s->load_timer);
	on_inbox(s);
	sense_destroy(&s->sense);
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_mutex_unlock(&s->lock);
	s->flushing = false;
	tell_flush(s);
}

void serve_sense_stop(struct serve_sense *s)
{
	/* The loop may be behind and take no post; a moment later it will. */
	while (loop_post(s->loop, on_stop, s) != OK)
		sched_yield();
	pthread_join(s->thread, NULL);
	close_down(s);
}

static void free_inbox(struct serve_sense *s)
{
	struct inbox inbox = inbox_take(s);
	while (inbox.told != NULL) {
		struct telling *next = inbox.told->next;
		mem_free(inbox.told);
		inbox.told = next;
	}
	while (inbox.names != NULL) {
		struct named *next = inbox.names->next;
		mem_free(inbox.names);
		inbox.names = next;
	}
	if (inbox.flushed != NULL)
		tell_flushed_free(inbox.flushed);
}

void serve_sense_destroy(struct serve_sense **pointer)
{
	struct serve_sense *s = *pointer;
	if (s == NULL)
		return;
	*pointer = NULL;
	assert(s->closed);
	assert(s->sense == NULL);
	free_inbox(s);
	serve_share_destroy(&s->share);
	secret_forget_all(s);
	ping_destroy(&s->ping);
	http_client_destroy(&s->http);
	resolve_destroy(&s->resolve);
	loop_destroy(&s->loop);
	store_disconnect(&s->conn);
	book_finish(s);
	mem_free(s->rows);
	mem_free(s->found);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

enum err serve_sense_start(const struct serve_sense_options *options,
			   struct serve_sense **ret_serve_sense, struct error *err)
{
	struct serve_sense *s = create(options);
	struct sense_listener listener = { .context = s, .result = on_result, .row = on_row };
	enum err r = open_tools(s, err);
	if (r != OK) {
		s->closed = true;
		serve_sense_destroy(&s);
		return r;
	}
	s->sense = sense_create(&s->tools, &listener);
	s->load_timer = loop_timer_create(s->loop, load_slice, s);
	s->tick = loop_timer_create(s->loop, on_tick, s);
	loop_timer_start(s->tick, TICK);
	load_all(s);
	int failed = pthread_create(&s->thread, NULL, run, s);
	if (failed != 0) {
		r = error_set(err, ERR_UNAVAILABLE, "could not start the sense loop: %s",
			      strerror(failed));
		close_down(s);
		serve_sense_destroy(&s);
		return r;
	}
	*ret_serve_sense = s;
	return OK;
}
