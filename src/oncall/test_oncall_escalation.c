/*
 * test_oncall_escalation.c: single stories first, then random policies, people who come and go, and
 * random events against what must always hold.
 */
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "oncall/escalation.h"

#define USERS_MAX 12

/* Who stands behind a target: by name "s0".."s7" and "team", all may be empty. */
struct staff {
	bool on[8][USERS_MAX];
	bool team[USERS_MAX];
	bool everybody[USERS_MAX];
	size_t crowd; /* when set, the team is that many */
};

static size_t resolve(void *context, const struct escalation_target *target, time_us now,
		      int64_t *ret_users, size_t max)
{
	const struct staff *staff = context;
	const bool *who = staff->everybody;
	size_t count = 0;
	if (target->kind == ESCALATION_USER) {
		ret_users[0] = target->user;
		return 1;
	}
	if (target->kind == ESCALATION_TEAM && staff->crowd > 0) {
		for (; count < staff->crowd && count < max; count++)
			ret_users[count] = (int64_t)count + 1;
		return staff->crowd;
	}
	if (target->kind == ESCALATION_TEAM)
		who = staff->team;
	if (target->kind == ESCALATION_SCHEDULE)
		who = staff->on[target->name.ptr[1] - '0'];
	for (int64_t user = 1; user < USERS_MAX && count < max; user++)
		if (who[user])
			ret_users[count++] = user;
	return count;
}

struct run {
	struct escalation_policy policy;
	struct escalation_step_spec steps[8];
	struct escalation_target targets[8][2];
	struct escalation_target last[2];
	struct escalation_state state;
	struct escalation_actions actions;
	struct staff staff;
	time_us now;
};

static const char *const schedule_names[] = { "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7" };

static struct escalation_target schedule_target(unsigned i)
{
	return (struct escalation_target){ ESCALATION_SCHEDULE, 0, str_of(schedule_names[i]) };
}

/* Three steps of 5 minutes: s0, s1, s2, each with user 1, 2, 3; the team is 7, the boss is 9. */
static void begin(struct run *run)
{
	*run = (struct run){ .now = TIME_HOUR };
	for (unsigned i = 0; i < 8; i++) {
		run->targets[i][0] = schedule_target(i);
		run->steps[i] = (struct escalation_step_spec){ 5 * TIME_MINUTE, run->targets[i], 1 };
	}
	for (unsigned i = 0; i < 3; i++)
		run->staff.on[i][i + 1] = true;
	run->staff.team[7] = true;
	run->staff.everybody[11] = true;
	run->last[0] = (struct escalation_target){ ESCALATION_USER, 9, STR_NONE };
	run->policy = (struct escalation_policy){
		.team = STR("team"), .rounds = 3, .steps = run->steps, .step_count = 3,
		.last_every = 15 * TIME_MINUTE, .last_targets = run->last, .last_target_count = 1,
		.ack_lapse = ESCALATION_ACK_DEFAULT, .ack_lapse_low = ESCALATION_ACK_LOW_DEFAULT,
		.ask_grace = ESCALATION_ASK_DEFAULT,
	};
	struct error err;
	CHECK_OK(escalation_policy_check(&run->policy, &err));
}

static enum err send_event(struct run *run, enum escalation_event_kind kind, int64_t user,
			   bool high)
{
	struct escalation_event event = { kind, user, high };
	return escalation_step(&run->policy, &run->state, &event, run->now, resolve, &run->staff,
			       &run->actions, NULL);
}

/* The actions as text: pages "1 2", reports "!empty0" and so on. */
static const char *told(const struct run *run, char *ret_text, size_t size)
{
	static const char *const names[] = { "", "!empty", "!over", "!lapsed", "!cut", "!nobody" };
	size_t used = 0;
	ret_text[0] = '\0';
	for (size_t i = 0; i < run->actions.count; i++) {
		const struct escalation_action *action = &run->actions.items[i];
		const char *gap = i > 0 ? " " : "";
		long long number =
			action->kind == ESCALATION_STEP_EMPTY ? action->step : action->user;
		used += (size_t)snprintf(ret_text + used, size - used, "%s%s%lld", gap,
					 names[action->kind], number);
		if (used >= size)
			break;
	}
	return ret_text;
}

