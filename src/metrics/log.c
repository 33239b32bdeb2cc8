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
#include "metrics/files.h"
#include "metrics/log_priv.h"

#define WAITING_BYTES_WRITE (1u << 20) /* who comes past this writes */
#define SPARE_BYTES_MAX (4u << 20)     /* what a larger one took is given back */

static bool begin_segment(struct metrics_log *log)
{
	char path[PATH_MAX];
	if (log->number >= FILES_NUMBER_MAX)
		return false;
	files_path(log->folder, ++log->number, "wal", path);
	if (log->fd >= 0)
		close(log->fd);
	log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return log->fd >= 0 && files_write(log->fd, (struct str){ LOG_HEADER, LOG_HEADER_BYTES }) &&
	       fdatasync(log->fd) == 0 && files_sync_folder(log->folder);
}

/* ---- opening ---- */

enum err metrics_log_open(const char *folder, bool sync_each, struct metrics *metrics, struct metrics_log **ret_log,
			  struct metrics_recovered *ret_told, struct error *err)
{
	struct metrics_log_options options = METRICS_LOG_OPTIONS_DEFAULT;
	options.sync_each = sync_each;
	return metrics_log_open_with(folder, &options, metrics, ret_log, ret_told, err);
}

enum err metrics_log_open_with(const char *folder, const struct metrics_log_options *options, struct metrics *metrics,
			       struct metrics_log **ret_log, struct metrics_recovered *ret_told, struct error *err)
{
	assert(metrics->index.series_count == 0);
	struct metrics_recovered told = { 0 };
	struct metrics_log *log = mem_alloc(sizeof *log);
	log->metrics = metrics;
	log->options = *options;
	log->fd = -1;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->written, NULL);
	buf_init(&log->waiting, LOG_WAITING_BYTES_MAX);
	buf_init(&log->spare, LOG_WAITING_BYTES_MAX);
	enum err result = OK;
	if (snprintf(log->folder, sizeof log->folder, "%s", folder) >= (int)sizeof log->folder)
		result = error_set(err, ERR_INVALID, "cannot open \"%.80s...\": the path is too long", folder);
	if (result == OK)
		result = log_recover(log, &told, err);
	if (result == OK && !begin_segment(log))
		result = files_fail(err, "begin a segment in", folder);
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
	buf_finish(&gone->spare);
	mem_free(gone->said);
	pthread_cond_destroy(&gone->written);
	pthread_mutex_destroy(&gone->lock);
	mem_free(gone);
	*log = NULL;
}

/* ---- writing ---- */

static void renew_after_this(struct metrics_log *log)
{
	log->renew = true;
	log->bytes = 0;
	if (log->said_size > 0)
		memset(log->said, 0, log->said_size);
}

/* Takes what waits to the disk, without the lock while it writes. `ends`: what comes after goes to another segment. */
static void write_waiting(struct metrics_log *log, bool ends)
{
	struct buf batch = log->waiting;
	uint64_t safe = log->given;
	bool renew = log->renew;
	log->waiting = log->spare;
	log->writing = true;
	log->bytes += batch.used;
	log->renew = false;
	if (ends || log->bytes > log->options.segment_bytes_max)
		renew_after_this(log);
	pthread_mutex_unlock(&log->lock);
	bool done = (!renew || begin_segment(log)) && files_write(log->fd, buf_str(&batch)) && fdatasync(log->fd) == 0;
	if (batch.size > SPARE_BYTES_MAX)
		buf_finish(&batch);
	buf_reset(&batch);
	pthread_mutex_lock(&log->lock);
	log->spare = batch;
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
			write_waiting(log, false);
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
	if (bytes > LOG_WAITING_BYTES_MAX / 2)
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
		size_t at = log->waiting.used;
		log_put_frame(&log->waiting, frame);
		log->frame_bytes += log->waiting.used - at;
		log->given += log->waiting.used - before;
		result = wait_until_safe(log, log->options.sync_each ? log->given : 0, err);
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

/* ---- checkpoints ---- */

#define CHECKPOINT_FRAME_BYTES_LEAST ((size_t)4 << 20) /* read in a twentieth of a second */

bool metrics_log_wants_checkpoint(struct metrics_log *log)
{
	pthread_mutex_lock(&log->lock);
	size_t least = log->checkpoint_bytes / 4 > CHECKPOINT_FRAME_BYTES_LEAST ? log->checkpoint_bytes / 4
	                                                                      : CHECKPOINT_FRAME_BYTES_LEAST;
	bool wants = log->frame_bytes > least && !log->checkpointing && !log->failed;
	pthread_mutex_unlock(&log->lock);
	return wants;
}

/* From here on what is appended goes to another segment. Under the log's lock, so no frame is half in. */
static void take_position(struct metrics_log *log, struct checkpoint_of *of)
{
	struct metrics *metrics = log->metrics;
	pthread_rwlock_wrlock(&metrics->lock);
	metrics->segs.pinned = true;
	*of = (struct checkpoint_of){ metrics->newest_ms, metrics->expired_ms, metrics->samples, 0, metrics->index.symbol_count,
		                      metrics->index.series_count, metrics->index.pair_count,
		                      metrics->index.set_used, metrics->granule_count };
	pthread_rwlock_unlock(&metrics->lock);
	of->segment = log->number + 1;
	if (log->waiting.used > 0) {
		of->segment += log->renew;
		write_waiting(log, true);
	} else if (!log->renew) {
		renew_after_this(log);
	}
}

enum err metrics_log_checkpoint(struct metrics_log *log, struct metrics_checkpoint *ret_told, struct error *err)
{
	struct checkpoint_of of;
	struct metrics_checkpoint told = { 0 };
	pthread_mutex_lock(&log->lock);
	if (log->checkpointing) {
		pthread_mutex_unlock(&log->lock);
		return error_set(err, ERR_CONFLICT, "could not take a checkpoint of \"%s\": one is being taken", log->folder);
	}
	while (log->writing)
		pthread_cond_wait(&log->written, &log->lock);
	if (log->failed) {
		pthread_mutex_unlock(&log->lock);
		return error_set(err, ERR_UNAVAILABLE, "could not take a checkpoint: \"%s\" cannot be written", log->folder);
	}
	log->checkpointing = true;
	take_position(log, &of);
	size_t frame_bytes = log->frame_bytes;
	pthread_mutex_unlock(&log->lock);
	enum err result = checkpoint_write(log, &of, &told, err);
	if (result == OK)
		result = log_trim(log, err);
	pthread_mutex_lock(&log->lock);
	log->checkpointing = false;
	if (result == OK) {
		log->frame_bytes -= frame_bytes;
		log->checkpoint_bytes = told.bytes;
	}
	pthread_mutex_unlock(&log->lock);
	if (result == OK && ret_told != NULL)
		*ret_told = told;
	return result;
}
