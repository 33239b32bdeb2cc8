/* remote_write.c: see remote_write.h. The numbers of fields are those of types.proto, remote.proto and
 * io/prometheus/write/v2/types.proto of Prometheus. */
#include "wire/remote_write.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/protobuf.h"

struct reader {
	const struct remote_write_sink *sink;
	struct remote_write_counts counts;
	struct str *symbols; /* of 2.0 */
	size_t symbol_count;
	size_t unfolded_bytes;
	struct buf labels; /* those of one series that do not stand in a row, or come as symbols */
	struct error *err;
};

static enum err broken(struct reader *reader, const char *what)
{
	return error_set(reader->err, ERR_INVALID, "the body is no message of remote write: %s is damaged", what);
}

static enum err too_many(struct reader *reader, const char *what, size_t limit)
{
	return error_set(reader->err, ERR_TOO_LARGE, "one message has more than %zu %s", limit, what);
}

static double double_of(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* ---- metadata ---- */

/* The same numbers in both. */
static const char *type_name(uint64_t type)
{
	static const char *const names[] = { "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info",
					     "stateset" };
	return type < sizeof names / sizeof names[0] ? names[type] : names[0];
}

static enum err read_metadata_1(struct reader *reader, struct str message)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	struct remote_write_metadata metadata = { .type = type_name(0) };
	while (protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 1, PROTOBUF_VARINT))
			metadata.type = type_name(field.value);
		else if (protobuf_is(&field, 2, PROTOBUF_BYTES))
			metadata.family = field.bytes;
		else if (protobuf_is(&field, 4, PROTOBUF_BYTES))
			metadata.help = field.bytes;
		else if (protobuf_is(&field, 5, PROTOBUF_BYTES))
			metadata.unit = field.bytes;
	}
	if (at.broken)
		return broken(reader, "metadata");
	if (metadata.family.len > 0)
		reader->sink->metadata(reader->sink->context, &metadata);
	return OK;
}

/* ---- samples, the same in both ---- */

/* As every sender has it: the value, then the time, and nothing else. */
static bool read_plain_sample(struct str message, uint64_t *ret_value, uint64_t *ret_time)
{
	if (message.len < 11 || message.ptr[0] != (1 << 3 | PROTOBUF_FIXED64) || message.ptr[9] != (2 << 3 | PROTOBUF_VARINT))
		return false;
	struct protobuf at = protobuf_of(str_sub(message, 10, message.len));
	memcpy(ret_value, message.ptr + 1, sizeof *ret_value);
	return protobuf_varint(&at, ret_time) && at.at == at.end;
}

static enum err read_sample(struct reader *reader, struct str message)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	uint64_t value = 0, time = 0;
	bool plain = read_plain_sample(message, &value, &time);
	while (!plain && protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 1, PROTOBUF_FIXED64))
			value = field.value;
		else if (protobuf_is(&field, 2, PROTOBUF_VARINT))
			time = field.value;
	}
	if (at.broken)
		return broken(reader, "a sample");
	if (++reader->counts.samples > REMOTE_WRITE_SAMPLES_MAX)
		return too_many(reader, "samples", REMOTE_WRITE_SAMPLES_MAX);
	reader->sink->sample(reader->sink->context, (int64_t)time, double_of(value));
	return OK;
}

static enum err begin_series(struct reader *reader, struct str labels)
{
	if (++reader->counts.series > REMOTE_WRITE_SERIES_MAX)
		return too_many(reader, "series", REMOTE_WRITE_SERIES_MAX);
	if (labels.len > REMOTE_WRITE_LABELS_BYTES_MAX)
		return error_set(reader->err, ERR_TOO_LARGE, "the labels of one series take %zu bytes: %u are allowed",
				 labels.len, REMOTE_WRITE_LABELS_BYTES_MAX);
	reader->unfolded_bytes += labels.len;
	if (reader->unfolded_bytes > REMOTE_WRITE_UNFOLDED_BYTES_MAX)
		return too_many(reader, "bytes of labels", REMOTE_WRITE_UNFOLDED_BYTES_MAX);
	reader->sink->series(reader->sink->context, labels);
	return OK;
}

