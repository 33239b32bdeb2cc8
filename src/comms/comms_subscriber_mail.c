/*
 * comms_subscriber_mail.c: what subscribers are sent: the question whether they want it, and updates.
 *
 * How news goes out to many is told in comms_subscriber_news.c.
 */
#include <assert.h>

#include "comms/comms.h"
#include "comms/comms_letter.h"
#include "comms/comms_page.h"
#include "comms/comms_subscriber_priv.h"
#include "incident/incident.h"
#include "wire/json_writer.h"

#define CONFIRM "confirm"
#define WEBHOOK_BYTES_MAX 40000u

enum err subscriber_mail_confirm(struct decision *d, const struct subscriber_private *to, struct str name,
				 struct error *err)
{
	struct notify_bulk *bulk = arena_new(d->arena, struct notify_bulk);
	struct comms_page *page = NULL;
	struct str of = STR_NONE;
	enum err r = name.len > 0 ? comms_page_outline(d->conn, NULL, name, d->arena, &page, err) : OK;
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	if (page != NULL)
		of = arena_printf(d->arena, " of " STR_FMT, STR_ARG(page->title));
	*bulk = (struct notify_bulk){
		.purpose = STR(CONFIRM), .party = to->subscriber, .channel = STR("email"), .address = to->address,
		.due = d->now,
	};
	struct comms_letter letter = {
		.title = STR("Do you want to be told of updates?"),
		.text = arena_printf(d->arena,
				     "Somebody, probably you, asked that news of problems and planned work" STR_FMT
				     " be sent to this address.\n\nIf it was you, open the link and press the button. If "
				     "it was not, do nothing: you get no further mail, and your address is erased in "
				     "seven days.", STR_ARG(of)),
		.link_text = STR("Yes, tell me:"),
		.link = subscriber_link(d->arena, to->subscriber, to->secret),
	};
	comms_letter_write(d->arena, &letter, bulk);
	decision_work(d, notify_bulk_put, bulk);
	return OK;
}

void subscriber_mail_drop(struct decision *d, int64_t subscriber)
{
	static const char *const purposes[] = { CONFIRM, SUBSCRIBER_UPDATE, SUBSCRIBER_WORK };
	for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		struct notify_bulk *row = arena_new(d->arena, struct notify_bulk);
		*row = (struct notify_bulk){ .purpose = str_of(purposes[i]), .party = subscriber };
		decision_work(d, notify_bulk_drop, row);
	}
}

/* ---- an update ---- */

static struct str hook_of(struct decision *d, const struct subscriber_news *news, const struct subscriber *to)
{
	const struct comms_update *update = news->context;
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, WEBHOOK_BYTES_MAX);
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_cstr(&json, "type", "update");
	json_field_int(&json, "update", update->id);
	json_field_int(&json, "subscriber", to->id);
	json_field_text(&json, "state", update->state);
	json_field_text(&json, "title", news->title);
	json_field_text(&json, "text", str_sub(update->text, 0, 6000));
	json_key(&json, "components");
	json_raw(&json, update->components.len > 0 ? update->components : STR("[]"));
	json_field_time(&json, "next_update_at", update->next_at);
	json_field_time(&json, "published_at", update->public_at);
	json_map_end(&json);
	json_finish(&json);
	return buf.full ? STR("{}") : arena_str(d->arena, buf_str(&buf));
}

static const char *state_words(struct str state)
{
	return str_is(state, "investigating") ? "Investigating"
	       : str_is(state, "identified")  ? "Identified"
	       : str_is(state, "monitoring")  ? "Monitoring"
					      : "Resolved";
}

static struct str text_of(struct decision *d, const struct subscriber_news *news, const struct comms_page *page)
{
	const struct comms_update *update = news->context;
	if (update->next_at == TIME_NONE)
		return update->text;
	struct str when = comms_page_time(page, update->next_at, d->arena);
	return arena_printf(d->arena, STR_FMT "\n\nThe next news comes by " STR_FMT ".", STR_ARG(update->text), STR_ARG(when));
}

/* "Resolved: Payments fail", what is affected, the text, when news comes next. */
static enum err write_news(struct decision *d, const struct comms_update *update, struct subscriber_news *ret_news,
			   struct error *err)
{
	struct comms_component *components;
	size_t count;
	enum err r = comms_components(update->components, d->arena, &components, &count, err);
	if (r != OK)
		return r;
	struct str *services = arena_array(d->arena, struct str, count > 0 ? count : 1);
	for (size_t i = 0; i < count; i++)
		services[i] = components[i].service;
	struct str title = update->title.len > 0 ? update->title : STR("An update");
	*ret_news = (struct subscriber_news){
		.purpose = STR(SUBSCRIBER_UPDATE),
		.seq = update->id,
		.title = str_sub(arena_printf(d->arena, "%s: " STR_FMT, state_words(update->state), STR_ARG(title)), 0,
				 BULK_TITLE_BYTES_MAX),
		.about = "Affected: ",
		.text = text_of,
		.services = services,
		.service_count = count,
		.hook = hook_of,
		.context = update,
	};
	return OK;
}

/* Looks again: since it was published its incident may have become the business of few. */
static enum err is_for_them(struct decision *d, const struct comms_update *update, bool *ret_is, struct error *err)
{
	struct incident incident;
	enum err r = incident_get(d->conn, update->incident, d->arena, &incident, err);
	if (r == OK)
		*ret_is = comms_is_public(update->audience) && update->published != TIME_NONE &&
			  update->withdrawn == TIME_NONE && str_is(incident.visibility, "everyone");
	return r;
}

enum err subscriber_mail_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct comms_update update;
	struct subscriber_news news;
	struct subscriber_slice slice = { .done = true };
	bool goes = false;
	enum err r = comms_update_get(d->conn, timer->of, d->arena, &update, err);
	if (r == OK)
		r = subscriber_told_up_to(d->conn, timer->of, &slice.up_to, err);
	if (r == OK)
		r = is_for_them(d, &update, &goes, err);
	if (r == OK && goes) {
		r = write_news(d, &update, &news, err);
		if (r == OK)
			r = subscriber_tell(d, &news, &slice, err);
	}
	if (r != OK)
		return r;
	struct event_subscriber_told told = {
		.update = timer->of, .up_to = slice.up_to, .count = slice.told, .done = slice.done,
	};
	decision_emit(d, EVENT_SUBSCRIBER_TOLD, timer->of, &told);
	return OK;
}
