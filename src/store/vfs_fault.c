/*
 * vfs_fault.c: see vfs_fault.h. SQLite's view of a vfs_disk: names, handles, locks, shared memory,
 * faults. What is safe and what is not is decided in vfs_disk.c.
 */
#include "store/vfs_fault.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"

#define SHM_REGIONS_MAX 64 /* of 32 KiB: a log of 270,000 pages */
#define JULIAN_1970_MS INT64_C(210866760000000)

/* Shared memory of one database file among the connections of this process. */
struct shm {
	unsigned users;
	void *region[SHM_REGIONS_MAX];
	unsigned shared[SQLITE_SHM_NLOCK];
	bool exclusive[SQLITE_SHM_NLOCK];
};

/* An open file. It belongs to the boot it was opened in and is dead after the next crash. */
struct handle {
	sqlite3_file base; /* must be first: SQLite allocates and casts */
	struct vfs_fault *vfs;
	struct handle *next;
	struct disk_file *file;
	struct shm *shm;
	uint64_t boot;
	int lock;                  /* SQLITE_LOCK_... */
	unsigned shm_shared, shm_exclusive; /* bits of the slots held */
	bool names_sync_due;       /* a new journal or log: its first sync makes its name safe */
	char *delete_on_close;     /* name, or NULL */
};

struct plan {
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
	struct handle *handles;
	struct plan plan;
	uint64_t counts[VFS_FAULT_OPS];
	uint64_t boot;
	bool off;
};

/* What an operation is to do: as it should, or one of the failures. */
enum fate { FATE_GOOD, FATE_EIO, FATE_HALF_FULL, FATE_HALF_EIO, FATE_HALF_OFF, FATE_OFF };

static struct vfs_fault *vfs_of(sqlite3_vfs *base)
{
	return base->pAppData;
}

static bool is_change(enum vfs_fault_op op)
{
	return op == VFS_FAULT_WRITE || op == VFS_FAULT_TRUNCATE || op == VFS_FAULT_SYNC ||
	       op == VFS_FAULT_DELETE;
}

static bool plan_strikes(struct plan *plan, enum vfs_fault_op op)
{
	bool meant = plan->op == op || (plan->op == VFS_FAULT_CHANGE && is_change(op));
	if (plan->countdown == 0 || !meant)
		return false;
	if (plan->countdown > 1) {
		plan->countdown--;
		return false;
	}
	if (!plan->sticky)
		plan->countdown = 0;
	plan->struck = true;
	return true;
}

/* Counts one operation and says what becomes of it. */
static enum fate step(struct vfs_fault *vfs, enum vfs_fault_op op)
{
	if (vfs->off)
		return FATE_OFF;
	vfs->counts[op]++;
	if (is_change(op))
		vfs->counts[VFS_FAULT_CHANGE]++;
	if (!plan_strikes(&vfs->plan, op))
		return FATE_GOOD;
	bool halves = op == VFS_FAULT_WRITE || op == VFS_FAULT_READ;
	switch (vfs->plan.failure) {
	case VFS_FAULT_POWER_OFF:
		vfs->off = true;
		return halves ? FATE_HALF_OFF : FATE_OFF;
	case VFS_FAULT_ENOSPC:
		return op == VFS_FAULT_WRITE ? FATE_HALF_FULL : FATE_EIO;
	case VFS_FAULT_SHORT:
		return halves ? FATE_HALF_EIO : FATE_EIO;
	case VFS_FAULT_EIO:
		break;
	}
	return FATE_EIO;
}

static enum fate handle_step(struct handle *handle, enum vfs_fault_op op)
{
	return handle->boot == handle->vfs->boot ? step(handle->vfs, op) : FATE_OFF;
}

