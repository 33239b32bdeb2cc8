/* series_text.c: see series_text.h. */
#include "promql/series_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/lex.h"
#include "promql/number.h"

#define LABELS_MAX 128u

/* ---- labels ---- */

static enum err fail(struct error *err, size_t at, const char *what)
{
	return error_set(err, ERR_INVALID, "1:%zu: parse error: %s", at + 1, what);
}

static bool sign_is(const struct token *token, const char *sign)
{
	return token->kind == TOKEN_SIGN && str_is(token->text, sign);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct promql_label *)a)->name, ((const struct promql_label *)b)->name);
}

struct pairs {
	struct promql_label rows[LABELS_MAX];
	size_t count;
};

static enum err add(struct pairs *pairs, struct str name, struct str value, size_t at, struct error *err)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (str_eq(pairs->rows[i].name, name))
			return fail(err, at, "a label is set twice");
	if (pairs->count == LABELS_MAX)
		return fail(err, at, "too many labels");
	if (value.len > 0)
		pairs->rows[pairs->count++] = (struct promql_label){ name, value };
	return OK;
}

static enum err read_pair(struct lexer *lexer, struct token *token, struct pairs *pairs, struct error *err)
{
	struct token name = *token;
	if (name.kind != TOKEN_WORD && name.kind != TOKEN_STRING)
		return fail(err, token->from, "expected a label or \"}\"");
	*token = lex_next(lexer);
	if (name.kind == TOKEN_STRING && (sign_is(token, ",") || sign_is(token, "}")))
		return add(pairs, STR(PROMQL_NAME), name.text, name.from, err);
	if (!sign_is(token, "="))
		return fail(err, token->from, "expected \"=\"");
	*token = lex_next(lexer);
	if (token->kind != TOKEN_STRING)
		return fail(err, token->from, "expected a string");
	struct str value = token->text;
	*token = lex_next(lexer);
	return add(pairs, name.text, value, name.from, err);
}

static enum err read_braces(struct lexer *lexer, struct token *token, struct pairs *pairs, struct error *err)
{
	*token = lex_next(lexer);
	while (!sign_is(token, "}")) {
		enum err r = read_pair(lexer, token, pairs, err);
		if (r != OK)
			return r;
		if (sign_is(token, "}"))
			break;
		if (!sign_is(token, ","))
			return fail(err, token->from, "expected \",\" or \"}\"");
		*token = lex_next(lexer);
	}
	return OK;
}

enum err series_text_labels(struct str text, struct arena *arena, struct promql_labels *ret_labels,
			    struct str *ret_rest, struct error *err)
{
	struct lexer lexer = { .text = text, .arena = arena };
	struct token token = lex_next(&lexer);
	struct pairs pairs = { .count = 0 };
	struct error own;
	uint32_t end = token.to;
	if (err == NULL)
		err = &own;
	if (token.kind == TOKEN_WORD) {
		add(&pairs, STR(PROMQL_NAME), token.text, token.from, err);
		struct lexer ahead = lexer;
		struct token next = lex_next(&ahead);
		bool histogram = next.to < text.len && text.ptr[next.to] == '{'; /* "{{" begins a value */
		if (sign_is(&next, "{") && !histogram) {
			lexer = ahead;
			token = next;
		}
	}
	if (sign_is(&token, "{")) {
		enum err r = read_braces(&lexer, &token, &pairs, err);
		if (r != OK)
			return r;
		end = token.to;
	} else if (token.kind != TOKEN_WORD) {
		return fail(err, token.from, "expected a metric name or \"{\"");
	}
	qsort(pairs.rows, pairs.count, sizeof *pairs.rows, by_name);
	struct promql_labels labels = { pairs.rows, pairs.count };
	if (!promql_labels_copy(labels, arena, ret_labels))
		return error_set(err, ERR_TOO_LARGE, "the series is too large");
	*ret_rest = str_sub(text, end, text.len);
	return OK;
}

/* ---- values ---- */

struct values {
	struct series_value *rows;
	size_t count, size;
	struct arena *arena;
};

