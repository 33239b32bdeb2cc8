/* store_table.c: see store_table.h. All SQL here is made from declarations, never from input. */
#include "store/store_table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/store_backend.h"
#include "store/store_table_priv.h"

#define SQL_BYTES_MAX (16u << 10)
#define STORE_TABLES_MAX 256u
#define VALUES_MAX (STORE_COLUMNS_MAX + 8)

static const char *const type_names[] = { "id", "int", "text", "bytes", "real" };

static unsigned column_count(const struct store_table *table)
{
	unsigned count = 0;
	while (count < STORE_COLUMNS_MAX && table->columns[count] != NULL)
		count++;
	return count;
}

struct str store_column_name(const struct store_table *table, unsigned index)
{
	struct str name, rest;
	str_cut(str_of(table->columns[index]), ' ', &name, &rest);
	return name;
}

/* "{int} NOT NULL" in the words of the back end. */
static void add_type(struct buf *sql, const struct store_backend *backend, struct str text)
{
	struct str before, after, name, rest;
	while (str_cut(text, '{', &before, &after)) {
		buf_add(sql, before);
		bool closed = str_cut(after, '}', &name, &rest);
		assert(closed);
		size_t type = 0;
		while (type < 5 && !str_is(name, type_names[type]))
			type++;
		assert(type < 5);
		buf_adds(sql, backend->types[type]);
		text = rest;
	}
	buf_add(sql, text);
}

static void add_names(struct buf *sql, const struct store_table *table, unsigned count,
		      const char *between, const char *after)
{
	for (unsigned i = 0; i < count; i++)
		buf_printf(sql, "%s" STR_FMT "%s", i > 0 ? between : "",
			   STR_ARG(store_column_name(table, i)), after);
}

static void table_sql(struct buf *sql, const struct store_backend *backend,
		      const struct store_table *table, bool history)
{
	buf_printf(sql, "CREATE TABLE %s%s (", table->name, history ? "_h" : "");
	for (unsigned i = 0; i < column_count(table); i++) {
		buf_adds(sql, i > 0 ? ", " : "");
		add_type(sql, backend, str_of(table->columns[i]));
	}
	if (history)
		add_type(sql, backend, STR(", from_seq {int} NOT NULL, to_seq {int}"));
	buf_adds(sql, ", PRIMARY KEY (");
	add_names(sql, table, table->keys, ", ", "");
	bool by_number = !history && table->keys == 1 && strstr(table->columns[0], "{id}") != NULL;
	buf_printf(sql, "%s))%s", history ? ", from_seq" : "",
		   by_number ? backend->table_suffix : backend->table_suffix_by_key);
}

static enum err exec_buf(struct store_conn *conn, const struct buf *sql, struct error *err)
{
	assert(!sql->full);
	return store_exec(conn, sql->bytes, STORE_NO_VALUES, err);
}

static enum err create_indexes(struct store_conn *conn, const struct store_table *table,
			       struct error *err)
{
	for (unsigned i = 0; i < STORE_INDEXES_MAX && table->indexes[i] != NULL; i++) {
		cleanup_buf struct buf sql;
		buf_init(&sql, SQL_BYTES_MAX);
		buf_printf(&sql, "CREATE INDEX %s_%u ON %s (%s)", table->name, i, table->name,
			   table->indexes[i]);
		enum err r = exec_buf(conn, &sql, err);
		if (r != OK)
			return r;
	}
	return OK;
}

static enum err create(struct store_conn *conn, const struct store_table *table, struct error *err)
{
	const struct store_backend *backend = store_conn_backend(conn);
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	table_sql(&sql, backend, table, false);
	enum err r = exec_buf(conn, &sql, err);
	if (r == OK && table->history == STORE_VERSIONED) {
		buf_reset(&sql);
		table_sql(&sql, backend, table, true);
		r = exec_buf(conn, &sql, err);
	}
	return r == OK ? create_indexes(conn, table, err) : r;
}

static enum err drop(struct store_conn *conn, const struct store_table *table, struct error *err)
{
	for (int history = 0; history < 2; history++) {
		cleanup_buf struct buf sql;
		buf_init(&sql, SQL_BYTES_MAX);
		buf_printf(&sql, "DROP TABLE IF EXISTS %s%s", table->name, history ? "_h" : "");
		enum err r = exec_buf(conn, &sql, err);
		if (r != OK)
			return r;
	}
	return OK;
}

