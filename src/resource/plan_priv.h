/*
 * plan_priv.h: what plan.c and plan_graph.c share.
 */
#pragma once

#include "resource/plan.h"

/* One definition, now or wanted or both. Sorted by kind (order of the registry), then name. */
struct plan_entry {
	const struct resource_kind *kind;
	struct str name;
	const struct resource *wanted;   /* NULL: no file says it */
	struct definition now;           /* revision 0: it is not there */
	const struct doc_node *now_spec; /* parsed; NULL when it is not there */
	bool stays;                      /* it is there after the plan */
};

struct plan_world {
	const struct resource_kind *kinds;
	struct plan_entry *entries;
	size_t count;
	struct arena *arena;
	const struct plan_current *current;
	struct spec_errors *errors;
};

struct plan_entry *plan_find(const struct plan_world *world, const struct resource_kind *kind,
			     struct str name);

/* Reports references that lead nowhere, and circles. ERR_INVALID when there is one. */
enum err plan_check_references(struct plan_world *world);
