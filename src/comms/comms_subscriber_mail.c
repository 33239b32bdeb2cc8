/*
 * comms_subscriber_mail.c: what subscribers are sent: the question whether they want it, and updates.
 *
 * An update goes out in slices of subscribers, one a turn of the timer, each recorded (subscriber.told): telling
 * many holds up nobody, and after a crash it goes on where it was.
 */
#include <assert.h>

#include "catalog/catalog.h"
#include "comms/comms.h"
#include "comms/comms_letter.h"
#include "comms/comms_subscriber_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

#define CONFIRM "confirm"
#define WEBHOOK_BYTES_MAX 40000u

static struct str link_of(struct arena *arena, int64_t subscriber, struct str secret)
{
	return arena_printf(arena, NOTIFY_BASE SUBSCRIBER_LINK_PATH "%lld-" STR_FMT, (long long)subscriber,
			    STR_ARG(secret));
}

void subscriber_mail_confirm(struct decision *d, const struct subscriber_private *to)
{
	struct notify_bulk *bulk = arena_new(d->arena, struct notify_bulk);
	*bulk = (struct notify_bulk){
		.purpose = STR(CONFIRM), .party = to->subscriber, .channel = STR("email"), .address = to->address,
		.due = d->now,
	};
	struct comms_letter letter = {
		.title = STR("Do you want to be told of updates?"),
		.text = STR("Somebody, probably you, asked that news of problems and planned work be sent to this "
			    "address.\n\nIf it was you, open the link and press the button. If it was not, do nothing: "
			    "you get no further mail, and your address is erased in seven days."),
		.link_text = STR("Yes, tell me:"),
		.link = link_of(d->arena, to->subscriber, to->secret),
	};
	comms_letter_write(d->arena, &letter, bulk);
	decision_work(d, notify_bulk_put, bulk);
}

void subscriber_mail_drop(struct decision *d, int64_t subscriber)
{
	static const char *const purposes[] = { CONFIRM, SUBSCRIBER_UPDATE };
	for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		struct notify_bulk *row = arena_new(d->arena, struct notify_bulk);
		*row = (struct notify_bulk){ .purpose = str_of(purposes[i]), .party = subscriber };
		decision_work(d, notify_bulk_drop, row);
	}
}

/* ---- an update ---- */

struct telling {
	struct decision *d;
	struct comms_update update;
	struct comms_component *components;
	size_t component_count;
	struct str title, words; /* for people */
	int64_t last;
	unsigned seen, told;
	struct error *err;
	enum err result;
};

/* A subscriber to some services hears of an update that names one of them, or none at all. */
static bool concerns(struct telling *telling, struct str wanted)
{
	const struct doc_node *names;
	if (telling->component_count == 0 ||
	    doc_json_parse(wanted, telling->d->arena, DOC_LIMITS_DEFAULT, NULL, &names, NULL) != OK ||
	    doc_count(names) == 0)
		return true;
	for (size_t i = 0; i < doc_count(names); i++) {
		struct str name = doc_text(doc_at(names, i), "");
		for (size_t j = 0; j < telling->component_count; j++) {
			if (str_eq(name, telling->components[j].service))
				return true;
		}
	}
	return false;
}

static struct str hook_of(struct telling *telling, const struct subscriber *to)
{
	const struct comms_update *update = &telling->update;
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, WEBHOOK_BYTES_MAX);
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_cstr(&json, "type", "update");
	json_field_int(&json, "update", update->id);
	json_field_int(&json, "subscriber", to->id);
	json_field_text(&json, "state", update->state);
	json_field_text(&json, "title", telling->title);
	json_field_text(&json, "text", str_sub(update->text, 0, 6000));
	json_key(&json, "components");
	json_raw(&json, update->components.len > 0 ? update->components : STR("[]"));
	json_field_time(&json, "next_update_at", update->next_at);
	json_field_time(&json, "published_at", update->public_at);
	json_map_end(&json);
	json_finish(&json);
	return buf.full ? STR("{}") : arena_str(telling->d->arena, buf_str(&buf));
}

