/* template_term.c: what stands inside the braces: tokens, terms, commands, pipes, with Go's words for what is wrong. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/template_parse.h"

/* ---- what is wrong ---- */

void *parser_wrong(struct parser *parser, const char *format, ...)
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
void *parser_wrong_quoting(struct parser *parser, const char *format, struct str text)
{
	cleanup_buf struct buf shown;
	const char *mark = strstr(format, "%s");
	buf_init(&shown, PARSER_SHOWN_BYTES_MAX);
	buf_add(&shown, (struct str){ format, (size_t)(mark - format) });
	promql_quote(text, &shown);
	buf_adds(&shown, mark + 2);
	return parser_wrong(parser, "%s", shown.bytes);
}

void *parser_too_large(struct parser *parser, const char *what)
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

void *parser_unexpected(struct parser *parser, const struct template_token *token, const char *context)
{
	cleanup_buf struct buf shown;
	buf_init(&shown, PARSER_SHOWN_BYTES_MAX);
	show_token(token, &shown);
	if (token->kind != TOKEN_ERROR)
		return parser_wrong(parser, "unexpected %s in %s", shown.used > 0 ? shown.bytes : "", context);
	unsigned line = template_line(parser->template->text, token->at);
	bool named = str_ends(token->text, STR(" action"));
	if (parser->action_line == 0 || parser->action_line == line)
		return parser_wrong(parser, "%s", shown.bytes);
	return parser_wrong(parser, "%s%s started at " STR_FMT ":%u", shown.bytes, named ? "" : " in action",
		     STR_ARG(parser->template->name), parser->action_line);
}

/* ---- tokens ---- */

const struct template_token *parser_next(struct parser *parser)
{
	const struct template_token *token = &parser->tokens[parser->at];
	if (parser->at > parser->furthest)
		parser->furthest = parser->at;
	if (parser->at + 1 < parser->count)
		parser->at++;
	return token;
}

const struct template_token *parser_peek(struct parser *parser)
{
	if (parser->at > parser->furthest)
		parser->furthest = parser->at;
	return &parser->tokens[parser->at];
}

const struct template_token *parser_peek_word(struct parser *parser)
{
	while (parser_peek(parser)->kind == TOKEN_SPACE)
		parser_next(parser);
	return parser_peek(parser);
}

const struct template_token *parser_next_word(struct parser *parser)
{
	parser_peek_word(parser);
	return parser_next(parser);
}

/* ---- nodes ---- */

struct template_node *parser_node(struct parser *parser, enum template_node_kind kind,
				  const struct template_token *token)
{
	struct template_node *node = arena_try(parser->arena, sizeof *node);
	if (node == NULL)
		return parser_too_large(parser, "could not parse it: there is no memory for it");
	node->kind = kind;
	node->at = token->at;
	node->text = token->text;
	return node;
}

void parser_append(struct template_node *list, struct template_node *child)
{
	if (list->last != NULL)
		list->last->next = child;
	else
		list->first = child;
	list->last = child;
}

bool parser_deeper(struct parser *parser)
{
	if (parser->depth++ < TEMPLATE_NESTING_MAX)
		return true;
	parser_too_large(parser, "cannot nest blocks or parentheses any deeper");
	return false;
}


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
		return parser_wrong(parser, "invalid syntax");
	if (at != inside.len)
		return parser_wrong(parser, "malformed character constant: " STR_FMT, STR_ARG(node->text));
	node->whole = node->fraction = true;
	node->number = rune;
	node->real = rune;
	return node;
}

