/*
 * guard_link.c: one-time links (first sign-in, invitation, forgotten password), and the two commands
 * that need nobody signed in because they need the machine: the first start and reset-link.
 */
#include <assert.h>

#include "guard/guard_store.h"

static const struct link_kind {
	const char *name;
	time_us life;
} link_kinds[] = {
	[GUARD_LINK_FOR_FIRST] = { "first", GUARD_LINK_FIRST },
	[GUARD_LINK_FOR_INVITE] = { "invite", GUARD_LINK_INVITE },
	[GUARD_LINK_FOR_RESET] = { "reset", GUARD_LINK_RESET },
};

struct link_work {
	struct guard_link_row row;
	time_us now;
};

static enum err link_store(struct store_conn *conn, const void *args, struct error *err)
{
	const struct link_work *work = args;
	enum err r = guard_store_links_end(conn, work->row.user, work->now, err);
	return r == OK ? guard_store_link_put(conn, &work->row, err) : r;
}

static void emit_link(struct decision *d, int64_t user, enum guard_link_purpose purpose,
		      struct guard_link_made *ret_made)
{
	assert(user > 0);
	assert(purpose <= GUARD_LINK_FOR_RESET);
	struct guard_link_made made = { .expires = d->now + link_kinds[purpose].life };
	struct link_work *work = arena_new(d->arena, struct link_work);
	guard_secret_make(d->random, GUARD_SECRET_LINK, made.token);
	bool whole = guard_secret_hash(GUARD_SECRET_LINK, str_of(made.token), work->row.hash);
	assert(whole);
	work->row.user = user;
	work->row.purpose = purpose;
	work->row.expires = made.expires;
	work->now = d->now;
	struct event_user_link_made event = {
		.user = user,
		.purpose = str_of(link_kinds[purpose].name),
		.expires = made.expires,
	};
	decision_emit(d, EVENT_USER_LINK_MADE, user, &event);
	decision_work(d, link_store, work);
	*ret_made = made;
}

enum err guard_decide_link_make(struct decision *d, const void *args, struct error *err)
{
	const struct guard_link_make *make = args;
	struct guard_user user;
	if (make->purpose == GUARD_LINK_FOR_FIRST && d->actor.user != 0)
		return error_set(err, ERR_DENIED, "the first link is made by the server alone");
	enum err r = guard_user_by_id(d->conn, d->arena, make->user, &user, err);
	if (r != OK)
		return r;
	if (user.disabled) {
		error_set(err, ERR_CONFLICT, "this account is disabled, so no link would let anybody in");
		error_hint(err, "enable the account first");
		return ERR_CONFLICT;
	}
	if (make->purpose == GUARD_LINK_FOR_INVITE && user.has_password) {
		error_set(err, ERR_CONFLICT, "this person has accepted an invitation already");
		error_hint(err, "make a reset link if the password is forgotten");
		return ERR_CONFLICT;
	}
	emit_link(d, make->user, make->purpose, make->ret);
	return OK;
}

/* ---- on the machine ---- */

static enum err run_one(struct world *world, struct command *command, struct error *err)
{
	struct command *batch[] = { command };
	world_run(world, batch, 1);
	if (command->result != OK && err != NULL)
		*err = command->error;
	return command->result;
}

struct first {
	struct str email;
	bool *made;
	struct guard_link_made *link;
};

/* Whoever was made admin but never set a password gets the link again at the next start. */
static enum err decide_first(struct decision *d, const void *args, struct error *err)
{
	const struct first *first = args;
	int64_t count, admin = 0;
	enum err r = guard_store_admins(d->conn, 0, true, &count, err);
	if (r != OK || count > 0)
		return r;
	r = guard_store_first_admin(d->conn, &admin, err);
	if (r == OK && admin == 0) {
		struct guard_user_create create = {
			.email = first->email.len > 0 ? first->email : STR("admin@localhost"),
			.name = STR("Admin"),
			.role = ROLE_ADMIN,
			.ret_user = &admin,
		};
		r = guard_decide_user_create(d, &create, err);
	}
	if (r != OK)
		return r;
	emit_link(d, admin, GUARD_LINK_FOR_FIRST, first->link);
	*first->made = true;
	return OK;
}

enum err guard_first_user(struct world *world, struct str email, bool *ret_made,
			  struct guard_link_made *ret_link, struct error *err)
{
	bool made = false;
	struct guard_link_made link;
	struct first first = { email, &made, &link };
	struct command command = { .name = "guard_first_user", .decide = decide_first, .args = &first };
	enum err r = run_one(world, &command, err);
	if (r != OK)
		return r;
	*ret_made = made;
	if (made)
		*ret_link = link;
	return OK;
}

struct reset {
	struct str email;
	struct guard_link_made *link;
};

static enum err decide_reset(struct decision *d, const void *args, struct error *err)
{
	const struct reset *reset = args;
	struct guard_user user;
	enum err r = guard_user_by_email(d->conn, d->arena, reset->email, &user, err);
	if (r == ERR_NOT_FOUND)
		error_set(err, r, "there is no account with the address \"" STR_FMT "\"",
			  STR_ARG(str_sub(reset->email, 0, GUARD_EMAIL_BYTES_MAX)));
	if (r != OK)
		return r;
	struct guard_link_make make = { user.id, GUARD_LINK_FOR_RESET, reset->link };
	return guard_decide_link_make(d, &make, err);
}

enum err guard_reset_link(struct world *world, struct str email, struct guard_link_made *ret_link,
			  struct error *err)
{
	struct guard_link_made link;
	struct reset reset = { email, &link };
	struct command command = { .name = "guard_reset_link", .decide = decide_reset, .args = &reset };
	enum err r = run_one(world, &command, err);
	if (r == OK)
		*ret_link = link;
	return r;
}
