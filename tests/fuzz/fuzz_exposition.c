/*
 * fuzz_exposition.c: any bytes as an exposition. The first byte says which format and how large the pieces are. What the
 * strict reader takes, the plain one takes; pieces say what the whole says; what is printed reads back as the same.
 */
#include <string.h>

#include "base/arena.h"
#include "fuzz.h"
#include "wire/exposition.h"

#define PRINT_BYTES_MAX (4u << 20)

struct printer {
	struct buf buf;
	enum exposition_format format;
};

static enum err print(void *context, const struct exposition_item *item, struct error *err)
{
	struct printer *printer = context;
	(void)err;
	PROMISE(item->count <= EXPOSITION_LABELS_MAX);
	PROMISE(item->kind != EXPOSITION_SAMPLE || (item->name.len > 0 && item->series.len > 0));
	for (size_t i = 0; i < item->count; i++)
		PROMISE(item->labels[i].name.len > 0 && str_is_utf8(item->labels[i].value));
	exposition_print(item, printer->format, &printer->buf);
	return OK;
}

static enum err read_pieces(struct str text, size_t piece, struct printer *printer, struct error *err)
{
	struct exposition_options options = { .format = printer->format };
	struct exposition *exposition = exposition_create(&options, print, printer);
	enum err r = OK;
	for (size_t at = 0; at < text.len && r == OK; at += piece)
		r = exposition_feed(exposition, str_sub(text, at, at + piece), err);
	if (r == OK)
		r = exposition_end(exposition, err);
	exposition_destroy(&exposition);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str text = { (const char *)data + 1, size - 1 };
	enum exposition_format format = data[0] & 1 ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
	struct exposition_options options = { .format = format };
	struct printer whole = { .format = format }, pieces = { .format = format }, again = { .format = format };
	struct error err;
	struct arena arena;
	struct exposition_findings findings;
	arena_init(&arena, 0);
	buf_init(&whole.buf, PRINT_BYTES_MAX);
	buf_init(&pieces.buf, PRINT_BYTES_MAX);
	buf_init(&again.buf, PRINT_BYTES_MAX);
	enum err r = exposition_read(text, &options, print, &whole, &err);
	PROMISE(r == OK || strncmp(err.text, "line ", 5) == 0);
	PROMISE(read_pieces(text, 1 + (data[0] >> 1), &pieces, &err) == r);
	PROMISE(str_eq(buf_str(&whole.buf), buf_str(&pieces.buf)));
	if (r == OK && !whole.buf.full) {
		PROMISE(exposition_read(buf_str(&whole.buf), &options, print, &again, &err) == OK);
		PROMISE(str_eq(buf_str(&whole.buf), buf_str(&again.buf)));
	}
	PROMISE(exposition_read_strict(text, format, NULL, NULL, &err) != OK || r == OK);
	exposition_lint(text, &arena, &findings, &err);
	buf_finish(&whole.buf);
	buf_finish(&pieces.buf);
	buf_finish(&again.buf);
	arena_finish(&arena);
	return 0;
}
