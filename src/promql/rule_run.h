/*
 * rule_run.h: rules evaluated at one time after another into a memory_source, as tests of rules need it.
 *
 * A series that a rule gave and does not give any more gets a stale marker. Alerts are pending until `for` has passed, fire, and
 * are written as ALERTS and ALERTS_FOR_STATE:
 *
 *	            sample is there             for has passed
 *	 (nothing) -----------------> PENDING -----------------> FIRING
 *	     ^                           |  sample is gone          |  sample is gone, and
 *	     +---------------------------+--------------------------+  keep_firing_for has passed
 *
 * Templates are not expanded: an alert whose labels hold one is refused, annotations keep it as it is written.
 */
#pragma once

#include "promql/memory_source.h"
#include "promql/rule_file.h"

struct rule_alert {
	struct promql_labels labels; /* with alertname */
	bool firing;
	int64_t active_ms, gone_ms;  /* gone_ms: since when the sample is gone; -1: it is there */
	struct rule_alert *next;
};

struct rule_run {
	const struct rule *rule;
	const struct rule_group *group;
	struct rule_alert *alerts;
	struct promql_labels *before; /* what the rule gave last time */
	size_t before_count;
};

/* Evaluates one rule at a time. Everything new is in `arena`. */
enum err rule_run(struct rule_run *run, struct memory_source *memory, const struct promql_source *source,
		  const struct promql_options *options, int64_t time_ms, struct arena *arena, struct error *err);
