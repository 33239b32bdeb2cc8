/*
 * parse.c: expressions, by operator precedence (Pratt): a loop that goes on while the next operator
 * binds tighter than what it was called for. Words are read by where they stand.
 */
#include "promql/parse_priv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "promql/number.h"

const struct binary_row binary_rows[OP_COUNT] = {
	[OP_OR] = { "or", 1, false, false, true },
	[OP_AND] = { "and", 2, false, false, true },
	[OP_UNLESS] = { "unless", 2, false, false, true },
	[OP_EQ] = { "==", 3, false, true, false },
	[OP_NE] = { "!=", 3, false, true, false },
	[OP_LE] = { "<=", 3, false, true, false },
	[OP_LT] = { "<", 3, false, true, false },
	[OP_GE] = { ">=", 3, false, true, false },
	[OP_GT] = { ">", 3, false, true, false },
	[OP_ADD] = { "+", 4, false, false, false },
	[OP_SUB] = { "-", 4, false, false, false },
	[OP_MUL] = { "*", 5, false, false, false },
	[OP_DIV] = { "/", 5, false, false, false },
	[OP_MOD] = { "%", 5, false, false, false },
	[OP_ATAN2] = { "atan2", 5, false, false, false },
	[OP_POW] = { "^", 6, true, false, false },
};
#define POWER_UNARY 6 /* of what a sign stands before: -2^2 is -4, -a*b is (-a)*b */

/* ---- the tools ---- */

static void place_of(struct str text, uint32_t at, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (uint32_t i = 0; i < at && i < text.len; i++) {
		*ret_column = text.ptr[i] == '\n' ? 1 : *ret_column + 1;
		*ret_line += text.ptr[i] == '\n';
	}
}

static void set_error(struct promql_expr *expr, uint32_t at, enum err code, const char *text, struct error *err)
{
	unsigned line, column;
	place_of(expr->text, at, &line, &column);
	error_set(err, code, "%u:%u: parse error: %s", line, column, text);
}

bool parse_fail(struct parser *parser, uint32_t from, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	set_error(parser->expr, from, ERR_INVALID, text, parser->err);
	return false;
}

bool parse_unexpected(struct parser *parser, const char *context, const char *expected)
{
	const struct token *token = &parser->token;
	char found[80];
	if (token->kind == TOKEN_BAD)
		return parse_fail(parser, token->from, "%s: \"" STR_FMT "\"", parser->lexer.why,
				  STR_ARG(str_sub(token->text, 0, 40)));
	if (token->kind == TOKEN_END)
		snprintf(found, sizeof found, "end of input");
	else
		snprintf(found, sizeof found, "%s\"" STR_FMT "\"",
			 token->kind == TOKEN_WORD ? "identifier " : token->kind == TOKEN_NUMBER ? "number "
			 : token->kind == TOKEN_STRING ? "string " : token->kind == TOKEN_DURATION ? "duration " : "",
			 STR_ARG(str_sub(token->text, 0, 40)));
	return parse_fail(parser, token->from, "unexpected %s in %s%s%s", found, context,
			  expected[0] != '\0' ? ", expected " : "", expected);
}

bool parse_step(struct parser *parser)
{
	parser->last_to = parser->token.to;
	parser->token = lex_next(&parser->lexer);
	return parser->token.kind != TOKEN_BAD || parse_unexpected(parser, "the text", "");
}

bool parse_is(const struct parser *parser, const char *sign)
{
	return parser->token.kind == TOKEN_SIGN && str_is(parser->token.text, sign);
}

bool parse_is_word(const struct parser *parser, const char *word)
{
	struct str text = parser->token.text;
	return parser->token.kind == TOKEN_WORD && text.len == strlen(word) &&
	       strncasecmp(text.ptr, word, text.len) == 0;
}

