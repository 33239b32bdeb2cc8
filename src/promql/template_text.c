/* template_text.c: upper and lower case, and the escapes for HTML, JavaScript and addresses. */
#include "promql/template_priv.h"

static bool is_blank(uint32_t rune)
{
	static const struct rune_range blanks[] = { { 9, 13 }, { 0x20, 0x20 }, { 0x85, 0x85 }, { 0xa0, 0xa0 },
					       { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 },
					       { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 } };
	return rune_within(rune, blanks, sizeof blanks / sizeof blanks[0]);
}

/* ---- case ---- */

/* The letters of European scripts: capital `from` to `to`, and how far their small ones are; 1: they alternate. */
static const struct letters {
	uint32_t from, to, apart;
} letters[] = {
	{ 'A', 'Z', 32 }, { 0xc0, 0xd6, 32 }, { 0xd8, 0xde, 32 }, { 0x100, 0x12e, 1 }, { 0x132, 0x136, 1 },
	{ 0x139, 0x147, 1 }, { 0x14a, 0x176, 1 }, { 0x179, 0x17d, 1 }, { 0x1cd, 0x1db, 1 }, { 0x1de, 0x1ee, 1 },
	{ 0x1f8, 0x21e, 1 }, { 0x222, 0x232, 1 }, { 0x386, 0x386, 38 }, { 0x388, 0x38a, 37 }, { 0x38c, 0x38c, 64 },
	{ 0x38e, 0x38f, 63 }, { 0x391, 0x3a1, 32 }, { 0x3a3, 0x3ab, 32 }, { 0x400, 0x40f, 80 }, { 0x410, 0x42f, 32 },
	{ 0x460, 0x480, 1 }, { 0x48a, 0x4be, 1 }, { 0x4c1, 0x4cd, 1 }, { 0x4d0, 0x52e, 1 }, { 0x531, 0x556, 48 },
	{ 0x1e00, 0x1e94, 1 }, { 0x1ea0, 0x1efe, 1 }, { 0xff21, 0xff3a, 32 },
};
#define LETTERS (sizeof letters / sizeof letters[0])

static uint32_t upper_of(uint32_t rune)
{
	if (rune == 0xff || rune == 0x3c2 || rune == 0xb5 || rune == 0x131 || rune == 0x17f)
		return rune == 0xff ? 0x178 : rune == 0x3c2 ? 0x3a3 : rune == 0xb5 ? 0x39c : rune == 0x131 ? 'I' : 'S';
	for (size_t i = 0; i < LETTERS; i++) {
		const struct letters *row = &letters[i];
		if (rune >= row->from + row->apart && rune <= row->to + row->apart &&
		    (row->apart > 1 || (rune - row->from) % 2 == 1))
			return rune - row->apart;
	}
	return rune;
}

static uint32_t lower_of(uint32_t rune)
{
	if (rune == 0x178 || rune == 0x130)
		return rune == 0x178 ? 0xff : 'i';
	for (size_t i = 0; i < LETTERS; i++) {
		const struct letters *row = &letters[i];
		if (rune >= row->from && rune <= row->to && (row->apart > 1 || (rune - row->from) % 2 == 0))
			return rune + row->apart;
	}
	return rune;
}

void template_upper(struct str text, struct buf *buf)
{
	for (size_t at = 0; at < text.len && !buf->full;)
		rune_put(upper_of(rune_next(text, &at)), buf);
}

void template_lower(struct str text, struct buf *buf)
{
	for (size_t at = 0; at < text.len && !buf->full;)
		rune_put(lower_of(rune_next(text, &at)), buf);
}

static bool separates(uint32_t rune)
{
	bool word = (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune == '_';
	return rune < 0x80 ? !word : is_blank(rune);
}

void template_title(struct str text, struct buf *buf)
{
	uint32_t before = ' ';
	for (size_t at = 0; at < text.len && !buf->full;) {
		uint32_t rune = rune_next(text, &at);
		rune_put(separates(before) ? upper_of(rune) : rune, buf);
		before = rune;
	}
}

/* ---- escapes ---- */

void template_html(struct str text, struct buf *buf)
{
	for (size_t i = 0; i < text.len && !buf->full; i++) {
		char c = text.ptr[i];
		const char *as = c == '"' ? "&#34;" : c == '\'' ? "&#39;" : c == '&' ? "&amp;" : c == '<' ? "&lt;" :
				 c == '>' ? "&gt;" : c == '\0' ? "\xef\xbf\xbd" : NULL;
		if (as != NULL)
			buf_adds(buf, as);
		else
			buf_addc(buf, c);
	}
}

void template_js(struct str text, struct buf *buf)
{
	for (size_t at = 0; at < text.len && !buf->full;) {
		size_t from = at;
		uint32_t rune = rune_next(text, &at);
		if (rune == '\\' || rune == '\'' || rune == '"')
			buf_printf(buf, "\\%c", (int)rune);
		else if (rune < 0x20 || rune == '<' || rune == '>' || rune == '&' || rune == '=' ||
			 (rune >= 0x80 && !rune_is_print(rune)))
			buf_printf(buf, "\\u%04X", rune);
		else
			buf_add(buf, str_sub(text, from, at));
	}
}

void template_urlquery(struct str text, struct buf *buf)
{
	for (size_t i = 0; i < text.len && !buf->full; i++) {
		char c = text.ptr[i];
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
		    c == '.' || c == '~')
			buf_addc(buf, c);
		else if (c == ' ')
			buf_addc(buf, '+');
		else
			buf_printf(buf, "%%%02X", (uint8_t)c);
	}
}
