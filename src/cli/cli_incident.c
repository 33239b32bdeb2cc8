/* cli_incident.c: incidents: mainstay incident ... */
#include <string.h>

#include "cli/cli_http.h"

#define LEVELS "high|medium|low"
#define TIMELINE_LOOKED_AT 100

static const struct cli_column row[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "PRIORITY", "priority", CLI_SHOW_STATE },
	{ "TITLE", "title" },
	{ "SERVICE", "service" },
	{ "OPENED", "opened_at", CLI_SHOW_TIME },
	{ "WHO", "assignee.name" },
	{ NULL },
};

static const struct cli_section list[] = {
	{ .items = "items", .columns = row,
	  .empty = "no incident matches; to declare one: mainstay incident declare TITLE" },
	{ 0 },
};

static const struct cli_column fields[] = {
	{ "incident", "id" },
	{ "title", "title" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "priority", "priority", CLI_SHOW_STATE },
	{ "impact", "why.impact_reason" },
	{ "urgency", "why.urgency_reason" },
	{ "service", "service" },
	{ "team", "team" },
	{ "opened", "opened_at", CLI_SHOW_TIME },
	{ "opened by", "opened_by.name" },
	{ "who is on it", "acknowledged_by.name" },
	{ "acknowledged", "acknowledged_at", CLI_SHOW_TIME },
	{ "asked again", "ack_until", CLI_SHOW_TIME },
	{ "next page", "next_page_at", CLI_SHOW_TIME },
	{ "resolved", "resolved_at", CLI_SHOW_TIME },
	{ "reason", "resolve_reason" },
	{ "seen by", "visibility" },
	{ NULL },
};

static const struct cli_column alerts[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },   { "STATE", "state", CLI_SHOW_STATE },
	{ "ALERT", "name" },		   { "CHECK", "check" },
	{ "FIRED", "fired_at", CLI_SHOW_TIME }, { NULL },
};

static const struct cli_column steps[] = {
	{ "WAITS", "delay" },
	{ "TARGETS", "targets.name" },
	{ "WHO THAT IS NOW", "targets.users.name" },
	{ NULL },
};

static const struct cli_column pages[] = {
	{ "PAGE", "id", CLI_SHOW_NUMBER },	 { "STATE", "state", CLI_SHOW_STATE },
	{ "WHO", "user.name" },			 { "CHANNEL", "channel" },
	{ "CREATED", "created_at", CLI_SHOW_TIME }, { NULL },
};

static const struct cli_section show[] = {
	{ .columns = fields },
	{ .title = "Alerts", .items = "alerts", .columns = alerts },
	{ .title = "Escalation", .when = "escalation",
	  .text = "{escalation.state}; round {escalation.round} of {escalation.rounds}, step "
		  "{escalation.step}; policy {escalation.policy}" },
	{ .items = "escalation.steps", .columns = steps },
	{ .title = "Pages", .items = "pages", .columns = pages },
	{ 0 },
};

static const struct cli_column timeline[] = {
	{ "SEQ", "seq", CLI_SHOW_NUMBER },
	{ "WHEN", "at", CLI_SHOW_TIME },
	{ "WHO", "actor.name" },
	{ "WHAT", "text" },
	{ NULL },
};

static const struct cli_section timeline_list[] = {
	{ .items = "items", .columns = timeline, .empty = "nothing happened in it yet" },
	{ 0 },
};

static const struct cli_column created[] = {
	{ "incident", "id" },
	{ "title", "title" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "priority", "priority", CLI_SHOW_STATE },
	{ "impact", "why.impact_reason" },
	{ "urgency", "why.urgency_reason" },
	{ NULL },
};

static const struct cli_section declared[] = {
	{ .columns = created },
	{ .text = "next: mainstay incident ack {id}" },
	{ 0 },
};

static const struct cli_section acted[] = {
	{ .text = "incident {incident.id} is {incident.state}, {incident.priority}: {incident.title}" },
	{ .when = "undo_until", .text = "take it back until {undo_until}: mainstay incident undo {incident.id}" },
	{ 0 },
};

