/* review_store.c: reviews, their words, factors and actions. The only SQL of this room. */
#include <assert.h>

#include "base/buf.h"
#include "guard/principal.h"
#include "review/review_priv.h"
#include "store/store_filter.h"

static const struct store_table review_table = {
	.name = "review",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "incident {id} NOT NULL", "state {text} NOT NULL", "owner {id} NOT NULL",
		     "due {int} NOT NULL", "priority {text} NOT NULL", "service {text} NOT NULL",
		     "up_to {int} NOT NULL", "started {int} NOT NULL", "detected {int} NOT NULL",
		     "paged {int} NOT NULL", "acknowledged {int} NOT NULL", "updated {int} NOT NULL",
		     "mitigated {int} NOT NULL", "resolved {int} NOT NULL", "published {int} NOT NULL",
		     "published_by {id} NOT NULL", "revision {int} NOT NULL" },
	.indexes = { "state, due", "resolved, incident", "owner, incident" },
};

static const struct store_table text_table = {
	.name = "review_text",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 2,
	.columns = { "incident {id} NOT NULL", "section {text} NOT NULL", "words {text} NOT NULL",
		     "revision {int} NOT NULL", "by {id} NOT NULL", "at {int} NOT NULL" },
};

static const struct store_table factor_table = {
	.name = "review_factor",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "incident {id} NOT NULL", "kind {text} NOT NULL",
		     "words {text} NOT NULL", "parent {id} NOT NULL" },
	.indexes = { "incident, id" },
};

static const struct store_table action_table = {
	.name = "review_action",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "incident {id} NOT NULL", "words {text} NOT NULL",
		     "owner {id} NOT NULL", "due {int} NOT NULL", "state {text} NOT NULL",
		     "link {text} NOT NULL", "created {int} NOT NULL", "closed {int} NOT NULL" },
	.indexes = { "incident, id", "state, due", "owner, id" },
};

const struct store_table *const review_tables[] = { &review_table, &text_table, &factor_table,
						    &action_table, NULL };

/* ---- one review ---- */

#define COLUMNS                                                                                      \
	"r.incident, r.state, r.owner, r.due, r.priority, r.service, r.up_to, r.started, r.detected, " \
	"r.paged, r.acknowledged, r.updated, r.mitigated, r.resolved, r.published, r.published_by, "   \
	"r.revision, i.title, "                                                                       \
	"(SELECT count(*) FROM {review_factor} f WHERE f.incident = r.incident), "                    \
	"(SELECT count(*) FROM {review_action} a WHERE a.incident = r.incident), "                    \
	"(SELECT count(*) FROM {review_action} a WHERE a.incident = r.incident AND a.state = 'open')"
#define FROM " FROM {review} r JOIN {incident} i ON i.id = r.incident"

static struct review read_row(struct store_rows *rows, struct arena *arena)
{
	struct review review = {
		.incident = store_int(rows, 0),
		.state = arena_str(arena, store_text(rows, 1)),
		.owner = store_int(rows, 2),
		.due = store_int(rows, 3),
		.priority = arena_str(arena, store_text(rows, 4)),
		.service = arena_str(arena, store_text(rows, 5)),
		.up_to = store_int(rows, 6),
		.published = store_int(rows, 14),
		.published_by = store_int(rows, 15),
		.revision = store_int(rows, 16),
		.title = arena_str(arena, store_text(rows, 17)),
		.factors = store_int(rows, 18),
		.actions = store_int(rows, 19),
		.actions_open = store_int(rows, 20),
	};
	for (int i = 0; i < REVIEW_PHASE_COUNT; i++)
		review.at[i] = store_int(rows, 7 + i);
	return review;
}

