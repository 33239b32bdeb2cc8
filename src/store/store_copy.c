/* store_copy.c: see store_copy.h. All SQL here is made from declarations, never from input. */
#include "store/store_copy.h"

#include <assert.h>

#include "base/buf.h"

#define SQL_BYTES_MAX (16u << 10)

struct columns {
	size_t count;
	struct str name[STORE_COPY_COLUMNS_MAX];
	enum store_type type[STORE_COPY_COLUMNS_MAX];
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

static void columns_of(const struct store_table *table, bool history, struct columns *ret)
{
	struct str rest;
	assert(!history || table->history == STORE_VERSIONED);
	ret->count = 0;
	for (size_t i = 0; i < STORE_COLUMNS_MAX && table->columns[i] != NULL; i++) {
		str_cut(str_of(table->columns[i]), ' ', &ret->name[ret->count], &rest);
		ret->type[ret->count++] = type_of(str_of(table->columns[i]));
	}
	for (int i = 0; history && i < 2; i++) {
		ret->name[ret->count] = i == 0 ? STR("from_seq") : STR("to_seq");
		ret->type[ret->count++] = STORE_TYPE_INT;
	}
}

static void add_names(struct buf *sql, const struct columns *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(sql, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(columns->name[i]));
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

enum err store_copy_read(struct store_conn *from, const struct store_table *table, bool history,
			 store_row_fn *row, void *context, struct error *err)
{
	struct columns columns;
	struct store_value values[STORE_COPY_COLUMNS_MAX];
	struct store_rows *rows;
	cleanup_buf struct buf sql;
	columns_of(table, history, &columns);
	buf_init(&sql, SQL_BYTES_MAX);
	buf_adds(&sql, "SELECT ");
	add_names(&sql, &columns, columns.count);
	buf_printf(&sql, " FROM %s%s ORDER BY ", table->name, history ? "_h" : "");
	add_names(&sql, &columns, table->keys);
	buf_adds(&sql, history ? ", from_seq" : "");
	assert(!sql.full);
	enum err r = store_query(from, sql.bytes, STORE_NO_VALUES, &rows, err);
	if (r != OK)
		return r;
	while (r == OK && store_next(rows)) {
		for (size_t i = 0; i < columns.count; i++)
			values[i] = value_of(rows, (int)i, columns.type[i]);
		r = row(context, values, columns.count, err);
	}
	enum err done = store_done(&rows, r == OK ? err : NULL);
	return r != OK ? r : done;
}

static bool fits(const struct columns *columns, const struct store_value *values, size_t count)
{
	bool all = count == columns->count;
	for (size_t i = 0; all && i < count; i++)
		all = values[i].type == STORE_TYPE_NULL || values[i].type == columns->type[i];
	return all;
}

enum err store_copy_write(struct store_conn *to, const struct store_table *table, bool history,
			  const struct store_value *values, size_t count, struct error *err)
{
	struct columns columns;
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	columns_of(table, history, &columns);
	if (!fits(&columns, values, count))
		return error_set(err, ERR_INVALID, "a row does not fit the table \"%s\"", table->name);
	buf_printf(&sql, "INSERT INTO %s%s (", table->name, history ? "_h" : "");
	add_names(&sql, &columns, columns.count);
	buf_adds(&sql, ") VALUES (");
	for (size_t i = 0; i < columns.count; i++)
		buf_adds(&sql, i > 0 ? ", ?" : "?");
	buf_adds(&sql, ")");
	assert(!sql.full);
	return store_exec(to, sql.bytes, values, count, err);
}

enum err store_copy_count(struct store_conn *conn, const struct store_table *table, int64_t *ret_count,
			  struct error *err)
{
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "SELECT count(*) FROM %s", table->name);
	return store_one_int(conn, sql.bytes, STORE_NO_VALUES, 0, ret_count, err);
}
