/* markdown.c: see markdown.h. */
#include "wire/markdown.h"

#include <assert.h>
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>
#include <string.h>
#include <threads.h>

struct rendering {
	struct buf *out;
	unsigned heading; /* the level of "#" */
	bool plain;
	unsigned depth;      /* blocks and spans open now */
	unsigned blocks;     /* of them blocks */
	unsigned column;     /* of the cell */
	cmark_node *link;    /* whose tag is open, or NULL: one within it would end it */
};

/* What becomes of a kind of node; which kinds extensions add is known by name only. */
struct form {
	const char *node;
	const char *open, *close; /* in HTML, if nobody else writes them */
	void (*enter)(struct rendering *, cmark_node *);
	void (*leave)(struct rendering *, cmark_node *);
	bool block;
};

static void add_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\'': buf_adds(out, "&#39;"); break;
		default: buf_addc(out, text.ptr[i]);
		}
	}
}

static void add_text(struct rendering *r, struct str text)
{
	if (r->plain)
		buf_add(r->out, text);
	else
		add_escaped(r->out, text);
}

static void tag(struct rendering *r, const char *html)
{
	if (!r->plain && html != NULL)
		buf_adds(r->out, html);
}

static struct str literal(cmark_node *node)
{
	const char *text = cmark_node_get_literal(node);
	return text == NULL ? (struct str){ 0 } : str_of(text);
}

/* ---- where a link may lead ---- */

static bool is_scheme_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
	       c == '-' || c == '.';
}

static bool scheme_is(struct str scheme, const char *name)
{
	return scheme.len == strlen(name) && strncasecmp(scheme.ptr, name, scheme.len) == 0;
}

/* Browsers take out tabs and line ends, and skip control bytes, before they read the scheme: a target
 * with any of them is refused whole. Entities are decoded by then, so none can hide one. */
#define TARGET_BYTES_MAX 2000u

static bool is_safe_target(struct str target)
{
	if (target.len == 0 || target.len >= TARGET_BYTES_MAX)
		return false;
	for (size_t i = 0; i < target.len; i++) {
		unsigned char c = (unsigned char)target.ptr[i];
		if (c <= ' ' || c == 0x7F || c == '\\')
			return false;
	}
	size_t end = 0;
	while (end < target.len && is_scheme_byte(target.ptr[end]))
		end++;
	if (end < target.len && target.ptr[end] == ':') {
		struct str scheme = str_sub(target, 0, end);
		return scheme_is(scheme, "http") || scheme_is(scheme, "https") || scheme_is(scheme, "mailto");
	}
	/* Within the site: "/runbooks/1", "#top", "page". "//host" is another site under our scheme. */
	struct str before, rest;
	bool colon = str_cut(target, ':', &before, &rest);
	bool path_first = str_has(before, '/') || str_has(before, '#') || str_has(before, '?');
	if (colon && !path_first)
		return false;
	return !str_starts(target, STR("//"));
}

static void open_tag(struct rendering *r, struct str target)
{
	buf_adds(r->out, "<a href=\"");
	add_escaped(r->out, target);
	buf_adds(r->out, "\" rel=\"nofollow noopener\">");
}

static void enter_link(struct rendering *r, cmark_node *node)
{
	const char *url = cmark_node_get_url(node);
	if (r->link != NULL || url == NULL || !is_safe_target(str_of(url)))
		return;
	r->link = node;
	if (!r->plain)
		open_tag(r, str_of(url));
}

static void leave_link(struct rendering *r, cmark_node *node)
{
	if (r->link != node)
		return;
	r->link = NULL;
	if (r->plain)
		buf_printf(r->out, " (%s)", cmark_node_get_url(node));
	tag(r, "</a>");
}

/* The length of a bare address at the beginning of `text`, 0 if there is none. What ends a sentence
 * does not belong to it, nor a bracket that was opened before it. */
