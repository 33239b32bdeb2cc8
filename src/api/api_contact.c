/*
 * api_contact.c: the ways to reach a person.
 *
 * The room keeps one text as the address; readers see an object with a field for each part. The secret
 * of a contact is taken, never given.
 */
#include "api/api_handlers.h"
#include "notify/notify.h"
#include "notify/notify_settings.h"
#include "oncall/paging.h"

#define ADDRESS_BYTES_MAX 2000
#define SECRET_BYTES_MAX 200
#define LABEL_BYTES_MAX 100
#define ORDER_MAX 1000

static const char *const channels[] = { "browser", "ntfy", "email", "webhook", "command", NULL };
static const char *const urgencies[] = { "high", "low", "all", NULL };

/* ---- finding ---- */

struct finding {
	int64_t id;
	bool found;
	struct paging_contact contact;
};

static bool find_one(void *context, const struct paging_contact *contact)
{
	struct finding *finding = context;
	if (contact->id != finding->id)
		return true;
	finding->contact = *contact;
	finding->found = true;
	return false;
}

/* A contact of this person; user 0: of anybody. */
static enum err find_contact(struct store_conn *conn, struct arena *arena, int64_t user, int64_t id,
			     struct paging_contact *ret_contact, struct error *err)
{
	struct finding finding = { .id = id };
	enum err r = paging_contacts(conn, user, arena, find_one, &finding, err);
	if (r != OK)
		return r;
	if (!finding.found)
		return error_set(err, ERR_NOT_FOUND, "there is no contact %lld", (long long)id);
	*ret_contact = finding.contact;
	return OK;
}

/* ---- the address ---- */

/* The installation's own, without a slash at the end; empty when none is set up. */
static struct str usual_ntfy(struct store_conn *conn, struct arena *arena)
{
	struct notify_settings *settings = arena_new(arena, struct notify_settings);
	if (notify_settings_get(conn, arena, settings, NULL) != OK)
		return STR_NONE;
	while (str_ends(settings->ntfy.server, STR("/")))
		settings->ntfy.server.len--;
	return settings->ntfy.server;
}

static void write_ntfy(struct api_call *call, struct str address)
{
	size_t at = address.len;
	while (at > 0 && address.ptr[at - 1] != '/')
		at--;
	struct str server = str_sub(address, 0, at > 0 ? at - 1 : 0);
	if (!str_eq(server, usual_ntfy(call->conn, &call->arena)))
		json_field_text(&call->json, "server", server);
	json_field_text(&call->json, "topic", str_sub(address, at, address.len));
}

static void write_address(struct api_call *call, const struct paging_contact *contact)
{
	struct json_writer *json = &call->json;
	json_key(json, "address");
	json_map_begin(json);
	if (str_is(contact->channel, "ntfy"))
		write_ntfy(call, contact->address);
	else if (str_is(contact->channel, "email"))
		json_field_text(json, "to", contact->address);
	else if (str_is(contact->channel, "webhook"))
		json_field_text(json, "url", contact->address);
	else if (str_is(contact->channel, "command"))
		json_field_text(json, "command", contact->address);
	json_map_end(json);
}

static enum err missing(const char *field, struct str channel, const char *hint, struct error *err)
{
	error_set(err, ERR_INVALID, "a contact by " STR_FMT " needs \"%s\"", STR_ARG(channel), field);
	error_hint(err, "%s", hint);
	error_field(err, "address.%s", field);
	return ERR_INVALID;
}

static const struct address_row {
	const char *channel, *field, *hint;
} address_rows[] = {
	{ "email", "to", "give an address like ada@example.com" },
	{ "webhook", "url", "give a URL that begins with https:// or http://" },
	{ "command", "command", "give the name of a command the server was started with" },
	{ "ntfy", "topic", "give the topic you subscribe to in the app" },
};

static bool is_topic(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_')
			return false;
	}
	return text.len > 0 && text.len <= 64;
}

