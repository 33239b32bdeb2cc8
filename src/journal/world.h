/*
 * world.h: where things are decided, applied and recorded.
 *
 * A world is a store, a journal, a clock, a source of chance and channels. Production is one; a
 * drill, a what-if and a simulator run are others, made of the same code.
 *
 *     command --decide--> events --record--> journal
 *                              \--apply---> the rooms' tables
 *                              \--NOW-----> further events, same transaction (at most 8 deep)
 *             COMMIT, then the answer;  AFTER rows follow with a durable cursor
 *
 * decide reads and returns a refusal or events; apply is the only code that changes a room's tables
 * and is exactly what a rebuild runs. Neither reads a clock or rolls dice: both are given.
 *
 * Runs on: one thread at a time, the writer (writer.h) in production, the test's own in the simulator.
 */
#pragma once

#include "base/random.h"
#include "journal/event.h"
#include "journal/flight.h"
#include "store/store_table.h"
#include "sys/clock.h"

struct world;
struct decision;

/* Who acts. `principal` is guard's; only the authorise function looks into it. */
struct actor {
	int64_t user; /* 0: Mainstay itself, which may do everything */
	const void *principal;
};

#define ACTOR_SYSTEM ((struct actor){ 0 })

/* ---- decide ---------------------------------------------------------------------------------- */

/* What a deciding function is given. Its reads see the transaction so far. */
struct decision {
	struct world *world;
	struct store_conn *conn; /* to read */
	struct arena *arena;     /* lives until the batch is committed */
	struct random *random;
	struct actor actor;
	time_us now;     /* the wall */
	time_us elapsed; /* the same without the jumps of the wall: only ever grows by what passed */
	time_us late; /* of a timer: how long it was overdue */
};

/* ERR_UNAVAILABLE, ERR_IO and ERR_CORRUPT fail the whole batch; any other error refuses this
 * command alone, and nothing of it was written. */
typedef enum err decide_fn(struct decision *d, const void *args, struct error *err);

/* The payload struct is copied; its texts must live as long as the decision's arena. */
void decision_emit(struct decision *d, enum event_kind kind, int64_t subject, const void *payload);
/* The same for what happened earlier than now. */
void decision_emit_at(struct decision *d, enum event_kind kind, int64_t subject, time_us event_time,
		      const void *payload);
/* With what reading the payload would give, to the room that knows (event.h, memo): so it is not read again. */
void decision_emit_read(struct decision *d, enum event_kind kind, int64_t subject, const void *payload, const void *memo);

/* The next id of a counter ("incident"): 1, 2, 3... A refused command leaves a gap. */
int64_t decision_new_id(struct decision *d, const char *counter);

/* Writes rows of class work in the same transaction, after the events were applied. */
typedef enum err work_fn(struct store_conn *conn, const void *args, struct error *err);
void decision_work(struct decision *d, work_fn *work, const void *args);

/* ---- apply ----------------------------------------------------------------------------------- */

/* What an applying function is given: its own tables and the event, nothing else. */
struct apply {
	struct store_conn *conn;
	struct arena *arena;
};

typedef enum err apply_fn(struct apply *a, const struct event *event, struct error *err);
typedef enum err now_fn(struct decision *d, const struct event *event, struct error *err);
typedef enum err after_fn(struct apply *a, const struct event *event, struct error *err);

/* Durable timers: rows set and cleared by apply functions. One per (name, of). An elapsed timer
 * waits a span of time and is moved when the wall jumps; a calendar one means the wall itself. */
enum timer_basis { TIMER_ELAPSED, TIMER_CALENDAR };
enum err timer_set(struct apply *a, const char *name, int64_t of, time_us due,
		   enum timer_basis basis, struct error *err);
enum err timer_clear(struct apply *a, const char *name, int64_t of, struct error *err);
/* So far, by what this batch has applied too. */
enum err timer_is_set(struct apply *a, const char *name, int64_t of, bool *ret_set, struct error *err);

struct timer {
	struct str name;
	int64_t of;
	time_us due;
};

/* Must emit an event whose apply sets the timer anew or clears it. */
typedef enum err timer_fn(struct decision *d, const struct timer *timer, struct error *err);

/* ---- wiring: src/main/wiring.c is the one table ---------------------------------------------- */

struct wire_apply {
	enum event_kind kind;
	apply_fn *apply;
};

struct wire_now {
	enum event_kind kind;
	const char *name; /* "incident_from_alert": for the flight recorder and docs */
	now_fn *now;
};

/* A follower's row either keeps what it learns in work rows (`after`), or, like a NOW row, answers with
 * further events (`decide`): they are recorded in the transaction that moves its cursor, so each event
 * is followed by them exactly once. */
struct wire_after {
	enum event_kind kind;
	const char *follower;
	after_fn *after;
	now_fn *decide;
};

struct wire_timer {
	const char *name;
	timer_fn *due;
};

