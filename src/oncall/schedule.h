/*
 * schedule.h: what a team wrote down about who is on call when.
 *
 * A schedule is one time zone, some layers, and overrides on top. It holds wall times only: "hand
 * over at 09:00 in London" stays 09:00 through every change of clocks. oncall.h turns it into
 * instants.
 *
 * The rules (numbers are those of the reference):
 *   R2  a wall time that clocks jump over counts as the first instant after the jump
 *   R3  a hand-over at a wall time shown twice happens at the first
 *   R4  a window opens at the first and closes at the last showing: an overlap, never a hole
 *   R5  a rotation of days or weeks counts days of the calendar, whether 23, 24 or 25 hours long
 *   R6  a rotation of months counts from the start date each time: 31 Jan, 28 Feb, 31 Mar
 *   R7  a rotation of hours keeps to the wall clock; `elapsed` makes every turn equally long
 *   R8  a turn that clocks jump over whole lasts no time, but it was that person's turn
 *   R9  the highest layer with somebody on call decides; equal layers add up; an override replaces
 * a person of that result, never of another override, and does nothing when that person is not on
 * call, unless forced
 *
 * Owns: schedule_create copies everything into the arena but the zone, which must outlive it. A
 * schedule never changes afterwards: any thread may ask it. Users are ids of guard; whether one is
 * disabled is not known here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "base/tz.h"

#define SCHEDULE_LAYERS_MAX 16u
#define SCHEDULE_USERS_MAX 64u     /* of one layer */
#define SCHEDULE_WINDOWS_MAX 21u   /* of one layer */
#define SCHEDULE_OVERRIDES_MAX 256u
#define SCHEDULE_FORCED_MAX 15u    /* of the overrides, those with `force` */
#define SCHEDULE_HOURS_MAX 8784
#define SCHEDULE_DAYS_MAX 366
#define SCHEDULE_WEEKS_MAX 52
#define SCHEDULE_MONTHS_MAX 12
#define SCHEDULE_NAME_BYTES_MAX 63u
#define SCHEDULE_ARENA_BYTES (256u << 10) /* the most that schedule_create takes */

/* Nobody is on call outside of these: 1971-01-01 and 2200-01-01, UTC. */
#define SCHEDULE_TIME_MIN (INT64_C(31536000) * TIME_SECOND)
#define SCHEDULE_TIME_MAX (INT64_C(7258118400) * TIME_SECOND)

enum schedule_unit { SCHEDULE_HOUR, SCHEDULE_DAY, SCHEDULE_WEEK, SCHEDULE_MONTH };

/* Whose turn passes while all windows are closed: with CALENDAR a turn on a closed day is lost,
 * with COVERED it waits for the next turn that any window touches by the wall clock. */
enum schedule_turns { SCHEDULE_TURNS_CALENDAR, SCHEDULE_TURNS_COVERED };

/* Open from `from` on each of the days until `to`; when `to` is not later, until then on the next
 * day. */
struct schedule_window {
	uint8_t days;     /* bit 0 Monday .. bit 6 Sunday: the day it opens */
	time_us from, to; /* wall time of day; from 00:00 .. below 24:00, to 00:00 .. 24:00 */
};

struct schedule_layer {
	struct str name;   /* for people; may be empty */
	int priority;      /* the higher replaces the lower */
	enum schedule_unit unit;
	int every;         /* units of one turn, 1 .. */
	time_us start;     /* midnight of the first turn's date, as a wall time (tz.h) */
	time_us hand_over; /* wall time of day, 00:00 .. below 24:00 */
	bool elapsed;      /* turns of equal length instead of wall times; not for months */
	const int64_t *users;
	size_t user_count; /* 1 .. */
	const struct schedule_window *windows;
	size_t window_count; /* 0: always open */
	enum schedule_turns turns;
};

/* "I take it from 13:00 until 18:00". */
struct schedule_override {
	int64_t id;       /* positive; of two for one person, the higher (newer) holds */
	time_us from, until; /* instants, half-open */
	int64_t user;
	int64_t replaces; /* 0: everybody, and an empty schedule too */
	bool force;       /* joins even when the replaced person is not on call */
};

struct schedule_spec {
	struct str name;
	const struct tz *tz;
	const struct schedule_layer *layers;
	size_t layer_count;
	const struct schedule_override *overrides;
	size_t override_count;
};

struct schedule;

/* ERR_INVALID names the field ("layers[1].every") and says what it may be; ERR_TOO_LARGE: over a
 * limit above. The arena needs room for SCHEDULE_ARENA_BYTES. */
enum err schedule_create(struct arena *arena, const struct schedule_spec *spec,
			 struct schedule **ret_schedule, struct error *err);

/* The spec as it was understood; borrowed. */
const struct schedule_spec *schedule_spec_of(const struct schedule *schedule);

/* How the fields are written: "09:00" or "24:00", "2026-11-23", "mon". False: they are not. */
bool schedule_clock_parse(struct str text, time_us *ret_clock);
bool schedule_date_parse(struct str text, time_us *ret_start);
bool schedule_day_parse(struct str text, uint8_t *ret_bit);
