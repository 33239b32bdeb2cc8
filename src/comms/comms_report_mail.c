/* comms_report_mail.c: see comms_report_mail.h; and the followers that tell senders what became of it. */
#include "comms/comms_report_mail.h"

#include "comms/comms_letter.h"
#include "incident/incident.h"

#define CONFIRM "report_confirm"
#define ANSWER "report_answer"
#define FIXED "report_fixed"

/* ---- writing ---- */

static struct str link_of(struct arena *arena, const struct report_private *to)
{
	struct str token = report_token(arena, to);
	return arena_printf(arena, NOTIFY_BASE REPORT_LINK_PATH STR_FMT, STR_ARG(token));
}

static struct notify_bulk address(struct arena *arena, const char *purpose, int64_t seq,
				  const struct report_private *to, time_us due)
{
	return (struct notify_bulk){
		.purpose = str_of(purpose),
		.seq = seq,
		.party = to->report,
		.channel = STR("email"),
		.address = to->email,
		.unsubscribe = link_of(arena, to),
		.due = due,
	};
}

static struct notify_bulk confirm_of(struct arena *arena, const struct report_private *to, time_us due)
{
	struct notify_bulk bulk = address(arena, CONFIRM, 0, to, due);
	struct comms_letter letter = {
		.title = STR("Do you want to be told about a problem that was reported?"),
		.text = STR("Somebody, probably you, reported a problem and gave this address to be told about it.\n\n"
			    "If it was you, open the link and press the button; then you hear when it is answered or "
			    "fixed. If it was not, do nothing: you get no further mail, and your address is erased in "
			    "seven days."),
		.link_text = STR("Yes, tell me:"),
		.link = bulk.unsubscribe,
	};
	comms_letter_write(arena, &letter, &bulk);
	bulk.unsubscribe = STR_NONE; /* nothing is subscribed yet */
	return bulk;
}

static struct notify_bulk answer_of(struct arena *arena, const struct report_private *to, struct str answer,
				    int64_t seq, time_us due)
{
	struct notify_bulk bulk = address(arena, ANSWER, seq, to, due);
	struct comms_letter letter = {
		.title = arena_printf(arena, "An answer about the problem you reported (no. %lld)",
				      (long long)to->report),
		.text = arena_printf(arena, "About the problem that you reported:\n\n" STR_FMT, STR_ARG(answer)),
		.link_text = STR("See your report, or be forgotten:"),
		.link = bulk.unsubscribe,
	};
	comms_letter_write(arena, &letter, &bulk);
	return bulk;
}

static struct notify_bulk fixed_of(struct arena *arena, const struct report_private *to, int64_t seq, time_us due)
{
	struct notify_bulk bulk = address(arena, FIXED, seq, to, due);
	struct comms_letter letter = {
		.title = arena_printf(arena, "Fixed: the problem you reported (no. %lld)", (long long)to->report),
		.text = STR("The problem that you reported is over, as far as we can see.\n\n"
			    "Is it fixed for you, too? Open the link and press one of two buttons. If it is not, the "
			    "people who worked on it see your answer."),
		.link_text = STR("Say whether it is fixed:"),
		.link = bulk.unsubscribe,
	};
	comms_letter_write(arena, &letter, &bulk);
	return bulk;
}

/* ---- from decisions ---- */

static void queue(struct decision *d, struct notify_bulk bulk)
{
	struct notify_bulk *row = arena_new(d->arena, struct notify_bulk);
	*row = bulk;
	decision_work(d, notify_bulk_put, row);
}

void report_mail_confirm(struct decision *d, const struct report_private *to)
{
	queue(d, confirm_of(d->arena, to, d->now));
}

void report_mail_answer(struct decision *d, const struct report_private *to, const struct report *report)
{
	queue(d, answer_of(d->arena, to, report->reason, report->triaged_seq, d->now));
}

void report_mail_fixed(struct decision *d, const struct report_private *to, const struct report *report)
{
	(void)report;
	queue(d, fixed_of(d->arena, to, 0, d->now));
}

