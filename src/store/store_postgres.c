/*
 * store_postgres.c: the back end for teams that run PostgreSQL already. COMMIT returns after the
 * server said that it is on its disk. See store_postgres_priv.h for how it talks.
 */
#include "store/store_postgres_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define REAL_DIGITS 17
#define NUMBER_BYTES 40u

static enum err postgres_open(const struct store_options *options, void **ret_place,
			      struct error *err)
{
	assert(options->path != NULL);
	struct place *place = mem_alloc(sizeof *place);
	enum err r = pq_load(&place->pq, err);
	if (r == OK)
		r = pq_url_check(&place->pq, options->path, err);
	if (r != OK) {
		mem_free(place);
		return r;
	}
	place->url = mem_strdup(options->path);
	place->answer_wait = options->patient ? PATIENT_WAIT : ANSWER_WAIT;
	snprintf(place->node, sizeof place->node, "%s", options->node != NULL ? options->node : "alone");
	*ret_place = place;
	return OK;
}

static void postgres_close(void *thing)
{
	struct place *place = thing;
	mem_free(place->url);
	mem_free(place);
}

static enum err postgres_connect(void *thing, bool read_only, void **ret_link, struct error *err)
{
	struct place *place = thing;
	struct link *link = mem_alloc(sizeof *link);
	link->place = place;
	link->pq = &place->pq;
	link->read_only = read_only;
	enum err r = link_ready(link, err);
	if (r == OK)
		*ret_link = link;
	else
		mem_free(link);
	return r;
}

static void postgres_disconnect(void *thing)
{
	struct link *link = thing;
	link_forgive(link);
	lead_release(link);
	link_drop(link);
	mem_free(link);
}

/* ---- transactions ---- */

static enum err postgres_begin(void *thing, bool writing, struct error *err)
{
	struct link *link = thing;
	struct error before;
	assert(!link->in_transaction);
	if (link_settle(link, &before) != OK) /* of the end of a read: the answer is long here */
		link_forgive(link);
	enum err r = link_ready(link, err);
	if (r != OK)
		return r;
	link->in_transaction = true;
	r = link_send_text(link,
			   writing ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
				   : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
			   AHEAD_QUIET, err);
	if (r == OK && writing)
		r = lead_fence(link, err);
	if (r != OK)
		link_forgive(link);
	return r;
}

static void postgres_rollback(void *thing)
{
	struct link *link = thing;
	struct error err;
	if (!link->in_transaction)
		return;
	if (link->failed.code != OK || link->conn == NULL || !link->read_only) {
		link_forgive(link);
		return;
	}
	/* The end of a read is sent and not waited for. */
	link->in_transaction = false;
	if (link_send_text(link, "COMMIT", AHEAD_QUIET, &err) == OK && link_send_sync(link, &err) == OK)
		link->pq->flush(link->conn);
}

static enum err postgres_commit(void *thing, struct error *err)
{
	struct link *link = thing;
	assert(link->in_transaction);
	/* Only when everything before it went well can a COMMIT without an answer be in doubt. */
	enum err r = link->failed.code == OK ? OK : link_settle(link, err);
	if (r == OK) {
		link->commit_sent = true; /* before: what fails to be sent whole may have arrived whole */
		r = link_send_text(link, "COMMIT", AHEAD_COMMIT, err);
	}
	if (r == OK)
		r = link_send_sync(link, err);
	if (r == OK)
		r = link_settle(link, err);
	if (r == OK && !link->committed)
		r = error_set(err, ERR_UNAVAILABLE, "PostgreSQL undid the transaction");
	if (r != OK && link->conn == NULL && link->commit_sent)
		r = lead_receipt(link, err);
	if (r == OK)
		lead_extend(link);
	link->in_transaction = r == OK ? false : link->in_transaction;
	link_forgive(link);
	return r;
}

/* ---- statements ---- */

