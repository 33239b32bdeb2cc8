/*
 * alert_ingest.c: what other programs tell of, decided: which of it is news, and what has ended.
 *
 * One message is one command, and what it changes is one `alert.batch`. The book (alert_book.h) knows
 * who is alive; this file is the only one that lets alerts in and out of it.
 */
#include <assert.h>
#include <inttypes.h>

#include "alert/alert_book.h"
#include "alert/alert_priv.h"
#include "base/buf.h"
#include "catalog/catalog.h"
#include "resource/definition.h"
#include "wire/json_writer.h"

#define SUMMARY_BYTES_MAX 500u
#define TEXTS_JSON_BYTES_MAX (8u * ALERT_TEXTS_BYTES_MAX) /* every byte may need an escape */

/* ---- texts ---- */

static void write_pairs(struct json_writer *json, const char *key, const struct alert_pair *pairs,
			size_t count)
{
	if (key != NULL)
		json_key(json, key);
	json_map_begin(json);
	for (size_t i = 0; i < count; i++) {
		json_key_str(json, pairs[i].name);
		json_text(json, pairs[i].value);
	}
	json_map_end(json);
}

char *alert_texts_json(const struct alert_signal *signal)
{
	struct buf buf;
	struct json_writer json;
	buf_init(&buf, TEXTS_JSON_BYTES_MAX);
	json_init(&json, &buf);
	json_map_begin(&json);
	write_pairs(&json, "annotations", signal->annotations, signal->annotation_count);
	json_field_text(&json, "generatorURL", signal->generator);
	json_map_end(&json);
	json_finish(&json);
	assert(!buf.full);
	return buf_take(&buf);
}

static struct str pairs_json(struct arena *arena, struct buf *scratch, const struct alert_pair *pairs, size_t count)
{
	struct json_writer json;
	buf_reset(scratch);
	json_init(&json, scratch);
	write_pairs(&json, NULL, pairs, count);
	json_finish(&json);
	assert(!scratch->full);
	return arena_str(arena, buf_str(scratch));
}

/* ---- what the labels mean ---- */

/* The words that people write; anything else, and none at all, wakes somebody. */
static const struct severity {
	const char *label, *severity, *urgency;
} severities[] = {
	{ "critical", "critical", "high" }, { "error", "critical", "high" }, { "warning", "warning", "high" },
	{ "warn", "warning", "high" },	    { "medium", "warning", "high" },
	{ "moderate", "warning", "high" },  { "minor", "warning", "high" },
	{ "ticket", "warning", "low" },	    { "low", "warning", "low" },
	{ "info", "warning", "low" },	    { "information", "warning", "low" },
	{ "notice", "warning", "low" },	    { "debug", "warning", "low" },
	{ "none", "warning", "low" },
};

void alert_weigh(struct str label, struct str *ret_severity, struct str *ret_urgency)
{
	*ret_severity = STR("critical");
	*ret_urgency = STR("high");
	for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++) {
		if (!str_is(label, severities[i].label))
			continue;
		*ret_severity = str_of(severities[i].severity);
		*ret_urgency = str_of(severities[i].urgency);
	}
}

static struct str summary_of(const struct alert_signal *signal, struct str name)
{
	static const char *const notes[] = { "summary", "message", "title", "description" };
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
		struct str note = str_trim(alert_annotation(signal, notes[i]));
		if (note.len > 0)
			return alert_cut(note, SUMMARY_BYTES_MAX);
	}
	return alert_cut(name, SUMMARY_BYTES_MAX);
}

static struct str link_of(struct str text)
{
	return alert_is_web(text) ? text : STR_NONE;
}

/* ---- one batch ---- */

#define LOOKUPS 32u

/* What was looked up for an alert: those of one message tend to be of few services. */
struct lookup {
	bool done;
	struct str label_service, label_team;
	struct str service, team; /* empty when nobody defined such a one */
	bool muted;
};

static enum err look_up_now(struct decision *d, struct lookup *l, struct error *err)
{
	struct catalog_service known = { 0 };
	const struct doc_node *spec = NULL;
	time_us until = TIME_NONE;
	enum err r = OK;
	if (str_is_name(l->label_service))
		r = catalog_service_get(d->conn, l->label_service, d->arena, &known, err);
	if (r == OK && str_is_name(l->label_team))
		r = definition_spec(d->conn, "Team", l->label_team, d->arena, &spec, err);
	l->service = known.known ? l->label_service : STR_NONE;
	l->team = spec != NULL ? l->label_team : STR_NONE;
	if (r == OK)
		r = alert_muted_until(d->conn, STR_NONE, l->service, &until, err);
	l->muted = until > d->now;
	l->done = r == OK;
	return r;
}

static enum err look_up(struct decision *d, struct lookup lookups[LOOKUPS], struct str service, struct str team,
			const struct lookup **ret_lookup, struct error *err)
{
	struct lookup *l = &lookups[(str_hash(service) * 31 + str_hash(team)) % LOOKUPS];
	*ret_lookup = l;
	if (l->done && str_eq(l->label_service, service) && str_eq(l->label_team, team))
		return OK;
	*l = (struct lookup){ .label_service = service, .label_team = team };
	return look_up_now(d, l, err);
}

