/* guard_secret.c: secrets we hand out, and how they travel over HTTP. See guard.h. */
#include <assert.h>
#include <ctype.h>
#include <sodium.h>
#include <strings.h>

#include "guard/guard_priv.h"

#define SECRET_RANDOM_BYTES 32
#define PREFIX_BYTES 4

_Static_assert(GUARD_SECRET_BYTES == PREFIX_BYTES + 2 * SECRET_RANDOM_BYTES + 1, "prefix, hex, NUL");
_Static_assert(GUARD_HASH_BYTES == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(GUARD_CSRF_BYTES == 2 * crypto_auth_hmacsha256_BYTES + 1, "hex and NUL");

static const char *const prefixes[] = {
	[GUARD_SECRET_SESSION] = "mss_",
	[GUARD_SECRET_TOKEN] = "mst_",
	[GUARD_SECRET_LINK] = "msl_",
	[GUARD_SECRET_BEAT] = "msb_",
};

void guard_secret_make(struct random *random, enum guard_secret kind,
		       char ret_text[GUARD_SECRET_BYTES])
{
	assert(kind <= GUARD_SECRET_BEAT);
	memcpy(ret_text, prefixes[kind], PREFIX_BYTES);
	random_hex(random, SECRET_RANDOM_BYTES, ret_text + PREFIX_BYTES);
}

static bool is_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

/* One round of SHA-256 is enough: there is nothing to guess in 256 random bits. Tables are asked by
 * the hash, so how long a comparison takes says nothing about the secret. */
bool guard_secret_hash(enum guard_secret kind, struct str text,
		       unsigned char ret_hash[GUARD_HASH_BYTES])
{
	assert(kind <= GUARD_SECRET_BEAT);
	if (text.len != GUARD_SECRET_BYTES - 1 || !str_starts(text, str_of(prefixes[kind])) ||
	    !is_hex(str_sub(text, PREFIX_BYTES, text.len)))
		return false;
	crypto_hash_sha256(ret_hash, (const unsigned char *)text.ptr, text.len);
	return true;
}

void guard_beat_make(struct random *random, char ret_secret[GUARD_SECRET_BYTES])
{
	guard_secret_make(random, GUARD_SECRET_BEAT, ret_secret);
}

bool guard_beat_hash(struct str secret, unsigned char ret_hash[GUARD_HASH_BYTES])
{
	return guard_secret_hash(GUARD_SECRET_BEAT, secret, ret_hash);
}

void guard_routing_make(struct random *random, char ret_key[GUARD_ROUTING_BYTES])
{
	random_hex(random, (GUARD_ROUTING_BYTES - 1) / 2, ret_key);
}

bool guard_routing_hash(struct str key, unsigned char ret_hash[GUARD_HASH_BYTES])
{
	if (key.len != GUARD_ROUTING_BYTES - 1 || !is_hex(key))
		return false;
	crypto_hash_sha256(ret_hash, (const unsigned char *)key.ptr, key.len);
	return true;
}

void guard_csrf(struct str cookie, char ret_csrf[GUARD_CSRF_BYTES])
{
	static const unsigned char purpose[] = "mainstay csrf";
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)cookie.ptr, cookie.len);
	crypto_auth_hmacsha256_update(&state, purpose, sizeof purpose - 1);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2hex(ret_csrf, GUARD_CSRF_BYTES, mac, sizeof mac);
}

bool guard_csrf_ok(struct str cookie, struct str given)
{
	char wanted[GUARD_CSRF_BYTES];
	if (cookie.len == 0 || given.len != sizeof wanted - 1)
		return false;
	guard_csrf(cookie, wanted);
	return sodium_memcmp(wanted, given.ptr, sizeof wanted - 1) == 0;
}

/* Lax, not Strict: a link in a page or a chat opens Mainstay signed in. What changes something needs
 * the CSRF header beside, and no GET changes anything. */
static void cookie_attributes(bool https, int64_t seconds, struct buf *out)
{
	buf_printf(out, "; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", (long long)seconds,
		   https ? "; Secure" : "");
}

void guard_cookie_print(struct str value, bool https, struct buf *out)
{
	buf_printf(out, GUARD_COOKIE_NAME "=" STR_FMT, STR_ARG(value));
	cookie_attributes(https, GUARD_SESSION_LIFE / TIME_SECOND, out);
}

void guard_cookie_print_end(bool https, struct buf *out)
{
	buf_adds(out, GUARD_COOKIE_NAME "=");
	cookie_attributes(https, 0, out);
}

/* Twice means that somebody on a neighbouring host planted one, and which is ours cannot be known. */
bool guard_cookie_find(struct str header, struct str *ret_value)
{
	struct str rest = header, pair, name, value, found = STR_NONE;
	unsigned count = 0;
	bool more = true;
	while (more) {
		more = str_cut(rest, ';', &pair, &rest);
		if (!str_cut(str_trim(pair), '=', &name, &value) || !str_is(name, GUARD_COOKIE_NAME))
			continue;
		found = value;
		count++;
	}
	if (count != 1)
		return false;
	*ret_value = found;
	return true;
}

bool guard_bearer_find(struct str header, struct str *ret_token)
{
	struct str scheme, rest;
	if (!str_cut(str_trim(header), ' ', &scheme, &rest))
		return false;
	if (scheme.len != 6 || strncasecmp(scheme.ptr, "bearer", 6) != 0)
		return false;
	*ret_token = str_trim(rest);
	return true;
}

bool guard_basic_find(struct str header, char out[GUARD_BASIC_BYTES], struct str *ret_token)
{
	struct str scheme, rest, name, token;
	size_t size;
	if (!str_cut(str_trim(header), ' ', &scheme, &rest) || scheme.len != 5 || strncasecmp(scheme.ptr, "basic", 5) != 0)
		return false;
	rest = str_trim(rest);
	if (sodium_base642bin((unsigned char *)out, GUARD_BASIC_BYTES, rest.ptr, rest.len, NULL, &size, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	if (!str_cut((struct str){ out, size }, ':', &name, &token) || token.len == 0)
		return false;
	*ret_token = token;
	return true;
}