/* What the declaration says, in one number: a change of it is a change of the table. */
static int64_t declared(const struct store_table *table)
{
	uint64_t hash = str_hash(str_of(table->name)) + table->keys * 31u + table->history * 7u;
	for (unsigned i = 0; i < column_count(table); i++)
		hash = hash * 1099511628211u + str_hash(str_of(table->columns[i]));
	for (unsigned i = 0; i < STORE_INDEXES_MAX && table->indexes[i] != NULL; i++)
		hash = hash * 1099511628211u + str_hash(str_of(table->indexes[i]));
	return (int64_t)(hash >> 1);
}

enum err store_table_is_made(struct store_conn *conn, const struct store_table *table, bool *ret_made,
			     struct error *err)
{
	int64_t stored;
	enum err r = store_one_int(conn, "SELECT declared FROM table_made WHERE name = ?",
				   STORE_VALUES(STORE_TEXT(str_of(table->name))), 0, &stored, err);
	if (r == OK)
		*ret_made = stored == declared(table);
	return r;
}

static enum err create_one(struct store_conn *conn, const struct store_table *table, int64_t stored,
			   bool *ret_remake, struct error *err)
{
	if (stored != 0 && table->class != STORE_PROJECTION)
		return error_set(err, ERR_UNSUPPORTED,
				 "cannot open this data directory: its table \"%s\" is of another version",
				 table->name);
	enum err r = drop(conn, table, err);
	if (r == OK)
		r = create(conn, table, err);
	if (r == OK)
		r = store_exec(conn, "INSERT INTO table_made (name, declared) VALUES (?, ?) "
				     "ON CONFLICT (name) DO UPDATE SET declared = excluded.declared",
			       STORE_VALUES(STORE_TEXT(str_of(table->name)), STORE_INT(declared(table))),
			       err);
	if (r == OK && table->class == STORE_PROJECTION)
		*ret_remake = true;
	return r;
}

/* What stands there, in one question: each start asks it, and a database may be far away. */
static enum err read_made(struct store_conn *conn, const struct store_table *const *tables,
			  int64_t *ret_stored, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT name, declared FROM table_made ORDER BY name", STORE_NO_VALUES,
				 &rows, err);
	if (r != OK)
		return r;
	while (store_next(rows)) {
		for (size_t i = 0; tables[i] != NULL; i++) {
			if (str_is(store_text(rows, 0), tables[i]->name))
				ret_stored[i] = store_int(rows, 1);
		}
	}
	return store_done(&rows, err);
}

static enum err create_all(struct store_conn *conn, const struct store_table *const *tables,
			   bool *ret_remake, struct error *err)
{
	int64_t stored[STORE_TABLES_MAX] = { 0 };
	enum err r = read_made(conn, tables, stored, err);
	for (size_t i = 0; r == OK && tables[i] != NULL; i++) {
		assert(i < STORE_TABLES_MAX);
		if (stored[i] != declared(tables[i]))
			r = create_one(conn, tables[i], stored[i], ret_remake, err);
	}
	return r;
}

enum err store_tables_create(struct store_conn *conn, const struct store_table *const *tables,
			     bool *ret_remake, struct error *err)
{
	bool remake = false;
	enum err r = store_begin(conn, err);
	if (r != OK)
		return r;
	r = store_exec(conn, "CREATE TABLE IF NOT EXISTS table_made "
			     "(name TEXT PRIMARY KEY, declared BIGINT NOT NULL)",
		       STORE_NO_VALUES, err);
	if (r == OK)
		r = create_all(conn, tables, &remake, err);
	if (r != OK) {
		store_rollback(conn);
		return r;
	}
	r = store_commit(conn, err);
	if (r == OK)
		*ret_remake = remake;
	return r;
}

enum err store_tables_clear(struct store_conn *conn, const struct store_table *const *tables,
			    struct error *err)
{
	for (size_t i = 0; tables[i] != NULL; i++) {
		const struct store_table *table = tables[i];
		if (table->class != STORE_PROJECTION)
			continue;
		for (int history = 0; history <= (table->history == STORE_VERSIONED); history++) {
			cleanup_buf struct buf sql;
			buf_init(&sql, SQL_BYTES_MAX);
			buf_printf(&sql, "DELETE FROM %s%s", table->name, history ? "_h" : "");
			enum err r = exec_buf(conn, &sql, err);
			if (r != OK)
				return r;
		}
	}
	return OK;
}

