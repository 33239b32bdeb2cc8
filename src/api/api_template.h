/*
 * api_template.h: fills a page of web/src with values, for the few pages that must work without script.
 *
 * In the text, {{name}} is the value, escaped for HTML text and quoted attributes; what stands between
 * {{#name}} and {{/name}} is kept if the value is not empty. That is all: no expression, no raw
 * value but rows: what stands between {{*name}} and {{/name}} comes once for each row of that value, and knows only
 * the row's own values. The template is our own and comes with the program, so a mistake in it is an assert.
 *
 * Owns: nothing. Runs on: any thread. Errors: none; `out` remembers when it is full.
 */
#pragma once

#include "base/buf.h"

struct api_template_value {
	const char *name;
	struct str value; /* empty: the block is left out */
	/* Of a list: `row_count` rows of `row_values` values each, one after the other. */
	const struct api_template_value *rows;
	size_t row_values, row_count;
};

void api_template_fill(struct buf *out, struct str text, const struct api_template_value *values, size_t count);
