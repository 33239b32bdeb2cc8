/*
 * api_stream.c: live views: what was committed, told to every open stream (text/event-stream).
 *
 * An event on the stream says that something happened, not what: {seq, kind, subject}. The view asks
 * for what it shows, and so sees no more than its reader may. A reader who comes back with
 * Last-Event-ID is told what was missed, or to look at everything again.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_pool.h"
#include "api/api_priv.h"
#include "base/mem.h"
#include "incident/incident.h"
#include "journal/journal.h"
#include "oncall/paging.h"

#define MISSED_MAX 500
#define ROUNDS_MAX 20u /* of reading what was missed while more comes */
#define LINE_BYTES 256
#define NOTICE_BYTES 2048
#define RESTRICTED_MAX 20000u
#define TAKING_PART_MAX 64u /* who finds no place is told nothing here, and sees it when they look */

struct open_stream {
	struct api_streams *all;
	struct http_stream *stream;
	struct open_stream *next, **back; /* back NULL: not in the list */
	struct arena arena;               /* of the principal's texts */
	struct principal principal;
	int64_t since; /* the journal stood here when it was read who it is */
	int64_t told;  /* up to here everything was told */
	bool opening; /* the opener still uses it and frees it when it was closed meanwhile */
	bool closed;
};

/* An incident that not everybody may know of. */
struct restricted {
	int64_t incident;
	bool private; /* else for the team */
	char team[64];
	int64_t taking_part[TAKING_PART_MAX];
	unsigned count;
};

struct api_streams {
	struct api *api;
	pthread_mutex_t lock;
	struct open_stream *first;
	unsigned count;
	int64_t last_seq; /* what was committed and told to those in the list */
	struct restricted *restricted; /* in order of incident */
	unsigned restricted_count, restricted_size;
};

/* ---- what not everybody may know ---- */

static struct restricted *find_restricted(struct api_streams *all, int64_t incident)
{
	for (unsigned i = all->restricted_count; i > 0; i--) { /* the newest are asked for most */
		if (all->restricted[i - 1].incident == incident)
			return &all->restricted[i - 1];
		if (all->restricted[i - 1].incident < incident)
			return NULL;
	}
	return NULL;
}

static void take_part(struct restricted *row, int64_t user)
{
	for (unsigned i = 0; i < row->count; i++) {
		if (row->taking_part[i] == user)
			return;
	}
	if (user != 0 && row->count < TAKING_PART_MAX)
		row->taking_part[row->count++] = user;
}

/* Ids rise, so the end is their place. When the table is full the oldest are forgotten and then shown
 * to nobody: see may_know. */
static void restrict_incident(struct api_streams *all, int64_t incident, struct str visibility,
			      struct str team, int64_t user)
{
	if (str_is(visibility, "everyone"))
		return;
	if (all->restricted_count == RESTRICTED_MAX) {
		memmove(all->restricted, all->restricted + 1,
			(RESTRICTED_MAX - 1) * sizeof *all->restricted);
		all->restricted_count--;
	}
	if (all->restricted_count == all->restricted_size) {
		all->restricted_size = all->restricted_size > 0 ? 2 * all->restricted_size : 64;
		all->restricted = mem_realloc(all->restricted,
					      all->restricted_size * sizeof *all->restricted);
	}
	struct restricted *row = &all->restricted[all->restricted_count++];
	*row = (struct restricted){ .incident = incident, .private = str_is(visibility, "private") };
	snprintf(row->team, sizeof row->team, STR_FMT, STR_ARG(team));
	take_part(row, user);
}

static bool load_one(void *context, const struct incident *incident)
{
	struct api_streams *all = context;
	restrict_incident(all, incident->id, incident->visibility, incident->team, incident->opened_by);
	return true;
}

static void load_participants(struct api_streams *all, struct store_conn *conn)
{
	int64_t users[TAKING_PART_MAX];
	size_t count;
	for (unsigned i = 0; i < all->restricted_count; i++) {
		struct restricted *row = &all->restricted[i];
		if (paging_participants(conn, row->incident, users, TAKING_PART_MAX, &count, NULL) != OK)
			continue;
		for (size_t user = 0; user < count; user++)
			take_part(row, users[user]);
	}
}

static int by_incident(const void *left, const void *right)
{
	const struct restricted *a = left, *b = right;
	return a->incident < b->incident ? -1 : a->incident > b->incident;
}

