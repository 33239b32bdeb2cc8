/* test_oncall_fairness.c: how load is counted, and what readiness finds before the night does. */
#include "oncall/fairness.h"
#include "oncall/readiness.h"
#include "oncall/test_oncall_help.h"

static const int64_t abc[] = { A, B, C };

static struct schedule_layer daily(const char *hand_over, size_t users)
{
	return (struct schedule_layer){ .unit = SCHEDULE_DAY, .every = 1, .start = date_of("2026-03-02"),
					.hand_over = clock_of(hand_over), .users = abc,
					.user_count = users };
}

static struct oncall_list list_of(struct world *world, const struct schedule *s, const char *from,
				  const char *until)
{
	struct oncall_list list;
	struct error err;
	CHECK_OK(oncall_segments(s, utc(from), utc(until), ONCALL_JOIN_PEOPLE, &world->arena, &list,
				 &err));
	return list;
}

struct rows {
	struct fairness_row *rows;
	size_t count;
};

static struct rows count_of(struct world *world, const struct oncall_list *list, const char *zone,
			    fairness_zone_fn *zone_of)
{
	struct rows rows;
	struct error err;
	CHECK_OK(fairness_count(list, world_zone(world, zone), zone_of, world, &world->arena,
				&rows.rows, &rows.count, &err));
	return rows;
}

TEST(a_week_alone_is_70_hours_of_sleep_50_of_business_and_48_off)
{
	struct world *world = world_begin();
	struct schedule_layer layer = daily("09:00", 1);
	struct schedule *s = world_schedule(world, "UTC", &layer, 1, NULL, 0);
	struct oncall_list list = list_of(world, s, "2026-03-09T00:00:00", "2026-03-16T00:00:00");
	struct rows rows = count_of(world, &list, "UTC", NULL);
	CHECK_INT(rows.count, 1);
	CHECK_INT(rows.rows[0].total, 168 * TIME_HOUR);
	CHECK_INT(rows.rows[0].sleep, 70 * TIME_HOUR);
	CHECK_INT(rows.rows[0].business, 50 * TIME_HOUR);
	CHECK_INT(rows.rows[0].off, 48 * TIME_HOUR);
	CHECK_INT(rows.rows[0].shifts, 1);
	CHECK_INT(rows.rows[0].share, 999);
	CHECK(rows.rows[0].too_much);
	CHECK_INT(fairness_balance(rows.rows, rows.count, false), 100);
	world_end(world);
}

TEST(the_night_of_the_spring_change_has_nine_hours_of_sleep)
{
	struct world *world = world_begin();
	struct schedule_layer layer = daily("00:00", 1);
	struct schedule *s = world_schedule(world, "Europe/London", &layer, 1, NULL, 0);
	struct oncall_list list = list_of(world, s, "2026-03-28T12:00:00", "2026-03-29T12:00:00");
	struct rows rows = count_of(world, &list, "Europe/London", NULL);
	CHECK_INT(rows.rows[0].sleep, 9 * TIME_HOUR);
	CHECK_INT(rows.rows[0].total, 24 * TIME_HOUR);
	world_end(world);
}

static const struct tz *zone_of(void *context, int64_t user)
{
	return user == B ? world_zone(context, "Asia/Tokyo") : NULL;
}

TEST(follow_the_sun_costs_nobody_sleep_in_their_own_zone)
{
	struct world *world = world_begin();
	static const int64_t ab[] = { A, B };
	struct schedule_layer layer = { .unit = SCHEDULE_HOUR, .every = 12,
					.start = date_of("2026-06-01"), .hand_over = clock_of("10:00"),
					.users = ab, .user_count = 2 };
	struct schedule *s = world_schedule(world, "UTC", &layer, 1, NULL, 0);
	struct oncall_list list = list_of(world, s, "2026-06-01T10:00:00", "2026-06-15T10:00:00");
	struct rows rows = count_of(world, &list, "UTC", zone_of);
	CHECK_INT(rows.count, 2);
	CHECK_INT(rows.rows[0].sleep, 0); /* A: 10:00 to 22:00 in UTC */
	CHECK_INT(rows.rows[1].sleep, 14 * TIME_HOUR); /* B: from 07:00 in Tokyo, one hour a day */
	CHECK_INT(rows.rows[1].shifts, 14);
	CHECK_INT(fairness_balance(rows.rows, rows.count, false), 100);
	CHECK_INT(fairness_balance(rows.rows, rows.count, true), 0);
	world_end(world);
}

/* --- readiness ----------------------------------------------------------------------------- */

struct source {
	const struct schedule *schedule;
	bool asleep[8]; /* users without a contact that wakes */
	bool no_team;
};

static const struct schedule *find(void *context, struct str name)
{
	const struct source *source = context;
	return str_is(name, "primary") ? source->schedule : NULL;
}

static size_t resolve(void *context, const struct escalation_target *target, time_us now,
		      int64_t *ret_users, size_t max)
{
	const struct source *source = context;
	(void)now;
	if (max == 0 || (target->kind == ESCALATION_TEAM && source->no_team))
		return 0;
	ret_users[0] = target->kind == ESCALATION_USER ? target->user : C;
	return 1;
}

static bool wakeable(void *context, int64_t user)
{
	return !((const struct source *)context)->asleep[user];
}

static const struct escalation_target to_primary[] = { { ESCALATION_SCHEDULE, 0, STR("primary") } };
static const struct escalation_target to_ghost[] = { { ESCALATION_SCHEDULE, 0, STR("ghost") } };
static const struct escalation_target to_c[] = { { ESCALATION_USER, C, STR_NONE } };

