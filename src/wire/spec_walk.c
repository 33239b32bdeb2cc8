/* spec_walk.c: what else reads the rows: references, secrets, descriptions. */
#include <assert.h>
#include <string.h>

#include "wire/json_writer.h"
#include "wire/spec_priv.h"

#define EXPLAIN_INDENT 2
#define WALK_ROWS_MAX 100

/* References. */

struct refer_run {
	struct arena *arena;
	spec_refer_fn *see;
	void *context;
};

static void refer_rows(struct refer_run *run, const struct spec_field *rows,
		       const struct doc_node *node, const struct spec_path *at);

static void refer_value(struct refer_run *run, const struct spec_field *field,
			const struct doc_node *node, const struct spec_path *at)
{
	if (field->refers != NULL && node->kind == DOC_TEXT)
		run->see(run->context, field->refers, node, spec_path_text(run->arena, NULL, at));
	if (field->type == SPEC_OBJECT)
		refer_rows(run, field->fields, node, at);
	for (size_t i = 0; field->type == SPEC_LIST && i < doc_count(node); i++) {
		struct spec_path item = { at, STR_NONE, i };
		refer_value(run, field->item, doc_at(node, i), &item);
	}
	for (size_t i = 0; field->type == SPEC_MAP && i < doc_count(node); i++) {
		const struct doc_entry *entry = doc_entry_at(node, i);
		struct spec_path item = { at, entry->key, 0 };
		refer_value(run, field->item, &entry->value, &item);
	}
}

static void refer_rows(struct refer_run *run, const struct spec_field *rows,
		       const struct doc_node *node, const struct spec_path *at)
{
	for (; rows->name != NULL; rows++) {
		struct spec_path below = { at, str_of(rows->name), 0 };
		const struct doc_entry *entry = doc_find(node, below.key);
		if (entry != NULL)
			refer_value(run, rows, &entry->value, &below);
	}
}

void spec_references(const struct spec_field *rows, const struct doc_node *node,
		     struct arena *arena, spec_refer_fn *see, void *context)
{
	assert(see != NULL);
	struct refer_run run = { arena, see, context };
	refer_rows(&run, rows, node, NULL);
}

/* Secrets. */

static struct doc_node mask_rows(const struct spec_field *rows, const struct doc_node *node,
				 struct arena *arena);

static struct doc_node mask_value(const struct spec_field *field, const struct doc_node *node,
				  struct arena *arena)
{
	struct doc_node copy = *node;
	if ((field->flags & SPEC_SECRET) != 0)
		return (struct doc_node){ .kind = DOC_TEXT, .line = node->line,
					  .column = node->column, .text = STR("(secret)") };
	if (field->type == SPEC_OBJECT)
		return mask_rows(field->fields, node, arena);
	if (field->type == SPEC_LIST && node->kind == DOC_LIST) {
		struct doc_node *items = arena_array(arena, struct doc_node, node->count);
		for (size_t i = 0; i < node->count; i++)
			items[i] = mask_value(field->item, &node->items[i], arena);
		copy.items = items;
	}
	if (field->type == SPEC_MAP && node->kind == DOC_MAP) {
		struct doc_entry *entries = arena_array(arena, struct doc_entry, node->count);
		for (size_t i = 0; i < node->count; i++) {
			entries[i] = node->map.entries[i];
			entries[i].value = mask_value(field->item, &entries[i].value, arena);
		}
		copy.map.entries = entries;
	}
	return copy;
}

static struct doc_node mask_rows(const struct spec_field *rows, const struct doc_node *node,
				 struct arena *arena)
{
	struct doc_node copy = *node;
	if (node->kind != DOC_MAP)
		return copy;
	struct doc_entry *entries = arena_array(arena, struct doc_entry, node->count);
	for (size_t i = 0; i < node->count; i++) {
		entries[i] = node->map.entries[i];
		for (const struct spec_field *row = rows; row->name != NULL; row++) {
			if (str_is(entries[i].key, row->name))
				entries[i].value = mask_value(row, &entries[i].value, arena);
		}
	}
	copy.map.entries = entries;
	return copy;
}

const struct doc_node *spec_mask(const struct spec_field *rows, const struct doc_node *node,
				 struct arena *arena)
{
	struct doc_node *copy = arena_new(arena, struct doc_node);
	*copy = mask_rows(rows, node, arena);
	return copy;
}

