/* loop.c: see loop.h. */
#include "sys/loop.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <uv.h>

#include "base/mem.h"

struct post {
	struct post *next;
	loop_fn *fn;
	void *context;
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	pthread_mutex_t lock; /* guards the four below */
	struct post *first, **last;
	unsigned posted;
	bool stopping;
};

struct loop_timer {
	uv_timer_t uv;
	loop_fn *fn;
	void *context;
};

struct loop_poll {
	uv_poll_t uv;
	loop_poll_fn *fn;
	void *context;
};

static struct post *take_posts(struct loop *loop, bool *ret_stop)
{
	pthread_mutex_lock(&loop->lock);
	struct post *first = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	loop->posted = 0;
	*ret_stop = loop->stopping;
	loop->stopping = false;
	pthread_mutex_unlock(&loop->lock);
	return first;
}

static bool run_posts(struct loop *loop)
{
	bool stop;
	struct post *post = take_posts(loop, &stop);
	while (post != NULL) {
		struct post *next = post->next;
		post->fn(post->context);
		mem_free(post);
		post = next;
	}
	return stop;
}

static void on_wake(uv_async_t *wake)
{
	struct loop *loop = wake->data;
	if (run_posts(loop))
		uv_stop(&loop->uv);
}

struct loop *loop_create(void)
{
	struct loop *loop = mem_alloc(sizeof *loop);
	signal(SIGPIPE, SIG_IGN);
	int failed = uv_loop_init(&loop->uv);
	assert(failed == 0);
	failed = uv_async_init(&loop->uv, &loop->wake, on_wake);
	assert(failed == 0);
	loop->wake.data = loop;
	pthread_mutex_init(&loop->lock, NULL);
	loop->last = &loop->first;
	return loop;
}

void loop_destroy(struct loop **loop_pointer)
{
	struct loop *loop = *loop_pointer;
	if (loop == NULL)
		return;
	*loop_pointer = NULL;
	run_posts(loop);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	/* A second round: what was closed in the first may have closed something itself. */
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	int busy = uv_loop_close(&loop->uv);
	assert(busy == 0);
	pthread_mutex_destroy(&loop->lock);
	mem_free(loop);
}

void loop_run(struct loop *loop)
{
	uv_update_time(&loop->uv);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

struct deadline {
	struct loop *loop;
	bool passed;
};

static void on_deadline(void *context)
{
	struct deadline *deadline = context;
	deadline->passed = true;
	uv_stop(&deadline->loop->uv);
}

bool loop_run_for(struct loop *loop, time_us longest)
{
	struct deadline deadline = { .loop = loop };
	struct loop_timer *timer = loop_timer_create(loop, on_deadline, &deadline);
	loop_timer_start(timer, longest);
	loop_run(loop);
	loop_timer_destroy(&timer);
	return !deadline.passed;
}

void loop_stop(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->stopping = true;
	pthread_mutex_unlock(&loop->lock);
	uv_async_send(&loop->wake);
}

enum err loop_post(struct loop *loop, loop_fn *fn, void *context)
{
	assert(fn != NULL);
	struct post *post = mem_alloc(sizeof *post);
	*post = (struct post){ .fn = fn, .context = context };
	pthread_mutex_lock(&loop->lock);
	bool full = loop->posted >= LOOP_POSTS_MAX;
	if (!full) {
		*loop->last = post;
		loop->last = &post->next;
		loop->posted++;
	}
	pthread_mutex_unlock(&loop->lock);
	if (full) {
		mem_free(post);
		return ERR_LIMIT;
	}
	uv_async_send(&loop->wake);
	return OK;
}

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;
	timer->fn(timer->context);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *context)
{
	assert(fn != NULL);
	struct loop_timer *timer = mem_alloc(sizeof *timer);
	timer->fn = fn;
	timer->context = context;
	uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	return timer;
}

void loop_timer_start(struct loop_timer *timer, time_us delay)
{
	assert(delay >= 0);
	assert(delay <= LOOP_DELAY_MAX);
	/* libuv counts from when this round began; a long round must not eat the delay. */
	uv_update_time(timer->uv.loop);
	uv_timer_start(&timer->uv, on_timer, (uint64_t)((delay + TIME_MS - 1) / TIME_MS), 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

static void free_timer(uv_handle_t *uv)
{
	mem_free(uv->data);
}

void loop_timer_destroy(struct loop_timer **timer)
{
	if (*timer == NULL)
		return;
	uv_timer_stop(&(*timer)->uv);
	uv_close((uv_handle_t *)&(*timer)->uv, free_timer);
	*timer = NULL;
}

static void on_poll(uv_poll_t *uv, int status, int uv_events)
{
	struct loop_poll *poll = uv->data;
	unsigned events = 0;
	if (status < 0)
		events |= LOOP_FAILED;
	if (uv_events & UV_READABLE)
		events |= LOOP_READABLE;
	if (uv_events & UV_WRITABLE)
		events |= LOOP_WRITABLE;
	if (events != 0)
		poll->fn(poll->context, events);
}

static void free_poll(uv_handle_t *uv)
{
	mem_free(uv->data);
}

enum err loop_poll_create(struct loop *loop, int fd, loop_poll_fn *fn, void *context,
                          struct loop_poll **ret_poll, struct error *err)
{
	assert(fd >= 0);
	assert(fn != NULL);
	struct loop_poll *poll = mem_alloc(sizeof *poll);
	poll->fn = fn;
	poll->context = context;
	int failed = uv_poll_init(&loop->uv, &poll->uv, fd);
	if (failed != 0) {
		mem_free(poll);
		return error_set(err, ERR_IO, "could not watch a descriptor: %s", uv_strerror(failed));
	}
	poll->uv.data = poll;
	*ret_poll = poll;
	return OK;
}

void loop_poll_watch(struct loop_poll *poll, unsigned events)
{
	assert((events & ~(LOOP_READABLE | LOOP_WRITABLE)) == 0);
	int wanted = 0;
	if (events & LOOP_READABLE)
		wanted |= UV_READABLE;
	if (events & LOOP_WRITABLE)
		wanted |= UV_WRITABLE;
	if (wanted == 0)
		uv_poll_stop(&poll->uv);
	else
		uv_poll_start(&poll->uv, wanted, on_poll);
}

void loop_poll_destroy(struct loop_poll **poll)
{
	if (*poll == NULL)
		return;
	uv_poll_stop(&(*poll)->uv);
	uv_close((uv_handle_t *)&(*poll)->uv, free_poll);
	*poll = NULL;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
	return &loop->uv;
}
