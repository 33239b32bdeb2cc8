/*
 * paging_flow.c: the machine of escalation.h, driven by what happens to incidents.
 *
 * Every turn of the machine is one event `escalation.moved` that carries its new state, and a page
 * for each person it names. The machine runs on elapsed time: a jump of the wall pages nobody early.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "journal/journal.h"
#include "oncall/paging_priv.h"
#include "wire/json_writer.h"

#define EVERYBODY_MAX 1000u
/* A person whom a policy names and who finds no place here is told as one who stands outside. */
#define NAMED_MAX 2000u

/* ---- who is meant ---- */

struct resolving {
	struct decision *d;
	const struct paging_case *c;
	int64_t *named; /* of a closed incident: whom something names, so that they take part */
	size_t named_count;
	enum err result; /* the first store error, for after the machine has run */
	struct error *err;
};

static bool can_be_paged(const struct guard_user *user)
{
	return !user->disabled && user->role != ROLE_VIEWER && user->role != ROLE_AUDITOR;
}

/* Who has no contact at all is nobody: the step would wait for an answer to a page never written. */
static bool can_be_reached(struct resolving *r, int64_t id)
{
	int64_t count = 0;
	enum err result = contact_count(r->d->conn, id, &count, r->err);
	if (result != OK)
		r->result = result;
	return count > 0;
}

static size_t one_user(struct resolving *r, int64_t id, int64_t *ret_users, size_t max)
{
	struct guard_user user;
	enum err result = guard_user_by_id(r->d->conn, r->d->arena, id, &user, r->err);
	if (result != OK && result != ERR_NOT_FOUND)
		r->result = result;
	if (result != OK || user.disabled || max == 0 || !can_be_reached(r, id))
		return 0;
	ret_users[0] = id;
	return 1;
}

static size_t of_schedule(struct resolving *r, struct str name, time_us wall, int64_t *ret_users,
			  size_t max)
{
	const struct paging_room *room = world_room(r->d->world, "oncall");
	struct schedule *schedule;
	enum err result = paging_schedule(r->d->conn, room->zones, name, r->d->arena, &schedule, r->err);
	if (result == ERR_UNAVAILABLE || result == ERR_IO || result == ERR_CORRUPT)
		r->result = result;
	if (result != OK)
		return 0;
	struct oncall_answer answer;
	size_t count = 0;
	oncall_at(schedule, wall, &answer);
	for (size_t i = 0; i < answer.count && count < max; i++)
		count += one_user(r, answer.people[i].user, ret_users + count, max - count);
	return count;
}

static size_t of_team(struct resolving *r, struct str team, int64_t *ret_users, size_t max)
{
	struct guard_member *members;
	size_t member_count, count = 0;
	enum err result = guard_team_members(r->d->conn, r->d->arena, team, &members, &member_count,
					     r->err);
	if (result != OK) {
		r->result = result;
		return 0;
	}
	for (size_t i = 0; i < member_count && count < max; i++) {
		if (members[i].user != 0 && can_be_reached(r, members[i].user))
			ret_users[count++] = members[i].user;
	}
	return count;
}

/* Who declared it, or had it once, is asked again with everybody else. */
static size_t of_participants(struct resolving *r, int64_t *ret_users, size_t max)
{
	int64_t found[ESCALATION_PEOPLE_MAX];
	size_t found_count, count = 0;
	enum err result = paging_participants(r->d->conn, r->c->incident, found, ESCALATION_PEOPLE_MAX,
					      &found_count, r->err);
	if (result != OK) {
		r->result = result;
		return 0;
	}
	for (size_t i = 0; i < found_count && count < max; i++)
		count += one_user(r, found[i], ret_users + count, max - count);
	return count;
}

static size_t of_everybody(struct resolving *r, int64_t *ret_users, size_t max)
{
	struct guard_user *users;
	size_t user_count, count = 0;
	enum err result = guard_users(r->d->conn, r->d->arena, 0, EVERYBODY_MAX, &users, &user_count,
				      r->err);
	if (result != OK) {
		r->result = result;
		return 0;
	}
	/* Of what is closed to them hear those first who answer for people; the rest only without them. */
	bool closed = paging_is_closed(r->c->visibility);
	for (int few = closed; few >= 0 && count == 0; few--) {
		for (size_t i = 0; i < user_count && count < max; i++) {
			bool leads = users[i].role == ROLE_MANAGER || users[i].role == ROLE_ADMIN;
			if (can_be_paged(&users[i]) && (leads || !few) && can_be_reached(r, users[i].id))
				ret_users[count++] = users[i].id;
		}
	}
	return closed ? count + of_participants(r, ret_users + count, max - count) : count;
}

