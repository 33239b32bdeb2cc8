/*
 * doc_build.h: how readers and checks make a document tree, within limits.
 *
 * Calls come in the order of the text: open, (key, value)*, close. The builder refuses what is too
 * deep or too large and keys that come twice; the reader only says what it saw and where.
 *
 * Owns: its own pending entries (doc_build_finish frees them); the tree belongs to the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "wire/doc.h"

struct doc_place {
	uint32_t line, column; /* 1-based; 0 when made by code */
};

struct doc_frame {
	enum doc_kind kind;
	struct doc_place place;
	size_t first; /* index of its first pending entry */
	struct str key;
	struct doc_place key_place;
	bool has_key;
};

struct doc_build {
	struct arena *arena;
	struct doc_limits limits;
	const char *source; /* file name for errors, borrowed; NULL for request bodies */
	struct doc_frame stack[DOC_DEPTH_MAX];
	unsigned depth;
	struct doc_entry *pending;
	size_t pending_count, pending_size, nodes;
	const struct doc_node *root; /* NULL until the outermost value is complete */
};

void doc_build_init(struct doc_build *build, struct arena *arena, struct doc_limits limits,
		    const char *source);
void doc_build_finish(struct doc_build *build);
#define cleanup_doc_build __attribute__((cleanup(doc_build_finish)))

enum err doc_build_open(struct doc_build *build, enum doc_kind kind, struct doc_place place,
			struct error *err);
/* The key is copied. Keys that come twice are refused when the map closes. */
enum err doc_build_key(struct doc_build *build, struct str key, struct doc_place place,
		       struct error *err);
/* The node is copied, and its text when it is a text. A list or map is taken as it is: it must live
 * in the same arena, and is charged one node only. */
enum err doc_build_add(struct doc_build *build, struct doc_node node, struct error *err);
enum err doc_build_close(struct doc_build *build, struct error *err);

/* Charges `count` nodes that were not added one by one. */
enum err doc_build_charge(struct doc_build *build, size_t count, struct doc_place place,
			  struct error *err);

/* Sets "file:line:column: sentence", or "line 3, column 5: sentence" without a file. */
enum err doc_fail(struct error *err, enum err code, const char *source, struct doc_place place,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The way back: place and sentence of such a text, for lists of mistakes. Without a place in it, the
 * place is 0:0 and the sentence is the text. */
void doc_fail_split(struct str text, const char *source, struct doc_place *ret_place,
		    struct str *ret_sentence);
