/* check.c: which types go where, and the rules of matching. The texts are those of Prometheus. See ast.h. */
#include "promql/ast.h"

#include <stdio.h>

#include "promql/function.h"

static enum err expect(const struct node *node, enum promql_type type, const char *context, uint32_t *ret_place,
		       struct error *err)
{
	if (node->type == type)
		return OK;
	*ret_place = node->from;
	return error_set(err, ERR_INVALID, "expected type %s in %s, got %s", promql_type_words(type), context,
			 promql_type_words(node->type));
}

static enum err check_aggregate(const struct node *node, uint32_t *ret_place, struct error *err)
{
	const struct node *parameter = node->aggregate.parameter;
	enum err r = expect(node->aggregate.of, PROMQL_VECTOR, "aggregation expression", ret_place, err);
	if (r != OK || parameter == NULL)
		return r;
	bool number = node->aggregate.what->parameter == PARAMETER_NUMBER;
	return expect(parameter, number ? PROMQL_SCALAR : PROMQL_STRING, "aggregation parameter", ret_place, err);
}

static enum err check_counts(const struct node *node, struct error *err)
{
	const struct function *what = node->call.what;
	size_t most = function_argument_count(what), least = most - (what->optional < 0 ? 1 : (size_t)what->optional);
	if (what->optional == 0 && node->call.count != most)
		return error_set(err, ERR_INVALID, "expected %zu argument(s) in call to \"%s\", got %zu", most,
				 what->name, node->call.count);
	if (node->call.count < least)
		return error_set(err, ERR_INVALID, "expected at least %zu argument(s) in call to \"%s\", got %zu",
				 least, what->name, node->call.count);
	if (what->optional > 0 && node->call.count > most)
		return error_set(err, ERR_INVALID, "expected at most %zu argument(s) in call to \"%s\", got %zu", most,
				 what->name, node->call.count);
	return OK;
}

/* The second argument of info() only names labels. */
static enum err check_info(const struct node *node, uint32_t *ret_place, struct error *err)
{
	const struct node *second = node->call.count > 1 ? node->call.arguments[1] : NULL;
	if (!str_is(str_of(node->call.what->name), "info") || second == NULL)
		return OK;
	if (second->kind == NODE_SELECTOR && second->selector.name.len == 0)
		return OK;
	*ret_place = second->from;
	return error_set(err, ERR_INVALID, "expected label selectors only");
}

static enum err check_call(const struct node *node, uint32_t *ret_place, struct error *err)
{
	const struct function *what = node->call.what;
	char context[80];
	*ret_place = node->from;
	enum err r = check_counts(node, err);
	snprintf(context, sizeof context, "call to function \"%s\"", what->name);
	size_t known = function_argument_count(what);
	for (size_t i = 0; i < node->call.count && r == OK; i++)
		r = expect(node->call.arguments[i], what->arguments[i < known ? i : known - 1], context, ret_place, err);
	return r == OK ? check_info(node, ret_place, err) : r;
}

static bool in_both(const struct matching *matching, struct str *ret_label)
{
	for (size_t i = 0; i < matching->count; i++)
		for (size_t j = 0; j < matching->include_count; j++)
			if (str_eq(matching->labels[i], matching->include[j])) {
				*ret_label = matching->labels[i];
				return true;
			}
	return false;
}

static const char *matching_trouble(const struct node *node, bool both_vectors)
{
	const struct binary_row *row = &binary_rows[node->binary.op];
	const struct matching *matching = &node->binary.matching;
	bool scalars = node->binary.lhs->type == PROMQL_SCALAR && node->binary.rhs->type == PROMQL_SCALAR;
	if (node->binary.returns_bool && !row->compares)
		return "bool modifier can only be used on comparison operators";
	if (row->compares && !node->binary.returns_bool && scalars)
		return "comparisons between scalars must use BOOL modifier";
	if (row->sets && (node->binary.lhs->type == PROMQL_SCALAR || node->binary.rhs->type == PROMQL_SCALAR))
		return "set operator not allowed in binary scalar expression";
	if (matching->given && !both_vectors)
		return "vector matching only allowed between instant vectors";
	if (row->sets && matching->card != CARD_MANY_TO_MANY)
		return "no grouping allowed for set operations";
	return NULL;
}