static const struct cli_column update[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },	 { "WHEN", "posted_at", CLI_SHOW_TIME },
	{ "FOR", "audience" },			 { "STATE", "state", CLI_SHOW_STATE },
	{ "DELIVERY", "delivery" },		 { "HELPED", "rating.helped", CLI_SHOW_NUMBER },
	{ "UNSURE", "rating.unsure", CLI_SHOW_NUMBER }, { "TEXT", "text", CLI_SHOW_LINE },
	{ NULL },
};
static const struct cli_section update_list[] = {
	{ .items = "items", .columns = update, .empty = "nobody was told anything yet" },
	{ 0 },
};
static const struct cli_section updated[] = {
	{ .text = "update {id} for {audience} ({state}) goes out at {public_at}" },
	{ .text = "take it back before: mainstay incident withdraw {incident} {id}" },
	{ 0 },
};
static const struct cli_section withdrawn[] = { { .text = "update {id} was taken back; nobody has seen it" }, { 0 } };
static const struct cli_section corrected[] = { { .text = "update {id} is corrected" }, { 0 } };

#define ID { "ID", CLI_INT, CLI_PATH, "the incident", CLI_REQUIRED }

static const struct cli_input list_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = "open|acknowledged|resolved" },
	{ "priority", CLI_CHOICES, CLI_QUERY, "only with these priorities", .choices = "P1|P2|P3|P4|P5" },
	{ "service", CLI_TEXT, CLI_QUERY, "only of this service", .value = "NAME" },
	{ "team", CLI_TEXT, CLI_QUERY, "only of this team", .value = "NAME" },
	{ "search", CLI_TEXT, CLI_QUERY, "words that must occur", .key = "q" },
	{ "from", CLI_TIME, CLI_QUERY, "opened at or after" },
	{ "to", CLI_TIME, CLI_QUERY, "opened before" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};

static const struct cli_input show_inputs[] = { ID, CLI_AS_OF, { .name = NULL } };
static const struct cli_input timeline_inputs[] = { ID, CLI_LIMIT, CLI_AS_OF, { .name = NULL } };
static const struct cli_input id_only[] = { ID, { .name = NULL } };

static const struct cli_input declare_inputs[] = {
	{ "TITLE", CLI_TEXT, CLI_BODY, "what is broken, for whom", CLI_REQUIRED | CLI_REST },
	{ "service", CLI_TEXT, CLI_BODY, "the service that is hurt", .value = "NAME" },
	{ "impact", CLI_CHOICE, CLI_BODY, "how bad it is", .choices = LEVELS },
	{ "urgency", CLI_CHOICE, CLI_BODY, "how fast it gets worse", .choices = LEVELS },
	{ "team", CLI_TEXT, CLI_BODY, "whose it is", .value = "NAME" },
	{ "visibility", CLI_CHOICE, CLI_BODY, "who may know of it", .choices = "everyone|team|private" },
	{ .name = NULL },
};

/* `ack` and the others say {} where they have nothing to say. */
static const struct cli_input resolve_inputs[] = {
	ID,
	{ "reason", CLI_TEXT, CLI_BODY, "what it was, for the record" },
	{ .name = NULL },
};

static const struct cli_input note_inputs[] = {
	ID,
	{ "TEXT", CLI_TEXT, CLI_BODY, "the note", CLI_REQUIRED | CLI_REST },
	{ .name = NULL },
};

static const struct cli_input priority_inputs[] = {
	ID,
	{ "impact", CLI_CHOICE, CLI_BODY, "how bad it is", CLI_REQUIRED, .choices = LEVELS },
	{ "urgency", CLI_CHOICE, CLI_BODY, "how fast it gets worse", CLI_REQUIRED, .choices = LEVELS },
	{ "reason", CLI_TEXT, CLI_BODY, "why, for everybody to read", CLI_REQUIRED },
	{ .name = NULL },
};

