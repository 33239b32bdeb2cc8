/* test_guard_sign_in.c: passwords, links, sessions: who gets in, until when, and how often. */
#include <pthread.h>

#include "base/check.h"
#include "guard/guard_fixture.h"

static enum err check_password(struct fixture *f, const char *email, struct str password,
			       struct guard_checked *ret_checked, int64_t *tried)
{
	return guard_password_check(f->conn, &f->arena, str_of(email), password, ret_checked, tried,
				    &f->err);
}

static enum err sign_in(struct fixture *f, const struct guard_checked *checked,
			struct guard_session_made *ret_session)
{
	struct guard_sign_in in = { checked->hash, STR("192.0.2.1"), ret_session };
	return fixture_run(f, guard_actor(&checked->principal), guard_decide_sign_in, &in);
}

/* A person with a password; who is signed in by it. */
static int64_t person(struct fixture *f, const char *email, struct guard_session_made *ret_session)
{
	struct principal p;
	struct guard_checked checked;
	int64_t tried, id = fixture_user(f, email, ROLE_RESPONDER);
	fixture_sign_in(f, id, &p);
	CHECK_INT(fixture_set_password(f, &p, FIXTURE_PASSWORD, STR_NONE), OK);
	CHECK_INT(check_password(f, email, FIXTURE_PASSWORD, &checked, &tried), OK);
	CHECK_INT(sign_in(f, &checked, ret_session), OK);
	return id;
}

TEST(a_person_signs_in_with_the_password_and_is_who_they_are)
{
	struct fixture f;
	struct guard_session_made session;
	struct principal p;
	fixture_open(&f, "in");
	int64_t id = person(&f, "ada@example.org", &session);
	CHECK(!session.needs_password);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	CHECK_INT(p.user, id);
	CHECK_STR(p.email, "ada@example.org");
	CHECK_INT(p.role, ROLE_RESPONDER);
	CHECK(p.has_password);
	CHECK(!p.by_link);
	CHECK_INT(fixture_count(&f, "SELECT actor FROM event WHERE kind = 'user.signed_in' "
				    "ORDER BY seq DESC LIMIT 1"),
		  id);
	fixture_close(&f);
}

TEST(unknown_wrong_disabled_and_passwordless_get_the_same_answer)
{
	struct fixture f;
	struct guard_session_made session;
	struct guard_checked checked;
	bool yes = true;
	int64_t tried;
	fixture_open(&f, "same");
	int64_t id = person(&f, "ada@example.org", &session);
	int64_t invited = fixture_user(&f, "bob@example.org", ROLE_VIEWER);
	CHECK_INT(check_password(&f, "ada@example.org", STR("wrong password"), &checked, &tried),
		  ERR_UNAUTHENTICATED);
	struct error wanted = f.err;
	CHECK_INT(tried, id);
	CHECK_INT(check_password(&f, "eve@example.org", FIXTURE_PASSWORD, &checked, &tried),
		  ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, wanted.text);
	CHECK_TEXT(f.err.hint, wanted.hint);
	CHECK_INT(tried, 0);
	CHECK_INT(check_password(&f, "bob@example.org", STR(""), &checked, &tried), ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, wanted.text);
	CHECK_INT(tried, invited);
	CHECK_INT(check_password(&f, "not an address", FIXTURE_PASSWORD, &checked, &tried),
		  ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, wanted.text);
	struct guard_user_change disable = { .user = id, .disabled = &yes };
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &disable), OK);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried),
		  ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, wanted.text);
	fixture_close(&f);
}

static time_us spent(struct fixture *f, const char *email)
{
	struct guard_checked checked;
	struct timespec from, to;
	int64_t tried;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	check_password(f, email, STR("wrong password"), &checked, &tried);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (to.tv_sec - from.tv_sec) * TIME_SECOND + (to.tv_nsec - from.tv_nsec) / 1000;
}

TEST(an_unknown_address_costs_as_much_as_a_wrong_password)
{
	struct fixture f;
	struct guard_session_made session;
	time_us known = TIME_HOUR, unknown = TIME_HOUR;
	fixture_open(&f, "cost");
	person(&f, "ada@example.org", &session);
	for (int i = 0; i < 5; i++) {
		time_us a = spent(&f, "ada@example.org"), b = spent(&f, "eve@example.org");
		known = a < known ? a : known;
		unknown = b < unknown ? b : unknown;
	}
	CHECK(known > 2 * TIME_MS);
	CHECK(unknown > known / 2);
	CHECK(unknown < known * 2);
	fixture_close(&f);
}

