/* test_wire_exposition.c: exposition formats line by line, and what is forbidden between lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/number.h"
#include "wire/exposition.h"

/* ---- what was read, as one text ---- */

struct seen {
	char text[4096];
	size_t used;
	unsigned known;
};

static void say(struct seen *seen, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct seen *seen, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	seen->used += (size_t)vsnprintf(seen->text + seen->used, sizeof seen->text - seen->used, format, arguments);
	va_end(arguments);
}

static enum err take(void *context, const struct exposition_item *item, struct error *err)
{
	struct seen *seen = context;
	(void)err;
	if (item->kind == EXPOSITION_TYPE)
		say(seen, "type %s " STR_FMT ";", exposition_type_name(item->type), STR_ARG(item->name));
	else if (item->kind == EXPOSITION_HELP)
		say(seen, "help " STR_FMT " [" STR_FMT "];", STR_ARG(item->name), STR_ARG(item->text));
	else if (item->kind == EXPOSITION_UNIT)
		say(seen, "unit " STR_FMT " [" STR_FMT "];", STR_ARG(item->name), STR_ARG(item->text));
	else if (item->kind == EXPOSITION_EOF)
		say(seen, "end;");
	if (item->kind != EXPOSITION_SAMPLE)
		return OK;
	say(seen, STR_FMT, STR_ARG(item->known ? item->series : item->name));
	for (size_t i = 0; i < item->count; i++)
		say(seen, "|" STR_FMT "=" STR_FMT, STR_ARG(item->labels[i].name), STR_ARG(item->labels[i].value));
	say(seen, " %.17g", item->value);
	if (item->has_time)
		say(seen, " @%lld", (long long)item->time_ms);
	if (item->has_exemplar)
		say(seen, " #%zu:%.17g", item->exemplar.count, item->exemplar.value);
	say(seen, ";");
	return OK;
}

static const char *read_text(const char *text, enum exposition_format format)
{
	static struct seen seen;
	struct exposition_options options = { .format = format };
	struct error err;
	seen = (struct seen){ .used = 0 };
	if (exposition_read(str_of(text), &options, take, &seen, &err) != OK)
		say(&seen, "refused: %s", err.text);
	return seen.text;
}

TEST(a_text_is_read_into_metadata_and_samples)
{
	CHECK_TEXT(read_text("# HELP a two\\nlines \\\\ here\n#TYPE a counter\n# just a comment\n\n"
			     "a{x=\"1\", y = \"q\\\"\\n\\\\\",} 1027 1395066363000\nb 1e-3\n", EXPOSITION_TEXT),
		   "help a [two\nlines \\ here];type counter a;a|x=1|y=q\"\n\\ 1027 @1395066363000;b 0.001;");
	CHECK_TEXT(read_text("  a\t{ x=\"1\" }-Inf \nb +Inf -5", EXPOSITION_TEXT), "a|x=1 -inf;b inf @-5;");
	CHECK_TEXT(read_text("# TYPE a untyped\n# UNIT a_s s\n", EXPOSITION_TEXT), "type unknown a;unit a_s [s];");
}

TEST(names_in_quotes_are_names_of_any_letters)
{
	CHECK_TEXT(read_text("# TYPE \"a.b\" gauge\n{\"a.b\",\"l.x\"=\"1\",y=\"2\"} 1\n{\"\xC3\xA4\"} 2\nc{\"d e\"=\"f\"} 3\n",
			     EXPOSITION_TEXT),
		   "type gauge a.b;a.b|l.x=1|y=2 1;\xC3\xA4 2;c|d e=f 3;");
	CHECK_TEXT(read_text("{\"a.b\"} 1 # {} 2\n# EOF", EXPOSITION_OPENMETRICS), "a.b 1 #0:2;end;");
	CHECK_TEXT(read_text("a{\"b\"} 1\n", EXPOSITION_TEXT), "refused: line 1: expected '=' after label name \"b\"");
	CHECK_TEXT(read_text("{\"\"} 1\n", EXPOSITION_TEXT), "refused: line 1: a name is empty");
	CHECK_TEXT(read_text("{x=\"1\"} 1\n", EXPOSITION_TEXT), "refused: line 1: invalid metric name");
	struct exposition_options plain = { .format = EXPOSITION_TEXT, .plain_names = true };
	struct seen seen = { .used = 0 };
	struct error err;
	CHECK_ERR(exposition_read(STR("{\"a.b\"} 1\n"), &plain, take, &seen, &err), ERR_INVALID);
	CHECK_TEXT(err.text, "line 1: a name in quotes needs version 1.0.0 of the format");
}

