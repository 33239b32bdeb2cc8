/*
 * metrics.h: series of samples in memory: named once, appended by frames, read whole.
 *
 * A frame is what one scrape or one request brought: a column of references and a column of values. It is
 * applied in one go: a reader sees all of it or nothing.
 *
 * Owns: the engine owns labels and samples; what `take` is given is borrowed for the call. Runs on: any thread;
 * one lock, many readers or one writer. Clock: none; times are milliseconds since 1970, UTC, and are passed in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"

#define METRICS_NAME "__name__"
#define METRICS_LABELS_MAX 64u       /* of one series */
#define METRICS_TEXT_BYTES_MAX 4096u /* of one label name or value */
#define METRICS_MATCHERS_MAX 64u
#define METRICS_STALE_BITS UINT64_C(0x7ff0000000000002) /* the NaN that says "this series ended here" */

struct metrics;

struct metrics_options {
	size_t bytes_max;             /* new series are refused from here on, samples an eighth later */
	uint32_t series_max;          /* in all */
	uint32_t series_per_name_max; /* of one metric name */
	int64_t late_ms_max;          /* how far behind the newest sample of all a sample may be */
	uint32_t series_new_max;          /* in an hour of the samples' time; 0: any number */
	uint32_t series_new_per_name_max; /* of one metric name in such an hour; 0: any number */
};

#define METRICS_OPTIONS_DEFAULT                                                            \
	((struct metrics_options){ .bytes_max = (size_t)2 << 30, .series_max = 5000000,    \
	                           .series_per_name_max = 1000000, .late_ms_max = 1800000 })

/* `random` gives the seed of the tables, so that no choice of labels makes them slow; not kept. */
void metrics_create(const struct metrics_options *options, struct random *random, struct metrics **ret_metrics);
void metrics_destroy(struct metrics **metrics); /* accepts NULL, leaves NULL */

/* ---- names ---- */

struct metrics_label {
	struct str name, value;
};

/* The reference of the series with these labels, made when it is new. Labels are sorted by name (bytes), none
 * twice, no value empty. ERR_INVALID; ERR_LIMIT: it is new and a limit refuses it: the text names both. Those
 * that exist are found at any limit. */
enum err metrics_series(struct metrics *metrics, const struct metrics_label *labels, size_t count,
			uint32_t *ret_reference, struct error *err);

/* ---- samples in ---- */

struct metrics_frame {
	const uint32_t *references;
	const double *values;
	const int64_t *times; /* one each; NULL: all at time_ms */
	int64_t time_ms;
	size_t count;
};

enum metrics_fate {
	METRICS_APPENDED,
	METRICS_LATE,      /* kept, though older than the newest of its series */
	METRICS_SAME,      /* time and value are there already: nothing to do */
	METRICS_DUPLICATE, /* another value is there at that time: refused */
	METRICS_TOO_OLD,   /* refused */
	METRICS_NO_ROOM,   /* refused: bytes_max and an eighth are used */
	METRICS_FATE_COUNT
};

struct metrics_tally {
	size_t counts[METRICS_FATE_COUNT];
	size_t first[METRICS_FATE_COUNT]; /* the row that came to it first; where counts is not 0 */
};

/* Each row has its own fate; the stale marker is a value like others. References come from metrics_series. */
void metrics_append(struct metrics *metrics, const struct metrics_frame *frame, struct metrics_tally *ret_tally);

/* The series has a sample of that time or after it. */
bool metrics_is_past(struct metrics *metrics, uint32_t reference, int64_t time_ms);

/* What is older is not given any more; its files are removed when all in them is older. Series stay. */
void metrics_expire(struct metrics *metrics, int64_t before_ms);

/* Seals what series have open that had nothing for so long: at rest they take half the memory, and the next sample begins
 * another chunk. Batch by batch under the writer's lock. How many; it ends early when the disk takes no more. */
size_t metrics_rest(struct metrics *metrics, int64_t idle_ms);

/* ---- samples out ---- */

enum metrics_match { METRICS_EQUAL, METRICS_NOT_EQUAL, METRICS_TAKES };

/* A label that is not there has the empty value. METRICS_TAKES asks `takes`, once for each value, not for each
 * series: regular expressions of whoever asks. It must answer the same each time. */
struct metrics_matcher {
	struct str name, value;
	enum metrics_match match;
	bool (*takes)(const void *context, struct str value);
	const void *context;
};

struct metrics_view {
	uint32_t reference;
	const struct metrics_label *labels; /* sorted by name */
	size_t label_count;
	const int64_t *times; /* rising */
	const double *values;
	size_t count;
};

/* False: the rest is not wanted. Runs under the readers' lock: it may not append nor name. */
typedef bool metrics_take_fn(void *context, const struct metrics_view *view);

/* Every series that all matchers take and that has samples within [from, to], by rising reference; whole chunks
 * are given, cut to the range. */
enum err metrics_select(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			int64_t from_ms, int64_t to_ms, metrics_take_fn *take, void *context, struct error *err);

/* The same where of each series only the newest sample within the range is wanted; others may be given. */
enum err metrics_select_newest(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			       int64_t from_ms, int64_t to_ms, metrics_take_fn *take, void *context, struct error *err);

/* ---- what there is ---- */

/* Of series that all matchers take and that have a chunk within [from, to]: a chunk may begin before and end after without
 * a sample between. Each text once, sorted by bytes, the first `limit`; `ret_more`: there are others. */
struct metrics_scope {
	const struct metrics_matcher *matchers;
	size_t count;
	int64_t from_ms, to_ms;
	size_t limit;
};

typedef bool metrics_text_fn(void *context, struct str text); /* false: the rest is not wanted; under the readers' lock */

enum err metrics_label_names(struct metrics *metrics, const struct metrics_scope *scope, metrics_text_fn *take,
			     void *context, bool *ret_more, struct error *err);
enum err metrics_label_values(struct metrics *metrics, struct str name, const struct metrics_scope *scope,
			      metrics_text_fn *take, void *context, bool *ret_more, struct error *err);
/* The series themselves, by rising reference, without samples. */
enum err metrics_list_series(struct metrics *metrics, const struct metrics_scope *scope, metrics_take_fn *take,
			     void *context, bool *ret_more, struct error *err);

/* The largest, falling, the first `limit` of them: what /api/v1/status/tsdb shows. */
enum metrics_ranking {
	METRICS_SERIES_BY_NAME,   /* text: a metric name */
	METRICS_VALUES_BY_LABEL,  /* a label name; how many values */
	METRICS_BYTES_BY_LABEL,   /* a label name; bytes of its values, each counted once */
	METRICS_SERIES_BY_PAIR,   /* a label name and a value */
	METRICS_RANKING_COUNT
};

#define METRICS_RANKED_MAX 1000u

typedef void metrics_ranked_fn(void *context, struct str name, struct str value, uint64_t count);
void metrics_ranked(struct metrics *metrics, enum metrics_ranking ranking, size_t limit, metrics_ranked_fn *take,
		    void *context); /* limit <= METRICS_RANKED_MAX */

struct metrics_figures {
	uint32_t series, symbols, names, pairs; /* names: of labels; pairs: name="value" */
	size_t bytes;                    /* of memory; with sealed chunks, when there is no folder for them */
	size_t sealed_bytes;             /* of sealed chunks, wherever they lie */
	uint64_t samples, refused_series;
	int64_t newest_ms;               /* INT64_MIN: none yet */
	uint32_t series_new;             /* in this hour */
	uint64_t damaged;                /* sealed chunks that were to be read and were not what was written */
};

void metrics_figures(struct metrics *metrics, struct metrics_figures *ret_figures);
