/* test_metrics_head.c: series in memory: named once, appended by frames, late and refused samples, read whole. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "metrics/chunk.h"
#include "metrics/metrics.h"

#define START INT64_C(1700000000000)
#define STEP 15000

static struct metrics *make(struct metrics_options options)
{
	struct random random;
	struct metrics *metrics;
	random_seeded(&random, 5);
	metrics_create(&options, &random, &metrics);
	return metrics;
}

static enum err name_series(struct metrics *metrics, const char *name, const char *job, unsigned instance,
			    uint32_t *ret_reference, struct error *err)
{
	char text[32];
	snprintf(text, sizeof text, "host-%u", instance);
	struct metrics_label labels[] = { { STR(METRICS_NAME), str_of(name) }, { STR("instance"), str_of(text) },
		                          { STR("job"), str_of(job) } };
	return metrics_series(metrics, labels, job[0] != '\0' ? 3 : 2, ret_reference, err);
}

static uint32_t named(struct metrics *metrics, const char *name, const char *job, unsigned instance)
{
	struct error err;
	uint32_t reference = 0;
	CHECK_OK(name_series(metrics, name, job, instance, &reference, &err));
	return reference;
}

static enum metrics_fate put(struct metrics *metrics, uint32_t reference, int64_t time_ms, double value)
{
	struct metrics_frame frame = { &reference, &value, NULL, time_ms, 1 };
	struct metrics_tally tally;
	metrics_append(metrics, &frame, &tally);
	for (enum metrics_fate fate = 0; fate < METRICS_FATE_COUNT; fate++)
		if (tally.counts[fate] == 1)
			return fate;
	return METRICS_FATE_COUNT;
}

/* What a selection gave: the series, and the samples of the last one. */
struct found {
	uint32_t references[4096];
	size_t count, samples;
	int64_t times[4096];
	double values[4096];
	char text[256]; /* labels of the last */
	size_t stop_after;
};

static bool take(void *context, const struct metrics_view *view)
{
	struct found *found = context;
	CHECK(found->count < 4096 && view->count <= 4096 && view->count > 0);
	CHECK(found->count == 0 || view->reference > found->references[found->count - 1]);
	found->references[found->count++] = view->reference;
	found->samples = view->count;
	memcpy(found->times, view->times, view->count * sizeof *view->times);
	memcpy(found->values, view->values, view->count * sizeof *view->values);
	size_t used = 0;
	for (size_t i = 0; i < view->label_count; i++)
		used += (size_t)snprintf(found->text + used, sizeof found->text - used, STR_FMT "=" STR_FMT " ",
					 STR_ARG(view->labels[i].name), STR_ARG(view->labels[i].value));
	return found->count != found->stop_after;
}

static struct found found;

static size_t selected(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count)
{
	struct error err;
	memset(&found, 0, sizeof found);
	CHECK_OK(metrics_select(metrics, matchers, count, INT64_MIN, INT64_MAX, take, &found, &err));
	return found.count;
}

#define IS(name, value) { STR(name), STR(value), METRICS_EQUAL, NULL, NULL }
#define IS_NOT(name, value) { STR(name), STR(value), METRICS_NOT_EQUAL, NULL, NULL }
#define COUNT(metrics, ...)                                                                  \
	({                                                                                   \
		struct metrics_matcher all_[] = { __VA_ARGS__ };                             \
		selected((metrics), all_, sizeof all_ / sizeof *all_);                       \
	})

static unsigned asked_count;

static bool ends_in(const void *context, struct str value)
{
	asked_count++;
	return str_ends(value, str_of(context));
}

static bool any(const void *context, struct str value)
{
	return true;
}

TEST(a_series_has_one_reference_and_the_same_at_the_second_call)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	uint32_t up = named(metrics, "up", "node", 1), other = named(metrics, "up", "node", 2);
	CHECK(up != other);
	CHECK_INT(named(metrics, "up", "node", 1), up);
	CHECK_INT(put(metrics, up, START, 1), METRICS_APPENDED);
	CHECK_INT(COUNT(metrics, IS("__name__", "up")), 1); /* the other one has no samples */
	CHECK_TEXT(found.text, "__name__=up instance=host-1 job=node ");
	metrics_destroy(&metrics);
}

