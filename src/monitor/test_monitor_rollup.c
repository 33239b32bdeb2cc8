/* test_monitor_rollup.c: minutes, hours and days; and when checks are due. */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"
#include "monitor/monitor_plan.h"
#include "monitor/monitor_rollup.h"

#define START (INT64_C(1795305600) * TIME_SECOND) /* 2026-11-22, midnight */

struct table {
	struct rollup_bucket sum[ROLLUP_STEP_COUNT], last[ROLLUP_STEP_COUNT];
	unsigned rows[ROLLUP_STEP_COUNT];
};

static void keep_row(void *context, enum rollup_step step, const struct rollup_bucket *bucket)
{
	struct table *table = context;
	CHECK_INT(bucket->start % rollup_step_length(step), 0);
	CHECK(bucket->up + bucket->down + bucket->excluded <= rollup_step_length(step));
	rollup_bucket_merge(&table->sum[step], bucket);
	table->last[step] = *bucket;
	table->rows[step]++;
}

static void add(struct rollup *rollup, struct table *table, time_us at, bool good, bool muted)
{
	struct rollup_sample sample = { .at = START + at, .good = good, .muted = muted,
	                                .latency = good ? 20 * TIME_MS : 0, .covers = TIME_MINUTE };
	rollup_add(rollup, &sample, keep_row, table);
}

TEST(an_outage_of_five_minutes_costs_five_minutes_however_often_it_was_tried)
{
	struct rollup rollup;
	struct table table = { .rows = { 0 } };
	rollup_init(&rollup);
	for (time_us at = 0; at < TIME_HOUR; at += 30 * TIME_SECOND)
		add(&rollup, &table, at, at < 10 * TIME_MINUTE || at >= 15 * TIME_MINUTE, false);
	rollup_stop(&rollup, START + TIME_HOUR, keep_row, &table);
	rollup_flush(&rollup, START + TIME_HOUR, keep_row, &table);
	for (int step = 0; step < ROLLUP_STEP_COUNT; step++) {
		CHECK_INT(table.sum[step].down, 5 * TIME_MINUTE);
		CHECK_INT(table.sum[step].up, 55 * TIME_MINUTE);
		CHECK_INT(table.sum[step].count, 120);
		CHECK_INT(table.sum[step].ok, 110);
		CHECK_INT(table.sum[step].latency_count, 110);
		CHECK_INT(rollup_uptime_ppm(&table.sum[step], 1), 916666);
	}
	CHECK_INT(table.rows[ROLLUP_MINUTE], 60);
	CHECK_INT(table.rows[ROLLUP_HOUR], 1);
}

TEST(muted_time_is_excluded_and_unwatched_time_belongs_to_nobody)
{
	struct rollup rollup;
	struct table table = { .rows = { 0 } };
	rollup_init(&rollup);
	add(&rollup, &table, 0, true, false);
	add(&rollup, &table, 30 * TIME_SECOND, false, true);
	add(&rollup, &table, TIME_MINUTE, true, false);
	add(&rollup, &table, TIME_HOUR, true, false); /* 59 minutes later: one of them was covered */
	rollup_stop(&rollup, START + TIME_HOUR + TIME_SECOND, keep_row, &table);
	add(&rollup, &table, TIME_HOUR + 50 * TIME_SECOND, true, false);
	rollup_flush(&rollup, START + TIME_HOUR + 50 * TIME_SECOND, keep_row, &table);
	CHECK_INT(table.sum[ROLLUP_DAY].excluded, 30 * TIME_SECOND);
	CHECK_INT(table.sum[ROLLUP_DAY].down, 0);
	CHECK_INT(table.sum[ROLLUP_DAY].up, 91 * TIME_SECOND);
	CHECK_INT(rollup_uptime_ppm(&table.sum[ROLLUP_DAY], 1), 1000000);
	struct rollup_bucket nothing = { .start = START };
	CHECK_INT(rollup_uptime_ppm(&nothing, 1), -1);
	nothing.up = 1000 * TIME_DAY;
	nothing.down = 1;
	CHECK_INT(rollup_uptime_ppm(&nothing, 1), 999999);
}

