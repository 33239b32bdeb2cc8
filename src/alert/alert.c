/* alert.c: what a check's change means for its alert. See alert.h for the states. */
#include "alert/alert_priv.h"

#include <assert.h>

#include "base/buf.h"
#include "resource/definition.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"
#include "wire/json_writer.h"

#define ITEMS_MAX 1000u
#define ITEMS_BYTES_MAX (EVENT_PAYLOAD_BYTES_MAX - 1024) /* of one event */

/* Labels and annotations stand where it fires; what follows says only what has changed. */
static void write_signal(struct json_writer *json, const struct alert *alert)
{
	json_field_text(json, "source", alert->source);
	json_field_text(json, "team", alert->team);
	json_field_text(json, "generator", alert->generator);
	json_field_text(json, "runbook", alert->runbook);
	json_field_int(json, "key_a", (int64_t)alert->key.a);
	json_field_int(json, "key_b", (int64_t)alert->key.b);
	json_field_int(json, "notes", (int64_t)alert->notes);
	json_field_int(json, "ends", alert->ends);
	json_field_int(json, "lease", alert->lease);
	if (alert->labels.len == 0)
		return;
	json_key(json, "labels");
	json_raw(json, alert->labels);
	json_key(json, "annotations");
	json_raw(json, alert->annotations);
}

static void write_item(struct json_writer *json, const struct alert *alert)
{
	json_map_begin(json);
	json_field_int(json, "alert", alert->id);
	json_field_text(json, "name", alert->name);
	json_field_text(json, "fingerprint", alert->fingerprint);
	json_field_text(json, "state", alert->state);
	json_field_text(json, "severity", alert->severity);
	json_field_text(json, "urgency", alert->urgency);
	json_field_text(json, "check", alert->check);
	json_field_text(json, "service", alert->service);
	json_field_text(json, "summary", alert->summary);
	json_field_bool(json, "muted", alert->muted);
	json_field_int(json, "started", alert->started);
	json_field_int(json, "resolved", alert->resolved);
	json_field_int(json, "incident", alert->incident);
	if (alert->lease != 0)
		write_signal(json, alert);
	json_map_end(json);
}

/* What was read of a batch once: whoever applies it and whoever listens ask one after the other. */
struct items {
	struct alert *alerts;
	size_t count;
};

/* As it will be read of what write_item writes: who is told of a batch need not read it again. */
static struct alert as_read(const struct alert *alert)
{
	struct alert read = *alert;
	if (alert->lease != 0)
		return read;
	read.source = STR("check");
	read.team = read.generator = read.runbook = read.labels = read.annotations = STR_NONE;
	read.key = (struct alert_key){ 0 };
	read.notes = 0;
	read.ends = 0;
	return read;
}

static void emit_some(struct decision *d, const char *source, struct buf *json, const struct items *items)
{
	buf_addc(json, ']');
	assert(!json->full);
	struct event_alert_batch batch = { .source = str_of(source), .items = arena_str(d->arena, buf_str(json)) };
	struct items *memo = arena_new(d->arena, struct items);
	*memo = *items;
	decision_emit_read(d, EVENT_ALERT_BATCH, items->alerts[0].id, &batch, memo);
	buf_reset(json);
}

/* As many in one event as fit; one always does. */
void alert_emit(struct decision *d, const char *source, const struct alert *alerts, size_t count)
{
	cleanup_buf struct buf json, item;
	struct items items = { arena_array(d->arena, struct alert, count), 0 };
	buf_init(&json, EVENT_PAYLOAD_BYTES_MAX);
	buf_init(&item, ITEMS_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct json_writer writer;
		buf_reset(&item);
		json_init(&writer, &item);
		write_item(&writer, &alerts[i]);
		json_finish(&writer);
		assert(!item.full);
		if (json.used > 0 && json.used + item.used > ITEMS_BYTES_MAX) {
			emit_some(d, source, &json, &items);
			items = (struct items){ items.alerts + items.count, 0 };
		}
		items.alerts[items.count++] = as_read(&alerts[i]);
		buf_addc(&json, json.used == 0 ? '[' : ',');
		buf_add(&json, buf_str(&item));
	}
	if (json.used > 0)
		emit_some(d, source, &json, &items);
}

static struct str texts_of(const struct doc_node *map, struct arena *arena)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, EVENT_PAYLOAD_BYTES_MAX);
	if (map == NULL)
		return STR_NONE;
	doc_print_json(map, &buf);
	return arena_str(arena, buf_str(&buf));
}

static void read_signal(const struct doc_node *item, struct alert *alert)
{
	alert->source = doc_text(doc_get(item, "source"), "");
	alert->team = doc_text(doc_get(item, "team"), "");
	alert->generator = doc_text(doc_get(item, "generator"), "");
	alert->runbook = doc_text(doc_get(item, "runbook"), "");
	alert->key.a = (uint64_t)doc_int(doc_get(item, "key_a"), 0);
	alert->key.b = (uint64_t)doc_int(doc_get(item, "key_b"), 0);
	alert->notes = (uint64_t)doc_int(doc_get(item, "notes"), 0);
	alert->ends = doc_int(doc_get(item, "ends"), 0);
	alert->lease = doc_int(doc_get(item, "lease"), 0);
}

