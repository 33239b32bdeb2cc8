/* guard_token.c: API tokens: scoped, with an end, shown once. See guard.h. */
#include <assert.h>

#include "guard/guard_store.h"

struct token_work {
	unsigned char hash[GUARD_HASH_BYTES];
	int64_t token;
};

static enum err token_store(struct store_conn *conn, const void *args, struct error *err)
{
	const struct token_work *work = args;
	return guard_store_token_secret_put(conn, work->hash, work->token, err);
}

static enum err invalid(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

/* A stolen token must not make itself a longer life. */
static enum err may_make(const struct principal *p, const struct guard_token_create *create,
			 struct error *err)
{
	if (p->by == PRINCIPAL_SESSION)
		return OK;
	if (p->by != PRINCIPAL_TOKEN || p->scope != SCOPE_ADMIN) {
		error_set(err, ERR_DENIED, "a token of this scope cannot make tokens");
		error_hint(err, "sign in, or use a token with the scope \"admin\"");
		return ERR_DENIED;
	}
	if (create->expires > p->expires)
		return invalid(err, "expires_at", "a token made by a token cannot outlive it");
	return OK;
}

static enum err check_create(struct decision *d, const struct guard_token_create *create,
			     struct str *ret_name, struct error *err)
{
	int64_t count;
	enum err r = guard_name_clean(create->name, "token", ret_name, err);
	if (r != OK)
		return r;
	if (guard_scope_name(create->scope) == NULL)
		return invalid(err, "scope", "a scope is read, act, manage or admin");
	if (create->expires <= d->now)
		return invalid(err, "expires_at", "a token must end in the future");
	if (create->expires > d->now + GUARD_TOKEN_LIFE_MAX)
		return invalid(err, "expires_at", "a token lives 366 days at most");
	r = guard_store_token_count(d->conn, d->actor.user, d->now, &count, err);
	if (r == OK && count >= GUARD_TOKENS_MAX) {
		error_set(err, ERR_LIMIT, "nobody has more than %u tokens", GUARD_TOKENS_MAX);
		error_hint(err, "revoke one that is no longer used");
		return ERR_LIMIT;
	}
	return r;
}

enum err guard_decide_token_create(struct decision *d, const void *args, struct error *err)
{
	const struct guard_token_create *create = args;
	const struct principal *p = guard_principal_of(d);
	struct str name;
	assert(p != NULL);
	enum err r = may_make(p, create, err);
	if (r == OK)
		r = check_create(d, create, &name, err);
	if (r != OK)
		return r;
	struct guard_token_made made = { .id = decision_new_id(d, "token") };
	struct token_work *work = arena_new(d->arena, struct token_work);
	guard_secret_make(d->random, GUARD_SECRET_TOKEN, made.token);
	bool whole = guard_secret_hash(GUARD_SECRET_TOKEN, str_of(made.token), work->hash);
	assert(whole);
	work->token = made.id;
	struct event_token_created created = {
		.token = made.id,
		.user = p->user,
		.name = arena_str(d->arena, name),
		.scope = str_of(guard_scope_name(create->scope)),
		.expires = create->expires,
	};
	decision_emit(d, EVENT_TOKEN_CREATED, p->user, &created);
	decision_work(d, token_store, work);
	*create->ret = made;
	return OK;
}

enum err guard_decide_token_revoke(struct decision *d, const void *args, struct error *err)
{
	const struct guard_token_revoke *revoke = args;
	struct guard_token token;
	enum err r = guard_store_token(d->conn, revoke->token, &token, err);
	if (r != OK)
		return r;
	if (token.revoked && token.user == d->actor.user)
		return OK; /* a repeat */
	decision_emit(d, EVENT_TOKEN_REVOKED, token.user,
		      &(struct event_token_revoked){ .token = token.id, .user = token.user });
	return OK;
}

enum err guard_apply_token_created(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_token_created *e = event->payload;
	struct guard_token token = {
		.id = e->token,
		.user = e->user,
		.name = e->name,
		.scope = SCOPE_READ, /* a word of a later version gives the least */
		.created = event->event_time,
		.expires = e->expires,
	};
	guard_scope_parse(e->scope, &token.scope);
	return guard_store_token_put(a->conn, &token, event->seq, err);
}

enum err guard_apply_token_revoked(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_token_revoked *e = event->payload;
	return guard_store_token_revoke(a->conn, e->token, event->seq, err);
}

static enum err refused(struct error *err, const char *text)
{
	error_set(err, ERR_UNAUTHENTICATED, "%s", text);
	error_hint(err, "make a new token: Settings, Tokens");
	return ERR_UNAUTHENTICATED;
}

enum err guard_principal_from_token(struct store_conn *conn, struct arena *arena, struct str bearer,
				    time_us now, struct principal *ret_principal, struct error *err)
{
	unsigned char hash[GUARD_HASH_BYTES];
	if (!guard_secret_hash(GUARD_SECRET_TOKEN, bearer, hash))
		return refused(err, "this is not a token of Mainstay");
	return guard_principal_by_token(conn, arena, hash, now, ret_principal, err);
}

enum err guard_principal_by_token(struct store_conn *conn, struct arena *arena,
				  const unsigned char *hash, time_us now,
				  struct principal *ret_principal, struct error *err)
{
	struct principal p = { .by = PRINCIPAL_TOKEN };
	struct guard_token token;
	memcpy(p.hash, hash, sizeof p.hash);
	enum err r = guard_store_token_by_hash(conn, p.hash, &token, err);
	if (r == ERR_NOT_FOUND)
		return refused(err, "this token is not known here");
	if (r != OK)
		return r;
	if (token.revoked)
		return refused(err, "this token was revoked");
	if (now >= token.expires)
		return refused(err, "this token has expired");
	r = guard_store_principal(conn, arena, token.user, now, &p, err);
	if (r == ERR_NOT_FOUND)
		return refused(err, "the account of this token is disabled");
	if (r != OK)
		return r;
	p.scope = token.scope;
	p.token = token.id;
	p.expires = token.expires;
	p.touch_due = now - token.last_used >= GUARD_TOUCH_EVERY;
	*ret_principal = p;
	return OK;
}
