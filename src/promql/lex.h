/*
 * lex.h: text to tokens, one ahead. What is a keyword depends on where it stands ("sum" may be a
 * metric), so words come as words and the parser decides.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum token_kind {
	TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_DURATION, TOKEN_STRING, TOKEN_SIGN, TOKEN_BAD,
};

struct token {
	enum token_kind kind;
	uint32_t from, to;
	struct str text;   /* as written; of a string, what it means */
};

struct lexer {
	struct str text;
	struct arena *arena;
	uint32_t at;
	unsigned brackets, braces; /* open ones: inside, a word has no colon */
	char why[96];              /* of TOKEN_BAD */
};

struct token lex_next(struct lexer *lexer);
/* What is meant by the text between quotes, as Go reads it. False: no such escape. */
bool lex_unquote(struct str inside, char quote, struct arena *arena, struct str *ret_text);
