/* serve_sense_load.c: which checks there are, as the world says. See serve_sense_priv.h. */
#include "main/serve_sense_priv.h"

#include <assert.h>
#include <stdio.h>

#include "alert/alert.h"
#include "base/log.h"
#include "monitor/monitor_beat.h"
#include "monitor/monitor_plan.h"
#include "resource/definition.h"
#include "sys/loop.h"
#include "wire/doc_json.h"

#define LOAD_SLICE 200u /* checks, then other work of the loop has its turn */
#define READ_ARENA_BYTES (64u << 20)
#define MUTES_MAX 1000u

/* ---- one check ---- */

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

void load_state(struct serve_sense *s, struct entry *entry)
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

/* The wall's instants as time since boot, so that a clock that is set misses nobody. */
static void take_beat(struct serve_sense *s, struct entry *entry, const struct monitor_beat *heard,
		      time_us made)
{
	time_us shift = clock_wall(s->options.clock) - clock_since_boot(s->options.clock);
	struct probe_beat beat = {
		.made = made - shift, .heard = heard->at != TIME_NONE, .was_well = heard->ok_at > 0,
		.runs = heard->started_at > 0, .at = heard->at - shift, .ok_at = heard->ok_at - shift,
		.started_at = heard->started_at - shift, .took = heard->took, .failed = heard->failed,
		.exit_code = (int)heard->exit_code,
	};
	snprintf(beat.said, sizeof beat.said, STR_FMT, STR_ARG(heard->said));
	entry->has_address = made != TIME_NONE;
	entry->beat = beat;
}

void load_beat(struct serve_sense *s, struct entry *entry)
{
	struct arena arena;
	struct monitor_beat heard;
	struct error err;
	time_us made;
	arena_init(&arena, READ_ARENA_BYTES);
	enum err r = monitor_address_made(s->conn, str_of(entry->name), &made, &err);
	if (r == OK)
		r = monitor_beat_get(s->conn, str_of(entry->name), &arena, &heard, &err);
	if (r == OK)
		take_beat(s, entry, &heard, made);
	else
		log_write(LOG_WARNING, "could not read the calls of a heartbeat", "check=%s error=\"%s\"",
			  entry->name, err.text);
	arena_finish(&arena);
}

void load_called(struct serve_sense *s, struct str name)
{
	struct entry *entry = book_find(s, name);
	if (entry == NULL)
		return;
	load_beat(s, entry);
	sense_run(s->sense, entry->name);
}

static void forget(struct serve_sense *s, struct str name)
{
	char text[MONITOR_NAME_BYTES];
	if (book_find(s, name) == NULL)
		return;
	snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
	sense_remove(s->sense, text);
	book_remove(s, name);
	serve_check_series_end(s->options.series, text, clock_wall(s->options.clock));
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
	entry->kind = spec.kind;
	entry->seen = s->load;
	entry->revision = definition->revision;
	entry->updated = definition->updated;
	entry->told = before.status;
	entry->told_flapping = stored.flapping;
	spec.paused = spec.paused || entry->told == CHECK_PAUSED;
	if (spec.kind == &check_heartbeat)
		load_beat(s, entry);
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
void load_check(struct serve_sense *s, struct str name)
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

void load_slice(void *context)
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

void load_all(struct serve_sense *s)
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

void load_mutes(struct serve_sense *s)
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