static const struct cli_input updates_inputs[] = { ID, CLI_LIMIT, CLI_AS_OF, { .name = NULL } };
static const struct cli_input update_inputs[] = {
	ID,
	{ "TEXT", CLI_TEXT, CLI_BODY, "the news, in Markdown", CLI_REQUIRED | CLI_REST },
	{ "for", CLI_CHOICE, CLI_BODY, "who is told; customers is public", CLI_REQUIRED, .key = "audience",
	  .choices = "engineers|executives|customers" },
	{ "state", CLI_CHOICE, CLI_BODY, "where the incident stands", CLI_REQUIRED,
	  .choices = "investigating|identified|monitoring|resolved" },
	{ "title", CLI_TEXT, CLI_BODY, "what customers read as its name" },
	{ "next", CLI_TIME, CLI_BODY, "when the next update is promised", .key = "next_at" },
	{ .name = NULL },
};
#define UPDATE { "UPDATE", CLI_INT, CLI_PATH, "the update", CLI_REQUIRED }
static const struct cli_input withdraw_inputs[] = { ID, UPDATE, { .name = NULL } };
static const struct cli_input correct_inputs[] = {
	ID, UPDATE,
	{ "TEXT", CLI_TEXT, CLI_BODY, "what it says now", CLI_REQUIRED | CLI_REST },
	{ "reason", CLI_TEXT, CLI_BODY, "why" },
	{ .name = NULL },
};

static const struct cli_input undo_inputs[] = {
	ID,
	{ "seq", CLI_INT, CLI_OWN, "which event; my newest when absent" },
	{ .name = NULL },
};

/* ---- undo: my newest action, when no seq is given ---- */

static bool can_be_undone(struct str kind)
{
	return str_is(kind, "incident.acknowledged") || str_is(kind, "incident.resolved") ||
	       str_is(kind, "incident.noted") || str_is(kind, "incident.priority_set");
}

static int64_t newest_of(const struct doc_node *items, int64_t me)
{
	int64_t seq = 0;
	for (size_t i = 0; i < doc_count(items); i++) {
		const struct doc_node *item = doc_at(items, i);
		if (doc_int(cli_path(item, STR("actor.id")), 0) == me &&
		    can_be_undone(doc_text(doc_get(item, "kind"), "")))
			seq = doc_int(doc_get(item, "seq"), 0);
	}
	return seq;
}

/* The timeline is oldest first: only its end matters, so it is walked to there. */
static enum err find_mine(struct cli_call *call, int64_t *ret_seq, struct error *err)
{
	const struct doc_node *answer;
	int64_t me, seq = 0;
	struct str base = cli_request_path(call, "/incidents/{id}/timeline"), next = STR_NONE;
	enum err r = cli_person(call, STR("me"), &me, err);
	for (unsigned page = 0; r == OK && page < TIMELINE_LOOKED_AT; page++) {
		struct str path = arena_printf(&call->arena, STR_FMT "?limit=%d%s" STR_FMT, STR_ARG(base),
					       CLI_PAGE_MAX, next.len > 0 ? "&cursor=" : "", STR_ARG(next));
		r = cli_ask(call, "GET", path, STR_NONE, &answer, err);
		if (r != OK)
			return r;
		int64_t found = newest_of(doc_get(answer, "items"), me);
		seq = found > 0 ? found : seq;
		next = doc_text(doc_get(answer, "next"), "");
		if (next.len == 0)
			break;
	}
	if (r == OK && seq == 0)
		return error_set(err, ERR_NOT_FOUND, "there is nothing of yours to take back in incident "
				 STR_FMT, STR_ARG(cli_text(call, "ID")));
	if (r == OK)
		*ret_seq = seq;
	return r;
}

static enum err undo(struct cli_call *call, struct error *err)
{
	const struct doc_node *answer;
	int64_t seq = cli_int(call, "seq", 0);
	enum err r = seq > 0 ? OK : find_mine(call, &seq, err);
	if (r != OK)
		return r;
	struct str body = arena_printf(&call->arena, "{\"seq\":%lld}", (long long)seq);
	r = cli_ask(call, "POST", cli_request_path(call, "/incidents/{id}/undo"), body, &answer, err);
	if (r == OK)
		cli_show(call, acted, answer);
	return r;
}

