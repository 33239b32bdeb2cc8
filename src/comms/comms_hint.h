/*
 * comms_hint.h: what a draft of an update lacks, or says too much. Pure.
 *
 * Gentle hints, never refusals: at three in the morning an imperfect update is better than none. The
 * same rules look at real updates and at those written in drills.
 *
 * To add a rule: a function in comms_hint.c, and a row in its table.
 */
#pragma once

#include "base/time.h"
#include "comms/comms.h"

#define COMMS_HINTS_MAX 12u
#define COMMS_HINT_BYTES 200u

struct comms_draft {
	enum comms_audience audience;
	struct str state, text;
	size_t components;  /* how many are named beside the text */
	bool major;         /* one of them is a major outage */
	bool next_promised; /* a time for the next update is set beside the text */
	bool first;         /* the first update of its incident for this audience */
};

struct comms_hint {
	const char *code; /* "affected", "since", "action", "next", "promise", "host", "blame", "outage", "rest" */
	char text[COMMS_HINT_BYTES]; /* a sentence for who writes */
};

/* Returns how many, at most COMMS_HINTS_MAX; the most useful first. */
size_t comms_hints(const struct comms_draft *draft, struct comms_hint ret_hints[COMMS_HINTS_MAX]);
