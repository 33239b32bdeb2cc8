/* store_postgres_link.c: one connection to PostgreSQL. See store_postgres_priv.h. */
#include "store/store_postgres_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

time_us postgres_since_boot(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (time_us)now.tv_sec * TIME_SECOND + now.tv_nsec / 1000;
}

/* ---- errors ---- */

/* SQLSTATE by its beginning; the first row that fits counts. */
static const struct {
	const char *begins;
	enum err code;
} states[] = {
	{ "23", ERR_CONFLICT },	   /* a constraint */
	{ "08", ERR_UNAVAILABLE }, /* connection */
	{ "53", ERR_UNAVAILABLE }, /* out of disk, memory, connections */
	{ "57", ERR_UNAVAILABLE }, /* shut down, crashed, cancelled */
	{ "58", ERR_UNAVAILABLE }, /* the operating system */
	{ "40", ERR_UNAVAILABLE }, /* serialization, deadlock */
	{ "55P03", ERR_UNAVAILABLE }, /* a lock did not come in time */
	{ "25P03", ERR_UNAVAILABLE }, /* idle in a transaction for too long */
	{ "25006", ERR_UNAVAILABLE }, /* read-only: a standby */
	{ "22012", ERR_UNAVAILABLE }, /* the fence: this server does not lead any more */
	{ "XX00", ERR_CORRUPT },
};

static enum err code_of(const char *state)
{
	for (size_t i = 0; state != NULL && i < sizeof states / sizeof states[0]; i++) {
		if (strncmp(state, states[i].begins, strlen(states[i].begins)) == 0)
			return states[i].code;
	}
	return ERR_IO;
}

static void note_failure(struct link *link, const PGresult *result)
{
	if (link->failed.code != OK)
		return;
	const char *state = link->pq->resultErrorField(result, PG_DIAG_SQLSTATE);
	struct str said = pq_said(link->pq->resultErrorMessage(result));
	if (state != NULL && strcmp(state, "22012") == 0 && link->lead.claimed) {
		error_set(&link->failed, ERR_UNAVAILABLE, "could not store: another server leads by now");
		error_hint(&link->failed, "nothing was stored; try again");
		link->lead.claimed = false;
		__atomic_store_n(&link->lead.until, 0, __ATOMIC_RELEASE);
		return;
	}
	error_set(&link->failed, code_of(state), "PostgreSQL said: " STR_FMT, STR_ARG(said));
	if (state != NULL && strcmp(state, "53100") == 0)
		error_hint(&link->failed, "free space on the disk that holds the database");
}

static enum err lose(struct link *link, const struct error *why)
{
	link_drop(link);
	if (link->failed.code == OK) {
		link->failed = *why;
		link->failed.code = ERR_UNAVAILABLE;
	}
	return ERR_UNAVAILABLE;
}

/* ---- connecting ---- */

void link_drop(struct link *link)
{
	if (link->conn != NULL)
		link->pq->finish(link->conn);
	link->conn = NULL;
	link->ahead_count = 0;
}

/* A database that was restarted is found again at once, one that stays away is not pestered. */
static enum err back_off(struct link *link)
{
	link->back_off = link->back_off == 0 ? BACK_OFF_LEAST : 2 * link->back_off;
	if (link->back_off > BACK_OFF_MOST)
		link->back_off = BACK_OFF_MOST;
	link->try_again = postgres_since_boot() + link->back_off;
	return ERR_UNAVAILABLE;
}

/* Bytes as hex, which is what is read back here. A leader that hangs in a batch lets go of its locks
 * before its lease is over; a COMMIT is on the disk when it is answered, whatever the role's default. */
static const char set_up_all[] =
	"SELECT set_config('bytea_output', 'hex', false), set_config('extra_float_digits', '1', false)";
static const char set_up_writer[] =
	"SELECT set_config('idle_in_transaction_session_timeout', '5000', false), "
	"set_config('lock_timeout', '10000', false), set_config('synchronous_commit', "
	"CASE WHEN current_setting('synchronous_commit') = 'off' THEN 'on' "
	"ELSE current_setting('synchronous_commit') END, false)";

static enum err set_up(struct link *link, struct error *err)
{
	enum err r = link_run_text(link, set_up_all, err);
	bool hurried = !link->read_only && link->place->answer_wait == ANSWER_WAIT;
	return r == OK && hurried ? link_run_text(link, set_up_writer, err) : r;
}

