/*
 * test_main_hand.c: messages, the folder of commands, a real hand behind its walls, and the supervisor.
 * The hand is this program again ("be-hand FD ..."): as in the product it has no threads when it begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "main/hand.h"
#include "main/hand_client.h"
#include "main/hand_message.h"
#include "main/supervise.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/pass.h"

#define PATIENCE_MS 15000

/* ---- messages ---- */

static const struct hand_message samples[] = {
	{ .kind = HAND_RUN, .id = 1, .timeout = TIME_SECOND, .name = { "page-sms", 8 }, .input = { "{}\0x", 4 } },
	{ .kind = HAND_RUN, .id = UINT64_MAX, .timeout = TIME_MS, .name = { "a", 1 } },
	{ .kind = HAND_KILL, .id = 77 },
	{ .kind = HAND_RESULT, .id = 1, .end = CHILD_SIGNALLED, .exit_code = 255, .number = 64, .cut = 1,
	  .took = 2 * TIME_HOUR, .out = { "out", 3 }, .errors = { "errors", 6 } },
	{ .kind = HAND_REFUSED, .id = 9, .reason = ERR_LIMIT, .text = { "no", 2 } },
	{ .kind = HAND_PLUGIN, .id = 9, .timeout = TIME_SECOND, .name = { "check_disk", 10 },
	  .args = { "-w\00010%\0", 7 } },
};
#define SAMPLES (sizeof samples / sizeof samples[0])

static void check_same(const struct hand_message *a, const struct hand_message *b)
{
	CHECK_INT(a->kind, b->kind);
	CHECK(a->id == b->id);
	CHECK_INT(a->timeout, b->timeout);
	CHECK_INT(a->end, b->end);
	CHECK_INT(a->exit_code, b->exit_code);
	CHECK_INT(a->number, b->number);
	CHECK_INT(a->cut, b->cut);
	CHECK_INT(a->took, b->took);
	CHECK_INT(a->reason, b->reason);
	CHECK(str_eq(a->name, b->name) && str_eq(a->input, b->input) && str_eq(a->text, b->text));
	CHECK(str_eq(a->args, b->args));
	CHECK(str_eq(a->out, b->out) && str_eq(a->errors, b->errors));
}

TEST(messages_read_as_they_were_written_and_no_byte_earlier)
{
	struct error err;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct hand_message read = { 0 };
		cleanup_buf struct buf bytes;
		size_t used = 99;
		buf_init(&bytes, HAND_MESSAGE_BYTES_MAX + 1);
		hand_message_write(&samples[i], &bytes);
		for (size_t cut = 0; cut < bytes.used; cut++) {
			CHECK_OK(hand_message_read((struct str){ bytes.bytes, cut }, &read, &used, &err));
			CHECK_INT(used, 0);
		}
		buf_addc(&bytes, 'x'); /* of the next one */
		CHECK_OK(hand_message_read(buf_str(&bytes), &read, &used, &err));
		CHECK_INT(used, bytes.used - 1);
		check_same(&read, &samples[i]);
	}
}

/* One byte of a written message changed. */
static void check_broken(size_t sample, size_t at, char byte, const char *word)
{
	struct hand_message read;
	struct error err;
	size_t used;
	cleanup_buf struct buf bytes;
	buf_init(&bytes, HAND_MESSAGE_BYTES_MAX);
	hand_message_write(&samples[sample], &bytes);
	bytes.bytes[at] = byte;
	CHECK_ERR(hand_message_read(buf_str(&bytes), &read, &used, &err), ERR_CORRUPT);
	if (strstr(err.text, word) == NULL)
		fail_msg("wanted \"%s\" in \"%s\"", word, err.text);
}

