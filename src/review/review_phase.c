/* review_phase.c: see review_phase.h. */
#include "review/review_phase.h"

#include <assert.h>

const struct review_phase_row review_phase_rows[REVIEW_PHASE_COUNT] = {
	[REVIEW_STARTED] = { "started", "Started", "The first failing look of the alert that opened it; else its opening." },
	[REVIEW_DETECTED] = { "detected", "Detected", "The incident was opened." },
	[REVIEW_PAGED] = { "paged", "Paged", "The first page left for a person." },
	[REVIEW_ACKNOWLEDGED] = { "acknowledged", "Acknowledged", "A person took it for the first time." },
	[REVIEW_UPDATED] = { "first_update", "First update", "The first update to stakeholders was sent." },
	[REVIEW_MITIGATED] = { "mitigated", "Mitigated", "The last of its alerts ended, for the last time." },
	[REVIEW_RESOLVED] = { "resolved", "Resolved", "It was declared over, for the last time." },
};

const struct review_span_row review_span_rows[REVIEW_SPANS] = {
	{ "detect", "Time to detect", "from started to detected", REVIEW_STARTED, REVIEW_DETECTED },
	{ "page", "Time to page", "from detected to the first page that left", REVIEW_DETECTED, REVIEW_PAGED },
	{ "acknowledge", "Time to acknowledge", "from detected to the first acknowledgement", REVIEW_DETECTED,
	  REVIEW_ACKNOWLEDGED },
	{ "first_update", "Time to first update", "from detected to the first update", REVIEW_DETECTED,
	  REVIEW_UPDATED },
	{ "mitigate", "Time to mitigate", "from detected to the end of the last alert", REVIEW_DETECTED,
	  REVIEW_MITIGATED },
	{ "resolve", "Time to resolve", "from detected to resolved", REVIEW_DETECTED, REVIEW_RESOLVED },
	{ "impact", "Length of the trouble", "from started to resolved", REVIEW_STARTED, REVIEW_RESOLVED },
};

const char *const review_part_names[REVIEW_PART_COUNT] = {
	[REVIEW_DECLARED] = "declared it",	   [REVIEW_WAS_PAGED] = "was paged",
	[REVIEW_TOOK_IT] = "took it",		   [REVIEW_NOTED] = "wrote notes",
	[REVIEW_PRIORITISED] = "set the priority", [REVIEW_ESCALATED] = "asked for the next step",
	[REVIEW_ENDED] = "resolved it",		   [REVIEW_REOPENED] = "reopened it",
	[REVIEW_TOLD] = "sent updates",
};

time_us review_span(const struct review_moment *moments, const struct review_span_row *row)
{
	time_us from = moments[row->from].at, to = moments[row->to].at;
	if (from == TIME_NONE || to == TIME_NONE)
		return -1;
	return to > from ? to - from : 0;
}

/* ---- what was taken back ---- */

void review_see_undone(struct review_facts *facts, const struct event *event)
{
	if (event->kind != EVENT_INCIDENT_UNDONE || event->payload == NULL ||
	    facts->undone_count == REVIEW_UNDONE_MAX)
		return;
	facts->undone[facts->undone_count++] = ((const struct event_incident_undone *)event->payload)->undone;
}

static bool was_undone(const struct review_facts *facts, int64_t seq)
{
	for (size_t i = 0; i < facts->undone_count; i++) {
		if (facts->undone[i] == seq)
			return true;
	}
	return false;
}

/* ---- moments ---- */

static struct review_moment moment_of(const struct event *event)
{
	return (struct review_moment){ event->event_time, event->seq };
}

static void first(struct review_facts *facts, enum review_phase phase, struct review_moment moment)
{
	if (facts->moments[phase].at == TIME_NONE)
		facts->moments[phase] = moment;
}

void review_see_alert(struct review_facts *facts, time_us started, int64_t seq)
{
	struct review_moment *mine = &facts->moments[REVIEW_STARTED];
	bool by_opening = mine->seq != 0 && mine->seq == facts->opened.seq;
	if (started == TIME_NONE || (mine->at != TIME_NONE && !by_opening && mine->at <= started))
		return;
	if (by_opening && started > mine->at)
		return; /* an alert that joined later did not begin it */
	*mine = (struct review_moment){ started, seq };
}

/* ---- people ---- */

static void took_part(struct review_facts *facts, int64_t user, enum review_part part,
		      const struct event *event)
{
	size_t i = 0;
	if (user == 0)
		return;
	while (i < facts->people_count && facts->people[i].user != user)
		i++;
	if (i == facts->people_count) {
		if (i == REVIEW_PEOPLE_MAX)
			return;
		facts->people[facts->people_count++] = (struct review_person){
			.user = user, .first_seq = event->seq, .first_at = event->event_time,
		};
	}
	facts->people[i].counts[part]++;
}

/* ---- pages ---- */

/* Not those that tell the end, or remind of an update or a review. */
static bool calls_for_help(struct str reason)
{
	static const char *const reasons[] = { "step",	    "reminder",	   "ask",    "resumed",
					       "last_resort", "escalated", "urgency" };
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (str_is(reason, reasons[i]))
			return true;
	}
	return false;
}

