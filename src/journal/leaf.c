/* leaf.c: see leaf.h for the bytes. */
#include "journal/leaf.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <string.h>

#define HEADER_BYTES (16 + 5 * 8 + 4 + 4)

static unsigned char *put(unsigned char *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
	return at + bytes;
}

void event_payload_mac(struct str payload, struct str salt, unsigned char ret_mac[LEAF_MAC_BYTES])
{
	assert(salt.len == LEAF_SALT_BYTES);
	int failed = gnutls_hmac_fast(GNUTLS_MAC_SHA256, salt.ptr, salt.len, payload.ptr, payload.len, ret_mac);
	assert(failed == 0); /* it fails for an algorithm that it does not know */
}

void event_leaf_erased(const struct leaf_fields *fields, const unsigned char mac[LEAF_MAC_BYTES],
		       struct tree_hash *ret_hash)
{
	assert(fields->kind.len <= LEAF_KIND_BYTES_MAX);
	unsigned char leaf[HEADER_BYTES + LEAF_KIND_BYTES_MAX + LEAF_MAC_BYTES];
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
	memcpy(at, mac, LEAF_MAC_BYTES);
	at += LEAF_MAC_BYTES;
	tree_leaf_hash((struct str){ (const char *)leaf, (size_t)(at - leaf) }, ret_hash);
}

void event_leaf(const struct leaf_fields *fields, struct tree_hash *ret_hash)
{
	unsigned char mac[LEAF_MAC_BYTES];
	event_payload_mac(fields->payload, fields->salt, mac);
	event_leaf_erased(fields, mac, ret_hash);
}
