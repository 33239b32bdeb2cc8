/* test_metrics_checkpoint.c: a checkpoint spares the log; what is damaged is told and the rest served. */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

#include "metrics/test_metrics_data.h"

/* Open, with what was told. */
struct opened {
	struct metrics *metrics;
	struct metrics_log *log;
	struct metrics_recovered told;
};

static struct opened open_folder(void)
{
	struct opened opened = { .metrics = make() };
	struct metrics_log_options options = METRICS_LOG_OPTIONS_DEFAULT;
	struct error err;
	CHECK_OK(metrics_log_open_with(folder, &options, opened.metrics, &opened.log, &opened.told, &err));
	return opened;
}

static void close_folder(struct opened *opened)
{
	metrics_log_close(&opened->log);
	metrics_destroy(&opened->metrics);
}

static void append(struct opened *opened, unsigned from, unsigned to)
{
	struct error err;
	for (unsigned i = from; i < to; i++)
		CHECK_OK(append_frame(opened->log, opened->metrics, i, &err));
}

static void checkpoint(struct opened *opened)
{
	struct error err;
	CHECK_OK(metrics_log_checkpoint(opened->log, NULL, &err));
}

static size_t reopened(struct metrics_recovered *ret_told)
{
	struct opened opened = open_folder();
	size_t count = samples(opened.metrics);
	*ret_told = opened.told;
	close_folder(&opened);
	return count;
}

TEST(after_a_checkpoint_only_what_came_since_is_read_from_the_log)
{
	struct metrics_recovered told;
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 700); /* open and sealed chunks */
	checkpoint(&opened);
	append(&opened, 700, 705);
	close_folder(&opened);
	CHECK_INT(reopened(&told), 705 * SERIES);
	CHECK_INT(told.samples, 5 * SERIES);
	CHECK_INT(told.checkpoint, 2);
	CHECK(told.damaged_bytes == 0 && told.damaged_checkpoints == 0 && told.damaged_files == 0 && told.lost_files == 0);
	remove_folder();
}

TEST(an_engine_after_a_restart_goes_on_as_the_one_before)
{
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 300);
	append(&opened, 310, 320);
	append(&opened, 300, 305); /* late */
	checkpoint(&opened);
	close_folder(&opened);
	for (unsigned round = 0; round < 3; round++) {
		struct error err;
		uint32_t reference;
		struct metrics_tally tally;
		double right = 3020, wrong = 1;
		opened = open_folder();
		reference = named(opened.metrics, 0);
		struct metrics_frame same = { &reference, &right, NULL, START + 302, 1 }, other = { &reference, &wrong, NULL, START + 302, 1 };
		CHECK_OK(metrics_log_append(opened.log, &same, &tally, &err));
		CHECK_INT(tally.counts[METRICS_SAME], 1);
		CHECK_OK(metrics_log_append(opened.log, &other, &tally, &err));
		CHECK_INT(tally.counts[METRICS_DUPLICATE], 1);
		append(&opened, 305 + round, 306 + round);
		append(&opened, 320 + 100 * round, 420 + 100 * round);
		if (round == 1)
			checkpoint(&opened);
		close_folder(&opened);
	}
	struct metrics_recovered told;
	CHECK_INT(reopened(&told), (300 + 10 + 5 + 3 + 300) * SERIES);
	struct metrics_figures figures;
	opened = open_folder();
	metrics_figures(opened.metrics, &figures);
	CHECK_INT(figures.series, SERIES);
	CHECK_INT(figures.series_new, 0); /* they were there already */
	CHECK_INT(figures.samples, (300 + 10 + 5 + 3 + 300) * SERIES);
	close_folder(&opened);
	remove_folder();
}