/* ---- 1.0 ---- */

/* Where the run of short fields of that number ends which begins at `at`: nearly all of a series are two such runs. */
static size_t end_of_run(struct str message, size_t at, uint32_t number)
{
	while (message.len - at >= 2 && message.ptr[at] == (char)(number << 3 | PROTOBUF_BYTES)) {
		size_t size = (unsigned char)message.ptr[at + 1];
		if (size >= 0x80 || size > message.len - at - 2)
			break;
		at += 2 + size;
	}
	return at;
}

/* All labels of a series as one run: where they stand in a row, as they are. */
static bool labels_of_1(struct reader *reader, struct str message, struct str *ret_labels)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	const char *before = message.ptr, *begin = NULL, *end = NULL;
	bool together = true;
	for (; together && protobuf_next(&at, &field); before = (const char *)at.at) {
		if (!protobuf_is(&field, 1, PROTOBUF_BYTES))
			continue;
		together = begin == NULL || before == end;
		begin = begin == NULL ? before : begin;
		end = (const char *)at.at;
	}
	*ret_labels = begin != NULL ? (struct str){ begin, (size_t)(end - begin) } : STR_NONE;
	if (together)
		return !at.broken;
	buf_reset(&reader->labels);
	at = protobuf_of(message);
	for (before = message.ptr; protobuf_next(&at, &field); before = (const char *)at.at)
		if (protobuf_is(&field, 1, PROTOBUF_BYTES))
			buf_add(&reader->labels, (struct str){ before, (size_t)((const char *)at.at - before) });
	*ret_labels = buf_str(&reader->labels);
	return !at.broken && !reader->labels.full;
}

/* Of any order. */
static enum err read_any_series_1(struct reader *reader, struct str message)
{
	struct str labels;
	if (!labels_of_1(reader, message, &labels))
		return broken(reader, "a series");
	enum err r = begin_series(reader, labels);
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	while (r == OK && protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 2, PROTOBUF_BYTES))
			r = read_sample(reader, field.bytes);
		else if (protobuf_is(&field, 3, PROTOBUF_BYTES))
			reader->counts.exemplars++;
		else if (protobuf_is(&field, 4, PROTOBUF_BYTES))
			reader->counts.histograms++;
	}
	return r;
}

/* As every sender has them: short labels, then short samples. */
static enum err read_series_1(struct reader *reader, struct str message)
{
	size_t labels = end_of_run(message, 0, 1);
	if (labels == 0 || end_of_run(message, labels, 2) < message.len)
		return read_any_series_1(reader, message);
	enum err r = begin_series(reader, str_sub(message, 0, labels));
	for (size_t at = labels; at < message.len && r == OK; at += 2 + (size_t)message.ptr[at + 1])
		r = read_sample(reader, str_sub(message, at + 2, at + 2 + (size_t)message.ptr[at + 1]));
	return r;
}

static enum err read_1(struct reader *reader, struct str message)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	enum err r = OK;
	while (r == OK && protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 1, PROTOBUF_BYTES))
			r = read_series_1(reader, field.bytes);
		else if (protobuf_is(&field, 3, PROTOBUF_BYTES))
			r = read_metadata_1(reader, field.bytes);
	}
	return r == OK && at.broken ? broken(reader, "the list of series") : r;
}

/* ---- 2.0 ---- */

static enum err read_symbols(struct reader *reader, struct str message)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	size_t size = 0;
	while (protobuf_next(&at, &field)) {
		if (!protobuf_is(&field, 4, PROTOBUF_BYTES))
			continue;
		if (reader->symbol_count == REMOTE_WRITE_SYMBOLS_MAX)
			return too_many(reader, "symbols", REMOTE_WRITE_SYMBOLS_MAX);
		if (reader->symbol_count == size) {
			size = size * 2 + 256;
			reader->symbols = mem_realloc(reader->symbols, size * sizeof *reader->symbols);
		}
		reader->symbols[reader->symbol_count++] = field.bytes;
	}
	if (at.broken)
		return broken(reader, "the list of symbols");
	if (reader->symbol_count == 0 || reader->symbols[0].len > 0)
		return error_set(reader->err, ERR_INVALID, "the first symbol of a message is the empty one");
	return OK;
}