static enum err make(struct decision *d, struct lookup lookups[LOOKUPS], struct buf *scratch,
		     const struct alert_signal *signal, const char *source, struct alert *ret_alert, struct error *err)
{
	struct str name = alert_label(signal, "alertname");
	const struct lookup *l;
	enum err r = look_up(d, lookups, alert_label(signal, "service"), alert_label(signal, "team"), &l, err);
	if (r != OK)
		return r;
	if (name.len == 0)
		name = signal->labels[0].value;
	struct alert alert = {
		.id = decision_new_id(d, "alert"),
		.name = alert_cut(name, ALERT_NAME_BYTES_MAX),
		.fingerprint = arena_printf(d->arena, "%016" PRIx64,
					    alert_fingerprint(signal->labels, signal->label_count)),
		.state = STR("firing"),
		.source = str_of(source),
		.service = l->service,
		.team = l->team,
		.muted = l->muted,
		.summary = summary_of(signal, name),
		.labels = pairs_json(d->arena, scratch, signal->labels, signal->label_count),
		.annotations = pairs_json(d->arena, scratch, signal->annotations, signal->annotation_count),
		.generator = link_of(signal->generator),
		.runbook = link_of(alert_annotation(signal, "runbook_url")),
		.key = signal->key,
		.notes = signal->notes,
		.started = signal->starts,
		.ends = signal->ends,
		.lease = signal->ends - d->now,
	};
	alert_weigh(alert_label(signal, "severity"), &alert.severity, &alert.urgency);
	*ret_alert = alert;
	return OK;
}

static struct alert_alive alive_of(const struct alert *alert)
{
	return (struct alert_alive){ alert->id, alert->key, alert->notes, alert->started, alert->lease,
				     alert->ends };
}

static enum err end(struct decision *d, struct alert_book *book, struct alert_key key, int64_t id,
		    time_us at, struct alert *ret_alert, struct error *err)
{
	enum err r = alert_get(d->conn, id, d->arena, ret_alert, err);
	if (r != OK)
		return r;
	alert_book_leave(book, key);
	ret_alert->state = STR("resolved");
	ret_alert->resolved = at;
	ret_alert->labels = ret_alert->annotations = STR_NONE; /* they are kept with what fired */
	return OK;
}

enum err alert_post_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_post *post = args;
	struct alert_book *book = (struct alert_book *)world_room(d->world, ALERT_ROOM);
	struct alert *news = arena_array(d->arena, struct alert, post->count);
	struct lookup lookups[LOOKUPS] = { 0 };
	cleanup_buf struct buf scratch;
	size_t count = 0;
	buf_init(&scratch, TEXTS_JSON_BYTES_MAX);
	for (size_t i = 0; i < post->count; i++) {
		const struct alert_signal *signal = &post->signals[i];
		bool over = signal->ends <= d->now;
		int64_t id = 0;
		bool alive = alert_book_find(book, signal->key, &id);
		enum err r = OK;
		if (alive && over) {
			/* Fired by this very message: its row is not written yet. */
			bool own = count > 0 && id >= news[0].id && str_is(news[0].state, "firing");
			if (!own)
				r = end(d, book, signal->key, id, signal->ends, &news[count++], err);
		} else if (alive) {
			alert_book_touch(book, signal, post->at);
		} else if (!over) {
			r = make(d, lookups, &scratch, signal, post->source, &news[count], err);
			if (r != OK)
				return r;
			struct alert_alive row = alive_of(&news[count++]);
			if (!alert_book_add(book, &row, post->at))
				r = error_set(err, ERR_LIMIT, "cannot keep more than %u alerts at once",
					      ALERT_BOOK_MAX);
		}
		if (r != OK)
			return r;
	}
	alert_emit(d, post->source, news, count);
	return OK;
}

/* What nobody has told of again ends at the instant that was promised, not when it is noticed. */
enum err alert_expire_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_expiry *expiry = args;
	struct alert_book *book = (struct alert_book *)world_room(d->world, ALERT_ROOM);
	struct alert *news = arena_array(d->arena, struct alert, expiry->count);
	size_t count = 0;
	for (size_t i = 0; i < expiry->count; i++) {
		const struct alert_alive *alive = &expiry->alive[i];
		if (!alert_book_is_over(book, alive->key, expiry->at.boot))
			continue;
		time_us ended = expiry->at.wall - (expiry->at.boot - alive->ends);
		enum err r = end(d, book, alive->key, alive->alert, ended, &news[count++], err);
		if (r != OK)
			return r;
	}
	alert_emit(d, "expiry", news, count);
	return OK;
}

/* ---- what was alive when the server stopped ---- */

struct loading {
	struct alert_book *book;
	struct alert_instant at;
};

static bool load_one(void *context, const struct alert_alive *alive)
{
	struct loading *loading = context;
	return alert_book_add(loading->book, alive, loading->at);
}

enum err alert_book_load(struct alert_book *book, struct store_conn *conn, struct alert_instant at,
			 struct error *err)
{
	struct loading loading = { book, at };
	enum err r = alert_alive_list(conn, load_one, &loading, err);
	if (r == OK)
		alert_book_settle(book, true);
	if (r == OK)
		alert_book_spare(book, at);
	return r;
}
