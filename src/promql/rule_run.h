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
 * Templates are expanded when the sample is seen; one that fails leaves "<error expanding template: ...>" in its place.
 */
#pragma once

#include "promql/memory_source.h"
#include "promql/rule_file.h"

struct rule_alert {
	struct promql_labels labels; /* with alertname */
	struct promql_labels annotations; /* as of the newest sample, in the order of the rule; values may be empty */
	bool firing;
	int64_t active_ms, gone_ms;  /* gone_ms: since when the sample is gone; -1: it is there */
	struct rule_alert *next;
};

struct rule_run {
	const struct rule *rule;
	const struct rule_group *group;
	struct promql_labels external_labels; /* for templates */
	struct str external_url;
	struct rule_alert *alerts;
	struct promql_labels *before; /* what the rule gave last time */
	size_t before_count;
};

/* Evaluates one rule at a time. Everything new is in `arena`. */
enum err rule_run(struct rule_run *run, struct memory_source *memory, const struct promql_source *source,
		  const struct promql_options *options, int64_t time_ms, struct arena *arena, struct error *err);
