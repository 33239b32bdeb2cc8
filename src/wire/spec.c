/* spec.c: see spec.h. The walk over objects, lists and maps; scalars are in spec_scalar.c. */
#include "wire/spec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "wire/spec_priv.h"

#define KEY_BYTES_MAX 256
#define ROWS_MAX 100
#define LIKELY_EDITS 2
#define STEP_BYTES (64u << 10) /* what one value may need besides its items: sentences, defaults */

/* What one value came to. */
struct outcome {
	struct doc_node full, canonical;
};

static bool check_value(struct spec_run *run, const struct spec_field *field,
			const struct doc_node *node, struct outcome *ret);
static bool check_object(struct spec_run *run, const struct spec_field *rows, spec_rule_fn *rule,
			 const struct doc_node *node, struct outcome *ret);

static struct doc_place place_of(const struct doc_node *node)
{
	return (struct doc_place){ node->line, node->column };
}

static size_t row_count(const struct spec_field *rows)
{
	size_t count = 0;
	while (rows[count].name != NULL)
		count++;
	assert(count < ROWS_MAX);
	return count;
}

static const struct spec_field *row_find(const struct spec_field *rows, struct str name)
{
	for (; rows->name != NULL; rows++) {
		if (str_is(name, rows->name))
			return rows;
	}
	return NULL;
}

const char *spec_likely(struct str text, const char *const *words, size_t count)
{
	const char *best = NULL;
	unsigned least = LIKELY_EDITS + 1;
	for (size_t i = 0; i < count; i++) {
		unsigned edits = str_distance(text, str_of(words[i]));
		if (edits < least && edits < strlen(words[i])) {
			least = edits;
			best = words[i];
		}
	}
	return best;
}

bool spec_applies(const struct spec_field *rows, const struct spec_field *field,
		  const struct doc_node *object, struct str *ret_found)
{
	*ret_found = STR_NONE;
	if (field->only == NULL)
		return true;
	struct str name, values, value;
	bool cut = str_cut(str_of(field->only), '=', &name, &values);
	const struct spec_field *other = row_find(rows, name);
	assert(cut && other != NULL);
	const struct doc_entry *entry = doc_find(object, name);
	if (entry != NULL && entry->value.kind == DOC_BOOL)
		*ret_found = entry->value.truth ? STR("true") : STR("false");
	else
		*ret_found = doc_text(entry != NULL ? &entry->value : NULL, other->otherwise);
	while (values.len > 0) {
		str_cut(values, '|', &value, &values);
		if (str_eq(value, *ret_found))
			return true;
	}
	return false;
}

static void unknown_key(struct spec_run *run, const struct spec_field *rows,
			const struct doc_entry *entry)
{
	const char *names[ROWS_MAX];
	size_t count = row_count(rows);
	if (spec_is_full(run->errors))
		return;
	for (size_t i = 0; i < count; i++)
		names[i] = rows[i].name;
	struct str key = str_sub(entry->key, 0, 64), text;
	const char *meant = spec_likely(entry->key, names, count);
	struct str where = spec_where(run);
	if (meant != NULL)
		text = arena_printf(run->arena,
				    "unknown key \"" STR_FMT "\" in " STR_FMT
				    "; did you mean \"%s\"?",
				    STR_ARG(key), STR_ARG(where), meant);
	else
		text = arena_printf(run->arena, "unknown key \"" STR_FMT "\" in " STR_FMT,
				    STR_ARG(key), STR_ARG(where));
	struct spec_path at = { run->errors->at, entry->key, 0 };
	spec_report(run->errors, (struct doc_place){ entry->line, entry->column },
		    spec_path_text(run->arena, run->errors->base, &at), text);
}

static void missing(struct spec_run *run, const struct spec_field *field,
		    const struct doc_node *object)
{
	if (spec_is_full(run->errors))
		return;
	struct spec_path at = { run->errors->at, str_of(field->name), 0 };
	struct str where = spec_where(run);
	cleanup_buf struct buf words;
	buf_init(&words, ERROR_TEXT_BYTES / 2);
	if (field->type == SPEC_CHOICE) {
		buf_adds(&words, "; it can be ");
		spec_choices(field, &words);
	}
	spec_report(run->errors, place_of(object),
		    spec_path_text(run->arena, run->errors->base, &at),
		    arena_printf(run->arena, "\"%s\" is missing in " STR_FMT STR_FMT, field->name,
				 STR_ARG(where), STR_ARG(buf_str(&words))));
}

static void not_here(struct spec_run *run, const struct spec_field *field, struct str found,
		     const struct doc_node *value)
{
	struct str other, values;
	str_cut(str_of(field->only), '=', &other, &values);
	spec_wrong(run, place_of(value),
		   "is only for %s " STR_FMT ", and here it is \"" STR_FMT "\"",
		   arena_cstr(run->arena, other), STR_ARG(values), STR_ARG(str_sub(found, 0, 64)));
}

