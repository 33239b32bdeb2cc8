/*
 * chunk.h: one run of samples of one series as bits, exact to the bit for every double.
 *
 * A chunk begins with 64 bits of time, 64 bits of the first value and 8 bits "mode and exponent". Then, a sample:
 *
 *	0                  the distance of the time as before, the value as before
 *	10  value          the distance of the time as before
 *	110 d:12 value     it changed by d milliseconds (zigzag)
 *	111 d:32 value
 *
 * A value in mode DECIMAL is q * 10^-k, where dividing q by 10^k gives exactly the double. What is stored is
 * zigzag(q - q') in a Rice code whose parameter follows the mean; 20 ones and two bits escape from it: 00 a
 * difference of 64 bits, 01 the stale marker, 10 64 bits of a double that is no such q, 11 Go's NaN. In mode XOR
 * it is the exclusive or with the value before: 0 the same, 10 the window of before, 11 lead:6 size-1:6 a new one.
 *
 * Bits fill 64-bit words from the low end. Owns nothing. Runs on: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_SAMPLES_MAX 240u
#define CHUNK_WORDS_MAX 40u        /* 320 bytes: a chunk that has no room for the worst sample is full */
#define CHUNK_SAMPLE_BITS_MAX 128u /* no sample takes more */
#define CHUNK_EXPONENT_MAX 9u

#define CHUNK_STALE_BITS UINT64_C(0x7ff0000000000002) /* "this series ended here" */
#define CHUNK_NAN_BITS UINT64_C(0x7ff8000000000001)   /* what Go writes for not-a-number */

/* Where words go, one after the other; the head keeps them in small blocks (granule.h). */
struct chunk_sink {
	void *context;
	void (*word)(void *context, uint64_t word);
};

/* What the next sample is told against. 48 bytes: it is a part of each series in memory. */
struct chunk {
	int64_t time_ms;  /* of the last sample */
	uint64_t value;   /* DECIMAL: the last q; XOR: the bits of the last value */
	uint64_t bits;    /* pending, fewer than 64 */
	uint64_t mean;    /* 16 times the mean of zigzag(q - q') */
	int32_t step_ms;  /* between the last two */
	uint16_t count;   /* samples; 0: nothing is begun */
	uint16_t words;   /* given to the sink */
	uint8_t pending;  /* bits in `bits` */
	uint8_t exponent; /* of DECIMAL: 0..CHUNK_EXPONENT_MAX */
	uint8_t xor_mode;
	uint8_t lead, size; /* XOR: the window. DECIMAL: `lead` counts doubles that were no q */
	uint8_t special;    /* DECIMAL: the last sample was written by an escape that left q as it was;
	                       XOR: the chunk began with a value that is not finite */
};

/* Begins a chunk with its first sample. `before` is what the last chunk of the series had come to (its exponent
 * is a good guess), or a zeroed one; it may be the same. */
void chunk_begin(struct chunk *chunk, const struct chunk *before, int64_t time_ms, uint64_t value,
		 const struct chunk_sink *sink);

/* False, and nothing changed: the chunk is full or another one would hold this better; seal it and begin one.
 * The time must be later than the last. */
bool chunk_add(struct chunk *chunk, int64_t time_ms, uint64_t value, const struct chunk_sink *sink);

/* Bits written so far, pending ones included. */
static inline size_t chunk_bits(const struct chunk *chunk)
{
	return (size_t)chunk->words * 64 + chunk->pending;
}

/* The bits of the last value. False: it was written by an escape, so that only reading tells it. count > 0. */
bool chunk_last_value(const struct chunk *chunk, uint64_t *ret_value);

/* Whether any 48 bytes may be written on with: nothing the writer does leaves its bounds. */
bool chunk_is_sound(const struct chunk *chunk);

/* Reads `count` samples from `words` of `bits` bits that may hold anything. False: they are no chunk. Times rise.
 * `ret_end` (may be NULL) is where the encoder stood, with the pending bits: it goes on from there. */
bool chunk_read(const uint64_t *words, size_t bits, size_t count, int64_t *ret_times, uint64_t *ret_values,
		struct chunk *ret_end);
