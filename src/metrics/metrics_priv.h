/* metrics_priv.h: how the engine holds series. Only this folder includes it. */
#pragma once

#include <pthread.h>

#include "metrics/chunk.h"
#include "metrics/index.h"
#include "metrics/metrics.h"

#define GRANULE_WORDS 7u
#define GRANULE_PAGE 1024u       /* granules in a page: 64 KiB */
#define GRANULE_PAGES_MAX 65536u /* 4 GiB */
#define SERIES_PAGE 1024u
#define SERIES_PAGES_MAX 65536u
#define LATE_SAMPLES_MAX 32u /* before they become a chunk */

/* Open chunks grow by one cache line: series grow in step, and buffers that double would stand half empty. */
struct granule {
	uint64_t words[GRANULE_WORDS];
	uint32_t next;
	uint32_t spare;
};

struct sealed {
	struct sealed *older;
	int64_t first_ms, last_ms;
	uint16_t bits, count;
	uint64_t words[];
};

/* Samples that came after newer ones: sorted; full, they become a chunk. */
struct late {
	uint32_t count;
	int64_t times[LATE_SAMPLES_MAX];
	uint64_t values[LATE_SAMPLES_MAX];
};

struct series {
	struct chunk open;
	struct sealed *sealed; /* newest first, as they were sealed: late ones overlap */
	struct late *late;
	uint32_t head, tail; /* granules of the open chunk */
};

struct metrics {
	struct metrics_options options;
	pthread_rwlock_t lock;
	struct index index;
	struct series **series; /* pages */
	struct granule **granules;
	uint32_t granule_count, granule_free;
	size_t bytes, sealed_bytes;
	uint64_t samples, refused_series;
	int64_t newest_ms;
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
