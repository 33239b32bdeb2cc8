/*
 * escalation.h: who is paged next when nobody has answered. A pure state machine: it gets an event
 * and the time, changes one small state, and says what to do. It sends nothing and sets no timer.
 *
 * The promise: an open, unacknowledged incident of high urgency never goes ESCALATION_SILENCE_MAX
 * without a page, whatever the policy says, as long as anybody at all can be found.
 *
 *            START                     rounds over, high
 *     IDLE ---------> RUNNING --------------------------------> LAST_RESORT --+ DUE: pages again,
 *      ^               | ^  ^ \                                  | ^  ^       | every 15 min
 *      |        ACK    | |  |  \ rounds over, low                | |  +-------+
 *      |               | |  |   +------------> QUIET            | |
 *      |               v |  | not answered      |  ACK          | | not answered
 *      |   ACKNOWLEDGED<-+--+-------------------+---------------+ |
 *      |     |     ^  UNDO  |                                     |
 *      |     | DUE | ACK    |                                     |
 *      |     v     |        |                                     |
 *      |    ASKING-+--------+-------------------------------------+
 *      |
 *    STOPPED <--- RESOLVE from every state but IDLE; START leads back to RUNNING (opened again)
 *
 *     from                       event      to             [function in escalation.c]
 *     -------------------------  ---------  -------------  ---------------------------------------
 *     IDLE, STOPPED              START      RUNNING        [start]: pages the first non-empty step
 *     RUNNING                    DUE        RUNNING        [due_running]: next step, or a reminder
 *     RUNNING                    DUE        LAST_RESORT    [rounds_over]: high
 *     RUNNING                    DUE        QUIET          [rounds_over]: low; somebody was paged
 *     LAST_RESORT                DUE        LAST_RESORT    [enter_last_resort]
 *     open                       ACK        ACKNOWLEDGED   [acknowledge]; again: longer, or another
 *     ACKNOWLEDGED               DUE        ASKING         [ask]: "still on it?" to that person
 *     ASKING                     DUE        where it was   [resume]: pages at once
 *     ACKNOWLEDGED, ASKING       UNDO       where it was   [undo]: the timers of before go on
 *     RUNNING, ACKED, ASKING     ESCALATE   RUNNING        [escalate]: next step now
 *     LAST_RESORT, QUIET         ESCALATE   the same       [escalate]: last resort now
 *     open                       URGENCY    see [urgency]: up pages at once, down may end in QUIET
 *     STOPPED                    URGENCY    STOPPED        [urgency]: only remembered
 *     open                       RESOLVE    STOPPED        [stop]
 *
 * A step with nobody is passed at once and reported. When a whole round has nobody, the last resort
 * comes at once: the team and the last-resort targets, and when even these are nobody, everybody.
 * Low urgency wakes nobody, so it has no reminder; its last resort is paged once, and only when no
 * step reached anybody since the start, since an acknowledgement lapsed or since "escalate now".
 *
 * Time: `now` is whatever clock the caller's timers run on (elapsed, never the wall); it only grows
 * and is never 0. A late DUE does one step, and the next delay counts from then: people get their
 * whole time to answer.
 *
 * Owns nothing; the policy is borrowed for the call. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#define ESCALATION_STEPS_MAX 20u
#define ESCALATION_TARGETS_MAX 20u /* of one step, or of the last resort */
#define ESCALATION_ROUNDS_MAX 10u
#define ESCALATION_ROUNDS_DEFAULT 3u
#define ESCALATION_PEOPLE_MAX 200u /* paged at once; more are cut and reported */
#define ESCALATION_ACTIONS_MAX 256u

#define ESCALATION_SILENCE_MAX (15 * TIME_MINUTE)
#define ESCALATION_DELAY_MIN (10 * TIME_SECOND)
#define ESCALATION_DELAY_MAX (7 * TIME_DAY)
#define ESCALATION_ACK_DEFAULT (30 * TIME_MINUTE)
#define ESCALATION_ACK_LOW_DEFAULT TIME_DAY
#define ESCALATION_ACK_MAX (7 * TIME_DAY)
#define ESCALATION_ASK_DEFAULT (5 * TIME_MINUTE)

enum escalation_target_kind {
	ESCALATION_USER,
	ESCALATION_SCHEDULE, /* whoever is on call when it is asked */
	ESCALATION_TEAM,
	ESCALATION_EVERYBODY, /* never in a policy: the machine's own end of all ends */
	ESCALATION_CONCERNED, /* never in a policy: whom an incident closed to others is for */
};

struct escalation_target {
	enum escalation_target_kind kind;
	int64_t user;    /* USER */
	struct str name; /* SCHEDULE, TEAM */
};

