/*
 * api_outside.c: pages for people outside: report a problem, and the link in a mail about it.
 *
 * No sign-in, no script. A GET changes nothing, whoever does it and however often: mail scanners press links. What
 * changes is a form that POSTs. What they look like is web/src/report.html and web/src/outside.html.
 */
#include "api/api_front.h"

#include "api/api_handlers.h"
#include "api/api_template.h"
#include "incident/incident.h"

#define FACE API_TEMPLATES "outside.html"
#define FORM API_TEMPLATES "report.html"
#define REPORT_TITLE "Report a problem"

/* ---- filling pages ---- */

/* A build without the UI has no template: then the same words come as plain text. */
enum err api_outside_page(struct api_call *call, int status, const char *name,
			  const struct api_template_value *values, size_t count)
{
	const struct http_asset *page = api_asset(call->api, str_of(name));
	buf_reset(&call->out);
	call->status = status;
	call->content_type = page != NULL ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
	if (page != NULL)
		api_template_fill(&call->out, (struct str){ page->bytes, page->size_bytes }, values, count);
	for (size_t i = 0; page == NULL && i < count; i++)
		if (values[i].value.len > 0)
			buf_printf(&call->out, "%s: " STR_FMT "\n", values[i].name, STR_ARG(values[i].value));
	return OK;
}

enum err api_face_show(struct api_call *call, int status, const struct api_face *face)
{
	struct api_template_value rows[6];
	size_t buttons = 0;
	for (; buttons < 3 && face->buttons[buttons].value != NULL; buttons++) {
		rows[2 * buttons] = (struct api_template_value){ "value", str_of(face->buttons[buttons].value) };
		rows[2 * buttons + 1] = (struct api_template_value){ "words", str_of(face->buttons[buttons].words) };
	}
	const struct api_template_list list = { rows, buttons, 2 }, nothing = { rows, 0, 2 };
	const struct api_template_value values[] = {
		{ "title", str_of(face->title) },
		{ "text", str_of(face->text) },
		{ "more", face->more },
		{ .name = "links", .list = face->links != NULL ? face->links : &nothing },
		{ .name = "buttons", .list = &list },
	};
	return api_outside_page(call, status, FACE, values, sizeof values / sizeof values[0]);
}

enum err api_form_read(struct api_call *call, struct form *ret_form, struct error *err)
{
	struct str type = STR_NONE, name, rest;
	if (call->request->body.len > 0) {
		http_request_header(call->request, "Content-Type", &type);
		str_cut(type, ';', &name, &rest);
		if (!str_is(str_trim(name), "application/x-www-form-urlencoded"))
			return error_set(err, ERR_INVALID, "this takes what a form sends");
	}
	return form_parse(call->request->body, &call->arena, ret_form, err);
}

/* ---- report a problem ---- */

/* `incident` is said to be over, and is not for them; NULL: they speak of none. */
static enum err show_form(struct api_call *call, int status, const struct api_front *front,
			  const struct comms_page_incident *incident, const struct form *given, const char *wrong,
			  struct error *err)
{
	static const char *const severities[] = { "stopped", "hindered", "small" };
	static const char *const words[] = { "It does not work at all", "It works, but slowly or in part",
					     "A small thing" };
	static const char *const agos[] = { "", "now", "hour", "today" };
	static const char *const ago_words[] = { "I do not know", "Just now", "Within the last hour", "Today" };
	struct api_public_service *services;
	struct api_template_value rows[3 * API_PUBLIC_SERVICES_MAX], bad[9], since[12];
	size_t count;
	enum err r = api_public_services(call, front->page, &services, &count, err);
	if (r != OK)
		return r;
	struct str chosen = form_get(given, "service"), severity = form_get(given, "severity");
	struct str ago = form_get(given, "ago");
	if (chosen.len == 0 && incident != NULL && incident->component_count > 0)
		chosen = str_of(front->page->components[incident->components[0]].id);
	for (size_t i = 0; i < count; i++) {
		rows[3 * i] = (struct api_template_value){ "value", services[i].key };
		rows[3 * i + 1] = (struct api_template_value){ "words", services[i].display };
		rows[3 * i + 2] = (struct api_template_value){ "on", str_eq(chosen, services[i].key) ? STR("1") : STR_NONE };
	}
	for (size_t i = 0; i < 3; i++) {
		bool on = str_is(severity, severities[i]) || (severity.len == 0 && i == 1);
		bad[3 * i] = (struct api_template_value){ "value", str_of(severities[i]) };
		bad[3 * i + 1] = (struct api_template_value){ "words", str_of(words[i]) };
		bad[3 * i + 2] = (struct api_template_value){ "on", on ? STR("1") : STR_NONE };
	}
	for (size_t i = 0; i < 4; i++) {
		since[3 * i] = (struct api_template_value){ "value", str_of(agos[i]) };
		since[3 * i + 1] = (struct api_template_value){ "words", str_of(ago_words[i]) };
		since[3 * i + 2] = (struct api_template_value){ "on", str_is(ago, agos[i]) ? STR("1") : STR_NONE };
	}
	const struct api_template_list service_list = { rows, count, 3 }, severity_list = { bad, 3, 3 };
	const struct api_template_list ago_list = { since, 4, 3 };
	const struct api_template_value values[] = {
		{ "wrong", str_of(wrong) },
		{ "action", api_front_action(call, front, "/report") },
		{ "page", front->page != NULL ? front->page->title : STR_NONE },
		{ "home", front->page != NULL ? api_front_action(call, front, "") : STR_NONE },
		{ "incident", incident != NULL ? str_of(incident->id) : STR_NONE },
		{ "again", incident != NULL ? incident->name : STR_NONE },
		{ "first", incident == NULL ? STR("1") : STR_NONE },
		{ "text", form_get(given, "text") },
		{ "email", form_get(given, "email") },
		{ "choose", count > 0 ? STR("1") : STR_NONE },
		{ .name = "services", .list = &service_list },
		{ .name = "severities", .list = &severity_list },
		{ .name = "agos", .list = &ago_list },
	};
	return api_outside_page(call, status, FORM, values, sizeof values / sizeof values[0]);
}

