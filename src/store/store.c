/* store.c: connections, the statement cache, and `{name}`. See store.h. */
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/store_backend.h"

#define SQL_BYTES_MAX (64u << 10)
#define CACHE_SLOTS 1024u
#define CACHE_PLACES 512u
#define CACHE_WAYS 4u /* slots a statement may lie in; the one used longest ago is given to a newcomer */

static const struct store_backend *const backends[] = {
	&store_backend_sqlite,
	&store_backend_postgres,
	&store_backend_null,
};

struct store {
	const struct store_backend *backend;
	void *place;
	unsigned connections;
};

struct cached {
	char *sql; /* as the caller wrote it */
	void *statement;
	uint64_t used; /* by the connection's count */
	bool busy;
};

struct store_conn {
	struct store *store;
	const struct store_backend *backend;
	void *link;
	int64_t as_of;
	uint64_t uses;
	struct cached cache[CACHE_SLOTS];
	struct cached *places[CACHE_PLACES]; /* where the text that lay at this address was found last */
	struct made {
		const struct store_table *table;
		unsigned purpose;
		char *words; /* that went into it, or "" */
		char *sql;
	} made[STORE_MADE_MAX];
};

struct store_rows {
	struct store_conn *conn;
	void *statement;
	struct cached *cached; /* NULL: the statement is freed at the end */
	enum err result;
	struct error error;
};

enum err store_open(const char *backend, const struct store_options *options,
		    struct store **ret_store, struct error *err)
{
	for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
		if (strcmp(backends[i]->name, backend) != 0)
			continue;
		void *place;
		enum err r = backends[i]->open(options, &place, err);
		if (r != OK)
			return r;
		struct store *store = mem_alloc(sizeof *store);
		*store = (struct store){ .backend = backends[i], .place = place };
		*ret_store = store;
		return OK;
	}
	return error_set(err, ERR_INVALID, "there is no store backend \"%s\"", backend);
}

void store_close(struct store **store)
{
	if (*store == NULL)
		return;
	assert(__atomic_load_n(&(*store)->connections, __ATOMIC_ACQUIRE) == 0);
	(*store)->backend->close((*store)->place);
	mem_free(*store);
	*store = NULL;
}

enum err store_connect(struct store *store, bool read_only, struct store_conn **ret_conn,
		       struct error *err)
{
	void *link;
	enum err r = store->backend->connect(store->place, read_only, &link, err);
	if (r != OK)
		return r;
	struct store_conn *conn = mem_alloc(sizeof *conn);
	conn->store = store;
	conn->backend = store->backend;
	conn->link = link;
	__atomic_add_fetch(&store->connections, 1, __ATOMIC_ACQ_REL);
	*ret_conn = conn;
	return OK;
}

static void forget(struct store_conn *conn, struct cached *cached)
{
	assert(!cached->busy);
	if (cached->statement != NULL)
		conn->backend->statement_free(cached->statement);
	mem_free(cached->sql);
	*cached = (struct cached){ 0 };
}

void store_disconnect(struct store_conn **conn)
{
	if (*conn == NULL)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		forget(*conn, &(*conn)->cache[i]);
	for (size_t i = 0; i < STORE_MADE_MAX; i++) {
		mem_free((*conn)->made[i].words);
		mem_free((*conn)->made[i].sql);
	}
	(*conn)->backend->disconnect((*conn)->link);
	__atomic_sub_fetch(&(*conn)->store->connections, 1, __ATOMIC_ACQ_REL);
	mem_free(*conn);
	*conn = NULL;
}

char **store_conn_made(struct store_conn *conn, const struct store_table *table, unsigned purpose,
		       const char *words)
{
	size_t at = ((uintptr_t)table >> 4) * 31 + purpose * 7 + str_hash(str_of(words));
	for (size_t tries = 0; tries < STORE_MADE_MAX; tries++) {
		struct made *made = &conn->made[(at + tries) % STORE_MADE_MAX];
		if (made->table == NULL)
			*made = (struct made){ table, purpose, mem_strdup(words), NULL };
		if (made->table == table && made->purpose == purpose && strcmp(made->words, words) == 0)
			return &made->sql;
	}
	return NULL;
}

enum err store_begin(struct store_conn *conn, struct error *err)
{
	return conn->backend->begin(conn->link, true, err);
}

