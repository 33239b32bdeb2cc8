/*
 * test_sys_sandbox.c: what a process that gave up its rights is really refused. Each test works in a
 * child: what is given up never comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "sys/sandbox.h"

#define NO_LANDLOCK "this kernel has no Landlock"

static const char *const system_folders[] = { "/usr", "/bin", "/lib", "/lib64", NULL };

struct place {
	char top[64], secret[96], temp[96], outside[96];
};

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void make_place(struct place *place)
{
	snprintf(place->top, sizeof place->top, "/tmp/sandbox-test-XXXXXX");
	CHECK(mkdtemp(place->top) != NULL);
	CHECK_INT(chmod(place->top, 0755), 0);
	snprintf(place->secret, sizeof place->secret, "%s/secret", place->top);
	snprintf(place->outside, sizeof place->outside, "%s/outside", place->top);
	snprintf(place->temp, sizeof place->temp, "%s/temp", place->top);
	write_file(place->secret, "secret", 0666);
	CHECK_INT(mkdir(place->temp, 0755), 0);
	CHECK_INT(chmod(place->temp, 01777), 0);
}

static void drop_place(struct place *place)
{
	char inner[128];
	snprintf(inner, sizeof inner, "%s/made", place->temp);
	unlink(inner);
	unlink(place->secret);
	unlink(place->outside);
	CHECK_INT(rmdir(place->temp), 0);
	CHECK_INT(rmdir(place->top), 0);
}

typedef int inside_fn(const struct place *place); /* 0: as wanted; else the number of the line */

