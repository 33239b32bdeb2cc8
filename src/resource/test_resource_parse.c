/* test_resource_parse.c: definitions read from files, and printed again. */
#include "resource/test_resource_kinds.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define HEAD(kind, name) \
	"apiVersion: mainstay/v1\nkind: " kind "\nmetadata: {name: " name "}\n"

TEST(the_registry_is_sound)
{
	static const char *const others[] = { "User", NULL };
	resource_kinds_assert(test_kinds, others);
}

TEST(several_files_with_several_documents_make_one_list)
{
	struct test_run *run = test_begin();
	struct resource_file files[] = {
		{ STR("a.yaml"), STR("# nothing yet\n---\n" HEAD("Team", "ops") "---\n---\n" HEAD(
					 "Service", "web") "spec: {tier: 3, team: ops}\n") },
		{ STR("b.json"), STR("{\"apiVersion\":\"mainstay/v1\",\"kind\":\"Check\","
				     "\"metadata\":{\"name\":\"web\"},\"spec\":{\"interval\":\"60s\","
				     "\"url\":\"https://x.example\"}}") },
	};
	enum err result = resource_parse(test_kinds, files, 2, &run->arena, &run->errors, &run->list,
					 &run->err);
	if (result != OK)
		fail_msg("%s", run->err.text);
	CHECK_INT(run->list.count, 3);
	const struct resource *items = run->list.items;
	CHECK_STR(items[0].spec, "{}");
	CHECK_STR(items[1].spec, "{\"team\":\"ops\"}");
	CHECK_INT(doc_int(doc_get(items[1].full, "tier"), 0), 3);
	CHECK_INT(items[1].place.line, 8);
	CHECK_STR(items[2].spec, "{\"url\":\"https://x.example\",\"interval\":\"1m\"}");
	CHECK_STR(items[2].source, "b.json");
	test_end(run);
}

static void refused(const char *yaml, const char *sentence)
{
	struct test_run *run = test_begin();
	CHECK_INT(test_parse(run, yaml), ERR_INVALID);
	CHECK(run->list.items == NULL);
	if (run->errors.count > 0)
		spec_error_print(&run->errors.rows[0], &run->text);
	if (run->errors.count != 1 || !str_is(buf_str(&run->text), sentence))
		fail_msg("%s\nwanted %s\nfound  " STR_FMT " (%zu)", yaml, sentence,
			 STR_ARG(buf_str(&run->text)), run->errors.count);
	CHECK_TEXT(run->err.text, sentence);
	test_end(run);
}

TEST(a_mistake_is_told_with_file_line_column_and_what_was_likely_meant)
{
	refused(HEAD("Check", "web") "spec:\n  url: https://x.example\n  intervall: 30s\n",
		"f.yaml:6:3: unknown key \"intervall\" in Check \"web\"; did you mean \"interval\"?");
	refused("apiVersion: mainstay/v1\nkind: Chek\nmetadata: {name: web}\n",
		"f.yaml:2:7: \"kind\" of the definition is \"Chek\"; did you mean \"Check\"? It can be "
		"Team, Service, Check");
	refused("apiVersion: mainstay/v2\nkind: Team\nmetadata: {name: web}\n",
		"f.yaml:1:13: \"apiVersion\" of the definition is \"mainstay/v2\"; did you mean "
		"\"mainstay/v1\"? It can be mainstay/v1");
	refused("apiVersion: mainstay/v1\nkind: Team\nmetadata: {nam: web, name: a}\n",
		"f.yaml:3:12: unknown key \"nam\" in \"metadata\" of the definition; did you mean "
		"\"name\"?");
	refused("apiVersion: mainstay/v1\nkind: Team\nmetadata: {name: Web}\n",
		"f.yaml:3:18: \"metadata.name\" of the definition must be a name: small letters, digits "
		"and inner dashes, at most 63, not \"Web\"");
	refused("apiVersion: mainstay/v1\nkind: Team\n",
		"f.yaml:1:1: \"metadata\" is missing in the definition");
	refused("kind: Team\nmetadata: {name: web}\n",
		"f.yaml:1:1: \"apiVersion\" is missing in the definition; it can be mainstay/v1");
	refused("- 1\n", "f.yaml:1:1: the definition must be a map of keys and values, not a list");
	refused(HEAD("Check", "web"), "f.yaml:1:1: \"url\" is missing in Check \"web\"");
	refused(HEAD("Team", "a") "spec: 5\n",
		"f.yaml:4:7: Team \"a\" must be a map of keys and values, not a whole number");
	refused(HEAD("Team", "a") "---\n" HEAD("Team", "a"),
		"f.yaml:7:18: Team \"a\": it is defined twice, first in f.yaml:1");
	refused(HEAD("Team", "a") "spec: {display: [}\n",
		"f.yaml:4:18: did not find expected node content while parsing a flow node that began "
		"in line 4");
	refused(HEAD("Team", "a") "spec: {display: !x y}\n",
		"f.yaml:4:17: tags (!) are not supported; remove the tag");
}

TEST(the_same_name_may_stand_in_two_kinds)
{
	struct test_run *run = test_begin();
	CHECK_INT(test_parse(run, HEAD("Team", "a") "---\n" HEAD("Service", "a")), OK);
	CHECK_INT(run->list.count, 2);
	test_end(run);
}

