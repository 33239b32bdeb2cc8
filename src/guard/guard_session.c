/* guard_session.c: sign-in by password or link, sessions, sign-out. See guard.h. */
#include <assert.h>

#include "guard/guard_store.h"

#define ADDRESS_BYTES_MAX 64u

static enum err not_signed_in(struct error *err, const char *why)
{
	error_set(err, ERR_UNAUTHENTICATED, "%s", why);
	error_hint(err, "sign in again");
	return ERR_UNAUTHENTICATED;
}

/* ---- beginning one ---- */

struct session_work {
	struct guard_session_row row;
	bool by_link;
	unsigned char link[GUARD_HASH_BYTES];
};

static enum err session_store(struct store_conn *conn, const void *args, struct error *err)
{
	const struct session_work *work = args;
	time_us now = work->row.created;
	enum err r = OK;
	if (work->by_link)
		r = guard_store_link_use(conn, work->link, now, err);
	if (r == OK)
		r = guard_store_sessions_trim(conn, work->row.user, now, err);
	if (r == OK)
		r = guard_store_session_put(conn, &work->row, err);
	if (r == OK)
		r = guard_store_user_touch(conn, work->row.user, now, err);
	return r;
}

static void session_start(struct decision *d, bool by_link, struct str address,
			  struct guard_session_made *ret_made)
{
	const struct principal *p = guard_principal_of(d);
	struct session_work *work = arena_new(d->arena, struct session_work);
	struct guard_session_made made = { .needs_password = by_link };
	guard_secret_make(d->random, GUARD_SECRET_SESSION, made.cookie);
	guard_csrf(str_of(made.cookie), made.csrf);
	bool whole = guard_secret_hash(GUARD_SECRET_SESSION, str_of(made.cookie), work->row.hash);
	assert(whole);
	address = arena_str(d->arena, str_sub(address, 0, ADDRESS_BYTES_MAX));
	work->row.user = p->user;
	work->row.by_link = work->by_link = by_link;
	work->row.created = work->row.last_seen = d->now;
	work->row.address = address;
	memcpy(work->link, p->hash, sizeof work->link);
	struct event_user_signed_in signed_in = {
		.user = p->user,
		.via = by_link ? STR("link") : STR("password"),
		.address = address,
	};
	decision_emit(d, EVENT_USER_SIGNED_IN, p->user, &signed_in);
	decision_work(d, session_store, work);
	*ret_made = made;
}

/* The account may have changed since the password was verified, or the link looked at. */
static enum err still_welcome(struct decision *d, struct error *err)
{
	enum role role;
	enum err r = guard_store_role(d->conn, d->actor.user, &role, err);
	if (r == OK && role == ROLE_NONE)
		return not_signed_in(err, "this account may not sign in");
	return r;
}

enum err guard_decide_sign_in(struct decision *d, const void *args, struct error *err)
{
	const struct guard_sign_in *in = args;
	const struct principal *p = guard_principal_of(d);
	struct str stored;
	assert(p != NULL);
	assert(p->by == PRINCIPAL_PASSWORD);
	enum err r = still_welcome(d, err);
	if (r == OK)
		r = guard_store_password(d->conn, d->arena, p->user, &stored, err);
	if (r != OK)
		return r;
	if (in->hash.len == 0 || !str_eq(stored, in->hash))
		return not_signed_in(err, "the password was changed just now");
	session_start(d, false, in->address, in->ret);
	return OK;
}

enum err guard_decide_sign_in_failed(struct decision *d, const void *args, struct error *err)
{
	(void)err;
	const struct guard_sign_in_failed *failed = args;
	struct event_user_sign_in_failed event = {
		.user = failed->user,
		.address = arena_str(d->arena, str_sub(failed->address, 0, ADDRESS_BYTES_MAX)),
	};
	decision_emit(d, EVENT_USER_SIGN_IN_FAILED, failed->user, &event);
	return OK;
}

/* ---- by a one-time link ---- */

static enum err link_refused(struct error *err, const char *why)
{
	error_set(err, ERR_UNAUTHENTICATED, "%s", why);
	error_hint(err, "ask an admin for a new link; on the server \"mainstay user reset-link EMAIL\" "
			"makes one");
	return ERR_UNAUTHENTICATED;
}

static enum err link_read(struct store_conn *conn, const unsigned char *hash, time_us now,
			  struct guard_link_row *ret_link, struct error *err)
{
	enum err r = guard_store_link(conn, hash, ret_link, err);
	if (r == ERR_NOT_FOUND)
		return link_refused(err, "this link is not valid, or a newer one took its place");
	if (r != OK)
		return r;
	if (ret_link->used != TIME_NONE)
		return link_refused(err, "this link was used before, and works once only");
	if (now >= ret_link->expires)
		return link_refused(err, "this link has expired");
	return OK;
}

enum err guard_principal_from_link(struct store_conn *conn, struct arena *arena, struct str token,
				   time_us now, struct principal *ret_principal, struct error *err)
{
	struct principal p = { .by = PRINCIPAL_LINK, .scope = SCOPE_ADMIN };
	struct guard_link_row link;
	if (!guard_secret_hash(GUARD_SECRET_LINK, token, p.hash))
		return link_refused(err, "this link is not whole");
	enum err r = link_read(conn, p.hash, now, &link, err);
	if (r == OK)
		r = guard_store_principal(conn, arena, link.user, now, &p, err);
	if (r == ERR_NOT_FOUND)
		return link_refused(err, "this account may not sign in");
	if (r == OK)
		*ret_principal = p;
	return r;
}