static void put_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_addc(buf, (char)(value | 0x80));
	buf_addc(buf, (char)value);
}

static size_t varint_bytes(uint64_t value)
{
	size_t size = 1;
	while (value >>= 7)
		size++;
	return size;
}

static void put_bytes(struct buf *buf, uint32_t number, struct str bytes)
{
	buf_addc(buf, (char)(number << 3 | PROTOBUF_BYTES));
	put_varint(buf, bytes.len);
	buf_add(buf, bytes);
}

static size_t bytes_bytes(struct str bytes)
{
	return 1 + varint_bytes(bytes.len) + bytes.len;
}

/* One label as 1.0 has it. */
static void put_label(struct buf *buf, struct str name, struct str value)
{
	buf_addc(buf, (char)(1 << 3 | PROTOBUF_BYTES));
	put_varint(buf, bytes_bytes(name) + bytes_bytes(value));
	put_bytes(buf, 1, name);
	put_bytes(buf, 2, value);
}

static bool symbol(const struct reader *reader, uint64_t number, struct str *ret_text)
{
	if (number >= reader->symbol_count)
		return false;
	*ret_text = reader->symbols[number];
	return true;
}

static enum err unknown_symbol(struct reader *reader)
{
	return error_set(reader->err, ERR_INVALID, "a series names a symbol that the message does not have");
}

/* Numbers of name and value in turn; packed, as senders have them, or one by one. */
struct pairing {
	struct str name;
	bool named;
};

static enum err put_reference(struct reader *reader, struct pairing *pairing, uint64_t number)
{
	struct str text;
	if (!symbol(reader, number, &text))
		return unknown_symbol(reader);
	if (pairing->named)
		put_label(&reader->labels, pairing->name, text);
	pairing->name = text;
	pairing->named = !pairing->named;
	return reader->labels.full ? too_many(reader, "bytes of labels in a series", REMOTE_WRITE_LABELS_BYTES_MAX) : OK;
}

static enum err labels_of_2(struct reader *reader, struct str message)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	struct pairing pairing = { .named = false };
	enum err r = OK;
	buf_reset(&reader->labels);
	while (r == OK && protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 1, PROTOBUF_VARINT))
			r = put_reference(reader, &pairing, field.value);
		if (!protobuf_is(&field, 1, PROTOBUF_BYTES))
			continue;
		struct protobuf numbers = protobuf_of(field.bytes);
		uint64_t number;
		while (r == OK && numbers.at < numbers.end && protobuf_varint(&numbers, &number))
			r = put_reference(reader, &pairing, number);
		at.broken |= numbers.broken;
	}
	if (r == OK && at.broken)
		return broken(reader, "a series");
	if (r == OK && pairing.named)
		return error_set(reader->err, ERR_INVALID, "a series has a label without a value");
	return r;
}

/* 2.0 tells of each series by itself; its family is its name without what its type adds. */
static struct str family_of(struct str name, const char *type)
{
	static const char *const endings[] = { "_bucket", "_count", "_sum" };
	if (strcmp(type, "histogram") != 0 && strcmp(type, "summary") != 0 && strcmp(type, "gaugehistogram") != 0)
		return name;
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
		if (str_ends(name, str_of(endings[i])))
			return str_sub(name, 0, name.len - strlen(endings[i]));
	return name;
}

static struct str name_in(struct str labels)
{
	struct remote_write_label list[REMOTE_WRITE_LABELS_MAX];
	size_t count;
	if (remote_write_labels(labels, list, &count, NULL) != OK)
		return STR_NONE;
	for (size_t i = 0; i < count; i++)
		if (str_is(list[i].name, "__name__"))
			return list[i].value;
	return STR_NONE;
}

