/*
 * api_link.c: the link in a page: one button, no sign-in, no script.
 *
 * Mail scanners and chat previews press links. So the GET changes nothing, whoever does it and however
 * often; the button is a form that POSTs. The link stays valid until the incident closes, and whoever
 * presses it later is told who has it. What it looks like is web/src/link.html.
 */
#include <stdio.h>

#include "api/api_handlers.h"
#include "api/api_template.h"
#include "incident/incident.h"
#include "oncall/paging.h"

#define TEMPLATE API_TEMPLATES "link.html"
#define AGE_BYTES (DURATION_TEXT_BYTES + 24)

/* What the page can say; see web/src/link.html. Empty fields are left out. */
struct face {
	const char *title, *notice, *text;
	struct str person; /* the button acts as them; empty: there is no button */
};

static struct str name_of(struct api_call *call, int64_t user)
{
	struct guard_user found;
	if (guard_user_by_id(call->conn, &call->arena, user, &found, NULL) != OK)
		return STR("somebody");
	return found.name;
}

/* "Ada has it." */
static struct str holder_line(struct api_call *call, const struct incident *incident)
{
	if (incident->acknowledged_by == 0)
		return STR_NONE;
	bool over = incident->resolved != TIME_NONE;
	return arena_printf(&call->arena, STR_FMT " %s it.", STR_ARG(name_of(call, incident->acknowledged_by)),
			    over ? "had" : "has");
}

/* "open for 4 min" */
static void age_line(struct api_call *call, const struct incident *incident, char ret_text[AGE_BYTES])
{
	char age[DURATION_TEXT_BYTES];
	bool over = incident->resolved != TIME_NONE;
	duration_words((over ? incident->resolved : call->now) - incident->opened, age);
	snprintf(ret_text, AGE_BYTES, "%s for %s", over ? "was open" : "open", age);
}

/* A build without the UI has no template: then the same words come as plain text. */
static enum err show(struct api_call *call, int status, const struct face *face, const struct incident *incident)
{
	const struct http_asset *page = api_asset(call->api, STR(TEMPLATE));
	char id[24] = "", age[AGE_BYTES] = "";
	struct str held = STR_NONE;
	if (incident != NULL) {
		snprintf(id, sizeof id, "%lld", (long long)incident->id);
		held = holder_line(call, incident);
		age_line(call, incident, age);
	}
	const struct api_template_value values[] = {
		{ "title", str_of(face->title) },
		{ "state", incident != NULL ? incident->state : STR("unknown") },
		{ "incident", str_of(id) },
		{ "priority", incident != NULL ? incident->priority : STR_NONE },
		{ "age", str_of(age) },
		{ "name", incident != NULL ? incident->title : STR_NONE },
		{ "held", held },
		{ "notice", str_of(face->notice) },
		{ "text", str_of(face->text) },
		{ "person", face->person },
	};
	size_t count = sizeof values / sizeof values[0];
	buf_reset(&call->out);
	call->status = status;
	call->content_type = page != NULL ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
	if (page != NULL)
		api_template_fill(&call->out, (struct str){ page->bytes, page->size_bytes }, values, count);
	for (size_t i = 0; page == NULL && i < count; i++)
		buf_printf(&call->out, "%s: " STR_FMT "\n", values[i].name, STR_ARG(values[i].value));
	return OK;
}

static enum err say(struct api_call *call, int status, const char *notice, const char *text)
{
	const struct face face = { .title = notice, .notice = notice, .text = text };
	return show(call, status, &face, NULL);
}

#define REPEAT_WITHIN TIME_MINUTE

struct pressed {
	struct incident incident;
	int64_t user;
	bool may_act; /* with the role of today */
};

/* What the owner of the link may read. Whoever takes it takes part, and then reads all of it. */
static enum err get_as(struct api_call *call, int64_t id, int64_t user, struct incident *ret_incident,
		       struct error *err)
{
	bool sees;
	struct incident incident;
	enum err r = incident_get(call->conn, id, &call->arena, &incident, err);
	if (r == OK)
		r = paging_sees(call->conn, &call->arena, id, user, &sees, err);
	if (r != OK)
		return r;
	if (!sees)
		incident.title = STR(PAGING_CLOSED_TITLE);
	*ret_incident = incident;
	return OK;
}

