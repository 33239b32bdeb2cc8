/* eval.c: the entries, the tools, and which file evaluates which node. See eval.h and promql.h. */
#include "promql/eval.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TICKS_A_LOOK 64u /* how often the clock of the caller is asked */

double promql_stale(void)
{
	uint64_t bits = PROMQL_STALE_BITS;
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* ---- tools ---- */

void eval_raise(struct eval *eval, enum err code, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	error_set(eval->err, code, "%s", text);
	longjmp(*eval->jump, 1);
}

void *eval_alloc(struct eval *eval, size_t size)
{
	void *memory = arena_try(eval->arena, size > 0 ? size : 1);
	if (memory == NULL)
		eval_raise(eval, ERR_TOO_LARGE, "the query needs more than its memory of %zu MB: ask for less time or "
			   "fewer series", eval->arena->limit_bytes >> 20);
	return memory;
}

void *eval_grow(struct eval *eval, void *old, size_t used_bytes, size_t size_bytes)
{
	void *memory = eval_alloc(eval, size_bytes);
	if (used_bytes > 0)
		memcpy(memory, old, used_bytes);
	return memory;
}

void eval_count(struct eval *eval, size_t samples)
{
	const struct promql_options *options = eval->options;
	eval->samples += samples;
	if (eval->samples > options->samples_max)
		eval_raise(eval, ERR_TOO_LARGE, "query processing would load too many samples into memory in query "
			   "execution: more than %zu", options->samples_max);
	if (options->expired != NULL && eval->ticks++ % TICKS_A_LOOK == 0 && options->expired(options->expired_context))
		eval_raise(eval, ERR_TIMEOUT, "query timed out in expression evaluation");
}

static void place_of(struct str text, uint32_t at, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = *ret_column = 1;
	for (uint32_t i = 0; i < at && i < text.len; i++) {
		*ret_column = text.ptr[i] == '\n' ? 1 : *ret_column + 1;
		*ret_line += text.ptr[i] == '\n';
	}
}

void eval_note(struct eval *eval, bool warning, const struct node *where, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES], whole[ERROR_TEXT_BYTES + 64];
	unsigned line, column;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	place_of(eval->expr->text, where->from, &line, &column);
	snprintf(whole, sizeof whole, "PromQL %s: %s (%u:%u)", warning ? "warning" : "info", text, line, column);
	for (const struct note *note = eval->notes; note != NULL; note = note->next)
		if (str_is(note->text, whole))
			return;
	if (eval->note_count++ >= PROMQL_NOTES_MAX)
		return;
	struct note *note = eval_alloc(eval, sizeof *note + strlen(whole) + 1);
	char *copy = (char *)(note + 1);
	memcpy(copy, whole, strlen(whole) + 1);
	note->warning = warning;
	note->text = str_of(copy);
	*eval->notes_end = note;
	eval->notes_end = &note->next;
}

struct promql_pattern *eval_pattern(struct eval *eval, struct str text)
{
	struct promql_pattern *pattern;
	struct error why;
	if (promql_pattern_create(text, &pattern, &why) != OK)
		eval_raise(eval, ERR_INVALID, "%s", why.text);
	if (eval->pattern_count == eval->pattern_size) {
		eval->pattern_size = eval->pattern_size * 2 + 4;
		eval->patterns = mem_realloc(eval->patterns, eval->pattern_size * sizeof *eval->patterns);
	}
	eval->patterns[eval->pattern_count++] = pattern;
	return pattern;
}

/* ---- nodes ---- */

static struct frame *eval_number(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *frame = frame_new(eval, PROMQL_SCALAR);
	frame->scalar = eval_array(eval, double, grid->count);
	for (size_t i = 0; i < grid->count; i++)
		frame->scalar[i] = node->number.value;
	return frame;
}

static struct frame *eval_unary(struct eval *eval, struct node *node, const struct grid *grid)
{
	struct frame *frame = node->unary.minus ? eval_floats(eval, node->unary.of, grid)
						: eval_node(eval, node->unary.of, grid);
	if (!node->unary.minus)
		return frame;
	for (size_t i = 0; i < grid->count && frame->type == PROMQL_SCALAR; i++)
		frame->scalar[i] = -frame->scalar[i];
	for (size_t c = 0; c < frame->count; c++) {
		for (size_t i = 0; i < grid->count; i++)
			frame->columns[c].values[i] = -frame->columns[c].values[i];
		column_drop_name(eval, &frame->columns[c]);
	}
	if (!eval->options->delayed_names)
		frame_merge(eval, frame, grid);
	return frame;
}

