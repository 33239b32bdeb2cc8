/*
 * review.h: post-incident reviews: facts from the journal, and what people learn from them.
 *
 *                 incident resolved                  hand in              publish
 *     (none) ------------------------> draft -----------------> in_review --------> published
 *                                       | ^  <----- back -----------+                  |
 *                              waive    | |                                            |
 *                              <--------+ +---------- take up again -------------------+
 *                              waived
 *     any --incident goes on--> waiting --incident resolved--> draft
 *
 *   from -> to                             [function]
 *   none, waiting -> draft                 [review_after_incident, review_start_decide]
 *   draft, in_review, published -> draft, in_review, published   [review_state_decide]
 *   draft, in_review -> waived             [review_waive_decide]
 *   waived, published -> draft             [review_state_decide]
 *   any but waiting -> waiting             [review_after_incident]
 *
 * A review has the number of its incident, so there is never a second one, and whoever may not see the
 * incident does not know of the review. Facts are never typed in: they are computed from the journal
 * up to one seq whenever they are asked for; people's words stand beside them, each with its revision.
 *
 * Runs on: decide, apply and the follower on the world's thread; reading on any connection.
 */
#pragma once

#include "journal/world.h"
#include "review/review_phase.h"
#include "wire/spec.h"

#define REVIEW_TEXT_BYTES_MAX 40000u
#define REVIEW_LINE_BYTES_MAX 500u
#define REVIEW_LINK_BYTES_MAX 2000u
#define REVIEW_FACTORS_MAX 100
#define REVIEW_ACTIONS_MAX 100
#define REVIEW_DUE_DAYS 5u
#define REVIEW_LOOKS_BACK (30 * TIME_DAY) /* what ended earlier, before reviews were kept, owes none */
#define REVIEW_REMIND_EVERY (7 * TIME_DAY)

extern const struct store_table *const review_tables[];

/* Which priorities owe a review, and how soon: the definition "default", or the built-in one. */
#define REVIEW_POLICY "ReviewPolicy"
extern const struct spec_field review_policy_spec[];
struct review_policy {
	bool owes[5]; /* P1 to P5 */
	unsigned due_days;
	bool built_in;
};
enum err review_policy_get(struct store_conn *conn, struct arena *arena,
			   struct review_policy *ret_policy, struct error *err);
bool review_is_owed(const struct review_policy *policy, struct str priority);

/* ---- wires ---- */

now_fn review_after_incident; /* AFTER rows of what may end an incident or let it go on */
timer_fn review_due, review_action_due;
#define REVIEW_TIMER "review.due"
#define REVIEW_ACTION_TIMER "review.action"

apply_fn review_apply_drafted, review_apply_withdrawn, review_apply_assigned, review_apply_text_set,
	review_apply_factor_put, review_apply_factor_removed, review_apply_action_put,
	review_apply_state_set, review_apply_waived, review_apply_reminded;

/* ---- commands ---- */

struct review_start {
	int64_t incident, owner;
};
decide_fn review_start_decide; /* for an incident that owes none */

struct review_assign {
	int64_t incident;
	const int64_t *owner; /* NULL: as it is; 0: nobody */
	const time_us *due;
};
decide_fn review_assign_decide;

struct review_write {
	int64_t incident;
	struct str section, text;
	int64_t expect; /* the revision that was seen; -1: any */
};
decide_fn review_write_decide; /* ERR_PRECONDITION: somebody else wrote it in between */

struct review_factor {
	int64_t id, incident, parent;
	struct str kind, text;
};
struct review_factor_put {
	struct review_factor factor; /* id 0: a new one */
	int64_t *ret_factor;
};
decide_fn review_factor_put_decide;
struct review_factor_ref {
	int64_t incident, factor;
};
decide_fn review_factor_remove_decide;

struct review_action {
	int64_t id, incident, owner;
	struct str text, state, link;
	time_us due, created, closed;
};
struct review_action_put {
	struct review_action action; /* id 0: a new one; due TIME_NONE: by the policy */
	int64_t *ret_action;
};
decide_fn review_action_put_decide;

