/*
 * http_server_queue.c: bounded queues, their workers and their deadlines.
 *
 * Every exchange handed over stands in the queue's waiting list until its web thread has it back;
 * deadlines of one queue are equal durations, so the list is in order and only its head is looked
 * at. Those not yet taken by a worker stand in the job list too; `count` bounds it.
 */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static void wait_add(struct http_jobs *jobs, struct http_exchange *exchange)
{
	assert(!exchange->is_waiting);
	exchange->wait_prev = jobs->wait_last;
	exchange->wait_next = NULL;
	if (jobs->wait_last != NULL)
		jobs->wait_last->wait_next = exchange;
	else
		jobs->wait_first = exchange;
	jobs->wait_last = exchange;
	exchange->is_waiting = true;
}

static void wait_remove(struct http_jobs *jobs, struct http_exchange *exchange)
{
	assert(exchange->is_waiting);
	if (exchange->wait_prev != NULL)
		exchange->wait_prev->wait_next = exchange->wait_next;
	else
		jobs->wait_first = exchange->wait_next;
	if (exchange->wait_next != NULL)
		exchange->wait_next->wait_prev = exchange->wait_prev;
	else
		jobs->wait_last = exchange->wait_prev;
	exchange->is_waiting = false;
}

static void job_add(struct http_jobs *jobs, struct http_exchange *exchange)
{
	assert(!exchange->is_job);
	exchange->job_next = NULL;
	if (jobs->last != NULL)
		jobs->last->job_next = exchange;
	else
		jobs->first = exchange;
	jobs->last = exchange;
	exchange->is_job = true;
	jobs->count++;
}

static struct http_exchange *job_take(struct http_jobs *jobs)
{
	struct http_exchange *exchange = jobs->first;
	assert(exchange != NULL);
	jobs->first = exchange->job_next;
	if (jobs->first == NULL)
		jobs->last = NULL;
	exchange->is_job = false;
	jobs->count--;
	return exchange;
}

/* The one that expires is the oldest that waits, so if it is a job, it is the first. */
static bool job_remove(struct http_jobs *jobs, struct http_exchange *exchange)
{
	if (!exchange->is_job)
		return false;
	assert(jobs->first == exchange);
	job_take(jobs);
	return true;
}

/* Suspends the connection before anyone can answer it, and hands it over. OK: the exchange is the
 * queue's. ERR_LIMIT full, ERR_UNAVAILABLE stopping: nothing happened. On the web thread. */
enum err http_jobs_push(struct http_jobs *jobs, struct http_exchange *exchange)
{
	assert(exchange->state == HTTP_INTAKE);
	enum err result = OK;
	pthread_mutex_lock(&jobs->mutex);
	if (jobs->closed) {
		result = ERR_UNAVAILABLE;
	} else if (jobs->count >= jobs->config.waiting_max) {
		result = ERR_LIMIT;
	} else {
		http_exchange_ref(exchange); /* of the one who is to answer */
		exchange->state = HTTP_WAITING;
		exchange->deadline =
			http_server_now(jobs->server) + jobs->config.deadline_ms * TIME_MS;
		MHD_suspend_connection(exchange->mhd);
		wait_add(jobs, exchange);
		job_add(jobs, exchange);
		pthread_cond_signal(&jobs->cond);
	}
	pthread_mutex_unlock(&jobs->mutex);
	return result;
}

/* The web thread has it back. */
void http_jobs_forget(struct http_jobs *jobs, struct http_exchange *exchange)
{
	pthread_mutex_lock(&jobs->mutex);
	if (exchange->is_waiting)
		wait_remove(jobs, exchange);
	pthread_mutex_unlock(&jobs->mutex);
}

