/*
 * comms_page.c: reads the store once and makes the picture of comms_page.h.
 *
 * In this order: the definition, what was told (updates), what shows by itself, planned work, then how each
 * component is, and how it was.
 */
#include "comms/comms_page.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "catalog/catalog.h"
#include "comms/comms_maintenance.h"
#include "incident/incident.h"
#include "monitor/monitor.h"
#include "resource/definition.h"
#include "wire/doc_json.h"

#define CHECKS_MAX 20000u
#define ALERTS_MAX 5000u
#define NONE SIZE_MAX

struct building {
	struct store_conn *conn;
	struct arena *arena;
	struct comms_page *page;
	struct error *err;
	enum err result;
	time_us now;
	int64_t incident_ids[COMMS_PAGE_INCIDENTS_MAX];
	struct str *checks; /* (check, service) pairs of the page's services */
	size_t check_count;
};

/* ---- ids that tell nothing of ours ---- */

static void make_id(const struct comms_page *page, const char *kind, int64_t number, struct str more,
		    char ret_id[COMMS_PAGE_ID_BYTES])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[400];
	int length = snprintf(text, sizeof text, STR_FMT "/%s/%lld/" STR_FMT, STR_ARG(page->name), kind,
			      (long long)number, STR_ARG(str_sub(more, 0, 200)));
	uint64_t hash = str_hash((struct str){ text, (size_t)length });
	for (size_t i = 0; i < COMMS_PAGE_ID_BYTES - 1; i++) {
		ret_id[i] = digits[hash % 36];
		hash /= 36;
	}
	ret_id[COMMS_PAGE_ID_BYTES - 1] = '\0';
}

static size_t component_of(const struct comms_page *page, struct str service)
{
	for (size_t i = 0; i < page->component_count; i++) {
		if (str_eq(page->components[i].service, service))
			return i;
	}
	return NONE;
}

static void sooner(struct building *b, time_us at)
{
	if (at > b->now && (b->page->next == TIME_NONE || at < b->page->next))
		b->page->next = at;
}

/* ---- the definition ---- */

static enum err read_component(struct building *b, const struct doc_node *node, size_t group)
{
	struct comms_page *page = b->page;
	struct catalog_service service;
	struct comms_page_component *component = &page->components[page->component_count];
	enum err r = catalog_service_get(b->conn, doc_text(doc_get(node, "service"), ""), b->arena, &service, b->err);
	if (r != OK || page->component_count == COMMS_PAGE_COMPONENTS_MAX)
		return r;
	*component = (struct comms_page_component){
		.service = service.name,
		.name = doc_text(doc_get(node, "name"), ""),
		.about = doc_text(doc_get(node, "about"), ""),
		.status = STR("operational"),
		.group = group,
		.uptime_ppm = -1,
	};
	if (component->name.len == 0)
		component->name = service.display;
	make_id(page, "component", 0, service.name, component->id);
	page->component_count++;
	return OK;
}

static enum err read_groups(struct building *b, const struct doc_node *groups)
{
	struct comms_page *page = b->page;
	enum err r = OK;
	for (size_t i = 0; r == OK && i < doc_count(groups) && i < COMMS_PAGE_GROUPS_MAX; i++) {
		const struct doc_node *components = doc_get(doc_at(groups, i), "components");
		struct comms_page_group *group = &page->groups[page->group_count];
		group->title = doc_text(doc_get(doc_at(groups, i), "title"), "");
		group->first = page->component_count;
		make_id(page, "group", (int64_t)i, group->title, group->id);
		for (size_t c = 0; r == OK && c < doc_count(components); c++)
			r = read_component(b, doc_at(components, c), page->group_count);
		group->count = page->component_count - group->first;
		page->group_count++;
	}
	return r;
}

