/*
 * child.h: run one program to its end, bounded in time and output.
 *
 * The program is a list of arguments, never a string for a shell. It gets exactly the environment
 * given, its own session and process group, and when it ends (or its time is over) the whole group
 * is killed, so nothing it started stays behind. Output beyond the cap is read and dropped: a
 * chatty program is not blocked and not trusted.
 *
 * Runs on: the loop's thread. The callback is called exactly once, also after child_kill.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

struct child;
struct clock;
struct loop;

#define CHILD_TIMEOUT_MAX TIME_HOUR
#define CHILD_OUTPUT_MAX_BYTES (16u << 20)
#define CHILD_GRACE (2 * TIME_SECOND) /* between SIGTERM and SIGKILL when the time is over */

struct child_request {
	const char *const *argv; /* ends in NULL; argv[0] is the path of the program */
	const char *const *env;  /* "NAME=value", ends in NULL: the whole environment; NULL: empty */
	const char *dir;         /* NULL: "/" */
	struct str input;        /* copied; the program's standard input, then end of file */
	time_us timeout;         /* 1 ms .. CHILD_TIMEOUT_MAX */
	size_t output_max_bytes; /* of each of the two streams; 1 .. CHILD_OUTPUT_MAX_BYTES */
};

enum child_end { CHILD_EXITED, CHILD_SIGNALLED, CHILD_TIMED_OUT, CHILD_KILLED };

struct child_result {
	enum child_end end;
	int exit_code;          /* CHILD_EXITED */
	int signal_number;      /* the other three; 0 when it left by itself after all */
	struct str out, errors; /* lent for the time of the callback */
	bool cut;               /* one of them was longer than the cap */
	time_us took;
};

typedef void child_fn(void *context, const struct child_result *result);

/* ERR_NOT_FOUND, ERR_DENIED or ERR_IO when the program could not be started: no callback then. */
enum err child_start(struct loop *loop, struct clock *clock, const struct child_request *request,
                     child_fn *fn, void *context, struct child **ret_child, struct error *err);

pid_t child_pid(const struct child *child); /* of the program; it may have ended already */

/* Ends it early: SIGKILL to the group. The callback follows, later, with CHILD_KILLED. */
void child_kill(struct child *child);
