/*
 * bytes8.h: eight bytes looked at in one step, to pass over long plain stretches of text quickly.
 *
 *	while (end - at >= 8 && bytes8_is_ascii(bytes8_at(at)))
 *		at += 8;
 *
 * Each answer is about any of the eight bytes, whatever their order; which one it was, a loop over bytes finds out.
 * The tricks are those of "Bit Twiddling Hacks", Determine if a word has a zero byte.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BYTES8_EACH UINT64_C(0x0101010101010101)
#define BYTES8_HIGH UINT64_C(0x8080808080808080)

static inline uint64_t bytes8_at(const char *bytes)
{
	uint64_t eight;
	memcpy(&eight, bytes, sizeof eight);
	return eight;
}

static inline bool bytes8_is_ascii(uint64_t eight)
{
	return (eight & BYTES8_HIGH) == 0;
}

static inline bool bytes8_has(uint64_t eight, unsigned char byte)
{
	uint64_t other = eight ^ (BYTES8_EACH * byte);
	return ((other - BYTES8_EACH) & ~other & BYTES8_HIGH) != 0;
}

/* `limit` is at most 128. */
static inline bool bytes8_has_below(uint64_t eight, unsigned char limit)
{
	return ((eight - BYTES8_EACH * limit) & ~eight & BYTES8_HIGH) != 0;
}
