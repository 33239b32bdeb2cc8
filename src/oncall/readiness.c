/*
 * readiness.c: see readiness.h. Every step becomes a list of spans with the people in it; the spans
 * of all steps are then walked together.
 */
#include "oncall/readiness.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The schedules of one step, listed, and the people who do not depend on time. */
struct step_view {
	struct oncall_list lists[ESCALATION_TARGETS_MAX];
	size_t at[ESCALATION_TARGETS_MAX]; /* where the walk is in each list */
	size_t list_count;
	int64_t always[ESCALATION_PEOPLE_MAX];
	size_t always_count;
};

struct view {
	const struct readiness_source *source;
	struct arena *arena;
	struct readiness_finding *findings;
	size_t count, minor;
	bool cut;
	time_us from, until;
	struct step_view *steps;
	size_t step_count;
};

static void add(struct view *view, struct readiness_finding finding)
{
	if (view->count == READINESS_FINDINGS_MAX - 1 ||
	    (!finding.severe && view->minor == READINESS_MINOR_MAX)) {
		view->cut = true;
		return;
	}
	view->minor += !finding.severe;
	view->findings[view->count++] = finding;
}

/* The same kind at the same step that goes on is one finding. */
static void add_span(struct view *view, struct readiness_finding finding)
{
	for (size_t i = view->count; i-- > 0;) {
		struct readiness_finding *known = &view->findings[i];
		if (known->kind == finding.kind && known->step == finding.step &&
		    known->user == finding.user && known->until == finding.from) {
			known->until = finding.until;
			return;
		}
	}
	add(view, finding);
}

static void check_user(struct view *view, unsigned step, int64_t user, time_us from, time_us until)
{
	if (view->source->wakeable(view->source->context, user))
		return;
	for (size_t i = 0; i < view->count; i++)
		if (view->findings[i].kind == READINESS_NOT_WAKEABLE &&
		    view->findings[i].user == user)
			return;
	add(view, (struct readiness_finding){ .kind = READINESS_NOT_WAKEABLE,
					     .severe = true,
					     .step = step,
					     .user = user,
					     .from = from,
					     .until = until });
}

static enum err view_schedule(struct view *view, struct step_view *step, unsigned index,
			      struct str name, struct error *err)
{
	const struct schedule *schedule = view->source->schedule(view->source->context, name);
	if (schedule == NULL) {
		add(view, (struct readiness_finding){ .kind = READINESS_NO_SCHEDULE, .severe = true,
						      .step = index, .name = name });
		return OK;
	}
	struct oncall_list *list = &step->lists[step->list_count];
	enum err failed = oncall_segments(schedule, view->from, view->until, ONCALL_JOIN_PEOPLE,
					  view->arena, list, err);
	if (failed != OK)
		return failed;
	step->list_count++;
	for (size_t i = 0; i < list->gap_count; i++)
		add(view, (struct readiness_finding){ .kind = READINESS_GAP,
						     .step = index,
						     .name = name,
						     .from = list->gaps[i].from,
						     .until = list->gaps[i].until });
	for (size_t i = 0; i < list->segment_count; i++)
		for (size_t k = 0; k < list->segments[i].count; k++)
			check_user(view, index, list->segments[i].people[k].user,
				   list->segments[i].from, list->segments[i].until);
	return OK;
}

static void view_people(struct view *view, struct step_view *step, unsigned index,
			const struct escalation_target *target)
{
	size_t room = ESCALATION_PEOPLE_MAX - step->always_count;
	int64_t *users = step->always + step->always_count;
	size_t count =
		view->source->resolve(view->source->context, target, view->from, users, room);
	if (count > room)
		count = room;
	step->always_count += count;
	for (size_t i = 0; i < count; i++)
		check_user(view, index, users[i], view->from, view->until);
}

static enum err view_step(struct view *view, const struct escalation_step_spec *spec,
			  unsigned index, struct error *err)
{
	struct step_view *step = &view->steps[index];
	for (size_t i = 0; i < spec->target_count; i++) {
		const struct escalation_target *target = &spec->targets[i];
		enum err failed = OK;
		if (target->kind == ESCALATION_SCHEDULE)
			failed = view_schedule(view, step, index, target->name, err);
		else
			view_people(view, step, index, target);
		if (failed != OK)
			return failed;
	}
	return OK;
}

/* How many people a step has: 0, 1 (then who) or more. Narrows `until` to the next change. */
static unsigned people_at(struct step_view *step, time_us at, int64_t *ret_one, time_us *until)
{
	int64_t one = 0;
	bool more = false;
	for (size_t i = 0; i < step->always_count; i++) {
		more = more || (one != 0 && one != step->always[i]);
		one = step->always[i];
	}
	for (size_t i = 0; i < step->list_count; i++) {
		const struct oncall_list *list = &step->lists[i];
		while (step->at[i] < list->segment_count && list->segments[step->at[i]].until <= at)
			step->at[i]++;
		if (step->at[i] == list->segment_count)
			continue;
		const struct oncall_segment *segment = &list->segments[step->at[i]];
		time_us change = segment->from > at ? segment->from : segment->until;
		*until = change < *until ? change : *until;
		for (size_t k = 0; segment->from <= at && k < segment->count; k++) {
			more = more || (one != 0 && one != segment->people[k].user);
			one = segment->people[k].user;
		}
	}
	*ret_one = one;
	return more ? 2 : one != 0;
}

