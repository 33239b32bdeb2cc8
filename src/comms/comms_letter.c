/* comms_letter.c: see comms_letter.h. */
#include "comms/comms_letter.h"

#include <assert.h>

#include "base/buf.h"

#define TEXT_BYTES_MAX 7000u /* of what people wrote: escaped it still fits into BULK_BODY_BYTES_MAX */

static void add_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '&': buf_adds(out, "&amp;"); break;
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\n': buf_adds(out, "<br>\n"); break;
		default: buf_addc(out, text.ptr[i]);
		}
	}
}

static void add_link(struct buf *text, struct buf *html, const char *style, struct str words, struct str link)
{
	if (link.len == 0)
		return;
	buf_printf(text, "\n" STR_FMT "\n" STR_FMT "\n", STR_ARG(words), STR_ARG(link));
	buf_printf(html, "<p%s><a href=\"", style);
	add_escaped(html, link);
	buf_adds(html, "\">");
	add_escaped(html, words);
	buf_adds(html, "</a></p>\n");
}

static struct str cut(struct str text)
{
	size_t end = text.len < TEXT_BYTES_MAX ? text.len : TEXT_BYTES_MAX;
	while (end > 0 && end < text.len && ((unsigned char)text.ptr[end] & 0xC0) == 0x80)
		end--; /* not inside a character */
	return str_sub(text, 0, end);
}

void comms_letter_write(struct arena *arena, const struct comms_letter *letter, struct notify_bulk *bulk)
{
	struct str words = cut(letter->text);
	cleanup_buf struct buf text, html;
	buf_init(&text, BULK_BODY_BYTES_MAX);
	buf_init(&html, BULK_BODY_BYTES_MAX);
	buf_add(&text, words);
	buf_adds(&text, words.len < letter->text.len ? "...\n" : "\n");
	buf_adds(&html, "<!doctype html>\n<html lang=\"en\"><body style=\"font-family:sans-serif;font-size:16px;"
			"line-height:1.5;max-width:36em;margin:1em\">\n<p>");
	add_escaped(&html, words);
	buf_adds(&html, words.len < letter->text.len ? "...</p>\n" : "</p>\n");
	add_link(&text, &html, "", letter->link_text, letter->link);
	add_link(&text, &html, " style=\"font-size:14px\"", letter->foot_text, letter->foot_link);
	buf_adds(&html, "</body></html>\n");
	assert(!text.full && !html.full);
	bulk->title = letter->title;
	bulk->text = arena_str(arena, buf_str(&text));
	bulk->html = arena_str(arena, buf_str(&html));
}
