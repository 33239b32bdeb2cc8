/* api_csv.h: every list as CSV (RFC 4180), from the JSON that was written for it. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* Replaces {"items": [...]} in the buffer by lines: a column for each key of any item; what is not one
 * value is JSON. Cells that a spreadsheet would run begin with a quote. False: it is no list.
 * ret_next: the cursor of the next page, in the arena; empty when there is none. */
bool csv_from_list(struct buf *buf, struct arena *arena, struct str *ret_next);
