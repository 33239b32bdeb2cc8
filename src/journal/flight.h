/*
 * flight.h: what was being done when the process died, so that it is not done a third time.
 *
 * Before a rule of the wiring runs, its name, the kind of event and the subject are written to a
 * small mapped file; after, it is cleared. A process that dies leaves the mark. On the next start
 * the mark is counted; what was in flight in two crashes, and never came through in between, is
 * parked: it is skipped and told. A process that was killed from outside (out of memory, by hand)
 * died of nothing it did: its mark is wiped.
 *
 * Runs on: the world's thread, but for flight_parked. The file survives the process, not the machine: that is enough.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct flight;

#define FLIGHT_CRASHES_MAX 2u

/* path NULL: in memory, for tests. Counts what the last process left when it `crashed`. */
enum err flight_open(const char *path, bool crashed, struct flight **ret_flight, struct error *err);
void flight_close(struct flight **flight);

/* False: parked, do not run it. True: marked, run it, then leave. NULL flight: always true. */
bool flight_enter(struct flight *flight, const char *row, const char *kind, int64_t subject);
void flight_leave(struct flight *flight); /* it came through: what was counted is forgotten */

/* A rule that failed in order (not by crashing) is counted the same way; true when now parked. */
bool flight_count_failure(struct flight *flight, const char *row, const char *kind, int64_t subject);

struct flight_parked {
	char row[48], kind[40];
	int64_t subject;
};

/* What is parked, for who looks after it: index from 0; false past the end. From any thread. */
bool flight_parked(struct flight *flight, unsigned index, struct flight_parked *ret_parked);
/* Forgets what is parked: it is tried again. How many there were. */
unsigned flight_forget(struct flight *flight);
