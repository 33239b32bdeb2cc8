/* journal_store.c: the tables of the journal: events, timers, counters, cursors. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "journal/journal_priv.h"

/* `nodes` are the tree's hashes that this event finished (tree.h). Never rewritten, but for a lawful
 * erasure, which sets payload and salt to NULL and `mac` to what binds the rest (leaf.h). */
static const struct store_table event_table = {
	.name = "event",
	.class = STORE_WORK, /* it is what a rebuild reads */
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "seq {id} NOT NULL", "event_time {int} NOT NULL", "recorded_time {int} NOT NULL",
		     "actor {id} NOT NULL", "kind {text} NOT NULL", "subject {id} NOT NULL",
		     "version {int} NOT NULL", "payload {text}", "salt {bytes}",
		     "nodes {bytes} NOT NULL", "mac {bytes}" },
	.indexes = { "subject, seq", "recorded_time" },
};

static const struct store_table timer_table = {
	.name = "timer",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 2,
	.columns = { "name {text} NOT NULL", "of {id} NOT NULL", "due {int} NOT NULL",
		     "basis {int} NOT NULL" },
	.indexes = { "due, name, of" },
};

static const struct store_table step_table = {
	.name = "clock_step",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "seq {id} NOT NULL", "by_us {int} NOT NULL" },
};

static const struct store_table counter_table = {
	.name = "counter",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "last {int} NOT NULL" },
};

static const struct store_table cursor_table = {
	.name = "cursor",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "seq {int} NOT NULL", "failures {int} NOT NULL" },
};

/* The public half of what signs this journal: a second server must have the same key. */
static const struct store_table signer_table = {
	.name = "journal_signer",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.backup = STORE_BACKUP_NEVER, /* a restore begins an epoch, with a key of its own */
	.keys = 1,
	.columns = { "name {text} NOT NULL", "key {text} NOT NULL" },
};

const struct store_table *const journal_tables[] = {
	&event_table, &timer_table, &step_table, &counter_table, &cursor_table, &signer_table,
	&journal_backup_table, NULL,
};

#define EVENT_COLUMNS                                                                    \
	"seq, event_time, recorded_time, actor, kind, subject, version, payload, salt, " \
	"nodes, mac"

enum err journal_append(struct store_conn *conn, const struct journal_row *row, struct error *err)
{
	const struct event *event = &row->event;
	return store_exec(conn,
			  "INSERT INTO event (" EVENT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  STORE_VALUES(STORE_INT(event->seq), STORE_INT(event->event_time),
				       STORE_INT(event->recorded_time), STORE_INT(event->actor),
				       STORE_TEXT(str_of(event_kinds[event->kind].name)),
				       STORE_INT(event->subject), STORE_INT(row->version),
				       STORE_TEXT(event->json), STORE_BYTES(row->salt),
				       STORE_BYTES(row->nodes),
				       row->mac.len > 0 ? STORE_BYTES(row->mac) : STORE_NULL),
			  err);
}

enum err journal_rows(struct store_conn *conn, int64_t after_seq, int64_t up_to_seq, unsigned limit,
		      struct store_rows **ret_rows, struct error *err)
{
	return store_query(conn,
			   "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ? AND seq <= ? "
			   "ORDER BY seq LIMIT ?",
			   STORE_VALUES(STORE_INT(after_seq),
					STORE_INT(up_to_seq > 0 ? up_to_seq : INT64_MAX),
					STORE_INT(limit)),
			   ret_rows, err);
}

bool journal_row_read(struct store_rows *rows, struct journal_row *ret_row)
{
	struct journal_row row = {
		.event = {
			.seq = store_int(rows, 0),
			.event_time = store_int(rows, 1),
			.recorded_time = store_int(rows, 2),
			.actor = store_int(rows, 3),
			.subject = store_int(rows, 5),
			.json = store_is_null(rows, 7) ? STR_NONE : store_text(rows, 7),
		},
		.version = (int)store_int(rows, 6),
		.salt = store_text(rows, 8),
		.nodes = store_text(rows, 9),
		.mac = store_text(rows, 10),
	};
	if (!event_kind_by_name(store_text(rows, 4), &row.event.kind))
		return false;
	*ret_row = row;
	return true;
}

/* ---- reading with a filter ---- */

#define SQL_BYTES_MAX 4096u
#define FILTER_VALUES_MAX 48u