TEST(labels_out_of_order_twice_empty_or_no_text_are_refused)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	struct error err;
	uint32_t reference;
	struct metrics_label order[] = { { STR("b"), STR("1") }, { STR("a"), STR("1") } };
	struct metrics_label twice[] = { { STR("a"), STR("1") }, { STR("a"), STR("2") } };
	struct metrics_label empty[] = { { STR("a"), STR("") } };
	struct metrics_label bytes[] = { { STR("a"), STR("\xff") } };
	CHECK_ERR(metrics_series(metrics, order, 2, &reference, &err), ERR_INVALID);
	CHECK_ERR(metrics_series(metrics, twice, 2, &reference, &err), ERR_INVALID);
	CHECK_ERR(metrics_series(metrics, empty, 1, &reference, &err), ERR_INVALID);
	CHECK_ERR(metrics_series(metrics, bytes, 1, &reference, &err), ERR_INVALID);
	CHECK_ERR(metrics_series(metrics, bytes, 0, &reference, &err), ERR_INVALID);
	metrics_destroy(&metrics);
}

TEST(matchers_select_as_prometheus_does_also_what_lacks_the_label)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	for (unsigned i = 0; i < 20; i++) {
		put(metrics, named(metrics, "up", "node", i), START, i);
		put(metrics, named(metrics, "load", i % 2 ? "db" : "node", i), START, i);
		put(metrics, named(metrics, "alone", "", i), START, i);
	}
	struct metrics_matcher ends = { STR("instance"), STR_NONE, METRICS_TAKES, ends_in, "3" };
	struct metrics_matcher all = { STR("job"), STR_NONE, METRICS_TAKES, any, NULL };
	CHECK_INT(COUNT(metrics, IS("__name__", "up")), 20);
	CHECK_INT(COUNT(metrics, IS("job", "node")), 30);
	CHECK_INT(COUNT(metrics, IS("job", "node"), IS("__name__", "load")), 10);
	CHECK_INT(COUNT(metrics, IS("job", "")), 20);
	CHECK_INT(COUNT(metrics, IS_NOT("job", "")), 40);
	CHECK_INT(COUNT(metrics, IS_NOT("job", "node")), 30);
	CHECK_INT(COUNT(metrics, IS_NOT("job", "node"), IS_NOT("job", "")), 10);
	CHECK_INT(COUNT(metrics, IS_NOT("nowhere", "x")), 60);
	CHECK_INT(COUNT(metrics, IS("nowhere", "x")), 0);
	CHECK_INT(COUNT(metrics, IS("nowhere", "")), 60);
	CHECK_INT(COUNT(metrics, IS("instance", "nobody")), 0);
	CHECK_INT(COUNT(metrics, all), 60);
	asked_count = 0;
	CHECK_INT(COUNT(metrics, ends), 6); /* host-3 and host-13, three each */
	CHECK_INT(asked_count, 21);         /* each value once, and the empty one */
	CHECK_INT(COUNT(metrics, ends, IS("__name__", "load"), IS("job", "db")), 2);
	CHECK_INT(selected(metrics, NULL, 0), 60);
	metrics_destroy(&metrics);
}

TEST(who_wants_no_more_is_asked_no_more)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	struct error err;
	for (unsigned i = 0; i < 9; i++)
		put(metrics, named(metrics, "up", "node", i), START, i);
	memset(&found, 0, sizeof found);
	found.stop_after = 4;
	CHECK_OK(metrics_select(metrics, NULL, 0, START, START, take, &found, &err));
	CHECK_INT(found.count, 4);
	CHECK_OK(metrics_select(metrics, NULL, 0, START + 1, INT64_MAX, take, &found, &err));
	CHECK_INT(found.count, 4);
	metrics_destroy(&metrics);
}

