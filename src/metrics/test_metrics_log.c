/* test_metrics_log.c: what was acknowledged is there after a restart; what is damaged is told, the rest served. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "metrics/sum.c" /* the table, that most processors do not need */
#include "metrics/test_metrics_data.h"

#define FRAMES 6u

static void write_frames(unsigned from, unsigned to)
{
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct metrics_recovered told;
	struct error err;
	CHECK_OK(metrics_log_open(folder, true, metrics, &log, &told, &err));
	for (unsigned i = from; i < to; i++)
		CHECK_OK(append_frame(log, metrics, i, &err));
	metrics_log_close(&log);
	metrics_destroy(&metrics);
}

static size_t reopened(struct metrics_recovered *ret_told)
{
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct error err;
	CHECK_OK(metrics_log_open(folder, true, metrics, &log, ret_told, &err));
	size_t count = samples(metrics);
	metrics_log_close(&log);
	metrics_destroy(&metrics);
	return count;
}

TEST(what_was_appended_is_there_after_each_of_several_restarts)
{
	struct metrics_recovered told;
	fresh_folder();
	for (unsigned i = 0; i < 5; i++)
		write_frames(i * 3, i * 3 + 3);
	CHECK_INT(reopened(&told), 15 * SERIES);
	CHECK_INT(told.samples, 15 * SERIES);
	CHECK_INT(told.segments, 5);
	CHECK(told.damaged_bytes == 0 && told.unknown_samples == 0);
	remove_folder();
}

TEST(what_is_on_the_disk_is_all_that_was_answered_without_closing)
{
	struct metrics *metrics = make(), *other = make();
	struct metrics_log *log;
	struct metrics_recovered told = { 0 };
	struct error err;
	char path[96], *bytes;
	size_t size, good;
	fresh_folder();
	path_to(1, "wal", path);
	CHECK_OK(metrics_log_open(folder, true, metrics, &log, &told, &err));
	for (unsigned i = 0; i < FRAMES; i++) {
		CHECK_OK(append_frame(log, metrics, i, &err));
		CHECK_OK(file_read(path, 1u << 20, &bytes, &size, &err));
		log_replay((struct str){ bytes, size }, other, &told, &good);
		CHECK_INT(samples(other), (i + 1) * SERIES);
		mem_free(bytes);
	}
	metrics_log_close(&log);
	metrics_destroy(&metrics);
	metrics_destroy(&other);
	remove_folder();
}

/* Reads the log of FRAMES frames and gives the first segment's bytes. */
static size_t small_log(char **ret_bytes)
{
	struct error err;
	char path[96];
	size_t size;
	fresh_folder();
	write_frames(0, FRAMES);
	path_to(1, "wal", path);
	CHECK_OK(file_read(path, 1u << 20, ret_bytes, &size, &err));
	return size;
}

TEST(a_log_cut_at_any_byte_keeps_each_whole_frame_before_and_says_what_it_cut)
{
	char *bytes, path[96];
	size_t size = small_log(&bytes), before = 0;
	struct error err;
	path_to(1, "wal", path);
	remove_folder();
	for (size_t cut = 0; cut <= size; cut++) {
		struct metrics_recovered told;
		CHECK_INT(mkdir(folder, 0700), 0);
		CHECK_OK(file_write(path, (struct str){ bytes, cut }, 0600, &err));
		size_t count = reopened(&told), kept;
		CHECK(count >= before && count % SERIES == 0);
		before = count;
		char *rest;
		CHECK_OK(file_read(path, 1u << 20, &rest, &kept, &err));
		CHECK_INT(kept + told.cut_bytes, cut);
		mem_free(rest);
		if (cut % 4 == 0) { /* and once more */
			CHECK_INT(reopened(&told), count);
			CHECK(told.damaged_bytes == 0);
		}
		remove_folder();
	}
	CHECK_INT(before, FRAMES * SERIES);
	mem_free(bytes);
}

TEST(a_bit_flipped_in_any_byte_costs_one_record_and_is_told)
{
	char *bytes;
	size_t size = small_log(&bytes);
	remove_folder();
	for (size_t flip = 0; flip < size * 8; flip += 9) { /* each byte, a bit in turn */
		struct metrics *metrics = make();
		struct metrics_recovered told = { 0 };
		size_t good;
		bytes[flip / 8] ^= (char)(1 << flip % 8);
		log_replay((struct str){ bytes, size }, metrics, &told, &good);
		bytes[flip / 8] ^= (char)(1 << flip % 8);
		size_t lost = FRAMES * SERIES - samples(metrics);
		CHECK(told.damaged_bytes > 0);
		CHECK(lost == 0 || lost == SERIES || lost == told.unknown_samples);
		CHECK(lost <= FRAMES); /* a series' record costs that series, a frame's that frame */
		metrics_destroy(&metrics);
	}
	mem_free(bytes);
}

