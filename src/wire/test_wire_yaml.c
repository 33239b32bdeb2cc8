/* test_wire_yaml.c: reading YAML, and printing what reads back as the same. */
#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"
#include "wire/doc_build.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"
#include "wire/doc_yaml.h"

#include <string.h>

static const struct doc_node *parse(struct arena *arena, const char *text)
{
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	CHECK_OK(doc_yaml_parse(str_of(text), arena, DOC_LIMITS_DEFAULT, NULL, &root, &err));
	return root;
}

/* What the YAML text says, as JSON. */
static void says(const char *text, const char *wanted)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf buf;
	arena_init(&arena, 0);
	buf_init(&buf, 1 << 16);
	doc_print_json(parse(&arena, text), &buf);
	if (!str_is(buf_str(&buf), wanted))
		fail_msg("%s\nwanted %s\nfound  " STR_FMT, text, wanted, STR_ARG(buf_str(&buf)));
}

static void refused(struct str text, enum err code, const char *sentence)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	enum err result = doc_yaml_parse(text, &arena, DOC_LIMITS_DEFAULT, "f.yaml", &root, &err);
	if (result != code || strncmp(err.text, sentence, strlen(sentence)) != 0)
		fail_msg(STR_FMT "\nwanted %s: %s\nfound  %s: %s", STR_ARG(text), err_name(code),
			 sentence, err_name(result), err.text);
	CHECK(root == NULL);
}

TEST(plain_scalars_follow_the_core_schema_of_yaml_1_2)
{
	says("[~, null, Null, NULL, '', nUll]", "[null,null,null,null,\"\",\"nUll\"]");
	says("a:\nb: ''", "{\"a\":null,\"b\":\"\"}");
	says("[true, True, FALSE, tRue, yes, no, on, off, y, n]",
	     "[true,true,false,\"tRue\",\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]");
	says("[0, -7, +12, 0x1F, 0o17, 0x, 0o8, 1_000, 0b1]",
	     "[0,-7,12,31,15,\"0x\",\"0o8\",\"1_000\",\"0b1\"]");
	says("[0123, 00, -01, 01.5]", "[\"0123\",\"00\",\"-01\",\"01.5\"]");
	says("[1.5, .5, 5., 1e3, 1E-2, +.5e+1, ., 1e, e1]",
	     "[1.5,0.5,5.0,1000.0,0.01,5.0,\".\",\"1e\",\"e1\"]");
	says("[09:00, 19:30, 2026-11-23, 1.2.3, 30s]",
	     "[\"09:00\",\"19:30\",\"2026-11-23\",\"1.2.3\",\"30s\"]");
	says("[9223372036854775807, -9223372036854775808]",
	     "[9223372036854775807,-9223372036854775808]");
	says("['1', \"true\", \"a\\tb\"]", "[\"1\",\"true\",\"a\\tb\"]");
	says("1: a\ntrue: b\n~: c", "{\"1\":\"a\",\"true\":\"b\",\"~\":\"c\"}");
}

TEST(blocks_keep_their_lines)
{
	says("a: |\n  one\n   two\n\n  three\nb: >-\n  folded\n  text\n",
	     "{\"a\":\"one\\n two\\n\\nthree\\n\",\"b\":\"folded text\"}");
	says("\xEF\xBB\xBF# a comment\r\na: 1\r\n", "{\"a\":1}");
	says("", "null");
	says("# nothing\n", "null");
}

TEST(an_alias_gives_the_value_again_with_its_own_place)
{
	says("a: &x {k: [1, 2]}\nb: *x\nc: &y text\nd: [*y, *y]\n",
	     "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":\"text\",\"d\":[\"text\",\"text\"]}");
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	const struct doc_node *root = parse(&arena, "a: &x {k: 1}\nb:\n  - *x\n");
	CHECK_INT(doc_at(doc_get(root, "b"), 0)->line, 3);
	CHECK_INT(doc_at(doc_get(root, "b"), 0)->column, 5);
}