static void load_restricted(struct api_streams *all)
{
	struct store_conn *conn;
	struct arena arena;
	struct error err;
	struct incident_filter filter = { .limit = RESTRICTED_MAX,
					  .visible = STR("visibility IN ('team', 'private')") };
	if (conn_pool_take(all->api->pool, &conn, &err) != OK)
		return;
	arena_init(&arena, 0);
	incident_list(conn, &filter, &arena, load_one, all, &err);
	if (all->restricted_count > 1)
		qsort(all->restricted, all->restricted_count, sizeof *all->restricted, by_incident);
	load_participants(all, conn);
	arena_finish(&arena);
	conn_pool_give(all->api->pool, &conn);
}

static bool is_of_incident(enum event_kind kind)
{
	struct str name = str_of(event_kinds[kind].name);
	return str_starts(name, STR("incident.")) || str_starts(name, STR("escalation.")) ||
	       str_starts(name, STR("page.")) || str_starts(name, STR("review.")) ||
	       str_starts(name, STR("update."));
}

static bool may_know(struct api_streams *all, const struct principal *principal,
		     const struct event *event)
{
	struct restricted *row = is_of_incident(event->kind) ? find_restricted(all, event->subject) : NULL;
	bool takes_part = false;
	if (row == NULL)
		return true;
	for (unsigned i = 0; i < row->count; i++)
		takes_part = takes_part || row->taking_part[i] == principal->user;
	return guard_sees(principal, row->private ? STR("private") : STR("team"), str_of(row->team),
			  takes_part);
}

/* Keeps the table in step with what was committed. */
static void note_restricted(struct api_streams *all, const struct event *event, struct arena *arena)
{
	if (event->payload == NULL)
		return;
	if (event->kind == EVENT_ESCALATION_MOVED && find_restricted(all, event->subject) != NULL) {
		int64_t users[TAKING_PART_MAX];
		size_t count = paging_named(event->payload, arena, users, TAKING_PART_MAX);
		for (size_t i = 0; i < count; i++)
			take_part(find_restricted(all, event->subject), users[i]);
	}
	if (event->kind == EVENT_INCIDENT_OPENED) {
		const struct event_incident_opened *e = event->payload;
		restrict_incident(all, e->incident, e->visibility, e->team, event->actor);
	}
	if (event->kind == EVENT_INCIDENT_ACKNOWLEDGED) {
		const struct event_incident_acknowledged *e = event->payload;
		struct restricted *row = find_restricted(all, e->incident);
		if (row != NULL)
			take_part(row, e->user);
	}
}

/* Who may see what has changed: streams are asked to come back with what holds now. */
static bool changes_sight(const struct event *event)
{
	if (event->payload == NULL)
		return true; /* erased: it may have */
	if (event->kind == EVENT_DEFINITION_PUT)
		return str_is(((const struct event_definition_put *)event->payload)->kind, "Team");
	if (event->kind == EVENT_DEFINITION_DELETED)
		return str_is(((const struct event_definition_deleted *)event->payload)->kind, "Team");
	return event->kind == EVENT_USER_CHANGED || event->kind == EVENT_TOKEN_REVOKED ||
	       event->kind == EVENT_USER_SIGNED_OUT || event->kind == EVENT_USER_PASSWORD_SET;
}

struct api_streams *api_streams_create(struct api *api)
{
	struct api_streams *all = mem_alloc(sizeof *all);
	all->api = api;
	pthread_mutex_init(&all->lock, NULL);
	all->last_seq = world_last_seq(api->options.world);
	load_restricted(all);
	return all;
}

void api_streams_destroy(struct api_streams **streams)
{
	if (*streams == NULL)
		return;
	assert((*streams)->count == 0);
	pthread_mutex_destroy(&(*streams)->lock);
	mem_free((*streams)->restricted);
	mem_free(*streams);
	*streams = NULL;
}

/* ---- what is said ---- */

/* A notice: that it happened, to what, and whom it concerns; never what it says. */
static struct str notice(const struct event *event, const char *kind, struct str subject, int64_t user,
			 struct buf *out)
{
	struct json_writer json;
	buf_reset(out);
	buf_printf(out, "id: %lld\nevent: %s\ndata: ", (long long)event->seq, kind);
	json_init(&json, out);
	json_map_begin(&json);
	json_field_int(&json, "seq", event->seq);
	json_field_cstr(&json, "kind", kind);
	json_field_text(&json, "subject", subject);
	json_key(&json, "user");
	if (user != 0)
		json_int(&json, user);
	else
		json_null(&json);
	json_map_end(&json);
	json_finish(&json);
	buf_adds(out, "\n\n");
	assert(!out->full);
	return buf_str(out);
}

static int64_t paged_user(const struct event *event)
{
	const struct event_page_created *page = event->payload;
	return event->kind == EVENT_PAGE_CREATED && page != NULL ? page->user : 0;
}

