/* print.c: a tree as one line, in the spelling of Prometheus. See promql.h. */
#include "promql/ast.h"

#include <math.h>

#include "promql/function.h"
#include "promql/number.h"

static void print_labels(const struct str *labels, size_t count, struct buf *buf)
{
	buf_addc(buf, '(');
	for (size_t i = 0; i < count; i++) {
		buf_adds(buf, i > 0 ? ", " : "");
		if (promql_is_label_name(labels[i]))
			buf_add(buf, labels[i]);
		else
			promql_quote(labels[i], buf);
	}
	buf_addc(buf, ')');
}

/* ---- spans ---- */

static void print_span(const struct span_expr *span, struct buf *buf);

static void print_span_bare(const struct span_expr *span, struct buf *buf)
{
	static const char *const between[] = { [SPAN_ADD] = " + ", [SPAN_SUB] = " - ", [SPAN_MUL] = " * ",
					       [SPAN_DIV] = " / ", [SPAN_MOD] = " % ", [SPAN_POW] = " ^ " };
	switch (span->op) {
	case SPAN_NUMBER:
		if (span->duration)
			promql_duration_print(llround(span->value * 1000), buf);
		else
			number_print(span->value, NUMBER_FORM_F, buf);
		return;
	case SPAN_STEP:
	case SPAN_RANGE:
		buf_adds(buf, span->op == SPAN_STEP ? "step()" : "range()");
		return;
	case SPAN_PLUS:
	case SPAN_MINUS:
		buf_adds(buf, span->op == SPAN_MINUS ? "-" : "+");
		print_span(span->lhs, buf);
		return;
	case SPAN_MIN_OF:
	case SPAN_MAX_OF:
		buf_adds(buf, span->op == SPAN_MIN_OF ? "min_of(" : "max_of(");
		print_span(span->lhs, buf);
		buf_adds(buf, ", ");
		print_span(span->rhs, buf);
		buf_addc(buf, ')');
		return;
	default:
		print_span(span->lhs, buf);
		buf_adds(buf, between[span->op]);
		print_span(span->rhs, buf);
	}
}

static void print_span(const struct span_expr *span, struct buf *buf)
{
	buf_adds(buf, span->paren ? "(" : "");
	print_span_bare(span, buf);
	buf_adds(buf, span->paren ? ")" : "");
}

static void print_time(const struct node_time *time, struct buf *buf)
{
	if (time->at == AT_TIME) {
		uint64_t ms = time->at_ms < 0 ? -(uint64_t)time->at_ms : (uint64_t)time->at_ms;
		buf_printf(buf, " @ %s%llu.%03llu", time->at_ms < 0 ? "-" : "", (unsigned long long)(ms / 1000),
			   (unsigned long long)(ms % 1000));
	}
	if (time->at == AT_START || time->at == AT_END)
		buf_adds(buf, time->at == AT_START ? " @ start()" : " @ end()");
	if (time->offset.expr != NULL) {
		buf_adds(buf, " offset ");
		print_span(time->offset.expr, buf);
	}
}

/* ---- nodes ---- */

static void print_matchers(const struct node *node, struct buf *buf)
{
	static const char *const signs[] = { "=", "!=", "=~", "!~" };
	size_t inside = node->selector.count - (node->selector.name.len > 0);
	buf_add(buf, node->selector.name);
	if (inside == 0 && node->selector.name.len > 0)
		return;
	buf_addc(buf, '{');
	for (size_t i = 0; i < inside; i++) {
		const struct promql_matcher *matcher = &node->selector.matchers[i];
		buf_adds(buf, i > 0 ? "," : "");
		if (promql_is_label_name(matcher->name))
			buf_add(buf, matcher->name);
		else
			promql_quote(matcher->name, buf);
		buf_adds(buf, signs[matcher->match]);
		promql_quote(matcher->value, buf);
	}
	buf_addc(buf, '}');
}

