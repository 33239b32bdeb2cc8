/*
 * str.h: a borrowed run of bytes with a length. It owns nothing and may hold any byte;
 * who made the bytes says how long they live. `ptr` may be NULL only when `len` is 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr != NULL ? (s).ptr : ""

struct str str_of(const char *text); /* NULL gives the empty run */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *text);
int str_cmp(struct str a, struct str b); /* bytes, then length: the order of COLLATE "C" */
bool str_starts(struct str text, struct str prefix);
bool str_ends(struct str text, struct str suffix);
struct str str_trim(struct str text); /* blanks, tabs, CR, LF on both sides */
struct str str_sub(struct str text, size_t from, size_t to); /* both clamped to the length */

bool str_has(struct str text, char byte);

/* Cuts at the first `byte`: true with the two sides, false with before = text, after = none. */
bool str_cut(struct str text, char byte, struct str *ret_before, struct str *ret_after);

/* Whole text, decimal, optional minus, within [min, max]. */
bool str_int(struct str text, int64_t min, int64_t max, int64_t *ret_value);

bool str_is_utf8(struct str text);  /* RFC 3629: no surrogate, no overlong form */
uint64_t str_hash(struct str text); /* FNV-1a: for tables in memory, not against an adversary */

/* Letters, digits and inner dashes, 1..63 bytes: what names of definitions look like. */
bool str_is_name(struct str text);

/* How many edits (insert, remove, replace, swap) make one of the other; for "did you mean". Texts
 * over 64 bytes count as far apart. */
unsigned str_distance(struct str a, struct str b);
