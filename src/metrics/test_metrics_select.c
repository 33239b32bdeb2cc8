/* test_metrics_select.c: of many series each is given once, in order and whole, also when two threads read them. */
#include <pthread.h>

#include "metrics/metrics_priv.h"
#include "metrics/test_metrics_data.h"

#define CROWD 3000u
#define STEPS 300u /* more than a chunk, so some are sealed */
#define GROUPS 7u

static double value_of(unsigned host, int64_t time_ms)
{
	return host * 1000.0 + (double)((time_ms - START) / 1000);
}

/* host-000000 and on, each in one of the groups; every third has a sample that came late. */
static struct metrics *crowd(void)
{
	struct metrics *metrics = make();
	static uint32_t references[CROWD];
	static double values[CROWD];
	struct metrics_tally tally;
	struct error err;
	for (unsigned i = 0; i < CROWD; i++) {
		char host[16], group[16];
		snprintf(host, sizeof host, "host-%06u", i);
		snprintf(group, sizeof group, "group-%u", i % GROUPS);
		struct metrics_label labels[] = { { STR("__name__"), STR("up") }, { STR("group"), str_of(group) },
						  { STR("instance"), str_of(host) } };
		CHECK_OK(metrics_series(metrics, labels, 3, &references[i], &err));
	}
	for (unsigned step = 0; step < STEPS; step++) {
		int64_t now = START + step * 2000;
		for (unsigned i = 0; i < CROWD; i++)
			values[i] = value_of(i, now);
		struct metrics_frame frame = { references, values, NULL, now, CROWD };
		metrics_append(metrics, &frame, &tally);
		CHECK_INT(tally.counts[METRICS_APPENDED], CROWD);
	}
	for (unsigned i = 0; i < CROWD; i += 3) {
		int64_t late = START + 501 * 1000;
		double value = value_of(i, late);
		struct metrics_frame frame = { &references[i], &value, NULL, late, 1 };
		metrics_append(metrics, &frame, &tally);
	}
	return metrics;
}

static unsigned number_at_end(struct str text)
{
	unsigned number = 0;
	for (size_t i = 0; i < text.len; i++)
		number = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? number * 10 + (unsigned)(text.ptr[i] - '0') : 0;
	return number;
}

struct seen {
	struct metrics *metrics;
	size_t count, samples, stop_after;
	int64_t last_host; /* -1: none */
	size_t samples_each; /* 0: not checked */
	bool beside;       /* a second thread reads meanwhile */
};

static bool see(void *context, const struct metrics_view *view)
{
	struct seen *seen = context;
	unsigned host = number_at_end(view->labels[2].value);
	CHECK(host > seen->last_host);
	seen->last_host = host;
	seen->count++;
	seen->samples += view->count;
	if (seen->samples_each > 0)
		CHECK_INT(view->count, seen->samples_each + (host % 3 == 0));
	for (size_t i = 0; i < view->count; i++) {
		CHECK(view->values[i] == value_of(host, view->times[i]));
		CHECK(i == 0 || view->times[i] > view->times[i - 1]);
	}
	bool busy = atomic_flag_test_and_set(&seen->metrics->reads_ahead);
	seen->beside |= busy;
	if (!busy)
		atomic_flag_clear(&seen->metrics->reads_ahead);
	return seen->count != seen->stop_after;
}

static struct seen select_by(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			     size_t samples_each, size_t stop_after)
{
	struct error err;
	struct seen seen = { .metrics = metrics, .stop_after = stop_after, .last_host = -1, .samples_each = samples_each };
	CHECK_OK(metrics_select(metrics, matchers, count, INT64_MIN, INT64_MAX, see, &seen, &err));
	return seen;
}

TEST(of_a_crowd_each_series_is_given_once_in_order_and_whole)
{
	struct metrics *metrics = crowd();
	struct seen seen = select_by(metrics, NULL, 0, STEPS, 0);
	CHECK_INT(seen.count, CROWD);
	CHECK(seen.beside);
	struct metrics_matcher but_one = { STR("group"), STR("group-3"), METRICS_NOT_EQUAL, NULL, NULL };
	seen = select_by(metrics, &but_one, 1, STEPS, 0);
	CHECK_INT(seen.count, CROWD - CROWD / GROUPS - (CROWD % GROUPS > 3));
	CHECK(seen.beside);
	struct metrics_matcher one = { STR("group"), STR("group-3"), METRICS_EQUAL, NULL, NULL };
	seen = select_by(metrics, &one, 1, STEPS, 0);
	CHECK_INT(seen.count, CROWD / GROUPS + (CROWD % GROUPS > 3));
	CHECK(!seen.beside); /* few */
	CHECK(!atomic_flag_test_and_set(&metrics->reads_ahead));
	metrics_destroy(&metrics);
}

