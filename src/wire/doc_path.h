/*
 * doc_path.h: one value of a document by its path: `$.items[0].token`, `items[0]['a b']`. Pure.
 */
#pragma once

#include "wire/doc.h"

#define DOC_PATH_BYTES_MAX 256u

/* Whether it can be read. */
bool doc_path_check(struct str path);

/* NULL: there is nothing there, or the path cannot be read. */
const struct doc_node *doc_path_find(const struct doc_node *root, struct str path);
