/* tree.c: see tree.h. */
#include "journal/tree.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <sodium.h>

static_assert(crypto_hash_sha256_BYTES == TREE_HASH_BYTES, "the tree is SHA-256");

bool tree_hash_eq(const struct tree_hash *a, const struct tree_hash *b)
{
	return memcmp(a->bytes, b->bytes, TREE_HASH_BYTES) == 0; /* hashes are no secrets */
}

/* The first byte keeps leaves and nodes apart, so that a node cannot be passed off as a leaf. */
void tree_leaf_hash(struct str leaf, struct tree_hash *ret_hash)
{
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)"\x00", 1);
	if (leaf.len > 0)
		crypto_hash_sha256_update(&state, (const unsigned char *)leaf.ptr, leaf.len);
	crypto_hash_sha256_final(&state, ret_hash->bytes);
}

void tree_node_hash(const struct tree_hash *left, const struct tree_hash *right,
		    struct tree_hash *ret_hash)
{
	unsigned char both[1 + 2 * TREE_HASH_BYTES] = { 0x01 };
	memcpy(both + 1, left->bytes, TREE_HASH_BYTES);
	memcpy(both + 1 + TREE_HASH_BYTES, right->bytes, TREE_HASH_BYTES);
	crypto_hash_sha256(ret_hash->bytes, both, sizeof both);
}

void tree_init(struct tree *tree)
{
	*tree = (struct tree){ 0 };
}

unsigned tree_append(struct tree *tree, const struct tree_hash *leaf,
		     struct tree_hash ret_nodes[TREE_LEVELS])
{
	assert(tree->size < TREE_SIZE_MAX);
	unsigned level = 0;
	ret_nodes[0] = *leaf;
	for (; tree->size >> level & 1; level++) /* like carrying when one is added in binary */
		tree_node_hash(&tree->peak[level], &ret_nodes[level], &ret_nodes[level + 1]);
	assert(level < TREE_LEVELS);
	tree->peak[level] = ret_nodes[level];
	tree->size++;
	return level + 1;
}

/* Folds full subtrees, smallest (rightmost) first. */
void tree_root(const struct tree *tree, struct tree_hash *ret_root)
{
	assert(tree->size <= TREE_SIZE_MAX);
	if (tree->size == 0) {
		crypto_hash_sha256(ret_root->bytes, NULL, 0);
		return;
	}
	unsigned level = (unsigned)__builtin_ctzll(tree->size);
	struct tree_hash root = tree->peak[level];
	while (++level < TREE_LEVELS)
		if (tree->size >> level & 1)
			tree_node_hash(&tree->peak[level], &root, &root);
	*ret_root = root;
}

uint64_t tree_row_of(unsigned level, uint64_t index, unsigned *ret_offset_bytes)
{
	assert(level < TREE_LEVELS);
	assert(index < (TREE_SIZE_MAX >> level) + 1);
	*ret_offset_bytes = level * TREE_HASH_BYTES;
	return ((index + 1) << level) - 1;
}

static enum err size_check(uint64_t size, struct error *err)
{
	if (size > TREE_SIZE_MAX)
		return error_set(err, ERR_INVALID, "a tree cannot have %" PRIu64 " leaves", size);
	return OK;
}

/* The tree over the leaves [begin, begin + count): `begin` is a multiple of the largest power of
 * two within count, so that its full subtrees are stored nodes. */
static enum err range_open(const struct tree_reader *reader, uint64_t begin, uint64_t count,
			   struct tree *ret_tree, struct error *err)
{
	struct tree tree = { .size = count };
	uint64_t at = begin;
	for (int level = TREE_LEVELS - 1; level >= 0; level--) {
		if (!(count >> level & 1))
			continue;
		assert((at & ((UINT64_C(1) << level) - 1)) == 0);
		enum err result = reader->read(reader->context, (unsigned)level, at >> level,
					       &tree.peak[level], err);
		if (result != OK)
			return result;
		at += UINT64_C(1) << level;
	}
	assert(at == begin + count);
	*ret_tree = tree;
	return OK;
}

