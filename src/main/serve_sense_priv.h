/*
 * serve_sense_priv.h: what the files of serve_sense share.
 *
 *	serve_sense.c       life: the loop, its thread, words from other threads
 *	serve_sense_load.c  which checks there are, how they were, which are muted
 *	serve_sense_book.c  memory: one entry a check, its last results
 *	serve_sense_share.c looks by other servers
 *	serve_sense_tell.c  commands to the writer: news, rows
 *	serve_sense_secret.c  what checks sign in with
 *	serve_sense_ask.c   struct api_sense: questions from other threads
 */
#pragma once

#include <pthread.h>

#include "main/serve_sense.h"
#include "main/serve_sense_share.h"
#include "monitor/monitor.h"
#include "monitor/monitor_sense.h"

#define BOOK_BUCKETS 16384u

/* A result, as small as it can be kept. */
struct book_result {
	time_us wall, not_after;
	char *reason;
	uint32_t latency_us;
	int32_t days_left;
	int16_t status;
	bool good, blind, warned, certificated;
};

struct entry {
	char name[MONITOR_NAME_BYTES], service[MONITOR_NAME_BYTES];
	const struct check_kind *kind;
	struct entry *next;
	unsigned seen; /* the load that saw it last */

	/* The loop's thread only. */
	int64_t revision; /* of the definition that runs, and when it was made */
	time_us updated;
	bool muted;
	enum check_status told; /* what the world holds; PAUSED: by a person */
	bool told_flapping;
	struct probe_beat beat; /* of a heartbeat */
	bool has_address;
	bool has_news, telling; /* there is a word; it is on its way */
	struct {
		enum check_status to;
		bool flapping;
		char reason[CHECK_REASON_BYTES];
		time_us latency, since;
	} news;

	/* Guarded by the lock. */
	time_us interval, timeout;
	bool paused;
	time_us next_boot; /* when it is looked at next; 0: not */
	bool has_last;
	struct check_result last; /* its detail is `detail` */
	char *detail;             /* heap; NULL: none */
	struct book_result *ring;
	unsigned ring_size, ring_first, ring_count; /* oldest at first */
};

/* News on its way to the world. */
struct telling {
	struct command command;
	struct monitor_change change;
	struct serve_sense *serve_sense;
	struct telling *next;
	char name[MONITOR_NAME_BYTES], reason[CHECK_REASON_BYTES];
};

/* Rows on their way. The names are the rows' own. */
struct flushing {
	struct command command;
	struct monitor_flush flush;
	struct serve_sense *serve_sense;
	struct pending_row *rows;
};

struct pending_row {
	struct monitor_bucket row;
	char name[MONITOR_NAME_BYTES];
};

struct named {
	struct named *next;
	bool beat; /* it was called: what was heard is read anew, and it is looked at */
	char name[MONITOR_NAME_BYTES];
};

struct serve_sense {
	struct serve_sense_options options;
	struct api_sense api;
	struct loop *loop;
	struct resolve *resolve;
	struct http_client *http;
	struct random random;
	struct ping *ping;
	struct serve_share *share; /* NULL: no other server looks */
	struct probe_beats beats;
	struct probe_secrets probe_secrets;
	struct kept_secret *secrets; /* the loop's thread only */
	time_us began; /* since boot */
	struct probe_tools tools;
	struct sense *sense;
	pthread_t thread;

	/* The loop's thread only. */
	struct store_conn *conn;
	struct loop_timer *tick, *load_timer;
	unsigned ticks;
	unsigned load; /* counts loads */
	bool loading, retell;
	char load_after[MONITOR_NAME_BYTES];
	struct pending_row *rows; /* a ring of SERVE_SENSE_ROWS_MAX */
	unsigned rows_first, rows_count;
	uint64_t rows_lost;
	bool flushing; /* one flush at a time */

	pthread_mutex_t lock; /* guards what follows, and parts of entries */
	pthread_cond_t changed;
	struct entry *table[BOOK_BUCKETS]; /* the loop's thread reads it without the lock */
	unsigned count;
	struct named *names;
	unsigned names_count;
	struct telling *told;
	struct flushing *flushed;
	bool reload, mutes_changed, secrets_changed, posted, stopping, closed;
	struct discovery *found; /* the last one, and when (since boot); NULL: none yet */
	time_us found_boot;

	unsigned discoveries; /* that run; the loop's thread only */
};

/* ---- serve_sense.c ---- */

/* Asks the loop to look into what was left for it. With the lock held. */
void serve_sense_wake(struct serve_sense *s);
void serve_sense_name(struct serve_sense *s, struct str name, bool beat); /* the same */

/* After the end of a discovery. Loop's thread. */
void serve_sense_stop_when_quiet(struct serve_sense *s);

/* ---- serve_sense_load.c: all on the loop's thread ---- */

void load_check(struct serve_sense *s, struct str name); /* one that was spoken of */
void load_all(struct serve_sense *s);                    /* slice by slice */
void load_slice(void *serve_sense);                      /* of the timer */
void load_mutes(struct serve_sense *s);
void load_state(struct serve_sense *s, struct entry *entry); /* what the world holds of it */

void load_beat(struct serve_sense *s, struct entry *entry);  /* what was heard of it */
void load_called(struct serve_sense *s, struct str name);    /* it was called just now */

/* ---- serve_sense_book.c ---- */

struct entry *book_find(struct serve_sense *s, struct str name); /* NULL: none */
struct entry *book_put(struct serve_sense *s, struct str name);  /* found or made */
void book_remove(struct serve_sense *s, struct str name);
void book_finish(struct serve_sense *s);
void book_add(struct serve_sense *s, struct entry *entry, const struct check_result *result);
/* Newest first. With the lock held. */
size_t book_results(const struct entry *entry, struct check_result *ret_results, size_t max);

/* ---- serve_sense_tell.c ---- */

enum check_status tell_status_of(struct str state); /* of a stored state */
void tell_news(struct serve_sense *s, struct entry *entry, const struct check_transition *transition);
void tell_again(struct serve_sense *s); /* what could not be told */
void tell_done(struct serve_sense *s, struct telling *told);
void tell_row(struct serve_sense *s, const char *name, enum rollup_step step,
	      const struct rollup_bucket *bucket);
void tell_flush(struct serve_sense *s);
void tell_flushed(struct serve_sense *s, struct flushing *flushed);
void tell_flushed_free(struct flushing *flushed);

/* ---- serve_sense_secret.c: on the loop's thread ---- */

struct probe_secrets secret_tools(struct serve_sense *s);
void secret_forget_all(struct serve_sense *s); /* what changed is read anew */

/* ---- serve_sense_ask.c ---- */

void ask_init(struct serve_sense *s);