TEST(a_weak_password_is_refused_with_a_reason)
{
	struct arena arena;
	struct str hash;
	struct error err;
	char longest[GUARD_PASSWORD_BYTES_MAX + 2];
	arena_init(&arena, 0);
	memset(longest, 'x', sizeof longest);
	memcpy(longest, "abcdef", 6);
	struct str email = STR("ada@example.org");
	CHECK_ERR(guard_password_hash(STR("123456789"), email, &arena, &hash, &err), ERR_INVALID);
	CHECK_TEXT(err.field, "password");
	CHECK_ERR(guard_password_hash(STR("\xc3\xa9\xc3\xa9\xc3\xa8\xc3\xa0\xc3\xb6"), email, &arena, &hash, &err),
		  ERR_INVALID);
	CHECK_ERR(guard_password_hash(STR("aaaaaaaaaabb"), email, &arena, &hash, &err), ERR_INVALID);
	CHECK_ERR(guard_password_hash(STR("ADA@example.org"), email, &arena, &hash, &err), ERR_INVALID);
	CHECK_ERR(guard_password_hash(STR("\xff\xfe long enough"), email, &arena, &hash, &err), ERR_INVALID);
	CHECK_ERR(guard_password_hash((struct str){ longest, GUARD_PASSWORD_BYTES_MAX + 1 }, email, &arena,
				      &hash, &err),
		  ERR_INVALID);
	CHECK_OK(guard_password_hash((struct str){ longest, GUARD_PASSWORD_BYTES_MAX }, email, &arena,
				     &hash, &err));
	CHECK(str_starts(hash, STR("$argon2id$v=19$m=19456,t=2,p=1$")));
	arena_finish(&arena);
}

TEST(a_password_that_changed_after_it_was_verified_does_not_let_in)
{
	struct fixture f;
	struct guard_session_made session, other;
	struct guard_checked checked;
	struct principal p;
	int64_t tried;
	fixture_open(&f, "raced");
	person(&f, "ada@example.org", &session);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried), OK);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	CHECK_INT(fixture_set_password(&f, &p, STR("another horse battery"), checked.hash), OK);
	CHECK_INT(sign_in(&f, &checked, &other), ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(setting_a_password_needs_the_current_one_and_ends_other_sessions_and_links)
{
	struct fixture f;
	struct guard_session_made one, two;
	struct guard_checked checked;
	struct guard_link_made link;
	struct principal p;
	int64_t tried;
	fixture_open(&f, "set");
	int64_t id = person(&f, "ada@example.org", &one);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried), OK);
	CHECK_INT(sign_in(&f, &checked, &two), OK);
	fixture_link(&f, id, &link);
	CHECK_INT(fixture_principal(&f, &one, &p), OK);
	CHECK_INT(fixture_set_password(&f, &p, STR("another horse battery"), STR_NONE), ERR_DENIED);
	CHECK_TEXT(f.err.field, "current");
	CHECK_INT(fixture_set_password(&f, &p, STR("another horse battery"), STR("$argon2id$")), ERR_DENIED);
	CHECK_INT(fixture_set_password(&f, &p, STR("another horse battery"), checked.hash), OK);
	CHECK_INT(fixture_principal(&f, &one, &p), OK);
	CHECK_INT(fixture_principal(&f, &two, &p), ERR_UNAUTHENTICATED);
	CHECK_INT(fixture_use_link(&f, &link, &two), ERR_UNAUTHENTICATED);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried),
		  ERR_UNAUTHENTICATED);
	CHECK_INT(check_password(&f, "ada@example.org", STR("another horse battery"), &checked, &tried), OK);
	fixture_close(&f);
}

