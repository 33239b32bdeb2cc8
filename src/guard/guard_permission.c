/*
 * guard_permission.c: who may cause what. One table, one rule, read by the journal's door, by
 * handlers and by docs/permissions.md.
 *
 * To add a permission: 1. a constant in principal.h; 2. a row in `permissions`; 3. write
 * docs/permissions.md anew (its test says how). To add a role: the same, and a bit in each row.
 */
#include <assert.h>
#include <stdio.h>

#include "guard/guard_store.h"

#define IS(role) (1u << (role))
#define EVERYBODY                                                                            \
	(IS(ROLE_VIEWER) | IS(ROLE_RESPONDER) | IS(ROLE_MANAGER) | IS(ROLE_ADMIN) | \
	 IS(ROLE_AUDITOR))

static const struct permission_row {
	const char *name;
	unsigned roles;
	enum scope least; /* of a token; SCOPE_COUNT: never */
	const char *about;
} permissions[PERMISSION_COUNT] = {
	[PERMISSION_READ] = { "read", EVERYBODY, SCOPE_READ, "Read what one may see." },
	[PERMISSION_RESPOND] = { "respond", IS(ROLE_RESPONDER) | IS(ROLE_MANAGER) | IS(ROLE_ADMIN),
				 SCOPE_ACT, "Act on incidents, checks, mutes and the on-call." },
	[PERMISSION_SAMPLES] = { "samples", IS(ROLE_RESPONDER) | IS(ROLE_MANAGER) | IS(ROLE_ADMIN), SCOPE_ACT,
				 "Send samples of time series, and have targets looked at by /probe." },
	[PERMISSION_MANAGE] = { "manage", IS(ROLE_MANAGER) | IS(ROLE_ADMIN), SCOPE_MANAGE,
				"Change definitions: services, checks, schedules, teams." },
	[PERMISSION_ADMIN] = { "admin", IS(ROLE_ADMIN), SCOPE_ADMIN, "Change people and settings." },
	[PERMISSION_AUDIT] = { "audit", IS(ROLE_AUDITOR), SCOPE_ADMIN,
			       "Open what is private, for a reason and a time." },
	[PERMISSION_SELF] = { "self", EVERYBODY, SCOPE_ACT, "Change what is one's own." },
	[PERMISSION_SYSTEM] = { "system", 0, SCOPE_COUNT, "Mainstay itself; never a person." },
};

/* Who could do these for somebody else could be somebody else, so not even an admin can; and a token
 * that could do them all would outlive its own end. */
static const struct own_row {
	enum event_kind kind;
	enum scope least; /* of a token; SCOPE_COUNT: never */
} only_own[] = {
	{ EVENT_USER_PROFILE_CHANGED, SCOPE_ACT },
	{ EVENT_USER_PASSWORD_SET, SCOPE_COUNT },
	{ EVENT_USER_SIGNED_IN, SCOPE_COUNT },
	{ EVENT_TOKEN_CREATED, SCOPE_ADMIN },
};

/* ---- names ---- */

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_VIEWER] = "viewer", [ROLE_RESPONDER] = "responder", [ROLE_MANAGER] = "manager",
	[ROLE_ADMIN] = "admin",   [ROLE_AUDITOR] = "auditor",
};
static const char *const scope_names[SCOPE_COUNT] = {
	[SCOPE_READ] = "read",
	[SCOPE_ACT] = "act",
	[SCOPE_MANAGE] = "manage",
	[SCOPE_ADMIN] = "admin",
};