TEST(openmetrics_has_seconds_exemplars_and_an_end)
{
	CHECK_TEXT(read_text("# TYPE a_s counter\n# UNIT a_s s\n# HELP a_s q \\\"x\\\"\na_s_total{b=\"c\"} 1 1.5 # {id=\"x\"} 0.5 3\n# EOF\n",
			     EXPOSITION_OPENMETRICS),
		   "type counter a_s;unit a_s [s];help a_s [q \"x\"];a_s_total|b=c 1 @1500 #1:0.5;end;");
	CHECK_TEXT(read_text("a 1 1e300\na 1 -1e300\n# EOF", EXPOSITION_OPENMETRICS),
		   "a 1 @9223372036854775807;a 1 @-9223372036854775808;end;");
	CHECK_TEXT(read_text("a 1\n", EXPOSITION_OPENMETRICS), "a 1;refused: line 1: the text ends without # EOF");
	CHECK_TEXT(read_text("a 1 1 1\n# EOF", EXPOSITION_OPENMETRICS),
		   "refused: line 1: there is something after the timestamp");
	CHECK_TEXT(read_text("a 1 # {} 1 # {} 1\n# EOF", EXPOSITION_OPENMETRICS),
		   "refused: line 1: expected seconds as timestamp, got \"#\"");
}

TEST(a_refusal_says_its_line_and_why)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "a 1\nb{c=\"1\",c=\"2\"} 1\n", "a 1;refused: line 2: label \"c\" comes twice" },
		{ "a{b=\"\xff\"} 1\n", "refused: line 1: a label value is not valid UTF-8" },
		{ "a{b=\"c} 1\n", "refused: line 1: a label value does not end in a quote" },
		{ "a{b=\"c\\", "refused: line 1: a label value does not end in a quote" },
		{ "a\n", "refused: line 1: expected a number as value, got \"\"" },
		{ "a 0x1p4\n", "refused: line 1: expected a number as value, got \"0x1p4\"" },
		{ "a 1_000\n", "refused: line 1: expected a number as value, got \"1_000\"" },
		{ "a 1 1.5\n", "refused: line 1: expected an integer as timestamp, got \"1.5\"" },
		{ "a 1 99999999999999999999\n", "refused: line 1: expected an integer as timestamp, got \"99999999999999999999\"" },
		{ "# TYPE a b\n", "refused: line 1: unknown metric type \"b\"" },
		{ "a{__name__=\"b\"} 1\n", "refused: line 1: label name \"__name__\" is reserved" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_TEXT(read_text(cases[i].text, EXPOSITION_TEXT), cases[i].why);
}

TEST(pieces_of_any_size_read_as_the_whole)
{
	static const char text[] = "# TYPE a counter\na{b=\"x\\ny\"} 1 5\n\nb{c=\"d\"} 2\n# HELP b h\nc NaN";
	struct exposition_options options = { .format = EXPOSITION_TEXT };
	struct seen whole = { .used = 0 };
	struct error err;
	CHECK_OK(exposition_read(str_of(text), &options, take, &whole, &err));
	for (size_t piece = 1; piece < sizeof text; piece++) {
		struct seen seen = { .used = 0 };
		struct exposition *exposition = exposition_create(&options, take, &seen);
		for (size_t at = 0; at < sizeof text - 1; at += piece)
			CHECK_OK(exposition_feed(exposition, str_sub(str_of(text), at, at + piece), &err));
		CHECK_OK(exposition_end(exposition, &err));
		CHECK_INT(exposition_line(exposition), 6);
		exposition_destroy(&exposition);
		CHECK_TEXT(seen.text, whole.text);
	}
}