TEST(a_message_that_breaks_a_rule_is_refused)
{
	check_broken(0, 3, 0x7F, "bytes");      /* 2 GB long */
	check_broken(0, 0, 9, "bytes");         /* shorter than a head */
	check_broken(0, 4, 2, "version");
	check_broken(0, 5, 0, "kind");
	check_broken(0, 5, HAND_KIND_END, "kind");
	check_broken(0, 21, 0x7F, "timeout");   /* a negative or endless one */
	check_broken(0, 22, 64, "name");        /* too long */
	check_broken(0, 22, 0, "name");         /* none */
	check_broken(0, 22, 60, "name");        /* beyond the end */
	check_broken(0, 34, 3, "longer");       /* an input that leaves a byte over */
	check_broken(3, 14, 4, "end");
	check_broken(4, 14, 0, "reason");
	check_broken(4, 14, ERR_COUNT, "reason");
}

/* ---- a place with commands ---- */

struct scene {
	char top[64], commands[80], data[80], secret[96];
	struct hand_place place;
	int control; /* the supervisor's end */
	struct hand_client *client;
	pid_t hand;
	struct clock clock;
};

static atomic_llong clock_ahead; /* of the client's clock */

static time_us test_boot(struct clock *clock)
{
	struct clock real;
	(void)clock;
	clock_system(&real);
	return clock_since_boot(&real) + clock_ahead;
}

static void put(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	CHECK_INT(chmod(path, mode), 0);
}

static void scene_init(struct scene *scene)
{
	struct error err;
	*scene = (struct scene){ .control = -1 };
	clock_ahead = 0;
	clock_system(&scene->clock);
	scene->clock.since_boot = test_boot;
	snprintf(scene->top, sizeof scene->top, "/tmp/hand-test-XXXXXX");
	CHECK(mkdtemp(scene->top) != NULL);
	CHECK_INT(chmod(scene->top, 0755), 0);
	snprintf(scene->commands, sizeof scene->commands, "%s/commands", scene->top);
	snprintf(scene->data, sizeof scene->data, "%s/data", scene->top);
	snprintf(scene->secret, sizeof scene->secret, "%s/secret", scene->data);
	CHECK_INT(mkdir(scene->commands, 0755), 0);
	CHECK_INT(mkdir(scene->data, 0777), 0);
	CHECK_INT(chmod(scene->data, 0777), 0); /* only the walls protect it */
	put(scene->data, "secret", "secret", 0666);
	CHECK_OK(hand_place_open(scene->commands, NULL, scene->data, &scene->place, &err));
}

static void give_new_hand(struct scene *scene)
{
	char fd[16];
	int pair[2];
	struct error err;
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	snprintf(fd, sizeof fd, "%d", pair[1]);
	scene->hand = fork();
	CHECK(scene->hand >= 0);
	if (scene->hand == 0) {
		fcntl(pair[1], F_SETFD, 0);
		execl("/proc/self/exe", "hand", "be-hand", fd, scene->place.commands, scene->place.temp, NULL);
		_exit(99);
	}
	close(pair[1]);
	CHECK_OK(pass_send(scene->control, pair[0], &err));
	close(pair[0]);
}

static void scene_start(struct scene *scene)
{
	int pair[2];
	struct error err;
	scene_init(scene);
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	scene->control = pair[0];
	CHECK_OK(hand_client_start(pair[1], &scene->clock, &scene->client, &err));
	give_new_hand(scene);
}

static int wait_for_hand(struct scene *scene)
{
	int status = -1;
	CHECK_INT(waitpid(scene->hand, &status, 0), scene->hand);
	scene->hand = 0;
	return status;
}

