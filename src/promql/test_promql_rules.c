/* test_promql_rules.c: rule files, and tests of rules, in the formats of Prometheus. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "promql/rule_test.h"
#include "promql/test_promql_data.h"

#define ARENA_BYTES ((size_t)1 << 30)

/* ---- rule files ---- */

static void check_trouble(const char *text, const char *wanted)
{
	struct arena arena;
	struct rule_file file;
	arena_init(&arena, ARENA_BYTES);
	struct troubles troubles = { .arena = &arena, .source = "r.yml" };
	enum err r = rule_file_read(str_of(text), false, &arena, &file, &troubles);
	CHECK_INT(r, wanted == NULL ? OK : ERR_INVALID);
	if (wanted != NULL) {
		CHECK_INT(troubles.count, 1);
		CHECK_STR(troubles.rows[0], wanted);
	}
	rule_file_finish(&file);
	arena_finish(&arena);
}

#define RULE(fields) "groups:\n- name: g\n  rules:\n  - " fields "\n"

TEST(what_is_wrong_in_a_rule_file_is_told_with_its_place)
{
	check_trouble("", NULL);
	check_trouble(RULE("{record: a, expr: 1, labels: {b: c}}"), NULL);
	check_trouble(RULE("{record: a, expr: 'b +'}"), "r.yml:4:23: could not parse expression: 1:4: parse error: "
							 "unexpected end of input in expression");
	check_trouble(RULE("{record: a, alert: b, expr: 1}"),
		      "r.yml:4:5: only one of \"record\" and \"alert\" must be set");
	check_trouble(RULE("{expr: 1}"), "r.yml:4:5: one of \"record\" or \"alert\" must be set");
	check_trouble(RULE("{alert: a}"), "r.yml:4:5: field \"expr\" must be set in rule");
	check_trouble(RULE("{record: a, expr: 1, for: 5m}"), "r.yml:4:5: invalid field \"for\" in recording rule");
	check_trouble(RULE("{alert: a, expr: 1, for: 5x}"), "r.yml:4:30: \"for\" is not a duration: \"5x\"");
	check_trouble(RULE("{alert: a, expr: 1, severity: x}"), "r.yml:4:25: unknown field \"severity\"");
	check_trouble(RULE("{record: a, expr: 1, labels: {__name__: c}}"),
		      "r.yml:4:35: invalid label name: \"__name__\"");
	check_trouble(RULE("{alert: a, expr: 1, labels: {b: '{{ $labels.c }}'}, annotations: {d: '{{ $value }}'}}"), NULL);
	check_trouble(RULE("{alert: a, expr: 1, annotations: {s: '{{ $x }}'}}"),
		      "r.yml:4:42: annotation \"s\": template: __alert_a:1: undefined variable \"$x\"");
	check_trouble(RULE("{alert: a, expr: 1, labels: {s: '{{ if }}'}}"),
		      "r.yml:4:37: label \"s\": template: __alert_a:1: missing value for if");
	check_trouble(RULE("{record: a, expr: 1, labels: {s: '{{ if }}'}}"), NULL);
	check_trouble("groups:\n- name: g\n  labels: {t: '{{ end }}'}\n  rules:\n  - {record: r, expr: 1}\n"
		      "  - {alert: a, expr: 1}\n  - {alert: b, expr: 1}\n",
		      "r.yml:3:15: label \"t\": template: __alert_a:1: unexpected {{end}}");
	check_trouble("groups:\n- name: a\n- name: a\n",
		      "r.yml:3:3: groupname: \"a\" is repeated in the same file");
	check_trouble("groups: 3\n", "r.yml:1:9: \"groups\" must be a list");
}

