/*
 * serve_alerts.h: the thread that notices when alerts end because nobody told of them again.
 *
 * It looks once a second and gives what is over to the writer. When it could not look for a while (the
 * machine slept, the process was stopped), messages were lost as well: then everybody gets time first.
 */
#pragma once

#include "alert/alert_book.h"
#include "base/err.h"
#include "journal/writer.h"
#include "sys/clock.h"

struct serve_alerts;

enum err serve_alerts_start(struct alert_book *book, struct writer *writer, struct clock *clock,
			    struct serve_alerts **ret_alerts, struct error *err);
void serve_alerts_stop(struct serve_alerts **alerts); /* accepts NULL; before the writer stops */
