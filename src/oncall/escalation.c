/* escalation.c: see escalation.h. Every function here is a row of its table, or a part of one. */
#include "oncall/escalation.h"

#include <assert.h>
#include <string.h>

/* All that one event works with. */
struct work {
	const struct escalation_policy *policy;
	struct escalation_state *state;
	struct escalation_actions *actions;
	escalation_resolve_fn *resolve;
	void *context;
	time_us now;
};

struct people {
	int64_t users[ESCALATION_PEOPLE_MAX];
	size_t count, cut;
};

const char *escalation_phase_name(enum escalation_phase phase)
{
	static const char *const names[] = { "idle",	      "running", "last resort", "quiet",
					     "acknowledged", "asking",	"stopped" };
	assert((size_t)phase < sizeof names / sizeof names[0]);
	return names[phase];
}

void escalation_assert(const struct escalation_state *state)
{
	switch (state->phase) {
	case ESCALATION_IDLE:
	case ESCALATION_STOPPED:
		assert(state->due == TIME_NONE);
		break;
	case ESCALATION_QUIET:
		assert(state->due == TIME_NONE);
		assert(!state->high);
		break;
	case ESCALATION_RUNNING:
		assert(state->due != TIME_NONE);
		assert(state->due <= state->step_due);
		assert(state->last_send != TIME_NONE);
		assert(!state->high || state->due <= state->last_send + ESCALATION_SILENCE_MAX);
		break;
	case ESCALATION_LAST_RESORT:
		assert(state->due != TIME_NONE);
		assert(state->high);
		break;
	case ESCALATION_ASKING:
		assert(state->due != TIME_NONE);
		assert(state->acknowledged_by > 0);
		break;
	case ESCALATION_ACKNOWLEDGED:
		assert(state->acknowledged_by > 0);
		assert(!state->high || state->due != TIME_NONE);
		break;
	}
}

static void act(struct work *work, enum escalation_action_kind kind, enum escalation_reason reason,
		int64_t user)
{
	assert(work->actions->count < ESCALATION_ACTIONS_MAX);
	work->actions->items[work->actions->count++] = (struct escalation_action){
		.kind = kind,
		.reason = reason,
		.user = user,
		.round = work->state->round,
		.step = work->state->step,
	};
}

static bool has_person(const struct people *people, int64_t user)
{
	for (size_t i = 0; i < people->count; i++)
		if (people->users[i] == user)
			return true;
	return false;
}

/* Adds the people of the target; each once. */
static void add_target(struct work *work, const struct escalation_target *target,
		       struct people *people)
{
	int64_t found[ESCALATION_PEOPLE_MAX];
	size_t count =
		work->resolve(work->context, target, work->now, found, ESCALATION_PEOPLE_MAX);
	if (count > ESCALATION_PEOPLE_MAX) {
		people->cut += count - ESCALATION_PEOPLE_MAX;
		count = ESCALATION_PEOPLE_MAX;
	}
	for (size_t i = 0; i < count; i++) {
		if (found[i] <= 0 || has_person(people, found[i]))
			continue;
		if (people->count < ESCALATION_PEOPLE_MAX)
			people->users[people->count++] = found[i];
		else
			people->cut++;
	}
}

static void page(struct work *work, const struct people *people, enum escalation_reason reason)
{
	assert(people->count > 0);
	for (size_t i = 0; i < people->count; i++)
		act(work, ESCALATION_PAGE, reason, people->users[i]);
	if (people->cut > 0)
		act(work, ESCALATION_CUT, reason, (int64_t)people->cut);
	work->state->last_send = work->now;
	work->state->reached = true;
}

/* The timer of RUNNING: the next step, or before it the end of the allowed silence. */
static void set_running_due(struct escalation_state *state)
{
	state->due = state->step_due;
	if (state->high && state->due > state->last_send + ESCALATION_SILENCE_MAX)
		state->due = state->last_send + ESCALATION_SILENCE_MAX;
}

static void people_of_step(struct work *work, unsigned step, struct people *ret_people)
{
	assert(step < work->policy->step_count);
	*ret_people = (struct people){ .count = 0 };
	const struct escalation_step_spec *spec = &work->policy->steps[step];
	for (size_t i = 0; i < spec->target_count; i++)
		add_target(work, &spec->targets[i], ret_people);
}

