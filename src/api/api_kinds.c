/*
 * api_kinds.c: the registry of kinds: what can be defined.
 *
 * To add a kind: 1. rows (`struct spec_field`) in the room that works with it; 2. one row here; 3. its
 * name in openapi.yaml. Checks, plan, export, GET /kinds and the forms of the UI follow.
 */
#include <stdio.h>

#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "catalog/catalog.h"
#include "comms/comms_page.h"
#include "comms/comms_template.h"
#include "comms/comms_report.h"
#include "incident/incident.h"
#include "oncall/paging.h"
#include "review/review.h"

/* What guard makes of it stands in guard_team.c. People may be named before they have an account. */
static const struct spec_field team_member = { .name = "member", .type = SPEC_EMAIL,
					       .about = "The e-mail address of a person." };
static const struct spec_field team_fields[] = {
	{ .name = "display", .type = SPEC_TEXT, .max = 100,
	  .about = "What people call it; its name when absent." },
	{ .name = "members", .type = SPEC_LIST, .item = &team_member, .flags = SPEC_UNIQUE,
	  .max = GUARD_TEAM_MEMBERS_MAX, .about = "Who is in it." },
	{ .name = "manager", .type = SPEC_EMAIL, .about = "Who leads it; is a member as well." },
	{ .name = NULL },
};

const struct resource_kind api_kinds[] = {
	{ .name = CATALOG_SERVICE, .about = "Something that runs here and that others need.",
	  .fields = catalog_service_spec, .acyclic = "depends_on" },
	{ .name = MONITOR_CHECK, .about = "A look at something, again and again.",
	  .fields = monitor_check_fields, .rule = monitor_check_rule },
	{ .name = PAGING_SCHEDULE, .about = "Who is on call, and when.",
	  .fields = paging_schedule_spec, .rule = paging_schedule_rule },
	{ .name = PAGING_POLICY, .about = "Who is paged when something breaks, and who next.",
	  .fields = paging_policy_spec, .rule = paging_policy_rule },
	{ .name = "Team", .about = "People who answer together.", .fields = team_fields },
	{ .name = INCIDENT_MATRIX, .about = "Which priority impact and urgency make.",
	  .fields = incident_matrix_spec, .rule = incident_matrix_rule },
	{ .name = COMMS_CADENCE, .about = "How often people are told of an incident, by its priority.",
	  .fields = comms_cadence_spec },
	{ .name = COMMS_TEMPLATE, .about = "Words to begin an update with, for an audience and a state.",
	  .fields = comms_template_spec },
	{ .name = COMMS_PAGE, .about = "A page that tells people how services are.", .fields = comms_page_spec,
	  .rule = comms_page_rule },
	{ .name = REVIEW_POLICY, .about = "Which incidents owe a review, and how soon.",
	  .fields = review_policy_spec },
	{ .name = REPORT_RULE, .about = "What several reports of people outside do.",
	  .fields = report_rule_spec },
	{ .name = NULL },
};

enum err api_kind(struct api_call *call, unsigned param, const struct resource_kind **ret_kind,
		  struct error *err)
{
	const struct resource_kind *kind = resource_kind_find(api_kinds, call->params[param]);
	if (kind != NULL) {
		*ret_kind = kind;
		return OK;
	}
	error_set(err, ERR_NOT_FOUND, "there is no kind \"" STR_FMT "\" of definitions",
		  STR_ARG(str_sub(call->params[param], 0, 63)));
	error_hint(err, "GET /api/v1/kinds lists them: Service, Check, Schedule and others");
	return ERR_NOT_FOUND;
}

/* ---- GET /kinds ---- */

/* The contract has fewer types: an e-mail address is entered as text, a choice is an enum. */
static const char *type_name(enum spec_type type)
{
	switch (type) {
	case SPEC_CHOICE: return "enum";
	case SPEC_EMAIL: return "text";
	case SPEC_ANY: return "object";
	default: return spec_type_name(type);
	}
}

static void write_bound(struct json_writer *json, const char *key, const struct spec_field *field,
			int64_t bound, bool given)
{
	char text[DURATION_TEXT_BYTES];
	if (!given) {
		json_field_null(json, key);
		return;
	}
	if (field->type == SPEC_DURATION)
		duration_format(bound, text);
	else
		snprintf(text, sizeof text, "%lld", (long long)bound);
	json_field_cstr(json, key, text);
}

/* "kind=http|tls": the field beside it, and its values. */
static void write_when(struct json_writer *json, const char *only)
{
	struct str name, values, value;
	str_cut(str_of(only), '=', &name, &values);
	json_key(json, "when");
	json_map_begin(json);
	json_field_text(json, "field", name);
	json_key(json, "values");
	json_list_begin(json);
	while (values.len > 0) {
		str_cut(values, '|', &value, &values);
		json_text(json, value);
	}
	json_list_end(json);
	json_map_end(json);
}

static void write_fields(struct json_writer *json, const struct spec_field *rows);

static void write_field(struct json_writer *json, const struct spec_field *field)
{
	bool bounded = field->min != 0 || field->max != 0;
	const struct spec_field *inner = field->item != NULL ? field->item->fields : field->fields;
	json_map_begin(json);
	json_field_cstr(json, "name", field->name);
	json_field_cstr(json, "type", type_name(field->type));
	if (field->item != NULL)
		json_field_cstr(json, "item", type_name(field->item->type));
	json_field_bool(json, "required", (field->flags & SPEC_REQUIRED) != 0);
	json_field_cstr(json, "default", field->otherwise);
	write_bound(json, "min", field, field->min, bounded);
	write_bound(json, "max", field, field->max, bounded && field->max != 0);
	json_field_cstr(json, "unit", field->unit);
	const struct spec_field *chosen = field->choices == NULL && field->item != NULL ? field->item
											: field;
	if (chosen->choices != NULL) {
		json_key(json, "values");
		json_list_begin(json);
		for (size_t i = 0; chosen->choices[i] != NULL; i++)
			json_cstr(json, chosen->choices[i]);
		json_list_end(json);
	}
	if (field->choices_about != NULL) {
		json_key(json, "values_about");
		json_list_begin(json);
		for (size_t i = 0; field->choices_about[i] != NULL; i++)
			json_cstr(json, field->choices_about[i]);
		json_list_end(json);
	}
	if ((field->flags & SPEC_SECRET) != 0)
		json_field_bool(json, "secret", true);
	json_field_cstr(json, "about", field->about != NULL ? field->about : "");
	if (field->only != NULL)
		write_when(json, field->only);
	if (inner != NULL) {
		json_key(json, "fields");
		write_fields(json, inner);
	}
	json_map_end(json);
}

static void write_fields(struct json_writer *json, const struct spec_field *rows)
{
	json_list_begin(json);
	for (; rows->name != NULL; rows++)
		write_field(json, rows);
	json_list_end(json);
}

enum err api_kind_list(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	(void)err;
	json_map_begin(json);
	json_key(json, "items");
	json_list_begin(json);
	for (const struct resource_kind *kind = api_kinds; kind->name != NULL; kind++) {
		json_map_begin(json);
		json_field_cstr(json, "kind", kind->name);
		json_field_cstr(json, "about", kind->about);
		json_key(json, "fields");
		write_fields(json, kind->fields);
		json_map_end(json);
	}
	json_list_end(json);
	json_field_null(json, "next");
	json_map_end(json);
	return OK;
}