TEST(who_wants_no_more_of_a_crowd_gets_no_more)
{
	struct metrics *metrics = crowd();
	for (size_t stop = 1; stop < CROWD; stop += stop < 10 ? 1 : 371) {
		struct seen seen = select_by(metrics, NULL, 0, STEPS, stop);
		CHECK_INT(seen.count, stop);
		CHECK_INT(seen.last_host, stop - 1);
	}
	CHECK_INT(select_by(metrics, NULL, 0, STEPS, 0).count, CROWD);
	metrics_destroy(&metrics);
}

#define LONG 20000u /* more than a batch may have */

/* Among many series of one sample are some that are long, each at another place of a batch. */
TEST(long_series_among_short_ones_are_whole_too)
{
	struct metrics *metrics = make();
	struct metrics_tally tally;
	struct error err;
	size_t longs = 0;
	for (unsigned i = 0; i < 1000; i++) {
		char host[16];
		uint32_t reference;
		snprintf(host, sizeof host, "host-%06u", i);
		struct metrics_label labels[] = { { STR("__name__"), STR("up") }, { STR("group"), STR("group-0") },
						  { STR("instance"), str_of(host) } };
		CHECK_OK(metrics_series(metrics, labels, 3, &reference, &err));
		bool is_long = i % 67 == 5 || (i >= 900 && i < 905);
		longs += is_long;
		for (unsigned step = 0; step < (is_long ? LONG : 1); step++) {
			int64_t now = START + step * 2000;
			double value = value_of(i, now);
			struct metrics_frame frame = { &reference, &value, NULL, now, 1 };
			metrics_append(metrics, &frame, &tally);
			CHECK_INT(tally.counts[METRICS_APPENDED], 1);
		}
	}
	for (unsigned round = 0; round < 5; round++) {
		struct seen seen = select_by(metrics, NULL, 0, 0, 0);
		CHECK_INT(seen.count, 1000);
		CHECK_INT(seen.samples, longs * LONG + 1000 - longs);
		CHECK(seen.beside);
	}
	CHECK_INT(select_by(metrics, NULL, 0, 0, 903).count, 903); /* in the rest of a batch */
	metrics_destroy(&metrics);
}

/* Each value is asked for once, whatever asks. */
struct asking {
	unsigned counts[CROWD + GROUPS + 1];
	const char *end;
};

static bool ends_so(const void *context, struct str value)
{
	struct asking *asking = (struct asking *)context;
	unsigned number = number_at_end(value);
	if (value.len == 0)
		number = CROWD + GROUPS;
	else if (str_starts(value, STR("group-")))
		number += CROWD;
	CHECK_INT(asking->counts[number]++, 0);
	return str_ends(value, str_of(asking->end));
}

TEST(patterns_ask_each_value_once_and_leave_what_they_take)
{
	struct metrics *metrics = crowd();
	struct asking group = { .end = "-5" }, host = { .end = "7" };
	struct metrics_matcher matchers[] = { { STR("group"), STR_NONE, METRICS_TAKES, ends_so, &group },
					      { STR("__name__"), STR("up"), METRICS_EQUAL, NULL, NULL },
					      { STR("instance"), STR_NONE, METRICS_TAKES, ends_so, &host } };
	size_t expected = 0, groups_asked = 0;
	for (unsigned i = 7; i < CROWD; i += 10)
		expected += i % GROUPS == 5;
	CHECK_INT(select_by(metrics, matchers, 3, STEPS, 0).count, expected);
	for (unsigned i = 0; i < GROUPS; i++)
		groups_asked += group.counts[CROWD + i];
	CHECK_INT(groups_asked, GROUPS); /* they are few */
	for (unsigned i = 0; i < CROWD; i++) /* they are many: only of those that are left */
		CHECK_INT(host.counts[i], i % GROUPS == 5);
	struct metrics_matcher unknown = { STR("absent"), STR_NONE, METRICS_TAKES, ends_so, &(struct asking){ .end = "x" } };
	CHECK_INT(select_by(metrics, &unknown, 1, 0, 0).count, 0);
	metrics_destroy(&metrics);
}

/* ---- any matchers ---- */

#define MIXED 1500u
#define DRAWS 400u

/* Of a mixed series: few values, some, and many; 0: the label is not there. */
static void mixed_of(unsigned i, unsigned ret_values[3])
{
	ret_values[0] = i % 4;
	ret_values[1] = i * 7 % 31;
	ret_values[2] = i * 11 % 701;
}

static struct str mixed_text(unsigned label, unsigned value, char ret_text[16])
{
	snprintf(ret_text, 16, "%c%u", 'a' + label, value);
	return value == 0 ? STR_NONE : str_of(ret_text);
}

