/* doctor_folder.c: the data folder: its disk, its speed, who may read it. See doctor.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "main/doctor_priv.h"
#include "main/trouble.h"
#include "sys/clock.h"

#define SPACE_LEAST_BYTES (INT64_C(512) << 20)
#define SYNCS 11
#define SYNC_SLOW (20 * TIME_MS)
#define SYNC_TOO_SLOW (500 * TIME_MS)
#define PATH_BYTES 700

static void path_of(const struct doctor *d, const char *name, char ret_path[PATH_BYTES])
{
	snprintf(ret_path, PATH_BYTES, "%.500s/%s", d->settings->data, name);
}

/* The first start makes this file. */
static bool was_started(const struct doctor *d)
{
	char path[PATH_BYTES];
	path_of(d, d->settings->store != NULL ? "node" : "mainstay.db", path);
	return access(path, F_OK) == 0;
}

static bool is_there(const struct doctor *d)
{
	return access(d->settings->data, F_OK) == 0;
}

/* File systems over a network: their locks and their fsync are not to be trusted with a database. */
static const char *network_name(const char *path)
{
	struct statfs fs;
	if (statfs(path, &fs) != 0)
		return NULL;
	switch ((unsigned long)fs.f_type) {
	case NFS_SUPER_MAGIC:
		return "NFS";
	case SMB_SUPER_MAGIC:
	case 0xFF534D42ul: /* CIFS */
	case 0xFE534D42ul: /* SMB2 */
		return "SMB";
	case V9FS_MAGIC:
		return "9p";
	case AFS_SUPER_MAGIC:
		return "AFS";
	case 0x00C36400ul:
		return "Ceph";
	case FUSE_SUPER_MAGIC:
		return "FUSE";
	default:
		return NULL;
	}
}

static void look_at_reserve(struct doctor *d)
{
	char path[PATH_BYTES];
	struct stat st;
	if (!was_started(d))
		return; /* the first start lays it aside */
	path_of(d, "reserve", path);
	if (stat(path, &st) == 0 && st.st_size >= TROUBLE_RESERVE_BYTES)
		doctor_good(d, "reserve", "64 MiB lie aside for a full disk");
	else
		doctor_say(d, DOCTOR_DOUBT, "reserve", "free space: it is laid aside when more than 256 MiB are free",
			   "nothing lies aside for a full disk");
}

void doctor_disk(struct doctor *d)
{
	struct statvfs fs;
	const char *data = d->settings->data;
	if (!is_there(d) || statvfs(data, &fs) != 0)
		return; /* said where the store is opened */
	int64_t spare = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	const char *network = network_name(data);
	if ((fs.f_flag & ST_RDONLY) != 0)
		doctor_say(d, DOCTOR_WRONG, "disk", "mount it for writing; a kernel that saw errors makes it read-only: see dmesg",
			   "the file system of \"%s\" is read-only", data);
	if (network != NULL)
		doctor_say(d, DOCTOR_WRONG, "disk", "keep the data on a disk of this machine",
			   "\"%s\" lies on %s, whose locks and syncs cannot be relied on", data, network);
	if (spare < SPACE_LEAST_BYTES)
		doctor_say(d, DOCTOR_WRONG, "disk", "free space: with less than 512 MiB the reserve cannot be kept",
			   "%lld MiB free where the data lies", (long long)(spare >> 20));
	else
		doctor_good(d, "disk", "%lld MiB free where the data lies", (long long)(spare >> 20));
	look_at_reserve(d);
}

/* Time series: how much, and what could not be read and was set aside at a start. */
void doctor_metrics(struct doctor *d)
{
	char path[4096];
	snprintf(path, sizeof path, "%.4000s/metrics", d->settings->data);
	DIR *folder = opendir(path);
	unsigned lost = 0;
	int64_t bytes = 0;
	if (folder == NULL)
		return; /* none were kept yet */
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		struct stat status;
		if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
			continue;
		bytes += status.st_blocks * 512;
		lost += str_ends(str_of(entry->d_name), STR(".lost"));
	}
	closedir(folder);
	if (lost > 0)
		doctor_say(d, DOCTOR_DOUBT, "metrics", "they are left out, and may be removed; look for errors of the disk in dmesg",
			   "%u files of time series were damaged and set aside as *.lost in \"%s\"", lost, path);
	else
		doctor_good(d, "metrics", "%lld MiB of time series, none damaged", (long long)(bytes >> 20));
}

