/* cli_report.c: what people outside say: mainstay report ... */
#include "cli/cli_priv.h"

#define LEVELS "high|medium|low"
#define STATES "new|accepted|joined|duplicate|answered|rejected"

static const struct cli_column row[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "PROPOSED", "proposed.priority", CLI_SHOW_STATE },
	{ "WHAT", "text", CLI_SHOW_LINE },
	{ "SERVICE", "service" },
	{ "CAME", "received_at", CLI_SHOW_TIME },
	{ "INCIDENT", "incident", CLI_SHOW_NUMBER },
	{ "SENDER SAYS", "verdict" },
	{ NULL },
};

static const struct cli_section list[] = {
	{ .items = "items", .columns = row, .empty = "nobody has reported anything like that" },
	{ 0 },
};

static const struct cli_column fields[] = {
	{ "report", "id" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "what", "text" },
	{ "service", "service" },
	{ "page", "page_title" },
	{ "called there", "component" },
	{ "how bad", "severity" },
	{ "since", "since", CLI_SHOW_TIME },
	{ "came", "received_at", CLI_SHOW_TIME },
	{ "proposed", "proposed.priority", CLI_SHOW_STATE },
	{ "impact", "proposed.why.impact_reason" },
	{ "urgency", "proposed.why.urgency_reason" },
	{ "incident", "incident" },
	{ "repeats", "duplicate_of" },
	{ "reason", "reason" },
	{ "done by", "triaged_by.name" },
	{ "sender says", "verdict" },
	{ NULL },
};

static const struct cli_section show[] = {
	{ .columns = fields },
	{ .when = "suggested", .text = "most likely incident {suggested.id}: {suggested.title} ({suggested.reason})" },
	{ 0 },
};

static const struct cli_section sent[] = {
	{ .text = "report {id} was taken" },
	{ 0 },
};

static const struct cli_section acted[] = {
	{ .text = "report {report.id} is {report.state}" },
	{ .when = "report.incident", .text = "it counts to incident {report.incident}" },
	{ .when = "undo_until", .text = "take it back until {undo_until}: mainstay report undo {report.id}" },
	{ 0 },
};

#define ID { "ID", CLI_INT, CLI_PATH, "the report", CLI_REQUIRED }

