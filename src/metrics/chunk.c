/* chunk.c: writes chunks; see chunk.h for the bits. */
#include "metrics/chunk.h"

#include <assert.h>
#include <string.h>

#include "metrics/chunk_priv.h"

/* How many doubles that are no decimal number a chunk of decimal numbers may hold, at 11 bytes each. */
#define MISFITS_FREE 8u
/* Doubles that suit no mode fill a chunk with 30 samples: a longer one saves nothing, and stands half full in memory. */
#define XOR_WORDS_MAX 32u

static void put(struct chunk *chunk, uint64_t value, unsigned count, const struct chunk_sink *sink)
{
	assert(count > 0 && count <= 64);
	chunk->bits |= value << chunk->pending;
	unsigned filled = chunk->pending + count;
	if (filled < 64) {
		chunk->pending = (uint8_t)filled;
		return;
	}
	sink->word(sink->context, chunk->bits);
	chunk->words++;
	chunk->bits = chunk->pending == 0 ? 0 : value >> (64 - chunk->pending);
	chunk->pending = (uint8_t)(filled - 64);
	if (chunk->pending == 0)
		chunk->bits = 0;
}

/* The smallest exponent from `least` on that holds the value; CHUNK_EXPONENT_MAX + 1: none does. */
static unsigned exponent_for(uint64_t value, unsigned least)
{
	int64_t q;
	for (unsigned k = least; k <= CHUNK_EXPONENT_MAX; k++)
		if (chunk_decimal(value, k, &q))
			return k;
	return CHUNK_EXPONENT_MAX + 1;
}

void chunk_begin(struct chunk *chunk, const struct chunk *before, int64_t time_ms, uint64_t value,
		 const struct chunk_sink *sink)
{
	unsigned guess = before->exponent;
	bool crowded = !before->xor_mode && before->lead > MISFITS_FREE;
	unsigned exponent = exponent_for(value, guess);
	if (exponent > CHUNK_EXPONENT_MAX) /* a large number has no room for the digits of before */
		exponent = exponent_for(value, 0);
	bool is_decimal = exponent <= CHUNK_EXPONENT_MAX && !crowded;
	*chunk = (struct chunk){ .xor_mode = !is_decimal, .exponent = (uint8_t)(is_decimal ? exponent : guess) };
	put(chunk, (uint64_t)time_ms, 64, sink);
	put(chunk, value, 64, sink);
	put(chunk, (uint64_t)chunk->xor_mode << 7 | chunk->exponent, 8, sink);
	chunk_start_state(chunk, time_ms, value);
}

static void put_time(struct chunk *chunk, int64_t change, const struct chunk_sink *sink)
{
	uint64_t far = chunk_zigzag(change);
	if (change == 0) {
		put(chunk, 1, 2, sink);
	} else if (far < (1u << 12)) {
		put(chunk, 3 | far << 3, 15, sink);
	} else {
		put(chunk, 7 | far << 3, 35, sink);
	}
}

static void put_escape(struct chunk *chunk, unsigned code, const struct chunk_sink *sink)
{
	put(chunk, CHUNK_ONES | (uint64_t)code << CHUNK_ESCAPE_ONES, CHUNK_ESCAPE_ONES + 2, sink);
}

static void put_special(struct chunk *chunk, uint64_t value, const struct chunk_sink *sink)
{
	if (value == CHUNK_STALE_BITS) {
		put_escape(chunk, CHUNK_ESCAPE_STALE, sink);
	} else if (value == CHUNK_NAN_BITS) {
		put_escape(chunk, CHUNK_ESCAPE_NAN, sink);
	} else {
		put_escape(chunk, CHUNK_ESCAPE_DOUBLE, sink);
		put(chunk, value, 64, sink);
	}
}

static void put_decimal(struct chunk *chunk, int64_t q, const struct chunk_sink *sink)
{
	uint64_t far = chunk_zigzag(q - (int64_t)chunk->value);
	unsigned low = chunk_rice(chunk->mean);
	uint64_t ones = far >> low;
	if (ones >= CHUNK_ESCAPE_ONES) {
		put_escape(chunk, CHUNK_ESCAPE_FAR, sink);
		put(chunk, far, 64, sink);
	} else {
		put(chunk, (UINT64_C(1) << ones) - 1, (unsigned)ones + 1, sink);
		if (low > 0)
			put(chunk, far & ((UINT64_C(1) << low) - 1), low, sink);
	}
	chunk_learn(chunk, far, ones >= CHUNK_ESCAPE_ONES);
	chunk->value = (uint64_t)q;
}

