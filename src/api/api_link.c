/*
 * api_link.c: the link in a page: one button, no sign-in, no script.
 *
 * Mail scanners and chat previews press links. So the GET changes nothing, whoever does it and however
 * often; the button is a form that POSTs. The link stays valid until the incident closes, and whoever
 * presses it later is told who has it.
 */
#include "api/api_handlers.h"
#include "incident/incident.h"
#include "oncall/paging.h"

static void escape(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\'': buf_adds(out, "&#39;"); break;
		default: buf_addc(out, text.ptr[i]);
		}
	}
}

static void page_begin(struct api_call *call, const char *title)
{
	buf_printf(&call->out,
		   "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		   "<meta name=\"robots\" content=\"noindex\"><link rel=\"stylesheet\" href=\"/link.css\">"
		   "</head><body><main>",
		   title);
	call->content_type = "text/html; charset=utf-8";
}

static void page_end(struct api_call *call)
{
	buf_adds(&call->out, "</main></body></html>");
}

static enum err say(struct api_call *call, int status, const char *title, const char *text)
{
	buf_reset(&call->out);
	page_begin(call, title);
	buf_printf(&call->out, "<h1>%s</h1><p>%s</p>", title, text);
	page_end(call);
	call->status = status;
	return OK;
}

#define REPEAT_WITHIN TIME_MINUTE

struct pressed {
	struct incident incident;
	int64_t user;
	bool may_act; /* the account is still there, with a role that acknowledges */
};

static enum err find(struct api_call *call, struct pressed *ret_pressed, struct error *err)
{
	struct guard_user user;
	int64_t id;
	enum err r = paging_link(call->conn, call->params[0], &id, &ret_pressed->user, err);
	if (r == OK)
		r = guard_user_by_id(call->conn, &call->arena, ret_pressed->user, &user, err);
	if (r != OK)
		return r;
	struct principal owner = { .user = user.id, .role = user.role, .scope = SCOPE_ADMIN };
	ret_pressed->may_act = !user.disabled && guard_may(&owner, PERMISSION_RESPOND);
	return incident_get(call->conn, id, &call->arena, &ret_pressed->incident, err);
}

static struct str name_of(struct api_call *call, int64_t user)
{
	struct guard_user found;
	if (guard_user_by_id(call->conn, &call->arena, user, &found, NULL) != OK)
		return STR("somebody");
	return found.name;
}

static void state_line(struct api_call *call, const struct incident *incident)
{
	char age[DURATION_TEXT_BYTES];
	time_us until = incident->resolved != TIME_NONE ? incident->resolved : call->now;
	duration_words(until - incident->opened, age);
	buf_printf(&call->out, "<p class=\"priority\">" STR_FMT "</p><h1>", STR_ARG(incident->priority));
	escape(&call->out, incident->title);
	buf_printf(&call->out, "</h1><p>Incident %lld, %s for %s.</p>", (long long)incident->id,
		   incident->resolved != TIME_NONE ? "was open" : "open", age);
	if (incident->acknowledged_by != 0) {
		buf_adds(&call->out, "<p>");
		escape(&call->out, name_of(call, incident->acknowledged_by));
		buf_adds(&call->out, " has it.</p>");
	}
}

static bool is_held_by_another(const struct incident *incident, int64_t user)
{
	return str_is(incident->state, "acknowledged") && incident->acknowledged_by != user;
}

static void details_link(struct api_call *call, int64_t id)
{
	buf_printf(&call->out, "<p><a href=\"/incidents/%lld\">All details</a></p>", (long long)id);
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
	page_begin(call, "Acknowledge");
	state_line(call, &pressed.incident);
	if (str_is(pressed.incident.state, "resolved")) {
		buf_adds(&call->out, "<p>It is over. Nothing is left to do.</p>");
	} else if (is_held_by_another(&pressed.incident, pressed.user)) {
		buf_adds(&call->out, "<p>Nothing is left to do for you. To take it over, sign in.</p>");
	} else if (pressed.may_act) {
		buf_adds(&call->out, "<form method=\"post\"><button type=\"submit\">Acknowledge as ");
		escape(&call->out, name_of(call, pressed.user));
		buf_adds(&call->out, "</button></form>");
	}
	details_link(call, pressed.incident.id);
	page_end(call);
	return OK;
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
	enum err r = incident_get(call->conn, act->incident, &call->arena, &incident, err);
	if (r != OK)
		return r;
	bool late = is_held_by_another(&incident, act->user);
	page_begin(call, late ? "Somebody has it already" : "Acknowledged");
	state_line(call, &incident);
	buf_adds(&call->out, late ? "<p>Nothing was changed. To take it over, sign in.</p>"
				  : "<p>Nobody else is paged while you are on it. In 30 minutes you are asked "
				    "whether you still are.</p>");
	details_link(call, incident.id);
	page_end(call);
	return OK;
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
