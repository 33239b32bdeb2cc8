/*
 * scrape_loop.h: what a prometheus.yml names is found, asked at its time, and kept.
 *
 *     config --jobs--> pool --sources: static, files, HTTP, DNS--> groups --relabelling--> targets
 *                                                                                           |  due on its own grid
 *       storage <--one frame-- book <--body-- HTTP answer <--------------- request ---------+
 *
 *     target   SCHEDULED --due--> ASKED --answer, or time is up--> SCHEDULED
 *                  |                |
 *                  +-- not found any more: LEAVING --two intervals later--> all its series end, and it is gone
 *                                         \--found again--> SCHEDULED, as if nothing had been
 *                                         \--another has its labels--> that one goes on with its series
 *
 * A config that is loaded replaces the one before. Targets that both know (same job, URL, times and labels) go on with
 * their grid and their series; one of which only the labels are the same goes on with the series. What ended while another
 * brought newer samples of a series ends nothing.
 *
 * When more are due than may be asked at once each job has its share: one whose targets all hang keeps no other waiting.
 * Nothing waits inside its timeout. Nothing ends when the loop itself is destroyed: it is taken to come back soon.
 *
 * What is answered while nothing can be kept is lost, and the target unknown. When series are read anew (another
 * generation) books begin anew.
 *
 * Owns: configs, books, clients. Runs on: one loop's thread, which does nothing that must not wait: files of the config
 * are read on it. Only scrape_loop_see may be called by others. Clock: passed in.
 */
#pragma once

#include "monitor/scrape_book.h"
#include "monitor/scrape_files.h"
#include "sys/clock.h"

struct loop;
struct resolve;
struct scrape_loop;

#define SCRAPE_RUNNING_MAX 4096u      /* asked at once, and half as many as files may be open; others wait their turn */
#define SCRAPE_LEAVING_MAX 100000u    /* of all jobs; beyond them the oldest end at once */
#define SCRAPE_TARGETS_MAX 100000u    /* of one job; more are left out and told */
#define SCRAPE_DROPPED_SHOWN_MAX 1000u /* of one job, where keep_dropped_targets says nothing */
#define SCRAPE_CHANGES_EVERY (5 * TIME_SECOND) /* how soon a changed file is seen */

/* Where frames go. References hold as long as the generation is the same. */
struct scrape_storage {
	struct scrape_sink sink;
	/* False: nothing can be kept now, and no `end`. */
	bool (*begin)(void *context, uint64_t *ret_generation);
	void (*end)(void *context);
};

struct scrape_loop_options {
	struct loop *loop;
	struct clock *clock;
	struct random *random;
	struct resolve *resolve;
	const char *ca_file; /* NULL: the system's authorities */
	const char *name_server; /* an address; NULL: the system's first one */
	uint16_t name_port;      /* 0: 53 */
	const char *(*environment)(const char *name); /* a variable, or NULL; NULL: nothing is set */
	struct scrape_storage storage;
	unsigned running_max; /* asked at once; 0: see SCRAPE_RUNNING_MAX */
	/* A sentence for the log: what a job could not do. May be NULL. */
	void (*tell)(void *context, struct str job, const char *what);
	void *context;
};

/* A config with what it is made of. */
struct scrape_loaded {
	struct arena arena;
	struct scrape_config config;
	char *path;
};
/* Whatever is read wrong is in `err`, the first of it. */
enum err scrape_loaded_read(const char *path, struct scrape_loaded **ret_loaded, struct error *err);
void scrape_loaded_destroy(struct scrape_loaded **loaded); /* accepts NULL, leaves NULL */

void scrape_loop_create(const struct scrape_loop_options *options, struct scrape_loop **ret_scrapes);
void scrape_loop_destroy(struct scrape_loop **scrapes); /* accepts NULL, leaves NULL */
void scrape_loop_load(struct scrape_loop *scrapes, struct scrape_loaded *loaded); /* takes it */

/* ---- what there is; any thread ---- */

enum scrape_health { SCRAPE_HEALTH_UNKNOWN, SCRAPE_HEALTH_UP, SCRAPE_HEALTH_DOWN };

struct scrape_seen {
	struct str job;
	const struct scrape_target *target;
	bool dropped; /* only `job` and what was discovered is set */
	enum scrape_health health;
	const char *error;  /* empty: none */
	time_us scraped_at; /* wall; TIME_NONE: not yet */
	double duration_seconds;
	struct scrape_counts counts;
};
/* Job by job in the order of the config; what is kept before what is dropped. Lent for the call, under a lock. */
typedef void scrape_see_fn(void *context, const struct scrape_seen *seen);
void scrape_loop_see(struct scrape_loop *scrapes, scrape_see_fn *see, void *context);

/* Each job, in their order: how many that were found relabelling dropped, also beyond those that are shown. */
typedef void scrape_job_fn(void *context, struct str job, size_t dropped);
void scrape_loop_jobs(struct scrape_loop *scrapes, scrape_job_fn *see, void *context);

struct scrape_figures {
	uint32_t jobs, targets, up, down;
	uint64_t scrapes, failures, samples, refused; /* refused: samples whose series was not taken */
	double parse_seconds; /* spent on bodies: reading and keeping */
};
void scrape_loop_figures(struct scrape_loop *scrapes, struct scrape_figures *ret_figures);
