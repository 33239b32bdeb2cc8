/* test_cli_input.c: words after a verb, times as people write them, paths and bodies made of them. */
#include <stdlib.h>

#include "base/check.h"
#include "cli/cli_priv.h"
#include "sys/zone.h"
#include "wire/doc_json.h"

#define NOW INT64_C(1795342968000000) /* 2026-11-22T10:22:48Z, a Sunday */
#define WORDS_MAX 16

static const struct cli_input rows[] = {
	{ "ID", CLI_INT, CLI_PATH, "the incident", CLI_REQUIRED },
	{ "TEXT", CLI_TEXT, CLI_BODY, "the note", CLI_REST },
	{ "state", CLI_CHOICES, CLI_QUERY, "states", .choices = "open|resolved" },
	{ "impact", CLI_CHOICE, CLI_BODY, "impact", .choices = "high|low" },
	{ "until", CLI_TIME, CLI_BODY, "when" },
	{ "for", CLI_DURATION, CLI_BODY, "how long", .otherwise = "2h" },
	{ "disabled", CLI_BOOL, CLI_BODY, "whether" },
	{ "order", CLI_INT, CLI_BODY, "order" },
	{ "scope", CLI_CHOICES, CLI_BODY, "scopes", .key = "scopes", .choices = "read|act" },
	{ "to", CLI_TEXT, CLI_BODY, "to", .key = "address.to" },
	{ "url", CLI_TEXT, CLI_BODY, "url", .key = "address.url" },
	{ "kind", CLI_KIND, CLI_QUERY, "kind" },
	CLI_AS_OF,
	{ "file", CLI_TEXT, CLI_OWN, "files", CLI_MANY, .letter = 'f' },
	{ "service", CLI_TEXT, CLI_BODY, "services", CLI_MANY, .key = "services" },
	{ .name = NULL },
};
static const struct cli_action action = { "note", "Notes.", "POST", "/incidents/{id}/note", rows };

struct fixture {
	struct cli_call call;
	struct error err;
};

static void start(struct fixture *f)
{
	*f = (struct fixture){ .call = { .action = &action } };
	arena_init(&f->call.arena, 16u << 20);
	f->call.screen.now = NOW;
}

static void stop(struct fixture *f)
{
	arena_finish(&f->call.arena);
}

/* The line is cut at its blanks; '_' stands for a blank inside a word. */
static enum err parse(struct fixture *f, const char *line)
{
	char *words[WORDS_MAX];
	int count = 0;
	struct str word, rest = str_of(line);
	while (rest.len > 0) {
		str_cut(rest, ' ', &word, &rest);
		words[count] = arena_cstr(&f->call.arena, word);
		for (char *c = words[count]; *c != '\0'; c++)
			*c = *c == '_' ? ' ' : *c;
		count++;
	}
	f->err = (struct error){ 0 };
	return cli_inputs_parse(&action, &f->call.screen, count, words, &f->call.arena, &f->call.inputs,
				&f->err);
}

TEST(arguments_are_taken_by_place_and_flags_from_anywhere)
{
	struct fixture f;
	start(&f);
	CHECK_INT(parse(&f, "12 --state open,resolved it is_over"), OK);
	CHECK_STR(cli_text(&f.call, "ID"), "12");
	CHECK_STR(cli_text(&f.call, "TEXT"), "it is over");
	CHECK_STR(cli_request_path(&f.call, action.path), "/incidents/12/note?state=open%2Cresolved");
	CHECK_INT(parse(&f, "--state=open 7 -o json -f a -f b"), OK);
	CHECK_STR(cli_text(&f.call, "output"), "json");
	size_t at = 0;
	struct str file;
	CHECK(cli_next(&f.call, "file", &at, &file));
	CHECK(cli_next(&f.call, "file", &at, &file));
	CHECK_STR(file, "b");
	CHECK(!cli_next(&f.call, "file", &at, &file));
	stop(&f);
}

TEST(after_two_dashes_everything_is_text)
{
	struct fixture f;
	start(&f);
	CHECK_INT(parse(&f, "12 -- --force was needed"), OK);
	CHECK_STR(cli_text(&f.call, "TEXT"), "--force was needed");
	stop(&f);
}

