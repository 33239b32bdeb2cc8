/*
 * test_guard_permission.c: the door does what docs/permissions.md says, for every role and every kind
 * of event; and the two forms of visibility agree.
 *
 * To write the page anew after a change: cd build-dev && MAINSTAY_WRITE=1 ./test_guard_permission
 */
#include "base/check.h"
#include "guard/guard_fixture.h"

#define MANUAL_BYTES_MAX (64u << 10)

static void manual_path(char path[256])
{
	const char *end = strstr(__FILE__, "src/guard/");
	CHECK(end != NULL);
	snprintf(path, 256, "%.*sdocs/permissions.md", (int)(end - __FILE__), __FILE__);
}

TEST(the_manual_says_what_the_code_enforces)
{
	char path[256], stored[MANUAL_BYTES_MAX];
	cleanup_buf struct buf made;
	buf_init(&made, MANUAL_BYTES_MAX);
	guard_permissions_print(&made);
	CHECK(!made.full);
	manual_path(path);
	if (getenv("MAINSTAY_WRITE") != NULL) {
		FILE *out = fopen(path, "w");
		CHECK(out != NULL);
		fwrite(made.bytes, 1, made.used, out);
		fclose(out);
	}
	FILE *in = fopen(path, "r");
	CHECK(in != NULL);
	size_t size = fread(stored, 1, sizeof stored, in);
	fclose(in);
	if (!str_eq(buf_str(&made), (struct str){ stored, size }))
		fail_msg("docs/permissions.md is not what the code enforces. If the change of kinds or "
			 "permissions is meant: cd build-dev && MAINSTAY_WRITE=1 ./test_guard_permission");
}

TEST(every_kind_needs_a_permission_there_is_and_says_whose_it_is)
{
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		const struct event_kind_info *info = &event_kinds[kind];
		enum permission needs;
		bool has_user = false;
		if (!guard_permission_parse(str_of(info->needs), &needs))
			fail_msg("%s needs \"%s\", which is no permission", info->name, info->needs);
		for (size_t i = 0; i < info->field_count; i++)
			has_user = has_user || (strcmp(info->fields[i].name, "user") == 0 &&
						info->fields[i].type == EVENT_FIELD_ID);
		if (needs == PERMISSION_SELF && !has_user)
			fail_msg("%s needs self and has no field \"user\"", info->name);
	}
}

/* A payload of zeros with `user` set. */
static const void *payload_about(struct arena *arena, enum event_kind kind, int64_t user)
{
	const struct event_kind_info *info = &event_kinds[kind];
	char *payload = arena_alloc(arena, info->size > 0 ? info->size : 1);
	for (size_t i = 0; i < info->field_count; i++) {
		if (strcmp(info->fields[i].name, "user") == 0)
			memcpy(payload + info->fields[i].offset, &user, sizeof user);
	}
	return payload;
}

static bool door_opens(struct fixture *f, const struct principal *p, enum event_kind kind,
		       int64_t about)
{
	struct error err;
	struct actor actor = guard_actor(p);
	enum err r = guard_authorise(NULL, f->conn, &actor, kind, about,
				     payload_about(&f->arena, kind, about), &err);
	CHECK(r == OK || r == ERR_DENIED);
	CHECK(r == OK || err.text[0] != '\0');
	return r == OK;
}

/* The cell of a line "| kind | needs | viewer | ... |". */
static struct str cell(struct str line, unsigned column)
{
	struct str before, rest = str_sub(line, 1, line.len);
	for (unsigned i = 0; i <= column; i++)
		str_cut(rest, '|', &before, &rest);
	return str_trim(before);
}

static struct str line_of(const struct buf *manual, const char *kind)
{
	char start[64];
	snprintf(start, sizeof start, "\n| %s | ", kind);
	const char *at = strstr(manual->bytes, start);
	CHECK(at != NULL);
	return (struct str){ at + 1, strcspn(at + 1, "\n") };
}

static void check_cell(struct fixture *f, const struct buf *manual, const struct principal *p,
		       unsigned column, int64_t other)
{
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		struct str said = cell(line_of(manual, event_kinds[kind].name), column);
		bool own = !str_is(said, "-"), others = str_is(said, "yes");
		if (kind == EVENT_USER_SIGNED_IN)
			own = others = false; /* by password or link only, before there is a session */
		bool is_self = strcmp(event_kinds[kind].needs, "self") == 0;
		if (door_opens(f, p, (enum event_kind)kind, p->user) != own ||
		    door_opens(f, p, (enum event_kind)kind, other) != (is_self ? others : own))
			fail_msg("%s, column %u: the manual says \"" STR_FMT "\", the door differs",
				 event_kinds[kind].name, column, STR_ARG(said));
	}
}

TEST(the_door_does_what_the_manual_says_for_every_role_and_kind)
{
	struct fixture f;
	cleanup_buf struct buf manual;
	fixture_open(&f, "door");
	buf_init(&manual, MANUAL_BYTES_MAX);
	guard_permissions_print(&manual);
	int64_t other = fixture_user(&f, "other@example.org", ROLE_VIEWER);
	for (int role = ROLE_VIEWER; role < ROLE_COUNT; role++) {
		char email[64];
		struct principal p;
		snprintf(email, sizeof email, "%s@example.org", guard_role_name((enum role)role));
		fixture_sign_in(&f, fixture_user(&f, email, (enum role)role), &p);
		check_cell(&f, &manual, &p, 1 + (unsigned)role, other);
	}
	fixture_close(&f);
}

