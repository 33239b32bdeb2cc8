/*
 * eval.h: what the files of the engine share. Of this folder only.
 *
 * A subexpression is evaluated for all steps of the query at once: its value is a *frame* of
 * *columns*, one a series, one cell a step. An instant query is a query of one step. Range vectors
 * are never kept: whoever consumes one is called for each series, and looks at windows of it.
 *
 * All memory is the arena of the query, so a failure needs no undoing: eval_raise leaves by longjmp
 * to the entry (eval.c) or, inside a source's callback, to that callback (eval_range.c), which
 * lets the source clean up first. No function here holds anything else.
 */
#pragma once

#include <setjmp.h>

#include "promql/ast.h"
#include "promql/function.h"

struct grid { /* the times of a query, or of a subquery */
	int64_t start_ms, step_ms;
	size_t count;
};

static inline int64_t grid_time(const struct grid *grid, size_t step)
{
	return grid->start_ms + (int64_t)step * grid->step_ms;
}

struct note {
	struct note *next;
	bool warning;
	struct str text;
};

struct eval {
	const struct promql_source *source;
	const struct promql_options *options;
	struct arena *arena;
	struct promql_expr *expr;
	int64_t start_ms, end_ms, step_ms; /* of the query; the step of an instant query is 0 */
	bool range;                        /* a range query */
	jmp_buf *jump;
	struct error *err;
	struct note *notes, **notes_end;
	size_t note_count;
	struct promql_pattern **patterns; /* made while evaluating; freed at the end */
	size_t pattern_count, pattern_size;
	size_t samples;
	unsigned ticks;
};

/* ---- eval_plan.c ---- */
void eval_plan(struct eval *eval, struct node *root);

