/* api_token.c: tokens for scripts: shown once, kept as a hash, taken back at once. */
#include "api/api_handlers.h"

#define TOKENS_SHOWN 1000u
#define SCOPES_MAX 4

static const char *const scopes[] = { "read", "act", "manage", "admin", NULL };

/* When it was used last is noted beside the record, so it is known of now only. */
static void write_token(struct api_call *call, const struct guard_token *token)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", token->id);
	json_field_text(json, "name", token->name);
	json_key(json, "scopes");
	json_list_begin(json);
	for (enum scope scope = SCOPE_READ; scope <= token->scope; scope++)
		json_cstr(json, guard_scope_name(scope)); /* each holds the ones before it */
	json_list_end(json);
	json_field_time(json, "created_at", token->created);
	json_field_time(json, "expires_at", token->expires);
	json_field_time(json, "last_used_at", store_as_of_seq(call->conn) == 0 ? token->last_used : TIME_NONE);
	json_map_end(json);
}

/* ---- reading ---- */

static enum err whose(struct api_call *call, int64_t *ret_user, struct error *err)
{
	struct str text = api_query(call, "user");
	*ret_user = call->principal.user;
	if (text.len == 0)
		return OK;
	if (!str_int(text, 1, INT64_MAX, ret_user)) {
		error_set(err, ERR_INVALID, "user is the id of a person");
		error_field(err, "user");
		return ERR_INVALID;
	}
	if (*ret_user == call->principal.user)
		return OK;
	return guard_need(&call->principal, PERMISSION_ADMIN, err);
}

enum err api_token_list(struct api_call *call, struct error *err)
{
	struct api_list list;
	struct guard_token *tokens;
	size_t count;
	int64_t user;
	enum err r = whose(call, &user, err);
	if (r == OK)
		r = guard_tokens(call->conn, &call->arena, user, 0, TOKENS_SHOWN, &tokens, &count, err);
	if (r == OK)
		r = api_list_begin(call, &list, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (!tokens[i].revoked)
			write_token(call, &tokens[i]);
	}
	api_list_end(call, &list);
	return OK;
}

/* ---- changes ---- */

static const struct spec_field scope_field = { .name = "scope", .type = SPEC_CHOICE, .choices = scopes,
					       .about = "What it may do." };
static const struct spec_field token_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = GUARD_NAME_BYTES_MAX, .about = "What it is for." },
	{ .name = "scopes", .type = SPEC_LIST, .item = &scope_field, .flags = SPEC_REQUIRED, .min = 1,
	  .max = SCOPES_MAX, .about = "What it may do; each holds the ones before it." },
	{ .name = "expires_at", .type = SPEC_TIME, .flags = SPEC_REQUIRED,
	  .about = "When it stops to work." },
	{ .name = NULL },
};

static enum scope highest(const struct doc_node *list)
{
	enum scope most = SCOPE_NONE;
	for (size_t i = 0; i < doc_count(list); i++) {
		enum scope scope;
		if (guard_scope_parse(doc_text(doc_at(list, i), ""), &scope) && scope > most)
			most = scope;
	}
	return most;
}

static enum err write_secret(struct api_call *call, struct error *err)
{
	const struct guard_token_made *made = call->context;
	struct guard_token *tokens;
	size_t count;
	enum err r = guard_tokens(call->conn, &call->arena, call->principal.user, made->id + 1, 1, &tokens,
				  &count, err);
	if (r != OK)
		return r;
	if (count == 0 || tokens[0].id != made->id)
		return error_set(err, ERR_CORRUPT, "the token that was made is not there");
	json_map_begin(&call->json);
	json_key(&call->json, "token");
	write_token(call, &tokens[0]);
	json_field_cstr(&call->json, "secret", made->token);
	json_map_end(&call->json);
	return OK;
}

enum err api_token_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct guard_token_made made = { .id = 0 };
	struct guard_token_create create = { .ret = &made };
	enum err r = api_body(call, token_fields, &body, err);
	if (r != OK)
		return r;
	create.name = doc_text(doc_get(body, "name"), "");
	create.scope = highest(doc_get(body, "scopes"));
	time_parse(doc_text(doc_get(body, "expires_at"), ""), &create.expires);
	call->context = &made;
	call->status = 201;
	return api_change(call, "token_create", guard_decide_token_create, &create, write_secret, err);
}

enum err api_token_delete(struct api_call *call, struct error *err)
{
	struct guard_token_revoke revoke;
	enum err r = api_id(call, 0, &revoke.token, err);
	if (r == OK)
		r = api_change(call, "token_delete", guard_decide_token_revoke, &revoke, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}
