/*
 * guard_password.c: what is a good enough password, hashing, verifying. See guard.h.
 *
 * argon2id (RFC 9106) by libsodium with 19 MiB and two passes, the least that OWASP recommends; the
 * stored text names its own parameters, so they can be raised without asking anybody to sign in anew.
 */
#include <assert.h>
#include <sodium.h>

#include "guard/guard_store.h"

#define MEMORY_BYTES (19u << 20)
#define PASSES 2u
#define DISTINCT_CHARACTERS_MIN 4

/* Verified where there is no hash, so that an unknown address takes as long as a wrong password.
 * Nobody knows its password; guard_password_check refuses even then. */
static const char dummy_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$NG2zDQaU6PkrAfgF/ykzjw"
				 "$BiBZiEAXMuQLhoBqfhgMW1mbVdixN+P7xk7JdfDd1XI";

static unsigned distinct_bytes(struct str text)
{
	bool seen[256] = { 0 };
	unsigned count = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		count += !seen[c];
		seen[c] = true;
	}
	return count;
}

static enum err weak(struct error *err, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_hint(err, "use %u characters or more; a few words you can remember are best",
		   GUARD_PASSWORD_CHARACTERS_MIN);
	error_field(err, "password");
	return ERR_INVALID;
}

static enum err check_strength(struct str password, struct str email, struct error *err)
{
	char lower[GUARD_EMAIL_BUFFER];
	if (password.len > GUARD_PASSWORD_BYTES_MAX)
		return weak(err, "the password is longer than 1024 bytes");
	if (!str_is_utf8(password))
		return weak(err, "the password is not UTF-8");
	if (guard_characters(password) < GUARD_PASSWORD_CHARACTERS_MIN)
		return weak(err, "the password is too short");
	if (distinct_bytes(password) < DISTINCT_CHARACTERS_MIN)
		return weak(err, "the password repeats too few characters");
	if (guard_email_clean(password, lower) && str_eq(str_of(lower), email))
		return weak(err, "the password is the e-mail address");
	return OK;
}

enum err guard_password_hash(struct str password, struct str email, struct arena *arena,
			     struct str *ret_hash, struct error *err)
{
	enum err r = check_strength(password, email, err);
	if (r != OK)
		return r;
	char text[crypto_pwhash_STRBYTES];
	if (crypto_pwhash_str_alg(text, password.ptr, password.len, PASSES, MEMORY_BYTES,
				  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return error_set(err, ERR_UNAVAILABLE, "could not hash the password: no memory");
	*ret_hash = arena_str(arena, str_of(text));
	return OK;
}

static bool verify(struct str hash, struct str password)
{
	char text[crypto_pwhash_STRBYTES] = { 0 };
	if (hash.len >= sizeof text)
		return false;
	memcpy(text, hash.ptr, hash.len);
	return crypto_pwhash_str_verify(text, password.len > 0 ? password.ptr : "", password.len) == 0;
}

static enum err wrong(struct error *err)
{
	error_set(err, ERR_UNAUTHENTICATED, "the e-mail address or the password is wrong");
	error_hint(err, "an admin can make a link to set a new password; on the server "
			"\"mainstay user reset-link EMAIL\" does");
	return ERR_UNAUTHENTICATED;
}

enum err guard_password_check(struct store_conn *conn, struct arena *arena, struct str email,
			      struct str password, struct guard_checked *ret_checked,
			      int64_t *tried, struct error *err)
{
	char clean[GUARD_EMAIL_BUFFER] = "";
	int64_t user = 0;
	struct str hash = STR_NONE;
	*tried = 0;
	guard_email_clean(email, clean); /* what is no address is looked for as "": nobody */
	enum err r = guard_store_password_of(conn, arena, str_of(clean), &user, &hash, err);
	if (r != OK)
		return r;
	*tried = user;
	bool too_long = password.len > GUARD_PASSWORD_BYTES_MAX; /* hashing it all would be a gift */
	password = str_sub(password, 0, GUARD_PASSWORD_BYTES_MAX);
	bool right = verify(hash.len > 0 ? hash : str_of(dummy_hash), password);
	if (!right || too_long || hash.len == 0)
		return wrong(err);
	struct guard_checked checked = { .hash = hash };
	r = guard_store_principal(conn, arena, user, TIME_NONE, &checked.principal, err);
	if (r != OK)
		return r == ERR_NOT_FOUND ? wrong(err) : r; /* the account is disabled */
	checked.principal.by = PRINCIPAL_PASSWORD;
	checked.principal.scope = SCOPE_ADMIN;
	*ret_checked = checked;
	return OK;
}

/* ---- setting one ---- */

struct password_work {
	int64_t user;
	struct str hash;
	const unsigned char *session;
	time_us now;
};

static enum err password_store(struct store_conn *conn, const void *args, struct error *err)
{
	const struct password_work *work = args;
	enum err r = guard_store_password_put(conn, work->user, work->hash, err);
	if (r == OK)
		r = guard_store_sessions_end(conn, work->user, work->session, err);
	if (r == OK)
		r = guard_store_session_settled(conn, work->session, err);
	if (r == OK)
		r = guard_store_links_end(conn, work->user, work->now, err);
	return r;
}

static enum err current_needed(struct error *err)
{
	error_set(err, ERR_DENIED, "the current password is needed to set a new one");
	error_hint(err, "if it is forgotten, ask an admin for a reset link");
	error_field(err, "current");
	return ERR_DENIED;
}

enum err guard_decide_password_set(struct decision *d, const void *args, struct error *err)
{
	const struct guard_password_set *set = args;
	const struct principal *p = guard_principal_of(d);
	struct guard_session_row session;
	struct str stored;
	assert(set->hash.len > 0);
	if (p == NULL || p->by != PRINCIPAL_SESSION)
		return error_set(err, ERR_DENIED, "a password is set by whoever is signed in, not by a token");
	enum err r = guard_store_session(d->conn, p->hash, &session, err);
	if (r == ERR_NOT_FOUND)
		return error_set(err, ERR_UNAUTHENTICATED, "the session has ended");
	if (r == OK)
		r = guard_store_password(d->conn, d->arena, p->user, &stored, err);
	if (r != OK)
		return r;
	bool fresh_link = session.by_link && d->now < session.created + GUARD_SESSION_LINK_GRACE;
	if (stored.len > 0 && !fresh_link && !str_eq(stored, set->hash_verified))
		return current_needed(err);
	decision_emit(d, EVENT_USER_PASSWORD_SET, p->user,
		      &(struct event_user_password_set){ .user = p->user });
	struct password_work *work = arena_new(d->arena, struct password_work);
	*work = (struct password_work){ p->user, arena_str(d->arena, set->hash), p->hash, d->now };
	decision_work(d, password_store, work);
	return OK;
}

enum err guard_apply_user_password_set(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_user_password_set *e = event->payload;
	return guard_store_user_has_password(a->conn, event->seq, e->user, err);
}
