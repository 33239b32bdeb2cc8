/* api_settings.c: how notifications leave this installation, and what browsers say of those they got. */
#include <string.h>

#include "api/api_handlers.h"
#include "journal/copies.h"
#include "notify/notify.h"
#include "notify/notify_channel.h"
#include "notify/notify_settings.h"

#define DETAIL_BYTES_MAX 200
#define ITEMS_BYTES_MAX 65536u

static void list_command(void *context, struct str name)
{
	json_text(context, name);
}

static enum err write_notifications(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct notify_settings *settings = arena_new(&call->arena, struct notify_settings);
	enum err r = notify_settings_get(call->conn, &call->arena, settings, err);
	if (r != OK)
		return r;
	json_map_begin(json);
	notify_settings_write(settings, json);
	json_key(json, "commands");
	json_list_begin(json);
	if (call->api->options.commands != NULL)
		channel_commands(call->api->options.commands, list_command, json);
	json_list_end(json);
	json_map_end(json);
	return OK;
}

static enum err write_backup(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct journal_backup backup;
	bool found;
	enum err r = journal_backup_last(call->conn, &call->arena, &found, &backup, err);
	if (r != OK || !found) {
		json_null(json);
		return r;
	}
	json_map_begin(json);
	json_field_time(json, "made", backup.made);
	json_field_int(json, "events", backup.events);
	json_field_int(json, "bytes", backup.bytes);
	json_field_bool(json, "secrets", backup.secrets);
	json_field_text(json, "name", backup.name);
	json_map_end(json);
	return OK;
}

static void write_node(struct api_call *call, const struct store_nodes *seen, const struct store_node *node)
{
	const struct api_options *options = &call->api->options;
	const struct api_sense *sense = options->sense;
	struct json_writer *json = &call->json;
	bool here = strcmp(node->name, options->node) == 0;
	json_map_begin(json);
	json_field_cstr(json, "name", node->name);
	json_field_text_or_null(json, "url", str_of(node->url));
	json_field_bool(json, "leads", strcmp(node->name, seen->leader.node) == 0 && seen->leader.alive);
	json_field_time(json, "seen_at", call->now - node->silent);
	json_field_int(json, "checks", sense != NULL && sense->looked_by != NULL
					       ? (int64_t)sense->looked_by(sense->context, here ? "" : node->name) : 0);
	json_map_end(json);
}

/* Null: the store belongs to this server alone, or does not say. */
static void write_servers(struct api_call *call)
{
	const struct api_options *options = &call->api->options;
	struct json_writer *json = &call->json;
	struct store_nodes *seen = arena_new(&call->arena, struct store_nodes);
	json_key(json, "servers");
	if (options->nodes == NULL || !options->nodes(options->nodes_context, seen)) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	json_field_int(json, "epoch", seen->leader.epoch);
	json_key(json, "items");
	json_list_begin(json);
	for (unsigned i = 0; i < seen->count; i++)
		write_node(call, seen, &seen->rows[i]);
	json_list_end(json);
	json_map_end(json);
}

enum err api_settings_get(struct api_call *call, struct error *err)
{
	const struct api_options *options = &call->api->options;
	cleanup_buf struct buf items;
	buf_init(&items, ITEMS_BYTES_MAX);
	if (options->settings != NULL) {
		enum err r = options->settings(options->settings_context, &items, err);
		if (r != OK)
			return r;
	}
	json_map_begin(&call->json);
	json_key(&call->json, "items");
	json_raw(&call->json, items.used > 0 ? buf_str(&items) : STR("[]"));
	write_servers(call);
	json_key(&call->json, "backup");
	enum err r = write_backup(call, err);
	json_key(&call->json, "notifications");
	if (r == OK)
		r = write_notifications(call, err);
	json_map_end(&call->json);
	return r;
}

enum err api_settings_notifications(struct api_call *call, struct error *err)
{
	struct notify_settings_change change = { .change = call->body };
	if (call->body == NULL)
		return error_set(err, ERR_INVALID, "the body says nothing; send what is to change as JSON");
	return api_change(call, "settings_notifications", notify_settings_decide, &change,
			  write_notifications, err);
}

/* ---- browsers ---- */

static const struct spec_field shown_fields[] = {
	{ .name = "page", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .max = INT64_MAX,
	  .about = "The page." },
	{ .name = "shown", .type = SPEC_BOOL, .otherwise = "true",
	  .about = "False when the browser refused." },
	{ .name = "detail", .type = SPEC_TEXT, .max = DETAIL_BYTES_MAX, .about = "What the browser said." },
	{ .name = NULL },
};

/* Only Mainstay records what became of a page; whose page it is was asked of the session. */
enum err api_browser_page_ack(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	enum err r = api_body(call, shown_fields, &body, err);
	if (r != OK)
		return r;
	struct notify_delivered told = {
		.page = doc_int(doc_get(body, "page"), 0),
		.user = call->principal.user,
		.shown = doc_bool(doc_get(body, "shown"), true),
		.detail = doc_text(doc_get(body, "detail"), ""),
	};
	r = api_change_as(call, ACTOR_SYSTEM, "browser_page_ack", notify_delivered_decide, &told, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}