const struct cli_action incident_actions[] = {
	{ "list", "Lists incidents, newest first.", "GET", "/incidents", list_inputs, list, .pages = true,
	  .examples = { "mainstay incident list --state open,acknowledged",
			"mainstay incident list --from -7d -o csv > week.csv" } },
	{ "show", "Shows one incident: why it has its priority, its alerts, who was paged.", "GET",
	  "/incidents/{id}", show_inputs, show,
	  .examples = { "mainstay incident show 1", "mainstay incident show 1 -o json" } },
	{ "declare", "Declares an incident by hand.", "POST", "/incidents", declare_inputs, declared,
	  .examples = { "mainstay incident declare Checkout answers 500 for everybody",
			"mainstay incident declare --impact high --urgency high \"Payments are down\"" } },
	{ "ack", "Says that you are on it: paging stops for 30 minutes, then you are asked again.", "POST",
	  "/incidents/{id}/acknowledge", id_only, acted,
	  .examples = { "mainstay incident ack 1", "mainstay incident ack 1 -o json" } },
	{ "resolve", "Says that it is over.", "POST", "/incidents/{id}/resolve", resolve_inputs, acted,
	  .examples = { "mainstay incident resolve 1",
			"mainstay incident resolve 1 --reason \"rolled back release 42\"" } },
	{ "reopen", "Says that it is not over.", "POST", "/incidents/{id}/reopen", id_only, acted,
	  .examples = { "mainstay incident reopen 1", "mainstay incident reopen 1 -o yaml" } },
	{ "note", "Writes a note into the timeline.", "POST", "/incidents/{id}/note", note_inputs, acted,
	  .examples = { "mainstay incident note 1 restarted the queue, watching",
			"mainstay incident note 1 -- --force was needed" } },
	{ "priority", "Changes impact and urgency; the team's matrix gives the priority.", "POST",
	  "/incidents/{id}/priority", priority_inputs, acted,
	  .examples = { "mainstay incident priority 1 --impact high --urgency medium --reason \"one shop\"",
			"mainstay incident priority 1 --impact low --urgency low --reason \"nobody noticed\"" } },
	{ "escalate", "Pages the next step now instead of waiting.", "POST", "/incidents/{id}/escalate",
	  id_only, acted,
	  .examples = { "mainstay incident escalate 1", "mainstay incident escalate 1 -o json" } },
	{ "undo", "Takes back your own acknowledge, resolve, note or priority within 10 seconds.", NULL, NULL,
	  undo_inputs, acted, .run = undo,
	  .examples = { "mainstay incident undo 1", "mainstay incident undo 1 -o json" } },
	{ "update", "Tells people what is known; it goes out after ten seconds.", "POST", "/incidents/{id}/updates",
	  update_inputs, updated,
	  .examples = { "mainstay incident update 1 --for customers --state investigating Since 14:02 UTC paying fails, "
			"we are looking into it",
			"mainstay incident update 1 --for executives --state identified --next +30m \"Cause found\"" } },
	{ "updates", "Lists what people were told, newest first.", "GET", "/incidents/{id}/updates", updates_inputs,
	  update_list, .pages = true,
	  .examples = { "mainstay incident updates 1", "mainstay incident updates 1 -o json" } },
	{ "withdraw", "Takes your update back before it goes out.", "POST",
	  "/incidents/{id}/updates/{update}/withdraw", withdraw_inputs, withdrawn,
	  .examples = { "mainstay incident withdraw 1 3", "mainstay incident withdraw 1 4 -o json" } },
	{ "correct", "Corrects an update; what it said stays in the journal.", "POST",
	  "/incidents/{id}/updates/{update}/edit", correct_inputs, corrected,
	  .examples = { "mainstay incident correct 1 1 Only cards are affected",
			"mainstay incident correct 1 1 --reason typo \"Since 14:02 UTC\"" } },
	{ "timeline", "Shows everything that happened in it, oldest first.", "GET",
	  "/incidents/{id}/timeline", timeline_inputs, timeline_list, .pages = true,
	  .examples = { "mainstay incident timeline 1", "mainstay incident timeline 1 -o json --limit 500" } },
	{ 0 },
};
