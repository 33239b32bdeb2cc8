/*
 * pattern.h: regular expressions of label matchers: RE2, always over the whole value, "." also matches a newline.
 *
 * `wire/regex.h` finds something in a text and bounds patterns at 500 bytes, which suits checks; a
 * matcher wants the whole value and rule files hold longer alternations. Literals and alternations
 * of literals, which most of them are, never reach the automaton. Thread-safe once made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PROMQL_PATTERN_BYTES_MAX 32768u
#define PROMQL_PATTERN_GROUPS_MAX 32u /* $0 to $31 may be used in a replacement */

struct promql_pattern;

/* ERR_INVALID with RE2's own words. */
enum err promql_pattern_create(struct str text, struct promql_pattern **ret_pattern, struct error *err);
void promql_pattern_destroy(struct promql_pattern **pattern); /* accepts NULL, leaves NULL */
bool promql_pattern_matches(const struct promql_pattern *pattern, struct str value);
/* The groups of a match, [0] the whole; empty where one did not take part. False: no match. */
bool promql_pattern_groups(const struct promql_pattern *pattern, struct str value,
			   struct str ret_groups[PROMQL_PATTERN_GROUPS_MAX]);
/* The number of the group of that name; -1 when there is none. */
int promql_pattern_group(const struct promql_pattern *pattern, struct str name);
/* "a$1b${name}" with what these groups hold, as Go's Expand makes it; $$ is a dollar, a group that is not there is
 * empty. How many bytes it is; written when `out` is not NULL. */
size_t promql_pattern_expand(const struct promql_pattern *pattern, struct str template_text,
			     const struct str groups[PROMQL_PATTERN_GROUPS_MAX], char *out);

/* ---- anywhere in a text, for templates ---- */

struct promql_search;

/* ERR_INVALID with the words of Go's package regexp. */
enum err promql_search_create(struct str text, struct promql_search **ret_search, struct error *err);
void promql_search_destroy(struct promql_search **search); /* accepts NULL, leaves NULL */
/* The first match at `from` or after it. */
bool promql_search_find(const struct promql_search *search, struct str value, size_t from,
			struct str ret_groups[PROMQL_PATTERN_GROUPS_MAX]);
int promql_search_group(const struct promql_search *search, struct str name); /* -1: there is none */

/* ---- matchers ---- */

enum promql_match { PROMQL_EQUAL, PROMQL_NOT_EQUAL, PROMQL_REGEX, PROMQL_NOT_REGEX };

struct promql_matcher {
	struct str name, value;
	enum promql_match match;
	struct promql_pattern *pattern; /* of the two regular ones, else NULL */
};

bool promql_matcher_takes(const struct promql_matcher *matcher, struct str value);

#ifdef __cplusplus
}
#endif
