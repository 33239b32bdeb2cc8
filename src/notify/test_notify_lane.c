/* test_notify_lane.c: who is next. */
#include "base/check.h"
#include "notify/notify_lane.h"

#define ROWS 1000

struct road {
	struct lane lane;
	struct lane_row rows[ROWS];
	unsigned count;
};

static void road_open(struct road *road, bool bundles)
{
	memset(road, 0, sizeof *road);
	lane_init(&road->lane, bundles);
}

static struct lane_row *push(struct road *road, int64_t user, int64_t contact, bool high, bool first)
{
	struct lane_row *row = &road->rows[road->count++];
	*row = (struct lane_row){ .user = user, .contact = contact, .high = high, .first = first };
	lane_push(&road->lane, row);
	return row;
}

/* Answered, and its result stored. */
static void done(struct road *road, const struct lane_row *row)
{
	lane_answered(&road->lane);
	lane_settled(&road->lane, row, true);
}

static unsigned carried(const struct lane_row *row)
{
	unsigned count = 0;
	for (row = row->bundle; row != NULL; row = row->bundle)
		count++;
	return count;
}

TEST(high_urgency_leaves_before_low_whoever_waits)
{
	struct road road;
	road_open(&road, true);
	struct lane_row *low = push(&road, 1, 1, false, true);
	struct lane_row *high = push(&road, 2, 2, true, true);
	CHECK(lane_take(&road.lane) == high);
	CHECK(lane_take(&road.lane) == low);
	CHECK(lane_take(&road.lane) == NULL);
	done(&road, high);
	done(&road, low);
	CHECK(road.lane.turn == NULL);
	lane_finish(&road.lane);
}

TEST(people_take_turns_whatever_each_has_waiting)
{
	struct road road;
	road_open(&road, false);
	for (int i = 0; i < 100; i++)
		push(&road, 1, 1, true, true);
	struct lane_row *ana = push(&road, 2, 2, true, true);
	struct lane_row *bob = push(&road, 3, 3, true, true);
	struct lane_row *taken[4];
	for (int i = 0; i < 4; i++)
		taken[i] = lane_take(&road.lane);
	CHECK(taken[0] == &road.rows[0]);
	CHECK(taken[1] == ana);
	CHECK(taken[2] == bob);
	CHECK(taken[3] == &road.rows[1]);
	for (int i = 0; i < 4; i++)
		done(&road, taken[i]);
	lane_finish(&road.lane);
}

/* As many results as give the contact all its places; how many rows that took. */
static unsigned grow(struct road *road)
{
	unsigned count = 0;
	for (; count < LANE_CONTACT_MAX - LANE_CONTACT_FIRST; count++)
		done(road, lane_take(&road->lane));
	return count;
}

TEST(a_contact_begins_with_few_places_and_earns_more_with_every_result_that_is_stored)
{
	struct road road;
	struct lane_row *taken[LANE_CONTACT_MAX];
	unsigned under_way = 0;
	road_open(&road, false);
	for (int i = 0; i < 100; i++)
		push(&road, 1, 1, true, true);
	for (unsigned stored = 0; stored < 20; stored++) {
		while ((taken[under_way] = lane_take(&road.lane)) != NULL && under_way < LANE_CONTACT_MAX - 1)
			under_way++;
		unsigned wanted = LANE_CONTACT_FIRST + stored < LANE_CONTACT_MAX ? LANE_CONTACT_FIRST + stored
										: LANE_CONTACT_MAX;
		if (under_way < wanted && taken[under_way] != NULL)
			under_way++;
		CHECK_INT(under_way, wanted);
		done(&road, taken[--under_way]);
	}
	while (under_way > 0)
		done(&road, taken[--under_way]);
	lane_finish(&road.lane);
}

TEST(what_was_answered_keeps_its_contacts_place_until_it_is_stored_and_not_its_channels)
{
	struct road road;
	struct lane_row *taken[LANE_CONTACT_FIRST];
	road_open(&road, false);
	for (int i = 0; i < 10; i++)
		push(&road, 1, 1, true, true);
	for (unsigned i = 0; i < LANE_CONTACT_FIRST; i++) {
		taken[i] = lane_take(&road.lane);
		lane_answered(&road.lane);
	}
	CHECK_INT(road.lane.sending, 0);
	CHECK(lane_take(&road.lane) == NULL);
	lane_settled(&road.lane, taken[0], false); /* nothing can be stored: it waits, and the next may leave */
	struct lane_row *next = lane_take(&road.lane);
	CHECK(next != NULL);
	CHECK(lane_take(&road.lane) == NULL);
	done(&road, next);
	lane_settled(&road.lane, taken[1], true);
	lane_finish(&road.lane);
}

