/*
 * sim.h: a whole Mainstay in one thread, a made-up outside, and everything that may go wrong.
 *
 *     sim_open --> sim_step, sim_step, ... --> sim_check (deep) --> sim_close
 *                    | an act of the outside (sim_model.c)
 *                    | time passes: timers fire, pages leave, channels answer
 *                    | the disk fails, the power goes, the server starts again
 *                    \ after each: what must be true is checked (sim_check.c)
 *
 * The world is production's: its tables, its wiring (seen through sim_tap.h), its decides. Below it
 * stands a disk in memory that loses what was not synced. All chance comes from the seed, so a
 * failure repeats: `sim SEED`.
 *
 * Not in it: sockets, the HTTP layer, permissions (guard's own tests), AFTER rows.
 */
#pragma once

#include "alert/alert_book.h"
#include "base/arena.h"
#include "base/buf.h"
#include "journal/tree.h"
#include "journal/world.h"
#include "oncall/paging.h"
#include "sim_referee.h"
#include "store/vfs_fault.h"

#define SIM_CHECKS 6
#define SIM_SERVICES 4
#define SIM_FLIGHTS_MAX 4096u /* pages that are with a channel */
#define SIM_DRAIN_MAX 1000u
#define SIM_OUTBOX_SLICE 4096u
#define SIM_NEXT_MAX TIME_SECOND /* how long a step of the wall goes unnoticed: the writer wakes */

/* One defect, planted on purpose, so that each check was seen to fail. */
enum sim_plant {
	SIM_PLANT_NONE,
	SIM_PLANT_TAMPER,     /* a stored payload is changed */
	SIM_PLANT_IMPURE,     /* an apply does what a rebuild will not */
	SIM_PLANT_UNHISTORIC, /* an apply goes round the history */
	SIM_PLANT_LYING_DISK, /* syncs say yes and do nothing */
	SIM_PLANT_NO_PAGE,    /* nobody is paged for what opens */
	SIM_PLANT_NO_STOP,    /* the end of an incident stops nothing */
	SIM_PLANT_LATE_PAGE,  /* somebody is paged for what is over */
	SIM_PLANT_STRANGER,   /* somebody hears of the end who never heard of the beginning */
	SIM_PLANT_LOST_PAGE,  /* a row of the outbox vanishes */
	SIM_PLANT_LATE_TIMER, /* a timer is due and stays */
	SIM_PLANT_ENDLESS,    /* a row sets itself off */
	SIM_PLANT_OTHER_DICE, /* chance that is not the seed's */
	SIM_PLANT_OLD_OUTBOX, /* what waits to be sent does not hear that the wall jumped */
	SIM_PLANT_NO_LAPSE,   /* the incident does not hear that its acknowledgement lapsed */
	SIM_PLANTS
};

struct sim_options {
	uint64_t seed;
	enum sim_plant plant;
	bool quiet_disk;         /* no faults, no power cuts */
	bool tell;               /* prints acts and events as they come */
	const char *path;        /* a real file; NULL: the disk in memory */
	const char *flight_path; /* NULL: no flight recorder */
};

struct sim_flight { /* a page that a channel is busy with */
	int64_t page, incident;
	time_us ends; /* boot */
};

struct sim {
	struct sim_options options;
	struct random dice;        /* the outside's */
	struct random world_dice, disk_dice;
	struct clock clock;
	struct vfs_fault *disk;
	char disk_name[40];
	struct store *store;
	struct world *world;
	struct store_conn *reader;
	struct flight *flight;
	struct zones *zones;
	struct paging_room oncall;
	struct alert_book *alerts;
	struct world_room rooms[3];
	struct arena arena;        /* reset at each step */
	struct referee *referee;
	struct sim_flight flights[SIM_FLIGHTS_MAX];
	size_t flight_count;
	const char *reality[SIM_CHECKS]; /* what each checked thing is: up, down, degraded */
	bool store_failed;         /* in the last transaction */
	bool slow_channels;        /* channels fail more than they deliver, for a while */
	int64_t last_act_seq, last_act_incident, last_act_user; /* for undo */
	unsigned step, restarts, cuts, faults, commits;
	const char *act; /* what the outside did last */
	struct error err; /* of the last command */
	char story[1024]; /* what was wrong, where; empty: nothing */
};

/* Ends the process when the world cannot be opened at all. */
struct sim *sim_open(const struct sim_options *options);
void sim_close(struct sim **sim);

/* One act of the outside, and time until the next. False: something is wrong, `story` says what. */
bool sim_step(struct sim *sim);
/* The whole of what must be true: proof, rebuild, as of. */
bool sim_check_all(struct sim *sim);
/* Runs `steps`, with deep checks on the way and at the end. */
bool sim_run(struct sim *sim, unsigned steps);
/* The journal's size and root. */
void sim_root(struct sim *sim, int64_t *ret_size, struct tree_hash *ret_root);
bool sim_is_well(const struct sim *sim);
void sim_wrong(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- for what drives it (sim_model.c, scripted tests) ---- */

/* Runs one command for a user (0: Mainstay itself), and what a power cut on the way asks for. ERR_UNAVAILABLE:
 * it was not stored, or nobody can say. ret_seq may be NULL. */
enum err sim_do(struct sim *sim, int64_t user, decide_fn *decide, const void *args, int64_t *ret_seq);
/* Everything that is due: timers, pages, answers of channels. */
void sim_settle(struct sim *sim);
/* Time passes awake: what becomes due on the way happens then. */
void sim_pass(struct sim *sim, time_us by);
/* Nothing runs for a while: the machine sleeps. */
void sim_sleep(struct sim *sim, time_us by);
/* `back`: the machine's clock has lost that much when the server starts again. */
void sim_restart(struct sim *sim, time_us down, time_us back);
void sim_power_cut(struct sim *sim, enum disk_crash mode);
time_us sim_wall(struct sim *sim);
time_us sim_boot(struct sim *sim);
bool sim_chance(struct sim *sim, unsigned percent);
uint64_t sim_below(struct sim *sim, uint64_t bound);

/* A definition, put or (spec NULL) deleted. */
enum err sim_define(struct sim *sim, const char *kind, const char *name, const char *spec);
enum err sim_check_is(struct sim *sim, const char *check, const char *state);

/* ---- parts ---- */

void sim_model_begin(struct sim *sim); /* people and definitions to start with */
void sim_model_act(struct sim *sim);
void sim_sense(struct sim *sim);       /* tells the world what each check sees */

void sim_check_light(struct sim *sim); /* after every step */
void sim_check_tables(struct sim *sim); /* the referee's belief and the tables */
void sim_check_record(struct sim *sim); /* verify */
void sim_check_rebuild(struct sim *sim);
void sim_check_as_of(struct sim *sim, int64_t seq);
void sim_check_kept(struct sim *sim, int64_t tried); /* after a crash: what was answered is there */

/* Rows as text. ALL: every projection as it is now, and the histories. VERSIONED: what has a history, as
 * of `seq`; 0: now. */
enum sim_dumped { SIM_DUMP_ALL, SIM_DUMP_VERSIONED };
void sim_dump(struct sim *sim, struct store_conn *conn, enum sim_dumped what, int64_t seq,
	      struct buf *out);