static bool handle_is_dead(const struct handle *handle)
{
	return handle->boot != handle->vfs->boot || handle->vfs->off;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int file_read(sqlite3_file *base, void *ret_bytes, int length, sqlite3_int64 offset)
{
	struct handle *handle = (struct handle *)base;
	assert(length >= 0 && offset >= 0);
	pthread_mutex_lock(&handle->vfs->lock);
	enum fate fate = handle_step(handle, VFS_FAULT_READ);
	size_t asked = (size_t)length, got = 0;
	if (fate == FATE_GOOD || fate == FATE_HALF_EIO)
		got = disk_read(handle->file, ret_bytes, fate == FATE_GOOD ? asked : asked / 2,
				(uint64_t)offset);
	pthread_mutex_unlock(&handle->vfs->lock);
	if (fate != FATE_GOOD && fate != FATE_HALF_EIO)
		return SQLITE_IOERR_READ;
	memset((char *)ret_bytes + got, 0, asked - got); /* SQLite relies on it */
	return got == asked ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 offset)
{
	struct handle *handle = (struct handle *)base;
	assert(length >= 0 && offset >= 0);
	pthread_mutex_lock(&handle->vfs->lock);
	enum fate fate = handle_step(handle, VFS_FAULT_WRITE);
	size_t asked = (size_t)length, part = fate == FATE_GOOD ? asked : asked / 2, written = 0;
	if (fate != FATE_EIO && fate != FATE_OFF)
		written = disk_write(&handle->vfs->disk, handle->file, bytes, part, (uint64_t)offset);
	pthread_mutex_unlock(&handle->vfs->lock);
	if (fate == FATE_GOOD)
		return written == asked ? SQLITE_OK : SQLITE_FULL;
	return fate == FATE_HALF_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct handle *handle = (struct handle *)base;
	assert(size >= 0);
	pthread_mutex_lock(&handle->vfs->lock);
	int result = SQLITE_IOERR_TRUNCATE;
	if (handle_step(handle, VFS_FAULT_TRUNCATE) == FATE_GOOD)
		result = disk_resize(&handle->vfs->disk, handle->file, (uint64_t)size) ? SQLITE_OK
										     : SQLITE_FULL;
	pthread_mutex_unlock(&handle->vfs->lock);
	return result;
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct handle *handle = (struct handle *)base;
	struct disk *disk = &handle->vfs->disk;
	(void)flags;
	pthread_mutex_lock(&handle->vfs->lock);
	enum fate fate = handle_step(handle, VFS_FAULT_SYNC);
	if (fate == FATE_GOOD) {
		disk_sync(disk, handle->file);
		if (handle->names_sync_due)
			disk_names_sync(disk);
		handle->names_sync_due = false;
	} else if (fate != FATE_OFF) {
		disk_sync_failed(handle->file);
	}
	pthread_mutex_unlock(&handle->vfs->lock);
	return fate == FATE_GOOD ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
	struct handle *handle = (struct handle *)base;
	pthread_mutex_lock(&handle->vfs->lock);
	int result = handle_is_dead(handle) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
	if (result == SQLITE_OK)
		*ret_size = (sqlite3_int64)handle->file->now.size;
	pthread_mutex_unlock(&handle->vfs->lock);
	return result;
}

/* ---- locks of the database file ------------------------------------------------------------- */

static int highest_lock_of_others(const struct handle *handle)
{
	int highest = SQLITE_LOCK_NONE;
	for (const struct handle *other = handle->vfs->handles; other != NULL; other = other->next)
		if (other != handle && other->file == handle->file && other->boot == handle->boot &&
		    other->lock > highest)
			highest = other->lock;
	return highest;
}

static int lock_raise(struct handle *handle, int level)
{
	int others = highest_lock_of_others(handle);
	if (level == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING)
		return SQLITE_BUSY;
	if (level > SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_RESERVED)
		return SQLITE_BUSY;
	if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
		handle->lock = SQLITE_LOCK_PENDING; /* no new reader comes in; those inside finish */
		return SQLITE_BUSY;
	}
	handle->lock = level;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	struct handle *handle = (struct handle *)base;
	assert(level >= SQLITE_LOCK_NONE && level <= SQLITE_LOCK_EXCLUSIVE);
	pthread_mutex_lock(&handle->vfs->lock);
	int result = SQLITE_OK;
	if (handle_is_dead(handle))
		result = SQLITE_IOERR_LOCK;
	else if (level > handle->lock)
		result = lock_raise(handle, level);
	pthread_mutex_unlock(&handle->vfs->lock);
	return result;
}

