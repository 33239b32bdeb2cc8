/*
 * func_histogram.c: quantiles and fractions of classic histograms: series with a label "le", the
 * upper bound of a bucket, whose counts include all smaller buckets. See functions.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/functions.h"
#include "promql/number.h"

#define COUNTS_EQUAL 1e-12 /* what differs by less than this share is rounding, no decrease */

struct bucket {
	double bound, count;
	uint32_t column;
};

struct histogram {
	struct bucket *buckets; /* by bound */
	size_t count;
	struct bucket *now;     /* those that are there at this step, and put right */
	size_t now_count;
	double least_fixed, most_fixed, largest_fix; /* where counts had to be raised */
	bool fixed;
};

struct histograms {
	struct frame *of, *groups;
	struct histogram *rows; /* as many as groups */
};

static int by_bound(const void *a, const void *b)
{
	const struct bucket *x = a, *y = b;
	return x->bound < y->bound ? -1 : x->bound > y->bound ? 1 : (x->column > y->column) - (x->column < y->column);
}

static void note_bound(struct eval *eval, const struct node *where, struct promql_labels labels, struct str bound)
{
	struct str name = promql_label_get(labels, STR(PROMQL_NAME));
	eval_note(eval, true, where, "bucket label \"le\" is missing or has a malformed value of \"" STR_FMT "\"%s"
		  STR_FMT "%s", STR_ARG(bound), name.len > 0 ? " for metric name \"" : "", STR_ARG(name),
		  name.len > 0 ? "\"" : "");
}

static bool bound_of(struct eval *eval, const struct node *where, const struct column *column, size_t steps,
		     double *ret_bound)
{
	struct str text = promql_label_get(column->labels, STR("le"));
	if (promql_number_signed(text, ret_bound))
		return true;
	for (size_t i = 0; i < steps; i++)
		if (column->there[i]) {
			note_bound(eval, where, column->labels, text);
			break;
		}
	return false;
}

/* Buckets to histograms: alike but for "le". */
static void histograms_make(struct eval *eval, struct node *argument, const struct grid *grid, struct histograms *ret)
{
	static const struct str le = { "le", 2 };
	struct collector groups;
	struct frame *of = eval_floats(eval, argument, grid);
	uint32_t *group_of = eval_array(eval, uint32_t, of->count + 1);
	double *bounds = eval_array(eval, double, of->count + 1);
	bool is_new;
	collector_init(&groups, eval, grid);
	for (size_t c = 0; c < of->count; c++) {
		group_of[c] = UINT32_MAX;
		if (!bound_of(eval, argument, &of->columns[c], grid->count, &bounds[c]))
			continue;
		struct promql_labels labels = labels_without(eval, of->columns[c].labels, &le, 1, false);
		group_of[c] = (uint32_t)collector_find(&groups, labels, &is_new);
		groups.frame->columns[group_of[c]].drop_name |= of->columns[c].drop_name;
	}
	*ret = (struct histograms){ of, groups.frame, eval_array(eval, struct histogram, groups.frame->count + 1) };
	for (size_t c = 0; c < of->count; c++)
		if (group_of[c] != UINT32_MAX)
			ret->rows[group_of[c]].count++;
	for (size_t g = 0; g < groups.frame->count; g++) {
		ret->rows[g].buckets = eval_array(eval, struct bucket, ret->rows[g].count);
		ret->rows[g].now = eval_array(eval, struct bucket, ret->rows[g].count);
		ret->rows[g].count = 0;
		column_drop_name(eval, &groups.frame->columns[g]);
	}
	for (size_t c = 0; c < of->count; c++)
		if (group_of[c] != UINT32_MAX) {
			struct histogram *row = &ret->rows[group_of[c]];
			row->buckets[row->count++] = (struct bucket){ bounds[c], 0, (uint32_t)c };
		}
	for (size_t g = 0; g < groups.frame->count; g++)
		if (ret->rows[g].count > 1)
			qsort(ret->rows[g].buckets, ret->rows[g].count, sizeof(struct bucket), by_bound);
}

