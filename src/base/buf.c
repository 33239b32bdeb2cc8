/* buf.c: see buf.h. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void buf_init(struct buf *buf, size_t limit_bytes)
{
	assert(limit_bytes > 0);
	*buf = (struct buf){ .limit = limit_bytes };
}

void buf_finish(struct buf *buf)
{
	mem_free(buf->bytes);
	*buf = (struct buf){ .limit = buf->limit };
}

void buf_reset(struct buf *buf)
{
	buf->used = 0;
	buf->full = false;
}

/* True when `more` bytes and the closing NUL fit afterwards. */
static bool make_room(struct buf *buf, size_t more)
{
	if (buf->full || more > buf->limit - buf->used) {
		buf->full = true;
		return false;
	}
	size_t need = buf->used + more + 1;
	if (need <= buf->size)
		return true;
	size_t size = buf->size > 0 ? buf->size : 256;
	while (size < need)
		size *= 2;
	buf->bytes = mem_realloc(buf->bytes, size);
	buf->size = size;
	return true;
}

char *buf_room(struct buf *buf, size_t size)
{
	return make_room(buf, size) ? buf->bytes + buf->used : NULL;
}

void buf_grew(struct buf *buf, size_t size)
{
	assert(buf->used + size < buf->size);
	buf->used += size;
	buf->bytes[buf->used] = '\0';
}

void buf_add(struct buf *buf, struct str text)
{
	if (!make_room(buf, text.len))
		return;
	if (text.len > 0)
		memcpy(buf->bytes + buf->used, text.ptr, text.len);
	buf->used += text.len;
	buf->bytes[buf->used] = '\0';
}

void buf_adds(struct buf *buf, const char *text)
{
	buf_add(buf, str_of(text));
}

void buf_addc(struct buf *buf, char byte)
{
	if (!make_room(buf, 1))
		return;
	buf->bytes[buf->used++] = byte;
	buf->bytes[buf->used] = '\0';
}

void buf_add_int(struct buf *buf, int64_t number)
{
	char digits[20];
	size_t at = sizeof digits;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		digits[--at] = '-';
	buf_add(buf, (struct str){ digits + at, sizeof digits - at });
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	if (make_room(buf, (size_t)length)) {
		vsnprintf(buf->bytes + buf->used, (size_t)length + 1, format, again);
		buf->used += (size_t)length;
	}
	va_end(again);
}

void buf_cut(struct buf *buf, size_t length)
{
	assert(length <= buf->used);
	buf->used = length;
	if (buf->bytes != NULL)
		buf->bytes[length] = '\0';
}

struct str buf_str(const struct buf *buf)
{
	return (struct str){ buf->bytes, buf->used };
}

char *buf_take(struct buf *buf)
{
	if (buf->bytes == NULL)
		buf_adds(buf, "");
	char *bytes = buf->bytes;
	*buf = (struct buf){ .limit = buf->limit };
	return bytes;
}
