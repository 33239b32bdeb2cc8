/* markdown.c: see markdown.h. */
#include "wire/markdown.h"

#include <assert.h>
#include <md4c.h>
#include <string.h>

#define SPANS_MAX 64u /* within one another */

/* A link that leads nowhere is a span without a tag. */
enum span { SPAN_NOTHING, SPAN_EM, SPAN_STRONG, SPAN_CODE, SPAN_DEL, SPAN_LINK };

struct open_span {
	MD_SPANTYPE type;
	enum span span;
};

struct rendering {
	struct buf *out;
	unsigned heading; /* the level of "#" */
	bool plain;
	bool too_deep;
	unsigned depth; /* blocks open now */
	struct open_span spans[SPANS_MAX];
	unsigned span_count;
	char target[512]; /* of the link in plain text, said after its words */
};

static void add_escaped(struct buf *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		switch (text[i]) {
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\'': buf_adds(out, "&#39;"); break;
		case '\0': buf_adds(out, "\xEF\xBF\xBD"); break;
		default: buf_addc(out, text[i]);
		}
	}
}

static void add_text(struct rendering *r, const char *text, size_t size)
{
	if (r->plain)
		buf_add(r->out, (struct str){ text, size });
	else
		add_escaped(r->out, text, size);
}

static void tag(struct rendering *r, const char *html)
{
	if (!r->plain)
		buf_adds(r->out, html);
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
 * with any of them is refused whole. So is an entity, which they would read as what it stands for. */
static bool is_safe_target(struct str target)
{
	if (target.len == 0 || target.len >= 2000)
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
	bool path_first = memchr(before.ptr, '/', before.len) != NULL || memchr(before.ptr, '#', before.len) != NULL ||
			  memchr(before.ptr, '?', before.len) != NULL;
	if (colon && !path_first)
		return false;
	return !str_starts(target, STR("//"));
}

/* An attribute comes in pieces; an entity in it is decoded by nobody here, so it makes the target
 * unfit, but for &amp; which is in many addresses. */
static bool target_of(const MD_ATTRIBUTE *attribute, struct buf *out)
{
	for (size_t i = 0; attribute->substr_offsets != NULL && attribute->substr_offsets[i] < attribute->size; i++) {
		struct str piece = { attribute->text + attribute->substr_offsets[i],
				     attribute->substr_offsets[i + 1] - attribute->substr_offsets[i] };
		if (attribute->substr_types[i] == MD_TEXT_NORMAL)
			buf_add(out, piece);
		else if (attribute->substr_types[i] == MD_TEXT_ENTITY && str_is(piece, "&amp;"))
			buf_addc(out, '&');
		else
			return false;
	}
	return !out->full && is_safe_target(buf_str(out));
}

static bool is_within_link(const struct rendering *r)
{
	for (unsigned i = 0; i < r->span_count; i++) {
		if (r->spans[i].type == MD_SPAN_A || r->spans[i].type == MD_SPAN_IMG)
			return true;
	}
	return false;
}

/* A link within a link would end the outer one: the inner is left out, as is one that leads nowhere. */
static enum span open_link(struct rendering *r, const MD_ATTRIBUTE *to)
{
	cleanup_buf struct buf target;
	buf_init(&target, 4096);
	if (is_within_link(r) || !target_of(to, &target))
		return SPAN_NOTHING;
	if (r->plain) {
		struct str whole = buf_str(&target);
		size_t size = whole.len < sizeof r->target ? whole.len : 0;
		memcpy(r->target, whole.ptr, size);
		r->target[size] = '\0';
		return SPAN_LINK;
	}
	buf_adds(r->out, "<a href=\"");
	add_escaped(r->out, target.bytes, target.used);
	buf_adds(r->out, "\" rel=\"nofollow noopener\">");
	return SPAN_LINK;
}

static void close_top(struct rendering *r)
{
	static const char *const ends[] = {
		[SPAN_NOTHING] = "", [SPAN_EM] = "</em>", [SPAN_STRONG] = "</strong>",
		[SPAN_CODE] = "</code>", [SPAN_DEL] = "</del>", [SPAN_LINK] = "</a>",
	};
	assert(r->span_count > 0);
	enum span span = r->spans[--r->span_count].span;
	if (r->plain && span == SPAN_LINK && r->target[0] != '\0')
		buf_printf(r->out, " (%s)", r->target);
	tag(r, ends[span]);
}

/* ---- blocks ---- */

static unsigned level_of(const struct rendering *r, const void *detail)
{
	unsigned level = ((const MD_BLOCK_H_DETAIL *)detail)->level + r->heading - 1;
	return level > 6 ? 6 : level;
}

static void open_cell(struct rendering *r, const char *name, const MD_BLOCK_TD_DETAIL *cell)
{
	static const char *const classes[] = {
		[MD_ALIGN_DEFAULT] = "", [MD_ALIGN_LEFT] = " class=\"left\"",
		[MD_ALIGN_CENTER] = " class=\"center\"", [MD_ALIGN_RIGHT] = " class=\"right\"",
	};
	buf_printf(r->out, "<%s%s>", name, classes[cell->align]);
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *context)
{
	struct rendering *r = context;
	if (++r->depth > MARKDOWN_DEPTH_MAX) {
		r->too_deep = true;
		return 1;
	}
	if (r->plain) {
		if (type == MD_BLOCK_LI)
			buf_adds(r->out, "- ");
		return 0;
	}
	switch (type) {
	case MD_BLOCK_DOC: break;
	case MD_BLOCK_QUOTE: tag(r, "<blockquote>"); break;
	case MD_BLOCK_UL: tag(r, "<ul>"); break;
	case MD_BLOCK_OL: {
		unsigned start = ((const MD_BLOCK_OL_DETAIL *)detail)->start;
		if (start == 1)
			tag(r, "<ol>");
		else
			buf_printf(r->out, "<ol start=\"%u\">", start);
		break;
	}
	case MD_BLOCK_LI: tag(r, "<li>"); break;
	case MD_BLOCK_HR: tag(r, "<hr>"); break;
	case MD_BLOCK_H: buf_printf(r->out, "<h%u>", level_of(r, detail)); break;
	case MD_BLOCK_CODE: tag(r, "<pre tabindex=\"0\"><code>"); break;
	case MD_BLOCK_HTML: break; /* never: MD_FLAG_NOHTML */
	case MD_BLOCK_P: tag(r, "<p>"); break;
	case MD_BLOCK_TABLE: tag(r, "<table>"); break;
	case MD_BLOCK_THEAD: tag(r, "<thead>"); break;
	case MD_BLOCK_TBODY: tag(r, "<tbody>"); break;
	case MD_BLOCK_TR: tag(r, "<tr>"); break;
	case MD_BLOCK_TH: open_cell(r, "th", detail); break;
	case MD_BLOCK_TD: open_cell(r, "td", detail); break;
	}
	return 0;
}

static void end_line(struct rendering *r, bool blank_after)
{
	if (r->out->used > 0 && r->out->bytes[r->out->used - 1] != '\n')
		buf_addc(r->out, '\n');
	if (blank_after && r->depth == 1)
		buf_addc(r->out, '\n');
}

static void leave_plain(struct rendering *r, MD_BLOCKTYPE type)
{
	if (type == MD_BLOCK_TH || type == MD_BLOCK_TD)
		buf_addc(r->out, '\t');
	else if (type != MD_BLOCK_DOC)
		end_line(r, type != MD_BLOCK_LI && type != MD_BLOCK_TR);
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *context)
{
	struct rendering *r = context;
	static const char *const ends[] = {
		[MD_BLOCK_DOC] = "", [MD_BLOCK_QUOTE] = "</blockquote>", [MD_BLOCK_UL] = "</ul>",
		[MD_BLOCK_OL] = "</ol>", [MD_BLOCK_LI] = "</li>", [MD_BLOCK_HR] = "", [MD_BLOCK_H] = "",
		[MD_BLOCK_CODE] = "</code></pre>", [MD_BLOCK_HTML] = "", [MD_BLOCK_P] = "</p>",
		[MD_BLOCK_TABLE] = "</table>", [MD_BLOCK_THEAD] = "</thead>", [MD_BLOCK_TBODY] = "</tbody>",
		[MD_BLOCK_TR] = "</tr>", [MD_BLOCK_TH] = "</th>", [MD_BLOCK_TD] = "</td>",
	};
	while (r->span_count > 0)
		close_top(r);
	r->depth--;
	if (r->plain)
		leave_plain(r, type);
	else if (type == MD_BLOCK_H)
		buf_printf(r->out, "</h%u>", level_of(r, detail));
	else
		buf_adds(r->out, ends[type]);
	return 0;
}

/* ---- within a line ---- */

static int enter_span(MD_SPANTYPE type, void *detail, void *context)
{
	struct rendering *r = context;
	enum span span = SPAN_NOTHING;
	if (r->span_count == SPANS_MAX) {
		r->too_deep = true;
		return 1;
	}
	switch (type) {
	case MD_SPAN_EM: tag(r, "<em>"); span = SPAN_EM; break;
	case MD_SPAN_STRONG: tag(r, "<strong>"); span = SPAN_STRONG; break;
	case MD_SPAN_CODE: tag(r, "<code>"); span = SPAN_CODE; break;
	case MD_SPAN_DEL: tag(r, "<del>"); span = SPAN_DEL; break;
	case MD_SPAN_A: span = open_link(r, &((const MD_SPAN_A_DETAIL *)detail)->href); break;
	case MD_SPAN_IMG: span = open_link(r, &((const MD_SPAN_IMG_DETAIL *)detail)->src); break;
	default: break; /* extensions that are switched off */
	}
	r->spans[r->span_count++] = (struct open_span){ type, span };
	return 0;
}

/* md4c of 2021 sometimes tells of ends that do not pair with beginnings (the fuzzer found it); ours
 * always do: what was opened later ends too, and an end of nothing is none. */
static int leave_span(MD_SPANTYPE type, void *detail, void *context)
{
	struct rendering *r = context;
	(void)detail;
	unsigned at = r->span_count;
	while (at > 0 && r->spans[at - 1].type != type)
		at--;
	while (at > 0 && r->span_count >= at)
		close_top(r);
	return 0;
}

/* Entities are of letters, digits and '#' only: md4c has seen to that. They are shown as they stand
 * in plain text; in HTML the browser reads them. */
static int see_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *context)
{
	struct rendering *r = context;
	switch (type) {
	case MD_TEXT_NULLCHAR: buf_adds(r->out, "\xEF\xBF\xBD"); break;
	case MD_TEXT_BR: buf_adds(r->out, r->plain ? "\n" : "<br>"); break;
	case MD_TEXT_SOFTBR: buf_addc(r->out, '\n'); break;
	case MD_TEXT_ENTITY: buf_add(r->out, (struct str){ text, size }); break;
	default: add_text(r, text, size); break;
	}
	return 0;
}

static enum err render(struct str text, struct rendering *r, struct error *err)
{
	static const MD_PARSER parser = {
		.abi_version = 0,
		.flags = MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEURLAUTOLINKS |
			 MD_FLAG_COLLAPSEWHITESPACE,
		.enter_block = enter_block,
		.leave_block = leave_block,
		.enter_span = enter_span,
		.leave_span = leave_span,
		.text = see_text,
	};
	size_t before = r->out->used;
	if (text.len > MARKDOWN_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "the text is longer than %u bytes", MARKDOWN_BYTES_MAX);
	if (!str_is_utf8(text))
		return error_set(err, ERR_INVALID, "the text is not valid UTF-8");
	int failed = text.len == 0 ? 0 : md_parse(text.ptr, (MD_SIZE)text.len, &parser, r);
	if (failed == 0 && !r->too_deep && !r->out->full)
		return OK;
	buf_cut(r->out, before);
	return error_set(err, ERR_TOO_LARGE, r->too_deep ? "the text is nested too deeply"
							 : "the text is too large to be shown");
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