static int file_unlock(sqlite3_file *base, int level)
{
	struct handle *handle = (struct handle *)base;
	pthread_mutex_lock(&handle->vfs->lock);
	if (level < handle->lock)
		handle->lock = level;
	pthread_mutex_unlock(&handle->vfs->lock);
	return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
	struct handle *handle = (struct handle *)base;
	pthread_mutex_lock(&handle->vfs->lock);
	*ret_reserved = handle->lock >= SQLITE_LOCK_RESERVED ||
			highest_lock_of_others(handle) >= SQLITE_LOCK_RESERVED;
	pthread_mutex_unlock(&handle->vfs->lock);
	return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *argument)
{
	(void)base;
	(void)op;
	(void)argument;
	return SQLITE_NOTFOUND; /* "not known here": SQLite then does it its own way */
}

static int file_sector_size(sqlite3_file *base)
{
	(void)base;
	return DISK_SECTOR_BYTES;
}

static int file_characteristics(sqlite3_file *base)
{
	(void)base;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory of the write-ahead log --------------------------------------------------- */

/* The shared memory others of this boot already have, or new. */
static void shm_attach(struct handle *handle)
{
	for (struct handle *other = handle->vfs->handles; other != NULL; other = other->next)
		if (other->file == handle->file && other->boot == handle->boot && other->shm != NULL)
			handle->shm = other->shm;
	if (handle->shm == NULL)
		handle->shm = mem_alloc(sizeof *handle->shm);
	handle->shm->users++;
}

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_memory)
{
	struct handle *handle = (struct handle *)base;
	assert(region >= 0 && size > 0);
	*ret_memory = NULL;
	pthread_mutex_lock(&handle->vfs->lock);
	int result = SQLITE_OK;
	if (handle_is_dead(handle) || region >= SHM_REGIONS_MAX) {
		result = SQLITE_IOERR_SHMMAP;
	} else {
		if (handle->shm == NULL)
			shm_attach(handle);
		if (handle->shm->region[region] == NULL && extend)
			handle->shm->region[region] = mem_alloc((size_t)size);
		*ret_memory = handle->shm->region[region];
	}
	pthread_mutex_unlock(&handle->vfs->lock);
	return result;
}

static void shm_slot_release(struct handle *handle, int slot)
{
	unsigned bit = 1u << slot;
	if (handle->shm_shared & bit)
		handle->shm->shared[slot]--;
	if (handle->shm_exclusive & bit)
		handle->shm->exclusive[slot] = false;
	handle->shm_shared &= ~bit;
	handle->shm_exclusive &= ~bit;
}

static bool shm_slot_is_free(const struct handle *handle, int slot, bool exclusive)
{
	const struct shm *shm = handle->shm;
	unsigned own = handle->shm_shared >> slot & 1;
	bool foreign_exclusive = shm->exclusive[slot] && !(handle->shm_exclusive >> slot & 1);
	return !foreign_exclusive && (!exclusive || shm->shared[slot] == own);
}

static void shm_slot_take(struct handle *handle, int slot, bool exclusive)
{
	unsigned bit = 1u << slot;
	if (exclusive) {
		handle->shm->exclusive[slot] = true;
		handle->shm_exclusive |= bit;
	} else if (!(handle->shm_shared & bit)) {
		handle->shm->shared[slot]++;
		handle->shm_shared |= bit;
	}
}

