/* seg_priv.h: between the records (seg.c) and the files (seg_file.c). */
#pragma once

#include "metrics/seg.h"

/* NULL: what stands there is no record. `ret_bytes`: it and its words. */
const struct seg_record *seg_at(const struct segs *segs, const struct seg_file *file, uint32_t at, size_t *ret_bytes);

struct seg_file *seg_begin_file(struct segs *segs); /* NULL: could not */
bool seg_write_at(int fd, const void *bytes, size_t size, size_t at);
bool seg_map(struct seg_file *file, size_t size); /* so much of it can be read */
const uint32_t *seg_heads(struct segs *segs, struct seg_file *file);

static inline void seg_widen(struct seg_file *file, int64_t first_ms, int64_t last_ms)
{
	file->first_ms = first_ms < file->first_ms ? first_ms : file->first_ms;
	file->last_ms = last_ms > file->last_ms ? last_ms : file->last_ms;
}
