/* supervise.c: see supervise.h. */
#include "main/supervise.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/clock.h"
#include "sys/pass.h"
#include "sys/sandbox.h"

#define AGAIN_AFTER_LEAST (50 * TIME_MS)
#define AGAIN_AFTER_MOST (5 * TIME_SECOND)
#define STABLE_AFTER TIME_SECOND /* what lived so long is started again at once: somebody may wait to page */
#define LEFT_BEHIND_MAX 4096u /* processes of a dead hand, killed in one round */
#define LEFT_BEHIND_ROUNDS_MAX 100u

struct member {
	const char *name;
	pid_t pid;     /* 0: it does not run */
	time_us began; /* by time since boot, all three */
	time_us due;   /* when it may be started again; while pid is 0 */
	time_us pause;
};

struct supervisor {
	const struct supervised *what;
	struct clock clock;
	struct member server, hand;
	int signals;     /* signalfd */
	int control;     /* our end; -1 */
	int hand_socket; /* the server's end of the hand's socket, while the server has not got it; -1 */
	sigset_t before; /* signals that were blocked when we came */
	bool ending;
	time_us killed_at; /* when a server that was told to end has had time enough, since boot; 0: it was not told */
	bool crashed; /* the server before */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- starting ---- */

/* In the child. It is neither to be stopped by what the supervisor blocks, nor to hold what it holds. */
static void leave_supervisor(struct supervisor *s, int keep)
{
	sandbox_close_all_but(keep);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static pid_t fork_hand(struct supervisor *s, int socket)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	leave_supervisor(s, socket);
	_exit(s->what->hand(s->what->context, socket));
}

static pid_t fork_server(struct supervisor *s, int control)
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	leave_supervisor(s, control);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a killed supervisor does not leave a server behind */
	if (getppid() != parent)
		_exit(0);
	_exit(s->what->serve(s->what->context, control, s->crashed));
}

static void put_off(struct supervisor *s, struct member *member)
{
	time_us now = clock_since_boot(&s->clock);
	bool stable = now - member->began >= STABLE_AFTER;
	member->pause = stable ? 0 : member->pause == 0 ? AGAIN_AFTER_LEAST : member->pause * 2;
	if (member->pause > AGAIN_AFTER_MOST)
		member->pause = AGAIN_AFTER_MOST;
	member->due = now + member->pause;
}

static void began(struct supervisor *s, struct member *member, pid_t pid)
{
	member->began = clock_since_boot(&s->clock);
	member->pid = pid > 0 ? pid : 0;
	if (pid < 0) {
		log_write(LOG_ERROR, "could not fork", "what=%s reason=\"%s\"", member->name, strerror(errno));
		put_off(s, member);
	}
}

/* The server has it from then on; without one it waits here. */
static void give_hand(struct supervisor *s)
{
	struct error err;
	if (s->hand_socket < 0 || s->control < 0 || s->server.pid == 0)
		return;
	if (pass_send(s->control, s->hand_socket, &err) != OK)
		log_write(LOG_ERROR, "could not give the server a new hand", "reason=\"%s\"", err.text);
	close_fd(&s->hand_socket); /* if the server did not get it, the hand sees the end and is renewed */
}

static void start_hand(struct supervisor *s)
{
	int pair[2];
	close_fd(&s->hand_socket);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		log_write(LOG_ERROR, "could not make a socket for the hand", "reason=\"%s\"", strerror(errno));
		put_off(s, &s->hand);
		return;
	}
	s->hand_socket = pair[0];
	began(s, &s->hand, fork_hand(s, pair[1]));
	close(pair[1]);
	give_hand(s);
}

static void start_server(struct supervisor *s)
{
	int pair[2] = { -1, -1 };
	close_fd(&s->control);
	if (s->what->hand != NULL && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		log_write(LOG_ERROR, "could not make a socket for the server", "reason=\"%s\"", strerror(errno));
		put_off(s, &s->server);
		return;
	}
	s->control = pair[0];
	began(s, &s->server, fork_server(s, pair[1]));
	close_fd(&pair[1]);
	give_hand(s);
}

/* ---- ending ---- */

/* Our children that are neither server nor hand: what a dead hand ran. Gives how many. */
static unsigned kill_left_behind_once(struct supervisor *s)
{
	char path[64];
	int pid;
	unsigned count = 0;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (count < LEFT_BEHIND_MAX && fscanf(file, "%d", &pid) == 1) {
		if (pid == s->server.pid || pid == s->hand.pid)
			continue;
		count++;
		if (kill(-pid, SIGKILL) != 0)
			kill(pid, SIGKILL);
		waitpid(pid, NULL, WNOHANG);
	}
	fclose(file);
	return count;
}

/* In rounds: what one of them had started becomes ours when it is gone. */
static void kill_left_behind(struct supervisor *s)
{
	for (unsigned i = 0; i < LEFT_BEHIND_ROUNDS_MAX && kill_left_behind_once(s) > 0; i++)
		usleep(2000);
}

