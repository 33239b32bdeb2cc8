/* api_apply.c: definitions as files: apply, and export. */
#include <assert.h>

#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "resource/plan.h"

#define ROOM_LEAST (8u << 20) /* what the plan and the answer need beside what is defined now */
#define ROW_ARENA_BYTES (16u << 20)

static const struct spec_field file_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 255,
	  .about = "What errors call the file." },
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .max = RESOURCE_FILE_BYTES_MAX,
	  .about = "YAML documents." },
	{ .name = NULL },
};
static const struct spec_field file = { .name = "file", .type = SPEC_OBJECT, .fields = file_fields,
					.about = "One file." };
static const struct spec_field apply_fields[] = {
	{ .name = "set", .type = SPEC_NAME, .flags = SPEC_REQUIRED,
	  .about = "The file set that manages the definitions." },
	{ .name = "files", .type = SPEC_LIST, .item = &file, .flags = SPEC_REQUIRED,
	  .max = RESOURCE_FILES_MAX, .about = "The files, all of the set." },
	{ .name = "dry_run", .type = SPEC_BOOL, .otherwise = "false", .about = "Only say what would happen." },
	{ .name = "prune", .type = SPEC_BOOL, .otherwise = "false",
	  .about = "Delete what is of this set and no longer in the files." },
	{ .name = "take", .type = SPEC_BOOL, .otherwise = "false",
	  .about = "Overwrite what people changed since." },
	{ .name = NULL },
};

/* What one apply works on. */
struct applying {
	struct plan_options options;
	bool dry_run;
	struct resource_file *files;
	size_t file_count;
	struct spec_errors errors;
	struct plan plan;
	bool applied;
};

static enum err read_request(struct api_call *call, struct applying *applying, struct error *err)
{
	const struct doc_node *body;
	enum err r = api_body(call, apply_fields, &body, err);
	if (r != OK)
		return r;
	const struct doc_node *files = doc_get(body, "files");
	applying->options = (struct plan_options){
		.set = doc_text(doc_get(body, "set"), ""),
		.prune = doc_bool(doc_get(body, "prune"), false),
		.take = doc_bool(doc_get(body, "take"), false),
		.diff = true,
	};
	applying->dry_run = doc_bool(doc_get(body, "dry_run"), false);
	applying->file_count = doc_count(files);
	applying->files = arena_array(&call->arena, struct resource_file, applying->file_count + 1);
	for (size_t i = 0; i < applying->file_count; i++)
		applying->files[i] = (struct resource_file){
			doc_text(doc_get(doc_at(files, i), "name"), ""),
			doc_text(doc_get(doc_at(files, i), "text"), ""),
		};
	return OK;
}

/* ---- what is defined now, kept in the call's arena ---- */

struct keeping {
	struct api_call *call;
	definition_each_fn *each;
	void *context;
	bool full;
};

static bool keep_one(void *context, const struct definition *definition)
{
	struct keeping *keeping = context;
	struct arena *arena = &keeping->call->arena;
	struct definition kept = *definition;
	keeping->full = arena_room(arena) < ROOM_LEAST;
	if (keeping->full)
		return false;
	kept.kind = arena_str(arena, definition->kind);
	kept.name = arena_str(arena, definition->name);
	kept.spec = arena_str(arena, definition->spec);
	kept.manager = arena_str(arena, definition->manager);
	return keeping->each(keeping->context, &kept);
}

static enum err list_current(void *context, definition_each_fn *each, void *each_context,
			     struct error *err)
{
	struct keeping keeping = { .call = context, .each = each, .context = each_context };
	enum err r = api_definitions(keeping.call->conn, STR_NONE, STR_NONE, keep_one, &keeping, err);
	if (r == OK && keeping.full)
		r = error_set(err, ERR_TOO_LARGE, "there are more definitions than one plan can hold");
	return r;
}

static bool zone_known(void *context, struct str zone)
{
	const struct tz *tz;
	return zones_find(context, zone, &tz, NULL) == OK;
}

/* Mistakes in files are no error of the request: they stand in the answer. */
static enum err make_plan(struct api_call *call, struct applying *applying, struct error *err)
{
	struct plan_current current = { .context = call, .list = list_current };
	struct resource_list wanted;
	spec_errors_init(&applying->errors, &call->arena, NULL);
	applying->errors.zone_known = call->api->options.zones != NULL ? zone_known : NULL;
	applying->errors.zone_context = call->api->options.zones;
	enum err r = resource_parse(api_kinds, applying->files, applying->file_count, &call->arena,
				    &applying->errors, &wanted, err);
	if (r == OK)
		r = plan_make(api_kinds, &wanted, &current, &applying->options, &call->arena,
			      &applying->errors, &applying->plan, err);
	if (r == ERR_INVALID && applying->errors.count > 0) {
		applying->plan = (struct plan){ 0 };
		return OK;
	}
	return r;
}

