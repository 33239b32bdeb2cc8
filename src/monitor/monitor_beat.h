/*
 * monitor_beat.h: calls of jobs: who may call, and what was heard last.
 *
 *     address made --> waits --call--> heard --no call in `every` + `grace`--> missed (the check is down)
 *                                        ^                                        |
 *                                        +----------------- call -----------------+
 *
 * A call is a sample, as a result of a probe is: it is stored before it is answered, and is no event. That
 * an address was made is one; the address itself is in no event: only its hash is kept, in the vault.
 *
 * Decides on the world's thread; reading on any connection.
 */
#pragma once

#include "guard/guard.h"
#include "journal/world.h"

#define MONITOR_BEAT_SAID_BYTES 200u

struct monitor_beat {
	time_us at;         /* of the last call; TIME_NONE: never called */
	time_us ok_at;      /* of the last one that was well; 0: none */
	time_us started_at; /* of a run that has not ended; 0: none */
	time_us took;       /* the last whole run; 0: not known */
	bool failed;        /* the last end was one */
	int64_t exit_code;  /* of it; -1: not told */
	struct str said;
};

extern const struct store_table monitor_address_table, monitor_beat_table;

struct monitor_address_make {
	struct str check;
	char *ret_secret; /* GUARD_SECRET_BYTES */
};
/* Of a check of kind heartbeat; the address before it is no longer taken. ERR_INVALID for other kinds. */
decide_fn monitor_address_decide;

enum monitor_beat_state { MONITOR_BEAT_OK, MONITOR_BEAT_START, MONITOR_BEAT_FAIL };

struct monitor_beat_call {
	struct str check;
	enum monitor_beat_state state;
	int64_t exit_code; /* -1: not told */
	struct str said;   /* is cut */
};
/* Writes no event. */
decide_fn monitor_beat_decide;

/* Whose address this is. ERR_NOT_FOUND. */
enum err monitor_beat_whose(struct store_conn *conn, struct str secret, struct arena *arena,
			    struct str *ret_check, struct error *err);
/* When the address of a check was made; TIME_NONE: there is none. */
enum err monitor_address_made(struct store_conn *conn, struct str check, time_us *ret_made,
			      struct error *err);
enum err monitor_beat_get(struct store_conn *conn, struct str check, struct arena *arena,
			  struct monitor_beat *ret_beat, struct error *err);

/* ---- monitor_beat_store.c, for monitor_beat.c ---- */

enum err monitor_address_put(struct store_conn *conn, struct str check, const unsigned char *hash,
			     time_us made, struct error *err);
enum err monitor_beat_put(struct store_conn *conn, struct str check, const struct monitor_beat *beat,
			  struct error *err);
enum err monitor_beat_forget(struct store_conn *conn, struct str check, struct error *err);