static enum err read_definition(struct building *b, struct str name, struct zones *zones, struct str *ret_automatic)
{
	struct comms_page *page = b->page;
	struct definition definition;
	const struct doc_node *spec;
	enum err r = definition_get(b->conn, STR(COMMS_PAGE), name, b->arena, &definition, b->err);
	if (r == OK)
		r = definition_spec(b->conn, COMMS_PAGE, name, b->arena, &spec, b->err);
	if (r != OK)
		return r;
	page->name = arena_str(b->arena, name);
	page->updated = definition.updated;
	page->title = doc_text(doc_get(spec, "title"), "");
	page->about = doc_text(doc_get(spec, "about"), "");
	page->brand = doc_text(doc_get(spec, "brand"), "");
	page->support = doc_text(doc_get(spec, "support"), "");
	page->zone = doc_text(doc_get(spec, "time_zone"), "UTC");
	page->language = doc_text(doc_get(spec, "language"), "en");
	page->is_private = doc_bool(doc_get(spec, "private"), false);
	page->home = doc_bool(doc_get(spec, "home"), false);
	page->uptime = doc_bool(doc_get(spec, "uptime"), true);
	*ret_automatic = doc_text(doc_get(spec, "automatic"), "none");
	if (page->brand.len == 0)
		page->brand = page->title;
	if (zones == NULL || str_is(page->zone, "UTC") || zones_find(zones, page->zone, &page->tz, NULL) != OK)
		page->tz = NULL;
	make_id(page, "page", 0, name, page->id);
	const struct doc_node *links = doc_get(spec, "links");
	for (size_t i = 0; i < doc_count(links) && i < COMMS_PAGE_LINKS_MAX; i++)
		page->links[page->link_count++] = (struct comms_page_link){
			doc_text(doc_get(doc_at(links, i), "title"), ""), doc_text(doc_get(doc_at(links, i), "url"), ""),
		};
	return read_groups(b, doc_get(spec, "groups"));
}

/* ---- what was told ---- */

static const char *impact_word(struct str impact)
{
	return str_is(impact, "high") ? "critical" : str_is(impact, "medium") ? "major" : "minor";
}

static struct comms_page_incident *incident_of(struct building *b, int64_t id)
{
	for (size_t i = 0; i < b->page->incident_count; i++) {
		if (b->incident_ids[i] == id)
			return &b->page->incidents[i];
	}
	return NULL;
}

static void touch(struct comms_page_incident *incident, size_t component)
{
	for (size_t i = 0; i < incident->component_count; i++) {
		if (incident->components[i] == component)
			return;
	}
	if (incident->component_count < COMMS_PAGE_COMPONENTS_MAX)
		incident->components[incident->component_count++] = component;
}

static struct comms_page_incident *add_incident(struct building *b, const struct incident *source)
{
	struct comms_page *page = b->page;
	if (page->incident_count == COMMS_PAGE_INCIDENTS_MAX)
		return NULL;
	struct comms_page_incident *incident = &page->incidents[page->incident_count];
	b->incident_ids[page->incident_count++] = source->id;
	*incident = (struct comms_page_incident){
		.number = source->id,
		.impact = str_of(impact_word(source->impact)),
		.created = source->opened,
		.components = arena_array(b->arena, size_t, COMMS_PAGE_COMPONENTS_MAX),
	};
	make_id(page, "incident", source->id, STR_NONE, incident->id);
	return incident;
}

struct told {
	struct comms_update *rows;
	size_t count;
};

static bool keep_update(void *context, const struct comms_update *update)
{
	struct told *told = context;
	told->rows[told->count++] = *update;
	return told->count < COMMS_PAGE_UPDATES_MAX;
}

static enum err read_affected(struct building *b, const struct comms_update *source, struct comms_page_incident *incident,
			      struct comms_page_update *update)
{
	struct comms_component *rows;
	size_t count;
	enum err r = comms_components(source->components, b->arena, &rows, &count, b->err);
	if (r != OK)
		return r;
	update->affected = arena_array(b->arena, struct comms_page_affected, count > 0 ? count : 1);
	for (size_t i = 0; i < count; i++) {
		size_t component = component_of(b->page, rows[i].service);
		if (component == NONE)
			continue;
		update->affected[update->affected_count++] =
			(struct comms_page_affected){ component, STR("operational"), rows[i].status };
		touch(incident, component);
	}
	return OK;
}

/* What a component was before an update: what the update before it said of it. Newest first. */
static void fill_old_statuses(struct comms_page_incident *incident)
{
	for (size_t u = 0; u < incident->update_count; u++) {
		struct comms_page_update *update = &incident->updates[u];
		for (size_t a = 0; a < update->affected_count; a++) {
			for (size_t v = u + 1; v < incident->update_count; v++) {
				const struct comms_page_update *before = &incident->updates[v];
				size_t x = 0;
				while (x < before->affected_count &&
				       before->affected[x].component != update->affected[a].component)
					x++;
				if (x < before->affected_count) {
					update->affected[a].old_status = before->affected[x].status;
					break;
				}
			}
		}
	}
}

