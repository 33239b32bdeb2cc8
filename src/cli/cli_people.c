/* cli_people.c: people, how to reach them, and their tokens: mainstay user, contact, token ... */
#include "cli/cli_priv.h"

#define ROLES "viewer|responder|manager|admin|auditor"

/* ---- users ---- */

static const struct cli_column user[] = {
	{ "ID", "id", CLI_SHOW_NUMBER }, { "NAME", "name" },   { "E-MAIL", "email" },
	{ "ROLE", "role" },		 { "TEAMS", "teams" }, { "DISABLED", "disabled" },
	{ "LAST SEEN", "last_seen_at", CLI_SHOW_TIME }, { NULL },
};
static const struct cli_section user_list[] = {
	{ .items = "items", .columns = user,
	  .empty = "nobody matches; to add a person: mainstay user create --name N --email E --role responder" },
	{ 0 },
};
static const struct cli_section user_made[] = {
	{ .text = "{name} is there; so that they can sign in: mainstay user invite {email}" },
	{ 0 },
};
static const struct cli_section user_changed[] = {
	{ .text = "{name} <{email}>: role {role}, disabled: {disabled}" },
	{ 0 },
};
static const struct cli_section user_link[] = {
	{ .text = "{link}" },
	{ .text = "give it to them over a safe way; it works once, until {expires_at}" },
	{ 0 },
};
static const struct cli_input user_list_inputs[] = {
	{ "search", CLI_TEXT, CLI_QUERY, "words that must occur", .key = "q" },
	CLI_LIMIT,
	{ .name = NULL },
};
static const struct cli_input user_create_inputs[] = {
	{ "name", CLI_TEXT, CLI_BODY, "what people call them", CLI_REQUIRED },
	{ "email", CLI_TEXT, CLI_BODY, "their address", CLI_REQUIRED },
	{ "role", CLI_CHOICE, CLI_BODY, "what they may do", .choices = ROLES, .otherwise = "responder" },
	{ .name = NULL },
};
#define WHO { "WHO", CLI_PERSON, CLI_PATH, "the person: me, an e-mail address, a name or an id", \
	      CLI_REQUIRED, .key = "id" }
static const struct cli_input user_change_inputs[] = {
	WHO,
	{ "name", CLI_TEXT, CLI_BODY, "a new name" },
	{ "email", CLI_TEXT, CLI_BODY, "a new address" },
	{ "role", CLI_CHOICE, CLI_BODY, "a new role", .choices = ROLES },
	{ "time-zone", CLI_TEXT, CLI_BODY, "where they are, as Europe/Zurich", .value = "ZONE" },
	{ "disabled", CLI_BOOL, CLI_BODY, "whether they may no longer sign in" },
	{ .name = NULL },
};
static const struct cli_input who_only[] = { WHO, { .name = NULL } };

const struct cli_action user_actions[] = {
	{ "list", "Lists people.", "GET", "/users", user_list_inputs, user_list, .pages = true,
	  .examples = { "mainstay user list", "mainstay user list --search sam -o csv" } },
	{ "create", "Adds a person; they can sign in once they have a link.", "POST", "/users",
	  user_create_inputs, user_made,
	  .examples = { "mainstay user create --name \"Sam Field\" --email sam@example.org",
			"mainstay user create --name Kim --email kim@example.org --role manager" } },
	{ "change", "Changes a person; everybody may change their own name and time zone.", "PATCH",
	  "/users/{id}", user_change_inputs, user_changed,
	  .examples = { "mainstay user change sam@example.org --role manager",
			"mainstay user change me --time-zone Europe/Zurich" } },
	{ "invite", "Makes a one-time link with which a new person sets a password.", "POST",
	  "/users/{id}/invite", who_only, user_link,
	  .examples = { "mainstay user invite sam@example.org", "mainstay user invite Kim -o json" } },
	{ 0 },
};

/* ---- contacts ---- */

