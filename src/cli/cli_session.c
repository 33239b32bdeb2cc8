/* cli_session.c: who is speaking: mainstay login, logout, whoami */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_http.h"
#include "cli/cli_secret.h"
#include "cli/cli_settings.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

#define BODY_BYTES_MAX 8192u
#define HOST_BYTES 200

/* A session lives only as long as this command: what is kept is a token with less power. */
struct session {
	struct str cookie, csrf, email;
	bool needs_password;
};

static struct cli_ask ask_of(const struct session *session, const char *method, const char *path,
			     struct str body)
{
	struct cli_ask ask = { .method = method, .path = str_of(path), .body = body, .anonymous = true };
	if (session->cookie.len > 0) {
		ask.more[ask.more_count++] = (struct http_ask_field){ "Cookie", session->cookie.ptr };
		ask.more[ask.more_count++] =
			(struct http_ask_field){ "X-Mainstay-CSRF", session->csrf.ptr };
	}
	return ask;
}

static enum err post(struct cli_call *call, struct session *session, const char *path, struct str body,
		     const struct doc_node **ret_answer, struct error *err)
{
	struct cli_ask ask = ask_of(session, "POST", path, body);
	struct cli_answer answer;
	enum err r = cli_http_ask(call, &ask, &answer, err);
	if (r == OK)
		r = doc_json_parse(answer.body, &call->arena, DOC_LIMITS_DEFAULT, NULL, ret_answer, err);
	if (r == OK && answer.cookie.len > 0)
		session->cookie = answer.cookie;
	return r;
}

static void keep_session(struct cli_call *call, struct session *session, const struct doc_node *answer)
{
	session->csrf = arena_str(&call->arena, doc_text(doc_get(answer, "csrf"), ""));
	session->email = doc_text(cli_path(answer, STR("user.email")), "");
	session->needs_password = doc_bool(doc_get(answer, "needs_password"), false);
}

static struct str pair(struct cli_call *call, const char *first, struct str a, const char *second,
		       struct str b)
{
	cleanup_buf struct buf body;
	struct json_writer json;
	buf_init(&body, BODY_BYTES_MAX);
	json_init(&json, &body);
	json_map_begin(&json);
	json_field_text(&json, first, a);
	if (second != NULL)
		json_field_text(&json, second, b);
	json_map_end(&json);
	json_finish(&json);
	return arena_str(&call->arena, buf_str(&body));
}

/* ---- ways in ---- */

static enum err by_link(struct cli_call *call, struct session *session, struct str link,
			struct error *err)
{
	const struct doc_node *answer;
	struct str before, token;
	if (!str_cut(link, '#', &before, &token))
		token = link; /* the token alone, not the address it stands in */
	enum err r = post(call, session, "/session/link", pair(call, "token", token, NULL, STR_NONE), &answer,
			  err);
	if (r == OK)
		keep_session(call, session, answer);
	return r;
}

static enum err by_password(struct cli_call *call, struct session *session, struct error *err)
{
	const struct doc_node *answer;
	struct str email = cli_text(call, "email"), password;
	enum err r = OK;
	if (email.len == 0)
		r = cli_ask_line("e-mail", true, &call->arena, &email, err);
	if (r == OK)
		r = cli_ask_line("password", false, &call->arena, &password, err);
	if (r == OK)
		r = post(call, session, "/session", pair(call, "email", email, "password", password), &answer,
			 err);
	if (r == OK)
		keep_session(call, session, answer);
	return r;
}

/* A first link is used up by now: whoever sets no password needs a new one next time. */
static void offer_password(struct cli_call *call, struct session *session)
{
	struct error err = { 0 };
	struct str password;
	struct cli_answer answer;
	if (!session->needs_password || isatty(STDIN_FILENO) != 1)
		return;
	fprintf(stderr, "You have no password yet. 10 characters or more; nothing to go without.\n");
	if (cli_ask_line("new password", false, &call->arena, &password, &err) != OK)
		return;
	struct cli_ask ask = ask_of(session, "PUT", "/session/password",
				    pair(call, "password", password, NULL, STR_NONE));
	if (cli_http_ask(call, &ask, &answer, &err) != OK)
		fprintf(stderr, "mainstay: the password was not set: %s\n", err.text);
}

static void sign_out(struct cli_call *call, const struct session *session)
{
	struct cli_ask ask = ask_of(session, "DELETE", "/session", STR_NONE);
	struct cli_answer answer;
	struct error err;
	if (session->cookie.len > 0)
		cli_http_ask(call, &ask, &answer, &err); /* it ends by itself, too */
}

/* ---- login ---- */

static struct str token_body(struct cli_call *call)
{
	char host[HOST_BYTES] = "";
	cleanup_buf struct buf body;
	struct json_writer json;
	gethostname(host, sizeof host - 1);
	buf_init(&body, BODY_BYTES_MAX);
	json_init(&json, &body);
	json_map_begin(&json);
	json_field_text(&json, "name", arena_printf(&call->arena, "mainstay login at %.60s", host));
	json_key(&json, "scopes");
	json_list_begin(&json);
	json_text(&json, cli_text(call, "scope"));
	json_list_end(&json);
	json_field_text(&json, "expires_at", cli_text(call, "expires"));
	json_map_end(&json);
	json_finish(&json);
	return arena_str(&call->arena, buf_str(&body));
}

