/* comms_report_act.c: what responders do with reports. See comms_report.h for the states. */
#include <assert.h>

#include "catalog/catalog.h"
#include "comms/comms_report_priv.h"
#include "incident/incident.h"
#include "journal/journal.h"

void report_emit_triaged(struct decision *d, const struct report *report, const char *action, int64_t incident,
			 int64_t of, struct str reason)
{
	struct event_report_triaged triaged = {
		.report = report->id, .action = str_of(action), .incident = incident, .of = of, .reason = reason,
	};
	assert(str_is(report->state, "new"));
	decision_emit(d, EVENT_REPORT_TRIAGED, report->id, &triaged);
}

static enum err get_new(struct decision *d, int64_t id, struct report *ret_report, struct error *err)
{
	enum err r = report_get(d->conn, id, d->arena, ret_report, err);
	if (r != OK || str_is(ret_report->state, "new"))
		return r;
	error_set(err, ERR_CONFLICT, "report %lld is already %s" STR_FMT, (long long)id,
		  str_is(ret_report->state, "duplicate") ? "a " : "", STR_ARG(ret_report->state));
	error_hint(err, "within ten seconds it can be taken back by who did it");
	return ERR_CONFLICT;
}

static enum err need_reason(struct str reason, const char *field, const char *text, struct error *err)
{
	if (str_trim(reason).len > 0 && reason.len <= REPORT_REASON_BYTES_MAX)
		return OK;
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

/* The words of the sender are theirs and can be erased, so the incident has its own. */
static enum err title_of(struct decision *d, const struct report *report, struct str *ret_title,
			 struct error *err)
{
	struct catalog_service service;
	enum err r = catalog_service_get(d->conn, report->service, d->arena, &service, err);
	if (r != OK)
		return r;
	*ret_title = report->service.len > 0
			     ? arena_printf(d->arena, STR_FMT ": people report that " STR_FMT,
					    STR_ARG(service.display),
					    STR_ARG(report_severity_words(report->severity)))
			     : arena_printf(d->arena, "People report that " STR_FMT,
					    STR_ARG(report_severity_words(report->severity)));
	return OK;
}

static struct str or_else(struct str given, struct str otherwise)
{
	return given.len > 0 ? given : otherwise;
}

enum err report_accept_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report;
	struct str title = act->title;
	int64_t incident = 0;
	enum err r = get_new(d, act->report, &report, err);
	if (r == OK && title.len == 0)
		r = title_of(d, &report, &title, err);
	if (r != OK)
		return r;
	struct incident_open open = {
		.title = title,
		.service = report.service,
		.impact = or_else(act->impact, report.impact),
		.urgency = or_else(act->urgency, report.urgency),
		.source = STR("report"),
		.ret_incident = &incident,
	};
	if (act->impact.len == 0)
		open.impact_reason = arena_printf(d->arena, "as report %lld was weighed", (long long)report.id);
	if (act->urgency.len == 0)
		open.urgency_reason = arena_printf(d->arena, "who reports it says that " STR_FMT,
						   STR_ARG(report_severity_words(report.severity)));
	r = incident_open_decide(d, &open, err);
	if (r == OK)
		report_emit_triaged(d, &report, "accepted", incident, 0, act->reason);
	return r;
}

enum err report_join_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report;
	struct incident incident;
	enum err r = get_new(d, act->report, &report, err);
	if (r == OK)
		r = incident_get(d->conn, act->incident, d->arena, &incident, err);
	if (r == OK)
		report_emit_triaged(d, &report, "joined", act->incident, 0, act->reason);
	return r;
}

enum err report_duplicate_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report, first;
	enum err r = get_new(d, act->report, &report, err);
	if (r == OK)
		r = report_get(d->conn, act->of, d->arena, &first, err);
	if (r != OK)
		return r;
	/* A chain would hide from whom the news comes: a copy of a copy is a copy of the first. */
	int64_t of = str_is(first.state, "duplicate") ? first.of : first.id;
	if (of == report.id)
		return error_set(err, ERR_INVALID, "a report does not repeat itself");
	report_emit_triaged(d, &report, "duplicate", first.incident, of, act->reason);
	return OK;
}

enum err report_answer_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report;
	enum err r = get_new(d, act->report, &report, err);
	if (r == OK)
		r = need_reason(act->reason, "text", "an answer has a text of at most 2000 bytes", err);
	if (r == OK)
		report_emit_triaged(d, &report, "answered", 0, 0, act->reason);
	return r;
}

enum err report_reject_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report;
	enum err r = get_new(d, act->report, &report, err);
	if (r == OK)
		r = need_reason(act->reason, "reason", "say why, in at most 2000 bytes", err);
	if (r == OK)
		report_emit_triaged(d, &report, "rejected", 0, 0, act->reason);
	return r;
}

struct undoing {
	int64_t actor;
	time_us at;
	bool found;
};

static bool see_undone(void *context, const struct event *event)
{
	struct undoing *undoing = context;
	*undoing = (struct undoing){ event->actor, event->event_time, event->kind == EVENT_REPORT_TRIAGED };
	return false;
}

enum err report_undo_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report;
	struct undoing undoing = { .found = false };
	enum err r = report_get(d->conn, act->report, d->arena, &report, err);
	if (r != OK)
		return r;
	int64_t seq = act->seq > 0 ? act->seq : report.triaged_seq;
	if (str_is(report.state, "new") || seq != report.triaged_seq)
		return error_set(err, ERR_CONFLICT, "there is nothing to undo at event %lld", (long long)seq);
	if (str_is(report.state, "accepted"))
		return error_set(err, ERR_CONFLICT, "people were paged for it; resolve incident %lld instead",
				 (long long)report.incident);
	struct journal_filter filter = { .after_seq = seq - 1, .up_to_seq = seq, .limit = 1 };
	r = journal_read(d->conn, &filter, d->arena, see_undone, &undoing, err);
	if (r != OK)
		return r;
	if (!undoing.found || undoing.actor != d->actor.user)
		return error_set(err, ERR_DENIED, "only who did it can undo it");
	if (d->now - undoing.at > REPORT_UNDO_WITHIN)
		return error_set(err, ERR_CONFLICT, "it is more than ten seconds ago");
	struct event_report_undone undone = { .report = act->report, .undone = seq };
	decision_emit(d, EVENT_REPORT_UNDONE, act->report, &undone);
	return OK;
}
