/* cli_review.c: post-incident reviews and their actions: mainstay review ... */
#include "cli/cli_priv.h"

static const struct cli_column row[] = {
	{ "INCIDENT", "id", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "PRIORITY", "priority", CLI_SHOW_STATE },
	{ "TITLE", "title" },
	{ "OWNER", "owner.name" },
	{ "DUE", "due_at", CLI_SHOW_TIME },
	{ "ACTIONS OPEN", "actions_open", CLI_SHOW_NUMBER },
	{ NULL },
};

static const struct cli_section list[] = {
	{ .items = "items", .columns = row,
	  .empty = "no review matches; one is drafted when a P1 or P2 incident is resolved" },
	{ 0 },
};

static const struct cli_column fields[] = {
	{ "review of incident", "review.id" },
	{ "title", "review.title" },
	{ "state", "review.state", CLI_SHOW_STATE },
	{ "priority", "review.priority", CLI_SHOW_STATE },
	{ "service", "review.service" },
	{ "owner", "review.owner.name" },
	{ "due", "review.due_at", CLI_SHOW_TIME },
	{ "published", "review.published_at", CLI_SHOW_TIME },
	{ "published by", "review.published_by.name" },
	{ "facts up to event", "up_to" },
	{ NULL },
};

static const struct cli_column phases[] = {
	{ "MOMENT", "title" },
	{ "AT", "at", CLI_SHOW_TIME },
	{ "EVENT", "seq", CLI_SHOW_NUMBER },
	{ NULL },
};

static const struct cli_column people[] = {
	{ "WHO", "user.name" },
	{ "HOW", "parts.part" },
	{ NULL },
};

static const struct cli_column gaps[] = {
	{ "FROM", "from", CLI_SHOW_TIME },
	{ "TO", "to", CLI_SHOW_TIME },
	{ NULL },
};

static const struct cli_column sections[] = {
	{ "PART", "title" },
	{ "TEXT", "text", CLI_SHOW_LINE },
	{ "BY", "changed_by.name" },
	{ NULL },
};

static const struct cli_column factors[] = {
	{ "FACTOR", "id", CLI_SHOW_NUMBER },
	{ "EXPLAINS", "parent", CLI_SHOW_NUMBER },
	{ "KIND", "kind" },
	{ "TEXT", "text" },
	{ NULL },
};

static const struct cli_column action_row[] = {
	{ "ACTION", "id", CLI_SHOW_NUMBER },
	{ "REVIEW", "review", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "TEXT", "text" },
	{ "OWNER", "owner.name" },
	{ "DUE", "due_at", CLI_SHOW_TIME },
	{ "TICKET", "link" },
	{ NULL },
};

static const struct cli_section show[] = {
	{ .columns = fields },
	{ .title = "What happened when", .items = "phases", .columns = phases },
	{ .title = "Who took part", .items = "people", .columns = people },
	{ .title = "Nothing was recorded", .items = "gaps", .columns = gaps },
	{ .title = "Words", .items = "sections", .columns = sections },
	{ .title = "Contributing factors", .items = "factors", .columns = factors },
	{ .title = "Actions", .items = "actions", .columns = action_row },
	{ 0 },
};

static const struct cli_section actions_list[] = {
	{ .items = "items", .columns = action_row, .empty = "no action matches" },
	{ 0 },
};

static const struct cli_column change[] = {
	{ "SEQ", "seq", CLI_SHOW_NUMBER },
	{ "WHEN", "at", CLI_SHOW_TIME },
	{ "WHO", "actor.name" },
	{ "WHAT", "text" },
	{ NULL },
};

static const struct cli_section history_list[] = {
	{ .items = "items", .columns = change, .empty = "nobody changed it yet" },
	{ 0 },
};

static const struct cli_section acted[] = {
	{ .text = "review of incident {id} is {state}: {title}" },
	{ 0 },
};
static const struct cli_section wrote[] = { { .text = "{section} is written, revision {revision}" }, { 0 } };
static const struct cli_section added_factor[] = { { .text = "factor {id} ({kind}): {text}" }, { 0 } };
static const struct cli_section acted_action[] = { { .text = "action {id} is {state}: {text}" }, { 0 } };

#define ID { "ID", CLI_INT, CLI_PATH, "the incident", CLI_REQUIRED }
#define STATES "draft|in_review|published|waived|waiting"

