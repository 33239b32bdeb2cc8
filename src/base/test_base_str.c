/* test_base_str.c: runs of bytes, and numbers in them. */
#include "base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes8.h"
#include "base/number.h"
#include "base/random.h"

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

TEST(the_empty_run_has_no_byte)
{
	CHECK(str_has(STR("a:b"), ':'));
	CHECK(!str_has(STR("ab"), ':'));
	CHECK(!str_has(STR_NONE, ':'));
	CHECK(!str_has(STR_NONE, '\0'));
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

TEST(eight_bytes_at_once_say_what_each_byte_says)
{
	static const unsigned char sought[] = { 0, '\n', '"', '\\', 0x7F };
	char bytes[8];
	for (unsigned other = 0; other < 256; other += 5) {
		for (unsigned byte = 0; byte < 256; byte++) {
			for (size_t at = 0; at < sizeof bytes; at++) {
				memset(bytes, (int)other, sizeof bytes);
				bytes[at] = (char)byte;
				uint64_t eight = bytes8_at(bytes);
				CHECK(bytes8_is_ascii(eight) == (byte < 0x80 && other < 0x80));
				CHECK(bytes8_has_below(eight, 0x20) == (byte < 0x20 || other < 0x20));
				for (size_t i = 0; i < sizeof sought; i++)
					CHECK(bytes8_has(eight, sought[i]) == (byte == sought[i] || other == sought[i]));
			}
		}
	}
}

TEST(a_flaw_in_utf8_is_seen_at_any_place)
{
	char text[40];
	for (size_t at = 0; at < sizeof text; at++) {
		memset(text, 'a', sizeof text);
		CHECK(str_is_utf8((struct str){ text, sizeof text }));
		text[at] = (char)0xC3;
		CHECK(!str_is_utf8((struct str){ text, sizeof text }));
		if (at + 1 == sizeof text)
			break;
		text[at + 1] = (char)0xA9;
		CHECK(str_is_utf8((struct str){ text, sizeof text }));
	}
}

TEST(numbers_are_the_nearest_double_however_many_digits_they_have)
{
	static const char *const formats[] = { "%.17g", "%+.18e", "%.15g", "%.30f" };
	static const char *const ends[] = { "1e-400", "-1e-400", "2e-324", "4.9406564584124654e-324", ".5e-320", "1.",
					    "1.7976931348623158e308" };
	struct random random;
	char text[512];
	random_seeded(&random, 11);
	for (unsigned i = 0; i < 20000 + sizeof ends / sizeof *ends; i++) {
		double value = 0, read = 7, wanted;
		random_fill(&random, &value, sizeof value);
		if (i < 20000)
			snprintf(text, sizeof text, formats[i % 4], value);
		else
			snprintf(text, sizeof text, "%s", ends[i - 20000]);
		wanted = strtod(text, NULL);
		if (isnan(value) || isinf(wanted))
			continue;
		CHECK(number_read(str_of(text), &read));
		CHECK(memcmp(&read, &wanted, sizeof read) == 0);
	}
	double untouched = 7;
	CHECK(!number_read(STR("1e400"), &untouched) && !number_read(STR("-17976931348623159e292"), &untouched));
	CHECK(untouched == 7);
}

TESTS(RUN(numbers_are_the_nearest_double_however_many_digits_they_have), RUN(eight_bytes_at_once_say_what_each_byte_says), RUN(a_flaw_in_utf8_is_seen_at_any_place),
      RUN(numbers_are_read_whole_and_within_bounds),
      RUN(utf8_refuses_overlong_forms_surrogates_and_cut_sequences),
      RUN(the_empty_run_has_no_byte),
      RUN(a_cut_gives_both_sides_or_the_whole),
      RUN(distance_counts_inserts_removals_replacements_and_swaps),
      RUN(names_are_lower_case_and_do_not_begin_with_a_dash),
      RUN(order_is_by_bytes_then_length))
