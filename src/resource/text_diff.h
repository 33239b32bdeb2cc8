/*
 * text_diff.h: what changed between two texts, for people: unified, three lines around each change.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define TEXT_DIFF_CONTEXT 3
#define TEXT_DIFF_LINES_MAX 2000 /* of each side, where they differ; beyond, all is "-" then "+" */

/* Adds "@@ -1,4 +1,5 @@" hunks; nothing when the texts are equal. A last line without newline is
 * treated as if it had one. */
void text_diff(struct str before, struct str after, struct buf *buf);
