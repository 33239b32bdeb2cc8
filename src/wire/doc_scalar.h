/*
 * doc_scalar.h: what a plain YAML scalar means. The reader and the printer share it, so that what
 * is printed without quotes is read as the same text.
 */
#pragma once

#include "wire/doc.h"

enum doc_scalar_flaw {
	DOC_SCALAR_OK,
	DOC_SCALAR_TOO_LARGE, /* a whole number outside int64, or a real past the largest */
	DOC_SCALAR_NOT_FINITE /* .inf or .nan */
};

/* Sets kind and value of the node by the YAML 1.2 core schema; places and text are the caller's. */
enum doc_scalar_flaw doc_scalar_resolve(struct str text, struct doc_node *ret_node);

/* True when some reader of YAML 1.1 or 1.2 takes the plain text for something else than text. */
bool doc_scalar_is_ambiguous(struct str text);
