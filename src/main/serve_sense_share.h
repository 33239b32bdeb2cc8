/*
 * serve_sense_share.h: the leading server's side of looking together (node_look.h): whose share a check is,
 * asking for a look, and looking here when there is no answer.
 *
 *     start --> ASKED --answer--> done
 *                 |  no answer, refused, blind, or its server is not seen any more
 *                 +--> HERE --result--> done
 *
 * Runs on: the sense loop. Beneath it: nodes.h (who is there), the loop's own tools.
 */
#pragma once

#include "main/node_seal.h"
#include "main/nodes.h"
#include "monitor/monitor_probe.h"

struct serve_share;

#define SERVE_SHARE_TAKE_OVER (12 * TIME_SECOND) /* within this another leads, if the database is there for it */
#define SERVE_SHARE_LED (6 * TIME_SECOND)        /* its word, that it leads, counts for so long */
#define SERVE_SHARE_BENCH (5 * TIME_SECOND) /* a server that failed to answer is asked nothing for so long */

struct serve_share_options {
	struct nodes *nodes;
	const unsigned char *seal_key; /* NODE_SEAL_KEY_BYTES */
	const struct probe_tools *tools; /* for looks here; complete before the first */
	/* The revision of the definition that runs; 0: unknown, then it is looked at here. */
	int64_t (*revision)(void *context, const char *check);
	void *context;
};

struct serve_share *serve_share_create(const struct serve_share_options *options);
void serve_share_destroy(struct serve_share **share); /* every look was cancelled or is done; accepts NULL */
const struct probe_share *serve_share_probe(struct serve_share *share);
/* Something could not be stored here: is there another server that takes over, or has? Until it could have, the
 * answer is yes; from then on, if one said within seconds that it leads. */
bool serve_share_is_led_elsewhere(struct serve_share *share);
/* Every second: looks that servers owe which are not there any more are made here. */
void serve_share_tick(struct serve_share *share);
