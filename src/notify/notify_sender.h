/*
 * notify_sender.h: takes what waits in the outbox to people, and records what became of it.
 *
 *     outbox row --due--> waiting --its turn--> sending --result--> recording --COMMIT--> gone, or due
 *                            |                                          ^  |               again later
 *                            +-- cancelled meanwhile: gone              +--+ nothing can be stored now
 *
 * A row is in memory once from being read until its result is stored, so it is never sent twice at
 * once; a result that cannot be stored is kept and tried again before anything else of that row. So
 * a page goes out at most once more for each crash. Who is next: notify_lane.h.
 *
 * Back-off after try n: 5 s, 15 s, 30 s, 60 s, 2 min, 5 min, 5 min; a server that asks for more gets at
 * most CHANNEL_RETRY_AFTER_MAX. When every contact of a page of high urgency has failed, that is
 * logged as an error; escalation goes on by itself.
 *
 * Runs on: a thread of its own, the send loop. Functions here: any thread, but start and stop, which
 * are for whoever starts and stops the server. Stop it before the writer.
 */
#pragma once

#include "notify/notify_channel.h"

struct notify_sender;

#define SENDER_LAST_RESORT_EVERY (5 * TIME_MINUTE)
#define SENDER_CONTACTS_MAX 500u /* that the last resort reaches */

/* As writer_submit: OK means that `done` follows, on any thread. */
typedef enum err notify_submit_fn(void *context, struct command *command, struct error *err);

/* One contact that should be reached when nothing can be stored: user, contact, channel, address and
 * secret are read. */
typedef void notify_each_contact_fn(void *context, const struct notify_page *to);
/* Tells all of them, on the send loop's thread, with its connection. */
typedef enum err notify_contacts_fn(void *context, struct store_conn *conn, struct arena *arena,
				    notify_each_contact_fn *each, void *each_context,
				    struct error *err);

struct notify_sender_options { /* texts are borrowed for the life of the sender */
	struct store *store;
	struct clock *clock;
	const char *host;              /* for Message-IDs; NULL: "localhost" */
	const char *public_url;        /* stands for NOTIFY_BASE; NULL: "" */
	const char *instance;          /* NULL: "" */
	const char *ca_file;           /* NULL: the system's authorities */
	const char *command_directory; /* NULL: no commands */
	const char *last_resort_command; /* a name in that directory; NULL: none */
	channel_push_fn *push;         /* NULL: no browsers */
	void *push_context;
	const struct channel_runner *runner; /* NULL: children of this process */
	notify_submit_fn *submit;
	void *submit_context;
	notify_contacts_fn *contacts; /* NULL: the last resort is the command alone */
	void *contacts_context;
	/* Asked before each page leaves: false while another server may be sending. NULL: always true. */
	bool (*may)(void *context);
	void *may_context;
	const struct channel *const *channels; /* NULL: channels_all */
};

enum err notify_sender_start(const struct notify_sender_options *options,
			     struct notify_sender **ret_sender, struct error *err);

/* Lets sends under way end for up to 3 s; what is left stays in the outbox. */
void notify_sender_stop(struct notify_sender **sender);

/* After each commit that made a page or changed settings. Cheap; many wakes become one. */
void notify_sender_wake(struct notify_sender *sender);

/*
 * When nothing can be stored: pages all contacts known from memory that can wake somebody (all, if
 * none can), and runs the command of last resort. At most once in SENDER_LAST_RESORT_EVERY: false
 * means it was too soon. It is recorded as page.unrecorded as soon as anything can be.
 */
bool notify_last_resort(struct notify_sender *sender, const char *title, const char *body);

struct notify_sender_figures {
	unsigned waiting, sending;
	unsigned recording; /* results that are not stored yet */
	uint64_t sent, retried, failed; /* since the start */
};
struct notify_sender_figures notify_sender_figures(struct notify_sender *sender);
