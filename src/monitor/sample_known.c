/* sample_known.c: see sample_known.h. */
#include "monitor/sample_known.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define SIZE_MIN 16u

static uint32_t *slot_of(const struct sample_known *known, struct hash hash)
{
	uint32_t at = (uint32_t)hash.halves[0] & (known->size - 1);
	while (known->slots[at] != 0 && !hash_same(known->hashes[known->slots[at] - 1], hash))
		at = (at + 1) & (known->size - 1);
	return &known->slots[at];
}

static void fill_slots(struct sample_known *known, uint32_t size)
{
	mem_free(known->slots);
	known->slots = mem_alloc(size * sizeof *known->slots);
	known->size = size;
	for (uint32_t i = 0; i < known->count; i++)
		*slot_of(known, known->hashes[i]) = i + 1;
}

void sample_known_init(struct sample_known *known, struct random *random, uint32_t count_max)
{
	*known = (struct sample_known){ .count_max = count_max };
	hash_key_make(&known->key, random);
	fill_slots(known, SIZE_MIN);
}

void sample_known_finish(struct sample_known *known)
{
	mem_free(known->hashes);
	mem_free(known->slots);
}

uint32_t sample_known_find(const struct sample_known *known, struct hash hash, uint32_t *next)
{
	uint32_t number = *next;
	if (number >= known->count || !hash_same(known->hashes[number], hash))
		number = *slot_of(known, hash) - 1;
	if (number != SAMPLE_KNOWN_NONE)
		*next = number + 1;
	return number;
}

uint32_t sample_known_add(struct sample_known *known, struct hash hash)
{
	if (known->count == known->count_max)
		return SAMPLE_KNOWN_NONE;
	if (known->count == known->room) {
		known->room = known->room + known->room / 2 + SIZE_MIN;
		known->hashes = mem_realloc(known->hashes, known->room * sizeof *known->hashes);
	}
	if (known->count >= known->size / 2)
		fill_slots(known, known->size * 2);
	uint32_t number = known->count++;
	known->hashes[number] = hash;
	*slot_of(known, hash) = number + 1;
	return number;
}

void sample_known_keep(struct sample_known *known, const bool *keep)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < known->count; i++)
		if (keep[i])
			known->hashes[kept++] = known->hashes[i];
	known->count = kept;
	fill_slots(known, known->size);
}
