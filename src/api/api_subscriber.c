/* api_subscriber.c: who outside is told of updates: the manager's list, and the pages of those who subscribe. */
#include "api/api_front.h"

#include <string.h>

#include "api/api_handlers.h"
#include "api/api_template.h"
#include "catalog/catalog.h"
#include "comms/comms_subscriber.h"
#include "notify/notify_bulk.h"
#include "wire/doc_json.h"

#define SUBSCRIBE_FORM API_TEMPLATES "subscribe.html"
#define SERVICE_FIELD STR("service.")

/* ---- writing ---- */

static void write_services(struct api_call *call, const char *key, struct str components)
{
	const struct doc_node *names;
	json_key(&call->json, key);
	json_list_begin(&call->json);
	if (doc_json_parse(components, &call->arena, DOC_LIMITS_DEFAULT, NULL, &names, NULL) == OK) {
		for (size_t i = 0; i < doc_count(names); i++)
			json_text(&call->json, doc_text(doc_at(names, i), ""));
	}
	json_list_end(&call->json);
}

static void write_subscriber(struct api_call *call, const struct subscriber *subscriber)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", subscriber->id);
	json_field_text(json, "state", subscriber->state);
	json_field_text(json, "channel", subscriber->channel);
	json_field_text_or_null(json, "address", subscriber->address);
	write_services(call, "services", subscriber->components);
	json_field_text_or_null(json, "page", subscriber->page);
	json_field_text(json, "source", subscriber->source);
	json_field_time(json, "added_at", subscriber->added);
	json_field_time(json, "confirmed_at", subscriber->confirmed);
	json_field_int(json, "refusals", subscriber->failures);
	json_field_time(json, "refused_at", subscriber->refused);
	json_map_end(json);
}

static enum err write_one(struct api_call *call, struct error *err)
{
	struct subscriber subscriber;
	enum err r = subscriber_get(call->conn, *(const int64_t *)call->context, &call->arena, &subscriber, err);
	if (r == OK)
		write_subscriber(call, &subscriber);
	return r;
}

/* ---- reading ---- */

struct listing {
	struct api_call *call;
	struct api_list list;
};

static bool list_subscriber(void *context, const struct subscriber *subscriber)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, subscriber->id, STR_NONE))
		return false;
	write_subscriber(listing->call, subscriber);
	return true;
}