TEST(what_is_wrong_is_said_with_what_it_may_be)
{
	static const struct {
		const char *line, *text, *hint;
	} cases[] = {
		{ "--state open", "ID is missing: the incident", "" },
		{ "twelve", "ID cannot be \"twelve\": it is a whole number", "" },
		{ "1 --state opn", "--state cannot be \"opn\": it is some of open|resolved", "" },
		{ "1 --impact high,low", "--impact cannot be \"high,low\": it is one of high|low", "" },
		{ "1 --stat open", "there is no flag \"--stat\" here", "did you mean --state?" },
		{ "1 --serve x", "there is no flag \"--serve\" here", "did you mean --server?" },
		{ "1 -x", "there is no flag \"-x\" here", "" },
		{ "1 --state", "--state needs a value: open|resolved", "" },
		{ "1 --help=yes", "--help takes no value", "" },
		{ "1 --for soon", "--for cannot be \"soon\": it is a time span, as 90s, 2h or 7d", "" },
		{ "1 --disabled maybe", "--disabled cannot be \"maybe\": it is yes or no", "" },
		{ "1 --impact high --impact low", "--impact is given twice", "" },
		{ "1 --until yesterday",
		  "--until cannot be \"yesterday\": it is a time, as 18:00, 2h, -7d or 2026-11-23T09:00:00Z", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		start(&f);
		CHECK_INT(parse(&f, cases[i].line), ERR_INVALID);
		CHECK_TEXT(f.err.text, cases[i].text);
		CHECK_TEXT(f.err.hint, cases[i].hint);
		stop(&f);
	}
}

TEST(an_argument_too_many_is_refused)
{
	static const struct cli_input one[] = { { "ID", CLI_INT, CLI_PATH, "id" }, { .name = NULL } };
	static const struct cli_action only = { "x", "X.", "GET", "/x/{id}", one };
	struct fixture f;
	char *words[] = { (char *)"1", (char *)"2" };
	start(&f);
	CHECK_INT(cli_inputs_parse(&only, &f.call.screen, 2, words, &f.call.arena, &f.call.inputs, &f.err),
		  ERR_INVALID);
	CHECK_TEXT(f.err.text, "\"2\" is one argument too many");
	stop(&f);
}

TEST(help_wins_over_what_is_missing)
{
	struct fixture f;
	start(&f);
	CHECK_INT(parse(&f, "--help"), OK);
	CHECK(f.call.inputs.help);
	CHECK_INT(parse(&f, "1 -h"), OK);
	CHECK(f.call.inputs.help);
	stop(&f);
}

TEST(a_body_has_the_types_of_its_rows)
{
	struct fixture f;
	start(&f);
	CHECK_INT(parse(&f, "007 say_\"it\" --impact high --until 2026-11-23T09:00:00+01:00 --disabled no "
			    "--order 03 --scope read,act --to a@b.c"),
		  OK);
	CHECK_STR(cli_request_body(&f.call),
		  "{\"text\":\"say \\\"it\\\"\",\"impact\":\"high\",\"until\":\"2026-11-23T08:00:00Z\","
		  "\"for\":\"2h\",\"disabled\":false,\"order\":3,\"scopes\":[\"read\",\"act\"],"
		  "\"address\":{\"to\":\"a@b.c\"}}");
	CHECK_STR(cli_request_path(&f.call, action.path), "/incidents/7/note");
	CHECK_INT(parse(&f, "1"), OK);
	CHECK_STR(cli_request_body(&f.call), "{\"for\":\"2h\",\"address\":{}}");
	CHECK_INT(parse(&f, "1 --service shop --service pay"), OK);
	CHECK_STR(cli_request_body(&f.call), "{\"for\":\"2h\",\"address\":{},\"services\":[\"shop\",\"pay\"]}");
	stop(&f);
}

TEST(what_stands_in_a_path_cannot_leave_its_place)
{
	struct fixture f;
	start(&f);
	CHECK_INT(parse(&f, "1 --kind ../a?b=c"), OK);
	CHECK_STR(cli_request_path(&f.call, "/x/{kind}"), "/x/..%2Fa%3Fb%3Dc?kind=..%2Fa%3Fb%3Dc");
	stop(&f);
}

TEST(a_moment_is_a_seq_or_a_time)
{
	struct fixture f;
	start(&f);
	CHECK_INT(parse(&f, "1 --as-of 42"), OK);
	CHECK_STR(cli_text(&f.call, "as-of"), "42");
	CHECK_INT(parse(&f, "1 --as-of -1h"), OK);
	CHECK_STR(cli_text(&f.call, "as-of"), "2026-11-22T09:22:48Z");
	CHECK_INT(parse(&f, "1 --as-of once"), ERR_INVALID);
	stop(&f);
}

TEST(kinds_may_be_said_as_people_say_them)
{
	static const char *const said[][2] = {
		{ "check", "Check" },
		{ "Checks", "Check" },
		{ "CHECK", "Check" },
		{ "escalation-policy", "EscalationPolicy" },
		{ "escalation-policies", "EscalationPolicy" },
		{ "prioritymatrices", "PriorityMatrix" },
		{ "services", "Service" },
		{ "Robot", "Robot" },
	};
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		struct fixture f;
		char line[80];
		start(&f);
		snprintf(line, sizeof line, "1 --kind %s", said[i][0]);
		CHECK_INT(parse(&f, line), OK);
		CHECK_STR(cli_text(&f.call, "kind"), said[i][1]);
		stop(&f);
	}
}