/* A page is told once more under a name of its own: that is what rings. */
static void say(struct http_stream *stream, const struct event *event, struct arena *arena,
		struct buf *out)
{
	int64_t user = paged_user(event);
	struct str subject = api_subject(arena, event);
	http_stream_send(stream, notice(event, event_kinds[event->kind].name, subject, user, out));
	if (user != 0)
		http_stream_send(stream, notice(event, "page.queued", subject, user, out));
}

/* Who is paged for what is closed to them hears that a page is there, and not for what. */
static void say_if_known(struct open_stream *s, const struct event *event, bool known,
			 struct arena *arena, struct buf *out)
{
	if (known)
		say(s->stream, event, arena, out);
	else if (paged_user(event) == s->principal.user)
		http_stream_send(s->stream, notice(event, "page.queued", STR(""), s->principal.user, out));
}

static void tell_all(struct api_streams *all, const struct event *event, struct arena *arena,
		     struct buf *out)
{
	for (struct open_stream *s = all->first; s != NULL; s = s->next) {
		assert(event->seq > s->told); /* it joined when nothing was missing: see catch_up */
		say_if_known(s, event, may_know(all, &s->principal, event), arena, out);
		s->told = event->seq;
		if (changes_sight(event))
			http_stream_close(s->stream);
	}
	arena_reset(arena);
}

void api_committed(void *context, const struct event *const *events, size_t count)
{
	struct api *api = context;
	struct api_streams *all = api->streams;
	cleanup_buf struct buf out;
	cleanup_arena struct arena arena;
	buf_init(&out, NOTICE_BYTES);
	arena_init(&arena, 0);
	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; i < count; i++) {
		note_restricted(all, events[i], &arena);
		tell_all(all, events[i], &arena, &out);
		all->last_seq = events[i]->seq;
	}
	pthread_mutex_unlock(&all->lock);
}

int api_streams_of(struct api *api, int64_t user)
{
	int count = 0;
	pthread_mutex_lock(&api->streams->lock);
	for (struct open_stream *s = api->streams->first; s != NULL; s = s->next)
		count += s->principal.user == user;
	pthread_mutex_unlock(&api->streams->lock);
	return count;
}

void api_heartbeat(struct api *api)
{
	pthread_mutex_lock(&api->streams->lock);
	for (struct open_stream *s = api->streams->first; s != NULL; s = s->next)
		http_stream_send(s->stream, STR(":\n\n"));
	pthread_mutex_unlock(&api->streams->lock);
}

/* ---- opening and closing ---- */

static void link_in(struct open_stream *s)
{
	s->next = s->all->first;
	s->back = &s->all->first;
	if (s->next != NULL)
		s->next->back = &s->next;
	s->all->first = s;
	s->all->count++;
}

static void link_out(struct open_stream *s)
{
	*s->back = s->next;
	if (s->next != NULL)
		s->next->back = s->back;
	s->back = NULL;
	s->all->count--;
}

static void stream_free(struct open_stream *s)
{
	struct http_stream *held = s->stream;
	if (held != NULL)
		http_stream_release(&held);
	arena_finish(&s->arena);
	mem_free(s);
}

/* On a web thread, once. While the opener still uses it, it is the opener who frees. */
static void closed(void *context, struct http_stream *stream)
{
	struct open_stream *s = context;
	(void)stream;
	pthread_mutex_lock(&s->all->lock);
	s->closed = true;
	if (s->back != NULL)
		link_out(s);
	bool opening = s->opening;
	pthread_mutex_unlock(&s->all->lock);
	if (!opening)
		stream_free(s);
}

struct missed {
	struct open_stream *stream;
	struct arena *arena;
	struct buf *out;
};

static bool tell_missed(void *context, const struct event *event)
{
	struct missed *missed = context;
	struct open_stream *s = missed->stream;
	pthread_mutex_lock(&s->all->lock);
	bool known = may_know(s->all, &s->principal, event);
	pthread_mutex_unlock(&s->all->lock);
	say_if_known(s, event, known, missed->arena, missed->out);
	if (event->seq > s->since && changes_sight(event))
		http_stream_close(s->stream);
	s->told = event->seq;
	return true;
}