/* One instant of the walk over all steps; returns the next at which anything changes. */
static time_us look_at(struct view *view, time_us at)
{
	time_us until = view->until;
	unsigned empty[ESCALATION_STEPS_MAX], empty_count = 0;
	int64_t same = 0;
	bool one_person = true;
	for (unsigned i = 0; i < view->step_count; i++) {
		int64_t one = 0;
		unsigned people = people_at(&view->steps[i], at, &one, &until);
		if (people == 0)
			empty[empty_count++] = i;
		one_person = one_person && people < 2 && (people == 0 || same == 0 || same == one);
		same = people == 1 ? one : same;
	}
	assert(until > at);
	struct readiness_finding finding = { .from = at, .until = until };
	if (empty_count == view->step_count) {
		finding.kind = READINESS_ALL_EMPTY;
		finding.severe = true;
		add_span(view, finding);
		return until;
	}
	for (unsigned i = 0; i < empty_count; i++) {
		finding.kind = READINESS_STEP_EMPTY;
		finding.step = empty[i];
		add_span(view, finding);
	}
	finding.kind = READINESS_ONE_PERSON;
	finding.step = 0;
	finding.user = same;
	if (one_person && view->step_count > 1)
		add_span(view, finding);
	return until;
}

static void check_last_resort(struct view *view, const struct escalation_policy *policy)
{
	int64_t users[ESCALATION_PEOPLE_MAX];
	size_t count = 0;
	void *context = view->source->context;
	struct escalation_target team = { .kind = ESCALATION_TEAM, .name = policy->team };
	if (policy->team.len > 0)
		count += view->source->resolve(context, &team, view->from, users,
					       ESCALATION_PEOPLE_MAX);
	for (size_t i = 0; i < policy->last_target_count; i++)
		count += view->source->resolve(context, &policy->last_targets[i], view->from, users,
					       ESCALATION_PEOPLE_MAX);
	if (count == 0)
		add(view, (struct readiness_finding){ .kind = READINESS_LAST_EMPTY,
						      .severe = true });
}

enum err readiness_check(const struct escalation_policy *policy,
			 const struct readiness_source *source, time_us from, time_us until,
			 struct arena *arena, struct readiness_finding **ret_findings,
			 size_t *ret_count, struct error *err)
{
	assert(policy->step_count <= ESCALATION_STEPS_MAX);
	struct view view = { .source = source, .arena = arena, .from = from, .until = until,
			     .step_count = policy->step_count };
	size_t bytes = (policy->step_count + 1) * sizeof *view.steps;
	view.steps = arena_try(arena, bytes);
	view.findings = arena_try(arena, READINESS_FINDINGS_MAX * sizeof *view.findings);
	if (view.steps == NULL || view.findings == NULL)
		return error_set(err, ERR_LIMIT,
				 "could not check the escalation policy: the memory set "
				 "aside for this is used up");
	for (unsigned i = 0; i < policy->step_count; i++) {
		enum err failed = view_step(&view, &policy->steps[i], i, err);
		if (failed != OK)
			return failed;
	}
	for (time_us at = from; at < until;)
		at = look_at(&view, at);
	check_last_resort(&view, policy);
	if (view.cut)
		view.findings[view.count++] = (struct readiness_finding){ .kind = READINESS_CUT };
	*ret_findings = view.findings;
	*ret_count = view.count;
	return OK;
}

void readiness_text(const struct readiness_finding *finding, struct str user_name,
		    char ret_text[READINESS_TEXT_BYTES])
{
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
	time_format(finding->from, from);
	time_format(finding->until, until);
	unsigned step = finding->step + 1;
	switch (finding->kind) {
	case READINESS_NO_SCHEDULE:
		snprintf(ret_text, READINESS_TEXT_BYTES, "step %u names the schedule \"" STR_FMT
			 "\", which is not there", step, STR_ARG(finding->name));
		break;
	case READINESS_GAP:
		snprintf(ret_text, READINESS_TEXT_BYTES, "nobody is on call in \"" STR_FMT
			 "\" from %s until %s", STR_ARG(finding->name), from, until);
		break;
	case READINESS_STEP_EMPTY:
		snprintf(ret_text, READINESS_TEXT_BYTES,
			 "step %u has nobody from %s until %s and would be "
			 "passed at once",
			 step, from, until);
		break;
	case READINESS_ALL_EMPTY:
		snprintf(ret_text, READINESS_TEXT_BYTES,
			 "no step has anybody from %s until %s: only the last "
			 "resort would be paged",
			 from, until);
		break;
	case READINESS_NOT_WAKEABLE:
		snprintf(ret_text, READINESS_TEXT_BYTES,
			 STR_FMT " is on call from %s and has no contact "
				 "that can wake a person",
			 STR_ARG(user_name), from);
		break;
	case READINESS_LAST_EMPTY:
		snprintf(ret_text, READINESS_TEXT_BYTES,
			 "neither the team nor the last resort has anybody");
		break;
	case READINESS_ONE_PERSON:
		snprintf(ret_text, READINESS_TEXT_BYTES,
			 "every step is " STR_FMT " alone from %s until %s", STR_ARG(user_name),
			 from, until);
		break;
	case READINESS_CUT:
		snprintf(ret_text, READINESS_TEXT_BYTES,
			 "there is more of this kind than is listed here");
		break;
	}
}
