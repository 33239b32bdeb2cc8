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
	if (table->history == STORE_VERSIONED)
		add_type(sql, backend, STR(", from_seq {int} NOT NULL"));
	if (history)
		add_type(sql, backend, STR(", to_seq {int} NOT NULL"));
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
		const char *columns = table->indexes[i], *where = strstr(columns, " WHERE ");
		size_t length = where != NULL ? (size_t)(where - columns) : strlen(columns);
		buf_printf(&sql, "CREATE INDEX %s_%u ON %s (%.*s)%s", table->name, i, table->name, (int)length, columns,
			   where != NULL ? where : "");
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

#define LAYOUT_VERSIONED 2u /* of a versioned table; 1: history held the row of now as well */

/* What the declaration says, in one number: a change of it is a change of the table. */
static int64_t declared(const struct store_table *table)
{
	uint64_t hash = str_hash(str_of(table->name)) + table->keys * 31u + table->history * 7u;
	if (table->history == STORE_VERSIONED)
		hash += LAYOUT_VERSIONED * 1009u;
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

enum purpose { PUT_ROW, SET_ROW, REMOVE_ROW, KEEP_ROW };

/* `words`: the assignments of SET_ROW. */
typedef void make_fn(struct buf *sql, const struct store_table *table, const char *words);

static void make_put(struct buf *sql, const struct store_table *table, const char *words)
{
	unsigned count = column_count(table);
	bool versioned = table->history == STORE_VERSIONED;
	(void)words;
	buf_printf(sql, "INSERT INTO %s (", table->name);
	add_names(sql, table, count, ", ", "");
	buf_adds(sql, versioned ? ", from_seq) VALUES (?, " : ") VALUES (");
	for (unsigned i = 0; i < count; i++)
		buf_adds(sql, i > 0 ? ", ?" : "?");
	buf_adds(sql, ") ON CONFLICT (");
	add_names(sql, table, table->keys, ", ", "");
	buf_adds(sql, ") DO ");
	buf_adds(sql, versioned ? "UPDATE SET from_seq = excluded.from_seq" : count == table->keys ? "NOTHING" : "UPDATE SET ");
	for (unsigned i = table->keys; i < count; i++) {
		struct str name = store_column_name(table, i);
		buf_printf(sql, "%s" STR_FMT " = excluded." STR_FMT, versioned || i > table->keys ? ", " : "", STR_ARG(name),
			   STR_ARG(name));
	}
}

static void make_set(struct buf *sql, const struct store_table *table, const char *words)
{
	buf_printf(sql, "UPDATE %s SET %s%s WHERE ", table->name, words,
		   table->history == STORE_VERSIONED ? ", from_seq = ?" : "");
	add_key_condition(sql, table);
}

static void make_remove(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	buf_printf(sql, "DELETE FROM %s WHERE ", table->name);
	add_key_condition(sql, table);
}

/* What the same event made was never true for anybody: two changes by one leave one row. */
static void make_keep(struct buf *sql, const struct store_table *table, const char *words)
{
	(void)words;
	buf_printf(sql, "INSERT INTO %s_h SELECT ", table->name);
	add_names(sql, table, column_count(table), ", ", "");
	buf_printf(sql, ", from_seq, ? FROM %s WHERE from_seq < ? AND ", table->name);
	add_key_condition(sql, table);
}

static enum err run_made(struct store_conn *conn, const struct store_table *table, enum purpose purpose,
			 const char *words, const struct store_value *values, size_t count,
			 struct error *err)
{
	static make_fn *const makers[] = {
		[PUT_ROW] = make_put,
		[SET_ROW] = make_set,
		[REMOVE_ROW] = make_remove,
		[KEEP_ROW] = make_keep,
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

/* Before a row changes or goes: as it is now it was true until this event. */
static enum err keep(struct store_conn *conn, const struct store_table *table, int64_t seq,
		     const struct store_value *keys, struct error *err)
{
	struct store_value values[VALUES_MAX];
	if (table->history != STORE_VERSIONED)
		return OK;
	values[0] = values[1] = STORE_INT(seq);
	memcpy(values + 2, keys, table->keys * sizeof *keys);
	return run_made(conn, table, KEEP_ROW, "", values, table->keys + 2, err);
}

/* Puts from when on the row is so at `at` of its values, where that is kept; returns how many there are then. */
static size_t add_seq(const struct store_table *table, int64_t seq, const struct store_value *values, size_t count, size_t at,
		      struct store_value ret_values[VALUES_MAX])
{
	bool versioned = table->history == STORE_VERSIONED;
	assert(count < VALUES_MAX);
	memcpy(ret_values, values, at * sizeof *values);
	ret_values[at] = STORE_INT(seq);
	memcpy(ret_values + at + versioned, values + at, (count - at) * sizeof *values);
	return count + versioned;
}

enum err store_put(struct store_conn *conn, const struct store_table *table, int64_t seq,
		   const struct store_value *values, size_t count, struct error *err)
{
	struct store_value all[VALUES_MAX];
	assert(count == column_count(table));
	enum err r = keep(conn, table, seq, values, err);
	if (r != OK)
		return r;
	count = add_seq(table, seq, values, count, count, all);
	return run_made(conn, table, PUT_ROW, "", all, count, err);
}

enum err store_set(struct store_conn *conn, const struct store_table *table, int64_t seq,
		   const char *assignments, const struct store_value *values, size_t count,
		   struct error *err)
{
	struct store_value all[VALUES_MAX];
	assert(count > table->keys);
	size_t keys_at = count - table->keys;
	enum err r = keep(conn, table, seq, values + keys_at, err);
	if (r != OK)
		return r;
	count = add_seq(table, seq, values, count, keys_at, all);
	r = run_made(conn, table, SET_ROW, assignments, all, count, err);
	if (r == OK && store_changes(conn) == 0) /* an error of whoever applies, not of the store */
		r = error_set(err, ERR_NOT_FOUND, "there is no such row in \"%s\"", table->name);
	return r;
}

enum err store_remove(struct store_conn *conn, const struct store_table *table, int64_t seq,
		      const struct store_value *keys, size_t count, struct error *err)
{
	assert(count == table->keys);
	enum err r = keep(conn, table, seq, keys, err);
	return r == OK ? run_made(conn, table, REMOVE_ROW, "", keys, count, err) : r;
}
