/* cli_definition.c: definitions one by one: mainstay get, delete, export, explain */
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli_http.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define KIND_NEEDED { "KIND", CLI_KIND, CLI_PATH, "Service, Check, Schedule, EscalationPolicy, Team, " \
		      "PriorityMatrix, UpdateCadence, UpdateTemplate, StatusPage, ReviewPolicy", CLI_REQUIRED }

/* ---- get ---- */

static const struct cli_column definition[] = {
	{ "NAME", "metadata.name" },
	{ "MANAGER", "metadata.manager" },
	{ "REVISION", "metadata.revision", CLI_SHOW_NUMBER },
	{ "CHANGED", "metadata.updated_at", CLI_SHOW_TIME },
	{ "BY", "metadata.updated_by.name" },
	{ NULL },
};
static const struct cli_section definitions[] = {
	{ .items = "items", .columns = definition,
	  .empty = "there is no {kind}; what one may say: mainstay explain {kind}" },
	{ 0 },
};
static const struct cli_input get_inputs[] = {
	KIND_NEEDED,
	{ "NAME", CLI_TEXT, CLI_OWN, "one of them, whole; all of them as a list when absent" },
	{ "search", CLI_TEXT, CLI_QUERY, "words that must occur", .key = "q" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};

/* One definition is what one edits: YAML, unless something else is asked for. */
static enum err get(struct cli_call *call, struct error *err)
{
	struct str name = cli_text(call, "NAME");
	struct cli_action list = *call->action;
	if (name.len == 0) {
		list.method = "GET";
		list.path = "/definitions/{kind}";
		list.pages = true;
		call->action = &list;
		enum err listed = cli_ask_and_show(call, err);
		call->action = get_actions;
		return listed;
	}
	if (cli_text(call, "search").len > 0)
		return error_set(err, ERR_INVALID, "--search is for lists, and \"" STR_FMT "\" is one definition",
				 STR_ARG(name));
	const struct doc_node *answer;
	struct str path = cli_request_path(call, "/definitions/{kind}"), before, query;
	bool asks = str_cut(path, '?', &before, &query);
	struct str one = arena_printf(&call->arena, STR_FMT "/" STR_FMT "%s" STR_FMT, STR_ARG(before),
				      STR_ARG(name), asks ? "?" : "", STR_ARG(query));
	if (!str_is_name(name))
		return error_set(err, ERR_INVALID, "\"" STR_FMT "\" is no name of a definition", STR_ARG(name));
	enum err r = cli_ask(call, "GET", one, STR_NONE, &answer, err);
	if (r == OK && !call->settings.chosen)
		call->settings.format = CLI_YAML;
	if (r == OK)
		cli_show(call, definitions, answer);
	return r;
}

const struct cli_action get_actions[] = {
	{ "", "Lists the definitions of a kind, or prints one.", NULL, NULL, get_inputs, definitions,
	  .run = get,
	  .examples = { "mainstay get checks", "mainstay get check web -o json" } },
	{ 0 },
};

/* ---- delete ---- */

static const struct cli_input delete_inputs[] = {
	KIND_NEEDED,
	{ "NAME", CLI_TEXT, CLI_PATH, "which one", CLI_REQUIRED },
	{ "yes", CLI_SWITCH, CLI_OWN, "do not ask", .letter = 'y' },
	{ .name = NULL },
};

static bool agreed(struct cli_call *call, const struct doc_node *answer)
{
	char said[16] = "";
	if (cli_switch(call, "yes") || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	fprintf(stderr, STR_FMT " [y/N] ",
		STR_ARG(cli_fill(call, "delete {kind} {metadata.name}, managed by {metadata.manager}?", answer)));
	return fgets(said, sizeof said, stdin) != NULL && (said[0] == 'y' || said[0] == 'Y');
}

/* What is deleted is the revision that was looked at, not what somebody made of it meanwhile. */
static enum err delete_one(struct cli_call *call, struct error *err)
{
	const struct doc_node *answer;
	struct cli_answer gone;
	struct str path = cli_request_path(call, "/definitions/{kind}/{name}");
	enum err r = cli_ask(call, "GET", path, STR_NONE, &answer, err);
	if (r != OK)
		return r;
	if (!agreed(call, answer))
		return error_set(err, ERR_CANCELLED, "nothing was deleted");
	struct str revision = arena_printf(&call->arena, "\"%lld\"",
					   (long long)doc_int(cli_path(answer, STR("metadata.revision")), 0));
	struct cli_ask ask = { .method = "DELETE", .path = path, .more_count = 1,
			       .more = { { "If-Match", revision.ptr } } };
	r = cli_http_ask(call, &ask, &gone, err);
	if (r == OK && call->settings.format == CLI_TABLE)
		buf_printf(&call->out, STR_FMT "\n", STR_ARG(cli_fill(call, "{kind} {name} is deleted", NULL)));
	return r;
}

const struct cli_action delete_actions[] = {
	{ "", "Deletes a definition; refused while another one names it.", NULL, NULL, delete_inputs, NULL,
	  .run = delete_one,
	  .examples = { "mainstay delete check old-web --yes", "mainstay delete service old-shop -y" } },
	{ 0 },
};

/* ---- export ---- */

static const struct cli_input export_inputs[] = {
	{ "KIND", CLI_KIND, CLI_QUERY, "only of this kind" },
	{ .name = NULL },
};

const struct cli_action export_actions[] = {
	{ "", "Prints definitions as YAML that mainstay apply takes again.", "GET", "/export", export_inputs,
	  NULL,
	  .examples = { "mainstay export > all.yaml", "mainstay export checks" } },
	{ 0 },
};

/* ---- explain ---- */

static const struct cli_input explain_inputs[] = {
	{ "KIND", CLI_KIND, CLI_OWN, "which kind; all of them when absent" },
	{ .name = NULL },
};
static const struct cli_column kind_row[] = {
	{ "KIND", "kind" },
	{ "ABOUT", "about" },
	{ NULL },
};
static const struct cli_section kinds[] = {
	{ .items = "items", .columns = kind_row, .empty = "this server knows no kinds" },
	{ .text = "the fields of one: mainstay explain KIND" },
	{ 0 },
};

#define INDENT_MAX 8u

static void put_range(const struct doc_node *field, struct buf *out)
{
	struct str min = doc_text(doc_get(field, "min"), ""), max = doc_text(doc_get(field, "max"), "");
	const struct doc_node *values = doc_get(field, "values");
	if (min.len > 0 && max.len > 0)
		buf_printf(out, ", " STR_FMT " to " STR_FMT, STR_ARG(min), STR_ARG(max));
	else if (max.len > 0)
		buf_printf(out, ", at most " STR_FMT, STR_ARG(max));
	else if (min.len > 0)
		buf_printf(out, ", at least " STR_FMT, STR_ARG(min));
	for (size_t i = 0; i < doc_count(values); i++)
		buf_printf(out, "%s" STR_FMT, i == 0 ? ": " : ", ", STR_ARG(doc_text(doc_at(values, i), "")));
}

static void put_when(const struct doc_node *when, struct buf *out)
{
	const struct doc_node *values = doc_get(when, "values");
	if (when == NULL)
		return;
	buf_printf(out, "; with " STR_FMT, STR_ARG(doc_text(doc_get(when, "field"), "")));
	for (size_t i = 0; i < doc_count(values); i++)
		buf_printf(out, "%s" STR_FMT, i == 0 ? " " : " or ", STR_ARG(doc_text(doc_at(values, i), "")));
}

static void put_fields(struct cli_call *call, const struct doc_node *fields, unsigned depth)
{
	struct buf *out = &call->out;
	for (size_t i = 0; i < doc_count(fields) && depth < INDENT_MAX; i++) {
		const struct doc_node *field = doc_at(fields, i);
		struct str item = doc_text(doc_get(field, "item"), "");
		struct str otherwise = doc_text(doc_get(field, "default"), "");
		buf_printf(out, "%*s", (int)(2 * depth), "");
		cli_colour(&call->screen, out, "1", doc_text(doc_get(field, "name"), ""));
		buf_printf(out, "  " STR_FMT, STR_ARG(doc_text(doc_get(field, "type"), "")));
		if (item.len > 0)
			buf_printf(out, " of " STR_FMT, STR_ARG(item));
		put_range(field, out);
		if (doc_bool(doc_get(field, "required"), false))
			buf_adds(out, "; required");
		if (otherwise.len > 0)
			buf_printf(out, "; " STR_FMT " when absent", STR_ARG(otherwise));
		put_when(doc_get(field, "when"), out);
		buf_printf(out, "\n%*s" STR_FMT "\n", (int)(2 * depth + 4), "",
			   STR_ARG(doc_text(doc_get(field, "about"), "")));
		put_fields(call, doc_get(field, "fields"), depth + 2);
	}
}

static enum err explain(struct cli_call *call, struct error *err)
{
	const struct doc_node *answer;
	struct str wanted = cli_text(call, "KIND");
	enum err r = cli_ask(call, "GET", STR("/kinds"), STR_NONE, &answer, err);
	if (r == OK && wanted.len == 0)
		cli_show(call, kinds, answer);
	if (r != OK || wanted.len == 0)
		return r;
	const struct doc_node *items = doc_get(answer, "items");
	for (size_t i = 0; i < doc_count(items); i++) {
		const struct doc_node *kind = doc_at(items, i);
		if (!str_eq(doc_text(doc_get(kind, "kind"), ""), wanted))
			continue;
		if (call->settings.format != CLI_TABLE) {
			cli_show(call, kinds, kind);
			return OK;
		}
		buf_printf(&call->out, STR_FMT ": " STR_FMT "\n\n", STR_ARG(wanted),
			   STR_ARG(doc_text(doc_get(kind, "about"), "")));
		put_fields(call, doc_get(kind, "fields"), 1);
		return OK;
	}
	error_set(err, ERR_NOT_FOUND, "there is no kind \"" STR_FMT "\"", STR_ARG(wanted));
	error_hint(err, "all of them: mainstay explain");
	return ERR_NOT_FOUND;
}

const struct cli_action explain_actions[] = {
	{ "", "Says what a kind of definition may say, field by field.", NULL, NULL, explain_inputs, kinds,
	  .run = explain,
	  .examples = { "mainstay explain", "mainstay explain Check" } },
	{ 0 },
};
