/* store_copy.c: see store_copy.h. All SQL here is made from declarations, never from input. */
#include "store/store_copy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/store_table_priv.h"

#define SQL_BYTES_MAX (16u << 10)
#define PAGE_ROWS 500
#define COLUMNS_MAX (STORE_COLUMNS_MAX + 2) /* history has two more */

/* One table, or the history of one. */
struct sheet {
	const struct store_table *table;
	bool history;
	char name[80];
	unsigned columns, keys;
	struct str names[COLUMNS_MAX];
	enum store_type types[COLUMNS_MAX];
	unsigned key_at[STORE_COLUMNS_MAX + 1]; /* which columns are the key */
};

static enum store_type type_of(const char *column)
{
	if (strstr(column, "{text}") != NULL)
		return STORE_TYPE_TEXT;
	if (strstr(column, "{bytes}") != NULL)
		return STORE_TYPE_BYTES;
	return strstr(column, "{real}") != NULL ? STORE_TYPE_REAL : STORE_TYPE_INT;
}

static void sheet_init(struct sheet *sheet, const struct store_table *table, bool history)
{
	*sheet = (struct sheet){ .table = table, .history = history, .keys = table->keys };
	snprintf(sheet->name, sizeof sheet->name, "%s%s", table->name, history ? "_h" : "");
	for (unsigned i = 0; i < table->keys; i++)
		sheet->key_at[i] = i;
	for (; sheet->columns < STORE_COLUMNS_MAX && table->columns[sheet->columns] != NULL; sheet->columns++) {
		sheet->names[sheet->columns] = store_column_name(table, sheet->columns);
		sheet->types[sheet->columns] = type_of(table->columns[sheet->columns]);
	}
	if (!history)
		return;
	sheet->key_at[sheet->keys++] = sheet->columns;
	sheet->names[sheet->columns] = STR("from_seq");
	sheet->types[sheet->columns++] = STORE_TYPE_INT;
	sheet->names[sheet->columns] = STR("to_seq");
	sheet->types[sheet->columns++] = STORE_TYPE_INT;
}

/* Calls `each` for every table and every history, until one fails. */
typedef enum err sheet_fn(const struct sheet *sheet, void *context, struct error *err);

static enum err each_sheet(const struct store_table *const *tables, sheet_fn *each, void *context,
			   struct error *err)
{
	enum err r = OK;
	for (size_t i = 0; r == OK && tables[i] != NULL; i++) {
		for (int history = 0; r == OK && history <= (tables[i]->history == STORE_VERSIONED); history++) {
			struct sheet sheet;
			sheet_init(&sheet, tables[i], history);
			r = each(&sheet, context, err);
		}
	}
	return r;
}

static enum err count_rows(struct store_conn *conn, const struct sheet *sheet, int64_t *ret_count,
			   struct error *err)
{
	char sql[120];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", sheet->name);
	return store_one_int(conn, sql, STORE_NO_VALUES, 0, ret_count, err);
}

/* ---- looking ---- */

enum err store_tables_same(struct store_conn *conn, const struct store_table *const *tables,
			   bool *ret_same, struct error *err)
{
	bool same = true;
	for (size_t i = 0; same && tables[i] != NULL; i++) {
		enum err r = store_table_is_made(conn, tables[i], &same, err);
		if (r != OK)
			return r;
	}
	*ret_same = same;
	return OK;
}

struct emptiness {
	struct store_conn *conn;
	bool empty;
};

static enum err look_into(const struct sheet *sheet, void *context, struct error *err)
{
	struct emptiness *e = context;
	int64_t count;
	enum err r = count_rows(e->conn, sheet, &count, err);
	if (r == OK && count > 0)
		e->empty = false;
	return r;
}

enum err store_tables_empty(struct store_conn *conn, const struct store_table *const *tables,
			    bool *ret_empty, struct error *err)
{
	struct emptiness e = { conn, true };
	enum err r = each_sheet(tables, look_into, &e, err);
	if (r == OK)
		*ret_empty = e.empty;
	return r;
}

/* ---- copying ---- */

struct copying {
	struct store_conn *from, *to;
	store_copy_fn *progress;
	void *context;
	int64_t rows;
};

static void add_list(struct buf *sql, const struct sheet *sheet, bool keys, const char *text)
{
	unsigned count = keys ? sheet->keys : sheet->columns;
	for (unsigned i = 0; i < count; i++) {
		struct str name = sheet->names[keys ? sheet->key_at[i] : i];
		buf_printf(sql, "%s" STR_FMT, i > 0 ? ", " : "", text == NULL ? (int)name.len : (int)strlen(text),
			   text == NULL ? name.ptr : text);
	}
}