static enum err check_binary(const struct node *node, uint32_t *ret_place, struct error *err)
{
	const struct node *sides[2] = { node->binary.lhs, node->binary.rhs };
	struct str label;
	for (int i = 0; i < 2; i++)
		if (sides[i]->type != PROMQL_SCALAR && sides[i]->type != PROMQL_VECTOR) {
			*ret_place = sides[i]->from;
			return error_set(err, ERR_INVALID,
					 "binary expression must contain only scalar and instant vector types");
		}
	bool both = sides[0]->type == PROMQL_VECTOR && sides[1]->type == PROMQL_VECTOR;
	const char *trouble = matching_trouble(node, both);
	*ret_place = node->from;
	if (trouble != NULL)
		return error_set(err, ERR_INVALID, "%s", trouble);
	if (node->binary.matching.on && in_both(&node->binary.matching, &label))
		return error_set(err, ERR_INVALID,
				 "label \"" STR_FMT "\" must not occur in ON and GROUP clause at once", STR_ARG(label));
	return OK;
}

static enum err check_name(const struct node *node, struct error *err)
{
	struct str name = node->selector.name;
	size_t inside = node->selector.count - (name.len > 0);
	for (size_t i = 0; i < inside; i++) {
		const struct promql_matcher *matcher = &node->selector.matchers[i];
		if (!str_is(matcher->name, PROMQL_NAME))
			continue;
		bool plain = matcher->match == PROMQL_EQUAL && matcher->value.len > 0;
		if (node->selector.name.len > 0 || (plain && name.len > 0))
			return error_set(err, ERR_INVALID, "metric name must not be set twice: \"" STR_FMT
					 "\" or \"" STR_FMT "\"", STR_ARG(name), STR_ARG(matcher->value));
		if (plain)
			name = matcher->value;
	}
	return OK;
}

static enum err check_selector(const struct node *node, uint32_t *ret_place, struct error *err)
{
	*ret_place = node->from;
	if (check_name(node, err) != OK)
		return err->code;
	for (size_t i = 0; i < node->selector.count; i++)
		if (!promql_matcher_takes(&node->selector.matchers[i], STR_NONE))
			return OK;
	return error_set(err, ERR_INVALID, "vector selector must contain at least one non-empty matcher");
}

static enum err check_unary(const struct node *node, uint32_t *ret_place, struct error *err)
{
	if (node->type == PROMQL_SCALAR || node->type == PROMQL_VECTOR)
		return OK;
	*ret_place = node->from;
	return error_set(err, ERR_INVALID, "unary expression only allowed on expressions of type scalar or instant "
			 "vector, got %s", promql_type_words(node->type));
}

static enum err check_node(const struct node *node, uint32_t *ret_place, struct error *err)
{
	switch (node->kind) {
	case NODE_AGGREGATE:
		return check_aggregate(node, ret_place, err);
	case NODE_CALL:
		return check_call(node, ret_place, err);
	case NODE_BINARY:
		return check_binary(node, ret_place, err);
	case NODE_UNARY:
		return check_unary(node, ret_place, err);
	case NODE_SELECTOR:
		return check_selector(node, ret_place, err);
	case NODE_SUBQUERY:
		if (node->subquery.of->type == PROMQL_VECTOR)
			return OK;
		*ret_place = node->from;
		return error_set(err, ERR_INVALID, "subquery is only allowed on instant vector, got %s instead",
				 promql_type_words(node->subquery.of->type));
	default:
		return OK;
	}
}

enum err check_tree(const struct node *root, uint32_t *ret_place, struct error *err)
{
	struct node *children[NODE_CHILDREN_MAX];
	size_t count = node_children(root, children);
	/* What info() is given may match everything: it is no selector of series. */
	if (root->kind == NODE_CALL && str_is(str_of(root->call.what->name), "info") && count == 2)
		count = children[1]->kind == NODE_SELECTOR ? 1 : 2;
	for (size_t i = 0; i < count; i++) {
		enum err r = check_tree(children[i], ret_place, err);
		if (r != OK)
			return r;
	}
	return check_node(root, ret_place, err);
}