/* ---- how long one commit waits ---- */

static int by_size(const void *a, const void *b)
{
	const time_us *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

/* The median of some appends with fsync, in a file that has no name. TIME_NONE: it could not be tried. */
static time_us time_of_sync(const char *folder)
{
	char block[4096] = "";
	time_us took[SYNCS];
	struct clock clock;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	size_t done = 0;
	clock_system(&clock);
	while (fd >= 0 && done < SYNCS) {
		time_us begun = clock_since_boot(&clock);
		if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
			break;
		took[done++] = clock_since_boot(&clock) - begun;
	}
	if (fd >= 0)
		close(fd);
	if (done < SYNCS)
		return TIME_NONE;
	qsort(took, SYNCS, sizeof took[0], by_size);
	return took[SYNCS / 2] > 0 ? took[SYNCS / 2] : 1;
}

void doctor_speed(struct doctor *d)
{
	time_us median = is_there(d) ? time_of_sync(d->settings->data) : TIME_NONE;
	if (median == TIME_NONE)
		return;
	double ms = (double)median / (double)TIME_MS;
	if (median > SYNC_SLOW)
		doctor_say(d, median > SYNC_TOO_SLOW ? DOCTOR_WRONG : DOCTOR_DOUBT, "fsync",
			   "every answer waits for one: use a faster disk, or see what else writes to it",
			   "%.1f ms for one, in the median", ms);
	else
		doctor_good(d, "fsync", "%.2f ms for one, in the median", ms);
}

/* ---- who may read it ---- */

static void look_at_mode(struct doctor *d, const char *name, mode_t allowed)
{
	char path[PATH_BYTES];
	struct stat st;
	path_of(d, name, path);
	if (stat(path, &st) != 0)
		return;
	if ((st.st_mode & 07777 & ~allowed) != 0)
		doctor_say(d, DOCTOR_WRONG, "permissions", "others can read secrets: chmod go= on it", "%s has mode %04o", path,
			   (unsigned)st.st_mode & 07777);
	else
		doctor_good(d, "permissions", "%s has mode %04o", path, (unsigned)st.st_mode & 07777);
}

/* One owner for all of it, or the server cannot write what somebody else made. */
static void look_at_owner(struct doctor *d, const char *name, uid_t owner)
{
	char path[PATH_BYTES];
	struct stat st;
	path_of(d, name, path);
	if (stat(path, &st) == 0 && st.st_uid != owner)
		doctor_say(d, DOCTOR_WRONG, "owner", "give it back: chown --reference=DATA on it",
			   "%s belongs to user %u, the folder to user %u", path, (unsigned)st.st_uid, (unsigned)owner);
}

void doctor_permissions(struct doctor *d)
{
	static const char *const names[] = { "mainstay.db", "mainstay.db-wal", "mainstay.db-shm", "journal.key", "flight",
					     "reserve", "lock", "node" };
	struct stat st;
	look_at_mode(d, ".", 0700);
	look_at_mode(d, "journal.key", 0600);
	look_at_mode(d, "mainstay.db", 0600);
	for (size_t i = 0; stat(d->settings->data, &st) == 0 && i < sizeof names / sizeof names[0]; i++)
		look_at_owner(d, names[i], st.st_uid);
}

void doctor_key(struct doctor *d)
{
	char path[PATH_BYTES];
	path_of(d, "journal.key", path);
	if (!was_started(d))
		return;
	if (access(path, R_OK) == 0)
		doctor_good(d, "journal key", "it is there");
	else
		doctor_say(d, DOCTOR_WRONG, "journal key",
			   errno == ENOENT ? "bring it back from where it was kept; without it the next start opens a new epoch"
					   : "see who owns it",
			   "%s: %s", path, strerror(errno));
}