static enum err form_of(struct api_call *call, const struct api_front *front, struct error *err)
{
	struct form nothing = { .count = 0 };
	const struct comms_page_incident *incident;
	struct str id = api_query(call, "incident");
	struct error late;
	if (id.len > 0 && api_outside(call, &late) != OK) /* to find it a page is built */
		id = STR_NONE;
	enum err r = api_front_incident(call, front, id, &incident, err);
	if (r == OK && incident != NULL && !comms_page_incident_over(incident))
		incident = NULL;
	return r == OK ? show_form(call, 200, front, incident, &nothing, "", err) : r;
}

enum err api_report_form(struct api_call *call, struct error *err)
{
	struct api_front front;
	enum err r = api_front_of_house(call, &front, err);
	if (r == OK && api_front_is_choice(&front))
		return api_front_choose(call, 200, &front, REPORT_TITLE, "/report");
	return r == OK ? form_of(call, &front, err) : r;
}

enum err api_page_report_form(struct api_call *call, struct error *err)
{
	struct api_front front;
	enum err r = api_front_of_page(call, &front, err);
	if (r == ERR_NOT_FOUND)
		return api_front_unknown(call);
	return r == OK ? form_of(call, &front, err) : r;
}

static enum err thanks(struct api_call *call, struct error *err)
{
	(void)err;
	const struct api_face face = {
		.title = "Thank you",
		.text = "Your report is with the people who look after it.",
		.more = STR("If you gave an e-mail address, a mail is on its way: press the button it leads to, and "
			    "you are told when it is answered or fixed."),
	};
	return api_face_show(call, 201, &face);
}

static time_us since_of(struct str ago, time_us now)
{
	return str_is(ago, "now")     ? now
	       : str_is(ago, "hour")  ? now - TIME_HOUR
	       : str_is(ago, "today") ? now - now % TIME_DAY
				      : TIME_NONE;
}

static enum err take(struct api_call *call, const struct api_front *front, const struct form *form,
		     const struct comms_page_incident *incident, struct error *err)
{
	struct report_receive in = {
		.text = form_get(form, "text"),
		.severity = form_get(form, "severity"),
		.email = str_trim(form_get(form, "email")),
		.source = STR("form"),
		.page = front->page != NULL ? front->page->name : STR_NONE,
		.since = since_of(form_get(form, "ago"), call->now),
		.not_fixed = incident != NULL ? incident->number : 0,
	};
	enum err r = api_public_service_of(call, front->page, form_get(form, "service"), &in.service, err);
	return r == OK ? api_report_take(call, &in, thanks, err) : r;
}

static enum err receive_form(struct api_call *call, const struct api_front *front, struct error *err)
{
	struct form form = { .count = 0 };
	struct error why = { .code = OK };
	const struct comms_page_incident *incident = NULL;
	enum err r = api_form_read(call, &form, &why);
	/* A field that no person sees: what fills it is a machine, and is thanked all the same. */
	if (r == OK && form_get(&form, "website").len > 0)
		return thanks(call, err);
	if (r == OK)
		r = api_outside(call, &why);
	if (r == OK)
		r = api_front_incident(call, front, form_get(&form, "incident"), &incident, &why);
	if (incident != NULL && !comms_page_incident_over(incident))
		incident = NULL;
	if (r == OK)
		r = take(call, front, &form, incident, &why);
	if (r == OK)
		return OK;
	struct str wrong = arena_printf(&call->arena, "%s%s%s.", why.text, why.hint[0] != '\0' ? "; " : "", why.hint);
	int status = r == ERR_LIMIT ? 429 : r == ERR_UNAVAILABLE ? 503 : 400;
	return show_form(call, status, front, incident, &form, arena_cstr(&call->arena, wrong), err);
}

