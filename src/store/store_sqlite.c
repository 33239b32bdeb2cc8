/*
 * store_sqlite.c: the embedded back end: SQLite in WAL mode with synchronous=FULL, so that COMMIT
 * returns after the log is on the disk. One writer, many readers; a checkpoint runs when the
 * writer is idle, because inside a commit it is what makes the slow one in a hundred. When it never
 * is, the log is kept short all the same: whoever starts after a kill reads the whole of it first.
 */
#include "store/store_backend.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define BUSY_WAIT_MS 5000
#define URI_BYTES_MAX 16384u
#define CACHE_WRITER "PRAGMA cache_size=-16000"
/* What a reader keeps is void after the next commit anyway, the system keeps the file, and there are as many
 * readers as calls at once. */
#define CACHE_READER "PRAGMA cache_size=-2000"
/* The bound of the log when the writer is never idle. Whoever starts after a kill reads all of it before
 * anything else, 1.5 ms for 1 MB. */
#define LOG_PAGES 4000       /* 16 MB: past it a commit moves the log into the database */
#define LOG_PAGES_AGAIN 1000 /* and past so many more, when readers kept the log from beginning anew */
#define READERS_WAIT_MS 20   /* for those who still read it; a short call is over by then */

struct place {
	char *path;
	char *vfs;
	bool memory_journal, bulk, immutable;
	int log_pages, log_due; /* at the last commit, and where the log is moved next; 0: none yet (atomic) */
};

/* SQLite takes "immutable" only as part of a URI, where some bytes mean something. */
static char *uri_of(const char *path)
{
	struct buf uri;
	buf_init(&uri, URI_BYTES_MAX);
	buf_adds(&uri, "file:");
	for (; *path != '\0'; path++)
		buf_printf(&uri, strchr("%?#", *path) != NULL ? "%%%02X" : "%c", (unsigned char)*path);
	buf_adds(&uri, "?immutable=1");
	assert(!uri.full);
	return buf_take(&uri);
}

/* Nobody reads what SQLite counts of its memory, and counting takes a lock for every piece. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused, and no matter, when it runs already */
}

static enum err sqlite_open_place(const struct store_options *options, void **ret_place,
				  struct error *err)
{
	static pthread_once_t configured = PTHREAD_ONCE_INIT;
	assert(options->path != NULL);
	(void)err;
	pthread_once(&configured, configure);
	struct place *place = mem_alloc(sizeof *place);
	place->path = options->immutable ? uri_of(options->path) : mem_strdup(options->path);
	place->vfs = options->vfs != NULL ? mem_strdup(options->vfs) : NULL;
	place->memory_journal = options->memory_journal;
	place->bulk = options->bulk;
	place->immutable = options->immutable;
	*ret_place = place;
	return OK;
}

static void sqlite_close_place(void *thing)
{
	struct place *place = thing;
	mem_free(place->path);
	mem_free(place->vfs);
	mem_free(place);
}

static enum err code_of(int result)
{
	switch (result & 0xFF) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return ERR_UNAVAILABLE;
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	default:
		return ERR_IO;
	}
}

static enum err fail(sqlite3 *db, int result, const char *doing, struct error *err)
{
	error_set(err, code_of(result), "could not %s: %s", doing,
		  db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(result));
	if ((result & 0xFF) == SQLITE_FULL)
		error_hint(err, "free space on the disk that holds the data directory");
	return code_of(result);
}

static enum err run(sqlite3 *db, const char *sql, const char *doing, struct error *err)
{
	int result = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return result == SQLITE_OK ? OK : fail(db, result, doing, err);
}

/* What breaks half-way is thrown away, so nothing is logged and nothing waits for the disk. */
static enum err set_up_bulk(sqlite3 *db, struct error *err)
{
	return run(db, "PRAGMA journal_mode=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF; "
		       "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8000",
		   "set up the file", err);
}

