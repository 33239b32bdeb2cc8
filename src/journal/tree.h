/*
 * tree.h: the Merkle tree over the journal (RFC 6962 section 2, SHA-256).
 *
 * Why: anyone who once saw a root can later check that nothing before it was changed, removed or
 * put in between. Appending costs two hashes on average; a proof is one hash a level.
 *
 * What is kept. A node is a full subtree: (level, index) covers the leaves index * 2^level up to
 * (index + 1) * 2^level. Appending a leaf finishes that leaf's node and every full subtree that
 * ends with it, so these are stored together: ONE row a leaf, `nodes` = the finished hashes from
 * level 0 upwards, 32 bytes each, 64 on average. Rows are written once, in rising order, at one
 * end of one B-tree, and travel in the same transaction as the event. Tiles of 256 were rejected:
 * the last tile would be rewritten by every commit (8 KiB of write-ahead log for each), and rows
 * keyed by (level, index) would be twice as many, at as many places as the tree has levels.
 *
 * `struct tree` is a plain value: the writer copies it, appends to the copy while it fills a batch,
 * and keeps the copy when the batch is committed.
 *
 * Nothing here stores or reads by itself: the caller writes the row and gives a reader. No clock,
 * no thread of its own; a tree belongs to one thread, readers are as thread-safe as their context.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define TREE_HASH_BYTES 32
#define TREE_LEVELS 62                                    /* node levels 0..61 */
#define TREE_SIZE_MAX ((UINT64_C(1) << TREE_LEVELS) - 1)  /* leaves; fits SQL's integers */
#define TREE_PROOF_MAX (TREE_LEVELS + 1)                  /* hashes; what a witness accepts */

struct tree_hash {
	unsigned char bytes[TREE_HASH_BYTES];
};

struct tree {
	uint64_t size;                      /* leaves */
	struct tree_hash peak[TREE_LEVELS]; /* peak[l] is set when bit l of size is: the full
	                                       subtrees, largest first, that make up the tree */
};

struct tree_proof {
	unsigned count;
	struct tree_hash hash[TREE_PROOF_MAX]; /* in the order of RFC 6962: from the leaf upwards */
};

/* Where stored nodes are read. `read` sets *ret_hash to the node (level, index) or fails with a
 * sentence; it is asked only for nodes of full subtrees within the size the caller named. */
struct tree_reader {
	enum err (*read)(void *context, unsigned level, uint64_t index, struct tree_hash *ret_hash,
			 struct error *err);
	void *context;
};

bool tree_hash_eq(const struct tree_hash *a, const struct tree_hash *b);
void tree_leaf_hash(struct str leaf, struct tree_hash *ret_hash); /* SHA-256(0x00 || leaf) */
void tree_node_hash(const struct tree_hash *left, const struct tree_hash *right,
		    struct tree_hash *ret_hash); /* SHA-256(0x01 || left || right) */

void tree_init(struct tree *tree); /* the empty tree; nothing to finish */

/* The tree of the first `size` leaves from stored nodes: at most 62 reads. */
enum err tree_open(const struct tree_reader *reader, uint64_t size, struct tree *ret_tree,
		   struct error *err);

/* Adds one leaf. Sets ret_nodes[0..n-1] to what is to be stored as the row of leaf number
 * (size before the call) and returns n, 1..62. The size must be below TREE_SIZE_MAX. */
unsigned tree_append(struct tree *tree, const struct tree_hash *leaf,
		     struct tree_hash ret_nodes[TREE_LEVELS]);

void tree_root(const struct tree *tree, struct tree_hash *ret_root); /* empty: SHA-256("") */

/* In which row a node stands, and at which byte of it. */
uint64_t tree_row_of(unsigned level, uint64_t index, unsigned *ret_offset_bytes);

/* Of any earlier state: the root, the proof that leaf `index` is in the tree of `size` leaves, the
 * proof that the tree of `new_size` begins with that of `old_size`. ERR_INVALID when the numbers
 * do not fit together; else the reader's error. At most 2 * 62 reads each. */
enum err tree_root_at(const struct tree_reader *reader, uint64_t size, struct tree_hash *ret_root,
		      struct error *err);
enum err tree_prove_inclusion(const struct tree_reader *reader, uint64_t index, uint64_t size,
			      struct tree_proof *ret_proof, struct error *err);
enum err tree_prove_consistency(const struct tree_reader *reader, uint64_t old_size,
				uint64_t new_size, struct tree_proof *ret_proof, struct error *err);