TEST(a_line_longer_than_the_limit_is_refused_in_one_piece_or_many)
{
	struct exposition_options options = { .format = EXPOSITION_TEXT, .line_bytes_max = 16 };
	struct seen seen = { .used = 0 };
	struct error err;
	CHECK_ERR(exposition_read(STR("a 1\nabcdefghijklmnopq 1\n"), &options, take, &seen, &err), ERR_TOO_LARGE);
	CHECK_TEXT(err.text, "line 2: it is longer than 16 bytes");
	struct exposition *exposition = exposition_create(&options, take, &seen);
	enum err r = OK;
	for (int i = 0; i < 17 && r == OK; i++)
		r = exposition_feed(exposition, STR("x"), &err);
	CHECK_INT(r, ERR_TOO_LARGE);
	exposition_destroy(&exposition);
}

static bool known(void *context, struct str series)
{
	struct seen *seen = context;
	bool is = str_is(series, "a{b=\"} # \\\" 1\"}") || str_is(series, "c") || str_is(series, "{\"x y\"}");
	seen->known += is;
	return is;
}

TEST(the_labels_of_a_series_that_is_known_are_not_read_again)
{
	struct exposition_options options = { .format = EXPOSITION_TEXT, .known = known };
	struct seen seen = { .used = 0 };
	struct error err;
	CHECK_OK(exposition_read(STR("a{b=\"} # \\\" 1\"} 1 7\nc 2\n{\"x y\"} 3\nd{e=\"f\"} 4\n"), &options, take, &seen, &err));
	CHECK_INT(seen.known, 3);
	CHECK_TEXT(seen.text, "a{b=\"} # \\\" 1\"} 1 @7;c 2;{\"x y\"} 3;d|e=f 4;");
}

/* ---- strictly ---- */

static const char *strictly(const char *text, enum exposition_format format)
{
	static struct error err;
	return exposition_read_strict(str_of(text), format, NULL, NULL, &err) == OK ? "" : err.text;
}

TEST(the_strict_reader_of_text_refuses_what_prometheus_own_refuses)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "a 1", "line 1: the last line does not end in a newline" },
		{ "a 1 \n", "line 1: expected an integer as timestamp, got \"\"" },
		{ "a{b=\"\\t\"} 1\n", "line 1: invalid escape sequence '\\t'" },
		{ "# HELP a x\\ty\n", "line 1: invalid escape sequence '\\t'" },
		{ "# HELP a x\n# HELP a x\n", "line 2: a second HELP line for metric \"a\"" },
		{ "a 1\n# TYPE a gauge\n", "line 2: a second TYPE line, or one after the samples, for metric \"a\"" },
		{ "# TYPE a summary\na_count 1\n# TYPE a_count gauge\n",
		  "line 3: a second TYPE line, or one after the samples, for metric \"a_count\"" },
		{ "# TYPE a histogram\na_bucket{le=\"x\"} 1\n", "line 2: expected a number as value of label \"le\", got \"x\"" },
		{ "# TYPE a info\n", "line 1: unknown metric type \"info\"" },
		{ "a_bucket{le=\"x\"} 1\n", "" },
		{ "a 1\nb 1\na 1\n# UNIT a s\n", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_TEXT(strictly(cases[i].text, EXPOSITION_TEXT), cases[i].why);
}