enum err api_report_form_send(struct api_call *call, struct error *err)
{
	struct api_front front;
	enum err r = api_front_of_house(call, &front, err);
	if (r == OK && api_front_is_choice(&front))
		return api_front_choose(call, 400, &front, REPORT_TITLE, "/report");
	return r == OK ? receive_form(call, &front, err) : r;
}

enum err api_page_report_form_send(struct api_call *call, struct error *err)
{
	struct api_front front;
	enum err r = api_front_of_page(call, &front, err);
	if (r == ERR_NOT_FOUND)
		return api_front_unknown(call);
	return r == OK ? receive_form(call, &front, err) : r;
}

/* ---- the link in a mail about a report ---- */

static enum err show_report(struct api_call *call, int64_t id, const char *notice, struct error *err)
{
	struct report report;
	struct incident incident = { .state = STR("") };
	struct api_face face = { .title = notice, .text = "We are looking into the problem that you reported." };
	enum err r = report_get(call->conn, id, &call->arena, &report, err);
	if (r == OK && report.incident > 0)
		r = incident_get(call->conn, report.incident, &call->arena, &incident, err);
	if (r != OK)
		return r;
	size_t buttons = 0;
	bool over = str_is(incident.state, "resolved");
	if (notice == NULL)
		face.title = "The problem you reported";
	if (!report.confirmed) {
		face.text = "Do you want to be told when it is answered or fixed?";
		face.buttons[buttons].value = "confirm";
		face.buttons[buttons++].words = "Yes, tell me";
	} else if (str_is(report.state, "answered")) {
		face.text = "It was answered:";
		face.more = report.reason;
	} else if (over && !str_is(report.verdict, "fixed")) {
		face.text = str_is(report.verdict, "not_fixed")
				    ? "You said that it is not fixed. The people who worked on it see that."
				    : "As far as we can see, it is over. Is it fixed for you?";
		face.buttons[buttons].value = "fixed";
		face.buttons[buttons++].words = "It is fixed";
		if (report.verdict.len == 0) {
			face.buttons[buttons].value = "not_fixed";
			face.buttons[buttons++].words = "It is not fixed";
		}
	} else if (str_is(report.verdict, "fixed")) {
		face.text = "You said that it is fixed. Thank you.";
	}
	face.buttons[buttons].value = "forget";
	face.buttons[buttons++].words = "Forget my address";
	return api_face_show(call, 200, &face);
}

static enum err unknown(struct api_call *call)
{
	const struct api_face face = {
		.title = "This link is not known",
		.text = "It was cut on its way, or the address it was sent to was erased: nothing more is sent to it.",
	};
	return api_face_show(call, 404, &face);
}

enum err api_report_link(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = report_of_link(call->conn, call->params[0], &call->arena, &id, err);
	if (r == ERR_NOT_FOUND)
		return unknown(call);
	return r == OK ? show_report(call, id, NULL, err) : r;
}

struct pressing {
	struct report_sender_act act;
	const char *notice;
};

static enum err pressed(struct api_call *call, struct error *err)
{
	const struct pressing *pressing = call->context;
	if (pressing->act.what != REPORT_FORGET)
		return show_report(call, pressing->act.report, pressing->notice, err);
	const struct api_face face = { .title = "Forgotten",
				       .text = "Your address is erased. Nothing more is sent to it." };
	return api_face_show(call, 200, &face);
}

enum err api_report_link_press(struct api_call *call, struct error *err)
{
	static const struct {
		const char *value, *notice;
		int what;
	} acts[] = {
		{ "confirm", "You will be told", REPORT_CONFIRM },
		{ "fixed", "Thank you", REPORT_FIXED },
		{ "not_fixed", "Thank you for telling us", REPORT_NOT_FIXED },
		{ "forget", "Forgotten", REPORT_FORGET },
	};
	struct pressing pressing = { .notice = NULL };
	struct form form = { .count = 0 };
	enum err r = report_of_link(call->conn, call->params[0], &call->arena, &pressing.act.report, err);
	if (r == ERR_NOT_FOUND)
		return unknown(call);
	if (r == OK)
		r = api_form_read(call, &form, err);
	if (r != OK)
		return r;
	/* RFC 8058: the mail program's own button. */
	struct str value = str_is(form_get(&form, "List-Unsubscribe"), "One-Click") ? STR("forget")
										    : form_get(&form, "act");
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		if (str_is(value, acts[i].value))
			pressing = (struct pressing){ { pressing.act.report, acts[i].what }, acts[i].notice };
	}
	if (pressing.notice == NULL)
		return error_set(err, ERR_INVALID, "none of the buttons was pressed");
	call->context = &pressing;
	r = api_change_as(call, ACTOR_SYSTEM, "report_link_press", report_sender_decide, &pressing.act, pressed, err);
	if (r != ERR_CONFLICT)
		return r;
	return show_report(call, pressing.act.report, NULL, err);
}