TEST(nodes_know_where_they_stood_and_how_they_were_spelled)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	const struct doc_node *root = parse(&arena, "a: 1\nlist:\n  - \xC3\xA9: 1.20\n    z: no\n");
	const struct doc_node *item = doc_at(doc_get(root, "list"), 0);
	CHECK_INT(item->line, 3);
	CHECK_INT(item->column, 5);
	const struct doc_entry *entry = doc_entry_at(item, 0);
	CHECK_INT(entry->column, 5);
	CHECK_INT(entry->value.column, 8);
	struct str spelled = STR_NONE;
	CHECK(doc_spelling(&entry->value, &spelled));
	CHECK_STR(spelled, "1.20");
	CHECK(!doc_spelling(item, &spelled));
}

TEST(what_means_different_things_to_different_readers_is_refused)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "a: 1\nb: 2\na: 3\n",
		  "f.yaml:3:1: key \"a\" stands twice in one map, first in line 1" },
		{ "- {x: 1, x: 2}", "f.yaml:1:10: key \"x\" stands twice" },
		{ "1: a\n'1': b\n", "f.yaml:2:1: key \"1\" stands twice" },
		{ "a: !!str 1", "f.yaml:1:4: tags" },
		{ "a: ! 1", "f.yaml:1:4: tags" },
		{ "!x {a: 1}", "f.yaml:1:1: tags" },
		{ "- !!seq []", "f.yaml:1:3: tags" },
		{ "a: &x {b: 1}\nc:\n  <<: *x\n", "f.yaml:3:3: merge keys" },
		{ "{[a]: 1}", "f.yaml:1:2: a key must be a text" },
		{ "? {a: 1}\n: 2", "f.yaml:1:3: a key must be a text" },
		{ "a: &x k\n*x : 1", "f.yaml:2:1: a key cannot be an alias" },
		{ "a: *nobody", "f.yaml:1:4: the alias \"nobody\" has no anchor" },
		{ "a: &x [*x]", "f.yaml:1:8: the alias \"x\" has no anchor" },
		{ "a: .inf", "f.yaml:1:4: a number must be finite" },
		{ "a: [-.Inf, 1]", "f.yaml:1:5: a number must be finite" },
		{ "a: .nan", "f.yaml:1:4: a number must be finite" },
		{ "a: 9223372036854775808", "f.yaml:1:4: the number is outside" },
		{ "a: 0x8000000000000000", "f.yaml:1:4: the number is outside" },
		{ "a: 1e999", "f.yaml:1:4: the number is outside" },
		{ "a: \"x\\0y\"", "f.yaml:1:4: the text contains the character U+0000" },
		{ "a: 1\n---\nb: 2\n", "f.yaml:3:1: a second document" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		refused(str_of(rows[i].text), ERR_INVALID, rows[i].sentence);
}

TEST(what_is_not_yaml_is_refused_with_its_place)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "a:\n  b: 1\n c: 2\n", "f.yaml:3:2: did not find expected key" },
		{ "a: [1, 2\nb: 3\n", "f.yaml:2:" },
		{ "a: 1\nb: \"never closed\nc: 2\n", "f.yaml:2:4: " },
		{ "a:\n\t- 1\n", "f.yaml:2:1: " },
		{ "a: b: c\n", "f.yaml:1:5: mapping values are not allowed" },
		{ "a: \xFF\n", "f.yaml:1:4: the text is not valid UTF-8" },
		{ "a: 1\nb: \x01\n", "f.yaml:2:4: a control character" },
		{ "a: \"\\uD800\"", "f.yaml:1:" },
		{ "a: @x", "f.yaml:1:4: found character that cannot start any token" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		refused(str_of(rows[i].text), ERR_INVALID, rows[i].sentence);
	refused((struct str){ "a: \0", 4 }, ERR_INVALID, "f.yaml:1:4: a control character");
}

