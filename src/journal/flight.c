/* flight.c: see flight.h. */
#include "journal/flight.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define MAGIC UINT64_C(0x4D41494E464C5431) /* "MAINFLT1" */
#define MARKS_MAX 31u

struct mark {
	char row[48];
	char kind[40];
	int64_t subject;
	uint32_t crashes; /* 0: the slot is free */
	uint32_t pad;
};

struct file {
	uint64_t magic;
	struct mark current;     /* crashes 1 while something is in flight */
	struct mark seen[MARKS_MAX];
};

struct flight {
	struct file *file;
	bool mapped;
	pthread_mutex_t lock; /* of `seen` when it changes, and when others than its thread read it */
};

static void mark_set(struct mark *mark, const char *row, const char *kind, int64_t subject)
{
	memset(mark, 0, sizeof *mark);
	snprintf(mark->row, sizeof mark->row, "%s", row);
	snprintf(mark->kind, sizeof mark->kind, "%s", kind);
	mark->subject = subject;
}

static bool mark_is(const struct mark *mark, const struct mark *other)
{
	return mark->crashes > 0 && mark->subject == other->subject &&
	       strcmp(mark->row, other->row) == 0 && strcmp(mark->kind, other->kind) == 0;
}

static struct mark *find(struct file *file, const struct mark *wanted)
{
	for (unsigned i = 0; i < MARKS_MAX; i++) {
		if (mark_is(&file->seen[i], wanted))
			return &file->seen[i];
	}
	return NULL;
}

/* When all slots are taken the least proven one makes room. */
static struct mark *slot_for(struct file *file, const struct mark *wanted)
{
	struct mark *found = find(file, wanted);
	if (found != NULL)
		return found;
	struct mark *least = &file->seen[0];
	for (unsigned i = 1; i < MARKS_MAX; i++) {
		if (file->seen[i].crashes < least->crashes)
			least = &file->seen[i];
	}
	*least = *wanted;
	least->crashes = 0;
	return least;
}

static void count_what_was_left(struct file *file, bool crashed)
{
	if (file->current.crashes == 0)
		return;
	if (crashed)
		slot_for(file, &file->current)->crashes++;
	memset(&file->current, 0, sizeof file->current);
}

static enum err map_file(const char *path, struct file **ret_file, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(err, ERR_IO, "could not open \"%s\": %s", path, strerror(errno));
	if (ftruncate(fd, sizeof(struct file)) != 0) {
		close(fd);
		return error_set(err, ERR_IO, "could not size \"%s\": %s", path, strerror(errno));
	}
	void *memory = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return error_set(err, ERR_IO, "could not map \"%s\": %s", path, strerror(errno));
	*ret_file = memory;
	return OK;
}

enum err flight_open(const char *path, bool crashed, struct flight **ret_flight, struct error *err)
{
	struct file *file;
	if (path != NULL) {
		enum err r = map_file(path, &file, err);
		if (r != OK)
			return r;
	} else {
		file = mem_alloc(sizeof *file);
	}
	if (file->magic != MAGIC) {
		memset(file, 0, sizeof *file);
		file->magic = MAGIC;
	}
	count_what_was_left(file, crashed);
	struct flight *flight = mem_alloc(sizeof *flight);
	*flight = (struct flight){ .file = file, .mapped = path != NULL };
	pthread_mutex_init(&flight->lock, NULL);
	*ret_flight = flight;
	return OK;
}

void flight_close(struct flight **flight)
{
	if (*flight == NULL)
		return;
	if ((*flight)->mapped)
		munmap((*flight)->file, sizeof(struct file));
	else
		mem_free((*flight)->file);
	pthread_mutex_destroy(&(*flight)->lock);
	mem_free(*flight);
	*flight = NULL;
}

bool flight_enter(struct flight *flight, const char *row, const char *kind, int64_t subject)
{
	if (flight == NULL)
		return true;
	struct mark mark;
	mark_set(&mark, row, kind, subject);
	const struct mark *seen = find(flight->file, &mark);
	if (seen != NULL && seen->crashes >= FLIGHT_CRASHES_MAX)
		return false;
	mark.crashes = 1;
	flight->file->current = mark;
	return true;
}

void flight_leave(struct flight *flight)
{
	if (flight == NULL)
		return;
	struct mark *seen = find(flight->file, &flight->file->current);
	if (seen != NULL) {
		pthread_mutex_lock(&flight->lock);
		seen->crashes = 0;
		pthread_mutex_unlock(&flight->lock);
	}
	flight->file->current.crashes = 0;
}

bool flight_count_failure(struct flight *flight, const char *row, const char *kind, int64_t subject)
{
	if (flight == NULL)
		return false;
	struct mark mark;
	mark_set(&mark, row, kind, subject);
	pthread_mutex_lock(&flight->lock);
	bool parked = ++slot_for(flight->file, &mark)->crashes >= FLIGHT_CRASHES_MAX;
	pthread_mutex_unlock(&flight->lock);
	return parked;
}

bool flight_parked(struct flight *flight, unsigned index, struct flight_parked *ret_parked)
{
	bool found = false;
	if (flight == NULL)
		return false;
	pthread_mutex_lock(&flight->lock);
	for (unsigned i = 0; i < MARKS_MAX && !found; i++) {
		const struct mark *mark = &flight->file->seen[i];
		if (mark->crashes < FLIGHT_CRASHES_MAX || index-- > 0)
			continue;
		memcpy(ret_parked->row, mark->row, sizeof ret_parked->row);
		memcpy(ret_parked->kind, mark->kind, sizeof ret_parked->kind);
		ret_parked->subject = mark->subject;
		found = true;
	}
	pthread_mutex_unlock(&flight->lock);
	return found;
}

unsigned flight_forget(struct flight *flight)
{
	unsigned count = 0;
	pthread_mutex_lock(&flight->lock);
	for (unsigned i = 0; i < MARKS_MAX; i++)
		count += flight->file->seen[i].crashes >= FLIGHT_CRASHES_MAX;
	memset(flight->file->seen, 0, sizeof flight->file->seen);
	pthread_mutex_unlock(&flight->lock);
	return count;
}
