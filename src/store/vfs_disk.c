/* vfs_disk.c: see vfs_disk.h. */
#include "store/vfs_disk.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Images grow by doubling and keep zeros behind their end, so a hole reads as zeros. */
static void image_size_set(struct disk_image *image, size_t size)
{
	assert(size <= DISK_FILE_BYTES_MAX);
	if (size > image->room) {
		size_t room = image->room > 0 ? image->room : 4096;
		while (room < size)
			room *= 2;
		image->bytes = mem_realloc(image->bytes, room);
		memset(image->bytes + image->room, 0, room - image->room);
		image->room = room;
	}
	if (size < image->size)
		memset(image->bytes + size, 0, image->size - size);
	image->size = size;
}

static void image_copy(struct disk_image *to, const struct disk_image *from)
{
	image_size_set(to, from->size);
	if (from->size > 0)
		memcpy(to->bytes, from->bytes, from->size);
}

static void dirty_mark(struct disk_file *file, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	size_t first = from / DISK_SECTOR_BYTES, last = (to - 1) / DISK_SECTOR_BYTES;
	if (last >= file->dirty_room) {
		size_t room = file->dirty_room > 0 ? file->dirty_room : 64;
		while (room <= last)
			room *= 2;
		file->dirty = mem_realloc(file->dirty, room);
		memset(file->dirty + file->dirty_room, 0, room - file->dirty_room);
		file->dirty_room = room;
	}
	memset(file->dirty + first, 1, last - first + 1);
}

static void dirty_clear(struct disk_file *file)
{
	if (file->dirty_room > 0)
		memset(file->dirty, 0, file->dirty_room);
}

void disk_init(struct disk *disk, struct random *random)
{
	*disk = (struct disk){ .random = random, .capacity_bytes = DISK_CAPACITY_ANY };
}

static void file_free(struct disk_file *file)
{
	mem_free(file->now.bytes);
	mem_free(file->safe.bytes);
	mem_free(file->dirty);
	mem_free(file);
}

void disk_finish(struct disk *disk)
{
	while (disk->files != NULL) {
		struct disk_file *file = disk->files;
		assert(file->holders == 0);
		disk->files = file->next;
		file_free(file);
	}
}

static void forget_if_gone(struct disk *disk, struct disk_file *file)
{
	if (file->names_now + file->names_safe + file->holders > 0)
		return;
	struct disk_file **place = &disk->files;
	while (*place != file)
		place = &(*place)->next;
	*place = file->next;
	file_free(file);
}

static struct disk_name *name_find(struct disk *disk, const char *text)
{
	for (size_t i = 0; i < DISK_NAMES_MAX; i++)
		if (strcmp(disk->names[i].text, text) == 0)
			return &disk->names[i];
	return NULL;
}

static void name_set_now(struct disk *disk, struct disk_name *name, struct disk_file *file)
{
	struct disk_file *old = name->now;
	name->now = file;
	if (file != NULL)
		file->names_now++;
	if (old == NULL)
		return;
	old->names_now--;
	forget_if_gone(disk, old);
}

static void name_set_safe(struct disk *disk, struct disk_name *name, struct disk_file *file)
{
	struct disk_file *old = name->safe;
	name->safe = file;
	if (file != NULL)
		file->names_safe++;
	if (old != NULL) {
		old->names_safe--;
		forget_if_gone(disk, old);
	}
	if (name->now == NULL && name->safe == NULL)
		name->text[0] = '\0';
}

struct disk_file *disk_find(struct disk *disk, const char *text)
{
	assert(text[0] != '\0');
	struct disk_name *name = name_find(disk, text);
	return name != NULL ? name->now : NULL;
}

/* The place of a name that has none now: its old one when a crash could bring it back. */
static struct disk_name *name_make(struct disk *disk, const char *text)
{
	if (text[0] == '\0' || strlen(text) >= DISK_NAME_BYTES)
		return NULL;
	struct disk_name *name = name_find(disk, text);
	if (name == NULL)
		name = name_find(disk, "");
	if (name != NULL)
		memcpy(name->text, text, strlen(text) + 1);
	return name;
}

struct disk_file *disk_make(struct disk *disk, const char *text)
{
	struct disk_name *name = text != NULL ? name_make(disk, text) : NULL;
	if (text != NULL && name == NULL)
		return NULL;
	assert(name == NULL || name->now == NULL);
	struct disk_file *file = mem_alloc(sizeof *file);
	file->holders = 1;
	file->next = disk->files;
	disk->files = file;
	if (name != NULL)
		name_set_now(disk, name, file);
	return file;
}

bool disk_remove(struct disk *disk, const char *text)
{
	struct disk_name *name = name_find(disk, text);
	if (name == NULL || name->now == NULL)
		return false;
	name_set_now(disk, name, NULL);
	if (name->safe == NULL)
		name->text[0] = '\0';
	return true;
}

void disk_hold(struct disk_file *file)
{
	file->holders++;
}

void disk_release(struct disk *disk, struct disk_file *file)
{
	assert(file->holders > 0);
	file->holders--;
	forget_if_gone(disk, file);
}

