/* rule_test.c: see rule_test.h. */
#include "promql/rule_test.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "promql/number.h"
#include "promql/rule_run.h"
#include "promql/series_text.h"
#include "wire/doc_yaml.h"

#define NODES_MAX 2000000u

struct running {
	const struct rule_test *test;
	const struct doc_node *node; /* of one test */
	struct arena arena;
	struct memory_source *memory;
	struct promql_source whole;
	int64_t start_ms, now_ms;    /* samples after now are not seen yet */
	struct promql_labels external_labels; /* for templates */
	struct rule_run *runs;
	size_t run_count;
	struct buf *out;
	size_t failures;
	struct str name;
};

static void failed(struct running *running, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void failed(struct running *running, const char *format, ...)
{
	char text[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	buf_printf(running->out, "    %s" STR_FMT "%s%s\n", running->name.len > 0 ? "name: " : "",
		   STR_ARG(running->name), running->name.len > 0 ? ", " : "", text);
	running->failures++;
}

/* ---- reading ---- */

static struct str text_of(const struct doc_node *map, const char *name)
{
	struct str text = STR_NONE;
	doc_spelling(doc_get(map, name), &text);
	return text;
}

static bool duration_of(const struct doc_node *map, const char *name, int64_t otherwise, int64_t *ret_ms)
{
	struct str text = text_of(map, name);
	*ret_ms = otherwise;
	if (str_is(text, "0"))
		*ret_ms = 0;
	return text.len == 0 || str_is(text, "0") || promql_duration(text, ret_ms);
}

static const char *unknown_of(const struct doc_node *map, const char *const *known, struct arena *arena)
{
	for (size_t i = 0; i < doc_count(map) && doc_is(map, DOC_MAP); i++) {
		const struct doc_entry *entry = doc_entry_at(map, i);
		size_t k = 0;
		while (known[k] != NULL && !str_is(entry->key, known[k]))
			k++;
		if (known[k] == NULL)
			return arena_printf(arena, "%u:%u: unknown field \"" STR_FMT "\"", entry->line, entry->column,
					    STR_ARG(entry->key)).ptr;
	}
	return NULL;
}

static const char *const of_file[] = { "rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare",
				       NULL };
static const char *const of_test[] = { "interval", "input_series", "name", "alert_rule_test", "promql_expr_test",
				       "external_labels", "external_url", "start_timestamp", NULL };
static const char *const of_series[] = { "series", "values", NULL };
static const char *const of_alert[] = { "eval_time", "alertname", "exp_alerts", NULL };
static const char *const of_expected[] = { "exp_labels", "exp_annotations", NULL };
static const char *const of_query[] = { "expr", "eval_time", "exp_samples", NULL };
static const char *const of_sample[] = { "labels", "value", "histogram", NULL };

static const char *unknown_in_list(const struct doc_node *list, const char *const *known, const char *inner,
				   const char *const *inner_known, struct arena *arena)
{
	const char *found = NULL;
	for (size_t i = 0; i < doc_count(list) && found == NULL; i++) {
		found = unknown_of(doc_at(list, i), known, arena);
		if (found == NULL && inner != NULL)
			found = unknown_in_list(doc_get(doc_at(list, i), inner), inner_known, NULL, NULL, arena);
	}
	return found;
}

static const char *unknown_anywhere(const struct doc_node *root, struct arena *arena)
{
	const struct doc_node *tests = doc_get(root, "tests");
	const char *found = unknown_of(root, of_file, arena);
	if (found == NULL)
		found = unknown_in_list(tests, of_test, "input_series", of_series, arena);
	if (found == NULL)
		found = unknown_in_list(tests, of_test, "promql_expr_test", of_query, arena);
	if (found == NULL)
		found = unknown_in_list(tests, of_test, "alert_rule_test", of_alert, arena);
	for (size_t i = 0; i < doc_count(tests) && found == NULL; i++) {
		const struct doc_node *queries = doc_get(doc_at(tests, i), "promql_expr_test");
		const struct doc_node *alerts = doc_get(doc_at(tests, i), "alert_rule_test");
		found = unknown_in_list(queries, of_query, "exp_samples", of_sample, arena);
		if (found == NULL)
			found = unknown_in_list(alerts, of_alert, "exp_alerts", of_expected, arena);
	}
	return found;
}

enum err rule_test_read(struct str text, const char *source, struct arena *arena, struct rule_test *ret_test,
			struct error *err)
{
	struct doc_limits limits = { .depth_max = 64, .nodes_max = NODES_MAX, .bytes_max = RULE_FILE_BYTES_MAX };
	const struct doc_node *root;
	struct rule_test test = { 0 };
	enum err r = doc_yaml_parse(text, arena, limits, source, &root, err);
	if (r != OK)
		return r;
	if (!doc_is(root, DOC_MAP))
		return error_set(err, ERR_INVALID, "%s: a test of rules must be a map with \"tests\"", source);
	const char *unknown = unknown_anywhere(root, arena);
	if (unknown != NULL)
		return error_set(err, ERR_INVALID, "%s:%s", source, unknown);
	if (!duration_of(root, "evaluation_interval", 60000, &test.interval_ms))
		return error_set(err, ERR_INVALID, "%s: \"evaluation_interval\" is not a duration", source);
	if (test.interval_ms == 0)
		test.interval_ms = 60000;
	test.root = root;
	test.fuzzy = doc_bool(doc_get(root, "fuzzy_compare"), false);
	*ret_test = test;
	return OK;
}

bool rule_test_file(const struct rule_test *test, size_t index, struct str *ret_pattern)
{
	return doc_spelling(doc_at(doc_get(test->root, "rule_files"), index), ret_pattern);
}

/* ---- series ---- */

static void load_values(struct running *running, const struct series_text *series, int64_t interval_ms)
{
	for (size_t i = 0; i < series->count; i++) {
		int64_t time_ms = running->start_ms + (int64_t)i * interval_ms;
		struct error err;
		enum err r = OK;
		if (series->values[i].kind == SERIES_NUMBER)
			r = memory_source_put(running->memory, series->labels, time_ms, series->values[i].number, &err);
		else if (series->values[i].kind == SERIES_HISTOGRAM)
			r = memory_source_put_histogram(running->memory, series->labels, time_ms, &err);
		if (r != OK) {
			failed(running, "%s", err.text);
			return;
		}
	}
}

static void load_series(struct running *running, int64_t interval_ms)
{
	const struct doc_node *list = doc_get(running->node, "input_series");
	for (size_t i = 0; i < doc_count(list); i++) {
		const struct doc_node *row = doc_at(list, i);
		struct str labels = text_of(row, "series"), values = text_of(row, "values"), rest;
		struct series_text series = { .count = 0 };
		struct error err;
		enum err r = series_text_labels(labels, &running->arena, &series.labels, &rest, &err);
		if (r == OK && str_trim(rest).len > 0)
			r = error_set(&err, ERR_INVALID, "unexpected text after the series");
		if (r == OK)
			r = series_text_values(values, 0, &running->arena, &series, &err);
		if (r != OK)
			failed(running, "%u:%u: input_series \"" STR_FMT "\": %s", row->line, row->column,
			       STR_ARG(labels), err.text);
		else
			load_values(running, &series, interval_ms);
	}
}

/* Samples of the future are not there: rules with a negative offset must not see them. */
static enum err select_until(void *context, const struct promql_select *select, promql_take_fn *take,
			     void *take_context, struct error *err)
{
	struct running *running = context;
	struct promql_select until = *select;
	if (until.to_ms > running->now_ms)
		until.to_ms = running->now_ms;
	return running->whole.select(running->whole.context, &until, take, take_context, err);
}

/* ---- comparing ---- */

static bool values_agree(const struct rule_test *test, double wanted, double found)
{
	if (isnan(wanted) || isnan(found))
		return isnan(wanted) && isnan(found);
	if (wanted == found)
		return true;
	return test->fuzzy && (nextafter(wanted, found) == found);
}

static void print_sample(const struct promql_labels *labels, double value, struct buf *buf)
{
	promql_labels_print(*labels, buf);
	buf_addc(buf, ' ');
	number_print(value, NUMBER_FORM_G, buf);
}

struct wanted {
	struct promql_labels labels;
	double value;
	bool found;
};

static bool read_wanted(struct running *running, const struct doc_node *row, struct wanted *ret)
{
	struct str labels = text_of(row, "labels"), value = text_of(row, "value"), rest;
	struct error err;
	*ret = (struct wanted){ .found = false };
	if (doc_get(row, "histogram") != NULL) {
		failed(running, "%u:%u: native histograms are not supported", row->line, row->column);
		return false;
	}
	if (labels.len > 0 && series_text_labels(labels, &running->arena, &ret->labels, &rest, &err) != OK) {
		failed(running, "%u:%u: labels \"" STR_FMT "\": %s", row->line, row->column, STR_ARG(labels), err.text);
		return false;
	}
	if (value.len > 0 && !promql_number_signed(value, &ret->value)) {
		failed(running, "%u:%u: not a number: \"" STR_FMT "\"", row->line, row->column, STR_ARG(value));
		return false;
	}
	return true;
}

static void tell_difference(struct running *running, struct str expr, const struct wanted *wanted, size_t count,
			    const struct promql_answer *answer)
{
	cleanup_buf struct buf exp, got;
	buf_init(&exp, 800);
	buf_init(&got, 800);
	for (size_t i = 0; i < count; i++) {
		buf_adds(&exp, i > 0 ? ", " : "");
		print_sample(&wanted[i].labels, wanted[i].value, &exp);
	}
	for (size_t i = 0; i < answer->count; i++) {
		buf_adds(&got, i > 0 ? ", " : "");
		print_sample(&answer->rows[i].labels, answer->rows[i].values[0], &got);
	}
	failed(running, "expr: \"" STR_FMT "\", time: %g s,\n        exp: %s\n        got: %s", STR_ARG(expr),
	       (double)(running->now_ms - running->start_ms) / 1000, exp.used > 0 ? exp.bytes : "nil",
	       got.used > 0 ? got.bytes : "nil");
}

static void compare(struct running *running, struct str expr, const struct doc_node *list,
		    const struct promql_answer *answer)
{
	size_t count = doc_count(list), matched = 0;
	struct wanted *wanted = arena_array(&running->arena, struct wanted, count + 1);
	for (size_t i = 0; i < count; i++)
		if (!read_wanted(running, doc_at(list, i), &wanted[i]))
			return;
	for (size_t i = 0; i < answer->count; i++)
		for (size_t w = 0; w < count; w++)
			if (!wanted[w].found && promql_labels_equal(wanted[w].labels, answer->rows[i].labels) &&
			    values_agree(running->test, wanted[w].value, answer->rows[i].values[0])) {
				wanted[w].found = true;
				matched++;
				break;
			}
	if (matched != count || matched != answer->count)
		tell_difference(running, expr, wanted, count, answer);
}

static void run_query(struct running *running, const struct doc_node *row)
{
	struct promql_source source = { running, select_until };
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	struct promql_answer answer;
	struct promql_expr *expr = NULL;
	struct str text = text_of(row, "expr");
	struct error err;
	int64_t at_ms;
	duration_of(row, "eval_time", 0, &at_ms);
	options.subquery_step_ms = running->test->interval_ms;
	enum err r = promql_parse(text, &running->arena, &expr, &err);
	if (r == OK)
		r = promql_instant(expr, &source, running->start_ms + at_ms, &options, &running->arena, &answer, &err);
	if (r == OK && answer.type != PROMQL_VECTOR && answer.type != PROMQL_SCALAR)
		r = error_set(&err, ERR_INVALID, "the result is a %s", promql_type_words(answer.type));
	if (r != OK)
		failed(running, "expr: \"" STR_FMT "\", time: %g s, err: %s", STR_ARG(text), (double)at_ms / 1000, err.text);
	else
		compare(running, text, doc_get(row, "exp_samples"), &answer);
	promql_expr_finish(expr);
}

/* ---- alerts ---- */

static bool map_holds(const struct doc_node *map, struct str name, struct str value)
{
	const struct doc_entry *entry = doc_find(map, name);
	struct str text = STR_NONE;
	return entry != NULL && doc_spelling(&entry->value, &text) && str_eq(text, value);
}

static bool alert_as_expected(const struct rule_alert *alert, const struct doc_node *expected)
{
	const struct doc_node *labels = doc_get(expected, "exp_labels"), *notes = doc_get(expected, "exp_annotations");
	bool named = doc_find(labels, STR("alertname")) != NULL;
	if (alert->labels.count != doc_count(labels) + !named || alert->annotations.count != doc_count(notes))
		return false;
	for (size_t i = 0; i < alert->labels.count; i++) {
		struct promql_label pair = alert->labels.pairs[i];
		if (!str_is(pair.name, "alertname") && !map_holds(labels, pair.name, pair.value))
			return false;
	}
	for (size_t i = 0; i < alert->annotations.count; i++)
		if (!map_holds(notes, alert->annotations.pairs[i].name, alert->annotations.pairs[i].value))
			return false;
	return true;
}

static void tell_alerts(struct running *running, struct str name)
{
	for (size_t i = 0; i < running->run_count; i++) {
		const struct rule_run *run = &running->runs[i];
		const struct rule_alert *alert = run->rule->alert && str_eq(run->rule->name, name) ? run->alerts : NULL;
		for (; alert != NULL; alert = alert->next) {
			if (!alert->firing)
				continue;
			buf_adds(running->out, "        got: ");
			promql_labels_print(alert->labels, running->out);
			buf_adds(running->out, "\n             annotations: ");
			promql_labels_print(alert->annotations, running->out);
			buf_adds(running->out, "\n");
		}
	}
}

static void judge_alerts(struct running *running, const struct doc_node *row, int64_t at_ms)
{
	struct str name = text_of(row, "alertname");
	const struct doc_node *list = doc_get(row, "exp_alerts");
	size_t count = doc_count(list), firing = 0, matched = 0;
	bool *used = arena_array(&running->arena, bool, count + 1);
	for (size_t i = 0; i < running->run_count; i++) {
		const struct rule_run *run = &running->runs[i];
		if (!run->rule->alert || !str_eq(run->rule->name, name))
			continue;
		for (const struct rule_alert *alert = run->alerts; alert != NULL; alert = alert->next) {
			firing += alert->firing;
			for (size_t e = 0; e < count && alert->firing; e++)
				if (!used[e] && alert_as_expected(alert, doc_at(list, e))) {
					used[e] = true;
					matched++;
					break;
				}
		}
	}
	if (matched == count && matched == firing)
		return;
	failed(running, "alertname: " STR_FMT ", time: %g s: %zu alerts expected, %zu are firing, %zu of them as expected",
	       STR_ARG(name), (double)at_ms / 1000, count, firing, matched);
	tell_alerts(running, name);
}

static void judge_step(struct running *running, int64_t step_ms)
{
	const struct doc_node *list = doc_get(running->node, "alert_rule_test");
	int64_t offset_ms = running->now_ms - running->start_ms, at_ms;
	for (size_t i = 0; i < doc_count(list); i++)
		if (duration_of(doc_at(list, i), "eval_time", 0, &at_ms) && at_ms >= offset_ms &&
		    at_ms < offset_ms + step_ms)
			judge_alerts(running, doc_at(list, i), at_ms);
}

/* ---- one test ---- */

static bool last_time(struct running *running, int64_t *ret_ms)
{
	static const char *const lists[] = { "alert_rule_test", "promql_expr_test" };
	*ret_ms = 0;
	for (int l = 0; l < 2; l++) {
		const struct doc_node *list = doc_get(running->node, lists[l]);
		for (size_t i = 0; i < doc_count(list); i++) {
			int64_t at_ms;
			if (!duration_of(doc_at(list, i), "eval_time", 0, &at_ms)) {
				failed(running, "%u:%u: \"eval_time\" is not a duration", doc_at(list, i)->line,
				       doc_at(list, i)->column);
				return false;
			}
			*ret_ms = at_ms > *ret_ms ? at_ms : *ret_ms;
		}
	}
	if (*ret_ms / running->test->interval_ms < RULE_TEST_STEPS_MAX)
		return true;
	failed(running, "more than %u evaluations", RULE_TEST_STEPS_MAX);
	return false;
}

static void run_rules(struct running *running)
{
	struct promql_source source = { running, select_until };
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	options.subquery_step_ms = running->test->interval_ms;
	for (size_t i = 0; i < running->run_count; i++) {
		struct rule_run *run = &running->runs[i];
		struct error err;
		if (rule_run(run, running->memory, &source, &options, running->now_ms, &running->arena, &err) != OK)
			failed(running, "rule: " STR_FMT ", time: %g s, err: %s", STR_ARG(run->rule->name),
			       (double)(running->now_ms - running->start_ms) / 1000, err.text);
	}
}

static bool read_start(struct running *running)
{
	struct str text = text_of(running->node, "start_timestamp");
	double seconds;
	time_us at;
	if (text.len == 0)
		return true;
	if (promql_number_signed(text, &seconds) && fabs(seconds) < 1e12)
		running->start_ms = llround(seconds * 1000);
	else if (time_parse(text, &at))
		running->start_ms = at / 1000;
	else
		return failed(running, "\"start_timestamp\" is neither a number nor a time: " STR_FMT, STR_ARG(text)), false;
	return true;
}

static void run_one(struct running *running)
{
	int64_t interval_ms, last_ms, step_ms = running->test->interval_ms;
	const struct doc_node *queries = doc_get(running->node, "promql_expr_test");
	if (!duration_of(running->node, "interval", step_ms, &interval_ms) || interval_ms == 0)
		interval_ms = step_ms;
	if (!read_start(running) || !last_time(running, &last_ms))
		return;
	load_series(running, interval_ms);
	if (running->failures > 0)
		return;
	for (int64_t at_ms = 0; at_ms <= last_ms && running->failures == 0; at_ms += step_ms) {
		running->now_ms = running->start_ms + at_ms;
		if (arena_room(&running->arena) < RULE_TEST_BYTES_MAX / 2) {
			failed(running, "it needs more than %zu MB of memory", RULE_TEST_BYTES_MAX >> 20);
			return;
		}
		run_rules(running);
		judge_step(running, step_ms);
	}
	for (size_t i = 0; i < doc_count(queries); i++)
		run_query(running, doc_at(queries, i));
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct promql_label *)a)->name, ((const struct promql_label *)b)->name);
}