static enum err make_token(struct cli_call *call, struct session *session,
			   struct cli_credential *ret_credential, struct error *err)
{
	const struct doc_node *answer;
	enum err r = post(call, session, "/tokens", token_body(call), &answer, err);
	if (r != OK)
		return r;
	*ret_credential = (struct cli_credential){
		.server = call->settings.server,
		.token = doc_text(doc_get(answer, "secret"), ""),
		.email = session->email,
		.id = doc_int(cli_path(answer, STR("token.id")), 0),
	};
	if (ret_credential->token.len == 0)
		return error_set(err, ERR_CORRUPT, "the server made a token without a secret");
	return OK;
}

/* The one before is revoked, so that logins do not pile up. */
static void forget_before(struct cli_call *call)
{
	struct cli_credential before;
	bool found = false;
	struct error err;
	const struct doc_node *answer;
	if (cli_credential_find(call->settings.server, &call->arena, &found, &before, &err) != OK || !found)
		return;
	call->settings.token = before.token;
	struct str path = arena_printf(&call->arena, "/tokens/%lld", (long long)before.id);
	cli_ask(call, "DELETE", path, STR_NONE, &answer, &err); /* it may be over already */
}

static enum err login(struct cli_call *call, struct error *err)
{
	struct session session = { .needs_password = false };
	struct cli_credential made;
	struct str link = cli_text(call, "link");
	enum err r = link.len > 0 ? by_link(call, &session, link, err) : by_password(call, &session, err);
	if (r != OK)
		return r;
	offer_password(call, &session);
	r = make_token(call, &session, &made, err);
	sign_out(call, &session);
	if (r != OK)
		return r;
	forget_before(call);
	r = cli_credential_keep(&made, &call->arena, err);
	if (r == OK)
		buf_printf(&call->out, "signed in at " STR_FMT " as " STR_FMT ", scope " STR_FMT "\n",
			   STR_ARG(made.server), STR_ARG(cli_text_clean(&call->arena, made.email)),
			   STR_ARG(cli_text(call, "scope")));
	return r;
}

static const struct cli_input login_inputs[] = {
	{ "email", CLI_TEXT, CLI_OWN, "who you are; asked for when absent" },
	{ "link", CLI_TEXT, CLI_OWN, "a one-time link, or the token in it, instead of a password",
	  .value = "LINK" },
	{ "scope", CLI_CHOICE, CLI_OWN, "what the token may do", .choices = "read|act|manage|admin",
	  .otherwise = "act" },
	{ "expires", CLI_TIME, CLI_OWN, "when you sign in again", .otherwise = "90d" },
	{ .name = NULL },
};

const struct cli_action login_actions[] = {
	{ "", "Signs in and keeps an API token for this server in ~/.config/mainstay, readable by you alone; "
	      "without a terminal the password is read from stdin.",
	  NULL, NULL, login_inputs, NULL, .run = login,
	  .examples = { "mainstay login --email me@example.org --scope manage < password",
			"mainstay login --email me@example.org --server http://127.0.0.1:8484 < password" } },
	{ 0 },
};

/* ---- logout ---- */

static enum err logout(struct cli_call *call, struct error *err)
{
	struct cli_credential kept;
	bool found = false;
	const struct doc_node *answer;
	struct error why = { 0 };
	enum err r = cli_credential_find(call->settings.server, &call->arena, &found, &kept, err);
	if (r != OK)
		return r;
	if (!found)
		return error_set(err, ERR_UNAUTHENTICATED, "nobody is signed in at " STR_FMT,
				 STR_ARG(call->settings.server));
	call->settings.token = kept.token;
	struct str path = arena_printf(&call->arena, "/tokens/%lld", (long long)kept.id);
	enum err revoked = cli_ask(call, "DELETE", path, STR_NONE, &answer, &why);
	kept.token = STR_NONE;
	r = cli_credential_keep(&kept, &call->arena, err);
	if (r == OK && revoked != OK && revoked != ERR_UNAUTHENTICATED)
		fprintf(stderr, "mainstay: forgotten here, but not revoked: %s\n", why.text);
	if (r == OK)
		buf_printf(&call->out, "signed out of " STR_FMT "\n", STR_ARG(call->settings.server));
	return r;
}

const struct cli_action logout_actions[] = {
	{ "", "Revokes the token that login kept for this server, and forgets it.", NULL, NULL, NULL, NULL,
	  .run = logout,
	  .examples = { "mainstay logout", "mainstay logout --server http://127.0.0.1:8484" } },
	{ 0 },
};

/* ---- whoami ---- */

static const struct cli_column me[] = {
	{ "server", "server.name" },
	{ "version", "server.version" },
	{ "name", "user.name" },
	{ "e-mail", "user.email" },
	{ "role", "user.role" },
	{ "teams", "user.teams" },
	{ "time zone", "user.time_zone" },
	{ NULL },
};
static const struct cli_section whoami[] = { { .columns = me }, { 0 } };

const struct cli_action whoami_actions[] = {
	{ "", "Shows who is signed in, where.", "GET", "/session", NULL, whoami,
	  .examples = { "mainstay whoami", "mainstay whoami -o json" } },
	{ 0 },
};
