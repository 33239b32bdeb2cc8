/*
 * schedule_priv.h: a schedule as it is held. Included by schedule.c (makes it) and oncall.c (asks).
 */
#pragma once

#include "oncall/schedule.h"

#define SCHEDULE_PERIOD_MAX 168u /* hours of a week: no pattern of closed turns is longer */

struct schedule_held_layer {
	time_us anchor_wall; /* start and hand-over together */
	time_us anchor;      /* the same as an instant */
	/* Turns whose coverage repeats, and how many of the first i of them some window touches.
	 * Period 0: every turn counts. */
	unsigned period;
	uint16_t covered[SCHEDULE_PERIOD_MAX + 1];
};

struct schedule {
	struct schedule_spec spec;
	struct schedule_held_layer *held; /* one for each layer */
};

/* The wall time at which turn `turn` (0 ..) of the layer begins, were it not `elapsed`. */
time_us schedule_turn_wall(const struct schedule *schedule, size_t layer, int64_t turn);
