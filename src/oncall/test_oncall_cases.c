/*
 * test_oncall_cases.c: the cases of the reference, by their numbers (derived with an independent
 * resolver). A, B, C rotate from the anchor; instants are UTC.
 */
#include "oncall/test_oncall_help.h"

#include <stdlib.h>

static const int64_t abc[] = { A, B, C };

static struct schedule_layer rotation(enum schedule_unit unit, int every, const char *start,
				      const char *hand_over, size_t users)
{
	return (struct schedule_layer){ .unit = unit, .every = every, .start = date_of(start),
					.hand_over = clock_of(hand_over), .users = abc, .user_count = users };
}

static struct schedule *rotating(struct world *world, const char *zone, enum schedule_unit unit,
				 const char *start, const char *hand_over, size_t users)
{
	struct schedule_layer layer = rotation(unit, 1, start, hand_over, users);
	return world_schedule(world, zone, &layer, 1, NULL, 0);
}

static struct schedule_window window(uint8_t days, const char *from, const char *to)
{
	return (struct schedule_window){ days, clock_of(from), clock_of(to) };
}

/* One person all the time, within one window of every day. */
static struct schedule_layer windowed(const int64_t *user, const struct schedule_window *window,
				      int priority)
{
	return (struct schedule_layer){ .priority = priority, .unit = SCHEDULE_WEEK, .every = 1,
					.start = date_of("2026-01-05"), .users = user, .user_count = 1,
					.windows = window, .window_count = 1 };
}

static const int64_t only_x[] = { X }, only_y[] = { Y };

TEST(case_1_a_daily_hand_over_in_the_gap_happens_right_after_it)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "America/New_York", SCHEDULE_DAY, "2026-03-06", "02:30", 3);
	CHECK_WHO(s, "2026-03-08T06:59:59", "B");
	CHECK_WHO(s, "2026-03-08T07:00:00", "C");
	CHECK_WHO(s, "2026-03-08T07:30:00", "C");
	CHECK_WHO(s, "2026-03-09T06:29:59", "C");
	CHECK_WHO(s, "2026-03-09T06:30:00", "A");
	world_end(world);
}

TEST(case_2_a_daily_hand_over_shown_twice_happens_at_the_first)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "America/New_York", SCHEDULE_DAY, "2026-10-30", "01:30", 3);
	CHECK_WHO(s, "2026-11-01T05:29:59", "B");
	CHECK_WHO(s, "2026-11-01T05:30:00", "C");
	CHECK_WHO(s, "2026-11-01T06:30:00", "C");
	CHECK_WHO(s, "2026-11-02T06:29:59", "C");
	CHECK_WHO(s, "2026-11-02T06:30:00", "A");
	world_end(world);
}

TEST(case_3_windows_that_meet_at_a_time_shown_twice_overlap)
{
	struct world *world = world_begin();
	struct schedule_window night = window(ALL_DAYS, "22:00", "01:30");
	struct schedule_window morning = window(ALL_DAYS, "01:30", "06:00");
	struct schedule_layer layers[] = { windowed(only_x, &night, 0), windowed(only_y, &morning, 0) };
	struct schedule *s = world_schedule(world, "America/New_York", layers, 2, NULL, 0);
	CHECK_WHO(s, "2026-11-01T05:29:59", "X");
	CHECK_WHO(s, "2026-11-01T05:30:00", "X+Y");
	CHECK_WHO(s, "2026-11-01T06:29:59", "X+Y");
	CHECK_WHO(s, "2026-11-01T06:30:00", "Y");
	world_end(world);
}

static void check_length(struct world *world, const struct schedule *s, const char *at,
			 time_us wanted)
{
	struct oncall_list list;
	struct error err;
	time_us from = utc(at) - 30 * TIME_DAY;
	CHECK_OK(oncall_segments(s, from, from + 60 * TIME_DAY, ONCALL_JOIN_SHIFT, &world->arena,
				 &list, &err));
	for (size_t i = 0; i < list.segment_count; i++) {
		const struct oncall_segment *segment = &list.segments[i];
		if (segment->from <= utc(at) && segment->until > utc(at)) {
			CHECK_INT((segment->until - segment->from) / TIME_MINUTE,
				  wanted / TIME_MINUTE);
			return;
		}
	}
	fail_msg("wanted a shift at %s", at);
}

