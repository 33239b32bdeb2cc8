/* serve_alerts.c: see serve_alerts.h. */
#include "main/serve_alerts.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "alert/alert.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_EVERY TIME_SECOND
#define ASLEEP (20 * TIME_SECOND) /* longer between two looks: it did not run */
#define OVER_MAX 1000u            /* of one command; the rest in the next look */

struct serve_alerts {
	struct alert_book *book;
	struct writer *writer;
	struct clock *clock;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping;
	time_us looked; /* since boot */
};

/* Waits; true: go on. */
static bool rest(struct serve_alerts *alerts)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_EVERY / TIME_SECOND;
	pthread_mutex_lock(&alerts->lock);
	while (!alerts->stopping) {
		if (pthread_cond_timedwait(&alerts->stop, &alerts->lock, &until) == ETIMEDOUT)
			break;
	}
	bool on = !alerts->stopping;
	pthread_mutex_unlock(&alerts->lock);
	return on;
}

static bool look(struct serve_alerts *alerts, struct alert_alive *over)
{
	struct alert_instant at = { clock_wall(alerts->clock), clock_since_boot(alerts->clock) };
	if (at.boot - alerts->looked > ASLEEP)
		alert_book_spare(alerts->book, at);
	alerts->looked = at.boot;
	struct alert_expiry expiry = { .alive = over, .at = at };
	expiry.count = alert_book_over(alerts->book, at.boot, over, OVER_MAX);
	if (expiry.count == 0)
		return false;
	struct command command = {
		.name = "alert_expire",
		.decide = alert_expire_decide,
		.args = &expiry,
		.actor = ACTOR_SYSTEM,
	};
	struct error err = { 0 };
	if (writer_run(alerts->writer, &command, &err) == OK)
		return expiry.count == OVER_MAX;
	log_write(LOG_WARNING, "could not end alerts", "alerts=%zu reason=\"%s\"", expiry.count, err.text);
	return false;
}

static void *run(void *context)
{
	struct serve_alerts *alerts = context;
	struct alert_alive *over = mem_alloc(OVER_MAX * sizeof *over);
	while (rest(alerts)) {
		while (look(alerts, over))
			;
	}
	mem_free(over);
	return NULL;
}

enum err serve_alerts_start(struct alert_book *book, struct writer *writer, struct clock *clock,
			    struct serve_alerts **ret_alerts, struct error *err)
{
	assert(book != NULL);
	struct serve_alerts *alerts = mem_alloc(sizeof *alerts);
	*alerts = (struct serve_alerts){ .book = book, .writer = writer, .clock = clock,
					 .looked = clock_since_boot(clock) };
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&alerts->stop, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&alerts->lock, NULL);
	int failed = pthread_create(&alerts->thread, NULL, run, alerts);
	if (failed != 0) {
		mem_free(alerts);
		return error_set(err, ERR_UNAVAILABLE, "could not start the look at alerts: %s",
				 strerror(failed));
	}
	*ret_alerts = alerts;
	return OK;
}

void serve_alerts_stop(struct serve_alerts **alerts)
{
	if (*alerts == NULL)
		return;
	pthread_mutex_lock(&(*alerts)->lock);
	(*alerts)->stopping = true;
	pthread_cond_signal(&(*alerts)->stop);
	pthread_mutex_unlock(&(*alerts)->lock);
	pthread_join((*alerts)->thread, NULL);
	pthread_cond_destroy(&(*alerts)->stop);
	pthread_mutex_destroy(&(*alerts)->lock);
	mem_free(*alerts);
	*alerts = NULL;
}
