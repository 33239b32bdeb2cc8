/* comms_report.c: a report comes in; its sender confirms, is asked, forgets. See comms_report.h. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "comms/comms_report_mail.h"
#include "comms/comms_report_priv.h"
#include "incident/incident.h"
#include "wire/mail.h"

#define SECRET_BYTES 16
#define SINCE_AHEAD (5 * TIME_MINUTE) /* a phone's clock may be wrong by that much */

/* How bad it is for one person: what is proposed is at most what the service is worth. */
static const struct severity {
	const char *name, *words, *urgency;
	int impact_most; /* as incident_level */
} severities[] = {
	{ "stopped", "it does not work at all", "high", 0 },
	{ "hindered", "it works, but slowly or in part", "medium", 1 },
	{ "small", "it is a small thing", "low", 2 },
};
#define SEVERITIES (sizeof severities / sizeof severities[0])

static const struct severity *severity_of(struct str name)
{
	for (size_t i = 0; i < SEVERITIES; i++) {
		if (str_is(name, severities[i].name))
			return &severities[i];
	}
	return NULL;
}

struct str report_severity_words(struct str name)
{
	const struct severity *severity = severity_of(name);
	return severity != NULL ? str_of(severity->words) : STR_NONE;
}

/* ---- what was sent ---- */

static enum err invalid(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

static bool has_controls(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7F)
			return true;
	}
	return false;
}

static enum err check(const struct report_receive *in, time_us now, struct error *err)
{
	if (str_trim(in->text).len == 0)
		return invalid(err, "text", "say in a few words what is wrong");
	if (in->text.len > REPORT_TEXT_BYTES_MAX || !str_is_utf8(in->text) || has_controls(in->text))
		return invalid(err, "text", "the text is longer than 4000 bytes, or holds what is no text");
	if (severity_of(in->severity) == NULL)
		return invalid(err, "severity", "say how bad it is: stopped, hindered or small");
	if (in->email.len > 0 && !mail_is_address(in->email))
		return invalid(err, "email", "this is no e-mail address; leave it empty to stay unknown");
	if (in->since != TIME_NONE && (in->since > now + SINCE_AHEAD || in->since < now - REPORT_SINCE_MAX))
		return invalid(err, "since", "since when is at most 90 days ago, and not in the future");
	return OK;
}

static enum err check_service(struct decision *d, const struct report_receive *in,
			      struct catalog_service *ret_service, struct error *err)
{
	enum err r = catalog_service_get(d->conn, in->service, d->arena, ret_service, err);
	if (r != OK || in->service.len == 0)
		return r;
	/* Whoever is outside learns no name of what they do not use. */
	if (!ret_service->known || (in->user == 0 && in->page.len == 0 && !ret_service->customers))
		return invalid(err, "service", "there is no service of that name");
	return OK;
}

static struct incident_weight weigh(struct decision *d, const struct report_receive *in,
				    const struct catalog_service *service)
{
	static const char *const levels[] = { "high", "medium", "low" };
	const struct severity *severity = severity_of(in->severity);
	int worth = incident_level(service->impact);
	int level = worth > severity->impact_most ? worth : severity->impact_most;
	assert(level >= 0 && level <= 2);
	return (struct incident_weight){
		.impact = str_of(levels[level]),
		.impact_reason = level == worth ? service->impact_reason
						: arena_printf(d->arena, "for who reports it, %s", severity->words),
		.urgency = str_of(severity->urgency),
		.urgency_reason = arena_printf(d->arena, "who reports it says that %s", severity->words),
	};
}

/* ---- the vault ---- */

struct str report_token(struct arena *arena, const struct report_private *private)
{
	return arena_printf(arena, "%lld-" STR_FMT, (long long)private->report, STR_ARG(private->secret));
}

/* One address is not flooded with questions by somebody who enters it again and again. */
static enum err keep_private(struct decision *d, const struct report_receive *in, int64_t report,
			     bool *ret_wants_news, struct error *err)
{
	struct report_private *private = arena_new(d->arena, struct report_private);
	char secret[2 * SECRET_BYTES + 1];
	int64_t waiting = 0;
	enum err r = OK;
	if (in->email.len > 0)
		r = report_unconfirmed(d->conn, in->email, &waiting, err);
	if (r != OK)
		return r;
	random_hex(d->random, SECRET_BYTES, secret);
	*private = (struct report_private){
		.report = report,
		.text = arena_str(d->arena, str_trim(in->text)),
		.email = waiting < REPORT_CONFIRMS_MAX ? arena_str(d->arena, in->email) : STR_NONE,
		.secret = arena_str(d->arena, str_of(secret)),
	};
	decision_work(d, report_private_put, private);
	*ret_wants_news = private->email.len > 0;
	if (*ret_wants_news)
		report_mail_confirm(d, private);
	return OK;
}

static void count_dropped(struct decision *d, const struct report_receive *in, const char *reason,
			  struct str service, int64_t more)
{
	struct report_drop_more *drop = arena_new(d->arena, struct report_drop_more);
	(void)in;
	*drop = (struct report_drop_more){ d->now - d->now % TIME_HOUR, d->now, str_of(reason),
					   arena_str(d->arena, service), more };
	decision_work(d, report_drop_put, drop);
}

