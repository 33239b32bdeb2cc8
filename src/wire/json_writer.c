/* json_writer.c: see json_writer.h. */
#include "wire/json_writer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes8.h"

void json_init(struct json_writer *json, struct buf *buf)
{
	assert(buf != NULL);
	json->buf = buf;
	json->depth = 0;
	json->some = json->keyed = false;
}

void json_finish(struct json_writer *json)
{
	assert(json->depth == 0);
	assert(json->some);
}

/* Before any value: the comma, and that this is a place where a value may stand. */
static void value_begin(struct json_writer *json)
{
	bool in_map = json->depth > 0 && json->stack[json->depth - 1] == '{';
	assert(in_map == json->keyed);
	assert(json->depth > 0 || !json->some);
	if (json->some && !json->keyed)
		buf_addc(json->buf, ',');
	json->keyed = false;
	json->some = true;
}

static void bracket_open(struct json_writer *json, char bracket)
{
	value_begin(json);
	assert(json->depth < JSON_DEPTH_MAX);
	json->stack[json->depth++] = bracket;
	json->some = false;
	buf_addc(json->buf, bracket);
}

static void bracket_close(struct json_writer *json, char opened, char bracket)
{
	assert(json->depth > 0 && json->stack[json->depth - 1] == opened);
	assert(!json->keyed);
	json->depth--;
	json->some = true;
	buf_addc(json->buf, bracket);
}

void json_list_begin(struct json_writer *json)
{
	bracket_open(json, '[');
}

void json_list_end(struct json_writer *json)
{
	bracket_close(json, '[', ']');
}

void json_map_begin(struct json_writer *json)
{
	bracket_open(json, '{');
}

void json_map_end(struct json_writer *json)
{
	bracket_close(json, '{', '}');
}

void json_key_str(struct json_writer *json, struct str key)
{
	assert(json->depth > 0 && json->stack[json->depth - 1] == '{');
	assert(!json->keyed);
	if (json->some)
		buf_addc(json->buf, ',');
	json_quote(json->buf, key);
	buf_addc(json->buf, ':');
	json->some = json->keyed = true;
}

void json_key(struct json_writer *json, const char *key)
{
	json_key_str(json, str_of(key));
}

void json_text(struct json_writer *json, struct str text)
{
	value_begin(json);
	json_quote(json->buf, text);
}

void json_cstr(struct json_writer *json, const char *text)
{
	if (text == NULL)
		json_null(json);
	else
		json_text(json, str_of(text));
}

void json_int(struct json_writer *json, int64_t value)
{
	value_begin(json);
	buf_add_int(json->buf, value);
}

/* %g writes "1" for 1.0: a reader that tells whole numbers from others must see the difference. */
void json_real_format(double value, char ret_text[JSON_REAL_BYTES])
{
	assert(isfinite(value));
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(ret_text, JSON_REAL_BYTES - 2, "%.*g", digits, value);
		if (strtod(ret_text, NULL) == value)
			break;
	}
	if (strpbrk(ret_text, ".e") == NULL)
		memcpy(ret_text + strlen(ret_text), ".0", 3);
}

void json_real(struct json_writer *json, double value)
{
	if (!isfinite(value)) {
		json_null(json);
		return;
	}
	char text[JSON_REAL_BYTES];
	json_real_format(value, text);
	value_begin(json);
	buf_adds(json->buf, text);
}

void json_bool(struct json_writer *json, bool value)
{
	value_begin(json);
	buf_adds(json->buf, value ? "true" : "false");
}

void json_null(struct json_writer *json)
{
	value_begin(json);
	buf_adds(json->buf, "null");
}

void json_time(struct json_writer *json, time_us at)
{
	if (at == TIME_NONE) {
		json_null(json);
		return;
	}
	char text[TIME_TEXT_BYTES];
	time_format(at, text);
	json_cstr(json, text);
}

void json_raw(struct json_writer *json, struct str value)
{
	assert(value.len > 0);
	value_begin(json);
	buf_add(json->buf, value);
}

void json_field_text(struct json_writer *json, const char *key, struct str text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_field_cstr(struct json_writer *json, const char *key, const char *text)
{
	json_key(json, key);
	json_cstr(json, text);
}

void json_field_int(struct json_writer *json, const char *key, int64_t value)
{
	json_key(json, key);
	json_int(json, value);
}

void json_field_real(struct json_writer *json, const char *key, double value)
{
	json_key(json, key);
	json_real(json, value);
}

void json_field_bool(struct json_writer *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

void json_field_null(struct json_writer *json, const char *key)
{
	json_key(json, key);
	json_null(json);
}

void json_field_time(struct json_writer *json, const char *key, time_us at)
{
	json_key(json, key);
	json_time(json, at);
}

/* How many bytes from here are one valid character, 0 for none. */
static size_t character(struct str text, size_t at)
{
	for (size_t length = 1; length <= 4 && at + length <= text.len; length++) {
		if (str_is_utf8(str_sub(text, at, at + length)))
			return length;
	}
	return 0;
}

static void add_escaped(struct buf *buf, unsigned char byte)
{
	static const char shorts[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = byte != 0 ? strchr(shorts, byte) : NULL;
	if (found != NULL)
		buf_add(buf, (struct str){ (char[]){ '\\', letters[found - shorts] }, 2 });
	else
		buf_printf(buf, "\\u%04x", byte);
}

/* Runs of plain bytes are added at once: most texts need no escape at all. */
/* How many bytes at its start go as they are, in eights. */
static size_t plain_start(struct str text)
{
	size_t at = 0;
	for (; text.len - at >= 8; at += 8) {
		uint64_t eight = bytes8_at(text.ptr + at);
		if (!bytes8_is_ascii(eight) || bytes8_has_below(eight, 0x20) || bytes8_has(eight, '"') ||
		    bytes8_has(eight, '\\') || bytes8_has(eight, 0x7F))
			break;
	}
	return at;
}

void json_quote(struct buf *buf, struct str text)
{
	size_t plain = 0, at = plain_start(text);
	bool valid = str_is_utf8(str_sub(text, at, text.len));
	buf_addc(buf, '"');
	while (at < text.len) {
		unsigned char byte = (unsigned char)text.ptr[at];
		bool escape = byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F;
		size_t length = valid || byte < 0x80 ? 1 : character(text, at);
		if (!escape && length > 0) {
			at += length;
			continue;
		}
		buf_add(buf, str_sub(text, plain, at));
		if (escape)
			add_escaped(buf, byte);
		else
			buf_adds(buf, "\xEF\xBF\xBD");
		plain = ++at;
	}
	buf_add(buf, str_sub(text, plain, at));
	buf_addc(buf, '"');
}

void json_field_text_or_null(struct json_writer *json, const char *key, struct str text)
{
	json_key(json, key);
	if (text.len > 0)
		json_text(json, text);
	else
		json_null(json);
}

void json_field_id_or_null(struct json_writer *json, const char *key, int64_t id)
{
	json_key(json, key);
	if (id != 0)
		json_int(json, id);
	else
		json_null(json);
}
