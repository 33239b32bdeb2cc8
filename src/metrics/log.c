/* log.c: segments on the disk, and who writes them; see log.h. */
#include "metrics/log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/log_priv.h"
#include "sys/file.h"

#define WAITING_BYTES_MAX ((size_t)64 << 20)
#define WAITING_BYTES_WRITE (1u << 20) /* who comes past this writes */
#define SEGMENT_NUMBER_MAX 99999999u

struct metrics_log {
	struct metrics *metrics;
	char folder[PATH_MAX - 32];
	bool sync_each;
	pthread_mutex_t lock;
	pthread_cond_t written;
	struct buf waiting;   /* records nobody has written yet */
	uint64_t given, safe; /* bytes put into `waiting` ever; of them on the disk */
	bool writing, failed;
	/* of the segment that `waiting` goes to */
	uint8_t *said; /* by reference: its SERIES record is in it */
	size_t said_size;
	size_t bytes;
	bool renew; /* the next write begins a segment */
	/* of who is writing */
	int fd;
	uint32_t number;
};

static enum err fail(struct error *err, const char *doing, const char *path)
{
	return error_set(err, ERR_IO, "could not %s \"%s\": %s", doing, path, strerror(errno));
}

static void path_of(const struct metrics_log *log, uint32_t number, char ret_path[PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%s/%08u.wal", log->folder, number);
}

static bool write_all(int fd, struct str bytes)
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

static bool sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool done = fsync(fd) == 0;
	close(fd);
	return done;
}

static bool begin_segment(struct metrics_log *log)
{
	char path[PATH_MAX];
	if (log->number >= SEGMENT_NUMBER_MAX)
		return false;
	path_of(log, ++log->number, path);
	if (log->fd >= 0)
		close(log->fd);
	log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return log->fd >= 0 && write_all(log->fd, (struct str){ LOG_HEADER, LOG_HEADER_BYTES }) &&
	       fdatasync(log->fd) == 0 && sync_folder(log->folder);
}

/* ---- opening ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_segment(const struct dirent *entry)
{
	return strlen(entry->d_name) == 12 && strspn(entry->d_name, "0123456789") == 8 &&
	       strcmp(entry->d_name + 8, ".wal") == 0;
}

static enum err read_segment(struct metrics_log *log, bool is_last, struct metrics_recovered *told, struct error *err)
{
	char path[PATH_MAX];
	cleanup_free char *bytes = NULL;
	size_t size, good;
	path_of(log, log->number, path);
	enum err result = file_read(path, METRICS_LOG_SEGMENT_BYTES_MAX + WAITING_BYTES_MAX, &bytes, &size, err);
	if (result != OK)
		return result;
	log_replay((struct str){ bytes, size }, log->metrics, told, &good);
	told->segments++;
	if (!is_last || good == size)
		return OK;
	told->cut_bytes = size - good;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool cut = fd >= 0 && ftruncate(fd, (off_t)good) == 0 && fsync(fd) == 0;
	if (!cut)
		fail(err, "cut the end of", path);
	if (fd >= 0)
		close(fd);
	return cut ? OK : ERR_IO;
}

static enum err read_all(struct metrics_log *log, struct metrics_recovered *told, struct error *err)
{
	struct dirent **files;
	int count = scandir(log->folder, &files, is_segment, by_name);
	if (count < 0)
		return fail(err, "read the folder", log->folder);
	enum err result = OK;
	for (int i = 0; i < count; i++) {
		log->number = (uint32_t)strtoul(files[i]->d_name, NULL, 10);
		if (result == OK)
			result = read_segment(log, i == count - 1, told, err);
		free(files[i]);
	}
	free(files);
	return result;
}

enum err metrics_log_open(const char *folder, bool sync_each, struct metrics *metrics, struct metrics_log **ret_log,
			  struct metrics_recovered *ret_told, struct error *err)
{
	struct metrics_recovered told = { 0 };
	struct metrics_log *log = mem_alloc(sizeof *log);
	log->metrics = metrics;
	log->sync_each = sync_each;
	log->fd = -1;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->written, NULL);
	buf_init(&log->waiting, WAITING_BYTES_MAX);
	enum err result = OK;
	if (snprintf(log->folder, sizeof log->folder, "%s", folder) >= (int)sizeof log->folder)
		result = error_set(err, ERR_INVALID, "cannot open \"%.80s...\": the path is too long", folder);
	if (result == OK)
		result = read_all(log, &told, err);
	if (result == OK && !begin_segment(log))
		result = fail(err, "begin a segment in", folder);
	if (result != OK) {
		metrics_log_close(&log);
		return result;
	}
	*ret_log = log;
	*ret_told = told;
	return OK;
}

void metrics_log_close(struct metrics_log **log)
{
	struct metrics_log *gone = *log;
	if (gone == NULL)
		return;
	metrics_log_sync(gone, NULL);
	if (gone->fd >= 0)
		close(gone->fd);
	buf_finish(&gone->waiting);
	mem_free(gone->said);
	pthread_cond_destroy(&gone->written);
	pthread_mutex_destroy(&gone->lock);
	mem_free(gone);
	*log = NULL;
}

/* ---- writing ---- */

