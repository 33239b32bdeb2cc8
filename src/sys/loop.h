/*
 * loop.h: one thread that waits for many things: timers, sockets, and words from other threads.
 *
 * Thin over libuv, so that the rest of Mainstay names what it waits for and not how. Everything
 * here belongs to the thread that runs the loop, except loop_post and loop_stop, which any thread
 * may call. A callback never runs inside the call that asked for it. Waiting is measured in time
 * since boot as the kernel's monotonic clock counts it; delays are rounded up to milliseconds.
 *
 * SIGPIPE is ignored by the process from the first loop_create on: a peer that leaves is an error
 * of one write, not the end of the server.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"

struct loop;
struct loop_timer;
struct loop_poll;

typedef void loop_fn(void *context);
typedef void loop_poll_fn(void *context, unsigned events);

#define LOOP_POSTS_MAX 65536 /* words from other threads that may wait; more are refused */
#define LOOP_DELAY_MAX (366 * TIME_DAY)

#define LOOP_READABLE 1u
#define LOOP_WRITABLE 2u
#define LOOP_FAILED 4u /* given to the callback only: the descriptor cannot be watched */

struct loop *loop_create(void);

/* After loop_run has returned and when nobody posts any more. What was posted and has not run yet is
 * run first, so that whoever posted it can free what it carries. Timers and polls must be gone. */
void loop_destroy(struct loop **loop);

void loop_run(struct loop *loop);                        /* until loop_stop */
bool loop_run_for(struct loop *loop, time_us longest);   /* false when the time ran out */
void loop_stop(struct loop *loop);                       /* any thread; remembered if not running */

/* Any thread. Runs fn(context) on the loop's thread, in the order of the calls; each exactly once.
 * ERR_LIMIT when LOOP_POSTS_MAX wait already: nothing was queued. */
enum err loop_post(struct loop *loop, loop_fn *fn, void *context);

/* One shot. Starting again moves it. Destroying is allowed inside its own callback. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *context);
void loop_timer_start(struct loop_timer *timer, time_us delay); /* 0 .. LOOP_DELAY_MAX */
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer **timer); /* accepts NULL, leaves NULL */

/* Watches a descriptor that the caller owns and closes, after loop_poll_destroy. One poll a
 * descriptor. Level triggered. `events` 0 pauses. */
enum err loop_poll_create(struct loop *loop, int fd, loop_poll_fn *fn, void *context,
                          struct loop_poll **ret_poll, struct error *err);
void loop_poll_watch(struct loop_poll *poll, unsigned events);
void loop_poll_destroy(struct loop_poll **poll);

/* The libuv loop, for the other files of sys only. */
struct uv_loop_s *loop_uv(struct loop *loop);
