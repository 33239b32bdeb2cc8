/* test_promql_parse.c: what is read, what is refused and where, and that the print reads the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "promql/ast.h"
#include "promql/number.h"
#include "promql/promql.h"
#include "promql/series_text.h"
#include "promql/test_promql_data.h"
#include "wire/doc_json.h"

static struct arena arena;

static struct promql_expr *parsed(const char *text)
{
	struct promql_expr *expr = NULL;
	struct error err;
	if (promql_parse(str_of(text), &arena, &expr, &err) != OK)
		fail_msg("wanted %s to be read, found: %s", text, err.text);
	return expr;
}

static void check_print(const char *text, const char *wanted)
{
	struct promql_expr *expr = parsed(text);
	cleanup_buf struct buf buf;
	buf_init(&buf, 65536);
	promql_print(expr, &buf);
	CHECK_STR(buf_str(&buf), wanted);
	promql_expr_finish(expr);
}

static void check_refused(const char *text, const char *wanted)
{
	struct promql_expr *expr = NULL;
	struct error err;
	if (promql_parse(str_of(text), &arena, &expr, &err) == OK)
		fail_msg("wanted %s to be refused", text);
	CHECK_TEXT(err.text, wanted);
}

TEST(operators_bind_as_in_prometheus)
{
	arena_init(&arena, 0);
	static const struct {
		const char *text, *same;
	} cases[] = {
		{ "1+2*3", "1+(2*3)" }, { "-2^2", "-(2^2)" }, { "2^3^2", "2^(3^2)" }, { "a-b-c", "(a-b)-c" },
		{ "-a*b", "(-a)*b" }, { "2^-3*4", "(2^-3)*4" }, { "a or b and c", "a or (b and c)" },
		{ "a and b unless c", "(a and b) unless c" }, { "a == bool b + c", "a == bool (b + c)" },
		{ "a > b == bool c", "(a > b) == bool c" }, { "a % b atan2 c", "(a % b) atan2 c" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct promql_expr *pair[2] = { parsed(cases[i].text), parsed(cases[i].same) };
		cleanup_buf struct buf a, b;
		buf_init(&a, 1000);
		buf_init(&b, 1000);
		promql_print(pair[0], &a);
		promql_print(pair[1], &b);
		char bare[1000];
		size_t used = 0; /* without the parentheses both read alike; which node is on top differs if wrong */
		for (size_t j = 0; j < b.used; j++)
			if (b.bytes[j] != '(' && b.bytes[j] != ')')
				bare[used++] = b.bytes[j];
		bare[used] = '\0';
		CHECK_TEXT(a.bytes, bare);
		CHECK_INT(pair[0]->root->kind, node_bare(pair[1]->root)->kind);
		if (pair[0]->root->kind == NODE_BINARY)
			CHECK_INT(pair[0]->root->binary.op, pair[1]->root->binary.op);
		if (pair[0]->root->kind == NODE_BINARY)
			CHECK_INT(node_bare(pair[0]->root->binary.lhs)->kind, node_bare(pair[1]->root->binary.lhs)->kind);
		promql_expr_finish(pair[0]);
		promql_expr_finish(pair[1]);
	}
	arena_finish(&arena);
}

TEST(the_print_is_in_the_spelling_of_prometheus)
{
	arena_init(&arena, 0);
	check_print("SUM(foo)BY(a,b)", "sum by (a, b) (foo)");
	check_print("foo{a='b',c=~\"d\"}[90s] offset -1h @ 1.5", "foo{a=\"b\",c=~\"d\"}[1m30s] @ 1.500 offset -1h");
	check_print("a*on(x)group_left(y)b", "a * on (x) group_left (y) b");
	check_print("rate(x[5m:1m]) > bool .5", "rate(x[5m:1m]) > bool 0.5");
	check_print("{\"utf8.name\",\"l.x\"=\"v\"}", "{__name__=\"utf8.name\",\"l.x\"=\"v\"}");
	check_print("x[2*step()+1m] offset (3-1)", "x[2 * step() + 1m] offset (3 - 1)");
	check_print("1e21+0x10", "1e+21 + 16");
	check_print("\"a\\n\\\"b\"", "\"a\\n\\\"b\"");
	check_print("quantile without()(0.9, start @ end())", "quantile without () (0.9, start @ end())");
	arena_finish(&arena);
}

