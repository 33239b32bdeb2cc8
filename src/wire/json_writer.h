/*
 * json_writer.h: writes JSON into a buffer, commas and escapes included.
 *
 * What does not nest is a mistake of ours and is asserted. What does not fit is remembered by the
 * buffer (`full`), so one check at the end is enough.
 *
 *	struct json_writer json;
 *	json_init(&json, &buf);
 *	json_map_begin(&json);
 *	json_key(&json, "name");
 *	json_text(&json, name);
 *	json_map_end(&json);
 *	json_finish(&json);
 *
 * Owns nothing; the buffer must outlive it. Runs on: any one thread.
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"

#define JSON_DEPTH_MAX 128

struct json_writer {
	struct buf *buf;
	unsigned depth;
	bool some;                  /* the open list or map has an entry: the next needs a comma */
	bool keyed;                 /* a key was written: a value must follow */
	char stack[JSON_DEPTH_MAX]; /* '[' or '{' */
};

void json_init(struct json_writer *json, struct buf *buf);
void json_finish(struct json_writer *json); /* asserts that all is closed */

void json_list_begin(struct json_writer *json);
void json_list_end(struct json_writer *json);
void json_map_begin(struct json_writer *json);
void json_map_end(struct json_writer *json);

void json_key(struct json_writer *json, const char *key); /* of the open map; the value follows */
void json_key_str(struct json_writer *json, struct str key);

/* Bytes that are not UTF-8 are written as U+FFFD: what comes from outside may hold any byte. */
void json_text(struct json_writer *json, struct str text);
void json_cstr(struct json_writer *json, const char *text); /* NULL: null */
void json_int(struct json_writer *json, int64_t value);
void json_real(struct json_writer *json, double value); /* shortest that reads back; not finite: null */
void json_bool(struct json_writer *json, bool value);
void json_null(struct json_writer *json);
void json_time(struct json_writer *json, time_us at); /* RFC 3339 UTC in quotes; TIME_NONE: null */
void json_raw(struct json_writer *json, struct str value); /* one valid JSON value, as it is */

/* A key and its value in one call. */
void json_field_text(struct json_writer *json, const char *key, struct str text);
void json_field_cstr(struct json_writer *json, const char *key, const char *text);
void json_field_int(struct json_writer *json, const char *key, int64_t value);
void json_field_text_or_null(struct json_writer *json, const char *key, struct str text); /* empty: null */
void json_field_id_or_null(struct json_writer *json, const char *key, int64_t id);        /* 0: null */
void json_field_real(struct json_writer *json, const char *key, double value);
void json_field_bool(struct json_writer *json, const char *key, bool value);
void json_field_null(struct json_writer *json, const char *key);
void json_field_time(struct json_writer *json, const char *key, time_us at);

/* For whoever writes one text alone: with quotes and escapes. */
void json_quote(struct buf *buf, struct str text);

/* The shortest decimal that reads back as the same double, always with '.' or 'e'. */
#define JSON_REAL_BYTES 32
void json_real_format(double value, char ret_text[JSON_REAL_BYTES]);
