/* test_alert_signal.c: what is read from a POST, who is alive, and who is over. */
#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/check.h"

#define NOW (INT64_C(1772937120) * TIME_SECOND) /* 2026-03-08T02:32:00Z */

struct seen {
	struct arena *arena;
	struct alert_signal signals[8];
	size_t count;
	char why[512]; /* of the last that was refused */
};

static bool see(void *context, const struct alert_posted *posted)
{
	struct seen *seen = context;
	struct error err;
	if (alert_signal_from(posted, NOW, seen->arena, &seen->signals[seen->count], &err) == OK)
		seen->count++;
	else
		snprintf(seen->why, sizeof seen->why, "%s", err.text);
	return true;
}

/* The reader must outlive what was read. */
static bool read_into(struct seen *seen, struct alert_post_reader *reader, const char *body, char *ret_why)
{
	size_t length = strlen(body);
	char *padded = arena_alloc(seen->arena, length + ALERT_POST_PADDING_BYTES);
	memcpy(padded, body, length);
	seen->count = 0;
	seen->why[0] = '\0';
	return alert_post_read(reader, (struct str){ padded, length }, see, seen, ret_why);
}

static struct alert_post_reader *reader;
static struct arena arena;
static struct seen seen;
static char why[ALERT_POST_WHY_BYTES];

static bool read_body(const char *body)
{
	if (reader == NULL) {
		arena_init(&arena, 0);
		reader = alert_post_reader_create();
	}
	seen.arena = &arena;
	return read_into(&seen, reader, body, why);
}

TEST(the_fingerprint_is_that_of_alertmanager)
{
	/* Asked of prometheus-alertmanager 0.25.0. */
	CHECK(read_body("[{\"labels\":{\"alertname\":\"u3\"}},"
			"{\"labels\":{\"service\":\"s\",\"alertname\":\"A\"}},"
			"{\"labels\":{\"alertname\":\"good\"}}]"));
	CHECK_INT(seen.count, 3);
	static const uint64_t wanted[] = { 0x42c8ed4245471d30, 0x8770e5311edb2ab1, 0xfff7f30401697f7b };
	for (size_t i = 0; i < 3; i++)
		CHECK(alert_fingerprint(seen.signals[i].labels, seen.signals[i].label_count) == wanted[i]);
}

TEST(a_label_set_is_the_same_in_any_order_and_without_what_is_empty)
{
	CHECK(read_body("[{\"labels\":{\"a\":\"1\",\"b\":\"2\"}},{\"labels\":{\"b\":\"2\",\"c\":\"\",\"a\":\"1\"}},"
			"{\"labels\":{\"a\":\"1\",\"b\":\"3\"}},{\"labels\":{\"a\":\"1b\",\"b\":\"2\"}}]"));
	CHECK_INT(seen.count, 4);
	CHECK(seen.signals[0].key.a == seen.signals[1].key.a && seen.signals[0].key.b == seen.signals[1].key.b);
	CHECK(seen.signals[0].key.a != seen.signals[2].key.a);
	CHECK(seen.signals[0].key.a != seen.signals[3].key.a);
}

TEST(the_same_label_said_twice_is_said_once)
{
	CHECK(read_body("[{\"labels\":{\"alertname\":\"x\",\"a\":\"1\",\"alertname\":\"x\"}},{\"labels\":{\"a\":\"1\",\"alertname\":\"x\"}}]"));
	CHECK_INT(seen.count, 2);
	CHECK_INT(seen.signals[0].label_count, 2);
	CHECK(seen.signals[0].key.a == seen.signals[1].key.a && seen.signals[0].key.b == seen.signals[1].key.b);
}

TEST(a_message_without_times_counts_from_now_for_five_minutes)
{
	CHECK(read_body("[{\"labels\":{\"a\":\"1\"}},"
			"{\"labels\":{\"a\":\"2\"},\"startsAt\":null,\"endsAt\":\"0001-01-01T00:00:00Z\"},"
			"{\"labels\":{\"a\":\"3\"},\"endsAt\":\"2026-03-08T02:00:00.123456789Z\"}]"));
	CHECK_INT(seen.count, 3);
	for (size_t i = 0; i < 2; i++) {
		CHECK(seen.signals[i].starts == NOW);
		CHECK(seen.signals[i].ends == NOW + 5 * TIME_MINUTE);
	}
	CHECK(seen.signals[2].ends < NOW);
	CHECK(seen.signals[2].starts == seen.signals[2].ends);
}