/* Both trees get the entry; the canonical one only when it says more than the default. */
struct object_run {
	const struct spec_field *rows;
	const struct doc_node *node;
	struct doc_entry *full, *canonical;
	uint32_t full_count, canonical_count;
};

static void keep(struct doc_entry *entries, uint32_t *count, const char *name,
		 const struct doc_entry *from, struct doc_node value)
{
	entries[(*count)++] = (struct doc_entry){
		.key = str_of(name),
		.line = from != NULL ? from->line : 0,
		.column = from != NULL ? from->column : 0,
		.value = value,
	};
}

/* The default of a row, checked like a value: so its own defaults are filled in as well. */
static bool default_outcome(struct spec_run *run, const struct spec_field *field,
			    const struct doc_node *object, struct outcome *ret)
{
	struct doc_node node;
	if (!spec_default(run->arena, field, &node))
		return false;
	node.line = object->line;
	node.column = object->column;
	bool sound = check_value(run, field, &node, ret);
	/* spec_rows_assert, in the test of the kind, says which row; here it can only be the room */
	assert(sound || arena_room(run->arena) < 4 * STEP_BYTES);
	return sound;
}

static void check_field(struct spec_run *run, struct object_run *object,
			const struct spec_field *field)
{
	struct spec_path at = { run->errors->at, str_of(field->name), 0 };
	const struct doc_entry *entry = doc_find(object->node, at.key);
	bool given = entry != NULL && entry->value.kind != DOC_NULL;
	struct str found;
	struct outcome preset = { 0 }, outcome;
	if (!spec_applies(object->rows, field, object->node, &found)) {
		run->errors->at = &at;
		if (given)
			not_here(run, field, found, &entry->value);
		run->errors->at = at.up;
		return;
	}
	if (!given && (field->flags & SPEC_REQUIRED) != 0) {
		missing(run, field, object->node);
		return;
	}
	run->errors->at = &at;
	bool has_default = default_outcome(run, field, object->node, &preset);
	if (!given && has_default)
		keep(object->full, &object->full_count, field->name, NULL, preset.full);
	if (given && check_value(run, field, &entry->value, &outcome)) {
		keep(object->full, &object->full_count, field->name, entry, outcome.full);
		if (!has_default || !doc_equal(&outcome.canonical, &preset.canonical))
			keep(object->canonical, &object->canonical_count, field->name, entry,
			     outcome.canonical);
	}
	run->errors->at = at.up;
}

static struct doc_node made_map(const struct doc_node *from, const struct doc_entry *entries,
				uint32_t count)
{
	return (struct doc_node){ .kind = DOC_MAP, .line = from->line, .column = from->column,
				  .count = count, .map.entries = entries };
}

/* Defaults make a document larger than its text. The arena is the caller's budget for it, and what
 * does not fit is the document's mistake: asked before every value, with room left for one step. */
static bool has_room(struct spec_run *run, size_t bytes, struct doc_place place)
{
	if (arena_room(run->arena) >= bytes + STEP_BYTES)
		return true;
	if (!spec_is_full(run->errors))
		spec_report(run->errors, place, STR_NONE,
			    STR("the document is too large to be checked; make it smaller"));
	return false;
}

static size_t mistakes(const struct spec_run *run)
{
	return run->errors->count + run->errors->dropped;
}

static bool check_object(struct spec_run *run, const struct spec_field *rows, spec_rule_fn *rule,
			 const struct doc_node *node, struct outcome *ret)
{
	size_t before = mistakes(run), count = row_count(rows);
	if (!has_room(run, 2 * count * sizeof(struct doc_entry), place_of(node)))
		return false;
	if (node->kind != DOC_MAP) {
		spec_wrong(run, place_of(node), "must be a map of keys and values, not %s",
			   doc_kind_words(node->kind));
		return false;
	}
	for (size_t i = 0; i < node->count; i++) {
		if (row_find(rows, node->map.entries[i].key) == NULL)
			unknown_key(run, rows, &node->map.entries[i]);
	}
	struct object_run object = {
		.rows = rows,
		.node = node,
		.full = arena_array(run->arena, struct doc_entry, count),
		.canonical = arena_array(run->arena, struct doc_entry, count),
	};
	for (size_t i = 0; i < count; i++)
		check_field(run, &object, &rows[i]);
	struct doc_node full = made_map(node, object.full, object.full_count);
	if (mistakes(run) == before && rule != NULL)
		rule(&full, run->errors);
	if (mistakes(run) != before)
		return false;
	*ret = (struct outcome){ full, made_map(node, object.canonical, object.canonical_count) };
	return true;
}

static bool count_fits(struct spec_run *run, const struct spec_field *field,
		       const struct doc_node *node)
{
	int64_t min, max;
	const char *what = field->type == SPEC_LIST ? "items" : "keys";
	spec_bounds(field, &min, &max);
	if (node->count >= min && node->count <= max)
		return true;
	if (node->count == 0)
		spec_wrong(run, place_of(node), "must not be empty");
	else if (node->count < min)
		spec_wrong(run, place_of(node), "needs at least %lld %s, not %u", (long long)min,
			   what, node->count);
	else
		spec_wrong(run, place_of(node), "may have at most %lld %s, not %u", (long long)max,
			   what, node->count);
	return false;
}

