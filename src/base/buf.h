/*
 * buf.h: a growing run of bytes with a limit given when it is made.
 *
 * Going past the limit does not fail at the call: the buffer remembers it (`full`), ignores what
 * follows, and the caller checks once at the end. So a long rendering has one error path.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
	char *bytes; /* ends in NUL, which `used` does not count; NULL while empty */
	size_t used, size, limit;
	bool full; /* something did not fit: the content is incomplete */
};

void buf_init(struct buf *buf, size_t limit_bytes);
void buf_finish(struct buf *buf);
#define cleanup_buf __attribute__((cleanup(buf_finish)))

void buf_reset(struct buf *buf); /* keeps the memory */
void buf_add(struct buf *buf, struct str text);
void buf_adds(struct buf *buf, const char *text);
void buf_addc(struct buf *buf, char byte);
void buf_add_int(struct buf *buf, int64_t number); /* decimal; a tenth of what buf_printf costs */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For who writes by itself: room for so many bytes at the end (NULL: it is full now), and how many of them were used. */
char *buf_room(struct buf *buf, size_t size);
void buf_grew(struct buf *buf, size_t size);
void buf_cut(struct buf *buf, size_t length); /* shortens; length <= used */

struct str buf_str(const struct buf *buf); /* borrowed until the next change */
char *buf_take(struct buf *buf);           /* the caller frees with mem_free; the buffer is empty */
