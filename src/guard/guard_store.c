/*
 * guard_store.c: the list of the room's tables; people, and who somebody is today.
 *
 * Columns are not called `user`: PostgreSQL reads that word as the name of its own session.
 * Braces honour as-of; who may do what is always today's, so those queries have none.
 */
#include <assert.h>

#include "guard/guard_store.h"
#include "guard/guard_vault.h"

const struct store_table *const guard_tables[] = {
	&guard_account_table,
	&guard_team_table,
	&guard_member_table,
	&guard_token_table,
	&guard_audit_table,
	&guard_password_table,
	&guard_token_secret_table,
	&guard_link_table,
	&guard_session_table,
	&guard_user_seen_table,
	&guard_token_use_table,
	&guard_named_secret_table,
	NULL,
};

const struct store_table guard_account_table = {
	.name = "account",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "user_id {id} NOT NULL", "email {text} NOT NULL", "name {text} NOT NULL",
		     "role {text} NOT NULL", "disabled {int} NOT NULL", "has_password {int} NOT NULL",
		     "time_zone {text} NOT NULL", "created {int} NOT NULL", "revision {int} NOT NULL" },
	.indexes = { "email" }, /* unique by decision: history may hold an address twice */
};

const struct store_table guard_user_seen_table = {
	.name = "user_seen",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "user_id {id} NOT NULL", "last_seen {int} NOT NULL" },
};

const struct store_table guard_audit_table = {
	.name = "audit_access",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "user_id {id} NOT NULL", "until {int} NOT NULL", "reason {text} NOT NULL" },
};

/* ---- people ---- */

#define USER_COLUMNS                                                                              \
	"a.user_id, a.email, a.name, a.role, a.disabled, a.has_password, a.time_zone, a.created, " \
	"a.revision, s.last_seen FROM {account} a LEFT JOIN user_seen s ON s.user_id = a.user_id "

static void user_read(struct store_rows *rows, struct arena *arena, struct guard_user *user)
{
	*user = (struct guard_user){
		.id = store_int(rows, 0),
		.email = arena_str(arena, store_text(rows, 1)),
		.name = arena_str(arena, store_text(rows, 2)),
		.role = ROLE_NONE,
		.disabled = store_int(rows, 4) != 0,
		.has_password = store_int(rows, 5) != 0,
		.time_zone = arena_str(arena, store_text(rows, 6)),
		.created = store_int(rows, 7),
		.revision = store_int(rows, 8),
		.last_seen = store_int(rows, 9),
	};
	guard_role_parse(store_text(rows, 3), &user->role);
}

static enum err user_one(struct store_conn *conn, struct arena *arena, const char *sql,
			 struct store_value key, struct guard_user *ret_user, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, sql, &key, 1, &rows, err);
	if (r != OK)
		return r;
	struct guard_user user;
	bool found = store_next(rows);
	if (found)
		user_read(rows, arena, &user);
	r = store_done(&rows, err);
	if (r == OK && !found)
		return guard_no_such(err, "person");
	if (r == OK)
		*ret_user = user;
	return r;
}

enum err guard_user_by_id(struct store_conn *conn, struct arena *arena, int64_t id,
			  struct guard_user *ret_user, struct error *err)
{
	return user_one(conn, arena, "SELECT " USER_COLUMNS "WHERE a.user_id = ?", STORE_INT(id),
			ret_user, err);
}

enum err guard_user_by_email(struct store_conn *conn, struct arena *arena, struct str email,
			     struct guard_user *ret_user, struct error *err)
{
	char clean[GUARD_EMAIL_BUFFER];
	if (!guard_email_clean(email, clean))
		return guard_no_such(err, "person");
	return user_one(conn, arena, "SELECT " USER_COLUMNS "WHERE a.email = ?",
			STORE_TEXT(str_of(clean)), ret_user, err);
}

/* Few houses have as many people as may be asked for, and each page that goes to everybody asks. */
static struct guard_user *users_grow(struct arena *arena, const struct guard_user *users, size_t count,
				     size_t *room)
{
	*room = *room > 0 ? 2 * *room : 16;
	struct guard_user *more = arena_array(arena, struct guard_user, *room);
	if (count > 0)
		memcpy(more, users, count * sizeof *users);
	return more;
}

