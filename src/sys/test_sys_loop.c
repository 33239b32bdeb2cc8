/* test_sys_loop.c: the loop, children and files on the real kernel. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/loop.h"

struct counter {
	struct loop *loop;
	unsigned count, wanted;
	unsigned order_broken;
};

struct word {
	struct counter *counter;
	unsigned number;
};

static void on_word(void *context)
{
	struct word *word = context;
	if (word->counter->count++ % 1000 != word->number)
		word->counter->order_broken++;
	if (word->counter->count == word->counter->wanted)
		loop_stop(word->counter->loop);
}

static void *speak(void *context)
{
	struct word *words = context;
	for (unsigned i = 0; i < 1000; i++)
		loop_post(words->counter->loop, on_word, &words[i]);
	return NULL;
}

TEST(words_from_another_thread_arrive_once_and_in_order)
{
	struct loop *loop = loop_create();
	struct counter counter = { .loop = loop, .wanted = 1000 };
	static struct word words[1000];
	for (unsigned i = 0; i < 1000; i++)
		words[i] = (struct word){ &counter, i };
	pthread_t thread;
	pthread_create(&thread, NULL, speak, words);
	CHECK(loop_run_for(loop, 10 * TIME_SECOND));
	pthread_join(thread, NULL);
	CHECK_INT(counter.count, 1000);
	CHECK_INT(counter.order_broken, 0);
	loop_destroy(&loop);
	CHECK(loop == NULL);
}

static void count_up(void *context)
{
	((struct counter *)context)->count++;
}

TEST(a_full_queue_refuses_and_what_was_queued_still_runs_at_the_end)
{
	struct loop *loop = loop_create();
	struct counter counter = { .loop = loop };
	for (unsigned i = 0; i < LOOP_POSTS_MAX; i++)
		CHECK_INT(loop_post(loop, count_up, &counter), OK);
	CHECK_INT(loop_post(loop, count_up, &counter), ERR_LIMIT);
	loop_destroy(&loop);
	CHECK_INT(counter.count, LOOP_POSTS_MAX);
}

static void stop_it(void *context)
{
	loop_stop(((struct counter *)context)->loop);
}

TEST(a_timer_never_fires_early_and_a_moved_one_fires_once)
{
	struct loop *loop = loop_create();
	struct clock clock;
	clock_system(&clock);
	struct counter counter = { .loop = loop };
	struct loop_timer *count = loop_timer_create(loop, count_up, &counter);
	struct loop_timer *stop = loop_timer_create(loop, stop_it, &counter);
	time_us before = clock_since_boot(&clock);
	loop_timer_start(count, 5 * TIME_MS);
	loop_timer_start(count, 20 * TIME_MS);
	loop_timer_start(stop, 40 * TIME_MS);
	CHECK(loop_run_for(loop, 10 * TIME_SECOND));
	CHECK(clock_since_boot(&clock) - before >= 39 * TIME_MS);
	CHECK_INT(counter.count, 1);
	loop_timer_destroy(&count);
	loop_timer_destroy(&stop);
	loop_destroy(&loop);
}

struct reader {
	struct loop *loop;
	int fd;
	char text[8];
};

static void on_readable(void *context, unsigned events)
{
	struct reader *reader = context;
	if ((events & LOOP_READABLE) && read(reader->fd, reader->text, 7) > 0)
		loop_stop(reader->loop);
}

TEST(a_readable_descriptor_wakes_its_poll)
{
	struct loop *loop = loop_create();
	struct error err;
	int pipe_fds[2];
	CHECK_INT(pipe(pipe_fds), 0);
	struct reader reader = { .loop = loop, .fd = pipe_fds[0] };
	struct loop_poll *poll;
	CHECK_OK(loop_poll_create(loop, pipe_fds[0], on_readable, &reader, &poll, &err));
	loop_poll_watch(poll, LOOP_READABLE);
	CHECK_INT(write(pipe_fds[1], "hello", 5), 5);
	CHECK(loop_run_for(loop, 10 * TIME_SECOND));
	CHECK_TEXT(reader.text, "hello");
	loop_poll_destroy(&poll);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	loop_destroy(&loop);
}

struct ended {
	struct loop *loop;
	struct child_result result;
	char out[256], errors[256];
};

static void on_ended(void *context, const struct child_result *result)
{
	struct ended *ended = context;
	ended->result = *result;
	snprintf(ended->out, sizeof ended->out, STR_FMT, STR_ARG(result->out));
	snprintf(ended->errors, sizeof ended->errors, STR_FMT, STR_ARG(result->errors));
	loop_stop(ended->loop);
}

static struct ended run_shell(const char *script, struct str input, time_us timeout, size_t cap)
{
	struct ended ended = { .loop = loop_create() };
	struct clock clock;
	clock_system(&clock);
	struct error err;
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	const char *env[] = { "WORD=from outside", "PATH=/usr/bin:/bin", NULL };
	struct child_request request = { .argv = argv, .env = env, .input = input,
	                                 .timeout = timeout, .output_max_bytes = cap };
	struct child *child;
	CHECK_OK(child_start(ended.loop, &clock, &request, on_ended, &ended, &child, &err));
	CHECK(loop_run_for(ended.loop, 20 * TIME_SECOND));
	loop_destroy(&ended.loop);
	return ended;
}

TEST(a_child_gets_its_input_and_environment_and_gives_both_streams)
{
	struct ended ended = run_shell("cat; echo $WORD; echo bad >&2; exit 3", STR("in\n"),
	                               5 * TIME_SECOND, 100);
	CHECK_INT(ended.result.end, CHILD_EXITED);
	CHECK_INT(ended.result.exit_code, 3);
	CHECK_TEXT(ended.out, "in\nfrom outside\n");
	CHECK_TEXT(ended.errors, "bad\n");
	CHECK(!ended.result.cut);
}

TEST(output_past_the_cap_is_dropped_and_said)
{
	struct ended ended = run_shell("i=0; while [ $i -lt 5000 ]; do echo 0123456789; i=$((i+1)); done",
	                               STR_NONE, 10 * TIME_SECOND, 15);
	CHECK_INT(ended.result.end, CHILD_EXITED);
	CHECK_TEXT(ended.out, "0123456789\n0123");
	CHECK(ended.result.cut);
}

/* Gone, or dead and waiting for an init that may never collect it. */
static bool is_dead(int64_t pid)
{
	char path[64], *stat = NULL;
	size_t size;
	snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
	if (file_read(path, 4096, &stat, &size, NULL) != OK)
		return true;
	const char *state = strrchr(stat, ')');
	bool dead = state != NULL && state[2] == 'Z';
	mem_free(stat);
	return dead;
}