/* ---- times ---- */

static void check_time(const struct cli_screen *screen, const char *said, const char *wanted)
{
	time_us at;
	char text[TIME_TEXT_BYTES] = "not a time";
	if (cli_time_parse(screen, str_of(said), &at))
		time_format(at, text);
	CHECK_TEXT(text, wanted);
}

TEST(times_are_read_as_people_write_them)
{
	struct zones *zones = zones_create(NULL);
	struct cli_screen screen = { .now = NOW };
	struct error err;
	CHECK_OK(zones_find(zones, STR("Europe/Zurich"), &screen.zone, &err));
	check_time(&screen, "now", "2026-11-22T10:22:48Z");
	check_time(&screen, "2h", "2026-11-22T12:22:48Z");
	check_time(&screen, "+1d", "2026-11-23T10:22:48Z");
	check_time(&screen, "-7d", "2026-11-15T10:22:48Z");
	check_time(&screen, "18:00", "2026-11-22T17:00:00Z");
	check_time(&screen, "11:22", "2026-11-23T10:22:00Z"); /* 11:22 has begun: tomorrow */
	check_time(&screen, "09:00", "2026-11-23T08:00:00Z");
	check_time(&screen, "2026-11-23", "2026-11-22T23:00:00Z");
	check_time(&screen, "2026-07-01 09:00", "2026-07-01T07:00:00Z");
	check_time(&screen, "2026-07-01T09:00", "2026-07-01T07:00:00Z");
	check_time(&screen, "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z");
	static const char *const wrong[] = { "", "24:00", "9:00", "2026-02-30", "tomorrow", "-", "+", "--1h",
					     "2026-11-23 9", "-999y" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		check_time(&screen, wrong[i], "not a time");
	zones_destroy(&zones);
}

TEST(times_are_shown_local_with_offset_and_distance)
{
	struct zones *zones = zones_create(NULL);
	struct cli_screen screen = { .now = NOW };
	struct error err;
	char text[CLI_TIME_BYTES];
	cli_time_print(&screen, NOW - 3 * TIME_MINUTE, text);
	CHECK_TEXT(text, "2026-11-22 10:19 +00:00 (3 min ago)");
	CHECK_OK(zones_find(zones, STR("America/New_York"), &screen.zone, &err));
	cli_time_print(&screen, NOW + 26 * TIME_HOUR, text);
	CHECK_TEXT(text, "2026-11-23 07:22 -05:00 (in 1 d 2 h)");
	CHECK_OK(zones_find(zones, STR("Asia/Kolkata"), &screen.zone, &err));
	cli_time_print(&screen, NOW, text);
	CHECK_TEXT(text, "2026-11-22 15:52 +05:30 (now)");
	zones_destroy(&zones);
}

TESTS(RUN(arguments_are_taken_by_place_and_flags_from_anywhere),
      RUN(after_two_dashes_everything_is_text), RUN(what_is_wrong_is_said_with_what_it_may_be),
      RUN(an_argument_too_many_is_refused), RUN(help_wins_over_what_is_missing),
      RUN(a_body_has_the_types_of_its_rows), RUN(what_stands_in_a_path_cannot_leave_its_place),
      RUN(a_moment_is_a_seq_or_a_time), RUN(kinds_may_be_said_as_people_say_them), RUN(times_are_read_as_people_write_them),
      RUN(times_are_shown_local_with_offset_and_distance))
