/* journal_priv.h: what the files of this room share. SQL stands in journal_store.c alone. */
#pragma once

#include "journal/journal.h"
#include "journal/leaf.h"
#include "journal/world.h"

extern const struct store_table journal_backup_table; /* copies_store.c */

#define SALT_BYTES LEAF_SALT_BYTES

struct journal_row {
	struct event event; /* payload not decoded */
	int version;
	struct str salt, nodes;
	struct str mac; /* empty, or of an erased event what is left of payload and salt (leaf.h) */
};

enum err journal_append(struct store_conn *conn, const struct journal_row *row, struct error *err);
enum err journal_rows(struct store_conn *conn, int64_t after_seq, int64_t up_to_seq, unsigned limit,
		      struct store_rows **ret_rows, struct error *err);
/* Reads the columns of one row; texts are valid until the next row. False: unknown kind. */
bool journal_row_read(struct store_rows *rows, struct journal_row *ret_row);

/* What the wall showed at the last event; TIME_NONE: there is none. */
enum err journal_last_event_time(struct store_conn *conn, time_us *ret_at, struct error *err);

enum err timer_remove(struct store_conn *conn, const char *name, int64_t of, int64_t seq,
		      struct error *err);
enum err timers_due(struct store_conn *conn, time_us now, unsigned limit, struct arena *arena,
		    struct timer **ret_timers, size_t *ret_count, struct error *err);
enum err timer_next(struct store_conn *conn, time_us *ret_due, struct error *err);
enum err timer_is_due(struct store_conn *conn, const struct timer *timer, time_us now, bool *ret_due,
		      struct error *err);
enum err timers_shift(struct store_conn *conn, time_us by, struct error *err);
/* The sum of all recorded steps of the wall. */
enum err clock_steps(struct store_conn *conn, time_us *ret_total, struct error *err);

enum err counters_load(struct store_conn *conn, struct arena *arena, struct str *names,
		       int64_t *values, size_t room, size_t *ret_count, struct error *err);
enum err counter_save(struct store_conn *conn, struct str name, int64_t value, struct error *err);

enum err cursor_read(struct store_conn *conn, const char *follower, int64_t *ret_seq,
		     int64_t *ret_failures, struct error *err);
enum err cursor_write(struct store_conn *conn, const char *follower, int64_t seq, int64_t failures,
		      struct error *err);
