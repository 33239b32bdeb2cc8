/*
 * principal.h: who acts, what they may do and what they may see.
 *
 * A principal is read anew for every request, so a changed role, a disabled account or a revoked
 * token counts from the next request on; and guard_authorise asks once more inside the transaction
 * of each command, so it counts for what was already waiting, too.
 *
 * Two questions, two answers: a *permission* says what kinds of event somebody may cause (one row
 * of guard_permission.c), *visibility* says which incidents they know of. Both fail closed: an
 * unknown role, scope, permission or visibility is nobody's.
 *
 * Owns: texts of a principal live in the arena it was read into. Runs on: any thread.
 */
#pragma once

#include "base/buf.h"
#include "journal/world.h"

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_RESPONDER, ROLE_MANAGER, ROLE_ADMIN, ROLE_AUDITOR, ROLE_COUNT };

/* How much of its owner's permissions a token carries; each holds the ones before it. */
enum scope { SCOPE_NONE, SCOPE_READ, SCOPE_ACT, SCOPE_MANAGE, SCOPE_ADMIN, SCOPE_COUNT };

enum permission {
	PERMISSION_READ,
	PERMISSION_RESPOND,
	PERMISSION_SAMPLES,
	PERMISSION_MANAGE,
	PERMISSION_ADMIN,
	PERMISSION_AUDIT,
	PERMISSION_SELF,   /* about oneself; admins for others, but see guard_permission.c */
	PERMISSION_SYSTEM, /* never a person */
	PERMISSION_COUNT
};

/* Name in files, events and the API; NULL or false for what is not one. */
const char *guard_role_name(enum role role);
bool guard_role_parse(struct str text, enum role *ret_role);
const char *guard_scope_name(enum scope scope);
bool guard_scope_parse(struct str text, enum scope *ret_scope);
const char *guard_permission_name(enum permission permission);
bool guard_permission_parse(struct str text, enum permission *ret_permission);

/* How somebody showed who they are. The last two are on their way in: they may only sign in. */
enum principal_by { PRINCIPAL_SESSION, PRINCIPAL_TOKEN, PRINCIPAL_PASSWORD, PRINCIPAL_LINK };

#define GUARD_TEAMS_MAX 64u /* of one person; in more teams, the first 64 by name count */
#define GUARD_HASH_BYTES 32u

struct principal {
	int64_t user; /* > 0 */
	struct str email, name;
	enum role role;
	enum scope scope; /* of a session SCOPE_ADMIN: all that the role allows */
	enum principal_by by;
	unsigned char hash[GUARD_HASH_BYTES]; /* of the session's, token's or link's secret */
	int64_t token;     /* 0 unless by token */
	time_us expires;   /* by token: when it ends */
	time_us since;     /* by session: when it began */
	bool by_link;      /* the session began with a one-time link and no password was set since */
	bool has_password;
	bool touch_due;    /* last use was noted over a minute ago: submit guard_decide_touch */
	bool audit_open;   /* an auditor who opened what is private (audit.opened) */
	struct str teams[GUARD_TEAMS_MAX]; /* by name */
	size_t team_count;
};

/* For handlers that only read, and to grey out what would be refused. PERMISSION_SELF: about oneself. */
bool guard_may(const struct principal *principal, enum permission permission);
/* The same as an error with a hint: ERR_DENIED. */
enum err guard_need(const struct principal *principal, enum permission permission, struct error *err);

/* The journal's door (authorise_fn): reads role, account, session and token again inside the
 * transaction and enforces `needs` of the kind. ERR_UNAUTHENTICATED or ERR_DENIED. */
enum err guard_authorise(void *context, struct store_conn *conn, const struct actor *actor,
			 enum event_kind kind, int64_t subject, const void *payload, struct error *err);

/* Makes docs/permissions.md: who may cause which kind of event. */
void guard_permissions_print(struct buf *out);

/* ---- visibility ------------------------------------------------------------------------------ */

/*
 *	everyone  anybody who is signed in
 *	team      members of the team, people who take part, admins, auditors
 *	          (who takes part is said in oncall/paging.h: declared it, took it, or was named for it)
 *	private   people who take part; auditors while audit.opened holds. Not admins: who
 *	          administers accounts does not thereby read what was closed to them. An admin can make
 *	          somebody auditor, and that is an event everybody can read.
 */

#define GUARD_SQL_BYTES 1024u

struct guard_sql {
	char text[GUARD_SQL_BYTES]; /* one condition in parentheses */
	struct store_value values[GUARD_TEAMS_MAX + 1]; /* for its `?`, in order; borrow the principal */
	size_t count;
};

/* The one predicate of every list query, over the columns `visibility` and `team` of `prefix`
 * ("i"; NULL: no prefix). `takes_part` is a condition with exactly one `?` for the user's id, from
 * the room's own constant text ("i.opened_by = ?"); NULL: nobody takes part. */
void guard_visible(const struct principal *principal, const char *prefix, const char *takes_part,
		   struct guard_sql *ret_sql);

/* The same for one thing in hand: event streams, single reads, decisions. */
bool guard_sees(const struct principal *principal, struct str visibility, struct str team,
		bool takes_part);