TEST(case_4_a_week_over_the_spring_change_has_167_hours)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Europe/London", SCHEDULE_WEEK, "2026-03-23", "09:00", 2);
	CHECK_WHO(s, "2026-03-30T07:59:59", "A");
	CHECK_WHO(s, "2026-03-30T08:00:00", "B");
	check_length(world, s, "2026-03-29T12:00:00", 167 * TIME_HOUR);
	world_end(world);
}

TEST(case_5_a_week_over_the_autumn_change_has_169_hours)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Europe/London", SCHEDULE_WEEK, "2026-10-19", "09:00", 2);
	CHECK_WHO(s, "2026-10-26T08:30:00", "A");
	CHECK_WHO(s, "2026-10-26T09:00:00", "B");
	check_length(world, s, "2026-10-25T12:00:00", 169 * TIME_HOUR);
	world_end(world);
}

TEST(cases_7_and_8_half_an_hour_of_summer_time)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Australia/Lord_Howe", SCHEDULE_DAY, "2026-10-02", "02:15", 3);
	CHECK_WHO(s, "2026-10-03T15:29:59", "B");
	CHECK_WHO(s, "2026-10-03T15:30:00", "C");
	CHECK_WHO(s, "2026-10-04T15:15:00", "A");
	s = rotating(world, "Australia/Lord_Howe", SCHEDULE_DAY, "2026-04-03", "01:45", 3);
	CHECK_WHO(s, "2026-04-04T14:44:59", "B");
	CHECK_WHO(s, "2026-04-04T14:45:00", "C");
	CHECK_WHO(s, "2026-04-04T15:15:00", "C");
	CHECK_WHO(s, "2026-04-05T15:14:59", "C");
	CHECK_WHO(s, "2026-04-05T15:15:00", "A");
	world_end(world);
}

TEST(case_10_clocks_that_go_back_at_midnight)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Africa/Cairo", SCHEDULE_DAY, "2026-10-27", "23:30", 3);
	CHECK_WHO(s, "2026-10-29T20:29:59", "B");
	CHECK_WHO(s, "2026-10-29T20:30:00", "C");
	CHECK_WHO(s, "2026-10-29T21:30:00", "C");
	CHECK_WHO(s, "2026-10-30T21:29:59", "C");
	CHECK_WHO(s, "2026-10-30T21:30:00", "A");
	world_end(world);
}

TEST(cases_11_and_12_a_midnight_that_is_skipped_or_comes_twice)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "America/Havana", SCHEDULE_DAY, "2026-03-06", "09:00", 3);
	CHECK_WHO(s, "2026-03-08T12:30:00", "B");
	CHECK_WHO(s, "2026-03-08T13:00:00", "C");
	s = rotating(world, "America/Havana", SCHEDULE_DAY, "2026-03-06", "00:00", 3);
	CHECK_WHO(s, "2026-03-08T04:59:59", "B");
	CHECK_WHO(s, "2026-03-08T05:00:00", "C");
	CHECK_WHO(s, "2026-03-09T04:00:00", "A");
	/* The reference says 2026, with the data of its time; since 2026 Cuba keeps summer time. */
	s = rotating(world, "America/Havana", SCHEDULE_DAY, "2025-10-31", "00:00", 3);
	CHECK_WHO(s, "2025-11-02T03:59:59", "B");
	CHECK_WHO(s, "2025-11-02T04:00:00", "C");
	CHECK_WHO(s, "2025-11-02T05:30:00", "C");
	CHECK_WHO(s, "2025-11-03T04:59:59", "C");
	CHECK_WHO(s, "2025-11-03T05:00:00", "A");
	world_end(world);
}