bool parse_expect(struct parser *parser, const char *sign, const char *context)
{
	char quoted[16];
	snprintf(quoted, sizeof quoted, "\"%s\"", sign);
	return parse_is(parser, sign) ? parse_step(parser) : parse_unexpected(parser, context, quoted);
}

void *parse_alloc(struct parser *parser, size_t size)
{
	void *memory = arena_try(parser->arena, size);
	if (memory == NULL)
		set_error(parser->expr, parser->token.from, ERR_TOO_LARGE, "the expression is too large", parser->err);
	return memory;
}

struct node *parse_node(struct parser *parser, enum node_kind kind, uint32_t from)
{
	struct node *node = parse_alloc(parser, sizeof *node);
	if (node != NULL)
		*node = (struct node){ .kind = kind, .from = from, .to = parser->last_to, .depth = 1 };
	return node;
}

/* Ends a node: where it ends, how deep it is. */
static struct node *finished(struct parser *parser, struct node *node)
{
	struct node *children[NODE_CHILDREN_MAX];
	size_t count = node_children(node, children);
	node->to = parser->last_to;
	for (size_t i = 0; i < count; i++)
		if (children[i]->depth >= node->depth)
			node->depth = children[i]->depth + 1;
	if (node->depth <= PROMQL_DEPTH_MAX)
		return node;
	parse_fail(parser, node->from, "expressions are nested deeper than %u", PROMQL_DEPTH_MAX);
	return NULL;
}

/* ---- leaves ---- */

static struct node *parse_number(struct parser *parser)
{
	struct token token = parser->token;
	double value = 0;
	int64_t ms = 0;
	bool duration = token.kind == TOKEN_DURATION;
	bool good = duration ? promql_duration(token.text, &ms) : promql_number(token.text, &value);
	if (!good) {
		parse_fail(parser, token.from, "%s: \"" STR_FMT "\"",
			   duration ? "not a valid duration" : "error parsing number", STR_ARG(str_sub(token.text, 0, 40)));
		return NULL;
	}
	struct node *node = parse_step(parser) ? parse_node(parser, NODE_NUMBER, token.from) : NULL;
	if (node == NULL)
		return NULL;
	node->type = PROMQL_SCALAR;
	node->number.value = duration ? (double)ms / 1000 : value;
	node->number.duration = duration;
	return node;
}

static struct node *parse_string(struct parser *parser)
{
	struct token token = parser->token;
	struct node *node = parse_step(parser) ? parse_node(parser, NODE_STRING, token.from) : NULL;
	if (node == NULL)
		return NULL;
	node->type = PROMQL_STRING;
	node->string = token.text;
	return node;
}

static struct node *parse_paren(struct parser *parser)
{
	uint32_t from = parser->token.from;
	if (!parse_step(parser))
		return NULL;
	struct node *inner = parse_expression(parser, 0);
	if (inner == NULL || !parse_expect(parser, ")", "paren expression"))
		return NULL;
	struct node *node = parse_node(parser, NODE_PAREN, from);
	if (node == NULL)
		return NULL;
	node->inner = inner;
	node->type = inner->type;
	return finished(parser, node);
}

/* ---- functions and aggregations ---- */

/* ( a, b ): no comma at the end. */
static bool parse_arguments(struct parser *parser, struct node **arguments, size_t *ret_count)
{
	size_t count = 0;
	if (!parse_expect(parser, "(", "function call"))
		return false;
	while (!parse_is(parser, ")")) {
		if (count == CALL_ARGUMENTS_MAX)
			return parse_fail(parser, parser->token.from, "more than %u arguments", CALL_ARGUMENTS_MAX);
		arguments[count] = parse_expression(parser, 0);
		if (arguments[count++] == NULL)
			return false;
		if (!parse_is(parser, ",")) {
			if (!parse_is(parser, ")"))
				return parse_unexpected(parser, "function call", "\",\" or \")\"");
			break;
		}
		if (!parse_step(parser))
			return false;
		if (parse_is(parser, ")"))
			return parse_unexpected(parser, "function call", "an argument");
	}
	*ret_count = count;
	return parse_step(parser);
}

