/* backup_file.c: see backup_file.h. */
#include "main/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/mem.h"

#define CHUNK_BYTES (256u << 10)
#define TOLD_EVERY_BYTES (INT64_C(64) << 20)

enum err backup_file_write(int fd, const void *bytes, size_t size, struct error *err)
{
	const char *from = bytes;
	while (size > 0) {
		ssize_t count = write(fd, from, size);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return error_set(err, ERR_UNAVAILABLE, "could not write: %s", strerror(errno));
		from += count;
		size -= (size_t)count;
	}
	return OK;
}

struct walk {
	int fd, to; /* to -1: only read */
	int64_t bytes, done;
	crypto_hash_sha256_state hash;
	unsigned char *chunk;
	backup_progress_fn *progress;
	const char *doing;
};

static enum err walk_chunk(struct walk *w, struct error *err)
{
	int64_t left = w->bytes - w->done;
	ssize_t count = read(w->fd, w->chunk, left < (int64_t)CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
	if (count < 0 && errno == EINTR)
		return OK;
	if (count < 0)
		return error_set(err, ERR_IO, "could not read: %s", strerror(errno));
	if (count == 0)
		return error_set(err, ERR_CORRUPT, "the file is shorter than it says");
	crypto_hash_sha256_update(&w->hash, w->chunk, (size_t)count);
	if ((w->done / TOLD_EVERY_BYTES) != ((w->done + count) / TOLD_EVERY_BYTES))
		w->progress(w->doing, w->done + count, w->bytes);
	w->done += count;
	return w->to >= 0 ? backup_file_write(w->to, w->chunk, (size_t)count, err) : OK;
}

static enum err walk(struct walk *w, struct backup_part *ret_part, struct error *err)
{
	struct backup_part part = { .bytes = w->bytes };
	enum err r = OK;
	crypto_hash_sha256_init(&w->hash);
	w->chunk = mem_alloc(CHUNK_BYTES);
	while (r == OK && w->done < w->bytes)
		r = walk_chunk(w, err);
	mem_free(w->chunk);
	crypto_hash_sha256_final(&w->hash, part.hash);
	if (r == OK)
		*ret_part = part;
	return r;
}

enum err backup_file_hash(int fd, int64_t offset, int64_t bytes, backup_progress_fn *progress, const char *doing,
			  struct backup_part *ret_part, struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return error_set(err, ERR_IO, "could not read: %s", strerror(errno));
	struct walk w = { .fd = fd, .to = -1, .bytes = bytes > 0 ? bytes : (int64_t)st.st_size - offset,
			  .progress = progress, .doing = doing };
	return walk(&w, ret_part, err);
}

enum err backup_file_copy(int fd, int64_t bytes, int to, backup_progress_fn *progress, const char *doing,
			  struct backup_part *ret_part, struct error *err)
{
	struct walk w = { .fd = fd, .to = to, .bytes = bytes, .progress = progress, .doing = doing };
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, ERR_IO, "could not read: %s", strerror(errno));
	return walk(&w, ret_part, err);
}

void backup_file_folder(const char *path, char *ret_folder, size_t size)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		snprintf(ret_folder, size, ".");
	else if (slash == path)
		snprintf(ret_folder, size, "/");
	else
		snprintf(ret_folder, size, "%.*s", (int)(slash - path), path);
}

void backup_file_neighbour(const char *path, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s.part-%08x", path, (unsigned)randombytes_random());
}

enum err backup_file_sync_folder(const char *path, struct error *err)
{
	char folder[BACKUP_PATH_BYTES];
	backup_file_folder(path, folder, sizeof folder);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* some file systems cannot, and need not */
	int number = errno;
	if (fd >= 0)
		close(fd);
	return synced ? OK : error_set(err, ERR_IO, "could not sync \"%.300s\": %s", folder, strerror(number));
}

/* Without overwriting what came there meanwhile; where the file system has no such rename, the look
 * before it must do. */
static int rename_if_free(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (access(to, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

enum err backup_file_publish(int fd, const char *part, const char *path, struct error *err)
{
	if (fsync(fd) != 0)
		return error_set(err, ERR_UNAVAILABLE, "could not write the backup: %s", strerror(errno));
	if (rename_if_free(part, path) != 0)
		return error_set(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "could not name it \"%.300s\": %s", path,
				 strerror(errno));
	return backup_file_sync_folder(path, err);
}
