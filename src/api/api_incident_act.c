/* api_incident_act.c: what people do to incidents. */
#include "api/api_handlers.h"
#include "api/api_incident_view.h"
#include "journal/journal.h"
#include "oncall/paging.h"

static const char *const levels[] = { "high", "medium", "low", NULL };
static const char *const visibilities[] = { "everyone", "team", "private", NULL };

/* ---- changes ---- */

static const struct spec_field create_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = INCIDENT_TITLE_BYTES_MAX, .about = "What is wrong, for whom." },
	{ .name = "service", .type = SPEC_NAME, .about = "The service that suffers." },
	{ .name = "impact", .type = SPEC_CHOICE, .choices = levels, .about = "How much is broken." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = levels, .about = "How soon it must be mended." },
	{ .name = "team", .type = SPEC_NAME, .about = "The team that answers for it." },
	{ .name = "visibility", .type = SPEC_CHOICE, .choices = visibilities, .about = "Who may know." },
	{ .name = NULL },
};

enum err api_incident_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	enum err r = api_body(call, create_fields, &body, err);
	if (r != OK)
		return r;
	struct incident_open open = {
		.title = doc_text(doc_get(body, "title"), ""),
		.service = doc_text(doc_get(body, "service"), ""),
		.impact = doc_text(doc_get(body, "impact"), ""),
		.urgency = doc_text(doc_get(body, "urgency"), ""),
		.team = doc_text(doc_get(body, "team"), ""),
		.visibility = doc_text(doc_get(body, "visibility"), ""),
		.source = call->principal.by == PRINCIPAL_TOKEN ? STR("api") : STR("person"),
		.ret_incident = &id,
	};
	call->context = &id;
	call->status = 201;
	return api_change(call, "incident_create", incident_open_decide, &open, api_incident_whole, err);
}

static struct str via_of(const struct api_call *call)
{
	struct str agent;
	if (call->principal.by != PRINCIPAL_TOKEN)
		return STR("ui");
	bool cli = http_request_header(call->request, "User-Agent", &agent) &&
		   str_starts(agent, STR("mainstay-cli"));
	return cli ? STR("cli") : STR("api");
}

static const struct spec_field no_fields[] = { { .name = NULL } };
static const struct spec_field reason_fields[] = {
	{ .name = "reason", .type = SPEC_TEXT, .max = 2000, .about = "Why." },
	{ .name = NULL },
};
static const struct spec_field text_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = INCIDENT_TEXT_BYTES_MAX, .about = "The note." },
	{ .name = NULL },
};
static const struct spec_field title_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = INCIDENT_TITLE_BYTES_MAX, .about = "The new title." },
	{ .name = NULL },
};
static const struct spec_field priority_fields[] = {
	{ .name = "impact", .type = SPEC_CHOICE, .choices = levels, .flags = SPEC_REQUIRED,
	  .about = "How much is broken." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = levels, .flags = SPEC_REQUIRED,
	  .about = "How soon it must be mended." },
	{ .name = "reason", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 2000,
	  .about = "Why." },
	{ .name = NULL },
};
static const struct spec_field undo_fields[] = {
	{ .name = "seq", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .max = INT64_MAX,
	  .about = "The event that is taken back." },
	{ .name = NULL },
};

/* ---- acts: the rows differ, the way does not ---- */

struct act_row {
	const char *name;
	const struct spec_field *fields;
	decide_fn *decide; /* of a struct incident_act, or of the id that it begins with */
	const char *text;  /* the field that is the act's text; NULL: it has none */
	bool undoable;
};

struct acting {
	struct incident_act act;
	const struct act_row *row;
};

static enum err write_action(struct api_call *call, struct error *err)
{
	const struct acting *acting = call->context;
	struct incident incident;
	int64_t seq;
	time_us recorded;
	enum err r = incident_get(call->conn, acting->act.incident, &call->arena, &incident, err);
	if (r == OK)
		r = journal_last_by(call->conn, acting->act.incident, call->principal.user, &seq, &recorded,
				    err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_int(&call->json, "seq", seq);
	json_field_time(&call->json, "undo_until",
			acting->row->undoable ? recorded + INCIDENT_UNDO_WITHIN : TIME_NONE);
	json_key(&call->json, "incident");
	api_incident_row(call, &incident);
	json_map_end(&call->json);
	return OK;
}

/* The incident of the path, for whoever may see it, the body by its rows, then the change. */
static enum err act(struct api_call *call, const struct act_row *row, struct error *err)
{
	struct acting acting = { .row = row };
	struct incident incident;
	const struct doc_node *body;
	enum err r = api_id(call, 0, &acting.act.incident, err);
	if (r == OK)
		r = api_incident(call, acting.act.incident, &incident, err);
	if (r == OK)
		r = api_body(call, row->fields, &body, err);
	if (r != OK)
		return r;
	acting.act.user = call->principal.user;
	acting.act.via = via_of(call);
	acting.act.text = row->text != NULL ? doc_text(doc_get(body, row->text), "") : STR_NONE;
	acting.act.impact = doc_text(doc_get(body, "impact"), "");
	acting.act.urgency = doc_text(doc_get(body, "urgency"), "");
	acting.act.seq = doc_int(doc_get(body, "seq"), 0);
	call->context = &acting;
	return api_change(call, row->name, row->decide, &acting.act, write_action, err);
}

enum err api_incident_acknowledge(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_acknowledge", no_fields, incident_acknowledge_decide, NULL, true };
	return act(call, &row, err);
}

enum err api_incident_resolve(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_resolve", reason_fields, incident_resolve_decide, "reason", true };
	return act(call, &row, err);
}

enum err api_incident_reopen(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_reopen", reason_fields, incident_reopen_decide, "reason", false };
	return act(call, &row, err);
}

enum err api_incident_note(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_note", text_fields, incident_note_decide, "text", true };
	return act(call, &row, err);
}

enum err api_incident_retitle(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_retitle", title_fields, incident_retitle_decide, "title", false };
	return act(call, &row, err);
}

enum err api_incident_priority(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_priority", priority_fields, incident_priority_decide, "reason", true };
	return act(call, &row, err);
}

enum err api_incident_escalate(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_escalate", no_fields, paging_escalate_decide, NULL, false };
	return act(call, &row, err);
}

enum err api_incident_undo(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "incident_undo", undo_fields, incident_undo_decide, NULL, false };
	return act(call, &row, err);
}
