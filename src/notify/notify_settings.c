/* notify_settings.c: see notify_settings.h. */
#include "notify/notify_settings.h"

#include <assert.h>
#include <string.h>

#include "notify/notify_priv.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define SECTION_BYTES_MAX 65536u
#define SECTIONS 3
#define SECTION_ENTRIES_MAX 8u /* small maps need no order, so that one can be made by hand */

static const char *const securities[] = { "none", "starttls", "tls", NULL };

static const struct spec_field smtp_rows[] = {
	{ .name = "host", .type = SPEC_HOST, .flags = SPEC_REQUIRED,
	  .about = "The mail server that takes our mail." },
	{ .name = "port", .type = SPEC_PORT, .otherwise = "587",
	  .about = "587 for starttls, 465 for tls, 25 for a relay on this machine." },
	{ .name = "security", .type = SPEC_CHOICE, .choices = securities, .otherwise = "starttls",
	  .about = "How the connection is encrypted." },
	{ .name = "user", .type = SPEC_TEXT, .min = 1, .max = 200,
	  .about = "Who signs in; absent: nobody does." },
	{ .name = "password", .type = SPEC_TEXT, .flags = SPEC_SECRET, .min = 1, .max = 500,
	  .about = "Its password." },
	{ .name = "from", .type = SPEC_EMAIL, .flags = SPEC_REQUIRED,
	  .about = "The address that mails come from." },
	{ .name = NULL },
};

static const struct spec_field ntfy_rows[] = {
	{ .name = "server", .type = SPEC_URL, .flags = SPEC_REQUIRED,
	  .about = "The ntfy server for contacts that name only a topic." },
	{ .name = "token", .type = SPEC_TEXT, .flags = SPEC_SECRET, .min = 1, .max = 200,
	  .about = "Its access token." },
	{ .name = NULL },
};

static const struct spec_field range_row = { .name = "range", .type = SPEC_TEXT, .min = 1, .max = 64,
					     .about = "An address or a range like 10.0.0.0/8." };

static void check_ranges(const struct doc_node *webhook, struct spec_errors *errors)
{
	const struct doc_node *list = doc_get(webhook, "allow");
	for (size_t i = 0; i < doc_count(list); i++) {
		struct address_range range;
		struct str text = doc_text(doc_at(list, i), "");
		if (!address_range_parse(text, &range))
			spec_error(errors, doc_at(list, i), "allow",
				   "\"" STR_FMT "\" is not a range of addresses like 10.0.0.0/8",
				   STR_ARG(text));
	}
}

static const struct spec_field webhook_rows[] = {
	{ .name = "allow", .type = SPEC_LIST, .item = &range_row, .max = NOTIFY_ALLOW_MAX,
	  .otherwise = "[]",
	  .about = "Ranges that webhooks may reach although they are not public." },
	{ .name = NULL },
};

const struct spec_field notify_settings_spec[] = {
	{ .name = "smtp", .type = SPEC_OBJECT, .fields = smtp_rows, .about = "How mail leaves." },
	{ .name = "ntfy", .type = SPEC_OBJECT, .fields = ntfy_rows, .about = "The usual ntfy server." },
	{ .name = "webhook", .type = SPEC_OBJECT, .fields = webhook_rows, .rule = check_ranges,
	  .about = "Where webhooks may go." },
	{ .name = NULL },
};

/* Each section has at most one secret, and names the server it is for. */
static const struct section {
	const char *name, *secret, *server;
	const struct spec_field *rows;
} sections[SECTIONS] = {
	{ "smtp", "password", "host", smtp_rows },
	{ "ntfy", "token", "server", ntfy_rows },
	{ "webhook", NULL, NULL, webhook_rows },
};

/* ---- changing ---- */

/* A copy without the entries that are null, one more level down when `deep`. */
static struct doc_node without_nulls(const struct doc_node *map, bool deep, struct arena *arena)
{
	struct doc_node copy = *map;
	if (map->kind != DOC_MAP || map->count > SECTION_ENTRIES_MAX)
		return copy;
	struct doc_entry *entries = arena_array(arena, struct doc_entry, map->count + 1);
	copy.count = 0;
	for (size_t i = 0; i < map->count; i++) {
		struct doc_entry entry = map->map.entries[i];
		if (entry.value.kind == DOC_NULL)
			continue;
		if (deep)
			entry.value = without_nulls(&entry.value, false, arena);
		entries[copy.count++] = entry;
	}
	copy.map.entries = entries;
	copy.map.order = NULL;
	return copy;
}

