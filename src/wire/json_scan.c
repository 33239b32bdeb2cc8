/* json_scan.c: see json_scan.h. No recursion: the open brackets are a small stack of bits. */
#include "wire/json_scan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/doc.h"

#define NUMBER_BYTES_MAX 1024 /* longer ones are cut for the question whether they are finite */

struct scan {
	struct str text;
	size_t at;
	struct json_flaw flaw;
	unsigned depth;
	bool in_map[DOC_DEPTH_MAX];
};

static bool flaw(struct scan *scan, size_t offset, const char *why)
{
	scan->flaw = (struct json_flaw){ offset, why };
	return false;
}

static char peek(const struct scan *scan) /* 0 at the end, and for a NUL, which is nowhere allowed */
{
	return scan->at < scan->text.len ? scan->text.ptr[scan->at] : '\0';
}

static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->text.len && strchr(" \t\r\n", peek(scan)) != NULL && peek(scan) != 0)
		scan->at++;
}

static size_t skip_digits(struct scan *scan)
{
	size_t from = scan->at;
	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return scan->at - from;
}

static bool number_fits(struct scan *scan, size_t from, bool whole)
{
	struct str number = str_sub(scan->text, from, scan->at);
	int64_t integer;
	if (whole)
		return str_int(number, INT64_MIN, INT64_MAX, &integer) ||
		       flaw(scan, from, "the number is outside of what 64 bits can hold");
	char copy[NUMBER_BYTES_MAX];
	if (number.len >= sizeof copy)
		return true;
	memcpy(copy, number.ptr, number.len);
	copy[number.len] = '\0';
	return isfinite(strtod(copy, NULL)) ||
	       flaw(scan, from, "the number is larger than any number can be");
}

static bool scan_number(struct scan *scan)
{
	size_t from = scan->at;
	bool whole = true;
	if (peek(scan) == '-')
		scan->at++;
	char first = peek(scan);
	size_t digits = skip_digits(scan);
	if (digits == 0)
		return flaw(scan, from, "a number needs a digit here");
	if (digits > 1 && first == '0')
		return flaw(scan, from, "a number cannot begin with 0");
	if (peek(scan) == '.') {
		whole = false;
		scan->at++;
		if (skip_digits(scan) == 0)
			return flaw(scan, from, "a number needs a digit after its point");
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		whole = false;
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (skip_digits(scan) == 0)
			return flaw(scan, from, "a number needs a digit in its exponent");
	}
	return number_fits(scan, from, whole);
}

/* Behind "\u": the code unit, or -1. */
static int scan_unit(struct scan *scan)
{
	int unit = 0;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		char byte = peek(scan);
		char lower = byte >= 'A' && byte <= 'F' ? (char)(byte + 32) : byte;
		const char *digit = lower != '\0' ? strchr(digits, lower) : NULL;
		if (digit == NULL)
			return -1;
		unit = unit * 16 + (int)(digit - digits);
		scan->at++;
	}
	return unit;
}

