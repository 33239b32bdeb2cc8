/*
 * guard_vault.h: named secrets: what checks sign in with, sealed at rest.
 *
 *     PUT /secrets/NAME --> guard_decide_secret_put --> secret.put (name and purpose, never the value)
 *                                                  \--> vault table named_secret (sealed)
 *     definition: "secret: NAME" --> guard_vault_open, in the moment of use only
 *
 * A value is sealed with XChaCha20-Poly1305 under a key that follows from the journal's private key (which
 * never leaves the data folder), and bound to its name, so that rows cannot be exchanged. It goes in and
 * never comes out again: no answer, event, log, export or page holds it. Whoever replaces the journal's key
 * enters the secrets again; a restore with secrets seals them anew (guard_vault_reseal).
 *
 * Decides on the world's thread; reading on any connection.
 */
#pragma once

#include "base/buf.h"
#include "guard/principal.h"

#define GUARD_VAULT_ROOM "vault"
#define GUARD_VAULT_KEY_BYTES 32u
#define GUARD_VAULT_VALUE_BYTES_MAX 4095u
#define GUARD_VAULT_ABOUT_BYTES_MAX 200u
#define GUARD_VAULT_SECRETS_MAX 1000u
#define GUARD_VAULT_TABLE "named_secret"

struct guard_vault {
	unsigned char key[GUARD_VAULT_KEY_BYTES];
};

/* `seed`: of the journal's key. */
void guard_vault_init(struct guard_vault *vault, const unsigned char seed[32]);
void guard_vault_finish(struct guard_vault *vault); /* wipes it */

struct guard_secret_put {
	struct str name, value, about;
};
/* ERR_INVALID: no name, or a value that is empty, too long or holds a NUL. */
decide_fn guard_decide_secret_put;

struct guard_secret_remove {
	struct str name;
};
decide_fn guard_decide_secret_remove; /* whether it is used is seen to by who knows what uses it */

struct guard_named_secret {
	struct str name, about;
	int64_t user; /* who set it; 0: Mainstay itself */
	time_us set;
};

/* By name, after a name; at most `limit` (1..1000). */
enum err guard_vault_list(struct store_conn *conn, struct arena *arena, struct str after, unsigned limit,
			  struct guard_named_secret **ret_secrets, size_t *ret_count, struct error *err);

/* The value, at the end of `out`. ERR_NOT_FOUND; ERR_CORRUPT: it was sealed with another key. */
enum err guard_vault_open(const struct guard_vault *vault, struct store_conn *conn, struct str name,
			  struct buf *out, struct error *err);

/* Bytes of a row, from one key to another: for a restore. False: not sealed with `from`. */
bool guard_vault_reseal(const struct guard_vault *from, const struct guard_vault *to, struct str name,
			struct str sealed, struct buf *out);

/* ---- guard_vault_store.c, for guard_vault.c ---- */

struct guard_secret_row {
	struct guard_named_secret secret;
	struct str sealed;
};
extern const struct store_table guard_named_secret_table;
enum err guard_store_secret_put(struct store_conn *conn, const struct guard_secret_row *row, struct error *err);
enum err guard_store_secret_remove(struct store_conn *conn, struct str name, struct error *err);
enum err guard_store_secret_sealed(struct store_conn *conn, struct str name, struct buf *out, struct error *err);
enum err guard_store_secret_count(struct store_conn *conn, int64_t *ret_count, struct error *err);
bool guard_store_secret_is_there(struct store_conn *conn, struct str name);
