/* monitor_beat.c: see monitor_beat.h. */
#include "monitor/monitor_beat.h"

#include <assert.h>

#include "monitor/monitor.h"
#include "resource/definition.h"
#include "wire/doc_json.h"

struct address_work {
	struct str check;
	unsigned char hash[GUARD_HASH_BYTES];
	time_us made;
};

static enum err store_address(struct store_conn *conn, const void *args, struct error *err)
{
	const struct address_work *work = args;
	return monitor_address_put(conn, work->check, work->hash, work->made, err);
}

static enum err need_heartbeat(struct decision *d, struct str check, struct error *err)
{
	struct definition definition;
	const struct doc_node *spec;
	enum err r = definition_get(d->conn, STR(MONITOR_CHECK), check, d->arena, &definition, err);
	if (r == OK)
		r = doc_json_parse(definition.spec, d->arena, DOC_LIMITS_DEFAULT, NULL, &spec, err);
	if (r == OK && !str_is(doc_text(doc_get(spec, "kind"), ""), "heartbeat"))
		r = error_set(err, ERR_CONFLICT, "check \"" STR_FMT "\" is no heartbeat: nobody calls it",
			      STR_ARG(check));
	return r;
}

enum err monitor_address_decide(struct decision *d, const void *args, struct error *err)
{
	const struct monitor_address_make *make = args;
	enum err r = need_heartbeat(d, make->check, err);
	if (r != OK)
		return r;
	struct address_work *work = arena_new(d->arena, struct address_work);
	*work = (struct address_work){ .check = make->check, .made = d->now };
	guard_beat_make(d->random, make->ret_secret);
	bool whole = guard_beat_hash(str_of(make->ret_secret), work->hash);
	assert(whole);
	struct event_check_address_made made = { .check = make->check };
	decision_emit(d, EVENT_CHECK_ADDRESS_MADE, 0, &made);
	decision_work(d, store_address, work);
	return OK;
}

/* ---- calls ---- */

struct beat_work {
	struct str check;
	struct monitor_beat beat;
};

static enum err store_beat(struct store_conn *conn, const void *args, struct error *err)
{
	const struct beat_work *work = args;
	return monitor_beat_put(conn, work->check, &work->beat, err);
}

static void note(struct monitor_beat *beat, const struct monitor_beat_call *call, time_us now)
{
	beat->at = now;
	if (call->state == MONITOR_BEAT_START) {
		beat->started_at = now;
		return;
	}
	bool known = beat->started_at > 0 && now > beat->started_at;
	beat->took = known ? now - beat->started_at : 0;
	beat->started_at = 0;
	beat->failed = call->state == MONITOR_BEAT_FAIL;
	beat->exit_code = call->exit_code;
	beat->said = call->said;
	if (!beat->failed)
		beat->ok_at = now;
}

enum err monitor_beat_decide(struct decision *d, const void *args, struct error *err)
{
	const struct monitor_beat_call *call = args;
	struct beat_work *work = arena_new(d->arena, struct beat_work);
	work->check = call->check;
	enum err r = monitor_beat_get(d->conn, call->check, d->arena, &work->beat, err);
	if (r != OK)
		return r;
	note(&work->beat, call, d->now);
	work->beat.said = arena_str(d->arena, str_sub(work->beat.said, 0, MONITOR_BEAT_SAID_BYTES - 1));
	decision_work(d, store_beat, work);
	return OK;
}