/* A zone of nothing but a POSIX rule, whatever the data of this machine says. */
static struct tz *tz_of_rule(const char *rule)
{
	unsigned char bytes[256] = "TZif2", header[44] = "TZif2";
	header[39] = 1; /* one type, */
	header[43] = 4; /* four bytes of names */
	static const unsigned char block[] = { 0, 0, 0, 0, 0, 0, 'U', 'T', 'C', 0 };
	size_t used = 0;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(bytes + used, header, sizeof header);
		memcpy(bytes + used + sizeof header, block, sizeof block);
		used += sizeof header + sizeof block;
	}
	used += (size_t)snprintf((char *)bytes + used, sizeof bytes - used, "\n%s\n", rule);
	struct tz *tz = NULL;
	struct error err;
	CHECK_OK(tz_create((struct str){ (const char *)bytes, used }, &tz, &err));
	return tz;
}

TEST(case_12_as_the_reference_had_it_with_the_rule_of_its_time)
{
	struct world *world = world_begin();
	struct tz *cuba = tz_of_rule("CST5CDT,M3.2.0/0,M11.1.0/1");
	struct schedule_layer layer = rotation(SCHEDULE_DAY, 1, "2026-10-30", "00:00", 3);
	struct schedule_spec spec = { STR("havana"), cuba, &layer, 1, NULL, 0 };
	struct schedule *s = NULL;
	struct error err;
	CHECK_OK(schedule_create(&world->arena, &spec, &s, &err));
	CHECK_WHO(s, "2026-11-01T03:59:59", "B");
	CHECK_WHO(s, "2026-11-01T04:00:00", "C");
	CHECK_WHO(s, "2026-11-01T05:30:00", "C");
	CHECK_WHO(s, "2026-11-02T04:59:59", "C");
	CHECK_WHO(s, "2026-11-02T05:00:00", "A");
	tz_destroy(&cuba);
	world_end(world);
}

TEST(case_14_summer_time_that_is_in_winter_does_not_choose_the_occurrence)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Africa/Casablanca", SCHEDULE_WEEK, "2026-02-08", "02:30", 3);
	CHECK_WHO(s, "2026-02-15T01:29:59", "A");
	CHECK_WHO(s, "2026-02-15T01:30:00", "B");
	CHECK_WHO(s, "2026-02-15T02:30:00", "B");
	CHECK_WHO(s, "2026-02-22T02:30:00", "C");
	struct schedule *two =
		rotating(world, "Africa/Casablanca", SCHEDULE_WEEK, "2026-02-08", "02:30", 2);
	CHECK_WHO(two, "2026-02-22T02:30:00", "A"); /* the reference's line: two people rotate */
	s = rotating(world, "Africa/Casablanca", SCHEDULE_WEEK, "2026-03-15", "02:30", 3);
	CHECK_WHO(s, "2026-03-22T01:59:59", "A");
	CHECK_WHO(s, "2026-03-22T02:00:00", "B");
	world_end(world);
}

TEST(case_16_a_jump_of_two_hours)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Antarctica/Troll", SCHEDULE_DAY, "2026-03-27", "02:00", 3);
	CHECK_WHO(s, "2026-03-29T00:59:59", "B");
	CHECK_WHO(s, "2026-03-29T01:00:00", "C");
	CHECK_WHO(s, "2026-03-29T23:59:59", "C");
	CHECK_WHO(s, "2026-03-30T00:00:00", "A");
	world_end(world);
}

