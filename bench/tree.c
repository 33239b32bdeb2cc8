/*
 * bench/tree.c: what the journal's tree costs. Appends leaves, reopens the tree, makes and checks
 * proofs; prints one line a figure. Usage: bench_tree [LEAVES], 10,000,000 when not said.
 *
 * The nodes go into memory here, as the rows a store would get; SQL is measured where SQL is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "journal/tree.h"
#include "journal/tree_verify.h"
#include "sys/clock.h"

#define LEAVES_DEFAULT 10000000
#define LEAVES_MAX 50000000
#define LEAF_BYTES 120 /* the metadata of an ordinary event and the MAC of its payload */
#define PROOFS 10000

/* Rows one after another: row i begins at node 2 * i - popcount(i). */
struct rows {
	struct tree_hash *node;
};

static uint64_t row_start(uint64_t leaf)
{
	return 2 * leaf - (uint64_t)__builtin_popcountll(leaf);
}

static enum err rows_read(void *context, unsigned level, uint64_t index, struct tree_hash *ret_hash,
			  struct error *err)
{
	const struct rows *rows = context;
	unsigned offset;
	uint64_t row = tree_row_of(level, index, &offset);
	(void)err;
	*ret_hash = rows->node[row_start(row) + offset / TREE_HASH_BYTES];
	return OK;
}

static void print(const char *what, time_us took, uint64_t count)
{
	printf("%-12s %10" PRIu64 " in %6.2f s = %8.0f ns each\n", what, count,
	       (double)took / TIME_SECOND, (double)took * 1000.0 / (double)count);
}

static void append_all(struct tree *tree, struct rows *rows, uint64_t leaves)
{
	char bytes[LEAF_BYTES] = { 0 };
	tree_init(tree);
	for (uint64_t i = 0; i < leaves; i++) {
		struct tree_hash leaf, nodes[TREE_LEVELS];
		memcpy(bytes, &i, sizeof i);
		tree_leaf_hash((struct str){ bytes, sizeof bytes }, &leaf);
		unsigned count = tree_append(tree, &leaf, nodes);
		memcpy(&rows->node[row_start(i)], nodes, count * sizeof nodes[0]);
	}
}

static bool prove_some(const struct tree_reader *reader, const struct tree *tree)
{
	struct tree_hash root;
	tree_root(tree, &root);
	for (uint64_t i = 0; i < PROOFS; i++) {
		uint64_t index = i * (tree->size / PROOFS), old_size = index + 1;
		struct tree_proof path, step;
		struct tree_hash leaf, old_root;
		if (rows_read(reader->context, 0, index, &leaf, NULL) != OK ||
		    tree_root_at(reader, old_size, &old_root, NULL) != OK ||
		    tree_prove_inclusion(reader, index, tree->size, &path, NULL) != OK ||
		    tree_prove_consistency(reader, old_size, tree->size, &step, NULL) != OK ||
		    !tree_verify_inclusion(&leaf, index, tree->size, &root, path.hash, path.count) ||
		    !tree_verify_consistency(old_size, &old_root, tree->size, &root, step.hash,
					     step.count))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct tree tree, again;
	struct tree_hash root, root_again;
	struct clock clock;
	int64_t leaves = LEAVES_DEFAULT;
	clock_system(&clock);
	if (argc > 1 && !str_int(str_of(argv[1]), PROOFS, LEAVES_MAX, &leaves)) {
		fprintf(stderr, "bench_tree: leaves must be %d..%d\n", PROOFS, LEAVES_MAX);
		return 2;
	}
	struct rows rows = { mem_alloc(2 * (size_t)leaves * sizeof(struct tree_hash)) };
	struct tree_reader reader = { rows_read, &rows };
	time_us start = clock_since_boot(&clock);
	append_all(&tree, &rows, (uint64_t)leaves);
	print("append", clock_since_boot(&clock) - start, (uint64_t)leaves);
	start = clock_since_boot(&clock);
	bool holds = prove_some(&reader, &tree);
	print("two proofs", clock_since_boot(&clock) - start, PROOFS);
	holds = holds && tree_open(&reader, (uint64_t)leaves, &again, NULL) == OK;
	tree_root(&tree, &root);
	tree_root(&again, &root_again);
	mem_free(rows.node);
	if (!holds || !tree_hash_eq(&root, &root_again)) {
		fprintf(stderr, "bench_tree: a proof or the reopened root is wrong\n");
		return 1;
	}
	return 0;
}
