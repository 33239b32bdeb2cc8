/* fuzz_metrics_checkpoint.c: any bytes as a checkpoint; and as records whose sums are right. What is taken can be read and
 * written on. */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "metrics/checkpoint_priv.h"
#include "metrics/sum.h"

static bool see(void *context, const struct metrics_view *view)
{
	for (size_t i = 1; i < view->count; i++)
		PROMISE(view->times[i] > view->times[i - 1]);
	return true;
}

static bool any(const void *context, struct str value)
{
	return true;
}

static void write_on(struct metrics *metrics, uint32_t reference)
{
	for (unsigned round = 0; round < 300; round++) {
		double value = round % 5 == 0 ? 0.1 : round;
		struct metrics_frame frame = { &reference, &value, NULL, metrics_series_at(metrics, reference)->open.time_ms, 1 };
		struct metrics_tally tally;
		if (frame.time_ms > INT64_MAX - 1000)
			break;
		frame.time_ms += round % 7 == 0 ? -5 * (frame.time_ms > INT64_MIN + 1000) : 3;
		metrics_append(metrics, &frame, &tally);
	}
}

static void use(struct metrics *metrics)
{
	struct metrics_matcher all = { STR("__name__"), STR_NONE, METRICS_TAKES, any, NULL };
	metrics_select(metrics, &all, 1, INT64_MIN, INT64_MAX, see, NULL, NULL);
	for (uint32_t i = 0; i < metrics->index.series_count; i++)
		if (index_set(&metrics->index, i)[0] > 0) /* one that is gone is found by nobody */
			write_on(metrics, i);
	metrics_select(metrics, NULL, 0, INT64_MIN, INT64_MAX, see, NULL, NULL);
}

static void load(const char *bytes, size_t size)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	struct metrics *metrics;
	struct random random;
	struct seg_place place;
	random_seeded(&random, 1);
	options.series_max = 1000;
	metrics_create(&options, &random, &metrics);
	if (checkpoint_read((struct str){ bytes, size }, metrics, &place)) {
		metrics_forget_newest(metrics); /* there are no segment files */
		use(metrics);
	}
	metrics_empty(metrics);
	metrics_destroy(&metrics);
}

/* Puts the right sum, mark and size before each record; the sizes as they are, cut to what is there. */
static void mend(char *bytes, size_t size)
{
	for (size_t at = LOG_HEADER_BYTES; size > at && size - at >= LOG_RECORD_HEADER_BYTES;) {
		uint32_t mark = LOG_MARK, payload;
		memcpy(&payload, bytes + at + 4, 4);
		if (payload > size - at - LOG_RECORD_HEADER_BYTES)
			payload = (uint32_t)(size - at - LOG_RECORD_HEADER_BYTES);
		memcpy(bytes + at, &mark, 4);
		memcpy(bytes + at + 4, &payload, 4);
		uint32_t sum = sum_more(sum_more(0, bytes + at + 4, 4), bytes + at + 12, payload + 1);
		memcpy(bytes + at + 8, &sum, 4);
		at += LOG_RECORD_HEADER_BYTES + payload;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load((const char *)data, size);
	if (size < LOG_HEADER_BYTES)
		return 0;
	char *copy = mem_alloc(size);
	memcpy(copy, data, size);
	memcpy(copy, CHECKPOINT_HEADER, LOG_HEADER_BYTES);
	mend(copy, size);
	load(copy, size);
	mem_free(copy);
	return 0;
}