TEST(case_18_turns_of_closed_days_are_lost_or_wait_as_the_team_chose)
{
	static const char *const zones[] = { "UTC", "America/New_York", "Australia/Lord_Howe" };
	struct world *world = world_begin();
	for (size_t i = 0; i < 3; i++) {
		struct schedule_window office = window(WEEKDAYS, "09:00", "19:00");
		struct schedule_layer layer = rotation(SCHEDULE_DAY, 1, "2026-04-20", "09:00", 3);
		layer.windows = &office;
		layer.window_count = 1;
		const struct tz *tz = world_zone(world, zones[i]);
		time_us friday = tz_first(tz, utc("2026-04-24T12:00:00"));
		time_us saturday = tz_first(tz, utc("2026-04-25T12:00:00"));
		time_us monday = tz_first(tz, utc("2026-04-27T12:00:00"));
		struct oncall_answer answer;
		for (int turns = SCHEDULE_TURNS_CALENDAR; turns <= SCHEDULE_TURNS_COVERED;
		     turns++) {
			layer.turns = (enum schedule_turns)turns;
			struct schedule *s = world_schedule(world, zones[i], &layer, 1, NULL, 0);
			oncall_at(s, friday, &answer);
			CHECK_INT(answer.people[0].user, B);
			oncall_at(s, saturday, &answer);
			CHECK_INT(answer.count, 0);
			oncall_at(s, monday, &answer);
			CHECK_INT(answer.people[0].user, turns == SCHEDULE_TURNS_CALENDAR ? B : C);
		}
	}
	world_end(world);
}

