/*
 * comms.h: telling people: updates on incidents, what is owed to whom, and when.
 *
 *                 post               ten seconds are over
 *     (none) ------------> waiting ------------------------> published
 *                             |                                  |  ^ edit
 *                             +---- withdraw ----> withdrawn     +--+
 *
 *   from -> to                 [function]
 *   none -> waiting            [comms_post_decide]
 *   waiting -> published       [comms_publish_due]      update.published: who sends it on listens
 *   waiting -> withdrawn       [comms_withdraw_decide]
 *   published -> published     [comms_edit_decide]      the old words stay in the journal
 *
 * An update has one audience: engineers and executives are inside, customers are everybody. News of an
 * incident that not everybody may see is never for customers.
 *
 * What is owed follows the cadence of the incident's priority (kind UpdateCadence). The holder of the
 * incident is reminded before an update is late, and told when it is.
 *
 * Runs on: decide and apply on the world's thread, reading on any connection. Clock: passed in.
 */
#pragma once

#include "journal/world.h"
#include "wire/spec.h"

#define COMMS_UNDO_WITHIN (10 * TIME_SECOND)
#define COMMS_TEXT_BYTES_MAX 20000u
#define COMMS_TITLE_BYTES_MAX 120u
#define COMMS_COMPONENTS_MAX 50u
#define COMMS_REASON_BYTES_MAX 500u
#define COMMS_UPDATES_MAX 500u /* of one incident */
#define COMMS_RATINGS_MAX 100000 /* of one update; more are not counted */

extern const struct store_table *const comms_update_tables[];

enum comms_audience { COMMS_ENGINEERS, COMMS_EXECUTIVES, COMMS_CUSTOMERS, COMMS_AUDIENCE_COUNT };
const char *comms_audience_name(enum comms_audience audience);
bool comms_audience_parse(struct str text, enum comms_audience *ret_audience);
static inline bool comms_is_public(enum comms_audience audience) { return audience == COMMS_CUSTOMERS; }

extern const char *const comms_audiences[];   /* for rows of specs; ends in NULL */
extern const char *const comms_states[];      /* investigating, identified, monitoring, resolved */
extern const char *const comms_statuses[];    /* operational ... under_maintenance, the best first */

/* 0 operational, 1 degraded_performance, 2 partial_outage, 3 major_outage, 4 under_maintenance; -1. */
int comms_status_rank(struct str status);

struct comms_component {
	struct str service, status;
};

struct comms_update {
	int64_t id, incident;
	enum comms_audience audience;
	struct str state, title, text;
	struct str components; /* JSON: [{service, status}] */
	time_us next_at;       /* promised; TIME_NONE: not */
	time_us public_at;     /* when it goes out, or went out */
	time_us posted;
	int64_t posted_by;
	time_us published, withdrawn, edited; /* TIME_NONE: not */
};

/* The components of an update, in the arena; at most COMMS_COMPONENTS_MAX. */
enum err comms_components(struct str json, struct arena *arena, struct comms_component **ret_rows,
			  size_t *ret_count, struct error *err);

/* ---- commands ---- */

struct comms_post {
	int64_t incident;
	enum comms_audience audience;
	struct str state, title, text;
	struct str components; /* JSON; empty: as in the update before, or the incident's service */
	time_us next_at;       /* TIME_NONE: by the cadence, without a promise */
	int64_t *ret_update;
};
decide_fn comms_post_decide;

struct comms_withdraw {
	int64_t incident, update;
	int64_t user; /* who acts: only who wrote it */
};
decide_fn comms_withdraw_decide;

struct comms_edit {
	int64_t incident, update;
	struct str text, components, reason; /* components empty: as they are */
};
decide_fn comms_edit_decide;

/* Somebody outside says whether an update on a status page helped. Counted, and nothing else is kept. */
struct comms_rate {
	int64_t update;
	bool helped;
};
decide_fn comms_rate_decide;

/* ---- timers ---- */

#define COMMS_PUBLISH_TIMER "update.publish" /* of an update */
#define COMMS_PLAN_TIMER "update.plan"       /* of an incident: works out what is owed */
#define COMMS_WATCH_TIMER "update.watch"     /* of an incident: a reminder, or it is late */
timer_fn comms_publish_due, comms_plan_due, comms_watch_due;

/* ---- applies ---- */

apply_fn comms_apply_posted, comms_apply_published, comms_apply_withdrawn, comms_apply_edited,
	comms_apply_planned, comms_apply_reminded, comms_apply_rated;
/* What changes what is owed only sets the timer that works it out: nothing here can hold up a page. */
apply_fn comms_apply_incident_opened, comms_apply_incident_priority_set, comms_apply_incident_resolved,
	comms_apply_incident_reopened, comms_apply_incident_undone;

/* ---- reading ---- */

/* ERR_NOT_FOUND. */
enum err comms_update_get(struct store_conn *conn, int64_t id, struct arena *arena,
			  struct comms_update *ret_update, struct error *err);

typedef bool comms_each_update_fn(void *context, const struct comms_update *update);
struct comms_update_filter {
	int64_t incident;     /* 0: of every incident; guard's predicate is the caller's business */
	bool published_only;  /* for customers, published and not withdrawn: what pages and feeds show */
	int64_t before_id;    /* newest first, ids below; 0: from the newest */
	time_us since;        /* posted after; TIME_NONE: any */
	unsigned limit;
};
enum err comms_update_list(struct store_conn *conn, const struct comms_update_filter *filter,
			   struct arena *arena, comms_each_update_fn *each, void *context,
			   struct error *err);

struct comms_rating {
	int64_t helped, unsure;
};
enum err comms_rating_get(struct store_conn *conn, int64_t update, struct comms_rating *ret_rating, struct error *err);

/* What is owed for an incident: to customers, and to those inside. */
struct comms_owed {
	int64_t incident;
	time_us public_due, internal_due; /* TIME_NONE: nothing */
	int public_told, internal_told;   /* 0 nobody was, 1 reminded, 2 told that it is late */
};
enum err comms_owed_get(struct store_conn *conn, int64_t incident, struct comms_owed *ret_owed,
			struct error *err);
typedef bool comms_each_owed_fn(void *context, const struct comms_owed *owed);
/* Due before `before`, the longest overdue first. */
enum err comms_owed_list(struct store_conn *conn, time_us before, unsigned limit,
			 comms_each_owed_fn *each, void *context, struct error *err);

/* ---- cadence ---- */

#define COMMS_CADENCE "UpdateCadence"
extern const struct spec_field comms_cadence_spec[];

struct comms_cadence {
	time_us first, public_every, internal_every; /* 0: no update is owed */
};
/* Of the definition "default", else the built-in one. Priority: "P1".."P5". */
enum err comms_cadence_get(struct store_conn *conn, struct str priority, struct arena *arena,
			   struct comms_cadence *ret_cadence, struct error *err);