enum err store_commit(struct store_conn *conn, struct error *err)
{
	return conn->backend->commit(conn->link, err);
}

void store_rollback(struct store_conn *conn)
{
	conn->backend->rollback(conn->link);
}

enum err store_read_begin(struct store_conn *conn, struct error *err)
{
	return conn->backend->begin(conn->link, false, err);
}

void store_read_end(struct store_conn *conn)
{
	conn->backend->rollback(conn->link);
}

void store_as_of(struct store_conn *conn, int64_t seq)
{
	assert(seq >= 0);
	conn->as_of = seq;
}

int64_t store_as_of_seq(const struct store_conn *conn)
{
	return conn->as_of;
}

/* Our SQL writes its words in capitals and names in small letters: a small letter is an alias. */
static bool has_alias(struct str rest)
{
	return rest.len > 1 && rest.ptr[0] == ' ' && rest.ptr[1] >= 'a' && rest.ptr[1] <= 'z';
}

/* Both halves have the same types, or SQLite puts all rows aside before it gives one. */
static void name_as_of(struct buf *out, struct str name, int64_t seq, struct str rest)
{
	if (seq == 0) {
		buf_add(out, name);
		return;
	}
	buf_printf(out,
		   "(SELECT *, CAST(NULL AS BIGINT) AS to_seq FROM " STR_FMT " WHERE from_seq <= %lld UNION ALL "
		   "SELECT * FROM " STR_FMT "_h WHERE from_seq <= %lld AND to_seq > %lld)",
		   STR_ARG(name), (long long)seq, STR_ARG(name), (long long)seq, (long long)seq);
	if (!has_alias(rest))
		buf_printf(out, " AS " STR_FMT, STR_ARG(name));
}

/* `{incident}` becomes the table, or the rows that were true as of the seq. */
static void expand(const char *sql, int64_t seq, struct buf *out)
{
	struct str rest = str_of(sql), before, after, name;
	while (str_cut(rest, '{', &before, &after)) {
		buf_add(out, before);
		bool closed = str_cut(after, '}', &name, &rest);
		assert(closed);
		name_as_of(out, name, seq, rest);
	}
	buf_add(out, rest);
	assert(!out->full);
}

static enum err prepare(struct store_conn *conn, const char *sql, void **ret_statement,
			struct error *err)
{
	cleanup_buf struct buf text;
	buf_init(&text, SQL_BYTES_MAX);
	expand(sql, conn->as_of, &text);
	enum err r = conn->backend->prepare(conn->link, text.bytes, ret_statement, err);
	if (r != OK)
		error_prefix(err, "%.120s", sql);
	return r;
}

static struct cached *slot_by_text(struct store_conn *conn, const char *sql)
{
	size_t set = str_hash(str_of(sql)) % (CACHE_SLOTS / CACHE_WAYS);
	struct cached *slots = &conn->cache[set * CACHE_WAYS], *oldest = slots;
	for (size_t i = 0; i < CACHE_WAYS; i++) {
		if (slots[i].sql != NULL && strcmp(slots[i].sql, sql) == 0)
			return &slots[i];
		if (oldest->busy || (!slots[i].busy && slots[i].used < oldest->used))
			oldest = &slots[i];
	}
	return oldest;
}

/* Most texts are literals, or made once: to compare one with what its address had last is far quicker than
 * to hash it. */
static struct cached *slot_for(struct store_conn *conn, const char *sql)
{
	struct cached **place = &conn->places[((uintptr_t)sql >> 3) % CACHE_PLACES];
	if (*place == NULL || (*place)->sql == NULL || strcmp((*place)->sql, sql) != 0)
		*place = slot_by_text(conn, sql);
	return *place;
}

/* A statement that is ready to bind; ret_cached NULL when it is the caller's to free. */
static enum err statement_for(struct store_conn *conn, const char *sql, void **ret_statement,
			      struct cached **ret_cached, struct error *err)
{
	struct cached *slot = slot_for(conn, sql);
	if (conn->as_of != 0 || slot->busy) { /* history reads carry their seq in the text */
		*ret_cached = NULL;
		return prepare(conn, sql, ret_statement, err);
	}
	if (slot->sql == NULL || strcmp(slot->sql, sql) != 0) {
		void *statement;
		enum err r = prepare(conn, sql, &statement, err);
		if (r != OK)
			return r;
		forget(conn, slot);
		*slot = (struct cached){ .sql = mem_strdup(sql), .statement = statement };
	}
	slot->busy = true;
	slot->used = ++conn->uses;
	*ret_statement = slot->statement;
	*ret_cached = slot;
	return OK;
}

