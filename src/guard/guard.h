/*
 * guard.h: people, teams, sign-in, tokens.
 *
 * Commands are decide functions with an args struct each; submit them to the writer with
 * `actor = guard_actor(&principal)`. Secrets are made here, shown once through `ret`, and kept as
 * SHA-256 in the vault. `ret` is filled in while deciding: it counts only when the command is OK.
 *
 * Hashing a password takes 15 ms and 19 MiB: guard_password_check and guard_password_hash run on the
 * heavy queue before the command, never on the writer. What was verified goes into the command, and
 * the decision compares it with what is stored by then.
 *
 * Wiring (src/main/wiring.c): `guard_tables`; applies
 *	{ EVENT_DEFINITION_PUT,       guard_apply_definition_put }
 *	{ EVENT_DEFINITION_DELETED,   guard_apply_definition_deleted }
 *	{ EVENT_USER_CREATED,         guard_apply_user_created }
 *	{ EVENT_USER_CHANGED,         guard_apply_user_changed }
 *	{ EVENT_USER_PROFILE_CHANGED, guard_apply_user_profile_changed }
 *	{ EVENT_USER_PASSWORD_SET,    guard_apply_user_password_set }
 *	{ EVENT_TOKEN_CREATED,        guard_apply_token_created }
 *	{ EVENT_TOKEN_REVOKED,        guard_apply_token_revoked }
 *	{ EVENT_AUDIT_OPENED,         guard_apply_audit_opened }
 * and `.authorise = guard_authorise` of the production world.
 */
#pragma once

#include "guard/principal.h"

extern const struct store_table *const guard_tables[]; /* NULL-terminated */

apply_fn guard_apply_definition_put, guard_apply_definition_deleted, guard_apply_user_created,
	guard_apply_user_changed, guard_apply_user_profile_changed, guard_apply_user_password_set,
	guard_apply_token_created, guard_apply_token_revoked, guard_apply_audit_opened;

/* The principal is borrowed until the command is done. */
static inline struct actor guard_actor(const struct principal *principal)
{
	return (struct actor){ .user = principal->user, .principal = principal };
}

/* ---- secrets --------------------------------------------------------------------------------- */

/* "mss_", "mst_" (token), "msl_" (link) or "msb_" (address of a heartbeat) and 64 hexadecimal digits: 256 random bits that scanners
 * for leaked secrets can recognise. */
#define GUARD_SECRET_BYTES 69 /* with NUL */
#define GUARD_CSRF_BYTES 65

/* For the room that keeps addresses of heartbeats: a fresh secret, and the hash by which it is known. */
void guard_beat_make(struct random *random, char ret_secret[GUARD_SECRET_BYTES]);
bool guard_beat_hash(struct str secret, unsigned char ret_hash[GUARD_HASH_BYTES]);

/* For the room that takes events of other programs: 32 hexadecimal digits, as the contract wants them. */
#define GUARD_ROUTING_BYTES 33 /* with NUL */
void guard_routing_make(struct random *random, char ret_key[GUARD_ROUTING_BYTES]);
bool guard_routing_hash(struct str key, unsigned char ret_hash[GUARD_HASH_BYTES]); /* false: no such key can be */

struct guard_session_made {
	char cookie[GUARD_SECRET_BYTES];
	char csrf[GUARD_CSRF_BYTES];
	bool needs_password; /* ask for a new one now: there is none, or it was forgotten */
};

struct guard_link_made {
	char token[GUARD_SECRET_BYTES];
	time_us expires;
};

struct guard_token_made {
	int64_t id;
	char token[GUARD_SECRET_BYTES];
};

/* ---- limits ---------------------------------------------------------------------------------- */

#define GUARD_EMAIL_BYTES_MAX 254u
#define GUARD_NAME_BYTES_MAX 400u /* 100 characters */
#define GUARD_PASSWORD_CHARACTERS_MIN 10u
#define GUARD_PASSWORD_BYTES_MAX 1024u
#define GUARD_USERS_MAX 10000u
#define GUARD_SESSIONS_MAX 50u /* of one person; the one unused for longest ends */
#define GUARD_TOKENS_MAX 100u  /* of one person, not counting what was revoked or is over */
#define GUARD_SESSION_LIFE (30 * TIME_DAY)
#define GUARD_SESSION_IDLE (7 * TIME_DAY)
#define GUARD_SESSION_LINK_GRACE TIME_HOUR /* in which a session by link sets a password */
#define GUARD_TOUCH_EVERY TIME_MINUTE
#define GUARD_TOKEN_LIFE_MAX (366 * TIME_DAY)
#define GUARD_LINK_FIRST TIME_DAY
#define GUARD_LINK_INVITE (7 * TIME_DAY)
#define GUARD_LINK_RESET TIME_HOUR
#define GUARD_AUDIT_MAX (8 * TIME_HOUR)

