/*
 * node_look.h: a server that does not lead looks at its share of the checks for the one that leads.
 *
 *     the one that leads (serve_sense_share.c)                 the one whose share it is (node_look.c)
 *     check is due --POST /node/look {check, revision}--> reads the definition, looks once
 *     steps its state, books, tells <--------result------- forgets it
 *
 * The schedule, the state and the figures of a check stay in one place, where the decisions are; what is
 * shared is the looking. So no look is counted twice, a server that dies is noticed by the next
 * look at the latest, and its checks go on at once where they are led.
 *
 * The request is sealed (node_seal.h) and names the check: what it is, the server reads from the database
 * itself, so no header or password of a check travels.
 */
#pragma once

#include "base/buf.h"
#include "monitor/monitor_probe.h"
#include "store/store.h"
#include "wire/http_server.h"

#define NODE_LOOK_PATH "/node/look"
#define NODE_LOOK_BYTES 4096u
#define NODE_LOOK_LEADS 409 /* the answer of one that leads: sealed, without a body */
#define NODE_LOOK_GRACE (3 * TIME_SECOND) /* the way there and back, beyond the check's own timeout */
#define NODE_LOOKS_MAX 512u               /* at once; more are refused */

struct node_look;

/* On a thread of its own. */
enum err node_look_start(struct store *store, struct clock *clock, const char *node, const unsigned char *seal_key,
			 const char *ca_file, struct node_look **ret_look, struct error *err); /* all lent outlives it */
void node_look_stop(struct node_look **look); /* what runs is answered 503; accepts NULL */
/* Any thread; the seal is right already. Answers the exchange. */
void node_look_ask(struct node_look *look, struct http_exchange *exchange);

/* ---- what is said (node_result.c) ---- */

void node_look_write(struct str check, int64_t revision, struct buf *out);
void node_result_write(const struct check_result *result, struct buf *out);
/* The result's detail is in the arena. ERR_INVALID. */
enum err node_result_read(struct str text, struct arena *arena, struct check_result *ret_result, struct error *err);
