/* cli_discovery.c: what listens on the server's host: mainstay discover, mainstay watch */
#include <string.h>

#include "cli/cli_priv.h"
#include "wire/json_writer.h"

#define BODY_BYTES_MAX (1u << 20)

static const struct cli_column listener[] = {
	{ "ADDRESS", "address" },     { "PORT", "port", CLI_SHOW_NUMBER }, { "PROTOCOL", "protocol" },
	{ "PROCESS", "process" },     { "LIKELY", "guess" },
	{ "SERVICE", "suggested.service" }, { "WATCHED", "watched" },
	{ NULL },
};
static const struct cli_section found[] = {
	{ .items = "items", .columns = listener, .empty = "nothing listens there that this server may see" },
	{ .when = "items", .text = "to watch one: mainstay watch ADDRESS:PORT" },
	{ 0 },
};

const struct cli_action discover_actions[] = {
	{ "", "Lists what listens on the server's host, and what would watch it.", "GET", "/discovery", NULL,
	  found, .examples = { "mainstay discover", "mainstay discover -o json" } },
	{ 0 },
};

static const struct cli_column made[] = {
	{ "KIND", "kind" },
	{ "NAME", "name" },
	{ NULL },
};
static const struct cli_section created[] = {
	{ .items = "created", .columns = made, .empty = "it is watched already: mainstay check list" },
	{ 0 },
};
static const struct cli_input watch_inputs[] = {
	{ "ADDRESS:PORT", CLI_TEXT, CLI_OWN, "what to watch, as mainstay discover shows it",
	  CLI_REQUIRED | CLI_MANY },
	{ .name = NULL },
};

/* "[::1]:80" and "::1:80" mean the same. */
static enum err put_target(struct json_writer *json, struct str target, struct error *err)
{
	size_t colon = target.len;
	int64_t port;
	while (colon > 0 && target.ptr[colon - 1] != ':')
		colon--;
	if (colon < 2 || !str_int(str_sub(target, colon, target.len), 1, 65535, &port))
		return error_set(err, ERR_INVALID, "\"" STR_FMT "\" is not ADDRESS:PORT", STR_ARG(target));
	struct str address = str_sub(target, 0, colon - 1);
	if (str_starts(address, STR("[")) && str_ends(address, STR("]")))
		address = str_sub(address, 1, address.len - 1);
	json_map_begin(json);
	json_field_text(json, "address", address);
	json_field_int(json, "port", port);
	json_map_end(json);
	return OK;
}

static enum err watch(struct cli_call *call, struct error *err)
{
	cleanup_buf struct buf body;
	struct json_writer json;
	struct str target;
	size_t at = 0;
	const struct doc_node *answer;
	enum err r = OK;
	buf_init(&body, BODY_BYTES_MAX);
	json_init(&json, &body);
	json_map_begin(&json);
	json_key(&json, "items");
	json_list_begin(&json);
	while (r == OK && cli_next(call, "ADDRESS:PORT", &at, &target))
		r = put_target(&json, target, err);
	if (r != OK)
		return r;
	json_list_end(&json);
	json_map_end(&json);
	json_finish(&json);
	r = cli_ask(call, "POST", STR("/discovery/watch"), buf_str(&body), &answer, err);
	if (r == OK)
		cli_show(call, created, answer);
	return r;
}

const struct cli_action watch_actions[] = {
	{ "", "Makes checks and services for what was discovered; with you on call if nobody is yet.", NULL,
	  NULL, watch_inputs, created, .run = watch,
	  .examples = { "mainstay watch 127.0.0.1:8484", "mainstay watch 127.0.0.1:8484 -o json" } },
	{ 0 },
};