static bool scan_escape_unit(struct scan *scan, size_t from)
{
	int unit = scan_unit(scan);
	if (unit < 0)
		return flaw(scan, from, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return flaw(scan, from, "the text contains the character U+0000, which is not allowed");
	if (unit < 0xD800 || unit > 0xDFFF)
		return true;
	if (unit < 0xDC00 && str_starts(str_sub(scan->text, scan->at, scan->at + 2), STR("\\u"))) {
		scan->at += 2;
		int second = scan_unit(scan);
		if (second >= 0xDC00 && second <= 0xDFFF)
			return true;
	}
	return flaw(scan, from, "the text contains half of a surrogate pair");
}

static bool scan_escape(struct scan *scan)
{
	size_t from = scan->at++;
	char byte = peek(scan);
	scan->at++;
	if (byte == 'u')
		return scan_escape_unit(scan, from);
	if (byte != '\0' && strchr("\"\\/bfnrt", byte) != NULL)
		return true;
	return flaw(scan, from, "this is an escape that JSON does not know");
}

static bool scan_text(struct scan *scan)
{
	size_t from = scan->at++;
	while (scan->at < scan->text.len) {
		unsigned char byte = (unsigned char)peek(scan);
		if (byte == '"') {
			scan->at++;
			return true;
		}
		if (byte < 0x20)
			return flaw(scan, scan->at, "a control character stands in a text; write it "
						    "as an escape like \\n");
		if (byte == '\\') {
			if (!scan_escape(scan))
				return false;
		} else {
			scan->at++;
		}
	}
	return flaw(scan, from, "this quote is never closed");
}

static bool scan_word(struct scan *scan)
{
	static const struct str words[] = { { "true", 4 }, { "false", 5 }, { "null", 4 } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (str_starts(str_sub(scan->text, scan->at, scan->text.len), words[i])) {
			scan->at += words[i].len;
			return true;
		}
	}
	return flaw(scan, scan->at, scan->at == scan->text.len
					    ? "the text ends where a value is expected"
					    : "a value is expected here; words other than true, false "
					      "and null stand in quotes");
}

static bool scan_key(struct scan *scan)
{
	skip_blanks(scan);
	if (peek(scan) != '"')
		return flaw(scan, scan->at, "a key in quotes is expected here");
	if (!scan_text(scan))
		return false;
	skip_blanks(scan);
	if (peek(scan) != ':')
		return flaw(scan, scan->at, "a colon is expected after the key");
	scan->at++;
	return true;
}

/* A bracket opens: true in *ret_inside when a value follows, false when it closes at once. */
static bool scan_open(struct scan *scan, bool *ret_inside)
{
	bool is_map = peek(scan) == '{';
	if (scan->depth == DOC_DEPTH_MAX)
		return flaw(scan, scan->at, "lists and maps are more than 128 deep");
	scan->at++;
	skip_blanks(scan);
	*ret_inside = peek(scan) != (is_map ? '}' : ']');
	if (!*ret_inside) {
		scan->at++;
		return true;
	}
	scan->in_map[scan->depth++] = is_map;
	return !is_map || scan_key(scan);
}

/* After a value: closes what is complete. *ret_more: a comma was read, a value follows. */
static bool scan_after(struct scan *scan, bool *ret_more)
{
	*ret_more = false;
	while (scan->depth > 0) {
		bool is_map = scan->in_map[scan->depth - 1];
		skip_blanks(scan);
		if (peek(scan) == ',') {
			scan->at++;
			*ret_more = true;
			return !is_map || scan_key(scan);
		}
		if (peek(scan) != (is_map ? '}' : ']'))
			return flaw(scan, scan->at,
				    is_map ? "a comma or } is expected here"
					   : "a comma or ] is expected here");
		scan->at++;
		scan->depth--;
	}
	return true;
}

static bool scan_values(struct scan *scan)
{
	static_assert(DOC_DEPTH_MAX == 128, "the sentence in scan_open says so");
	bool more = true;
	while (more) {
		skip_blanks(scan);
		char byte = peek(scan);
		bool inside = false, sound;
		if (byte == '[' || byte == '{')
			sound = scan_open(scan, &inside);
		else if (byte == '"')
			sound = scan_text(scan);
		else if (byte == '-' || (byte >= '0' && byte <= '9'))
			sound = scan_number(scan);
		else
			sound = scan_word(scan);
		if (!sound || (!inside && !scan_after(scan, &more)))
			return false;
	}
	skip_blanks(scan);
	return scan->at == scan->text.len ||
	       flaw(scan, scan->at, "something stands after the end of the value");
}

/* The first byte that does not continue valid UTF-8. */
static size_t utf8_flaw(struct str text)
{
	size_t at = 0;
	while (at < text.len) {
		size_t length = 1;
		while (length <= 4 && !str_is_utf8(str_sub(text, at, at + length)))
			length++;
		if (length > 4)
			break;
		at += length;
	}
	return at;
}

bool json_scan(struct str text, struct json_flaw *ret_flaw)
{
	struct scan scan = { .text = text };
	bool sound;
	if (str_starts(text, STR("\xEF\xBB\xBF")))
		sound = flaw(&scan, 0, "the text begins with a byte order mark, which JSON does not allow");
	else if (!str_is_utf8(text))
		sound = flaw(&scan, utf8_flaw(text), "the text is not valid UTF-8");
	else if (str_trim(text).len == 0)
		sound = flaw(&scan, 0, "there is no value: the text is empty");
	else
		sound = scan_values(&scan);
	if (!sound) {
		assert(scan.flaw.why != NULL);
		assert(scan.flaw.offset <= text.len);
		*ret_flaw = scan.flaw;
	}
	return sound;
}