static void remove_all(const char *top)
{
	char path[200];
	const char *const names[] = { "rm", "-rf", path, NULL };
	snprintf(path, sizeof path, "%s", top);
	pid_t pid = fork();
	if (pid == 0) {
		execv("/bin/rm", (char **)names);
		_exit(99);
	}
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

static void scene_finish(struct scene *scene)
{
	hand_client_stop(&scene->client);
	if (scene->hand > 0) {
		int status = wait_for_hand(scene); /* nobody told it but the end of its socket */
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	if (scene->control >= 0)
		close(scene->control);
	hand_place_close(&scene->place);
	CHECK(access(scene->place.temp, F_OK) != 0);
	remove_all(scene->top);
}

static struct child_result run(struct scene *scene, const char *name, const char *input, time_us timeout,
			       struct arena *arena)
{
	struct child_result result;
	struct error err;
	CHECK_OK(hand_client_run(scene->client, name, str_of(input), timeout, arena, &result, &err));
	return result;
}

static void wants_in(struct str text, const char *word)
{
	if (memmem(text.ptr, text.len, word, strlen(word)) == NULL)
		fail_msg("wanted \"%s\" in \"" STR_FMT "\"", word, STR_ARG(text));
}

static bool wait_for_file(const char *path)
{
	for (unsigned i = 0; i < PATIENCE_MS / 10; i++) {
		if (access(path, F_OK) == 0)
			return true;
		usleep(10000);
	}
	return false;
}

/* ---- the folder ---- */

TEST(only_files_that_nobody_else_can_change_are_commands)
{
	struct scene scene;
	struct error err;
	char path[PATH_MAX], link[120];
	scene_init(&scene);
	put(scene.commands, "good", "#!/bin/sh\n", 0755);
	put(scene.commands, "group", "#!/bin/sh\n", 0775);
	put(scene.commands, "world", "#!/bin/sh\n", 0757);
	put(scene.commands, "data", "#!/bin/sh\n", 0644);
	snprintf(link, sizeof link, "%s/link", scene.commands);
	CHECK_INT(symlink("/bin/true", link), 0);
	CHECK_OK(hand_place_find(&scene.place, STR("good"), path, &err));
	CHECK(strstr(path, "/commands/good") != NULL);
	CHECK_ERR(hand_place_find(&scene.place, STR("group"), path, &err), ERR_DENIED);
	CHECK_ERR(hand_place_find(&scene.place, STR("world"), path, &err), ERR_DENIED);
	CHECK_ERR(hand_place_find(&scene.place, STR("data"), path, &err), ERR_DENIED);
	CHECK_ERR(hand_place_find(&scene.place, STR("link"), path, &err), ERR_DENIED);
	CHECK_ERR(hand_place_find(&scene.place, STR("none"), path, &err), ERR_NOT_FOUND);
	CHECK_ERR(hand_place_find(&scene.place, STR("../data/secret"), path, &err), ERR_INVALID);
	CHECK_ERR(hand_place_find(&scene.place, STR("good;id"), path, &err), ERR_INVALID);
	CHECK_INT(chmod(scene.commands, 0777), 0);
	CHECK_ERR(hand_place_find(&scene.place, STR("good"), path, &err), ERR_DENIED);
	scene_finish(&scene);
}

TEST(a_folder_that_others_can_change_or_that_holds_the_data_is_refused)
{
	struct scene scene;
	struct hand_place place;
	struct error err;
	char within[120];
	scene_init(&scene);
	snprintf(within, sizeof within, "%s/not/yet/there", scene.commands);
	CHECK_ERR(hand_place_open(scene.commands, NULL, within, &place, &err), ERR_INVALID);
	CHECK_ERR(hand_place_open("/no/such/folder", NULL, scene.data, &place, &err), ERR_NOT_FOUND);
	CHECK_ERR(hand_place_open(scene.data, NULL, scene.commands, &place, &err), ERR_DENIED);
	CHECK(strstr(err.hint, "chmod go-w") != NULL);
	scene_finish(&scene);
}

/* ---- a real hand ---- */

TEST(a_command_gets_its_input_and_says_how_it_ended)
{
	struct scene scene;
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	scene_start(&scene);
	put(scene.commands, "echo", "#!/bin/sh\ncat\necho \"args $#\"\necho oops >&2\nexit 7\n", 0755);
	struct child_result result = run(&scene, "echo", "hello ", 10 * TIME_SECOND, &arena);
	CHECK_INT(result.end, CHILD_EXITED);
	CHECK_INT(result.exit_code, 7);
	CHECK_STR(result.out, "hello args 0\n");
	CHECK_STR(result.errors, "oops\n");
	CHECK(!result.cut && result.took > 0);
	result = run(&scene, "no-such", "", TIME_SECOND, &arena);
	CHECK_INT(result.exit_code, HAND_EXIT_NOT_RUN);
	wants_in(result.errors, "there is no command \"no-such\"");
	scene_finish(&scene);
}

TEST(a_command_is_a_lesser_user_in_a_fixed_environment)
{
	struct scene scene;
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	setenv("MAINSTAY_TEST_SECRET", "do-not-tell", 1);
	scene_start(&scene);
	put(scene.commands, "who", "#!/bin/sh\nid -u\npwd\nenv\nulimit -v\nulimit -t\n"
	    "echo x > \"$TMPDIR/note\" && cat \"$TMPDIR/note\"\n", 0755);
	struct child_result result = run(&scene, "who", "", 10 * TIME_SECOND, &arena);
	CHECK_INT(result.exit_code, 0);
	if (geteuid() == 0)
		CHECK(str_starts(result.out, STR("65534\n/\n")));
	wants_in(result.out, "PATH=/usr/local/bin:/usr/bin:/bin\n");
	wants_in(result.out, "\n4194304\n300\nx\n");
	CHECK(memmem(result.out.ptr, result.out.len, "do-not-tell", 11) == NULL);
	scene_finish(&scene);
	unsetenv("MAINSTAY_TEST_SECRET");
}

TEST(a_command_cannot_read_or_write_the_data_folder)
{
	struct scene scene;
	char script[800];
	cleanup_arena struct arena arena;
	if (sandbox_landlock_abi() == 0) {
		print_message("skip: this kernel has no Landlock\n");
		skip();
	}
	arena_init(&arena, 0);
	scene_start(&scene);
	snprintf(script, sizeof script, "#!/bin/sh\ncat %s\necho x > %s\necho x > %s/new\nls %s\n"
		 "echo x > %s/planted\nexit 0\n", scene.secret, scene.secret, scene.data, scene.data,
		 scene.commands);
	put(scene.commands, "thief", script, 0755);
	struct child_result result = run(&scene, "thief", "", 10 * TIME_SECOND, &arena);
	CHECK_INT(result.exit_code, 0);
	CHECK_STR(result.out, "");
	unsigned denials = 0;
	for (size_t i = 0; i + 17 <= result.errors.len; i++)
		denials += memcmp(result.errors.ptr + i, "ermission denied", 16) == 0;
	CHECK_INT(denials, 5);
	struct stat st;
	CHECK_INT(stat(scene.secret, &st), 0);
	CHECK_INT(st.st_size, 6);
	scene_finish(&scene);
}

TEST(a_command_whose_time_is_over_ends_with_all_it_started)
{
	struct scene scene;
	char pid_path[120], text[32] = "";
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	scene_start(&scene);
	put(scene.commands, "slow", "#!/bin/sh\ntrap '' TERM\nsleep 600 & echo $! > \"$TMPDIR/pid\"\nwait\nwait\n",
	    0755);
	struct child_result result = run(&scene, "slow", "", 300 * TIME_MS, &arena);
	CHECK_INT(result.end, CHILD_TIMED_OUT);
	CHECK(result.took >= 300 * TIME_MS && result.took < 10 * TIME_SECOND);
	snprintf(pid_path, sizeof pid_path, "%s/pid", scene.place.temp);
	int fd = open(pid_path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	int64_t pid = 0;
	CHECK(str_int(str_trim(str_of(text)), 2, INT32_MAX, &pid));
	for (unsigned i = 0; i < 200 && kill((pid_t)pid, 0) == 0; i++)
		usleep(10000);
	CHECK(kill((pid_t)pid, 0) != 0 && errno == ESRCH);
	scene_finish(&scene);
}

TEST(output_beyond_the_cap_is_dropped_and_said)
{
	struct scene scene;
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	scene_start(&scene);
	put(scene.commands, "chatty", "#!/bin/sh\nyes | head -c 1000000\n", 0755);
	struct child_result result = run(&scene, "chatty", "", 10 * TIME_SECOND, &arena);
	CHECK_INT(result.exit_code, 0);
	CHECK_INT(result.out.len, HAND_OUTPUT_BYTES_MAX);
	CHECK(result.cut);
	scene_finish(&scene);
}

struct tally {
	struct loop *loop;
	unsigned answered, wanted, sent, refused, killed;
	struct hand_client *client;
	char last[200];
};

static void count(void *context, const struct child_result *result)
{
	struct tally *tally = context;
	if (result->end == CHILD_KILLED)
		tally->killed++;
	else if (result->exit_code == 0)
		tally->sent++;
	else
		tally->refused++;
	snprintf(tally->last, sizeof tally->last, STR_FMT, STR_ARG(result->errors));
	if (++tally->answered == tally->wanted)
		loop_stop(tally->loop);
}

static void ask(struct tally *tally, const char *path, time_us timeout, void **ret_run)
{
	const char *const argv[] = { path, NULL };
	struct child_request request = { .argv = argv, .timeout = timeout, .output_max_bytes = 100 };
	struct channel_runner runner = hand_client_runner(tally->client);
	struct error err;
	tally->wanted++;
	CHECK_OK(runner.start(runner.context, tally->loop, &request, count, tally, ret_run, &err));
}

TEST(sixteen_run_at_once_and_the_others_wait)
{
	struct scene scene;
	struct loop *loop = loop_create();
	struct tally tally = { .loop = loop };
	void *run;
	scene_start(&scene);
	tally.client = scene.client;
	/* Each leaves a mark while it runs and says how many there were. */
	put(scene.commands, "mark", "#!/bin/sh\n: > \"$TMPDIR/m.$$\"\nsleep 1.5\n"
	    "set -- \"$TMPDIR\"/m.*\n[ $# -le 16 ] || : > \"$TMPDIR/too-many\"\n"
	    "[ $# -lt 16 ] || : > \"$TMPDIR/full\"\nrm \"$TMPDIR/m.$$\"\n", 0755);
	for (unsigned i = 0; i < 24; i++)
		ask(&tally, "/elsewhere/mark", 20 * TIME_SECOND, &run);
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.sent, 24);
	char path[120];
	snprintf(path, sizeof path, "%s/too-many", scene.place.temp);
	CHECK(access(path, F_OK) != 0);
	snprintf(path, sizeof path, "%s/full", scene.place.temp);
	CHECK(access(path, F_OK) == 0);
	scene_finish(&scene);
	loop_destroy(&loop);
}

TEST(what_waits_for_a_place_longer_than_it_may_run_is_refused_with_a_sentence)
{
	struct scene scene;
	struct loop *loop = loop_create();
	struct tally tally = { .loop = loop };
	void *run;
	scene_start(&scene);
	tally.client = scene.client;
	put(scene.commands, "slow", "#!/bin/sh\nsleep 3\n", 0755);
	put(scene.commands, "fast", "#!/bin/sh\n", 0755);
	for (unsigned i = 0; i < HAND_RUNNING_MAX; i++)
		ask(&tally, "slow", 20 * TIME_SECOND, &run);
	tally.wanted = 0;
	ask(&tally, "fast", 200 * TIME_MS, &run);
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.refused, 1);
	wants_in(str_of(tally.last), "16 others were running");
	tally.wanted = HAND_RUNNING_MAX + 1;
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.sent, HAND_RUNNING_MAX);
	scene_finish(&scene);
	loop_destroy(&loop);
}

