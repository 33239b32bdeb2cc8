/* test_guard_user.c: accounts, teams, the last admin; what a rebuild leaves alone. */
#include "base/check.h"
#include "guard/guard_fixture.h"

static enum err create(struct fixture *f, struct actor actor, const char *email, const char *name,
		       enum role role)
{
	int64_t id;
	struct guard_user_create args = { str_of(email), str_of(name), role, &id };
	return fixture_run(f, actor, guard_decide_user_create, &args);
}

static struct guard_user user_of(struct fixture *f, int64_t id)
{
	struct guard_user user;
	struct error err;
	CHECK_OK(guard_user_by_id(f->conn, &f->arena, id, &user, &err));
	return user;
}

TEST(an_address_is_lowered_trimmed_and_belongs_to_one_person)
{
	struct fixture f;
	struct guard_user user;
	struct error err;
	fixture_open(&f, "address");
	CHECK_INT(create(&f, ACTOR_SYSTEM, "  Ada@Example.ORG ", " Ada ", ROLE_RESPONDER), OK);
	CHECK_STR(user_of(&f, 1).email, "ada@example.org");
	CHECK_STR(user_of(&f, 1).name, "Ada");
	CHECK_INT(create(&f, ACTOR_SYSTEM, "ADA@example.org", "Other", ROLE_VIEWER), ERR_CONFLICT);
	CHECK_TEXT(f.err.field, "email");
	CHECK_OK(guard_user_by_email(f.conn, &f.arena, STR("aDa@example.org"), &user, &err));
	CHECK_INT(user.id, 1);
	CHECK_ERR(guard_user_by_email(f.conn, &f.arena, STR("eve@example.org"), &user, &err),
		  ERR_NOT_FOUND);
	fixture_close(&f);
}

TEST(what_cannot_be_an_address_or_a_name_is_refused)
{
	static const char *const bad[] = { "", "a", "@b", "a@", "a@b@c", "a b@c", "<a@b>",
					   "a\x01@b", "a@\xff", "a,b@c" };
	struct fixture f;
	char longer[300];
	fixture_open(&f, "bad");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_INT(create(&f, ACTOR_SYSTEM, bad[i], "N", ROLE_VIEWER), ERR_INVALID);
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	longer[100] = '@';
	CHECK_INT(create(&f, ACTOR_SYSTEM, longer, "N", ROLE_VIEWER), ERR_INVALID);
	CHECK_INT(create(&f, ACTOR_SYSTEM, "a@b", "  ", ROLE_VIEWER), ERR_INVALID);
	CHECK_INT(create(&f, ACTOR_SYSTEM, "a@b", "a\tb", ROLE_VIEWER), ERR_INVALID);
	longer[100] = 'a', longer[101] = '\0';
	CHECK_INT(create(&f, ACTOR_SYSTEM, "a@b", longer, ROLE_VIEWER), ERR_INVALID);
	CHECK_INT(create(&f, ACTOR_SYSTEM, "a@b", "N", ROLE_NONE), ERR_INVALID);
	CHECK_INT(world_last_seq(f.world), 0);
	fixture_close(&f);
}

TEST(people_change_their_own_name_and_only_an_admin_the_rest)
{
	struct fixture f;
	struct principal admin, p;
	struct str name = STR("Ada L."), zone = STR("Europe/Zurich"), email = STR("new@example.org");
	enum role role = ROLE_ADMIN;
	fixture_open(&f, "change");
	fixture_sign_in(&f, fixture_user(&f, "root@example.org", ROLE_ADMIN), &admin);
	int64_t id = fixture_user(&f, "ada@example.org", ROLE_VIEWER);
	fixture_sign_in(&f, id, &p);
	struct guard_user_change own = { .user = id, .name = &name, .time_zone = &zone };
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_user_change, &own), OK);
	CHECK_STR(user_of(&f, id).name, "Ada L.");
	CHECK_STR(user_of(&f, id).time_zone, "Europe/Zurich");
	struct guard_user_change others = { .user = admin.user, .name = &name };
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_user_change, &others), ERR_DENIED);
	struct guard_user_change promote = { .user = id, .role = &role };
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_user_change, &promote), ERR_DENIED);
	struct guard_user_change move = { .user = id, .email = &email, .role = &role };
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_user_change, &move), OK);
	CHECK_STR(user_of(&f, id).email, "new@example.org");
	CHECK_INT(user_of(&f, id).role, ROLE_ADMIN);
	int64_t seq = world_last_seq(f.world);
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_user_change, &move), OK);
	CHECK_INT(world_last_seq(f.world), seq); /* nothing changed: no event */
	zone = STR("Europe/Zurich; DROP");
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_user_change, &own), ERR_INVALID);
	fixture_close(&f);
}

TEST(a_change_of_what_somebody_else_changed_meanwhile_is_refused)
{
	struct fixture f;
	struct str name = STR("One");
	fixture_open(&f, "revision");
	int64_t id = fixture_user(&f, "ada@example.org", ROLE_VIEWER);
	struct guard_user_change change = { .user = id, .revision = user_of(&f, id).revision, .name = &name };
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &change), OK);
	name = STR("Two");
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &change), ERR_PRECONDITION);
	CHECK_STR(user_of(&f, id).name, "One");
	fixture_close(&f);
}

