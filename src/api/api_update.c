/* api_update.c: telling people about an incident: write, look at before sending, take back, correct. */
#include "api/api_handlers.h"
#include "api/api_update.h"
#include "catalog/catalog.h"
#include "comms/comms_hint.h"
#include "comms/comms_template.h"
#include "incident/incident.h"
#include "wire/doc_print.h"

/* ---- one update ---- */

static const char *update_state(const struct comms_update *update)
{
	return update->withdrawn != TIME_NONE ? "withdrawn" : update->published != TIME_NONE ? "published" : "waiting";
}

/* Of now only: null for an earlier time, for those inside, and until it is out. */
static void write_rating(struct api_call *call, const struct comms_update *update)
{
	struct json_writer *json = &call->json;
	struct comms_rating rating;
	json_key(json, "rating");
	if (!comms_is_public(update->audience) || update->published == TIME_NONE || api_query(call, "as_of").len > 0 ||
	    comms_rating_get(call->conn, update->id, &rating, NULL) != OK) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	json_field_int(json, "helped", rating.helped);
	json_field_int(json, "unsure", rating.unsure);
	json_map_end(json);
}

void api_update_row(struct api_call *call, const struct comms_update *update)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", update->id);
	json_field_int(json, "incident", update->incident);
	json_field_cstr(json, "audience", comms_audience_name(update->audience));
	json_field_text(json, "state", update->state);
	json_field_text_or_null(json, "title", update->title);
	json_field_text(json, "text", update->text);
	api_markdown(call, update->text);
	json_key(json, "components");
	json_raw(json, update->components.len > 0 ? update->components : STR("[]"));
	json_field_time(json, "next_at", update->next_at);
	json_field_cstr(json, "delivery", update_state(update));
	json_field_time(json, "posted_at", update->posted);
	api_person(call, "posted_by", update->posted_by);
	json_field_time(json, "public_at", update->public_at);
	json_field_time(json, "edited_at", update->edited);
	write_rating(call, update);
	json_map_end(json);
}

struct listing {
	struct api_call *call;
	struct api_list list;
};

static bool list_update(void *context, const struct comms_update *update)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, update->id, STR_NONE))
		return false;
	api_update_row(listing->call, update);
	return true;
}