enum err api_subscriber_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct subscriber_filter filter = { .states = api_query(call, "state"), .text = api_query(call, "q") };
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.after_id = listing.list.before_id; /* of the cursor: oldest first */
	filter.limit = listing.list.limit + 1;
	r = subscriber_list(call->conn, &filter, &call->arena, list_subscriber, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

enum err api_subscriber_counts(struct api_call *call, struct error *err)
{
	struct subscriber_count count;
	int64_t waiting;
	enum err r = subscriber_counts(call->conn, &count, err);
	if (r == OK)
		r = notify_bulk_waiting(call->conn, &waiting, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_int(&call->json, "active", count.active);
	json_field_int(&call->json, "unconfirmed", count.unconfirmed);
	json_field_int(&call->json, "suspended", count.suspended);
	json_field_int(&call->json, "mails_waiting", waiting);
	json_map_end(&call->json);
	return OK;
}

static enum err find(struct api_call *call, int64_t *ret_id, struct error *err)
{
	struct subscriber subscriber;
	enum err r = api_id(call, 0, ret_id, err);
	if (r == OK)
		r = subscriber_get(call->conn, *ret_id, &call->arena, &subscriber, err);
	if (r == OK && str_is(subscriber.state, "removed"))
		r = error_set(err, ERR_NOT_FOUND, "there is no subscriber %lld", (long long)*ret_id);
	return r;
}

/* All that is kept of a subscriber: what somebody gets who asks for their data. */
enum err api_subscriber_get(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = find(call, &id, err);
	call->context = &id;
	return r == OK ? write_one(call, err) : r;
}

/* ---- the manager's changes ---- */

static const char *const channels[] = { "email", "webhook", NULL };
static const struct spec_field service_item = { .name = "service", .type = SPEC_NAME, .about = "A service." };
#define SERVICES \
	{ .name = "services", .type = SPEC_LIST, .item = &service_item, .flags = SPEC_UNIQUE, \
	  .max = SUBSCRIBER_SERVICES_MAX, .about = "What they hear of; all when empty." }

static const struct spec_field add_fields[] = {
	{ .name = "channel", .type = SPEC_CHOICE, .choices = channels, .otherwise = "email", .about = "How." },
	{ .name = "address", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 2000,
	  .about = "E-mail address or URL." },
	{ .name = "secret", .type = SPEC_TEXT, .flags = SPEC_SECRET, .max = 200, .about = "Signs webhooks." },
	SERVICES,
	{ .name = "page", .type = SPEC_NAME, .about = "The status page whose news they get; of every service when absent." },
	{ .name = "agreed", .type = SPEC_BOOL, .otherwise = "false", .about = "They have agreed; no mail asks." },
	{ .name = NULL },
};
static const struct spec_field change_fields[] = { SERVICES, { .name = NULL } };
static const struct spec_field import_fields[] = {
	{ .name = "csv", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 400000,
	  .about = "One address a line, then services with commas." },
	{ .name = "agreed", .type = SPEC_BOOL, .otherwise = "false", .about = "They have agreed; no mail asks." },
	{ .name = NULL },
};
static const struct spec_field no_fields[] = { { .name = NULL } };

/* Names of services as JSON; each must be one. */
static enum err services_json(struct api_call *call, const struct str *names, size_t count, struct str *ret_json,
			      struct error *err)
{
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, 64 * (SUBSCRIBER_SERVICES_MAX + 2) * 2);
	json_init(&json, &buf);
	json_list_begin(&json);
	for (size_t i = 0; i < count; i++) {
		struct catalog_service service;
		enum err r = catalog_service_get(call->conn, names[i], &call->arena, &service, err);
		if (r == OK && !service.known)
			r = error_set(err, ERR_INVALID, "there is no service \"" STR_FMT "\"",
				      STR_ARG(str_sub(names[i], 0, 63)));
		if (r != OK) {
			error_field(err, "services");
			return r;
		}
		json_text(&json, names[i]);
	}
	json_list_end(&json);
	json_finish(&json);
	*ret_json = arena_str(&call->arena, buf_str(&buf));
	return OK;
}

static enum err services_of(struct api_call *call, const struct doc_node *list, struct str *ret_json,
			    struct error *err)
{
	struct str names[SUBSCRIBER_SERVICES_MAX];
	size_t count = doc_count(list);
	for (size_t i = 0; i < count && i < SUBSCRIBER_SERVICES_MAX; i++)
		names[i] = doc_text(doc_at(list, i), "");
	return services_json(call, names, count < SUBSCRIBER_SERVICES_MAX ? count : SUBSCRIBER_SERVICES_MAX,
			     ret_json, err);
}

/* The page, and that it shows each of the services. */
static enum err check_page(struct api_call *call, struct str name, const struct doc_node *services, struct error *err)
{
	struct comms_page *page;
	if (name.len == 0)
		return OK;
	enum err r = comms_page_outline(call->conn, NULL, name, &call->arena, &page, err);
	if (r == ERR_NOT_FOUND || (r == OK && page->is_private)) {
		error_set(err, ERR_INVALID, "there is no public status page \"" STR_FMT "\"", STR_ARG(name));
		error_field(err, "page");
		return ERR_INVALID;
	}
	for (size_t i = 0; r == OK && i < doc_count(services); i++) {
		struct str service = doc_text(doc_at(services, i), "");
		if (comms_page_component_of(page, service) == NULL) {
			r = error_set(err, ERR_INVALID, "the page does not show the service \"" STR_FMT "\"",
				      STR_ARG(service));
			error_field(err, "services");
		}
	}
	return r;
}

enum err api_subscriber_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	struct subscriber_add add = { .source = STR("manager"), .ret_subscriber = &id };
	enum err r = api_body(call, add_fields, &body, err);
	if (r == OK)
		r = services_of(call, doc_get(body, "services"), &add.components, err);
	if (r == OK)
		r = check_page(call, doc_text(doc_get(body, "page"), ""), doc_get(body, "services"), err);
	if (r != OK)
		return r;
	add.page = doc_text(doc_get(body, "page"), "");
	add.channel = doc_text(doc_get(body, "channel"), "email");
	add.address = str_trim(doc_text(doc_get(body, "address"), ""));
	add.signing = doc_text(doc_get(body, "secret"), "");
	add.agreed = doc_bool(doc_get(body, "agreed"), false);
	call->context = &id;
	call->status = 201;
	return api_change(call, "subscriber_create", subscriber_add_decide, &add, write_one, err);
}

