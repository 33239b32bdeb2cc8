/* incident.c: what people do to incidents. See incident.h for the states. */
#include <assert.h>
#include <string.h>

#include "catalog/catalog.h"
#include "incident/incident_priv.h"
#include "journal/journal.h"

void incident_assert(const struct incident *incident)
{
	bool open = str_is(incident->state, "open");
	bool acknowledged = str_is(incident->state, "acknowledged");
	bool resolved = str_is(incident->state, "resolved");
	assert(open || acknowledged || resolved);
	assert((incident->resolved != TIME_NONE) == resolved);
	assert(!open || incident->acknowledged_by == 0);
	assert(!acknowledged || incident->ack_until != TIME_NONE);
}

static enum err check_title(struct str title, struct error *err)
{
	enum err r = OK;
	if (str_trim(title).len == 0)
		r = error_set(err, ERR_INVALID, "an incident needs a title: what is wrong, for whom");
	else if (title.len > INCIDENT_TITLE_BYTES_MAX)
		r = error_set(err, ERR_INVALID, "the title is longer than %u bytes",
			      INCIDENT_TITLE_BYTES_MAX);
	if (r != OK)
		error_field(err, "title");
	return r;
}

static struct str or_else(struct str given, struct str otherwise)
{
	return given.len > 0 ? given : otherwise;
}

static enum err check_visibility(struct str visibility, struct str team, struct error *err)
{
	if (str_is(visibility, "everyone") || str_is(visibility, "private"))
		return OK;
	if (!str_is(visibility, "team"))
		return error_set(err, ERR_INVALID, "visibility is everyone, team or private");
	if (team.len == 0)
		return error_set(err, ERR_INVALID, "an incident for a team names the team");
	return OK;
}

enum err incident_open_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_open *open = args;
	struct catalog_service service;
	enum err r = check_title(open->title, err);
	if (r == OK)
		r = catalog_service_get(d->conn, open->service, d->arena, &service, err);
	if (r != OK)
		return r;
	if (open->service.len > 0 && !service.known) {
		error_set(err, ERR_INVALID, "there is no service \"" STR_FMT "\"", STR_ARG(open->service));
		error_field(err, "service");
		return ERR_INVALID;
	}
	struct incident_weight weight = {
		.impact = or_else(open->impact, service.impact),
		.impact_reason = open->impact.len > 0
					 ? or_else(open->impact_reason, STR("set by who declared it"))
					 : service.impact_reason,
		.urgency = or_else(open->urgency, STR("high")),
		.urgency_reason = open->urgency.len > 0
					  ? or_else(open->urgency_reason, STR("set by who declared it"))
					  : STR("declared by a person"),
	};
	struct event_incident_opened opened = {
		.title = str_trim(open->title),
		.service = open->service,
		.team = or_else(open->team, service.team),
		.impact = weight.impact,
		.urgency = weight.urgency,
		.visibility = or_else(open->visibility, STR("everyone")),
		.policy = or_else(service.policy, STR("default")),
		.source = open->source,
	};
	r = check_visibility(opened.visibility, opened.team, err);
	if (r == OK)
		r = incident_weigh(d, &weight, &opened.priority, &opened.why, err);
	if (r != OK)
		return r;
	opened.incident = decision_new_id(d, "incident");
	if (open->ret_incident != NULL)
		*open->ret_incident = opened.incident;
	decision_emit(d, EVENT_INCIDENT_OPENED, opened.incident, &opened);
	return OK;
}

static enum err need_resolved(struct decision *d, int64_t id, bool wanted, struct error *err)
{
	struct incident incident;
	enum err r = incident_get(d->conn, id, d->arena, &incident, err);
	if (r != OK || str_is(incident.state, "resolved") == wanted)
		return r;
	return error_set(err, ERR_CONFLICT, "incident %lld is %s resolved", (long long)id,
			 wanted ? "not" : "already");
}

