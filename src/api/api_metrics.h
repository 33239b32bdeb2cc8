/*
 * api_metrics.h: the time series as the API asks for them: what `main` gives it.
 *
 * Who reads or writes holds them meanwhile: at a start the log is read while everything else serves already, and after a
 * disk failed all is read anew into another engine, once nobody holds this one.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "metrics/metrics.h"
#include "monitor/sample_intake.h"

struct api_metrics {
	struct metrics *metrics;       /* while they are held */
	struct sample_intake *intake;
	void *context;
	/* OK: the two above stand until `end`. ERR_UNAVAILABLE: not yet, and no `end`. A handler calls api_metrics_hold. */
	enum err (*begin)(void *context, struct error *err);
	void (*end)(void *context);
	time_us timeout;     /* of one query, at most */
	time_us keep;        /* how long samples are kept */
	size_t samples_max;  /* of one query */
};