enum err review_get(struct store_conn *conn, int64_t incident, struct arena *arena,
		    struct review *ret_review, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " COLUMNS FROM " WHERE r.incident = ?",
				 STORE_VALUES(STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct review review = { 0 };
	if (found)
		review = read_row(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "incident %lld has no review", (long long)incident);
	if (r == OK)
		*ret_review = review;
	return r;
}

/* ---- lists ---- */

#define WORDS_MAX 6u
#define VALUES_MAX (2 * STORE_WORDS_MAX + WORDS_MAX + 12 + GUARD_TEAMS_MAX + 1)

struct listing {
	struct buf sql;
	struct store_value values[VALUES_MAX];
	size_t count;
};

static void where(struct listing *q, const char *text, struct store_value value)
{
	assert(q->count < VALUES_MAX - 1);
	buf_printf(&q->sql, " AND %s", text);
	q->values[q->count++] = value;
}

static void where_visible(struct listing *q, struct str visible, const struct store_value *values,
			  size_t count)
{
	if (visible.len == 0)
		return;
	assert(q->count + count < VALUES_MAX);
	buf_printf(&q->sql, " AND " STR_FMT, STR_ARG(visible));
	for (size_t i = 0; i < count; i++)
		q->values[q->count++] = values[i];
}

static void where_words(struct listing *q, struct str text)
{
	for (unsigned words = 0; words < WORDS_MAX && text.len > 0; words++) {
		struct str word, rest;
		str_cut(str_trim(text), ' ', &word, &rest);
		if (word.len > 0)
			where(q, "instr(lower(i.title), lower(?)) > 0", STORE_TEXT(word));
		text = rest;
	}
}

static void where_review(struct listing *q, const struct review_filter *f)
{
	store_filter_words(&q->sql, "r.state", f->states, q->values, &q->count);
	store_filter_words(&q->sql, "r.priority", f->priorities, q->values, &q->count);
	if (f->service.len > 0)
		where(q, "r.service = ?", STORE_TEXT(f->service));
	if (f->team.len > 0)
		where(q, "i.team = ?", STORE_TEXT(f->team));
	if (f->owner != 0)
		where(q, "r.owner = ?", STORE_INT(f->owner));
	if (f->due_before != TIME_NONE)
		where(q, "r.state IN ('draft', 'in_review') AND r.due < ?", STORE_INT(f->due_before));
	if (f->from != TIME_NONE)
		where(q, "r.resolved >= ?", STORE_INT(f->from));
	if (f->to != TIME_NONE)
		where(q, "r.resolved < ?", STORE_INT(f->to));
	if (f->before_id != 0)
		where(q, "r.incident < ?", STORE_INT(f->before_id));
	where_words(q, f->text);
	where_visible(q, f->visible, f->visible_values, f->visible_count);
}

enum err review_list(struct store_conn *conn, const struct review_filter *filter, struct arena *arena,
		     review_each_fn *each, void *context, struct error *err)
{
	struct listing q = { .count = 0 };
	struct store_rows *rows;
	buf_init(&q.sql, 16384);
	buf_adds(&q.sql, "SELECT " COLUMNS FROM " WHERE 1 = 1");
	where_review(&q, filter);
	buf_adds(&q.sql, " ORDER BY r.incident DESC LIMIT ?");
	q.values[q.count++] = STORE_INT(filter->limit);
	assert(!q.sql.full);
	enum err r = store_query(conn, q.sql.bytes, q.values, q.count, &rows, err);
	if (r == OK) {
		struct review review;
		bool more = true;
		while (more && store_next(rows)) {
			review = read_row(rows, arena);
			more = each(context, &review);
		}
		r = store_done(&rows, err);
	}
	buf_finish(&q.sql);
	return r;
}

/* ---- words ---- */

enum err review_texts(struct store_conn *conn, int64_t incident, struct arena *arena,
		      struct review_text ret_texts[REVIEW_SECTIONS], struct error *err)
{
	struct store_rows *rows;
	for (size_t i = 0; i < REVIEW_SECTIONS; i++)
		ret_texts[i] = (struct review_text){ .section = str_of(review_sections[i].name) };
	enum err r = store_query(conn,
				 "SELECT section, words, revision, by, at FROM {review_text} WHERE "
				 "incident = ? ORDER BY section",
				 STORE_VALUES(STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	while (store_next(rows)) {
		for (size_t i = 0; i < REVIEW_SECTIONS; i++) {
			if (!str_eq(ret_texts[i].section, store_text(rows, 0)))
				continue;
			ret_texts[i].text = arena_str(arena, store_text(rows, 1));
			ret_texts[i].revision = store_int(rows, 2);
			ret_texts[i].by = store_int(rows, 3);
			ret_texts[i].at = store_int(rows, 4);
		}
	}
	return store_done(&rows, err);
}

enum err review_text_revision(struct store_conn *conn, int64_t incident, struct str section,
			      int64_t *ret_revision, int64_t *ret_by, struct error *err)
{
	enum err r = store_one_int(conn,
				   "SELECT revision FROM {review_text} WHERE incident = ? AND section = ?",
				   STORE_VALUES(STORE_INT(incident), STORE_TEXT(section)), 0, ret_revision,
				   err);
	if (r != OK)
		return r;
	return store_one_int(conn, "SELECT by FROM {review_text} WHERE incident = ? AND section = ?",
			     STORE_VALUES(STORE_INT(incident), STORE_TEXT(section)), 0, ret_by, err);
}

/* ---- factors ---- */

#define FACTOR "SELECT id, incident, kind, words, parent FROM {review_factor}"

static struct review_factor read_factor(struct store_rows *rows, struct arena *arena)
{
	return (struct review_factor){
		.id = store_int(rows, 0),
		.incident = store_int(rows, 1),
		.kind = arena_str(arena, store_text(rows, 2)),
		.text = arena_str(arena, store_text(rows, 3)),
		.parent = store_int(rows, 4),
	};
}

enum err review_factors(struct store_conn *conn, int64_t incident, struct arena *arena,
			review_each_factor_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, FACTOR " WHERE incident = ? ORDER BY id",
				 STORE_VALUES(STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	for (bool more = true; more && store_next(rows);) {
		struct review_factor factor = read_factor(rows, arena);
		more = each(context, &factor);
	}
	return store_done(&rows, err);
}

enum err review_factor_get(struct store_conn *conn, int64_t incident, int64_t id, struct arena *arena,
			   struct review_factor *ret_factor, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, FACTOR " WHERE id = ? AND incident = ?",
				 STORE_VALUES(STORE_INT(id), STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct review_factor factor = { 0 };
	if (found)
		factor = read_factor(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "review %lld has no factor %lld", (long long)incident,
			      (long long)id);
	if (r == OK)
		*ret_factor = factor;
	return r;
}

enum err review_factor_children(struct store_conn *conn, int64_t incident, int64_t factor,
				int64_t *ret_count, struct error *err)
{
	return store_one_int(conn,
			     "SELECT count(*) FROM {review_factor} WHERE incident = ? AND parent = ?",
			     STORE_VALUES(STORE_INT(incident), STORE_INT(factor)), 0, ret_count, err);
}

enum err review_counts(struct store_conn *conn, int64_t incident, int64_t *ret_factors,
		       int64_t *ret_actions, struct error *err)
{
	enum err r = store_one_int(conn, "SELECT count(*) FROM {review_factor} WHERE incident = ?",
				   STORE_VALUES(STORE_INT(incident)), 0, ret_factors, err);
	if (r != OK)
		return r;
	return store_one_int(conn, "SELECT count(*) FROM {review_action} WHERE incident = ?",
			     STORE_VALUES(STORE_INT(incident)), 0, ret_actions, err);
}

enum err review_factor_counts(struct store_conn *conn, const struct review_filter *filter,
			      struct arena *arena, review_each_count_fn *each, void *context,
			      struct error *err)
{
	struct listing q = { .count = 0 };
	struct store_rows *rows;
	buf_init(&q.sql, 16384);
	buf_adds(&q.sql, "SELECT f.kind, count(*), count(DISTINCT f.incident)" FROM
			 " JOIN {review_factor} f ON f.incident = r.incident WHERE 1 = 1");
	where_review(&q, filter);
	buf_adds(&q.sql, " GROUP BY f.kind ORDER BY f.kind");
	assert(!q.sql.full);
	enum err r = store_query(conn, q.sql.bytes, q.values, q.count, &rows, err);
	if (r == OK) {
		for (bool more = true; more && store_next(rows);) {
			struct review_factor_count count = { arena_str(arena, store_text(rows, 0)),
							     store_int(rows, 1), store_int(rows, 2) };
			more = each(context, &count);
		}
		r = store_done(&rows, err);
	}
	buf_finish(&q.sql);
	return r;
}

/* ---- actions ---- */

#define ACTION                                                                                       \
	"SELECT a.id, a.incident, a.words, a.owner, a.due, a.state, a.link, a.created, a.closed FROM " \
	"{review_action} a"

static struct review_action read_action(struct store_rows *rows, struct arena *arena)
{
	return (struct review_action){
		.id = store_int(rows, 0),
		.incident = store_int(rows, 1),
		.text = arena_str(arena, store_text(rows, 2)),
		.owner = store_int(rows, 3),
		.due = store_int(rows, 4),
		.state = arena_str(arena, store_text(rows, 5)),
		.link = arena_str(arena, store_text(rows, 6)),
		.created = store_int(rows, 7),
		.closed = store_int(rows, 8),
	};
}

static void where_action(struct listing *q, const struct review_action_filter *f)
{
	store_filter_words(&q->sql, "a.state", f->states, q->values, &q->count);
	if (f->incident != 0)
		where(q, "a.incident = ?", STORE_INT(f->incident));
	if (f->owner != 0)
		where(q, "a.owner = ?", STORE_INT(f->owner));
	if (f->service.len > 0)
		where(q, "i.service = ?", STORE_TEXT(f->service));
	if (f->due_before != TIME_NONE)
		where(q, "a.state = 'open' AND a.due < ?", STORE_INT(f->due_before));
	if (f->before_id != 0)
		where(q, "a.id < ?", STORE_INT(f->before_id));
	where_visible(q, f->visible, f->visible_values, f->visible_count);
}

enum err review_action_list(struct store_conn *conn, const struct review_action_filter *filter,
			struct arena *arena, review_each_action_fn *each, void *context,
			struct error *err)
{
	struct listing q = { .count = 0 };
	struct store_rows *rows;
	buf_init(&q.sql, 16384);
	buf_adds(&q.sql, ACTION " JOIN {incident} i ON i.id = a.incident WHERE 1 = 1");
	where_action(&q, filter);
	buf_adds(&q.sql, " ORDER BY a.id DESC LIMIT ?");
	q.values[q.count++] = STORE_INT(filter->limit);
	assert(!q.sql.full);
	enum err r = store_query(conn, q.sql.bytes, q.values, q.count, &rows, err);
	if (r == OK) {
		for (bool more = true; more && store_next(rows);) {
			struct review_action action = read_action(rows, arena);
			more = each(context, &action);
		}
		r = store_done(&rows, err);
	}
	buf_finish(&q.sql);
	return r;
}

enum err review_action_get(struct store_conn *conn, int64_t id, struct arena *arena,
			   struct review_action *ret_action, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, ACTION " WHERE a.id = ?", STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct review_action action = { 0 };
	if (found)
		action = read_action(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no action %lld", (long long)id);
	if (r == OK)
		*ret_action = action;
	return r;
}

/* ---- applies ---- */

static bool is_pressing(struct str state)
{
	return str_is(state, "draft") || str_is(state, "in_review");
}

static enum err remind_at(struct apply *a, const char *timer, int64_t of, bool pressing, time_us due,
			  struct error *err)
{
	if (pressing && due != TIME_NONE)
		return timer_set(a, timer, of, due, TIMER_CALENDAR, err);
	return timer_clear(a, timer, of, err);
}

static enum err touch(struct apply *a, const struct event *event, int64_t incident, struct error *err)
{
	return store_set(a->conn, &review_table, event->seq, "revision = ?",
			 STORE_VALUES(STORE_INT(event->seq), STORE_INT(incident)), err);
}

enum err review_apply_drafted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_drafted *e = event->payload;
	struct review before = { 0 };
	enum err r = review_get(a->conn, e->incident, a->arena, &before, NULL);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	bool kept = str_is(before.state, "published") && str_is(e->state, "published");
	r = store_put(a->conn, &review_table, event->seq,
		      STORE_VALUES(STORE_INT(e->incident), STORE_TEXT(e->state), STORE_INT(e->owner),
				   STORE_INT(e->due), STORE_TEXT(e->priority), STORE_TEXT(e->service),
				   STORE_INT(e->up_to), STORE_INT(e->started), STORE_INT(e->detected),
				   STORE_INT(e->paged), STORE_INT(e->acknowledged), STORE_INT(e->updated),
				   STORE_INT(e->mitigated), STORE_INT(e->resolved),
				   STORE_INT(kept ? before.published : TIME_NONE),
				   STORE_INT(kept ? before.published_by : 0), STORE_INT(event->seq)),
		      err);
	if (r != OK)
		return r;
	bool again = is_pressing(before.state) && before.due == e->due;
	return again ? OK : remind_at(a, REVIEW_TIMER, e->incident, is_pressing(e->state), e->due, err);
}

static enum err set_state(struct apply *a, const struct event *event, int64_t incident,
			  struct str state, struct error *err)
{
	struct review before;
	bool published = str_is(state, "published");
	enum err r = review_get(a->conn, incident, a->arena, &before, err);
	if (r == OK)
		r = store_set(a->conn, &review_table, event->seq,
			      "state = ?, published = ?, published_by = ?, revision = ?",
			      STORE_VALUES(STORE_TEXT(state),
					   STORE_INT(published ? event->event_time : TIME_NONE),
					   STORE_INT(published ? event->actor : 0), STORE_INT(event->seq),
					   STORE_INT(incident)),
			      err);
	if (r != OK || is_pressing(before.state) == is_pressing(state))
		return r;
	return remind_at(a, REVIEW_TIMER, incident, is_pressing(state), before.due, err);
}

enum err review_apply_withdrawn(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_withdrawn *e = event->payload;
	return set_state(a, event, e->incident, STR("waiting"), err);
}

enum err review_apply_state_set(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_state_set *e = event->payload;
	return set_state(a, event, e->incident, e->state, err);
}

enum err review_apply_waived(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_waived *e = event->payload;
	return set_state(a, event, e->incident, STR("waived"), err);
}

enum err review_apply_assigned(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_assigned *e = event->payload;
	struct review before;
	enum err r = review_get(a->conn, e->incident, a->arena, &before, err);
	if (r == OK)
		r = store_set(a->conn, &review_table, event->seq, "owner = ?, due = ?, revision = ?",
			      STORE_VALUES(STORE_INT(e->owner), STORE_INT(e->due), STORE_INT(event->seq),
					   STORE_INT(e->incident)),
			      err);
	if (r != OK || before.due == e->due)
		return r;
	return remind_at(a, REVIEW_TIMER, e->incident, is_pressing(before.state), e->due, err);
}

enum err review_apply_text_set(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_text_set *e = event->payload;
	enum err r = store_put(a->conn, &text_table, event->seq,
			       STORE_VALUES(STORE_INT(e->incident), STORE_TEXT(e->section),
					    STORE_TEXT(e->text), STORE_INT(event->seq),
					    STORE_INT(event->actor), STORE_INT(event->event_time)),
			       err);
	return r == OK ? touch(a, event, e->incident, err) : r;
}

enum err review_apply_factor_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_factor_put *e = event->payload;
	enum err r = store_put(a->conn, &factor_table, event->seq,
			       STORE_VALUES(STORE_INT(e->factor), STORE_INT(e->incident),
					    STORE_TEXT(e->kind), STORE_TEXT(e->text), STORE_INT(e->parent)),
			       err);
	return r == OK ? touch(a, event, e->incident, err) : r;
}

enum err review_apply_factor_removed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_factor_removed *e = event->payload;
	enum err r = store_remove(a->conn, &factor_table, event->seq, STORE_VALUES(STORE_INT(e->factor)),
				  err);
	return r == OK ? touch(a, event, e->incident, err) : r;
}

enum err review_apply_action_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_action_put *e = event->payload;
	struct review_action before = { .created = event->event_time };
	bool open = str_is(e->state, "open");
	enum err r = review_action_get(a->conn, e->action, a->arena, &before, NULL);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	bool again = r == OK && open && str_is(before.state, "open") && before.due == e->due;
	time_us closed = open ? TIME_NONE : before.closed != TIME_NONE ? before.closed : event->event_time;
	r = store_put(a->conn, &action_table, event->seq,
		      STORE_VALUES(STORE_INT(e->action), STORE_INT(e->incident), STORE_TEXT(e->text),
				   STORE_INT(e->owner), STORE_INT(e->due), STORE_TEXT(e->state),
				   STORE_TEXT(e->link), STORE_INT(before.created), STORE_INT(closed)),
		      err);
	if (r == OK)
		r = touch(a, event, e->incident, err);
	return r == OK && !again ? remind_at(a, REVIEW_ACTION_TIMER, e->action, open, e->due, err) : r;
}

enum err review_apply_reminded(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_review_reminded *e = event->payload;
	return remind_at(a, e->action != 0 ? REVIEW_ACTION_TIMER : REVIEW_TIMER,
			 e->action != 0 ? e->action : e->incident, e->next != TIME_NONE, e->next, err);
}