static const struct cli_column contact[] = {
	{ "ID", "id", CLI_SHOW_NUMBER }, { "ORDER", "order", CLI_SHOW_NUMBER },
	{ "CHANNEL", "channel" },	 { "ADDRESS", "address", CLI_SHOW_JSON },
	{ "LABEL", "label" },		 { "AFTER", "delay" },
	{ "URGENCY", "urgency" },	 { "VERIFIED", "verified" },
	{ "LAST RESULT", "last_result.state", CLI_SHOW_STATE }, { NULL },
};
static const struct cli_section contact_list[] = {
	{ .items = "items", .columns = contact,
	  .empty = "none: no page would arrive; to add one: mainstay contact add email --to ADDRESS" },
	{ 0 },
};
static const struct cli_section contact_made[] = {
	{ .text = "contact {id} is there; to see whether it wakes you: mainstay contact test {id}" },
	{ 0 },
};
static const struct cli_section contact_tested[] = {
	{ .text = "page {id} is {state}; whether it arrived: mainstay page list --user me" },
	{ 0 },
};
#define WHOSE(about) { "user", CLI_PERSON, CLI_PATH, about, .key = "id", .otherwise = "me" }
static const struct cli_input contact_list_inputs[] = { WHOSE("whose"), { .name = NULL } };
static const struct cli_input contact_add_inputs[] = {
	{ "CHANNEL", CLI_CHOICE, CLI_BODY, "by what", CLI_REQUIRED,
	  .choices = "browser|ntfy|email|webhook|command" },
	WHOSE("whose"),
	{ "to", CLI_TEXT, CLI_BODY, "email: the address", .key = "address.to" },
	{ "topic", CLI_TEXT, CLI_BODY, "ntfy: the topic", .key = "address.topic" },
	{ "ntfy-server", CLI_TEXT, CLI_BODY, "ntfy: the server, when it is not the usual one",
	  .key = "address.server", .value = "URL" },
	{ "url", CLI_TEXT, CLI_BODY, "webhook: the address", .key = "address.url", .value = "URL" },
	{ "command", CLI_TEXT, CLI_BODY, "command: its name", .key = "address.command", .value = "NAME" },
	{ "label", CLI_TEXT, CLI_BODY, "what you call it" },
	{ "order", CLI_INT, CLI_BODY, "the smaller, the earlier" },
	{ "delay", CLI_DURATION, CLI_BODY, "how long after the page begins" },
	{ "urgency", CLI_CHOICE, CLI_BODY, "for which pages", .choices = "high|low|all" },
	{ "secret", CLI_TEXT, CLI_BODY, "webhook: the key of the signature; ntfy: an access token" },
	{ .name = NULL },
};
static const struct cli_input contact_test_inputs[] = {
	{ "ID", CLI_INT, CLI_PATH, "the contact", CLI_REQUIRED },
	{ .name = NULL },
};
static const struct cli_input contact_remove_inputs[] = {
	{ "ID", CLI_INT, CLI_PATH, "the contact", CLI_REQUIRED, .key = "contact" },
	WHOSE("whose"),
	{ .name = NULL },
};

const struct cli_action contact_actions[] = {
	{ "list", "Lists the ways to reach a person, in the order they are used.", "GET",
	  "/users/{id}/contacts", contact_list_inputs, contact_list,
	  .examples = { "mainstay contact list", "mainstay contact list --user me -o json" } },
	{ "add", "Adds a way to reach a person.", "POST", "/users/{id}/contacts", contact_add_inputs,
	  contact_made,
	  .examples = { "mainstay contact add email --to me@example.org --label work",
			"mainstay contact add ntfy --topic my-pages --ntfy-server https://ntfy.example.org" } },
	{ "test", "Sends you a test page.", "POST", "/contacts/{id}/test", contact_test_inputs,
	  contact_tested,
	  .examples = { "mainstay contact test 1", "mainstay contact test 1 -o json" } },
	{ "remove", "Removes a way to reach a person.", "DELETE", "/users/{id}/contacts/{contact}",
	  contact_remove_inputs, NULL, .done = "contact {contact} is gone",
	  .examples = { "mainstay contact remove 1", "mainstay contact remove 2 --user me" } },
	{ 0 },
};

/* ---- tokens ---- */

static const struct cli_column token[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },	{ "NAME", "name" },
	{ "SCOPES", "scopes" },			{ "CREATED", "created_at", CLI_SHOW_TIME },
	{ "EXPIRES", "expires_at", CLI_SHOW_TIME }, { "LAST USED", "last_used_at", CLI_SHOW_TIME },
	{ NULL },
};
static const struct cli_section token_list[] = {
	{ .items = "items", .columns = token,
	  .empty = "none; to make one: mainstay token create NAME --scope read" },
	{ 0 },
};
static const struct cli_section token_made[] = { { .text = "{secret}" }, { 0 } };
static const struct cli_input token_list_inputs[] = {
	{ "user", CLI_PERSON, CLI_QUERY, "whose; mine when absent, others' with admin" },
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input token_create_inputs[] = {
	{ "NAME", CLI_TEXT, CLI_BODY, "what it is for", CLI_REQUIRED | CLI_REST },
	{ "scope", CLI_CHOICES, CLI_BODY, "what it may do", .key = "scopes", .choices = "read|act|manage|admin",
	  .otherwise = "read" },
	{ "expires", CLI_TIME, CLI_BODY, "when it stops to work", .key = "expires_at", .otherwise = "30d" },
	{ .name = NULL },
};
static const struct cli_input token_revoke_inputs[] = {
	{ "ID", CLI_INT, CLI_PATH, "the token", CLI_REQUIRED },
	{ .name = NULL },
};

const struct cli_action token_actions[] = {
	{ "list", "Lists API tokens; their secrets are nowhere.", "GET", "/tokens", token_list_inputs, token_list,
	  .examples = { "mainstay token list", "mainstay token list -o json" } },
	{ "create", "Makes an API token and prints its secret, this once.", "POST", "/tokens",
	  token_create_inputs, token_made,
	  .examples = { "mainstay token create deploy --scope act --expires 30d > token; chmod 600 token",
			"mainstay token create dashboard" } },
	{ "revoke", "Revokes a token at once.", "DELETE", "/tokens/{id}", token_revoke_inputs, NULL,
	  .done = "token {id} no longer works",
	  .examples = { "mainstay token revoke 2", "mainstay token revoke 3 -o json" } },
	{ 0 },
};
