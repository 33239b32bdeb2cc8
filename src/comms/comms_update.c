/* comms_update.c: writing, taking back and correcting updates. See comms.h for their life. */
#include <assert.h>

#include "base/buf.h"
#include "catalog/catalog.h"
#include "comms/comms_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"
#include "wire/markdown.h"

/* ---- components ---- */

enum err comms_components(struct str json, struct arena *arena, struct comms_component **ret_rows, size_t *ret_count,
			  struct error *err)
{
	const struct doc_node *list = NULL;
	enum err r = OK;
	*ret_rows = NULL;
	*ret_count = 0;
	if (json.len == 0)
		return OK;
	r = doc_json_parse(json, arena, DOC_LIMITS_DEFAULT, NULL, &list, err);
	if (r != OK)
		return r;
	size_t count = doc_count(list);
	if (!doc_is(list, DOC_LIST) || count > COMMS_COMPONENTS_MAX)
		return error_set(err, ERR_INVALID, "the components are no list of at most %u", COMMS_COMPONENTS_MAX);
	struct comms_component *rows = arena_array(arena, struct comms_component, count > 0 ? count : 1);
	for (size_t i = 0; i < count; i++) {
		rows[i].service = doc_text(doc_get(doc_at(list, i), "service"), "");
		rows[i].status = doc_text(doc_get(doc_at(list, i), "status"), "");
		if (!str_is_name(rows[i].service) || comms_status_rank(rows[i].status) < 0)
			return error_set(err, ERR_INVALID, "a component names a service and a status");
	}
	*ret_rows = rows;
	*ret_count = count;
	return OK;
}

static struct str print_components(struct arena *arena, const struct comms_component *rows, size_t count)
{
	cleanup_buf struct buf out;
	struct json_writer json;
	buf_init(&out, 64u << 10);
	json_init(&json, &out);
	json_list_begin(&json);
	for (size_t i = 0; i < count; i++) {
		json_map_begin(&json);
		json_field_text(&json, "service", rows[i].service);
		json_field_text(&json, "status", rows[i].status);
		json_map_end(&json);
	}
	json_list_end(&json);
	json_finish(&json);
	assert(!out.full);
	return arena_str(arena, buf_str(&out));
}

/* What is over affects nothing; the rest stands until somebody says otherwise. */
static struct str status_for(const struct incident *incident, struct str state)
{
	if (str_is(state, "resolved"))
		return STR("operational");
	return str_is(incident->impact, "high")	  ? STR("major_outage")
	       : str_is(incident->impact, "medium") ? STR("partial_outage")
						    : STR("degraded_performance");
}

static enum err all_services_known(struct decision *d, const struct comms_component *rows, size_t count,
				   struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct catalog_service service;
		enum err r = catalog_service_get(d->conn, rows[i].service, d->arena, &service, err);
		if (r != OK || service.known)
			continue;
		error_set(err, ERR_INVALID, "there is no service \"" STR_FMT "\"", STR_ARG(rows[i].service));
		error_field(err, "components");
		return ERR_INVALID;
	}
	return OK;
}

/* What was given; else what the update before said, or the incident's own service. */
static enum err components_of(struct decision *d, const struct comms_post *post, const struct incident *incident,
			      const struct comms_update *last, struct str *ret_json, struct error *err)
{
	struct comms_component *rows, own = { .service = incident->service };
	size_t count;
	enum err r = comms_components(post->components.len > 0 || last == NULL ? post->components : last->components,
				      d->arena, &rows, &count, err);
	if (r == OK && post->components.len > 0)
		r = all_services_known(d, rows, count, err);
	if (r != OK)
		return r;
	if (count == 0 && post->components.len == 0 && incident->service.len > 0) {
		own.status = status_for(incident, post->state);
		rows = &own;
		count = 1;
	}
	for (size_t i = 0; i < count && post->components.len == 0 && str_is(post->state, "resolved"); i++)
		rows[i].status = STR("operational");
	*ret_json = print_components(d->arena, rows, count);
	return OK;
}

/* ---- posting ---- */

static enum err check_text(struct str text, struct error *err)
{
	cleanup_buf struct buf shown;
	buf_init(&shown, 8 * COMMS_TEXT_BYTES_MAX);
	enum err r = OK;
	if (str_trim(text).len == 0)
		r = error_set(err, ERR_INVALID, "an update has a text");
	else if (text.len > COMMS_TEXT_BYTES_MAX)
		r = error_set(err, ERR_TOO_LARGE, "the update is longer than %u bytes", COMMS_TEXT_BYTES_MAX);
	else
		r = markdown_html(text, 3, &shown, err);
	if (r != OK)
		error_field(err, "text");
	return r;
}

/* News for customers stands on a page that everybody reads: of what not everybody may know, there is none. */
static enum err check_audience(const struct comms_post *post, const struct incident *incident, struct error *err)
{
	if (!comms_is_public(post->audience) || str_is(incident->visibility, "everyone"))
		return OK;
	error_set(err, ERR_CONFLICT, "incident %lld is not for everybody, so customers are told nothing of it",
		  (long long)incident->id);
	error_hint(err, "write to engineers or executives instead");
	error_field(err, "audience");
	return ERR_CONFLICT;
}

static enum err check_next(const struct decision *d, const struct comms_post *post, struct error *err)
{
	if (post->next_at == TIME_NONE || post->next_at > d->now)
		return OK;
	error_set(err, ERR_INVALID, "the next update is promised for a time that has passed");
	error_field(err, "next_at");
	return ERR_INVALID;
}

