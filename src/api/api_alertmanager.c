/*
 * api_alertmanager.c: what clients of Alertmanager ask: `POST /api/v2/alerts` and the few reads that go
 * with it. Errors are told as it tells them: a JSON string.
 *
 * Almost every POST says only "still", for alerts that are known. That is answered here from the book,
 * without the writer: nothing of it has to survive, because after a restart nobody ends before the
 * sender had time to say it again. Whatever is news goes to the writer and is answered after COMMIT.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alert/alert.h"
#include "api/api_handlers.h"
#include "base/buf.h"
#include "incident/incident.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define SLICE 500u
#define LISTED_MAX 20000u /* alerts of one answer */
#define POSTED_MAX 5000u  /* alerts of one POST; Prometheus sends at most 256 */
#define SPOILED_MAX 5u    /* bad alerts of one POST that are named */
#define READER_KEPT_BYTES (256u << 10) /* a reader that read more is not kept: its memory grew with it */
#define CONTRACT_VERSION "0.25.0" /* of Alertmanager: whose clients are understood */

static struct alert_book *book_of(struct api_call *call)
{
	return (struct alert_book *)world_room(call->api->options.world, ALERT_ROOM);
}

static struct alert_instant now_of(struct api_call *call)
{
	return (struct alert_instant){ call->now, clock_since_boot(call->api->options.clock) };
}

/* ---- readers, kept for the next POST ---- */

static struct alert_post_reader *reader_take(struct api *api)
{
	struct alert_post_reader *reader = NULL;
	pthread_mutex_lock(&api->readers.lock);
	if (api->readers.count > 0)
		reader = api->readers.kept[--api->readers.count];
	pthread_mutex_unlock(&api->readers.lock);
	return reader != NULL ? reader : alert_post_reader_create();
}

static void reader_give(struct api *api, struct alert_post_reader *reader, size_t read_bytes)
{
	bool keep = read_bytes <= READER_KEPT_BYTES;
	pthread_mutex_lock(&api->readers.lock);
	keep = keep && api->readers.count < API_READERS_KEPT;
	if (keep)
		api->readers.kept[api->readers.count++] = reader;
	pthread_mutex_unlock(&api->readers.lock);
	if (!keep)
		alert_post_reader_destroy(&reader);
}

void api_readers_init(struct api_readers *readers)
{
	pthread_mutex_init(&readers->lock, NULL);
}

void api_readers_finish(struct api_readers *readers)
{
	while (readers->count > 0)
		alert_post_reader_destroy(&readers->kept[--readers->count]);
	pthread_mutex_destroy(&readers->lock);
}

/* ---- who may post without a token ---- */

static bool is_loopback_literal(struct str host)
{
	struct str name, port;
	if (str_starts(host, STR("[::1]")))
		return host.len == 5 || host.ptr[5] == ':';
	str_cut(host, ':', &name, &port);
	if (!str_starts(name, STR("127.")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9'))
			return false;
	}
	return true;
}

/* Loopback is not trust: a page in a browser on this machine, and whatever a proxy lets in, arrive from
 * there too. Neither can send this. */
bool api_is_local(const struct api_call *call)
{
	static const char *const foreign[] = { "Origin", "Forwarded", "Via" };
	const struct http_request *request = call->request;
	if (!call->api->options.on_loopback || !request->peer_is_loopback ||
	    !is_loopback_literal(request->host))
		return false;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		struct str value;
		if (http_request_header(request, foreign[i], &value))
			return false;
	}
	for (size_t i = 0; i < request->header_count; i++) {
		if (strncasecmp(request->headers[i].name.ptr, "X-Forwarded", 11) == 0)
			return false;
	}
	return true;
}

/* ---- POST /api/v2/alerts ---- */

struct reading {
	struct api_call *call;
	struct alert_signal *signals;
	size_t count, size;
	unsigned number, spoiled;
	struct buf why; /* the sentences about spoiled ones */
};