TEST(case_19_hours_keep_to_the_wall_clock)
{
	static const int64_t dn[] = { D, N };
	struct world *world = world_begin();
	struct schedule_layer layer = rotation(SCHEDULE_HOUR, 12, "2026-10-31", "06:00", 2);
	layer.users = dn;
	struct schedule *s = world_schedule(world, "America/New_York", &layer, 1, NULL, 0);
	CHECK_WHO(s, "2026-11-01T10:59:59", "N");
	CHECK_WHO(s, "2026-11-01T11:00:00", "D");
	check_length(world, s, "2026-11-01T05:00:00", 13 * TIME_HOUR);
	layer.start = date_of("2026-03-07");
	s = world_schedule(world, "America/New_York", &layer, 1, NULL, 0);
	CHECK_WHO(s, "2026-03-07T22:59:59", "D");
	CHECK_WHO(s, "2026-03-07T23:00:00", "N");
	CHECK_WHO(s, "2026-03-08T09:59:59", "N");
	CHECK_WHO(s, "2026-03-08T10:00:00", "D");
	layer.elapsed = true; /* twelve hours are twelve hours: the hand-over moves to 07:00 */
	s = world_schedule(world, "America/New_York", &layer, 1, NULL, 0);
	CHECK_WHO(s, "2026-03-08T10:59:59", "N");
	CHECK_WHO(s, "2026-03-08T11:00:00", "D");
	world_end(world);
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

TEST(case_20_a_night_window_is_one_segment_of_7_8_or_9_hours)
{
	struct world *world = world_begin();
	struct schedule_window night = window(ALL_DAYS, "22:00", "06:00");
	struct schedule_layer layer = windowed(only_x, &night, 0);
	struct schedule *s = world_schedule(world, "America/New_York", &layer, 1, NULL, 0);
	struct oncall_list list = list_of(world, s, "2026-03-07T18:00:00", "2026-03-08T18:00:00");
	CHECK_INT(list.segment_count, 1);
	CHECK_INT(list.segments[0].from, utc("2026-03-08T03:00:00"));
	CHECK_INT(list.segments[0].until, utc("2026-03-08T10:00:00"));
	CHECK_INT(list.gap_count, 2);
	list = list_of(world, s, "2026-10-31T18:00:00", "2026-11-01T18:00:00");
	CHECK_INT(list.segment_count, 1);
	CHECK_INT(list.segments[0].from, utc("2026-11-01T02:00:00"));
	CHECK_INT(list.segments[0].until, utc("2026-11-01T11:00:00"));
	world_end(world);
}

TEST(case_22_a_window_that_clocks_jump_over_is_empty_and_one_they_repeat_is_longer)
{
	struct world *world = world_begin();
	struct schedule_window gap = window(ALL_DAYS, "02:00", "03:00");
	struct schedule_layer layer = windowed(only_x, &gap, 0);
	struct schedule *s = world_schedule(world, "America/New_York", &layer, 1, NULL, 0);
	struct oncall_list list = list_of(world, s, "2026-03-08T00:00:00", "2026-03-09T00:00:00");
	CHECK_INT(list.segment_count, 0);
	CHECK_INT(list.gap_count, 1);
	struct schedule_window twice = window(ALL_DAYS, "01:00", "02:00");
	layer = windowed(only_x, &twice, 0);
	s = world_schedule(world, "America/New_York", &layer, 1, NULL, 0);
	list = list_of(world, s, "2026-11-01T00:00:00", "2026-11-02T00:00:00");
	CHECK_INT(list.segment_count, 1);
	CHECK_INT(list.segments[0].from, utc("2026-11-01T05:00:00"));
	CHECK_INT(list.segments[0].until, utc("2026-11-01T07:00:00"));
	world_end(world);
}

TEST(case_26_a_leap_day_and_a_zone_that_moves_for_good)
{
	struct world *world = world_begin();
	struct schedule *s = rotating(world, "Asia/Almaty", SCHEDULE_DAY, "2024-02-27", "23:30", 3);
	CHECK_WHO(s, "2024-02-29T17:29:59", "B");
	CHECK_WHO(s, "2024-02-29T17:30:00", "C");
	CHECK_WHO(s, "2024-02-29T18:30:00", "C");
	CHECK_WHO(s, "2024-03-01T18:29:59", "C");
	CHECK_WHO(s, "2024-03-01T18:30:00", "A");
	world_end(world);
}

TEST(case_28_the_hand_over_instant_belongs_to_the_incoming_person)
{
	struct world *world = world_begin();
	struct schedule *s =
		rotating(world, "Europe/London", SCHEDULE_WEEK, "2026-03-23", "09:00", 2);
	struct oncall_answer answer;
	time_us hand_over = utc("2026-03-30T08:00:00");
	oncall_at(s, hand_over - 1, &answer);
	CHECK_INT(answer.people[0].user, A);
	CHECK_INT(answer.until, hand_over);
	oncall_at(s, hand_over, &answer);
	CHECK_INT(answer.people[0].user, B);
	CHECK_INT(answer.from, hand_over);
	struct oncall_list list = list_of(world, s, "2026-03-23T09:00:00", "2036-03-23T09:00:00");
	CHECK_INT(list.gap_count, 0);
	CHECK(list.segment_count > 500);
	for (size_t i = 0; i < list.segment_count; i++)
		CHECK(i == 0 || list.segments[i].from == list.segments[i - 1].until);
	world_end(world);
}

static struct schedule *day_of(struct world *world, const struct schedule_override *overrides,
			       size_t count)
{
	static const int64_t only_a[] = { A };
	struct schedule_window hours = window(ALL_DAYS, "08:00", "14:00");
	struct schedule_layer layer = windowed(only_a, &hours, 0);
	return world_schedule(world, "UTC", &layer, 1, overrides, count);
}

TEST(case_29_overrides_never_chain_in_roster_or_pager)
{
	struct world *world = world_begin();
	struct schedule_override chain[] = {
		{ 1, utc("2026-06-01T09:00:00"), utc("2026-06-01T13:00:00"), B, A, false },
		{ 2, utc("2026-06-01T09:00:00"), utc("2026-06-01T13:00:00"), C, B, false },
	};
	struct schedule *s = day_of(world, chain, 2);
	CHECK_WHO(s, "2026-06-01T08:59:59", "A");
	CHECK_WHO(s, "2026-06-01T11:00:00", "B");
	CHECK_WHO(s, "2026-06-01T13:00:00", "A");
	struct oncall_list list = list_of(world, s, "2026-06-01T00:00:00", "2026-06-02T00:00:00");
	CHECK_INT(list.segment_count, 3);
	CHECK_INT(list.segments[1].people[0].user, B);
	CHECK_INT(list.segments[1].people[0].override, 1);
	CHECK_INT(list.segments[1].from, utc("2026-06-01T09:00:00"));
	world_end(world);
}

TEST(case_29_a_swap_is_two_overrides)
{
	struct world *world = world_begin();
	struct schedule_override swap[] = {
		{ 1, utc("2026-04-20T00:00:00"), utc("2026-04-22T00:00:00"), B, A, false },
		{ 2, utc("2026-04-20T00:00:00"), utc("2026-04-22T00:00:00"), A, B, false },
	};
	struct schedule_layer layer = rotation(SCHEDULE_DAY, 1, "2026-04-20", "00:00", 3);
	struct schedule *s = world_schedule(world, "UTC", &layer, 1, swap, 2);
	CHECK_WHO(s, "2026-04-20T12:00:00", "B");
	CHECK_WHO(s, "2026-04-21T12:00:00", "A");
	CHECK_WHO(s, "2026-04-22T12:00:00", "C");
	world_end(world);
}

TEST(case_30_a_higher_layer_replaces_and_equal_layers_add_up)
{
	struct world *world = world_begin();
	struct schedule_window day = window(ALL_DAYS, "09:00", "17:00");
	struct schedule_window noon = window(ALL_DAYS, "12:00", "14:00");
	struct schedule_layer layers[] = { windowed(only_x, &day, 1), windowed(only_y, &noon, 2) };
	struct schedule *s = world_schedule(world, "UTC", layers, 2, NULL, 0);
	CHECK_WHO(s, "2026-06-01T13:00:00", "Y");
	CHECK_WHO(s, "2026-06-01T11:59:59", "X");
	CHECK_WHO(s, "2026-06-01T14:00:00", "X");
	layers[1].priority = 1;
	s = world_schedule(world, "UTC", layers, 2, NULL, 0);
	CHECK_WHO(s, "2026-06-01T13:00:00", "X+Y");
	world_end(world);
}

TEST(rule_6_months_count_from_the_start_date_each_time)
{
	struct world *world = world_begin();
	struct schedule *s = rotating(world, "UTC", SCHEDULE_MONTH, "2026-01-31", "09:00", 3);
	CHECK_WHO(s, "2026-02-28T08:59:59", "A");
	CHECK_WHO(s, "2026-02-28T09:00:00", "B");
	CHECK_WHO(s, "2026-03-31T08:59:59", "B");
	CHECK_WHO(s, "2026-03-31T09:00:00", "C");
	CHECK_WHO(s, "2026-04-30T09:00:00", "A");
	CHECK_WHO(s, "2028-02-29T08:59:59", "A");
	CHECK_WHO(s, "2028-02-29T09:00:00", "B");
	world_end(world);
}

TEST(rule_8_a_turn_that_clocks_jump_over_was_still_that_persons_turn)
{
	struct world *world = world_begin();
	/* Hourly from 00:00: A 0, B 1, C 2 (does not exist on that day), A 3. */
	struct schedule *s =
		rotating(world, "America/New_York", SCHEDULE_HOUR, "2026-03-08", "00:00", 3);
	CHECK_WHO(s, "2026-03-08T06:59:59", "B");
	CHECK_WHO(s, "2026-03-08T07:00:00", "A");
	CHECK_WHO(s, "2026-03-08T08:00:00", "B");
	world_end(world);
}

TEST(rule_9_an_override_of_somebody_not_on_call_does_nothing_unless_forced)
{
	struct world *world = world_begin();
	struct schedule_override one = { 1, utc("2026-06-01T06:00:00"), utc("2026-06-01T20:00:00"), B, C,
					 false };
	struct schedule *s = day_of(world, &one, 1);
	CHECK_WHO(s, "2026-06-01T10:00:00", "A");
	CHECK_WHO(s, "2026-06-01T18:00:00", "");
	one.force = true;
	s = day_of(world, &one, 1);
	CHECK_WHO(s, "2026-06-01T10:00:00", "A+B");
	CHECK_WHO(s, "2026-06-01T18:00:00", "B");
	world_end(world);
}

TEST(whoever_takes_it_has_it_also_where_nobody_was_and_the_newest_holds)
{
	struct world *world = world_begin();
	struct schedule_override takes[] = {
		{ 8, utc("2026-06-01T10:00:00"), utc("2026-06-01T16:00:00"), C, 0, false },
		{ 7, utc("2026-06-01T09:00:00"), utc("2026-06-01T18:00:00"), B, 0, false },
	};
	struct schedule *s = day_of(world, takes, 2);
	CHECK_WHO(s, "2026-06-01T08:30:00", "A");
	CHECK_WHO(s, "2026-06-01T09:30:00", "B");
	CHECK_WHO(s, "2026-06-01T13:00:00", "C");
	CHECK_WHO(s, "2026-06-01T15:00:00", "C");
	CHECK_WHO(s, "2026-06-01T17:00:00", "B");
	CHECK_WHO(s, "2026-06-01T18:00:00", "");
	world_end(world);
}

TEST(before_the_start_date_and_outside_of_the_years_nobody_is_on_call)
{
	struct world *world = world_begin();
	struct schedule *s = rotating(world, "UTC", SCHEDULE_DAY, "2026-04-20", "09:00", 3);
	CHECK_WHO(s, "2026-04-20T08:59:59", "");
	CHECK_WHO(s, "2026-04-20T09:00:00", "A");
	CHECK_WHO(s, "1960-01-01T00:00:00", "");
	CHECK_WHO(s, "2199-12-31T23:59:59", "B");
	CHECK_WHO(s, "2200-01-01T00:00:00", "");
	CHECK_WHO(s, "9999-12-31T23:59:59", "");
	struct oncall_list list = { .segment_count = 77 };
	struct error err;
	CHECK_ERR(oncall_segments(s, 0, TIME_MAX, ONCALL_JOIN_PEOPLE, &world->arena, &list, &err),
		  ERR_INVALID);
	CHECK_ERR(oncall_segments(s, utc("2027-01-01T00:00:00"), utc("2027-01-01T00:00:00"),
				  ONCALL_JOIN_PEOPLE, &world->arena, &list, &err), ERR_INVALID);
	CHECK_ERR(oncall_segments(s, utc("2027-01-01T00:00:00"), utc("2199-01-01T00:00:00"),
				  ONCALL_JOIN_PEOPLE, &world->arena, &list, &err), ERR_TOO_LARGE);
	CHECK_INT(list.segment_count, 77);
	world_end(world);
}

TEST(the_zone_of_the_server_does_not_matter)
{
	setenv("TZ", "Pacific/Chatham", 1);
	case_4_a_week_over_the_spring_change_has_167_hours(NULL);
	setenv("TZ", "America/Havana", 1);
	cases_11_and_12_a_midnight_that_is_skipped_or_comes_twice(NULL);
	unsetenv("TZ");
}

TEST(an_edit_is_told_as_the_times_at_which_other_people_are_on_call)
{
	struct world *world = world_begin();
	struct schedule *a = rotating(world, "UTC", SCHEDULE_DAY, "2026-04-20", "09:00", 3);
	struct schedule *b = rotating(world, "UTC", SCHEDULE_DAY, "2026-04-20", "10:00", 3);
	struct oncall_list before = list_of(world, a, "2026-04-21T00:00:00", "2026-04-23T00:00:00");
	struct oncall_list after = list_of(world, b, "2026-04-21T00:00:00", "2026-04-23T00:00:00");
	struct oncall_gap *differences;
	size_t count;
	struct error err;
	CHECK_OK(oncall_differences(&before, &after, &world->arena, &differences, &count, &err));
	CHECK_INT(count, 2);
	CHECK_INT(differences[0].from, utc("2026-04-21T09:00:00"));
	CHECK_INT(differences[0].until, utc("2026-04-21T10:00:00"));
	CHECK_OK(oncall_differences(&before, &before, &world->arena, &differences, &count, &err));
	CHECK_INT(count, 0);
	world_end(world);
}

TEST(what_cannot_be_meant_is_refused_with_its_field)
{
	struct world *world = world_begin();
	struct schedule_window whole = { ALL_DAYS, 0, 0 }, never = { 0, 0, TIME_HOUR };
	struct schedule_layer good = rotation(SCHEDULE_DAY, 1, "2026-04-20", "09:00", 3);
	struct schedule_layer bad[] = { good, good, good, good, good, good, good, good };
	static const int64_t unknown[] = { 0 };
	bad[0].every = 0;
	bad[1].user_count = 0;
	bad[2].hand_over = TIME_DAY;
	bad[3].users = unknown;
	bad[3].user_count = 1;
	bad[4].windows = &whole;
	bad[4].window_count = 1;
	bad[5].windows = &never;
	bad[5].window_count = 1;
	bad[6].unit = SCHEDULE_MONTH;
	bad[6].elapsed = true;
	bad[7].start += 1;
	static const char *const fields[] = { "rotation.every", "users", "hand_over", "users", "windows",
					      "windows", "elapsed", "start" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct schedule_layer layers[] = { good, bad[i] };
		struct schedule_spec spec = { STR("x"), world_zone(world, "UTC"), layers, 2, NULL, 0 };
		struct schedule *schedule = NULL;
		struct error err;
		char field[64];
		CHECK_ERR(schedule_create(&world->arena, &spec, &schedule, &err), ERR_INVALID);
		snprintf(field, sizeof field, "layers[1].%s", fields[i]);
		CHECK_TEXT(err.field, field);
		CHECK(schedule == NULL);
	}
	time_us value = 7;
	CHECK(!schedule_clock_parse(STR("24:01"), &value));
	CHECK(!schedule_clock_parse(STR("9:00"), &value));
	CHECK(!schedule_date_parse(STR("2026-02-29"), &value));
	CHECK(!schedule_date_parse(STR("2026-2-29"), &value));
	CHECK_INT(value, 7);
	uint8_t bit = 0;
	CHECK(schedule_day_parse(STR("sun"), &bit));
	CHECK_INT(bit, 64);
	CHECK(!schedule_day_parse(STR("Sunday"), &bit));
	world_end(world);
}

TESTS(RUN(case_1_a_daily_hand_over_in_the_gap_happens_right_after_it),
      RUN(case_2_a_daily_hand_over_shown_twice_happens_at_the_first),
      RUN(case_3_windows_that_meet_at_a_time_shown_twice_overlap),
      RUN(case_4_a_week_over_the_spring_change_has_167_hours),
      RUN(case_5_a_week_over_the_autumn_change_has_169_hours),
      RUN(cases_7_and_8_half_an_hour_of_summer_time),
      RUN(case_10_clocks_that_go_back_at_midnight),
      RUN(cases_11_and_12_a_midnight_that_is_skipped_or_comes_twice),
      RUN(case_12_as_the_reference_had_it_with_the_rule_of_its_time),
      RUN(case_14_summer_time_that_is_in_winter_does_not_choose_the_occurrence),
      RUN(case_16_a_jump_of_two_hours),
      RUN(case_18_turns_of_closed_days_are_lost_or_wait_as_the_team_chose),
      RUN(case_19_hours_keep_to_the_wall_clock),
      RUN(case_20_a_night_window_is_one_segment_of_7_8_or_9_hours),
      RUN(case_22_a_window_that_clocks_jump_over_is_empty_and_one_they_repeat_is_longer),
      RUN(case_26_a_leap_day_and_a_zone_that_moves_for_good),
      RUN(case_28_the_hand_over_instant_belongs_to_the_incoming_person),
      RUN(case_29_overrides_never_chain_in_roster_or_pager),
      RUN(case_29_a_swap_is_two_overrides),
      RUN(case_30_a_higher_layer_replaces_and_equal_layers_add_up),
      RUN(rule_6_months_count_from_the_start_date_each_time),
      RUN(rule_8_a_turn_that_clocks_jump_over_was_still_that_persons_turn),
      RUN(rule_9_an_override_of_somebody_not_on_call_does_nothing_unless_forced),
      RUN(whoever_takes_it_has_it_also_where_nobody_was_and_the_newest_holds),
      RUN(before_the_start_date_and_outside_of_the_years_nobody_is_on_call),
      RUN(the_zone_of_the_server_does_not_matter),
      RUN(an_edit_is_told_as_the_times_at_which_other_people_are_on_call),
      RUN(what_cannot_be_meant_is_refused_with_its_field))
