/*
 * sender_record.c: results are stored, however long it takes.
 *
 * While nothing can be stored, results wait here in order and are submitted again once a second. Only
 * a crash meanwhile loses one, and then its page goes out once more: late twice is better than never.
 */
#include <assert.h>

#include "base/log.h"
#include "notify/sender_priv.h"
#include "sys/clock.h"

static void keep(struct record *record, const struct error *err)
{
	struct notify_sender *sender = record->sender;
	if (sender->unstored == NULL) {
		log_write(LOG_ERROR, "could not store the result of a page; trying again until it works",
			  "reason=\"%s\"", err->text);
		sender->unstored_at = clock_since_boot(sender->options.clock) + SENDER_STORE_AGAIN;
	}
	if (record->waits != NULL)
		record->waits(record);
	record->next = NULL;
	*sender->unstored_last = record;
	sender->unstored_last = &record->next;
}

/* On the writer's thread. */
static void on_done(struct command *command)
{
	struct record *record = command->context;
	struct notify_sender *sender = record->sender;
	pthread_mutex_lock(&sender->lock);
	record->next = NULL;
	*sender->stored_last = record;
	sender->stored_last = &record->next;
	sender_post(sender);
	pthread_mutex_unlock(&sender->lock);
}

void record_submit(struct record *record)
{
	struct notify_sender *sender = record->sender;
	struct error err = { .code = OK };
	assert(record->over != NULL);
	record->command.done = on_done;
	record->command.context = record;
	record->command.actor = ACTOR_SYSTEM;
	record->command.next = NULL;
	record->command.result = OK;
	sender->submitted++;
	enum err r = sender->options.submit(sender->options.submit_context, &record->command, &err);
	if (r == OK)
		return;
	sender->submitted--;
	keep(record, &err);
}

static bool may_work_later(enum err result)
{
	return result == ERR_UNAVAILABLE || result == ERR_IO || result == ERR_CORRUPT ||
	       result == ERR_TIMEOUT || result == ERR_LIMIT;
}

void record_take_stored(struct notify_sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	struct record *record = sender->stored;
	sender->stored = NULL;
	sender->stored_last = &sender->stored;
	pthread_mutex_unlock(&sender->lock);
	while (record != NULL) {
		struct record *next = record->next;
		assert(sender->submitted > 0);
		sender->submitted--;
		if (may_work_later(record->command.result))
			keep(record, &record->command.error);
		else
			record->over(record);
		record = next;
	}
}

void record_again(struct notify_sender *sender, time_us now_boot)
{
	if (sender->unstored == NULL || now_boot < sender->unstored_at)
		return;
	struct record *record = sender->unstored;
	sender->unstored = NULL;
	sender->unstored_last = &sender->unstored;
	while (record != NULL) {
		struct record *next = record->next;
		record_submit(record);
		record = next;
	}
}
