/* writer.c: see writer.h. */
#include "journal/writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

#define WAIT_MAX TIME_SECOND /* a step of the wall clock is noticed within this */
#define IDLE_CHECKPOINT_COMMANDS 512u

struct writer {
	struct world *world;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct command *first, **last;
	unsigned waiting;
	bool stopping;
	unsigned since_checkpoint;
};

static unsigned take(struct writer *writer, struct command **ret_batch)
{
	unsigned count = 0;
	while (count < WRITER_BATCH_MAX && writer->first != NULL) {
		struct command *command = writer->first;
		writer->first = command->next;
		command->next = NULL;
		ret_batch[count++] = command;
	}
	if (writer->first == NULL)
		writer->last = &writer->first;
	writer->waiting -= count;
	return count;
}

static void deadline(time_us wait, struct timespec *ret_spec)
{
	clock_gettime(CLOCK_MONOTONIC, ret_spec);
	ret_spec->tv_sec += wait / TIME_SECOND;
	ret_spec->tv_nsec += wait % TIME_SECOND * 1000;
	if (ret_spec->tv_nsec >= 1000000000) {
		ret_spec->tv_sec++;
		ret_spec->tv_nsec -= 1000000000;
	}
}

static time_us until_next_timer(struct world *world)
{
	time_us next = world_next_timer(world);
	if (next == TIME_NONE)
		return WAIT_MAX;
	time_us wait = next - clock_wall(world_clock(world));
	return wait < 0 ? 0 : wait < WAIT_MAX ? wait : WAIT_MAX;
}

/* Waits for commands or for time; gives what waits. */
static unsigned wait_and_take(struct writer *writer, struct command **batch, bool *ret_stop)
{
	time_us wait = until_next_timer(writer->world);
	struct timespec until;
	deadline(wait, &until);
	pthread_mutex_lock(&writer->lock);
	while (writer->first == NULL && !writer->stopping && wait > 0) {
		if (pthread_cond_timedwait(&writer->news, &writer->lock, &until) == ETIMEDOUT)
			break;
	}
	unsigned count = take(writer, batch);
	*ret_stop = writer->stopping && count == 0;
	pthread_mutex_unlock(&writer->lock);
	return count;
}

static bool somebody_waits(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	bool waits = writer->first != NULL || writer->stopping;
	pthread_mutex_unlock(&writer->lock);
	return waits;
}

static void checkpoint_when_idle(struct writer *writer, unsigned commands)
{
	writer->since_checkpoint += commands;
	if (commands > 0 || writer->since_checkpoint < IDLE_CHECKPOINT_COMMANDS)
		return;
	writer->since_checkpoint = 0;
	world_checkpoint(writer->world);
}

static void *write_loop(void *context)
{
	struct writer *writer = context;
	struct command *batch[WRITER_BATCH_MAX];
	bool stop = false;
	while (!stop) {
		unsigned count = wait_and_take(writer, batch, &stop);
		if (count > 0)
			world_run(writer->world, batch, count);
		world_run_timers(writer->world);
		while (world_run_followers(writer->world) && !somebody_waits(writer))
			;
		world_keep_lead(writer->world);
		checkpoint_when_idle(writer, count);
	}
	return NULL;
}

enum err writer_start(struct world *world, struct writer **ret_writer, struct error *err)
{
	struct writer *writer = mem_alloc(sizeof *writer);
	writer->world = world;
	writer->last = &writer->first;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->news, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&writer->lock, NULL);
	int failed = pthread_create(&writer->thread, NULL, write_loop, writer);
	if (failed != 0) {
		mem_free(writer);
		return error_set(err, ERR_UNAVAILABLE, "could not start the writer: %s",
				 strerror(failed));
	}
	*ret_writer = writer;
	return OK;
}

enum err writer_submit(struct writer *writer, struct command *command, struct error *err)
{
	assert(command->decide != NULL);
	assert(command->next == NULL);
	pthread_mutex_lock(&writer->lock);
	bool refused = writer->stopping || writer->waiting >= WRITER_QUEUE_MAX;
	if (!refused) {
		*writer->last = command;
		writer->last = &command->next;
		writer->waiting++;
		pthread_cond_signal(&writer->news);
	}
	pthread_mutex_unlock(&writer->lock);
	if (refused) {
		error_set(err, ERR_UNAVAILABLE, "could not take the change: too much waits");
		error_hint(err, "try again in a few seconds");
		return ERR_UNAVAILABLE;
	}
	return OK;
}

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	bool done;
};

static void finish_waiting(struct command *command)
{
	struct waiting *waiting = command->context;
	pthread_mutex_lock(&waiting->lock);
	waiting->done = true;
	pthread_cond_signal(&waiting->finished);
	pthread_mutex_unlock(&waiting->lock);
}

enum err writer_run(struct writer *writer, struct command *command, struct error *err)
{
	assert(command->done == NULL);
	assert(!pthread_equal(pthread_self(), writer->thread));
	struct waiting waiting = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	void *context = command->context;
	command->done = finish_waiting;
	command->context = &waiting;
	enum err r = writer_submit(writer, command, err);
	if (r == OK) {
		pthread_mutex_lock(&waiting.lock);
		while (!waiting.done)
			pthread_cond_wait(&waiting.finished, &waiting.lock);
		pthread_mutex_unlock(&waiting.lock);
		r = command->result;
		if (r != OK && err != NULL)
			*err = command->error;
	}
	command->done = NULL;
	command->context = context;
	return r;
}

void writer_stop(struct writer **writer)
{
	if (*writer == NULL)
		return;
	pthread_mutex_lock(&(*writer)->lock);
	(*writer)->stopping = true;
	pthread_cond_signal(&(*writer)->news);
	pthread_mutex_unlock(&(*writer)->lock);
	pthread_join((*writer)->thread, NULL);
	pthread_cond_destroy(&(*writer)->news);
	pthread_mutex_destroy(&(*writer)->lock);
	mem_free(*writer);
	*writer = NULL;
}

void writer_load(struct writer *writer, unsigned *ret_waiting)
{
	pthread_mutex_lock(&writer->lock);
	*ret_waiting = writer->waiting;
	pthread_mutex_unlock(&writer->lock);
}