static void add_key_condition(struct buf *sql, const struct store_table *table)
{
	add_names(sql, table, table->keys, " AND ", " = ?");
}

/* ---- SQL of a table, made once for each connection: a row is written far more often ---- */

enum purpose { PUT_ROW, SET_ROW, SET_RANGE, REMOVE_ROW, HISTORY_CLOSE, HISTORY_CLOSE_RANGE, HISTORY_COPY,
	       HISTORY_COPY_RANGE };

/* `words`: the assignments of SET_ROW and SET_RANGE. */
typedef void make_fn(struct buf *sql, const struct store_table *table, const char *words);

static void add_range_condition(struct buf *sql, const struct store_table *table)
{
	struct str key = store_column_name(table, 0);
	assert(table->keys == 1);
	buf_printf(sql, STR_FMT " >= ? AND " STR_FMT " <= ?", STR_ARG(key), STR_ARG(key));
}

static void add_excluded(struct buf *sql, const struct store_table *table)
{
	unsigned count = column_count(table);
	for (unsigned i = table->keys; i < count; i++)
		buf_printf(sql, "%s" STR_FMT " = excluded." STR_FMT, i > table->keys ? ", " : "",
			   STR_ARG(store_column_name(table, i)), STR_ARG(store_column_name(table, i)));
}

static void make_put(struct buf *sql, const struct store_table *table, const char *words)
{
	unsigned count = column_count(table);
	(void)words;
	buf_printf(sql, "INSERT INTO %s (", table->name);
	add_names(sql, table, count, ", ", "");
	buf_adds(sql, ") VALUES (");
	for (unsigned i = 0; i < count; i++)
		buf_adds(sql, i > 0 ? ", ?" : "?");
	buf_adds(sql, ") ON CONFLICT (");
	add_names(sql, table, table->keys, ", ", "");
	buf_adds(sql, ") DO ");
	buf_adds(sql, count == table->keys ? "NOTHING" : "UPDATE SET ");
	add_excluded(sql, table);
}

static void make_set(struct buf *sql, const struct store_table *table, const char *words)
{
	buf_printf(sql, "UPDATE %s SET %s WHERE ", table->name, words);
	add_key_condition(sql, table);
}

static void make_set_range(struct buf *sql, const struct store_table *table, const char *words)
{
	buf_printf(sql, "UPDATE %s SET %s WHERE ", table->name, words);
	add_range_condition(sql, table);
}

static void make_remove(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	buf_printf(sql, "DELETE FROM %s WHERE ", table->name);
	add_key_condition(sql, table);
}

static void make_close(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	buf_printf(sql, "UPDATE %s_h SET to_seq = ? WHERE to_seq IS NULL AND ", table->name);
	add_key_condition(sql, table);
}

static void make_close_range(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	buf_printf(sql, "UPDATE %s_h SET to_seq = ? WHERE to_seq IS NULL AND ", table->name);
	add_range_condition(sql, table);
}

/* Two changes by one event leave one row. */
static void add_copy(struct buf *sql, const struct store_table *table,
		     void (*add_condition)(struct buf *sql, const struct store_table *table))
{
	buf_printf(sql, "INSERT INTO %s_h SELECT ", table->name);
	add_names(sql, table, column_count(table), ", ", "");
	buf_printf(sql, ", ?, NULL FROM %s WHERE ", table->name);
	add_condition(sql, table);
	buf_adds(sql, " ON CONFLICT (");
	add_names(sql, table, table->keys, ", ", "");
	buf_adds(sql, ", from_seq) DO UPDATE SET ");
	add_excluded(sql, table);
	buf_printf(sql, "%sto_seq = NULL", column_count(table) > table->keys ? ", " : "");
}

static void make_copy(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	add_copy(sql, table, add_key_condition);
}

static void make_copy_range(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	add_copy(sql, table, add_range_condition);
}

