/* test_store_table.c: declared tables, versions, reading the past. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "store/store_copy.h"
#include "store/store_table.h"
#include "store/test_store.h"

static const struct store_table thing = {
	.name = "thing",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "state {text} NOT NULL", "size {int}" },
	.indexes = { "state" },
};
static const struct store_table secret = {
	.name = "secret",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "hash {bytes}" },
};
static const struct store_table *const tables[] = { &thing, &secret, NULL };

struct fixture {
	struct store *store;
	struct store_conn *conn;
};

static void open_fixture(struct fixture *f)
{
	struct error err;
	test_store_open(":memory:", &f->store);
	CHECK_OK(store_connect(f->store, false, &f->conn, &err));
	bool remake;
	CHECK_OK(store_tables_create(f->conn, tables, &remake, &err));
	CHECK(remake);
}

static void close_fixture(struct fixture *f)
{
	store_disconnect(&f->conn);
	store_close(&f->store);
}

static void put(struct fixture *f, int64_t seq, int64_t id, const char *state)
{
	struct error err;
	CHECK_OK(store_put(f->conn, &thing, seq,
			   STORE_VALUES(STORE_INT(id), STORE_TEXT(str_of(state)), STORE_NULL), &err));
}

static void check_state(struct fixture *f, int64_t as_of, int64_t id, const char *wanted)
{
	struct error err;
	struct store_rows *rows;
	store_as_of(f->conn, as_of);
	CHECK_OK(store_query(f->conn, "SELECT state FROM {thing} WHERE id = ?",
			     STORE_VALUES(STORE_INT(id)), &rows, &err));
	bool there = store_next(rows);
	if (wanted == NULL)
		CHECK(!there);
	else
		CHECK_STR(store_text(rows, 0), wanted);
	CHECK_OK(store_done(&rows, &err));
	store_as_of(f->conn, 0);
}

TEST(a_versioned_row_reads_as_it_was_at_every_seq)
{
	struct fixture f;
	struct error err;
	open_fixture(&f);
	put(&f, 10, 1, "open");
	CHECK_OK(store_set(f.conn, &thing, 20, "state = ?",
			   STORE_VALUES(STORE_TEXT(STR("closed")), STORE_INT(1)), &err));
	CHECK_OK(store_remove(f.conn, &thing, 30, STORE_VALUES(STORE_INT(1)), &err));
	put(&f, 40, 1, "again");
	check_state(&f, 9, 1, NULL);
	check_state(&f, 10, 1, "open");
	check_state(&f, 19, 1, "open");
	check_state(&f, 20, 1, "closed");
	check_state(&f, 29, 1, "closed");
	check_state(&f, 30, 1, NULL);
	check_state(&f, 39, 1, NULL);
	check_state(&f, 40, 1, "again");
	check_state(&f, 0, 1, "again");
	close_fixture(&f);
}

/* Else a list of the past reads, and puts aside, all there is before it gives its first row. */
TEST(a_list_of_the_past_is_read_no_further_than_it_is_wanted)
{
	struct fixture f;
	struct error err;
	struct store_rows *rows;
	if (test_store_is_postgres())
		return; /* it says its plans in other words */
	open_fixture(&f);
	put(&f, 10, 1, "new");
	store_as_of(f.conn, 15);
	CHECK_OK(store_query(f.conn, "EXPLAIN QUERY PLAN SELECT id FROM {thing} WHERE state = 'new' ORDER BY id DESC LIMIT 1",
			     STORE_NO_VALUES, &rows, &err));
	int steps = 0;
	for (; store_next(rows); steps++) {
		CHECK(!str_starts(store_text(rows, 3), STR("CO-ROUTINE")));
		CHECK(!str_starts(store_text(rows, 3), STR("MATERIALIZE")));
		CHECK(!str_starts(store_text(rows, 3), STR("USE TEMP")));
	}
	CHECK(steps > 1);
	CHECK_OK(store_done(&rows, &err));
	close_fixture(&f);
}

TEST(two_changes_by_one_event_leave_one_row_of_history)
{
	struct fixture f;
	struct error err;
	open_fixture(&f);
	put(&f, 10, 1, "first");
	put(&f, 20, 1, "second");
	put(&f, 20, 1, "third");
	int64_t count;
	CHECK_OK(store_one_int(f.conn, "SELECT count(*) FROM thing_h", STORE_NO_VALUES, 0, &count, &err));
	CHECK_INT(count, 1); /* of the past */
	check_state(&f, 15, 1, "first");
	check_state(&f, 20, 1, "third");
	close_fixture(&f);
}

