/*
 * place.h: a data folder, opened: its lock, its store, its world. What `serve` and the verbs that
 * work with the server down have in common.
 *
 *     DATA/lock         held while somebody works here
 *     DATA/mainstay.db  the store (SQLite, write-ahead log beside it)
 *     DATA/flight       what was running when the process died (journal/flight.h)
 *     DATA/journal.key  the key that signs checkpoints, 0600
 *     DATA/reserve      64 MiB that are given up when the disk is full
 */
#pragma once

#include "journal/checkpoint.h"
#include "journal/world.h"
#include "alert/alert_book.h"
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
	struct world_room rooms[3];
	struct world *world;
	struct note_signer signer;
	bool can_sign;
	char path[512]; /* of the data folder */
};

/* ERR_CONFLICT: another process works in this folder. `committed` may be NULL. */
enum err place_open(const struct settings *settings, const char *public_url,
		    committed_fn *committed, void *context, struct place *ret_place,
		    struct error *err);
void place_close(struct place *place);
