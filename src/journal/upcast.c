/*
 * upcast.c: see upcast.h. To change a kind: raise its version in kinds.def, add a step here, and
 * keep a journal written by the version before in tests/journals.
 */
#include "journal/upcast.h"

#include <stddef.h>

struct upcast_step {
	enum event_kind kind;
	int from;
	const struct doc_node *(*raise)(const struct doc_node *payload, struct arena *arena);
};

/* Every kind is at its first version. */
static const struct upcast_step steps[] = { { EVENT_KIND_COUNT, 0, NULL } };

const struct doc_node *upcast(enum event_kind kind, int version, const struct doc_node *payload,
			      struct arena *arena)
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i].kind == kind && steps[i].from == version)
			payload = steps[i].raise(payload, arena), version++;
	}
	return payload;
}