TEST(the_place_of_a_mistake_can_be_taken_from_its_text)
{
	struct doc_place place;
	struct str sentence;
	doc_fail_split(STR("a:b.yaml:3:14: tags: no"), "a:b.yaml", &place, &sentence);
	CHECK_INT(place.line, 3);
	CHECK_INT(place.column, 14);
	CHECK_STR(sentence, "tags: no");
	doc_fail_split(STR("could not: read"), "a", &place, &sentence);
	CHECK_INT(place.line, 0);
	CHECK_STR(sentence, "could not: read");
}

TEST(a_small_text_cannot_become_a_large_document)
{
	refused(STR("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		    "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
		    "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"),
		ERR_TOO_LARGE, "f.yaml:6:8: with the alias \"e\" the document grows");
	cleanup_buf struct buf buf;
	buf_init(&buf, 1 << 20);
	for (int i = 0; i < 100000; i++)
		buf_addc(&buf, '[');
	refused(buf_str(&buf), ERR_TOO_LARGE, "f.yaml:1:65: lists and maps are more than 64 deep");
	buf_reset(&buf); /* each line alone is shallow; put together they are not */
	buf_adds(&buf, "l0: &l0 [x]\n");
	for (int i = 1; i < 70; i++)
		buf_printf(&buf, "l%d: &l%d [*l%d]\n", i, i, i - 1);
	refused(buf_str(&buf), ERR_TOO_LARGE, "f.yaml:64:");
}

TEST(a_stream_gives_its_documents_one_by_one)
{
	cleanup_arena struct arena arena;
	struct error err = { 0 };
	arena_init(&arena, 0);
	struct doc_yaml *yaml = doc_yaml_create(STR("---\na: &x 1\n---\n---\nb: 2\n...\n---\nc: *x\n"),
						&arena, DOC_LIMITS_DEFAULT, "f");
	const struct doc_node *root = NULL;
	CHECK_OK(doc_yaml_next(yaml, &root, &err));
	CHECK_INT(doc_int(doc_get(root, "a"), 0), 1);
	CHECK_OK(doc_yaml_next(yaml, &root, &err));
	CHECK(doc_is(root, DOC_NULL));
	CHECK_OK(doc_yaml_next(yaml, &root, &err));
	CHECK_INT(doc_int(doc_get(root, "b"), 0), 2);
	CHECK_INT(doc_get(root, "b")->line, 5);
	/* anchors end with their document */
	CHECK_ERR(doc_yaml_next(yaml, &root, &err), ERR_INVALID);
	CHECK_OK(doc_yaml_next(yaml, &root, &err));
	CHECK(root == NULL);
	doc_yaml_destroy(&yaml);
	CHECK(yaml == NULL);
}

static void prints(const char *json, const char *wanted)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf buf;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	buf_init(&buf, 1 << 16);
	CHECK_OK(doc_json_parse(str_of(json), &arena, DOC_LIMITS_DEFAULT, NULL, &root, &err));
	doc_print_yaml(root, &buf);
	CHECK_STR(buf_str(&buf), wanted);
	CHECK(doc_equal(parse(&arena, buf.bytes), root));
}

