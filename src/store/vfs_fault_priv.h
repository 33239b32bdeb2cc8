/*
 * vfs_fault_priv.h: what vfs_fault.c (names, faults, what tests say) and vfs_fault_file.c (open
 * files, locks, shared memory) share. Nobody else includes it.
 */
#pragma once

#include <pthread.h>

#include <sqlite3.h>

#include "store/vfs_disk.h"
#include "store/vfs_fault.h"

#define SHM_REGIONS_MAX 64 /* of 32 KiB: a log of 270,000 pages */

/* Shared memory of one database file among the connections of this process. */
struct vfs_shm {
	unsigned users;
	void *region[SHM_REGIONS_MAX];
	unsigned shared[SQLITE_SHM_NLOCK];
	bool exclusive[SQLITE_SHM_NLOCK];
};

/* An open file. It belongs to the boot it was opened in and is dead after the next crash. */
struct vfs_handle {
	sqlite3_file base; /* must be first: SQLite allocates and casts */
	struct vfs_fault *vfs;
	struct vfs_handle *next;
	struct disk_file *file;
	struct vfs_shm *shm;
	uint64_t boot;
	int lock;                  /* SQLITE_LOCK_... */
	unsigned shm_shared, shm_exclusive; /* bits of the slots held */
	bool names_sync_due;       /* a new journal or log: its first sync makes its name safe */
	char *delete_on_close;     /* name, or NULL */
};

struct vfs_plan {
	enum vfs_fault_op op;
	uint64_t countdown; /* 0: no plan */
	enum vfs_fault_failure failure;
	bool sticky, struck;
};

struct vfs_fault {
	sqlite3_vfs base;
	char *name;
	pthread_mutex_t lock; /* everything below */
	struct disk disk;
	struct random *random;
	struct clock *clock;
	struct vfs_handle *handles;
	struct vfs_plan plan;
	uint64_t counts[VFS_FAULT_OPS];
	uint64_t boot;
	bool off;
};

/* What an operation is to do: as it should, or one of the failures. */
enum vfs_fate { FATE_GOOD, FATE_EIO, FATE_HALF_FULL, FATE_HALF_EIO, FATE_HALF_OFF, FATE_OFF };

/* Counts one operation and says what becomes of it. The lock is held. */
enum vfs_fate vfs_fault_step(struct vfs_fault *vfs, enum vfs_fault_op op);

extern const sqlite3_io_methods vfs_fault_file_methods;
