/*
 * store_postgres_lead.c: the leader row, which is fence and receipt in one.
 *
 *     leader       one row: epoch, batch, holder, pid (of its backend), until (by the database's clock)
 *     leader_past  epoch -> the last batch that was committed in it
 *     node         which servers there are, see store_nodes.c
 *
 *   claim    row locked: holder is dead, or it is us -> leader_past gets (epoch, batch), epoch + 1
 *   fence    first statement of a batch: batch + 1, until + lease, WHERE epoch = ours; no row, no batch
 *   receipt  after a COMMIT that nobody answered: connect, claim (which waits for the old transaction
 *            to end, and shuts the door behind it), then leader_past says whether it was committed
 *
 * Why a new epoch with each new connection of a leader: what it sent on the old one may still lie in
 * the server's buffers. The new epoch makes that fail, so what is read afterwards stays true.
 *
 * Why the holder's backend is ended: a leader that hangs in the middle of a batch holds the row's lock.
 */
#include "store/store_postgres_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_US 100000

/* The lease in SQL and here are one number. */
#define LEASE_SQL "interval '6 seconds'"
_Static_assert(STORE_LEASE == 6 * TIME_SECOND, "the lease in SQL is another");

static const char *const tables[] = {
	"CREATE TABLE IF NOT EXISTS leader (id BIGINT PRIMARY KEY, epoch BIGINT NOT NULL, "
	"batch BIGINT NOT NULL, holder TEXT NOT NULL, pid BIGINT NOT NULL, until TIMESTAMPTZ NOT NULL)",
	"CREATE TABLE IF NOT EXISTS leader_past (epoch BIGINT PRIMARY KEY, batch BIGINT NOT NULL)",
	"CREATE TABLE IF NOT EXISTS node (name TEXT COLLATE \"C\" PRIMARY KEY, url TEXT NOT NULL, "
	"seen TIMESTAMPTZ NOT NULL)",
	/* Looked up first: a conflict alone would wait for a holder that hangs in its batch. */
	"INSERT INTO leader (id, epoch, batch, holder, pid, until) "
	"SELECT 1, 0, 0, '', 0, clock_timestamp() WHERE NOT EXISTS (SELECT 1 FROM leader WHERE id = 1) "
	"ON CONFLICT (id) DO NOTHING",
};

/* ---- small steps ---- */

/* Sends one statement with its values; the rows of a query come with the next settling. */
static enum err send(struct link *link, const char *sql, const struct store_value *values,
		     size_t count, enum ahead_kind kind, struct statement **ret_statement,
		     struct error *err)
{
	void *made;
	store_backend_postgres.prepare(link, sql, &made, err);
	store_backend_postgres.bind(made, values, count, true, err);
	enum err r = link_send(link, made, kind, err);
	if (r == OK)
		*ret_statement = made;
	else
		store_backend_postgres.statement_free(made);
	return r;
}

/* Runs one and gives its first row, when there is one: `ret_values[columns]`. */
static enum err one_row(struct link *link, const char *sql, const struct store_value *values,
			size_t count, bool *ret_found, int64_t *ret_values, int columns,
			struct error *err)
{
	struct statement *s;
	enum err r = send(link, sql, values, count, AHEAD_QUERY, &s, err);
	if (r != OK)
		return r;
	if (!link->in_transaction)
		r = link_send_sync(link, err);
	if (r == OK)
		r = link_settle(link, err);
	if (r == OK) {
		*ret_found = link->pq->ntuples(s->result) > 0;
		for (int i = 0; *ret_found && i < columns; i++)
			ret_values[i] = strtoll(link->pq->getvalue(s->result, 0, i), NULL, 10);
	}
	store_backend_postgres.statement_free(s);
	return r;
}

static enum err write_one(struct link *link, const char *sql, const struct store_value *values,
			  size_t count, struct error *err)
{
	bool found;
	return one_row(link, sql, values, count, &found, NULL, 0, err);
}

static struct store_value node_of(const struct link *link)
{
	return STORE_TEXT(str_of(link->place->node));
}

/* ---- claim ---- */

static enum err make_tables(struct link *link, struct error *err)
{
	enum err r = OK;
	for (size_t i = 0; r == OK && i < sizeof tables / sizeof tables[0]; i++)
		r = link_run_text(link, tables[i], err);
	return r;
}

/* What a dead or hung holder left behind must not keep the row locked. Its right to be ended is that
 * it carries our name and its time is over, or that it is our own. */