struct query {
	struct buf sql;
	struct store_value values[FILTER_VALUES_MAX];
	size_t count;
	char ends[16][64]; /* the first text after a prefix, by name */
	unsigned end_count;
};

static void condition(struct query *q, const char *text, struct store_value value)
{
	assert(q->count < FILTER_VALUES_MAX);
	buf_printf(&q->sql, " AND %s", text);
	q->values[q->count++] = value;
}

/* "incident." means every kind that begins so: a range, as there is no LIKE. */
static void kind_condition(struct query *q, const char *kind)
{
	struct str name = str_of(kind);
	assert(q->count + 2 <= FILTER_VALUES_MAX);
	if (!str_ends(name, STR("."))) {
		buf_adds(&q->sql, "kind = ?");
		q->values[q->count++] = STORE_TEXT(name);
		return;
	}
	assert(q->end_count < 16);
	char *end = q->ends[q->end_count++];
	snprintf(end, sizeof q->ends[0], "%.*s/", (int)(name.len - 1), name.ptr); /* '/' follows '.' */
	buf_adds(&q->sql, "(kind >= ? AND kind < ?)");
	q->values[q->count++] = STORE_TEXT(name);
	q->values[q->count++] = STORE_TEXT(str_of(end));
}

static void build(struct query *q, const struct journal_filter *f)
{
	buf_adds(&q->sql, "SELECT " EVENT_COLUMNS " FROM event WHERE 1 = 1");
	if (f->after_seq > 0)
		condition(q, f->newest_first ? "seq < ?" : "seq > ?", STORE_INT(f->after_seq));
	if (f->up_to_seq > 0)
		condition(q, "seq <= ?", STORE_INT(f->up_to_seq));
	if (f->subject > 0)
		condition(q, "subject = ?", STORE_INT(f->subject));
	if (f->by_actor)
		condition(q, "actor = ?", STORE_INT(f->actor));
	if (f->from != TIME_NONE)
		condition(q, "recorded_time >= ?", STORE_INT(f->from));
	if (f->to != TIME_NONE)
		condition(q, "recorded_time < ?", STORE_INT(f->to));
	for (size_t i = 0; f->kinds != NULL && f->kinds[i] != NULL; i++) {
		buf_adds(&q->sql, i == 0 ? " AND (" : " OR ");
		kind_condition(q, f->kinds[i]);
	}
	if (f->kinds != NULL && f->kinds[0] != NULL)
		buf_adds(&q->sql, ")");
	buf_printf(&q->sql, " ORDER BY seq%s LIMIT ?", f->newest_first ? " DESC" : "");
	q->values[q->count++] = STORE_INT(f->limit);
}

static enum err give(struct store_rows *rows, struct arena *arena, journal_each_fn *each,
		     void *context, bool *ret_more, struct error *err)
{
	struct journal_row row;
	if (!journal_row_read(rows, &row))
		return error_set(err, ERR_CORRUPT, "event %lld is of a kind this version does not know",
				 (long long)store_int(rows, 0));
	row.event.json = arena_str(arena, row.event.json);
	if (row.event.json.len > 0) {
		enum err r = event_decode(row.event.kind, row.version, row.event.json, arena,
					  &row.event.payload, err);
		if (r != OK)
			return r;
	}
	*ret_more = each(context, &row.event);
	return OK;
}

enum err journal_read(struct store_conn *conn, const struct journal_filter *filter,
		      struct arena *arena, journal_each_fn *each, void *context, struct error *err)
{
	assert(filter->limit >= 1);
	assert(filter->limit <= JOURNAL_PAGE_MAX);
	struct query q = { .count = 0 };
	buf_init(&q.sql, SQL_BYTES_MAX);
	build(&q, filter);
	assert(!q.sql.full);
	struct store_rows *rows;
	enum err r = store_query(conn, q.sql.bytes, q.values, q.count, &rows, err);
	buf_finish(&q.sql);
	if (r != OK)
		return r;
	bool more = true;
	while (r == OK && more && store_next(rows))
		r = give(rows, arena, each, context, &more, err);
	enum err done = store_done(&rows, r == OK ? err : NULL);
	return r != OK ? r : done;
}

enum err journal_seq_at(struct store_conn *conn, time_us at, int64_t *ret_seq, struct error *err)
{
	return store_one_int(conn, "SELECT max(seq) FROM event WHERE recorded_time <= ?",
			     STORE_VALUES(STORE_INT(at)), 0, ret_seq, err);
}

