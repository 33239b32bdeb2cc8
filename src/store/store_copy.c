/* store_copy.c: see store_copy.h. All SQL here is made from declarations, never from input. */
#include "store/store_copy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/store_table_priv.h"

#define SQL_BYTES_MAX (16u << 10)
#define KEY_BYTES_MAX (16u << 10)
#define NAME_BYTES 80
#define PAGE_ROWS 500

/* One table, or the history of one. */
struct sheet {
	char name[NAME_BYTES];
	size_t columns, keys;
	struct str names[STORE_COPY_COLUMNS_MAX];
	enum store_type types[STORE_COPY_COLUMNS_MAX];
	size_t key_at[STORE_COLUMNS_MAX + 1]; /* which columns are the key */
};

static enum store_type type_of(struct str declaration)
{
	struct str before, name, rest;
	str_cut(declaration, '{', &before, &rest);
	str_cut(rest, '}', &name, &rest);
	if (str_is(name, "text"))
		return STORE_TYPE_TEXT;
	if (str_is(name, "bytes"))
		return STORE_TYPE_BYTES;
	if (str_is(name, "real"))
		return STORE_TYPE_REAL;
	assert(str_is(name, "id") || str_is(name, "int"));
	return STORE_TYPE_INT;
}

static void add_column(struct sheet *sheet, struct str name, enum store_type type)
{
	sheet->names[sheet->columns] = name;
	sheet->types[sheet->columns++] = type;
}

static void sheet_init(struct sheet *sheet, const struct store_table *table, bool history)
{
	assert(table->keys > 0 && (!history || table->history == STORE_VERSIONED));
	sheet->columns = 0;
	snprintf(sheet->name, sizeof sheet->name, "%s%s", table->name, history ? "_h" : "");
	for (unsigned i = 0; i < STORE_COLUMNS_MAX && table->columns[i] != NULL; i++)
		add_column(sheet, store_column_name(table, i), type_of(str_of(table->columns[i])));
	for (sheet->keys = 0; sheet->keys < table->keys; sheet->keys++)
		sheet->key_at[sheet->keys] = sheet->keys;
	if (history)
		sheet->key_at[sheet->keys++] = sheet->columns;
	if (table->history == STORE_VERSIONED)
		add_column(sheet, STR("from_seq"), STORE_TYPE_INT);
	if (history)
		add_column(sheet, STR("to_seq"), STORE_TYPE_INT);
}

static void add_columns(struct buf *sql, const struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->columns; i++)
		buf_printf(sql, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(sheet->names[i]));
}

static void add_keys(struct buf *sql, const struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->keys; i++)
		buf_printf(sql, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(sheet->names[sheet->key_at[i]]));
}

static void add_marks(struct buf *sql, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_adds(sql, i > 0 ? ", ?" : "?");
}

/* ---- reading ---- */

struct reading {
	struct store_conn *from;
	struct sheet sheet;
	store_row_fn *row;
	void *context;
	bool first;
	struct store_value key[STORE_COLUMNS_MAX + 1]; /* where the last page ended; texts are in `texts` */
	struct buf texts;
};

static bool has_text(const struct store_value *value)
{
	return value->type == STORE_TYPE_TEXT || value->type == STORE_TYPE_BYTES;
}

static enum err keep_key(struct reading *reading, const struct store_value *values, struct error *err)
{
	const struct sheet *sheet = &reading->sheet;
	buf_reset(&reading->texts);
	for (size_t i = 0; i < sheet->keys; i++) {
		reading->key[i] = values[sheet->key_at[i]];
		if (has_text(&reading->key[i]))
			buf_add(&reading->texts, reading->key[i].text);
	}
	if (reading->texts.full)
		return error_set(err, ERR_TOO_LARGE, "a key in \"%s\" is too long to be copied", sheet->name);
	size_t at = 0;
	for (size_t i = 0; i < sheet->keys; i++) {
		if (!has_text(&reading->key[i]))
			continue;
		reading->key[i].text.ptr = buf_str(&reading->texts).ptr + at;
		at += reading->key[i].text.len;
	}
	return OK;
}

static void page_sql(struct buf *sql, const struct reading *reading)
{
	const struct sheet *sheet = &reading->sheet;
	buf_adds(sql, "SELECT ");
	add_columns(sql, sheet);
	buf_printf(sql, " FROM %s", sheet->name);
	if (!reading->first) {
		buf_adds(sql, " WHERE (");
		add_keys(sql, sheet);
		buf_adds(sql, ") > (");
		add_marks(sql, sheet->keys);
		buf_adds(sql, ")");
	}
	buf_adds(sql, " ORDER BY ");
	add_keys(sql, sheet);
	buf_printf(sql, " LIMIT %d", PAGE_ROWS);
	assert(!sql->full);
}

static struct store_value value_of(struct store_rows *rows, int column, enum store_type type)
{
	if (store_is_null(rows, column))
		return STORE_NULL;
	if (type == STORE_TYPE_INT)
		return STORE_INT(store_int(rows, column));
	if (type == STORE_TYPE_REAL)
		return STORE_REAL(store_real(rows, column));
	return (struct store_value){ .type = type, .text = store_text(rows, column) };
}

