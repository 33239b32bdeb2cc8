/* func_vector.c: between scalars and vectors, what is absent, and order. See functions.h. */
#include <math.h>
#include <string.h>

#include "promql/functions.h"

struct frame *call_scalar(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_node(eval, node->call.arguments[0], grid);
	struct frame *frame = frame_new(eval, PROMQL_SCALAR);
	frame->scalar = eval_array(eval, double, grid->count);
	for (size_t i = 0; i < grid->count; i++) {
		size_t found = 0;
		for (size_t c = 0; c < of->count; c++)
			if (of->columns[c].there[i] == CELL_FLOAT && found++ == 0)
				frame->scalar[i] = of->columns[c].values[i];
		if (found != 1)
			frame->scalar[i] = NAN;
	}
	return frame;
}

static struct column *plain_column(struct eval *eval, struct frame *frame, const struct grid *grid)
{
	struct column *column = frame_add(eval, frame, grid, (struct promql_labels){ NULL, 0 });
	memset(column->there, 1, grid->count);
	return column;
}

struct frame *call_vector(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *frame = frame_new(eval, PROMQL_VECTOR);
	double *values = eval_scalar(eval, node->call.arguments[0], grid);
	memcpy(plain_column(eval, frame, grid)->values, values, grid->count * sizeof *values);
	return frame;
}

struct frame *call_pi(struct eval *eval, const struct node *node, const struct grid *grid)
{
	(void)node;
	struct frame *frame = frame_new(eval, PROMQL_SCALAR);
	frame->scalar = eval_array(eval, double, grid->count);
	for (size_t i = 0; i < grid->count; i++)
		frame->scalar[i] = M_PI;
	return frame;
}

/* min_of(a, b) and max_of(a, b) of scalars; a NaN is handed on. */
struct frame *call_min_of(struct eval *eval, const struct node *node, const struct grid *grid)
{
	bool least = str_is(str_of(node->call.what->name), "min_of");
	struct frame *frame = frame_new(eval, PROMQL_SCALAR);
	double *a = eval_scalar(eval, node->call.arguments[0], grid);
	double *b = eval_scalar(eval, node->call.arguments[1], grid);
	for (size_t i = 0; i < grid->count; i++)
		if (isnan(a[i]) || isnan(b[i]))
			a[i] = NAN;
		else if (least ? b[i] < a[i] : b[i] > a[i])
			a[i] = b[i];
	frame->scalar = a;
	return frame;
}

/* The functions of native histograms: floats have no answer. */
struct frame *call_nothing(struct eval *eval, const struct node *node, const struct grid *grid)
{
	eval_floats(eval, node->call.arguments[0], grid);
	return frame_new(eval, PROMQL_VECTOR);
}

/* ---- absent ---- */

/* What is known of the series that is not there: what the selector asks by "=", once a name. */
static struct promql_labels absent_labels(struct eval *eval, const struct node *argument)
{
	struct promql_labels labels = { NULL, 0 };
	const struct node *selector = argument->kind == NODE_MATRIX ? argument->matrix.selector : argument;
	if (selector->kind != NODE_SELECTOR)
		return labels;
	for (size_t i = 0; i < selector->selector.count; i++) {
		const struct promql_matcher *matcher = &selector->selector.matchers[i];
		bool alone = matcher->match == PROMQL_EQUAL;
		for (size_t j = 0; j < selector->selector.count; j++)
			alone &= j == i || !str_eq(selector->selector.matchers[j].name, matcher->name);
		if (alone && !str_is(matcher->name, PROMQL_NAME))
			labels = labels_with(eval, labels, matcher->name, matcher->value);
	}
	return labels;
}

static struct frame *where_nothing(struct eval *eval, const struct node *argument, const struct grid *grid,
				   const uint8_t *any)
{
	struct frame *frame = frame_new(eval, PROMQL_VECTOR);
	struct column *column = frame_add(eval, frame, grid, absent_labels(eval, argument));
	for (size_t i = 0; i < grid->count; i++) {
		column->there[i] = !any[i];
		column->values[i] = 1;
	}
	return frame;
}

struct frame *call_absent(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct node *argument = node_bare(node->call.arguments[0]);
	struct frame *of = eval_node(eval, argument, grid);
	uint8_t *any = eval_array(eval, uint8_t, grid->count);
	for (size_t c = 0; c < of->count; c++)
		for (size_t i = 0; i < grid->count; i++)
			any[i] |= of->columns[c].there[i] != CELL_EMPTY;
	return where_nothing(eval, argument, grid, any);
}

struct presence {
	struct eval *eval;
	const struct node *argument;
	const struct grid *grid;
	uint8_t *any;
};

static void see_range(void *context, const struct range_series *series)
{
	struct presence *presence = context;
	struct cursor cursor = { 0 };
	struct window window;
	for (size_t i = 0; i < presence->grid->count; i++) {
		window_at(presence->eval, presence->argument, series, presence->grid, i, &cursor, &window);
		presence->any[i] |= window.count > 0;
	}
}

struct frame *call_absent_over_time(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct node *argument = node_bare(node->call.arguments[0]);
	struct presence presence = { eval, argument, grid, eval_array(eval, uint8_t, grid->count) };
	eval_each_range(eval, argument, grid, see_range, &presence);
	return where_nothing(eval, argument, grid, presence.any);
}

/* ---- order ---- */

static bool stands_after(double a, double b, bool falling)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && !isnan(b); /* what is no number is last either way */
	return falling ? a < b : a > b;
}

/* By insertion, so that equals stay: as Go sorts up to 12. Longer ones by merging, which keeps equals, too. */
static void sort_columns(struct column *columns, struct column *spare, size_t count, bool falling)
{
	if (count < 2)
		return;
	size_t half = count / 2, a = 0, b = half, used = 0;
	sort_columns(columns, spare, half, falling);
	sort_columns(columns + half, spare, count - half, falling);
	while (a < half || b < count) {
		bool right = a == half ||
			     (b < count && stands_after(columns[a].values[0], columns[b].values[0], falling));
		spare[used++] = columns[right ? b++ : a++];
	}
	memcpy(columns, spare, count * sizeof *columns);
}

struct frame *call_sort(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_node(eval, node->call.arguments[0], grid);
	bool falling = str_is(str_of(node->call.what->name), "sort_desc");
	if (eval->range) {
		eval_note(eval, true, node, "%s is ineffective for range queries since results are always ordered by "
			  "labels", node->call.what->name);
		return of;
	}
	size_t kept = 0;
	frame_only_floats(of, grid);
	for (size_t c = 0; c < of->count && grid->count == 1; c++)
		if (of->columns[c].there[0])
			of->columns[kept++] = of->columns[c];
	if (grid->count != 1)
		return of;
	of->count = kept;
	sort_columns(of->columns, eval_array(eval, struct column, kept + 1), kept, falling);
	return of;
}
