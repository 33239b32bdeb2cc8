/* pq.c: see pq.h. */
#include "wire/pq.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define LIBRARY "libpq.so.5"
#define SETTINGS_MAX 24u

struct pq_row {
	const char *name;
	size_t offset;
};

static const struct pq_row rows[] = {
#define PQ_ROW(type, name, arguments) { "PQ" #name, offsetof(struct pq, name) },
	PQ_FUNCTIONS(PQ_ROW)
#undef PQ_ROW
};

enum err pq_load(struct pq *ret_pq, struct error *err)
{
	struct pq pq;
	/* Never unloaded: the TLS library under it leaves handlers for the end of the process. */
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (library == NULL) {
		error_set(err, ERR_UNSUPPORTED, "could not load PostgreSQL's client library: %s", dlerror());
		error_hint(err, "install the package libpq5 (Debian: apt-get install libpq5)");
		return ERR_UNSUPPORTED;
	}
	enum err r = OK;
	for (size_t i = 0; r == OK && i < sizeof rows / sizeof rows[0]; i++) {
		void *function = dlsym(library, rows[i].name);
		if (function == NULL) {
			r = error_set(err, ERR_UNSUPPORTED, "\"%s\" lacks the function %s", LIBRARY, rows[i].name);
			error_hint(err, "install libpq5 of version 14 or later");
		}
		memcpy((char *)&pq + rows[i].offset, &function, sizeof function);
	}
	dlclose(library);
	if (r == OK)
		*ret_pq = pq;
	return r;
}

bool pq_is_url(struct str text)
{
	return str_starts(text, STR("postgres://")) || str_starts(text, STR("postgresql://"));
}

struct str pq_said(const char *message)
{
	struct str text = str_of(message != NULL ? message : ""), line, rest;
	str_cut(text, '\n', &line, &rest);
	return line.len > 0 ? line : STR("no reason was given");
}

static size_t count_of(struct str text, char byte)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == byte;
	return count;
}

/* libpq ends name and password at the first '@', if it comes before the first '/'. What it takes for host, port
 * or database when they hold such signs themselves is part of the password, and stands in what it says. */
static bool may_cut_password(const char *url)
{
	struct str rest = str_of(strstr(url, "://") + 3), authority, behind, path, query;
	str_cut(rest, '/', &authority, &behind);
	str_cut(behind, '?', &path, &query);
	size_t ends = count_of(authority, '@');
	return ends > 1 || count_of(path, '@') > 0 || (ends == 0 && count_of(rest, '@') > 0);
}

enum err pq_url_check(const struct pq *pq, const char *url, struct error *err)
{
	char *why = NULL;
	if (!pq_is_url(str_of(url)))
		return error_set(err, ERR_INVALID, "an address of PostgreSQL begins with postgres://");
	if (may_cut_password(url)) {
		error_set(err, ERR_INVALID, "cannot tell where the password ends in the address of PostgreSQL");
		error_hint(err, "write @ as %%40, / as %%2F and ? as %%3F in its name and password");
		return ERR_INVALID;
	}
	PQconninfoOption *options = pq->conninfoParse(url, &why);
	if (options == NULL)
		/* What libpq says may quote the URL, password included. */
		error_set(err, ERR_INVALID, "cannot read the address of PostgreSQL");
	if (options == NULL)
		error_hint(err, "it is like postgres://user:password@host:5432/database?sslmode=verify-full");
	pq->freemem(why);
	if (options == NULL)
		return ERR_INVALID;
	pq->conninfoFree(options);
	return OK;
}

static const char *option(const PQconninfoOption *options, const char *name)
{
	for (; options->keyword != NULL; options++) {
		if (strcmp(options->keyword, name) == 0)
			return options->val;
	}
	return NULL;
}

static void show(struct buf *out, const char *before, const char *value, const char *after)
{
	if (value != NULL && value[0] != '\0')
		buf_printf(out, "%s%s%s", before, value, after);
}

