/* test_wire_json.c: reading and writing JSON. */
#include "base/arena.h"
#include "base/check.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

#include <string.h>

static const struct doc_node *parse(struct arena *arena, const char *text)
{
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	CHECK_OK(doc_json_parse(str_of(text), arena, DOC_LIMITS_DEFAULT, NULL, &root, &err));
	return root;
}

/* The text is refused, and the sentence begins with the place and says why. */
static void refused(struct str text, const char *place, const char *why)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	enum err result = doc_json_parse(text, &arena, DOC_LIMITS_DEFAULT, "f", &root, &err);
	if (result != ERR_INVALID)
		fail_msg(STR_FMT ": wanted a refusal, found %s", STR_ARG(text), err_name(result));
	if (strncmp(err.text, place, strlen(place)) != 0 || strstr(err.text, why) == NULL)
		fail_msg(STR_FMT ": wanted \"%s... %s\", found \"%s\"", STR_ARG(text), place, why,
			 err.text);
	CHECK(root == NULL);
	arena_finish(&arena);
}

TEST(values_of_every_kind_are_read_with_their_places)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	const struct doc_node *root =
		parse(&arena, "{\"a\": null, \"b\": true,\n \"\xC3\xA9\": [1, -2.5, \"x\\n\\u00e9\"],\n"
			      " \"m\": {}, \"big\": 9223372036854775807, \"low\": -9223372036854775808}");
	CHECK_INT(doc_count(root), 6);
	CHECK(doc_is(doc_get(root, "a"), DOC_NULL));
	CHECK(doc_bool(doc_get(root, "b"), false));
	const struct doc_node *list = doc_get(root, "\xC3\xA9");
	CHECK_INT(doc_count(list), 3);
	CHECK_INT(doc_int(doc_at(list, 0), 0), 1);
	CHECK(doc_real(doc_at(list, 1), 0) == -2.5);
	CHECK_STR(doc_text(doc_at(list, 2), ""), "x\n\xC3\xA9");
	CHECK_INT(doc_at(list, 1)->line, 2);
	CHECK_INT(doc_at(list, 1)->column, 11); /* the accented key is one column wide */
	CHECK_INT(doc_entry_at(root, 3)->line, 3);
	CHECK_INT(doc_entry_at(root, 3)->column, 2);
	CHECK_INT(doc_int(doc_get(root, "big"), 0), INT64_MAX);
	CHECK_INT(doc_int(doc_get(root, "low"), 0), INT64_MIN);
	CHECK(doc_is(doc_get(root, "m"), DOC_MAP));
	CHECK(doc_get(root, "no") == NULL);
	CHECK_INT(doc_int(doc_get(doc_get(root, "no"), "x"), 7), 7);
}

TEST(scalars_alone_are_documents)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	CHECK_INT(doc_int(parse(&arena, " 12 "), 0), 12);
	CHECK_STR(doc_text(parse(&arena, "\"x\""), ""), "x");
	CHECK(doc_is(parse(&arena, "null"), DOC_NULL));
	CHECK(doc_is(parse(&arena, " null\n"), DOC_NULL));
	CHECK(!doc_bool(parse(&arena, "false\n"), true));
	CHECK(doc_real(parse(&arena, "1e3"), 0) == 1000.0);
}

TEST(a_map_of_a_thousand_keys_is_searched)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf buf;
	arena_init(&arena, 0);
	buf_init(&buf, 1 << 20);
	struct json_writer json;
	json_init(&json, &buf);
	json_map_begin(&json);
	for (int i = 0; i < 1000; i++) {
		char key[16];
		snprintf(key, sizeof key, "k%d", i * 7919 % 1000);
		json_field_int(&json, key, i);
	}
	json_map_end(&json);
	json_finish(&json);
	const struct doc_node *root = parse(&arena, buf.bytes);
	CHECK_INT(doc_count(root), 1000);
	for (int i = 0; i < 1000; i++) {
		char key[16];
		snprintf(key, sizeof key, "k%d", i * 7919 % 1000);
		CHECK_INT(doc_int(doc_get(root, key), -1), i);
	}
	CHECK(doc_get(root, "k1000") == NULL);
}

