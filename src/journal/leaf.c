/* leaf.c: see leaf.h for the bytes. */
#include "journal/leaf.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define HEADER_BYTES (16 + 5 * 8 + 4 + 4)

static unsigned char *put(unsigned char *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
	return at + bytes;
}

void event_leaf(const struct leaf_fields *fields, struct tree_hash *ret_hash)
{
	assert(fields->salt.len == crypto_auth_hmacsha256_KEYBYTES);
	assert(fields->kind.len <= LEAF_KIND_BYTES_MAX);
	unsigned char leaf[HEADER_BYTES + LEAF_KIND_BYTES_MAX + crypto_auth_hmacsha256_BYTES];
	memcpy(leaf, "mainstay-event/1", 16);
	unsigned char *at = put(leaf + 16, (uint64_t)fields->seq, 8);
	at = put(at, (uint64_t)fields->event_time, 8);
	at = put(at, (uint64_t)fields->recorded_time, 8);
	at = put(at, (uint64_t)fields->actor, 8);
	at = put(at, (uint64_t)fields->subject, 8);
	at = put(at, (uint64_t)fields->version, 4);
	at = put(at, fields->kind.len, 4);
	memcpy(at, fields->kind.ptr, fields->kind.len);
	at += fields->kind.len;
	crypto_auth_hmacsha256(at, (const unsigned char *)fields->payload.ptr, fields->payload.len,
			       (const unsigned char *)fields->salt.ptr);
	at += crypto_auth_hmacsha256_BYTES;
	tree_leaf_hash((struct str){ (const char *)leaf, (size_t)(at - leaf) }, ret_hash);
}