void pq_url_shown(const struct pq *pq, const char *url, struct buf *out)
{
	char *why = NULL;
	PQconninfoOption *options = pq->conninfoParse(url, &why);
	buf_adds(out, "postgres://");
	if (options != NULL) {
		show(out, "", option(options, "user"), "@");
		show(out, "", option(options, "host"), "");
		show(out, ":", option(options, "port"), "");
		show(out, "/", option(options, "dbname"), "");
		pq->conninfoFree(options);
	}
	pq->freemem(why);
}

/* ---- waiting ---- */

static time_us monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (time_us)now.tv_sec * TIME_SECOND + now.tv_nsec / 1000;
}

/* False when the deadline has passed. A signal or an early wake-up is no harm: callers ask again. */
static bool wait_for(int socket, short events, time_us until)
{
	time_us left = until - monotonic();
	if (left <= 0)
		return false;
	struct pollfd poller = { .fd = socket, .events = events };
	poll(&poller, 1, (int)(left / 1000) + 1);
	return true;
}

static void no_notice(void *context, const char *message)
{
	(void)context, (void)message;
}

static enum err refused(const struct pq *pq, PGconn *conn, struct error *err)
{
	struct str said = pq_said(pq->errorMessage(conn));
	return error_set(err, ERR_UNAVAILABLE, "could not connect to PostgreSQL: " STR_FMT,
			 STR_ARG(said));
}

static enum err connect_on(const struct pq *pq, PGconn *conn, time_us until, struct error *err)
{
	if (pq->status(conn) == CONNECTION_BAD)
		return refused(pq, conn, err);
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	while (next != PGRES_POLLING_OK) {
		if (next == PGRES_POLLING_FAILED)
			return refused(pq, conn, err);
		if (!wait_for(pq->socket(conn), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			return error_set(err, ERR_UNAVAILABLE,
					 "could not connect to PostgreSQL: it did not answer in time");
		next = pq->connectPoll(conn);
	}
	pq->setNoticeProcessor(conn, no_notice, NULL);
	if (pq->setnonblocking(conn, 1) != 0)
		return refused(pq, conn, err);
	return OK;
}

enum err pq_connect(const struct pq *pq, const char *url, const char *const *settings, time_us wait,
		    PGconn **ret_conn, struct error *err)
{
	const char *names[SETTINGS_MAX + 2], *values[SETTINGS_MAX + 2];
	size_t count = 0;
	/* Later ones win with libpq: what we ask for comes first, the URL after it. */
	for (; settings != NULL && settings[2 * count] != NULL; count++) {
		assert(count < SETTINGS_MAX);
		names[count] = settings[2 * count];
		values[count] = settings[2 * count + 1];
	}
	names[count] = "dbname";
	values[count++] = url;
	names[count] = values[count] = NULL;
	time_us until = monotonic() + wait;
	PGconn *conn = pq->connectStartParams(names, values, 1);
	if (conn == NULL)
		return error_set(err, ERR_UNAVAILABLE, "could not connect to PostgreSQL: no memory");
	enum err r = connect_on(pq, conn, until, err);
	if (r == OK)
		*ret_conn = conn;
	else
		pq->finish(conn);
	return r;
}

static enum err lost(const struct pq *pq, PGconn *conn, struct error *err)
{
	struct str said = pq_said(pq->errorMessage(conn));
	return error_set(err, ERR_UNAVAILABLE, "lost the connection to PostgreSQL: " STR_FMT,
			 STR_ARG(said));
}

enum err pq_result(const struct pq *pq, PGconn *conn, time_us wait, PGresult **ret_result,
		   struct error *err)
{
	time_us until = monotonic() + wait;
	int unsent = pq->flush(conn);
	while (unsent > 0 || (unsent == 0 && pq->isBusy(conn))) {
		short events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
		if (!wait_for(pq->socket(conn), events, until))
			return error_set(err, ERR_TIMEOUT, "PostgreSQL did not answer in time");
		if (!pq->consumeInput(conn))
			return lost(pq, conn, err);
		unsent = unsent > 0 ? pq->flush(conn) : 0;
	}
	if (unsent < 0)
		return lost(pq, conn, err);
	*ret_result = pq->getResult(conn);
	return OK;
}