static bool note_experimental(struct parser *parser, const char *name)
{
	struct promql_expr *expr = parser->expr;
	const char *already = expr->experimental;
	size_t size = (already != NULL ? strlen(already) + 2 : 0) + strlen(name) + 1;
	if (already != NULL && strstr(already, name) != NULL)
		return true;
	char *text = parse_alloc(parser, size);
	if (text == NULL)
		return false;
	snprintf(text, size, "%s%s%s", already != NULL ? already : "", already != NULL ? ", " : "", name);
	expr->experimental = text;
	return true;
}

static struct node *parse_call(struct parser *parser, struct token name)
{
	struct node *arguments[CALL_ARGUMENTS_MAX];
	size_t count = 0;
	const struct function *function = function_find(name.text);
	if (function == NULL) {
		parse_fail(parser, name.from, "unknown function with name \"" STR_FMT "\"",
			   STR_ARG(str_sub(name.text, 0, 80)));
		return NULL;
	}
	if (!parse_arguments(parser, arguments, &count))
		return NULL;
	if ((function->flags & FUNCTION_EXPERIMENTAL) && !note_experimental(parser, function->name))
		return NULL;
	struct node *node = parse_node(parser, NODE_CALL, name.from);
	struct node **kept = parse_alloc(parser, (count + 1) * sizeof *kept);
	if (node == NULL || kept == NULL)
		return NULL;
	memcpy(kept, arguments, count * sizeof *kept);
	node->type = function->returns;
	node->call.what = function;
	node->call.arguments = kept;
	node->call.count = count;
	return finished(parser, node);
}

static bool parse_grouping(struct parser *parser, struct node *node)
{
	node->aggregate.without = parse_is_word(parser, "without");
	return parse_step(parser) && parse_labels(parser, &node->aggregate.labels, &node->aggregate.count);
}

static bool at_grouping(const struct parser *parser)
{
	return parse_is_word(parser, "by") || parse_is_word(parser, "without");
}

static bool take_arguments(struct parser *parser, struct node *node)
{
	struct node *arguments[CALL_ARGUMENTS_MAX];
	const struct aggregate *what = node->aggregate.what;
	size_t count = 0, wanted = what->parameter != PARAMETER_NONE ? 2 : 1;
	uint32_t from = parser->token.from;
	if (!parse_arguments(parser, arguments, &count))
		return false;
	if (count == 0)
		return parse_fail(parser, node->from, "no arguments for aggregate expression provided");
	if (count != wanted)
		return parse_fail(parser, from, "wrong number of arguments for aggregate expression provided, "
				  "expected %zu, got %zu", wanted, count);
	node->aggregate.of = arguments[count - 1];
	node->aggregate.parameter = count == 2 ? arguments[0] : NULL;
	return true;
}

static struct node *parse_aggregate(struct parser *parser, struct token name, const struct aggregate *what)
{
	struct node *node = parse_node(parser, NODE_AGGREGATE, name.from);
	if (node == NULL)
		return NULL;
	node->type = PROMQL_VECTOR;
	node->aggregate.what = what;
	bool before = at_grouping(parser);
	if ((before && !parse_grouping(parser, node)) || !take_arguments(parser, node))
		return NULL;
	if (!before && at_grouping(parser) && !parse_grouping(parser, node))
		return NULL;
	if (what->experimental && !note_experimental(parser, what->name))
		return NULL;
	return finished(parser, node);
}

/* ---- words ---- */

static bool is_reserved(const struct parser *parser)
{
	static const char *const words[] = { "bool", "on", "ignoring", "group_left", "group_right", "atan2", NULL };
	for (size_t i = 0; words[i] != NULL; i++)
		if (parse_is_word(parser, words[i]))
			return true;
	return false;
}

