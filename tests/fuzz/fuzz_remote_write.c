/*
 * fuzz_remote_write.c: any bytes as a message of remote write, the first says which version: it is refused, or what
 * comes out keeps its promises; and the whole way into the engine ends. An odd first byte: as a block of snappy.
 */
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "fuzz.h"
#include "monitor/sample_intake.h"
#include "wire/snappy_block.h"

#define NOW_MS INT64_C(1700000000000)

struct seen {
	size_t series, samples;
};

static void see_series(void *context, struct str labels)
{
	struct seen *seen = context;
	struct remote_write_label list[REMOTE_WRITE_LABELS_MAX];
	size_t count;
	struct error err = { .code = OK };
	seen->series++;
	enum err r = remote_write_labels(labels, list, &count, &err);
	PROMISE(r == OK || ((r == ERR_INVALID || r == ERR_TOO_LARGE) && err.text[0] != '\0'));
	for (size_t i = 0; r == OK && i < count; i++)
		PROMISE(list[i].name.len + list[i].value.len <= labels.len);
}

static void see_sample(void *context, int64_t time_ms, double value)
{
	struct seen *seen = context;
	(void)time_ms, (void)value;
	PROMISE(seen->series > 0);
	seen->samples++;
}

static void see_metadata(void *context, const struct remote_write_metadata *metadata)
{
	(void)context;
	PROMISE(metadata->family.len > 0 && metadata->type != NULL);
}

static enum err append(void *metrics, const struct metrics_frame *frame, struct metrics_tally *tally, struct error *err)
{
	(void)err;
	metrics_append(metrics, frame, tally);
	return OK;
}

static void take_in(struct str block, enum remote_write_version version)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	struct random random;
	struct metrics *metrics;
	struct sample_intake *intake;
	struct sample_intake_told told;
	struct metrics_figures figures;
	struct error err = { .code = OK };
	options.series_max = 20;
	random_seeded(&random, 1);
	metrics_create(&options, &random, &metrics);
	struct sample_intake_options with = { metrics, &random, append, metrics };
	sample_intake_create(&with, &intake);
	for (int round = 0; round < 2; round++) {
		enum err r = sample_intake_take(intake, block, version, NOW_MS, &told, &err);
		PROMISE(r == OK || r == ERR_INVALID || r == ERR_TOO_LARGE);
		PROMISE(r == OK || err.text[0] != '\0');
		PROMISE(r != OK || told.samples == told.sent.samples);
	}
	metrics_figures(metrics, &figures);
	PROMISE(figures.series <= 20);
	sample_intake_destroy(&intake);
	metrics_destroy(&metrics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str rest = { (const char *)data + 1, size - 1 };
	enum remote_write_version version = data[0] & 2 ? REMOTE_WRITE_2 : REMOTE_WRITE_1;
	if (data[0] & 1) {
		take_in(rest, version);
		return 0;
	}
	struct seen seen = { 0 };
	struct remote_write_sink sink = { &seen, see_series, see_sample, see_metadata };
	struct remote_write_counts counts;
	struct error err = { .code = OK };
	enum err r = remote_write_read(rest, version, &sink, &counts, &err);
	PROMISE(r == OK || ((r == ERR_INVALID || r == ERR_TOO_LARGE) && err.text[0] != '\0'));
	PROMISE(r != OK || (counts.series == seen.series && counts.samples == seen.samples));
	char *block;
	snappy_block_pack(rest, &block, &size);
	take_in((struct str){ block, size }, version);
	mem_free(block);
	return 0;
}
