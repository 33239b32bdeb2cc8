/* troubles.c: see troubles.h. */
#include "wire/troubles.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define SOURCE_BYTES_MAX 8192u /* a path, and the place */

/* What filled the arena may be the very thing that is complained of. */
static void add(struct troubles *troubles, struct str text)
{
	char *copy = arena_try(troubles->arena, text.len + 1);
	if (copy != NULL && text.len > 0)
		memcpy(copy, text.ptr, text.len);
	troubles->rows[troubles->count - 1] = copy != NULL ? (struct str){ copy, text.len } : STR("it is too large");
}

void troubles_add_text(struct troubles *troubles, struct str text)
{
	if (troubles->count++ < TROUBLES_MAX)
		add(troubles, text);
}

void troubles_add_list(struct troubles *troubles, uint32_t line, uint32_t column, const char *format, va_list arguments)
{
	char text[ERROR_TEXT_BYTES];
	if (troubles->count++ >= TROUBLES_MAX)
		return;
	vsnprintf(text, sizeof text, format, arguments);
	cleanup_buf struct buf whole;
	buf_init(&whole, SOURCE_BYTES_MAX + sizeof text);
	buf_printf(&whole, "%s:%u:%u: %s", troubles->source, line, column, text);
	add(troubles, buf_str(&whole));
}

void troubles_add(struct troubles *troubles, uint32_t line, uint32_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	troubles_add_list(troubles, line, column, format, arguments);
	va_end(arguments);
}
