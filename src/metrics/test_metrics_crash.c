/*
 * test_metrics_crash.c: a process that ends at any moment, or whose disk fails at any byte, loses nothing it acknowledged.
 *
 * A child appends frames with sync_each, takes checkpoints and lets old files go; it says in shared memory how far it is.
 * It is killed, or its files may not grow any more; the parent opens what is left and looks at every sample.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/random.h"
#include "metrics/test_metrics_data.h"

#define ROUNDS 24u
#define FRAMES_BETWEEN 30u /* checkpoints */
#define FRAMES_FAILING 200u
#define FRAMES_KILLED 5000u

struct shared {
	_Atomic unsigned begun, acknowledged; /* frames */
	_Atomic unsigned checkpoints;
};

static struct shared *share(void)
{
	void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static enum err open_it(struct metrics *metrics, struct metrics_log **ret_log, struct metrics_recovered *ret_told,
			struct error *err)
{
	struct metrics_log_options options = METRICS_LOG_OPTIONS_DEFAULT;
	options.sync_each = true;
	options.segment_bytes_max = 3000; /* several between checkpoints */
	return metrics_log_open_with(folder, &options, metrics, ret_log, ret_told, err);
}

/* Frames from where the one before came to; ends by being killed, when the disk fails, or after some. */
static void run_child(struct shared *shared, rlim_t file_bytes_max)
{
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct metrics_recovered told;
	struct error err;
	if (file_bytes_max > 0) {
		struct rlimit limit = { file_bytes_max, file_bytes_max };
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
	}
	if (open_it(metrics, &log, &told, &err) != OK)
		_exit(1);
	unsigned end = shared->begun + (file_bytes_max > 0 ? FRAMES_FAILING : FRAMES_KILLED);
	for (unsigned i = shared->begun; i < end; i++) {
		shared->begun = i + 1;
		if (append_frame(log, metrics, i, &err) != OK)
			_exit(2);
		shared->acknowledged = i + 1;
		if (i % FRAMES_BETWEEN == 0 && metrics_log_checkpoint(log, NULL, &err) == OK)
			shared->checkpoints++;
	}
	_exit(0);
}

/* The frame that was begun last may be there or not; every other one that was acknowledged is. */
static bool is_there[1u << 20];

static bool mark(void *context, const struct metrics_view *view)
{
	unsigned host = (unsigned)(view->labels[1].value.ptr[5] - '0');
	for (size_t i = 0; i < view->count; i++) {
		size_t at = (size_t)(view->times[i] - START) * SERIES + host;
		CHECK(at < sizeof is_there && !is_there[at]);
		CHECK(view->values[i] == (double)(view->times[i] - START) * 10 + host);
		is_there[at] = true;
	}
	return true;
}

static void look(const bool *acknowledged, unsigned begun, struct metrics_recovered *ret_told)
{
	struct metrics *metrics = make();
	struct metrics_log *log;
	struct error err;
	CHECK_OK(open_it(metrics, &log, ret_told, &err));
	memset(is_there, 0, sizeof is_there);
	CHECK_OK(metrics_select(metrics, NULL, 0, INT64_MIN, INT64_MAX, mark, NULL, &err));
	for (unsigned i = 0; i < begun * SERIES; i++)
		CHECK(!acknowledged[i / SERIES] || is_there[i]);
	for (unsigned i = 0; i < begun * SERIES; i += SERIES)
		for (unsigned j = 1; j < SERIES; j++)
			CHECK(is_there[i] == is_there[i + j]); /* whole frames */
	metrics_log_close(&log);
	metrics_destroy(&metrics);
}

/* However slow the machine is: a moment is a number of frames and a little time. */
static void wait_for(const struct shared *shared, unsigned frames)
{
	struct timespec moment = { 0, 100000 };
	for (unsigned i = 0; i < 100000 && shared->begun < frames; i++)
		nanosleep(&moment, NULL);
}

static unsigned rounds(bool is_killed, uint64_t seed)
{
	static bool acknowledged[(1u << 20) / SERIES];
	struct shared *shared = share();
	struct random random;
	unsigned most = 0;
	random_seeded(&random, seed);
	fresh_folder();
	memset(acknowledged, 0, sizeof acknowledged);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned from = shared->begun;
		rlim_t bytes_max = is_killed ? 0 : 20 + (rlim_t)random_below(&random, 4500);
		pid_t child = fork();
		if (child == 0)
			run_child(shared, bytes_max);
		if (is_killed) {
			struct timespec moment = { 0, (long)random_below(&random, 2000000) };
			wait_for(shared, from + (unsigned)random_below(&random, 60));
			nanosleep(&moment, NULL);
			kill(child, SIGKILL);
		}
		int status;
		CHECK_INT(waitpid(child, &status, 0), child);
		for (unsigned i = from; i < shared->acknowledged; i++)
			acknowledged[i] = true;
		CHECK(shared->begun < (1u << 20) / SERIES);
		struct metrics_recovered told;
		look(acknowledged, shared->begun, &told);
		CHECK(told.damaged_bytes == told.cut_bytes && told.damaged_checkpoints == 0 && told.damaged_files == 0);
		CHECK(told.unknown_samples == 0 && told.missing_segments == 0 && told.lost_files == 0);
		most = told.checkpoint > most ? told.checkpoint : most;
	}
	CHECK(shared->acknowledged > 100);
	unsigned checkpoints = shared->checkpoints;
	munmap(shared, sizeof *shared);
	CHECK(most > 0 || checkpoints == 0);
	remove_folder();
	return checkpoints;
}

TEST(killed_at_any_moment_all_that_was_acknowledged_is_there_in_whole_frames)
{
	CHECK(rounds(true, 1) > 3);
}

TEST(with_a_disk_that_fails_at_any_byte_all_that_was_acknowledged_is_there)
{
	rounds(false, 2);
}

TESTS(RUN(killed_at_any_moment_all_that_was_acknowledged_is_there_in_whole_frames),
      RUN(with_a_disk_that_fails_at_any_byte_all_that_was_acknowledged_is_there))