TEST(what_alertmanager_refuses_is_refused_in_its_words_and_the_good_ones_are_kept)
{
	static const char *const bad[][2] = {
		{ "{}", "labels in body is required" },
		{ "{\"labels\":{}}", "at least one label pair required" },
		{ "{\"labels\":{\"a\":\"\"}}", "at least one label pair required" },
		{ "{\"labels\":{\"1bad\":\"x\"}}", "invalid label set: invalid name \"1bad\"" },
		{ "{\"labels\":{\"a\":\"1\"},\"annotations\":{\"9bad\":\"x\"}}",
		  "invalid annotations: invalid name \"9bad\"" },
		{ "{\"labels\":{\"a\":\"1\"},\"startsAt\":\"2026-03-08T02:00:00Z\","
		  "\"endsAt\":\"2026-03-08T01:00:00Z\"}", "start time must be before end time" },
		{ "{\"labels\":{\"a\":\"1\",\"a\":\"2\"}}", "invalid label set: \"a\" is there twice" },
		{ "{\"labels\":{\"a\":\"1\"},\"endsAt\":\"soon\"}",
		  "endsAt is not a time like 2026-03-08T03:12:00Z" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char body[300];
		snprintf(body, sizeof body, "[%s,{\"labels\":{\"good\":\"one\"}}]", bad[i][0]);
		CHECK(read_body(body));
		CHECK_INT(seen.count, 1);
		CHECK_TEXT(seen.why, bad[i][1]);
	}
}

TEST(a_body_that_is_no_list_of_alerts_is_refused_whole)
{
	static const char *const bodies[] = { "", "nope", "{}", "[1]", "[{\"labels\":5}]", "[{\"labels\":{\"a\":5}}]",
					      "[{\"labels\":{\"a\":\"1\"}}", "[] []", "[{\"x\":[1,}]}]",
					      "[{\"labels\":{\"a\":\"\xff\"}}]" };
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		why[0] = '\0';
		CHECK(!read_body(bodies[i]));
		CHECK(why[0] != '\0');
	}
	CHECK(!read_body("[{\"labels\":{\"a\":\"x\\u0000y\"}}]"));
	CHECK(!read_body("[{\"foo\":18446744073709551615}]"));
	CHECK(read_body("[]"));
	CHECK(read_body("[{\"labels\":{\"a\":\"1\"},\"foo\":{\"x\":[1,2.5,null,true]}}]"));
}

/* ---- the book ---- */

static struct alert_instant at(time_us after)
{
	return (struct alert_instant){ NOW + after, 77 * TIME_HOUR + after };
}

static struct alert_alive alive_of(const struct alert_signal *signal, int64_t id)
{
	return (struct alert_alive){ id, signal->key, signal->notes, signal->starts, signal->ends - NOW,
				     signal->ends };
}

static struct alert_book *book_with_one(bool stored)
{
	struct alert_book *book = alert_book_create();
	CHECK(read_body("[{\"labels\":{\"a\":\"1\"}}]"));
	struct alert_alive alive = alive_of(&seen.signals[0], 7);
	CHECK(alert_book_add(book, &alive, at(0)));
	if (stored)
		alert_book_settle(book, true);
	return book;
}

TEST(an_alert_that_is_not_stored_yet_is_news_to_everybody_but_the_writer)
{
	struct alert_book *book = book_with_one(false);
	int64_t id;
	CHECK(!alert_book_refresh(book, seen.signals, 1, at(0)));
	CHECK(alert_book_find(book, seen.signals[0].key, &id));
	CHECK_INT(id, 7);
	alert_book_settle(book, false);
	CHECK(!alert_book_find(book, seen.signals[0].key, &id));
	CHECK_INT(alert_book_count(book), 0);
	alert_book_destroy(&book);
}

TEST(an_alert_told_again_lives_on_and_one_that_is_not_is_over)
{
	struct alert_book *book = book_with_one(true);
	struct alert_alive over[4];
	CHECK(alert_book_refresh(book, seen.signals, 1, at(0)));
	CHECK_INT(alert_book_over(book, at(5 * TIME_MINUTE - 1).boot, over, 4), 0);
	seen.signals[0].ends = NOW + 8 * TIME_MINUTE;
	CHECK(alert_book_refresh(book, seen.signals, 1, at(3 * TIME_MINUTE)));
	CHECK_INT(alert_book_over(book, at(7 * TIME_MINUTE).boot, over, 4), 0);
	CHECK_INT(alert_book_over(book, at(8 * TIME_MINUTE).boot, over, 4), 1);
	CHECK_INT(over[0].alert, 7);
	CHECK(alert_book_leave(book, over[0].key));
	CHECK(!alert_book_refresh(book, seen.signals, 1, at(4 * TIME_MINUTE)));
	alert_book_settle(book, true);
	CHECK_INT(alert_book_count(book), 0);
	alert_book_destroy(&book);
}

TEST(an_end_that_could_not_be_stored_leaves_the_alert_alive)
{
	struct alert_book *book = book_with_one(true);
	CHECK(alert_book_leave(book, seen.signals[0].key));
	alert_book_settle(book, false);
	CHECK(alert_book_refresh(book, seen.signals, 1, at(0)));
	alert_book_destroy(&book);
}

