/* api_now.c: what is wrong, who is on it, what to do next: the first page, in one request. */
#include <stdlib.h>

#include "alert/alert.h"
#include "api/api_handlers.h"
#include "api/api_now.h"
#include "api/api_update.h"
#include "incident/incident.h"
#include "api/api_review.h"
#include "oncall/paging.h"
#include "resource/definition.h"

#define INCIDENTS_SHOWN 50
#define INCIDENTS_LOOKED_AT 500
#define MUTES_SHOWN 50
#define OWED_SHOWN 10
#define OWED_SOON (3 * TIME_DAY)

/* ---- incidents, the most pressing first ---- */

struct pressing {
	struct incident rows[INCIDENTS_LOOKED_AT];
	size_t count;
};

static bool collect(void *context, const struct incident *incident)
{
	struct pressing *pressing = context;
	pressing->rows[pressing->count++] = *incident;
	return pressing->count < INCIDENTS_LOOKED_AT;
}

/* What nobody has, then by priority, then the oldest. */
static int compare(const void *left, const void *right)
{
	const struct incident *a = left, *b = right;
	bool a_open = str_is(a->state, "open"), b_open = str_is(b->state, "open");
	if (a_open != b_open)
		return a_open ? -1 : 1;
	int order = str_cmp(a->priority, b->priority);
	if (order != 0)
		return order;
	return a->opened < b->opened ? -1 : a->opened > b->opened;
}

static enum err write_incidents(struct api_call *call, struct error *err)
{
	struct pressing *pressing = arena_new(&call->arena, struct pressing);
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	paging_visible(&call->principal, visible);
	struct incident_filter filter = {
		.states = STR("open,acknowledged"),
		.limit = INCIDENTS_LOOKED_AT,
		.visible = str_of(visible->text),
		.visible_values = visible->values,
		.visible_count = visible->count,
	};
	enum err r = incident_list(call->conn, &filter, &call->arena, collect, pressing, err);
	if (r != OK)
		return r;
	qsort(pressing->rows, pressing->count, sizeof pressing->rows[0], compare);
	json_key(&call->json, "incidents");
	json_list_begin(&call->json);
	for (size_t i = 0; i < pressing->count && i < INCIDENTS_SHOWN; i++)
		api_incident_row(call, &pressing->rows[i]);
	json_list_end(&call->json);
	return OK;
}

/* ---- mutes ---- */

static bool write_mute(void *context, const struct alert_mute *mute)
{
	api_mute_row(context, mute);
	return true;
}

static enum err write_mutes(struct api_call *call, struct error *err)
{
	json_key(&call->json, "mutes");
	json_list_begin(&call->json);
	enum err r = alert_list_mutes(call->conn, true, MUTES_SHOWN, &call->arena, write_mute, call, err);
	json_list_end(&call->json);
	return r;
}

/* ---- what the reader owes by day ---- */

static bool write_review(void *context, const struct review *review)
{
	api_review_row(context, review);
	return true;
}

static bool write_action(void *context, const struct review_action *action)
{
	api_review_action(context, action);
	return true;
}

static enum err write_owed(struct api_call *call, struct error *err)
{
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, "i", "? IN (i.opened_by, i.acknowledged_by)", visible);
	struct review_filter reviews = {
		.states = STR("draft,in_review"), .owner = call->principal.user, .limit = OWED_SHOWN,
		.visible = str_of(visible->text), .visible_values = visible->values,
		.visible_count = visible->count,
	};
	struct review_action_filter actions = {
		.states = STR("open"), .owner = call->principal.user, .limit = OWED_SHOWN,
		.due_before = call->now + OWED_SOON,
		.visible = str_of(visible->text), .visible_values = visible->values,
		.visible_count = visible->count,
	};
	json_key(&call->json, "reviews_owed");
	json_list_begin(&call->json);
	enum err r = review_list(call->conn, &reviews, &call->arena, write_review, call, err);
	json_list_end(&call->json);
	json_key(&call->json, "actions_owed");
	json_list_begin(&call->json);
	if (r == OK)
		r = review_action_list(call->conn, &actions, &call->arena, write_action, call, err);
	json_list_end(&call->json);
	return r;
}

/* ---- warnings: what would hurt tonight ---- */

static void warn(void *context, const char *code, const char *text, const char *hint, const char *link)
{
	struct api_call *call = context;
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_cstr(json, "code", code);
	json_field_cstr(json, "text", text);
	json_field_cstr(json, "hint", hint);
	json_field_cstr(json, "link", link);
	json_map_end(json);
}

static bool see_wakeable(void *context, const struct paging_contact *contact)
{
	bool *wakeable = context;
	*wakeable = *wakeable || !str_is(contact->channel, "browser");
	return !*wakeable;
}

static bool see_any(void *context, const struct definition *definition)
{
	(void)definition;
	*(bool *)context = true;
	return false;
}

static bool any_definition(struct api_call *call, const char *kind)
{
	bool found = false;
	definition_list(call->conn, str_of(kind), STR_NONE, STR_NONE, 1, &call->arena, see_any, &found,
			NULL);
	return found;
}

static void write_warnings(struct api_call *call, bool first_run)
{
	bool wakeable = false;
	const struct api_options *options = &call->api->options;
	json_key(&call->json, "warnings");
	json_list_begin(&call->json);
	if (options->warnings != NULL)
		options->warnings(options->warnings_context, warn, call);
	paging_contacts(call->conn, call->principal.user, &call->arena, see_wakeable, &wakeable, NULL);
	if (!wakeable)
		warn(call, "not_wakeable", "A page could not wake you: you have only this browser.",
		     "Add ntfy, e-mail or a webhook, and send yourself a test page.", "/on-call");
	if (!first_run && !any_definition(call, PAGING_POLICY))
		warn(call, "no_policy", "There is no escalation policy: everybody is paged at once.",
		     "Say who is paged first, and who next.", "/on-call");
	json_list_end(&call->json);
}

enum err api_now_get(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	bool first_run = !any_definition(call, "Check");
	json_map_begin(json);
	json_field_time(json, "now", call->now);
	enum err r = write_incidents(call, err);
	if (r == OK)
		r = api_now_checks(call, err);
	if (r == OK)
		r = api_now_on_call(call, err);
	if (r == OK)
		r = write_mutes(call, err);
	if (r == OK)
		r = write_owed(call, err);
	if (r != OK)
		return r;
	r = api_update_now(call, err);
	if (r == OK)
		r = api_maintenance_now(call, err);
	if (r != OK)
		return r;
	write_warnings(call, first_run);
	json_field_bool(json, "first_run", first_run);
	json_map_end(json);
	return OK;
}
