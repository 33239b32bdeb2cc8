/*
 * checkpoint.c: the engine as it is, beside the log that goes on; see log.h.
 *
 * Records of the log's form: BEGIN, TEXTS, SETS, SERIES in batches, END. Each batch is copied under the readers' lock, so
 * nobody waits longer than for one. Series are therefore of different moments, all after the segment was begun: what the log
 * says again of them is there already (METRICS_SAME), as times are in a series once. What decides whether a sample is too
 * old, the newest time of all, is that of the beginning.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/checkpoint_priv.h"
#include "metrics/files.h"

#define BATCH_BYTES ((size_t)128 << 10) /* and one series more: copied in a tenth of a millisecond */

struct writer {
	struct metrics *metrics;
	int fd;
	struct buf batch;
	size_t bytes;
};

static bool flush(struct writer *writer)
{
	assert(!writer->batch.full);
	bool done = files_write(writer->fd, buf_str(&writer->batch));
	writer->bytes += writer->batch.used;
	buf_reset(&writer->batch);
	return done;
}

static void put_bytes(struct buf *buf, const void *bytes, size_t size)
{
	buf_add(buf, (struct str){ bytes, size });
}

typedef void put_fn(struct buf *buf, const struct metrics *metrics, uint32_t number);

static void put_symbol(struct buf *buf, const struct metrics *metrics, uint32_t symbol)
{
	log_put_text(buf, index_text(&metrics->index, symbol));
}

static void put_set(struct buf *buf, const struct metrics *metrics, uint32_t reference)
{
	const uint32_t *set = index_set(&metrics->index, reference);
	put_bytes(buf, set, (1 + 2 * (size_t)set[0]) * sizeof *set);
}

static void put_series(struct buf *buf, const struct metrics *metrics, uint32_t reference)
{
	const struct series *series = metrics_series_at(metrics, reference);
	const struct late *late = metrics_late(metrics, series);
	struct kept_series kept = { series->open, series->newest, late != NULL ? (uint16_t)late->count : 0, series->in_step };
	put_bytes(buf, &kept, sizeof kept);
	unsigned left = series->open.words;
	for (uint32_t at = series->head; at != INDEX_NONE; at = metrics_granule(metrics, at)->next) {
		unsigned here = left < GRANULE_WORDS ? left : GRANULE_WORDS;
		put_bytes(buf, metrics_granule(metrics, at)->words, here * sizeof(uint64_t));
		left -= here;
	}
	if (kept.late_count > 0) {
		put_bytes(buf, late->times, kept.late_count * sizeof *late->times);
		put_bytes(buf, late->values, kept.late_count * sizeof *late->values);
	}
}

static bool put_all(struct writer *writer, unsigned type, uint32_t from, uint32_t end, put_fn *put)
{
	for (uint32_t i = from; i < end;) {
		pthread_rwlock_rdlock(&writer->metrics->lock);
		size_t at = log_begin(&writer->batch, type);
		put_bytes(&writer->batch, &i, sizeof i);
		for (; i < end && writer->batch.used < BATCH_BYTES; i++)
			put(&writer->batch, writer->metrics, i);
		pthread_rwlock_unlock(&writer->metrics->lock);
		log_end(&writer->batch, at);
		if (!flush(writer))
			return false;
	}
	return true;
}

static bool put_one(struct writer *writer, unsigned type, const void *bytes, size_t size)
{
	size_t at = log_begin(&writer->batch, type);
	put_bytes(&writer->batch, bytes, size);
	log_end(&writer->batch, at);
	return flush(writer);
}

/* All that series were said to have sealed is on the disk; the file may be closed again. */
static bool sync_segments(struct metrics *metrics, struct seg_place *ret_place)
{
	int fds[SEG_UNSYNCED_MAX];
	pthread_rwlock_wrlock(&metrics->lock);
	bool done = seg_flush(&metrics->segs);
	*ret_place = seg_place(&metrics->segs);
	int count = done ? seg_unsynced(&metrics->segs, fds) : -1;
	pthread_rwlock_unlock(&metrics->lock);
	done = count >= 0;
	for (int i = 0; i < count; i++) {
		done = fdatasync(fds[i]) == 0 && done;
		close(fds[i]);
	}
	return done;
}

static bool write_all(struct metrics_log *log, const struct checkpoint_of *of, struct writer *writer)
{
	struct seg_place place;
	buf_init(&writer->batch, METRICS_LOG_RECORD_BYTES_MAX);
	put_bytes(&writer->batch, CHECKPOINT_HEADER, LOG_HEADER_BYTES);
	bool done = put_one(writer, CHECKPOINT_BEGIN, of, sizeof *of) &&
	            put_all(writer, CHECKPOINT_TEXTS, 1, of->symbols, put_symbol) &&
	            put_all(writer, CHECKPOINT_SETS, 0, of->series, put_set) &&
	            put_all(writer, CHECKPOINT_SERIES, 0, of->series, put_series) &&
	            sync_segments(log->metrics, &place) && put_one(writer, CHECKPOINT_END, &place, sizeof place);
	buf_finish(&writer->batch);
	return done && fdatasync(writer->fd) == 0;
}

static void unpin(struct metrics *metrics, bool synced)
{
	pthread_rwlock_wrlock(&metrics->lock);
	metrics->segs.pinned = false;
	if (synced)
		seg_were_synced(&metrics->segs);
	pthread_rwlock_unlock(&metrics->lock);
}

enum err checkpoint_write(struct metrics_log *log, const struct checkpoint_of *of, struct metrics_checkpoint *ret_told,
			  struct error *err)
{
	char path[PATH_MAX], made[PATH_MAX + 8];
	files_path(log->folder, of->segment, "ckp", path);
	snprintf(made, sizeof made, "%s.tmp", path);
	struct writer writer = { .metrics = log->metrics, .fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) };
	enum err result = writer.fd < 0 || !write_all(log, of, &writer) ? files_fail(err, "write", made) : OK;
	if (writer.fd >= 0)
		close(writer.fd);
	unpin(log->metrics, result == OK);
	/* A frame that is half in the checkpoint must be whole in the log. */
	if (result == OK)
		result = metrics_log_sync(log, err);
	if (result == OK && (!files_sync_folder(log->folder) || rename(made, path) != 0 || !files_sync_folder(log->folder)))
		result = files_fail(err, "put in place", path);
	if (result != OK)
		unlink(made);
	else
		*ret_told = (struct metrics_checkpoint){ of->segment, writer.bytes, of->series };
	return result;
}