static enum err act(struct api_call *call, const char *name, decide_fn *decide, struct subscriber_act *act,
		    api_handler *render, struct error *err)
{
	enum err r = find(call, &act->subscriber, err);
	call->context = &act->subscriber;
	return r == OK ? api_change(call, name, decide, act, render, err) : r;
}

enum err api_subscriber_update(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct subscriber_act change = { .subscriber = 0 };
	enum err r = api_body(call, change_fields, &body, err);
	if (r == OK)
		r = services_of(call, doc_get(body, "services"), &change.components, err);
	return r == OK ? act(call, "subscriber_update", subscriber_change_decide, &change, write_one, err) : r;
}

enum err api_subscriber_delete(struct api_call *call, struct error *err)
{
	struct subscriber_act remove = { .reason = STR("manager") };
	call->status = 204;
	return act(call, "subscriber_delete", subscriber_remove_decide, &remove, NULL, err);
}

enum err api_subscriber_resume(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct subscriber_act resume = { .subscriber = 0 };
	enum err r = api_body(call, no_fields, &body, err);
	return r == OK ? act(call, "subscriber_resume", subscriber_resume_decide, &resume, write_one, err) : r;
}

/* Writes no event, so the door is asked here. */
enum err api_subscriber_ask(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct subscriber_act ask = { .subscriber = 0 };
	enum err r = api_body(call, no_fields, &body, err);
	if (r == OK)
		r = guard_need(&call->principal, PERMISSION_MANAGE, err);
	return r == OK ? act(call, "subscriber_ask", subscriber_ask_decide, &ask, write_one, err) : r;
}

/* ---- a list from elsewhere ---- */

static enum err read_line(struct api_call *call, struct str line, unsigned number, struct subscriber_add *ret_add,
			  struct error *err)
{
	struct str names[SUBSCRIBER_SERVICES_MAX], cell, rest;
	size_t count = 0;
	str_cut(line, ',', &cell, &rest);
	ret_add->address = str_trim(cell);
	while (rest.len > 0 && count < SUBSCRIBER_SERVICES_MAX) {
		str_cut(rest, ',', &cell, &rest);
		if (str_trim(cell).len > 0)
			names[count++] = str_trim(cell);
	}
	enum err r = services_json(call, names, count, &ret_add->components, err);
	if (r != OK)
		error_hint(err, "it stands in line %u; nothing was imported", number);
	return r;
}

static enum err render_import(struct api_call *call, struct error *err)
{
	const struct subscriber_import *import = call->context;
	(void)err;
	json_map_begin(&call->json);
	json_field_int(&call->json, "added", (int64_t)*import->ret_added);
	json_field_int(&call->json, "known", (int64_t)(import->count - *import->ret_added));
	json_map_end(&call->json);
	return OK;
}

enum err api_subscriber_import(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct str line, rest;
	size_t added = 0, count = 0;
	enum err r = api_body(call, import_fields, &body, err);
	if (r != OK)
		return r;
	struct subscriber_add *rows = arena_array(&call->arena, struct subscriber_add, SUBSCRIBER_IMPORT_MAX);
	rest = doc_text(doc_get(body, "csv"), "");
	for (unsigned number = 1; rest.len > 0; number++) {
		str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (line.len == 0 || (number == 1 && !str_has(line, '@')))
			continue; /* the names of the columns */
		if (count == SUBSCRIBER_IMPORT_MAX)
			return error_set(err, ERR_TOO_LARGE, "more than %u lines; import them in parts",
					 SUBSCRIBER_IMPORT_MAX);
		rows[count] = (struct subscriber_add){ .channel = STR("email"), .source = STR("import"),
						       .agreed = doc_bool(doc_get(body, "agreed"), false) };
		r = read_line(call, line, number, &rows[count++], err);
		if (r != OK)
			return r;
	}
	struct subscriber_import import = { rows, count, &added };
	call->context = &import;
	return api_change(call, "subscriber_import", subscriber_import_decide, &import, render_import, err);
}

/* ---- for people outside ---- */

#define SUBSCRIBE_TITLE "Be told of updates"

