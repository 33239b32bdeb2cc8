/*
 * writer.h: the one thread that changes a world.
 *
 * Any thread submits commands; the writer takes all that wait, runs them in one transaction (one
 * fsync for all), and completes them after COMMIT. Between batches it fires due timers and lets
 * followers catch up. Nobody waits for it but those whose command it is.
 */
#pragma once

#include "journal/world.h"

struct writer;

#define WRITER_BATCH_MAX 256u
#define WRITER_QUEUE_MAX 20000u

enum err writer_start(struct world *world, struct writer **ret_writer, struct error *err);

/* The command is the writer's until its `done` has run. ERR_UNAVAILABLE, at once and without `done`,
 * when too many wait or the writer is stopping. */
enum err writer_submit(struct writer *writer, struct command *command, struct error *err);

/* Submits and waits. Not from the writer's own thread. Returns the command's result. */
enum err writer_run(struct writer *writer, struct command *command, struct error *err);

/* Runs what waits, then ends the thread. Later submits are refused. */
void writer_stop(struct writer **writer);

/* How long the oldest command has waited, and how many wait: for health and shedding. */
void writer_load(struct writer *writer, unsigned *ret_waiting);
