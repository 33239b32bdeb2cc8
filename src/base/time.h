/*
 * time.h: instants and durations as values. Nothing here reads a clock.
 *
 * An instant is microseconds since 1970-01-01 UTC without leap seconds; a duration is microseconds.
 */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

typedef int64_t time_us;

#define TIME_NONE INT64_C(0) /* "never", "not yet": no instant of ours is 1970 */
#define TIME_MS INT64_C(1000)
#define TIME_SECOND INT64_C(1000000)
#define TIME_MINUTE (60 * TIME_SECOND)
#define TIME_HOUR (60 * TIME_MINUTE)
#define TIME_DAY (24 * TIME_HOUR)

#define TIME_MIN INT64_C(-62135596800000000) /* 0001-01-01T00:00:00Z */
#define TIME_MAX INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

/* Proleptic Gregorian calendar, UTC. */
struct time_civil {
	int year;                        /* 1..9999 */
	int month, day;                  /* 1..12, 1..31 */
	int hour, minute, second, micro; /* 0.. */
	int weekday;                     /* 0 Monday .. 6 Sunday; ignored on the way back */
};

struct time_civil time_civil_of(time_us at);       /* at within [TIME_MIN, TIME_MAX] */
time_us time_of_civil(const struct time_civil *civil);
int64_t time_days_from_civil(int year, int month, int day); /* days since 1970-01-01 */
int time_days_in_month(int year, int month);

/* RFC 3339. Written in UTC with 'Z', microseconds only where there are any. Read with any offset. */
#define TIME_TEXT_BYTES 32
void time_format(time_us at, char ret_text[TIME_TEXT_BYTES]);
bool time_parse(struct str text, time_us *ret_at);

/* Durations as people and Prometheus write them: "90s", "1h30m", "1d12h", "250ms". Units in falling
 * order y w d h m s ms, each once; a bare "0" is allowed. Range 0 .. 100 years. */
#define DURATION_TEXT_BYTES 48
bool duration_parse(struct str text, time_us *ret_duration);
void duration_format(time_us duration, char ret_text[DURATION_TEXT_BYTES]); /* parses back exactly
                                                          down to milliseconds */

/* For people: the two largest units, "3 h 12 min", "45 s", "2 d 4 h". */
void duration_words(time_us duration, char ret_text[DURATION_TEXT_BYTES]);
