/*
 * sender_turn.c: one turn of the send loop.
 *
 * Empty the mailbox, look into the outbox when something is new or due, let leave what may. The outbox
 * is read in light rows first; the whole row is read when it is its turn.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "notify/channel_priv.h"
#include "notify/sender_priv.h"
#include "sys/clock.h"

#define ROW_BYTES_MAX (64u << 10) /* more than one row of the outbox may need */

static const time_us back_off[] = { 5 * TIME_SECOND, 15 * TIME_SECOND, 30 * TIME_SECOND,
				    60 * TIME_SECOND, 2 * TIME_MINUTE, 5 * TIME_MINUTE,
				    5 * TIME_MINUTE };

static time_us now_boot(struct notify_sender *sender)
{
	return clock_since_boot(sender->options.clock);
}

void sender_kick(struct notify_sender *sender)
{
	loop_timer_start(sender->timer, 0);
}

/* ---- what is known ---- */

static struct flight **find_slot(struct notify_sender *sender, int64_t page)
{
	struct flight **slot = &sender->table[(uint64_t)page % SENDER_BUCKETS];
	while (*slot != NULL && (*slot)->page != page)
		slot = &(*slot)->next_same_hash;
	return slot;
}

void sender_forget(struct flight *flight)
{
	struct notify_sender *sender = flight->sender;
	struct flight **slot = find_slot(sender, flight->page);
	assert(*slot == flight);
	assert(flight->try == NULL);
	*slot = flight->next_same_hash;
	sender->known--;
	if (sender->more && sender->known <= SENDER_ROWS_MAX / 2)
		sender->look_now = true;
	loop_timer_destroy(&flight->patience);
	arena_finish(&flight->arena);
	mem_free(flight);
}

const struct channel *sender_channel(struct notify_sender *sender, struct str name, unsigned *ret_index)
{
	for (unsigned i = 0; sender->channels[i] != NULL; i++) {
		assert(i < SENDER_CHANNELS_MAX);
		if (!str_is(name, sender->channels[i]->name))
			continue;
		*ret_index = i;
		return sender->channels[i];
	}
	return NULL;
}

/* ---- the end of a try ---- */

static void warn_when_hopeless(struct flight *flight)
{
	struct notify_sender *sender = flight->sender;
	struct error err;
	int64_t hopes;
	bool over = str_is(flight->attempt.state, "failed") ||
		    (str_is(flight->attempt.state, "retry") && flight->attempts + 1 >= NOTIFY_ATTEMPTS_MAX);
	if (!over || !flight->row.high || page_hopes(sender->conn, flight->page, &hopes, &err) != OK)
		return;
	if (hopes == 0)
		log_write(LOG_ERROR, "nobody could be reached: every contact of this page failed",
			  "page=%lld incident=%lld user=%lld last=\"%s\"", (long long)flight->page,
			  (long long)flight->incident, (long long)flight->row.user, flight->detail);
}

static void give_place_back(struct flight *flight, bool stored)
{
	if (flight->unsure)
		lane_settled(flight->lane, &flight->row, stored);
	flight->unsure = false;
}

/* While nothing can be stored a page must not wait for the results of others. */
static void on_waits(struct record *record)
{
	give_place_back((struct flight *)((char *)record - offsetof(struct flight, record)), false);
}

static void on_over(struct record *record)
{
	struct flight *flight = (struct flight *)((char *)record - offsetof(struct flight, record));
	struct notify_sender *sender = flight->sender;
	assert(sender == record->sender);
	give_place_back(flight, true);
	if (record->command.result == OK)
		warn_when_hopeless(flight);
	if (record->command.result == OK && flight->attempt.retry_at != TIME_NONE) {
		time_us wait = flight->attempt.retry_at - clock_wall(sender->options.clock);
		time_us at = now_boot(sender) + (wait > 0 ? wait : 0);
		if (at < sender->next_look)
			sender->next_look = at;
	}
	atomic_fetch_sub(&sender->recording, 1);
	sender_forget(flight);
}

static void record_end(struct flight *flight, const struct channel_result *result, unsigned others)
{
	struct notify_sender *sender = flight->sender;
	static const char *const states[] = { [CHANNEL_SENT] = "sent", [CHANNEL_RETRY] = "retry",
					      [CHANNEL_FAILED] = "failed" };
	unsigned tries = sizeof back_off / sizeof back_off[0];
	time_us wait = back_off[(unsigned)flight->attempts < tries ? (unsigned)flight->attempts : tries - 1];
	if (wait < result->retry_after)
		wait = result->retry_after;
	if (others > 0)
		snprintf(flight->detail, sizeof flight->detail, "in one message with %u others: %s", others,
			 result->detail);
	else
		snprintf(flight->detail, sizeof flight->detail, "%s", result->detail);
	bool again = result->end == CHANNEL_RETRY;
	flight->attempt = (struct notify_attempt){
		.incident = flight->incident,
		.page = flight->page,
		.state = str_of(states[result->end]),
		.detail = str_of(flight->detail),
		.took = now_boot(sender) - flight->began,
		.retry_at = again ? clock_wall(sender->options.clock) + wait : TIME_NONE,
	};
	atomic_fetch_add(result->end == CHANNEL_SENT ? &sender->sent
			 : again ? &sender->retried : &sender->failed, 1);
	atomic_fetch_add(&sender->recording, 1);
	flight->record = (struct record){ .sender = sender, .over = on_over, .waits = on_waits,
					  .command = { .name = "notify_attempt",
						       .decide = notify_attempt_decide,
						       .args = &flight->attempt } };
	record_submit(&flight->record);
}

