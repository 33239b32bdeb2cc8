/* api_review_document.c: one review whole: facts from the journal, people's words, what came before. */
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "api/api_handlers.h"
#include "api/api_incident_view.h"
#include "api/api_review.h"
#include "journal/journal.h"
#include "notify/notify.h"

#define PAGES_SHOWN 200
#define EARLIER_SHOWN 10
#define EARLIER_WITHIN (180 * TIME_DAY)

/* ---- reading ---- */

struct str api_review_name(struct api_call *call, int64_t user)
{
	struct guard_user found;
	if (user == 0)
		return STR("Mainstay");
	return guard_user_by_id(call->conn, &call->arena, user, &found, NULL) == OK ? found.name
										   : STR("somebody");
}

struct reading {
	struct api_call *call;
	struct api_review_document *doc;
	unsigned seen;
	int64_t last;
};

static bool is_tried(const struct event *event)
{
	switch (event->kind) {
	case EVENT_INCIDENT_NOTED:
	case EVENT_INCIDENT_ACKNOWLEDGED:
	case EVENT_INCIDENT_PRIORITY_SET:
	case EVENT_INCIDENT_RESOLVED:
	case EVENT_INCIDENT_REOPENED:
	case EVENT_ESCALATION_REQUESTED:
	case EVENT_MUTE_STARTED:
	case EVENT_OVERRIDE_PUT:
	case EVENT_CHECK_PAUSED:
		return event->actor != 0;
	default:
		return false;
	}
}

static bool add_moment(struct reading *reading, const struct event *event, bool around)
{
	struct api_review_document *doc = reading->doc;
	if (doc->timeline_count == API_REVIEW_TIMELINE_MAX) {
		doc->cut = true;
		return false;
	}
	doc->timeline[doc->timeline_count++] = (struct api_review_moment){
		.seq = event->seq,
		.actor = event->actor,
		.at = event->event_time,
		.kind = event_kinds[event->kind].name,
		.text = api_sentence(reading->call, event),
		.tried = is_tried(event),
		.around = around,
	};
	return true;
}

static bool see_own(void *context, const struct event *event)
{
	struct reading *reading = context;
	reading->seen++;
	reading->last = event->seq;
	return add_moment(reading, event, false);
}

static bool concerns(const struct api_review_document *doc, const struct event *event)
{
	if (event->payload == NULL || !is_tried(event))
		return false;
	if (event->kind != EVENT_MUTE_STARTED)
		return true;
	const struct event_mute_started *e = event->payload;
	return !str_is(e->target_kind, "service") || str_eq(e->target, doc->incident.service);
}

static bool see_around(void *context, const struct event *event)
{
	struct reading *reading = context;
	return !concerns(reading->doc, event) || add_moment(reading, event, true);
}