static struct node *parse_word(struct parser *parser)
{
	struct token word = parser->token;
	if (parse_is_word(parser, "inf") || parse_is_word(parser, "nan"))
		return parse_number(parser);
	if (is_reserved(parser)) {
		parse_unexpected(parser, "expression", "");
		return NULL;
	}
	if (!parse_step(parser))
		return NULL;
	const struct aggregate *aggregate = aggregate_find(word.text);
	if (aggregate != NULL && (parse_is(parser, "(") || at_grouping(parser)))
		return parse_aggregate(parser, word, aggregate);
	if (parse_is(parser, "("))
		return parse_call(parser, word);
	return parse_selector(parser, word.text, word.from);
}

static struct node *parse_primary(struct parser *parser)
{
	switch (parser->token.kind) {
	case TOKEN_NUMBER:
	case TOKEN_DURATION:
		return parse_number(parser);
	case TOKEN_STRING:
		return parse_string(parser);
	case TOKEN_WORD:
		return parse_word(parser);
	default:
		break;
	}
	if (parse_is(parser, "("))
		return parse_paren(parser);
	if (parse_is(parser, "{"))
		return parse_selector(parser, STR_NONE, parser->token.from);
	if (parser->token.kind == TOKEN_END && parser->expr->root == NULL && parser->last_to == 0)
		parse_fail(parser, 0, "no expression found in input");
	else
		parse_unexpected(parser, "expression", "");
	return NULL;
}

static struct node *parse_signed(struct parser *parser)
{
	uint32_t from = parser->token.from;
	bool minus = parse_is(parser, "-");
	struct node *of = parse_step(parser) ? parse_expression(parser, POWER_UNARY) : NULL;
	if (of == NULL)
		return NULL;
	if (of->kind == NODE_NUMBER) {
		of->number.value = minus ? -of->number.value : of->number.value;
		of->from = from;
		return of;
	}
	struct node *node = parse_node(parser, NODE_UNARY, from);
	if (node == NULL)
		return NULL;
	node->type = of->type;
	node->unary.minus = minus;
	node->unary.of = of;
	return finished(parser, node);
}

static struct node *parse_unary(struct parser *parser)
{
	if (parse_is(parser, "-") || parse_is(parser, "+"))
		return parse_signed(parser);
	struct node *node = parse_primary(parser);
	return node != NULL ? parse_behind(parser, node) : NULL;
}

/* ---- operators ---- */

static enum binary_op at_operator(const struct parser *parser)
{
	for (enum binary_op op = 0; op < OP_COUNT; op++) {
		const char *text = binary_rows[op].text;
		if (parser->token.kind == TOKEN_SIGN ? str_is(parser->token.text, text) : parse_is_word(parser, text))
			return op;
	}
	return OP_COUNT;
}

static bool parse_groups(struct parser *parser, struct matching *matching)
{
	bool left = parse_is_word(parser, "group_left");
	if (!left && !parse_is_word(parser, "group_right"))
		return true;
	if (!matching->given)
		return parse_unexpected(parser, "binary expression", "on or ignoring before it");
	matching->card = left ? CARD_MANY_TO_ONE : CARD_ONE_TO_MANY;
	if (!parse_step(parser))
		return false;
	return !parse_is(parser, "(") || parse_labels(parser, &matching->include, &matching->include_count);
}

static bool refuse_fill(struct parser *parser)
{
	static const char *const words[] = { "fill", "fill_left", "fill_right", NULL };
	for (size_t i = 0; words[i] != NULL; i++) {
		if (!parse_is_word(parser, words[i]))
			continue;
		struct lexer ahead = parser->lexer;
		struct token next = lex_next(&ahead);
		if (next.kind != TOKEN_SIGN || !str_is(next.text, "("))
			continue;
		set_error(parser->expr, parser->token.from, ERR_UNSUPPORTED,
			  "fill modifiers are experimental and not supported", parser->err);
		return false;
	}
	return true;
}