uint64_t disk_used_bytes(const struct disk *disk)
{
	uint64_t used = 0;
	for (const struct disk_file *file = disk->files; file != NULL; file = file->next)
		if (file->names_now + file->holders > 0)
			used += file->now.size;
	return used;
}

size_t disk_read(const struct disk_file *file, void *ret_bytes, size_t length, uint64_t offset)
{
	if (offset >= file->now.size)
		return 0;
	size_t part = smaller(length, file->now.size - offset);
	memcpy(ret_bytes, file->now.bytes + offset, part);
	return part;
}

static uint64_t room_left(const struct disk *disk)
{
	uint64_t used = disk_used_bytes(disk);
	return used < disk->capacity_bytes ? disk->capacity_bytes - used : 0;
}

bool disk_resize(struct disk *disk, struct disk_file *file, uint64_t size)
{
	uint64_t old = file->now.size;
	if (size > old && (size > DISK_FILE_BYTES_MAX || size - old > room_left(disk)))
		return false;
	image_size_set(&file->now, size);
	dirty_mark(file, size < old ? size : old, size < old ? old : size);
	return true;
}

size_t disk_write(struct disk *disk, struct disk_file *file, const void *bytes, size_t length,
		  uint64_t offset)
{
	uint64_t end = offset + length;
	if (end > file->now.size && !disk_resize(disk, file, end)) {
		uint64_t most = file->now.size + room_left(disk);
		end = most < DISK_FILE_BYTES_MAX ? most : DISK_FILE_BYTES_MAX;
		length = end > offset ? smaller(length, end - offset) : 0;
		if (length > 0 && offset + length > file->now.size)
			disk_resize(disk, file, offset + length);
	}
	if (length == 0)
		return 0;
	memcpy(file->now.bytes + offset, bytes, length);
	dirty_mark(file, offset, offset + length);
	return length;
}

void disk_sync(struct disk *disk, struct disk_file *file)
{
	if (disk->lies)
		return;
	image_size_set(&file->safe, file->now.size);
	for (size_t sector = 0; sector < file->dirty_room; sector++) {
		size_t at = sector * DISK_SECTOR_BYTES;
		if (file->dirty[sector] && at < file->now.size)
			memcpy(file->safe.bytes + at, file->now.bytes + at,
			       smaller(DISK_SECTOR_BYTES, file->now.size - at));
	}
	dirty_clear(file);
}

void disk_sync_failed(struct disk_file *file)
{
	dirty_clear(file);
}

void disk_names_sync(struct disk *disk)
{
	if (disk->lies)
		return;
	for (size_t i = 0; i < DISK_NAMES_MAX; i++)
		if (disk->names[i].text[0] != '\0')
			name_set_safe(disk, &disk->names[i], disk->names[i].now);
}

/* Chooses for one sector of `safe` what of `now` reached it. Both have room for it. */
static void sector_tear(struct disk_file *file, size_t at, size_t size, struct random *random)
{
	unsigned char *safe = file->safe.bytes + at;
	const unsigned char *now = file->now.bytes + at;
	if (memcmp(safe, now, size) == 0)
		return;
	uint64_t fate = random_below(random, 3);
	size_t split = fate == 0 ? 0 : fate == 1 ? size : (size_t)random_below(random, size);
	if (random_below(random, 2) == 0)
		memcpy(safe, now, split); /* the head of the new bytes arrived */
	else
		memcpy(safe + size - split, now + size - split, split); /* or their tail */
}

static void file_tear(struct disk_file *file, struct random *random)
{
	size_t now_size = file->now.size, safe_size = file->safe.size;
	size_t size = random_below(random, 2) == 0 ? now_size : safe_size;
	size_t longest = now_size > safe_size ? now_size : safe_size;
	image_size_set(&file->now, longest); /* what one image lacks counts as zeros */
	image_size_set(&file->safe, longest);
	for (size_t at = 0; at < longest; at += DISK_SECTOR_BYTES)
		sector_tear(file, at, smaller(DISK_SECTOR_BYTES, longest - at), random);
	image_size_set(&file->safe, size);
}

static void file_settle(struct disk *disk, struct disk_file *file, enum disk_crash mode)
{
	if (mode == DISK_CRASH_KEEP)
		image_copy(&file->safe, &file->now);
	else if (mode == DISK_CRASH_TEAR)
		file_tear(file, disk->random);
	image_copy(&file->now, &file->safe);
	dirty_clear(file);
}

void disk_crash(struct disk *disk, enum disk_crash mode)
{
	assert(mode <= DISK_CRASH_TEAR);
	for (struct disk_file *file = disk->files; file != NULL; file = file->next)
		file_settle(disk, file, mode);
	for (size_t i = 0; i < DISK_NAMES_MAX; i++) {
		struct disk_name *name = &disk->names[i];
		if (name->now == name->safe)
			continue;
		bool keep = mode == DISK_CRASH_KEEP ||
			    (mode == DISK_CRASH_TEAR && random_below(disk->random, 2) == 0);
		if (keep)
			name_set_safe(disk, name, name->now);
		else
			name_set_now(disk, name, name->safe);
		if (name->now == NULL)
			name->text[0] = '\0';
	}
}