enum err tree_open(const struct tree_reader *reader, uint64_t size, struct tree *ret_tree,
		   struct error *err)
{
	enum err result = size_check(size, err);
	return result != OK ? result : range_open(reader, 0, size, ret_tree, err);
}

static enum err range_root(const struct tree_reader *reader, uint64_t begin, uint64_t count,
			   struct tree_hash *ret_root, struct error *err)
{
	struct tree tree;
	enum err result = range_open(reader, begin, count, &tree, err);
	if (result == OK)
		tree_root(&tree, ret_root);
	return result;
}

enum err tree_root_at(const struct tree_reader *reader, uint64_t size, struct tree_hash *ret_root,
		      struct error *err)
{
	enum err result = size_check(size, err);
	return result != OK ? result : range_root(reader, 0, size, ret_root, err);
}

/* Where RFC 6962 splits n leaves: the largest power of two smaller than n. */
static uint64_t split_of(uint64_t count)
{
	assert(count >= 2);
	return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

static enum err proof_add(const struct tree_reader *reader, uint64_t begin, uint64_t count,
			  struct tree_proof *proof, struct error *err)
{
	assert(proof->count < TREE_PROOF_MAX);
	enum err result = range_root(reader, begin, count, &proof->hash[proof->count], err);
	if (result == OK)
		proof->count++;
	return result;
}

/* We walk from the root down; a proof is read from the leaf up. */
static void proof_reverse(struct tree_proof *proof)
{
	for (unsigned i = 0, j = proof->count; i + 1 < j; i++) {
		struct tree_hash hash = proof->hash[i];
		proof->hash[i] = proof->hash[--j];
		proof->hash[j] = hash;
	}
}

/* PATH(m, D[n]) of RFC 6962 section 2.1.1. */
enum err tree_prove_inclusion(const struct tree_reader *reader, uint64_t index, uint64_t size,
			      struct tree_proof *ret_proof, struct error *err)
{
	struct tree_proof proof = { 0 };
	enum err result = size_check(size, err);
	if (result == OK && index >= size)
		result = error_set(err, ERR_INVALID, "a tree of %" PRIu64
				   " leaves cannot hold leaf %" PRIu64, size, index);
	for (uint64_t begin = 0, count = size; result == OK && count > 1;) {
		uint64_t split = split_of(count);
		if (index < begin + split) {
			result = proof_add(reader, begin + split, count - split, &proof, err);
			count = split;
		} else {
			result = proof_add(reader, begin, split, &proof, err);
			begin += split;
			count -= split;
		}
	}
	if (result != OK)
		return result;
	proof_reverse(&proof);
	*ret_proof = proof;
	return OK;
}

/* SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2: down along the old tree's right edge. */
static enum err consistency_walk(const struct tree_reader *reader, uint64_t old_count,
				 uint64_t count, struct tree_proof *proof, struct error *err)
{
	assert(old_count >= 1);
	assert(old_count <= count);
	uint64_t begin = 0;
	enum err result = OK;
	while (result == OK && old_count < count) {
		uint64_t split = split_of(count);
		if (old_count <= split) {
			result = proof_add(reader, begin + split, count - split, proof, err);
			count = split;
		} else {
			result = proof_add(reader, begin, split, proof, err);
			begin += split;
			count -= split;
			old_count -= split;
		}
	}
	/* With begin 0 what is left is the old tree itself, whose root the verifier has. */
	if (result == OK && begin > 0)
		result = proof_add(reader, begin, count, proof, err);
	return result;
}

enum err tree_prove_consistency(const struct tree_reader *reader, uint64_t old_size,
				uint64_t new_size, struct tree_proof *ret_proof, struct error *err)
{
	struct tree_proof proof = { 0 };
	enum err result = size_check(new_size, err);
	if (result == OK && old_size > new_size)
		result = error_set(err, ERR_INVALID, "a tree of %" PRIu64
				   " leaves cannot begin with one of %" PRIu64, new_size, old_size);
	if (result == OK && old_size > 0 && old_size < new_size)
		result = consistency_walk(reader, old_size, new_size, &proof, err);
	if (result != OK)
		return result;
	proof_reverse(&proof);
	*ret_proof = proof;
	return OK;
}
