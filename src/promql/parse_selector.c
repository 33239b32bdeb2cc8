/* parse_selector.c: up{job=~"a|b"} and {"utf8.name", x="y"}, and lists of labels. See parse_priv.h. */
#include "promql/parse_priv.h"

#include <string.h>

#include "base/mem.h"

struct matchers {
	struct promql_matcher rows[PARSE_LABELS_MAX];
	size_t count;
};

/* Keeps a pattern for promql_expr_finish. */
static void keep_pattern(struct promql_expr *expr, struct promql_pattern *pattern)
{
	if (expr->pattern_count == expr->pattern_size) {
		expr->pattern_size = expr->pattern_size * 2 + 4;
		expr->patterns = mem_realloc(expr->patterns, expr->pattern_size * sizeof *expr->patterns);
	}
	expr->patterns[expr->pattern_count++] = pattern;
}

static bool add_matcher(struct parser *parser, struct matchers *matchers, struct promql_matcher row, uint32_t from)
{
	struct error why;
	if (matchers->count == PARSE_LABELS_MAX)
		return parse_fail(parser, from, "more than %u matchers in one selector", PARSE_LABELS_MAX);
	if (!str_is_utf8(row.value) && row.match != PROMQL_EQUAL && row.match != PROMQL_NOT_EQUAL)
		return parse_fail(parser, from, "a regular expression is not valid UTF-8");
	if (row.match == PROMQL_REGEX || row.match == PROMQL_NOT_REGEX) {
		if (promql_pattern_create(row.value, &row.pattern, &why) != OK)
			return parse_fail(parser, from, "%s", why.text);
		keep_pattern(parser->expr, row.pattern);
	}
	matchers->rows[matchers->count++] = row;
	return true;
}

static bool read_match(struct parser *parser, enum promql_match *ret_match)
{
	static const char *const signs[] = { "=", "!=", "=~", "!~" };
	for (enum promql_match match = 0; match <= PROMQL_NOT_REGEX; match++)
		if (parse_is(parser, signs[match])) {
			*ret_match = match;
			return parse_step(parser);
		}
	return parse_unexpected(parser, "label matching", "label matching operator");
}

/* a="b", "a.b"=~"c", or "name" alone. */
static bool read_matcher(struct parser *parser, struct matchers *matchers)
{
	struct token name = parser->token;
	struct promql_matcher row = { .name = name.text };
	if (name.kind != TOKEN_WORD && name.kind != TOKEN_STRING)
		return parse_unexpected(parser, "label matching", "identifier or \"}\"");
	if (!parse_step(parser))
		return false;
	if (name.kind == TOKEN_STRING && (parse_is(parser, ",") || parse_is(parser, "}"))) {
		row = (struct promql_matcher){ .name = STR(PROMQL_NAME), .value = name.text, .match = PROMQL_EQUAL };
		return add_matcher(parser, matchers, row, name.from);
	}
	if (!read_match(parser, &row.match))
		return false;
	if (parser->token.kind != TOKEN_STRING)
		return parse_unexpected(parser, "label matching", "string");
	row.value = parser->token.text;
	return parse_step(parser) && add_matcher(parser, matchers, row, name.from);
}

static bool read_braces(struct parser *parser, struct matchers *matchers)
{
	if (!parse_step(parser))
		return false;
	while (!parse_is(parser, "}")) {
		if (!read_matcher(parser, matchers))
			return false;
		if (parse_is(parser, "}"))
			break;
		if (!parse_is(parser, ","))
			return parse_unexpected(parser, "label matching", "\",\" or \"}\"");
		if (!parse_step(parser))
			return false;
	}
	return parse_step(parser);
}

struct node *parse_selector(struct parser *parser, struct str name, uint32_t from)
{
	struct matchers matchers = { .count = 0 };
	if (parse_is(parser, "{") && !read_braces(parser, &matchers))
		return NULL;
	struct promql_matcher of_name = { .name = STR(PROMQL_NAME), .value = name, .match = PROMQL_EQUAL };
	if (name.len > 0 && !add_matcher(parser, &matchers, of_name, from))
		return NULL;
	struct node *node = parse_node(parser, NODE_SELECTOR, from);
	struct promql_matcher *kept = parse_alloc(parser, (matchers.count + 1) * sizeof *kept);
	if (node == NULL || kept == NULL)
		return NULL;
	memcpy(kept, matchers.rows, matchers.count * sizeof *kept);
	node->type = PROMQL_VECTOR;
	node->selector.name = name;
	node->selector.matchers = kept;
	node->selector.count = matchers.count;
	return node;
}

bool parse_labels(struct parser *parser, const struct str **ret_labels, size_t *ret_count)
{
	struct str labels[PARSE_LABELS_MAX];
	size_t count = 0;
	if (!parse_expect(parser, "(", "grouping opts"))
		return false;
	while (!parse_is(parser, ")")) {
		enum token_kind kind = parser->token.kind;
		struct str text = parser->token.text;
		bool good = kind == TOKEN_WORD ? promql_is_label_name(text)
					       : kind == TOKEN_STRING && text.len > 0 && str_is_utf8(text);
		if (!good)
			return parse_unexpected(parser, "grouping opts", "label");
		if (count == PARSE_LABELS_MAX)
			return parse_fail(parser, parser->token.from, "more than %u labels", PARSE_LABELS_MAX);
		labels[count++] = text;
		if (!parse_step(parser))
			return false;
		if (!parse_is(parser, ",") && !parse_is(parser, ")"))
			return parse_unexpected(parser, "grouping opts", "\",\" or \")\"");
		if (parse_is(parser, ",") && !parse_step(parser))
			return false;
	}
	struct str *kept = parse_alloc(parser, (count + 1) * sizeof *kept);
	if (kept == NULL)
		return false;
	memcpy(kept, labels, count * sizeof *kept);
	*ret_labels = kept;
	*ret_count = count;
	return parse_step(parser);
}
