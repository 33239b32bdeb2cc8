/*
 * template_parse.h: what the two halves of the parser share: template_term.c reads terms and pipes, template_parse.c blocks.
 */
#pragma once

#include "promql/template_priv.h"

#define PARSER_SHOWN_BYTES_MAX 400u /* of a part of the text in an error */

struct parser {
	struct template *template;
	struct arena *arena;    /* of what stays */
	struct arena *scratch;
	struct error *err;
	const struct template_token *tokens;
	size_t count, at, furthest;
	struct str variables[TEMPLATE_VARIABLES_MAX];
	size_t variable_count;
	unsigned ranges, depth;
	unsigned action_line; /* 0: in none */
	bool failed;
};

/* These say what is wrong, once, and return NULL. */
void *parser_wrong(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *parser_wrong_quoting(struct parser *parser, const char *format, struct str text); /* one %s, for the quoted text */
void *parser_too_large(struct parser *parser, const char *what);
void *parser_unexpected(struct parser *parser, const struct template_token *token, const char *context);
bool parser_deeper(struct parser *parser);

/* Tokens; those with "word" pass over spaces. */
const struct template_token *parser_next(struct parser *parser);
const struct template_token *parser_peek(struct parser *parser);
const struct template_token *parser_peek_word(struct parser *parser);
const struct template_token *parser_next_word(struct parser *parser);

struct template_node *parser_node(struct parser *parser, enum template_node_kind kind, const struct template_token *token);
void parser_append(struct template_node *list, struct template_node *child);
/* Up to and with `end`. */
struct template_node *parser_pipe(struct parser *parser, const char *context, enum template_token_kind end);
