/* fuzz_event.c: any bytes as an event of PagerDuty's contract: refused with sentences, or a signal within its bounds. */
#include "alert/alert_event.h"
#include "base/arena.h"
#include "fuzz.h"

static void check_pairs(const struct alert_pair *pairs, size_t count)
{
	size_t bytes = 0;
	PROMISE(count <= ALERT_LABELS_MAX);
	for (size_t i = 0; i < count; i++) {
		PROMISE(pairs[i].value.len > 0 && pairs[i].value.len <= ALERT_NOTE_BYTES_MAX);
		PROMISE(str_is_utf8(pairs[i].value));
		PROMISE(i == 0 || str_cmp(pairs[i - 1].name, pairs[i].name) < 0);
		bytes += pairs[i].value.len;
	}
	PROMISE(bytes <= ALERT_TEXTS_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = { (const char *)data, size };
	struct alert_event event;
	struct alert_event_errors errors;
	struct alert_signal signal;
	struct arena arena;
	time_us now = 1700000000 * TIME_SECOND;
	arena_init(&arena, 64u << 20);
	bool good = alert_event_read(body, &arena, &event, &errors);
	PROMISE(good == (errors.count == 0) && errors.count <= ALERT_EVENT_ERRORS_MAX);
	if (good) {
		PROMISE(event.routing_key.len == 32);
		if (event.dedup_key.len == 0)
			event.dedup_key = STR("made");
		alert_event_signal(&event, 7, STR("Datadog"), STR("shop"), now, &arena, &signal);
		check_pairs(signal.labels, signal.label_count);
		check_pairs(signal.annotations, signal.annotation_count);
		PROMISE(signal.starts <= now && signal.ends >= signal.starts);
	}
	arena_finish(&arena);
	return 0;
}
