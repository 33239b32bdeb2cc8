/*
 * test_promql_script.h: the test language of Prometheus: load, clear, eval and what is expected.
 *
 * Each `eval instant` is run about a dozen times: as it stands; at five other times with every selector
 * pinned to the time it is meant for; and each of these as a range query whose middle step must give the same. That finds
 * most mistakes about what changes with time.
 */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "promql/memory_source.h"
#include "promql/number.h"
#include "promql/promql.h"
#include "promql/series_text.h"

#define SCRIPT_EXPECTED_MAX 4000
#define SCRIPT_NOTES_MAX 16
#define SCRIPT_ARENA_BYTES ((size_t)256 << 20)

enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_EXCLUDED };

struct want_note {
	bool warning, regex;
	struct str text; /* empty: any */
};

struct eval_command {
	size_t line;
	struct str expr;
	bool range;
	int64_t from_ms, to_ms, step_ms;
	bool fail, ordered, is_text, no_warning, no_info, any_warning, any_info, is_matrix;
	int64_t matrix_from_ms, matrix_step_ms;
	struct str fail_text, text;
	bool fail_regex;
	struct want_note notes[SCRIPT_NOTES_MAX];
	size_t note_count;
	bool is_scalar;
	double scalar;
	struct series_text rows[SCRIPT_EXPECTED_MAX];
	size_t count;
	bool histograms; /* expects one */
};

struct script {
	struct str rest;
	size_t line;
	struct memory_source *source;
	struct arena arena; /* of the whole file */
	bool start_timestamps, delayed;
	char why[2000]; /* of the last eval that failed or was left out */
	void (*tell)(void *context, const struct eval_command *command, enum verdict verdict, const char *why);
	void *context;
};

/* ---- lines ---- */

static bool script_line(struct script *script, struct str *ret_line)
{
	struct str line;
	if (script->rest.len == 0)
		return false;
	str_cut(script->rest, '\n', &line, &script->rest);
	script->line++;
	line = str_trim(line);
	*ret_line = line.len > 0 && line.ptr[0] == '#' ? STR("") : line;
	return true;
}

/* The first word, and what follows it. */
static struct str script_word(struct str *line)
{
	size_t end = 0;
	*line = str_trim(*line);
	while (end < line->len && line->ptr[end] != ' ' && line->ptr[end] != '\t')
		end++;
	struct str word = str_sub(*line, 0, end);
	*line = str_trim(str_sub(*line, end, line->len));
	return word;
}

static int64_t script_duration(struct str text)
{
	int64_t ms;
	double seconds;
	bool minus = text.len > 0 && text.ptr[0] == '-';
	text = str_sub(text, minus, text.len);
	if (promql_duration(text, &ms))
		return minus ? -ms : ms;
	if (!promql_number(text, &seconds))
		fail_msg("not a duration: " STR_FMT, STR_ARG(text));
	return llround((minus ? -seconds : seconds) * 1000);
}

/* ---- load ---- */

/* The histogram that a bucket belongs to, for load_with_nhcb. */
static void put_custom(struct script *script, const struct series_text *series, int64_t step_ms)
{
	struct promql_label pairs[128];
	size_t count = 0;
	bool le = false;
	struct str name = promql_label_get(series->labels, STR(PROMQL_NAME));
	if (!str_ends(name, STR("_bucket")))
		return;
	for (size_t i = 0; i < series->labels.count; i++) {
		struct promql_label pair = series->labels.pairs[i];
		if (str_is(pair.name, PROMQL_NAME))
			pair.value.len -= strlen("_bucket");
		if (str_is(pair.name, "le"))
			le = true;
		else
			pairs[count++] = pair;
	}
	for (size_t i = 0; i < series->count && le; i++)
		if (series->values[i].kind == SERIES_NUMBER)
			memory_source_put_histogram(script->source, (struct promql_labels){ pairs, count },
						    (int64_t)i * step_ms, NULL);
}

static void put_series(struct script *script, const struct series_text *series, int64_t step_ms)
{
	for (size_t i = 0; i < series->count; i++)
		if (series->values[i].kind == SERIES_NUMBER)
			memory_source_put(script->source, series->labels, (int64_t)i * step_ms,
					  series->values[i].number, NULL);
		else if (series->values[i].kind == SERIES_HISTOGRAM)
			memory_source_put_histogram(script->source, series->labels, (int64_t)i * step_ms, NULL);
}

