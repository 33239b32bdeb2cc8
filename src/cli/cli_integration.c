/* cli_integration.c: keys of other programs, and every way in: mainstay integration ... */
#include "cli/cli_priv.h"

static const struct cli_column row[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },	 { "NAME", "name" },
	{ "SERVICE", "service" },		 { "LAST EVENT", "heard_at", CLI_SHOW_TIME },
	{ "EVENTS", "events", CLI_SHOW_NUMBER }, { "REFUSED", "refused_at", CLI_SHOW_TIME },
	{ "WHY", "refused" },			 { NULL },
};
static const struct cli_section list[] = {
	{ .items = "items", .columns = row, .empty = "none; to make one: mainstay integration make NAME --service SERVICE" },
	{ 0 },
};
static const struct cli_section made[] = { { .text = "{routing_key}" }, { 0 } };

static const struct cli_column alertmanager[] = {
	{ "address", "alertmanager.url" }, { "last came in", "alertmanager.heard_at", CLI_SHOW_TIME },
	{ "last refused", "alertmanager.refused_at", CLI_SHOW_TIME }, { "because", "alertmanager.refused" }, { NULL },
};
static const struct cli_column pagerduty[] = {
	{ "address", "pagerduty.url" }, { "last came in", "pagerduty.heard_at", CLI_SHOW_TIME },
	{ "last refused", "pagerduty.refused_at", CLI_SHOW_TIME }, { "because", "pagerduty.refused" }, { NULL },
};
static const struct cli_column heartbeat[] = {
	{ "CHECK", "check" }, { "EVERY", "every" }, { "LAST CALL", "heard_at", CLI_SHOW_TIME }, { NULL },
};
static const struct cli_section ways[] = {
	{ .title = "Alertmanager", .columns = alertmanager },
	{ .title = "Events of PagerDuty", .columns = pagerduty },
	{ .title = "Heartbeats", .items = "heartbeats", .columns = heartbeat, .empty = "no check of kind heartbeat" },
	{ 0 },
};

static const struct cli_input list_inputs[] = { CLI_LIMIT, CLI_AS_OF, { .name = NULL } };
static const struct cli_input make_inputs[] = {
	{ "NAME", CLI_TEXT, CLI_BODY, "what people call it", CLI_REQUIRED | CLI_REST },
	{ "service", CLI_TEXT, CLI_BODY, "what its events are about", CLI_REQUIRED },
	{ .name = NULL },
};
static const struct cli_input id_only[] = {
	{ "ID", CLI_INT, CLI_PATH, "the integration", CLI_REQUIRED },
	{ .name = NULL },
};

const struct cli_action integration_actions[] = {
	{ "list", "Lists keys of other programs with what they brought last; the keys are nowhere.", "GET",
	  "/integrations", list_inputs, list, .pages = true,
	  .examples = { "mainstay integration list", "mainstay integration list -o json" } },
	{ "make", "Makes an integration of a service and prints its routing key, this once.", "POST", "/integrations",
	  make_inputs, made,
	  .examples = { "mainstay integration make Datadog --service shop > routing-key; chmod 600 routing-key",
			"mainstay integration make Sentry --service shop -o json" } },
	{ "rotate", "Prints another routing key, this once; the one before is refused at once.", "POST",
	  "/integrations/{id}/rotate", id_only, made,
	  .examples = { "mainstay integration rotate 1", "mainstay integration rotate 1 -o json" } },
	{ "test", "Sends an event of low urgency as the integration would; it ends by itself in a minute.", "POST",
	  "/integrations/{id}/test", id_only, NULL, .done = "a test event was taken; it ends at {ends_at}",
	  .examples = { "mainstay integration test 1", "mainstay integration test 1 -o json" } },
	{ "revoke", "Revokes an integration; its key is refused at once.", "DELETE", "/integrations/{id}", id_only, NULL,
	  .done = "integration {id} is revoked",
	  .examples = { "mainstay integration revoke 1", "mainstay integration revoke 2" } },
	{ "ways", "Shows every way in, what came by it last, and what was refused.", "GET", "/ways-in", NULL, ways,
	  .examples = { "mainstay integration ways", "mainstay integration ways -o json" } },
	{ 0 },
};
