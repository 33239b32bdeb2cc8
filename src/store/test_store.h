/*
 * test_store.h: a store for a unit test, on the engine that MAINSTAY_TEST_STORE names. For tests only.
 *
 * A path is a place on both engines: a file of SQLite, or a schema of the PostgreSQL that
 * tools/run-unit has started. Opening it again finds what was stored, unless the file was unlinked
 * (with a schema, an empty file of that name stands for it); ":memory:" is always new.
 */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "store/store.h"
#include "wire/pq.h"

static inline bool test_store_is_postgres(void)
{
	const char *engine = getenv("MAINSTAY_TEST_STORE");
	return engine != NULL && strcmp(engine, "postgres") == 0;
}

static inline void test_store_schema(const char *url, const char *schema, bool anew)
{
	struct pq pq;
	struct error err = { 0 };
	PGconn *conn;
	PGresult *result;
	char sql[100];
	CHECK_OK(pq_load(&pq, &err));
	CHECK_OK(pq_connect(&pq, url, NULL, 10 * TIME_SECOND, &conn, &err));
	snprintf(sql, sizeof sql, "%s %s %s", anew ? "DROP SCHEMA IF EXISTS" : "CREATE SCHEMA IF NOT EXISTS",
		 schema, anew ? "CASCADE" : "");
	CHECK(pq.sendQuery(conn, sql));
	CHECK_OK(pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err));
	pq.clear(result);
	pq.finish(conn);
}

static inline void test_store_open(const char *path, struct store **ret_store)
{
	static unsigned opened;
	struct error err = { 0 };
	if (!test_store_is_postgres()) {
		CHECK_OK(store_open("sqlite", &(struct store_options){ .path = path }, ret_store, &err));
		return;
	}
	const char *server = getenv("MAINSTAY_TEST_POSTGRES");
	if (server == NULL)
		skip();
	char schema[64], url[400];
	bool memory = strcmp(path, ":memory:") == 0;
	snprintf(schema, sizeof schema, "t%d_%llx", (int)getpid(),
		 memory ? ++opened : (unsigned long long)str_hash(str_of(path)));
	if (!memory && access(path, F_OK) != 0) {
		test_store_schema(server, schema, true);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	test_store_schema(server, schema, false);
	snprintf(url, sizeof url, "%s?options=-csearch_path%%3D%s", server, schema);
	CHECK_OK(store_open("postgres", &(struct store_options){ .path = url, .node = "test" }, ret_store,
			    &err));
}