struct findings {
	struct readiness_finding *items;
	size_t count;
};

static struct findings check(struct world *world, const struct source *source,
			     const struct escalation_target *first,
			     const struct escalation_target *second)
{
	struct escalation_step_spec steps[] = { { 5 * TIME_MINUTE, first, 1 },
						{ 5 * TIME_MINUTE, second, 1 } };
	struct escalation_policy policy = { .team = STR("team"), .rounds = 3, .steps = steps,
					    .step_count = second != NULL ? 2 : 1 };
	struct readiness_source from = { find, resolve, wakeable, (void *)(uintptr_t)source };
	struct findings found;
	struct error err;
	CHECK_OK(readiness_check(&policy, &from, utc("2026-03-09T00:00:00"),
				 utc("2026-03-16T00:00:00"), &world->arena, &found.items,
				 &found.count, &err));
	return found;
}

static unsigned count_kind(const struct findings *found, enum readiness_kind kind)
{
	unsigned count = 0;
	for (size_t i = 0; i < found->count; i++)
		count += found->items[i].kind == kind;
	return count;
}

static void check_text(const struct readiness_finding *finding, const char *wanted)
{
	char text[READINESS_TEXT_BYTES];
	readiness_text(finding, STR("Ann"), text);
	CHECK_TEXT(text, wanted);
}

TEST(a_full_schedule_with_reachable_people_is_ready)
{
	struct world *world = world_begin();
	struct schedule_layer layer = daily("09:00", 2);
	struct source source = { world_schedule(world, "UTC", &layer, 1, NULL, 0), { 0 }, false };
	struct findings found = check(world, &source, to_primary, to_c);
	CHECK_INT(found.count, 0);
	world_end(world);
}

TEST(gaps_and_empty_steps_are_found_with_their_times)
{
	struct world *world = world_begin();
	struct schedule_window office = { WEEKDAYS, 9 * TIME_HOUR, 17 * TIME_HOUR };
	struct schedule_layer layer = daily("09:00", 2);
	layer.windows = &office;
	layer.window_count = 1;
	struct source source = { world_schedule(world, "UTC", &layer, 1, NULL, 0), { 0 }, false };
	struct findings found = check(world, &source, to_primary, NULL);
	CHECK_INT(count_kind(&found, READINESS_GAP), 6);
	CHECK_INT(count_kind(&found, READINESS_ALL_EMPTY), 6);
	check_text(&found.items[0],
		   "nobody is on call in \"primary\" from 2026-03-09T00:00:00Z until 2026-03-09T09:00:00Z");
	CHECK(!found.items[0].severe);
	CHECK(found.items[found.count - 1].severe);
	found = check(world, &source, to_primary, to_c);
	CHECK_INT(count_kind(&found, READINESS_ALL_EMPTY), 0);
	CHECK_INT(count_kind(&found, READINESS_STEP_EMPTY), 6);
	CHECK_INT(count_kind(&found, READINESS_ONE_PERSON), 6);
	world_end(world);
}

TEST(people_nobody_can_wake_and_schedules_that_are_not_there_are_found)
{
	struct world *world = world_begin();
	struct schedule_layer layer = daily("09:00", 2);
	struct source source = { world_schedule(world, "UTC", &layer, 1, NULL, 0), { 0 }, true };
	source.asleep[A] = true;
	struct findings found = check(world, &source, to_primary, to_ghost);
	CHECK_INT(count_kind(&found, READINESS_NOT_WAKEABLE), 1);
	CHECK_INT(count_kind(&found, READINESS_NO_SCHEDULE), 1);
	CHECK_INT(count_kind(&found, READINESS_STEP_EMPTY),
		  1); /* one span, joined over hand-overs */
	CHECK_INT(count_kind(&found, READINESS_LAST_EMPTY), 1);
	check_text(&found.items[0],
		   "Ann is on call from 2026-03-09T00:00:00Z and has no contact that can "
		   "wake a person");
	world_end(world);
}

TEST(many_small_findings_leave_room_for_the_severe_ones)
{
	struct world *world = world_begin();
	struct schedule_window hours[20];
	for (unsigned i = 0; i < 20; i++)
		hours[i] = (struct schedule_window){ ALL_DAYS, i * TIME_HOUR, i * TIME_HOUR + TIME_MINUTE };
	struct schedule_layer layer = daily("09:00", 2);
	layer.windows = hours;
	layer.window_count = 20;
	struct source source = { world_schedule(world, "UTC", &layer, 1, NULL, 0), { 0 }, true };
	struct findings found = check(world, &source, to_primary, to_c);
	CHECK(found.count <= READINESS_FINDINGS_MAX);
	CHECK_INT(count_kind(&found, READINESS_LAST_EMPTY), 1);
	CHECK_INT(found.items[found.count - 1].kind, READINESS_CUT);
	world_end(world);
}

TESTS(RUN(a_week_alone_is_70_hours_of_sleep_50_of_business_and_48_off),
      RUN(the_night_of_the_spring_change_has_nine_hours_of_sleep),
      RUN(follow_the_sun_costs_nobody_sleep_in_their_own_zone),
      RUN(a_full_schedule_with_reachable_people_is_ready),
      RUN(gaps_and_empty_steps_are_found_with_their_times),
      RUN(people_nobody_can_wake_and_schedules_that_are_not_there_are_found),
      RUN(many_small_findings_leave_room_for_the_severe_ones))