enum err incident_acknowledge_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	enum err r = need_resolved(d, act->incident, false, err);
	if (r != OK)
		return r;
	struct event_incident_acknowledged acknowledged = {
		.incident = act->incident,
		.user = act->user,
		.via = act->via,
		.until = d->now + INCIDENT_ACK_LASTS,
	};
	decision_emit(d, EVENT_INCIDENT_ACKNOWLEDGED, act->incident, &acknowledged);
	return OK;
}

enum err incident_resolve_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	enum err r = need_resolved(d, act->incident, false, err);
	if (r != OK)
		return r;
	struct event_incident_resolved resolved = {
		.incident = act->incident, .via = act->via, .reason = act->text,
	};
	decision_emit(d, EVENT_INCIDENT_RESOLVED, act->incident, &resolved);
	return OK;
}

enum err incident_reopen_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	enum err r = need_resolved(d, act->incident, true, err);
	if (r != OK)
		return r;
	struct event_incident_reopened reopened = { .incident = act->incident, .reason = act->text };
	decision_emit(d, EVENT_INCIDENT_REOPENED, act->incident, &reopened);
	return OK;
}

enum err incident_note_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	struct incident incident;
	enum err r = incident_get(d->conn, act->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	if (str_trim(act->text).len == 0)
		return error_set(err, ERR_INVALID, "a note has a text");
	if (act->text.len > INCIDENT_TEXT_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "the note is longer than %u bytes",
				 INCIDENT_TEXT_BYTES_MAX);
	struct event_incident_noted noted = { .incident = act->incident, .text = act->text };
	decision_emit(d, EVENT_INCIDENT_NOTED, act->incident, &noted);
	return OK;
}

enum err incident_retitle_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	struct incident incident;
	enum err r = incident_get(d->conn, act->incident, d->arena, &incident, err);
	if (r == OK)
		r = check_title(act->text, err);
	if (r != OK)
		return r;
	struct event_incident_retitled retitled = { .incident = act->incident,
						    .title = str_trim(act->text) };
	decision_emit(d, EVENT_INCIDENT_RETITLED, act->incident, &retitled);
	return OK;
}

enum err incident_priority_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	struct incident incident;
	enum err r = incident_get(d->conn, act->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	struct incident_weight weight = {
		.impact = or_else(act->impact, incident.impact),
		.impact_reason = STR("set by a responder"),
		.urgency = or_else(act->urgency, incident.urgency),
		.urgency_reason = STR("set by a responder"),
	};
	struct event_incident_priority_set set = {
		.incident = act->incident,
		.impact = weight.impact,
		.urgency = weight.urgency,
		.reason = act->text,
	};
	r = incident_weigh(d, &weight, &set.priority, &set.why, err);
	if (r == OK)
		decision_emit(d, EVENT_INCIDENT_PRIORITY_SET, act->incident, &set);
	return r;
}

/* ---- undo ---- */

struct undoing {
	bool found;
	enum event_kind kind;
	int64_t subject, actor, seq;
	time_us at; /* by the wall, as now is: what was recorded may run ahead of it */
};

static bool see_undone(void *context, const struct event *event)
{
	struct undoing *undoing = context;
	*undoing = (struct undoing){ true, event->kind, event->subject, event->actor, event->seq,
				     event->event_time };
	return false;
}

static const char *undoable(enum event_kind kind)
{
	switch (kind) {
	case EVENT_INCIDENT_ACKNOWLEDGED:
		return "acknowledged";
	case EVENT_INCIDENT_RESOLVED:
		return "resolved";
	case EVENT_INCIDENT_PRIORITY_SET:
		return "priority_set";
	case EVENT_INCIDENT_NOTED:
		return "noted";
	default:
		return NULL;
	}
}

/* What has happened to the incident since the act that is to be taken back. */
struct since {
	const char *what;
	int64_t seq;
	bool changed, undone;
};