static enum err postgres_prepare(void *thing, const char *sql, void **ret_statement,
				 struct error *err)
{
	struct link *link = thing;
	(void)err;
	struct statement *s = mem_alloc(sizeof *s);
	s->link = link;
	s->sql = postgres_sql(sql, &s->count);
	s->number = ++link->statements;
	size_t count = (size_t)s->count + 1;
	s->values = mem_alloc(count * sizeof *s->values);
	s->lengths = mem_alloc(count * sizeof *s->lengths);
	s->formats = mem_alloc(count * sizeof *s->formats);
	*ret_statement = s;
	return OK;
}

static void postgres_reset(void *thing)
{
	struct statement *s = thing;
	s->link->pq->clear(s->result);
	s->result = NULL;
	mem_free(s->bytes);
	s->bytes = NULL;
}

static void postgres_statement_free(void *thing)
{
	struct statement *s = thing;
	struct link *link = s->link;
	struct error err;
	char sql[40];
	postgres_reset(s);
	/* The server forgets it with the next thing it is told. */
	if (s->generation == link->generation && link->conn != NULL && link->failed.code == OK) {
		snprintf(sql, sizeof sql, "DEALLOCATE s%u", s->number);
		if (link_send_text(link, sql, AHEAD_QUIET, &err) == OK && !link->in_transaction)
			link_send_sync(link, &err);
	}
	mem_free(s->sql);
	mem_free(s->values);
	mem_free(s->lengths);
	mem_free(s->formats);
	mem_free(s);
}

/* PostgreSQL keeps neither a zero byte nor broken UTF-8 in a text, SQLite both. What comes from
 * outside is checked where it enters; should something slip through, one odd character must not
 * fail the batch it is in for ever. */
static void keep_text(char *to, struct str text)
{
	memcpy(to, text.ptr, text.len);
	bool clean = !str_has(text, '\0') && str_is_utf8(text);
	for (size_t i = 0; !clean && i < text.len; i++) {
		if (to[i] == 0 || (unsigned char)to[i] >= 0x80)
			to[i] = '?';
	}
}

static size_t bytes_of(const struct store_value *value)
{
	bool number = value->type == STORE_TYPE_INT || value->type == STORE_TYPE_REAL;
	return number ? NUMBER_BYTES : value->text.len + 1;
}

/* Numbers travel as text, so that the server may take them for whatever it compares them with. */
static size_t bind_one(struct statement *s, int at, const struct store_value *value, char *to)
{
	int length = 0;
	s->values[at] = to;
	s->formats[at] = value->type == STORE_TYPE_TEXT || value->type == STORE_TYPE_BYTES;
	switch (value->type) {
	case STORE_TYPE_NULL:
		s->values[at] = NULL;
		break;
	case STORE_TYPE_INT:
		length = snprintf(to, NUMBER_BYTES, "%lld", (long long)value->integer);
		break;
	case STORE_TYPE_REAL:
		length = snprintf(to, NUMBER_BYTES, "%.*g", REAL_DIGITS, value->real);
		break;
	case STORE_TYPE_TEXT:
		length = (int)value->text.len;
		if (length > 0)
			keep_text(to, value->text);
		break;
	case STORE_TYPE_BYTES:
		length = (int)value->text.len;
		if (length > 0)
			memcpy(to, value->text.ptr, value->text.len);
		break;
	}
	s->lengths[at] = length;
	return (size_t)length + 1;
}

static enum err postgres_bind(void *thing, const struct store_value *values, size_t count, bool borrowed,
			      struct error *err)
{
	struct statement *s = thing;
	size_t size = 1;
	(void)borrowed, (void)err;
	assert((size_t)s->count == count);
	for (size_t i = 0; i < count; i++)
		size += values[i].type == STORE_TYPE_NULL ? 1 : bytes_of(&values[i]);
	s->bytes = mem_realloc(s->bytes, size);
	char *at = s->bytes;
	for (size_t i = 0; i < count; i++)
		at += bind_one(s, (int)i, &values[i], at);
	assert(at <= s->bytes + size);
	return OK;
}

/* Whatever failed in it, the transaction is over; no caller may take that for a refusal. */
static enum err over(struct error *err)
{
	if (err->code == ERR_CONFLICT)
		err->code = ERR_IO;
	return err->code;
}

