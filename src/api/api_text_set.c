/* api_text_set.c: see api_text_set.h. */
#include "api/api_text_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLOTS_MIN 1024u

void text_set_init(struct text_set *set, size_t memory_bytes)
{
	*set = (struct text_set){ .slots = NULL };
	arena_init(&set->arena, memory_bytes);
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

/* All rows again, with room for as many more. */
static void make_slots(struct text_set *set)
{
	mem_free(set->slots);
	set->slot_count = SLOTS_MIN;
	while (set->slot_count < set->count * 4)
		set->slot_count *= 2;
	set->slots = mem_alloc(set->slot_count * sizeof *set->slots);
	for (size_t i = 0; i < set->count; i++)
		set->slots[slot_of(set, set->rows[i])] = (uint32_t)i + 1;
}

/* As long as they come in order, nobody needs to look whether it is there. */
static bool is_there(struct text_set *set, struct str text)
{
	if (set->slots == NULL && (set->count == 0 || str_cmp(set->rows[set->count - 1], text) < 0))
		return false;
	if (set->slots == NULL || set->count * 2 > set->slot_count)
		make_slots(set);
	return set->slots[slot_of(set, text)] != 0;
}

void text_set_add(struct text_set *set, struct str text)
{
	if (is_there(set, text))
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
	if (set->slots != NULL)
		set->slots[slot_of(set, text)] = (uint32_t)set->count + 1;
	set->rows[set->count++] = (struct str){ copy, text.len };
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void text_set_sort(struct text_set *set)
{
	if (set->slots != NULL)
		qsort(set->rows, set->count, sizeof *set->rows, by_text);
}