/* Reports the first item that stands twice. Comparing each with each is fine for SPEC_ITEMS_MAX. */
static bool items_differ(struct spec_run *run, const struct doc_node *items, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (!doc_equal(&items[i], &items[j]))
				continue;
			spec_wrong(run, place_of(&items[i]), "has the same item twice");
			return false;
		}
	}
	return true;
}

static bool check_list(struct spec_run *run, const struct spec_field *field,
		       const struct doc_node *node, struct outcome *ret)
{
	assert(field->item != NULL);
	if (!count_fits(run, field, node) ||
	    !has_room(run, 2 * node->count * sizeof(struct doc_node), place_of(node)))
		return false;
	struct doc_node *full = arena_array(run->arena, struct doc_node, node->count);
	struct doc_node *canonical = arena_array(run->arena, struct doc_node, node->count);
	bool sound = true;
	for (size_t i = 0; i < node->count; i++) {
		struct spec_path at = { run->errors->at, STR_NONE, i };
		struct outcome outcome = { 0 };
		run->errors->at = &at;
		sound = check_value(run, field->item, &node->items[i], &outcome) && sound;
		run->errors->at = at.up;
		full[i] = outcome.full;
		canonical[i] = outcome.canonical;
	}
	if (sound && (field->flags & SPEC_UNIQUE) != 0)
		sound = items_differ(run, canonical, node->count);
	ret->full = ret->canonical = *node;
	ret->full.items = full;
	ret->canonical.items = canonical;
	return sound;
}

static bool key_fits(struct spec_run *run, const struct doc_entry *entry)
{
	if (entry->key.len >= 1 && entry->key.len <= KEY_BYTES_MAX)
		return true;
	spec_wrong(run, (struct doc_place){ entry->line, entry->column },
		   "has a key that is empty or longer than %d bytes", KEY_BYTES_MAX);
	return false;
}

static bool check_map(struct spec_run *run, const struct spec_field *field,
		      const struct doc_node *node, struct outcome *ret)
{
	assert(field->item != NULL);
	if (!count_fits(run, field, node) ||
	    !has_room(run, 2 * node->count * sizeof(struct doc_entry), place_of(node)))
		return false;
	struct doc_entry *full = arena_array(run->arena, struct doc_entry, node->count);
	struct doc_entry *canonical = arena_array(run->arena, struct doc_entry, node->count);
	bool sound = true;
	for (size_t i = 0; i < node->count; i++) {
		const struct doc_entry *entry = &node->map.entries[i];
		struct spec_path at = { run->errors->at, entry->key, 0 };
		struct outcome outcome = { 0 };
		sound = key_fits(run, entry) && sound;
		run->errors->at = &at;
		sound = check_value(run, field->item, &entry->value, &outcome) && sound;
		run->errors->at = at.up;
		full[i] = canonical[i] = *entry;
		full[i].value = outcome.full;
		canonical[i].value = outcome.canonical;
	}
	ret->full = ret->canonical = *node; /* same keys in the same order: their index still holds */
	ret->full.map.entries = full;
	ret->canonical.map.entries = canonical;
	return sound;
}

static bool check_value(struct spec_run *run, const struct spec_field *field,
			const struct doc_node *node, struct outcome *ret)
{
	if (!has_room(run, 0, place_of(node)))
		return false;
	if (field->type == SPEC_OBJECT)
		return check_object(run, field->fields, field->rule, node, ret);
	if (field->type == SPEC_LIST && node->kind == DOC_LIST)
		return check_list(run, field, node, ret);
	if (field->type == SPEC_MAP && node->kind == DOC_MAP)
		return check_map(run, field, node, ret);
	struct doc_node value;
	if (!spec_scalar_check(run, field, node, &value))
		return false;
	*ret = (struct outcome){ value, value };
	return true;
}

static const struct doc_node *stored(struct arena *arena, const struct doc_node *node)
{
	struct doc_node *copy = arena_new(arena, struct doc_node);
	*copy = *node;
	return copy;
}

enum err spec_check(const struct spec_field *rows, spec_rule_fn *rule, const struct doc_node *node,
		    struct arena *arena, struct spec_errors *errors,
		    const struct doc_node **ret_full, const struct doc_node **ret_canonical)
{
	static const struct doc_node nothing = { .kind = DOC_MAP };
	struct spec_run run = { .arena = arena, .errors = errors };
	struct outcome outcome;
	if (node == NULL || node->kind == DOC_NULL)
		node = &nothing; /* every "is missing" is then said by name */
	if (!check_object(&run, rows, rule, node, &outcome))
		return ERR_INVALID;
	if (ret_full != NULL)
		*ret_full = stored(arena, &outcome.full);
	if (ret_canonical != NULL)
		*ret_canonical = stored(arena, &outcome.canonical);
	return OK;
}