static void script_load(struct script *script, struct str rest, bool custom)
{
	struct str line;
	struct error err;
	int64_t step_ms = script_duration(script_word(&rest));
	while (script_line(script, &line) && line.len > 0) {
		struct series_text series;
		const char *at = memmem(line.ptr, line.len, "@st", 3);
		if (at != NULL && at > line.ptr && (at[3] == ' ' || at[3] == '\t')) {
			script->start_timestamps = true;
			continue;
		}
		if (series_text_parse(line, &script->arena, &series, &err) != OK)
			fail_msg("line %zu: %s", script->line, err.text);
		put_series(script, &series, step_ms);
		if (custom)
			put_custom(script, &series, step_ms);
	}
}

/* ---- eval: what is expected ---- */

static void expect_note(struct eval_command *command, bool warning, bool regex, struct str text)
{
	*(warning ? &command->any_warning : &command->any_info) = true;
	if (text.len > 0)
		command->notes[command->note_count++] = (struct want_note){ warning, regex, text };
}

static void script_expect(struct script *script, struct eval_command *command, struct str rest)
{
	struct str what = script_word(&rest), text = STR("");
	bool regex = str_starts(rest, STR("regex:"));
	if (regex || str_starts(rest, STR("msg:")))
		text = str_trim(str_sub(rest, regex ? 6 : 4, rest.len));
	if (str_is(what, "fail")) {
		command->fail = true;
		command->fail_text = text;
		command->fail_regex = regex;
	} else if (str_is(what, "warn") || str_is(what, "info")) {
		expect_note(command, str_is(what, "warn"), regex, text);
	} else if (str_is(what, "no_warn")) {
		command->no_warning = true;
	} else if (str_is(what, "no_info")) {
		command->no_info = true;
	} else if (str_is(what, "ordered")) {
		command->ordered = true;
	} else if (str_is(what, "string")) {
		struct promql_expr *expr;
		command->is_text = true;
		command->text = str_sub(rest, 1, rest.len - 1);
		if (promql_parse(rest, &script->arena, &expr, NULL) != OK)
			fail_msg("line %zu: no string", script->line);
	} else if (str_is(what, "range")) { /* vector from 10s to 1m step 10s */
		command->is_matrix = true;
		script_word(&rest);
		script_word(&rest);
		command->matrix_from_ms = script_duration(script_word(&rest));
		script_word(&rest);
		script_word(&rest);
		script_word(&rest);
		command->matrix_step_ms = script_duration(script_word(&rest));
	} else {
		fail_msg("line %zu: cannot expect " STR_FMT, script->line, STR_ARG(what));
	}
}

static void script_body(struct script *script, struct eval_command *command)
{
	struct str line;
	struct error err;
	while (script_line(script, &line) && line.len > 0) {
		struct str rest = line, word = script_word(&rest);
		if (str_is(word, "expect")) {
			script_expect(script, command, rest);
			continue;
		}
		if (str_starts(line, STR("expected_fail_message"))) {
			command->fail_text = rest;
			continue;
		}
		if (rest.len == 0 && promql_number_signed(word, &command->scalar)) {
			command->is_scalar = true;
			return;
		}
		command->histograms |= memmem(line.ptr, line.len, "{{", 2) != NULL;
		if (command->count == SCRIPT_EXPECTED_MAX)
			fail_msg("line %zu: too many rows", script->line);
		if (series_text_parse(line, &script->arena, &command->rows[command->count++], &err) != OK)
			fail_msg("line %zu: %s", script->line, err.text);
	}
}

static void script_head(struct script *script, struct eval_command *command, struct str word, struct str rest)
{
	*command = (struct eval_command){ .line = script->line };
	command->fail = str_is(word, "eval_fail");
	command->any_warning = str_is(word, "eval_warn");
	command->any_info = str_is(word, "eval_info");
	command->ordered = str_is(word, "eval_ordered");
	command->range = str_is(script_word(&rest), "range");
	script_word(&rest); /* at, or from */
	command->from_ms = command->to_ms = script_duration(script_word(&rest));
	if (command->range) {
		script_word(&rest);
		command->to_ms = script_duration(script_word(&rest));
		script_word(&rest);
		command->step_ms = script_duration(script_word(&rest));
	}
	command->expr = rest;
}

/* ---- eval: what came ---- */

static bool alike(double a, double b)
{
	const double least = 2.2250738585072014e-308, most = 1.7976931348623157e308, share = 1e-6;
	if (promql_is_stale(a) || promql_is_stale(b))
		return promql_is_stale(a) && promql_is_stale(b);
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	if (a == b)
		return true;
	double sum = fabs(a) + fabs(b), apart = fabs(a - b);
	if (a == 0 || b == 0 || sum < least)
		return apart < share * least;
	return apart / fmin(sum, most) < share;
}

