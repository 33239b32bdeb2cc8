/* parse_span.c: [5m], [5m:1m], offset and @, and the arithmetic of durations in them. See parse_priv.h. */
#include "promql/parse_priv.h"

#include <math.h>

#include "promql/number.h"

#define SPAN_DEPTH_MAX 50u

static struct span_expr *span_node(struct parser *parser, enum span_op op, const struct span_expr *lhs,
				   const struct span_expr *rhs)
{
	struct span_expr *made = parse_alloc(parser, sizeof *made);
	if (made == NULL)
		return NULL;
	unsigned left = lhs != NULL ? lhs->depth : 0, right = rhs != NULL ? rhs->depth : 0;
	*made = (struct span_expr){ .op = op, .lhs = lhs, .rhs = rhs, .depth = 1 + (left > right ? left : right) };
	if (made->depth <= SPAN_DEPTH_MAX)
		return made;
	parse_fail(parser, parser->token.from, "a duration is nested deeper than %u", SPAN_DEPTH_MAX);
	return NULL;
}

static struct span_expr *span_literal(struct parser *parser)
{
	struct token token = parser->token;
	int64_t ms = 0;
	double value = 0;
	bool duration = token.kind == TOKEN_DURATION;
	bool good = duration ? promql_duration(token.text, &ms) : promql_number(token.text, &value);
	if (!good || !isfinite(value)) {
		parse_fail(parser, token.from, "not a valid duration: \"" STR_FMT "\"",
			   STR_ARG(str_sub(token.text, 0, 40)));
		return NULL;
	}
	struct span_expr *made = parse_step(parser) ? span_node(parser, SPAN_NUMBER, NULL, NULL) : NULL;
	if (made == NULL)
		return NULL;
	made->value = duration ? (double)ms / 1000 : value;
	made->duration = duration;
	return made;
}

/* step(), range(), min_of(a, b), max_of(a, b). */
static struct span_expr *span_call(struct parser *parser)
{
	static const struct {
		const char *name;
		enum span_op op;
		bool two;
	} calls[] = { { "step", SPAN_STEP, false }, { "range", SPAN_RANGE, false },
		      { "min_of", SPAN_MIN_OF, true }, { "max_of", SPAN_MAX_OF, true } };
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		const struct span_expr *a = NULL, *b = NULL;
		if (!parse_is_word(parser, calls[i].name))
			continue;
		if (!parse_step(parser) || !parse_expect(parser, "(", "duration expression"))
			return NULL;
		if (calls[i].two && ((a = parse_span(parser, 0)) == NULL ||
				     !parse_expect(parser, ",", "duration expression") ||
				     (b = parse_span(parser, 0)) == NULL))
			return NULL;
		return parse_expect(parser, ")", "duration expression") ? span_node(parser, calls[i].op, a, b) : NULL;
	}
	parse_unexpected(parser, "duration expression", "number, duration, step(), range(), min_of() or max_of()");
	return NULL;
}

static struct span_expr *span_paren(struct parser *parser)
{
	if (!parse_step(parser))
		return NULL;
	const struct span_expr *inner = parse_span(parser, 0);
	if (inner == NULL || !parse_expect(parser, ")", "duration expression"))
		return NULL;
	struct span_expr *copy = parse_alloc(parser, sizeof *copy);
	if (copy == NULL)
		return NULL;
	*copy = *inner;
	copy->paren = true;
	return copy;
}

static struct span_expr *span_primary(struct parser *parser)
{
	if (parser->token.kind == TOKEN_NUMBER || parser->token.kind == TOKEN_DURATION)
		return span_literal(parser);
	return parse_is(parser, "(") ? span_paren(parser) : span_call(parser);
}

static struct span_expr *span_signed(struct parser *parser, bool whole)
{
	bool minus = parse_is(parser, "-");
	if (!minus && !parse_is(parser, "+"))
		return whole ? NULL : span_primary(parser);
	if (!parse_step(parser))
		return NULL;
	const struct span_expr *of = whole ? parse_span(parser, 6) : span_primary(parser);
	if (of == NULL)
		return NULL;
	struct span_expr *made = span_node(parser, minus ? SPAN_MINUS : SPAN_PLUS, of, NULL);
	if (made != NULL && of->op == SPAN_NUMBER && !of->paren) {
		*made = *of; /* a literal with a sign is a literal */
		made->value = minus ? -of->value : of->value;
	}
	return made;
}