TEST(late_samples_are_kept_within_the_window_and_lie_in_order)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	uint32_t up = named(metrics, "up", "node", 1);
	CHECK_INT(put(metrics, up, START, 5), METRICS_APPENDED);
	CHECK_INT(put(metrics, up, START + 3 * STEP, 8), METRICS_APPENDED);
	CHECK_INT(put(metrics, up, START + 2 * STEP, 7), METRICS_LATE);
	CHECK_INT(put(metrics, up, START + STEP, 6), METRICS_LATE);
	CHECK_INT(put(metrics, up, START + STEP, 6), METRICS_SAME);
	CHECK_INT(put(metrics, up, START + STEP, 9), METRICS_DUPLICATE);
	CHECK_INT(put(metrics, up, START, 5), METRICS_SAME);
	CHECK_INT(put(metrics, up, START, 9), METRICS_DUPLICATE);
	CHECK_INT(put(metrics, up, START + 3 * STEP, 8), METRICS_SAME);
	CHECK_INT(put(metrics, up, START + 3 * STEP, -8), METRICS_DUPLICATE);
	CHECK_INT(put(metrics, up, START + 3 * STEP - 1800001, 1), METRICS_TOO_OLD);
	CHECK_INT(put(metrics, up, START + 3 * STEP - 1800000, 1), METRICS_LATE);
	CHECK_INT(selected(metrics, NULL, 0), 1);
	CHECK_INT(found.samples, 5);
	CHECK(found.times[0] == START + 3 * STEP - 1800000);
	for (unsigned i = 1; i < 5; i++)
		CHECK(found.times[i] == START + (i - 1) * STEP && found.values[i] == 4 + i);
	metrics_destroy(&metrics);
}

TEST(a_series_says_whether_it_has_a_sample_of_a_time_or_after_it)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	uint32_t a = named(metrics, "a", "", 1), b = named(metrics, "b", "", 1);
	CHECK(!metrics_is_past(metrics, a, 0));
	put(metrics, a, START, 1);
	CHECK(metrics_is_past(metrics, a, START));
	CHECK(metrics_is_past(metrics, a, START - 1));
	CHECK(!metrics_is_past(metrics, a, START + 1));
	CHECK(!metrics_is_past(metrics, b, START));
	metrics_destroy(&metrics);
}

TEST(a_stale_marker_comes_back_by_its_bits_and_other_nans_by_theirs)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	static const uint64_t bits[] = { 0x3ff0000000000000u, METRICS_STALE_BITS, 0x7ff8000000000001u, 0xfff8000000000000u, 0x8000000000000000u };
	uint32_t up = named(metrics, "up", "node", 1);
	for (unsigned i = 0; i < 5; i++) {
		double value;
		memcpy(&value, &bits[i], sizeof value);
		CHECK_INT(put(metrics, up, START + i * STEP, value), METRICS_APPENDED);
		CHECK_INT(put(metrics, up, START + i * STEP, value), METRICS_SAME);
	}
	selected(metrics, NULL, 0);
	CHECK_INT(found.samples, 5);
	CHECK(memcmp(found.values, bits, sizeof bits) == 0);
	metrics_destroy(&metrics);
}

/* Whatever comes in whatever order: what was said to be kept is there, once, in order, and nothing else. */
TEST(random_samples_in_random_order_are_there_as_they_were_answered)
{
	enum { SLOTS = 3000, SERIES = 3 };
	static bool there[SERIES][SLOTS];
	static double values[SERIES][SLOTS];
	struct random random;
	random_seeded(&random, 11);
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	uint32_t references[SERIES];
	for (unsigned i = 0; i < SERIES; i++)
		references[i] = named(metrics, "up", "node", i);
	for (unsigned i = 0; i < 9000; i++) {
		unsigned series = (unsigned)random_below(&random, SERIES), back = (unsigned)random_below(&random, 3) ? 0 : 150;
		unsigned slot = i / 3 > back ? i / 3 - (unsigned)random_below(&random, back + 1) : i / 3;
		double value = random_below(&random, 4) ? (double)random_below(&random, 100) / 10 : sqrt(i);
		enum metrics_fate fate = put(metrics, references[series], START + slot * STEP, value);
		bool same = there[series][slot] && values[series][slot] == value;
		if (fate == METRICS_APPENDED || fate == METRICS_LATE) {
			CHECK(!there[series][slot]);
			there[series][slot] = true;
			values[series][slot] = value;
		} else {
			CHECK(fate == METRICS_TOO_OLD || fate == (same ? METRICS_SAME : METRICS_DUPLICATE));
		}
	}
	for (unsigned series = 0; series < SERIES; series++) {
		char text[16];
		snprintf(text, sizeof text, "host-%u", series);
		struct metrics_matcher one = { STR("instance"), str_of(text), METRICS_EQUAL, NULL, NULL };
		CHECK_INT(selected(metrics, &one, 1), 1);
		size_t at = 0;
		for (unsigned slot = 0; slot < SLOTS; slot++)
			if (there[series][slot]) {
				CHECK(found.times[at] == START + slot * STEP && found.values[at] == values[series][slot]);
				at++;
			}
		CHECK_INT(found.samples, at);
	}
	metrics_destroy(&metrics);
}

