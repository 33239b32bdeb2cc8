/* cli_vault.c: named secrets: mainstay secret ... The value is never a word of the command: others can read those. */
#include "base/mem.h"
#include "cli/cli_http.h"
#include "cli/cli_secret.h"
#include "sys/file.h"
#include "wire/json_writer.h"

#define VALUE_FILE_BYTES_MAX 8192u
#define BODY_BYTES_MAX 65536u

static const struct cli_column secret[] = {
	{ "NAME", "name" }, { "FOR", "about" }, { "SET", "set_at", CLI_SHOW_TIME }, { "BY", "set_by.name" },
	{ "USED BY", "used_by" }, { NULL },
};
static const struct cli_section secret_list[] = {
	{ .items = "items", .columns = secret, .empty = "none; to set one: mainstay secret set NAME" },
	{ 0 },
};
static const struct cli_input list_inputs[] = { CLI_LIMIT, { .name = NULL } };
static const struct cli_input set_inputs[] = {
	{ "NAME", CLI_TEXT, CLI_PATH, "what definitions call it", CLI_REQUIRED },
	{ "about", CLI_TEXT, CLI_OWN, "what it is for" },
	{ "file", CLI_TEXT, CLI_OWN, "read the value from here instead of the terminal or one line of input",
	  .value = "FILE", .letter = 'f' },
	{ .name = NULL },
};
static const struct cli_input remove_inputs[] = {
	{ "NAME", CLI_TEXT, CLI_PATH, "the secret", CLI_REQUIRED },
	{ .name = NULL },
};

/* The newline that every editor puts at the end of a file belongs to the file and not to the secret. */
static enum err read_value(struct cli_call *call, struct str *ret_value, struct error *err)
{
	struct str file = cli_text(call, "file");
	char *bytes;
	size_t size;
	if (file.len == 0)
		return cli_ask_line("secret", false, &call->arena, ret_value, err);
	enum err r = file_read(arena_cstr(&call->arena, file), VALUE_FILE_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	while (size > 0 && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
		size--;
	*ret_value = arena_str(&call->arena, (struct str){ bytes, size });
	mem_free(bytes);
	return OK;
}

static enum err set(struct cli_call *call, struct error *err)
{
	struct str value;
	const struct doc_node *answer;
	cleanup_buf struct buf body;
	struct json_writer json;
	buf_init(&body, BODY_BYTES_MAX);
	enum err r = read_value(call, &value, err);
	if (r != OK)
		return r;
	json_init(&json, &body);
	json_map_begin(&json);
	json_field_text(&json, "value", value);
	json_field_text(&json, "about", cli_text(call, "about"));
	json_map_end(&json);
	json_finish(&json);
	r = cli_ask(call, "PUT", cli_request_path(call, "/secrets/{name}"), buf_str(&body), &answer, err);
	if (r != OK)
		return r;
	if (call->settings.format != CLI_TABLE)
		cli_show(call, NULL, answer);
	else
		buf_printf(&call->out, "secret " STR_FMT " is set; in a definition: secret: " STR_FMT "\n",
			   STR_ARG(doc_text(doc_get(answer, "name"), "")), STR_ARG(doc_text(doc_get(answer, "name"), "")));
	return OK;
}

const struct cli_action secret_actions[] = {
	{ "list", "Lists named secrets and what uses them; their values are nowhere.", "GET", "/secrets", list_inputs,
	  secret_list, .pages = true,
	  .examples = { "mainstay secret list", "mainstay secret list -o json" } },
	{ "set", "Sets or replaces a secret that checks sign in with; asks for it, or reads one line.", NULL, NULL,
	  set_inputs, NULL, .run = set,
	  .examples = { "mainstay secret set shop-db --about \"the shop's database\" --file shop-db.url",
			"mainstay secret set shop-login < password" } },
	{ "remove", "Removes a secret that nothing uses any more.", "DELETE", "/secrets/{name}", remove_inputs, NULL,
	  .done = "secret {name} is gone",
	  .examples = { "mainstay secret remove shop-db", "mainstay secret remove shop-login" } },
	{ 0 },
};
