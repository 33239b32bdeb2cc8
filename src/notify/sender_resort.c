/*
 * sender_resort.c: paging when nothing can be stored.
 *
 * Who can be reached is kept in memory, read once a minute while reading still works. What goes out
 * stands in no outbox: one try each, logged, and recorded as page.unrecorded when that works again.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "notify/channel_priv.h"
#include "notify/sender_priv.h"
#include "sys/clock.h"

#define REFRESH_EVERY TIME_MINUTE
#define CONTACTS_BYTES_MAX (4u << 20)

struct resort_try {
	struct resort *resort;
	struct resort_try *next, **link;
	const struct channel *channel;
	struct arena arena;
	struct notify_page message;
	void *try;
};

struct unrecorded {
	struct record record; /* first */
	struct unrecorded *next, **link;
	struct resort *resort;
	struct notify_unrecorded what;
};

struct resort {
	struct notify_sender *sender;
	struct arena arenas[2]; /* of the contacts; the one not in use is filled anew */
	struct notify_page *contacts;
	unsigned count, arena_at;
	time_us refreshed;
	struct resort_try *tries;
	struct unrecorded *unrecorded;
	unsigned under_way, unrecorded_count;
};

struct gathering {
	struct arena *arena;
	struct notify_page *contacts;
	unsigned count;
};

struct resort *resort_create(struct notify_sender *sender)
{
	struct resort *resort = mem_alloc(sizeof *resort);
	resort->sender = sender;
	resort->refreshed = INT64_MIN;
	arena_init(&resort->arenas[0], CONTACTS_BYTES_MAX);
	arena_init(&resort->arenas[1], CONTACTS_BYTES_MAX);
	return resort;
}

/* ---- whom ---- */

static void add_contact(void *context, const struct notify_page *to)
{
	struct gathering *g = context;
	if (g->count == SENDER_CONTACTS_MAX)
		return;
	g->contacts[g->count++] = (struct notify_page){
		.user = to->user, .contact = to->contact, .urgency = STR("high"),
		.channel = arena_str(g->arena, to->channel),
		.address = arena_str(g->arena, to->address),
		.secret = arena_str(g->arena, to->secret),
	};
}

void resort_refresh(struct resort *resort, time_us now_boot)
{
	const struct notify_sender_options *options = &resort->sender->options;
	if (options->contacts == NULL ||
	    (resort->refreshed != INT64_MIN && now_boot - resort->refreshed < REFRESH_EVERY))
		return;
	unsigned other = 1 - resort->arena_at;
	struct arena *arena = &resort->arenas[other];
	arena_reset(arena);
	struct gathering g = { .arena = arena };
	g.contacts = arena_array(arena, struct notify_page, SENDER_CONTACTS_MAX);
	if (options->contacts(options->contacts_context, resort->sender->conn, arena, add_contact, &g,
			      NULL) != OK)
		return; /* what was known is better than nothing */
	resort->refreshed = now_boot;
	resort->arena_at = other;
	resort->contacts = g.contacts;
	resort->count = g.count;
}

/* ---- one try each ---- */

static void try_free(struct resort_try *try)
{
	*try->link = try->next;
	if (try->next != NULL)
		try->next->link = try->link;
	try->resort->under_way--;
	arena_finish(&try->arena);
	mem_free(try);
}

static void tell(const struct resort_try *try, const struct channel_result *result)
{
	bool sent = result->end == CHANNEL_SENT;
	log_write(sent ? LOG_WARNING : LOG_ERROR, sent ? "sent a page of last resort"
						       : "could not send a page of last resort",
		  "channel=%s user=%lld detail=\"%s\"", try->channel->name, (long long)try->message.user,
		  result->detail);
}

static void on_done(void *context, const struct channel_result *result)
{
	struct resort_try *try = context;
	tell(try, result);
	try_free(try);
}

