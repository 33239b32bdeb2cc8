/* world.c: opening a world and running a batch of commands. See world.h. */
#include "journal/world.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "journal/world_priv.h"

#define BATCH_ARENA_BYTES (256u << 20)
#define CLOCK_STEP_LEAST TIME_SECOND /* smaller steps are the clock being kept right */

bool is_store_failure(enum err code)
{
	return code == ERR_UNAVAILABLE || code == ERR_IO || code == ERR_CORRUPT;
}

/* ---- what a decision may ask for ---- */

void deciding_init(struct deciding *deciding, struct world *world, struct actor actor, time_us now)
{
	*deciding = (struct deciding){
		.d = {
			.world = world,
			.conn = world->conn,
			.arena = &world->batch,
			.random = world->options.random,
			.actor = actor,
			.now = now,
			.elapsed = now - world->stepped,
		},
	};
	deciding->last = &deciding->first;
	deciding->works_last = &deciding->works;
}

static struct emitted *emit(struct decision *d, enum event_kind kind, int64_t subject, time_us event_time,
			    const void *payload)
{
	assert(kind < EVENT_KIND_COUNT);
	assert(payload != NULL);
	struct deciding *deciding = (struct deciding *)d;
	struct emitted *emitted = arena_new(d->arena, struct emitted);
	void *copy = arena_alloc(d->arena, event_kinds[kind].size);
	memcpy(copy, payload, event_kinds[kind].size);
	*emitted = (struct emitted){ kind, subject, event_time, copy, NULL, NULL };
	*deciding->last = emitted;
	deciding->last = &emitted->next;
	return emitted;
}

void decision_emit(struct decision *d, enum event_kind kind, int64_t subject, const void *payload)
{
	emit(d, kind, subject, d->now, payload);
}

void decision_emit_at(struct decision *d, enum event_kind kind, int64_t subject, time_us event_time,
		      const void *payload)
{
	emit(d, kind, subject, event_time, payload);
}

void decision_emit_read(struct decision *d, enum event_kind kind, int64_t subject, const void *payload, const void *memo)
{
	emit(d, kind, subject, d->now, payload)->memo = memo;
}

void decision_work(struct decision *d, work_fn *run, const void *args)
{
	struct deciding *deciding = (struct deciding *)d;
	struct work *work = arena_new(d->arena, struct work);
	*work = (struct work){ run, args, NULL };
	*deciding->works_last = work;
	deciding->works_last = &work->next;
}

int64_t decision_new_id(struct decision *d, const char *name)
{
	struct world *world = d->world;
	for (size_t i = 0; i < world->counter_count; i++) {
		if (!str_is(world->counters[i].name, name))
			continue;
		world->counters[i].changed = true;
		return ++world->counters[i].last;
	}
	assert(world->counter_count < COUNTERS_MAX);
	world->counters[world->counter_count++] = (struct counter){
		.name = arena_str(&world->lasting, str_of(name)),
		.last = 1,
		.changed = true,
	};
	return 1;
}

/* ---- opening ---- */

static enum err load_counters(struct world *world, struct error *err)
{
	struct str names[COUNTERS_MAX];
	int64_t values[COUNTERS_MAX];
	size_t count;
	arena_reset(&world->lasting);
	enum err r = counters_load(world->conn, &world->lasting, names, values, COUNTERS_MAX, &count,
				   err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++)
		world->counters[i] = (struct counter){ .name = names[i], .last = values[i] };
	world->counter_count = count;
	return OK;
}

static struct follower *follower_of(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->follower_count; i++) {
		if (strcmp(world->followers[i].name, name) == 0)
			return &world->followers[i];
	}
	assert(world->follower_count < FOLLOWERS_MAX);
	struct follower *follower = &world->followers[world->follower_count++];
	*follower = (struct follower){ .name = name };
	return follower;
}

static void listen_to(struct follower *follower, const char *kind)
{
	size_t count = 0;
	for (; follower->kinds[count] != NULL; count++) {
		if (strcmp(follower->kinds[count], kind) == 0)
			return;
	}
	assert(count < FOLLOWER_KINDS_MAX);
	follower->kinds[count] = kind;
}