static struct template_node *parse_number(struct parser *parser, const struct template_token *token)
{
	struct template_node *node = parser_node(parser, NODE_NUMBER, token);
	char text[80];
	bool beyond = false;
	if (node == NULL)
		return NULL;
	if (token->kind == TOKEN_CHARACTER)
		return parse_character(parser, node);
	if (token->kind == TOKEN_COMPLEX || str_ends(token->text, STR("i")))
		return parser_wrong(parser, "complex numbers are not supported: " STR_FMT, STR_ARG(token->text));
	if (token->text.len >= sizeof text)
		return parser_wrong(parser, "illegal number syntax: \"" STR_FMT "\"", STR_ARG(token->text));
	memcpy(text, token->text.ptr, token->text.len);
	text[token->text.len] = '\0';
	node->whole = read_whole(text, &node->number, &beyond);
	if (node->whole || beyond) {
		node->fraction = node->whole;
		node->real = (double)node->number;
		return node->whole ? node : parser_wrong(parser, "integer overflow: \"" STR_FMT "\"", STR_ARG(token->text));
	}
	read_float(node, text);
	if (node->fraction && strpbrk(text, ".eEpP") == NULL)
		return parser_wrong(parser, "integer overflow: \"" STR_FMT "\"", STR_ARG(token->text));
	return node->fraction ? node : parser_wrong(parser, "illegal number syntax: \"" STR_FMT "\"", STR_ARG(token->text));
}

/* ".a", or "$x": its one field; what follows is added to it. */
static struct template_node *with_fields(struct parser *parser, struct template_node *node, size_t kept)
{
	size_t count = 0;
	for (size_t i = parser->at; parser->tokens[i].kind == TOKEN_FIELD; i++)
		count++;
	struct str *fields = arena_try(parser->arena, (kept + count + 1) * sizeof *fields);
	if (fields == NULL)
		return parser_too_large(parser, "could not parse it: there is no memory for it");
	for (size_t i = 0; i < kept; i++)
		fields[i] = node->fields[i];
	if (count > 0)
		node->at = parser_peek(parser)->at;
	for (size_t i = 0; i < count; i++) {
		struct str name = parser_next(parser)->text;
		fields[kept + i] = str_sub(name, 1, name.len);
	}
	node->fields = fields;
	node->field_count = kept + count;
	return node;
}

static struct template_node *parse_named(struct parser *parser, enum template_node_kind kind,
					 const struct template_token *token)
{
	struct template_node *node = parser_node(parser, kind, token);
	struct str *name = arena_try(parser->arena, sizeof *name);
	if (node == NULL || name == NULL)
		return parser_too_large(parser, "could not parse it: there is no memory for it");
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
	return parser_wrong_quoting(parser, "undefined variable %s", token->text);
}

static struct template_node *parse_function(struct parser *parser, const struct template_token *token)
{
	struct template_node *node = parser_node(parser, NODE_IDENTIFIER, token);
	if (node == NULL)
		return NULL;
	node->function = template_function_find(token->text);
	return node->function != NULL ? node : parser_wrong_quoting(parser, "function %s not defined", token->text);
}

static struct template_node *parse_string(struct parser *parser, const struct template_token *token)
{
	struct template_node *node = parser_node(parser, NODE_STRING, token);
	if (node != NULL && !template_unquote(token->text, parser->arena, &node->value))
		return parser_wrong(parser, "invalid syntax");
	return node;
}

static struct template_node *parse_parentheses(struct parser *parser)
{
	if (!parser_deeper(parser))
		return NULL;
	struct template_node *pipe = parser_pipe(parser, "parenthesized pipeline", TOKEN_CLOSE);
	parser->depth--;
	return pipe;
}

/* NULL: there is none, or it is wrong. */
static struct template_node *parse_term(struct parser *parser)
{
	const struct template_token *token = parser_next_word(parser);
	struct template_node *node;
	switch (token->kind) {
	case TOKEN_IDENTIFIER:
		return parse_function(parser, token);
	case TOKEN_DOT:
		return parser_node(parser, NODE_DOT, token);
	case TOKEN_NIL:
		return parser_node(parser, NODE_NIL, token);
	case TOKEN_VARIABLE:
		return parse_variable(parser, token);
	case TOKEN_FIELD:
		return parse_named(parser, NODE_FIELD, token);
	case TOKEN_BOOL:
		node = parser_node(parser, NODE_BOOL, token);
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
	if (node == NULL || parser_peek(parser)->kind != TOKEN_FIELD)
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
		while (parser_peek(parser)->kind == TOKEN_FIELD)
			parser_next(parser);
		return parser_wrong_quoting(parser, "unexpected . after term %s", node->text);
	default:
		chain = parser_node(parser, NODE_CHAIN, parser_peek(parser));
		if (chain == NULL)
			return NULL;
		chain->pipe = node;
		return with_fields(parser, chain, 0);
	}
}

