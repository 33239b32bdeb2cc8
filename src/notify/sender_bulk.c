/*
 * sender_bulk.c: the slow lane of the sender. See notify_bulk.h.
 *
 * It runs at the end of a turn, when every page that may leave has left, and begins nothing while one waits. The
 * rows stay in the store until their turn, so a hundred thousand mails take no memory.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "notify/channel_priv.h"
#include "notify/notify_bulk_priv.h"
#include "notify/sender_priv.h"
#include "sys/clock.h"

#define BULK_LOOK_EVERY (2 * TIME_SECOND) /* when the last look found nothing */
#define REFUSED "RCPT: 5"                 /* of the detail: what was said to the address itself */

static const time_us back_off[] = { TIME_MINUTE, 5 * TIME_MINUTE, 15 * TIME_MINUTE, 30 * TIME_MINUTE, TIME_HOUR,
				    2 * TIME_HOUR, 4 * TIME_HOUR };

static time_us now_boot(const struct notify_sender *sender)
{
	return clock_since_boot(sender->options.clock);
}

/* ---- the end of a try ---- */

static void on_over(struct record *record)
{
	struct bulk_flight *flight = (struct bulk_flight *)((char *)record - offsetof(struct bulk_flight, record));
	arena_reset(&flight->arena);
	flight->busy = false;
	atomic_fetch_sub(&record->sender->recording, 1);
	sender_kick(record->sender);
}

static void end_try(struct bulk_flight *flight, const struct channel_result *result)
{
	static const char *const states[] = { [CHANNEL_SENT] = "sent", [CHANNEL_RETRY] = "retry",
					      [CHANNEL_FAILED] = "failed" };
	struct notify_sender *sender = flight->sender;
	unsigned tries = sizeof back_off / sizeof back_off[0], n = (unsigned)flight->bulk.attempts;
	time_us wait = back_off[n < tries ? n : tries - 1];
	flight->try = NULL;
	loop_timer_destroy(&flight->patience);
	snprintf(flight->detail, sizeof flight->detail, "%s", result->detail);
	flight->end = (struct notify_bulk_end){
		.purpose = flight->bulk.purpose,
		.seq = flight->bulk.seq,
		.party = flight->bulk.party,
		.state = str_of(states[result->end]),
		.detail = str_of(flight->detail),
		.refused = result->end == CHANNEL_FAILED && strncmp(flight->detail, REFUSED, strlen(REFUSED)) == 0,
		.retry_at = clock_wall(sender->options.clock) + (wait > result->retry_after ? wait : result->retry_after),
	};
	atomic_fetch_add(&sender->recording, 1);
	flight->record = (struct record){ .sender = sender, .over = on_over,
					  .command = { .name = "notify_bulk_end",
						       .decide = notify_bulk_end_decide,
						       .args = &flight->end } };
	record_submit(&flight->record);
}

static void on_done(void *context, const struct channel_result *result)
{
	end_try(context, result);
}

static void on_no_answer(void *context)
{
	struct bulk_flight *flight = context;
	struct channel_result result = channel_result(CHANNEL_RETRY, &flight->message, STR_NONE,
						      "no answer within %lld s",
						      (long long)(flight->sender->patience / TIME_SECOND));
	flight->channel->cancel(flight->try);
	end_try(flight, &result);
}

/* ---- leaving ---- */

/* The text with the public URL where it belongs. */
static struct str with_base(struct bulk_flight *flight, struct str text)
{
	static const char mark[] = NOTIFY_BASE;
	const char *base = flight->sender->options.public_url;
	cleanup_buf struct buf out;
	buf_init(&out, 4 * BULK_BODY_BYTES_MAX);
	while (text.len > 0) {
		const char *at = memmem(text.ptr, text.len, mark, strlen(mark));
		size_t before = at != NULL ? (size_t)(at - text.ptr) : text.len;
		buf_add(&out, str_sub(text, 0, before));
		if (at == NULL)
			break;
		buf_adds(&out, base != NULL ? base : "");
		text = str_sub(text, before + strlen(mark), text.len);
	}
	return arena_str(&flight->arena, buf_str(&out));
}

