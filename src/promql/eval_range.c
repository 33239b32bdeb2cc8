/*
 * eval_range.c: what comes from the source: instant selectors as columns, and range vectors one
 * series at a time, with the windows over them. Subqueries are range vectors whose samples are made.
 */
#include "promql/eval.h"

#include <string.h>

/* ---- reading from the source ---- */

struct reading {
	struct eval *eval;
	void (*take)(void *context, const struct promql_series *series);
	void *context;
	bool raised;
};

/* The source is in the middle of its work: what is raised here ends at this frame, and goes on when
 * the source has returned. */
static bool take_series(void *context, const struct promql_series *series)
{
	struct reading *reading = context;
	jmp_buf *outer = reading->eval->jump, here;
	reading->eval->jump = &here;
	if (setjmp(here) == 0) {
		eval_count(reading->eval, series->count);
		reading->take(reading->context, series);
	} else {
		reading->raised = true;
	}
	reading->eval->jump = outer;
	return !reading->raised;
}

static void read_source(struct eval *eval, const struct node *selector, int64_t from_ms, int64_t to_ms, bool newest_only,
			void (*take)(void *, const struct promql_series *), void *context)
{
	struct reading reading = { eval, take, context, false };
	struct promql_select select = { selector->selector.matchers, selector->selector.count, from_ms, to_ms, newest_only };
	struct error why = { .code = OK };
	enum err r = eval->source->select(eval->source->context, &select, take_series, &reading, &why);
	if (reading.raised)
		longjmp(*eval->jump, 1);
	if (r != OK)
		eval_raise(eval, r, "%s", why.text);
}

static struct promql_labels copied(struct eval *eval, struct promql_labels labels)
{
	struct promql_labels copy;
	if (!promql_labels_copy(labels, eval->arena, &copy))
		eval_raise(eval, ERR_TOO_LARGE, "the query needs more than its memory of %zu MB: ask for less time or "
			   "fewer series", eval->arena->limit_bytes >> 20);
	return copy;
}

/* ---- instant selectors ---- */

/* When a selector looks, seen from a step. */
static int64_t looks_at(const struct node_time *time, int64_t now_ms)
{
	return (time->at != AT_NONE ? time->at_ms : now_ms) - time->offset.ms;
}

struct instant {
	struct eval *eval;
	const struct node *node;
	const struct grid *grid;
	struct frame *frame;
	bool timestamps;
};

/* The newest sample at or before a time, not older than the lookback. */
static bool newest(const struct instant *instant, const struct promql_series *series, int64_t at_ms, size_t *next)
{
	int64_t lookback = instant->eval->options->lookback_ms;
	while (*next < series->count && series->times[*next] <= at_ms)
		(*next)++;
	if (*next == 0)
		return false;
	int64_t age = at_ms - series->times[*next - 1];
	if (instant->eval->options->version_2 ? age > lookback : age >= lookback)
		return false;
	return !promql_is_stale(series->values[*next - 1]);
}

static void take_instant(void *context, const struct promql_series *series)
{
	struct instant *instant = context;
	const struct grid *grid = instant->grid;
	struct column *column = NULL;
	size_t next = 0;
	for (size_t i = 0; i < grid->count; i++) {
		int64_t at_ms = looks_at(&instant->node->selector.time, grid_time(grid, i));
		if (!newest(instant, series, at_ms, &next))
			continue;
		if (column == NULL)
			column = frame_add(instant->eval, instant->frame, grid,
					   copied(instant->eval, series->labels));
		bool histogram = series->histogram != NULL && series->histogram[next - 1];
		column->there[i] = histogram && !instant->timestamps ? CELL_HISTOGRAM : CELL_FLOAT;
		column->values[i] = instant->timestamps ? (double)series->times[next - 1] / 1000
							: series->values[next - 1];
	}
}

struct frame *eval_selector(struct eval *eval, const struct node *node, const struct grid *grid, bool timestamps)
{
	struct instant instant = { eval, node, grid, frame_new(eval, PROMQL_VECTOR), timestamps };
	int64_t first = looks_at(&node->selector.time, grid->start_ms);
	int64_t last = looks_at(&node->selector.time, grid_time(grid, grid->count - 1));
	read_source(eval, node, first - eval->options->lookback_ms, last, first == last, take_instant, &instant);
	return instant.frame;
}

/* ---- range vectors ---- */

struct ranging {
	struct eval *eval;
	range_fn *visit;
	void *context;
};

/* Ranges skip what marks the end of a series. */
static void without_stale(struct eval *eval, const struct promql_series *series, struct range_series *range)
{
	size_t stale = 0;
	for (size_t i = 0; i < series->count; i++)
		stale += promql_is_stale(series->values[i]);
	if (stale == 0)
		return;
	int64_t *times = eval_array(eval, int64_t, series->count);
	double *values = eval_array(eval, double, series->count);
	uint8_t *histogram = series->histogram != NULL ? eval_array(eval, uint8_t, series->count) : NULL;
	range->count = 0;
	for (size_t i = 0; i < series->count; i++) {
		if (promql_is_stale(series->values[i]))
			continue;
		if (histogram != NULL)
			histogram[range->count] = series->histogram[i];
		times[range->count] = series->times[i];
		values[range->count++] = series->values[i];
	}
	range->times = times;
	range->values = values;
	range->histogram = histogram;
}

