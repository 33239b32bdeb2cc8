/*
 * pq.h: libpq, PostgreSQL's client library, for those who have a postgres URL.
 *
 * Who runs on the embedded store needs neither libpq nor the OpenSSL that it brings: the library is
 * loaded when it is first asked for, and only its types are needed to build. A `struct pq` is a
 * table of its functions under their own names without "PQ": pq.connectPoll is PQconnectPoll, and
 * PostgreSQL's manual is the manual.
 *
 * Every wait has a deadline: pq_connect and pq_result are for threads that may wait; a loop takes
 * connectStart, socket, connectPoll, sendQueryParams, flush, consumeInput, isBusy, getResult itself.
 *
 * Beware: PQconnectStart looks names up and waits for it. A loop resolves first and gives hostaddr.
 * The URL holds a password: show it with pq_url_shown only.
 */
#pragma once

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

/* To use one more function of libpq: one row here. */
#define PQ_FUNCTIONS(ROW)                                                                          \
	ROW(PGconn *, connectStart, (const char *))                                                \
	ROW(PGconn *, connectStartParams, (const char *const *, const char *const *, int))         \
	ROW(PostgresPollingStatusType, connectPoll, (PGconn *))                                    \
	ROW(void, finish, (PGconn *))                                                              \
	ROW(ConnStatusType, status, (const PGconn *))                                              \
	ROW(PGTransactionStatusType, transactionStatus, (const PGconn *))                          \
	ROW(int, socket, (const PGconn *))                                                         \
	ROW(int, backendPID, (const PGconn *))                                                     \
	ROW(int, serverVersion, (const PGconn *))                                                  \
	ROW(char *, errorMessage, (const PGconn *))                                                \
	ROW(int, setnonblocking, (PGconn *, int))                                                  \
	ROW(int, sendQuery, (PGconn *, const char *))                                              \
	ROW(int, sendQueryParams, (PGconn *, const char *, int, const Oid *, const char *const *,  \
				   const int *, const int *, int))                                 \
	ROW(int, sendPrepare, (PGconn *, const char *, const char *, int, const Oid *))            \
	ROW(int, sendQueryPrepared, (PGconn *, const char *, int, const char *const *,             \
				     const int *, const int *, int))                               \
	ROW(int, setSingleRowMode, (PGconn *))                                                     \
	ROW(int, enterPipelineMode, (PGconn *))                                                    \
	ROW(int, pipelineSync, (PGconn *))                                                         \
	ROW(int, sendFlushRequest, (PGconn *))                                                     \
	ROW(int, flush, (PGconn *))                                                                \
	ROW(int, consumeInput, (PGconn *))                                                         \
	ROW(int, isBusy, (PGconn *))                                                               \
	ROW(PGresult *, getResult, (PGconn *))                                                     \
	ROW(ExecStatusType, resultStatus, (const PGresult *))                                      \
	ROW(char *, resultErrorField, (const PGresult *, int))                                     \
	ROW(char *, resultErrorMessage, (const PGresult *))                                        \
	ROW(int, ntuples, (const PGresult *))                                                      \
	ROW(int, nfields, (const PGresult *))                                                      \
	ROW(char *, fname, (const PGresult *, int))                                                \
	ROW(Oid, ftype, (const PGresult *, int))                                                   \
	ROW(int, fformat, (const PGresult *, int))                                                 \
	ROW(char *, getvalue, (const PGresult *, int, int))                                        \
	ROW(int, getlength, (const PGresult *, int, int))                                          \
	ROW(int, getisnull, (const PGresult *, int, int))                                          \
	ROW(char *, cmdStatus, (PGresult *))                                                       \
	ROW(char *, cmdTuples, (PGresult *))                                                       \
	ROW(void, clear, (PGresult *))                                                             \
	ROW(PGcancel *, getCancel, (PGconn *))                                                     \
	ROW(int, cancel, (PGcancel *, char *, int))                                                \
	ROW(void, freeCancel, (PGcancel *))                                                        \
	ROW(PQconninfoOption *, conninfoParse, (const char *, char **))                            \
	ROW(void, conninfoFree, (PQconninfoOption *))                                              \
	ROW(void, freemem, (void *))                                                               \
	ROW(PQnoticeProcessor, setNoticeProcessor, (PGconn *, PQnoticeProcessor, void *))          \
	ROW(int, libVersion, (void))

struct pq {
#define PQ_FIELD(type, name, arguments) type(*name) arguments;
	PQ_FUNCTIONS(PQ_FIELD)
#undef PQ_FIELD
};

/* Loads the library, once in a process however often it is asked. ERR_UNSUPPORTED: it is not here,
 * and the hint names the package. */
enum err pq_load(struct pq *ret_pq, struct error *err);

/* "postgres://..." or "postgresql://...": what a store or a check is given. */
bool pq_is_url(struct str text);

/* Whether it can be read, without connecting. ERR_INVALID. */
enum err pq_url_check(const struct pq *pq, const char *url, struct error *err);

/* "postgres://user@host:port/name": without the password, for people. */
void pq_url_shown(const struct pq *pq, const char *url, struct buf *out);

/* Connects, waiting for at most `wait`. `settings` are pairs of libpq's names and values that stand
 * behind the URL's own (end: NULL); may be NULL. The connection is non-blocking. ERR_UNAVAILABLE. */
enum err pq_connect(const struct pq *pq, const char *url, const char *const *settings, time_us wait,
		    PGconn **ret_conn, struct error *err);

/* The next result of what was sent: NULL at the end of a statement. Sends what waits to be sent.
 * ERR_UNAVAILABLE: the connection is lost; ERR_TIMEOUT: it may yet come, and the connection is of
 * no further use. */
enum err pq_result(const struct pq *pq, PGconn *conn, time_us wait, PGresult **ret_result,
		   struct error *err);

/* The first line of what the server or the library said, without the newline. */
struct str pq_said(const char *message);
