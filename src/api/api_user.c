/* api_user.c: people: who has an account, what they may do, how they get in the first time. */
#include "api/api_handlers.h"

#define READ_AT_ONCE 200u
#define WORDS_MAX 8u

static const char *const roles[] = { "viewer", "responder", "manager", "admin", "auditor", NULL };

/* ---- reading ---- */

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool holds(struct str text, struct str word)
{
	for (size_t at = 0; at + word.len <= text.len; at++) {
		size_t same = 0;
		while (same < word.len && lower(text.ptr[at + same]) == lower(word.ptr[same]))
			same++;
		if (same == word.len)
			return true;
	}
	return false;
}

/* Every word must occur in the name or in the address. */
static bool matches(const struct guard_user *user, struct str words)
{
	struct str word, rest = words;
	for (unsigned i = 0; i < WORDS_MAX && rest.len > 0; i++) {
		struct str next = STR_NONE;
		str_cut(rest, ' ', &word, &next);
		if (word.len > 0 && !holds(user->name, word) && !holds(user->email, word))
			return false;
		rest = next;
	}
	return true;
}

/* True: the list has room for more. */
static bool list_users(struct api_call *call, struct api_list *list, const struct guard_user *users,
		       size_t count)
{
	struct str words = str_trim(api_query(call, "q"));
	for (size_t i = 0; i < count; i++) {
		if (!matches(&users[i], words))
			continue;
		if (!api_list_row(list, users[i].id, STR_NONE))
			return false;
		api_user(call, &users[i]);
	}
	return true;
}

enum err api_user_list(struct api_call *call, struct error *err)
{
	struct api_list list;
	enum err r = api_list_begin(call, &list, err);
	if (r != OK)
		return r;
	int64_t after = list.before_id; /* people come in the order of their ids */
	for (bool more = true; more;) {
		struct guard_user *users;
		size_t count;
		r = guard_users(call->conn, &call->arena, after, READ_AT_ONCE, &users, &count, err);
		if (r != OK)
			return r;
		more = list_users(call, &list, users, count) && count == READ_AT_ONCE;
		if (count > 0)
			after = users[count - 1].id;
	}
	api_list_end(call, &list);
	return OK;
}

static enum err write_user(struct api_call *call, struct error *err)
{
	struct guard_user user;
	enum err r = guard_user_by_id(call->conn, &call->arena, *(const int64_t *)call->context, &user, err);
	if (r != OK)
		return r;
	api_etag(call, user.revision);
	api_user(call, &user);
	return OK;
}

enum err api_user_get(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r != OK)
		return r;
	call->context = &id;
	return write_user(call, err);
}

/* ---- changes ---- */

static const struct spec_field create_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = GUARD_NAME_BYTES_MAX, .about = "What others call them." },
	{ .name = "email", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = GUARD_EMAIL_BYTES_MAX, .about = "Where mail reaches them; they sign in with it." },
	{ .name = "role", .type = SPEC_CHOICE, .choices = roles, .flags = SPEC_REQUIRED,
	  .about = "What they may do." },
	{ .name = NULL },
};

enum err api_user_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	struct guard_user_create create = { .ret_user = &id };
	enum err r = api_body(call, create_fields, &body, err);
	if (r != OK)
		return r;
	create.name = doc_text(doc_get(body, "name"), "");
	create.email = doc_text(doc_get(body, "email"), "");
	guard_role_parse(doc_text(doc_get(body, "role"), ""), &create.role);
	call->context = &id;
	call->status = 201;
	return api_change(call, "user_create", guard_decide_user_create, &create, write_user, err);
}

static const struct spec_field change_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .min = 1, .max = GUARD_NAME_BYTES_MAX,
	  .about = "What others call them." },
	{ .name = "email", .type = SPEC_TEXT, .min = 1, .max = GUARD_EMAIL_BYTES_MAX,
	  .about = "Where mail reaches them; they sign in with it." },
	{ .name = "role", .type = SPEC_CHOICE, .choices = roles, .about = "What they may do." },
	{ .name = "time_zone", .type = SPEC_TEXT, .max = ZONE_NAME_BYTES_MAX,
	  .about = "The zone they read times in; null for the reader's own." },
	{ .name = "disabled", .type = SPEC_BOOL, .about = "They may no longer sign in or act." },
	{ .name = NULL },
};

