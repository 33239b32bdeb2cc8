/*
 * comms_page_json.c: a page in the Statuspage contract, as its many clients expect it: every field they
 * read is there, with null where Mainstay has nothing to say.
 */
#include <stdio.h>

#include "comms/comms_page.h"
#include "wire/json_writer.h"

const char *const comms_document_paths[COMMS_DOC_COUNT] = {
	[COMMS_DOC_STATUS] = "/api/v2/status.json",
	[COMMS_DOC_SUMMARY] = "/api/v2/summary.json",
	[COMMS_DOC_COMPONENTS] = "/api/v2/components.json",
	[COMMS_DOC_INCIDENTS] = "/api/v2/incidents.json",
	[COMMS_DOC_UNRESOLVED] = "/api/v2/incidents/unresolved.json",
	[COMMS_DOC_MAINTENANCES] = "/api/v2/scheduled-maintenances.json",
	[COMMS_DOC_UPCOMING] = "/api/v2/scheduled-maintenances/upcoming.json",
	[COMMS_DOC_ACTIVE] = "/api/v2/scheduled-maintenances/active.json",
};

#define INCIDENTS_SHOWN 50u /* as the contract says */

struct writing {
	const struct comms_page *page;
	const char *url;
	struct json_writer json;
};

static void write_page(struct writing *w)
{
	struct json_writer *json = &w->json;
	json_key(json, "page");
	json_map_begin(json);
	json_field_cstr(json, "id", w->page->id);
	json_field_text(json, "name", w->page->title);
	json_field_cstr(json, "url", w->url);
	json_field_text(json, "time_zone", w->page->zone);
	json_field_time(json, "updated_at", w->page->updated);
	json_map_end(json);
}

static void write_status(struct writing *w)
{
	json_key(&w->json, "status");
	json_map_begin(&w->json);
	json_field_cstr(&w->json, "indicator", w->page->indicator);
	json_field_cstr(&w->json, "description", w->page->description);
	json_map_end(&w->json);
}

/* ---- components ---- */

static void write_component_common(struct writing *w, const char *id, struct str name, struct str status, time_us changed,
				   size_t position)
{
	struct json_writer *json = &w->json;
	time_us at = changed != TIME_NONE ? changed : w->page->updated;
	json_field_cstr(json, "id", id);
	json_field_text(json, "name", name);
	json_field_text(json, "status", status);
	json_field_time(json, "created_at", at);
	json_field_time(json, "updated_at", at);
	json_field_int(json, "position", (int64_t)position);
	json_field_bool(json, "showcase", false);
	json_field_null(json, "start_date");
	json_field_cstr(json, "page_id", w->page->id);
	json_field_bool(json, "only_show_if_degraded", false);
}

static bool is_titled(const struct comms_page *page, size_t group)
{
	return group < page->group_count && page->groups[group].title.len > 0;
}

static void write_component(struct writing *w, size_t index)
{
	const struct comms_page_component *row = &w->page->components[index];
	json_map_begin(&w->json);
	write_component_common(w, row->id, row->name, row->status, row->changed, index + 1);
	json_field_text_or_null(&w->json, "description", row->about);
	json_field_cstr(&w->json, "group_id", is_titled(w->page, row->group) ? w->page->groups[row->group].id : NULL);
	json_field_bool(&w->json, "group", false);
	json_map_end(&w->json);
}

static void write_group(struct writing *w, size_t index)
{
	const struct comms_page_group *group = &w->page->groups[index];
	struct str worst = STR("operational");
	for (size_t i = group->first; i < group->first + group->count; i++) {
		static const int weights[] = { 0, 2, 3, 4, 1 };
		struct str here = w->page->components[i].status;
		if (weights[comms_status_rank(here)] > weights[comms_status_rank(worst)])
			worst = here;
	}
	json_map_begin(&w->json);
	write_component_common(w, group->id, group->title, worst, TIME_NONE, index + 1);
	json_field_null(&w->json, "description");
	json_field_null(&w->json, "group_id");
	json_field_bool(&w->json, "group", true);
	json_key(&w->json, "components");
	json_list_begin(&w->json);
	for (size_t i = group->first; i < group->first + group->count; i++)
		json_cstr(&w->json, w->page->components[i].id);
	json_list_end(&w->json);
	json_map_end(&w->json);
}

static void write_components(struct writing *w)
{
	json_key(&w->json, "components");
	json_list_begin(&w->json);
	for (size_t i = 0; i < w->page->component_count; i++)
		write_component(w, i);
	for (size_t i = 0; i < w->page->group_count; i++) {
		if (is_titled(w->page, i))
			write_group(w, i);
	}
	json_list_end(&w->json);
}

/* ---- incidents and maintenance ---- */

static void write_affected(struct writing *w, const struct comms_page_update *update)
{
	json_key(&w->json, "affected_components");
	if (update->affected_count == 0) {
		json_null(&w->json);
		return;
	}
	json_list_begin(&w->json);
	for (size_t i = 0; i < update->affected_count; i++) {
		const struct comms_page_component *component = &w->page->components[update->affected[i].component];
		json_map_begin(&w->json);
		json_field_cstr(&w->json, "code", component->id);
		json_field_text(&w->json, "name", component->name);
		json_field_text(&w->json, "old_status", update->affected[i].old_status);
		json_field_text(&w->json, "new_status", update->affected[i].status);
		json_map_end(&w->json);
	}
	json_list_end(&w->json);
}

