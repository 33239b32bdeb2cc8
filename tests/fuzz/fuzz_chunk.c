/* fuzz_chunk.c: any bytes as a chunk; and as samples, which must come back to the bit. */
#include <string.h>

#include "fuzz.h"
#include "metrics/chunk.h"

struct bag {
	uint64_t words[CHUNK_WORDS_MAX];
	size_t count;
};

static void bag_word(void *context, uint64_t word)
{
	struct bag *bag = context;
	PROMISE(bag->count < CHUNK_WORDS_MAX);
	bag->words[bag->count++] = word;
}

static void as_chunk(const uint8_t *data, size_t size)
{
	static uint64_t words[CHUNK_WORDS_MAX];
	static int64_t times[CHUNK_SAMPLES_MAX];
	static uint64_t values[CHUNK_SAMPLES_MAX];
	size_t rest = size - 2 < sizeof words ? size - 2 : sizeof words;
	memset(words, 0, sizeof words);
	memcpy(words, data + 2, rest);
	size_t bits = rest * 8 - (data[1] < rest * 8 ? data[1] % 64 : 0);
	if (!chunk_read(words, bits, data[0], times, values, NULL))
		return;
	for (size_t i = 1; i < data[0]; i++)
		PROMISE(times[i] > times[i - 1]);
}

/* Samples of 10 bytes: how much later, and the value. */
static void as_samples(const uint8_t *data, size_t size)
{
	int64_t times[CHUNK_SAMPLES_MAX], given_times[CHUNK_SAMPLES_MAX], at = 0;
	uint64_t values[CHUNK_SAMPLES_MAX], given[CHUNK_SAMPLES_MAX];
	struct bag bag = { .count = 0 };
	struct chunk_sink sink = { &bag, bag_word };
	struct chunk chunk = { 0 };
	for (; size >= 10; data += 10, size -= 10) {
		uint64_t value;
		memcpy(&value, data + 2, 8);
		at += 1 + data[0] + data[1] * 256;
		if (chunk.count == 0 || !chunk_add(&chunk, at, value, &sink)) {
			bag.count = 0;
			chunk_begin(&chunk, &chunk, at, value, &sink);
		}
		given_times[chunk.count - 1] = at;
		given[chunk.count - 1] = value;
	}
	if (chunk.count == 0)
		return;
	if (chunk.pending > 0)
		bag_word(&bag, chunk.bits);
	PROMISE(chunk_read(bag.words, chunk_bits(&chunk), chunk.count, times, values, NULL));
	PROMISE(memcmp(times, given_times, chunk.count * sizeof *times) == 0);
	PROMISE(memcmp(values, given, chunk.count * sizeof *values) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 2)
		as_chunk(data, size);
	as_samples(data, size);
	return 0;
}
