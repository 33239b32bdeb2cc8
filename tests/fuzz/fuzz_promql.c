/*
 * fuzz_promql.c: any bytes as an expression. What is refused says where; what is read prints as something that reads the same;
 * and evaluating it over a few series within small limits ends. After a NUL: any bytes as a series.
 */
#include <assert.h>
#include <string.h>

#include "promql/memory_source.h"
#include "promql/series_text.h"

#include "fuzz.h"

#define MEMORY_BYTES (8u << 20)

static bool soon(void *context)
{
	unsigned *left = context;
	return (*left)-- == 0;
}

static struct memory_source *some_series(void)
{
	static const char *const lines[] = {
		"a{job=\"x\",le=\"1\"} 0+1x20 stale 3 _ 4", "a{job=\"y\",le=\"+Inf\"} 5 NaN -1x3 +Inf",
		"b{job=\"x\",i=\"1\"} 1e308x9", "up{job=\"y\"} 1 0 1 0",
	};
	struct memory_source *source = memory_source_create();
	struct arena arena;
	arena_init(&arena, 1u << 20);
	for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
		struct series_text series;
		PROMISE(series_text_parse(str_of(lines[l]), &arena, &series, NULL) == OK);
		for (size_t i = 0; i < series.count; i++)
			if (series.values[i].kind == SERIES_NUMBER)
				memory_source_put(source, series.labels, (int64_t)i * 60000, series.values[i].number, NULL);
	}
	arena_finish(&arena);
	return source;
}

static void evaluate(struct promql_expr *expr)
{
	struct memory_source *memory = some_series();
	struct promql_source source = memory_source_promql(memory);
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	struct promql_answer answer;
	unsigned left = 200;
	options.samples_max = 20000;
	options.expired = soon;
	options.expired_context = &left;
	for (int round = 0; round < 2; round++) {
		struct arena arena;
		struct error err = { .code = OK };
		arena_init(&arena, MEMORY_BYTES);
		options.delayed_names = round == 1;
		enum err r = promql_instant(expr, &source, 600000, &options, &arena, &answer, &err);
		PROMISE(r == OK || (err.code == r && err.text[0] != '\0'));
		arena_reset(&arena);
		r = promql_range(expr, &source, 0, 1200000, 120000, &options, &arena, &answer, &err);
		PROMISE(r == OK || (err.code == r && err.text[0] != '\0'));
		for (size_t i = 1; r == OK && i < answer.count; i++)
			PROMISE(promql_labels_compare(answer.rows[i - 1].labels, answer.rows[i].labels) < 0);
		arena_finish(&arena);
	}
	memory_source_destroy(&memory);
}

static void check_print(const struct promql_expr *expr)
{
	struct promql_expr *again = NULL;
	struct buf first, second;
	struct arena arena;
	arena_init(&arena, MEMORY_BYTES);
	buf_init(&first, PROMQL_TEXT_BYTES_MAX);
	buf_init(&second, PROMQL_TEXT_BYTES_MAX);
	promql_print(expr, &first);
	struct error err;
	if (!first.full && promql_parse(buf_str(&first), &arena, &again, &err) != OK) {
		fprintf(stderr, "%s: %s\n", first.bytes, err.text);
		PROMISE(err.code == ERR_TOO_LARGE);
	}
	if (again != NULL) {
		promql_print(again, &second);
		if (!str_eq(buf_str(&first), buf_str(&second)))
			fprintf(stderr, "%s\n%s\n", first.bytes, second.bytes);
		PROMISE(str_eq(buf_str(&first), buf_str(&second)));
	}
	promql_expr_finish(again);
	buf_finish(&first);
	buf_finish(&second);
	arena_finish(&arena);
}

static void fuzz_series(struct str text)
{
	struct arena arena;
	struct series_text series;
	struct error err = { .code = OK };
	arena_init(&arena, MEMORY_BYTES);
	if (series_text_parse(text, &arena, &series, &err) != OK)
		PROMISE(err.text[0] != '\0');
	else
		for (size_t i = 1; i < series.labels.count; i++)
			PROMISE(str_cmp(series.labels.pairs[i - 1].name, series.labels.pairs[i].name) < 0);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, expression, series;
	struct arena arena;
	struct promql_expr *expr = NULL;
	struct error err = { .code = OK };
	if (str_cut(text, '\0', &expression, &series))
		fuzz_series(series);
	arena_init(&arena, MEMORY_BYTES);
	enum err r = promql_parse(expression, &arena, &expr, &err);
	if (r != OK) {
		PROMISE(err.code == r && err.text[0] >= '1' && err.text[0] <= '9');
	} else {
		check_print(expr);
		evaluate(expr);
		promql_expr_finish(expr);
	}
	arena_finish(&arena);
	return 0;
}
