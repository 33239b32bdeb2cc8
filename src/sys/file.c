/* file.c: see file.h. */
#include "sys/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define CHUNK_BYTES 16384

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define cleanup_fd __attribute__((cleanup(close_fd)))

static enum err fail(struct error *err, const char *doing, const char *path)
{
	int number = errno;
	enum err code = number == ENOENT ? ERR_NOT_FOUND
	              : number == EACCES || number == EPERM ? ERR_DENIED : ERR_IO;
	return error_set(err, code, "could not %s \"%s\": %s", doing, path, strerror(number));
}

enum err file_read(const char *path, size_t max_bytes, char **ret_bytes, size_t *ret_size,
                   struct error *err)
{
	assert(max_bytes > 0);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "open", path);
	cleanup_buf struct buf content;
	buf_init(&content, max_bytes);
	char chunk[CHUNK_BYTES];
	for (;;) {
		ssize_t count = read(fd, chunk, sizeof chunk);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return fail(err, "read", path);
		if (count == 0)
			break;
		buf_add(&content, (struct str){ chunk, (size_t)count });
		if (content.full)
			return error_set(err, ERR_TOO_LARGE, "cannot read \"%s\": it is larger than %zu bytes",
			                 path, max_bytes);
	}
	*ret_size = content.used;
	*ret_bytes = buf_take(&content);
	return OK;
}

static enum err write_all(int fd, struct str bytes, const char *path, struct error *err)
{
	size_t done = 0;
	while (done < bytes.len) {
		ssize_t count = write(fd, bytes.ptr + done, bytes.len - done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return fail(err, "write", path);
		done += (size_t)count;
	}
	if (fsync(fd) != 0)
		return fail(err, "sync", path);
	return OK;
}

static enum err sync_folder_of(const char *path, struct error *err)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
	snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path);
	cleanup_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "open", folder);
	if (fsync(fd) != 0)
		return fail(err, "sync", folder);
	return OK;
}

static enum err write_neighbour(const char *neighbour, struct str bytes, mode_t mode,
                                struct error *err)
{
	cleanup_fd int fd = open(neighbour, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(err, "make", neighbour);
	if (fchmod(fd, mode) != 0)
		return fail(err, "set the mode of", neighbour);
	return write_all(fd, bytes, neighbour, err);
}

enum err file_write(const char *path, struct str bytes, mode_t mode, struct error *err)
{
	assert(path[0] != '\0');
	assert((mode & ~07777u) == 0);
	char neighbour[PATH_MAX];
	int length = snprintf(neighbour, sizeof neighbour, "%s.new", path);
	if (length < 0 || (size_t)length >= sizeof neighbour)
		return error_set(err, ERR_INVALID, "cannot write \"%.100s...\": the path is too long", path);
	unlink(neighbour); /* what a crash left */
	enum err result = write_neighbour(neighbour, bytes, mode, err);
	if (result == OK && rename(neighbour, path) != 0)
		result = fail(err, "rename to", path);
	if (result != OK) {
		unlink(neighbour);
		return result;
	}
	return sync_folder_of(path, err);
}

enum err file_make_private_folder(const char *path, struct error *err)
{
	assert(path[0] != '\0');
	if (mkdir(path, 0700) == 0)
		return OK;
	if (errno != EEXIST)
		return fail(err, "make the folder", path);
	struct stat stat_;
	if (stat(path, &stat_) != 0)
		return fail(err, "look at", path);
	if (!S_ISDIR(stat_.st_mode))
		return error_set(err, ERR_CONFLICT, "cannot use \"%s\": it is not a folder", path);
	if (stat_.st_uid != geteuid())
		return error_set(err, ERR_CONFLICT, "cannot use \"%s\": it belongs to another user", path);
	if ((stat_.st_mode & 077) != 0) {
		error_set(err, ERR_CONFLICT, "cannot use \"%s\": others may read or change it", path);
		error_hint(err, "close it with: chmod 700 '%s'", path);
		return ERR_CONFLICT;
	}
	return OK;
}
