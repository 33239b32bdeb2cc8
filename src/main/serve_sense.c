/* serve_sense.c: the loop, its thread, and which checks there are. See serve_sense.h. */
#include "main/serve_sense_priv.h"

#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/log.h"
#include "base/mem.h"
#include "monitor/monitor_plan.h"
#include "resource/definition.h"
#include "sys/loop.h"
#include "wire/doc_json.h"

#define TICK TIME_SECOND
#define TICKS_PER_FLUSH ((unsigned)(SERVE_SENSE_FLUSH / TICK))
#define LOAD_SLICE 200u /* checks, then other work of the loop has its turn */
#define READ_ARENA_BYTES (64u << 20)
#define MUTES_MAX 1000u

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
	if (!by_person)
		book_add(s, entry, result);
	if (transition != NULL)
		tell_news(s, entry, transition);
}

static void on_row(void *context, const char *name, enum rollup_step step,
		   const struct rollup_bucket *bucket)
{
	tell_row(context, name, step, bucket);
}

/* ---- which checks there are ---- */

/* What is known of a check from before: where it was, without what was counted. */
static struct check_state state_from_before(struct serve_sense *s, const struct check_spec *spec,
					    const struct monitor_state *stored)
{
	time_us boot = clock_since_boot(s->options.clock), wall = clock_wall(s->options.clock);
	time_us lasted = wall > stored->since ? wall - stored->since : 0;
	struct check_state state = {
		.status = tell_status_of(stored->state),
		.since_wall = stored->since,
		.since_boot = boot > lasted ? boot - lasted : 1,
		.flapping = stored->flapping,
	};
	state.hard = state.status;
	state.is_slow = state.status == CHECK_DEGRADED;
	if (state.status == CHECK_DOWN) {
		state.bad = spec->rules.fail_after;
		state.bad_boot = state.since_boot;
	}
	check_state_assert(&state);
	return state;
}

void serve_sense_read_state(struct serve_sense *s, struct entry *entry)
{
	struct arena arena;
	struct monitor_state stored;
	struct error err;
	arena_init(&arena, READ_ARENA_BYTES);
	if (monitor_state_get(s->conn, str_of(entry->name), &arena, &stored, &err) == OK) {
		entry->told = tell_status_of(stored.state);
		entry->told_flapping = stored.flapping;
	} else {
		log_write(LOG_WARNING, "could not read the state of a check", "check=%s error=\"%s\"",
			  entry->name, err.text);
	}
	arena_finish(&arena);
}

static void forget(struct serve_sense *s, struct str name)
{
	char text[MONITOR_NAME_BYTES];
	if (book_find(s, name) == NULL)
		return;
	snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
	sense_remove(s->sense, text);
	book_remove(s, name);
}

static void enter(struct serve_sense *s, struct entry *entry, struct check_spec *spec)
{
	time_us now = clock_since_boot(s->options.clock);
	pthread_mutex_lock(&s->lock);
	entry->interval = spec->interval;
	entry->timeout = spec->timeout;
	entry->paused = spec->paused;
	entry->next_boot =
		spec->paused ? 0 : plan_first(str_of(entry->name), spec->interval, now);
	pthread_mutex_unlock(&s->lock);
}

static void set_muted(struct serve_sense *s, struct entry *entry, bool muted)
{
	if (entry->muted == muted)
		return;
	entry->muted = muted;
	sense_mute(s->sense, entry->name, muted);
}

static void set_paused(struct serve_sense *s, struct entry *entry, bool paused)
{
	if (entry->paused == paused)
		return;
	if (paused)
		sense_pause(s->sense, entry->name, "paused by a person");
	else
		sense_resume(s->sense, entry->name, "resumed");
}