TEST(the_door_does_what_the_manual_says_for_every_scope_and_kind)
{
	struct fixture f;
	cleanup_buf struct buf manual;
	fixture_open(&f, "scope");
	buf_init(&manual, MANUAL_BYTES_MAX);
	guard_permissions_print(&manual);
	struct principal admin, p;
	int64_t other = fixture_user(&f, "other@example.org", ROLE_VIEWER);
	fixture_sign_in(&f, fixture_user(&f, "admin@example.org", ROLE_ADMIN), &admin);
	for (int scope = SCOPE_READ; scope < SCOPE_COUNT; scope++) {
		struct guard_token_made token;
		struct guard_token_create create = { STR("ci"), (enum scope)scope,
						     fixture_now(&f) + TIME_DAY, &token };
		struct error err;
		CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_token_create, &create), OK);
		CHECK_OK(guard_principal_from_token(f.conn, &f.arena, str_of(token.token),
						    fixture_now(&f), &p, &err));
		check_cell(&f, &manual, &p, 6 + (unsigned)scope, other);
	}
	fixture_close(&f);
}

TEST(an_unknown_role_scope_or_permission_is_nobodys)
{
	struct principal p = { .user = 1, .role = ROLE_NONE, .scope = SCOPE_ADMIN };
	struct error err;
	enum role role = ROLE_AUDITOR;
	CHECK(!guard_may(&p, PERMISSION_READ));
	p.role = (enum role)77;
	CHECK(!guard_may(&p, PERMISSION_SELF));
	p = (struct principal){ .user = 1, .role = ROLE_ADMIN, .scope = SCOPE_NONE };
	CHECK(!guard_may(&p, PERMISSION_READ));
	p = (struct principal){ .user = 1, .role = ROLE_ADMIN, .scope = SCOPE_ADMIN, .by = PRINCIPAL_LINK };
	CHECK(!guard_may(&p, PERMISSION_READ));
	CHECK(!guard_may(NULL, PERMISSION_READ));
	CHECK(!guard_role_parse(STR("root"), &role));
	CHECK_INT(role, ROLE_AUDITOR);
	CHECK_ERR(guard_need(NULL, PERMISSION_READ, &err), ERR_UNAUTHENTICATED);
	CHECK_ERR(guard_need(&p, PERMISSION_READ, &err), ERR_DENIED);
	CHECK(err.hint[0] != '\0');
}

