/* review.c: what people do to reviews. See review.h for the states. */
#include <string.h>

#include "guard/guard.h"
#include "resource/definition.h"
#include "review/review_priv.h"

/* ---- which incidents owe one ---- */

static const char *const priorities[] = { "P1", "P2", "P3", "P4", "P5", NULL };
static const struct spec_field priority = { .name = "priority", .type = SPEC_CHOICE, .choices = priorities,
					    .about = "A priority that owes a review." };

const struct spec_field review_policy_spec[] = {
	{ .name = "priorities", .type = SPEC_LIST, .item = &priority, .flags = SPEC_UNIQUE, .max = 5,
	  .otherwise = "[\"P1\",\"P2\"]", .about = "Incidents of these priorities owe a review." },
	{ .name = "due_days", .type = SPEC_INT, .min = 1, .max = 60, .otherwise = "5", .unit = "working days",
	  .about = "Reviews and their actions are due so many working days later." },
	{ .name = NULL },
};

enum err review_policy_get(struct store_conn *conn, struct arena *arena,
			   struct review_policy *ret_policy, struct error *err)
{
	const struct doc_node *spec;
	enum err r = definition_spec(conn, REVIEW_POLICY, STR("default"), arena, &spec, err);
	if (r != OK)
		return r;
	struct review_policy policy = { .owes = { true, true }, .due_days = REVIEW_DUE_DAYS,
					.built_in = spec == NULL };
	const struct doc_node *list = doc_get(spec, "priorities");
	for (size_t p = 0; list != NULL && p < 5; p++) {
		policy.owes[p] = false;
		for (size_t i = 0; i < doc_count(list); i++)
			policy.owes[p] = policy.owes[p] || str_is(doc_text(doc_at(list, i), ""), priorities[p]);
	}
	policy.due_days = (unsigned)doc_int(doc_get(spec, "due_days"), REVIEW_DUE_DAYS);
	*ret_policy = policy;
	return OK;
}

bool review_is_owed(const struct review_policy *policy, struct str of)
{
	for (size_t p = 0; p < 5; p++) {
		if (str_is(of, priorities[p]))
			return policy->owes[p];
	}
	return false;
}

/* ---- parts of a review ---- */

const struct review_section_row review_sections[REVIEW_SECTIONS] = {
	{ "summary", "Summary", "What happened, in words that somebody from another team understands." },
	{ "impact", "Impact", "Who noticed what, how many, for how long." },
	{ "root_cause", "Analysis", "How it came to it: what made each step look right at the time." },
	{ "went_well", "What went well", "What helped, so that it is kept." },
	{ "went_badly", "What went badly", "What made it longer or harder." },
	{ "lucky", "Where we were lucky", "What could have made it worse and did not." },
};

const char *const review_factor_kinds[] = { "technical", "process", "information", "organisation",
					     "outside", NULL };

static bool is_section(struct str name)
{
	for (size_t i = 0; i < REVIEW_SECTIONS; i++) {
		if (str_is(name, review_sections[i].name))
			return true;
	}
	return false;
}

static bool is_one_of(struct str word, const char *const *words)
{
	while (*words != NULL && !str_is(word, *words))
		words++;
	return *words != NULL;
}

