/* template_parse.c: tokens into the trees of a template: its blocks and the entry. */
#include <string.h>

#include "promql/template_parse.h"

/* Prometheus writes these before every template of an alert. */
static const char prelude[] = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}"
			      "{{$value := .Value}}";

#define SCRATCH_BYTES_MAX (16u << 20)

static struct template_node *parse_list(struct parser *parser, struct template_node **ret_end);

static bool expect(struct parser *parser, enum template_token_kind kind, const char *context)
{
	const struct template_token *token = parser_next_word(parser);
	return token->kind == kind || (parser_unexpected(parser, token, context), false);
}

/* ---- blocks ---- */

static struct template_node *parse_control(struct parser *parser, enum template_node_kind kind, const char *context);

/* After {{else: "if", and "with" after "with", begin a control that ends with the same {{end}}. */
static bool parse_else(struct parser *parser, struct template_node *node, const char *context,
		       const struct template_node *mark)
{
	struct template_node *end;
	bool again = (node->kind == NODE_IF && parser_peek(parser)->kind == TOKEN_IF) ||
		     (node->kind == NODE_WITH && parser_peek(parser)->kind == TOKEN_WITH);
	if (!again) {
		node->otherwise = parse_list(parser, &end);
		if (node->otherwise == NULL)
			return false;
		return end->kind == NODE_END || parser_wrong(parser, "expected end; found {{else}}") != NULL;
	}
	parser_next(parser);
	node->otherwise = parser_node(parser, NODE_LIST, &parser->tokens[parser->at]);
	if (node->otherwise == NULL)
		return false;
	node->otherwise->at = mark->at;
	struct template_node *inner = parse_control(parser, node->kind, context);
	if (inner != NULL)
		parser_append(node->otherwise, inner);
	return inner != NULL;
}

static struct template_node *parse_control(struct parser *parser, enum template_node_kind kind, const char *context)
{
	size_t variables = parser->variable_count;
	struct template_node *node = parser_node(parser, kind, parser_peek(parser)), *end;
	if (node == NULL || !parser_deeper(parser))
		return NULL;
	node->pipe = parser_pipe(parser, context, TOKEN_RIGHT);
	if (node->pipe == NULL)
		return NULL;
	node->at = node->pipe->at;
	parser->ranges += kind == NODE_RANGE;
	node->list = parse_list(parser, &end);
	parser->ranges -= kind == NODE_RANGE;
	if (node->list == NULL || (end->kind == NODE_ELSE && !parse_else(parser, node, context, end)))
		return NULL;
	parser->variable_count = variables;
	parser->depth--;
	return node;
}

static struct template_node *parse_jump(struct parser *parser, enum template_node_kind kind,
					const struct template_token *token)
{
	bool leaves = kind == NODE_BREAK;
	const struct template_token *after = parser_next_word(parser);
	if (after->kind != TOKEN_RIGHT)
		return parser_unexpected(parser, after, leaves ? "{{break}}" : "{{continue}}");
	if (parser->ranges == 0)
		return parser_wrong(parser, "{{%s}} outside {{range}}", leaves ? "break" : "continue");
	return parser_node(parser, kind, token);
}

static bool parse_name(struct parser *parser, const struct template_token *token, const char *context, struct str *ret)
{
	if (token->kind != TOKEN_STRING)
		return parser_unexpected(parser, token, context) != NULL;
	return template_unquote(token->text, parser->arena, ret) || parser_wrong(parser, "invalid syntax") != NULL;
}

static bool is_empty(const struct template_node *root)
{
	for (const struct template_node *node = root->first; node != NULL; node = node->next)
		if (node->kind != NODE_TEXT || str_trim(node->text).len > 0)
			return false;
	return true;
}

static bool add_tree(struct parser *parser, struct str name, struct template_node *root)
{
	struct template_tree *tree = parser->template->trees;
	while (tree != NULL && !str_eq(tree->name, name))
		tree = tree->next;
	if (tree != NULL && !is_empty(tree->root))
		return is_empty(root) ||
		       parser_wrong_quoting(parser, "template: multiple definition of template %s", name) != NULL;
	if (tree == NULL) {
		tree = arena_try(parser->arena, sizeof *tree);
		if (tree == NULL)
			return parser_too_large(parser, "could not parse it: there is no memory for it") != NULL;
		*tree = (struct template_tree){ .name = name, .next = parser->template->trees };
		parser->template->trees = tree;
	}
	tree->root = root;
	return true;
}

