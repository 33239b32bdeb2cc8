/* api_review_act.c: what people write into reviews. */
#include "api/api_handlers.h"
#include "api/api_review.h"

static enum err write_row(struct api_call *call, struct error *err)
{
	struct review review;
	enum err r = review_get(call->conn, *(const int64_t *)call->context, &call->arena, &review, err);
	if (r == OK)
		api_review_row(call, &review);
	return r;
}

/* ---- the review itself ---- */

static const struct spec_field start_fields[] = {
	{ .name = "incident", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .max = INT64_MAX,
	  .about = "The incident, which is over." },
	{ .name = NULL },
};

enum err api_review_start(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct incident incident;
	enum err r = api_body(call, start_fields, &body, err);
	if (r != OK)
		return r;
	struct review_start start = { .incident = doc_int(doc_get(body, "incident"), 0),
				      .owner = call->principal.user };
	r = api_incident(call, start.incident, &incident, err);
	if (r != OK)
		return r;
	call->context = &start.incident;
	call->status = 201;
	return api_change(call, "review_start", review_start_decide, &start, write_row, err);
}

static const struct spec_field assign_fields[] = {
	{ .name = "owner", .type = SPEC_INT, .min = 0, .max = INT64_MAX,
	  .about = "Who answers for it; 0 nobody." },
	{ .name = "due_at", .type = SPEC_TIME, .about = "When it should be published." },
	{ .name = NULL },
};

enum err api_review_update(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct incident incident;
	struct review review;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_body(call, assign_fields, &body, err);
	if (r != OK)
		return r;
	int64_t owner = doc_int(doc_get(body, "owner"), 0);
	time_us due = TIME_NONE;
	bool has_due = time_parse(doc_text(doc_get(body, "due_at"), ""), &due);
	struct review_assign assign = {
		.incident = incident.id,
		.owner = doc_get(body, "owner") != NULL ? &owner : NULL,
		.due = has_due ? &due : NULL,
	};
	call->context = &assign.incident;
	return api_change(call, "review_assign", review_assign_decide, &assign, write_row, err);
}

static const char *const states[] = { "draft", "in_review", "published", "waived", NULL };
static const struct spec_field state_fields[] = {
	{ .name = "state", .type = SPEC_CHOICE, .choices = states, .flags = SPEC_REQUIRED,
	  .about = "What it becomes." },
	{ .name = "reason", .type = SPEC_TEXT, .max = 2000, .about = "Why." },
	{ .name = NULL },
};

enum err api_review_state(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct incident incident;
	struct review review;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_body(call, state_fields, &body, err);
	if (r != OK)
		return r;
	struct review_state set = { .incident = incident.id, .state = doc_text(doc_get(body, "state"), ""),
				    .reason = doc_text(doc_get(body, "reason"), "") };
	bool waive = str_is(set.state, "waived");
	call->context = &set.incident;
	return api_change(call, "review_state", waive ? review_waive_decide : review_state_decide, &set,
			  write_row, err);
}

/* ---- words ---- */

static const struct spec_field text_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 0, .max = REVIEW_TEXT_BYTES_MAX,
	  .about = "All of this part, as Markdown." },
	{ .name = NULL },
};

static enum err write_text(struct api_call *call, struct error *err)
{
	const struct review_write *write = call->context;
	struct review_text texts[REVIEW_SECTIONS];
	struct json_writer *json = &call->json;
	enum err r = review_texts(call->conn, write->incident, &call->arena, texts, err);
	for (size_t i = 0; r == OK && i < REVIEW_SECTIONS; i++) {
		if (!str_eq(texts[i].section, write->section))
			continue;
		json_map_begin(json);
		json_field_text(json, "section", texts[i].section);
		json_field_text(json, "text", texts[i].text);
		json_field_int(json, "revision", texts[i].revision);
		json_field_time(json, "changed_at", texts[i].at);
		api_person(call, "changed_by", texts[i].by);
		json_map_end(json);
		api_etag(call, texts[i].revision);
	}
	return r;
}

enum err api_review_write(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct incident incident;
	struct review review;
	struct review_write write = { .section = call->params[1] };
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_body(call, text_fields, &body, err);
	if (r == OK)
		r = api_if_match(call, &write.expect, err);
	if (r != OK)
		return r;
	write.incident = incident.id;
	write.text = doc_text(doc_get(body, "text"), "");
	call->context = &write;
	return api_change(call, "review_write", review_write_decide, &write, write_text, err);
}

/* ---- factors ---- */

static const char *const kinds[] = { "technical", "process", "information", "organisation", "outside", NULL };
static const struct spec_field factor_fields[] = {
	{ .name = "kind", .type = SPEC_CHOICE, .choices = kinds, .flags = SPEC_REQUIRED,
	  .about = "Where it lies." },
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = REVIEW_LINE_BYTES_MAX,
	  .about = "One sentence." },
	{ .name = "parent", .type = SPEC_INT, .min = 0, .max = INT64_MAX,
	  .about = "The factor that it explains; 0 none." },
	{ .name = NULL },
};

static enum err write_factor(struct api_call *call, struct error *err)
{
	const struct review_factor_put *put = call->context;
	struct json_writer *json = &call->json;
	(void)err;
	json_map_begin(json);
	json_field_int(json, "id", *put->ret_factor);
	json_field_text(json, "kind", put->factor.kind);
	json_field_text(json, "text", str_trim(put->factor.text));
	json_field_id_or_null(json, "parent", put->factor.parent);
	json_map_end(json);
	return OK;
}

