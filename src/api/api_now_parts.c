/* api_now_parts.c: the parts of the first page about checks and about who is on call. */
#include <stdlib.h>

#include "alert/alert.h"
#include "api/api_defs.h"
#include "api/api_now.h"
#include "oncall/paging.h"

#define WORST_SHOWN 20u
#define SCHEDULES_SHOWN 50u
#define MUTES_MAX 1000u
#define ROW_ARENA_BYTES (16u << 20)

/* ---- checks ---- */

struct muting {
	struct alert_mute rows[MUTES_MAX];
	size_t count;
};

static bool keep_mute(void *context, const struct alert_mute *mute)
{
	struct muting *muting = context;
	muting->rows[muting->count++] = *mute;
	return muting->count < MUTES_MAX;
}

static bool is_muted(const struct muting *muting, const struct api_brief *check)
{
	for (size_t i = 0; i < muting->count; i++) {
		const struct alert_mute *mute = &muting->rows[i];
		struct str of = str_is(mute->kind, "service") ? check->service : check->name;
		if (str_is(mute->kind, "all") || str_eq(mute->target, of))
			return true;
	}
	return false;
}

static int worst_first(const void *left, const void *right)
{
	const struct api_brief *a = left, *b = right;
	int order = api_state_rank(a->state) - api_state_rank(b->state);
	return order != 0 ? order : str_cmp(a->name, b->name);
}

static enum err write_counts(struct api_call *call, const struct api_briefs *briefs,
			     struct error *err)
{
	static const char *const states[] = { "up", "down", "degraded", "paused", "unknown" };
	struct muting *muting = arena_new(&call->arena, struct muting);
	int64_t muted = 0;
	enum err r = alert_list_mutes(call->conn, true, MUTES_MAX, &call->arena, keep_mute, muting, err);
	if (r != OK)
		return r;
	for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
		int64_t count = 0;
		for (size_t i = 0; i < briefs->count; i++)
			count += str_is(briefs->rows[i].state, states[s]);
		json_field_int(&call->json, states[s], count);
	}
	for (size_t i = 0; i < briefs->count; i++)
		muted += is_muted(muting, &briefs->rows[i]);
	json_field_int(&call->json, "muted", muted);
	return OK;
}

static enum err write_worst(struct api_call *call, struct api_briefs *briefs, struct error *err)
{
	cleanup_arena struct arena arena;
	enum err r = OK;
	arena_init(&arena, ROW_ARENA_BYTES);
	qsort(briefs->rows, briefs->count, sizeof briefs->rows[0], worst_first);
	json_key(&call->json, "worst");
	json_list_begin(&call->json);
	for (size_t i = 0; r == OK && i < briefs->count && i < WORST_SHOWN; i++) {
		struct definition definition;
		struct api_check check;
		if (api_state_rank(briefs->rows[i].state) > api_state_rank(STR("unknown")))
			break;
		arena_reset(&arena);
		r = definition_get(call->conn, STR(MONITOR_CHECK), briefs->rows[i].name, &arena,
				   &definition, err);
		if (r == OK)
			r = api_check_view(call, &definition, &arena, &check, err);
		if (r == OK)
			r = api_check_row(call, &check, false, err);
	}
	json_list_end(&call->json);
	return r;
}

enum err api_now_checks(struct api_call *call, struct error *err)
{
	struct api_briefs briefs;
	enum err r = api_briefs(call, &briefs, err);
	if (r != OK)
		return r;
	json_key(&call->json, "checks");
	json_map_begin(&call->json);
	r = write_counts(call, &briefs, err);
	if (r == OK)
		r = write_worst(call, &briefs, err);
	json_map_end(&call->json);
	return r;
}

/* ---- on call ---- */

struct listing {
	struct api_call *call;
	unsigned count;
	enum err result;
	struct error *err;
};

static bool list_schedule(void *context, const struct definition *definition)
{
	struct listing *listing = context;
	listing->result = api_on_call_row(listing->call, arena_str(&listing->call->arena, definition->name),
					  listing->call->now, listing->err);
	return listing->result == OK && ++listing->count < SCHEDULES_SHOWN;
}

enum err api_now_on_call(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call, .err = err };
	json_key(&call->json, "on_call");
	json_list_begin(&call->json);
	enum err r = api_definitions(call->conn, STR(PAGING_SCHEDULE), STR_NONE, list_schedule, &listing,
				     err);
	json_list_end(&call->json);
	return r == OK ? listing.result : r;
}