enum err link_ready(struct link *link, struct error *err)
{
	static const char *const settings[] = {
		"application_name", "mainstay", "client_encoding", "UTF8",
		"keepalives_idle", "5", "keepalives_interval", "2", "keepalives_count", "3",
		"tcp_user_timeout", "10000", NULL,
	};
	if (link->conn != NULL && link->pq->status(link->conn) == CONNECTION_OK)
		return OK;
	link_drop(link);
	if (postgres_since_boot() < link->try_again)
		return error_set(err, ERR_UNAVAILABLE, "PostgreSQL cannot be reached at the moment");
	enum err r = pq_connect(link->pq, link->place->url, settings, CONNECT_WAIT, &link->conn, err);
	if (r == OK && !link->pq->enterPipelineMode(link->conn)) {
		link_drop(link);
		r = error_set(err, ERR_UNAVAILABLE, "could not set up the connection to PostgreSQL");
	}
	if (r != OK)
		return back_off(link);
	link->generation++;
	link->back_off = link->try_again = 0;
	r = set_up(link, err);
	if (r == OK && link->lead.claimed)
		r = lead_claim(link, err);
	return r;
}

/* ---- sending ahead ---- */

static enum err sent(struct link *link, int good, enum ahead_kind kind, struct statement *statement,
		     struct error *err)
{
	if (!good) {
		error_set(err, ERR_UNAVAILABLE, "could not send to PostgreSQL: " STR_FMT,
			  STR_ARG(pq_said(link->pq->errorMessage(link->conn))));
		return lose(link, err);
	}
	assert(link->ahead_count < AHEAD_MAX);
	unsigned at = (link->ahead_first + link->ahead_count++) % AHEAD_MAX;
	link->ahead[at] = (struct ahead){ kind, statement };
	return OK;
}

/* Room for two more: a statement may have to be prepared first. */
static enum err make_room(struct link *link, struct error *err)
{
	if (link->conn == NULL)
		return error_set(err, ERR_UNAVAILABLE, "the connection to PostgreSQL was lost");
	return link->ahead_count + 3 < AHEAD_MAX ? OK : link_settle(link, err);
}

enum err link_send_text(struct link *link, const char *sql, enum ahead_kind kind, struct error *err)
{
	enum err r = make_room(link, err);
	if (r != OK)
		return r;
	int good = link->pq->sendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
	return sent(link, good, kind, NULL, err);
}

enum err link_send_sync(struct link *link, struct error *err)
{
	enum err r = link->conn != NULL ? OK : make_room(link, err);
	return r == OK ? sent(link, link->pq->pipelineSync(link->conn), AHEAD_SYNC, NULL, err) : r;
}

enum err link_send(struct link *link, struct statement *s, enum ahead_kind kind, struct error *err)
{
	char name[24];
	enum err r = make_room(link, err);
	if (r != OK)
		return r;
	if (++s->uses == 1)
		return sent(link,
			    link->pq->sendQueryParams(link->conn, s->sql, s->count, NULL, s->values,
						      s->lengths, s->formats, 0),
			    kind, s, err);
	snprintf(name, sizeof name, "s%u", s->number);
	if (s->generation != link->generation) {
		r = sent(link, link->pq->sendPrepare(link->conn, name, s->sql, 0, NULL), AHEAD_QUIET, NULL,
			 err);
		if (r != OK)
			return r;
		s->generation = link->generation;
	}
	return sent(link,
		    link->pq->sendQueryPrepared(link->conn, name, s->count, s->values, s->lengths,
						s->formats, 0),
		    kind, s, err);
}

/* ---- settling ---- */

static enum err next_result(struct link *link, PGresult **ret_result, struct error *err)
{
	enum err r = pq_result(link->pq, link->conn, link->place->answer_wait, ret_result, err);
	return r == OK ? OK : lose(link, err);
}

/* "\\x0a1b" becomes its bytes where it stands; half of what is said after the "\\x" is its length. */
static void decode_bytes(const struct pq *pq, PGresult *result)
{
	static const char digits[] = "0123456789abcdef";
	for (int column = 0; column < pq->nfields(result); column++) {
		if (pq->ftype(result, column) != PQ_BYTEA)
			continue;
		for (int row = 0; row < pq->ntuples(result); row++) {
			char *text = pq->getvalue(result, row, column);
			int length = pq->getlength(result, row, column);
			for (int i = 2; i + 1 < length; i += 2)
				text[i / 2 - 1] = (char)((strchr(digits, text[i]) - digits) << 4 |
							 (strchr(digits, text[i + 1]) - digits));
		}
	}
}

