/*
 * trouble.h: when nothing can be stored: the reserve, and what goes out all the same.
 *
 *     fine --space runs out--> reserve given up --space is back--> fine
 *       \                                     | commits fail all the same
 *        +---any other failure to store-------+--> nothing can be stored --a commit works--> fine
 *
 *   fine                everything is stored; 64 MiB lie aside in DATA/reserve
 *   reserve given up    everything is stored again, out of those 64 MiB; told on the first page
 *   nothing             changes answer 503; a check that goes down pages by the last resort, from
 *                       memory, and is recorded when something can be stored again
 *
 * Runs on: any thread; it has a lock and holds it for microseconds, but for making the reserve.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/time.h"

struct trouble;

#define TROUBLE_RESERVE_BYTES (64 << 20)
#define TROUBLE_LOW_BYTES (16 << 20)    /* free space below which the reserve is given up */
#define TROUBLE_SPARE_BYTES (256 << 20) /* free space from which on a new reserve is laid aside */

enum trouble_state { TROUBLE_NONE, TROUBLE_RESERVE_USED, TROUBLE_NOTHING };

/* Lays the reserve aside when there is space. `folder` is copied. */
struct trouble *trouble_create(const char *folder);
void trouble_destroy(struct trouble **trouble);

/* Before each batch: the reserve is given up before a change fails for want of space, because what
 * was refused once is not tried again by itself. */
void trouble_before(void *trouble);

/* The world's listener for commits: what failed (NULL text: a commit worked). */
void trouble_committed(void *trouble, const struct error *failure);

/* Every few seconds: a reserve that was given up is laid aside again when there is space. */
void trouble_tick(struct trouble *trouble);

enum trouble_state trouble_state(struct trouble *trouble);
/* One sentence for the first page; empty while all is fine. */
void trouble_words(struct trouble *trouble, char *ret_text, size_t size);