static bool take(void *context, const struct alert_posted *posted)
{
	struct reading *reading = context;
	struct error err;
	if (reading->number == POSTED_MAX)
		return false;
	if (reading->count == reading->size) {
		size_t size = reading->size > 0 ? 2 * reading->size : 128;
		struct alert_signal *more = arena_array(&reading->call->arena, struct alert_signal, size);
		if (reading->count > 0)
			memcpy(more, reading->signals, reading->count * sizeof *more);
		reading->signals = more;
		reading->size = size;
	}
	enum err r = alert_signal_from(posted, reading->call->now, &reading->call->arena,
				       &reading->signals[reading->count], &err);
	if (r == OK)
		reading->count++;
	else if (reading->spoiled++ < SPOILED_MAX)
		buf_printf(&reading->why, "%s%s (alert %u)", reading->why.used > 0 ? "; " : "", err.text,
			   reading->number);
	reading->number++;
	return true;
}

static enum err post(struct api_call *call, const struct reading *reading, struct error *err)
{
	struct alert_post post = {
		.signals = reading->signals,
		.count = reading->count,
		.at = now_of(call),
		.source = "alertmanager",
	};
	struct command command = {
		.name = "alert_post",
		.decide = alert_post_decide,
		.args = &post,
		.actor = ACTOR_SYSTEM,
	};
	if (alert_book_refresh(book_of(call), post.signals, post.count, post.at))
		return OK;
	store_read_end(call->conn); /* as in api_change.c */
	return call->api->options.run(call->api->options.run_context, &command, err);
}

/* The good ones of a body are kept also when others are bad, and then the answer is 400: as there. */
enum err api_alertmanager_post(struct api_call *call, struct error *err)
{
	struct reading reading = { .call = call };
	char why[ALERT_POST_WHY_BYTES];
	struct alert_post_reader *reader = reader_take(call->api);
	buf_init(&reading.why, 2048);
	if (reader == NULL)
		return error_set(err, ERR_UNAVAILABLE, "could not get memory to read the alerts");
	bool whole = alert_post_read(reader, call->request->body, take, &reading, why);
	enum err r = OK;
	if (!whole && reading.number == POSTED_MAX)
		r = error_set(err, ERR_TOO_LARGE, "the body holds more than %u alerts", POSTED_MAX);
	else if (!whole)
		r = error_set(err, ERR_INVALID, "parsing alerts body failed, because %s", why);
	else if (reading.count > 0)
		r = post(call, &reading, err);
	if (r == OK && reading.spoiled > 0)
		r = error_set(err, ERR_INVALID, "%.*s", (int)reading.why.used, reading.why.bytes);
	buf_finish(&reading.why);
	reader_give(call->api, reader, call->request->body.len);
	if (r == OK)
		api_way_heard(call->api, API_WAY_ALERTMANAGER, call->now);
	else
		api_way_refused(call->api, API_WAY_ALERTMANAGER, call->now, err->text);
	call->content_type = ""; /* 200 and nothing: as there */
	return r;
}

/* ---- GET /api/v2/alerts ---- */

/* One matcher of `filter`: name="value" or name!="value". */
struct matcher {
	struct str name, value;
	bool equal;
};

#define MATCHERS_MAX 16u

struct listing {
	struct api_call *call;
	struct alert alerts[SLICE];
	size_t seen;
	int64_t last;
	struct matcher matchers[MATCHERS_MAX];
	size_t matcher_count;
	int64_t incident; /* looked at last, and whether the caller may see it */
	bool visible;
	const struct alert **found;
	size_t found_count;
};

static bool take_alert(void *context, const struct alert *alert)
{
	struct listing *listing = context;
	listing->alerts[listing->seen++] = *alert;
	listing->last = alert->id;
	return true;
}

static bool is_visible(struct listing *listing, int64_t id)
{
	struct incident incident;
	if (id == 0)
		return true;
	if (id != listing->incident) {
		listing->incident = id;
		listing->visible = api_incident(listing->call, id, &incident, NULL) == OK;
	}
	return listing->visible;
}