TEST(flushing_at_any_moment_neither_loses_nor_doubles)
{
	struct random random;
	random_seeded(&random, 3);
	for (int round = 0; round < 30; round++) {
		struct rollup plain, flushed;
		struct table wanted = { .rows = { 0 } }, found = { .rows = { 0 } };
		rollup_init(&plain);
		rollup_init(&flushed);
		time_us at = 0;
		for (int i = 0; i < 300; i++) {
			at += TIME_SECOND + (time_us)random_below(&random, 90 * TIME_SECOND);
			bool good = random_below(&random, 3) > 0, muted = random_below(&random, 5) == 0;
			add(&plain, &wanted, at, good, muted);
			add(&flushed, &found, at, good, muted);
			if (random_below(&random, 4) == 0)
				rollup_flush(&flushed, START + at + (time_us)random_below(&random, TIME_SECOND), keep_row,
				             &found);
		}
		rollup_flush(&plain, START + at + TIME_MINUTE, keep_row, &wanted);
		rollup_flush(&flushed, START + at + TIME_MINUTE, keep_row, &found);
		for (int step = 0; step < ROLLUP_STEP_COUNT; step++)
			CHECK(memcmp(&wanted.sum[step], &found.sum[step], sizeof wanted.sum[step]) == 0);
		CHECK_INT(wanted.sum[ROLLUP_MINUTE].up, wanted.sum[ROLLUP_DAY].up);
		CHECK_INT(wanted.sum[ROLLUP_MINUTE].down, wanted.sum[ROLLUP_HOUR].down);
	}
}

TEST(a_clock_that_is_set_back_books_no_time_twice)
{
	struct rollup rollup;
	struct table table = { .rows = { 0 } };
	rollup_init(&rollup);
	add(&rollup, &table, TIME_HOUR, true, false);
	add(&rollup, &table, TIME_MINUTE, true, false);
	add(&rollup, &table, TIME_HOUR + 30 * TIME_SECOND, true, false);
	rollup_flush(&rollup, START + TIME_HOUR + 30 * TIME_SECOND, keep_row, &table);
	CHECK_INT(table.sum[ROLLUP_DAY].up, 30 * TIME_SECOND);
	CHECK_INT(table.sum[ROLLUP_DAY].count, 3);
}

static int compare_times(const void *a, const void *b)
{
	time_us left = *(const time_us *)a, right = *(const time_us *)b;
	return (left > right) - (left < right);
}

TEST(quantiles_are_within_the_error_promised)
{
	struct random random;
	random_seeded(&random, 11);
	static time_us values[5000];
	struct rollup rollup;
	struct table table = { .rows = { 0 } };
	rollup_init(&rollup);
	for (int i = 0; i < 5000; i++) {
		values[i] = 200 + (time_us)random_below(&random, UINT64_C(1) << (8 + random_below(&random, 17)));
		struct rollup_sample sample = { .at = START + i, .good = true, .latency = values[i], .covers = 1 };
		rollup_add(&rollup, &sample, keep_row, &table);
	}
	rollup_flush(&rollup, START + TIME_SECOND, keep_row, &table);
	qsort(values, 5000, sizeof values[0], compare_times);
	static const unsigned percents[] = { 50, 95, 99 };
	for (int i = 0; i < 3; i++) {
		time_us wanted = values[percents[i] * 50 - 1];
		time_us found = rollup_quantile(&table.sum[ROLLUP_DAY], percents[i]);
		if (llabs(found - wanted) * 10000 > wanted * 626)
			fail_msg("p%u: wanted %lld, found %lld", percents[i], (long long)wanted, (long long)found);
	}
	CHECK_INT(table.sum[ROLLUP_DAY].latency_min, values[0]);
	CHECK_INT(table.sum[ROLLUP_DAY].latency_max, values[4999]);
	CHECK(rollup_quantile(&table.sum[ROLLUP_DAY], 100) <= values[4999]);
}