TEST(a_session_by_link_sets_a_forgotten_password_within_an_hour_and_once)
{
	struct fixture f;
	struct guard_session_made session, by_link;
	struct guard_link_made link;
	struct principal p;
	fixture_open(&f, "forgot");
	int64_t id = person(&f, "ada@example.org", &session);
	for (int late = 0; late < 2; late++) {
		fixture_link(&f, id, &link);
		CHECK_INT(fixture_use_link(&f, &link, &by_link), OK);
		CHECK(by_link.needs_password);
		clock_advance(&f.clock, GUARD_SESSION_LINK_GRACE - 1 + late);
		CHECK_INT(fixture_principal(&f, &by_link, &p), OK);
		CHECK_INT(fixture_set_password(&f, &p, STR("another horse battery"), STR_NONE),
			  late ? ERR_DENIED : OK);
	}
	fixture_link(&f, id, &link);
	CHECK_INT(fixture_use_link(&f, &link, &by_link), OK);
	CHECK_INT(fixture_principal(&f, &by_link, &p), OK);
	CHECK_INT(fixture_set_password(&f, &p, STR("a third horse battery"), STR_NONE), OK);
	CHECK_INT(fixture_set_password(&f, &p, STR("a fourth horse battery"), STR_NONE), ERR_DENIED);
	fixture_close(&f);
}

TEST(a_link_works_once_and_until_it_expires_and_a_newer_one_takes_its_place)
{
	struct fixture f;
	struct guard_link_made link, newer;
	struct guard_session_made session;
	fixture_open(&f, "link");
	int64_t id = fixture_user(&f, "ada@example.org", ROLE_VIEWER);
	fixture_link(&f, id, &link);
	CHECK_INT(link.expires, fixture_now(&f) + GUARD_LINK_RESET);
	CHECK_INT(fixture_use_link(&f, &link, &session), OK);
	CHECK_INT(fixture_use_link(&f, &link, &session), ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, "this link was used before, and works once only");
	fixture_link(&f, id, &link);
	fixture_link(&f, id, &newer);
	CHECK_INT(fixture_use_link(&f, &link, &session), ERR_UNAUTHENTICATED);
	clock_advance(&f.clock, GUARD_LINK_RESET - 1);
	CHECK_INT(fixture_use_link(&f, &newer, &session), OK);
	fixture_link(&f, id, &newer);
	clock_advance(&f.clock, GUARD_LINK_RESET);
	CHECK_INT(fixture_use_link(&f, &newer, &session), ERR_UNAUTHENTICATED);
	CHECK_TEXT(f.err.text, "this link has expired");
	newer.token[10] ^= 1;
	CHECK_INT(fixture_use_link(&f, &newer, &session), ERR_UNAUTHENTICATED);
	newer.token[10] = '\0';
	CHECK_INT(fixture_use_link(&f, &newer, &session), ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(links_have_rules_of_their_purpose)
{
	struct fixture f;
	struct guard_link_made link = { .expires = 0 };
	struct guard_session_made session;
	struct principal admin;
	bool yes = true;
	fixture_open(&f, "purpose");
	fixture_sign_in(&f, fixture_user(&f, "root@example.org", ROLE_ADMIN), &admin);
	int64_t ada = person(&f, "ada@example.org", &session);
	int64_t bob = fixture_user(&f, "bob@example.org", ROLE_VIEWER);
	struct guard_link_make make = { bob, GUARD_LINK_FOR_INVITE, &link };
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_link_make, &make), OK);
	CHECK_INT(link.expires, fixture_now(&f) + GUARD_LINK_INVITE);
	make.user = ada;
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_link_make, &make), ERR_CONFLICT);
	make.purpose = GUARD_LINK_FOR_FIRST;
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_link_make, &make), ERR_DENIED);
	make.user = 99;
	make.purpose = GUARD_LINK_FOR_RESET;
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_link_make, &make), ERR_NOT_FOUND);
	struct guard_user_change disable = { .user = bob, .disabled = &yes };
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_user_change, &disable), OK);
	make.user = bob;
	CHECK_INT(fixture_run(&f, guard_actor(&admin), guard_decide_link_make, &make), ERR_CONFLICT);
	CHECK_INT(fixture_use_link(&f, &link, &session), ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(a_session_ends_after_thirty_days_and_after_seven_idle_ones)
{
	struct fixture f;
	struct guard_session_made session;
	struct principal p;
	fixture_open(&f, "life");
	person(&f, "ada@example.org", &session);
	time_us start = fixture_now(&f);
	clock_advance(&f.clock, GUARD_SESSION_IDLE - 1);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	clock_advance(&f.clock, 1);
	CHECK_INT(fixture_principal(&f, &session, &p), ERR_UNAUTHENTICATED);
	clock_step(&f.clock, -1);
	while (fixture_now(&f) < start + GUARD_SESSION_LIFE - 1) {
		CHECK_INT(fixture_principal(&f, &session, &p), OK);
		CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_touch, &p), OK);
		time_us left = start + GUARD_SESSION_LIFE - 1 - fixture_now(&f);
		clock_advance(&f.clock, left < 3 * TIME_DAY ? left : 3 * TIME_DAY);
	}
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	clock_advance(&f.clock, 1);
	CHECK_INT(fixture_principal(&f, &session, &p), ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(last_use_is_noted_at_most_once_a_minute_and_is_no_event)
{
	struct fixture f;
	struct guard_session_made session;
	struct principal p;
	fixture_open(&f, "touch");
	person(&f, "ada@example.org", &session);
	clock_advance(&f.clock, GUARD_TOUCH_EVERY - 1);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	CHECK(!p.touch_due);
	clock_advance(&f.clock, 1);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	CHECK(p.touch_due);
	int64_t seq = world_last_seq(f.world);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_touch, &p), OK);
	time_us noted = fixture_now(&f);
	clock_advance(&f.clock, TIME_SECOND);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_touch, &p), OK); /* a second request */
	CHECK_INT(fixture_count(&f, "SELECT max(last_seen) FROM session"), noted);
	CHECK_INT(fixture_count(&f, "SELECT max(last_seen) FROM user_seen"), noted);
	CHECK_INT(world_last_seq(f.world), seq);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	CHECK(!p.touch_due);
	fixture_close(&f);
}

