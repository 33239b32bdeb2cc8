/* world_rebuild.c: the projections, made again from the journal, by the same applies. */
#include "journal/world_priv.h"

#define PAGE 500u

struct rebuilding {
	struct world *world;
	int64_t seq;
	enum err result;
	struct error *err;
};

static bool apply_again(void *context, const struct event *event)
{
	struct rebuilding *b = context;
	struct apply a = { .conn = b->world->conn, .arena = &b->world->batch };
	b->seq = event->seq;
	if (event->payload == NULL)
		return true; /* erased: nothing of it may come back */
	for (const struct wire_apply *row = b->world->options.wiring->applies; row->apply != NULL; row++) {
		if (row->kind != event->kind)
			continue;
		b->result = row->apply(&a, event, b->err);
		if (b->result != OK) {
			error_prefix(b->err, "event %lld", (long long)event->seq);
			return false;
		}
	}
	return true;
}

enum err world_rebuild(struct world *world, rebuild_progress_fn *progress, void *context,
		       struct error *err)
{
	struct rebuilding b = { world, 0, OK, err };
	enum err r = store_begin(world->conn, err);
	if (r != OK)
		return r;
	r = store_tables_clear(world->conn, world->options.wiring->tables, err);
	while (r == OK && b.result == OK && b.seq < world->last_seq) {
		struct journal_filter filter = { .after_seq = b.seq, .limit = PAGE };
		r = journal_read(world->conn, &filter, &world->batch, apply_again, &b, err);
		arena_reset(&world->batch);
		if (progress != NULL)
			progress(context, b.seq, world->last_seq);
	}
	if (r == OK)
		r = b.result;
	if (r == OK)
		return store_commit(world->conn, err);
	store_rollback(world->conn);
	return r;
}