static size_t count_of(const struct told *told, int64_t incident)
{
	size_t count = 0;
	for (size_t i = 0; i < told->count; i++)
		count += told->rows[i].incident == incident;
	return count;
}

static enum err tell_incident(struct building *b, const struct told *told, size_t first)
{
	struct incident source;
	int64_t id = told->rows[first].incident;
	size_t kept_count = b->page->incident_count;
	enum err r = incident_get(b->conn, id, b->arena, &source, b->err);
	if (r != OK || !str_is(source.visibility, "everyone"))
		return r;
	struct comms_page_incident *incident = add_incident(b, &source);
	if (incident == NULL)
		return OK;
	incident->updates = arena_array(b->arena, struct comms_page_update, count_of(told, id));
	for (size_t i = first; r == OK && i < told->count; i++) {
		const struct comms_update *row = &told->rows[i];
		if (row->incident != id)
			continue;
		struct comms_page_update *update = &incident->updates[incident->update_count++];
		*update = (struct comms_page_update){
			.number = row->id, .state = row->state, .text = row->text, .at = row->published, .edited = row->edited,
		};
		make_id(b->page, "update", row->id, STR_NONE, update->id);
		r = read_affected(b, row, incident, update);
		incident->name = incident->name.len > 0 ? incident->name : row->title;
		if (str_is(row->state, "monitoring"))
			incident->monitoring = row->published;
	}
	size_t own = component_of(b->page, source.service);
	if (own != NONE)
		touch(incident, own);
	if (incident->component_count == 0 || incident->update_count == 0) { /* it does not touch this page */
		b->page->incident_count = kept_count;
		return r;
	}
	fill_old_statuses(incident);
	incident->state = incident->updates[0].state;
	incident->updated = incident->updates[0].edited != TIME_NONE && incident->updates[0].edited > incident->updates[0].at
				    ? incident->updates[0].edited : incident->updates[0].at;
	if (str_is(incident->state, "resolved"))
		incident->resolved = incident->updates[0].at;
	return r;
}

static enum err read_told(struct building *b)
{
	struct told told = { .rows = arena_array(b->arena, struct comms_update, COMMS_PAGE_UPDATES_MAX) };
	struct comms_update_filter filter = {
		.published_only = true,
		.since = b->now - COMMS_PAGE_DAYS * TIME_DAY,
		.limit = COMMS_PAGE_UPDATES_MAX,
	};
	enum err r = comms_update_list(b->conn, &filter, b->arena, keep_update, &told, b->err);
	for (size_t i = 0; r == OK && i < told.count; i++) {
		bool seen = false; /* the newest of an incident comes first */
		for (size_t j = 0; j < i && !seen; j++)
			seen = told.rows[j].incident == told.rows[i].incident;
		if (!seen)
			r = tell_incident(b, &told, i);
	}
	return r;
}

/* ---- what shows by itself ---- */

static struct str automatic_text(struct building *b, const struct comms_page_component *component, bool over)
{
	return over ? arena_printf(b->arena, "The problem with " STR_FMT " is over.", STR_ARG(component->name))
		    : arena_printf(b->arena, "There is a problem with " STR_FMT ". We are looking into it.",
				   STR_ARG(component->name));
}

static void add_automatic_update(struct building *b, struct comms_page_incident *incident, int64_t id, size_t component,
				 bool over, time_us at)
{
	const struct comms_page_component *row = &b->page->components[component];
	struct comms_page_update *update = &incident->updates[incident->update_count++];
	*update = (struct comms_page_update){
		.state = over ? STR("resolved") : STR("investigating"),
		.text = automatic_text(b, row, over),
		.at = at,
		.affected = arena_array(b->arena, struct comms_page_affected, 1),
		.affected_count = 1,
	};
	struct str down = str_is(incident->impact, "critical") ? STR("major_outage")
			  : str_is(incident->impact, "major")  ? STR("partial_outage") : STR("degraded_performance");
	update->affected[0] = (struct comms_page_affected){ component, over ? down : STR("operational"),
							    over ? STR("operational") : down };
	make_id(b->page, over ? "automatic-over" : "automatic", id, STR_NONE, update->id);
}

