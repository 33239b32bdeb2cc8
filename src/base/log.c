/* log.c: see log.h. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 1024

static struct {
	log_sink_fn *sink;
	void *context;
	enum log_level least;
} log_state;

void log_init(log_sink_fn *sink, void *context, enum log_level least)
{
	log_state.sink = sink;
	log_state.context = context;
	log_state.least = least;
}

void log_write(enum log_level level, const char *message, const char *details, ...)
{
	assert(message != NULL);
	if (log_state.sink == NULL || level < log_state.least)
		return;
	char line[LINE_BYTES];
	int used = snprintf(line, sizeof line, "%s", message);
	if (details != NULL && used >= 0 && (size_t)used + 3 < sizeof line) {
		used += snprintf(line + used, sizeof line - (size_t)used, ": ");
		va_list args;
		va_start(args, details);
		vsnprintf(line + used, sizeof line - (size_t)used, details, args);
		va_end(args);
	}
	for (char *at = line; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = '?';
	}
	log_state.sink(log_state.context, level, line);
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	return names[level];
}
