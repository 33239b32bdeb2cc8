/*
 * sim_tap.h: the production wiring, seen through.
 *
 * A copy of `wiring` whose every function is the product's own, with a listener between: which
 * events a transaction tried to record, which kinds of event each NOW row gave, how deep. And the
 * one place where a test may break the wiring on purpose: leave a row out, end the process in it,
 * make an apply impure.
 *
 * Functions of the wiring carry no context, so the tap is one for the process; it belongs to
 * whichever simulation is running. A test forks for the next one.
 */
#pragma once

#include "journal/world.h"

#define TAP_ROWS_MAX 48u
#define TAP_TRACED_MAX 16384u

struct tap_trace {
	const void *payload; /* as emitted: what tells events of one transaction apart */
	unsigned depth;
};

struct tap {
	/* what was seen */
	bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT]; /* NOW row -> kinds it gave */
	bool ran[TAP_ROWS_MAX];
	unsigned depth_max;
	int64_t tried_seq; /* the last event that a transaction tried to record */
	size_t row_count;

	/* what a test breaks */
	const char *left_out;   /* the name of a NOW row that does nothing */
	const char *ends_in;    /* the name of a NOW row or timer that ends the process while `armed` */
	bool armed;
	bool impure;            /* a live apply writes what a rebuild would not */
	bool unhistoric;        /* an apply changes a versioned row behind the store's back */
	bool endless;           /* a NOW row sets itself off */
	const char *stray;      /* the end of an incident also writes a page for this reason */

	bool rebuilding;        /* applies are not news then */
	struct tap_trace traced[TAP_TRACED_MAX];
	size_t traced_count;
};

extern struct tap tap;

/* The wiring to open a world with. Valid for the process. */
const struct wiring *tap_wiring(void);
void tap_reset(void);        /* forgets all that was seen and broken */
void tap_transaction(void);  /* a new one begins */

/* The graph as Markdown: what stands in docs/wiring.md. `edges` may be gathered over many runs. */
void tap_print(const bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT], struct buf *out);
/* The longest chain of NOW rows, counted in rows; 0 when there is a cycle, which `ret_kind` is on. */
unsigned tap_longest(const bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT], enum event_kind *ret_kind);