TEST(signing_out_and_being_disabled_end_sessions_at_once)
{
	struct fixture f;
	struct guard_session_made one, two;
	struct guard_checked checked;
	struct principal p;
	bool yes = true, no = false;
	int64_t tried;
	fixture_open(&f, "out");
	int64_t id = person(&f, "ada@example.org", &one);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried), OK);
	CHECK_INT(sign_in(&f, &checked, &two), OK);
	CHECK_INT(fixture_principal(&f, &one, &p), OK);
	CHECK_INT(guard_principal_again(f.conn, &f.arena, &p, fixture_now(&f), &p, &f.err), OK);
	CHECK_INT(p.user, id);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_sign_out, NULL), OK);
	CHECK_INT(guard_principal_again(f.conn, &f.arena, &p, fixture_now(&f), &p, &f.err),
		  ERR_UNAUTHENTICATED);
	CHECK_INT(fixture_principal(&f, &one, &p), ERR_UNAUTHENTICATED);
	CHECK_INT(fixture_run(&f, guard_actor(&p), guard_decide_sign_out, NULL), ERR_UNAUTHENTICATED);
	CHECK_INT(fixture_principal(&f, &two, &p), OK);
	struct guard_user_change change = { .user = id, .disabled = &yes };
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &change), OK);
	CHECK_INT(fixture_principal(&f, &two, &p), ERR_UNAUTHENTICATED);
	CHECK_INT(sign_in(&f, &checked, &two), ERR_UNAUTHENTICATED);
	change.disabled = &no;
	CHECK_INT(fixture_run(&f, ACTOR_SYSTEM, guard_decide_user_change, &change), OK);
	CHECK_INT(fixture_principal(&f, &two, &p), ERR_UNAUTHENTICATED);
	fixture_close(&f);
}

TEST(nobody_has_more_sessions_than_the_limit_and_the_one_unused_for_longest_ends)
{
	struct fixture f;
	struct guard_session_made first, session;
	struct guard_checked checked;
	struct principal p;
	int64_t tried;
	fixture_open(&f, "cap");
	person(&f, "ada@example.org", &first);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried), OK);
	for (unsigned i = 0; i < GUARD_SESSIONS_MAX; i++) {
		clock_advance(&f.clock, TIME_SECOND);
		CHECK_INT(sign_in(&f, &checked, &session), OK);
	}
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM session"), GUARD_SESSIONS_MAX);
	CHECK_INT(fixture_principal(&f, &first, &p), ERR_UNAUTHENTICATED);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	clock_advance(&f.clock, GUARD_SESSION_IDLE);
	CHECK_INT(sign_in(&f, &checked, &session), OK);
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM session"), 1);
	fixture_close(&f);
}

/* ---- at once ---- */

#define RACERS 8

struct racer {
	struct fixture *f;
	struct writer *writer;
	const struct principal *principal;
	struct str hash; /* empty: by the link */
	struct guard_session_made session;
	enum err result;
};