TEST(more_than_the_queue_holds_is_refused_at_once)
{
	struct scene scene;
	struct loop *loop = loop_create();
	struct tally tally = { .loop = loop };
	void *run;
	struct error err;
	scene_start(&scene);
	tally.client = scene.client;
	put(scene.commands, "slow", "#!/bin/sh\nexec sleep 60\n", 0755);
	void *runs[HAND_CLIENT_RUNS_MAX];
	for (unsigned i = 0; i < HAND_CLIENT_RUNS_MAX; i++)
		ask(&tally, "slow", TIME_MINUTE, &runs[i]);
	const char *const argv[] = { "slow", NULL };
	struct child_request request = { .argv = argv, .timeout = TIME_SECOND, .output_max_bytes = 100 };
	struct channel_runner runner = hand_client_runner(scene.client);
	CHECK_ERR(runner.start(runner.context, loop, &request, count, &tally, &run, &err), ERR_LIMIT);
	for (unsigned i = 0; i < HAND_CLIENT_RUNS_MAX; i++)
		runner.kill(runner.context, runs[i]);
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.killed, HAND_CLIENT_RUNS_MAX);
	scene_finish(&scene);
	loop_destroy(&loop);
}

TEST(a_hand_that_dies_is_told_for_what_it_ran_and_the_next_one_goes_on)
{
	struct scene scene;
	char path[120];
	struct loop *loop = loop_create();
	struct tally tally = { .loop = loop };
	cleanup_arena struct arena arena;
	void *ignored;
	arena_init(&arena, 0);
	scene_start(&scene);
	tally.client = scene.client;
	put(scene.commands, "slow", "#!/bin/sh\n: > \"$TMPDIR/began\"\nexec sleep 5\n", 0755);
	put(scene.commands, "fast", "#!/bin/sh\necho here\n", 0755);
	ask(&tally, "slow", TIME_MINUTE, &ignored);
	snprintf(path, sizeof path, "%s/began", scene.place.temp);
	CHECK(wait_for_file(path));
	kill(scene.hand, SIGKILL);
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.killed, 1);
	wants_in(str_of(tally.last), "ended meanwhile");
	CHECK(WIFSIGNALED(wait_for_hand(&scene)));
	tally.wanted = 1; /* asked while there is no hand: it waits for the next */
	tally.answered = 0;
	const char *const argv[] = { "fast", NULL };
	struct child_request request = { .argv = argv, .timeout = 10 * TIME_SECOND, .output_max_bytes = 100 };
	struct channel_runner runner = hand_client_runner(scene.client);
	struct error err;
	CHECK_OK(runner.start(runner.context, loop, &request, count, &tally, &ignored, &err));
	CHECK(!loop_run_for(loop, 300 * TIME_MS));
	give_new_hand(&scene);
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.sent, 1);
	scene_finish(&scene);
	loop_destroy(&loop);
}

