/* test_wire_url.c: what a request target may say. */
#include "wire/url.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"

static bool decodes_to(const char *text, bool plus, const char *wanted)
{
	char out[256];
	size_t length;
	return url_decode(str_of(text), plus, out, &length) &&
	       str_is((struct str){ out, length }, wanted);
}

TEST(escapes_are_decoded_in_either_case)
{
	CHECK(decodes_to("a%20b%2Fc%2fd", false, "a b/c/d"));
	CHECK(decodes_to("gr%C3%BCn", false, "gr\xC3\xBCn"));
	CHECK(decodes_to("", false, ""));
}

TEST(a_plus_is_a_space_only_where_forms_are_read)
{
	CHECK(decodes_to("a+b", true, "a b"));
	CHECK(decodes_to("a+b", false, "a+b"));
	CHECK(decodes_to("a%2Bb", true, "a+b"));
}

TEST(broken_escapes_nul_and_bad_utf8_are_refused)
{
	static const char *const bad[] = { "%", "%2", "%zz", "a%2", "a%g0", "%00", "a%00b",
					   "%C0%80", "%FF", "%ED%A0%80" };
	char out[32];
	size_t length = 99;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK(!url_decode(str_of(bad[i]), false, out, &length));
	CHECK_INT(length, 99);
}

TEST(a_path_means_the_same_to_every_reader_or_is_refused)
{
	static const char *const bad[] = { "", "a", "*", "http://h/", "/a b", "/a\\b", "/%2e%2e/etc",
					   "/a/../b", "/a/.", "/a%2Fb", "/a%00", "/\xC3\xBC",
					   "/a?b", "/a#b", "/%", "/{x}", "/a\"" };
	char out[64];
	size_t length;
	struct error err;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_ERR(url_path_decode(str_of(bad[i]), out, &length, &err), ERR_INVALID);
	CHECK_OK(url_path_decode(STR("/a/..b/c%20d/...;x=1"), out, &length, &err));
	CHECK_TEXT(out, "/a/..b/c d/...;x=1");
	CHECK_INT(length, strlen(out));
}

TEST(a_query_is_walked_in_order_and_empty_pieces_are_skipped)
{
	struct str rest = STR("&a=1&&b&c=x=y&a=2&"), name, value;
	CHECK(url_query_next(&rest, &name, &value));
	CHECK_STR(name, "a");
	CHECK_STR(value, "1");
	CHECK(url_query_next(&rest, &name, &value));
	CHECK_STR(name, "b");
	CHECK_INT(value.len, 0);
	CHECK(url_query_next(&rest, &name, &value));
	CHECK_STR(value, "x=y");
	CHECK(url_query_next(&rest, &name, &value));
	CHECK_STR(value, "2");
	CHECK(!url_query_next(&rest, &name, &value));
	CHECK(!url_query_is_clean(STR("a=\x01")));
	CHECK(!url_query_is_clean(STR("a#b")));
	CHECK(url_query_is_clean(STR("match[]={job=\"x\"}")));
}

TEST(what_was_encoded_decodes_to_itself)
{
	struct random random;
	random_seeded(&random, 11);
	for (int round = 0; round < 500; round++) {
		char text[40], out[130];
		size_t length = random_below(&random, sizeof text), back;
		for (size_t i = 0; i < length; i++)
			text[i] = (char)(1 + random_below(&random, 127));
		cleanup_buf struct buf buf;
		buf_init(&buf, 1000);
		url_encode(&buf, (struct str){ text, length });
		CHECK(buf.used < sizeof out);
		CHECK(url_decode(buf_str(&buf), true, out, &back));
		CHECK(str_eq((struct str){ out, back }, (struct str){ text, length }));
	}
}

TESTS(RUN(escapes_are_decoded_in_either_case), RUN(a_plus_is_a_space_only_where_forms_are_read),
      RUN(broken_escapes_nul_and_bad_utf8_are_refused),
      RUN(a_path_means_the_same_to_every_reader_or_is_refused),
      RUN(a_query_is_walked_in_order_and_empty_pieces_are_skipped),
      RUN(what_was_encoded_decodes_to_itself))