/* All rows of the bundle end as the one message did. */
static void end_try(struct flight *first, const struct channel_result *result)
{
	struct notify_sender *sender = first->sender;
	struct lane_row *row = &first->row;
	unsigned others = 0;
	for (const struct lane_row *other = row->bundle; other != NULL; other = other->bundle)
		others++;
	first->try = NULL;
	loop_timer_destroy(&first->patience);
	lane_answered(first->lane);
	first->unsure = true;
	while (row != NULL) {
		struct flight *flight = (struct flight *)row;
		row = row->bundle;
		flight->began = first->began;
		record_end(flight, result, others);
	}
	sender_kick(sender);
}

static void on_done(void *context, const struct channel_result *result)
{
	end_try(context, result);
}

static void on_no_answer(void *context)
{
	struct flight *flight = context;
	struct channel_result result = channel_result(CHANNEL_RETRY, &flight->message, STR_NONE,
						      "no answer within %lld s",
						      (long long)(flight->sender->patience / TIME_SECOND));
	flight->channel->cancel(flight->try);
	end_try(flight, &result);
}

/* ---- leaving ---- */

static void launch(struct flight *flight)
{
	struct notify_sender *sender = flight->sender;
	struct error err = { .code = OK };
	flight->message = bundle_write(flight);
	flight->began = now_boot(sender);
	enum err r = flight->channel->send(&sender->tools, &flight->message, on_done, flight,
					   &flight->try, &err);
	if (r != OK) {
		struct channel_result result =
			channel_result(channel_end_of(r), &flight->message, STR_NONE, "%s%s%s", err.text,
				       err.hint[0] != '\0' ? "; " : "", err.hint);
		flight->try = NULL;
		end_try(flight, &result);
		return;
	}
	flight->patience = loop_timer_create(sender->loop, on_no_answer, flight);
	loop_timer_start(flight->patience, sender->patience);
}

/* Reads the whole rows of what was taken. What is no longer in the outbox (acknowledged meanwhile), or
 * cannot be read now (the next look finds it again), is forgotten. NULL when nothing is left. */
static struct flight *load(struct lane *lane, struct lane_row *row)
{
	struct lane_row *found = NULL, **end = &found, taken = *row;
	struct arena arena;
	arena_init(&arena, SENDER_ARENA_BYTES);
	while (row != NULL) {
		struct flight *flight = (struct flight *)row;
		bool is_there = false;
		row = row->bundle;
		if (arena_room(&arena) > ROW_BYTES_MAX)
			outbox_load(flight->sender->conn, flight->page, &arena, &is_there, &flight->message,
				    NULL);
		if (!is_there) {
			sender_forget(flight);
			continue;
		}
		flight->attempts = flight->message.attempts;
		*end = &flight->row;
		end = &flight->row.bundle;
	}
	*end = NULL;
	if (found == NULL) {
		lane_answered(lane);
		lane_settled(lane, &taken, false);
		arena_finish(&arena);
		return NULL;
	}
	struct flight *first = (struct flight *)found;
	first->arena = arena;
	return first;
}

/* A server that was stopped in its tracks and goes on minutes later must not send what another one
 * has sent meanwhile. */
bool sender_may_send(const struct notify_sender *sender)
{
	return sender->options.may == NULL || sender->options.may(sender->options.may_context);
}

/* Not now: the outbox still has it, and the next look finds it again. */
static void hold_back(struct flight *first)
{
	struct notify_sender *sender = first->sender;
	struct lane_row *row = &first->row;
	lane_answered(first->lane);
	lane_settled(first->lane, row, false);
	sender->next_look = now_boot(sender) + SENDER_STORE_AGAIN;
	while (row != NULL) {
		struct flight *flight = (struct flight *)row;
		row = row->bundle;
		sender_forget(flight);
	}
}

static void launch_all(struct notify_sender *sender)
{
	for (unsigned i = 0; sender->channels[i] != NULL && !sender->stopping; i++) {
		struct lane_row *row;
		while ((row = lane_take(&sender->lanes[i])) != NULL) {
			struct flight *flight = load(&sender->lanes[i], row);
			if (flight != NULL && sender_may_send(sender))
				launch(flight);
			else if (flight != NULL)
				hold_back(flight);
		}
	}
}