#define CHECK_TOLD(run, wanted)                                       \
	do {                                                          \
		char text_[512];                                      \
		CHECK_TEXT(told((run), text_, sizeof text_), wanted); \
	} while (0)

static void after(struct run *run, time_us by, const char *wanted)
{
	char text[512];
	run->now += by;
	CHECK_INT(send_event(run, ESCALATION_DUE, 0, false), OK);
	if (strcmp(told(run, text, sizeof text), wanted) != 0)
		fail_msg("after %lld s: wanted \"%s\", found \"%s\"", (long long)(by / TIME_SECOND),
			 wanted, text);
}

TEST(three_rounds_then_the_team_and_the_last_resort_every_15_minutes)
{
	struct run run;
	begin(&run);
	CHECK_INT(send_event(&run, ESCALATION_START, 0, true), OK);
	CHECK_TOLD(&run, "1");
	for (unsigned round = 1; round <= 3; round++) {
		after(&run, 5 * TIME_MINUTE, "2");
		CHECK_INT(run.actions.items[0].round, round);
		after(&run, 5 * TIME_MINUTE, "3");
		after(&run, 5 * TIME_MINUTE, round < 3 ? "1" : "!over0 7 9");
	}
	CHECK_INT(run.state.phase, ESCALATION_LAST_RESORT);
	for (unsigned i = 0; i < 100; i++) {
		CHECK_INT(run.state.due, run.now + 15 * TIME_MINUTE);
		after(&run, 15 * TIME_MINUTE, "7 9");
		CHECK_INT(run.actions.items[0].reason, ESCALATION_BY_LAST_RESORT);
	}
}

TEST(a_step_with_nobody_is_passed_at_once_and_reported)
{
	struct run run;
	begin(&run);
	run.staff.on[0][1] = false;
	CHECK_INT(send_event(&run, ESCALATION_START, 0, true), OK);
	CHECK_TOLD(&run, "!empty0 2");
	CHECK_INT(run.state.step, 1);
	run.staff.on[2][3] = false;
	after(&run, 5 * TIME_MINUTE, "!empty2 !empty0 2");
	CHECK_INT(run.state.round, 2);
}

TEST(when_no_step_has_anybody_the_last_resort_comes_at_once)
{
	struct run run;
	begin(&run);
	memset(run.staff.on, 0, sizeof run.staff.on);
	CHECK_INT(send_event(&run, ESCALATION_START, 0, true), OK);
	CHECK_TOLD(&run, "!empty0 !empty1 !empty2 !over0 7 9");
	CHECK_INT(run.state.phase, ESCALATION_LAST_RESORT);
	run.staff.team[7] = false;
	run.policy.last_target_count = 0;
	after(&run, 15 * TIME_MINUTE, "11"); /* everybody is the end of all ends */
	run.staff.everybody[11] = false;
	after(&run, 15 * TIME_MINUTE, "!nobody0");
	CHECK_INT(run.state.due, run.now + 15 * TIME_MINUTE);
}

TEST(an_acknowledgement_stops_the_pages_then_asks_then_goes_on)
{
	struct run run;
	begin(&run);
	send_event(&run, ESCALATION_START, 0, true);
	after(&run, 5 * TIME_MINUTE, "2");
	run.now += TIME_MINUTE;
	CHECK_INT(send_event(&run, ESCALATION_ACK, 2, false), OK);
	CHECK_TOLD(&run, "");
	CHECK_INT(run.state.due, run.now + 30 * TIME_MINUTE);
	after(&run, 4 * TIME_MINUTE, "");
	after(&run, 25 * TIME_MINUTE, "");
	after(&run, TIME_MINUTE, "2");
	CHECK_INT(run.actions.items[0].reason, ESCALATION_BY_ASK);
	CHECK_INT(run.state.phase, ESCALATION_ASKING);
	after(&run, 5 * TIME_MINUTE - 1, "");
	after(&run, 1, "!lapsed2 2");
	CHECK_INT(run.actions.items[1].reason, ESCALATION_BY_RESUME);
	CHECK_INT(run.state.phase, ESCALATION_RUNNING);
	after(&run, 5 * TIME_MINUTE, "3");
}

