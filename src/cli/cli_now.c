/* cli_now.c: the first page, and what it points at: mainstay now, alert, page, mute */
#include "cli/cli_priv.h"

/* ---- now ---- */

static const struct cli_column incidents[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },  { "STATE", "state", CLI_SHOW_STATE },
	{ "PRIORITY", "priority", CLI_SHOW_STATE }, { "TITLE", "title" },
	{ "OPENED", "opened_at", CLI_SHOW_TIME },   { "WHO", "assignee.name" },
	{ "NEXT PAGE", "next_page_at", CLI_SHOW_TIME }, { NULL },
};
static const struct cli_column worst[] = {
	{ "CHECK", "name" },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "SINCE", "since", CLI_SHOW_TIME },
	{ "WHY", "last_reason" },
	{ NULL },
};
static const struct cli_column on_call[] = {
	{ "SCHEDULE", "schedule" },
	{ "ON CALL", "user.name" },
	{ "UNTIL", "until", CLI_SHOW_TIME },
	{ "NEXT", "next.name" },
	{ NULL },
};
static const struct cli_column mute[] = {
	{ "ID", "id", CLI_SHOW_NUMBER }, { "WHAT", "kind" },	{ "NAME", "name" },
	{ "UNTIL", "until", CLI_SHOW_TIME }, { "WHY", "reason" }, { "BY", "by.name" },
	{ NULL },
};
static const struct cli_column warnings[] = {
	{ "WHAT", "text" },
	{ "WHAT TO DO", "hint" },
	{ NULL },
};

static const struct cli_section now[] = {
	{ .text = "checks: {checks.up} up, {checks.down} down, {checks.degraded} degraded, {checks.unknown} "
		  "unknown, {checks.paused} paused, {checks.muted} muted" },
	{ .when = "first_run", .text = "nothing is watched yet; to see what could be: mainstay discover" },
	{ .title = "Incidents", .items = "incidents", .columns = incidents, .empty = "none is open" },
	{ .title = "Checks that are not up", .items = "checks.worst", .columns = worst },
	{ .title = "On call", .items = "on_call", .columns = on_call,
	  .empty = "nobody: there is no schedule; see mainstay explain Schedule" },
	{ .title = "Muted", .items = "mutes", .columns = mute },
	{ .title = "Warnings", .items = "warnings", .columns = warnings },
	{ 0 },
};

const struct cli_action now_actions[] = {
	{ "", "Shows what is wrong, who is on it and what to do next.", "GET", "/now", NULL, now,
	  .examples = { "mainstay now", "mainstay now -o json" } },
	{ 0 },
};

/* ---- alerts ---- */

static const struct cli_column alert[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "SEVERITY", "severity" },
	{ "ALERT", "name" },
	{ "SERVICE", "service" },
	{ "INCIDENT", "incident", CLI_SHOW_NUMBER },
	{ "STARTED", "started_at", CLI_SHOW_TIME },
	{ "RESOLVED", "resolved_at", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section alert_list[] = {
	{ .items = "items", .columns = alert,
	  .empty = "no alert matches; what is checked: mainstay check list" },
	{ 0 },
};
static const struct cli_input alert_inputs[] = {
	{ "state", CLI_CHOICE, CLI_QUERY, "only in this state",
	  .choices = "pending|firing|recovering|resolved" },
	{ "service", CLI_TEXT, CLI_QUERY, "only of this service", .value = "NAME" },
	{ "check", CLI_TEXT, CLI_QUERY, "only of this check", .value = "NAME" },
	{ "incident", CLI_INT, CLI_QUERY, "only of this incident", .value = "ID" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};

const struct cli_action alert_actions[] = {
	{ "list", "Lists alerts, newest first.", "GET", "/alerts", alert_inputs, alert_list, .pages = true,
	  .examples = { "mainstay alert list --state firing", "mainstay alert list --incident 2 -o csv" } },
	{ 0 },
};

/* ---- pages ---- */

static const struct cli_column page[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },	   { "STATE", "state", CLI_SHOW_STATE },
	{ "INCIDENT", "incident", CLI_SHOW_NUMBER }, { "WHO", "user.name" },
	{ "CHANNEL", "channel" },		   { "CREATED", "created_at", CLI_SHOW_TIME },
	{ "LAST ATTEMPT", "attempts.detail" },	   { "TEXT", "text", CLI_SHOW_LINE },
	{ NULL },
};
static const struct cli_section page_list[] = {
	{ .items = "items", .columns = page,
	  .empty = "no page matches; to send yourself one: mainstay contact test ID" },
	{ 0 },
};
static const struct cli_input page_inputs[] = {
	{ "incident", CLI_INT, CLI_QUERY, "only of this incident", .value = "ID" },
	{ "user", CLI_PERSON, CLI_QUERY, "only to this person" },
	{ "state", CLI_CHOICE, CLI_QUERY, "only in this state",
	  .choices = "queued|sending|sent|delivered|failed|cancelled" },
	{ "channel", CLI_CHOICE, CLI_QUERY, "only by this channel",
	  .choices = "browser|ntfy|email|webhook|command" },
	CLI_LIMIT,
	{ .name = NULL },
};

const struct cli_action page_actions[] = {
	{ "list", "Lists pages that were sent or wait to be, newest first.", "GET", "/pages", page_inputs,
	  page_list, .pages = true,
	  .examples = { "mainstay page list --user me", "mainstay page list --state failed -o json" } },
	{ 0 },
};

/* ---- mutes ---- */

static const struct cli_section mute_list[] = {
	{ .items = "items", .columns = mute, .empty = "nothing is muted: every page goes out" },
	{ 0 },
};
static const struct cli_section mute_made[] = {
	{ .text = "muted until {until}; to end it before: mainstay mute end {id}" },
	{ 0 },
};
static const struct cli_input mute_list_inputs[] = { CLI_AS_OF, { .name = NULL } };
static const struct cli_input mute_add_inputs[] = {
	{ "WHAT", CLI_CHOICE, CLI_BODY, "what is muted", CLI_REQUIRED, .key = "kind",
	  .choices = "check|service|all" },
	{ "NAME", CLI_TEXT, CLI_BODY, "which check or service; nothing for all" },
	{ "for", CLI_DURATION, CLI_BODY, "how long, from 15m to 7d; it ends by itself", CLI_REQUIRED },
	{ "reason", CLI_TEXT, CLI_BODY, "why, for everybody to read", CLI_REQUIRED },
	{ .name = NULL },
};
static const struct cli_input mute_end_inputs[] = {
	{ "ID", CLI_INT, CLI_PATH, "the mute", CLI_REQUIRED },
	{ .name = NULL },
};

const struct cli_action mute_actions[] = {
	{ "list", "Lists mutes in force.", "GET", "/mutes", mute_list_inputs, mute_list,
	  .examples = { "mainstay mute list", "mainstay mute list -o json" } },
	{ "add", "Stops paging for a check, a service or everything, for a while; it is still checked.", "POST",
	  "/mutes", mute_add_inputs, mute_made,
	  .examples = { "mainstay mute add check web --for 2h --reason \"new certificate\"",
			"mainstay mute add service shop --for 30m --reason \"moving the database\"" } },
	{ "end", "Ends a mute now.", "DELETE", "/mutes/{id}", mute_end_inputs, NULL,
	  .done = "mute {id} has ended: pages go out again",
	  .examples = { "mainstay mute end 2", "mainstay mute end 3 -o json" } },
	{ 0 },
};
