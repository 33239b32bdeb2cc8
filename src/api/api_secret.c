/*
 * api_secret.c: named secrets: they go in and never come out.
 *
 * What uses one is read from the definitions, here: guard knows none. One that is used is not removed, as no
 * definition is that another names.
 */
#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "guard/guard_vault.h"

#define SECRET "Secret"
#define USERS_SHOWN 20u
#define ROW_ARENA_BYTES (16u << 20)

/* ---- what uses it ---- */

struct users {
	struct str secret;
	struct arena step, *names; /* of one definition; where names are kept */
	struct str found[USERS_SHOWN];
	size_t count;
	bool uses;
};

static void see_reference(void *context, const char *kind, const struct doc_node *name, struct str path)
{
	struct users *users = context;
	(void)path;
	users->uses = users->uses || (str_is(STR(SECRET), kind) && str_eq(users->secret, name->text));
}

static bool see_check(void *context, const struct definition *definition)
{
	struct users *users = context;
	arena_reset(&users->step);
	const struct doc_node *spec = api_spec_of(definition, &users->step);
	users->uses = false;
	if (spec != NULL)
		spec_references(monitor_check_fields, spec, &users->step, see_reference, users);
	if (users->uses && users->count < USERS_SHOWN)
		users->found[users->count++] = arena_str(users->names, definition->name);
	return users->count < USERS_SHOWN;
}

/* At most USERS_SHOWN of them, by name. */
static enum err find_users(struct store_conn *conn, struct arena *arena, struct str secret,
			   struct users *ret_users, struct error *err)
{
	*ret_users = (struct users){ .secret = secret, .names = arena };
	arena_init(&ret_users->step, ROW_ARENA_BYTES);
	enum err r = api_definitions(conn, STR(MONITOR_CHECK), STR_NONE, see_check, ret_users, err);
	arena_finish(&ret_users->step);
	return r;
}

/* ---- reading ---- */

static enum err write_secret(struct api_call *call, const struct guard_named_secret *secret, struct error *err)
{
	struct json_writer *json = &call->json;
	struct users users;
	enum err r = find_users(call->conn, &call->arena, secret->name, &users, err);
	if (r != OK)
		return r;
	json_map_begin(json);
	json_field_text(json, "name", secret->name);
	json_field_text(json, "about", secret->about);
	json_field_time(json, "set_at", secret->set);
	api_person(call, "set_by", secret->user);
	json_key(json, "used_by");
	json_list_begin(json);
	for (size_t i = 0; i < users.count; i++)
		json_text(json, users.found[i]);
	json_list_end(json);
	json_map_end(json);
	return OK;
}

enum err api_secret_list(struct api_call *call, struct error *err)
{
	struct api_list list;
	struct guard_named_secret *secrets;
	size_t count;
	enum err r = api_list_begin(call, &list, err);
	if (r == OK)
		r = guard_vault_list(call->conn, &call->arena, list.after, list.limit + 1, &secrets, &count, err);
	if (r != OK)
		return r;
	for (size_t i = 0; r == OK && i < count && api_list_row(&list, 0, secrets[i].name); i++)
		r = write_secret(call, &secrets[i], err);
	api_list_end(call, &list);
	return r;
}

/* ---- changes ---- */

static const struct spec_field put_fields[] = {
	{ .name = "value", .type = SPEC_TEXT, .flags = SPEC_REQUIRED | SPEC_SECRET, .min = 1,
	  .max = GUARD_VAULT_VALUE_BYTES_MAX, .about = "The secret itself." },
	{ .name = "about", .type = SPEC_TEXT, .max = GUARD_VAULT_ABOUT_BYTES_MAX, .about = "What it is for." },
	{ .name = NULL },
};

static enum err write_this(struct api_call *call, struct error *err)
{
	struct guard_named_secret *secrets;
	struct str name = call->params[0];
	size_t count, i = 0;
	enum err r = guard_vault_list(call->conn, &call->arena, STR_NONE, GUARD_VAULT_SECRETS_MAX, &secrets, &count,
				      err);
	while (r == OK && i < count && !str_eq(secrets[i].name, name))
		i++;
	if (r == OK && i == count)
		r = error_set(err, ERR_CORRUPT, "the secret that was set is not there");
	return r == OK ? write_secret(call, &secrets[i], err) : r;
}

enum err api_secret_put(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct guard_secret_put put = { .name = call->params[0] };
	enum err r = api_body(call, put_fields, &body, err);
	if (r != OK)
		return r;
	put.value = doc_text(doc_get(body, "value"), "");
	put.about = doc_text(doc_get(body, "about"), "");
	return api_change(call, "secret_put", guard_decide_secret_put, &put, write_this, err);
}

static enum err remove_unused(struct decision *d, const void *args, struct error *err)
{
	const struct guard_secret_remove *remove = args;
	struct users users;
	enum err r = find_users(d->conn, d->arena, remove->name, &users, err);
	if (r == OK && users.count > 0) {
		r = error_set(err, ERR_CONFLICT, "the secret \"" STR_FMT "\" is used by Check \"" STR_FMT "\"%s",
			      STR_ARG(remove->name), STR_ARG(users.found[0]), users.count > 1 ? " and others" : "");
		error_hint(err, "change those first, so that they no longer name it");
	}
	return r == OK ? guard_decide_secret_remove(d, remove, err) : r;
}

enum err api_secret_delete(struct api_call *call, struct error *err)
{
	struct guard_secret_remove remove = { .name = call->params[0] };
	enum err r = api_change(call, "secret_delete", remove_unused, &remove, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}
