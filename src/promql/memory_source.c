/* memory_source.c: see memory_source.h. Series are found by a table of hashes; a selector looks at all. */
#include "promql/memory_source.h"

#include <string.h>

#include "base/mem.h"

struct series {
	struct promql_labels labels;
	uint64_t hash;
	int64_t *times;
	double *values;
	uint8_t *histogram;
	size_t count, size;
	bool any_histogram;
};

struct memory_source {
	struct arena arena; /* labels */
	struct series *series;
	size_t count, size, samples;
	uint32_t *slots; /* index + 1 */
	size_t slot_count;
};

struct memory_source *memory_source_create(void)
{
	struct memory_source *source = mem_alloc(sizeof *source);
	arena_init(&source->arena, (size_t)1 << 30);
	source->slot_count = 64;
	source->slots = mem_alloc(source->slot_count * sizeof *source->slots);
	return source;
}

void memory_source_destroy(struct memory_source **source)
{
	if (*source == NULL)
		return;
	for (size_t i = 0; i < (*source)->count; i++) {
		mem_free((*source)->series[i].times);
		mem_free((*source)->series[i].values);
		mem_free((*source)->series[i].histogram);
	}
	mem_free((*source)->series);
	mem_free((*source)->slots);
	arena_finish(&(*source)->arena);
	mem_free(*source);
	*source = NULL;
}

static size_t slot_of(const struct memory_source *source, uint64_t hash, struct promql_labels labels)
{
	size_t at = hash & (source->slot_count - 1);
	for (; source->slots[at] != 0; at = (at + 1) & (source->slot_count - 1)) {
		const struct series *series = &source->series[source->slots[at] - 1];
		if (series->hash == hash && promql_labels_equal(series->labels, labels))
			break;
	}
	return at;
}

static void widen(struct memory_source *source)
{
	if (source->count < source->size)
		return;
	source->size = source->size * 2 + 32;
	source->series = mem_realloc(source->series, source->size * sizeof *source->series);
	if (source->size * 2 < source->slot_count)
		return;
	while (source->slot_count < source->size * 2)
		source->slot_count *= 2;
	mem_free(source->slots);
	source->slots = mem_alloc(source->slot_count * sizeof *source->slots);
	for (size_t i = 0; i < source->count; i++)
		source->slots[slot_of(source, source->series[i].hash, source->series[i].labels)] = (uint32_t)i + 1;
}

static enum err find(struct memory_source *source, struct promql_labels labels, struct series **ret_series,
		     struct error *err)
{
	uint64_t hash = promql_labels_hash(labels);
	struct promql_labels copy;
	size_t slot = slot_of(source, hash, labels);
	if (source->slots[slot] != 0) {
		*ret_series = &source->series[source->slots[slot] - 1];
		return OK;
	}
	if (source->count == MEMORY_SOURCE_SERIES_MAX || !promql_labels_copy(labels, &source->arena, &copy))
		return error_set(err, ERR_TOO_LARGE, "could not keep another series in memory: there are %zu",
				 source->count);
	widen(source);
	struct series *series = &source->series[source->count++];
	*series = (struct series){ .labels = copy, .hash = hash };
	source->slots[slot_of(source, hash, copy)] = (uint32_t)source->count;
	*ret_series = series;
	return OK;
}

static size_t place_of(const struct series *series, int64_t time_ms)
{
	size_t at = series->count;
	while (at > 0 && series->times[at - 1] >= time_ms)
		at--;
	return at;
}

static void make_room(struct series *series, size_t at)
{
	if (series->count == series->size) {
		series->size = series->size * 2 + 16;
		series->times = mem_realloc(series->times, series->size * sizeof *series->times);
		series->values = mem_realloc(series->values, series->size * sizeof *series->values);
		series->histogram = mem_realloc(series->histogram, series->size);
	}
	size_t after = series->count - at;
	memmove(series->times + at + 1, series->times + at, after * sizeof *series->times);
	memmove(series->values + at + 1, series->values + at, after * sizeof *series->values);
	memmove(series->histogram + at + 1, series->histogram + at, after);
	series->count++;
}

static enum err put(struct memory_source *source, struct promql_labels labels, int64_t time_ms, double value,
		    bool histogram, struct error *err)
{
	struct series *series = NULL;
	enum err r = find(source, labels, &series, err);
	if (r != OK)
		return r;
	size_t at = place_of(series, time_ms);
	bool there = at < series->count && series->times[at] == time_ms;
	if (!there && source->samples == MEMORY_SOURCE_SAMPLES_MAX)
		return error_set(err, ERR_TOO_LARGE, "could not keep more than %u samples in memory",
				 MEMORY_SOURCE_SAMPLES_MAX);
	if (!there) {
		make_room(series, at);
		source->samples++;
	}
	series->times[at] = time_ms;
	series->values[at] = value;
	series->histogram[at] = histogram;
	series->any_histogram |= histogram;
	return OK;
}

enum err memory_source_put(struct memory_source *source, struct promql_labels labels, int64_t time_ms, double value,
			   struct error *err)
{
	return put(source, labels, time_ms, value, false, err);
}

enum err memory_source_put_histogram(struct memory_source *source, struct promql_labels labels, int64_t time_ms,
				     struct error *err)
{
	return put(source, labels, time_ms, 0, true, err);
}

static bool wanted(const struct series *series, const struct promql_select *select)
{
	for (size_t i = 0; i < select->count; i++)
		if (!promql_matcher_takes(&select->matchers[i], promql_label_get(series->labels,
										  select->matchers[i].name)))
			return false;
	return true;
}

static enum err select_series(void *context, const struct promql_select *select, promql_take_fn *take,
			      void *take_context, struct error *err)
{
	struct memory_source *source = context;
	(void)err;
	for (size_t i = 0; i < source->count; i++) {
		const struct series *series = &source->series[i];
		size_t from = 0, to = series->count;
		if (!wanted(series, select))
			continue;
		while (from < to && series->times[from] < select->from_ms)
			from++;
		while (to > from && series->times[to - 1] > select->to_ms)
			to--;
		struct promql_series part = { series->labels, series->times + from, series->values + from,
					      series->any_histogram ? series->histogram + from : NULL, to - from };
		if (to > from && !take(take_context, &part))
			break;
	}
	return OK;
}

struct promql_source memory_source_promql(struct memory_source *source)
{
	return (struct promql_source){ source, select_series };
}
