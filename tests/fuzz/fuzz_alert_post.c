/* fuzz_alert_post.c: a body of alerts is refused, or what it holds keeps its promises. */
#include <string.h>

#include "alert/alert_signal.h"
#include "base/mem.h"
#include "fuzz.h"
#include "wire/json_scan.h"

#define NOW (INT64_C(1772937120) * TIME_SECOND)

static bool take(void *context, const struct alert_posted *posted)
{
	struct arena *arena = context;
	struct alert_signal signal;
	struct error err;
	enum err r = alert_signal_from(posted, NOW, arena, &signal, &err);
	PROMISE(r == OK || r == ERR_INVALID);
	if (r != OK)
		return true;
	PROMISE(signal.label_count > 0);
	PROMISE(signal.starts <= signal.ends);
	for (size_t i = 0; i < signal.label_count; i++) {
		PROMISE(signal.labels[i].value.len > 0);
		PROMISE(str_is_utf8(signal.labels[i].value));
		PROMISE(i == 0 || str_cmp(signal.labels[i - 1].name, signal.labels[i].name) < 0);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_flaw flaw;
	char why[ALERT_POST_WHY_BYTES] = "";
	cleanup_arena struct arena arena;
	struct alert_post_reader *reader = alert_post_reader_create();
	char *body = mem_alloc(size + ALERT_POST_PADDING_BYTES);
	arena_init(&arena, 0);
	memcpy(body, data, size);
	struct str text = { body, size };
	bool whole = alert_post_read(reader, text, take, &arena, why);
	PROMISE(whole == (why[0] == '\0'));
	PROMISE(!whole || json_scan(text, &flaw)); /* never laxer than what the record takes */
	alert_post_reader_destroy(&reader);
	mem_free(body);
	return 0;
}
