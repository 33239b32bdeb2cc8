/*
 * api_front.c: the forms of status pages: each page has its own, with its own components in its own words.
 *
 * /status/{page}/subscribe and /status/{page}/report are a page's. /subscribe and /report are those of the only
 * public page; where there are several, a choice; where there is none, of every service that customers use.
 * A private page has none: whoever reads it is signed in.
 */
#include "api/api_front.h"

#include "api/api_handlers.h"
#include "api/api_status.h"
#include "api/api_template.h"
#include "catalog/catalog.h"
#include "resource/definition.h"

/* ---- which page ---- */

enum err api_front_of_page(struct api_call *call, struct api_front *ret_front, struct error *err)
{
	struct comms_page *page = NULL;
	enum err r = comms_page_outline(call->conn, NULL, call->params[0], &call->arena, &page, err);
	if (r == OK && page->is_private)
		r = error_set(err, ERR_NOT_FOUND, "there is no such status page");
	if (r == OK)
		*ret_front = (struct api_front){ .page = page };
	return r;
}

enum err api_front_of_house(struct api_call *call, struct api_front *ret_front, struct error *err)
{
	struct api_front front = { .page = NULL };
	struct str *names;
	size_t count;
	enum err r = comms_page_names(call->conn, &call->arena, &names, &count, err);
	front.pages = arena_array(&call->arena, const struct comms_page *, COMMS_PAGES_MAX);
	for (size_t i = 0; r == OK && i < count; i++) {
		struct comms_page *page;
		r = comms_page_outline(call->conn, NULL, names[i], &call->arena, &page, err);
		if (r == OK && !page->is_private)
			front.pages[front.page_count++] = page;
	}
	if (r != OK)
		return r;
	front.page = front.page_count == 1 ? front.pages[0] : NULL;
	*ret_front = front;
	return OK;
}

enum err api_front_choose(struct api_call *call, int status, const struct api_front *front, const char *title,
			  const char *form)
{
	struct api_template_value *rows = arena_array(&call->arena, struct api_template_value, 2 * front->page_count + 1);
	for (size_t i = 0; i < front->page_count; i++) {
		const struct comms_page *page = front->pages[i];
		rows[2 * i] = (struct api_template_value){
			"path", arena_printf(&call->arena, STATUS_PREFIX STR_FMT "%s", STR_ARG(page->name), form),
		};
		rows[2 * i + 1] = (struct api_template_value){ "words", page->title };
	}
	const struct api_template_list links = { rows, front->page_count, 2 };
	const struct api_face face = { .title = title, .text = "Which of these is it about?", .links = &links };
	return api_face_show(call, status, &face);
}

enum err api_front_unknown(struct api_call *call)
{
	const struct api_face face = { .title = "There is no such status page",
				       .text = "It was taken away, or its address was cut on the way." };
	return api_face_show(call, 404, &face);
}

/* ---- what can be named ---- */

struct see_services {
	struct api_call *call;
	struct api_public_service *rows;
	size_t count;
};

static bool see_service(void *context, const struct definition *definition)
{
	struct see_services *see = context;
	struct catalog_service service;
	struct arena *arena = &see->call->arena;
	if (catalog_service_get(see->call->conn, definition->name, arena, &service, NULL) == OK && service.customers) {
		struct str name = arena_str(arena, service.name);
		see->rows[see->count++] = (struct api_public_service){ name, name, arena_str(arena, service.display) };
	}
	return see->count < API_PUBLIC_SERVICES_MAX;
}

enum err api_public_services(struct api_call *call, const struct comms_page *page, struct api_public_service **ret_rows,
			     size_t *ret_count, struct error *err)
{
	struct see_services see = { .call = call };
	enum err r = OK;
	see.rows = arena_array(&call->arena, struct api_public_service, API_PUBLIC_SERVICES_MAX);
	for (size_t i = 0; page != NULL && i < page->component_count && see.count < API_PUBLIC_SERVICES_MAX; i++) {
		const struct comms_page_component *component = &page->components[i];
		see.rows[see.count++] =
			(struct api_public_service){ str_of(component->id), component->service, component->name };
	}
	if (page == NULL)
		r = definition_list(call->conn, STR(CATALOG_SERVICE), STR_NONE, STR_NONE, 10000, &call->arena,
				    see_service, &see, err);
	*ret_rows = see.rows;
	*ret_count = see.count;
	return r;
}

