/*
 * regex.h: regular expressions of RE2: time in proportion to the text, whatever the pattern says; so a pattern
 * that people enter can hang nothing. Thread-safe once compiled.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define REGEX_PATTERN_BYTES_MAX 500u
#define REGEX_WHY_BYTES 160u

struct regex;

/* NULL when it cannot be read: `ret_why` says why. */
struct regex *regex_create(struct str pattern, char ret_why[REGEX_WHY_BYTES]);
void regex_destroy(struct regex **regex); /* accepts NULL, leaves NULL */

/* The first group of the first match; the whole match when the pattern has no group. Borrowed from `text`. */
bool regex_find(const struct regex *regex, struct str text, struct str *ret_found);

#ifdef __cplusplus
}
#endif