TEST(what_is_not_json_is_refused_with_its_place)
{
	static const struct {
		const char *text, *place, *why;
	} rows[] = {
		{ "", "f:1:1: ", "empty" },
		{ " \n", "f:1:1: ", "empty" },
		{ "\xEF\xBB\xBF{}", "f:1:1: ", "byte order mark" },
		{ "[1,2", "f:1:5: ", "comma or ]" },
		{ "[1,]", "f:1:", "" },
		{ "[,1]", "f:1:", "" },
		{ "[1 2]", "f:1:", "" },
		{ "[1}", "f:1:", "" },
		{ "{\"a\":1", "f:1:", "" },
		{ "{\"a\":1,}", "f:1:", "" },
		{ "{\"a\"}", "f:1:", "" },
		{ "{\"a\" 1}", "f:1:", "" },
		{ "{a:1}", "f:1:", "" },
		{ "{'a':1}", "f:1:", "" },
		{ "{\"a\":}", "f:1:", "" },
		{ "{1:2}", "f:1:", "" },
		{ "[1]]", "f:1:4: ", "after the end" },
		{ "[1]\n x", "f:2:2: ", "after the end" },
		{ "1 2", "f:1:", "" },
		{ "{}{}", "f:1:3: ", "after the end" },
		{ "\"x\" y", "f:1:5: ", "after the end" },
		{ "tru", "f:1:", "" },
		{ "truee", "f:1:", "" },
		{ "nullx ", "f:1:", "" },
		{ "false7", "f:1:6: ", "after the end" },
		{ "1],[2", "f:1:2: ", "after the end" },
		{ "1,2", "f:1:2: ", "after the end" },
		{ "null,", "f:1:", "" },
		{ "nul", "f:1:", "" },
		{ "[nullx]", "f:1:", "" },
		{ "[True]", "f:1:", "" },
		{ "[NaN]", "f:1:", "" },
		{ "[Infinity]", "f:1:", "" },
		{ "[-Infinity]", "f:1:", "" },
		{ "[01]", "f:1:2: ", "begin with 0" },
		{ "[-01]", "f:1:2: ", "begin with 0" },
		{ "[1.]", "f:1:2: ", "after its point" },
		{ "[.5]", "f:1:", "" },
		{ "[+1]", "f:1:", "" },
		{ "[1e]", "f:1:2: ", "exponent" },
		{ "[1e+]", "f:1:2: ", "exponent" },
		{ "[0x10]", "f:1:", "" },
		{ "[-]", "f:1:2: ", "digit" },
		{ "[1e400]", "f:1:2: ", "larger than any" },
		{ "[9223372036854775808]", "f:1:2: ", "64 bits" },
		{ "[-9223372036854775809]", "f:1:2: ", "64 bits" },
		{ "[100000000000000000000000]", "f:1:2: ", "64 bits" },
		{ "[\"a\nb\"]", "f:1:4: ", "control character" },
		{ "[\"a\tb\"]", "f:1:4: ", "control character" },
		{ "[\"abc]", "f:1:2: ", "never closed" },
		{ "[\"\\x\"]", "f:1:", "escape" },
		{ "[\"\\u12g4\"]", "f:1:3: ", "four hexa" },
		{ "[\"\\ud800\"]", "f:1:3: ", "surrogate" },
		{ "[\"\\udc00\"]", "f:1:3: ", "surrogate" },
		{ "[\"\\ud800\\u0041\"]", "f:1:3: ", "surrogate" },
		{ "{\"\\udfff\":1}", "f:1:3: ", "surrogate" },
		{ "[1,\n\"\\u0000\"]", "f:2:2: ", "U+0000" },
		{ "{\"a\\u0000b\":1}", "f:1:4: ", "U+0000" },
		{ "[\"\xFF\"]", "f:1:3: ", "UTF-8" },
		{ "[\"\xC0\x80\"]", "f:1:3: ", "UTF-8" },
		{ "[\"\xED\xA0\x80\"]", "f:1:3: ", "UTF-8" },
		{ "[\"\xF4\x90\x80\x80\"]", "f:1:3: ", "UTF-8" },
		{ "[\n\"ok\", \"\xE2\x82\"]", "f:2:8: ", "UTF-8" },
		{ "[1] // why", "f:1:5: ", "after the end" },
		{ "/* why */ [1]", "f:1:", "" },
		{ "{\"a\":1,\n \"b\":2,\n \"a\":3}", "f:3:2: ", "stands twice in one map, first in line 1" },
		{ "{\"a\":1,\"\\u0061\":3}", "f:1:8: ", "stands twice" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		refused(str_of(rows[i].text), rows[i].place, rows[i].why);
	refused((struct str){ "[1]\0", 4 }, "f:1:4: ", "after the end");
	refused((struct str){ "[\0]", 3 }, "f:1:", "");
	refused((struct str){ "[\"a\0b\"]", 7 }, "f:1:4: ", "control character");
}

TEST(a_duplicate_among_many_keys_is_found)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, 1 << 20);
	buf_adds(&buf, "{\n");
	for (int i = 0; i < 500; i++)
		buf_printf(&buf, "\"k%d\": %d,\n", i, i);
	buf_adds(&buf, "\"k123\": 0}");
	refused(buf_str(&buf), "f:502:1: ", "first in line 125");
}

