/* metrics_append.c: samples in: appended, late or refused. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/map_fault.h"
#include "metrics/metrics_priv.h"

#define FIRST_SAMPLES 20u /* of the first chunk of a series, at least */
#define FIRST_WORDS 8u

static uint32_t take_granule(struct metrics *metrics)
{
	uint32_t number = metrics->granule_free;
	if (number != INDEX_NONE) {
		metrics->granule_free = metrics_granule(metrics, number)->next;
	} else {
		number = metrics->granule_count++;
		assert(number < GRANULE_PAGE * GRANULE_PAGES_MAX);
		if (number % GRANULE_PAGE == 0)
			metrics->granules[number / GRANULE_PAGE] = page_take(number + GRANULE_PAGE <= metrics->granules_expected);
		metrics->bytes += sizeof(struct granule);
	}
	metrics_granule(metrics, number)->next = INDEX_NONE;
	return number;
}

struct granule *metrics_add_granule(struct metrics *metrics, struct series *series)
{
	uint32_t fresh = take_granule(metrics);
	if (series->head == INDEX_NONE)
		series->head = fresh;
	else
		metrics_granule(metrics, series->tail)->next = fresh;
	series->tail = fresh;
	return metrics_granule(metrics, fresh);
}

struct open_sink {
	struct metrics *metrics;
	struct series *series;
};

/* chunk.words does not count this word yet, so it says where it goes. */
static void open_word(void *context, uint64_t word)
{
	struct open_sink *sink = context;
	unsigned place = sink->series->open.words % GRANULE_WORDS;
	struct granule *granule = place == 0 ? metrics_add_granule(sink->metrics, sink->series)
	                                     : metrics_granule(sink->metrics, sink->series->tail);
	granule->words[place] = word;
}

size_t metrics_open_words(const struct metrics *metrics, const struct series *series,
			  uint64_t ret_words[CHUNK_WORDS_MAX])
{
	unsigned done = 0;
	for (uint32_t at = series->head; at != INDEX_NONE; at = metrics_granule(metrics, at)->next)
		for (unsigned i = 0; i < GRANULE_WORDS && done < series->open.words; i++)
			ret_words[done++] = metrics_granule(metrics, at)->words[i];
	assert(done == series->open.words && done < CHUNK_WORDS_MAX);
	ret_words[done] = series->open.bits;
	return chunk_bits(&series->open);
}

/* Puts a chunk into the open segment file, after closing that when another is due. False: the disk does not take it. */
static bool keep_sealed(struct metrics *metrics, struct series *series, uint32_t reference, const uint64_t *words,
			size_t bits, size_t count, int64_t last_ms)
{
	if (seg_is_past(&metrics->segs, metrics->newest_ms) && !metrics_close_segment(metrics))
		return false;
	return seg_put(&metrics->segs, metrics->newest_ms, reference, series->newest, words, bits, count, last_ms,
		       &series->newest);
}

static bool seal(struct metrics *metrics, struct series *series, uint32_t reference)
{
	uint64_t words[CHUNK_WORDS_MAX];
	size_t bits = metrics_open_words(metrics, series, words);
	if (!keep_sealed(metrics, series, reference, words, bits, series->open.count, series->open.time_ms))
		return false;
	if (series->head != INDEX_NONE) {
		metrics_granule(metrics, series->tail)->next = metrics->granule_free;
		metrics->granule_free = series->head;
	}
	series->head = series->tail = INDEX_NONE;
	series->in_step = true;
	return true;
}

/* ---- late ones ---- */

static bool find_in(const uint64_t *words, size_t bits, size_t count, int64_t time_ms, uint64_t *ret_value)
{
	int64_t times[CHUNK_SAMPLES_MAX];
	uint64_t values[CHUNK_SAMPLES_MAX];
	if (!chunk_read(words, bits, count, times, values, NULL))
		return false;
	for (size_t i = 0; i < count; i++)
		if (times[i] == time_ms) {
			*ret_value = values[i];
			return true;
		}
	return false;
}

