/*
 * paging_closed.c: incidents that not everybody may know of: whom they concern, and who takes part.
 *
 * Somebody must always be woken, also when nobody who may know of it answers. So there are two kinds
 * of pages: who is named (by a policy, a schedule, the team) takes part and reads everything; who is
 * woken only because nobody else was there reads that something waits, until they take it.
 */
#include <assert.h>

#include "oncall/paging_priv.h"
#include "wire/doc_json.h"

bool paging_is_closed(struct str visibility)
{
	return !str_is(visibility, "everyone");
}

/* ---- who is paged ---- */

static const struct escalation_target concerned = { ESCALATION_CONCERNED, 0, { NULL, 0 } };
static const struct escalation_step_spec concerned_step = { 5 * TIME_MINUTE, &concerned, 1 };
static const struct escalation_target anybody[] = {
	{ ESCALATION_CONCERNED, 0, { NULL, 0 } },
	{ ESCALATION_EVERYBODY, 0, { NULL, 0 } },
};

/* A team is asked as a whole only for what is open to it, or when the policy itself names it. */
void closed_policy(struct escalation_policy *policy, bool built_in, const struct paging_case *c)
{
	assert(paging_is_closed(c->visibility));
	if (built_in) {
		policy->steps = &concerned_step;
		policy->step_count = 1;
	}
	if (policy->team.len == 0 && policy->last_target_count == 0) {
		policy->last_targets = anybody;
		policy->last_target_count = sizeof anybody / sizeof anybody[0];
	}
}

enum err closed_concerned(struct store_conn *conn, struct arena *arena, const struct paging_case *c,
			  int64_t *ret_users, size_t max, size_t *ret_count, struct error *err)
{
	struct guard_member *members;
	size_t member_count = 0, count = 0;
	enum err r = OK;
	if (c->team.len > 0)
		r = guard_team_members(conn, arena, c->team, &members, &member_count, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < member_count && count < max; i++) {
		bool meant = members[i].manager || str_is(c->visibility, "team");
		if (meant && members[i].user != 0)
			ret_users[count++] = members[i].user;
	}
	*ret_count = count;
	return OK;
}

/* ---- who takes part ---- */

size_t paging_named(const struct event_escalation_moved *moved, struct arena *arena, int64_t *ret_users,
		    size_t max)
{
	const struct doc_node *list;
	size_t count = 0;
	if (doc_json_parse(moved->targets, arena, DOC_LIMITS_DEFAULT, NULL, &list, NULL) != OK)
		return 0;
	for (size_t i = 0; i < doc_count(list) && count < max; i++) {
		const struct doc_node *target = doc_at(list, i);
		int64_t user = doc_int(doc_get(target, "user"), 0);
		if (user > 0 && doc_bool(doc_get(target, "named"), false))
			ret_users[count++] = user;
	}
	return count;
}

enum err paging_apply_named(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_escalation_moved *e = event->payload;
	int64_t users[ESCALATION_PEOPLE_MAX];
	struct str visibility;
	bool found;
	if (str_is(e->targets, "[]"))
		return OK;
	enum err r = case_visibility(a->conn, e->incident, a->arena, &found, &visibility, err);
	if (r != OK || !found || !paging_is_closed(visibility))
		return r;
	size_t count = paging_named(e, a->arena, users, ESCALATION_PEOPLE_MAX);
	for (size_t i = 0; r == OK && i < count; i++)
		r = participant_put(a->conn, e->incident, users[i], event->seq, err);
	return r;
}

enum err paging_apply_acknowledged(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_acknowledged *e = event->payload;
	struct str visibility;
	bool found;
	enum err r = case_visibility(a->conn, e->incident, a->arena, &found, &visibility, err);
	if (r != OK || !found || e->user <= 0 || !paging_is_closed(visibility))
		return r;
	return participant_put(a->conn, e->incident, e->user, event->seq, err);
}

enum err paging_sees(struct store_conn *conn, struct arena *arena, int64_t incident, int64_t user,
		     bool *ret_sees, struct error *err)
{
	struct paging_case c;
	struct guard_user person;
	struct str *teams;
	bool found, takes_part = false;
	enum err r = case_get(conn, incident, arena, &found, &c, err);
	if (r != OK)
		return r;
	if (!found || !paging_is_closed(c.visibility)) {
		*ret_sees = found;
		return OK;
	}
	struct principal *reader = arena_new(arena, struct principal);
	r = guard_user_by_id(conn, arena, user, &person, err);
	if (r == OK)
		r = paging_takes_part(conn, incident, user, &takes_part, err);
	if (r == OK)
		r = guard_user_teams(conn, arena, person.email, &teams, &reader->team_count, err);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	reader->user = user;
	reader->role = r == OK ? person.role : ROLE_NONE;
	reader->scope = SCOPE_ADMIN;
	for (size_t i = 0; r == OK && i < reader->team_count; i++)
		reader->teams[i] = teams[i];
	*ret_sees = r == OK && guard_sees(reader, c.visibility, c.team, takes_part);
	return OK;
}
