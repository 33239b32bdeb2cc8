/* troubles.c: see troubles.h. */
#include "wire/troubles.h"

#include <stdio.h>

#include "base/err.h"

void troubles_add_text(struct troubles *troubles, struct str text)
{
	if (troubles->count++ < TROUBLES_MAX)
		troubles->rows[troubles->count - 1] = arena_str(troubles->arena, text);
}

void troubles_add_list(struct troubles *troubles, uint32_t line, uint32_t column, const char *format, va_list arguments)
{
	char text[ERROR_TEXT_BYTES];
	vsnprintf(text, sizeof text, format, arguments);
	if (troubles->count++ < TROUBLES_MAX)
		troubles->rows[troubles->count - 1] =
			arena_printf(troubles->arena, "%s:%u:%u: %s", troubles->source, line, column, text);
}

void troubles_add(struct troubles *troubles, uint32_t line, uint32_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	troubles_add_list(troubles, line, column, format, arguments);
	va_end(arguments);
}
