/* fuzz_metrics_log.c: any bytes as a segment of the log; and as the payload of a record whose sum is right. */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "metrics/log_priv.h"
#include "metrics/sum.h"

static void replay(const char *bytes, size_t size)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	struct metrics_recovered told = { 0 };
	struct metrics *metrics;
	struct random random;
	size_t good;
	random_seeded(&random, 1);
	options.bytes_max = 32u << 20;
	metrics_create(&options, &random, &metrics);
	log_replay((struct str){ bytes, size }, metrics, &told, &good);
	PROMISE(good <= size);
	PROMISE(told.damaged_bytes <= size);
	metrics_destroy(&metrics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	replay((const char *)data, size);
	if (size == 0)
		return 0;
	uint32_t mark = LOG_MARK, payload = (uint32_t)size - 1;
	char *record = mem_alloc(LOG_RECORD_HEADER_BYTES + size);
	memcpy(record, &mark, 4);
	memcpy(record + 4, &payload, 4);
	memcpy(record + 12, data, size);
	uint32_t sum = sum_more(sum_more(0, record + 4, 4), record + 12, size);
	memcpy(record + 8, &sum, 4);
	replay(record, LOG_RECORD_HEADER_BYTES + payload);
	mem_free(record);
	return 0;
}