TEST(answering_still_on_it_holds_again_and_another_person_may_take_over)
{
	struct run run;
	begin(&run);
	send_event(&run, ESCALATION_START, 0, true);
	send_event(&run, ESCALATION_ACK, 1, false);
	after(&run, 30 * TIME_MINUTE, "1");
	CHECK_INT(send_event(&run, ESCALATION_ACK, 1, false), OK);
	CHECK_INT(run.state.due, run.now + 30 * TIME_MINUTE);
	run.now += TIME_MINUTE;
	CHECK_INT(send_event(&run, ESCALATION_ACK, 5, false), OK);
	CHECK_INT(run.state.acknowledged_by, 5);
	after(&run, 30 * TIME_MINUTE, "5");
}

TEST(an_undone_acknowledgement_goes_on_where_it_was)
{
	struct run run;
	begin(&run);
	send_event(&run, ESCALATION_START, 0, true);
	run.now += TIME_MINUTE;
	send_event(&run, ESCALATION_ACK, 1, false);
	run.now += 5 * TIME_SECOND;
	CHECK_INT(send_event(&run, ESCALATION_UNDO, 0, false), OK);
	CHECK_TOLD(&run, "");
	CHECK_INT(run.state.phase, ESCALATION_RUNNING);
	after(&run, 4 * TIME_MINUTE - 5 * TIME_SECOND, "2");
	send_event(&run, ESCALATION_ACK, 1, false);
	run.now += 6 * TIME_MINUTE; /* the next step came due meanwhile */
	CHECK_INT(send_event(&run, ESCALATION_UNDO, 0, false), OK);
	CHECK_TOLD(&run, "3");
}

TEST(escalate_now_pages_the_next_step_at_once)
{
	struct run run;
	begin(&run);
	send_event(&run, ESCALATION_START, 0, true);
	CHECK_INT(send_event(&run, ESCALATION_ESCALATE, 0, false), OK);
	CHECK_TOLD(&run, "2");
	CHECK_INT(run.actions.items[0].reason, ESCALATION_BY_PERSON);
	CHECK_INT(run.state.due, run.now + 5 * TIME_MINUTE);
	send_event(&run, ESCALATION_ACK, 2, false);
	CHECK_INT(send_event(&run, ESCALATION_ESCALATE, 0, false), OK); /* "I need help" */
	CHECK_TOLD(&run, "3");
	CHECK_INT(run.state.acknowledged_by, 0);
}

TEST(a_long_delay_does_not_make_a_long_silence)
{
	struct run run;
	begin(&run);
	run.steps[0].delay = TIME_HOUR;
	send_event(&run, ESCALATION_START, 0, true);
	after(&run, 15 * TIME_MINUTE, "1");
	CHECK_INT(run.actions.items[0].reason, ESCALATION_BY_REMINDER);
	after(&run, 15 * TIME_MINUTE, "1");
	run.staff.on[0][1] = false; /* the shift ends, nobody follows */
	after(&run, 15 * TIME_MINUTE, "!empty0 2");
	begin(&run);
	run.steps[0].delay = TIME_HOUR;
	send_event(&run, ESCALATION_START, 0, false);
	CHECK_INT(run.state.due, run.now + TIME_HOUR); /* low urgency waits */
}

