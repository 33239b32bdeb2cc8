/*
 * readiness.h: what would go wrong tonight: read before the incident, not at 3 a.m.
 *
 * Looks at a policy over the time to come and names what it finds: a schedule that is empty for a
 * while, a step with nobody at all, somebody who is on call and has no contact that can wake a
 * person, a last resort without people. The one function for who is on call (oncall.h) answers here
 * too.
 *
 * Pure; any thread. What is stored elsewhere comes through the callbacks.
 */
#pragma once

#include "oncall/escalation.h"
#include "oncall/oncall.h"

#define READINESS_FINDINGS_MAX 200u
/* of these, those that are not severe: they leave room for the others */
#define READINESS_MINOR_MAX 100u
#define READINESS_AHEAD (28 * TIME_DAY) /* what callers usually look at */
#define READINESS_TEXT_BYTES 320u

struct readiness_source {
	/* NULL: there is no such schedule. */
	const struct schedule *(*schedule)(void *context, struct str name);
	/* Who can be paged of a USER or TEAM target; see escalation_resolve_fn. */
	escalation_resolve_fn *resolve;
	/* Whether the person has a verified contact that wakes: for high urgency, without delay. */
	bool (*wakeable)(void *context, int64_t user);
	void *context;
};

enum readiness_kind {
	READINESS_NO_SCHEDULE, /* the step names a schedule that is not there */
	READINESS_GAP,         /* `from` .. `until`: nobody on call in the schedule */
	READINESS_STEP_EMPTY, /* `from` .. `until`: nobody at all at the step: it would be passed */
	READINESS_ALL_EMPTY,  /* `from` .. `until`: nobody at any step: last resort at once */
	READINESS_NOT_WAKEABLE, /* `user`, first on call at `from` */
	READINESS_LAST_EMPTY,   /* neither the team nor the last resort has people */
	READINESS_ONE_PERSON,   /* every step is the same single person from `from` to `until` */
	READINESS_CUT,          /* the last one: there was more than the limits */
};

struct readiness_finding {
	enum readiness_kind kind;
	bool severe;    /* nobody would be woken; else it only delays */
	unsigned step;  /* index */
	struct str name; /* of the schedule; borrowed from the policy */
	int64_t user;
	time_us from, until;
};

/* Findings in order of kind as found, in the arena; an empty list means ready. ERR_INVALID and
 * ERR_TOO_LARGE as oncall_segments. */
enum err readiness_check(const struct escalation_policy *policy,
			 const struct readiness_source *source, time_us from, time_us until,
			 struct arena *arena, struct readiness_finding **ret_findings,
			 size_t *ret_count, struct error *err);

/* A finished sentence, times in UTC; `user_name` for NOT_WAKEABLE and ONE_PERSON. */
void readiness_text(const struct readiness_finding *finding, struct str user_name,
		    char ret_text[READINESS_TEXT_BYTES]);