static size_t of_concerned(struct resolving *r, int64_t *ret_users, size_t max)
{
	int64_t found[ESCALATION_PEOPLE_MAX];
	size_t found_count, count = 0;
	enum err result = closed_concerned(r->d->conn, r->d->arena, r->c, found, ESCALATION_PEOPLE_MAX,
					   &found_count, r->err);
	if (result != OK) {
		r->result = result;
		return 0;
	}
	for (size_t i = 0; i < found_count && count < max; i++)
		count += one_user(r, found[i], ret_users + count, max - count);
	return count;
}

static size_t people_of(struct resolving *r, const struct escalation_target *target, time_us now,
			int64_t *ret_users, size_t max)
{
	time_us wall = now + (r->d->now - r->d->elapsed);
	switch (target->kind) {
	case ESCALATION_USER:
		return one_user(r, target->user, ret_users, max);
	case ESCALATION_SCHEDULE:
		return of_schedule(r, target->name, wall, ret_users, max);
	case ESCALATION_TEAM:
		return of_team(r, target->name, ret_users, max);
	case ESCALATION_EVERYBODY:
		return of_everybody(r, ret_users, max);
	case ESCALATION_CONCERNED:
		return of_concerned(r, ret_users, max);
	}
	return 0;
}

static bool is_named(const struct resolving *r, int64_t user)
{
	for (size_t i = 0; i < r->named_count; i++) {
		if (r->named[i] == user)
			return true;
	}
	return false;
}

static size_t resolve(void *context, const struct escalation_target *target, time_us now,
		      int64_t *ret_users, size_t max)
{
	struct resolving *r = context;
	size_t count = people_of(r, target, now, ret_users, max);
	if (target->kind == ESCALATION_EVERYBODY || r->named == NULL)
		return count;
	for (size_t i = 0; i < count && i < max && r->named_count < NAMED_MAX; i++) {
		if (!is_named(r, ret_users[i]))
			r->named[r->named_count++] = ret_users[i];
	}
	return count;
}

/* How a person who is paged stands to what it is about. */
enum standing {
	STANDS_INSIDE, /* may know of it anyway */
	STANDS_NAMED,  /* takes part from now on, because something names them */
	STANDS_OUTSIDE,
};

static enum err find_standing(struct resolving *r, const struct escalation_actions *actions,
			      enum standing *ret_standing, struct error *err)
{
	for (size_t i = 0; i < actions->count && r->named != NULL; i++) {
		int64_t user = actions->items[i].user;
		bool sees = true;
		if (actions->items[i].kind != ESCALATION_PAGE)
			continue;
		enum err result = paging_sees(r->d->conn, r->d->arena, r->c->incident, user, &sees, err);
		if (result != OK)
			return result;
		ret_standing[i] = sees ? STANDS_INSIDE : is_named(r, user) ? STANDS_NAMED : STANDS_OUTSIDE;
	}
	return OK;
}

/* ---- what the machine did, in words ---- */

static const char *action_word(const struct escalation_actions *actions,
			       const struct escalation_event *event,
			       const struct escalation_state *state)
{
	static const char *const by_event[] = {
		[ESCALATION_START] = "started",	      [ESCALATION_DUE] = "stepped",
		[ESCALATION_ACK] = "acknowledged",    [ESCALATION_UNDO] = "undone",
		[ESCALATION_ESCALATE] = "stepped",    [ESCALATION_URGENCY] = "urgency",
		[ESCALATION_RESOLVE] = "stopped",
	};
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->items[i].kind == ESCALATION_LAPSED)
			return "lapsed";
	}
	if (event->kind == ESCALATION_DUE && state->phase == ESCALATION_ASKING)
		return "asked";
	if (event->kind == ESCALATION_DUE && state->phase == ESCALATION_LAST_RESORT)
		return "last_resort";
	return by_event[event->kind];
}

static struct str name_of(struct decision *d, int64_t user)
{
	struct guard_user found;
	if (guard_user_by_id(d->conn, d->arena, user, &found, NULL) != OK)
		return arena_printf(d->arena, "user %lld", (long long)user);
	return found.name;
}

static void add_action_words(struct decision *d, const struct escalation_action *action,
			     unsigned *paged, struct buf *out)
{
	switch (action->kind) {
	case ESCALATION_PAGE:
		buf_printf(out, "%s" STR_FMT, *paged == 0 ? "Paged " : ", ",
			   STR_ARG(name_of(d, action->user)));
		(*paged)++;
		break;
	case ESCALATION_STEP_EMPTY:
		buf_printf(out, "Nobody is at step %u; it was passed. ", action->step + 1);
		break;
	case ESCALATION_ROUNDS_OVER:
		buf_adds(out, "Nobody has answered in all rounds. ");
		break;
	case ESCALATION_LAPSED:
		buf_printf(out, STR_FMT " did not say whether they are still on it. ",
			   STR_ARG(name_of(d, action->user)));
		break;
	case ESCALATION_CUT:
		buf_printf(out, "Of %lld people only the first %u were paged. ",
			   (long long)action->user, ESCALATION_PEOPLE_MAX);
		break;
	case ESCALATION_NOBODY:
		buf_adds(out, "There is nobody at all to page. ");
		break;
	}
}