static void people_of_last_resort(struct work *work, struct people *ret_people)
{
	const struct escalation_policy *policy = work->policy;
	*ret_people = (struct people){ .count = 0 };
	struct escalation_target team = { .kind = ESCALATION_TEAM, .name = policy->team };
	if (policy->team.len > 0)
		add_target(work, &team, ret_people);
	for (size_t i = 0; i < policy->last_target_count; i++)
		add_target(work, &policy->last_targets[i], ret_people);
	struct escalation_target everybody = { .kind = ESCALATION_EVERYBODY };
	if (ret_people->count == 0)
		add_target(work, &everybody, ret_people);
}

static void page_last_resort(struct work *work, enum escalation_reason reason)
{
	struct people people;
	people_of_last_resort(work, &people);
	if (people.count > 0)
		page(work, &people, reason);
	else
		act(work, ESCALATION_NOBODY, reason, 0);
}

static void enter_last_resort(struct work *work, enum escalation_reason reason)
{
	assert(work->state->high);
	time_us every = work->policy->last_every;
	if (every > ESCALATION_SILENCE_MAX)
		every = ESCALATION_SILENCE_MAX;
	work->state->phase = ESCALATION_LAST_RESORT;
	page_last_resort(work, reason);
	work->state->due = work->now + every;
}

static void rounds_over(struct work *work)
{
	act(work, ESCALATION_ROUNDS_OVER, ESCALATION_BY_STEP, 0);
	if (work->state->high) {
		enter_last_resort(work, ESCALATION_BY_LAST_RESORT);
		return;
	}
	if (!work->state->reached)
		page_last_resort(work, ESCALATION_BY_LAST_RESORT);
	work->state->phase = ESCALATION_QUIET;
	work->state->due = TIME_NONE;
}

/* Pages the given step, or the first after it that has people. The walk is one round long at most:
 * steps that are all empty now would be empty in every round. */
static void page_from(struct work *work, unsigned round, unsigned step,
		      enum escalation_reason reason)
{
	struct escalation_state *state = work->state;
	size_t count = work->policy->step_count;
	for (size_t walked = 0; walked < count; walked++, step++) {
		if (step >= count) { /* also when the policy lost steps meanwhile */
			step = 0;
			round++;
		}
		if (round > work->policy->rounds)
			break;
		state->round = round;
		state->step = step;
		struct people people;
		people_of_step(work, step, &people);
		if (people.count == 0) {
			act(work, ESCALATION_STEP_EMPTY, reason, 0);
			continue;
		}
		state->phase = ESCALATION_RUNNING;
		page(work, &people, reason);
		state->step_due = work->now + work->policy->steps[step].delay;
		set_running_due(state);
		return;
	}
	rounds_over(work);
}

static void start(struct work *work, bool high)
{
	*work->state = (struct escalation_state){ .high = high };
	page_from(work, 1, 0, ESCALATION_BY_STEP);
}

static void remind(struct work *work)
{
	struct people people;
	struct escalation_state *state = work->state;
	if (state->step >= work->policy->step_count) {
		page_from(work, state->round, state->step, ESCALATION_BY_STEP);
		return;
	}
	people_of_step(work, state->step, &people);
	if (people.count == 0) { /* the shift ended and nobody follows: do not wait for nobody */
		act(work, ESCALATION_STEP_EMPTY, ESCALATION_BY_REMINDER, 0);
		page_from(work, state->round, state->step + 1, ESCALATION_BY_STEP);
		return;
	}
	page(work, &people, ESCALATION_BY_REMINDER);
	set_running_due(state);
}

static void due_running(struct work *work)
{
	assert(work->state->phase == ESCALATION_RUNNING);
	if (work->now < work->state->step_due)
		remind(work);
	else
		page_from(work, work->state->round, work->state->step + 1, ESCALATION_BY_STEP);
}

static void ask(struct work *work)
{
	struct escalation_state *state = work->state;
	assert(state->acknowledged_by > 0);
	struct people one = { .users = { state->acknowledged_by }, .count = 1 };
	page(work, &one, ESCALATION_BY_ASK);
	state->phase = ESCALATION_ASKING;
	state->due = work->now + work->policy->ask_grace;
}

/* Back to where the acknowledgement came, paging at once: nobody has been told for a while. */
static void resume(struct work *work)
{
	struct escalation_state *state = work->state;
	act(work, ESCALATION_LAPSED, ESCALATION_BY_RESUME, state->acknowledged_by);
	state->acknowledged_by = 0;
	state->reached = false; /* whoever was reached has let it go */
	if (state->held == ESCALATION_LAST_RESORT && state->high)
		enter_last_resort(work, ESCALATION_BY_RESUME);
	else if (state->held == ESCALATION_RUNNING)
		page_from(work, state->round, state->step, ESCALATION_BY_RESUME);
	else
		page_from(work, 1, 0, ESCALATION_BY_RESUME);
}

