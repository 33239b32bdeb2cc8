/* world_record.c: from an emitted event to a recorded and applied one, and what it sets off. */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "journal/leaf.h"
#include "journal/world_priv.h"

static struct str encode(struct world *world, enum event_kind kind, const void *payload)
{
	cleanup_buf struct buf json;
	buf_init(&json, EVENT_PAYLOAD_BYTES_MAX);
	event_encode(kind, payload, &json);
	assert(!json.full);
	return arena_str(&world->batch, buf_str(&json));
}

static struct str grow_tree(struct world *world, const struct journal_row *row)
{
	struct tree_hash leaf;
	event_leaf(&(struct leaf_fields){
			   .seq = row->event.seq,
			   .event_time = row->event.event_time,
			   .recorded_time = row->event.recorded_time,
			   .actor = row->event.actor,
			   .kind = str_of(event_kinds[row->event.kind].name),
			   .subject = row->event.subject,
			   .version = row->version,
			   .payload = row->event.json,
			   .salt = row->salt,
		   },
		   &leaf);
	struct tree_hash *nodes = arena_array(&world->batch, struct tree_hash, TREE_LEVELS);
	unsigned count = tree_append(&world->tree, &leaf, nodes);
	return (struct str){ (const char *)nodes, count * sizeof *nodes };
}

static enum err apply(struct world *world, const struct event *event, struct error *err)
{
	struct apply a = { .conn = world->conn, .arena = &world->batch };
	for (const struct wire_apply *row = world->options.wiring->applies; row->apply != NULL; row++) {
		if (row->kind != event->kind)
			continue;
		enum err r = row->apply(&a, event, err);
		if (r != OK) {
			error_prefix(err, "event %lld \"%s\"", (long long)event->seq,
				     event_kinds[event->kind].name);
			return is_store_failure(r) ? r : ERR_IO;
		}
	}
	return OK;
}

/* Drawn many at once: the system is asked less often. */
static struct str take_salt(struct world *world)
{
	if (world->salts_left == 0) {
		random_fill(world->options.random, world->salts, sizeof world->salts);
		world->salts_left = SALTS_AT_ONCE;
	}
	char *drawn = world->salts[--world->salts_left], *salt = arena_alloc(&world->batch, SALT_BYTES);
	memcpy(salt, drawn, SALT_BYTES);
	explicit_bzero(drawn, SALT_BYTES);
	return (struct str){ salt, SALT_BYTES };
}

static enum err record_one(struct world *world, const struct emitted *emitted, int64_t actor,
			   time_us now, struct event **ret_event, struct error *err)
{
	if (world->event_count == BATCH_EVENTS_MAX)
		return error_set(err, ERR_UNAVAILABLE, "could not record more than %u events at once",
				 BATCH_EVENTS_MAX);
	struct journal_row row = {
		.event = {
			.seq = world->last_seq + 1,
			.event_time = emitted->event_time,
			.recorded_time = now > world->last_recorded ? now : world->last_recorded + 1,
			.actor = actor,
			.kind = emitted->kind,
			.subject = emitted->subject,
			.payload = emitted->payload,
			.json = encode(world, emitted->kind, emitted->payload),
			.memo = emitted->memo,
		},
		.version = event_kinds[emitted->kind].version,
		.salt = take_salt(world),
	};
	row.nodes = grow_tree(world, &row);
	enum err r = journal_append(world->conn, &row, err);
	if (r != OK)
		return r;
	__atomic_store_n(&world->last_seq, row.event.seq, __ATOMIC_RELEASE);
	world->last_recorded = row.event.recorded_time;
	struct event *event = arena_new(&world->batch, struct event);
	*event = row.event;
	world->events[world->event_count++] = event;
	*ret_event = event;
	return apply(world, event, err);
}

static enum err tell_parked(struct world *world, const char *name, const struct event *event,
			    time_us now, const char *reason, struct error *err)
{
	log_write(LOG_ERROR, "a rule was left out", "rule=%s event=%s seq=%lld reason=\"%s\"", name,
		  event_kinds[event->kind].name, (long long)event->seq, reason);
	struct deciding deciding;
	deciding_init(&deciding, world, ACTOR_SYSTEM, now);
	struct event_wire_parked parked = {
		.row = str_of(name),
		.of_kind = str_of(event_kinds[event->kind].name),
		.of = event->subject,
		.reason = arena_str(&world->batch, str_of(reason)),
	};
	decision_emit(&deciding.d, EVENT_WIRE_PARKED, event->subject, &parked);
	return record_all(world, &deciding, WIRE_DEPTH_MAX, err);
}

#define WHOSE_FIELDS 2u

int64_t event_whose(const struct event *event)
{
	const struct event_kind_info *info = &event_kinds[event->kind];
	uint64_t hash = 0;
	if (event->subject != 0 || event->payload == NULL)
		return event->subject;
	for (size_t i = 0; i < info->field_count && i < WHOSE_FIELDS; i++) {
		const char *at = (const char *)event->payload + info->fields[i].offset;
		bool text = info->fields[i].type == EVENT_FIELD_TEXT;
		uint64_t value = text ? str_hash(*(const struct str *)at)
				      : info->fields[i].type == EVENT_FIELD_ID ? *(const uint64_t *)at : 0;
		hash = (hash ^ value) * UINT64_C(1099511628211);
	}
	return -1 - (int64_t)(hash >> 1); /* subjects are positive */
}

static enum err run_now(struct world *world, const struct wire_now *row, const struct event *event,
			time_us now, unsigned depth, struct error *err)
{
	assert(depth < WIRE_DEPTH_MAX);
	const char *kind = event_kinds[event->kind].name;
	if (!flight_enter(world->options.flight, row->name, kind, event_whose(event)))
		return tell_parked(world, row->name, event, now, "it ended the server twice", err);
	struct deciding deciding;
	deciding_init(&deciding, world, ACTOR_SYSTEM, now);
	enum err r = row->now(&deciding.d, event, err);
	flight_leave(world->options.flight);
	if (r == OK)
		return record_all(world, &deciding, depth + 1, err);
	if (is_store_failure(r))
		return r;
	return tell_parked(world, row->name, event, now, err != NULL ? err->text : err_name(r), err);
}

static enum err run_nows(struct world *world, const struct event *event, time_us now, unsigned depth,
			 struct error *err)
{
	for (const struct wire_now *row = world->options.wiring->nows; row->now != NULL; row++) {
		if (row->kind != event->kind)
			continue;
		enum err r = run_now(world, row, event, now, depth, err);
		if (r != OK)
			return r;
	}
	return OK;
}

static enum err run_works(struct world *world, const struct deciding *deciding, struct error *err)
{
	for (const struct work *work = deciding->works; work != NULL; work = work->next) {
		enum err r = work->run(world->conn, work->args, err);
		if (r != OK)
			return is_store_failure(r) ? r : ERR_IO;
	}
	return OK;
}

enum err record_all(struct world *world, struct deciding *deciding, unsigned depth,
		    struct error *err)
{
	time_us now = deciding->d.now;
	for (const struct emitted *e = deciding->first; e != NULL; e = e->next) {
		struct event *event;
		enum err r = record_one(world, e, deciding->d.actor.user, now, &event, err);
		if (r != OK)
			return r;
		deciding->last_seq = event->seq;
		r = run_nows(world, event, now, depth, err);
		if (r != OK)
			return r;
	}
	return run_works(world, deciding, err);
}