/* Descriptions. */

static void describe_bounds(const struct spec_field *field, struct json_writer *json)
{
	int64_t min, max;
	if (!spec_is_bounded(field))
		return;
	cleanup_arena struct arena arena;
	arena_init(&arena, 1 << 12);
	spec_bounds(field, &min, &max);
	if (field->type == SPEC_DURATION) {
		json_field_text(json, "min", spec_bound_text(&arena, field, min));
		if (max != INT64_MAX)
			json_field_text(json, "max", spec_bound_text(&arena, field, max));
		return;
	}
	json_field_int(json, "min", min);
	if (max != INT64_MAX)
		json_field_int(json, "max", max);
}

static void describe_only(const char *only, struct json_writer *json)
{
	struct str name, values, value;
	str_cut(str_of(only), '=', &name, &values);
	json_key(json, "only");
	json_map_begin(json);
	json_field_text(json, "field", name);
	json_key(json, "is");
	json_list_begin(json);
	while (values.len > 0) {
		str_cut(values, '|', &value, &values);
		json_text(json, value);
	}
	json_list_end(json);
	json_map_end(json);
}

static void describe_field(const struct spec_field *field, struct json_writer *json)
{
	json_map_begin(json);
	json_field_cstr(json, "name", field->name);
	json_field_cstr(json, "type", spec_type_name(field->type));
	json_field_bool(json, "required", (field->flags & SPEC_REQUIRED) != 0);
	if ((field->flags & SPEC_SECRET) != 0)
		json_field_bool(json, "secret", true);
	if ((field->flags & SPEC_UNIQUE) != 0)
		json_field_bool(json, "unique", true);
	if (field->otherwise != NULL)
		json_field_cstr(json, "default", field->otherwise);
	describe_bounds(field, json);
	if (field->unit != NULL)
		json_field_cstr(json, "unit", field->unit);
	if (field->choices != NULL) {
		json_key(json, "values");
		json_list_begin(json);
		for (size_t i = 0; field->choices[i] != NULL; i++)
			json_cstr(json, field->choices[i]);
		json_list_end(json);
	}
	if (field->choices_about != NULL) {
		json_key(json, "values_about");
		json_list_begin(json);
		for (size_t i = 0; field->choices_about[i] != NULL; i++)
			json_cstr(json, field->choices_about[i]);
		json_list_end(json);
	}
	if (field->only != NULL)
		describe_only(field->only, json);
	if (field->refers != NULL)
		json_field_cstr(json, "refers", field->refers);
	if (field->item != NULL) {
		json_key(json, "item");
		describe_field(field->item, json);
	}
	if (field->fields != NULL) {
		json_key(json, "fields");
		spec_describe(field->fields, json);
	}
	if (field->about != NULL)
		json_field_cstr(json, "about", field->about);
	json_map_end(json);
}

void spec_describe(const struct spec_field *rows, struct json_writer *json)
{
	json_list_begin(json);
	for (; rows->name != NULL; rows++)
		describe_field(rows, json);
	json_list_end(json);
}

static void indent(struct buf *buf, unsigned depth)
{
	for (unsigned i = 0; i < depth * EXPLAIN_INDENT; i++)
		buf_addc(buf, ' ');
}

static void explain_bounds(const struct spec_field *field, struct buf *buf)
{
	int64_t min, max;
	if (!spec_is_bounded(field))
		return;
	cleanup_arena struct arena arena;
	arena_init(&arena, 1 << 12);
	spec_bounds(field, &min, &max);
	bool counted = field->type == SPEC_LIST || field->type == SPEC_MAP;
	const char *unit = counted ? "items" : field->type == SPEC_TEXT ? "bytes" : field->unit;
	struct str low = spec_bound_text(&arena, field, min);
	if (max == INT64_MAX) {
		buf_printf(buf, ", at least " STR_FMT, STR_ARG(low));
	} else {
		struct str high = spec_bound_text(&arena, field, max);
		buf_printf(buf, ", " STR_FMT " to " STR_FMT, STR_ARG(low), STR_ARG(high));
	}
	if (unit != NULL)
		buf_printf(buf, " %s", unit);
}