static enum err read_matcher(struct str text, struct arena *arena, struct matcher *ret, struct error *err)
{
	size_t at = 0;
	while (at < text.len && text.ptr[at] != '=' && text.ptr[at] != '!')
		at++;
	bool negated = at < text.len && text.ptr[at] == '!';
	size_t value = at + 1 + negated;
	if (value > text.len || text.ptr[value - 1] != '=' ||
	    (value < text.len && (text.ptr[value] == '~' || text.ptr[value] == '=')))
		return error_set(err, ERR_INVALID, "filter takes name=\"value\" and name!=\"value\"");
	const struct doc_node *node;
	struct str quoted = str_trim(str_sub(text, value, text.len));
	ret->name = str_trim(str_sub(text, 0, at));
	ret->equal = !negated;
	ret->value = quoted;
	if (quoted.len == 0 || quoted.ptr[0] != '"')
		return OK;
	enum err r = doc_json_parse(quoted, arena, DOC_LIMITS_DEFAULT, NULL, &node, err);
	if (r == OK)
		ret->value = doc_text(node, "");
	return r;
}

static enum err read_matchers(struct listing *listing, struct error *err)
{
	const struct http_request *request = listing->call->request;
	for (size_t i = 0; i < request->param_count; i++) {
		if (!str_is(request->params[i].name, "filter"))
			continue;
		if (listing->matcher_count == MATCHERS_MAX)
			return error_set(err, ERR_INVALID, "filter is there more than %u times",
					 MATCHERS_MAX);
		enum err r = read_matcher(request->params[i].value, &listing->call->arena,
					  &listing->matchers[listing->matcher_count++], err);
		if (r != OK)
			return r;
	}
	return OK;
}

static bool matches(const struct listing *listing, const struct doc_node *labels)
{
	for (size_t i = 0; i < listing->matcher_count; i++) {
		const struct matcher *matcher = &listing->matchers[i];
		const struct doc_entry *entry = doc_find(labels, matcher->name);
		struct str value = entry != NULL ? doc_text(&entry->value, "") : STR_NONE;
		if (str_eq(value, matcher->value) != matcher->equal)
			return false;
	}
	return true;
}

/* Keeps the alert with its texts at hand when the caller asked for it. */
static enum err keep(struct listing *listing, const struct alert *seen, struct error *err)
{
	struct arena *arena = &listing->call->arena;
	struct alert *alert = arena_new(arena, struct alert);
	const struct doc_node *labels = NULL;
	*alert = *seen;
	enum err r = alert_texts(listing->call->conn, alert->id, arena, &alert->labels,
				 &alert->annotations, err);
	if (r == OK)
		r = doc_json_parse(alert->labels, arena, DOC_LIMITS_DEFAULT, NULL, &labels, err);
	if (r != OK || !matches(listing, labels))
		return r;
	if (listing->found_count == LISTED_MAX) {
		error_set(err, ERR_TOO_LARGE, "more than %u alerts are active", LISTED_MAX);
		error_hint(err, "ask with a filter");
		return ERR_TOO_LARGE;
	}
	listing->found[listing->found_count++] = alert;
	return OK;
}

static int by_fingerprint(const void *a, const void *b)
{
	const struct alert *const *x = a, *const *y = b;
	return str_cmp((*x)->fingerprint, (*y)->fingerprint);
}

static void write_status(struct json_writer *json)
{
	static const char *const lists[] = { "silencedBy", "inhibitedBy" };
	json_key(json, "status");
	json_map_begin(json);
	json_field_cstr(json, "state", "active");
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		json_key(json, lists[i]);
		json_list_begin(json);
		json_list_end(json);
	}
	json_map_end(json);
}

