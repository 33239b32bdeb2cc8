/*
 * pq_ask.h: one question to a PostgreSQL server, on a loop: what an SQL check does.
 *
 *     url -> read, allow-listed -> resolve -> guard (egress.h) -> connect to those addresses and no other
 *         -> BEGIN READ ONLY, statement_timeout -> the statement (one, by the extended protocol) -> rows, counted
 *
 * libpq is only polled: it waits for nothing, looks no name up (hostaddr is given), and reads no file of ours:
 * no ~/.pgpass, no service, no client certificate. Settings of the URL are an allow list for the same reason.
 * The connection is closed after each question: signing in is part of what people meet.
 *
 * Bounds: PQ_ASK_BYTES_MAX from the server, rows_max rows, one deadline over all. The server is told the same
 * deadline, so what is given up here ends there too. The password is in no error: see `say`.
 *
 * Runs on: the loop's thread. The callback is called exactly once, never inside pq_ask_start, and not after
 * pq_ask_cancel.
 */
#pragma once

#include "wire/address.h"
#include "wire/pq.h"

struct clock;
struct egress_policy;
struct loop;
struct pq_ask;
struct resolve;

#define PQ_ASK_BYTES_MAX (1u << 20)
#define PQ_ASK_VALUE_BYTES 1025u /* with NUL; longer ones are cut */
#define PQ_ASK_NAME_BYTES 64u
#define PQ_ASK_ADDRESSES_MAX 4u

struct pq_ask_tools {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	const struct egress_policy *policy;
};

struct pq_ask_request {
	const char *url;     /* with its password; copied as far as it is needed */
	const char *sql;     /* lent until the end */
	const char *ca_file; /* for sslmode=verify-*; NULL: the system's; lent until the end */
	unsigned rows_max;   /* no more are read */
	time_us timeout;     /* over all */
};

struct pq_ask_result {
	char server[256];    /* "postgres://user@host:port/database" */
	bool tried;          /* the next is set */
	struct address address;
	int version;         /* 150003; 0: not known */
	time_us dns, connect, asked, total; /* connect: with TLS and signing in */
	unsigned rows;       /* so many came */
	bool more;           /* and there are more than rows_max */
	bool null;           /* the value is NULL */
	bool cut;            /* it is longer than what is kept */
	char column[PQ_ASK_NAME_BYTES];
	char value[PQ_ASK_VALUE_BYTES]; /* first row, first column, as text; a boolean is true or false */
};

typedef void pq_ask_fn(void *context, const struct pq_ask_result *result, const struct error *err);

/* ERR_UNSUPPORTED: libpq is not here. ERR_INVALID: the address cannot be used, and why. */
enum err pq_ask_start(const struct pq_ask_tools *tools, const struct pq_ask_request *request, pq_ask_fn *fn,
                      void *context, struct pq_ask **ret_ask, struct error *err);
void pq_ask_cancel(struct pq_ask **ask); /* accepts NULL, leaves NULL */
