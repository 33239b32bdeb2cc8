/* test_cli_show.c: answers as tables, fields, sentences and CSV: what is printed, to the byte. */
#include "base/check.h"
#include "cli/cli_priv.h"
#include "wire/doc_json.h"

#define NOW INT64_C(1795342968000000) /* 2026-11-22T10:22:48Z */

static const struct cli_column columns[] = {
	{ "ID", "id", CLI_SHOW_NUMBER },
	{ "STATE", "state", CLI_SHOW_STATE },
	{ "TITLE", "title" },
	{ "UP", "uptime", CLI_SHOW_PERCENT },
	{ "WHO", "users.name" },
	{ NULL },
};
static const struct cli_section sections[] = {
	{ .text = "{count} of them, until {until}" },
	{ .title = "All", .items = "items", .columns = columns, .empty = "none; next: do something" },
	{ .title = "Never", .items = "nothing", .columns = columns },
	{ .when = "zero", .text = "not said" },
	{ 0 },
};

struct fixture {
	struct cli_call call;
	const struct doc_node *answer;
};

static void start(struct fixture *f, const char *json)
{
	struct error err;
	*f = (struct fixture){ .answer = NULL };
	arena_init(&f->call.arena, 16u << 20);
	buf_init(&f->call.out, 1u << 20);
	f->call.screen.now = NOW;
	CHECK_OK(doc_json_parse(str_of(json), &f->call.arena, DOC_LIMITS_DEFAULT, NULL, &f->answer, &err));
}

static void stop(struct fixture *f)
{
	buf_finish(&f->call.out);
	arena_finish(&f->call.arena);
}

static const char two[] =
	"{\"count\":2,\"until\":\"2026-11-22T11:22:48Z\",\"zero\":0,\"items\":["
	"{\"id\":7,\"state\":\"down\",\"title\":\"Zahlung f\303\244llt aus\",\"uptime\":99.9999,"
	"\"users\":[{\"name\":\"Ada\"},{\"name\":\"Kim\"}]},"
	"{\"id\":12,\"state\":\"up\",\"title\":\"\346\224\257\346\211\225\343\201\204\",\"uptime\":100,"
	"\"users\":[]}]}";

TEST(a_table_is_aligned_by_cells_and_not_by_bytes)
{
	struct fixture f;
	start(&f, two);
	cli_show(&f.call, sections, f.answer);
	CHECK_STR(buf_str(&f.call.out),
		  "2 of them, until 2026-11-22 11:22 +00:00 (in 1 h)\n"
		  "\nAll\n"
		  "ID  STATE  TITLE                   UP  WHO\n"
		  " 7  down   Zahlung f\303\244llt aus  99.99 %  Ada, Kim\n"
		  "12  up     \346\224\257\346\211\225\343\201\204               100 %  -\n");
	stop(&f);
}

TEST(an_empty_list_says_what_to_do_next)
{
	struct fixture f;
	start(&f, "{\"count\":0,\"until\":null,\"items\":[]}");
	cli_show(&f.call, sections, f.answer);
	CHECK_STR(buf_str(&f.call.out), "0 of them, until -\n\nAll\nnone; next: do something\n");
	stop(&f);
}

TEST(states_have_a_colour_only_where_it_is_asked_for)
{
	struct fixture f;
	static const struct cli_column words[] = { { "STATE", "state", CLI_SHOW_STATE }, { NULL } };
	start(&f, "{\"items\":[{\"state\":\"down\"},{\"state\":\"strange\"}]}");
	f.call.screen.colour = true;
	cli_table(&f.call.screen, words, doc_get(f.answer, "items"), &f.call.arena, &f.call.out);
	CHECK_STR(buf_str(&f.call.out), "\x1b[1mSTATE\x1b[0m\n\x1b[1;31mdown\x1b[0m\nstrange\n");
	stop(&f);
}

TEST(a_narrow_screen_cuts_the_widest_text_and_nothing_else)
{
	struct fixture f;
	start(&f, two);
	f.call.screen.width = 44;
	cli_table(&f.call.screen, columns, doc_get(f.answer, "items"), &f.call.arena, &f.call.out);
	CHECK_STR(buf_str(&f.call.out),
		  "ID  STATE  TITLE                UP  WHO\n"
		  " 7  down   Zahlung f\303\244llt\342\200\246  99.99 %  Ada, Kim\n"
		  "12  up     \346\224\257\346\211\225\343\201\204            100 %  -\n");
	stop(&f);
}

TEST(text_from_outside_cannot_steer_the_terminal)
{
	struct arena arena;
	arena_init(&arena, 1u << 20);
	CHECK_STR(cli_text_clean(&arena, STR("a\x1b[2Jb\nc\td\x7f")), "a\357\277\275[2Jb c d\357\277\275");
	CHECK_STR(cli_text_clean(&arena, STR("\302\233x \342\200\256y \357\273\277")),
		  "\357\277\275x \357\277\275y \357\277\275");
	CHECK_STR(cli_text_clean(&arena, STR("\303\244 \360\237\224\245")), "\303\244 \360\237\224\245");
	arena_finish(&arena);
}

