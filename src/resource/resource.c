/* resource.c: see resource.h. */
#include "resource/resource.h"

#include <assert.h>
#include <string.h>

#include "wire/doc_print.h"
#include "wire/doc_yaml.h"

#define KINDS_MAX 64
#define PRINTED_BYTES_MAX (1u << 20)

struct parse {
	const struct resource_kind *kinds;
	const struct spec_field *envelope;
	const struct resource_file *file;
	const char *source;
	struct arena *arena;
	struct spec_errors *errors;
	struct resource_list list;
	struct error *err;
};

const struct resource_kind *resource_kind_find(const struct resource_kind *kinds, struct str name)
{
	for (; kinds->name != NULL; kinds++) {
		if (str_is(name, kinds->name))
			return kinds;
	}
	return NULL;
}

/* The YAML or JSON reader's own sentence, among the others. */
static void report_syntax(struct parse *parse, const struct error *err)
{
	struct doc_place place;
	struct str sentence;
	doc_fail_split(str_of(err->text), parse->source, &place, &sentence);
	parse->errors->subject = NULL;
	struct doc_node at = { .line = place.line, .column = place.column };
	spec_error(parse->errors, &at, NULL, STR_FMT "%s%s", STR_ARG(sentence),
		   err->hint[0] != '\0' ? "; " : "", err->hint);
}

static const struct resource *find_earlier(const struct parse *parse, const struct resource *one)
{
	for (size_t i = 0; i < parse->list.count; i++) {
		const struct resource *other = &parse->list.items[i];
		if (other->kind == one->kind && str_eq(other->name, one->name))
			return other;
	}
	return NULL;
}

enum err resource_check(const struct resource_kind *kind, struct str name,
			const struct doc_node *spec, struct arena *arena,
			struct spec_errors *errors, const struct doc_node **ret_full,
			struct str *ret_spec)
{
	const struct doc_node *full, *canonical;
	struct str shown = str_sub(name, 0, 63);
	errors->subject = arena_cstr(
		arena, arena_printf(arena, "%s \"" STR_FMT "\"", kind->name, STR_ARG(shown)));
	errors->base = "spec";
	enum err result = spec_check(kind->fields, kind->rule, spec, arena, errors, &full, &canonical);
	if (result != OK)
		return result;
	cleanup_buf struct buf json;
	buf_init(&json, RESOURCE_SPEC_BYTES_MAX);
	doc_print_json(canonical, &json);
	if (json.full) {
		spec_error(errors, spec, NULL, "the spec has more than %u bytes",
			   RESOURCE_SPEC_BYTES_MAX);
		return ERR_INVALID;
	}
	*ret_spec = arena_str(arena, buf_str(&json));
	*ret_full = full;
	return OK;
}

static void add_resource(struct parse *parse, struct resource *resource,
			 const struct doc_node *name)
{
	const struct resource *earlier = find_earlier(parse, resource);
	if (earlier != NULL) {
		spec_error(parse->errors, name, NULL,
			   "it is defined twice, first in " STR_FMT ":%u", STR_ARG(earlier->source),
			   earlier->place.line);
		return;
	}
	parse->list.items[parse->list.count++] = *resource;
}

static void take_document(struct parse *parse, const struct doc_node *root)
{
	const struct doc_node *envelope;
	struct spec_errors *errors = parse->errors;
	errors->subject = "the definition";
	errors->base = NULL;
	if (spec_check(parse->envelope, NULL, root, parse->arena, errors, &envelope, NULL) != OK)
		return;
	const struct doc_node *name = doc_get(doc_get(envelope, "metadata"), "name");
	struct resource resource = {
		.kind = resource_kind_find(parse->kinds, doc_text(doc_get(envelope, "kind"), "")),
		.name = doc_text(name, ""),
		.source = parse->file->name,
		.place = { root->line, root->column },
	};
	const struct doc_node *spec = doc_get(root, "spec");
	struct doc_node empty = { .kind = DOC_MAP, .line = root->line, .column = root->column };
	if (spec == NULL || spec->kind == DOC_NULL)
		spec = &empty;
	if (resource_check(resource.kind, resource.name, spec, parse->arena, errors, &resource.full,
			   &resource.spec) == OK)
		add_resource(parse, &resource, name);
}

static enum err too_much(struct parse *parse)
{
	enum err result = error_set(parse->err, ERR_TOO_LARGE,
				    "the files define more than fits into one apply");
	error_hint(parse->err, "apply them in several sets of at most %d definitions each",
		   RESOURCES_MAX);
	return result;
}

static enum err take_documents(struct parse *parse, struct doc_yaml *yaml)
{
	const struct doc_node *root;
	struct error syntax = { 0 };
	for (;;) {
		if (parse->list.count == RESOURCES_MAX ||
		    arena_room(parse->arena) < RESOURCE_ROOM_BYTES)
			return too_much(parse);
		if (doc_yaml_next(yaml, &root, &syntax) != OK) {
			report_syntax(parse, &syntax);
			return OK; /* other files may have mistakes too: all are told at once */
		}
		if (root == NULL)
			return OK;
		if (root->kind != DOC_NULL)
			take_document(parse, root);
	}
}

static enum err take_file(struct parse *parse, const struct resource_file *file)
{
	struct doc_limits limits = DOC_LIMITS_DEFAULT;
	limits.bytes_max = RESOURCE_FILE_BYTES_MAX;
	if (arena_room(parse->arena) < RESOURCE_ROOM_BYTES)
		return too_much(parse);
	parse->file = file;
	parse->source = arena_cstr(parse->arena, file->name);
	parse->errors->source = parse->source;
	struct doc_yaml *yaml = doc_yaml_create(file->text, parse->arena, limits, parse->source);
	enum err result = take_documents(parse, yaml);
	doc_yaml_destroy(&yaml);
	return result;
}

