/* test_oncall_calendar.c: feeds: what stays the same when time passes and people change things, and
 * the bytes that calendar programs are strict about. */
#include "oncall/calendar.h"
#include "oncall/test_oncall_help.h"

static const int64_t abc[] = { A, B, C };

static struct str name_of(void *context, int64_t user)
{
	static const char *const names[] = { "", "Ann", "Bob", "Cy" };
	(void)context;
	return str_of(names[user < 4 ? user : 0]);
}

static struct schedule *weekly(struct world *world, const struct schedule_override *overrides,
			       size_t count)
{
	struct schedule_layer layer = { .name = STR("first line"), .unit = SCHEDULE_WEEK, .every = 1,
					.start = date_of("2026-03-02"), .hand_over = clock_of("09:00"),
					.users = abc, .user_count = 3 };
	return world_schedule(world, "Europe/London", &layer, 1, overrides, count);
}

struct feed {
	struct calendar_event *events;
	size_t count;
};

static struct feed events_of(struct world *world, const struct schedule *s, const char *from,
			     const char *until, int64_t user, const char *now)
{
	struct calendar_source source = { s, user, name_of, NULL };
	struct feed feed;
	struct error err;
	CHECK_OK(calendar_events(&source, utc(from), utc(until), utc(now), &world->arena,
				 &feed.events, &feed.count, &err));
	return feed;
}

static struct feed carry(struct world *world, struct feed was, struct feed is, const char *from,
			 const char *now)
{
	struct feed feed;
	struct error err;
	CHECK_OK(calendar_carry(was.events, was.count, is.events, is.count, 0, utc(from), utc(now),
				&world->arena, &feed.events, &feed.count, &err));
	return feed;
}

TEST(an_event_is_the_same_wherever_the_window_begins_and_ends)
{
	struct world *world = world_begin();
	struct schedule *s = weekly(world, NULL, 0);
	struct feed one = events_of(world, s, "2026-03-20T00:00:00", "2026-05-01T00:00:00", 0,
				    "2026-03-20T00:00:00");
	CHECK_INT(one.count, 7);
	CHECK_TEXT(one.events[0].uid, "shift-primary-f6f3dac7b383a019-3-20260316T090000");
	CHECK_INT(one.events[0].from, utc("2026-03-16T09:00:00"));
	CHECK_INT(one.events[6].until, utc("2026-05-04T08:00:00"));
	for (int day = 1; day < 7; day++) {
		char from[32], until[32];
		snprintf(from, sizeof from, "2026-03-%02dT13:37:00", 16 + day);
		snprintf(until, sizeof until, "2026-04-%02dT03:00:00", 28 + (day > 1));
		struct feed other = events_of(world, s, from, until, 0, "2026-03-20T00:00:00");
		CHECK_INT(other.count, one.count);
		for (size_t i = 0; i < one.count; i++) {
			CHECK_TEXT(other.events[i].uid, one.events[i].uid);
			CHECK_INT(other.events[i].from, one.events[i].from);
			CHECK_INT(other.events[i].until, one.events[i].until);
		}
	}
	world_end(world);
}

TEST(an_override_cuts_a_shift_in_two_and_the_first_part_keeps_its_uid)
{
	struct world *world = world_begin();
	struct schedule_override lunch = { 42, utc("2026-03-18T12:00:00"), utc("2026-03-18T13:00:00"), A,
					   C, false };
	struct schedule *s = weekly(world, &lunch, 1);
	struct feed feed = events_of(world, s, "2026-03-16T09:00:00", "2026-03-23T09:00:00", 0,
				     "2026-03-16T00:00:00");
	CHECK_INT(feed.count, 3);
	CHECK_TEXT(feed.events[0].uid, "shift-primary-f6f3dac7b383a019-3-20260316T090000");
	CHECK_INT(feed.events[0].until, utc("2026-03-18T12:00:00"));
	CHECK_TEXT(feed.events[1].uid, "shift-primary-o42-1-20260318T120000");
	CHECK_TEXT(feed.events[2].uid, "shift-primary-f6f3dac7b383a019-3-20260316T090000-2");
	feed = events_of(world, s, "2026-03-20T00:00:00", "2026-03-23T09:00:00", 0,
			 "2026-03-16T00:00:00");
	CHECK_INT(feed.count, 1); /* the second part is still the second */
	CHECK_TEXT(feed.events[0].uid, "shift-primary-f6f3dac7b383a019-3-20260316T090000-2");
	world_end(world);
}

