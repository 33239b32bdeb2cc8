/*
 * eval_call.c: calls of functions: those over one sample (map) and over a window (over) are run here
 * for every series and step; the others run themselves.
 */
#include "promql/eval.h"

#include <string.h>
#include <strings.h>

/* The scalar arguments, in order, a value a step each. */
struct parameters {
	double *columns[FUNCTION_ARGUMENTS_MAX];
	size_t count;
};

static void eval_parameters(struct eval *eval, const struct node *node, const struct grid *grid,
			    struct parameters *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < node->call.count && ret->count < FUNCTION_ARGUMENTS_MAX; i++)
		if (node->call.arguments[i]->type == PROMQL_SCALAR)
			ret->columns[ret->count++] = eval_scalar(eval, node->call.arguments[i], grid);
}

static void at_step(const struct parameters *parameters, size_t step, double *ret)
{
	for (size_t i = 0; i < parameters->count; i++)
		ret[i] = parameters->columns[i][step];
}

static struct node *argument_of(const struct node *node, enum promql_type type)
{
	for (size_t i = 0; i < node->call.count; i++)
		if (node->call.arguments[i]->type == type)
			return node->call.arguments[i];
	return NULL;
}

/* ---- over one sample ---- */

static void map_column(const struct function *what, struct column *column, const struct parameters *parameters,
		       const struct grid *grid)
{
	double at[FUNCTION_ARGUMENTS_MAX] = { 1 }; /* what round() rounds to when nothing is said */
	for (size_t i = 0; i < grid->count; i++) {
		if (!column->there[i])
			continue;
		at_step(parameters, i, at);
		column->there[i] = what->map(column->values[i], at, &column->values[i]);
	}
}

static struct frame *call_map(struct eval *eval, const struct node *node, const struct grid *grid)
{
	const struct function *what = node->call.what;
	struct parameters parameters;
	struct frame *frame = eval_node(eval, argument_of(node, PROMQL_VECTOR), grid);
	eval_parameters(eval, node, grid, &parameters);
	frame_only_floats(frame, grid);
	for (size_t c = 0; c < frame->count; c++) {
		map_column(what, &frame->columns[c], &parameters, grid);
		if (!(what->flags & FUNCTION_KEEPS_NAME))
			column_drop_name(eval, &frame->columns[c]);
	}
	if (!eval->options->delayed_names)
		frame_merge(eval, frame, grid);
	return frame;
}

/* ---- over a window ---- */

struct over {
	struct call call;
	struct node *argument;
	const struct grid *grid;
	const struct parameters *parameters;
	struct frame *frame;
};

static void need_scratch(struct call *call, size_t count)
{
	if (count <= call->scratch_size)
		return;
	call->scratch_size = count * 2;
	call->scratch = eval_array(call->eval, double, call->scratch_size);
}

static struct column *add_series(struct over *over, const struct range_series *series)
{
	struct promql_labels labels;
	if (!promql_labels_copy(series->labels, over->call.eval->arena, &labels))
		eval_raise(over->call.eval, ERR_TOO_LARGE, "the query needs more memory than it may have");
	struct column *column = frame_add(over->call.eval, over->frame, over->grid, labels);
	column->drop_name = series->drop_name;
	if (!(over->call.node->call.what->flags & FUNCTION_KEEPS_NAME))
		column_drop_name(over->call.eval, column);
	return column;
}

static void over_series(void *context, const struct range_series *series)
{
	struct over *over = context;
	struct call *call = &over->call;
	struct cursor cursor = { 0 };
	struct column *column = NULL;
	call->series = series;
	call->noted = false;
	for (size_t i = 0; i < over->grid->count; i++) {
		struct window window;
		double value;
		window_at(call->eval, over->argument, series, over->grid, i, &cursor, &window);
		if (window.count == 0)
			continue;
		if (window.histograms && !(call->node->call.what->flags & FUNCTION_COUNTS))
			eval_refuse_histogram(call->eval);
		need_scratch(call, window.count);
		at_step(over->parameters, i, call->parameters);
		if (!call->node->call.what->over(call, &window, &value))
			continue;
		if (column == NULL)
			column = add_series(over, series);
		column->there[i] = 1;
		column->values[i] = value;
	}
}

static struct frame *call_over(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct parameters parameters;
	eval_parameters(eval, node, grid, &parameters);
	struct over over = { .call = { .eval = eval, .node = node }, .grid = grid, .parameters = &parameters,
			     .argument = node_bare(argument_of(node, PROMQL_MATRIX)),
			     .frame = frame_new(eval, PROMQL_VECTOR) };
	eval_each_range(eval, over.argument, grid, over_series, &over);
	if (!eval->options->delayed_names)
		frame_merge(eval, over.frame, grid);
	return over.frame;
}

struct frame *eval_call(struct eval *eval, struct node *node, const struct grid *grid)
{
	const struct function *what = node->call.what;
	if (what->flags & FUNCTION_UNKNOWN)
		eval_raise(eval, ERR_UNSUPPORTED, "the function %s() is experimental and not supported", what->name);
	if (what->call != NULL)
		return what->call(eval, node, grid);
	return what->over != NULL ? call_over(eval, node, grid) : call_map(eval, node, grid);
}