/* A copy of a small map with this key set to this text. */
static const struct doc_node *with_text(const struct doc_node *map, const char *key, struct str text,
					struct arena *arena)
{
	struct doc_node *copy = arena_new(arena, struct doc_node);
	struct doc_entry *entries = arena_array(arena, struct doc_entry, map->count + 1);
	assert(map->kind == DOC_MAP && map->count < SECTION_ENTRIES_MAX);
	*copy = *map;
	memcpy(entries, map->map.entries, map->count * sizeof *entries);
	entries[copy->count++] = (struct doc_entry){
		.key = str_of(key), .value = { .kind = DOC_TEXT, .text = text },
	};
	copy->map.entries = entries;
	copy->map.order = NULL;
	return copy;
}

static enum err parse_section(struct str json, struct arena *arena, const struct doc_node **ret_section,
			      struct error *err)
{
	if (json.len == 0) {
		*ret_section = NULL;
		return OK;
	}
	enum err r = doc_json_parse(json, arena, DOC_LIMITS_DEFAULT, NULL, ret_section, err);
	return r == OK ? OK : error_set(err, ERR_CORRUPT, "could not read the stored settings of notifications");
}

/* Gives the secret that was stored to a section that came without one. */
static enum err keep_secret(struct decision *d, const struct section *section,
			    const struct doc_node *asked, const struct doc_node **io_section,
			    struct error *err)
{
	struct str json;
	const struct doc_node *before;
	if (section->secret == NULL || doc_get(asked, section->secret) != NULL)
		return OK;
	enum err r = setting_get(d->conn, section->name, d->arena, &json, err);
	if (r == OK)
		r = parse_section(json, d->arena, &before, err);
	if (r != OK)
		return r;
	struct str secret = doc_text(doc_get(before, section->secret), "");
	if (secret.len == 0)
		return OK;
	if (!str_eq(doc_text(doc_get(before, section->server), ""),
		    doc_text(doc_get(*io_section, section->server), ""))) {
		error_set(err, ERR_INVALID, "the %s of %s was set for another server", section->secret,
			  section->name);
		error_field(err, "%s.%s", section->name, section->secret);
		error_hint(err, "give it again, or null to go without");
		return ERR_INVALID;
	}
	*io_section = with_text(*io_section, section->secret, secret, d->arena);
	return OK;
}

static enum err check_sign_in(const struct section *section, const struct doc_node *doc,
			      struct error *err)
{
	if (strcmp(section->name, "smtp") != 0 || doc_get(doc, "user") == NULL ||
	    doc_get(doc, "password") != NULL)
		return OK;
	error_set(err, ERR_INVALID, "a user of the mail relay needs a password");
	error_field(err, "smtp.password");
	return ERR_INVALID;
}

static struct str print(struct decision *d, const struct doc_node *doc)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, SECTION_BYTES_MAX);
	doc_print_json(doc, &buf);
	assert(!buf.full);
	return arena_str(d->arena, buf_str(&buf));
}

static void store_section(struct decision *d, const struct section *section, const struct doc_node *doc)
{
	struct event_settings_changed changed = { .section = str_of(section->name), .values = STR("null") };
	struct setting_row *row = arena_new(d->arena, struct setting_row);
	row->key = section->name;
	if (doc != NULL) {
		row->value = print(d, doc);
		changed.values = print(d, spec_mask(section->rows, doc, d->arena));
	}
	decision_emit(d, EVENT_SETTINGS_CHANGED, 0, &changed);
	decision_work(d, setting_put, row);
}

