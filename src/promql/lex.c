/* lex.c: see lex.h. */
#include "promql/lex.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int peek(const struct lexer *lexer, uint32_t ahead)
{
	uint32_t at = lexer->at + ahead;
	return at < lexer->text.len ? (unsigned char)lexer->text.ptr[at] : -1;
}

static struct token made(struct lexer *lexer, enum token_kind kind, uint32_t from)
{
	return (struct token){ kind, from, lexer->at, str_sub(lexer->text, from, lexer->at) };
}

static struct token bad(struct lexer *lexer, uint32_t from, const char *why)
{
	snprintf(lexer->why, sizeof lexer->why, "%s", why);
	return made(lexer, TOKEN_BAD, from);
}

static void skip_blanks(struct lexer *lexer)
{
	for (;;) {
		int c = peek(lexer, 0);
		if (c == '#')
			while (peek(lexer, 0) != -1 && peek(lexer, 0) != '\n')
				lexer->at++;
		else if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			lexer->at++;
		else
			return;
	}
}

/* ---- strings ---- */

static size_t put_utf8(uint32_t rune, char *at)
{
	if (rune < 0x80)
		return at[0] = (char)rune, 1;
	if (rune < 0x800) {
		at[0] = (char)(0xc0 | rune >> 6);
		at[1] = (char)(0x80 | (rune & 0x3f));
		return 2;
	}
	if (rune < 0x10000) {
		at[0] = (char)(0xe0 | rune >> 12);
		at[1] = (char)(0x80 | (rune >> 6 & 0x3f));
		at[2] = (char)(0x80 | (rune & 0x3f));
		return 3;
	}
	at[0] = (char)(0xf0 | rune >> 18);
	at[1] = (char)(0x80 | (rune >> 12 & 0x3f));
	at[2] = (char)(0x80 | (rune >> 6 & 0x3f));
	at[3] = (char)(0x80 | (rune & 0x3f));
	return 4;
}

static bool read_digits(struct str text, size_t *at, unsigned count, unsigned base, uint32_t *ret_value)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < count; i++, (*at)++) {
		int c = *at < text.len ? (unsigned char)text.ptr[*at] : -1;
		unsigned digit = is_digit(c) ? (unsigned)(c - '0')
			       : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
			       : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 99;
		if (digit >= base)
			return false;
		value = value * base + digit;
	}
	*ret_value = value;
	return true;
}

/* One escape, after its backslash. */
static bool unescape(struct str text, size_t *at, char quote, char *out, size_t *used)
{
	static const char letters[] = "abfnrtv\\", named[] = "\a\b\f\n\r\t\v\\";
	uint32_t value;
	if (*at >= text.len)
		return false;
	char c = text.ptr[(*at)++];
	const char *found = c != '\0' ? strchr(letters, c) : NULL;
	if (found != NULL || c == quote) {
		out[(*used)++] = found != NULL ? named[found - letters] : quote;
		return true;
	}
	if (c == 'x' || is_digit(c)) {
		if (c != 'x')
			(*at)--;
		if (!read_digits(text, at, c == 'x' ? 2 : 3, c == 'x' ? 16 : 8, &value) || value > 255)
			return false;
		out[(*used)++] = (char)value;
		return true;
	}
	if (c != 'u' && c != 'U')
		return false;
	if (!read_digits(text, at, c == 'u' ? 4 : 8, 16, &value) || value > 0x10ffff ||
	    (value >= 0xd800 && value < 0xe000))
		return false;
	*used += put_utf8(value, out + *used);
	return true;
}

bool lex_unquote(struct str inside, char quote, struct arena *arena, struct str *ret_text)
{
	if (quote == '`' || !str_has(inside, '\\')) {
		*ret_text = inside;
		return true;
	}
	char *out = arena_try(arena, inside.len);
	size_t used = 0;
	if (out == NULL)
		return false;
	for (size_t at = 0; at < inside.len;) {
		char c = inside.ptr[at++];
		if (c != '\\')
			out[used++] = c;
		else if (!unescape(inside, &at, quote, out, &used))
			return false;
	}
	*ret_text = (struct str){ out, used };
	return true;
}

