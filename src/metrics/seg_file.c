/* seg_file.c: the files of sealed chunks: begun, closed, opened again, removed; see seg.h. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/files.h"
#include "metrics/map_fault.h"
#include "metrics/seg_priv.h"
#include "metrics/sum.h"

#define MAP_BYTES_LEAST ((size_t)1 << 20)
#define NUMBER_MAX 99999999u

static const char trailer_mark[8] = "segheads";

bool seg_write_at(int fd, const void *bytes, size_t size, size_t at)
{
	for (const char *next = bytes; size > 0;) {
		ssize_t count = pwrite(fd, next, size, (off_t)at);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		next += count;
		at += (size_t)count;
		size -= (size_t)count;
	}
	return true;
}

/* Maps past the end: what is appended later is seen through it. */
bool seg_map(struct seg_file *file, size_t size)
{
	if (size <= file->mapped)
		return true;
	size_t wanted = file->mapped == 0 ? MAP_BYTES_LEAST : file->mapped;
	while (wanted < size)
		wanted *= 2;
	void *map = mmap(NULL, wanted, PROT_READ, MAP_SHARED, file->fd, 0);
	if (map == MAP_FAILED)
		return false;
	if (file->map != NULL) /* mremap does not move a map that has an empty page */
		munmap(file->map, file->mapped);
	file->map = map;
	file->mapped = wanted;
	return true;
}

static void forget(struct seg_file *file)
{
	if (file->map != NULL)
		munmap(file->map, file->mapped);
	if (file->fd >= 0)
		close(file->fd);
	mem_free(file->made);
	mem_free(file);
}

static struct seg_file *add_file(struct segs *segs, uint32_t number)
{
	struct seg_file *file = mem_alloc(sizeof *file);
	*file = (struct seg_file){ .number = number, .fd = -1, .window = INT64_MIN, .first_ms = INT64_MAX,
		                   .last_ms = INT64_MIN, .size = SEG_HEADER_BYTES };
	if (segs->count == segs->size) {
		segs->size = segs->size * 2 + 16;
		segs->files = mem_realloc(segs->files, segs->size * sizeof *segs->files);
	}
	segs->files[segs->count++] = file;
	segs->last_number = number;
	return file;
}

static void path_of(const struct segs *segs, uint32_t number, char ret_path[PATH_MAX])
{
	files_path(segs->folder, number, "seg", ret_path);
}

struct seg_file *seg_begin_file(struct segs *segs)
{
	char path[PATH_MAX];
	uint32_t number = segs->last_number + 1;
	if (number > NUMBER_MAX)
		return NULL;
	path_of(segs, number, path);
	int fd = segs->folder[0] == '\0' ? memfd_create("seg", MFD_CLOEXEC)
	                                 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	struct seg_file *file = add_file(segs, number);
	file->fd = fd;
	file->is_open = true;
	if (segs->tail == NULL)
		segs->tail = mem_alloc(SEG_TAIL_BYTES);
	memcpy(segs->tail, SEG_HEADER, SEG_HEADER_BYTES); /* is written with the first records */
	segs->used = SEG_HEADER_BYTES;
	segs->written = 0;
	return file;
}

/* ---- heads ---- */

static uint32_t trailer_sum(const struct seg_trailer *trailer)
{
	return sum_more(0, trailer, offsetof(struct seg_trailer, sum));
}

bool seg_close_file(struct segs *segs, const uint32_t *heads, uint32_t count)
{
	struct seg_file *file = segs->files[segs->count - 1];
	assert(file->is_open && !segs->pinned);
	uint32_t first = 0, end = count;
	while (first < end && heads[first] == 0)
		first++;
	while (end > first && heads[end - 1] == 0)
		end--;
	size_t bytes = (size_t)(end - first) * sizeof *heads;
	struct seg_trailer trailer = { .first_reference = first, .head_count = end - first, .first_ms = file->first_ms,
		                       .last_ms = file->last_ms, .size = file->size };
	memcpy(trailer.mark, trailer_mark, sizeof trailer.mark);
	trailer.heads_sum = sum_more(0, heads + first, bytes);
	trailer.sum = trailer_sum(&trailer);
	if (!seg_flush(segs) || !seg_map(file, file->size + bytes) ||
	    !seg_write_at(file->fd, heads + first, bytes, file->size) ||
	    !seg_write_at(file->fd, &trailer, sizeof trailer, file->size + bytes))
		return false;
	file->is_open = false;
	file->first_reference = first;
	file->head_count = end - first;
	file->heads_sum = trailer.heads_sum;
	file->heads = (const uint32_t *)(file->map + file->size);
	if (segs->folder[0] == '\0') {
		close(file->fd);
		file->fd = -1;
	}
	return true;
}