TEST(width_counts_cells)
{
	CHECK_INT(cli_text_width(STR("")), 0);
	CHECK_INT(cli_text_width(STR("abc")), 3);
	CHECK_INT(cli_text_width(STR("f\303\244llt")), 5);
	CHECK_INT(cli_text_width(STR("\346\224\257\346\211\225")), 4); /* two wide ones */
	CHECK_INT(cli_text_width(STR("e\314\201")), 1);                /* e and an accent on it */
	CHECK_INT(cli_text_width(STR("\360\237\224\245")), 2);
	struct arena arena;
	arena_init(&arena, 1u << 20);
	CHECK_STR(cli_text_cut(&arena, STR("\346\224\257\346\211\225"), 3), "\346\224\257\342\200\246");
	CHECK_STR(cli_text_cut(&arena, STR("abc"), 3), "abc");
	CHECK_STR(cli_text_cut(&arena, STR("abcd"), 3), "ab\342\200\246");
	arena_finish(&arena);
}

TEST(one_thing_is_shown_field_under_field)
{
	struct fixture f;
	static const struct cli_column fields[] = {
		{ "check", "name" },
		{ "latency", "last.ms", CLI_SHOW_MS },
		{ "since", "since", CLI_SHOW_TIME },
		{ "muted", "muted" },
		{ "spec", "spec", CLI_SHOW_JSON },
		{ NULL },
	};
	start(&f, "{\"name\":\"web\",\"last\":{\"ms\":12.345},\"since\":\"2026-11-22T10:22:18Z\","
		  "\"muted\":false,\"spec\":{\"a\":[1]}}");
	cli_fields(&f.call.screen, fields, f.answer, &f.call.arena, &f.call.out);
	CHECK_STR(buf_str(&f.call.out), "check    web\n"
					"latency  12.3 ms\n"
					"since    2026-11-22 10:22 +00:00 (30 s ago)\n"
					"muted    no\n"
					"spec     {\"a\":[1]}\n");
	stop(&f);
}

TEST(csv_holds_raw_values_and_no_program)
{
	struct fixture f;
	start(&f, "{\"items\":[{\"id\":-7,\"state\":null,\"title\":\"=1+1\",\"uptime\":99.5,"
		  "\"users\":[{\"name\":\"Ada\"},{\"name\":\"Kim\"}]},"
		  "{\"id\":8,\"title\":\"say \\\"a, b\\\"\"}]}");
	f.call.settings.format = CLI_CSV;
	cli_show(&f.call, sections, f.answer);
	CHECK_STR(buf_str(&f.call.out), "id,state,title,uptime,users.name\r\n"
					"-7,,\"'=1+1\",99.5,\"Ada, Kim\"\r\n"
					"8,,\"say \"\"a, b\"\"\",,\r\n");
	stop(&f);
}

TEST(json_and_yaml_are_the_answer_itself)
{
	struct fixture f;
	start(&f, "{\"items\":[{\"id\":1}],\"next\":null}");
	f.call.settings.format = CLI_JSON;
	cli_show(&f.call, sections, f.answer);
	CHECK_STR(buf_str(&f.call.out), "{\"items\":[{\"id\":1}],\"next\":null}\n");
	buf_reset(&f.call.out);
	f.call.settings.format = CLI_YAML;
	cli_show(&f.call, sections, f.answer);
	CHECK_STR(buf_str(&f.call.out), "items:\n  - id: 1\nnext: null\n");
	stop(&f);
}

TEST(a_sentence_takes_from_the_answer_and_then_from_what_was_said)
{
	struct fixture f;
	static const struct cli_input input = { "NAME", CLI_TEXT, CLI_PATH, "name" };
	struct cli_given given = { &input, STR("web") };
	start(&f, "{\"by\":{\"name\":\"Ada\"}}");
	f.call.inputs = (struct cli_inputs){ .rows = &given, .count = 1 };
	CHECK_STR(cli_fill(&f.call, "{name} by {by.name}{nothing}", f.answer), "web by Ada-");
	CHECK_STR(cli_fill(&f.call, "{name}", NULL), "web");
	stop(&f);
}

TESTS(RUN(a_table_is_aligned_by_cells_and_not_by_bytes), RUN(an_empty_list_says_what_to_do_next),
      RUN(states_have_a_colour_only_where_it_is_asked_for),
      RUN(a_narrow_screen_cuts_the_widest_text_and_nothing_else),
      RUN(text_from_outside_cannot_steer_the_terminal), RUN(width_counts_cells),
      RUN(one_thing_is_shown_field_under_field), RUN(csv_holds_raw_values_and_no_program),
      RUN(json_and_yaml_are_the_answer_itself),
      RUN(a_sentence_takes_from_the_answer_and_then_from_what_was_said))