static void take_result(struct link *link, const struct ahead *ahead, PGresult *result)
{
	ExecStatusType status = link->pq->resultStatus(result);
	if (status == PGRES_FATAL_ERROR) {
		note_failure(link, result);
	} else if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		if (ahead->kind == AHEAD_COMMIT) /* a failed transaction answers COMMIT with ROLLBACK */
			link->committed = strcmp(link->pq->cmdStatus(result), "COMMIT") == 0;
		if (ahead->kind == AHEAD_WRITE)
			link->changes = strtoll(link->pq->cmdTuples(result), NULL, 10);
		if (ahead->kind == AHEAD_QUERY && ahead->statement != NULL) {
			link->pq->clear(ahead->statement->result);
			ahead->statement->result = result;
			decode_bytes(link->pq, result);
			return;
		}
	}
	link->pq->clear(result);
}

/* The results of the oldest statement that was sent: one and a NULL; of a sync: one. */
static enum err settle_one(struct link *link, struct error *err)
{
	struct ahead ahead = link->ahead[link->ahead_first];
	PGresult *result;
	for (;;) {
		enum err r = next_result(link, &result, err);
		if (r != OK)
			return r;
		if (result == NULL) {
			if (link->pq->status(link->conn) != CONNECTION_OK) {
				error_set(err, ERR_UNAVAILABLE, "lost the connection to PostgreSQL");
				return lose(link, err);
			}
			break;
		}
		bool sync = link->pq->resultStatus(result) == PGRES_PIPELINE_SYNC;
		take_result(link, &ahead, result);
		if (sync)
			break;
	}
	link->ahead_first = (link->ahead_first + 1) % AHEAD_MAX;
	link->ahead_count--;
	return OK;
}

enum err link_settle(struct link *link, struct error *err)
{
	unsigned last = (link->ahead_first + link->ahead_count - 1) % AHEAD_MAX;
	if (link->conn != NULL && link->ahead_count > 0 && link->ahead[last].kind != AHEAD_SYNC)
		link->pq->sendFlushRequest(link->conn);
	while (link->conn != NULL && link->ahead_count > 0) {
		enum err r = settle_one(link, err);
		if (r != OK)
			break;
	}
	if (link->failed.code == OK)
		return OK;
	*err = link->failed;
	return link->failed.code;
}

void link_forgive(struct link *link)
{
	struct error err;
	bool failed = link->failed.code != OK;
	/* What comes after a failure is skipped up to a sync; only then ROLLBACK is heard. */
	if (link->conn != NULL && (failed || link->in_transaction) && link_send_sync(link, &err) == OK)
		link_settle(link, &err);
	if (link->conn != NULL && link->in_transaction)
		link_send_text(link, "ROLLBACK", AHEAD_QUIET, &err);
	/* A PREPARE may have been among what was skipped: all are made again. */
	if (link->conn != NULL && failed) {
		link_send_text(link, "DEALLOCATE ALL", AHEAD_QUIET, &err);
		link->generation++;
	}
	if (link->conn != NULL && link->ahead_count > 0 && link_send_sync(link, &err) == OK)
		link_settle(link, &err);
	link->in_transaction = link->commit_sent = link->committed = false;
	link->failed = (struct error){ 0 };
	if (link->conn != NULL && link->pq->transactionStatus(link->conn) != PQTRANS_IDLE)
		link_drop(link);
}

enum err link_run(struct link *link, struct statement *statement, enum ahead_kind kind,
		  struct error *err)
{
	assert(!link->in_transaction);
	enum err r = link_ready(link, err);
	if (r == OK)
		r = link_send(link, statement, kind, err);
	if (r == OK)
		r = link_send_sync(link, err);
	if (r == OK)
		r = link_settle(link, err);
	if (r != OK)
		link_forgive(link);
	return r;
}

enum err link_run_text(struct link *link, const char *sql, struct error *err)
{
	enum err r = link_ready(link, err);
	if (r == OK)
		r = link_send_text(link, sql, AHEAD_QUIET, err);
	if (r == OK)
		r = link_send_sync(link, err);
	if (r == OK)
		r = link_settle(link, err);
	if (r != OK)
		link_forgive(link);
	return r;
}
