/*
 * plan.h: what an apply would do, before anything is done.
 *
 *	files --resource_parse--> list --plan_make--> plan --plan_changes--> definition_change_decide
 *	                                   ^ what is defined now (struct plan_current)
 *
 * A definition belongs to one manager: a named file set, or people. An apply touches its own set
 * only. What people changed since is refused unless `take`; what belongs to another set always.
 * Prune deletes what its set no longer lists. After the plan every reference must lead somewhere,
 * and no chain of `acyclic` fields may lead back to its start.
 *
 * All or nothing: while one change is refused, nothing is to be applied (plan_refusal).
 *
 * Owns: everything is in the arena. Pure: what is defined now comes through two functions.
 */
#pragma once

#include "resource/definition.h"
#include "resource/resource.h"

#define PLAN_DEFINITIONS_MAX 20000 /* defined now and wanted, together */
#define PLAN_DIFF_BYTES_MAX (32u << 10) /* of one change; longer ones are cut and say so */

/* What is defined now. Texts must stay until the plan is no longer used. */
struct plan_current {
	void *context;
	/* Calls `each` for every definition of every kind, in any order. */
	enum err (*list)(void *context, definition_each_fn *each, void *each_context,
			 struct error *err);
	/* For references to what is not a definition ("User"). NULL: such references are not checked. */
	bool (*exists)(void *context, const char *kind, struct str name);
};

struct plan_options {
	struct str set; /* str_is_name, and not "people" */
	bool prune;     /* delete what the set no longer lists */
	bool take;      /* what people changed becomes the set's again */
	bool diff;      /* say what changes, line by line */
};

enum plan_action { PLAN_CREATE, PLAN_UPDATE, PLAN_DELETE, PLAN_UNCHANGED, PLAN_REFUSED };

struct plan_change {
	enum plan_action action;
	const struct resource_kind *kind;
	struct str name;
	struct str source;      /* empty for deletions */
	struct doc_place place; /* of the definition in its file */
	struct str spec;        /* canonical JSON; empty for deletions */
	int64_t revision;       /* of what is there now; 0 when nothing is */
	struct str why;         /* of refusals, a sentence; else empty */
	struct str diff;        /* unified, of the specs as YAML; empty when nothing differs */
};

struct plan {
	struct plan_change *changes; /* in the order of the registry and the name */
	size_t count;
	size_t counts[PLAN_REFUSED + 1];
	size_t left; /* of the set, no longer listed, and kept because prune was not asked for */
};

/* OK even when changes are refused: the plan says so. ERR_INVALID with `errors` when a reference leads
 * nowhere or in a circle; ERR_TOO_LARGE past the limits. */
enum err plan_make(const struct resource_kind *kinds, const struct resource_list *wanted,
		   const struct plan_current *current, const struct plan_options *options,
		   struct arena *arena, struct spec_errors *errors, struct plan *ret_plan,
		   struct error *err);

/* OK when nothing is refused; else ERR_CONFLICT with the first refusal and the number of others. */
enum err plan_refusal(const struct plan *plan, struct error *err);

/* The changes for the store, each expecting what the plan saw. Asserts that nothing is refused. */
struct definition_changes plan_changes(const struct plan *plan, const struct plan_options *options,
				       struct arena *arena);

const char *plan_action_name(enum plan_action action); /* "create" */

/* "create Check web (checks.yaml:3)", a line a change, with diffs indented, and a last line that
 * counts. Unchanged ones are only counted. */
void plan_print(const struct plan *plan, struct buf *buf);