TEST(the_strict_reader_of_openmetrics_refuses_what_does_not_hold_between_lines)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "# TYPE a counter\na_total 1\n# TYPE b gauge\nb 1\na_total{c=\"d\"} 1\n# EOF",
		  "line 5: the metric name \"a_total\" is taken by an earlier family" },
		{ "# TYPE a counter\na 1\n# EOF", "line 2: the metric name \"a\" is taken by an earlier family" },
		{ "# TYPE a stateset\na{a=\"x\"} 0\na{a=\"y\"} 1.0\n# EOF", "" },
		{ "# TYPE a stateset\na{b=\"x\"} 0\n# EOF",
		  "line 2: a sample of a state set lacks the label of its state: \"a\"" },
		{ "# TYPE a info\na_info{b=\"c\"} 1 2\na_info{b=\"d\"} 1 1\n# EOF", "" },
		{ "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\na_count 2\na_sum 1\na_created 5\n# EOF", "" },
		{ "# TYPE a histogram\na_bucket{le=\"Inf\"} 2\n# EOF",
		  "line 2: a bucket needs a label le that is a number: \"a\"" },
		{ "# TYPE a histogram\na_bucket{le=\"1\"} 2\n# EOF", "line 2: the bucket le=\"+Inf\" is missing: \"a\"" },
		{ "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n# EOF",
		  "line 2: a bucket and a count are whole numbers: \"a\"" },
		{ "# TYPE a histogram\na_bucket{b=\"1\",le=\"+Inf\"} 1\na_bucket{b=\"2\",le=\"1\"} 1\na_bucket{b=\"2\",le=\"+Inf\"} 1\n# EOF", "" },
		{ "# TYPE a gauge\na 1 1.1\na 2 1.1\na 3 1.2\n# EOF", "" },
		{ "# TYPE a gauge\na 1 0\na 2\n# EOF",
		  "line 3: some samples of a group have a timestamp and some have none: \"a\"" },
		{ "a{b=\"c\",} 1\n# EOF", "line 1: invalid label name" },
		{ "a {b=\"c\"} 1\n# EOF", "line 1: expected a number as value, got \"{b=\"c\"}\"" },
		{ "# HELP a x\n# EOF\n\n", "line 3: there is something after # EOF" },
		{ "# TYPE a summary\na{quantile=\"0.5\"} 1\na_count 2\na{quantile=\"0.9\"} 1\na_sum 2\n# EOF", "" },
		{ "", "line 0: the text ends without # EOF" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_TEXT(strictly(cases[i].text, EXPOSITION_OPENMETRICS), cases[i].why);
}