static struct alert read_item(const struct doc_node *item)
{
	struct alert alert = {
		.id = doc_int(doc_get(item, "alert"), 0),
		.name = doc_text(doc_get(item, "name"), ""),
		.fingerprint = doc_text(doc_get(item, "fingerprint"), ""),
		.state = doc_text(doc_get(item, "state"), ""),
		.severity = doc_text(doc_get(item, "severity"), ""),
		.urgency = doc_text(doc_get(item, "urgency"), ""),
		.check = doc_text(doc_get(item, "check"), ""),
		.service = doc_text(doc_get(item, "service"), ""),
		.summary = doc_text(doc_get(item, "summary"), ""),
		.muted = doc_bool(doc_get(item, "muted"), false),
		.started = doc_int(doc_get(item, "started"), 0),
		.resolved = doc_int(doc_get(item, "resolved"), 0),
		.incident = doc_int(doc_get(item, "incident"), 0),
		.source = STR("check"),
	};
	if (doc_get(item, "lease") != NULL)
		read_signal(item, &alert);
	return alert;
}

static enum err read_items(const struct event *event, struct arena *arena, bool whole,
			   struct items *ret_items, struct error *err)
{
	const struct event_alert_batch *e = event->payload;
	const struct doc_node *list;
	enum err r = doc_json_parse(e->items, arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	if (r != OK)
		return r;
	size_t count = doc_count(list);
	struct alert *alerts = arena_array(arena, struct alert, count);
	for (size_t i = 0; i < count; i++) {
		const struct doc_node *item = doc_at(list, i);
		alerts[i] = read_item(item);
		if (!whole)
			continue;
		alerts[i].labels = texts_of(doc_get(item, "labels"), arena);
		alerts[i].annotations = texts_of(doc_get(item, "annotations"), arena);
	}
	*ret_items = (struct items){ alerts, count };
	return OK;
}

/* `whole`: with labels and annotations. */
static enum err items_of(const struct event *event, struct arena *arena, bool whole, struct alert **ret_alerts,
			 size_t *ret_count, struct error *err)
{
	struct items read;
	const struct items *items = event->memo;
	enum err r = OK;
	if (items == NULL) {
		r = read_items(event, arena, whole, &read, err);
		items = &read;
	}
	if (r != OK)
		return r;
	*ret_alerts = items->alerts;
	*ret_count = items->count;
	return OK;
}

enum err alert_batch_items(const struct event *event, struct arena *arena,
			   struct alert **ret_alerts, size_t *ret_count, struct error *err)
{
	return items_of(event, arena, false, ret_alerts, ret_count, err);
}

enum err alert_batch_whole(const struct event *event, struct arena *arena, struct alert **ret_alerts,
			   size_t *ret_count, struct error *err)
{
	return items_of(event, arena, true, ret_alerts, ret_count, err);
}

/* ---- from checks ---- */

static bool is_failing(struct str state)
{
	return str_is(state, "down") || str_is(state, "degraded");
}

static enum err is_muted(struct decision *d, struct alert *alert, struct error *err)
{
	time_us until;
	enum err r = alert_muted_until(d->conn, alert->check, alert->service, &until, err);
	if (r == OK)
		alert->muted = until > d->now;
	return r;
}

static enum err fire(struct decision *d, const struct event_check_changed *e, bool found,
		     struct alert *alert, struct error *err)
{
	const struct doc_node *spec;
	enum err r = definition_spec(d->conn, "Check", e->check, d->arena, &spec, err);
	if (r != OK)
		return r;
	if (!found)
		*alert = (struct alert){
			.id = decision_new_id(d, "alert"),
			.name = e->check,
			.fingerprint = arena_printf(d->arena, "check/" STR_FMT, STR_ARG(e->check)),
			.check = e->check,
			.source = STR("check"),
			.started = e->since,
		};
	alert->state = STR("firing");
	alert->service = doc_text(doc_get(spec, "service"), "");
	alert->urgency = doc_text(doc_get(spec, "urgency"), "high");
	alert->severity = str_is(e->to, "down") ? STR("critical") : STR("warning");
	alert->summary = e->reason;
	r = is_muted(d, alert, err);
	if (r == OK)
		alert_emit(d, "check", alert, 1);
	return r;
}

enum err alert_from_check(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_check_changed *e = event->payload;
	struct alert alert;
	bool found;
	enum err r = alert_firing(d->conn, e->check, d->arena, &found, &alert, err);
	if (r != OK)
		return r;
	if (is_failing(e->to))
		return fire(d, e, found, &alert, err);
	if (found) {
		alert.state = STR("resolved");
		alert.resolved = e->since;
		alert_emit(d, "check", &alert, 1);
	}
	return OK;
}

/* Nobody looks any more: what was wrong is no longer known to be. */
enum err alert_after_pause(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_check_paused *e = event->payload;
	struct alert alert;
	bool found;
	enum err r = alert_firing(d->conn, e->check, d->arena, &found, &alert, err);
	if (r != OK || !found)
		return r;
	alert.state = STR("resolved");
	alert.resolved = d->now;
	alert.summary = STR("the check was paused");
	alert_emit(d, "pause", &alert, 1);
	return OK;
}

/* ---- mutes ---- */

static bool target_is_valid(const struct alert_mute_start *start)
{
	if (str_is(start->kind, "all"))
		return start->target.len == 0;
	bool known = str_is(start->kind, "check") || str_is(start->kind, "service");
	return known && str_is_name(start->target);
}

static enum err check_start(struct decision *d, const struct alert_mute_start *start,
			    struct error *err)
{
	if (!target_is_valid(start))
		return error_set(err, ERR_INVALID, "a mute names a check, a service, or all");
	if (start->duration < ALERT_MUTE_LEAST || start->duration > ALERT_MUTE_MOST)
		return error_set(err, ERR_INVALID, "a mute lasts from 15 minutes to 7 days");
	if (str_trim(start->reason).len == 0)
		return error_set(err, ERR_INVALID, "a mute has a reason that others can read");
	if (start->reason.len > ALERT_REASON_BYTES_MAX)
		return error_set(err, ERR_INVALID, "the reason is longer than %u bytes",
				 ALERT_REASON_BYTES_MAX);
	if (str_is(start->kind, "all"))
		return OK;
	struct definition definition;
	struct str kind = str_is(start->kind, "check") ? STR("Check") : STR("Service");
	return definition_get(d->conn, kind, start->target, d->arena, &definition, err);
}

enum err alert_mute_start_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_mute_start *start = args;
	enum err r = check_start(d, start, err);
	if (r != OK)
		return r;
	struct event_mute_started started = {
		.mute = decision_new_id(d, "mute"),
		.target_kind = start->kind,
		.target = start->target,
		.until = d->now + start->duration,
		.reason = start->reason,
	};
	if (start->ret_mute != NULL)
		*start->ret_mute = started.mute;
	decision_emit(d, EVENT_MUTE_STARTED, started.mute, &started);
	return OK;
}