TEST(a_feed_of_one_person_has_their_shifts_only)
{
	struct world *world = world_begin();
	struct schedule *s = weekly(world, NULL, 0);
	struct feed feed = events_of(world, s, "2026-03-02T09:00:00", "2026-05-04T08:00:00", B,
				     "2026-03-02T00:00:00");
	CHECK_INT(feed.count, 3);
	for (size_t i = 0; i < feed.count; i++)
		CHECK_STR(feed.events[i].summary, "On call: Bob (primary)");
	world_end(world);
}

TEST(what_changes_counts_up_what_vanishes_is_cancelled_and_what_is_over_just_ends)
{
	struct world *world = world_begin();
	struct schedule *before = weekly(world, NULL, 0);
	struct schedule_override all = { 7, utc("2026-03-23T09:00:00"), utc("2026-03-30T08:00:00"), B, A,
					 false };
	struct schedule_override half = { 8, utc("2026-04-01T00:00:00"), utc("2026-04-06T08:00:00"), C, B,
					  false };
	struct schedule_override both[] = { all, half };
	struct schedule *after = weekly(world, both, 2);
	struct feed one = events_of(world, before, "2026-03-10T00:00:00", "2026-04-13T08:00:00", 0,
				    "2026-03-10T00:00:00");
	struct feed none = { NULL, 0 };
	one = carry(world, none, one, "2026-03-10T00:00:00", "2026-03-10T00:00:00");
	CHECK_INT(one.count, 5);
	struct feed same = carry(world, one, one, "2026-03-10T00:00:00", "2026-03-11T00:00:00");
	CHECK_INT(same.count, 5);
	CHECK_INT(same.events[0].changed, utc("2026-03-10T00:00:00"));
	struct feed two = events_of(world, after, "2026-03-17T00:00:00", "2026-04-13T08:00:00", 0,
				    "2026-03-17T00:00:00");
	two = carry(world, same, two, "2026-03-17T00:00:00", "2026-03-17T00:00:00");
	/* C's week; A's cancelled week and B's override of it; B's half, C's override; C's week.
	 * The first week is over. */
	CHECK_INT(two.count, 6);
	CHECK(!two.events[0].cancelled);
	CHECK_INT(two.events[0].sequence, 0);
	const struct calendar_event *cancelled = NULL;
	for (size_t i = 0; i < two.count; i++)
		if (two.events[i].cancelled)
			cancelled = &two.events[i];
	CHECK(cancelled != NULL);
	CHECK_INT(cancelled->sequence, 1);
	CHECK_INT(cancelled->from, utc("2026-03-23T09:00:00"));
	CHECK_INT(two.events[3].sequence, 1); /* B's week became shorter */
	CHECK_INT(two.events[3].changed, utc("2026-03-17T00:00:00"));
	struct feed back = events_of(world, before, "2026-03-18T00:00:00", "2026-04-13T08:00:00", 0,
				     "2026-03-18T00:00:00");
	back = carry(world, two, back, "2026-03-18T00:00:00", "2026-03-18T00:00:00");
	for (size_t i = 0; i < back.count; i++)
		if (strcmp(back.events[i].uid, cancelled->uid) == 0) {
			CHECK(!back.events[i].cancelled); /* the override was taken back */
			CHECK_INT(back.events[i].sequence, 2);
		}
	struct feed late = carry(world, two, none, "2026-06-01T00:00:00", "2026-06-01T00:00:00");
	CHECK_INT(late.count, 0); /* long over */
	world_end(world);
}

