/* test_guard_intake.c: how often somebody outside may write. */
#include "base/check.h"
#include "guard/guard_intake.h"

#define START (100 * TIME_SECOND)
static const struct guard_intake_rule rule = { 3, 60 * TIME_SECOND, 10, 1 * TIME_SECOND };

static struct guard_intake *make(void)
{
	struct random random;
	random_seeded(&random, 7);
	return guard_intake_create(&rule, &random);
}

TEST(an_address_writes_a_few_times_at_once_and_then_at_a_pace)
{
	struct guard_intake *intake = make();
	struct str ann = STR("192.0.2.1");
	time_us wait = 0;
	for (int i = 0; i < 3; i++)
		CHECK_INT(guard_intake_take(intake, ann, START, &wait), GUARD_INTAKE_TAKEN);
	CHECK_INT(guard_intake_take(intake, ann, START, &wait), GUARD_INTAKE_ADDRESS);
	CHECK_INT(wait, 60 * TIME_SECOND);
	CHECK_INT(guard_intake_take(intake, ann, START + 59 * TIME_SECOND, &wait), GUARD_INTAKE_ADDRESS);
	CHECK_INT(wait, 1 * TIME_SECOND);
	CHECK_INT(guard_intake_take(intake, ann, START + 60 * TIME_SECOND, &wait), GUARD_INTAKE_TAKEN);
	CHECK_INT(guard_intake_take(intake, STR("192.0.2.2"), START + 60 * TIME_SECOND, &wait), GUARD_INTAKE_TAKEN);
	guard_intake_destroy(&intake);
}

TEST(a_whole_network_of_a_customer_is_one_address)
{
	struct guard_intake *intake = make();
	time_us wait = 0;
	CHECK_INT(guard_intake_take(intake, STR("2001:db8:1:2::1"), START, &wait), GUARD_INTAKE_TAKEN);
	CHECK_INT(guard_intake_take(intake, STR("2001:db8:1:2::2"), START, &wait), GUARD_INTAKE_TAKEN);
	CHECK_INT(guard_intake_take(intake, STR("2001:db8:1:2:ffff::3"), START, &wait), GUARD_INTAKE_TAKEN);
	CHECK_INT(guard_intake_take(intake, STR("2001:db8:1:2::4"), START, &wait), GUARD_INTAKE_ADDRESS);
	CHECK_INT(guard_intake_take(intake, STR("2001:db8:1:3::4"), START, &wait), GUARD_INTAKE_TAKEN);
	guard_intake_destroy(&intake);
}

TEST(all_together_are_bounded_and_counted_and_who_was_refused_keeps_their_own_turns)
{
	struct guard_intake *intake = make();
	time_us wait = 0;
	char text[32];
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		CHECK_INT(guard_intake_take(intake, str_of(text), START, &wait), GUARD_INTAKE_TAKEN);
	}
	CHECK_INT(guard_intake_take(intake, STR("192.0.2.77"), START, &wait), GUARD_INTAKE_ALL);
	CHECK_INT(guard_intake_take(intake, STR("192.0.2.77"), START, &wait), GUARD_INTAKE_ALL);
	CHECK_INT(wait, 1 * TIME_SECOND);
	CHECK_INT(guard_intake_refused(intake), 2);
	CHECK_INT(guard_intake_refused(intake), 0);
	for (int i = 0; i < 3; i++)
		CHECK_INT(guard_intake_take(intake, STR("192.0.2.77"), START + 10 * TIME_SECOND, &wait),
			  GUARD_INTAKE_TAKEN);
	guard_intake_destroy(&intake);
}

TESTS(RUN(an_address_writes_a_few_times_at_once_and_then_at_a_pace),
      RUN(a_whole_network_of_a_customer_is_one_address),
      RUN(all_together_are_bounded_and_counted_and_who_was_refused_keeps_their_own_turns))
