/*
 * sandbox.h: give up rights that this process will not need, for ever, for itself and all it starts.
 *
 *     own session -> bounds -> no new privileges -> Landlock -> lesser user -> nobody looks in
 *
 * What the kernel does not have is told, not fatal (Landlock came with Linux 5.13 and may be switched
 * off); what it has and refuses is an error, and then the process should end: it is half way down.
 * Bounds and user come without Landlock, too.
 *
 * Runs on: a process with one thread, before it reads the first byte from anybody.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/time.h"

#define SANDBOX_PATHS_MAX 64u /* of one list */

struct sandbox_bounds { /* 0: stays as it is; never more than what is allowed already */
	time_us cpu; /* of one process; rounded up to seconds */
	uint64_t address_bytes;
	uint64_t file_bytes; /* of one file */
	unsigned files;      /* open at once */
	unsigned processes;  /* of the user, threads counted */
};

struct sandbox { /* lists end in NULL, may be NULL; paths that do not exist are passed over */
	const char *const *run;   /* folders and files to read and to execute */
	const char *const *read;  /* to read */
	const char *const *write; /* to read, write, make and remove */
	const char *user;         /* to become when we are root; NULL: stay */
	struct sandbox_bounds bounds;
	int keep; /* descriptor that stays open besides 0, 1, 2; -1: none */
};

struct sandbox_got {
	bool other_user;       /* we were root and are it no more */
	unsigned landlock_abi; /* 0: this kernel has none */
};

/* ERR_NOT_FOUND: there is no such user. ERR_DENIED, ERR_IO: the kernel refused. */
enum err sandbox_limit(const struct sandbox *sandbox, struct sandbox_got *ret_got, struct error *err);

/* The bounds alone, for a process of our user that was just started; 0: ourselves. Nothing can take
 * them back. A process that ended meanwhile is no error. */
enum err sandbox_bound(pid_t pid, const struct sandbox_bounds *bounds, struct error *err);

unsigned sandbox_landlock_abi(void); /* what the kernel offers; 0: nothing */

/* Closes all descriptors from 3 on but this one; -1: all. */
void sandbox_close_all_but(int keep);