TEST(low_urgency_ends_quietly_and_reaches_somebody_once)
{
	struct run run;
	begin(&run);
	run.policy.rounds = 1;
	send_event(&run, ESCALATION_START, 0, false);
	after(&run, 5 * TIME_MINUTE, "2");
	after(&run, 5 * TIME_MINUTE, "3");
	after(&run, 5 * TIME_MINUTE, "!over0");
	CHECK_INT(run.state.phase, ESCALATION_QUIET);
	after(&run, 50 * TIME_DAY, "");
	begin(&run);
	memset(run.staff.on, 0, sizeof run.staff.on);
	send_event(&run, ESCALATION_START, 0, false);
	CHECK_TOLD(&run, "!empty0 !empty1 !empty2 !over0 7 9");
	CHECK_INT(run.state.phase, ESCALATION_QUIET);
	CHECK_INT(send_event(&run, ESCALATION_URGENCY, 0, true), OK);
	CHECK_INT(run.state.phase, ESCALATION_LAST_RESORT);
	CHECK_INT(send_event(&run, ESCALATION_URGENCY, 0, false), OK);
	CHECK_INT(run.state.phase, ESCALATION_QUIET);
}

TEST(a_low_urgency_incident_let_go_of_or_escalated_reaches_the_last_resort)
{
	struct run run;
	begin(&run);
	run.policy.rounds = 1;
	send_event(&run, ESCALATION_START, 0, false);
	send_event(&run, ESCALATION_ACK, 1, false);
	memset(run.staff.on, 0, sizeof run.staff.on);
	after(&run, ESCALATION_ACK_LOW_DEFAULT, "1");
	after(&run, ESCALATION_ASK_DEFAULT, "!lapsed1 !empty0 !empty1 !empty2 !over0 7 9");
	begin(&run);
	run.policy.rounds = 1;
	send_event(&run, ESCALATION_START, 0, false);
	run.policy.step_count = 1;
	CHECK_INT(send_event(&run, ESCALATION_ESCALATE, 0, false), OK);
	CHECK_TOLD(&run, "!over0 7 9");
}

TEST(raising_the_urgency_pages_again_at_once)
{
	struct run run;
	begin(&run);
	send_event(&run, ESCALATION_START, 0, false);
	run.now += TIME_MINUTE;
	CHECK_INT(send_event(&run, ESCALATION_URGENCY, 0, true), OK);
	CHECK_TOLD(&run, "1");
	CHECK_INT(run.actions.items[0].reason, ESCALATION_BY_URGENCY);
}

TEST(what_the_phase_does_not_allow_is_a_conflict_that_changes_nothing)
{
	struct run run;
	begin(&run);
	struct escalation_state idle = run.state;
	run.actions.count = 77;
	CHECK_INT(send_event(&run, ESCALATION_ACK, 1, false), ERR_CONFLICT);
	CHECK_INT(send_event(&run, ESCALATION_RESOLVE, 0, false), ERR_CONFLICT);
	CHECK(memcmp(&idle, &run.state, sizeof idle) == 0);
	CHECK_INT(run.actions.count, 77);
	send_event(&run, ESCALATION_START, 0, true);
	CHECK_INT(send_event(&run, ESCALATION_START, 0, true), ERR_CONFLICT);
	CHECK_INT(send_event(&run, ESCALATION_UNDO, 0, true), ERR_CONFLICT);
	CHECK_INT(send_event(&run, ESCALATION_ACK, 0, false), ERR_INVALID);
	CHECK_INT(send_event(&run, ESCALATION_RESOLVE, 0, false), OK);
	CHECK_INT(send_event(&run, ESCALATION_ESCALATE, 0, false), ERR_CONFLICT);
	after(&run, TIME_DAY, "");
	CHECK_INT(send_event(&run, ESCALATION_START, 0, true), OK); /* opened again */
	CHECK_TOLD(&run, "1");
	CHECK_INT(run.state.round, 1);
}

TEST(more_people_than_the_limit_are_cut_and_reported)
{
	struct run run;
	begin(&run);
	memset(run.staff.on, 0, sizeof run.staff.on);
	run.staff.crowd = ESCALATION_PEOPLE_MAX + 50;
	send_event(&run, ESCALATION_START, 0, true);
	const struct escalation_action *last = &run.actions.items[run.actions.count - 1];
	CHECK_INT(last->kind, ESCALATION_CUT);
	CHECK_INT(last->user, 50);
	CHECK_INT(run.actions.count, 3 + 1 + ESCALATION_PEOPLE_MAX + 1);
}