/* ---- people ---------------------------------------------------------------------------------- */

/* Event user.created. ERR_INVALID (field), ERR_CONFLICT: the address is taken. */
struct guard_user_create {
	struct str email, name;
	enum role role;
	int64_t *ret_user;
};
decide_fn guard_decide_user_create;

/* What is NULL stays. One's own name and zone need no admin (user.profile_changed); all else does
 * (user.changed). Disabling ends sessions and links in the same transaction. ERR_CONFLICT: it would
 * leave no admin. ERR_PRECONDITION: `revision` is not the current one (0: any). */
struct guard_user_change {
	int64_t user, revision;
	const struct str *email, *name, *time_zone;
	const enum role *role;
	const bool *disabled;
};
decide_fn guard_decide_user_change;

/* An auditor reads what is private from now on for `duration` (at most GUARD_AUDIT_MAX). */
struct guard_audit_open {
	struct str reason;
	time_us duration;
};
decide_fn guard_decide_audit_open;

/* ---- sign-in --------------------------------------------------------------------------------- */

enum guard_link_purpose { GUARD_LINK_FOR_FIRST, GUARD_LINK_FOR_INVITE, GUARD_LINK_FOR_RESET };

/* A new link ends the earlier ones of the same person. */
struct guard_link_make {
	int64_t user;
	enum guard_link_purpose purpose;
	struct guard_link_made *ret;
};
decide_fn guard_decide_link_make;

/* What guard_password_check found. */
struct guard_checked {
	struct principal principal; /* by password; for guard_actor */
	struct str hash;            /* the one that was verified */
};

/* On the heavy queue; conn is a reader's. ERR_UNAUTHENTICATED says and costs the same for an unknown
 * address, a wrong password, a disabled account and one without password. `tried`, set in any
 * case, is whom user.sign_in_failed is about: 0 for nobody. */
enum err guard_password_check(struct store_conn *conn, struct arena *arena, struct str email,
			      struct str password, struct guard_checked *ret_checked,
			      int64_t *tried, struct error *err);

struct guard_sign_in {
	struct str hash;    /* of guard_checked */
	struct str address; /* network address, for people to recognise */
	struct guard_session_made *ret;
};
decide_fn guard_decide_sign_in;

/* The actor is ACTOR_SYSTEM: nobody has shown who they are. */
struct guard_sign_in_failed {
	int64_t user;
	struct str address;
};
decide_fn guard_decide_sign_in_failed;

enum err guard_principal_from_link(struct store_conn *conn, struct arena *arena, struct str token,
				   time_us now, struct principal *ret_principal, struct error *err);
/* Uses the link up; of several at once one wins, the others get ERR_UNAUTHENTICATED. */
struct guard_sign_in_link {
	struct str address;
	struct guard_session_made *ret;
};
decide_fn guard_decide_sign_in_link;

decide_fn guard_decide_sign_out; /* args NULL: ends the actor's session */

/* On the heavy queue: checks that the password is good enough and hashes it. ERR_INVALID. */
enum err guard_password_hash(struct str password, struct str email, struct arena *arena,
			     struct str *ret_hash, struct error *err);

/* Needs a session. `hash_verified` is what guard_password_check of the current password gave; empty
 * is enough while there is no password, and within an hour of a sign-in by link. Ends the person's
 * other sessions and links. */
struct guard_password_set {
	struct str hash;
	struct str hash_verified;
};
decide_fn guard_decide_password_set;

/* ---- tokens ---------------------------------------------------------------------------------- */

/* Needs a session, or a token of scope admin (and gives no longer life than its own). */
struct guard_token_create {
	struct str name;
	enum scope scope;
	time_us expires;
	struct guard_token_made *ret;
};
decide_fn guard_decide_token_create;

struct guard_token_revoke {
	int64_t token;
};
decide_fn guard_decide_token_revoke;

/* ---- who is it ------------------------------------------------------------------------------- */

/* ERR_UNAUTHENTICATED with a hint. Read on any connection, also one that reads as of earlier:
 * permission is today's. */
enum err guard_principal_from_session(struct store_conn *conn, struct arena *arena, struct str cookie,
				      time_us now, struct principal *ret_principal, struct error *err);
