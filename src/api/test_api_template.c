/* test_api_template.c: pages that are filled. */
#include "api/api_template.h"
#include "base/check.h"

static const struct api_template_value values[] = {
	{ "title", STR("<script>\"Tom\" & 'Co'</script>") },
	{ "empty", STR_NONE },
	{ "on", STR("yes") },
};

static void gives(const char *text, const char *wanted)
{
	struct buf out;
	buf_init(&out, 4096);
	api_template_fill(&out, str_of(text), values, sizeof values / sizeof values[0]);
	buf_addc(&out, '\0');
	assert_string_equal(buf_str(&out).ptr, wanted);
	buf_finish(&out);
}

TEST(a_value_is_escaped_for_text_and_for_attributes)
{
	gives("<p title=\"{{title}}\">", "<p title=\"&lt;script&gt;&quot;Tom&quot; &amp; &#39;Co&#39;&lt;/script&gt;\">");
	gives("a{{empty}}b", "ab");
}

TEST(a_block_is_kept_when_its_value_is_not_empty)
{
	gives("1{{#on}}2{{on}}{{/on}}3", "12yes3");
	gives("1{{#empty}}2{{title}}{{/empty}}3", "13");
	gives("{{#on}}a{{#empty}}b{{/empty}}c{{/on}}{{#on}}d{{/on}}", "acd");
}

TEST(text_without_marks_stays_as_it_is)
{
	gives("", "");
	gives("body { color: red } }}", "body { color: red } }}");
}

TESTS(RUN(a_value_is_escaped_for_text_and_for_attributes), RUN(a_block_is_kept_when_its_value_is_not_empty),
      RUN(text_without_marks_stays_as_it_is))