TEST(a_disk_that_fails_refuses_what_comes_and_leaves_what_was_answered)
{
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct metrics_recovered told;
	struct error err;
	fresh_folder();
	CHECK_OK(metrics_log_open(folder, true, metrics, &log, &told, &err));
	struct rlimit old, small;
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ 700, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	unsigned answered = 0;
	while (append_frame(log, metrics, answered, &err) == OK)
		CHECK(++answered < 1000);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(answered > 2);
	CHECK(err.code == ERR_UNAVAILABLE);
	CHECK_ERR(append_frame(log, metrics, answered + 1, &err), ERR_UNAVAILABLE);
	CHECK(samples(metrics) >= answered * SERIES);
	metrics_log_close(&log);
	metrics_destroy(&metrics);
	CHECK_INT(reopened(&told), answered * SERIES);
	CHECK(told.cut_bytes > 0);
	remove_folder();
}

TEST(without_sync_each_the_caller_says_when)
{
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct metrics_recovered told;
	struct error err;
	char path[96], *bytes;
	size_t size;
	fresh_folder();
	path_to(1, "wal", path);
	CHECK_OK(metrics_log_open(folder, false, metrics, &log, &told, &err));
	CHECK_OK(append_frame(log, metrics, 0, &err));
	CHECK_OK(file_read(path, 1u << 20, &bytes, &size, &err));
	CHECK_INT(size, LOG_HEADER_BYTES);
	mem_free(bytes);
	CHECK_OK(metrics_log_sync(log, &err));
	CHECK_OK(file_read(path, 1u << 20, &bytes, &size, &err));
	CHECK(size > LOG_HEADER_BYTES);
	mem_free(bytes);
	metrics_log_close(&log);
	metrics_destroy(&metrics);
	remove_folder();
}

struct shared {
	struct metrics_log *log;
	struct metrics *metrics;
	unsigned host;
};

static void *append_many(void *context)
{
	struct shared *shared = context;
	uint32_t reference = named(shared->metrics, shared->host);
	struct metrics_tally tally;
	struct error err;
	for (unsigned i = 0; i < 100; i++) {
		double value = i * 10 + shared->host;
		struct metrics_frame frame = { &reference, &value, NULL, START + i, 1 };
		CHECK_OK(metrics_log_append(shared->log, &frame, &tally, &err));
	}
	return NULL;
}

TEST(those_who_wait_together_are_written_together_and_all_are_there)
{
	struct shared shared[SERIES];
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct metrics_recovered told;
	struct error err;
	pthread_t threads[SERIES];
	fresh_folder();
	CHECK_OK(metrics_log_open(folder, true, metrics, &log, &told, &err));
	for (unsigned i = 0; i < SERIES; i++) {
		shared[i] = (struct shared){ log, metrics, i };
		CHECK_INT(pthread_create(&threads[i], NULL, append_many, &shared[i]), 0);
	}
	for (unsigned i = 0; i < SERIES; i++)
		pthread_join(threads[i], NULL);
	metrics_log_close(&log);
	metrics_destroy(&metrics);
	CHECK_INT(reopened(&told), 100 * SERIES);
	remove_folder();
}

TEST(the_sum_is_crc32c_by_the_processor_and_by_the_table)
{
	unsigned char bytes[100];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	CHECK_INT(sum_more(0, "123456789", 9), 0xe3069283);
	CHECK_INT(~by_table(~0u, (const unsigned char *)"123456789", 9), 0xe3069283);
	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		CHECK_INT(sum_more(sum_more(0, bytes, cut), bytes + cut, sizeof bytes - cut), sum_more(0, bytes, sizeof bytes));
		CHECK_INT(~by_table(~0u, bytes, cut), sum_more(0, bytes, cut));
	}
}

TESTS(RUN(the_sum_is_crc32c_by_the_processor_and_by_the_table), RUN(what_was_appended_is_there_after_each_of_several_restarts),
      RUN(what_is_on_the_disk_is_all_that_was_answered_without_closing),
      RUN(a_log_cut_at_any_byte_keeps_each_whole_frame_before_and_says_what_it_cut),
      RUN(a_bit_flipped_in_any_byte_costs_one_record_and_is_told),
      RUN(a_disk_that_fails_refuses_what_comes_and_leaves_what_was_answered),
      RUN(without_sync_each_the_caller_says_when),
      RUN(those_who_wait_together_are_written_together_and_all_are_there))