static bool see_since(void *context, const struct event *event)
{
	struct since *since = context;
	const char *what = undoable(event->kind);
	if (event->kind == EVENT_INCIDENT_UNDONE) {
		const struct event_incident_undone *e = event->payload;
		since->undone = since->undone || e->undone == since->seq;
		what = str_is(e->what, "noted") ? NULL : str_is(e->what, "priority_set") ? "priority_set"
											   : "resolved";
	}
	if (event->kind == EVENT_INCIDENT_REOPENED || event->kind == EVENT_INCIDENT_ACK_LAPSED)
		what = "resolved";
	if (what == NULL || strcmp(what, "noted") == 0)
		return true;
	bool of_priority = strcmp(what, "priority_set") == 0;
	if (strcmp(since->what, "noted") != 0)
		since->changed = since->changed || of_priority == (strcmp(since->what, "priority_set") == 0);
	return true;
}

/* Taking back the state of before would also take back what others did after it. */
static enum err check_since(struct decision *d, const struct incident_act *act, const char *what,
			    struct error *err)
{
	static const char *const kinds[] = { "incident.", NULL };
	struct since since = { .what = what, .seq = act->seq };
	struct journal_filter filter = { .after_seq = act->seq, .subject = act->incident, .kinds = kinds,
					 .limit = JOURNAL_PAGE_MAX };
	enum err r = journal_read(d->conn, &filter, d->arena, see_since, &since, err);
	if (r != OK)
		return r;
	if (since.undone)
		return error_set(err, ERR_CONFLICT, "it was already taken back");
	if (!since.changed)
		return OK;
	error_set(err, ERR_CONFLICT, "the incident has changed since; what came after would be lost");
	error_hint(err, "look at it again and do the opposite instead");
	return ERR_CONFLICT;
}

static enum err check_undo(struct decision *d, const struct undoing *undoing,
			   const struct incident_act *act, struct error *err)
{
	if (!undoing->found || undoing->seq != act->seq || undoing->subject != act->incident ||
	    undoable(undoing->kind) == NULL)
		return error_set(err, ERR_INVALID, "there is nothing to undo at event %lld",
				 (long long)act->seq);
	if (undoing->actor != d->actor.user)
		return error_set(err, ERR_DENIED, "only who did it can undo it");
	if (d->now - undoing->at > INCIDENT_UNDO_WITHIN)
		return error_set(err, ERR_CONFLICT, "it is more than ten seconds ago; do the opposite instead");
	return check_since(d, act, undoable(undoing->kind), err);
}

/* Only what the act changed goes back; the rest stays as it is now. */
static struct event_incident_undone undone_of(const struct incident_act *act, const char *what,
					      const struct incident *before, const struct incident *now)
{
	bool of_priority = strcmp(what, "priority_set") == 0;
	const struct incident *weight = of_priority ? before : now;
	const struct incident *state = of_priority || strcmp(what, "noted") == 0 ? now : before;
	return (struct event_incident_undone){
		.incident = act->incident,
		.undone = act->seq,
		.what = str_of(what),
		.state = state->state,
		.acknowledged = state->acknowledged,
		.acknowledged_by = state->acknowledged_by,
		.ack_until = state->ack_until,
		.impact = weight->impact,
		.urgency = weight->urgency,
		.priority = weight->priority,
		.why = weight->why,
	};
}

enum err incident_undo_decide(struct decision *d, const void *args, struct error *err)
{
	const struct incident_act *act = args;
	struct undoing undoing = { 0 };
	struct incident before, now;
	if (act->seq < 1)
		return error_set(err, ERR_INVALID, "which event is to be undone?");
	struct journal_filter filter = { .after_seq = act->seq - 1, .up_to_seq = act->seq, .limit = 1 };
	enum err r = journal_read(d->conn, &filter, d->arena, see_undone, &undoing, err);
	if (r == OK)
		r = check_undo(d, &undoing, act, err);
	if (r == OK)
		r = incident_as_of(d->conn, act->incident, act->seq - 1, d->arena, &before, err);
	if (r == OK)
		r = incident_get(d->conn, act->incident, d->arena, &now, err);
	if (r != OK)
		return r;
	struct event_incident_undone undone = undone_of(act, undoable(undoing.kind), &before, &now);
	decision_emit(d, EVENT_INCIDENT_UNDONE, act->incident, &undone);
	return OK;
}