/* The body of a define or a block: a template of its own, which sees no variable but $. */
static bool parse_body(struct parser *parser, struct str name, const char *context)
{
	size_t count = parser->variable_count;
	unsigned ranges = parser->ranges;
	struct str *kept = arena_try(parser->scratch, (count + 1) * sizeof *kept);
	struct template_node *end, *root = NULL;
	if (kept == NULL || !parser_deeper(parser))
		return parser_too_large(parser, "could not parse it: there is no memory for it") != NULL;
	memcpy(kept, parser->variables, count * sizeof *kept);
	parser->variable_count = 1;
	parser->ranges = 0;
	root = parse_list(parser, &end);
	if (root == NULL)
		return false;
	if (end->kind != NODE_END)
		return parser_wrong(parser, "unexpected {{else}} in %s", context) != NULL;
	memcpy(parser->variables, kept, count * sizeof *kept);
	parser->variable_count = count;
	parser->ranges = ranges;
	parser->depth--;
	return add_tree(parser, name, root);
}

static bool parse_define(struct parser *parser)
{
	struct str name;
	return parse_name(parser, parser_next_word(parser), "define clause", &name) &&
	       expect(parser, TOKEN_RIGHT, "define clause") && parse_body(parser, name, "define clause");
}

static struct template_node *parse_call(struct parser *parser, bool block)
{
	const char *context = block ? "block clause" : "template clause";
	const struct template_token *token = parser_next_word(parser);
	struct template_node *node = parser_node(parser, NODE_TEMPLATE, token);
	if (node == NULL || !parse_name(parser, token, context, &node->text))
		return NULL;
	if (block || parser_peek_word(parser)->kind != TOKEN_RIGHT) {
		node->pipe = parser_pipe(parser, context, TOKEN_RIGHT);
		if (node->pipe == NULL)
			return NULL;
	} else {
		parser_next(parser);
	}
	return !block || parse_body(parser, node->text, context) ? node : NULL;
}

static struct template_node *parse_end(struct parser *parser)
{
	const struct template_token *token = parser_peek_word(parser);
	return expect(parser, TOKEN_RIGHT, "end") ? parser_node(parser, NODE_END, token) : NULL;
}

static struct template_node *parse_else_word(struct parser *parser)
{
	const struct template_token *token = parser_peek_word(parser);
	if (token->kind == TOKEN_IF || token->kind == TOKEN_WITH)
		return parser_node(parser, NODE_ELSE, token);
	return expect(parser, TOKEN_RIGHT, "else") ? parser_node(parser, NODE_ELSE, token) : NULL;
}

static struct template_node *parse_action(struct parser *parser)
{
	const struct template_token *token = parser_next_word(parser);
	struct template_node *node;
	switch (token->kind) {
	case TOKEN_BLOCK:
		return parse_call(parser, true);
	case TOKEN_BREAK:
		return parse_jump(parser, NODE_BREAK, token);
	case TOKEN_CONTINUE:
		return parse_jump(parser, NODE_CONTINUE, token);
	case TOKEN_ELSE:
		return parse_else_word(parser);
	case TOKEN_END:
		return parse_end(parser);
	case TOKEN_IF:
		return parse_control(parser, NODE_IF, "if");
	case TOKEN_RANGE:
		return parse_control(parser, NODE_RANGE, "range");
	case TOKEN_TEMPLATE:
		return parse_call(parser, false);
	case TOKEN_WITH:
		return parse_control(parser, NODE_WITH, "with");
	default:
		parser->at = (size_t)(token - parser->tokens);
		node = parser_node(parser, NODE_ACTION, token);
		if (node != NULL)
			node->pipe = parser_pipe(parser, "command", TOKEN_RIGHT);
		return node != NULL && node->pipe != NULL ? node : NULL;
	}
}