static enum err read_ntfy(struct store_conn *conn, struct arena *arena, const struct doc_node *address,
			  struct str *ret_text, struct error *err)
{
	struct str topic = doc_text(doc_get(address, "topic"), "");
	struct str server = doc_text(doc_get(address, "server"), "");
	if (!is_topic(topic)) {
		error_set(err, ERR_INVALID, "a topic is 1 to 64 letters, digits, dashes and underscores");
		error_field(err, "address.topic");
		return ERR_INVALID;
	}
	if (server.len == 0)
		server = usual_ntfy(conn, arena);
	if (server.len == 0)
		return missing("server", STR("ntfy"), "give the server's URL, like https://ntfy.example.com",
			       err);
	while (str_ends(server, STR("/")))
		server.len--;
	*ret_text = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(server), STR_ARG(topic));
	return OK;
}

/* The text the room keeps; parts of another channel are refused rather than dropped. */
static enum err read_address(struct store_conn *conn, struct arena *arena, struct str channel,
			     const struct doc_node *address, struct str *ret_text, struct error *err)
{
	const struct address_row *row = NULL;
	for (size_t i = 0; i < sizeof address_rows / sizeof address_rows[0]; i++) {
		if (str_is(channel, address_rows[i].channel))
			row = &address_rows[i];
	}
	for (size_t i = 0; i < doc_count(address); i++) {
		struct str key = doc_entry_at(address, i)->key;
		if (row != NULL && (str_is(key, row->field) ||
				    (str_is(key, "server") && str_is(channel, "ntfy"))))
			continue;
		error_set(err, ERR_INVALID, "a contact by " STR_FMT " has no \"" STR_FMT "\"",
			  STR_ARG(channel), STR_ARG(key));
		error_field(err, "address." STR_FMT, STR_ARG(key));
		return ERR_INVALID;
	}
	*ret_text = STR_NONE;
	if (row == NULL)
		return OK;
	*ret_text = doc_text(doc_get(address, row->field), "");
	if (ret_text->len == 0)
		return missing(row->field, channel, row->hint, err);
	return str_is(channel, "ntfy") ? read_ntfy(conn, arena, address, ret_text, err) : OK;
}

/* ---- reading ---- */

static bool keep_newest(void *context, const struct notify_row *row)
{
	*(struct notify_row *)context = *row;
	return false;
}

/* True when there is such a page. */
static bool newest_page(struct api_call *call, const struct paging_contact *contact,
			const char *state, struct notify_row *ret_row)
{
	struct notify_row row = { .id = 0 };
	struct notify_filter filter = {
		.user = contact->user, .contact = contact->id, .state = str_of(state), .limit = 1,
	};
	if (notify_list(call->conn, &filter, &call->arena, keep_newest, &row, NULL) != OK || row.id == 0)
		return false;
	*ret_row = row;
	return true;
}

static void write_last_result(struct api_call *call, const struct paging_contact *contact)
{
	struct json_writer *json = &call->json;
	struct notify_row row;
	json_key(json, "last_result");
	if (!newest_page(call, contact, "", &row)) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	json_field_time(json, "at", row.ended != TIME_NONE ? row.ended : row.created);
	json_field_text(json, "state", row.state);
	json_field_text(json, "detail", row.detail);
	json_map_end(json);
}

static void write_contact(struct api_call *call, const struct paging_contact *contact)
{
	struct json_writer *json = &call->json;
	struct notify_row row;
	json_map_begin(json);
	json_field_int(json, "id", contact->id);
	json_field_text(json, "channel", contact->channel);
	write_address(call, contact);
	json_field_text(json, "label", contact->label);
	json_field_int(json, "order", contact->position);
	if (contact->delay > 0)
		api_duration(json, "delay", contact->delay);
	else
		json_field_cstr(json, "delay", "0s");
	json_field_text(json, "urgency", contact->urgency);
	/* Where the other side tells of no delivery, having taken the page must do. */
	json_field_bool(json, "verified", newest_page(call, contact, "delivered", &row) ||
						  newest_page(call, contact, "sent", &row));
	write_last_result(call, contact);
	json_map_end(json);
}