struct wiring {
	const struct store_table *const *tables; /* NULL-terminated, all rooms' */
	const struct wire_apply *applies;        /* end: apply NULL */
	const struct wire_now *nows;             /* end: now NULL */
	const struct wire_after *afters;         /* end: follower NULL */
	const struct wire_timer *timers;         /* end: due NULL */
};

#define WIRE_DEPTH_MAX 8u

/* The applies of this room itself, for the wiring. */
apply_fn journal_apply_clock_stepped, journal_apply_timer_parked;

/* A command for whoever opens a journal with a key: the first one is noted, another one refused with
 * ERR_PRECONDITION, because auditors could not tell it from a forgery. */
struct journal_signer {
	struct str name, key; /* of note_key_print */
};
decide_fn journal_signer_decide;
/* Its question alone, for who only reads. ERR_PRECONDITION: by another one. */
enum err journal_signer_check(struct store_conn *conn, const struct journal_signer *signer, bool *ret_known, struct error *err);

/* ---- the world ------------------------------------------------------------------------------- */

typedef enum err authorise_fn(void *context, struct store_conn *conn, const struct actor *actor,
			      enum event_kind kind, int64_t subject, const void *payload,
			      struct error *err);

/* The events of one commit, oldest first, on the world's thread; borrowed for the call. */
typedef void committed_fn(void *context, const struct event *const *events, size_t count);

/* What a room keeps in memory for this world: found by name. What it notes while deciding must not
 * outlive a batch that failed: `settle` says after each one whether it was stored, before anybody is
 * answered, on the world's thread. NULL: there is nothing to settle. */
struct world_room {
	const char *name;
	const void *room;
	void (*settle)(const void *room, bool stored);
};

struct world_options {
	const struct world_room *rooms; /* end: name NULL; may be NULL */
	const char *name; /* "production"; the origin of checkpoints */
	struct store *store;
	struct clock *clock;
	struct random *random;
	const struct wiring *wiring;
	struct flight *flight; /* may be NULL: nothing is parked then */
	authorise_fn *authorise; /* may be NULL: tests only */
	void *authorise_context;
	void (*before)(void *context); /* each batch, with tried_context; may be NULL */
	/* After every try to commit: NULL when it worked, else why nothing was stored. May be NULL. */
	void (*tried)(void *context, const struct error *failure);
	void *tried_context;
	/* Another server leads by now: nothing can be decided here any more. Once, on the world's thread;
	 * may be NULL. */
	void (*unled)(void *context);
	committed_fn *committed; /* may be NULL */
	void *committed_context;
};

/* Makes the tables, and applies the journal again when a projection was declared anew. */
enum err world_open(const struct world_options *options, struct world **ret_world,
		    struct error *err);
void world_close(struct world **world);

/* One command of a batch. Lives with whoever made it until it is done. */
struct command {
	const char *name; /* for the flight recorder: "incident_acknowledge" */
	decide_fn *decide;
	const void *args;
	struct actor actor;

	/* Runs in the transaction after everything was applied: reads the new state, keeps what the
	 * caller will be told. May be NULL. */
	enum err (*answer)(struct decision *d, struct command *command, struct error *err);
	/* Runs after COMMIT or refusal, on the world's thread. */
	void (*done)(struct command *command);
	void *context;

	enum err result; /* set before `done` */
	struct error error;
	int64_t seq; /* of its last event; 0 when it emitted none */

	struct command *next; /* the queue's */
};

/* Runs the commands in one transaction, then their `done`, then followers are due; when they set off so
 * much that it would not fit, the rest runs in the next one. A store that cannot commit gives every
 * command that was not stored ERR_UNAVAILABLE. */
void world_run(struct world *world, struct command **commands, size_t count);

/* Fires what is due; false when nothing was. Bounded work; call again while true. */
bool world_run_timers(struct world *world);
/* The instant by the wall when the next timer is due; TIME_NONE: none. */
time_us world_next_timer(struct world *world);

/* Gives AFTER rows a bounded slice of what they have not seen; false when all have seen all. */
bool world_run_followers(struct world *world);

/* The last recorded event. Safe from any thread. */
int64_t world_last_seq(const struct world *world);
const void *world_room(const struct world *world, const char *name); /* asserts that it is there */
struct store *world_store(const struct world *world);
const char *world_name(const struct world *world);
struct clock *world_clock(const struct world *world);

/* Tells the store that this world's server is alive, when it is time to; between batches. */
void world_keep_lead(struct world *world);
/* Whether it is certain at this moment that no other server leads: what must happen once may be done.
 * Safe from any thread. */
bool world_leads(const struct world *world);

/* Moves what the store has logged into its file; for idle moments. */
void world_checkpoint(struct world *world);

/* Empties the projections and applies the whole journal again, in one transaction. `progress` may
 * be NULL. */
typedef void rebuild_progress_fn(void *context, int64_t done, int64_t total);
enum err world_rebuild(struct world *world, rebuild_progress_fn *progress, void *context,
		       struct error *err);
