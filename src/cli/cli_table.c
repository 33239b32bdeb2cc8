/*
 * cli_table.c: rows of things under each other, aligned by cells and not by bytes.
 *
 * Where the screen is too narrow, the widest columns of text are cut, never numbers or states. Into
 * a file or a pipe nothing is cut.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_priv.h"
#include "wire/doc_print.h"

#define COLUMNS_MAX 24u
#define GAP 2u
#define CELL_BYTES_MAX (64u << 10)
#define TEXT_WIDTH_LEAST 12u
#define ITEMS_JOINED_MAX 1000u

struct cell {
	struct str text;
	unsigned width;
	const char *colour; /* NULL: none */
};

/* ---- values ---- */

static const struct doc_node *step(const struct doc_node *node, struct str key)
{
	int64_t index;
	if (doc_is(node, DOC_LIST) && str_int(key, 0, UINT32_MAX, &index))
		return doc_at(node, (size_t)index);
	const struct doc_entry *entry = doc_is(node, DOC_MAP) ? doc_find(node, key) : NULL;
	return entry != NULL ? &entry->value : NULL;
}

const struct doc_node *cli_path(const struct doc_node *root, struct str path)
{
	struct str key;
	while (path.len > 0 && root != NULL) {
		str_cut(path, '.', &key, &path);
		root = step(root, key);
	}
	return root;
}

static struct str scalar(const struct doc_node *node, struct arena *arena)
{
	cleanup_buf struct buf text = { 0 };
	if (node == NULL || doc_is(node, DOC_NULL))
		return STR_NONE;
	if (doc_is(node, DOC_TEXT))
		return node->text;
	if (doc_is(node, DOC_BOOL))
		return doc_bool(node, false) ? STR("yes") : STR("no");
	buf_init(&text, CELL_BYTES_MAX);
	doc_print_json(node, &text);
	return arena_str(arena, buf_str(&text));
}

/* "users.name" where users is a list: the name of each. */
static struct str value(const struct doc_node *root, struct str path, struct arena *arena)
{
	struct str key, rest = path;
	while (rest.len > 0 && root != NULL && !doc_is(root, DOC_LIST)) {
		str_cut(rest, '.', &key, &rest);
		root = step(root, key);
	}
	if (!doc_is(root, DOC_LIST))
		return scalar(root, arena);
	cleanup_buf struct buf all;
	buf_init(&all, CELL_BYTES_MAX);
	for (size_t i = 0; i < doc_count(root) && i < ITEMS_JOINED_MAX; i++) {
		buf_adds(&all, i > 0 ? ", " : "");
		buf_add(&all, value(doc_at(root, i), rest, arena));
	}
	return arena_str(arena, buf_str(&all));
}

static struct str number(const char *format, const struct doc_node *node, struct arena *arena)
{
	char text[48];
	if (!doc_is(node, DOC_INT) && !doc_is(node, DOC_REAL))
		return STR_NONE;
	snprintf(text, sizeof text, format, doc_real(node, 0));
	return arena_str(arena, str_of(text));
}

/* 99.996 % is not 100 %: rounding never makes it look better than it was. */
static struct str percent(const struct doc_node *node, struct arena *arena)
{
	double real = doc_real(node, 0);
	if (!doc_is(node, DOC_INT) && !doc_is(node, DOC_REAL))
		return STR_NONE;
	double floored = (double)(int64_t)(real * 100) / 100;
	return arena_printf(arena, floored >= 100 ? "%.0f %%" : "%.2f %%", floored);
}

static struct str first_line(struct str text)
{
	struct str line, rest;
	str_cut(text, '\n', &line, &rest);
	return line;
}

static struct str shown_time(const struct cli_screen *screen, struct str text, struct arena *arena)
{
	time_us at;
	char printed[CLI_TIME_BYTES];
	if (!time_parse(text, &at))
		return text;
	cli_time_print(screen, at, printed);
	return arena_str(arena, str_of(printed));
}

struct str cli_cell(const struct cli_screen *screen, const struct doc_node *root,
		    const struct cli_column *column, struct arena *arena)
{
	struct str path = str_of(column->path), text;
	switch (column->show) {
	case CLI_SHOW_MS:
		text = number("%.1f ms", cli_path(root, path), arena);
		break;
	case CLI_SHOW_PERCENT:
		text = percent(cli_path(root, path), arena);
		break;
	case CLI_SHOW_TIME:
		text = shown_time(screen, value(root, path, arena), arena);
		break;
	case CLI_SHOW_LINE:
		text = first_line(value(root, path, arena));
		break;
	case CLI_SHOW_JSON:
		text = scalar(cli_path(root, path), arena);
		break;
	default:
		text = value(root, path, arena);
	}
	return text.len > 0 ? cli_text_clean(arena, text) : STR("-");
}

/* ---- colours ---- */