TEST(openmetrics_has_one_way_to_write_a_line)
{
	static const char *const refused[] = {
		"a{b=1} 1", "a{b} 1", "a{\"b\"} 1", "a{\"\"} 1", "a{b=\"} 1", "a{b=\"1\"}1", "a{,} 1", "a{b=\"1\",} 1", "a{ b=\"1\"} 1",
		"a{b =\"1\"} 1", "a{b=\"1\", c=\"2\"} 1", "a{b=\"1\",b=\"1\"} 1", "a{b=\"1\"c=\"2\"} 1", "a", "a ", "a  1", "a\t1", "a 1  2",
		" a 1", "a.b 1", "a 1_2", "a 0O1", "a 0b1", "a 1 1_2", "a 1 0x1p-3", "a 1 +Inf", "a 1 2 ", "# HELP", "# HELP a\t", "#HELP a b",
		"# HELP  a b", "# TYPE a", "# TYPE a meh ", "# TYPE a Gauge", "# TYPE a-b gauge", "# TYPE 0a gauge", "# UNIT", "# UNIT a\t",
		"# UNIT seconds seconds", "# TYPE x_u info\n# UNIT x_u u", "# UNIT a_s s\n# UNIT a_s s", "# HELP a \n# HELP a ", "# help a b",
		"# a comment", "#", "# EOF ", "# EOFx", "# TYPE a gauge\na 1\n# HELP a x", "# TYPE a counter\na_total -1",
		"# TYPE a counter\na_created 1 # {b=\"c\"} 1", "# TYPE a gauge\na 1 # {b=\"c\"} 1", "a 1 # {b=\"c\"} 1",
		"# TYPE a histogram\na_sum 1 # {b=\"c\"} 1", "# TYPE a counter\na_total 1# {} 1", "# TYPE a counter\na_total 1 # {} 1 ",
		"# TYPE a counter\na_total 1 # {} 1 Inf", "# TYPE a counter\na_total 1 # {} 0x1p-3", "# TYPE a counter\na_total 1 id=\" # \"} 1",
		"# TYPE a stateset\na{a=\"b\"} 2", "# TYPE a summary\na{quantile=\"foo\"} 0", "# TYPE a summary\na_count -1",
		"# TYPE a summary\na_sum NaN", "# TYPE a histogram\na_bucket 0", "# TYPE a histogram\na_count NaN",
		"# TYPE a histogram\na_count -1", "# TYPE a histogram\na_bucket{le=\"-1\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 2",
		"# TYPE a histogram\na_bucket{le=\"NaN\"} 1", "# TYPE a histogram\na_bucket{le=\"1\"} 0\na_bucket{le=\"1\"} 0\na_bucket{le=\"+Inf\"} 0",
		"# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\na_sum 0", "# TYPE a histogram\na_sum{b=\"1\"} 0\na_sum{b=\"2\"} 0\na_count{b=\"1\"} 0",
		"# TYPE a gauge\na 0 -1\na 0 -2", "# TYPE a gauge\na 0 1.1\na 0 1", "# TYPE a gauge\na 0 0\na 0",
		"# TYPE a info\n# TYPE a counter", "# TYPE a_total gauge\n# TYPE a counter", "# TYPE a gauge\n# TYPE b gauge\n# TYPE a gauge",
	};
	static const char *const accepted[] = {
		"a 1 12345678901234567890.1234567890", "a{b=\"1\"} 1 000", "a 1 1.5e3", "a 1 -8", "# HELP a he\\zlp", "# HELP a ",
		"# TYPE a gauge\na 1.2", "# TYPE a info\na_info{foo=\"bar\"} 1", "# TYPE a counter\na_total 1 # {} 1", "a{b=\"{}}{{,=\"} 1",
		"# TYPE a stateset\na{a=\"b\"} 0\na{a=\"c\"} 1.0", "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1",
		"# TYPE a histogram\na_bucket{le=\"-1\"} 0\na_bucket{le=\"+Inf\"} 3", "# TYPE a info\na_info{b=\"1\"} 1 4\na_info{b=\"2\"} 1 3",
		"# TYPE a gauge\na{b=\"1\"} 1 0.0000000001\na{b=\"1\"} 2 0.0000000010", "a inf", "a nAn", "a 1e-400", "# HELP a \xe2\x98\x83",
	};
	char text[512];
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		snprintf(text, sizeof text, "%s\n# EOF\n", refused[i]);
		if (strictly(text, EXPOSITION_OPENMETRICS)[0] == '\0')
			fail_msg("accepted: %s", text);
	}
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		snprintf(text, sizeof text, "%s\n# EOF\n", accepted[i]);
		if (strictly(text, EXPOSITION_OPENMETRICS)[0] != '\0')
			fail_msg("refused: %s%s", text, strictly(text, EXPOSITION_OPENMETRICS));
	}
	static const char zero[] = "# HELP a x\0y\n# EOF\n";
	struct error err;
	CHECK_OK(exposition_read_strict((struct str){ zero, sizeof zero - 1 }, EXPOSITION_OPENMETRICS, NULL, NULL, &err));
}

/* ---- linter, content types, numbers ---- */

TEST(the_linter_finds_what_breaks_the_habits_of_names)
{
	cleanup_arena struct arena arena;
	struct exposition_findings findings;
	struct error err;
	arena_init(&arena, 0);
	CHECK_OK(exposition_lint(STR("# HELP x_total h\n# TYPE x_total gauge\nx_total 1\n# HELP y_ms h\ny_ms 1\n"
				     "thermometers 1\nz_milliseconds{aB=\"1\"} 1\nz_milliseconds{aB=\"2\"} 1\n"),
				 &arena, &findings, &err));
	CHECK_INT(findings.count, 6);
	CHECK_STR(findings.rows[0].text, "no help text");
	CHECK_STR(findings.rows[1].text, "non-counter metrics should not have \"_total\" suffix");
	CHECK_INT(findings.rows[1].line, 1);
	CHECK_STR(findings.rows[2].text, "metric names should not contain abbreviated units");
	CHECK_STR(findings.rows[3].text, "label names should be written in 'snake_case' not 'camelCase'");
	CHECK_STR(findings.rows[5].text, "use base unit \"seconds\" instead of \"milliseconds\"");
	CHECK_INT(findings.rows[5].line, 7);
	CHECK_ERR(exposition_lint(STR("a b\n"), &arena, &findings, &err), ERR_INVALID);
}