static int shm_slots(struct handle *handle, int first, int count, int flags)
{
	bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
	if (flags & SQLITE_SHM_UNLOCK) {
		for (int slot = first; slot < first + count; slot++)
			shm_slot_release(handle, slot);
		return SQLITE_OK;
	}
	for (int slot = first; slot < first + count; slot++)
		if (!shm_slot_is_free(handle, slot, exclusive))
			return SQLITE_BUSY;
	for (int slot = first; slot < first + count; slot++)
		shm_slot_take(handle, slot, exclusive);
	return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int first, int count, int flags)
{
	struct handle *handle = (struct handle *)base;
	assert(first >= 0 && count >= 1 && first + count <= SQLITE_SHM_NLOCK);
	pthread_mutex_lock(&handle->vfs->lock);
	int result = SQLITE_IOERR_SHMLOCK;
	if (handle->shm != NULL && (!handle_is_dead(handle) || (flags & SQLITE_SHM_UNLOCK)))
		result = shm_slots(handle, first, count, flags);
	pthread_mutex_unlock(&handle->vfs->lock);
	return result;
}

static void shm_barrier(sqlite3_file *base)
{
	struct handle *handle = (struct handle *)base;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	pthread_mutex_lock(&handle->vfs->lock); /* a lock is a barrier that thread checkers know */
	pthread_mutex_unlock(&handle->vfs->lock);
}

static void shm_detach(struct handle *handle)
{
	struct shm *shm = handle->shm;
	if (shm == NULL)
		return;
	for (int slot = 0; slot < SQLITE_SHM_NLOCK; slot++)
		shm_slot_release(handle, slot);
	handle->shm = NULL;
	if (--shm->users > 0)
		return;
	for (int i = 0; i < SHM_REGIONS_MAX; i++)
		mem_free(shm->region[i]);
	mem_free(shm);
}

static int shm_unmap(sqlite3_file *base, int delete)
{
	struct handle *handle = (struct handle *)base;
	(void)delete; /* it is nowhere but in memory: the last one out takes it along */
	pthread_mutex_lock(&handle->vfs->lock);
	shm_detach(handle);
	pthread_mutex_unlock(&handle->vfs->lock);
	return SQLITE_OK;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static int file_close(sqlite3_file *base)
{
	struct handle *handle = (struct handle *)base;
	struct vfs_fault *vfs = handle->vfs;
	pthread_mutex_lock(&vfs->lock);
	struct handle **place = &vfs->handles;
	while (*place != handle)
		place = &(*place)->next;
	*place = handle->next;
	shm_detach(handle);
	if (handle->delete_on_close != NULL && !handle_is_dead(handle))
		disk_remove(&vfs->disk, handle->delete_on_close);
	mem_free(handle->delete_on_close);
	disk_release(&vfs->disk, handle->file);
	pthread_mutex_unlock(&vfs->lock);
	return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 2, /* no memory mapping: mapped bytes would pass us by */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* The held file for an open, made when it may be; NULL when it cannot be opened. */
static struct disk_file *file_for_open(struct vfs_fault *vfs, const char *name, int flags,
				       bool *ret_made)
{
	struct disk_file *file = name != NULL ? disk_find(&vfs->disk, name) : NULL;
	*ret_made = file == NULL;
	if (file == NULL)
		return name == NULL || (flags & SQLITE_OPEN_CREATE) ? disk_make(&vfs->disk, name)
								     : NULL;
	if (flags & SQLITE_OPEN_EXCLUSIVE)
		return NULL;
	disk_hold(file);
	return file;
}

static int open_locked(struct vfs_fault *vfs, const char *name, struct handle *handle, int flags)
{
	bool made;
	if (step(vfs, VFS_FAULT_OPEN) != FATE_GOOD)
		return SQLITE_CANTOPEN;
	struct disk_file *file = file_for_open(vfs, name, flags, &made);
	if (file == NULL)
		return SQLITE_CANTOPEN;
	*handle = (struct handle){ .vfs = vfs, .file = file, .boot = vfs->boot };
	handle->names_sync_due = made && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL |
						   SQLITE_OPEN_SUPER_JOURNAL));
	if (name != NULL && (flags & SQLITE_OPEN_DELETEONCLOSE))
		handle->delete_on_close = mem_strdup(name);
	handle->next = vfs->handles;
	vfs->handles = handle;
	return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *ret_file, int flags,
		    int *ret_flags)
{
	struct vfs_fault *vfs = vfs_of(base);
	ret_file->pMethods = NULL; /* nothing to close when this fails */
	pthread_mutex_lock(&vfs->lock);
	int result = open_locked(vfs, name, (struct handle *)ret_file, flags);
	pthread_mutex_unlock(&vfs->lock);
	if (result != SQLITE_OK)
		return result;
	ret_file->pMethods = &file_methods;
	if (ret_flags != NULL)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int names_sync)
{
	struct vfs_fault *vfs = vfs_of(base);
	pthread_mutex_lock(&vfs->lock);
	int result = SQLITE_IOERR_DELETE;
	if (step(vfs, VFS_FAULT_DELETE) == FATE_GOOD) {
		result = disk_remove(&vfs->disk, name) ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
		if (result == SQLITE_OK && names_sync)
			disk_names_sync(&vfs->disk);
	}
	pthread_mutex_unlock(&vfs->lock);
	return result;
}

