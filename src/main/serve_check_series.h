/*
 * serve_check_series.h: what checks find, kept as time series.
 *
 *     sense loop --look (as text, check_exposition.h)--> queue --a thread--> the check's book --> series
 *                --blind, paused, gone---------------------^                        \--> all its series end
 *
 * Labels: job="checks", instance (the name of the check), kind, service. Series follow looks and nothing follows them:
 * what cannot be kept is left out and counted, and no check, page or request waits for it.
 *
 * Owns: the thread, the queue, the books.
 */
#pragma once

#include "main/serve_metrics.h"
#include "monitor/monitor_probe.h"

struct serve_check_series;

#define SERVE_CHECK_SERIES_WAITING_MAX 20000u /* looks that wait; the newest are left out */

enum err serve_check_series_start(struct serve_metrics *metrics, struct clock *clock, struct serve_check_series **ret_series,
				  struct error *err);
/* What waits is kept first. After the last call of the next two. */
void serve_check_series_stop(struct serve_check_series **series); /* accepts NULL, leaves NULL */

/* Any thread, never waits; NULL series: nothing. `service` may be empty. */
void serve_check_series_look(struct serve_check_series *series, const char *check, const char *service,
			     const struct check_kind *kind, const struct check_result *result);
/* It is not looked at any more, or nothing was seen: at this time (wall) its series end. */
void serve_check_series_end(struct serve_check_series *series, const char *check, time_us at);