TEST(slots_are_written_short_and_read_back)
{
	struct rollup_bucket bucket = { .slots = { [0] = 1, [7] = 4000000000u, [ROLLUP_SLOTS - 1] = 2 } };
	struct rollup_bucket again = { .start = 0 };
	cleanup_buf struct buf out;
	buf_init(&out, 4096);
	rollup_slots_write(&bucket, &out);
	CHECK_STR(buf_str(&out), "0:1 7:4000000000 151:2");
	CHECK(rollup_slots_read(buf_str(&out), &again));
	CHECK(memcmp(bucket.slots, again.slots, sizeof bucket.slots) == 0);
	static const char *const bad[] = { "1", "1:0", "152:1", "2:1 1:1", "1:1 1:1", "a:b", "-1:1", "1:1:1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (rollup_slots_read(str_of(bad[i]), &again))
			fail_msg("\"%s\": wanted a refusal", bad[i]);
}

TEST(the_grid_never_drifts_and_missed_rounds_are_counted)
{
	struct str name = STR("web");
	time_us interval = 30 * TIME_SECOND, now = TIME_HOUR;
	time_us first = plan_next(name, interval, now);
	CHECK(first > now && first <= now + interval);
	CHECK_INT(plan_next(name, interval, first), first + interval);
	CHECK_INT(plan_next(name, interval, first + interval - 1), first + interval);
	CHECK_INT(plan_next(name, interval, first + 95 * TIME_SECOND), first + 4 * interval);
	CHECK_INT(plan_missed(first, interval, first + 29 * TIME_SECOND), 0);
	CHECK_INT(plan_missed(first, interval, first + 95 * TIME_SECOND), 3);
	CHECK_INT(plan_missed(first, interval, first - 5), 0);
	CHECK_INT(plan_quick(first + TIME_HOUR, interval, now), now + interval / 4);
	CHECK_INT(plan_quick(now + 5, interval, now), now + 5);
	CHECK_INT(plan_quick(now + TIME_HOUR, TIME_SECOND, now), now + TIME_SECOND);
}

TEST(ten_thousand_names_spread_evenly)
{
	unsigned seconds[30] = { 0 };
	for (int i = 0; i < 10000; i++) {
		char name[32];
		snprintf(name, sizeof name, "check-%d", i);
		time_us due = plan_next(str_of(name), 30 * TIME_SECOND, TIME_HOUR) - TIME_HOUR;
		seconds[(due - 1) / TIME_SECOND]++;
	}
	for (int i = 0; i < 30; i++) /* 333 expected, deviation 18: five of them are 90 */
		CHECK(seconds[i] > 243 && seconds[i] < 423);
}

TEST(the_heap_gives_the_earliest_and_lets_any_item_move_or_leave)
{
	struct random random;
	random_seeded(&random, 5);
	struct plan plan;
	static struct plan_item items[500];
	plan_init(&plan);
	CHECK(plan_peek(&plan) == NULL);
	for (int i = 0; i < 5000; i++) {
		struct plan_item *item = &items[random_below(&random, 500)];
		if (random_below(&random, 3) == 0)
			plan_remove(&plan, item);
		else
			plan_put(&plan, item, (time_us)random_below(&random, 10000));
	}
	time_us last = 0;
	size_t left = plan.count;
	for (struct plan_item *item; (item = plan_peek(&plan)) != NULL; left--) {
		CHECK(item->due >= last);
		last = item->due;
		plan_remove(&plan, item);
		CHECK_INT(item->place, 0);
	}
	CHECK_INT(left, 0);
	plan_finish(&plan);
}

TESTS(RUN(an_outage_of_five_minutes_costs_five_minutes_however_often_it_was_tried),
      RUN(muted_time_is_excluded_and_unwatched_time_belongs_to_nobody),
      RUN(flushing_at_any_moment_neither_loses_nor_doubles),
      RUN(a_clock_that_is_set_back_books_no_time_twice),
      RUN(quantiles_are_within_the_error_promised), RUN(slots_are_written_short_and_read_back),
      RUN(the_grid_never_drifts_and_missed_rounds_are_counted),
      RUN(ten_thousand_names_spread_evenly),
      RUN(the_heap_gives_the_earliest_and_lets_any_item_move_or_leave))