static bool list_contact(void *context, const struct paging_contact *contact)
{
	write_contact(context, contact);
	return true;
}

enum err api_contact_list(struct api_call *call, struct error *err)
{
	struct api_list list;
	struct guard_user user;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK && id != call->principal.user)
		r = guard_need(&call->principal, PERMISSION_MANAGE, err);
	if (r == OK)
		r = guard_user_by_id(call->conn, &call->arena, id, &user, err);
	if (r == OK)
		r = api_list_begin(call, &list, err);
	if (r == OK)
		r = paging_contacts(call->conn, id, &call->arena, list_contact, call, err);
	if (r == OK)
		api_list_end(call, &list);
	return r;
}

/* ---- changes ---- */

static const struct spec_field address_fields[] = {
	{ .name = "to", .type = SPEC_TEXT, .max = 254, .about = "email: the address." },
	{ .name = "server", .type = SPEC_TEXT, .max = 500, .about = "ntfy: the server's URL." },
	{ .name = "topic", .type = SPEC_TEXT, .max = 64, .about = "ntfy: the topic." },
	{ .name = "url", .type = SPEC_TEXT, .max = ADDRESS_BYTES_MAX, .about = "webhook: where it posts." },
	{ .name = "command", .type = SPEC_TEXT, .max = 64, .about = "command: its name." },
	{ .name = NULL },
};

#define COMMON_FIELDS                                                                          \
	{ .name = "label", .type = SPEC_TEXT, .max = LABEL_BYTES_MAX, .about = "What they call it." }, \
	{ .name = "order", .type = SPEC_INT, .min = 1, .max = ORDER_MAX,                      \
	  .about = "Smaller is tried first." },                                               \
	{ .name = "delay", .type = SPEC_DURATION, .max = TIME_HOUR,                           \
	  .about = "How long after the page begins." },                                       \
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = urgencies,                       \
	  .about = "Which pages it is used for." },                                           \
	{ .name = "secret", .type = SPEC_TEXT, .flags = SPEC_SECRET, .max = SECRET_BYTES_MAX, \
	  .about = "webhook: the key of the signature; ntfy: an access token." },             \
	{ .name = NULL }

static const struct spec_field new_fields[] = {
	{ .name = "channel", .type = SPEC_CHOICE, .choices = channels, .flags = SPEC_REQUIRED,
	  .about = "How it is sent." },
	{ .name = "address", .type = SPEC_OBJECT, .fields = address_fields, .flags = SPEC_REQUIRED,
	  .about = "Where it goes." },
	COMMON_FIELDS,
};
static const struct spec_field changed_fields[] = {
	{ .name = "address", .type = SPEC_OBJECT, .fields = address_fields, .about = "Where it goes." },
	COMMON_FIELDS,
};

struct contact_writing {
	const struct doc_node *body;
	int64_t user, id; /* id 0: a new one */
};

/* What is not said stays as it is in `contact`. */
static enum err take_fields(struct store_conn *conn, struct arena *arena, const struct doc_node *body,
			    struct paging_contact *contact, struct error *err)
{
	const struct doc_node *address = doc_get(body, "address");
	enum err r = OK;
	if (address != NULL || contact->id == 0)
		r = read_address(conn, arena, contact->channel, address, &contact->address, err);
	if (doc_is(doc_get(body, "label"), DOC_TEXT))
		contact->label = doc_text(doc_get(body, "label"), "");
	if (doc_is(doc_get(body, "urgency"), DOC_TEXT))
		contact->urgency = doc_text(doc_get(body, "urgency"), "");
	if (doc_is(doc_get(body, "delay"), DOC_TEXT))
		duration_parse(doc_text(doc_get(body, "delay"), "0"), &contact->delay);
	contact->position = (int)doc_int(doc_get(body, "order"), contact->position);
	contact->secret = doc_text(doc_get(body, "secret"), "");
	return r;
}

