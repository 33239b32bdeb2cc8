/*
 * journal.h: reading the record: events, proofs, checkpoints.
 *
 * Writing has one door, world.h. Everything here reads, on any connection, of any thread.
 */
#pragma once

#include "journal/event.h"
#include "journal/tree.h"
#include "store/store_table.h"

#define JOURNAL_PAGE_MAX 1000u

/* The tables of this room, NULL-terminated, for the wiring. */
extern const struct store_table *const journal_tables[];

struct journal_filter {
	int64_t after_seq;   /* events with a larger seq; with `newest_first` a smaller one, 0: from the end */
	int64_t up_to_seq;   /* 0: no bound */
	bool newest_first;
	int64_t subject;     /* 0: any */
	bool by_actor;
	int64_t actor;
	time_us from, to;    /* of recorded_time, half-open; TIME_NONE: no bound */
	const char *const *kinds; /* names or prefixes ending in '.', NULL-terminated; NULL: any */
	unsigned limit;      /* 1..JOURNAL_PAGE_MAX */
};

/* Calls `each` for every event that matches, payload decoded, until it returns false. The arena is
 * not reset between events. */
typedef bool journal_each_fn(void *context, const struct event *event);
enum err journal_read(struct store_conn *conn, const struct journal_filter *filter,
		      struct arena *arena, journal_each_fn *each, void *context, struct error *err);

/* The last seq that was recorded by then; 0 when there was none. */
enum err journal_seq_at(struct store_conn *conn, time_us at, int64_t *ret_seq, struct error *err);
enum err journal_last(struct store_conn *conn, int64_t *ret_seq, time_us *ret_recorded,
		      struct error *err);

/* Stored nodes of the tree, for proofs. The reader borrows the connection. */
struct tree_reader journal_tree_reader(struct store_conn *conn);

/* Recomputes every leaf and the root from the stored bytes. `progress` may be NULL. ERR_CORRUPT
 * names the first event that is not what was recorded. */
typedef void journal_progress_fn(void *context, int64_t done, int64_t total);
enum err journal_verify(struct store_conn *conn, journal_progress_fn *progress, void *context,
			int64_t *ret_size, struct tree_hash *ret_root, struct error *err);

/* The same for the last `events` only, on top of the nodes that are stored before them: seconds after a
 * crash, what was written last can be believed. */
enum err journal_verify_tail(struct store_conn *conn, int64_t events, int64_t *ret_checked, struct error *err);

/* The newest event of this subject that this user caused; seq 0 when there is none. */
enum err journal_last_by(struct store_conn *conn, int64_t subject, int64_t actor, int64_t *ret_seq,
			 time_us *ret_recorded, struct error *err);