static void told(void *context, const struct child_result *result)
{
	(void)result;
	++*(int *)context;
}

TEST(an_answer_that_is_taken_after_the_client_has_stopped_is_one)
{
	static const char *const argv[] = { "/nowhere/plugin", NULL };
	struct scene scene;
	struct loop *loop = loop_create(); /* its owner stops first, and takes what lies there last */
	struct error err;
	void *ignored;
	int answers = 0;
	scene_start(&scene);
	struct probe_hand plugins = hand_client_plugins(scene.client);
	CHECK_OK(plugins.start(plugins.context, loop, argv, TIME_MINUTE, told, &answers, &ignored, &err));
	scene_finish(&scene);
	loop_destroy(&loop);
	CHECK_INT(answers, 1);
}

TEST(without_a_hand_a_run_is_answered_when_its_time_is_over)
{
	struct scene scene;
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	scene_start(&scene);
	kill(scene.hand, SIGKILL);
	wait_for_hand(&scene);
	struct child_result result = run(&scene, "any", "", 400 * TIME_MS, &arena);
	if (result.end == CHILD_KILLED) /* it was asked before the death was seen */
		result = run(&scene, "any", "", 400 * TIME_MS, &arena);
	CHECK_INT(result.exit_code, HAND_EXIT_NOT_RUN);
	wants_in(result.errors, "is not there");
	scene_finish(&scene);
}