static void see_page(struct review_facts *facts, const struct event *event)
{
	const struct event_page_created *e = event->payload;
	if (!calls_for_help(e->reason) || facts->page_count == REVIEW_PAGES_MAX)
		return;
	facts->pages[facts->page_count++] = (struct review_page_ref){ e->page, e->user, true };
	facts->pages_written++;
	took_part(facts, e->user, REVIEW_WAS_PAGED, event);
}

static void see_attempt(struct review_facts *facts, const struct event *event)
{
	const struct event_page_attempted *e = event->payload;
	for (size_t i = 0; i < facts->page_count; i++) {
		struct review_page_ref *page = &facts->pages[i];
		if (page->page != e->page)
			continue;
		bool left = str_is(e->state, "sent") || str_is(e->state, "delivered");
		if (left && page->alarms) {
			facts->pages_arrived++;
			page->alarms = false; /* a page counts once, by whatever word its channel has */
			first(facts, REVIEW_PAGED, moment_of(event));
		}
		if (str_is(e->state, "failed"))
			facts->pages_failed++;
		return;
	}
}

/* ---- what stakeholders were told ---- */

static void see_update(struct review_facts *facts, const struct event *event)
{
	if (event->kind == EVENT_UPDATE_POSTED)
		took_part(facts, event->actor, REVIEW_TOLD, event);
	else if (event->kind == EVENT_UPDATE_PUBLISHED)
		first(facts, REVIEW_UPDATED, moment_of(event));
}

/* ---- the course of it ---- */

static void see_incident(struct review_facts *facts, const struct event *event)
{
	struct review_moment here = moment_of(event);
	struct review_moment *moments = facts->moments;
	switch (event->kind) {
	case EVENT_INCIDENT_OPENED:
		facts->opened = here;
		first(facts, REVIEW_STARTED, here);
		first(facts, REVIEW_DETECTED, here);
		took_part(facts, event->actor, REVIEW_DECLARED, event);
		return;
	case EVENT_INCIDENT_ALERT_JOINED:
		facts->alerts++;
		moments[REVIEW_MITIGATED] = (struct review_moment){ 0 };
		return;
	case EVENT_INCIDENT_ALERT_ENDED:
		if (((const struct event_incident_alert_ended *)event->payload)->firing == 0)
			moments[REVIEW_MITIGATED] = here;
		return;
	case EVENT_INCIDENT_ACKNOWLEDGED: {
		const struct event_incident_acknowledged *e = event->payload;
		first(facts, REVIEW_ACKNOWLEDGED, here);
		took_part(facts, e->user, REVIEW_TOOK_IT, event);
		return;
	}
	case EVENT_INCIDENT_RESOLVED:
		moments[REVIEW_RESOLVED] = here;
		facts->over = true;
		took_part(facts, event->actor, REVIEW_ENDED, event);
		return;
	case EVENT_INCIDENT_REOPENED:
		moments[REVIEW_RESOLVED] = (struct review_moment){ 0 };
		facts->over = false;
		took_part(facts, event->actor, REVIEW_REOPENED, event);
		return;
	case EVENT_INCIDENT_NOTED:
		took_part(facts, event->actor, REVIEW_NOTED, event);
		return;
	case EVENT_INCIDENT_PRIORITY_SET:
		took_part(facts, event->actor, REVIEW_PRIORITISED, event);
		return;
	case EVENT_ESCALATION_REQUESTED:
		took_part(facts, event->actor, REVIEW_ESCALATED, event);
		return;
	case EVENT_PAGE_CREATED:
		see_page(facts, event);
		return;
	case EVENT_PAGE_ATTEMPTED:
		see_attempt(facts, event);
		return;
	default:
		see_update(facts, event);
		return;
	}
}

/* Only while it lasted: what comes after the end is no gap in the response. */
static void see_gap(struct review_facts *facts, const struct event *event)
{
	struct review_moment here = moment_of(event);
	bool lasted = facts->last.seq != 0 && !facts->over;
	if (lasted && here.at - facts->last.at > REVIEW_GAP_LEAST && facts->gap_count < REVIEW_GAPS_MAX)
		facts->gaps[facts->gap_count++] = (struct review_gap){ facts->last, here };
	if (facts->last.seq == 0 || here.at > facts->last.at)
		facts->last = here;
}

static bool is_of_the_review(enum event_kind kind)
{
	return str_starts(str_of(event_kinds[kind].name), STR("review."));
}

void review_see(struct review_facts *facts, const struct event *event)
{
	assert(event->seq >= facts->up_to);
	facts->up_to = event->seq;
	if (event->payload == NULL || is_of_the_review(event->kind))
		return;
	see_gap(facts, event);
	facts->events++;
	if (!was_undone(facts, event->seq))
		see_incident(facts, event);
}

/* ---- working days ---- */

time_us review_working_days(time_us from, unsigned days)
{
	time_us at = from;
	while (days > 0) {
		at += TIME_DAY;
		if (time_civil_of(at).weekday < 5)
			days--;
	}
	return at;
}