TEST(a_change_of_a_row_that_is_not_there_is_told)
{
	struct fixture f;
	struct error err;
	open_fixture(&f);
	CHECK_ERR(store_set(f.conn, &thing, 20, "state = ?",
			    STORE_VALUES(STORE_TEXT(STR("closed")), STORE_INT(7)), &err),
		  ERR_NOT_FOUND);
	close_fixture(&f);
}

TEST(a_projection_declared_anew_is_remade_and_a_vault_is_refused)
{
	struct fixture f;
	struct error err;
	bool remake = false;
	open_fixture(&f);
	CHECK_OK(store_tables_create(f.conn, tables, &remake, &err));
	CHECK(!remake);
	struct store_table wider = thing;
	wider.columns[3] = "colour {text}";
	const struct store_table *const changed[] = { &wider, NULL };
	CHECK_OK(store_tables_create(f.conn, changed, &remake, &err));
	CHECK(remake);
	struct store_table other = secret;
	other.columns[2] = "salt {bytes}";
	const struct store_table *const refused[] = { &other, NULL };
	CHECK_ERR(store_tables_create(f.conn, refused, &remake, &err), ERR_UNSUPPORTED);
	close_fixture(&f);
}

TEST(the_same_query_may_run_inside_itself)
{
	struct fixture f;
	struct error err;
	struct store_rows *outer, *inner;
	const char *sql = "SELECT id FROM {thing} ORDER BY id";
	open_fixture(&f);
	put(&f, 1, 1, "a");
	put(&f, 2, 2, "b");
	CHECK_OK(store_query(f.conn, sql, STORE_NO_VALUES, &outer, &err));
	CHECK(store_next(outer));
	CHECK_OK(store_query(f.conn, sql, STORE_NO_VALUES, &inner, &err));
	CHECK(store_next(inner));
	CHECK(store_next(inner));
	CHECK_INT(store_int(inner, 0), 2);
	CHECK_OK(store_done(&inner, &err));
	CHECK(store_next(outer));
	CHECK_INT(store_int(outer, 0), 2);
	CHECK_OK(store_done(&outer, &err));
	close_fixture(&f);
}

TEST(the_null_store_accepts_all_and_keeps_nothing)
{
	struct fixture f;
	struct error err;
	bool remake;
	int64_t count;
	CHECK_OK(store_open("null", &(struct store_options){ 0 }, &f.store, &err));
	CHECK_OK(store_connect(f.store, false, &f.conn, &err));
	CHECK_OK(store_tables_create(f.conn, tables, &remake, &err));
	put(&f, 1, 1, "a");
	CHECK_OK(store_one_int(f.conn, "SELECT count(*) FROM thing", STORE_NO_VALUES, -1, &count, &err));
	CHECK_INT(count, -1);
	close_fixture(&f);
}

/* ---- copying ---- */

struct copying {
	struct store_conn *to;
	const struct store_table *table;
	bool history;
	int rows;
};

static enum err copy_row(void *context, const struct store_value *values, size_t count, struct error *err)
{
	struct copying *c = context;
	c->rows++;
	return store_copy_write(c->to, c->table, c->history, values, count, err);
}

TEST(a_table_and_its_history_are_copied_row_by_row_into_another_store)
{
	struct fixture from, to;
	struct error err;
	int64_t count, size;
	open_fixture(&from);
	open_fixture(&to);
	CHECK_OK(store_put(from.conn, &thing, 10, STORE_VALUES(STORE_INT(1), STORE_TEXT(STR("new")), STORE_NULL), &err));
	CHECK_OK(store_put(from.conn, &thing, 20, STORE_VALUES(STORE_INT(1), STORE_TEXT(STR("old")), STORE_INT(7)), &err));
	for (int history = 0; history < 2; history++) {
		struct copying c = { to.conn, &thing, history != 0, 0 };
		CHECK_OK(store_copy_read(from.conn, &thing, history != 0, copy_row, &c, &err));
		CHECK_INT(c.rows, 1);
	}
	CHECK_OK(store_copy_count(to.conn, &thing, false, &count, &err));
	CHECK_INT(count, 1);
	store_as_of(to.conn, 15);
	CHECK_OK(store_one_int(to.conn, "SELECT count(*) FROM {thing} WHERE state = 'new' AND size IS NULL",
			       STORE_NO_VALUES, 0, &size, &err));
	CHECK_INT(size, 1);
	close_fixture(&from);
	close_fixture(&to);
}