static struct frame *eval_kind(struct eval *eval, struct node *node, const struct grid *grid)
{
	struct frame *frame;
	switch (node->kind) {
	case NODE_NUMBER:
		return eval_number(eval, node, grid);
	case NODE_STRING:
		frame = frame_new(eval, PROMQL_STRING);
		frame->text = node->string;
		return frame;
	case NODE_PAREN:
		return eval_node(eval, node->inner, grid);
	case NODE_UNARY:
		return eval_unary(eval, node, grid);
	case NODE_BINARY:
		return eval_binary(eval, node, grid);
	case NODE_AGGREGATE:
		return eval_aggregate(eval, node, grid);
	case NODE_CALL:
		return eval_call(eval, node, grid);
	case NODE_SELECTOR:
		return eval_selector(eval, node, grid, false);
	default:
		eval_raise(eval, ERR_INVALID, "a range vector cannot stand here");
	}
}

/* What was evaluated once, for all steps. */
static void spread(struct eval *eval, struct frame *frame, const struct grid *grid)
{
	if (frame->type == PROMQL_SCALAR) {
		double value = frame->scalar[0];
		frame->scalar = eval_array(eval, double, grid->count);
		for (size_t i = 0; i < grid->count; i++)
			frame->scalar[i] = value;
	}
	for (size_t c = 0; c < frame->count; c++) {
		struct column *column = &frame->columns[c];
		double value = column->values[0];
		uint8_t there = column->there[0];
		column->values = eval_alloc(eval, grid->count * (sizeof(double) + 1));
		column->there = (uint8_t *)(column->values + grid->count);
		for (size_t i = 0; i < grid->count; i++)
			column->values[i] = value;
		memset(column->there, there, grid->count);
	}
}

struct frame *eval_node(struct eval *eval, struct node *node, const struct grid *grid)
{
	eval_count(eval, 0);
	if (!node->invariant || grid->count < 2 || node->kind == NODE_NUMBER)
		return eval_kind(eval, node, grid);
	struct grid once = { .start_ms = grid->start_ms, .step_ms = grid->step_ms, .count = 1 };
	struct frame *frame = eval_kind(eval, node, &once);
	spread(eval, frame, grid);
	return frame;
}

void eval_refuse_histogram(struct eval *eval)
{
	eval_raise(eval, ERR_UNSUPPORTED, "the query reads native histograms, which are not supported");
}

struct frame *eval_floats(struct eval *eval, struct node *node, const struct grid *grid)
{
	struct frame *frame = eval_node(eval, node, grid);
	for (size_t c = 0; c < frame->count; c++)
		if (memchr(frame->columns[c].there, CELL_HISTOGRAM, grid->count) != NULL)
			eval_refuse_histogram(eval);
	return frame;
}

double *eval_scalar(struct eval *eval, struct node *node, const struct grid *grid)
{
	struct frame *frame = eval_node(eval, node, grid);
	assert(frame->type == PROMQL_SCALAR);
	return frame->scalar;
}

/* ---- answers ---- */

static void take_notes(struct eval *eval, struct promql_answer *answer)
{
	size_t room = eval->note_count + 1;
	struct str *texts = eval_array(eval, struct str, 2 * room), *warnings = texts, *infos = texts + room;
	for (const struct note *note = eval->notes; note != NULL; note = note->next)
		if (note->warning)
			warnings[answer->warning_count++] = note->text;
		else
			infos[answer->info_count++] = note->text;
	answer->warnings = warnings;
	answer->infos = infos;
}

static void add_row(struct eval *eval, struct promql_answer *answer, size_t *size, struct promql_labels labels,
		    const int64_t *times, const double *values, size_t count)
{
	if (answer->count == *size) {
		*size = *size * 2 + 16;
		answer->rows = eval_grow(eval, answer->rows, answer->count * sizeof *answer->rows,
					 *size * sizeof *answer->rows);
	}
	answer->rows[answer->count++] = (struct promql_row){ labels, times, values, count };
}

static void add_column(struct eval *eval, struct promql_answer *answer, size_t *size, const struct column *column,
		       const struct grid *grid)
{
	size_t count = 0;
	for (size_t i = 0; i < grid->count; i++)
		count += column->there[i];
	if (count == 0)
		return;
	int64_t *times = eval_array(eval, int64_t, count);
	double *values = eval_array(eval, double, count);
	for (size_t i = 0, at = 0; i < grid->count; i++)
		if (column->there[i]) {
			times[at] = grid_time(grid, i);
			values[at++] = column->values[i];
		}
	eval_count(eval, count);
	add_row(eval, answer, size, column->labels, times, values, count);
}

static int by_labels(const void *a, const void *b)
{
	return promql_labels_compare(((const struct promql_row *)a)->labels, ((const struct promql_row *)b)->labels);
}

static void answer_frame(struct eval *eval, struct frame *frame, const struct grid *grid, struct promql_answer *answer)
{
	size_t size = 0;
	answer->type = eval->range ? PROMQL_MATRIX : frame->type;
	answer->text = frame->text;
	frame_end_names(eval, frame, grid);
	for (size_t c = 0; c < frame->count; c++)
		add_column(eval, answer, &size, &frame->columns[c], grid);
	if (frame->type == PROMQL_SCALAR) {
		uint8_t *all = eval_array(eval, uint8_t, grid->count);
		memset(all, 1, grid->count);
		struct column column = { .values = frame->scalar, .there = all };
		add_column(eval, answer, &size, &column, grid);
	}
	if (eval->range && answer->count > 1)
		qsort(answer->rows, answer->count, sizeof *answer->rows, by_labels);
}