static bool see_automatic(void *context, const struct incident *source)
{
	struct building *b = context;
	size_t component = component_of(b->page, source->service);
	if (component == NONE || incident_of(b, source->id) != NULL || !str_is(source->visibility, "everyone"))
		return true;
	struct comms_page_incident *incident = add_incident(b, source);
	if (incident == NULL)
		return false;
	bool over = source->resolved != TIME_NONE;
	incident->name = arena_printf(b->arena, "Problem with " STR_FMT, STR_ARG(b->page->components[component].name));
	incident->state = over ? STR("resolved") : STR("investigating");
	incident->resolved = source->resolved;
	incident->updated = over ? source->resolved : source->opened;
	incident->updates = arena_array(b->arena, struct comms_page_update, 2);
	if (over)
		add_automatic_update(b, incident, source->id, component, true, source->resolved);
	add_automatic_update(b, incident, source->id, component, false, source->opened);
	touch(incident, component);
	return true;
}

static enum err read_automatic(struct building *b, struct str from)
{
	static const char all[] = "P1,P2,P3,P4,P5";
	if (from.len != 2 || from.ptr[0] != 'P')
		return OK;
	struct incident_filter filter = {
		.priorities = { all, (size_t)(from.ptr[1] - '0') * 3 - 1 },
		.from = b->now - COMMS_PAGE_DAYS * TIME_DAY,
		.limit = COMMS_PAGE_INCIDENTS_MAX,
	};
	return incident_list(b->conn, &filter, b->arena, see_automatic, b, b->err);
}

static int newest_first(const void *left, const void *right)
{
	const struct comms_page_incident *a = left, *b = right;
	if (a->created != b->created)
		return a->created > b->created ? -1 : 1;
	return strcmp(a->id, b->id);
}

/* ---- planned work ---- */

struct keeping {
	struct building *b;
	struct comms_page_incident *to;
};

static bool keep_note(void *context, const struct comms_note *note)
{
	struct keeping *keeping = context;
	struct comms_page_incident *to = keeping->to;
	struct comms_page_update *update = &to->updates[to->update_count++];
	*update = (struct comms_page_update){ .state = note->state, .text = note->text, .at = note->at };
	if (update->text.len == 0)
		update->text = str_is(note->state, "in_progress") ? STR("The work has begun.")
			     : str_is(note->state, "verifying")	  ? STR("The work is done; we are verifying it.")
			     : str_is(note->state, "cancelled")	  ? STR("The work was cancelled.")
								  : STR("The work is complete.");
	make_id(keeping->b->page, "note", note->seq, STR_NONE, update->id);
	return to->update_count < COMMS_UPDATES_MAX;
}

static struct str maintenance_state(const struct comms_maintenance *m)
{
	return str_is(m->state, "cancelled") ? STR("completed") : m->state; /* the contract knows no other end */
}

static bool see_maintenance(void *context, const struct comms_maintenance *source)
{
	struct building *b = context;
	struct comms_page *page = b->page;
	struct str *names;
	size_t count, touched = 0;
	size_t *components = arena_array(b->arena, size_t, COMMS_SERVICES_MAX);
	b->result = comms_services(source->services, b->arena, COMMS_SERVICES_MAX, &names, &count, b->err);
	if (b->result != OK || !source->is_public)
		return b->result == OK;
	for (size_t i = 0; i < count; i++) {
		size_t component = component_of(page, names[i]);
		if (component != NONE)
			components[touched++] = component;
	}
	if (touched == 0)
		return true;
	struct comms_page_incident *m = &page->maintenances[page->maintenance_count++];
	*m = (struct comms_page_incident){
		.name = source->title, .state = maintenance_state(source), .impact = STR("maintenance"),
		.created = source->created, .updated = source->changed, .resolved = source->ended,
		.from = source->from, .until = source->until,
		.components = components, .component_count = touched,
		.updates = arena_array(b->arena, struct comms_page_update, COMMS_UPDATES_MAX + 1),
	};
	make_id(page, "maintenance", source->id, STR_NONE, m->id);
	struct keeping keeping = { b, m };
	b->result = comms_maintenance_notes(b->conn, source->id, b->arena, keep_note, &keeping, b->err);
	struct comms_page_update *first = &m->updates[m->update_count++];
	*first = (struct comms_page_update){ .state = STR("scheduled"), .text = source->text, .at = source->created };
	make_id(page, "scheduled", source->id, STR_NONE, first->id);
	if (!comms_page_incident_over(m)) {
		sooner(b, source->from);
		sooner(b, source->until);
	}
	return b->result == OK && page->maintenance_count < COMMS_PAGE_MAINTENANCES_MAX;
}