/* Takes the oldest out when its time has come; it comes with a reference. */
static struct http_exchange *take_overdue(struct http_jobs *jobs, time_us now, bool *ret_was_job,
					  time_us *ret_next)
{
	pthread_mutex_lock(&jobs->mutex);
	struct http_exchange *oldest = jobs->wait_first;
	if (oldest != NULL && oldest->deadline > now) {
		*ret_next = oldest->deadline;
		oldest = NULL;
	}
	if (oldest != NULL) {
		http_exchange_ref(oldest);
		wait_remove(jobs, oldest);
		*ret_was_job = job_remove(jobs, oldest);
	}
	pthread_mutex_unlock(&jobs->mutex);
	return oldest;
}

time_us http_jobs_expire(struct http_jobs *jobs, time_us now)
{
	struct http_exchange *exchange;
	bool was_job = false;
	time_us next = INT64_MAX;
	while ((exchange = take_overdue(jobs, now, &was_job, &next)) != NULL) {
		http_exchange_expire(exchange);
		if (was_job)
			http_exchange_unref(exchange); /* nobody will answer it any more */
		http_exchange_unref(exchange);
	}
	return next;
}

/* --- workers ------------------------------------------------------------------------------ */

static void *work(void *context)
{
	struct http_jobs *jobs = context;
	const struct http_server_config *config = &jobs->server->config;
	pthread_mutex_lock(&jobs->mutex);
	for (;;) {
		while (jobs->first == NULL && !jobs->closed)
			pthread_cond_wait(&jobs->cond, &jobs->mutex);
		if (jobs->first == NULL)
			break;
		struct http_exchange *exchange = job_take(jobs);
		jobs->running++;
		/* A second reference while the handler runs: an answer given twice in it is found
		 * by an assert, not by a stray write. */
		http_exchange_ref(exchange);
		pthread_mutex_unlock(&jobs->mutex);
		config->handle(config->context, exchange);
		http_exchange_unref(exchange);
		pthread_mutex_lock(&jobs->mutex);
		jobs->running--;
	}
	pthread_mutex_unlock(&jobs->mutex);
	return NULL;
}

enum err http_jobs_start(struct http_jobs *jobs, struct http_server *server,
			 const struct http_queue_config *config, struct error *err)
{
	assert(config->workers >= 1 && config->workers <= 64);
	assert(config->waiting_max >= 1 && config->waiting_max <= 65536);
	assert(config->deadline_ms > 0);
	jobs->server = server;
	jobs->config = *config;
	pthread_mutex_init(&jobs->mutex, NULL);
	pthread_cond_init(&jobs->cond, NULL);
	jobs->threads = mem_alloc(config->workers * sizeof *jobs->threads);
	for (unsigned i = 0; i < config->workers; i++) {
		int failure = pthread_create(&jobs->threads[i], NULL, work, jobs);
		if (failure != 0)
			return error_set(err, ERR_UNAVAILABLE,
					 "could not start worker thread %u of the web server: %s",
					 i + 1, strerror(failure));
		jobs->threads_started++;
	}
	return OK;
}

bool http_jobs_idle(struct http_jobs *jobs)
{
	pthread_mutex_lock(&jobs->mutex);
	bool idle = jobs->wait_first == NULL;
	pthread_mutex_unlock(&jobs->mutex);
	return idle;
}

void http_jobs_close(struct http_jobs *jobs)
{
	pthread_mutex_lock(&jobs->mutex);
	jobs->closed = true;
	pthread_cond_broadcast(&jobs->cond);
	pthread_mutex_unlock(&jobs->mutex);
	http_jobs_expire(jobs, INT64_MAX);
}

void http_jobs_join(struct http_jobs *jobs)
{
	for (unsigned i = 0; i < jobs->threads_started; i++)
		pthread_join(jobs->threads[i], NULL);
	jobs->threads_started = 0;
}

void http_jobs_finish(struct http_jobs *jobs)
{
	if (jobs->threads == NULL)
		return;
	assert(jobs->threads_started == 0);
	assert(jobs->first == NULL);
	mem_free(jobs->threads);
	pthread_cond_destroy(&jobs->cond);
	pthread_mutex_destroy(&jobs->mutex);
}
