/*
 * store_filter.h: conditions that a caller chose, for queries that are put together.
 *
 * Runs on: any thread. Text is constant, what people sent is bound.
 */
#pragma once

#include "base/buf.h"
#include "store/store.h"

#define STORE_WORDS_MAX 8u /* of one condition; those after it are left out */

/* " AND column IN (?, ?)" for the words of "open,acknowledged", and their values, which borrow the
 * text; nothing for an empty text. `values` has room for STORE_WORDS_MAX more. */
void store_filter_words(struct buf *sql, const char *column, struct str words,
			struct store_value *values, size_t *count);