static bool parse_modifiers(struct parser *parser, struct node *node)
{
	struct matching *matching = &node->binary.matching;
	if (parse_is_word(parser, "bool")) {
		node->binary.returns_bool = true;
		if (!parse_step(parser))
			return false;
	}
	matching->on = parse_is_word(parser, "on");
	if (matching->on || parse_is_word(parser, "ignoring")) {
		matching->given = true;
		if (!parse_step(parser) || !parse_labels(parser, &matching->labels, &matching->count))
			return false;
	}
	return parse_groups(parser, matching) && refuse_fill(parser);
}

static bool refuse_trim(struct parser *parser)
{
	if (!parse_is(parser, "</") && !parse_is(parser, ">/"))
		return true;
	set_error(parser->expr, parser->token.from, ERR_UNSUPPORTED,
		  "trim operators are for native histograms and not supported", parser->err);
	return false;
}

static struct node *parse_binary(struct parser *parser, struct node *lhs, enum binary_op op)
{
	struct node *node = parse_node(parser, NODE_BINARY, lhs->from);
	if (node == NULL)
		return NULL;
	node->binary.op = op;
	node->binary.lhs = lhs;
	node->binary.matching.card = binary_rows[op].sets ? CARD_MANY_TO_MANY : CARD_ONE_TO_ONE;
	if (!parse_step(parser) || !parse_modifiers(parser, node))
		return NULL;
	node->binary.rhs = parse_expression(parser, binary_rows[op].power + !binary_rows[op].right);
	if (node->binary.rhs == NULL)
		return NULL;
	bool scalars = lhs->type == PROMQL_SCALAR && node->binary.rhs->type == PROMQL_SCALAR;
	node->type = scalars ? PROMQL_SCALAR : PROMQL_VECTOR;
	return finished(parser, node);
}

/* Every recursion of the parser passes here, or parse_span. */
struct node *parse_expression(struct parser *parser, int power)
{
	if (++parser->depth > PROMQL_DEPTH_MAX) {
		parse_fail(parser, parser->token.from, "expressions are nested deeper than %u", PROMQL_DEPTH_MAX);
		return NULL;
	}
	struct node *node = parse_unary(parser);
	while (node != NULL) {
		enum binary_op op = at_operator(parser);
		if (!refuse_trim(parser))
			return NULL;
		if (op == OP_COUNT || binary_rows[op].power < power)
			break;
		node = parse_binary(parser, node, op);
	}
	parser->depth--;
	return node;
}

static enum err refused(struct promql_expr *expr, enum err code)
{
	promql_expr_finish(expr);
	return code;
}

enum err promql_parse(struct str text, struct arena *arena, struct promql_expr **ret_expr, struct error *err)
{
	struct error own;
	if (err == NULL)
		err = &own;
	if (text.len > PROMQL_TEXT_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot read an expression of more than %u bytes",
				 PROMQL_TEXT_BYTES_MAX);
	struct promql_expr *expr = arena_try(arena, sizeof *expr);
	if (expr == NULL)
		return error_set(err, ERR_TOO_LARGE, "could not read the expression: its memory is used up");
	*expr = (struct promql_expr){ .arena = arena, .text = text };
	struct parser parser = { .lexer = { .text = text, .arena = arena }, .arena = arena, .expr = expr, .err = err };
	struct node *root = parse_step(&parser) ? parse_expression(&parser, 0) : NULL;
	if (root == NULL)
		return refused(expr, err->code);
	if (parser.token.kind != TOKEN_END) {
		parse_unexpected(&parser, "expression", "");
		return refused(expr, err->code);
	}
	uint32_t place = 0;
	struct error why;
	if (check_tree(root, &place, &why) != OK) {
		set_error(expr, place, why.code, why.text, err);
		return refused(expr, err->code);
	}
	expr->root = root;
	*ret_expr = expr;
	return OK;
}
