/* files.c: see files.h. */
#include "metrics/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum err files_fail(struct error *err, const char *doing, const char *path)
{
	return error_set(err, ERR_IO, "could not %s \"%s\": %s", doing, path, strerror(errno));
}

void files_path(const char *folder, uint32_t number, const char *kind, char *ret_path)
{
	snprintf(ret_path, PATH_MAX, "%s/%08u.%s", folder, number, kind);
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

enum err files_list(const char *folder, const char *kind, uint32_t **ret_numbers, uint32_t *ret_count, struct error *err)
{
	uint32_t *numbers = NULL, count = 0;
	DIR *dir = opendir(folder);
	*ret_numbers = NULL;
	*ret_count = 0;
	if (dir == NULL)
		return files_fail(err, "read the folder", folder);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		const char *name = entry->d_name;
		if (strspn(name, "0123456789") != 8 || name[8] != '.' || strcmp(name + 9, kind) != 0)
			continue;
		if ((count & (count + 1)) == 0) /* 2, 4, 8 */
			numbers = mem_realloc(numbers, (2 * (size_t)count + 2) * sizeof *numbers);
		numbers[count++] = (uint32_t)strtoul(name, NULL, 10);
	}
	closedir(dir);
	if (count > 0)
		qsort(numbers, count, sizeof *numbers, by_number);
	*ret_numbers = numbers;
	*ret_count = count;
	return OK;
}

enum err files_set_aside(const char *path, struct error *err)
{
	char aside[PATH_MAX + 8];
	snprintf(aside, sizeof aside, "%s.lost", path);
	return rename(path, aside) == 0 ? OK : files_fail(err, "set aside", path);
}

bool files_write(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t count = write(fd, bytes.ptr, bytes.len);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		bytes = (struct str){ bytes.ptr + count, bytes.len - (size_t)count };
	}
	return true;
}

bool files_sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool done = fsync(fd) == 0;
	close(fd);
	return done;
}
