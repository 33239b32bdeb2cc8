/* template_lex.c: the text of a template into tokens, with the words of Go's lexer for what is wrong. */
#include <string.h>

#include "promql/template_priv.h"

struct lexer {
	struct str text;
	size_t start, at; /* of the token, and how far */
	struct arena *arena;
	struct template_token *tokens;
	size_t count, size;
	unsigned depth; /* of parentheses */
	bool action, over, full;
};

#define END 0xffffffffu

static bool is_space(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(uint32_t c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= 0x80 && c != END && c != 0xfffd && rune_is_print(c));
}

static char byte_at(const struct lexer *lexer, size_t at)
{
	return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

static bool starts(const struct lexer *lexer, size_t at, const char *with)
{
	size_t length = strlen(with);
	return at + length <= lexer->text.len && memcmp(lexer->text.ptr + at, with, length) == 0;
}

static uint32_t peek(const struct lexer *lexer)
{
	size_t at = lexer->at;
	return at < lexer->text.len ? rune_next(lexer->text, &at) : END;
}

static uint32_t next(struct lexer *lexer)
{
	return lexer->at < lexer->text.len ? rune_next(lexer->text, &lexer->at) : END;
}

/* ---- giving tokens ---- */

static void put(struct lexer *lexer, enum template_token_kind kind, struct str text)
{
	if (lexer->count == lexer->size) {
		size_t size = lexer->size * 2 + 32;
		struct template_token *tokens = arena_try(lexer->arena, size * sizeof *tokens);
		if (tokens == NULL) {
			lexer->full = lexer->over = true;
			return;
		}
		if (lexer->count > 0)
			memcpy(tokens, lexer->tokens, lexer->count * sizeof *tokens);
		lexer->tokens = tokens;
		lexer->size = size;
	}
	lexer->tokens[lexer->count++] = (struct template_token){ kind, (uint32_t)lexer->start, text };
	lexer->start = lexer->at;
}

static void emit(struct lexer *lexer, enum template_token_kind kind)
{
	put(lexer, kind, str_sub(lexer->text, lexer->start, lexer->at));
}

static void wrong(struct lexer *lexer, struct str what)
{
	put(lexer, TOKEN_ERROR, what);
	lexer->over = true;
}

static void wrong_rune(struct lexer *lexer, const char *what, uint32_t rune)
{
	struct buf shown;
	buf_init(&shown, 128);
	buf_printf(&shown, "%s U+%04X", what, rune == END ? 0xffffffffu : rune);
	if (rune != END && rune_is_print(rune)) {
		buf_adds(&shown, " '");
		rune_put(rune, &shown);
		buf_addc(&shown, '\'');
	}
	char *kept = arena_try(lexer->arena, shown.used + 1);
	if (kept != NULL)
		memcpy(kept, shown.bytes, shown.used);
	wrong(lexer, kept != NULL ? (struct str){ kept, shown.used } : STR("bad character"));
	buf_finish(&shown);
}

/* ---- outside of actions ---- */

static bool trims_left(const struct lexer *lexer, size_t at)
{
	return byte_at(lexer, at) == '-' && at + 1 < lexer->text.len && is_space((uint8_t)byte_at(lexer, at + 1));
}

static bool trims_right(const struct lexer *lexer, size_t at)
{
	return at + 1 < lexer->text.len && is_space((uint8_t)byte_at(lexer, at)) && byte_at(lexer, at + 1) == '-';
}

static bool at_end_of_action(const struct lexer *lexer, bool *ret_trims)
{
	*ret_trims = trims_right(lexer, lexer->at) && starts(lexer, lexer->at + 2, "}}");
	return *ret_trims || starts(lexer, lexer->at, "}}");
}

static void skip_space(struct lexer *lexer)
{
	while (lexer->at < lexer->text.len && is_space((uint8_t)lexer->text.ptr[lexer->at]))
		lexer->at++;
	lexer->start = lexer->at;
}

static void lex_comment(struct lexer *lexer)
{
	bool trims;
	lexer->at += 2;
	const char *end = memmem(lexer->text.ptr + lexer->at, lexer->text.len - lexer->at, "*/", 2);
	if (end == NULL) {
		wrong(lexer, STR("unclosed comment"));
		return;
	}
	lexer->at = (size_t)(end - lexer->text.ptr) + 2;
	if (!at_end_of_action(lexer, &trims)) {
		wrong(lexer, STR("comment ends before closing delimiter"));
		return;
	}
	lexer->at += trims ? 4 : 2;
	lexer->start = lexer->at;
	if (trims)
		skip_space(lexer);
}

static void lex_text(struct lexer *lexer)
{
	const char *found = lexer->at < lexer->text.len ?
		memmem(lexer->text.ptr + lexer->at, lexer->text.len - lexer->at, "{{", 2) : NULL;
	size_t open = found != NULL ? (size_t)(found - lexer->text.ptr) : lexer->text.len;
	bool trims = found != NULL && trims_left(lexer, open + 2);
	lexer->at = open;
	while (trims && lexer->at > lexer->start && is_space((uint8_t)lexer->text.ptr[lexer->at - 1]))
		lexer->at--;
	if (lexer->at > lexer->start)
		emit(lexer, TOKEN_TEXT);
	lexer->start = lexer->at = open;
	if (found == NULL) {
		emit(lexer, TOKEN_EOF);
		lexer->over = true;
		return;
	}
	lexer->at += 2;
	if (starts(lexer, lexer->at + (trims ? 2 : 0), "/*")) {
		lexer->at += trims ? 2 : 0;
		lexer->start = lexer->at;
		lex_comment(lexer);
		return;
	}
	emit(lexer, TOKEN_LEFT);
	lexer->at += trims ? 2 : 0;
	lexer->start = lexer->at;
	lexer->depth = 0;
	lexer->action = true;
}

/* ---- inside ---- */

static void lex_right(struct lexer *lexer, bool trims)
{
	if (trims)
		lexer->start = lexer->at += 2;
	lexer->at += 2;
	emit(lexer, TOKEN_RIGHT);
	lexer->action = false;
	if (trims)
		skip_space(lexer);
}

static void lex_space(struct lexer *lexer)
{
	while (is_space(peek(lexer)))
		lexer->at++;
	/* The minus of " -}}" needs its space. */
	if (trims_right(lexer, lexer->at - 1) && starts(lexer, lexer->at + 1, "}}")) {
		lexer->at--;
		if (lexer->at == lexer->start)
			return;
	}
	emit(lexer, TOKEN_SPACE);
}

static bool at_terminator(const struct lexer *lexer)
{
	uint32_t c = peek(lexer);
	return c == END || is_space(c) || (c < 0x80 && c != 0 && strchr(".,|:)(", (int)c) != NULL) ||
	       starts(lexer, lexer->at, "}}");
}

static void lex_name(struct lexer *lexer, enum template_token_kind kind)
{
	if (at_terminator(lexer)) {
		emit(lexer, kind == TOKEN_VARIABLE ? TOKEN_VARIABLE : TOKEN_DOT);
		return;
	}
	while (is_word(peek(lexer)))
		next(lexer);
	if (!at_terminator(lexer))
		wrong_rune(lexer, "bad character", peek(lexer));
	else
		emit(lexer, kind);
}

static void lex_word(struct lexer *lexer)
{
	static const struct {
		const char *word;
		enum template_token_kind kind;
	} words[] = {
		{ "block", TOKEN_BLOCK }, { "break", TOKEN_BREAK }, { "continue", TOKEN_CONTINUE },
		{ "define", TOKEN_DEFINE }, { "else", TOKEN_ELSE }, { "end", TOKEN_END }, { "if", TOKEN_IF },
		{ "range", TOKEN_RANGE }, { "nil", TOKEN_NIL }, { "template", TOKEN_TEMPLATE },
		{ "with", TOKEN_WITH }, { "true", TOKEN_BOOL }, { "false", TOKEN_BOOL },
	};
	while (is_word(peek(lexer)))
		next(lexer);
	if (!at_terminator(lexer)) {
		wrong_rune(lexer, "bad character", peek(lexer));
		return;
	}
	struct str word = str_sub(lexer->text, lexer->start, lexer->at);
	enum template_token_kind kind = TOKEN_IDENTIFIER;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (str_is(word, words[i].word))
			kind = words[i].kind;
	emit(lexer, kind);
}

static void lex_quoted(struct lexer *lexer, uint32_t quote)
{
	for (;;) {
		uint32_t c = next(lexer);
		if (c == '\\' && quote != '`') {
			c = next(lexer);
			if (c != END && c != '\n')
				continue;
		}
		if (c == END || (c == '\n' && quote != '`')) {
			wrong(lexer, quote == '"' ? STR("unterminated quoted string") : quote == '`' ?
				STR("unterminated raw quoted string") : STR("unterminated character constant"));
			return;
		}
		if (c == quote)
			break;
	}
	emit(lexer, quote == '\'' ? TOKEN_CHARACTER : TOKEN_STRING);
}

static bool take_one(struct lexer *lexer, const char *of)
{
	char c = byte_at(lexer, lexer->at);
	bool taken = c != '\0' && strchr(of, c) != NULL;
	lexer->at += taken;
	return taken;
}

static void take_all(struct lexer *lexer, const char *of)
{
	while (take_one(lexer, of))
		;
}

static bool scan_number(struct lexer *lexer)
{
	const char *digits = "0123456789_";
	bool decimal = true, hex = false;
	take_one(lexer, "+-");
	if (take_one(lexer, "0")) {
		if (take_one(lexer, "xX"))
			digits = "0123456789abcdefABCDEF_", hex = true;
		else if (take_one(lexer, "oO"))
			digits = "01234567_";
		else if (take_one(lexer, "bB"))
			digits = "01_";
		decimal = strlen(digits) == 11;
	}
	take_all(lexer, digits);
	if (take_one(lexer, "."))
		take_all(lexer, digits);
	if ((decimal && take_one(lexer, "eE")) || (hex && take_one(lexer, "pP"))) {
		take_one(lexer, "+-");
		take_all(lexer, "0123456789_");
	}
	take_one(lexer, "i");
	if (!is_word(peek(lexer)))
		return true;
	next(lexer);
	return false;
}

static void lex_number(struct lexer *lexer)
{
	bool good = scan_number(lexer), complex = false;
	uint32_t sign = peek(lexer);
	if (good && (sign == '+' || sign == '-')) {
		complex = true;
		good = scan_number(lexer) && lexer->text.ptr[lexer->at - 1] == 'i';
	}
	if (good) {
		emit(lexer, complex ? TOKEN_COMPLEX : TOKEN_NUMBER);
		return;
	}
	struct buf shown;
	buf_init(&shown, 1024);
	buf_adds(&shown, "bad number syntax: ");
	promql_quote(str_sub(lexer->text, lexer->start, lexer->at), &shown);
	char *kept = arena_try(lexer->arena, shown.used + 1);
	if (kept != NULL)
		memcpy(kept, shown.bytes, shown.used);
	wrong(lexer, kept != NULL ? (struct str){ kept, shown.used } : STR("bad number syntax"));
	buf_finish(&shown);
}

static void lex_sign(struct lexer *lexer, uint32_t c)
{
	if (c == '=') {
		emit(lexer, TOKEN_ASSIGN);
	} else if (c == ':') {
		if (next(lexer) != '=')
			wrong(lexer, STR("expected :="));
		else
			emit(lexer, TOKEN_DECLARE);
	} else if (c == '|') {
		emit(lexer, TOKEN_PIPE);
	} else if (c == '(') {
		lexer->depth++;
		emit(lexer, TOKEN_OPEN);
	} else if (c == ')') {
		emit(lexer, TOKEN_CLOSE); /* one too many is for the parser to find */
		lexer->depth -= lexer->depth > 0;
	} else if (c >= 0x20 && c < 0x7f) {
		emit(lexer, TOKEN_OTHER);
	} else {
		wrong_rune(lexer, "unrecognized character in action:", c);
	}
}

static void lex_action(struct lexer *lexer)
{
	bool trims;
	if (at_end_of_action(lexer, &trims)) {
		if (lexer->depth == 0)
			lex_right(lexer, trims);
		else
			wrong(lexer, STR("unclosed left paren"));
		return;
	}
	uint32_t c = peek(lexer);
	char after = byte_at(lexer, lexer->at + 1);
	if (c == END) {
		wrong(lexer, STR("unclosed action"));
	} else if (is_space(c)) {
		lex_space(lexer);
	} else if (c == '"' || c == '`' || c == '\'') {
		next(lexer);
		lex_quoted(lexer, c);
	} else if (c == '$' || (c == '.' && lexer->at + 1 < lexer->text.len && (after < '0' || after > '9'))) {
		next(lexer);
		lex_name(lexer, c == '$' ? TOKEN_VARIABLE : TOKEN_FIELD);
	} else if (c == '.' || c == '+' || c == '-' || (c >= '0' && c <= '9')) {
		lex_number(lexer);
	} else if (is_word(c)) {
		lex_word(lexer);
	} else {
		lex_sign(lexer, next(lexer));
	}
}

bool template_lex(struct str text, struct arena *arena, struct template_token **ret_tokens, size_t *ret_count)
{
	struct lexer lexer = { .text = text, .arena = arena };
	while (!lexer.over) {
		if (lexer.action)
			lex_action(&lexer);
		else
			lex_text(&lexer);
	}
	*ret_tokens = lexer.tokens;
	*ret_count = lexer.count;
	return !lexer.full;
}

unsigned template_line(struct str text, size_t at)
{
	unsigned line = 1;
	for (size_t i = 0; i < at && i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}
