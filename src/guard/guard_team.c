/*
 * guard_team.c: teams, as their definitions say: {display, members: [e-mail], manager: e-mail}.
 *
 * The spec was checked when it was decided. What cannot be understood here is left out, because apply
 * never refuses: a definition of a later version may hold more.
 */
#include "guard/guard_store.h"
#include "wire/doc_json.h"

#define TEAM_KIND "Team"

struct wanted {
	struct str email;
	bool manager;
};

struct wanted_list {
	struct wanted rows[GUARD_TEAM_MEMBERS_MAX];
	size_t count;
};

static struct wanted *find(struct wanted_list *list, struct str email)
{
	for (size_t i = 0; i < list->count; i++) {
		if (str_eq(list->rows[i].email, email))
			return &list->rows[i];
	}
	return NULL;
}

static void want(struct wanted_list *list, struct arena *arena, struct str text, bool manager)
{
	char email[GUARD_EMAIL_BUFFER];
	if (!guard_email_clean(text, email))
		return;
	struct wanted *old = find(list, str_of(email));
	if (old != NULL)
		old->manager = old->manager || manager;
	else if (list->count < GUARD_TEAM_MEMBERS_MAX)
		list->rows[list->count++] =
			(struct wanted){ arena_str(arena, str_of(email)), manager };
}

/* The manager is a member, and first, so that a full list does not lose them. */
static struct wanted_list *wanted_of(const struct doc_node *spec, struct arena *arena)
{
	struct wanted_list *list = arena_new(arena, struct wanted_list);
	want(list, arena, doc_text(doc_get(spec, "manager"), ""), true);
	const struct doc_node *members = doc_get(spec, "members");
	size_t count = doc_is(members, DOC_LIST) ? doc_count(members) : 0;
	for (size_t i = 0; i < count; i++)
		want(list, arena, doc_text(doc_at(members, i), ""), false);
	return list;
}

/* Only what differs is written, so that history says when somebody came and went. */
static enum err members_make(struct apply *a, int64_t seq, struct str team, struct wanted_list *list,
			     struct error *err)
{
	struct guard_member *old;
	size_t old_count;
	enum err r = guard_team_members(a->conn, a->arena, team, &old, &old_count, err);
	for (size_t i = 0; r == OK && i < old_count; i++) {
		if (find(list, old[i].email) == NULL)
			r = guard_store_member_remove(a->conn, seq, team, old[i].email, err);
	}
	for (size_t i = 0; r == OK && i < list->count; i++) {
		const struct wanted *w = &list->rows[i];
		size_t j = 0;
		while (j < old_count && !str_eq(old[j].email, w->email))
			j++;
		if (j == old_count || old[j].manager != w->manager)
			r = guard_store_member_put(a->conn, seq, team, w->email, w->manager, err);
	}
	return r;
}

enum err guard_apply_definition_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_definition_put *e = event->payload;
	const struct doc_node *spec = NULL;
	if (!str_is(e->kind, TEAM_KIND))
		return OK;
	if (doc_json_parse(e->spec, a->arena, DOC_LIMITS_DEFAULT, NULL, &spec, NULL) != OK)
		spec = NULL; /* a team without members */
	struct str display = doc_text(doc_get(spec, "display"), "");
	enum err r = guard_store_team_put(a->conn, event->seq, e->name,
					  display.len > 0 ? display : e->name, err);
	return r == OK ? members_make(a, event->seq, e->name, wanted_of(spec, a->arena), err) : r;
}

enum err guard_apply_definition_deleted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_definition_deleted *e = event->payload;
	if (!str_is(e->kind, TEAM_KIND))
		return OK;
	enum err r = members_make(a, event->seq, e->name, arena_new(a->arena, struct wanted_list), err);
	return r == OK ? guard_store_team_remove(a->conn, event->seq, e->name, err) : r;
}