static void print_matching(const struct node *node, struct buf *buf)
{
	const struct matching *matching = &node->binary.matching;
	buf_adds(buf, node->binary.returns_bool ? " bool" : "");
	if (!matching->given)
		return;
	buf_adds(buf, matching->on ? " on " : " ignoring ");
	print_labels(matching->labels, matching->count, buf);
	if (matching->card != CARD_MANY_TO_ONE && matching->card != CARD_ONE_TO_MANY)
		return;
	buf_adds(buf, matching->card == CARD_MANY_TO_ONE ? " group_left " : " group_right ");
	print_labels(matching->include, matching->include_count, buf);
}

static void print_aggregate(const struct node *node, struct buf *buf)
{
	buf_adds(buf, node->aggregate.what->name);
	if (node->aggregate.without || node->aggregate.count > 0) {
		buf_adds(buf, node->aggregate.without ? " without " : " by ");
		print_labels(node->aggregate.labels, node->aggregate.count, buf);
		buf_addc(buf, ' ');
	}
	buf_addc(buf, '(');
	if (node->aggregate.parameter != NULL) {
		node_print(node->aggregate.parameter, buf);
		buf_adds(buf, ", ");
	}
	node_print(node->aggregate.of, buf);
	buf_addc(buf, ')');
}

static void print_call(const struct node *node, struct buf *buf)
{
	buf_adds(buf, node->call.what->name);
	buf_addc(buf, '(');
	for (size_t i = 0; i < node->call.count; i++) {
		buf_adds(buf, i > 0 ? ", " : "");
		node_print(node->call.arguments[i], buf);
	}
	buf_addc(buf, ')');
}

static void print_binary(const struct node *node, struct buf *buf)
{
	node_print(node->binary.lhs, buf);
	buf_printf(buf, " %s", binary_rows[node->binary.op].text);
	print_matching(node, buf);
	buf_addc(buf, ' ');
	node_print(node->binary.rhs, buf);
}

static void print_subquery(const struct node *node, struct buf *buf)
{
	node_print(node->subquery.of, buf);
	buf_addc(buf, '[');
	print_span(node->subquery.range.expr, buf);
	buf_addc(buf, ':');
	if (node->subquery.step.expr != NULL)
		print_span(node->subquery.step.expr, buf);
	buf_addc(buf, ']');
	print_time(&node->subquery.time, buf);
}

static void print_number(const struct node *node, struct buf *buf)
{
	double value = node->number.value;
	if (node->number.duration)
		promql_duration_print(llround(value * 1000), buf);
	else
		number_print(value, NUMBER_FORM_G, buf);
}

void node_print(const struct node *node, struct buf *buf)
{
	switch (node->kind) {
	case NODE_NUMBER:
		print_number(node, buf);
		return;
	case NODE_STRING:
		promql_quote(node->string, buf);
		return;
	case NODE_PAREN:
		buf_addc(buf, '(');
		node_print(node->inner, buf);
		buf_addc(buf, ')');
		return;
	case NODE_UNARY:
		buf_addc(buf, node->unary.minus ? '-' : '+');
		node_print(node->unary.of, buf);
		return;
	case NODE_BINARY:
		print_binary(node, buf);
		return;
	case NODE_AGGREGATE:
		print_aggregate(node, buf);
		return;
	case NODE_CALL:
		print_call(node, buf);
		return;
	case NODE_SELECTOR:
		print_matchers(node, buf);
		print_time(&node->selector.time, buf);
		return;
	case NODE_MATRIX:
		print_matchers(node->matrix.selector, buf);
		buf_addc(buf, '[');
		print_span(node->matrix.range.expr, buf);
		buf_addc(buf, ']');
		print_time(&node->matrix.selector->selector.time, buf);
		return;
	case NODE_SUBQUERY:
		print_subquery(node, buf);
		return;
	}
}

void promql_print(const struct promql_expr *expr, struct buf *buf)
{
	node_print(expr->root, buf);
}