static bool index_of(const char *const *names, int count, struct str text, int *ret_index)
{
	for (int i = 0; i < count; i++) {
		if (names[i] != NULL && str_is(text, names[i])) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

const char *guard_role_name(enum role role)
{
	return (unsigned)role < ROLE_COUNT ? role_names[role] : NULL;
}

bool guard_role_parse(struct str text, enum role *ret_role)
{
	int i;
	if (!index_of(role_names, ROLE_COUNT, text, &i))
		return false;
	*ret_role = (enum role)i;
	return true;
}

const char *guard_scope_name(enum scope scope)
{
	return (unsigned)scope < SCOPE_COUNT ? scope_names[scope] : NULL;
}

bool guard_scope_parse(struct str text, enum scope *ret_scope)
{
	int i;
	if (!index_of(scope_names, SCOPE_COUNT, text, &i))
		return false;
	*ret_scope = (enum scope)i;
	return true;
}

const char *guard_permission_name(enum permission permission)
{
	return (unsigned)permission < PERMISSION_COUNT ? permissions[permission].name : NULL;
}

bool guard_permission_parse(struct str text, enum permission *ret_permission)
{
	for (int i = 0; i < PERMISSION_COUNT; i++) {
		if (str_is(text, permissions[i].name)) {
			*ret_permission = (enum permission)i;
			return true;
		}
	}
	return false;
}

/* ---- may they ---- */

static bool on_the_way_in(const struct principal *p)
{
	return p->by != PRINCIPAL_SESSION && p->by != PRINCIPAL_TOKEN;
}

static bool role_has(enum role role, enum permission permission)
{
	return role > ROLE_NONE && role < ROLE_COUNT && (permissions[permission].roles & IS(role)) != 0;
}

static bool scope_has(enum scope scope, enum permission permission)
{
	return scope > SCOPE_NONE && scope < SCOPE_COUNT && scope >= permissions[permission].least;
}

bool guard_may(const struct principal *p, enum permission permission)
{
	assert((unsigned)permission < PERMISSION_COUNT);
	if (p == NULL || p->user <= 0 || on_the_way_in(p))
		return false;
	return role_has(p->role, permission) && scope_has(p->scope, permission);
}

/* What would help: another role, or another token. */
static enum err denied(const struct principal *p, enum permission permission, struct error *err)
{
	const struct permission_row *row = &permissions[permission];
	error_set(err, ERR_DENIED, "this needs the permission \"%s\", which \"" STR_FMT "\" does not have",
		  row->name, STR_ARG(p->name));
	if (row->roles == 0)
		error_hint(err, "only Mainstay itself does this");
	else if (!role_has(p->role, permission))
		error_hint(err, "an admin can give a role that has it; see docs/permissions.md");
	else
		error_hint(err, "use a token with the scope \"%s\"", scope_names[row->least]);
	return ERR_DENIED;
}

enum err guard_need(const struct principal *p, enum permission permission, struct error *err)
{
	if (p == NULL) {
		error_set(err, ERR_UNAUTHENTICATED, "nobody is signed in");
		error_hint(err, "sign in, or send a token as \"Authorization: Bearer ...\"");
		return ERR_UNAUTHENTICATED;
	}
	return guard_may(p, permission) ? OK : denied(p, permission, err);
}

static const struct own_row *own_row_of(enum event_kind kind)
{
	for (size_t i = 0; i < sizeof only_own / sizeof only_own[0]; i++) {
		if (only_own[i].kind == kind)
			return &only_own[i];
	}
	return NULL;
}

/* The one rule. own: the event is about the principal. */
static bool may_cause(const struct principal *p, enum event_kind kind, bool own)
{
	enum permission needs;
	const struct own_row *row = own_row_of(kind);
	if (!guard_permission_parse(str_of(event_kinds[kind].needs), &needs))
		return false;
	if (on_the_way_in(p))
		return kind == EVENT_USER_SIGNED_IN && own && role_has(p->role, needs);
	if (kind == EVENT_USER_SIGNED_IN)
		return false; /* a session or a token does not make another session */
	if (row != NULL && p->by == PRINCIPAL_TOKEN && p->scope < row->least)
		return false;
	if (needs == PERMISSION_SELF && !own)
		return row == NULL && guard_may(p, PERMISSION_ADMIN);
	return guard_may(p, needs);
}

/* Whose thing a "self" event is about: its field `user`. */
static int64_t owner_of(enum event_kind kind, int64_t subject, const void *payload)
{
	const struct event_kind_info *info = &event_kinds[kind];
	for (size_t i = 0; i < info->field_count; i++) {
		int64_t user;
		if (strcmp(info->fields[i].name, "user") != 0)
			continue;
		assert(info->fields[i].type == EVENT_FIELD_ID);
		memcpy(&user, (const char *)payload + info->fields[i].offset, sizeof user);
		return user;
	}
	return subject;
}

/* ---- the door ---- */

static enum err gone(struct error *err, const char *text)
{
	error_set(err, ERR_UNAUTHENTICATED, "%s", text);
	error_hint(err, "sign in again");
	return ERR_UNAUTHENTICATED;
}

/* Between reading the request and deciding, the session may have ended, the token been revoked. */
static enum err still_stands(struct store_conn *conn, struct principal *p, struct error *err)
{
	struct guard_session_row session;
	struct guard_token token = { .revoked = false };
	enum err r = guard_store_role(conn, p->user, &p->role, err);
	if (r == OK && p->by == PRINCIPAL_SESSION)
		r = guard_store_session(conn, p->hash, &session, err);
	if (r == OK && p->by == PRINCIPAL_TOKEN)
		r = guard_store_token(conn, p->token, &token, err);
	if (r == ERR_NOT_FOUND)
		return gone(err, "the session has ended");
	if (r == OK && token.revoked)
		return gone(err, "this token was revoked");
	if (r == OK && p->role == ROLE_NONE)
		return gone(err, "this account is disabled");
	return r;
}

enum err guard_authorise(void *context, struct store_conn *conn, const struct actor *actor,
			 enum event_kind kind, int64_t subject, const void *payload, struct error *err)
{
	(void)context;
	enum permission needs = PERMISSION_SYSTEM;
	assert(kind < EVENT_KIND_COUNT);
	if (actor->user == 0)
		return OK;
	if (actor->principal == NULL)
		return gone(err, "nobody is signed in");
	struct principal p = *(const struct principal *)actor->principal;
	assert(p.user == actor->user);
	enum err r = still_stands(conn, &p, err);
	if (r != OK)
		return r;
	if (may_cause(&p, kind, owner_of(kind, subject, payload) == actor->user))
		return OK;
	guard_permission_parse(str_of(event_kinds[kind].needs), &needs);
	if (needs != PERMISSION_SELF || !guard_may(&p, PERMISSION_SELF))
		return denied(&p, needs, err);
	error_set(err, ERR_DENIED, "this can be done by the person it is about%s",
		  own_row_of(kind) != NULL ? " alone" : ", or by an admin");
	error_hint(err, "%s", p.by == PRINCIPAL_TOKEN ? "sign in; this token may not" : "ask them");
	return ERR_DENIED;
}

/* ---- the manual ---- */

static const char *cell(enum role role, enum scope scope, enum event_kind kind)
{
	struct principal p = { .user = 1, .role = role, .scope = scope, .by = PRINCIPAL_SESSION };
	if (kind == EVENT_USER_SIGNED_IN)
		return scope == SCOPE_COUNT ? "own" : "-";
	if (scope == SCOPE_COUNT)
		p.scope = SCOPE_ADMIN;
	else
		p.by = PRINCIPAL_TOKEN;
	bool own = may_cause(&p, kind, true), others = may_cause(&p, kind, false);
	return own && others ? "yes" : own ? "own" : "-";
}

static void print_permissions(struct buf *out)
{
	buf_adds(out, "| permission | means | roles | token scope, at least |\n|---|---|---|---|\n");
	for (int i = 0; i < PERMISSION_COUNT; i++) {
		const struct permission_row *row = &permissions[i];
		buf_printf(out, "| %s | %s | ", row->name, row->about);
		const char *between = "";
		for (int role = ROLE_NONE + 1; role < ROLE_COUNT; role++) {
			if (!role_has((enum role)role, (enum permission)i))
				continue;
			buf_printf(out, "%s%s", between, role_names[role]);
			between = ", ";
		}
		buf_printf(out, "%s | %s |\n", row->roles == 0 ? "none" : "",
			   row->least < SCOPE_COUNT ? scope_names[row->least] : "never");
	}
}

static void print_row(struct buf *out, enum event_kind kind)
{
	buf_printf(out, "| %s | %s |", event_kinds[kind].name, event_kinds[kind].needs);
	for (int role = ROLE_NONE + 1; role < ROLE_COUNT; role++)
		buf_printf(out, " %s |", cell((enum role)role, SCOPE_COUNT, kind));
	for (int scope = SCOPE_NONE + 1; scope < SCOPE_COUNT; scope++)
		buf_printf(out, " %s |", cell(ROLE_ADMIN, (enum scope)scope, kind));
	buf_addc(out, '\n');
}

void guard_permissions_print(struct buf *out)
{
	buf_adds(out, "# Permissions\n\n"
		      "Every change in Mainstay is an event, and every kind of event needs one permission. "
		      "This page is made\nfrom the code that enforces them; a test fails when the two "
		      "differ.\n\n");
	print_permissions(out);
	buf_adds(out, "\nA token carries what both its owner's role and its scope allow. A role that "
		      "changed, an account that was\ndisabled and a token that was revoked count at "
		      "once, also for what was already under way.\n\n## Who may cause which event\n\n"
		      "*own*: only about oneself. The last four columns are an admin's tokens by "
		      "scope.\n\n| event | needs |");
	for (int role = ROLE_NONE + 1; role < ROLE_COUNT; role++)
		buf_printf(out, " %s |", role_names[role]);
	for (int scope = SCOPE_NONE + 1; scope < SCOPE_COUNT; scope++)
		buf_printf(out, " token: %s |", scope_names[scope]);
	buf_adds(out, "\n|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
		print_row(out, (enum event_kind)kind);
}