static void fill(struct bulk_flight *flight, const struct notify_bulk *row)
{
	struct arena *arena = &flight->arena;
	flight->bulk = *row;
	flight->message = (struct notify_page){
		.name = arena_printf(arena, STR_FMT ".%lld.%lld", STR_ARG(str_sub(row->purpose, 0, 16)),
				     (long long)row->seq, (long long)row->party),
		.channel = row->channel,
		.address = row->address,
		.secret = row->secret,
		.title = row->title,
		.body = with_base(flight, row->text),
		.html = with_base(flight, row->html),
		.unsubscribe = with_base(flight, row->unsubscribe),
		.written = clock_wall(flight->sender->options.clock),
	};
}

static void launch(struct bulk_flight *flight, const struct notify_bulk *row)
{
	struct notify_sender *sender = flight->sender;
	struct error err = { .code = OK };
	unsigned index;
	flight->busy = true;
	fill(flight, row);
	flight->channel = sender_channel(sender, row->channel, &index);
	enum err r = flight->channel == NULL
			     ? error_set(&err, ERR_INVALID, "this server has no such channel")
			     : flight->channel->send(&sender->tools, &flight->message, on_done, flight, &flight->try,
						     &err);
	if (r != OK) {
		struct channel_result result =
			channel_result(channel_end_of(r), &flight->message, STR_NONE, "%s", err.text);
		end_try(flight, &result);
		return;
	}
	flight->patience = loop_timer_create(sender->loop, on_no_answer, flight);
	loop_timer_start(flight->patience, sender->patience);
}

static bool is_flying(const struct notify_sender *sender, const struct notify_bulk *row)
{
	for (unsigned i = 0; i < BULK_SENDING_MAX; i++) {
		const struct bulk_flight *f = &sender->bulk[i];
		if (f->busy && f->bulk.seq == row->seq && f->bulk.party == row->party &&
		    str_eq(f->bulk.purpose, row->purpose))
			return true;
	}
	return false;
}

struct choosing {
	const struct notify_sender *sender;
	struct notify_bulk row;
	bool found;
};

static bool choose(void *context, const struct notify_bulk *row)
{
	struct choosing *choosing = context;
	if (is_flying(choosing->sender, row))
		return true;
	choosing->row = *row;
	choosing->found = true;
	return false;
}

static struct bulk_flight *free_flight(struct notify_sender *sender)
{
	for (unsigned i = 0; i < BULK_SENDING_MAX; i++) {
		if (!sender->bulk[i].busy)
			return &sender->bulk[i];
	}
	return NULL;
}

void bulk_turn(struct notify_sender *sender)
{
	time_us now = now_boot(sender);
	struct bulk_flight *flight = free_flight(sender);
	struct error err = { .code = OK };
	/* A page under way is fine, it has connections of its own; one that waits comes first. */
	if (sender->stopping || flight == NULL || atomic_load(&sender->waiting) > 0 || now < sender->bulk_at)
		return;
	struct choosing choosing = { .sender = sender };
	bool relay = sender->settings[sender->settings_at].smtp.host.len > 0;
	arena_reset(&flight->arena);
	enum err r = bulk_due(sender->conn, clock_wall(sender->options.clock), relay, BULK_SENDING_MAX + 1,
			      &flight->arena, choose, &choosing, &err);
	sender->bulk_at = now + (r == OK && choosing.found ? BULK_EVERY : BULK_LOOK_EVERY);
	if (r == OK && choosing.found && sender_may_send(sender))
		launch(flight, &choosing.row);
}

/* ---- the lane's life ---- */

void bulk_init(struct notify_sender *sender)
{
	for (unsigned i = 0; i < BULK_SENDING_MAX; i++) {
		sender->bulk[i].sender = sender;
		arena_init(&sender->bulk[i].arena, BULK_ARENA_BYTES);
	}
}

bool bulk_under_way(const struct notify_sender *sender)
{
	for (unsigned i = 0; i < BULK_SENDING_MAX; i++) {
		if (sender->bulk[i].try != NULL)
			return true;
	}
	return false;
}

void bulk_cancel(struct notify_sender *sender)
{
	for (unsigned i = 0; i < BULK_SENDING_MAX; i++) {
		struct bulk_flight *flight = &sender->bulk[i];
		if (flight->try == NULL)
			continue;
		flight->channel->cancel(flight->try);
		flight->try = NULL;
		loop_timer_destroy(&flight->patience);
	}
}

void bulk_finish(struct notify_sender *sender)
{
	for (unsigned i = 0; i < BULK_SENDING_MAX; i++)
		arena_finish(&sender->bulk[i].arena);
}
