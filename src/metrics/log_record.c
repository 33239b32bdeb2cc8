/* log_record.c: writes and reads the records of the log; see log.h. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/log_priv.h"
#include "metrics/sum.h"

/* ---- out ---- */

#define NUMBER_BYTES_MAX 10u
#define ROW_BYTES_MAX (5u + NUMBER_BYTES_MAX + 9u) /* a reference of 33 bits, a time, a value */

static char *out_number(char *at, uint64_t number)
{
	for (; number >= 128; number >>= 7)
		*at++ = (char)(number | 128);
	*at++ = (char)number;
	return at;
}

void log_put_number(struct buf *buf, uint64_t number)
{
	char *at = buf_room(buf, NUMBER_BYTES_MAX);
	if (at != NULL)
		buf_grew(buf, (size_t)(out_number(at, number) - at));
}

void log_put_text(struct buf *buf, struct str text)
{
	log_put_number(buf, text.len);
	buf_add(buf, text);
}

static uint64_t zigzag(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static int64_t unzigzag(uint64_t number)
{
	return (int64_t)(number >> 1 ^ (0 - (number & 1)));
}

static uint32_t sum_of(const char *record, size_t payload)
{
	return sum_more(sum_more(0, record + 4, 4), record + 12, payload + 1);
}

size_t log_begin(struct buf *buf, unsigned type)
{
	char header[LOG_RECORD_HEADER_BYTES] = { 0 };
	header[12] = (char)type;
	buf_add(buf, (struct str){ header, sizeof header });
	return buf->used - LOG_RECORD_HEADER_BYTES;
}

void log_end(struct buf *buf, size_t from)
{
	assert(!buf->full);
	char *record = buf->bytes + from;
	uint32_t mark = LOG_MARK, size = (uint32_t)(buf->used - from - LOG_RECORD_HEADER_BYTES);
	memcpy(record, &mark, 4);
	memcpy(record + 4, &size, 4);
	uint32_t sum = sum_of(record, size);
	memcpy(record + 8, &sum, 4);
}

void log_put_series(struct buf *buf, const struct metrics *metrics, uint32_t reference)
{
	const uint32_t *set = index_set(&metrics->index, reference);
	size_t from = log_begin(buf, LOG_SERIES);
	log_put_number(buf, reference);
	log_put_number(buf, set[0]);
	for (uint32_t i = 0; i < 2 * set[0]; i++)
		log_put_text(buf, index_text(&metrics->index, set[1 + i]));
	log_end(buf, from);
}

/* How many bytes of a double are not zero at its low end: whole numbers and short fractions need few. Writes nine. */
static char *out_value(char *at, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	unsigned size = bits == 0 ? 0 : 8 - (unsigned)__builtin_ctzll(bits) / 8;
	bits = __builtin_bswap64(bits);
	*at = (char)size;
	memcpy(at + 1, &bits, sizeof bits);
	return at + 1 + size;
}

void log_put_frame(struct buf *buf, const struct metrics_frame *frame)
{
	size_t from = log_begin(buf, LOG_FRAME);
	char *begin = buf_room(buf, 3 * NUMBER_BYTES_MAX + frame->count * ROW_BYTES_MAX), *at = begin;
	assert(begin != NULL);
	at = out_number(at, frame->count);
	at = out_number(at, frame->times != NULL);
	uint64_t time = (uint64_t)frame->time_ms;
	if (frame->times == NULL)
		at = out_number(at, time);
	else
		time = 0;
	uint32_t next = 0;
	for (size_t i = 0; i < frame->count; i++) {
		at = out_number(at, zigzag((int64_t)frame->references[i] - next));
		next = frame->references[i] + 1;
		if (frame->times != NULL) {
			at = out_number(at, zigzag((int64_t)((uint64_t)frame->times[i] - time)));
			time = (uint64_t)frame->times[i];
		}
		at = out_value(at, frame->values[i]);
	}
	buf_grew(buf, (size_t)(at - begin));
	log_end(buf, from);
}

/* ---- in ---- */

uint64_t log_get_number(struct log_reader *reader)
{
	uint64_t number = 0;
	for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t byte = (uint8_t)*reader->at++;
		number |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return number;
	}
	reader->bad = true;
	return 0;
}

struct str log_get_bytes(struct log_reader *reader, uint64_t size)
{
	if (reader->bad || (uint64_t)(reader->end - reader->at) < size) {
		reader->bad = true;
		return STR_NONE;
	}
	struct str bytes = { reader->at, (size_t)size };
	reader->at += size;
	return bytes;
}