TEST(a_series_at_rest_is_so_after_a_restart_and_what_the_log_says_again_is_there_already)
{
	struct metrics_recovered told;
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 100);
	checkpoint(&opened); /* not at rest in this one */
	append(&opened, 100, 130);
	CHECK_INT(metrics_rest(opened.metrics, 0), SERIES);
	append(&opened, 120, 130); /* once more */
	close_folder(&opened);
	CHECK_INT(reopened(&told), 130 * SERIES);
	opened = open_folder();
	CHECK_INT(metrics_rest(opened.metrics, 0), SERIES);
	checkpoint(&opened); /* at rest in this one */
	append(&opened, 90, 140);
	close_folder(&opened);
	CHECK_INT(reopened(&told), 140 * SERIES);
	CHECK(told.damaged_bytes == 0 && told.damaged_checkpoints == 0 && told.damaged_files == 0 && told.lost_files == 0);
	remove_folder();
}

TEST(old_segments_go_when_both_kept_checkpoints_are_past_them)
{
	char path[96];
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 3);
	checkpoint(&opened);
	append(&opened, 3, 6);
	path_to(1, "wal", path);
	CHECK_INT(access(path, F_OK), 0);
	checkpoint(&opened);
	CHECK(access(path, F_OK) != 0);
	path_to(2, "wal", path);
	CHECK_INT(access(path, F_OK), 0);
	for (unsigned i = 0; i < 5; i++)
		checkpoint(&opened);
	CHECK_INT(files_ending(".ckp", false), 2);
	CHECK(files_ending(".wal", false) <= 2);
	close_folder(&opened);
	struct metrics_recovered told;
	CHECK_INT(reopened(&told), 6 * SERIES);
	remove_folder();
}

/* Two checkpoints, sealed chunks before, between and after, a late sample. */
static size_t two_checkpoints(void)
{
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 260);
	append(&opened, 261, 263);
	append(&opened, 260, 261);
	checkpoint(&opened);
	append(&opened, 263, 520);
	checkpoint(&opened);
	append(&opened, 520, 523);
	close_folder(&opened);
	return 523 * SERIES;
}

static void flip(const char *path, size_t bit)
{
	struct error err;
	char *bytes;
	size_t size;
	CHECK_OK(file_read(path, 64u << 20, &bytes, &size, &err));
	bytes[bit / 8] ^= (char)(1 << bit % 8);
	CHECK_OK(file_write(path, (struct str){ bytes, size }, 0600, &err));
	mem_free(bytes);
}

static size_t size_of(const char *path)
{
	struct stat status;
	CHECK_INT(stat(path, &status), 0);
	return (size_t)status.st_size;
}

TEST(a_bit_flipped_in_any_section_of_a_checkpoint_makes_the_older_one_serve_with_more_of_the_log)
{
	struct copy copy;
	char path[96];
	size_t all = two_checkpoints();
	keep_files(&copy);
	path_to(3, "ckp", path);
	size_t size = size_of(path);
	for (size_t at = 0; at < size; at += size / 40) {
		struct metrics_recovered told;
		flip(path, at * 8 + at % 8);
		CHECK_INT(reopened(&told), all);
		CHECK_INT(told.damaged_checkpoints, 1);
		CHECK_INT(told.checkpoint, 2);
		CHECK_INT(files_ending(".lost", false), 1);
		CHECK_INT(reopened(&told), all); /* and once more */
		CHECK_INT(told.damaged_checkpoints, 0);
		restore_files(&copy);
	}
	forget_files(&copy);
	remove_folder();
}

TEST(every_bit_of_a_small_checkpoint_is_guarded)
{
	struct error err;
	char path[96], *bytes;
	size_t size;
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 3);
	checkpoint(&opened);
	close_folder(&opened);
	path_to(2, "ckp", path);
	CHECK_OK(file_read(path, 1u << 20, &bytes, &size, &err));
	struct metrics *metrics = make();
	struct seg_place place;
	for (size_t bit = 0; bit < size * 8; bit += 5) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		CHECK(!checkpoint_read((struct str){ bytes, size }, metrics, &place));
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		metrics_empty(metrics);
	}
	for (size_t cut = 0; cut < size; cut++) {
		CHECK(!checkpoint_read((struct str){ bytes, cut }, metrics, &place));
		metrics_empty(metrics);
	}
	CHECK(checkpoint_read((struct str){ bytes, size }, metrics, &place));
	CHECK_INT(samples(metrics), 3 * SERIES);
	metrics_destroy(&metrics);
	mem_free(bytes);
	remove_folder();
}

