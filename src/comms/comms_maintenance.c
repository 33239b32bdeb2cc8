/* comms_maintenance.c: see comms_maintenance.h. */
#include "comms/comms_maintenance.h"

#include <assert.h>

#include "alert/alert.h"
#include "base/buf.h"
#include "catalog/catalog.h"
#include "comms/comms_subscriber_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"
#include "wire/markdown.h"

const char *const comms_maintenance_states[] = { "scheduled", "in_progress", "verifying", "completed", "cancelled",
						 NULL };

static bool runs(const struct comms_maintenance *m)
{
	return str_is(m->state, "in_progress") || str_is(m->state, "verifying");
}

static bool is_over(const struct comms_maintenance *m)
{
	return str_is(m->state, "completed") || str_is(m->state, "cancelled");
}

enum err comms_services(struct str json, struct arena *arena, size_t most, struct str **ret_names, size_t *ret_count,
			struct error *err)
{
	const struct doc_node *list;
	enum err r = doc_json_parse(json, arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	if (r != OK)
		return r;
	size_t count = doc_count(list);
	if (!doc_is(list, DOC_LIST) || count > most)
		return error_set(err, ERR_INVALID, "the services are no list of at most %zu names", most);
	struct str *names = arena_array(arena, struct str, count > 0 ? count : 1);
	for (size_t i = 0; i < count; i++)
		names[i] = doc_text(doc_at(list, i), "");
	*ret_names = names;
	*ret_count = count;
	return OK;
}

/* ---- mutes ---- */

static struct str print_ids(struct arena *arena, const int64_t *ids, size_t count)
{
	cleanup_buf struct buf out;
	struct json_writer json;
	buf_init(&out, 4096);
	json_init(&json, &out);
	json_list_begin(&json);
	for (size_t i = 0; i < count; i++)
		json_int(&json, ids[i]);
	json_list_end(&json);
	json_finish(&json);
	assert(!out.full);
	return arena_str(arena, buf_str(&out));
}

/* A service that is no longer defined has no pages to hold back. */
static enum err start_mutes(struct decision *d, const struct comms_maintenance *m, time_us until, struct str *ret_mutes,
			    struct error *err)
{
	struct str *names;
	size_t count, muted = 0;
	int64_t ids[COMMS_SERVICES_MAX];
	enum err r = comms_services(m->services, d->arena, COMMS_SERVICES_MAX, &names, &count, err);
	for (size_t i = 0; r == OK && m->mute && i < count; i++) {
		time_us duration = until - d->now;
		struct alert_mute_start start = {
			.kind = STR("service"),
			.target = names[i],
			.reason = arena_printf(d->arena, "maintenance %lld: " STR_FMT, (long long)m->id, STR_ARG(m->title)),
			.duration = duration < ALERT_MUTE_LEAST ? ALERT_MUTE_LEAST
				    : duration > ALERT_MUTE_MOST ? ALERT_MUTE_MOST : duration,
			.ret_mute = &ids[muted],
		};
		r = alert_mute_start_decide(d, &start, err);
		muted += r == OK;
		r = r == ERR_NOT_FOUND ? OK : r;
	}
	*ret_mutes = print_ids(d->arena, ids, muted);
	return r;
}

/* One that has ended already, by hand or by itself, stays as it is. */
static enum err end_mutes(struct decision *d, const struct comms_maintenance *m, struct error *err)
{
	const struct doc_node *list;
	enum err r = doc_json_parse(m->mutes, d->arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	for (size_t i = 0; r == OK && i < doc_count(list); i++) {
		int64_t id = doc_int(doc_at(list, i), 0);
		r = alert_mute_end_decide(d, &id, err);
		r = r == ERR_CONFLICT || r == ERR_NOT_FOUND ? OK : r;
	}
	return r;
}

/* ---- announcing ---- */

static enum err bad(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, field);
	return ERR_INVALID;
}

static enum err check_services(struct decision *d, struct str json, struct error *err)
{
	struct str *names;
	size_t count;
	enum err r = comms_services(json, d->arena, COMMS_SERVICES_MAX, &names, &count, err);
	for (size_t i = 0; r == OK && i < count; i++) {
		struct catalog_service service;
		r = catalog_service_get(d->conn, names[i], d->arena, &service, err);
		if (r == OK && !service.known) {
			error_set(err, ERR_INVALID, "there is no service \"" STR_FMT "\"", STR_ARG(names[i]));
			error_field(err, "services");
			return ERR_INVALID;
		}
	}
	return r == OK && count == 0 ? bad(err, "services", "maintenance is of at least one service") : r;
}

static enum err check_put(struct decision *d, const struct comms_maintenance_put *put,
			  const struct comms_maintenance *before, struct error *err)
{
	cleanup_buf struct buf shown;
	buf_init(&shown, 8 * COMMS_TEXT_BYTES_MAX);
	if (str_trim(put->title).len == 0 || put->title.len > COMMS_TITLE_BYTES_MAX)
		return bad(err, "title", "maintenance has a title of at most 120 bytes");
	if (put->text.len > COMMS_TEXT_BYTES_MAX || markdown_html(put->text, 3, &shown, err) != OK)
		return bad(err, "text", "the text is too long, or cannot be shown");
	if (put->until - put->from < COMMS_MAINTENANCE_LEAST || put->until - put->from > COMMS_MAINTENANCE_MOST)
		return bad(err, "until", "maintenance lasts from 15 minutes to 7 days");
	if (put->until <= d->now)
		return bad(err, "until", "maintenance ends in the future");
	if (before != NULL && is_over(before))
		return error_set(err, ERR_CONFLICT, "maintenance %lld is over", (long long)before->id);
	if (before != NULL && runs(before) && put->from != before->from)
		return bad(err, "from", "it has begun already; only its end can change");
	return check_services(d, put->services, err);
}

static void emit_moved(struct decision *d, int64_t id, struct str to, bool early, struct str text, struct str mutes)
{
	struct event_maintenance_moved moved = {
		.maintenance = id, .to = to, .early = early, .text = text, .mutes = mutes,
	};
	decision_emit(d, EVENT_MAINTENANCE_MOVED, id, &moved);
}

/* Its mutes follow what it says now: they end, and begin again until the new end. */
static enum err renew_mutes(struct decision *d, const struct comms_maintenance *before,
			    const struct event_maintenance_put *e, struct error *err)
{
	struct comms_maintenance now = *before;
	struct str mutes;
	now.services = e->services;
	now.mute = e->mute;
	now.title = e->title;
	enum err r = start_mutes(d, &now, e->until, &mutes, err);
	if (r == OK)
		r = end_mutes(d, before, err);
	if (r == OK)
		emit_moved(d, before->id, before->state, true, STR_NONE, mutes);
	return r;
}

/* The last of what may be said is kept for its beginning and its end. */
static enum err check_talk(struct decision *d, int64_t maintenance, struct error *err)
{
	int64_t count = 0;
	enum err r = subscriber_notice_count(d->conn, maintenance, &count, err);
	if (r == OK && count >= COMMS_NOTICES_MOST)
		return error_set(err, ERR_CONFLICT, "this work was changed and spoken of %u times; announce another",
				 COMMS_NOTICES_MOST);
	return r;
}

enum err comms_maintenance_put_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_maintenance_put *put = args;
	struct comms_maintenance before;
	bool old = put->maintenance != 0;
	enum err r = old ? comms_maintenance_get(d->conn, put->maintenance, d->arena, &before, err) : OK;
	if (r == OK)
		r = check_put(d, put, old ? &before : NULL, err);
	if (r == OK && old)
		r = check_talk(d, put->maintenance, err);
	if (r != OK)
		return r;
	struct event_maintenance_put e = {
		.maintenance = old ? put->maintenance : decision_new_id(d, "maintenance"),
		.title = str_trim(put->title),
		.text = str_trim(put->text),
		.services = put->services,
		.from = put->from,
		.until = put->until,
		.mute = put->mute,
		.public = put->is_public,
	};
	if (put->ret_maintenance != NULL)
		*put->ret_maintenance = e.maintenance;
	decision_emit(d, EVENT_MAINTENANCE_PUT, e.maintenance, &e);
	return old && runs(&before) ? renew_mutes(d, &before, &e, err) : OK;
}