/* `inside` in a child within `sandbox`; gives its exit status, 200 + n when the child died by n. */
static int within(const struct sandbox *sandbox, const struct place *place, inside_fn *inside)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct sandbox_got got;
		struct error err = { 0 };
		if (sandbox_limit(sandbox, &got, &err) != OK) {
			fprintf(stderr, "sandbox: %s\n", err.text);
			_exit(199);
		}
		_exit(inside(place));
	}
	int status;
	CHECK_INT(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

/* Lines beyond 198 would not fit in a status: what stands in here stands early in the file. */
#define WANT(condition)                                      \
	do {                                                 \
		if (!(condition))                            \
			return __LINE__ > 198 ? 198 : __LINE__; \
	} while (0)

static int look_at_paths(const struct place *place)
{
	char inner[128];
	snprintf(inner, sizeof inner, "%s/made", place->temp);
	WANT(open(place->secret, O_RDONLY) < 0 && errno == EACCES);
	WANT(open(place->outside, O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	WANT(truncate(place->secret, 0) < 0 && errno == EACCES);
	WANT(unlink(place->secret) < 0 && errno == EACCES);
	WANT(open(inner, O_RDWR | O_CREAT, 0700) >= 0);
	WANT(open("/bin/sh", O_RDONLY) >= 0);
	return 0;
}

static int run_from_temp(const struct place *place)
{
	char inner[128];
	snprintf(inner, sizeof inner, "%s/made", place->temp);
	int fd = open(inner, O_WRONLY | O_CREAT, 0700);
	WANT(fd >= 0);
	WANT(write(fd, "#!/bin/sh\nexit 9\n", 17) == 17);
	close(fd);
	execl(inner, inner, NULL);
	WANT(errno == EACCES);
	return 0;
}

static int run_shell(const struct place *place)
{
	(void)place;
	execl("/bin/sh", "sh", "-c", "exit 7", NULL);
	return errno;
}

static int signal_parent(const struct place *place)
{
	(void)place;
	WANT(kill(getppid(), 0) < 0 && errno == EPERM);
	WANT(kill(getpid(), 0) == 0);
	return 0;
}

static int ask_bounds(const struct place *place)
{
	struct rlimit limit;
	(void)place;
	WANT(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max == 40 && limit.rlim_cur <= 40);
	WANT(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max == 4096);
	WANT(getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_max <= 300);
	WANT(getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_max == 2);
	WANT(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	WANT(getsid(0) == getpid());
	return 0;
}

static int write_too_much(const struct place *place)
{
	static char block[8192];
	char inner[128];
	snprintf(inner, sizeof inner, "%s/made", place->temp);
	signal(SIGXFSZ, SIG_IGN);
	int fd = open(inner, O_WRONLY | O_CREAT, 0600);
	WANT(fd >= 0);
	WANT(write(fd, block, sizeof block) == 4096);
	WANT(write(fd, block, sizeof block) < 0 && errno == EFBIG);
	return 0;
}

static int be_nobody(const struct place *place)
{
	gid_t groups[4];
	WANT(getuid() != 0 && geteuid() != 0 && getgid() != 0);
	WANT(getgroups(4, groups) == 0);
	WANT(setuid(0) < 0);
	WANT(chown(place->secret, getuid(), getgid()) < 0 && errno == EPERM);
	return 0;
}

static int look_at_descriptors(const struct place *place)
{
	(void)place;
	WANT(fcntl(3, F_GETFD) < 0 && errno == EBADF);
	WANT(fcntl(40, F_GETFD) >= 0);
	WANT(fcntl(41, F_GETFD) < 0 && errno == EBADF);
	return 0;
}

static int eat_memory(const struct place *place)
{
	(void)place;
	/* The shell's own bound is what the kernel put there; ulimit -v counts KiB. */
	execl("/bin/sh", "sh", "-c", "test \"$(ulimit -v)\" = 524288", NULL);
	return errno;
}

static struct sandbox walled(const char *const *write)
{
	return (struct sandbox){ .run = system_folders, .write = write, .keep = -1 };
}

TEST(what_was_not_allowed_cannot_be_read_written_or_removed)
{
	struct place place;
	if (sandbox_landlock_abi() < 3) {
		print_message("skip: " NO_LANDLOCK " that covers truncate\n");
		skip();
	}
	make_place(&place);
	const char *const write[] = { place.temp, NULL };
	struct sandbox sandbox = walled(write);
	CHECK_INT(within(&sandbox, &place, look_at_paths), 0);
	drop_place(&place);
}

TEST(a_program_of_the_system_runs_and_one_written_to_the_temporary_folder_does_not)
{
	struct place place;
	if (sandbox_landlock_abi() == 0) {
		print_message("skip: " NO_LANDLOCK "\n");
		skip();
	}
	make_place(&place);
	const char *const write[] = { place.temp, NULL };
	struct sandbox sandbox = walled(write);
	CHECK_INT(within(&sandbox, &place, run_from_temp), 0);
	CHECK_INT(within(&sandbox, &place, run_shell), 7);
	drop_place(&place);
}

TEST(a_process_outside_cannot_be_signalled)
{
	struct sandbox sandbox = walled(NULL);
	if (sandbox_landlock_abi() < 6) {
		print_message("skip: " NO_LANDLOCK " that covers signals\n");
		skip();
	}
	CHECK_INT(within(&sandbox, NULL, signal_parent), 0);
}

TEST(bounds_hold_and_nobody_looks_in)
{
	struct place place;
	struct sandbox sandbox = { .keep = -1,
				   .bounds = { .files = 40, .file_bytes = 4096, .processes = 300,
					       .cpu = 1500 * TIME_MS } };
	make_place(&place);
	const char *const write[] = { place.temp, NULL };
	sandbox.write = write;
	CHECK_INT(within(&sandbox, &place, ask_bounds), 0);
	CHECK_INT(within(&sandbox, &place, write_too_much), 0);
	drop_place(&place);
}

TEST(memory_is_bounded_for_what_is_started)
{
	struct sandbox sandbox = walled(NULL);
	sandbox.bounds.address_bytes = 512u << 20;
	CHECK_INT(within(&sandbox, NULL, eat_memory), 0);
}

TEST(root_becomes_the_lesser_user_and_cannot_come_back)
{
	struct place place;
	if (geteuid() != 0) {
		print_message("skip: only root can become somebody else\n");
		skip();
	}
	make_place(&place);
	struct sandbox sandbox = walled(NULL);
	sandbox.user = "nobody";
	CHECK_INT(within(&sandbox, &place, be_nobody), 0);
	drop_place(&place);
}

TEST(a_user_that_does_not_exist_is_an_error)
{
	struct sandbox_got got;
	struct error err;
	struct sandbox sandbox = { .user = "no-such-user-here", .keep = -1 };
	if (geteuid() != 0) {
		print_message("skip: only root can become somebody else\n");
		skip();
	}
	CHECK_ERR(sandbox_limit(&sandbox, &got, &err), ERR_NOT_FOUND);
	CHECK(strstr(err.text, "no-such-user-here") != NULL);
}

TEST(all_descriptors_but_one_are_closed)
{
	struct sandbox sandbox = { .keep = 40 };
	CHECK_INT(dup2(1, 3), 3);
	CHECK_INT(dup2(1, 40), 40);
	CHECK_INT(dup2(1, 41), 41);
	CHECK_INT(within(&sandbox, NULL, look_at_descriptors), 0);
	close(3);
	close(40);
	close(41);
}

TEST(a_bound_of_a_child_is_never_more_than_ours)
{
	struct sandbox_bounds wide = { .files = 1u << 30 };
	struct rlimit before, after;
	struct error err;
	getrlimit(RLIMIT_NOFILE, &before);
	CHECK_OK(sandbox_bound(0, &wide, &err));
	getrlimit(RLIMIT_NOFILE, &after);
	CHECK_INT(after.rlim_max, before.rlim_max);
	CHECK_INT(after.rlim_cur, before.rlim_cur);
}

TESTS(RUN(what_was_not_allowed_cannot_be_read_written_or_removed),
      RUN(a_program_of_the_system_runs_and_one_written_to_the_temporary_folder_does_not),
      RUN(a_process_outside_cannot_be_signalled), RUN(bounds_hold_and_nobody_looks_in),
      RUN(memory_is_bounded_for_what_is_started),
      RUN(root_becomes_the_lesser_user_and_cannot_come_back),
      RUN(a_user_that_does_not_exist_is_an_error), RUN(all_descriptors_but_one_are_closed),
      RUN(a_bound_of_a_child_is_never_more_than_ours))