enum err api_public_service_of(struct api_call *call, const struct comms_page *page, struct str key,
			       struct str *ret_name, struct error *err)
{
	struct api_public_service *rows;
	size_t count;
	*ret_name = STR_NONE;
	if (key.len == 0)
		return OK;
	enum err r = api_public_services(call, page, &rows, &count, err);
	for (size_t i = 0; r == OK && i < count; i++) {
		if (str_eq(rows[i].key, key)) {
			*ret_name = rows[i].name;
			return OK;
		}
	}
	if (r != OK)
		return r;
	error_set(err, ERR_INVALID, "there is no service of that name");
	error_field(err, "service");
	return ERR_INVALID;
}

struct str api_front_action(struct api_call *call, const struct api_front *front, const char *form)
{
	if (front->page == NULL)
		return str_of(form);
	return arena_printf(&call->arena, STATUS_PREFIX STR_FMT "%s", STR_ARG(front->page->name), form);
}

/* ---- an incident of a page ---- */

enum err api_front_incident(struct api_call *call, const struct api_front *front, struct str id,
			    const struct comms_page_incident **ret_incident, struct error *err)
{
	struct comms_page *page;
	*ret_incident = NULL;
	if (front->page == NULL || id.len != COMMS_PAGE_ID_BYTES - 1)
		return OK;
	enum err r = comms_page_build(call->conn, NULL, front->page->name, call->now, &call->arena, &page, err);
	for (size_t i = 0; r == OK && i < page->incident_count; i++) {
		if (str_is(id, page->incidents[i].id))
			*ret_incident = &page->incidents[i];
	}
	return r;
}

/* ---- did it help? ---- */

static enum err rated(struct api_call *call, struct error *err)
{
	const struct api_template_value row[] = {
		{ "path", arena_printf(&call->arena, STATUS_PREFIX STR_FMT, STR_ARG(call->params[0])) },
		{ "words", STR("Back to the status page") },
	};
	const struct api_template_list links = { row, 1, 2 };
	const struct api_face face = {
		.title = "Thank you",
		.text = "The people who write these updates see how many they help. Nothing else is kept of your answer.",
		.links = &links,
	};
	(void)err;
	return api_face_show(call, 200, &face);
}

static int64_t update_of(const struct comms_page_incident *incident, struct str id)
{
	for (size_t i = 0; incident != NULL && i < incident->update_count; i++) {
		if (str_is(id, incident->updates[i].id))
			return incident->updates[i].number;
	}
	return 0;
}

enum err api_front_rate(struct api_call *call, struct error *err)
{
	struct api_front front = { .page = NULL };
	struct form form = { .count = 0 };
	const struct comms_page_incident *incident = NULL;
	struct comms_rate rate = { 0 };
	enum err r = api_form_read(call, &form, err);
	bool helped = str_is(form_get(&form, "act"), "helped");
	if (r == OK && !helped && !str_is(form_get(&form, "act"), "unsure"))
		r = error_set(err, ERR_INVALID, "none of the buttons was pressed");
	if (r == OK)
		r = api_outside(call, err); /* before the store is read */
	if (r == OK)
		r = api_front_of_page(call, &front, err);
	if (r == OK)
		r = api_front_incident(call, &front, call->params[1], &incident, err);
	if (r == OK) {
		rate = (struct comms_rate){ update_of(incident, form_get(&form, "update")), helped };
		if (rate.update == 0)
			r = error_set(err, ERR_NOT_FOUND, "there is no such update");
	}
	if (r == OK)
		r = api_change_as(call, ACTOR_SYSTEM, "status_rate", comms_rate_decide, &rate, rated, err);
	if (r == ERR_NOT_FOUND)
		return api_front_unknown(call);
	if (r != ERR_LIMIT)
		return r;
	const struct api_face face = { .title = "Not counted", .text = "Too much was sent in a short time. Try again later." };
	return api_face_show(call, 429, &face);
}