/* "Problem with Shop": never the incident's own title, which may name hosts and people. */
static enum err title_for(struct decision *d, const struct comms_post *post, const struct incident *incident,
			  const struct comms_update *last, struct str *ret_title, struct error *err)
{
	struct catalog_service service;
	struct str given = str_trim(post->title);
	*ret_title = STR_NONE;
	if (!comms_is_public(post->audience))
		return OK;
	if (given.len > COMMS_TITLE_BYTES_MAX)
		return error_set(err, ERR_INVALID, "the title is longer than %u bytes", COMMS_TITLE_BYTES_MAX);
	if (given.len > 0 || last != NULL) {
		*ret_title = given.len > 0 ? given : last->title;
		return OK;
	}
	enum err r = catalog_service_get(d->conn, incident->service, d->arena, &service, err);
	if (r == OK)
		*ret_title = service.display.len > 0
				     ? arena_printf(d->arena, "Problem with " STR_FMT, STR_ARG(service.display))
				     : STR("Service disruption");
	return r;
}

enum err comms_post_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_post *post = args;
	struct incident incident;
	struct comms_update last;
	bool found = false;
	enum err r = check_text(post->text, err);
	if (r == OK)
		r = incident_get(d->conn, post->incident, d->arena, &incident, err);
	if (r == OK)
		r = check_audience(post, &incident, err);
	if (r == OK)
		r = check_next(d, post, err);
	if (r == OK)
		r = comms_update_last(d->conn, post->incident, comms_is_public(post->audience), d->arena, &found, &last,
				      err);
	if (r != OK)
		return r;
	struct event_update_posted posted = {
		.incident = post->incident,
		.audience = str_of(comms_audience_name(post->audience)),
		.state = post->state,
		.text = str_trim(post->text),
		.next_at = post->next_at,
		.public_at = d->now + COMMS_UNDO_WITHIN,
	};
	r = components_of(d, post, &incident, found ? &last : NULL, &posted.components, err);
	if (r == OK)
		r = title_for(d, post, &incident, found ? &last : NULL, &posted.title, err);
	if (r == OK)
		r = comms_due_after(d, &incident, post->audience, post->state, post->next_at, &posted.due, err);
	if (r != OK)
		return r;
	posted.update = decision_new_id(d, "update");
	if (post->ret_update != NULL)
		*post->ret_update = posted.update;
	decision_emit(d, EVENT_UPDATE_POSTED, post->incident, &posted);
	return OK;
}

enum err comms_publish_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct comms_update update;
	enum err r = comms_update_get(d->conn, timer->of, d->arena, &update, err);
	if (r != OK)
		return r;
	struct event_update_published published = { .incident = update.incident, .update = update.id };
	decision_emit(d, EVENT_UPDATE_PUBLISHED, update.incident, &published);
	return OK;
}

/* ---- taking back, correcting ---- */

static enum err update_of(struct decision *d, int64_t incident, int64_t id, struct comms_update *ret_update,
			  struct error *err)
{
	enum err r = comms_update_get(d->conn, id, d->arena, ret_update, err);
	if (r == OK && ret_update->incident != incident)
		r = error_set(err, ERR_NOT_FOUND, "incident %lld has no update %lld", (long long)incident,
			      (long long)id);
	return r;
}

enum err comms_withdraw_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_withdraw *withdraw = args;
	struct comms_update update;
	enum err r = update_of(d, withdraw->incident, withdraw->update, &update, err);
	if (r != OK)
		return r;
	if (update.withdrawn != TIME_NONE)
		return error_set(err, ERR_CONFLICT, "update %lld was already taken back", (long long)update.id);
	if (update.posted_by != withdraw->user)
		return error_set(err, ERR_DENIED, "only who wrote it can take it back");
	if (update.published != TIME_NONE || d->now >= update.public_at) {
		error_set(err, ERR_CONFLICT, "update %lld has gone out", (long long)update.id);
		error_hint(err, "correct it, or write another");
		return ERR_CONFLICT;
	}
	struct event_update_withdrawn withdrawn = { .incident = update.incident, .update = update.id };
	decision_emit(d, EVENT_UPDATE_WITHDRAWN, update.incident, &withdrawn);
	return OK;
}

enum err comms_rate_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_rate *rate = args;
	struct comms_update update;
	struct comms_rating rating;
	enum err r = comms_update_get(d->conn, rate->update, d->arena, &update, err);
	if (r == OK)
		r = comms_rating_get(d->conn, rate->update, &rating, err);
	if (r != OK)
		return r;
	if (!comms_is_public(update.audience) || update.published == TIME_NONE || update.withdrawn != TIME_NONE)
		return error_set(err, ERR_NOT_FOUND, "there is no such update");
	if (rating.helped + rating.unsure >= COMMS_RATINGS_MAX)
		return OK;
	struct event_rating_given given = { update.id, rate->helped };
	decision_emit(d, EVENT_RATING_GIVEN, update.id, &given);
	return OK;
}

enum err comms_edit_decide(struct decision *d, const void *args, struct error *err)
{
	const struct comms_edit *edit = args;
	struct comms_update update;
	struct comms_component *rows;
	size_t count;
	enum err r = update_of(d, edit->incident, edit->update, &update, err);
	if (r == OK)
		r = check_text(edit->text, err);
	if (r == OK)
		r = comms_components(edit->components.len > 0 ? edit->components : update.components, d->arena, &rows,
				     &count, err);
	if (r == OK && edit->components.len > 0)
		r = all_services_known(d, rows, count, err);
	if (r != OK)
		return r;
	if (update.withdrawn != TIME_NONE)
		return error_set(err, ERR_CONFLICT, "update %lld was taken back", (long long)update.id);
	struct event_update_edited edited = {
		.incident = update.incident,
		.update = update.id,
		.text = str_trim(edit->text),
		.components = print_components(d->arena, rows, count),
		.reason = edit->reason,
	};
	decision_emit(d, EVENT_UPDATE_EDITED, update.incident, &edited);
	return OK;
}