TEST(without_any_sound_checkpoint_the_log_serves_what_it_has_and_the_rest_is_told)
{
	char path[96];
	struct metrics_recovered told;
	two_checkpoints();
	path_to(2, "ckp", path);
	flip(path, 1000);
	path_to(3, "ckp", path);
	flip(path, 1000);
	CHECK_INT(reopened(&told), (523 - 263) * SERIES);
	CHECK_INT(told.damaged_checkpoints, 2);
	CHECK_INT(told.missing_segments, 1);
	CHECK_INT(told.lost_files, 1);
	CHECK_INT(files_ending(".seg.lost", false), 1);
	remove_folder();
}

TEST(what_a_crash_left_half_written_is_no_checkpoint)
{
	struct error err;
	char path[96];
	struct metrics_recovered told;
	size_t all = two_checkpoints();
	path_to(9, "ckp.tmp", path);
	CHECK_OK(file_write(path, STR("half"), 0600, &err));
	CHECK_INT(reopened(&told), all);
	CHECK_INT(told.damaged_checkpoints, 0);
	CHECK_INT(files_ending(".tmp", false), 0);
	remove_folder();
}

struct beside {
	struct opened *opened;
	_Atomic unsigned frames;
	_Atomic bool done;
};

static void *append_beside(void *context)
{
	struct beside *beside = context;
	append(beside->opened, 0, beside->frames);
	beside->done = true;
	return NULL;
}

TEST(frames_go_on_while_checkpoints_are_taken_and_each_sample_is_there_once)
{
	fresh_folder();
	struct opened opened = open_folder();
	struct beside beside = { &opened, 3000, false };
	pthread_t thread;
	unsigned taken = 0;
	CHECK_INT(pthread_create(&thread, NULL, append_beside, &beside), 0);
	while (!beside.done || taken < 5) {
		checkpoint(&opened);
		taken++;
	}
	pthread_join(thread, NULL);
	CHECK_INT(samples(opened.metrics), 3000 * SERIES);
	close_folder(&opened);
	struct metrics_recovered told;
	CHECK_INT(reopened(&told), 3000 * SERIES);
	remove_folder();
}

#define MANY 3000u /* series: more than one batch */

static void *append_many_beside(void *context)
{
	struct beside *beside = context;
	static uint32_t references[MANY];
	static double values[MANY];
	struct metrics_tally tally;
	struct error err;
	for (unsigned i = 0; i < MANY; i++)
		references[i] = named(beside->opened->metrics, i);
	for (unsigned i = 0; !beside->done; i++) {
		for (unsigned j = 0; j < MANY; j++)
			values[j] = i;
		struct metrics_frame frame = { references, values, NULL, START + i, MANY };
		CHECK_OK(metrics_log_append(beside->opened->log, &frame, &tally, &err));
		beside->frames = i + 1;
	}
	return NULL;
}

static void checkpoints_and_gone(void)
{
	struct opened opened = open_folder();
	struct beside beside = { &opened, 0, false };
	pthread_t thread;
	pthread_create(&thread, NULL, append_many_beside, &beside);
	while (beside.frames < 3)
		sched_yield();
	checkpoint(&opened);
	_exit(0);
}

static bool same_end(void *context, const struct metrics_view *view)
{
	struct beside *beside = context;
	CHECK(beside->frames == 0 || beside->frames == view->count);
	beside->frames = (unsigned)view->count;
	return true;
}

TEST(a_frame_of_which_a_checkpoint_has_a_part_is_whole_after_a_crash_though_nobody_synced)
{
	for (unsigned round = 0; round < 5; round++) {
		fresh_folder();
		pid_t child = fork();
		if (child == 0)
			checkpoints_and_gone();
		int status;
		CHECK_INT(waitpid(child, &status, 0), child);
		CHECK_INT(status, 0);
		struct opened opened = open_folder();
		struct beside beside = { &opened, 0, false };
		struct error err;
		CHECK(opened.told.checkpoint > 0);
		CHECK_OK(metrics_select(opened.metrics, NULL, 0, INT64_MIN, INT64_MAX, same_end, &beside, &err));
		CHECK(beside.frames >= 3);
		close_folder(&opened);
		remove_folder();
	}
}

