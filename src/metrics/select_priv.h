/* select_priv.h: which series matchers take; for who reads samples and for who lists. */
#pragma once

#include "metrics/metrics_priv.h"

/* A matcher, and what it said of each value so far. */
struct asked {
	const struct metrics_matcher *matcher;
	uint32_t name, value; /* symbols; INDEX_NONE: in no series */
	uint8_t *answers;     /* by symbol: 0 not asked, 1 no, 2 yes */
};

struct selection {
	struct metrics *metrics;
	struct seg_list found;
	struct asked asked[METRICS_MATCHERS_MAX];
	size_t asked_count;
	uint32_t *references;
	uint32_t count;
	int64_t *times; /* of one series */
	double *values;
	size_t used, size;
	bool rising;
	bool newest; /* of each series only the newest sample is wanted */
};

/* All under the readers' lock. */
void select_prepare(struct selection *selection, const struct metrics_matcher *matchers, size_t count);
void select_candidates(struct selection *selection); /* into references; select_takes decides */
bool select_takes(struct selection *selection, uint32_t reference);
bool select_give(struct selection *selection, uint32_t reference, metrics_take_fn *take, void *context);
void select_finish(struct selection *selection);
