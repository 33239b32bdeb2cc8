/* definition.c: deciding changes of definitions. See definition.h. */
#include "resource/definition.h"

#include <assert.h>

static enum err check_revision(const struct definition_change *change, int64_t revision,
			       struct error *err)
{
	if (change->expect_revision == -1 || change->expect_revision == revision)
		return OK;
	error_set(err, ERR_PRECONDITION,
		  revision == 0 ? "" STR_FMT " \"" STR_FMT "\" is no longer there"
				: "" STR_FMT " \"" STR_FMT "\" was changed by somebody else",
		  STR_ARG(change->kind), STR_ARG(change->name));
	error_hint(err, "look at it again and repeat the change on what it says now");
	return ERR_PRECONDITION;
}

static enum err delete_one(struct decision *d, const struct definition_change *change,
			   int64_t revision, struct error *err)
{
	if (revision == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no " STR_FMT " \"" STR_FMT "\"",
				 STR_ARG(change->kind), STR_ARG(change->name));
	struct event_definition_deleted deleted = { .kind = change->kind, .name = change->name };
	decision_emit(d, EVENT_DEFINITION_DELETED, 0, &deleted);
	return OK;
}

static enum err change_one(struct decision *d, const struct definition_change *change,
			   struct error *err)
{
	struct definition before = { 0 };
	enum err r = definition_get(d->conn, change->kind, change->name, d->arena, &before, err);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	r = check_revision(change, before.revision, err);
	if (r != OK)
		return r;
	if (change->spec.len == 0)
		return delete_one(d, change, before.revision, err);
	if (before.revision > 0 && str_eq(before.spec, change->spec) &&
	    str_eq(before.manager, change->manager))
		return OK;
	struct event_definition_put put = {
		.kind = change->kind,
		.name = change->name,
		.spec = change->spec,
		.manager = change->manager,
		.revision = before.revision + 1,
	};
	decision_emit(d, EVENT_DEFINITION_PUT, 0, &put);
	return OK;
}

enum err definition_change_decide(struct decision *d, const void *args, struct error *err)
{
	const struct definition_changes *all = args;
	assert(all->count <= DEFINITION_CHANGES_MAX);
	for (size_t i = 0; i < all->count; i++) {
		enum err r = change_one(d, &all->changes[i], err);
		if (r != OK)
			return r;
	}
	return OK;
}
