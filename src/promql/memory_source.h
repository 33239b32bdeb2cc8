/*
 * memory_source.h: series in memory: for tests of rules, for the suites, and as the plainest source.
 *
 * Owns: everything it was given, copied. Runs on: one thread at a time.
 */
#pragma once

#include "promql/promql.h"

#define MEMORY_SOURCE_SERIES_MAX 1000000u
#define MEMORY_SOURCE_SAMPLES_MAX 50000000u

struct memory_source;

struct memory_source *memory_source_create(void);
void memory_source_destroy(struct memory_source **source); /* accepts NULL, leaves NULL */

/* A sample; one of the same series and time is replaced. ERR_TOO_LARGE at a limit. */
enum err memory_source_put(struct memory_source *source, struct promql_labels labels, int64_t time_ms, double value,
			   struct error *err);
/* There is a native histogram, which nobody here can look into. */
enum err memory_source_put_histogram(struct memory_source *source, struct promql_labels labels, int64_t time_ms,
				     struct error *err);
struct promql_source memory_source_promql(struct memory_source *source);
