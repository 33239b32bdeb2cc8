/*
 * incident.h: what is wrong for somebody, from the first alert to the end.
 *
 *              opened            acknowledge              recovery, resolve
 *     (none) ---------> open ------------------> acknowledged ------------> resolved
 *                        ^ |  <-- lapse, undo --      |                       |
 *                        | +--------- recovery, resolve ----------------------+
 *                        +---------------- reopen, undo ----------------------+
 *
 *   from -> to                       [function]
 *   none -> open                     [incident_from_alerts, incident_open_decide]
 *   open -> acknowledged             [incident_acknowledge_decide]
 *   acknowledged -> acknowledged     [incident_acknowledge_decide]    taken over, or time renewed
 *   acknowledged -> open             [incident_after_escalation]      nobody answered "still on it?"
 *   open, acknowledged -> resolved   [incident_from_alerts, incident_resolve_decide]
 *   resolved -> open                 [incident_reopen_decide]
 *   any -> what it was               [incident_undo_decide]           within ten seconds
 *
 * Priority is impact x urgency, read from a matrix that the team owns; the incident keeps the cell
 * and the reasons, so that anyone can see why it is a P1.
 *
 * Runs on: decide and apply on the world's thread. Clock: passed in.
 */
#pragma once

#include "journal/world.h"
#include "wire/spec.h"

#define INCIDENT_ACK_LASTS (30 * TIME_MINUTE)
#define INCIDENT_UNDO_WITHIN (10 * TIME_SECOND)
#define INCIDENT_TITLE_BYTES_MAX 200u
#define INCIDENT_TEXT_BYTES_MAX 20000u

extern const struct store_table *const incident_tables[];
extern const struct spec_field incident_matrix_spec[]; /* the rows of kind PriorityMatrix */
void incident_matrix_rule(const struct doc_node *spec, struct spec_errors *errors);
#define INCIDENT_MATRIX "PriorityMatrix"

struct incident {
	int64_t id;
	struct str title, state; /* open, acknowledged or resolved */
	struct str service, team;
	struct str impact, urgency, priority;
	struct str why;        /* JSON: impact_reason, urgency_reason, cell, matrix */
	struct str visibility; /* everyone, team or private */
	struct str policy, source;
	time_us opened;
	time_us acknowledged; /* TIME_NONE: not, or no longer */
	int64_t acknowledged_by;
	time_us ack_until;
	time_us resolved;
	int64_t firing; /* alerts that fire now */
	int64_t opened_by;
};

/* ---- commands ---- */

struct incident_open {
	struct str title, service, team, impact, urgency, visibility; /* all but title may be empty */
	struct str impact_reason, urgency_reason; /* why, where impact or urgency is given; may be empty */
	struct str source; /* person, api or report */
	int64_t *ret_incident;
};
enum err incident_open_decide(struct decision *d, const void *incident_open, struct error *err);

/* What a person does to one incident; `text` is the note, reason or title. */
struct incident_act {
	int64_t incident;
	int64_t user; /* who acts: the actor, or whom the pressed link belongs to */
	struct str via, text;
	struct str impact, urgency; /* of priority_set; empty: as it is */
	int64_t seq;                /* of undo */
};
enum err incident_acknowledge_decide(struct decision *d, const void *incident_act, struct error *err);
enum err incident_resolve_decide(struct decision *d, const void *incident_act, struct error *err);
enum err incident_reopen_decide(struct decision *d, const void *incident_act, struct error *err);
enum err incident_note_decide(struct decision *d, const void *incident_act, struct error *err);
enum err incident_priority_decide(struct decision *d, const void *incident_act, struct error *err);
enum err incident_retitle_decide(struct decision *d, const void *incident_act, struct error *err);
enum err incident_undo_decide(struct decision *d, const void *incident_act, struct error *err);

/* ---- NOW rows ---- */

enum err incident_from_alerts(struct decision *d, const struct event *event, struct error *err);
enum err incident_after_alert_ended(struct decision *d, const struct event *event, struct error *err);
enum err incident_after_alerts_ended(struct decision *d, const struct event *event, struct error *err);
enum err incident_after_escalation(struct decision *d, const struct event *event, struct error *err);

/* ---- applies: one for each kind "incident.*" that changes a row ---- */

apply_fn incident_apply_opened, incident_apply_alert_joined, incident_apply_alert_ended,
	incident_apply_acknowledged, incident_apply_ack_lapsed, incident_apply_resolved,
	incident_apply_reopened, incident_apply_priority_set, incident_apply_retitled,
	incident_apply_undone, incident_apply_alerts_joined, incident_apply_alerts_ended;

/* ---- reading ---- */

enum err incident_get(struct store_conn *conn, int64_t id, struct arena *arena,
		      struct incident *ret_incident, struct error *err);

struct incident_filter {
	struct str states, priorities;       /* words with commas, "open,acknowledged"; empty: any */
	struct str team, service;            /* empty: any */
	time_us from, to;                    /* opened within, `to` not included; TIME_NONE: any */
	struct str text;                     /* words of the title; empty: any */
	int64_t before_id;                   /* newest first, ids below; 0: from the newest */
	unsigned limit;
	/* guard's predicate over `visibility` and `team`, and its values; empty: everything */
	struct str visible;
	const struct store_value *visible_values;
	size_t visible_count;
};
typedef bool incident_each_fn(void *context, const struct incident *incident);
enum err incident_list(struct store_conn *conn, const struct incident_filter *filter,
		       struct arena *arena, incident_each_fn *each, void *context,
		       struct error *err);

/* The matrix in force: the definition "default", or the built-in one. */
struct incident_matrix {
	const char *cells[3][3]; /* [impact][urgency], high first; in the arena or constant */
	bool built_in;
};
enum err incident_matrix_get(struct store_conn *conn, struct arena *arena,
			     struct incident_matrix *ret_matrix, struct error *err);
/* 0 high, 1 medium, 2 low; -1 for anything else. */
int incident_level(struct str level);

/* Where impact and urgency came from, before the matrix is asked. */
struct incident_weight {
	struct str impact, impact_reason;
	struct str urgency, urgency_reason;
};

/* The priority of a weight, and the JSON that explains it. */
enum err incident_weigh(struct decision *d, const struct incident_weight *weight,
			struct str *ret_priority, struct str *ret_why, struct error *err);

/* Asserts what each state promises. */
void incident_assert(const struct incident *incident);
