/*
 * sample_known.h: a number for each run of labels, 0 and on as they are met first.
 *
 * Only a keyed hash of 128 bits is kept, not the bytes: 24 to 32 bytes a series, and what grows ahead. Who does not know the key
 * cannot make two of them meet, and by chance they do so once in 2^64 series. What comes again mostly comes in the same
 * order, so the one after the last that was found is looked at first, and the slots are left alone.
 *
 * Not locked: its owner does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

#define SAMPLE_KNOWN_NONE UINT32_MAX

struct sample_known {
	struct hash_key key;
	struct hash *hashes; /* by number */
	uint32_t *slots;     /* number + 1; 0 is free */
	uint32_t count, room, count_max;
	uint32_t size; /* of the slots: a power of two, at most half of them taken */
};

void sample_known_init(struct sample_known *known, struct random *random, uint32_t count_max);
void sample_known_finish(struct sample_known *known);
static inline struct hash sample_known_hash(const struct sample_known *known, struct str labels)
{
	return hash_of(&known->key, labels);
}

/* The number, or NONE. `next` is looked at first and becomes the one after what was found; 0 to begin with. */
uint32_t sample_known_find(const struct sample_known *known, struct hash hash, uint32_t *next);
uint32_t sample_known_add(struct sample_known *known, struct hash hash); /* that is not there; NONE: it is full */
void sample_known_keep(struct sample_known *known, const bool *keep); /* by number; those that stay move together */
