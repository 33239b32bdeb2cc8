/* test_wire_remote_write.c: messages of both versions are read alike; damaged and greedy ones are refused. */
#include "wire/test_remote_write.h"

#include <stdio.h>

#include "base/check.h"
#include "wire/protobuf.h"

struct seen {
	struct buf text; /* one line for each thing that came */
};

static void see_series(void *context, struct str labels)
{
	struct seen *seen = context;
	struct remote_write_label list[REMOTE_WRITE_LABELS_MAX];
	size_t count;
	struct error err;
	CHECK_OK(remote_write_labels(labels, list, &count, &err));
	for (size_t i = 0; i < count; i++)
		buf_printf(&seen->text, "%s" STR_FMT "=" STR_FMT, i > 0 ? "," : "", STR_ARG(list[i].name),
			   STR_ARG(list[i].value));
	buf_adds(&seen->text, "\n");
}

static void see_sample(void *context, int64_t time_ms, double value)
{
	struct seen *seen = context;
	buf_printf(&seen->text, " %lld %g\n", (long long)time_ms, value);
}

static void see_metadata(void *context, const struct remote_write_metadata *metadata)
{
	struct seen *seen = context;
	buf_printf(&seen->text, "%s " STR_FMT ": " STR_FMT " (" STR_FMT ")\n", metadata->type, STR_ARG(metadata->family),
		   STR_ARG(metadata->help), STR_ARG(metadata->unit));
}

static enum err read_message(const struct buf *message, enum remote_write_version version, struct seen *seen,
			     struct remote_write_counts *counts, struct error *err)
{
	struct remote_write_sink sink = { seen, see_series, see_sample, see_metadata };
	buf_init(&seen->text, 1u << 20);
	return remote_write_read(buf_str(message), version, &sink, counts, err);
}

static void begin(struct buf *message)
{
	buf_init(message, WRITTEN_BYTES_MAX);
}

TEST(a_message_of_1_0_gives_series_samples_and_metadata)
{
	struct buf message, metadata;
	struct seen seen;
	struct remote_write_counts counts;
	struct error err;
	begin(&message);
	begin(&metadata);
	put_series(&message, "__name__=up,job=a", 1000, 1);
	put_series(&message, "__name__=up,job=b", -5, -0.5);
	put_number(&metadata, 1, 1);
	put_field(&metadata, 2, STR("requests"));
	put_field(&metadata, 4, STR("how many"));
	put_field(&message, 3, buf_str(&metadata));
	CHECK_OK(read_message(&message, REMOTE_WRITE_1, &seen, &counts, &err));
	CHECK_STR(buf_str(&seen.text), "__name__=up,job=a\n 1000 1\n__name__=up,job=b\n -5 -0.5\ncounter requests: how many ()\n");
	CHECK_INT(counts.series, 2);
	CHECK_INT(counts.samples, 2);
	buf_finish(&message);
	buf_finish(&metadata);
	buf_finish(&seen.text);
}

TEST(labels_that_do_not_stand_in_a_row_are_put_together)
{
	struct buf message, series;
	struct seen seen;
	struct remote_write_counts counts;
	struct error err;
	begin(&message);
	begin(&series);
	put_sample(&series, 1, 1);
	put_labels(&series, "__name__=up");
	put_sample(&series, 2, 2);
	put_labels(&series, "job=a");
	put_field(&message, 1, buf_str(&series));
	CHECK_OK(read_message(&message, REMOTE_WRITE_1, &seen, &counts, &err));
	CHECK_STR(buf_str(&seen.text), "__name__=up,job=a\n 1 1\n 2 2\n");
	buf_finish(&message);
	buf_finish(&series);
	buf_finish(&seen.text);
}

static void put_symbols(struct buf *message, const char *const *symbols)
{
	for (; *symbols != NULL; symbols++)
		put_field(message, 4, str_of(*symbols));
}

TEST(a_message_of_2_0_gives_the_same)
{
	static const char *const symbols[] = { "", "__name__", "lat_bucket", "job", "a", "how long", "seconds", NULL };
	struct buf message, series, metadata;
	struct seen seen;
	struct remote_write_counts counts;
	struct error err;
	begin(&message);
	begin(&series);
	begin(&metadata);
	put_symbols(&message, symbols);
	put_series_2(&message, "\1\2\3\4", 4, 1000, 1);
	put_field(&series, 1, STR("\1\2"));
	put_field(&series, 3, STR("histogram"));
	put_field(&series, 4, STR("exemplar"));
	put_number(&metadata, 1, 3);
	put_number(&metadata, 3, 5);
	put_number(&metadata, 4, 6);
	put_field(&series, 5, buf_str(&metadata));
	put_field(&message, 5, buf_str(&series));
	CHECK_OK(read_message(&message, REMOTE_WRITE_2, &seen, &counts, &err));
	CHECK_STR(buf_str(&seen.text), "__name__=lat_bucket,job=a\n 1000 1\n__name__=lat_bucket\nhistogram lat: how long (seconds)\n");
	CHECK_INT(counts.histograms, 1);
	CHECK_INT(counts.exemplars, 1);
	buf_finish(&message);
	buf_finish(&series);
	buf_finish(&metadata);
	buf_finish(&seen.text);
}

