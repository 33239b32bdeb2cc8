/* test_base_time.c: instants and durations. */
#include "base/check.h"
#include "base/random.h"
#include "base/time.h"

TEST(every_day_of_nine_centuries_comes_back_as_it_went)
{
	int64_t days = time_days_from_civil(1600, 1, 1);
	for (int year = 1600; year < 2500; year++) {
		for (int month = 1; month <= 12; month++) {
			for (int day = 1; day <= time_days_in_month(year, month); day++) {
				CHECK_INT(time_days_from_civil(year, month, day), days);
				struct time_civil c = time_civil_of(days * TIME_DAY);
				CHECK_INT(c.year, year);
				CHECK_INT(c.month, month);
				CHECK_INT(c.day, day);
				days++;
			}
		}
	}
}

TEST(weekdays_count_from_monday)
{
	time_us at;
	CHECK(time_parse(STR("2026-11-22T00:00:00Z"), &at));
	CHECK_INT(time_civil_of(at).weekday, 6);
}

TEST(offsets_fractions_and_leap_seconds_are_read)
{
	time_us utc, offset, leap;
	CHECK(time_parse(STR("2026-03-08T03:12:45.123456789Z"), &utc));
	CHECK(time_parse(STR("2026-03-08t08:42:45.123456+05:30"), &offset));
	CHECK_INT(utc, offset);
	CHECK(time_parse(STR("2016-12-31T23:59:60Z"), &leap));
	char text[TIME_TEXT_BYTES];
	time_format(leap, text);
	CHECK_TEXT(text, "2017-01-01T00:00:00Z");
}

TEST(times_that_do_not_exist_are_refused)
{
	static const char *const bad[] = {
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:00:00",  "2026-01-01",           "2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00Zx", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		time_us at = 42;
		if (time_parse(str_of(bad[i]), &at))
			fail_msg("wanted \"%s\" to be refused", bad[i]);
		CHECK_INT(at, 42);
	}
}

TEST(a_written_instant_reads_back_as_itself)
{
	struct random random;
	random_seeded(&random, 1);
	for (int i = 0; i < 20000; i++) {
		time_us at = TIME_MIN + (time_us)random_below(&random, (uint64_t)(TIME_MAX - TIME_MIN));
		char text[TIME_TEXT_BYTES];
		time_us back;
		time_format(at, text);
		CHECK(time_parse(str_of(text), &back));
		CHECK_INT(back, at);
	}
}

TEST(durations_are_read_as_prometheus_reads_them)
{
	time_us d;
	CHECK(duration_parse(STR("1h30m"), &d));
	CHECK_INT(d, 90 * TIME_MINUTE);
	CHECK(duration_parse(STR("1d12h"), &d));
	CHECK_INT(d, 36 * TIME_HOUR);
	CHECK(duration_parse(STR("250ms"), &d));
	CHECK_INT(d, 250 * TIME_MS);
	CHECK(!duration_parse(STR("30m1h"), &d));
	CHECK(!duration_parse(STR("1h1h"), &d));
	CHECK(!duration_parse(STR("5"), &d));
	CHECK(!duration_parse(STR(""), &d));
	CHECK(!duration_parse(STR("99999999999y"), &d));
	CHECK(!duration_parse(STR("-5m"), &d));
}

TEST(a_written_duration_reads_back_as_itself)
{
	struct random random;
	random_seeded(&random, 2);
	for (int i = 0; i < 5000; i++) {
		time_us d = (time_us)random_below(&random, 5000 * TIME_DAY / TIME_MS) * TIME_MS;
		char text[DURATION_TEXT_BYTES];
		time_us back;
		duration_format(d, text);
		CHECK(duration_parse(str_of(text), &back));
		CHECK_INT(back, d);
	}
}

TEST(words_name_the_two_largest_units)
{
	char text[DURATION_TEXT_BYTES];
	duration_words(3 * TIME_HOUR + 12 * TIME_MINUTE + 4 * TIME_SECOND, text);
	CHECK_TEXT(text, "3 h 12 min");
	duration_words(2 * TIME_DAY, text);
	CHECK_TEXT(text, "2 d");
	duration_words(45 * TIME_SECOND, text);
	CHECK_TEXT(text, "45 s");
	duration_words(12 * TIME_MS, text);
	CHECK_TEXT(text, "12 ms");
}

TESTS(RUN(every_day_of_nine_centuries_comes_back_as_it_went), RUN(weekdays_count_from_monday),
      RUN(offsets_fractions_and_leap_seconds_are_read), RUN(times_that_do_not_exist_are_refused),
      RUN(a_written_instant_reads_back_as_itself),
      RUN(durations_are_read_as_prometheus_reads_them),
      RUN(a_written_duration_reads_back_as_itself), RUN(words_name_the_two_largest_units))