TEST(a_limit_refuses_new_series_by_name_and_lets_the_others_flow)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	options.series_max = 12;
	options.series_per_name_max = 10;
	struct metrics *metrics = make(options);
	struct error err;
	uint32_t reference, flows = named(metrics, "flood", "node", 0);
	for (unsigned i = 1; i < 10; i++)
		named(metrics, "flood", "node", i);
	CHECK_ERR(name_series(metrics, "flood", "node", 10, &reference, &err), ERR_LIMIT);
	CHECK_TEXT(err.text, "could not begin a series of \"flood\": it has 10, as many as series_per_name_max allows");
	named(metrics, "up", "node", 0);
	named(metrics, "up", "node", 1);
	CHECK_ERR(name_series(metrics, "up", "node", 2, &reference, &err), ERR_LIMIT);
	CHECK_TEXT(err.text, "could not begin a series of \"up\": there are 12, as many as series_max allows");
	CHECK_INT(named(metrics, "flood", "node", 0), flows);
	CHECK_INT(put(metrics, flows, START, 1), METRICS_APPENDED);
	struct metrics_figures figures;
	metrics_figures(metrics, &figures);
	CHECK_INT(figures.refused_series, 2);
	CHECK_INT(figures.series, 12);
	metrics_destroy(&metrics);
}

TEST(without_bytes_series_are_refused_first_and_samples_after)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	options.bytes_max = 2600000;
	struct metrics *metrics = make(options);
	struct error err;
	uint32_t reference, first = named(metrics, "up", "node", 0);
	put(metrics, first, START, 0);
	unsigned i = 0;
	while (name_series(metrics, "flood", "node", ++i, &reference, &err) == OK)
		CHECK(i < 100000);
	CHECK(strstr(err.text, "as many as bytes_max allows") != NULL);
	CHECK_INT(put(metrics, first, START + 1, 0), METRICS_APPENDED);
	enum metrics_fate fate = METRICS_APPENDED;
	for (i = 2; i < 1000000 && fate == METRICS_APPENDED; i++)
		fate = put(metrics, first, START + i, sin(i));
	CHECK_INT(fate, METRICS_NO_ROOM);
	metrics_expire(metrics, START + i);
	CHECK_INT(put(metrics, first, START + i, 1), METRICS_APPENDED);
	metrics_destroy(&metrics);
}

TEST(what_expired_is_gone_and_its_bytes_are_free)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	uint32_t up = named(metrics, "up", "node", 1);
	for (unsigned i = 0; i < 1000; i++)
		put(metrics, up, START + i * STEP, i);
	struct metrics_figures before, after;
	metrics_figures(metrics, &before);
	metrics_expire(metrics, START + 480 * STEP);
	metrics_figures(metrics, &after);
	CHECK(after.sealed_bytes < before.sealed_bytes && after.sealed_bytes > 0);
	selected(metrics, NULL, 0);
	CHECK_INT(found.samples, 520);
	CHECK_INT(found.times[0], START + 480 * STEP);
	metrics_destroy(&metrics);
}

struct shared {
	struct metrics *metrics;
	uint32_t references[50];
};

