/*
 * leaf.h: the bytes of one event that the tree commits to.
 *
 * The leaf is a fixed header, the kind, and a keyed hash of the payload. So the payload and its
 * salt can lawfully be destroyed while every proof stays valid, and nobody can guess a short
 * payload from its leaf. All numbers are big-endian:
 *
 *     "mainstay-event/1"   16 bytes
 *     seq                   8
 *     event_time            8   microseconds UTC
 *     recorded_time         8
 *     actor                 8
 *     subject               8
 *     version               4
 *     length of kind        4
 *     kind                  n
 *     HMAC-SHA-256(key = salt, payload)   32
 *
 * The leaf hash is SHA-256(0x00 || these bytes), RFC 6962 section 2.1. tools/verify-journal checks
 * the same in Python, written apart from this.
 *
 * Who erases keeps the MAC: without its salt it says nothing about the payload, and with it actor,
 * kind and times stay under the hash. A leaf that was merely remembered would let them be changed.
 */
#pragma once

#include "base/time.h"
#include "journal/tree.h"

#define LEAF_KIND_BYTES_MAX 64u
#define LEAF_SALT_BYTES 32u
#define LEAF_MAC_BYTES 32u

struct leaf_fields {
	int64_t seq;
	time_us event_time, recorded_time;
	int64_t actor, subject;
	int version;
	struct str kind, payload, salt; /* salt: LEAF_SALT_BYTES */
};

/* The kind is at most LEAF_KIND_BYTES_MAX long. */
void event_leaf(const struct leaf_fields *fields, struct tree_hash *ret_hash);

/* The two halves of it: what an erasure keeps, and the leaf of an erased event, which is the same
 * as it was (payload and salt of the fields are not looked at). */
void event_payload_mac(struct str payload, struct str salt, unsigned char ret_mac[LEAF_MAC_BYTES]);
void event_leaf_erased(const struct leaf_fields *fields, const unsigned char mac[LEAF_MAC_BYTES],
		       struct tree_hash *ret_hash);
