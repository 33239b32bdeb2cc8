/* supervise.c: see supervise.h. */
#include "main/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"

#define AGAIN_AFTER_MS_LEAST 50
#define AGAIN_AFTER_MS_MOST 5000
#define STABLE_AFTER_MS 1000 /* a server that lived so long begins with the short pause again */

static volatile sig_atomic_t wanted_signal;
static volatile sig_atomic_t child_pid;

static void hand_on(int number)
{
	wanted_signal = number;
	if (child_pid > 0)
		kill(child_pid, number);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = hand_on };
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void default_signals(void)
{
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

static int run_child(int (*serve)(void *context, bool crashed), void *context, bool crashed)
{
	pid_t parent = getpid();
	pid_t child = fork();
	if (child == 0) {
		default_signals();
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a killed supervisor does not leave a server behind */
		if (getppid() != parent)
			_exit(0);
		_exit(serve(context, crashed));
	}
	if (child < 0)
		return -1;
	child_pid = child;
	if (wanted_signal != 0)
		kill(child, wanted_signal);
	int status;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	child_pid = 0;
	return status;
}

static void pause_ms(long ms)
{
	struct timespec spec = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&spec, NULL);
}

static bool died_of_itself(int status)
{
	int number = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGILL ||
	       number == SIGFPE || number == SIGSYS || number == SIGXCPU;
}

static long ms_since(const struct timespec *began)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began->tv_sec) * 1000 + (now.tv_nsec - began->tv_nsec) / 1000000;
}

int supervise(int (*serve)(void *context, bool crashed), void *context)
{
	long pause = AGAIN_AFTER_MS_LEAST;
	bool crashed = false;
	catch_signals();
	for (;;) {
		struct timespec began;
		clock_gettime(CLOCK_MONOTONIC, &began);
		int status = run_child(serve, context, crashed);
		crashed = died_of_itself(status);
		if (status >= 0 && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (wanted_signal == SIGTERM || wanted_signal == SIGINT)
			return 1;
		if (ms_since(&began) >= STABLE_AFTER_MS)
			pause = AGAIN_AFTER_MS_LEAST;
		log_write(LOG_ERROR, "the server died and is started again", "signal=%d pause_ms=%ld",
			  status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0, pause);
		pause_ms(pause);
		pause *= 2;
		if (pause > AGAIN_AFTER_MS_MOST)
			pause = AGAIN_AFTER_MS_MOST;
	}
}
