/*
 * api_status.h: status pages as they are served: files in memory, made before anybody asks.
 *
 *     commit --> builder thread: comms_page_build -> HTML, JSON, feeds -> gzip --swap--> web threads
 *                                                                          \--> DATA/status.snapshot
 *
 * A web thread never waits for the store: it takes the snapshot of that moment and gives it back when the
 * last byte has left. So the pages stand while the writer hangs, the disk is full or the database is gone;
 * then they say how old they are. A start without a store serves what the file holds.
 *
 * Owns: the snapshot; those in use live until they are released. Runs on: one builder, any reader.
 */
#pragma once

#include "store/store.h"
#include "sys/zone.h"
#include "wire/http_server.h"

#define STATUS_PREFIX "/status/"
#define STATUS_FILE_BYTES_MAX (64u << 20)
#define STATUS_STALE_AFTER (5 * TIME_MINUTE) /* without a new one, the pages say so */

struct api_status;

struct api_status *api_status_create(const char *public_url, struct zones *zones, const struct http_asset *page);
void api_status_destroy(struct api_status **status); /* after the last release */
/* As the port may not be known at first; the next build uses it. Any thread. */
void api_status_url(struct api_status *status, const char *public_url);

/* Reads the store in one transaction of its own and swaps. ret_next: when a page changes by itself;
 * TIME_NONE: not known to. On failure the old snapshot stands. */
enum err api_status_build(struct api_status *status, struct store_conn *conn, time_us now, time_us *ret_next,
			  struct error *err);

/* Nothing newer can be made: the pages say so from now on, with the instant they were made. */
void api_status_stale(struct api_status *status);

enum err api_status_save(struct api_status *status, const char *path, struct error *err);
enum err api_status_load(struct api_status *status, const char *path, struct error *err);

/* A file of a public page, held until its release; NULL: there is none. http_asset_fn. */
const struct http_asset *api_status_find(void *status, struct str path);
/* The same where the home page stands at "/" and its files beside it. */
const struct http_asset *api_status_find_home(void *status, struct str path);
/* Also of private pages: for who is signed in. */
const struct http_asset *api_status_find_any(struct api_status *status, struct str path, bool *ret_private);

/* Routes of the address for the public alone: files, and endpoints below /status/ that need nobody signed in. */
struct http_route api_status_route(void *api, struct str method, struct str path);
