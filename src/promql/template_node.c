/* template_node.c: nodes as Go prints them in its errors; strings and characters in quotes. */
#include <string.h>

#include "promql/template_priv.h"

/* ---- printing ---- */

static void print_fields(const struct template_node *node, bool name_first, struct buf *buf)
{
	for (size_t i = 0; i < node->field_count; i++) {
		if (i > 0 || !name_first)
			buf_addc(buf, '.');
		buf_add(buf, node->fields[i]);
	}
}

static void print_command(const struct template_node *command, struct buf *buf)
{
	for (const struct template_node *arg = command->first; arg != NULL; arg = arg->next) {
		bool pipe = arg->kind == NODE_PIPE;
		buf_adds(buf, arg != command->first ? " " : "");
		buf_adds(buf, pipe ? "(" : "");
		template_node_print(arg, buf);
		buf_adds(buf, pipe ? ")" : "");
	}
}

static void print_pipe(const struct template_node *pipe, struct buf *buf)
{
	for (const struct template_node *variable = pipe->variables; variable != NULL; variable = variable->next) {
		buf_adds(buf, variable != pipe->variables ? ", " : "");
		template_node_print(variable, buf);
		if (variable->next == NULL)
			buf_adds(buf, pipe->assigns ? " = " : " := ");
	}
	for (const struct template_node *command = pipe->first; command != NULL; command = command->next) {
		buf_adds(buf, command != pipe->first ? " | " : "");
		print_command(command, buf);
	}
}

static void print_control(const struct template_node *node, const char *word, struct buf *buf)
{
	buf_printf(buf, "{{%s ", word);
	print_pipe(node->pipe, buf);
	buf_adds(buf, "}}");
	template_node_print(node->list, buf);
	if (node->otherwise != NULL) {
		buf_adds(buf, "{{else}}");
		template_node_print(node->otherwise, buf);
	}
	buf_adds(buf, "{{end}}");
}

static void print_call(const struct template_node *node, struct buf *buf)
{
	buf_adds(buf, "{{template ");
	promql_quote(node->text, buf);
	if (node->pipe != NULL) {
		buf_addc(buf, ' ');
		print_pipe(node->pipe, buf);
	}
	buf_adds(buf, "}}");
}

static void print_chain(const struct template_node *node, struct buf *buf)
{
	bool pipe = node->pipe->kind == NODE_PIPE;
	buf_adds(buf, pipe ? "(" : "");
	template_node_print(node->pipe, buf);
	buf_adds(buf, pipe ? ")" : "");
	print_fields(node, false, buf);
}

static void print_block(const struct template_node *node, struct buf *buf)
{
	switch (node->kind) {
	case NODE_ACTION:
		buf_adds(buf, "{{");
		print_pipe(node->pipe, buf);
		buf_adds(buf, "}}");
		break;
	case NODE_IF:
		print_control(node, "if", buf);
		break;
	case NODE_RANGE:
		print_control(node, "range", buf);
		break;
	case NODE_WITH:
		print_control(node, "with", buf);
		break;
	case NODE_TEMPLATE:
		print_call(node, buf);
		break;
	case NODE_LIST:
		for (const struct template_node *child = node->first; child != NULL && !buf->full; child = child->next)
			template_node_print(child, buf);
		break;
	default:
		break;
	}
}

/* As deep as the tree, which is at most TEMPLATE_NESTING_MAX. */
void template_node_print(const struct template_node *node, struct buf *buf)
{
	switch (node->kind) {
	case NODE_BREAK:
		buf_adds(buf, "{{break}}");
		break;
	case NODE_CONTINUE:
		buf_adds(buf, "{{continue}}");
		break;
	case NODE_END:
		buf_adds(buf, "{{end}}");
		break;
	case NODE_ELSE:
		buf_adds(buf, "{{else}}");
		break;
	case NODE_PIPE:
		print_pipe(node, buf);
		break;
	case NODE_COMMAND:
		print_command(node, buf);
		break;
	case NODE_FIELD:
	case NODE_VARIABLE:
		print_fields(node, node->kind == NODE_VARIABLE, buf);
		break;
	case NODE_CHAIN:
		print_chain(node, buf);
		break;
	case NODE_TEXT:
	case NODE_IDENTIFIER:
	case NODE_DOT:
	case NODE_NIL:
	case NODE_BOOL:
	case NODE_NUMBER:
	case NODE_STRING:
		buf_add(buf, node->text);
		break;
	default:
		print_block(node, buf);
	}
}

/* ---- quotes ---- */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* So many digits of a base. False: they are not there. */
static bool digits_of(struct str text, size_t *at, unsigned count, unsigned base, uint32_t *ret_value)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < count; i++, (*at)++) {
		int digit = *at < text.len ? hex_of(text.ptr[*at]) : -1;
		if (digit < 0 || (unsigned)digit >= base)
			return false;
		value = value * base + (unsigned)digit;
	}
	*ret_value = value;
	return true;
}

/* What stands after a backslash. */
static bool escape_of(struct str text, size_t *at, char quote, struct buf *buf)
{
	static const char letters[] = "abfnrtv\\", named[] = "\a\b\f\n\r\t\v\\";
	uint32_t value = 0;
	if (*at >= text.len)
		return false;
	char c = text.ptr[(*at)++];
	const char *found = c != '\0' ? strchr(letters, c) : NULL;
	if (found != NULL || c == quote) {
		buf_addc(buf, found != NULL ? named[found - letters] : c);
		return true;
	}
	if (c == 'x' || (c >= '0' && c <= '7')) {
		*at -= c != 'x';
		if (!digits_of(text, at, c == 'x' ? 2 : 3, c == 'x' ? 16 : 8, &value) || value > 255)
			return false;
		if (quote == '\'')
			rune_put(value, buf);
		else
			buf_addc(buf, (char)value);
		return true;
	}
	if ((c != 'u' && c != 'U') || !digits_of(text, at, c == 'u' ? 4 : 8, 16, &value) || value > 0x10ffff ||
	    (value >= 0xd800 && value < 0xe000))
		return false;
	rune_put(value, buf);
	return true;
}

static bool unescape(struct str inside, char quote, struct buf *buf)
{
	for (size_t at = 0; at < inside.len;) {
		char c = inside.ptr[at++];
		if (c == '\n' || c == quote)
			return false;
		if (c != '\\')
			buf_addc(buf, c);
		else if (!escape_of(inside, &at, quote, buf))
			return false;
	}
	return !buf->full;
}

bool template_unquote(struct str text, struct arena *arena, struct str *ret_text)
{
	cleanup_buf struct buf buf;
	struct str inside = str_sub(text, 1, text.len - 1);
	buf_init(&buf, TEMPLATE_TEXT_BYTES_MAX * 2);
	if (text.len < 2)
		return false;
	if (text.ptr[0] == '`') {
		for (size_t i = 0; i < inside.len; i++)
			if (inside.ptr[i] != '\r')
				buf_addc(&buf, inside.ptr[i]);
	} else if (!unescape(inside, text.ptr[0], &buf)) {
		return false;
	}
	char *kept = arena_try(arena, buf.used + 1);
	if (kept == NULL)
		return false;
	if (buf.used > 0)
		memcpy(kept, buf.bytes, buf.used);
	*ret_text = (struct str){ kept, buf.used };
	return true;
}
