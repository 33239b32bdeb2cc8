/* plan.c: see plan.h. */
#include "resource/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "resource/plan_priv.h"
#include "resource/text_diff.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define YAML_BYTES_MAX (1u << 20)

const char *plan_action_name(enum plan_action action)
{
	static const char *const names[] = { "create", "update", "delete", "unchanged", "refused" };
	assert(action <= PLAN_REFUSED);
	return names[action];
}

static int entry_order(const struct plan_entry *a, const struct resource_kind *kind, struct str name)
{
	if (a->kind != kind)
		return a->kind < kind ? -1 : 1; /* rows of one registry: their order in it */
	return str_cmp(a->name, name);
}

static int by_kind_and_name(const void *a, const void *b)
{
	const struct plan_entry *left = a, *right = b;
	return entry_order(left, right->kind, right->name);
}

struct plan_entry *plan_find(const struct plan_world *world, const struct resource_kind *kind,
			     struct str name)
{
	size_t low = 0, high = world->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = entry_order(&world->entries[middle], kind, name);
		if (order == 0)
			return &world->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Collecting what is there now. */

struct collect {
	struct plan_world *world;
	struct plan_entry *entries; /* PLAN_DEFINITIONS_MAX of them */
	size_t count;
	enum err result;
	struct error *err;
};

static enum err too_large(struct error *err)
{
	enum err result = error_set(err, ERR_TOO_LARGE,
				    "there are more definitions than one plan can hold");
	error_hint(err, "apply fewer files at once");
	return result;
}

/* A kind that this build does not know (a newer version wrote it) is left alone. */
static bool collect_one(void *context, const struct definition *definition)
{
	struct collect *collect = context;
	struct plan_world *world = collect->world;
	const struct resource_kind *kind = resource_kind_find(world->kinds, definition->kind);
	if (kind == NULL)
		return true;
	if (collect->count == PLAN_DEFINITIONS_MAX || arena_room(world->arena) < RESOURCE_ROOM_BYTES) {
		collect->result = too_large(collect->err);
		return false;
	}
	struct plan_entry entry = { .kind = kind, .name = definition->name, .now = *definition };
	collect->result = doc_json_parse(definition->spec, world->arena, DOC_LIMITS_DEFAULT, NULL,
					 &entry.now_spec, collect->err);
	if (collect->result != OK) {
		error_prefix(collect->err, "the stored spec of %s \"" STR_FMT "\"", kind->name,
			     STR_ARG(definition->name));
		return false;
	}
	collect->entries[collect->count++] = entry;
	return true;
}

/* Joins the wanted ones to what is there: known ones get a `wanted`, new ones come to the end. */
static enum err join_wanted(struct plan_world *world, const struct resource_list *wanted,
			    struct error *err)
{
	size_t known = world->count;
	for (size_t i = 0; i < wanted->count; i++) {
		const struct resource *one = &wanted->items[i];
		struct plan_world before = *world;
		before.count = known;
		struct plan_entry *entry = plan_find(&before, one->kind, one->name);
		if (entry == NULL) {
			if (world->count == PLAN_DEFINITIONS_MAX)
				return too_large(err);
			entry = &world->entries[world->count++];
			*entry = (struct plan_entry){ .kind = one->kind, .name = one->name };
		}
		entry->wanted = one;
	}
	return OK;
}

static enum err gather(struct plan_world *world, const struct resource_list *wanted,
		       struct error *err)
{
	if (arena_room(world->arena) <
	    RESOURCE_ROOM_BYTES + PLAN_DEFINITIONS_MAX * sizeof *world->entries)
		return too_large(err);
	struct collect collect = {
		.world = world,
		.entries = arena_array(world->arena, struct plan_entry, PLAN_DEFINITIONS_MAX),
		.err = err,
	};
	enum err result = world->current->list(world->current->context, collect_one, &collect, err);
	if (result == OK)
		result = collect.result;
	if (result != OK)
		return result;
	world->entries = collect.entries;
	world->count = collect.count;
	qsort(world->entries, world->count, sizeof *world->entries, by_kind_and_name);
	result = join_wanted(world, wanted, err);
	qsort(world->entries, world->count, sizeof *world->entries, by_kind_and_name);
	return result;
}

/* Deciding about one definition. */

/* What is stored may have been written when the rows were others: compare by what it means today. */
static struct str meaning_now(const struct plan_world *world, const struct plan_entry *entry)
{
	struct spec_errors unused;
	const struct doc_node *full;
	struct str spec;
	spec_errors_init(&unused, world->arena, NULL);
	if (resource_check(entry->kind, entry->name, entry->now_spec, world->arena, &unused, &full,
			   &spec) == OK)
		return spec;
	return entry->now.spec;
}

static struct str refusal(const struct plan_world *world, const struct plan_entry *entry,
			  const struct plan_options *options)
{
	struct str manager = entry->now.manager;
	if (entry->now.revision == 0 || str_eq(manager, options->set))
		return STR_NONE;
	if (!str_is(manager, DEFINITION_PEOPLE))
		return arena_printf(world->arena,
				    "it belongs to the file set \"" STR_FMT
				    "\"; remove it there first",
				    STR_ARG(str_sub(manager, 0, 63)));
	if (options->take)
		return STR_NONE;
	return arena_printf(world->arena, "people manage it (revision %lld); look at what they "
					  "changed, then apply with --take to make it the files' again",
			    (long long)entry->now.revision);
}

static struct plan_change change_wanted(const struct plan_world *world,
					const struct plan_entry *entry,
					const struct plan_options *options)
{
	const struct resource *wanted = entry->wanted;
	struct plan_change change = {
		.action = PLAN_UPDATE,
		.kind = entry->kind,
		.name = entry->name,
		.source = wanted->source,
		.place = wanted->place,
		.spec = wanted->spec,
		.revision = entry->now.revision,
		.why = refusal(world, entry, options),
	};
	if (change.why.len > 0)
		change.action = PLAN_REFUSED;
	else if (change.revision == 0)
		change.action = PLAN_CREATE;
	else if (str_eq(meaning_now(world, entry), wanted->spec) &&
		 str_eq(entry->now.manager, options->set))
		change.action = PLAN_UNCHANGED;
	return change;
}

static void print_spec(const struct plan_world *world, const struct plan_entry *entry,
		       const struct doc_node *spec, struct buf *buf)
{
	if (spec != NULL && spec->count > 0)
		doc_print_yaml(spec_mask(entry->kind->fields, spec, world->arena), buf);
}

static enum err diff_of(const struct plan_world *world, const struct plan_entry *entry,
			struct str before, struct str after, struct str *ret_diff, struct error *err)
{
	const struct doc_node *old = NULL, *new = NULL;
	cleanup_buf struct buf left, right, diff;
	buf_init(&left, YAML_BYTES_MAX);
	buf_init(&right, YAML_BYTES_MAX);
	buf_init(&diff, PLAN_DIFF_BYTES_MAX);
	enum err result = OK;
	if (before.len > 0)
		result = doc_json_parse(before, world->arena, DOC_LIMITS_DEFAULT, NULL, &old, err);
	if (result == OK && after.len > 0)
		result = doc_json_parse(after, world->arena, DOC_LIMITS_DEFAULT, NULL, &new, err);
	if (result != OK)
		return result;
	print_spec(world, entry, old, &left);
	print_spec(world, entry, new, &right);
	text_diff(buf_str(&left), buf_str(&right), &diff);
	*ret_diff = diff.full ? arena_printf(world->arena, STR_FMT "\n... the rest is cut\n",
					     STR_ARG(buf_str(&diff)))
			      : arena_str(world->arena, buf_str(&diff));
	return OK;
}

static enum err add_change(const struct plan_world *world, const struct plan_entry *entry,
			   const struct plan_options *options, struct plan_change change,
			   struct plan *plan, struct error *err)
{
	enum err result = OK;
	if (arena_room(world->arena) < RESOURCE_ROOM_BYTES)
		return too_large(err);
	if (options->diff && change.action != PLAN_UNCHANGED)
		result = diff_of(world, entry,
				 entry->now_spec != NULL ? meaning_now(world, entry) : STR_NONE,
				 change.spec, &change.diff, err);
	if (result != OK)
		return result;
	plan->changes[plan->count++] = change;
	plan->counts[change.action]++;
	return OK;
}

static enum err decide(struct plan_world *world, struct plan_entry *entry,
		       const struct plan_options *options, struct plan *plan, struct error *err)
{
	entry->stays = true;
	if (arena_room(world->arena) < RESOURCE_ROOM_BYTES)
		return too_large(err);
	if (entry->wanted != NULL)
		return add_change(world, entry, options, change_wanted(world, entry, options), plan,
				  err);
	if (!str_eq(entry->now.manager, options->set))
		return OK;
	if (!options->prune) {
		plan->left++;
		return OK;
	}
	entry->stays = false;
	struct plan_change change = { .action = PLAN_DELETE, .kind = entry->kind,
				      .name = entry->name, .revision = entry->now.revision };
	return add_change(world, entry, options, change, plan, err);
}

static bool set_is_sound(struct str set)
{
	return str_is_name(set) && !str_is(set, DEFINITION_PEOPLE);
}

static size_t changes_most(const struct plan_world *world, const struct plan_options *options)
{
	size_t count = 0;
	for (size_t i = 0; i < world->count; i++) {
		const struct plan_entry *entry = &world->entries[i];
		count += entry->wanted != NULL ||
			 (options->prune && str_eq(entry->now.manager, options->set));
	}
	return count;
}

enum err plan_make(const struct resource_kind *kinds, const struct resource_list *wanted,
		   const struct plan_current *current, const struct plan_options *options,
		   struct arena *arena, struct spec_errors *errors, struct plan *ret_plan,
		   struct error *err)
{
	struct plan_world world = { .kinds = kinds, .arena = arena, .current = current,
				    .errors = errors };
	struct plan plan = { 0 };
	if (!set_is_sound(options->set))
		return error_set(err, ERR_INVALID,
				 "\"" STR_FMT "\" cannot be the name of a file set: small letters, "
				 "digits and inner dashes, and not \"people\"",
				 STR_ARG(str_sub(options->set, 0, 63)));
	enum err result = gather(&world, wanted, err);
	if (result != OK)
		return result;
	size_t most = changes_most(&world, options);
	if (most > DEFINITION_CHANGES_MAX)
		return too_large(err);
	plan.changes = arena_array(arena, struct plan_change, most);
	for (size_t i = 0; i < world.count && result == OK; i++)
		result = decide(&world, &world.entries[i], options, &plan, err);
	if (result != OK)
		return result;
	if (plan_check_references(&world) != OK)
		return spec_errors_result(errors, err);
	*ret_plan = plan;
	return OK;
}

enum err plan_refusal(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_change *change = &plan->changes[i];
		if (change->action != PLAN_REFUSED)
			continue;
		size_t more = plan->counts[PLAN_REFUSED] - 1;
		if (more > 0)
			return error_set(err, ERR_CONFLICT, "%s \"" STR_FMT "\": " STR_FMT
					 " (and %zu more are refused)", change->kind->name,
					 STR_ARG(change->name), STR_ARG(change->why), more);
		return error_set(err, ERR_CONFLICT, "%s \"" STR_FMT "\": " STR_FMT,
				 change->kind->name, STR_ARG(change->name), STR_ARG(change->why));
	}
	return OK;
}