static void end_hand(struct supervisor *s)
{
	close_fd(&s->hand_socket);
	if (s->hand.pid == 0)
		return;
	kill(s->hand.pid, SIGKILL);
	while (waitpid(s->hand.pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->hand.pid = 0;
	kill_left_behind(s);
}

static void tell_death(const struct member *member, int status)
{
	log_write(LOG_ERROR, WIFSIGNALED(status) ? "a process died and is started again" :
						   "a process ended and is started again",
		  "what=%s signal=%d status=%d pause_ms=%lld", member->name,
		  WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		  (long long)(member->pause / TIME_MS));
}

static void on_hand_death(struct supervisor *s, int status)
{
	s->hand.pid = 0;
	close_fd(&s->hand_socket);
	kill_left_behind(s);
	put_off(s, &s->hand);
	if (!s->ending)
		tell_death(&s->hand, status);
}

static bool died_of_itself(int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGILL ||
	       number == SIGFPE || number == SIGSYS || number == SIGXCPU;
}

/* -1, or the exit status of all. */
static int on_server_death(struct supervisor *s, int status)
{
	s->server.pid = 0;
	s->crashed = died_of_itself(status);
	close_fd(&s->control);
	end_hand(s); /* what it runs nobody waits for any more */
	if (WIFEXITED(status) && WEXITSTATUS(status) != SUPERVISED_AGAIN)
		return WEXITSTATUS(status);
	if (s->ending)
		return 1;
	put_off(s, &s->server);
	s->hand.due = s->server.due; /* a death that was not its own */
	tell_death(&s->server, status);
	return -1;
}

static int reap(struct supervisor *s)
{
	int status, end = -1;
	pid_t pid;
	while (end < 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->hand.pid)
			on_hand_death(s, status);
		else if (pid == s->server.pid)
			end = on_server_death(s, status);
	}
	return end;
}

/* ---- waiting ---- */

static void start_due(struct supervisor *s)
{
	time_us now = clock_since_boot(&s->clock);
	if (s->what->hand != NULL && s->hand.pid == 0 && now >= s->hand.due)
		start_hand(s);
	if (s->server.pid == 0 && now >= s->server.due)
		start_server(s);
}

/* A kill at any moment loses nothing that was answered; a stop that waits for a lost database, or hangs, has no end. */
static void kill_late(struct supervisor *s)
{
	if (s->killed_at == 0 || s->server.pid == 0 || clock_since_boot(&s->clock) < s->killed_at)
		return;
	log_write(LOG_WARNING, "the server did not end in time and is killed; what it answered is stored",
		  "seconds=%lld", (long long)(SUPERVISED_ENDS_MAX / TIME_SECOND));
	s->killed_at = 0;
	kill(s->server.pid, SIGKILL);
}

static int next_due_ms(struct supervisor *s)
{
	time_us now = clock_since_boot(&s->clock), wait = TIME_MINUTE;
	if (s->killed_at != 0 && s->server.pid > 0 && s->killed_at - now < wait)
		wait = s->killed_at - now;
	if (s->what->hand != NULL && s->hand.pid == 0 && s->hand.due - now < wait)
		wait = s->hand.due - now;
	if (s->server.pid == 0 && s->server.due - now < wait)
		wait = s->server.due - now;
	return wait > 0 ? (int)((wait + TIME_MS - 1) / TIME_MS) : 0;
}

static int on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	if (read(s->signals, &info, sizeof info) != sizeof info)
		return -1;
	if (info.ssi_signo == SIGCHLD)
		return reap(s);
	if (!s->ending && (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)) {
		s->ending = true;
		s->killed_at = clock_since_boot(&s->clock) + SUPERVISED_ENDS_MAX;
	}
	if (s->server.pid > 0)
		kill(s->server.pid, (int)info.ssi_signo);
	else if (s->ending) {
		end_hand(s);
		return 1;
	}
	return -1;
}

static void on_control(struct supervisor *s)
{
	char word;
	ssize_t count = recv(s->control, &word, 1, MSG_DONTWAIT);
	if (count == 0)
		close_fd(&s->control); /* the server is about to end */
	else if (count == 1 && word == 'R' && s->hand.pid > 0)
		kill(s->hand.pid, SIGKILL);
}

static int run(struct supervisor *s)
{
	for (;;) {
		start_due(s);
		kill_late(s);
		struct pollfd what[2] = { { .fd = s->signals, .events = POLLIN },
					  { .fd = s->control, .events = POLLIN } };
		if (poll(what, 2, next_due_ms(s)) < 0)
			continue;
		if (what[1].revents != 0 && s->control >= 0)
			on_control(s);
		int end = what[0].revents != 0 ? on_signal(s) : -1;
		if (end >= 0)
			return end;
	}
}

/* Otherwise a socket of ours could become standard input, output or error of what we start. */
static void fill_standard(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int supervise(const struct supervised *what)
{
	struct supervisor s = { .what = what, .control = -1, .hand_socket = -1,
				.server = { .name = "server" }, .hand = { .name = "hand" } };
	sigset_t ours;
	assert(what->serve != NULL);
	fill_standard();
	clock_system(&s.clock);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, &s.before);
	s.signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals < 0) {
		fprintf(stderr, "mainstay: could not wait for signals: %s\n", strerror(errno));
		return 1;
	}
	int status = run(&s);
	close_fd(&s.signals);
	close_fd(&s.control);
	sigprocmask(SIG_SETMASK, &s.before, NULL);
	return status;
}