static void release(struct store_conn *conn, void *statement, struct cached *cached)
{
	conn->backend->reset(statement);
	if (cached != NULL)
		cached->busy = false;
	else
		conn->backend->statement_free(statement);
}

enum err store_exec(struct store_conn *conn, const char *sql, const struct store_value *values,
		    size_t count, struct error *err)
{
	assert(conn->as_of == 0);
	void *statement;
	struct cached *cached;
	enum err r = statement_for(conn, sql, &statement, &cached, err);
	if (r != OK)
		return r;
	r = conn->backend->bind(statement, values, count, true, err);
	if (r == OK)
		r = conn->backend->exec(statement, err);
	release(conn, statement, cached);
	return r;
}

int64_t store_changes(const struct store_conn *conn)
{
	return conn->backend->changes(conn->link);
}

enum err store_query(struct store_conn *conn, const char *sql, const struct store_value *values,
		     size_t count, struct store_rows **ret_rows, struct error *err)
{
	void *statement;
	struct cached *cached;
	enum err r = statement_for(conn, sql, &statement, &cached, err);
	if (r != OK)
		return r;
	r = conn->backend->bind(statement, values, count, false, err);
	if (r != OK) {
		release(conn, statement, cached);
		return r;
	}
	struct store_rows *rows = mem_alloc(sizeof *rows);
	rows->conn = conn;
	rows->statement = statement;
	rows->cached = cached;
	*ret_rows = rows;
	return OK;
}

bool store_next(struct store_rows *rows)
{
	if (rows->result != OK)
		return false;
	bool row = false;
	rows->result = rows->conn->backend->step(rows->statement, &row, &rows->error);
	return rows->result == OK && row;
}

enum err store_done(struct store_rows **rows, struct error *err)
{
	enum err result = (*rows)->result;
	if (result != OK && err != NULL)
		*err = (*rows)->error;
	release((*rows)->conn, (*rows)->statement, (*rows)->cached);
	mem_free(*rows);
	*rows = NULL;
	return result;
}

bool store_is_null(struct store_rows *rows, int column)
{
	return rows->conn->backend->is_null(rows->statement, column);
}

int64_t store_int(struct store_rows *rows, int column)
{
	return rows->conn->backend->integer(rows->statement, column);
}

double store_real(struct store_rows *rows, int column)
{
	return rows->conn->backend->real(rows->statement, column);
}

struct str store_text(struct store_rows *rows, int column)
{
	return rows->conn->backend->text(rows->statement, column);
}

enum err store_one_int(struct store_conn *conn, const char *sql, const struct store_value *values,
		       size_t count, int64_t otherwise, int64_t *ret_value, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, sql, values, count, &rows, err);
	if (r != OK)
		return r;
	int64_t value = otherwise;
	if (store_next(rows) && !store_is_null(rows, 0))
		value = store_int(rows, 0);
	r = store_done(&rows, err);
	if (r == OK)
		*ret_value = value;
	return r;
}

enum err store_lead(struct store_conn *conn, struct error *err)
{
	return conn->backend->lead != NULL ? conn->backend->lead(conn->link, err) : OK;
}

enum err store_lead_renew(struct store_conn *conn, struct error *err)
{
	return conn->backend->lead_renew != NULL ? conn->backend->lead_renew(conn->link, err) : OK;
}

time_us store_lead_until(const struct store_conn *conn)
{
	return conn->backend->lead_until != NULL ? conn->backend->lead_until(conn->link) : INT64_MAX;
}

enum err store_leader(struct store_conn *conn, struct store_leader *ret_leader, struct error *err)
{
	if (conn->backend->leader != NULL)
		return conn->backend->leader(conn->link, ret_leader, err);
	*ret_leader = (struct store_leader){ .alive = true };
	return OK;
}

void store_checkpoint(struct store_conn *conn)
{
	conn->backend->checkpoint(conn->link);
}

const struct store_backend *store_conn_backend(const struct store_conn *conn)
{
	return conn->backend;
}

enum err store_examine(struct store_conn *conn, struct error *err)
{
	return conn->backend->examine != NULL ? conn->backend->examine(conn->link, err) : OK;
}
