/* checkpoint_priv.h: what who writes and who reads a checkpoint must agree on. */
#pragma once

#include <assert.h>

#include "metrics/log_priv.h"

enum { CHECKPOINT_BEGIN = 16, CHECKPOINT_TEXTS, CHECKPOINT_SETS, CHECKPOINT_SERIES, CHECKPOINT_END };

/* Before the words of the open chunk, the times and the values of late samples. */
struct kept_series {
	struct chunk open;
	uint32_t newest;
	uint16_t late_count, in_step;
};

static_assert(sizeof(struct kept_series) == 56 && sizeof(struct seg_place) == 40 && sizeof(struct checkpoint_of) == 48,
	      "what is on the disk");