static enum err show_form(struct api_call *call, int status, const struct api_front *front, const struct form *given,
			  const char *wrong, struct error *err)
{
	struct api_public_service *services;
	struct api_template_value rows[3 * API_PUBLIC_SERVICES_MAX];
	size_t count;
	enum err r = api_public_services(call, front->page, &services, &count, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++) {
		struct str field = arena_printf(&call->arena, "service." STR_FMT, STR_ARG(services[i].key));
		struct str on = form_get(given, arena_cstr(&call->arena, field));
		rows[3 * i] = (struct api_template_value){ "field", field };
		rows[3 * i + 1] = (struct api_template_value){ "words", services[i].display };
		rows[3 * i + 2] = (struct api_template_value){ "on", on };
	}
	const struct api_template_list list = { rows, count, 3 };
	const struct api_template_value values[] = {
		{ "wrong", str_of(wrong) },
		{ "action", api_front_action(call, front, "/subscribe") },
		{ "page", front->page != NULL ? front->page->title : STR_NONE },
		{ "home", front->page != NULL ? api_front_action(call, front, "") : STR_NONE },
		{ "email", form_get(given, "email") },
		{ "choose", count > 1 ? STR("1") : STR_NONE },
		{ .name = "services", .list = &list },
	};
	return api_outside_page(call, status, SUBSCRIBE_FORM, values, sizeof values / sizeof values[0]);
}

enum err api_subscribe_form(struct api_call *call, struct error *err)
{
	struct form nothing = { .count = 0 };
	struct api_front front;
	enum err r = api_front_of_house(call, &front, err);
	if (r == OK && api_front_is_choice(&front))
		return api_front_choose(call, 200, &front, SUBSCRIBE_TITLE, "/subscribe");
	return r == OK ? show_form(call, 200, &front, &nothing, "", err) : r;
}

enum err api_page_subscribe_form(struct api_call *call, struct error *err)
{
	struct form nothing = { .count = 0 };
	struct api_front front;
	enum err r = api_front_of_page(call, &front, err);
	if (r == ERR_NOT_FOUND)
		return api_front_unknown(call);
	return r == OK ? show_form(call, 200, &front, &nothing, "", err) : r;
}

/* The same for who is known and who is not. */
static enum err thanks(struct api_call *call, struct error *err)
{
	(void)err;
	const struct api_face face = {
		.title = "Look into your mail",
		.text = "If this address is not subscribed yet, a mail is on its way to it. Press the button it leads to.",
	};
	return api_face_show(call, 202, &face);
}

static enum err chosen(struct api_call *call, const struct api_front *front, const struct form *form,
		       struct str *ret_json, struct error *err)
{
	struct api_public_service *services;
	struct str names[SUBSCRIBER_SERVICES_MAX];
	size_t public_count, count = 0;
	enum err r = api_public_services(call, front->page, &services, &public_count, err);
	for (size_t i = 0; r == OK && i < form->count; i++) {
		struct str key = form->fields[i].name;
		if (!str_starts(key, SERVICE_FIELD))
			continue;
		key = str_sub(key, SERVICE_FIELD.len, key.len);
		for (size_t j = 0; j < public_count; j++) {
			if (!str_eq(key, services[j].key))
				continue;
			if (count == SUBSCRIBER_SERVICES_MAX)
				return error_set(err, ERR_INVALID, "choose at most %u, or none to hear of all",
						 SUBSCRIBER_SERVICES_MAX);
			names[count++] = services[j].name;
		}
	}
	return r == OK ? services_json(call, names, count, ret_json, err) : r;
}

static enum err receive_form(struct api_call *call, const struct api_front *front, struct error *err)
{
	struct form form = { .count = 0 };
	struct error why = { .code = OK };
	struct subscriber_add add = { .channel = STR("email"), .source = STR("form") };
	enum err r = api_form_read(call, &form, &why);
	if (r == OK && form_get(&form, "website").len > 0)
		return thanks(call, err);
	if (r == OK)
		r = api_outside(call, &why);
	if (r == OK)
		r = chosen(call, front, &form, &add.components, &why);
	if (r == OK) {
		add.address = str_trim(form_get(&form, "email"));
		add.page = front->page != NULL ? front->page->name : STR_NONE;
		r = api_change_as(call, ACTOR_SYSTEM, "subscribe", subscriber_add_decide, &add, thanks, &why);
	}
	if (r == OK)
		return OK;
	struct str wrong = arena_printf(&call->arena, "%s%s%s.", why.text, why.hint[0] != '\0' ? "; " : "", why.hint);
	return show_form(call, r == ERR_LIMIT ? 429 : r == ERR_UNAVAILABLE ? 503 : 400, front, &form,
			 arena_cstr(&call->arena, wrong), err);
}

