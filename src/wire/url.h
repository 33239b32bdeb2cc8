/*
 * url.h: percent-encoding, paths and queries of a request target (RFC 3986).
 *
 * Pure functions over bytes; nothing is allocated but by url_encode's buffer. Decoding never makes
 * text longer, so an output of `text.len + 1` bytes always suffices; outputs end in NUL, which no
 * length counts. Decoded text is valid UTF-8 without NUL, or it is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Decodes %XX, and '+' as a space when `plus_is_space` (queries and form bodies). `out` has room for
 * text.len + 1 bytes and may be where `text` stands. False, with `out` in any state, for a '%'
 * without two hexadecimal digits, a NUL or a text that is not UTF-8 afterwards. */
bool url_decode(struct str text, bool plus_is_space, char *out, size_t *ret_length);

/*
 * Decodes the path of a target in origin-form ("/a/b%20c"). Refused, with a sentence for the client:
 * a path that does not begin with '/', bytes RFC 3986 does not allow there, an escaped '/' or NUL,
 * segments "." and "..", text that is not UTF-8. What is left means the same to every reader.
 */
enum err url_path_decode(struct str raw, char *out, size_t *ret_length, struct error *err);

/* True when the query (without '?') holds printable ASCII only and no '#'. */
bool url_query_is_clean(struct str query);

/* Walks "a=1&b=2" in order; empty pieces are skipped. Name and value are still encoded; a piece
 * without '=' has an empty value. `rest` starts as the whole query. */
bool url_query_next(struct str *rest, struct str *ret_name, struct str *ret_value);

/* Adds `text` with everything but RFC 3986 "unreserved" escaped. */
void url_encode(struct buf *buf, struct str text);