static struct template_node *parse_one(struct parser *parser)
{
	const struct template_token *token = parser_next_word(parser);
	if (token->kind == TOKEN_TEXT)
		return parser_node(parser, NODE_TEXT, token);
	if (token->kind != TOKEN_LEFT)
		return parser_unexpected(parser, token, "input");
	parser->action_line = template_line(parser->template->text, token->at);
	struct template_node *node = parse_action(parser);
	if (!parser->failed)
		parser->action_line = 0;
	return node;
}

/* Until {{end}} or {{else}}, which is given back. */
static struct template_node *parse_list(struct parser *parser, struct template_node **ret_end)
{
	struct template_node *list = parser_node(parser, NODE_LIST, parser_peek_word(parser));
	while (list != NULL && !parser->failed) {
		if (parser_peek_word(parser)->kind == TOKEN_EOF)
			return parser_wrong(parser, "unexpected EOF");
		struct template_node *node = parse_one(parser);
		if (node == NULL)
			return NULL;
		if (node->kind == NODE_END || node->kind == NODE_ELSE) {
			*ret_end = node;
			return list;
		}
		parser_append(list, node);
	}
	return NULL;
}

static bool parse_top(struct parser *parser, struct template_node *root)
{
	while (!parser->failed && parser_peek(parser)->kind != TOKEN_EOF) {
		size_t back = parser->at;
		if (parser_peek(parser)->kind == TOKEN_LEFT) {
			parser_next(parser);
			if (parser_next_word(parser)->kind == TOKEN_DEFINE) {
				if (!parse_define(parser))
					return false;
				continue;
			}
			parser->at = back;
		}
		struct template_node *node = parse_one(parser);
		if (node == NULL)
			return false;
		if (node->kind == NODE_END || node->kind == NODE_ELSE)
			return parser_wrong(parser, "unexpected %s", node->kind == NODE_END ? "{{end}}" : "{{else}}") != NULL;
		parser_append(root, node);
	}
	return !parser->failed;
}

static bool parse_all(struct parser *parser)
{
	struct template_token *tokens;
	if (!template_lex(parser->template->text, parser->scratch, &tokens, &parser->count))
		return parser_too_large(parser, "could not parse it: there is no memory for it") != NULL;
	parser->tokens = tokens;
	parser->variables[0] = STR("$");
	parser->variable_count = 1;
	struct template_node *root = parser_node(parser, NODE_LIST, &tokens[0]);
	return root != NULL && parse_top(parser, root) && add_tree(parser, parser->template->name, root);
}

bool template_is_one(struct str text)
{
	return text.len > 0 && memmem(text.ptr, text.len, "{{", 2) != NULL;
}

/* The text behind the variables of Prometheus, and the name in errors. */
static bool prepare(struct template *template, struct str alert, struct str text, struct arena *arena)
{
	char *whole = arena_try(arena, sizeof prelude + text.len), *name = arena_try(arena, sizeof "__alert_" + alert.len);
	if (whole == NULL || name == NULL)
		return false;
	memcpy(whole, prelude, sizeof prelude - 1);
	if (text.len > 0)
		memcpy(whole + sizeof prelude - 1, text.ptr, text.len);
	memcpy(name, "__alert_", 8);
	if (alert.len > 0)
		memcpy(name + 8, alert.ptr, alert.len);
	template->name = (struct str){ name, alert.len + 8 };
	template->text = (struct str){ whole, sizeof prelude - 1 + text.len };
	return true;
}

enum err template_parse(struct str alert, struct str text, struct arena *arena, struct template **ret_template,
			struct error *err)
{
	cleanup_arena struct arena scratch;
	struct error why = { .code = OK };
	arena_init(&scratch, SCRATCH_BYTES_MAX);
	if (text.len > TEMPLATE_TEXT_BYTES_MAX || alert.len > TEMPLATE_TEXT_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot take a template of more than %u bytes", TEMPLATE_TEXT_BYTES_MAX);
	struct template *template = arena_try(arena, sizeof *template);
	struct parser *parser = arena_new(&scratch, struct parser);
	if (template == NULL || !prepare(template, alert, text, arena))
		return error_set(err, ERR_TOO_LARGE, "could not parse a template: there is no memory for it");
	*parser = (struct parser){ .template = template, .arena = arena, .scratch = &scratch, .err = &why };
	if (parse_all(parser)) {
		*ret_template = template;
		return OK;
	}
	if (err != NULL)
		*err = why;
	return why.code;
}
