/*
 * vfs_fault_file.c: what SQLite does with an open file of vfs_fault.h: bytes, locks, shared memory.
 */
#include "store/vfs_fault_priv.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static enum vfs_fate handle_step(struct vfs_handle *handle, enum vfs_fault_op op)
{
	return handle->boot == handle->vfs->boot ? vfs_fault_step(handle->vfs, op) : FATE_OFF;
}

static bool handle_is_dead(const struct vfs_handle *handle)
{
	return handle->boot != handle->vfs->boot || handle->vfs->off;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int file_read(sqlite3_file *base, void *ret_bytes, int length, sqlite3_int64 offset)
{
	struct vfs_handle *handle = (struct vfs_handle *)base;
	assert(length >= 0 && offset >= 0);
	pthread_mutex_lock(&handle->vfs->lock);
	enum vfs_fate fate = handle_step(handle, VFS_FAULT_READ);
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
	assert(length >= 0 && offset >= 0);
	pthread_mutex_lock(&handle->vfs->lock);
	enum vfs_fate fate = handle_step(handle, VFS_FAULT_WRITE);
	size_t asked = (size_t)length, part = fate == FATE_GOOD ? asked : asked / 2, written = 0;
	if (fate != FATE_EIO && fate != FATE_OFF)
		written = disk_write(&handle->vfs->disk, handle->file, bytes, part,
				     (uint64_t)offset);
	pthread_mutex_unlock(&handle->vfs->lock);
	if (fate == FATE_GOOD)
		return written == asked ? SQLITE_OK : SQLITE_FULL;
	return fate == FATE_HALF_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct vfs_handle *handle = (struct vfs_handle *)base;
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
	struct disk *disk = &handle->vfs->disk;
	(void)flags;
	pthread_mutex_lock(&handle->vfs->lock);
	enum vfs_fate fate = handle_step(handle, VFS_FAULT_SYNC);
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
	pthread_mutex_lock(&handle->vfs->lock);
	int result = handle_is_dead(handle) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
	if (result == SQLITE_OK)
		*ret_size = (sqlite3_int64)handle->file->now.size;
	pthread_mutex_unlock(&handle->vfs->lock);
	return result;
}

/* ---- locks of the database file ------------------------------------------------------------- */

static int highest_lock_of_others(const struct vfs_handle *handle)
{
	int highest = SQLITE_LOCK_NONE;
	const struct vfs_handle *other = handle->vfs->handles;
	for (; other != NULL; other = other->next)
		if (other != handle && other->file == handle->file && other->boot == handle->boot &&
		    other->lock > highest)
			highest = other->lock;
	return highest;
}

static int lock_raise(struct vfs_handle *handle, int level)
{
	int others = highest_lock_of_others(handle);
	if (level == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING)
		return SQLITE_BUSY;
	if (level > SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_RESERVED)
		return SQLITE_BUSY;
	if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
		handle->lock = SQLITE_LOCK_PENDING; /* no new reader; those inside finish */
		return SQLITE_BUSY;
	}
	handle->lock = level;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	struct vfs_handle *handle = (struct vfs_handle *)base;
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
	pthread_mutex_lock(&handle->vfs->lock);
	if (level < handle->lock)
		handle->lock = level;
	pthread_mutex_unlock(&handle->vfs->lock);
	return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
	struct vfs_handle *handle = (struct vfs_handle *)base;
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
static void shm_attach(struct vfs_handle *handle)
{
	for (struct vfs_handle *other = handle->vfs->handles; other != NULL; other = other->next)
		if (other->file == handle->file && other->boot == handle->boot &&
		    other->shm != NULL)
			handle->shm = other->shm;
	if (handle->shm == NULL)
		handle->shm = mem_alloc(sizeof *handle->shm);
	handle->shm->users++;
}

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_memory)
{
	struct vfs_handle *handle = (struct vfs_handle *)base;
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

static void shm_slot_release(struct vfs_handle *handle, int slot)
{
	unsigned bit = 1u << slot;
	if (handle->shm_shared & bit)
		handle->shm->shared[slot]--;
	if (handle->shm_exclusive & bit)
		handle->shm->exclusive[slot] = false;
	handle->shm_shared &= ~bit;
	handle->shm_exclusive &= ~bit;
}

static bool shm_slot_is_free(const struct vfs_handle *handle, int slot, bool exclusive)
{
	const struct vfs_shm *shm = handle->shm;
	unsigned own = handle->shm_shared >> slot & 1;
	bool foreign_exclusive = shm->exclusive[slot] && !(handle->shm_exclusive >> slot & 1);
	return !foreign_exclusive && (!exclusive || shm->shared[slot] == own);
}

static void shm_slot_take(struct vfs_handle *handle, int slot, bool exclusive)
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

static int shm_slots(struct vfs_handle *handle, int first, int count, int flags)
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	pthread_mutex_lock(&handle->vfs->lock); /* a lock is a barrier that thread checkers know */
	pthread_mutex_unlock(&handle->vfs->lock);
}

static void shm_detach(struct vfs_handle *handle)
{
	struct vfs_shm *shm = handle->shm;
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
	struct vfs_handle *handle = (struct vfs_handle *)base;
	(void)delete; /* it is nowhere but in memory: the last one out takes it along */
	pthread_mutex_lock(&handle->vfs->lock);
	shm_detach(handle);
	pthread_mutex_unlock(&handle->vfs->lock);
	return SQLITE_OK;
}

/* ---- closing ------------------------------------------------------------------------------ */

static int file_close(sqlite3_file *base)
{
	struct vfs_handle *handle = (struct vfs_handle *)base;
	struct vfs_fault *vfs = handle->vfs;
	pthread_mutex_lock(&vfs->lock);
	struct vfs_handle **place = &vfs->handles;
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

const sqlite3_io_methods vfs_fault_file_methods = {
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