static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *ret_is)
{
	struct vfs_fault *vfs = vfs_of(base);
	(void)flags; /* what is there can be read and written */
	pthread_mutex_lock(&vfs->lock);
	int result = vfs->off ? SQLITE_IOERR_ACCESS : SQLITE_OK;
	const struct disk_file *file = disk_find(&vfs->disk, name);
	/* As SQLite's own: an empty file does not count as there, for journals. */
	*ret_is = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->now.size > 0);
	pthread_mutex_unlock(&vfs->lock);
	return result;
}

static int vfs_full_name(sqlite3_vfs *base, const char *name, int size, char *ret_name)
{
	(void)base;
	size_t length = strlen(name);
	if (length == 0 || length >= (size_t)size || length >= DISK_NAME_BYTES)
		return SQLITE_CANTOPEN;
	memcpy(ret_name, name, length + 1);
	return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *base, int size, char *ret_bytes)
{
	struct vfs_fault *vfs = vfs_of(base);
	pthread_mutex_lock(&vfs->lock);
	random_fill(vfs->random, ret_bytes, (size_t)size);
	pthread_mutex_unlock(&vfs->lock);
	return size;
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
	(void)base;
	return microseconds;
}

static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
	*ret_ms = clock_wall(vfs_of(base)->clock) / TIME_MS + JULIAN_1970_MS;
	return SQLITE_OK;
}

static int vfs_time_days(sqlite3_vfs *base, double *ret_days)
{
	sqlite3_int64 ms;
	vfs_time(base, &ms);
	*ret_days = (double)ms / 86400000.0;
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *ret_text)
{
	(void)base;
	(void)size;
	(void)ret_text;
	return 0; /* no errno stands behind our failures */
}

struct vfs_fault *vfs_fault_create(const char *name, struct random *random, struct clock *clock)
{
	assert(sqlite3_vfs_find(name) == NULL);
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL); /* loading extensions is not ours to do */
	struct vfs_fault *vfs = mem_alloc(sizeof *vfs);
	vfs->name = mem_strdup(name);
	vfs->random = random;
	vfs->clock = clock;
	disk_init(&vfs->disk, random);
	pthread_mutex_init(&vfs->lock, NULL);
	vfs->base = (sqlite3_vfs){
		.iVersion = 2, .szOsFile = sizeof(struct handle), .mxPathname = DISK_NAME_BYTES - 1,
		.zName = vfs->name, .pAppData = vfs, .xOpen = vfs_open, .xDelete = vfs_delete,
		.xAccess = vfs_access, .xFullPathname = vfs_full_name, .xDlOpen = usual->xDlOpen,
		.xDlError = usual->xDlError, .xDlSym = usual->xDlSym,
		.xDlClose = usual->xDlClose, .xRandomness = vfs_randomness, .xSleep = vfs_sleep,
		.xCurrentTime = vfs_time_days, .xGetLastError = vfs_last_error,
		.xCurrentTimeInt64 = vfs_time,
	};
	int result = sqlite3_vfs_register(&vfs->base, 0);
	assert(result == SQLITE_OK);
	return vfs;
}

