/* serve_sense_tell.c: what the sense loop tells the world: news and rows. See serve_sense_priv.h. */
#include "main/serve_sense_priv.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"

enum check_status tell_status_of(struct str state)
{
	static const enum check_status known[] = { CHECK_UP, CHECK_DOWN, CHECK_DEGRADED, CHECK_PAUSED };
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (str_is(state, check_status_name(known[i])))
			return known[i];
	return CHECK_UNKNOWN;
}

/* ---- news ---- */

/* On the world's thread. */
static void on_told(struct command *command)
{
	struct telling *telling = command->context;
	struct serve_sense *s = telling->serve_sense;
	pthread_mutex_lock(&s->lock);
	telling->next = s->told;
	s->told = telling;
	serve_sense_wake(s);
	pthread_mutex_unlock(&s->lock);
}

static struct telling *telling_create(struct serve_sense *s, const struct entry *entry)
{
	struct telling *telling = mem_alloc(sizeof *telling);
	telling->serve_sense = s;
	snprintf(telling->name, sizeof telling->name, "%s", entry->name);
	snprintf(telling->reason, sizeof telling->reason, "%s", entry->news.reason);
	telling->change = (struct monitor_change){
		.check = str_of(telling->name),
		.from = str_of(check_status_name(entry->told)),
		.to = str_of(check_status_name(entry->news.to)),
		.reason = str_of(telling->reason),
		.latency = entry->news.latency,
		.since = entry->news.since,
		.flapping = entry->news.flapping,
	};
	telling->command = (struct command){
		.name = "check_change",
		.decide = monitor_change_decide,
		.args = &telling->change,
		.actor = ACTOR_SYSTEM,
		.done = on_told,
		.context = telling,
	};
	return telling;
}

/* Tells what the world does not hold yet, one word of a check at a time. */
static void tell(struct serve_sense *s, struct entry *entry)
{
	if (!entry->has_news || entry->telling)
		return;
	bool known = entry->told == entry->news.to && entry->told_flapping == entry->news.flapping;
	if (known || entry->told == CHECK_PAUSED) {
		entry->has_news = false;
		return;
	}
	struct telling *telling = telling_create(s, entry);
	if (writer_submit(s->options.writer, &telling->command, NULL) == OK) {
		entry->telling = true;
		return;
	}
	mem_free(telling);
	s->retell = true;
}

/* When its definition pauses a check nobody knows how it is; when a person does, the world knows. */
void tell_news(struct serve_sense *s, struct entry *entry, const struct check_transition *transition)
{
	if (!check_transition_is_news(transition))
		return;
	bool began_earlier = transition->hard_to == CHECK_DOWN && transition->bad_since > 0;
	time_us lasted = began_earlier ? transition->boot - transition->bad_since : 0;
	assert(lasted >= 0);
	entry->has_news = true;
	entry->news.to = transition->hard_to == CHECK_PAUSED ? CHECK_UNKNOWN : transition->hard_to;
	entry->news.flapping = transition->flapping;
	entry->news.latency = transition->latency;
	entry->news.since = transition->wall - lasted;
	snprintf(entry->news.reason, sizeof entry->news.reason, "%s", transition->reason);
	tell(s, entry);
}

void tell_again(struct serve_sense *s)
{
	s->retell = false;
	for (unsigned i = 0; i < BOOK_BUCKETS; i++)
		for (struct entry *entry = s->table[i]; entry != NULL; entry = entry->next)
			tell(s, entry);
}

/* What was refused for good (the check is gone, or paused) is dropped: its state read anew says why. */
void tell_done(struct serve_sense *s, struct telling *told)
{
	enum err result = told->command.result;
	bool later = result == ERR_UNAVAILABLE || result == ERR_IO;
	struct entry *entry = book_find(s, str_of(told->name));
	bool elsewhere = later && s->share != NULL && serve_share_is_led_elsewhere(s->share); /* then that one looks and pages */
	if (later && !elsewhere && s->options.untold != NULL && str_is(told->change.to, check_status_name(CHECK_DOWN)))
		s->options.untold(s->options.untold_context, told->name, told->reason);
	if (result != OK && result != ERR_NOT_FOUND && result != ERR_CONFLICT)
		log_write(later ? LOG_WARNING : LOG_ERROR, "could not record the change of a check",
			  "check=%s error=\"%s\"", told->name, told->command.error.text);
	if (entry != NULL) {
		bool newer = !str_is(told->change.to, check_status_name(entry->news.to)) ||
			     told->change.flapping != entry->news.flapping;
		entry->telling = false;
		entry->has_news = later || newer;
		s->retell = s->retell || later;
		load_state(s, entry);
		if (!later)
			tell(s, entry);
	}
	mem_free(told);
}

