/*
 * doc_yaml.h: reads YAML 1.2, the part of it that means the same to everybody.
 *
 * Scalars follow the core schema: `on`, `yes` and `09:00` are text, 0x10 and 0o20 are 16. Digits
 * with a leading zero are text, because YAML 1.1 and 1.2 read them differently. Refused, each with
 * its place: keys that come twice, keys that are not scalars, tags, merge keys (<<), infinite or
 * not-a-number reals, whole numbers outside int64, control characters, invalid UTF-8, too deep and
 * too large. An alias gives the anchored value again; its size counts each time, so no small text
 * can become a large document.
 *
 *	struct doc_yaml *yaml = doc_yaml_create(text, &arena, DOC_LIMITS_DEFAULT, "checks.yaml");
 *	const struct doc_node *root;
 *	while ((result = doc_yaml_next(yaml, &root, err)) == OK && root != NULL) ...
 *	doc_yaml_destroy(&yaml);
 *
 * Owns: trees are in the arena. The text must outlive the reader, not the trees.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "wire/doc.h"

struct doc_yaml;

struct doc_yaml *doc_yaml_create(struct str text, struct arena *arena, struct doc_limits limits,
				 const char *source);
void doc_yaml_destroy(struct doc_yaml **yaml);

/* The next document of the stream; NULL after the last. An empty document is DOC_NULL. After an
 * error the stream is at its end. ERR_INVALID or ERR_TOO_LARGE. */
enum err doc_yaml_next(struct doc_yaml *yaml, const struct doc_node **ret_root, struct error *err);

/* One document and no other; an empty text is DOC_NULL. */
enum err doc_yaml_parse(struct str text, struct arena *arena, struct doc_limits limits,
			const char *source, const struct doc_node **ret_root, struct error *err);