TEST(a_hand_that_does_not_answer_is_replaced)
{
	struct scene scene;
	char word = 0;
	struct loop *loop = loop_create();
	struct tally tally = { .loop = loop };
	void *ignored;
	scene_start(&scene);
	tally.client = scene.client;
	put(scene.commands, "fast", "#!/bin/sh\n", 0755);
	ask(&tally, "fast", 100 * TIME_MS, &ignored);
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS)); /* it is there */
	kill(scene.hand, SIGSTOP);
	ask(&tally, "fast", 100 * TIME_MS, &ignored);
	CHECK(!loop_run_for(loop, 600 * TIME_MS));
	clock_ahead += TIME_MINUTE;
	CHECK(loop_run_for(loop, PATIENCE_MS * TIME_MS));
	CHECK_INT(tally.killed, 1);
	struct pollfd control = { .fd = scene.control, .events = POLLIN };
	CHECK_INT(poll(&control, 1, PATIENCE_MS), 1);
	CHECK_INT(recv(scene.control, &word, 1, 0), 1);
	CHECK_INT(word, 'R');
	kill(scene.hand, SIGCONT);
	scene_finish(&scene); /* it sees that its socket is closed */
	loop_destroy(&loop);
}

/* ---- the supervisor ---- */

/* What its children write, a letter a fact. */
struct play {
	int facts;
};

