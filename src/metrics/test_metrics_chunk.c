/* test_metrics_chunk.c: what goes into a chunk comes out, to the bit, and in how many bytes. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "metrics/chunk_priv.h"

#define SAMPLES 24000u

struct bag {
	uint64_t words[CHUNK_WORDS_MAX + 2];
	size_t count;
};

static void bag_word(void *context, uint64_t word)
{
	struct bag *bag = context;
	CHECK(bag->count < CHUNK_WORDS_MAX);
	bag->words[bag->count++] = word;
}

struct run {
	int64_t times[SAMPLES];
	uint64_t values[SAMPLES];
	size_t count, bits, chunks;
};

static struct run run;

static void clear(void)
{
	run.count = run.bits = run.chunks = 0;
}

static void give(int64_t time_ms, double value)
{
	CHECK(run.count < SAMPLES);
	run.times[run.count] = time_ms;
	run.values[run.count++] = chunk_bits_of(value);
}

static void give_bits(int64_t time_ms, uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	give(time_ms, value);
	run.values[run.count - 1] = bits;
}

/* Seals the chunk, reads it again and compares; the encoder's state must come back as well. */
static void compare(struct chunk *chunk, struct bag *bag, size_t from)
{
	int64_t times[CHUNK_SAMPLES_MAX];
	uint64_t values[CHUNK_SAMPLES_MAX];
	struct chunk end;
	size_t bits = chunk_bits(chunk);
	if (chunk->pending > 0)
		bag->words[bag->count] = chunk->bits;
	CHECK(chunk_read(bag->words, bits, chunk->count, times, values, &end));
	CHECK(memcmp(times, run.times + from, chunk->count * sizeof *times) == 0);
	CHECK(memcmp(values, run.values + from, chunk->count * sizeof *values) == 0);
	CHECK(end.time_ms == chunk->time_ms && end.value == chunk->value && end.mean == chunk->mean);
	CHECK(end.bits == chunk->bits && end.pending == chunk->pending && end.words == chunk->words);
	CHECK(end.step_ms == chunk->step_ms && end.count == chunk->count && end.special == chunk->special);
	CHECK(end.exponent == chunk->exponent && end.xor_mode == chunk->xor_mode);
	CHECK(end.lead == chunk->lead && end.size == chunk->size);
	run.bits += (bits + 7) / 8 * 8;
	run.chunks++;
}

static void round_trip(void)
{
	struct bag bag = { .count = 0 };
	struct chunk_sink sink = { &bag, bag_word };
	struct chunk chunk = { 0 };
	size_t from = 0;
	for (size_t i = 0; i < run.count; i++) {
		if (chunk.count > 0 && chunk_add(&chunk, run.times[i], run.values[i], &sink))
			continue;
		if (chunk.count > 0)
			compare(&chunk, &bag, from);
		bag.count = 0;
		from = i;
		chunk_begin(&chunk, &chunk, run.times[i], run.values[i], &sink);
	}
	compare(&chunk, &bag, from);
}

static double bytes_per_sample(const char *what)
{
	round_trip();
	double bytes = (double)run.bits / 8 / (double)run.count;
	printf("%-46s %6.3f bytes/sample in %zu chunks\n", what, bytes, run.chunks);
	return bytes;
}

#define START INT64_C(1700000000000)
#define STEP 15000

TEST(friendly_data_takes_little)
{
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, 42);
	CHECK(bytes_per_sample("constant") < 0.25);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, 10 * i);
	CHECK(bytes_per_sample("counter of even pace") < 1.2);
}

TEST(mixed_data_takes_less_than_xor_would)
{
	struct random random;
	random_seeded(&random, 7);
	clear();
	double total = 0;
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, total += (double)random_below(&random, 200));
	CHECK(bytes_per_sample("counter, steps of 0 to 199") < 1.6);
	clear();
	int64_t hundredths = 1234567;
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, (double)(hundredths += (int64_t)random_below(&random, 300)) / 100);
	CHECK(bytes_per_sample("cpu seconds, of 0.01") < 1.7);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP + (int64_t)random_below(&random, 9) - 4, 21.5 + (double)random_below(&random, 30) / 10);
	CHECK(bytes_per_sample("gauge of 0.1, times that jitter by 4 ms") < 3.1);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		if (i % 50 == 49)
			give_bits(START + i * (int64_t)STEP, CHUNK_STALE_BITS);
		else
			give(START + i * (int64_t)STEP, (double)(i / 7));
	CHECK(bytes_per_sample("slow counter, stale each 50th") < 0.8);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		if (i % 100 < 60)
			give_bits(START + i * (int64_t)STEP, CHUNK_NAN_BITS);
		else
			give(START + i * (int64_t)STEP, (double)(i % 100) / 1000);
	CHECK(bytes_per_sample("summary, NaN when idle") < 2.9);
}

