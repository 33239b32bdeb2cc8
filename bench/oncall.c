/*
 * oncall.c: how many times a second can "who is on call" be answered? 200 schedules in 12 zones,
 * three layers each, with windows and overrides. Three ways: as the pager asks (time moves on, one
 * kept answer a schedule), at random instants without any memory, and as the roster asks (four
 * weeks at once).
 *
 *     ninja -C build bench/bench_oncall && build/bench/bench_oncall
 */
#include <stdio.h>

#include "base/random.h"
#include "oncall/oncall.h"
#include "sys/clock.h"
#include "sys/zone.h"

#define SCHEDULES 200
#define ANSWERS 1000000
#define START_S INT64_C(1772000000) /* February 2026: changes of clocks lie ahead */

static const char *const zones[] = { "America/New_York", "Europe/London", "Europe/Berlin",
				     "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca",
				     "Africa/Cairo", "America/Los_Angeles", "America/Santiago",
				     "Asia/Kolkata", "Pacific/Chatham", "UTC" };

static const int64_t users[] = { 1, 2, 3, 4, 5, 6 };
static const struct schedule_window office[] = { { 0x1F, 9 * TIME_HOUR, 18 * TIME_HOUR } };
static const struct schedule_window nights[] = { { 0x7F, 18 * TIME_HOUR, 9 * TIME_HOUR } };

static struct schedule *make(struct arena *arena, struct zones *set, unsigned i)
{
	const struct tz *tz;
	struct error err;
	time_us start = time_days_from_civil(2025, 1, 6) * TIME_DAY;
	struct schedule_layer layers[] = {
		{ .unit = SCHEDULE_WEEK, .every = 1, .start = start, .hand_over = 9 * TIME_HOUR,
		  .users = users, .user_count = 6 },
		{ .priority = 1, .unit = SCHEDULE_DAY, .every = 1, .start = start,
		  .hand_over = 9 * TIME_HOUR, .users = users, .user_count = 3 + i % 3,
		  .windows = office,
		  .window_count = 1, .turns = SCHEDULE_TURNS_COVERED },
		{ .priority = 2, .unit = SCHEDULE_HOUR, .every = 12, .start = start,
		  .hand_over = 6 * TIME_HOUR, .users = users, .user_count = 4, .windows = nights,
		  .window_count = i % 2 },
	};
	struct schedule_override overrides[8];
	for (unsigned k = 0; k < 8; k++) {
		time_us from = (START_S + (k * 5 + i % 5) * 86400) * TIME_SECOND;
		overrides[k] = (struct schedule_override){ k + 1, from, from + 7 * TIME_HOUR, 6,
							   k % 2, false };
	}
	struct schedule *schedule = NULL;
	if (zones_find(set, str_of(zones[i % 12]), &tz, &err) != OK)
		return NULL;
	struct schedule_spec spec = { STR("bench"), tz, layers, 3, overrides, 8 };
	return schedule_create(arena, &spec, &schedule, &err) == OK ? schedule : NULL;
}

static void report(const char *what, uint64_t answers, time_us took, uint64_t people)
{
	printf("%-44s %8.3f s  %9.0f answers/s  (%llu people)\n", what, (double)took / TIME_SECOND,
	       (double)answers * TIME_SECOND / (double)(took > 0 ? took : 1),
	       (unsigned long long)people);
}

static void as_the_pager(struct clock *clock, struct schedule **all)
{
	static struct oncall_answer kept[SCHEDULES];
	uint64_t people = 0;
	time_us began = clock_since_boot(clock);
	for (unsigned i = 0; i < ANSWERS; i++) { /* every second somebody asks about each */
		unsigned which = i % SCHEDULES;
		oncall_at_kept(all[which], (START_S + i) * TIME_SECOND, &kept[which]);
		people += kept[which].count;
	}
	report("kept answer, a million seconds of time", ANSWERS, clock_since_boot(clock) - began,
	       people);
}

static void at_random(struct clock *clock, struct schedule **all)
{
	struct random random;
	random_seeded(&random, 1);
	uint64_t people = 0;
	struct oncall_answer answer;
	time_us began = clock_since_boot(clock);
	for (unsigned i = 0; i < ANSWERS / 5; i++) {
		time_us at = START_S * TIME_SECOND + (time_us)random_below(&random, 365 * TIME_DAY);
		oncall_at(all[i % SCHEDULES], at, &answer);
		people += answer.count;
	}
	report("no memory, random instants of a year", ANSWERS / 5, clock_since_boot(clock) - began,
	       people);
}

static void as_the_roster(struct clock *clock, struct schedule **all)
{
	struct arena arena;
	arena_init(&arena, 0);
	uint64_t segments = 0;
	time_us began = clock_since_boot(clock);
	for (unsigned i = 0; i < SCHEDULES; i++) {
		struct oncall_list list;
		struct error err;
		time_us from = START_S * TIME_SECOND;
		arena_reset(&arena);
		if (oncall_segments(all[i], from, from + 28 * TIME_DAY, ONCALL_JOIN_PEOPLE, &arena,
				    &list, &err) == OK)
			segments += list.segment_count;
	}
	report("lists of four weeks", SCHEDULES, clock_since_boot(clock) - began, segments);
	arena_finish(&arena);
}

int main(void)
{
	struct clock clock;
	clock_system(&clock);
	struct zones *set = zones_create(NULL);
	struct arena arena;
	arena_init(&arena, (size_t)SCHEDULES * 2 * SCHEDULE_ARENA_BYTES);
	static struct schedule *all[SCHEDULES];
	for (unsigned i = 0; i < SCHEDULES; i++) {
		all[i] = make(&arena, set, i);
		if (all[i] == NULL) {
			fprintf(stderr, "could not make schedule %u; is tzdata installed?\n", i);
			return 1;
		}
	}
	as_the_pager(&clock, all);
	at_random(&clock, all);
	as_the_roster(&clock, all);
	arena_finish(&arena);
	zones_destroy(&set);
	return 0;
}
