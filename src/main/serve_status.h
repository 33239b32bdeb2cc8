/*
 * serve_status.h: the builder of status pages, and what is served when the store cannot be opened.
 *
 *     commit --wake--> builder thread --reads with a connection of its own--> api_status_build --> swap
 *                         |  also every half minute, and when a page changes by itself
 *                         +--> DATA/status.snapshot, when it changed
 *
 * It never holds the writer: a commit only sets a flag. While the store fails the old pages stand, and say
 * their age after five minutes.
 *
 * Order of an end: the HTTP servers, then serve_status_stop.
 */
#pragma once

#include "api/api_status.h"
#include "journal/world.h"
#include "main/settings.h"

struct serve_status;

struct serve_status_options {
	struct world *world;
	struct clock *clock;
	struct zones *zones;
	const char *data, *public_url;
};

/* Begins with what the file of the last run holds, if it is whole. */
enum err serve_status_start(const struct serve_status_options *options, struct serve_status **ret_serve_status,
			    struct error *err);
struct api_status *serve_status_pages(struct serve_status *serve_status);
/* The address is known now: links are made anew. */
void serve_status_url(struct serve_status *serve_status, const char *public_url);
/* For the world's listener (committed_fn). Never waits. */
void serve_status_committed(void *serve_status, const struct event *const *events, size_t count);
/* Accepts NULL, leaves NULL. */
void serve_status_stop(struct serve_status **serve_status);

/* The address for the public alone; `api` may be NULL: then only files. ret_http NULL when none is set. */
enum err serve_status_listen(const struct settings *settings, struct clock *clock, struct random *random, void *api,
			     struct http_server **ret_http, struct error *err);

/* The store cannot be opened: serves the last pages until it can, or a signal comes. ALONE_NOTHING at once
 * when there are none. `wait`: waits that long for a signal; true when one came. */
enum serve_alone { ALONE_NOTHING, ALONE_BACK, ALONE_ENDED };
enum serve_alone serve_status_alone(const struct settings *settings, bool (*store_is_back)(const struct settings *settings),
				    bool (*wait)(void *context, time_us span), void *context);
