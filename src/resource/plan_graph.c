/* plan_graph.c: where references lead after the plan. */
#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "resource/plan_priv.h"

#define CIRCLE_NAMES_MAX 10 /* shown of a circle */
#define CIRCLE_BYTES_MAX 1024

struct follow {
	struct plan_world *world;
	struct plan_entry *from;
};

static const struct doc_node *spec_after(const struct plan_entry *entry)
{
	return entry->wanted != NULL ? entry->wanted->full : entry->now_spec;
}

/* The mistake is the file's when a file says it; else it is that of the deletion that breaks it. */
static void report(struct follow *follow, const char *kind, const struct doc_node *name,
		   struct str path)
{
	struct plan_world *world = follow->world;
	const struct plan_entry *from = follow->from;
	struct spec_errors *errors = world->errors;
	if (arena_room(world->arena) < RESOURCE_ROOM_BYTES)
		return;
	errors->subject = arena_cstr(world->arena,
				     arena_printf(world->arena, "%s \"" STR_FMT "\"",
						  from->kind->name, STR_ARG(from->name)));
	errors->base = "spec";
	struct str target = str_sub(name->text, 0, 63);
	char *at = arena_cstr(world->arena, path);
	if (from->wanted != NULL) {
		errors->source = arena_cstr(world->arena, from->wanted->source);
		spec_error(errors, name, at, "there is no %s \"" STR_FMT "\"", kind,
			   STR_ARG(target));
	} else {
		errors->source = NULL;
		spec_error(errors, NULL, at,
			   "it uses %s \"" STR_FMT "\", which would be gone after this", kind,
			   STR_ARG(target));
	}
}

static void check_reference(void *context, const char *kind_name, const struct doc_node *name,
			    struct str path)
{
	struct follow *follow = context;
	struct plan_world *world = follow->world;
	const struct resource_kind *kind = resource_kind_find(world->kinds, str_of(kind_name));
	if (kind == NULL) {
		const struct plan_current *current = world->current;
		if (current->exists != NULL &&
		    !current->exists(current->context, kind_name, name->text))
			report(follow, kind_name, name, path);
		return;
	}
	const struct plan_entry *target = plan_find(world, kind, name->text);
	if (target != NULL && target->stays)
		return;
	/* What was broken before, and is not touched now, is not this plan's to refuse. */
	if (follow->from->wanted == NULL && target == NULL)
		return;
	report(follow, kind_name, name, path);
}

/* Depth first over the `acyclic` field, with our own stack: a chain may be as long as the plan. */
enum mark { NEW, OPEN, DONE };

struct step {
	size_t entry;
	size_t next; /* which of its references is looked at next */
};

struct circles {
	struct plan_world *world;
	unsigned char *marks; /* an enum mark for each entry */
	struct step *stack;
	size_t depth;
};

static void report_circle(struct circles *circles, size_t back_to)
{
	struct plan_world *world = circles->world;
	size_t first = circles->depth;
	while (first > 0 && circles->stack[first - 1].entry != back_to)
		first--;
	assert(first > 0);
	const struct plan_entry *from = &world->entries[circles->stack[first - 1].entry];
	const struct plan_entry *blamed = NULL; /* a definition that a file of this plan holds */
	cleanup_buf struct buf names;
	buf_init(&names, CIRCLE_BYTES_MAX);
	for (size_t i = first - 1; i < circles->depth; i++) {
		const struct plan_entry *entry = &world->entries[circles->stack[i].entry];
		if (blamed == NULL && entry->wanted != NULL)
			blamed = entry;
		if (i - (first - 1) < CIRCLE_NAMES_MAX)
			buf_printf(&names, STR_FMT " -> ", STR_ARG(entry->name));
		else if (i - (first - 1) == CIRCLE_NAMES_MAX)
			buf_adds(&names, "... -> ");
	}
	if (blamed == NULL) /* it was there before; this plan neither makes nor ends it */
		return;
	struct spec_errors *errors = world->errors;
	errors->source = arena_cstr(world->arena, blamed->wanted->source);
	errors->subject = arena_cstr(world->arena,
				     arena_printf(world->arena, "%s \"" STR_FMT "\"",
						  blamed->kind->name, STR_ARG(blamed->name)));
	errors->base = "spec";
	spec_error(errors, doc_get(blamed->wanted->full, blamed->kind->acyclic),
		   blamed->kind->acyclic, "\"%s\" leads in a circle: " STR_FMT STR_FMT,
		   blamed->kind->acyclic, STR_ARG(buf_str(&names)), STR_ARG(from->name));
}

/* The next place that the entry on top leads to, or false when there is none. */
static bool next_target(struct circles *circles, size_t *ret_entry)
{
	struct plan_world *world = circles->world;
	struct step *top = &circles->stack[circles->depth - 1];
	const struct plan_entry *entry = &world->entries[top->entry];
	const struct doc_node *field = doc_get(spec_after(entry), entry->kind->acyclic);
	bool list = doc_is(field, DOC_LIST);
	while (list ? top->next < doc_count(field) : top->next == 0 && field != NULL) {
		const struct doc_node *name = list ? doc_at(field, top->next) : field;
		top->next++;
		const struct plan_entry *target =
			plan_find(world, entry->kind, doc_text(name, ""));
		if (target == NULL || !target->stays)
			continue;
		*ret_entry = (size_t)(target - world->entries);
		return true;
	}
	return false;
}

static void walk_from(struct circles *circles, size_t start)
{
	circles->depth = 0;
	circles->stack[circles->depth++] = (struct step){ .entry = start };
	circles->marks[start] = OPEN;
	while (circles->depth > 0) {
		size_t target;
		if (!next_target(circles, &target)) {
			circles->marks[circles->stack[--circles->depth].entry] = DONE;
		} else if (circles->marks[target] == OPEN) {
			report_circle(circles, target);
		} else if (circles->marks[target] == NEW) {
			assert(circles->depth < circles->world->count);
			circles->marks[target] = OPEN;
			circles->stack[circles->depth++] = (struct step){ .entry = target };
		}
	}
}

static void check_circles(struct plan_world *world)
{
	struct circles circles = {
		.world = world,
		.marks = mem_alloc(world->count + 1),
		.stack = mem_alloc((world->count + 1) * sizeof *circles.stack),
	};
	for (size_t i = 0; i < world->count; i++) {
		const struct plan_entry *entry = &world->entries[i];
		if (entry->stays && entry->kind->acyclic != NULL && circles.marks[i] == NEW)
			walk_from(&circles, i);
	}
	mem_free(circles.marks);
	mem_free(circles.stack);
}

enum err plan_check_references(struct plan_world *world)
{
	struct spec_errors *errors = world->errors;
	size_t before = errors->count + errors->dropped;
	const char *source = errors->source;
	for (size_t i = 0; i < world->count; i++) {
		struct follow follow = { world, &world->entries[i] };
		if (follow.from->stays && spec_after(follow.from) != NULL)
			spec_references(follow.from->kind->fields, spec_after(follow.from),
					world->arena, check_reference, &follow);
	}
	check_circles(world);
	errors->source = source;
	errors->subject = errors->base = NULL;
	return errors->count + errors->dropped == before ? OK : ERR_INVALID;
}
