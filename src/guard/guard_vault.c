/* guard_vault.c: named secrets: sealing, deciding, opening. See guard_vault.h. */
#include "guard/guard_vault.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "guard/guard_priv.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEALED_BYTES_MAX (NONCE_BYTES + GUARD_VAULT_VALUE_BYTES_MAX + TAG_BYTES)

_Static_assert(GUARD_VAULT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the cipher's key");
_Static_assert(GUARD_VAULT_KEY_BYTES == crypto_kdf_KEYBYTES, "what a key is derived from");

/* ---- sealing ---- */

void guard_vault_init(struct guard_vault *vault, const unsigned char seed[32])
{
	crypto_kdf_derive_from_key(vault->key, sizeof vault->key, 1, "mainvlt1", seed);
}

void guard_vault_finish(struct guard_vault *vault)
{
	sodium_memzero(vault->key, sizeof vault->key);
}

static void seal(const struct guard_vault *vault, const unsigned char nonce[NONCE_BYTES], struct str name,
		 struct str value, struct buf *out)
{
	unsigned char sealed[GUARD_VAULT_VALUE_BYTES_MAX + TAG_BYTES];
	unsigned long long size = 0;
	assert(value.len <= GUARD_VAULT_VALUE_BYTES_MAX);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, &size, (const unsigned char *)value.ptr, value.len,
						   (const unsigned char *)name.ptr, name.len, NULL, nonce,
						   vault->key);
	buf_add(out, (struct str){ (const char *)nonce, NONCE_BYTES });
	buf_add(out, (struct str){ (const char *)sealed, (size_t)size });
}

static bool open_sealed(const struct guard_vault *vault, struct str name, struct str sealed, struct buf *out)
{
	unsigned char value[GUARD_VAULT_VALUE_BYTES_MAX];
	const unsigned char *bytes = (const unsigned char *)sealed.ptr;
	unsigned long long size = 0;
	if (sealed.len < NONCE_BYTES + TAG_BYTES || sealed.len > SEALED_BYTES_MAX)
		return false;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(value, &size, NULL, bytes + NONCE_BYTES,
						       sealed.len - NONCE_BYTES, (const unsigned char *)name.ptr,
						       name.len, bytes, vault->key) != 0)
		return false;
	buf_add(out, (struct str){ (const char *)value, (size_t)size });
	sodium_memzero(value, sizeof value);
	return true;
}

bool guard_vault_reseal(const struct guard_vault *from, const struct guard_vault *to, struct str name,
			struct str sealed, struct buf *out)
{
	unsigned char nonce[NONCE_BYTES];
	cleanup_buf struct buf value;
	buf_init(&value, GUARD_VAULT_VALUE_BYTES_MAX + 1);
	bool good = open_sealed(from, name, sealed, &value);
	randombytes_buf(nonce, sizeof nonce);
	if (good)
		seal(to, nonce, name, buf_str(&value), out);
	if (value.size > 0)
		sodium_memzero(value.bytes, value.size);
	return good;
}

enum err guard_vault_open(const struct guard_vault *vault, struct store_conn *conn, struct str name,
			  struct buf *out, struct error *err)
{
	cleanup_buf struct buf sealed;
	buf_init(&sealed, SEALED_BYTES_MAX + 1);
	enum err r = guard_store_secret_sealed(conn, name, &sealed, err);
	if (r == OK && !open_sealed(vault, name, buf_str(&sealed), out)) {
		r = error_set(err, ERR_CORRUPT, "the secret \"" STR_FMT "\" was sealed with another key",
			      STR_ARG(name));
		error_hint(err, "set it again: mainstay secret set " STR_FMT, STR_ARG(name));
	}
	return r;
}

/* ---- deciding ---- */

static enum err invalid(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

static enum err check_put(struct decision *d, const struct guard_secret_put *put, struct error *err)
{
	int64_t count;
	if (!str_is_name(put->name))
		return invalid(err, "name", "a secret's name is small letters, digits, dots and dashes");
	if (put->value.len == 0 || put->value.len > GUARD_VAULT_VALUE_BYTES_MAX)
		return invalid(err, "value", "a secret has from 1 to 4095 bytes");
	if (str_has(put->value, '\0'))
		return invalid(err, "value", "a secret is text");
	if (put->about.len > GUARD_VAULT_ABOUT_BYTES_MAX || !guard_is_printable(put->about))
		return invalid(err, "about", "what a secret is for is said in one line of at most 200 bytes");
	enum err r = guard_store_secret_count(d->conn, &count, err);
	if (r == OK && count >= GUARD_VAULT_SECRETS_MAX && !guard_store_secret_is_there(d->conn, put->name))
		return error_set(err, ERR_LIMIT, "there are %u secrets already", GUARD_VAULT_SECRETS_MAX);
	return r;
}

static enum err store_secret(struct store_conn *conn, const void *args, struct error *err)
{
	return guard_store_secret_put(conn, args, err);
}

enum err guard_decide_secret_put(struct decision *d, const void *args, struct error *err)
{
	const struct guard_secret_put *put = args;
	const struct guard_vault *vault = world_room(d->world, GUARD_VAULT_ROOM);
	unsigned char nonce[NONCE_BYTES];
	cleanup_buf struct buf sealed;
	buf_init(&sealed, SEALED_BYTES_MAX + 1);
	enum err r = check_put(d, put, err);
	if (r != OK)
		return r;
	random_fill(d->random, nonce, sizeof nonce);
	seal(vault, nonce, put->name, put->value, &sealed);
	struct guard_secret_row *row = arena_new(d->arena, struct guard_secret_row);
	*row = (struct guard_secret_row){
		.secret = { arena_str(d->arena, put->name), arena_str(d->arena, put->about), d->actor.user, d->now },
		.sealed = arena_str(d->arena, buf_str(&sealed)),
	};
	struct event_secret_put event = { .secret = put->name, .about = put->about };
	decision_emit(d, EVENT_SECRET_PUT, 0, &event);
	decision_work(d, store_secret, row);
	return OK;
}

static enum err forget_secret(struct store_conn *conn, const void *args, struct error *err)
{
	const struct guard_secret_remove *remove = args;
	return guard_store_secret_remove(conn, remove->name, err);
}

enum err guard_decide_secret_remove(struct decision *d, const void *args, struct error *err)
{
	const struct guard_secret_remove *remove = args;
	if (!guard_store_secret_is_there(d->conn, remove->name))
		return error_set(err, ERR_NOT_FOUND, "there is no secret \"" STR_FMT "\"",
				 STR_ARG(str_sub(remove->name, 0, 63)));
	struct event_secret_removed event = { .secret = remove->name };
	decision_emit(d, EVENT_SECRET_REMOVED, 0, &event);
	decision_work(d, forget_secret, remove);
	return OK;
}