/* Tells what was recorded after `told`, from the journal. */
static void tell_from_journal(struct api *api, struct open_stream *s, int64_t up_to)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf out;
	struct missed missed = { .stream = s, .arena = &arena, .out = &out };
	struct journal_filter filter = { .after_seq = s->told, .up_to_seq = up_to, .limit = MISSED_MAX };
	struct store_conn *conn;
	struct error err;
	arena_init(&arena, 0);
	buf_init(&out, NOTICE_BYTES);
	if (conn_pool_take(api->pool, &conn, &err) != OK)
		return;
	enum err r = journal_read(conn, &filter, &arena, tell_missed, &missed, &err);
	conn_pool_give(api->pool, &conn);
	if (r == OK && s->told < up_to && up_to - s->told < MISSED_MAX)
		s->told = up_to; /* what is not there any more cannot be told */
}

/* Tells what was missed, and joins the others at a moment when nothing is: so what is told is in order
 * and whole, and Last-Event-ID is always a place to go on from. */
static void catch_up(struct api *api, struct open_stream *s)
{
	struct api_streams *all = s->all;
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		pthread_mutex_lock(&all->lock);
		int64_t target = all->last_seq;
		bool whole = s->told >= target;
		if (whole && !s->closed)
			link_in(s);
		pthread_mutex_unlock(&all->lock);
		if (whole)
			return;
		tell_from_journal(api, s, target);
	}
	http_stream_close(s->stream); /* it comes back with its Last-Event-ID */
}

/* A reader who was away for long is told to look at everything anew. */
static void greet(struct open_stream *s, struct str last_id)
{
	int64_t seq = 0;
	char hello[LINE_BYTES];
	bool known = str_int(last_id, 0, INT64_MAX, &seq) && seq <= s->since &&
		     s->since - seq <= MISSED_MAX;
	const char *kind = last_id.len > 0 && !known ? "reset" : "hello";
	s->told = known ? seq : s->since;
	int used = snprintf(hello, sizeof hello, "retry: 2000\nid: %lld\nevent: %s\ndata: "
			    "{\"seq\":%lld,\"kind\":\"%s\",\"subject\":\"\",\"user\":null}\n\n",
			    (long long)s->told, kind, (long long)s->since, kind);
	http_stream_send(s->stream, (struct str){ hello, (size_t)used });
}

static enum err read_principal(struct store_conn *conn, const struct http_request *request,
			       time_us now, struct open_stream *s, struct error *err)
{
	struct str header, value;
	if (http_request_header(request, "Authorization", &header) && guard_bearer_find(header, &value))
		return guard_principal_from_token(conn, &s->arena, value, now, &s->principal, err);
	if (http_request_header(request, "Cookie", &header) && guard_cookie_find(header, &value))
		return guard_principal_from_session(conn, &s->arena, value, now, &s->principal, err);
	return error_set(err, ERR_UNAUTHENTICATED, "nobody is signed in");
}

static enum err who(struct api *api, const struct http_request *request, struct open_stream *s,
		    struct error *err)
{
	struct store_conn *conn;
	enum err r = conn_pool_take(api->pool, &conn, err);
	if (r != OK)
		return r;
	r = read_principal(conn, request, clock_wall(api->options.clock), s, err);
	if (r == OK)
		r = guard_need(&s->principal, PERMISSION_READ, err);
	conn_pool_give(api->pool, &conn);
	return r;
}

void api_stream_open(struct api *api, struct http_exchange *exchange)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct error err = { 0 };
	struct str last_id = STR_NONE;
	char kept_id[32];
	struct open_stream *s = mem_alloc(sizeof *s);
	s->all = api->streams;
	s->opening = true;
	pthread_mutex_lock(&s->all->lock);
	s->since = s->all->last_seq; /* before it is read who asks; the world's own may not be committed */
	pthread_mutex_unlock(&s->all->lock);
	arena_init(&s->arena, 0);
	enum err r = who(api, request, s, &err);
	if (!http_request_header(request, "Last-Event-ID", &last_id))
		http_request_param(request, "last_event_id", &last_id);
	snprintf(kept_id, sizeof kept_id, STR_FMT, STR_ARG(str_sub(last_id, 0, 24)));
	if (r == OK)
		r = http_exchange_stream(exchange, closed, s, &s->stream, &err);
	if (r != OK) {
		http_exchange_refuse(exchange, api_status(r), err.text, NULL);
		stream_free(s);
		return;
	}
	greet(s, str_of(kept_id));
	catch_up(api, s);
	pthread_mutex_lock(&api->streams->lock);
	s->opening = false;
	bool gone = s->closed;
	pthread_mutex_unlock(&api->streams->lock);
	if (gone)
		stream_free(s);
}

void api_stop(struct api *api)
{
	__atomic_store_n(&api->stopping, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&api->streams->lock);
	for (struct open_stream *s = api->streams->first; s != NULL; s = s->next)
		http_stream_close(s->stream);
	pthread_mutex_unlock(&api->streams->lock);
}
