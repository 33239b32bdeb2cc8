/* review_flow.c: reviews that are owed because incidents ended, and reminders of what is due. */
#include "journal/journal.h"
#include "oncall/paging.h"
#include "review/review_priv.h"

static enum err find_review(struct decision *d, int64_t incident, struct review *ret_review,
			    bool *ret_found, struct error *err)
{
	enum err r = review_get(d->conn, incident, d->arena, ret_review, err);
	*ret_found = r == OK;
	return r == ERR_NOT_FOUND ? OK : r;
}

static enum err owes(struct decision *d, const struct incident *incident, bool *ret_owes, struct error *err)
{
	struct review_policy policy;
	enum err r = review_policy_get(d->conn, d->arena, &policy, err);
	if (r == OK)
		*ret_owes = review_is_owed(&policy, incident->priority) &&
			    d->now - incident->resolved < REVIEW_LOOKS_BACK;
	return r;
}

static void withdraw(struct decision *d, const struct incident *incident)
{
	struct event_review_withdrawn withdrawn = { .incident = incident->id,
						    .reason = STR("the incident goes on") };
	decision_emit(d, EVENT_REVIEW_WITHDRAWN, incident->id, &withdrawn);
}

/* The incident as it stands now decides, not as it stood at the event: whatever happened between, the
 * same end is reached, and an event that was followed already asks for nothing more. */
enum err review_after_incident(struct decision *d, const struct event *event, struct error *err)
{
	struct incident incident;
	struct review review;
	bool found, owed = false;
	enum err r = incident_get(d->conn, event->subject, d->arena, &incident, err);
	if (r == OK)
		r = find_review(d, incident.id, &review, &found, err);
	if (r != OK)
		return r;
	if (!str_is(incident.state, "resolved")) {
		if (found && !str_is(review.state, "waiting"))
			withdraw(d, &incident);
		return OK;
	}
	if (found && review.up_to >= event->seq)
		return OK;
	r = owes(d, &incident, &owed, err);
	if (r != OK || (!found && !owed))
		return r;
	struct event_review_drafted drafted;
	r = review_draft(d, &incident, found ? &review : NULL, event->seq, &drafted, err);
	if (r == OK)
		decision_emit(d, EVENT_REVIEW_DRAFTED, incident.id, &drafted);
	return r;
}

/* ---- reminders ---- */

static enum err remind(struct decision *d, int64_t incident, int64_t action, int64_t user, struct str title,
		       struct str body, struct error *err)
{
	struct event_review_reminded reminded = {
		.incident = incident, .action = action, .user = user,
		.next = d->now + REVIEW_REMIND_EVERY,
	};
	struct paging_note message = {
		.incident = incident, .user = user, .title = title, .body = body,
		.reason = STR("review"),
		.path = arena_printf(d->arena, "/reviews/%lld", (long long)incident),
	};
	decision_emit(d, EVENT_REVIEW_REMINDED, incident, &reminded);
	return user != 0 ? paging_tell(d, &message, err) : OK;
}

/* It is no longer owed: the timer ends. */
static void let_go(struct decision *d, int64_t incident, int64_t action)
{
	struct event_review_reminded reminded = { .incident = incident, .action = action };
	decision_emit(d, EVENT_REVIEW_REMINDED, incident, &reminded);
}

static bool is_pressing(struct str state)
{
	return str_is(state, "draft") || str_is(state, "in_review");
}

enum err review_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct review review;
	enum err r = review_get(d->conn, timer->of, d->arena, &review, err);
	if (r != OK)
		return r;
	if (!is_pressing(review.state)) {
		let_go(d, timer->of, 0);
		return OK;
	}
	return remind(d, timer->of, 0, review.owner,
		      arena_printf(d->arena, "Review due: " STR_FMT " " STR_FMT, STR_ARG(review.priority),
				   STR_ARG(review.title)),
		      STR("The post-incident review that you own is due. Write it while it is fresh, or give "
			  "it to somebody else.\n"),
		      err);
}

enum err review_action_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct review_action action;
	enum err r = review_action_get(d->conn, timer->of, d->arena, &action, err);
	if (r != OK)
		return r;
	if (!str_is(action.state, "open")) {
		let_go(d, action.incident, action.id);
		return OK;
	}
	return remind(d, action.incident, action.id, action.owner,
		      arena_printf(d->arena, "Action due: " STR_FMT,
				   STR_ARG(str_sub(action.text, 0, 200))),
		      arena_printf(d->arena, "It came out of the review of incident %lld. Close it, or say by "
				   "when it will be done.\n", (long long)action.incident),
		      err);
}