static bool mismatch(struct script *script, const char *what, const struct promql_labels *labels, double wanted,
		     double found)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, 1000);
	if (labels != NULL)
		promql_labels_print(*labels, &buf);
	snprintf(script->why, sizeof script->why, "%s %s: wanted %.17g, found %.17g", what,
		 buf.bytes != NULL ? buf.bytes : "", wanted, found);
	return false;
}

static bool check_row(struct script *script, const struct series_text *wanted, const struct promql_row *found,
		      int64_t from_ms, int64_t step_ms)
{
	size_t at = 0;
	for (size_t i = 0; i < wanted->count; i++) {
		if (wanted->values[i].kind == SERIES_GAP)
			continue;
		int64_t time_ms = from_ms + (int64_t)i * step_ms;
		if (at == found->count || found->times[at] != time_ms)
			return mismatch(script, "a sample at another time of", &found->labels, (double)time_ms / 1000,
					at < found->count ? (double)found->times[at] / 1000 : NAN);
		if (!alike(wanted->values[i].number, found->values[at]))
			return mismatch(script, "the value of", &found->labels, wanted->values[i].number,
					found->values[at]);
		at++;
	}
	return at == found->count || mismatch(script, "samples of", &found->labels, (double)at, (double)found->count);
}

/* Rows in any order, or in theirs. */
static bool check_rows(struct script *script, const struct eval_command *command, const struct promql_row *rows,
		       size_t count, int64_t from_ms, int64_t step_ms)
{
	for (size_t i = 0; i < command->count; i++) {
		const struct series_text *wanted = &command->rows[i];
		size_t at = 0;
		if (command->ordered)
			at = i;
		while (at < count && !command->ordered && !promql_labels_equal(rows[at].labels, wanted->labels))
			at++;
		if (at >= count || !promql_labels_equal(rows[at].labels, wanted->labels))
			return mismatch(script, "no such series (or not in its place)", &wanted->labels, 0, NAN);
		if (!check_row(script, wanted, &rows[at], from_ms, step_ms))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		bool known = false;
		for (size_t j = 0; j < command->count; j++)
			known |= promql_labels_equal(rows[i].labels, command->rows[j].labels);
		if (!known)
			return mismatch(script, "a series nobody expected", &rows[i].labels, NAN, rows[i].values[0]);
	}
	return true;
}

static bool text_matches(struct script *script, struct str pattern, bool regex, struct str text)
{
	char around[1200];
	struct promql_pattern *compiled;
	if (!regex)
		return str_eq(pattern, text);
	snprintf(around, sizeof around, ".*(?:" STR_FMT ").*", STR_ARG(pattern));
	if (promql_pattern_create(str_of(around), &compiled, NULL) != OK)
		return false;
	bool good = promql_pattern_matches(compiled, text);
	promql_pattern_destroy(&compiled);
	(void)script;
	return good;
}

static bool check_notes_of(struct script *script, const struct eval_command *command, bool warning,
			   const struct str *notes, size_t count)
{
	bool any = warning ? command->any_warning : command->any_info, texts = false;
	bool none = warning ? command->no_warning : command->no_info;
	snprintf(script->why, sizeof script->why, "%s: %zu, " STR_FMT, warning ? "warnings" : "infos", count,
		 STR_ARG(count > 0 ? notes[0] : STR("none")));
	if ((any && count == 0) || (none && count > 0))
		return false;
	for (size_t w = 0; w < command->note_count; w++) {
		bool found = false;
		if (command->notes[w].warning != warning)
			continue;
		texts = true;
		for (size_t i = 0; i < count; i++)
			found |= text_matches(script, command->notes[w].text, command->notes[w].regex, notes[i]);
		if (!found)
			return false;
	}
	for (size_t i = 0; i < count && texts; i++) {
		bool known = false;
		for (size_t w = 0; w < command->note_count; w++)
			known |= command->notes[w].warning == warning &&
				 text_matches(script, command->notes[w].text, command->notes[w].regex, notes[i]);
		if (!known)
			return false;
	}
	return true;
}

static bool check_answer(struct script *script, const struct eval_command *command, const struct promql_answer *answer,
			 int64_t time_ms)
{
	if (command->is_text) {
		snprintf(script->why, sizeof script->why, "the text is \"" STR_FMT "\"", STR_ARG(answer->text));
		return answer->type == PROMQL_STRING && str_eq(answer->text, command->text);
	}
	if (command->is_scalar) {
		double found = answer->type == PROMQL_SCALAR ? answer->rows[0].values[0] : NAN;
		if (answer->type != PROMQL_SCALAR || !alike(command->scalar, found))
			return mismatch(script, "the scalar", NULL, command->scalar, found);
		return true;
	}
	if (command->is_matrix)
		return check_rows(script, command, answer->rows, answer->count, command->matrix_from_ms,
				  command->matrix_step_ms);
	return check_rows(script, command, answer->rows, answer->count, time_ms, 1);
}

