/* api_sentence.c: what happened, as one sentence for people. */
#include "api/api_priv.h"

#define S(format, ...) arena_printf(&call->arena, format, __VA_ARGS__)

static struct str with_reason(struct api_call *call, const char *text, struct str reason)
{
	if (reason.len == 0)
		return S("%s.", text);
	return S("%s: " STR_FMT ".", text, STR_ARG(reason));
}

static struct str way_of(struct str via)
{
	return str_is(via, "link")  ? STR(" with the link of a page")
	       : str_is(via, "pagerduty") ? STR(" by an event of another program")
	       : str_is(via, "api") ? STR(" over the API")
	       : str_is(via, "cli") ? STR(" on the command line")
				    : STR_NONE;
}

static struct str act_of(struct str what)
{
	return str_is(what, "acknowledged")   ? STR("The acknowledgement")
	       : str_is(what, "resolved")     ? STR("Resolving it")
	       : str_is(what, "priority_set") ? STR("The change of priority")
	       : str_is(what, "noted")	      ? STR("A note")
					      : what;
}

/* What an escalation did where its event has no words of its own. */
static struct str moved(struct str action)
{
	return str_is(action, "stopped")	? STR("ended")
	       : str_is(action, "acknowledged") ? STR("waits for whoever took it")
	       : str_is(action, "undone")	? STR("goes on; nobody has taken it")
						: action;
}

static struct str of_page(struct api_call *call, const struct event *event)
{
	if (event->kind == EVENT_PAGE_CREATED) {
		const struct event_page_created *e = event->payload;
		return S("Page %lld was written for " STR_FMT ": " STR_FMT, (long long)e->page,
			 STR_ARG(e->channel), STR_ARG(e->title));
	}
	if (event->kind == EVENT_PAGE_CANCELLED) {
		const struct event_page_cancelled *e = event->payload;
		return S("Page %lld was not sent: " STR_FMT ".", (long long)e->page, STR_ARG(e->reason));
	}
	if (event->kind == EVENT_PAGE_ATTEMPTED) {
		const struct event_page_attempted *e = event->payload;
		return S("Page %lld, try %lld: " STR_FMT " (" STR_FMT ").", (long long)e->page,
			 (long long)e->attempt, STR_ARG(e->state), STR_ARG(e->detail));
	}
	return STR_NONE;
}

static struct str of_incident(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_INCIDENT_OPENED: {
		const struct event_incident_opened *e = event->payload;
		return S("Incident opened as " STR_FMT ": " STR_FMT, STR_ARG(e->priority),
			 STR_ARG(e->title));
	}
	case EVENT_INCIDENT_ALERT_JOINED: {
		const struct event_incident_alert_joined *e = event->payload;
		return S("Alert %lld joined: " STR_FMT, (long long)e->alert, STR_ARG(e->summary));
	}
	case EVENT_INCIDENT_ALERT_ENDED: {
		const struct event_incident_alert_ended *e = event->payload;
		return S("Alert %lld ended; %lld still fire.", (long long)e->alert, (long long)e->firing);
	}
	case EVENT_INCIDENT_ALERTS_JOINED: {
		const struct event_incident_alerts_joined *e = event->payload;
		return S("%lld alerts joined; the first: " STR_FMT, (long long)e->count, STR_ARG(e->summary));
	}
	case EVENT_INCIDENT_ALERTS_ENDED: {
		const struct event_incident_alerts_ended *e = event->payload;
		return S("%lld alerts ended; %lld still fire.", (long long)e->count, (long long)e->firing);
	}
	case EVENT_INCIDENT_ACKNOWLEDGED: {
		const struct event_incident_acknowledged *e = event->payload;
		struct guard_user user;
		bool known = guard_user_by_id(call->conn, &call->arena, e->user, &user, NULL) == OK;
		return S(STR_FMT " took it" STR_FMT ".", STR_ARG(known ? user.name : STR("Somebody")),
			 STR_ARG(way_of(e->via)));
	}
	case EVENT_INCIDENT_ACK_LAPSED:
		return STR("The acknowledgement lapsed; it needs somebody again.");
	case EVENT_INCIDENT_RESOLVED: {
		const struct event_incident_resolved *e = event->payload;
		return with_reason(call, str_is(e->via, "recovery") ? "It recovered" : "Resolved", e->reason);
	}
	case EVENT_INCIDENT_REOPENED:
		return with_reason(call, "Reopened",
				   ((const struct event_incident_reopened *)event->payload)->reason);
	case EVENT_INCIDENT_PRIORITY_SET: {
		const struct event_incident_priority_set *e = event->payload;
		return S("Priority is now " STR_FMT " (impact " STR_FMT ", urgency " STR_FMT ").",
			 STR_ARG(e->priority), STR_ARG(e->impact), STR_ARG(e->urgency));
	}
	case EVENT_INCIDENT_NOTED:
		return ((const struct event_incident_noted *)event->payload)->text;
	case EVENT_INCIDENT_RETITLED: {
		const struct event_incident_retitled *e = event->payload;
		return S("The title is now: " STR_FMT, STR_ARG(e->title));
	}
	case EVENT_INCIDENT_UNDONE: {
		const struct event_incident_undone *e = event->payload;
		return S(STR_FMT " was undone.", STR_ARG(act_of(e->what)));
	}
	default:
		return STR_NONE;
	}
}