TEST(a_row_that_does_not_fit_its_table_is_refused)
{
	struct fixture f;
	struct error err;
	open_fixture(&f);
	CHECK_ERR(store_copy_write(f.conn, &thing, false, STORE_VALUES(STORE_INT(1)), &err), ERR_INVALID);
	CHECK_ERR(store_copy_write(f.conn, &thing, false,
				   STORE_VALUES(STORE_TEXT(STR("x")), STORE_TEXT(STR("s")), STORE_NULL), &err),
		  ERR_INVALID);
	close_fixture(&f);
}

/* ---- the log ---- */

#define LOG_MAX (20u << 20) /* 16 MB, and what is written before it is moved again */
#define ROW_BYTES (256u << 10)

static void write_rows(struct fixture *f, int64_t first, int64_t count)
{
	static char bytes[ROW_BYTES];
	struct error err;
	memset(bytes, 'x', sizeof bytes);
	for (int64_t id = first; id < first + count; id++) {
		CHECK_OK(store_begin(f->conn, &err));
		CHECK_OK(store_put(f->conn, &secret, id,
				   STORE_VALUES(STORE_INT(id), STORE_BYTES(((struct str){ bytes, sizeof bytes }))),
				   &err));
		CHECK_OK(store_commit(f->conn, &err));
	}
}

static size_t log_bytes(const char *path)
{
	char log[128];
	struct stat found;
	snprintf(log, sizeof log, "%s-wal", path);
	CHECK_INT(stat(log, &found), 0);
	return (size_t)found.st_size;
}

/* A reader keeps what it reads, so the log grows while it does; not a moment longer. */
TEST(the_log_stays_short_without_a_pause_and_again_when_a_long_reader_ends)
{
	struct fixture f;
	struct store_conn *reader;
	struct error err;
	bool remake;
	int64_t count;
	char folder[] = "/tmp/mainstay-log-XXXXXX", path[64];
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/db", folder);
	CHECK_OK(store_open("sqlite", &(struct store_options){ .path = path }, &f.store, &err));
	CHECK_OK(store_connect(f.store, false, &f.conn, &err));
	CHECK_OK(store_tables_create(f.conn, tables, &remake, &err));
	write_rows(&f, 1, 160); /* 40 MB */
	CHECK(log_bytes(path) <= LOG_MAX);

	CHECK_OK(store_connect(f.store, true, &reader, &err));
	CHECK_OK(store_read_begin(reader, &err));
	CHECK_OK(store_one_int(reader, "SELECT count(*) FROM {secret}", STORE_NO_VALUES, 0, &count, &err));
	write_rows(&f, 161, 120); /* 30 MB */
	size_t grown = log_bytes(path);
	CHECK(grown > LOG_MAX);
	store_read_end(reader);
	write_rows(&f, 281, 160);
	CHECK(log_bytes(path) <= grown + (5u << 20));
	store_disconnect(&reader);
	close_fixture(&f);
	CHECK_INT(unlink(path), 0); /* the last to close takes the log along */
	CHECK_INT(rmdir(folder), 0);
}

TESTS(RUN(the_log_stays_short_without_a_pause_and_again_when_a_long_reader_ends),
      RUN(a_versioned_row_reads_as_it_was_at_every_seq),
      RUN(a_list_of_the_past_is_read_no_further_than_it_is_wanted),
      RUN(two_changes_by_one_event_leave_one_row_of_history),
      RUN(a_change_of_a_row_that_is_not_there_is_told),
      RUN(a_projection_declared_anew_is_remade_and_a_vault_is_refused),
      RUN(the_same_query_may_run_inside_itself),
      RUN(the_null_store_accepts_all_and_keeps_nothing),
      RUN(a_table_and_its_history_are_copied_row_by_row_into_another_store),
      RUN(a_row_that_does_not_fit_its_table_is_refused))