static void page_sql(struct buf *sql, const struct sheet *sheet, bool first)
{
	buf_adds(sql, "SELECT ");
	add_list(sql, sheet, false, NULL);
	buf_printf(sql, " FROM %s", sheet->name);
	if (!first) {
		buf_adds(sql, " WHERE (");
		add_list(sql, sheet, true, NULL);
		buf_adds(sql, ") > (");
		add_list(sql, sheet, true, "?");
		buf_adds(sql, ")");
	}
	buf_adds(sql, " ORDER BY ");
	add_list(sql, sheet, true, NULL);
	buf_printf(sql, " LIMIT %d", PAGE_ROWS);
	assert(!sql->full);
}

static void insert_sql(struct buf *sql, const struct sheet *sheet)
{
	buf_printf(sql, "INSERT INTO %s (", sheet->name);
	add_list(sql, sheet, false, NULL);
	buf_adds(sql, ") VALUES (");
	add_list(sql, sheet, false, "?");
	buf_adds(sql, ")");
	assert(!sql->full);
}

static struct store_value value_at(struct store_rows *rows, const struct sheet *sheet, unsigned column)
{
	if (store_is_null(rows, (int)column))
		return STORE_NULL;
	switch (sheet->types[column]) {
	case STORE_TYPE_INT:
		return STORE_INT(store_int(rows, (int)column));
	case STORE_TYPE_REAL:
		return STORE_REAL(store_real(rows, (int)column));
	case STORE_TYPE_BYTES:
		return STORE_BYTES(store_text(rows, (int)column));
	default:
		return STORE_TEXT(store_text(rows, (int)column));
	}
}

/* Where the next page begins: texts are kept in `last`. */
static void keep_key(const struct sheet *sheet, const struct store_value *row, struct store_value *key,
		     struct buf *last)
{
	buf_reset(last);
	for (unsigned i = 0; i < sheet->keys; i++) {
		key[i] = row[sheet->key_at[i]];
		if (key[i].type == STORE_TYPE_TEXT || key[i].type == STORE_TYPE_BYTES)
			buf_add(last, key[i].text);
	}
	assert(!last->full);
	size_t at = 0;
	for (unsigned i = 0; i < sheet->keys; i++) {
		if (key[i].type != STORE_TYPE_TEXT && key[i].type != STORE_TYPE_BYTES)
			continue;
		key[i].text.ptr = buf_str(last).ptr + at;
		at += key[i].text.len;
	}
}

static enum err copy_page(struct copying *c, const struct sheet *sheet, const char *insert,
			  struct store_value *key, struct buf *last, bool first, int64_t *ret_count,
			  struct error *err)
{
	struct store_value row[COLUMNS_MAX];
	struct store_rows *rows;
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	page_sql(&sql, sheet, first);
	enum err r = store_query(c->from, buf_str(&sql).ptr, key, first ? 0 : sheet->keys, &rows, err);
	if (r != OK)
		return r;
	int64_t count = 0;
	while (r == OK && store_next(rows)) {
		for (unsigned i = 0; i < sheet->columns; i++)
			row[i] = value_at(rows, sheet, i);
		r = store_exec(c->to, insert, row, sheet->columns, err);
		if (++count == PAGE_ROWS)
			keep_key(sheet, row, key, last);
	}
	enum err done = store_done(&rows, r == OK ? err : NULL);
	*ret_count = count;
	return r != OK ? r : done;
}

static enum err copy_sheet(const struct sheet *sheet, void *context, struct error *err)
{
	struct copying *c = context;
	struct store_value key[STORE_COLUMNS_MAX + 1];
	cleanup_buf struct buf insert, last;
	int64_t copied = 0, count = PAGE_ROWS, there = 0;
	buf_init(&insert, SQL_BYTES_MAX);
	buf_init(&last, SQL_BYTES_MAX);
	insert_sql(&insert, sheet);
	enum err r = OK;
	while (r == OK && count == PAGE_ROWS) {
		r = copy_page(c, sheet, buf_str(&insert).ptr, key, &last, copied == 0, &count, err);
		copied += count;
		if (r == OK && c->progress != NULL)
			c->progress(c->context, sheet->name, copied);
	}
	if (r == OK)
		r = count_rows(c->from, sheet, &there, err);
	if (r == OK && there == copied)
		r = count_rows(c->to, sheet, &there, err);
	if (r == OK && there != copied)
		r = error_set(err, ERR_IO, "copied %lld rows of \"%s\", but there are %lld", (long long)copied,
			      sheet->name, (long long)there);
	c->rows += copied;
	return r;
}

enum err store_tables_copy(struct store_conn *from, struct store_conn *to,
			   const struct store_table *const *tables, store_copy_fn *progress,
			   void *context, int64_t *ret_rows, struct error *err)
{
	struct copying c = { from, to, progress, context, 0 };
	enum err r = each_sheet(tables, copy_sheet, &c, err);
	if (r == OK)
		*ret_rows = c.rows;
	return r;
}