/* ---- looking ---- */

static void end_unknown(struct flight *flight, struct str channel)
{
	struct channel_result result = { .end = CHANNEL_FAILED };
	snprintf(result.detail, sizeof result.detail, "this server has no channel \"" STR_FMT "\"",
		 STR_ARG(str_sub(channel, 0, 64)));
	flight->began = now_boot(flight->sender);
	record_end(flight, &result, 0);
}

static void add_due(void *context, const struct outbox_due *due)
{
	struct notify_sender *sender = context;
	struct flight **slot = find_slot(sender, due->page);
	unsigned index;
	sender->more = sender->more || sender->known == SENDER_ROWS_MAX;
	if (*slot != NULL || sender->known == SENDER_ROWS_MAX)
		return;
	struct flight *flight = mem_alloc(sizeof *flight);
	*flight = (struct flight){
		.row = { .user = due->user, .contact = due->contact, .high = due->high, .first = due->first },
		.sender = sender, .page = due->page, .incident = due->incident,
	};
	*slot = flight;
	sender->known++;
	flight->channel = sender_channel(sender, due->channel, &index);
	if (flight->channel == NULL) {
		end_unknown(flight, due->channel);
		return;
	}
	flight->lane = &sender->lanes[index];
	lane_push(flight->lane, &flight->row);
}

static enum err refresh_settings(struct notify_sender *sender, struct error *err)
{
	unsigned other = 1 - sender->settings_at;
	arena_reset(&sender->settings_arenas[other]);
	enum err r = notify_settings_get(sender->conn, &sender->settings_arenas[other],
					 &sender->settings[other], err);
	if (r != OK)
		return r;
	sender->settings_at = other;
	channel_tools_set(&sender->tools, &sender->settings[other]);
	return OK;
}

static void note_reading(struct notify_sender *sender, enum err r, const struct error *err)
{
	if (r != OK && !sender->read_failed)
		log_write(LOG_ERROR, "could not read the outbox; trying again until it works",
			  "reason=\"%s\"", err->text);
	sender->read_failed = r != OK;
}

static void look(struct notify_sender *sender)
{
	struct error err = { .code = OK };
	time_us wall = clock_wall(sender->options.clock), next = TIME_NONE, wait = SENDER_LOOK_MAX;
	sender->look_now = sender->more = false;
	enum err r = refresh_settings(sender, &err);
	if (r == OK)
		r = outbox_due(sender->conn, wall, SENDER_ROWS_MAX + 1, add_due, sender, &next, &err);
	note_reading(sender, r, &err);
	if (r != OK)
		wait = SENDER_STORE_AGAIN;
	else if (next != TIME_NONE && next - wall < wait)
		wait = next - wall;
	sender->next_look = now_boot(sender) + (wait > TIME_MS ? wait : TIME_MS);
	resort_refresh(sender->resort, now_boot(sender));
}

static void empty_mailbox(struct notify_sender *sender)
{
	record_take_stored(sender);
	pthread_mutex_lock(&sender->lock);
	bool woken = sender->woken;
	struct str title = sender->resort_title, body = sender->resort_body;
	sender->resort_title = sender->resort_body = STR_NONE;
	sender->woken = sender->posted = false;
	pthread_mutex_unlock(&sender->lock);
	sender->look_now = sender->look_now || woken;
	if (title.ptr == NULL)
		return;
	resort_send(sender->resort, title, body);
	mem_free((char *)title.ptr);
	mem_free((char *)body.ptr);
}

static void arm(struct notify_sender *sender)
{
	time_us now = now_boot(sender), at = sender->next_look;
	if (sender->bulk_at > now && sender->bulk_at < at)
		at = sender->bulk_at;
	if (sender->unstored != NULL && sender->unstored_at < at)
		at = sender->unstored_at;
	if (sender->look_now)
		at = now;
	if (sender->stopping && at < now + SENDER_STOP_TURN)
		at = now + SENDER_STOP_TURN;
	loop_timer_start(sender->timer, at > now ? at - now : 0);
}

void sender_count(struct notify_sender *sender)
{
	unsigned waiting = 0, sending = 0;
	for (unsigned i = 0; sender->channels[i] != NULL; i++) {
		waiting += sender->lanes[i].waiting;
		sending += sender->lanes[i].sending;
	}
	atomic_store(&sender->waiting, waiting);
	atomic_store(&sender->sending, sending);
}

void sender_turn(void *context)
{
	struct notify_sender *sender = context;
	empty_mailbox(sender);
	record_again(sender, now_boot(sender));
	if (!sender->stopping && (sender->look_now || now_boot(sender) >= sender->next_look))
		look(sender);
	launch_all(sender);
	sender_count(sender);
	bulk_turn(sender);
	arm(sender);
}
