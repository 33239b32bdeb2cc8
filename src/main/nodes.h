/*
 * nodes.h: the servers on one database, seen from this one: who is there, who leads, whose check is whose.
 *
 *     this server --twice a second: "I am here, at URL"--> table node
 *                 <--who was seen when, who leads--------
 *
 * What it knows is half a second old, as a rule; what is older than NODES_SILENT counts as nothing known. It decides nothing: who
 * leads is decided by the leader row alone (store/store_postgres_lead.c).
 *
 * The *share* of a server is the checks whose name gives it the highest mark (rendezvous hashing): when one
 * goes, only its checks move, and everybody who sees the same servers says the same.
 *
 * Runs on: a thread of its own; every function on any thread.
 */
#pragma once

#include "store/store.h"
#include "sys/clock.h"

#define NODES_TICK (TIME_SECOND / 2)
#define NODES_SILENT (4 * TIME_SECOND) /* who was not seen for so long is not counted on */

struct nodes;

/* `name` is what this server is called in the leader row. */
enum err nodes_start(struct store *store, struct clock *clock, const char *name, struct nodes **ret_nodes,
		     struct error *err);
void nodes_stop(struct nodes **nodes); /* says that it goes; before the store is closed; accepts NULL */

const char *nodes_name(const struct nodes *nodes);
/* The others reach this one here from now on. Until then it takes no share. */
void nodes_reached_at(struct nodes *nodes, const char *url);

/* False: the database has said nothing lately. */
bool nodes_now(struct nodes *nodes, struct store_nodes *ret_nodes);

/* Who leads now, and where: false when nobody does, when it cannot be told, or when it is not known where. */
bool nodes_leader(struct nodes *nodes, struct store_node *ret_node);

/* The one whose share this check is. False: it is this one's, or nobody else is known. */
bool nodes_owner(struct nodes *nodes, struct str check, struct store_node *ret_node);
bool nodes_is_there(struct nodes *nodes, const char *name);

/* Whom one could ask when the database says nothing: each `turn` another of those that were seen last. False:
 * there was none. */
bool nodes_other(struct nodes *nodes, unsigned turn, struct store_node *ret_node);

/* Pure, of the above: the index of the owner among those that count, -1: none does. */
int nodes_share(const struct store_nodes *seen, struct str check);