TEST(lines_are_folded_at_75_bytes_and_never_inside_a_character)
{
	struct world *world = world_begin();
	char summary[400] = "x";
	for (unsigned i = 0; i < 60; i++)
		memcpy(summary + 1 + 4 * i, "\xF0\x9F\x94\xA5", 5);
	struct calendar_event event = { .uid = "u", .from = utc("2026-03-02T09:00:00"),
					.until = utc("2026-03-09T09:00:00"), .summary = str_of(summary),
					.changed = utc("2026-03-01T00:00:00") };
	struct calendar_head head = { STR("on, call; \\ \"x\"\nnext"), STR("Europe/London") };
	cleanup_buf struct buf buf;
	buf_init(&buf, CALENDAR_BYTES_MAX);
	struct error err;
	CHECK_OK(calendar_write(&head, &event, 1, &buf, &err));
	struct str rest = buf_str(&buf), line;
	cleanup_buf struct buf unfolded;
	buf_init(&unfolded, CALENDAR_BYTES_MAX);
	while (str_cut(rest, '\n', &line, &rest)) {
		CHECK(line.len > 0);
		CHECK(line.ptr[line.len - 1] == '\r');
		line.len--;
		CHECK(line.len <= CALENDAR_LINE_BYTES);
		CHECK(str_is_utf8(line));
		if (line.ptr[0] != ' ')
			buf_addc(&unfolded, '\n');
		buf_add(&unfolded, str_sub(line, line.ptr[0] == ' ', line.len));
	}
	CHECK_INT(rest.len, 0);
	buf_addc(&unfolded, '\n');
	char wanted[500];
	snprintf(wanted, sizeof wanted, "\nSUMMARY:%s\n", summary);
	CHECK(strstr(unfolded.bytes, wanted) != NULL);
	CHECK(strstr(unfolded.bytes, "\nX-WR-CALNAME:on\\, call\\; \\\\ \"x\"\\nnext\n") != NULL);
	world_end(world);
}

TEST(a_calendar_is_written_byte_for_byte)
{
	static const char wanted[] =
		"BEGIN:VCALENDAR\r\nPRODID:-//Mainstay//On-call//EN\r\nVERSION:2.0\r\nCALSCALE:GREGORIAN\r\n"
		"METHOD:PUBLISH\r\nX-WR-CALNAME:primary\r\nX-WR-TIMEZONE:Europe/London\r\n"
		"REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\nX-PUBLISHED-TTL:PT15M\r\n"
		"BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260301T000000Z\r\nLAST-MODIFIED:20260301T000000Z\r\n"
		"SEQUENCE:0\r\nDTSTART:20260302T090000Z\r\nDTEND:20260309T090000Z\r\nSUMMARY:On ?call\r\n"
		"STATUS:CONFIRMED\r\nTRANSP:TRANSPARENT\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\n"
		"DESCRIPTION:On ?call\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
		"BEGIN:VEVENT\r\nUID:b\r\nDTSTAMP:20260301T000000Z\r\nLAST-MODIFIED:20260301T000000Z\r\n"
		"SEQUENCE:3\r\nDTSTART:20260302T090000Z\r\nDTEND:20260309T090000Z\r\nSUMMARY:Gone\r\n"
		"STATUS:CANCELLED\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
	struct calendar_event events[] = {
		{ .uid = "a", .from = utc("2026-03-02T09:00:00"), .until = utc("2026-03-09T09:00:00"),
		  .summary = STR("On\r\xFF" "call"), .changed = utc("2026-03-01T00:00:00") },
		{ .uid = "b", .from = utc("2026-03-02T09:00:00"), .until = utc("2026-03-09T09:00:00"),
		  .summary = STR("Gone"), .changed = utc("2026-03-01T00:00:00"), .sequence = 3,
		  .cancelled = true },
	};
	struct calendar_head head = { STR("primary"), STR("Europe/London") };
	cleanup_buf struct buf buf;
	buf_init(&buf, CALENDAR_BYTES_MAX);
	struct error err;
	CHECK_OK(calendar_write(&head, events, 2, &buf, &err));
	CHECK_STR(buf_str(&buf), wanted);
	cleanup_buf struct buf small;
	buf_init(&small, 100);
	CHECK_ERR(calendar_write(&head, events, 2, &small, &err), ERR_TOO_LARGE);
}

TESTS(RUN(an_event_is_the_same_wherever_the_window_begins_and_ends),
      RUN(an_override_cuts_a_shift_in_two_and_the_first_part_keeps_its_uid),
      RUN(a_feed_of_one_person_has_their_shifts_only),
      RUN(what_changes_counts_up_what_vanishes_is_cancelled_and_what_is_over_just_ends),
      RUN(lines_are_folded_at_75_bytes_and_never_inside_a_character),
      RUN(a_calendar_is_written_byte_for_byte))
