/* err.c: see err.h. */
#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ERR_COUNT] = {
	[OK] = "ok",
	[ERR_INVALID] = "invalid",
	[ERR_UNAUTHENTICATED] = "not signed in",
	[ERR_DENIED] = "denied",
	[ERR_NOT_FOUND] = "not found",
	[ERR_CONFLICT] = "conflict",
	[ERR_PRECONDITION] = "precondition failed",
	[ERR_TOO_LARGE] = "too large",
	[ERR_LIMIT] = "limit reached",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_TIMEOUT] = "timed out",
	[ERR_IO] = "input or output failed",
	[ERR_CORRUPT] = "corrupt",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_CANCELLED] = "cancelled",
};

/* A sentence that was cut must look cut: half a name would send a reader to the wrong place. */
static void format_bounded(char *out, size_t size, const char *format, va_list args)
{
	int length = vsnprintf(out, size, format, args);
	assert(length >= 0);
	if ((size_t)length >= size)
		memcpy(out + size - 4, "...", 4);
}

enum err error_set(struct error *err, enum err code, const char *format, ...)
{
	assert(code != OK);
	assert(code < ERR_COUNT);
	if (err == NULL)
		return code;
	va_list args;
	va_start(args, format);
	format_bounded(err->text, sizeof err->text, format, args);
	va_end(args);
	err->code = code;
	err->hint[0] = '\0';
	err->field[0] = '\0';
	return code;
}

void error_hint(struct error *err, const char *format, ...)
{
	if (err == NULL)
		return;
	va_list args;
	va_start(args, format);
	format_bounded(err->hint, sizeof err->hint, format, args);
	va_end(args);
}

void error_field(struct error *err, const char *format, ...)
{
	if (err == NULL)
		return;
	va_list args;
	va_start(args, format);
	format_bounded(err->field, sizeof err->field, format, args);
	va_end(args);
}

void error_prefix(struct error *err, const char *format, ...)
{
	if (err == NULL)
		return;
	char before[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	format_bounded(before, sizeof before, format, args);
	va_end(args);
	char whole[2 * ERROR_TEXT_BYTES + 2];
	snprintf(whole, sizeof whole, "%s: %s", before, err->text);
	snprintf(err->text, sizeof err->text, "%.*s", (int)sizeof err->text - 1, whole);
}

const char *err_name(enum err code)
{
	assert(code < ERR_COUNT);
	return names[code];
}