/* ---- running ---- */

static struct promql_options script_options(const struct script *script)
{
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	options.delayed_names = script->delayed;
	return options;
}

static enum verdict script_failed(struct script *script, const char *how, int64_t time_ms, const struct error *err)
{
	char kept[sizeof script->why];
	bool left_out = err != NULL && err->code == ERR_UNSUPPORTED;
	snprintf(kept, sizeof kept, "%s", err != NULL ? err->text : script->why);
	if (left_out)
		snprintf(script->why, sizeof script->why, "%s", kept);
	else
		snprintf(script->why, sizeof script->why, "%s at %g: %.1800s", how, (double)time_ms / 1000, kept);
	return left_out ? VERDICT_EXCLUDED : VERDICT_FAILED;
}

/* The middle of three steps as if it were the answer of an instant query. */
static enum verdict as_range(struct script *script, const struct eval_command *command, struct promql_expr *expr,
			     int64_t time_ms, struct arena *arena)
{
	struct promql_source source = memory_source_promql(script->source);
	struct promql_options options = script_options(script);
	struct promql_answer answer, middle = { .type = PROMQL_VECTOR };
	struct error err;
	/* These are others in another query, so there is nothing to compare. */
	static const char *const others[] = { "range()", "start()", "end()", "step()", NULL };
	bool differs = false;
	for (size_t i = 0; others[i] != NULL; i++)
		differs |= memmem(command->expr.ptr, command->expr.len, others[i], strlen(others[i])) != NULL;
	if (command->is_text || command->ordered || differs || promql_expr_type(expr) == PROMQL_MATRIX)
		return VERDICT_PASSED;
	if (promql_range(expr, &source, time_ms - 60000, time_ms + 60000, 60000, &options, arena, &answer, &err) != OK)
		return script_failed(script, "as a range query", time_ms, &err);
	middle.rows = arena_array(arena, struct promql_row, answer.count + 1);
	for (size_t i = 0; i < answer.count; i++)
		for (size_t j = 0; j < answer.rows[i].count; j++)
			if (answer.rows[i].times[j] == time_ms)
				middle.rows[middle.count++] = (struct promql_row){
					answer.rows[i].labels, answer.rows[i].times + j, answer.rows[i].values + j, 1
				};
	for (size_t i = 1; i < answer.count; i++)
		if (promql_labels_compare(answer.rows[i - 1].labels, answer.rows[i].labels) >= 0)
			return snprintf(script->why, sizeof script->why, "the rows are not sorted"),
			       script_failed(script, "as a range query", time_ms, NULL);
	if (promql_expr_type(expr) == PROMQL_SCALAR)
		middle.type = PROMQL_SCALAR;
	if (!check_answer(script, command, &middle, time_ms))
		return script_failed(script, "as a range query", time_ms, NULL);
	return VERDICT_PASSED;
}

static enum verdict check_failure(struct script *script, const struct eval_command *command, enum err r,
				  const struct error *err)
{
	if (r == OK)
		return snprintf(script->why, sizeof script->why, "it did not fail"), VERDICT_FAILED;
	if (r == ERR_UNSUPPORTED)
		return snprintf(script->why, sizeof script->why, "%s", err->text), VERDICT_EXCLUDED;
	if (command->fail_text.len == 0 ||
	    text_matches(script, command->fail_text, command->fail_regex, str_of(err->text)))
		return VERDICT_PASSED;
	snprintf(script->why, sizeof script->why, "it failed otherwise: %s", err->text);
	return VERDICT_FAILED;
}

static enum verdict run_instant(struct script *script, const struct eval_command *command, struct promql_expr *expr,
				int64_t time_ms, bool first, struct arena *arena)
{
	struct promql_source source = memory_source_promql(script->source);
	struct promql_options options = script_options(script);
	struct promql_answer answer;
	struct error err;
	enum err r = promql_instant(expr, &source, time_ms, &options, arena, &answer, &err);
	if (command->fail)
		return check_failure(script, command, r, &err);
	if (r != OK)
		return script_failed(script, "at once", time_ms, &err);
	if (first && (!check_notes_of(script, command, true, answer.warnings, answer.warning_count) ||
		      !check_notes_of(script, command, false, answer.infos, answer.info_count)))
		return VERDICT_FAILED;
	if (!check_answer(script, command, &answer, time_ms))
		return script_failed(script, "at once", time_ms, NULL);
	return as_range(script, command, expr, time_ms, arena);
}