/* What is to come, the first to begin first; then what is over, the last first. */
static int by_turn(const void *left, const void *right)
{
	const struct comms_page_incident *a = left, *b = right;
	bool a_over = comms_page_incident_over(a), b_over = comms_page_incident_over(b);
	if (a_over != b_over)
		return a_over ? 1 : -1;
	if (a->from != b->from)
		return (a->from < b->from) == !a_over ? -1 : 1;
	return strcmp(a->id, b->id);
}

static enum err read_maintenances(struct building *b)
{
	struct comms_maintenance_filter filter = {
		.ends_after = b->now - COMMS_PAGE_DAYS * TIME_DAY,
		.limit = 500,
	};
	enum err r = comms_maintenance_list(b->conn, &filter, b->arena, see_maintenance, b, b->err);
	if (r == OK)
		r = b->result;
	qsort(b->page->maintenances, b->page->maintenance_count, sizeof b->page->maintenances[0], by_turn);
	return r;
}

/* ---- how each component is ---- */

static int badness(struct str status)
{
	/* Planned work is told apart from trouble, but trouble outweighs it. */
	static const int weights[] = { 0, 2, 3, 4, 1 };
	int rank = comms_status_rank(status);
	return rank < 0 ? 0 : weights[rank];
}

static void weigh(struct comms_page_component *component, struct str status, time_us since)
{
	if (badness(status) <= badness(component->status))
		return;
	component->status = status;
	component->changed = since;
}

static bool see_firing(void *context, const struct alert *alert)
{
	struct building *b = context;
	size_t component = component_of(b->page, alert->service);
	if (component != NONE && !alert->muted)
		weigh(&b->page->components[component],
		      str_is(alert->severity, "critical") ? STR("partial_outage") : STR("degraded_performance"), alert->started);
	return true;
}

/* What was told of an incident outweighs what is guessed from its impact. */
static bool see_open(void *context, const struct incident *source)
{
	struct building *b = context;
	size_t component = component_of(b->page, source->service);
	if (component == NONE || incident_of(b, source->id) != NULL || !str_is(source->visibility, "everyone"))
		return true;
	weigh(&b->page->components[component],
	      str_is(source->impact, "high")	 ? STR("major_outage")
	      : str_is(source->impact, "medium") ? STR("partial_outage") : STR("degraded_performance"),
	      source->opened);
	return true;
}

/* The newest word of an open incident about each of its components. */
static void weigh_told(struct comms_page *page, const struct comms_page_incident *incident)
{
	bool done[COMMS_PAGE_COMPONENTS_MAX] = { false };
	for (size_t u = 0; u < incident->update_count; u++) {
		for (size_t a = 0; a < incident->updates[u].affected_count; a++) {
			const struct comms_page_affected *affected = &incident->updates[u].affected[a];
			if (!done[affected->component])
				weigh(&page->components[affected->component], affected->status, incident->updates[u].at);
			done[affected->component] = true;
		}
	}
}

static bool see_override(void *context, const struct comms_override *override)
{
	struct building *b = context;
	size_t component = component_of(b->page, override->service);
	sooner(b, override->until);
	if (component == NONE || override->until <= b->now)
		return true;
	b->page->components[component].status = override->status;
	b->page->components[component].changed = override->started;
	return true;
}

static enum err read_statuses(struct building *b)
{
	struct comms_page *page = b->page;
	struct alert_filter firing = { .states = STR("firing"), .limit = ALERTS_MAX };
	struct incident_filter open = { .states = STR("open,acknowledged"), .limit = ALERTS_MAX };
	enum err r = alert_list(b->conn, &firing, b->arena, see_firing, b, b->err);
	if (r == OK)
		r = incident_list(b->conn, &open, b->arena, see_open, b, b->err);
	for (size_t i = 0; i < page->incident_count; i++) {
		if (!comms_page_incident_over(&page->incidents[i]))
			weigh_told(page, &page->incidents[i]);
	}
	for (size_t i = 0; i < page->maintenance_count; i++) {
		const struct comms_page_incident *m = &page->maintenances[i];
		bool runs = str_is(m->state, "in_progress") || str_is(m->state, "verifying");
		for (size_t c = 0; runs && c < m->component_count; c++) {
			page->components[m->components[c]].status = STR("under_maintenance");
			page->components[m->components[c]].changed = m->updated;
		}
	}
	return r == OK ? comms_overrides(b->conn, b->arena, see_override, b, b->err) : r;
}

