/* cli_check.c: checks and services: mainstay check ..., mainstay service ... */
#include <string.h>

#include "base/mem.h"
#include "cli/cli_http.h"
#include "sys/file.h"
#include "wire/doc_print.h"
#include "wire/doc_yaml.h"

#define SPEC_FILE_BYTES_MAX (64u << 10)

static const struct cli_column row[] = {
	{ "NAME", "name" },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "KIND", "kind" },
	{ "TARGET", "target" },
	{ "SERVICE", "service" },
	{ "SINCE", "since", CLI_SHOW_TIME },
	{ "LATENCY", "last_latency_ms", CLI_SHOW_MS },
	{ "30 DAYS", "uptime.month", CLI_SHOW_PERCENT },
	{ "WHY", "last_reason" },
	{ NULL },
};
static const struct cli_section list[] = {
	{ .items = "items", .columns = row,
	  .empty = "no check matches; to see what could be watched: mainstay discover" },
	{ 0 },
};
static const struct cli_column fields[] = {
	{ "check", "name" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "why", "last_reason" },
	{ "since", "since", CLI_SHOW_TIME },
	{ "target", "target" },
	{ "service", "service" },
	{ "last run", "last_at", CLI_SHOW_TIME },
	{ "next run", "next_at", CLI_SHOW_TIME },
	{ "latency", "last_latency_ms", CLI_SHOW_MS },
	{ "up, a day", "uptime.day", CLI_SHOW_PERCENT },
	{ "up, a week", "uptime.week", CLI_SHOW_PERCENT },
	{ "up, 30 days", "uptime.month", CLI_SHOW_PERCENT },
	{ "muted until", "muted_until", CLI_SHOW_TIME },
	{ "paused because", "paused_reason" },
	{ "certificate ends", "cert.not_after", CLI_SHOW_TIME },
	{ "open alert", "alert.id" },
	{ "managed by", "manager" },
	{ "spec", "spec", CLI_SHOW_JSON },
	{ NULL },
};
static const struct cli_section show[] = { { .columns = fields }, { 0 } };

