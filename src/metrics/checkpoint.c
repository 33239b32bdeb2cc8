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

#define BATCH_COUNT 2048u
#define BATCH_BYTES ((size_t)128 << 10) /* and one series more: copied in a tenth of a millisecond */

struct writer {
	struct metrics *metrics;
	int fd;
	struct buf batch;
	size_t bytes;
	/* What is left out: series without a sample that is still shown, and texts that only they have. */
	bool *is_gone;     /* by reference */
	uint32_t *symbols; /* by symbol: its number in the checkpoint; 0: left out */
	uint32_t symbol_count;
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

typedef void put_fn(struct writer *writer, const struct metrics *metrics, uint32_t number);

/* Decided once: when it comes back meanwhile, the log says it anew. */
static void put_aside(struct writer *writer, const struct metrics *metrics, uint32_t reference)
{
	const uint32_t *set = index_set(&metrics->index, reference);
	writer->is_gone[reference] = set[0] == 0 || !metrics_has_samples(writer->metrics, reference);
	for (uint32_t i = 0; i < 2 * set[0] && !writer->is_gone[reference]; i++)
		writer->symbols[set[1 + i]] = 1;
}

static void put_symbol(struct writer *writer, const struct metrics *metrics, uint32_t symbol)
{
	if (writer->symbols[symbol] == 0)
		return;
	writer->symbols[symbol] = writer->symbol_count++;
	log_put_text(&writer->batch, index_text(&metrics->index, symbol));
}

static void put_set(struct writer *writer, const struct metrics *metrics, uint32_t reference)
{
	const uint32_t *set = index_set(&metrics->index, reference);
	uint32_t said[1 + 2 * METRICS_LABELS_MAX] = { writer->is_gone[reference] ? 0 : set[0] };
	for (uint32_t i = 0; i < 2 * said[0]; i++)
		said[1 + i] = writer->symbols[set[1 + i]];
	put_bytes(&writer->batch, said, (1 + 2 * (size_t)said[0]) * sizeof *said);
}

static void put_series(struct writer *writer, const struct metrics *metrics, uint32_t reference)
{
	struct buf *buf = &writer->batch;
	if (writer->is_gone[reference])
		return;
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
		uint32_t batch_end = end - i > BATCH_COUNT ? i + BATCH_COUNT : end;
		pthread_rwlock_rdlock(&writer->metrics->lock);
		size_t at = log_begin(&writer->batch, type);
		for (; i < batch_end && writer->batch.used < BATCH_BYTES; i++)
			put(writer, writer->metrics, i);
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

/* What of all is worth keeping; `of` says then how much that is. */
static void choose(struct writer *writer, struct checkpoint_of *of)
{
	writer->is_gone = mem_alloc(of->series + 1);
	writer->symbols = mem_alloc(of->symbols * sizeof *writer->symbols);
	for (uint32_t i = 0; i < of->series;) {
		uint32_t end = of->series - i > BATCH_COUNT ? i + BATCH_COUNT : of->series;
		pthread_rwlock_rdlock(&writer->metrics->lock);
		for (; i < end; i++)
			put_aside(writer, writer->metrics, i);
		pthread_rwlock_unlock(&writer->metrics->lock);
	}
	writer->symbol_count = 1;
	for (uint32_t i = 1; i < of->symbols; i++)
		writer->symbol_count += writer->symbols[i];
}

static bool write_all(struct metrics_log *log, const struct checkpoint_of *position, struct writer *writer)
{
	struct seg_place place;
	struct checkpoint_of chosen = *position, *of = &chosen;
	uint32_t symbols = of->symbols;
	choose(writer, of);
	of->symbols = writer->symbol_count;
	writer->symbol_count = 1;
	buf_init(&writer->batch, METRICS_LOG_RECORD_BYTES_MAX);
	put_bytes(&writer->batch, CHECKPOINT_HEADER, LOG_HEADER_BYTES);
	bool done = put_one(writer, CHECKPOINT_BEGIN, of, sizeof *of) &&
	            put_all(writer, CHECKPOINT_TEXTS, 1, symbols, put_symbol) &&
	            put_all(writer, CHECKPOINT_SETS, 0, of->series, put_set) &&
	            put_all(writer, CHECKPOINT_SERIES, 0, of->series, put_series) &&
	            sync_segments(log->metrics, &place) && put_one(writer, CHECKPOINT_END, &place, sizeof place);
	buf_finish(&writer->batch);
	mem_free(writer->is_gone);
	mem_free(writer->symbols);
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
