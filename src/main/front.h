/*
 * front.h: what answers at this server's address when several servers stand on one database.
 *
 *                 another leads              it leads no more, this one took the row
 *     [start] ----------------> FOLLOWS ------------------------------------------> TAKES OVER --> LEADS
 *        \------------- nobody leads, this one took the row ------------------------------------------^
 *
 *     FOLLOWS     files of the UI, /healthz and /readyz are answered here; looks at checks for the one that
 *                 leads (node_look.h); everything else, reads and the event stream too, is handed on to it
 *                 (wire/relay.h), sealed with whom it is for (node_seal.h). Still so when this one has the row and
 *                 its world opens: nobody leads then, and what would be handed on is answered 503 with Retry-After
 *     TAKES OVER  503 with Retry-After, from the open world until the API stands on it
 *     LEADS       the API; what another server hands on counts as coming from its client
 *
 * Why reads are handed on, too: one place answers what is true now. A read from here could miss what the same
 * person was just told is stored, and live views, caches and limits would exist twice. It costs one hop.
 *
 * A request is handed on once: one that carries a seal and finds no leader here is refused. Never back to the
 * loop of two servers that each believe the other leads.
 *
 * A server that led and lost it begins anew as a process (serve.c), so there is no way back in here.
 */
#pragma once

#include "api/api.h"
#include "main/nodes.h"

struct front;

struct front_options {
	struct store *store;
	struct nodes *nodes;
	struct clock *clock;
	const unsigned char *seal_key; /* NODE_SEAL_KEY_BYTES; outlives it */
	const struct http_asset *assets;
	size_t asset_count;
	const char *ca_file; /* other servers are held against; NULL: the system's */
	bool on_loopback; /* as in api_options */
	bool follows;     /* else it leads as soon as front_lead is called */
};

enum err front_create(const struct front_options *options, struct front **ret_front, struct error *err);

/* For http_server; the context is the front. */
struct http_route front_route(void *front, struct str method, struct str path);
void front_handle(void *front, struct http_exchange *exchange);

/* FOLLOWS -> TAKES OVER; what was handed on is answered 503. Does nothing when it does not follow. */
void front_take_over(struct front *front);
/* `leads`: does it certainly lead at this moment? */
void front_lead(struct front *front, struct api *api, bool (*leads)(void *context), void *context);

/* After the HTTP server was destroyed. Accepts NULL, leaves NULL. */
void front_destroy(struct front **front);