struct user_changing {
	struct guard_user_change change;
	struct str email, name, time_zone;
	enum role role;
	bool disabled;
};

static const struct str *take_text(const struct doc_node *body, const char *field, struct str *ret_text)
{
	const struct doc_node *node = doc_get(body, field);
	if (!doc_is(node, DOC_TEXT))
		return NULL;
	*ret_text = node->text;
	return ret_text;
}

/* Null says "the reader's own zone", which is not the same as saying nothing. */
static enum err take_zone(struct api_call *call, const struct doc_node *body,
			  struct user_changing *changing, struct error *err)
{
	const struct tz *tz;
	if (doc_is(doc_get(call->body, "time_zone"), DOC_NULL)) {
		changing->time_zone = STR("");
		changing->change.time_zone = &changing->time_zone;
		return OK;
	}
	changing->change.time_zone = take_text(body, "time_zone", &changing->time_zone);
	if (changing->change.time_zone == NULL || changing->time_zone.len == 0)
		return OK;
	enum err r = zones_find(call->api->options.zones, changing->time_zone, &tz, err);
	if (r == OK)
		return OK;
	error_field(err, "time_zone");
	return r == ERR_NOT_FOUND ? ERR_INVALID : r; /* the zone is not there; the person is */
}

enum err api_user_update(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct user_changing changing = { .disabled = false };
	struct guard_user_change *change = &changing.change;
	enum err r = api_id(call, 0, &change->user, err);
	if (r == OK)
		r = api_if_match(call, &change->revision, err);
	if (r == OK)
		r = api_body(call, change_fields, &body, err);
	if (r == OK)
		r = take_zone(call, body, &changing, err);
	if (r != OK)
		return r;
	if (change->revision < 0)
		change->revision = 0;
	change->email = take_text(body, "email", &changing.email);
	change->name = take_text(body, "name", &changing.name);
	if (guard_role_parse(doc_text(doc_get(body, "role"), ""), &changing.role))
		change->role = &changing.role;
	if (doc_is(doc_get(body, "disabled"), DOC_BOOL)) {
		changing.disabled = doc_bool(doc_get(body, "disabled"), false);
		change->disabled = &changing.disabled;
	}
	call->context = &change->user;
	return api_change(call, "user_update", guard_decide_user_change, change, write_user, err);
}

/* ---- links to get in ---- */

/* The secret stands after '#': browsers send it to nobody, logs and scanners of mail never see it. */
static enum err write_link(struct api_call *call, struct error *err)
{
	const struct guard_link_made *made = call->context;
	(void)err;
	json_map_begin(&call->json);
	json_field_text(&call->json, "link",
			arena_printf(&call->arena, "%s/link#%s",
				     call->api->options.public_url != NULL
					     ? call->api->options.public_url : "", made->token));
	json_field_time(&call->json, "expires_at", made->expires);
	json_map_end(&call->json);
	return OK;
}

static enum err make_link(struct api_call *call, const char *name, enum guard_link_purpose purpose,
			  struct error *err)
{
	struct guard_link_made made = { .expires = TIME_NONE };
	struct guard_link_make make = { .purpose = purpose, .ret = &made };
	enum err r = api_id(call, 0, &make.user, err);
	if (r != OK)
		return r;
	call->context = &made;
	return api_change(call, name, guard_decide_link_make, &make, write_link, err);
}

enum err api_user_invite(struct api_call *call, struct error *err)
{
	return make_link(call, "user_invite", GUARD_LINK_FOR_INVITE, err);
}

enum err api_user_reset_link(struct api_call *call, struct error *err)
{
	return make_link(call, "user_reset_link", GUARD_LINK_FOR_RESET, err);
}