static size_t bare_address(struct str text)
{
	if (!str_starts(text, STR("http://")) && !str_starts(text, STR("https://")))
		return 0;
	size_t begun = (text.ptr[4] == 's' ? 8 : 7), end = begun;
	while (end < text.len && end < TARGET_BYTES_MAX && (unsigned char)text.ptr[end] > ' ' &&
	       strchr("<>\"`{}|\\^", text.ptr[end]) == NULL)
		end++;
	if (end == TARGET_BYTES_MAX)
		return 0;
	while (end > begun && strchr(".,:;!?'*_~", text.ptr[end - 1]) != NULL)
		end--;
	if (end > begun && text.ptr[end - 1] == ')' && memchr(text.ptr, '(', end) == NULL)
		end--;
	return end > begun && is_safe_target(str_sub(text, 0, end)) ? end : 0;
}

static void enter_text(struct rendering *r, cmark_node *node)
{
	struct str text = literal(node);
	size_t begun = 0;
	for (size_t i = 0; !r->plain && r->link == NULL && i < text.len; i++) {
		size_t size = text.ptr[i] == 'h' && (i == 0 || strchr(" \t(", text.ptr[i - 1]) != NULL)
				      ? bare_address(str_sub(text, i, text.len)) : 0;
		if (size == 0)
			continue;
		struct str address = str_sub(text, i, i + size);
		add_text(r, str_sub(text, begun, i));
		open_tag(r, address);
		add_text(r, address);
		tag(r, "</a>");
		begun = i + size;
		i = begun - 1;
	}
	add_text(r, str_sub(text, begun, text.len));
}

/* ---- blocks ---- */

/* Of a paragraph in plain text, a blank line after it; of one within a list or a table, its end only. */
static void end_line(struct rendering *r, cmark_node *node)
{
	(void)node;
	if (r->out->used > 0 && r->out->bytes[r->out->used - 1] != '\n')
		buf_addc(r->out, '\n');
	if (r->blocks == 1)
		buf_addc(r->out, '\n');
}

static void enter_item(struct rendering *r, cmark_node *node)
{
	(void)node;
	if (r->plain)
		buf_adds(r->out, "- ");
}

static void enter_list(struct rendering *r, cmark_node *node)
{
	int start = cmark_node_get_list_start(node);
	if (cmark_node_get_list_type(node) == CMARK_BULLET_LIST)
		tag(r, "<ul>");
	else if (start == 1)
		tag(r, "<ol>");
	else if (!r->plain)
		buf_printf(r->out, "<ol start=\"%d\">", start);
}

static void leave_list(struct rendering *r, cmark_node *node)
{
	tag(r, cmark_node_get_list_type(node) == CMARK_BULLET_LIST ? "</ul>" : "</ol>");
}

/* The items of a list without blank lines between them stand close: no paragraphs of their own. */
static bool is_tight(cmark_node *paragraph)
{
	cmark_node *item = cmark_node_parent(paragraph);
	cmark_node *list = item == NULL ? NULL : cmark_node_parent(item);
	return list != NULL && cmark_node_get_type(list) == CMARK_NODE_LIST && cmark_node_get_list_tight(list);
}

static void enter_paragraph(struct rendering *r, cmark_node *node)
{
	if (!is_tight(node))
		tag(r, "<p>");
}

static void leave_paragraph(struct rendering *r, cmark_node *node)
{
	if (!is_tight(node))
		tag(r, "</p>");
}

static unsigned level_of(const struct rendering *r, cmark_node *node)
{
	unsigned level = (unsigned)cmark_node_get_heading_level(node) + r->heading - 1;
	return level > 6 ? 6 : level;
}

static void enter_heading(struct rendering *r, cmark_node *node)
{
	if (!r->plain)
		buf_printf(r->out, "<h%u>", level_of(r, node));
}

static void leave_heading(struct rendering *r, cmark_node *node)
{
	if (!r->plain)
		buf_printf(r->out, "</h%u>", level_of(r, node));
}

static void enter_code_block(struct rendering *r, cmark_node *node)
{
	tag(r, "<pre tabindex=\"0\"><code>");
	add_text(r, literal(node));
	tag(r, "</code></pre>");
}

