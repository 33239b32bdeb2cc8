/* test_wire_markdown.c: what people write is shown as they meant it, and can do no harm. */
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "wire/markdown.h"

struct row {
	const char *text, *html;
};

static void check_html(const struct row *row, unsigned heading)
{
	cleanup_buf struct buf out;
	struct error err = { 0 };
	buf_init(&out, 1u << 20);
	CHECK_OK(markdown_html(str_of(row->text), heading, &out, &err));
	CHECK_STR(buf_str(&out), row->html);
}

TEST(what_people_write_is_shown_as_they_meant_it)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "Checkout is **down** since *14:02*.",
		  "<p>Checkout is <strong>down</strong> since <em>14:02</em>.</p>" },
		{ "- one\n- two", "<ul><li>one</li><li>two</li></ul>" },
		{ "3. three\n4. four", "<ol start=\"3\"><li>three</li><li>four</li></ol>" },
		{ "`a<b`", "<p><code>a&lt;b</code></p>" },
		{ "```\na & b\n```", "<pre tabindex=\"0\"><code>a &amp; b\n</code></pre>" },
		{ "| a | b |\n|---|--:|\n| 1 | 2 |",
		  "<table><thead><tr><th>a</th><th class=\"right\">b</th></tr></thead>"
		  "<tbody><tr><td>1</td><td class=\"right\">2</td></tr></tbody></table>" },
		{ "~~old~~ new  \nline", "<p><del>old</del> new<br>line</p>" },
		{ "[status](https://example.com/?a=1&b=2)",
		  "<p><a href=\"https://example.com/?a=1&amp;b=2\" rel=\"nofollow noopener\">status</a></p>" },
		{ "see https://example.com/x", "<p>see <a href=\"https://example.com/x\" rel=\"nofollow noopener\">"
					       "https://example.com/x</a></p>" },
		{ "(https://example.com/a_b?x=1&y=2).", "<p>(<a href=\"https://example.com/a_b?x=1&amp;y=2\" rel=\"nofollow noopener\">"
							"https://example.com/a_b?x=1&amp;y=2</a>).</p>" },
		{ "[x https://a.example](/b)", "<p><a href=\"/b\" rel=\"nofollow noopener\">x https://a.example</a></p>" },
		{ "- one\n\n- two", "<ul><li><p>one</p></li><li><p>two</p></li></ul>" },
		{ "[here](/runbooks/1)", "<p><a href=\"/runbooks/1\" rel=\"nofollow noopener\">here</a></p>" },
		{ "&copy; 2026 &amp;lt;", "<p>© 2026 &amp;lt;</p>" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_html(&rows[i], 3);
}

TEST(a_heading_takes_its_place_in_the_page_that_shows_it)
{
	check_html(&(struct row){ "# a\n\n## b", "<h3>a</h3><h4>b</h4>" }, 3);
	check_html(&(struct row){ "#### deep", "<h6>deep</h6>" }, 4);
}

TEST(raw_html_is_shown_as_text)
{
	static const struct row rows[] = {
		{ "<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>" },
		{ "a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>" },
		{ "<!-- x -->", "<p>&lt;!-- x --&gt;</p>" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_html(&rows[i], 3);
}

TEST(a_link_that_runs_code_or_leaves_by_a_trick_stays_text)
{
	static const char *const targets[] = {
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
		"//evil.example/x", "java&#115;cript:alert(1)", "javascript&colon;alert(1)", "\\\\evil\\x",
		"&#106;avascript:x", "x:y", "java%0ascript:x", "jav&Tab;ascript:x",
	};
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		cleanup_buf struct buf out;
		char text[200];
		struct error err = { 0 };
		snprintf(text, sizeof text, "[x](%s) ![y](%s)", targets[i], targets[i]);
		buf_init(&out, 1u << 20);
		CHECK_OK(markdown_html(str_of(text), 3, &out, &err));
		CHECK_STR(buf_str(&out), "<p>x y</p>");
	}
}

TEST(a_picture_is_a_link_because_nothing_is_loaded_from_elsewhere)
{
	check_html(&(struct row){ "![graph](https://example.com/g.png)",
				  "<p><a href=\"https://example.com/g.png\" rel=\"nofollow noopener\">graph</a></p>" }, 3);
	check_html(&(struct row){ "[![a](https://x.example/i)](https://y.example/)",
				  "<p><a href=\"https://y.example/\" rel=\"nofollow noopener\">a</a></p>" }, 3);
	check_html(&(struct row){ "[![a](https://x.example/i)](javascript:x)",
				  "<p><a href=\"https://x.example/i\" rel=\"nofollow noopener\">a</a></p>" }, 3);
}

TEST(what_is_too_long_or_too_deep_is_refused_and_leaves_nothing)
{
	cleanup_buf struct buf out;
	struct error err = { 0 };
	static char deep[2000], longest[MARKDOWN_BYTES_MAX + 1];
	memset(deep, '>', sizeof deep - 2);
	memset(longest, 'a', sizeof longest);
	buf_init(&out, 1u << 20);
	buf_adds(&out, "before");
	CHECK_INT(markdown_html((struct str){ longest, sizeof longest }, 3, &out, &err), ERR_TOO_LARGE);
	CHECK_INT(markdown_html(str_of(deep), 3, &out, &err), ERR_TOO_LARGE);
	CHECK_INT(markdown_html(STR("\xff"), 3, &out, &err), ERR_INVALID);
	CHECK_STR(buf_str(&out), "before");
}

static double seconds_of(const char *piece)
{
	cleanup_buf struct buf out;
	static char text[MARKDOWN_BYTES_MAX + 1];
	size_t size = strlen(piece), used = 0;
	for (; used + size <= MARKDOWN_BYTES_MAX; used += size)
		memcpy(text + used, piece, size);
	buf_init(&out, 16u << 20);
	clock_t begun = clock();
	markdown_html((struct str){ text, used }, 3, &out, NULL);
	return (double)(clock() - begun) / CLOCKS_PER_SEC;
}

/* What is written to be slow costs at most a few times what any text of that length costs. */
TEST(no_text_takes_long_to_show)
{
	static const char *const pieces[] = { "(http://", "[a](", "**a ", "| a ", "![a", "`", "> ", "~~a~~", "<a ", "&amp;" };
	double usual = seconds_of("words and *more* words, as people write them. ");
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		double took = seconds_of(pieces[i]);
		if (took > 1.0 && took > 100 * usual)
			fail_msg("64 KiB of \"%s\" took %.2f s, usual text %.3f s", pieces[i], took, usual);
	}
}

TEST(without_mark_up_the_words_remain)
{
	cleanup_buf struct buf out;
	struct error err = { 0 };
	buf_init(&out, 4096);
	CHECK_OK(markdown_plain(STR("# Down\n\nCheckout is **down**, see [page](https://x.example/).\n\n- a <b>\n- c"),
				&out, &err));
	CHECK_STR(buf_str(&out),
		  "Down\n\nCheckout is down, see page (https://x.example/).\n\n- a <b>\n- c\n\n");
}

TESTS(RUN(what_people_write_is_shown_as_they_meant_it), RUN(a_heading_takes_its_place_in_the_page_that_shows_it),
      RUN(raw_html_is_shown_as_text), RUN(a_link_that_runs_code_or_leaves_by_a_trick_stays_text),
      RUN(a_picture_is_a_link_because_nothing_is_loaded_from_elsewhere),
      RUN(what_is_too_long_or_too_deep_is_refused_and_leaves_nothing), RUN(no_text_takes_long_to_show),
      RUN(without_mark_up_the_words_remain))