static enum err load_followers(struct world *world, struct error *err)
{
	enum err r = OK;
	world->follower_count = 0;
	for (const struct wire_after *row = world->options.wiring->afters; row->follower != NULL; row++)
		listen_to(follower_of(world, row->follower), event_kinds[row->kind].name);
	for (size_t i = 0; r == OK && i < world->follower_count; i++) {
		struct follower *follower = &world->followers[i];
		r = cursor_read(world->conn, follower->name, &follower->stored, &follower->failures, err);
		follower->seq = follower->stored;
	}
	world->followers_behind = true;
	return r;
}

/* Memory as of the last commit. */
enum err world_load(struct world *world, struct error *err)
{
	int64_t last;
	enum err r = journal_last(world->conn, &last, &world->last_recorded, err);
	if (r != OK)
		return r;
	struct tree_reader reader = journal_tree_reader(world->conn);
	r = tree_open(&reader, (uint64_t)last, &world->tree, err);
	if (r == OK)
		r = clock_steps(world->conn, &world->stepped, err);
	if (r == OK)
		r = load_counters(world, err);
	if (r == OK)
		r = load_followers(world, err);
	__atomic_store_n(&world->last_seq, last, __ATOMIC_RELEASE);
	world->next_timer_known = false;
	return r;
}

static time_us wall_less_boot(struct world *world)
{
	return clock_wall(world->options.clock) - clock_since_boot(world->options.clock);
}

/* A wall that shows less than at the last event has gone back while nobody looked: a machine without
 * a battery clock that just started. It counts as a step, or timers would wait for that time again,
 * and be moved once more when the clock is put right. */
static enum err compare_walls(struct world *world, struct error *err)
{
	time_us last;
	enum err r = journal_last_event_time(world->conn, &last, err);
	time_us back = last - clock_wall(world->options.clock);
	if (r == OK && last != TIME_NONE && back > 0)
		world->wall_less_boot += back;
	return r;
}

enum err world_open(const struct world_options *options, struct world **ret_world,
		    struct error *err)
{
	assert(options->wiring != NULL);
	assert(options->clock != NULL);
	struct world *world = mem_alloc(sizeof *world);
	world->options = *options;
	world->events = mem_alloc(BATCH_EVENTS_MAX * sizeof *world->events);
	arena_init(&world->lasting, 0);
	arena_init(&world->batch, BATCH_ARENA_BYTES);
	world->wall_less_boot = wall_less_boot(world);
	bool remake = false;
	enum err r = store_connect(options->store, false, &world->conn, err);
	if (r == OK)
		r = store_lead(world->conn, err);
	if (r == OK)
		r = store_tables_create(world->conn, options->wiring->tables, &remake, err);
	if (r == OK)
		r = world_load(world, err);
	if (r == OK)
		r = compare_walls(world, err);
	if (r == OK && remake && world->last_seq > 0)
		r = world_rebuild(world, NULL, NULL, err);
	if (r != OK) {
		world_close(&world);
		return r;
	}
	*ret_world = world;
	return OK;
}

void world_close(struct world **world)
{
	if (*world == NULL)
		return;
	store_disconnect(&(*world)->conn);
	arena_finish(&(*world)->lasting);
	arena_finish(&(*world)->batch);
	mem_free((*world)->events);
	mem_free(*world);
	*world = NULL;
}

/* ---- a batch ---- */

time_us world_clock_step(struct world *world)
{
	time_us step = wall_less_boot(world) - world->wall_less_boot;
	return step > -CLOCK_STEP_LEAST && step < CLOCK_STEP_LEAST ? 0 : step;
}

static enum err note_clock_step(struct world *world, time_us now, struct error *err)
{
	time_us step = world_clock_step(world);
	if (step == 0)
		return OK;
	struct deciding deciding;
	deciding_init(&deciding, world, ACTOR_SYSTEM, now);
	decision_emit(&deciding.d, EVENT_CLOCK_STEPPED, 0, &(struct event_clock_stepped){ .by = step });
	world->noted_step = step;
	world->stepped += step;
	return record_all(world, &deciding, 0, err);
}