static int by_seq(const void *left, const void *right)
{
	const struct api_review_moment *a = left, *b = right;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* The incident's own events, and what people did beside it while it lasted. */
static enum err read_timeline(struct api_call *call, struct api_review_document *doc, int64_t up_to,
			      struct error *err)
{
	static const char *const own[] = { "incident.", "escalation.", "page.", "update.", NULL };
	static const char *const around[] = { "mute.", "override.", "check.paused", NULL };
	struct reading reading = { .call = call, .doc = doc };
	struct journal_filter filter = { .subject = doc->incident.id, .kinds = own, .up_to_seq = up_to,
					 .limit = JOURNAL_PAGE_MAX };
	enum err r;
	do {
		reading.seen = 0;
		r = journal_read(call->conn, &filter, &call->arena, see_own, &reading, err);
		filter.after_seq = reading.last;
	} while (r == OK && reading.seen == JOURNAL_PAGE_MAX && !doc->cut);
	struct journal_filter beside = {
		.kinds = around, .from = doc->facts->moments[REVIEW_DETECTED].at, .up_to_seq = up_to,
		.to = doc->review.at[REVIEW_RESOLVED] + 1, .limit = JOURNAL_PAGE_MAX,
	};
	if (r == OK)
		r = journal_read(call->conn, &beside, &call->arena, see_around, &reading, err);
	qsort(doc->timeline, doc->timeline_count, sizeof doc->timeline[0], by_seq);
	return r;
}

static bool add_factor(void *context, const struct review_factor *factor)
{
	struct api_review_document *doc = context;
	doc->factors[doc->factor_count++] = *factor;
	return doc->factor_count < REVIEW_FACTORS_MAX;
}

static bool add_action(void *context, const struct review_action *action)
{
	struct api_review_document *doc = context;
	doc->actions[doc->action_count++] = *action;
	return doc->action_count < REVIEW_ACTIONS_MAX;
}

static int action_by_id(const void *left, const void *right)
{
	const struct review_action *a = left, *b = right;
	return a->id < b->id ? -1 : a->id > b->id;
}

enum err api_review_read(struct api_call *call, const struct incident *incident,
			 const struct review *review, struct api_review_document **ret_document,
			 struct error *err)
{
	struct api_review_document *doc = arena_new(&call->arena, struct api_review_document);
	struct review_action_filter actions = { .incident = incident->id, .limit = REVIEW_ACTIONS_MAX };
	doc->incident = *incident;
	doc->review = *review;
	enum err r = review_facts_read(call->conn, incident->id, review->up_to, &call->arena, &doc->facts, err);
	if (r == OK)
		r = read_timeline(call, doc, review->up_to, err);
	if (r == OK)
		r = review_texts(call->conn, incident->id, &call->arena, doc->texts, err);
	if (r == OK)
		r = review_factors(call->conn, incident->id, &call->arena, add_factor, doc, err);
	if (r == OK)
		r = review_action_list(call->conn, &actions, &call->arena, add_action, doc, err);
	if (r != OK)
		return r;
	qsort(doc->actions, doc->action_count, sizeof doc->actions[0], action_by_id);
	for (size_t i = 0; i < doc->facts->people_count; i++)
		doc->names[i] = api_review_name(call, doc->facts->people[i].user);
	*ret_document = doc;
	return OK;
}

/* ---- facts ---- */

static void write_phases(struct json_writer *json, const struct review_facts *facts)
{
	json_key(json, "phases");
	json_list_begin(json);
	for (int i = 0; i < REVIEW_PHASE_COUNT; i++) {
		const struct review_moment *moment = &facts->moments[i];
		json_map_begin(json);
		json_field_cstr(json, "phase", review_phase_rows[i].name);
		json_field_cstr(json, "title", review_phase_rows[i].title);
		json_field_cstr(json, "means", review_phase_rows[i].means);
		json_field_time(json, "at", moment->at);
		json_field_id_or_null(json, "seq", moment->seq);
		json_map_end(json);
	}
	json_list_end(json);
	json_key(json, "spans");
	json_list_begin(json);
	for (size_t i = 0; i < REVIEW_SPANS; i++) {
		const struct review_span_row *row = &review_span_rows[i];
		time_us span = review_span(facts->moments, row);
		json_map_begin(json);
		json_field_cstr(json, "span", row->name);
		json_field_cstr(json, "title", row->title);
		json_field_cstr(json, "means", row->means);
		if (span < 0)
			json_field_null(json, "us");
		else
			json_field_int(json, "us", span);
		json_map_end(json);
	}
	json_list_end(json);
}

static void write_people(struct api_call *call, const struct review_facts *facts)
{
	struct json_writer *json = &call->json;
	json_key(json, "people");
	json_list_begin(json);
	for (size_t i = 0; i < facts->people_count; i++) {
		const struct review_person *person = &facts->people[i];
		json_map_begin(json);
		api_person(call, "user", person->user);
		json_field_time(json, "first_at", person->first_at);
		json_field_int(json, "seq", person->first_seq);
		json_key(json, "parts");
		json_list_begin(json);
		for (int part = 0; part < REVIEW_PART_COUNT; part++) {
			if (person->counts[part] == 0)
				continue;
			json_map_begin(json);
			json_field_cstr(json, "part", review_part_names[part]);
			json_field_int(json, "count", person->counts[part]);
			json_map_end(json);
		}
		json_list_end(json);
		json_map_end(json);
	}
	json_list_end(json);
}

static void write_timeline(struct api_call *call, const struct api_review_document *doc)
{
	struct json_writer *json = &call->json;
	json_key(json, "timeline");
	json_list_begin(json);
	for (size_t i = 0; i < doc->timeline_count; i++) {
		const struct api_review_moment *moment = &doc->timeline[i];
		json_map_begin(json);
		json_field_int(json, "seq", moment->seq);
		json_field_time(json, "at", moment->at);
		json_field_cstr(json, "kind", moment->kind);
		api_person(call, "actor", moment->actor);
		json_field_text(json, "text", moment->text);
		json_field_bool(json, "tried", moment->tried);
		json_field_bool(json, "around", moment->around);
		json_map_end(json);
	}
	json_list_end(json);
	json_field_bool(json, "timeline_cut", doc->cut);
	json_key(json, "gaps");
	json_list_begin(json);
	for (size_t i = 0; i < doc->facts->gap_count; i++) {
		const struct review_gap *gap = &doc->facts->gaps[i];
		json_map_begin(json);
		json_field_time(json, "from", gap->before.at);
		json_field_time(json, "to", gap->after.at);
		json_field_int(json, "us", gap->after.at - gap->before.at);
		json_field_int(json, "after_seq", gap->before.seq);
		json_field_int(json, "before_seq", gap->after.seq);
		json_map_end(json);
	}
	json_list_end(json);
}

static enum err write_pages(struct api_call *call, const struct api_review_document *doc, struct error *err)
{
	struct json_writer *json = &call->json;
	struct notify_filter filter = { .incident = doc->incident.id, .limit = PAGES_SHOWN };
	json_key(json, "paging");
	json_map_begin(json);
	json_field_int(json, "written", doc->facts->pages_written);
	json_field_int(json, "arrived", doc->facts->pages_arrived);
	json_field_int(json, "failed", doc->facts->pages_failed);
	json_key(json, "pages");
	enum err r = api_pages(call, &filter, err);
	json_map_end(json);
	return r;
}

/* ---- words ---- */

static void write_hints(struct api_call *call, const struct api_review_document *doc, struct str text)
{
	struct review_hint hints[REVIEW_HINTS_MAX];
	size_t count = review_hints(text, doc->names, doc->facts->people_count, &call->arena, hints);
	json_key(&call->json, "hints");
	json_list_begin(&call->json);
	for (size_t i = 0; i < count; i++) {
		json_map_begin(&call->json);
		json_field_text(&call->json, "found", hints[i].found);
		json_field_text(&call->json, "say", hints[i].say);
		json_map_end(&call->json);
	}
	json_list_end(&call->json);
}

static void write_words(struct api_call *call, const struct api_review_document *doc)
{
	struct json_writer *json = &call->json;
	json_key(json, "sections");
	json_list_begin(json);
	for (size_t i = 0; i < REVIEW_SECTIONS; i++) {
		const struct review_text *text = &doc->texts[i];
		json_map_begin(json);
		json_field_text(json, "section", text->section);
		json_field_cstr(json, "title", review_sections[i].title);
		json_field_cstr(json, "asks", review_sections[i].asks);
		json_field_text(json, "text", text->text);
		api_markdown(call, text->text);
		json_field_int(json, "revision", text->revision);
		json_field_time(json, "changed_at", text->at);
		api_person(call, "changed_by", text->by);
		write_hints(call, doc, text->text);
		json_map_end(json);
	}
	json_list_end(json);
	json_key(json, "factors");
	json_list_begin(json);
	for (size_t i = 0; i < doc->factor_count; i++) {
		const struct review_factor *factor = &doc->factors[i];
		json_map_begin(json);
		json_field_int(json, "id", factor->id);
		json_field_text(json, "kind", factor->kind);
		json_field_text(json, "text", factor->text);
		json_field_id_or_null(json, "parent", factor->parent);
		write_hints(call, doc, factor->text);
		json_map_end(json);
	}
	json_list_end(json);
	json_key(json, "actions");
	json_list_begin(json);
	for (size_t i = 0; i < doc->action_count; i++)
		api_review_action(call, &doc->actions[i]);
	json_list_end(json);
}

/* ---- seen before ---- */

struct earlier {
	struct api_call *call;
	const struct incident *incident;
	int64_t count;
};

static void write_kinds_of(struct api_call *call, int64_t incident)
{
	struct api_review_document *doc = arena_new(&call->arena, struct api_review_document);
	json_key(&call->json, "factors");
	json_list_begin(&call->json);
	if (review_factors(call->conn, incident, &call->arena, add_factor, doc, NULL) == OK) {
		for (size_t i = 0; i < doc->factor_count; i++)
			json_text(&call->json, arena_printf(&call->arena, STR_FMT ": " STR_FMT,
							    STR_ARG(doc->factors[i].kind),
							    STR_ARG(doc->factors[i].text)));
	}
	json_list_end(&call->json);
}

static bool see_earlier(void *context, const struct incident *incident)
{
	struct earlier *earlier = context;
	struct api_call *call = earlier->call;
	struct json_writer *json = &call->json;
	struct review review = { .actions_open = 0 };
	if (incident->id == earlier->incident->id)
		return true;
	if (++earlier->count > EARLIER_SHOWN)
		return true;
	bool reviewed = review_get(call->conn, incident->id, &call->arena, &review, NULL) == OK;
	json_map_begin(json);
	json_field_int(json, "id", incident->id);
	json_field_text(json, "title", incident->title);
	json_field_text(json, "priority", incident->priority);
	json_field_time(json, "opened_at", incident->opened);
	json_field_text_or_null(json, "review_state", reviewed ? review.state : STR_NONE);
	json_field_int(json, "actions_open", review.actions_open);
	write_kinds_of(call, incident->id);
	json_map_end(json);
	return true;
}

/* Incidents of the same service in the half year before, as far as the reader may see them. */
static enum err write_recurrence(struct api_call *call, const struct incident *incident, struct error *err)
{
	struct earlier earlier = { .call = call, .incident = incident };
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, NULL, "? IN (opened_by, acknowledged_by)", visible);
	struct incident_filter filter = {
		.service = incident->service, .before_id = incident->id, .limit = 100,
		.from = incident->opened - EARLIER_WITHIN,
		.visible = str_of(visible->text), .visible_values = visible->values,
		.visible_count = visible->count,
	};
	enum err r = OK;
	json_key(&call->json, "recurrence");
	json_map_begin(&call->json);
	json_field_int(&call->json, "days", EARLIER_WITHIN / TIME_DAY);
	json_key(&call->json, "earlier");
	json_list_begin(&call->json);
	if (incident->service.len > 0)
		r = incident_list(call->conn, &filter, &call->arena, see_earlier, &earlier, err);
	json_list_end(&call->json);
	json_field_int(&call->json, "count", earlier.count);
	json_map_end(&call->json);
	return r;
}

/* ---- the whole ---- */

enum err api_review_get(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct api_review_document *doc;
	struct incident incident;
	struct review review;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_review_read(call, &incident, &review, &doc, err);
	if (r != OK)
		return r;
	json_map_begin(json);
	json_key(json, "review");
	api_review_row(call, &review);
	json_field_int(json, "up_to", review.up_to);
	json_field_text(json, "visibility", incident.visibility);
	json_field_text_or_null(json, "team", incident.team);
	write_phases(json, doc->facts);
	write_people(call, doc->facts);
	write_timeline(call, doc);
	r = api_incident_alerts(call, incident.id, err);
	if (r == OK)
		r = write_pages(call, doc, err);
	write_words(call, doc);
	if (r == OK)
		r = write_recurrence(call, &incident, err);
	json_map_end(json);
	if (r == OK)
		api_etag(call, review.revision);
	return r;
}
