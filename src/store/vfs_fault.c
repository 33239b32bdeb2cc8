/*
 * vfs_fault.c: see vfs_fault.h. SQLite's view of a vfs_disk: names, handles, faults. What is safe
 * and what is not is decided in vfs_disk.c; open files are in vfs_fault_file.c.
 */
#include "store/vfs_fault_priv.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define JULIAN_1970_MS INT64_C(210866760000000)

static struct vfs_fault *vfs_of(sqlite3_vfs *base)
{
	return base->pAppData;
}

static bool is_change(enum vfs_fault_op op)
{
	return op == VFS_FAULT_WRITE || op == VFS_FAULT_TRUNCATE || op == VFS_FAULT_SYNC ||
	       op == VFS_FAULT_DELETE;
}

static bool plan_strikes(struct vfs_plan *plan, enum vfs_fault_op op)
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

enum vfs_fate vfs_fault_step(struct vfs_fault *vfs, enum vfs_fault_op op)
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

static int open_locked(struct vfs_fault *vfs, const char *name, struct vfs_handle *handle,
		       int flags)
{
	bool made;
	if (vfs_fault_step(vfs, VFS_FAULT_OPEN) != FATE_GOOD)
		return SQLITE_CANTOPEN;
	struct disk_file *file = file_for_open(vfs, name, flags, &made);
	if (file == NULL)
		return SQLITE_CANTOPEN;
	*handle = (struct vfs_handle){ .vfs = vfs, .file = file, .boot = vfs->boot };
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
	int result = open_locked(vfs, name, (struct vfs_handle *)ret_file, flags);
	pthread_mutex_unlock(&vfs->lock);
	if (result != SQLITE_OK)
		return result;
	ret_file->pMethods = &vfs_fault_file_methods;
	if (ret_flags != NULL)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int names_sync)
{
	struct vfs_fault *vfs = vfs_of(base);
	pthread_mutex_lock(&vfs->lock);
	int result = SQLITE_IOERR_DELETE;
	if (vfs_fault_step(vfs, VFS_FAULT_DELETE) == FATE_GOOD) {
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
		.iVersion = 2, .szOsFile = sizeof(struct vfs_handle),
		.mxPathname = DISK_NAME_BYTES - 1, .zName = vfs->name, .pAppData = vfs,
		.xOpen = vfs_open, .xDelete = vfs_delete,
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
	vfs->plan = (struct vfs_plan){
		.op = op, .countdown = nth, .failure = failure, .sticky = sticky,
	};
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
	vfs->plan = (struct vfs_plan){ .struck = vfs->plan.struck };
	vfs->boot++; /* handles from before are dead; their locks and shared memory are gone */
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