static bool dies(int64_t pid)
{
	for (int i = 0; i < 100 && !is_dead(pid); i++)
		usleep(10000);
	return is_dead(pid);
}

TEST(a_child_over_its_time_ends_with_everything_it_started)
{
	struct ended ended = run_shell("sleep 300 & echo $!; wait", STR_NONE, 300 * TIME_MS, 100);
	CHECK_INT(ended.result.end, CHILD_TIMED_OUT);
	CHECK(ended.result.took < 3 * TIME_SECOND);
	int64_t pid;
	CHECK(str_int(str_trim(str_of(ended.out)), 2, 1 << 30, &pid));
	CHECK(dies(pid));
}

TEST(what_a_child_leaves_behind_dies_with_it)
{
	struct ended ended = run_shell("sleep 300 >/dev/null 2>&1 & echo $!", STR_NONE,
	                               5 * TIME_SECOND, 100);
	CHECK_INT(ended.result.end, CHILD_EXITED);
	int64_t pid;
	CHECK(str_int(str_trim(str_of(ended.out)), 2, 1 << 30, &pid));
	CHECK(dies(pid));
}

TEST(a_program_that_is_not_there_is_an_error_with_its_name)
{
	struct loop *loop = loop_create();
	struct clock clock;
	clock_system(&clock);
	struct error err;
	const char *argv[] = { "/nonexistent/program", NULL };
	struct child_request request = { .argv = argv, .timeout = TIME_SECOND, .output_max_bytes = 10 };
	struct child *child = NULL;
	CHECK_ERR(child_start(loop, &clock, &request, on_ended, NULL, &child, &err), ERR_NOT_FOUND);
	CHECK(strstr(err.text, "\"/nonexistent/program\"") != NULL);
	CHECK(child == NULL);
	loop_destroy(&loop);
}

TEST(a_file_is_written_whole_and_private_and_read_back)
{
	char folder[] = "/tmp/test_sys_file.XXXXXX";
	CHECK(mkdtemp(folder) != NULL);
	struct error err;
	char path[128], inner[128];
	snprintf(inner, sizeof inner, "%s/inner", folder);
	snprintf(path, sizeof path, "%s/inner/file", folder);
	CHECK_OK(file_make_private_folder(inner, &err));
	CHECK_OK(file_make_private_folder(inner, &err));
	CHECK_OK(file_write(path, STR("first"), 0600, &err));
	CHECK_OK(file_write(path, STR("second"), 0640, &err));
	cleanup_free char *bytes = NULL;
	size_t size = 0;
	CHECK_OK(file_read(path, 6, &bytes, &size, &err));
	CHECK_TEXT(bytes, "second");
	CHECK_INT(size, 6);
	struct stat info;
	CHECK_INT(stat(path, &info), 0);
	CHECK_INT(info.st_mode & 0777, 0640);
	CHECK_ERR(file_read(path, 5, &bytes, &size, &err), ERR_TOO_LARGE);
	CHECK_INT(chmod(inner, 0755), 0);
	CHECK_ERR(file_make_private_folder(inner, &err), ERR_CONFLICT);
	CHECK(strstr(err.hint, "chmod 700") != NULL);
	unlink(path);
	rmdir(inner);
	CHECK_ERR(file_write(path, STR("x"), 0600, &err), ERR_NOT_FOUND);
	CHECK_INT(rmdir(folder), 0);
}

TESTS(RUN(words_from_another_thread_arrive_once_and_in_order),
      RUN(a_full_queue_refuses_and_what_was_queued_still_runs_at_the_end),
      RUN(a_timer_never_fires_early_and_a_moved_one_fires_once),
      RUN(a_readable_descriptor_wakes_its_poll),
      RUN(a_child_gets_its_input_and_environment_and_gives_both_streams),
      RUN(output_past_the_cap_is_dropped_and_said),
      RUN(a_child_over_its_time_ends_with_everything_it_started),
      RUN(what_a_child_leaves_behind_dies_with_it),
      RUN(a_program_that_is_not_there_is_an_error_with_its_name),
      RUN(a_file_is_written_whole_and_private_and_read_back))