static bool find_sealed(struct metrics *metrics, const struct series *series, uint32_t reference, int64_t time_ms,
			uint64_t *ret_value)
{
	bool found = false;
	metrics->found.count = 0;
	map_fault_begin();
	seg_list(&metrics->segs, reference, series->newest, time_ms, time_ms, &metrics->found);
	for (size_t i = 0; i < metrics->found.count && !found; i++) {
		const struct seg_record *record = metrics->found.at[i];
		found = find_in(record->words, record->bits, record->count, time_ms, ret_value);
	}
	map_fault_end();
	return found;
}

/* What the series has at that time. */
static bool find_sample(struct metrics *metrics, const struct series *series, uint32_t reference, int64_t time_ms,
			uint64_t *ret_value)
{
	uint64_t words[CHUNK_WORDS_MAX];
	const struct late *late = metrics_late(metrics, series);
	for (uint32_t i = 0; late != NULL && i < late->count; i++)
		if (late->times[i] == time_ms) {
			*ret_value = late->values[i];
			return true;
		}
	size_t bits = metrics_open_words(metrics, series, words);
	if ((int64_t)words[0] <= time_ms && find_in(words, bits, series->open.count, time_ms, ret_value))
		return true;
	return find_sealed(metrics, series, reference, time_ms, ret_value);
}

struct row_sink {
	uint64_t words[CHUNK_WORDS_MAX];
	size_t count;
};

static void row_word(void *context, uint64_t word)
{
	struct row_sink *sink = context;
	assert(sink->count < CHUNK_WORDS_MAX);
	sink->words[sink->count++] = word;
}

static bool seal_row(struct metrics *metrics, struct series *series, uint32_t reference, struct chunk *chunk,
		     struct row_sink *row)
{
	if (chunk->pending > 0)
		row->words[row->count] = chunk->bits;
	row->count = 0;
	return keep_sealed(metrics, series, reference, row->words, chunk_bits(chunk), chunk->count, chunk->time_ms);
}

/* False: not all are sealed; those that are stay there as well, and are found twice by nobody (sort_samples). */
static bool seal_late(struct metrics *metrics, struct series *series, uint32_t reference)
{
	struct late *late = metrics_late(metrics, series);
	struct chunk chunk = { 0 };
	struct row_sink row = { .count = 0 };
	struct chunk_sink sink = { &row, row_word };
	for (uint32_t i = 0; i < late->count; i++) {
		if (chunk.count > 0 && chunk_add(&chunk, late->times[i], late->values[i], &sink))
			continue;
		if (chunk.count > 0 && !seal_row(metrics, series, reference, &chunk, &row))
			return false;
		chunk_begin(&chunk, &chunk, late->times[i], late->values[i], &sink);
	}
	if (!seal_row(metrics, series, reference, &chunk, &row))
		return false;
	late->count = 0;
	return true;
}

static bool keep_late(struct metrics *metrics, struct series *series, uint32_t reference, int64_t time_ms, uint64_t value)
{
	struct late *late = metrics_make_late(metrics, series);
	if (late->count == LATE_SAMPLES_MAX && !seal_late(metrics, series, reference))
		return false;
	uint32_t at = late->count++;
	for (; at > 0 && late->times[at - 1] > time_ms; at--) {
		late->times[at] = late->times[at - 1];
		late->values[at] = late->values[at - 1];
	}
	late->times[at] = time_ms;
	late->values[at] = value;
	return true;
}

/* ---- one row, one frame ---- */

static enum metrics_fate add_late(struct metrics *metrics, struct series *series, uint32_t reference, int64_t time_ms,
				  uint64_t value)
{
	uint64_t found;
	uint64_t behind = (uint64_t)metrics->newest_ms - (uint64_t)time_ms;
	bool is_late = time_ms < metrics->newest_ms && behind > (uint64_t)metrics->options.late_ms_max;
	if (is_late && time_ms != series->open.time_ms)
		return METRICS_TOO_OLD;
	if (find_sample(metrics, series, reference, time_ms, &found))
		return found == value ? METRICS_SAME : METRICS_DUPLICATE;
	return keep_late(metrics, series, reference, time_ms, value) ? METRICS_LATE : METRICS_NO_ROOM;
}

/* The first chunk of a series is sealed early, at another point for each: so the open chunks of those that are scraped in
 * step are half full on the average, and never all full at once. */
