/*
 * promql.h: the query language of Prometheus 3: read, checked, printed, evaluated.
 *
 * An expression is read once and may be evaluated often. Evaluation asks for series through
 * `struct promql_source`, so the engine knows no storage, and a test, a rule check and the server
 * run the same code.
 *
 *	struct promql_expr *expr;
 *	if ((result = promql_parse(text, &arena, &expr, err)) != OK) ...
 *	result = promql_instant(expr, &source, now_ms, &PROMQL_OPTIONS_DEFAULT, &arena, &answer, err);
 *	promql_expr_finish(expr);
 *
 * Owns: the arenas given own what is returned; an expression also holds compiled regular
 * expressions, which promql_expr_finish frees. Times are milliseconds since 1970, UTC. Runs on: any thread; one
 * expression may be evaluated by one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "promql/label.h"
#include "promql/pattern.h"

#define PROMQL_TEXT_BYTES_MAX (256u << 10) /* of one expression */
#define PROMQL_DEPTH_MAX 200u              /* expressions inside each other, also a + b + c + ... */
#define PROMQL_STEPS_MAX 11000u            /* points of a range query, as Prometheus has it */
#define PROMQL_NOTES_MAX 100u              /* warnings and infos of one answer */

/* The bits of the not-a-number that says "this series ended here". Other NaNs are values. */
#define PROMQL_STALE_BITS 0x7ff0000000000002u
double promql_stale(void);
static inline bool promql_is_stale(double value) /* asked for every sample */
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits == PROMQL_STALE_BITS;
}

enum promql_type { PROMQL_NONE, PROMQL_SCALAR, PROMQL_VECTOR, PROMQL_MATRIX, PROMQL_STRING };
const char *promql_type_words(enum promql_type type); /* "instant vector" */

/* ---- expressions ---- */

struct promql_expr;

/* ERR_INVALID: the text begins with the place, "1:7: parse error: ..."; ERR_TOO_LARGE. */
enum err promql_parse(struct str text, struct arena *arena, struct promql_expr **ret_expr, struct error *err);
void promql_expr_finish(struct promql_expr *expr); /* accepts NULL; may be called again */
enum promql_type promql_expr_type(const struct promql_expr *expr);
/* One line that parses to the same again. */
void promql_print(const struct promql_expr *expr, struct buf *buf);
/* Gives every selector and subquery that has no @ of its own this one, but those inside a subquery.
 * False, and nothing changed, when the answer depends on the time of evaluation all the same. */
bool promql_expr_pin(struct promql_expr *expr, int64_t at_ms);
/* The names of the functions in use that Prometheus keeps behind a switch; NULL when there are none. */
const char *promql_expr_experimental(const struct promql_expr *expr);
bool promql_expr_is_selector(const struct promql_expr *expr); /* up{job="a"} and nothing around it */
/* Calls `see` for each selector: its matchers, for who looks at what an expression reads. */
typedef void promql_see_fn(void *context, const struct promql_matcher *matchers, size_t count);
void promql_expr_selectors(const struct promql_expr *expr, promql_see_fn *see, void *context);

/* ---- where series come from ---- */

struct promql_series {
	struct promql_labels labels; /* sorted by name */
	const int64_t *times;        /* rising */
	const double *values;
	const uint8_t *histogram;    /* 1 where the sample is a native histogram; NULL: nowhere */
	size_t count;
};

struct promql_select {
	const struct promql_matcher *matchers;
	size_t count;
	int64_t from_ms, to_ms; /* both included; more may be given, less may not */
	bool newest;            /* of each series only the newest sample is wanted */
};

/* Takes one series, which is borrowed for the call. False: the rest is not wanted. */
typedef bool promql_take_fn(void *context, const struct promql_series *series);

struct promql_source {
	void *context;
	enum err (*select)(void *context, const struct promql_select *select, promql_take_fn *take,
			   void *take_context, struct error *err);
};

/* ---- answers ---- */

struct promql_options {
	int64_t lookback_ms;      /* how old a sample may be that an instant selector gives */
	int64_t subquery_step_ms; /* of foo[5m:] */
	size_t samples_max;       /* read and made over the whole query */
	bool delayed_names;       /* __name__ is dropped at the end, as the suites want it; else at once */
	bool version_2;           /* windows as Prometheus 2 has them: they include their start */
	bool (*expired)(void *context); /* asked now and then; NULL: no time limit */
	void *expired_context;
};

#define PROMQL_OPTIONS_DEFAULT \
	((struct promql_options){ .lookback_ms = 300000, .subquery_step_ms = 60000, .samples_max = 50000000 })

struct promql_row {
	struct promql_labels labels;
	const int64_t *times;
	const double *values;
	size_t count;
};

struct promql_answer {
	enum promql_type type; /* of a range query always PROMQL_MATRIX */
	struct promql_row *rows; /* a vector: one sample each; a scalar: one row without labels */
	size_t count;
	struct str text; /* of PROMQL_STRING */
	const struct str *warnings, *infos;
	size_t warning_count, info_count;
};

/* ERR_INVALID: the data does not fit the expression; ERR_TOO_LARGE: a limit; ERR_TIMEOUT: `expired`
 * said so; ERR_UNSUPPORTED: a native histogram came; else what the source says. */
enum err promql_instant(struct promql_expr *expr, const struct promql_source *source, int64_t time_ms,
			const struct promql_options *options, struct arena *arena,
			struct promql_answer *ret_answer, struct error *err);
enum err promql_range(struct promql_expr *expr, const struct promql_source *source, int64_t start_ms,
		      int64_t end_ms, int64_t step_ms, const struct promql_options *options,
		      struct arena *arena, struct promql_answer *ret_answer, struct error *err);