static void tell(const struct play *play, char fact)
{
	if (write(play->facts, &fact, 1) != 1)
		_exit(98);
}

static int hand_that_leaves_something(void *context, int socket)
{
	struct play *play = context;
	char byte;
	signal(SIGPIPE, SIG_DFL);
	if (fork() == 0) { /* a command in its own session, and what it started */
		setsid();
		fork();
		pause();
		_exit(0);
	}
	tell(play, 'h');
	if (write(socket, "h", 1) != 1)
		return 1;
	return (int)read(socket, &byte, 1);
}

static int server_that_looks(void *context, int control, bool crashed)
{
	struct play *play = context;
	struct pollfd wait = { .fd = control, .events = POLLIN };
	struct error err;
	int first, second;
	char byte;
	if (crashed)
		_exit(97);
	if (poll(&wait, 1, PATIENCE_MS) != 1 || pass_receive(control, &first, &err) != OK)
		return 50;
	tell(play, '1');
	if (read(first, &byte, 1) != 1 || send(control, "R", 1, 0) != 1 || read(first, &byte, 1) > 0)
		return 51;
	tell(play, 'e'); /* the first hand has ended */
	if (poll(&wait, 1, PATIENCE_MS) != 1 || pass_receive(control, &second, &err) != OK)
		return 52;
	tell(play, '2');
	if (read(second, &byte, 1) != 1)
		return 53;
	return 42;
}

/* Runs it in a child of its own; gives its status and what was told. */
static int play_out(struct supervised *what, char *ret_facts, size_t size)
{
	int pair[2];
	size_t used = 0;
	ssize_t count;
	struct play play;
	CHECK_INT(pipe2(pair, O_CLOEXEC), 0);
	int high = fcntl(pair[1], F_DUPFD, 500); /* children of the supervisor close what they do not know */
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(high, 2);
		play.facts = 2;
		what->context = &play;
		_exit(supervise(what));
	}
	close(high);
	close(pair[1]);
	while (used + 1 < size && (count = read(pair[0], ret_facts + used, size - 1 - used)) > 0)
		used += (size_t)count;
	ret_facts[used] = '\0';
	close(pair[0]);
	int status;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(the_server_gets_a_new_hand_when_the_old_one_dies_and_nothing_is_left_behind)
{
	struct supervised what = { .serve = server_that_looks, .hand = hand_that_leaves_something };
	char facts[64];
	/* The pipe ends only when all processes that hold it have: those left behind, too. */
	CHECK_INT(play_out(&what, facts, sizeof facts), 42);
	CHECK(strchr(facts, '1') != NULL && strchr(facts, 'e') != NULL && strchr(facts, '2') != NULL);
	unsigned hands = 0;
	for (const char *fact = facts; *fact != '\0'; fact++)
		hands += *fact == 'h';
	CHECK_INT(hands, 2);
}