TEST(every_rule_file_of_the_suites_is_read_or_refused_as_prometheus_does)
{
	static const struct {
		const char *name;
		size_t rules; /* 0: it is refused */
	} cases[] = {
		{ "promtool/rules.yml", 5 }, { "promtool/rules_duplicates.yml", 5 },
		{ "promtool/prometheus-rules.lint.yml", 2 }, { "promtool/bad-rules-error.yml", 1 },
		{ "promtool/at-modifier.yml", 1 }, { "promtool/negative-offset.yml", 1 },
		{ "promtool/bad-rules-syntax.yml", 0 }, { "promtool/rules_extrafields.yml", 0 },
		{ "promtool/features.yml", 0 },  /* two of its rules need experimental syntax */
		{ "promtool/rules-bad.yml", 0 }, /* a template that does not parse */
		{ "rules/alert-generator-rules.yaml", 7 }, { "rules/alert_rule.yaml", 1 },
		{ "rules/alert_rule1.yaml", 1 }, { "rules/invalid_rules.yaml", 0 }, { "rules/rules.yaml", 1 },
		{ "rules/rules1.yaml", 1 }, { "rules/rules2.yaml", 1 }, { "rules/rules2_copy.yaml", 1 },
		{ "rules/rules_chain.yaml", 7 }, { "rules/rules_dependencies.yaml", 2 },
		{ "rules/rules_indeterminates.yaml", 7 }, { "rules/rules_multi_doc.yaml", 1 },
		{ "rules/rules_multiple.yaml", 6 }, { "rules/rules_multiple_dependents_on_base.yaml", 8 },
		{ "rules/rules_multiple_groups.yaml", 10 }, { "rules/rules_multiple_independent.yaml", 8 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct rule_file file;
		arena_init(&arena, ARENA_BYTES);
		struct troubles troubles = { .arena = &arena, .source = cases[i].name };
		enum err r = rule_file_read(data_read(cases[i].name, &arena), false, &arena, &file, &troubles);
		if ((r == OK) != (cases[i].rules > 0) || (r == OK && file.rule_count != cases[i].rules))
			fail_msg("%s: wanted %zu rules, found %zu, %s", cases[i].name, cases[i].rules, file.rule_count,
				 r == OK ? "no trouble" : troubles.rows[0].ptr);
		rule_file_finish(&file);
		arena_finish(&arena);
	}
	print_message("%zu rule files\n", sizeof cases / sizeof cases[0]);
}

/* ---- tests of rules ---- */

/* Runs a test; its rule files stand beside it. Returns how much failed; 1000: it could not begin. */
static size_t judge_test(struct str text, bool ignore_unknown, const char *only, struct buf *out)
{
	struct arena arena;
	struct rule_file files[8];
	struct rule_test test;
	struct promql_pattern *wanted = NULL;
	struct error err;
	struct str name;
	size_t count = 0, failures = 1000;
	bool good = true;
	arena_init(&arena, ARENA_BYTES);
	if (only != NULL)
		CHECK_OK(promql_pattern_create(str_of(only), &wanted, &err));
	if (rule_test_read(text, "test.yml", &arena, &test, &err) != OK) {
		buf_adds(out, err.text);
		good = false;
	}
	for (; good && rule_test_file(&test, count, &name); count++) {
		char path[128];
		snprintf(path, sizeof path, "promtool/" STR_FMT, STR_ARG(name));
		struct troubles troubles = { .arena = &arena, .source = "rules" };
		good = rule_file_read(data_read(path, &arena), ignore_unknown, &arena, &files[count], &troubles) == OK;
		if (!good)
			buf_add(out, troubles.rows[0]);
	}
	if (good)
		failures = rule_test_run(&test, files, count, wanted, out);
	for (size_t i = 0; i < count; i++)
		rule_file_finish(&files[i]);
	promql_pattern_destroy(&wanted);
	arena_finish(&arena);
	return failures;
}

TEST(every_test_of_promtool_ends_as_there_but_what_needs_native_histograms)
{
	static const struct {
		const char *name, *only;
		bool ignore_unknown;
		size_t failures;
		const char *says;
	} cases[] = {
		{ "long-period", NULL, false, 0, NULL },
		{ "at-modifier-test", NULL, false, 0, NULL },
		{ "negative-offset-test", NULL, false, 0, NULL },
		{ "no-test-group-interval", NULL, false, 0, NULL },
		{ "rules_run_fuzzy", "correct.*", false, 0, NULL },
		{ "rules_run_fuzzy", "wrong.*", false, 2, "got: {__name__=\"test_low\"} 2.9999999999999987" },
		{ "rules_run_no_fuzzy", NULL, false, 2, "exp: {__name__=\"test_low\"} 3\n" },
		{ "rules_run_extrafields", NULL, true, 0, NULL },
		{ "rules_run_extrafields", NULL, false, 1000, "unknown field \"namespace\"" },
		{ "failing", NULL, false, 4, "name: Failing alert test, alertname: AlwaysFiring, time: 300 s: 0 alerts "
					     "expected, 1 are firing" },
		{ "bad-input-series", NULL, false, 1, "1:47: parse error: expected \",\" or \"}\"" },
		{ "bad-promql", NULL, false, 1, "many-to-many matching not allowed" },
		{ "bad-rules-error-test", NULL, false, 1, "rule: joined" },
		{ "bad-rules-syntax-test", NULL, false, 1000, "could not parse expression" },
		/* Three of its cases are native histograms. */
		{ "unittest", NULL, false, 3, "native histograms" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		char path[128];
		cleanup_buf struct buf out;
		arena_init(&arena, ARENA_BYTES);
		buf_init(&out, 1 << 20);
		snprintf(path, sizeof path, "promtool/%s.yml", cases[i].name);
		size_t failures = judge_test(data_read(path, &arena), cases[i].ignore_unknown, cases[i].only, &out);
		if (failures != cases[i].failures ||
		    (cases[i].says != NULL && strstr(out.bytes, cases[i].says) == NULL))
			fail_msg("%s: wanted %zu failures and \"%s\", found %zu: %s", cases[i].name, cases[i].failures,
				 cases[i].says != NULL ? cases[i].says : "", failures,
				 out.bytes != NULL ? out.bytes : "");
		arena_finish(&arena);
	}
	print_message("%zu tests of rules\n", sizeof cases / sizeof cases[0]);
}

static const char life[] =
	"tests:\n"
	"- interval: 1m\n"
	"  input_series:\n"
	"  - {series: 'up{job=\"a\"}', values: '0 0 0 1 1 1 1 1'}\n"
	"  alert_rule_test:\n"
	"  - {eval_time: 1m, alertname: Down, exp_alerts: []}\n"
	"  - {eval_time: 2m30s, alertname: Down, exp_alerts: [{exp_labels: {job: a, team: x}, exp_annotations: {text: t}}]}\n"
	"  - {eval_time: 4m, alertname: Down, exp_alerts: [{exp_labels: {job: a, team: x}, exp_annotations: {text: t}}]}\n"
	"  - {eval_time: 5m, alertname: Down, exp_alerts: []}\n"
	"  promql_expr_test:\n"
	"  - {expr: 'ALERTS_FOR_STATE', eval_time: 2m, exp_samples: [{labels: 'ALERTS_FOR_STATE{alertname=\"Down\",job=\"a\","
	"team=\"x\"}', value: 0}]}\n"
	"  - {expr: 'count(ALERTS{alertstate=\"pending\"})', eval_time: 2m, exp_samples: []}\n"
	"  - {expr: 'ALERTS', eval_time: 7m, exp_samples: []}\n"
	"  - {expr: 'job:up', eval_time: 3m, exp_samples: [{labels: 'job:up{team=\"y\"}', value: 1}]}\n";

static const char rules[] =
	"groups:\n"
	"- name: g\n"
	"  labels: {team: y}\n"
	"  rules:\n"
	"  - {alert: Down, expr: up == 0, for: 2m, keep_firing_for: 2m, labels: {team: x}, annotations: {text: t}}\n"
	"  - {record: job:up, expr: sum(up) > 0}\n";

/* The test of the rules finds what it expects. */
static void holds(const char *rule_text, const char *test_text)
{
	struct arena arena;
	struct rule_file file;
	struct rule_test test;
	struct error err;
	cleanup_buf struct buf out;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, 1 << 20);
	struct troubles troubles = { .arena = &arena, .source = "rules" };
	CHECK_INT(rule_file_read(str_of(rule_text), false, &arena, &file, &troubles), OK);
	CHECK_OK(rule_test_read(str_of(test_text), "test.yml", &arena, &test, &err));
	if (rule_test_run(&test, &file, 1, NULL, &out) != 0)
		fail_msg("%s", out.bytes);
	rule_file_finish(&file);
	arena_finish(&arena);
}

TEST(an_alert_is_pending_then_fires_and_is_kept_as_long_as_its_rule_says)
{
	holds(rules, life);
}

/* Labels say who, so a template in one makes another alert when it changes; annotations are those of the newest sample. */
static const char expansion[] =
	"tests:\n"
	"- interval: 1m\n"
	"  external_labels: {region: eu}\n"
	"  external_url: http://mon/\n"
	"  input_series:\n"
	"  - {series: 'load{host=\"a\"}', values: '5 6 7 20'}\n"
	"  alert_rule_test:\n"
	"  - {eval_time: 2m, alertname: Busy, exp_alerts: [{exp_labels: {host: a, how: busy, team: a-team}, exp_annotations: "
	"{text: '7 on a in eu, was 6', link: 'http://mon/x'}}]}\n"
	"  - {eval_time: 3m, alertname: Busy, exp_alerts: [{exp_labels: {host: a, how: very, team: a-team}, exp_annotations: "
	"{text: '20 on a in eu, was 7', link: 'http://mon/x'}}]}\n"
	"  - {eval_time: 3m, alertname: Wrong, exp_alerts: [{exp_annotations: {text: '<error expanding template: error executing "
	"template __alert_Wrong: template: __alert_Wrong:1:121: executing \"__alert_Wrong\" at <$value.x>: can''t evaluate field x "
	"in type float64>'}}]}\n";

static const char expanded[] =
	"groups:\n"
	"- name: g\n"
	"  labels: {team: '{{ $labels.host }}-team'}\n"
	"  rules:\n"
	"  - alert: Busy\n"
	"    expr: load\n"
	"    labels: {how: '{{ if gt $value 10.0 }}very{{ else }}busy{{ end }}', gone: '{{ if false }}x{{ end }}'}\n"
	"    annotations:\n"
	"      text: '{{ $value }} on {{ $labels.host }} in {{ $externalLabels.region }}, was {{ query \"load offset 1m\" | first | value }}'\n"
	"      link: '{{ $externalURL }}x'\n"
	"- name: h\n"
	"  rules:\n"
	"  - {alert: Wrong, expr: 'vector(1)', annotations: {text: '{{ $value.x }}'}}\n";

TEST(templates_in_labels_and_annotations_are_expanded_when_a_sample_is_seen)
{
	holds(expanded, expansion);
}

TESTS(RUN(what_is_wrong_in_a_rule_file_is_told_with_its_place),
      RUN(every_rule_file_of_the_suites_is_read_or_refused_as_prometheus_does),
      RUN(every_test_of_promtool_ends_as_there_but_what_needs_native_histograms),
      RUN(an_alert_is_pending_then_fires_and_is_kept_as_long_as_its_rule_says),
      RUN(templates_in_labels_and_annotations_are_expanded_when_a_sample_is_seen))