/* After a failed write memory was read again; when even that failed, nothing may be recorded before
 * it has gone well: events would follow on what was never stored. */
enum err world_remember(struct world *world, struct error *err)
{
	if (!world->forgotten)
		return OK;
	enum err r = world_load(world, err);
	world->forgotten = r != OK;
	return r == OK ? OK : ERR_UNAVAILABLE;
}

static void note_try(struct world *world, const struct error *failure)
{
	if (world->options.tried != NULL)
		world->options.tried(world->options.tried_context, failure);
}

enum err batch_begin(struct world *world, time_us *ret_now, struct error *err)
{
	if (world->options.before != NULL)
		world->options.before(world->options.tried_context);
	enum err r = world_remember(world, err);
	if (r == OK)
		r = store_begin(world->conn, err);
	if (r != OK) {
		note_try(world, err);
		return r;
	}
	time_us now = clock_wall(world->options.clock);
	r = note_clock_step(world, now, err);
	if (r != OK) {
		batch_end(world, r, err);
		return r;
	}
	*ret_now = now;
	return OK;
}

static bool counters_changed(const struct world *world)
{
	for (size_t i = 0; i < world->counter_count; i++) {
		if (world->counters[i].changed)
			return true;
	}
	return false;
}

static enum err save_counters(struct world *world, struct error *err)
{
	for (size_t i = 0; i < world->counter_count; i++) {
		struct counter *counter = &world->counters[i];
		if (!counter->changed)
			continue;
		enum err r = counter_save(world->conn, counter->name, counter->last, err);
		if (r != OK)
			return r;
		counter->changed = false;
	}
	return OK;
}

void forget_batch(struct world *world)
{
	struct error err;
	store_rollback(world->conn);
	world->forgotten = world_load(world, &err) != OK;
	if (world->forgotten)
		log_write(LOG_ERROR, "could not read the journal after a failed write", "%s", err.text);
}

static void settle_rooms(struct world *world, bool stored)
{
	const struct world_room *row = world->options.rooms;
	for (; row != NULL && row->name != NULL; row++) {
		if (row->settle != NULL)
			row->settle(row->room, stored);
	}
}

enum err batch_end(struct world *world, enum err result, struct error *err)
{
	/* A batch that writes nothing (all was refused) goes well on a disk that takes nothing. */
	bool writes = world->event_count > 0 || counters_changed(world);
	if (result == OK)
		result = save_counters(world, err);
	if (result == OK)
		result = store_commit(world->conn, err);
	if (result != OK || writes)
		note_try(world, result == OK ? NULL : err);
	settle_rooms(world, result == OK);
	if (result != OK) {
		forget_batch(world);
	} else if (world->event_count > 0) {
		world->wall_less_boot += world->noted_step;
		world->next_timer_known = false;
		world->followers_behind = world->follower_count > 0;
		if (world->options.committed != NULL)
			world->options.committed(world->options.committed_context, world->events,
						 world->event_count);
	}
	world->event_count = 0;
	world->noted_step = 0;
	return result;
}

static enum err decide(struct world *world, struct command *command, struct deciding *deciding)
{
	if (!flight_enter(world->options.flight, command->name, "command", 0))
		return error_set(&command->error, ERR_UNAVAILABLE,
				 "\"%s\" was switched off after it ended the server twice",
				 command->name);
	enum err r = command->decide(&deciding->d, command->args, &command->error);
	flight_leave(world->options.flight);
	return r;
}

static enum err authorise(struct world *world, struct command *command,
			  const struct deciding *deciding)
{
	if (world->options.authorise == NULL || command->actor.user == 0)
		return OK;
	for (const struct emitted *e = deciding->first; e != NULL; e = e->next) {
		enum err r = world->options.authorise(world->options.authorise_context, world->conn,
						      &command->actor, e->kind, e->subject, e->payload,
						      &command->error);
		if (r != OK)
			return r;
	}
	return OK;
}

