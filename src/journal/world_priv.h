/* world_priv.h: the inside of a world, for world*.c only. */
#pragma once

#include "journal/journal_priv.h"

#define COUNTERS_MAX 64u
#define FOLLOWERS_MAX 32u
#define FOLLOWER_KINDS_MAX 32u
#define BATCH_EVENTS_MAX 32768u /* of one transaction: what one command or timer may set off */
#define BATCH_EVENTS_SOFT 4096u /* past it the rest of a batch waits for the next transaction */

#define SALTS_AT_ONCE 64u
#define BATCH_BYTES_SOFT (64u << 20)     /* the same for its memory */

struct counter {
	struct str name; /* of the long arena */
	int64_t last;
	bool changed;
};

struct follower {
	const char *name;
	const char *kinds[FOLLOWER_KINDS_MAX + 1]; /* what it listens to; end: NULL */
	int64_t seq;    /* all that is its own up to here was followed */
	int64_t stored; /* the same as its cursor says */
	int64_t failures;
	int64_t slice_end; /* where to stop this time, because the event after it failed; 0: nowhere */
};

struct world {
	struct world_options options;
	struct store_conn *conn;
	struct arena lasting;  /* what lives as long as the world: counter names */
	struct arena batch;    /* reset when a batch is over */
	struct tree tree;
	char salts[SALTS_AT_ONCE][SALT_BYTES]; /* of which the first salts_left are still to be used */
	unsigned salts_left;
	int64_t last_seq;      /* written by the world's thread, read by any (atomic) */
	time_us last_recorded;
	time_us stepped;        /* all steps of the wall so far: wall - stepped is elapsed time */
	time_us wall_less_boot; /* a change of it is a step of the wall clock; as of the last commit */
	time_us noted_step;     /* by how much the running batch has noted that it changed */
	bool forgotten;         /* memory is not what is stored, and could not be read again yet */
	time_us next_timer;     /* TIME_NONE: none */
	bool next_timer_known;
	struct counter counters[COUNTERS_MAX];
	size_t counter_count;
	struct follower followers[FOLLOWERS_MAX];
	size_t follower_count;
	bool followers_behind;
	bool unled; /* told */
	bool timers_failing, lead_failing; /* the last try failed, and that was told */
	const struct event **events; /* of the running batch */
	size_t event_count;
};

struct emitted {
	enum event_kind kind;
	int64_t subject;
	time_us event_time;
	const void *payload, *memo;
	struct emitted *next;
};

struct work {
	work_fn *run;
	const void *args;
	struct work *next;
};

/* A decision and what it has asked for so far. The public part comes first. */
struct deciding {
	struct decision d;
	struct emitted *first, **last;
	struct work *works, **works_last;
	int64_t last_seq;
};

bool is_store_failure(enum err code);
void deciding_init(struct deciding *deciding, struct world *world, struct actor actor, time_us now);

/* Whose event it is, for the flight recorder: its subject, or what its first two fields name. A rule
 * that ends the server for one check must not be switched off for all. */
int64_t event_whose(const struct event *event);

/* Records everything the decision emitted, applies it, runs NOW rows, then its work. */
enum err record_all(struct world *world, struct deciding *deciding, unsigned depth,
		    struct error *err);

enum err world_load(struct world *world, struct error *err);
/* By how much the wall has jumped since the last commit; 0: it has not. */
time_us world_clock_step(struct world *world);
/* Reads memory again when a batch that failed has left it wrong. */
enum err world_remember(struct world *world, struct error *err);
enum err batch_begin(struct world *world, time_us *ret_now, struct error *err);
/* Nothing of the batch was: rolled back, and memory read again. */
void forget_batch(struct world *world);
/* COMMIT, news to the listener, memory given back; or, with a failure, as if nothing had been. */
enum err batch_end(struct world *world, enum err result, struct error *err);
