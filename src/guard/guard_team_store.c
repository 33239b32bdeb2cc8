/* guard_team_store.c: teams and their members, as their definitions say. */
#include "guard/guard_store.h"

const struct store_table guard_team_table = {
	.name = "team",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "name {text} NOT NULL", "display {text} NOT NULL" },
};

/* By address, not by id: a definition may name somebody before they have an account. */
const struct store_table guard_member_table = {
	.name = "team_member",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 2,
	.columns = { "team {text} NOT NULL", "email {text} NOT NULL", "manager {int} NOT NULL" },
	.indexes = { "email, team" },
};

enum err guard_store_team_put(struct store_conn *conn, int64_t seq, struct str team,
			      struct str display, struct error *err)
{
	return store_put(conn, &guard_team_table, seq, STORE_VALUES(STORE_TEXT(team), STORE_TEXT(display)),
			 err);
}

enum err guard_store_team_remove(struct store_conn *conn, int64_t seq, struct str team,
				 struct error *err)
{
	return store_remove(conn, &guard_team_table, seq, STORE_VALUES(STORE_TEXT(team)), err);
}

enum err guard_store_member_put(struct store_conn *conn, int64_t seq, struct str team,
				struct str email, bool manager, struct error *err)
{
	return store_put(conn, &guard_member_table, seq,
			 STORE_VALUES(STORE_TEXT(team), STORE_TEXT(email), STORE_INT(manager)), err);
}

enum err guard_store_member_remove(struct store_conn *conn, int64_t seq, struct str team,
				   struct str email, struct error *err)
{
	return store_remove(conn, &guard_member_table, seq,
			    STORE_VALUES(STORE_TEXT(team), STORE_TEXT(email)), err);
}

enum err guard_team_members(struct store_conn *conn, struct arena *arena, struct str team,
			    struct guard_member **ret_members, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT m.email, m.manager, a.user_id FROM {team_member} m "
				 "LEFT JOIN {account} a ON a.email = m.email AND a.disabled = 0 "
				 "WHERE m.team = ? ORDER BY m.email, a.user_id LIMIT ?",
				 STORE_VALUES(STORE_TEXT(team), STORE_INT(GUARD_TEAM_MEMBERS_MAX)), &rows,
				 err);
	if (r != OK)
		return r;
	struct guard_member *members = arena_array(arena, struct guard_member, GUARD_TEAM_MEMBERS_MAX);
	size_t count = 0;
	while (count < GUARD_TEAM_MEMBERS_MAX && store_next(rows)) {
		members[count++] = (struct guard_member){
			.email = arena_str(arena, store_text(rows, 0)),
			.manager = store_int(rows, 1) != 0,
			.user = store_int(rows, 2),
		};
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_members = members;
	*ret_count = count;
	return OK;
}

enum err guard_user_teams(struct store_conn *conn, struct arena *arena, struct str email,
			  struct str **ret_teams, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT team FROM {team_member} WHERE email = ? ORDER BY team LIMIT ?",
				 STORE_VALUES(STORE_TEXT(email), STORE_INT(GUARD_TEAMS_MAX)), &rows, err);
	if (r != OK)
		return r;
	struct str *teams = arena_array(arena, struct str, GUARD_TEAMS_MAX);
	size_t count = 0;
	while (count < GUARD_TEAMS_MAX && store_next(rows))
		teams[count++] = arena_str(arena, store_text(rows, 0));
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_teams = teams;
	*ret_count = count;
	return OK;
}
