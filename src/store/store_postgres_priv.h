/*
 * store_postgres_priv.h: the inside of the PostgreSQL back end, for store_postgres*.c only.
 *
 *     store_postgres.c       what a back end provides: statements, values, transactions
 *     store_postgres_link.c  one connection: sending ahead, settling, connecting again
 *     store_postgres_lead.c  the leader row: fence and receipt
 *     store_postgres_sql.c   `?` to `$1`, and the few words that differ
 *
 * A link is always in libpq's pipeline mode. A write is sent and not waited for; its result is read
 * when somebody needs an answer (a query, `changes`, COMMIT). So a batch costs as many round trips
 * as it reads, and one.
 */
#pragma once

#include "base/mem.h"
#include "base/time.h"
#include "store/store_backend.h"
#include "wire/pq.h"

#define PQ_BYTEA 17u /* the types that libpq gives by number */
#define PQ_BOOLEAN 16u
#define AHEAD_MAX 256u /* statements sent and not yet settled */
#define CONNECT_WAIT (5 * TIME_SECOND)
#define ANSWER_WAIT (30 * TIME_SECOND)
#define PATIENT_WAIT (4 * TIME_HOUR) /* of verbs that work through everything */
#define BACK_OFF_LEAST (TIME_SECOND / 10)
#define BACK_OFF_MOST (2 * TIME_SECOND)
#define DOUBT_WAIT (20 * TIME_SECOND) /* to learn whether a COMMIT without an answer was one */

struct place {
	struct pq pq;
	char *url;
	char node[STORE_NODE_BYTES];
	time_us answer_wait;
};

struct link;

struct statement {
	struct link *link;
	char *sql;
	unsigned number;     /* its name on the server is "s<number>" */
	unsigned uses;       /* it is prepared on the second: many are used once */
	unsigned generation; /* of the link, when it was prepared; 0: it is not */
	int count;           /* of parameters */
	const char **values;
	int *lengths, *formats;
	char *bytes; /* what `values` point into */
	PGresult *result;
	int row; /* -1: before the first */
};

enum ahead_kind { AHEAD_QUIET, AHEAD_WRITE, AHEAD_QUERY, AHEAD_COMMIT, AHEAD_SYNC };

struct ahead {
	enum ahead_kind kind;
	struct statement *statement; /* of a query: where its rows go */
};

struct lead {
	bool wanted;   /* it was claimed once: without it nothing may be written any more */
	bool claimed;  /* this link leads, as far as it knows */
	int64_t epoch;
	int64_t batch; /* the last one sent; what the row says once it is committed */
	time_us sent;  /* when the running batch began, since boot */
	time_us until; /* since boot: leading is certain until then; read by any thread (atomic) */
};

struct link {
	struct place *place;
	const struct pq *pq;
	PGconn *conn;        /* NULL: lost */
	bool read_only;
	unsigned generation; /* one more with each connection */
	unsigned statements; /* numbers given so far */
	bool in_transaction;
	bool commit_sent;
	bool committed;      /* COMMIT was answered with COMMIT */
	struct error failed; /* code OK: nothing has failed since the transaction began */
	int64_t changes;
	struct ahead ahead[AHEAD_MAX];
	unsigned ahead_first, ahead_count;
	time_us try_again; /* since boot: no new connection before */
	time_us back_off;
	struct lead lead;
	struct statement *fence;
};

time_us postgres_since_boot(void);

/* ---- store_postgres_link.c ---- */

/* Connects when there is no connection and it is time to try. */
enum err link_ready(struct link *link, struct error *err);
void link_drop(struct link *link);
/* Sends without waiting. A failure is in link->failed and met later, too. */
enum err link_send_text(struct link *link, const char *sql, enum ahead_kind kind, struct error *err);
enum err link_send(struct link *link, struct statement *statement, enum ahead_kind kind,
		   struct error *err);
/* Ends the pipeline's segment: after a failure nothing runs before this. */
enum err link_send_sync(struct link *link, struct error *err);
/* Reads every result that is owed. OK: all were good since the last link_forgive. */
enum err link_settle(struct link *link, struct error *err);
/* Makes the link ready for a new transaction, whatever has happened. */
void link_forgive(struct link *link);
/* One statement outside a transaction, waited for. */
enum err link_run(struct link *link, struct statement *statement, enum ahead_kind kind,
		  struct error *err);
enum err link_run_text(struct link *link, const char *sql, struct error *err);

/* ---- store_postgres_lead.c ---- */

enum err lead_claim(struct link *link, struct error *err);
enum err lead_renew(struct link *link, struct error *err);
void lead_release(struct link *link);
/* The first statement of a batch: fails unless this link's epoch is the row's. */
enum err lead_fence(struct link *link, struct error *err);
/* After a COMMIT that nobody answered. OK: it was one. ERR_UNAVAILABLE: it was none, or (the text
 * says so) nobody can tell yet. */
enum err lead_receipt(struct link *link, struct error *err);
/* The batch is stored: leading is certain for another lease from when it was sent. */
void lead_extend(struct link *link);
enum err lead_read(struct link *link, struct store_leader *ret_leader, struct error *err);

/* ---- store_postgres_sql.c ---- */

/* The text for PostgreSQL; the caller frees it. ret_count: how many parameters. */
char *postgres_sql(const char *sql, int *ret_count);
