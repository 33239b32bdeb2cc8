/* cli_comms.c: telling people: mainstay maintenance ..., mainstay status ... */
#include "cli/cli_http.h"

#define STATES "scheduled|in_progress|verifying|completed|cancelled"
#define STATUSES "operational|degraded_performance|partial_outage|major_outage|under_maintenance"

/* ---- maintenance ---- */

static const struct cli_column row[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },   { "STATE", "state", CLI_SHOW_STATE },
	{ "TITLE", "title" },		   { "SERVICES", "services" },
	{ "FROM", "from", CLI_SHOW_TIME }, { "UNTIL", "until", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section list[] = {
	{ .items = "items", .columns = row, .empty = "no maintenance matches" },
	{ 0 },
};
static const struct cli_column fields[] = {
	{ "maintenance", "id" },
	{ "title", "title" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "services", "services" },
	{ "from", "from", CLI_SHOW_TIME },
	{ "until", "until", CLI_SHOW_TIME },
	{ "pages held back", "mute" },
	{ "on status pages", "public" },
	{ "text", "text" },
	{ NULL },
};
static const struct cli_column notes[] = {
	{ "WHEN", "at", CLI_SHOW_TIME }, { "STATE", "state", CLI_SHOW_STATE }, { "WHO", "by.name" }, { "WHAT", "text" },
	{ NULL },
};
static const struct cli_section show[] = {
	{ .columns = fields },
	{ .title = "News", .items = "notes", .columns = notes },
	{ 0 },
};
static const struct cli_section moved[] = { { .text = "maintenance {id} is {state}: {title}" }, { 0 } };

#define ID { "ID", CLI_INT, CLI_PATH, "the maintenance", CLI_REQUIRED }
static const struct cli_input list_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = STATES },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input show_inputs[] = { ID, CLI_AS_OF, { .name = NULL } };
static const struct cli_input announce_inputs[] = {
	{ "TITLE", CLI_TEXT, CLI_BODY, "what customers read", CLI_REQUIRED | CLI_REST },
	{ "service", CLI_TEXT, CLI_BODY, "what is worked on", CLI_REQUIRED | CLI_MANY, .key = "services", .value = "NAME" },
	{ "from", CLI_TIME, CLI_BODY, "when it begins", CLI_REQUIRED },
	{ "until", CLI_TIME, CLI_BODY, "when it ends", CLI_REQUIRED },
	{ "text", CLI_TEXT, CLI_BODY, "what people will notice, in Markdown" },
	{ "mute", CLI_BOOL, CLI_BODY, "whether pages are held back while it runs" },
	{ "public", CLI_BOOL, CLI_BODY, "whether status pages announce it" },
	{ .name = NULL },
};
static const struct cli_input move_inputs[] = {
	ID,
	{ "to", CLI_CHOICE, CLI_BODY, "what it becomes", CLI_REQUIRED,
	  .choices = "in_progress|verifying|completed|cancelled" },
	{ "text", CLI_TEXT, CLI_BODY, "news about it" },
	{ .name = NULL },
};
static const struct cli_input note_inputs[] = {
	ID,
	{ "TEXT", CLI_TEXT, CLI_BODY, "the news, in Markdown", CLI_REQUIRED | CLI_REST },
	{ .name = NULL },
};

const struct cli_action maintenance_actions[] = {
	{ "list", "Lists planned work, newest first.", "GET", "/maintenances", list_inputs, list, .pages = true,
	  .examples = { "mainstay maintenance list", "mainstay maintenance list --state scheduled,in_progress" } },
	{ "show", "Shows one, with its news.", "GET", "/maintenances/{id}", show_inputs, show,
	  .examples = { "mainstay maintenance show 1", "mainstay maintenance show 1 -o json" } },
	{ "announce", "Announces planned work.", "POST", "/maintenances", announce_inputs, show,
	  .examples = { "mainstay maintenance announce New disks --service shop --from +1d --until +25h",
			"mainstay maintenance announce Release 42 --service shop --from +1h --until +2h --public no" } },
	{ "move", "Begins, verifies, completes or cancels it.", "POST", "/maintenances/{id}/move", move_inputs, moved,
	  .examples = { "mainstay maintenance move 1 --to in_progress",
			"mainstay maintenance move 1 --to completed --text \"All disks are new.\"" } },
	{ "note", "Writes news about it.", "POST", "/maintenances/{id}/note", note_inputs, moved,
	  .examples = { "mainstay maintenance note 1 half of it is done",
			"mainstay maintenance note 1 -- we are faster than planned" } },
	{ 0 },
};

/* ---- status ---- */

static const struct cli_column page[] = {
	{ "NAME", "name" },		      { "TITLE", "title" },   { "SAYS", "description" },
	{ "COMPONENTS", "components", CLI_SHOW_NUMBER }, { "PRIVATE", "private" }, { "PATH", "path" },
	{ NULL },
};
static const struct cli_section pages[] = {
	{ .items = "items", .columns = page,
	  .empty = "there is no status page; what one may say: mainstay explain StatusPage" },
	{ 0 },
};
static const struct cli_column override[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },     { "SERVICE", "service" }, { "SHOWN AS", "status" },
	{ "UNTIL", "until", CLI_SHOW_TIME }, { "WHO", "by.name" },     { "WHY", "reason" },
	{ NULL },
};
static const struct cli_section overrides[] = {
	{ .items = "items", .columns = override, .empty = "no status is set by hand" },
	{ 0 },
};
static const struct cli_section set[] = {
	{ .text = "{service} is shown as {status}; it ends by itself, or: mainstay status release {id}" },
	{ 0 },
};
static const struct cli_section released[] = { { .text = "shown as it is measured again" }, { 0 } };
static const struct cli_input none[] = { { .name = NULL } };
static const struct cli_input as_of[] = { CLI_AS_OF, { .name = NULL } };
static const struct cli_input set_inputs[] = {
	{ "SERVICE", CLI_TEXT, CLI_BODY, "the service", CLI_REQUIRED },
	{ "status", CLI_CHOICE, CLI_BODY, "how it is shown", CLI_REQUIRED, .choices = STATUSES },
	{ "for", CLI_DURATION, CLI_BODY, "how long, from 1m to 7d", CLI_REQUIRED },
	{ "reason", CLI_TEXT, CLI_BODY, "why", CLI_REQUIRED },
	{ .name = NULL },
};
static const struct cli_input release_inputs[] = {
	{ "ID", CLI_INT, CLI_PATH, "the status set by hand", CLI_REQUIRED },
	{ .name = NULL },
};

const struct cli_action status_actions[] = {
	{ "pages", "Lists status pages and what they say now.", "GET", "/status-pages", none, pages,
	  .examples = { "mainstay status pages", "mainstay status pages -o json" } },
	{ "overrides", "Lists the statuses set by hand that hold.", "GET", "/component-overrides", as_of, overrides,
	  .examples = { "mainstay status overrides", "mainstay status overrides -o json" } },
	{ "set", "Says how a service is shown, for a time.", "POST", "/component-overrides", set_inputs, set,
	  .examples = { "mainstay status set shop --status degraded_performance --for 1h --reason \"we feel it\"",
			"mainstay status set shop --status operational --for 30m --reason \"a false alarm\"" } },
	{ "release", "Shows a service as it is measured again.", "DELETE", "/component-overrides/{id}", release_inputs,
	  released, .examples = { "mainstay status release 2", "mainstay status release 3 -o json" } },
	{ 0 },
};