enum err guard_decide_sign_in_link(struct decision *d, const void *args, struct error *err)
{
	const struct guard_sign_in_link *in = args;
	const struct principal *p = guard_principal_of(d);
	struct guard_link_row link;
	assert(p != NULL);
	assert(p->by == PRINCIPAL_LINK);
	enum err r = link_read(d->conn, p->hash, d->now, &link, err);
	if (r == OK)
		r = still_welcome(d, err);
	if (r != OK)
		return r;
	assert(link.user == p->user);
	session_start(d, true, in->address, in->ret);
	return OK;
}

/* ---- ending one ---- */

static enum err session_end(struct store_conn *conn, const void *args, struct error *err)
{
	return guard_store_session_end(conn, args, err);
}

enum err guard_decide_sign_out(struct decision *d, const void *args, struct error *err)
{
	(void)args;
	const struct principal *p = guard_principal_of(d);
	if (p == NULL || p->by != PRINCIPAL_SESSION)
		return error_set(err, ERR_DENIED, "only a session can be signed out; revoke the token");
	decision_emit(d, EVENT_USER_SIGNED_OUT, p->user,
		      &(struct event_user_signed_out){ .user = p->user });
	unsigned char *hash = arena_alloc(d->arena, GUARD_HASH_BYTES);
	memcpy(hash, p->hash, GUARD_HASH_BYTES);
	decision_work(d, session_end, hash);
	return OK;
}

/* ---- every request ---- */

static enum err by_session(struct store_conn *conn, struct arena *arena, const unsigned char *hash,
			   time_us now, struct principal *ret_principal, struct error *err)
{
	struct principal p = { .by = PRINCIPAL_SESSION, .scope = SCOPE_ADMIN };
	struct guard_session_row session;
	memcpy(p.hash, hash, sizeof p.hash);
	enum err r = guard_store_session(conn, p.hash, &session, err);
	if (r == ERR_NOT_FOUND)
		return not_signed_in(err, "the session has ended");
	if (r != OK)
		return r;
	if (now >= session.created + GUARD_SESSION_LIFE || now >= session.last_seen + GUARD_SESSION_IDLE)
		return not_signed_in(err, "the session has expired");
	r = guard_store_principal(conn, arena, session.user, now, &p, err);
	if (r == ERR_NOT_FOUND)
		return not_signed_in(err, "this account may not sign in");
	if (r != OK)
		return r;
	p.since = session.created;
	p.by_link = session.by_link;
	p.touch_due = now - session.last_seen >= GUARD_TOUCH_EVERY;
	*ret_principal = p;
	return OK;
}

enum err guard_principal_from_session(struct store_conn *conn, struct arena *arena, struct str cookie,
				      time_us now, struct principal *ret_principal, struct error *err)
{
	unsigned char hash[GUARD_HASH_BYTES];
	if (!guard_secret_hash(GUARD_SECRET_SESSION, cookie, hash))
		return not_signed_in(err, "nobody is signed in");
	return by_session(conn, arena, hash, now, ret_principal, err);
}

enum err guard_principal_again(struct store_conn *conn, struct arena *arena,
			       const struct principal *principal, time_us now,
			       struct principal *ret_principal, struct error *err)
{
	switch (principal->by) {
	case PRINCIPAL_SESSION:
		return by_session(conn, arena, principal->hash, now, ret_principal, err);
	case PRINCIPAL_TOKEN:
		return guard_principal_by_token(conn, arena, principal->hash, now, ret_principal, err);
	default:
		return not_signed_in(err, "nobody is signed in");
	}
}

/* ---- last use ---- */

struct touch_work {
	int64_t user, token;
	unsigned char session[GUARD_HASH_BYTES];
	time_us now;
};

static enum err touch_store(struct store_conn *conn, const void *args, struct error *err)
{
	const struct touch_work *work = args;
	enum err r = work->token != 0
			     ? guard_store_token_touch(conn, work->token, work->now, err)
			     : guard_store_session_touch(conn, work->session, work->now, err);
	return r == OK ? guard_store_user_touch(conn, work->user, work->now, err) : r;
}

/* Many requests may have found it due at once: the first one writes. */
static enum err touch_last(struct decision *d, const struct principal *p, time_us *ret_last,
			   struct error *err)
{
	if (p->by == PRINCIPAL_TOKEN)
		return guard_store_token_last_used(d->conn, p->token, ret_last, err);
	struct guard_session_row session;
	enum err r = guard_store_session(d->conn, p->hash, &session, err);
	if (r == OK)
		*ret_last = session.last_seen;
	return r;
}

enum err guard_decide_touch(struct decision *d, const void *args, struct error *err)
{
	const struct principal *p = args;
	time_us last = TIME_NONE;
	if (p->by != PRINCIPAL_TOKEN && p->by != PRINCIPAL_SESSION)
		return OK;
	enum err r = touch_last(d, p, &last, err);
	if (r == ERR_NOT_FOUND)
		return OK; /* signed out meanwhile */
	if (r != OK || d->now - last < GUARD_TOUCH_EVERY)
		return r;
	struct touch_work *work = arena_new(d->arena, struct touch_work);
	*work = (struct touch_work){ .user = p->user, .token = p->token, .now = d->now };
	memcpy(work->session, p->hash, sizeof work->session);
	decision_work(d, touch_store, work);
	return OK;
}
