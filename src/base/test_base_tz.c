/* test_base_tz.c: zones made by hand, byte by byte, and bytes that are no zone at all. The zones of
 * the system are compared with an independent reader in test_sys_zone.c. */
#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/tz.h"

#include <string.h>

struct made {
	unsigned char bytes[4096];
	size_t used;
};

static void put(struct made *made, const void *bytes, size_t size)
{
	assert_true(made->used + size <= sizeof made->bytes);
	if (size > 0)
		memcpy(made->bytes + made->used, bytes, size);
	made->used += size;
}

static void put_number(struct made *made, int64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0;) {
		unsigned char byte = (unsigned char)((uint64_t)value >> (8 * i));
		put(made, &byte, 1);
	}
}

static void put_header(struct made *made, char version, unsigned transitions, unsigned types,
		       unsigned chars, unsigned leap)
{
	put(made, "TZif", 4);
	put(made, &version, 1);
	put(made, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	unsigned counts[] = { 0, 0, leap, transitions, types, chars };
	for (unsigned i = 0; i < 6; i++)
		put_number(made, counts[i], 4);
}

static void put_type(struct made *made, int offset_s, bool dst, unsigned name)
{
	put_number(made, offset_s, 4);
	put_number(made, dst, 1);
	put_number(made, name, 1);
}

/* Winter "WIN" +1 h, summer "SUM" +2 h, changing at the given seconds, and a footer. */
static void make_zone(struct made *made, const int64_t *changes, unsigned count, const char *footer)
{
	*made = (struct made){ 0 };
	put_header(made, '2', 0, 1, 4, 0);
	put_type(made, 0, false, 0);
	put(made, "UTC", 4);
	put_header(made, '2', count, 2, 8, 0);
	for (unsigned i = 0; i < count; i++)
		put_number(made, changes[i], 8);
	for (unsigned i = 0; i < count; i++)
		put_number(made, i % 2 == 0, 1);
	put_type(made, 3600, false, 0);
	put_type(made, 7200, true, 4);
	put(made, "WIN\0SUM", 8);
	put(made, "\n", 1);
	put(made, footer, strlen(footer));
	put(made, "\n", 1);
}

static enum err read_made(const struct made *made, struct tz **ret_tz, struct error *err)
{
	return tz_create((struct str){ (const char *)made->bytes, made->used }, ret_tz, err);
}

static struct tz *zone_of(const char *footer)
{
	struct made made;
	struct error err;
	struct tz *tz = NULL;
	make_zone(&made, NULL, 0, footer);
	CHECK_OK(read_made(&made, &tz, &err));
	return tz;
}

static time_us at(const char *text)
{
	time_us value = 0;
	CHECK(time_parse(str_of(text), &value));
	return value;
}

static void check_wall(const struct tz *tz, const char *instant, const char *wall, const char *name)
{
	char text[TIME_TEXT_BYTES];
	time_format(tz_wall_of(tz, at(instant)), text);
	CHECK_TEXT(text, wall);
	CHECK_TEXT(tz_local_of(tz, at(instant)).abbreviation, name);
}

TEST(a_table_is_read_and_its_last_type_stays_when_the_footer_is_empty)
{
	int64_t changes[] = { 1000000, 2000000, 3000000 };
	struct made made;
	struct error err;
	struct tz *tz = NULL;
	make_zone(&made, changes, 3, "");
	CHECK_OK(read_made(&made, &tz, &err));
	CHECK_INT(tz_local_of(tz, 999999 * TIME_SECOND).offset_s, 3600);
	CHECK_INT(tz_local_of(tz, 1000000 * TIME_SECOND - 1).offset_s, 3600);
	CHECK_INT(tz_local_of(tz, 1000000 * TIME_SECOND).offset_s, 7200);
	CHECK(tz_local_of(tz, 1000000 * TIME_SECOND).dst);
	CHECK_INT(tz_local_of(tz, 2000000 * TIME_SECOND).offset_s, 3600);
	CHECK_INT(tz_local_of(tz, TIME_MAX).offset_s, 7200);
	CHECK_INT(tz_local_of(tz, TIME_MIN).offset_s, 3600);
	time_us change;
	CHECK(tz_next_change(tz, 1000000 * TIME_SECOND, &change));
	CHECK_INT(change, 2000000 * TIME_SECOND);
	CHECK(!tz_next_change(tz, 3000000 * TIME_SECOND, &change));
	tz_destroy(&tz);
	CHECK(tz == NULL);
	tz_destroy(&tz);
}

TEST(a_footer_rules_what_comes_after_the_table)
{
	struct tz *tz = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
	check_wall(tz, "2099-03-29T00:59:59Z", "2099-03-29T01:59:59Z", "CET");
	check_wall(tz, "2099-03-29T01:00:00Z", "2099-03-29T03:00:00Z", "CEST");
	check_wall(tz, "2099-10-25T00:59:59Z", "2099-10-25T02:59:59Z", "CEST");
	check_wall(tz, "2099-10-25T01:00:00Z", "2099-10-25T02:00:00Z", "CET");
	tz_destroy(&tz);
}

TEST(footers_of_every_kind_mean_what_posix_and_the_rfc_say)
{
	struct tz *dublin = zone_of("IST-1GMT0,M10.5.0,M3.5.0/1"); /* "summer time" in winter */
	check_wall(dublin, "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z", "GMT");
	check_wall(dublin, "2026-07-15T12:00:00Z", "2026-07-15T13:00:00Z", "IST");
	CHECK(tz_local_of(dublin, at("2026-01-15T12:00:00Z")).dst);
	struct tz *nuuk =
		zone_of("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"); /* changes on the day before */
	check_wall(nuuk, "2026-03-29T00:59:59Z", "2026-03-28T22:59:59Z", "-02");
	check_wall(nuuk, "2026-03-29T01:00:00Z", "2026-03-29T00:00:00Z", "-01");
	struct tz *santiago = zone_of("<-04>4<-03>,M9.1.6/24,M4.1.6/24"); /* south of the equator */
	check_wall(santiago, "2026-01-01T00:00:00Z", "2025-12-31T21:00:00Z", "-03");
	check_wall(santiago, "2026-04-05T02:59:59Z", "2026-04-04T23:59:59Z", "-03");
	check_wall(santiago, "2026-04-05T03:00:00Z", "2026-04-04T23:00:00Z", "-04");
	struct tz *always = zone_of("EST5EDT,0/0,J365/25"); /* summer time all year */
	check_wall(always, "2026-01-01T03:59:59Z", "2025-12-31T23:59:59Z", "EDT");
	check_wall(always, "2026-01-01T04:00:00Z", "2026-01-01T00:00:00Z", "EDT");
	check_wall(always, "2026-12-31T12:00:00Z", "2026-12-31T08:00:00Z", "EDT");
	struct tz *julian = zone_of("AAA3BBB2,J60/0,J300"); /* J60 is 1 March in every year */
	check_wall(julian, "2028-03-01T02:59:59Z", "2028-02-29T23:59:59Z", "AAA");
	check_wall(julian, "2028-03-01T03:00:00Z", "2028-03-01T01:00:00Z", "BBB");
	struct tz *zero = zone_of("AAA3BBB2,59/0,300"); /* 59 counts 29 February */
	check_wall(zero, "2028-02-29T03:00:00Z", "2028-02-29T01:00:00Z", "BBB");
	struct tz *kolkata = zone_of("IST-5:30");
	check_wall(kolkata, "2026-01-01T00:00:00Z", "2026-01-01T05:30:00Z", "IST");
	struct tz **all[] = { &dublin, &nuuk, &santiago, &always, &julian, &zero, &kolkata };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		tz_destroy(all[i]);
}

TEST(a_wall_time_in_a_gap_has_no_instant_and_counts_from_its_end)
{
	struct tz *tz = zone_of("EST5EDT,M3.2.0,M11.1.0");
	time_us found[TZ_INSTANTS_MAX], wall = at("2026-03-08T02:30:00Z");
	CHECK_INT(tz_instants(tz, wall, found), 0);
	CHECK_INT(tz_first(tz, wall), at("2026-03-08T07:00:00Z"));
	CHECK_INT(tz_last(tz, wall), at("2026-03-08T07:00:00Z"));
	CHECK_INT(tz_first(tz, at("2026-03-08T01:59:59Z")), at("2026-03-08T06:59:59Z"));
	CHECK_INT(tz_last(tz, at("2026-03-08T03:00:00Z")), at("2026-03-08T07:00:00Z"));
	tz_destroy(&tz);
}

TEST(a_wall_time_shown_twice_has_a_first_and_a_last_instant)
{
	struct tz *tz = zone_of("EST5EDT,M3.2.0,M11.1.0");
	time_us found[TZ_INSTANTS_MAX], wall = at("2026-11-01T01:30:00Z");
	CHECK_INT(tz_instants(tz, wall, found), 2);
	CHECK_INT(found[0], at("2026-11-01T05:30:00Z"));
	CHECK_INT(found[1], at("2026-11-01T06:30:00Z"));
	CHECK_INT(tz_first(tz, wall), found[0]);
	CHECK_INT(tz_last(tz, wall), found[1]);
	CHECK_INT(tz_last(tz, at("2026-11-01T00:59:59Z")), at("2026-11-01T04:59:59Z"));
	CHECK_INT(tz_first(tz, at("2026-11-01T02:00:00Z")), at("2026-11-01T07:00:00Z"));
	tz_destroy(&tz);
}

TEST(first_and_last_never_fall_when_the_wall_rises)
{
	static const char *const footers[] = { "EST5EDT,M3.2.0,M11.1.0", "<+11>-11<+1030>-10:30,10,20",
					       "<+02>-2<+00>0,M2.2.0/3,M3.5.0/2", "AAA24BBB-24,100,200" };
	struct random random;
	random_seeded(&random, 7);
	for (size_t i = 0; i < sizeof footers / sizeof footers[0]; i++) {
		struct tz *tz = zone_of(footers[i]);
		time_us wall = at("2026-01-01T00:00:00Z"), first = TIME_MIN, last = TIME_MIN;
		for (unsigned step = 0; step < 20000; step++) {
			wall += (time_us)random_below(&random, 3600) * TIME_SECOND;
			CHECK(tz_first(tz, wall) >= first);
			CHECK(tz_last(tz, wall) >= last);
			first = tz_first(tz, wall);
			last = tz_last(tz, wall);
			CHECK(first <= last);
			CHECK(tz_wall_of(tz, first) >= wall);
		}
		tz_destroy(&tz);
	}
}

TEST(footers_that_are_not_rules_are_refused)
{
	static const char *const all[] = {
		"X", "AB1", "ABC", "ABC25", "ABC1DEF", "ABC1DEF,", "ABC1DEF,M3.2.0", "ABC1DEF,M13.1.0,M1.1.0",
		"ABC1DEF,M3.6.0,M1.1.0", "ABC1DEF,M3.1.7,M1.1.0", "ABC1DEF,J0,J5", "ABC1DEF,366,5",
		"ABC1DEF,J1/168,J2", "ABC1,M3.2.0,M11.1.0", "<ABC1", "<>1", "ABC1 ", "ABC1DEF,1,2x",
		"ABC1:60", "ABC1:", "ABC1111111111111", "<ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ>1",
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct made made;
		struct error err;
		struct tz *tz = NULL;
		make_zone(&made, NULL, 0, all[i]);
		if (read_made(&made, &tz, &err) != ERR_INVALID)
			fail_msg("wanted the footer \"%s\" to be refused", all[i]);
		CHECK(tz == NULL);
	}
}

TEST(the_first_version_has_four_byte_times_and_no_footer)
{
	struct made made = { 0 };
	put_header(&made, 0, 1, 2, 8, 0);
	put_number(&made, -1000, 4);
	put_number(&made, 1, 1);
	put_type(&made, -3600, false, 0);
	put_type(&made, 0, false, 4);
	put(&made, "OLD\0NEW", 8);
	struct tz *tz = NULL;
	struct error err;
	CHECK_OK(read_made(&made, &tz, &err));
	CHECK_INT(tz_local_of(tz, -1000 * TIME_SECOND - 1).offset_s, -3600);
	CHECK_INT(tz_local_of(tz, -1000 * TIME_SECOND).offset_s, 0);
	tz_destroy(&tz);
}

TEST(leap_seconds_disorder_and_wrong_types_are_refused)
{
	struct made made = { 0 };
	struct tz *tz = NULL;
	struct error err;
	put_header(&made, 0, 0, 1, 4, 1);
	put_type(&made, 0, false, 0);
	put(&made, "UTC\0\0\0\0\0\0\0\0\1", 12);
	CHECK_ERR(read_made(&made, &tz, &err), ERR_UNSUPPORTED);
	int64_t disorder[] = { 5, 5 };
	make_zone(&made, disorder, 2, "");
	CHECK_ERR(read_made(&made, &tz, &err), ERR_INVALID);
	int64_t one[] = { 5 };
	make_zone(&made, one, 1, "");
	made.bytes[44 + 6 + 4 + 44 + 8] = 9; /* the type that the change leads to */
	CHECK_ERR(read_made(&made, &tz, &err), ERR_INVALID);
	made = (struct made){ 0 };
	put_header(&made, 0, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0);
	CHECK_ERR(read_made(&made, &tz, &err), ERR_TOO_LARGE);
	CHECK_ERR(tz_create(STR_NONE, &tz, &err), ERR_INVALID);
	for (unsigned name = 0; name < 5; name += 4) { /* a name without an end, and one beyond them */
		made = (struct made){ 0 };
		put_header(&made, 0, 0, 1, 4, 0);
		put_type(&made, 0, false, name);
		put(&made, "ABCD", 4);
		CHECK_ERR(read_made(&made, &tz, &err), ERR_INVALID);
	}
	CHECK(tz == NULL);
}

TEST(cut_and_changed_bytes_are_refused_or_answer_within_bounds)
{
	int64_t changes[] = { 1000000, 2000000, 3000000 };
	struct made whole;
	struct random random;
	random_seeded(&random, 11);
	make_zone(&whole, changes, 3, "CET-1CEST,M3.5.0,M10.5.0/3");
	for (unsigned round = 0; round < 20000; round++) {
		struct made made = whole;
		if (round < made.used)
			made.used = round;
		for (unsigned i = 0; i < round % 4; i++)
			made.bytes[random_below(&random, made.used + 1)] =
				(unsigned char)random_below(&random, 256);
		/* A copy of the exact size, so that one byte too far is seen. */
		cleanup_free char *exact = mem_alloc(made.used > 0 ? made.used : 1);
		memcpy(exact, made.bytes, made.used);
		struct tz *tz = NULL;
		bool good = tz_create((struct str){ exact, made.used }, &tz, NULL) == OK;
		CHECK(good == (tz != NULL));
		CHECK(round == 0 || round >= whole.used || !good);
		if (!good)
			continue;
		time_us wall = (time_us)random_below(&random, 4000000) * TIME_SECOND;
		CHECK(tz_first(tz, wall) <= tz_last(tz, wall));
		tz_destroy(&tz);
	}
}

TESTS(RUN(a_table_is_read_and_its_last_type_stays_when_the_footer_is_empty),
      RUN(a_footer_rules_what_comes_after_the_table),
      RUN(footers_of_every_kind_mean_what_posix_and_the_rfc_say),
      RUN(a_wall_time_in_a_gap_has_no_instant_and_counts_from_its_end),
      RUN(a_wall_time_shown_twice_has_a_first_and_a_last_instant),
      RUN(first_and_last_never_fall_when_the_wall_rises),
      RUN(footers_that_are_not_rules_are_refused),
      RUN(the_first_version_has_four_byte_times_and_no_footer),
      RUN(leap_seconds_disorder_and_wrong_types_are_refused),
      RUN(cut_and_changed_bytes_are_refused_or_answer_within_bounds))