static bool may_grow(const struct series *series, uint32_t reference)
{
	return series->in_step || (series->open.count < FIRST_SAMPLES + reference % (CHUNK_SAMPLES_MAX - FIRST_SAMPLES) &&
	                           series->open.words < FIRST_WORDS + reference % (CHUNK_WORDS_MAX - FIRST_WORDS));
}

/* Whether it has come to that time: also when its chunk was sealed, and no other one begun since. */
static bool has_come_to(const struct series *series, int64_t time_ms)
{
	return (series->open.count > 0 || series->in_step) && series->open.time_ms >= time_ms;
}

static enum metrics_fate add_row(struct metrics *metrics, uint32_t reference, int64_t time_ms, uint64_t value)
{
	assert(reference < metrics->index.series_count);
	struct series *series = metrics_series_at(metrics, reference);
	struct open_sink open = { metrics, series };
	struct chunk_sink sink = { &open, open_word };
	enum metrics_fate fate = METRICS_APPENDED;
	if (has_come_to(series, time_ms)) {
		fate = add_late(metrics, series, reference, time_ms, value);
	} else if (series->open.count == 0) {
		chunk_begin(&series->open, &series->open, time_ms, value, &sink);
	} else if (!may_grow(series, reference) || !chunk_add(&series->open, time_ms, value, &sink)) {
		if (!seal(metrics, series, reference))
			return METRICS_NO_ROOM;
		chunk_begin(&series->open, &series->open, time_ms, value, &sink);
	}
	if (time_ms > metrics->newest_ms && fate <= METRICS_SAME)
		metrics->newest_ms = time_ms; /* after a restart also of what is there already: the log is read again */
	return fate;
}

bool metrics_is_past(struct metrics *metrics, uint32_t reference, int64_t time_ms)
{
	pthread_rwlock_rdlock(&metrics->lock);
	assert(reference < metrics->index.series_count);
	bool past = has_come_to(metrics_series_at(metrics, reference), time_ms);
	pthread_rwlock_unlock(&metrics->lock);
	return past;
}

#define REST_BATCH 1000u /* under one hold of the lock */

/* Its last time stays, so that what comes is late or not as before. */
static bool lay_down(struct metrics *metrics, uint32_t reference)
{
	struct series *series = metrics_series_at(metrics, reference);
	if (!seal(metrics, series, reference))
		return false;
	series->open = (struct chunk){ .time_ms = series->open.time_ms, .exponent = series->open.exponent };
	return true;
}

size_t metrics_rest(struct metrics *metrics, int64_t idle_ms)
{
	size_t rested = 0;
	bool room = true;
	for (uint32_t next = 0, count = 1; next < count && room;) {
		pthread_rwlock_wrlock(&metrics->lock);
		count = metrics->index.series_count;
		uint32_t end = count - next > REST_BATCH ? next + REST_BATCH : count;
		for (; next < end && room; next++) {
			const struct series *series = metrics_series_at(metrics, next);
			uint64_t idle = (uint64_t)metrics->newest_ms - (uint64_t)series->open.time_ms;
			if (series->open.count == 0 || series->open.time_ms > metrics->newest_ms || idle < (uint64_t)idle_ms)
				continue;
			room = lay_down(metrics, next);
			rested += room;
		}
		pthread_rwlock_unlock(&metrics->lock);
	}
	return rested;
}

void metrics_append(struct metrics *metrics, const struct metrics_frame *frame, struct metrics_tally *ret_tally)
{
	*ret_tally = (struct metrics_tally){ .counts = { 0 } };
	pthread_rwlock_wrlock(&metrics->lock);
	size_t ceiling = metrics->options.bytes_max + metrics->options.bytes_max / 8;
	for (size_t i = 0; i < frame->count; i++) {
		uint64_t value;
		memcpy(&value, &frame->values[i], sizeof value);
		enum metrics_fate fate = METRICS_NO_ROOM;
		if (metrics_held(metrics) < ceiling)
			fate = add_row(metrics, frame->references[i],
				       frame->times != NULL ? frame->times[i] : frame->time_ms, value);
		if (ret_tally->counts[fate]++ == 0)
			ret_tally->first[fate] = i;
	}
	metrics->samples += ret_tally->counts[METRICS_APPENDED] + ret_tally->counts[METRICS_LATE];
	pthread_rwlock_unlock(&metrics->lock);
}

