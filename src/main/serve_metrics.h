/*
 * serve_metrics.h: the time series of the server: DATA/metrics opened, kept and closed.
 *
 *     reading --the log is read--> kept --space runs out, or a write fails--> refusing --it works again--> kept
 *        \--it cannot be read--> refusing, and tried again each ten seconds
 *
 *   reading    everything else serves already; who sends or asks is told to come back (503)
 *   kept       samples are on the disk within the sync period, or before they are answered when it is 0
 *   refusing   samples are refused (503), so that senders keep them; what is in memory can be asked all the same
 *
 * The disk is the journal's first: samples are refused while less than SERVE_METRICS_FREE_BYTES are free, so that
 * they never take what a page needs.
 *
 * Owns: the engine, its log, its intake and two threads: one syncs; one reads, expires, takes checkpoints, and begins anew
 * with another engine after a failure. Nothing here is waited for by the writer of the journal.
 */
#pragma once

#include "api/api_metrics.h"
#include "base/random.h"
#include "main/settings.h"
#include "sys/clock.h"

#define SERVE_METRICS_FREE_BYTES ((uint64_t)192 << 20) /* the reserve of the journal, three times */

struct serve_metrics;

struct serve_metrics_options {
	const struct settings *settings;
	struct clock *clock;
	struct random *random;
};

struct serve_metrics_limits {
	time_us keep, sync_every, late, timeout;
	int64_t memory_mb, series, samples;
};

/* What the settings say; ERR_INVALID names the one that is wrong. */
enum err serve_metrics_check(const struct settings *settings, struct serve_metrics_limits *ret_limits,
			     struct error *err);

/* Returns at once: the log is read by the thread. ERR_INVALID: a setting; ERR_CONFLICT, ERR_IO: the folder. */
enum err serve_metrics_start(const struct serve_metrics_options *options, struct serve_metrics **ret_metrics,
			     struct error *err);
/* After the last request was answered. Accepts NULL, leaves NULL. */
void serve_metrics_stop(struct serve_metrics **metrics);

const struct api_metrics *serve_metrics_api(struct serve_metrics *metrics);

/* Until it is let go engine and intake stand, and references of the same generation hold. False: not now, and nothing to
 * let go. Any thread. */
bool serve_metrics_hold(struct serve_metrics *metrics, uint64_t *ret_generation);
void serve_metrics_let_go(struct serve_metrics *metrics);
/* While they are held: kept as what others send is, with the same refusals. ERR_UNAVAILABLE. */
enum err serve_metrics_append(struct serve_metrics *metrics, const struct metrics_frame *frame,
			      struct metrics_tally *ret_tally, struct error *err);

/* True, and a sentence, while samples are refused or some were lost. Any thread; NULL metrics: false. */
bool serve_metrics_trouble(struct serve_metrics *metrics, char *ret_text, size_t size);
