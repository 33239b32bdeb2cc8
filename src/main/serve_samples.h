/*
 * serve_samples.h: where books (scrape_book.h) put what they read: the series of the server, with the refusals that others meet.
 *
 * Owns nothing. Runs on: the one thread of its user.
 */
#pragma once

#include "main/serve_metrics.h"
#include "monitor/scrape_loop.h"

struct serve_samples {
	struct serve_metrics *metrics;
	struct clock *clock;
	uint64_t refused; /* samples that the series did not take */
	char why[ERROR_TEXT_BYTES]; /* the last series was not made */
};

struct scrape_storage serve_samples_storage(struct serve_samples *samples);
