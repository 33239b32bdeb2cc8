/* chunk_priv.h: what the writer and the reader of chunks must do in the same way. */
#pragma once

#include <math.h>
#include <string.h>

#include "metrics/chunk.h"

#define CHUNK_DECIMAL_MAX 9.0e15 /* below 2^53: every q is a double */
#define CHUNK_ESCAPE_ONES 20u
#define CHUNK_ONES ((UINT64_C(1) << CHUNK_ESCAPE_ONES) - 1)
#define CHUNK_RICE_MAX 40u

enum { CHUNK_ESCAPE_FAR, CHUNK_ESCAPE_STALE, CHUNK_ESCAPE_DOUBLE, CHUNK_ESCAPE_NAN };

static inline double chunk_power(unsigned exponent)
{
	static const double powers[CHUNK_EXPONENT_MAX + 1] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	return powers[exponent];
}

static inline uint64_t chunk_bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static inline bool chunk_is_finite(uint64_t value)
{
	return (value >> 52 & 0x7ff) != 0x7ff;
}

/* Whether the value is q / 10^exponent to the bit; -0 is not, as q has no sign of zero. */
static inline bool chunk_decimal(uint64_t value, unsigned exponent, int64_t *ret_q)
{
	double number;
	memcpy(&number, &value, sizeof number);
	double power = chunk_power(exponent), scaled = number * power;
	if (!(scaled < CHUNK_DECIMAL_MAX && scaled > -CHUNK_DECIMAL_MAX)) /* also what is not a number */
		return false;
	int64_t q = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
	if (chunk_bits_of((double)q / power) != value)
		return false;
	*ret_q = q;
	return true;
}

static inline uint64_t chunk_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t chunk_unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static inline unsigned chunk_rice(uint64_t mean)
{
	unsigned low = mean < 32 ? 0 : 59u - (unsigned)__builtin_clzll(mean); /* log2(mean / 16) */
	return low < CHUNK_RICE_MAX ? low : CHUNK_RICE_MAX;
}

/* A step into another size is believed at once, or the next ones would escape as well. */
static inline void chunk_learn(struct chunk *chunk, uint64_t far, bool escaped)
{
	uint64_t seen = far < (UINT64_C(1) << 55) ? far : UINT64_C(1) << 55;
	chunk->mean = escaped ? seen << 4 : chunk->mean + seen - chunk->mean / 16;
}

/* What is known after the first sample; mode and exponent stand. */
static inline void chunk_start_state(struct chunk *chunk, int64_t time_ms, uint64_t value)
{
	int64_t q = 0;
	chunk->time_ms = time_ms;
	chunk->step_ms = 0;
	chunk->count = 1;
	chunk->mean = 0;
	if (chunk->xor_mode) {
		chunk->value = value;
		chunk->special = !chunk_is_finite(value);
	} else {
		chunk->special = !chunk_decimal(value, chunk->exponent, &q);
		chunk->value = (uint64_t)q;
	}
}