static enum err take_files(struct parse *parse, const struct resource_file *files, size_t count)
{
	const char *kinds[KINDS_MAX + 1] = { NULL };
	static const char *const versions[] = { RESOURCE_API_VERSION, NULL };
	static const struct spec_field metadata[] = {
		{ .name = "name", .type = SPEC_NAME, .flags = SPEC_REQUIRED },
		{ .name = NULL },
	};
	for (size_t i = 0; parse->kinds[i].name != NULL; i++) {
		assert(i < KINDS_MAX);
		kinds[i] = parse->kinds[i].name;
	}
	const struct spec_field envelope[] = {
		{ .name = "apiVersion", .type = SPEC_CHOICE, .choices = versions, .flags = SPEC_REQUIRED },
		{ .name = "kind", .type = SPEC_CHOICE, .choices = kinds, .flags = SPEC_REQUIRED },
		{ .name = "metadata", .type = SPEC_OBJECT, .fields = metadata, .flags = SPEC_REQUIRED },
		{ .name = "spec", .type = SPEC_ANY },
		{ .name = NULL },
	};
	parse->envelope = envelope;
	for (size_t i = 0; i < count; i++) {
		enum err result = take_file(parse, &files[i]);
		if (result != OK)
			return result;
	}
	parse->envelope = NULL;
	return OK;
}

enum err resource_parse(const struct resource_kind *kinds, const struct resource_file *files,
			size_t file_count, struct arena *arena, struct spec_errors *errors,
			struct resource_list *ret_list, struct error *err)
{
	struct parse parse = { .kinds = kinds, .arena = arena, .errors = errors, .err = err };
	if (file_count > RESOURCE_FILES_MAX)
		return error_set(err, ERR_TOO_LARGE, "%zu files are more than the %d of one apply",
				 file_count, RESOURCE_FILES_MAX);
	if (arena_room(arena) < RESOURCE_ROOM_BYTES + RESOURCES_MAX * sizeof *parse.list.items)
		return too_much(&parse);
	parse.list.items = arena_array(arena, struct resource, RESOURCES_MAX);
	const char *source = errors->source;
	enum err result = take_files(&parse, files, file_count);
	errors->source = source;
	errors->subject = errors->base = NULL;
	if (result != OK)
		return result;
	if (errors->count > 0)
		return spec_errors_result(errors, err);
	*ret_list = parse.list;
	return OK;
}

void resource_print(const struct resource_kind *kind, struct str name, const struct doc_node *spec,
		    struct arena *arena, struct buf *buf)
{
	assert(str_is_name(name));
	struct doc_entry in_metadata = { .key = STR("name"),
					 .value = { .kind = DOC_TEXT, .text = name } };
	struct doc_entry entries[] = {
		{ STR("apiVersion"), 0, 0, { .kind = DOC_TEXT, .text = STR(RESOURCE_API_VERSION) } },
		{ STR("kind"), 0, 0, { .kind = DOC_TEXT, .text = str_of(kind->name) } },
		{ STR("metadata"), 0, 0,
		  { .kind = DOC_MAP, .count = 1, .map.entries = &in_metadata } },
		{ STR("spec"), 0, 0, *spec_mask(kind->fields, spec, arena) },
	};
	struct doc_node root = { .kind = DOC_MAP, .count = 4, .map.entries = entries };
	buf_adds(buf, "---\n");
	doc_print_yaml(&root, buf);
}

void resource_kinds_describe(const struct resource_kind *kinds, struct json_writer *json)
{
	json_list_begin(json);
	for (; kinds->name != NULL; kinds++) {
		json_map_begin(json);
		json_field_cstr(json, "kind", kinds->name);
		json_field_cstr(json, "about", kinds->about);
		json_key(json, "fields");
		spec_describe(kinds->fields, json);
		json_map_end(json);
	}
	json_list_end(json);
}

void resource_kind_explain(const struct resource_kind *kind, struct buf *buf)
{
	buf_printf(buf, "%s: %s\n\nspec:\n", kind->name, kind->about);
	spec_explain(kind->fields, buf);
}

static void assert_refers(const struct resource_kind *kinds, const char *const *others,
			  const struct spec_field *rows)
{
	for (; rows->name != NULL; rows++) {
		const struct spec_field *row = rows;
		while (row->item != NULL)
			row = row->item;
		bool known = row->refers == NULL ||
			     resource_kind_find(kinds, str_of(row->refers)) != NULL;
		for (size_t i = 0; !known && others != NULL && others[i] != NULL; i++)
			known = strcmp(others[i], row->refers) == 0;
		assert(known);
		if (row->fields != NULL)
			assert_refers(kinds, others, row->fields);
	}
}

void resource_kinds_assert(const struct resource_kind *kinds, const char *const *others)
{
	for (const struct resource_kind *kind = kinds; kind->name != NULL; kind++) {
		assert(kind->about != NULL && str_ends(str_of(kind->about), STR(".")));
		assert(resource_kind_find(kinds, str_of(kind->name)) == kind);
		spec_rows_assert(kind->fields);
		assert_refers(kinds, others, kind->fields);
		const struct spec_field *row = kind->fields;
		while (kind->acyclic != NULL && row->name != NULL &&
		       strcmp(row->name, kind->acyclic) != 0)
			row++;
		assert(kind->acyclic == NULL || row->name != NULL);
	}
}