TEST(the_newest_time_of_all_rises_also_by_what_the_log_says_again)
{
	struct metrics *metrics = make();
	struct metrics_figures figures;
	struct metrics_tally tally;
	uint32_t reference = named(metrics, 0);
	double value = 1;
	struct metrics_frame frame = { &reference, &value, NULL, START, 1 };
	metrics_append(metrics, &frame, &tally);
	metrics->newest_ms = START - 1; /* as a checkpoint says it that was begun before */
	metrics_append(metrics, &frame, &tally);
	CHECK_INT(tally.counts[METRICS_SAME], 1);
	metrics_figures(metrics, &figures);
	CHECK_INT(figures.newest_ms, START);
	metrics_destroy(&metrics);
}

/* Ten series of one frame long ago, and SERIES that go on, over windows. */
TEST(series_all_of_whose_samples_expired_are_gone_after_a_restart_and_may_come_back)
{
	struct error err;
	struct metrics_tally tally;
	struct metrics_figures figures;
	double value = 10;
	fresh_folder();
	struct opened opened = open_folder();
	append(&opened, 0, 1);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t reference = named(opened.metrics, 100 + i);
		struct metrics_frame frame = { &reference, &value, NULL, START, 1 };
		CHECK_OK(metrics_log_append(opened.log, &frame, &tally, &err));
	}
	for (unsigned i = 1; i < 40; i++)
		append(&opened, i * 1000000, i * 1000000 + 1);
	metrics_expire(opened.metrics, START + 1);
	for (unsigned round = 0; round < 2; round++) {
		checkpoint(&opened);
		close_folder(&opened);
		opened = open_folder();
		metrics_figures(opened.metrics, &figures);
		CHECK_INT(figures.series, SERIES);
		CHECK_INT(figures.pairs, 1 + SERIES); /* up, and the instances */
		CHECK_INT(samples(opened.metrics), 39 * SERIES);
	}
	CHECK(named(opened.metrics, 100) >= SERIES + 10); /* by another number */
	uint32_t reference = named(opened.metrics, 105);
	struct metrics_frame frame = { &reference, &value, NULL, START + 50000000, 1 };
	CHECK_OK(metrics_log_append(opened.log, &frame, &tally, &err));
	CHECK_INT(tally.counts[METRICS_APPENDED], 1);
	close_folder(&opened);
	opened = open_folder();
	CHECK_INT(named(opened.metrics, 105), SERIES + 10);
	checkpoint(&opened);
	close_folder(&opened);
	opened = open_folder();
	metrics_figures(opened.metrics, &figures);
	CHECK_INT(figures.series, SERIES + 1);
	close_folder(&opened);
	remove_folder();
}

TESTS(RUN(a_series_at_rest_is_so_after_a_restart_and_what_the_log_says_again_is_there_already),
      RUN(series_all_of_whose_samples_expired_are_gone_after_a_restart_and_may_come_back), RUN(a_frame_of_which_a_checkpoint_has_a_part_is_whole_after_a_crash_though_nobody_synced),
      RUN(the_newest_time_of_all_rises_also_by_what_the_log_says_again), RUN(after_a_checkpoint_only_what_came_since_is_read_from_the_log),
      RUN(an_engine_after_a_restart_goes_on_as_the_one_before), RUN(old_segments_go_when_both_kept_checkpoints_are_past_them),
      RUN(a_bit_flipped_in_any_section_of_a_checkpoint_makes_the_older_one_serve_with_more_of_the_log),
      RUN(every_bit_of_a_small_checkpoint_is_guarded),
      RUN(without_any_sound_checkpoint_the_log_serves_what_it_has_and_the_rest_is_told),
      RUN(what_a_crash_left_half_written_is_no_checkpoint),
      RUN(frames_go_on_while_checkpoints_are_taken_and_each_sample_is_there_once))