static struct str describe(struct decision *d, const struct escalation_actions *actions)
{
	cleanup_buf struct buf text;
	unsigned paged = 0;
	buf_init(&text, 16384);
	for (size_t i = 0; i < actions->count; i++)
		add_action_words(d, &actions->items[i], &paged, &text);
	if (paged > 0)
		buf_adds(&text, ".");
	return arena_str(d->arena, str_trim(buf_str(&text)));
}

static struct str targets_json(struct decision *d, const struct escalation_actions *actions,
			       const enum standing *standing)
{
	cleanup_buf struct buf text;
	struct json_writer json;
	buf_init(&text, 65536);
	json_init(&json, &text);
	json_list_begin(&json);
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->items[i].kind != ESCALATION_PAGE)
			continue;
		json_map_begin(&json);
		json_field_int(&json, "user", actions->items[i].user);
		json_field_text(&json, "name", name_of(d, actions->items[i].user));
		if (standing != NULL && standing[i] != STANDS_INSIDE)
			json_field_bool(&json, standing[i] == STANDS_NAMED ? "named" : "outside", true);
		json_map_end(&json);
	}
	json_list_end(&json);
	json_finish(&json);
	assert(!text.full);
	return arena_str(d->arena, buf_str(&text));
}

/* ---- one turn of the machine ---- */

static void emit_moved(struct decision *d, const struct paging_case *c, const char *action,
		       const struct escalation_actions *actions, const enum standing *standing)
{
	time_us to_wall = d->now - d->elapsed;
	struct event_escalation_moved moved = {
		.incident = c->incident,
		.policy = c->policy,
		.action = str_of(action),
		.round = c->state.round,
		.step = c->state.step + 1,
		.targets = targets_json(d, actions, standing),
		.text = describe(d, actions),
		.late = d->late,
		.due = c->state.due != TIME_NONE ? c->state.due + to_wall : TIME_NONE,
		.state = state_print(&c->state, d->arena),
	};
	decision_emit(d, EVENT_ESCALATION_MOVED, c->incident, &moved);
}

static enum err page_all(struct decision *d, const struct paging_case *c,
			 const struct escalation_actions *actions, const enum standing *standing,
			 struct error *err)
{
	for (size_t i = 0; i < actions->count; i++) {
		const struct escalation_action *action = &actions->items[i];
		if (action->kind != ESCALATION_PAGE)
			continue;
		struct paging_message message = {
			.incident = c,
			.user = action->user,
			.why = action->reason,
			.round = action->round,
			.step = action->step,
			.high = c->state.high,
			.outside = standing[i] == STANDS_OUTSIDE,
		};
		enum err r = page_person(d, &message, err);
		if (r != OK)
			return r;
	}
	return OK;
}

/* An event that the phase does not allow changes nothing: what happened to the incident stands. */
static enum err turn(struct decision *d, struct paging_case *c, const struct escalation_event *event,
		     struct error *err)
{
	struct escalation_policy policy;
	bool built_in;
	enum err r = paging_policy(d->conn, c->policy, d->arena, &policy, &built_in, err);
	if (r != OK)
		return r;
	bool closed = paging_is_closed(c->visibility);
	if (closed)
		closed_policy(&policy, built_in, c);
	else if (policy.team.len == 0)
		policy.team = c->team;
	struct escalation_actions *actions = arena_new(d->arena, struct escalation_actions);
	struct resolving resolving = { .d = d, .c = c, .result = OK, .err = err };
	enum standing standing[ESCALATION_ACTIONS_MAX] = { STANDS_INSIDE };
	if (closed)
		resolving.named = arena_array(d->arena, int64_t, NAMED_MAX);
	r = escalation_step(&policy, &c->state, event, d->elapsed, resolve, &resolving, actions, err);
	if (resolving.result != OK)
		return resolving.result;
	if (r == ERR_CONFLICT)
		return OK;
	if (r != OK)
		return r;
	r = find_standing(&resolving, actions, standing, err);
	if (r != OK)
		return r;
	emit_moved(d, c, action_word(actions, event, &c->state), actions, standing);
	return page_all(d, c, actions, standing, err);
}

static enum err turn_for(struct decision *d, int64_t incident, struct escalation_event event,
			 struct error *err)
{
	struct paging_case c;
	bool found;
	enum err r = case_get(d->conn, incident, d->arena, &found, &c, err);
	return r == OK && found ? turn(d, &c, &event, err) : r;
}

