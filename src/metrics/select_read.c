/* select_read.c: the samples of one series, wherever they lie; see select_priv.h. */
#include <string.h>

#include "base/mem.h"
#include "metrics/map_fault.h"
#include "metrics/select_priv.h"

/* Of samples whose times rise, those within the range. */
static void add_samples(const struct reader *reader, struct samples *samples, const int64_t *times, const uint64_t *values,
			size_t count)
{
	size_t first = 0, used = samples->used;
	while (first < count && times[first] < reader->from_ms)
		first++;
	while (count > first && times[count - 1] > reader->to_ms)
		count--;
	if (first == count)
		return;
	count -= first;
	if (used + count > samples->size) {
		samples->size = samples->size * 2 + CHUNK_SAMPLES_MAX;
		samples->times = mem_realloc(samples->times, samples->size * sizeof *samples->times);
		samples->values = mem_realloc(samples->values, samples->size * sizeof *samples->values);
	}
	samples->rising = samples->rising && (used == 0 || samples->times[used - 1] < times[first]);
	memcpy(samples->times + used, times + first, count * sizeof *times);
	memcpy(samples->values + used, values + first, count * sizeof *values);
	samples->used += count;
}

static void add_chunk(const struct reader *reader, struct samples *samples, const uint64_t *words, size_t bits, size_t count)
{
	int64_t times[CHUNK_SAMPLES_MAX];
	uint64_t values[CHUNK_SAMPLES_MAX];
	if (chunk_read(words, bits, count, times, values, NULL))
		add_samples(reader, samples, times, values, count);
	else /* its sum was right: whoever wrote it was wrong */
		atomic_fetch_add(&reader->metrics->segs.damaged, 1);
}

struct sample {
	int64_t time_ms;
	double value;
};

static int by_time(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;
	return (left->time_ms > right->time_ms) - (left->time_ms < right->time_ms);
}

/* Late chunks lie between the others. */
static void sort_samples(struct samples *samples)
{
	struct sample *sorted = mem_alloc(samples->used * sizeof *sorted);
	for (size_t i = 0; i < samples->used; i++)
		sorted[i] = (struct sample){ samples->times[i], samples->values[i] };
	qsort(sorted, samples->used, sizeof *sorted, by_time);
	size_t used = 0;
	for (size_t i = 0; i < samples->used; i++) {
		if (used > 0 && sorted[i].time_ms == samples->times[used - 1])
			continue; /* sealed, and the disk took no more */
		samples->times[used] = sorted[i].time_ms;
		samples->values[used++] = sorted[i].value;
	}
	samples->used = used;
	mem_free(sorted);
}

/* Mostly it is the last of the open chunk, and what writes that knows it: nothing is read. */
static bool knows_newest(const struct reader *reader, const struct series *series, struct samples *samples)
{
	const struct chunk *open = &series->open;
	uint64_t value;
	if (!reader->newest || open->count == 0 || open->time_ms < reader->from_ms || open->time_ms > reader->to_ms ||
	    !chunk_last_value(open, &value))
		return false;
	add_samples(reader, samples, &open->time_ms, &value, 1);
	return true;
}

static void read_sealed(struct reader *reader, uint32_t reference, uint32_t newest, struct samples *samples)
{
	uint64_t faults;
	map_fault_begin();
	do { /* again, when a page went after its sum was right */
		reader->found.count = samples->used = 0;
		seg_list(&reader->metrics->segs, reference, newest, reader->from_ms, reader->to_ms, &reader->found);
		faults = map_fault_count();
		for (size_t i = reader->found.count; i-- > 0;) { /* the oldest first */
			const struct seg_record *record = reader->found.at[i];
			add_chunk(reader, samples, record->words, record->bits, record->count);
		}
	} while (faults != map_fault_count());
	map_fault_end();
}

void reader_read(struct reader *reader, uint32_t reference, struct samples *samples)
{
	struct metrics *metrics = reader->metrics;
	const struct series *series = metrics_series_at(metrics, reference);
	uint64_t words[CHUNK_WORDS_MAX];
	samples->used = 0;
	samples->rising = true;
	if (knows_newest(reader, series, samples))
		return;
	read_sealed(reader, reference, series->newest, samples);
	if (series->open.count > 0 && series->open.time_ms >= reader->from_ms) {
		size_t bits = metrics_open_words(metrics, series, words);
		if ((int64_t)words[0] <= reader->to_ms)
			add_chunk(reader, samples, words, bits, series->open.count);
	}
	const struct late *late = metrics_late(metrics, series);
	if (late != NULL)
		add_samples(reader, samples, late->times, late->values, late->count);
	if (!samples->rising)
		sort_samples(samples);
}

void reader_finish(struct reader *reader)
{
	mem_free(reader->found.at);
}

void samples_finish(struct samples *samples)
{
	mem_free(samples->times);
	mem_free(samples->values);
}
