/* test_base_str.c: runs of bytes. */
#include "base/check.h"

TEST(numbers_are_read_whole_and_within_bounds)
{
	int64_t value = 7;
	CHECK(str_int(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	CHECK_INT(value, INT64_MIN);
	CHECK(!str_int(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	CHECK(!str_int(STR("-9223372036854775809"), INT64_MIN, INT64_MAX, &value));
	CHECK(!str_int(STR("12 "), 0, 100, &value));
	CHECK(!str_int(STR(""), 0, 100, &value));
	CHECK(!str_int(STR("-"), 0, 100, &value));
	CHECK(!str_int(STR("101"), 0, 100, &value));
	CHECK_INT(value, INT64_MIN);
}

TEST(utf8_refuses_overlong_forms_surrogates_and_cut_sequences)
{
	CHECK(str_is_utf8(STR("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x9A\x91")));
	CHECK(!str_is_utf8(STR("\xC0\x80")));
	CHECK(!str_is_utf8(STR("\xE0\x80\x80")));
	CHECK(!str_is_utf8(STR("\xED\xA0\x80")));
	CHECK(!str_is_utf8(STR("\xF4\x90\x80\x80")));
	CHECK(!str_is_utf8(STR("\xE2\x82")));
	CHECK(!str_is_utf8(STR("\x80")));
}

TEST(a_cut_gives_both_sides_or_the_whole)
{
	struct str before, after;
	CHECK(str_cut(STR("key=value=more"), '=', &before, &after));
	CHECK_STR(before, "key");
	CHECK_STR(after, "value=more");
	CHECK(!str_cut(STR("alone"), '=', &before, &after));
	CHECK_STR(before, "alone");
	CHECK_INT(after.len, 0);
}

TEST(distance_counts_inserts_removals_replacements_and_swaps)
{
	CHECK_INT(str_distance(STR("intervall"), STR("interval")), 1);
	CHECK_INT(str_distance(STR("intreval"), STR("interval")), 1);
	CHECK_INT(str_distance(STR(""), STR("abc")), 3);
	CHECK_INT(str_distance(STR("same"), STR("same")), 0);
}

TEST(names_are_lower_case_and_do_not_begin_with_a_dash)
{
	CHECK(str_is_name(STR("web-1.prod")));
	CHECK(!str_is_name(STR("-web")));
	CHECK(!str_is_name(STR("Web")));
	CHECK(!str_is_name(STR("")));
	CHECK(!str_is_name(STR("a/b")));
}

TEST(order_is_by_bytes_then_length)
{
	CHECK(str_cmp(STR("Z"), STR("a")) < 0);
	CHECK(str_cmp(STR("ab"), STR("abc")) < 0);
	CHECK_INT(str_cmp(STR("abc"), STR("abc")), 0);
}

TESTS(RUN(numbers_are_read_whole_and_within_bounds),
      RUN(utf8_refuses_overlong_forms_surrogates_and_cut_sequences),
      RUN(a_cut_gives_both_sides_or_the_whole),
      RUN(distance_counts_inserts_removals_replacements_and_swaps),
      RUN(names_are_lower_case_and_do_not_begin_with_a_dash),
      RUN(order_is_by_bytes_then_length))