/* Takes a definition and the stored state over: runs it, pauses it, mutes it, as they say. */
static enum err take(struct serve_sense *s, const struct definition *definition, struct arena *arena,
		     struct error *err)
{
	const struct doc_node *doc;
	struct check_spec spec;
	struct monitor_state stored;
	time_us muted_until = TIME_NONE;
	struct entry *known = book_find(s, definition->name);
	enum err r = doc_json_parse(definition->spec, arena, DOC_LIMITS_DEFAULT, NULL, &doc, err);
	if (r == OK)
		r = monitor_state_get(s->conn, definition->name, arena, &stored, err);
	struct str service = doc_text(r == OK ? doc_get(doc, "service") : NULL, "");
	if (r == OK)
		r = alert_muted_until(s->conn, definition->name, service, &muted_until, err);
	if (r == OK)
		r = monitor_spec_read(definition->name, doc, &spec, err);
	if (r != OK)
		return r;
	struct check_state before = state_from_before(s, &spec, &stored);
	struct entry *entry = book_put(s, definition->name);
	bool changed = known == NULL || entry->revision != definition->revision ||
		       entry->updated != definition->updated;
	snprintf(entry->service, sizeof entry->service, STR_FMT, STR_ARG(service));
	entry->seen = s->load;
	entry->revision = definition->revision;
	entry->updated = definition->updated;
	entry->told = before.status;
	entry->told_flapping = stored.flapping;
	spec.paused = spec.paused || entry->told == CHECK_PAUSED;
	if (changed) {
		enter(s, entry, &spec);
		sense_set(s->sense, &spec, known == NULL ? &before : NULL);
	} else {
		set_paused(s, entry, spec.paused);
		monitor_spec_finish(&spec);
	}
	set_muted(s, entry, muted_until > clock_wall(s->options.clock));
	return OK;
}

/* One check that was spoken of: as it stands in the store now. */
static void read_anew(struct serve_sense *s, struct str name)
{
	struct arena arena;
	struct definition definition;
	struct error err;
	arena_init(&arena, READ_ARENA_BYTES);
	enum err r = definition_get(s->conn, STR(MONITOR_CHECK), name, &arena, &definition, &err);
	if (r == ERR_NOT_FOUND)
		forget(s, name);
	else if (r == OK)
		r = take(s, &definition, &arena, &err);
	if (r != OK && r != ERR_NOT_FOUND)
		log_write(LOG_ERROR, "could not take a check over", "check=" STR_FMT " error=\"%s\"",
			  STR_ARG(name), err.text);
	arena_finish(&arena);
}

/* ---- all of them: at start, and when too many were spoken of ---- */

struct slice {
	struct serve_sense *s;
	struct arena *arena;
	unsigned count;
};

static bool load_one(void *context, const struct definition *definition)
{
	struct slice *slice = context;
	struct error err;
	slice->count++;
	snprintf(slice->s->load_after, sizeof slice->s->load_after, STR_FMT,
		 STR_ARG(definition->name));
	if (take(slice->s, definition, slice->arena, &err) != OK)
		log_write(LOG_ERROR, "could not take a check over", "check=" STR_FMT " error=\"%s\"",
			  STR_ARG(definition->name), err.text);
	return true;
}

static void forget_unseen(struct serve_sense *s)
{
	for (unsigned i = 0; i < BOOK_BUCKETS; i++) {
		struct entry *entry = s->table[i];
		while (entry != NULL) {
			struct entry *next = entry->next;
			if (entry->seen != s->load)
				forget(s, str_of(entry->name));
			entry = next;
		}
	}
}

static void load_slice(void *context)
{
	struct serve_sense *s = context;
	struct arena arena;
	struct error err;
	arena_init(&arena, READ_ARENA_BYTES);
	struct slice slice = { .s = s, .arena = &arena };
	enum err r = definition_list(s->conn, STR(MONITOR_CHECK), STR_NONE, str_of(s->load_after),
				     LOAD_SLICE, &arena, load_one, &slice, &err);
	arena_finish(&arena);
	if (r == OK && slice.count == LOAD_SLICE) {
		loop_timer_start(s->load_timer, 0);
		return;
	}
	s->loading = false;
	if (r == OK) {
		forget_unseen(s);
		return;
	}
	log_write(LOG_ERROR, "could not read the checks; it is tried again", "error=\"%s\"", err.text);
	pthread_mutex_lock(&s->lock);
	s->reload = true;
	pthread_mutex_unlock(&s->lock);
}

static void load_begin(struct serve_sense *s)
{
	s->loading = true;
	s->load++;
	s->load_after[0] = '\0';
	loop_timer_start(s->load_timer, 0);
}

/* ---- mutes ---- */

struct mutes {
	struct alert_mute rows[MUTES_MAX];
	size_t count;
};

static bool keep_mute(void *context, const struct alert_mute *mute)
{
	struct mutes *mutes = context;
	mutes->rows[mutes->count++] = *mute;
	return mutes->count < MUTES_MAX;
}

static bool covers(const struct alert_mute *mute, const struct entry *entry)
{
	if (str_is(mute->kind, "all"))
		return true;
	return str_is(mute->target, str_is(mute->kind, "check") ? entry->name : entry->service);
}

