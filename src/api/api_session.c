/* api_session.c: signing in and out. Passwords are hashed on the heavy queue, never on the writer. */
#include <time.h>

#include "api/api_handlers.h"
#include "base/log.h"

#define WAIT_HERE_MAX TIME_SECOND /* longer waits are the client's to make */

static const char *public_name(const struct api_call *call)
{
	return call->api->options.public_url;
}

static bool is_https(const struct api_call *call)
{
	return str_starts(str_of(public_name(call)), STR("https://"));
}

void api_user(struct api_call *call, const struct guard_user *user)
{
	struct json_writer *json = &call->json;
	struct str *teams;
	size_t count = 0;
	if (guard_user_teams(call->conn, &call->arena, user->email, &teams, &count, NULL) != OK)
		count = 0;
	json_map_begin(json);
	json_field_int(json, "id", user->id);
	json_field_text(json, "name", user->name);
	json_field_text(json, "email", user->email);
	json_field_cstr(json, "role", guard_role_name(user->role));
	json_key(json, "teams");
	json_list_begin(json);
	for (size_t i = 0; i < count; i++)
		json_text(json, teams[i]);
	json_list_end(json);
	json_key(json, "time_zone");
	if (user->time_zone.len > 0)
		json_text(json, user->time_zone);
	else
		json_null(json);
	json_field_bool(json, "disabled", user->disabled);
	json_field_bool(json, "has_password", user->has_password);
	json_field_time(json, "created_at", user->created);
	/* When somebody was last here is noted, not recorded: nobody knows what it was then. */
	json_field_time(json, "last_seen_at", store_as_of_seq(call->conn) == 0 ? user->last_seen : TIME_NONE);
	json_field_int(json, "revision", user->revision);
	json_map_end(json);
}

enum err api_session_get(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct guard_user user;
	char csrf[GUARD_CSRF_BYTES] = "";
	enum err r = guard_user_by_id(call->conn, &call->arena, call->principal.user, &user, err);
	if (r != OK)
		return r;
	if (call->cookie.len > 0)
		guard_csrf(call->cookie, csrf);
	json_map_begin(json);
	json_key(json, "user");
	api_user(call, &user);
	json_field_cstr(json, "csrf", csrf);
	json_field_bool(json, "needs_password", !user.has_password);
	json_key(json, "server");
	json_map_begin(json);
	json_field_cstr(json, "version", call->api->options.version);
	json_field_cstr(json, "name", world_name(call->api->options.world));
	json_field_cstr(json, "public_url", public_name(call));
	json_field_time(json, "now", call->now);
	json_map_end(json);
	json_map_end(json);
	return OK;
}

/* ---- signing in ---- */

struct signing_in {
	struct guard_session_made made;
	int64_t user;
};