TEST(limits_are_refused_as_too_large)
{
	cleanup_arena struct arena arena;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	struct doc_limits limits = { .depth_max = 2, .nodes_max = 4, .bytes_max = 20 };
	CHECK_OK(doc_json_parse(STR("[[1,2]]"), &arena, limits, NULL, &root, &err));
	CHECK_ERR(doc_json_parse(STR("[[[1]]]"), &arena, limits, NULL, &root, &err), ERR_TOO_LARGE);
	CHECK_TEXT(err.text, "line 1, column 3: lists and maps are more than 2 deep");
	CHECK_ERR(doc_json_parse(STR("[1,2,3,4]"), &arena, limits, NULL, &root, &err), ERR_TOO_LARGE);
	CHECK_TEXT(err.text, "line 1, column 8: the document has more than the 4 values it may have");
	CHECK_ERR(doc_json_parse(STR("[                     ]"), &arena, limits, NULL, &root, &err),
		  ERR_TOO_LARGE);
	cleanup_arena struct arena small;
	arena_init(&small, 256);
	CHECK_ERR(doc_json_parse(STR("[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]"),
				 &small, DOC_LIMITS_DEFAULT, NULL, &root, &err),
		  ERR_TOO_LARGE);
}

TEST(a_hundred_thousand_open_brackets_are_refused)
{
	cleanup_buf struct buf buf;
	cleanup_arena struct arena arena;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	buf_init(&buf, 1 << 20);
	for (int i = 0; i < 100000; i++)
		buf_addc(&buf, '[');
	CHECK_ERR(doc_json_parse(buf_str(&buf), &arena, DOC_LIMITS_DEFAULT, NULL, &root, &err),
		  ERR_INVALID);
	CHECK_TEXT(err.text, "line 1, column 129: lists and maps are more than 128 deep");
	for (int i = 0; i < 100000; i++)
		buf_addc(&buf, ']');
	CHECK_ERR(doc_json_parse(buf_str(&buf), &arena, DOC_LIMITS_DEFAULT, NULL, &root, &err),
		  ERR_TOO_LARGE);
}

TEST(the_writer_puts_commas_and_escapes)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, 1 << 16);
	struct json_writer json;
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_text(&json, "a\"b", STR("x\\y\n\t\x01\x7F/\xC3\xA9"));
	json_field_int(&json, "min", INT64_MIN);
	json_key(&json, "list");
	json_list_begin(&json);
	json_list_begin(&json);
	json_list_end(&json);
	json_map_begin(&json);
	json_map_end(&json);
	json_bool(&json, true);
	json_null(&json);
	json_raw(&json, STR("{\"r\":1}"));
	json_list_end(&json);
	json_field_cstr(&json, "none", NULL);
	json_field_time(&json, "at", 1 * TIME_SECOND);
	json_field_time(&json, "never", TIME_NONE);
	json_map_end(&json);
	json_finish(&json);
	CHECK_STR(buf_str(&buf),
		  "{\"a\\\"b\":\"x\\\\y\\n\\t\\u0001\\u007f/\xC3\xA9\",\"min\":-9223372036854775808,"
		  "\"list\":[[],{},true,null,{\"r\":1}],\"none\":null,"
		  "\"at\":\"1970-01-01T00:00:01Z\",\"never\":null}");
}