/* The buckets of one step: those with one bound are one. False: there are none. */
static bool take_step(const struct histograms *histograms, struct histogram *row, size_t step)
{
	row->now_count = 0;
	row->fixed = false;
	for (size_t b = 0; b < row->count; b++) {
		const struct column *column = &histograms->of->columns[row->buckets[b].column];
		struct bucket *last = row->now_count > 0 ? &row->now[row->now_count - 1] : NULL;
		if (!column->there[step])
			continue;
		if (last != NULL && last->bound == row->buckets[b].bound)
			last->count += column->values[step];
		else
			row->now[row->now_count++] = (struct bucket){ row->buckets[b].bound, column->values[step], 0 };
	}
	return row->now_count > 0;
}

/* Counts never fall from bucket to bucket: small differences are rounding, others are raised, and told. */
static void put_right(struct histogram *row)
{
	double before = row->now[0].count;
	for (size_t b = 1; b < row->now_count; b++) {
		struct bucket *bucket = &row->now[b];
		double delta = fabs(bucket->count - before);
		if (delta == 0)
			continue;
		if (delta <= COUNTS_EQUAL * fmin(fabs(before), fabs(bucket->count)) ||
		    delta / (fabs(before) + fabs(bucket->count)) <= COUNTS_EQUAL) {
			bucket->count = before;
			continue;
		}
		if (bucket->count < before) {
			if (!row->fixed)
				row->least_fixed = bucket->bound;
			row->most_fixed = bucket->bound;
			row->largest_fix = fmax(row->fixed ? row->largest_fix : 0, before - bucket->count);
			row->fixed = true;
			bucket->count = before;
			continue;
		}
		before = bucket->count;
	}
}

static void note_fixed(struct eval *eval, const struct node *where, const struct histogram *row,
		       struct promql_labels labels)
{
	struct str name = promql_label_get(labels, STR(PROMQL_NAME));
	if (row->fixed)
		eval_note(eval, false, where, "input to histogram_quantile needed to be fixed for monotonicity (see "
			  "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), "
			  "from bucket %g to %g, with a max diff of %.2g%s" STR_FMT "%s", row->least_fixed,
			  row->most_fixed, row->largest_fix, name.len > 0 ? " for metric name \"" : "", STR_ARG(name),
			  name.len > 0 ? "\"" : "");
}

static double quantile(struct histogram *row, double q)
{
	const struct bucket *buckets = row->now;
	size_t last = row->now_count - 1, b = 0;
	if (isnan(q))
		return NAN;
	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	if (buckets[last].bound != INFINITY)
		return NAN;
	put_right(row);
	if (row->now_count < 2 || buckets[last].count == 0 || isnan(buckets[last].count))
		return NAN;
	double rank = q * buckets[last].count;
	while (b < last && !(buckets[b].count >= rank))
		b++;
	if (b == last)
		return buckets[last - 1].bound;
	if (b == 0 && buckets[0].bound <= 0)
		return buckets[0].bound;
	double start = b > 0 ? buckets[b - 1].bound : 0, below = b > 0 ? buckets[b - 1].count : 0;
	return start + (buckets[b].bound - start) * ((rank - below) / (buckets[b].count - below));
}

static void note_quantile(struct eval *eval, const struct node *where, double q)
{
	char text[40];
	snprintf(text, sizeof text, "%g", q);
	if (!(q >= 0 && q <= 1))
		eval_note(eval, true, where, "quantile value should be between 0 and 1, got %s",
			  isnan(q) ? "NaN" : text);
}

struct frame *call_histogram_quantile(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct histograms histograms;
	struct node *argument = node->call.arguments[1];
	double *q = eval_scalar(eval, node->call.arguments[0], grid);
	histograms_make(eval, argument, grid, &histograms);
	for (size_t i = 0; i < grid->count; i++) {
		note_quantile(eval, node->call.arguments[0], q[i]);
		for (size_t g = 0; g < histograms.groups->count; g++) {
			struct column *column = &histograms.groups->columns[g];
			if (!take_step(&histograms, &histograms.rows[g], i))
				continue;
			column->there[i] = 1;
			column->values[i] = quantile(&histograms.rows[g], q[i]);
			note_fixed(eval, argument, &histograms.rows[g], column->labels);
		}
	}
	if (!eval->options->delayed_names)
		frame_merge(eval, histograms.groups, grid);
	return histograms.groups;
}

