/*
 * seg.h: sealed chunks in files: put at the end, read where they lie.
 *
 * A file, 00000001.seg and on, takes what is sealed while the newest sample lies in one window of two hours: 16 bytes
 * "mainstay-seg/1\n\0" and records of whole words, little end first:
 *
 *	u32 crc32c of the rest | u32 reference | u32 older | u16 bits | u16 samples | i64 last_ms | words of the chunk
 *
 * `older` says where the record before of the same series stands in the same file, in words from its beginning; 0: there is
 * none. The newest of a series in the open file is told by whoever puts; a closed file ends in *heads*, a u32 for each
 * reference from the first that is in it, and a trailer. What is damaged is passed over by looking through the file.
 *
 * Without a folder the files have no names and lie in memory. Owns: files and maps. Not locked: metrics.c does; `seg_list`
 * may run in many threads at once.
 */
#pragma once

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SEG_WINDOW_MS INT64_C(7200000)
#define SEG_TAIL_BYTES 65536u              /* of the open file: not written yet */
#define SEG_FILE_BYTES_MAX ((size_t)4 << 30) /* full: another one is begun within the window */
#define SEG_REFERENCES_MAX (64u << 20)
#define SEG_HEADER "mainstay-seg/1\n"
#define SEG_HEADER_BYTES 16u

struct seg_record {
	uint32_t sum, reference, older;
	uint16_t bits, count;
	int64_t last_ms;
	uint64_t words[];
};

struct seg_trailer {
	char mark[8]; /* "segheads" */
	uint32_t first_reference, head_count;
	int64_t first_ms, last_ms;
	uint64_t size;       /* of header and records */
	uint32_t heads_sum, sum; /* crc32c of the heads; of the trailer before this */
};

struct seg_file {
	uint32_t number;
	int fd;           /* -1: closed and on the disk */
	bool is_open;     /* the last one may be */
	int64_t window;
	int64_t first_ms, last_ms; /* of its samples */
	size_t size;      /* of header and records, the tail included */
	unsigned char *map;
	size_t mapped;
	uint32_t first_reference, head_count;
	uint32_t heads_sum;
	_Atomic(const uint32_t *) heads; /* NULL: not checked yet */
	_Atomic uint64_t checked_at;     /* map_fault_count then */
	uint32_t *made;                  /* heads found by looking through the records */
};

struct segs {
	char folder[PATH_MAX - 32]; /* empty: in memory */
	struct seg_file **files;    /* rising by number */
	uint32_t count, size, last_number;
	unsigned char *tail;
	size_t written, used;       /* of the open file; of the tail */
	size_t bytes;               /* of all records */
	bool pinned;                /* no file may be closed now: a checkpoint is being made */
	pthread_mutex_t lock;       /* who makes heads */
	_Atomic uint64_t damaged;   /* records, heads and trailers that were met and not what was written */
};

void seg_init(struct segs *segs);
void seg_finish(struct segs *segs);

/* Whether the open file is to be closed before the next record: another window has begun, or it is full. */
bool seg_is_past(const struct segs *segs, int64_t newest_ms);

bool seg_open_is_before(const struct segs *segs, int64_t before_ms); /* all that the open file has */

/* Heads are `heads[i]` for reference i, those of the open file. False: could not be written; it stays open. */
bool seg_close_file(struct segs *segs, const uint32_t *heads, uint32_t count);

/* False: the disk does not take it, and nothing has changed. `ret_at` is what `older` will be for the next. */
bool seg_put(struct segs *segs, int64_t newest_ms, uint32_t reference, uint32_t older, const uint64_t *words,
	     size_t bits, size_t count, int64_t last_ms, uint32_t *ret_at);

/* ---- reading ---- */

struct seg_list {
	const struct seg_record **at;
	size_t count, size;
};

/* Adds the records of a series that meet [from, to], newest first; `newest` is that of the open file. Borrowed until the next
 * change. They have a right sum; the chunk within may still be none. What cannot be read is damaged, see map_fault.h. */
void seg_list(struct segs *segs, uint32_t reference, uint32_t newest, int64_t from_ms, int64_t to_ms,
	      struct seg_list *list);

/* Whether a file that has something from then on has anything of the series. */
bool seg_has_newer(struct segs *segs, uint32_t reference, uint32_t newest, int64_t from_ms);

/* ---- files ---- */

bool seg_flush(struct segs *segs); /* the tail is written, not synced */

/* Descriptors of what may not be on the disk yet, for fdatasync without any lock; to be closed. -1: too many are open. */
#define SEG_UNSYNCED_MAX 64
int seg_unsynced(const struct segs *segs, int ret_fds[SEG_UNSYNCED_MAX]);
void seg_were_synced(struct segs *segs); /* those that are closed */
size_t seg_expire(struct segs *segs, int64_t before_ms); /* closed files all of whose samples are older; how many */

/* How far the open file is: what a checkpoint keeps. */
struct seg_place {
	uint32_t number; /* the last that was begun; 0: none */
	uint64_t size;   /* UINT64_MAX: it is closed */
	int64_t first_ms, last_ms, window;
};

struct seg_place seg_place(const struct segs *segs);

bool seg_has_open(const struct segs *segs); /* what is the newest of a series stands there */

/* What the folder has, as far as a checkpoint knows: the file of `place` is cut to its size and open again, later ones are
 * removed (the log has them). NULL: there is no checkpoint, and what lies there is set aside as *.lost. Nothing may be in
 * `segs` yet. */
enum err seg_open(struct segs *segs, const char *folder, const struct seg_place *place, uint32_t *ret_lost,
		  struct error *err);
