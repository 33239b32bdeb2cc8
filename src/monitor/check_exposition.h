/*
 * check_exposition.h: one look of a check as samples, in Prometheus' text format 0.0.4. Pure.
 *
 *     result --> probe_success, probe_duration_seconds, ... --> the answer of GET /probe
 *                                                          \--> a book (scrape_book.h) --> the series of the check
 *
 * Names and labels are those of blackbox_exporter, so that rules and dashboards made for it fit. Besides them:
 *   probe_step_duration_seconds{step}   how long each step of a journey took
 *   probe_perfdata{label, unit}         the performance data of a plugin, as it gave them
 */
#pragma once

#include "base/buf.h"
#include "monitor/monitor_probe.h"

#define CHECK_EXPOSITION_BYTES_MAX 65536u

/* A blind result has no samples: nothing was seen. */
void check_exposition(const struct check_kind *kind, const struct check_result *result, struct buf *out);
