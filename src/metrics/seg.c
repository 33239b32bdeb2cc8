/* seg.c: records at the end of a file, and found again; see seg.h. */
#include "metrics/seg.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/map_fault.h"
#include "metrics/seg_priv.h"
#include "metrics/sum.h"

static_assert(sizeof(struct seg_record) == 24 && sizeof(struct seg_trailer) == 48, "what is on the disk");

static size_t record_bytes(size_t bits)
{
	return sizeof(struct seg_record) + (bits + 63) / 64 * sizeof(uint64_t);
}

static uint32_t sum_of(const struct seg_record *record, size_t bytes)
{
	return sum_more(0, &record->reference, bytes - sizeof record->sum);
}

static struct seg_file *open_file(const struct segs *segs)
{
	struct seg_file *last = segs->count > 0 ? segs->files[segs->count - 1] : NULL;
	return last != NULL && last->is_open ? last : NULL;
}

/* ---- putting ---- */

static int64_t window_of(int64_t time_ms)
{
	return time_ms / SEG_WINDOW_MS - (time_ms % SEG_WINDOW_MS < 0);
}

bool seg_is_past(const struct segs *segs, int64_t newest_ms)
{
	const struct seg_file *file = open_file(segs);
	return file != NULL && !segs->pinned && file->window != INT64_MIN &&
	       (window_of(newest_ms) > file->window || file->size > SEG_FILE_BYTES_MAX - SEG_TAIL_BYTES);
}

bool seg_open_is_before(const struct segs *segs, int64_t before_ms)
{
	const struct seg_file *file = open_file(segs);
	return file != NULL && file->window != INT64_MIN && file->last_ms < before_ms;
}

bool seg_flush(struct segs *segs)
{
	struct seg_file *file = open_file(segs);
	if (file == NULL || segs->used == 0)
		return true;
	if (!seg_write_at(file->fd, segs->tail, segs->used, segs->written) || !seg_map(file, segs->written + segs->used))
		return false;
	segs->written += segs->used;
	segs->used = 0;
	return true;
}

bool seg_put(struct segs *segs, int64_t newest_ms, uint32_t reference, uint32_t older, const uint64_t *words,
	     size_t bits, size_t count, int64_t last_ms, uint32_t *ret_at)
{
	size_t bytes = record_bytes(bits);
	assert(bytes <= SEG_TAIL_BYTES / 2);
	struct seg_file *file = open_file(segs);
	if (file == NULL && (file = seg_begin_file(segs)) == NULL)
		return false;
	if (segs->used + bytes > SEG_TAIL_BYTES && !seg_flush(segs))
		return false;
	if (file->size + bytes > SEG_FILE_BYTES_MAX)
		return false;
	struct seg_record *record = (struct seg_record *)(segs->tail + segs->used);
	*record = (struct seg_record){ 0, reference, older, (uint16_t)bits, (uint16_t)count, last_ms };
	memcpy(record->words, words, bytes - sizeof *record);
	record->sum = sum_of(record, bytes);
	*ret_at = (uint32_t)(file->size / sizeof(uint64_t));
	segs->used += bytes;
	file->size += bytes;
	segs->bytes += bytes;
	if (file->window == INT64_MIN)
		file->window = window_of(newest_ms);
	seg_widen(file, (int64_t)words[0], last_ms);
	return true;
}

/* ---- finding ---- */

const struct seg_record *seg_at(const struct segs *segs, const struct seg_file *file, uint32_t at, size_t *ret_bytes)
{
	size_t place = (size_t)at * sizeof(uint64_t);
	if (place < SEG_HEADER_BYTES || place >= file->size || file->size - place < sizeof(struct seg_record))
		return NULL;
	bool in_tail = file->is_open && place >= segs->written;
	const unsigned char *bytes = in_tail ? segs->tail + (place - segs->written) : file->map + place;
	const struct seg_record *record = (const struct seg_record *)bytes;
	size_t size = record_bytes(record->bits);
	if (size > file->size - place || record->count == 0 || record->bits < 64 || record->older >= at ||
	    sum_of(record, size) != record->sum)
		return NULL;
	*ret_bytes = size;
	return record;
}

/* Where the newest record of the series before `end` stands, by looking at all of them; 0: there is none. */
static uint32_t look_for(const struct segs *segs, const struct seg_file *file, uint32_t reference, uint32_t end)
{
	uint32_t found = 0;
	size_t bytes;
	for (uint32_t at = SEG_HEADER_BYTES / 8; at < end;) {
		const struct seg_record *record = seg_at(segs, file, at, &bytes);
		if (record != NULL && record->reference == reference)
			found = at;
		at += record != NULL ? (uint32_t)(bytes / 8) : 1;
	}
	return found;
}

static void add(struct seg_list *list, const struct seg_record *record)
{
	if (list->count == list->size) {
		list->size = list->size * 2 + 16;
		list->at = mem_realloc(list->at, list->size * sizeof *list->at);
	}
	list->at[list->count++] = record;
}

static void list_chain(struct segs *segs, const struct seg_file *file, uint32_t at, uint32_t reference, int64_t from_ms,
		       int64_t to_ms, struct seg_list *list)
{
	size_t bytes;
	while (at != 0) {
		const struct seg_record *record = seg_at(segs, file, at, &bytes);
		if (record == NULL || record->reference != reference) {
			atomic_fetch_add(&segs->damaged, 1);
			size_t end = file->size / 8;
			at = look_for(segs, file, reference, at < end ? at : (uint32_t)end);
			continue;
		}
		if (record->last_ms >= from_ms && (int64_t)record->words[0] <= to_ms)
			add(list, record);
		at = record->older;
	}
}

/* The newest record of the series in a file. */
static uint32_t head_in(struct segs *segs, struct seg_file *file, uint32_t reference, uint32_t newest)
{
	if (file->is_open)
		return newest;
	const uint32_t *heads = seg_heads(segs, file);
	uint32_t place = reference - file->first_reference;
	return reference >= file->first_reference && place < file->head_count ? heads[place] : 0;
}

void seg_list(struct segs *segs, uint32_t reference, uint32_t newest, int64_t from_ms, int64_t to_ms,
	      struct seg_list *list)
{
	size_t before = list->count;
	uint64_t faults;
	map_fault_begin();
	do { /* again, when a page went while it was read */
		faults = map_fault_count();
		list->count = before;
		for (uint32_t i = segs->count; i-- > 0;) {
			struct seg_file *file = segs->files[i];
			if (file->last_ms < from_ms || file->first_ms > to_ms)
				continue;
			list_chain(segs, file, head_in(segs, file, reference, newest), reference, from_ms, to_ms, list);
		}
	} while (faults != map_fault_count());
	map_fault_end();
}

bool seg_has_newer(struct segs *segs, uint32_t reference, uint32_t newest, int64_t from_ms)
{
	bool has = false;
	map_fault_begin();
	for (uint32_t i = segs->count; i-- > 0 && !has;)
		has = segs->files[i]->last_ms >= from_ms && head_in(segs, segs->files[i], reference, newest) != 0;
	map_fault_end();
	return has;
}