TEST(what_was_already_under_way_is_refused_once_the_account_is_disabled)
{
	struct fixture f;
	struct principal manager;
	struct error err;
	const bool yes = true;
	fixture_open(&f, "underway");
	int64_t id = fixture_user(&f, "m@example.org", ROLE_MANAGER);
	fixture_sign_in(&f, id, &manager);
	struct actor actor = guard_actor(&manager);
	struct event_definition_put put = { .kind = STR("Team") };
	CHECK_OK(guard_authorise(NULL, f.conn, &actor, EVENT_DEFINITION_PUT, 0, &put, &err));
	struct guard_user_change demote = { .user = id, .role = &(enum role){ ROLE_VIEWER } };
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &demote), OK);
	CHECK_ERR(guard_authorise(NULL, f.conn, &actor, EVENT_DEFINITION_PUT, 0, &put, &err), ERR_DENIED);
	struct guard_user_change disable = { .user = id, .disabled = &yes };
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &disable), OK);
	CHECK_ERR(guard_authorise(NULL, f.conn, &actor, EVENT_DEFINITION_PUT, 0, &put, &err),
		  ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

/* ---- visibility ---- */

static void story_make(struct store_conn *conn, const char *const *visibilities,
		       const char *const *teams)
{
	struct error err;
	CHECK_OK(store_exec(conn, "CREATE TABLE story (id INTEGER, visibility TEXT, team TEXT, owner INTEGER)",
			    STORE_NO_VALUES, &err));
	int64_t id = 0;
	for (int v = 0; visibilities[v] != NULL; v++)
		for (int t = 0; teams[t] != NULL; t++)
			for (int owner = 1; owner <= 2; owner++)
				CHECK_OK(store_exec(conn, "INSERT INTO story VALUES (?, ?, ?, ?)",
						    STORE_VALUES(STORE_INT(++id),
								 STORE_TEXT(str_of(visibilities[v])),
								 STORE_TEXT(str_of(teams[t])),
								 STORE_INT(owner)),
						    &err));
}

/* Every row, by the function and by the predicate. Returns how many are seen. */
static int compare(struct store_conn *conn, const struct principal *p, const char *takes_part)
{
	struct guard_sql sql;
	struct error err;
	struct store_rows *rows;
	char text[GUARD_SQL_BYTES + 200];
	int seen = 0;
	guard_visible(p, "s", takes_part, &sql);
	snprintf(text, sizeof text, "SELECT s.visibility, s.team, s.owner, %s FROM story s", sql.text);
	CHECK_OK(store_query(conn, text, sql.values, sql.count, &rows, &err));
	while (store_next(rows)) {
		bool part = takes_part != NULL && store_int(rows, 2) == p->user;
		bool sees = guard_sees(p, store_text(rows, 0), store_text(rows, 1), part);
		if (sees != (store_int(rows, 3) != 0))
			fail_msg("role %d, " STR_FMT " of " STR_FMT ": the function says %d", p->role,
				 STR_ARG(store_text(rows, 0)), STR_ARG(store_text(rows, 1)), sees);
		seen += sees;
	}
	CHECK_OK(store_done(&rows, &err));
	return seen;
}

TEST(the_predicate_and_the_function_agree_over_all_combinations)
{
	static const char *const visibilities[] = { "everyone", "team", "private", "", "secret", NULL };
	static const char *const teams[] = { "", "blue", "green", NULL };
	static const char *const parts[] = { NULL, "s.owner = ?" };
	struct fixture f;
	struct error err;
	struct store_conn *conn;
	int total = 0;
	fixture_open(&f, "visible");
	CHECK_OK(store_connect(f.store, false, &conn, &err));
	story_make(conn, visibilities, teams);
	for (int role = ROLE_NONE; role < ROLE_COUNT; role++)
		for (int scope = SCOPE_NONE; scope < SCOPE_COUNT; scope++)
			for (int by = PRINCIPAL_SESSION; by <= PRINCIPAL_LINK; by++)
				for (int open = 0; open < 2; open++)
					for (size_t count = 0; count <= 2; count++)
						for (int part = 0; part < 2; part++) {
							struct principal p = {
								.user = 1, .role = (enum role)role,
								.scope = (enum scope)scope,
								.by = (enum principal_by)by,
								.audit_open = open, .team_count = count,
								.teams = { STR("green"), STR("red") },
							};
							total += compare(conn, &p, parts[part]);
						}
	CHECK(total > 0);
	store_disconnect(&conn);
	fixture_close(&f);
}

TEST(an_admin_does_not_read_what_is_private_and_an_auditor_opens_it_with_a_reason)
{
	struct fixture f;
	struct principal admin, auditor;
	fixture_open(&f, "audit");
	fixture_sign_in(&f, fixture_user(&f, "admin@example.org", ROLE_ADMIN), &admin);
	int64_t id = fixture_user(&f, "audit@example.org", ROLE_AUDITOR);
	fixture_sign_in(&f, id, &auditor);
	CHECK(guard_sees(&admin, STR("team"), STR("blue"), false));
	CHECK(!guard_sees(&admin, STR("private"), STR("blue"), false));
	CHECK(guard_sees(&admin, STR("private"), STR("blue"), true));
	CHECK(!guard_sees(&auditor, STR("private"), STR("blue"), false));
	struct guard_audit_open open = { STR(" "), TIME_HOUR };
	CHECK_INT(fixture_run(&f, guard_actor(&auditor), guard_decide_audit_open, &open), ERR_INVALID);
	open.reason = STR("yearly review");
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_audit_open, &open), ERR_DENIED);
	CHECK_INT(fixture_run(&f, guard_actor(&auditor), guard_decide_audit_open, &open), OK);
	clock_advance(&f.clock, TIME_HOUR - 1);
	fixture_sign_in(&f, id, &auditor);
	CHECK(guard_sees(&auditor, STR("private"), STR("blue"), false));
	clock_advance(&f.clock, 1);
	fixture_sign_in(&f, id, &auditor);
	CHECK(!guard_sees(&auditor, STR("private"), STR("blue"), false));
	fixture_close(&f);
}

TEST(somebody_in_too_many_teams_sees_less_and_nothing_breaks)
{
	struct principal p = { .user = 1, .role = ROLE_VIEWER, .scope = SCOPE_ADMIN,
			       .team_count = GUARD_TEAMS_MAX };
	struct guard_sql sql;
	for (size_t i = 0; i < GUARD_TEAMS_MAX; i++)
		p.teams[i] = STR("a-rather-long-name-of-a-team");
	guard_visible(&p, "incident_with_a_long_name", "EXISTS (SELECT 1 FROM part WHERE user_id = ?)",
		      &sql);
	CHECK_INT(sql.count, GUARD_TEAMS_MAX + 1);
}

TESTS(RUN(the_manual_says_what_the_code_enforces),
      RUN(every_kind_needs_a_permission_there_is_and_says_whose_it_is),
      RUN(the_door_does_what_the_manual_says_for_every_role_and_kind),
      RUN(the_door_does_what_the_manual_says_for_every_scope_and_kind),
      RUN(an_unknown_role_scope_or_permission_is_nobodys),
      RUN(what_was_already_under_way_is_refused_once_the_account_is_disabled),
      RUN(the_predicate_and_the_function_agree_over_all_combinations),
      RUN(an_admin_does_not_read_what_is_private_and_an_auditor_opens_it_with_a_reason),
      RUN(somebody_in_too_many_teams_sees_less_and_nothing_breaks))