static void write_alert(struct api_call *call, const struct alert *alert)
{
	struct json_writer *json = &call->json;
	struct alert_life life;
	if (!alert_book_life(book_of(call), alert->key, now_of(call), &call->arena, &life))
		life = (struct alert_life){ alert->ends, alert->started, alert->started, STR_NONE };
	const struct doc_node *texts = NULL;
	if (life.texts.len > 0)
		doc_json_parse(life.texts, &call->arena, DOC_LIMITS_DEFAULT, NULL, &texts, NULL);
	json_map_begin(json);
	json_key(json, "annotations");
	if (texts != NULL)
		doc_write_json(doc_get(texts, "annotations"), json);
	else
		json_raw(json, alert->annotations);
	json_field_time(json, "endsAt", life.ends);
	json_field_text(json, "fingerprint", alert->fingerprint);
	json_key(json, "receivers");
	json_list_begin(json);
	json_map_begin(json);
	json_field_cstr(json, "name", "mainstay");
	json_map_end(json);
	json_list_end(json);
	json_field_time(json, "startsAt", life.started);
	write_status(json);
	json_field_time(json, "updatedAt", life.updated);
	json_field_text(json, "generatorURL", doc_text(doc_get(texts, "generatorURL"), ""));
	json_key(json, "labels");
	json_raw(json, alert->labels);
	json_map_end(json);
}

/* What was posted and is active. `receiver` and `filter` with regular expressions come with routing. */
enum err api_alertmanager_alerts(struct api_call *call, struct error *err)
{
	struct listing *listing = arena_new(&call->arena, struct listing);
	struct alert_filter filter = { .states = STR("firing"), .limit = SLICE };
	listing->call = call;
	listing->found = (const struct alert **)arena_array(&call->arena, struct alert *, LISTED_MAX);
	enum err r = read_matchers(listing, err);
	bool none = str_is(api_query(call, "active"), "false");
	do {
		listing->seen = 0;
		if (r == OK && !none)
			r = alert_list(call->conn, &filter, &call->arena, take_alert, listing, err);
		for (size_t i = 0; r == OK && i < listing->seen; i++) {
			const struct alert *alert = &listing->alerts[i];
			if (alert->lease > 0 && is_visible(listing, alert->incident))
				r = keep(listing, alert, err);
		}
		filter.before_id = listing->last;
	} while (r == OK && listing->seen == SLICE);
	if (r != OK)
		return r;
	qsort(listing->found, listing->found_count, sizeof *listing->found, by_fingerprint);
	json_list_begin(&call->json);
	for (size_t i = 0; i < listing->found_count; i++)
		write_alert(call, listing->found[i]);
	json_list_end(&call->json);
	return OK;
}

/* ---- what clients ask to know whom they talk to ---- */

enum err api_alertmanager_status(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	(void)err;
	json_map_begin(json);
	json_key(json, "cluster");
	json_map_begin(json);
	json_field_cstr(json, "status", "disabled");
	json_key(json, "peers");
	json_list_begin(json);
	json_list_end(json);
	json_map_end(json);
	json_key(json, "config");
	json_map_begin(json);
	json_field_cstr(json, "original", "");
	json_map_end(json);
	json_field_time(json, "uptime", call->now - clock_since_boot(call->api->options.clock) +
						call->api->started);
	json_key(json, "versionInfo");
	json_map_begin(json);
	json_field_cstr(json, "version", CONTRACT_VERSION);
	json_field_text(json, "revision", arena_printf(&call->arena, "mainstay %s",
						       call->api->options.version));
	json_field_cstr(json, "branch", "mainstay");
	json_field_cstr(json, "buildUser", "");
	json_field_cstr(json, "buildDate", "");
	json_field_cstr(json, "goVersion", "");
	json_map_end(json);
	json_map_end(json);
	return OK;
}

enum err api_alertmanager_healthy(struct api_call *call, struct error *err)
{
	(void)err;
	buf_adds(&call->out, "OK");
	call->content_type = "text/plain; charset=utf-8";
	return OK;
}
