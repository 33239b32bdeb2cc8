/*
 * eval_aggregate.c: sum, avg and those like them: one small state a group and step. The table of all
 * aggregations is at the end. To add one: its add and end, or its run; a row.
 */
#include "promql/aggregate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct promql_labels group_labels(struct eval *eval, const struct node *node, const struct column *column)
{
	if (node->aggregate.without)
		return labels_without(eval, column->labels, node->aggregate.labels, node->aggregate.count, true);
	return labels_only(eval, column->labels, node->aggregate.labels, node->aggregate.count);
}

bool group_keeps_name(const struct node *node)
{
	for (size_t i = 0; i < node->aggregate.count && !node->aggregate.without; i++)
		if (str_is(node->aggregate.labels[i], PROMQL_NAME))
			return true;
	return false;
}

uint32_t *group_columns(struct eval *eval, const struct node *node, const struct grid *grid,
			const struct frame *of, struct frame **ret_groups)
{
	struct collector groups;
	bool is_new, name = group_keeps_name(node);
	uint32_t *group_of = eval_array(eval, uint32_t, of->count + 1);
	collector_init(&groups, eval, grid);
	for (size_t c = 0; c < of->count; c++) {
		group_of[c] = (uint32_t)collector_find(&groups, group_labels(eval, node, &of->columns[c]), &is_new);
		if (name && of->columns[c].drop_name)
			groups.frame->columns[group_of[c]].drop_name = true;
	}
	*ret_groups = groups.frame;
	return group_of;
}

/* ---- sum, avg, count, ... ---- */

static void add_sum(struct group *group, double value)
{
	if (group->count++ == 0)
		group->sum.kahan.sum = value;
	else
		kahan_add(&group->sum.kahan, value);
}

static double end_sum(const struct group *group)
{
	return kahan_value(&group->sum.kahan);
}

static void add_avg(struct group *group, double value)
{
	group->count++;
	kahan_mean_add(&group->sum, value);
}

static double end_avg(const struct group *group)
{
	return kahan_mean_value(&group->sum);
}

static void add_count(struct group *group, double value)
{
	(void)value;
	group->count++;
}

static double end_count(const struct group *group)
{
	return (double)group->count;
}

static double end_group(const struct group *group)
{
	(void)group;
	return 1;
}

static void add_min(struct group *group, double value)
{
	if (group->count++ == 0 || group->value > value || isnan(group->value))
		group->value = value;
}

static void add_max(struct group *group, double value)
{
	if (group->count++ == 0 || group->value < value || isnan(group->value))
		group->value = value;
}

static double end_value(const struct group *group)
{
	return group->value;
}

/* Welford's, without compensation, and NaN from the start when the first value has no distance. */
static void add_deviation(struct group *group, double value)
{
	if (group->count++ == 0) {
		group->mean = value;
		group->value = isfinite(value) ? 0 : NAN;
		return;
	}
	double delta = value - group->mean;
	group->mean += delta / (double)group->count;
	group->value += delta * (value - group->mean);
}

static double end_stdvar(const struct group *group)
{
	return group->value / (double)group->count;
}

static double end_stddev(const struct group *group)
{
	return sqrt(end_stdvar(group));
}

static void add_histogram(struct eval *eval, const struct node *node, struct group *group)
{
	const struct aggregate *what = node->aggregate.what;
	if (what->histograms == HISTOGRAMS_COUNTED)
		what->add(group, 0);
	else if (what->histograms == HISTOGRAMS_IGNORED)
		note_ignored(eval, node);
	else
		group->histograms = true;
}

void note_ignored(struct eval *eval, const struct node *node)
{
	eval_note(eval, false, node->aggregate.of, "ignored histogram in %s aggregation", node->aggregate.what->name);
}

/* A sum of floats and histograms is none; of histograms alone it is one. */
static void end_mixed(struct eval *eval, const struct node *node, const struct group *group, uint8_t *there)
{
	if (group->count == 0)
		eval_refuse_histogram(eval);
	eval_note(eval, true, node->aggregate.of, "encountered a mix of histograms and floats for aggregation");
	*there = CELL_EMPTY;
}

static struct frame *fold(struct eval *eval, const struct node *node, const struct grid *grid)
{
	const struct aggregate *what = node->aggregate.what;
	struct frame *of = eval_node(eval, node->aggregate.of, grid), *groups;
	uint32_t *group_of = group_columns(eval, node, grid, of, &groups);
	size_t count = groups->count;
	struct group *states = eval_array(eval, struct group, count * grid->count + 1);
	for (size_t c = 0; c < of->count; c++) {
		struct group *row = states + group_of[c] * grid->count;
		eval_count(eval, 0);
		for (size_t i = 0; i < grid->count; i++)
			if (of->columns[c].there[i] == CELL_FLOAT)
				what->add(&row[i], of->columns[c].values[i]);
			else if (of->columns[c].there[i] == CELL_HISTOGRAM)
				add_histogram(eval, node, &row[i]);
	}
	for (size_t g = 0; g < count; g++)
		for (size_t i = 0; i < grid->count; i++) {
			const struct group *state = &states[g * grid->count + i];
			groups->columns[g].there[i] = state->count > 0;
			if (state->histograms)
				end_mixed(eval, node, state, &groups->columns[g].there[i]);
			else if (state->count > 0)
				groups->columns[g].values[i] = what->end(state);
		}
	return groups;
}

/* ---- the table ---- */

static const struct aggregate aggregates[] = {
	{ "sum", PARAMETER_NONE, false, fold, add_sum, end_sum, HISTOGRAMS_SUMMED },
	{ "avg", PARAMETER_NONE, false, fold, add_avg, end_avg, HISTOGRAMS_SUMMED },
	{ "count", PARAMETER_NONE, false, fold, add_count, end_count, HISTOGRAMS_COUNTED },
	{ "group", PARAMETER_NONE, false, fold, add_count, end_group, HISTOGRAMS_COUNTED },
	{ "min", PARAMETER_NONE, false, fold, add_min, end_value, HISTOGRAMS_IGNORED },
	{ "max", PARAMETER_NONE, false, fold, add_max, end_value, HISTOGRAMS_IGNORED },
	{ "stddev", PARAMETER_NONE, false, fold, add_deviation, end_stddev, HISTOGRAMS_IGNORED },
	{ "stdvar", PARAMETER_NONE, false, fold, add_deviation, end_stdvar, HISTOGRAMS_IGNORED },
	{ "quantile", PARAMETER_NUMBER, false, aggregate_quantile, NULL, NULL, 0 },
	{ "topk", PARAMETER_NUMBER, false, aggregate_rank, NULL, NULL, 0 },
	{ "bottomk", PARAMETER_NUMBER, false, aggregate_rank, NULL, NULL, 0 },
	{ "limitk", PARAMETER_NUMBER, true, aggregate_limit, NULL, NULL, 0 },
	{ "limit_ratio", PARAMETER_NUMBER, true, aggregate_ratio, NULL, NULL, 0 },
	{ "count_values", PARAMETER_TEXT, false, aggregate_count_values, NULL, NULL, 0 },
};

const struct aggregate *aggregate_find(struct str name)
{
	for (size_t i = 0; i < sizeof aggregates / sizeof aggregates[0]; i++)
		if (strlen(aggregates[i].name) == name.len && strncasecmp(aggregates[i].name, name.ptr, name.len) == 0)
			return &aggregates[i];
	return NULL;
}

struct frame *eval_aggregate(struct eval *eval, struct node *node, const struct grid *grid)
{
	return node->aggregate.what->run(eval, node, grid);
}
