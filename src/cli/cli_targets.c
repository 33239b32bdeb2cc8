/* cli_targets.c: what is scraped: mainstay targets */
#include "cli/cli_priv.h"

static const struct cli_column columns[] = {
	{ "JOB", "scrapePool" },
	{ "INSTANCE", "labels.instance" },
	{ "STATE", "health", CLI_SHOW_STATE },
	{ "LAST SCRAPE", "lastScrape", CLI_SHOW_TIME },
	{ "SECONDS", "lastScrapeDuration", CLI_SHOW_NUMBER },
	{ "WHY", "lastError" },
	{ NULL },
};
static const struct cli_section sections[] = {
	{ .items = "data.activeTargets", .columns = columns,
	  .empty = "nothing is scraped: no target is found, the file is refused (-o json says why), or serve has no --scrape-config FILE" },
	{ 0 },
};
static const struct cli_input inputs[] = {
	{ "job", CLI_TEXT, CLI_QUERY, "only of this job", .key = "scrapePool", .value = "NAME" },
	{ "state", CLI_CHOICE, CLI_QUERY, "what is scraped, or what relabelling dropped (shown with -o json)",
	  .choices = "active|dropped|any" },
	{ .name = NULL },
};

const struct cli_action targets_actions[] = {
	{ "", "Lists what is scraped: how the last scrape went, when, and why it failed.", "GET", "/targets", inputs, sections,
	  .examples = { "mainstay targets", "mainstay targets --job node", "mainstay targets --state dropped -o json" } },
	{ 0 },
};
