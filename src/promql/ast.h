/*
 * ast.h: an expression as a tree. Of this folder only.
 *
 * Nodes live in the arena given to promql_parse. What one evaluation settles (spans that depend on
 * the query's step, which parts never change over its steps) is written into the nodes: eval_plan.c.
 */
#pragma once

#include "base/err.h"
#include "promql/promql.h"

/* ---- spans of time: [5m], [2*step()], offset -(1h) ---- */

enum span_op {
	SPAN_NUMBER, SPAN_STEP, SPAN_RANGE,              /* leaves */
	SPAN_PLUS, SPAN_MINUS,                           /* of lhs */
	SPAN_ADD, SPAN_SUB, SPAN_MUL, SPAN_DIV, SPAN_MOD, SPAN_POW,
	SPAN_MIN_OF, SPAN_MAX_OF,
};

struct span_expr {
	enum span_op op;
	const struct span_expr *lhs, *rhs;
	double value;   /* seconds */
	bool duration;  /* written as one: "5m"; else a number */
	bool paren;
	unsigned depth;
};

struct span {
	const struct span_expr *expr; /* NULL: not given */
	int64_t ms;                   /* by the plan */
};

/* Seconds. ERR_INVALID: division by zero. Positions are the caller's to add. */
enum err span_seconds(const struct span_expr *expr, int64_t step_ms, int64_t range_ms, double *ret_seconds,
		      struct error *err);
enum err span_to_ms(double seconds, bool may_be_negative, int64_t *ret_ms, struct error *err);

/* ---- nodes ---- */

enum node_kind {
	NODE_NUMBER, NODE_STRING, NODE_PAREN, NODE_UNARY, NODE_BINARY, NODE_AGGREGATE, NODE_CALL,
	NODE_SELECTOR, NODE_MATRIX, NODE_SUBQUERY,
};

enum node_at { AT_NONE, AT_TIME, AT_START, AT_END };

struct node_time { /* what offset and @ say */
	struct span offset;
	enum node_at at;
	int64_t at_ms; /* written, or by the plan for start() and end() */
};

enum binary_op {
	OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_POW, OP_ATAN2,
	OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
	OP_AND, OP_OR, OP_UNLESS, OP_COUNT,
};

struct binary_row {
	const char *text;
	int power; /* how tightly it binds */
	bool right; /* a ^ b ^ c is a ^ (b ^ c) */
	bool compares, sets;
};
extern const struct binary_row binary_rows[OP_COUNT];

enum matching_card { CARD_ONE_TO_ONE, CARD_MANY_TO_ONE, CARD_ONE_TO_MANY, CARD_MANY_TO_MANY };

struct matching {
	enum matching_card card;
	bool given, on;             /* on(...) else ignoring(...) */
	const struct str *labels;
	size_t count;
	const struct str *include;  /* group_left(...) */
	size_t include_count;
};

struct aggregate;
struct function;
struct node;

#define CALL_ARGUMENTS_MAX 32u

struct node {
	enum node_kind kind;
	enum promql_type type;
	uint32_t from, to; /* bytes of the text */
	unsigned depth;    /* of the tree below, 1 for a leaf */
	bool invariant;    /* by the plan: the same at every step */
	union {
		struct {
			double value;
			bool duration;
		} number;
		struct str string;
		struct node *inner; /* NODE_PAREN */
		struct {
			bool minus;
			struct node *of;
		} unary;
		struct {
			enum binary_op op;
			bool returns_bool;
			struct node *lhs, *rhs;
			struct matching matching;
		} binary;
		struct {
			const struct aggregate *what;
			bool without;
			const struct str *labels;
			size_t count;
			struct node *parameter, *of;
		} aggregate;
		struct {
			const struct function *what;
			struct node **arguments;
			size_t count;
		} call;
		struct {
			struct str name; /* before the braces; empty: none there */
			struct promql_matcher *matchers; /* with that of the name */
			size_t count;
			struct node_time time;
		} selector;
		struct {
			struct node *selector; /* holds offset and @ */
			struct span range;
		} matrix;
		struct {
			struct node *of;
			struct span range, step;
			struct node_time time;
		} subquery;
	};
};

struct promql_expr {
	struct node *root;
	struct arena *arena;
	struct str text;
	const char *experimental; /* the names, with commas */
	struct promql_pattern **patterns;
	size_t pattern_count, pattern_size;
};

/* The children of a node in order; so that a walk over the tree is written once. */
#define NODE_CHILDREN_MAX CALL_ARGUMENTS_MAX
size_t node_children(const struct node *node, struct node *ret_children[NODE_CHILDREN_MAX]);
/* Without the parentheses around it. */
struct node *node_bare(struct node *node);
/* Where offset and @ are kept; NULL when the node can have none. */
struct node_time *node_time_of(struct node *node);

void node_print(const struct node *node, struct buf *buf);

/* Types and rules of the whole tree. The place is a byte of the text. */
enum err check_tree(const struct node *root, uint32_t *ret_place, struct error *err);