/* ---- moving ---- */

static bool may_move(const struct comms_maintenance *m, struct str to)
{
	static const struct {
		const char *from, *to;
	} moves[] = {
		{ "scheduled", "in_progress" }, { "scheduled", "cancelled" }, { "in_progress", "verifying" },
		{ "in_progress", "completed" }, { "in_progress", "cancelled" }, { "verifying", "in_progress" },
		{ "verifying", "completed" }, { "verifying", "cancelled" },
	};
	for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
		if (str_is(m->state, moves[i].from) && str_is(to, moves[i].to))
			return true;
	}
	return false;
}

static enum err move(struct decision *d, const struct comms_maintenance *m, struct str to, bool early, struct str text,
		     struct error *err)
{
	struct str mutes = m->mutes;
	enum err r = OK;
	if (str_is(m->state, "scheduled") && str_is(to, "in_progress")) {
		r = start_mutes(d, m, m->until, &mutes, err);
	} else if (str_is(to, "completed") || str_is(to, "cancelled")) {
		r = end_mutes(d, m, err);
		mutes = STR("[]");
	}
	if (r == OK)
		emit_moved(d, m->id, to, early, text, mutes);
	return r;
}

enum err comms_maintenance_move_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_maintenance_move *asked = args;
	struct comms_maintenance m;
	enum err r = comms_maintenance_get(d->conn, asked->maintenance, d->arena, &m, err);
	if (r != OK)
		return r;
	if (!may_move(&m, asked->to))
		return error_set(err, ERR_CONFLICT, "maintenance %lld is " STR_FMT " and cannot become " STR_FMT,
				 (long long)m.id, STR_ARG(m.state), STR_ARG(asked->to));
	if (asked->text.len > COMMS_TEXT_BYTES_MAX)
		return bad(err, "text", "the text is too long");
	return move(d, &m, asked->to, true, str_trim(asked->text), err);
}

