/*
 * json_simdjson.h: the C face of simdjson (C++). Only doc_json.c calls it.
 *
 * It walks the text once and tells a function what it sees, in order. No exception leaves it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_token_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_REAL,
	JSON_TEXT,
	JSON_KEY,
	JSON_LIST_BEGIN,
	JSON_LIST_END,
	JSON_MAP_BEGIN,
	JSON_MAP_END
};

struct json_token {
	enum json_token_kind kind;
	size_t offset; /* byte in the text; not set for the two ends */
	bool truth;
	int64_t integer;
	double real;
	const char *text; /* of texts and keys, unescaped; until the function returns */
	size_t text_len;
};

enum json_walk_result {
	JSON_WALKED,  /* the whole text is one valid value, and every token was taken */
	JSON_STOPPED, /* the function said false */
	JSON_REFUSED, /* this is not JSON, or holds a number that does not fit */
	JSON_FAILED   /* no memory */
};

/* false: stop. The function must bound the depth: the walk recurses once a level. */
typedef bool json_token_fn(void *context, const struct json_token *token);

/* bare: the text is neither a list nor a map but one scalar, and json_scan found it sound. As whole
 * documents simdjson 3.0 takes "false7" and "nullx ", and refuses "null\n"; inside a list it reads
 * scalars well, so that is where it gets to see them. */
enum json_walk_result json_walk(const char *text, size_t length, bool bare, json_token_fn *take,
				void *context);

#ifdef __cplusplus
}
#endif