enum err report_receive_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_receive *in = args;
	struct catalog_service service;
	int64_t waiting;
	enum err r = check(in, d->now, err);
	if (r == OK)
		r = check_service(d, in, &service, err);
	if (r == OK)
		r = report_new_count(d->conn, &waiting, err);
	if (r != OK)
		return r;
	if (in->throttled > 0)
		count_dropped(d, in, "too_fast", STR(""), (int64_t)in->throttled);
	*in->ret_dropped = waiting >= REPORT_NEW_MAX;
	if (*in->ret_dropped) {
		count_dropped(d, in, "full", in->service, 1);
		return OK;
	}
	struct incident_weight weight = weigh(d, in, &service);
	struct event_report_received received = {
		.user = in->user, .source = in->source, .page = in->page, .service = in->service,
		.severity = in->severity, .impact = weight.impact, .urgency = weight.urgency, .since = in->since,
	};
	r = incident_weigh(d, &weight, &received.priority, &received.why, err);
	if (r != OK)
		return r;
	received.report = *in->ret_report = decision_new_id(d, "report");
	r = keep_private(d, in, received.report, &received.wants_news, err);
	if (r != OK)
		return r;
	decision_emit(d, EVENT_REPORT_RECEIVED, received.report, &received);
	struct event_report_verdict verdict = { received.report, in->not_fixed, false };
	if (in->not_fixed > 0)
		decision_emit(d, EVENT_REPORT_VERDICT, received.report, &verdict);
	return OK;
}

/* ---- the sender's link ---- */

static void erase(struct decision *d, int64_t report, bool all, const char *reason)
{
	int64_t *id = arena_new(d->arena, int64_t);
	*id = report;
	struct event_report_erased erased = {
		.report = report, .what = all ? STR("all") : STR("address"), .reason = str_of(reason),
	};
	decision_work(d, all ? report_private_erase : report_private_forget, id);
	report_mail_drop(d, report);
	decision_emit(d, EVENT_REPORT_ERASED, report, &erased);
}

static enum err confirm(struct decision *d, const struct report *report, struct error *err)
{
	struct report_private private;
	struct incident incident = { .state = STR("open") };
	bool found;
	if (report->confirmed)
		return OK; /* a button that was pressed twice is pressed once */
	struct event_report_confirmed confirmed = { .report = report->id };
	decision_emit(d, EVENT_REPORT_CONFIRMED, report->id, &confirmed);
	enum err r = report_private_get(d->conn, report->id, d->arena, &found, &private, err);
	if (r == OK && report->incident > 0)
		r = incident_get(d->conn, report->incident, d->arena, &incident, err);
	if (r != OK || !found)
		return r;
	/* What was answered or mended before they confirmed is told now. */
	if (str_is(report->state, "answered"))
		report_mail_answer(d, &private, report);
	else if (str_is(incident.state, "resolved"))
		report_mail_fixed(d, &private, report);
	return OK;
}

static enum err say(struct decision *d, const struct report *report, bool fixed, struct error *err)
{
	struct incident incident;
	if (report->incident == 0 || !report->confirmed)
		return error_set(err, ERR_CONFLICT, "nobody has asked yet whether it is fixed");
	enum err r = incident_get(d->conn, report->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	/* What the form said of an earlier incident is no answer about this one. */
	struct str said = report->verdict_of == report->incident ? report->verdict : STR_NONE;
	if (!str_is(incident.state, "resolved") && !str_is(said, "not_fixed"))
		return error_set(err, ERR_CONFLICT, "it is not over yet; you are told when it is");
	if (str_is(said, fixed ? "fixed" : "not_fixed"))
		return OK;
	struct event_report_verdict verdict = { report->id, report->incident, fixed };
	decision_emit(d, EVENT_REPORT_VERDICT, report->id, &verdict);
	return OK;
}

enum err report_sender_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_sender_act *act = args;
	struct report report;
	enum err r = report_get(d->conn, act->report, d->arena, &report, err);
	if (r != OK)
		return r;
	switch (act->what) {
	case REPORT_CONFIRM:
		return confirm(d, &report, err);
	case REPORT_FIXED:
	case REPORT_NOT_FIXED:
		return say(d, &report, act->what == REPORT_FIXED, err);
	case REPORT_FORGET:
		if (report.erased.len == 0)
			erase(d, act->report, false, "asked");
		return OK;
	}
	return OK;
}

/* ---- erasure ---- */

enum err report_erase_decide(struct decision *d, const void *args, struct error *err)
{
	const struct report_act *act = args;
	struct report report;
	enum err r = report_get(d->conn, act->report, d->arena, &report, err);
	if (r == OK && !str_is(report.erased, "all"))
		erase(d, act->report, true, "manager");
	return r;
}

enum err report_keep_due(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)err;
	erase(d, timer->of, true, "kept_long_enough");
	return OK;
}

enum err report_confirm_due(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)err;
	erase(d, timer->of, false, "not_confirmed");
	return OK;
}
