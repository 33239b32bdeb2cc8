/* api_csv.c: see api_csv.h. */
#include "api/api_csv.h"

#include <stdio.h>
#include <string.h>

#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define COLUMNS_MAX 64u
#define CSV_BYTES_MAX (16u << 20)

struct columns {
	struct str names[COLUMNS_MAX];
	size_t count;
};

static void add_columns(struct columns *columns, const struct doc_node *item)
{
	for (size_t i = 0; i < doc_count(item); i++) {
		struct str key = doc_entry_at(item, i)->key;
		size_t at = 0;
		while (at < columns->count && !str_eq(columns->names[at], key))
			at++;
		if (at == columns->count && at < COLUMNS_MAX)
			columns->names[columns->count++] = key;
	}
}

/* "=1+1" in a cell is a program to a spreadsheet: it is shown as text instead. */
static bool would_run(struct str text)
{
	return text.len > 0 && strchr("=+-@\t\r", text.ptr[0]) != NULL;
}

static void put_cell(struct buf *out, struct str text)
{
	bool quote = would_run(text);
	for (size_t i = 0; i < text.len && !quote; i++)
		quote = strchr("\",\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0';
	if (!quote) {
		buf_add(out, text);
		return;
	}
	buf_adds(out, would_run(text) ? "\"'" : "\"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, text.ptr[i]);
	}
	buf_addc(out, '"');
}

static void put_value(struct buf *out, const struct doc_node *node)
{
	cleanup_buf struct buf text;
	buf_init(&text, CSV_BYTES_MAX);
	if (node == NULL || doc_is(node, DOC_NULL))
		return;
	if (doc_is(node, DOC_TEXT)) {
		put_cell(out, node->text);
		return;
	}
	doc_print_json(node, &text);
	if (doc_is(node, DOC_INT) || doc_is(node, DOC_REAL))
		buf_add(out, buf_str(&text)); /* -5 is a number, not a program */
	else
		put_cell(out, buf_str(&text));
}

bool csv_from_list(struct buf *buf, struct arena *arena, struct str *ret_next)
{
	const struct doc_node *root;
	struct doc_limits limits = { .depth_max = 64, .nodes_max = 5000000, .bytes_max = CSV_BYTES_MAX };
	if (doc_json_parse(buf_str(buf), arena, limits, NULL, &root, NULL) != OK)
		return false;
	const struct doc_node *items = doc_get(root, "items");
	if (!doc_is(items, DOC_LIST))
		return false;
	*ret_next = doc_text(doc_get(root, "next"), "");
	struct columns columns = { .count = 0 };
	for (size_t i = 0; i < doc_count(items); i++)
		add_columns(&columns, doc_at(items, i));
	buf_reset(buf);
	for (size_t c = 0; c < columns.count; c++) {
		buf_adds(buf, c > 0 ? "," : "");
		put_cell(buf, columns.names[c]);
	}
	buf_adds(buf, "\r\n");
	for (size_t i = 0; i < doc_count(items); i++) {
		for (size_t c = 0; c < columns.count; c++) {
			const struct doc_entry *entry = doc_find(doc_at(items, i), columns.names[c]);
			buf_adds(buf, c > 0 ? "," : "");
			put_value(buf, entry != NULL ? &entry->value : NULL);
		}
		buf_adds(buf, "\r\n");
	}
	return true;
}