static enum err read_metadata_2(struct reader *reader, struct str message)
{
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	struct remote_write_metadata metadata = { .type = type_name(0) };
	bool said = false, known = true;
	while (known && protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 1, PROTOBUF_VARINT))
			metadata.type = type_name(field.value);
		else if (protobuf_is(&field, 3, PROTOBUF_VARINT))
			known = symbol(reader, field.value, &metadata.help);
		else if (protobuf_is(&field, 4, PROTOBUF_VARINT))
			known = symbol(reader, field.value, &metadata.unit);
		said = said || (field.kind == PROTOBUF_VARINT && field.value != 0);
	}
	if (at.broken)
		return broken(reader, "metadata");
	if (!known)
		return unknown_symbol(reader);
	metadata.family = said ? family_of(name_in(buf_str(&reader->labels)), metadata.type) : STR_NONE;
	if (metadata.family.len > 0)
		reader->sink->metadata(reader->sink->context, &metadata);
	return OK;
}

static enum err read_series_2(struct reader *reader, struct str message)
{
	enum err r = labels_of_2(reader, message);
	if (r == OK)
		r = begin_series(reader, buf_str(&reader->labels));
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	while (r == OK && protobuf_next(&at, &field)) {
		if (protobuf_is(&field, 2, PROTOBUF_BYTES))
			r = read_sample(reader, field.bytes);
		else if (protobuf_is(&field, 3, PROTOBUF_BYTES))
			reader->counts.histograms++;
		else if (protobuf_is(&field, 4, PROTOBUF_BYTES))
			reader->counts.exemplars++;
		else if (protobuf_is(&field, 5, PROTOBUF_BYTES))
			r = read_metadata_2(reader, field.bytes);
	}
	return r;
}

static enum err read_2(struct reader *reader, struct str message)
{
	enum err r = read_symbols(reader, message);
	struct protobuf at = protobuf_of(message);
	struct protobuf_field field;
	while (r == OK && protobuf_next(&at, &field))
		if (protobuf_is(&field, 5, PROTOBUF_BYTES))
			r = read_series_2(reader, field.bytes);
	return r;
}

/* ---- both ---- */

enum err remote_write_read(struct str message, enum remote_write_version version, const struct remote_write_sink *sink,
			   struct remote_write_counts *ret_counts, struct error *err)
{
	struct reader reader = { .sink = sink, .err = err };
	if (message.len > REMOTE_WRITE_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "a message has %zu bytes: %zu are allowed", message.len,
				 REMOTE_WRITE_BYTES_MAX);
	buf_init(&reader.labels, REMOTE_WRITE_LABELS_BYTES_MAX);
	enum err r = version == REMOTE_WRITE_1 ? read_1(&reader, message) : read_2(&reader, message);
	buf_finish(&reader.labels);
	mem_free(reader.symbols);
	if (r == OK)
		*ret_counts = reader.counts;
	return r;
}

enum err remote_write_labels(struct str labels, struct remote_write_label ret_labels[REMOTE_WRITE_LABELS_MAX],
			     size_t *ret_count, struct error *err)
{
	struct protobuf at = protobuf_of(labels);
	struct protobuf_field field, part;
	size_t count = 0;
	bool good = true;
	while (good && protobuf_next(&at, &field)) {
		if (count == REMOTE_WRITE_LABELS_MAX)
			return error_set(err, ERR_TOO_LARGE, "a series has more than %u labels", REMOTE_WRITE_LABELS_MAX);
		struct remote_write_label label = { STR_NONE, STR_NONE };
		struct protobuf inner = protobuf_of(field.bytes);
		good = protobuf_is(&field, 1, PROTOBUF_BYTES);
		while (good && protobuf_next(&inner, &part)) {
			if (protobuf_is(&part, 1, PROTOBUF_BYTES))
				label.name = part.bytes;
			else if (protobuf_is(&part, 2, PROTOBUF_BYTES))
				label.value = part.bytes;
		}
		good = good && !inner.broken;
		ret_labels[count++] = label;
	}
	if (!good || at.broken)
		return error_set(err, ERR_INVALID, "the labels of a series are damaged");
	*ret_count = count;
	return OK;
}