struct definition_changes plan_changes(const struct plan *plan, const struct plan_options *options,
				       struct arena *arena)
{
	assert(plan->counts[PLAN_REFUSED] == 0);
	assert(plan->count <= DEFINITION_CHANGES_MAX);
	struct definition_change *changes =
		arena_array(arena, struct definition_change, plan->count);
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_change *change = &plan->changes[i];
		if (change->action == PLAN_UNCHANGED)
			continue;
		changes[count++] = (struct definition_change){
			.kind = str_of(change->kind->name),
			.name = change->name,
			.spec = change->spec,
			.manager = options->set,
			.expect_revision = change->revision,
		};
	}
	return (struct definition_changes){ changes, count };
}

static void print_change(const struct plan_change *change, struct buf *buf)
{
	buf_printf(buf, "%s %s " STR_FMT, plan_action_name(change->action), change->kind->name,
		   STR_ARG(change->name));
	if (change->source.len > 0)
		buf_printf(buf, " (" STR_FMT ":%u)", STR_ARG(change->source), change->place.line);
	if (change->why.len > 0)
		buf_printf(buf, ": " STR_FMT, STR_ARG(change->why));
	buf_addc(buf, '\n');
	struct str rest = change->diff, line;
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		buf_printf(buf, "    " STR_FMT "\n", STR_ARG(line));
	}
}

void plan_print(const struct plan *plan, struct buf *buf)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->changes[i].action != PLAN_UNCHANGED)
			print_change(&plan->changes[i], buf);
	}
	buf_printf(buf, "%zu to create, %zu to update, %zu to delete, %zu unchanged, %zu refused\n",
		   plan->counts[PLAN_CREATE], plan->counts[PLAN_UPDATE], plan->counts[PLAN_DELETE],
		   plan->counts[PLAN_UNCHANGED], plan->counts[PLAN_REFUSED]);
	if (plan->left > 0)
		buf_printf(buf, "%zu of this set are no longer in the files and stay; --prune deletes "
				"them\n", plan->left);
}