static enum err wrong(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

/* What is published stands; who wants to change it takes it up again first. */
static enum err editable(struct decision *d, int64_t incident, struct review *ret_review, struct error *err)
{
	enum err r = review_get(d->conn, incident, d->arena, ret_review, err);
	if (r != OK)
		return r;
	if (!str_is(ret_review->state, "published") && !str_is(ret_review->state, "waived"))
		return OK;
	error_set(err, ERR_CONFLICT, "the review of incident %lld is " STR_FMT, (long long)incident,
		  STR_ARG(ret_review->state));
	error_hint(err, "take it up again to change it");
	return ERR_CONFLICT;
}

/* Whoever is given something of an incident must be able to see it. */
static enum err may_own(struct decision *d, int64_t incident_id, int64_t owner, struct error *err)
{
	struct guard_user user;
	struct incident incident;
	if (owner == 0)
		return OK;
	enum err r = guard_user_by_id(d->conn, d->arena, owner, &user, err);
	if (r == ERR_NOT_FOUND || (r == OK && user.disabled))
		return wrong(err, "owner", "there is nobody with this number who could do it");
	if (r == OK)
		r = incident_get(d->conn, incident_id, d->arena, &incident, err);
	if (r != OK)
		return r;
	struct principal *reader = arena_new(d->arena, struct principal);
	struct str *teams;
	r = guard_user_teams(d->conn, d->arena, user.email, &teams, &reader->team_count, err);
	if (r != OK)
		return r;
	reader->user = user.id;
	reader->role = user.role;
	reader->scope = SCOPE_ADMIN;
	reader->team_count = reader->team_count < GUARD_TEAMS_MAX ? reader->team_count : GUARD_TEAMS_MAX;
	for (size_t i = 0; i < reader->team_count; i++)
		reader->teams[i] = teams[i];
	bool takes_part = incident.opened_by == owner || incident.acknowledged_by == owner;
	if (guard_sees(reader, incident.visibility, incident.team, takes_part))
		return OK;
	return wrong(err, "owner", "this person may not see the incident");
}

/* ---- the review itself ---- */

enum err review_start_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_start *start = args;
	struct incident incident;
	struct review review;
	enum err r = incident_get(d->conn, start->incident, d->arena, &incident, err);
	if (r != OK)
		return r;
	if (!str_is(incident.state, "resolved"))
		return error_set(err, ERR_CONFLICT, "incident %lld is not over yet", (long long)start->incident);
	if (review_get(d->conn, start->incident, d->arena, &review, NULL) == OK)
		return error_set(err, ERR_CONFLICT, "incident %lld has a review already",
				 (long long)start->incident);
	struct event_review_drafted drafted;
	r = review_draft(d, &incident, NULL, world_last_seq(d->world), &drafted, err);
	if (r != OK)
		return r;
	drafted.owner = start->owner;
	decision_emit(d, EVENT_REVIEW_DRAFTED, start->incident, &drafted);
	return OK;
}

enum err review_assign_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_assign *assign = args;
	struct review review;
	enum err r = editable(d, assign->incident, &review, err);
	if (r == OK && assign->owner != NULL)
		r = may_own(d, assign->incident, *assign->owner, err);
	if (r != OK)
		return r;
	struct event_review_assigned assigned = {
		.incident = assign->incident,
		.owner = assign->owner != NULL ? *assign->owner : review.owner,
		.due = assign->due != NULL ? *assign->due : review.due,
	};
	if (assigned.owner != review.owner || assigned.due != review.due)
		decision_emit(d, EVENT_REVIEW_ASSIGNED, assign->incident, &assigned);
	return OK;
}

static enum err changed_in_between(struct decision *d, struct str section, int64_t by, struct error *err)
{
	struct guard_user user = { .name = STR("somebody") };
	if (by != 0 && guard_user_by_id(d->conn, d->arena, by, &user, NULL) != OK)
		user.name = STR("somebody");
	error_set(err, ERR_PRECONDITION, "\"" STR_FMT "\" was written by " STR_FMT " since you read it",
		  STR_ARG(section), STR_ARG(user.name));
	error_hint(err, "nothing of yours is lost: read theirs, put the two together, and save again");
	error_field(err, "text");
	return ERR_PRECONDITION;
}

enum err review_write_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_write *write = args;
	struct review review;
	int64_t revision, by;
	if (!is_section(write->section))
		return error_set(err, ERR_NOT_FOUND, "a review has no part \"" STR_FMT "\"",
				 STR_ARG(str_sub(write->section, 0, 40)));
	if (write->text.len > REVIEW_TEXT_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "a part of a review has at most %u bytes",
				 REVIEW_TEXT_BYTES_MAX);
	enum err r = editable(d, write->incident, &review, err);
	if (r == OK)
		r = review_text_revision(d->conn, write->incident, write->section, &revision, &by, err);
	if (r != OK)
		return r;
	if (write->expect >= 0 && write->expect != revision)
		return changed_in_between(d, write->section, by, err);
	struct event_review_text_set set = { .incident = write->incident, .section = write->section,
					     .text = write->text };
	decision_emit(d, EVENT_REVIEW_TEXT_SET, write->incident, &set);
	return OK;
}

