/* fuzz_markdown.c: whatever is written, only our tags come out, closed in order, and links that lead
 * to http, https, mailto or within the site. */
#include <string.h>

#include "fuzz.h"
#include "wire/markdown.h"

#define OPEN_MAX 4096

static const char *const tags[] = { "p", "ul", "ol", "li", "blockquote", "pre", "code", "table", "thead", "tbody",
				    "tr", "th", "td", "em", "strong", "del", "a", "h3", "h4", "h5", "h6", NULL };

static int tag_of(struct str name)
{
	for (int i = 0; tags[i] != NULL; i++) {
		if (str_is(name, tags[i]))
			return i;
	}
	return -1;
}

static void check_attributes(struct str rest)
{
	struct str value = STR("href=\"");
	if (rest.len == 0 || str_is(rest, "tabindex=\"0\"") || str_starts(rest, STR("class=\"")) ||
	    str_starts(rest, STR("start=\"")))
		return;
	PROMISE(str_starts(rest, value));
	rest = str_sub(rest, value.len, rest.len);
	PROMISE(str_ends(rest, STR("\" rel=\"nofollow noopener\"")));
	PROMISE(!str_starts(rest, STR("//")));
	struct str scheme, after;
	if (str_cut(rest, ':', &scheme, &after) && memchr(scheme.ptr, '/', scheme.len) == NULL &&
	    memchr(scheme.ptr, '#', scheme.len) == NULL && memchr(scheme.ptr, '?', scheme.len) == NULL)
		PROMISE((scheme.len == 4 && strncasecmp(scheme.ptr, "http", 4) == 0) ||
			(scheme.len == 5 && strncasecmp(scheme.ptr, "https", 5) == 0) ||
			(scheme.len == 6 && strncasecmp(scheme.ptr, "mailto", 6) == 0));
}

static void check_tags(struct str html)
{
	static int open[OPEN_MAX];
	size_t depth = 0;
	struct str before, tag, name, rest;
	while (str_cut(html, '<', &before, &html)) {
		PROMISE(str_cut(html, '>', &tag, &html));
		bool end = str_starts(tag, STR("/"));
		str_cut(end ? str_sub(tag, 1, tag.len) : tag, ' ', &name, &rest);
		if (str_is(name, "br") || str_is(name, "hr"))
			continue;
		int known = tag_of(name);
		PROMISE(known >= 0);
		if (end) {
			PROMISE(depth > 0);
			PROMISE(open[--depth] == known);
			continue;
		}
		check_attributes(rest);
		PROMISE(depth < OPEN_MAX);
		open[depth++] = known;
	}
	PROMISE(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	cleanup_buf struct buf html, plain;
	buf_init(&html, 4u << 20);
	buf_init(&plain, 4u << 20);
	enum err r = markdown_html(text, 3, &html, NULL);
	enum err again = markdown_plain(text, &plain, NULL);
	PROMISE(r == OK || r == ERR_TOO_LARGE || r == ERR_INVALID);
	PROMISE((r == ERR_INVALID) == (again == ERR_INVALID));
	if (r == OK)
		check_tags(buf_str(&html));
	return 0;
}
