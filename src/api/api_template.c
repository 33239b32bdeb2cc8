/* api_template.c: see api_template.h. */
#include "api/api_template.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NESTED_MAX 8 /* blocks within blocks */
#define NAME_BYTES_MAX 40

static void add_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\'': buf_adds(out, "&#39;"); break;
		default: buf_addc(out, text.ptr[i]);
		}
	}
}

/* Where `mark` begins in the text, or its length. */
static size_t find(struct str text, struct str mark)
{
	const char *at = text.len < mark.len ? NULL : memmem(text.ptr, text.len, mark.ptr, mark.len);
	return at == NULL ? text.len : (size_t)(at - text.ptr);
}

struct scope {
	const struct api_template_value *values;
	size_t count;
	const struct scope *around;
};

static const struct api_template_value *value_of(struct str name, const struct scope *scope)
{
	assert(name.len > 0);
	assert(name.len <= NAME_BYTES_MAX);
	for (; scope != NULL; scope = scope->around) {
		for (size_t i = 0; i < scope->count; i++) {
			if (str_is(name, scope->values[i].name))
				return &scope->values[i];
		}
	}
	assert(!"the template names a value that nobody gives");
	return NULL;
}

/* The text after {{#name}}: gives what the block holds, and what follows it. */
static struct str block(struct str text, struct str name, struct str *ret_rest)
{
	char end[NAME_BYTES_MAX + sizeof "{{/}}"];
	snprintf(end, sizeof end, "{{/" STR_FMT "}}", STR_ARG(name));
	size_t length = find(text, str_of(end));
	assert(length < text.len);
	*ret_rest = str_sub(text, length + strlen(end), text.len);
	return str_sub(text, 0, length);
}

static void fill(struct buf *out, struct str text, const struct scope *scope, unsigned depth);

static void fill_block(struct buf *out, struct str inner, const struct api_template_value *value,
		       const struct scope *scope, unsigned depth)
{
	if (value->list == NULL) {
		if (value->value.len > 0)
			fill(out, inner, scope, depth);
		return;
	}
	for (size_t row = 0; row < value->list->rows; row++) {
		const struct scope within = { value->list->values + row * value->list->width, value->list->width, scope };
		fill(out, inner, &within, depth);
	}
}

static void fill(struct buf *out, struct str text, const struct scope *scope, unsigned depth)
{
	assert(depth <= NESTED_MAX);
	for (;;) {
		size_t begin = find(text, STR("{{"));
		buf_add(out, str_sub(text, 0, begin));
		if (begin == text.len)
			return;
		text = str_sub(text, begin + 2, text.len);
		size_t end = find(text, STR("}}"));
		assert(end < text.len);
		struct str name = str_sub(text, 0, end);
		text = str_sub(text, end + 2, text.len);
		if (!str_starts(name, STR("#"))) {
			const struct api_template_value *value = value_of(name, scope);
			if (value->html)
				buf_add(out, value->value);
			else
				add_escaped(out, value->value);
			continue;
		}
		name = str_sub(name, 1, name.len);
		struct str inner = block(text, name, &text);
		fill_block(out, inner, value_of(name, scope), scope, depth + 1);
	}
}

void api_template_fill(struct buf *out, struct str text, const struct api_template_value *values, size_t count)
{
	assert(out != NULL);
	const struct scope scope = { values, count, NULL };
	fill(out, text, &scope, 0);
}
