/* aggregate.h: the state of one group at one step, and the aggregations that need no more. Of this folder only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "promql/eval.h"
#include "promql/kahan.h"

struct group {
	size_t count;
	struct kahan_mean sum; /* of sum and avg */
	double value, mean;    /* of the others */
	bool histograms;       /* there were some */
};

void note_ignored(struct eval *eval, const struct node *node);

/* Those that look at all values of a group at once. */
struct frame *aggregate_quantile(struct eval *eval, const struct node *node, const struct grid *grid);
struct frame *aggregate_count_values(struct eval *eval, const struct node *node, const struct grid *grid);
struct frame *aggregate_rank(struct eval *eval, const struct node *node, const struct grid *grid);
struct frame *aggregate_limit(struct eval *eval, const struct node *node, const struct grid *grid);
struct frame *aggregate_ratio(struct eval *eval, const struct node *node, const struct grid *grid);
