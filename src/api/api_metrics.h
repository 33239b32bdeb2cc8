/*
 * api_metrics.h: the time series as the API asks for them: what `main` gives it.
 *
 * Who reads asks `ready` first: at a start the log is read while everything else serves already.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "metrics/metrics.h"
#include "monitor/sample_intake.h"

struct api_metrics {
	struct metrics *metrics;
	struct sample_intake *intake;
	void *context;
	/* OK: what is kept can be read. ERR_UNAVAILABLE: not yet. */
	enum err (*ready)(void *context, struct error *err);
	time_us timeout;     /* of one query, at most */
	time_us keep;        /* how long samples are kept */
	size_t samples_max;  /* of one query */
};
