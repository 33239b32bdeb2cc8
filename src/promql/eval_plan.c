/* eval_plan.c: what one evaluation settles before it begins: spans in milliseconds, start() and end(), what never changes. */
#include "promql/eval.h"

static void settle_span(struct eval *eval, const struct node *node, struct span *span, bool may_be_negative)
{
	struct error why;
	double seconds = 0;
	int64_t range_ms = eval->end_ms - eval->start_ms;
	if (span->expr == NULL)
		return;
	enum err r = span_seconds(span->expr, eval->step_ms, range_ms, &seconds, &why);
	if (r == OK)
		r = span_to_ms(seconds, may_be_negative, &span->ms, &why);
	if (r != OK)
		eval_raise(eval, ERR_INVALID, "%s, in the duration at byte %u", why.text, node->from + 1);
}

static void settle_time(struct eval *eval, const struct node *node, struct node_time *time)
{
	time->offset.ms = 0;
	settle_span(eval, node, &time->offset, true);
	if (time->at == AT_START || time->at == AT_END)
		time->at_ms = time->at == AT_START ? eval->start_ms : eval->end_ms;
}

static bool settle(struct eval *eval, struct node *node)
{
	struct node *children[NODE_CHILDREN_MAX];
	size_t count = node_children(node, children);
	bool same = true;
	for (size_t i = 0; i < count; i++)
		same &= settle(eval, children[i]);
	switch (node->kind) {
	case NODE_SELECTOR:
		settle_time(eval, node, &node->selector.time);
		same = node->selector.time.at != AT_NONE;
		break;
	case NODE_MATRIX:
		settle_span(eval, node, &node->matrix.range, false);
		break;
	case NODE_SUBQUERY:
		settle_time(eval, node, &node->subquery.time);
		settle_span(eval, node, &node->subquery.range, false);
		settle_span(eval, node, &node->subquery.step, false);
		same = node->subquery.time.at != AT_NONE;
		break;
	case NODE_CALL:
		same = same && !(node->call.what->flags & FUNCTION_OF_TIME);
		break;
	default:
		break;
	}
	node->invariant = same;
	return same;
}

void eval_plan(struct eval *eval, struct node *root)
{
	settle(eval, root);
}
