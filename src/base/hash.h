/*
 * hash.h: a number for a run of bytes, by a key that nobody outside knows (XXH3 with a secret, by libxxhash).
 *
 * Ten times as quick as SipHash, and not proven as that is: for tables whose owner alone sees the numbers, and where two runs
 * of bytes that met would harm nobody but who wrote both. By chance two of 2^64 runs meet.
 */
#pragma once

#include <stdint.h>

#include "base/random.h"
#include "base/str.h"

#define HASH_KEY_BYTES 192u

struct hash_key {
	unsigned char secret[HASH_KEY_BYTES];
};

struct hash {
	uint64_t halves[2];
};

void hash_key_make(struct hash_key *key, struct random *random);
struct hash hash_of(const struct hash_key *key, struct str bytes);

static inline bool hash_same(struct hash a, struct hash b)
{
	return ((a.halves[0] ^ b.halves[0]) | (a.halves[1] ^ b.halves[1])) == 0;
}