TEST(a_policy_that_lost_steps_meanwhile_goes_on)
{
	struct run run;
	begin(&run);
	send_event(&run, ESCALATION_START, 0, true);
	after(&run, 5 * TIME_MINUTE, "2");
	after(&run, 5 * TIME_MINUTE, "3");
	run.policy.step_count = 1;
	after(&run, 5 * TIME_MINUTE, "1");
	CHECK_INT(run.state.round, 2);
}

TEST(policies_that_break_the_promise_are_refused)
{
	struct run run;
	struct error err;
	begin(&run);
	run.policy.last_every = 16 * TIME_MINUTE;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
	CHECK_TEXT(err.field, "last_resort.every");
	begin(&run);
	run.steps[1].delay = 0;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
	CHECK_TEXT(err.field, "steps[1].delay");
	begin(&run);
	run.steps[2].target_count = 0;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
	CHECK_TEXT(err.field, "steps[2].targets");
	begin(&run);
	run.policy.rounds = 0;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
	begin(&run);
	run.policy.step_count = 0;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
	begin(&run);
	run.policy.ask_grace = 0;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
	begin(&run);
	run.last[0].kind = ESCALATION_EVERYBODY;
	CHECK_ERR(escalation_policy_check(&run.policy, &err), ERR_INVALID);
}

/* --- what must always hold ------------------------------------------------------------------- */

static time_us below(struct random *random, uint64_t bound)
{
	return (time_us)random_below(random, bound);
}

static void shuffle_staff(struct random *random, struct staff *staff)
{
	for (unsigned i = 0; i < 8; i++)
		for (unsigned user = 1; user < USERS_MAX; user++)
			staff->on[i][user] = below(random, 12) == 0;
	for (unsigned user = 1; user < USERS_MAX; user++)
		staff->team[user] = below(random, 6) == 0;
	staff->everybody[11] = true;
}

static void random_policy(struct random *random, struct run *run)
{
	begin(run);
	run->policy.step_count = 1 + random_below(random, 8);
	run->policy.rounds = 1 + (unsigned)below(random, 4);
	run->policy.last_every = TIME_MINUTE * (1 + below(random, 15));
	run->policy.last_target_count = random_below(random, 2);
	run->policy.ack_lapse = TIME_MINUTE * (1 + below(random, 90));
	run->policy.ack_lapse_low = below(random, 2) * TIME_DAY;
	run->policy.ask_grace = TIME_MINUTE * (1 + below(random, 15));
	for (unsigned i = 0; i < 8; i++) {
		run->steps[i].delay = TIME_SECOND * (10 + below(random, 3600));
		run->steps[i].target_count = 1 + random_below(random, 2);
		run->targets[i][1] = schedule_target((unsigned)below(random, 8));
	}
	shuffle_staff(random, &run->staff);
	struct error err;
	CHECK_OK(escalation_policy_check(&run->policy, &err));
}

static bool is_open(const struct escalation_state *state)
{
	return state->phase != ESCALATION_IDLE && state->phase != ESCALATION_STOPPED;
}

static bool is_held(const struct escalation_state *state)
{
	return state->phase == ESCALATION_ACKNOWLEDGED || state->phase == ESCALATION_ASKING;
}

/* What the model remembers beside the machine. */
struct memory {
	time_us sent;  /* the last page, or the moment from which silence counts */
	time_us acked; /* the last acknowledgement; TIME_NONE: none holds */
};

static size_t check_pages(const struct run *run)
{
	size_t pages = 0;
	for (size_t i = 0; i < run->actions.count; i++) {
		const struct escalation_action *action = &run->actions.items[i];
		if (action->kind != ESCALATION_PAGE)
			continue;
		pages++;
		for (size_t k = 0; k < i; k++) /* nobody is paged twice by one event */
			CHECK(run->actions.items[k].kind != ESCALATION_PAGE ||
			      run->actions.items[k].user != action->user);
		CHECK(action->user > 0);
	}
	return pages;
}