TEST(a_contact_that_hangs_does_not_take_all_places)
{
	struct road road;
	struct lane_row *taken[LANE_SENDING_MAX];
	road_open(&road, false);
	for (int i = 0; i < 100; i++)
		push(&road, 1, 1, true, true);
	unsigned begun = grow(&road);
	for (unsigned i = 0; i < LANE_CONTACT_MAX; i++)
		taken[i] = lane_take(&road.lane);
	CHECK(lane_take(&road.lane) == NULL);
	struct lane_row *other = push(&road, 1, 2, true, true); /* the same person, another way */
	CHECK(lane_take(&road.lane) == other);
	done(&road, other);
	for (unsigned i = 0; i < LANE_CONTACT_MAX; i++)
		done(&road, taken[i]);
	CHECK(lane_take(&road.lane) != NULL);
	done(&road, &road.rows[begun + LANE_CONTACT_MAX]);
	lane_finish(&road.lane);
}

TEST(a_channel_sends_no_more_than_its_limit_at_once)
{
	struct road road;
	unsigned taken = 0;
	road_open(&road, false);
	for (int i = 0; i < 200; i++)
		push(&road, i + 1, i + 1, true, true);
	while (lane_take(&road.lane) != NULL)
		taken++;
	CHECK_INT(taken, LANE_SENDING_MAX);
	CHECK_INT(road.lane.waiting, 200 - LANE_SENDING_MAX);
	for (unsigned i = 0; i < taken; i++)
		done(&road, &road.rows[i]);
	lane_finish(&road.lane);
}

TEST(a_flood_becomes_one_bundle_but_first_pages_leave_alone)
{
	struct road road;
	road_open(&road, true);
	for (int i = 0; i < 13; i++)
		push(&road, 1, 1, i == 12, false);
	struct lane_row *first = push(&road, 1, 1, true, true);
	struct lane_row *row = lane_take(&road.lane);
	CHECK(row == &road.rows[12]); /* the urgent one carries the twelve others */
	CHECK_INT(carried(row), 12);
	struct lane_row *alone = lane_take(&road.lane);
	CHECK(alone == first);
	CHECK_INT(carried(alone), 0);
	CHECK(lane_take(&road.lane) == NULL);
	CHECK_INT(road.lane.waiting, 0);
	CHECK_INT(road.lane.sending, 2);
	done(&road, row->bundle); /* any of them stands for all */
	done(&road, alone);
	first = push(&road, 1, 1, true, true); /* now it is the next, with a flood behind it */
	for (int i = 0; i < 13; i++)
		push(&road, 1, 1, true, false);
	alone = lane_take(&road.lane);
	CHECK(alone == first);
	CHECK_INT(carried(alone), 0);
	row = lane_take(&road.lane);
	CHECK_INT(carried(row), 12);
	done(&road, alone);
	done(&road, row);
	lane_finish(&road.lane);
}

TEST(ten_that_wait_are_no_flood_and_a_bundle_has_a_limit)
{
	struct road road;
	road_open(&road, true);
	for (unsigned i = 0; i < LANE_WAITING_MAX; i++)
		push(&road, 1, 1, true, false);
	struct lane_row *row = lane_take(&road.lane);
	CHECK_INT(carried(row), 0);
	done(&road, row);
	for (int i = 0; i < 600; i++)
		push(&road, 1, 1, true, false);
	row = lane_take(&road.lane);
	CHECK_INT(carried(row), LANE_BUNDLE_MAX - 1);
	done(&road, row);
	lane_finish(&road.lane);
	CHECK(road.lane.turn == NULL);
}

TEST(machines_get_every_page_by_itself)
{
	struct road road;
	road_open(&road, false);
	for (int i = 0; i < 50; i++)
		push(&road, 1, 1, true, false);
	struct lane_row *row = lane_take(&road.lane);
	CHECK_INT(carried(row), 0);
	done(&road, row);
	lane_finish(&road.lane);
}

TESTS(RUN(high_urgency_leaves_before_low_whoever_waits),
      RUN(people_take_turns_whatever_each_has_waiting),
      RUN(a_contact_begins_with_few_places_and_earns_more_with_every_result_that_is_stored),
      RUN(what_was_answered_keeps_its_contacts_place_until_it_is_stored_and_not_its_channels),
      RUN(a_contact_that_hangs_does_not_take_all_places),
      RUN(a_channel_sends_no_more_than_its_limit_at_once),
      RUN(a_flood_becomes_one_bundle_but_first_pages_leave_alone),
      RUN(ten_that_wait_are_no_flood_and_a_bundle_has_a_limit),
      RUN(machines_get_every_page_by_itself))