void vfs_fault_destroy(struct vfs_fault **vfs)
{
	if (*vfs == NULL)
		return;
	assert((*vfs)->handles == NULL);
	sqlite3_vfs_unregister(&(*vfs)->base);
	disk_finish(&(*vfs)->disk);
	pthread_mutex_destroy(&(*vfs)->lock);
	mem_free((*vfs)->name);
	mem_free(*vfs);
	*vfs = NULL;
}

/* ---- what tests say to it ------------------------------------------------------------------- */

void vfs_fault_plan(struct vfs_fault *vfs, enum vfs_fault_op op, uint64_t nth,
		    enum vfs_fault_failure failure, bool sticky)
{
	assert(op < VFS_FAULT_OPS);
	pthread_mutex_lock(&vfs->lock);
	vfs->plan = (struct plan){ .op = op, .countdown = nth, .failure = failure, .sticky = sticky };
	pthread_mutex_unlock(&vfs->lock);
}

bool vfs_fault_happened(struct vfs_fault *vfs)
{
	pthread_mutex_lock(&vfs->lock);
	bool struck = vfs->plan.struck;
	pthread_mutex_unlock(&vfs->lock);
	return struck;
}

uint64_t vfs_fault_count(struct vfs_fault *vfs, enum vfs_fault_op op)
{
	assert(op < VFS_FAULT_OPS);
	pthread_mutex_lock(&vfs->lock);
	uint64_t count = vfs->counts[op];
	pthread_mutex_unlock(&vfs->lock);
	return count;
}

void vfs_fault_power_off(struct vfs_fault *vfs)
{
	pthread_mutex_lock(&vfs->lock);
	vfs->off = true;
	pthread_mutex_unlock(&vfs->lock);
}

void vfs_fault_crash(struct vfs_fault *vfs, enum disk_crash mode)
{
	pthread_mutex_lock(&vfs->lock);
	disk_crash(&vfs->disk, mode);
	vfs->plan = (struct plan){ .struck = vfs->plan.struck };
	vfs->boot++; /* handles from before are dead; their locks and shared memory no longer count */
	vfs->off = false;
	pthread_mutex_unlock(&vfs->lock);
}

void vfs_fault_capacity_set(struct vfs_fault *vfs, uint64_t bytes)
{
	pthread_mutex_lock(&vfs->lock);
	vfs->disk.capacity_bytes = bytes;
	pthread_mutex_unlock(&vfs->lock);
}

uint64_t vfs_fault_used_bytes(struct vfs_fault *vfs)
{
	pthread_mutex_lock(&vfs->lock);
	uint64_t used = disk_used_bytes(&vfs->disk);
	pthread_mutex_unlock(&vfs->lock);
	return used;
}

void vfs_fault_lie(struct vfs_fault *vfs, bool lies)
{
	pthread_mutex_lock(&vfs->lock);
	vfs->disk.lies = lies;
	pthread_mutex_unlock(&vfs->lock);
}

bool vfs_fault_file(struct vfs_fault *vfs, const char *name, struct str *ret_bytes)
{
	pthread_mutex_lock(&vfs->lock);
	const struct disk_file *file = disk_find(&vfs->disk, name);
	if (file != NULL) {
		char *copy = mem_alloc(file->now.size + 1);
		disk_read(file, copy, file->now.size, 0);
		*ret_bytes = (struct str){ copy, file->now.size };
	}
	pthread_mutex_unlock(&vfs->lock);
	return file != NULL;
}