static enum err end_holder(struct link *link, bool *ret_taken, struct error *err)
{
	bool found;
	int64_t free = 0;
	enum err r = one_row(link,
			     "SELECT CASE WHEN holder = ? OR until <= clock_timestamp() THEN 1 ELSE 0 END "
			     "FROM leader WHERE id = 1",
			     STORE_VALUES(node_of(link)), &found, &free, 1, err);
	*ret_taken = r == OK && !free;
	if (r != OK || !free)
		return r;
	return write_one(link,
			 "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a "
			 "JOIN leader l ON l.pid = a.pid WHERE l.id = 1 AND a.pid <> pg_backend_pid() AND "
			 "a.usename = current_user AND a.datname = current_database() AND a.application_name = 'mainstay'",
			 STORE_NO_VALUES, err);
}

/* In a transaction: the row is locked, and nobody who wrote under the old epoch can write again. */
static enum err take_row(struct link *link, struct error *err)
{
	bool found = false;
	int64_t row[3] = { 0 };
	enum err r = one_row(link,
			     "SELECT epoch, batch, CASE WHEN holder = ? OR until <= clock_timestamp() "
			     "THEN 1 ELSE 0 END FROM leader WHERE id = 1 FOR UPDATE",
			     STORE_VALUES(node_of(link)), &found, row, 3, err);
	if (r == OK && (!found || !row[2]))
		return error_set(err, ERR_CONFLICT, "another Mainstay leads on this database");
	if (r == OK)
		r = write_one(link, "INSERT INTO leader_past (epoch, batch) VALUES (?, ?)",
			      STORE_VALUES(STORE_INT(row[0]), STORE_INT(row[1])), err);
	if (r == OK)
		r = write_one(link,
			      "UPDATE leader SET epoch = ?, holder = ?, pid = pg_backend_pid(), "
			      "until = clock_timestamp() + " LEASE_SQL " WHERE id = 1",
			      STORE_VALUES(STORE_INT(row[0] + 1), node_of(link)), err);
	if (r == OK) {
		link->lead.epoch = row[0] + 1;
		link->lead.batch = row[1];
	}
	return r;
}

static enum err take_over(struct link *link, struct error *err)
{
	enum err r = link_send_text(link, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", AHEAD_QUIET,
				    err);
	link->in_transaction = r == OK;
	if (r == OK)
		r = link_send_text(link, "SET LOCAL lock_timeout = '3s'", AHEAD_QUIET, err);
	if (r == OK)
		r = take_row(link, err);
	if (r == OK)
		r = link_send_text(link, "COMMIT", AHEAD_COMMIT, err);
	if (r == OK)
		r = link_send_sync(link, err);
	if (r == OK)
		r = link_settle(link, err);
	if (r == OK && !link->committed)
		r = error_set(err, ERR_UNAVAILABLE, "PostgreSQL undid the transaction");
	if (r == OK)
		link->in_transaction = false;
	link_forgive(link);
	return r;
}

enum err lead_claim(struct link *link, struct error *err)
{
	assert(!link->in_transaction);
	bool taken = false, before = link->lead.claimed;
	enum err r = OK;
	link->lead.claimed = false; /* so that connecting does not claim in its turn */
	r = link_ready(link, err);
	if (r == OK && !link->lead.wanted)
		r = make_tables(link, err);
	if (r == OK)
		r = end_holder(link, &taken, err);
	if (r == OK && taken)
		r = error_set(err, ERR_CONFLICT, "another Mainstay leads on this database");
	link->lead.sent = postgres_since_boot();
	if (r == OK)
		r = take_over(link, err);
	if (r != OK)
		link_forgive(link);
	if (r != OK && r != ERR_CONFLICT && before)
		link_drop(link); /* nothing may be read or written before a claim has gone well */
	link->lead.wanted = true;
	link->lead.claimed = r == OK || (before && r != ERR_CONFLICT); /* lost only when somebody has it */
	if (r == OK)
		lead_extend(link);
	if (!link->lead.claimed)
		__atomic_store_n(&link->lead.until, 0, __ATOMIC_RELEASE);
	return r;
}

/* ---- while leading ---- */

/* Division by zero where no row fits: an error, so that the server skips the rest of the batch
 * without our having to wait and look. */
#define FENCE                                                                                \
	"WITH fence AS (UPDATE leader SET batch = ?, pid = pg_backend_pid(), "               \
	"until = clock_timestamp() + " LEASE_SQL " WHERE id = 1 AND epoch = ? RETURNING 1) " \
	"SELECT 1 / count(*) FROM fence"

