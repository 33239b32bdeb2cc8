/* metrics_append.c: samples in: appended, late or refused. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/metrics_priv.h"

static uint32_t take_granule(struct metrics *metrics)
{
	uint32_t number = metrics->granule_free;
	if (number != INDEX_NONE) {
		metrics->granule_free = metrics_granule(metrics, number)->next;
	} else {
		number = metrics->granule_count++;
		assert(number < GRANULE_PAGE * GRANULE_PAGES_MAX);
		if (number % GRANULE_PAGE == 0) {
			metrics->granules[number / GRANULE_PAGE] = mem_alloc(GRANULE_PAGE * sizeof(struct granule));
			metrics->bytes += GRANULE_PAGE * sizeof(struct granule);
		}
	}
	metrics_granule(metrics, number)->next = INDEX_NONE;
	return number;
}

struct open_sink {
	struct metrics *metrics;
	struct series *series;
};

/* chunk.words does not count this word yet, so it says where it goes. */
static void open_word(void *context, uint64_t word)
{
	struct open_sink *sink = context;
	struct series *series = sink->series;
	unsigned place = series->open.words % GRANULE_WORDS;
	if (place == 0) {
		uint32_t fresh = take_granule(sink->metrics);
		if (series->head == INDEX_NONE)
			series->head = fresh;
		else
			metrics_granule(sink->metrics, series->tail)->next = fresh;
		series->tail = fresh;
	}
	metrics_granule(sink->metrics, series->tail)->words[place] = word;
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

static void keep_sealed(struct metrics *metrics, struct series *series, const uint64_t *words, size_t bits,
			size_t count, int64_t first_ms, int64_t last_ms)
{
	size_t size = (bits + 63) / 64 * sizeof *words;
	struct sealed *sealed = mem_alloc(sizeof *sealed + size);
	*sealed = (struct sealed){ series->sealed, first_ms, last_ms, (uint16_t)bits, (uint16_t)count };
	memcpy(sealed->words, words, size);
	series->sealed = sealed;
	metrics->sealed_bytes += sizeof *sealed + size;
	metrics->bytes += sizeof *sealed + size;
}

static void seal(struct metrics *metrics, struct series *series)
{
	uint64_t words[CHUNK_WORDS_MAX];
	size_t bits = metrics_open_words(metrics, series, words);
	keep_sealed(metrics, series, words, bits, series->open.count, (int64_t)words[0], series->open.time_ms);
	if (series->head != INDEX_NONE) {
		metrics_granule(metrics, series->tail)->next = metrics->granule_free;
		metrics->granule_free = series->head;
	}
	series->head = series->tail = INDEX_NONE;
}

/* ---- late ones ---- */

static bool find_in(const uint64_t *words, size_t bits, size_t count, int64_t time_ms, uint64_t *ret_value)
{
	int64_t times[CHUNK_SAMPLES_MAX];
	uint64_t values[CHUNK_SAMPLES_MAX];
	bool sound = chunk_read(words, bits, count, times, values, NULL);
	assert(sound);
	for (size_t i = 0; i < count; i++)
		if (times[i] == time_ms) {
			*ret_value = values[i];
			return true;
		}
	return false;
}

/* What the series has at that time. */
static bool find_sample(const struct metrics *metrics, const struct series *series, int64_t time_ms,
			uint64_t *ret_value)
{
	uint64_t words[CHUNK_WORDS_MAX];
	for (uint32_t i = 0; series->late != NULL && i < series->late->count; i++)
		if (series->late->times[i] == time_ms) {
			*ret_value = series->late->values[i];
			return true;
		}
	size_t bits = metrics_open_words(metrics, series, words);
	if ((int64_t)words[0] <= time_ms && find_in(words, bits, series->open.count, time_ms, ret_value))
		return true;
	for (const struct sealed *sealed = series->sealed; sealed != NULL; sealed = sealed->older)
		if (sealed->first_ms <= time_ms && time_ms <= sealed->last_ms &&
		    find_in(sealed->words, sealed->bits, sealed->count, time_ms, ret_value))
			return true;
	return false;
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

static void seal_row(struct metrics *metrics, struct series *series, struct chunk *chunk, struct row_sink *row)
{
	if (chunk->pending > 0)
		row->words[row->count] = chunk->bits;
	keep_sealed(metrics, series, row->words, chunk_bits(chunk), chunk->count, (int64_t)row->words[0], chunk->time_ms);
	row->count = 0;
}

static void seal_late(struct metrics *metrics, struct series *series)
{
	struct late *late = series->late;
	struct chunk chunk = { 0 };
	struct row_sink row = { .count = 0 };
	struct chunk_sink sink = { &row, row_word };
	for (uint32_t i = 0; i < late->count; i++) {
		if (chunk.count > 0 && chunk_add(&chunk, late->times[i], late->values[i], &sink))
			continue;
		if (chunk.count > 0)
			seal_row(metrics, series, &chunk, &row);
		chunk_begin(&chunk, &chunk, late->times[i], late->values[i], &sink);
	}
	seal_row(metrics, series, &chunk, &row);
	late->count = 0;
}

static void keep_late(struct metrics *metrics, struct series *series, int64_t time_ms, uint64_t value)
{
	if (series->late == NULL) {
		series->late = mem_alloc(sizeof *series->late);
		metrics->bytes += sizeof *series->late;
	}
	struct late *late = series->late;
	if (late->count == LATE_SAMPLES_MAX)
		seal_late(metrics, series);
	uint32_t at = late->count++;
	for (; at > 0 && late->times[at - 1] > time_ms; at--) {
		late->times[at] = late->times[at - 1];
		late->values[at] = late->values[at - 1];
	}
	late->times[at] = time_ms;
	late->values[at] = value;
}

/* ---- one row, one frame ---- */

static enum metrics_fate add_late(struct metrics *metrics, struct series *series, int64_t time_ms, uint64_t value)
{
	uint64_t found;
	uint64_t behind = (uint64_t)metrics->newest_ms - (uint64_t)time_ms; /* newest >= this series' >= time */
	if (behind <= (uint64_t)metrics->options.late_ms_max || time_ms == series->open.time_ms) {
		if (find_sample(metrics, series, time_ms, &found))
			return found == value ? METRICS_SAME : METRICS_DUPLICATE;
		keep_late(metrics, series, time_ms, value);
		return METRICS_LATE;
	}
	return METRICS_TOO_OLD;
}

static enum metrics_fate add_row(struct metrics *metrics, uint32_t reference, int64_t time_ms, uint64_t value)
{
	assert(reference < metrics->index.series_count);
	struct series *series = metrics_series_at(metrics, reference);
	struct open_sink open = { metrics, series };
	struct chunk_sink sink = { &open, open_word };
	if (series->open.count > 0 && time_ms <= series->open.time_ms)
		return add_late(metrics, series, time_ms, value);
	if (series->open.count == 0) {
		chunk_begin(&series->open, &series->open, time_ms, value, &sink);
	} else if (!chunk_add(&series->open, time_ms, value, &sink)) {
		seal(metrics, series);
		chunk_begin(&series->open, &series->open, time_ms, value, &sink);
	}
	if (time_ms > metrics->newest_ms)
		metrics->newest_ms = time_ms;
	return METRICS_APPENDED;
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
		if (metrics->bytes + metrics->index.bytes < ceiling)
			fate = add_row(metrics, frame->references[i],
				       frame->times != NULL ? frame->times[i] : frame->time_ms, value);
		if (ret_tally->counts[fate]++ == 0)
			ret_tally->first[fate] = i;
	}
	metrics->samples += ret_tally->counts[METRICS_APPENDED] + ret_tally->counts[METRICS_LATE];
	pthread_rwlock_unlock(&metrics->lock);
}

void metrics_expire(struct metrics *metrics, int64_t before_ms)
{
	pthread_rwlock_wrlock(&metrics->lock);
	for (uint32_t i = 0; i < metrics->index.series_count; i++) {
		struct sealed **link = &metrics_series_at(metrics, i)->sealed;
		while (*link != NULL) {
			struct sealed *sealed = *link;
			if (sealed->last_ms >= before_ms) {
				link = &sealed->older;
				continue;
			}
			*link = sealed->older;
			size_t size = sizeof *sealed + (sealed->bits + 63u) / 64 * sizeof *sealed->words;
			metrics->sealed_bytes -= size;
			metrics->bytes -= size;
			mem_free(sealed);
		}
	}
	pthread_rwlock_unlock(&metrics->lock);
}
