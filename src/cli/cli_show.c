/* cli_show.c: an answer as its verb's sections, or as JSON, YAML, CSV. */
#include <assert.h>
#include <string.h>

#include "cli/cli_priv.h"
#include "wire/doc_print.h"

#define FILLED_BYTES_MAX 8192

/* ---- sentences with holes ---- */

static struct str from_inputs(struct cli_call *call, struct str key)
{
	char name[CLI_KEY_BYTES];
	for (size_t i = 0; i < call->inputs.count; i++) {
		if (str_eq(cli_input_key(call->inputs.rows[i].input, name), key))
			return call->inputs.rows[i].text;
	}
	return STR_NONE;
}

/* What reads as a time is shown as one. */
static struct str hole(struct cli_call *call, struct str path, const struct doc_node *answer)
{
	char text[CLI_KEY_BYTES * 2], printed[CLI_TIME_BYTES];
	time_us at;
	assert(path.len < sizeof text);
	memcpy(text, path.ptr, path.len);
	text[path.len] = '\0';
	struct cli_column column = { "", text, CLI_SHOW_TEXT };
	struct str shown = cli_cell(&call->screen, answer, &column, &call->arena);
	if (str_is(shown, "-") && from_inputs(call, path).len > 0)
		shown = cli_text_clean(&call->arena, from_inputs(call, path));
	if (time_parse(shown, &at)) {
		cli_time_print(&call->screen, at, printed);
		shown = arena_str(&call->arena, str_of(printed));
	}
	return shown;
}

struct str cli_fill(struct cli_call *call, const char *pattern, const struct doc_node *answer)
{
	cleanup_buf struct buf out;
	struct str rest = str_of(pattern), text, path;
	buf_init(&out, FILLED_BYTES_MAX);
	while (str_cut(rest, '{', &text, &rest)) {
		buf_add(&out, text);
		bool closed = str_cut(rest, '}', &path, &rest);
		assert(closed);
		buf_add(&out, hole(call, path, answer));
	}
	buf_add(&out, text);
	return arena_str(&call->arena, buf_str(&out));
}

/* ---- for people ---- */

static bool is_there(const struct doc_node *node)
{
	return node != NULL && !doc_is(node, DOC_NULL) && !(doc_is(node, DOC_BOOL) && !doc_bool(node, false)) &&
	       !(doc_is(node, DOC_INT) && doc_int(node, 0) == 0) &&
	       !(doc_is(node, DOC_LIST) && doc_count(node) == 0) &&
	       !(doc_is(node, DOC_TEXT) && node->text.len == 0);
}

static void show_title(struct cli_call *call, const char *title)
{
	if (title == NULL)
		return;
	buf_adds(&call->out, call->out.used > 0 ? "\n" : "");
	cli_colour(&call->screen, &call->out, "1", str_of(title));
	buf_addc(&call->out, '\n');
}

static void show_section(struct cli_call *call, const struct cli_section *section,
			 const struct doc_node *answer)
{
	const struct doc_node *node =
		section->items != NULL ? cli_path(answer, str_of(section->items)) : answer;
	if (section->when != NULL && !is_there(cli_path(answer, str_of(section->when))))
		return;
	bool empty = section->items != NULL && doc_is(node, DOC_LIST) && doc_count(node) == 0;
	bool missing = section->items != NULL && !is_there(node);
	if (missing && section->empty == NULL)
		return;
	show_title(call, section->title);
	if (missing || empty)
		buf_printf(&call->out, STR_FMT "\n", STR_ARG(cli_fill(call, section->empty, answer)));
	else if (section->columns == NULL)
		buf_printf(&call->out, STR_FMT "\n", STR_ARG(cli_fill(call, section->text, answer)));
	else if (doc_is(node, DOC_LIST))
		cli_table(&call->screen, section->columns, node, &call->arena, &call->out);
	else
		cli_fields(&call->screen, section->columns, node, &call->arena, &call->out);
}

/* ---- for programs ---- */

/* "=1+1" in a cell is a program to a spreadsheet: it is shown as text instead. */
static void put_csv(struct buf *out, struct str text, bool is_text)
{
	bool runs = is_text && text.len > 0 && strchr("=+-@\t\r", text.ptr[0]) != NULL;
	bool quote = runs;
	for (size_t i = 0; i < text.len && !quote; i++)
		quote = text.ptr[i] != '\0' && strchr("\",\r\n", text.ptr[i]) != NULL;
	buf_adds(out, quote ? "\"" : "");
	buf_adds(out, runs ? "'" : "");
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, text.ptr[i]);
	}
	buf_adds(out, quote ? "\"" : "");
}

static void put_csv_node(struct buf *out, const struct doc_node *node)
{
	cleanup_buf struct buf text = { 0 };
	if (node == NULL || doc_is(node, DOC_NULL))
		return;
	if (doc_is(node, DOC_TEXT)) {
		put_csv(out, node->text, true);
		return;
	}
	buf_init(&text, CLI_OUT_BYTES_MAX);
	doc_print_json(node, &text);
	put_csv(out, buf_str(&text), false);
}

/* "users.name" of a list of users: all of them in one cell. */
static void put_csv_value(struct buf *out, const struct doc_node *row, const struct cli_column *column,
			  struct arena *arena)
{
	const struct cli_column plain = { column->title, column->path, CLI_SHOW_TEXT };
	const struct doc_node *node = cli_path(row, str_of(column->path));
	struct str all = node == NULL ? cli_cell(NULL, row, &plain, arena) : STR_NONE;
	if (all.len > 0 && !str_is(all, "-"))
		put_csv(out, all, true);
	else
		put_csv_node(out, node);
}

void cli_csv(const struct cli_column *columns, const struct doc_node *items, struct arena *arena,
	     struct buf *out)
{
	bool one = !doc_is(items, DOC_LIST);
	size_t rows = one ? 1 : doc_count(items);
	for (size_t c = 0; columns[c].title != NULL; c++)
		buf_printf(out, "%s%s", c > 0 ? "," : "", columns[c].path);
	buf_adds(out, "\r\n");
	for (size_t r = 0; r < rows; r++) {
		for (size_t c = 0; columns[c].title != NULL; c++) {
			const struct doc_node *row = one ? items : doc_at(items, r);
			buf_adds(out, c > 0 ? "," : "");
			put_csv_value(out, row, &columns[c], arena);
		}
		buf_adds(out, "\r\n");
	}
}

/* The first section that has columns is the one that spreadsheets get. */
static void show_csv(struct cli_call *call, const struct cli_section *sections,
		     const struct doc_node *answer)
{
	for (; sections != NULL && (sections->columns != NULL || sections->text != NULL); sections++) {
		if (sections->columns == NULL)
			continue;
		const struct doc_node *node =
			sections->items != NULL ? cli_path(answer, str_of(sections->items)) : answer;
		cli_csv(sections->columns, node, &call->arena, &call->out);
		return;
	}
}

void cli_show(struct cli_call *call, const struct cli_section *sections,
	      const struct doc_node *answer)
{
	assert(answer != NULL);
	switch (call->settings.format) {
	case CLI_JSON:
		doc_print_json(answer, &call->out);
		buf_addc(&call->out, '\n');
		break;
	case CLI_YAML:
		doc_print_yaml(answer, &call->out);
		break;
	case CLI_CSV:
		show_csv(call, sections, answer);
		break;
	case CLI_TABLE:
		for (; sections != NULL && (sections->columns != NULL || sections->text != NULL); sections++)
			show_section(call, sections, answer);
	}
}
