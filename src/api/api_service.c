/* api_service.c: services: how they are, what they lean on, who answers for them. */
#include <string.h>

#include "alert/alert.h"
#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "catalog/catalog.h"
#include "incident/incident.h"
#include "oncall/paging.h"
#include "wire/doc_print.h"

#define ROW_ARENA_BYTES (16u << 20)
#define INCIDENTS_LOOKED_AT 1000u
#define CHECKS_SHOWN 200u
#define INCIDENTS_SHOWN 20u
#define SCHEDULES_SHOWN 32u

/* ---- what counts for a service ---- */

struct open_incident {
	struct str service, priority;
};

/* Read once for a request: all checks, and the open incidents that the caller may see. */
struct overview {
	struct api_briefs checks;
	struct open_incident open[INCIDENTS_LOOKED_AT];
	size_t open_count;
};

struct figures {
	unsigned checks, bad, open;
	struct str state, worst; /* worst: the priority; empty: no open incident */
};

static bool add_incident(void *context, const struct incident *incident)
{
	struct overview *overview = context;
	overview->open[overview->open_count++] =
		(struct open_incident){ incident->service, incident->priority };
	return overview->open_count < INCIDENTS_LOOKED_AT;
}

static struct incident_filter visible_filter(struct api_call *call)
{
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	paging_visible(&call->principal, visible);
	return (struct incident_filter){
		.visible = str_of(visible->text),
		.visible_values = visible->values,
		.visible_count = visible->count,
	};
}

static enum err look_over(struct api_call *call, struct overview **ret_overview, struct error *err)
{
	struct overview *overview = arena_new(&call->arena, struct overview);
	struct incident_filter filter = visible_filter(call);
	filter.states = STR("open,acknowledged");
	filter.limit = INCIDENTS_LOOKED_AT;
	enum err r = api_briefs(call, &overview->checks, err);
	if (r == OK)
		r = incident_list(call->conn, &filter, &call->arena, add_incident, overview, err);
	if (r == OK)
		*ret_overview = overview;
	return r;
}

/* The worst of its checks that are not paused; without any, nobody knows. */
static struct figures figures_of(const struct overview *overview, struct str service)
{
	struct figures figures = { .state = STR("unknown") };
	int worst = api_state_rank(STR("paused"));
	for (size_t i = 0; i < overview->checks.count; i++) {
		const struct api_brief *check = &overview->checks.rows[i];
		int rank = api_state_rank(check->state);
		if (!str_eq(check->service, service))
			continue;
		figures.checks++;
		figures.bad += rank <= api_state_rank(STR("degraded"));
		if (rank < worst) {
			worst = rank;
			figures.state = check->state;
		}
	}
	for (size_t i = 0; i < overview->open_count; i++) {
		const struct open_incident *open = &overview->open[i];
		if (!str_eq(open->service, service))
			continue;
		figures.open++;
		if (figures.worst.len == 0 || str_cmp(open->priority, figures.worst) < 0)
			figures.worst = open->priority;
	}
	return figures;
}

/* ---- the row ---- */

static enum err write_fields(struct api_call *call, const struct definition *definition,
			     const struct doc_node *spec, const struct overview *overview,
			     struct arena *arena, struct error *err)
{
	struct json_writer *json = &call->json;
	struct catalog_service service;
	time_us muted_until;
	enum err r = catalog_service_get(call->conn, definition->name, arena, &service, err);
	if (r == OK)
		r = alert_muted_until(call->conn, STR(""), definition->name, &muted_until, err);
	if (r != OK)
		return r;
	struct figures figures = figures_of(overview, definition->name);
	json_field_text(json, "name", service.name);
	json_field_text(json, "display", service.display);
	json_field_text_or_null(json, "about", doc_text(doc_get(spec, "about"), ""));
	json_field_int(json, "tier", service.tier);
	json_field_text_or_null(json, "team", service.team);
	json_field_text(json, "impact", service.impact);
	json_field_bool(json, "customers", service.customers);
	json_field_text(json, "state", figures.state);
	json_field_int(json, "checks", figures.checks);
	json_field_int(json, "checks_bad", figures.bad);
	json_field_int(json, "incidents_open", figures.open);
	json_field_text_or_null(json, "worst_priority", figures.worst);
	json_field_time(json, "muted_until", muted_until > call->now ? muted_until : TIME_NONE);
	return OK;
}