static const struct cli_column result[] = {
	{ "state", "state", CLI_SHOW_STATE },
	{ "why", "reason" },
	{ "when", "at", CLI_SHOW_TIME },
	{ "latency", "latency_ms", CLI_SHOW_MS },
	{ "status", "status" },
	{ "address", "address" },
	{ "certificate ends", "cert.not_after", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section one_result[] = { { .columns = result }, { 0 } };

static const struct cli_column results[] = {
	{ "WHEN", "at", CLI_SHOW_TIME },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "LATENCY", "latency_ms", CLI_SHOW_MS },
	{ "STATUS", "status", CLI_SHOW_NUMBER },
	{ "WHY", "reason" },
	{ NULL },
};
static const struct cli_section result_list[] = {
	{ .items = "items", .columns = results,
	  .empty = "it has not run since the server started; to run it now: mainstay check run {name}" },
	{ 0 },
};

static const struct cli_column address_fields[] = {
	{ "address", "url" },
	{ "after the job", "command" },
	{ NULL },
};
static const struct cli_section address[] = { { .columns = address_fields }, { 0 } };

#define NAME { "NAME", CLI_TEXT, CLI_PATH, "the check", CLI_REQUIRED }

static const struct cli_input list_inputs[] = {
	{ "state", CLI_CHOICES, CLI_QUERY, "only in these states", .choices = "up|down|degraded|unknown|paused" },
	{ "service", CLI_TEXT, CLI_QUERY, "only of this service", .value = "NAME" },
	{ "search", CLI_TEXT, CLI_QUERY, "words that must occur", .key = "q" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input show_inputs[] = { NAME, CLI_AS_OF, { .name = NULL } };
static const struct cli_input name_only[] = { NAME, { .name = NULL } };
static const struct cli_input pause_inputs[] = {
	NAME,
	{ "reason", CLI_TEXT, CLI_BODY, "why, for everybody to read", CLI_REQUIRED },
	{ .name = NULL },
};
static const struct cli_input test_inputs[] = {
	{ "TARGET", CLI_TEXT, CLI_OWN, "a URL for http, HOST:PORT for tcp" },
	{ "file", CLI_TEXT, CLI_OWN, "a definition of kind Check", .value = "FILE", .letter = 'f' },
	{ "timeout", CLI_DURATION, CLI_OWN, "how long to wait", .otherwise = "5s" },
	{ .name = NULL },
};

/* ---- check test: a spec that is nowhere yet ---- */

static enum err spec_of_file(struct cli_call *call, struct str file, struct str *ret_spec,
			     struct error *err)
{
	char *bytes;
	size_t size;
	const struct doc_node *root;
	cleanup_buf struct buf spec = { 0 };
	const char *path = arena_cstr(&call->arena, file);
	enum err r = file_read(path, SPEC_FILE_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	r = doc_yaml_parse((struct str){ bytes, size }, &call->arena, DOC_LIMITS_DEFAULT, path, &root, err);
	mem_free(bytes);
	if (r != OK)
		return r;
	const struct doc_node *node = doc_get(root, "spec");
	if (!str_is(doc_text(doc_get(root, "kind"), ""), "Check") || !doc_is(node, DOC_MAP))
		return error_set(err, ERR_INVALID, "%s: there is no definition of kind Check with a spec", path);
	buf_init(&spec, SPEC_FILE_BYTES_MAX);
	doc_print_json(node, &spec);
	*ret_spec = arena_str(&call->arena, buf_str(&spec));
	return OK;
}

static enum err spec_of_target(struct cli_call *call, struct str target, struct str *ret_spec,
			       struct error *err)
{
	cleanup_buf struct buf out = { 0 };
	struct json_writer json;
	size_t colon = target.len;
	int64_t port;
	bool url = str_starts(target, STR("http://")) || str_starts(target, STR("https://"));
	while (colon > 0 && target.ptr[colon - 1] != ':')
		colon--;
	if (!url && (colon < 2 || !str_int(str_sub(target, colon, target.len), 1, 65535, &port)))
		return error_set(err, ERR_INVALID, "\"" STR_FMT "\" is neither a URL nor HOST:PORT",
				 STR_ARG(target));
	buf_init(&out, SPEC_FILE_BYTES_MAX);
	json_init(&json, &out);
	json_map_begin(&json);
	json_field_cstr(&json, "kind", url ? "http" : "tcp");
	if (url)
		json_field_text(&json, "url", target);
	if (!url) {
		struct str host = str_sub(target, 0, colon - 1);
		if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
			host = str_sub(host, 1, host.len - 1);
		json_field_text(&json, "host", host);
		json_field_int(&json, "port", port);
	}
	json_field_text(&json, "timeout", cli_text(call, "timeout"));
	json_map_end(&json);
	json_finish(&json);
	*ret_spec = arena_str(&call->arena, buf_str(&out));
	return OK;
}

static enum err test(struct cli_call *call, struct error *err)
{
	struct str target = cli_text(call, "TARGET"), file = cli_text(call, "file"), spec;
	const struct doc_node *answer;
	if ((target.len > 0) == (file.len > 0))
		return error_set(err, ERR_INVALID, "give either a target or --file");
	enum err r = file.len > 0 ? spec_of_file(call, file, &spec, err)
				  : spec_of_target(call, target, &spec, err);
	if (r != OK)
		return r;
	struct str body = arena_printf(&call->arena, "{\"spec\":" STR_FMT "}", STR_ARG(spec));
	r = cli_ask(call, "POST", STR("/checks/test"), body, &answer, err);
	if (r == OK)
		cli_show(call, one_result, answer);
	return r;
}

const struct cli_action check_actions[] = {
	{ "list", "Lists checks with their state, by name.", "GET", "/checks", list_inputs, list, .pages = true,
	  .examples = { "mainstay check list --state down,degraded", "mainstay check list -o csv" } },
	{ "show", "Shows one check: its state, why, its latency and how long it was up.", "GET",
	  "/checks/{name}", show_inputs, show,
	  .examples = { "mainstay check show web", "mainstay check show web -o yaml" } },
	{ "run", "Runs a check now; the result counts.", "POST", "/checks/{name}/run", name_only, one_result,
	  .examples = { "mainstay check run web", "mainstay check run web -o json" } },
	{ "address", "Makes the address that the job of a heartbeat calls; shown this once.", "POST",
	  "/checks/{name}/address", name_only, address,
	  .examples = { "mainstay check address nightly-backup",
			"mainstay check address nightly-backup -o json" } },
	{ "pause", "Stops running a check until somebody resumes it.", "POST", "/checks/{name}/pause",
	  pause_inputs, NULL, .done = "check {name} is paused; to go on: mainstay check resume {name}",
	  .examples = { "mainstay check pause web --reason \"moving house\"",
			"mainstay check pause web --reason \"moving house\" -o json" } },
	{ "resume", "Runs a paused check again.", "POST", "/checks/{name}/resume", name_only, NULL,
	  .done = "check {name} runs again",
	  .examples = { "mainstay check resume web", "mainstay check resume web -o json" } },
	{ "test", "Looks once, without making a check.", NULL, NULL, test_inputs, one_result, .run = test,
	  .examples = { "mainstay check test http://127.0.0.1:8484/healthz",
			"mainstay check test 127.0.0.1:8484 --timeout 2s" } },
	{ "results", "Lists the last 100 results of a check, newest first.", "GET", "/checks/{name}/results",
	  name_only, result_list,
	  .examples = { "mainstay check results web", "mainstay check results web -o csv" } },
	{ 0 },
};

/* ---- services ---- */

static const struct cli_column service_row[] = {
	{ "NAME", "name" },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "TIER", "tier", CLI_SHOW_NUMBER },
	{ "TEAM", "team" },
	{ "CHECKS", "checks", CLI_SHOW_NUMBER },
	{ "BAD", "checks_bad", CLI_SHOW_NUMBER },
	{ "INCIDENTS", "incidents_open", CLI_SHOW_NUMBER },
	{ "WORST", "worst_priority", CLI_SHOW_STATE },
	{ "ABOUT", "about" },
	{ NULL },
};
static const struct cli_section service_list[] = {
	{ .items = "items", .columns = service_row,
	  .empty = "no service matches; to make one: mainstay explain Service, then mainstay apply" },
	{ 0 },
};
static const struct cli_column service_fields[] = {
	{ "service", "name" },
	{ "state", "state", CLI_SHOW_STATE },
	{ "about", "about" },
	{ "tier", "tier" },
	{ "team", "team" },
	{ "impact", "impact" },
	{ "customers feel it", "customers" },
	{ "muted until", "muted_until", CLI_SHOW_TIME },
	{ "needs", "depends_on.name" },
	{ "needed by", "dependants.name" },
	{ "managed by", "manager" },
	{ NULL },
};
static const struct cli_column service_checks[] = {
	{ "CHECK", "name" },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "TARGET", "target" },
	{ "SINCE", "since", CLI_SHOW_TIME },
	{ "WHY", "last_reason" },
	{ NULL },
};
static const struct cli_column service_incidents[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },	    { "STATE", "state", CLI_SHOW_STATE },
	{ "PRIORITY", "priority", CLI_SHOW_STATE }, { "TITLE", "title" },
	{ "OPENED", "opened_at", CLI_SHOW_TIME },   { NULL },
};
static const struct cli_column service_on_call[] = {
	{ "SCHEDULE", "schedule" },
	{ "ON CALL", "user.name" },
	{ "UNTIL", "until", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section service_show[] = {
	{ .columns = service_fields },
	{ .title = "Checks", .items = "check_rows", .columns = service_checks,
	  .empty = "none: nobody would notice when it breaks" },
	{ .title = "Incidents", .items = "incidents", .columns = service_incidents },
	{ .title = "On call", .items = "on_call", .columns = service_on_call },
	{ 0 },
};
static const struct cli_input service_list_inputs[] = {
	{ "team", CLI_TEXT, CLI_QUERY, "only of this team", .value = "NAME" },
	{ "search", CLI_TEXT, CLI_QUERY, "words that must occur", .key = "q" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input service_name[] = {
	{ "NAME", CLI_TEXT, CLI_PATH, "the service", CLI_REQUIRED },
	CLI_AS_OF,
	{ .name = NULL },
};

const struct cli_action service_actions[] = {
	{ "list", "Lists services with their state, by name.", "GET", "/services", service_list_inputs,
	  service_list, .pages = true,
	  .examples = { "mainstay service list", "mainstay service list -o json" } },
	{ "show", "Shows one service: its checks, incidents, what it needs, who is on call.", "GET",
	  "/services/{name}", service_name, service_show,
	  .examples = { "mainstay service show shop", "mainstay service show shop -o yaml" } },
	{ 0 },
};