enum err alert_mute_end_decide(struct decision *d, const void *args, struct error *err)
{
	int64_t id = *(const int64_t *)args;
	struct alert_mute mute;
	enum err r = alert_mute_get(d->conn, id, d->arena, &mute, err);
	if (r != OK)
		return r;
	if (mute.ended != TIME_NONE)
		return error_set(err, ERR_CONFLICT, "mute %lld has already ended", (long long)id);
	struct event_mute_ended ended = { .mute = id, .early = true };
	decision_emit(d, EVENT_MUTE_ENDED, id, &ended);
	return OK;
}

enum err alert_mute_due(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)err;
	struct event_mute_ended ended = { .mute = timer->of, .early = false };
	decision_emit(d, EVENT_MUTE_ENDED, timer->of, &ended);
	return OK;
}

struct unmuting {
	struct alert alerts[ITEMS_MAX]; /* of one page of the list */
	size_t count;
	size_t seen;
	int64_t last; /* id */
};

static bool collect_muted(void *context, const struct alert *alert)
{
	struct unmuting *unmuting = context;
	unmuting->seen++;
	unmuting->last = alert->id;
	if (alert->muted)
		unmuting->alerts[unmuting->count++] = *alert;
	return true;
}

static enum err unmute_page(struct decision *d, struct unmuting *unmuting, struct error *err)
{
	enum err r = OK;
	size_t kept = 0;
	for (size_t i = 0; r == OK && i < unmuting->count; i++) {
		r = is_muted(d, &unmuting->alerts[i], err);
		if (r == OK && !unmuting->alerts[i].muted)
			unmuting->alerts[kept++] = unmuting->alerts[i];
	}
	if (r == OK)
		alert_emit(d, "mute", unmuting->alerts, kept);
	return r;
}

/* What still fires when the mute is over pages now, unless another mute covers it. */
enum err alert_after_mute(struct decision *d, const struct event *event, struct error *err)
{
	(void)event;
	struct unmuting *unmuting = arena_new(d->arena, struct unmuting);
	struct alert_filter filter = { .states = STR("firing"), .limit = ITEMS_MAX };
	enum err r = OK;
	do {
		unmuting->count = unmuting->seen = 0;
		r = alert_list(d->conn, &filter, d->arena, collect_muted, unmuting, err);
		if (r == OK)
			r = unmute_page(d, unmuting, err);
		filter.before_id = unmuting->last;
	} while (r == OK && unmuting->seen == ITEMS_MAX);
	return r;
}