TEST(yaml_is_printed_as_a_person_would_write_it)
{
	prints("{\"name\":\"web\",\"every\":\"30s\",\"url\":\"https://example.org/a?b=c#d\",\"n\":3,"
	       "\"r\":1.0,\"list\":[\"a\",{\"k\":1,\"l\":[]},[1,[2]]],\"map\":{\"x\":{\"y\":null}},"
	       "\"none\":{},\"text\":\"one\\n\\n  two\\n\"}",
	       "name: web\nevery: 30s\nurl: https://example.org/a?b=c#d\n\"n\": 3\nr: 1.0\nlist:\n  - a\n"
	       "  - k: 1\n    l: []\n  - - 1\n    - - 2\nmap:\n  x:\n    \"y\": null\nnone: {}\n"
	       "text: |\n  one\n\n    two\n");
	prints("[\"yes\",\"No\",\"09:00\",\"2026-11-23\",\"1.5\",\"0123\",\"\",\"~\",\"-x\",\"a: b\",\"a:b\","
	       "\"a #b\",\" a\",\"a \",\"@x\",\"0x1z\",\"10.0.0.1\",\"web 1\",\"\\u0085\",\"\\t\",\"5m\"]",
	       "- \"yes\"\n- \"No\"\n- \"09:00\"\n- \"2026-11-23\"\n- \"1.5\"\n- \"0123\"\n- \"\"\n"
	       "- \"~\"\n- \"-x\"\n- \"a: b\"\n- a:b\n- \"a #b\"\n- \" a\"\n- \"a \"\n- \"@x\"\n"
	       "- \"0x1z\"\n- \"10.0.0.1\"\n- web 1\n- \"\\u0085\"\n- \"\\t\"\n- 5m\n");
	prints("[\"a\\nb\",\"a\\n\\n\",\"\\na\",\" a\\nb\",\"a\\n\\tb \\n\"]",
	       "- |-\n  a\n  b\n- |+\n  a\n\n- \"\\na\"\n- \" a\\nb\"\n- |\n  a\n  \tb \n");
	prints("\"one\\ntwo\"", "|-\n  one\n  two\n");
	prints("[]", "[]\n");
}

/* Texts made of the pieces that break printers. */
static struct str some_text(struct random *random, struct arena *arena)
{
	static const char *const pieces[] = {
		"a", "-", ": ", " #", "\n", "\n\n", " ", "  ", "\t", "'", "\"", "\\", "|", ">", "%",
		"yes", "null", "1", "0", ".", "e", "[", "]", "{", "}", ",", "&x", "*x", "!t", "?", "@",
		"\xC3\xA9", "\xC2\x85", "\xE2\x80\xA8", "\xEF\xBB\xBF", "\xF0\x9F\x98\x80", "\x7F",
		"\x01", "\r", "\r\n", "---", "...", "<<", "=", "~", ":", "#", "0x1", "\xEF\xBF\xBE",
	};
	cleanup_buf struct buf buf;
	buf_init(&buf, 1 << 16);
	size_t count = random_below(random, 40) == 0 ? 400 : random_below(random, 6);
	for (size_t i = 0; i < count; i++)
		buf_adds(&buf, pieces[random_below(random, sizeof pieces / sizeof *pieces)]);
	return arena_str(arena, buf_str(&buf));
}

static struct doc_node some_leaf(struct random *random, struct arena *arena)
{
	uint64_t bits;
	switch (random_below(random, 8)) {
	case 0:
		return (struct doc_node){ .kind = DOC_NULL };
	case 1:
		return (struct doc_node){ .kind = DOC_BOOL, .truth = random_below(random, 2) == 0 };
	case 2:
		random_fill(random, &bits, sizeof bits);
		return (struct doc_node){ .kind = DOC_INT,
					  .integer = (int64_t)(bits >> random_below(random, 64)) };
	case 3:
		random_fill(random, &bits, sizeof bits);
		return (struct doc_node){ .kind = DOC_REAL,
					  .real = (double)(int64_t)bits / 3e7 };
	default:
		return (struct doc_node){ .kind = DOC_TEXT, .text = some_text(random, arena) };
	}
}

static void some_value(struct random *random, struct arena *arena, struct doc_build *build,
		       unsigned depth)
{
	struct error err = { 0 };
	if (depth == 0 || random_below(random, 3) == 0) {
		CHECK_OK(doc_build_add(build, some_leaf(random, arena), &err));
		return;
	}
	bool map = random_below(random, 2) == 0;
	size_t count = random_below(random, 12);
	CHECK_OK(doc_build_open(build, map ? DOC_MAP : DOC_LIST, (struct doc_place){ 0 }, &err));
	for (size_t i = 0; i < count; i++) {
		struct str key = some_text(random, arena);
		if (i > 0) /* the number keeps them apart */
			key = arena_printf(arena, STR_FMT "/%zu", STR_ARG(key), i);
		if (map)
			CHECK_OK(doc_build_key(build, key, (struct doc_place){ 0 }, &err));
		some_value(random, arena, build, depth - 1);
	}
	enum err result = doc_build_close(build, &err);
	if (result != OK)
		fail_msg("%s", err.text);
}