static enum err read_page(struct reading *reading, int *ret_count, struct error *err)
{
	const struct sheet *sheet = &reading->sheet;
	struct store_value values[STORE_COPY_COLUMNS_MAX];
	struct store_rows *rows;
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	page_sql(&sql, reading);
	enum err r = store_query(reading->from, buf_str(&sql).ptr, reading->key, reading->first ? 0 : sheet->keys, &rows,
				 err);
	if (r != OK)
		return r;
	*ret_count = 0;
	while (r == OK && store_next(rows)) {
		for (size_t i = 0; i < sheet->columns; i++)
			values[i] = value_of(rows, (int)i, sheet->types[i]);
		r = reading->row(reading->context, values, sheet->columns, err);
		if (r == OK && ++*ret_count == PAGE_ROWS)
			r = keep_key(reading, values, err);
	}
	enum err done = store_done(&rows, r == OK ? err : NULL);
	return r != OK ? r : done;
}

enum err store_copy_read(struct store_conn *from, const struct store_table *table, bool history,
			 store_row_fn *row, void *context, struct error *err)
{
	struct reading reading = { .from = from, .row = row, .context = context, .first = true };
	int count = PAGE_ROWS;
	enum err r = OK;
	sheet_init(&reading.sheet, table, history);
	buf_init(&reading.texts, KEY_BYTES_MAX);
	while (r == OK && count == PAGE_ROWS) {
		r = read_page(&reading, &count, err);
		reading.first = false;
	}
	buf_finish(&reading.texts);
	return r;
}

/* ---- writing ---- */

static bool fits(const struct sheet *sheet, const struct store_value *values, size_t count)
{
	bool all = count == sheet->columns;
	for (size_t i = 0; all && i < count; i++)
		all = values[i].type == STORE_TYPE_NULL || values[i].type == sheet->types[i];
	return all;
}

enum err store_copy_write(struct store_conn *to, const struct store_table *table, bool history,
			  const struct store_value *values, size_t count, struct error *err)
{
	struct sheet sheet;
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	sheet_init(&sheet, table, history);
	if (!fits(&sheet, values, count))
		return error_set(err, ERR_INVALID, "a row does not fit the table \"%s\"", table->name);
	buf_printf(&sql, "INSERT INTO %s (", sheet.name);
	add_columns(&sql, &sheet);
	buf_adds(&sql, ") VALUES (");
	add_marks(&sql, sheet.columns);
	buf_adds(&sql, ")");
	assert(!sql.full);
	return store_exec(to, sql.bytes, values, count, err);
}

enum err store_copy_count(struct store_conn *conn, const struct store_table *table, bool history,
			  int64_t *ret_count, struct error *err)
{
	char sql[NAME_BYTES + 40];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s%s", table->name, history ? "_h" : "");
	return store_one_int(conn, sql, STORE_NO_VALUES, 0, ret_count, err);
}

/* ---- all tables ---- */

/* For every table and every history, until one fails. */
typedef enum err sheet_fn(const struct store_table *table, bool history, void *context, struct error *err);

static enum err each_sheet(const struct store_table *const *tables, sheet_fn *each, void *context,
			   struct error *err)
{
	enum err r = OK;
	for (size_t i = 0; r == OK && tables[i] != NULL; i++) {
		r = each(tables[i], false, context, err);
		if (r == OK && tables[i]->history == STORE_VERSIONED)
			r = each(tables[i], true, context, err);
	}
	return r;
}

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

static enum err look_into(const struct store_table *table, bool history, void *context, struct error *err)
{
	struct emptiness *e = context;
	int64_t count;
	enum err r = store_copy_count(e->conn, table, history, &count, err);
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

struct copying {
	struct store_conn *from, *to;
	store_copy_fn *progress;
	void *context;
	int64_t rows; /* of all tables */
	const struct store_table *table; /* that is being copied */
	bool history;
	int64_t copied;
};

static enum err copy_row(void *context, const struct store_value *values, size_t count, struct error *err)
{
	struct copying *c = context;
	enum err r = store_copy_write(c->to, c->table, c->history, values, count, err);
	if (++c->copied % PAGE_ROWS == 0 && c->progress != NULL)
		c->progress(c->context, c->table->name, c->copied);
	return r;
}

static enum err copy_sheet(const struct store_table *table, bool history, void *context, struct error *err)
{
	struct copying *c = context;
	int64_t there = 0;
	c->table = table;
	c->history = history;
	c->copied = 0;
	enum err r = store_copy_read(c->from, table, history, copy_row, c, err);
	if (r == OK)
		r = store_copy_count(c->from, table, history, &there, err);
	if (r == OK && there == c->copied)
		r = store_copy_count(c->to, table, history, &there, err);
	if (r == OK && there != c->copied)
		r = error_set(err, ERR_IO, "copied %lld rows of \"%s%s\", but there are %lld", (long long)c->copied,
			      table->name, history ? "_h" : "", (long long)there);
	c->rows += c->copied;
	return r;
}

enum err store_tables_copy(struct store_conn *from, struct store_conn *to,
			   const struct store_table *const *tables, store_copy_fn *progress,
			   void *context, int64_t *ret_rows, struct error *err)
{
	struct copying c = { .from = from, .to = to, .progress = progress, .context = context };
	enum err r = each_sheet(tables, copy_sheet, &c, err);
	if (r == OK)
		*ret_rows = c.rows;
	return r;
}