static void refused_2(const char *const *symbols, const char *references, size_t count, const char *why)
{
	struct buf message;
	struct seen seen;
	struct remote_write_counts counts;
	struct error err;
	begin(&message);
	put_symbols(&message, symbols);
	put_series_2(&message, references, count, 1, 1);
	CHECK_INT(read_message(&message, REMOTE_WRITE_2, &seen, &counts, &err), ERR_INVALID);
	CHECK_TEXT(err.text, why);
	buf_finish(&message);
	buf_finish(&seen.text);
}

TEST(symbols_that_are_not_there_and_labels_without_a_value_are_refused)
{
	static const char *const good[] = { "", "a", "b", NULL }, *const first[] = { "a", "b", NULL }, *const none[] = { NULL };
	refused_2(good, "\1\3", 2, "a series names a symbol that the message does not have");
	refused_2(good, "\1\2\1", 3, "a series has a label without a value");
	refused_2(first, "\1\1", 2, "the first symbol of a message is the empty one");
	refused_2(none, "", 0, "the first symbol of a message is the empty one");
}

TEST(a_message_cut_anywhere_is_refused_or_ends_between_two_series)
{
	struct buf message;
	begin(&message);
	put_series(&message, "__name__=up,job=a", 1000, 1);
	size_t one = message.used;
	put_series(&message, "__name__=up,job=b", 2000, 2);
	for (size_t length = 0; length <= message.used; length++) {
		struct buf part = { .bytes = message.bytes, .used = length };
		struct seen seen;
		struct remote_write_counts counts;
		struct error err;
		bool whole = length == 0 || length == one || length == message.used;
		CHECK_INT(read_message(&part, REMOTE_WRITE_1, &seen, &counts, &err), whole ? OK : ERR_INVALID);
		buf_finish(&seen.text);
	}
	buf_finish(&message);
}

static void ignore_series(void *context, struct str labels)
{
	(void)context, (void)labels;
}

static void ignore_sample(void *context, int64_t time_ms, double value)
{
	(void)context, (void)time_ms, (void)value;
}

TEST(few_symbols_that_unfold_to_much_are_refused)
{
	struct remote_write_sink sink = { NULL, ignore_series, ignore_sample, NULL };
	struct remote_write_counts counts;
	struct buf message;
	struct error err;
	char large[4096], references[100];
	begin(&message);
	memset(large, 'x', sizeof large);
	memset(references, 1, sizeof references);
	put_field(&message, 4, STR_NONE);
	put_field(&message, 4, (struct str){ large, sizeof large });
	for (int i = 0; i < 1000; i++)
		put_series_2(&message, references, sizeof references, 1, 1);
	CHECK(message.used < 200000);
	CHECK_INT(remote_write_read(buf_str(&message), REMOTE_WRITE_2, &sink, &counts, &err), ERR_TOO_LARGE);
	buf_finish(&message);
}

TEST(a_block_that_claims_to_be_huge_is_refused_before_memory_is_taken)
{
	struct error err;
	char *block;
	size_t size;
	struct buf bytes;
	buf_init(&bytes, 1000);
	CHECK_INT(snappy_block_unpack(STR("\xff\xff\xff\xff\x0f" "x"), &bytes, &err), ERR_TOO_LARGE);
	CHECK(bytes.size == 0);
	CHECK_INT(snappy_block_unpack(STR("\x05\x10" "ab"), &bytes, &err), ERR_INVALID);
	CHECK_INT(snappy_block_unpack(STR_NONE, &bytes, &err), ERR_INVALID);
	snappy_block_pack(STR("again and again and again"), &block, &size);
	for (int i = 0; i < 2; i++) {
		CHECK_OK(snappy_block_unpack((struct str){ block, size }, &bytes, &err));
		CHECK_STR(buf_str(&bytes), "again and again and again");
	}
	mem_free(block);
	buf_finish(&bytes);
}

TESTS(RUN(a_message_of_1_0_gives_series_samples_and_metadata), RUN(labels_that_do_not_stand_in_a_row_are_put_together),
      RUN(a_message_of_2_0_gives_the_same), RUN(symbols_that_are_not_there_and_labels_without_a_value_are_refused),
      RUN(a_message_cut_anywhere_is_refused_or_ends_between_two_series),
      RUN(few_symbols_that_unfold_to_much_are_refused),
      RUN(a_block_that_claims_to_be_huge_is_refused_before_memory_is_taken))
