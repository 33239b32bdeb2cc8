/* api_text_set.c: see api_text_set.h. */
#include "api/api_text_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLOTS_MIN 1024u

void text_set_init(struct text_set *set, size_t memory_bytes)
{
	*set = (struct text_set){ .slot_count = SLOTS_MIN };
	arena_init(&set->arena, memory_bytes);
	set->slots = mem_alloc(set->slot_count * sizeof *set->slots);
}

void text_set_finish(struct text_set *set)
{
	arena_finish(&set->arena);
	mem_free(set->rows);
	mem_free(set->slots);
}

static size_t slot_of(const struct text_set *set, struct str text)
{
	size_t at = str_hash(text) & (set->slot_count - 1);
	while (set->slots[at] != 0 && !str_eq(set->rows[set->slots[at] - 1], text))
		at = (at + 1) & (set->slot_count - 1);
	return at;
}

static void widen(struct text_set *set)
{
	mem_free(set->slots);
	set->slot_count *= 2;
	set->slots = mem_alloc(set->slot_count * sizeof *set->slots);
	for (size_t i = 0; i < set->count; i++)
		set->slots[slot_of(set, set->rows[i])] = (uint32_t)i + 1;
}

void text_set_add(struct text_set *set, struct str text)
{
	size_t slot = slot_of(set, text);
	if (set->slots[slot] != 0)
		return;
	char *copy = set->count < TEXT_SET_MAX ? arena_try(&set->arena, text.len + 1) : NULL;
	set->full = set->full || copy == NULL;
	if (copy == NULL)
		return;
	if (set->count == set->size) {
		set->size = set->size * 2 + 256;
		set->rows = mem_realloc(set->rows, set->size * sizeof *set->rows);
	}
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	set->rows[set->count++] = (struct str){ copy, text.len };
	set->slots[slot] = (uint32_t)set->count;
	if (set->count * 2 > set->slot_count)
		widen(set);
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void text_set_sort(struct text_set *set)
{
	if (set->count > 0)
		qsort(set->rows, set->count, sizeof *set->rows, by_text);
}