/* After each commit. The log that a killed process left is not moved by our first commit, which others wait
 * for, but soon. */
static int on_commit(void *thing, sqlite3 *db, const char *name, int pages)
{
	struct place *place = thing;
	int before = __atomic_exchange_n(&place->log_pages, pages, __ATOMIC_RELAXED);
	int due = __atomic_load_n(&place->log_due, __ATOMIC_RELAXED);
	if (due == 0 && pages + LOG_PAGES_AGAIN > LOG_PAGES)
		due = pages + LOG_PAGES_AGAIN;
	else if (due == 0 || pages < before) /* it began anew */
		due = LOG_PAGES;
	if (pages >= due) {
		sqlite3_busy_timeout(db, READERS_WAIT_MS);
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
		sqlite3_busy_timeout(db, BUSY_WAIT_MS);
		due = pages + LOG_PAGES_AGAIN;
	}
	__atomic_store_n(&place->log_due, due, __ATOMIC_RELAXED);
	return SQLITE_OK;
}

static enum err set_up(sqlite3 *db, struct place *place, bool read_only, struct error *err)
{
	if (place->bulk)
		return set_up_bulk(db, err);
	sqlite3_busy_timeout(db, BUSY_WAIT_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	enum err r = OK;
	if (place->memory_journal)
		r = run(db, "PRAGMA locking_mode=EXCLUSIVE", "lock the database", err);
	if (r == OK && !read_only)
		r = run(db, "PRAGMA journal_mode=WAL", "open the database for writing", err);
	if (r == OK)
		r = run(db, "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF",
			"set up the database", err);
	if (r == OK)
		r = run(db, read_only ? CACHE_READER : CACHE_WRITER, "set up the database", err);
	if (r == OK && !read_only)
		sqlite3_wal_hook(db, on_commit, place);
	return r;
}

static enum err sqlite_connect(void *thing, bool read_only, void **ret_link, struct error *err)
{
	struct place *place = thing;
	sqlite3 *db = NULL;
	int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	assert(read_only || !place->immutable);
	flags |= place->immutable ? SQLITE_OPEN_URI : 0;
	int result = sqlite3_open_v2(place->path, &db, flags | SQLITE_OPEN_NOMUTEX, place->vfs);
	if (result != SQLITE_OK) {
		enum err r = fail(db, result, "open the database", err);
		error_field(err, "%.90s", place->path);
		sqlite3_close(db);
		return r;
	}
	enum err r = set_up(db, place, read_only, err);
	if (r != OK) {
		sqlite3_close(db);
		return r;
	}
	*ret_link = db;
	return OK;
}

static void sqlite_disconnect(void *link)
{
	int result = sqlite3_close(link);
	assert(result == SQLITE_OK);
}

static enum err sqlite_begin(void *link, bool writing, struct error *err)
{
	return run(link, writing ? "BEGIN IMMEDIATE" : "BEGIN", "begin a transaction", err);
}

static void sqlite_rollback(void *link)
{
	if (!sqlite3_get_autocommit(link))
		sqlite3_exec(link, "ROLLBACK", NULL, NULL, NULL);
}

static enum err sqlite_commit(void *link, struct error *err)
{
	enum err r = run(link, "COMMIT", "store", err);
	if (r != OK)
		sqlite_rollback(link);
	return r;
}

static enum err sqlite_prepare(void *link, const char *sql, void **ret_statement,
			       struct error *err)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v3(link, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
	if (result != SQLITE_OK)
		return fail(link, result, "prepare a statement", err);
	*ret_statement = statement;
	return OK;
}

static int bind_one(sqlite3_stmt *statement, int at, const struct store_value *value, bool borrowed)
{
	sqlite3_destructor_type keep = borrowed ? SQLITE_STATIC : SQLITE_TRANSIENT;
	switch (value->type) {
	case STORE_TYPE_NULL:
		return sqlite3_bind_null(statement, at);
	case STORE_TYPE_INT:
		return sqlite3_bind_int64(statement, at, value->integer);
	case STORE_TYPE_REAL:
		return sqlite3_bind_double(statement, at, value->real);
	case STORE_TYPE_TEXT:
		return sqlite3_bind_text64(statement, at, value->text.len > 0 ? value->text.ptr : "",
					   value->text.len, keep, SQLITE_UTF8);
	case STORE_TYPE_BYTES:
		return sqlite3_bind_blob64(statement, at, value->text.len > 0 ? value->text.ptr : "",
					   value->text.len, keep);
	}
	return SQLITE_MISUSE;
}

static enum err sqlite_bind(void *thing, const struct store_value *values, size_t count, bool borrowed,
			    struct error *err)
{
	sqlite3_stmt *statement = thing;
	assert((size_t)sqlite3_bind_parameter_count(statement) == count);
	for (size_t i = 0; i < count; i++) {
		int result = bind_one(statement, (int)i + 1, &values[i], borrowed);
		if (result != SQLITE_OK)
			return fail(sqlite3_db_handle(statement), result, "bind a value", err);
	}
	return OK;
}

static enum err sqlite_step(void *thing, bool *ret_row, struct error *err)
{
	int result = sqlite3_step(thing);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(sqlite3_db_handle(thing), result, "read or write the database", err);
	*ret_row = result == SQLITE_ROW;
	return OK;
}

static enum err sqlite_exec(void *thing, struct error *err)
{
	bool row = true;
	enum err r = OK;
	while (r == OK && row)
		r = sqlite_step(thing, &row, err);
	return r;
}

static void sqlite_reset(void *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

static void sqlite_statement_free(void *statement)
{
	sqlite3_finalize(statement);
}

static bool sqlite_is_null(void *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

static int64_t sqlite_integer(void *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

static double sqlite_real(void *statement, int column)
{
	return sqlite3_column_double(statement, column);
}

static struct str sqlite_text(void *statement, int column)
{
	const char *bytes = sqlite3_column_blob(statement, column);
	return (struct str){ bytes, (size_t)sqlite3_column_bytes(statement, column) };
}

static int64_t sqlite_changes(void *link)
{
	return sqlite3_changes64(link);
}

static void sqlite_checkpoint(void *link)
{
	sqlite3_wal_checkpoint_v2(link, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* The first thing that is wrong, in SQLite's words; "ok" when nothing is. */
static enum err sqlite_examine(void *link, struct error *err)
{
	sqlite3_stmt *statement;
	enum err r = OK;
	if (sqlite3_prepare_v2(link, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK)
		return fail(link, sqlite3_errcode(link), "examine the database", err);
	int result = sqlite3_step(statement);
	const char *said = result == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (said == NULL)
		r = fail(link, result, "examine the database", err);
	else if (strcmp(said, "ok") != 0)
		r = error_set(err, ERR_CORRUPT, "the database is damaged: %.300s", said);
	sqlite3_finalize(statement);
	return r;
}

const struct store_backend store_backend_sqlite = {
	.name = "sqlite",
	.open = sqlite_open_place,
	.close = sqlite_close_place,
	.connect = sqlite_connect,
	.disconnect = sqlite_disconnect,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.prepare = sqlite_prepare,
	.bind = sqlite_bind,
	.exec = sqlite_exec,
	.step = sqlite_step,
	.reset = sqlite_reset,
	.statement_free = sqlite_statement_free,
	.is_null = sqlite_is_null,
	.integer = sqlite_integer,
	.real = sqlite_real,
	.text = sqlite_text,
	.changes = sqlite_changes,
	.checkpoint = sqlite_checkpoint,
	.examine = sqlite_examine,
	.types = { "INTEGER", "INTEGER", "TEXT", "BLOB", "REAL" },
	.table_suffix = " STRICT",
	.table_suffix_by_key = " STRICT, WITHOUT ROWID", /* one tree, not a table and an index of its key */
};