static void *append_frames(void *context)
{
	struct shared *shared = context;
	double values[50];
	for (unsigned i = 1; i <= 2000; i++) {
		for (unsigned j = 0; j < 50; j++)
			values[j] = i;
		struct metrics_frame frame = { shared->references, values, NULL, START + i * STEP, 50 };
		struct metrics_tally tally;
		metrics_append(shared->metrics, &frame, &tally);
	}
	return NULL;
}

static bool same_end(void *context, const struct metrics_view *view)
{
	double *last = context;
	CHECK(*last == 0 || *last == view->values[view->count - 1]);
	*last = view->values[view->count - 1];
	return true;
}

TEST(a_reader_sees_whole_frames_or_nothing_of_them)
{
	struct shared shared = { .metrics = make(METRICS_OPTIONS_DEFAULT) };
	struct error err;
	for (unsigned i = 0; i < 50; i++)
		shared.references[i] = named(shared.metrics, "up", "node", i);
	pthread_t thread;
	CHECK_INT(pthread_create(&thread, NULL, append_frames, &shared), 0);
	for (unsigned i = 0; i < 200; i++) {
		double last = 0;
		CHECK_OK(metrics_select(shared.metrics, NULL, 0, START, INT64_MAX, same_end, &last, &err));
	}
	pthread_join(thread, NULL);
	metrics_destroy(&shared.metrics);
}

#define IDLE INT64_C(7200000)
#define MANY_IDLE 2500u /* more than a batch */

static size_t bytes_held(struct metrics *metrics)
{
	struct metrics_figures figures;
	metrics_figures(metrics, &figures);
	return figures.bytes - figures.sealed_bytes;
}

TEST(series_that_are_idle_are_laid_to_rest_and_their_memory_is_for_others)
{
	struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
	uint32_t idle = named(metrics, "up", "idle", 0), busy = named(metrics, "up", "busy", 0);
	for (unsigned i = 0; i < 10; i++)
		put(metrics, idle, START + i * STEP, i);
	for (unsigned i = 0; i < MANY_IDLE; i++)
		put(metrics, named(metrics, "gone", "", i), START, 0.1 + i);
	put(metrics, busy, START + 9 * STEP + IDLE - 1, 1);
	CHECK_INT(metrics_rest(metrics, IDLE), MANY_IDLE);
	put(metrics, busy, START + 9 * STEP + IDLE, 1);
	CHECK_INT(metrics_rest(metrics, IDLE), 1);
	CHECK_INT(metrics_rest(metrics, IDLE), 0);
	for (unsigned i = 0; i < MANY_IDLE; i++)
		named(metrics, "new", "", i);
	size_t before = bytes_held(metrics);
	for (unsigned i = 0; i < MANY_IDLE; i++)
		put(metrics, named(metrics, "new", "", i), START + IDLE, 0.1 + i);
	CHECK_INT(bytes_held(metrics), before);
	CHECK_INT(COUNT(metrics, IS("job", "idle")), 1);
	CHECK_INT(found.samples, 10);
	CHECK(found.times[9] == START + 9 * STEP && found.values[9] == 9);
	CHECK_INT(COUNT(metrics, IS(METRICS_NAME, "gone")), MANY_IDLE);
	metrics_destroy(&metrics);
}

TEST(a_series_at_rest_takes_samples_as_if_it_were_not)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	options.late_ms_max = 4 * IDLE;
	struct metrics *metrics = make(options);
	uint32_t idle = named(metrics, "up", "idle", 0), busy = named(metrics, "up", "busy", 0);
	for (unsigned i = 0; i < 10; i++)
		put(metrics, idle, START + i * STEP, i);
	put(metrics, busy, START + 2 * IDLE, 1);
	CHECK_INT(metrics_rest(metrics, IDLE), 1);
	CHECK(metrics_is_past(metrics, idle, START + 9 * STEP) && !metrics_is_past(metrics, idle, START + 9 * STEP + 1));
	CHECK_INT(put(metrics, idle, START + 9 * STEP, 9), METRICS_SAME);
	CHECK_INT(put(metrics, idle, START + 9 * STEP, 8), METRICS_DUPLICATE);
	CHECK_INT(put(metrics, idle, START + 5 * STEP + 1, 5.5), METRICS_LATE);
	CHECK_INT(put(metrics, idle, START - 4 * IDLE, 5.5), METRICS_TOO_OLD);
	CHECK_INT(put(metrics, idle, START + 9 * STEP + 1, 10), METRICS_APPENDED);
	CHECK_INT(put(metrics, idle, START + 3 * IDLE, 11), METRICS_APPENDED);
	CHECK_INT(COUNT(metrics, IS("job", "idle")), 1);
	CHECK_INT(found.samples, 13);
	CHECK(found.values[6] == 5.5 && found.values[11] == 10 && found.times[12] == START + 3 * IDLE);
	metrics_destroy(&metrics);
}

