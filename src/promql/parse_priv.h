/*
 * parse_priv.h: what the files of the parser share. A function that fails has set the error, with its place, and
 * returns NULL or false; nothing is undone, because the arena goes with the expression.
 */
#pragma once

#include "promql/ast.h"
#include "promql/function.h"
#include "promql/lex.h"

#define PARSE_LABELS_MAX 256u   /* in one by(...), on(...) or pair of braces */

struct parser {
	struct lexer lexer;
	struct token token; /* the one to look at */
	uint32_t last_to;   /* where the one before ended */
	struct arena *arena;
	struct promql_expr *expr;
	struct error *err;
	unsigned depth;
};

/* ---- parse.c ---- */
bool parse_fail(struct parser *parser, uint32_t from, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What was found instead of what the context allows. */
bool parse_unexpected(struct parser *parser, const char *context, const char *expected);
bool parse_step(struct parser *parser); /* to the next token */
bool parse_is(const struct parser *parser, const char *sign);
bool parse_is_word(const struct parser *parser, const char *word); /* in any case */
bool parse_expect(struct parser *parser, const char *sign, const char *context);
void *parse_alloc(struct parser *parser, size_t size);
struct node *parse_node(struct parser *parser, enum node_kind kind, uint32_t from);
struct node *parse_expression(struct parser *parser, int power);

/* ---- parse_selector.c ---- */
/* name{...}, at the name or at the brace; `name` is empty for the latter. */
struct node *parse_selector(struct parser *parser, struct str name, uint32_t from);
/* (a, b, "c.d"): after by, on and their like. */
bool parse_labels(struct parser *parser, const struct str **ret_labels, size_t *ret_count);

/* ---- parse_span.c ---- */
const struct span_expr *parse_span(struct parser *parser, int power); /* inside [ ] and ( ) */
const struct span_expr *parse_offset(struct parser *parser);          /* after "offset" */
/* [5m] [5m:] [5m:1m] offset 5m @ 12: what stands behind an expression. */
struct node *parse_behind(struct parser *parser, struct node *node);
