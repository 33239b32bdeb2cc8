/*
 * test_promql_template.c: templates of alerts as they are documented, and what bounds them. That every verb and error is as in
 * Prometheus is held against promtool by tests/scenarios/test_templates.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "promql/memory_source.h"
#include "promql/template.h"

static const struct promql_label sample[] = {
	{ { "__name__", 8 }, { "up", 2 } }, { { "instance", 8 }, { "web1.example.org:9100", 21 } }, { { "job", 3 }, { "node", 4 } },
};
static const struct promql_label outside[] = { { { "region", 6 }, { "eu", 2 } } };

struct world {
	struct memory_source *memory;
	struct promql_source source;
	struct promql_options options;
	struct arena arena;
};

static void begin(struct world *world)
{
	*world = (struct world){ .memory = memory_source_create(), .options = PROMQL_OPTIONS_DEFAULT };
	world->source = memory_source_promql(world->memory);
	arena_init(&world->arena, (size_t)256 << 20);
	CHECK_INT(memory_source_put(world->memory, (struct promql_labels){ sample, 3 }, 60000, 0, NULL), OK);
}

static void end(struct world *world)
{
	memory_source_destroy(&world->memory);
	arena_finish(&world->arena);
}

static struct template_scope scope_of(struct world *world)
{
	return (struct template_scope){
		.labels = { sample, 3 }, .external_labels = { outside, 1 }, .external_url = STR("https://mon.example.org/prom"),
		.value = 0.25, .time_ms = 60000, .source = &world->source, .options = &world->options,
	};
}

static struct str show(struct world *world, const char *text)
{
	struct template_scope scope = scope_of(world);
	struct template *template;
	struct error err;
	CHECK_OK(template_parse(STR("Down"), str_of(text), &world->arena, &template, &err));
	return template_show(template, &scope, &world->arena);
}

struct shown {
	const char *text, *wanted;
};

static void check_all(const struct shown *rows, size_t count)
{
	struct world world;
	begin(&world);
	for (size_t i = 0; i < count; i++) {
		struct str found = show(&world, rows[i].text);
		if (!str_is(found, rows[i].wanted))
			fail_msg("%s: wanted \"%s\", found \"" STR_FMT "\"", rows[i].text, rows[i].wanted, STR_ARG(found));
	}
	end(&world);
}

#define CHECK_SHOWN(...)                                                     \
	do {                                                                 \
		static const struct shown rows[] = { __VA_ARGS__ };          \
		check_all(rows, sizeof rows / sizeof rows[0]);               \
	} while (0)

TEST(a_template_says_what_happened_to_whom)
{
	CHECK_SHOWN({ "{{ $labels.instance }} of {{ $labels.job }} is {{ $value }}", "web1.example.org:9100 of node is 0.25" },
		    { "{{ $labels.nothing }}", "" }, { "{{ .Labels.job }} {{ .Value }}", "node 0.25" },
		    { "{{ $externalLabels.region }} {{ $externalURL }}", "eu https://mon.example.org/prom" },
		    { "{{ externalURL }} {{ pathPrefix }}", "https://mon.example.org/prom /prom" },
		    { "{{ $labels.instance | stripPort | stripDomain | toUpper }}", "WEB1" },
		    { "{{ $value | humanizePercentage }} after {{ humanizeDuration 3725 }}", "25% after 1h 2m 5s" },
		    { "{{ now }} {{ toDuration 90 }} {{ (toDuration 1.5).Seconds }}", "60 1m30s 1.5" },
		    { "no action", "no action" });
}

TEST(blocks_choose_and_repeat)
{
	CHECK_SHOWN({ "{{ if gt $value 0.5 }}high{{ else if gt $value 0.1 }}middle{{ else }}low{{ end }}", "middle" },
		    { "{{ with $labels.job }}{{ . }}{{ end }}{{ with $labels.nothing }}x{{ else with $labels.job }}{{ . }}{{ end }}", "nodenode" },
		    { "{{ range $k, $v := $labels }}{{ if eq $k \"job\" }}{{ break }}{{ end }}{{ $k }} {{ end }}", "__name__ instance " },
		    { "{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}{{ range 0 }}{{ else }}none{{ end }}", "01201none" },
		    { "{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" $labels.job }}{{ block \"b\" 1 }}[{{ . }}]{{ end }}", "<node>[1]" },
		    { "a {{- /* nothing */ -}} b {{- 1 }}", "ab1" });
}

TEST(a_template_asks_queries_at_the_time_of_its_alert)
{
	CHECK_SHOWN({ "{{ query \"up\" | first | value }} {{ len (query \"up offset 1m\") }}", "0 0" },
		    { "{{ range query \"up == 0\" }}{{ .Labels.job }}{{ end }}", "node" },
		    { "{{ query \"time()\" | first | value }}", "60" },
		    { "{{ query \"nothing\" | first }}", "<error expanding template: error executing template __alert_Down: template: "
		      "__alert_Down:1:133: executing \"__alert_Down\" at <first>: error calling first: first() called on vector with no "
		      "elements>" });
}

TEST(and_and_or_look_at_no_more_than_they_need)
{
	CHECK_SHOWN({ "{{ or 1 (query \"nothing\" | first) }} {{ and 0 (query \"nothing\" | first) }}", "1 0" },
		    { "{{ and 1 \"\" 2 }}|{{ or 0 \"\" }}|{{ not 0 }}", "||true" });
}

