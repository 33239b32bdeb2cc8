/* test_api_text_set.c: texts are in a set once, sorted at the end, in whatever order they came. */
#include <string.h>

#include "api/api_text_set.h"
#include "base/check.h"
#include "base/random.h"

#define MEMORY (1u << 20)

static void add_number(struct text_set *set, unsigned number)
{
	char text[16];
	snprintf(text, sizeof text, "%06u", number);
	text_set_add(set, str_of(text));
}

static void check_rising(const struct text_set *set, unsigned count)
{
	CHECK_INT(set->count, count);
	for (unsigned i = 1; i < count; i++)
		CHECK(str_cmp(set->rows[i - 1], set->rows[i]) < 0);
}

TEST(texts_that_come_in_order_are_kept_as_they_came)
{
	struct text_set set;
	text_set_init(&set, MEMORY);
	text_set_sort(&set);
	CHECK_INT(set.count, 0);
	for (unsigned i = 0; i < 5000; i++)
		add_number(&set, i);
	CHECK(set.slots == NULL);
	text_set_sort(&set);
	check_rising(&set, 5000);
	text_set_finish(&set);
}

TEST(texts_of_a_second_listing_are_there_once)
{
	struct text_set set;
	text_set_init(&set, MEMORY);
	for (unsigned i = 0; i < 3000; i += 2)
		add_number(&set, i);
	for (unsigned i = 0; i < 3000; i += 3)
		add_number(&set, i);
	text_set_sort(&set);
	check_rising(&set, 2000);
	text_set_finish(&set);
}

TEST(texts_in_any_order_are_there_once)
{
	struct random random;
	struct text_set set;
	random_seeded(&random, 7);
	for (unsigned round = 0; round < 50; round++) {
		unsigned most = 1 + (unsigned)random_below(&random, 4000), count = 0;
		static bool there[4000];
		memset(there, 0, sizeof there);
		text_set_init(&set, MEMORY);
		for (unsigned i = 0; i < most; i++) {
			unsigned number = (unsigned)random_below(&random, most);
			count += !there[number];
			there[number] = true;
			add_number(&set, number);
		}
		text_set_sort(&set);
		check_rising(&set, count);
		CHECK(!set.full);
		text_set_finish(&set);
	}
}

TEST(a_set_without_memory_says_that_some_are_missing)
{
	struct text_set set;
	text_set_init(&set, 64u << 10);
	for (unsigned i = 0; i < 100000 && !set.full; i++)
		add_number(&set, i);
	CHECK(set.full);
	CHECK(set.count > 1000);
	text_set_sort(&set);
	check_rising(&set, (unsigned)set.count);
	text_set_finish(&set);
}

TESTS(RUN(texts_that_come_in_order_are_kept_as_they_came), RUN(texts_of_a_second_listing_are_there_once),
      RUN(texts_in_any_order_are_there_once), RUN(a_set_without_memory_says_that_some_are_missing))