TEST(mistakes_of_all_files_are_told_together)
{
	struct test_run *run = test_begin();
	struct resource_file files[] = {
		{ STR("a.yaml"), STR(HEAD("Team", "a") "spec: {x: 1}\n---\n" HEAD("Team", "b")
				     "spec: {y: 1}\n---\na: [\n") },
		{ STR("b.yaml"), STR(HEAD("Check", "c") "spec: {url: nowhere}\n") },
	};
	CHECK_INT(resource_parse(test_kinds, files, 2, &run->arena, &run->errors, &run->list,
				 &run->err), ERR_INVALID);
	CHECK_INT(run->errors.count, 4);
	CHECK_STR(run->errors.rows[0].text, "unknown key \"x\" in Team \"a\"");
	CHECK_STR(run->errors.rows[1].path, "spec.y");
	CHECK_STR(run->errors.rows[2].source, "a.yaml");
	CHECK_INT(run->errors.rows[2].place.line, 12);
	CHECK_STR(run->errors.rows[3].source, "b.yaml");
	CHECK(strstr(run->err.text, "; and 3 more") != NULL);
	test_end(run);
}

TEST(too_much_is_refused_before_memory_runs_out)
{
	struct test_run *run = test_begin();
	for (int i = 0; i <= RESOURCES_MAX; i++)
		buf_printf(&run->text, "---\napiVersion: mainstay/v1\nkind: Team\nmetadata: {name: t%d}\n",
			   i);
	CHECK_INT(test_parse(run, run->text.bytes), ERR_TOO_LARGE);
	CHECK_TEXT(run->err.text, "the files define more than fits into one apply");
	arena_finish(&run->arena);
	arena_init(&run->arena, 2 << 20);
	buf_reset(&run->text);
	buf_adds(&run->text, HEAD("Team", "a") "spec:\n  display: \"");
	for (int i = 0; i < 700000; i++)
		buf_addc(&run->text, 'x');
	buf_adds(&run->text, "\"\n");
	for (int i = 0; i < 3; i++) {
		spec_errors_init(&run->errors, &run->arena, NULL);
		enum err result = test_parse(run, run->text.bytes);
		CHECK(result == ERR_INVALID || result == ERR_TOO_LARGE);
	}
	test_end(run);
}

TEST(what_is_exported_parses_again_to_the_same)
{
	struct test_run *run = test_begin();
	CHECK_INT(test_parse(run, HEAD("Service", "web") "spec: {display: 'yes', depends_on: [a, b], tier: 1}\n"
				  "---\n" HEAD("Team", "ops")), OK);
	struct resource_list first = run->list;
	for (size_t i = 0; i < first.count; i++) {
		const struct doc_node *spec = NULL;
		CHECK_INT(doc_json_parse(first.items[i].spec, &run->arena, DOC_LIMITS_DEFAULT, NULL,
					 &spec, NULL), OK);
		resource_print(first.items[i].kind, first.items[i].name, spec, &run->arena, &run->text);
	}
	CHECK_TEXT(run->text.bytes,
		   "---\napiVersion: mainstay/v1\nkind: Service\nmetadata:\n  name: web\nspec:\n"
		   "  display: \"yes\"\n  tier: 1\n  depends_on:\n    - a\n    - b\n"
		   "---\napiVersion: mainstay/v1\nkind: Team\nmetadata:\n  name: ops\nspec: {}\n");
	CHECK_INT(test_parse(run, run->text.bytes), OK);
	CHECK_INT(run->list.count, first.count);
	for (size_t i = 0; i < first.count; i++) {
		CHECK(str_eq(run->list.items[i].name, first.items[i].name));
		CHECK(str_eq(run->list.items[i].spec, first.items[i].spec));
	}
	test_end(run);
}

TEST(kinds_describe_themselves)
{
	struct test_run *run = test_begin();
	struct json_writer json;
	const struct doc_node *root = NULL;
	json_init(&json, &run->text);
	resource_kinds_describe(test_kinds, &json);
	json_finish(&json);
	CHECK_INT(doc_json_parse(buf_str(&run->text), &run->arena, DOC_LIMITS_DEFAULT, NULL, &root, NULL),
		  OK);
	CHECK_INT(doc_count(root), 3);
	CHECK_STR(doc_text(doc_get(doc_at(root, 1), "kind"), ""), "Service");
	CHECK_INT(doc_count(doc_get(doc_at(root, 1), "fields")), 4);
	buf_reset(&run->text);
	resource_kind_explain(&test_kinds[1], &run->text);
	CHECK(strncmp(run->text.bytes, "Service: What runs.\n\nspec:\ndisplay (text)\n", 42) == 0);
	CHECK(strstr(run->text.bytes, "team (name of a Team)\n    Who answers.\n") != NULL);
	test_end(run);
}

TESTS(RUN(the_registry_is_sound), RUN(several_files_with_several_documents_make_one_list),
      RUN(a_mistake_is_told_with_file_line_column_and_what_was_likely_meant),
      RUN(the_same_name_may_stand_in_two_kinds), RUN(mistakes_of_all_files_are_told_together),
      RUN(too_much_is_refused_before_memory_runs_out),
      RUN(what_is_exported_parses_again_to_the_same), RUN(kinds_describe_themselves))