static struct metrics *mixed(void)
{
	static const char *const names[] = { "a", "b", "c" };
	struct metrics *metrics = make();
	struct metrics_tally tally;
	struct error err;
	for (unsigned i = 0; i < MIXED; i++) {
		unsigned values[3];
		char texts[3][16], number[16];
		struct metrics_label labels[5] = { { STR("__name__"), STR("mixed") } };
		size_t count = 1;
		mixed_of(i, values);
		for (unsigned j = 0; j < 3; j++)
			if (values[j] != 0)
				labels[count++] = (struct metrics_label){ str_of(names[j]), mixed_text(j, values[j], texts[j]) };
		snprintf(number, sizeof number, "%u", i);
		labels[count++] = (struct metrics_label){ STR("number"), str_of(number) };
		uint32_t reference;
		double value = i;
		CHECK_OK(metrics_series(metrics, labels, count, &reference, &err));
		CHECK_INT(reference, i);
		struct metrics_frame frame = { &reference, &value, NULL, START, 1 };
		metrics_append(metrics, &frame, &tally);
	}
	return metrics;
}

static bool in_mask(const void *context, struct str value)
{
	return (*(const unsigned *)context >> (str_hash(value) % 32) & 1) != 0;
}

struct given {
	uint32_t references[MIXED];
	size_t count;
};

static bool note_given(void *context, const struct metrics_view *view)
{
	struct given *given = context;
	CHECK(given->count < MIXED && view->count == 1 && view->values[0] == view->reference);
	given->references[given->count++] = view->reference;
	return true;
}

static bool is_taken(const struct metrics_matcher *matcher, struct str value)
{
	if (matcher->match == METRICS_TAKES)
		return matcher->takes(matcher->context, value);
	return str_eq(value, matcher->value) == (matcher->match == METRICS_EQUAL);
}

TEST(any_matchers_select_what_they_take_one_by_one)
{
	static const char *const names[] = { "a", "b", "c" };
	static const unsigned most[] = { 4, 31, 701 };
	struct metrics *metrics = mixed();
	struct random random;
	size_t somewhat = 0;
	random_seeded(&random, 11);
	for (unsigned draw = 0; draw < DRAWS; draw++) {
		static struct given given;
		struct metrics_matcher matchers[4];
		char texts[4][16];
		unsigned masks[4], of[4], count = 1 + (unsigned)random_below(&random, 4), expected = 0;
		for (unsigned j = 0; j < count; j++) {
			of[j] = (unsigned)random_below(&random, 3);
			unsigned kind = (unsigned)random_below(&random, 6);
			masks[j] = (unsigned)random_below(&random, UINT64_C(1) << 32);
			enum metrics_match match = kind == 0 ? METRICS_EQUAL : kind == 1 ? METRICS_NOT_EQUAL : METRICS_TAKES;
			struct str value = mixed_text(of[j], (unsigned)random_below(&random, most[of[j]]), texts[j]);
			matchers[j] = (struct metrics_matcher){ str_of(names[of[j]]), value, match, in_mask, &masks[j] };
		}
		struct error err;
		given.count = 0;
		CHECK_OK(metrics_select(metrics, matchers, count, INT64_MIN, INT64_MAX, note_given, &given, &err));
		for (unsigned i = 0; i < MIXED; i++) {
			unsigned values[3];
			char text[16];
			bool taken = true;
			mixed_of(i, values);
			for (unsigned j = 0; j < count && taken; j++)
				taken = is_taken(&matchers[j], mixed_text(of[j], values[of[j]], text));
			if (taken) {
				CHECK(expected < given.count);
				CHECK_INT(given.references[expected], i);
			}
			expected += taken;
		}
		CHECK_INT(given.count, expected);
		somewhat += expected > 0 && expected < MIXED;
	}
	CHECK(somewhat > DRAWS / 2);
	metrics_destroy(&metrics);
}

static void *select_often(void *context)
{
	for (unsigned i = 0; i < 6; i++)
		CHECK_INT(select_by(context, NULL, 0, 0, 0).count, CROWD);
	return NULL;
}

TEST(selections_at_once_and_beside_appends_see_what_is_right)
{
	struct metrics *metrics = crowd();
	pthread_t threads[3];
	struct metrics_tally tally;
	static uint32_t references[CROWD];
	static double values[CROWD];
	for (unsigned i = 0; i < 3; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, select_often, metrics), 0);
	for (unsigned step = STEPS; step < STEPS + 60; step++) {
		int64_t now = START + step * 2000;
		for (unsigned i = 0; i < CROWD; i++) {
			references[i] = i;
			values[i] = value_of(i, now);
		}
		struct metrics_frame frame = { references, values, NULL, now, CROWD };
		metrics_append(metrics, &frame, &tally);
		CHECK_INT(tally.counts[METRICS_APPENDED], CROWD);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(select_by(metrics, NULL, 0, STEPS + 60, 0).count, CROWD);
	metrics_destroy(&metrics);
}

TESTS(RUN(of_a_crowd_each_series_is_given_once_in_order_and_whole), RUN(who_wants_no_more_of_a_crowd_gets_no_more),
      RUN(long_series_among_short_ones_are_whole_too),
      RUN(patterns_ask_each_value_once_and_leave_what_they_take), RUN(any_matchers_select_what_they_take_one_by_one),
      RUN(selections_at_once_and_beside_appends_see_what_is_right))