enum err guard_principal_from_token(struct store_conn *conn, struct arena *arena, struct str bearer,
				    time_us now, struct principal *ret_principal, struct error *err);

/* The same person by the same session or token, as of now: for what stays open, like an event stream,
 * at least once a minute. ERR_UNAUTHENTICATED: close it. May read into the principal it was given. */
enum err guard_principal_again(struct store_conn *conn, struct arena *arena,
			       const struct principal *principal, time_us now,
			       struct principal *ret_principal, struct error *err);

/* When principal.touch_due: notes that it was used now. args: the principal. Writes no event. */
decide_fn guard_decide_touch;

/* ---- for HTTP -------------------------------------------------------------------------------- */

#define GUARD_COOKIE_NAME "mainstay_session"

/* The value for Set-Cookie. `https`: the public URL is https, so the cookie never travels without. */
void guard_cookie_print(struct str value, bool https, struct buf *out);
void guard_cookie_print_end(bool https, struct buf *out); /* makes the browser forget it */
/* The session's value in a Cookie header. False when it is not there, or there twice. */
bool guard_cookie_find(struct str header, struct str *ret_value);
/* The token in an Authorization header "Bearer ...". */
bool guard_bearer_find(struct str header, struct str *ret_token);
/* The same of "Basic NAME:TOKEN", for clients that know no other; NAME may be anything. */
#define GUARD_BASIC_BYTES 512u
bool guard_basic_find(struct str header, char out[GUARD_BASIC_BYTES], struct str *ret_token);

/* The session's CSRF token follows from its cookie (HMAC-SHA-256), so nothing more is stored. */
void guard_csrf(struct str cookie, char ret_csrf[GUARD_CSRF_BYTES]);
bool guard_csrf_ok(struct str cookie, struct str given); /* in constant time */

/* ---- first start, and with the server down --------------------------------------------------- */

/* When no admin can sign in with a password: makes the first person (email may be empty:
 * "admin@localhost") unless there is one, and a link to print. ret_made false: not needed, `ret_link`
 * untouched. On the world's thread. */
enum err guard_first_user(struct world *world, struct str email, bool *ret_made,
			  struct guard_link_made *ret_link, struct error *err);

/* `mainstay user reset-link EMAIL`. ERR_NOT_FOUND; ERR_CONFLICT: the account is disabled. */
enum err guard_reset_link(struct world *world, struct str email, struct guard_link_made *ret_link,
			  struct error *err);

/* ---- reading --------------------------------------------------------------------------------- */

struct guard_user {
	int64_t id;
	struct str email, name, time_zone;
	enum role role;
	bool disabled, has_password;
	time_us created;
	time_us last_seen; /* TIME_NONE: never; today's also as of earlier */
	int64_t revision;  /* seq of the event that made it so */
};

/* Honour store_as_of. ERR_NOT_FOUND. */
enum err guard_user_by_id(struct store_conn *conn, struct arena *arena, int64_t id,
			  struct guard_user *ret_user, struct error *err);
enum err guard_user_by_email(struct store_conn *conn, struct arena *arena, struct str email,
			     struct guard_user *ret_user, struct error *err);

/* People by id, after `after_id`, at most `limit` (1..1000). ret_users lives in the arena. */
enum err guard_users(struct store_conn *conn, struct arena *arena, int64_t after_id, unsigned limit,
		     struct guard_user **ret_users, size_t *ret_count, struct error *err);

/* Names of the teams somebody is in, by name. */
enum err guard_user_teams(struct store_conn *conn, struct arena *arena, struct str email,
			  struct str **ret_teams, size_t *ret_count, struct error *err);

#define GUARD_TEAM_MEMBERS_MAX 1000u

struct guard_member {
	struct str email;
	int64_t user; /* 0: nobody with this address yet, or the account is disabled */
	bool manager;
};

/* By e-mail address; none for a team that does not exist. */
enum err guard_team_members(struct store_conn *conn, struct arena *arena, struct str team,
			    struct guard_member **ret_members, size_t *ret_count, struct error *err);

struct guard_token {
	int64_t id, user;
	struct str name;
	enum scope scope;
	time_us created, expires;
	time_us last_used; /* TIME_NONE: never */
	bool revoked;
};

/* Those of one person, or of all (user 0), newest first, at most `limit` (1..1000), with an id below
 * `before_id` (0: from the newest). */
enum err guard_tokens(struct store_conn *conn, struct arena *arena, int64_t user, int64_t before_id,
		      unsigned limit, struct guard_token **ret_tokens, size_t *ret_count,
		      struct error *err);