/* Raw HTML is what somebody wrote, and is shown so. */
static void enter_html_block(struct rendering *r, cmark_node *node)
{
	struct str text = str_trim(literal(node));
	tag(r, "<p>");
	add_text(r, text);
	tag(r, "</p>");
}

/* ---- tables: a row of heads, then rows ---- */

static bool is_head(cmark_node *row)
{
	return cmark_gfm_extensions_get_table_row_is_header(row) != 0;
}

static void enter_row(struct rendering *r, cmark_node *row)
{
	cmark_node *before = cmark_node_previous(row);
	if (is_head(row))
		tag(r, "<thead>");
	else if (before != NULL && is_head(before))
		tag(r, "<tbody>");
	tag(r, "<tr>");
	r->column = 0;
}

static void leave_row(struct rendering *r, cmark_node *row)
{
	tag(r, "</tr>");
	if (is_head(row))
		tag(r, "</thead>");
	else if (cmark_node_next(row) == NULL)
		tag(r, "</tbody>");
}

static const char *cell_class(const struct rendering *r, cmark_node *cell)
{
	cmark_node *table = cmark_node_parent(cmark_node_parent(cell));
	uint16_t columns = cmark_gfm_extensions_get_table_columns(table);
	switch (r->column < columns ? cmark_gfm_extensions_get_table_alignments(table)[r->column] : 0) {
	case 'l': return " class=\"left\"";
	case 'c': return " class=\"center\"";
	case 'r': return " class=\"right\"";
	default: return "";
	}
}

static void enter_cell(struct rendering *r, cmark_node *cell)
{
	if (!r->plain)
		buf_printf(r->out, "<t%c%s>", is_head(cmark_node_parent(cell)) ? 'h' : 'd', cell_class(r, cell));
}

static void leave_cell(struct rendering *r, cmark_node *cell)
{
	r->column++;
	if (r->plain)
		buf_addc(r->out, '\t');
	else
		buf_adds(r->out, is_head(cmark_node_parent(cell)) ? "</th>" : "</td>");
}

/* ---- within a line ---- */

static void enter_code(struct rendering *r, cmark_node *node)
{
	tag(r, "<code>");
	add_text(r, literal(node));
	tag(r, "</code>");
}

static void enter_softbreak(struct rendering *r, cmark_node *node)
{
	(void)node;
	buf_addc(r->out, '\n');
}

static void enter_linebreak(struct rendering *r, cmark_node *node)
{
	(void)node;
	buf_adds(r->out, r->plain ? "\n" : "<br>");
}

static const struct form forms[] = {
	{ .node = "document" },
	{ .node = "block_quote", .open = "<blockquote>", .close = "</blockquote>", .block = true },
	{ .node = "list", .enter = enter_list, .leave = leave_list, .block = true },
	{ .node = "item", .open = "<li>", .close = "</li>", .enter = enter_item, .block = true },
	{ .node = "paragraph", .enter = enter_paragraph, .leave = leave_paragraph, .block = true },
	{ .node = "heading", .enter = enter_heading, .leave = leave_heading, .block = true },
	{ .node = "code_block", .enter = enter_code_block, .block = true },
	{ .node = "html_block", .enter = enter_html_block, .block = true },
	{ .node = "thematic_break", .open = "<hr>", .block = true },
	{ .node = "table", .open = "<table>", .close = "</table>", .block = true },
	{ .node = "table_header", .enter = enter_row, .leave = leave_row, .block = true },
	{ .node = "table_row", .enter = enter_row, .leave = leave_row, .block = true },
	{ .node = "table_cell", .enter = enter_cell, .leave = leave_cell },
	{ .node = "text", .enter = enter_text },
	{ .node = "html_inline", .enter = enter_text },
	{ .node = "code", .enter = enter_code },
	{ .node = "softbreak", .enter = enter_softbreak },
	{ .node = "linebreak", .enter = enter_linebreak },
	{ .node = "emph", .open = "<em>", .close = "</em>" },
	{ .node = "strong", .open = "<strong>", .close = "</strong>" },
	{ .node = "strikethrough", .open = "<del>", .close = "</del>" },
	{ .node = "link", .enter = enter_link, .leave = leave_link },
	{ .node = "image", .enter = enter_link, .leave = leave_link },
};

