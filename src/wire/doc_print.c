/* doc_print.c: see doc_print.h. Recursion is bounded: no tree is deeper than DOC_DEPTH_MAX. */
#include "wire/doc_print.h"

#include <assert.h>
#include <string.h>

#include "wire/doc_scalar.h"

#define INDENT 2
#define KEY_BYTES_MAX 170 /* readers take keys of 1024 characters, six to an escaped byte, before they ask for "? key" */

void doc_write_json(const struct doc_node *node, struct json_writer *json)
{
	switch (node->kind) {
	case DOC_NULL:
		json_null(json);
		break;
	case DOC_BOOL:
		json_bool(json, node->truth);
		break;
	case DOC_INT:
		json_int(json, node->integer);
		break;
	case DOC_REAL:
		json_real(json, node->real);
		break;
	case DOC_TEXT:
		json_text(json, node->text);
		break;
	case DOC_LIST:
		json_list_begin(json);
		for (size_t i = 0; i < node->count; i++)
			doc_write_json(&node->items[i], json);
		json_list_end(json);
		break;
	case DOC_MAP:
		json_map_begin(json);
		for (size_t i = 0; i < node->count; i++) {
			json_key_str(json, node->map.entries[i].key);
			doc_write_json(&node->map.entries[i].value, json);
		}
		json_map_end(json);
		break;
	}
}

void doc_print_json(const struct doc_node *node, struct buf *buf)
{
	struct json_writer json;
	json_init(&json, buf);
	doc_write_json(node, &json);
	json_finish(&json);
}

/* The character at `at`; its bytes in *ret_length. The text is valid UTF-8. */
static uint32_t character(struct str text, size_t at, size_t *ret_length)
{
	unsigned char lead = (unsigned char)text.ptr[at];
	size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
	assert(at + length <= text.len);
	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)text.ptr[at + i] & 0x3Fu);
	*ret_length = length;
	return code;
}

/* Not to stand in YAML as it is: controls, what YAML 1.1 takes for a line break, byte order marks,
 * non-characters. */
static bool must_escape(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
	       code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

static bool has_escapes(struct str text, bool in_block)
{
	size_t length;
	for (size_t at = 0; at < text.len; at += length) {
		uint32_t code = character(text, at, &length);
		if (must_escape(code) && !(in_block && (code == '\n' || code == '\t')))
			return true;
	}
	return false;
}

static bool is_plain(struct str text)
{
	if (text.len == 0 || has_escapes(text, false) || doc_scalar_is_ambiguous(text))
		return false;
	if (strchr("-?:,[]{}#&*!|>'\"%@` ", text.ptr[0]) != NULL)
		return false;
	char last = text.ptr[text.len - 1];
	if (last == ' ' || last == ':' || str_starts(text, STR("...")))
		return false;
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.ptr[i] == ':' && text.ptr[i + 1] == ' ')
			return false;
		if (text.ptr[i] == ' ' && text.ptr[i + 1] == '#')
			return false;
	}
	return true;
}

static void print_quoted(struct str text, struct buf *buf)
{
	size_t length;
	buf_addc(buf, '"');
	for (size_t at = 0; at < text.len; at += length) {
		uint32_t code = character(text, at, &length);
		if (code == '"' || code == '\\')
			buf_printf(buf, "\\%c", (int)code);
		else if (code == '\n' || code == '\t')
			buf_adds(buf, code == '\n' ? "\\n" : "\\t");
		else if (must_escape(code))
			buf_printf(buf, "\\u%04X", code);
		else
			buf_add(buf, str_sub(text, at, at + length));
	}
	buf_addc(buf, '"');
}

static void print_indent(struct buf *buf, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		buf_addc(buf, ' ');
}

/* A block shows its lines as they are. Its indent is guessed from its first line, so that one must
 * begin with something that can be seen. */