static void check_acknowledged(const struct run *run, const struct escalation_state *before,
			       struct memory *memory, size_t pages)
{
	bool asks =
		before->phase == ESCALATION_ACKNOWLEDGED && run->state.phase == ESCALATION_ASKING;
	if (asks) { /* that person alone, and not before the time is over */
		CHECK_INT(pages, 1);
		CHECK_INT(run->actions.items[0].user, before->acknowledged_by);
		time_us lapse = before->high ? run->policy.ack_lapse : run->policy.ack_lapse_low;
		CHECK(lapse > 0);
		CHECK(run->now >= memory->acked + lapse);
	} else if (is_held(&run->state)) {
		CHECK_INT(pages, 0);
	}
}

static void check_after(const struct run *run, const struct escalation_state *before,
			struct memory *memory, enum escalation_event_kind kind)
{
	size_t pages = check_pages(run);
	check_acknowledged(run, before, memory, pages);
	if (pages > 0)
		memory->sent = run->now;
	const struct escalation_state *state = &run->state;
	CHECK(state->due == TIME_NONE || state->due > run->now); /* it never spins */
	if (!is_open(state))
		CHECK_INT(pages, 0);
	bool waits = is_open(state) && state->high && !is_held(state);
	if (waits) {
		CHECK(state->due != TIME_NONE);
		if (state->due > memory->sent + ESCALATION_SILENCE_MAX)
			fail_msg("event %d: silent for %lld s", kind,
				 (long long)((state->due - memory->sent) / TIME_SECOND));
	}
	if (state->phase == ESCALATION_ASKING) /* an unanswered question is followed soon */
		CHECK(state->due <= memory->sent + ESCALATION_SILENCE_MAX);
	if (is_open(state) && !is_held(state) && before->phase == ESCALATION_ASKING &&
	    kind == ESCALATION_DUE)
		CHECK(pages > 0); /* a lapsed acknowledgement is followed by a page */
	if (state->phase == ESCALATION_RUNNING)
		CHECK(state->round <= run->policy.rounds);
	if (state->phase == ESCALATION_LAST_RESORT && before->phase == ESCALATION_RUNNING &&
	    kind == ESCALATION_DUE)
		CHECK(pages > 0);
}

/* Before the timer anything may happen; the timer fires at its time, or late after a sleep. */
static void random_event(struct random *random, struct run *run, struct escalation_event *ret_event)
{
	time_us left = run->state.due == TIME_NONE ? TIME_DAY : run->state.due - run->now;
	uint64_t dice = random_below(random, 100);
	*ret_event = (struct escalation_event){ ESCALATION_DUE, 1 + below(random, 11), below(random, 2) };
	if (dice < 70) {
		run->now += left;
		return;
	}
	run->now += 1 + below(random, (uint64_t)left);
	if (dice < 72)
		shuffle_staff(random, &run->staff);
	else if (dice < 75)
		run->now += below(random, 3) == 0 ? 0 : left; /* a sleep: everything is late */
	else
		ret_event->kind = (enum escalation_event_kind)below(random, 7);
}

