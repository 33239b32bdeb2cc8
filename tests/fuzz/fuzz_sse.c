/*
 * fuzz_sse.c: any bytes as an event stream, whole and cut in two: both give the same events.
 */
#include "base/buf.h"
#include "cli/cli_sse.h"
#include "fuzz.h"

static bool note(void *context, const struct sse_event *event)
{
	struct buf *out = context;
	buf_add(out, event->id);
	buf_addc(out, '|');
	buf_add(out, event->event);
	buf_addc(out, '|');
	buf_add(out, event->data);
	buf_addc(out, '\n');
	return true;
}

static void read_in_two(struct str text, size_t cut, struct buf *out)
{
	struct sse sse;
	sse_init(&sse);
	sse_take(&sse, str_sub(text, 0, cut), note, out);
	sse_take(&sse, str_sub(text, cut, text.len), note, out);
	sse_finish(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct buf whole, parts;
	buf_init(&whole, 1u << 20);
	buf_init(&parts, 1u << 20);
	read_in_two(text, size, &whole);
	read_in_two(text, size / 2, &parts);
	PROMISE(str_eq(buf_str(&whole), buf_str(&parts)));
	buf_finish(&whole);
	buf_finish(&parts);
	return 0;
}
