/*
 * api_reference.c: what people put and delete, checked against everything else that is defined.
 *
 * Inside the transaction: a reference leads to something, no chain leads back to its start, and
 * nothing goes that another definition names. For files the plan has seen to it (resource/plan.h).
 */
#include <assert.h>

#include "api/api_defs.h"
#include "base/mem.h"
#include "wire/doc_json.h"

#define ROW_ARENA_BYTES (16u << 20)
#define USERS_NAMED 5u /* of what uses something that is to be deleted */
#define CIRCLE_STEPS_MAX 2000u

/* ---- references: of what is put ---- */

struct following {
	struct decision *d;
	const struct definition_changes *changes;
	const struct definition_change *from;
	enum err result;
	struct error *err;
};

/* Whether it will be there when all is done: what this command puts counts, what it deletes does not. */
static enum err will_be_there(struct following *following, const char *kind, struct str name)
{
	struct definition found;
	const struct definition_changes *changes = following->changes;
	for (size_t i = 0; i < changes->count; i++) {
		const struct definition_change *change = &changes->changes[i];
		if (str_is(change->kind, kind) && str_eq(change->name, name))
			return change->spec.len > 0 ? OK : ERR_NOT_FOUND;
	}
	return definition_get(following->d->conn, str_of(kind), name, following->d->arena, &found, NULL);
}

static void follow(void *context, const char *kind, const struct doc_node *name, struct str path)
{
	struct following *following = context;
	if (following->result != OK || resource_kind_find(api_kinds, str_of(kind)) == NULL)
		return;
	following->result = will_be_there(following, kind, name->text);
	if (following->result != ERR_NOT_FOUND)
		return;
	following->result = error_set(following->err, ERR_INVALID,
				      STR_FMT " \"" STR_FMT "\" names %s \"" STR_FMT
					      "\", which does not exist",
				      STR_ARG(following->from->kind), STR_ARG(following->from->name),
				      kind, STR_ARG(str_sub(name->text, 0, 63)));
	error_hint(following->err, "define the %s first", kind);
	error_field(following->err, "spec." STR_FMT, STR_ARG(path));
}

/* ---- circles: does a chain of `acyclic` fields lead back? ---- */

struct chain {
	struct arena arena; /* names; what is read is reset step by step, in another */
	struct str names[CIRCLE_STEPS_MAX]; /* what was seen; those from `next` on are not followed yet */
	size_t count, next;
};

static bool chain_add(struct chain *chain, struct str name)
{
	for (size_t i = 0; i < chain->count; i++) {
		if (str_eq(chain->names[i], name))
			return true;
	}
	if (chain->count == CIRCLE_STEPS_MAX)
		return false;
	chain->names[chain->count++] = arena_str(&chain->arena, name);
	return true;
}

static enum err chain_take(struct chain *chain, const struct resource_kind *kind, struct str start,
			   const struct doc_node *spec, struct error *err)
{
	const struct doc_node *targets = doc_get(spec, kind->acyclic);
	for (size_t i = 0; i < doc_count(targets); i++) {
		struct str name = doc_text(doc_at(targets, i), "");
		if (str_eq(name, start)) {
			error_set(err, ERR_INVALID, "%s \"" STR_FMT "\" would need itself: \"%s\" leads in "
				  "a circle", kind->name, STR_ARG(start), kind->acyclic);
			error_field(err, "spec.%s", kind->acyclic);
			return ERR_INVALID;
		}
		if (!chain_add(chain, name))
			return error_set(err, ERR_TOO_LARGE, "the chain of \"%s\" is longer than %u",
					 kind->acyclic, CIRCLE_STEPS_MAX);
	}
	return OK;
}

