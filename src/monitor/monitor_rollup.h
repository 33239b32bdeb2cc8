/*
 * monitor_rollup.h: from results to minutes, hours and days, for uptime and pictures. Pure.
 *
 * Uptime is a share of time, not of results (a failing check is tried more often). Each result says
 * how it is until the next one, but for no longer than `covers` (twice the interval): what lies
 * beyond was not watched. Time splits into
 *
 *     up        the result was good, or slow: it worked
 *     down      it was not
 *     excluded  muted by a person: planned work is not an outage
 *     (rest)    unknown or paused: belongs to nobody, and is in none of the three
 *
 * and uptime = up / (up + down). A window with neither has no uptime: say "no data", not 100 %.
 *
 * A rollup holds one open bucket a step (<= 3 KiB in all). What is complete, and at a flush also what is
 * not, goes out as rows. Rows of the same step and start add up (rollup_bucket_merge): a restart, or
 * a flush in the middle, loses and doubles nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/time.h"

enum rollup_step { ROLLUP_MINUTE, ROLLUP_HOUR, ROLLUP_DAY, ROLLUP_STEP_COUNT };

time_us rollup_step_length(enum rollup_step step);
time_us rollup_step_start(enum rollup_step step, time_us at); /* UTC; at >= 0 */

/* Latencies, log-linear: 8 parts an octave from 128 us to 67 s, so a quantile is at most 6.25 % off;
 * shorter and longer ones go to the ends. */
#define ROLLUP_PARTS 8
#define ROLLUP_OCTAVES 19
#define ROLLUP_SLOTS (ROLLUP_PARTS * ROLLUP_OCTAVES)
#define ROLLUP_LEAST 128

struct rollup_bucket {
	time_us start;
	uint32_t count, ok, degraded;      /* results; degraded ones are ok too */
	time_us up, down, excluded;        /* time, as above */
	time_us latency_min, latency_max;  /* of those that answered; 0 when there was none */
	time_us latency_sum;
	uint32_t latency_count;
	uint32_t slots[ROLLUP_SLOTS];
};

struct rollup {
	struct rollup_bucket open[ROLLUP_STEP_COUNT];
	time_us from;    /* the last result's instant, as far as its time is booked; 0: none */
	time_us until;   /* how far its word counts */
	bool good, muted;
};

struct rollup_sample {
	time_us at;      /* wall; one before the last is taken as the last */
	bool good, degraded, muted;
	time_us latency; /* 0: no answer */
	time_us covers;  /* 1 .. ROLLUP_COVERS_MAX */
};

#define ROLLUP_COVERS_MAX (2 * TIME_DAY)

/* Lent for the time of the call. */
typedef void rollup_row_fn(void *context, enum rollup_step step, const struct rollup_bucket *bucket);

void rollup_init(struct rollup *rollup);
void rollup_add(struct rollup *rollup, const struct rollup_sample *sample, rollup_row_fn *row,
                void *context);

/* What the last result said ends here: paused, removed, shutting down, lost. */
void rollup_stop(struct rollup *rollup, time_us at, rollup_row_fn *row, void *context);

/* Books time up to `now` and gives out all that is open: at shutdown, and once in a while. */
void rollup_flush(struct rollup *rollup, time_us now, rollup_row_fn *row, void *context);

void rollup_bucket_merge(struct rollup_bucket *into, const struct rollup_bucket *from);

/* Parts per million, or -1 when nothing was watched. */
int rollup_uptime_ppm(const struct rollup_bucket *buckets, unsigned count);

/* Of those that answered; 0 when none did. share 1..100. */
time_us rollup_quantile(const struct rollup_bucket *bucket, unsigned percent);

/* The slots as short text for the store: "12:3 13:40". Reading refuses what it did not write. */
void rollup_slots_write(const struct rollup_bucket *bucket, struct buf *out);
bool rollup_slots_read(struct str text, struct rollup_bucket *bucket);