static enum verdict run_pinned(struct script *script, const struct eval_command *command, struct promql_expr *expr,
			       struct arena *arena)
{
	int64_t t = command->from_ms, times[5] = { -10 * t, 0, t / 5, t, 10 * t };
	size_t count = 5;
	struct promql_expr *again;
	struct error err;
	if (t == 0) {
		times[0] = -1000;
		times[1] = 0;
		times[2] = 1000;
		count = 3;
	}
	if (!promql_expr_pin(expr, t))
		return VERDICT_PASSED;
	cleanup_buf struct buf text;
	buf_init(&text, 65536);
	promql_print(expr, &text);
	if (promql_parse(buf_str(&text), arena, &again, &err) != OK)
		return script_failed(script, text.bytes, t, &err);
	enum verdict verdict = VERDICT_PASSED;
	for (size_t i = 0; i < count && verdict == VERDICT_PASSED; i++)
		verdict = run_instant(script, command, again, times[i], false, arena);
	promql_expr_finish(again);
	return verdict;
}

static enum verdict run_range(struct script *script, const struct eval_command *command, struct promql_expr *expr,
			      struct arena *arena)
{
	struct promql_source source = memory_source_promql(script->source);
	struct promql_options options = script_options(script);
	struct promql_answer answer;
	struct error err;
	enum err r = promql_range(expr, &source, command->from_ms, command->to_ms, command->step_ms, &options, arena,
				  &answer, &err);
	if (command->fail)
		return check_failure(script, command, r, &err);
	if (r != OK)
		return script_failed(script, "over the range", command->from_ms, &err);
	if (!check_notes_of(script, command, true, answer.warnings, answer.warning_count) ||
	    !check_notes_of(script, command, false, answer.infos, answer.info_count))
		return VERDICT_FAILED;
	return check_rows(script, command, answer.rows, answer.count, command->from_ms, command->step_ms)
		       ? VERDICT_PASSED : VERDICT_FAILED;
}

static enum verdict run_eval(struct script *script, const struct eval_command *command)
{
	struct arena arena;
	struct promql_expr *expr = NULL;
	struct error err;
	enum verdict verdict;
	arena_init(&arena, SCRIPT_ARENA_BYTES);
	enum err r = promql_parse(command->expr, &arena, &expr, &err);
	if (r != OK) {
		verdict = command->fail ? check_failure(script, command, r, &err)
					: script_failed(script, "reading it", command->from_ms, &err);
	} else {
		verdict = command->range ? run_range(script, command, expr, &arena)
					 : run_instant(script, command, expr, command->from_ms, true, &arena);
		if (verdict == VERDICT_PASSED && !command->range && !command->fail)
			verdict = run_pinned(script, command, expr, &arena);
		promql_expr_finish(expr);
	}
	arena_finish(&arena);
	if (verdict == VERDICT_FAILED && (command->histograms || script->start_timestamps)) {
		snprintf(script->why, sizeof script->why, command->histograms ? "native histograms are expected"
			 : "the samples have start timestamps, which are experimental and not supported");
		return VERDICT_EXCLUDED;
	}
	return verdict;
}

static void script_clear(struct script *script)
{
	memory_source_destroy(&script->source);
	script->source = memory_source_create();
	script->start_timestamps = false;
}

static void script_run(struct script *script, struct str text)
{
	struct eval_command *command = mem_alloc(sizeof *command);
	struct str line;
	arena_init(&script->arena, SCRIPT_ARENA_BYTES);
	script->rest = text;
	script->line = 0;
	script_clear(script);
	while (script_line(script, &line)) {
		struct str rest = line, word = script_word(&rest);
		if (line.len == 0)
			continue;
		if (str_is(word, "clear")) {
			script_clear(script);
		} else if (str_is(word, "load") || str_is(word, "load_with_nhcb")) {
			script_load(script, rest, str_is(word, "load_with_nhcb"));
		} else if (str_starts(word, STR("eval"))) {
			script_head(script, command, word, rest);
			script_body(script, command);
			enum verdict verdict = run_eval(script, command);
			script->tell(script->context, command, verdict, script->why);
		} else {
			fail_msg("line %zu: what is " STR_FMT "?", script->line, STR_ARG(line));
		}
	}
	memory_source_destroy(&script->source);
	arena_finish(&script->arena);
	mem_free(command);
}
