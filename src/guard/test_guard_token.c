/* test_guard_token.c: API tokens: what they carry, until when, and who makes and ends them. */
#include "base/check.h"
#include "guard/guard_fixture.h"

static enum err make(struct fixture *f, const struct principal *p, enum scope scope, time_us life,
		     struct guard_token_made *ret_token)
{
	struct guard_token_create create = { STR(" deploy "), scope, fixture_now(f) + life, ret_token };
	return fixture_run(f, guard_actor(p), guard_decide_token_create, &create);
}

static enum err use(struct fixture *f, const struct guard_token_made *token,
		    struct principal *ret_principal)
{
	return guard_principal_from_token(f->conn, &f->arena, str_of(token->token), fixture_now(f),
					  ret_principal, &f->err);
}

static void open_with(struct fixture *f, const char *name, enum role role, struct principal *ret_p)
{
	fixture_open(f, name);
	fixture_user(f, "root@example.org", ROLE_ADMIN);
	fixture_sign_in(f, fixture_user(f, "ada@example.org", role), ret_p);
}

TEST(a_token_carries_what_both_role_and_scope_allow)
{
	static const bool wanted[ROLE_COUNT][SCOPE_COUNT][PERMISSION_ADMIN + 1] = { /* read, respond, samples, manage, admin */
		[ROLE_VIEWER] = { { 0 }, { 1 }, { 1 }, { 1 }, { 1 } },
		[ROLE_RESPONDER] = { { 0 }, { 1 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } },
		[ROLE_MANAGER] = { { 0 }, { 1 }, { 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } },
		[ROLE_ADMIN] = { { 0 }, { 1 }, { 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1, 1 } },
		[ROLE_AUDITOR] = { { 0 }, { 1 }, { 1 }, { 1 }, { 1 } },
	};
	for (int role = ROLE_VIEWER; role < ROLE_COUNT; role++) {
		struct fixture f;
		struct principal owner, p;
		struct guard_token_made token;
		open_with(&f, "scopes", (enum role)role, &owner);
		for (int scope = SCOPE_READ; scope < SCOPE_COUNT; scope++) {
			CHECK_INT(make(&f, &owner, (enum scope)scope, TIME_DAY, &token), OK);
			CHECK_INT(use(&f, &token, &p), OK);
			for (int i = PERMISSION_READ; i <= PERMISSION_ADMIN; i++)
				CHECK_INT(guard_may(&p, (enum permission)i), wanted[role][scope][i]);
			CHECK(!guard_may(&p, PERMISSION_SYSTEM));
		}
		fixture_close(&f);
	}
}

TEST(a_token_works_until_it_ends_is_revoked_or_its_owner_disabled)
{
	struct fixture f;
	struct principal owner, p;
	struct guard_token_made token, other;
	bool yes = true;
	open_with(&f, "until", ROLE_RESPONDER, &owner);
	CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_HOUR, &token), OK);
	CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_DAY, &other), OK);
	clock_advance(&f.clock, TIME_HOUR - 1);
	CHECK_INT(use(&f, &token, &p), OK);
	CHECK_INT(p.user, owner.user);
	clock_advance(&f.clock, 1);
	CHECK_INT(use(&f, &token, &p), ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, "this token has expired");
	struct guard_user_change disable = { .user = owner.user, .disabled = &yes };
	CHECK_INT(use(&f, &other, &p), OK);
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &disable), OK);
	CHECK_INT(use(&f, &other, &p), ERR_UNAUTHENTICATED);
	other.token[20] ^= 1;
	CHECK_INT(use(&f, &other, &p), ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(a_revoked_token_stops_at_once_also_for_what_waits)
{
	struct fixture f;
	struct principal owner, p;
	struct guard_token_made token;
	struct error err;
	open_with(&f, "revoke", ROLE_MANAGER, &owner);
	CHECK_INT(make(&f, &owner, SCOPE_MANAGE, TIME_HOUR, &token), OK);
	CHECK_INT(use(&f, &token, &p), OK);
	struct guard_token_revoke revoke = { token.id };
	CHECK_INT(fixture_run(&f, guard_actor(&owner), guard_decide_token_revoke, &revoke), OK);
	struct actor actor = guard_actor(&p);
	struct event_definition_put put = { .kind = STR("Team") };
	CHECK_ERR(guard_authorise(NULL, f.conn, &actor, EVENT_DEFINITION_PUT, 0, &put, &err),
		  ERR_UNAUTHENTICATED);
	CHECK_INT(use(&f, &token, &p), ERR_UNAUTHENTICATED);
	CHECK_INT(guard_principal_again(f.conn, &f.arena, &p, fixture_now(&f), &p, &f.err),
		  ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, "this token was revoked");
	int64_t seq = world_last_seq(f.world);
	CHECK_INT(fixture_run(&f, guard_actor(&owner), guard_decide_token_revoke, &revoke), OK);
	CHECK_INT(world_last_seq(f.world), seq);
	fixture_close(&f);
}

TEST(only_the_owner_and_an_admin_revoke_a_token)
{
	struct fixture f;
	struct principal owner, eve, admin;
	struct guard_token_made token;
	open_with(&f, "whose", ROLE_MANAGER, &owner);
	fixture_sign_in(&f, fixture_user(&f, "eve@example.org", ROLE_MANAGER), &eve);
	fixture_sign_in(&f, 1, &admin);
	CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_HOUR, &token), OK);
	struct guard_token_revoke revoke = { token.id };
	CHECK_INT(fixture_run(&f, guard_actor(&eve), guard_decide_token_revoke, &revoke), ERR_DENIED);
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_token_revoke, &revoke), OK);
	revoke.token = 99;
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_token_revoke, &revoke), ERR_NOT_FOUND);
	fixture_close(&f);
}