enum err notify_settings_decide(struct decision *d, const void *args, struct error *err)
{
	const struct doc_node *change = ((const struct notify_settings_change *)args)->change, *full;
	struct spec_errors errors;
	spec_errors_init(&errors, d->arena, NULL);
	struct doc_node clean = without_nulls(change, true, d->arena);
	if (spec_check(notify_settings_spec, NULL, &clean, d->arena, &errors, &full, NULL) != OK)
		return spec_errors_result(&errors, err);
	const struct doc_node *made[SECTIONS] = { NULL };
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct doc_node *asked = doc_get(change, sections[i].name);
		if (asked == NULL || asked->kind == DOC_NULL)
			continue;
		made[i] = doc_get(full, sections[i].name);
		enum err r = keep_secret(d, &sections[i], asked, &made[i], err);
		if (r == OK)
			r = check_sign_in(&sections[i], made[i], err);
		if (r != OK)
			return r;
	}
	for (size_t i = 0; i < SECTIONS; i++) {
		if (doc_get(change, sections[i].name) != NULL)
			store_section(d, &sections[i], made[i]);
	}
	return OK;
}

/* ---- reading ---- */

static void fill_smtp(struct notify_settings *settings, const struct doc_node *doc)
{
	settings->smtp.host = doc_text(doc_get(doc, "host"), "");
	settings->smtp.port = (uint16_t)doc_int(doc_get(doc, "port"), 587);
	settings->smtp.security = doc_text(doc_get(doc, "security"), "starttls");
	settings->smtp.user = doc_text(doc_get(doc, "user"), "");
	if (settings->smtp.user.len > 0)
		settings->smtp.password = doc_text(doc_get(doc, "password"), "");
	settings->smtp.from = doc_text(doc_get(doc, "from"), "");
}

static void fill_webhook(struct notify_settings *settings, const struct doc_node *doc)
{
	const struct doc_node *list = doc_get(doc, "allow");
	for (size_t i = 0; i < doc_count(list) && settings->webhook.allows < NOTIFY_ALLOW_MAX; i++) {
		struct address_range *range = &settings->webhook.allow[settings->webhook.allows];
		if (address_range_parse(doc_text(doc_at(list, i), ""), range))
			settings->webhook.allows++;
	}
}

enum err notify_settings_get(struct store_conn *conn, struct arena *arena,
			     struct notify_settings *ret_settings, struct error *err)
{
	struct notify_settings settings = { 0 };
	const struct doc_node *docs[SECTIONS];
	for (size_t i = 0; i < SECTIONS; i++) {
		struct str json;
		enum err r = setting_get(conn, sections[i].name, arena, &json, err);
		if (r == OK)
			r = parse_section(json, arena, &docs[i], err);
		if (r != OK)
			return r;
	}
	fill_smtp(&settings, docs[0]);
	settings.ntfy.server = doc_text(doc_get(docs[1], "server"), "");
	settings.ntfy.token = doc_text(doc_get(docs[1], "token"), "");
	fill_webhook(&settings, docs[2]);
	*ret_settings = settings;
	return OK;
}

static void write_smtp(const struct notify_settings *settings, struct json_writer *json)
{
	json_key(json, "smtp");
	if (settings->smtp.host.len == 0) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	json_field_text(json, "host", settings->smtp.host);
	json_field_int(json, "port", settings->smtp.port);
	json_field_text(json, "security", settings->smtp.security);
	if (settings->smtp.user.len > 0)
		json_field_text(json, "user", settings->smtp.user);
	else
		json_field_null(json, "user");
	json_field_bool(json, "password_set", settings->smtp.password.len > 0);
	json_field_text(json, "from", settings->smtp.from);
	json_map_end(json);
}

static void write_ntfy(const struct notify_settings *settings, struct json_writer *json)
{
	json_key(json, "ntfy");
	if (settings->ntfy.server.len == 0) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	json_field_text(json, "server", settings->ntfy.server);
	json_field_bool(json, "token_set", settings->ntfy.token.len > 0);
	json_map_end(json);
}

void notify_settings_write(const struct notify_settings *settings, struct json_writer *json)
{
	assert(settings->webhook.allows <= NOTIFY_ALLOW_MAX);
	write_smtp(settings, json);
	write_ntfy(settings, json);
	json_key(json, "webhook");
	json_map_begin(json);
	json_key(json, "allow");
	json_list_begin(json);
	for (unsigned i = 0; i < settings->webhook.allows; i++) {
		char address[ADDRESS_TEXT_BYTES], text[ADDRESS_TEXT_BYTES + 4];
		address_format(&settings->webhook.allow[i].base, address);
		snprintf(text, sizeof text, "%s/%u", address, settings->webhook.allow[i].bits);
		json_cstr(json, text);
	}
	json_list_end(json);
	json_map_end(json);
}