/* Takes what waits to the disk, without the lock while it writes. */
static void write_waiting(struct metrics_log *log)
{
	struct buf batch = log->waiting;
	uint64_t safe = log->given;
	bool renew = log->renew;
	buf_init(&log->waiting, WAITING_BYTES_MAX);
	log->writing = true;
	log->bytes = (renew ? 0 : log->bytes) + batch.used;
	log->renew = log->bytes > METRICS_LOG_SEGMENT_BYTES_MAX;
	if (log->renew && log->said_size > 0)
		memset(log->said, 0, log->said_size);
	pthread_mutex_unlock(&log->lock);
	bool done = (!renew || begin_segment(log)) && write_all(log->fd, buf_str(&batch)) && fdatasync(log->fd) == 0;
	buf_finish(&batch);
	pthread_mutex_lock(&log->lock);
	log->writing = false;
	if (done)
		log->safe = safe;
	else
		log->failed = true;
	pthread_cond_broadcast(&log->written);
}

static enum err wait_until_safe(struct metrics_log *log, uint64_t wanted, struct error *err)
{
	while (log->safe < wanted && !log->failed) {
		if (log->writing)
			pthread_cond_wait(&log->written, &log->lock);
		else
			write_waiting(log);
	}
	if (log->safe >= wanted)
		return OK;
	return error_set(err, ERR_UNAVAILABLE, "could not keep samples: \"%s\" cannot be written", log->folder);
}

static bool is_said(const struct metrics_log *log, uint32_t reference)
{
	return reference < log->said_size && log->said[reference];
}

/* How many bytes put_unsaid may need at most. */
static size_t unsaid_bytes(const struct metrics_log *log, const struct metrics_frame *frame)
{
	const struct index *index = &log->metrics->index;
	size_t bytes = 0;
	for (size_t i = 0; i < frame->count; i++) {
		if (is_said(log, frame->references[i]))
			continue;
		const uint32_t *set = index_set(index, frame->references[i]);
		bytes += LOG_RECORD_HEADER_BYTES + 8;
		for (uint32_t j = 0; j < 2 * set[0]; j++)
			bytes += 2 + index_text(index, set[1 + j]).len;
	}
	return bytes;
}

static void put_unsaid(struct metrics_log *log, const struct metrics_frame *frame)
{
	for (size_t i = 0; i < frame->count; i++) {
		uint32_t reference = frame->references[i];
		if (is_said(log, reference))
			continue;
		if (reference >= log->said_size) {
			size_t size = ((size_t)reference + 64) * 3 / 2;
			log->said = mem_realloc(log->said, size);
			memset(log->said + log->said_size, 0, size - log->said_size);
			log->said_size = size;
		}
		log->said[reference] = 1;
		log_put_series(&log->waiting, log->metrics, reference);
	}
}

/* Until there is room for one frame of any size; then the lock has not been let go. */
static enum err wait_for_room(struct metrics_log *log, const struct metrics_frame *frame, struct error *err)
{
	while (log->waiting.used > WAITING_BYTES_WRITE && !log->failed)
		wait_until_safe(log, log->given, NULL);
	if (log->failed)
		return error_set(err, ERR_UNAVAILABLE, "could not keep samples: \"%s\" cannot be written", log->folder);
	pthread_rwlock_rdlock(&log->metrics->lock);
	size_t bytes = unsaid_bytes(log, frame);
	pthread_rwlock_unlock(&log->metrics->lock);
	if (bytes > WAITING_BYTES_MAX / 2)
		return error_set(err, ERR_TOO_LARGE, "cannot append %zu samples at once: the labels of their series take %zu bytes",
				 frame->count, bytes);
	return OK;
}

enum err metrics_log_append(struct metrics_log *log, const struct metrics_frame *frame,
			    struct metrics_tally *ret_tally, struct error *err)
{
	if (frame->count > METRICS_LOG_ROWS_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot append %zu samples at once: %u are allowed", frame->count,
				 METRICS_LOG_ROWS_MAX);
	pthread_mutex_lock(&log->lock);
	enum err result = wait_for_room(log, frame, err);
	if (result == OK) {
		metrics_append(log->metrics, frame, ret_tally);
		size_t before = log->waiting.used;
		pthread_rwlock_rdlock(&log->metrics->lock);
		put_unsaid(log, frame);
		pthread_rwlock_unlock(&log->metrics->lock);
		log_put_frame(&log->waiting, frame);
		log->given += log->waiting.used - before;
		result = wait_until_safe(log, log->sync_each ? log->given : 0, err);
	}
	pthread_mutex_unlock(&log->lock);
	return result;
}

enum err metrics_log_sync(struct metrics_log *log, struct error *err)
{
	pthread_mutex_lock(&log->lock);
	enum err result = wait_until_safe(log, log->given, err);
	pthread_mutex_unlock(&log->lock);
	return result;
}
