/* guard_store.h: the room's rows. SQL stands in guard_*store.c alone. For this room only. */
#pragma once

#include "guard/guard_priv.h"

extern const struct store_table guard_account_table, guard_user_seen_table, guard_audit_table,
	guard_password_table, guard_link_table, guard_session_table, guard_token_table,
	guard_token_secret_table, guard_token_use_table, guard_team_table, guard_member_table;

#define HASH(bytes) STORE_BYTES(((struct str){ (const char *)(bytes), GUARD_HASH_BYTES }))

static inline enum err guard_no_such(struct error *err, const char *what)
{
	return error_set(err, ERR_NOT_FOUND, "there is no such %s", what);
}

/* ---- reading ---- */

enum err guard_store_user_id(struct store_conn *conn, struct str email, int64_t *ret_id,
			     struct error *err); /* 0: nobody */
enum err guard_store_user_count(struct store_conn *conn, int64_t *ret_count, struct error *err);
/* Admins that are not disabled, without this one; `with_password`: only those who have one. */
enum err guard_store_admins(struct store_conn *conn, int64_t but, bool with_password,
			    int64_t *ret_count, struct error *err);
enum err guard_store_first_admin(struct store_conn *conn, int64_t *ret_id, struct error *err);

/* Fills in who somebody is today: account, teams, audit. ERR_NOT_FOUND, also when disabled. */
enum err guard_store_principal(struct store_conn *conn, struct arena *arena, int64_t user,
			       time_us now, struct principal *principal, struct error *err);
/* What a door asks inside the transaction: ROLE_NONE when there is no such account or it is disabled. */
enum err guard_store_role(struct store_conn *conn, int64_t user, enum role *ret_role,
			  struct error *err);

struct guard_session_row {
	unsigned char hash[GUARD_HASH_BYTES];
	int64_t user;
	bool by_link;
	time_us created, last_seen;
	struct str address;
};

enum err guard_store_session(struct store_conn *conn, const unsigned char *hash,
			     struct guard_session_row *ret_row, struct error *err); /* no address */

struct guard_link_row {
	unsigned char hash[GUARD_HASH_BYTES];
	int64_t user;
	enum guard_link_purpose purpose;
	time_us expires;
	time_us used; /* TIME_NONE: not yet */
};

enum err guard_store_link(struct store_conn *conn, const unsigned char *hash,
			  struct guard_link_row *ret_row, struct error *err);

/* The stored argon2id text; empty when there is none. `ret_user` 0: no such account. */
enum err guard_store_password_of(struct store_conn *conn, struct arena *arena, struct str email,
				 int64_t *ret_user, struct str *ret_hash, struct error *err);
enum err guard_store_password(struct store_conn *conn, struct arena *arena, int64_t user,
			      struct str *ret_hash, struct error *err);

enum err guard_store_token_by_hash(struct store_conn *conn, const unsigned char *hash,
				   struct guard_token *ret_token, struct error *err); /* no name */
enum err guard_store_token(struct store_conn *conn, int64_t id, struct guard_token *ret_token,
			   struct error *err); /* no name */
enum err guard_store_token_count(struct store_conn *conn, int64_t user, time_us now,
				 int64_t *ret_count, struct error *err);

/* ---- projections, written by apply ---- */

enum err guard_store_user_put(struct store_conn *conn, int64_t seq, const struct guard_user *user,
			      struct error *err);
enum err guard_store_user_has_password(struct store_conn *conn, int64_t seq, int64_t user,
				       struct error *err);
enum err guard_store_token_put(struct store_conn *conn, const struct guard_token *token,
			       int64_t seq, struct error *err);
enum err guard_store_token_revoke(struct store_conn *conn, int64_t id, int64_t seq, struct error *err);
enum err guard_store_audit_put(struct store_conn *conn, int64_t user, time_us until, struct str reason,
			       struct error *err);
enum err guard_store_team_put(struct store_conn *conn, int64_t seq, struct str team,
			      struct str display, struct error *err);
enum err guard_store_team_remove(struct store_conn *conn, int64_t seq, struct str team,
				 struct error *err);
enum err guard_store_member_put(struct store_conn *conn, int64_t seq, struct str team,
				struct str email, bool manager, struct error *err);
enum err guard_store_member_remove(struct store_conn *conn, int64_t seq, struct str team,
				   struct str email, struct error *err);

/* ---- vault and work, written by decision_work ---- */

enum err guard_store_password_put(struct store_conn *conn, int64_t user, struct str hash,
				  struct error *err);
enum err guard_store_link_put(struct store_conn *conn, const struct guard_link_row *row,
			      struct error *err);
enum err guard_store_link_use(struct store_conn *conn, const unsigned char *hash, time_us at,
			      struct error *err);
enum err guard_store_links_end(struct store_conn *conn, int64_t user, time_us now, struct error *err);
enum err guard_store_token_secret_put(struct store_conn *conn, const unsigned char *hash,
				      int64_t token, struct error *err);
enum err guard_store_session_put(struct store_conn *conn, const struct guard_session_row *row,
				 struct error *err);
enum err guard_store_session_end(struct store_conn *conn, const unsigned char *hash,
				 struct error *err);
/* All of a person, but for one (NULL: none is spared). */
enum err guard_store_sessions_end(struct store_conn *conn, int64_t user, const unsigned char *but,
				  struct error *err);
/* Those that are over, of anybody, and the oldest of this person beyond the limit less one. */
enum err guard_store_sessions_trim(struct store_conn *conn, int64_t user, time_us now,
				   struct error *err);
enum err guard_store_session_settled(struct store_conn *conn, const unsigned char *hash,
				     struct error *err); /* it is no longer one by link */
enum err guard_store_session_touch(struct store_conn *conn, const unsigned char *hash, time_us now,
				   struct error *err);
enum err guard_store_token_touch(struct store_conn *conn, int64_t token, time_us now,
				 struct error *err);
enum err guard_store_token_last_used(struct store_conn *conn, int64_t token, time_us *ret_at,
				     struct error *err);
enum err guard_store_user_touch(struct store_conn *conn, int64_t user, time_us now,
				struct error *err);
