/*
 * place.h: a data folder, opened: its lock, its store, its world. What `serve` and the verbs that
 * work with the server down have in common.
 *
 *     DATA/lock         held while somebody works here
 *     DATA/mainstay.db  the store (SQLite, write-ahead log beside it), unless --store names a database
 *     DATA/node         with a database: this server's own part of its name in the leader row
 *     DATA/flight       what was running when the process died (journal/flight.h)
 *     DATA/journal.key  the key that signs checkpoints, 0600
 *     DATA/metrics/     time series (serve_metrics.h)
 *     DATA/reserve      64 MiB that are given up when the disk is full
 */
#pragma once

#include "journal/checkpoint.h"
#include "journal/world.h"
#include "alert/alert_book.h"
#include "guard/guard_vault.h"
#include "main/settings.h"
#include "main/trouble.h"
#include "oncall/paging.h"

struct place {
	int lock;
	struct trouble *trouble;
	struct store *store;
	struct flight *flight;
	struct zones *zones;
	struct clock clock;
	struct random random;
	struct paging_room paging;
	struct alert_book *alerts;
	struct guard_vault vault;
	struct world_room rooms[4];
	struct world *world;
	struct note_signer signer;
	bool can_sign;
	char node[STORE_NODE_BYTES]; /* with a database: what this server is called in its leader row */
	char path[512]; /* of the data folder */
};

/* All may be NULL. */
struct place_hooks {
	committed_fn *committed;
	/* Another server leads on this database: false gives up, true asks again. Else ERR_CONFLICT. */
	bool (*standby)(void *context);
	void (*unled)(void *context); /* as in world_options */
	void (*failing)(void *context); /* it cannot be opened: what stands on its store must go, now */
	void *context;
};

/* ERR_CONFLICT: another process works in this folder, or leads on this database. */
enum err place_open(const struct settings *settings, const char *public_url,
		    const struct place_hooks *hooks, struct place *ret_place, struct error *err);
/* While another server leads: ERR_PRECONDITION when its journal is signed by another key than this folder's. */
enum err place_check_key(struct place *place, struct error *err);
/* The store of these settings, to read it whether or not a server works there: takes no lock and does not
 * lead. ERR_NOT_FOUND: there is none yet. */
enum err place_open_store(const struct settings *settings, struct store **ret_store, struct error *err);
/* Takes the lock of a data folder, which is made when it is missing; closing the descriptor gives it
 * back. ERR_CONFLICT. */
enum err place_lock(const char *folder, int *ret_lock, struct error *err);
void place_close(struct place *place);