enum err lead_fence(struct link *link, struct error *err)
{
	if (!link->lead.wanted)
		return OK;
	if (!link->lead.claimed)
		return error_set(err, ERR_UNAVAILABLE, "could not store: another server leads by now");
	if (link->fence == NULL) {
		void *made;
		store_backend_postgres.prepare(link, FENCE, &made, err);
		link->fence = made;
	}
	link->lead.sent = postgres_since_boot();
	store_backend_postgres.bind(link->fence,
				    STORE_VALUES(STORE_INT(++link->lead.batch), STORE_INT(link->lead.epoch)),
				    true, err);
	return link_send(link, link->fence, AHEAD_QUIET, err);
}

void lead_extend(struct link *link)
{
	if (link->lead.claimed)
		__atomic_store_n(&link->lead.until, link->lead.sent + STORE_LEASE, __ATOMIC_RELEASE);
}

enum err lead_renew(struct link *link, struct error *err)
{
	enum err r = store_backend_postgres.begin(link, true, err);
	return r == OK ? store_backend_postgres.commit(link, err) : r;
}

void lead_release(struct link *link)
{
	struct error err;
	if (link->lead.claimed && link->conn != NULL) {
		struct statement *s;
		if (send(link, "UPDATE leader SET until = clock_timestamp() WHERE id = 1 AND epoch = ?",
			 STORE_VALUES(STORE_INT(link->lead.epoch)), AHEAD_WRITE, &s, &err) == OK) {
			if (link_send_sync(link, &err) == OK)
				link_settle(link, &err);
			store_backend_postgres.statement_free(s);
		}
	}
	if (link->fence != NULL)
		store_backend_postgres.statement_free(link->fence);
	link->fence = NULL;
	link->lead.claimed = false;
	__atomic_store_n(&link->lead.until, 0, __ATOMIC_RELEASE);
}

/* ---- receipt ---- */

static enum err unknown(struct error *err)
{
	error_set(err, ERR_UNAVAILABLE, "the database was lost while it stored this");
	error_hint(err, "whether it was stored is not known: look before you repeat it");
	return ERR_UNAVAILABLE;
}

enum err lead_receipt(struct link *link, struct error *err)
{
	int64_t epoch = link->lead.epoch, batch = link->lead.batch, last = 0;
	time_us until = postgres_since_boot() + DOUBT_WAIT;
	if (!link->lead.claimed)
		return unknown(err);
	link->in_transaction = false;
	bool found = false;
	enum err r;
	for (;;) {
		link->failed = (struct error){ 0 };
		r = link_ready(link, err); /* a leader that connects claims */
		if (r == OK || r == ERR_CONFLICT)
			r = one_row(link, "SELECT batch FROM leader_past WHERE epoch = ?",
				    STORE_VALUES(STORE_INT(epoch)), &found, &last, 1, err);
		if (r == OK || postgres_since_boot() >= until)
			break;
		link_forgive(link);
		usleep(PAUSE_US);
	}
	link_forgive(link);
	if (r != OK || !found)
		return unknown(err);
	if (last >= batch)
		return OK;
	error_set(err, ERR_UNAVAILABLE, "the database was lost before this was stored");
	error_hint(err, "nothing was stored; try again");
	return ERR_UNAVAILABLE;
}

/* ---- for everybody ---- */

enum err lead_read(struct link *link, struct store_leader *ret_leader, struct error *err)
{
	struct statement *s;
	enum err r = link_ready(link, err);
	if (r == OK)
		r = send(link, "SELECT epoch, holder, CASE WHEN until > clock_timestamp() THEN 1 ELSE 0 END "
			       "FROM leader WHERE id = 1",
			 STORE_NO_VALUES, AHEAD_QUERY, &s, err);
	if (r != OK)
		return r;
	r = link_send_sync(link, err);
	if (r == OK)
		r = link_settle(link, err);
	if (r == OK) {
		*ret_leader = (struct store_leader){ 0 };
		bool found = link->pq->ntuples(s->result) > 0;
		if (found) {
			ret_leader->epoch = strtoll(link->pq->getvalue(s->result, 0, 0), NULL, 10);
			ret_leader->alive = link->pq->getvalue(s->result, 0, 2)[0] == '1';
			snprintf(ret_leader->node, sizeof ret_leader->node, "%s",
				 link->pq->getvalue(s->result, 0, 1));
		}
	}
	store_backend_postgres.statement_free(s);
	if (r != OK)
		link_forgive(link);
	return r;
}