static void put_xor(struct chunk *chunk, uint64_t value, const struct chunk_sink *sink)
{
	uint64_t change = value ^ chunk->value;
	chunk->value = value;
	if (change == 0) {
		put(chunk, 0, 1, sink);
		return;
	}
	unsigned lead = (unsigned)__builtin_clzll(change), trail = (unsigned)__builtin_ctzll(change);
	unsigned size = 64 - lead - trail;
	unsigned window_trail = 64u - chunk->lead - chunk->size;
	if (chunk->size > 0 && lead >= chunk->lead && trail >= window_trail && chunk->size <= size + 12u) {
		put(chunk, 1, 2, sink);
		put(chunk, change >> window_trail, chunk->size, sink);
		return;
	}
	put(chunk, 3 | (uint64_t)lead << 2 | (uint64_t)(size - 1) << 8, 14, sink);
	put(chunk, change >> trail, size, sink);
	chunk->lead = (uint8_t)lead;
	chunk->size = (uint8_t)size;
}

/* Whether this chunk is the one for the value. It is sealed early when one of another kind holds it, and what
 * follows, in far fewer bits; each rule can only fire a bounded number of times in a row. */
static bool suits(const struct chunk *chunk, uint64_t value, bool is_decimal)
{
	if (chunk->xor_mode) /* it began with NaN, and now come numbers */
		return !(chunk->special && exponent_for(value, 0) <= CHUNK_EXPONENT_MAX);
	if (is_decimal || !chunk_is_finite(value))
		return true;
	if (chunk->lead > MISFITS_FREE && chunk->lead > chunk->count / 4u)
		return false;
	return exponent_for(value, chunk->exponent) > CHUNK_EXPONENT_MAX;
}

bool chunk_add(struct chunk *chunk, int64_t time_ms, uint64_t value, const struct chunk_sink *sink)
{
	assert(chunk->count > 0);
	assert(time_ms > chunk->time_ms);
	uint64_t step = (uint64_t)time_ms - (uint64_t)chunk->time_ms;
	if (chunk->count >= CHUNK_SAMPLES_MAX || step > INT32_MAX ||
	    chunk_bits(chunk) + CHUNK_SAMPLE_BITS_MAX > (chunk->xor_mode ? XOR_WORDS_MAX : CHUNK_WORDS_MAX) * 64)
		return false;
	int64_t q = 0;
	bool is_decimal = !chunk->xor_mode && chunk_decimal(value, chunk->exponent, &q);
	if (!suits(chunk, value, is_decimal))
		return false;
	int64_t change = (int64_t)step - chunk->step_ms;
	bool same = chunk->xor_mode ? value == chunk->value : is_decimal && (uint64_t)q == chunk->value;
	if (change == 0 && same) {
		put(chunk, 0, 1, sink);
	} else {
		put_time(chunk, change, sink);
		if (chunk->xor_mode)
			put_xor(chunk, value, sink);
		else if (is_decimal)
			put_decimal(chunk, q, sink);
		else
			put_special(chunk, value, sink);
	}
	if (!chunk->xor_mode) {
		chunk->special = !is_decimal;
		chunk->lead += !is_decimal && chunk_is_finite(value) && chunk->lead < UINT8_MAX;
	}
	chunk->time_ms = time_ms;
	chunk->step_ms = (int32_t)step;
	chunk->count++;
	return true;
}

bool chunk_is_sound(const struct chunk *chunk)
{
	if (chunk->count == 0)
		return chunk->words == 0 && chunk->pending == 0 && chunk->bits == 0 && chunk->exponent <= CHUNK_EXPONENT_MAX;
	int64_t q = (int64_t)chunk->value;
	bool value_fits = chunk->xor_mode != 0 || ((double)q < CHUNK_DECIMAL_MAX && (double)q > -CHUNK_DECIMAL_MAX);
	return chunk->count <= CHUNK_SAMPLES_MAX && chunk->words >= 2 && chunk->words < CHUNK_WORDS_MAX &&
	       chunk->pending < 64 && chunk->bits >> chunk->pending == 0 && chunk->exponent <= CHUNK_EXPONENT_MAX &&
	       value_fits && chunk->mean < UINT64_C(1) << 62 && chunk->step_ms >= 0 && chunk->xor_mode <= 1 &&
	       (chunk->xor_mode == 0 || chunk->lead + chunk->size <= 64);
}