/* ---- states ---- */

struct move {
	const char *from, *to;
};
static const struct move moves[] = {
	{ "draft", "in_review" },  { "in_review", "draft" },  { "draft", "published" },
	{ "in_review", "published" }, { "published", "draft" }, { "waived", "draft" },
};

enum err review_state_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_state *set = args;
	struct review review;
	enum err r = review_get(d->conn, set->incident, d->arena, &review, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
		if (!str_is(review.state, moves[i].from) || !str_is(set->state, moves[i].to))
			continue;
		struct event_review_state_set event = { .incident = set->incident, .state = set->state,
							.reason = set->reason };
		decision_emit(d, EVENT_REVIEW_STATE_SET, set->incident, &event);
		return OK;
	}
	error_set(err, ERR_CONFLICT, "a review that is " STR_FMT " cannot become " STR_FMT, STR_ARG(review.state),
		  STR_ARG(set->state));
	if (str_is(review.state, "waiting"))
		error_hint(err, "its incident goes on; the review comes back when it is resolved");
	return ERR_CONFLICT;
}

enum err review_waive_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_state *set = args;
	struct review review;
	enum err r = review_get(d->conn, set->incident, d->arena, &review, err);
	if (r != OK)
		return r;
	if (str_trim(set->reason).len == 0)
		return wrong(err, "reason", "a review is left out for a reason that others can read");
	if (!str_is(review.state, "draft") && !str_is(review.state, "in_review"))
		return error_set(err, ERR_CONFLICT, "a review that is " STR_FMT " cannot be left out",
				 STR_ARG(review.state));
	struct event_review_waived waived = { .incident = set->incident, .reason = set->reason };
	decision_emit(d, EVENT_REVIEW_WAIVED, set->incident, &waived);
	return OK;
}

/* ---- factors: a tree, each explaining its parent ---- */

static enum err check_line(struct str text, const char *what, struct error *err)
{
	if (str_trim(text).len == 0)
		return wrong(err, "text", what);
	if (text.len > REVIEW_LINE_BYTES_MAX)
		return wrong(err, "text", "it is longer than 500 bytes; say it in one sentence");
	return OK;
}

/* The parent stands, and does not hang below the factor itself. */
static enum err check_parent(struct decision *d, const struct review_factor *factor, struct error *err)
{
	int64_t above = factor->parent;
	for (unsigned depth = 0; above != 0; depth++) {
		struct review_factor parent;
		if (above == factor->id || depth > REVIEW_FACTORS_MAX)
			return wrong(err, "parent", "a factor cannot explain itself");
		enum err r = review_factor_get(d->conn, factor->incident, above, d->arena, &parent, err);
		if (r == ERR_NOT_FOUND)
			return wrong(err, "parent", "this review has no such factor");
		if (r != OK)
			return r;
		above = parent.parent;
	}
	return OK;
}

enum err review_factor_put_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_factor_put *put = args;
	const struct review_factor *factor = &put->factor;
	struct review_factor before;
	struct review review;
	int64_t factors, actions;
	if (!is_one_of(factor->kind, review_factor_kinds))
		return wrong(err, "kind", "a factor is technical, process, information, organisation or outside");
	enum err r = editable(d, factor->incident, &review, err);
	if (r == OK)
		r = check_line(factor->text, "a factor is one sentence", err);
	if (r == OK && factor->id != 0)
		r = review_factor_get(d->conn, factor->incident, factor->id, d->arena, &before, err);
	if (r == OK)
		r = check_parent(d, factor, err);
	if (r == OK)
		r = review_counts(d->conn, factor->incident, &factors, &actions, err);
	if (r != OK)
		return r;
	if (factor->id == 0 && factors >= REVIEW_FACTORS_MAX)
		return error_set(err, ERR_LIMIT, "a review has at most %d factors", REVIEW_FACTORS_MAX);
	struct event_review_factor_put event = {
		.incident = factor->incident,
		.factor = factor->id != 0 ? factor->id : decision_new_id(d, "review_factor"),
		.kind = factor->kind,
		.text = str_trim(factor->text),
		.parent = factor->parent,
	};
	if (put->ret_factor != NULL)
		*put->ret_factor = event.factor;
	decision_emit(d, EVENT_REVIEW_FACTOR_PUT, factor->incident, &event);
	return OK;
}