static bool add_value(struct values *values, struct series_value value)
{
	if (values->count == SERIES_TEXT_VALUES_MAX)
		return false;
	if (values->count == values->size) {
		size_t size = values->size * 2 + 32;
		struct series_value *rows = arena_try(values->arena, size * sizeof *rows);
		if (rows == NULL)
			return false;
		if (values->count > 0)
			memcpy(rows, values->rows, values->count * sizeof *rows);
		values->rows = rows;
		values->size = size;
	}
	values->rows[values->count++] = value;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "x12" at the end of a word. ret_times -1: it is not there. False: it is not well written. */
static bool cut_times(struct str word, struct str *ret_word, int64_t *ret_times)
{
	size_t at = word.len;
	while (at > 0 && is_digit(word.ptr[at - 1]))
		at--;
	*ret_word = word;
	*ret_times = -1;
	if (at == 0 || word.ptr[at - 1] != 'x')
		return true;
	if (at == word.len)
		return false;
	*ret_word = str_sub(word, 0, at - 1);
	return str_int(str_sub(word, at, word.len), 0, SERIES_TEXT_VALUES_MAX, ret_times);
}

/* Where the second number of "1+2" begins; 0: there is none. A sign after "e" belongs to the first. */
static size_t step_at(struct str word)
{
	for (size_t i = 1; i < word.len; i++)
		if ((word.ptr[i] == '+' || word.ptr[i] == '-') && word.ptr[i - 1] != 'e' && word.ptr[i - 1] != 'E')
			return i;
	return 0;
}

static bool add_numbers(struct values *values, struct str word, int64_t times)
{
	double first, step = 0;
	size_t sign = step_at(word);
	if (sign > 0 && (times < 0 || !promql_number_signed(str_sub(word, sign, word.len), &step)))
		return false;
	if (sign > 0)
		word = str_sub(word, 0, sign);
	if (str_is(word, "stale"))
		first = promql_stale();
	else if (!promql_number_signed(word, &first))
		return false;
	for (int64_t i = 0; i <= (times < 0 ? 0 : times); i++) {
		if (!add_value(values, (struct series_value){ SERIES_NUMBER, first }))
			return false;
		first += step;
	}
	return true;
}

static bool add_word(struct values *values, struct str word)
{
	int64_t times;
	struct str rest;
	if (!cut_times(word, &rest, &times))
		return false;
	if (!str_is(rest, "_"))
		return add_numbers(values, rest, times);
	for (int64_t i = 0; i < (times < 0 ? 1 : times); i++)
		if (!add_value(values, (struct series_value){ SERIES_GAP, 0 }))
			return false;
	return true;
}

static size_t histogram_end(struct str text, size_t at)
{
	while (at + 1 < text.len && !(text.ptr[at] == '}' && text.ptr[at + 1] == '}'))
		at++;
	return at + 1 < text.len ? at + 2 : 0;
}

/* {{...}} or {{...}}+{{...}}x3. ret_at moves behind it. */
static bool add_histogram(struct values *values, struct str text, size_t *ret_at)
{
	size_t at = histogram_end(text, *ret_at);
	int64_t times = 0;
	if (at == 0)
		return false;
	if (at + 2 < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-') && text.ptr[at + 1] == '{') {
		at = histogram_end(text, at);
		if (at == 0)
			return false;
	}
	size_t end = at;
	while (end < text.len && text.ptr[end] != ' ' && text.ptr[end] != '\t')
		end++;
	if (end > at && (text.ptr[at] != 'x' ||
			 !str_int(str_sub(text, at + 1, end), 0, SERIES_TEXT_VALUES_MAX, &times)))
		return false;
	for (int64_t i = 0; i <= times; i++)
		if (!add_value(values, (struct series_value){ SERIES_HISTOGRAM, 0 }))
			return false;
	*ret_at = end;
	return true;
}

enum err series_text_values(struct str text, size_t base, struct arena *arena, struct series_text *series,
			    struct error *err)
{
	struct values values = { .arena = arena };
	for (size_t at = 0; at < text.len;) {
		size_t end = at;
		bool good;
		if (text.ptr[at] == ' ' || text.ptr[at] == '\t') {
			at++;
			continue;
		}
		if (text.ptr[at] == '#')
			break;
		if (at + 1 < text.len && text.ptr[at] == '{' && text.ptr[at + 1] == '{') {
			good = add_histogram(&values, text, &end);
		} else {
			while (end < text.len && text.ptr[end] != ' ' && text.ptr[end] != '\t')
				end++;
			good = add_word(&values, str_sub(text, at, end));
		}
		if (!good)
			return error_set(err, ERR_INVALID, "1:%zu: parse error: not a value: \"" STR_FMT "\"",
					 base + at + 1, STR_ARG(str_sub(text, at, at + 40)));
		at = end;
	}
	series->values = values.rows;
	series->count = values.count;
	return OK;
}

enum err series_text_parse(struct str text, struct arena *arena, struct series_text *ret_series, struct error *err)
{
	struct series_text series = { .count = 0 };
	struct str rest;
	enum err r = series_text_labels(text, arena, &series.labels, &rest, err);
	if (r == OK)
		r = series_text_values(rest, text.len - rest.len, arena, &series, err);
	if (r == OK)
		*ret_series = series;
	return r;
}