static void take_range(void *context, const struct promql_series *series)
{
	struct ranging *ranging = context;
	struct range_series range = { .labels = series->labels, .times = series->times, .values = series->values,
				      .histogram = series->histogram, .count = series->count };
	without_stale(ranging->eval, series, &range);
	ranging->visit(ranging->context, &range);
}

static int64_t range_ms_of(const struct node *node)
{
	return node->kind == NODE_MATRIX ? node->matrix.range.ms : node->subquery.range.ms;
}

static const struct node_time *time_of(const struct node *node)
{
	return node->kind == NODE_MATRIX ? &node->matrix.selector->selector.time : &node->subquery.time;
}

void window_at(struct eval *eval, const struct node *node, const struct range_series *series,
	       const struct grid *grid, size_t step, struct cursor *cursor, struct window *ret_window)
{
	int64_t at_ms = grid_time(grid, step), end_ms = looks_at(time_of(node), at_ms);
	int64_t start_ms = end_ms - range_ms_of(node), least = start_ms + !eval->options->version_2;
	for (; cursor->high < series->count && series->times[cursor->high] <= end_ms; cursor->high++)
		if (cursor->high > 0 && series->values[cursor->high] < series->values[cursor->high - 1])
			cursor->fall = cursor->high;
	while (cursor->low < cursor->high && series->times[cursor->low] < least)
		cursor->low++;
	size_t count = cursor->high - cursor->low;
	bool histograms = series->histogram != NULL && memchr(series->histogram + cursor->low, 1, count) != NULL;
	*ret_window = (struct window){ series->times + cursor->low, series->values + cursor->low, count, histograms,
				       cursor->fall > cursor->low, start_ms, end_ms, at_ms };
}

/* The times a subquery is evaluated at: multiples of its step since 1970. */
static bool subquery_grid(struct eval *eval, const struct node *node, const struct grid *grid, struct grid *ret_grid)
{
	int64_t step = node->subquery.step.expr != NULL ? node->subquery.step.ms : eval->options->subquery_step_ms;
	int64_t from = looks_at(&node->subquery.time, grid->start_ms) - node->subquery.range.ms;
	int64_t to = looks_at(&node->subquery.time, grid_time(grid, grid->count - 1));
	int64_t first = from / step * step;
	while (eval->options->version_2 ? first < from : first <= from)
		first += step;
	if (first > to)
		return false;
	*ret_grid = (struct grid){ .start_ms = first, .step_ms = step, .count = (size_t)((to - first) / step) + 1 };
	if (ret_grid->count > eval->options->samples_max)
		eval_raise(eval, ERR_TOO_LARGE, "a subquery has more steps than the %zu samples a query may have",
			   eval->options->samples_max);
	return true;
}

static void visit_column(struct eval *eval, const struct column *column, const struct grid *grid, range_fn *visit,
			 void *context)
{
	int64_t *times = eval_array(eval, int64_t, grid->count);
	double *values = eval_array(eval, double, grid->count);
	bool any = memchr(column->there, CELL_HISTOGRAM, grid->count) != NULL;
	uint8_t *histogram = any ? eval_array(eval, uint8_t, grid->count) : NULL;
	struct range_series range = { .labels = column->labels, .drop_name = column->drop_name, .times = times,
				      .values = values, .histogram = histogram };
	for (size_t i = 0; i < grid->count; i++) {
		if (!column->there[i])
			continue;
		if (any)
			histogram[range.count] = column->there[i] == CELL_HISTOGRAM;
		times[range.count] = grid_time(grid, i);
		values[range.count++] = column->values[i];
	}
	eval_count(eval, range.count);
	if (range.count > 0)
		visit(context, &range);
}

void eval_each_range(struct eval *eval, struct node *node, const struct grid *grid, range_fn *visit, void *context)
{
	struct ranging ranging = { eval, visit, context };
	struct grid made;
	if (node->kind == NODE_MATRIX) {
		int64_t first = looks_at(time_of(node), grid->start_ms) - node->matrix.range.ms;
		int64_t last = looks_at(time_of(node), grid_time(grid, grid->count - 1));
		read_source(eval, node->matrix.selector, first, last, false, take_range, &ranging);
		return;
	}
	if (!subquery_grid(eval, node, grid, &made))
		return;
	struct frame *frame = eval_node(eval, node->subquery.of, &made);
	for (size_t c = 0; c < frame->count; c++)
		visit_column(eval, &frame->columns[c], &made, visit, context);
}