TEST(what_does_not_parse_is_refused_in_the_words_of_go)
{
	static const struct shown rows[] = {
		{ "{{ $label.x }}", "template: __alert_A:1: undefined variable \"$label\"" },
		{ "{{ if 1 }}", "template: __alert_A:1: unexpected EOF" },
		{ "a\n{{ nothing }}", "template: __alert_A:2: function \"nothing\" not defined" },
		{ "{{ 1 | 2 }}", "template: __alert_A:1: non executable command in pipeline stage 2" },
		{ "{{ \"x }}", "template: __alert_A:1: unterminated quoted string" },
		{ "{{ 2i }}", "template: __alert_A:1: complex numbers are not supported: 2i" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cleanup_arena struct arena arena;
		struct template *template;
		struct error err;
		arena_init(&arena, 0);
		CHECK_INT(template_parse(STR("A"), str_of(rows[i].text), &arena, &template, &err), ERR_INVALID);
		CHECK_TEXT(err.text, rows[i].wanted);
	}
}

/* ---- limits ---- */

static void check_limit(struct world *world, const char *text, enum err wanted, const char *says)
{
	struct template_scope scope = scope_of(world);
	struct template *template;
	struct error err;
	struct str out;
	CHECK_OK(template_parse(STR("A"), str_of(text), &world->arena, &template, &err));
	CHECK_INT(template_expand(template, &scope, &world->arena, &out, &err), wanted);
	if (strstr(err.text, says) == NULL)
		fail_msg("%.60s: wanted \"%s\", found \"%s\"", text, says, err.text);
}

TEST(a_hostile_template_ends_at_a_limit_that_is_named)
{
	struct world world;
	begin(&world);
	check_limit(&world, "{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}", ERR_TOO_LARGE,
		    "exceeded maximum template depth (50)");
	check_limit(&world, "{{ range 999999 }}{{ range 999999 }}{{ end }}{{ end }}", ERR_TOO_LARGE, "more than 1000000 steps");
	check_limit(&world, "{{ range 200000 }}xxxxxxxx{{ end }}", ERR_TOO_LARGE, "it gives more than 262144 bytes");
	check_limit(&world, "{{ printf \"%999999d\" 1 }}", ERR_TOO_LARGE, "a text has more than 262144 bytes");
	check_limit(&world, "{{ $x := printf \"%200000d\" 1 }}{{ range 999 }}{{ $y := print $x }}{{ end }}", ERR_TOO_LARGE,
		    "it needs more than 32 MB of memory");
	check_limit(&world, "{{ range 101 }}{{ $x := query \"up\" }}{{ end }}", ERR_TOO_LARGE, "it asks more than 100 queries");
	check_limit(&world, "{{ range 9999 }}{{ $x := match \"(a*)*b\" \"aaaa\" }}{{ end }}", ERR_TOO_LARGE, "more than 1000000 steps");
	check_limit(&world, "{{ $x := 1 }}{{ range 999 }}{{ $x = args $x }}{{ end }}{{ $x }}", ERR_TOO_LARGE,
		    "more than 50 maps inside each other");
	world.options.samples_max = 0;
	check_limit(&world, "{{ query \"up\" }}", ERR_INVALID, "error calling query: ");
	end(&world);
}

static bool at_once(void *context)
{
	(void)context;
	return true;
}

TEST(a_template_that_takes_too_long_is_stopped)
{
	struct world world;
	begin(&world);
	world.options.expired = at_once;
	check_limit(&world, "{{ range 999999 }}{{ end }}", ERR_TIMEOUT, "it takes too long");
	end(&world);
}

TEST(a_text_that_is_too_long_or_nests_too_deeply_is_refused)
{
	struct world world;
	struct template *template;
	struct error err;
	begin(&world);
	size_t length = TEMPLATE_TEXT_BYTES_MAX + 1;
	char *text = arena_alloc(&world.arena, length);
	memset(text, 'x', length);
	CHECK_INT(template_parse(STR("A"), (struct str){ text, length }, &world.arena, &template, &err), ERR_TOO_LARGE);
	memset(text, '(', 1000);
	memcpy(text, "{{ ", 3);
	CHECK_INT(template_parse(STR("A"), (struct str){ text, 1000 }, &world.arena, &template, &err), ERR_TOO_LARGE);
	CHECK_TEXT(err.text, "template: __alert_A: cannot nest blocks or parentheses any deeper");
	end(&world);
}

/* Memory that ends at any point is an error, and nothing else. */
TEST(a_template_that_gets_no_memory_fails)
{
	static const char whole[] = "{{ range $k, $v := args 1 \"b\" }}{{ printf \"%s %v\" $k $v | html }}{{ end }}{{ query \"up\" | first }}";
	struct world world;
	begin(&world);
	for (size_t limit = 64; limit < 40000; limit += 64) {
		cleanup_arena struct arena arena;
		struct template_scope scope = scope_of(&world);
		struct template *template;
		struct error err;
		struct str out;
		arena_init(&arena, limit);
		enum err r = template_parse(STR("A"), str_of(whole), &arena, &template, &err);
		if (r == OK)
			r = template_expand(template, &scope, &arena, &out, &err);
		CHECK(r == OK || r == ERR_TOO_LARGE);
		CHECK(r == OK || limit < 30000);
	}
	end(&world);
}

TESTS(RUN(a_template_says_what_happened_to_whom), RUN(blocks_choose_and_repeat),
      RUN(a_template_asks_queries_at_the_time_of_its_alert), RUN(and_and_or_look_at_no_more_than_they_need),
      RUN(what_does_not_parse_is_refused_in_the_words_of_go), RUN(a_hostile_template_ends_at_a_limit_that_is_named),
      RUN(a_template_that_takes_too_long_is_stopped), RUN(a_text_that_is_too_long_or_nests_too_deeply_is_refused),
      RUN(a_template_that_gets_no_memory_fails))