/* Heads by looking through the records. */
static void make_heads(struct segs *segs, struct seg_file *file)
{
	size_t bytes;
	uint32_t end = (uint32_t)(file->size / 8), lowest = UINT32_MAX, highest = 0;
	mem_free(file->made);
	file->made = NULL;
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t at = SEG_HEADER_BYTES / 8; at < end;) {
			const struct seg_record *record = seg_at(segs, file, at, &bytes);
			if (record != NULL && round == 0) {
				lowest = record->reference < lowest ? record->reference : lowest;
				highest = record->reference > highest ? record->reference : highest;
				seg_widen(file, (int64_t)record->words[0], record->last_ms);
			} else if (record != NULL && file->made != NULL) {
				file->made[record->reference - lowest] = at;
			}
			at += record != NULL ? (uint32_t)(bytes / 8) : 1;
		}
		if (round == 0 && lowest <= highest && highest - lowest < SEG_REFERENCES_MAX)
			file->made = mem_alloc(((size_t)highest - lowest + 1) * sizeof *file->made);
	}
	file->first_reference = lowest;
	file->head_count = file->made != NULL ? highest - lowest + 1 : 0;
	static const uint32_t none[1];
	file->heads = file->made != NULL ? file->made : none;
}

static bool are_checked(const struct seg_file *file, const uint32_t *heads)
{
	return heads != NULL && (heads == file->made || atomic_load(&file->checked_at) == map_fault_count());
}

/* They are checked when they are wanted first, not at opening: all of them would take long; and when some page went. */
const uint32_t *seg_heads(struct segs *segs, struct seg_file *file)
{
	const uint32_t *heads = atomic_load(&file->heads);
	if (are_checked(file, heads))
		return heads;
	pthread_mutex_lock(&segs->lock);
	if (!are_checked(file, atomic_load(&file->heads))) {
		const unsigned char *there = file->map + file->size;
		uint64_t faults = map_fault_count();
		if (sum_more(0, there, file->head_count * sizeof *heads) == file->heads_sum) {
			file->heads = (const uint32_t *)there;
		} else {
			atomic_fetch_add(&segs->damaged, 1);
			make_heads(segs, file);
		}
		atomic_store(&file->checked_at, faults);
	}
	pthread_mutex_unlock(&segs->lock);
	return atomic_load(&file->heads);
}

/* ---- opening ---- */

static void check_header(struct segs *segs, const struct seg_file *file, size_t on_disk)
{
	if (on_disk < SEG_HEADER_BYTES || memcmp(file->map, SEG_HEADER, SEG_HEADER_BYTES) != 0)
		atomic_fetch_add(&segs->damaged, 1);
}

static bool read_trailer(struct seg_file *file, size_t on_disk)
{
	struct seg_trailer trailer;
	if (on_disk < SEG_HEADER_BYTES + sizeof trailer)
		return false;
	memcpy(&trailer, file->map + on_disk - sizeof trailer, sizeof trailer);
	size_t heads = (size_t)trailer.head_count * sizeof(uint32_t);
	if (memcmp(trailer.mark, trailer_mark, sizeof trailer.mark) != 0 || trailer.sum != trailer_sum(&trailer) ||
	    trailer.head_count > SEG_REFERENCES_MAX || trailer.size % 8 != 0 ||
	    trailer.size != on_disk - sizeof trailer - heads)
		return false;
	file->first_reference = trailer.first_reference;
	file->head_count = trailer.head_count;
	file->first_ms = trailer.first_ms;
	file->last_ms = trailer.last_ms;
	file->size = trailer.size;
	file->heads_sum = trailer.heads_sum;
	return true;
}

static enum err open_closed(struct segs *segs, uint32_t number, struct error *err)
{
	char path[PATH_MAX];
	struct stat status;
	path_of(segs, number, path);
	struct seg_file *file = add_file(segs, number);
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &status) != 0 || !seg_map(file, (size_t)status.st_size + 1))
		return files_fail(err, "open", path);
	close(file->fd);
	file->fd = -1;
	check_header(segs, file, (size_t)status.st_size);
	if (!read_trailer(file, (size_t)status.st_size)) {
		atomic_fetch_add(&segs->damaged, 1);
		file->size = (size_t)status.st_size / 8 * 8;
		make_heads(segs, file);
	}
	return OK;
}

static enum err open_last(struct segs *segs, const struct seg_place *place, struct error *err)
{
	char path[PATH_MAX];
	struct stat status;
	size_t size = place->size;
	path_of(segs, place->number, path);
	struct seg_file *file = add_file(segs, place->number);
	file->fd = open(path, O_RDWR | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &status) != 0)
		return files_fail(err, "open", path);
	if ((size_t)status.st_size < size) {
		atomic_fetch_add(&segs->damaged, 1);
		size = (size_t)status.st_size / 8 * 8;
	}
	if (ftruncate(file->fd, (off_t)size) != 0 || !seg_map(file, size + 1))
		return files_fail(err, "cut", path);
	check_header(segs, file, size);
	file->is_open = true;
	file->size = segs->written = size > SEG_HEADER_BYTES ? size : SEG_HEADER_BYTES;
	file->first_ms = place->first_ms;
	file->last_ms = place->last_ms;
	file->window = place->window;
	segs->tail = mem_alloc(SEG_TAIL_BYTES);
	return OK;
}

