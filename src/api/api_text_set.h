/* api_text_set.h: texts, each once. For listings of time series that several selectors make. */
#pragma once

#include "base/arena.h"

#define TEXT_SET_MAX 1000000u

struct text_set {
	struct arena arena;
	struct str *rows; /* as they came; once they are sorted nothing more may come */
	size_t count, size;
	uint32_t *slots; /* index + 1; NULL: all came in order */
	size_t slot_count;
	bool full; /* TEXT_SET_MAX, or the memory: some are missing */
};

void text_set_init(struct text_set *set, size_t memory_bytes);
void text_set_finish(struct text_set *set);
void text_set_add(struct text_set *set, struct str text);
void text_set_sort(struct text_set *set);
