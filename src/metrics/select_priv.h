/* select_priv.h: which series matchers take, and their samples; for who reads samples and for who lists. */
#pragma once

#include "metrics/metrics_priv.h"

/* A matcher, and what it said of each value so far. */
struct asked {
	const struct metrics_matcher *matcher;
	uint32_t name, value; /* symbols; INDEX_NONE: in no series */
	_Atomic uint8_t *answers; /* by symbol: 0 not asked, 1 no, 2 yes; two threads that ask hear the same */
	bool settled;         /* it takes every candidate */
};

/* Of one series. */
struct samples {
	int64_t *times;
	double *values;
	size_t used, size;
	bool rising;
};

/* One thread reads with it. */
struct reader {
	struct metrics *metrics;
	struct seg_list found;
	int64_t from_ms, to_ms; /* both included */
	bool newest;            /* of each series only the newest sample is wanted */
};

struct selection {
	struct reader reader;
	struct asked asked[METRICS_MATCHERS_MAX];
	size_t asked_count;
	uint32_t *references; /* candidates, rising */
	uint32_t count;
};

/* All under the readers' lock. */
void select_prepare(struct selection *selection, const struct metrics_matcher *matchers, size_t count);
void select_candidates(struct selection *selection); /* into references; select_takes decides */
bool select_takes(struct selection *selection, uint32_t reference);
void select_finish(struct selection *selection);

/* The samples of a series within the reader's range, which replace what was in `samples`. */
void reader_read(struct reader *reader, uint32_t reference, struct samples *samples);
void reader_finish(struct reader *reader);
void samples_finish(struct samples *samples);

/* False: the rest is not wanted. */
bool select_give(const struct metrics *metrics, uint32_t reference, const struct samples *samples, metrics_take_fn *take,
		 void *context);

/* Gives all candidates that are taken; a second thread helps to read. False, and nothing was given: there
 * are few, or another selection has that thread. */
bool select_ahead(struct selection *selection, metrics_take_fn *take, void *context);