static void due(struct work *work)
{
	struct escalation_state *state = work->state;
	if (state->due == TIME_NONE || work->now < state->due)
		return;
	work->actions->late = work->now - state->due;
	if (state->phase == ESCALATION_RUNNING)
		due_running(work);
	else if (state->phase == ESCALATION_LAST_RESORT)
		enter_last_resort(work, ESCALATION_BY_LAST_RESORT);
	else if (state->phase == ESCALATION_ACKNOWLEDGED)
		ask(work);
	else if (state->phase == ESCALATION_ASKING)
		resume(work);
}

static bool is_acknowledged(const struct escalation_state *state)
{
	return state->phase == ESCALATION_ACKNOWLEDGED || state->phase == ESCALATION_ASKING;
}

static void set_lapse(struct work *work)
{
	struct escalation_state *state = work->state;
	time_us lapse = state->high ? work->policy->ack_lapse : work->policy->ack_lapse_low;
	state->due = lapse > 0 ? work->now + lapse : TIME_NONE;
}

static void acknowledge(struct work *work, int64_t user)
{
	struct escalation_state *state = work->state;
	if (!is_acknowledged(state))
		state->held = state->phase;
	state->phase = ESCALATION_ACKNOWLEDGED;
	state->acknowledged_by = user;
	set_lapse(work);
}

/* As if it had not been acknowledged. What became overdue meanwhile happens now. */
static void undo(struct work *work)
{
	struct escalation_state *state = work->state;
	assert(is_acknowledged(state));
	state->acknowledged_by = 0;
	state->phase = state->held;
	if (state->held == ESCALATION_QUIET && !state->high) {
		state->due = TIME_NONE;
	} else if (state->held == ESCALATION_RUNNING) {
		set_running_due(state);
		due(work);
	} else if (state->held == ESCALATION_LAST_RESORT && state->high) {
		enter_last_resort(work, ESCALATION_BY_RESUME);
	} else {
		page_from(work, 1, 0, ESCALATION_BY_RESUME);
	}
}

static void escalate(struct work *work)
{
	struct escalation_state *state = work->state;
	enum escalation_phase from = is_acknowledged(state) ? state->held : state->phase;
	state->acknowledged_by = 0;
	state->reached = false; /* somebody asks for more people: it must not end quietly */
	if (from == ESCALATION_RUNNING) {
		page_from(work, state->round, state->step + 1, ESCALATION_BY_PERSON);
	} else if (state->high) {
		enter_last_resort(work, ESCALATION_BY_PERSON);
	} else {
		page_last_resort(work, ESCALATION_BY_PERSON);
		state->phase = ESCALATION_QUIET;
		state->due = TIME_NONE;
	}
}

/* What was paged with low urgency may not have woken anybody, so going up pages again. */
static void urgency(struct work *work, bool high)
{
	struct escalation_state *state = work->state;
	if (state->high == high)
		return;
	state->high = high;
	if (state->phase == ESCALATION_STOPPED)
		return;
	if (is_acknowledged(state)) {
		if (state->phase == ESCALATION_ACKNOWLEDGED)
			set_lapse(work);
	} else if (high && state->phase == ESCALATION_RUNNING) {
		page_from(work, state->round, state->step, ESCALATION_BY_URGENCY);
	} else if (high) {
		page_from(work, 1, 0, ESCALATION_BY_URGENCY);
	} else if (state->phase == ESCALATION_RUNNING) {
		set_running_due(state);
	} else {
		state->phase = ESCALATION_QUIET;
		state->due = TIME_NONE;
	}
}

static void stop(struct work *work)
{
	work->state->phase = ESCALATION_STOPPED;
	work->state->due = TIME_NONE;
	work->state->acknowledged_by = 0;
}

static bool is_allowed(const struct escalation_state *state, enum escalation_event_kind kind)
{
	bool open = state->phase != ESCALATION_IDLE && state->phase != ESCALATION_STOPPED;
	if (kind == ESCALATION_DUE)
		return true; /* a timer that outlived its reason is no error */
	if (kind == ESCALATION_START)
		return !open;
	if (kind == ESCALATION_UNDO)
		return is_acknowledged(state);
	if (kind == ESCALATION_URGENCY)
		return state->phase != ESCALATION_IDLE; /* remembered for when it is opened again */
	return open;
}

