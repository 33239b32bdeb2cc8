/* store_filter.c: see store_filter.h. */
#include "store/store_filter.h"

#include <assert.h>

void store_filter_words(struct buf *sql, const char *column, struct str words,
			struct store_value *values, size_t *count)
{
	assert(column != NULL);
	struct str word, rest = words;
	unsigned n = 0;
	if (words.len == 0)
		return;
	buf_printf(sql, " AND %s IN (", column);
	for (bool more = true; more && n < STORE_WORDS_MAX; n++) {
		more = str_cut(rest, ',', &word, &rest);
		buf_adds(sql, n > 0 ? ", ?" : "?");
		values[(*count)++] = STORE_TEXT(word);
	}
	buf_addc(sql, ')');
}
