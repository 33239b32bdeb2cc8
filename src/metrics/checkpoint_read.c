/* checkpoint_read.c: a checkpoint back into an empty engine, from bytes that may hold anything; see checkpoint.c. */
#include <string.h>

#include "metrics/checkpoint_priv.h"

struct loader {
	struct metrics *metrics;
	struct checkpoint_of of;
	struct seg_place place;
	struct log_reader reader; /* of the record */
	size_t bytes;
	uint32_t next[CHECKPOINT_END + 1]; /* number of the next of that type */
};

static bool get(struct log_reader *reader, void *ret, size_t size)
{
	struct str bytes = log_get_bytes(reader, size);
	if (reader->bad)
		return false;
	if (size > 0)
		memcpy(ret, bytes.ptr, size);
	return true;
}

static bool get_begin(struct loader *loader)
{
	struct checkpoint_of *of = &loader->of;
	if (loader->of.symbols != 0 || !get(&loader->reader, of, sizeof *of) || of->symbols == 0 ||
	    of->series > loader->metrics->options.series_max || of->symbols > loader->bytes || of->pairs > loader->bytes)
		return false; /* what is said to come takes a byte at least */
	loader->metrics->newest_ms = of->newest_ms;
	loader->metrics->expired_ms = of->expired_ms;
	loader->metrics->samples = of->samples;
	return true;
}

static bool get_symbol(struct loader *loader)
{
	struct str text = log_get_bytes(&loader->reader, log_get_number(&loader->reader));
	if (loader->reader.bad || text.len == 0 || text.len > METRICS_TEXT_BYTES_MAX ||
	    !index_has_room(&loader->metrics->index))
		return false;
	index_add_symbol(&loader->metrics->index, text);
	return true;
}

static bool get_set(struct loader *loader)
{
	struct index *index = &loader->metrics->index;
	uint32_t set[1 + 2 * METRICS_LABELS_MAX];
	if (!get(&loader->reader, set, sizeof *set) || set[0] > METRICS_LABELS_MAX ||
	    !get(&loader->reader, set + 1, 2 * set[0] * sizeof *set) || !index_has_room(index))
		return false;
	for (uint32_t i = 0; i < 2 * set[0]; i++)
		if (set[1 + i] == 0 || set[1 + i] >= index->symbol_count)
			return false;
	for (uint32_t i = 1; i < set[0]; i++) /* no label twice: a posting rises */
		for (uint32_t j = 0; j < i; j++)
			if (set[1 + 2 * i] == set[1 + 2 * j])
				return false;
	metrics_new_series_at(loader->metrics, index_add_set(index, set));
	return true;
}

static bool get_late(struct loader *loader, struct series *series, uint16_t count)
{
	if (count == 0)
		return true;
	if (count > LATE_SAMPLES_MAX)
		return false;
	struct late *late = metrics_make_late(loader->metrics, series);
	if (!get(&loader->reader, late->times, count * sizeof *late->times) ||
	    !get(&loader->reader, late->values, count * sizeof *late->values))
		return false;
	late->count = count;
	for (uint16_t i = 1; i < count; i++)
		if (late->times[i] <= late->times[i - 1])
			return false;
	return true;
}

static bool get_series(struct loader *loader, uint32_t reference)
{
	struct metrics *metrics = loader->metrics;
	struct kept_series kept;
	if (reference >= metrics->index.series_count || !get(&loader->reader, &kept, sizeof kept) ||
	    !chunk_is_sound(&kept.open) || kept.open.words >= CHUNK_WORDS_MAX)
		return false;
	struct series *series = metrics_series_at(metrics, reference);
	series->newest = kept.newest;
	series->in_step = kept.in_step & 1;
	series->open = kept.open;
	for (unsigned left = kept.open.words; left > 0;) {
		unsigned here = left < GRANULE_WORDS ? left : GRANULE_WORDS;
		if (!get(&loader->reader, metrics_add_granule(metrics, series)->words, here * sizeof(uint64_t)))
			return false;
		left -= here;
	}
	return get_late(loader, series, kept.late_count);
}

/* Series that are gone keep their number, as files of sealed chunks go by numbers, and have nothing else. */
static void pass_gone(struct loader *loader)
{
	const struct index *index = &loader->metrics->index;
	uint32_t *next = &loader->next[CHECKPOINT_SERIES];
	while (*next < index->series_count && index_set(index, *next)[0] == 0)
		++*next;
}

static bool get_end(struct loader *loader)
{
	pass_gone(loader);
	struct seg_place *place = &loader->place;
	if (loader->next[CHECKPOINT_TEXTS] != loader->of.symbols || loader->next[CHECKPOINT_SETS] != loader->of.series ||
	    loader->next[CHECKPOINT_SERIES] != loader->of.series)
		return false;
	return get(&loader->reader, place, sizeof *place) &&
	       (place->size == UINT64_MAX || (place->size % 8 == 0 && place->size <= SEG_FILE_BYTES_MAX));
}

/* One record; false: it is none of a checkpoint, or not in its place. */
static bool get_record(struct loader *loader, unsigned type)
{
	if (type == CHECKPOINT_BEGIN)
		return get_begin(loader);
	if (loader->of.symbols == 0)
		return false;
	if (type == CHECKPOINT_END)
		return get_end(loader);
	if (type < CHECKPOINT_TEXTS || type > CHECKPOINT_SERIES)
		return false;
	for (; loader->reader.at < loader->reader.end; loader->next[type]++) {
		if (type == CHECKPOINT_SERIES)
			pass_gone(loader);
		bool good = type == CHECKPOINT_TEXTS  ? get_symbol(loader)
		          : type == CHECKPOINT_SETS   ? get_set(loader)
		                                      : get_series(loader, loader->next[type]);
		if (!good)
			return false;
	}
	return true;
}

static void expect(struct loader *loader)
{
	const struct checkpoint_of *of = &loader->of;
	index_reserve(&loader->metrics->index, of->symbols, of->series, of->pairs, of->set_words);
	loader->metrics->series_expected = of->series;
	loader->metrics->granules_expected = of->granules;
}

bool checkpoint_read(struct str bytes, struct metrics *metrics, struct seg_place *ret_place)
{
	struct loader loader = { .metrics = metrics, .bytes = bytes.len, .next = { [CHECKPOINT_TEXTS] = 1 } };
	unsigned type = 0;
	if (bytes.len < LOG_HEADER_BYTES || memcmp(bytes.ptr, CHECKPOINT_HEADER, LOG_HEADER_BYTES) != 0)
		return false;
	for (size_t at = LOG_HEADER_BYTES, size; at < bytes.len && type != CHECKPOINT_END; at += size) {
		if ((size = log_record_at(bytes, at)) == 0)
			return false;
		const char *payload = bytes.ptr + at + LOG_RECORD_HEADER_BYTES;
		loader.reader = (struct log_reader){ payload, bytes.ptr + at + size, false };
		type = (uint8_t)payload[-1];
		if (!get_record(&loader, type) || loader.reader.bad)
			return false;
		if (type == CHECKPOINT_BEGIN)
			expect(&loader);
	}
	*ret_place = loader.place;
	return type == CHECKPOINT_END;
}
