/*
 * sim_test.h: for the tests of the simulator: a simulation in a process of its own, so that one that
 * ends by an assert is a result like any other. What it found comes back in shared memory.
 */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "sim.h"
#include "sim_tap.h"

/* Memory that was freed is kept from use for a while to catch who still uses it: for many short
 * processes a little of it is enough, and the kernel has less to clear. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

struct found {
	bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT];
	char story[1024]; /* empty: all was well */
	int64_t size;
	struct tree_hash root;
	unsigned depth;
	bool flag; /* for whatever the test asks */
	bool over; /* it came to its end */
};

typedef void found_fn(const void *args, struct found *found);

static inline struct found *found_make(void)
{
	struct found *found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);
	CHECK(found != MAP_FAILED);
	return found;
}

static inline void found_free(struct found *found)
{
	munmap(found, sizeof *found);
}

static inline void found_quiet(void *context, enum log_level level, const char *line)
{
	if (getenv("SIM_LOG") != NULL)
		fprintf(stderr, "%s %s\n", log_level_name(level), line);
}

/* True when the child came to its end. What asserts and sanitizers print is kept from the test's own
 * output unless SIM_LOG is set. */
static inline bool found_run(found_fn *run, const void *args, struct found *found)
{
	memset(found, 0, sizeof *found);
	fflush(NULL);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (getenv("SIM_LOG") == NULL && freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		log_init(found_quiet, NULL, LOG_INFO);
		run(args, found);
		found->over = true;
		_exit(0);
	}
	int status = 0;
	waitpid(child, &status, 0);
	return found->over && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline void found_keep(const struct sim *sim, struct found *found)
{
	memcpy(found->edges, tap.edges, sizeof tap.edges);
	snprintf(found->story, sizeof found->story, "%s", sim->story);
	found->depth = tap.depth_max;
}