/* OK also when the command was refused: its result says so. Else the batch cannot go on. */
static enum err run_command(struct world *world, struct command *command, time_us now,
			    struct error *err)
{
	struct deciding deciding;
	deciding_init(&deciding, world, command->actor, now);
	command->seq = 0;
	command->result = decide(world, command, &deciding);
	if (command->result == OK)
		command->result = authorise(world, command, &deciding);
	if (command->result != OK) {
		if (!is_store_failure(command->result) || command->error.code == OK)
			return OK;
		*err = command->error;
		return command->result;
	}
	enum err r = record_all(world, &deciding, 0, err);
	command->seq = deciding.last_seq;
	if (r == OK && command->answer != NULL)
		r = command->answer(&deciding.d, command, err);
	return r;
}

static void fail_all(struct command **commands, size_t count, const struct error *why)
{
	for (size_t i = 0; i < count; i++) {
		commands[i]->result = ERR_UNAVAILABLE;
		error_set(&commands[i]->error, ERR_UNAVAILABLE, "%s", why->text);
		error_hint(&commands[i]->error, "%s",
			   why->hint[0] != '\0' ? why->hint : "nothing was stored; try again");
	}
}

/* One transaction: the first commands, until they have set off so much that the rest must wait.
 * Returns how many. */
static size_t run_some(struct world *world, struct command **commands, size_t count)
{
	struct error err = { 0 };
	time_us now;
	size_t done = 0;
	enum err r = batch_begin(world, &now, &err);
	if (r == OK) {
		while (r == OK && done < count && world->event_count < BATCH_EVENTS_SOFT &&
		       world->batch.used_bytes < BATCH_BYTES_SOFT)
			r = run_command(world, commands[done++], now, &err);
		r = batch_end(world, r, &err);
	}
	if (r == OK)
		return done;
	log_write(LOG_ERROR, "could not store a batch", "commands=%zu reason=\"%s\"", count, err.text);
	fail_all(commands, count, &err);
	return count;
}

void world_run(struct world *world, struct command **commands, size_t count)
{
	for (size_t begun = 0; begun < count;) {
		size_t done = run_some(world, commands + begun, count - begun);
		assert(done > 0);
		for (size_t i = begun; i < begun + done; i++) {
			if (commands[i]->done != NULL)
				commands[i]->done(commands[i]);
		}
		begun += done;
		arena_reset(&world->batch);
	}
}

int64_t world_last_seq(const struct world *world)
{
	return __atomic_load_n(&world->last_seq, __ATOMIC_ACQUIRE);
}

const void *world_room(const struct world *world, const char *name)
{
	const struct world_room *row = world->options.rooms;
	while (row != NULL && row->name != NULL && strcmp(row->name, name) != 0)
		row++;
	assert(row != NULL);
	assert(row->name != NULL);
	return row->room;
}

struct store *world_store(const struct world *world)
{
	return world->options.store;
}

const char *world_name(const struct world *world)
{
	return world->options.name;
}

struct clock *world_clock(const struct world *world)
{
	return world->options.clock;
}

/* ---- who leads ---- */

#define LEAD_RENEW_LEFT (STORE_LEASE * 2 / 3)

bool world_leads(const struct world *world)
{
	time_us until = store_lead_until(world->conn);
	return until == INT64_MAX || clock_since_boot(world->options.clock) < until;
}

static void tell_unled(struct world *world)
{
	if (world->unled || store_lead_until(world->conn) != 0)
		return;
	world->unled = true;
	log_write(LOG_ERROR, "another server leads by now", NULL);
	if (world->options.unled != NULL)
		world->options.unled(world->options.committed_context);
}

void world_keep_lead(struct world *world)
{
	struct error err;
	time_us until = store_lead_until(world->conn);
	if (until == INT64_MAX || world->unled)
		return;
	bool due = until - clock_since_boot(world->options.clock) < LEAD_RENEW_LEFT;
	bool failed = due && store_lead_renew(world->conn, &err) != OK;
	if (failed && !world->lead_failing)
		log_write(LOG_WARNING, "could not tell the database that this server is alive",
			  "reason=\"%s\"", err.text);
	world->lead_failing = failed;
	tell_unled(world);
}

void world_checkpoint(struct world *world)
{
	store_checkpoint(world->conn);
}