static enum err put_factor(struct api_call *call, int64_t factor, struct error *err)
{
	const struct doc_node *body;
	struct incident incident;
	struct review review;
	int64_t made = factor;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_body(call, factor_fields, &body, err);
	if (r != OK)
		return r;
	struct review_factor_put put = {
		.factor = { .id = factor,
			    .incident = incident.id,
			    .kind = doc_text(doc_get(body, "kind"), ""),
			    .text = doc_text(doc_get(body, "text"), ""),
			    .parent = doc_int(doc_get(body, "parent"), 0) },
		.ret_factor = &made,
	};
	call->context = &put;
	return api_change(call, "review_factor_put", review_factor_put_decide, &put, write_factor, err);
}

enum err api_review_factor_create(struct api_call *call, struct error *err)
{
	call->status = 201;
	return put_factor(call, 0, err);
}

enum err api_review_factor_update(struct api_call *call, struct error *err)
{
	int64_t factor;
	enum err r = api_id(call, 1, &factor, err);
	return r == OK ? put_factor(call, factor, err) : r;
}

enum err api_review_factor_delete(struct api_call *call, struct error *err)
{
	struct review_factor_ref ref;
	struct incident incident;
	struct review review;
	enum err r = api_id(call, 1, &ref.factor, err);
	if (r == OK)
		r = api_review(call, &incident, &review, err);
	if (r != OK)
		return r;
	ref.incident = incident.id;
	call->status = 204;
	return api_change(call, "review_factor_remove", review_factor_remove_decide, &ref, NULL, err);
}

/* ---- actions ---- */

static const char *const action_states[] = { "open", "done", "dropped", NULL };
#define ACTION_REST                                                                                 \
	{ .name = "owner", .type = SPEC_INT, .min = 0, .max = INT64_MAX, .about = "Who does it; 0 nobody." },         \
	{ .name = "due_at", .type = SPEC_TIME, .about = "By when." },                                \
	{ .name = "state", .type = SPEC_CHOICE, .choices = action_states, .about = "What became of it." }, \
	{ .name = "link", .type = SPEC_TEXT, .max = REVIEW_LINK_BYTES_MAX, .about = "Its ticket." },  \
	{ .name = NULL }

static const struct spec_field action_create_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = REVIEW_LINE_BYTES_MAX,
	  .about = "What is done." },
	ACTION_REST,
};
static const struct spec_field action_update_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .min = 1, .max = REVIEW_LINE_BYTES_MAX, .about = "What is done." },
	ACTION_REST,
};

struct find_action {
	int64_t id;
	bool found;
	struct review_action action;
};

static bool match_action(void *context, const struct review_action *action)
{
	struct find_action *find = context;
	find->found = action->id == find->id;
	find->action = *action;
	return !find->found;
}

static enum err get_action(struct api_call *call, int64_t incident, int64_t id,
			   struct review_action *ret_action, struct error *err)
{
	struct find_action find = { .id = id };
	struct review_action_filter filter = { .incident = incident, .limit = REVIEW_ACTIONS_MAX };
	enum err r = review_action_list(call->conn, &filter, &call->arena, match_action, &find, err);
	if (r == OK && !find.found)
		r = error_set(err, ERR_NOT_FOUND, "review %lld has no action %lld", (long long)incident,
			      (long long)id);
	if (r == OK)
		*ret_action = find.action;
	return r;
}

static enum err write_action(struct api_call *call, struct error *err)
{
	const struct review_action_put *put = call->context;
	struct review_action action;
	enum err r = get_action(call, put->action.incident, *put->ret_action, &action, err);
	if (r == OK)
		api_review_action(call, &action);
	return r;
}

/* What the body leaves out stays as it is. */
static void take_fields(const struct doc_node *body, struct review_action *action)
{
	if (doc_get(body, "text") != NULL)
		action->text = doc_text(doc_get(body, "text"), "");
	if (doc_get(body, "owner") != NULL)
		action->owner = doc_int(doc_get(body, "owner"), 0);
	if (doc_get(body, "state") != NULL)
		action->state = doc_text(doc_get(body, "state"), "");
	if (doc_get(body, "link") != NULL)
		action->link = doc_text(doc_get(body, "link"), "");
	time_parse(doc_text(doc_get(body, "due_at"), ""), &action->due);
}

static enum err put_action(struct api_call *call, int64_t id, const struct spec_field *fields,
			   struct error *err)
{
	const struct doc_node *body;
	struct incident incident;
	struct review review;
	struct review_action action = { .state = STR("open") };
	int64_t made = id;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK && id != 0)
		r = get_action(call, incident.id, id, &action, err);
	if (r == OK)
		r = api_body(call, fields, &body, err);
	if (r != OK)
		return r;
	take_fields(body, &action);
	action.id = id;
	action.incident = incident.id;
	struct review_action_put put = { .action = action, .ret_action = &made };
	call->context = &put;
	return api_change(call, "review_action_put", review_action_put_decide, &put, write_action, err);
}

enum err api_review_action_create(struct api_call *call, struct error *err)
{
	call->status = 201;
	return put_action(call, 0, action_create_fields, err);
}

enum err api_review_action_update(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 1, &id, err);
	return r == OK ? put_action(call, id, action_update_fields, err) : r;
}
