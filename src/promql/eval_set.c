/* eval_set.c: and, or, unless. Series meet by signature, many to many; labels and names stay. See eval.h. */
#include "promql/eval.h"

#include <string.h>

static void mark(const struct frame *frame, const uint32_t *signs, size_t step, uint8_t *marks, size_t count)
{
	memset(marks, 0, count);
	for (size_t c = 0; c < frame->count; c++)
		if (frame->columns[c].there[step])
			marks[signs[c]] = 1;
}

/* Keeps of `frame` what has (or has not) a partner in what is marked. */
static void keep(struct frame *frame, const uint32_t *signs, size_t step, const uint8_t *marks, bool partner)
{
	for (size_t c = 0; c < frame->count; c++)
		if ((marks[signs[c]] != 0) != partner)
			frame->columns[c].there[step] = 0;
}

static struct frame *both(struct eval *eval, const struct frame *left, const struct frame *right,
			  const struct grid *grid)
{
	struct frame *frame = frame_new(eval, PROMQL_VECTOR);
	frame->size = frame->count = left->count + right->count;
	frame->columns = eval_array(eval, struct column, frame->count + 1);
	if (left->count > 0)
		memcpy(frame->columns, left->columns, left->count * sizeof *frame->columns);
	if (right->count > 0)
		memcpy(frame->columns + left->count, right->columns, right->count * sizeof *frame->columns);
	frame_merge(eval, frame, grid);
	return frame;
}

struct frame *eval_set(struct eval *eval, struct node *node, const struct grid *grid, struct frame *left,
		       struct frame *right)
{
	struct signatures signatures;
	signatures_make(eval, &node->binary.matching, left, right, &signatures);
	uint8_t *marks = eval_alloc(eval, signatures.count + 1);
	for (size_t i = 0; i < grid->count; i++) {
		eval_count(eval, 0);
		if (node->binary.op == OP_OR) {
			mark(left, signatures.left, i, marks, signatures.count);
			keep(right, signatures.right, i, marks, false);
		} else {
			mark(right, signatures.right, i, marks, signatures.count);
			keep(left, signatures.left, i, marks, node->binary.op == OP_AND);
		}
	}
	return node->binary.op == OP_OR ? both(eval, left, right, grid) : left;
}
