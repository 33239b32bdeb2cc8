/* guard_fixture.h: a world with this room in it, for the room's tests. */
#pragma once

#include <unistd.h>

#include "base/check.h"
#include "guard/guard.h"
#include "journal/journal.h"
#include "journal/writer.h"
#include "store/test_store.h"

extern apply_fn journal_apply_clock_stepped, journal_apply_timer_parked;

static const struct wire_apply fixture_applies[] = {
	{ EVENT_DEFINITION_PUT, guard_apply_definition_put },
	{ EVENT_DEFINITION_DELETED, guard_apply_definition_deleted },
	{ EVENT_USER_CREATED, guard_apply_user_created },
	{ EVENT_USER_CHANGED, guard_apply_user_changed },
	{ EVENT_USER_PROFILE_CHANGED, guard_apply_user_profile_changed },
	{ EVENT_USER_PASSWORD_SET, guard_apply_user_password_set },
	{ EVENT_TOKEN_CREATED, guard_apply_token_created },
	{ EVENT_TOKEN_REVOKED, guard_apply_token_revoked },
	{ EVENT_AUDIT_OPENED, guard_apply_audit_opened },
	{ EVENT_CLOCK_STEPPED, journal_apply_clock_stepped },
	{ EVENT_TIMER_PARKED, journal_apply_timer_parked },
	{ 0 },
};
static const struct wire_now fixture_nows[] = { { 0 } };
static const struct wire_after fixture_afters[] = { { 0 } };
static const struct wire_timer fixture_timers[] = { { 0 } };
static const struct store_table *fixture_tables[32];
static const struct wiring fixture_wiring = { fixture_tables, fixture_applies, fixture_nows,
					      fixture_afters, fixture_timers };

#define FIXTURE_PASSWORD STR("correct horse battery")

struct fixture {
	char path[64];
	struct store *store;
	struct clock clock;
	struct random random;
	struct world *world;
	struct store_conn *conn; /* a reader's */
	struct arena arena;
	struct error err; /* of the last command */
};

static inline void fixture_open(struct fixture *f, const char *name)
{
	struct error err;
	size_t count = 0;
	time_us start;
	for (const struct store_table *const *t = journal_tables; *t != NULL; t++)
		fixture_tables[count++] = *t;
	for (const struct store_table *const *t = guard_tables; *t != NULL; t++)
		fixture_tables[count++] = *t;
	snprintf(f->path, sizeof f->path, "/tmp/mainstay-test-%d-%s", (int)getpid(), name);
	CHECK(time_parse(STR("2026-03-08T02:00:00Z"), &start));
	clock_manual(&f->clock, start);
	random_seeded(&f->random, 7);
	arena_init(&f->arena, 0);
	test_store_open(f->path, &f->store);
	struct world_options options = {
		.name = "test",
		.store = f->store,
		.clock = &f->clock,
		.random = &f->random,
		.wiring = &fixture_wiring,
		.authorise = guard_authorise,
	};
	CHECK_OK(world_open(&options, &f->world, &err));
	CHECK_OK(store_connect(f->store, true, &f->conn, &err));
}

static inline void fixture_close(struct fixture *f)
{
	store_disconnect(&f->conn);
	world_close(&f->world);
	store_close(&f->store);
	arena_finish(&f->arena);
	unlink(f->path);
}

static inline time_us fixture_now(struct fixture *f)
{
	return clock_wall(&f->clock);
}

static inline enum err fixture_run(struct fixture *f, struct actor actor, decide_fn *decide,
				   const void *args)
{
	struct command command = { .name = "test", .decide = decide, .args = args, .actor = actor };
	struct command *batch[] = { &command };
	world_run(f->world, batch, 1);
	f->err = command.error;
	return command.result;
}

static inline int64_t fixture_count(struct fixture *f, const char *sql)
{
	struct error err;
	int64_t count;
	CHECK_OK(store_one_int(f->conn, sql, STORE_NO_VALUES, 0, &count, &err));
	return count;
}

static inline int64_t fixture_user(struct fixture *f, const char *email, enum role role)
{
	int64_t id = 0;
	struct guard_user_create create = { str_of(email), STR("Somebody"), role, &id };
	CHECK_INT(fixture_run(f, ACTOR_SYSTEM, guard_decide_user_create, &create), OK);
	return id;
}

static inline void fixture_link(struct fixture *f, int64_t user, struct guard_link_made *ret_link)
{
	struct guard_link_make make = { user, GUARD_LINK_FOR_RESET, ret_link };
	CHECK_INT(fixture_run(f, ACTOR_SYSTEM, guard_decide_link_make, &make), OK);
}

static inline enum err fixture_use_link(struct fixture *f, const struct guard_link_made *link,
					struct guard_session_made *ret_session)
{
	struct principal p;
	struct guard_sign_in_link in = { STR("192.0.2.1"), ret_session };
	enum err r = guard_principal_from_link(f->conn, &f->arena, str_of(link->token), fixture_now(f),
					       &p, &f->err);
	return r == OK ? fixture_run(f, guard_actor(&p), guard_decide_sign_in_link, &in) : r;
}

static inline enum err fixture_principal(struct fixture *f, const struct guard_session_made *session,
					 struct principal *ret_principal)
{
	return guard_principal_from_session(f->conn, &f->arena, str_of(session->cookie),
					    fixture_now(f), ret_principal, &f->err);
}

/* Signed in by a link. */
static inline void fixture_sign_in(struct fixture *f, int64_t user, struct principal *ret_principal)
{
	struct guard_link_made link;
	struct guard_session_made session;
	fixture_link(f, user, &link);
	CHECK_INT(fixture_use_link(f, &link, &session), OK);
	CHECK_INT(fixture_principal(f, &session, ret_principal), OK);
}

static inline enum err fixture_set_password(struct fixture *f, const struct principal *p,
					    struct str password, struct str verified)
{
	struct error err;
	struct guard_password_set set = { .hash_verified = verified };
	CHECK_OK(guard_password_hash(password, p->email, &f->arena, &set.hash, &err));
	return fixture_run(f, guard_actor(p), guard_decide_password_set, &set);
}