static enum err run_made(struct store_conn *conn, const struct store_table *table, enum purpose purpose,
			 const char *words, const struct store_value *values, size_t count,
			 struct error *err)
{
	static make_fn *const makers[] = {
		[PUT_ROW] = make_put,
		[SET_ROW] = make_set,
		[SET_RANGE] = make_set_range,
		[REMOVE_ROW] = make_remove,
		[HISTORY_CLOSE] = make_close,
		[HISTORY_CLOSE_RANGE] = make_close_range,
		[HISTORY_COPY] = make_copy,
		[HISTORY_COPY_RANGE] = make_copy_range,
	};
	char **made = store_conn_made(conn, table, purpose, words);
	if (made != NULL && *made != NULL)
		return store_exec(conn, *made, values, count, err);
	cleanup_buf struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	makers[purpose](&sql, table, words);
	assert(!sql.full);
	if (made == NULL)
		return store_exec(conn, sql.bytes, values, count, err);
	*made = buf_take(&sql);
	return store_exec(conn, *made, values, count, err);
}

/* ---- writing ---- */

static enum err history_run(struct store_conn *conn, const struct store_table *table, enum purpose purpose,
			    int64_t seq, const struct store_value *keys, size_t count, struct error *err)
{
	struct store_value values[VALUES_MAX];
	values[0] = STORE_INT(seq);
	memcpy(values + 1, keys, count * sizeof *keys);
	return run_made(conn, table, purpose, "", values, count + 1, err);
}

/* The row that history holds as current for this key ends, and as it is now it becomes the newest. */
static enum err history_write(struct store_conn *conn, const struct store_table *table, int64_t seq,
			      const struct store_value *keys, struct error *err)
{
	if (table->history != STORE_VERSIONED)
		return OK;
	enum err r = history_run(conn, table, HISTORY_CLOSE, seq, keys, table->keys, err);
	return r == OK ? history_run(conn, table, HISTORY_COPY, seq, keys, table->keys, err) : r;
}

enum err store_put(struct store_conn *conn, const struct store_table *table, int64_t seq,
		   const struct store_value *values, size_t count, struct error *err)
{
	assert(count == column_count(table));
	enum err r = run_made(conn, table, PUT_ROW, "", values, count, err);
	return r == OK ? history_write(conn, table, seq, values, err) : r;
}

/* A row that is not there is an error of whoever applies, not of the store. */
static enum err must_have_changed(struct store_conn *conn, const struct store_table *table, struct error *err)
{
	if (store_changes(conn) == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no such row in \"%s\"", table->name);
	return OK;
}

enum err store_set(struct store_conn *conn, const struct store_table *table, int64_t seq,
		   const char *assignments, const struct store_value *values, size_t count,
		   struct error *err)
{
	assert(count > table->keys);
	enum err r = run_made(conn, table, SET_ROW, assignments, values, count, err);
	if (r == OK)
		r = must_have_changed(conn, table, err);
	return r == OK ? history_write(conn, table, seq, values + count - table->keys, err) : r;
}

enum err store_set_range(struct store_conn *conn, const struct store_table *table, int64_t seq,
			 const char *assignments, const struct store_value *values, size_t count,
			 int64_t from, int64_t to, struct error *err)
{
	struct store_value all[VALUES_MAX], *range = all + count;
	assert(count + 2 <= VALUES_MAX);
	assert(from <= to);
	memcpy(all, values, count * sizeof *values);
	range[0] = STORE_INT(from);
	range[1] = STORE_INT(to);
	enum err r = run_made(conn, table, SET_RANGE, assignments, all, count + 2, err);
	if (r == OK)
		r = must_have_changed(conn, table, err);
	if (r != OK || table->history != STORE_VERSIONED)
		return r;
	r = history_run(conn, table, HISTORY_CLOSE_RANGE, seq, range, 2, err);
	return r == OK ? history_run(conn, table, HISTORY_COPY_RANGE, seq, range, 2, err) : r;
}

enum err store_remove(struct store_conn *conn, const struct store_table *table, int64_t seq,
		      const struct store_value *keys, size_t count, struct error *err)
{
	assert(count == table->keys);
	enum err r = run_made(conn, table, REMOVE_ROW, "", keys, count, err);
	if (r != OK || table->history != STORE_VERSIONED)
		return r;
	return history_run(conn, table, HISTORY_CLOSE, seq, keys, count, err);
}