static time_us later(time_us a, time_us b)
{
	return a > b ? a : b;
}

static void sum_up(struct comms_page *page)
{
	static const struct {
		const char *indicator, *description;
	} words[] = {
		{ "none", "All Systems Operational" },
		{ "maintenance", "Service Under Maintenance" },
		{ "minor", "Partially Degraded Service" },
		{ "major", "Partial System Outage" },
		{ "critical", "Major System Outage" },
	};
	int worst = 0;
	size_t major = 0;
	for (size_t i = 0; i < page->component_count; i++) {
		int here = badness(page->components[i].status);
		worst = here > worst ? here : worst;
		major += here == 4;
	}
	if (worst == 4 && major * 2 < page->component_count)
		worst = 3; /* most of it works */
	for (size_t i = 0; i < page->component_count; i++)
		page->updated = later(page->updated, page->components[i].changed);
	for (size_t i = 0; i < page->incident_count; i++)
		page->updated = later(page->updated, page->incidents[i].updated);
	for (size_t i = 0; i < page->maintenance_count; i++)
		page->updated = later(page->updated, page->maintenances[i].updated);
	page->indicator = words[worst].indicator;
	page->description = words[worst].description;
}

/* ---- how it was: 90 days ---- */

static bool see_check(void *context, const struct definition *definition)
{
	struct building *b = context;
	const struct doc_node *spec;
	if (doc_json_parse(definition->spec, b->arena, DOC_LIMITS_DEFAULT, NULL, &spec, NULL) != OK)
		return true;
	struct str service = doc_text(doc_get(spec, "service"), "");
	if (component_of(b->page, service) == NONE || b->check_count == CHECKS_MAX)
		return true;
	b->checks[2 * b->check_count] = arena_str(b->arena, definition->name);
	b->checks[2 * b->check_count + 1] = service;
	b->check_count++;
	return true;
}

struct days {
	time_us first;
	int ppm[COMMS_PAGE_DAYS];
	time_us up, down;
};

static bool see_day(void *context, const struct rollup_bucket *bucket)
{
	struct days *days = context;
	size_t day = (size_t)((bucket->start - days->first) / TIME_DAY);
	if (day < COMMS_PAGE_DAYS)
		days->ppm[day] = rollup_uptime_ppm(bucket, 1);
	days->up += bucket->up;
	days->down += bucket->down;
	return true;
}

/* A component is as good as the worst of its checks. */
static enum err read_check_days(struct building *b, struct str check, struct comms_page_component *component)
{
	time_us today = rollup_step_start(ROLLUP_DAY, b->now);
	struct days days = { .first = today - (COMMS_PAGE_DAYS - 1) * TIME_DAY };
	for (size_t i = 0; i < COMMS_PAGE_DAYS; i++)
		days.ppm[i] = -1;
	enum err r = monitor_buckets(b->conn, check, ROLLUP_DAY, days.first, today + TIME_DAY, see_day, &days, b->err);
	for (size_t i = 0; i < COMMS_PAGE_DAYS; i++) {
		if (days.ppm[i] >= 0 && (component->days[i] < 0 || days.ppm[i] < component->days[i]))
			component->days[i] = days.ppm[i];
	}
	if (days.up + days.down > 0) {
		int ppm = (int)((double)days.up * 1e6 / (double)(days.up + days.down));
		if (component->uptime_ppm < 0 || ppm < component->uptime_ppm)
			component->uptime_ppm = ppm;
	}
	return r;
}

static enum err read_uptime(struct building *b)
{
	enum err r = OK;
	for (size_t i = 0; i < b->page->component_count; i++) {
		for (size_t day = 0; day < COMMS_PAGE_DAYS; day++)
			b->page->components[i].days[day] = -1;
	}
	if (!b->page->uptime)
		return OK;
	b->checks = arena_array(b->arena, struct str, 2 * CHECKS_MAX);
	r = definition_list(b->conn, STR(MONITOR_CHECK), STR_NONE, STR_NONE, CHECKS_MAX, b->arena, see_check, b,
			    b->err);
	for (size_t i = 0; r == OK && i < b->check_count; i++)
		r = read_check_days(b, b->checks[2 * i],
				    &b->page->components[component_of(b->page, b->checks[2 * i + 1])]);
	return r;
}

/* ---- all of it ---- */