enum err journal_last(struct store_conn *conn, int64_t *ret_seq, time_us *ret_recorded,
		      struct error *err)
{
	enum err r = store_one_int(conn, "SELECT max(seq) FROM event", STORE_NO_VALUES, 0, ret_seq, err);
	if (r != OK)
		return r;
	return store_one_int(conn, "SELECT recorded_time FROM event WHERE seq = ?",
			     STORE_VALUES(STORE_INT(*ret_seq)), TIME_NONE, ret_recorded, err);
}

enum err journal_last_event_time(struct store_conn *conn, time_us *ret_at, struct error *err)
{
	return store_one_int(conn, "SELECT event_time FROM event ORDER BY seq DESC LIMIT 1",
			     STORE_NO_VALUES, TIME_NONE, ret_at, err);
}

static enum err read_node(void *context, unsigned level, uint64_t index, struct tree_hash *ret_hash,
			  struct error *err)
{
	unsigned offset;
	uint64_t leaf = tree_row_of(level, index, &offset);
	struct store_rows *rows;
	enum err r = store_query(context, "SELECT nodes FROM event WHERE seq = ?",
				 STORE_VALUES(STORE_INT((int64_t)leaf + 1)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct str nodes = found ? store_text(rows, 0) : STR_NONE;
	found = nodes.len >= offset + sizeof ret_hash->bytes;
	if (found)
		memcpy(ret_hash->bytes, nodes.ptr + offset, sizeof ret_hash->bytes);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_CORRUPT, "event %llu has no node of level %u",
			      (unsigned long long)leaf + 1, level);
	return r;
}

struct tree_reader journal_tree_reader(struct store_conn *conn)
{
	return (struct tree_reader){ .read = read_node, .context = conn };
}

/* ---- timers ---- */

enum err timer_set(struct apply *a, const char *name, int64_t of, time_us due,
		   enum timer_basis basis, struct error *err)
{
	return store_put(a->conn, &timer_table, 0,
			 STORE_VALUES(STORE_TEXT(str_of(name)), STORE_INT(of), STORE_INT(due),
				      STORE_INT(basis)),
			 err);
}

enum err timer_clear(struct apply *a, const char *name, int64_t of, struct error *err)
{
	return timer_remove(a->conn, name, of, 0, err);
}

enum err timer_is_set(struct apply *a, const char *name, int64_t of, bool *ret_set, struct error *err)
{
	int64_t count;
	enum err r = store_one_int(a->conn, "SELECT count(*) FROM timer WHERE name = ? AND of = ?",
				   STORE_VALUES(STORE_TEXT(str_of(name)), STORE_INT(of)), 0, &count, err);
	if (r == OK)
		*ret_set = count > 0;
	return r;
}

enum err timer_remove(struct store_conn *conn, const char *name, int64_t of, int64_t seq,
		      struct error *err)
{
	return store_remove(conn, &timer_table, seq,
			    STORE_VALUES(STORE_TEXT(str_of(name)), STORE_INT(of)), err);
}

enum err timers_due(struct store_conn *conn, time_us now, unsigned limit, struct arena *arena,
		    struct timer **ret_timers, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT name, of, due FROM timer WHERE due <= ? "
				 "ORDER BY due, name, of LIMIT ?",
				 STORE_VALUES(STORE_INT(now), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	struct timer *timers = arena_array(arena, struct timer, limit);
	size_t count = 0;
	while (count < limit && store_next(rows))
		timers[count++] = (struct timer){
			.name = arena_str(arena, store_text(rows, 0)),
			.of = store_int(rows, 1),
			.due = store_int(rows, 2),
		};
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_timers = timers;
	*ret_count = count;
	return OK;
}

enum err timer_next(struct store_conn *conn, time_us *ret_due, struct error *err)
{
	return store_one_int(conn, "SELECT min(due) FROM timer", STORE_NO_VALUES, TIME_NONE, ret_due,
			     err);
}

enum err timer_is_due(struct store_conn *conn, const struct timer *timer, time_us now, bool *ret_due,
		      struct error *err)
{
	int64_t count;
	enum err r = store_one_int(conn,
				   "SELECT count(*) FROM timer WHERE name = ? AND of = ? AND due <= ?",
				   STORE_VALUES(STORE_TEXT(timer->name), STORE_INT(timer->of),
						STORE_INT(now)),
				   0, &count, err);
	if (r == OK)
		*ret_due = count > 0;
	return r;
}

enum err timers_shift(struct store_conn *conn, time_us by, struct error *err)
{
	return store_exec(conn, "UPDATE timer SET due = due + ? WHERE basis = ?",
			  STORE_VALUES(STORE_INT(by), STORE_INT(TIMER_ELAPSED)), err);
}

enum err journal_apply_clock_stepped(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_clock_stepped *e = event->payload;
	enum err r = store_put(a->conn, &step_table, event->seq,
			       STORE_VALUES(STORE_INT(event->seq), STORE_INT(e->by)), err);
	return r == OK ? timers_shift(a->conn, e->by, err) : r;
}

enum err clock_steps(struct store_conn *conn, time_us *ret_total, struct error *err)
{
	return store_one_int(conn, "SELECT sum(by_us) FROM clock_step", STORE_NO_VALUES, 0, ret_total,
			     err);
}

enum err journal_apply_timer_parked(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_timer_parked *e = event->payload;
	return timer_remove(a->conn, arena_cstr(a->arena, e->timer), e->of, event->seq, err);
}

/* ---- counters and cursors ---- */

enum err counters_load(struct store_conn *conn, struct arena *arena, struct str *names,
		       int64_t *values, size_t room, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT name, last FROM counter ORDER BY name", STORE_NO_VALUES,
				 &rows, err);
	if (r != OK)
		return r;
	size_t count = 0;
	while (store_next(rows)) {
		assert(count < room);
		names[count] = arena_str(arena, store_text(rows, 0));
		values[count++] = store_int(rows, 1);
	}
	r = store_done(&rows, err);
	if (r == OK)
		*ret_count = count;
	return r;
}

enum err counter_save(struct store_conn *conn, struct str name, int64_t value, struct error *err)
{
	return store_put(conn, &counter_table, 0, STORE_VALUES(STORE_TEXT(name), STORE_INT(value)), err);
}

enum err cursor_read(struct store_conn *conn, const char *follower, int64_t *ret_seq,
		     int64_t *ret_failures, struct error *err)
{
	struct store_value name = STORE_TEXT(str_of(follower));
	enum err r = store_one_int(conn, "SELECT seq FROM cursor WHERE name = ?", &name, 1, 0, ret_seq,
				   err);
	if (r != OK)
		return r;
	return store_one_int(conn, "SELECT failures FROM cursor WHERE name = ?", &name, 1, 0,
			     ret_failures, err);
}

enum err cursor_write(struct store_conn *conn, const char *follower, int64_t seq, int64_t failures,
		      struct error *err)
{
	return store_put(conn, &cursor_table, 0,
			 STORE_VALUES(STORE_TEXT(str_of(follower)), STORE_INT(seq), STORE_INT(failures)),
			 err);
}

/* ---- the signer ---- */

static enum err signer_write(struct store_conn *conn, const void *args, struct error *err)
{
	const struct journal_signer *signer = args;
	return store_put(conn, &signer_table, 0,
			 STORE_VALUES(STORE_TEXT(signer->name), STORE_TEXT(signer->key)), err);
}

enum err journal_signer_check(struct store_conn *conn, const struct journal_signer *signer, bool *ret_known, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT key FROM journal_signer WHERE name = ?",
				 STORE_VALUES(STORE_TEXT(signer->name)), &rows, err);
	if (r != OK)
		return r;
	bool known = store_next(rows), same = known && str_eq(store_text(rows, 0), signer->key);
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_known = known;
	if (!known || same)
		return OK;
	error_set(err, ERR_PRECONDITION, "this journal is signed by another key than that of the data folder");
	error_hint(err, "copy journal.key from the data folder of the server that began it");
	return ERR_PRECONDITION;
}

enum err journal_signer_decide(struct decision *d, const void *args, struct error *err)
{
	bool known;
	enum err r = journal_signer_check(d->conn, args, &known, err);
	if (r == OK && !known)
		decision_work(d, signer_write, args);
	return r;
}

enum err journal_last_by(struct store_conn *conn, int64_t subject, int64_t actor, int64_t *ret_seq,
			 time_us *ret_recorded, struct error *err)
{
	enum err r = store_one_int(conn, "SELECT max(seq) FROM event WHERE subject = ? AND actor = ?",
				   STORE_VALUES(STORE_INT(subject), STORE_INT(actor)), 0, ret_seq, err);
	if (r != OK)
		return r;
	return store_one_int(conn, "SELECT recorded_time FROM event WHERE seq = ?",
			     STORE_VALUES(STORE_INT(*ret_seq)), TIME_NONE, ret_recorded, err);
}