/* ---- pipes ---- */

static struct template_node *parse_command(struct parser *parser)
{
	struct template_node *command = parser_node(parser, NODE_COMMAND, parser_peek_word(parser));
	while (command != NULL && !parser->failed) {
		parser_peek_word(parser);
		struct template_node *operand = parse_operand(parser);
		if (parser->failed)
			return NULL;
		if (operand != NULL)
			parser_append(command, operand);
		const struct template_token *token = parser_next(parser);
		if (token->kind == TOKEN_SPACE)
			continue;
		if (token->kind == TOKEN_RIGHT || token->kind == TOKEN_CLOSE)
			parser->at--;
		else if (token->kind != TOKEN_PIPE)
			return parser_unexpected(parser, token, "operand");
		break;
	}
	if (command != NULL && command->first == NULL)
		return parser_wrong(parser, "empty command");
	return command;
}

static struct template_node *check_pipe(struct parser *parser, struct template_node *pipe, const char *context)
{
	unsigned stage = 1;
	if (pipe->first == NULL)
		return parser_wrong(parser, "missing value for %s", context);
	for (struct template_node *command = pipe->first->next; command != NULL; command = command->next) {
		stage++;
		switch (command->first->kind) {
		case NODE_BOOL:
		case NODE_DOT:
		case NODE_NIL:
		case NODE_NUMBER:
		case NODE_STRING:
			return parser_wrong(parser, "non executable command in pipeline stage %u", stage);
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
		return parser_too_large(parser, "cannot keep more variables") != NULL;
	parser->variables[parser->variable_count++] = name->text;
	return true;
}

/* "$x :=", "$x =", "$i, $x :=" of a range; anything else is left where it is. */
static bool parse_declarations(struct parser *parser, struct template_node *pipe, const char *context)
{
	for (int count = 0; parser_peek_word(parser)->kind == TOKEN_VARIABLE; count++) {
		size_t back = parser->at;
		const struct template_token *name = parser_next(parser);
		const struct template_token *after = parser_peek_word(parser);
		if (after->kind == TOKEN_ASSIGN || after->kind == TOKEN_DECLARE) {
			parser_next(parser);
			pipe->assigns = after->kind == TOKEN_ASSIGN;
			return declare(parser, pipe, name);
		}
		if (after->kind != TOKEN_OTHER || !str_is(after->text, ",")) {
			parser->at = back;
			return true;
		}
		parser_next(parser);
		if (!declare(parser, pipe, name))
			return false;
		enum template_token_kind then = parser_peek_word(parser)->kind;
		if (strcmp(context, "range") != 0 || count > 0)
			return parser_wrong(parser, "too many declarations in %s", context) != NULL;
		if (then != TOKEN_VARIABLE && then != TOKEN_RIGHT && then != TOKEN_CLOSE)
			return parser_wrong(parser, "range can only initialize variables") != NULL;
	}
	return true;
}

struct template_node *parser_pipe(struct parser *parser, const char *context, enum template_token_kind end)
{
	struct template_node *pipe = parser_node(parser, NODE_PIPE, parser_peek_word(parser));
	if (pipe == NULL || !parse_declarations(parser, pipe, context))
		return NULL;
	while (!parser->failed) {
		const struct template_token *token = parser_next_word(parser);
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
			return parser_unexpected(parser, token, context);
		}
		parser->at = (size_t)(token - parser->tokens);
		struct template_node *command = parse_command(parser);
		if (command == NULL)
			return NULL;
		parser_append(pipe, command);
	}
	return NULL;
}
