/*
 * store_null.c: the back end that keeps nothing: every write succeeds, no query has a row. It is
 * documentation of the contract and the double for tests that must not depend on a database.
 */
#include "store/store_backend.h"

static char nothing;

static enum err null_open(const struct store_options *options, void **ret_place, struct error *err)
{
	(void)options, (void)err;
	*ret_place = &nothing;
	return OK;
}

static void null_ignore(void *thing)
{
	(void)thing;
}

static enum err null_connect(void *place, bool read_only, void **ret_link, struct error *err)
{
	(void)place, (void)read_only, (void)err;
	*ret_link = &nothing;
	return OK;
}

static enum err null_begin(void *link, bool writing, struct error *err)
{
	(void)link, (void)writing, (void)err;
	return OK;
}

static enum err null_commit(void *link, struct error *err)
{
	(void)link, (void)err;
	return OK;
}

static enum err null_prepare(void *link, const char *sql, void **ret_statement, struct error *err)
{
	(void)link, (void)sql, (void)err;
	*ret_statement = &nothing;
	return OK;
}

static enum err null_bind(void *statement, const struct store_value *values, size_t count, bool borrowed,
			  struct error *err)
{
	(void)statement, (void)values, (void)count, (void)borrowed, (void)err;
	return OK;
}

static enum err null_exec(void *statement, struct error *err)
{
	(void)statement, (void)err;
	return OK;
}

static enum err null_step(void *statement, bool *ret_row, struct error *err)
{
	(void)statement, (void)err;
	*ret_row = false;
	return OK;
}

static bool null_is_null(void *statement, int column)
{
	(void)statement, (void)column;
	return true;
}

static int64_t null_integer(void *statement, int column)
{
	(void)statement, (void)column;
	return 0;
}

static double null_real(void *statement, int column)
{
	(void)statement, (void)column;
	return 0;
}

static struct str null_text(void *statement, int column)
{
	(void)statement, (void)column;
	return STR_NONE;
}

static int64_t null_changes(void *link)
{
	(void)link;
	return 0;
}

const struct store_backend store_backend_null = {
	.name = "null",
	.open = null_open,
	.close = null_ignore,
	.connect = null_connect,
	.disconnect = null_ignore,
	.begin = null_begin,
	.commit = null_commit,
	.rollback = null_ignore,
	.prepare = null_prepare,
	.bind = null_bind,
	.exec = null_exec,
	.step = null_step,
	.reset = null_ignore,
	.statement_free = null_ignore,
	.is_null = null_is_null,
	.integer = null_integer,
	.real = null_real,
	.text = null_text,
	.changes = null_changes,
	.checkpoint = null_ignore,
	.types = { "INTEGER", "INTEGER", "TEXT", "BLOB", "REAL" },
	.table_suffix = "",
	.table_suffix_by_key = "",
};
