/*
 * json_scan.h: where and why a text is not JSON, for the sentence a person gets.
 *
 * simdjson says that something is wrong, fast, and hardly where. This scanner runs only after a
 * refusal. It knows the same rules, so it is also the second opinion that the fuzz target compares
 * simdjson with.
 */
#pragma once

#include "base/str.h"

struct json_flaw {
	size_t offset;   /* the byte at fault; the length of the text when it ends too early */
	const char *why; /* a finished sentence, static */
};

/* True when the text is one JSON value by the rules of doc_json.h, duplicate keys and sizes aside;
 * else the first flaw. Deeper than DOC_DEPTH_MAX is a flaw. */
bool json_scan(struct str text, struct json_flaw *ret_flaw);
