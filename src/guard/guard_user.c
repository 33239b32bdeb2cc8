/* guard_user.c: accounts: made, changed, invited; the first one. See guard.h. */
#include <assert.h>

#include "guard/guard_store.h"

#define NAME_CHARACTERS_MAX 100u
#define ZONE_BYTES_MAX 64u
#define REASON_CHARACTERS_MAX 500u

/* ---- what people type ---- */

bool guard_is_printable(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return str_is_utf8(text);
}

size_t guard_characters(struct str utf8)
{
	size_t count = 0;
	for (size_t i = 0; i < utf8.len; i++)
		count += ((unsigned char)utf8.ptr[i] & 0xC0) != 0x80;
	return count;
}

/* Only what cannot be an address is refused (RFC 5321 allows more than mail servers do); "admin@localhost"
 * is one. ASCII letters are lowered, so that one person is not two. */
bool guard_email_clean(struct str text, char ret_email[GUARD_EMAIL_BUFFER])
{
	char email[GUARD_EMAIL_BUFFER];
	size_t at = 0, ats = 0;
	text = str_trim(text);
	if (text.len < 3 || text.len > GUARD_EMAIL_BYTES_MAX || !guard_is_printable(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (memchr(" <>()[]:;,\"\\", c, 11) != NULL)
			return false;
		if (c == '@')
			at = i, ats++;
		email[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	if (ats != 1 || at == 0 || at == text.len - 1)
		return false;
	memcpy(ret_email, email, text.len);
	ret_email[text.len] = '\0';
	return true;
}

static enum err invalid(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

enum err guard_name_clean(struct str text, const char *what, struct str *ret_name, struct error *err)
{
	text = str_trim(text);
	if (text.len == 0 || text.len > GUARD_NAME_BYTES_MAX || !guard_is_printable(text) ||
	    guard_characters(text) > NAME_CHARACTERS_MAX) {
		error_set(err, ERR_INVALID, "a %s has a name of 1 to %u printable characters", what,
			  NAME_CHARACTERS_MAX);
		error_field(err, "name");
		return ERR_INVALID;
	}
	*ret_name = text;
	return OK;
}

/* The shape only; whether the zone exists is for whoever shows times in it. */
static bool is_zone(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    memchr("/_+-", c, 4) == NULL)
			return false;
	}
	return text.len <= ZONE_BYTES_MAX;
}

/* An address that is valid and belongs to nobody but `owner`. */
static enum err email_free(struct decision *d, struct str text, int64_t owner, struct str *ret_email,
			   struct error *err)
{
	char clean[GUARD_EMAIL_BUFFER];
	int64_t taken;
	if (!guard_email_clean(text, clean))
		return invalid(err, "email", "this is not an e-mail address");
	enum err r = guard_store_user_id(d->conn, str_of(clean), &taken, err);
	if (r != OK)
		return r;
	if (taken != 0 && taken != owner) {
		error_set(err, ERR_CONFLICT, "there is an account with the address \"%s\" already", clean);
		error_hint(err, "change that account, or enable it again");
		error_field(err, "email");
		return ERR_CONFLICT;
	}
	*ret_email = arena_str(d->arena, str_of(clean));
	return OK;
}

/* ---- made ---- */

enum err guard_decide_user_create(struct decision *d, const void *args, struct error *err)
{
	const struct guard_user_create *create = args;
	struct str email, name;
	int64_t count;
	enum err r = email_free(d, create->email, 0, &email, err);
	if (r == OK)
		r = guard_name_clean(create->name, "person", &name, err);
	if (r == OK)
		r = guard_store_user_count(d->conn, &count, err);
	if (r != OK)
		return r;
	if (guard_role_name(create->role) == NULL)
		return invalid(err, "role", "a role is viewer, responder, manager, admin or auditor");
	if (count >= GUARD_USERS_MAX)
		return error_set(err, ERR_LIMIT, "there are %u accounts, and no room for more",
				 GUARD_USERS_MAX);
	struct event_user_created created = {
		.user = decision_new_id(d, "user"),
		.email = email,
		.name = arena_str(d->arena, name),
		.role = str_of(guard_role_name(create->role)),
	};
	decision_emit(d, EVENT_USER_CREATED, created.user, &created);
	*create->ret_user = created.user;
	return OK;
}

enum err guard_apply_user_created(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_user_created *e = event->payload;
	struct guard_user user = {
		.id = e->user,
		.email = e->email,
		.name = e->name,
		.role = ROLE_VIEWER, /* a word of a later version gives the least */
		.created = event->event_time,
	};
	guard_role_parse(e->role, &user.role);
	return guard_store_user_put(a->conn, event->seq, &user, err);
}

/* ---- changed ---- */

struct ended_work {
	int64_t user;
	bool sessions;
	time_us now;
};

static enum err ended_store(struct store_conn *conn, const void *args, struct error *err)
{
	const struct ended_work *work = args;
	enum err r = guard_store_links_end(conn, work->user, work->now, err);
	return r == OK && work->sessions ? guard_store_sessions_end(conn, work->user, NULL, err) : r;
}

/* Puts the wished values into `user`. */
static enum err change_clean(struct decision *d, const struct guard_user_change *change,
			     struct guard_user *user, struct error *err)
{
	enum err r = OK;
	if (change->email != NULL)
		r = email_free(d, *change->email, user->id, &user->email, err);
	if (r == OK && change->name != NULL)
		r = guard_name_clean(*change->name, "person", &user->name, err);
	if (r != OK)
		return r;
	if (change->role != NULL && guard_role_name(*change->role) == NULL)
		return invalid(err, "role", "a role is viewer, responder, manager, admin or auditor");
	if (change->time_zone != NULL && !is_zone(*change->time_zone))
		return invalid(err, "time_zone", "this is not the name of a time zone");
	user->role = change->role != NULL ? *change->role : user->role;
	user->disabled = change->disabled != NULL ? *change->disabled : user->disabled;
	user->time_zone = change->time_zone != NULL ? *change->time_zone : user->time_zone;
	return OK;
}

static enum err keeps_an_admin(struct decision *d, const struct guard_user *before,
			       const struct guard_user *after, struct error *err)
{
	int64_t others;
	if (before->role != ROLE_ADMIN || before->disabled ||
	    (after->role == ROLE_ADMIN && !after->disabled))
		return OK;
	enum err r = guard_store_admins(d->conn, before->id, false, &others, err);
	if (r != OK || others > 0)
		return r;
	error_set(err, ERR_CONFLICT, "this is the last admin, and nobody could make another one");
	error_hint(err, "give somebody else the role admin first");
	return ERR_CONFLICT;
}

static void emit_changed(struct decision *d, const struct guard_user *user, bool as_self)
{
	struct event_user_profile_changed profile = {
		.user = user->id,
		.name = arena_str(d->arena, user->name),
		.time_zone = arena_str(d->arena, user->time_zone),
	};
	struct event_user_changed changed = {
		.user = user->id,
		.email = user->email,
		.name = profile.name,
		.role = str_of(guard_role_name(user->role)),
		.disabled = user->disabled,
		.time_zone = profile.time_zone,
	};
	if (as_self)
		decision_emit(d, EVENT_USER_PROFILE_CHANGED, user->id, &profile);
	else
		decision_emit(d, EVENT_USER_CHANGED, user->id, &changed);
}

enum err guard_decide_user_change(struct decision *d, const void *args, struct error *err)
{
	const struct guard_user_change *change = args;
	struct guard_user before;
	enum err r = guard_user_by_id(d->conn, d->arena, change->user, &before, err);
	if (r != OK)
		return r;
	struct guard_user after = before;
	if (change->revision != 0 && change->revision != before.revision)
		return error_set(err, ERR_PRECONDITION, "somebody changed this person meanwhile");
	r = change_clean(d, change, &after, err);
	if (r == OK)
		r = keeps_an_admin(d, &before, &after, err);
	if (r != OK)
		return r;
	bool same_profile = str_eq(before.name, after.name) && str_eq(before.time_zone, after.time_zone);
	bool email_changed = !str_eq(before.email, after.email);
	bool administered = email_changed || before.role != after.role || before.disabled != after.disabled;
	if (same_profile && !administered)
		return OK;
	emit_changed(d, &after, !administered && d->actor.user == change->user);
	if (after.disabled || email_changed) {
		struct ended_work *work = arena_new(d->arena, struct ended_work);
		*work = (struct ended_work){ change->user, after.disabled, d->now };
		decision_work(d, ended_store, work);
	}
	return OK;
}

enum err guard_apply_user_changed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_user_changed *e = event->payload;
	struct guard_user user;
	enum err r = guard_user_by_id(a->conn, a->arena, e->user, &user, err);
	if (r != OK)
		return r == ERR_NOT_FOUND ? OK : r; /* its making was lawfully erased */
	user.email = e->email;
	user.name = e->name;
	user.time_zone = e->time_zone;
	user.disabled = e->disabled;
	guard_role_parse(e->role, &user.role);
	return guard_store_user_put(a->conn, event->seq, &user, err);
}

enum err guard_apply_user_profile_changed(struct apply *a, const struct event *event,
					  struct error *err)
{
	const struct event_user_profile_changed *e = event->payload;
	struct guard_user user;
	enum err r = guard_user_by_id(a->conn, a->arena, e->user, &user, err);
	if (r != OK)
		return r == ERR_NOT_FOUND ? OK : r;
	user.name = e->name;
	user.time_zone = e->time_zone;
	return guard_store_user_put(a->conn, event->seq, &user, err);
}

/* ---- auditors ---- */

enum err guard_decide_audit_open(struct decision *d, const void *args, struct error *err)
{
	const struct guard_audit_open *open = args;
	struct str reason = str_trim(open->reason);
	if (reason.len == 0 || !guard_is_printable(reason) ||
	    guard_characters(reason) > REASON_CHARACTERS_MAX)
		return invalid(err, "reason", "say in 1 to 500 characters why this must be read");
	if (open->duration <= 0 || open->duration > GUARD_AUDIT_MAX)
		return invalid(err, "duration", "what is private opens for up to 8 hours");
	struct event_audit_opened opened = {
		.user = d->actor.user,
		.reason = arena_str(d->arena, reason),
		.until = d->now + open->duration,
	};
	decision_emit(d, EVENT_AUDIT_OPENED, d->actor.user, &opened);
	return OK;
}

enum err guard_apply_audit_opened(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_audit_opened *e = event->payload;
	return guard_store_audit_put(a->conn, e->user, e->until, e->reason, err);
}