static const struct cli_input list_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = STATES },
	{ "service", CLI_TEXT, CLI_QUERY, "only about this service", .value = "NAME" },
	{ "incident", CLI_INT, CLI_QUERY, "only what counts to this incident" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input show_inputs[] = { ID, CLI_AS_OF, { .name = NULL } };
static const struct cli_input send_inputs[] = {
	{ "TEXT", CLI_TEXT, CLI_BODY, "what is wrong", CLI_REQUIRED | CLI_REST },
	{ "service", CLI_TEXT, CLI_BODY, "what it is about", .value = "NAME" },
	{ "severity", CLI_CHOICE, CLI_BODY, "how bad it is", .choices = "stopped|hindered|small" },
	{ "since", CLI_TIME, CLI_BODY, "since when" },
	{ "email", CLI_TEXT, CLI_BODY, "to be told at, once it was confirmed", .value = "ADDRESS" },
	{ .name = NULL },
};
static const struct cli_input accept_inputs[] = {
	ID,
	{ "title", CLI_TEXT, CLI_BODY, "of the incident" },
	{ "impact", CLI_CHOICE, CLI_BODY, "as proposed when absent", .choices = LEVELS },
	{ "urgency", CLI_CHOICE, CLI_BODY, "as proposed when absent", .choices = LEVELS },
	{ .name = NULL },
};
static const struct cli_input join_inputs[] = {
	ID,
	{ "INCIDENT", CLI_INT, CLI_BODY, "the incident it counts to", CLI_REQUIRED, .key = "incident" },
	{ .name = NULL },
};
static const struct cli_input duplicate_inputs[] = {
	ID,
	{ "OF", CLI_INT, CLI_BODY, "the report that says the same", CLI_REQUIRED, .key = "of" },
	{ .name = NULL },
};
static const struct cli_input answer_inputs[] = {
	ID,
	{ "TEXT", CLI_TEXT, CLI_BODY, "what the sender is told", CLI_REQUIRED | CLI_REST, .key = "text" },
	{ .name = NULL },
};
static const struct cli_input reject_inputs[] = {
	ID,
	{ "reason", CLI_TEXT, CLI_BODY, "why, for those inside to read", CLI_REQUIRED },
	{ .name = NULL },
};
static const struct cli_input erase_inputs[] = { ID, { .name = NULL } };

const struct cli_action report_actions[] = {
	{ "list", "Lists reports, newest first.", "GET", "/reports", list_inputs, list, .pages = true,
	  .examples = { "mainstay report list --state new", "mainstay report list -o json" } },
	{ "show", "Shows one report with what is proposed and why.", "GET", "/reports/{id}", show_inputs, show,
	  .examples = { "mainstay report show 1", "mainstay report show 1 -o json" } },
	{ "send", "Says that something is wrong, as people outside do by the form.", "POST", "/reports",
	  send_inputs, sent,
	  .examples = { "mainstay report send The basket loses what I put in",
			"mainstay report send --severity stopped --since -1h \"nobody can pay\"" } },
	{ "accept", "Opens an incident for it.", "POST", "/reports/{id}/accept", accept_inputs, acted,
	  .examples = { "mainstay report accept 1", "mainstay report accept 2 --impact high --urgency high" } },
	{ "join", "Counts it to an incident.", "POST", "/reports/{id}/join", join_inputs, acted,
	  .examples = { "mainstay report join 3 1", "mainstay report join 4 1 -o json" } },
	{ "duplicate", "Says that it repeats another report.", "POST", "/reports/{id}/duplicate",
	  duplicate_inputs, acted,
	  .examples = { "mainstay report duplicate 5 1", "mainstay report duplicate 6 1 -o json" } },
	{ "answer", "Answers it; who confirmed an address is told.", "POST", "/reports/{id}/answer",
	  answer_inputs, acted,
	  .examples = { "mainstay report answer 7 please empty the cache", "mainstay report answer 8 thank you -o json" } },
	{ "reject", "Sets it aside with a reason.", "POST", "/reports/{id}/reject", reject_inputs, acted,
	  .examples = { "mainstay report reject 9 --reason \"not ours\"",
			"mainstay report reject 10 --reason spam -o json" } },
	{ "undo", "Takes back what you did with it within 10 seconds.", "POST", "/reports/{id}/undo", erase_inputs,
	  acted, .examples = { "mainstay report undo 11", "mainstay report undo 12 -o json" } },
	{ "erase", "Erases what was written and the address, for good.", "POST", "/reports/{id}/erase",
	  erase_inputs, acted, .examples = { "mainstay report erase 1", "mainstay report erase 2 -o json" } },
	{ 0 },
};

/* ---- who outside is told ---- */

static const struct cli_column subscriber_row[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "CHANNEL", "channel" },
	{ "ADDRESS", "address" },
	{ "PAGE", "page" },
	{ "SERVICES", "services" },
	{ "ADDED", "added_at", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section subscriber_table[] = {
	{ .items = "items", .columns = subscriber_row, .empty = "nobody is subscribed" },
	{ 0 },
};
static const struct cli_column subscriber_fields[] = {
	{ "subscriber", "id" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "channel", "channel" },
	{ "address", "address" },
	{ "page", "page" },
	{ "services", "services" },
	{ "came by", "source" },
	{ "added", "added_at", CLI_SHOW_TIME },
	{ "confirmed", "confirmed_at", CLI_SHOW_TIME },
	{ "refusals", "refusals" },
	{ NULL },
};
static const struct cli_section subscriber_one[] = { { .columns = subscriber_fields }, { 0 } };

static const struct cli_input subscriber_list_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = "unconfirmed|active|suspended" },
	{ "search", CLI_TEXT, CLI_QUERY, "what occurs in the address", .key = "q" },
	CLI_LIMIT,
	{ .name = NULL },
};
static const struct cli_input subscriber_add_inputs[] = {
	{ "ADDRESS", CLI_TEXT, CLI_BODY, "e-mail address, or URL of a webhook", CLI_REQUIRED, .key = "address" },
	{ "channel", CLI_CHOICE, CLI_BODY, "how", .choices = "email|webhook" },
	{ "page", CLI_TEXT, CLI_BODY, "the status page whose news they get", .value = "NAME" },
	{ "agreed", CLI_SWITCH, CLI_BODY, "they have agreed: no mail asks them first" },
	{ .name = NULL },
};
#define SUBSCRIBER { "ID", CLI_INT, CLI_PATH, "the subscriber", CLI_REQUIRED }
static const struct cli_input subscriber_inputs[] = { SUBSCRIBER, { .name = NULL } };

const struct cli_action subscriber_actions[] = {
	{ "list", "Lists who is told of updates, oldest first.", "GET", "/subscribers", subscriber_list_inputs,
	  subscriber_table, .pages = true,
	  .examples = { "mainstay subscriber list", "mainstay subscriber list --state active -o csv" } },
	{ "add", "Adds one; an e-mail address is asked first.", "POST", "/subscribers", subscriber_add_inputs,
	  subscriber_one,
	  .examples = { "mainstay subscriber add customer@example.com",
			"mainstay subscriber add --agreed another@example.com -o json" } },
	{ "show", "Shows all that is kept of one.", "GET", "/subscribers/{id}", subscriber_inputs, subscriber_one,
	  .examples = { "mainstay subscriber show 1", "mainstay subscriber show 1 -o json" } },
	{ "remove", "Removes one and erases the address.", "DELETE", "/subscribers/{id}", subscriber_inputs, NULL,
	  .done = "subscriber {id} is removed, the address is erased",
	  .examples = { "mainstay subscriber remove 1", "mainstay subscriber remove 2 -o json" } },
	{ 0 },
};
