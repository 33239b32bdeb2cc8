/*
 * tz.h: what the clock on the wall shows in a time zone, and when it shows it.
 *
 * Reads TZif bytes (RFC 9636, before it RFC 8536: versions 1 to 4, with the footer that rules the
 * years after the table). glibc's zone is one per process and a schedule has its own, so this is
 * ours. Nothing here opens a file: sys/zone.h does.
 *
 * Words. An *instant* is a time_us. A *wall time* is what a clock in the zone shows, held as the
 * microseconds that the same reading would be in UTC, so that time.h's calendar works on it. When
 * clocks go forward there are wall times that no instant shows (a gap); when they go back there are
 * wall times that two instants show. Which of the two is never taken from a "summer time" flag:
 * Dublin and Casablanca put theirs in winter.
 *
 * Owns: a zone is one heap block, never changed after it was made: any thread may read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#define TZ_BYTES_MAX (256u << 10)  /* the largest file of tzdata has 4 KiB */
#define TZ_TRANSITIONS_MAX 4096u
#define TZ_OFFSET_S_MAX (26 * 3600) /* what RFC 9636 3.2 allows, to both sides */
#define TZ_INSTANTS_MAX 4u

struct tz;

/* ERR_INVALID: not TZif, or it contradicts itself. ERR_TOO_LARGE: more than the limits above.
 * ERR_UNSUPPORTED: it counts leap seconds (the "right/" zones), which instants here do not. */
enum err tz_create(struct str bytes, struct tz **ret_tz, struct error *err);
void tz_destroy(struct tz **tz);

struct tz_local {
	int32_t offset_s;         /* wall = instant + offset; east is positive */
	bool dst;                 /* what the data calls it; for display only */
	const char *abbreviation; /* "CET", "+07"; lives as long as the zone */
};

struct tz_local tz_local_of(const struct tz *tz, time_us at);

/* `at` and `wall` below lie within [TIME_MIN, TIME_MAX]; what comes back may pass it by a day. */
time_us tz_wall_of(const struct tz *tz, time_us at);

/* Every instant at which the wall shows `wall`, ascending: none in a gap, two when clocks go back.
 * Returns how many; the first TZ_INSTANTS_MAX are kept. */
unsigned tz_instants(const struct tz *tz, time_us wall, time_us ret_at[TZ_INSTANTS_MAX]);

/* The first and the last instant of a wall time; in a gap both are the first instant after it.
 * Both never fall when `wall` rises. */
time_us tz_first(const struct tz *tz, time_us wall);
time_us tz_last(const struct tz *tz, time_us wall);

/* The next instant after `at` at which the data changes offset, flag or abbreviation (or states
 * the same again). False: never. */
bool tz_next_change(const struct tz *tz, time_us at, time_us *ret_change);
