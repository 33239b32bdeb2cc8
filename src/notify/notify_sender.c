/*
 * notify_sender.c: the sender's life, and what other threads ask of it. See notify_sender.h; what it
 * does all day is in sender_turn.c.
 */
#include "notify/notify_sender.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "notify/sender_priv.h"
#include "sys/clock.h"

#define STOP_PATIENCE (3 * TIME_SECOND)
#define STORE_PATIENCE (10 * TIME_SECOND)

/* With the lock held, so that whoever posts does not touch the sender after it is let go. */
void sender_post(struct notify_sender *sender)
{
	if (sender->posted)
		return;
	sender->posted = true;
	if (loop_post(sender->loop, sender_turn, sender) != OK)
		sender->posted = false; /* the timer's turn finds it */
}

enum err sender_create(struct loop *loop, const struct notify_sender_options *options,
		       struct notify_sender **ret_sender, struct error *err)
{
	struct notify_sender *sender = mem_alloc(sizeof *sender);
	assert(options->submit != NULL);
	sender->options = *options;
	sender->loop = loop;
	sender->channels = options->channels != NULL ? options->channels : channels_all;
	for (unsigned i = 0; sender->channels[i] != NULL; i++)
		lane_init(&sender->lanes[i], sender->channels[i]->bundles);
	sender->stored_last = &sender->stored;
	sender->unstored_last = &sender->unstored;
	pthread_mutex_init(&sender->lock, NULL);
	arena_init(&sender->settings_arenas[0], 1u << 20);
	arena_init(&sender->settings_arenas[1], 1u << 20);
	sender->timer = loop_timer_create(loop, sender_turn, sender);
	sender->resort = resort_create(sender);
	bulk_init(sender);
	sender->look_now = true;
	sender->patience = SENDER_PATIENCE;
	struct channel_tools_options tools = {
		.loop = loop, .clock = options->clock, .host = options->host,
		.instance = options->instance, .ca_file = options->ca_file,
		.command_directory = options->command_directory, .push = options->push,
		.push_context = options->push_context, .runner = options->runner,
	};
	enum err r = channel_tools_open(&tools, &sender->tools, err);
	if (r == OK)
		r = store_connect(options->store, true, &sender->conn, err);
	if (r != OK) {
		sender_destroy(&sender);
		return r;
	}
	sender_kick(sender);
	*ret_sender = sender;
	return OK;
}

/* Runs the loop until nothing is under way, or patience ends. */
static bool wait_for(struct notify_sender *sender, bool results_only, time_us patience)
{
	for (time_us waited = 0;; waited += SENDER_STOP_TURN) {
		record_take_stored(sender);
		sender_count(sender);
		bool busy = sender->submitted > 0;
		if (!results_only)
			busy = busy || atomic_load(&sender->sending) > 0 || resort_under_way(sender->resort) > 0 ||
			       bulk_under_way(sender);
		if (!busy || waited >= patience)
			return !busy;
		loop_run_for(sender->loop, SENDER_STOP_TURN);
	}
}

static void cancel_all(struct notify_sender *sender)
{
	bulk_cancel(sender);
	for (unsigned i = 0; i < SENDER_BUCKETS; i++) {
		for (struct flight *f = sender->table[i]; f != NULL; f = f->next_same_hash) {
			if (f->unsure)
				lane_settled(f->lane, &f->row, false);
			f->unsure = false;
			if (f->try == NULL)
				continue;
			f->channel->cancel(f->try);
			f->try = NULL;
			lane_answered(f->lane);
			lane_settled(f->lane, &f->row, false);
		}
	}
}

static void free_all(struct notify_sender *sender)
{
	for (unsigned i = 0; sender->channels[i] != NULL; i++)
		lane_finish(&sender->lanes[i]);
	for (unsigned i = 0; i < SENDER_BUCKETS; i++)
		while (sender->table[i] != NULL)
			sender_forget(sender->table[i]);
	resort_destroy(&sender->resort);
	bulk_finish(sender);
	channel_tools_close(&sender->tools);
	loop_timer_destroy(&sender->timer);
	store_disconnect(&sender->conn);
	arena_finish(&sender->settings_arenas[0]);
	arena_finish(&sender->settings_arenas[1]);
	pthread_mutex_destroy(&sender->lock);
	mem_free((char *)sender->resort_title.ptr);
	mem_free((char *)sender->resort_body.ptr);
	mem_free(sender);
}

void sender_destroy(struct notify_sender **sender_pointer)
{
	struct notify_sender *sender = *sender_pointer;
	*sender_pointer = NULL;
	sender->stopping = true;
	wait_for(sender, false, STOP_PATIENCE);
	cancel_all(sender);
	if (!wait_for(sender, true, STORE_PATIENCE)) {
		log_write(LOG_ERROR, "the record did not answer before the end; some pages may go out twice",
			  "results=%u", sender->submitted);
		return; /* the writer still holds what belongs to these */
	}
	loop_run_for(sender->loop, SENDER_STOP_TURN); /* what was posted finds us still here */
	free_all(sender);
}

static void *run(void *context)
{
	struct notify_sender *sender = context;
	loop_run(sender->loop);
	return NULL;
}

enum err notify_sender_start(const struct notify_sender_options *options,
			     struct notify_sender **ret_sender, struct error *err)
{
	struct notify_sender *sender;
	struct loop *loop = loop_create();
	enum err r = sender_create(loop, options, &sender, err);
	if (r != OK) {
		loop_destroy(&loop);
		return r;
	}
	if (pthread_create(&sender->thread, NULL, run, sender) != 0) {
		sender_destroy(&sender);
		loop_destroy(&loop);
		return error_set(err, ERR_LIMIT, "could not start the thread that sends notifications");
	}
	*ret_sender = sender;
	return OK;
}

void notify_sender_stop(struct notify_sender **sender_pointer)
{
	struct notify_sender *sender = *sender_pointer;
	if (sender == NULL)
		return;
	struct loop *loop = sender->loop;
	loop_stop(loop);
	pthread_join(sender->thread, NULL);
	sender_destroy(sender_pointer);
	loop_destroy(&loop);
}

void notify_sender_wake(struct notify_sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	sender->woken = true;
	sender_post(sender);
	pthread_mutex_unlock(&sender->lock);
}

bool notify_last_resort(struct notify_sender *sender, const char *title, const char *body)
{
	time_us now = clock_since_boot(sender->options.clock);
	pthread_mutex_lock(&sender->lock);
	bool may = sender->resort_at == 0 || now - sender->resort_at >= SENDER_LAST_RESORT_EVERY;
	if (may) {
		sender->resort_at = now;
		mem_free((char *)sender->resort_title.ptr);
		mem_free((char *)sender->resort_body.ptr);
		sender->resort_title = str_of(mem_strdup(title));
		sender->resort_body = str_of(mem_strdup(body));
		sender_post(sender);
	}
	pthread_mutex_unlock(&sender->lock);
	return may;
}

struct notify_sender_figures notify_sender_figures(struct notify_sender *sender)
{
	return (struct notify_sender_figures){
		.waiting = atomic_load(&sender->waiting),
		.sending = atomic_load(&sender->sending),
		.recording = atomic_load(&sender->recording),
		.sent = atomic_load(&sender->sent),
		.retried = atomic_load(&sender->retried),
		.failed = atomic_load(&sender->failed),
	};
}