enum err api_update_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct comms_update_filter filter = { 0 };
	struct incident incident;
	enum err r = api_id(call, 0, &filter.incident, err);
	if (r == OK)
		r = api_incident(call, filter.incident, &incident, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = listing.list.limit + 1;
	r = comms_update_list(call->conn, &filter, &call->arena, list_update, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

/* ---- the body ---- */

static const struct spec_field component_fields[] = {
	{ .name = "service", .type = SPEC_NAME, .flags = SPEC_REQUIRED, .about = "The service." },
	{ .name = "status", .type = SPEC_CHOICE, .choices = comms_statuses, .flags = SPEC_REQUIRED,
	  .about = "How it is." },
	{ .name = NULL },
};
static const struct spec_field component = { .name = "component", .type = SPEC_OBJECT, .fields = component_fields,
					     .about = "What is affected, and how badly." };
#define AUDIENCE                                                                                               \
	{ .name = "audience", .type = SPEC_CHOICE, .choices = comms_audiences, .flags = SPEC_REQUIRED,         \
	  .about = "For whom it is." }
#define STATE                                                                                                  \
	{ .name = "state", .type = SPEC_CHOICE, .choices = comms_states, .flags = SPEC_REQUIRED,               \
	  .about = "Where the incident stands." }
#define COMPONENTS                                                                                             \
	{ .name = "components", .type = SPEC_LIST, .item = &component, .max = COMMS_COMPONENTS_MAX,            \
	  .about = "What is affected; as before when absent." }
#define TEXT                                                                                                   \
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = COMMS_TEXT_BYTES_MAX,    \
	  .about = "The news, in Markdown." }

static const struct spec_field post_fields[] = {
	AUDIENCE, STATE, TEXT, COMPONENTS,
	{ .name = "title", .type = SPEC_TEXT, .max = COMMS_TITLE_BYTES_MAX,
	  .about = "What customers read as the incident's name." },
	{ .name = "next_at", .type = SPEC_TIME, .about = "When the next update is promised." },
	{ .name = NULL },
};
static const struct spec_field edit_fields[] = {
	TEXT, COMPONENTS,
	{ .name = "reason", .type = SPEC_TEXT, .max = COMMS_REASON_BYTES_MAX, .about = "Why." },
	{ .name = NULL },
};
static const struct spec_field no_fields[] = { { .name = NULL } };

static struct str components_text(struct api_call *call, const struct doc_node *body)
{
	const struct doc_node *list = doc_get(body, "components");
	cleanup_buf struct buf out;
	buf_init(&out, 64u << 10);
	if (list == NULL)
		return STR_NONE;
	doc_print_json(list, &out);
	return arena_str(&call->arena, buf_str(&out));
}

static time_us next_of(const struct doc_node *body)
{
	time_us at = TIME_NONE;
	struct str text = doc_text(doc_get(body, "next_at"), "");
	return text.len > 0 && time_parse(text, &at) ? at : TIME_NONE;
}

/* ---- what a draft lacks ---- */

static bool see_any(void *context, const struct comms_update *update)
{
	struct comms_draft *draft = context;
	if (update->withdrawn == TIME_NONE && comms_is_public(update->audience) == comms_is_public(draft->audience))
		draft->first = false;
	return draft->first;
}

static enum err write_hints(struct api_call *call, int64_t incident, const struct doc_node *body, struct error *err)
{
	struct comms_hint hints[COMMS_HINTS_MAX];
	struct comms_component *rows;
	struct comms_draft draft = {
		.state = doc_text(doc_get(body, "state"), "investigating"),
		.text = doc_text(doc_get(body, "text"), ""),
		.next_promised = next_of(body) != TIME_NONE,
		.first = true,
	};
	comms_audience_parse(doc_text(doc_get(body, "audience"), "customers"), &draft.audience);
	struct comms_update_filter filter = { .incident = incident, .limit = COMMS_UPDATES_MAX };
	enum err r = comms_components(components_text(call, body), &call->arena, &rows, &draft.components, err);
	if (r == OK)
		r = comms_update_list(call->conn, &filter, &call->arena, see_any, &draft, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < draft.components; i++)
		draft.major = draft.major || str_is(rows[i].status, "major_outage");
	size_t count = comms_hints(&draft, hints);
	json_key(&call->json, "hints");
	json_list_begin(&call->json);
	for (size_t i = 0; i < count; i++) {
		json_map_begin(&call->json);
		json_field_cstr(&call->json, "code", hints[i].code);
		json_field_cstr(&call->json, "text", hints[i].text);
		json_map_end(&call->json);
	}
	json_list_end(&call->json);
	return OK;
}

enum err api_update_check(struct api_call *call, struct error *err)
{
	struct incident incident;
	const struct doc_node *body;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_incident(call, id, &incident, err);
	if (r == OK)
		r = api_body(call, post_fields, &body, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	r = write_hints(call, id, body, err);
	api_markdown(call, doc_text(doc_get(body, "text"), ""));
	json_map_end(&call->json);
	return r;
}

/* ---- words to begin with ---- */

static struct str clock_of(struct api_call *call, time_us at)
{
	struct time_civil civil = time_civil_of(at);
	return arena_printf(&call->arena, "%02d:%02d UTC", civil.hour, civil.minute);
}

/* On a whole five minutes: what is promised should be a time that people can remember. */
static time_us next_round(time_us at)
{
	return (at + 5 * TIME_MINUTE - 1) / (5 * TIME_MINUTE) * (5 * TIME_MINUTE);
}

enum err api_update_draft(struct api_call *call, struct error *err)
{
	struct incident incident;
	struct catalog_service service;
	struct comms_cadence cadence;
	enum comms_audience audience = COMMS_ENGINEERS;
	struct str state = api_query(call, "state"), text;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_incident(call, id, &incident, err);
	if (r == OK)
		r = catalog_service_get(call->conn, incident.service, &call->arena, &service, err);
	if (r == OK)
		r = comms_cadence_get(call->conn, incident.priority, &call->arena, &cadence, err);
	if (r != OK)
		return r;
	comms_audience_parse(api_query(call, "audience"), &audience);
	state = state.len > 0 ? state : STR("investigating");
	time_us every = comms_is_public(audience) ? cadence.public_every : cadence.internal_every;
	time_us next = str_is(state, "resolved") ? TIME_NONE : next_round(call->now + (every > 0 ? every : TIME_HOUR));
	struct comms_template_values values = {
		.service = incident.service.len > 0 ? service.display : STR("our service"),
		.since = clock_of(call, incident.opened),
		.next = next != TIME_NONE ? clock_of(call, next) : STR_NONE,
	};
	r = comms_template(call->conn, audience, state, &values, &call->arena, &text, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_text(&call->json, "text", text);
	json_field_time(&call->json, "next_at", next);
	json_map_end(&call->json);
	return OK;
}

/* ---- changes ---- */

static enum err write_update(struct api_call *call, struct error *err)
{
	struct comms_update update;
	int64_t id = *(const int64_t *)call->context;
	enum err r = comms_update_get(call->conn, id, &call->arena, &update, err);
	if (r == OK)
		api_update_row(call, &update);
	return r;
}

enum err api_update_create(struct api_call *call, struct error *err)
{
	struct incident incident;
	const struct doc_node *body;
	int64_t id = 0;
	struct comms_post post = { .ret_update = &id };
	enum err r = api_id(call, 0, &post.incident, err);
	if (r == OK)
		r = api_incident(call, post.incident, &incident, err);
	if (r == OK)
		r = api_body(call, post_fields, &body, err);
	if (r != OK)
		return r;
	comms_audience_parse(doc_text(doc_get(body, "audience"), ""), &post.audience);
	post.state = doc_text(doc_get(body, "state"), "");
	post.text = doc_text(doc_get(body, "text"), "");
	post.title = doc_text(doc_get(body, "title"), "");
	post.components = components_text(call, body);
	post.next_at = next_of(body);
	call->context = &id;
	call->status = 201;
	return api_change(call, "update_post", comms_post_decide, &post, write_update, err);
}

static enum err prepare(struct api_call *call, const struct spec_field *rows, int64_t *ret_incident, int64_t *ret_update,
			const struct doc_node **ret_body, struct error *err)
{
	struct incident incident;
	enum err r = api_id(call, 0, ret_incident, err);
	if (r == OK)
		r = api_id(call, 1, ret_update, err);
	if (r == OK)
		r = api_incident(call, *ret_incident, &incident, err);
	return r == OK ? api_body(call, rows, ret_body, err) : r;
}

enum err api_update_withdraw(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct comms_withdraw withdraw = { .user = call->principal.user };
	enum err r = prepare(call, no_fields, &withdraw.incident, &withdraw.update, &body, err);
	if (r != OK)
		return r;
	call->context = &withdraw.update;
	return api_change(call, "update_withdraw", comms_withdraw_decide, &withdraw, write_update, err);
}

enum err api_update_edit(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct comms_edit edit = { 0 };
	enum err r = prepare(call, edit_fields, &edit.incident, &edit.update, &body, err);
	if (r != OK)
		return r;
	edit.text = doc_text(doc_get(body, "text"), "");
	edit.reason = doc_text(doc_get(body, "reason"), "");
	edit.components = components_text(call, body);
	call->context = &edit.update;
	return api_change(call, "update_edit", comms_edit_decide, &edit, write_update, err);
}

/* ---- what is owed ---- */

enum err api_update_owed(struct api_call *call, int64_t incident, struct error *err)
{
	struct comms_owed owed;
	enum err r = comms_owed_get(call->conn, incident, &owed, err);
	if (r != OK)
		return r;
	json_key(&call->json, "updates_due");
	json_map_begin(&call->json);
	json_field_time(&call->json, "public", owed.public_due);
	json_field_time(&call->json, "internal", owed.internal_due);
	json_map_end(&call->json);
	return OK;
}

struct owing {
	struct api_call *call;
	unsigned shown;
};

#define OWED_SHOWN 50u
#define OWED_LOOKED_AT 500u
#define OWED_AHEAD (5 * TIME_MINUTE)

static bool write_owed(void *context, const struct comms_owed *owed)
{
	struct owing *owing = context;
	struct api_call *call = owing->call;
	struct incident incident;
	if (api_incident(call, owed->incident, &incident, NULL) != OK)
		return true;
	time_us due = owed->public_due == TIME_NONE ? owed->internal_due
		      : owed->internal_due == TIME_NONE || owed->public_due < owed->internal_due ? owed->public_due
												   : owed->internal_due;
	json_map_begin(&call->json);
	json_field_int(&call->json, "incident", owed->incident);
	json_field_text(&call->json, "title", incident.title);
	json_field_time(&call->json, "due_at", due);
	json_field_cstr(&call->json, "audience", due == owed->public_due ? "public" : "internal");
	json_field_bool(&call->json, "late", due <= call->now);
	json_map_end(&call->json);
	return ++owing->shown < OWED_SHOWN;
}

/* Late ones, and those that soon are; of incidents that the caller may see. */
enum err api_update_now(struct api_call *call, struct error *err)
{
	struct owing owing = { .call = call };
	json_key(&call->json, "updates_due");
	json_list_begin(&call->json);
	enum err r = comms_owed_list(call->conn, call->now + OWED_AHEAD, OWED_LOOKED_AT, write_owed, &owing, err);
	json_list_end(&call->json);
	return r;
}