static bool is_block(struct str text)
{
	if (!str_has(text, '\n'))
		return false;
	return strchr(" \t\n", text.ptr[0]) == NULL && !has_escapes(text, true);
}

static void print_block_text(struct str text, unsigned indent, struct buf *buf)
{
	bool one = str_ends(text, STR("\n")), more = str_ends(text, STR("\n\n"));
	buf_adds(buf, more ? "|+\n" : one ? "|\n" : "|-\n");
	struct str rest = text, line;
	while (rest.len > 0) {
		bool again = str_cut(rest, '\n', &line, &rest);
		if (line.len > 0)
			print_indent(buf, indent);
		buf_add(buf, line);
		if (again || rest.len == 0)
			buf_addc(buf, '\n');
	}
}

/* Everything on one line. */
static void print_flat(const struct doc_node *node, struct buf *buf)
{
	char real[JSON_REAL_BYTES];
	switch (node->kind) {
	case DOC_NULL:
		buf_adds(buf, "null");
		break;
	case DOC_BOOL:
		buf_adds(buf, node->truth ? "true" : "false");
		break;
	case DOC_INT:
		buf_printf(buf, "%" PRId64, node->integer);
		break;
	case DOC_REAL:
		json_real_format(node->real, real);
		buf_adds(buf, real);
		break;
	case DOC_TEXT:
		if (is_plain(node->text))
			buf_add(buf, node->text);
		else
			print_quoted(node->text, buf);
		break;
	default:
		assert(node->count == 0);
		buf_adds(buf, node->kind == DOC_LIST ? "[]" : "{}");
	}
}

static void print_lines(const struct doc_node *node, unsigned indent, bool inside, struct buf *buf);

/* What follows "key:" or "-", up to and with the newline. `indent` is that of the key or dash. */
static void print_after(const struct doc_node *node, unsigned indent, bool after_dash,
			struct buf *buf)
{
	bool lines = (node->kind == DOC_LIST || node->kind == DOC_MAP) && node->count > 0;
	if (lines) {
		buf_addc(buf, after_dash ? ' ' : '\n');
		print_lines(node, indent + INDENT, after_dash, buf);
		return;
	}
	buf_addc(buf, ' ');
	if (node->kind == DOC_TEXT && is_block(node->text)) {
		print_block_text(node->text, indent + INDENT, buf);
		return;
	}
	print_flat(node, buf);
	buf_addc(buf, '\n');
}

static void print_key(struct str key, unsigned indent, struct buf *buf)
{
	bool long_key = key.len > KEY_BYTES_MAX;
	if (long_key)
		buf_adds(buf, "? ");
	if (is_plain(key))
		buf_add(buf, key);
	else
		print_quoted(key, buf);
	if (long_key) {
		buf_addc(buf, '\n');
		print_indent(buf, indent);
	}
	buf_addc(buf, ':');
}

/* The lines of a list or map that is not empty. `inside`: the first line has its indent already. */
static void print_lines(const struct doc_node *node, unsigned indent, bool inside, struct buf *buf)
{
	for (size_t i = 0; i < node->count; i++) {
		if (i > 0 || !inside)
			print_indent(buf, indent);
		if (node->kind == DOC_LIST) {
			buf_addc(buf, '-');
			print_after(&node->items[i], indent, true, buf);
		} else {
			print_key(node->map.entries[i].key, indent, buf);
			print_after(&node->map.entries[i].value, indent, false, buf);
		}
	}
}

void doc_print_yaml(const struct doc_node *node, struct buf *buf)
{
	assert(node != NULL);
	if ((node->kind == DOC_LIST || node->kind == DOC_MAP) && node->count > 0) {
		print_lines(node, 0, false, buf);
		return;
	}
	if (node->kind == DOC_TEXT && is_block(node->text)) {
		print_block_text(node->text, INDENT, buf);
		return;
	}
	print_flat(node, buf);
	buf_addc(buf, '\n');
}
