/*
 * doc_json.h: reads JSON (RFC 8259), strictly.
 *
 * Refused, each with its place: anything the grammar does not allow, a byte order mark, bytes after
 * the value, invalid UTF-8, lone surrogates, keys that come twice, the character U+0000, whole
 * numbers outside int64 and numbers that no double can hold. Two readers can never understand the
 * same bytes differently, which is what the record and the signatures need.
 *
 * A number without fraction and exponent is DOC_INT, any other DOC_REAL; "-0" is 0.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "wire/doc.h"

/* The tree is in the arena and holds nothing of `text`. `source` names a file in errors
 * ("checks.json:3:5: ..."); NULL gives "line 3, column 5: ...". ERR_INVALID or ERR_TOO_LARGE. */
enum err doc_json_parse(struct str text, struct arena *arena, struct doc_limits limits,
			const char *source, const struct doc_node **ret_root, struct error *err);
