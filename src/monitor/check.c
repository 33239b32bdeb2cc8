/* check.c: see check.h. */
#include "monitor/check.h"

#include <assert.h>
#include <stdio.h>

static const char *const names[CHECK_STATUS_COUNT] = {
	[CHECK_UNKNOWN] = "unknown", [CHECK_UP] = "up", [CHECK_FAILING] = "failing",
	[CHECK_DOWN] = "down", [CHECK_RECOVERING] = "recovering", [CHECK_DEGRADED] = "degraded",
	[CHECK_PAUSED] = "paused",
};

const char *check_status_name(enum check_status status)
{
	assert(status < CHECK_STATUS_COUNT);
	return names[status];
}

const char *check_status_shown(const struct check_state *state)
{
	return check_status_name(state->hard);
}

bool check_transition_is_news(const struct check_transition *transition)
{
	return transition->hard_from != transition->hard_to || transition->flap_changed;
}

static bool is_suspicion(enum check_status status)
{
	return status == CHECK_FAILING || status == CHECK_RECOVERING;
}

void check_state_assert(const struct check_state *state)
{
	assert(state->status < CHECK_STATUS_COUNT);
	assert(state->flap_count <= CHECK_FLAP_STATES);
	assert(state->bad == 0 || state->good == 0);
	assert(is_suspicion(state->status) || state->hard == state->status);
	assert(!is_suspicion(state->hard));
	switch (state->status) {
	case CHECK_UNKNOWN:
	case CHECK_PAUSED:
		assert(state->bad == 0 && state->good == 0);
		break;
	case CHECK_UP:
	case CHECK_DEGRADED:
		assert(state->bad == 0 && state->bad_boot == 0);
		break;
	case CHECK_FAILING:
	case CHECK_DOWN:
		assert(state->bad > 0 && state->bad_boot != 0);
		break;
	case CHECK_RECOVERING:
		assert(state->good > 0 && state->bad_boot != 0);
		break;
	case CHECK_STATUS_COUNT:
		assert(false);
	}
}

static void count(uint32_t *counter)
{
	if (*counter < CHECK_COUNT_MAX)
		(*counter)++;
}

/* A change at position x of 20 (1 oldest) weighs 0.75 + (x - 1) * 0.5 / 19; here times 76. */
unsigned check_flap_percent(const struct check_state *state)
{
	unsigned sum = 0;
	for (unsigned age = 0; age + 1 < state->flap_count; age++) {
		unsigned position = CHECK_FLAP_STATES - 1 - age;
		bool changed = ((state->flap_ring >> age) ^ (state->flap_ring >> (age + 1))) & 1;
		if (changed)
			sum += 57 + (position - 1) * 2;
	}
	return sum * 100 / ((CHECK_FLAP_STATES - 1) * 76);
}

static void note_flap(struct check_state *state, bool down)
{
	state->flap_ring = (state->flap_ring << 1 | down) & ((1u << CHECK_FLAP_STATES) - 1);
	if (state->flap_count < CHECK_FLAP_STATES)
		state->flap_count++;
	unsigned percent = check_flap_percent(state);
	if (percent >= CHECK_FLAP_BEGIN)
		state->flapping = true;
	else if (percent <= CHECK_FLAP_END)
		state->flapping = false;
}

/* Up or degraded, from what is known of speed and certificate. */
static enum check_status settle_good(const struct check_state *state)
{
	return state->is_slow || state->certificate_near ? CHECK_DEGRADED : CHECK_UP;
}

static void note_quality(const struct check_rules *rules, struct check_state *state,
                         const struct check_result *result)
{
	bool slow = rules->latency_warn > 0 && result->latency > rules->latency_warn;
	if (slow || result->warned) {
		count(&state->slow);
		state->quick = 0;
	} else {
		count(&state->quick);
		state->slow = 0;
	}
	if (state->slow >= rules->fail_after)
		state->is_slow = true;
	else if (state->quick >= rules->recover_after)
		state->is_slow = false;
	state->certificate_near = rules->warn_days > 0 && result->certificated &&
	                          result->days_left < rules->warn_days;
}

static enum check_status step_good(const struct check_rules *rules, struct check_state *state,
                                   const struct check_result *result)
{
	note_quality(rules, state, result);
	bool is_down = state->status == CHECK_DOWN || state->status == CHECK_RECOVERING;
	state->bad = 0;
	if (is_down)
		count(&state->good);
	else
		state->good = 0;
	if (is_down && state->good < rules->recover_after)
		return CHECK_RECOVERING;
	state->good = 0;
	state->bad_boot = 0;
	return settle_good(state);
}

