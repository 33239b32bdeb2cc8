/* random.c: see random.h. */
#include "base/random.h"

#include <assert.h>
#include <string.h>

static uint64_t rotate(uint64_t value, int by)
{
	return value << by | value >> (64 - by);
}

static uint64_t next(uint64_t state[4])
{
	uint64_t result = rotate(state[1] * 5, 7) * 9;
	uint64_t shifted = state[1] << 17;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = rotate(state[3], 45);
	return result;
}

static void fill_seeded(struct random *random, void *bytes, size_t size)
{
	unsigned char *out = bytes;
	while (size > 0) {
		uint64_t word = next(random->state);
		size_t part = size < sizeof word ? size : sizeof word;
		memcpy(out, &word, part);
		out += part;
		size -= part;
	}
}

void random_seeded(struct random *random, uint64_t seed)
{
	random->fill = fill_seeded;
	for (int i = 0; i < 4; i++) { /* splitmix64 spreads a small seed over the state */
		seed += 0x9E3779B97F4A7C15u;
		uint64_t mixed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
		mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
		random->state[i] = mixed ^ mixed >> 31;
	}
}

void random_fill(struct random *random, void *bytes, size_t size)
{
	assert(random->fill != NULL);
	random->fill(random, bytes, size);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	assert(bound >= 1);
	uint64_t least = -bound % bound; /* below this the remainder would favour small numbers */
	uint64_t word;
	do {
		random_fill(random, &word, sizeof word);
	} while (word < least);
	return word % bound;
}

void random_hex(struct random *random, size_t bytes, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char *raw = (unsigned char *)ret_text + bytes; /* asked for once, in the half that is written last */
	random_fill(random, raw, bytes);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char byte = raw[i];
		ret_text[2 * i] = digits[byte >> 4];
		ret_text[2 * i + 1] = digits[byte & 15];
	}
	ret_text[2 * bytes] = '\0';
}