static void *race(void *context)
{
	struct racer *r = context;
	struct error err;
	struct guard_sign_in in = { r->hash, STR("192.0.2.1"), &r->session };
	struct guard_sign_in_link by_link = { STR("192.0.2.1"), &r->session };
	struct command command = {
		.name = "race",
		.decide = r->hash.len > 0 ? guard_decide_sign_in : guard_decide_sign_in_link,
		.args = r->hash.len > 0 ? (const void *)&in : &by_link,
		.actor = guard_actor(r->principal),
	};
	r->result = writer_run(r->writer, &command, &err);
	return NULL;
}

static int run_race(struct fixture *f, const struct principal *principal, struct str hash,
		    struct racer racers[RACERS])
{
	struct error err;
	struct writer *writer;
	pthread_t threads[RACERS];
	int won = 0;
	CHECK_OK(writer_start(f->world, &writer, &err));
	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ .f = f, .writer = writer, .principal = principal, .hash = hash };
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		won += racers[i].result == OK;
	}
	writer_stop(&writer);
	return won;
}

TEST(of_many_who_press_one_link_at_once_one_gets_in)
{
	struct fixture f;
	struct guard_link_made link;
	struct principal p;
	struct racer racers[RACERS];
	struct error err;
	fixture_open(&f, "onelink");
	fixture_link(&f, fixture_user(&f, "ada@example.org", ROLE_VIEWER), &link);
	CHECK_OK(guard_principal_from_link(f.conn, &f.arena, str_of(link.token), fixture_now(&f), &p, &err));
	CHECK_INT(run_race(&f, &p, STR_NONE, racers), 1);
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM session"), 1);
	fixture_close(&f);
}

TEST(sign_ins_at_once_each_get_a_session_of_their_own)
{
	struct fixture f;
	struct guard_session_made session;
	struct guard_checked checked;
	struct principal p;
	struct racer racers[RACERS];
	int64_t tried;
	fixture_open(&f, "many");
	person(&f, "ada@example.org", &session);
	CHECK_INT(check_password(&f, "ada@example.org", FIXTURE_PASSWORD, &checked, &tried), OK);
	CHECK_INT(run_race(&f, &checked.principal, checked.hash, racers), RACERS);
	for (int i = 0; i < RACERS; i++) {
		CHECK_INT(fixture_principal(&f, &racers[i].session, &p), OK);
		for (int j = 0; j < i; j++)
			CHECK(strcmp(racers[i].session.cookie, racers[j].session.cookie) != 0);
	}
	fixture_close(&f);
}

/* ---- first start ---- */

TEST(the_first_start_makes_an_admin_and_a_link_until_a_password_is_set)
{
	struct fixture f;
	struct guard_link_made link, again;
	struct guard_session_made session;
	struct principal p;
	struct error err;
	bool made = false;
	fixture_open(&f, "first");
	CHECK_OK(guard_first_user(f.world, STR_NONE, &made, &link, &err));
	CHECK(made);
	CHECK_INT(link.expires, fixture_now(&f) + GUARD_LINK_FIRST);
	CHECK_OK(guard_first_user(f.world, STR("other@example.org"), &made, &again, &err));
	CHECK(made);
	CHECK_INT(fixture_count(&f, "SELECT count(*) FROM account"), 1);
	CHECK_INT(fixture_use_link(&f, &link, &session), ERR_UNAUTHENTICATED);
	CHECK_INT(fixture_use_link(&f, &again, &session), OK);
	CHECK_INT(fixture_principal(&f, &session, &p), OK);
	CHECK_STR(p.email, "admin@localhost");
	CHECK_INT(p.role, ROLE_ADMIN);
	CHECK_INT(fixture_set_password(&f, &p, FIXTURE_PASSWORD, STR_NONE), OK);
	CHECK_OK(guard_first_user(f.world, STR_NONE, &made, &again, &err));
	CHECK(!made);
	fixture_close(&f);
}

TEST(a_reset_link_is_made_on_the_machine_for_an_address)
{
	struct fixture f;
	struct guard_link_made link;
	struct guard_session_made session;
	struct error err;
	fixture_open(&f, "reset");
	person(&f, "ada@example.org", &session);
	CHECK_OK(guard_reset_link(f.world, STR("Ada@Example.org"), &link, &err));
	CHECK_INT(fixture_use_link(&f, &link, &session), OK);
	CHECK_ERR(guard_reset_link(f.world, STR("eve@example.org"), &link, &err), ERR_NOT_FOUND);
	CHECK_TEXT(err.text, "there is no account with the address \"eve@example.org\"");
	fixture_close(&f);
}