static enum check_status step_bad(const struct check_rules *rules, struct check_state *state,
                                  const struct check_result *result)
{
	bool was_down = state->status == CHECK_DOWN || state->status == CHECK_RECOVERING;
	state->good = state->slow = state->quick = 0;
	state->is_slow = false;
	count(&state->bad);
	if (state->bad_boot == 0)
		state->bad_boot = result->boot;
	if (was_down)
		return CHECK_DOWN;
	bool enough = state->bad >= rules->fail_after;
	bool long_enough = result->boot - state->bad_boot >= rules->down_for;
	return enough && long_enough ? CHECK_DOWN : CHECK_FAILING;
}

/* Nothing was seen. What is down stays so; what was well is not known to be any more. */
static enum check_status step_blind(const struct check_rules *rules, struct check_state *state)
{
	count(&state->blind);
	if (state->status == CHECK_DOWN || state->status == CHECK_RECOVERING ||
	    state->blind < rules->fail_after)
		return state->status;
	state->bad = state->good = state->slow = state->quick = 0;
	state->bad_boot = 0;
	state->is_slow = state->certificate_near = false;
	return CHECK_UNKNOWN;
}

static enum check_status step(const struct check_rules *rules, struct check_state *state,
                              const struct check_result *result)
{
	if (result->blind)
		return step_blind(rules, state);
	state->blind = 0;
	return result->good ? step_good(rules, state, result) : step_bad(rules, state, result);
}

static void move(struct check_state *state, enum check_status to, time_us wall, time_us boot,
                 const char *reason, struct check_transition *ret_transition)
{
	*ret_transition = (struct check_transition){
		.from = state->status, .to = to, .hard_from = state->hard,
		.hard_to = is_suspicion(to) ? state->hard : to, .flapping = state->flapping,
		.wall = wall, .boot = boot, .bad = state->bad,
	};
	snprintf(ret_transition->reason, CHECK_REASON_BYTES, "%s", reason);
	if (state->status == to)
		return;
	state->status = to;
	state->hard = ret_transition->hard_to;
	state->since_wall = wall;
	state->since_boot = boot;
}

bool check_step(const struct check_rules *rules, struct check_state *state,
                const struct check_result *result, struct check_transition *ret_transition)
{
	assert(rules->fail_after >= 1 && rules->fail_after <= CHECK_COUNT_MAX);
	assert(rules->recover_after >= 1 && rules->recover_after <= CHECK_COUNT_MAX);
	assert(result->boot > 0);
	assert(!result->blind || !result->good);
	if (state->status == CHECK_PAUSED)
		return false;
	enum check_status from = state->status;
	bool flapped = state->flapping;
	time_us bad_boot = state->bad_boot;
	enum check_status to = step(rules, state, result);
	if (!is_suspicion(to) && !result->blind)
		note_flap(state, to == CHECK_DOWN);
	struct check_transition transition;
	move(state, to, result->wall, result->boot, result->reason, &transition);
	transition.flap_changed = state->flapping != flapped;
	transition.latency = result->latency;
	if (to == CHECK_DOWN)
		transition.bad_since = state->bad_boot;
	else if (from == CHECK_DOWN || from == CHECK_RECOVERING)
		transition.bad_since = bad_boot;
	check_state_assert(state);
	if (to == from && !transition.flap_changed)
		return false;
	*ret_transition = transition;
	return true;
}

/* A person's word forgets what was counted: afterwards it begins anew. */
static bool set_by_person(struct check_state *state, enum check_status to, time_us wall, time_us boot,
                          const char *reason, struct check_transition *ret_transition)
{
	bool flapped = state->flapping;
	state->bad = state->good = state->slow = state->quick = state->blind = 0;
	state->bad_boot = 0;
	state->flap_ring = 0;
	state->flap_count = 0;
	state->flapping = state->certificate_near = state->is_slow = false;
	move(state, to, wall, boot, reason, ret_transition);
	ret_transition->flap_changed = flapped;
	check_state_assert(state);
	return true;
}

bool check_pause(struct check_state *state, time_us wall, time_us boot, const char *reason,
                 struct check_transition *ret_transition)
{
	if (state->status == CHECK_PAUSED)
		return false;
	return set_by_person(state, CHECK_PAUSED, wall, boot, reason, ret_transition);
}

bool check_resume(struct check_state *state, time_us wall, time_us boot, const char *reason,
                  struct check_transition *ret_transition)
{
	if (state->status != CHECK_PAUSED)
		return false;
	return set_by_person(state, CHECK_UNKNOWN, wall, boot, reason, ret_transition);
}

void check_judge(const struct check_rules *rules, struct check_result *result)
{
	if (!result->good || !result->certificated || rules->fail_days <= 0 ||
	    result->days_left >= rules->fail_days)
		return;
	result->good = false;
	snprintf(result->reason, sizeof result->reason, "the certificate ends in %d day%s",
	         result->days_left, result->days_left == 1 ? "" : "s");
}