/* ---- NOW rows ---- */

enum err paging_on_opened(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_opened *e = event->payload;
	struct escalation_event start = { .kind = ESCALATION_START, .high = str_is(e->urgency, "high") };
	return turn_for(d, e->incident, start, err);
}

enum err paging_on_acknowledged(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_acknowledged *e = event->payload;
	enum err r = notify_cancel(d, e->incident, "somebody took the incident", err);
	if (r != OK)
		return r;
	return turn_for(d, e->incident,
			(struct escalation_event){ .kind = ESCALATION_ACK, .user = e->user }, err);
}

enum err paging_on_resolved(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_resolved *e = event->payload;
	struct paging_case c;
	bool found;
	enum err r = notify_cancel(d, e->incident, "the incident is over", err);
	if (r == OK)
		r = turn_for(d, e->incident, (struct escalation_event){ .kind = ESCALATION_RESOLVE }, err);
	if (r == OK)
		r = case_get(d->conn, e->incident, d->arena, &found, &c, err);
	if (r != OK || !found)
		return r;
	const char *how = str_is(e->via, "recovery") ? "It recovered by itself."
						     : "Somebody resolved it.";
	return page_resolved(d, &c, how, err);
}

enum err paging_on_attempted(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_page_attempted *e = event->payload;
	struct paging_case c;
	bool found;
	if (event->subject == 0 || !(str_is(e->state, "sent") || str_is(e->state, "delivered")))
		return OK;
	enum err r = case_get(d->conn, event->subject, d->arena, &found, &c, err);
	if (r != OK || !found || c.state.phase != ESCALATION_STOPPED)
		return r;
	return page_arrived(d, e->page, &c, err);
}

enum err paging_on_reopened(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_reopened *e = event->payload;
	struct paging_case c;
	bool found;
	enum err r = case_get(d->conn, e->incident, d->arena, &found, &c, err);
	if (r != OK || !found)
		return r;
	struct escalation_event start = { .kind = ESCALATION_START, .high = c.state.high };
	return turn(d, &c, &start, err);
}

enum err paging_on_priority_set(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_priority_set *e = event->payload;
	struct escalation_event urgency = { .kind = ESCALATION_URGENCY,
					    .high = str_is(e->urgency, "high") };
	return turn_for(d, e->incident, urgency, err);
}

/* A resolve that is taken back: the machine goes on as it stood, and overdue timers fire at once. Its
 * urgency may have been set since. */
static enum err restore(struct decision *d, const struct event_incident_undone *e, struct error *err)
{
	struct paging_case c;
	bool found;
	enum err r = case_as_of(d->conn, e->incident, e->undone - 1, d->arena, &found, &c, err);
	if (r != OK || !found)
		return r;
	bool high = str_is(e->urgency, "high");
	if (c.state.high != high)
		return turn(d, &c, &(struct escalation_event){ ESCALATION_URGENCY, 0, high }, err);
	struct escalation_actions none = { 0 };
	emit_moved(d, &c, "undone", &none, NULL);
	return OK;
}

enum err paging_on_undone(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_undone *e = event->payload;
	if (str_is(e->what, "resolved"))
		return restore(d, e, err);
	if (str_is(e->what, "priority_set")) {
		struct escalation_event urgency = { .kind = ESCALATION_URGENCY,
						    .high = str_is(e->urgency, "high") };
		return turn_for(d, e->incident, urgency, err);
	}
	if (!str_is(e->what, "acknowledged"))
		return OK;
	if (str_is(e->state, "acknowledged"))
		return restore(d, e, err);
	return turn_for(d, e->incident, (struct escalation_event){ .kind = ESCALATION_UNDO }, err);
}

enum err paging_on_requested(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_escalation_requested *e = event->payload;
	return turn_for(d, e->incident, (struct escalation_event){ .kind = ESCALATION_ESCALATE }, err);
}

enum err paging_due(struct decision *d, const struct timer *timer, struct error *err)
{
	return turn_for(d, timer->of, (struct escalation_event){ .kind = ESCALATION_DUE }, err);
}

enum err paging_escalate_decide(struct decision *d, const void *args, struct error *err)
{
	int64_t incident = *(const int64_t *)args;
	struct paging_case c;
	bool found;
	enum err r = case_get(d->conn, incident, d->arena, &found, &c, err);
	if (r != OK)
		return r;
	if (!found)
		return error_set(err, ERR_NOT_FOUND, "there is no incident %lld", (long long)incident);
	if (c.state.phase == ESCALATION_STOPPED)
		return error_set(err, ERR_CONFLICT, "incident %lld is already resolved",
				 (long long)incident);
	struct event_escalation_requested requested = { .incident = incident };
	decision_emit(d, EVENT_ESCALATION_REQUESTED, incident, &requested);
	return OK;
}
