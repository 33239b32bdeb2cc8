/*
 * serve_sense_ask.c: struct api_sense: questions that workers ask the sense loop, and wait for.
 *
 * A question that is asked on the loop is shared by two: who waits and the loop. Who lets go last
 * frees it, so a waiter whose time is over can leave.
 */
#include "main/serve_sense_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "monitor/monitor_discovery.h"
#include "sys/loop.h"

#define DISCOVER_WAIT (30 * TIME_SECOND) /* DISCOVERY_MAX items at DISCOVERY_PROBES_AT_ONCE */

struct question {
	struct serve_sense *s;
	unsigned holders;
	bool answered, failed;
	struct check_result result;
	char *detail; /* of the result */
	struct discovery *discovery;
};

/* Condition variables wait by the kernel's clock, whatever clock the world has. */
static struct timespec deadline_in(time_us wait)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait / TIME_SECOND;
	until.tv_nsec += wait % TIME_SECOND * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

static enum err stopping(struct error *err)
{
	error_set(err, ERR_UNAVAILABLE, "could not look: the server is stopping");
	error_hint(err, "try again in a few seconds");
	return ERR_UNAVAILABLE;
}

/* ---- questions ---- */

static struct question *question_create(struct serve_sense *s)
{
	struct question *question = mem_alloc(sizeof *question);
	question->s = s;
	question->holders = 2;
	return question;
}

/* With the lock held, which it gives back. */
static void let_go(struct question *question)
{
	struct serve_sense *s = question->s;
	assert(question->holders > 0);
	bool last = --question->holders == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	mem_free(question->discovery);
	mem_free(question->detail);
	mem_free(question);
}

static void answer(struct question *question, bool failed)
{
	struct serve_sense *s = question->s;
	pthread_mutex_lock(&s->lock);
	question->answered = true;
	question->failed = failed;
	pthread_cond_broadcast(&s->changed);
	let_go(question);
}

/* With the lock held. */
static enum err wait_for(struct question *question, time_us longest, struct error *err)
{
	struct serve_sense *s = question->s;
	struct timespec until = deadline_in(longest);
	int late = 0;
	while (!question->answered && late == 0)
		late = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	if (question->answered)
		return question->failed ? stopping(err) : OK;
	return error_set(err, ERR_TIMEOUT, "could not look: there was no answer in time");
}

static char *copy_detail(const struct check_result *result)
{
	return result->detail != NULL ? mem_strdup(result->detail) : NULL;
}

/* ---- one look by a spec ---- */

static void on_probed(void *context, const struct check_result *result)
{
	struct question *question = context;
	question->result = *result; /* the waiter reads it only once it is answered */
	question->detail = copy_detail(result);
	question->result.detail = NULL;
	answer(question, result->wall == 0);
}

static enum err probe(void *context, struct check_spec *spec, struct check_result *ret_result,
		      struct error *err)
{
	struct serve_sense *s = context;
	struct question *question = question_create(s);
	time_us longest = spec->timeout + SERVE_SENSE_GRACE;
	if (sense_try(s->sense, spec, on_probed, question) != OK) {
		mem_free(question);
		return error_set(err, ERR_LIMIT, "could not look: too many others are looked at");
	}
	pthread_mutex_lock(&s->lock);
	enum err r = wait_for(question, longest, err);
	if (r == OK) {
		*ret_result = question->result;
		ret_result->detail = MEM_TAKE(question->detail);
	}
	let_go(question);
	return r;
}

/* ---- a defined check, now ---- */

/* With the lock held. Entries may go while it waits, so it finds the check anew each time. */
static enum err wait_for_result(struct serve_sense *s, struct str name, time_us since,
				time_us longest, struct check_result *ret_result, struct error *err)
{
	struct timespec until = deadline_in(longest);
	int late = 0;
	while (late == 0) {
		struct entry *entry = book_find(s, name);
		if (entry == NULL)
			return error_set(err, ERR_NOT_FOUND, "there is no check \"" STR_FMT "\"",
					 STR_ARG(name));
		if (entry->has_last && entry->last.boot >= since) {
			*ret_result = entry->last;
			ret_result->detail = copy_detail(&entry->last);
			return OK;
		}
		if (s->stopping)
			return stopping(err);
		late = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	}
	return error_set(err, ERR_TIMEOUT, "could not look: there was no answer in time");
}

/* With the lock held. What has just been defined is known here a moment later. */
static struct entry *wait_for_entry(struct serve_sense *s, struct str name)
{
	struct timespec until = deadline_in(SERVE_SENSE_GRACE);
	struct entry *entry = book_find(s, name);
	int late = 0;
	while (entry == NULL && late == 0 && !s->stopping) {
		late = pthread_cond_timedwait(&s->changed, &s->lock, &until);
		entry = book_find(s, name);
	}
	return entry;
}