TEST(a_content_type_names_a_format_or_none)
{
	enum exposition_format format;
	CHECK(exposition_format_of(STR("application/openmetrics-text; version=1.0.0; charset=utf-8"), &format));
	CHECK_INT(format, EXPOSITION_OPENMETRICS);
	CHECK(exposition_format_of(STR("text/plain;version=0.0.4"), &format));
	CHECK_INT(format, EXPOSITION_TEXT);
	CHECK(!exposition_format_of(STR("application/vnd.google.protobuf; proto=x"), &format));
	CHECK(!exposition_format_of(STR(""), &format));
}

TEST(numbers_are_read_to_the_same_bits_as_by_strtod)
{
	static const char *const good[] = { "0", "-0", "1", "1.", ".5", "123456789012345", "1234567890123456789", "1e22", "1e23",
					    "0.1", "0.013300656000000001", "5e-324", "1.7976931348623157e308", "9007199254740993",
					    "1e-400", "00000000000000000000000000000000001.2e-1", "2.2250738585072011e-308",
					    "123456789012345e-22", "123456789012345e22", "+4.5E+3" };
	static const char *const bad[] = { "", "-", "+", ".", "e5", "1e", "1e+", "1 ", " 1", "1_0", "0x1", "0b1", "nan1", "+nan",
					   "in", "--1", "1e999", "1,5", "infinit" };
	double value;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		double wanted = strtod(good[i], NULL);
		if (!number_read(str_of(good[i]), &value) || memcmp(&value, &wanted, sizeof value) != 0)
			fail_msg("%s: wanted %.17g, found %.17g", good[i], wanted, value);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (number_read(str_of(bad[i]), &value))
			fail_msg("\"%s\" was read as %g", bad[i], value);
	CHECK(number_read(STR("NaN"), &value) && isnan(value));
	CHECK(number_read(STR("-Infinity"), &value) && isinf(value) && value < 0);
	unsigned long long dice = 42;
	for (int i = 0; i < 200000; i++) {
		char text[64];
		dice = dice * 6364136223846793005ull + 1442695040888963407ull;
		double random = (double)(dice >> 20) * pow(10, (double)(int)(dice % 40) - 20);
		snprintf(text, sizeof text, i % 2 == 0 ? "%.15g" : i % 3 == 0 ? "%.17g" : "%.6f", random);
		double wanted = strtod(text, NULL);
		if (!number_read(str_of(text), &value) || memcmp(&value, &wanted, sizeof value) != 0)
			fail_msg("%s: wanted %.17g, found %.17g", text, wanted, value);
	}
}

TESTS(RUN(a_text_is_read_into_metadata_and_samples), RUN(names_in_quotes_are_names_of_any_letters),
      RUN(openmetrics_has_seconds_exemplars_and_an_end), RUN(a_refusal_says_its_line_and_why),
      RUN(pieces_of_any_size_read_as_the_whole), RUN(a_line_longer_than_the_limit_is_refused_in_one_piece_or_many),
      RUN(the_labels_of_a_series_that_is_known_are_not_read_again),
      RUN(the_strict_reader_of_text_refuses_what_prometheus_own_refuses),
      RUN(the_strict_reader_of_openmetrics_refuses_what_does_not_hold_between_lines),
      RUN(openmetrics_has_one_way_to_write_a_line), RUN(the_linter_finds_what_breaks_the_habits_of_names), RUN(a_content_type_names_a_format_or_none),
      RUN(numbers_are_read_to_the_same_bits_as_by_strtod))