TEST(one_message_that_is_no_refresh_makes_the_whole_body_news)
{
	struct alert_book *book = book_with_one(true);
	struct alert_alive over[4];
	CHECK(read_body("[{\"labels\":{\"a\":\"1\"},\"endsAt\":\"2026-03-08T03:00:00Z\"},{\"labels\":{\"a\":\"2\"}}]"));
	CHECK(!alert_book_refresh(book, seen.signals, 2, at(0)));
	CHECK_INT(alert_book_over(book, at(5 * TIME_MINUTE).boot, over, 4), 1); /* it was not touched */
	CHECK(read_body("[{\"labels\":{\"a\":\"1\"},\"endsAt\":\"2026-03-08T01:00:00Z\"}]"));
	CHECK(!alert_book_refresh(book, seen.signals, 1, at(0))); /* an end is news */
	alert_book_destroy(&book);
}

TEST(after_a_start_nobody_ends_before_it_could_be_told_again)
{
	struct alert_book *book = book_with_one(true);
	struct alert_alive over[4];
	alert_book_spare(book, at(TIME_HOUR));
	CHECK_INT(alert_book_over(book, at(TIME_HOUR + ALERT_SPARE_LEAST - 1).boot, over, 4), 0);
	CHECK_INT(alert_book_over(book, at(TIME_HOUR + ALERT_SPARE_LEAST).boot, over, 4), 1);
	alert_book_destroy(&book);
}

TEST(notes_that_change_are_kept_beside_the_row)
{
	struct alert_book *book = book_with_one(true);
	struct alert_life life;
	CHECK(alert_book_life(book, seen.signals[0].key, at(0), &arena, &life));
	CHECK_INT(life.texts.len, 0);
	CHECK(read_body("[{\"labels\":{\"a\":\"1\"},\"annotations\":{\"value\":\"17\"}}]"));
	CHECK(alert_book_refresh(book, seen.signals, 1, at(0)));
	CHECK(alert_book_life(book, seen.signals[0].key, at(0), &arena, &life));
	CHECK_TEXT(life.texts.ptr, "{\"annotations\":{\"value\":\"17\"},\"generatorURL\":\"\"}");
	alert_book_destroy(&book);
}

TEST(a_hundred_thousand_come_and_go_and_the_book_finds_each)
{
	struct alert_book *book = alert_book_create();
	const int64_t count = 100000;
	int64_t id;
	for (int64_t i = 1; i <= count; i++) {
		struct alert_alive alive = { i, { (uint64_t)i * 0x9e3779b97f4a7c15u, (uint64_t)i }, 0, NOW,
					     TIME_MINUTE, NOW + i };
		CHECK(alert_book_add(book, &alive, at(0)));
	}
	alert_book_settle(book, true);
	CHECK_INT(alert_book_count(book), count);
	CHECK(alert_book_bytes(book) / (size_t)count < 250);
	for (int64_t i = 1; i <= count; i += 3)
		CHECK(alert_book_leave(book, (struct alert_key){ (uint64_t)i * 0x9e3779b97f4a7c15u, (uint64_t)i }));
	alert_book_settle(book, true);
	for (int64_t i = 1; i <= count; i++) {
		struct alert_key key = { (uint64_t)i * 0x9e3779b97f4a7c15u, (uint64_t)i };
		CHECK(alert_book_find(book, key, &id) == (i % 3 != 1));
		CHECK(i % 3 == 1 || id == i);
	}
	alert_book_destroy(&book);
}

TEST(a_word_of_severity_says_how_urgent_it_is_and_an_unknown_one_wakes_somebody)
{
	static const char *const words[][3] = { { "critical", "critical", "high" }, { "", "critical", "high" },
						{ "page", "critical", "high" }, { "warning", "warning", "high" },
						{ "info", "warning", "low" } };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct str severity, urgency;
		alert_weigh(str_of(words[i][0]), &severity, &urgency);
		CHECK_TEXT(severity.ptr, words[i][1]);
		CHECK_TEXT(urgency.ptr, words[i][2]);
	}
}

TESTS(RUN(the_fingerprint_is_that_of_alertmanager),
      RUN(a_label_set_is_the_same_in_any_order_and_without_what_is_empty),
      RUN(the_same_label_said_twice_is_said_once),
      RUN(a_message_without_times_counts_from_now_for_five_minutes),
      RUN(what_alertmanager_refuses_is_refused_in_its_words_and_the_good_ones_are_kept),
      RUN(a_body_that_is_no_list_of_alerts_is_refused_whole),
      RUN(an_alert_that_is_not_stored_yet_is_news_to_everybody_but_the_writer),
      RUN(an_alert_told_again_lives_on_and_one_that_is_not_is_over),
      RUN(an_end_that_could_not_be_stored_leaves_the_alert_alive),
      RUN(one_message_that_is_no_refresh_makes_the_whole_body_news),
      RUN(after_a_start_nobody_ends_before_it_could_be_told_again),
      RUN(notes_that_change_are_kept_beside_the_row),
      RUN(a_hundred_thousand_come_and_go_and_the_book_finds_each),
      RUN(a_word_of_severity_says_how_urgent_it_is_and_an_unknown_one_wakes_somebody))
