/*
 * sample_known.h: references by the bytes of their labels.
 *
 * Only a keyed hash of 128 bits is kept, not the bytes: 32 bytes a series, empty slots included. Who does not know the key cannot make two
 * label sets meet, and by chance they do so once in 2^64 series.
 *
 * Not locked: sample_intake.c does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "base/str.h"

struct sample_key {
	uint64_t halves[2];
};

struct sample_slot {
	struct sample_key key;
	uint32_t reference; /* + 1; 0 is free */
};

struct sample_known {
	unsigned char secret[16];
	struct sample_slot *slots;
	uint32_t size, count, count_max;
};

void sample_known_init(struct sample_known *known, struct random *random, uint32_t count_max);
void sample_known_finish(struct sample_known *known);
void sample_known_key(const struct sample_known *known, struct str labels, struct sample_key *ret_key);
bool sample_known_find(const struct sample_known *known, const struct sample_key *key, uint32_t *ret_reference);
void sample_known_add(struct sample_known *known, const struct sample_key *key, uint32_t reference); /* full: does nothing */