static struct str of_update(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_UPDATE_POSTED: {
		const struct event_update_posted *e = event->payload;
		return S("Update for " STR_FMT " (" STR_FMT "): " STR_FMT, STR_ARG(e->audience), STR_ARG(e->state),
			 STR_ARG(e->text));
	}
	case EVENT_UPDATE_PUBLISHED: {
		const struct event_update_published *e = event->payload;
		return S("Update %lld went out.", (long long)e->update);
	}
	case EVENT_UPDATE_WITHDRAWN: {
		const struct event_update_withdrawn *e = event->payload;
		return S("Update %lld was taken back before it went out.", (long long)e->update);
	}
	case EVENT_UPDATE_EDITED: {
		const struct event_update_edited *e = event->payload;
		return S("Update %lld was corrected: " STR_FMT, (long long)e->update, STR_ARG(e->text));
	}
	case EVENT_UPDATE_REMINDED: {
		const struct event_update_reminded *e = event->payload;
		const char *whom = str_is(e->audience, "public") ? "customers" : "those inside";
		return e->late ? S("The update for %s is late.", whom) : S("An update for %s is due soon.", whom);
	}
	case EVENT_MAINTENANCE_PUT: {
		const struct event_maintenance_put *e = event->payload;
		return S("Maintenance announced: " STR_FMT, STR_ARG(e->title));
	}
	case EVENT_MAINTENANCE_MOVED: {
		const struct event_maintenance_moved *e = event->payload;
		return S("Maintenance %lld is now " STR_FMT ".", (long long)e->maintenance, STR_ARG(e->to));
	}
	case EVENT_COMPONENT_OVERRIDDEN: {
		const struct event_component_overridden *e = event->payload;
		return S("\"" STR_FMT "\" is shown as " STR_FMT ": " STR_FMT, STR_ARG(e->service), STR_ARG(e->status),
			 STR_ARG(e->reason));
	}
	default:
		return STR_NONE;
	}
}

static struct str of_review(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_REVIEW_DRAFTED: {
		const struct event_review_drafted *e = event->payload;
		return S("The facts of the review were read up to event %lld.", (long long)e->up_to);
	}
	case EVENT_REVIEW_TEXT_SET: {
		const struct event_review_text_set *e = event->payload;
		return S("\"" STR_FMT "\" was written.", STR_ARG(e->section));
	}
	case EVENT_REVIEW_FACTOR_PUT: {
		const struct event_review_factor_put *e = event->payload;
		return S("Factor (" STR_FMT "): " STR_FMT, STR_ARG(e->kind), STR_ARG(e->text));
	}
	case EVENT_REVIEW_ACTION_PUT: {
		const struct event_review_action_put *e = event->payload;
		return S("Action (" STR_FMT "): " STR_FMT, STR_ARG(e->state), STR_ARG(e->text));
	}
	case EVENT_REVIEW_STATE_SET: {
		const struct event_review_state_set *e = event->payload;
		return with_reason(call, str_is(e->state, "published")   ? "The review was published"
					 : str_is(e->state, "in_review") ? "The review was handed in"
									 : "The review was taken up again",
				   e->reason);
	}
	case EVENT_REVIEW_WAIVED:
		return with_reason(call, "The review is not written",
				   ((const struct event_review_waived *)event->payload)->reason);
	default:
		return STR_NONE;
	}
}

