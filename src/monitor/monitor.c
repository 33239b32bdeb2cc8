/* monitor.c: deciding what the sense loop and people say about checks. See monitor.h. */
#include "monitor/monitor.h"

#include "monitor/monitor_beat.h"
#include "resource/definition.h"

enum err monitor_change_decide(struct decision *d, const void *args, struct error *err)
{
	const struct monitor_change *change = args;
	struct definition definition;
	struct monitor_state state;
	enum err r = definition_get(d->conn, STR(MONITOR_CHECK), change->check, d->arena, &definition,
				    err);
	if (r == OK)
		r = monitor_state_get(d->conn, change->check, d->arena, &state, err);
	if (r != OK)
		return r;
	if (str_is(state.state, "paused"))
		return error_set(err, ERR_CONFLICT, "check \"" STR_FMT "\" is paused",
				 STR_ARG(change->check));
	if (str_eq(state.state, change->to) && state.flapping == change->flapping)
		return OK;
	struct event_check_changed changed = {
		.check = change->check,
		.from = state.state,
		.to = change->to,
		.reason = change->reason,
		.latency = change->latency,
		.since = change->since,
		.flapping = change->flapping,
	};
	decision_emit(d, EVENT_CHECK_CHANGED, 0, &changed);
	return OK;
}

static enum err state_of_defined(struct decision *d, struct str check, struct monitor_state *ret_state,
				 struct error *err)
{
	struct definition definition;
	enum err r = definition_get(d->conn, STR(MONITOR_CHECK), check, d->arena, &definition, err);
	return r == OK ? monitor_state_get(d->conn, check, d->arena, ret_state, err) : r;
}

enum err monitor_pause_decide(struct decision *d, const void *args, struct error *err)
{
	const struct monitor_pause *pause = args;
	struct monitor_state state;
	enum err r = state_of_defined(d, pause->check, &state, err);
	if (r != OK)
		return r;
	if (str_is(state.state, "paused"))
		return error_set(err, ERR_CONFLICT, "check \"" STR_FMT "\" is already paused",
				 STR_ARG(pause->check));
	struct event_check_paused paused = { .check = pause->check, .reason = pause->reason };
	decision_emit(d, EVENT_CHECK_PAUSED, 0, &paused);
	return OK;
}

enum err monitor_resume_decide(struct decision *d, const void *args, struct error *err)
{
	const struct monitor_pause *resume = args;
	struct monitor_state state;
	enum err r = state_of_defined(d, resume->check, &state, err);
	if (r != OK)
		return r;
	if (!str_is(state.state, "paused"))
		return error_set(err, ERR_CONFLICT, "check \"" STR_FMT "\" is not paused",
				 STR_ARG(resume->check));
	struct event_check_resumed resumed = { .check = resume->check };
	decision_emit(d, EVENT_CHECK_RESUMED, 0, &resumed);
	return OK;
}

/* A new check of that name must not be called by the old one's address. */
static enum err forget_beat(struct store_conn *conn, const void *args, struct error *err)
{
	const struct event_definition_deleted *e = args;
	return monitor_beat_forget(conn, e->name, err);
}

enum err monitor_on_deleted(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_definition_deleted *e = event->payload;
	struct monitor_state state;
	if (!str_is(e->kind, MONITOR_CHECK))
		return OK;
	decision_work(d, forget_beat, e);
	enum err r = monitor_state_get(d->conn, e->name, d->arena, &state, err);
	if (r != OK)
		return r;
	struct event_check_changed removed = {
		.check = e->name,
		.from = state.state,
		.to = STR("removed"),
		.reason = STR("the check was deleted"),
		.since = d->now,
	};
	decision_emit(d, EVENT_CHECK_CHANGED, 0, &removed);
	return OK;
}
