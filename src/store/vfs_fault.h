/*
 * vfs_fault.h: a file system for SQLite that lives in memory and fails on demand.
 *
 * For tests and the simulator: bytes are safe only once SQLite synced them (vfs_disk.h), so a crash
 * shows whether a commit really was one. Operations are counted and one of them can be made to
 * fail; a test that loops "fail the 1st, the 2nd, the 3rd ..." until nothing was left to fail has
 * failed everything once.
 *
 *     up --power off (planned, or by call)--> off: every operation fails, connections are closed
 *     off or up --vfs_fault_crash(mode)-----> up, with what survived; older handles stay dead
 *
 * All journal modes work: rollback journals (a folder is synced where SQLite's own unix VFS does
 * it: with the first sync of a new journal or log, and after removing a journal), and WAL with
 * several connections of this process (shared memory and locks are here, in memory, and go with a
 * crash).
 * It behaves like the usual Linux disk: 512-byte sectors, SQLITE_IOCAP_POWERSAFE_OVERWRITE; a sync
 * that failed has lost what it should have written.
 *
 * Several threads may use it; it has one lock. Time and chance are the caller's: `random` and
 * `clock` must live as long and be used by one thread at a time, or nobody else. xSleep returns at
 * once, so a lock that is held by another thread gives SQLITE_BUSY without waiting.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/str.h"
#include "store/vfs_disk.h"
#include "sys/clock.h"

struct vfs_fault;

enum vfs_fault_op {
	VFS_FAULT_OPEN,
	VFS_FAULT_READ,
	VFS_FAULT_WRITE,
	VFS_FAULT_TRUNCATE,
	VFS_FAULT_SYNC,
	VFS_FAULT_DELETE,
	VFS_FAULT_CHANGE, /* any of write, truncate, sync, delete */
	VFS_FAULT_OPS,
};

enum vfs_fault_failure {
	VFS_FAULT_EIO,       /* fails and does nothing; a sync also loses what was to be written */
	VFS_FAULT_ENOSPC,    /* write: half is written, then SQLITE_FULL; else as EIO */
	VFS_FAULT_SHORT,     /* read: half of the bytes, the file seems to end there: SQLite
	                        believes it and may give wrong rows without an error; write:
	                        half is written, then SQLITE_IOERR_WRITE; else as EIO */
	VFS_FAULT_POWER_OFF, /* write: half is written; then the power is off */
};

/* Registers with SQLite under `name`, which must be free; not as the default. Ends the process when
 * SQLite has no memory. Destroy: all connections are closed before. */
struct vfs_fault *vfs_fault_create(const char *name, struct random *random, struct clock *clock);
void vfs_fault_destroy(struct vfs_fault **vfs);

/* Makes the nth operation from now (1: the next) fail; `sticky`: and all of the kind after it.
 * One plan at a time; nth 0 takes it back. */
void vfs_fault_plan(struct vfs_fault *vfs, enum vfs_fault_op op, uint64_t nth,
		    enum vfs_fault_failure failure, bool sticky);
bool vfs_fault_happened(struct vfs_fault *vfs); /* did the plan strike since it was made? */
uint64_t vfs_fault_count(struct vfs_fault *vfs, enum vfs_fault_op op); /* since creation */

void vfs_fault_power_off(struct vfs_fault *vfs);
void vfs_fault_crash(struct vfs_fault *vfs, enum disk_crash mode);

/* How many bytes all files together may have; SQLITE_FULL past it. DISK_CAPACITY_ANY: no end. */
void vfs_fault_capacity_set(struct vfs_fault *vfs, uint64_t bytes);
uint64_t vfs_fault_used_bytes(struct vfs_fault *vfs);

/* A disk that says "synced" and did not. A test that still passes with it does not test. */
void vfs_fault_lie(struct vfs_fault *vfs, bool lies);

/* Bytes of a file as they can be read now; false when there is none. The caller frees with
 * mem_free. For comparing and for storing a failure away. */
bool vfs_fault_file(struct vfs_fault *vfs, const char *name, struct str *ret_bytes);
