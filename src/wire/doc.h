/*
 * doc.h: what a JSON or YAML text says, as one tree that never changes after it was read.
 *
 * Every room reads input through these nodes, so the rules of a request body and of a definition
 * file are the same. A node knows where it stood, so that any later check can point at it.
 *
 * Owns: the arena given to the reader owns nodes and texts; nothing here is freed alone.
 * Runs on: any thread; a finished tree may be read by many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_INT, DOC_REAL, DOC_TEXT, DOC_LIST, DOC_MAP };

struct doc_entry;

/* Read it through the functions below; the layout is public only so that arrays of nodes work. */
struct doc_node {
	enum doc_kind kind;
	uint32_t line, column; /* 1-based, columns in characters; 0 when made by code */
	uint32_t count;        /* items of a list, entries of a map */
	/* Of a text, its value: valid UTF-8 without NUL, and NUL-terminated. Of another scalar from
	 * YAML, how it was spelled. Else empty. */
	struct str text;
	union {
		bool truth;
		int64_t integer;
		double real; /* finite */
		const struct doc_node *items;
		struct {
			const struct doc_entry *entries; /* in the order of the text */
			const uint32_t *order;           /* entries by key; NULL for small maps */
		} map;
	};
};

struct doc_entry {
	struct str key;
	uint32_t line, column; /* of the key */
	struct doc_node value;
};

/* What one document may cost. Past any of them the reader refuses with ERR_TOO_LARGE. */
struct doc_limits {
	unsigned depth_max; /* lists and maps inside each other, 1 .. DOC_DEPTH_MAX */
	size_t nodes_max;   /* YAML aliases count each time they are used */
	size_t bytes_max;   /* of the text */
};

#define DOC_DEPTH_MAX 128
#define DOC_NODES_DEFAULT 100000
#define DOC_BYTES_DEFAULT (1u << 20)
#define DOC_LIMITS_DEFAULT                                                          \
	((struct doc_limits){ .depth_max = 64, .nodes_max = DOC_NODES_DEFAULT, \
			      .bytes_max = DOC_BYTES_DEFAULT })

/* A word with its article for sentences: "a list", "text". */
const char *doc_kind_words(enum doc_kind kind);

/* All of these accept NULL, which is "not there"; so a chain needs one check at its end. */
bool doc_is(const struct doc_node *node, enum doc_kind kind);
size_t doc_count(const struct doc_node *node); /* 0 for anything but lists and maps */

/* NULL when it is not a map or has no such key. At most O(log n). */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
const struct doc_entry *doc_find(const struct doc_node *map, struct str key);

/* NULL when it is not a list or is shorter. */
const struct doc_node *doc_at(const struct doc_node *list, size_t index);
/* NULL when it is not a map or is smaller. In the order of the text. */
const struct doc_entry *doc_entry_at(const struct doc_node *map, size_t index);

/* The value when it is of that kind, else what is given. doc_real takes integers too. */
bool doc_bool(const struct doc_node *node, bool otherwise);
int64_t doc_int(const struct doc_node *node, int64_t otherwise);
double doc_real(const struct doc_node *node, double otherwise);
struct str doc_text(const struct doc_node *node, const char *otherwise);

/* The text, or how YAML spelled another scalar ("1.20"): for foreign files, whose own readers take
 * any scalar where a text is meant. False for lists, maps and nothing. */
bool doc_spelling(const struct doc_node *node, struct str *ret_text);

/* Same kinds, values and, for maps, the same keys in any order. 1 and 1.0 differ. */
bool doc_equal(const struct doc_node *a, const struct doc_node *b);