static void mute_all(struct serve_sense *s)
{
	struct arena arena;
	struct error err;
	arena_init(&arena, READ_ARENA_BYTES);
	struct mutes *mutes = arena_new(&arena, struct mutes);
	enum err r = alert_list_mutes(s->conn, true, MUTES_MAX, &arena, keep_mute, mutes, &err);
	for (unsigned i = 0; r == OK && i < BOOK_BUCKETS; i++) {
		for (struct entry *entry = s->table[i]; entry != NULL; entry = entry->next) {
			bool muted = false;
			for (size_t j = 0; !muted && j < mutes->count; j++)
				muted = covers(&mutes->rows[j], entry);
			set_muted(s, entry, muted);
		}
	}
	if (r != OK)
		log_write(LOG_WARNING, "could not read the mutes", "error=\"%s\"", err.text);
	arena_finish(&arena);
}

/* ---- words from other threads ---- */

struct inbox {
	struct named *names;
	struct telling *told;
	struct flushing *flushed;
	bool reload, mutes_changed;
};

static struct inbox inbox_take(struct serve_sense *s)
{
	pthread_mutex_lock(&s->lock);
	struct inbox inbox = { s->names, s->told, s->flushed, s->reload, s->mutes_changed };
	s->names = NULL;
	s->names_count = 0;
	s->told = NULL;
	s->flushed = NULL;
	s->reload = s->mutes_changed = s->posted = false;
	pthread_mutex_unlock(&s->lock);
	return inbox;
}

static void on_inbox(void *context)
{
	struct serve_sense *s = context;
	if (s->sense == NULL)
		return; /* it is being destroyed, which frees what came late */
	struct inbox inbox = inbox_take(s);
	while (inbox.told != NULL) {
		struct telling *next = inbox.told->next;
		tell_done(s, inbox.told);
		inbox.told = next;
	}
	if (inbox.flushed != NULL)
		tell_flushed(s, inbox.flushed);
	while (inbox.names != NULL) {
		struct named *next = inbox.names->next;
		if (!inbox.reload)
			read_anew(s, str_of(inbox.names->name));
		mem_free(inbox.names);
		inbox.names = next;
	}
	if (inbox.reload)
		load_begin(s);
	if (inbox.mutes_changed)
		mute_all(s);
}

/* Only one post is on its way; when the loop takes none, the next tick looks. */
void serve_sense_wake(struct serve_sense *s)
{
	if (!s->posted && !s->closed)
		s->posted = loop_post(s->loop, on_inbox, s) == OK;
}

static void name_add(struct serve_sense *s, struct str name)
{
	if (s->names_count >= SERVE_SENSE_NAMES_MAX || name.len >= MONITOR_NAME_BYTES) {
		s->reload = true;
		return;
	}
	struct named *named = mem_alloc(sizeof *named);
	snprintf(named->name, sizeof named->name, STR_FMT, STR_ARG(name));
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
	if (event->payload == NULL)
		return;
	if (event->kind == EVENT_DEFINITION_PUT && str_is(put->kind, MONITOR_CHECK))
		name_add(s, put->name);
	else if (event->kind == EVENT_DEFINITION_DELETED && str_is(deleted->kind, MONITOR_CHECK))
		name_add(s, deleted->name);
	else if (event->kind == EVENT_CHECK_PAUSED)
		name_add(s, paused->check);
	else if (event->kind == EVENT_CHECK_RESUMED)
		name_add(s, resumed->check);
	else if (event->kind == EVENT_MUTE_STARTED || event->kind == EVENT_MUTE_ENDED)
		s->mutes_changed = true;
}

void serve_sense_committed(void *context, const struct event *const *events, size_t count)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count && !s->closed; i++)
		note_event(s, events[i]);
	if (s->names != NULL || s->reload || s->mutes_changed)
		serve_sense_wake(s);
	pthread_mutex_unlock(&s->lock);
}

/* ---- time ---- */

/* Open buckets are given out in parts, so that pictures are a minute old at most (more when there are
 * many checks) and no tick is heavy. */
static void flush_part(struct serve_sense *s)
{
	unsigned parts = 6 + s->count / 1000;
	sense_flush(s->sense, s->ticks / TICKS_PER_FLUSH % parts, parts);
	tell_flush(s);
}

static void on_tick(void *context)
{
	struct serve_sense *s = context;
	on_inbox(s);
	if (s->retell)
		tell_again(s);
	if (++s->ticks % TICKS_PER_FLUSH == 0)
		flush_part(s);
	loop_timer_start(s->tick, TICK);
}

/* ---- life ---- */

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
	};
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
	http_client_destroy(&s->http);
	resolve_destroy(&s->resolve);
	loop_destroy(&s->loop);
	store_disconnect(&s->conn);
	book_finish(s);
	mem_free(s->rows);
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
	load_begin(s);
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
