/* tree_verify.c: see tree_verify.h. Calls nothing of tree.c, on purpose. */
#include "journal/tree_verify.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

static bool same(const struct tree_hash *a, const struct tree_hash *b)
{
	return memcmp(a->bytes, b->bytes, TREE_HASH_BYTES) == 0;
}

static struct tree_hash join(const struct tree_hash *left, const struct tree_hash *right)
{
	struct tree_hash joined;
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char[]){ 0x01 }, 1);
	crypto_hash_sha256_update(&state, left->bytes, TREE_HASH_BYTES);
	crypto_hash_sha256_update(&state, right->bytes, TREE_HASH_BYTES);
	crypto_hash_sha256_final(&state, joined.bytes);
	return joined;
}

static bool is_empty_root(const struct tree_hash *root)
{
	struct tree_hash empty;
	crypto_hash_sha256(empty.bytes, NULL, 0);
	return same(root, &empty);
}

/* Where a walk from a node to the root stands: the node's number on its level, and the last one.
 * On the right edge a node without a partner rises unchanged: those levels are stepped over. */
struct walk {
	uint64_t node, last;
};

static void walk_up(struct walk *walk)
{
	walk->node >>= 1;
	walk->last >>= 1;
}

static bool walk_joins_left(struct walk *walk)
{
	if (walk->node % 2 == 0 && walk->node != walk->last)
		return false; /* the partner stands to the right */
	while (walk->node % 2 == 0 && walk->node != 0)
		walk_up(walk);
	return true;
}

bool tree_verify_inclusion(const struct tree_hash *leaf, uint64_t index, uint64_t size,
			   const struct tree_hash *root, const struct tree_hash proof[],
			   unsigned count)
{
	assert(leaf != NULL && root != NULL);
	assert(proof != NULL || count == 0);
	if (index >= size)
		return false;
	struct walk walk = { index, size - 1 };
	struct tree_hash hash = *leaf;
	for (unsigned i = 0; i < count; i++) {
		if (walk.last == 0)
			return false; /* at the root already: too many hashes */
		hash = walk_joins_left(&walk) ? join(&proof[i], &hash) : join(&hash, &proof[i]);
		walk_up(&walk);
	}
	return walk.last == 0 && same(&hash, root);
}

bool tree_verify_consistency(uint64_t old_size, const struct tree_hash *old_root,
			     uint64_t new_size, const struct tree_hash *new_root,
			     const struct tree_hash proof[], unsigned count)
{
	assert(old_root != NULL && new_root != NULL);
	assert(proof != NULL || count == 0);
	if (old_size > new_size)
		return false;
	if (old_size == new_size)
		return count == 0 && same(old_root, new_root);
	if (old_size == 0)
		return count == 0 && is_empty_root(old_root);
	struct walk walk = { old_size - 1, new_size - 1 };
	while (walk.node % 2 == 1)
		walk_up(&walk); /* to the last full subtree of the old tree */
	bool whole = walk.node == 0; /* the old tree is one full subtree: its root begins */
	if (!whole && count == 0)
		return false;
	struct tree_hash old_hash = whole ? *old_root : proof[0], new_hash = old_hash;
	for (unsigned i = whole ? 0 : 1; i < count; i++) {
		if (walk.last == 0)
			return false;
		if (walk_joins_left(&walk)) {
			old_hash = join(&proof[i], &old_hash);
			new_hash = join(&proof[i], &new_hash);
		} else {
			new_hash = join(&new_hash, &proof[i]);
		}
		walk_up(&walk);
	}
	return walk.last == 0 && same(&old_hash, old_root) && same(&new_hash, new_root);
}
