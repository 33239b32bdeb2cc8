/* cli_oncall.c: who is on call, when: mainstay oncall, schedule ..., override ... */
#include "cli/cli_priv.h"

static const struct cli_column on_call[] = {
	{ "SCHEDULE", "schedule" },
	{ "ON CALL", "user.name" },
	{ "UNTIL", "until", CLI_SHOW_TIME },
	{ "NEXT", "next.name" },
	{ NULL },
};
static const struct cli_section on_call_list[] = {
	{ .items = "items", .columns = on_call,
	  .empty = "nobody: there is no schedule; see mainstay explain Schedule" },
	{ 0 },
};
static const struct cli_input on_call_inputs[] = {
	{ "at", CLI_TIME, CLI_QUERY, "then instead of now" },
	{ .name = NULL },
};

const struct cli_action oncall_actions[] = {
	{ "", "Shows who is on call now, or at a time.", "GET", "/on-call", on_call_inputs, on_call_list,
	  .examples = { "mainstay oncall", "mainstay oncall --at 18:00" } },
	{ 0 },
};

/* ---- schedules ---- */

static const struct cli_column schedule[] = {
	{ "NAME", "name" },
	{ "ON CALL", "current.name" },
	{ "UNTIL", "until", CLI_SHOW_TIME },
	{ "NEXT", "next.name" },
	{ "TIME ZONE", "time_zone" },
	{ "NEXT GAP", "next_gap.from", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section schedule_list[] = {
	{ .items = "items", .columns = schedule,
	  .empty = "there is no schedule; see mainstay explain Schedule, then mainstay apply" },
	{ 0 },
};
static const struct cli_column segment[] = {
	{ "FROM", "from", CLI_SHOW_TIME }, { "TO", "to", CLI_SHOW_TIME }, { "WHO", "users.name" },
	{ "LAYER", "layer" },		   { "OVERRIDE", "override", CLI_SHOW_NUMBER }, { NULL },
};
static const struct cli_column gap[] = {
	{ "FROM", "from", CLI_SHOW_TIME },
	{ "TO", "to", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section shifts[] = {
	{ .items = "segments", .columns = segment, .empty = "nobody is on call in that time" },
	{ .title = "Nobody is on call", .items = "gaps", .columns = gap },
	{ 0 },
};
static const struct cli_input shifts_inputs[] = {
	{ "NAME", CLI_TEXT, CLI_PATH, "the schedule", CLI_REQUIRED },
	{ "from", CLI_TIME, CLI_QUERY, "from then on; now when absent" },
	{ "to", CLI_TIME, CLI_QUERY, "until then; four weeks when absent" },
	{ .name = NULL },
};

const struct cli_action schedule_actions[] = {
	{ "list", "Lists schedules with who is on call now.", "GET", "/schedules", NULL, schedule_list,
	  .examples = { "mainstay schedule list", "mainstay schedule list -o csv" } },
	{ "shifts", "Shows who is on call when, and the gaps.", "GET", "/schedules/{name}/shifts",
	  shifts_inputs, shifts,
	  .examples = { "mainstay schedule shifts default",
			"mainstay schedule shifts default --from now --to 7d -o csv" } },
	{ 0 },
};

/* ---- overrides ---- */

static const struct cli_column override[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },   { "WHO", "user.name" },
	{ "FROM", "from", CLI_SHOW_TIME }, { "UNTIL", "until", CLI_SHOW_TIME },
	{ "INSTEAD OF", "replaces.name" }, { "WHY", "reason" },
	{ NULL },
};
static const struct cli_section override_list[] = {
	{ .items = "items", .columns = override,
	  .empty = "none; to take it yourself: mainstay override add {name} --until 18:00" },
	{ 0 },
};
static const struct cli_section override_made[] = {
	{ .text = "{user.name} has {schedule} until {until}; to end it: mainstay override cancel {id}" },
	{ 0 },
};
#define SCHEDULE { "SCHEDULE", CLI_TEXT, CLI_PATH, "the schedule", CLI_REQUIRED, .key = "name" }
static const struct cli_input override_list_inputs[] = { SCHEDULE, { .name = NULL } };
static const struct cli_input override_add_inputs[] = {
	SCHEDULE,
	{ "user", CLI_PERSON, CLI_BODY, "who takes it", .otherwise = "me" },
	{ "from", CLI_TIME, CLI_BODY, "from then on; now when absent" },
	{ "until", CLI_TIME, CLI_BODY, "when it ends", CLI_REQUIRED },
	{ "replaces", CLI_PERSON, CLI_BODY, "only this person is replaced; everybody when absent" },
	{ "reason", CLI_TEXT, CLI_BODY, "why, for everybody to read" },
	{ .name = NULL },
};
static const struct cli_input override_cancel_inputs[] = {
	{ "ID", CLI_INT, CLI_PATH, "the override", CLI_REQUIRED },
	{ .name = NULL },
};

const struct cli_action override_actions[] = {
	{ "add", "Takes a shift until a time, or gives it to somebody.", "POST", "/schedules/{name}/overrides",
	  override_add_inputs, override_made,
	  .examples = { "mainstay override add default --until 18:00",
			"mainstay override add default --user me --from 1d --until 2d --reason \"swap\"" } },
	{ "list", "Lists overrides that have not ended.", "GET", "/schedules/{name}/overrides",
	  override_list_inputs, override_list,
	  .examples = { "mainstay override list default", "mainstay override list default -o json" } },
	{ "cancel", "Ends an override now, or drops it before it begins.", "DELETE", "/overrides/{id}",
	  override_cancel_inputs, NULL, .done = "override {id} is over",
	  .examples = { "mainstay override cancel 1", "mainstay override cancel 2 -o json" } },
	{ 0 },
};
