/*
 * relay.h: hands an HTTP request on to another server and its answer back: method, target, body and fields
 * as they came, but for those that belong to one connection (RFC 9110 7.6.1) and those of compression,
 * which each side settles with its own peer.
 *
 *     exchange --relay_pass, any thread--> call --whole answer--> answered
 *                                            +---pieces of a 2xx stream---> event stream, until either side ends
 *                                            +---no answer---> 503 that says whether it may have been done
 *
 * It retries nothing: only the client knows whether its request may be made twice.
 *
 * Owns: exchanges it was given until they are answered. Runs on: the loop's thread, but for relay_pass.
 */
#pragma once

#include "wire/http_client.h"
#include "wire/http_server.h"

struct relay;

#define RELAY_WAIT (60 * TIME_SECOND)   /* the exchange's own deadline is shorter */
#define RELAY_STREAM_LASTS (10 * TIME_MINUTE) /* then its reader comes back with Last-Event-ID */
#define RELAY_ANSWER_BYTES_MAX (32u << 20)
#define RELAY_CALLS_MAX 1024u /* streams too; more are refused */

struct relay *relay_create(struct loop *loop, struct http_client *http);

/* Any thread. `base` is "https://host:port"; `field` is sent besides. */
void relay_pass(struct relay *relay, struct http_exchange *exchange, bool stream, const char *base,
		const struct http_ask_field *field);

/* Ends what was handed to any other than `base` (NULL: all): that one leads no more. */
void relay_only(struct relay *relay, const char *base);
/* Lets go of streams whose readers have left; every second or so. */
void relay_tick(struct relay *relay);

/* After the loop has stopped, before http_client_destroy; nobody passes any more. What is open is refused. */
void relay_destroy(struct relay **relay);