struct listing {
	struct api_call *call;
	struct api_list list;
	struct overview *overview;
	struct str team, words;
	struct arena arena; /* of one row */
	enum err result;
	struct error *err;
};

static bool list_service(void *context, const struct definition *definition)
{
	struct listing *listing = context;
	struct api_call *call = listing->call;
	arena_reset(&listing->arena);
	const struct doc_node *spec = api_spec_of(definition, &listing->arena);
	bool team = listing->team.len == 0 ||
		    str_eq(listing->team, doc_text(doc_get(spec, "team"), ""));
	if (!team || !api_words_occur(listing->words, definition->name,
				      doc_text(doc_get(spec, "display"), "")))
		return true;
	if (!api_list_row(&listing->list, 0, arena_str(&call->arena, definition->name)))
		return false;
	json_map_begin(&call->json);
	listing->result = write_fields(call, definition, spec, listing->overview, &listing->arena,
				       listing->err);
	json_map_end(&call->json);
	return listing->result == OK;
}

enum err api_service_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call, .err = err, .team = api_query(call, "team"),
				   .words = api_query(call, "q") };
	enum err r = look_over(call, &listing.overview, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	arena_init(&listing.arena, ROW_ARENA_BYTES);
	r = api_definitions(call->conn, STR(CATALOG_SERVICE), listing.list.after, list_service, &listing,
			    err);
	arena_finish(&listing.arena);
	api_list_end(call, &listing.list);
	return r == OK ? listing.result : r;
}

/* ---- one: its checks ---- */

static enum err write_checks(struct api_call *call, const struct overview *overview,
			     struct str service, struct error *err)
{
	cleanup_arena struct arena arena;
	enum err r = OK;
	unsigned shown = 0;
	arena_init(&arena, ROW_ARENA_BYTES);
	json_key(&call->json, "check_rows");
	json_list_begin(&call->json);
	for (size_t i = 0; r == OK && i < overview->checks.count && shown < CHECKS_SHOWN; i++) {
		const struct api_brief *brief = &overview->checks.rows[i];
		struct definition definition;
		struct api_check check;
		if (!str_eq(brief->service, service))
			continue;
		arena_reset(&arena);
		r = definition_get(call->conn, STR(MONITOR_CHECK), brief->name, &arena, &definition, err);
		if (r == OK)
			r = api_check_view(call, &definition, &arena, &check, err);
		if (r == OK)
			r = api_check_row(call, &check, true, err);
		shown++;
	}
	json_list_end(&call->json);
	return r;
}

static bool write_incident(void *context, const struct incident *incident)
{
	api_incident_row(context, incident);
	return true;
}

static enum err write_incidents(struct api_call *call, struct str service, struct error *err)
{
	struct incident_filter filter = visible_filter(call);
	filter.service = service;
	filter.limit = INCIDENTS_SHOWN;
	json_key(&call->json, "incidents");
	json_list_begin(&call->json);
	enum err r = incident_list(call->conn, &filter, &call->arena, write_incident, call, err);
	json_list_end(&call->json);
	return r;
}

/* ---- one: what it leans on, and what leans on it ---- */

static void write_ref(struct api_call *call, const struct overview *overview, struct str name,
		      struct str display)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_text(json, "name", name);
	json_field_text(json, "display", display.len > 0 ? display : name);
	json_field_text(json, "state", figures_of(overview, name).state);
	json_map_end(json);
}

static enum err write_depends_on(struct api_call *call, const struct overview *overview,
				 const struct doc_node *spec, struct error *err)
{
	const struct doc_node *names = doc_get(spec, "depends_on");
	enum err r = OK;
	json_key(&call->json, "depends_on");
	json_list_begin(&call->json);
	for (size_t i = 0; r == OK && i < doc_count(names); i++) {
		struct catalog_service service;
		r = catalog_service_get(call->conn, doc_text(doc_at(names, i), ""), &call->arena,
					&service, err);
		if (r == OK)
			write_ref(call, overview, service.name, service.display);
	}
	json_list_end(&call->json);
	return r;
}