static const struct cli_input list_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = STATES },
	{ "priority", CLI_CHOICES, CLI_QUERY, "only with these priorities", .choices = "P1|P2|P3|P4|P5" },
	{ "overdue", CLI_BOOL, CLI_QUERY, "only what is owed and late" },
	{ "owner", CLI_PERSON, CLI_QUERY, "only this person's" },
	{ "service", CLI_TEXT, CLI_QUERY, "only of this service", .value = "NAME" },
	{ "team", CLI_TEXT, CLI_QUERY, "only of this team", .value = "NAME" },
	{ "search", CLI_TEXT, CLI_QUERY, "words that must occur", .key = "q" },
	{ "from", CLI_TIME, CLI_QUERY, "resolved at or after" },
	{ "to", CLI_TIME, CLI_QUERY, "resolved before" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input show_inputs[] = { ID, CLI_AS_OF, { .name = NULL } };
static const struct cli_input export_inputs[] = {
	ID,
	{ "format", CLI_CHOICE, CLI_QUERY, "how it is written", .choices = "markdown|html" },
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input history_inputs[] = { ID, CLI_LIMIT, CLI_AS_OF, { .name = NULL } };
static const struct cli_input start_inputs[] = {
	{ "INCIDENT", CLI_INT, CLI_BODY, "an incident that is over", CLI_REQUIRED, .key = "incident" },
	{ .name = NULL },
};
static const struct cli_input state_inputs[] = {
	ID,
	{ "STATE", CLI_CHOICE, CLI_BODY, "what it becomes", CLI_REQUIRED, .key = "state",
	  .choices = "draft|in_review|published|waived" },
	{ "reason", CLI_TEXT, CLI_BODY, "why, for everybody to read" },
	{ .name = NULL },
};
static const struct cli_input write_inputs[] = {
	ID,
	{ "PART", CLI_CHOICE, CLI_PATH, "which part", CLI_REQUIRED,
	  .choices = "summary|impact|root_cause|went_well|went_badly|lucky", .key = "section" },
	{ "TEXT", CLI_TEXT, CLI_BODY, "all of it, as Markdown", CLI_REQUIRED | CLI_REST },
	{ .name = NULL },
};
static const struct cli_input factor_inputs[] = {
	ID,
	{ "KIND", CLI_CHOICE, CLI_BODY, "where it lies", CLI_REQUIRED, .key = "kind",
	  .choices = "technical|process|information|organisation|outside" },
	{ "TEXT", CLI_TEXT, CLI_BODY, "one sentence", CLI_REQUIRED | CLI_REST },
	{ "parent", CLI_INT, CLI_BODY, "the factor that it explains" },
	{ .name = NULL },
};
static const struct cli_input action_inputs[] = {
	ID,
	{ "TEXT", CLI_TEXT, CLI_BODY, "what is done", CLI_REQUIRED | CLI_REST },
	{ "owner", CLI_PERSON, CLI_BODY, "who does it" },
	{ "due", CLI_TIME, CLI_BODY, "by when", .key = "due_at" },
	{ "link", CLI_TEXT, CLI_BODY, "its ticket", .value = "URL" },
	{ .name = NULL },
};
static const struct cli_input close_inputs[] = {
	ID,
	{ "ACTION", CLI_INT, CLI_PATH, "the action", CLI_REQUIRED, .key = "action" },
	{ "state", CLI_CHOICE, CLI_BODY, "what became of it", .choices = "open|done|dropped", .otherwise = "done" },
	{ .name = NULL },
};
static const struct cli_input actions_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = "open|done|dropped" },
	{ "overdue", CLI_BOOL, CLI_QUERY, "only what is open and late" },
	{ "owner", CLI_PERSON, CLI_QUERY, "only this person's" },
	{ "service", CLI_TEXT, CLI_QUERY, "only of this service", .value = "NAME" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};

const struct cli_action review_actions[] = {
	{ "list", "Lists reviews, newest incident first.", "GET", "/reviews", list_inputs, list, .pages = true,
	  .examples = { "mainstay review list --state draft,in_review", "mainstay review list --overdue yes" } },
	{ "start", "Begins a review of an incident that owes none.", "POST", "/reviews", start_inputs, acted,
	  .examples = { "mainstay review start 4", "mainstay review start 5 -o json" } },
	{ "show", "Shows one review: facts from the journal, people's words, actions.", "GET", "/reviews/{id}",
	  show_inputs, show, .examples = { "mainstay review show 2", "mainstay review show 2 -o json" } },
	{ "export", "Prints a review as Markdown or HTML.", "GET", "/reviews/{id}/export", export_inputs, NULL,
	  .examples = { "mainstay review export 2", "mainstay review export 2 --format html > review.html" } },
	{ "write", "Writes one part of a review.", "PUT", "/reviews/{id}/sections/{section}", write_inputs, wrote,
	  .examples = { "mainstay review write 2 summary The shop stood still for ten minutes.",
			"mainstay review write 2 went_well -- the page came at once" } },
	{ "factor", "Adds a contributing factor.", "POST", "/reviews/{id}/factors", factor_inputs, added_factor,
	  .examples = { "mainstay review factor 2 technical The pool was too small.",
			"mainstay review factor 2 process Nobody was told of its size." } },
	{ "act", "Adds an action.", "POST", "/reviews/{id}/actions", action_inputs, acted_action,
	  .examples = { "mainstay review act 2 --owner me --due +7d Watch the pool",
			"mainstay review act 2 --link https://tickets.example.com/7 Enlarge the pool" } },
	{ "close", "Says what became of an action.", "PATCH", "/reviews/{id}/actions/{action}", close_inputs,
	  acted_action,
	  .examples = { "mainstay review close 2 1", "mainstay review close 2 1 --state dropped" } },
	{ "actions", "Lists the actions of all reviews.", "GET", "/review-actions", actions_inputs, actions_list,
	  .pages = true,
	  .examples = { "mainstay review actions --state open", "mainstay review actions --overdue yes -o csv" } },
	{ "state", "Hands a review in, publishes it, takes it up again, or leaves it out.", "POST",
	  "/reviews/{id}/state", state_inputs, acted,
	  .examples = { "mainstay review state 2 in_review",
			"mainstay review state 2 draft --reason \"we know more\"" } },
	{ "history", "Shows who changed what in a review, oldest first.", "GET", "/reviews/{id}/history",
	  history_inputs, history_list, .pages = true,
	  .examples = { "mainstay review history 2", "mainstay review history 2 -o csv" } },
	{ 0 },
};