TEST(the_last_admin_stays_admin)
{
	struct fixture f;
	enum role viewer = ROLE_VIEWER;
	bool yes = true;
	fixture_open(&f, "last");
	int64_t first = fixture_user(&f, "a@example.org", ROLE_ADMIN);
	struct guard_user_change demote = { .user = first, .role = &viewer };
	struct guard_user_change disable = { .user = first, .disabled = &yes };
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &demote), ERR_CONFLICT);
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &disable), ERR_CONFLICT);
	int64_t second = fixture_user(&f, "b@example.org", ROLE_ADMIN);
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &disable), OK);
	demote.user = second;
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &demote), ERR_CONFLICT);
	fixture_close(&f);
}

/* ---- teams ---- */

static const char *team_spec;

static enum err decide_team(struct decision *d, const void *args, struct error *err)
{
	(void)err;
	struct event_definition_put put = {
		.kind = STR("Team"), .name = str_of(args), .spec = str_of(team_spec),
		.manager = STR("people"), .revision = 1,
	};
	struct event_definition_deleted deleted = { .kind = STR("Team"), .name = str_of(args) };
	if (team_spec != NULL)
		decision_emit(d, EVENT_DEFINITION_PUT, 0, &put);
	else
		decision_emit(d, EVENT_DEFINITION_DELETED, 0, &deleted);
	return OK;
}

static void put_team(struct fixture *f, const char *name, const char *spec)
{
	team_spec = spec;
	CHECK_INT(fixture_run(f, ACTOR_SYSTEM, decide_team, name), OK);
}

static size_t members(struct fixture *f, const char *team, struct guard_member **ret_members)
{
	size_t count;
	struct error err;
	CHECK_OK(guard_team_members(f->conn, &f->arena, str_of(team), ret_members, &count, &err));
	return count;
}

TEST(a_team_keeps_an_address_until_its_person_appears)
{
	struct fixture f;
	struct guard_member *m;
	struct principal p;
	fixture_open(&f, "team");
	put_team(&f, "web", "{\"display\":\"Web\",\"members\":[\"Ada@Example.org\",\"bob@example.org\"],"
			    "\"manager\":\"bob@example.org\"}");
	CHECK_INT(members(&f, "web", &m), 2);
	CHECK_STR(m[0].email, "ada@example.org");
	CHECK_INT(m[0].user, 0);
	CHECK(!m[0].manager);
	CHECK(m[1].manager);
	int64_t id = fixture_user(&f, "ada@example.org", ROLE_VIEWER);
	CHECK_INT(members(&f, "web", &m), 2);
	CHECK_INT(m[0].user, id);
	fixture_sign_in(&f, id, &p);
	CHECK_INT(p.team_count, 1);
	CHECK_STR(p.teams[0], "web");
	fixture_close(&f);
}

TEST(members_come_and_go_with_the_definition_and_history_says_when)
{
	struct fixture f;
	struct guard_member *m;
	fixture_open(&f, "members");
	put_team(&f, "web", "{\"members\":[\"a@x.org\",\"b@x.org\"]}"); /* seq 1 */
	put_team(&f, "web", "{\"members\":[\"b@x.org\",\"c@x.org\"]}"); /* seq 2 */
	CHECK_INT(members(&f, "web", &m), 2);
	CHECK_STR(m[1].email, "c@x.org");
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM team_member_h WHERE email = 'b@x.org'"), 0); /* as it was */
	store_as_of(f.conn, 1);
	CHECK_INT(members(&f, "web", &m), 2);
	CHECK_STR(m[0].email, "a@x.org");
	store_as_of(f.conn, 0);
	put_team(&f, "web", "{\"members\":\"nonsense\"}");
	CHECK_INT(members(&f, "web", &m), 0);
	put_team(&f, "web", "[1");
	CHECK_INT(members(&f, "web", &m), 0);
	put_team(&f, "web", NULL);
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM team"), 0);
	fixture_close(&f);
}

/* ---- rebuild ---- */

static int64_t sums(struct fixture *f, bool projections)
{
	static const char *const kept[] = {
		"SELECT coalesce(sum(user_id * 3 + length(hash)), 0) FROM password",
		"SELECT coalesce(sum(user_id * 7 + created % 1000003 + last_seen % 1009), 0) FROM session",
		"SELECT coalesce(sum(token_id * 11 + length(hash)), 0) FROM token_secret",
		"SELECT coalesce(sum(expires % 1000003 + used % 1009), 0) FROM link", NULL
	};
	static const char *const made[] = {
		"SELECT coalesce(sum(user_id * 31 + length(email) * 7 + length(role) + disabled * 3 + "
		"has_password * 5 + revision + from_seq * 13), 0) FROM account",
		"SELECT coalesce(sum(user_id * 31 + from_seq * 13 + to_seq), 0) FROM account_h",
		"SELECT coalesce(sum(token_id * 31 + user_id + revoked * 5 + expires % 1000003), 0) FROM token",
		"SELECT coalesce(sum(length(team) + length(email) * 3 + manager + from_seq * 13), 0) FROM team_member",
		"SELECT coalesce(sum(length(team) + length(email) * 3 + manager + from_seq * 13 + to_seq), 0) FROM team_member_h",
		"SELECT coalesce(sum(user_id + until % 1000003), 0) FROM audit_access", NULL
	};
	int64_t sum = 0;
	for (const char *const *sql = projections ? made : kept; *sql != NULL; sql++) {
		int64_t one = fixture_count(f, *sql);
		CHECK(one > 0);
		sum = sum * 31 + one;
	}
	return sum;
}