/* ---- rows ---- */

static void rows_drop_oldest(struct serve_sense *s)
{
	assert(s->rows_count > 0);
	if (s->rows_lost++ == 0)
		log_write(LOG_WARNING, "too many figures of checks wait to be stored; the oldest are left "
			  "out", NULL);
	s->rows_first = (s->rows_first + 1) % SERVE_SENSE_ROWS_MAX;
	s->rows_count--;
}

void tell_row(struct serve_sense *s, const char *name, enum rollup_step step,
	      const struct rollup_bucket *bucket)
{
	if (s->rows == NULL)
		s->rows = mem_alloc(SERVE_SENSE_ROWS_MAX * sizeof *s->rows);
	if (s->rows_count == SERVE_SENSE_ROWS_MAX)
		rows_drop_oldest(s);
	struct pending_row *row = &s->rows[(s->rows_first + s->rows_count) % SERVE_SENSE_ROWS_MAX];
	s->rows_count++;
	row->row = (struct monitor_bucket){ .step = step, .bucket = *bucket };
	snprintf(row->name, sizeof row->name, "%s", name);
}

void tell_flushed_free(struct flushing *flushing)
{
	mem_free((void *)flushing->flush.rows);
	mem_free(flushing->rows);
	mem_free(flushing);
}

/* On the world's thread. */
static void on_flushed(struct command *command)
{
	struct flushing *flushing = command->context;
	struct serve_sense *s = flushing->serve_sense;
	pthread_mutex_lock(&s->lock);
	assert(s->flushed == NULL || s->closed);
	if (s->closed) { /* the last ones, while everything ends */
		tell_flushed_free(flushing);
	} else {
		s->flushed = flushing;
		serve_sense_wake(s);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Takes the oldest rows out of the ring. The args of a command must be one array of buckets. */
static struct flushing *flushing_create(struct serve_sense *s)
{
	struct flushing *flushing = mem_alloc(sizeof *flushing);
	size_t count = s->rows_count < MONITOR_FLUSH_ROWS_MAX ? s->rows_count : MONITOR_FLUSH_ROWS_MAX;
	struct monitor_bucket *buckets = mem_alloc(count * sizeof *buckets);
	flushing->serve_sense = s;
	flushing->rows = mem_alloc(count * sizeof *flushing->rows);
	for (size_t i = 0; i < count; i++) {
		flushing->rows[i] = s->rows[(s->rows_first + i) % SERVE_SENSE_ROWS_MAX];
		buckets[i] = flushing->rows[i].row;
		buckets[i].check = str_of(flushing->rows[i].name);
	}
	flushing->flush = (struct monitor_flush){ .rows = buckets, .count = count };
	flushing->command = (struct command){
		.name = "check_flush",
		.decide = monitor_flush_decide,
		.args = &flushing->flush,
		.actor = ACTOR_SYSTEM,
		.done = on_flushed,
		.context = flushing,
	};
	return flushing;
}

/* A refused one leaves the rows where they are; the next tick tries again. */
void tell_flush(struct serve_sense *s)
{
	while (s->rows_count > 0 && !s->flushing) {
		struct flushing *flushing = flushing_create(s);
		unsigned count = (unsigned)flushing->flush.count; /* once submitted it may be gone */
		if (writer_submit(s->options.writer, &flushing->command, NULL) != OK) {
			tell_flushed_free(flushing);
			return;
		}
		s->rows_first = (s->rows_first + count) % SERVE_SENSE_ROWS_MAX;
		s->rows_count -= count;
		s->flushing = !s->closed;
	}
}

/* What could not be stored goes back: rows of one step and start add up in any order. */
void tell_flushed(struct serve_sense *s, struct flushing *flushed)
{
	enum err result = flushed->command.result;
	s->flushing = false;
	for (size_t i = 0; result != OK && i < flushed->flush.count; i++)
		tell_row(s, flushed->rows[i].name, flushed->rows[i].row.step,
			 &flushed->rows[i].row.bucket);
	if (result != OK)
		log_write(LOG_WARNING, "could not store the figures of checks", "error=\"%s\"",
			  flushed->command.error.text);
	tell_flushed_free(flushed);
	if (result == OK && s->rows_count >= MONITOR_FLUSH_ROWS_MAX)
		tell_flush(s);
}