static struct promql_labels labels_in(const struct doc_node *map, struct arena *arena)
{
	size_t count = doc_is(map, DOC_MAP) ? doc_count(map) : 0;
	struct promql_label *pairs = arena_array(arena, struct promql_label, count + 1);
	for (size_t i = 0; i < count; i++) {
		pairs[i].name = doc_entry_at(map, i)->key;
		doc_spelling(&doc_entry_at(map, i)->value, &pairs[i].value);
	}
	qsort(pairs, count, sizeof *pairs, by_name);
	return (struct promql_labels){ pairs, count };
}

static int by_order(const struct doc_node *order, struct str group)
{
	for (size_t i = 0; i < doc_count(order); i++) {
		struct str name;
		if (doc_spelling(doc_at(order, i), &name) && str_eq(name, group))
			return (int)i;
	}
	return INT32_MAX;
}

/* Every rule of every group; groups that group_eval_order names come in that order. */
static void take_rules(struct running *running, const struct rule_file *files, size_t file_count)
{
	const struct doc_node *order = doc_get(running->test->root, "group_eval_order");
	size_t total = 0, used = 0;
	for (size_t f = 0; f < file_count; f++)
		total += files[f].rule_count;
	running->runs = arena_array(&running->arena, struct rule_run, total + 1);
	for (size_t turn = 0; turn <= doc_count(order); turn++)
		for (size_t f = 0; f < file_count; f++)
			for (size_t g = 0; g < files[f].count; g++) {
				const struct rule_group *group = &files[f].groups[g];
				int place = by_order(order, group->name);
				if ((size_t)place != turn && !(place == INT32_MAX && turn == doc_count(order)))
					continue;
				for (size_t i = 0; i < group->count; i++)
					running->runs[used++] = (struct rule_run){
						.rule = &group->rules[i], .group = group,
						.external_labels = running->external_labels,
						.external_url = text_of(running->node, "external_url"),
					};
			}
	running->run_count = used;
}

size_t rule_test_run(const struct rule_test *test, const struct rule_file *files, size_t file_count,
		     const struct promql_pattern *wanted, struct buf *out)
{
	const struct doc_node *tests = doc_get(test->root, "tests");
	size_t failures = 0;
	for (size_t i = 0; i < doc_count(tests); i++) {
		struct running *running = mem_alloc(sizeof *running);
		*running = (struct running){ .test = test, .node = doc_at(tests, i), .out = out };
		running->name = text_of(running->node, "name");
		if (wanted == NULL || promql_pattern_matches(wanted, running->name)) {
			arena_init(&running->arena, RULE_TEST_BYTES_MAX);
			running->memory = memory_source_create();
			running->whole = memory_source_promql(running->memory);
			running->external_labels = labels_in(doc_get(running->node, "external_labels"), &running->arena);
			take_rules(running, files, file_count);
			run_one(running);
			memory_source_destroy(&running->memory);
			arena_finish(&running->arena);
		}
		failures += running->failures;
		mem_free(running);
	}
	return failures;
}
