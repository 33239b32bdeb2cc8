/*
 * log.h: lines for whoever operates the process. Libraries return errors; programs log, once.
 *
 * The sink is the one global of Mainstay. It is set before the first thread starts. A line is one
 * event: a message that does not vary, then key=value pairs. Secrets are never passed here.
 */
#pragma once

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

typedef void log_sink_fn(void *context, enum log_level level, const char *line);

void log_init(log_sink_fn *sink, void *context, enum log_level least);

/* log_write(LOG_WARNING, "could not send page", "page=%lld channel=%s", ...). `details` may be NULL.
 * Control characters in the result are written as '?', so that input cannot forge a line. */
void log_write(enum log_level level, const char *message, const char *details, ...)
	__attribute__((format(printf, 3, 4)));

const char *log_level_name(enum log_level level);
