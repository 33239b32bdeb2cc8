/*
 * answer.c: answers expressions from standard input over series from standard input, one a line, for differ.py:
 *
 *	S up{job="a"}               the series that the next samples belong to
 *	P 1000 0x1.8p+1             a sample: milliseconds, value; "stale" marks the end of the series
 *	Q 1000 1000 0 v2 up + 1     a query: start, end, step (0: an instant query), rules of version 2 or 3, expression
 *
 * An answer is a line with its type or "error TEXT", a line of labels and samples for each row, and a line with one point.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/memory_source.h"
#include "promql/series_text.h"

#define LINE_BYTES_MAX (1u << 20)
#define ARENA_BYTES ((size_t)512 << 20)
#define LOOKBACK_2_MS 299999 /* what the other side is started with */

struct state {
	struct memory_source *memory;
	struct arena series_arena, arena;
	struct promql_labels labels;
};

static void fail(const char *what, const char *line)
{
	fprintf(stderr, "answer: %s: %s\n", what, line);
	exit(1);
}

static void take_series(struct state *state, const char *text)
{
	struct error err;
	struct str rest;
	char *copy = arena_cstr(&state->series_arena, str_of(text));
	if (series_text_labels(str_of(copy), &state->series_arena, &state->labels, &rest, &err) != OK)
		fail(err.text, text);
}

static void take_sample(struct state *state, char *text)
{
	struct error err;
	char *value;
	long long time_ms = strtoll(text, &value, 10);
	while (*value == ' ')
		value++;
	double number = strcmp(value, "stale") == 0 ? promql_stale() : strtod(value, NULL);
	if (memory_source_put(state->memory, state->labels, time_ms, number, &err) != OK)
		fail(err.text, text);
}

static void print_answer(const struct promql_answer *answer)
{
	struct buf labels;
	buf_init(&labels, LINE_BYTES_MAX);
	printf("%s\n", promql_type_words(answer->type));
	for (size_t i = 0; i < answer->count; i++) {
		buf_reset(&labels);
		promql_labels_print(answer->rows[i].labels, &labels);
		printf("%s\t", labels.used > 0 ? labels.bytes : "{}");
		for (size_t s = 0; s < answer->rows[i].count; s++)
			printf("%lld %.17g ", (long long)answer->rows[i].times[s], answer->rows[i].values[s]);
		printf("\n");
	}
	if (answer->type == PROMQL_STRING)
		printf(STR_FMT "\n", STR_ARG(answer->text));
	buf_finish(&labels);
}

static void answer(struct state *state, char *text)
{
	struct promql_source source = memory_source_promql(state->memory);
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	struct promql_answer found;
	struct promql_expr *expr = NULL;
	struct error err = { .code = OK };
	char *at;
	long long start = strtoll(text, &at, 10), end = strtoll(at, &at, 10), step = strtoll(at, &at, 10);
	options.version_2 = strncmp(at, " v2 ", 4) == 0;
	options.lookback_ms = options.version_2 ? LOOKBACK_2_MS : options.lookback_ms;
	arena_reset(&state->arena);
	enum err r = promql_parse(str_of(at + 4), &state->arena, &expr, &err);
	if (r == OK && step == 0)
		r = promql_instant(expr, &source, start, &options, &state->arena, &found, &err);
	else if (r == OK)
		r = promql_range(expr, &source, start, end, step, &options, &state->arena, &found, &err);
	if (r == OK)
		print_answer(&found);
	else
		printf("error %s\n", err.text);
	printf(".\n");
	fflush(stdout);
	promql_expr_finish(expr);
}

int main(void)
{
	static char line[LINE_BYTES_MAX];
	struct state state = { .memory = memory_source_create() };
	arena_init(&state.series_arena, ARENA_BYTES);
	arena_init(&state.arena, ARENA_BYTES);
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == 'S')
			take_series(&state, line + 2);
		else if (line[0] == 'P')
			take_sample(&state, line + 2);
		else if (line[0] == 'Q')
			answer(&state, line + 2);
		else
			fail("cannot read", line);
	}
	memory_source_destroy(&state.memory);
	arena_finish(&state.series_arena);
	arena_finish(&state.arena);
	return 0;
}