TEST(whatever_happens_an_urgent_incident_is_never_left_in_silence)
{
	unsigned phases[8] = { 0 }, lates = 0;
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		struct random random;
		random_seeded(&random, seed);
		struct run run;
		random_policy(&random, &run);
		struct memory memory = { 0 };
		for (unsigned i = 0; i < 120; i++) {
			struct escalation_event event;
			random_event(&random, &run, &event);
			struct escalation_state before = run.state;
			bool early = before.due == TIME_NONE || run.now < before.due;
			enum err failed = send_event(&run, event.kind, event.user, event.high);
			if (failed != OK) {
				CHECK_INT(failed, ERR_CONFLICT);
				CHECK(memcmp(&before, &run.state, sizeof before) == 0);
				continue;
			}
			if (event.kind == ESCALATION_DUE && early) {
				CHECK(memcmp(&before, &run.state, sizeof before) == 0);
				CHECK_INT(run.actions.count, 0);
			}
			if (event.kind == ESCALATION_ACK)
				memory.acked = run.now;
			if (event.kind == ESCALATION_URGENCY && before.high != event.high)
				memory.acked = run.now; /* the time to answer begins again */
			if (event.kind == ESCALATION_RESOLVE)
				CHECK_INT(run.state.phase, ESCALATION_STOPPED);
			lates += run.actions.late > 0;
			phases[run.state.phase]++;
			/* A timer that lies behind because it was slept through is not the
			 * machine's. */
			if (run.state.due == TIME_NONE || run.state.due > run.now ||
			    event.kind == ESCALATION_DUE)
				check_after(&run, &before, &memory, event.kind);
		}
	}
	for (unsigned phase = ESCALATION_RUNNING; phase <= ESCALATION_STOPPED; phase++)
		CHECK(phases[phase] > 300); /* the dice reach everything */
	CHECK(lates > 300);
}

/* Left alone, a policy pages its steps in order, each once a round, and then the last resort. */
TEST(left_alone_every_step_is_paged_in_order_and_once_a_round)
{
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct random random;
		random_seeded(&random, seed * 13);
		struct run run;
		random_policy(&random, &run);
		unsigned step = 0, round = 1, paged = 0;
		CHECK_INT(send_event(&run, ESCALATION_START, 0, true), OK);
		for (unsigned i = 0; i < 4000 && run.state.phase == ESCALATION_RUNNING; i++) {
			const struct escalation_action *last =
				&run.actions.items[run.actions.count - 1];
			CHECK_INT(last->kind, ESCALATION_PAGE);
			if (last->reason == ESCALATION_BY_STEP) {
				unsigned place = (last->round - 1) * 8 + last->step;
				CHECK(paged == 0 || place > (round - 1) * 8 + step);
				round = last->round;
				step = last->step;
				paged++;
			}
			run.now = run.state.due;
			CHECK_INT(send_event(&run, ESCALATION_DUE, 0, false), OK);
		}
		CHECK_INT(run.state.phase, ESCALATION_LAST_RESORT);
		unsigned full = 0;
		for (size_t i = 0; i < run.policy.step_count; i++) {
			bool any = false;
			for (size_t k = 0; k < run.steps[i].target_count; k++)
				for (unsigned user = 1; user < USERS_MAX; user++)
					any = any || run.staff.on[run.targets[i][k].name.ptr[1] -
								  '0'][user];
			full += any;
		}
		CHECK_INT(paged, full * run.policy.rounds);
	}
}

TESTS(RUN(three_rounds_then_the_team_and_the_last_resort_every_15_minutes),
      RUN(a_step_with_nobody_is_passed_at_once_and_reported),
      RUN(when_no_step_has_anybody_the_last_resort_comes_at_once),
      RUN(an_acknowledgement_stops_the_pages_then_asks_then_goes_on),
      RUN(answering_still_on_it_holds_again_and_another_person_may_take_over),
      RUN(an_undone_acknowledgement_goes_on_where_it_was),
      RUN(escalate_now_pages_the_next_step_at_once), RUN(a_long_delay_does_not_make_a_long_silence),
      RUN(low_urgency_ends_quietly_and_reaches_somebody_once),
      RUN(a_low_urgency_incident_let_go_of_or_escalated_reaches_the_last_resort),
      RUN(raising_the_urgency_pages_again_at_once),
      RUN(what_the_phase_does_not_allow_is_a_conflict_that_changes_nothing),
      RUN(more_people_than_the_limit_are_cut_and_reported),
      RUN(a_policy_that_lost_steps_meanwhile_goes_on),
      RUN(policies_that_break_the_promise_are_refused),
      RUN(whatever_happens_an_urgent_incident_is_never_left_in_silence),
      RUN(left_alone_every_step_is_paged_in_order_and_once_a_round))