bool seg_has_open(const struct segs *segs)
{
	return segs->count > 0 && segs->files[segs->count - 1]->is_open;
}

struct seg_place seg_place(const struct segs *segs)
{
	const struct seg_file *file = segs->count > 0 ? segs->files[segs->count - 1] : NULL;
	if (file == NULL || !file->is_open) /* the next one will be another */
		return (struct seg_place){ .number = segs->last_number, .size = UINT64_MAX };
	return (struct seg_place){ file->number, segs->written, file->first_ms, file->last_ms, file->window };
}

enum err seg_open(struct segs *segs, const char *folder, const struct seg_place *place, uint32_t *ret_lost,
		  struct error *err)
{
	assert(segs->count == 0);
	uint32_t *numbers, count;
	char path[PATH_MAX];
	snprintf(segs->folder, sizeof segs->folder, "%s", folder);
	enum err result = files_list(folder, "seg", &numbers, &count, err);
	*ret_lost = 0;
	map_fault_begin();
	for (uint32_t i = 0; i < count && result == OK; i++) {
		path_of(segs, numbers[i], path);
		segs->last_number = numbers[i];
		if (place == NULL) {
			result = files_set_aside(path, err);
			++*ret_lost;
		} else if (numbers[i] > place->number) {
			result = unlink(path) == 0 ? OK : files_fail(err, "remove", path);
		} else if (numbers[i] == place->number && place->size != UINT64_MAX) {
			result = open_last(segs, place, err);
		} else {
			result = open_closed(segs, numbers[i], err);
		}
	}
	map_fault_end();
	for (uint32_t i = 0; i < segs->count; i++)
		if (i > 0 && segs->files[i]->number != segs->files[i - 1]->number + 1)
			atomic_fetch_add(&segs->damaged, 1); /* somebody took one away */
	if (place != NULL && place->size != UINT64_MAX && place->number > 0 && !seg_has_open(segs))
		atomic_fetch_add(&segs->damaged, 1);
	for (uint32_t i = 0; i < segs->count; i++)
		segs->bytes += segs->files[i]->size - SEG_HEADER_BYTES;
	if (result == OK && place != NULL && place->number > segs->last_number)
		segs->last_number = place->number;
	mem_free(numbers);
	return result;
}

/* ---- the whole ---- */

void seg_init(struct segs *segs)
{
	*segs = (struct segs){ .count = 0 };
	pthread_mutex_init(&segs->lock, NULL);
	map_fault_install();
}

void seg_finish(struct segs *segs)
{
	for (uint32_t i = 0; i < segs->count; i++)
		forget(segs->files[i]);
	mem_free(segs->files);
	mem_free(segs->tail);
	pthread_mutex_destroy(&segs->lock);
}

int seg_unsynced(const struct segs *segs, int ret_fds[SEG_UNSYNCED_MAX])
{
	int count = 0;
	for (uint32_t i = 0; i < segs->count; i++) {
		if (segs->files[i]->fd < 0)
			continue;
		int fd = count < SEG_UNSYNCED_MAX ? fcntl(segs->files[i]->fd, F_DUPFD_CLOEXEC, 0) : -1;
		if (fd < 0) {
			while (count > 0)
				close(ret_fds[--count]);
			return -1;
		}
		ret_fds[count++] = fd;
	}
	return count;
}

void seg_were_synced(struct segs *segs)
{
	for (uint32_t i = 0; i < segs->count; i++) {
		struct seg_file *file = segs->files[i];
		if (file->is_open || file->fd < 0)
			continue;
		close(file->fd);
		file->fd = -1;
	}
}

size_t seg_expire(struct segs *segs, int64_t before_ms)
{
	char path[PATH_MAX];
	size_t gone = 0;
	while (gone < segs->count && !segs->files[gone]->is_open && segs->files[gone]->last_ms < before_ms) {
		path_of(segs, segs->files[gone]->number, path);
		if (segs->folder[0] != '\0')
			unlink(path); /* one that stays is tried again at the next opening */
		segs->bytes -= segs->files[gone]->size - SEG_HEADER_BYTES;
		forget(segs->files[gone++]);
	}
	segs->count -= (uint32_t)gone;
	if (gone > 0)
		memmove(segs->files, segs->files + gone, segs->count * sizeof *segs->files);
	return gone;
}