struct dependants {
	struct api_call *call;
	const struct overview *overview;
	struct str of;
	struct arena arena; /* of one definition */
};

static bool see_dependant(void *context, const struct definition *definition)
{
	struct dependants *all = context;
	arena_reset(&all->arena);
	const struct doc_node *spec = api_spec_of(definition, &all->arena);
	const struct doc_node *names = doc_get(spec, "depends_on");
	for (size_t i = 0; i < doc_count(names); i++) {
		if (!str_eq(doc_text(doc_at(names, i), ""), all->of))
			continue;
		write_ref(all->call, all->overview, definition->name,
			  doc_text(doc_get(spec, "display"), ""));
		return true;
	}
	return true;
}

static enum err write_dependants(struct api_call *call, const struct overview *overview,
				 struct str service, struct error *err)
{
	struct dependants all = { .call = call, .overview = overview, .of = service };
	arena_init(&all.arena, ROW_ARENA_BYTES);
	json_key(&call->json, "dependants");
	json_list_begin(&call->json);
	enum err r = api_definitions(call->conn, STR(CATALOG_SERVICE), STR_NONE, see_dependant, &all, err);
	json_list_end(&call->json);
	arena_finish(&all.arena);
	return r;
}

/* ---- one: who is paged ---- */

struct schedules {
	struct str names[SCHEDULES_SHOWN];
	size_t count;
};

static void add_schedule(struct schedules *schedules, const struct escalation_target *target)
{
	if (target->kind != ESCALATION_SCHEDULE || schedules->count == SCHEDULES_SHOWN)
		return;
	for (size_t i = 0; i < schedules->count; i++) {
		if (str_eq(schedules->names[i], target->name))
			return;
	}
	schedules->names[schedules->count++] = target->name;
}

static enum err write_on_call(struct api_call *call, const struct doc_node *spec, struct error *err)
{
	struct escalation_policy policy;
	struct schedules schedules = { .count = 0 };
	bool built_in;
	struct str name = doc_text(doc_get(spec, "escalation_policy"), "default");
	enum err r = paging_policy(call->conn, name, &call->arena, &policy, &built_in, err);
	for (size_t i = 0; r == OK && i < policy.step_count; i++) {
		for (size_t t = 0; t < policy.steps[i].target_count; t++)
			add_schedule(&schedules, &policy.steps[i].targets[t]);
	}
	json_key(&call->json, "on_call");
	json_list_begin(&call->json);
	for (size_t i = 0; r == OK && i < schedules.count; i++) {
		r = api_on_call_row(call, schedules.names[i], call->now, err);
		if (r == ERR_NOT_FOUND)
			r = OK; /* a policy from before that names what is gone */
	}
	json_list_end(&call->json);
	return r;
}

enum err api_service_get(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct definition definition;
	struct overview *overview;
	enum err r = definition_get(call->conn, STR(CATALOG_SERVICE), call->params[0], &call->arena,
				    &definition, err);
	if (r == OK)
		r = look_over(call, &overview, err);
	if (r != OK)
		return r;
	const struct doc_node *spec = api_spec_of(&definition, &call->arena);
	api_etag(call, definition.revision);
	json_map_begin(json);
	r = write_fields(call, &definition, spec, overview, &call->arena, err);
	if (r != OK)
		return r;
	json_key(json, "spec");
	doc_write_json(spec_mask(catalog_service_spec, spec, &call->arena), json);
	json_field_int(json, "revision", definition.revision);
	json_field_text(json, "manager", definition.manager);
	r = write_checks(call, overview, definition.name, err);
	if (r == OK)
		r = write_incidents(call, definition.name, err);
	if (r == OK)
		r = write_depends_on(call, overview, spec, err);
	if (r == OK)
		r = write_dependants(call, overview, definition.name, err);
	if (r == OK)
		r = write_on_call(call, spec, err);
	json_map_end(json);
	return r;
}
