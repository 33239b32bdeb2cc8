/* eval_binary.c: operators, where at least one side is a scalar; two vectors: eval_match.c, eval_set.c. */
#include "promql/eval.h"

#include <math.h>

double binary_value(enum binary_op op, double a, double b, bool *ret_kept)
{
	*ret_kept = true;
	switch (op) {
	case OP_ADD:
		return a + b;
	case OP_SUB:
		return a - b;
	case OP_MUL:
		return a * b;
	case OP_DIV:
		return a / b;
	case OP_MOD:
		return fmod(a, b);
	case OP_POW:
		return pow(a, b);
	case OP_ATAN2:
		return atan2(a, b);
	case OP_EQ:
		return *ret_kept = a == b, a;
	case OP_NE:
		return *ret_kept = a != b, a;
	case OP_LT:
		return *ret_kept = a < b, a;
	case OP_LE:
		return *ret_kept = a <= b, a;
	case OP_GT:
		return *ret_kept = a > b, a;
	case OP_GE:
		return *ret_kept = a >= b, a;
	default:
		return NAN;
	}
}

static struct frame *two_scalars(struct node *node, const struct grid *grid, struct frame *left,
				 const struct frame *right)
{
	bool kept;
	for (size_t i = 0; i < grid->count; i++) {
		double value = binary_value(node->binary.op, left->scalar[i], right->scalar[i], &kept);
		left->scalar[i] = binary_rows[node->binary.op].compares ? (double)kept : value;
	}
	return left;
}

/* Histograms may be scaled, added and compared with each other; with what else there is, there is no result. */
bool binary_makes_histogram(enum binary_op op, bool a_histogram, bool b_histogram)
{
	if (a_histogram && b_histogram)
		return op == OP_ADD || op == OP_SUB || op == OP_EQ || op == OP_NE;
	return op == OP_MUL || (op == OP_DIV && a_histogram);
}

void note_incompatible(struct eval *eval, const struct node *node, bool a_histogram, bool b_histogram)
{
	static const char *const words[] = { "float", "histogram" };
	const char *op = binary_rows[node->binary.op].text;
	eval_note(eval, false, node, "incompatible sample types encountered for binary operator \"%s\": %s %s %s", op,
		  words[a_histogram], op, words[b_histogram]);
}

/* Of a comparison without bool stays the sample of the vector, whichever side it is on. */
static void with_scalar(struct eval *eval, const struct node *node, const struct grid *grid, struct column *column,
			const double *scalar, bool vector_left)
{
	bool compares = binary_rows[node->binary.op].compares, kept;
	for (size_t i = 0; i < grid->count; i++) {
		double own = column->values[i], a = vector_left ? own : scalar[i], b = vector_left ? scalar[i] : own;
		if (column->there[i] == CELL_EMPTY)
			continue;
		if (column->there[i] == CELL_HISTOGRAM) {
			if (binary_makes_histogram(node->binary.op, vector_left, !vector_left))
				eval_refuse_histogram(eval);
			note_incompatible(eval, node, vector_left, !vector_left);
			column->there[i] = CELL_EMPTY;
			continue;
		}
		double value = binary_value(node->binary.op, a, b, &kept);
		if (!compares)
			column->values[i] = value;
		else if (node->binary.returns_bool)
			column->values[i] = kept;
		else
			column->there[i] = kept;
	}
}

static struct frame *vector_and_scalar(struct eval *eval, struct node *node, const struct grid *grid,
				       struct frame *vector, const double *scalar, bool vector_left)
{
	bool drops = !binary_rows[node->binary.op].compares || node->binary.returns_bool;
	for (size_t c = 0; c < vector->count; c++) {
		with_scalar(eval, node, grid, &vector->columns[c], scalar, vector_left);
		if (drops)
			column_drop_name(eval, &vector->columns[c]);
	}
	if (drops && !eval->options->delayed_names)
		frame_merge(eval, vector, grid);
	return vector;
}

struct frame *eval_binary(struct eval *eval, struct node *node, const struct grid *grid)
{
	struct frame *left = eval_node(eval, node->binary.lhs, grid);
	struct frame *right = eval_node(eval, node->binary.rhs, grid);
	if (left->type == PROMQL_SCALAR && right->type == PROMQL_SCALAR)
		return two_scalars(node, grid, left, right);
	if (right->type == PROMQL_SCALAR)
		return vector_and_scalar(eval, node, grid, left, right->scalar, true);
	if (left->type == PROMQL_SCALAR)
		return vector_and_scalar(eval, node, grid, right, left->scalar, false);
	return binary_rows[node->binary.op].sets ? eval_set(eval, node, grid, left, right)
						 : eval_match(eval, node, grid, left, right);
}