TEST(a_refusal_says_where_and_what)
{
	arena_init(&arena, 0);
	check_refused("", "1:1: parse error: no expression found in input");
	check_refused("rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got "
				   "instant vector");
	check_refused("a +\n  on(b) sum(", "2:13: parse error: unexpected end of input in expression");
	check_refused("nix(1)", "1:1: parse error: unknown function with name \"nix\"");
	check_refused("1 == 1", "1:1: parse error: comparisons between scalars must use BOOL modifier");
	check_refused("a{b=~\"(\"}", "1:3: parse error: cannot read the regular expression: missing ): (");
	check_refused("a{} offset 1m offset 2m", "1:15: parse error: offset may not be set multiple times");
	check_refused("topk(a)", "1:5: parse error: wrong number of arguments for aggregate expression provided, "
				 "expected 2, got 1");
	check_refused("{x=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher");
	arena_finish(&arena);
}

TEST(what_is_nested_too_deep_is_refused_whichever_way_it_grows)
{
	struct buf buf;
	struct promql_expr *expr;
	struct error err;
	static const char *const parts[][3] = { { "(", "a", ")" }, { "-", "a", "" }, { "a+", "a", "" }, { "abs(", "a", ")" },
						{ "2^", "2", "" }, { "x[", "1", "]" } };
	for (size_t i = 0; i < 6; i++) {
		arena_init(&arena, 0);
		buf_init(&buf, 200000);
		for (int n = 0; n < 20000; n++)
			buf_adds(&buf, parts[i][0]);
		buf_adds(&buf, parts[i][1]);
		for (int n = 0; n < 20000; n++)
			buf_adds(&buf, parts[i][2]);
		CHECK_ERR(promql_parse(buf_str(&buf), &arena, &expr, &err), ERR_INVALID);
		buf_finish(&buf);
		arena_finish(&arena);
	}
}

