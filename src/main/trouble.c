/* trouble.c: see trouble.h. */
#include "main/trouble.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

struct trouble {
	pthread_mutex_t lock;
	char folder[512], reserve[600];
	enum trouble_state state;
	bool has_reserve;
	char why[ERROR_TEXT_BYTES];
};

static int64_t free_bytes(const struct trouble *trouble)
{
	struct statvfs fs;
	if (statvfs(trouble->folder, &fs) != 0)
		return 0;
	return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

/* Blocks that are really taken: a file with holes would hold nothing back. */
static bool lay_aside(struct trouble *trouble)
{
	int fd = open(trouble->reserve, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	bool done = posix_fallocate(fd, 0, TROUBLE_RESERVE_BYTES) == 0 && fsync(fd) == 0;
	close(fd);
	if (!done)
		unlink(trouble->reserve);
	return done;
}

struct trouble *trouble_create(const char *folder)
{
	struct trouble *trouble = mem_alloc(sizeof *trouble);
	pthread_mutex_init(&trouble->lock, NULL);
	snprintf(trouble->folder, sizeof trouble->folder, "%s", folder);
	snprintf(trouble->reserve, sizeof trouble->reserve, "%s/reserve", folder);
	trouble->has_reserve = access(trouble->reserve, F_OK) == 0;
	trouble_tick(trouble);
	return trouble;
}

void trouble_destroy(struct trouble **trouble)
{
	if (*trouble == NULL)
		return;
	pthread_mutex_destroy(&(*trouble)->lock);
	mem_free(*trouble);
	*trouble = NULL;
}

static void give_up_reserve(struct trouble *trouble)
{
	if (unlink(trouble->reserve) != 0 && errno != ENOENT)
		log_write(LOG_ERROR, "could not give up the reserve", "error=\"%s\"", strerror(errno));
	trouble->has_reserve = false;
	trouble->state = TROUBLE_RESERVE_USED;
	log_write(LOG_ERROR, "the disk is full: the reserve of 64 MiB was given up", "folder=\"%s\"",
		  trouble->folder);
}

void trouble_before(void *context)
{
	struct trouble *trouble = context;
	pthread_mutex_lock(&trouble->lock);
	if (trouble->has_reserve && free_bytes(trouble) < TROUBLE_LOW_BYTES)
		give_up_reserve(trouble);
	pthread_mutex_unlock(&trouble->lock);
}

static void note_failure(struct trouble *trouble, const struct error *failure)
{
	snprintf(trouble->why, sizeof trouble->why, "%s", failure->text);
	if (trouble->has_reserve && free_bytes(trouble) < TROUBLE_RESERVE_BYTES) {
		give_up_reserve(trouble);
		return;
	}
	if (trouble->state != TROUBLE_NOTHING)
		log_write(LOG_ERROR, "nothing can be stored", "error=\"%s\"", failure->text);
	trouble->state = TROUBLE_NOTHING;
}

void trouble_committed(void *context, const struct error *failure)
{
	struct trouble *trouble = context;
	pthread_mutex_lock(&trouble->lock);
	if (failure != NULL) {
		note_failure(trouble, failure);
	} else if (trouble->state == TROUBLE_NOTHING) {
		log_write(LOG_INFO, "changes can be stored again", NULL);
		trouble->state = trouble->has_reserve ? TROUBLE_NONE : TROUBLE_RESERVE_USED;
	}
	pthread_mutex_unlock(&trouble->lock);
}

void trouble_tick(struct trouble *trouble)
{
	pthread_mutex_lock(&trouble->lock);
	if (!trouble->has_reserve && free_bytes(trouble) > TROUBLE_SPARE_BYTES && lay_aside(trouble)) {
		trouble->has_reserve = true;
		if (trouble->state == TROUBLE_RESERVE_USED)
			trouble->state = TROUBLE_NONE;
	}
	pthread_mutex_unlock(&trouble->lock);
}

enum trouble_state trouble_state(struct trouble *trouble)
{
	pthread_mutex_lock(&trouble->lock);
	enum trouble_state state = trouble->state;
	pthread_mutex_unlock(&trouble->lock);
	return state;
}

void trouble_words(struct trouble *trouble, char *ret_text, size_t size)
{
	assert(size > 0);
	pthread_mutex_lock(&trouble->lock);
	if (trouble->state == TROUBLE_NOTHING)
		snprintf(ret_text, size, "Nothing can be stored: %s.", trouble->why);
	else if (trouble->state == TROUBLE_RESERVE_USED)
		snprintf(ret_text, size, "The disk is full; Mainstay works out of its last 64 MiB.");
	else
		ret_text[0] = '\0';
	pthread_mutex_unlock(&trouble->lock);
}