static enum err run(void *context, struct str name, struct check_result *ret_result,
		    struct error *err)
{
	struct serve_sense *s = context;
	time_us since = clock_since_boot(s->options.clock);
	pthread_mutex_lock(&s->lock);
	struct entry *entry = wait_for_entry(s, name);
	enum err r = OK;
	if (entry == NULL)
		r = error_set(err, ERR_NOT_FOUND, "there is no check \"" STR_FMT "\"", STR_ARG(name));
	else if (entry->paused)
		r = error_set(err, ERR_CONFLICT, "check \"" STR_FMT "\" is paused", STR_ARG(name));
	else if (sense_run(s->sense, entry->name) != OK)
		r = error_set(err, ERR_LIMIT, "could not look: too many others are looked at");
	/* One that runs already is let end, then it runs again. */
	if (r == OK)
		r = wait_for_result(s, name, since, 2 * entry->timeout + SERVE_SENSE_GRACE, ret_result,
				    err);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- memory ---- */

static size_t results(void *context, struct str name, struct check_result *ret_results, size_t max)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	struct entry *entry = book_find(s, name);
	size_t count = entry != NULL ? book_results(entry, ret_results, max) : 0;
	pthread_mutex_unlock(&s->lock);
	return count;
}

static bool last(void *context, struct str name, struct check_result *ret_result)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	struct entry *entry = book_find(s, name);
	bool found = entry != NULL && entry->has_last;
	if (found)
		*ret_result = entry->last;
	ret_result->detail = NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

static char *detail(void *context, struct str name)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	struct entry *entry = book_find(s, name);
	char *copy = entry != NULL && entry->has_last ? copy_detail(&entry->last) : NULL;
	pthread_mutex_unlock(&s->lock);
	return copy;
}

static time_us next_at(void *context, struct str name)
{
	struct serve_sense *s = context;
	time_us boot = clock_since_boot(s->options.clock), next = TIME_NONE;
	pthread_mutex_lock(&s->lock);
	struct entry *entry = book_find(s, name);
	if (entry != NULL && entry->next_boot > 0)
		next = clock_wall(s->options.clock) +
		       (entry->next_boot > boot ? entry->next_boot - boot : 0);
	pthread_mutex_unlock(&s->lock);
	return next;
}

static unsigned looked_by(void *context, const char *node)
{
	struct serve_sense *s = context;
	unsigned count = 0;
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < BOOK_BUCKETS; i++)
		for (const struct entry *entry = s->table[i]; entry != NULL; entry = entry->next)
			count += entry->has_last && !entry->paused && strcmp(entry->last.node, node) == 0;
	pthread_mutex_unlock(&s->lock);
	return count;
}

/* ---- what listens here ---- */

static void on_discovered(void *context, struct discovery *discovery)
{
	struct question *question = context;
	struct serve_sense *s = question->s;
	assert(discovery == question->discovery);
	s->discoveries--;
	answer(question, false);
	serve_sense_stop_when_quiet(s);
}

static void begin_discovery(void *context)
{
	struct question *question = context;
	struct serve_sense *s = question->s;
	if (s->sense == NULL || s->stopping) {
		answer(question, true);
		return;
	}
	s->discoveries++;
	discovery_probe(&s->tools, question->discovery, on_discovered, question);
}

/* With the lock held. */
static void keep_found(struct serve_sense *s, const struct discovery *discovery)
{
	if (s->found == NULL)
		s->found = mem_alloc(sizeof *s->found);
	*s->found = *discovery;
	s->found_boot = clock_since_boot(s->options.clock);
}

static bool found_lately(struct serve_sense *s, time_us age_max, struct discovery *ret_discovery)
{
	time_us now = clock_since_boot(s->options.clock);
	pthread_mutex_lock(&s->lock);
	bool fresh = s->found != NULL && now - s->found_boot < age_max;
	if (fresh)
		*ret_discovery = *s->found;
	pthread_mutex_unlock(&s->lock);
	return fresh;
}

static enum err discover(void *context, time_us age_max, struct discovery *ret_discovery,
			 struct error *err)
{
	struct serve_sense *s = context;
	if (found_lately(s, age_max, ret_discovery))
		return OK;
	struct question *question = question_create(s);
	question->discovery = mem_alloc(sizeof *question->discovery);
	enum err r = discovery_scan("/proc", question->discovery, err);
	if (r == OK && loop_post(s->loop, begin_discovery, question) != OK)
		r = error_set(err, ERR_LIMIT, "could not look: too many others are looked at");
	if (r != OK) {
		mem_free(question->discovery);
		mem_free(question);
		return r;
	}
	pthread_mutex_lock(&s->lock);
	r = wait_for(question, DISCOVER_WAIT, err);
	if (r == OK) {
		keep_found(s, question->discovery);
		*ret_discovery = *question->discovery;
	}
	let_go(question);
	return r;
}

/* Words of beats are few bytes; when even they cannot be kept, the next look finds nothing new, and the one
 * after the reload does. */
static void called(void *context, struct str name)
{
	struct serve_sense *s = context;
	pthread_mutex_lock(&s->lock);
	if (!s->closed)
		serve_sense_name(s, name, true);
	serve_sense_wake(s);
	pthread_mutex_unlock(&s->lock);
}

void ask_init(struct serve_sense *s)
{
	s->api = (struct api_sense){
		.context = s,
		.probe = probe,
		.run = run,
		.results = results,
		.last = last,
		.detail = detail,
		.called = called,
		.discover = discover,
		.next_at = next_at,
		.looked_by = looked_by,
	};
}

const struct api_sense *serve_sense_api(struct serve_sense *s)
{
	return &s->api;
}