TEST(a_token_makes_no_token_unless_it_may_all_and_none_that_outlives_it)
{
	struct fixture f;
	struct principal owner, p;
	struct guard_token_made token, child;
	open_with(&f, "child", ROLE_ADMIN, &owner);
	CHECK_INT(make(&f, &owner, SCOPE_MANAGE, TIME_HOUR, &token), OK);
	CHECK_INT(use(&f, &token, &p), OK);
	CHECK_INT(make(&f, &p, SCOPE_READ, TIME_MINUTE, &child), ERR_DENIED);
	CHECK_INT(make(&f, &owner, SCOPE_ADMIN, TIME_HOUR, &token), OK);
	CHECK_INT(use(&f, &token, &p), OK);
	CHECK_INT(make(&f, &p, SCOPE_READ, TIME_HOUR + 1, &child), ERR_INVALID);
	CHECK_INT(make(&f, &p, SCOPE_READ, TIME_HOUR, &child), OK);
	CHECK_INT(fixture_set_password(&f, &p, FIXTURE_PASSWORD, STR_NONE), ERR_DENIED);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_sign_out, NULL), ERR_DENIED);
	fixture_close(&f);
}

TEST(what_no_token_can_be_is_refused)
{
	struct fixture f;
	struct principal owner;
	struct guard_token_made token;
	open_with(&f, "invalid", ROLE_ADMIN, &owner);
	CHECK_INT(make(&f, &owner, SCOPE_READ, 0, &token), ERR_INVALID);
	CHECK_TEXT(f.err.field, "expires_at");
	CHECK_INT(make(&f, &owner, SCOPE_READ, GUARD_TOKEN_LIFE_MAX + 1, &token), ERR_INVALID);
	CHECK_INT(make(&f, &owner, SCOPE_NONE, TIME_DAY, &token), ERR_INVALID);
	CHECK_INT(make(&f, &owner, SCOPE_READ, GUARD_TOKEN_LIFE_MAX, &token), OK);
	for (unsigned i = 1; i < GUARD_TOKENS_MAX; i++)
		CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_HOUR, &token), OK);
	CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_HOUR, &token), ERR_LIMIT);
	clock_advance(&f.clock, TIME_HOUR);
	CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_HOUR, &token), OK);
	fixture_close(&f);
}

TEST(last_use_of_a_token_is_noted_at_most_once_a_minute)
{
	struct fixture f;
	struct principal owner, p;
	struct guard_token_made token;
	struct guard_token *list;
	struct error err;
	size_t count;
	open_with(&f, "used", ROLE_VIEWER, &owner);
	CHECK_INT(make(&f, &owner, SCOPE_READ, TIME_DAY, &token), OK);
	CHECK_INT(use(&f, &token, &p), OK);
	CHECK(p.touch_due);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_touch, &p), OK);
	time_us first = fixture_now(&f);
	clock_advance(&f.clock, GUARD_TOUCH_EVERY - 1);
	CHECK_INT(use(&f, &token, &p), OK);
	CHECK(!p.touch_due);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_touch, &p), OK);
	CHECK_OK(guard_tokens(f.conn, &f.arena, owner.user, 0, 10, &list, &count, &err));
	CHECK_INT(count, 1);
	CHECK_STR(list[0].name, "deploy");
	CHECK_INT(list[0].last_used, first);
	clock_advance(&f.clock, 1);
	CHECK_INT(use(&f, &token, &p), OK);
	CHECK(p.touch_due);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_touch, &p), OK);
	CHECK_OK(guard_tokens(f.conn, &f.arena, 0, 0, 10, &list, &count, &err));
	CHECK_INT(list[0].last_used, fixture_now(&f));
	fixture_close(&f);
}

TESTS(RUN(a_token_carries_what_both_role_and_scope_allow),
      RUN(a_token_works_until_it_ends_is_revoked_or_its_owner_disabled),
      RUN(a_revoked_token_stops_at_once_also_for_what_waits),
      RUN(only_the_owner_and_an_admin_revoke_a_token),
      RUN(a_token_makes_no_token_unless_it_may_all_and_none_that_outlives_it),
      RUN(what_no_token_can_be_is_refused),
      RUN(last_use_of_a_token_is_noted_at_most_once_a_minute))
