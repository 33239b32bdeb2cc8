/*
 * serve_sense.h: the sense loop and the world, tied together.
 *
 *	world --definition.put, check.paused, mute.started ...--> which checks run, and how
 *	  ^                                                          |
 *	  +--- monitor_change_decide (news), monitor_flush_decide <--+
 *
 * It owns the loop and its thread, and keeps the last results of every check in memory. What a check
 * turned into is told to the world until the world has taken it: when nothing can be stored the
 * newest word waits here and is told again. What changed back meanwhile is not told at all.
 *
 * Order of an end: the HTTP server stops, serve_sense_stop, writer_stop, serve_sense_destroy.
 */
#pragma once

#include "api/api.h"
#include "journal/writer.h"
#include "main/nodes.h"
#include "main/serve_check_series.h"
#include "monitor/monitor_probe.h"

struct serve_sense;

#define SERVE_SENSE_RESULTS_MAX 100u          /* of one check */
#define SERVE_SENSE_RESULTS_ALL_MAX 1000000u  /* of all; then each check keeps fewer */
#define SERVE_SENSE_ROWS_MAX 20000u           /* that wait to be stored; the oldest go first */
#define SERVE_SENSE_NAMES_MAX 10000u          /* that wait to be read anew; beyond, all are */
#define SERVE_SENSE_FLUSH (10 * TIME_SECOND)
#define SERVE_SENSE_GRACE (5 * TIME_SECOND)   /* what an asker waits beyond the check's own timeout */

struct serve_sense_options {
	struct world *world;
	struct writer *writer;
	struct clock *clock;
	/* A check went down and the world could not take it; may be told again and again. May be NULL. */
	void (*untold)(void *context, const char *check, const char *reason);
	void *untold_context;
	const struct probe_hand *hand; /* runs plugins; NULL: there are none; must outlive it */
	struct nodes *nodes; /* the servers that look at their share of the checks; NULL: this one alone */
	const unsigned char *seal_key; /* of what they are asked; NULL with the former */
	const char *ca_file; /* NULL: the system's authorities; must outlive it */
	struct serve_check_series *series; /* NULL: what is found is kept as no series; must outlive it */
};

/* Loads every check and begins to look at them, on a thread of its own. */
enum err serve_sense_start(const struct serve_sense_options *options,
			   struct serve_sense **ret_serve_sense, struct error *err);

/* For the world's listener (committed_fn), on the world's thread: reads the checks that the events are
 * about anew. Never waits. */
void serve_sense_committed(void *serve_sense, const struct event *const *events, size_t count);

/* For the API; lives as long as this. */
const struct api_sense *serve_sense_api(struct serve_sense *serve_sense);

/* Ends the thread and gives what is still open to the writer, which must run still. Who waits is told. */
void serve_sense_stop(struct serve_sense *serve_sense);

/* After the writer has stopped. Accepts NULL, leaves NULL. */
void serve_sense_destroy(struct serve_sense **serve_sense);