static void explain_type(const struct spec_field *field, struct buf *buf)
{
	buf_adds(buf, spec_type_name(field->type));
	if (field->item != NULL) {
		buf_adds(buf, " of ");
		explain_type(field->item, buf);
	}
	if (field->choices != NULL) {
		buf_adds(buf, ":");
		for (size_t i = 0; field->choices[i] != NULL; i++)
			buf_printf(buf, "%s %s", i > 0 ? " |" : "", field->choices[i]);
	}
	if (field->refers != NULL)
		buf_printf(buf, " of a %s", field->refers);
}

static void explain_rows(const struct spec_field *rows, struct buf *buf, unsigned depth);

static void explain_field(const struct spec_field *field, struct buf *buf, unsigned depth)
{
	indent(buf, depth);
	buf_printf(buf, "%s (", field->name);
	explain_type(field, buf);
	explain_bounds(field, buf);
	if ((field->flags & SPEC_REQUIRED) != 0)
		buf_adds(buf, ", required");
	if (field->otherwise != NULL)
		buf_printf(buf, ", default %s", field->otherwise);
	if (field->only != NULL)
		buf_printf(buf, ", only with %s", field->only);
	if ((field->flags & SPEC_SECRET) != 0)
		buf_adds(buf, ", secret");
	buf_adds(buf, ")\n");
	if (field->about != NULL) {
		indent(buf, depth + 2);
		buf_printf(buf, "%s\n", field->about);
	}
	const struct spec_field *inner = field;
	while (inner->item != NULL)
		inner = inner->item;
	if (inner->fields != NULL)
		explain_rows(inner->fields, buf, depth + 1);
}

static void explain_rows(const struct spec_field *rows, struct buf *buf, unsigned depth)
{
	for (; rows->name != NULL; rows++)
		explain_field(rows, buf, depth);
}

void spec_explain(const struct spec_field *rows, struct buf *buf)
{
	explain_rows(rows, buf, 0);
}

/* Soundness of the rows themselves. */

static void assert_row(const struct spec_field *rows, const struct spec_field *row);

static void assert_inner(const struct spec_field *row)
{
	bool collection = row->type == SPEC_LIST || row->type == SPEC_MAP;
	assert((row->item != NULL) == collection);
	assert((row->fields != NULL) == (row->type == SPEC_OBJECT));
	assert(row->type != SPEC_CHOICE || row->choices != NULL);
	assert(row->refers == NULL || row->type == SPEC_NAME || row->type == SPEC_TEXT ||
	       row->type == SPEC_EMAIL);
	assert(row->max == 0 || row->min <= row->max);
	if (row->fields != NULL)
		spec_rows_assert(row->fields);
	if (row->item != NULL)
		assert_inner(row->item);
}

static void assert_row(const struct spec_field *rows, const struct spec_field *row)
{
	size_t length = row->about != NULL ? strlen(row->about) : 0;
	assert(length > 1 && row->about[length - 1] == '.');
	assert(row->otherwise == NULL || (row->flags & SPEC_REQUIRED) == 0);
	if (row->only != NULL) { /* it names an earlier row */
		struct str name, values;
		bool cut = str_cut(str_of(row->only), '=', &name, &values);
		const struct spec_field *other = rows;
		while (other < row && !str_is(name, other->name))
			other++;
		assert(cut && other < row);
	}
	for (const struct spec_field *other = rows; other < row; other++)
		assert(strcmp(other->name, row->name) != 0);
	assert_inner(row);
	if (row->otherwise == NULL)
		return;
	/* The default must pass its own check, alone. */
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct spec_errors errors;
	struct doc_node node;
	spec_errors_init(&errors, &arena, NULL);
	struct spec_field alone[] = { *row, { .name = NULL } };
	alone[0].only = NULL;
	bool has = spec_default(&arena, row, &node);
	struct doc_entry entry = { .key = str_of(row->name), .value = node };
	struct doc_node object = { .kind = DOC_MAP, .count = 1, .map.entries = &entry };
	alone[0].otherwise = NULL;
	enum err result = spec_check(alone, NULL, &object, &arena, &errors, NULL, NULL);
	assert(has && result == OK);
}

void spec_rows_assert(const struct spec_field *rows)
{
	size_t count = 0;
	for (const struct spec_field *row = rows; row->name != NULL; row++, count++) {
		assert(count < WALK_ROWS_MAX);
		assert_row(rows, row);
	}
}
