/* scrape_loop_priv.h: what the files of scrape_loop share. */
#pragma once

#include <pthread.h>

#include "monitor/monitor_plan.h"
#include "monitor/scrape_ask.h"
#include "monitor/scrape_loop.h"
#include "sys/loop.h"

#define SCRAPE_ERROR_BYTES ERROR_TEXT_BYTES

struct scrape_pool;

struct scrape_one {
	struct plan_item item; /* first: the heap's items are these */
	struct scrape_pool *pool; /* NULL: of a job that is gone */
	struct scrape_one *next, **link; /* of its pool, or of the orphans */
	struct scrape_one *left_next, **left_link; /* those that leave, the oldest first */
	struct arena arena, found_arena; /* found_arena: of target.discovered, which may change while the target is the same */
	struct scrape_target target;
	char *key;               /* job, URL and labels */
	struct scrape_book *book; /* NULL: not asked yet, or storage began anew */
	uint64_t generation;
	struct scrape_call *call;
	time_us asked_at;  /* since boot */
	time_us aligned;   /* wall: where the grid was at the last scrape */
	int64_t time_ms, last_ms; /* of the scrape under way, and of the last one */
	time_us missed; /* since boot: the round that came while it was being asked; 0: none */
	bool leaving, found, late; /* late: in its pool's `late` instead of the loop's plan */
	bool handed; /* its series are another's now */
	/* Under the loop's lock. */
	enum scrape_health health;
	char error[SCRAPE_ERROR_BYTES];
	time_us scraped_at;
	double duration_seconds;
	struct scrape_counts counts;
};

enum scrape_source_kind { SCRAPE_SOURCE_STATIC, SCRAPE_SOURCE_FILES, SCRAPE_SOURCE_HTTP, SCRAPE_SOURCE_DNS };

/* What a source learns of one file, one name, one URL: what goes wrong with one touches no other. */
struct scrape_part {
	struct scrape_source *source;
	char *name;         /* the path, the name; else empty */
	struct arena arena; /* of the groups; the next ones are read into another */
	struct scrape_groups groups;
	uint64_t sum;       /* of the file's bytes */
	unsigned tries;     /* in vain, since it worked */
	bool told;          /* its trouble; not again until it works */
	bool settled;       /* it said something, or was tried often enough */
	bool seen;          /* the file was there at this look */
	struct dns_ask *ask;
};

struct scrape_source {
	struct scrape_pool *pool;
	enum scrape_source_kind kind;
	size_t at; /* in the list of its kind */
	struct scrape_part **parts; /* of files: by path */
	size_t part_count, part_room;
	bool answered; /* each part is settled */
	bool changed;  /* a part is, since targets were made of them */
	bool told;     /* that there are too many parts */
	bool inherited;
	time_us due;   /* since boot */
	struct scrape_client *client;
	struct scrape_call *call;
	size_t asking; /* names */
};

struct scrape_pool {
	struct scrape_loop *scrapes;
	const struct scrape_job *job;
	struct scrape_client *client;
	struct error unable; /* to ask at all: code OK: it is able */
	char accept[SCRAPE_ACCEPT_BYTES];
	struct scrape_source *sources;
	size_t source_count;
	struct scrape_one *ones; /* those that leave as well */
	size_t count;            /* that do not leave */
	struct plan late;        /* due, and wait for their turn */
	unsigned running;
	struct arena dropped_arena;
	struct promql_labels *dropped;
	size_t dropped_count, dropped_total; /* those that are shown, and all */
};

struct scrape_loop {
	struct scrape_loop_options options;
	struct scrape_loaded *loaded; /* NULL: none yet */
	struct scrape_pool *pools;    /* one for each job */
	size_t pool_count;
	struct scrape_one *orphans;   /* leave, and their job is gone */
	struct scrape_one *left, **left_end;
	size_t left_count;
	struct plan plan;
	struct loop_timer *timer, *changes;
	unsigned running, running_max;
	size_t late_count, turn; /* turn: the pool that is asked next when many wait */
	pthread_mutex_t lock; /* of pools, lists and results, for who looks on */
	struct scrape_figures figures;
	struct egress_policy policy; /* of questions to name servers */
};

/* ---- scrape_loop.c ---- */
void scrape_one_begin(struct scrape_one *one); /* puts it on its grid */
void scrape_one_leave(struct scrape_one *one);
void scrape_one_list(struct scrape_one **list, struct scrape_one *one);
void scrape_one_schedule(struct scrape_one *one, time_us due);
void scrape_one_hang_up(struct scrape_one *one);
void scrape_one_drop(struct scrape_loop *scrapes, struct scrape_one *one); /* out of all lists, and destroyed; its series stay as they are */
void scrape_one_destroy(struct scrape_one *one); /* it is in no heap and no list */
void scrape_loop_trim(struct scrape_loop *scrapes); /* too many that leave; without the lock */
void scrape_tell(struct scrape_pool *pool, const char *what);

/* ---- scrape_pool.c ---- */
void scrape_pool_open(struct scrape_pool *pool, struct scrape_loop *scrapes, const struct scrape_job *job);
void scrape_pool_inherit(struct scrape_pool *pool, struct scrape_pool *before);
void scrape_pool_close(struct scrape_pool *pool); /* its targets were taken away */
void scrape_pool_sync(struct scrape_pool *pool);  /* what is found now becomes targets */
void scrape_pool_look(struct scrape_pool *pool);  /* at sources whose time has come */

/* ---- scrape_find.c: the discoveries ---- */
void scrape_source_open(struct scrape_source *source);
void scrape_source_look(struct scrape_source *source, time_us now);
void scrape_source_close(struct scrape_source *source);
void scrape_source_inherit(struct scrape_source *source, struct scrape_source *before); /* what the same one found before a reload */