/* ---- eval.c ---- */
_Noreturn void eval_raise(struct eval *eval, enum err code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void *eval_alloc(struct eval *eval, size_t size) __attribute__((returns_nonnull)); /* zeroed */
#define eval_array(eval, type, count) ((type *)eval_alloc((eval), sizeof(type) * (count)))
/* A larger array with the old content. */
void *eval_grow(struct eval *eval, void *old, size_t used_bytes, size_t size_bytes) __attribute__((returns_nonnull));
void eval_count(struct eval *eval, size_t samples); /* raises at the limit, and when time is up */
void eval_note(struct eval *eval, bool warning, const struct node *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
struct frame *eval_node(struct eval *eval, struct node *node, const struct grid *grid);
/* The same for who has no answer about native histograms: ERR_UNSUPPORTED when there is one. */
struct frame *eval_floats(struct eval *eval, struct node *node, const struct grid *grid);
_Noreturn void eval_refuse_histogram(struct eval *eval);
/* Cells of histograms are left out. */
void frame_only_floats(struct frame *frame, const struct grid *grid);
double *eval_scalar(struct eval *eval, struct node *node, const struct grid *grid); /* a value a step */
struct promql_pattern *eval_pattern(struct eval *eval, struct str text);

/* ---- frame.c ---- */
struct column {
	struct promql_labels labels;
	bool drop_name;  /* its name goes when the query ends */
	double *values;
	uint8_t *there;  /* a `cell` a step */
};

/* Of a native histogram is only known that it is there. Who can answer without its content does, as
 * Prometheus would (max leaves it out, count counts it); whoever cannot refuses: eval_floats. */
enum cell { CELL_EMPTY, CELL_FLOAT, CELL_HISTOGRAM };

struct frame {
	enum promql_type type;
	struct column *columns; /* PROMQL_VECTOR */
	size_t count, size;
	double *scalar;         /* PROMQL_SCALAR: a value a step */
	struct str text;        /* PROMQL_STRING */
};

struct frame *frame_new(struct eval *eval, enum promql_type type);
/* An empty column; the pointer is good until the next one is added. */
struct column *frame_add(struct eval *eval, struct frame *frame, const struct grid *grid, struct promql_labels labels);
/* At once or at the end, as the options say. */
void column_drop_name(struct eval *eval, struct column *column);
/* Series that have become alike are one, when no step has two of them; else the error Prometheus gives. */
void frame_merge(struct eval *eval, struct frame *frame, const struct grid *grid);
void frame_end_names(struct eval *eval, struct frame *frame, const struct grid *grid);

/* Columns found by labels. */
struct collector {
	struct eval *eval;
	const struct grid *grid;
	struct frame *frame;
	uint32_t *slots; /* index + 1 */
	size_t slot_count;
};
void collector_init(struct collector *collector, struct eval *eval, const struct grid *grid);
size_t collector_find(struct collector *collector, struct promql_labels labels, bool *ret_new);

/* Sets made of others; `names` need not be sorted. */
struct promql_labels labels_without(struct eval *eval, struct promql_labels labels, const struct str *names,
				    size_t count, bool and_reserved);
struct promql_labels labels_only(struct eval *eval, struct promql_labels labels, const struct str *names,
				 size_t count);
struct promql_labels labels_with(struct eval *eval, struct promql_labels labels, struct str name, struct str value);
bool label_is_reserved(struct str name); /* __name__, __type__, __unit__ */

/* ---- eval_range.c ---- */
struct range_series {
	struct promql_labels labels;
	bool drop_name;
	const int64_t *times;
	const double *values;
	const uint8_t *histogram; /* NULL: none */
	size_t count;
};

struct window {
	const int64_t *times;
	const double *values;
	size_t count;
	bool histograms;          /* some of the samples are */
	bool falls;               /* some value is less than the one before it */
	int64_t start_ms, end_ms; /* of the window: (start, end] */
	int64_t at_ms;            /* when it is asked */
};

struct cursor { /* of one series, over rising windows */
	size_t low, high;
	size_t fall; /* the last place below `high` whose value is less than the one before it; 0: none */
};

typedef void range_fn(void *context, const struct range_series *series);
/* For each series of a matrix selector or subquery. */
void eval_each_range(struct eval *eval, struct node *node, const struct grid *grid, range_fn *visit, void *context);
/* The window of that step; `count` may be 0. */
void window_at(struct eval *eval, const struct node *node, const struct range_series *series,
	       const struct grid *grid, size_t step, struct cursor *cursor, struct window *ret_window);
struct frame *eval_selector(struct eval *eval, const struct node *node, const struct grid *grid, bool timestamps);

/* ---- the kinds of nodes ---- */
struct frame *eval_call(struct eval *eval, struct node *node, const struct grid *grid);
struct frame *eval_binary(struct eval *eval, struct node *node, const struct grid *grid);
struct frame *eval_aggregate(struct eval *eval, struct node *node, const struct grid *grid);

/* ---- binary: eval_binary.c, eval_match.c, eval_set.c ---- */
/* The value of `a op b`; of a comparison ret_kept says whether it holds, and the value is `a`. */
double binary_value(enum binary_op op, double a, double b, bool *ret_kept);
/* What becomes of native histograms there: refused when the result is one, else noted and left out. */
bool binary_makes_histogram(enum binary_op op, bool a_histogram, bool b_histogram);
void note_incompatible(struct eval *eval, const struct node *node, bool a_histogram, bool b_histogram);
struct signatures { /* of two frames: columns with the same number match */
	uint32_t *left, *right;
	size_t count;
};
void signatures_make(struct eval *eval, const struct matching *matching, const struct frame *left,
		     const struct frame *right, struct signatures *ret_signatures);
struct frame *eval_match(struct eval *eval, struct node *node, const struct grid *grid, struct frame *left,
			 struct frame *right);
struct frame *eval_set(struct eval *eval, struct node *node, const struct grid *grid, struct frame *left,
		       struct frame *right);

/* ---- aggregation: eval_aggregate.c, eval_rank.c ---- */
/* The labels a column is grouped under. */
struct promql_labels group_labels(struct eval *eval, const struct node *node, const struct column *column);
bool group_keeps_name(const struct node *node);
/* Which group each column belongs to; the frame of the groups in *ret_groups. */
uint32_t *group_columns(struct eval *eval, const struct node *node, const struct grid *grid,
			const struct frame *of, struct frame **ret_groups);

/* ---- numbers: kahan.h has more ---- */
double quantile_of(double q, double *values, size_t count); /* changes their order */

/* What an over_fn may ask about. */
struct call {
	struct eval *eval;
	const struct node *node;
	const struct range_series *series;
	double parameters[FUNCTION_ARGUMENTS_MAX]; /* the scalar arguments at this step */
	double *scratch;                           /* room for every value of the window */
	size_t scratch_size;
	bool noted;                                /* for notes that are made once a series */
};
