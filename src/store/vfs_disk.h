/*
 * vfs_disk.h: a disk in memory that keeps only what was synced.
 *
 * Every file has two images: what a reader sees now, and what would be there after the power was
 * cut. Names have the same two states: a file made or removed is so for ever only once its folder
 * was synced. A crash decides, for everything that differs, what survived.
 *
 *     write, resize -> now          sync(file)   -> safe := now (the changed sectors)
 *     make, remove  -> name.now     sync(names)  -> name.safe := name.now
 *     crash         -> now := safe, or parts of now, by the mode
 *
 * It does not model: several generations of one sector between two syncs (only the last and the
 * synced one can survive), bits that rot by themselves, folders.
 *
 * Not thread-safe: vfs_fault.c holds a lock. The disk owns its files; a pointer is good while held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

#define DISK_SECTOR_BYTES 512
#define DISK_NAMES_MAX 64
#define DISK_NAME_BYTES 256
#define DISK_FILE_BYTES_MAX (UINT64_C(1) << 30)
#define DISK_CAPACITY_ANY UINT64_MAX

/* What a crash leaves of what was not synced. */
enum disk_crash {
	DISK_CRASH_DROP, /* nothing */
	DISK_CRASH_KEEP, /* everything: the process died, the machine did not */
	DISK_CRASH_TEAR, /* each name, size and sector by chance: new, old, or part of each */
};

struct disk_image {
	unsigned char *bytes; /* zero from size to room */
	size_t size, room;
};

struct disk_file {
	struct disk_file *next;
	struct disk_image now, safe;
	unsigned char *dirty; /* one byte a sector: changed since the last sync */
	size_t dirty_room;
	unsigned names_now, names_safe, holders; /* gone when all are 0 */
};

struct disk_name {
	char text[DISK_NAME_BYTES]; /* empty: unused */
	struct disk_file *now, *safe;
};

struct disk {
	struct disk_file *files;
	struct disk_name names[DISK_NAMES_MAX];
	struct random *random;
	uint64_t capacity_bytes; /* of all files that can be seen or are held */
	bool lies;               /* syncs say yes and do nothing */
};

void disk_init(struct disk *disk, struct random *random);
void disk_finish(struct disk *disk); /* nothing may be held */

struct disk_file *disk_find(struct disk *disk, const char *name); /* NULL: no such file */
/* A new, empty, held file. A NULL name makes one that is gone when it is released. NULL when there
 * are too many names or this one is too long. */
struct disk_file *disk_make(struct disk *disk, const char *name);
bool disk_remove(struct disk *disk, const char *name); /* false: no such file */
void disk_hold(struct disk_file *file);
void disk_release(struct disk *disk, struct disk_file *file);

/* Bytes that were read or written; fewer than asked at the end of the file, or of the disk. */
size_t disk_read(const struct disk_file *file, void *ret_bytes, size_t length, uint64_t offset);
size_t disk_write(struct disk *disk, struct disk_file *file, const void *bytes, size_t length,
		  uint64_t offset);
bool disk_resize(struct disk *disk, struct disk_file *file, uint64_t size); /* false: no room */

void disk_sync(struct disk *disk, struct disk_file *file);
void disk_names_sync(struct disk *disk);
/* What a sync that failed leaves behind on Linux: the kernel forgets that the pages were dirty, so
 * the next sync succeeds without writing them. They can be read until the crash. */
void disk_sync_failed(struct disk_file *file);

void disk_crash(struct disk *disk, enum disk_crash mode);
uint64_t disk_used_bytes(const struct disk *disk);
