/* test_monitor_plugin.c: what plugins print, as their guidelines and their habits have it. */
#include "base/check.h"
#include "monitor/plugin_output.h"

static struct plugin_output *read_output(const char *text)
{
	static struct plugin_output output;
	plugin_output_read(str_of(text), &output);
	return &output;
}

TEST(the_example_of_the_guidelines_is_taken_apart)
{
	struct plugin_output *o = read_output("DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n"
					      "/ 15272 MB (77%);\n/boot 68 MB (69%);\n/home 69357 MB (27%);\n"
					      "/var/log 819 MB (84%); | /boot=68MB;88;93;0;98\n"
					      "/home=69357MB;253404;253409;0;253414 \n/var/log=818MB;970;975;0;980\n");
	CHECK_STR(o->line, "DISK OK - free space: / 3326 MB (56%);");
	CHECK(str_starts(buf_str(&o->text), STR("/ 15272 MB (77%);\n/boot")));
	CHECK(str_ends(str_trim(buf_str(&o->text)), STR("/var/log 819 MB (84%);")));
	CHECK_INT(o->count, 4);
	CHECK_TEXT(o->figures[0].label, "/");
	CHECK_TEXT(o->figures[0].unit, "MB");
	CHECK_INT(o->figures[0].value, 2643);
	CHECK_INT(o->figures[0].warn.high, 5948);
	CHECK(o->figures[0].has_min && o->figures[0].has_max);
	CHECK_TEXT(o->figures[3].label, "/var/log");
	plugin_output_finish(o);
}

TEST(labels_may_be_quoted_and_hold_quotes_blanks_and_equals)
{
	struct plugin_output *o = read_output("ok|'it''s C: = x'=1.5e3s;;;; plain=23. small=.42% none=U");
	CHECK_INT(o->count, 4);
	CHECK_TEXT(o->figures[0].label, "it's C: = x");
	CHECK_INT(o->figures[0].value, 1500);
	CHECK_TEXT(o->figures[0].unit, "s");
	CHECK(!o->figures[0].warn.given);
	CHECK_INT(o->figures[1].value, 23);
	CHECK_TEXT(o->figures[2].unit, "%");
	CHECK(!o->figures[3].known);
	CHECK_TEXT(plugin_figure_state(&o->figures[3]), "unknown");
	plugin_output_finish(o);
}

TEST(a_broken_figure_is_left_out_and_the_others_stand)
{
	struct plugin_output *o = read_output("x | a=1,5 b=inf c=nan d= =5 e=1_000 junk f=7;;bad;; g=0x10 'h=1");
	CHECK_INT(o->count, 1);
	CHECK_TEXT(o->figures[0].label, "f");
	CHECK(!o->figures[0].crit.given);
	plugin_output_finish(o);
	o = read_output("");
	CHECK_INT(o->line.len, 0);
	CHECK_INT(o->count, 0);
	plugin_output_finish(o);
}

TEST(ranges_alert_as_the_guidelines_say)
{
	static const struct {
		const char *text;
		double value;
		bool alerts;
	} cases[] = {
		{ "10", -1, true }, { "10", 0, false }, { "10", 10, false }, { "10", 11, true },
		{ "10:", 9, true }, { "10:", 10, false }, { "~:10", -99, false }, { "~:10", 11, true },
		{ "10:20", 9, true }, { "10:20", 15, false }, { "@10:20", 15, true }, { "@10:20", 9, false },
		{ "@10", 5, true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct plugin_range range;
		CHECK(plugin_range_read(str_of(cases[i].text), &range));
		if (plugin_range_alerts(&range, cases[i].value) != cases[i].alerts)
			fail_msg("%s with %g: wanted %d", cases[i].text, cases[i].value, cases[i].alerts);
	}
	static const char *const bad[] = { "", "20:10", "a", "1:2:3", "~", "@", "1 2" };
	struct plugin_range range;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (plugin_range_read(str_of(bad[i]), &range))
			fail_msg("\"%s\": wanted a refusal", bad[i]);
}

TESTS(RUN(the_example_of_the_guidelines_is_taken_apart),
      RUN(labels_may_be_quoted_and_hold_quotes_blanks_and_equals),
      RUN(a_broken_figure_is_left_out_and_the_others_stand), RUN(ranges_alert_as_the_guidelines_say))