static struct str of_report(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_REPORT_RECEIVED: {
		const struct event_report_received *e = event->payload;
		return S("Report %lld came in, proposed as " STR_FMT "%s" STR_FMT ".", (long long)e->report,
			 STR_ARG(e->priority), e->service.len > 0 ? ", about " : "", STR_ARG(e->service));
	}
	case EVENT_REPORT_TRIAGED: {
		const struct event_report_triaged *e = event->payload;
		struct str to = e->incident != 0 ? S(", incident %lld", (long long)e->incident)
				: e->of != 0	 ? S(" of report %lld", (long long)e->of) : STR_NONE;
		return S("Report %lld: " STR_FMT STR_FMT "%s" STR_FMT, (long long)e->report, STR_ARG(e->action),
			 STR_ARG(to), e->reason.len > 0 ? ": " : ".", STR_ARG(e->reason));
	}
	case EVENT_REPORT_SURGED: {
		const struct event_report_surged *e = event->payload;
		return S("%lld people reported " STR_FMT " within a short time.", (long long)e->count,
			 STR_ARG(e->service));
	}
	case EVENT_REPORT_VERDICT: {
		const struct event_report_verdict *e = event->payload;
		return S("Who sent report %lld says that it is %sfixed.", (long long)e->report,
			 e->fixed ? "" : "not ");
	}
	case EVENT_SUBSCRIBER_NOTIFIED: {
		const struct event_subscriber_notified *e = event->payload;
		return S("%lld subscribers were written to about maintenance %lld.", (long long)e->count,
			 (long long)e->maintenance);
	}
	case EVENT_RATING_GIVEN: {
		const struct event_rating_given *e = event->payload;
		return S("A reader of update %lld says that %s.", (long long)e->update,
			 e->helped ? "it helped" : "they still do not know what they wanted to know");
	}
	default:
		return STR_NONE;
	}
}

static struct str of_way_in(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_SECRET_PUT: {
		const struct event_secret_put *e = event->payload;
		return S("The secret \"" STR_FMT "\" was set.", STR_ARG(e->secret));
	}
	case EVENT_INTEGRATION_MADE: {
		const struct event_integration_made *e = event->payload;
		return S("The integration \"" STR_FMT "\" of " STR_FMT " was made.", STR_ARG(e->name), STR_ARG(e->service));
	}
	case EVENT_SECRET_REMOVED: {
		const struct event_secret_removed *e = event->payload;
		return S("The secret \"" STR_FMT "\" was removed.", STR_ARG(e->secret));
	}
	default:
		return STR_NONE;
	}
}

static struct str of_watch(struct api_call *call, const struct event *event)
{
	switch (event->kind) {
	case EVENT_CHECK_CHANGED: {
		const struct event_check_changed *e = event->payload;
		return S(STR_FMT " went from " STR_FMT " to " STR_FMT "%s" STR_FMT, STR_ARG(e->check), STR_ARG(e->from),
			 STR_ARG(e->to), e->reason.len > 0 ? ": " : ".", STR_ARG(e->reason));
	}
	case EVENT_CHECK_PAUSED: {
		const struct event_check_paused *e = event->payload;
		return with_reason(call, S(STR_FMT " was paused", STR_ARG(e->check)).ptr, e->reason);
	}
	case EVENT_MUTE_STARTED: {
		const struct event_mute_started *e = event->payload;
		return with_reason(call,
				   e->target.len == 0 ? "Everything was muted"
						      : S("The " STR_FMT " " STR_FMT " was muted", STR_ARG(e->target_kind),
							  STR_ARG(e->target)).ptr,
				   e->reason);
	}
	default:
		return STR_NONE;
	}
}

static struct str of_house(struct api_call *call, const struct event *event)
{
	char words[DURATION_TEXT_BYTES];
	switch (event->kind) {
	case EVENT_SYSTEM_STARTED: {
		const struct event_system_started *e = event->payload;
		duration_words(e->down_for, words);
		return e->down_for == 0 ? STR_NONE
					: S("The server began to work; nothing was recorded for %s before.", words);
	}
	case EVENT_CLOCK_STEPPED: {
		const struct event_clock_stepped *e = event->payload;
		duration_words(e->by < 0 ? -e->by : e->by, words);
		return S("The wall clock jumped %s by %s; timers of a span of time moved with it.",
			 e->by < 0 ? "back" : "ahead", words);
	}
	case EVENT_DEFINITION_PUT: {
		const struct event_definition_put *e = event->payload;
		return S(STR_FMT " " STR_FMT " was %s.", STR_ARG(e->kind), STR_ARG(e->name),
			 e->revision == 1 ? "made" : "changed");
	}
	case EVENT_DEFINITION_DELETED: {
		const struct event_definition_deleted *e = event->payload;
		return S(STR_FMT " " STR_FMT " was deleted.", STR_ARG(e->kind), STR_ARG(e->name));
	}
	case EVENT_SETTINGS_CHANGED: {
		const struct event_settings_changed *e = event->payload;
		return S("The settings of " STR_FMT " were changed.", STR_ARG(e->section));
	}
	case EVENT_BACKUP_MADE: {
		const struct event_backup_made *e = event->payload;
		return S("A backup was made of %lld events%s: " STR_FMT, (long long)e->events,
			 e->secrets ? ", with secrets" : "", STR_ARG(e->name));
	}
	case EVENT_JOURNAL_RESTORED: {
		const struct event_journal_restored *e = event->payload;
		return S("This house was restored from a backup of %lld events of " STR_FMT "; it goes on as " STR_FMT ".",
			 (long long)e->events, STR_ARG(e->from), STR_ARG(e->origin));
	}
	default:
		return STR_NONE;
	}
}