TEST(numbers_are_printed_with_the_fewest_digits)
{
	static const struct {
		double value;
		enum number_form form;
		const char *text;
	} cases[] = {
		{ 0.1, NUMBER_FORM_G, "0.1" }, { 1e21, NUMBER_FORM_JSON, "1e+21" }, { 1e20, NUMBER_FORM_JSON, "100000000000000000000" },
		{ 1e-7, NUMBER_FORM_JSON, "1e-07" }, { 0.000001, NUMBER_FORM_JSON, "0.000001" }, { -0.0, NUMBER_FORM_F, "-0" },
		{ 1e-5, NUMBER_FORM_G, "1e-05" }, { 1e5, NUMBER_FORM_G, "100000" }, { 1234567.5, NUMBER_FORM_G, "1.2345675e+06" }, { 1.7976931348623157e308, NUMBER_FORM_JSON, "1.7976931348623157e+308" },
		{ 5e-324, NUMBER_FORM_JSON, "5e-324" }, { 0.30000000000000004, NUMBER_FORM_JSON, "0.30000000000000004" },
		{ 123456, NUMBER_FORM_F, "123456" }, { 1e22, NUMBER_FORM_F, "10000000000000000000000" },
		{ (double)INFINITY, NUMBER_FORM_F, "+Inf" }, { -(double)INFINITY, NUMBER_FORM_G, "-Inf" }, { (double)NAN, NUMBER_FORM_F, "NaN" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup_buf struct buf buf;
		buf_init(&buf, 1000);
		number_print(cases[i].value, cases[i].form, &buf);
		CHECK_STR(buf_str(&buf), cases[i].text);
	}
}

/* ---- the suite ---- */

/* Inputs whose "must_fail" says less than the suite they are from: there they are refused. */
static const struct {
	const char *input, *why;
} refused_there[] = {
	{ "{'foo\\'bar', ", "the braces are not closed" },
	{ "{__name__=\"bar\", __name__=\"baz\"}", "the name is set twice" },
	{ "{\"bar\", __name__=\"baz\"}", "the name is set twice" },
	{ "`", "the string is not closed" },
	{ "{\"http.requests\"xx}\t\t0+50x2", "no comma between labels" },
	{ "{\"http.requests\"=, x=\"y\"}\t\t0+50x2", "a label without value" },
	{ "{\"http.requests}\t\t0+50x2", "the string is not closed" },
};

static const char *refused_because(struct str input)
{
	for (size_t i = 0; i < sizeof refused_there / sizeof refused_there[0]; i++)
		if (str_is(input, refused_there[i].input))
			return refused_there[i].why;
	return NULL;
}

/* Lines of a series with values are another grammar: series_text.h. */
static bool is_series(struct str input)
{
	return str_starts(input, STR("{} ")) || str_starts(input, STR("my_metric")) ||
	       str_starts(input, STR("{a=\"b\"} ")) || str_starts(input, STR("{\"http.requests")) ||
	       str_has(input, '\t');
}

/* Prints, reads the print and prints again: the same. */
static bool prints_back(const struct promql_expr *expr, struct str input)
{
	struct promql_expr *again = NULL;
	struct error err;
	cleanup_buf struct buf first, second;
	buf_init(&first, 65536);
	buf_init(&second, 65536);
	promql_print(expr, &first);
	if (promql_parse(buf_str(&first), &arena, &again, &err) != OK) {
		print_message("%.*s prints as %s: %s\n", STR_ARG(input), first.bytes, err.text);
		return false;
	}
	promql_print(again, &second);
	bool same = str_eq(buf_str(&first), buf_str(&second)) && again->root->type == expr->root->type;
	if (!same)
		print_message("%.*s prints as %s and then as %s\n", STR_ARG(input), first.bytes, second.bytes);
	promql_expr_finish(again);
	return same;
}

static bool has_place(const char *text)
{
	char *end;
	return strtol(text, &end, 10) > 0 && *end == ':' && strtol(end + 1, &end, 10) > 0 && *end == ':';
}

static bool check_input(struct str input, bool must_fail)
{
	struct promql_expr *expr = NULL;
	struct series_text series;
	struct error err = { .code = OK };
	bool refuse = must_fail || refused_because(input) != NULL, good;
	enum err r = is_series(input) ? series_text_parse(input, &arena, &series, &err)
				      : promql_parse(input, &arena, &expr, &err);
	good = refuse ? r == ERR_INVALID && has_place(err.text) : r == OK;
	if (!good)
		print_message("%.*s: wanted %s, found: %s\n", STR_ARG(input), refuse ? "a refusal" : "it to be read",
			      r == OK ? "it was read" : err.text);
	if (good && expr != NULL)
		good = prints_back(expr, input);
	if (r == OK)
		promql_expr_finish(expr);
	return good;
}

TEST(every_input_of_the_suite_is_read_or_refused_as_prometheus_does)
{
	struct arena tree;
	struct error err;
	const struct doc_node *list;
	size_t bad = 0, refused = 0, amended = 0;
	arena_init(&tree, 0);
	CHECK_OK(doc_json_parse(data_read("promql-parse.json", &tree), &tree, DOC_LIMITS_DEFAULT, "promql-parse.json", &list, &err));
	for (size_t i = 0; i < doc_count(list); i++) {
		struct str input = doc_text(doc_get(doc_at(list, i), "input"), "");
		bool must_fail = doc_bool(doc_get(doc_at(list, i), "must_fail"), false);
		arena_init(&arena, 0);
		bad += !check_input(input, must_fail);
		refused += must_fail || refused_because(input) != NULL;
		amended += refused_because(input) != NULL;
		arena_finish(&arena);
	}
	print_message("%zu inputs: %zu read, %zu refused (%zu of them by the list in this test), %zu otherwise\n",
		      doc_count(list), doc_count(list) - refused, refused, amended, bad);
	CHECK(doc_count(list) > 350);
	CHECK_INT(bad, 0);
	arena_finish(&tree);
}

TESTS(RUN(operators_bind_as_in_prometheus), RUN(the_print_is_in_the_spelling_of_prometheus),
      RUN(a_refusal_says_where_and_what), RUN(what_is_nested_too_deep_is_refused_whichever_way_it_grows),
      RUN(numbers_are_printed_with_the_fewest_digits),
      RUN(every_input_of_the_suite_is_read_or_refused_as_prometheus_does))