/* What was queued for an address that is erased does not leave. */
void report_mail_drop(struct decision *d, int64_t report)
{
	static const char *const purposes[] = { CONFIRM, ANSWER, FIXED };
	for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		struct notify_bulk *row = arena_new(d->arena, struct notify_bulk);
		*row = (struct notify_bulk){ .purpose = str_of(purposes[i]), .party = report };
		decision_work(d, notify_bulk_drop, row);
	}
}

/* ---- followers ---- */

static enum err private_of(struct apply *a, int64_t report, bool *ret_told, struct report_private *ret_private,
			   struct error *err)
{
	enum err r = report_private_get(a->conn, report, a->arena, ret_told, ret_private, err);
	if (r == OK)
		*ret_told = *ret_told && ret_private->email.len > 0;
	return r;
}

/* The mail leaves when it can no longer be taken back. */
enum err report_after_triaged(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_triaged *e = event->payload;
	struct report_private private;
	struct report report;
	bool told;
	if (e == NULL || !str_is(e->action, "answered"))
		return OK;
	enum err r = report_get(a->conn, e->report, a->arena, &report, err);
	if (r == OK)
		r = private_of(a, e->report, &told, &private, err);
	if (r != OK || !told || !report.confirmed || report.triaged_seq != event->seq)
		return r;
	struct notify_bulk bulk = answer_of(a->arena, &private, e->reason, event->seq,
					    event->event_time + REPORT_UNDO_WITHIN);
	return notify_bulk_put(a->conn, &bulk, err);
}

enum err report_after_undone(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_report_undone *e = event->payload;
	if (e == NULL)
		return OK;
	struct notify_bulk row = { .purpose = STR(ANSWER), .seq = e->undone, .party = e->report };
	return notify_bulk_drop(a->conn, &row, err);
}

struct telling {
	struct apply *a;
	const struct event *event;
	struct error *err;
	enum err result;
};

static bool tell_fixed(void *context, const struct report *report)
{
	struct telling *telling = context;
	struct apply *a = telling->a;
	struct report_private private;
	bool told;
	if (!report->confirmed || str_is(report->verdict, "fixed"))
		return true;
	telling->result = private_of(a, report->id, &told, &private, telling->err);
	if (telling->result != OK || !told)
		return telling->result == OK;
	struct notify_bulk bulk = fixed_of(a->arena, &private, telling->event->seq,
					   telling->event->event_time + INCIDENT_UNDO_WITHIN);
	telling->result = notify_bulk_put(a->conn, &bulk, telling->err);
	return telling->result == OK;
}

enum err report_after_resolved(struct apply *a, const struct event *event, struct error *err)
{
	struct telling telling = { a, event, err, OK };
	struct report_filter filter = { .incident = event->subject, .limit = REPORT_TOLD_MAX };
	enum err r = report_list(a->conn, &filter, a->arena, tell_fixed, &telling, err);
	return telling.result != OK ? telling.result : r;
}

static bool drop_fixed(void *context, const struct report *report)
{
	struct telling *telling = context;
	struct notify_bulk row = { .purpose = STR(FIXED), .party = report->id };
	telling->result = notify_bulk_drop(telling->a->conn, &row, telling->err);
	return telling->result == OK;
}

/* It goes on after all: what says that it is over does not leave any more. */
enum err report_after_reopened(struct apply *a, const struct event *event, struct error *err)
{
	struct telling telling = { a, event, err, OK };
	struct report_filter filter = { .incident = event->subject, .limit = REPORT_TOLD_MAX };
	const struct event_incident_undone *undone = event->payload;
	if (event->kind == EVENT_INCIDENT_UNDONE && (undone == NULL || !str_is(undone->what, "resolved")))
		return OK;
	enum err r = report_list(a->conn, &filter, a->arena, drop_fixed, &telling, err);
	return telling.result != OK ? telling.result : r;
}