static enum err write_signed_in(struct api_call *call, struct error *err)
{
	const struct signing_in *in = call->context;
	struct guard_user user;
	enum err r = guard_user_by_id(call->conn, &call->arena, in->user, &user, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_key(&call->json, "user");
	api_user(call, &user);
	json_field_cstr(&call->json, "csrf", in->made.csrf);
	json_field_bool(&call->json, "needs_password", in->made.needs_password);
	json_map_end(&call->json);
	return OK;
}

static void set_cookie(struct api_call *call, const char *value)
{
	cleanup_buf struct buf cookie;
	buf_init(&cookie, 512);
	if (value != NULL)
		guard_cookie_print(str_of(value), is_https(call), &cookie);
	else
		guard_cookie_print_end(is_https(call), &cookie);
	api_header(call, "Set-Cookie", "%s", cookie.bytes);
}

static const struct spec_field sign_in_fields[] = {
	{ .name = "email", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .max = GUARD_EMAIL_BYTES_MAX,
	  .about = "The address of the account." },
	{ .name = "password", .type = SPEC_TEXT, .flags = SPEC_REQUIRED | SPEC_SECRET,
	  .max = GUARD_PASSWORD_BYTES_MAX, .about = "The password." },
	{ .name = NULL },
};

static void pause_for(time_us wait)
{
	struct timespec spec = { wait / TIME_SECOND, wait % TIME_SECOND * 1000 };
	nanosleep(&spec, NULL);
}

/* Whom to slow down, and whom to record: see api_client.c. */
static struct str client(struct api_call *call)
{
	char text[HTTP_ADDRESS_BYTES];
	api_client_of(call->request, &call->api->options.proxies, text);
	return arena_str(&call->arena, str_of(text));
}

/* What was guessed wrong is recorded, but guessing cannot flood the journal. */
static void note_failure(struct api_call *call, int64_t tried, unsigned failures)
{
	struct error err;
	struct guard_sign_in_failed failed = { tried, client(call) };
	struct command command = {
		.name = "sign_in_failed",
		.decide = guard_decide_sign_in_failed,
		.args = &failed,
		.actor = ACTOR_SYSTEM,
	};
	if (guard_try_is_news(failures))
		call->api->options.run(call->api->options.run_context, &command, &err);
}

static enum err check_password(struct api_call *call, struct str email, struct str password,
			       struct guard_checked *ret_checked, struct error *err)
{
	struct guard_throttle *throttle = call->api->throttle;
	struct clock *clock = call->api->options.clock;
	struct guard_try attempt;
	time_us wait;
	int64_t tried = 0;
	enum err r = guard_try_begin(throttle, email, client(call),
				     clock_since_boot(clock), &attempt, &wait, err);
	if (r != OK)
		return r;
	if (wait > WAIT_HERE_MAX) {
		guard_try_cancel(throttle, &attempt);
		error_set(err, ERR_LIMIT, "too many wrong passwords were tried");
		error_hint(err, "try again in %lld seconds, or ask an admin for a reset link",
			   (long long)((wait + TIME_SECOND - 1) / TIME_SECOND));
		return ERR_LIMIT;
	}
	pause_for(wait);
	r = guard_password_check(call->conn, &call->arena, email, password, ret_checked, &tried, err);
	unsigned failures = guard_try_end(throttle, &attempt, r == OK, clock_since_boot(clock));
	if (r == ERR_UNAUTHENTICATED)
		note_failure(call, tried, failures);
	return r;
}

enum err api_session_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct guard_checked checked;
	struct signing_in in = { .user = 0 };
	enum err r = api_body(call, sign_in_fields, &body, err);
	if (r == OK)
		r = check_password(call, doc_text(doc_get(body, "email"), ""),
				   doc_text(doc_get(body, "password"), ""), &checked, err);
	if (r != OK)
		return r;
	in.user = checked.principal.user;
	struct guard_sign_in sign_in = { checked.hash, client(call), &in.made };
	call->context = &in;
	r = api_change_as(call, guard_actor(&checked.principal), "session_create", guard_decide_sign_in,
			  &sign_in, write_signed_in, err);
	if (r == OK)
		set_cookie(call, in.made.cookie);
	return r;
}

static const struct spec_field link_fields[] = {
	{ .name = "token", .type = SPEC_TEXT, .flags = SPEC_REQUIRED | SPEC_SECRET, .min = 1, .max = 200,
	  .about = "The secret part of the link." },
	{ .name = NULL },
};

enum err api_session_link(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct principal principal;
	struct signing_in in = { .user = 0 };
	enum err r = api_body(call, link_fields, &body, err);
	if (r == OK)
		r = guard_principal_from_link(call->conn, &call->arena,
					      doc_text(doc_get(body, "token"), ""), call->now,
					      &principal, err);
	if (r != OK)
		return r;
	in.user = principal.user;
	struct guard_sign_in_link link = { client(call), &in.made };
	call->context = &in;
	r = api_change_as(call, guard_actor(&principal), "session_link", guard_decide_sign_in_link, &link,
			  write_signed_in, err);
	if (r == OK)
		set_cookie(call, in.made.cookie);
	return r;
}

enum err api_session_delete(struct api_call *call, struct error *err)
{
	enum err r = api_change(call, "session_delete", guard_decide_sign_out, NULL, NULL, err);
	if (r != OK)
		return r;
	set_cookie(call, NULL);
	call->status = 204;
	return OK;
}

/* ---- passwords ---- */

static const struct spec_field password_fields[] = {
	{ .name = "current", .type = SPEC_TEXT, .flags = SPEC_SECRET, .max = GUARD_PASSWORD_BYTES_MAX,
	  .about = "The password so far." },
	{ .name = "password", .type = SPEC_TEXT, .flags = SPEC_REQUIRED | SPEC_SECRET,
	  .max = GUARD_PASSWORD_BYTES_MAX, .about = "The new one, at least 10 characters." },
	{ .name = NULL },
};

enum err api_session_password(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct guard_checked checked = { 0 };
	struct guard_password_set set = { 0 };
	enum err r = api_body(call, password_fields, &body, err);
	if (r != OK)
		return r;
	struct str current = doc_text(doc_get(body, "current"), "");
	if (current.len > 0) {
		r = check_password(call, call->principal.email, current, &checked, err);
		if (r == ERR_UNAUTHENTICATED) {
			error_set(err, ERR_INVALID, "the current password is another one");
			error_field(err, "current");
			return ERR_INVALID;
		}
		set.hash_verified = checked.hash;
	}
	if (r == OK)
		r = guard_password_hash(doc_text(doc_get(body, "password"), ""), call->principal.email,
					&call->arena, &set.hash, err);
	if (r == OK)
		r = api_change(call, "session_password", guard_decide_password_set, &set, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}