enum err api_subscribe_form_send(struct api_call *call, struct error *err)
{
	struct api_front front;
	enum err r = api_front_of_house(call, &front, err);
	if (r == OK && api_front_is_choice(&front))
		return api_front_choose(call, 400, &front, SUBSCRIBE_TITLE, "/subscribe");
	return r == OK ? receive_form(call, &front, err) : r;
}

enum err api_page_subscribe_form_send(struct api_call *call, struct error *err)
{
	struct api_front front;
	enum err r = api_front_of_page(call, &front, err);
	if (r == ERR_NOT_FOUND)
		return api_front_unknown(call);
	return r == OK ? receive_form(call, &front, err) : r;
}

static enum err unknown(struct api_call *call)
{
	const struct api_face face = { .title = "This link is not known",
				       .text = "It was cut on its way, or the subscription has ended: nothing more is sent." };
	return api_face_show(call, 404, &face);
}

static enum err show_subscriber(struct api_call *call, int64_t id, struct error *err)
{
	struct subscriber subscriber;
	struct api_face face = { .title = "Your subscription" };
	struct str title = STR_NONE, component;
	enum err r = subscriber_get(call->conn, id, &call->arena, &subscriber, err);
	if (r == OK && subscriber.page.len > 0)
		r = comms_page_words(call->conn, subscriber.page, STR_NONE, &call->arena, &title, &component, err);
	if (r != OK)
		return r;
	if (title.len > 0)
		face.more = arena_printf(&call->arena, "Of: " STR_FMT, STR_ARG(title));
	size_t buttons = 0;
	if (str_is(subscriber.state, "unconfirmed")) {
		face.title = "Do you want to be told of updates?";
		face.text = "News of problems and planned work, by mail.";
		face.buttons[buttons].value = "confirm";
		face.buttons[buttons++].words = "Yes, tell me";
	} else {
		face.text = str_is(subscriber.state, "suspended")
				    ? "Your mail refused what we sent, so nothing is sent for now."
				    : "You are told of updates. You can leave at any time.";
	}
	face.buttons[buttons].value = "leave";
	face.buttons[buttons++].words = "Leave, and erase my address";
	return api_face_show(call, 200, &face);
}

enum err api_subscriber_link(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = subscriber_of_link(call->conn, call->params[0], &call->arena, &id, err);
	if (r == ERR_NOT_FOUND)
		return unknown(call);
	return r == OK ? show_subscriber(call, id, err) : r;
}

static enum err left(struct api_call *call, struct error *err)
{
	(void)err;
	const struct api_face face = { .title = "You have left", .text = "Your address is erased. Nothing more is sent." };
	return api_face_show(call, 200, &face);
}

static enum err confirmed(struct api_call *call, struct error *err)
{
	return show_subscriber(call, *(const int64_t *)call->context, err);
}

enum err api_subscriber_link_press(struct api_call *call, struct error *err)
{
	struct subscriber_act act_of = { .reason = STR("unsubscribed") };
	struct form form = { .count = 0 };
	enum err r = subscriber_of_link(call->conn, call->params[0], &call->arena, &act_of.subscriber, err);
	if (r == ERR_NOT_FOUND)
		return unknown(call);
	if (r == OK)
		r = api_form_read(call, &form, err);
	if (r != OK)
		return r;
	bool one_click = str_is(form_get(&form, "List-Unsubscribe"), "One-Click"); /* RFC 8058 */
	call->context = &act_of.subscriber;
	if (one_click || str_is(form_get(&form, "act"), "leave"))
		return api_change_as(call, ACTOR_SYSTEM, "subscriber_leave", subscriber_remove_decide, &act_of, left, err);
	if (str_is(form_get(&form, "act"), "confirm"))
		return api_change_as(call, ACTOR_SYSTEM, "subscriber_confirm", subscriber_confirm_decide, &act_of,
				     confirmed, err);
	return error_set(err, ERR_INVALID, "none of the buttons was pressed");
}