TEST(what_is_printed_reads_back_as_the_same_tree)
{
	struct random random;
	random_seeded(&random, 7);
	for (int round = 0; round < 1000; round++) {
		cleanup_arena struct arena arena;
		cleanup_buf struct buf json, yaml;
		cleanup_doc_build struct doc_build build;
		struct error err = { 0 };
		const struct doc_node *again = NULL;
		arena_init(&arena, 0);
		buf_init(&json, 1 << 22);
		buf_init(&yaml, 1 << 22);
		doc_build_init(&build, &arena, DOC_LIMITS_DEFAULT, NULL);
		some_value(&random, &arena, &build, 4);
		doc_print_json(build.root, &json);
		struct doc_limits limits = { .depth_max = 64, .nodes_max = 100000,
					     .bytes_max = 1 << 22 };
		CHECK_OK(doc_json_parse(buf_str(&json), &arena, limits, NULL, &again, &err));
		if (!doc_equal(build.root, again))
			fail_msg("read differently:\n%s", json.bytes);
		doc_print_yaml(build.root, &yaml);
		enum err result = doc_yaml_parse(buf_str(&yaml), &arena, limits, NULL, &again, &err);
		if (result != OK)
			fail_msg("%s in\n%s", err.text, yaml.bytes);
		if (!doc_equal(build.root, again))
			fail_msg("read differently:\n%s\n%s", json.bytes, yaml.bytes);
	}
}

/* Readers refuse a key of more than 1024 characters that has no mark before it. */
TEST(a_key_of_any_length_reads_back)
{
	for (size_t i = 2; i < 2400; i++) {
		size_t length = i / 2;
		cleanup_arena struct arena arena;
		cleanup_buf struct buf yaml;
		cleanup_doc_build struct doc_build build;
		struct error err = { 0 };
		const struct doc_node *again = NULL;
		arena_init(&arena, 0);
		buf_init(&yaml, 1 << 16);
		doc_build_init(&build, &arena, DOC_LIMITS_DEFAULT, NULL);
		char *key = arena_alloc(&arena, length);
		memset(key, i % 2 == 0 ? 'k' : 0x7F, length); /* one character, or the six of its escape */
		CHECK_OK(doc_build_open(&build, DOC_MAP, (struct doc_place){ 0 }, &err));
		CHECK_OK(doc_build_key(&build, (struct str){ key, length }, (struct doc_place){ 0 }, &err));
		CHECK_OK(doc_build_add(&build, (struct doc_node){ .kind = DOC_INT, .integer = 3 }, &err));
		CHECK_OK(doc_build_close(&build, &err));
		doc_print_yaml(build.root, &yaml);
		if (doc_yaml_parse(buf_str(&yaml), &arena, DOC_LIMITS_DEFAULT, NULL, &again, &err) != OK)
			fail_msg("%zu bytes: %s", length, err.text);
		CHECK(doc_equal(build.root, again));
	}
}

TESTS(RUN(plain_scalars_follow_the_core_schema_of_yaml_1_2), RUN(blocks_keep_their_lines),
      RUN(an_alias_gives_the_value_again_with_its_own_place),
      RUN(nodes_know_where_they_stood_and_how_they_were_spelled),
      RUN(what_means_different_things_to_different_readers_is_refused),
      RUN(what_is_not_yaml_is_refused_with_its_place),
      RUN(the_place_of_a_mistake_can_be_taken_from_its_text),
      RUN(a_small_text_cannot_become_a_large_document),
      RUN(a_stream_gives_its_documents_one_by_one),
      RUN(yaml_is_printed_as_a_person_would_write_it),
      RUN(what_is_printed_reads_back_as_the_same_tree), RUN(a_key_of_any_length_reads_back))
