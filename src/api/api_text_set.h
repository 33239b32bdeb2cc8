/* api_text_set.h: texts, each once, and how often each came. For the listings of time series. */
#pragma once

#include "base/arena.h"

#define TEXT_SET_MAX 1000000u

struct text_row {
	struct str text;
	uint64_t count;
};

struct text_set {
	struct arena arena;
	struct text_row *rows; /* as they came first, or as they were sorted: then nothing more may come */
	size_t count, size;
	uint32_t *slots; /* index + 1 */
	size_t slot_count;
	bool full; /* TEXT_SET_MAX, or the memory: some are missing */
};

void text_set_init(struct text_set *set, size_t memory_bytes);
void text_set_finish(struct text_set *set);
bool text_set_add(struct text_set *set, struct str text, uint64_t count); /* true: it came first */
void text_set_sort(struct text_set *set);          /* by text */
void text_set_sort_by_count(struct text_set *set); /* the most first; the same by text */