static enum err postgres_exec(void *thing, struct error *err)
{
	struct statement *s = thing;
	struct link *link = s->link;
	if (!link->in_transaction)
		return link_run(link, s, AHEAD_WRITE, err);
	if (link->failed.code != OK) {
		*err = link->failed;
		return over(err);
	}
	return link_send(link, s, AHEAD_WRITE, err);
}

static enum err query(struct statement *s, struct error *err)
{
	struct link *link = s->link;
	s->row = -1;
	if (!link->in_transaction)
		return link_run(link, s, AHEAD_QUERY, err);
	enum err r = link->failed.code == OK ? link_send(link, s, AHEAD_QUERY, err) : OK;
	if (r == OK)
		r = link_settle(link, err);
	return r == OK ? OK : over(err);
}

static enum err postgres_step(void *thing, bool *ret_row, struct error *err)
{
	struct statement *s = thing;
	if (s->result == NULL) {
		enum err r = query(s, err);
		if (r != OK)
			return r;
	}
	*ret_row = ++s->row < s->link->pq->ntuples(s->result);
	return OK;
}

/* ---- values ---- */

static bool postgres_is_null(void *thing, int column)
{
	struct statement *s = thing;
	return s->link->pq->getisnull(s->result, s->row, column);
}

static int64_t postgres_integer(void *thing, int column)
{
	struct statement *s = thing;
	const char *text = s->link->pq->getvalue(s->result, s->row, column);
	if (s->link->pq->ftype(s->result, column) == PQ_BOOLEAN)
		return text[0] == 't';
	return strtoll(text, NULL, 10);
}

static double postgres_real(void *thing, int column)
{
	struct statement *s = thing;
	return strtod(s->link->pq->getvalue(s->result, s->row, column), NULL);
}

static struct str postgres_text(void *thing, int column)
{
	struct statement *s = thing;
	const struct pq *pq = s->link->pq;
	char *text = pq->getvalue(s->result, s->row, column);
	size_t length = (size_t)pq->getlength(s->result, s->row, column);
	bool bytes = pq->ftype(s->result, column) == PQ_BYTEA && length >= 2;
	return (struct str){ text, bytes ? (length - 2) / 2 : length };
}

static int64_t postgres_changes(void *thing)
{
	struct link *link = thing;
	struct error err;
	if (link->in_transaction && link_settle(link, &err) != OK)
		return 0;
	return link->changes;
}

static enum err postgres_lead(void *link, struct error *err)
{
	return lead_claim(link, err);
}

static enum err postgres_lead_renew(void *link, struct error *err)
{
	return lead_renew(link, err);
}

static time_us postgres_lead_until(void *thing)
{
	struct link *link = thing;
	return __atomic_load_n(&link->lead.until, __ATOMIC_ACQUIRE);
}

static enum err postgres_leader(void *link, struct store_leader *ret_leader, struct error *err)
{
	return lead_read(link, ret_leader, err);
}

static void postgres_checkpoint(void *link)
{
	(void)link; /* the server sees to its own log */
}

const struct store_backend store_backend_postgres = {
	.name = "postgres",
	.open = postgres_open,
	.close = postgres_close,
	.connect = postgres_connect,
	.disconnect = postgres_disconnect,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.prepare = postgres_prepare,
	.bind = postgres_bind,
	.exec = postgres_exec,
	.step = postgres_step,
	.reset = postgres_reset,
	.statement_free = postgres_statement_free,
	.is_null = postgres_is_null,
	.integer = postgres_integer,
	.real = postgres_real,
	.text = postgres_text,
	.changes = postgres_changes,
	.checkpoint = postgres_checkpoint,
	.lead = postgres_lead,
	.lead_renew = postgres_lead_renew,
	.lead_until = postgres_lead_until,
	.leader = postgres_leader,
	.types = { "BIGINT", "BIGINT", "TEXT COLLATE \"C\"", "BYTEA", "DOUBLE PRECISION" },
	.table_suffix = "",
	.table_suffix_by_key = "",
};
