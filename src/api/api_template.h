/*
 * api_template.h: fills a page of web/src with values, for the few pages that must work without script.
 *
 * In the text, {{name}} is the value, escaped for HTML text and quoted attributes; what stands between
 * {{#name}} and {{/name}} is kept if the value is not empty, or repeated for each row of a list, whose
 * names hide those around it. A value marked `html` was made safe by its maker (wire/markdown.h) and is
 * taken as it is. That is all: no expression. The template is our own and comes with the program, so a
 * mistake in it is an assert.
 *
 * Owns: nothing. Runs on: any thread. Errors: none; `out` remembers when it is full.
 */
#pragma once

#include "base/buf.h"

struct api_template_list;
struct api_template_value {
	const char *name;
	struct str value; /* empty: the block is left out */
	const struct api_template_list *list; /* instead of a value */
	bool html;
};

struct api_template_list {
	const struct api_template_value *values; /* of row i from i * width on */
	size_t rows, width;
};

void api_template_fill(struct buf *out, struct str text, const struct api_template_value *values, size_t count);