struct str api_sentence(struct api_call *call, const struct event *event)
{
	if (event->payload == NULL)
		return STR("The content of this event was erased.");
	struct str text = of_incident(call, event);
	if (text.len == 0)
		text = of_page(call, event);
	if (text.len == 0)
		text = of_update(call, event);
	if (text.len == 0)
		text = of_review(call, event);
	if (text.len == 0)
		text = of_report(call, event);
	if (text.len == 0)
		text = of_way_in(call, event);
	if (text.len == 0)
		text = of_watch(call, event);
	if (text.len == 0)
		text = of_house(call, event);
	if (event->kind == EVENT_ESCALATION_MOVED) {
		const struct event_escalation_moved *e = event->payload;
		text = e->text.len > 0 ? e->text : S("The escalation " STR_FMT ".", STR_ARG(moved(e->action)));
	}
	if (event->kind == EVENT_ESCALATION_REQUESTED)
		text = STR("Somebody asked for the next step at once.");
	return text.len > 0 ? text : str_of(event_kinds[event->kind].about);
}

static struct str numbered(struct arena *arena, const char *kind, int64_t id)
{
	return id != 0 ? arena_printf(arena, "%s/%lld", kind, (long long)id) : STR_NONE;
}

static struct str named(struct arena *arena, struct str kind, struct str name)
{
	char lower[64] = "";
	for (size_t i = 0; i < kind.len && i < sizeof lower - 1; i++) {
		char byte = kind.ptr[i];
		lower[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
	}
	return arena_printf(arena, "%s/" STR_FMT, lower, STR_ARG(name));
}

struct str api_subject(struct arena *arena, const struct event *event)
{
	struct str kind = str_of(event_kinds[event->kind].name), group, rest;
	str_cut(kind, '.', &group, &rest);
	if (event->payload == NULL)
		return numbered(arena, arena_cstr(arena, group), event->subject);
	switch (event->kind) {
	case EVENT_DEFINITION_PUT: {
		const struct event_definition_put *e = event->payload;
		return named(arena, e->kind, e->name);
	}
	case EVENT_DEFINITION_DELETED: {
		const struct event_definition_deleted *e = event->payload;
		return named(arena, e->kind, e->name);
	}
	case EVENT_CHECK_CHANGED:
		return named(arena, STR("check"), ((const struct event_check_changed *)event->payload)->check);
	case EVENT_CHECK_PAUSED:
		return named(arena, STR("check"), ((const struct event_check_paused *)event->payload)->check);
	case EVENT_CHECK_RESUMED:
		return named(arena, STR("check"), ((const struct event_check_resumed *)event->payload)->check);
	case EVENT_CHECK_ADDRESS_MADE:
		return named(arena, STR("check"),
			     ((const struct event_check_address_made *)event->payload)->check);
	case EVENT_OVERRIDE_PUT:
		return named(arena, STR("schedule"),
			     ((const struct event_override_put *)event->payload)->schedule);
	default:
		break;
	}
	if (str_is(group, "escalation") || str_is(group, "page") || str_is(group, "update") ||
	    str_is(group, "review"))
		return numbered(arena, "incident", event->subject);
	if (event->kind == EVENT_SUBSCRIBER_NOTIFIED)
		return numbered(arena, "maintenance", event->subject);
	if (event->kind == EVENT_SUBSCRIBER_TOLD || event->kind == EVENT_RATING_GIVEN)
		return numbered(arena, "update", event->subject);
	if (str_is(group, "contact"))
		return numbered(arena, "user", event->subject);
	return numbered(arena, arena_cstr(arena, group), event->subject);
}
