/* guard_priv.h: the inside of the room: what its files share. */
#pragma once

#include "guard/guard.h"

/* ---- guard_secret.c ---- */

enum guard_secret { GUARD_SECRET_SESSION, GUARD_SECRET_TOKEN, GUARD_SECRET_LINK, GUARD_SECRET_BEAT };

void guard_secret_make(struct random *random, enum guard_secret kind,
		       char ret_text[GUARD_SECRET_BYTES]);
/* False when the text cannot be a secret of this kind; then no table is asked. */
bool guard_secret_hash(enum guard_secret kind, struct str text,
		       unsigned char ret_hash[GUARD_HASH_BYTES]);

/* ---- guard_user.c ---- */

#define GUARD_EMAIL_BUFFER (GUARD_EMAIL_BYTES_MAX + 1)

/* Lower-cased and without blanks around; false when it cannot be an address. */
bool guard_email_clean(struct str text, char ret_email[GUARD_EMAIL_BUFFER]);
/* Trims and checks 1..100 characters of UTF-8 without control characters. */
enum err guard_name_clean(struct str text, const char *what, struct str *ret_name, struct error *err);
bool guard_is_printable(struct str text); /* UTF-8 without control characters */
size_t guard_characters(struct str utf8);

/* ---- guard_token.c ---- */

enum err guard_principal_by_token(struct store_conn *conn, struct arena *arena,
				  const unsigned char *hash, time_us now,
				  struct principal *ret_principal, struct error *err);

/* NULL when Mainstay itself acts. */
static inline const struct principal *guard_principal_of(const struct decision *d)
{
	return d->actor.principal;
}