/* Reads what stands now within the transaction, so that two changes at once both count. */
static enum err decide_contact(struct decision *d, const void *args, struct error *err)
{
	struct contact_writing *writing = (struct contact_writing *)args;
	struct paging_contact_put put = { .ret_contact = &writing->id };
	enum err r = OK;
	if (writing->id != 0)
		r = find_contact(d->conn, d->arena, writing->user, writing->id, &put.contact, err);
	else
		put.contact = (struct paging_contact){
			.user = writing->user,
			.channel = doc_text(doc_get(writing->body, "channel"), ""),
			.urgency = STR("all"),
		};
	if (r == OK)
		r = take_fields(d->conn, d->arena, writing->body, &put.contact, err);
	put.keep_secret = writing->id != 0 && doc_get(writing->body, "secret") == NULL;
	return r == OK ? paging_contact_put_decide(d, &put, err) : r;
}

static enum err write_written(struct api_call *call, struct error *err)
{
	const struct contact_writing *writing = call->context;
	struct paging_contact contact;
	enum err r = find_contact(call->conn, &call->arena, writing->user, writing->id, &contact, err);
	if (r == OK)
		write_contact(call, &contact);
	return r;
}

/* The journal's door refuses others' contacts too; here the refusal comes before any lookup tells what
 * exists. */
static enum err may_change(struct api_call *call, int64_t *ret_user, struct error *err)
{
	enum err r = api_id(call, 0, ret_user, err);
	if (r != OK || *ret_user == call->principal.user)
		return r == OK ? guard_need(&call->principal, PERMISSION_SELF, err) : r;
	return guard_need(&call->principal, PERMISSION_ADMIN, err);
}

enum err api_contact_create(struct api_call *call, struct error *err)
{
	struct contact_writing writing = { .id = 0 };
	enum err r = may_change(call, &writing.user, err);
	if (r == OK)
		r = api_body(call, new_fields, &writing.body, err);
	if (r != OK)
		return r;
	call->context = &writing;
	call->status = 201;
	return api_change(call, "contact_create", decide_contact, &writing, write_written, err);
}

enum err api_contact_update(struct api_call *call, struct error *err)
{
	struct contact_writing writing = { .id = 0 };
	enum err r = may_change(call, &writing.user, err);
	if (r == OK)
		r = api_id(call, 1, &writing.id, err);
	if (r == OK)
		r = api_body(call, changed_fields, &writing.body, err);
	if (r != OK)
		return r;
	call->context = &writing;
	return api_change(call, "contact_update", decide_contact, &writing, write_written, err);
}

enum err api_contact_delete(struct api_call *call, struct error *err)
{
	struct paging_contact_ref ref;
	struct paging_contact contact;
	int64_t user;
	enum err r = may_change(call, &user, err);
	if (r == OK)
		r = api_id(call, 1, &ref.contact, err);
	if (r == OK)
		r = find_contact(call->conn, &call->arena, user, ref.contact, &contact, err);
	if (r == OK)
		r = api_change(call, "contact_delete", paging_contact_remove_decide, &ref, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}

/* ---- a test page ---- */

static enum err write_test_page(struct api_call *call, struct error *err)
{
	struct notify_row row;
	if (!newest_page(call, call->context, "", &row))
		return error_set(err, ERR_CORRUPT, "the page that was queued is not there");
	api_page_row(call, &row);
	return OK;
}

enum err api_contact_test(struct api_call *call, struct error *err)
{
	struct paging_contact contact;
	struct paging_contact_ref ref;
	bool admin = guard_may(&call->principal, PERMISSION_ADMIN);
	enum err r = api_id(call, 0, &ref.contact, err);
	if (r == OK)
		r = find_contact(call->conn, &call->arena, admin ? 0 : call->principal.user, ref.contact,
				 &contact, err);
	if (r != OK)
		return r;
	call->context = &contact;
	call->status = 202;
	return api_change(call, "contact_test", paging_test_page_decide, &ref, write_test_page, err);
}
