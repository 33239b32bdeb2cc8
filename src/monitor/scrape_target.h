/*
 * scrape_target.h: from what a discovery says to what is scraped, and from what a target says to what is kept. Pure.
 *
 *     labels of the group, __address__ --and those of the job--> relabel_configs --> target: URL, labels
 *     labels of a sample --and those of the target (honor_labels)--> metric_relabel_configs --> labels of the series
 *
 * Owns: all texts are in the arena, or borrowed from config and input.
 */
#pragma once

#include "monitor/scrape_config.h"

enum scrape_fate {
	SCRAPE_KEPT,
	SCRAPE_DROPPED, /* by relabelling */
	SCRAPE_REFUSED, /* it cannot be scraped, or not be kept: the error says why */
};

struct scrape_target {
	struct promql_labels discovered; /* before relabelling, those that begin with __ too */
	struct promql_labels labels;     /* of every series of it */
	struct str url;                  /* with its parameters; without secrets, because none stand in it */
	int64_t interval_ms, timeout_ms;
};

/* For an alertmanager, `job` is NULL and the manager is given. */
enum scrape_fate scrape_target_make(const struct scrape_job *job, const struct scrape_alertmanager *manager,
				    const struct scrape_group *group, struct str address, struct arena *arena,
				    struct scrape_target *ret_target, struct error *err);

/* The labels of a series. ERR_LIMIT in `err` when it breaks a limit of labels, which fails the whole scrape. */
enum scrape_fate scrape_sample_labels(const struct scrape_job *job, const struct scrape_target *target,
				      const struct exposition_item *item, struct arena *arena,
				      struct promql_labels *ret_labels, struct error *err);