static void write_update(struct writing *w, const struct comms_page_incident *incident,
			 const struct comms_page_update *update)
{
	struct json_writer *json = &w->json;
	json_map_begin(json);
	json_field_cstr(json, "id", update->id);
	json_field_text(json, "status", update->state);
	json_field_text(json, "body", update->text);
	json_field_cstr(json, "incident_id", incident->id);
	json_field_time(json, "created_at", update->at);
	json_field_time(json, "updated_at", update->edited != TIME_NONE ? update->edited : update->at);
	json_field_time(json, "display_at", update->at);
	write_affected(w, update);
	json_field_bool(json, "deliver_notifications", true);
	json_field_null(json, "custom_tweet");
	json_field_null(json, "tweet_id");
	json_map_end(json);
}

static void write_shortlink(struct writing *w, const struct comms_page_incident *incident)
{
	char link[600];
	snprintf(link, sizeof link, "%s/incidents/%s", w->url, incident->id);
	json_field_cstr(&w->json, "shortlink", link);
}

static void write_incident(struct writing *w, const struct comms_page_incident *incident)
{
	struct json_writer *json = &w->json;
	json_map_begin(json);
	json_field_cstr(json, "id", incident->id);
	json_field_text(json, "name", incident->name);
	json_field_text(json, "status", incident->state);
	json_field_time(json, "created_at", incident->created);
	json_field_time(json, "updated_at", incident->updated);
	json_field_time(json, "monitoring_at", incident->monitoring);
	json_field_time(json, "resolved_at", incident->resolved);
	json_field_text(json, "impact", incident->impact);
	write_shortlink(w, incident);
	json_field_time(json, "started_at", incident->from != TIME_NONE ? incident->from : incident->created);
	json_field_cstr(json, "page_id", w->page->id);
	if (incident->from != TIME_NONE) {
		json_field_time(json, "scheduled_for", incident->from);
		json_field_time(json, "scheduled_until", incident->until);
	}
	json_key(json, "incident_updates");
	json_list_begin(json);
	for (size_t i = 0; i < incident->update_count; i++)
		write_update(w, incident, &incident->updates[i]);
	json_list_end(json);
	json_key(json, "components");
	json_list_begin(json);
	for (size_t i = 0; i < incident->component_count; i++)
		write_component(w, incident->components[i]);
	json_list_end(json);
	json_map_end(json);
}

static bool is_unresolved(const struct comms_page_incident *incident)
{
	return !comms_page_incident_over(incident);
}

static bool is_upcoming(const struct comms_page_incident *m)
{
	return str_is(m->state, "scheduled");
}

static bool is_active(const struct comms_page_incident *m)
{
	return str_is(m->state, "in_progress") || str_is(m->state, "verifying");
}

static void write_incidents(struct writing *w, const char *key, const struct comms_page_incident *rows, size_t count,
			    bool (*wanted)(const struct comms_page_incident *incident))
{
	size_t shown = 0;
	json_key(&w->json, key);
	json_list_begin(&w->json);
	for (size_t i = 0; i < count && shown < INCIDENTS_SHOWN; i++) {
		if (wanted != NULL && !wanted(&rows[i]))
			continue;
		write_incident(w, &rows[i]);
		shown++;
	}
	json_list_end(&w->json);
}

void comms_page_json(const struct comms_page *page, const char *url, enum comms_document document, struct buf *out)
{
	struct writing w = { .page = page, .url = url };
	json_init(&w.json, out);
	json_map_begin(&w.json);
	write_page(&w);
	switch (document) {
	case COMMS_DOC_SUMMARY:
		write_components(&w);
		write_incidents(&w, "incidents", page->incidents, page->incident_count, is_unresolved);
		write_incidents(&w, "scheduled_maintenances", page->maintenances, page->maintenance_count, is_unresolved);
		write_status(&w);
		break;
	case COMMS_DOC_COMPONENTS: write_components(&w); break;
	case COMMS_DOC_INCIDENTS:
		write_incidents(&w, "incidents", page->incidents, page->incident_count, NULL);
		break;
	case COMMS_DOC_UNRESOLVED:
		write_incidents(&w, "incidents", page->incidents, page->incident_count, is_unresolved);
		break;
	case COMMS_DOC_MAINTENANCES:
		write_incidents(&w, "scheduled_maintenances", page->maintenances, page->maintenance_count, NULL);
		break;
	case COMMS_DOC_UPCOMING:
		write_incidents(&w, "scheduled_maintenances", page->maintenances, page->maintenance_count, is_upcoming);
		break;
	case COMMS_DOC_ACTIVE:
		write_incidents(&w, "scheduled_maintenances", page->maintenances, page->maintenance_count, is_active);
		break;
	case COMMS_DOC_STATUS:
	case COMMS_DOC_COUNT: write_status(&w); break;
	}
	json_map_end(&w.json);
	json_finish(&w.json);
}