/* ---- HTTP texts ---- */

TEST(a_csrf_token_fits_its_own_session_alone)
{
	struct str cookie = STR("mss_aa"), other = STR("mss_ab");
	char csrf[GUARD_CSRF_BYTES], changed[GUARD_CSRF_BYTES];
	guard_csrf(cookie, csrf);
	CHECK(guard_csrf_ok(cookie, str_of(csrf)));
	CHECK(!guard_csrf_ok(other, str_of(csrf)));
	CHECK(!guard_csrf_ok(cookie, STR_NONE));
	CHECK(!guard_csrf_ok(STR_NONE, str_of(csrf)));
	CHECK(!guard_csrf_ok(cookie, str_sub(str_of(csrf), 0, 63)));
	for (size_t i = 0; i < sizeof csrf - 1; i++) {
		memcpy(changed, csrf, sizeof csrf);
		changed[i] ^= 1;
		CHECK(!guard_csrf_ok(cookie, str_of(changed)));
	}
}

TEST(the_cookie_is_written_for_http_and_https_and_found_again)
{
	cleanup_buf struct buf out;
	struct str value = STR("untouched");
	buf_init(&out, 1000);
	guard_cookie_print(STR("mss_1"), true, &out);
	CHECK_STR(buf_str(&out), "mainstay_session=mss_1; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");
	buf_reset(&out);
	guard_cookie_print_end(false, &out);
	CHECK_STR(buf_str(&out), "mainstay_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
	CHECK(!guard_cookie_find(STR("a=b; xmainstay_session=1"), &value));
	CHECK(!guard_cookie_find(STR(""), &value));
	CHECK(!guard_cookie_find(STR("mainstay_session=1; mainstay_session=2"), &value));
	CHECK_STR(value, "untouched");
	CHECK(guard_cookie_find(STR("a=b;mainstay_session=mss_1 ; c=d"), &value));
	CHECK_STR(value, "mss_1");
	CHECK(guard_bearer_find(STR("bearer  mst_1 "), &value));
	CHECK_STR(value, "mst_1");
	CHECK(!guard_bearer_find(STR("Basic abc"), &value));
	CHECK(!guard_bearer_find(STR("Bearer"), &value));
	char basic[GUARD_BASIC_BYTES];
	CHECK(guard_basic_find(STR("Basic YW55Om1zdF8x"), basic, &value)); /* any:mst_1 */
	CHECK_STR(value, "mst_1");
	CHECK(!guard_basic_find(STR("Basic YW55"), basic, &value));
	CHECK(!guard_basic_find(STR("Basic YW55Og=="), basic, &value)); /* any: */
	CHECK(!guard_basic_find(STR("Basic !"), basic, &value));
	CHECK(!guard_basic_find(STR("Bearer YW55Om1zdF8x"), basic, &value));
}

TESTS(RUN(a_person_signs_in_with_the_password_and_is_who_they_are),
      RUN(unknown_wrong_disabled_and_passwordless_get_the_same_answer),
      RUN(an_unknown_address_costs_as_much_as_a_wrong_password),
      RUN(a_weak_password_is_refused_with_a_reason),
      RUN(a_password_that_changed_after_it_was_verified_does_not_let_in),
      RUN(setting_a_password_needs_the_current_one_and_ends_other_sessions_and_links),
      RUN(a_session_by_link_sets_a_forgotten_password_within_an_hour_and_once),
      RUN(a_link_works_once_and_until_it_expires_and_a_newer_one_takes_its_place),
      RUN(links_have_rules_of_their_purpose),
      RUN(a_session_ends_after_thirty_days_and_after_seven_idle_ones),
      RUN(last_use_is_noted_at_most_once_a_minute_and_is_no_event),
      RUN(signing_out_and_being_disabled_end_sessions_at_once),
      RUN(nobody_has_more_sessions_than_the_limit_and_the_one_unused_for_longest_ends),
      RUN(of_many_who_press_one_link_at_once_one_gets_in),
      RUN(sign_ins_at_once_each_get_a_session_of_their_own),
      RUN(the_first_start_makes_an_admin_and_a_link_until_a_password_is_set),
      RUN(a_reset_link_is_made_on_the_machine_for_an_address),
      RUN(a_csrf_token_fits_its_own_session_alone),
      RUN(the_cookie_is_written_for_http_and_https_and_found_again))