static enum err check_circle(struct decision *d, const struct resource_kind *kind, struct str start,
			     const struct doc_node *spec, struct error *err)
{
	struct chain *chain = mem_alloc(sizeof *chain);
	struct arena step;
	arena_init(&chain->arena, 0);
	arena_init(&step, ROW_ARENA_BYTES);
	enum err r = chain_take(chain, kind, start, spec, err);
	while (r == OK && chain->next < chain->count) {
		arena_reset(&step);
		r = definition_spec(d->conn, kind->name, chain->names[chain->next++], &step, &spec, err);
		if (r == OK)
			r = chain_take(chain, kind, start, spec, err);
	}
	arena_finish(&step);
	arena_finish(&chain->arena);
	mem_free(chain);
	return r;
}

static enum err check_put(struct decision *d, const struct definition_changes *changes,
			  const struct definition_change *change, struct error *err)
{
	const struct resource_kind *kind = resource_kind_find(api_kinds, change->kind);
	struct following following = { d, changes, change, OK, err };
	const struct doc_node *spec;
	assert(kind != NULL);
	enum err r = doc_json_parse(change->spec, d->arena, DOC_LIMITS_DEFAULT, NULL, &spec, err);
	if (r != OK)
		return r;
	spec_references(kind->fields, spec, d->arena, follow, &following);
	if (following.result == OK && kind->acyclic != NULL)
		return check_circle(d, kind, change->name, spec, err);
	return following.result;
}

/* ---- references: to what is deleted ---- */

struct usage {
	const struct definition_changes *changes;
	const struct definition_change *gone;
	const struct definition *from;
	bool uses;
	size_t count;
	struct buf names;
	struct arena arena; /* of one definition */
};

static void see_reference(void *context, const char *kind, const struct doc_node *name, struct str path)
{
	struct usage *usage = context;
	(void)path;
	usage->uses = usage->uses ||
		      (str_is(usage->gone->kind, kind) && str_eq(usage->gone->name, name->text));
}

static bool goes_too(const struct usage *usage, const struct definition *definition)
{
	for (size_t i = 0; i < usage->changes->count; i++) {
		const struct definition_change *change = &usage->changes->changes[i];
		if (str_eq(change->kind, definition->kind) && str_eq(change->name, definition->name))
			return true;
	}
	return false;
}

static bool see_user(void *context, const struct definition *definition)
{
	struct usage *usage = context;
	const struct resource_kind *kind = resource_kind_find(api_kinds, definition->kind);
	arena_reset(&usage->arena);
	const struct doc_node *spec = api_spec_of(definition, &usage->arena);
	if (kind == NULL || spec == NULL || goes_too(usage, definition))
		return true;
	usage->uses = false;
	spec_references(kind->fields, spec, &usage->arena, see_reference, usage);
	if (!usage->uses)
		return true;
	if (usage->count++ < USERS_NAMED)
		buf_printf(&usage->names, "%s%s \"" STR_FMT "\"", usage->count > 1 ? ", " : "",
			   kind->name, STR_ARG(definition->name));
	return true;
}

static enum err check_delete(struct decision *d, const struct definition_changes *changes,
			     const struct definition_change *change, struct error *err)
{
	struct usage usage = { .changes = changes, .gone = change };
	buf_init(&usage.names, 1024);
	arena_init(&usage.arena, ROW_ARENA_BYTES);
	enum err r = api_definitions(d->conn, STR_NONE, STR_NONE, see_user, &usage, err);
	if (r == OK && usage.count > 0) {
		r = error_set(err, ERR_CONFLICT, STR_FMT " \"" STR_FMT "\" is used by " STR_FMT "%s",
			      STR_ARG(change->kind), STR_ARG(change->name), STR_ARG(buf_str(&usage.names)),
			      usage.count > USERS_NAMED ? " and others" : "");
		error_hint(err, "change those first, so that they no longer name it");
	}
	arena_finish(&usage.arena);
	buf_finish(&usage.names);
	return r;
}

enum err api_definitions_decide(struct decision *d, const void *args, struct error *err)
{
	const struct definition_changes *changes = args;
	enum err r = definition_change_decide(d, changes, err);
	for (size_t i = 0; r == OK && i < changes->count; i++) {
		const struct definition_change *change = &changes->changes[i];
		r = change->spec.len > 0 ? check_put(d, changes, change, err)
					 : check_delete(d, changes, change, err);
	}
	return r;
}
