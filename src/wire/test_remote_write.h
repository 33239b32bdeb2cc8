/* test_remote_write.h: writes messages of remote write, for tests of what reads them. */
#pragma once

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/remote_write.h"
#include "wire/snappy_block.h"

#define WRITTEN_BYTES_MAX ((size_t)64 << 20)

static inline void put_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_addc(buf, (char)(value | 0x80));
	buf_addc(buf, (char)value);
}

static inline void put_field(struct buf *buf, unsigned number, struct str bytes)
{
	put_varint(buf, number << 3 | 2);
	put_varint(buf, bytes.len);
	buf_add(buf, bytes);
}

static inline void put_number(struct buf *buf, unsigned number, uint64_t value)
{
	put_varint(buf, number << 3);
	put_varint(buf, value);
}

static inline void put_sample(struct buf *buf, int64_t time_ms, double value)
{
	char bytes[9] = { 1 << 3 | 1 };
	struct buf sample;
	buf_init(&sample, 64);
	memcpy(bytes + 1, &value, sizeof value);
	buf_add(&sample, (struct str){ bytes, sizeof bytes });
	put_number(&sample, 2, (uint64_t)time_ms);
	put_field(buf, 2, buf_str(&sample));
	buf_finish(&sample);
}

/* "name=value,name=value" as labels of 1.0. */
static inline void put_labels(struct buf *buf, const char *text)
{
	struct str pair, name, value, rest = str_of(text);
	while (rest.len > 0) {
		struct buf label;
		str_cut(rest, ',', &pair, &rest);
		str_cut(pair, '=', &name, &value);
		buf_init(&label, 65536);
		put_field(&label, 1, name);
		put_field(&label, 2, value);
		put_field(buf, 1, buf_str(&label));
		buf_finish(&label);
	}
}

/* One series of 1.0 with one sample. */
static inline void put_series(struct buf *message, const char *labels, int64_t time_ms, double value)
{
	struct buf series;
	buf_init(&series, WRITTEN_BYTES_MAX);
	put_labels(&series, labels);
	put_sample(&series, time_ms, value);
	put_field(message, 1, buf_str(&series));
	buf_finish(&series);
}

/* One series of 2.0 with one sample; `references`: numbers of symbols, below 128. */
static inline void put_series_2(struct buf *message, const char *references, size_t count, int64_t time_ms, double value)
{
	struct buf series;
	buf_init(&series, WRITTEN_BYTES_MAX);
	put_field(&series, 1, (struct str){ references, count });
	put_sample(&series, time_ms, value);
	put_field(message, 5, buf_str(&series));
	buf_finish(&series);
}