static const char *state_colour(struct str word)
{
	static const struct {
		const char *word, *code;
	} rows[] = {
		{ "down", "1;31" },    { "open", "1;31" },	  { "firing", "1;31" }, { "failed", "1;31" },
		{ "refused", "1;31" }, { "P1", "1;31" },	  { "delete", "31" },	{ "P2", "33" },
		{ "degraded", "33" },  { "acknowledged", "33" },  { "recovering", "33" },
		{ "pending", "33" },   { "update", "33" },	  { "running", "33" },	{ "queued", "33" },
		{ "sending", "33" },   { "up", "32" },		  { "resolved", "32" }, { "delivered", "32" },
		{ "sent", "32" },      { "create", "32" },	  { "paused", "2" },	{ "unknown", "2" },
		{ "cancelled", "2" },  { "unchanged", "2" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (str_is(word, rows[i].word))
			return rows[i].code;
	}
	return NULL;
}

void cli_colour(const struct cli_screen *screen, struct buf *out, const char *code, struct str text)
{
	if (screen->colour && code != NULL)
		buf_printf(out, "\x1b[%sm" STR_FMT "\x1b[0m", code, STR_ARG(text));
	else
		buf_add(out, text);
}

static struct cell make_cell(const struct cli_screen *screen, const struct doc_node *root,
			     const struct cli_column *column, struct arena *arena)
{
	struct cell cell = { .text = cli_cell(screen, root, column, arena) };
	cell.width = cli_text_width(cell.text);
	cell.colour = column->show == CLI_SHOW_STATE ? state_colour(cell.text) : NULL;
	return cell;
}

/* ---- tables ---- */

static unsigned count_columns(const struct cli_column *columns)
{
	unsigned count = 0;
	while (columns[count].title != NULL)
		count++;
	assert(count > 0);
	assert(count <= COLUMNS_MAX);
	return count;
}

static bool to_the_right(const struct cli_column *column)
{
	return column->show == CLI_SHOW_NUMBER || column->show == CLI_SHOW_MS ||
	       column->show == CLI_SHOW_PERCENT;
}

static bool may_be_cut(const struct cli_column *column)
{
	return column->show == CLI_SHOW_TEXT || column->show == CLI_SHOW_LINE ||
	       column->show == CLI_SHOW_JSON || column->show == CLI_SHOW_TIME;
}

/* Takes from the widest until it fits, or until nothing more may be taken. */
static void narrow(const struct cli_column *columns, unsigned count, unsigned *widths, unsigned screen)
{
	unsigned total = GAP * (count - 1);
	for (unsigned c = 0; c < count; c++)
		total += widths[c];
	while (screen > 0 && total > screen) {
		unsigned widest = count;
		for (unsigned c = 0; c < count; c++) {
			if (may_be_cut(&columns[c]) && (widest == count || widths[c] > widths[widest]))
				widest = c;
		}
		if (widest == count || widths[widest] <= TEXT_WIDTH_LEAST)
			return;
		widths[widest]--;
		total--;
	}
}

static void put(const struct cli_screen *screen, const struct cell *cell, unsigned width, bool right,
		bool last, struct arena *arena, struct buf *out)
{
	struct str text = cli_text_cut(arena, cell->text, width);
	unsigned pad = width - cli_text_width(text);
	if (right)
		buf_printf(out, "%*s", (int)pad, "");
	cli_colour(screen, out, cell->colour, text);
	if (!last)
		buf_printf(out, "%*s", (int)(GAP + (right ? 0 : pad)), "");
}

static void put_row(const struct cli_screen *screen, const struct cli_column *columns, unsigned count,
		    const struct cell *cells, const unsigned *widths, struct arena *arena,
		    struct buf *out)
{
	for (unsigned c = 0; c < count; c++)
		put(screen, &cells[c], widths[c], to_the_right(&columns[c]), c + 1 == count, arena, out);
	buf_addc(out, '\n');
}

void cli_table(const struct cli_screen *screen, const struct cli_column *columns,
	       const struct doc_node *items, struct arena *arena, struct buf *out)
{
	unsigned count = count_columns(columns), widths[COLUMNS_MAX] = { 0 };
	size_t rows = doc_count(items) + 1;
	struct cell *cells = arena_array(arena, struct cell, rows * count);
	for (unsigned c = 0; c < count; c++) {
		struct str title = str_of(columns[c].title);
		cells[c] = (struct cell){ title, cli_text_width(title), "1" };
	}
	for (size_t r = 1; r < rows; r++) {
		for (unsigned c = 0; c < count; c++)
			cells[r * count + c] = make_cell(screen, doc_at(items, r - 1), &columns[c], arena);
	}
	for (size_t i = 0; i < rows * count; i++) {
		if (cells[i].width > widths[i % count])
			widths[i % count] = cells[i].width;
	}
	narrow(columns, count, widths, screen->width);
	for (size_t r = 0; r < rows; r++)
		put_row(screen, columns, count, cells + r * count, widths, arena, out);
}

/* ---- one thing ---- */

void cli_fields(const struct cli_screen *screen, const struct cli_column *columns,
		const struct doc_node *thing, struct arena *arena, struct buf *out)
{
	unsigned count = count_columns(columns), widest = 0;
	for (unsigned c = 0; c < count; c++) {
		unsigned width = cli_text_width(str_of(columns[c].title));
		widest = width > widest ? width : widest;
	}
	for (unsigned c = 0; c < count; c++) {
		struct cell cell = make_cell(screen, thing, &columns[c], arena);
		cli_colour(screen, out, "2", str_of(columns[c].title));
		buf_printf(out, "%*s", (int)(widest + GAP - cli_text_width(str_of(columns[c].title))), "");
		cli_colour(screen, out, cell.colour, cell.text);
		buf_addc(out, '\n');
	}
}
