/* test_wire_pq.c: libpq on demand. The peer is the PostgreSQL that tools/run-unit starts. */
#include "wire/pq.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *peer(void)
{
	const char *url = getenv("MAINSTAY_TEST_POSTGRES");
	if (url == NULL)
		skip();
	return url;
}

static struct pq loaded(void)
{
	struct pq pq;
	struct error err;
	CHECK_OK(pq_load(&pq, &err));
	return pq;
}

TEST(the_library_is_loaded_when_it_is_asked_for)
{
	struct pq pq = loaded(), again = loaded();
	CHECK(pq.libVersion() >= 140000);
	CHECK(pq.connectPoll == again.connectPoll);
}

TEST(a_url_is_checked_without_connecting_and_never_quoted)
{
	struct pq pq = loaded();
	struct error err;
	CHECK_OK(pq_url_check(&pq, "postgres://ann:secret@db.example.org:6432/house", &err));
	CHECK_ERR(pq_url_check(&pq, "mysql://ann:secret@db", &err), ERR_INVALID);
	CHECK_ERR(pq_url_check(&pq, "postgres://ann:secret@db/house?nonsense=1", &err), ERR_INVALID);
	CHECK(strstr(err.text, "secret") == NULL);
	CHECK(strstr(err.hint, "secret") == NULL);
}

/* libpq would look for a host "cret@db", and say so. */
TEST(a_password_that_would_be_taken_for_a_host_is_refused_and_not_told)
{
	static const char *const urls[] = {
		"postgres://ann:se@cret@db/house", "postgres://ann:se/cret@db/house", "postgres://ann:se/cr?et@db/house",
		"postgres://ann:s@e/cret@db/house",
	};
	struct pq pq = loaded();
	struct error err;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		CHECK_ERR(pq_url_check(&pq, urls[i], &err), ERR_INVALID);
		CHECK_TEXT(err.hint, "write @ as %40, / as %2F and ? as %3F in its name and password");
		CHECK(strstr(err.text, "cret") == NULL);
	}
	CHECK_OK(pq_url_check(&pq, "postgres://ann:se%40cret@db/house?options=-csearch_path%3Da", &err));
	CHECK_OK(pq_url_check(&pq, "postgres://ann:se?cret@db/house?passfile=/a@b", &err));
}

TEST(a_url_is_shown_without_its_password)
{
	struct pq pq = loaded();
	cleanup_buf struct buf out;
	buf_init(&out, 1000);
	pq_url_shown(&pq, "postgres://ann:secret@db.example.org:6432/house?sslmode=require", &out);
	CHECK_STR(buf_str(&out), "postgres://ann@db.example.org:6432/house");
}

TEST(a_question_is_answered_and_a_wrong_one_says_why)
{
	struct pq pq = loaded();
	struct error err = { 0 };
	PGconn *conn;
	PGresult *result;
	CHECK_OK(pq_connect(&pq, peer(), NULL, 10 * TIME_SECOND, &conn, &err));
	CHECK(pq.sendQuery(conn, "SELECT 6 * 7"));
	CHECK_OK(pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err));
	CHECK_TEXT(pq.getvalue(result, 0, 0), "42");
	pq.clear(result);
	CHECK_OK(pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err));
	CHECK(result == NULL);
	CHECK(pq.sendQuery(conn, "SELECT nonsense"));
	CHECK_OK(pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err));
	CHECK_STR(pq_said(pq.resultErrorMessage(result)), "ERROR:  column \"nonsense\" does not exist");
	CHECK_TEXT(pq.resultErrorField(result, PG_DIAG_SQLSTATE), "42703");
	pq.clear(result);
	pq.finish(conn);
}

TEST(settings_given_with_the_url_reach_the_server_and_the_url_wins)
{
	struct pq pq = loaded();
	struct error err = { 0 };
	PGconn *conn;
	PGresult *result;
	static const char *const settings[] = { "application_name", "mainstay", "user", "nobody", NULL };
	CHECK_OK(pq_connect(&pq, peer(), settings, 10 * TIME_SECOND, &conn, &err));
	CHECK(pq.sendQuery(conn, "SELECT current_setting('application_name') || ' ' || current_user"));
	CHECK_OK(pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err));
	CHECK_TEXT(pq.getvalue(result, 0, 0), "mainstay mainstay");
	pq.clear(result);
	pq.finish(conn);
}

TEST(a_wait_has_a_deadline)
{
	struct pq pq = loaded();
	struct error err = { 0 };
	PGconn *conn;
	PGresult *result;
	CHECK_OK(pq_connect(&pq, peer(), NULL, 10 * TIME_SECOND, &conn, &err));
	CHECK(pq.sendQuery(conn, "SELECT pg_sleep(30)"));
	CHECK_ERR(pq_result(&pq, conn, TIME_SECOND / 10, &result, &err), ERR_TIMEOUT);
	pq.finish(conn);
}

TEST(a_connection_that_is_ended_from_the_other_side_is_unavailable)
{
	struct pq pq = loaded();
	struct error err = { 0 };
	PGconn *conn;
	PGresult *result;
	CHECK_OK(pq_connect(&pq, peer(), NULL, 10 * TIME_SECOND, &conn, &err));
	CHECK(pq.sendQuery(conn, "SELECT pg_terminate_backend(pg_backend_pid())"));
	enum err r = pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err);
	if (r == OK) { /* the server's last word comes as a result, then nothing */
		CHECK_TEXT(pq.resultErrorField(result, PG_DIAG_SQLSTATE), "57P01");
		pq.clear(result);
		CHECK(pq.status(conn) == CONNECTION_BAD ||
		      pq_result(&pq, conn, 10 * TIME_SECOND, &result, &err) != OK || result == NULL);
	} else {
		CHECK_INT(r, ERR_UNAVAILABLE);
	}
	pq.finish(conn);
}

TEST(nobody_there_is_unavailable_and_says_so)
{
	struct pq pq = loaded();
	struct error err = { 0 };
	PGconn *conn;
	CHECK_ERR(pq_connect(&pq, "postgres://ann:secret@127.0.0.1:1/house", NULL, 5 * TIME_SECOND, &conn,
			     &err),
		  ERR_UNAVAILABLE);
	CHECK(strstr(err.text, "onnection refused") != NULL);
	CHECK(strstr(err.text, "secret") == NULL);
}

TESTS(RUN(the_library_is_loaded_when_it_is_asked_for),
      RUN(a_url_is_checked_without_connecting_and_never_quoted),
      RUN(a_password_that_would_be_taken_for_a_host_is_refused_and_not_told), RUN(a_url_is_shown_without_its_password),
      RUN(a_question_is_answered_and_a_wrong_one_says_why),
      RUN(settings_given_with_the_url_reach_the_server_and_the_url_wins), RUN(a_wait_has_a_deadline),
      RUN(a_connection_that_is_ended_from_the_other_side_is_unavailable),
      RUN(nobody_there_is_unavailable_and_says_so))