enum err review_factor_remove_decide(struct decision *d, const void *args, struct error *err)
{
	const struct review_factor_ref *ref = args;
	struct review_factor factor;
	struct review review;
	int64_t children;
	enum err r = editable(d, ref->incident, &review, err);
	if (r == OK)
		r = review_factor_get(d->conn, ref->incident, ref->factor, d->arena, &factor, err);
	if (r == OK)
		r = review_factor_children(d->conn, ref->incident, ref->factor, &children, err);
	if (r != OK)
		return r;
	if (children > 0)
		return error_set(err, ERR_CONFLICT, "other factors explain this one; take them out first");
	struct event_review_factor_removed event = { .incident = ref->incident, .factor = ref->factor };
	decision_emit(d, EVENT_REVIEW_FACTOR_REMOVED, ref->incident, &event);
	return OK;
}

/* ---- actions: they live on after the review is published ---- */

static enum err check_link(struct str link, struct error *err)
{
	struct str rest = str_starts(link, STR("https://"))  ? str_sub(link, 8, link.len)
			  : str_starts(link, STR("http://")) ? str_sub(link, 7, link.len) : STR_NONE;
	bool clean = rest.len > 0 && rest.ptr[0] != '/' && link.len <= REVIEW_LINK_BYTES_MAX;
	for (size_t i = 0; i < rest.len; i++)
		clean = clean && rest.ptr[i] > ' ' && rest.ptr[i] != '"' && rest.ptr[i] != '<' &&
			rest.ptr[i] != '>' && (unsigned char)rest.ptr[i] < 0x7F;
	if (link.len == 0 || clean)
		return OK;
	return wrong(err, "link", "the link of a ticket is a web address: https://...");
}

enum err review_action_put_decide(struct decision *d, const void *args, struct error *err)
{
	static const char *const states[] = { "open", "done", "dropped", NULL };
	const struct review_action_put *put = args;
	const struct review_action *action = &put->action;
	struct review_action before;
	struct review_policy policy;
	struct review review;
	int64_t factors, actions;
	if (!is_one_of(action->state, states))
		return wrong(err, "state", "an action is open, done or dropped");
	enum err r = review_get(d->conn, action->incident, d->arena, &review, err);
	if (r == OK)
		r = check_line(action->text, "an action says what is done", err);
	if (r == OK)
		r = check_link(action->link, err);
	if (r == OK)
		r = may_own(d, action->incident, action->owner, err);
	if (r == OK && action->id != 0)
		r = review_action_get(d->conn, action->id, d->arena, &before, err);
	if (r == OK)
		r = review_policy_get(d->conn, d->arena, &policy, err);
	if (r == OK)
		r = review_counts(d->conn, action->incident, &factors, &actions, err);
	if (r != OK)
		return r;
	if (action->id != 0 && before.incident != action->incident)
		return error_set(err, ERR_NOT_FOUND, "review %lld has no action %lld",
				 (long long)action->incident, (long long)action->id);
	if (action->id == 0 && actions >= REVIEW_ACTIONS_MAX)
		return error_set(err, ERR_LIMIT, "a review has at most %d actions", REVIEW_ACTIONS_MAX);
	struct event_review_action_put event = {
		.incident = action->incident,
		.action = action->id != 0 ? action->id : decision_new_id(d, "review_action"),
		.text = str_trim(action->text),
		.owner = action->owner,
		.due = action->due != TIME_NONE ? action->due : review_working_days(d->now, policy.due_days),
		.state = action->state,
		.link = action->link,
	};
	if (put->ret_action != NULL)
		*put->ret_action = event.action;
	decision_emit(d, EVENT_REVIEW_ACTION_PUT, action->incident, &event);
	return OK;
}