static void dispatch(struct work *work, const struct escalation_event *event)
{
	switch (event->kind) {
	case ESCALATION_START:
		start(work, event->high);
		break;
	case ESCALATION_DUE:
		due(work);
		break;
	case ESCALATION_ACK:
		acknowledge(work, event->user);
		break;
	case ESCALATION_UNDO:
		undo(work);
		break;
	case ESCALATION_ESCALATE:
		escalate(work);
		break;
	case ESCALATION_URGENCY:
		urgency(work, event->high);
		break;
	case ESCALATION_RESOLVE:
		stop(work);
		break;
	}
}

enum err escalation_step(const struct escalation_policy *policy, struct escalation_state *state,
			 const struct escalation_event *event, time_us now,
			 escalation_resolve_fn *resolve, void *context,
			 struct escalation_actions *ret_actions, struct error *err)
{
	assert(now != TIME_NONE);
	assert(policy->step_count > 0);
	escalation_assert(state);
	if (event->kind == ESCALATION_ACK && event->user <= 0)
		return error_set(err, ERR_INVALID, "cannot acknowledge for nobody");
	if (!is_allowed(state, event->kind))
		return error_set(err, ERR_CONFLICT, "cannot do this while the escalation is %s",
				 escalation_phase_name(state->phase));
	ret_actions->count = 0;
	ret_actions->late = 0;
	struct work work = { policy, state, ret_actions, resolve, context, now };
	dispatch(&work, event);
	escalation_assert(state);
	return OK;
}

static enum err bad(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "cannot use this escalation policy: %s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

static bool targets_are_good(const struct escalation_target *targets, size_t count)
{
	if (count > ESCALATION_TARGETS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool user = targets[i].kind == ESCALATION_USER;
		if (targets[i].kind >= ESCALATION_EVERYBODY ||
		    (user ? targets[i].user <= 0 : targets[i].name.len == 0))
			return false;
	}
	return true;
}

static enum err check_step(const struct escalation_step_spec *step, size_t i, struct error *err)
{
	enum err failed = OK;
	if (step->delay < ESCALATION_DELAY_MIN || step->delay > ESCALATION_DELAY_MAX)
		failed = bad(err, "", "a step waits at least 10 s and at most 7 d");
	else if (step->target_count == 0 || !targets_are_good(step->targets, step->target_count))
		failed =
			bad(err, "", "a step has 1 to 20 targets, each a person, schedule or team");
	if (failed != OK)
		error_field(err, "steps[%zu].%s", i,
			    step->delay < ESCALATION_DELAY_MIN || step->delay > ESCALATION_DELAY_MAX
				    ? "delay"
				    : "targets");
	return failed;
}

enum err escalation_policy_check(const struct escalation_policy *policy, struct error *err)
{
	if (policy->step_count == 0 || policy->step_count > ESCALATION_STEPS_MAX)
		return bad(err, "steps", "it has 1 to 20 steps");
	for (size_t i = 0; i < policy->step_count; i++) {
		enum err failed = check_step(&policy->steps[i], i, err);
		if (failed != OK)
			return failed;
	}
	if (policy->rounds == 0 || policy->rounds > ESCALATION_ROUNDS_MAX)
		return bad(err, "rounds", "it repeats 1 to 10 times");
	if (policy->last_every < TIME_MINUTE || policy->last_every > ESCALATION_SILENCE_MAX)
		return bad(err, "last_resort.every", "the last resort comes every 1 to 15 min");
	if (!targets_are_good(policy->last_targets, policy->last_target_count))
		return bad(err, "last_resort.targets",
			   "the last resort has at most 20 targets, each "
			   "a person, schedule or team");
	if (policy->ack_lapse < TIME_MINUTE || policy->ack_lapse > ESCALATION_ACK_MAX)
		return bad(err, "acknowledge.for", "an acknowledgement holds 1 min to 7 d");
	if (policy->ack_lapse_low != 0 && (policy->ack_lapse_low < TIME_MINUTE ||
					   policy->ack_lapse_low > ESCALATION_ACK_MAX))
		return bad(err, "acknowledge.for_low",
			   "an acknowledgement holds 1 min to 7 d, or for "
			   "ever with 0");
	if (policy->ask_grace < TIME_MINUTE || policy->ask_grace > ESCALATION_SILENCE_MAX)
		return bad(err, "acknowledge.ask", "\"still on it?\" waits 1 to 15 min");
	return OK;
}