TEST(hostile_data_takes_little_more_than_it_holds)
{
	struct random random;
	random_seeded(&random, 8);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, (double)random_below(&random, UINT64_C(1) << 53) / (double)(UINT64_C(1) << 53));
	CHECK(bytes_per_sample("random doubles of 0 to 1") < 8.5);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give_bits(START + i * (int64_t)STEP, random_below(&random, UINT64_MAX));
	CHECK(bytes_per_sample("random bits") < 10.5);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, i % 2 == 0 ? 1e14 : 0.123456789);
	CHECK(bytes_per_sample("far apart decimals in turn") < 10.5);
	clear();
	for (unsigned i = 0; i < SAMPLES; i++)
		give(START + i * (int64_t)STEP, i % 2 == 0 ? i : M_PI * i);
	CHECK(bytes_per_sample("whole and irrational in turn") < 10.5);
	clear();
	int64_t at = 0;
	for (unsigned i = 0; i < SAMPLES; i++)
		give(at += 1 + (int64_t)random_below(&random, INT32_MAX - 1u), (double)(i & 7));
	CHECK(bytes_per_sample("times without any order") < 6);
}

TEST(every_kind_of_double_comes_back_to_the_bit)
{
	static const uint64_t kinds[] = {
		0, UINT64_C(1) << 63, CHUNK_STALE_BITS, CHUNK_NAN_BITS, UINT64_C(0x7ff8000000000000),
		UINT64_C(0xfff0000000000123), UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), 1, UINT64_C(0x800fffffffffffff),
		UINT64_C(0x7fefffffffffffff), UINT64_C(0x0010000000000000), UINT64_C(0x433ff973cafa8000) /* 9e15 */,
		UINT64_C(0x4340000000000000), UINT64_C(0x3ff0000000000000), UINT64_C(0x3fb999999999999a), UINT64_C(0x3e112e0be826d695),
	};
	size_t count = sizeof kinds / sizeof *kinds;
	clear();
	int64_t at = START;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			for (size_t k = 0; k < count; k++) {
				give_bits(at += STEP, kinds[i]);
				give_bits(at += STEP, kinds[j]);
				give_bits(at += k % 2 ? STEP : 77, kinds[k]);
			}
	round_trip();
}

TEST(times_may_lie_at_both_ends_of_what_can_be_said)
{
	clear();
	give(INT64_MIN, 1);
	give(INT64_MIN + 1, 1);
	give(INT64_MIN + 1 + INT32_MAX, 2);
	give(0, 3);
	give(INT64_MAX - 1, 3);
	give(INT64_MAX, 4);
	round_trip();
}

TEST(a_chunk_that_is_cut_or_changed_is_refused_or_read_within_its_bounds)
{
	struct bag bag = { .count = 0 };
	struct chunk_sink sink = { &bag, bag_word };
	struct chunk chunk = { 0 };
	chunk_begin(&chunk, &chunk, START, chunk_bits_of(1.5), &sink);
	for (int i = 1; i < 60; i++)
		CHECK(chunk_add(&chunk, START + i * STEP + i % 3, chunk_bits_of(i * 7 / 10.0), &sink));
	bag.words[bag.count] = chunk.bits;
	int64_t times[CHUNK_SAMPLES_MAX];
	uint64_t values[CHUNK_SAMPLES_MAX];
	size_t bits = chunk_bits(&chunk);
	for (size_t cut = 0; cut < bits; cut++)
		CHECK(!chunk_read(bag.words, cut, chunk.count, times, values, NULL));
	for (size_t flip = 0; flip < bits; flip++) {
		bag.words[flip / 64] ^= UINT64_C(1) << flip % 64;
		if (chunk_read(bag.words, bits, chunk.count, times, values, NULL))
			for (size_t i = 1; i < chunk.count; i++)
				CHECK(times[i] > times[i - 1]);
		bag.words[flip / 64] ^= UINT64_C(1) << flip % 64;
	}
	CHECK(!chunk_read(bag.words, bits, 0, times, values, NULL));
	CHECK(!chunk_read(bag.words, bits, CHUNK_SAMPLES_MAX + 1, times, values, NULL));
}

TESTS(RUN(friendly_data_takes_little), RUN(mixed_data_takes_less_than_xor_would),
      RUN(hostile_data_takes_little_more_than_it_holds), RUN(every_kind_of_double_comes_back_to_the_bit),
      RUN(times_may_lie_at_both_ends_of_what_can_be_said),
      RUN(a_chunk_that_is_cut_or_changed_is_refused_or_read_within_its_bounds))
