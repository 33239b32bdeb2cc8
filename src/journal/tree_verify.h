/*
 * tree_verify.h: does a proof hold? (RFC 9162 sections 2.1.3.2 and 2.1.4.2)
 *
 * Written apart from what makes the proofs, sharing only the shape of a hash, and short enough to
 * be read in one sitting: whoever doubts the journal has to trust this file and SHA-256 alone.
 * Everything given may come from an adversary. No state, any thread.
 */
#pragma once

#include "journal/tree.h"

/* True when `leaf` (a hash) is leaf number `index` of the tree of `size` leaves with `root`. */
bool tree_verify_inclusion(const struct tree_hash *leaf, uint64_t index, uint64_t size,
			   const struct tree_hash *root, const struct tree_hash proof[],
			   unsigned count);

/* True when the tree of new_size leaves with new_root begins with the tree of old_size leaves with
 * old_root. Equal sizes need equal roots and no proof; every tree begins with the empty one. */
bool tree_verify_consistency(uint64_t old_size, const struct tree_hash *old_root,
			     uint64_t new_size, const struct tree_hash *new_root,
			     const struct tree_hash proof[], unsigned count);
