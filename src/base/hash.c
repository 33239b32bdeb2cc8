/* hash.c: see hash.h. */
#include "base/hash.h"

#include <assert.h>
#include <xxhash.h>

static_assert(HASH_KEY_BYTES >= XXH3_SECRET_SIZE_MIN, "what XXH3 asks for");

void hash_key_make(struct hash_key *key, struct random *random)
{
	random_fill(random, key->secret, sizeof key->secret);
}

struct hash hash_of(const struct hash_key *key, struct str bytes)
{
	XXH128_hash_t found = XXH3_128bits_withSecret(bytes.ptr, bytes.len, key->secret, sizeof key->secret);
	return (struct hash){ { found.low64, found.high64 } };
}