static bool at_span_operator(const struct parser *parser, enum span_op *ret_op, int *ret_power)
{
	static const struct {
		const char *sign;
		enum span_op op;
		int power;
	} rows[] = { { "+", SPAN_ADD, 4 }, { "-", SPAN_SUB, 4 }, { "*", SPAN_MUL, 5 },
		     { "/", SPAN_DIV, 5 }, { "%", SPAN_MOD, 5 }, { "^", SPAN_POW, 6 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (parse_is(parser, rows[i].sign)) {
			*ret_op = rows[i].op;
			*ret_power = rows[i].power;
			return true;
		}
	return false;
}

const struct span_expr *parse_span(struct parser *parser, int power)
{
	enum span_op op;
	int binds;
	if (++parser->depth > PROMQL_DEPTH_MAX) {
		parse_fail(parser, parser->token.from, "expressions are nested deeper than %u", PROMQL_DEPTH_MAX);
		return NULL;
	}
	bool sign = parse_is(parser, "-") || parse_is(parser, "+");
	const struct span_expr *lhs = sign ? span_signed(parser, true) : span_primary(parser);
	while (lhs != NULL && at_span_operator(parser, &op, &binds) && binds >= power) {
		uint32_t from = parser->token.from;
		if (!parse_step(parser))
			return NULL;
		const struct span_expr *rhs = parse_span(parser, binds + (op != SPAN_POW));
		if (rhs == NULL)
			return NULL;
		if ((op == SPAN_DIV || op == SPAN_MOD) && rhs->op == SPAN_NUMBER && rhs->value == 0) {
			parse_fail(parser, from, "%s by zero", op == SPAN_DIV ? "division" : "modulo");
			return NULL;
		}
		lhs = span_node(parser, op, lhs, rhs);
	}
	parser->depth--;
	return lhs;
}

const struct span_expr *parse_offset(struct parser *parser)
{
	return span_signed(parser, false);
}

/* ---- behind an expression ---- */

/* What is written out is checked at once; what depends on the query when it runs. */
static bool check_literal(struct parser *parser, const struct span_expr *span, bool may_be_negative, uint32_t from)
{
	struct error why;
	int64_t ms;
	if (span->op != SPAN_NUMBER || span_to_ms(span->value, may_be_negative, &ms, &why) == OK)
		return true;
	return parse_fail(parser, from, "%s", why.text);
}

static const struct span_expr *bracket_span(struct parser *parser)
{
	uint32_t from = parser->token.from;
	const struct span_expr *span = parse_span(parser, 0);
	return span != NULL && check_literal(parser, span, false, from) ? span : NULL;
}

static struct node *end_matrix(struct parser *parser, struct node *of, const struct span_expr *range, uint32_t from)
{
	if (of->kind != NODE_SELECTOR) {
		parse_fail(parser, from, "ranges only allowed for vector selectors");
		return NULL;
	}
	if (of->selector.time.offset.expr != NULL || of->selector.time.at != AT_NONE) {
		parse_fail(parser, from, "no %s modifiers allowed before range",
			   of->selector.time.offset.expr != NULL ? "offset" : "@");
		return NULL;
	}
	struct node *node = parse_node(parser, NODE_MATRIX, of->from);
	if (node == NULL)
		return NULL;
	node->type = PROMQL_MATRIX;
	node->matrix.selector = of;
	node->matrix.range.expr = range;
	return node;
}

static struct node *end_subquery(struct parser *parser, struct node *of, const struct span_expr *range)
{
	const struct span_expr *step = NULL;
	if (!parse_step(parser))
		return NULL;
	if (!parse_is(parser, "]") && (step = bracket_span(parser)) == NULL)
		return NULL;
	if (!parse_expect(parser, "]", "subquery selector"))
		return NULL;
	struct node *node = parse_node(parser, NODE_SUBQUERY, of->from);
	if (node == NULL)
		return NULL;
	node->type = PROMQL_MATRIX;
	node->subquery.of = of;
	node->subquery.range.expr = range;
	node->subquery.step.expr = step;
	return node;
}

static struct node *parse_brackets(struct parser *parser, struct node *of)
{
	uint32_t from = parser->token.from;
	if (!parse_step(parser))
		return NULL;
	const struct span_expr *range = bracket_span(parser);
	if (range == NULL)
		return NULL;
	if (parse_is(parser, ":"))
		return end_subquery(parser, of, range);
	if (!parse_expect(parser, "]", "subquery or range"))
		return NULL;
	return end_matrix(parser, of, range, from);
}

static bool read_offset(struct parser *parser, struct node *node)
{
	uint32_t from = parser->token.from;
	struct node_time *time = node_time_of(node);
	if (time == NULL)
		return parse_fail(parser, from, "offset modifier must be preceded by an instant vector selector or "
				  "range vector selector or a subquery");
	if (time->offset.expr != NULL)
		return parse_fail(parser, from, "offset may not be set multiple times");
	if (!parse_step(parser))
		return false;
	from = parser->token.from;
	time->offset.expr = parse_offset(parser);
	return time->offset.expr != NULL && check_literal(parser, time->offset.expr, true, from);
}

static bool read_at_number(struct parser *parser, struct node_time *time)
{
	bool minus = parse_is(parser, "-");
	double value;
	int64_t ms = 0;
	if ((minus || parse_is(parser, "+")) && !parse_step(parser))
		return false;
	struct token token = parser->token;
	if (token.kind == TOKEN_DURATION && promql_duration(token.text, &ms))
		value = (double)ms / 1000;
	else if ((token.kind != TOKEN_NUMBER && token.kind != TOKEN_WORD) || !promql_number(token.text, &value))
		return parse_unexpected(parser, "@", "timestamp, start() or end()");
	if (!(fabs(value) * 1000 < 9.2e18))
		return parse_fail(parser, token.from, "timestamp out of bounds for @ modifier");
	time->at = AT_TIME;
	time->at_ms = llround((minus ? -value : value) * 1000);
	return parse_step(parser);
}

static bool read_at(struct parser *parser, struct node *node)
{
	uint32_t from = parser->token.from;
	struct node_time *time = node_time_of(node);
	if (time == NULL)
		return parse_fail(parser, from, "@ modifier must be preceded by an instant vector selector or "
				  "range vector selector or a subquery");
	if (time->at != AT_NONE)
		return parse_fail(parser, from, "@ <timestamp> may not be set multiple times");
	if (!parse_step(parser))
		return false;
	bool start = parse_is_word(parser, "start");
	if (!start && !parse_is_word(parser, "end"))
		return read_at_number(parser, time);
	time->at = start ? AT_START : AT_END;
	return parse_step(parser) && parse_expect(parser, "(", "@") && parse_expect(parser, ")", "@");
}

static bool refuse_extended(struct parser *parser, const struct node *node)
{
	if (!parse_is_word(parser, "anchored") && !parse_is_word(parser, "smoothed"))
		return true;
	if (node->kind != NODE_MATRIX && node->kind != NODE_SELECTOR)
		return parse_unexpected(parser, "expression", "");
	parse_fail(parser, parser->token.from, STR_FMT " selectors are experimental and not supported",
		   STR_ARG(parser->token.text));
	parser->err->code = ERR_UNSUPPORTED;
	return false;
}

struct node *parse_behind(struct parser *parser, struct node *node)
{
	while (node != NULL) {
		bool good = true;
		if (parse_is(parser, "[")) {
			unsigned depth = node->depth;
			node = parse_brackets(parser, node);
			if (node != NULL && (node->depth = depth + 1) > PROMQL_DEPTH_MAX)
				good = parse_fail(parser, node->from, "expressions are nested deeper than %u",
						  PROMQL_DEPTH_MAX);
		} else if (parse_is_word(parser, "offset")) {
			good = read_offset(parser, node);
		} else if (parse_is(parser, "@")) {
			good = read_at(parser, node);
		} else {
			return refuse_extended(parser, node) ? node : NULL;
		}
		if (!good)
			return NULL;
		if (node != NULL)
			node->to = parser->last_to;
	}
	return NULL;
}