/* ---- the answer ---- */

static void write_change(struct json_writer *json, const struct plan_change *change)
{
	bool from_file = change->source.len > 0;
	json_map_begin(json);
	json_field_cstr(json, "action", plan_action_name(change->action));
	json_field_cstr(json, "kind", change->kind->name);
	json_field_text(json, "name", change->name);
	json_field_text_or_null(json, "file", change->source);
	json_key(json, "line");
	if (from_file)
		json_int(json, change->place.line);
	else
		json_null(json);
	if (change->diff.len > 0)
		json_field_text(json, "diff", change->diff);
	if (change->why.len > 0)
		json_field_text(json, "reason", change->why);
	json_map_end(json);
}

static void write_error(struct json_writer *json, const struct spec_error *error)
{
	json_map_begin(json);
	json_field_text(json, "file", error->source);
	json_field_int(json, "line", error->place.line);
	json_field_int(json, "column", error->place.column);
	json_field_text(json, "text", error->text);
	json_map_end(json);
}

static void write_errors(struct api_call *call, const struct spec_errors *errors)
{
	struct json_writer *json = &call->json;
	for (size_t i = 0; i < errors->count; i++)
		write_error(json, &errors->rows[i]);
	if (errors->dropped == 0)
		return;
	struct spec_error more = { .text = arena_printf(&call->arena, "and %zu more mistakes",
							errors->dropped) };
	write_error(json, &more);
}

static enum err write_result(struct api_call *call, struct error *err)
{
	const struct applying *applying = call->context;
	struct json_writer *json = &call->json;
	(void)err;
	json_map_begin(json);
	json_field_bool(json, "applied", applying->applied);
	json_key(json, "changes");
	json_list_begin(json);
	for (size_t i = 0; i < applying->plan.count; i++)
		write_change(json, &applying->plan.changes[i]);
	json_list_end(json);
	json_key(json, "errors");
	json_list_begin(json);
	write_errors(call, &applying->errors);
	json_list_end(json);
	json_map_end(json);
	return OK;
}

enum err api_apply(struct api_call *call, struct error *err)
{
	struct applying *applying = arena_new(&call->arena, struct applying);
	enum err r = read_request(call, applying, err);
	if (r == OK)
		r = make_plan(call, applying, err);
	if (r != OK)
		return r;
	bool refused = applying->plan.counts[PLAN_REFUSED] > 0;
	call->context = applying;
	if (applying->dry_run || refused || applying->errors.count > 0)
		return write_result(call, err);
	applying->applied = true;
	struct definition_changes changes =
		plan_changes(&applying->plan, &applying->options, &call->arena);
	return api_change(call, "apply", definition_change_decide, &changes, write_result, err);
}

/* ---- export ---- */

struct exporting {
	struct api_call *call;
	struct arena arena; /* of one definition */
};

static bool export_one(void *context, const struct definition *definition)
{
	struct exporting *exporting = context;
	const struct resource_kind *kind = resource_kind_find(api_kinds, definition->kind);
	arena_reset(&exporting->arena);
	const struct doc_node *spec = api_spec_of(definition, &exporting->arena);
	if (kind != NULL && spec != NULL)
		resource_print(kind, definition->name, spec, &exporting->arena, &exporting->call->out);
	return !exporting->call->out.full;
}

enum err api_export(struct api_call *call, struct error *err)
{
	struct exporting exporting = { .call = call };
	struct str asked = api_query(call, "kind");
	enum err r = OK;
	if (asked.len > 0 && resource_kind_find(api_kinds, asked) == NULL) {
		error_set(err, ERR_INVALID, "there is no kind \"" STR_FMT "\"", STR_ARG(str_sub(asked, 0, 63)));
		error_field(err, "kind");
		return ERR_INVALID;
	}
	arena_init(&exporting.arena, ROW_ARENA_BYTES);
	for (const struct resource_kind *kind = api_kinds; r == OK && kind->name != NULL; kind++) {
		if (asked.len == 0 || str_is(asked, kind->name))
			r = api_definitions(call->conn, str_of(kind->name), STR_NONE, export_one,
					    &exporting, err);
	}
	arena_finish(&exporting.arena);
	if (r == OK && call->out.full) {
		error_set(err, ERR_TOO_LARGE, "the export is larger than %u bytes", API_ANSWER_BYTES_MAX);
		error_hint(err, "export one kind at a time with ?kind=");
		return ERR_TOO_LARGE;
	}
	call->content_type = "application/yaml";
	return r;
}
