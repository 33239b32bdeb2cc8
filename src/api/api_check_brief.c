/* api_check_brief.c: all checks at a glance: name, service, state; for counts and for services. */
#include <string.h>

#include "api/api_defs.h"
#include "base/mem.h"
#include "monitor/monitor_sense.h"

#define ROW_ARENA_BYTES (16u << 20)
#define ROOM_LEAST (4u << 20) /* what the call's arena keeps for the answer */

struct gathering {
	struct api_call *call;
	struct api_brief *rows;
	size_t count, size;
	bool full;
	struct arena arena; /* of one definition */
};

static bool add_definition(void *context, const struct definition *definition)
{
	struct gathering *all = context;
	struct arena *arena = &all->call->arena;
	if (all->count == SENSE_CHECKS_MAX || arena_room(arena) < ROOM_LEAST) {
		all->full = true;
		return false;
	}
	if (all->count == all->size) {
		all->size = all->size == 0 ? 256 : all->size * 2;
		all->rows = mem_realloc(all->rows, all->size * sizeof *all->rows);
	}
	arena_reset(&all->arena);
	const struct doc_node *spec = api_spec_of(definition, &all->arena);
	bool paused = doc_bool(doc_get(spec, "paused"), false);
	all->rows[all->count++] = (struct api_brief){
		.name = arena_str(arena, definition->name),
		.service = arena_str(arena, doc_text(doc_get(spec, "service"), "")),
		.state = paused ? STR("paused") : STR("unknown"),
	};
	return true;
}

/* The word without a copy: there are only five. */
static struct str word_of(struct str state)
{
	static const char *const words[] = { "up", "down", "degraded", "paused" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (str_is(state, words[i]))
			return str_of(words[i]);
	}
	return STR("unknown");
}

struct joining {
	struct api_briefs *briefs;
	size_t at;
};

/* Both come in order of the name. */
static bool join_state(void *context, const struct monitor_state *state)
{
	struct joining *joining = context;
	struct api_briefs *briefs = joining->briefs;
	while (joining->at < briefs->count &&
	       str_cmp(briefs->rows[joining->at].name, state->check) < 0)
		joining->at++;
	if (joining->at == briefs->count)
		return false;
	struct api_brief *row = &briefs->rows[joining->at];
	if (str_eq(row->name, state->check) && !str_is(row->state, "paused"))
		row->state = word_of(state->state);
	return true;
}

enum err api_briefs(struct api_call *call, struct api_briefs *ret_briefs, struct error *err)
{
	struct gathering all = { .call = call };
	struct arena states;
	arena_init(&all.arena, ROW_ARENA_BYTES);
	enum err r = api_definitions(call->conn, STR(MONITOR_CHECK), STR_NONE, add_definition, &all, err);
	arena_finish(&all.arena);
	if (r == OK && all.full)
		r = error_set(err, ERR_TOO_LARGE, "there are more checks than one answer can count");
	struct api_briefs briefs = { .count = all.count };
	if (r == OK) {
		briefs.rows = arena_array(&call->arena, struct api_brief, all.count + 1);
		if (all.count > 0)
			memcpy(briefs.rows, all.rows, all.count * sizeof *all.rows);
		struct joining joining = { &briefs, 0 };
		arena_init(&states, 256u << 20); /* SENSE_CHECKS_MAX reasons */
		r = monitor_states(call->conn, &states, join_state, &joining, err);
		arena_finish(&states);
	}
	mem_free(all.rows);
	if (r == OK)
		*ret_briefs = briefs;
	return r;
}

int api_state_rank(struct str state)
{
	static const char *const ranks[] = { "down", "degraded", "unknown", "up", "paused" };
	for (int i = 0; i < 5; i++) {
		if (str_is(state, ranks[i]))
			return i;
	}
	return 2;
}