/* The last sample that a selection gives of the only series. */
static double last_of(struct metrics *metrics, int64_t from_ms, int64_t to_ms, bool newest, size_t *ret_samples)
{
	struct error err;
	memset(&found, 0, sizeof found);
	CHECK_OK((newest ? metrics_select_newest : metrics_select)(metrics, NULL, 0, from_ms, to_ms, take, &found, &err));
	*ret_samples = found.samples;
	return found.samples > 0 ? found.values[found.samples - 1] + (double)found.times[found.samples - 1] : 0;
}

static double value_of_kind(struct random *random, unsigned kind)
{
	uint64_t bits = CHUNK_STALE_BITS;
	double value = (double)random_below(random, 1000) / 100;
	if (kind == 1)
		value = sqrt(value);
	if (kind == 2 && random_below(random, 3) == 0)
		value = sqrt(value);
	if (kind == 3 && random_below(random, 2) == 0)
		memcpy(&value, &bits, sizeof value);
	return value;
}

TEST(the_newest_sample_is_the_last_of_all_and_costs_no_reading)
{
	struct random random;
	size_t many, few, spared = 0;
	random_seeded(&random, 3);
	for (unsigned kind = 0; kind < 4; kind++) {
		struct metrics *metrics = make(METRICS_OPTIONS_DEFAULT);
		uint32_t reference = named(metrics, "a", "", 0);
		for (unsigned i = 0; i < 400; i++) {
			int64_t now = START + i * STEP, to = now + (int64_t)random_below(&random, 3 * STEP) - STEP;
			put(metrics, reference, now, value_of_kind(&random, kind));
			if (i % 7 == 3)
				put(metrics, reference, now - STEP / 2, 5);
			double all = last_of(metrics, to - 2 * STEP, to, false, &many);
			double one = last_of(metrics, to - 2 * STEP, to, true, &few);
			CHECK(memcmp(&all, &one, sizeof all) == 0 || (isnan(all) && isnan(one)));
			CHECK((many > 0) == (few > 0));
			spared += few == 1 && many > 1;
		}
		metrics_destroy(&metrics);
	}
	CHECK(spared > 200);
}

TESTS(RUN(the_newest_sample_is_the_last_of_all_and_costs_no_reading),
      RUN(series_that_are_idle_are_laid_to_rest_and_their_memory_is_for_others),
      RUN(a_series_at_rest_takes_samples_as_if_it_were_not), RUN(a_series_has_one_reference_and_the_same_at_the_second_call),
      RUN(labels_out_of_order_twice_empty_or_no_text_are_refused),
      RUN(matchers_select_as_prometheus_does_also_what_lacks_the_label), RUN(who_wants_no_more_is_asked_no_more),
      RUN(late_samples_are_kept_within_the_window_and_lie_in_order),
      RUN(a_series_says_whether_it_has_a_sample_of_a_time_or_after_it),
      RUN(a_stale_marker_comes_back_by_its_bits_and_other_nans_by_theirs),
      RUN(random_samples_in_random_order_are_there_as_they_were_answered),
      RUN(a_limit_refuses_new_series_by_name_and_lets_the_others_flow),
      RUN(without_bytes_series_are_refused_first_and_samples_after),
      RUN(what_expired_is_gone_and_its_bytes_are_free), RUN(a_reader_sees_whole_frames_or_nothing_of_them))
