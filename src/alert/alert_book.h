/*
 * alert_book.h: the alerts that other programs keep alive by telling of them again, in memory.
 *
 *            posted, decided            COMMIT
 *   (none) ------------------> PENDING ---------> LIVE ------------------> LEAVING ---------> (none)
 *                                 |                ^  \ told again:  over      |      COMMIT
 *                                 +--> (none)      |   + a later end, no write |
 *                            could not be stored   +---------------------------+
 *                                                         could not be stored
 *
 * A client says the same alert again every minute or so, and means only "still". That changes one row
 * here, under a lock, and nothing on the disk. What is news (a new alert, one that is over) goes to the
 * writer; `alert_book_settle` then says whether it was stored.
 *
 * The ends kept here are by the clock since boot, because a step of the wall must end no alert. After a
 * start, a stop of the machine or a sleep, messages may have been lost: then nobody is resolved before
 * the sender had time to say it again (`alert_book_spare`).
 *
 * Owns: everything; one row is under 100 bytes. Runs on: any thread, it has its own lock; PENDING and
 * LEAVING are set and settled on the writer alone. Clock: passed in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "alert/alert_signal.h"

struct alert_book;

#define ALERT_BOOK_MAX 4000000u /* alerts alive at once; past it a POST is refused */
#define ALERT_SPARE_LEAST ALERT_RESOLVE_TIMEOUT
#define ALERT_SPARE_MOST TIME_HOUR

/* Two clocks read together. */
struct alert_instant {
	time_us wall, boot;
};

struct alert_book *alert_book_create(void);
void alert_book_destroy(struct alert_book **book);

/* True: every one of these is alive and was told again; nothing is news. False: nothing was changed. */
bool alert_book_refresh(struct alert_book *book, const struct alert_signal *signals, size_t count,
			struct alert_instant at);

struct alert_alive {
	int64_t alert;
	struct alert_key key;
	uint64_t notes;
	time_us started, lease; /* lease: how long one message counts */
	time_us ends;           /* by the wall as of the instant asked for */
};

/* ---- for the writer ---- */

/* The live or pending one with this key; false: there is none. */
bool alert_book_find(struct alert_book *book, struct alert_key key, int64_t *ret_alert);
/* As refresh, for one. */
void alert_book_touch(struct alert_book *book, const struct alert_signal *signal,
		      struct alert_instant at);
/* False: the book is full. */
bool alert_book_add(struct alert_book *book, const struct alert_alive *alive, struct alert_instant at);
bool alert_book_leave(struct alert_book *book, struct alert_key key);
/* Whether it is still over: it may have been told again since it was found. */
bool alert_book_is_over(struct alert_book *book, struct alert_key key, time_us boot);
/* The batch was stored, or was not. */
void alert_book_settle(struct alert_book *book, bool stored);

/* ---- time ---- */

/* Those whose end has passed, at most `max`. */
size_t alert_book_over(struct alert_book *book, time_us boot, struct alert_alive *ret_alive, size_t max);
/* Nobody ends for want of news before it could be told again. */
void alert_book_spare(struct alert_book *book, struct alert_instant at);

/* ---- reading ---- */

struct alert_life {
	time_us ends, updated; /* by the wall */
	time_us started;
	struct str texts; /* {"annotations", "generatorURL"} in the arena when they are not those recorded */
};
bool alert_book_life(struct alert_book *book, struct alert_key key, struct alert_instant at,
		     struct arena *arena, struct alert_life *ret_life);
size_t alert_book_count(struct alert_book *book);
size_t alert_book_bytes(struct alert_book *book);
