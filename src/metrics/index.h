/*
 * index.h: texts once, label sets once, and which series carry a label.
 *
 * A *symbol* is a text's number, 0 the empty one. A *set* is: the count, then name and value symbols in turn. A
 * *pair* is name="value" with its posting: the references that carry it, rising, as runs (gap, length) in
 * varints; the last run stays open, so a target whose series come one after the other costs nothing more.
 *
 * Owns: all of it. Not locked: metrics.c does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "metrics/metrics.h"

#define INDEX_NONE UINT32_MAX
#define INDEX_HASH_KEY_BYTES 16u

/* Open addressing over numbers; who asks compares. */
struct slots {
	uint32_t *at; /* number + 1; 0 is free */
	uint32_t size, used;
};

struct pair {
	uint32_t name, value; /* value 0: the name itself, first of the list of its pairs */
	uint32_t next;        /* pair of the same name; INDEX_NONE */
	uint32_t count;       /* series */
	uint32_t before;      /* of them: those before this hour */
	uint32_t first, last; /* the open run */
	uint32_t closed_end;  /* one past the last closed run */
	uint32_t used, size;  /* of runs */
	uint8_t *runs;
};

struct index {
	unsigned char key[INDEX_HASH_KEY_BYTES];
	char **texts;    /* pages; a text never moves */
	uint32_t *text_at; /* symbol -> offset */
	uint32_t text_used, symbol_count, symbol_size;
	uint32_t **sets; /* pages */
	uint32_t set_used, set_expected; /* words */
	uint32_t *set_of; /* reference -> offset */
	uint32_t series_count, series_size, gone_count; /* gone: a set of no labels, carried by no pair */
	struct pair *pairs;
	uint32_t pair_count, pair_size, name_count; /* names: pairs without value */
	struct slots symbol_slots, series_slots, pair_slots;
	uint32_t recent[2 * METRICS_LABELS_MAX]; /* pairs at the places of the last set: targets come in a row */
	size_t bytes;
};

void index_init(struct index *index, struct random *random);
void index_finish(struct index *index);
void index_empty(struct index *index); /* after index_finish: as after index_init, under the same key */

/* From here on what is added is new in this hour. */
void index_begin_hour(struct index *index);

bool index_has_room(const struct index *index); /* for one more series of any labels */
uint32_t index_find(const struct index *index, const struct metrics_label *labels, size_t count);
/* The series must be new, and there be room. */
uint32_t index_add(struct index *index, const struct metrics_label *labels, size_t count);

/* What a checkpoint says: texts in the order of their symbols, then sets of them, none of them there yet; one of no labels
 * for each series that is gone. */
void index_reserve(struct index *index, uint32_t symbols, uint32_t series, uint32_t pairs, uint32_t set_words);
void index_add_symbol(struct index *index, struct str text);
uint32_t index_add_set(struct index *index, const uint32_t *set);

struct str index_text(const struct index *index, uint32_t symbol);
uint32_t index_symbol(const struct index *index, struct str text); /* INDEX_NONE: not known */
const uint32_t *index_set(const struct index *index, uint32_t reference);
uint32_t index_value(const struct index *index, uint32_t reference, uint32_t name); /* 0: not there */
const struct pair *index_pair(const struct index *index, uint32_t name, uint32_t value); /* NULL: none */

/* Writes pair->count references. */
void index_posting(const struct pair *pair, uint32_t *ret_references);
/* Sets the bit of each of them, from the lowest of bits[0] on. */
void index_mark(const struct pair *pair, uint64_t *bits);