bool comms_page_incident_over(const struct comms_page_incident *incident)
{
	return str_is(incident->state, "resolved") || str_is(incident->state, "completed");
}

enum err comms_page_build(struct store_conn *conn, struct zones *zones, struct str name, time_us now,
			  struct arena *arena, struct comms_page **ret_page, struct error *err)
{
	struct building *b = arena_new(arena, struct building);
	struct comms_page *page = arena_new(arena, struct comms_page);
	struct str automatic = STR_NONE;
	*b = (struct building){ .conn = conn, .arena = arena, .page = page, .err = err, .now = now };
	page->made = now;
	page->components = arena_array(arena, struct comms_page_component, COMMS_PAGE_COMPONENTS_MAX);
	page->incidents = arena_array(arena, struct comms_page_incident, COMMS_PAGE_INCIDENTS_MAX);
	page->maintenances = arena_array(arena, struct comms_page_incident, COMMS_PAGE_MAINTENANCES_MAX);
	enum err r = read_definition(b, name, zones, &automatic);
	if (r == OK)
		r = read_told(b);
	if (r == OK)
		r = read_automatic(b, automatic);
	if (r == OK)
		r = read_maintenances(b);
	if (r == OK)
		r = read_statuses(b);
	if (r == OK)
		r = read_uptime(b);
	if (r != OK)
		return r;
	qsort(page->incidents, page->incident_count, sizeof page->incidents[0], newest_first);
	sum_up(page);
	*ret_page = page;
	return OK;
}

enum err comms_page_outline(struct store_conn *conn, struct zones *zones, struct str name, struct arena *arena,
			    struct comms_page **ret_page, struct error *err)
{
	struct building *b = arena_new(arena, struct building);
	struct comms_page *page = arena_new(arena, struct comms_page);
	struct str automatic;
	*b = (struct building){ .conn = conn, .arena = arena, .page = page, .err = err };
	page->components = arena_array(arena, struct comms_page_component, COMMS_PAGE_COMPONENTS_MAX);
	enum err r = read_definition(b, name, zones, &automatic);
	if (r == OK)
		*ret_page = page;
	return r;
}

const struct comms_page_component *comms_page_component_of(const struct comms_page *page, struct str service)
{
	size_t at = component_of(page, service);
	return at != NONE ? &page->components[at] : NULL;
}

enum err comms_page_words(struct store_conn *conn, struct str name, struct str service, struct arena *arena,
			  struct str *ret_title, struct str *ret_component, struct error *err)
{
	struct definition definition;
	struct catalog_service found;
	const struct doc_node *spec, *groups;
	*ret_title = *ret_component = STR_NONE;
	enum err r = definition_get(conn, STR(COMMS_PAGE), name, arena, &definition, err);
	if (r == OK)
		r = definition_spec(conn, COMMS_PAGE, name, arena, &spec, err);
	if (r != OK)
		return r == ERR_NOT_FOUND ? OK : r;
	*ret_title = doc_text(doc_get(spec, "title"), "");
	groups = doc_get(spec, "groups");
	for (size_t g = 0; g < doc_count(groups); g++) {
		const struct doc_node *components = doc_get(doc_at(groups, g), "components");
		for (size_t c = 0; c < doc_count(components); c++) {
			if (!str_eq(doc_text(doc_get(doc_at(components, c), "service"), ""), service))
				continue;
			*ret_component = doc_text(doc_get(doc_at(components, c), "name"), "");
			r = catalog_service_get(conn, service, arena, &found, err);
			if (r == OK && ret_component->len == 0)
				*ret_component = found.display;
			return r;
		}
	}
	return OK;
}

struct naming {
	struct arena *arena;
	struct str names[COMMS_PAGES_MAX];
	size_t count;
};

static bool see_page(void *context, const struct definition *definition)
{
	struct naming *naming = context;
	naming->names[naming->count++] = arena_str(naming->arena, definition->name);
	return naming->count < COMMS_PAGES_MAX;
}

enum err comms_page_names(struct store_conn *conn, struct arena *arena, struct str **ret_names, size_t *ret_count,
			  struct error *err)
{
	struct naming *naming = arena_new(arena, struct naming);
	naming->arena = arena;
	enum err r = definition_list(conn, STR(COMMS_PAGE), STR_NONE, STR_NONE, COMMS_PAGES_MAX, arena, see_page, naming,
				     err);
	*ret_names = naming->names;
	*ret_count = naming->count;
	return r;
}
