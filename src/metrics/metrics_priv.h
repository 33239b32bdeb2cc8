/* metrics_priv.h: how the engine holds series. Only this folder includes it. */
#pragma once

#include <pthread.h>

#include "metrics/chunk.h"
#include "metrics/index.h"
#include "metrics/metrics.h"
#include "metrics/pages.h"
#include "metrics/seg.h"

#define GRANULE_WORDS 7u
#define GRANULE_PAGE ((uint32_t)(PAGE_BYTES / sizeof(struct granule))) /* granules in a page */
#define GRANULE_PAGES_MAX 8192u                                        /* 16 GiB */
#define SERIES_PAGE ((uint32_t)(PAGE_BYTES / sizeof(struct series)))
#define SERIES_PAGES_MAX 2048u /* 64 million series */
#define LATE_SAMPLES_MAX 32u /* before they become a chunk */

/* Open chunks grow by one cache line: series grow in step, and buffers that double would stand half empty. */
struct granule {
	uint64_t words[GRANULE_WORDS];
	uint32_t next;
	uint32_t spare;
};

/* Samples that came after newer ones: sorted; full, they become a chunk. */
struct late {
	uint32_t count;
	int64_t times[LATE_SAMPLES_MAX];
	uint64_t values[LATE_SAMPLES_MAX];
};

/* 64 bytes. */
struct series {
	struct chunk open;
	uint32_t head, tail;   /* granules of the open chunk */
	uint32_t newest;       /* record of the open segment file; 0: none */
	uint32_t late : 31;    /* number in `lates`, and 1; 0: none */
	uint32_t in_step : 1;  /* its first chunk was sealed early; see may_grow in metrics_append.c */
};

struct metrics {
	struct metrics_options options;
	pthread_rwlock_t lock;
	atomic_flag reads_ahead; /* a selection has a second thread */
	struct index index;
	struct segs segs;
	struct seg_list found;  /* for late samples */
	struct series **series; /* pages */
	struct late **lates;
	uint32_t late_count;
	struct granule **granules;
	uint32_t granule_count, granule_free;
	uint32_t series_expected, granules_expected; /* of a checkpoint */
	size_t bytes;
	uint64_t samples, refused_series;
	int64_t hour; /* of the newest sample, when a series was begun last */
	uint32_t series_new;
	int64_t newest_ms, expired_ms; /* what is older than the latter is not shown any more */
};

static inline struct series *metrics_series_at(const struct metrics *metrics, uint32_t reference)
{
	return &metrics->series[reference / SERIES_PAGE][reference % SERIES_PAGE];
}

static inline struct granule *metrics_granule(const struct metrics *metrics, uint32_t number)
{
	return &metrics->granules[number / GRANULE_PAGE][number % GRANULE_PAGE];
}

/* The open chunk's words in a row, the pending ones last; returns how many bits. */
size_t metrics_open_words(const struct metrics *metrics, const struct series *series,
			  uint64_t ret_words[CHUNK_WORDS_MAX]);

static inline size_t metrics_held(const struct metrics *metrics)
{
	bool in_memory = metrics->segs.folder[0] == '\0';
	return metrics->bytes + metrics->index.bytes + (in_memory ? metrics->segs.bytes : 0);
}

bool metrics_close_segment(struct metrics *metrics); /* the open one; false: the disk does not take it */
struct late *metrics_make_late(struct metrics *metrics, struct series *series); /* when there is none */

static inline struct late *metrics_late(const struct metrics *metrics, const struct series *series) /* NULL: none */
{
	return series->late == 0 ? NULL : metrics->lates[series->late - 1];
}

bool metrics_has_samples(struct metrics *metrics, uint32_t reference); /* that are still shown; under the readers' lock */
void metrics_forget_newest(struct metrics *metrics); /* there is no open segment file */

void metrics_begin_hour(struct metrics *metrics);

/* Empty again, as after metrics_create. */
void metrics_empty(struct metrics *metrics);
struct series *metrics_new_series_at(struct metrics *metrics, uint32_t reference); /* that the index has just got */
struct granule *metrics_add_granule(struct metrics *metrics, struct series *series); /* the next of its open chunk */
