/* template_parse.c: tokens into the trees of a template, with the words of Go's parser for what is wrong. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "promql/template_priv.h"

/* Prometheus writes these before every template of an alert. */
static const char prelude[] = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}"
			      "{{$value := .Value}}";

#define SCRATCH_BYTES_MAX (16u << 20)
#define SHOWN_BYTES_MAX 400u /* of a part of the text in an error */

struct parser {
	struct template *template;
	struct arena *arena;    /* of what stays */
	struct arena *scratch;
	struct error *err;
	const struct template_token *tokens;
	size_t count, at, furthest;
	struct str variables[TEMPLATE_VARIABLES_MAX];
	size_t variable_count;
	unsigned ranges, depth;
	unsigned action_line; /* 0: in none */
	bool failed;
};

/* ---- what is wrong ---- */

static void *wrong(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void *wrong(struct parser *parser, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	if (parser->failed)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	const struct template_token *token = &parser->tokens[parser->furthest];
	error_set(parser->err, ERR_INVALID, "template: " STR_FMT ":%u: %s", STR_ARG(parser->template->name),
		  template_line(parser->template->text, token->at), text);
	parser->failed = true;
	return NULL;
}

/* The format has one %s, for the quoted text. */
static void *wrong_quoting(struct parser *parser, const char *format, struct str text)
{
	cleanup_buf struct buf shown;
	const char *mark = strstr(format, "%s");
	buf_init(&shown, SHOWN_BYTES_MAX);
	buf_add(&shown, (struct str){ format, (size_t)(mark - format) });
	promql_quote(text, &shown);
	buf_adds(&shown, mark + 2);
	return wrong(parser, "%s", shown.bytes);
}

static void *too_large(struct parser *parser, const char *what)
{
	if (!parser->failed)
		error_set(parser->err, ERR_TOO_LARGE, "template: " STR_FMT ": %s", STR_ARG(parser->template->name), what);
	parser->failed = true;
	return NULL;
}

static void show_token(const struct template_token *token, struct buf *buf)
{
	if (token->kind == TOKEN_EOF) {
		buf_adds(buf, "EOF");
	} else if (token->kind == TOKEN_ERROR) {
		buf_add(buf, token->text);
	} else if (token->kind > TOKEN_KEYWORD) {
		buf_printf(buf, "<" STR_FMT ">", STR_ARG(token->text));
	} else {
		size_t at = 0;
		for (int runes = 0; runes < 10 && at < token->text.len; runes++)
			rune_next(token->text, &at);
		bool cut = token->text.len > 10;
		promql_quote(cut ? str_sub(token->text, 0, at) : token->text, buf);
		buf_adds(buf, cut ? "..." : "");
	}
}

static void *unexpected(struct parser *parser, const struct template_token *token, const char *context)
{
	cleanup_buf struct buf shown;
	buf_init(&shown, SHOWN_BYTES_MAX);
	show_token(token, &shown);
	if (token->kind != TOKEN_ERROR)
		return wrong(parser, "unexpected %s in %s", shown.used > 0 ? shown.bytes : "", context);
	unsigned line = template_line(parser->template->text, token->at);
	bool named = str_ends(token->text, STR(" action"));
	if (parser->action_line == 0 || parser->action_line == line)
		return wrong(parser, "%s", shown.bytes);
	return wrong(parser, "%s%s started at " STR_FMT ":%u", shown.bytes, named ? "" : " in action",
		     STR_ARG(parser->template->name), parser->action_line);
}

/* ---- tokens ---- */

static const struct template_token *next(struct parser *parser)
{
	const struct template_token *token = &parser->tokens[parser->at];
	if (parser->at > parser->furthest)
		parser->furthest = parser->at;
	if (parser->at + 1 < parser->count)
		parser->at++;
	return token;
}

static const struct template_token *peek(struct parser *parser)
{
	if (parser->at > parser->furthest)
		parser->furthest = parser->at;
	return &parser->tokens[parser->at];
}

static const struct template_token *peek_word(struct parser *parser)
{
	while (peek(parser)->kind == TOKEN_SPACE)
		next(parser);
	return peek(parser);
}

static const struct template_token *next_word(struct parser *parser)
{
	peek_word(parser);
	return next(parser);
}

static bool expect(struct parser *parser, enum template_token_kind kind, const char *context)
{
	const struct template_token *token = next_word(parser);
	return token->kind == kind || (unexpected(parser, token, context), false);
}

/* ---- nodes ---- */

static struct template_node *node_new(struct parser *parser, enum template_node_kind kind,
				      const struct template_token *token)
{
	struct template_node *node = arena_try(parser->arena, sizeof *node);
	if (node == NULL)
		return too_large(parser, "could not parse it: there is no memory for it");
	node->kind = kind;
	node->at = token->at;
	node->text = token->text;
	return node;
}

static void append(struct template_node *list, struct template_node *child)
{
	if (list->last != NULL)
		list->last->next = child;
	else
		list->first = child;
	list->last = child;
}

static bool deeper(struct parser *parser)
{
	if (parser->depth++ < TEMPLATE_NESTING_MAX)
		return true;
	too_large(parser, "cannot nest blocks or parentheses any deeper");
	return false;
}

static struct template_node *parse_pipe(struct parser *parser, const char *context, enum template_token_kind end);
static struct template_node *parse_list(struct parser *parser, struct template_node **ret_end);

/* ---- terms ---- */

static void read_float(struct template_node *node, const char *text)
{
	char plain[64];
	size_t used = 0;
	for (const char *c = text; *c != '\0' && used + 1 < sizeof plain; c++)
		if (*c != '_')
			plain[used++] = *c;
	plain[used] = '\0';
	char *end;
	double value = strtod(plain, &end);
	bool digits = strpbrk(plain, "0123456789") != NULL;
	if (*end != '\0' || end == plain || !digits || isinf(value) || strlen(text) >= sizeof plain)
		return;
	node->fraction = true;
	node->real = value;
	if (!node->whole && value >= -9.2233720368547758e18 && value < 9.2233720368547758e18 && value == floor(value)) {
		node->whole = true;
		node->number = (int64_t)value;
	}
}

/* As strconv.ParseInt with base 0. False: no whole number, or beyond 64 bits. */
static bool read_whole(const char *text, int64_t *ret_number, bool *ret_beyond)
{
	bool minus = text[0] == '-';
	const char *digits = text + (text[0] == '-' || text[0] == '+');
	int base = 10;
	if (digits[0] == '0' && digits[1] != '\0') {
		char kind = (char)(digits[1] | 0x20);
		base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 8;
		digits += kind == 'x' || kind == 'o' || kind == 'b' ? 2 : 1;
	}
	char plain[80];
	size_t used = 0;
	for (; *digits != '\0' && used + 1 < sizeof plain; digits++)
		if (*digits != '_')
			plain[used++] = *digits;
	plain[used] = '\0';
	char *end;
	errno = 0;
	unsigned long long value = strtoull(plain, &end, base);
	if (*end != '\0' || end == plain || *digits != '\0')
		return false;
	*ret_beyond = errno == ERANGE || value > (unsigned long long)INT64_MAX + minus;
	*ret_number = minus ? (int64_t)(0 - value) : (int64_t)value;
	return !*ret_beyond;
}

static struct template_node *parse_character(struct parser *parser, struct template_node *node)
{
	struct str inside;
	size_t at = 0;
	uint32_t rune = 0;
	bool good = template_unquote(node->text, parser->arena, &inside);
	if (good && inside.len > 0)
		rune = rune_next(inside, &at);
	if (!good || inside.len == 0)
		return wrong(parser, "invalid syntax");
	if (at != inside.len)
		return wrong(parser, "malformed character constant: " STR_FMT, STR_ARG(node->text));
	node->whole = node->fraction = true;
	node->number = rune;
	node->real = rune;
	return node;
}

static struct template_node *parse_number(struct parser *parser, const struct template_token *token)
{
	struct template_node *node = node_new(parser, NODE_NUMBER, token);
	char text[80];
	bool beyond = false;
	if (node == NULL)
		return NULL;
	if (token->kind == TOKEN_CHARACTER)
		return parse_character(parser, node);
	if (token->kind == TOKEN_COMPLEX || str_ends(token->text, STR("i")))
		return wrong(parser, "complex numbers are not supported: " STR_FMT, STR_ARG(token->text));
	if (token->text.len >= sizeof text)
		return wrong(parser, "illegal number syntax: \"" STR_FMT "\"", STR_ARG(token->text));
	memcpy(text, token->text.ptr, token->text.len);
	text[token->text.len] = '\0';
	node->whole = read_whole(text, &node->number, &beyond);
	if (node->whole || beyond) {
		node->fraction = node->whole;
		node->real = (double)node->number;
		return node->whole ? node : wrong(parser, "integer overflow: \"" STR_FMT "\"", STR_ARG(token->text));
	}
	read_float(node, text);
	if (node->fraction && strpbrk(text, ".eEpP") == NULL)
		return wrong(parser, "integer overflow: \"" STR_FMT "\"", STR_ARG(token->text));
	return node->fraction ? node : wrong(parser, "illegal number syntax: \"" STR_FMT "\"", STR_ARG(token->text));
}

/* ".a", or "$x": its one field; what follows is added to it. */
static struct template_node *with_fields(struct parser *parser, struct template_node *node, size_t kept)
{
	size_t count = 0;
	for (size_t i = parser->at; parser->tokens[i].kind == TOKEN_FIELD; i++)
		count++;
	struct str *fields = arena_try(parser->arena, (kept + count + 1) * sizeof *fields);
	if (fields == NULL)
		return too_large(parser, "could not parse it: there is no memory for it");
	for (size_t i = 0; i < kept; i++)
		fields[i] = node->fields[i];
	if (count > 0)
		node->at = peek(parser)->at;
	for (size_t i = 0; i < count; i++) {
		struct str name = next(parser)->text;
		fields[kept + i] = str_sub(name, 1, name.len);
	}
	node->fields = fields;
	node->field_count = kept + count;
	return node;
}

static struct template_node *parse_named(struct parser *parser, enum template_node_kind kind,
					 const struct template_token *token)
{
	struct template_node *node = node_new(parser, kind, token);
	struct str *name = arena_try(parser->arena, sizeof *name);
	if (node == NULL || name == NULL)
		return too_large(parser, "could not parse it: there is no memory for it");
	*name = kind == NODE_FIELD ? str_sub(token->text, 1, token->text.len) : token->text;
	node->fields = name;
	node->field_count = 1;
	return node;
}

static struct template_node *parse_variable(struct parser *parser, const struct template_token *token)
{
	for (size_t i = parser->variable_count; i-- > 0;)
		if (str_eq(parser->variables[i], token->text))
			return parse_named(parser, NODE_VARIABLE, token);
	return wrong_quoting(parser, "undefined variable %s", token->text);
}

static struct template_node *parse_function(struct parser *parser, const struct template_token *token)
{
	struct template_node *node = node_new(parser, NODE_IDENTIFIER, token);
	if (node == NULL)
		return NULL;
	node->function = template_function_find(token->text);
	return node->function != NULL ? node : wrong_quoting(parser, "function %s not defined", token->text);
}

static struct template_node *parse_string(struct parser *parser, const struct template_token *token)
{
	struct template_node *node = node_new(parser, NODE_STRING, token);
	if (node != NULL && !template_unquote(token->text, parser->arena, &node->value))
		return wrong(parser, "invalid syntax");
	return node;
}

static struct template_node *parse_parentheses(struct parser *parser)
{
	if (!deeper(parser))
		return NULL;
	struct template_node *pipe = parse_pipe(parser, "parenthesized pipeline", TOKEN_CLOSE);
	parser->depth--;
	return pipe;
}

/* NULL: there is none, or it is wrong. */
static struct template_node *parse_term(struct parser *parser)
{
	const struct template_token *token = next_word(parser);
	struct template_node *node;
	switch (token->kind) {
	case TOKEN_IDENTIFIER:
		return parse_function(parser, token);
	case TOKEN_DOT:
		return node_new(parser, NODE_DOT, token);
	case TOKEN_NIL:
		return node_new(parser, NODE_NIL, token);
	case TOKEN_VARIABLE:
		return parse_variable(parser, token);
	case TOKEN_FIELD:
		return parse_named(parser, NODE_FIELD, token);
	case TOKEN_BOOL:
		node = node_new(parser, NODE_BOOL, token);
		if (node != NULL)
			node->truth = str_is(token->text, "true");
		return node;
	case TOKEN_CHARACTER:
	case TOKEN_NUMBER:
	case TOKEN_COMPLEX:
		return parse_number(parser, token);
	case TOKEN_OPEN:
		return parse_parentheses(parser);
	case TOKEN_STRING:
		return parse_string(parser, token);
	default:
		parser->at = (size_t)(token - parser->tokens);
		return NULL;
	}
}

static struct template_node *parse_operand(struct parser *parser)
{
	struct template_node *node = parse_term(parser);
	if (node == NULL || peek(parser)->kind != TOKEN_FIELD)
		return node;
	struct template_node *chain;
	switch (node->kind) {
	case NODE_FIELD:
	case NODE_VARIABLE:
		return with_fields(parser, node, node->field_count);
	case NODE_BOOL:
	case NODE_STRING:
	case NODE_NUMBER:
	case NODE_NIL:
	case NODE_DOT:
		while (peek(parser)->kind == TOKEN_FIELD)
			next(parser);
		return wrong_quoting(parser, "unexpected . after term %s", node->text);
	default:
		chain = node_new(parser, NODE_CHAIN, peek(parser));
		if (chain == NULL)
			return NULL;
		chain->pipe = node;
		return with_fields(parser, chain, 0);
	}
}

/* ---- pipes ---- */

static struct template_node *parse_command(struct parser *parser)
{
	struct template_node *command = node_new(parser, NODE_COMMAND, peek_word(parser));
	while (command != NULL && !parser->failed) {
		peek_word(parser);
		struct template_node *operand = parse_operand(parser);
		if (parser->failed)
			return NULL;
		if (operand != NULL)
			append(command, operand);
		const struct template_token *token = next(parser);
		if (token->kind == TOKEN_SPACE)
			continue;
		if (token->kind == TOKEN_RIGHT || token->kind == TOKEN_CLOSE)
			parser->at--;
		else if (token->kind != TOKEN_PIPE)
			return unexpected(parser, token, "operand");
		break;
	}
	if (command != NULL && command->first == NULL)
		return wrong(parser, "empty command");
	return command;
}

static struct template_node *check_pipe(struct parser *parser, struct template_node *pipe, const char *context)
{
	unsigned stage = 1;
	if (pipe->first == NULL)
		return wrong(parser, "missing value for %s", context);
	for (struct template_node *command = pipe->first->next; command != NULL; command = command->next) {
		stage++;
		switch (command->first->kind) {
		case NODE_BOOL:
		case NODE_DOT:
		case NODE_NIL:
		case NODE_NUMBER:
		case NODE_STRING:
			return wrong(parser, "non executable command in pipeline stage %u", stage);
		default:
			break;
		}
	}
	return pipe;
}

static bool declare(struct parser *parser, struct template_node *pipe, const struct template_token *name)
{
	struct template_node *variable = parse_named(parser, NODE_VARIABLE, name);
	if (variable == NULL)
		return false;
	struct template_node **end = &pipe->variables;
	while (*end != NULL)
		end = &(*end)->next;
	*end = variable;
	if (parser->variable_count == TEMPLATE_VARIABLES_MAX)
		return too_large(parser, "cannot keep more variables") != NULL;
	parser->variables[parser->variable_count++] = name->text;
	return true;
}

/* "$x :=", "$x =", "$i, $x :=" of a range; anything else is left where it is. */
static bool parse_declarations(struct parser *parser, struct template_node *pipe, const char *context)
{
	for (int count = 0; peek_word(parser)->kind == TOKEN_VARIABLE; count++) {
		size_t back = parser->at;
		const struct template_token *name = next(parser);
		const struct template_token *after = peek_word(parser);
		if (after->kind == TOKEN_ASSIGN || after->kind == TOKEN_DECLARE) {
			next(parser);
			pipe->assigns = after->kind == TOKEN_ASSIGN;
			return declare(parser, pipe, name);
		}
		if (after->kind != TOKEN_OTHER || !str_is(after->text, ",")) {
			parser->at = back;
			return true;
		}
		next(parser);
		if (!declare(parser, pipe, name))
			return false;
		enum template_token_kind then = peek_word(parser)->kind;
		if (strcmp(context, "range") != 0 || count > 0)
			return wrong(parser, "too many declarations in %s", context) != NULL;
		if (then != TOKEN_VARIABLE && then != TOKEN_RIGHT && then != TOKEN_CLOSE)
			return wrong(parser, "range can only initialize variables") != NULL;
	}
	return true;
}

static struct template_node *parse_pipe(struct parser *parser, const char *context, enum template_token_kind end)
{
	struct template_node *pipe = node_new(parser, NODE_PIPE, peek_word(parser));
	if (pipe == NULL || !parse_declarations(parser, pipe, context))
		return NULL;
	while (!parser->failed) {
		const struct template_token *token = next_word(parser);
		if (token->kind == end)
			return check_pipe(parser, pipe, context);
		switch (token->kind) {
		case TOKEN_BOOL:
		case TOKEN_CHARACTER:
		case TOKEN_COMPLEX:
		case TOKEN_DOT:
		case TOKEN_FIELD:
		case TOKEN_IDENTIFIER:
		case TOKEN_NUMBER:
		case TOKEN_NIL:
		case TOKEN_STRING:
		case TOKEN_VARIABLE:
		case TOKEN_OPEN:
			break;
		default:
			return unexpected(parser, token, context);
		}
		parser->at = (size_t)(token - parser->tokens);
		struct template_node *command = parse_command(parser);
		if (command == NULL)
			return NULL;
		append(pipe, command);
	}
	return NULL;
}

/* ---- blocks ---- */

static struct template_node *parse_control(struct parser *parser, enum template_node_kind kind, const char *context);

/* After {{else: "if", and "with" after "with", begin a control that ends with the same {{end}}. */
static bool parse_else(struct parser *parser, struct template_node *node, const char *context,
		       const struct template_node *mark)
{
	struct template_node *end;
	bool again = (node->kind == NODE_IF && peek(parser)->kind == TOKEN_IF) ||
		     (node->kind == NODE_WITH && peek(parser)->kind == TOKEN_WITH);
	if (!again) {
		node->otherwise = parse_list(parser, &end);
		if (node->otherwise == NULL)
			return false;
		return end->kind == NODE_END || wrong(parser, "expected end; found {{else}}") != NULL;
	}
	next(parser);
	node->otherwise = node_new(parser, NODE_LIST, &parser->tokens[parser->at]);
	if (node->otherwise == NULL)
		return false;
	node->otherwise->at = mark->at;
	struct template_node *inner = parse_control(parser, node->kind, context);
	if (inner != NULL)
		append(node->otherwise, inner);
	return inner != NULL;
}

static struct template_node *parse_control(struct parser *parser, enum template_node_kind kind, const char *context)
{
	size_t variables = parser->variable_count;
	struct template_node *node = node_new(parser, kind, peek(parser)), *end;
	if (node == NULL || !deeper(parser))
		return NULL;
	node->pipe = parse_pipe(parser, context, TOKEN_RIGHT);
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
	const struct template_token *after = next_word(parser);
	if (after->kind != TOKEN_RIGHT)
		return unexpected(parser, after, leaves ? "{{break}}" : "{{continue}}");
	if (parser->ranges == 0)
		return wrong(parser, "{{%s}} outside {{range}}", leaves ? "break" : "continue");
	return node_new(parser, kind, token);
}

static bool parse_name(struct parser *parser, const struct template_token *token, const char *context, struct str *ret)
{
	if (token->kind != TOKEN_STRING)
		return unexpected(parser, token, context) != NULL;
	return template_unquote(token->text, parser->arena, ret) || wrong(parser, "invalid syntax") != NULL;
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
		       wrong_quoting(parser, "template: multiple definition of template %s", name) != NULL;
	if (tree == NULL) {
		tree = arena_try(parser->arena, sizeof *tree);
		if (tree == NULL)
			return too_large(parser, "could not parse it: there is no memory for it") != NULL;
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
	if (kept == NULL || !deeper(parser))
		return too_large(parser, "could not parse it: there is no memory for it") != NULL;
	memcpy(kept, parser->variables, count * sizeof *kept);
	parser->variable_count = 1;
	parser->ranges = 0;
	root = parse_list(parser, &end);
	if (root == NULL)
		return false;
	if (end->kind != NODE_END)
		return wrong(parser, "unexpected {{else}} in %s", context) != NULL;
	memcpy(parser->variables, kept, count * sizeof *kept);
	parser->variable_count = count;
	parser->ranges = ranges;
	parser->depth--;
	return add_tree(parser, name, root);
}

static bool parse_define(struct parser *parser)
{
	struct str name;
	return parse_name(parser, next_word(parser), "define clause", &name) &&
	       expect(parser, TOKEN_RIGHT, "define clause") && parse_body(parser, name, "define clause");
}

static struct template_node *parse_call(struct parser *parser, bool block)
{
	const char *context = block ? "block clause" : "template clause";
	const struct template_token *token = next_word(parser);
	struct template_node *node = node_new(parser, NODE_TEMPLATE, token);
	if (node == NULL || !parse_name(parser, token, context, &node->text))
		return NULL;
	if (block || peek_word(parser)->kind != TOKEN_RIGHT) {
		node->pipe = parse_pipe(parser, context, TOKEN_RIGHT);
		if (node->pipe == NULL)
			return NULL;
	} else {
		next(parser);
	}
	return !block || parse_body(parser, node->text, context) ? node : NULL;
}

static struct template_node *parse_end(struct parser *parser)
{
	const struct template_token *token = peek_word(parser);
	return expect(parser, TOKEN_RIGHT, "end") ? node_new(parser, NODE_END, token) : NULL;
}

static struct template_node *parse_else_word(struct parser *parser)
{
	const struct template_token *token = peek_word(parser);
	if (token->kind == TOKEN_IF || token->kind == TOKEN_WITH)
		return node_new(parser, NODE_ELSE, token);
	return expect(parser, TOKEN_RIGHT, "else") ? node_new(parser, NODE_ELSE, token) : NULL;
}

static struct template_node *parse_action(struct parser *parser)
{
	const struct template_token *token = next_word(parser);
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
		node = node_new(parser, NODE_ACTION, token);
		if (node != NULL)
			node->pipe = parse_pipe(parser, "command", TOKEN_RIGHT);
		return node != NULL && node->pipe != NULL ? node : NULL;
	}
}

static struct template_node *parse_one(struct parser *parser)
{
	const struct template_token *token = next_word(parser);
	if (token->kind == TOKEN_TEXT)
		return node_new(parser, NODE_TEXT, token);
	if (token->kind != TOKEN_LEFT)
		return unexpected(parser, token, "input");
	parser->action_line = template_line(parser->template->text, token->at);
	struct template_node *node = parse_action(parser);
	if (!parser->failed)
		parser->action_line = 0;
	return node;
}

/* Until {{end}} or {{else}}, which is given back. */
static struct template_node *parse_list(struct parser *parser, struct template_node **ret_end)
{
	struct template_node *list = node_new(parser, NODE_LIST, peek_word(parser));
	while (list != NULL && !parser->failed) {
		if (peek_word(parser)->kind == TOKEN_EOF)
			return wrong(parser, "unexpected EOF");
		struct template_node *node = parse_one(parser);
		if (node == NULL)
			return NULL;
		if (node->kind == NODE_END || node->kind == NODE_ELSE) {
			*ret_end = node;
			return list;
		}
		append(list, node);
	}
	return NULL;
}

static bool parse_top(struct parser *parser, struct template_node *root)
{
	while (!parser->failed && peek(parser)->kind != TOKEN_EOF) {
		size_t back = parser->at;
		if (peek(parser)->kind == TOKEN_LEFT) {
			next(parser);
			if (next_word(parser)->kind == TOKEN_DEFINE) {
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
			return wrong(parser, "unexpected %s", node->kind == NODE_END ? "{{end}}" : "{{else}}") != NULL;
		append(root, node);
	}
	return !parser->failed;
}

static bool parse_all(struct parser *parser)
{
	struct template_token *tokens;
	if (!template_lex(parser->template->text, parser->scratch, &tokens, &parser->count))
		return too_large(parser, "could not parse it: there is no memory for it") != NULL;
	parser->tokens = tokens;
	parser->variables[0] = STR("$");
	parser->variable_count = 1;
	struct template_node *root = node_new(parser, NODE_LIST, &tokens[0]);
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