static struct token lex_string(struct lexer *lexer)
{
	uint32_t from = lexer->at;
	char quote = (char)peek(lexer, 0);
	for (lexer->at++; peek(lexer, 0) != quote; lexer->at++) {
		int c = peek(lexer, 0);
		if (c == -1 || (c == '\n' && quote != '`'))
			return bad(lexer, from, quote == '`' ? "unterminated raw string" : "unterminated quoted string");
		if (c == '\\' && quote != '`' && peek(lexer, 1) != -1)
			lexer->at++;
	}
	lexer->at++;
	struct token token = made(lexer, TOKEN_STRING, from);
	if (!lex_unquote(str_sub(lexer->text, from + 1, lexer->at - 1), quote, lexer->arena, &token.text))
		return bad(lexer, from, "unknown escape sequence in a string");
	return token;
}

/* ---- numbers and durations ---- */

static void skip_digits(struct lexer *lexer)
{
	while (is_digit(peek(lexer, 0)) || peek(lexer, 0) == '_')
		lexer->at++;
}

static bool skip_number(struct lexer *lexer)
{
	if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
		lexer->at += 2;
		while (is_digit(peek(lexer, 0)) || is_letter(peek(lexer, 0)))
			lexer->at++;
		return true;
	}
	skip_digits(lexer);
	if (peek(lexer, 0) == '.') {
		lexer->at++;
		skip_digits(lexer);
	}
	if (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') {
		lexer->at++;
		if (peek(lexer, 0) == '+' || peek(lexer, 0) == '-')
			lexer->at++;
		skip_digits(lexer);
	}
	return !is_letter(peek(lexer, 0)) && !is_digit(peek(lexer, 0)) && peek(lexer, 0) != '.';
}

static bool skip_unit(struct lexer *lexer)
{
	int c = peek(lexer, 0);
	if (c == 'm' && peek(lexer, 1) == 's')
		lexer->at++;
	else if (c == -1 || strchr("ywdhms", c) == NULL)
		return false;
	lexer->at++;
	return true;
}

static struct token lex_number(struct lexer *lexer)
{
	uint32_t from = lexer->at;
	if (skip_number(lexer))
		return made(lexer, TOKEN_NUMBER, from);
	lexer->at = from;
	while (is_digit(peek(lexer, 0))) {
		skip_digits(lexer);
		if (!skip_unit(lexer))
			break;
	}
	if (!is_letter(peek(lexer, 0)) && !is_digit(peek(lexer, 0)) && peek(lexer, 0) != '.' &&
	    lexer->at > from && is_letter((unsigned char)lexer->text.ptr[lexer->at - 1]))
		return made(lexer, TOKEN_DURATION, from);
	while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
		lexer->at++;
	return bad(lexer, from, "bad number or duration syntax");
}

/* ---- the rest ---- */

static struct token lex_word(struct lexer *lexer)
{
	uint32_t from = lexer->at;
	bool colons = lexer->brackets == 0 && lexer->braces == 0;
	while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)) || (colons && peek(lexer, 0) == ':'))
		lexer->at++;
	return made(lexer, TOKEN_WORD, from);
}

static void count_open(struct lexer *lexer, int c)
{
	lexer->brackets += c == '[';
	lexer->braces += c == '{';
	lexer->brackets -= c == ']' && lexer->brackets > 0;
	lexer->braces -= c == '}' && lexer->braces > 0;
}

static struct token lex_sign(struct lexer *lexer)
{
	static const char *const pairs[] = { "==", "!=", "<=", ">=", "=~", "!~", "</", ">/", NULL };
	uint32_t from = lexer->at;
	int c = peek(lexer, 0), d = peek(lexer, 1);
	for (size_t i = 0; pairs[i] != NULL; i++)
		if (pairs[i][0] == c && pairs[i][1] == d) {
			lexer->at += 2;
			return made(lexer, TOKEN_SIGN, from);
		}
	lexer->at++;
	if (c == '\0' || strchr("+-*/%^<>=(){}[],:@", c) == NULL)
		return bad(lexer, from, c == '!' ? "unexpected character after '!'" : "unexpected character");
	count_open(lexer, c);
	return made(lexer, TOKEN_SIGN, from);
}

struct token lex_next(struct lexer *lexer)
{
	skip_blanks(lexer);
	int c = peek(lexer, 0);
	if (c == -1)
		return made(lexer, TOKEN_END, lexer->at);
	if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
		return lex_number(lexer);
	if (c == '"' || c == '\'' || c == '`')
		return lex_string(lexer);
	if (is_letter(c) || (c == ':' && lexer->brackets == 0 && lexer->braces == 0))
		return lex_word(lexer);
	return lex_sign(lexer);
}
