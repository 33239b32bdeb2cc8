/* url.c: see url.h. */
#include "wire/url.h"

#include <assert.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that text[at..at+2] escapes, or -1. */
static int escaped_byte(struct str text, size_t at)
{
	assert(text.ptr[at] == '%');
	if (text.len - at < 3)
		return -1;
	int high = hex_digit(text.ptr[at + 1]), low = hex_digit(text.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool url_decode(struct str text, bool plus_is_space, char *out, size_t *ret_length)
{
	size_t used = 0;
	for (size_t i = 0; i < text.len; i++) {
		int byte = (unsigned char)text.ptr[i];
		if (byte == '%') {
			byte = escaped_byte(text, i);
			i += 2;
		} else if (byte == '+' && plus_is_space) {
			byte = ' ';
		}
		if (byte <= 0)
			return false;
		out[used++] = (char)byte;
	}
	assert(used <= text.len);
	out[used] = '\0';
	if (!str_is_utf8((struct str){ out, used }))
		return false;
	*ret_length = used;
	return true;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~", c) != NULL);
}

/* RFC 3986 pchar, '/' and the '%' that begins an escape. */
static bool is_path_byte(char c)
{
	return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@/%", c) != NULL);
}

static bool has_dot_segment(struct str path)
{
	struct str segment, rest = path;
	bool more = true;
	while (more) {
		more = str_cut(rest, '/', &segment, &rest);
		if (str_is(segment, ".") || str_is(segment, ".."))
			return true;
	}
	return false;
}

enum err url_path_decode(struct str raw, char *out, size_t *ret_length, struct error *err)
{
	if (raw.len == 0 || raw.ptr[0] != '/')
		return error_set(err, ERR_INVALID, "the path must begin with \"/\"");
	for (size_t i = 0; i < raw.len; i++) {
		if (!is_path_byte(raw.ptr[i]))
			return error_set(err, ERR_INVALID,
					 "the path holds byte 0x%02x, which must be escaped",
					 (unsigned)(unsigned char)raw.ptr[i]);
		if (raw.ptr[i] == '%' && escaped_byte(raw, i) == '/')
			return error_set(err, ERR_INVALID, "the path holds an escaped \"/\"");
	}
	size_t length;
	if (!url_decode(raw, false, out, &length))
		return error_set(err, ERR_INVALID,
				 "the path holds a broken escape, a NUL or text that is not UTF-8");
	if (has_dot_segment((struct str){ out, length }))
		return error_set(err, ERR_INVALID, "the path holds a \".\" or \"..\" segment");
	*ret_length = length;
	return OK;
}

bool url_query_is_clean(struct str query)
{
	for (size_t i = 0; i < query.len; i++)
		if (query.ptr[i] <= ' ' || query.ptr[i] >= 0x7f || query.ptr[i] == '#')
			return false;
	return true;
}

bool url_query_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	while (rest->len > 0) {
		struct str piece, after;
		str_cut(*rest, '&', &piece, &after);
		*rest = after;
		if (piece.len == 0)
			continue;
		str_cut(piece, '=', ret_name, ret_value);
		return true;
	}
	return false;
}

void url_encode(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_unreserved(text.ptr[i]))
			buf_addc(buf, text.ptr[i]);
		else
			buf_printf(buf, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
	}
}
