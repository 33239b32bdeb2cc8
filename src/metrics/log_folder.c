/* log_folder.c: the folder at opening, and what in it is not needed any more; see log.h. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/files.h"
#include "metrics/log_priv.h"

/* A whole file, in one piece. */
struct content {
	char *bytes;
	size_t size;
};

static void give_back(struct content *content)
{
	pages_give_back(content->bytes, content->size);
}
#define cleanup_content __attribute__((cleanup(give_back)))

static bool read_bytes(int fd, struct content *content)
{
	for (size_t done = 0; done < content->size;) {
		ssize_t count = read(fd, content->bytes + done, content->size - done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		done += (size_t)count;
	}
	return true;
}

static enum err read_file(const char *path, struct content *ret_content, struct error *err)
{
	struct stat status;
	enum err result = OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0) {
		result = files_fail(err, "open", path);
	} else {
		ret_content->size = (size_t)status.st_size;
		ret_content->bytes = pages_take(ret_content->size);
		if (!read_bytes(fd, ret_content))
			result = files_fail(err, "read", path);
	}
	if (fd >= 0)
		close(fd);
	return result;
}

/* ---- checkpoints ---- */

/* True: it is in the engine, and the files of sealed chunks are as it says. */
static bool load(struct metrics_log *log, const char *path, struct metrics_recovered *told)
{
	cleanup_content struct content file = { NULL, 0 };
	struct seg_place place;
	uint32_t lost;
	if (read_file(path, &file, NULL) == OK &&
	    checkpoint_read((struct str){ file.bytes, file.size }, log->metrics, &place) &&
	    seg_open(&log->metrics->segs, log->folder, &place, &lost, NULL) == OK) {
		log->checkpoint_bytes = file.size;
		if (!seg_has_open(&log->metrics->segs))
			metrics_forget_newest(log->metrics);
		told->damaged_files += (uint32_t)atomic_load(&log->metrics->segs.damaged);
		return true;
	}
	metrics_empty(log->metrics);
	return false;
}

static enum err load_newest(struct metrics_log *log, struct metrics_recovered *told, struct error *err)
{
	uint32_t *numbers, count;
	char path[PATH_MAX];
	enum err result = files_list(log->folder, "ckp", &numbers, &count, err);
	while (result == OK && count > 0 && told->checkpoint == 0) {
		uint32_t number = numbers[--count];
		files_path(log->folder, number, "ckp", path);
		if (load(log, path, told)) {
			told->checkpoint = number;
		} else {
			told->damaged_checkpoints++;
			result = files_set_aside(path, err);
		}
	}
	mem_free(numbers);
	if (result == OK && told->checkpoint == 0)
		result = seg_open(&log->metrics->segs, log->folder, NULL, &told->lost_files, err);
	return result;
}

/* ---- segments ---- */

static enum err read_segment(struct metrics_log *log, bool is_last, struct metrics_recovered *told, struct error *err)
{
	char path[PATH_MAX];
	cleanup_content struct content file = { NULL, 0 };
	size_t good;
	files_path(log->folder, log->number, "wal", path);
	enum err result = read_file(path, &file, err);
	if (result != OK)
		return result;
	log_replay((struct str){ file.bytes, file.size }, log->metrics, told, &good);
	log->frame_bytes += file.size;
	told->segments++;
	if (!is_last || good == file.size)
		return OK;
	told->cut_bytes = file.size - good;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool cut = fd >= 0 && ftruncate(fd, (off_t)good) == 0 && fsync(fd) == 0;
	if (!cut)
		files_fail(err, "cut the end of", path);
	if (fd >= 0)
		close(fd);
	return cut ? OK : ERR_IO;
}

static enum err read_segments(struct metrics_log *log, struct metrics_recovered *told, struct error *err)
{
	uint32_t *numbers, count, wanted = told->checkpoint == 0 ? 1 : told->checkpoint;
	enum err result = files_list(log->folder, "wal", &numbers, &count, err);
	log->number = told->checkpoint > 0 ? told->checkpoint - 1 : 0;
	for (uint32_t i = 0; i < count && result == OK; i++) {
		if (numbers[i] < wanted)
			continue;
		told->missing_segments += numbers[i] - wanted;
		wanted = numbers[i] + 1;
		log->number = numbers[i];
		result = read_segment(log, i == count - 1, told, err);
	}
	mem_free(numbers);
	return result;
}

/* What a crash left half written. */
static enum err remove_unfinished(const char *folder, struct error *err)
{
	DIR *dir = opendir(folder);
	if (dir == NULL)
		return files_fail(err, "read the folder", folder);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (str_ends(str_of(entry->d_name), STR(".ckp.tmp")))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	return OK;
}

enum err log_recover(struct metrics_log *log, struct metrics_recovered *told, struct error *err)
{
	enum err result = remove_unfinished(log->folder, err);
	if (result == OK)
		result = load_newest(log, told, err);
	if (result == OK)
		result = read_segments(log, told, err);
	metrics_begin_hour(log->metrics); /* what was there already is not new */
	return result;
}

/* ---- trimming ---- */

static enum err remove_below(const char *folder, const char *kind, uint32_t below, struct error *err)
{
	uint32_t *numbers, count;
	char path[PATH_MAX];
	enum err result = files_list(folder, kind, &numbers, &count, err);
	for (uint32_t i = 0; i < count && result == OK && numbers[i] < below; i++) {
		files_path(folder, numbers[i], kind, path);
		if (unlink(path) != 0)
			result = files_fail(err, "remove", path);
	}
	mem_free(numbers);
	return result;
}

enum err log_trim(struct metrics_log *log, struct error *err)
{
	uint32_t *numbers, count;
	enum err result = files_list(log->folder, "ckp", &numbers, &count, err);
	uint32_t oldest = count >= CHECKPOINTS_KEPT ? numbers[count - CHECKPOINTS_KEPT] : 0;
	mem_free(numbers);
	if (result == OK)
		result = remove_below(log->folder, "ckp", oldest, err);
	if (result == OK)
		result = remove_below(log->folder, "wal", oldest, err);
	return result;
}
