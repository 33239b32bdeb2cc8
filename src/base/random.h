/*
 * random.h: where chance comes from, passed in, so that a simulated world repeats itself.
 * Production gives the system's generator (sys/entropy.h); tests and drills a seeded one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
	void (*fill)(struct random *random, void *bytes, size_t size);
	uint64_t state[4]; /* the seeded source's own */
};

/* xoshiro256**; not for secrets. */
void random_seeded(struct random *random, uint64_t seed);

void random_fill(struct random *random, void *bytes, size_t size);
uint64_t random_below(struct random *random, uint64_t bound); /* unbiased; bound >= 1 */

/* Lower-case hexadecimal, `bytes` * 2 characters and a NUL. */
void random_hex(struct random *random, size_t bytes, char *ret_text);