struct escalation_step_spec {
	time_us delay; /* after paging this step, before the next */
	const struct escalation_target *targets;
	size_t target_count;
};

struct escalation_policy {
	struct str team; /* part of the last resort; may be empty */
	unsigned rounds;
	const struct escalation_step_spec *steps;
	size_t step_count;
	time_us last_every; /* between pages of the last resort; at most ESCALATION_SILENCE_MAX */
	const struct escalation_target *last_targets;
	size_t last_target_count;
	time_us ack_lapse;     /* high urgency: how long an acknowledgement holds */
	time_us ack_lapse_low; /* low urgency; 0: for ever */
	time_us ask_grace;     /* how long "still on it?" waits; at most ESCALATION_SILENCE_MAX */
};

/* ERR_INVALID, with the field ("steps[1].delay"). */
enum err escalation_policy_check(const struct escalation_policy *policy, struct error *err);

enum escalation_phase {
	ESCALATION_IDLE,
	ESCALATION_RUNNING,
	ESCALATION_LAST_RESORT,
	ESCALATION_QUIET,
	ESCALATION_ACKNOWLEDGED,
	ESCALATION_ASKING,
	ESCALATION_STOPPED,
};

/* All zero is IDLE. Plain values: it is stored as it is. */
struct escalation_state {
	enum escalation_phase phase;
	enum escalation_phase held; /* ACKNOWLEDGED, ASKING: where it was before */
	bool high;
	bool reached;          /* somebody was paged since START, a lapse, or ESCALATE */
	unsigned round;        /* 1 .. rounds */
	unsigned step;         /* index of the step that was paged last */
	time_us due;           /* the one timer; TIME_NONE: none */
	time_us step_due;      /* RUNNING (also held): when the next step comes */
	time_us last_send;     /* TIME_NONE: never */
	int64_t acknowledged_by;
};

enum escalation_event_kind {
	ESCALATION_START,
	ESCALATION_DUE, /* the timer fired; too early does nothing */
	ESCALATION_ACK,
	ESCALATION_UNDO, /* the acknowledgement was a mistake */
	ESCALATION_ESCALATE,
	ESCALATION_URGENCY,
	ESCALATION_RESOLVE,
};

struct escalation_event {
	enum escalation_event_kind kind;
	int64_t user; /* ACK: who */
	bool high;    /* START, URGENCY */
};

enum escalation_action_kind {
	ESCALATION_PAGE,        /* `user`; `reason` says why */
	ESCALATION_STEP_EMPTY,  /* report: nobody at `step`, it was passed */
	ESCALATION_ROUNDS_OVER, /* report: nobody answered in all rounds, or nobody was there */
	ESCALATION_LAPSED,      /* report: the acknowledgement of `user` is over */
	ESCALATION_CUT,    /* report: more people than ESCALATION_PEOPLE_MAX; `user` is the count */
	ESCALATION_NOBODY, /* report, loudly: there is nobody at all to page */
};

enum escalation_reason {
	ESCALATION_BY_STEP,
	ESCALATION_BY_REMINDER, /* the same step again: its delay is longer than silence may be */
	ESCALATION_BY_ASK,      /* "still on it?" */
	ESCALATION_BY_RESUME,
	ESCALATION_BY_LAST_RESORT,
	ESCALATION_BY_PERSON, /* somebody pressed "escalate now" */
	ESCALATION_BY_URGENCY,
};

struct escalation_action {
	enum escalation_action_kind kind;
	enum escalation_reason reason;
	int64_t user;
	unsigned round, step;
};

struct escalation_actions {
	size_t count;
	struct escalation_action items[ESCALATION_ACTIONS_MAX];
	time_us late; /* DUE: by how much it came too late */
};

/* Writes at most `max` people of the target and returns how many there are. Who cannot be paged at
 * all (disabled) is left out here. A schedule is asked at the wall time that belongs to `now`. */
typedef size_t escalation_resolve_fn(void *context, const struct escalation_target *target,
				     time_us now, int64_t *ret_users, size_t max);

/* One event. ERR_CONFLICT: the phase does not allow it (an ACK of what is resolved); then neither
 * the state nor the actions changed. The actions are to be done in order. */
enum err escalation_step(const struct escalation_policy *policy, struct escalation_state *state,
			 const struct escalation_event *event, time_us now,
			 escalation_resolve_fn *resolve, void *context,
			 struct escalation_actions *ret_actions, struct error *err);

/* What every phase promises; ends the process when it does not hold. Called after every step. */
void escalation_assert(const struct escalation_state *state);

/* "running", "last resort", ... */
const char *escalation_phase_name(enum escalation_phase phase);
