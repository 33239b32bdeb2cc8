/* ast.c: walking over a tree. See ast.h. */
#include "promql/ast.h"

#include "base/mem.h"
#include "promql/function.h"

size_t node_children(const struct node *node, struct node *ret_children[NODE_CHILDREN_MAX])
{
	size_t count = 0;
	switch (node->kind) {
	case NODE_NUMBER:
	case NODE_STRING:
	case NODE_SELECTOR:
		return 0;
	case NODE_PAREN:
		ret_children[0] = node->inner;
		return 1;
	case NODE_UNARY:
		ret_children[0] = node->unary.of;
		return 1;
	case NODE_BINARY:
		ret_children[0] = node->binary.lhs;
		ret_children[1] = node->binary.rhs;
		return 2;
	case NODE_AGGREGATE:
		if (node->aggregate.parameter != NULL)
			ret_children[count++] = node->aggregate.parameter;
		ret_children[count++] = node->aggregate.of;
		return count;
	case NODE_CALL:
		for (; count < node->call.count; count++)
			ret_children[count] = node->call.arguments[count];
		return count;
	case NODE_MATRIX:
		ret_children[0] = node->matrix.selector;
		return 1;
	case NODE_SUBQUERY:
		ret_children[0] = node->subquery.of;
		return 1;
	}
	return 0;
}

struct node *node_bare(struct node *node)
{
	while (node->kind == NODE_PAREN)
		node = node->inner;
	return node;
}

struct node_time *node_time_of(struct node *node)
{
	switch (node->kind) {
	case NODE_SELECTOR:
		return &node->selector.time;
	case NODE_MATRIX:
		return &node->matrix.selector->selector.time;
	case NODE_SUBQUERY:
		return &node->subquery.time;
	default:
		return NULL;
	}
}

void promql_expr_finish(struct promql_expr *expr)
{
	if (expr == NULL)
		return;
	for (size_t i = 0; i < expr->pattern_count; i++)
		promql_pattern_destroy(&expr->patterns[i]);
	mem_free(expr->patterns);
	expr->patterns = NULL;
	expr->pattern_count = expr->pattern_size = 0;
}

enum promql_type promql_expr_type(const struct promql_expr *expr)
{
	return expr->root->type;
}

const char *promql_expr_experimental(const struct promql_expr *expr)
{
	return expr->experimental;
}

const char *promql_type_words(enum promql_type type)
{
	static const char *const words[] = { "none", "scalar", "instant vector", "range vector", "string" };
	return words[type];
}

static bool depends_on_time(const struct node *node)
{
	struct node *children[NODE_CHILDREN_MAX];
	size_t count = node_children(node, children);
	if (node->kind == NODE_CALL && (node->call.what->flags & FUNCTION_OF_TIME))
		return true;
	for (size_t i = 0; i < count; i++)
		if (depends_on_time(children[i]))
			return true;
	return false;
}

static void pin(struct node *node, int64_t at_ms)
{
	struct node *children[NODE_CHILDREN_MAX];
	struct node_time *time = node_time_of(node);
	if (time != NULL) {
		if (time->at == AT_NONE) {
			time->at = AT_TIME;
			time->at_ms = at_ms;
		}
		return;
	}
	size_t count = node_children(node, children);
	for (size_t i = 0; i < count; i++)
		pin(children[i], at_ms);
}

bool promql_expr_pin(struct promql_expr *expr, int64_t at_ms)
{
	if (depends_on_time(expr->root))
		return false;
	pin(expr->root, at_ms);
	return true;
}

static void see_selectors(const struct node *node, promql_see_fn *see, void *context)
{
	struct node *children[NODE_CHILDREN_MAX];
	if (node->kind == NODE_SELECTOR)
		see(context, node->selector.matchers, node->selector.count);
	size_t count = node_children(node, children);
	for (size_t i = 0; i < count; i++)
		see_selectors(children[i], see, context);
}

void promql_expr_selectors(const struct promql_expr *expr, promql_see_fn *see, void *context)
{
	see_selectors(expr->root, see, context);
}

bool promql_expr_is_selector(const struct promql_expr *expr)
{
	const struct node *root = expr->root;
	return root->kind == NODE_SELECTOR && root->selector.time.at == AT_NONE && root->selector.time.offset.expr == NULL;
}