enum err comms_maintenance_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct comms_maintenance m;
	enum err r = comms_maintenance_get(d->conn, timer->of, d->arena, &m, err);
	if (r != OK)
		return r;
	struct str to = str_is(m.state, "scheduled") ? STR("in_progress") : STR("completed");
	return move(d, &m, to, false, STR_NONE, err);
}

enum err comms_notice_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct event_maintenance_reminded reminded = { .maintenance = timer->of };
	(void)err;
	decision_emit(d, EVENT_MAINTENANCE_REMINDED, timer->of, &reminded);
	return OK;
}

enum err comms_maintenance_note_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_maintenance_note *note = args;
	struct comms_maintenance m;
	enum err r = comms_maintenance_get(d->conn, note->maintenance, d->arena, &m, err);
	if (r != OK)
		return r;
	if (str_trim(note->text).len == 0 || note->text.len > COMMS_TEXT_BYTES_MAX)
		return bad(err, "text", "news has a text of at most 20000 bytes");
	r = check_talk(d, m.id, err);
	if (r != OK)
		return r;
	struct event_maintenance_noted noted = { .maintenance = m.id, .text = str_trim(note->text) };
	decision_emit(d, EVENT_MAINTENANCE_NOTED, m.id, &noted);
	return OK;
}

/* ---- statuses set by hand ---- */

struct finding {
	struct str service;
	int64_t id, found;
};

static bool see_override(void *context, const struct comms_override *override)
{
	struct finding *finding = context;
	if (finding->id != 0 ? override->id != finding->id : !str_eq(override->service, finding->service))
		return true;
	finding->found = override->id;
	return false;
}

static void release(struct decision *d, int64_t id, bool early)
{
	struct event_component_released released = { .override = id, .early = early };
	decision_emit(d, EVENT_COMPONENT_RELEASED, id, &released);
}

/* A newer word about a service takes the place of the older. */
enum err comms_override_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_override_put *put = args;
	struct catalog_service service;
	struct finding before = { .service = put->service };
	enum err r = catalog_service_get(d->conn, put->service, d->arena, &service, err);
	if (r == OK && !service.known)
		return bad(err, "service", "there is no such service");
	if (comms_status_rank(put->status) < 0)
		return bad(err, "status", "there is no such status");
	if (str_trim(put->reason).len == 0 || put->reason.len > COMMS_REASON_BYTES_MAX)
		return bad(err, "reason", "a status set by hand has a reason that others can read");
	if (put->duration < COMMS_OVERRIDE_LEAST || put->duration > COMMS_OVERRIDE_MOST)
		return bad(err, "duration", "a status set by hand holds from one minute to 7 days");
	if (r == OK)
		r = comms_overrides(d->conn, d->arena, see_override, &before, err);
	if (r != OK)
		return r;
	if (before.found != 0)
		release(d, before.found, true);
	struct event_component_overridden e = {
		.override = decision_new_id(d, "component_override"),
		.service = put->service,
		.status = put->status,
		.until = d->now + put->duration,
		.reason = str_trim(put->reason),
	};
	if (put->ret_override != NULL)
		*put->ret_override = e.override;
	decision_emit(d, EVENT_COMPONENT_OVERRIDDEN, e.override, &e);
	return OK;
}

enum err comms_release_decide(struct decision *d, const void *args, struct error *err)
{
	struct finding finding = { .id = *(const int64_t *)args };
	enum err r = comms_overrides(d->conn, d->arena, see_override, &finding, err);
	if (r != OK)
		return r;
	if (finding.found == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no status set by hand with the number %lld",
				 (long long)finding.id);
	release(d, finding.id, true);
	return OK;
}

enum err comms_release_due(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)err;
	release(d, timer->of, false);
	return OK;
}
