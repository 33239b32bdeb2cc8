/* cli_text.c: text for a terminal: how wide it is, and what it must not do. */
#include <assert.h>
#include <locale.h>
#include <wchar.h>

#include "cli/cli_priv.h"

#define CUT_MARK "\xE2\x80\xA6"  /* U+2026 */
#define STRANGE "\xEF\xBF\xBD"   /* U+FFFD */

/* Valid UTF-8 only: the callers cleaned it. */
static uint32_t next_point(struct str text, size_t *at)
{
	unsigned char first = (unsigned char)text.ptr[*at];
	unsigned length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
	for (unsigned i = 1; i < length && *at + i < text.len; i++)
		point = point << 6 | ((unsigned char)text.ptr[*at + i] & 0x3F);
	*at += length;
	return point;
}

/* The C library's table, read in a locale of ours: the process keeps its own. */
static unsigned point_width(locale_t locale, uint32_t point)
{
	if (point < 0x7F || locale == (locale_t)0)
		return 1;
	locale_t before = uselocale(locale);
	int width = wcwidth((wchar_t)point);
	uselocale(before);
	return width < 0 ? 1 : (unsigned)width;
}

/* How many bytes fit into `width` cells; *ret_used cells of them are filled. */
static size_t fit(struct str text, unsigned width, unsigned *ret_used)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	size_t at = 0;
	unsigned used = 0;
	while (at < text.len) {
		size_t next = at;
		unsigned wide = point_width(locale, next_point(text, &next));
		if (used + wide > width)
			break;
		used += wide;
		at = next;
	}
	if (locale != (locale_t)0)
		freelocale(locale);
	*ret_used = used;
	return at < text.len ? at : text.len;
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

unsigned cli_text_width(struct str text)
{
	unsigned used;
	if (is_ascii(text))
		return (unsigned)text.len;
	fit(text, UINT32_MAX / 2, &used);
	return used;
}

static bool is_strange(uint32_t point)
{
	return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x200E || point == 0x200F ||
	       (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) ||
	       point == 0xFEFF;
}

struct str cli_text_clean(struct arena *arena, struct str text)
{
	struct buf out;
	buf_init(&out, 4 * text.len + 4);
	for (size_t at = 0; at < text.len;) {
		size_t from = at;
		uint32_t point = next_point(text, &at);
		if (point == '\n' || point == '\t' || point == '\r')
			buf_addc(&out, ' ');
		else if (is_strange(point))
			buf_adds(&out, STRANGE);
		else
			buf_add(&out, str_sub(text, from, at));
	}
	assert(!out.full);
	struct str kept = arena_str(arena, buf_str(&out));
	buf_finish(&out);
	return kept;
}

struct str cli_text_cut(struct arena *arena, struct str text, unsigned width)
{
	unsigned used;
	assert(width >= 1);
	if (cli_text_width(text) <= width)
		return text;
	size_t length = fit(text, width - 1, &used);
	return arena_printf(arena, STR_FMT CUT_MARK, (int)length, text.ptr);
}
