/*
 * upcast.c: see upcast.h. To change a kind: raise its version in kinds.def, add a step here, and
 * keep a payload that the version before wrote in test_journal_upcast.c.
 */
#include "journal/upcast.h"

#include <stddef.h>

struct upcast_step {
	enum event_kind kind;
	int from;
	const struct doc_node *(*raise)(const struct doc_node *payload, struct arena *arena);
};

/* The same payload with one text more. */
static const struct doc_node *with_text(const struct doc_node *payload, const char *key, const char *value,
					struct arena *arena)
{
	struct doc_node *raised = arena_new(arena, struct doc_node);
	struct doc_entry *entries = arena_array(arena, struct doc_entry, payload->count + 1);
	for (uint32_t i = 0; i < payload->count; i++)
		entries[i] = *doc_entry_at(payload, i);
	entries[payload->count] = (struct doc_entry){
		.key = str_of(key), .value = { .kind = DOC_TEXT, .text = str_of(value) },
	};
	*raised = (struct doc_node){ .kind = DOC_MAP, .count = payload->count + 1, .map = { .entries = entries } };
	return raised;
}

/* Before subscriptions belonged to a status page, everybody heard of every service. */
static const struct doc_node *subscriber_added_1(const struct doc_node *payload, struct arena *arena)
{
	return with_text(payload, "page", "", arena);
}

static const struct upcast_step steps[] = {
	{ EVENT_SUBSCRIBER_ADDED, 1, subscriber_added_1 },
};

const struct doc_node *upcast(enum event_kind kind, int version, const struct doc_node *payload,
			      struct arena *arena)
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i].kind == kind && steps[i].from == version)
			payload = doc_is(payload, DOC_MAP) ? steps[i].raise(payload, arena) : payload, version++;
	}
	return payload;
}
