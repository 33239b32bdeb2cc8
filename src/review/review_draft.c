/* review_draft.c: the facts of one incident, read from the journal. */
#include "alert/alert.h"
#include "journal/journal.h"
#include "review/review_priv.h"

/* What tells the story of an incident: events whose subject it is. */
static const char *const kinds[] = { "incident.", "escalation.", "page.", "update.", NULL };

#define PAGE 500u

struct reading {
	struct store_conn *conn;
	struct arena *arena;
	struct review_facts *facts;
	bool second;
	unsigned seen;
	int64_t last;
	enum err result;
	struct error *err;
};

static bool see_first(void *context, const struct event *event)
{
	*(struct review_moment *)context = (struct review_moment){ event->event_time, event->seq };
	return false;
}

/* The event that told of the alert: the batch it stands first in, else the one that joined it. */
static enum err see_alert(struct reading *reading, const struct event *event)
{
	static const char *const batches[] = { "alert.batch", NULL };
	const struct event_incident_alert_joined *e = event->payload;
	struct alert alert;
	enum err r = alert_get(reading->conn, e->alert, reading->arena, &alert, reading->err);
	if (r == ERR_NOT_FOUND)
		return OK;
	if (r != OK)
		return r;
	struct review_moment told = { .seq = event->seq };
	struct journal_filter filter = { .subject = e->alert, .kinds = batches, .limit = 1,
					 .up_to_seq = event->seq };
	r = journal_read(reading->conn, &filter, reading->arena, see_first, &told, reading->err);
	if (r == OK)
		review_see_alert(reading->facts, alert.started, told.seq);
	return r;
}

static bool see(void *context, const struct event *event)
{
	struct reading *reading = context;
	reading->seen++;
	reading->last = event->seq;
	if (!reading->second) {
		review_see_undone(reading->facts, event);
		return true;
	}
	review_see(reading->facts, event);
	if (event->kind == EVENT_INCIDENT_ALERT_JOINED && event->payload != NULL)
		reading->result = see_alert(reading, event);
	return reading->result == OK;
}

static enum err read_all(struct reading *reading, int64_t incident, int64_t up_to)
{
	struct journal_filter filter = { .subject = incident, .kinds = kinds, .up_to_seq = up_to,
					 .limit = PAGE };
	do {
		reading->seen = 0;
		enum err r = journal_read(reading->conn, &filter, reading->arena, see, reading, reading->err);
		if (r != OK || reading->result != OK)
			return r != OK ? r : reading->result;
		filter.after_seq = reading->last;
	} while (reading->seen == PAGE);
	return OK;
}

enum err review_facts_read(struct store_conn *conn, int64_t incident, int64_t up_to,
			   struct arena *arena, struct review_facts **ret_facts, struct error *err)
{
	struct reading reading = { .conn = conn, .arena = arena, .err = err,
				   .facts = arena_new(arena, struct review_facts) };
	enum err r = read_all(&reading, incident, up_to);
	reading.second = true;
	if (r == OK)
		r = read_all(&reading, incident, up_to);
	if (r == OK)
		*ret_facts = reading.facts;
	return r;
}

/* Who ended it answers for its review; else who took it, else who was paged first. */
static int64_t first_owner(const struct review_facts *facts)
{
	static const enum review_part order[] = { REVIEW_ENDED, REVIEW_TOOK_IT, REVIEW_DECLARED,
						  REVIEW_WAS_PAGED };
	for (size_t o = 0; o < sizeof order / sizeof order[0]; o++) {
		for (size_t i = 0; i < facts->people_count; i++) {
			if (facts->people[i].counts[order[o]] > 0)
				return facts->people[i].user;
		}
	}
	return 0;
}

enum err review_draft(struct decision *d, const struct incident *incident, const struct review *before,
		      int64_t up_to, struct event_review_drafted *ret_drafted, struct error *err)
{
	struct review_facts *facts;
	struct review_policy policy;
	enum err r = review_facts_read(d->conn, incident->id, up_to, d->arena, &facts, err);
	if (r == OK)
		r = review_policy_get(d->conn, d->arena, &policy, err);
	if (r != OK)
		return r;
	bool anew = before == NULL || str_is(before->state, "waiting");
	const struct review_moment *at = facts->moments;
	*ret_drafted = (struct event_review_drafted){
		.incident = incident->id,
		.state = anew ? STR("draft") : before->state,
		.up_to = up_to,
		.owner = before != NULL && before->owner != 0 ? before->owner : first_owner(facts),
		.due = anew ? review_working_days(incident->resolved, policy.due_days) : before->due,
		.priority = incident->priority,
		.service = incident->service,
		.started = at[REVIEW_STARTED].at,
		.detected = at[REVIEW_DETECTED].at,
		.paged = at[REVIEW_PAGED].at,
		.acknowledged = at[REVIEW_ACKNOWLEDGED].at,
		.updated = at[REVIEW_UPDATED].at,
		.mitigated = at[REVIEW_MITIGATED].at,
		.resolved = incident->resolved,
	};
	return OK;
}