static const struct form *form_of(cmark_node *node)
{
	static const struct form nothing = { 0 };
	const char *name = cmark_node_get_type_string(node);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (strcmp(forms[i].node, name) == 0)
			return &forms[i];
	}
	return &nothing;
}

/* The kinds for which the walk tells no end. */
static bool is_leaf(cmark_node *node)
{
	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_HTML_BLOCK:
	case CMARK_NODE_THEMATIC_BREAK:
	case CMARK_NODE_CODE_BLOCK:
	case CMARK_NODE_TEXT:
	case CMARK_NODE_SOFTBREAK:
	case CMARK_NODE_LINEBREAK:
	case CMARK_NODE_CODE:
	case CMARK_NODE_HTML_INLINE: return true;
	default: return false;
	}
}

static void enter(struct rendering *r, cmark_node *node, const struct form *form)
{
	r->depth++;
	r->blocks += form->block;
	tag(r, form->open);
	if (form->enter != NULL)
		form->enter(r, node);
}

static void leave(struct rendering *r, cmark_node *node, const struct form *form)
{
	if (form->leave != NULL)
		form->leave(r, node);
	tag(r, form->close);
	if (r->plain && form->block)
		end_line(r, node);
	r->blocks -= form->block;
	r->depth--;
}

static bool walk(struct rendering *r, cmark_node *root)
{
	cmark_iter *iter = cmark_iter_new(root);
	cmark_event_type event;
	bool fits = true;
	while (fits && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		const struct form *form = form_of(node);
		if (event == CMARK_EVENT_ENTER)
			enter(r, node, form);
		if (event == CMARK_EVENT_EXIT || is_leaf(node))
			leave(r, node, form);
		fits = r->depth <= MARKDOWN_DEPTH_MAX && !r->out->full;
	}
	cmark_iter_free(iter);
	return fits;
}

static void attach(cmark_parser *parser, const char *name)
{
	cmark_syntax_extension *extension = cmark_find_syntax_extension(name);
	assert(extension != NULL);
	cmark_parser_attach_syntax_extension(parser, extension);
}

static enum err render(struct str text, struct rendering *r, struct error *err)
{
	static once_flag once = ONCE_FLAG_INIT;
	size_t before = r->out->used;
	if (text.len > MARKDOWN_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "the text is longer than %u bytes", MARKDOWN_BYTES_MAX);
	if (!str_is_utf8(text))
		return error_set(err, ERR_INVALID, "the text is not valid UTF-8");
	call_once(&once, cmark_gfm_core_extensions_ensure_registered);
	cmark_parser *parser = cmark_parser_new(CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE);
	attach(parser, "table");
	attach(parser, "strikethrough");
	cmark_parser_feed(parser, text.ptr == NULL ? "" : text.ptr, text.len);
	cmark_node *root = cmark_parser_finish(parser);
	cmark_consolidate_text_nodes(root);
	bool fits = walk(r, root);
	cmark_node_free(root);
	cmark_parser_free(parser);
	if (fits)
		return OK;
	buf_cut(r->out, before);
	return error_set(err, ERR_TOO_LARGE, r->out->full ? "the text is too large to be shown"
							  : "the text is nested too deeply");
}

enum err markdown_html(struct str text, unsigned heading, struct buf *out, struct error *err)
{
	assert(heading >= 1);
	assert(heading <= 6);
	struct rendering r = { .out = out, .heading = heading };
	return render(text, &r, err);
}

enum err markdown_plain(struct str text, struct buf *out, struct error *err)
{
	struct rendering r = { .out = out, .heading = 1, .plain = true };
	return render(text, &r, err);
}
