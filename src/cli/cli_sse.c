/* cli_sse.c: see cli_sse.h. */
#include "cli/cli_sse.h"

#include <assert.h>

#define ID_BYTES_MAX 64u

void sse_init(struct sse *sse)
{
	*sse = (struct sse){ .after_cr = false };
	buf_init(&sse->line, SSE_LINE_BYTES_MAX);
	buf_init(&sse->data, SSE_LINE_BYTES_MAX);
	buf_init(&sse->event, SSE_LINE_BYTES_MAX);
	buf_init(&sse->id, ID_BYTES_MAX);
}

void sse_finish(struct sse *sse)
{
	buf_finish(&sse->line);
	buf_finish(&sse->data);
	buf_finish(&sse->event);
	buf_finish(&sse->id);
}

void sse_again(struct sse *sse)
{
	buf_reset(&sse->line);
	buf_reset(&sse->data);
	buf_reset(&sse->event);
	sse->after_cr = false;
}

static bool dispatch(struct sse *sse, sse_fn *fn, void *context)
{
	bool on = true;
	if (sse->data.used > 0) {
		buf_cut(&sse->data, sse->data.used - 1); /* the last line's end */
		struct sse_event event = {
			.id = buf_str(&sse->id),
			.event = sse->event.used > 0 ? buf_str(&sse->event) : STR("message"),
			.data = buf_str(&sse->data),
		};
		on = fn(context, &event);
	}
	buf_reset(&sse->data);
	buf_reset(&sse->event);
	return on;
}

static void take_line(struct sse *sse)
{
	struct str name, value;
	str_cut(buf_str(&sse->line), ':', &name, &value);
	if (value.len > 0 && value.ptr[0] == ' ')
		value = str_sub(value, 1, value.len);
	if (str_is(name, "data")) {
		buf_add(&sse->data, value);
		buf_addc(&sse->data, '\n');
	} else if (str_is(name, "event")) {
		buf_reset(&sse->event);
		buf_add(&sse->event, value);
	} else if (str_is(name, "id")) {
		buf_reset(&sse->id);
		buf_add(&sse->id, value);
	}
}

static bool end_line(struct sse *sse, sse_fn *fn, void *context)
{
	bool on = true;
	if (sse->line.used == 0)
		on = dispatch(sse, fn, context);
	else
		take_line(sse);
	buf_reset(&sse->line);
	return on;
}

bool sse_take(struct sse *sse, struct str bytes, sse_fn *fn, void *context)
{
	assert(fn != NULL);
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];
		bool second = sse->after_cr && c == '\n';
		sse->after_cr = c == '\r';
		if (second)
			continue;
		if (c != '\n' && c != '\r')
			buf_addc(&sse->line, c);
		else if (!end_line(sse, fn, context))
			return false;
	}
	return true;
}