static bool tell(void *context, const struct subscriber *to)
{
	struct telling *telling = context;
	struct decision *d = telling->d;
	struct subscriber_private private;
	bool found;
	telling->seen++;
	telling->last = to->id;
	if (!concerns(telling, to->components))
		return true;
	telling->result = subscriber_private_get(d->conn, to->id, d->arena, &found, &private, telling->err);
	if (telling->result != OK || !found)
		return telling->result == OK;
	struct notify_bulk *bulk = arena_new(d->arena, struct notify_bulk);
	*bulk = (struct notify_bulk){
		.purpose = STR(SUBSCRIBER_UPDATE), .seq = telling->update.id, .party = to->id, .channel = to->channel,
		.address = private.address, .secret = private.signing, .due = d->now,
	};
	if (str_is(to->channel, "email")) {
		bulk->unsubscribe = link_of(d->arena, to->id, private.secret);
		struct comms_letter letter = {
			.title = telling->title,
			.text = telling->words,
			.foot_text = STR("You get this because you asked for it. Leave, or change your mind:"),
			.foot_link = bulk->unsubscribe,
		};
		comms_letter_write(d->arena, &letter, bulk);
	} else {
		bulk->title = telling->title;
		bulk->text = hook_of(telling, to);
	}
	decision_work(d, notify_bulk_put, bulk);
	telling->told++;
	return true;
}

static const char *state_words(struct str state)
{
	return str_is(state, "investigating") ? "Investigating"
	       : str_is(state, "identified")  ? "Identified"
	       : str_is(state, "monitoring")  ? "Monitoring"
					      : "Resolved";
}

/* "Resolved: Payments fail", and below it what is affected, the text, when news comes next. */
static enum err write_words(struct telling *telling, struct error *err)
{
	struct decision *d = telling->d;
	const struct comms_update *update = &telling->update;
	char next[TIME_TEXT_BYTES];
	struct str affected = STR_NONE;
	for (size_t i = 0; i < telling->component_count; i++) {
		struct catalog_service service;
		enum err r = catalog_service_get(d->conn, telling->components[i].service, d->arena, &service, err);
		if (r != OK)
			return r;
		affected = arena_printf(d->arena, STR_FMT "%s" STR_FMT, STR_ARG(affected), i > 0 ? ", " : "Affected: ",
					STR_ARG(service.display));
	}
	struct str when = STR_NONE;
	if (update->next_at != TIME_NONE) {
		time_format(update->next_at, next);
		when = arena_printf(d->arena, "\n\nThe next news comes by %s.", next);
	}
	struct str title = update->title.len > 0 ? update->title : STR("An update");
	telling->title = str_sub(arena_printf(d->arena, "%s: " STR_FMT, state_words(update->state), STR_ARG(title)), 0,
				 BULK_TITLE_BYTES_MAX);
	telling->words = arena_printf(d->arena, STR_FMT "%s" STR_FMT "%s" STR_FMT STR_FMT, STR_ARG(telling->title),
				      affected.len > 0 ? "\n" : "", STR_ARG(affected), "\n\n", STR_ARG(update->text),
				      STR_ARG(when));
	return OK;
}

static bool is_for_them(const struct comms_update *update)
{
	return comms_is_public(update->audience) && update->published != TIME_NONE && update->withdrawn == TIME_NONE;
}

enum err subscriber_mail_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct telling telling = { .d = d, .err = err };
	struct subscriber_filter filter = { .states = STR("active"), .limit = SUBSCRIBER_SLICE };
	enum err r = comms_update_get(d->conn, timer->of, d->arena, &telling.update, err);
	if (r == OK)
		r = subscriber_told_up_to(d->conn, timer->of, &filter.after_id, err);
	telling.last = filter.after_id;
	if (r == OK && is_for_them(&telling.update)) {
		r = comms_components(telling.update.components, d->arena, &telling.components,
				     &telling.component_count, err);
		if (r == OK)
			r = write_words(&telling, err);
		if (r == OK)
			r = subscriber_list(d->conn, &filter, d->arena, tell, &telling, err);
	}
	if (r != OK || telling.result != OK)
		return r != OK ? r : telling.result;
	struct event_subscriber_told told = {
		.update = timer->of, .up_to = telling.last, .count = telling.told,
		.done = telling.seen < SUBSCRIBER_SLICE,
	};
	decision_emit(d, EVENT_SUBSCRIBER_TOLD, timer->of, &told);
	return OK;
}
