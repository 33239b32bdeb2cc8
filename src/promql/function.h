/*
 * function.h: the functions and aggregations of the language, one row each.
 *
 * To add a function: 1. its evaluator in the func_*.c of its kind; 2. a row in function_table.c.
 * The parser, the type check and the engine read the row; nothing else knows names.
 */
#pragma once

#include "base/str.h"
#include "promql/ast.h"

struct eval;
struct frame;
struct grid;
struct window;
struct call;

/* Over a window of samples: false when there is no answer. The window is never empty. */
typedef bool over_fn(struct call *call, const struct window *window, double *ret_value);
/* Over one sample. `parameters` are the scalar arguments at this step. */
typedef bool map_fn(double value, const double *parameters, double *ret_value);
/* Anything else. */
typedef struct frame *call_fn(struct eval *eval, const struct node *node, const struct grid *grid);

#define FUNCTION_EXPERIMENTAL 1u
#define FUNCTION_KEEPS_NAME 2u
#define FUNCTION_OF_TIME 4u    /* the answer depends on when it is asked, also with @ */
#define FUNCTION_OF_HISTOGRAM 8u /* floats have no answer */
#define FUNCTION_COUNTS 32u    /* looks at samples only to count them, so native histograms may be among them */
#define FUNCTION_UNKNOWN 16u   /* parsed, and refused when evaluated */

#define FUNCTION_ARGUMENTS_MAX 5

struct function {
	const char *name;
	enum promql_type returns;
	enum promql_type arguments[FUNCTION_ARGUMENTS_MAX]; /* PROMQL_NONE ends */
	int optional; /* how many of the last may be left out; -1: the last may also come again */
	unsigned flags;
	over_fn *over;
	map_fn *map;
	call_fn *call;
};

const struct function *function_find(struct str name);
size_t function_argument_count(const struct function *function);

enum aggregate_parameter { PARAMETER_NONE, PARAMETER_NUMBER, PARAMETER_TEXT };

struct group;
typedef struct frame *aggregate_fn(struct eval *eval, const struct node *node, const struct grid *grid);

struct aggregate {
	const char *name;
	enum aggregate_parameter parameter;
	bool experimental;
	aggregate_fn *run;
	/* Of those that keep one state a group and step: what the state gives at the end. */
	void (*add)(struct group *group, double value);
	double (*end)(const struct group *group);
	enum aggregate_histograms { HISTOGRAMS_REFUSED, HISTOGRAMS_COUNTED, HISTOGRAMS_IGNORED, HISTOGRAMS_SUMMED } histograms;
};

const struct aggregate *aggregate_find(struct str name);