static void start(struct resort *resort, const struct channel *channel, const struct notify_page *to,
		  struct str title, struct str body)
{
	struct error err = { .code = OK };
	struct resort_try *try = mem_alloc(sizeof *try);
	arena_init(&try->arena, 1u << 20);
	try->resort = resort;
	try->channel = channel;
	try->next = resort->tries;
	try->link = &resort->tries;
	if (try->next != NULL)
		try->next->link = &try->next;
	resort->tries = try;
	resort->under_way++;
	try->message = (struct notify_page){
		.user = to->user,
		.contact = to->contact,
		.channel = arena_str(&try->arena, to->channel),
		.address = arena_str(&try->arena, to->address),
		.secret = arena_str(&try->arena, to->secret),
		.urgency = STR("high"),
		.title = arena_str(&try->arena, str_sub(title, 0, NOTIFY_TITLE_BYTES_MAX)),
		.body = arena_str(&try->arena, str_sub(body, 0, NOTIFY_BODY_BYTES_MAX)),
		.reason = STR("last_resort"),
		.written = clock_wall(resort->sender->options.clock),
	};
	enum err r = channel->send(&resort->sender->tools, &try->message, on_done, try, &try->try, &err);
	if (r == OK)
		return;
	struct channel_result result = channel_result(channel_end_of(r), &try->message, STR_NONE, "%s",
						      err.text);
	tell(try, &result);
	try_free(try);
}

/* Those who can be woken; everybody, when nobody can. */
static unsigned send_to(struct resort *resort, bool wakes_only, struct str title, struct str body)
{
	unsigned sent = 0, index;
	for (unsigned i = 0; i < resort->count; i++) {
		const struct channel *channel =
			sender_channel(resort->sender, resort->contacts[i].channel, &index);
		if (channel == NULL || (wakes_only && !channel->wakes))
			continue;
		start(resort, channel, &resort->contacts[i], title, body);
		sent++;
	}
	return sent;
}

/* ---- recorded later ---- */

static void unrecorded_free(struct unrecorded *unrecorded)
{
	*unrecorded->link = unrecorded->next;
	if (unrecorded->next != NULL)
		unrecorded->next->link = unrecorded->link;
	unrecorded->resort->unrecorded_count--;
	mem_free((char *)unrecorded->what.title.ptr);
	mem_free(unrecorded);
}

static void on_over(struct record *record)
{
	unrecorded_free((struct unrecorded *)record);
}

static void record_later(struct resort *resort, struct str title)
{
	if (resort->unrecorded_count == SENDER_UNRECORDED_MAX) {
		log_write(LOG_ERROR, "a page of last resort will not be in the record: too many wait", NULL);
		return;
	}
	struct unrecorded *unrecorded = mem_alloc(sizeof *unrecorded);
	char *copy = mem_alloc(title.len + 1);
	memcpy(copy, title.ptr, title.len);
	unrecorded->resort = resort;
	unrecorded->what = (struct notify_unrecorded){ .title = { copy, title.len },
						       .at = clock_wall(resort->sender->options.clock) };
	unrecorded->next = resort->unrecorded;
	unrecorded->link = &resort->unrecorded;
	if (unrecorded->next != NULL)
		unrecorded->next->link = &unrecorded->next;
	resort->unrecorded = unrecorded;
	resort->unrecorded_count++;
	unrecorded->record = (struct record){ .sender = resort->sender, .over = on_over,
					      .command = { .name = "notify_unrecorded",
							   .decide = notify_unrecorded_decide,
							   .args = &unrecorded->what } };
	record_submit(&unrecorded->record);
}

void resort_send(struct resort *resort, struct str title, struct str body)
{
	const char *command = resort->sender->options.last_resort_command;
	unsigned sent = send_to(resort, true, title, body), index;
	if (sent == 0)
		sent = send_to(resort, false, title, body);
	if (command != NULL && sender_channel(resort->sender, STR("command"), &index) != NULL) {
		struct notify_page to = { .channel = STR("command"), .address = str_of(command) };
		start(resort, resort->sender->channels[index], &to, title, body);
		sent++;
	}
	if (sent == 0)
		log_write(LOG_ERROR, "nothing can be stored, and nobody can be reached from memory",
			  "title=\"" STR_FMT "\"", STR_ARG(title));
	else
		record_later(resort, title);
}

unsigned resort_under_way(const struct resort *resort)
{
	return resort->under_way;
}

void resort_destroy(struct resort **resort_pointer)
{
	struct resort *resort = *resort_pointer;
	if (resort == NULL)
		return;
	*resort_pointer = NULL;
	while (resort->tries != NULL) {
		resort->tries->channel->cancel(resort->tries->try);
		try_free(resort->tries);
	}
	while (resort->unrecorded != NULL)
		unrecorded_free(resort->unrecorded);
	arena_finish(&resort->arenas[0]);
	arena_finish(&resort->arenas[1]);
	mem_free(resort);
}