/* foo[5m] by itself: the samples as they are. */
struct matrix_taker {
	struct eval *eval;
	const struct node *node;
	const struct grid *grid;
	struct promql_answer *answer;
	size_t size;
};

static void take_matrix(void *context, const struct range_series *series)
{
	struct matrix_taker *taker = context;
	struct cursor cursor = { 0 };
	struct window window;
	window_at(taker->eval, taker->node, series, taker->grid, 0, &cursor, &window);
	if (window.histograms)
		eval_refuse_histogram(taker->eval);
	if (window.count == 0)
		return;
	int64_t *times = eval_array(taker->eval, int64_t, window.count);
	double *values = eval_array(taker->eval, double, window.count);
	struct promql_labels labels = { NULL, 0 };
	memcpy(times, window.times, window.count * sizeof *times);
	memcpy(values, window.values, window.count * sizeof *values);
	if (!promql_labels_copy(series->labels, taker->eval->arena, &labels))
		eval_raise(taker->eval, ERR_TOO_LARGE, "the query needs more memory than it may have");
	if (series->drop_name)
		labels = labels_without(taker->eval, labels, NULL, 0, true);
	add_row(taker->eval, taker->answer, &taker->size, labels, times, values, window.count);
}

static void answer_matrix(struct eval *eval, struct node *node, const struct grid *grid, struct promql_answer *answer)
{
	struct matrix_taker taker = { eval, node, grid, answer, 0 };
	answer->type = PROMQL_MATRIX;
	eval_each_range(eval, node, grid, take_matrix, &taker);
	if (answer->count > 1)
		qsort(answer->rows, answer->count, sizeof *answer->rows, by_labels);
}

/* ---- entries ---- */

static enum err run(struct eval *eval, const struct grid *grid, struct promql_answer *ret_answer)
{
	jmp_buf jump;
	struct promql_answer answer = { .type = PROMQL_NONE };
	struct node *bare = node_bare(eval->expr->root);
	eval->notes_end = &eval->notes;
	eval->jump = &jump;
	enum err r = OK;
	if (setjmp(jump) == 0) {
		eval_plan(eval, eval->expr->root);
		if (bare->type == PROMQL_MATRIX)
			answer_matrix(eval, bare, grid, &answer);
		else
			answer_frame(eval, eval_floats(eval, eval->expr->root, grid), grid, &answer);
		take_notes(eval, &answer);
		*ret_answer = answer;
	} else {
		r = eval->err->code;
	}
	for (size_t i = 0; i < eval->pattern_count; i++)
		promql_pattern_destroy(&eval->patterns[i]);
	mem_free(eval->patterns);
	return r;
}

enum err promql_instant(struct promql_expr *expr, const struct promql_source *source, int64_t time_ms,
			const struct promql_options *options, struct arena *arena,
			struct promql_answer *ret_answer, struct error *err)
{
	struct error own;
	struct eval eval = { .source = source, .options = options, .arena = arena, .expr = expr,
			     .start_ms = time_ms, .end_ms = time_ms, .err = err != NULL ? err : &own };
	struct grid grid = { .start_ms = time_ms, .step_ms = 1, .count = 1 };
	return run(&eval, &grid, ret_answer);
}

enum err promql_range(struct promql_expr *expr, const struct promql_source *source, int64_t start_ms,
		      int64_t end_ms, int64_t step_ms, const struct promql_options *options,
		      struct arena *arena, struct promql_answer *ret_answer, struct error *err)
{
	struct error own;
	if (step_ms <= 0)
		return error_set(err, ERR_INVALID, "zero or negative query resolution step widths are not accepted, "
				 "try a positive integer");
	if (end_ms < start_ms)
		return error_set(err, ERR_INVALID, "the end of a range query cannot be before its start");
	if (expr->root->type != PROMQL_SCALAR && expr->root->type != PROMQL_VECTOR)
		return error_set(err, ERR_INVALID, "invalid expression type \"%s\" for range query, must be scalar or "
				 "instant vector", promql_type_words(expr->root->type));
	uint64_t count = ((uint64_t)end_ms - (uint64_t)start_ms) / (uint64_t)step_ms + 1;
	if (count > PROMQL_STEPS_MAX)
		return error_set(err, ERR_TOO_LARGE, "exceeded maximum resolution of %u points per timeseries, try "
				 "decreasing the query resolution (?step=XX)", PROMQL_STEPS_MAX);
	struct eval eval = { .source = source, .options = options, .arena = arena, .expr = expr, .start_ms = start_ms,
			     .end_ms = end_ms, .step_ms = step_ms, .range = true, .err = err != NULL ? err : &own };
	struct grid grid = { .start_ms = start_ms, .step_ms = step_ms, .count = (size_t)count };
	return run(&eval, &grid, ret_answer);
}
