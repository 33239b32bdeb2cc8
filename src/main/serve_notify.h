/*
 * serve_notify.h: the send loop and the world, tied together.
 *
 *     world --page.created, settings.changed--> wake          browsers <--push-- sender
 *       ^                                                        |
 *       +---- page.attempted (commands, retried until stored) <--+
 *
 * Order of an end: serve_notify_stop, writer_stop, serve_notify_destroy.
 */
#pragma once

#include "api/api.h"
#include "journal/writer.h"
#include "main/hand_client.h"
#include "main/settings.h"
#include "notify/notify_sender.h"

struct serve_notify;

struct serve_notify_options {
	struct world *world;
	struct writer *writer;
	struct clock *clock;
	const struct settings *settings;
	const char *public_url; /* for links in what leaves in the slow lane */
	struct hand_client *hand; /* NULL: there are no commands */
};

enum err serve_notify_start(const struct serve_notify_options *options,
			    struct serve_notify **ret_serve_notify, struct error *err);

/* Who shows pages in browsers; NULL: nobody. */
void serve_notify_browsers(struct serve_notify *serve_notify, struct api *api);

/* For the world's listener (committed_fn). Never waits. */
void serve_notify_committed(void *serve_notify, const struct event *const *events, size_t count);

/* Nothing can be stored and this should page somebody: see notify_last_resort. */
void serve_notify_last_resort(struct serve_notify *serve_notify, const char *title, const char *body);

void serve_notify_stop(struct serve_notify *serve_notify);

/* After the writer has stopped. Accepts NULL, leaves NULL. */
void serve_notify_destroy(struct serve_notify **serve_notify);
