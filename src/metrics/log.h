/*
 * log.h: what was appended, on the disk before it is answered, or at most a period later.
 *
 * A folder of segments, 00000001.wal and on. A segment is 16 bytes "mainstay-wal/1\n\0" and records, little end first:
 *
 *	u32 mark | u32 payload size | u32 crc32c of size, type and payload | u8 type | payload
 *
 * SERIES says which labels a reference has within this segment, before the first FRAME that uses it: so no segment
 * needs another one. What is damaged is passed over to the next mark with a right sum, and told.
 *
 * A checkpoint, 00000042.ckp, is the engine as it was when segment 42 was begun, in records of the same form; the newest two
 * are kept, and the segments that the older one needs. What is sealed lies in 00000001.seg and on (seg.h).
 *
 * Owns: its folder and one buffer. No thread and no clock: who waits for the disk writes for all who wait. Runs on:
 * any thread; blocking.
 */
#pragma once

#include "metrics/metrics.h"

#define METRICS_LOG_SEGMENT_BYTES_MAX ((size_t)128 << 20) /* begun anew past this */
#define METRICS_LOG_RECORD_BYTES_MAX (8u << 20)
#define METRICS_LOG_ROWS_MAX 100000u /* of one frame */

struct metrics_log;

struct metrics_log_options {
	bool sync_each; /* an append is on the disk before it returns; else when somebody calls metrics_log_sync */
	size_t segment_bytes_max;
};

#define METRICS_LOG_OPTIONS_DEFAULT \
	((struct metrics_log_options){ .sync_each = false, .segment_bytes_max = METRICS_LOG_SEGMENT_BYTES_MAX })

struct metrics_recovered {
	uint32_t segments;
	uint64_t samples;         /* kept; those that were there already do not count */
	uint64_t damaged_bytes;   /* passed over, within a segment */
	uint64_t cut_bytes;       /* of them: at the end of the last segment, cut off */
	uint64_t unknown_samples; /* their series' record was damaged */
	uint32_t checkpoint;          /* segment it stands before; 0: there was none */
	uint32_t damaged_checkpoints; /* set aside as *.lost; an older one or the whole log was read instead */
	uint32_t damaged_files;       /* of sealed chunks: cut short, or their end was made again */
	uint32_t lost_files;          /* of sealed chunks: no checkpoint says whose they are; set aside */
	uint32_t missing_segments;    /* should be there and are not */
};

/* Reads what is in the folder into the engine, which must be as it was made, and begins a new segment. ERR_IO; ERR_TOO_LARGE. */
enum err metrics_log_open_with(const char *folder, const struct metrics_log_options *options, struct metrics *metrics,
			       struct metrics_log **ret_log, struct metrics_recovered *ret_told, struct error *err);
enum err metrics_log_open(const char *folder, bool sync_each, struct metrics *metrics, struct metrics_log **ret_log,
			  struct metrics_recovered *ret_told, struct error *err);
void metrics_log_close(struct metrics_log **log); /* writes what waits; accepts NULL, leaves NULL */

/* metrics_append, and kept. ERR_TOO_LARGE: too many rows, nothing was done. ERR_UNAVAILABLE: the disk failed, now or before: nothing
 * more is taken until it is opened again; what was answered stands, and can be read. */
enum err metrics_log_append(struct metrics_log *log, const struct metrics_frame *frame,
			    struct metrics_tally *ret_tally, struct error *err);
enum err metrics_log_sync(struct metrics_log *log, struct error *err);

/* ---- checkpoints ---- */

struct metrics_checkpoint {
	uint32_t segment; /* the first that it does not need */
	uint64_t bytes, series;
};

/* Once in 15 minutes and before closing is right; sooner when metrics_log_wants_checkpoint says so. Others append meanwhile.
 * One at a time: ERR_CONFLICT. ERR_IO: the older ones stand. `ret_told` may be NULL. */
enum err metrics_log_checkpoint(struct metrics_log *log, struct metrics_checkpoint *ret_told, struct error *err);

/* The log has grown by a quarter of what a checkpoint takes: a restart would spend its time reading it. */
bool metrics_log_wants_checkpoint(struct metrics_log *log);