enum err guard_users(struct store_conn *conn, struct arena *arena, int64_t after_id, unsigned limit,
		     struct guard_user **ret_users, size_t *ret_count, struct error *err)
{
	assert(limit >= 1);
	assert(limit <= 1000);
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " USER_COLUMNS "WHERE a.user_id > ? ORDER BY a.user_id LIMIT ?",
				 STORE_VALUES(STORE_INT(after_id), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	struct guard_user *users = NULL;
	size_t count = 0, room = 0;
	while (count < limit && store_next(rows)) {
		if (count == room)
			users = users_grow(arena, users, count, &room);
		user_read(rows, arena, &users[count++]);
	}
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	*ret_users = users;
	*ret_count = count;
	return OK;
}

enum err guard_store_user_id(struct store_conn *conn, struct str email, int64_t *ret_id,
			     struct error *err)
{
	return store_one_int(conn, "SELECT user_id FROM account WHERE email = ?",
			     STORE_VALUES(STORE_TEXT(email)), 0, ret_id, err);
}

enum err guard_store_user_count(struct store_conn *conn, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM account", STORE_NO_VALUES, 0, ret_count, err);
}

enum err guard_store_admins(struct store_conn *conn, int64_t but, bool with_password,
			    int64_t *ret_count, struct error *err)
{
	return store_one_int(conn,
			     "SELECT count(*) FROM account WHERE role = 'admin' AND disabled = 0 "
			     "AND user_id <> ? AND has_password >= ?",
			     STORE_VALUES(STORE_INT(but), STORE_INT(with_password)), 0, ret_count, err);
}

enum err guard_store_first_admin(struct store_conn *conn, int64_t *ret_id, struct error *err)
{
	return store_one_int(conn,
			     "SELECT min(user_id) FROM account WHERE role = 'admin' AND disabled = 0",
			     STORE_NO_VALUES, 0, ret_id, err);
}

enum err guard_store_user_put(struct store_conn *conn, int64_t seq, const struct guard_user *user,
			      struct error *err)
{
	const char *role = guard_role_name(user->role);
	return store_put(conn, &guard_account_table, seq,
			 STORE_VALUES(STORE_INT(user->id), STORE_TEXT(user->email), STORE_TEXT(user->name),
				      STORE_TEXT(str_of(role)), STORE_INT(user->disabled),
				      STORE_INT(user->has_password), STORE_TEXT(user->time_zone),
				      STORE_INT(user->created), STORE_INT(seq)),
			 err);
}

enum err guard_store_user_has_password(struct store_conn *conn, int64_t seq, int64_t user,
				       struct error *err)
{
	enum err r = store_set(conn, &guard_account_table, seq, "has_password = ?",
			       STORE_VALUES(STORE_INT(1), STORE_INT(user)), err);
	return r == ERR_NOT_FOUND ? OK : r; /* the account was lawfully erased */
}

enum err guard_store_user_touch(struct store_conn *conn, int64_t user, time_us now, struct error *err)
{
	return store_put(conn, &guard_user_seen_table, 0, STORE_VALUES(STORE_INT(user), STORE_INT(now)), err);
}

/* ---- who is it ---- */

enum err guard_store_role(struct store_conn *conn, int64_t user, enum role *ret_role,
			  struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT role, disabled FROM account WHERE user_id = ?",
				 STORE_VALUES(STORE_INT(user)), &rows, err);
	if (r != OK)
		return r;
	enum role role = ROLE_NONE;
	if (store_next(rows) && store_int(rows, 1) == 0)
		guard_role_parse(store_text(rows, 0), &role);
	r = store_done(&rows, err);
	if (r == OK)
		*ret_role = role;
	return r;
}

static enum err principal_account(struct store_conn *conn, struct arena *arena, int64_t user,
				  struct principal *p, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT email, name, role, has_password FROM account "
				 "WHERE user_id = ? AND disabled = 0",
				 STORE_VALUES(STORE_INT(user)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found) {
		p->user = user;
		p->email = arena_str(arena, store_text(rows, 0));
		p->name = arena_str(arena, store_text(rows, 1));
		p->role = ROLE_NONE;
		guard_role_parse(store_text(rows, 2), &p->role);
		p->has_password = store_int(rows, 3) != 0;
	}
	r = store_done(&rows, err);
	return r == OK && !found ? guard_no_such(err, "person") : r;
}

static enum err principal_teams(struct store_conn *conn, struct arena *arena, struct principal *p,
				struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT team FROM team_member WHERE email = ? ORDER BY team LIMIT ?",
				 STORE_VALUES(STORE_TEXT(p->email), STORE_INT(GUARD_TEAMS_MAX)), &rows,
				 err);
	if (r != OK)
		return r;
	p->team_count = 0;
	while (p->team_count < GUARD_TEAMS_MAX && store_next(rows))
		p->teams[p->team_count++] = arena_str(arena, store_text(rows, 0));
	return store_done(&rows, err);
}

enum err guard_store_principal(struct store_conn *conn, struct arena *arena, int64_t user,
			       time_us now, struct principal *principal, struct error *err)
{
	int64_t until = 0;
	enum err r = principal_account(conn, arena, user, principal, err);
	if (r == OK)
		r = principal_teams(conn, arena, principal, err);
	if (r == OK)
		r = store_one_int(conn, "SELECT until FROM audit_access WHERE user_id = ?",
				  STORE_VALUES(STORE_INT(user)), 0, &until, err);
	principal->audit_open = r == OK && principal->role == ROLE_AUDITOR && now < until;
	return r;
}

enum err guard_store_audit_put(struct store_conn *conn, int64_t user, time_us until, struct str reason,
			       struct error *err)
{
	return store_put(conn, &guard_audit_table, 0,
			 STORE_VALUES(STORE_INT(user), STORE_INT(until), STORE_TEXT(reason)), err);
}
