/*
 * check.h: from single results to a state one can page on. Pure: no clock, no I/O, no memory.
 *
 *                     ok                                    ok, slow or certificate near its end
 *       +---------------------------------+        +------------------------------------------+
 *       |                                 v        |                                          v
 *   UNKNOWN <--resume-- PAUSED           UP -------+-----------------------------------> DEGRADED
 *       |                 ^               | <----------------------------------------------+  |
 *       | failure         | pause         | failure                 ok, fine again            | failure
 *       |                 | (any)         v                                                   |
 *       +------------------------->   FAILING  <----------------------------------------------+
 *                                     |     |  ok: back to UP or DEGRADED (it was a blip)
 *              failures >= fail_after |
 *              and time >= for        v            ok, recover_after not reached
 *                                   DOWN --------------------------------------> RECOVERING
 *                                     ^                 failure                   |
 *                                     +-------------------------------------------+--> UP, DEGRADED
 *                                                                     oks >= recover_after
 *
 *   from         to             [decided in]        when
 *   unknown      up, degraded   [settle_good]       first result is good
 *   unknown      failing        [step_bad]          first result is bad
 *   up, degraded failing        [step_bad]          a bad result, not yet enough
 *   up, degraded, unknown, failing -> down [step_bad]  fail_after in a row, and bad for `for`
 *   failing      up, degraded   [settle_good]       one good result
 *   up           degraded       [settle_good]       fail_after slow or warned ones in a row, or the certificate
 *   degraded     up             [settle_good]       recover_after quick ones in a row, certificate fine
 *   down         recovering     [step_good]         a good result, not yet enough
 *   recovering   down           [step_bad]          a bad result
 *   down, recovering -> up, degraded [step_good]    recover_after good ones in a row
 *   up, degraded, failing -> unknown [step_blind]   fail_after in a row in which the probe could not look
 *   any          paused         [check_pause]       a person
 *   paused       unknown        [check_resume]      a person; counters begin anew
 *
 * A blind result (the probe could not look: no permission, no program, a plugin that says "unknown") says
 * nothing about what is looked at. It never makes a check down, and what is down stays down until it
 * is seen good.
 *
 * FAILING and RECOVERING are suspicions: they are shown, and never paged. Durations are measured in
 * time since boot; a clock that is set changes nothing.
 *
 * Flapping is told beside the state, by the weighted share of changes among the last 21 hard states
 * (as Nagios and its heirs do): it begins at 30 percent and ends at 25.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/address.h"

enum check_status {
	CHECK_UNKNOWN,
	CHECK_UP,
	CHECK_FAILING,
	CHECK_DOWN,
	CHECK_RECOVERING,
	CHECK_DEGRADED,
	CHECK_PAUSED,
	CHECK_STATUS_COUNT
};

#define CHECK_REASON_BYTES 256
#define CHECK_NODE_BYTES 64
#define CHECK_DETAIL_BYTES_MAX 32768
#define CHECK_COUNT_MAX 100    /* fail_after and recover_after */
#define CHECK_FLAP_STATES 21
#define CHECK_FLAP_BEGIN 30    /* percent */
#define CHECK_FLAP_END 25

struct check_rules {
	unsigned fail_after;    /* bad results in a row before down; 1 .. CHECK_COUNT_MAX */
	unsigned recover_after; /* good ones in a row before up again; 1 .. CHECK_COUNT_MAX */
	time_us down_for;       /* and bad for at least so long; 0: at once */
	time_us latency_warn;   /* slower is degraded; 0: never */
	int warn_days;          /* certificate: fewer days left is degraded; 0: never */
	int fail_days;          /* fewer is a failure; applied by check_judge */
};

/* Where the time of one look went; a step that was not reached or not needed is 0. */
struct check_timings {
	time_us dns, connect, tls, first_byte; /* each step's own length */
	time_us total;                         /* of the whole look, also of one that failed; 0: not measured */
};

/* What a probe found. */
struct check_result {
	time_us wall;      /* when it began */
	time_us boot;      /* the same instant, since boot; never less than that of the result before */
	bool good;
	bool blind;        /* could not look; `reason` says why and what to do; `good` is false */
	bool warned;       /* good, but not well: degraded when it lasts */
	time_us latency;   /* of the whole probe; 0 when there was no answer */
	int status;        /* HTTP status; 0 when there is none */
	char address[ADDRESS_TEXT_BYTES]; /* it spoke to, or tried last; empty: none was reached or known */
	char node[CHECK_NODE_BYTES];      /* the other server that looked; empty: this one */
	struct check_timings timings;
	bool certificated; /* the next four are set */
	int days_left;
	time_us not_after;
	char subject[96], issuer[96]; /* of the certificate, cut */
	char reason[CHECK_REASON_BYTES]; /* why it is bad, or a word about a good one: "200 in 12 ms" */
	const char *detail; /* what else the page of the check shows, as a JSON object: perfdata, steps,
	                     * answers; at most CHECK_DETAIL_BYTES_MAX. Lent with the result; NULL: nothing */
};

/* Plain data: copy it, store it, load it. All zero is a new check. */
struct check_state {
	enum check_status status;
	enum check_status hard;         /* the last one that was no suspicion */
	time_us since_wall, since_boot; /* of the status; 0 while it never changed */
	time_us bad_boot;               /* first bad result of the row that lasts; 0: none */
	uint32_t bad, good, slow, quick;  /* in a row; they stop at CHECK_COUNT_MAX */
	uint32_t blind;                   /* in a row; stops as well */
	uint32_t flap_ring;               /* newest in bit 0; 1 is down */
	uint8_t flap_count;               /* states in the ring */
	bool flapping;
	bool is_slow, certificate_near; /* why it is degraded */
};

struct check_transition {
	enum check_status from, to;  /* equal when only `flapping` changed */
	enum check_status hard_from, hard_to; /* without suspicions: what alerts are made of */
	bool flapping, flap_changed; /* its new value */
	time_us wall, boot;          /* of the result that decided */
	time_us bad_since;           /* boot time; into and out of down: when it began; else 0 */
	unsigned bad;                /* failures in a row so far */
	time_us latency;             /* of the result that decided */
	char reason[CHECK_REASON_BYTES];
};

/* One result. True when status or flapping changed, then *ret_transition is set. While paused nothing
 * changes. */
bool check_step(const struct check_rules *rules, struct check_state *state,
                const struct check_result *result, struct check_transition *ret_transition);

/* True when it changed something: pausing twice is no transition. */
bool check_pause(struct check_state *state, time_us wall, time_us boot, const char *reason,
                 struct check_transition *ret_transition);
bool check_resume(struct check_state *state, time_us wall, time_us boot, const char *reason,
                  struct check_transition *ret_transition);

/* Turns a good result bad when its certificate has fewer than fail_days left. */
void check_judge(const struct check_rules *rules, struct check_result *result);

/* What each status promises. Called after every step. */
void check_state_assert(const struct check_state *state);

unsigned check_flap_percent(const struct check_state *state);
const char *check_status_name(enum check_status status); /* "up" */

/* True when it is more than a suspicion that came or went: down -> recovering -> down is no news. Only
 * news becomes a command; the live view may show the rest. */
bool check_transition_is_news(const struct check_transition *transition);

/* What the API and people see: failing is still what it was before, recovering still "down". */
const char *check_status_shown(const struct check_state *state);