static double get_value(struct log_reader *reader)
{
	struct str size = log_get_bytes(reader, 1);
	uint64_t bits = 0;
	double value;
	if (size.len == 1 && (uint8_t)size.ptr[0] > 8)
		reader->bad = true;
	struct str bytes = log_get_bytes(reader, size.len == 1 ? (uint8_t)size.ptr[0] : 0);
	if (bytes.len > 0)
		memcpy(&bits, bytes.ptr, bytes.len);
	bits = __builtin_bswap64(bits);
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* What the references of this segment are called in the engine. */
struct names {
	uint32_t *known; /* reference + 1; 0: not said */
	size_t size;
};

#define REFERENCES_MAX (SERIES_PAGE * SERIES_PAGES_MAX)

/* After a checkpoint most are called as they were: compared at once, which takes a tenth of finding them. */
static bool is_called(struct metrics *metrics, uint64_t reference, const struct metrics_label *labels, uint64_t count)
{
	pthread_rwlock_rdlock(&metrics->lock);
	bool same = reference < metrics->index.series_count && count > 0;
	const uint32_t *set = same ? index_set(&metrics->index, (uint32_t)reference) : NULL;
	same = same && set[0] == count;
	for (uint64_t i = 0; same && i < count; i++)
		same = str_eq(index_text(&metrics->index, set[1 + 2 * i]), labels[i].name) &&
		       str_eq(index_text(&metrics->index, set[2 + 2 * i]), labels[i].value);
	pthread_rwlock_unlock(&metrics->lock);
	return same;
}

static void read_series(struct log_reader *reader, struct metrics *metrics, struct names *names)
{
	struct metrics_label labels[METRICS_LABELS_MAX];
	uint64_t reference = log_get_number(reader), count = log_get_number(reader);
	uint32_t found;
	if (reader->bad || reference >= REFERENCES_MAX || count > METRICS_LABELS_MAX)
		return;
	for (uint64_t i = 0; i < count; i++) {
		labels[i].name = log_get_bytes(reader, log_get_number(reader));
		labels[i].value = log_get_bytes(reader, log_get_number(reader));
	}
	if (reader->bad)
		return;
	if (is_called(metrics, reference, labels, count))
		found = (uint32_t)reference;
	else if (metrics_series(metrics, labels, (size_t)count, &found, NULL) != OK)
		return;
	if (reference >= names->size) {
		size_t size = ((size_t)reference + 1) * 3 / 2;
		names->known = mem_realloc(names->known, size * sizeof *names->known);
		memset(names->known + names->size, 0, (size - names->size) * sizeof *names->known);
		names->size = size;
	}
	names->known[reference] = found + 1;
}

struct rows {
	uint32_t *references;
	int64_t *times;
	double *values;
	size_t count, size;
};

static void rows_reserve(struct rows *rows, size_t size)
{
	if (size <= rows->size)
		return;
	rows->references = mem_realloc(rows->references, size * sizeof *rows->references);
	rows->times = mem_realloc(rows->times, size * sizeof *rows->times);
	rows->values = mem_realloc(rows->values, size * sizeof *rows->values);
	rows->size = size;
}

static void read_frame(struct log_reader *reader, struct metrics *metrics, const struct names *names,
		       struct rows *rows, struct metrics_recovered *told)
{
	uint64_t count = log_get_number(reader), has_times = log_get_number(reader), time = 0, next = 0;
	if (has_times == 0)
		time = log_get_number(reader);
	rows->count = 0;
	if (count > METRICS_LOG_ROWS_MAX || count > (uint64_t)(reader->end - reader->at))
		return;
	rows_reserve(rows, (size_t)count);
	for (uint64_t i = 0; i < count && !reader->bad; i++) {
		uint64_t reference = next + (uint64_t)unzigzag(log_get_number(reader));
		next = reference + 1;
		if (has_times != 0)
			time += (uint64_t)unzigzag(log_get_number(reader));
		double value = get_value(reader);
		if (reader->bad)
			break;
		if (reference >= names->size || names->known[reference] == 0) {
			told->unknown_samples++;
			continue;
		}
		rows->references[rows->count] = names->known[reference] - 1;
		rows->times[rows->count] = (int64_t)time;
		rows->values[rows->count++] = value;
	}
	struct metrics_tally tally;
	struct metrics_frame frame = { rows->references, rows->values, rows->times, 0, rows->count };
	metrics_append(metrics, &frame, &tally);
	told->samples += tally.counts[METRICS_APPENDED] + tally.counts[METRICS_LATE];
}

/* The size of the record that stands there; 0: none does. */
size_t log_record_at(struct str bytes, size_t at)
{
	uint32_t mark, size, sum;
	if (bytes.len - at < LOG_RECORD_HEADER_BYTES)
		return 0;
	memcpy(&mark, bytes.ptr + at, 4);
	memcpy(&size, bytes.ptr + at + 4, 4);
	memcpy(&sum, bytes.ptr + at + 8, 4);
	if (mark != LOG_MARK || size > METRICS_LOG_RECORD_BYTES_MAX || size > bytes.len - at - LOG_RECORD_HEADER_BYTES)
		return 0;
	return sum_of(bytes.ptr + at, size) == sum ? LOG_RECORD_HEADER_BYTES + size : 0;
}

void log_replay(struct str bytes, struct metrics *metrics, struct metrics_recovered *told, size_t *ret_good)
{
	struct names names = { NULL, 0 };
	struct rows rows = { .count = 0 };
	size_t at = 0, good = 0;
	if (bytes.len >= LOG_HEADER_BYTES && memcmp(bytes.ptr, LOG_HEADER, LOG_HEADER_BYTES) == 0)
		at = good = LOG_HEADER_BYTES;
	while (at < bytes.len) {
		size_t size = log_record_at(bytes, at);
		if (size == 0) {
			told->damaged_bytes++;
			at++;
			continue;
		}
		const char *payload = bytes.ptr + at + LOG_RECORD_HEADER_BYTES;
		struct log_reader reader = { payload, bytes.ptr + at + size, false };
		if (payload[-1] == LOG_SERIES)
			read_series(&reader, metrics, &names);
		else if (payload[-1] == LOG_FRAME)
			read_frame(&reader, metrics, &names, &rows, told);
		at += size;
		good = at;
	}
	mem_free(names.known);
	mem_free(rows.references);
	mem_free(rows.times);
	mem_free(rows.values);
	*ret_good = good;
}
