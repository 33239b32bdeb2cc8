/*
 * doc_print.h: a document tree as text. What is printed is read back as the same tree.
 */
#pragma once

#include "base/buf.h"
#include "wire/doc.h"
#include "wire/json_writer.h"

/* One line, no blanks, keys in the order of the tree. */
void doc_print_json(const struct doc_node *node, struct buf *buf);

/* The same as one value of a larger text. */
void doc_write_json(const struct doc_node *node, struct json_writer *json);

/* Block style, two blanks a level, a newline at the end. Quotes only where some reader of YAML 1.1
 * or 1.2 would see something else than the text; texts of several lines as "|". */
void doc_print_yaml(const struct doc_node *node, struct buf *buf);
