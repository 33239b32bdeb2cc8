/* log_priv.h: the records of the log and of checkpoints, and what opens, writes and trims the folder. */
#pragma once

#include <limits.h>
#include <pthread.h>

#include "base/buf.h"
#include "metrics/log.h"
#include "metrics/metrics_priv.h"

#define LOG_HEADER "mainstay-wal/1\n"
#define LOG_HEADER_BYTES 16u
#define LOG_MARK 0x9e57a11du
#define LOG_RECORD_HEADER_BYTES 13u
#define LOG_WAITING_BYTES_MAX ((size_t)64 << 20)

/* ---- records ---- */

enum { LOG_SERIES = 1, LOG_FRAME = 2 };

size_t log_begin(struct buf *buf, unsigned type);
void log_end(struct buf *buf, size_t from); /* what log_begin gave */
void log_put_number(struct buf *buf, uint64_t number);
void log_put_text(struct buf *buf, struct str text);
void log_put_series(struct buf *buf, const struct metrics *metrics, uint32_t reference);
void log_put_frame(struct buf *buf, const struct metrics_frame *frame);

struct log_reader {
	const char *at, *end;
	bool bad;
};

uint64_t log_get_number(struct log_reader *reader);
struct str log_get_bytes(struct log_reader *reader, uint64_t size);

/* The size of the record that stands there; 0: none does. */
size_t log_record_at(struct str bytes, size_t at);

/* Any bytes as a segment into the engine; adds to `told`. `ret_good`: where the last good record ends. */
void log_replay(struct str bytes, struct metrics *metrics, struct metrics_recovered *told, size_t *ret_good);

/* ---- checkpoints ---- */

#define CHECKPOINT_HEADER "mainstay-ckp/1\n"
#define CHECKPOINTS_KEPT 2u

/* What a checkpoint is taken of: the state when `segment` was begun, or any later one of a series. */
struct checkpoint_of {
	int64_t newest_ms, expired_ms;
	uint64_t samples;
	uint32_t segment, symbols, series, pairs, set_words, granules;
};

struct metrics_log;
enum err checkpoint_write(struct metrics_log *log, const struct checkpoint_of *of, struct metrics_checkpoint *ret_told,
			  struct error *err);

/* Any bytes into an empty engine. False: they are no checkpoint; the engine is to be emptied. */
bool checkpoint_read(struct str bytes, struct metrics *metrics, struct seg_place *ret_place);

/* ---- the folder ---- */

struct metrics_log {
	struct metrics *metrics;
	char folder[PATH_MAX - 32];
	struct metrics_log_options options;
	pthread_mutex_t lock;
	pthread_cond_t written;
	struct buf waiting;   /* records nobody has written yet */
	struct buf spare;     /* empty: the memory of what was written last */
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
	/* since the last checkpoint */
	size_t frame_bytes, checkpoint_bytes;
	bool checkpointing;
};

/* The newest checkpoint that is sound and what the log has after it, into the engine. */
enum err log_recover(struct metrics_log *log, struct metrics_recovered *told, struct error *err);
enum err log_trim(struct metrics_log *log, struct error *err); /* removes what no kept checkpoint needs */