static int server_that_dies_once(void *context, int control, bool crashed)
{
	struct play *play = context;
	struct pollfd wait = { .fd = control, .events = POLLIN };
	struct error err;
	int fd;
	char byte;
	if (poll(&wait, 1, PATIENCE_MS) != 1 || pass_receive(control, &fd, &err) != OK ||
	    read(fd, &byte, 1) != 1)
		return 50;
	tell(play, crashed ? 'c' : '1');
	if (!crashed) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	return 43;
}

TEST(a_server_that_dies_is_started_again_with_a_fresh_hand)
{
	struct supervised what = { .serve = server_that_dies_once, .hand = hand_that_leaves_something };
	char facts[64];
	CHECK_INT(play_out(&what, facts, sizeof facts), 43);
	const char *first = strchr(facts, '1');
	CHECK(first != NULL && strchr(first, 'c') != NULL);
	CHECK(strchr(first, 'h') != NULL);
}

static int server_without_hand(void *context, int control, bool crashed)
{
	tell(context, control == -1 && !crashed ? 'n' : '?');
	return 44;
}

TEST(without_commands_there_is_no_hand)
{
	struct supervised what = { .serve = server_without_hand };
	char facts[8];
	CHECK_INT(play_out(&what, facts, sizeof facts), 44);
	CHECK_TEXT(facts, "n");
}

static int be_hand(char **argv)
{
	struct hand_place place = { .owner = geteuid() };
	int64_t fd;
	if (!str_int(str_of(argv[2]), 3, 1000, &fd))
		return 98;
	snprintf(place.commands, sizeof place.commands, "%s", argv[3]);
	snprintf(place.temp, sizeof place.temp, "%s", argv[4]);
	return hand_main(&place, (int)fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest all[] = {
		RUN(messages_read_as_they_were_written_and_no_byte_earlier),
		RUN(a_message_that_breaks_a_rule_is_refused),
		RUN(only_files_that_nobody_else_can_change_are_commands),
		RUN(a_folder_that_others_can_change_or_that_holds_the_data_is_refused),
		RUN(a_command_gets_its_input_and_says_how_it_ended),
		RUN(a_command_is_a_lesser_user_in_a_fixed_environment),
		RUN(a_command_cannot_read_or_write_the_data_folder),
		RUN(a_command_whose_time_is_over_ends_with_all_it_started),
		RUN(output_beyond_the_cap_is_dropped_and_said),
		RUN(sixteen_run_at_once_and_the_others_wait),
		RUN(what_waits_for_a_place_longer_than_it_may_run_is_refused_with_a_sentence),
		RUN(more_than_the_queue_holds_is_refused_at_once),
		RUN(a_hand_that_dies_is_told_for_what_it_ran_and_the_next_one_goes_on),
		RUN(an_answer_that_is_taken_after_the_client_has_stopped_is_one),
      RUN(without_a_hand_a_run_is_answered_when_its_time_is_over),
		RUN(a_hand_that_does_not_answer_is_replaced),
		RUN(the_server_gets_a_new_hand_when_the_old_one_dies_and_nothing_is_left_behind),
		RUN(a_server_that_dies_is_started_again_with_a_fresh_hand),
		RUN(without_commands_there_is_no_hand),
	};
	if (argc == 5 && strcmp(argv[1], "be-hand") == 0)
		return be_hand(argv);
	return cmocka_run_group_tests(all, NULL, NULL);
}