TEST(a_rebuild_makes_the_same_projections_and_leaves_vault_and_sessions)
{
	struct fixture f;
	struct principal admin, p;
	struct guard_token_made token;
	struct error err;
	enum role auditor = ROLE_AUDITOR;
	fixture_open(&f, "rebuild");
	fixture_sign_in(&f, fixture_user(&f, "a@example.org", ROLE_ADMIN), &admin);
	CHECK_INT(fixture_set_password(&f, &admin, FIXTURE_PASSWORD, STR_NONE), OK);
	int64_t id = fixture_user(&f, "b@example.org", ROLE_VIEWER);
	struct guard_user_change change = { .user = id, .role = &auditor };
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_user_change, &change), OK);
	struct guard_token_create make = { STR("ci"), SCOPE_READ, fixture_now(&f) + TIME_DAY, &token };
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_token_create, &make), OK);
	fixture_sign_in(&f, id, &p);
	struct guard_audit_open open = { STR("why"), TIME_HOUR };
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_audit_open, &open), OK);
	put_team(&f, "web", "{\"members\":[\"a@example.org\",\"b@example.org\"]}");
	put_team(&f, "web", "{\"members\":[\"b@example.org\"],\"manager\":\"b@example.org\"}");
	int64_t kept = sums(&f, false), made = sums(&f, true);
	CHECK_OK(world_rebuild(f.world, NULL, NULL, &err));
	CHECK_INT(sums(&f, false), kept);
	CHECK_INT(sums(&f, true), made);
	CHECK_OK(guard_principal_from_token(f.conn, &f.arena, str_of(token.token), fixture_now(&f), &p,
					    &err));
	fixture_close(&f);
}

TEST(a_rebuild_goes_on_where_an_account_was_lawfully_erased)
{
	struct fixture f;
	struct principal p;
	struct error err;
	struct store_conn *writer;
	struct str name = STR("Ada");
	fixture_open(&f, "erased");
	int64_t id = fixture_user(&f, "a@example.org", ROLE_VIEWER);
	fixture_sign_in(&f, id, &p);
	struct guard_user_change change = { .user = id, .name = &name };
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_user_change, &change), OK);
	CHECK_INT(fixture_set_password(&f, &p, FIXTURE_PASSWORD, STR_NONE), OK);
	CHECK_OK(store_connect(f.store, false, &writer, &err));
	CHECK_OK(store_exec(writer, "UPDATE event SET payload = NULL, salt = NULL WHERE seq = 1",
			    STORE_NO_VALUES, &err));
	store_disconnect(&writer);
	CHECK_OK(world_rebuild(f.world, NULL, NULL, &err));
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM account"), 0);
	CHECK_INT(fixture_principal(&f, &(struct guard_session_made){ .cookie = "" }, &p),
		  ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(no_event_holds_a_secret)
{
	struct fixture f;
	struct principal p;
	struct guard_token_made token;
	fixture_open(&f, "secrets");
	fixture_sign_in(&f, fixture_user(&f, "a@example.org", ROLE_ADMIN), &p);
	CHECK_INT(fixture_set_password(&f, &p, FIXTURE_PASSWORD, STR_NONE), OK);
	struct guard_token_create make = { STR("ci"), SCOPE_READ, fixture_now(&f) + TIME_DAY, &token };
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_token_create, &make), OK);
	CHECK(fixture_count(&f, "SELECT count(*) FROM event") >= 5);
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM event WHERE instr(payload, 'argon2') > 0 OR "
				    "instr(payload, 'mss_') > 0 OR instr(payload, 'mst_') > 0 OR "
				    "instr(payload, 'msl_') > 0 OR instr(payload, 'horse') > 0"),
		  0);
	fixture_close(&f);
}

TESTS(RUN(an_address_is_lowered_trimmed_and_belongs_to_one_person),
      RUN(what_cannot_be_an_address_or_a_name_is_refused),
      RUN(people_change_their_own_name_and_only_an_admin_the_rest),
      RUN(a_change_of_what_somebody_else_changed_meanwhile_is_refused),
      RUN(the_last_admin_stays_admin), RUN(a_team_keeps_an_address_until_its_person_appears),
      RUN(members_come_and_go_with_the_definition_and_history_says_when),
      RUN(a_rebuild_makes_the_same_projections_and_leaves_vault_and_sessions),
      RUN(a_rebuild_goes_on_where_an_account_was_lawfully_erased), RUN(no_event_holds_a_secret))
