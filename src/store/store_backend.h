/*
 * store_backend.h: what a back end provides. For the files of this room only.
 *
 * To add a back end: one file with one `const struct store_backend`, one row in store.c. Read
 * store_null.c first: it is the shortest truthful one.
 */
#pragma once

#include "store/store.h"

struct store_backend {
	const char *name;
	enum err (*open)(const struct store_options *options, void **ret_place, struct error *err);
	void (*close)(void *place);
	enum err (*connect)(void *place, bool read_only, void **ret_link, struct error *err);
	void (*disconnect)(void *link);
	enum err (*begin)(void *link, bool writing, struct error *err);
	enum err (*commit)(void *link, struct error *err);
	void (*rollback)(void *link);
	/* A prepared statement; `kept` ones live until disconnect or statement_free. */
	enum err (*prepare)(void *link, const char *sql, void **ret_statement, struct error *err);
	/* `borrowed`: the texts stay where they are until reset, and need not be copied. */
	enum err (*bind)(void *statement, const struct store_value *values, size_t count, bool borrowed,
			 struct error *err);
	/* Runs a statement that gives no rows. In a transaction its failure may show later, at the
	 * latest at COMMIT. */
	enum err (*exec)(void *statement, struct error *err);
	/* ret_row false: no more rows. */
	enum err (*step)(void *statement, bool *ret_row, struct error *err);
	void (*reset)(void *statement);
	void (*statement_free)(void *statement);
	bool (*is_null)(void *statement, int column);
	int64_t (*integer)(void *statement, int column);
	double (*real)(void *statement, int column);
	struct str (*text)(void *statement, int column);
	int64_t (*changes)(void *link);
	void (*checkpoint)(void *link);
	/* store.h, "who leads"; NULL where a store belongs to one server anyhow. */
	enum err (*lead)(void *link, struct error *err);
	enum err (*lead_renew)(void *link, struct error *err);
	time_us (*lead_until)(void *link);
	enum err (*leader)(void *link, struct store_leader *ret_leader, struct error *err);
	enum err (*examine)(void *link, struct error *err); /* NULL: the engine looks after itself */
	/* What stands for {id} {int} {text} {bytes} {real} in table declarations. */
	const char *types[5];
	const char *table_suffix, *table_suffix_by_key; /* of a table whose key is one id, and of others */
};

struct store_table;
extern const struct store_backend store_backend_null;
extern const struct store_backend store_backend_sqlite;
extern const struct store_backend store_backend_postgres;

const struct store_backend *store_conn_backend(const struct store_conn *conn);

/* The SQL that was made for this table, purpose and words on this connection: NULL at first, then whatever
 * the caller puts there (mem_alloc; the connection frees it). NULL instead of a place: there is no more room. */
#define STORE_MADE_MAX 512u
char **store_conn_made(struct store_conn *conn, const struct store_table *table, unsigned purpose,
		       const char *words);