/* As OpenMetrics writes it: 1.0 where others write 1. */
static struct str quantile_text(struct eval *eval, double q)
{
	char *text = eval_alloc(eval, 64);
	struct buf buf;
	buf_init(&buf, 64);
	number_print(q, NUMBER_FORM_G, &buf);
	bool whole = isfinite(q) && strpbrk(buf.bytes, ".e") == NULL;
	int length = snprintf(text, 64, "%s%s", buf.bytes, whole ? ".0" : "");
	buf_finish(&buf);
	return (struct str){ text, (size_t)length };
}

static void add_quantiles(struct eval *eval, const struct node *node, const struct grid *grid,
			  const struct histograms *histograms, size_t argument, struct frame *out)
{
	struct str name = node_bare(node->call.arguments[1])->string;
	double *q = eval_scalar(eval, node->call.arguments[argument], grid);
	for (size_t i = 0; i < grid->count; i++)
		note_quantile(eval, node->call.arguments[argument], q[i]);
	for (size_t g = 0; g < histograms->groups->count; g++) {
		const struct column *group = &histograms->groups->columns[g];
		struct promql_labels labels = labels_with(eval, group->labels, name, quantile_text(eval, q[0]));
		struct column *column = frame_add(eval, out, grid, labels);
		column->drop_name = group->drop_name;
		for (size_t i = 0; i < grid->count; i++) {
			if (!take_step(histograms, &histograms->rows[g], i))
				continue;
			column->there[i] = 1;
			column->values[i] = quantile(&histograms->rows[g], q[i]);
			note_fixed(eval, node->call.arguments[0], &histograms->rows[g], group->labels);
		}
	}
}

/* histogram_quantiles(v, "label", q, ...): each quantile under its own label. */
struct frame *call_histogram_quantiles(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct histograms histograms;
	struct frame *out = frame_new(eval, PROMQL_VECTOR);
	histograms_make(eval, node->call.arguments[0], grid, &histograms);
	for (size_t a = 2; a < node->call.count; a++)
		add_quantiles(eval, node, grid, &histograms, a, out);
	if (!eval->options->delayed_names)
		frame_merge(eval, out, grid);
	return out;
}

/* ---- fractions ---- */

/* How many observations are below a value, by a straight line inside its bucket. */
static double rank_of(const struct histogram *row, double value)
{
	double below = 0;
	for (size_t b = 0; b < row->now_count; b++) {
		const struct bucket *bucket = &row->now[b];
		double start = b > 0 ? row->now[b - 1].bound : bucket->bound > 0 ? 0 : -INFINITY;
		if (start >= value)
			return below;
		if (bucket->bound > value)
			return isinf(start) || isinf(bucket->bound)
				       ? (isinf(start) ? bucket->count : below)
				       : below + (bucket->count - below) * (value - start) / (bucket->bound - start);
		below = bucket->count;
	}
	return below;
}

static double fraction(const struct histogram *row, double lower, double upper)
{
	double count = row->now[row->now_count - 1].count;
	if (row->now[row->now_count - 1].bound != INFINITY || count == 0 || isnan(lower) || isnan(upper))
		return NAN;
	if (lower >= upper)
		return 0;
	return (fmin(rank_of(row, upper), count) - fmin(rank_of(row, lower), count)) / count;
}

struct frame *call_histogram_fraction(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct histograms histograms;
	double *lower = eval_scalar(eval, node->call.arguments[0], grid);
	double *upper = eval_scalar(eval, node->call.arguments[1], grid);
	histograms_make(eval, node->call.arguments[2], grid, &histograms);
	for (size_t g = 0; g < histograms.groups->count; g++)
		for (size_t i = 0; i < grid->count; i++) {
			struct column *column = &histograms.groups->columns[g];
			if (!take_step(&histograms, &histograms.rows[g], i))
				continue;
			column->there[i] = 1;
			column->values[i] = fraction(&histograms.rows[g], lower[i], upper[i]);
		}
	if (!eval->options->delayed_names)
		frame_merge(eval, histograms.groups, grid);
	return histograms.groups;
}