static enum err find(struct api_call *call, struct pressed *ret_pressed, struct error *err)
{
	struct guard_user user;
	int64_t id;
	enum err r = paging_link(call->conn, call->params[0], &id, &ret_pressed->user, err);
	if (r == OK)
		r = guard_user_by_id(call->conn, &call->arena, ret_pressed->user, &user, err);
	if (r != OK)
		return r;
	if (user.disabled)
		return error_set(err, ERR_NOT_FOUND, "the account of this link is disabled");
	struct principal owner = { .user = user.id, .role = user.role, .scope = SCOPE_ADMIN };
	ret_pressed->may_act = guard_may(&owner, PERMISSION_RESPOND);
	return get_as(call, id, user.id, &ret_pressed->incident, err);
}

static bool is_held_by_another(const struct incident *incident, int64_t user)
{
	return str_is(incident->state, "acknowledged") && incident->acknowledged_by != user;
}

enum err api_link_show(struct api_call *call, struct error *err)
{
	struct pressed pressed;
	enum err r = find(call, &pressed, err);
	if (r == ERR_NOT_FOUND)
		return say(call, 404, "This link is not known",
			   "It belongs to no page, or was cut on its way. Sign in to see what is wrong.");
	if (r != OK)
		return r;
	struct face face = { .title = "Acknowledge" };
	if (str_is(pressed.incident.state, "resolved"))
		face.text = "It is over. Nothing is left to do.";
	else if (is_held_by_another(&pressed.incident, pressed.user))
		face.text = "Nothing is left to do for you. To take it over, sign in.";
	else if (pressed.may_act)
		face.person = name_of(call, pressed.user);
	return show(call, 200, &face, &pressed.incident);
}

/* A link that was pressed late takes nothing out of another's hands, and a button that was pressed twice is
 * pressed once. Later the same person renews it, as when asked whether they are still on it. */
static enum err decide_link(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	struct incident incident;
	enum err r = incident_get(d->conn, act->incident, d->arena, &incident, err);
	if (r == OK && is_held_by_another(&incident, act->user))
		return OK;
	if (r == OK && str_is(incident.state, "acknowledged") &&
	    d->now - incident.acknowledged < REPEAT_WITHIN)
		return OK;
	return r == OK ? incident_acknowledge_decide(d, args, err) : r;
}

static enum err acknowledged(struct api_call *call, struct error *err)
{
	const struct incident_act *act = call->context;
	struct incident incident;
	enum err r = get_as(call, act->incident, act->user, &incident, err);
	if (r != OK)
		return r;
	bool late = is_held_by_another(&incident, act->user);
	const struct face face = {
		.title = late ? "Somebody has it already" : "Acknowledged",
		.text = late ? "Nothing was changed. To take it over, sign in."
			     : "Nobody else is paged while you are on it. In 30 minutes you are asked whether you "
			       "still are.",
	};
	return show(call, 200, &face, &incident);
}

/* Who holds the link acts as its owner, and only to acknowledge this one incident. */
enum err api_link_acknowledge(struct api_call *call, struct error *err)
{
	struct pressed pressed;
	enum err r = find(call, &pressed, err);
	if (r == ERR_NOT_FOUND)
		return say(call, 404, "This link is not known",
			   "It belongs to no page, or was cut on its way. Sign in to see what is wrong.");
	if (r != OK)
		return r;
	if (str_is(pressed.incident.state, "resolved"))
		return say(call, 409, "It is already over", "Nothing is left to do.");
	if (!pressed.may_act)
		return say(call, 403, "This link acts no more",
			   "The account it was sent to may not acknowledge. Sign in to see what is wrong.");
	struct incident_act act = { .incident = pressed.incident.id, .user = pressed.user, .via = STR("link") };
	call->context = &act;
	return api_change_as(call, ACTOR_SYSTEM, "link_acknowledge", decide_link, &act,
			     acknowledged, err);
}
