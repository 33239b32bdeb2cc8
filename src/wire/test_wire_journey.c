/* test_wire_journey.c: what journeys are made of: cookies, paths of documents, regular expressions. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "wire/cookie_jar.h"
#include "wire/doc_json.h"
#include "wire/doc_path.h"
#include "wire/regex.h"

#define NOW (1700000000 * TIME_SECOND)

static struct cookie_jar jar;

static void take(const char *host, const char *path, bool https, const char *lines)
{
	cookie_jar_take(&jar, str_of(host), str_of(path), https, str_of(lines), NOW);
}

static void check_sent(const char *host, const char *path, bool https, const char *wanted)
{
	cleanup_buf struct buf out;
	buf_init(&out, 8192);
	cookie_jar_print(&jar, str_of(host), str_of(path), https, &out);
	CHECK_STR(buf_str(&out), wanted);
}

TEST(a_cookie_goes_back_to_whom_it_is_from_and_to_nobody_else)
{
	cookie_jar_init(&jar);
	take("shop.example.org", "/a/b", true, "HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/; HttpOnly\r\n"
	     "set-cookie: deep=2\r\nSet-Cookie: all=3; Domain=.example.org; Path=/\r\nSet-Cookie: safe=4; Secure; Path=/\r\n");
	check_sent("shop.example.org", "/a/c", true, "sid=1; deep=2; all=3; safe=4");
	check_sent("shop.example.org", "/ab", true, "sid=1; all=3; safe=4");
	check_sent("SHOP.example.org", "/", false, "sid=1; all=3");
	check_sent("other.example.org", "/", true, "all=3");
	check_sent("badexample.org", "/", true, "");
	check_sent("example.org", "/", true, "all=3");
	cookie_jar_finish(&jar);
}

TEST(a_cookie_is_not_set_for_strangers_top_levels_and_addresses)
{
	cookie_jar_init(&jar);
	take("shop.example.org", "/", false, "Set-Cookie: a=1; Domain=example.com\r\nSet-Cookie: b=2; Domain=org\r\n"
	     "Set-Cookie: c=3; Secure\r\nSet-Cookie: =4\r\nSet-Cookie: novalue\r\nSet-Cookie: d=\x01\r\nX-Set-Cookie: e=5\r\n");
	take("10.0.0.1", "/", false, "Set-Cookie: f=6; Domain=0.0.1\r\n");
	CHECK_INT(jar.count, 0);
	cookie_jar_finish(&jar);
}

TEST(a_cookie_is_replaced_deleted_and_the_oldest_gives_way)
{
	cookie_jar_init(&jar);
	take("h", "/", false, "Set-Cookie: a=1\r\nSet-Cookie: a=2\r\n");
	check_sent("h", "/", false, "a=2");
	take("h", "/", false, "Set-Cookie: a=; Max-Age=0\r\n");
	check_sent("h", "/", false, "");
	take("h", "/", false, "Set-Cookie: b=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n"
	     "Set-Cookie: c=1; Expires=Wed, 01 Jan 2031 00:00:00 GMT\r\n");
	check_sent("h", "/", false, "c=1");
	for (int i = 0; i < 60; i++) {
		char line[64];
		snprintf(line, sizeof line, "Set-Cookie: n%d=v\r\n", i);
		take("h", "/", false, line);
	}
	CHECK_INT(jar.count, COOKIES_MAX);
	CHECK_STR(str_of(jar.cookies[0].name), "n10");
	cookie_jar_finish(&jar);
}

TEST(a_path_leads_to_one_value_or_to_none)
{
	cleanup_arena struct arena arena;
	const struct doc_node *root;
	struct error err;
	arena_init(&arena, 0);
	CHECK_OK(doc_json_parse(STR("{\"a\":{\"b c\":[{\"id\":7},\"x\"]},\"$\":1}"), &arena, DOC_LIMITS_DEFAULT, NULL, &root,
				&err));
	CHECK_INT(doc_int(doc_path_find(root, STR("$.a['b c'][0].id")), 0), 7);
	CHECK_INT(doc_int(doc_path_find(root, STR("a[\"b c\"][0].id")), 0), 7);
	CHECK_STR(doc_text(doc_path_find(root, STR("$.a['b c'][1]")), ""), "x");
	CHECK(doc_path_find(root, STR("$")) == root);
	const char *const none[] = { "$.a.x", "$.a['b c'][2]", "$.a[0]", "$.a['b c'].id" };
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		CHECK(doc_path_find(root, str_of(none[i])) == NULL);
	const char *const bad[] = { "", "$..a", "$.", "a[", "a[-1]", "a['b]", "a b", "a[0", "a]" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK(!doc_path_check(str_of(bad[i])));
}

TEST(the_first_group_is_taken_and_no_pattern_takes_long)
{
	char why[REGEX_WHY_BYTES];
	struct str found;
	struct regex *regex = regex_create(STR("name=\"csrf\" value=\"([^\"]+)\""), why);
	CHECK(regex != NULL);
	CHECK(regex_find(regex, STR("<input name=\"csrf\" value=\"t0ken\">"), &found));
	CHECK_STR(found, "t0ken");
	CHECK(!regex_find(regex, STR("<input>"), &found));
	regex_destroy(&regex);
	CHECK(regex_create(STR("(a"), why) == NULL);
	CHECK(strlen(why) > 0);
	static char text[100000];
	memset(text, 'a', sizeof text - 1);
	regex = regex_create(STR("(a+)+$|b"), why);
	CHECK(regex_find(regex, str_of(text), &found));
	regex_destroy(&regex);
}

TESTS(RUN(a_cookie_goes_back_to_whom_it_is_from_and_to_nobody_else),
      RUN(a_cookie_is_not_set_for_strangers_top_levels_and_addresses),
      RUN(a_cookie_is_replaced_deleted_and_the_oldest_gives_way), RUN(a_path_leads_to_one_value_or_to_none),
      RUN(the_first_group_is_taken_and_no_pattern_takes_long))