struct review_state {
	int64_t incident;
	struct str state, reason;
};
decide_fn review_state_decide, review_waive_decide;

/* ---- reading ---- */

struct review {
	int64_t incident;
	struct str state; /* draft, in_review, published, waived or waiting */
	int64_t owner;
	time_us due;
	struct str priority, service;
	int64_t up_to; /* the facts are those of this seq */
	time_us at[REVIEW_PHASE_COUNT];
	time_us published;
	int64_t published_by;
	int64_t revision; /* seq of the last change of it or of its parts */
	int64_t factors, actions, actions_open;
	struct str title; /* the incident's */
};
/* ERR_NOT_FOUND. Visibility is the incident's, and the caller's business. */
enum err review_get(struct store_conn *conn, int64_t incident, struct arena *arena,
		    struct review *ret_review, struct error *err);

struct review_filter {
	struct str states, priorities; /* words with commas; empty: any */
	struct str service, team;
	struct str text;     /* words of the incident's title */
	int64_t owner;       /* 0: any */
	time_us due_before;  /* not published and due before; TIME_NONE: any */
	time_us from, to;    /* of resolved */
	int64_t before_id;
	unsigned limit;
	struct str visible; /* guard's predicate over i, the incident */
	const struct store_value *visible_values;
	size_t visible_count;
};
typedef bool review_each_fn(void *context, const struct review *review);
enum err review_list(struct store_conn *conn, const struct review_filter *filter, struct arena *arena,
		     review_each_fn *each, void *context, struct error *err);

struct review_text {
	struct str section, text;
	int64_t revision, by; /* seq of the event that made it so */
	time_us at;
};
#define REVIEW_SECTIONS 6
struct review_section_row {
	const char *name, *title, *asks;
};
extern const struct review_section_row review_sections[REVIEW_SECTIONS];
/* One for each section, in their order; revision 0: nobody wrote it yet. */
enum err review_texts(struct store_conn *conn, int64_t incident, struct arena *arena,
		      struct review_text ret_texts[REVIEW_SECTIONS], struct error *err);

extern const char *const review_factor_kinds[]; /* ends in NULL */
typedef bool review_each_factor_fn(void *context, const struct review_factor *factor);
enum err review_factors(struct store_conn *conn, int64_t incident, struct arena *arena,
			review_each_factor_fn *each, void *context, struct error *err);

struct review_action_filter {
	int64_t incident, owner; /* 0: any */
	struct str states, service;
	time_us due_before;      /* open and due before */
	int64_t before_id;
	unsigned limit;
	struct str visible;
	const struct store_value *visible_values;
	size_t visible_count;
};
typedef bool review_each_action_fn(void *context, const struct review_action *action);
/* Newest first. */
enum err review_action_list(struct store_conn *conn, const struct review_action_filter *filter,
			struct arena *arena, review_each_action_fn *each, void *context,
			struct error *err);

/* How often each kind of factor was named in reviews of incidents that ended within. */
struct review_factor_count {
	struct str kind;
	int64_t factors, reviews;
};
typedef bool review_each_count_fn(void *context, const struct review_factor_count *count);
enum err review_factor_counts(struct store_conn *conn, const struct review_filter *filter,
			      struct arena *arena, review_each_count_fn *each, void *context,
			      struct error *err);

/* The facts of an incident from the journal, up to and with `up_to`; in the arena. */
enum err review_facts_read(struct store_conn *conn, int64_t incident, int64_t up_to,
			   struct arena *arena, struct review_facts **ret_facts, struct error *err);

/* ---- gentle hints about words (review_words.c) ---- */

struct review_hint {
	struct str found, say;
};
#define REVIEW_HINTS_MAX 20u
/* Of a text that people wrote; names are those who took part. Returns how many. */
size_t review_hints(struct str text, const struct str *names, size_t name_count, struct arena *arena,
		    struct review_hint ret_hints[REVIEW_HINTS_MAX]);
