/* test_oncall_help.h: short ways to write a schedule in a test. For test files of this folder only. */
#pragma once

#include <string.h>

#include "base/check.h"
#include "oncall/oncall.h"
#include "sys/zone.h"

enum { A = 1, B = 2, C = 3, D = 4, N = 5, X = 24, Y = 25 };

#define WEEKDAYS 0x1F
#define ALL_DAYS 0x7F

static inline time_us clock_of(const char *text)
{
	time_us clock = -1;
	if (!schedule_clock_parse(str_of(text), &clock))
		fail_msg("wanted \"%s\" to be a time of day", text);
	return clock;
}

static inline time_us date_of(const char *text)
{
	time_us start = -1;
	if (!schedule_date_parse(str_of(text), &start))
		fail_msg("wanted \"%s\" to be a date", text);
	return start;
}

/* "2026-03-08T06:59:59", in UTC. */
static inline time_us utc(const char *text)
{
	char full[40];
	time_us at = 0;
	snprintf(full, sizeof full, "%sZ", text);
	if (!time_parse(str_of(full), &at))
		fail_msg("wanted \"%s\" to be a time", text);
	return at;
}

struct world {
	struct arena arena;
	struct zones *zones;
};

static inline struct world *world_begin(void)
{
	static struct world world;
	arena_init(&world.arena, 0);
	world.zones = zones_create(NULL);
	return &world;
}

static inline void world_end(struct world *world)
{
	zones_destroy(&world->zones);
	arena_finish(&world->arena);
}

static inline const struct tz *world_zone(struct world *world, const char *name)
{
	const struct tz *tz = NULL;
	struct error err;
	CHECK_OK(zones_find(world->zones, str_of(name), &tz, &err));
	return tz;
}

static inline struct schedule *world_schedule(struct world *world, const char *zone,
					      const struct schedule_layer *layers, size_t layer_count,
					      const struct schedule_override *overrides,
					      size_t override_count)
{
	struct schedule_spec spec = { STR("primary"), world_zone(world, zone), layers, layer_count,
				      overrides, override_count };
	struct schedule *schedule = NULL;
	struct error err;
	CHECK_OK(schedule_create(&world->arena, &spec, &schedule, &err));
	return schedule;
}

/* Who is on call, as text: "A", "X+Y", "" for nobody. */
static inline void who_text(const struct oncall_person *people, size_t count, char *ret_text)
{
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			ret_text[used++] = '+';
		int64_t user = people[i].user;
		ret_text[used++] = user == N ? 'N' : (char)('A' + user - 1);
	}
	ret_text[used] = '\0';
}

#define CHECK_WHO(schedule, when, wanted)                                                            \
	do {                                                                                         \
		struct oncall_answer answer_;                                                        \
		char found_[2 * ONCALL_PEOPLE_MAX + 1];                                              \
		oncall_at((schedule), utc(when), &answer_);                                          \
		who_text(answer_.people, answer_.count, found_);                                     \
		if (strcmp(found_, (wanted)) != 0)                                                   \
			fail_msg("%s:%d: at %s: wanted \"%s\", found \"%s\"", __FILE__, __LINE__, when, \
				 wanted, found_);                                                    \
	} while (0)