TEST(bytes_that_are_not_utf8_are_written_as_the_replacement_character)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, 1 << 16);
	json_quote(&buf, STR("a\xFF\xC3\xA9\xE2\x82z\xED\xA0\x80"));
	CHECK_STR(buf_str(&buf), "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF"
				 "\xBD\xEF\xBF\xBD\"");
}

TEST(what_needs_an_escape_gets_one_at_any_place_of_a_long_text)
{
	static const struct { char byte; const char *written; } cases[] = {
		{ '"', "\\\"" }, { '\\', "\\\\" }, { '\n', "\\n" }, { '\x01', "\\u0001" }, { '\x7F', "\\u007f" },
		{ '\xFF', "\xEF\xBF\xBD" }, { ' ', " " }, { '~', "~" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int at = 0; at < 27; at++) {
			cleanup_buf struct buf buf;
			char text[28], wanted[64];
			memset(text, 'a', sizeof text);
			text[at] = cases[i].byte;
			snprintf(wanted, sizeof wanted, "\"%.*s%s%.*s\"", at, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", cases[i].written,
				 27 - at, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa");
			buf_init(&buf, 1 << 16);
			json_quote(&buf, (struct str){ text, sizeof text });
			CHECK_STR(buf_str(&buf), wanted);
		}
	}
}

TEST(a_flaw_behind_long_lines_has_the_right_place)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 1 << 20);
	const struct doc_node *root;
	struct error err;
	CHECK_OK(doc_json_parse(STR("{\"key\": \"0123456789abcdefghijklmnop\",\n  \"\xC3\xA9\xC3\xA9 and much more\": [1,\n\n 2]}"),
				&arena, DOC_LIMITS_DEFAULT, NULL, &root, &err));
	const struct doc_entry *second = doc_entry_at(root, 1);
	CHECK_INT(second->line, 2);
	CHECK_INT(second->column, 3);
	CHECK_INT(second->value.column, 23);
	CHECK_INT(doc_at(&second->value, 1)->line, 4);
	CHECK_INT(doc_at(&second->value, 1)->column, 2);
}

TEST(reals_are_written_short_and_read_back)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0.1, "0.1" },	       { 1.0, "1.0" },		 { -2.5, "-2.5" },
		{ 1e300, "1e+300" },   { 1.0 / 3, "0.3333333333333333" },
		{ 5e-324, "4.94065645841247e-324" }, { 123456789012345680.0, "1.2345678901234568e+17" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cleanup_buf struct buf buf;
		cleanup_arena struct arena arena;
		arena_init(&arena, 0);
		buf_init(&buf, 100);
		struct json_writer json;
		json_init(&json, &buf);
		json_real(&json, rows[i].value);
		CHECK_STR(buf_str(&buf), rows[i].text);
		const struct doc_node *root = parse(&arena, buf.bytes);
		CHECK(doc_is(root, DOC_REAL));
		CHECK(root->real == rows[i].value);
	}
}

TESTS(RUN(values_of_every_kind_are_read_with_their_places), RUN(scalars_alone_are_documents),
      RUN(a_map_of_a_thousand_keys_is_searched), RUN(what_is_not_json_is_refused_with_its_place),
      RUN(a_duplicate_among_many_keys_is_found), RUN(limits_are_refused_as_too_large),
      RUN(a_hundred_thousand_open_brackets_are_refused), RUN(the_writer_puts_commas_and_escapes),
      RUN(bytes_that_are_not_utf8_are_written_as_the_replacement_character),
      RUN(what_needs_an_escape_gets_one_at_any_place_of_a_long_text), RUN(a_flaw_behind_long_lines_has_the_right_place),
      RUN(reals_are_written_short_and_read_back))
