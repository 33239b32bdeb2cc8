/* test_guard_throttle.c: guessing is slow, nobody is locked out. */
#include <sodium.h>

#include "base/check.h"
#include "guard/guard_throttle.h"

#define START (1000 * TIME_SECOND)
static const struct str here = { "192.0.2.1", 9 };

static struct guard_throttle *fresh(unsigned entries)
{
	struct random random;
	random_seeded(&random, 3);
	return guard_throttle_create(entries, &random);
}

/* One whole try; the wait it was given. */
static time_us try(struct guard_throttle *t, struct str email, struct str address, bool right,
		   time_us now)
{
	struct guard_try attempt;
	struct error err;
	time_us wait;
	CHECK_OK(guard_try_begin(t, email, address, now, &attempt, &wait, &err));
	guard_try_end(t, &attempt, right, now);
	return wait;
}

TEST(the_wait_grows_to_a_minute_and_no_further)
{
	static const int wanted[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct guard_throttle *t = fresh(100);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		CHECK_INT(try(t, STR("a@x"), here, false, START), wanted[i] * TIME_SECOND);
	guard_throttle_destroy(&t);
}

TEST(the_wait_is_for_the_account_wherever_the_tries_come_from)
{
	struct guard_throttle *t = fresh(100);
	char address[16];
	for (int i = 0; i < 5; i++) {
		snprintf(address, sizeof address, "192.0.2.%d", i);
		try(t, STR("a@x"), str_of(address), false, START);
	}
	CHECK_INT(try(t, STR(" A@X "), STR("198.51.100.7"), false, START), 4 * TIME_SECOND);
	CHECK_INT(try(t, STR("b@x"), STR("198.51.100.8"), false, START), 0);
	guard_throttle_destroy(&t);
}

TEST(the_wait_is_for_the_address_whichever_account_is_tried)
{
	struct guard_throttle *t = fresh(100);
	char email[16];
	for (int i = 0; i < 5; i++) {
		snprintf(email, sizeof email, "%d@x", i);
		try(t, str_of(email), STR("2001:db8:1:2::1"), false, START);
	}
	CHECK_INT(try(t, STR("z@x"), STR("2001:db8:1:2:ffff::9"), false, START), 4 * TIME_SECOND);
	CHECK_INT(try(t, STR("y@x"), STR("2001:db8:1:3::1"), false, START), 0);
	CHECK_INT(try(t, STR("y@x"), STR("::ffff:192.0.2.9"), false, START), 0);
	CHECK_INT(try(t, STR("y@x"), STR("::ffff:192.0.2.8"), false, START), 0);
	guard_throttle_destroy(&t);
}

TEST(a_hundred_tries_at_once_are_not_a_hundred_first_ones)
{
	struct guard_throttle *t = fresh(100);
	struct guard_try attempts[GUARD_WAITING_MAX];
	struct guard_try more;
	struct error err;
	time_us wait = 0;
	for (unsigned i = 0; i < GUARD_WAITING_MAX; i++)
		CHECK_OK(guard_try_begin(t, STR("a@x"), here, START, &attempts[i], &wait, &err));
	CHECK_INT(wait, 16 * TIME_SECOND);
	CHECK_ERR(guard_try_begin(t, STR("a@x"), here, START, &more, &wait, &err), ERR_LIMIT);
	CHECK_ERR(guard_try_begin(t, STR("b@x"), here, START, &more, &wait, &err), ERR_LIMIT);
	guard_try_end(t, &attempts[0], false, START);
	CHECK_OK(guard_try_begin(t, STR("a@x"), here, START, &more, &wait, &err));
	guard_throttle_destroy(&t);
}

TEST(one_try_is_forgotten_every_ten_minutes)
{
	struct guard_throttle *t = fresh(100);
	for (int i = 0; i < 6; i++)
		try(t, STR("a@x"), here, false, START);
	time_us later = START + 3 * GUARD_FORGET_ONE;
	CHECK_INT(try(t, STR("a@x"), here, false, later - 1), 0);           /* 6 - 2, long ago */
	CHECK_INT(try(t, STR("a@x"), here, false, later - 1), 4 * TIME_SECOND); /* 5 */
	CHECK_INT(try(t, STR("a@x"), here, false, later), 4 * TIME_SECOND - 1); /* 6 - 1 */
	CHECK_INT(try(t, STR("a@x"), here, false, later + TIME_DAY), 0);
	CHECK_INT(try(t, STR("a@x"), here, false, later + TIME_DAY), 0); /* all forgotten: free again */
	guard_throttle_destroy(&t);
}

TEST(whoever_lets_the_wait_pass_is_let_through_whatever_others_try_meanwhile)
{
	struct guard_throttle *t = fresh(100);
	struct guard_try attempt;
	struct error err;
	time_us wait = 0, now = START;
	for (int i = 0; i < 20; i++)
		try(t, STR("a@x"), here, false, now);
	for (int i = 1; i <= 60; i++) { /* sent away each time, and each time told less */
		now += TIME_SECOND;
		CHECK_OK(guard_try_begin(t, STR("a@x"), STR("198.51.100.7"), now, &attempt, &wait, &err));
		CHECK_INT(wait, GUARD_WAIT_MAX - i * TIME_SECOND);
		guard_try_cancel(t, &attempt);
	}
	CHECK_OK(guard_try_begin(t, STR("a@x"), STR("198.51.100.7"), now, &attempt, &wait, &err));
	CHECK_INT(wait, 0);
	CHECK_INT(guard_try_end(t, &attempt, false, now), 21);
	guard_throttle_destroy(&t);
}

TEST(a_right_password_is_not_counted_and_does_not_clear_the_address)
{
	struct guard_throttle *t = fresh(100);
	for (int i = 0; i < 5; i++)
		try(t, STR("victim@x"), here, false, START);
	for (int i = 0; i < 9; i++)
		try(t, STR("own@x"), here, true, START);
	CHECK_INT(try(t, STR("victim@x"), here, false, START), 4 * TIME_SECOND);
	guard_throttle_destroy(&t);
}

TEST(nobody_elsewhere_makes_a_person_wait_where_they_are_known)
{
	struct guard_throttle *t = fresh(100);
	struct guard_try waiting;
	struct error err;
	time_us wait;
	try(t, STR("a@x"), here, true, START);
	for (unsigned i = 0; i < GUARD_WAITING_MAX; i++)
		CHECK_OK(guard_try_begin(t, STR("a@x"), STR("198.51.100.7"), START, &waiting, &wait, &err));
	CHECK_INT(try(t, STR("a@x"), here, false, START), 0);
	for (int i = 0; i < 4; i++) /* but guessing from there is as slow as anywhere */
		wait = try(t, STR("a@x"), here, false, START);
	CHECK_INT(wait, 2 * TIME_SECOND);
	guard_throttle_destroy(&t);
}

TEST(the_table_is_bounded_and_forgets_the_one_unused_for_longest)
{
	struct guard_throttle *t = fresh(8);
	char email[16], address[16];
	for (int i = 0; i < 6; i++)
		try(t, STR("often@x"), STR("203.0.113.1"), false, START);
	for (int i = 0; i < 200; i++) {
		snprintf(email, sizeof email, "%d@x", i);
		snprintf(address, sizeof address, "198.51.100.%d", i);
		try(t, str_of(email), str_of(address), false, START);
		if (i % 2 == 0)
			CHECK(try(t, STR("often@x"), STR("203.0.113.1"), false, START) > 0);
	}
	CHECK_INT(try(t, STR("0@x"), STR("198.51.100.0"), false, START), 0);
	guard_throttle_destroy(&t);
}

TEST(failures_are_news_at_each_doubling)
{
	unsigned news = 0;
	for (unsigned i = 0; i <= 1000; i++)
		news += guard_try_is_news(i);
	CHECK_INT(news, 10);
	CHECK(guard_try_is_news(1));
	CHECK(!guard_try_is_news(3));
}

TESTS(RUN(the_wait_grows_to_a_minute_and_no_further),
      RUN(the_wait_is_for_the_account_wherever_the_tries_come_from),
      RUN(the_wait_is_for_the_address_whichever_account_is_tried),
      RUN(a_hundred_tries_at_once_are_not_a_hundred_first_ones),
      RUN(one_try_is_forgotten_every_ten_minutes),
      RUN(whoever_lets_the_wait_pass_is_let_through_whatever_others_try_meanwhile),
      RUN(a_right_password_is_not_counted_and_does_not_clear_the_address),
      RUN(nobody_elsewhere_makes_a_person_wait_where_they_are_known),
      RUN(the_table_is_bounded_and_forgets_the_one_unused_for_longest),
      RUN(failures_are_news_at_each_doubling))
